// SPDX-License-Identifier: Apache-2.0
/* The estimate against a bottleneck in virtual time: pictures of 30 a second and sound go through a
 * link with a rate, a queue, chance loss and jitter; the receiver reports with the real recorder. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "media/relay/bwe.h"
#include "media/relay/pacer.h"

#define MS 1000u
#define SECOND 1000000u
#define FLYING 4096
#define REPORTS 64
#define PACKET 1000u
#define FEEDBACK_US (100 * MS)

struct step {
    uint64_t until_us;
    uint32_t bps;
};

struct setup {
    const struct step *steps;
    size_t step_count;
    uint64_t delay_us;
    uint64_t jitter_us;
    bool reorder; /* jitter may change the order */
    uint32_t loss_percent;
    bool policed;        /* what does not fit is dropped, the rest not delayed */
    uint64_t queue_us;   /* longest wait; beyond it packets are dropped */
    uint32_t source_bps; /* the source sends at most this; 0: all that is estimated */
    uint32_t wanted_bps;
    uint64_t seed;
};

struct flying {
    uint16_t number;
    uint64_t at_us;
};

struct report {
    uint64_t at_us;
    size_t len;
    uint8_t bytes[1200];
};

struct world {
    const struct setup *setup;
    struct bwe *bwe;
    struct pacer pacer;
    uint64_t now_us;
    uint64_t random;
    uint64_t link_free_us;
    uint64_t last_arrival_us;
    struct flying flying[FLYING]; /* in no order */
    size_t flying_count;
    struct twcc_recorder recorder;
    struct report reports[REPORTS];
    uint32_t backlog; /* bytes of pictures that wait for the pacer */
    /* Since the last reset: */
    uint64_t delivered, sent, queue_max_us, queue_sum_us, packets, low_bps;
    uint64_t long_us; /* with a queue over 300 ms */
};

static uint64_t draw(struct world *w)
{
    w->random = w->random * 6364136223846793005u + 1442695040888963407u;
    return w->random >> 33;
}

static uint32_t link_bps(const struct world *w)
{
    for (size_t i = 0; i < w->setup->step_count; i++)
        if (w->now_us < w->setup->steps[i].until_us)
            return w->setup->steps[i].bps;
    return w->setup->steps[w->setup->step_count - 1].bps;
}

static void fly(struct world *w, uint16_t number, uint64_t at_us)
{
    assert_true(w->flying_count < FLYING);
    w->flying[w->flying_count++] = (struct flying){.number = number, .at_us = at_us};
}

static void put(struct world *w, uint32_t bytes, unsigned probe)
{
    const struct setup *s = w->setup;
    uint16_t number = bwe_send(w->bwe, w->now_us, bytes, probe);
    pacer_sent(&w->pacer, w->now_us, bytes);
    w->sent += bytes;
    if (draw(w) % 100 < s->loss_percent)
        return;
    if (w->link_free_us < w->now_us)
        w->link_free_us = w->now_us;
    uint64_t wait_us = w->link_free_us - w->now_us;
    if (s->queue_us && wait_us > s->queue_us)
        return;
    w->link_free_us += (uint64_t)bytes * 8u * SECOND / link_bps(w);
    if (wait_us > w->queue_max_us)
        w->queue_max_us = wait_us;
    w->queue_sum_us += wait_us;
    w->packets++;
    w->delivered += bytes;
    uint64_t at_us = (s->policed ? w->now_us : w->link_free_us) + s->delay_us;
    if (s->jitter_us)
        at_us += draw(w) % s->jitter_us;
    if (!s->reorder && at_us < w->last_arrival_us)
        at_us = w->last_arrival_us;
    w->last_arrival_us = at_us;
    fly(w, number, at_us);
}

static bool is_before(const struct flying *a, const struct flying *b)
{
    if (a->at_us != b->at_us)
        return a->at_us < b->at_us;
    return (int16_t)(a->number - b->number) < 0;
}

