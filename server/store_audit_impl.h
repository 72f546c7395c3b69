// SPDX-License-Identifier: Apache-2.0
/* What the parts of the audit share: what a case's events say that its rows must be. */
#ifndef LOUPE_SERVER_STORE_AUDIT_IMPL_H
#define LOUPE_SERVER_STORE_AUDIT_IMPL_H

#include "server/store_audit.h"
#include "server/store_keep.h"
#include "server/store_waits.h"

/** A case as its events tell it. All owned. */
struct audit_tale {
    struct store_case c; /* what is not told is empty */
    json_t *opened;      /* data of the first event */
    bool began;          /* it was case_opened */
    struct store_wait wait;
    json_t *people;      /* identity -> {"role", "recording"} */
    json_t *clips;       /* id -> data of its events, with "by", "at_us", "state", "gone" */
    json_t *stills;      /* id -> data of "still_taken", with "by", "gone" */
    json_t *attachments; /* id -> data of "attachment_added", what is internal too, "by", "gone" */
    json_t *holds; /* id -> {"reason", "by", "at_us", "lift_reason", "lifted_by", "lifted_us"} */
    json_t *tombstones;   /* id -> {"object", "tombstone_sha256"} */
    json_t *tags;         /* tag -> {"there"?} */
    json_t *links;        /* "other relation" -> the same */
    json_t *pins;         /* hash of a checklist that was pinned -> {"event"} */
    json_t *certificates; /* id -> {"number", "event"} */
    json_t *wraps;  /* who owes a wrap-up -> {"since_us", "seconds", "extensions", "required"} */
    json_t *hashes; /* of event 1, 2, .. */
};

/** ER_NOMEM. Clear it in any case. */
int audit_tale_init(struct audit_tale *t);
void audit_tale_clear(struct audit_tale *t);
/** What one more event says. ER_NOMEM. */
int audit_tale_add(struct audit_tale *t, const struct store_event *e);

struct audit {
    struct store *store;
    struct store_audit *config;
    struct report *report;
    struct audit_tale tale;
    struct id case_id;
    char row[160];
    int er; /* of the callbacks */
};

/** From here on findings are about this row; table NULL: about none. */
void audit_at(struct audit *a, const char *table, const char *key, const char *more);
/** A finding about the row. */
void audit_wrong(struct audit *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/** The rows of the case against the tale, and their files. */
int audit_rows(struct audit *a);
/** Whether what stands beside an event is what it was. */
void audit_internal(struct audit *a, const struct store_event *e);
/** Tags and links against the tale. */
int audit_record(struct audit *a);
/** What the timeline tells of and no row was found for. */
void audit_missing(struct audit *a, const char *table, json_t *told);
/** The files of a clip that is ready, `told` of it by events. */
void audit_clip_files(struct audit *a, const struct store_clip *c, const json_t *told);
void audit_still_files(struct audit *a, const struct store_still *s);
/** A file that cannot be read, by the error of reading it. */
void audit_cannot_read(struct audit *a, const char *suffix, int er);
/** Attachments against the tale, and their files. */
int audit_attachments(struct audit *a);
/** What examinations of the case go by, and its certificates. */
int audit_judged(struct audit *a);
/** The sums of figures, of all cases together; in a snapshot of its own. */
int audit_stats(struct audit *a);
void audit_tombstone(struct audit *a, const struct store_tombstone *t);

#endif
