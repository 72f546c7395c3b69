// SPDX-License-Identifier: Apache-2.0
/* Recording over bad networks: what a clip has and what it says is missing, held against what was sent.
 * Every simulated picture says its number and when it was captured. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "base/str.h"
#include "media/record/webm.h"
#include "tests/sim/recorder.h"
#include "tests/sim/synthetic.h"
#include "tests/unit/support/framelog_check.h"
#include "tests/unit/support/scratch.h"

#define START_US 1000000u
#define SECOND_US 1000000u
#define LIVE_US 500000u /* 0.32 s away, somebody who watches shows what is older no more */
#define PICTURES 8192

enum { PUBLISHER = 1, VIEWER = 2 };

struct call {
    struct scratch scratch;
    char path[128];
    struct netsim *sim;
    struct dtls_identity *identity;
    struct sim_server *server;
    struct attached *publisher, *viewer;
    struct recorder recorder;
    uint64_t delay_us; /* of the path */
    struct id clip;
    /* Of the clip: the pictures in it by number, and when. */
    bool there[PICTURES];
    uint64_t at_ms[PICTURES];
    uint32_t first, last;
    size_t pictures;
};

static void enter(struct call *c, unsigned who, uint64_t seed, struct attached **ret)
{
    struct addr at;
    bool publishes = who == PUBLISHER;
    const struct netsim_link clean = {.delay_us = 20000};
    const struct browser_config config = {.name = publishes ? "ann" : "bob",
                                          .seed = seed * 10 + who,
                                          .identity = c->identity,
                                          .audio_nack = true,
                                          .width = 640,
                                          .height = 480};
    struct media_peer_config peer = {
        .peer = who, .may_publish = publishes, .may_subscribe = !publishes, .rank = publishes};
    (void)str_copy(peer.identity, sizeof peer.identity, config.name);
    assert_int_equal(addr_parse_ip(publishes ? "192.0.2.11" : "192.0.2.12", 5001, &at), 0);
    assert_int_equal(attached_new(ret, c->sim, &at, &clean, &clean, &config), 0);
    enum sdp_direction direction = publishes ? SDP_SENDONLY : SDP_RECVONLY;
    browser_add_line((*ret)->browser, MEDIA_AUDIO, direction);
    browser_add_line((*ret)->browser, MEDIA_VIDEO, direction);
    const char *why;
    assert_int_equal(sim_server_offer(c->server, &peer, *ret, &why), 0);
}

static void run_for(struct call *c, uint64_t us)
{
    netsim_run_until(c->sim, netsim_now_us(c->sim) + us);
}

/** The publisher's path is bad; the viewer lacks only what comes late, or not, by that. */
static void links(struct call *c, uint32_t loss_ppm, uint64_t delay_us)
{
    const struct netsim_link link = {
        .delay_us = delay_us, .loss_ppm = loss_ppm, .loss_burst = loss_ppm < 1000000 ? 3 : 0};
    if (delay_us > c->delay_us)
        c->delay_us = delay_us;
    netsim_set_links(c->publisher->node, &link, &link);
}

static void open_call(struct call *c, uint64_t seed)
{
    struct addr at;
    memset(c, 0, sizeof *c);
    c->delay_us = 20000;
    scratch_make(&c->scratch);
    (void)str_copy(c->path, sizeof c->path, scratch_path(&c->scratch, "clip"));
    assert_int_equal(srtp_pair_library_init(), 0);
    assert_int_equal(netsim_new(&c->sim, seed, START_US), 0);
    assert_int_equal(dtls_identity_new(&c->identity), 0);
    assert_int_equal(addr_parse_ip("192.0.2.1", 5000, &at), 0);
    assert_int_equal(sim_server_new(&c->server, c->sim, &at, seed), 0);
    recorder_attach(&c->recorder, c->server);
    enter(c, PUBLISHER, seed, &c->publisher);
    enter(c, VIEWER, seed, &c->viewer);
    run_for(c, SECOND_US);
    assert_non_null(c->viewer->browser->lines[1].receiver);
}

static void close_call(struct call *c)
{
    recorder_clear(&c->recorder);
    attached_free(c->publisher);
    attached_free(c->viewer);
    sim_server_free(c->server);
    netsim_free(c->sim);
    dtls_identity_free(c->identity);
    scratch_remove(&c->scratch);
}

static void consent(struct call *c, bool recording)
{
    hub_consent(c->server->hub, netsim_now_us(c->sim), &c->server->room, "ann", recording);
    sim_server_touch(c->server);
}

