// SPDX-License-Identifier: Apache-2.0
/* From a request to its handler: routes, tokens, bodies, the thread it runs on. */
#include "server/api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/er.h"
#include "base/json.h"
#include "base/str.h"
#include "server/calls.h"
#include "server/pace.h"
#include "server/case_deeds.h"
#include "server/static.h"
#include "server/store_record.h"
#include "server/whip.h"

#define V1 "/api/v1"

static const struct route routes[] = {
    {HTTP_POST, V1 "/cases", ROUTE_JSON, api_cases_create, NULL},
    {HTTP_GET, V1 "/cases", 0, api_cases_list, NULL},
    {HTTP_GET, V1 "/cases/{id}", 0, api_case_get, NULL},
    {HTTP_PATCH, V1 "/cases/{id}", ROUTE_JSON, api_case_change, NULL},
    {HTTP_GET, V1 "/cases/{id}/notes", 0, api_notes_list, NULL},
    {HTTP_POST, V1 "/cases/{id}/notes", ROUTE_JSON, api_note_add, NULL},
    {HTTP_POST, V1 "/cases/{id}/tags", ROUTE_JSON, api_case_tag, NULL},
    {HTTP_POST, V1 "/cases/{id}/links", ROUTE_JSON, api_case_link, NULL},
    {HTTP_DELETE, V1 "/cases/{id}/links/{other}", 0, api_case_unlink, NULL},
    {HTTP_POST, V1 "/cases/{id}/actions/{action}", ROUTE_JSON, api_case_act, NULL},
    {HTTP_GET, V1 "/cases/{id}/export", ROUTE_OPEN, NULL, api_case_export},
    {HTTP_POST, V1 "/cases/{id}/export", 0, NULL, api_case_export_link},
    {HTTP_DELETE, V1 "/clips/{id}", ROUTE_MANAGE, NULL, api_clip_delete},
    {HTTP_DELETE, V1 "/stills/{id}", ROUTE_MANAGE, NULL, api_still_delete},
    {HTTP_GET, V1 "/cases/{id}/tombstones", 0, api_tombstones_list, NULL},
    {HTTP_GET, V1 "/tombstones/{id}", 0, api_tombstone_get, NULL},
    {HTTP_GET, V1 "/cases/{id}/holds", ROUTE_MANAGE, api_holds_list, NULL},
    {HTTP_POST, V1 "/cases/{id}/holds", ROUTE_JSON | ROUTE_MANAGE, api_hold_place, NULL},
    {HTTP_POST, V1 "/holds/{id}/lift", ROUTE_JSON | ROUTE_MANAGE, api_hold_lift, NULL},
    {HTTP_GET, V1 "/timers", 0, api_timers_get, NULL},
    {HTTP_PUT, V1 "/timers", ROUTE_JSON | ROUTE_MANAGE, api_timers_put, NULL},
    {HTTP_GET, V1 "/people", 0, api_people_list, NULL},
    {HTTP_GET, V1 "/people/{identity}", 0, api_person_get, NULL},
    {HTTP_PUT, V1 "/people/{identity}", ROUTE_JSON | ROUTE_MANAGE, api_person_put, NULL},
    {HTTP_DELETE, V1 "/people/{identity}", ROUTE_MANAGE, api_person_delete, NULL},
    {HTTP_GET, V1 "/cases/{id}/slots", 0, api_slots, NULL},
    {HTTP_GET, V1 "/cases/{id}/booking", 0, api_booking_get, NULL},
    {HTTP_PUT, V1 "/cases/{id}/booking", ROUTE_JSON, api_booking_put, NULL},
    {HTTP_DELETE, V1 "/cases/{id}/booking", 0, api_booking_cancel, NULL},
    {HTTP_POST, V1 "/cases/{id}/booking/done", ROUTE_JSON, api_booking_done, NULL},
    {HTTP_GET, V1 "/bookings", 0, api_bookings_list, NULL},
    {HTTP_GET, V1 "/hours", 0, api_hours_get, NULL},
    {HTTP_PUT, V1 "/hours", ROUTE_JSON | ROUTE_MANAGE, api_hours_put, NULL},
    {HTTP_DELETE, V1 "/hours", ROUTE_MANAGE, api_hours_delete, NULL},
    {HTTP_GET, V1 "/hours/{team}", 0, api_hours_get, NULL},
    {HTTP_PUT, V1 "/hours/{team}", ROUTE_JSON | ROUTE_MANAGE, api_hours_put, NULL},
    {HTTP_DELETE, V1 "/hours/{team}", ROUTE_MANAGE, api_hours_delete, NULL},
    {HTTP_GET, V1 "/pairing", 0, api_pairing_get, NULL},
    {HTTP_PUT, V1 "/pairing", ROUTE_JSON | ROUTE_MANAGE, api_pairing_put, NULL},
    {HTTP_GET, V1 "/wrap-ups", 0, api_wraps_list, NULL},
    {HTTP_POST, V1 "/cases/{id}/wrap-up", ROUTE_JSON, NULL, api_wrap_give},
    {HTTP_POST, V1 "/cases/{id}/wrap-up/extend", ROUTE_JSON, NULL, api_wrap_extend},
    {HTTP_GET, V1 "/disputes", 0, api_disputes_list, NULL},
    {HTTP_GET, V1 "/cases/{id}/dispute", 0, api_dispute_get, NULL},
    {HTTP_POST, V1 "/cases/{id}/statements", ROUTE_JSON, api_dispute_state, NULL},
    {HTTP_POST, V1 "/cases/{id}/questions", ROUTE_JSON, api_dispute_ask, NULL},
    {HTTP_POST, V1 "/cases/{id}/questions/{question}/answer", ROUTE_JSON, api_dispute_answer, NULL},
    {HTTP_GET, V1 "/checklists", 0, api_checklists_list, NULL},
    {HTTP_GET, V1 "/checklists/{id}", 0, api_checklist_get, NULL},
    {HTTP_PUT, V1 "/checklists/{id}", ROUTE_JSON | ROUTE_MANAGE, api_checklist_put, NULL},
    {HTTP_DELETE, V1 "/checklists/{id}", ROUTE_MANAGE, api_checklist_delete, NULL},
    {HTTP_GET, V1 "/cases/{id}/examination", 0, api_examination_get, NULL},
    {HTTP_POST, V1 "/cases/{id}/examination", ROUTE_JSON, api_examination_pin, NULL},
    {HTTP_PUT, V1 "/cases/{id}/examination/points/{point}", ROUTE_JSON, api_examination_point,
     NULL},
    {HTTP_POST, V1 "/cases/{id}/examination/blind", ROUTE_JSON, api_examination_blind, NULL},
    {HTTP_POST, V1 "/cases/{id}/opinions", ROUTE_JSON, api_opinion_commit, NULL},
    {HTTP_POST, V1 "/cases/{id}/opinions/reveal", ROUTE_JSON, api_opinion_reveal, NULL},
    {HTTP_POST, V1 "/cases/{id}/certificate", ROUTE_JSON, api_certificate_issue, NULL},
    {HTTP_GET, V1 "/certificates/{id}", ROUTE_OPEN, api_certificate_get, NULL},
    {HTTP_POST, V1 "/certificates/{id}/revoke", ROUTE_JSON, api_certificate_revoke, NULL},
    {HTTP_GET, V1 "/brand", 0, api_brand_get, NULL},
    {HTTP_PUT, V1 "/brand", ROUTE_JSON | ROUTE_MANAGE, api_brand_put, NULL},
    {HTTP_PUT, V1 "/brand/logo", ROUTE_MANAGE, api_brand_logo_put, NULL},
    {HTTP_DELETE, V1 "/brand/logo", ROUTE_MANAGE, api_brand_logo_delete, NULL},
    {HTTP_GET, V1 "/logos/{sha256}", ROUTE_OPEN, api_logo_get, NULL},
    {HTTP_GET, V1 "/certificates/{id}/brand", ROUTE_OPEN, api_certificate_brand, NULL},
    {HTTP_GET, V1 "/retention", ROUTE_MANAGE, api_retention_get, NULL},
    {HTTP_PUT, V1 "/retention", ROUTE_JSON | ROUTE_MANAGE, api_retention_put, NULL},
    {HTTP_GET, V1 "/retention/changes", ROUTE_MANAGE, api_retention_changes, NULL},
    {HTTP_GET, V1 "/webhooks", ROUTE_MANAGE, api_hooks_list, NULL},
    {HTTP_POST, V1 "/webhooks", ROUTE_JSON | ROUTE_MANAGE, api_hook_create, NULL},
    {HTTP_GET, V1 "/webhooks/{id}", ROUTE_MANAGE, api_hook_get, NULL},
    {HTTP_PATCH, V1 "/webhooks/{id}", ROUTE_JSON | ROUTE_MANAGE, api_hook_change, NULL},
    {HTTP_DELETE, V1 "/webhooks/{id}", ROUTE_MANAGE, api_hook_delete, NULL},
    {HTTP_POST, V1 "/webhooks/{id}/rotate", ROUTE_JSON | ROUTE_MANAGE, api_hook_rotate, NULL},
    {HTTP_POST, V1 "/webhooks/{id}/test", ROUTE_JSON | ROUTE_MANAGE, api_hook_test, NULL},
    {HTTP_POST, V1 "/webhooks/{id}/replay", ROUTE_JSON | ROUTE_MANAGE, api_hook_replay, NULL},
    {HTTP_GET, V1 "/webhooks/{id}/deliveries", ROUTE_MANAGE, api_hook_deliveries, NULL},
    {HTTP_GET, V1 "/webhooks/{id}/deliveries/{delivery}", ROUTE_MANAGE, api_hook_delivery, NULL},
    {HTTP_POST, V1 "/webhooks/{id}/deliveries/{delivery}/replay", ROUTE_JSON | ROUTE_MANAGE,
     api_hook_delivery_replay, NULL},
    {HTTP_GET, V1 "/log", ROUTE_MANAGE, api_log, NULL},
    {HTTP_GET, V1 "/api-keys", ROUTE_MANAGE, api_keys_list, NULL},
    {HTTP_POST, V1 "/api-keys", ROUTE_JSON | ROUTE_MANAGE, api_key_create, NULL},
    {HTTP_POST, V1 "/api-keys/{id}/rotate", ROUTE_JSON | ROUTE_MANAGE, api_key_rotate, NULL},
    {HTTP_DELETE, V1 "/api-keys/{id}", ROUTE_MANAGE, api_key_delete, NULL},
    {HTTP_GET, V1 "/cases/{id}/accesses", 0, api_accesses, NULL},
    {HTTP_GET, V1 "/cases/{id}/timeline", 0, api_timeline, NULL},
    {HTTP_POST, V1 "/cases/{id}/invites", ROUTE_JSON, api_invite, NULL},
    {HTTP_GET, V1 "/cases/{id}/clips", 0, api_clips_list, NULL},
    {HTTP_GET, V1 "/clips/{id}", 0, api_clip_get, NULL},
    {HTTP_GET, V1 "/clips/{id}/seen", 0, api_clip_seen, NULL},
    {HTTP_GET, V1 "/clips/{id}/drawings", 0, api_clip_drawings, NULL},
    {HTTP_GET, V1 "/clips/{id}/media", ROUTE_OPEN, api_clip_media, NULL},
    {HTTP_GET, V1 "/clips/{id}/poster", ROUTE_OPEN, api_clip_poster, NULL},
    {HTTP_GET, V1 "/clips/{id}/manifest", ROUTE_OPEN, api_clip_manifest, NULL},
    {HTTP_POST, V1 "/clips/{id}/trim", ROUTE_JSON, NULL, api_clip_trim},
    {HTTP_POST, V1 "/clips/{id}/stop", ROUTE_JSON, NULL, api_clip_stop},
    {HTTP_GET, V1 "/cases/{id}/stills", 0, api_stills_list, NULL},
    {HTTP_GET, V1 "/stills/{id}", 0, api_still_get, NULL},
    {HTTP_GET, V1 "/stills/{id}/media", ROUTE_OPEN, api_still_media, NULL},
    {HTTP_GET, V1 "/stills/{id}/record", ROUTE_OPEN, api_still_record, NULL},
    {HTTP_GET, V1 "/stills/{id}/poster", ROUTE_OPEN, api_still_poster, NULL},
    {HTTP_GET, V1 "/cases/{id}/attachments", 0, api_attachments_list, NULL},
    {HTTP_POST, V1 "/cases/{id}/attachments", ROUTE_JSON, api_attachment_begin, NULL},
    {HTTP_GET, V1 "/attachments/{id}", 0, api_attachment_get, NULL},
    {HTTP_DELETE, V1 "/attachments/{id}", ROUTE_MANAGE, NULL, api_attachment_delete},
    {HTTP_GET, V1 "/attachments/{id}/upload", 0, NULL, api_attachment_look},
    {HTTP_PATCH, V1 "/attachments/{id}/upload", 0, NULL, api_attachment_piece},
    {HTTP_DELETE, V1 "/attachments/{id}/upload", 0, NULL, api_attachment_drop},
    {HTTP_GET, V1 "/attachments/{id}/media", ROUTE_OPEN, api_attachment_media, NULL},
    {HTTP_GET, V1 "/photographs/{id}", 0, NULL, api_photo_look},
    {HTTP_PATCH, V1 "/photographs/{id}", 0, NULL, api_photo_piece},
    {HTTP_GET, V1 "/rooms/{room}", 0, NULL, api_room_get},
    {HTTP_POST, V1 "/rooms/{room}/clips", ROUTE_JSON, NULL, api_room_clip},
    {HTTP_POST, V1 "/rooms/{room}/lookback", ROUTE_JSON, NULL, api_room_lookback},
    {HTTP_POST, V1 "/rooms/{room}/stills", ROUTE_JSON, NULL, api_room_still},
    {HTTP_POST, V1 "/rooms/{room}/consents", ROUTE_JSON, NULL, api_room_consent},
    {HTTP_GET, V1 "/stats", 0, api_stats, NULL},
    {HTTP_GET, "/healthz", ROUTE_OPEN, NULL, api_healthz},
    {HTTP_GET, "/readyz", ROUTE_OPEN, api_readyz, NULL},
    {HTTP_GET, "/metrics", ROUTE_OPEN, NULL, api_metrics},
    {HTTP_GET, "/.well-known/loupe-keys.json", ROUTE_OPEN, api_keys, NULL},
    {HTTP_GET, "/openapi.json", ROUTE_OPEN, NULL, api_openapi},
};
#define ROUTES (sizeof routes / sizeof routes[0])

