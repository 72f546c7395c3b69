// SPDX-License-Identifier: Apache-2.0
/* The path to one viewer: what it carries (bwe.h), when packets leave (pacer.h), and how it is divided
 * among what the viewer is shown. Sound always has its share; pictures get the layers that fit
 * (allocate.h) and give way step by step where none does (ladder.h).
 *
 * One path serves all the slots of a viewer. Each slot is attached once made, and detached before it
 * goes. Until the viewer's reports tell something there is no limit, but for a slow start where
 * transport-wide feedback was agreed. */
#ifndef LOUPE_MEDIA_RELAY_DOWNLINK_H
#define LOUPE_MEDIA_RELAY_DOWNLINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "media/relay/bwe.h"
#include "media/relay/ladder.h"

struct downlink;
struct slot;

/** What the viewer has use for on one line. */
struct downlink_view {
    bool paused;
    uint16_t max_width, max_height; /* pixels on the screen; 0: any */
    int8_t layer;                   /* none above this, from 0; -1: any */
};
#define DOWNLINK_VIEW_ALL ((struct downlink_view){.layer = -1})

enum downlink_state {
    DOWNLINK_VIDEO,
    DOWNLINK_SLIDESHOW,
    DOWNLINK_AUDIO_ONLY,
    DOWNLINK_PAUSED, /* as the viewer wished */
};

struct downlink_config {
    bool twcc; /* transport-wide feedback was agreed */
    /** The state of a slot, or what it may cost (downlink_slot_bps), is another now. May be NULL. */
    void (*changed)(void *ctx, struct slot *slot, uint64_t now_us);
    void *ctx;
};

int downlink_new(struct downlink **ret, const struct downlink_config *config, uint64_t now_us);
/** Slots are detached first. NULL is fine. */
void downlink_free(struct downlink *d);
/** After an offer: feedback was agreed now, or no longer. */
void downlink_set_twcc(struct downlink *d, bool twcc);

/** `rtx`: packets can be sent again under numbers of their own, which is what probes are made of. */
int downlink_attach(struct downlink *d, struct slot *slot, bool rtx, uint64_t now_us);
void downlink_detach(struct downlink *d, struct slot *slot);
void downlink_view(struct downlink *d, struct slot *slot, const struct downlink_view *view,
                   uint64_t now_us);

/* Sending */

/** May a picture's packet leave now? Sound need not ask. */
bool downlink_may_send(const struct downlink *d, uint64_t now_us);
/** When it may. */
uint64_t downlink_next_us(const struct downlink *d);
/** So many bytes of old pictures may be sent to a slot that begins: more take too long. */
uint32_t downlink_replay_bytes(const struct downlink *d);
/** Bytes that may be sent again in a second; UINT32_MAX: no limit. */
uint32_t downlink_resend_bytes(const struct downlink *d);
/** A queue stands on the path, so what is lost is lost there. */
bool downlink_is_full(const struct downlink *d);
/** It loses packets in runs, more than by chance. */
bool downlink_loses_runs(const struct downlink *d);
/** A packet leaves: its transport-wide number. */
uint16_t downlink_sent(struct downlink *d, uint64_t now_us, uint32_t bytes, unsigned probe);
/** One without a number. */
void downlink_sent_unnumbered(struct downlink *d, uint64_t now_us, uint32_t bytes);

/* What the viewer reports; as their namesakes in bwe.h */

void downlink_feedback(struct downlink *d, uint64_t now_us, const struct twcc_arrival *arrivals,
                       size_t count);
void downlink_remb(struct downlink *d, uint64_t now_us, uint32_t bps);
void downlink_receiver_report(struct downlink *d, uint64_t now_us, uint8_t fraction_lost,
                              uint64_t rtt_us);

/* Time */

void downlink_expire(struct downlink *d, uint64_t now_us);
/** When downlink_expire has work; UINT64_MAX while it has none. */
uint64_t downlink_deadline_us(const struct downlink *d);

/* Seeing */

/** The estimate; 0 while there is no limit. */
uint32_t downlink_bps(const struct downlink *d);
/** False while nothing was sent. */
bool downlink_get_bwe(const struct downlink *d, struct bwe_state *ret);
enum downlink_state downlink_slot_state(const struct downlink *d, const struct slot *slot);
/** What the slot's picture may cost at most, that of its present layer and what is left over included;
 *  UINT32_MAX: no limit. A publisher with one layer is told to send no more than its best viewer can
 *  take. */
uint32_t downlink_slot_bps(const struct downlink *d, const struct slot *slot);

/** Has the processor fetch what the next packet will need (base/fetch.h), in three steps from 0 on. */
void downlink_fetch(const struct downlink *d, unsigned step);

#endif