static void start(struct call *c, uint32_t preroll_ms, bool lookback)
{
    struct media_clip_config config = {
        .clip = {"0123456789abcdef0123456789"}, .preroll_ms = preroll_ms, .lookback = lookback};
    c->clip = config.clip;
    (void)str_copy(config.publisher, sizeof config.publisher, "ann");
    (void)str_copy(config.path, sizeof config.path, c->path);
    hub_clip_start(c->server->hub, netsim_now_us(c->sim), &c->server->room, &config);
    sim_server_touch(c->server);
}

static void stop(struct call *c)
{
    hub_clip_stop(c->server->hub, netsim_now_us(c->sim), &c->server->room, &c->clip);
    sim_server_touch(c->server);
}

/* The truth */

static int note_picture(void *ctx, const struct webm_frame *frame)
{
    struct call *c = ctx;
    struct synthetic what;
    if (frame->format == FORMAT_OPUS)
        return 0;
    assert_int_equal(synthetic_vp8_check(frame->data, frame->len, &what), 0);
    assert_true(what.number < PICTURES && !c->there[what.number]);
    c->there[what.number] = true;
    c->at_ms[what.number] = frame->at_ms;
    if (c->pictures++ == 0)
        c->first = what.number;
    c->last = what.number;
    int64_t late_ms = (int64_t)frame->at_ms -
                      (int64_t)(what.capture_us + SIM_UNIX_US - c->recorder.from_unix_us) / 1000;
    /* One's clock is known but for the time that packets take at least. */
    assert_true(late_ms >= -10 && late_ms <= (int64_t)c->delay_us / 1000 + 30);
    return 0;
}

/** Packets of the picture that were not handed over, among those that were. */
static size_t missing_packets(const struct call *c)
{
    const struct recorder *r = &c->recorder;
    size_t missing = 0;
    for (size_t i = 1; i < r->seen_count; i++) {
        assert_true(r->seen[i] > r->seen[i - 1]);
        missing += (size_t)(r->seen[i] - r->seen[i - 1] - 1);
    }
    return missing;
}

/** What the log says is missing is what is missing, picture by picture. */
static void check_gaps(struct call *c)
{
    size_t len, packets = 0;
    char *text = (char *)scratch_read(&c->scratch, "clip.framelog", &len);
    struct framelog_reader reader = framelog_read((struct span){.at = text, .len = len});
    struct framelog_record r;
    bool told[PICTURES] = {0};
    while (framelog_next(&reader, &r) == 0) {
        if (r.type != FRAMELOG_GAP)
            continue;
        uint32_t number = c->first, frames = 0;
        while (!(c->there[number] && c->at_ms[number] == r.at_ms))
            assert_true(number++ <= c->last);
        for (number++; number <= c->last && !c->there[number]; number++, frames++)
            told[number] = true;
        if (number <= c->last) /* else it lasts to the end of the clip */
            assert_int_equal(c->at_ms[number], r.to_ms);
        assert_int_equal(r.frames, frames);
        packets += r.packets;
    }
    free(text);
    for (uint32_t i = c->first; i <= c->last; i++)
        if (c->there[i] == told[i])
            fail_msg("picture %u is %s", i, told[i] ? "there and missing" : "neither");
    assert_int_equal(packets, missing_packets(c));
}

static struct framelog_summary check_clip(struct call *c)
{
    assert_int_equal(c->recorder.error, 0);
    assert_true(c->recorder.closed_us > 0);
    assert_int_equal(webm_each(NULL, scratch_path(&c->scratch, "clip.webm"), note_picture, c), 0);
    struct framelog_summary s = framelog_check(c->path);
    assert_int_equal(s.pictures, c->pictures);
    check_gaps(c);
    return s;
}

static size_t absent(const struct call *c)
{
    return c->last - c->first + 1 - c->pictures;
}

/** Of the pictures that the clip spans, those that the viewer did not have whole in time. */
static size_t viewer_lacks(const struct call *c)
{
    const struct receiver *r = c->viewer->browser->lines[1].receiver;
    size_t lacks = 0;
    for (uint32_t i = c->first; i <= c->last; i++) {
        const struct received_frame *f = i < r->frame_count ? &r->frames[i] : NULL;
        lacks += !f || !f->complete_us || f->complete_us > f->capture_us + LIVE_US;
    }
    return lacks;
}

/* Tests */

