// SPDX-License-Identifier: Apache-2.0
/* Structured log: an event name and key=value fields, as text or JSON lines on stderr. Used by the
 * server and by threads' main loops; libraries below them return errors and events instead. */
#ifndef LOUPE_BASE_LOG_H
#define LOUPE_BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

/** One per process; any thread may use it. */
struct log;

/** Lines go to `fd`, which stays the caller's. 0 or ER_NOMEM. */
int log_new(struct log **ret, int fd, enum log_level level, bool json);
void log_free(struct log *l);
void log_set_level(struct log *l, enum log_level level);
/** "debug" .. "error"; 0 or ER_INVALID. */
int log_parse_level(const char *text, enum log_level *ret);

/** One line. `fields` is a printf format of blank-separated key=value pairs, or NULL; keys are of
 *  [a-z0-9_], begin with a letter and differ from time, level, event and truncated. Text from
 *  outside goes through log_quote. The line is well formed whatever the values hold: control
 *  characters and bytes that are not UTF-8 are escaped, a word that is not the first pair of its
 *  key belongs to the value before it, and a line over LOG_FIELDS_BYTES is cut and says
 *  truncated=true. In JSON, numbers, true and false stay what they are; all else, and whatever is
 *  quoted, is a string.
 *  NULL `l` is silent. Leaves errno alone. */
void log_event(struct log *l, enum log_level level, const char *event, const char *fields, ...)
    __attribute__((format(printf, 4, 5)));

#define LOG_FIELDS_BYTES 2048

/** `text` (NULL: empty) in quotes, for a value that may hold anything: "name=%s". Cut to what fits
 *  into `size` bytes (at least 3). Returns `dst`. */
const char *log_quote(char *dst, size_t size, const char *text);

/** For what peers can trigger: at most `burst` lines a minute per limiter, then one line that says
 *  how many were left out. Zeroed memory is a limiter of 10. */
struct log_limiter {
    uint64_t window_us;
    uint32_t count;
    uint32_t suppressed;
    uint32_t burst;
};
/** True when this line may be written; then *ret_suppressed says how many were left out before it
 *  (0: no need to tell). One thread per limiter. */
bool log_allow(struct log_limiter *limiter, uint64_t now_us, uint32_t *ret_suppressed);

#endif
