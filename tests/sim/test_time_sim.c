// SPDX-License-Identifier: Apache-2.0
/* Times in a clip against the truth: a call over paths of 20, 100 and 250 ms, both ways alike and not.
 * Every simulated picture says when it was captured. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "media/record/webm.h"
#include "tests/sim/recorder.h"
#include "tests/sim/synthetic.h"
#include "tests/unit/support/scratch.h"

#define SECOND_US 1000000u

struct call {
    struct scratch scratch;
    struct netsim *sim;
    struct dtls_identity *identity;
    struct sim_server *server;
    struct attached *people[2];
    struct recorder recorder;
    int64_t least_ms, most_ms; /* of (time in the clip - time of capture) */
    size_t pictures;
};

/** Both publish sound; ann, whose path is tried, also her picture. */
static void enter(struct call *c, int who)
{
    struct addr at;
    const struct netsim_link link = {.delay_us = 20000, .jitter_us = 5000};
    const struct browser_config config = {.name = who ? "bob" : "ann",
                                          .seed = 70 + (uint64_t)who,
                                          .identity = c->identity,
                                          .video_bps = 300000,
                                          .fps = 15,
                                          .width = 320,
                                          .height = 240};
    struct media_peer_config peer = {
        .peer = 1 + (uint64_t)who, .may_publish = true, .may_subscribe = true, .rank = who == 0};
    (void)str_copy(peer.identity, sizeof peer.identity, config.name);
    assert_int_equal(addr_parse_ip(who ? "192.0.2.12" : "192.0.2.11", 5001, &at), 0);
    assert_int_equal(attached_new(&c->people[who], c->sim, &at, &link, &link, &config), 0);
    browser_add_line(c->people[who]->browser, MEDIA_AUDIO, SDP_SENDRECV);
    if (who == 0)
        browser_add_line(c->people[who]->browser, MEDIA_VIDEO, SDP_SENDONLY);
    const char *why;
    assert_int_equal(sim_server_offer(c->server, &peer, c->people[who], &why), 0);
}

static void open_call(struct call *c, uint64_t up_us, uint64_t down_us)
{
    struct addr at;
    memset(c, 0, sizeof *c);
    c->least_ms = INT64_MAX;
    c->most_ms = INT64_MIN;
    scratch_make(&c->scratch);
    assert_int_equal(srtp_pair_library_init(), 0);
    assert_int_equal(netsim_new(&c->sim, 7, SECOND_US), 0);
    assert_int_equal(dtls_identity_new(&c->identity), 0);
    assert_int_equal(addr_parse_ip("192.0.2.1", 5000, &at), 0);
    assert_int_equal(sim_server_new(&c->server, c->sim, &at, 7), 0);
    recorder_attach(&c->recorder, c->server);
    enter(c, 0);
    enter(c, 1);
    netsim_run_until(c->sim, 3 * SECOND_US);
    const struct netsim_link up = {.delay_us = up_us, .jitter_us = 5000},
                             down = {.delay_us = down_us, .jitter_us = 5000};
    netsim_set_links(c->people[0]->node, &up, &down);
}

static void close_call(struct call *c)
{
    recorder_clear(&c->recorder);
    attached_free(c->people[0]);
    attached_free(c->people[1]);
    sim_server_free(c->server);
    netsim_free(c->sim);
    dtls_identity_free(c->identity);
    scratch_remove(&c->scratch);
}

static int note(void *ctx, const struct webm_frame *frame)
{
    struct call *c = ctx;
    struct synthetic what;
    if (frame->format == FORMAT_OPUS)
        return 0;
    assert_int_equal(synthetic_vp8_check(frame->data, frame->len, &what), 0);
    int64_t captured_us = (int64_t)(what.capture_us + SIM_UNIX_US - c->recorder.from_unix_us);
    int64_t late_ms = (int64_t)frame->at_ms - captured_us / 1000;
    c->least_ms = late_ms < c->least_ms ? late_ms : c->least_ms;
    c->most_ms = late_ms > c->most_ms ? late_ms : c->most_ms;
    c->pictures++;
    return 0;
}

static void run_for(struct call *c, uint64_t us)
{
    netsim_run_until(c->sim, netsim_now_us(c->sim) + us);
}

/** Records ten seconds, long after the path became what it is. */
static void record(struct call *c)
{
    struct media_clip_config config = {.clip = {"0123456789abcdef0123456789"}};
    (void)str_copy(config.publisher, sizeof config.publisher, "ann");
    (void)str_copy(config.path, sizeof config.path, scratch_path(&c->scratch, "clip"));
    run_for(c, 25 * SECOND_US);
    hub_consent(c->server->hub, netsim_now_us(c->sim), &c->server->room, "ann", true);
    hub_clip_start(c->server->hub, netsim_now_us(c->sim), &c->server->room, &config);
    sim_server_touch(c->server);
    run_for(c, 10 * SECOND_US);
    hub_clip_stop(c->server->hub, netsim_now_us(c->sim), &c->server->room, &config.clip);
    sim_server_touch(c->server);
    run_for(c, 4 * SECOND_US);
    assert_true(c->recorder.closed_us > 0 && c->recorder.error == 0);
    struct vault *plain = NULL;
    assert_int_equal(webm_each(plain, scratch_path(&c->scratch, "clip.webm"), note, c), 0);
    assert_true(c->pictures > 120);
}

static const struct {
    uint64_t up_ms, down_ms;
} paths[] = {{20, 20},  {100, 100}, {250, 250}, {20, 100},
             {100, 20}, {250, 170}, {20, 250},  {250, 20}};

/** True to 50 ms where the ways differ by no more than 80 ms; else off by half of what they differ. */
static void test_times_are_true(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        struct call c;
        int64_t skew_ms = ((int64_t)paths[i].up_ms - (int64_t)paths[i].down_ms) / 2;
        open_call(&c, paths[i].up_ms * 1000, paths[i].down_ms * 1000);
        record(&c);
        print_message("%3llu ms up, %3llu ms down: times are off by %lld to %lld ms\n",
                      (unsigned long long)paths[i].up_ms, (unsigned long long)paths[i].down_ms,
                      (long long)c.least_ms, (long long)c.most_ms);
        assert_true(c.least_ms >= skew_ms - 10 && c.most_ms <= skew_ms + 10);
        if (skew_ms >= -40 && skew_ms <= 40)
            assert_true(c.least_ms >= -50 && c.most_ms <= 50);
        close_call(&c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_times_are_true),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
