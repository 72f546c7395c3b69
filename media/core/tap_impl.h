// SPDX-License-Identifier: Apache-2.0
/* What tap.c (a tap's life) and tap_read.c (its reading) share. */
#ifndef LOUPE_MEDIA_CORE_TAP_IMPL_H
#define LOUPE_MEDIA_CORE_TAP_IMPL_H

#include "media/core/hub_private.h"

#define TAP_KEEP_MORE_US (LIMIT_LOOKBACK_KEY_US + 5000000u) /* than can be looked back */

struct tap_source {
    struct track *track;       /* NULL: free */
    struct encoding *encoding; /* of it, being read */
    struct tape_cursor cursor;
    struct steady_clock clock; /* so that times in the clip have no jumps */
    int64_t end_seq;           /* the last packet that belongs to the clip; 0: not known yet */
};

#define TAP_PICTURES 4 /* that a listening one reads */
#define TAP_SOURCES (LIMIT_MIX_SOURCES + TAP_PICTURES)

struct tap {
    struct list in_room;
    struct heap_node timer;
    struct hub *hub;
    struct hub_room *room; /* NULL: it has closed, and the recorder is still to be told */
    struct id room_id;
    struct id clip;
    char publisher[MEDIA_IDENTITY_BYTES];
    uint64_t end_at_us; /* it is closed then, whatever is missing */
    bool listens;  /* no clip's: reads the room for its standing mix; pictures among `audio`, too */
    bool closing;  /* only RECORD_CLOSE or RECORD_DEAF is still to be handed over */
    bool stopping; /* what is on the tapes is waited for: see end_seq */
    uint64_t close_unix_us;
    /* While it reads what was before it began: how far, in time of capture. Then 0. */
    uint64_t replay_unix_us;
    bool waits; /* in that it could not go on: packets are missing, or the recorder takes no more */
    uint64_t
        whole_unix_us; /* of a listening one: what was said before may be missing; 0: nothing is */
    uint64_t sound_until_us; /* in unix time: a voice misses packets from there on; 0: none does */
    struct tap_source picture; /* no track while the publisher has none */
    struct tap_source audio[TAP_SOURCES];
    struct record_batch *batch;            /* being filled; may be NULL */
    struct record_batch *kept, **kept_end; /* of a replay, while the recorder takes no more */
};

/* tap_read.c */

struct record_batch *tap_batch_new(const struct tap *tap, enum record_step step, uint64_t unix_us);
int tap_batch_hand_over(struct hub *h, struct record_batch *b);
void tap_put_mark(struct tap *tap, uint64_t now_us, enum framelog_mark mark, const char *text);
/** Of what happened to the picture, all since the beginning of the clip, and how it was then. */
void tap_put_past_marks(struct tap *tap, uint64_t now_us, uint64_t begin_unix_us);
/** Who is recorded from the beginning. */
void tap_put_consents(struct tap *tap, uint64_t now_us);
bool tap_consents(const struct hub_room *r, const char *identity);
/** Begin with the picture and the voices that are there, `from_unix_us` ago (0: with what comes). The
 *  moment at which the clip begins. */
uint64_t tap_begin(struct tap *tap, uint64_t now_us, uint64_t from_unix_us);
void tap_find_voices(struct tap *tap, uint64_t now_us);
void tap_end_voice(struct tap *tap, struct tap_source *s, uint64_t now_us);
/** Take over all that can be read. `last`: no more is waited for. */
void tap_read_all(struct tap *tap, uint64_t now_us, bool last);
/** What `s` has, now. */
void tap_read_last(struct tap *tap, uint64_t now_us, struct tap_source *s);
/** What a replay has read already goes to the recorder first; false: it does not take all of it. */
bool tap_hand_over_kept(struct tap *tap);
void tap_drop_kept(struct tap *tap);
/** Hand over what was read; an empty batch still tells the time. */
void tap_pass_on(struct tap *tap, uint64_t now_us);
/** The clip has all that belongs to it (see tap.stopping). */
bool tap_is_done(const struct tap *tap);
/** What is on the tapes now is the end of the clip. */
void tap_set_end(struct tap *tap);

#endif