void api_problem(struct api_call *c, int status, const char *detail)
{
    http_problem(&c->response, status, detail);
}

void api_problem_er(struct api_call *c, int er, const char *detail)
{
    http_problem_er(&c->response, er, detail);
}

void api_refused(struct api_call *c, int er, struct refusal *why)
{
    api_problem_er(c, er, why->why);
    json_t *problem = why->more && c->response.body
                          ? json_loadb(c->response.body, c->response.body_len, 0, NULL)
                          : NULL;
    if (problem) {
        int status = c->response.status;
        (void)json_object_update(problem, why->more);
        http_response_clear(&c->response);
        api_json(c, status, problem);
        c->response.content_type = "application/problem+json";
    }
    refusal_clear(why);
}

int api_file(struct api_call *c, const char *path)
{
    struct file *file;
    uint64_t size = 0;
    int er = file_open(&file, c->app->vault, path);
    if (er == 0 && (file_size(file, &size) < 0 || size == 0)) {
        file_close(file);
        er = ER_IO;
    }
    if (er == 0) {
        c->response.status = 200;
        c->response.file = file;
        c->response.file_size = size;
        return 0;
    }
    if (er == ER_NOT_FOUND)
        api_problem_er(c, er, "there is no such file");
    else
        api_problem(c, er == ER_DENIED ? 503 : 500,
                    er == ER_DENIED
                        ? "the file is encrypted with a key that the server was not given"
                    : er == ER_IO ? "the file cannot be read"
                                  : "the file is not as it was written");
    log_event(c->app->log, LOG_ERROR, "file_unreadable", "er=%s", er_name(er));
    return er;
}

