// SPDX-License-Identifier: Apache-2.0
/* What lasts: merchants, cases with their timelines, people, clips, invites, secrets. All functions
 * run on the store thread (see dbq.h) and block on nothing but the disk. What returned 0 is on the
 * disk. ER_IO: the disk is full or failed, the change did not happen. Times are microseconds of the
 * wall clock. */
#ifndef LOUPE_SERVER_STORE_H
#define LOUPE_SERVER_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/entropy.h"
#include "base/id.h"
#include "base/limits.h"
#include "base/log.h"
#include "server/cases.h"
#include "server/refusal.h"

#define STORE_TEXT_BYTES (LIMIT_NAME + 1)
#define STORE_IDENTITY_BYTES (LIMIT_IDENTITY + 1)
#define STORE_SHORT_BYTES 65
#define STORE_WORDS_BYTES 2112 /* 16 words of 64 bytes, as a JSON list */
#define STORE_HASH_BYTES 65
#define STORE_PATH_BYTES 512
#define STORE_SCOPES_BYTES 128
#define STORE_SECRET_BYTES 257 /* of an API key, with its NUL */

struct store;

/** Opens or makes the database at `path` (":memory:" for tests) and brings its schema up to date.
 *  ER_IO, ER_UNSUPPORTED (made by a newer version), ER_NOMEM. `log` may be NULL. */
int store_open(struct store **ret, const char *path, const struct entropy *entropy,
               struct log *log);
/** The database at `path` as it is, to be read only, also beside a server that runs; `folder` as of
 *  store_set_folder. ER_IO, ER_NOMEM, ER_INVALID. ER_STALE, ER_UNSUPPORTED: its schema is an older one or a newer
 *  one; *ret is set all the same, but only store_schema is good for anything then. */
int store_look(struct store **ret, const char *path, const char *folder,
               const struct entropy *entropy);
/** The version of the schema, and the one that this program makes. */
int store_schema(struct store *s, int *ret_version, int *ret_newest);
void store_close(struct store *s);
/** The data folder, an absolute path without a slash at its end. Paths of files within are kept
 *  relative to it from now on, those that are there as well, so that the folder may be moved; outside
 *  of the store they are absolute always. ER_INVALID: too long; ER_IO. */
int store_set_folder(struct store *s, const char *folder);

/** Group several calls into one transaction. They nest; the outermost end decides. With `er` not 0
 *  everything since the begin is undone. Returns `er`, or the error of the commit. */
int store_begin(struct store *s);
int store_end(struct store *s, int er);

/** PRAGMA integrity_check. 0, or ER_MALFORMED with the first complaint in `ret_why`. */
int store_check(struct store *s, char *ret_why, size_t size);
/** Whether something can be written, for /readyz: tried every two seconds at most. 0 or ER_IO, also
 *  while finished clips wait to be written. */
int store_ping(struct store *s, uint64_t now_us);

/** 32 bytes kept under `name`; drawn at the first call. 0, ER_IO. */
int store_secret(struct store *s, const char *name, uint8_t ret_secret[32]);

/** Known afterwards; name NULL: the id. */
int store_merchant_put(struct store *s, const char *id, const char *name, uint64_t now_us);

struct store_merchant {
    char id[STORE_SHORT_BYTES];
    char name[STORE_TEXT_BYTES];
    uint64_t created_us;
};
int store_merchants_each(struct store *s, void (*each)(void *ctx, const struct store_merchant *m),
                         void *ctx);

/** Somebody who works for a merchant. Nobody need be one of these to come in: a token is enough. */
struct store_worker {
    char merchant[STORE_SHORT_BYTES];
    char identity[STORE_IDENTITY_BYTES];
    char name[STORE_TEXT_BYTES];
    enum role role;
    char team[STORE_SHORT_BYTES];                                 /* "": none */
    char skills[STORE_WORDS_BYTES], languages[STORE_WORDS_BYTES]; /* JSON lists; "": none */
    unsigned capacity;                                            /* calls at once; 0: 1 */
    bool inactive;                                                /* is offered no calls */
    uint64_t created_us, changed_us;
};
/** New, or changed; the merchant is known afterwards. ER_FULL: LIMIT_WORKING_PEOPLE. */
int store_worker_put(struct store *s, const struct store_worker *w, uint64_t now_us);
/** ER_NOT_FOUND. */
int store_worker_get(struct store *s, const char *merchant, const char *identity,
                     struct store_worker *ret);
