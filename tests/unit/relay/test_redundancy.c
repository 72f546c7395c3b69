// SPDX-License-Identifier: Apache-2.0
/* Redundant sound: what is had back from it, and what is made of it for viewers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "media/relay/redundancy.h"
#include "tests/unit/support/fake_relay.h"

#define FIRST (65536 + 100)
#define OPUS 111
#define TICKS 960 /* 20 ms */

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

/** A packet of redundant sound; `earlier` packets before it are in it. Payloads tell the number. */
static int put(struct fake_relay *f, struct track *t, unsigned n, unsigned earlier)
{
    uint8_t buf[64], opus[4][2];
    struct red_block blocks[4];
    for (unsigned i = 0; i <= earlier; i++) {
        unsigned back = earlier - i;
        opus[i][0] = 0xf8;
        opus[i][1] = (uint8_t)(n - back);
        blocks[i] = (struct red_block){
            .payload_type = OPUS, .age = (uint16_t)(back * TICKS), .at = opus[i], .len = 2};
    }
    int len = red_write(buf, sizeof buf, blocks, earlier + 1);
    assert_true(len > 0);
    const struct rtp_packet packet = {.seq = (uint16_t)(100 + n),
                                      .timestamp = 48000 + n * TICKS,
                                      .payload = buf,
                                      .payload_len = (size_t)len};
    const struct track_extras extras = {.has_audio_level = true, .audio_level = 30};
    return redundancy_receive(t->encodings[0], f->now_us, &packet, OPUS, &extras);
}

static const struct tape_packet *packet(const struct track *t, unsigned n)
{
    return tape_find(t->encodings[0]->tape, FIRST + n);
}

static void plain_sound_lies_on_the_tape(void **state)
{
    struct fake_relay *f = *state;
    struct track *t = fake_track(f, "ann", 1, CODEC_OPUS);
    assert_int_equal(put(f, t, 0, 0), 0);
    assert_int_equal(put(f, t, 1, 1), 0);
    const struct tape_packet *p = packet(t, 1);
    assert_int_equal(p->payload_len, 2);
    assert_memory_equal(p->payload, "\xf8\x01", 2);
    assert_int_equal(p->codec, CODEC_OPUS);
    assert_int_equal(p->flags, TAPE_HAS_AUDIO_LEVEL);
    assert_int_equal(t->counters.recovered, 0);
    assert_int_equal(t->encodings[0]->packets, 2);
    assert_int_equal(put(f, t, 1, 1), ER_STALE);
}

static void lost_packets_are_had_back(void **state)
{
    struct fake_relay *f = *state;
    struct track *t = fake_track(f, "ann", 1, CODEC_OPUS);
    struct slot *s = fake_slot(f, 1, "me", MEDIA_AUDIO, SLOT_PICK_OTHERS, NULL);
    assert_int_equal(put(f, t, 0, 0), 0);
    assert_int_equal(put(f, t, 3, 2), 0);
    const struct tape_packet *p = packet(t, 2);
    assert_non_null(p);
    assert_memory_equal(p->payload, "\xf8\x02", 2);
    assert_int_equal(p->flags, TAPE_RECOVERED);
    assert_true(packet(t, 3)->timestamp - p->timestamp == TICKS);
    assert_memory_equal(packet(t, 1)->payload, "\xf8\x01", 2);
    assert_int_equal(t->counters.recovered, 2);
    assert_int_equal(fake_sent_to(f, s), 4);
    /* what comes after all is a duplicate; what nobody could know is not made up */
    assert_int_equal(put(f, t, 2, 0), ER_STALE);
    assert_int_equal(put(f, t, 6, 1), 0);
    assert_null(packet(t, 4));
    assert_non_null(packet(t, 5));
    assert_int_equal(t->encodings[0]->reception.received, 3); /* losses stay losses */
}

static void nothing_before_the_beginning(void **state)
{
    struct fake_relay *f = *state;
    struct track *t = fake_track(f, "ann", 1, CODEC_OPUS);
    assert_int_equal(put(f, t, 5, 2), 0);
    assert_null(packet(t, 4));
}

