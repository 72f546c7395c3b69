// SPDX-License-Identifier: Apache-2.0
/* What the parts of the conductor (calls*.c, whip.c) share: rooms, people's sessions, media peers,
 * clips, and work for the store that comes back later. */
#ifndef LOUPE_SERVER_CALLS_IMPL_H
#define LOUPE_SERVER_CALLS_IMPL_H

#include "base/heap.h"
#include "base/list.h"
#include "base/map.h"
#include "media/media.h"
#include "server/calls.h"
#include "server/calls_desk.h"
#include "server/store.h"
#include "server/store_keep.h"
#include "server/store_wraps.h"
#include "signaling/chat.h"
#include "signaling/pairing/queue.h"
#include "signaling/roster.h"

#define CREDIT_US                                                                                  \
    UINT64_C(180000000)  /* that a buyer whose call broke off counts as having waited */
#define ROOM_TRACKS 1024 /* told to those who come later; further ones only as they appear */
#define FINGERPRINT_BYTES 160
#define TRACK_TEXT_BYTES 24 /* of a track's number, which may not fit into a JavaScript one */

struct calls_anchor;
struct hours;

struct calls {
    struct calls_config config;
    struct calls_clock clock;
    char data[MEDIA_PATH_BYTES - 64];
    struct calls_anchor *anchor;
    struct sessions *sessions;
    struct queue *queue;
    struct map *rooms;    /* room id -> struct room */
    struct map *cases;    /* case id -> struct room */
    struct map *peers;    /* number -> struct peer */
    struct map *requests; /* number -> struct request */
    struct list musts;    /* see calls_must.c */
    struct list repairs;  /* see calls_repair.c */
    struct map *clips;    /* clip id -> struct clip, while recording or being repaired */
    struct map *stills;   /* still id -> struct still_wait, while it is taken */
    struct map *uploads;  /* attachment id -> a piece of it, or all, is being taken */
    struct map *waited;   /* case id -> who waited or talked when the last process ended, until: */
    uint64_t waited_until_us;
    struct map *deletions; /* id -> its deletion under way */
    struct {
        struct store_round round;
        uint64_t at_us; /* when to look on */
        struct id left; /* of what earlier ones did not get rid of, looked at up to here */
        bool inside;    /* a round, beyond these */
        bool looking;   /* the store does */
        bool again;     /* from the beginning, when it has */
    } sweep;
    struct {
        uint64_t at_us;    /* when to look on */
        uint64_t delay_us; /* between tries; 0: the authority answered last */
        struct id after;   /* looked at in this round up to here */
        struct id writing; /* being stamped, and not to be deleted; zeroed: none */
        bool busy;
        bool again; /* there are others, perhaps ones that were passed */
        uint64_t waiting;
        uint64_t stamped, tries_failed, given_up;
    } stamps;
    struct {
        uint64_t at_us; /* when to look */
        bool looking;   /* the store does */
        uint64_t run;   /* out */
        uint64_t put_off;
    } timers;
    struct calls_desk desk;
    struct {
        struct map *all;  /* "merchant/team" -> struct hours; NULL: not read yet */
        uint64_t load_us; /* when to read them anew */
        uint64_t at_us;   /* when to look at who waits */
        uint64_t turned_away, sent_away;
    } hours;
    struct {
        struct list owed; /* see calls_wraps.c */
        size_t count;
        uint64_t at_us; /* when to look which is overdue */
        uint64_t given, overdue;
    } wraps;
    struct {
        uint64_t at_us;     /* when to look for what is due */
        bool looking;       /* the store does */
        bool woken;         /* what rang when the last process died rings again */
        struct list untold; /* outcomes that the store did not take: told again */
        uint64_t again_us;  /* when */
        uint64_t rung, reminders, kept, no_shows, given_up;
    } bookings;
    uint64_t deleted, deleted_due, deletions_failed;
    uint64_t last_peer, last_request, last_consent;
    struct claims checked; /* of the token that was checked last, for the session opening now */
    size_t lights;         /* challenges under way */
    size_t calls_on, whip, whep;
    size_t clips_unsaved;
    uint64_t seals, seals_failed;
    uint64_t clips_retry_us; /* when to write those again */
    uint64_t messages_in, errors_out, calls_started, calls_passed_on, calls_taken_over;
    uint64_t shapes_drawn, camera_wishes;
    uint64_t stills_taken;
    uint64_t attachments_added, attachments_refused, attachments_given_up, attachment_bytes;
    uint64_t lenses_covered, pictures_hashed;
    uint64_t seen_logs, seen_bytes, seen_dropped;
    uint64_t space_look_us; /* when to look at the disk next */
    uint64_t space_free_bytes;
    bool space_looking, space_low;
    bool draining, drained;
    uint64_t drain_until_us; /* 0: still finishing clips */
    void (*drain_done)(void *ctx);
    void *drain_ctx;
};

