// SPDX-License-Identifier: Apache-2.0
/* What a check found: each finding in words and, as far as it has one, with its place. */
#ifndef LOUPE_SERVER_SEAL_REPORT_H
#define LOUPE_SERVER_SEAL_REPORT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REPORT_FINDINGS 200 /* further ones are counted only */

/** As the exit code of loupe-verify. */
enum report_verdict { REPORT_VERIFIES, REPORT_WRONG, REPORT_CANNOT_TELL };

struct report {
    size_t wrong, unsure, notes; /* how many of each */
    json_t
        *findings; /* [{kind, what, text, row?, file?, byte?, second?, track?, at_ms?, event?}] */
    const char *file; /* said with each finding from here on; NULL: none */
    const char *row;  /* likewise: "table key", of a database */
};

enum report_kind { REPORT_IS_WRONG, REPORT_IS_UNSURE, REPORT_NOTE };

#define REPORT_NOWHERE (-1)
/** Where a finding is; REPORT_NOWHERE: not said. */
struct report_place {
    int64_t byte, second, track, at_ms, event;
};
#define REPORT_ANYWHERE                                                                            \
    ((struct report_place){REPORT_NOWHERE, REPORT_NOWHERE, REPORT_NOWHERE, REPORT_NOWHERE,         \
                           REPORT_NOWHERE})
struct report_place report_at_byte(uint64_t byte);
struct report_place report_at_second(uint64_t second);
struct report_place report_at_frame(uint32_t track, uint64_t at_ms, uint64_t byte);
struct report_place report_at_event(uint64_t seq);

/** ER_NOMEM. Clear it in any case. */
int report_init(struct report *r);
void report_clear(struct report *r);
/** `what`: "frame", "second", "part", "file", "manifest", "signature", "key", "timestamp", "event",
 *  "still", "entry", "certificate", "row", "schema", "database". */
void report_add(struct report *r, enum report_kind kind, const char *what,
                struct report_place place, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));
enum report_verdict report_verdict(const struct report *r);
/** For people: the findings, a line each, and the verdict. */
void report_print(const struct report *r);
/** {"verdict": "verifies" | "does not verify" | "cannot tell", "wrong", "findings"}; NULL without
 *  memory. */
json_t *report_json(const struct report *r);

#endif
