// SPDX-License-Identifier: Apache-2.0
/* loupectl: merchants and who works for them, cases, events as they happen, and the end of a server. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/er.h"
#include "base/str.h"
#include "server/auth.h"
#include "server/ctl_cases.h"
#include "server/ctl_events.h"
#include "server/main_ctl.h"

static int finish(const char *what, int er, const char *why)
{
    if (er)
        (void)fprintf(stderr, "loupectl: %s: %s\n", what, why ? why : er_name(er));
    return er == ER_INVALID ? 2 : er != 0;
}

static const char *merchant_of(const struct ctl_flags *f)
{
    const char *merchant = ctl_flag(f, "--merchant");
    return merchant ? merchant : AUTH_MERCHANT_DEFAULT;
}

/* Merchants */

static void merchant_print(void *ctx, const struct store_merchant *m)
{
    char at[CLOCK_TEXT_BYTES];
    (void)ctx;
    clock_format(m->created_us, at);
    (void)printf("%s made %s %s\n", m->id, at, m->name);
}

static int merchant_verb(struct store *s, const char *verb, const struct ctl_flags *f)
{
    const char *id = ctl_flag(f, "--merchant"), *name = ctl_flag(f, "--name");
    if (strcmp(verb, "list") == 0)
        return store_merchants_each(s, merchant_print, NULL);
    if (strcmp(verb, "add") != 0 || !id || !auth_name_ok(id) ||
        (name && (!claims_text_ok(name) || strlen(name) > LIMIT_NAME)))
        return ER_INVALID;
    return store_merchant_put(s, id, name, clock_unix_us());
}

/* Who works for them */

static void worker_print(void *ctx, const struct store_worker *w)
{
    (void)ctx;
    (void)printf("%s %s %s %s%s%s%s\n", w->merchant, w->identity, role_name(w->role), w->name,
                 w->team[0] ? " team " : "", w->team, w->inactive ? " inactive" : "");
}

struct key_search {
    const struct store_worker *worker;
    struct auth *auth;
    char id[AUTH_KEY_BYTES];
    unsigned scopes; /* of that one */
};

/** Of those that may sign for the role the first that can do all that a desk does, else the first. */
static void key_look(void *ctx, const struct store_api_key *key)
{
    const unsigned desk = AUTH_READ | AUTH_WRITE | AUTH_CALL;
    struct key_search *k = ctx;
    unsigned roles, scopes;
    if (strcmp(key->merchant, k->worker->merchant) != 0 || auth_roles_parse(key->roles, &roles) ||
        !(roles & 1u << k->worker->role) || auth_scopes_parse(key->scopes, &scopes) ||
        (k->id[0] && ((k->scopes & desk) == desk || (scopes & desk) != desk)) ||
        auth_add_key(k->auth, key->id, key->secret, key->merchant))
        return;
    (void)str_copy(k->id, sizeof k->id, key->id);
    k->scopes = scopes;
}

/** A token of a key of the merchant's that may sign for the worker's role. */
static int worker_token(struct store *s, const struct store_worker *w, uint64_t ttl_s)
{
    char text[AUTH_TOKEN_BYTES];
    struct claims c = {.role = w->role, .grants = role_describe(w->role)->grants};
    struct key_search k = {.worker = w};
    uint64_t now_s = clock_unix_us() / 1000000;
    int er = auth_new(&k.auth);
    if (er)
        return er;
    er = store_api_keys_each(s, key_look, &k);
    if (!er)
        er = k.id[0] ? str_copy(c.key, sizeof c.key, k.id) : ER_NOT_FOUND;
    (void)str_copy(c.identity, sizeof c.identity, w->identity);
    (void)str_copy(c.name, sizeof c.name, w->name);
    c.expires_s = now_s + ttl_s;
    if (!er)
        er = auth_mint(k.auth, &c, now_s, text);
    if (!er)
        (void)printf("/desk#%s\n", text);
    auth_free(k.auth);
    return er;
}

static int worker_add(struct store *s, const struct ctl_flags *f, const char *identity)
{
    struct store_worker w = {.role = ROLE_AGENT};
    /* What the register says of somebody beside name and role is said over REST, and stays. */
    int known = store_worker_get(s, merchant_of(f), identity, &w);
    if (known && known != ER_NOT_FOUND)
        return known;
    if (known)
        w = (struct store_worker){.role = ROLE_AGENT};
    const char *role = ctl_flag(f, "--role"), *name = ctl_flag(f, "--name");
    if (!auth_name_ok(merchant_of(f)) || (role && role_parse(role, &w.role)) ||
        !role_describe(w.role)->any_room || !claims_text_ok(identity) ||
        str_copy(w.identity, sizeof w.identity, identity) || (name && !claims_text_ok(name)) ||
        str_copy(w.name, sizeof w.name, name ? name : identity))
        return ER_INVALID;
    (void)str_copy(w.merchant, sizeof w.merchant, merchant_of(f));
    return store_worker_put(s, &w, clock_unix_us());
}

static int worker_verb(struct store *s, const char *verb, const struct ctl_flags *f)
{
    struct store_worker w;
    const char *identity = ctl_flag(f, "--identity");
    uint64_t ttl_s = 8 * 3600;
    if (strcmp(verb, "list") == 0)
        return store_workers_each(s, ctl_flag(f, "--merchant"), worker_print, NULL);
    if (!identity)
        return ER_INVALID;
    if (strcmp(verb, "add") == 0)
        return worker_add(s, f, identity);
    if (strcmp(verb, "remove") == 0)
        return store_worker_remove(s, merchant_of(f), identity);
    if (strcmp(verb, "link") != 0 ||
        (ctl_flag(f, "--ttl") &&
         (span_u64(span_of(ctl_flag(f, "--ttl")), LIMIT_TOKEN_AHEAD_S, &ttl_s) || !ttl_s)))
        return ER_INVALID;
    int er = store_worker_get(s, merchant_of(f), identity, &w);
    return er ? er : worker_token(s, &w, ttl_s);
}

