// SPDX-License-Identifier: Apache-2.0
/* Keeping and forgetting: how long clips, stills and attachments are kept, what is held, and what stands in the place
 * of what was deleted. Part of the store (store.h): on the store thread, durable on return. */
#ifndef LOUPE_SERVER_STORE_KEEP_H
#define LOUPE_SERVER_STORE_KEEP_H

#include "server/store.h"

#define STORE_OBJECT_BYTES 16

/* How long */

/** What is kept, and may be held and deleted. */
enum keep_object { KEPT_CLIP, KEPT_STILL, KEPT_ATTACHMENT, KEPT_OBJECTS };
/** "clip", "still", "attachment". */
const char *keep_object_name(enum keep_object object);
/** KEPT_OBJECTS: none of them. */
enum keep_object keep_object_of(const char *name);

/** What a period can be set for: the kinds of clips, then those of stills, then attachments. */
enum keep_kind {
    KEEP_CLIP,
    KEEP_LOOKBACK,
    KEEP_TRIM,
    KEEP_STILL,
    KEEP_PHOTO,
    KEEP_ATTACHMENT,
    KEEP_KINDS
};
/** As in the rows and in the API. */
const char *keep_kind_name(enum keep_kind kind);

struct store_retention {
    uint64_t seconds[KEEP_KINDS]; /* from when it was asked for; 0: for ever */
};
int store_retention_get(struct store *s, const char *merchant, struct store_retention *ret);
/** With an entry in the log of changes by `by`, where it is one; *ret_changed (may be NULL) says so. */
int store_retention_set(struct store *s, const char *merchant, enum keep_kind kind,
                        uint64_t seconds, const char *by, uint64_t now_us, bool *ret_changed);

struct store_retention_change {
    uint64_t seq; /* from 1 for each merchant */
    uint64_t at_us;
    char actor[STORE_IDENTITY_BYTES];
    enum keep_kind kind;
    uint64_t from_seconds, to_seconds; /* 0: for ever */
};
/** In order, from after `seq`, `limit` at most. */
int store_retention_changes(struct store *s, const char *merchant, uint64_t after_seq, size_t limit,
                            void (*each)(void *ctx, const struct store_retention_change *c),
                            void *ctx);

/* Holds */

struct store_hold {
    struct id id;
    struct id case_id;
    char object
        [STORE_OBJECT_BYTES]; /* of keep_object_name; "case": all of it, also what comes yet */
    struct id of;             /* the clip, still or attachment; zeroed */
    bool firm;                /* only who may place such a one lifts it */
    char reason[STORE_TEXT_BYTES];
    char placed_by[STORE_IDENTITY_BYTES];
    uint64_t placed_us;
    char lift_reason[STORE_TEXT_BYTES];
    char lifted_by[STORE_IDENTITY_BYTES];
    uint64_t lifted_us; /* 0: it holds */
};
/** Fills in id and time; the event "hold_placed" {hold, clip, still or attachment, reason} by placed_by. ER_NOT_FOUND:
 *  no such case, or no such thing in it. ER_FULL: LIMIT_HOLDS of the case hold already. */
int store_hold_place(struct store *s, struct store_hold *h, uint64_t now_us);
/** The event "hold_lifted" {hold, reason}. `firmly`: also a firm one. ER_NOT_FOUND; ER_CONFLICT: lifted
 *  before; ER_DENIED: it is firm. */
int store_hold_lift(struct store *s, const struct id *id, const char *by, bool firmly,
                    const char *reason, uint64_t now_us, struct store_hold *ret);
/** ER_NOT_FOUND. */
int store_hold_get(struct store *s, const struct id *id, struct store_hold *ret);
/** Oldest first, lifted ones too. */
int store_holds_of_case(struct store *s, const struct id *case_id,
                        void (*each)(void *ctx, const struct store_hold *h), void *ctx);
/** As the API gives it; NULL without memory. */
json_t *store_hold_json(const struct store_hold *h);

/* What comes of both */

struct store_keeping {
    bool held;
    bool disputed;     /* the case is, or may be appealed yet: then nothing of it goes */
    bool certified;    /* a certificate that holds goes by it */
    uint64_t until_us; /* when its period ends; 0: never */
};
/** Of the clip, still or attachment `of`, of this kind, asked for at `made_us`. */
int store_keeping_of(struct store *s, const struct id *case_id, const char *kind,
                     const struct id *of, uint64_t made_us, uint64_t now_us,
                     struct store_keeping *ret);
/** Why it stays, whatever anybody wants; NULL: it may go. */
const char *store_keeping_why(const struct store_keeping *keeping);

/** Where a round through all clips (then stills, then attachments) is. */
struct store_round {
    enum keep_object of;
    struct id after; /* zeroed: from the first */
};
/** A step of such a round, of LIMIT_SWEEP_ROWS rows at most: those whose period is over and that nothing
 *  holds, `size` at most, into `ret`. Moves `round` on; *ret_end: all was seen. */
int store_due(struct store *s, struct store_round *round, uint64_t now_us, struct id *ret,
              size_t size, size_t *ret_count, bool *ret_end);

/* Tombstones */

struct store_tombstone {
    struct id id; /* of what was deleted */
    struct id case_id;
    char object[STORE_OBJECT_BYTES]; /* of keep_object_name */
    char path[STORE_PATH_BYTES];     /* of its files, without suffix */
    char *document;                  /* signed, canonical JSON; owned by whoever made the struct */
    uint64_t deleted_us;
    bool cleared; /* its files are gone */
    bool due;     /* for store_bury: it goes because its period is over, so only if it still is */
};
/** Puts the tombstone in the row's place, at once, with the event "clip_deleted", "still_deleted" or
 *  "attachment_deleted" by `by`, {clip, still or attachment} and what `told` has (an object). ER_NOT_FOUND: there is no such row (any more), or it is
 *  not finished; ER_CONFLICT: held, disputed, not due any more, or a part of it is being made. */
int store_bury(struct store *s, const struct store_tombstone *t, const char *by, const json_t *told,
               uint64_t now_us);
/** The files of this one are gone. */
int store_tombstone_cleared(struct store *s, const struct id *id);
/** ER_NOT_FOUND. *ret->document is the caller's to free. */
int store_tombstone_get(struct store *s, const struct id *id, struct store_tombstone *ret);
/** Oldest first. */
int store_tombstones_of_case(struct store *s, const struct id *case_id,
                             void (*each)(void *ctx, const struct store_tombstone *t), void *ctx);
/** Those behind `after` whose files may be there yet, `limit` at most, by id. */
int store_tombstones_left(struct store *s, const struct id *after, size_t limit,
                          void (*each)(void *ctx, const struct store_tombstone *t), void *ctx);
/** The clips that were trimmed from this one and are there, `size` at most. ER_CONFLICT: one is being
 *  made; ER_FULL: there are more. */
int store_parts_of(struct store *s, const struct id *case_id, const struct id *clip, struct id *ret,
                   size_t size, size_t *ret_count);

#endif
