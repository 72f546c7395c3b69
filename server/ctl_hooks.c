// SPDX-License-Identifier: Apache-2.0
/* The verbs of `loupectl webhooks`. */
#include "server/ctl_hooks.h"

#include <string.h>

#include "base/clock.h"
#include "base/er.h"
#include "base/str.h"
#include "server/store_log.h"

struct run {
    struct store *s;
    const struct ctl_hooks *args;
    uint64_t now_us;
    FILE *out;
    const char *why;
    struct store_hook hook; /* of --id */
};

static void hook_print(void *ctx, const struct store_hook *h)
{
    (void)fprintf(ctx, "%s %s %s%s%s waiting %llu dead %llu types %.*s\n", h->id.text, h->url,
                  h->enabled ? "enabled" : "disabled (", h->why, h->enabled ? "" : ")",
                  (unsigned long long)h->waiting, (unsigned long long)h->dead,
                  h->types[0] ? (int)strlen(h->types) - 2 : 3, h->types[0] ? h->types + 1 : "all");
}

static void delivery_print(void *ctx, const struct store_delivery *d)
{
    char name[HOOK_ID_BYTES], at[CLOCK_TEXT_BYTES];
    store_delivery_name(d, name);
    clock_format(d->changed_us, at);
    (void)fprintf(ctx, "%lld %s %s %s attempts %u status %d %s%s%s\n", (long long)d->id, name,
                  d->type, delivery_state_name(d->state), d->attempts, d->status, at,
                  d->error[0] ? " " : "", d->error);
}

static int do_list(struct run *r)
{
    return store_hooks_list(r->s, r->args->merchant, hook_print, r->out);
}

/** "a,b" as the store has it. */
static bool types_read(const char *text, char *ret, size_t size)
{
    size_t len = strlen(text);
    bool good = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_,") == len && text[0] != ',' &&
                text[len - 1] != ',' && !strstr(text, ",,") && len + 3 <= size;
    if (good)
        (void)snprintf(ret, size, ",%s,", text);
    return good;
}

static int do_add(struct run *r)
{
    struct store_hook h = {0};
    const struct ctl_hooks *a = r->args;
    r->why = a->url ? hook_url_check(HOOK_PUBLIC, a->url) : "--url is missing";
    if (!r->why && a->types && a->types[0] && !types_read(a->types, h.types, sizeof h.types))
        r->why = "--types is a list of types of events, parted by commas";
    if (!r->why && str_copy(h.description, sizeof h.description, a->description))
        r->why = "--description is too long";
    if (r->why)
        return ER_INVALID;
    (void)str_copy(h.merchant, sizeof h.merchant, a->merchant);
    (void)str_copy(h.url, sizeof h.url, a->url);
    int er = store_hook_add(r->s, &h, r->now_us);
    r->hook = h;
    if (!er)
        (void)fprintf(r->out, "%s %s %s\nsecret %s\n", h.id.text, h.url, h.merchant, h.secret);
    return er;
}

static int do_rotate(struct run *r)
{
    int er = store_hook_rotate(r->s, &r->hook, UINT64_C(86400000000), r->now_us);
    if (!er)
        (void)fprintf(r->out, "%s %s\nsecret %s\n", r->hook.id.text, r->hook.url, r->hook.secret);
    return er;
}

static int set_enabled(struct run *r, bool enabled)
{
    r->hook.enabled = enabled;
    (void)str_copy(r->hook.why, sizeof r->hook.why, enabled ? "" : "asked");
    int er = store_hook_change(r->s, &r->hook, r->now_us);
    if (!er)
        hook_print(r->out, &r->hook);
    return er;
}

static int do_enable(struct run *r)
{
    return set_enabled(r, true);
}

static int do_disable(struct run *r)
{
    return set_enabled(r, false);
}

static int do_remove(struct run *r)
{
    return store_hook_remove(r->s, &r->hook, r->now_us);
}