/** A published stream, as people were told of it. */
struct room_track {
    uint64_t track, peer;
    enum media_kind kind;
    char identity[LIMIT_IDENTITY + 1];
    char label[65];
};

struct room {
    struct calls *calls;
    struct id id, case_id;
    char merchant[STORE_SHORT_BYTES];
    char buyer[STORE_IDENTITY_BYTES];
    char language[36];
    int priority;
    enum case_kind kind;
    enum case_state state;
    json_t *case_json;
    json_t *rules; /* what its merchant wants of pairing; NULL: not known */
    struct roster *roster;
    struct chat chat;
    struct list peers, clips;
    struct room_track *tracks;
    size_t track_count, track_size;
    struct light *light;  /* the challenge under way; NULL: none */
    struct list pictures; /* that are drawn on, or frozen (calls_draw.c) */
    bool drawn;           /* something of that was kept */
    bool call_on;
    unsigned call_noting;             /* calls whose begin is on its way to the disk */
    unsigned taking;                  /* agents who took it, and are on their way in */
    char agent[STORE_IDENTITY_BYTES]; /* of the call */
    bool bot;                         /* it is one, before people are asked */
    uint64_t bot_from_us;             /* when its buyer counts as having begun to wait */
    char *handed_note;                /* of who passed the case on last; NULL: none */
    char heir[STORE_IDENTITY_BYTES];  /* who goes on with it when the agent leaves; "": nobody */
    bool asking;                      /* somebody else is looked for, while the call goes on */
    unsigned entering;                /* jobs that will want it */
    bool ringing;                     /* a booking's time has come: agents are asked */
    char held[STORE_IDENTITY_BYTES];  /* the agent who has taken it, and waits for the buyer; "" */
    uint64_t held_until_us;
    int64_t closing_s; /* it is closed, and who waits was told of this end of it; 0: not */
};

/** What the conductor knows of a session: its `user`. */
struct member {
    struct session *session;
    struct claims claims;
    struct room *room; /* NULL: in none */
    struct peer *peer; /* its media; NULL: none */
    char wait_re[PROTO_ID_BYTES];
    bool wait_noting; /* that the buyer waits is on its way to the disk: no word of it before */
};

/** Told what becomes of a peer that belongs to no session (WHIP, WHEP). */
struct door {
    void (*gone)(void *ctx, int er);
    void *ctx;
};

/** A receiving line as its viewer's client reported it last. */
struct peer_line {
    char mid[PROTO_MID_BYTES];
    uint16_t fps, width, height, concealed_permille;
    uint32_t freezes, frozen_ms;
};

struct peer {
    struct list node; /* of the room */
    uint64_t number;
    struct room *room;
    struct member *member; /* NULL: by a door */
    struct door door;
    char identity[LIMIT_IDENTITY + 1];
    char fingerprint[FINGERPRINT_BYTES];
    char jti[AUTH_JTI_BYTES]; /* of the token, by a door */
    size_t seen_count;
    struct peer_line *seen; /* at most PROTO_LINES_MAX */
    bool answered, connected, publishes;
};

