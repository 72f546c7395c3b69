// SPDX-License-Identifier: Apache-2.0
/* Answers of several workers become one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/er.h"
#include "media/io/stats_merge.h"

static struct media_event answer(uint64_t request, size_t tracks, size_t slots, uint64_t first)
{
    struct media_event e = {.type = MEDIA_STATS, .request = request};
    e.stats = calloc(1, sizeof *e.stats);
    assert_non_null(e.stats);
    e.stats->tracks = calloc(tracks + 1, sizeof *e.stats->tracks);
    e.stats->slots = calloc(slots + 1, sizeof *e.stats->slots);
    assert_true(e.stats->tracks && e.stats->slots);
    e.stats->track_count = tracks;
    e.stats->slot_count = slots;
    for (size_t i = 0; i < tracks; i++)
        e.stats->tracks[i].track = first + i;
    for (size_t i = 0; i < slots; i++)
        e.stats->slots[i].peer = first + i;
    return e;
}

static void waits_for_all_and_joins_them(void **state)
{
    (void)state;
    struct stats_merge s;
    stats_merge_init(&s);
    assert_int_equal(stats_merge_ask(&s, 7, 3), 0);
    assert_int_equal(stats_merge_ask(&s, 8, 1), 0);
    struct media_event a = answer(7, 2, 1, 10), b = answer(7, 0, 3, 20);
    struct media_event failed = {.type = MEDIA_STATS, .request = 7, .er = ER_NOT_FOUND};
    struct media_event other = answer(8, 1, 1, 30);
    assert_false(stats_merge_answer(&s, &a));
    assert_null(a.stats);
    assert_true(stats_merge_answer(&s, &other));
    assert_int_equal(other.stats->track_count, 1);
    assert_false(stats_merge_answer(&s, &b));
    assert_true(stats_merge_answer(&s, &failed));
    assert_int_equal(failed.er, 0);
    assert_int_equal(failed.stats->track_count, 2);
    assert_int_equal(failed.stats->slot_count, 4);
    static const uint64_t peers[] = {10, 20, 21, 22};
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(failed.stats->slots[i].peer, peers[i]);
    media_room_stats_free(failed.stats);
    media_room_stats_free(other.stats);
    stats_merge_clear(&s);
}

static void failures_and_strangers(void **state)
{
    (void)state;
    struct stats_merge s;
    stats_merge_init(&s);
    struct media_event failed = {.type = MEDIA_STATS, .request = 1, .er = ER_NOT_FOUND};
    assert_true(stats_merge_answer(&s, &failed)); /* nobody asked: as it is */
    assert_int_equal(stats_merge_ask(&s, 1, 2), 0);
    stats_merge_forget(&s, 1);
    assert_true(stats_merge_answer(&s, &failed));
    assert_int_equal(failed.er, ER_NOT_FOUND);
    assert_null(failed.stats);
    assert_int_equal(stats_merge_ask(&s, 2, 2), 0);
    struct media_event half = answer(2, 1, 1, 1);
    assert_false(stats_merge_answer(&s, &half));
    stats_merge_clear(&s); /* frees the half */
    assert_true(list_empty(&s.waiting));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waits_for_all_and_joins_them),
        cmocka_unit_test(failures_and_strangers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
