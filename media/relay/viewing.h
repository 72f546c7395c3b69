// SPDX-License-Identifier: Apache-2.0
/* What becomes of a line at its viewer, second by second: which packets were sent, which of them are
 * known to have arrived, which pictures that makes whole and decodable, and for how long there was no
 * new one. Fed with each packet that leaves and with what the viewer reports (transport-wide feedback,
 * NACKs). A second is settled some time after it, when what was lost in it has been sent again.
 *
 * Pure: nothing is allocated after viewing_new, times come in. The viewer's reports can be anything:
 * what is made up changes what is noted of that viewer only. */
#ifndef LOUPE_MEDIA_RELAY_VIEWING_H
#define LOUPE_MEDIA_RELAY_VIEWING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "media/codec.h"
#include "media/seenlog.h"

struct viewing;

/** Beginning with the second of `unix_us`. ER_NOMEM. */
int viewing_new(struct viewing **ret, enum media_kind kind, uint64_t unix_us);
/** NULL is fine. */
void viewing_free(struct viewing *v);
/** Something else is shown from now on: as if new. */
void viewing_restart(struct viewing *v, uint64_t unix_us);

/** A packet that leaves for the viewer. */
struct viewing_packet {
    uint16_t seq;       /* as the viewer knows it */
    uint32_t timestamp; /* likewise */
    bool numbered;      /* its arrival will be reported */
    bool again;         /* it was sent before */
    bool empty;         /* it only fills a place */
    bool starts, ends;  /* a picture, as this viewer is shown it */
    bool key;           /* with `starts`: one that needs no other */
    bool reference;     /* others may need it */
    uint8_t temporal;   /* none of a lower layer needs it */
    uint8_t redundancy; /* so many packets before it, of sound, are in it as well */
};
void viewing_sent(struct viewing *v, uint64_t unix_us, const struct viewing_packet *p);
/** What is shown from now on. */
void viewing_layer(struct viewing *v, const struct seenlog_layer *layer);
/** The viewer has it, since `unix_us`. */
void viewing_arrived(struct viewing *v, uint64_t unix_us, uint16_t seq);
/** The report that would have told was lost itself: so it is, unless the viewer asked for the packet. */
void viewing_presumed(struct viewing *v, uint64_t unix_us, uint16_t seq);
/** The viewer asks for it; `rtt_us` ago it could not know yet what was sent since. 0: unknown. */
void viewing_nacked(struct viewing *v, uint64_t unix_us, uint64_t rtt_us, uint16_t seq);

/** The next second that is settled at `unix_us`, or with `all` the next up to that of `unix_us`, whatever
 *  may still change. False: there is none. `told`: the viewer has reported what arrives, ever. */
bool viewing_take(struct viewing *v, uint64_t unix_us, bool all, bool told, uint32_t *ret_at,
                  struct seenlog_second *ret);
/** As viewing_take with `all`, of the seconds behind those taken, which stay. `index` from 0. */
bool viewing_peek(const struct viewing *v, uint64_t unix_us, unsigned index, bool told,
                  uint32_t *ret_at, struct seenlog_second *ret);

#endif
