// SPDX-License-Identifier: Apache-2.0
/* The conductor of live calls: joins signalling sessions, rooms, the media engine, the queue and
 * the case. Everything here belongs to the signalling thread; nothing blocks: what needs the store
 * or the media engine answers through a callback. */
#ifndef LOUPE_SERVER_CALLS_H
#define LOUPE_SERVER_CALLS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/entropy.h"
#include "base/id.h"
#include "base/log.h"
#include "server/auth.h"
#include "server/dbq.h"
#include "server/store_keep.h"
#include "signaling/pairing/queue.h"
#include "signaling/sessions.h"

struct calls;
struct ice_servers;
struct media;
struct sealer;
struct vault;

/** Where the time comes from, so that tests can turn it. */
struct calls_clock {
    uint64_t (*now_us)(void *ctx);  /* monotonic */
    uint64_t (*unix_us)(void *ctx); /* wall clock */
    void *ctx;
};

struct calls_config {
    struct media *media;
    struct dbq *dbq;
    struct sealer *sealer; /* NULL: clips are not sealed; for tests */
    struct auth *auth;
    struct pace *pace;   /* NULL: nobody is held back */
    struct log *log;     /* may be NULL */
    struct vault *vault; /* of what is uploaded; may be NULL */
    struct entropy entropy;
    const char *data; /* the data folder: clips go to <data>/blobs/<xx>/<clip id> */
    const struct ice_servers *ice_servers; /* for `welcome`; NULL: none */
    const struct calls_clock *clock;       /* copied; NULL: base/clock.h */
    unsigned lookback_seconds;             /* what the media engine keeps; 0: nothing */
    uint64_t min_free_bytes; /* where clips go; with less nothing new is begun. 0: never mind */
    const struct queue_policy *pairing; /* copied; NULL: as queue_policy_init has it */
};

/** Borrows what the config points to. Marks what an earlier process left recording and has it
 *  repaired. ER_NOMEM, ER_FULL. */
int calls_new(struct calls **ret, const struct calls_config *config);
/** After http, ws and whip are gone. Jobs that dbq finishes later are harmless. NULL is fine. */
void calls_free(struct calls *c);

/** What people are told of ICE servers; never NULL. */
const struct ice_servers *calls_ice_servers(const struct calls *c);
/** For ws_new. */
struct sessions *calls_sessions(struct calls *c);

/** Once per turn of the loop. */
void calls_tick(struct calls *c);
uint64_t calls_deadline_us(const struct calls *c);
/** When media_event_fd() is readable: fetches and carries out all events. */
void calls_on_media_events(struct calls *c);

/* What the REST API asks for. `done` is called exactly once, perhaps before the call returns, perhaps
 * after the client has gone. er: 0 with `body` (borrowed; may be NULL); ER_NOT_FOUND, ER_DENIED,
 * ER_CONFLICT, ER_INVALID, ER_FULL (429), ER_CLOSED (the server drains: 503), .. with `why`. */
typedef void calls_done(void *ctx, int er, const char *why, const json_t *body);

/** Start a clip: `publisher` and `label` may be NULL. The row is durable when `done` gets the clip
 *  as GET /clips/{id} has it. ER_CONFLICT: the publisher has not consented; ER_NOT_FOUND: no such
 *  room, or nobody of that name in it. */
void calls_clip_start(struct calls *c, const struct claims *who, const char *room,
                      const char *publisher, const char *label, calls_done *done, void *ctx);
/** The same of a clip that begins in the past. */
struct calls_past {
    unsigned seconds; /* so long ago, with the key frame at or before that; 0: now */
    bool ends;        /* and ends now: a look-back */
};
/** ER_INVALID: more than is kept. */
void calls_clip_start_past(struct calls *c, const struct claims *who, const char *room,
                           const char *publisher, const char *label, const struct calls_past *past,
                           calls_done *done, void *ctx);
/** The clip as it is then: `recording` until the file is finished. Stopping twice is no error. */
void calls_clip_stop(struct calls *c, const struct claims *who, const char *clip, calls_done *done,
                     void *ctx);
/** Take a still: `publisher` and `label` may be NULL. The row is durable and the file there when `done`
 *  gets it as GET /stills/{id} has it. ER_CONFLICT: no consent, or no picture; ER_NOT_FOUND: no such
 *  room, or nobody of that name in it. */
void calls_still(struct calls *c, const struct claims *who, const char *room, const char *publisher,
                 const char *label, calls_done *done, void *ctx);
/** A part of a ready clip as another one, that begins with the last key frame at or before `from_ms`.
 *  ER_CONFLICT: not ready, not sealed, or a part itself; ER_INVALID: nothing lies there. */
void calls_clip_trim(struct calls *c, const struct claims *who, const char *clip, uint64_t from_ms,
                     uint64_t to_ms, calls_done *done, void *ctx);
/** A piece of a photograph that was asked of `who`. It is durable when `done` gets {"offset", "complete"},
 *  also with ER_STALE (`offset` was not that); with the last one it gets the still. ER_NOT_FOUND, ER_DENIED
 *  (asked of somebody else), ER_FULL (too large), ER_CONFLICT (being checked), ER_MALFORMED and
 *  ER_UNSUPPORTED (no such picture: it is dropped), ER_IO. */
struct calls_photo_piece {
    bool only_look; /* how far it is */
    uint64_t offset;
    const uint8_t *data; /* borrowed until `done` */
    size_t len;
    bool complete;      /* the last piece; then */
    uint8_t sha256[32]; /* of all of them */
    bool keep_place;    /* `who` agrees that the photograph says where it was taken */
};
void calls_photo_piece(struct calls *c, const struct claims *who, const char *photo,
                       const struct calls_photo_piece *piece, calls_done *done, void *ctx);
