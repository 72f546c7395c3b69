// SPDX-License-Identifier: Apache-2.0
/* Start, run, drain, end: the order in which everything comes and goes. */
#include "server/app.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/er.h"
#include "base/str.h"
#include "media/media.h"
#include "server/api.h"
#include "server/app_demo.h"
#include "server/app_hooks.h"
#include "server/app_keys.h"
#include "server/calls.h"
#include "server/hook_runner.h"
#include "server/pace.h"
#include "server/sealer.h"
#include "server/static.h"
#include "server/storage_keys.h"
#include "server/store_secrets.h"
#include "server/whip.h"
#include "signaling/ws.h"

#define PATH_BYTES (CONFIG_TEXT_BYTES + 64)

static int fail(const struct app *app, const char *what, int er)
{
    if (app->log)
        log_event(app->log, LOG_ERROR, "start_failed", "what=\"%s\" er=%s", what, er_name(er));
    else
        (void)fprintf(stderr, "louped: %s: %s\n", what, er_name(er));
    return er;
}

/* Settings */

static bool origin_allowed(void *ctx, const char *origin, const char *host)
{
    const struct app *app = ctx;
    const struct config_list *list = &app->config->allowed_origins;
    return http_origin_allowed((const char *const *)list->items, list->count, origin, host);
}

/* Signals */

static void drained(void *ctx)
{
    struct app *app = ctx;
    http_stop(app->http);
}

static void on_terminate(struct app *app)
{
    if (app->drain_until_us) {
        log_event(app->log, LOG_WARN, "stopped_at_once", NULL);
        http_stop(app->http);
        return;
    }
    app->drain_until_us = clock_now_us() + app->config->drain_seconds * UINT64_C(1000000);
    log_event(app->log, LOG_INFO, "draining", "seconds=%u", app->config->drain_seconds);
    http_drain(app->http);
    calls_drain(app->calls, drained, app);
}

struct reload {
    struct app *app;
    struct config fresh;
    int er;
};

static void reload_keys(struct store *s, void *job)
{
    struct reload *r = job;
    r->er = app_keys_take(r->app->auth, s, &r->fresh, r->app->log);
}

static void reload_rest(void *job)
{
    struct reload *r = job;
    struct app *app = r->app;
    int er = r->er;
    if (!er && app->http)
        er = http_reload_tls(app->http);
    log_event(app->log, er ? LOG_ERROR : LOG_INFO, "reloaded", "er=%s", er_name(er));
    config_clear(&r->fresh);
    free(r);
}

static void on_hangup(struct app *app)
{
    char why[CONFIG_TEXT_BYTES] = "no memory";
    struct reload *r = calloc(1, sizeof *r);
    if (!r || config_load(&r->fresh, app->argc, app->argv, environ, why, sizeof why)) {
        char text[CONFIG_TEXT_BYTES];
        log_event(app->log, LOG_ERROR, "reload_failed", "why=%s",
                  log_quote(text, sizeof text, why));
        free(r);
        return;
    }
    r->app = app;
    log_set_level(app->log, r->fresh.log_level);
    const char *name;
    if (storage_keys_take(app->vault, &r->fresh, &name, why, sizeof why) < 0)
        log_event(app->log, LOG_ERROR, "storage_keys_stay", "setting=%s", name);
    int er = dbq_run(app->dbq, reload_keys, reload_rest, r);
    if (!er)
        return;
    r->er = er;
    reload_rest(r);
}

static void on_signal(void *ctx)
{
    struct app *app = ctx;
    struct signalfd_siginfo info;
    while (read(app->signal_fd, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo == SIGHUP)
            on_hangup(app);
        else
            on_terminate(app);
    }
}

/* The loop */

static void on_media(void *ctx)
{
    struct app *app = ctx;
    calls_on_media_events(app->calls);
}

/** HTTP's part of what came to the port that it shares with media. */
static void on_socket(void *ctx)
{
    struct app *app = ctx;
    int fd;
    while (media_next_socket(app->media, &fd))
        http_adopt(app->http, fd);
}