void api_json(struct api_call *c, int status, json_t *body)
{
    char *text = body ? json_canonical(body) : NULL;
    json_decref(body);
    http_body_take(&c->response, status, "application/json", text);
}

void api_items(struct api_call *c, int er, json_t *items)
{
    if (er == 0) {
        api_json(c, 200, items ? json_pack("{s:o}", "items", items) : NULL);
        return;
    }
    json_decref(items);
    api_problem_er(c, er, NULL);
}

void api_encode(const char *text, char *ret, size_t size)
{
    size_t len = 0;
    for (const unsigned char *p = (const unsigned char *)text; *p && len + 4 <= size; p++) {
        bool plain = (*p >= '0' && *p <= '9') || (*p >= 'a' && *p <= 'z') ||
                     (*p >= 'A' && *p <= 'Z') || strchr("-._~", *p);
        if (plain) {
            ret[len++] = (char)*p;
        } else {
            ret[len++] = '%';
            hex_encode(ret + len, p, 1);
            len += 2;
        }
    }
    ret[len] = '\0';
}

bool api_may_see(const struct claims *claims, const struct store_case *sc)
{
    if (claims_allow_case(claims, &sc->id, &sc->room, sc->merchant))
        return true;
    return !claims_is_bound(claims) && role_describe(claims->role)->rules &&
           strcmp(claims->merchant, sc->merchant) == 0 && json_object_get(sc->more, "dispute");
}

