// SPDX-License-Identifier: Apache-2.0
/* Wishes for a camera and how it is: known members go through, wrong ones say why, unknown ones stay behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "signaling/camera.h"

typedef int reader(const json_t *said, json_t **ret, const char **ret_why);

/** What it is read as, compact; or why it is wrong. Single quotes stand for double ones. */
static const char *read_as(reader *read, const char *said)
{
    static char text[400];
    char copy[400];
    const char *why = "no memory";
    json_t *ret, *json;
    snprintf(copy, sizeof copy, "%s", said);
    for (char *p = copy; *p; p++)
        *p = (char)(*p == '\'' ? '"' : *p);
    json = json_loads(copy, 0, NULL);
    assert_non_null(json);
    int er = read(json, &ret, &why);
    json_decref(json);
    if (er < 0) {
        assert_int_equal(er, ER_INVALID);
        return why;
    }
    char *dumped = json_dumps(ret, JSON_COMPACT | JSON_REAL_PRECISION(4));
    snprintf(text, sizeof text, "%s", dumped);
    free(dumped);
    json_decref(ret);
    return text;
}

static void test_wishes(void **state)
{
    (void)state;
    assert_string_equal(
        read_as(camera_read_wish, "{'torch':true,'facing':'user','zoom':2,'focus':[0,1],"
                                  "'priority':'detail','evil':'<b>','allowed':true,"
                                  "'region':{'x':0.5,'y':0,'width':0.5,'height':1,'z':1}}"),
        "{\"torch\":true,\"facing\":\"user\",\"zoom\":2.0,\"focus\":[0.0,1.0],\"priority\":"
        "\"detail\",\"region\":{\"x\":0.5,\"y\":0.0,\"width\":0.5,\"height\":1.0}}");
    assert_string_equal(read_as(camera_read_wish, "{'region':null,'focus':null}"),
                        "{\"focus\":null,\"region\":null}");
}

static void test_states(void **state)
{
    (void)state;
    assert_string_equal(read_as(camera_read_state, "{}"), "{}");
    assert_string_equal(
        read_as(camera_read_state, "{'allowed':false,'torch':false,'can':{'torch':true,'zoom':[1,8],"
                                   "'region':false,'fly':true}}"),
        "{\"torch\":false,\"allowed\":false,\"can\":{\"torch\":true,\"region\":false,\"zoom\":[1.0,"
        "8.0]}}");
}

static void test_what_is_wrong(void **state)
{
    static const char *const wrong[][2] = {
        {"{}", "wish"},
        {"{'fly':true}", "wish"},
        {"{'torch':1}", "torch"},
        {"{'torch':null}", "torch"},
        {"{'facing':'left'}", "facing"},
        {"{'zoom':0}", "zoom"},
        {"{'zoom':'2'}", "zoom"},
        {"{'focus':[0]}", "focus"},
        {"{'focus':[0,1.1]}", "focus"},
        {"{'priority':'speed'}", "priority"},
        {"{'region':{}}", "region"},
        {"{'region':[0,0,1,1]}", "region"},
        {"{'region':{'x':0.6,'y':0,'width':0.5,'height':1}}", "region"},
        {"{'region':{'x':0,'y':0,'width':0.01,'height':1}}", "region"},
        {"{'region':{'x':-0.1,'y':0,'width':0.5,'height':1}}", "region"},
        {"{'torch':true,'region':{'x':0,'y':0,'width':1}}", "region"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        const char *why = read_as(camera_read_wish, wrong[i][0]);
        if (strncmp(why, wrong[i][1], strlen(wrong[i][1])) != 0)
            fail_msg("%s is read as %s", wrong[i][0], why);
    }
    assert_non_null(strstr(read_as(camera_read_state, "{'can':{'torch':1}}"), "can:"));
    assert_non_null(strstr(read_as(camera_read_state, "{'allowed':'yes'}"), "allowed:"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wishes),
        cmocka_unit_test(test_states),
        cmocka_unit_test(test_what_is_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