int store_worker_remove(struct store *s, const char *merchant, const char *identity);
/** By identity, from behind `after` ("": all) on, `limit` at most. */
int store_workers_page(struct store *s, const char *merchant, const char *after, size_t limit,
                       void (*each)(void *ctx, const struct store_worker *w), void *ctx);
/** `merchant` NULL: of all. */
int store_workers_each(struct store *s, const char *merchant,
                       void (*each)(void *ctx, const struct store_worker *w), void *ctx);

/** An API key that is not among the settings. Its secret is kept, encrypted (store_secrets.h): tokens are checked with
 *  it. */
struct store_api_key {
    char id[STORE_SHORT_BYTES];
    char merchant[STORE_SHORT_BYTES];
    char secret[STORE_SECRET_BYTES];
    char old_secret[STORE_SECRET_BYTES]; /* good until old_until_us; "" */
    uint64_t old_until_us;
    uint64_t created_us, changed_us;
    char roles[STORE_SCOPES_BYTES];  /* "agent,service": those it may sign for; "": all */
    char scopes[STORE_SCOPES_BYTES]; /* "read,call": what its tokens may do (auth.h); "": all */
};
/** Whether there may be one more of this merchant: 0; ER_FULL, *ret_why (static) says of what there are enough. */
int store_api_key_room(struct store *s, const char *merchant, const char **ret_why);
/** The merchant is known afterwards, too. ER_CONFLICT: there is a key of that id. */
int store_api_key_add(struct store *s, const struct store_api_key *key, uint64_t now_us);
/** ER_NOT_FOUND; of another merchant (NULL: of any). */
int store_api_key_get(struct store *s, const char *merchant, const char *id,
                      struct store_api_key *ret);
/** `key` with a new secret; the one before is good for `overlap_us` more. ER_NOT_FOUND. */
int store_api_key_rotate(struct store *s, struct store_api_key *key, const char *secret,
                         uint64_t overlap_us, uint64_t now_us);
/** ER_NOT_FOUND. */
int store_api_key_remove(struct store *s, const char *id);
/** A secret that cannot be read is "". `each` must copy what it wants to keep. */
int store_api_keys_each(struct store *s, void (*each)(void *ctx, const struct store_api_key *key),
                        void *ctx);

/* Cases */

struct store_case {
    struct id id;
    struct id room;
    char number[24]; /* "C-2026-000001" */
    char merchant[STORE_SHORT_BYTES];
    enum case_kind kind;
    enum case_state state;
    char title[STORE_TEXT_BYTES];
    char language[36]; /* BCP 47, "" not known */
    int priority;      /* 0 (normal) .. 9, higher first */
    char buyer[STORE_IDENTITY_BYTES];
    char buyer_name[STORE_TEXT_BYTES];
    uint64_t created_us, changed_us;
    uint64_t waiting_since_us; /* 0: not waiting */
    uint64_t due_us;           /* when its state's timer runs out; 0: never */
    uint64_t version;          /* counts changes from 1; the ETag */
    json_t
        *more; /* reason, tier, category, brand, order, purchase_evidence, outcome, ruling; owned */
};
/** Frees what it owns; not the struct. */
void store_case_clear(struct store_case *c);
/** The case as GET /cases/{id} answers it; NULL without memory. */
json_t *store_case_json(const struct store_case *c);

/** Make a case: fills in id, room, number, version and times; the event "case_opened" by `actor`
 *  is its first. With `idempotency_key` (may be NULL) repeated by the same `owner`: the case of the
 *  first time, *ret_repeated true, or ER_CONFLICT when `fingerprint` (of the request) differs.
 *  Keys are forgotten after a day. */
