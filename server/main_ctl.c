// SPDX-License-Identifier: Apache-2.0
/* loupectl: tokens by hand, merchants' API keys, checking a data folder, the keys that seal clips, how long
 * what is recorded is kept, legal holds. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/er.h"
#include "base/str.h"
#include "server/auth.h"
#include "server/seal/keys.h"
#include "server/storage_keys.h"
#include "server/store.h"
#include "server/store_keep.h"

#define FLAGS_MAX 12

struct flags {
    size_t count;
    const char *names[FLAGS_MAX], *values[FLAGS_MAX];
};

static int usage(FILE *out)
{
    (void)fputs(
        "usage: loupectl token --key ID:SECRET --role ROLE --sub IDENTITY [--name NAME]\n"
        "                      [--case ID] [--room ID] [--ttl SECONDS]\n"
        "       loupectl api-keys list --data DIR\n"
        "       loupectl api-keys add --data DIR --merchant ID [--name NAME] [--id KEY]\n"
        "       loupectl api-keys remove --data DIR --id KEY\n"
        "                      louped takes up what has changed when it starts, or on SIGHUP\n"
        "       loupectl retention list --data DIR [--merchant ID]\n"
        "       loupectl retention set --data DIR [--merchant ID] --kind KIND --seconds N|never\n"
        "                      KIND: clip, lookback, trim, still or photo\n"
        "       loupectl holds list --data DIR --case ID\n"
        "       loupectl holds place --data DIR --case ID [--clip ID | --still ID] --reason TEXT\n"
        "       loupectl holds lift --data DIR --hold ID --reason TEXT\n"
        "       loupectl fsck --data DIR      check the database and every case's chain\n"
        "       loupectl keys list --data DIR\n"
        "       loupectl keys rotate --data DIR   a new key seals from now on\n"
        "       loupectl keys revoke --data DIR --kid KID --reason TEXT\n"
        "       loupectl storage-key new --file FILE    a new key encrypts from now on (SIGHUP)\n"
        "       loupectl storage-key list --file FILE   the last one writes, all read\n"
        "       loupectl version\n",
        out);
    return 2;
}

static const char *flag(const struct flags *f, const char *name)
{
    for (size_t i = 0; i < f->count; i++) {
        if (strcmp(f->names[i], name) == 0)
            return f->values[i];
    }
    return NULL;
}

/** Flags in pairs, each one of `known`. */
static int flags_read(struct flags *f, int argc, char **argv, const char *const *known)
{
    for (int i = 0; i < argc; i += 2) {
        const char *const *k = known;
        while (*k && strcmp(*k, argv[i]) != 0)
            k++;
        if (!*k || i + 1 == argc || f->count == FLAGS_MAX) {
            (void)fprintf(stderr, "loupectl: bad argument %s\n", argv[i]);
            return ER_INVALID;
        }
        f->names[f->count] = argv[i];
        f->values[f->count++] = argv[i + 1];
    }
    return 0;
}

/** NULL, or what is wrong. */
static const char *claims_read(const struct flags *f, const char *key, struct claims *c)
{
    const char *sub = flag(f, "--sub");
    const char *name = flag(f, "--name");
    const char *case_id = flag(f, "--case");
    const char *room = flag(f, "--room");
    uint64_t ttl = 3600;
    if (role_parse(flag(f, "--role"), &c->role))
        return "--role is not one that is known";
    if (!sub || !sub[0] || str_copy(c->identity, sizeof c->identity, sub))
        return "--sub is missing or too long";
    if (str_copy(c->name, sizeof c->name, name ? name : sub))
        return "--name is too long";
    if ((case_id && id_parse(case_id, &c->case_id)) || (room && id_parse(room, &c->room)))
        return "--case or --room is no id";
    if (flag(f, "--ttl") &&
        (span_u64(span_of(flag(f, "--ttl")), LIMIT_TOKEN_AHEAD_S, &ttl) || !ttl))
        return "--ttl is a number of seconds, 86400 at most";
    c->grants = role_describe(c->role)->grants;
    c->expires_s = clock_unix_us() / 1000000 + ttl;
    (void)str_copy(c->key, sizeof c->key, key);
    return NULL;
}

