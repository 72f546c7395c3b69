// SPDX-License-Identifier: Apache-2.0
/* loupe-bench: a WebRTC load generator. It speaks no signalling of its own: JSON lines on standard
 * input make peers and carry their session descriptions, JSON lines on standard output answer, so
 * that one generator serves every server that is measured (see support/load.mjs).
 *
 *   {"cmd":"offer","peer":NAME,"publish":BOOL,"receive":N,"video_bps":N}  -> {"peer","sdp"}
 *   {"cmd":"answer","peer":NAME,"sdp":TEXT}                               -> {"peer","er"}
 *   {"cmd":"accept","peer":NAME,"sdp":TEXT}  (a server's offer)           -> {"peer","sdp"}
 *   {"cmd":"film","path":PATH}  (an IVF file of VP8: what publishers made from now on send) -> {"er"}
 *   {"cmd":"close","peer":NAME} {"cmd":"reset"} {"cmd":"report"}
 *
 * `loupe-bench limit ..` and `loupe-bench drain ..` are in limit.h, `loupe-bench storage
 * ..` in storage.h, `loupe-bench lookback ..` in lookback.h, `loupe-bench cases ..` in cases.h,
 * `loupe-bench centre ..` in centre.h, `loupe-bench pairing ..` in pairing.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/er.h"
#include "base/json.h"
#include "media/peer/srtp.h"
#include "tests/bench/cases.h"
#include "tests/bench/centre.h"
#include "tests/bench/limit.h"
#include "tests/bench/load_peer.h"
#include "tests/bench/lookback.h"
#include "tests/bench/pairing.h"
#include "tests/bench/report.h"
#include "tests/bench/storage.h"

#define LINE_BYTES 131072
#define EVENTS 256

struct bench {
    struct load_world world;
    struct load_peers peers;
    struct load_film *film;
    int epoll;
    char line[LINE_BYTES];
    size_t line_len;
    bool done;
    bool ended; /* a peer, since the flag was taken back */
};

static void reply(json_t *object)
{
    char *text = json_dumps(object, JSON_COMPACT);
    puts(text);
    fflush(stdout);
    free(text);
    json_decref(object);
}

/** Where it is among the peers, or their count. */
static size_t find(const struct bench *b, const char *name)
{
    size_t i = 0;
    while (i < b->peers.count && (!name || strcmp(load_peer_name(b->peers.all[i]), name) != 0))
        i++;
    return i;
}

static struct load_peer *find_peer(const struct bench *b, const char *name)
{
    size_t i = find(b, name);
    return i < b->peers.count ? b->peers.all[i] : NULL;
}

static struct load_peer *add(struct bench *b, const json_t *cmd)
{
    struct load_peer *p;
    int64_t receive = 0;
    int64_t bps = 1200000;
    (void)json_int(cmd, "receive", 0, 16, &receive);
    (void)json_int(cmd, "video_bps", 10000, 20000000, &bps);
    struct load_config config = {.world = &b->world,
                                 .name = json_text(cmd, "peer", 60),
                                 .publish = json_flag(cmd, "publish", false),
                                 .receive = (unsigned)receive,
                                 .video_bps = (uint32_t)bps,
                                 .film = b->film};
    if (!config.name || b->peers.count == LOAD_PEERS || load_peer_new(&p, &config) != 0)
        return NULL;
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = p};
    (void)epoll_ctl(b->epoll, EPOLL_CTL_ADD, load_peer_fd(p), &ev);
    b->peers.all[b->peers.count++] = p;
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
    struct load_peer *p = find_peer(b, name);
    int er = p && sdp ? load_peer_answer(p, clock_now_us(), sdp) : ER_NOT_FOUND;
    reply(json_pack("{s:s?, s:i}", "peer", name, "er", er));
}

static void do_accept(struct bench *b, const json_t *cmd)
{
    const char *sdp = json_string_value(json_object_get(cmd, "sdp"));
    struct load_peer *p = sdp ? add(b, cmd) : NULL;
    reply_sdp(json_text(cmd, "peer", 60), p ? load_peer_accept(p, clock_now_us(), sdp) : NULL);
}

/** Peers may refer to the one before: there is only one. */
static void do_film(struct bench *b, const json_t *cmd)
{
    const char *path = json_text(cmd, "path", 1000);
    int er = !path || b->film ? ER_INVALID : load_film_open(&b->film, path);
    reply(json_pack("{s:i}", "er", er));
}

static void do_close(struct bench *b, const json_t *cmd)
{
    size_t i = find(b, json_text(cmd, "peer", 60));
    bool found = i < b->peers.count;
    if (found) {
        meter_settle(b->world.meter); /* it refers to the peer */
        load_peer_free(b->peers.all[i]);
        b->peers.all[i] = b->peers.all[--b->peers.count];
        b->ended = true;
    }
    reply(json_pack("{s:b}", "closed", found));
}

