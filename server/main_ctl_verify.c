// SPDX-License-Identifier: Apache-2.0
/* loupectl: the whole store checked, and its schema brought up to date. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "base/json.h"
#include "server/main_ctl.h"
#include "server/seal/durable.h"
#include "server/store_audit.h"

#define KEYS_BYTES 1048576

struct fsck {
    struct id *ids;
    size_t count, size;
    bool failed;
};

static void fsck_case(void *ctx, const struct store_case *c)
{
    struct fsck *k = ctx;
    if (k->count == k->size) {
        size_t size = k->size ? k->size * 2 : 256;
        struct id *ids = realloc(k->ids, size * sizeof *ids);
        if (!ids) {
            k->failed = true;
            return;
        }
        k->ids = ids;
        k->size = size;
    }
    k->ids[k->count++] = c->id;
}

/** The ids of all cases, page by page. */
static int fsck_collect(struct store *s, struct fsck *k)
{
    struct store_case_filter f = {.limit = LIMIT_PAGE_ITEMS};
    for (;;) {
        size_t before = k->count;
        int er = store_cases_list(s, &f, fsck_case, k, NULL);
        if (er || k->failed)
            return er ? er : ER_NOMEM;
        if (k->count == before)
            return 0;
        f.before = k->ids[k->count - 1];
    }
}

static int fsck_store(struct store *s)
{
    char why[512] = "";
    struct fsck k = {0};
    size_t bad = 0;
    int er = store_check(s, why, sizeof why);
    (void)printf("database: %s\n", er ? why : "ok");
    if (!er)
        er = fsck_collect(s, &k);
    for (size_t i = 0; !er && i < k.count; i++) {
        uint64_t seq;
        int chain = store_chain_verify(s, &k.ids[i], &seq);
        if (!chain)
            continue;
        bad++;
        (void)printf("case %s: broken at event %llu (%s)\n", k.ids[i].text, (unsigned long long)seq,
                     er_name(chain));
    }
    if (!er)
        (void)printf("cases: %zu, broken chains: %zu\n", k.count, bad);
    free(k.ids);
    return er || bad ? 1 : 0;
}

int ctl_fsck(int argc, char **argv)
{
    static const char *const known[] = {"--data", NULL};
    struct ctl_flags f = {0};
    if (ctl_flags_read(&f, argc, argv, known) || !ctl_flag(&f, "--data"))
        return ctl_usage(stderr);
    struct store *s = ctl_store_open(ctl_flag(&f, "--data"));
    int code = s ? fsck_store(s) : 1;
    store_close(s);
    return code;
}

/* All of it */

/** The keys that are believed: those given, else the store's own. NULL: told why not. */
static struct keys *trusted(const struct ctl_flags *f)
{
    char own[CTL_PATH_BYTES], *text = NULL;
    const char *path = ctl_flag(f, "--keys");
    size_t len;
    json_t *document = NULL;
    struct keys *keys = NULL;
    (void)snprintf(own, sizeof own, "%s/keys/keys.json", ctl_flag(f, "--data"));
    if (!path)
        path = own;
    if (durable_read(path, KEYS_BYTES, &text, &len) || json_parse(text, len, &document, NULL) ||
        keys_parse(&keys, document)) {
        keys = NULL;
        (void)fprintf(stderr, "loupectl: no keys in %s\n", path);
    }
    json_decref(document);
    free(text);
    return keys;
}

static void tell_as_json(const struct report *r, const struct store_audit *a)
{
    json_t *o = report_json(r);
    json_t *looked = json_pack("{s:I,s:I,s:I,s:I,s:I,s:I}", "cases", (json_int_t)a->cases, "events",
                               (json_int_t)a->events, "clips", (json_int_t)a->clips, "stills",
                               (json_int_t)a->stills, "attachments", (json_int_t)a->attachments,
                               "tombstones", (json_int_t)a->tombstones);
    char *text = o && !json_object_set_new(o, "looked_at", looked) ? json_canonical(o) : NULL;
    if (text)
        (void)puts(text);
    free(text);
    json_decref(o);
}

static int verify_store(struct store *s, struct store_audit *a, bool as_json)
{
    struct report r;
    int code = 2;
    if (report_init(&r) == 0) {
        int er = store_audit(s, a, &r);
        if (er)
            report_add(&r, REPORT_IS_UNSURE, "database", REPORT_ANYWHERE, "it cannot be read: %s",
                       er_name(er));
        if (as_json) {
            tell_as_json(&r, a);
        } else {
            (void)printf("looked at %llu cases, %llu events, %llu clips, %llu stills, %llu "
                         "attachments, %llu tombstones\n",
                         (unsigned long long)a->cases, (unsigned long long)a->events,
                         (unsigned long long)a->clips, (unsigned long long)a->stills,
                         (unsigned long long)a->attachments, (unsigned long long)a->tombstones);
            report_print(&r);
        }
        code = (int)report_verdict(&r);
    }
    report_clear(&r);
    return code;
}

int ctl_verify(int argc, char **argv)
{
    static const char *const known[] = {
        "--data",      "--case",     "--keys",  "--storage-key-file",
        "--authority", "--database", "?--json", NULL};
    struct ctl_flags f = {0};
    struct store_audit a = {0};
    int code = 2;
    if (ctl_flags_read(&f, argc, argv, known) || !ctl_flag(&f, "--data") ||
        (ctl_flag(&f, "--case") && id_parse(ctl_flag(&f, "--case"), &a.only)))
        return ctl_usage(stderr);
    struct store *s = ctl_store_look(&f, &code);
    struct keys *keys = s ? trusted(&f) : NULL;
    a.vault = keys ? ctl_vault(&f) : NULL;
    a.trust.keys = keys;
    a.trust.authority_path = ctl_flag(&f, "--authority");
    if (a.vault)
        code = verify_store(s, &a, ctl_flag(&f, "--json") != NULL);
    vault_free(a.vault);
    keys_free(keys);
    store_close(s);
    return code;
}

/* The schema */

int ctl_migrate(int argc, char **argv)
{
    static const char *const known[] = {"--data", "--database", "?--check", NULL};
    struct ctl_flags f = {0};
    struct entropy entropy = entropy_system();
    char path[CTL_PATH_BYTES];
    struct store *s = NULL;
    int version = 0, newest = 0;
    if (ctl_flags_read(&f, argc, argv, known) || !ctl_flag(&f, "--data"))
        return ctl_usage(stderr);
    const char *database = ctl_flag(&f, "--database");
    (void)snprintf(path, sizeof path, "%s/loupe.db", ctl_flag(&f, "--data"));
    if (!database)
        database = path;
    int er = store_look(&s, database, "", &entropy);
    if (s && (er = store_schema(s, &version, &newest)) == 0)
        (void)printf("schema %d, newest %d\n", version, newest);
    store_close(s);
    if (er || version > newest || ctl_flag(&f, "--check")) {
        if (er)
            (void)fprintf(stderr, "loupectl: %s: %s\n", database, er_name(er));
        return er || version > newest ? 2 : version < newest;
    }
    er = store_open(&s, database, &entropy, NULL);
    if (er == 0)
        (void)printf("%s\n", version < newest ? "migrated" : "nothing to do");
    else
        (void)fprintf(stderr, "loupectl: %s: %s\n", database, er_name(er));
    if (er == 0)
        store_close(s);
    return er ? 1 : 0;
}