static int token(int argc, char **argv)
{
    static const char *const known[] = {"--key",  "--role", "--sub", "--name",
                                        "--case", "--room", "--ttl", NULL};
    struct flags f = {0};
    struct claims claims = {0};
    char id[AUTH_KEY_BYTES], text[AUTH_TOKEN_BYTES];
    if (flags_read(&f, argc, argv, known))
        return usage(stderr);
    struct span secret = span_of(flag(&f, "--key") ? flag(&f, "--key") : "");
    struct auth *auth;
    if (auth_new(&auth))
        return 1;
    const char *why = "--key is not ID:SECRET";
    if (!str_copy_span(id, sizeof id, span_cut(&secret, ':')) && secret.at &&
        !auth_add_key(auth, id, secret.at, AUTH_MERCHANT_DEFAULT))
        why = claims_read(&f, id, &claims);
    int er = why ? 0 : auth_mint(auth, &claims, clock_unix_us() / 1000000, text);
    auth_free(auth);
    if (why) {
        (void)fprintf(stderr, "loupectl: %s\n", why);
        return 2;
    }
    if (er) {
        (void)fprintf(stderr, "loupectl: %s\n", er_name(er));
        return 1;
    }
    return puts(text) < 0;
}

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
        int er = store_cases_list(s, &f, fsck_case, k);
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

/** The database of a data folder that is there; NULL: told why not. */
static struct store *store_there(const char *data)
{
    char path[1024];
    (void)snprintf(path, sizeof path, "%s/loupe.db", data);
    FILE *there = fopen(path, "rb");
    if (!there) {
        (void)fprintf(stderr, "loupectl: %s cannot be read\n", path);
        return NULL;
    }
    (void)fclose(there);
    struct entropy entropy = entropy_system();
    struct store *s = NULL;
    int er = store_open(&s, path, &entropy, NULL);
    if (er)
        (void)fprintf(stderr, "loupectl: %s: %s\n", path, er_name(er));
    return er ? NULL : s;
}

static int fsck(int argc, char **argv)
{
    static const char *const known[] = {"--data", NULL};
    struct flags f = {0};
    if (flags_read(&f, argc, argv, known) || !flag(&f, "--data"))
        return usage(stderr);
    struct store *s = store_there(flag(&f, "--data"));
    int code = s ? fsck_store(s) : 1;
    store_close(s);
    return code;
}

/* API keys. Those of the settings are not among them, and are the default merchant's. */

static void api_key_print(void *ctx, const struct store_api_key *key)
{
    char at[CLOCK_TEXT_BYTES];
    (void)ctx;
    clock_format(key->created_us, at);
    (void)printf("%s %s made %s\n", key->id, key->merchant, at);
}

/** The secret is shown once, here. */
static int api_key_add(struct store *s, const struct flags *f)
{
    struct entropy entropy = entropy_system();
    uint64_t now_us = clock_unix_us();
    struct store_api_key key = {0};
    uint8_t secret[32];
    const char *merchant = flag(f, "--merchant"), *id = flag(f, "--id");
    struct id made = id_make(now_us, &entropy);
    if (!merchant || !auth_name_ok(merchant) || (id && !auth_name_ok(id)))
        return ER_INVALID;
    (void)str_copy(key.merchant, sizeof key.merchant, merchant);
    (void)str_copy(key.id, sizeof key.id, id ? id : made.text);
    entropy_fill(&entropy, secret, sizeof secret);
    hex_encode(key.secret, secret, sizeof secret);
    int er = store_api_key_add(s, &key, now_us);
    if (er == 0 && flag(f, "--name"))
        er = store_merchant_put(s, merchant, flag(f, "--name"), now_us);
    if (er == 0)
        (void)printf("%s:%s\n", key.id, key.secret);
    return er;
}

static int api_key_verb(struct store *s, const char *verb, const struct flags *f)
{
    const char *id = flag(f, "--id");
    if (strcmp(verb, "list") == 0)
        return store_api_keys_each(s, api_key_print, NULL);
    if (strcmp(verb, "add") == 0)
        return api_key_add(s, f);
    return id ? store_api_key_remove(s, id) : ER_INVALID;
}

