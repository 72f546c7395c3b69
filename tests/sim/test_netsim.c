// SPDX-License-Identifier: Apache-2.0
/* The virtual network itself: figures are what they say, and runs repeat. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "tests/sim/netsim.h"

#define RECEIVED_MAX 20000

struct sink {
    size_t count;
    uint64_t at_us[RECEIVED_MAX];
    uint32_t number[RECEIVED_MAX];
    struct addr from;
};

struct fixture {
    struct netsim *sim;
    struct netsim_node *a;
    struct netsim_node *b;
    struct addr a_addr;
    struct addr b_addr;
    struct sink at_b;
};

static void receive(void *ctx, uint64_t now_us, const struct addr *from, const uint8_t *data,
                    size_t len)
{
    struct sink *s = ctx;
    assert_true(s->count < RECEIVED_MAX && len >= 4);
    s->from = *from;
    s->at_us[s->count] = now_us;
    memcpy(&s->number[s->count++], data, 4);
}

static struct fixture *open_sim(uint64_t seed, const struct netsim_link *up,
                                const struct netsim_link *down)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_int_equal(addr_parse_ip("10.0.0.1", 1000, &f->a_addr), 0);
    assert_int_equal(addr_parse_ip("10.0.0.2", 2000, &f->b_addr), 0);
    assert_int_equal(netsim_new(&f->sim, seed, 1000), 0);
    assert_int_equal(netsim_add_node(f->sim, &f->a_addr, up, NULL, receive, f, &f->a), 0);
    assert_int_equal(netsim_add_node(f->sim, &f->b_addr, NULL, down, receive, &f->at_b, &f->b), 0);
    return f;
}

static void close_sim(struct fixture *f)
{
    netsim_free(f->sim);
    free(f);
}

/* `count` numbered datagrams of `len` bytes, one every `every_us`. */
static void send_numbered(struct fixture *f, uint32_t count, uint64_t every_us, size_t len)
{
    uint8_t bytes[1500] = {0};
    for (uint32_t i = 0; i < count; i++) {
        memcpy(bytes, &i, 4);
        netsim_send(f->a, &f->b_addr, bytes, len);
        netsim_run_until(f->sim, netsim_now_us(f->sim) + every_us);
    }
}

static void test_delay_and_order(void **state)
{
    (void)state;
    struct netsim_link up = {.delay_us = 3000}, down = {.delay_us = 2000};
    struct fixture *f = open_sim(1, &up, &down);
    send_numbered(f, 100, 0, 100);
    assert_int_equal(f->at_b.count, 0);
    netsim_run_until(f->sim, 1000 + 4999);
    assert_int_equal(f->at_b.count, 0);
    netsim_run_until(f->sim, 10000);
    assert_int_equal(f->at_b.count, 100);
    assert_true(f->at_b.at_us[0] == 1000 + 5000);
    for (uint32_t i = 0; i < 100; i++)
        assert_int_equal(f->at_b.number[i], i);
    assert_true(addr_equal(&f->at_b.from, &f->a_addr));
    assert_true(netsim_now_us(f->sim) == 10000);
    close_sim(f);
}

static void test_loss_and_duplicates(void **state)
{
    (void)state;
    struct netsim_link up = {.loss_ppm = 100000}, down = {.duplicate_ppm = 50000};
    struct fixture *f = open_sim(2, &up, &down);
    send_numbered(f, 10000, 100, 100);
    netsim_run_until(f->sim, netsim_now_us(f->sim) + 10000);
    const struct netsim_stats *s = netsim_node_stats(f->a);
    assert_int_equal(s->sent, 10000);
    assert_in_range(s->lost, 850, 1150);
    size_t twice = f->at_b.count - (10000 - s->lost);
    assert_in_range(twice, 370, 530);
    close_sim(f);
}