/** The same of an attachment that `who` began; with the last piece `done` gets it as GET /attachments/{id} has it, on its
 *  case. ER_CONFLICT: another piece of it is being taken; ER_MALFORMED (not what was hashed) and ER_UNSUPPORTED (of no type
 *  that is taken): it is dropped. */
void calls_attachment_piece(struct calls *c, const struct claims *who, const char *attachment,
                            const struct calls_photo_piece *piece, calls_done *done, void *ctx);
/** One that `who` began goes before it is whole: `done` gets nothing. ER_NOT_FOUND; ER_DENIED; ER_CONFLICT: it is whole, or a
 *  piece of it is being taken. */
void calls_attachment_drop(struct calls *c, const struct claims *who, const char *attachment,
                           calls_done *done, void *ctx);
struct store_attachment;
/** On the store thread: store_attachment_begin; what came from the same person long ago and is not whole gives way. */
int calls_attachment_begin(struct store *s, struct store_attachment *a, uint64_t unix_us);
/** On the store thread: attachments that were begun long ago, and never came whole, go. */
void calls_tidy_attachments(struct store *s, uint64_t unix_us);
/** On the store thread: <data>/blobs/<xx>; both may be there. 0 or ER_IO. */
int calls_make_folder(const char *path);
/** A clip, still or attachment is deleted, for whoever may: `done` gets its tombstone once its files are gone. ER_DENIED;
 *  ER_STALE: it was before, and `done` gets the tombstone, too; ER_NOT_FOUND; ER_CONFLICT: held, disputed,
 *  recording, or being made a part of; ER_IO: it is deleted, but its files are there yet. */
struct calls_unwanted {
    const char *id;
    enum keep_object object;
    bool parts; /* of a clip: what was trimmed from it, too */
    const char *reason;
};
void calls_delete(struct calls *c, const struct claims *who, const struct calls_unwanted *what,
                  calls_done *done, void *ctx);
/** What is due may have changed: look for it now. */
void calls_sweep_soon(struct calls *c);
/** That person's consent to being recorded: an event on the case, then carried out. */
void calls_consent(struct calls *c, const struct claims *who, const char *room, bool recording,
                   calls_done *done, void *ctx);
/** GET /rooms/{room}: people, tracks, bitrates, loss. */
void calls_room_view(struct calls *c, const struct claims *who, const char *room, calls_done *done,
                     void *ctx);
/** A wrap-up is given, or its time extended: an event on the case, then `done` gets it. ER_DENIED, ER_NOT_FOUND (none is
 *  owed), ER_CONFLICT (as often as it may be), ER_INVALID. */
struct calls_wrap {
    const char *case_id;
    const char *agent;              /* who owes it; NULL: whoever asks */
    const char *disposition, *note; /* note NULL: none */
    bool extend;
};
void calls_wrap_up(struct calls *c, const struct claims *who, const struct calls_wrap *ask,
                   calls_done *done, void *ctx);
/** A case was changed by the API: people in its room and queue are told, by `case` messages. */
void calls_case_changed(struct calls *c, const struct id *case_id);

/** Business hours of that merchant and team ("": its own) were set: they are read anew; NULL: those of all. */
void calls_hours_changed(struct calls *c, const char *merchant, const char *team);

/** Whether a session that was opened with the token of this jti goes on: by WebSocket (also while it
 *  may be resumed), WHIP or WHEP. */
bool calls_token_lives(const struct calls *c, const char *jti);

/** No new joins; clips are finalised, people told and closed with 1012; then `done(ctx)`. */
void calls_drain(struct calls *c, void (*done)(void *ctx), void *ctx);
bool calls_is_draining(const struct calls *c);
/** Whether the disk has too little room for anything new. */
bool calls_is_disk_low(const struct calls *c);
/** Whether a clip could not be sealed, or entered on its case, yet. */
bool calls_has_unsaved(const struct calls *c);

/** For /metrics. */
struct calls_gauges {
    size_t links, sessions, rooms, people, waiting, agents_available, calls, whip, whep;
    size_t clips_recording, clips_unsaved;
    uint64_t seals, seals_failed;
    uint64_t unstamped; /* clips that wait for a time stamp */
    uint64_t stamped, stamp_tries_failed, stamps_given_up;
    uint64_t shapes_drawn, camera_wishes;
    uint64_t stills_taken;
    uint64_t attachments_added, attachments_refused, attachments_given_up;
    uint64_t attachment_bytes; /* of added ones */
    uint64_t deleted, deleted_due, deletions_failed;
    /* Wrap-ups that are owed and, of those, overdue; given, and ever overdue. */
    size_t wraps_owed, wraps_late;
    uint64_t wraps_given, wraps_overdue;
    uint64_t timers_run;     /* timers of cases that ran out */
    uint64_t timers_put_off; /* for what could not happen then */
    uint64_t desks_told;     /* messages of changed cases */
    uint64_t closed_to;      /* buyers who came outside of business hours, */
    uint64_t closed_on;      /* and who waited in vain at closing time */
    uint64_t lenses_covered; /* stretches found in clips */
    uint64_t bookings_rung, bookings_reminded, bookings_kept; /* call-backs and appointments */
    uint64_t bookings_no_shows, bookings_given_up;            /* given up: left open for staff */
    uint64_t pictures_hashed; /* of clips, when they came: before they were asked for */
    uint64_t seen_logs, seen_bytes, seen_dropped; /* of what participants were shown */
    uint64_t disk_free_bytes;                     /* 0: not looked at */
    uint64_t messages_in, errors_out, calls_started, calls_passed_on, calls_taken_over;
    struct queue_counts queue;
};
void calls_read_gauges(const struct calls *c, struct calls_gauges *ret);

#endif
