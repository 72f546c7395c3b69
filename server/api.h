// SPDX-License-Identifier: Apache-2.0
/* The REST interface: what a handler gets, and the helpers they share. The routes are in api.c. */
#ifndef LOUPE_SERVER_API_H
#define LOUPE_SERVER_API_H

#include <jansson.h>
#include <stdbool.h>

#include "server/app.h"
#include "server/refusal.h"
#include "server/router.h"

/** One request under way; moves between the threads as a whole. */
struct api_call {
    struct app *app; /* on the store thread only `auth`, `entropy`, `media_key`, `base_url`, `log`,
                * `data` */
    struct http_request *request;
    const struct route *route;
    struct route_params params;
    struct claims claims; /* checked, when has_claims */
    bool has_claims;
    json_t *body; /* the object that came, for ROUTE_JSON */
    uint64_t unix_us;
    bool draining; /* the server was, when the request came */
    bool disk_low; /* likewise the disk */
    bool clips_unsaved;
    struct http_response response;
    enum store_invite_state invite; /* of the token */
    bool sweep;                     /* what is due to be deleted may have changed */
    unsigned retained;              /* periods of keeping that were changed */
    bool recorded;                  /* a case's record was changed */
    bool outdated;                  /* refused, as the case was changed meanwhile */
    unsigned judged;                /* bits (1u << JUDGED_..) of what was done */
    bool booked;                    /* something was booked, or moved */
    bool hours;                     /* business hours were set */
    bool branded;                   /* a brand was changed */
    bool viewed;                    /* something was looked at, and the timeline says so */
    struct id changed;              /* a case that was changed: its room is told */
};

/** Takes `request` over; it is answered now or later. */
void api_dispatch(struct app *app, struct http_request *request);
/** Send c->response and end the call. Signalling thread. */
void api_answer(struct api_call *c);

/** Problems and bodies into c->response. */
void api_problem(struct api_call *c, int status, const char *detail);
void api_problem_er(struct api_call *c, int er, const char *detail);
/** What was refused, with its members: 409 for ER_CONFLICT, and so on. Clears it. */
void api_refused(struct api_call *c, int er, struct refusal *why);
/** Answer with a file that was recorded, with Range; any thread. On failure the problem is set: ER_NOT_FOUND;
 *  ER_DENIED: it is encrypted, and its key is not here; ER_UNAUTHENTIC, ..: it was changed; ER_IO. */
int api_file(struct api_call *c, const char *path);
/** Takes `body` over (NULL: 500). */
void api_json(struct api_call *c, int status, json_t *body);
/** A list, or what was in the way of it. Takes `items` over (NULL: 500 where `er` is 0). */
void api_items(struct api_call *c, int er, json_t *items);

/** May they see this case? Beside claims_allow_case: an arbiter every case of the merchant that was
 *  ever disputed. */
bool api_may_see(const struct claims *claims, const struct store_case *sc);
/** The case of the first parameter, if they may see it; else false, and the problem is set. */
bool api_case(struct store *s, struct api_call *c, struct store_case *ret);
/** The same, for those whose role sees clips and stills. */
bool api_case_evidence(struct store *s, struct api_call *c, struct store_case *ret);
/** Whether the one with the token may see what was recorded in this case; else the problem is set. */
bool api_evidence_allowed(struct store *s, struct api_call *c, const struct id *case_id);
/** Answer with a case and its ETag. Clears it. */
void api_case_answer(struct api_call *c, int status, struct store_case *sc);
/** The case as this person is shown it: with tags and links for those who see them. On the store thread. NULL without
 *  memory. */
json_t *api_case_json(const struct api_call *c, const struct store_case *sc);
/** Its ETag; `ret` of 24 bytes or more. */
void api_case_etag(const struct store_case *sc, char *ret, size_t size);
/** Is the case the one that If-Match is about, if there is one? */
bool api_case_matches(const struct api_call *c, const struct store_case *sc);
/** 412 with the case as it is, so that what was wanted can be put beside it. */
void api_case_stale(struct api_call *c, const struct store_case *sc);
/** 409 with the states (bits) that would allow it. */
void api_case_wrong_state(struct api_call *c, unsigned states, const struct store_case *sc);
/** `text` percent-encoded for a query; `ret` has three times its size and a NUL. */
void api_encode(const char *text, char *ret, size_t size);

