// SPDX-License-Identifier: Apache-2.0
/* loupectl: how long what is recorded is kept, and legal holds. A server that runs sees it within a minute. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/er.h"
#include "base/str.h"
#include "server/auth.h"
#include "server/main_ctl.h"
#include "server/store_keep.h"

#define OPERATOR "operator"

static int retention_print(struct store *s, const char *merchant)
{
    struct store_retention r;
    int er = store_retention_get(s, merchant, &r);
    for (unsigned i = 0; er == 0 && i < KEEP_KINDS; i++) {
        if (r.seconds[i])
            (void)printf("%s %llu s\n", keep_kind_name(i), (unsigned long long)r.seconds[i]);
        else
            (void)printf("%s never goes\n", keep_kind_name(i));
    }
    return er;
}

static void period_print(uint64_t seconds)
{
    if (seconds)
        (void)printf(" %llu s", (unsigned long long)seconds);
    else
        (void)printf(" for ever");
}

static void change_print(void *ctx, const struct store_retention_change *c)
{
    char at[CLOCK_TEXT_BYTES];
    (void)ctx;
    clock_format(c->at_us, at);
    (void)printf("%s %s by %s: from", at, keep_kind_name(c->kind), c->actor);
    period_print(c->from_seconds);
    (void)printf(" to");
    period_print(c->to_seconds);
    (void)printf("\n");
}

static int retention_verb(struct store *s, const char *verb, const struct ctl_flags *f)
{
    const char *merchant = ctl_flag(f, "--merchant") ? ctl_flag(f, "--merchant")
                                                     : AUTH_MERCHANT_DEFAULT;
    const char *kind = ctl_flag(f, "--kind"), *text = ctl_flag(f, "--seconds");
    uint64_t seconds = 0;
    unsigned i = 0;
    if (strcmp(verb, "list") == 0)
        return retention_print(s, merchant);
    if (strcmp(verb, "changes") == 0)
        return store_retention_changes(s, merchant, 0, (size_t)INT64_MAX, change_print, NULL);
    while (kind && i < KEEP_KINDS && strcmp(keep_kind_name(i), kind) != 0)
        i++;
    if (strcmp(verb, "set") != 0 || !kind || i == KEEP_KINDS || !text)
        return ER_INVALID;
    if (strcmp(text, "never") != 0 &&
        (span_u64(span_of(text), LIMIT_RETENTION_SECONDS, &seconds) || !seconds))
        return ER_INVALID;
    int er = store_retention_set(s, merchant, i, seconds, OPERATOR, clock_unix_us(), NULL);
    return er ? er : retention_print(s, merchant);
}

static void hold_print(void *ctx, const struct store_hold *h)
{
    char at[CLOCK_TEXT_BYTES];
    (void)ctx;
    clock_format(h->placed_us, at);
    (void)printf("%s %s %s placed %s by %s: %s", h->id.text, h->object,
                 id_is_set(&h->of) ? h->of.text : h->case_id.text, at, h->placed_by, h->reason);
    clock_format(h->lifted_us, at);
    if (h->lifted_us)
        (void)printf("; lifted %s by %s: %s", at, h->lifted_by, h->lift_reason);
    (void)printf("\n");
}

/** Those of the operator are firm: nobody but an arbiter, or the operator again, lifts them. */
static int hold_place(struct store *s, const struct ctl_flags *f)
{
    struct store_hold h = {.firm = true, .placed_by = OPERATOR};
    const char *of_case = ctl_flag(f, "--case"), *reason = ctl_flag(f, "--reason");
    const char *clip = ctl_flag(f, "--clip"), *still = ctl_flag(f, "--still");
    const char *attachment = ctl_flag(f, "--attachment");
    const char *of = clip ? clip : still ? still : attachment;
    if (!of_case || id_parse(of_case, &h.case_id) || (of && id_parse(of, &h.of)) ||
        (!!clip + !!still + !!attachment > 1) || !claims_text_ok(reason) ||
        str_copy(h.reason, sizeof h.reason, reason) < 0)
        return ER_INVALID;
    (void)str_copy(h.object, sizeof h.object,
                   clip         ? "clip"
                   : still      ? "still"
                   : attachment ? "attachment"
                                : "case");
    int er = store_hold_place(s, &h, clock_unix_us());
    if (er == 0)
        hold_print(NULL, &h);
    return er;
}

static int holds_verb(struct store *s, const char *verb, const struct ctl_flags *f)
{
    struct id id;
    struct store_hold h;
    const char *reason = ctl_flag(f, "--reason");
    const char *of = strcmp(verb, "list") == 0 ? ctl_flag(f, "--case") : ctl_flag(f, "--hold");
    if (strcmp(verb, "place") == 0)
        return hold_place(s, f);
    if (!of || id_parse(of, &id))
        return ER_INVALID;
    if (strcmp(verb, "list") == 0)
        return store_holds_of_case(s, &id, hold_print, NULL);
    if (strcmp(verb, "lift") != 0 || !claims_text_ok(reason) || strlen(reason) > LIMIT_NAME)
        return ER_INVALID;
    int er = store_hold_lift(s, &id, OPERATOR, true, reason, clock_unix_us(), &h);
    if (er == 0)
        hold_print(NULL, &h);
    return er;
}

static int keeping(int argc, char **argv, const char *what,
                   int (*run)(struct store *s, const char *verb, const struct ctl_flags *f))
{
    static const char *const known[] = {"--data", "--merchant", "--kind",  "--seconds",
                                        "--case", "--clip",     "--still", "--attachment",
                                        "--hold", "--reason",   NULL};
    struct ctl_flags f = {0};
    if (argc < 1 || ctl_flags_read(&f, argc - 1, argv + 1, known) || !ctl_flag(&f, "--data"))
        return ctl_usage(stderr);
    struct store *s = ctl_store_open(ctl_flag(&f, "--data"));
    if (!s)
        return 1;
    int er = run(s, argv[0], &f);
    store_close(s);
    if (er)
        (void)fprintf(stderr, "loupectl: %s %s: %s\n", what, argv[0], er_name(er));
    return er == ER_INVALID ? 2 : er != 0;
}

int ctl_retention(int argc, char **argv)
{
    return keeping(argc, argv, "retention", retention_verb);
}

int ctl_holds(int argc, char **argv)
{
    return keeping(argc, argv, "holds", holds_verb);
}
