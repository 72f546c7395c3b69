// SPDX-License-Identifier: Apache-2.0
/* WHIP and WHEP as requests and responses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "base/str.h"
#include "server/whip.h"
#include "tests/unit/support/calls_world.h"
#include "tests/unit/support/fake_media.h"

#define OFFER                                                                                      \
    "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\na=ice-ufrag:EsAw\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\n"  \
    "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\n"

struct bench {
    struct world w;
    struct whip *whip;
    struct store_case c;
    int status; /* of the last answer; 0: none yet */
    unsigned answers;
    char location[128], etag[80], allow[64], retry[16], accept_patch[64], link[256];
    char body[1024];
};

static void on_send(void *ctx, struct http_reply reply, struct http_response *response)
{
    struct bench *b = ctx;
    (void)reply;
    b->status = response->status;
    b->answers++;
    b->location[0] = b->allow[0] = b->retry[0] = b->body[0] = b->accept_patch[0] = '\0';
    b->link[0] = '\0';
    (void)str_copy(b->etag, sizeof b->etag, response->etag);
    for (size_t i = 0; i < response->header_count; i++) {
        const struct http_header *h = &response->headers[i];
        char *to = strcmp(h->name, "location") == 0       ? b->location
                   : strcmp(h->name, "allow") == 0        ? b->allow
                   : strcmp(h->name, "retry-after") == 0  ? b->retry
                   : strcmp(h->name, "accept-patch") == 0 ? b->accept_patch
                                                          : NULL;
        if (strcmp(h->name, "link") == 0)
            (void)str_copy(b->link, sizeof b->link, h->value);
        if (to)
            (void)str_copy(to, 16, h->value);
        if (to == b->location)
            (void)str_copy(to, sizeof b->location, h->value);
        if (to == b->allow || to == b->accept_patch)
            (void)str_copy(to, 64, h->value);
    }
    if (response->body)
        (void)str_copy(b->body, sizeof b->body, response->body);
    http_response_clear(response);
}

static void start(struct bench *b)
{
    memset(b, 0, sizeof *b);
    world_start(&b->w);
    b->c = world_case(&b->w, "bo");
    const struct whip_config config = {
        .calls = b->w.calls, .auth = b->w.auth, .send = on_send, .ctx = b};
    assert_int_equal(whip_new(&b->whip, &config), 0);
}

static void stop(struct bench *b)
{
    whip_free(b->whip);
    world_stop(&b->w);
}

struct ask {
    enum http_method method;
    const char *path, *query, *type, *if_match, *body;
    const char *who; /* NULL: no token */
    enum role role;
};

/** Without waiting for the answer. */
static void begin(struct bench *b, struct ask a)
{
    struct http_request *request = calloc(1, sizeof *request);
    char token[AUTH_TOKEN_BYTES], header[AUTH_TOKEN_BYTES + 16];
    assert_non_null(request);
    request->method = a.method;
    request->path = strdup(a.path);
    request->query = a.query ? strdup(a.query) : NULL;
    request->content_type = a.type ? strdup(a.type) : NULL;
    request->if_match = a.if_match ? strdup(a.if_match) : NULL;
    request->body = (uint8_t *)strdup(a.body ? a.body : "");
    request->body_len = strlen((char *)request->body);
    if (a.who) {
        world_token(&b->w, a.who, a.role, &b->c.id, token);
        (void)snprintf(header, sizeof header, "Bearer %s", token);
        request->authorization = strdup(header);
    }
    b->status = 0;
    assert_true(whip_handle(b->whip, request));
}

static int ask(struct bench *b, struct ask a)
{
    begin(b, a);
    world_settle(&b->w);
    return b->status;
}

static int post(struct bench *b, const char *door, const char *who, enum role role,
                const char *query)
{
    char path[128];
    (void)snprintf(path, sizeof path, "/%s/%s", door, b->c.room.text);
    return ask(b, (struct ask){.method = HTTP_POST,
                               .path = path,
                               .query = query,
                               .type = "application/sdp",
                               .body = OFFER,
                               .who = who,
                               .role = role});
}

static void test_publish_and_end(void **state)
{
    (void)state;
    struct bench b;
    struct client agent;
    start(&b);
    client_hello(&agent, &b.w, "ann", ROLE_AGENT, &b.c.id);
    assert_int_equal(post(&b, "whip", "bo", ROLE_BUYER, NULL), 201);
    assert_memory_equal(b.location, "/whip/sessions/", 15);
    assert_string_equal(b.accept_patch, "application/trickle-ice-sdpfrag");
    assert_memory_equal(b.body, "v=0", 3);
    assert_int_equal(b.etag[0], '"');
    assert_memory_equal(b.link, "<turn:turn.example>; rel=\"ice-server\"; username=\"", 48);
    assert_non_null(strstr(b.link, ":bo\"; credential=\""));
    assert_non_null(fake_media_last(b.w.media, "peer_add 1 bo p main"));
    assert_string_equal(text_at(client_expect(&agent, "person_joined"), "person.identity"), "bo");
    char location[128];
    (void)str_copy(location, sizeof location, b.location);
    struct ask end = {.method = HTTP_DELETE, .path = location, .who = "ann", .role = ROLE_AGENT};
    assert_int_equal(ask(&b, end), 403);
    end.who = "bo";
    end.role = ROLE_BUYER;
    assert_int_equal(ask(&b, end), 200);
    assert_string_equal(text_at(client_expect(&agent, "person_left"), "identity"), "bo");
    assert_int_equal(fake_media_count(b.w.media, "peer_remove 1"), 1);
    assert_int_equal(ask(&b, end), 404);
    client_free(&agent);
    stop(&b);
}