/* Handlers, by file */
void api_cases_create(struct store *s, struct api_call *c);
void api_cases_list(struct store *s, struct api_call *c);
void api_case_get(struct store *s, struct api_call *c);
void api_case_act(struct store *s, struct api_call *c);
void api_case_change(struct store *s, struct api_call *c);
void api_timers_get(struct store *s, struct api_call *c);
void api_timers_put(struct store *s, struct api_call *c);
/** How things stand: {"open", "closes_at" or "opens_at", "reason"?}; NULL without memory. */
struct hours;
json_t *api_hours_now(const struct hours *h, uint64_t unix_us);
void api_people_list(struct store *s, struct api_call *c);
void api_person_get(struct store *s, struct api_call *c);
void api_person_put(struct store *s, struct api_call *c);
void api_person_delete(struct store *s, struct api_call *c);
void api_slots(struct store *s, struct api_call *c);
void api_booking_get(struct store *s, struct api_call *c);
void api_booking_put(struct store *s, struct api_call *c);
void api_booking_cancel(struct store *s, struct api_call *c);
void api_booking_done(struct store *s, struct api_call *c);
void api_bookings_list(struct store *s, struct api_call *c);
void api_hours_get(struct store *s, struct api_call *c);
void api_hours_put(struct store *s, struct api_call *c);
void api_hours_delete(struct store *s, struct api_call *c);
void api_notes_list(struct store *s, struct api_call *c);
void api_note_add(struct store *s, struct api_call *c);
void api_case_tag(struct store *s, struct api_call *c);
void api_case_link(struct store *s, struct api_call *c);
void api_case_unlink(struct store *s, struct api_call *c);
void api_case_export(struct api_call *c);
void api_case_export_link(struct api_call *c);
void api_holds_list(struct store *s, struct api_call *c);
void api_hold_place(struct store *s, struct api_call *c);
void api_hold_lift(struct store *s, struct api_call *c);
void api_brand_get(struct store *s, struct api_call *c);
void api_brand_put(struct store *s, struct api_call *c);
void api_brand_logo_put(struct store *s, struct api_call *c);
void api_brand_logo_delete(struct store *s, struct api_call *c);
void api_logo_get(struct store *s, struct api_call *c);
void api_certificate_brand(struct store *s, struct api_call *c);
void api_retention_get(struct store *s, struct api_call *c);
void api_retention_put(struct store *s, struct api_call *c);
void api_retention_changes(struct store *s, struct api_call *c);
/** That this person has read the case is in the merchant's log: once a day. What cannot be written down is logged and
 *  stops nobody from reading. */
