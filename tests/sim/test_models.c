// SPDX-License-Identifier: Apache-2.0
/* The models of browsers that the grid relies on: what they ask for, decode, count and send. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/heap.h"
#include "tests/sim/congestion.h"
#include "tests/sim/encoder.h"
#include "tests/sim/player.h"
#include "tests/sim/voice.h"
#include "tests/sim/wants.h"

#define MS UINT64_C(1000)
#define FRAME_US 33333u

static void test_asks_at_once_and_ten_times(void **state)
{
    (void)state;
    struct wants *w = calloc(1, sizeof *w);
    uint16_t seqs[8];
    wants_see(w, 1000, 100, false);
    assert_true(wants_deadline_us(w, 1000) == HEAP_NEVER);
    wants_see(w, 2000, 102, false);
    assert_true(wants_deadline_us(w, 2000) == 2000);
    assert_int_equal(wants_collect(w, 2000, 100 * MS, seqs, 8), 1);
    assert_int_equal(seqs[0], 101);
    unsigned asked = 1;
    uint64_t last_us = 2000;
    for (uint64_t now_us; (now_us = wants_deadline_us(w, last_us)) != HEAP_NEVER && asked < 20;) {
        if (wants_collect(w, now_us, 100 * MS, seqs, 8)) {
            assert_in_range(now_us - last_us, 100 * MS, 120 * MS);
            last_us = now_us;
            asked++;
        }
    }
    assert_int_equal(asked, WANTS_TRIES);
    assert_int_equal(w->given_up, 1);
    wants_see(w, last_us, 105, false);
    wants_forget_below(w, 104);
    assert_int_equal(wants_collect(w, last_us, 100 * MS, seqs, 8), 1);
    assert_int_equal(seqs[0], 104);
    wants_see(w, last_us, 2000, false);
    assert_true(w->overflow);
    free(w);
}

static struct player_frame frame(uint32_t number, uint64_t captured_us)
{
    return (struct player_frame){.first_seq = 1000 + number,
                                 .last_seq = 1000 + number,
                                 .timestamp = (int64_t)(captured_us * 9 / 100),
                                 .what = {.stream = 7,
                                          .number = number,
                                          .capture_us = captured_us,
                                          .key = number == 0,
                                          .reference = number - 1}};
}

static void test_decodes_in_order_and_counts_freezes(void **state)
{
    (void)state;
    struct player *p = calloc(1, sizeof *p);
    for (uint32_t i = 0; i < 200; i++) {
        uint64_t captured_us = 1000000 + i * FRAME_US;
        /* The hundredth comes 700 ms late: those behind it wait. */
        uint64_t at_us = captured_us + 20 * MS + (i == 100 ? 700 * MS : 0);
        struct player_frame f = frame(i, captured_us);
        struct player_frame late = frame(100, 1000000 + 100 * FRAME_US);
        if (i != 100)
            player_frame(p, at_us, &f, false, 0);
        if (i == 121)
            player_frame(p, at_us, &late, true, 0);
    }
    assert_int_equal(p->stats.decoded, 200);
    assert_int_equal(p->stats.broken, 0);
    assert_int_equal(p->stats.freezes, 1);
    assert_int_equal(p->stats.long_freezes, 1);
    assert_in_range(p->stats.longest_us, 650 * MS, 800 * MS);
    uint64_t again_us = player_flows_from_us(p, 1000000 + 101 * FRAME_US, 100 * MS);
    assert_in_range(again_us, 1000000 + 120 * FRAME_US, 1000000 + 124 * FRAME_US);
    assert_true(player_ask_us(p) > p->progress_us + 2000 * MS);
    free(p);
}

