// SPDX-License-Identifier: Apache-2.0
/* loupe-bench: a WebRTC load generator. It speaks no signalling of its own: JSON lines on standard
 * input make peers and carry their session descriptions, JSON lines on standard output answer, so
 * that one generator serves every server that is measured (see relay.mjs).
 *
 *   {"cmd":"offer","peer":NAME,"publish":BOOL,"receive":N,"video_bps":N}  -> {"peer","sdp"}
 *   {"cmd":"answer","peer":NAME,"sdp":TEXT}                               -> {"peer","er"}
 *   {"cmd":"accept","peer":NAME,"sdp":TEXT}  (a server's offer)           -> {"peer","sdp"}
 *   {"cmd":"reset"} {"cmd":"report"}                                      -> {"connected",..}
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/er.h"
#include "base/json.h"
#include "media/peer/srtp.h"
#include "tests/bench/load_peer.h"

#define PEERS 4096
#define LINE_BYTES 131072
#define TICK_MS 2

struct bench {
    struct dtls_identity *identity;
    struct entropy entropy;
    int epoll;
    size_t count;
    struct load_peer *peers[PEERS];
    char line[LINE_BYTES];
    size_t line_len;
    bool done;
};

static void reply(json_t *object)
{
    char *text = json_dumps(object, JSON_COMPACT);
    puts(text);
    fflush(stdout);
    free(text);
    json_decref(object);
}

static struct load_peer *find(const struct bench *b, const char *name)
{
    for (size_t i = 0; name && i < b->count; i++)
        if (strcmp(load_peer_name(b->peers[i]), name) == 0)
            return b->peers[i];
    return NULL;
}

static struct load_peer *add(struct bench *b, const json_t *cmd)
{
    struct load_peer *p;
    int64_t receive = 0;
    int64_t bps = 1200000;
    (void)json_int(cmd, "receive", 0, 16, &receive);
    (void)json_int(cmd, "video_bps", 10000, 20000000, &bps);
    struct load_config config = {.name = json_text(cmd, "peer", 60),
                                 .identity = b->identity,
                                 .entropy = &b->entropy,
                                 .publish = json_flag(cmd, "publish", false),
                                 .receive = (unsigned)receive,
                                 .video_bps = (uint32_t)bps};
    if (!config.name || b->count == PEERS || load_peer_new(&p, &config) != 0)
        return NULL;
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = p};
    (void)epoll_ctl(b->epoll, EPOLL_CTL_ADD, load_peer_fd(p), &ev);
    b->peers[b->count++] = p;
    return p;
}

static void reply_sdp(const char *name, char *sdp)
{
    reply(json_pack("{s:s?, s:s?}", "peer", name, "sdp", sdp));
    free(sdp);
}

static void do_offer(struct bench *b, const json_t *cmd)
{
    struct load_peer *p = add(b, cmd);
    reply_sdp(json_text(cmd, "peer", 60), p ? load_peer_offer(p) : NULL);
}

static void do_answer(struct bench *b, const json_t *cmd)
{
    const char *name = json_text(cmd, "peer", 60);
    const char *sdp = json_string_value(json_object_get(cmd, "sdp"));
    struct load_peer *p = find(b, name);
    int er = p && sdp ? load_peer_answer(p, clock_now_us(), sdp) : ER_NOT_FOUND;
    reply(json_pack("{s:s?, s:i}", "peer", name, "er", er));
}

static void do_accept(struct bench *b, const json_t *cmd)
{
    const char *sdp = json_string_value(json_object_get(cmd, "sdp"));
    struct load_peer *p = sdp ? add(b, cmd) : NULL;
    reply_sdp(json_text(cmd, "peer", 60), p ? load_peer_accept(p, clock_now_us(), sdp) : NULL);
}

static void do_reset(struct bench *b, const json_t *cmd)
{
    (void)cmd;
    for (size_t i = 0; i < b->count; i++)
        load_peer_reset(b->peers[i]);
    reply(json_pack("{s:b}", "reset", 1));
}

static void do_report(struct bench *b, const json_t *cmd)
{
    (void)cmd;
    struct load_counts sum = {0};
    json_int_t connected = 0;
    for (size_t i = 0; i < b->count; i++) {
        connected += load_peer_connected(b->peers[i]);
        load_peer_count(b->peers[i], &sum);
    }
    reply(json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "peers", (json_int_t)b->count,
                    "connected", connected, "streams", (json_int_t)sum.streams, "sent",
                    (json_int_t)sum.sent, "received", (json_int_t)sum.received, "expected",
                    (json_int_t)sum.expected, "nacks", (json_int_t)sum.nacks));
}

static const struct verb {
    const char *name;
    void (*run)(struct bench *b, const json_t *cmd);
} verbs[] = {
    {"offer", do_offer}, {"answer", do_answer}, {"accept", do_accept},
    {"reset", do_reset}, {"report", do_report},
};

static void on_line(struct bench *b, const char *line, size_t len)
{
    json_t *cmd;
    const char *why;
    if (json_parse(line, len, &cmd, &why) != 0) {
        fprintf(stderr, "loupe-bench: %s\n", why);
        return;
    }
    const char *name = json_text(cmd, "cmd", 20);
    for (size_t i = 0; name && i < sizeof verbs / sizeof verbs[0]; i++)
        if (strcmp(verbs[i].name, name) == 0)
            verbs[i].run(b, cmd);
    json_decref(cmd);
}

static void on_input(struct bench *b)
{
    ssize_t n = read(STDIN_FILENO, b->line + b->line_len, LINE_BYTES - b->line_len);
    if (n <= 0) {
        b->done = true;
        return;
    }
    b->line_len += (size_t)n;
    char *newline;
    while ((newline = memchr(b->line, '\n', b->line_len))) {
        size_t len = (size_t)(newline - b->line);
        on_line(b, b->line, len);
        b->line_len -= len + 1;
        memmove(b->line, newline + 1, b->line_len);
    }
}

static void loop(struct bench *b)
{
    uint64_t tick_us = 0;
    while (!b->done) {
        struct epoll_event events[64];
        int n = epoll_wait(b->epoll, events, 64, TICK_MS);
        uint64_t now_us = clock_now_us();
        for (int i = 0; i < n; i++) {
            if (events[i].data.ptr)
                load_peer_readable(events[i].data.ptr, now_us);
            else
                on_input(b);
        }
        if (now_us - tick_us < TICK_MS * 1000u)
            continue;
        tick_us = now_us;
        uint64_t unix_us = clock_unix_us();
        for (size_t i = 0; i < b->count; i++)
            load_peer_tick(b->peers[i], now_us, unix_us);
    }
}

int main(void)
{
    struct bench *b = calloc(1, sizeof *b);
    struct epoll_event ev = {.events = EPOLLIN};
    if (!b || srtp_pair_library_init() != 0 || dtls_identity_new(&b->identity) != 0)
        return 1;
    b->entropy = entropy_system();
    b->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (epoll_ctl(b->epoll, EPOLL_CTL_ADD, STDIN_FILENO, &ev) != 0)
        return 1;
    loop(b);
    for (size_t i = 0; i < b->count; i++)
        load_peer_free(b->peers[i]);
    dtls_identity_free(b->identity);
    close(b->epoll);
    free(b);
    return 0;
}