int store_case_create(struct store *s, struct store_case *c, const char *actor, const char *owner,
                      const char *idempotency_key, const char *fingerprint, uint64_t now_us,
                      bool *ret_repeated);
/** ER_NOT_FOUND. The caller clears *ret. */
int store_case_get(struct store *s, const struct id *id, struct store_case *ret);
/** By its number. */
/** Whose a case is, and whether it ever was disputed; ret_merchant STORE_SHORT_BYTES. ER_NOT_FOUND: "". */
int store_case_whose(struct store *s, const struct id *id, char *ret_merchant, bool *ret_disputed);
int store_case_numbered(struct store *s, const char *number, struct store_case *ret);
int store_case_of_room(struct store *s, const struct id *room, struct store_case *ret);

struct store_case_filter {
    const char *merchant; /* NULL: any */
    struct id only;       /* zeroed: any; else this case alone */
    struct id only_room;  /* likewise by its room */
    bool disputed;        /* only those that ever were */
    bool by_state, by_kind;
    enum case_state state;
    enum case_kind kind;
    const char *tag;  /* NULL: any */
    const char *text; /* words that it has (case_words.h); NULL: any */
    struct id before; /* page: cases made before this one; zeroed: from the newest */
    size_t limit;     /* 1..LIMIT_PAGE_ITEMS */
};
/** Newest first; `each` must copy what it wants to keep. `ret_next` (may be NULL): what `before` is of the next page,
 *  zeroed if there is none. A merchant's page may have fewer than `limit`, even none, and a next one all the same:
 *  only so many cases are looked at for each. */
int store_cases_list(struct store *s, const struct store_case_filter *f,
                     void (*each)(void *ctx, const struct store_case *c), void *ctx,
                     struct id *ret_next);

/** What is asked of a case's state. */
struct store_action {
    struct id case_id;
    enum case_action action;
    const char *actor;
    const char *jti;     /* of the token; NULL: not by one */
    enum role role;      /* of a person; ROLE_COUNT: the conductor itself, who may do everything */
    const json_t *data;  /* cleaned (case_action_data), or NULL */
    uint64_t if_version; /* 0: any */
};
/** A transition: checks role, state and version, changes the case and appends the event, at once.
 *  0 and *ret (the case after it; cleared by the caller). ER_NOT_FOUND; ER_DENIED the role;
 *  ER_CONFLICT the state, or it was rated before (*ret is the case as it is, to be cleared); ER_STALE the version. */
int store_case_act(struct store *s, const struct store_action *a, uint64_t now_us,
                   struct store_case *ret);
/** The same, and where a person's action asks for more than a state, or what came with it for more than a form, why not:
 *  in words, with members that name what is missing. The caller clears *ret_why. */
int store_case_act_why(struct store *s, const struct store_action *a, uint64_t now_us,
                       struct store_case *ret, struct refusal *ret_why);
/** What an action does to the case itself, whose state is the new one already: the version, the times, and
 *  what the action leaves in `more`. ER_NOMEM. */
int store_case_acted(struct store_case *c, enum case_state before, const struct store_action *a,
                     uint64_t now_us);
/** What is changed of a case's facts. */
struct store_change {
    struct id case_id;
    const char *actor;
    const json_t *changes; /* as case_facts_diff gives it */
    uint64_t if_version;   /* 0: any */
};
/** With the event "case_changed" {changes}. 0 and *ret (the case after it; cleared by the caller).
 *  ER_NOT_FOUND; ER_STALE the version (*ret is the case as it is, to be cleared). */
int store_case_change(struct store *s, const struct store_change *change, uint64_t now_us,
                      struct store_case *ret);
/** What that does to the case itself. ER_NOMEM. */
int store_case_changed(struct store_case *c, const json_t *changes, uint64_t now_us);
/** Set or remove (value NULL) a member of `more`; with no event of its own. Bumps the version. */
int store_case_set(struct store *s, const struct id *id, const char *member, const json_t *value,
                   uint64_t now_us);

/* The timeline */