static int changing(int argc, char **argv, const char *what,
                    int (*run)(struct store *s, const char *verb, const struct ctl_flags *f))
{
    static const char *const known[] = {"--data", "--merchant", "--name", "--identity",
                                        "--role", "--ttl",      NULL};
    struct ctl_flags f = {0};
    if (argc < 1 || ctl_flags_read(&f, argc - 1, argv + 1, known) || !ctl_flag(&f, "--data"))
        return ctl_usage(stderr);
    struct store *s = ctl_store_open(ctl_flag(&f, "--data"));
    if (!s)
        return 1;
    int er = run(s, argv[0], &f);
    store_close(s);
    return finish(what, er, NULL);
}

int ctl_merchants(int argc, char **argv)
{
    return changing(argc, argv, "merchants", merchant_verb);
}

int ctl_people(int argc, char **argv)
{
    return changing(argc, argv, "people", worker_verb);
}

/* Cases */

int ctl_cases(int argc, char **argv)
{
    static const char *const known[] = {"--data", "--database", "--merchant", "--state", "--kind",
                                        "--q",    "--limit",    "--case",     "?--json", NULL};
    struct ctl_flags f = {0};
    const char *verb = argc > 0 ? argv[0] : "", *why = NULL;
    bool show = strcmp(verb, "show") == 0;
    int code;
    if ((!show && strcmp(verb, "list") != 0) || ctl_flags_read(&f, argc - 1, argv + 1, known) ||
        !ctl_flag(&f, "--data"))
        return ctl_usage(stderr);
    struct store *s = ctl_store_look(&f, &code);
    if (!s)
        return code;
    const struct ctl_cases args = {.merchant = ctl_flag(&f, "--merchant"),
                                   .state = ctl_flag(&f, "--state"),
                                   .kind = ctl_flag(&f, "--kind"),
                                   .text = ctl_flag(&f, "--q"),
                                   .limit = ctl_flag(&f, "--limit"),
                                   .which = ctl_flag(&f, "--case"),
                                   .as_json = ctl_flag(&f, "--json") != NULL};
    int er = show ? ctl_cases_show(s, &args, stdout, &why) : ctl_cases_list(s, &args, stdout, &why);
    store_close(s);
    return finish("cases", er, why);
}

/* Events */

static int events_run(struct store *s, const struct ctl_events_of *of, bool follow)
{
    struct ctl_events *e;
    const struct timespec pause = {.tv_nsec = 300000000};
    int er = ctl_events_new(&e, s, of, stdout);
    if (er)
        return er;
    do {
        er = ctl_events_step(e);
    } while (er >= 0 && follow && nanosleep(&pause, NULL) == 0);
    ctl_events_free(e);
    return er < 0 ? er : 0;
}

int ctl_events(int argc, char **argv)
{
    static const char *const known[] = {"--data", "--database", "--merchant", "--case",
                                        "--type", "?--follow",  "?--json",    NULL};
    struct ctl_flags f = {0};
    int code;
    if (ctl_flags_read(&f, argc, argv, known) || !ctl_flag(&f, "--data"))
        return ctl_usage(stderr);
    bool follow = ctl_flag(&f, "--follow") != NULL;
    struct ctl_events_of of = {.merchant = ctl_flag(&f, "--merchant"),
                               .type = ctl_flag(&f, "--type"),
                               .since_us = follow ? clock_unix_us() : 0,
                               .as_json = ctl_flag(&f, "--json") != NULL};
    if (ctl_flag(&f, "--case") && id_parse(ctl_flag(&f, "--case"), &of.case_id))
        return ctl_usage(stderr);
    struct store *s = ctl_store_look(&f, &code);
    if (!s)
        return code;
    int er = events_run(s, &of, follow);
    store_close(s);
    return finish("events", er, NULL);
}

/* The end of a server */

/** Of the server that holds the lock; 0: nobody does. */
static pid_t holder(int fd)
{
    char text[24] = "";
    uint64_t pid;
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        return 0;
    ssize_t len = pread(fd, text, sizeof text - 1, 0);
    if (len <= 0 || span_u64(span_trim((struct span){text, (size_t)len}), INT32_MAX, &pid) ||
        pid < 2)
        return -1;
    return (pid_t)pid;
}

/** Told to drain, and waited for: the lock is ours when it has ended. */
int ctl_drain(int argc, char **argv)
{
    static const char *const known[] = {"--data", "?--no-wait", NULL};
    struct ctl_flags f = {0};
    char path[CTL_PATH_BYTES];
    if (ctl_flags_read(&f, argc, argv, known) || !ctl_flag(&f, "--data"))
        return ctl_usage(stderr);
    (void)snprintf(path, sizeof path, "%s/lock", ctl_flag(&f, "--data"));
    int fd = open(path, O_RDWR | O_CLOEXEC);
    pid_t pid = fd < 0 ? 0 : holder(fd);
    int code = 0;
    if (pid <= 0) {
        (void)fprintf(stderr, "loupectl: %s\n",
                      pid ? "the server's process is not known" : "no server uses the folder");
        code = 1;
    } else if (kill(pid, SIGTERM)) {
        (void)fprintf(stderr, "loupectl: process %d cannot be told\n", (int)pid);
        code = 1;
    } else if (!ctl_flag(&f, "--no-wait")) {
        code = flock(fd, LOCK_EX) ? 1 : 0;
        (void)printf("process %d has ended\n", (int)pid);
    }
    if (fd >= 0)
        (void)close(fd);
    return code;
}
