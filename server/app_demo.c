// SPDX-License-Identifier: Apache-2.0
/* The demonstration: sample cases and links. */
#include "server/app_demo.h"

#include <stdbool.h>
#include <string.h>

#include "base/er.h"
#include "base/str.h"

static const struct {
    enum case_kind kind;
    const char *title, *reason, *language, *buyer, *buyer_name, *order, *value, *goods;
    int priority;
    const char *category; /* NULL: not said */
} samples[] = {
    {CASE_INSPECTION, "Cracked tea set", "Two cups were broken when the parcel arrived.", "en",
     "buyer-lin", "Lin Yue", "A-10031", "268.00", "Porcelain tea set, 8 pieces", 0, NULL},
    {CASE_INSPECTION, "大衣颜色与直播不符", "收到的大衣是灰色，直播里说是驼色。", "zh-CN",
     "buyer-wang", "王小雨", "A-10058", "899.00", "羊毛大衣 驼色 M", 3, NULL},
    {CASE_AUTHENTICATION, "Leather handbag, second hand", "Is it genuine?", "en", "buyer-diaz",
     "Ana Diaz", "A-10077", "6200.00", "Leather handbag, black", 1, "handbag"},
};

static const struct {
    enum role role;
    const char *identity, *name;
} staff[] = {
    {ROLE_AGENT, "agent-mei", "Mei"},
    {ROLE_AGENT, "agent-tom", "Tom"},
    {ROLE_APPRAISER, "appraiser-he", "He"},
    {ROLE_ARBITER, "arbiter-sun", "Sun"},
    {ROLE_SUPERVISOR, "supervisor-zhao", "Zhao"},
};
#define COUNT(a) (sizeof(a) / sizeof(a)[0])

struct seen {
    struct store_case cases[16];
    size_t count;
};

static void see(void *ctx, const struct store_case *c)
{
    struct seen *seen = ctx;
    if (seen->count == COUNT(seen->cases))
        return;
    seen->cases[seen->count] = *c;
    seen->cases[seen->count++].more = NULL;
}

static int cases_seen(struct store *s, struct seen *ret)
{
    struct store_case_filter f = {.merchant = AUTH_MERCHANT_DEFAULT, .limit = COUNT(ret->cases)};
    ret->count = 0;
    return store_cases_list(s, &f, see, ret, NULL);
}

static int sample_make(struct store *s, size_t i, uint64_t now_us)
{
    struct store_case c = {.kind = samples[i].kind, .priority = samples[i].priority};
    bool repeated;
    (void)str_copy(c.merchant, sizeof c.merchant, AUTH_MERCHANT_DEFAULT);
    (void)str_copy(c.title, sizeof c.title, samples[i].title);
    (void)str_copy(c.language, sizeof c.language, samples[i].language);
    (void)str_copy(c.buyer, sizeof c.buyer, samples[i].buyer);
    (void)str_copy(c.buyer_name, sizeof c.buyer_name, samples[i].buyer_name);
    c.more = json_pack("{s:s,s:s*,s:{s:s,s:{s:s,s:s},s:[{s:s,s:i}]}}", "reason", samples[i].reason,
                       "category", samples[i].category, "order", "number", samples[i].order,
                       "total", "value", samples[i].value, "currency", "CNY", "items", "title",
                       samples[i].goods, "quantity", 1);
    int er = c.more ? store_case_create(s, &c, "demo", DEMO_KEY, NULL, "", now_us, &repeated)
                    : ER_NOMEM;
    store_case_clear(&c);
    return er;
}

int demo_fill(struct store *s, uint64_t now_us)
{
    struct seen seen;
    int er = store_merchant_put(s, AUTH_MERCHANT_DEFAULT, "Sample shop", now_us);
    if (!er)
        er = cases_seen(s, &seen);
    if (er || seen.count)
        return er;
    /* Apart in time, so that the list keeps their order. */
    for (size_t i = 0; !er && i < COUNT(samples); i++)
        er = sample_make(s, i, now_us + i * 1000);
    return er;
}

static int link_print(struct auth *auth, const char *base_url, struct claims *claims,
                      const char *about, uint64_t now_us, FILE *out)
{
    char token[AUTH_TOKEN_BYTES];
    claims->grants = role_describe(claims->role)->grants;
    claims->expires_s = now_us / 1000000 + LIMIT_TOKEN_AHEAD_S;
    (void)str_copy(claims->key, sizeof claims->key, DEMO_KEY);
    int er = auth_mint(auth, claims, now_us / 1000000, token);
    if (!er)
        (void)fprintf(out, "demo %s %s/%s#%s %s%s%s\n", role_name(claims->role), base_url,
                      claims->role == ROLE_BUYER ? "c/" : "desk", token, claims->name,
                      about[0] ? ": " : "", about);
    return er;
}

int demo_print(struct store *s, struct auth *auth, const char *base_url, uint64_t now_us, FILE *out)
{
    struct seen seen;
    int er = cases_seen(s, &seen);
    for (size_t i = seen.count; !er && i-- > 0;) {
        const struct store_case *c = &seen.cases[i];
        struct claims claims = {.role = ROLE_BUYER, .case_id = c->id};
        char about[STORE_TEXT_BYTES + 40];
        if (c->state > CASE_PROPOSED)
            continue;
        (void)str_copy(claims.identity, sizeof claims.identity, c->buyer);
        (void)str_copy(claims.name, sizeof claims.name, c->buyer_name);
        (void)snprintf(about, sizeof about, "%s %s", c->number, c->title);
        er = link_print(auth, base_url, &claims, about, now_us, out);
    }
    for (size_t i = 0; !er && i < COUNT(staff); i++) {
        struct claims claims = {.role = staff[i].role};
        (void)str_copy(claims.identity, sizeof claims.identity, staff[i].identity);
        (void)str_copy(claims.name, sizeof claims.name, staff[i].name);
        er = link_print(auth, base_url, &claims, "", now_us, out);
    }
    if (fflush(out) != 0 && !er)
        er = ER_IO;
    return er;
}