/** Asked of the media engine, and not answered yet. */
typedef void request_done(struct calls *c, void *ctx, const struct media_event *event);
struct request {
    uint64_t number;
    request_done *done; /* event NULL: the conductor ends; free only */
    void *ctx;
};

struct clip {
    struct list node; /* of the room; alone when repaired */
    struct room *room;
    struct store_clip row;
    struct sealer_trim *trim; /* owned; NULL: recorded, not trimmed */
    struct calls_past past;
    bool stopping;
    bool again;   /* failed for want of room, and is tried once more */
    bool sealed;  /* its manifest is on the disk, or it will have none */
    bool unsaved; /* finished, but not sealed or its row not written yet; then in no room */
    bool writing; /* it is being sealed, or its last state is on the way to the store */
};

/* Time, store */

uint64_t calls_now_us(const struct calls *c);
uint64_t calls_unix_us(const struct calls *c);

/** The head of a job's struct, which is heap memory. */
struct calls_job {
    struct calls_anchor *anchor;
    void (*work)(struct store *s, struct calls_job *job); /* store thread; touches the job only */
    /** Signalling thread; c is NULL when the conductor is gone. The job is freed after it. */
    void (*done)(struct calls *c, struct calls_job *job);
    uint64_t unix_us; /* when it was asked for */
};
/** ER_FULL, ER_NOMEM: the caller still owns the job. */
int calls_run(struct calls *c, struct calls_job *job);
/** The same on another queue's thread. */
int calls_run_on(struct calls *c, struct dbq *queue, struct calls_job *job);
/** A step of something that takes several: `of` is the other thread's from here on until `done`, which frees
 *  it where there is no conductor any more. ER_FULL, ER_NOMEM: nothing was begun. */
int calls_step(struct calls *c, struct dbq *queue, void *of,
               void (*work)(struct store *, struct calls_job *),
               void (*done)(struct calls *, struct calls_job *));
/** What it is a step of. */
void *calls_step_of(struct calls_job *head);
/** An event on the case's timeline; `data` is taken over and may be NULL. Failures are logged. */
void calls_event(struct calls *c, const struct id *case_id, const char *actor, const char *type,
                 json_t *data);

/** The session for which the invite was used did not come about. */
void calls_give_back_invite(struct calls *c, const char *jti);

/* Sessions */

/** sessions_ops.authenticate */
int calls_authenticate(void *ctx, const char *token, const char *from, struct session_who *ret_who,
                       const char **ret_why);

static inline struct member *member_of(const struct session *s)
{
    return s->user;
}
void calls_send(struct calls *c, struct session *s, const json_t *message);
void calls_error(struct calls *c, struct session *s, const char *re, enum proto_error code,
                 const char *message);
/** A request's failure by its error. `why` may be NULL. */
void calls_error_er(struct calls *c, struct session *s, const char *re, int er, const char *why);
void calls_end_drain(struct calls *c);

/* Rooms */

/** Opens that of a case. ER_NOMEM, ER_FULL, .. */
int room_open(struct calls *c, const struct store_case *found, struct room **ret);
/** The open one, or NULL. */
struct room *room_find(const struct calls *c, const struct id *id);
struct room *room_of_case(const struct calls *c, const struct id *case_id);
/** The sender of a message that only those in a room may send; NULL: told so. */
struct roster_person *calls_need_room(struct calls *c, struct member *m,
                                      const struct proto_message *msg);