static void test_refusals(void **state)
{
    (void)state;
    struct bench b;
    start(&b);
    char path[128];
    (void)snprintf(path, sizeof path, "/whip/%s", b.c.room.text);
    struct ask a = {.method = HTTP_POST, .path = path, .body = OFFER, .type = "application/sdp"};
    assert_int_equal(ask(&b, a), 401);
    a.who = "vi";
    a.role = ROLE_VIEWER;
    assert_int_equal(ask(&b, a), 403);
    a.who = "bo";
    a.role = ROLE_BUYER;
    a.type = "text/plain";
    assert_int_equal(ask(&b, a), 415);
    a.type = "Application/SDP; charset=utf-8";
    a.body = "";
    assert_int_equal(ask(&b, a), 400);
    a.body = OFFER;
    a.body = OFFER "a=recvonly\r\n";
    assert_int_equal(ask(&b, a), 400);
    assert_non_null(strstr(b.body, "sends nothing"));
    a.body = OFFER;
    fake_media_refuse_next(b.w.media, ER_UNSUPPORTED, "no BUNDLE");
    assert_int_equal(ask(&b, a), 400);
    assert_non_null(strstr(b.body, "no BUNDLE"));
    a.path = "/whip/01arz3ndektsv4rrffq69g5fav";
    assert_int_equal(ask(&b, a), 404);
    a.path = "/whip/elsewhere";
    assert_int_equal(ask(&b, a), 404);
    a.path = path;
    a.method = HTTP_GET;
    assert_int_equal(ask(&b, a), 405);
    assert_string_equal(b.allow, "POST, OPTIONS");
    a.method = HTTP_OPTIONS;
    assert_int_equal(ask(&b, a), 200);
    assert_memory_equal(b.link, "<turn:", 6);
    a.who = NULL;
    assert_int_equal(ask(&b, a), 200);
    assert_string_equal(b.link, ""); /* not for everybody */
    calls_drain(b.w.calls, NULL, NULL);
    assert_int_equal(post(&b, "whip", "bo", ROLE_BUYER, NULL), 503);
    assert_string_equal(b.retry, "5");
    struct calls_gauges g;
    calls_read_gauges(b.w.calls, &g);
    assert_int_equal(g.rooms, 0);
    stop(&b);
}

static void test_takeover(void **state)
{
    (void)state;
    struct bench b;
    start(&b);
    assert_int_equal(post(&b, "whip", "bo", ROLE_BUYER, NULL), 201);
    char first[128];
    (void)str_copy(first, sizeof first, b.location);
    assert_int_equal(post(&b, "whip", "bo", ROLE_BUYER, NULL), 409);
    assert_int_equal(post(&b, "whip", "bo", ROLE_BUYER, "takeover=1"), 201);
    assert_int_equal(fake_media_count(b.w.media, "peer_remove"), 1);
    const struct ask end = {.method = HTTP_DELETE, .path = first, .who = "bo", .role = ROLE_BUYER};
    assert_int_equal(ask(&b, end), 404);
    struct calls_gauges g;
    calls_read_gauges(b.w.calls, &g);
    assert_int_equal(g.whip, 1);
    assert_int_equal(g.people, 1);
    stop(&b);
}

static void test_not_by_websocket_too(void **state)
{
    (void)state;
    struct bench b;
    struct client buyer;
    start(&b);
    client_hello(&buyer, &b.w, "bo", ROLE_BUYER, &b.c.id);
    assert_int_equal(post(&b, "whip", "bo", ROLE_BUYER, NULL), 201);
    client_say(&buyer,
               "{'type':'offer','id':'1','sdp':'v=0\\r\\nm=video 9 X 1\\r\\na=sendonly\\r\\n'}");
    json_t *error = client_expect(&buyer, "error");
    assert_string_equal(text_at(error, "code"), "conflict");
    client_say(&buyer,
               "{'type':'offer','id':'2','sdp':'v=0\\r\\nm=video 9 X 1\\r\\na=recvonly\\r\\n'}");
    assert_true(client_has(&buyer, "answer"));
    client_free(&buyer);
    stop(&b);
}