static void test_reorder_and_jitter(void **state)
{
    (void)state;
    struct netsim_link held = {.delay_us = 1000, .reorder_ppm = 100000, .reorder_us = 5000};
    struct netsim_link shaky = {.delay_us = 1000, .jitter_us = 5000};
    const struct netsim_link *links[] = {&held, &shaky};
    for (int k = 0; k < 2; k++) {
        struct fixture *f = open_sim(3, links[k], NULL);
        send_numbered(f, 1000, 1000, 100);
        netsim_run_until(f->sim, netsim_now_us(f->sim) + 10000);
        assert_int_equal(f->at_b.count, 1000);
        size_t overtaken = 0;
        for (size_t i = 1; i < 1000; i++)
            overtaken += f->at_b.number[i] < f->at_b.number[i - 1];
        assert_true(overtaken > 50 && overtaken < 600);
        close_sim(f);
    }
}

static void test_rate_and_queue(void **state)
{
    (void)state;
    /* 1,000 bytes at 1 Mbit/s take 8 ms each. */
    struct netsim_link up = {.rate_bps = 1000000, .queue_us = 40000};
    struct fixture *f = open_sim(4, &up, NULL);
    send_numbered(f, 100, 0, 1000);
    netsim_run_until(f->sim, 1000000);
    assert_in_range(f->at_b.count, 6, 7);
    for (size_t i = 1; i < f->at_b.count; i++)
        assert_true(f->at_b.at_us[i] - f->at_b.at_us[i - 1] == 8000);
    close_sim(f);
}

static void test_bursts(void **state)
{
    (void)state;
    for (uint32_t mean = 1; mean <= 8; mean += mean == 1 ? 2 : 5) {
        struct netsim_link up = {.loss_ppm = 100000, .loss_burst = mean};
        struct fixture *f = open_sim(9, &up, NULL);
        send_numbered(f, 20000, 100, 100);
        netsim_run_until(f->sim, netsim_now_us(f->sim) + 10000);
        size_t lost = 20000 - f->at_b.count;
        size_t runs = 0;
        for (size_t i = 1; i < f->at_b.count; i++)
            runs += f->at_b.number[i] != f->at_b.number[i - 1] + 1;
        assert_in_range(lost, 1700, 2300);
        /* Lost singly, a run of losses is 1 / (1 - 10%) long by chance. */
        double length = (double)lost / (double)runs;
        double wished = mean == 1 ? 1.11 : mean;
        assert_true(length > wished * 0.85 && length < wished * 1.15);
        close_sim(f);
    }
}

static void test_jitter_in_order(void **state)
{
    (void)state;
    struct netsim_link up = {.delay_us = 1000, .jitter_us = 30000, .jitter_in_order = true};
    struct fixture *f = open_sim(10, &up, NULL);
    send_numbered(f, 1000, 5000, 100);
    netsim_run_until(f->sim, netsim_now_us(f->sim) + 100000);
    assert_int_equal(f->at_b.count, 1000);
    uint64_t worst_us = 0;
    for (size_t i = 0; i < 1000; i++) {
        uint64_t took_us = f->at_b.at_us[i] - (1000 + i * 5000);
        assert_int_equal(f->at_b.number[i], i);
        worst_us = took_us > worst_us ? took_us : worst_us;
    }
    assert_in_range(worst_us, 25000, 31100);
    close_sim(f);
}

static void test_queue_of_packets(void **state)
{
    (void)state;
    /* 8 ms each: ten wait, and the one that is on its way counts. */
    struct netsim_link up = {.rate_bps = 1000000, .queue_packets = 10};
    struct fixture *f = open_sim(11, &up, NULL);
    send_numbered(f, 100, 0, 1000);
    netsim_run_until(f->sim, 1000000);
    assert_int_equal(f->at_b.count, 10);
    const struct netsim_queue *q = netsim_node_queue(f->a, true);
    assert_int_equal(q->datagrams, 10);
    assert_int_equal(q->dropped, 90);
    assert_int_equal(q->worst_us, 72000);
    assert_in_range(netsim_queue_wait_us(q, 50), 25000, 50000);
    assert_int_equal(netsim_queue_wait_us(q, 100), 75000);
    up.rate_bps = 2000000;
    netsim_set_links(f->a, &up, NULL);
    netsim_queue_clear(f->a);
    send_numbered(f, 5, 0, 1000);
    netsim_run_until(f->sim, 2000000);
    assert_int_equal(f->at_b.at_us[14] - f->at_b.at_us[13], 4000);
    close_sim(f);
}