static void arrive(struct world *w)
{
    for (;;) {
        struct flying *next = NULL;
        for (struct flying *f = w->flying; f < w->flying + w->flying_count; f++)
            if (f->at_us <= w->now_us && (!next || is_before(f, next)))
                next = f;
        if (!next)
            return;
        /* The receiver's clock is not ours. */
        twcc_record(&w->recorder, next->number, next->at_us + 777777777);
        *next = w->flying[--w->flying_count];
    }
}

static void report(struct world *w)
{
    while (twcc_pending(&w->recorder)) {
        struct report *r = NULL;
        for (size_t i = 0; i < REPORTS && !r; i++)
            if (w->reports[i].len == 0)
                r = &w->reports[i];
        assert_non_null(r);
        struct wr out = wr_make(r->bytes, sizeof r->bytes);
        twcc_write(&w->recorder, &out, 1, 2);
        assert_false(out.bad);
        r->len = wr_len(&out);
        r->at_us = w->now_us + w->setup->delay_us;
        if (draw(w) % 100 < w->setup->loss_percent)
            r->len = 0;
    }
}

static void hear(struct world *w)
{
    for (size_t i = 0; i < REPORTS; i++) {
        struct report *r = &w->reports[i];
        if (r->len == 0 || r->at_us > w->now_us)
            continue;
        struct twcc_arrival arrivals[1024];
        int64_t reference_us;
        size_t count;
        struct rd in = rd_make(r->bytes, r->len);
        struct rtcp_packet packet;
        assert_int_equal(rtcp_next(&in, &packet), 0);
        assert_int_equal(twcc_parse(&packet, &reference_us, arrivals, 1024, &count), 0);
        bwe_feedback(w->bwe, w->now_us, arrivals, count);
        r->len = 0;
    }
}

/** A picture of its share of the estimate, less what sound takes; more or less large by chance. */
static void make_picture(struct world *w)
{
    uint32_t bps = bwe_bps(w->bwe);
    if (w->setup->source_bps && bps > w->setup->source_bps)
        bps = w->setup->source_bps;
    uint32_t bytes = bps / 8u / 30u;
    w->backlog += bytes * (uint32_t)(80 + draw(w) % 41) / 100u;
    if (w->backlog > bps / 8u)
        w->backlog = bps / 8u;
}

static void send_due(struct world *w)
{
    struct bwe_probe probe;
    pacer_set_rate(&w->pacer, w->now_us, bwe_bps(w->bwe) / 10 * 25);
    while (w->backlog > 0 && pacer_may_send(&w->pacer, w->now_us)) {
        uint32_t bytes = w->backlog < PACKET ? w->backlog : PACKET;
        w->backlog -= bytes;
        put(w, bytes + 60, 0);
    }
    while (bwe_probe(w->bwe, w->now_us, &probe))
        put(w, probe.bytes, probe.id);
}

static void run(struct world *w, uint64_t until_us)
{
    for (; w->now_us < until_us; w->now_us += MS) {
        uint64_t ms = w->now_us / MS;
        arrive(w);
        if (w->now_us % FEEDBACK_US == 0)
            report(w);
        hear(w);
        if (ms % 33 == 0)
            make_picture(w);
        if (ms % 20 == 0)
            put(w, 120, 0);
        send_due(w);
        uint32_t bps = bwe_bps(w->bwe);
        if (w->link_free_us > w->now_us + 300 * MS)
            w->long_us += MS;
        if (bps < w->low_bps)
            w->low_bps = bps;
    }
}

static void reset(struct world *w)
{
    w->delivered = w->sent = w->queue_max_us = w->queue_sum_us = w->packets = w->long_us = 0;
    w->low_bps = UINT64_MAX;
}

static struct world *world_new(const struct setup *setup)
{
    struct world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    struct bwe_config config = {
        .start_bps = 1000000, .min_bps = 50000, .max_bps = 20000000, .twcc = true};
    w->setup = setup;
    w->now_us = SECOND;
    w->random = setup->seed * 7919 + 12345;
    pacer_set_burst(&w->pacer, 5 * MS);
    assert_int_equal(bwe_new(&w->bwe, &config, w->now_us), 0);
    if (setup->wanted_bps)
        bwe_set_wanted(w->bwe, setup->wanted_bps);
    reset(w);
    return w;
}