/** Closes it when nobody and nothing is left in it. */
void room_settle(struct room *r);
void call_room_free(struct room *r);
/** To every session in it but `except` (may be NULL). Takes `message` over. */
void room_tell(struct room *r, const struct session *except, json_t *message);
/** The case as it is now, to all in it: of what each may know. */
void room_tell_case(struct room *r);
json_t *room_case_message(const struct room *r, enum role role);
/** Of clips and stills: to those in it whose role sees them. Takes `message` over. */
void room_tell_evidence(struct room *r, json_t *message);
void room_tell_person(struct room *r, const struct roster_person *p);
void room_notice(struct room *r, const char *code, const char *message);
/** What the case is like now. */
void room_take_case(struct room *r, const struct store_case *c);
/** And what its merchant wants, which is taken over; NULL: as before. */
void room_take_rules(struct room *r, json_t *rules);

/** Look up room or case, check that this person may be there, note the person on the case, and open
 *  the room. */
struct entry_job {
    struct calls_job head;
    struct claims claims;
    struct id by_room, by_case; /* one of them; none: only the invite is used */
    bool use_invite;
    bool look_only; /* check, but enter nobody and open nothing */
    bool
        assigned; /* by the pairing: any room of the merchant will do, for a token that is for no room */
    /** er: 0, ER_NOT_FOUND, ER_DENIED, ER_STALE (the invite is spent), ER_IO, .. `room` is NULL when
     *  it is not open (look_only) or none was asked for. c NULL: free what ctx holds. */
    void (*entered)(struct calls *c, struct entry_job *job, struct room *room);
    struct id session;
    struct id was; /* the same page's session before, which is gone; zeroed: none */
    struct id reservation;
    uint64_t waited_us; /* by the buyer whose call is taken */
    char re[PROTO_ID_BYTES];
    void *ctx;
    int er;
    bool consent;
    struct store_case found;
    json_t *rules; /* of its merchant, for pairing */
};
/** Takes the job over; `entered` is called in any case. */
void calls_enter(struct calls *c, struct entry_job *job);
/** Seat a session in a room: takes the place of an older session of the same person. 0, ER_FULL. */
int room_seat(struct room *r, struct member *m, bool consent);
/** What a newcomer is told: roster, history, tracks, recording, case. */
void room_welcome(struct room *r, struct member *m);
void room_unseat(struct member *m, const char *reason);
/** Presence by WHIP or WHEP. */
int room_door_open(struct room *r, const struct claims *who, bool consent);
void room_door_close(struct room *r, const char *identity);

/* Requests of sessions */

typedef void calls_handler(struct calls *c, struct member *m, const struct proto_message *msg);
calls_handler calls_on_join, calls_on_leave, calls_on_media_state, calls_on_consent, calls_on_chat;
calls_handler calls_on_offer, calls_on_view, calls_on_stats;
calls_handler calls_on_light_challenge;
calls_handler calls_on_photograph, calls_on_photograph_failed;
calls_handler calls_on_camera, calls_on_camera_state;
calls_handler calls_on_pointer, calls_on_draw, calls_on_undo, calls_on_clear, calls_on_freeze;
calls_handler calls_on_wait, calls_on_stop_waiting, calls_on_available, calls_on_accept,
    calls_on_decline, calls_on_hang_up, calls_on_take_over;
calls_handler calls_on_act, calls_on_wrap_up, calls_on_extend_wrap_up;
/** The sessions' word for all of these: `ctx` is the conductor. */
void calls_on_request(void *ctx, struct session *s, const struct proto_message *m);

/* Media */

/** A number, and the request in the map. 0: no memory. */
uint64_t request_new(struct calls *c, request_done *done, void *ctx);
/** For a request that could not be sent: without calling done. */
void request_drop(struct calls *c, uint64_t number);
/** ER_NOMEM. `wants` as in media.h. */
int call_peer_new(struct room *r, const char *identity, struct member *m, const struct door *door,
                  struct peer **ret);