struct store_event {
    struct id case_id;
    uint64_t seq; /* from 1 in each case */
    uint64_t at_us;
    char actor[STORE_IDENTITY_BYTES]; /* an identity; "system" */
    char type[48];
    char *data;     /* canonical JSON; owned by whoever made the struct */
    char *internal; /* likewise, of what is for staff alone (store_record.h); NULL none, */
    char salt[STORE_SHORT_BYTES]; /* and its salt; of store_events_list and store_notes_list only */
    char prev[STORE_HASH_BYTES];  /* of the event before; 64 zeros for the first */
    char hash[STORE_HASH_BYTES];
};
/** Append to a case's timeline; data (an object) may be NULL for {}. The hash is SHA-256 over the
 *  canonical JSON of {case, seq, at, actor, type, data, prev}. ER_NOT_FOUND, ER_INVALID. `ret_hash`
 *  may be NULL. */
int store_event_append(struct store *s, const struct id *case_id, const char *actor,
                       const char *type, const json_t *data, uint64_t now_us,
                       char ret_hash[STORE_HASH_BYTES]);
/** In order, from after `seq`, `limit` at most. */
int store_events_list(struct store *s, const struct id *case_id, uint64_t after_seq, size_t limit,
                      void (*each)(void *ctx, const struct store_event *e), void *ctx);
/** In order, all of those of these types, a JSON list of texts. */
int store_events_typed(struct store *s, const struct id *case_id, const char *types,
                       void (*each)(void *ctx, const struct store_event *e), void *ctx);
/** The event as the API gives it; NULL without memory. */
json_t *store_event_json(const struct store_event *e);
/** Whether an event "<object>_viewed" of this person tells of this `what` of the clip or still `id`, from
 *  `since_us` on. */
int store_viewed_since(struct store *s, const struct id *case_id, const char *object,
                       const struct id *id, const char *what, const char *person, uint64_t since_us,
                       bool *ret);
/** Whether there is an event of that type with just this data. */
int store_event_find(struct store *s, const struct id *case_id, const char *type,
                     const json_t *data, bool *ret);
/** As store_events_list, of those that tell who looked at what: "clip_viewed", "still_viewed",
 *  "attachment_viewed", "case_exported". */
int store_accesses_list(struct store *s, const struct id *case_id, uint64_t after_seq, size_t limit,
                        void (*each)(void *ctx, const struct store_event *e), void *ctx);
/** The number and hash of a case's last event (0 and 64 zeros: none). */
int store_chain_head(struct store *s, const struct id *case_id, uint64_t *ret_seq,
                     char ret_hash[STORE_HASH_BYTES]);
/** Computes a case's whole chain anew. 0, or ER_UNAUTHENTIC with the first wrong seq. */
int store_chain_verify(struct store *s, const struct id *case_id, uint64_t *ret_bad_seq);

/* People of a case */

struct store_person {
    char identity[STORE_IDENTITY_BYTES];
    char name[STORE_TEXT_BYTES];
    enum role role;
    bool consent; /* to recording, as last said */
};
/** Add, or change name and role; the event "person_added" for somebody new, "person_changed" for a new role. */
int store_person_put(struct store *s, const struct id *case_id, const struct store_person *p,
                     uint64_t now_us);
/** The event "recording_consent" {recording}; the person must be there: else ER_NOT_FOUND. */
int store_consent_set(struct store *s, const struct id *case_id, const char *identity,
                      bool recording, uint64_t now_us);
int store_people_list(struct store *s, const struct id *case_id,
                      void (*each)(void *ctx, const struct store_person *p), void *ctx);
/** ER_NOT_FOUND. */
int store_person_get(struct store *s, const struct id *case_id, const char *identity,
                     struct store_person *ret);

/* Clips */

enum clip_state { CLIP_RECORDING, CLIP_READY, CLIP_FAILED };
/** What is known of its time stamp (RFC 3161): not whether it has one; it has; it will have none. */
enum clip_stamp { CLIP_UNSTAMPED, CLIP_STAMPED, CLIP_STAMPLESS };