static void do_reset(struct bench *b, const json_t *cmd)
{
    (void)cmd;
    meter_reset(b->world.meter);
    for (size_t i = 0; i < b->peers.count; i++)
        load_peer_reset(b->peers.all[i]);
    reply(json_pack("{s:b}", "reset", 1));
}

static void do_report(struct bench *b, const json_t *cmd)
{
    (void)cmd;
    reply(load_report(&b->peers, b->world.meter));
}

static const struct verb {
    const char *name;
    void (*run)(struct bench *b, const json_t *cmd);
} verbs[] = {
    {"offer", do_offer}, {"answer", do_answer}, {"accept", do_accept}, {"close", do_close},
    {"reset", do_reset}, {"report", do_report}, {"film", do_film},
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

/** Commands may end peers: the events read with this one are not looked at then (they come again). */
static bool on_input(struct bench *b)
{
    ssize_t n = read(STDIN_FILENO, b->line + b->line_len, LINE_BYTES - b->line_len);
    if (n <= 0) {
        b->done = true;
        return false;
    }
    b->ended = false;
    b->line_len += (size_t)n;
    char *newline;
    while ((newline = memchr(b->line, '\n', b->line_len))) {
        size_t len = (size_t)(newline - b->line);
        on_line(b, b->line, len);
        b->line_len -= len + 1;
        memmove(b->line, newline + 1, b->line_len);
    }
    return !b->ended;
}

static void wait_and_read(struct bench *b)
{
    struct epoll_event events[EVENTS];
    uint64_t now_us = clock_now_us();
    uint64_t at_us = heap_next_us(&b->world.timers);
    uint64_t wait_us = at_us == HEAP_NEVER ? 1000000 : at_us > now_us ? at_us - now_us : 0;
    struct timespec timeout = {.tv_sec = (time_t)(wait_us / 1000000),
                               .tv_nsec = (long)(wait_us % 1000000 * 1000)};
    int n = epoll_pwait2(b->epoll, events, EVENTS, &timeout, NULL);
    for (int i = 0; i < n; i++) {
        if (events[i].data.ptr)
            load_peer_readable(events[i].data.ptr);
        else if (!on_input(b))
            return;
    }
}

static void loop(struct bench *b)
{
    while (!b->done) {
        struct heap_node *node;
        wait_and_read(b);
        uint64_t now_us = clock_now_us();
        while ((node = heap_pop_due(&b->world.timers, now_us)))
            load_peer_expire(load_peer_of_timer(node), now_us);
    }
}

static int open_world(struct bench *b, int argc, char **argv)
{
    struct load_world *world = &b->world;
    struct epoll_event ev = {.events = EPOLLIN};
    world->transport_cc = world->gro = true;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--no-transport-cc") == 0)
            world->transport_cc = false;
        else if (strcmp(argv[i], "--no-gro") == 0)
            world->gro = false;
        else
            return ER_INVALID;
    }
    world->entropy = entropy_system();
    world->meter = calloc(1, sizeof *world->meter);
    b->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (!world->meter || b->epoll < 0 || srtp_pair_library_init() != 0 ||
        dtls_identity_new(&world->identity) != 0 || load_inbox_new(&world->inbox) != 0 ||
        load_outbox_new(&world->outbox) != 0)
        return ER_NOMEM;
    return epoll_ctl(b->epoll, EPOLL_CTL_ADD, STDIN_FILENO, &ev) == 0 ? 0 : ER_IO;
}

static void close_world(struct bench *b)
{
    for (size_t i = 0; i < b->peers.count; i++)
        load_peer_free(b->peers.all[i]);
    load_film_free(b->film);
    heap_clear(&b->world.timers);
    load_inbox_free(b->world.inbox);
    load_outbox_free(b->world.outbox);
    dtls_identity_free(b->world.identity);
    free(b->world.meter);
    if (b->epoll >= 0)
        close(b->epoll);
}

static void raise_limits(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
    (void)prctl(PR_SET_TIMERSLACK, 1000UL, 0UL, 0UL, 0UL); /* frames leave when they are due */
}

static const struct {
    const char *name;
    int (*main)(int argc, char **argv);
} programs[] = {
    {"limit", limit_main},       {"drain", drain_main}, {"storage", storage_main},
    {"lookback", lookback_main}, {"cases", cases_main}, {"centre", centre_main},
    {"pairing", pairing_main},
};

int main(int argc, char **argv)
{
    raise_limits();
    for (size_t i = 0; argc > 1 && i < sizeof programs / sizeof programs[0]; i++) {
        if (strcmp(argv[1], programs[i].name) == 0)
            return programs[i].main(argc - 2, argv + 2);
    }
    struct bench *b = calloc(1, sizeof *b);
    if (!b)
        return 1;
    int er = open_world(b, argc, argv);
    if (er == 0)
        loop(b);
    else
        fprintf(stderr, "loupe-bench: cannot start (%s)\n", er_name(er));
    close_world(b);
    free(b);
    return er == 0 ? 0 : 1;
}