void api_case_was_read(struct store *s, struct api_call *c, const struct store_case *sc);
void api_log(struct store *s, struct api_call *c);
void api_keys_list(struct store *s, struct api_call *c);
void api_key_create(struct store *s, struct api_call *c);
void api_key_rotate(struct store *s, struct api_call *c);
void api_key_delete(struct store *s, struct api_call *c);
void api_hooks_list(struct store *s, struct api_call *c);
void api_hook_create(struct store *s, struct api_call *c);
void api_hook_get(struct store *s, struct api_call *c);
void api_hook_change(struct store *s, struct api_call *c);
void api_hook_delete(struct store *s, struct api_call *c);
void api_hook_rotate(struct store *s, struct api_call *c);
void api_hook_test(struct store *s, struct api_call *c);
void api_hook_deliveries(struct store *s, struct api_call *c);
void api_hook_delivery(struct store *s, struct api_call *c);
void api_hook_delivery_replay(struct store *s, struct api_call *c);
void api_hook_replay(struct store *s, struct api_call *c);
void api_pairing_get(struct store *s, struct api_call *c);
void api_pairing_put(struct store *s, struct api_call *c);
void api_wraps_list(struct store *s, struct api_call *c);
void api_wrap_give(struct api_call *c);
void api_wrap_extend(struct api_call *c);
void api_disputes_list(struct store *s, struct api_call *c);
void api_dispute_get(struct store *s, struct api_call *c);
void api_dispute_state(struct store *s, struct api_call *c);
void api_dispute_ask(struct store *s, struct api_call *c);
void api_dispute_answer(struct store *s, struct api_call *c);
void api_checklists_list(struct store *s, struct api_call *c);
void api_checklist_get(struct store *s, struct api_call *c);
void api_checklist_put(struct store *s, struct api_call *c);
void api_checklist_delete(struct store *s, struct api_call *c);
void api_examination_get(struct store *s, struct api_call *c);
void api_examination_pin(struct store *s, struct api_call *c);
void api_examination_point(struct store *s, struct api_call *c);
void api_examination_blind(struct store *s, struct api_call *c);
void api_opinion_commit(struct store *s, struct api_call *c);
void api_opinion_reveal(struct store *s, struct api_call *c);
void api_certificate_issue(struct store *s, struct api_call *c);
void api_certificate_get(struct store *s, struct api_call *c);
void api_certificate_revoke(struct store *s, struct api_call *c);
void api_clip_delete(struct api_call *c);
void api_still_delete(struct api_call *c);
void api_tombstones_list(struct store *s, struct api_call *c);
void api_tombstone_get(struct store *s, struct api_call *c);
void api_accesses(struct store *s, struct api_call *c);
void api_timeline(struct store *s, struct api_call *c);
void api_stats(struct store *s, struct api_call *c);
void api_invite(struct store *s, struct api_call *c);
void api_clips_list(struct store *s, struct api_call *c);
void api_clip_get(struct store *s, struct api_call *c);
void api_clip_drawings(struct store *s, struct api_call *c);
void api_clip_seen(struct store *s, struct api_call *c);
void api_clip_media(struct store *s, struct api_call *c);
void api_clip_poster(struct store *s, struct api_call *c);
void api_clip_manifest(struct store *s, struct api_call *c);
void api_stills_list(struct store *s, struct api_call *c);
void api_still_get(struct store *s, struct api_call *c);
void api_still_media(struct store *s, struct api_call *c);
void api_still_record(struct store *s, struct api_call *c);
void api_still_poster(struct store *s, struct api_call *c);
void api_room_get(struct api_call *c);
void api_room_clip(struct api_call *c);
void api_photo_look(struct api_call *c);
void api_photo_piece(struct api_call *c);
void api_attachments_list(struct store *s, struct api_call *c);
void api_attachment_begin(struct store *s, struct api_call *c);
void api_attachment_get(struct store *s, struct api_call *c);
void api_attachment_media(struct store *s, struct api_call *c);
void api_attachment_look(struct api_call *c);
void api_attachment_piece(struct api_call *c);
void api_attachment_drop(struct api_call *c);
void api_attachment_delete(struct api_call *c);
void api_room_lookback(struct api_call *c);
void api_room_still(struct api_call *c);
void api_room_consent(struct api_call *c);
void api_clip_stop(struct api_call *c);
void api_clip_trim(struct api_call *c);
void api_healthz(struct api_call *c);
void api_readyz(struct store *s, struct api_call *c);
void api_metrics(struct api_call *c);
void api_keys(struct store *s, struct api_call *c);
void api_openapi(struct api_call *c);

/** The addresses of a clip's files, signed for `identity`, into its JSON. 0 or ER_NOMEM. */
int api_clip_sign(const struct media_key *key, json_t *clip, bool has_poster, const char *identity,
                  uint64_t now_s);
/** The same for a still's. */
int api_still_sign(const struct media_key *key, json_t *still, const char *identity,
                   uint64_t now_s);
/** What is asked with a piece of an upload; false: the problem is set. */
struct calls_photo_piece;
bool api_piece_taken(struct api_call *c, struct calls_photo_piece *ret);
/** How far an upload is, as headers, where `stands` says so. */
void api_put_offset(struct api_call *c, const json_t *stands);
/** The address of one file of `kind` ("clips", "cases"), signed for `identity`, as `member` of `object`. */
int api_sign_link(const struct media_key *key, json_t *object, const char *kind, const char *id,
                  const char *member, const char *file, const char *identity, uint64_t expires_s);
/** Who wants a file of the first parameter's id: the token's person, who may yet have no right to it, or, without
 *  a token, the one that such an address was made for. False: the problem is set. */
bool api_file_person(struct api_call *c, const char *file, char ret_person[LIMIT_IDENTITY + 1]);

#endif