struct store_clip {
    struct id id;
    struct id case_id;
    struct id room;
    char merchant[STORE_SHORT_BYTES];
    enum clip_state state;
    char kind[16]; /* "clip" */
    char label[STORE_TEXT_BYTES];
    char publisher[STORE_IDENTITY_BYTES];
    char started_by[STORE_IDENTITY_BYTES];
    char path[STORE_PATH_BYTES]; /* without suffix, as in media.h */
    char reason[48];             /* why it failed, why it ended by itself; "" */
    uint64_t created_us;         /* asked for */
    uint64_t started_us;         /* wall clock of its first moment; 0 not yet */
    uint64_t duration_ms, bytes;
    char sha256[STORE_HASH_BYTES];
    unsigned width, height;
    char video_codec[8]; /* "VP8"; "" without */
    unsigned gaps;
    uint64_t gap_ms;
    bool has_video, has_audio, has_poster, repaired;
    enum clip_stamp stamp; /* of a ready one */
    /* On its way into "clip_ready", and of store_clip_unstamped what that event tells; "" without. */
    char manifest_sha256[STORE_HASH_BYTES];
};
const char *clip_state_name(enum clip_state state);
/** A new row and the event "clip_started" by c->started_by. The merchant is looked up. */
int store_clip_add(struct store *s, struct store_clip *c, uint64_t now_us);
/** A finished clip whose row cannot be written (ER_IO) is kept in memory and read from there, until a
 *  later call writes it or the process ends.
 *
 *  Writes state and all that follows it; for READY and FAILED the event "clip_ready" {clip, sha256,
 *  duration_ms, bytes, repaired, manifest_sha256} or "clip_failed" {clip, reason} by "system". */
int store_clip_update(struct store *s, const struct store_clip *c, uint64_t now_us);
int store_clip_get(struct store *s, const struct id *id, struct store_clip *ret);
/** What the case says of a clip, to be sealed with it: the case, the clip, all consents of the case, and
 *  the last event of its timeline. *ret is the caller's. */
int store_clip_facts(struct store *s, const struct store_clip *c, json_t **ret);
/** Oldest first. */
int store_clips_of_case(struct store *s, const struct id *case_id,
                        void (*each)(void *ctx, const struct store_clip *c), void *ctx);
/** For the start: what was recording when the process died. */
int store_clips_in_state(struct store *s, enum clip_state state,
                         void (*each)(void *ctx, const struct store_clip *c), void *ctx);
/** The first one behind `after` that is ready and of which no time stamp is known, by id, and how many there
 *  are in all. ER_NOT_FOUND: none behind it. */
int store_clip_unstamped(struct store *s, const struct id *after, struct store_clip *ret,
                         uint64_t *ret_count);
/** The event "clip_stamped" {clip, manifest_sha256} by "system", once for each hash. ER_NOT_FOUND: the clip is
 *  not there (any more). */
int store_clip_stamp_tell(struct store *s, const struct store_clip *c, const char *manifest_sha256,
                          uint64_t now_us);
int store_clip_stamp_set(struct store *s, const struct id *id, enum clip_stamp stamp);
/** The clip as GET /clips/{id} gives it, without the signed addresses; NULL without memory. */
json_t *store_clip_json(const struct store_clip *c);

/* Stills */

#define STORE_FACTS_BYTES 1024

struct store_still {
    struct id id;
    struct id case_id;
    struct id room;
    char merchant[STORE_SHORT_BYTES];
    bool ready;    /* its file is there */
    char kind[16]; /* "still"; "photo": taken and sent by its publisher */
    char label[STORE_TEXT_BYTES];
    char publisher[STORE_IDENTITY_BYTES]; /* whose camera */
    char taken_by[STORE_IDENTITY_BYTES];
    char path[STORE_PATH_BYTES]; /* without suffix, as in media.h */
    uint64_t created_us;         /* asked for */
    uint64_t at_us;              /* wall clock of the picture */
    uint64_t bytes;
    char sha256[STORE_HASH_BYTES];
    unsigned width, height;
    char facts[STORE_FACTS_BYTES]; /* a JSON object: measures, the frame it came from */
};
/** A row for what is about to be taken; nobody sees it before it is finished. Fills in id and time.
 *  ER_NOT_FOUND: no such case. */
