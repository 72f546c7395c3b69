// SPDX-License-Identifier: Apache-2.0
/* One worker's whole state, without a socket or a clock: rooms, members and the recorder's taps.
 * Datagrams, commands and `now` come in; datagrams, events, batches for the recorder and the next
 * deadline go out. A worker thread drives one hub; so does a simulation, in virtual time. */
#ifndef LOUPE_MEDIA_CORE_HUB_H
#define LOUPE_MEDIA_CORE_HUB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/entropy.h"
#include "media/core/mirror.h"
#include "media/core/record_batch.h"
#include "media/core/still_batch.h"
#include "media/media.h"
#include "media/peer/dtls.h"
#include "media/peer/path.h"

struct hub;

/** Where a hub's output goes; called synchronously from within hub functions. */
struct hub_io {
    /** Room for a datagram of up to `size` bytes to `to`, or NULL: dropped, and counted by the hub.
     *  At most one reservation is open at a time. */
    uint8_t *(*reserve)(void *ctx, const struct path *to, size_t size);
    /** Send the first `len` bytes of what was reserved; 0: never mind. */
    void (*commit)(void *ctx, size_t len);
    /** May be NULL. A path with a `via` of its own is not this hub's any more: it may be closed. */
    void (*release)(void *ctx, const struct path *path);
    /** Ownership of what the event points to moves. */
    void (*event)(void *ctx, const struct media_event *event);
    /** A letter to another worker. 0: what it owns moves; else it does not. NULL: there is none. */
    int (*post)(void *ctx, unsigned worker, const struct mirror_message *letter);
    /** How many letters to that worker will be taken now; NULL without `post`. */
    size_t (*post_room)(void *ctx, unsigned worker);
    /** 0: ownership of the batch moves. ER_FULL: the recorder is too slow; the hub keeps it. */
    int (*record)(void *ctx, struct record_batch *batch);
    /** 0: ownership of the batch moves; it answers with MEDIA_STILL or
     *  MEDIA_LIGHT. NULL: there are no stills. */
    int (*still)(void *ctx, struct still_batch *batch);
};

struct hub_config {
    const struct hub_io *io;
    void *io_ctx;
    struct entropy entropy;
    const struct dtls_identity *identity; /* outlives the hub */
    const struct addr *candidates;        /* copied */
    size_t candidate_count;
    const struct addr *tcp_candidates; /* passive; copied */
    size_t tcp_candidate_count;
    char ufrag_mark;         /* what the ICE ufrags begin with (icelite_mark); 0: any letter */
    uint64_t unix_offset_us; /* unix time = now_us + this */
    uint64_t lookback_us;    /* what those who have consented sent is kept so long; 0: not at all */
    uint64_t first_track;    /* track ids count up from here by `track_step`, */
    uint64_t track_step;     /* so that workers never give the same one */
};

int hub_new(struct hub **ret, const struct hub_config *config);
/** Nothing is sent or told; see hub_close_all. NULL is fine. */
void hub_free(struct hub *h);
/** Before the end: clips are closed, peers get close_notify. */
void hub_close_all(struct hub *h, uint64_t now_us);

/** A datagram from the network. `data` is worked on in place. Bad ones are counted and dropped. */
void hub_datagram(struct hub *h, uint64_t now_us, const struct path *from, uint8_t *data,
                  size_t len);
/** These will be handed in next: has the processor fetch what they concern, all at once instead of each in
 *  its turn. */
void hub_foresee(const struct hub *h, const struct datagram *batch, size_t count);
/** Whether a path has proved to be some peer's. */
bool hub_has_path(const struct hub *h, const struct path *path);
/** Nothing can be sent there any more: a TCP connection ended. Not told by `release`. */
void hub_path_gone(struct hub *h, uint64_t now_us, const struct path *path);
/** When hub_expire has work; UINT64_MAX when idle, 0 while packets wait to be forwarded: the caller
 *  hands in all datagrams that it has, then calls hub_expire once. */
uint64_t hub_deadline_us(const struct hub *h);
void hub_expire(struct hub *h, uint64_t now_us);

/** A letter from another worker; what it owns is the hub's. */
void hub_mirror(struct hub *h, uint64_t now_us, unsigned from, struct mirror_message *letter);
/** Open a room that mirrors the one at worker `home`: it takes viewers only. */
int hub_room_mirror(struct hub *h, const struct id *room, unsigned home);

/* Commands; contracts as their namesakes in media.h. */
int hub_room_open(struct hub *h, const struct id *room);
int hub_room_close(struct hub *h, uint64_t now_us, const struct id *room);
void hub_peer_add(struct hub *h, uint64_t now_us, const struct id *room,
                  const struct media_peer_config *config, uint64_t request, const char *offer,
                  size_t len, const struct media_want *wants, size_t want_count);
void hub_peer_offer(struct hub *h, uint64_t now_us, const struct id *room, uint64_t peer,
                    uint64_t request, const char *offer, size_t len, const struct media_want *wants,
                    size_t want_count);
void hub_peer_remove(struct hub *h, uint64_t now_us, const struct id *room, uint64_t peer);
void hub_view(struct hub *h, uint64_t now_us, const struct id *room, uint64_t peer, const char *mid,
              const struct media_view *view);
void hub_consent(struct hub *h, uint64_t now_us, const struct id *room, const char *identity,
                 bool recording);
void hub_mark(struct hub *h, uint64_t now_us, const struct id *room, const char *identity,
              enum framelog_mark mark, const char *text);
void hub_clip_start(struct hub *h, uint64_t now_us, const struct id *room,
                    const struct media_clip_config *config);
void hub_clip_stop(struct hub *h, uint64_t now_us, const struct id *room, const struct id *clip);
void hub_still(struct hub *h, uint64_t now_us, const struct id *room,
               const struct media_still_config *config);
void hub_light(struct hub *h, uint64_t now_us, const struct id *room,
               const struct media_light_config *config);
void hub_light_begins(struct hub *h, uint64_t now_us, const struct id *room, const char *publisher);
void hub_stats(struct hub *h, uint64_t now_us, const struct id *room, uint64_t request);

/** Totals of this hub; plain numbers that only the hub's thread writes. */
const struct media_counters *hub_counters(const struct hub *h);

#endif