static void on_request(void *ctx, struct http_request *request)
{
    api_dispatch(ctx, request);
}

static uint64_t on_tick(void *ctx, uint64_t now_us)
{
    struct app *app = ctx;
    dbq_dispatch(app->dbq);
    dbq_dispatch(sealer_queue(app->sealer));
    dbq_dispatch(sealer_slow_queue(app->sealer));
    dbq_dispatch(sealer_stamp_queue(app->sealer));
    calls_tick(app->calls);
    uint64_t next = calls_deadline_us(app->calls);
    uint64_t hooks_us = hook_runner_tick(app->hooks, now_us);
    if (hooks_us < next)
        next = hooks_us;
    if (app->drain_until_us) {
        if (now_us >= app->drain_until_us)
            http_stop(app->http);
        if (app->drain_until_us < next)
            next = app->drain_until_us;
    }
    return next;
}

static void on_store_done(void *ctx)
{
    struct app *app = ctx;
    dbq_dispatch(app->dbq);
}

static void on_sealed(void *ctx)
{
    struct app *app = ctx;
    dbq_dispatch(sealer_queue(app->sealer));
    dbq_dispatch(sealer_slow_queue(app->sealer));
    dbq_dispatch(sealer_stamp_queue(app->sealer));
}

static void send_reply(void *ctx, struct http_reply reply, struct http_response *response)
{
    struct app *app = ctx;
    http_reply_send(app->http, reply, response);
}

/* Starting, in this order */

static int start_data(struct app *app)
{
    char path[PATH_BYTES];
    const char *data = app->config->data;
    for (size_t i = 1; i <= strlen(data); i++) {
        if (data[i] != '/' && data[i] != '\0')
            continue;
        (void)snprintf(path, sizeof path, "%.*s", (int)i, data);
        if (mkdir(path, 0700) && errno != EEXIST)
            return fail(app, "the data folder cannot be made", ER_IO);
    }
    /* Files are written under their path: it must hold whatever folder the process goes to. */
    if (!realpath(data, app->data))
        return fail(app, "the data folder cannot be found again", ER_IO);
    (void)snprintf(path, sizeof path, "%s/lock", data);
    app->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (app->lock_fd < 0)
        return fail(app, "the data folder cannot be written", ER_IO);
    if (flock(app->lock_fd, LOCK_EX | LOCK_NB))
        return fail(app, "another louped uses the data folder", ER_CONFLICT);
    if (ftruncate(app->lock_fd, 0) || dprintf(app->lock_fd, "%d\n", (int)getpid()) < 0)
        return fail(app, "the data folder cannot be written", ER_IO);
    return 0;
}

static int start_store(struct app *app)
{
    char path[PATH_BYTES];
    uint8_t secret[32];
    (void)snprintf(path, sizeof path, "%s/loupe.db", app->config->data);
    const char *file = app->config->database[0] ? app->config->database : path;
    int er = store_open(&app->store, file, &app->entropy, app->log);
    if (er)
        return fail(app, "the database cannot be opened", er);
    er = store_set_folder(app->store, app->data);
    (void)snprintf(path, sizeof path, "%s/" SECRETS_KEY_FILE, app->config->data);
    if (!er)
        er = store_use_secrets(app->store, path);
    if (!er)
        er = store_merchant_put(app->store, AUTH_MERCHANT_DEFAULT, NULL, clock_unix_us());
    if (!er)
        er = store_secret(app->store, "media", secret);
    if (!er && app->config->demo)
        er = demo_fill(app->store, clock_unix_us());
    if (er)
        return fail(app, "the database cannot be written", er);
    er = app_keys_take(app->auth, app->store, app->config, app->log);
    if (er)
        return fail(app, "the API keys cannot be taken", er);
    app->media_key = media_key_derive(secret, &app->entropy);
    return 0;
}