static void test_rebinding(void **state)
{
    (void)state;
    struct netsim_link link = {.delay_us = 5000};
    struct fixture *f = open_sim(5, &link, NULL);
    struct addr other;
    uint8_t bytes[4] = {0};
    assert_int_equal(addr_parse_ip("10.0.0.9", 9, &other), 0);
    assert_int_equal(netsim_rebind(f->a, &f->b_addr), ER_CONFLICT);
    netsim_set_links(f->a, NULL, &link);
    netsim_send(f->b, &f->a_addr, bytes, 4); /* arrives too late for the old address */
    netsim_run_until(f->sim, 2000);
    assert_int_equal(netsim_rebind(f->a, &other), 0);
    netsim_send(f->a, &f->b_addr, bytes, 4);
    netsim_send(f->b, &f->a_addr, bytes, 4);
    netsim_run_until(f->sim, 100000);
    assert_int_equal(f->at_b.count, 1);
    assert_true(addr_equal(&f->at_b.from, &other));
    assert_int_equal(netsim_node_stats(f->b)->lost, 2);
    assert_int_equal(netsim_node_stats(f->a)->received, 0);
    netsim_silence(f->b);
    netsim_send(f->a, &f->b_addr, bytes, 4);
    netsim_run_until(f->sim, 200000);
    assert_int_equal(f->at_b.count, 1);
    assert_int_equal(netsim_node_stats(f->a)->lost, 1);
    close_sim(f);
}

static void note_time(void *ctx, uint64_t now_us)
{
    *(uint64_t *)ctx = now_us;
}

static void test_timers(void **state)
{
    (void)state;
    struct fixture *f = open_sim(6, NULL, NULL);
    uint64_t seen_us = 0;
    struct netsim_timer t = {.fn = note_time, .ctx = &seen_us};
    netsim_timer_set(f->sim, &t, 5000);
    netsim_timer_set(f->sim, &t, 7000);
    netsim_run_until(f->sim, 6000);
    assert_true(seen_us == 0);
    netsim_run_until(f->sim, 8000);
    assert_true(seen_us == 7000);
    netsim_timer_set(f->sim, &t, 9000);
    netsim_timer_set(f->sim, &t, HEAP_NEVER);
    assert_false(netsim_step(f->sim));
    netsim_timer_set(f->sim, &t, 1);
    assert_true(netsim_step(f->sim));
    assert_true(seen_us == 8000); /* never backwards */
    close_sim(f);
}

static uint64_t hash_of(uint64_t seed, size_t len, uint8_t first)
{
    struct netsim_link up = {.delay_us = 1000, .jitter_us = 9000, .loss_ppm = 200000};
    struct fixture *f = open_sim(seed, &up, NULL);
    uint8_t bytes[1500] = {first};
    for (int i = 0; i < 200; i++) {
        netsim_send(f->a, &f->b_addr, bytes, len);
        netsim_run_until(f->sim, netsim_now_us(f->sim) + 500);
    }
    uint64_t hash = netsim_trace_hash(f->sim);
    close_sim(f); /* with datagrams in flight */
    return hash;
}

static void test_trace_repeats(void **state)
{
    (void)state;
    assert_true(hash_of(7, 100, 0x80) == hash_of(7, 100, 0x80));
    assert_true(hash_of(7, 100, 0x80) != hash_of(8, 100, 0x80));
    assert_true(hash_of(7, 100, 0x80) != hash_of(7, 101, 0x80));
    assert_true(hash_of(7, 100, 22) == hash_of(7, 101, 22)); /* DTLS lengths vary by themselves */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_delay_and_order),    cmocka_unit_test(test_loss_and_duplicates),
        cmocka_unit_test(test_reorder_and_jitter), cmocka_unit_test(test_rate_and_queue),
        cmocka_unit_test(test_rebinding),          cmocka_unit_test(test_timers),
        cmocka_unit_test(test_trace_repeats),      cmocka_unit_test(test_bursts),
        cmocka_unit_test(test_jitter_in_order),    cmocka_unit_test(test_queue_of_packets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
