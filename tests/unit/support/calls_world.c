// SPDX-License-Identifier: Apache-2.0
/* The conductor's test world. */
#include "tests/unit/support/calls_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "server/sealer.h"
#include "server/ice_servers.h"
#include "tests/unit/support/fake_dbq.h"
#include "tests/unit/support/fake_media.h"

#define UNIX_AT_START 1700000000000000u

static uint64_t world_now(void *ctx)
{
    return ((struct world *)ctx)->now_us;
}

static uint64_t world_unix(void *ctx)
{
    return ((struct world *)ctx)->now_us + UNIX_AT_START;
}

static void start_calls(struct world *w)
{
    static const char *const turn[] = {"turn:turn.example"};
    static const struct ice_servers ice = {
        .turn_urls = turn, .turn_count = 1, .turn_secret = "north", .turn_ttl_s = 60};
    const struct calls_clock clock = {.now_us = world_now, .unix_us = world_unix, .ctx = w};
    w->media = fake_media_new();
    assert_int_equal(dbq_new(&w->dbq, "store", w->store, NULL, NULL), 0);
    fake_dbq_full(w->dbq, false);
    char keys[80];
    (void)snprintf(keys, sizeof keys, "%s/keys", w->data);
    const struct sealer_config seal = {.keys = keys,
                                       .unix_us = world_unix(w),
                                       .entropy = w->entropy,
                                       .stamp = w->stamp,
                                       .stamp_ctx = w->stamp_ctx};
    if (w->seals)
        assert_int_equal(sealer_new(&w->sealer, &seal), 0);
    const struct calls_config config = {.media = w->media,
                                        .lookback_seconds = 60,
                                        .dbq = w->dbq,
                                        .sealer = w->sealer,
                                        .auth = w->auth,
                                        .entropy = w->entropy,
                                        .data = w->data,
                                        .ice_servers = &ice,
                                        .clock = &clock};
    assert_int_equal(calls_new(&w->calls, &config), 0);
    world_settle(w);
}

void world_start(struct world *w)
{
    memset(w, 0, sizeof *w);
    w->now_us = 1000000;
    w->entropy = entropy_seeded_init(&w->seeded, 7);
    (void)str_copy(w->data, sizeof w->data, "/tmp/loupe-calls-XXXXXX");
    assert_non_null(mkdtemp(w->data));
    assert_int_equal(store_open(&w->store, ":memory:", &w->entropy, NULL), 0);
    assert_int_equal(store_merchant_put(w->store, "default", NULL, UNIX_AT_START), 0);
    assert_int_equal(auth_new(&w->auth), 0);
    assert_int_equal(auth_add_key(w->auth, "demo", "a secret for the tests, long", "default"), 0);
    assert_int_equal(auth_add_key(w->auth, "other", "another secret, as long as it", "elsewhere"),
                     0);
    start_calls(w);
}

static void stop_calls(struct world *w)
{
    calls_free(w->calls);
    sealer_free(w->sealer);
    w->sealer = NULL;
    dbq_free(w->dbq);
    fake_media_free(w->media);
}

void world_stop(struct world *w)
{
    char command[96];
    stop_calls(w);
    store_close(w->store);
    auth_free(w->auth);
    (void)snprintf(command, sizeof command, "rm -rf %s", w->data);
    assert_int_equal(system(command), 0);
}

void world_restart(struct world *w)
{
    stop_calls(w);
    start_calls(w);
}

void world_seal(struct world *w)
{
    w->seals = true;
    world_restart(w);
}

void world_settle(struct world *w)
{
    for (int i = 0; i < 8; i++) {
        dbq_dispatch(w->dbq);
        if (w->sealer) {
            dbq_dispatch(sealer_queue(w->sealer));
            dbq_dispatch(sealer_slow_queue(w->sealer));
            dbq_dispatch(sealer_stamp_queue(w->sealer));
        }
        calls_on_media_events(w->calls);
        calls_tick(w->calls);
    }
}