/** config_load has looked at the keys already; they may have changed since. */
static int start_vault(struct app *app)
{
    const char *name;
    char why[CONFIG_TEXT_BYTES * 2];
    int er = vault_new(&app->vault, app->entropy);
    if (!er && (er = storage_keys_take(app->vault, app->config, &name, why, sizeof why)) < 0)
        return fail(app, why, er);
    return er;
}

static int start_media(struct app *app)
{
    const struct config *config = app->config;
    struct addr announced[CONFIG_LIST_MAX];
    for (size_t i = 0; i < config->public_addresses.count; i++)
        (void)addr_parse_ip(config->public_addresses.items[i], 0, &announced[i]);
    struct media_config m = {.udp = config->media,
                             .has_tcp = config->has_media_tcp,
                             .tcp = config->media_tcp,
                             .shares_tcp = config_shares_port(config),
                             .workers = app->workers,
                             .realtime = config->media_realtime,
                             .jobs = 2,
                             .lookback_seconds = config->lookback_seconds,
                             .public_addresses = announced,
                             .public_address_count = config->public_addresses.count,
                             .log = app->log,
                             .vault = app->vault};
    int er = media_start(&app->media, &m);
    return er ? fail(app, "the media ports cannot be opened", er) : 0;
}

static int start_sealer(struct app *app)
{
    char path[PATH_MAX + 8];
    (void)snprintf(path, sizeof path, "%s/keys", app->data);
    struct sealer_config s = {.keys = path,
                              .authority = app->config->timestamp_authority,
                              .unix_us = clock_unix_us(),
                              .entropy = app->entropy,
                              .log = app->log,
                              .vault = app->vault};
    int er = sealer_new(&app->sealer, &s);
    return er ? fail(app, "the keys that seal clips cannot be read or made", er) : 0;
}

static int start_calls(struct app *app)
{
    const struct config *config = app->config;
    app->ice_servers = (struct ice_servers){
        .stun_urls = (const char *const *)config->stun_urls.items,
        .stun_count = config->stun_urls.count,
        .turn_urls = (const char *const *)config->turn_urls.items,
        .turn_count = config->turn_urls.count,
        .turn_secret = config->turn_secret,
        .turn_ttl_s = config->turn_ttl_seconds};
    struct queue_policy pairing;
    queue_policy_init(&pairing);
    pairing.ring_us = app->config->ring_seconds * UINT64_C(1000000);
    pairing.wrap_us = app->config->wrap_up_seconds * UINT64_C(1000000);
    struct calls_config c = {.media = app->media,
                             .dbq = app->dbq,
                             .sealer = app->sealer,
                             .auth = app->auth,
                             .pace = app->pace,
                             .log = app->log,
                             .vault = app->vault,
                             .entropy = app->entropy,
                             .ice_servers = &app->ice_servers,
                             .data = app->config->blobs[0] ? app->config->blobs : app->data,
                             .min_free_bytes = (uint64_t)app->config->min_free_mib << 20,
                             .lookback_seconds = app->config->lookback_seconds,
                             .pairing = &pairing};
    int er = calls_new(&app->calls, &c);
    if (er)
        return fail(app, "the conductor cannot start", er);
    struct ws_config w = {
        .sessions = calls_sessions(app->calls), .origin_allowed = origin_allowed, .ctx = app};
    er = ws_new(&app->ws, &w);
    struct whip_config h = {
        .calls = app->calls, .auth = app->auth, .pace = app->pace, .send = send_reply, .ctx = app};
    if (!er)
        er = whip_new(&app->whip, &h);
    return er ? fail(app, "no memory", er) : 0;
}