/** The token's role, whatever the case. */
static bool role_sees_evidence(struct api_call *c)
{
    if (role_describe(c->claims.role)->evidence)
        return true;
    api_problem(c, 403, "this role sees no clips and no stills");
    return false;
}

bool api_evidence_allowed(struct store *s, struct api_call *c, const struct id *case_id)
{
    struct store_case sc = {0};
    int er = store_case_get(s, case_id, &sc);
    bool may = !er && api_may_see(&c->claims, &sc);
    store_case_clear(&sc);
    if (er)
        api_problem_er(c, er, NULL);
    else if (!may)
        api_problem(c, 403, "the token is not for the case that this is of");
    return may && role_sees_evidence(c);
}

bool api_case_evidence(struct store *s, struct api_call *c, struct store_case *ret)
{
    if (!api_case(s, c, ret))
        return false;
    if (role_sees_evidence(c))
        return true;
    store_case_clear(ret);
    return false;
}

bool api_case(struct store *s, struct api_call *c, struct store_case *ret)
{
    struct id id;
    memset(ret, 0, sizeof *ret);
    if (id_parse(c->params.values[0], &id)) {
        api_problem(c, 404, "there is no such case");
        return false;
    }
    int er = store_case_get(s, &id, ret);
    if (er) {
        api_problem_er(c, er, er == ER_NOT_FOUND ? "there is no such case" : NULL);
        return false;
    }
    if (api_may_see(&c->claims, ret))
        return true;
    store_case_clear(ret);
    api_problem(c, 403, "the token is not for this case");
    return false;
}

