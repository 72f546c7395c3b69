// SPDX-License-Identifier: Apache-2.0
/* Structured log: an event name and key=value fields, as text or JSON lines on stderr. Used by the
 * server and by threads' main loops; libraries below them return errors and events instead. */
#ifndef LOUPE_BASE_LOG_H
#define LOUPE_BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

/** One per process; any thread may use it. */
struct log;

int log_new(struct log **ret, int fd, enum log_level level, bool json);
void log_free(struct log *l);
void log_set_level(struct log *l, enum log_level level);
/** "debug" .. "error"; 0 or ER_INVALID. */
int log_parse_level(const char *text, enum log_level *ret);

/** One line. `fields` is a printf format of blank-separated key=value pairs, or NULL; values with
 *  blanks or quotes must be written with LOG_Q and log_quote. NULL `l` is silent. */
void log_event(struct log *l, enum log_level level, const char *event, const char *fields, ...)
    __attribute__((format(printf, 4, 5)));

/** For what peers can trigger: at most `burst` lines a minute per limiter, then one line that says
 *  how many were left out. Zeroed memory is a limiter of 10. */
struct log_limiter {
    uint64_t window_us;
    uint32_t count;
    uint32_t suppressed;
    uint32_t burst;
};
/** True when this line may be written. One thread per limiter. */
bool log_allow(struct log_limiter *limiter, uint64_t now_us, uint32_t *ret_suppressed);

#endif
