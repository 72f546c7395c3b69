// SPDX-License-Identifier: Apache-2.0
/* What is missing, counted: pictures by their ids, or by the time between them. */
#include "media/record/ledger.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "media/record/journal.h"
#include "tests/unit/support/scratch.h"

enum { PERIOD = 3000 };

struct fixture {
    struct scratch scratch;
    struct ledger *ledger;
    int64_t seq;
    unsigned bits; /* of PictureIDs; 0: none */
    uint64_t last_ms;
    bool gap;
};

static int setup(void **state)
{
    static struct fixture f;
    f = (struct fixture){.seq = 100};
    scratch_make(&f.scratch);
    *state = &f;
    return ledger_new(&f.ledger, NULL, scratch_path(&f.scratch, "a"), 1, "ann");
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    ledger_free(f->ledger);
    scratch_remove(&f->scratch);
    return 0;
}

/** Packet of picture number `n`, the only one it has. */
static void packet(struct fixture *f, unsigned n)
{
    _Alignas(struct tape_packet) uint8_t room[sizeof(struct tape_packet) + 4] = {0};
    struct tape_packet *p = (struct tape_packet *)room;
    p->seq = f->seq++;
    p->timestamp = 1 + (int64_t)n * PERIOD;
    p->payload_len = 4;
    p->payload[2] = f->bits == 15 ? 0x80 : 0;
    p->flags = f->bits ? TAPE_HAS_PICTURE_ID : 0;
    p->picture_id = (uint16_t)(n & ((1u << f->bits) - 1));
    assert_int_equal(ledger_packet(f->ledger, p, f->last_ms), 0);
}

/** Picture number `n` came and was written. */
static void picture(struct fixture *f, unsigned n)
{
    packet(f, n);
    const struct depack_frame frame = {.data = (const uint8_t *)"x",
                                       .len = 1,
                                       .format = FORMAT_VP8,
                                       .timestamp = 1 + (int64_t)n * PERIOD,
                                       .key = f->gap,
                                       .after_gap = f->gap,
                                       .width = 4,
                                       .height = 2};
    uint64_t at_ms = n * 33;
    assert_int_equal(ledger_picture(f->ledger, &frame, NULL, at_ms, 7, f->last_ms), 0);
    f->last_ms = at_ms;
    f->gap = false;
}

static void lose(struct fixture *f, uint32_t packets)
{
    ledger_gap(f->ledger, packets);
    f->seq += packets;
    f->gap = true;
}

/** The gaps and marks in the log, one behind the other. */
static const char *told(struct fixture *f)
{
    static char text[1000];
    assert_int_equal(ledger_end(f->ledger, 999, 0, 1), ER_CONFLICT);
    ledger_free(f->ledger);
    f->ledger = NULL;
    size_t len, at = 0;
    char *log = (char *)scratch_read(&f->scratch, "a.framelog", &len);
    struct framelog_reader reader = framelog_read((struct span){.at = log, .len = len});
    struct framelog_record r;
    text[0] = '\0';
    while (framelog_next(&reader, &r) == 0) {
        if (r.type == FRAMELOG_GAP)
            at += (size_t)snprintf(text + at, sizeof text - at, "gap %u %u %u %u;",
                                   (unsigned)r.at_ms, (unsigned)r.to_ms, (unsigned)r.packets,
                                   (unsigned)r.frames);
        if (r.type == FRAMELOG_VOICE_GAP)
            at += (size_t)snprintf(text + at, sizeof text - at, "voice_gap %u %u %u %u;",
                                   (unsigned)r.track, (unsigned)r.at_ms, (unsigned)r.to_ms,
                                   (unsigned)r.packets);
        if (r.type == FRAMELOG_MARK)
            at += (size_t)snprintf(text + at, sizeof text - at, "%s%s;", framelog_mark_name(r.mark),
                                   r.text);
    }
    free(log);
    return text;
}

static void lose_some(struct fixture *f, unsigned count)
{
    for (unsigned n = 0; n < 100; n++)
        picture(f, n);
    lose(f, count);
    packet(f, 100 + count); /* came, but is of no use without a key frame */
    picture(f, 101 + count);
    for (unsigned n = 102 + count; n < 150 + count; n++)
        picture(f, n);
}

static void test_counts_by_long_ids(void **state)
{
    struct fixture *f = *state;
    f->bits = 15;
    lose_some(f, 12);
    assert_string_equal(told(f), "gap 3267 3729 12 13;size4x2;");
}

static void test_counts_beyond_short_ids(void **state)
{
    struct fixture *f = *state;
    f->bits = 7;
    lose_some(f, 300);
    assert_string_equal(told(f), "gap 3267 13233 300 301;size4x2;");
}

static void test_counts_by_time(void **state)
{
    struct fixture *f = *state;
    lose_some(f, 40);
    assert_string_equal(told(f), "gap 3267 4653 40 41;size4x2;");
}

static void test_counts_at_the_end(void **state)
{
    struct fixture *f = *state;
    f->bits = 15;
    for (unsigned n = 0; n < 10; n++)
        picture(f, n);
    lose(f, 3);
    packet(f, 13);
    packet(f, 14);
    assert_int_equal(ledger_gap_at_end(f->ledger, f->last_ms, 500), 0);
    assert_string_equal(told(f), "gap 297 500 3 5;");
}

static void test_another_track_cannot_be_counted(void **state)
{
    struct fixture *f = *state;
    f->bits = 15;
    for (unsigned n = 0; n < 10; n++)
        picture(f, n);
    ledger_gap(f->ledger, 0);
    f->gap = true;
    f->seq = 9000;
    picture(f, 20);
    assert_string_equal(told(f), "gap 297 660 0 0;size4x2;");
}

static void test_tells_what_it_was_too_slow_for(void **state)
{
    struct fixture *f = *state;
    f->bits = 15;
    picture(f, 0);
    f->seq += 5; /* nobody said that these are missing */
    packet(f, 3);
    f->gap = true;
    picture(f, 4);
    assert_string_equal(told(f), "overrun;gap 0 132 5 3;size4x2;");
}

static void speak(struct fixture *f, uint64_t source, int64_t seq, int64_t at_ms)
{
    _Alignas(struct tape_packet) uint8_t room[sizeof(struct tape_packet) + 4] = {0};
    struct tape_packet *p = (struct tape_packet *)room;
    p->seq = seq;
    p->timestamp = seq * 960;
    p->payload_len = 2;
    p->payload[0] = 0x78; /* 20 ms */
    assert_int_equal(ledger_sound(f->ledger, source, p, at_ms * 1000, 9), 0);
}

static void test_voices(void **state)
{
    struct fixture *f = *state;
    speak(f, 5, 10, -20); /* before the clip */
    speak(f, 5, 11, 0);
    speak(f, 5, 12, 20);
    speak(f, 6, 1, 30);
    speak(f, 5, 15, 80); /* two are missing */
    ledger_voice_end(f->ledger, 6);
    speak(f, 6, 50, 90); /* came back: nothing is missing */
    speak(f, 6, 51, 89); /* times rise all the same */
    assert_int_equal(ledger_close(f->ledger), 0);
    assert_string_equal(told(f), "voice_gap 16 40 80 2;");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_counts_by_long_ids),
        TEST(test_counts_beyond_short_ids),
        TEST(test_counts_by_time),
        TEST(test_counts_at_the_end),
        TEST(test_another_track_cannot_be_counted),
        TEST(test_tells_what_it_was_too_slow_for),
        TEST(test_voices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