void api_case_etag(const struct store_case *sc, char *ret, size_t size)
{
    (void)snprintf(ret, size, "\"%llu\"", (unsigned long long)sc->version);
}

/** Links to the cases that the token may see. */
static json_t *links_of(const struct api_call *c, const struct store_case *sc)
{
    json_t *links = store_links_of(c->app->store, &sc->id);
    for (size_t i = json_array_size(links); i-- > 0;) {
        struct store_case other = {0};
        struct id id;
        const char *text = json_text(json_array_get(links, i), "case", ID_TEXT_BYTES - 1);
        if (!text || id_parse(text, &id) || store_case_get(c->app->store, &id, &other) ||
            !api_may_see(&c->claims, &other))
            (void)json_array_remove(links, i);
        store_case_clear(&other);
    }
    return links;
}

json_t *api_case_json(const struct api_call *c, const struct store_case *sc)
{
    json_t *whole = store_case_json(sc);
    json_t *o = whole ? case_json_for(c->claims.role, whole) : NULL;
    json_decref(whole);
    if (!o || !case_role_sees_internal(c->claims.role))
        return o;
    if (json_object_set_new(o, "tags", store_tags_of(c->app->store, &sc->id)) == 0 &&
        json_object_set_new(o, "links", links_of(c, sc)) == 0)
        return o;
    json_decref(o);
    return NULL;
}

