// SPDX-License-Identifier: Apache-2.0
/* What is told of a take: unbroken, broken where and how, or not known; and of a part of it. */
#include "server/export_take.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/** Of a manifest in JSON, single quotes for double ones, as text likewise. */
static void tells(const char *manifest, const char *expected)
{
    char text[1024];
    size_t len = strlen(manifest);
    assert_true(len < sizeof text);
    for (size_t i = 0; i <= len; i++)
        text[i] = manifest[i] == '\'' ? '"' : manifest[i];
    json_t *document = json_loads(text, 0, NULL);
    assert_non_null(document);
    json_t *take = export_take(document);
    char *told = json_dumps(take, JSON_COMPACT | JSON_SORT_KEYS);
    for (char *at = told; *at; at++)
        *at = *at == '"' ? '\'' : *at;
    assert_string_equal(told, expected);
    free(told);
    json_decref(take);
    json_decref(document);
}

#define RECORDER "'recorder':{'ended':true,'left_out':0}"

static void an_unbroken_take(void **state)
{
    (void)state;
    tells("{'seal':{'take':{'to_ms':5000,'lens_checked':true,'breaks':[]}," RECORDER "}}",
          "{'breaks':[],'continuous':true,'from_ms':0,'lens_checked':true,'to_ms':5000}");
}

static void breaks_last_to_the_mark_that_ends_them(void **state)
{
    (void)state;
    tells("{'seal':{'take':{'to_ms':9000,'lens_checked':false,'breaks':["
          "{'from_ms':1000,'to_ms':1000,'kind':'muted'},"
          "{'from_ms':3000,'to_ms':3700,'kind':'gap'},"
          "{'from_ms':4000,'to_ms':4000,'kind':'camera'},"
          "{'from_ms':8000,'to_ms':8000,'kind':'track_ended'}]},'marks':["
          "{'at_ms':500,'kind':'unmuted'},{'at_ms':2000,'kind':'unmuted'}]," RECORDER "}}",
          "{'breaks':[{'from_ms':1000,'kind':'muted','to_ms':2000},"
          "{'from_ms':3000,'kind':'gap','to_ms':3700},"
          "{'from_ms':4000,'kind':'camera','to_ms':4000},"
          "{'from_ms':8000,'kind':'track_ended','to_ms':9000}],"
          "'continuous':false,'from_ms':0,'lens_checked':false,'to_ms':9000}");
}

static void a_part_has_its_own(void **state)
{
    (void)state;
#define SEAL                                                                                       \
    "'seal':{'take':{'to_ms':9000,'lens_checked':true,'breaks':["                                  \
    "{'from_ms':1000,'to_ms':1000,'kind':'muted'},{'from_ms':6000,'to_ms':7000,'kind':'gap'}]},"   \
    "'marks':[{'at_ms':4000,'kind':'unmuted'}]," RECORDER "}"
    /* Within the camera's being off, although nothing happens there. */
    tells("{'trim':{'from_ms':2000,'to_ms':3000}," SEAL "}",
          "{'breaks':[{'from_ms':0,'kind':'muted','to_ms':1000}],'continuous':false,'from_ms':0,"
          "'lens_checked':true,'to_ms':1000}");
    tells("{'trim':{'from_ms':4500,'to_ms':6000}," SEAL "}",
          "{'breaks':[],'continuous':true,'from_ms':0,'lens_checked':true,'to_ms':1500}");
    tells("{'trim':{'from_ms':5000,'to_ms':99000}," SEAL "}",
          "{'breaks':[{'from_ms':1000,'kind':'gap','to_ms':2000}],'continuous':false,'from_ms':0,"
          "'lens_checked':true,'to_ms':4000}");
}

static void a_log_that_is_not_whole_tells_nothing(void **state)
{
    (void)state;
    static const char *const logs[] = {"'recorder':{'ended':false,'left_out':0}",
                                       "'recorder':{'ended':true,'left_out':3}"};
    char manifest[300];
    for (size_t i = 0; i < 2; i++) {
        (void)snprintf(manifest, sizeof manifest,
                       "{'seal':{'take':{'to_ms':500,'lens_checked':true,'breaks':[]},%s}}",
                       logs[i]);
        tells(manifest,
              "{'breaks':[],'continuous':null,'from_ms':0,'lens_checked':true,'to_ms':500}");
    }
    tells("{'seal':{'take':{'breaks':[{},7,{'kind':[],'from_ms':'x'}],'to_ms':5}}}",
          "{'breaks':[{'from_ms':0,'kind':null,'to_ms':0},{'from_ms':0,'kind':null,'to_ms':0},"
          "{'from_ms':0,'kind':[],'to_ms':0}],"
          "'continuous':false,'from_ms':0,'lens_checked':false,'to_ms':5}");
    tells("{'seal':{}}",
          "{'breaks':[],'continuous':null,'from_ms':0,'lens_checked':false,'to_ms':0}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_unbroken_take),
        cmocka_unit_test(breaks_last_to_the_mark_that_ends_them),
        cmocka_unit_test(a_part_has_its_own),
        cmocka_unit_test(a_log_that_is_not_whole_tells_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