void world_pass(struct world *w, uint64_t ms)
{
    uint64_t end_us = w->now_us + ms * 1000;
    while (w->now_us < end_us) {
        w->now_us += end_us - w->now_us < 1000000 ? end_us - w->now_us : 1000000;
        world_settle(w);
    }
}

struct store_case world_case(struct world *w, const char *buyer)
{
    bool repeated;
    struct store_case c = {.language = "en"};
    (void)str_copy(c.merchant, sizeof c.merchant, "default");
    (void)str_copy(c.title, sizeof c.title, "a cracked cup");
    (void)str_copy(c.buyer, sizeof c.buyer, buyer);
    (void)str_copy(c.buyer_name, sizeof c.buyer_name, "Bo");
    assert_int_equal(
        store_case_create(w->store, &c, "shop", "demo", NULL, NULL, world_unix(w), &repeated), 0);
    store_case_clear(&c);
    c.more = NULL;
    return c;
}

struct claims world_claims(const char *identity, enum role role, const struct id *case_id)
{
    struct claims claims = {.role = role,
                            .grants = role_describe(role)->grants,
                            .scopes = AUTH_ALL,
                            .roles = AUTH_ALL_ROLES};
    (void)str_copy(claims.key, sizeof claims.key, "demo");
    (void)str_copy(claims.merchant, sizeof claims.merchant, "default");
    (void)str_copy(claims.identity, sizeof claims.identity, identity);
    (void)str_copy(claims.name, sizeof claims.name, identity);
    if (case_id)
        claims.case_id = *case_id;
    return claims;
}

void world_token(struct world *w, const char *identity, enum role role, const struct id *case_id,
                 char ret_token[AUTH_TOKEN_BYTES])
{
    struct claims claims = world_claims(identity, role, case_id);
    uint64_t now_s = world_unix(w) / 1000000;
    claims.expires_s = now_s + 3600;
    assert_int_equal(auth_mint(w->auth, &claims, now_s, ret_token), 0);
}

struct count {
    const char *type;
    size_t count;
};

static void count_event(void *ctx, const struct store_event *e)
{
    struct count *c = ctx;
    c->count += strcmp(e->type, c->type) == 0;
}

size_t world_events(struct world *w, const struct id *case_id, const char *type)
{
    struct count c = {.type = type};
    assert_int_equal(store_events_list(w->store, case_id, 0, 10000, count_event, &c), 0);
    return c.count;
}

/* Clients */

static void client_pump(struct client *c)
{
    struct link_frame frame;
    while (c->link && link_next(c->link, &frame)) {
        if (frame.type == LINK_CLOSE) {
            c->closed = frame.code;
            link_gone(c->link, c->world->now_us);
            c->link = NULL;
        } else if (frame.type == LINK_PING) {
            char payload[32];
            size_t len = frame.len;
            memcpy(payload, frame.data, len);
            if (!c->no_pong)
                link_on_pong(c->link, payload, len, c->world->now_us);
        } else {
            json_t *message = json_loadb(frame.data, frame.len, 0, NULL);
            assert_non_null(message);
            uint64_t seq = (uint64_t)json_integer_value(json_object_get(message, "seq"));
            c->seq = seq > c->seq ? seq : c->seq;
            json_array_append_new(c->inbox, message);
        }
    }
    if (c->link && link_state(c->link) == LINK_DEAD) {
        c->closed = 1;
        link_gone(c->link, c->world->now_us);
        c->link = NULL;
    }
}

static void client_settle(struct client *c)
{
    world_settle(c->world);
    client_pump(c);
}

void client_open(struct client *c, struct world *w)
{
    *c = (struct client){.world = w, .inbox = json_array()};
    c->link = link_open(calls_sessions(w->calls), c, w->now_us);
    assert_non_null(c->link);
}

static void say_hello(struct client *c, const char *identity, enum role role,
                      const struct id *case_id)
{
    char token[AUTH_TOKEN_BYTES];
    world_token(c->world, identity, role, case_id, token);
    if (c->session[0])
        client_say(c, "{'type':'hello','id':'h','token':'%s','session':'%s','received':%llu}",
                   token, c->session, (unsigned long long)c->seq);
    else
        client_say(c, "{'type':'hello','id':'h','token':'%s'}", token);
}