void api_case_answer(struct api_call *c, int status, struct store_case *sc)
{
    api_json(c, status, api_case_json(c, sc));
    api_case_etag(sc, c->response.etag, sizeof c->response.etag);
    store_case_clear(sc);
}

static void call_free(struct api_call *c)
{
    http_request_free(c->request);
    http_response_clear(&c->response);
    json_decref(c->body);
    free(c);
}

void api_answer(struct api_call *c)
{
    struct app *app = c->app;
    if (app->calls && id_is_set(&c->changed))
        calls_case_changed(app->calls, &c->changed);
    app->case_changes += c->recorded;
    app->case_conflicts += c->outdated;
    app->views += c->viewed;
    app->bookings += c->booked;
    app->brand_changes += c->branded;
    if (app->calls && c->hours)
        calls_hours_changed(app->calls, c->claims.merchant, c->params.values[0]);
    for (unsigned i = 0; i < JUDGED_COUNT; i++)
        app->judged[i] += c->judged >> i & 1;
    app->retention_changes += c->retained;
    if (app->calls && c->sweep)
        calls_sweep_soon(app->calls);
    if (app->http)
        http_reply_send(app->http, c->request->reply, &c->response);
    call_free(c);
}

static void run_on_store(struct store *s, void *job)
{
    struct api_call *c = job;
    c->route->on_store(s, c);
}

static void answer_job(void *job)
{
    api_answer(job);
}

static bool scope_allows(const struct api_call *c)
{
    enum http_method method = c->request->method;
    unsigned scope = c->route->flags & ROUTE_MANAGE              ? AUTH_MANAGE
                     : method == HTTP_GET || method == HTTP_HEAD ? AUTH_READ
                                                                 : AUTH_WRITE;
    return (c->claims.scopes & scope) != 0;
}

/** Checks the token. False: the problem is set. */
static bool let_in(struct api_call *c)
{
    const char *sent = c->request->authorization;
    const char *why = "a token is needed: Authorization: Bearer ..";
    if (!sent && (c->route->flags & ROUTE_OPEN))
        return true;
    int er = ER_UNAUTHENTIC;
    if (sent && strncasecmp(sent, "Bearer ", 7) == 0) {
        struct span token = span_trim(span_of(sent + 7));
        er = auth_verify(c->app->auth, token.at, token.len, c->unix_us / 1000000, &c->claims, &why);
    }
    c->has_claims = er == 0;
    if (!er && !scope_allows(c)) {
        er = ER_DENIED;
        why = "the token's key is not for this";
    }
    if (!er)
        return true;
    if (er == ER_UNAUTHENTIC)
        http_header_add(&c->response, "www-authenticate", "Bearer realm=\"loupe\"%s",
                        sent ? ", error=\"invalid_token\"" : "");
    api_problem_er(c, er, why);
    return false;
}

/** Nobody asks more often than is good for others: who has a token by its person; tokens that are none, and who
 *  reads certificates without one, by the address they come from, unless a proxy stands before it. False: the problem is set. */
static bool paced(struct api_call *c)
{
    char address[ADDR_TEXT_BYTES] = "";
    uint64_t wait_s = 0;
    bool open_to_all = c->route->on_store == api_certificate_get ||
                       c->route->on_store == api_certificate_brand ||
                       c->route->on_store == api_logo_get;
    if (!c->request->forwarded)
        addr_format_ip(&c->request->peer, address);
    if (c->has_claims)
        wait_s = pace_person(c->app->pace, &c->claims, clock_now_us());
    else if (c->response.status == 401 || open_to_all)
        wait_s = pace_stranger(c->app->pace, address, clock_now_us());
    if (!wait_s)
        return true;
    http_response_clear(&c->response);
    api_problem(c, 429, "too many requests");
    http_header_add(&c->response, "retry-after", "%llu", (unsigned long long)wait_s);
    return false;
}