/** The pages: where the settings say, or beside the program, or in its share folder. */
static void start_pages(struct app *app)
{
    static const char *const places[] = {"web", "../build/web", "../share/loupe/web"};
    char program[CONFIG_TEXT_BYTES], path[PATH_BYTES];
    if (app->config->web[0]) {
        if (statics_load(&app->statics, app->config->web))
            log_event(app->log, LOG_WARN, "no_pages", NULL);
        return;
    }
    ssize_t len = readlink("/proc/self/exe", program, sizeof program - 1);
    if (len <= 0)
        return;
    program[len] = '\0';
    char *slash = strrchr(program, '/');
    if (slash)
        *slash = '\0';
    for (size_t i = 0; i < sizeof places / sizeof places[0] && !app->statics; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", program, places[i]);
        (void)statics_load(&app->statics, path);
    }
    if (!app->statics)
        log_event(app->log, LOG_WARN, "no_pages", NULL);
}

static int start_http(struct app *app)
{
    const struct config *config = app->config;
    struct lws_protocols ws = ws_protocol(app->ws);
    struct http_config h = {
        .address = config->http,
        .adopts = config_shares_port(config),
        .tls_cert = config->tls_cert[0] ? config->tls_cert : NULL,
        .tls_key = config->tls_key[0] ? config->tls_key : NULL,
        .origins = (const char *const *)config->allowed_origins.items,
        .origin_count = config->allowed_origins.count,
        .log = app->log,
        .ws = &ws,
        .ctx = app,
        .on_request = on_request,
        .on_tick = on_tick,
    };
    int er = http_new(&app->http, &h);
    if (er)
        return fail(app, "the HTTP port cannot be opened", er);
    er = http_watch(app->http, media_event_fd(app->media), on_media, app);
    if (!er)
        er = http_watch(app->http, dbq_fd(app->dbq), on_store_done, app);
    if (!er)
        er = http_watch(app->http, dbq_fd(sealer_queue(app->sealer)), on_sealed, app);
    if (!er)
        er = http_watch(app->http, dbq_fd(sealer_slow_queue(app->sealer)), on_sealed, app);
    if (!er)
        er = http_watch(app->http, dbq_fd(sealer_stamp_queue(app->sealer)), on_sealed, app);
    if (!er)
        er = http_watch(app->http, app->signal_fd, on_signal, app);
    if (!er && h.adopts)
        er = http_watch(app->http, media_socket_fd(app->media), on_socket, app);
    if (er)
        return fail(app, "the loop cannot start", er);
    struct addr at = http_address(app->http);
    char text[ADDR_TEXT_BYTES];
    addr_format(&at, text);
    if (config->public_url[0] && app->statics)
        statics_set_origin(app->statics, config->public_url);
    if (config->public_url[0])
        (void)str_copy(app->base_url, sizeof app->base_url, config->public_url);
    else
        (void)snprintf(app->base_url, sizeof app->base_url, "%s://%s",
                       config->tls_cert[0] ? "https" : "http", text);
    return 0;
}

static int start_all(struct app *app)
{
    int er = log_new(&app->log, STDERR_FILENO, app->config->log_level, app->config->log_json);
    if (!er)
        er = auth_new(&app->auth);
    if (!er)
        er = pace_new(&app->pace, &app->config->rates, entropy_u64(&app->entropy));
    if (er)
        return fail(app, "no memory", er);
    er = start_data(app);
    if (!er)
        er = start_store(app);
    if (!er)
        er = start_vault(app);
    if (!er)
        er = start_media(app);
    return er;
}

static int start_rest(struct app *app)
{
    int er = dbq_new(&app->dbq, "store", app->store, NULL, NULL);
    if (er)
        return fail(app, "the store thread cannot start", er);
    er = start_sealer(app);
    if (!er)
        er = start_calls(app);
    if (!er) {
        start_pages(app);
        er = start_http(app);
    }
    if (!er && (er = app_hooks_start(app)) < 0)
        return fail(app, "webhooks cannot start", er);
    return er;
}