static int api_keys(int argc, char **argv)
{
    static const char *const known[] = {"--data", "--merchant", "--name", "--id", NULL};
    struct flags f = {0};
    const char *verb = argc > 0 ? argv[0] : "";
    if ((strcmp(verb, "list") != 0 && strcmp(verb, "add") != 0 && strcmp(verb, "remove") != 0) ||
        flags_read(&f, argc - 1, argv + 1, known) || !flag(&f, "--data"))
        return usage(stderr);
    struct store *s = store_there(flag(&f, "--data"));
    if (!s)
        return 1;
    int er = api_key_verb(s, verb, &f);
    store_close(s);
    if (er == 0)
        return 0;
    (void)fprintf(stderr, "loupectl: api-keys %s: %s\n", verb, er_name(er));
    return er == ER_INVALID ? 2 : 1;
}

/* Keeping. A server that runs sees it within a minute. */

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

static int retention_verb(struct store *s, const char *verb, const struct flags *f)
{
    const char *merchant = flag(f, "--merchant") ? flag(f, "--merchant") : AUTH_MERCHANT_DEFAULT;
    const char *kind = flag(f, "--kind"), *text = flag(f, "--seconds");
    uint64_t seconds = 0;
    unsigned i = 0;
    if (strcmp(verb, "list") == 0)
        return retention_print(s, merchant);
    while (kind && i < KEEP_KINDS && strcmp(keep_kind_name(i), kind) != 0)
        i++;
    if (strcmp(verb, "set") != 0 || !kind || i == KEEP_KINDS || !text)
        return ER_INVALID;
    if (strcmp(text, "never") != 0 &&
        (span_u64(span_of(text), LIMIT_RETENTION_SECONDS, &seconds) || !seconds))
        return ER_INVALID;
    int er = store_retention_set(s, merchant, i, seconds, clock_unix_us());
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
static int hold_place(struct store *s, const struct flags *f)
{
    struct store_hold h = {.firm = true, .placed_by = OPERATOR};
    const char *of_case = flag(f, "--case"), *reason = flag(f, "--reason");
    const char *clip = flag(f, "--clip"), *still = flag(f, "--still");
    const char *of = clip ? clip : still;
    if (!of_case || id_parse(of_case, &h.case_id) || (of && id_parse(of, &h.of)) ||
        (clip && still) || !claims_text_ok(reason) ||
        str_copy(h.reason, sizeof h.reason, reason) < 0)
        return ER_INVALID;
    (void)str_copy(h.object, sizeof h.object, clip ? "clip" : still ? "still" : "case");
    int er = store_hold_place(s, &h, clock_unix_us());
    if (er == 0)
        hold_print(NULL, &h);
    return er;
}

static int holds_verb(struct store *s, const char *verb, const struct flags *f)
{
    struct id id;
    struct store_hold h;
    const char *reason = flag(f, "--reason");
    const char *of = strcmp(verb, "list") == 0 ? flag(f, "--case") : flag(f, "--hold");
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
                   int (*run)(struct store *s, const char *verb, const struct flags *f))
{
    static const char *const known[] = {"--data", "--merchant", "--kind", "--seconds", "--case",
                                        "--clip", "--still",    "--hold", "--reason",  NULL};
    struct flags f = {0};
    if (argc < 1 || flags_read(&f, argc - 1, argv + 1, known) || !flag(&f, "--data"))
        return usage(stderr);
    struct store *s = store_there(flag(&f, "--data"));
    if (!s)
        return 1;
    int er = run(s, argv[0], &f);
    store_close(s);
    if (er)
        (void)fprintf(stderr, "loupectl: %s %s: %s\n", what, argv[0], er_name(er));
    return er == ER_INVALID ? 2 : er != 0;
}

static int retention(int argc, char **argv)
{
    return keeping(argc, argv, "retention", retention_verb);
}

static int holds(int argc, char **argv)
{
    return keeping(argc, argv, "holds", holds_verb);
}

/* Keys. A server that runs looks them up anew for each clip. */

static void keys_print(const struct keys *k)
{
    for (size_t i = 0; i < keys_count(k); i++) {
        const struct key *key = keys_at(k, i);
        (void)printf("%s made %s", key->kid, key->created_at);
        if (key == keys_active(k))
            (void)printf(" active");
        if (key->retired_at[0])
            (void)printf(" retired %s", key->retired_at);
        if (key->revoked_at[0])
            (void)printf(" revoked %s (%s)", key->revoked_at, key->reason);
        (void)printf("\n");
    }
}

static int keys_change(struct keys *k, const char *verb, const struct flags *f)
{
    struct entropy entropy = entropy_system();
    const char *kid = flag(f, "--kid"), *reason = flag(f, "--reason");
    if (strcmp(verb, "list") == 0)
        return 0;
    if (strcmp(verb, "rotate") == 0)
        return keys_rotate(k, &entropy, clock_unix_us());
    return kid && reason ? keys_revoke(k, kid, reason, &entropy, clock_unix_us()) : ER_INVALID;
}

static int keys_verb(int argc, char **argv)
{
    static const char *const known[] = {"--data", "--kid", "--reason", NULL};
    struct flags f = {0};
    char path[1024];
    struct keys *k;
    struct entropy entropy = entropy_system();
    const char *verb = argc > 0 ? argv[0] : "";
    if ((strcmp(verb, "list") != 0 && strcmp(verb, "rotate") != 0 && strcmp(verb, "revoke") != 0) ||
        flags_read(&f, argc - 1, argv + 1, known) || !flag(&f, "--data"))
        return usage(stderr);
    (void)snprintf(path, sizeof path, "%s/keys", flag(&f, "--data"));
    int er = keys_open(&k, path, &entropy, clock_unix_us());
    if (er == 0) {
        er = keys_change(k, verb, &f);
        if (er == 0)
            keys_print(k);
        keys_free(k);
    }
    if (er == 0)
        return 0;
    (void)fprintf(stderr, "loupectl: %s: %s\n", path, er_name(er));
    return er == ER_INVALID ? 2 : 1;
}

/* Keys of what is recorded. */

static int storage_print(const char *path, const struct entropy *entropy, char *why, size_t size)
{
    char names[LIMIT_VAULT_KEYS][2 * VAULT_KEY_ID_BYTES + 1];
    struct config config = {0};
    const char *setting;
    struct vault *v;
    int er = vault_new(&v, *entropy);
    if (er)
        return er;
    er = str_copy(config.storage_key_file, sizeof config.storage_key_file, path);
    if (!er)
        er = storage_keys_take(v, &config, &setting, why, size);
    size_t count = er ? 0 : vault_key_names(v, names, LIMIT_VAULT_KEYS);
    for (size_t i = 0; i < count; i++)
        (void)printf("%s%s\n", names[i], i + 1 == count ? " writes" : "");
    vault_free(v);
    return er;
}

static int storage_key(int argc, char **argv)
{
    static const char *const known[] = {"--file", NULL};
    struct flags f = {0};
    char why[CONFIG_TEXT_BYTES * 2] = "";
    struct entropy entropy = entropy_system();
    const char *verb = argc > 0 ? argv[0] : "";
    bool new = strcmp(verb, "new") == 0;
    if ((!new &&strcmp(verb, "list") != 0) || flags_read(&f, argc - 1, argv + 1, known) ||
        !flag(&f, "--file"))
        return usage(stderr);
    const char *path = flag(&f, "--file");
    int er = new ? storage_keys_add(path, &entropy, why, sizeof why) : 0;
    if (!er)
        er = storage_print(path, &entropy, why, sizeof why);
    if (!er)
        return 0;
    (void)fprintf(stderr, "loupectl: %s: %s\n", path, why[0] ? why : er_name(er));
    return er == ER_INVALID ? 2 : 1;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *verb;
        int (*run)(int argc, char **argv);
    } verbs[] = {{"token", token},
                 {"fsck", fsck},
                 {"keys", keys_verb},
                 {"api-keys", api_keys},
                 {"retention", retention},
                 {"holds", holds},
                 {"storage-key", storage_key}};
    for (size_t i = 0; argc > 1 && i < sizeof verbs / sizeof verbs[0]; i++) {
        if (strcmp(argv[1], verbs[i].verb) == 0)
            return verbs[i].run(argc - 2, argv + 2);
    }
    if (argc == 2 && (strcmp(argv[1], "version") == 0 || strcmp(argv[1], "--version") == 0))
        return printf("loupectl %s\n", LOUPE_VERSION) < 0;
    if (argc == 2 && (strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0))
        return usage(stdout) - 2;
    return usage(stderr);
}
