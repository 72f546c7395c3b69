// SPDX-License-Identifier: Apache-2.0
/* Certificates over HTTP: issued and revoked by a merchant's people, read by anybody who has the address. */
#include <stdio.h>
#include <string.h>

#include "base/er.h"
#include "base/json.h"
#include "server/api_keep.h"
#include "server/seal/verify_case.h"
#include "server/sealer.h"
#include "server/store_certificates.h"

static bool may_certify(struct api_call *c)
{
    enum role role = c->claims.role;
    return api_role_may(c,
                        role == ROLE_APPRAISER || role == ROLE_SUPERVISOR || role == ROLE_SERVICE,
                        "certificates are for appraiser, supervisor and service");
}

/** With its address for people; takes the document over. */
static json_t *with_url(const struct api_call *c, json_t *document, const struct id *id)
{
    char url[256];
    (void)snprintf(url, sizeof url, "%s/certificate/%s", c->app->base_url, id->text);
    (void)json_object_set_new(document, "url", json_string(url));
    return document;
}

/** Signed as it is now, so that it can be checked without us (docs/EVIDENCE.md). */
static void answer(struct store *s, struct api_call *c, int status,
                   const struct store_certificate *found)
{
    json_t *document;
    char *text = NULL;
    size_t len;
    int er = store_certificate_public(s, found, &document);
    if (!er)
        er = sealer_sign(c->app->sealer, VERIFY_CERTIFICATE_CONTEXT,
                         with_url(c, document, &found->id), c->unix_us, &text, &len);
    if (er)
        api_problem_er(c, er, NULL);
    else
        http_body_take(&c->response, status, "application/json", text);
}

/** An appraiser who is a guest of somebody on the case does not. */
static int certifies(struct store *s, const struct api_call *c, struct refusal *why)
{
    return c->claims.role == ROLE_APPRAISER ? store_may_judge(s, c->claims.jti, why) : 0;
}

void api_certificate_issue(struct store *s, struct api_call *c)
{
    struct store_case sc;
    struct store_certificate made;
    struct refusal why = {0};
    json_t *document = NULL;
    const char *item = json_text(c->body, "item", LIMIT_NAME);
    if (json_object_get(c->body, "item") && !claims_text_ok(item)) {
        api_problem(c, 400, "`item` says what was examined, in a line of at most 200 bytes");
        return;
    }
    if (!may_certify(c) || !api_case(s, c, &sc))
        return;
    const struct examiner who = {&sc, c->claims.identity, c->unix_us};
    int er = certifies(s, c, &why);
    if (!er)
        er = store_certificate_issue(s, &who, item, &made, &document, &why);
    json_decref(document);
    if (er) {
        api_refused(c, er, &why);
    } else {
        c->judged |= 1u << JUDGED_CERTIFIED;
        c->changed = sc.id;
        http_header_add(&c->response, "location", "/api/v1/certificates/%s", made.id.text);
        answer(s, c, 201, &made);
    }
    store_case_clear(&sc);
}

/** By the first parameter; false: the problem is set. */
static bool find(struct store *s, struct api_call *c, struct store_certificate *ret)
{
    int er = store_certificate_find(s, c->params.values[0], ret);
    if (er)
        api_problem_er(c, er, er == ER_NOT_FOUND ? "there is no such certificate" : NULL);
    return er == 0;
}

void api_certificate_get(struct store *s, struct api_call *c)
{
    struct store_certificate found;
    if (!find(s, c, &found))
        return;
    c->judged |= 1u << JUDGED_LOOKED;
    answer(s, c, 200, &found);
    http_header_add(&c->response, "cache-control", "no-cache");
}

void api_certificate_revoke(struct store *s, struct api_call *c)
{
    struct store_case sc = {0};
    struct store_certificate found;
    struct refusal why = {0};
    const char *reason = json_text(c->body, "reason", 32);
    const char *note = json_text(c->body, "note", LIMIT_CHAT_BYTES);
    if (!may_certify(c) || !find(s, c, &found))
        return;
    int er = store_case_get(s, &found.case_id, &sc);
    if (er)
        api_problem_er(c, er, NULL);
    else if (!api_may_see(&c->claims, &sc))
        api_problem(c, 403, "the token is not for the case that this is of");
    else if (!certificate_reason_ok(reason) || (json_object_get(c->body, "note") && !note))
        api_problem(c, 400,
                    "`reason` is error, superseded, fraud, disputed or withdrawn; `note` is a text "
                    "of at most 4000 bytes, and is not published");
    if (!c->response.status) {
        const struct examiner who = {&sc, c->claims.identity, c->unix_us};
        er = certifies(s, c, &why);
        if (!er)
            er = store_certificate_revoke(s, &found, &who, reason, note, &why);
        if (er)
            api_refused(c, er, &why);
        else
            answer(s, c, 200, &found);
        c->judged |= er ? 0 : 1u << JUDGED_REVOKED;
        c->changed = er ? c->changed : sc.id;
    }
    store_case_clear(&sc);
}