static void say_ready(struct app *app)
{
    struct addr http = http_address(app->http);
    struct addr media = media_worker_address(app->media, 0);
    char http_text[ADDR_TEXT_BYTES], media_text[ADDR_TEXT_BYTES];
    addr_format(&http, http_text);
    addr_format(&media, media_text);
    (void)printf("louped ready http=%s://%s media=%s workers=%u pid=%d",
                 app->config->tls_cert[0] ? "https" : "http", http_text, media_text, app->workers,
                 (int)getpid());
    if (app->config->has_media_tcp) {
        media = media_tcp_address(app->media);
        addr_format(&media, media_text);
        (void)printf(" media-tcp=%s", media_text);
    }
    (void)printf("\n");
    (void)fflush(stdout);
}

/** A job of the store thread, so that it stays the only one at the database. */
static void print_links(struct store *s, void *job)
{
    struct app *app = job;
    int er = demo_print(s, app->auth, app->base_url, clock_unix_us(), stdout);
    if (er)
        log_event(app->log, LOG_ERROR, "demo_links_failed", "er=%s", er_name(er));
}

static void stop_all(struct app *app)
{
    whip_free(app->whip);
    app->whip = NULL;
    struct http *http = app->http;
    struct calls *calls = app->calls;
    app->http = NULL;
    app->calls = NULL;
    http_free(http);
    ws_free(app->ws);
    calls_free(calls);
    media_stop(app->media);
    hook_runner_stop(app->hooks);
    dbq_free(app->dbq);
    hook_runner_free(app->hooks);
    sealer_free(app->sealer);
    store_close(app->store);
    statics_free(app->statics);
    vault_free(app->vault);
    auth_free(app->auth);
    pace_free(app->pace);
    log_free(app->log);
    if (app->signal_fd >= 0)
        (void)close(app->signal_fd);
    if (app->lock_fd >= 0)
        (void)close(app->lock_fd);
}

#define FILES_WANTED 32768

/** As many descriptors as we may have, as far as there is use for them. */
static void raise_files(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) || files.rlim_cur >= FILES_WANTED)
        return;
    files.rlim_cur = files.rlim_max < FILES_WANTED ? files.rlim_max : FILES_WANTED;
    (void)setrlimit(RLIMIT_NOFILE, &files);
}

static int run(struct app *app)
{
    int er = start_all(app);
    if (!er)
        er = start_rest(app);
    if (!er) {
        say_ready(app);
        if (app->config->demo)
            er = dbq_run(app->dbq, print_links, NULL, app);
        http_run(app->http);
        log_event(app->log, LOG_INFO, "stopped", NULL);
    }
    stop_all(app);
    return er ? 1 : 0;
}

static void warn_unknown(char **environment)
{
    const char *name;
    size_t cursor = 0, len;
    while ((name = config_unknown(environment, &cursor, &len)) != NULL)
        (void)fprintf(stderr, "louped: warning: no setting is called %.*s\n", (int)len, name);
}

int app_main(int argc, char **argv)
{
    struct config config;
    char why[CONFIG_TEXT_BYTES * 2];
    if (config_load(&config, argc, argv, environ, why, sizeof why)) {
        (void)fprintf(stderr, "louped: %s\n", why);
        return 2;
    }
    if (config.help) {
        char *help = config_help();
        (void)fputs(help ? help : "", stdout);
        free(help);
    } else if (config.version) {
        (void)printf("louped %s\n", LOUPE_VERSION);
    }
    if (!config.help && !config.version)
        warn_unknown(environ);
    if (config.help || config.version || config.check) {
        config_clear(&config);
        return 0;
    }
    struct app app = {.config = &config,
                      .argc = argc,
                      .argv = argv,
                      .entropy = entropy_system(),
                      .workers = config_workers(&config),
                      .signal_fd = -1,
                      .lock_fd = -1};
    sigset_t signals;
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGTERM);
    (void)sigaddset(&signals, SIGINT);
    (void)sigaddset(&signals, SIGHUP);
    (void)sigprocmask(SIG_BLOCK, &signals, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    raise_files();
    app.signal_fd = signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
    int code = run(&app);
    config_clear(&config);
    return code;
}
