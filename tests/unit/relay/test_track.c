// SPDX-License-Identifier: Apache-2.0
/* A published track: its encodings in order of quality, which of them flow, and what layers cost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/support/fake_relay.h"

static int open_relay(void **state)
{
    *state = fake_relay_new();
    return 0;
}

static int close_relay(void **state)
{
    fake_relay_free(*state);
    return 0;
}

static void encodings_are_ordered_by_size(void **state)
{
    struct fake_relay *f = *state;
    struct track *t = fake_track(f, "ann", 1, CODEC_VP8);
    struct encoding *first = t->encodings[0];
    struct encoding *second = track_encoding(t, 1, f->now_us);
    struct encoding *third = track_encoding(t, 2, f->now_us);
    assert_ptr_equal(track_encoding(t, 1, f->now_us), second);
    assert_null(track_encoding(t, LIMIT_ENCODINGS, f->now_us));
    assert_int_equal(t->encoding_count, 3);
    assert_ptr_equal(t->encodings[2], third); /* as they were agreed, while nothing is known; */
    fake_key_of(f, first, 10, 0, 1280, 720);
    fake_key_of(f, second, 10, 0, 640, 360);
    fake_key_of(f, third, 10, 0, 320, 180);
    assert_ptr_equal(t->encodings[0], third); /* then by size */
    assert_ptr_equal(t->encodings[1], second);
    assert_ptr_equal(t->encodings[2], first);
    for (uint8_t i = 0; i < 3; i++)
        assert_int_equal(t->encodings[i]->index, i);
    assert_ptr_equal(track_best(t), first);
}

static void the_best_is_one_that_flows(void **state)
{
    struct fake_relay *f = *state;
    struct track *t = fake_track(f, "ann", 1, CODEC_VP8);
    struct encoding *low = t->encodings[0];
    struct encoding *high = track_encoding(t, 1, f->now_us);
    for (uint16_t i = 0; i < 20; i++) {
        fake_packet_of(f, low, i, i * 3000u, i ? FAKE_START : FAKE_KEY);
        if (i < 3)
            fake_packet_of(f, high, i, i * 3000u, i ? FAKE_START : FAKE_KEY);
        fake_relay_run(f, 50000);
        assert_ptr_equal(track_best(t), i < 8 ? high : low);
    }
    fake_relay_run(f, 60000000);
    assert_ptr_equal(track_best(t), low);
    fake_packet_of(f, high, 3, 100000, FAKE_START);
    for (uint16_t i = 0; i < 10; i++) { /* a picture a second, as of a screen: none has stopped */
        fake_relay_run(f, 1000000);
        fake_packet_of(f, low, (uint16_t)(20 + i), 200000 + i * 90000u, FAKE_START);
        assert_ptr_equal(track_best(t), high);
        fake_packet_of(f, high, (uint16_t)(4 + i), 200000 + i * 90000u, FAKE_START);
    }
    assert_ptr_equal(track_best(t), high);
    fake_relay_forget(f);
    track_want_key_frame(t, f->now_us);
    assert_ptr_equal(f->asked[0].encoding, high);
}

/** `bps` of an encoding for a second, every second picture of temporal layer 1. */
static void flow(struct fake_relay *f, struct track *t, const uint32_t *bps, uint16_t *seq)
{
    for (unsigned i = 0; i < 20; i++) {
        for (size_t e = 0; e < t->encoding_count; e++)
            if (bps[e])
                fake_layer_of(f, t->encodings[e], *seq, *seq * 3000u, 0, i % 2,
                              bps[e] / 8 / 20 - 30);
        ++*seq;
        fake_relay_run(f, 50000);
    }
}

static void rates_rise_with_what_they_buy(void **state)
{
    struct fake_relay *f = *state;
    struct track *t = fake_track(f, "ann", 1, CODEC_VP8);
    struct layer_rate rates[8];
    uint16_t seq = 1;
    assert_int_equal(track_layer_rates(t, f->now_us, rates, 8), 0);
    (void)track_encoding(t, 1, f->now_us);
    (void)track_encoding(t, 2, f->now_us);
    fake_key_of(f, t->encodings[0], 0, 0, 320, 180);
    fake_key_of(f, t->encodings[1], 0, 0, 640, 360);
    fake_key_of(f, t->encodings[2], 0, 0, 1280, 720);
    for (int i = 0; i < 3; i++)
        flow(f, t, (const uint32_t[]){40000, 80000, 200000}, &seq);
    assert_int_equal(track_layer_rates(t, f->now_us, rates, 8), 5);
    static const struct {
        int8_t encoding, temporal;
        uint32_t bps;
        uint16_t width;
    } want[] = {{0, 0, 20000, 320},
                {0, 1, 40000, 320},
                {1, 1, 80000, 640}, /* half of it costs no more than all of the one below */
                {2, 0, 100000, 1280},
                {2, 1, 200000, 1280}};
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(rates[i].encoding, want[i].encoding);
        assert_int_equal(rates[i].temporal, want[i].temporal);
        assert_int_equal(rates[i].spatial, 0);
        assert_in_range(rates[i].bps, want[i].bps * 8 / 10, want[i].bps * 12 / 10);
        assert_int_equal(rates[i].width, want[i].width);
    }
    assert_int_equal(track_layer_rates(t, f->now_us, rates, 2), 2);
    flow(f, t, (const uint32_t[]){40000, 80000, 0}, &seq);
    assert_int_equal(track_layer_rates(t, f->now_us, rates, 8), 3); /* one has stopped */
}

/** A spatial layer's part of a VP9 picture, in one packet. */
static void vp9_layer(struct fake_relay *f, struct encoding *e, uint16_t *seq, uint32_t timestamp,
                      uint8_t spatial, bool key)
{
    const struct track_extras none = {0};
    const uint8_t payload[] = {(uint8_t)(0xac | (key ? 0 : 0x40)), 5,
                               (uint8_t)(spatial << 1 | (spatial > 0)), 0, 0x82};
    const struct rtp_packet packet = {
        .seq = (*seq)++, .timestamp = timestamp, .payload = payload, .payload_len = sizeof payload};
    assert_int_equal(encoding_receive(e, f->now_us, &packet, &none, false), 0);
}

static void spatial_layers_come_and_go_with_key_pictures(void **state)
{
    struct fake_relay *f = *state;
    struct track *t = fake_track(f, "ann", 1, CODEC_VP9);
    struct encoding *e = t->encodings[0];
    uint16_t seq = 1;
    static const struct {
        uint8_t layers, top;
        bool key;
    } pictures[] = {{3, 2, true},  {3, 2, false}, {2, 2, false}, {2, 2, true},
                    {2, 1, false}, {1, 1, true},  {1, 0, false}, {3, 2, true}};
    assert_true(room_deadline_us(f->room) == HEAP_NEVER);
    for (uint32_t i = 0; i < sizeof pictures / sizeof pictures[0]; i++) {
        for (uint8_t s = 0; s < pictures[i].layers; s++)
            vp9_layer(f, e, &seq, 3000 + i * 3000, s, pictures[i].key);
        assert_int_equal(e->top_spatial, pictures[i].top);
    }
    fake_relay_run(f, 10000000); /* a track that is still is not looked at */
    assert_int_equal(t->timer.place, 0);
    vp9_layer(f, e, &seq, 90000, 0, false);
    assert_int_not_equal(t->timer.place, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_relay, close_relay)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(encodings_are_ordered_by_size),
        TEST(the_best_is_one_that_flows),
        TEST(rates_rise_with_what_they_buy),
        TEST(spatial_layers_come_and_go_with_key_pictures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