static void test_heals_what_viewers_lack(void **state)
{
    (void)state;
    size_t lacks = 0, missing = 0, recovered = 0;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        struct call c;
        open_call(&c, seed);
        consent(&c, true);
        run_for(&c, SECOND_US);
        links(&c, 50000, 150000);
        start(&c, 0, false);
        run_for(&c, 30 * SECOND_US);
        stop(&c);
        run_for(&c, 4 * SECOND_US);
        struct framelog_summary s = check_clip(&c);
        assert_true(c.pictures > 800);
        lacks += viewer_lacks(&c);
        missing += absent(&c);
        recovered += s.recovered;
        close_call(&c);
    }
    print_message("5%% lost: %zu pictures not whole at the viewer's, %zu in the clips (%zu of them "
                  "healed)\n",
                  lacks, missing, recovered);
    assert_true(lacks >= 20);
    assert_true(missing * 10 <= lacks);
}

/** Where more is lost than can be healed, the log tells of every picture all the same. */
static void test_truth_under_heavy_loss(void **state)
{
    (void)state;
    size_t gaps = 0;
    for (uint64_t seed = 1; seed <= 2; seed++) {
        struct call c;
        open_call(&c, seed);
        consent(&c, true);
        run_for(&c, SECOND_US);
        start(&c, 0, false);
        run_for(&c, SECOND_US);
        links(&c, 600000, 150000);
        run_for(&c, 15 * SECOND_US);
        links(&c, 0, 20000);
        run_for(&c, 5 * SECOND_US);
        stop(&c);
        run_for(&c, 4 * SECOND_US);
        struct framelog_summary s = check_clip(&c);
        print_message("60%% lost: %zu gaps, %u of %u pictures\n", s.gaps, (unsigned)s.gap_frames,
                      (unsigned)(c.last - c.first + 1));
        gaps += s.gaps;
        close_call(&c);
    }
    assert_true(gaps > 0);
}

static void test_heals_a_short_blackout(void **state)
{
    (void)state;
    struct call c;
    open_call(&c, 4);
    consent(&c, true);
    run_for(&c, SECOND_US);
    start(&c, 0, false);
    run_for(&c, 3 * SECOND_US);
    links(&c, 1000000, 20000);
    run_for(&c, SECOND_US);
    links(&c, 0, 20000);
    run_for(&c, 8 * SECOND_US);
    stop(&c);
    run_for(&c, 100000);
    struct framelog_summary s = check_clip(&c);
    assert_true(viewer_lacks(&c) >= 10);
    assert_int_equal(absent(&c), 0);
    assert_int_equal(s.gaps, 0);
    assert_int_equal(s.voice_gaps, 0);
    close_call(&c);
}

static void test_says_what_a_long_blackout_took(void **state)
{
    (void)state;
    struct call c;
    open_call(&c, 5);
    consent(&c, true);
    run_for(&c, SECOND_US);
    start(&c, 0, false);
    run_for(&c, 3 * SECOND_US);
    links(&c, 1000000, 20000);
    run_for(&c, 9 * SECOND_US);
    links(&c, 0, 20000);
    run_for(&c, 9 * SECOND_US);
    stop(&c);
    run_for(&c, 4 * SECOND_US);
    struct framelog_summary s = check_clip(&c);
    print_message("9 s of darkness: %zu gaps, %u pictures\n", s.gaps, (unsigned)s.gap_frames);
    assert_true(s.gaps >= 1);
    assert_in_range(s.gap_frames, 100, 330);
    close_call(&c);
}

static void test_waits_for_nothing_when_nothing_is_missing(void **state)
{
    (void)state;
    struct call c;
    open_call(&c, 6);
    consent(&c, true);
    run_for(&c, SECOND_US);
    start(&c, 0, false);
    run_for(&c, 3 * SECOND_US);
    uint64_t stopped_us = netsim_now_us(c.sim);
    stop(&c);
    assert_int_equal(c.recorder.closed_us, stopped_us);
    (void)check_clip(&c);
    close_call(&c);
}