/** Parses the body. False: the problem is set. */
static bool take_body(struct api_call *c)
{
    const struct http_request *r = c->request;
    if (!(c->route->flags & ROUTE_JSON))
        return true;
    if (r->body_len == 0) {
        c->body = json_object();
        return true;
    }
    struct span rest = span_of(r->content_type ? r->content_type : "");
    if (!span_equal_nocase(span_trim(span_cut(&rest, ';')), "application/json")) {
        api_problem(c, 415, "the body is taken as application/json");
        return false;
    }
    const char *why = NULL;
    int er = json_parse((const char *)r->body, r->body_len, &c->body, &why);
    if (er)
        api_problem_er(c, er, why);
    return er == 0;
}

static void reply_plain(struct app *app, struct http_request *request,
                        struct http_response *response)
{
    http_reply_send(app->http, request->reply, response);
    http_request_free(request);
}

/** Paths that no route has: the pages, or nothing. */
static void not_routed(struct app *app, struct http_request *request, unsigned allowed)
{
    struct http_response r = {0};
    char allow[64];
    bool api = strncmp(request->path, "/api/", 5) == 0;
    router_allow(allowed ? allowed : 1u << HTTP_GET | 1u << HTTP_HEAD, allow, sizeof allow);
    if (request->method == HTTP_OPTIONS && (allowed || !api)) {
        http_header_add(&r, "allow", "%s", allow);
        r.status = 204;
    } else if (allowed) {
        http_header_add(&r, "allow", "%s", allow);
        http_problem(&r, 405, NULL);
    } else if (api) {
        http_problem(&r, 404, "there is no such address");
    } else {
        statics_respond(app->statics, request->method, request->path, &r);
    }
    reply_plain(app, request, &r);
}

/** The token of a single-use invite is good for its one session, and for a look before it. */
static bool invite_allows(const struct api_call *c)
{
    if (c->invite == INVITE_ANY)
        return true;
    if (c->route->on_store == api_invite)
        return false;
    if (c->invite == INVITE_USED)
        return calls_token_lives(c->app->calls, c->claims.jti);
    return c->request->method == HTTP_GET || c->request->method == HTTP_HEAD;
}

static void carry_out(struct api_call *c)
{
    if (c->response.status) {
        api_answer(c);
    } else if (!invite_allows(c)) {
        api_problem(c, 403, "this link is good for one session: not before it, not after it");
        api_answer(c);
    } else if (c->route->on_loop) {
        c->route->on_loop(c);
    } else if (dbq_run(c->app->dbq, run_on_store, answer_job, c)) {
        api_problem_er(c, ER_FULL, "too much is waiting for the database");
        api_answer(c);
    }
}

static void look_up_invite(struct store *s, void *job)
{
    struct api_call *c = job;
    int er = store_invite_state(s, c->claims.jti, &c->invite);
    if (er)
        api_problem_er(c, er, NULL);
}

static void invite_looked_up(void *job)
{
    struct api_call *c = job;
    if (c->app->http)
        carry_out(c);
    else
        api_answer(c); /* all ends */
}

void api_dispatch(struct app *app, struct http_request *request)
{
    if (app->whip && whip_handle(app->whip, request))
        return;
    const struct route *route;
    struct route_params params;
    unsigned allowed;
    if (router_find(routes, ROUTES, request->method, request->path, &route, &params, &allowed)) {
        not_routed(app, request, allowed);
        return;
    }
    struct api_call *c = calloc(1, sizeof *c);
    if (!c) {
        struct http_response r = {0};
        http_problem(&r, 503, NULL);
        reply_plain(app, request, &r);
        return;
    }
    c->app = app;
    c->request = request;
    c->route = route;
    c->params = params;
    c->unix_us = clock_unix_us();
    c->draining = app->drain_until_us != 0;
    c->disk_low = app->calls && calls_is_disk_low(app->calls);
    c->clips_unsaved = app->calls && calls_has_unsaved(app->calls);
    bool in = let_in(c);
    if (!paced(c) || !in || !take_body(c)) {
        api_answer(c);
    } else if (!c->has_claims || !c->claims.jti[0]) {
        carry_out(c);
    } else if (dbq_run(app->dbq, look_up_invite, invite_looked_up, c)) {
        api_problem_er(c, ER_FULL, "too much is waiting for the database");
        api_answer(c);
    }
}
