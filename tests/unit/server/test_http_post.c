// SPDX-License-Identifier: Apache-2.0
/* Requests to a receiver on this machine: what is sent, what is made of answers, where none goes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/er.h"
#include "server/http_post.h"

#define BODY "{\"type\":\"closed\"}"

/** One connection after the other: reads a request, answers. */
struct receiver {
    int fd;
    unsigned port;
    const char *answer; /* NULL: none, the connection stays */
    pthread_t thread;
    char request[4096]; /* the last one */
    unsigned count;
    int held;
};

static void receive(struct receiver *r, int fd)
{
    size_t len = 0;
    ssize_t n;
    while (!strstr(r->request, BODY) && len + 1 < sizeof r->request &&
           (n = recv(fd, r->request + len, sizeof r->request - 1 - len, 0)) > 0) {
        len += (size_t)n;
        r->request[len] = '\0';
    }
    r->count++;
    if (!r->answer) {
        r->held = fd;
        return;
    }
    (void)send(fd, r->answer, strlen(r->answer), MSG_NOSIGNAL);
    (void)close(fd);
}

static void *receiver_thread(void *arg)
{
    struct receiver *r = arg;
    int fd;
    while ((fd = accept(r->fd, NULL, NULL)) >= 0) {
        memset(r->request, 0, sizeof r->request);
        receive(r, fd);
    }
    return NULL;
}

static void receiver_start(struct receiver *r, const char *answer)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof at;
    memset(r, 0, sizeof *r);
    r->answer = answer;
    r->held = -1;
    r->fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(r->fd >= 0);
    assert_int_equal(bind(r->fd, (struct sockaddr *)&at, len), 0);
    assert_int_equal(listen(r->fd, 8), 0);
    assert_int_equal(getsockname(r->fd, (struct sockaddr *)&at, &len), 0);
    r->port = ntohs(at.sin_port);
    assert_int_equal(pthread_create(&r->thread, NULL, receiver_thread, r), 0);
}

static void receiver_stop(struct receiver *r)
{
    (void)shutdown(r->fd, SHUT_RDWR);
    assert_int_equal(pthread_join(r->thread, NULL), 0);
    (void)close(r->fd);
    if (r->held >= 0)
        (void)close(r->held);
}

static struct http_post *post_make(const char *scheme, const char *host, unsigned port)
{
    struct http_post *post = calloc(1, sizeof *post);
    assert_non_null(post);
    (void)snprintf(post->url, sizeof post->url, "%s://%s:%u/hook?x=1", scheme, host, port);
    (void)snprintf(post->headers[0], sizeof post->headers[0], "webhook-id: evt_1");
    post->body = strdup(BODY);
    post->len = strlen(BODY);
    post->tag = malloc(8);
    return post;
}

static struct http_post *answered(struct http_poster *p)
{
    struct http_post *post;
    struct pollfd fd = {.fd = http_poster_fd(p), .events = POLLIN};
    while (!http_poster_take(p, &post))
        assert_true(poll(&fd, 1, 30000) > 0);
    return post;
}

/** Sends one, and gives what came of it. */
static struct http_post *ask(enum hook_reach reach, const char *scheme, const char *host,
                             unsigned port)
{
    struct http_poster *p;
    assert_int_equal(http_poster_new(&p, reach, NULL), 0);
    assert_int_equal(http_poster_send(p, post_make(scheme, host, port)), 0);
    struct http_post *post = answered(p);
    http_poster_free(p);
    return post;
}

static void test_a_request(void **state)
{
    (void)state;
    struct receiver r;
    receiver_start(&r, "HTTP/1.1 204 No Content\r\n\r\n");
    struct http_post *post = ask(HOOK_LOOPBACK, "http", "127.0.0.1", r.port);
    receiver_stop(&r);
    assert_int_equal(post->status, 204);
    assert_string_equal(post->error, "");
    assert_memory_equal(r.request, "POST /hook?x=1 HTTP/1.1\r\n", 25);
    assert_non_null(strstr(r.request, "\r\nwebhook-id: evt_1\r\n"));
    assert_non_null(strstr(r.request, "\r\nContent-Type: application/json\r\n"));
    assert_null(strstr(r.request, "Expect"));
    assert_non_null(strstr(r.request, "\r\n\r\n" BODY));
    http_post_free(post);
}

static void test_answers(void **state)
{
    (void)state;
    struct receiver r;
    static const struct {
        const char *answer, *error;
        int status;
        unsigned retry_after_s;
    } rows[] = {
        {"HTTP/1.1 302 Found\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n", "", 302, 0},
        {"HTTP/1.1 503 No\r\nRetry-After: 17\r\nContent-Length: 0\r\n\r\n", "", 503, 17},
        {"", "closed", 0, 0},
        {"220 mail.example ESMTP\r\n", "request", 0, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        receiver_start(&r, rows[i].answer);
        struct http_post *post = ask(HOOK_ANYWHERE, "http", "127.0.0.1", r.port);
        receiver_stop(&r);
        assert_int_equal(post->status, rows[i].status);
        assert_string_equal(post->error, rows[i].error);
        assert_int_equal(post->retry_after_s, rows[i].retry_after_s);
        assert_int_equal(r.count, 1); /* not asked again, nor elsewhere */
        http_post_free(post);
    }
}

static void test_where_none_goes(void **state)
{
    (void)state;
    struct receiver r;
    receiver_start(&r, "HTTP/1.1 204 No Content\r\n\r\n");
    static const char *const hosts[] = {"127.0.0.1", "localhost", "0.0.0.0", "[::ffff:127.0.0.1]"};
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        struct http_post *post = ask(HOOK_PUBLIC, "https", hosts[i], r.port);
        assert_int_equal(post->status, 0);
        assert_string_equal(post->error, "address");
        assert_true(post->refused);
        http_post_free(post);
    }
    struct http_post *post = ask(HOOK_PUBLIC, "http", "127.0.0.1", r.port);
    assert_string_equal(post->error, "request"); /* not https */
    http_post_free(post);
    receiver_stop(&r);
    assert_int_equal(r.count, 0);
    post = ask(HOOK_LOOPBACK, "http", "127.0.0.1", r.port); /* nobody there any more */
    assert_string_equal(post->error, "connect");
    assert_false(post->refused);
    http_post_free(post);
}

static void test_broken_off(void **state)
{
    (void)state;
    struct receiver r;
    struct http_poster *p;
    receiver_start(&r, NULL);
    assert_int_equal(http_poster_new(&p, HOOK_LOOPBACK, NULL), 0);
    for (unsigned i = 0; i < LIMIT_HOOK_FLIGHTS; i++)
        assert_int_equal(http_poster_send(p, post_make("http", "127.0.0.1", r.port)), 0);
    struct http_post *more = post_make("http", "127.0.0.1", r.port);
    assert_int_equal(http_poster_send(p, more), ER_FULL);
    http_post_free(more);
    http_poster_free(p);
    receiver_stop(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_request),
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_where_none_goes),
        cmocka_unit_test(test_broken_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