/** `tell_media`: remove it in the engine too. Its tracks are reported gone. */
void call_peer_free(struct peer *p, bool tell_media);
bool room_identity_publishes(const struct room *r, const char *identity);
/** Whether this person publishes by WHIP. */
bool room_door_publishes(const struct room *r, const char *identity);
/** End whatever this person publishes. */
void room_stop_publishing(struct room *r, const char *identity);
void room_send_tracks(struct room *r, struct member *m);
uint8_t calls_rank(enum role role);
const char *track_text(char ret[TRACK_TEXT_BYTES], uint64_t track);
const char *kind_name(enum media_kind kind);
/** "video", "slideshow", .. */
const char *slot_state_name(enum media_slot_state state);
void peer_tell_hint(struct peer *p, const struct media_event *event);
void peer_tell_layer(struct peer *p, const struct media_event *event);
/** NULL: nothing was said of that line. `p` may be NULL. */
const struct peer_line *peer_seen(const struct peer *p, const char *mid);

/* What the media engine must be told: at once, or as soon as its queue has room */

enum must_type { MUST_CONSENT, MUST_CLIP_STOP, MUST_PEER_REMOVE, MUST_ROOM_CLOSE };
void must_consent(struct calls *c, const struct id *room, const char *identity, bool recording);
void must_clip_stop(struct calls *c, const struct id *room, const struct id *clip);
void must_peer_remove(struct calls *c, const struct id *room, uint64_t peer);
void must_room_close(struct calls *c, const struct id *room);
void must_retry(struct calls *c);
uint64_t must_deadline_us(const struct calls *c);
void must_clear(struct calls *c);

/* Clips and stills */

/** What is asked for, in a room, of somebody in it. */
struct record_ask {
    struct claims who;
    struct calls_past past;             /* of a clip */
    char publisher[LIMIT_IDENTITY + 1]; /* "": whom the room is about */
    char label[LIMIT_NAME + 1];
    /** The publisher is there and consents, and there is room on the disk. 0: `done` comes from there on. */
    int (*run)(struct calls *c, struct room *r, const struct record_ask *ask);
    calls_done *done;
    void *ctx;
};
/** `ask` is copied; its `done` is called in any case. */
void calls_record(struct calls *c, const char *room, const struct record_ask *ask);

/* Clips */

void calls_repair_clips(struct calls *c);
/** A clip that the disk did not take whole is tried again when there may be room; `again`: that has
 *  failed before, so the next time later. */
void calls_repair_later(struct calls *c, const struct store_clip *row, bool again);
void calls_retry_repairs(struct calls *c);
uint64_t calls_repairs_deadline_us(const struct calls *c);
void calls_repairs_clear(struct calls *c);
/** It is deleted. */
void calls_repair_never(struct calls *c, const struct id *clip);
/** Writes the rows again that could not be written. */
void calls_retry_clips(struct calls *c);
void calls_on_clip_event(struct calls *c, const struct media_event *event);
void room_stop_clips(struct room *r);
void room_stop_clips_of(struct room *r, const char *publisher);
json_t *room_recording_json(struct room *r);
void call_clip_free(struct calls *c, struct clip *clip);
/** Those in the case's room, if it is open, are told of a clip that is not recorded in it. */
void call_clip_tell(struct calls *c, const struct store_clip *row);
/** It has come to nothing: its row is written so. */
void call_clip_failed(struct calls *c, struct clip *clip, int er);
/** Removes what a dead process left of a part that it was making. */
void call_trim_clear(const char *path);
/** Seal what is finished; then: */
void call_clip_seal(struct calls *c, struct clip *clip);
/** The manifest is durable (er 0), or it could not be made. `hashes` NULL: nothing was read. */
struct sealer_hashes;
void call_clip_sealed(struct calls *c, struct clip *clip, int er,
                      const struct sealer_hashes *hashes);

/** Has the next clip without a time stamp stamped, if there is one and it is time. */
void calls_stamp(struct calls *c);
/** Another clip is ready. */
void calls_stamp_soon(struct calls *c);
uint64_t calls_stamps_deadline_us(const struct calls *c);

/** The buyer; in a live room the host; else whoever publishes longest. */
const char *room_default_publisher(struct room *r);

/* Stills */

