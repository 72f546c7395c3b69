// SPDX-License-Identifier: Apache-2.0
/* Links for buyers in webhooks. */
#include "server/booking_link.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/er.h"
#include "base/json.h"
#include "base/str.h"
#include "server/booking.h"

static bool wants_link(const char *type)
{
    static const char *const types[] = {"callback_due", "appointment_due", "booking_reminder"};
    for (size_t i = 0; type && i < sizeof types / sizeof types[0]; i++) {
        if (strcmp(types[i], type) == 0)
            return true;
    }
    return false;
}

static int claims_of(const json_t *event, const json_t *sc, struct claims *ret, uint64_t *ret_now_s)
{
    const json_t *buyer = json_object_get(sc, "buyer");
    const char *key = json_text(json_object_get(event, "data"), "key", AUTH_KEY_BYTES - 1);
    const char *id = json_text(sc, "id", ID_TEXT_BYTES - 1);
    const char *identity = json_text(buyer, "id", LIMIT_IDENTITY);
    const char *name = json_text(buyer, "name", LIMIT_NAME);
    int64_t at_s;
    *ret = (struct claims){.role = ROLE_BUYER, .grants = role_describe(ROLE_BUYER)->grants};
    if (!key || !id || !identity || id_parse(id, &ret->case_id) ||
        booking_time_parse(json_string_value(json_object_get(event, "at")), &at_s))
        return ER_NOT_FOUND;
    (void)str_copy(ret->key, sizeof ret->key, key);
    (void)str_copy(ret->identity, sizeof ret->identity, identity);
    (void)str_copy(ret->name, sizeof ret->name, name ? name : identity);
    *ret_now_s = (uint64_t)at_s;
    ret->expires_s = *ret_now_s + LIMIT_TOKEN_AHEAD_S;
    return 0;
}

static json_t *link_make(struct auth *auth, const char *base_url, const json_t *data)
{
    struct claims claims;
    uint64_t now_s;
    char token[AUTH_TOKEN_BYTES], url[AUTH_TOKEN_BYTES + 256], expires[CLOCK_TEXT_BYTES];
    if (claims_of(json_object_get(data, "event"), json_object_get(data, "case"), &claims, &now_s) ||
        auth_mint(auth, &claims, now_s, token))
        return NULL;
    (void)snprintf(url, sizeof url, "%s/c/#%s", base_url, token);
    clock_format(claims.expires_s * 1000000, expires);
    return json_pack("{s:s,s:s}", "url", url, "expires_at", expires);
}

char *booking_link_add(struct auth *auth, const char *base_url, const char *body)
{
    static const char marks[] = "_due\"";
    if (!auth || (!strstr(body, marks) && !strstr(body, "\"booking_reminder\"")))
        return NULL; /* most are of other events: nothing is parsed */
    json_t *o = json_loads(body, 0, NULL);
    json_t *data = json_object_get(o, "data");
    bool wants = wants_link(json_string_value(json_object_get(o, "type")));
    json_t *link = wants ? link_make(auth, base_url, data) : NULL;
    char *made = link && json_object_set_new(data, "link", link) == 0 ? json_canonical(o) : NULL;
    json_decref(o);
    return made;
}