static void world_free(struct world *w)
{
    bwe_free(w->bwe);
    free(w);
}

static double used(const struct world *w, uint64_t us, uint32_t bps)
{
    return (double)w->delivered * 8e6 / (double)us / bps;
}

static const struct step one_two_half_one[] = {
    {41 * SECOND, 1000000}, {61 * SECOND, 2500000}, {81 * SECOND, 600000}, {101 * SECOND, 1000000}};

/** Each stretch, once settled: how much is used and how long the queue is. */
static void follow_steps(const struct setup *setup, double used_min, uint64_t queue_max_us)
{
    struct world *w = world_new(setup);
    uint32_t before = 0;
    for (size_t i = 0; i < setup->step_count; i++) {
        const struct step *s = &setup->steps[i];
        uint64_t began_us = w->now_us;
        uint64_t settle_us = s->bps < before ? 5 * SECOND : 10 * SECOND;
        reset(w);
        run(w, began_us + settle_us);
        uint64_t long_us = w->long_us;
        reset(w);
        run(w, s->until_us);
        double share = used(w, s->until_us - began_us - settle_us, s->bps);
        print_message("loss %2u%% jitter %3u ms, %.1f Mbit/s: %u ms over 300 ms while settling; "
                      "then %3.0f%% used, queue %u ms\n",
                      setup->loss_percent, (unsigned)(setup->jitter_us / MS), s->bps / 1e6,
                      (unsigned)(long_us / MS), share * 100, (unsigned)(w->queue_max_us / MS));
        assert_true(share >= used_min);
        assert_true(w->queue_max_us < queue_max_us);
        assert_true(long_us < 3500 * MS);
        before = s->bps;
    }
    world_free(w);
}

static struct setup steps(uint32_t loss_percent, uint64_t jitter_us)
{
    return (struct setup){.steps = one_two_half_one,
                          .step_count = 4,
                          .delay_us = 20 * MS,
                          .jitter_us = jitter_us,
                          .reorder = true,
                          .loss_percent = loss_percent,
                          .queue_us = SECOND,
                          .wanted_bps = 3000000};
}

static void follows_the_link(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        struct setup setup = steps(0, 0);
        setup.seed = seed;
        follow_steps(&setup, 0.85, 250 * MS);
    }
    struct setup far = steps(0, 0);
    far.delay_us = 100 * MS;
    follow_steps(&far, 0.8, 300 * MS);
    struct setup shallow = steps(0, 0);
    shallow.queue_us = 60 * MS;
    follow_steps(&shallow, 0.8, 100 * MS);
}

static void follows_it_through_chance_loss(void **state)
{
    (void)state;
    for (uint32_t loss = 2; loss <= 10; loss += 4) {
        struct setup setup = steps(loss, 0);
        follow_steps(&setup, 0.75, 300 * MS);
    }
}

static void follows_it_through_jitter(void **state)
{
    (void)state;
    for (uint64_t jitter_ms = 10; jitter_ms <= 90; jitter_ms += 20) {
        struct setup setup = steps(0, jitter_ms * MS);
        follow_steps(&setup, 0.75, 300 * MS);
        setup.loss_percent = 5;
        follow_steps(&setup, 0.6, 450 * MS);
    }
}

/** One stretch of a link that does not change. */
static struct world *through(struct setup *setup, struct step *link, uint32_t bps, uint64_t us)
{
    *link = (struct step){UINT64_MAX, bps};
    setup->steps = link;
    setup->step_count = 1;
    struct world *w = world_new(setup);
    run(w, w->now_us + us);
    reset(w);
    return w;
}