static void test_upper_layers_are_not_waited_for(void **state)
{
    (void)state;
    struct player *p = calloc(1, sizeof *p);
    struct encoder e = {.config = {.fps = 30, .width = 640, .height = 360, .temporal_layers = 3}};
    for (uint32_t i = 0; i < 80; i++) {
        struct encoded made;
        assert_true(encoder_next(&e, 500000, false, &made));
        struct player_frame f = frame(i, 1000000 + i * FRAME_US);
        f.layered = true;
        f.picture = 5000 + i;
        f.temporal_id = made.temporal_id;
        f.tl0 = made.tl0;
        f.sync = made.sync;
        f.what.key = made.key;
        f.what.reference = made.reference;
        if (made.temporal_id == 2 && i > 20)
            continue; /* all lost */
        if (i == 60)
            continue; /* one of layer 0: nothing more can be decoded */
        player_frame(p, f.what.capture_us + 20 * MS, &f, false, 0);
    }
    /* Of 20 frames before all, of 40 then every other one, and none from the sixtieth on. */
    assert_in_range(p->stats.decoded, 20 + 19, 20 + 21);
    assert_int_equal(p->stats.broken, 0);
    free(p);
}

static double concealed(unsigned lost_every, bool redundant, unsigned late_ms)
{
    struct voice *v = calloc(1, sizeof *v);
    for (int64_t n = 1; n < 3000; n++) {
        uint64_t now_us = 1000000 + (uint64_t)n * VOICE_FRAME_US;
        while (voice_deadline_us(v) <= now_us)
            voice_expire(v, voice_deadline_us(v));
        if (late_ms && n > 50 && (n - late_ms / 20) % lost_every == 0)
            voice_packet(v, now_us, n - late_ms / 20);
        if (lost_every && n % lost_every == 0)
            continue;
        if (redundant)
            voice_redundant(v, n - 1);
        voice_packet(v, now_us, n);
    }
    double share = voice_concealed(v);
    free(v);
    return share;
}

static void test_sound_is_concealed_where_nothing_helps(void **state)
{
    (void)state;
    assert_true(concealed(0, false, 0) < 0.1);
    double alone = concealed(10, false, 0);
    assert_true(alone > 9 && alone < 11);
    assert_true(concealed(10, true, 0) < 0.5);
    assert_true(concealed(10, false, 60) < 3); /* worth waiting for */
    double too_late = concealed(100, false, 400);
    assert_true(too_late > 0.8); /* not worth it */
}

static void test_rate_follows_the_link(void **state)
{
    (void)state;
    struct congestion *c = calloc(1, sizeof *c);
    congestion_init(c, 300000, 30000, 3000000);
    uint64_t free_us = 0, worst_us = 0, now_us = 1000000;
    uint16_t number = 0;
    struct twcc_arrival arrivals[600];
    for (unsigned report = 0; report < 600; report++) { /* a minute at 1 Mbit/s, 20 ms away */
        size_t count = 0;
        uint64_t end_us = now_us + 100 * MS;
        for (; now_us < end_us && count < 600;
             now_us += 1000 * 8 * UINT64_C(1000000) / congestion_bps(c)) {
            congestion_sent(c, now_us, number, 1000);
            free_us = (free_us > now_us ? free_us : now_us) + 8 * MS;
            worst_us = report > 100 && free_us - now_us > worst_us ? free_us - now_us : worst_us;
            arrivals[count++] = (struct twcc_arrival){
                .seq = number++, .received = true, .at_us = (int64_t)(free_us + 20 * MS)};
        }
        congestion_feedback(c, now_us, arrivals, count);
        if (report > 100)
            assert_in_range(congestion_bps(c), 500000, 1400000);
    }
    assert_true(worst_us < 400 * MS);
    congestion_remb(c, 400000);
    assert_int_equal(congestion_bps(c), 400000);
    free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_asks_at_once_and_ten_times),
        cmocka_unit_test(test_decodes_in_order_and_counts_freezes),
        cmocka_unit_test(test_upper_layers_are_not_waited_for),
        cmocka_unit_test(test_sound_is_concealed_where_nothing_helps),
        cmocka_unit_test(test_rate_follows_the_link),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
