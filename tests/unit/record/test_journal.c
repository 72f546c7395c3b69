// SPDX-License-Identifier: Apache-2.0
/* Frame logs as they are appended. How one is made to fit finished files is in test_complete.c. */
#include "media/record/journal.h"
#include "media/record/webm.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "media/record/voices.h"
#include "tests/unit/support/scratch.h"

static int setup(void **state)
{
    static struct scratch s;
    scratch_make(&s);
    *state = &s;
    return 0;
}

static int teardown(void **state)
{
    scratch_remove(*state);
    return 0;
}

static void add_track(struct journal *j, uint32_t track, enum framelog_track_kind kind,
                      const char *name)
{
    struct framelog_record r = {
        .type = FRAMELOG_TRACK, .track = track, .kind = kind, .codec = "opus"};
    (void)str_copy(r.text, sizeof r.text, name);
    assert_int_equal(journal_add(j, &r), 0);
}

static void test_appends(void **state)
{
    struct scratch *s = *state;
    struct journal *j;
    assert_int_equal(journal_new(&j, scratch_path(s, "log"), 5), 0);
    add_track(j, 1, FRAMELOG_VIDEO, "ann");
    add_track(j, 2, FRAMELOG_MIX, "");
    add_track(j, FRAMELOG_FIRST_VOICE, FRAMELOG_VOICE, "ann");
    for (uint64_t i = 0; i < 1000; i++) {
        uint32_t track = i % 4 == 0 ? 1 : i % 4 == 1 ? 2 : FRAMELOG_FIRST_VOICE;
        struct framelog_record r = {.track = track, .at_ms = i * 10};
        assert_int_equal(journal_add_frame(j, &r, (const uint8_t *)"abc", 3), 0);
    }
    assert_int_equal(journal_count(j, FRAMELOG_VIDEO), 250);
    assert_int_equal(journal_count(j, FRAMELOG_MIX), 250);
    assert_int_equal(journal_count(j, FRAMELOG_VOICE), 500);
    assert_int_equal(journal_end(j, 10000), 0);
    journal_free(j);
    size_t len;
    char *text = (char *)scratch_read(s, "log", &len);
    struct framelog_reader reader = framelog_read((struct span){.at = text, .len = len});
    struct framelog_record r;
    size_t frames = 0;
    static const uint8_t abc[] = {0xba, 0x78, 0x16, 0xbf}; /* FIPS 180-2, B.1 */
    while (framelog_next(&reader, &r) == 0) {
        frames += r.type == FRAMELOG_FRAME;
        if (r.type == FRAMELOG_FRAME)
            assert_memory_equal(r.sha256, abc, sizeof abc);
    }
    assert_int_equal(frames, 1000);
    assert_true(reader.ended && reader.rest.len == 0);
    free(text);
    assert_int_equal(journal_new(&j, scratch_path(s, "log"), 5), ER_CONFLICT);
}

/** What was written WEBM_CLUSTER_MS ago is with the system, so that a process that dies does not take it along. */
static void test_hands_over_in_time(void **state)
{
    struct scratch *s = *state;
    struct journal *j;
    assert_int_equal(journal_new(&j, scratch_path(s, "log"), 5), 0);
    add_track(j, 1, FRAMELOG_VIDEO, "ann");
    for (uint64_t at_ms = 0; at_ms < 3000; at_ms += 10) {
        struct framelog_record r = {.track = 1, .at_ms = at_ms};
        assert_int_equal(journal_add_frame(j, &r, (const uint8_t *)"abc", 3), 0);
        size_t len;
        char *text = (char *)scratch_read(s, "log", &len);
        struct framelog_reader reader = framelog_read((struct span){.at = text, .len = len});
        uint64_t last_ms = 0;
        while (framelog_next(&reader, &r) == 0)
            last_ms = r.at_ms;
        assert_true(last_ms + WEBM_CLUSTER_MS >= at_ms);
        free(text);
    }
    journal_free(j);
    journal_free(NULL);
}

static void test_tells_whose_voices(void **state)
{
    struct scratch *s = *state;
    struct journal *j;
    struct voices_name *names;
    size_t count;
    assert_int_equal(journal_voices(scratch_path(s, "log"), &names, &count), 0);
    assert_int_equal(count, 0);
    free(names);
    assert_int_equal(journal_new(&j, scratch_path(s, "log"), 5), 0);
    add_track(j, 1, FRAMELOG_VIDEO, "ann");
    add_track(j, 17, FRAMELOG_VOICE, "bob");
    add_track(j, 16, FRAMELOG_VOICE, "ann");
    journal_free(j);
    assert_int_equal(journal_voices(scratch_path(s, "log"), &names, &count), 0);
    assert_int_equal(count, 2);
    assert_int_equal(names[0].track, 17);
    assert_string_equal(names[0].identity, "bob");
    assert_string_equal(names[1].identity, "ann");
    free(names);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_appends),
        TEST(test_hands_over_in_time),
        TEST(test_tells_whose_voices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