struct still_wait;
void calls_on_still_event(struct calls *c, const struct media_event *event);
/** What a dead process left unfinished goes. */
void calls_tidy_stills(struct calls *c);
/** On the store thread: photographs that were never sent go. */
void calls_tidy_photos(struct store *s, uint64_t unix_us);
/** On the store thread: what this person was asked for, and has not sent whole, goes. How many: the first
 *  `max` of them in `ret`. */
size_t calls_forget_photos(struct store *s, const struct id *case_id, const char *identity,
                           struct id *ret, size_t max);
void calls_remove_still_files(const char *path);
/** On the store thread: what of an upload is there; 0 before the first piece. ER_IO. */
int calls_upload_size(struct vault *vault, const char *name, uint64_t *ret);
/** All of it on the disk, or nothing more than before. ER_STALE: `at` is not where it ends; ER_IO. */
int calls_upload_append(struct vault *vault, const char *name, uint64_t at, const uint8_t *data,
                        size_t len);
/** All of it was uploaded: have it checked, and entered as a still; then `done`. ER_CONFLICT: it is being
 *  checked; ER_FULL, ER_NOMEM. */
int calls_photo_check(struct calls *c, const struct store_still *row,
                      const struct calls_photo_piece *last, calls_done *done, void *ctx);
void calls_drop_photo(struct calls *c, const struct store_still *row);
void call_still_free(struct calls *c, struct still_wait *w);

/* Keeping and forgetting */

/** Something whose time is over. Nobody is told of failures; the next round finds it again. */
void calls_delete_due(struct calls *c, enum keep_object object, const struct id *id);
/** The files of what is deleted already. Takes no document. */
void calls_delete_files(struct calls *c, const struct store_tombstone *t);
void calls_sweep(struct calls *c);
uint64_t calls_sweep_deadline_us(const struct calls *c);

/* Timers of cases' states */

void calls_run_timers(struct calls *c);
uint64_t calls_timers_deadline_us(const struct calls *c);

/* Business hours */

/** Those that hold for a team ("": for who has none); NULL: none are set, it is always open. */
const struct hours *calls_hours_of(const struct calls *c, const char *merchant, const char *team);
/** Whether it is closed to the room's case: `s` was told, in reply to `re`. */
bool room_is_closed(struct room *r, struct session *s, const char *re);
/** Those that hold for the room's case, or NULL. */
const struct hours *room_hours(const struct room *r);
/** Whether so long a wait is one of which a call-back is offered. */
bool room_overflows(const struct room *r, int64_t expected_wait_ms);
void calls_hours_tick(struct calls *c);
uint64_t calls_hours_deadline_us(const struct calls *c);
void calls_hours_clear(struct calls *c);

/* People */

/** What an agent says of being available: answered when the register was looked into. */
void calls_agent_set(struct calls *c, struct member *m, const struct proto_message *msg,
                     const struct queue_agent *agent);

/* Bookings */

void calls_bookings_tick(struct calls *c);
uint64_t calls_bookings_deadline_us(const struct calls *c);
void calls_bookings_clear(struct calls *c);
/** A call begins: what is booked has come about, if it is that. */
void room_booking_kept(struct room *r, const char *agent);
/** What rings does so no longer, and was in vain: because the buyer did not come, or for another reason. */
void room_booking_missed(struct room *r, bool no_show, const char *reason);
/** The case has been read anew; `before` was its booking (may be NULL). */
void room_booking_changed(struct room *r, const json_t *before);
/** What one that rings needs beside. */
void room_booking_needs(const struct room *r, struct queue_case *ret);
/** Whether the case says that its booking rings, also when the room was closed since. */
bool room_rings(struct room *r);
/** An agent takes what rings. True: the buyer is not there, and is waited for. */
bool room_await_buyer(struct room *r, const char *agent);
/** The buyer has come: true where an agent waited, whose call begins. */
bool room_buyer_came(struct room *r);
/** That agent waits no longer: true where one did. Others are asked. */
bool room_agent_gave_up(struct room *r, const char *agent);
/** Others are asked again: who had taken it could not come in. */
void room_ring_again(struct room *r, const char *from);