/** What was, as a clip, at once. */
static void test_looks_back(void **state)
{
    (void)state;
    struct call c;
    open_call(&c, 7);
    consent(&c, true);
    run_for(&c, 100 * SECOND_US);
    uint64_t asked_us = netsim_now_us(c.sim);
    start(&c, 60000, true);
    run_for(&c, SECOND_US);
    assert_true(c.recorder.closed_us > 0 && c.recorder.closed_us - asked_us < 350000);
    assert_true(c.recorder.followed); /* nothing was mixed for it but its end */
    struct framelog_summary s = check_clip(&c);
    uint64_t from_us = c.recorder.from_unix_us - SIM_UNIX_US;
    assert_in_range(asked_us - from_us, 60 * SECOND_US,
                    60 * SECOND_US + LIMIT_LOOKBACK_KEY_US + SECOND_US);
    assert_int_equal(c.recorder.end_unix_us, asked_us + SIM_UNIX_US);
    assert_in_range(s.end_ms, (asked_us - from_us) / 1000 - 100, (asked_us - from_us) / 1000 + 40);
    assert_int_equal(absent(&c), 0);
    assert_int_equal(c.at_ms[c.first], 0);
    assert_in_range(s.pictures, 60 * 29, 76 * 30);
    assert_in_range(s.spoken, 60 * 49, 76 * 50);
    assert_int_equal(s.voice_gaps + s.gaps, 0);
    close_call(&c);
}

static void test_looks_back_over_a_bad_network(void **state)
{
    (void)state;
    struct call c;
    open_call(&c, 8);
    consent(&c, true);
    links(&c, 50000, 50000);
    run_for(&c, 40 * SECOND_US);
    start(&c, 20000, true);
    run_for(&c, SECOND_US);
    (void)check_clip(&c);
    assert_true(c.pictures >= 19 * 30);
    assert_true(absent(&c) <= 10); /* at the end at most */
    close_call(&c);
}

/** Nobody may look back to what was before the consent, nor to what was withdrawn. */
static void test_looks_back_to_the_consent_and_no_further(void **state)
{
    (void)state;
    struct call c;
    open_call(&c, 9);
    run_for(&c, 20 * SECOND_US);
    uint64_t consent_us = netsim_now_us(c.sim);
    consent(&c, true);
    run_for(&c, 10 * SECOND_US);
    start(&c, 60000, true);
    run_for(&c, SECOND_US);
    struct framelog_summary s = check_clip(&c);
    assert_true(c.recorder.from_unix_us >= consent_us + SIM_UNIX_US - 40000);
    assert_int_equal(c.recorder.early, 0);
    assert_true(s.spoken <= 12 * 50);
    scratch_remove(&c.scratch);
    scratch_make(&c.scratch);
    (void)str_copy(c.path, sizeof c.path, scratch_path(&c.scratch, "clip"));
    assert_non_null(c.recorder.standing);
    consent(&c, false);
    assert_null(c.recorder.standing); /* what was mixed of it is gone, too */
    run_for(&c, SECOND_US);
    uint64_t again_us = netsim_now_us(c.sim);
    consent(&c, true);
    assert_non_null(c.recorder.standing);
    run_for(&c, 5 * SECOND_US);
    start(&c, 60000, true);
    run_for(&c, SECOND_US);
    assert_true(c.recorder.from_unix_us >= again_us + SIM_UNIX_US - 40000);
    assert_true(c.recorder.result.duration_us <= 6 * SECOND_US);
    close_call(&c);
}

/** A clip that goes on may begin in the past. */
static void test_begins_in_the_past(void **state)
{
    (void)state;
    struct call c;
    open_call(&c, 10);
    consent(&c, true);
    run_for(&c, 40 * SECOND_US);
    uint64_t asked_us = netsim_now_us(c.sim);
    start(&c, 10000, false);
    run_for(&c, 10 * SECOND_US);
    stop(&c);
    struct framelog_summary s = check_clip(&c);
    uint64_t from_us = c.recorder.from_unix_us - SIM_UNIX_US;
    assert_in_range(asked_us - from_us, 10 * SECOND_US,
                    10 * SECOND_US + LIMIT_LOOKBACK_KEY_US + SECOND_US);
    assert_int_equal(absent(&c), 0);
    assert_int_equal(s.gaps + s.voice_gaps, 0);
    assert_in_range(s.spoken, (asked_us - from_us) / 20000 + 490,
                    (asked_us - from_us) / 20000 + 510);
    close_call(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_heals_what_viewers_lack),
        cmocka_unit_test(test_truth_under_heavy_loss),
        cmocka_unit_test(test_heals_a_short_blackout),
        cmocka_unit_test(test_says_what_a_long_blackout_took),
        cmocka_unit_test(test_looks_back),
        cmocka_unit_test(test_looks_back_over_a_bad_network),
        cmocka_unit_test(test_looks_back_to_the_consent_and_no_further),
        cmocka_unit_test(test_begins_in_the_past),
        cmocka_unit_test(test_waits_for_nothing_when_nothing_is_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