static void chance_loss_without_a_queue_does_not_bring_it_down(void **state)
{
    (void)state;
    for (uint32_t loss = 5; loss <= 30; loss += 5) {
        struct step link;
        struct setup setup = {.delay_us = 50 * MS, .loss_percent = loss, .wanted_bps = 2500000};
        struct world *w = through(&setup, &link, 10000000, 20 * SECOND);
        run(w, w->now_us + 30 * SECOND);
        print_message("loss %u%%: estimate %u, lowest %u\n", loss, bwe_bps(w->bwe),
                      (unsigned)w->low_bps);
        assert_true(w->low_bps >= (loss <= 10 ? 2000000 : 1200000));
        world_free(w);
    }
}

static void policing_is_obeyed(void **state)
{
    (void)state;
    struct step link;
    struct setup setup = {
        .delay_us = 30 * MS, .policed = true, .queue_us = 100 * MS, .wanted_bps = 4000000};
    struct world *w = through(&setup, &link, 1000000, 20 * SECOND);
    run(w, w->now_us + 40 * SECOND);
    double lost = 1 - (double)w->delivered / (double)w->sent;
    print_message("policed: %.0f%% used, %.1f%% lost\n", used(w, 40 * SECOND, 1000000) * 100,
                  lost * 100);
    assert_true(used(w, 40 * SECOND, 1000000) > 0.6);
    assert_true(lost < 0.2);
    world_free(w);
}

static void starts_fast_and_stops_at_what_is_wanted(void **state)
{
    (void)state;
    struct step link = {UINT64_MAX, 50000000};
    struct setup setup = {
        .steps = &link, .step_count = 1, .delay_us = 20 * MS, .wanted_bps = 3000000};
    struct world *w = world_new(&setup);
    run(w, w->now_us + 2 * SECOND);
    assert_in_range(bwe_bps(w->bwe), 3000000, 5000000);
    reset(w);
    struct bwe_state before, after;
    bwe_get_state(w->bwe, &before);
    run(w, w->now_us + 60 * SECOND);
    bwe_get_state(w->bwe, &after);
    assert_int_equal(after.counters.probes, before.counters.probes);
    world_free(w);
}

static void a_source_that_sends_little_keeps_what_is_known(void **state)
{
    (void)state;
    struct step link;
    struct setup setup = {
        .delay_us = 20 * MS, .queue_us = SECOND, .source_bps = 300000, .wanted_bps = 1500000};
    struct world *w = through(&setup, &link, 2000000, 15 * SECOND);
    /* Probes have found room that media never used. */
    assert_in_range(bwe_bps(w->bwe), 1400000, 2100000);
    run(w, w->now_us + 60 * SECOND);
    assert_true(w->low_bps >= 1400000);
    assert_true(w->queue_max_us < 100 * MS);
    setup.source_bps = 0;
    reset(w);
    run(w, w->now_us + 10 * SECOND);
    assert_true(used(w, 10 * SECOND, 2000000) > 0.6);
    world_free(w);
}

static void probes_cost_little(void **state)
{
    (void)state;
    struct step link;
    struct setup setup = {
        .delay_us = 20 * MS, .queue_us = SECOND, .source_bps = 200000, .wanted_bps = 4000000};
    struct world *w = through(&setup, &link, 600000, 10 * SECOND);
    run(w, w->now_us + 40 * SECOND);
    /* Sound and pictures are 250 kbit/s together. */
    print_message("beside probes: %u bit/s\n", (unsigned)(w->sent * 8 / 40));
    assert_true(w->sent * 8 / 40 < 310000);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(follows_the_link),
        cmocka_unit_test(follows_it_through_chance_loss),
        cmocka_unit_test(follows_it_through_jitter),
        cmocka_unit_test(chance_loss_without_a_queue_does_not_bring_it_down),
        cmocka_unit_test(policing_is_obeyed),
        cmocka_unit_test(starts_fast_and_stops_at_what_is_wanted),
        cmocka_unit_test(a_source_that_sends_little_keeps_what_is_known),
        cmocka_unit_test(probes_cost_little),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
