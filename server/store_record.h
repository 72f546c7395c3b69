// SPDX-License-Identifier: Apache-2.0
/* What staff keep on a case beside its facts: notes, tags, links to other cases. Each change is an event on the
 * timeline. What the buyer is not to read stands beside its event, not in it: the event has but its hash, with a salt, so
 * that the chain is the same for everybody. Part of the store. */
#ifndef LOUPE_SERVER_STORE_RECORD_H
#define LOUPE_SERVER_STORE_RECORD_H

#include "server/store.h"

#define STORE_SALT_BYTES 33 /* of an event's internal part: 32 hexadecimal digits */
#define STORE_TAG_BYTES (LIMIT_TAG + 1)

/** As store_event_append, with a part for staff alone: `data` (an object) gets "internal_sha256", of the canonical
 *  JSON of {"internal", "salt"}. */
int store_event_append_internal(struct store *s, const struct id *case_id, const char *actor,
                                const char *type, json_t *data, const json_t *internal,
                                uint64_t now_us);
/** That hash. ER_NOMEM, ER_INTERNAL. */
int store_internal_hash(const json_t *internal, const char *salt, char ret_hash[STORE_HASH_BYTES]);
/** store_event_json with "internal" and "internal_salt" where there are some. */
json_t *store_event_json_internal(const struct store_event *e);

/** The event "note_added" {visible, text}, the text of one that is not `visible` internal. *ret_seq is the event's number,
 *  which names the note. */
int store_note_add(struct store *s, const struct id *case_id, const char *actor, const char *text,
                   bool visible, uint64_t now_us, uint64_t *ret_seq);
/** "note_added" events from after `seq`, in order; those that are not visible with `internal` only. */
int store_notes_list(struct store *s, const struct id *case_id, bool internal, uint64_t after_seq,
                     size_t limit, void (*each)(void *ctx, const struct store_event *e), void *ctx);

/** Tags (lists of texts, without doubles) put on and taken off; those that are on, or off, already are let go. The event
 *  "tags_changed" with {added, removed} internal, and a new version, if any is left. ER_FULL: beyond LIMIT_TAGS. */
int store_tags_change(struct store *s, const struct id *case_id, const char *actor,
                      const json_t *add, const json_t *remove, uint64_t now_us);
/** A new list, in order; NULL: without memory, or unreadable. */
json_t *store_tags_of(struct store *s, const struct id *case_id);

/** How a case stands to another one; each has its counterpart, seen from there. */
enum store_relation {
    LINK_REINSPECTION_OF, /* goods that came back, held against what was seen at first */
    LINK_REINSPECTED_BY,
    LINK_FOLLOW_UP_OF,
    LINK_FOLLOWED_BY,
    LINK_DUPLICATE_OF,
    LINK_DUPLICATED_BY,
    LINK_RELATED,
    LINK_RELATIONS, /* how many */
};
const char *store_relation_name(enum store_relation relation);        /* "reinspection_of", .. */
int store_relation_parse(const char *name, enum store_relation *ret); /* 0 or ER_NOT_FOUND */
enum store_relation store_relation_back(enum store_relation relation);

/** `case_id` is `relation` `other`, and the other way round: the event "case_linked" with {case, number, relation}
 *  internal on both, with new versions. ER_CONFLICT: it is already; ER_NOT_FOUND; ER_INVALID: it is the same case; ER_FULL:
 *  beyond LIMIT_LINKS, of either. */
int store_link_add(struct store *s, const struct id *case_id, const char *actor,
                   const struct id *other, enum store_relation relation, uint64_t now_us);
/** Every link between the two goes: "case_unlinked" with the same, for each. ER_NOT_FOUND: there is none. */
int store_link_remove(struct store *s, const struct id *case_id, const char *actor,
                      const struct id *other, uint64_t now_us);
/** [{case, number, title, state, relation}] in order of having been made; NULL likewise. */
json_t *store_links_of(struct store *s, const struct id *case_id);

#endif
