// SPDX-License-Identifier: Apache-2.0
/* Dependency descriptors: structures, and what refers to them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "media/wire/dependency_descriptor.h"
#include "tests/unit/wire/dependency_write.h"

static int parse(const struct dependency_writer *w, struct dependency_structure *s,
                 struct dependency_descriptor *ret)
{
    return dependency_parse(w->bytes, dependency_len(w), s, ret);
}

static void test_structure(void **state)
{
    (void)state;
    struct dependency_structure s = {0};
    struct dependency_descriptor d;
    struct dependency_writer w;
    dependency_key_of_three_temporal(&w, 500);
    assert_int_equal(parse(&w, &s, &d), 0);
    assert_true(d.new_structure && d.frame_start && d.frame_end);
    assert_int_equal(d.frame_number, 500);
    assert_true(d.temporal_id == 0 && d.spatial_id == 0 && d.references == 0);
    assert_int_equal(s.template_count, 5);
    assert_int_equal(s.target_count, 3);
    assert_int_equal(s.chain_count, 1);
    assert_true(s.spatial_count == 1 && s.temporal_count == 3);
    assert_true(s.has_sizes && s.width[0] == 640 && s.height[0] == 360);
    assert_int_equal(s.templates[4].temporal_id, 2);
    assert_int_equal(s.templates[4].references, 2);
    assert_int_equal(s.templates[4].oldest_reference, 2);
    assert_int_equal(s.targets[1].temporal_id, 1);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(dependency_indication_of(&d, i), DEPENDENCY_SWITCH);
}

static void test_references(void **state)
{
    (void)state;
    struct dependency_structure s = {0};
    struct dependency_descriptor d;
    struct dependency_writer w;
    dependency_begin(&w, 2, 12, 7);
    assert_int_equal(parse(&w, &s, &d), ER_NOT_FOUND);
    dependency_key_of_three_temporal(&w, 500);
    assert_int_equal(parse(&w, &s, &d), 0);

    dependency_begin(&w, 2, 12, 502);
    assert_int_equal(parse(&w, &s, &d), 0);
    assert_true(d.frame_start && !d.frame_end && !d.new_structure);
    assert_true(d.temporal_id == 1 && d.oldest_reference == 2);
    assert_int_equal(dependency_indication_of(&d, 0), DEPENDENCY_ABSENT);
    assert_int_equal(dependency_indication_of(&d, 1), DEPENDENCY_DISCARDABLE);
    assert_int_equal(dependency_indication_of(&d, 2), DEPENDENCY_SWITCH);

    dependency_begin(&w, 3, 15, 503); /* no such template */
    assert_int_equal(parse(&w, &s, &d), ER_NOT_FOUND);
    dependency_begin(&w, 3, 9, 503); /* before the first */
    assert_int_equal(parse(&w, &s, &d), ER_NOT_FOUND);

    /* indications and references of its own, and which targets are active */
    dependency_begin(&w, 1, 11, 504);
    dependency_put(&w, 0x0e, 5);
    dependency_put(&w, 7, 3);
    dependency_put_indications(&w, "RRR");
    dependency_put(&w, 1 << 4 | 3, 6);
    dependency_put(&w, 2 << 8 | 0x2f, 10);
    dependency_put(&w, 0, 2);
    assert_int_equal(parse(&w, &s, &d), 0);
    assert_true(d.references == 2 && d.oldest_reference == 48);
    assert_int_equal(dependency_indication_of(&d, 2), DEPENDENCY_REQUIRED);
}

static void test_spatial(void **state)
{
    (void)state;
    struct dependency_structure s = {0};
    struct dependency_descriptor d;
    struct dependency_writer w;
    dependency_key_of_two_spatial(&w, 1);
    assert_int_equal(parse(&w, &s, &d), 0);
    assert_true(s.spatial_count == 2 && s.temporal_count == 1 && s.chain_count == 0);
    assert_true(s.width[1] == 640 && s.height[0] == 180);
    assert_true(s.targets[0].spatial_id == 0 && s.targets[1].spatial_id == 1);
    dependency_begin(&w, 3, 2, 2);
    assert_int_equal(parse(&w, &s, &d), 0);
    assert_true(d.spatial_id == 1 && d.oldest_reference == 1);
}

static void test_damage(void **state)
{
    (void)state;
    struct dependency_structure s = {0}, before;
    struct dependency_descriptor d;
    struct dependency_writer w;
    dependency_key_of_three_temporal(&w, 500);
    assert_int_equal(parse(&w, &s, &d), 0);
    before = s;
    for (size_t len = 0; len < dependency_len(&w); len++) {
        assert_true(dependency_parse(w.bytes, len, &s, &d) < 0 || len == 3);
        assert_memory_equal(&s, &before, sizeof s);
    }
    /* layers without end */
    dependency_begin(&w, 3, 0, 1);
    dependency_put(&w, 0x10, 5);
    dependency_put(&w, 0, 11);
    for (unsigned i = 0; i < 8; i++)
        dependency_put(&w, 1, 2);
    assert_int_equal(parse(&w, &s, &d), ER_MALFORMED);
    assert_memory_equal(&s, &before, sizeof s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_structure),
        cmocka_unit_test(test_references),
        cmocka_unit_test(test_spatial),
        cmocka_unit_test(test_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