void client_hello(struct client *c, struct world *w, const char *identity, enum role role,
                  const struct id *case_id)
{
    client_open(c, w);
    say_hello(c, identity, role, case_id);
    json_t *welcome = client_expect(c, "welcome");
    (void)str_copy(c->session, sizeof c->session, text_at(welcome, "session"));
}

void client_publish(struct client *c, const struct id *room, const char *identity)
{
    world_settle(c->world); /* its join or consent, if that still goes on */
    client_say(c, "{'type':'offer','sdp':'v=0'}");
    struct media_event e = {.type = MEDIA_TRACK_ADDED,
                            .room = *room,
                            .peer = fake_media_last_peer(c->world->media),
                            .track = 1,
                            .kind = MEDIA_VIDEO};
    (void)str_copy(e.identity, sizeof e.identity, identity);
    fake_media_say(c->world->media, &e);
    world_settle(c->world);
}

void client_cut(struct client *c)
{
    client_pump(c);
    if (c->link)
        link_gone(c->link, c->world->now_us);
    c->link = NULL;
    world_settle(c->world);
}

void client_resume(struct client *c, const char *identity, enum role role, const struct id *case_id)
{
    c->closed = 0;
    c->link = link_open(calls_sessions(c->world->calls), c, c->world->now_us);
    assert_non_null(c->link);
    say_hello(c, identity, role, case_id);
}

void client_free(struct client *c)
{
    client_cut(c);
    json_decref(c->inbox);
    c->inbox = NULL;
}

void client_say(struct client *c, const char *fmt, ...)
{
    char text[LIMIT_WS_FRAME];
    va_list args;
    va_start(args, fmt);
    int len = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    for (int i = 0; i < len; i++)
        text[i] = text[i] == '\'' ? '"' : text[i];
    assert_non_null(c->link);
    link_on_text(c->link, text, (size_t)len, c->world->now_us);
    client_settle(c);
}

static size_t find(struct client *c, const char *type)
{
    client_settle(c);
    for (size_t i = 0; i < json_array_size(c->inbox); i++) {
        if (strcmp(text_at(json_array_get(c->inbox, i), "type"), type) == 0)
            return i;
    }
    return SIZE_MAX;
}

/** Taken messages stay in the inbox's shadow: a member of an object kept until the inbox goes. */
json_t *client_expect(struct client *c, const char *type)
{
    size_t at = find(c, type);
    if (at == SIZE_MAX) {
        char *all = json_dumps(c->inbox, 0);
        print_error("no '%s' in %s (closed %u)\n", type, all, c->closed);
        free(all);
    }
    assert_true(at != SIZE_MAX);
    json_t *message = json_incref(json_array_get(c->inbox, at));
    json_array_remove(c->inbox, at);
    json_object_set_new(message, "type", json_string("(taken)"));
    json_array_append_new(c->inbox, message);
    return message;
}

bool client_has(struct client *c, const char *type)
{
    return find(c, type) != SIZE_MAX;
}

void client_forget(struct client *c)
{
    client_settle(c);
    json_array_clear(c->inbox);
}

const char *text_at(json_t *message, const char *path)
{
    struct span rest = span_of(path);
    json_t *at = message;
    while (rest.at) {
        char key[64];
        (void)str_copy_span(key, sizeof key, span_cut(&rest, '.'));
        at = json_is_array(at) ? json_array_get(at, (size_t)strtoul(key, NULL, 10))
                               : json_object_get(at, key);
    }
    return json_is_string(at) ? json_string_value(at) : "";
}

/* The fixture */

int room_setup(void **state)
{
    struct in_room *in = calloc(1, sizeof *in);
    assert_non_null(in);
    world_start(&in->w);
    in->c = world_case(&in->w, "bo");
    client_hello(&in->buyer, &in->w, "bo", ROLE_BUYER, &in->c.id);
    *state = in;
    return 0;
}

int room_teardown(void **state)
{
    struct in_room *in = *state;
    client_free(&in->buyer);
    world_stop(&in->w);
    free(in);
    return 0;
}