static void test_play(void **state)
{
    (void)state;
    struct bench b;
    start(&b);
    for (int i = 0; i < LIMIT_WHIP_SESSIONS_PER_IDENTITY; i++)
        assert_int_equal(post(&b, "whep", "vi", ROLE_VIEWER, NULL), 201);
    assert_non_null(fake_media_last(b.w.media, "peer_add 16 vi s main"));
    assert_int_equal(post(&b, "whep", "vi", ROLE_VIEWER, NULL), 429);
    struct calls_gauges g;
    calls_read_gauges(b.w.calls, &g);
    assert_int_equal(g.people, 1);
    assert_int_equal(g.whep, 16);
    for (uint64_t peer = 1; peer <= 16; peer++) {
        const struct media_event e = {.type = MEDIA_PEER_GONE, .peer = peer, .er = ER_STALE};
        fake_media_say(b.w.media, &e);
    }
    world_settle(&b.w);
    calls_read_gauges(b.w.calls, &g);
    assert_int_equal(g.people, 0);
    assert_int_equal(g.whep, 0);
    assert_int_equal(g.rooms, 0);
    char path[128];
    (void)snprintf(path, sizeof path, "/whep/%s/bo 50%%41/b", b.c.room.text);
    const struct ask one = {.method = HTTP_POST,
                            .path = path,
                            .type = "application/sdp",
                            .body = OFFER,
                            .who = "vi",
                            .role = ROLE_VIEWER};
    assert_int_equal(ask(&b, one), 201);
    assert_non_null(fake_media_last(b.w.media, "peer_add 17 vi sbo 50%41/b"));
    stop(&b);
}

static void test_bound_holds_for_those_who_come_at_once(void **state)
{
    (void)state;
    struct bench b;
    struct calls_gauges g;
    char path[128];
    start(&b);
    (void)snprintf(path, sizeof path, "/whep/%s", b.c.room.text);
    for (int i = 0; i < 2 * LIMIT_WHIP_SESSIONS_PER_IDENTITY; i++)
        begin(&b, (struct ask){.method = HTTP_POST,
                               .path = path,
                               .type = "application/sdp",
                               .body = OFFER,
                               .who = "vi",
                               .role = ROLE_VIEWER});
    world_settle(&b.w);
    calls_read_gauges(b.w.calls, &g);
    assert_int_equal(g.whep, LIMIT_WHIP_SESSIONS_PER_IDENTITY);
    assert_int_equal(b.answers, 2 * LIMIT_WHIP_SESSIONS_PER_IDENTITY);
    stop(&b);
}

static void test_patch(void **state)
{
    (void)state;
    struct bench b;
    start(&b);
    assert_int_equal(post(&b, "whip", "bo", ROLE_BUYER, NULL), 201);
    char location[128], etag[80];
    (void)str_copy(location, sizeof location, b.location);
    (void)str_copy(etag, sizeof etag, b.etag);
    struct ask a = {
        .method = HTTP_PATCH,
        .path = location,
        .who = "bo",
        .role = ROLE_BUYER,
        .type = "application/trickle-ice-sdpfrag",
        .body = "a=ice-ufrag:EsAw\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\n"
                "m=audio 9 RTP/AVP 0\r\na=mid:0\r\na=candidate:1 1 UDP 1 ::1 9 typ host\r\n"};
    assert_int_equal(ask(&b, a), 428);
    a.if_match = "\"other\"";
    assert_int_equal(ask(&b, a), 412);
    a.if_match = etag;
    assert_int_equal(ask(&b, a), 204);
    a.type = "application/sdp";
    assert_int_equal(ask(&b, a), 415);
    a.type = "application/trickle-ice-sdpfrag";
    a.if_match = "*";
    a.body = "a=ice-ufrag:newu\r\na=ice-pwd:newpasswordnewpassword\r\n";
    assert_int_equal(ask(&b, a), 200);
    assert_non_null(strstr(b.body, "a=ice-ufrag:serv"));
    assert_string_not_equal(b.etag, etag);
    assert_non_null(fake_media_last(b.w.media, "peer_offer 1 a=ice-ufrag:newu"));
    a.body = "a=ice-ufrag:n\r\n";
    assert_int_equal(ask(&b, a), 400);
    a.body = "{\"candidate\":\"a=ice\"}";
    assert_int_equal(ask(&b, a), 400);
    assert_non_null(strstr(b.body, "no SDP fragment"));
    a.body = "";
    assert_int_equal(ask(&b, a), 400);
    a.method = HTTP_GET;
    assert_int_equal(ask(&b, a), 405);
    stop(&b);
}

static void test_not_ours(void **state)
{
    (void)state;
    struct bench b;
    start(&b);
    struct http_request request = {.path = (char[]){"/api/v1/cases"}};
    assert_false(whip_handle(b.whip, &request));
    assert_int_equal(b.answers, 0);
    stop(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_publish_and_end),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_not_by_websocket_too),
        cmocka_unit_test(test_takeover),
        cmocka_unit_test(test_play),
        cmocka_unit_test(test_bound_holds_for_those_who_come_at_once),
        cmocka_unit_test(test_patch),
        cmocka_unit_test(test_not_ours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
