// SPDX-License-Identifier: Apache-2.0
/* Cases on a terminal: lists, and one with all that is known of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "base/str.h"
#include "server/ctl_cases.h"
#include "tests/unit/support/whole_store.h"

static char text[200000];

static int setup(void **state)
{
    static struct whole_store w;
    whole_store_make(&w);
    *state = &w;
    return 0;
}

static int teardown(void **state)
{
    whole_store_free(*state);
    return 0;
}

static int run(struct whole_store *w, struct ctl_cases args, bool show)
{
    const char *why;
    memset(text, 0, sizeof text);
    FILE *f = fmemopen(text, sizeof text, "w");
    int er = show ? ctl_cases_show(w->store, &args, f, &why)
                  : ctl_cases_list(w->store, &args, f, &why);
    assert_int_equal(fclose(f), 0);
    return er;
}

static size_t lines(void)
{
    size_t n = 0;
    for (const char *p = text; *p; p++)
        n += *p == '\n';
    return n;
}

static void lists(void **state)
{
    struct whole_store *w = *state;
    assert_int_equal(run(w, (struct ctl_cases){.text = NULL}, false), 0);
    assert_int_equal(lines(), 2);
    assert_non_null(strstr(text, w->c.number));
    assert_int_equal(run(w, (struct ctl_cases){.limit = "1"}, false), 0);
    assert_int_equal(lines(), 1);
    assert_int_equal(run(w, (struct ctl_cases){.text = w->c.number}, false), 0);
    assert_int_equal(lines(), 1);
    assert_int_equal(run(w, (struct ctl_cases){.merchant = "nobody"}, false), 0);
    assert_int_equal(lines(), 0);
    assert_int_equal(run(w, (struct ctl_cases){.state = "open", .as_json = true}, false), 0);
    assert_int_equal(text[0], '{');
    assert_int_equal(run(w, (struct ctl_cases){.state = "burnt"}, false), ER_INVALID);
    assert_int_equal(run(w, (struct ctl_cases){.kind = "party"}, false), ER_INVALID);
    assert_int_equal(run(w, (struct ctl_cases){.limit = "x"}, false), ER_INVALID);
}

static void shows(void **state)
{
    struct whole_store *w = *state;
    assert_int_equal(run(w, (struct ctl_cases){.which = w->c.number}, true), 0);
    json_t *o = json_loads(text, 0, NULL);
    assert_non_null(o);
    assert_string_equal(json_string_value(json_object_get(json_object_get(o, "case"), "id")),
                        w->c.id.text);
    assert_string_equal(json_string_value(json_object_get(o, "chain")), "holds");
    assert_true(json_array_size(json_object_get(o, "people")) > 0);
    assert_int_equal(json_array_size(json_object_get(o, "clips")), 1);
    assert_int_equal(json_array_size(json_object_get(o, "stills")), 1);
    assert_true(json_array_size(json_object_get(o, "events")) > 3);
    json_decref(o);
    assert_int_equal(run(w, (struct ctl_cases){.which = w->other.id.text}, true), 0);
    assert_int_equal(run(w, (struct ctl_cases){.which = "C-2020-000001"}, true), ER_NOT_FOUND);
    assert_int_equal(run(w, (struct ctl_cases){.which = NULL}, true), ER_INVALID);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(lists),
        TEST(shows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