int store_still_add(struct store *s, struct store_still *still, uint64_t now_us);
/** It is taken: writes at_us and all that follows it, with the event "still_taken" by its taker, which
 *  carries all of them. ER_NOT_FOUND: no such unfinished one. */
int store_still_finish(struct store *s, struct store_still *still, uint64_t now_us);
/** Forget one that did not come about. */
int store_still_drop(struct store *s, const struct id *id);
int store_still_get(struct store *s, const struct id *id, struct store_still *ret);
/** Those that are ready, oldest first. */
int store_stills_of_case(struct store *s, const struct id *case_id,
                         void (*each)(void *ctx, const struct store_still *still), void *ctx);
/** Photographs that are ready, of all cases. */
int store_photos(struct store *s, void (*each)(void *ctx, const struct store_still *still),
                 void *ctx);
/** What is being taken, or was when a process died: of one case or of all (NULL), of this kind. `each` may
 *  drop the one it is given. */
int store_stills_unfinished(struct store *s, const struct id *case_id, const char *kind,
                            void (*each)(void *ctx, const struct store_still *still), void *ctx);
/** What "still_taken" says of it: all but where it lies, and where it was taken, which is deleted with it. NULL
 *  without memory. */
json_t *store_still_told(const struct store_still *still);
/** As GET /stills/{id} gives it, without the signed addresses; NULL without memory. */
json_t *store_still_json(const struct store_still *still);

/* What they saw */

/** Keep a log (media/seenlog.h) of what was shown in a room. ER_MALFORMED: it is none, or tells nothing;
 *  ER_FULL: there is no such room, or it has LIMIT_SEEN_BYTES. */
int store_seen_add(struct store *s, const struct id *room, const void *log, size_t len,
                   uint64_t now_us);
/** What was shown in that time, as seen_json has it; *ret is the caller's. */
int store_seen_between(struct store *s, const struct id *case_id, uint64_t from_us, uint64_t to_us,
                       json_t **ret);
/** While the clip was recorded, or is up to now. */
int store_clip_seen(struct store *s, const struct store_clip *c, uint64_t now_us, json_t **ret);
/** The same as GET /clips/{id}/seen gives it. */
int store_clip_seen_document(struct store *s, const struct store_clip *c, uint64_t now_us,
                             json_t **ret);

/* Invites */

struct store_invite {
    char jti[STORE_SHORT_BYTES];
    struct id case_id;
    char identity[STORE_IDENTITY_BYTES];
    enum role role, by_role; /* by_role: the inviter's */
    bool single_use;
    uint64_t expires_us;
};
/** With the event "invited" {identity, name, role, expires_at} by `actor`. */
int store_invite_add(struct store *s, const struct store_invite *i, const char *name,
                     const char *actor, uint64_t now_us);
/** Whether `identity` is that of somebody who came to one of the merchant's cases as staff, or did something on
 *  this one, without having been invited to it by that name, other than by a service. */
int store_invite_taken(struct store *s, const char *merchant, const struct id *case_id,
                       const char *identity, bool *ret);
/** Whether the token with this jti (may be NULL) is of a link that somebody on the case made, not a service: a guest's. */
int store_invite_guest(struct store *s, const char *jti, bool *ret);
/** To be called at each fresh `hello` (not a resume), WHIP and WHEP session with a token that has a
 *  jti: 0, also when no invite has this jti; ER_STALE: single use, and used before by another session than `was`,
 *  which is gone. `session` is the new one's; each may be NULL or zeroed: none. */
int store_invite_use(struct store *s, const char *jti, const struct id *session,
                     const struct id *was, uint64_t now_us);
/** What was used for a session that did not come about may be used again. */
int store_invite_give_back(struct store *s, const char *jti);
enum store_invite_state { INVITE_ANY, INVITE_UNUSED, INVITE_USED };
/** INVITE_ANY: it may be used as often as one likes, or there is none. */
int store_invite_state(struct store *s, const char *jti, enum store_invite_state *ret);

#endif