static int do_test(struct run *r)
{
    struct store_delivery d;
    int er = store_hook_test(r->s, &r->hook, r->now_us, &d);
    if (!er)
        delivery_print(r->out, &d);
    return er;
}

static int do_deliveries(struct run *r)
{
    return store_deliveries_list(r->s, &r->hook.id, DELIVERY_STATES, 0, LIMIT_PAGE_ITEMS,
                                 delivery_print, r->out);
}

static int do_dead(struct run *r)
{
    return store_deliveries_list(r->s, &r->hook.id, DELIVERY_DEAD, 0, LIMIT_PAGE_ITEMS,
                                 delivery_print, r->out);
}

static int replay_case(struct run *r, const struct id *case_id, uint64_t *ret)
{
    uint64_t last = 0, count;
    int er;
    do {
        er = store_hook_replay_case(r->s, &r->hook, case_id, last, r->now_us, &count, &last);
        *ret += count;
    } while (!er && last);
    return er;
}

static int replay_dead(struct run *r, uint64_t *ret)
{
    uint64_t count;
    int er;
    do {
        er = store_hook_replay_dead(r->s, &r->hook.id, r->now_us, &count);
        *ret += count;
    } while (!er && count);
    return er;
}

/** One delivery, a case, or all dead letters. */
static int do_replay(struct run *r)
{
    const struct ctl_hooks *a = r->args;
    struct id case_id;
    uint64_t number, count = 0;
    int er;
    if (a->delivery && !a->case_id && span_u64(span_of(a->delivery), INT64_MAX, &number) == 0) {
        er = store_hook_replay(r->s, &r->hook.id, (int64_t)number, r->now_us);
        count = er == 0;
    } else if (a->case_id && !a->delivery && id_parse(a->case_id, &case_id) == 0) {
        er = replay_case(r, &case_id, &count);
    } else if (!a->case_id && !a->delivery) {
        er = replay_dead(r, &count);
    } else {
        r->why = "--delivery is a number, --case an id, and not both";
        return ER_INVALID;
    }
    if (!er)
        (void)fprintf(r->out, "queued %llu\n", (unsigned long long)count);
    return er;
}

int ctl_hooks_run(struct store *s, const char *verb, const struct ctl_hooks *args, uint64_t now_us,
                  FILE *out, const char **ret_why)
{
    static const struct {
        const char *verb;
        int (*run)(struct run *r);
        bool one;           /* of --id */
        const char *logged; /* as what; NULL: it changes nothing */
    } verbs[] = {{"list", do_list, false, NULL},
                 {"add", do_add, false, "webhook_created"},
                 {"rotate", do_rotate, true, "webhook_rotated"},
                 {"enable", do_enable, true, "webhook_changed"},
                 {"disable", do_disable, true, "webhook_changed"},
                 {"remove", do_remove, true, "webhook_removed"},
                 {"test", do_test, true, NULL},
                 {"deliveries", do_deliveries, true, NULL},
                 {"dead", do_dead, true, NULL},
                 {"replay", do_replay, true, NULL}};
    struct run r = {.s = s, .args = args, .now_us = now_us, .out = out};
    size_t i = 0;
    *ret_why = NULL;
    while (i < sizeof verbs / sizeof verbs[0] && strcmp(verbs[i].verb, verb) != 0)
        i++;
    if (i == sizeof verbs / sizeof verbs[0])
        return ER_INVALID;
    if (verbs[i].one) {
        struct id id;
        if (!args->id || id_parse(args->id, &id)) {
            *ret_why = "--id is missing, or none";
            return ER_INVALID;
        }
        int er = store_hook_get(s, NULL, &id, &r.hook);
        if (er)
            return er;
    }
    int er = verbs[i].logged ? store_begin(s) : 0;
    if (er)
        return er;
    er = verbs[i].run(&r);
    if (!er && verbs[i].logged)
        er = store_log_add(s, r.hook.merchant, "operator", verbs[i].logged, r.hook.id.text, NULL,
                           now_us);
    *ret_why = r.why;
    return verbs[i].logged ? store_end(s, er) : er;
}