/* What they saw */

/** Takes event->seen. */
void calls_on_seen_event(struct calls *c, struct media_event *event);

/* Space on the disk */

/** Why nothing new is begun while it is low; the error is ER_IO. */
#define CALLS_DISK_LOW "the server's disk is nearly full: nothing new can be recorded"
void calls_look_for_space(struct calls *c);
uint64_t calls_space_deadline_us(const struct calls *c);
/** A newcomer hears of it, when it is low. */
void calls_tell_space(struct calls *c, struct session *s);

/* Light challenges */

void calls_on_light_event(struct calls *c, const struct media_event *event);
void calls_step_lights(struct calls *c);
uint64_t calls_lights_deadline_us(const struct calls *c);
void room_light_free(struct room *r);

/* Drawings */

/** A newcomer sees what is drawn. */
void room_send_pictures(const struct room *r, struct session *s);
/** The room is freed. */
void room_forget_pictures(struct room *r);
/** Of one person, or of all (NULL): nothing is drawn on it any more. Told and kept. */
void room_clear_pictures(struct room *r, const char *of);
/** Who has frozen pictures is gone: they go on. */
void room_thaw_pictures(struct room *r, const char *by);
/** The room closes. */
void room_settle_drawings(struct room *r);

/* Queue and calls */

void calls_on_queue_events(struct calls *c);
/** Whether the case is on its way to whom it was passed on to last. */
bool room_is_passed_on(const struct room *r);
/** What the room's case needs of an agent. */
void room_queue_case(const struct room *r, struct queue_case *ret);
/** To every session of that merchant's person but `except` (may be NULL). Takes `message` over. */
void calls_tell_identity(struct calls *c, const char *merchant, const char *identity,
                         const struct session *except, json_t *message);
/** {identity, name} of somebody in the room. */
json_t *room_person_brief(const struct room *r, const char *identity);
/** The case may have become something to begin a call with. */
void room_begin_call(struct room *r, const char *agent);
void room_end_call(struct room *r, const char *reason, const char *by);
/** The agent is out of the call; the buyer waits on. */
void room_pass_on(struct room *r, const char *by);
/** The case was passed on: what it says is carried out. */
void room_transfer(struct room *r);
/** Somebody took what was asked for while the call goes on, and is in the room. False: nothing was. */
bool room_join_call(struct room *r, const char *identity);
/** The call is that one's from now on. */
void room_hand_over(struct room *r, const char *to);
/** The same when its agent has left: false when there is nobody to go on with it. */
bool room_inherit(struct room *r);
/** A session came into a room, or is gone from it for good. */
void calls_seated(struct room *r, struct member *m);
void calls_unseated(struct room *r, struct member *m, const char *reason);
/** Whether calls are offered to such as them; false: told so. */
bool calls_need_agent(struct calls *c, struct member *m, const struct proto_message *msg);
void calls_agent_gone(struct calls *c, const struct session *s, bool for_good);
void calls_agent_back(struct calls *c, const struct session *s);
/** A transition that the conductor drives; `data` is taken over. The room is told. */
void calls_case_act(struct calls *c, const struct id *case_id, enum case_action action,
                    const char *actor, json_t *data);
void calls_reset_cases(struct calls *c);
/** What the last process left of a buyer who says `wait`: whether there is a place, since when the search for an
 *  agent counts then, and, in any case, what counts as waited beside. Told once. */
bool calls_waits_since(struct calls *c, const struct id *case_id, uint64_t *ret_since_us,
                       uint64_t *ret_credit_us);
/** Who has not come back in time, and for whom there was no place to keep, waits no longer. */
void calls_waited_sweep(struct calls *c);
void calls_waited_clear(struct calls *c);
void calls_send_queue(struct calls *c, struct session *s);

#include "server/calls_wraps_impl.h"

#endif
