// SPDX-License-Identifier: Apache-2.0
/* What those who take part in a call were shown, second by second: gathered as packets leave and reports
 * come (viewing.h), and handed over now and then (MEDIA_SEEN). Of an audience nothing is kept. */
#ifndef LOUPE_MEDIA_CORE_SEEN_H
#define LOUPE_MEDIA_CORE_SEEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "media/codec.h"
#include "media/wire/twcc.h"

struct hub_room;
struct member;
struct member_line;
struct relay_packet;
struct seen_path;
struct seen_line;

/** The line is about to have a slot. Nothing is kept where there is no memory, or LIMIT_SEEN_LINES are. */
void seen_line_begin(struct member_line *l, enum media_kind kind, uint64_t now_us);
/** The slot is about to go: what is known of the line is handed over. */
void seen_line_end(struct member_line *l, uint64_t now_us);
/** The same of all lines of a member, at once. */
void seen_member_end(struct member *m, uint64_t now_us);
void seen_path_free(struct seen_path *p);

/** A packet leaves; `number` is its transport-wide one, NULL: it has none. */
void seen_sent(struct member_line *l, const struct relay_packet *out, const uint8_t *number,
               unsigned redundancy);
void seen_feedback(struct member *m, uint64_t now_us, const struct twcc_arrival *arrivals,
                   size_t count);
/** Before they are sent again. */
void seen_nacked(struct member_line *l, uint64_t now_us, const uint16_t *seqs, size_t count);

/** About once a second: seconds that are settled are noted, and now and then handed over. */
void seen_tick(struct member *m, uint64_t now_us);
enum seen_flush {
    SEEN_SETTLED, /* what is settled */
    SEEN_SO_FAR,  /* also what is not: it will be told again */
    SEEN_ALL,     /* also what is not: it will not be told again */
};
void seen_flush(struct hub_room *r, uint64_t now_us, enum seen_flush how);

#endif