/** Some leave packets out: here every second one, so that what looks like 2 is 1. */
static void redundancy_with_holes_is_not_mistaken(void **state)
{
    struct fake_relay *f = *state;
    struct track *t = fake_track(f, "ann", 1, CODEC_OPUS);
    assert_int_equal(put(f, t, 0, 0), 0);
    assert_int_equal(put(f, t, 1, 0), 0);
    const struct red_block blocks[] = {
        {.payload_type = OPUS, .age = 2 * TICKS, .at = (const uint8_t *)"\xf8\x01", .len = 2},
        {.payload_type = OPUS, .at = (const uint8_t *)"\xf8\x03", .len = 2}};
    uint8_t buf[64];
    int len = red_write(buf, sizeof buf, blocks, 2);
    const struct rtp_packet p = {
        .seq = 103, .timestamp = 48000 + 3 * TICKS, .payload = buf, .payload_len = (size_t)len};
    const struct track_extras extras = {0};
    assert_int_equal(redundancy_receive(t->encodings[0], f->now_us, &p, OPUS, &extras), 0);
    assert_null(packet(t, 2));
}

static void damage_is_refused(void **state)
{
    struct fake_relay *f = *state;
    struct track *t = fake_track(f, "ann", 1, CODEC_OPUS);
    const struct track_extras extras = {0};
    struct rtp_packet p = {
        .seq = 100, .payload = (const uint8_t *)"\xef\x00\x00", .payload_len = 3};
    assert_int_equal(redundancy_receive(t->encodings[0], f->now_us, &p, OPUS, &extras),
                     ER_MALFORMED);
    p.payload = (const uint8_t *)"\x09\xf8\x01"; /* of another payload type */
    assert_int_equal(redundancy_receive(t->encodings[0], f->now_us, &p, OPUS, &extras),
                     ER_MALFORMED);
    p.payload_len = 0; /* padding */
    assert_int_equal(redundancy_receive(t->encodings[0], f->now_us, &p, OPUS, &extras), 0);
}

static void made_from_the_tape(void **state)
{
    struct fake_relay *f = *state;
    struct track *t = fake_track(f, "ann", 1, CODEC_OPUS);
    const struct tape *tape = t->encodings[0]->tape;
    for (unsigned n = 0; n < 4; n++)
        assert_int_equal(put(f, t, n, 0), 0);
    struct red_block blocks[RED_BLOCKS];
    assert_int_equal(redundancy_blocks(tape, packet(t, 3), 2, 1000, blocks), 3);
    assert_true(blocks[0].age == 2 * TICKS && blocks[1].age == TICKS && blocks[2].age == 0);
    assert_memory_equal(blocks[0].at, "\xf8\x01", 2);
    assert_memory_equal(blocks[2].at, "\xf8\x03", 2);
    assert_int_equal(redundancy_blocks(tape, packet(t, 3), 2, 5, blocks), 2); /* no room for two */
    assert_int_equal(redundancy_blocks(tape, packet(t, 3), 2, 1, blocks), 1);
    assert_int_equal(redundancy_blocks(tape, packet(t, 0), 2, 1000, blocks), 1);
    /* behind a hole there is none, nor behind a long pause */
    assert_int_equal(put(f, t, 5, 0), 0);
    assert_int_equal(redundancy_blocks(tape, packet(t, 5), 2, 1000, blocks), 1);
    const struct rtp_packet late = {.seq = 106,
                                    .timestamp = 48000 + 5 * TICKS + 20000,
                                    .payload = (const uint8_t *)"\xf8\x06",
                                    .payload_len = 2};
    const struct track_extras extras = {0};
    assert_int_equal(encoding_receive(t->encodings[0], f->now_us, &late, &extras, false), 0);
    assert_int_equal(redundancy_blocks(tape, packet(t, 6), 2, 1000, blocks), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_relay, close_relay)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(plain_sound_lies_on_the_tape),
        TEST(lost_packets_are_had_back),
        TEST(nothing_before_the_beginning),
        TEST(redundancy_with_holes_is_not_mistaken),
        TEST(damage_is_refused),
        TEST(made_from_the_tape),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
