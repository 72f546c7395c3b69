// SPDX-License-Identifier: Apache-2.0
/* Every client message, and every way to get one wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "signaling/proto.h"

static struct proto_message m;
static enum proto_error error;

/** Single quotes stand for double ones. */
static int parse(const char *text)
{
    char buffer[8192];
    const char *why = NULL;
    size_t len = strlen(text);
    assert_true(len < sizeof buffer);
    for (size_t i = 0; i <= len; i++)
        buffer[i] = text[i] == '\'' ? '"' : text[i];
    int er = proto_parse(buffer, len, &m, &error, &why);
    assert_int_equal(er < 0, why != NULL && er < 0);
    return er;
}

#define ROOM "01arz3ndektsv4rrffq69g5fav"

static void test_good_ones(void **state)
{
    (void)state;
    assert_int_equal(parse("{'type':'hello','id':'1','token':'a.b.c','session':'" ROOM
                           "','received':7,'extra':[]}"),
                     0);
    assert_int_equal(m.type, PROTO_HELLO);
    assert_string_equal(m.id, "1");
    assert_string_equal(m.hello.token, "a.b.c");
    assert_string_equal(m.hello.session.text, ROOM);
    assert_true(m.hello.has_received);
    assert_int_equal(m.hello.received, 7);
    proto_clear(&m);
    assert_int_equal(parse("{'type':'hello','token':'t','session':null}"), 0);
    assert_false(id_is_set(&m.hello.session) || m.hello.has_received);
    proto_clear(&m);
    assert_int_equal(parse("{'type':'join','room':'" ROOM "'}"), 0);
    proto_clear(&m);
    assert_int_equal(parse("{'type':'media_state','audio':true,'video':false,'facing':'user'}"), 0);
    assert_true(m.media_state.audio && !m.media_state.video);
    assert_string_equal(proto_facing_name(m.media_state.facing), "user");
    proto_clear(&m);
    assert_int_equal(parse("{'type':'offer','sdp':'v=0\\r\\n','wants':{'3':{'identity':'bo',"
                           "'track':'18446744073709551615'},'4':{'identity':'al','track':5}}}"),
                     0);
    assert_string_equal(m.offer.sdp, "v=0\r\n");
    assert_int_equal(m.offer.wants.count, 2);
    assert_string_equal(m.offer.wants.items[0].identity, "bo");
    assert_true(m.offer.wants.items[0].track == UINT64_MAX);
    assert_int_equal(m.offer.wants.items[1].track, 5);
    proto_clear(&m);
    assert_int_equal(parse("{'type':'available','on':true,'languages':['en','zh-CN']}"), 0);
    assert_int_equal(m.available.languages.count, 2);
    assert_string_equal(m.available.languages.items[1], "zh-CN");
    proto_clear(&m);
    assert_int_equal(parse("{'type':'decline','reservation':'" ROOM "','reason':'lunch'}"), 0);
    assert_string_equal(m.reservation.reason, "lunch");
    proto_clear(&m);
    static const char *const bare[] = {"ping", "bye", "leave", "wait", "stop_waiting", "hang_up"};
    for (size_t i = 0; i < sizeof bare / sizeof bare[0]; i++) {
        char text[64];
        (void)snprintf(text, sizeof text, "{'type':'%s'}", bare[i]);
        assert_int_equal(parse(text), 0);
        assert_string_equal(proto_type_name(m.type), bare[i]);
        proto_clear(&m);
    }
}

static void test_media_ones(void **state)
{
    (void)state;
    assert_int_equal(parse("{'type':'view','mid':'2','max_width':640,'max_height':360,'layer':1}"),
                     0);
    assert_string_equal(m.view.mid, "2");
    assert_int_equal(m.view.max_width, 640);
    assert_int_equal(m.view.max_height, 360);
    assert_int_equal(m.view.layer, 2);
    assert_false(m.view.paused);
    proto_clear(&m);
    assert_int_equal(parse("{'type':'view','mid':'2','paused':true,'layer':'auto'}"), 0);
    assert_true(m.view.paused && m.view.layer == 0 && m.view.max_width == 0);
    proto_clear(&m);
    assert_int_equal(parse("{'type':'stats','quality':'poor','why':'loss','rtt_ms':70,'lines':{'2':"
                           "{'fps':30,'freezes':2,'frozen_ms':900},'3':{'concealed_permille':7}}}"),
                     0);
    assert_string_equal(proto_quality_name(m.stats.quality), "poor");
    assert_string_equal(proto_trouble_name(m.stats.why), "loss");
    assert_true(m.stats.has_rtt && m.stats.rtt_ms == 70);
    assert_int_equal(m.stats.lines.count, 2);
    assert_string_equal(m.stats.lines.items[0].mid, "2");
    assert_int_equal(m.stats.lines.items[0].frozen_ms, 900);
    assert_int_equal(m.stats.lines.items[1].concealed_permille, 7);
    proto_clear(&m);
    assert_int_equal(parse("{'type':'stats'}"), 0);
    assert_null(proto_quality_name(m.stats.quality));
    proto_clear(&m);
}

static void test_bad_ones(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum proto_error error;
    } bad[] = {
        {"", PROTO_MALFORMED},
        {"[]", PROTO_MALFORMED},
        {"{'type':'ping'", PROTO_MALFORMED},
        {"{'type':'ping','type':'ping'}", PROTO_MALFORMED},
        {"{'type':'ping'} x", PROTO_MALFORMED},
        {"{}", PROTO_INVALID},
        {"{'type':7}", PROTO_INVALID},
        {"{'type':'dance'}", PROTO_UNKNOWN_TYPE},
        {"{'type':'welcome'}", PROTO_UNKNOWN_TYPE},
        {"{'type':'ping','id':7}", PROTO_INVALID},
        {"{'type':'ping','id':''}", PROTO_INVALID},
        {"{'type':'hello'}", PROTO_INVALID},
        {"{'type':'hello','token':''}", PROTO_INVALID},
        {"{'type':'hello','token':'t','session':'x'}", PROTO_INVALID},
        {"{'type':'hello','token':'t','received':-1}", PROTO_INVALID},
        {"{'type':'hello','token':'t','received':1.5}", PROTO_INVALID},
        {"{'type':'join'}", PROTO_INVALID},
        {"{'type':'join','room':'" ROOM "','case':'" ROOM "'}", PROTO_INVALID},
        {"{'type':'media_state','audio':1,'video':true}", PROTO_INVALID},
        {"{'type':'media_state','audio':true,'video':true,'facing':'up'}", PROTO_INVALID},
        {"{'type':'consent'}", PROTO_INVALID},
        {"{'type':'consent','recording':'yes'}", PROTO_INVALID},
        {"{'type':'chat','text':''}", PROTO_INVALID},
        {"{'type':'chat','text':['a']}", PROTO_INVALID},
        {"{'type':'offer','sdp':null}", PROTO_INVALID},
        {"{'type':'offer','sdp':'v','wants':[]}", PROTO_INVALID},
        {"{'type':'offer','sdp':'v','wants':{'1':{}}}", PROTO_INVALID},
        {"{'type':'offer','sdp':'v','wants':{'1':{'identity':'a','track':-1}}}", PROTO_INVALID},
        {"{'type':'view'}", PROTO_INVALID},
        {"{'type':'view','mid':''}", PROTO_INVALID},
        {"{'type':'view','mid':'123456789012345678901234567890123'}", PROTO_INVALID},
        {"{'type':'view','mid':'1','paused':1}", PROTO_INVALID},
        {"{'type':'view','mid':'1','max_width':65536}", PROTO_INVALID},
        {"{'type':'view','mid':'1','max_height':-1}", PROTO_INVALID},
        {"{'type':'view','mid':'1','layer':3}", PROTO_INVALID},
        {"{'type':'view','mid':'1','layer':'best'}", PROTO_INVALID},
        {"{'type':'stats','quality':'bad'}", PROTO_INVALID},
        {"{'type':'stats','why':'rain'}", PROTO_INVALID},
        {"{'type':'stats','rtt_ms':60001}", PROTO_INVALID},
        {"{'type':'stats','lines':[]}", PROTO_INVALID},
        {"{'type':'stats','lines':{'1':7}}", PROTO_INVALID},
        {"{'type':'stats','lines':{'1':{'fps':'30'}}}", PROTO_INVALID},
        {"{'type':'stats','lines':{'1':{'concealed_permille':1001}}}", PROTO_INVALID},
        {"{'type':'available','on':true,'languages':'en'}", PROTO_INVALID},
        {"{'type':'available','on':true,'languages':['']}", PROTO_INVALID},
        {"{'type':'available','on':true,'languages':[1]}", PROTO_INVALID},
        {"{'type':'accept'}", PROTO_INVALID},
        {"{'type':'accept','reservation':'12'}", PROTO_INVALID},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (parse(bad[i].text) == 0 || error != bad[i].error)
            fail_msg("%s", bad[i].text);
        proto_clear(&m);
    }
}

static void test_bounds(void **state)
{
    (void)state;
    static char text[LIMIT_CHAT_BYTES + 64];
    const char *why;
    for (size_t len = LIMIT_CHAT_BYTES; len <= LIMIT_CHAT_BYTES + 1; len++) {
        int head = snprintf(text, sizeof text, "{\"type\":\"chat\",\"id\":\"i\",\"text\":\"");
        memset(text + head, 'a', len);
        memcpy(text + head + len, "\"}", 3);
        assert_int_equal(proto_parse(text, strlen(text), &m, &error, &why) == 0,
                         len <= LIMIT_CHAT_BYTES);
        assert_string_equal(m.id, "i"); /* so that the error can be answered */
        proto_clear(&m);
    }
    char deep[80];
    memset(deep, '[', sizeof deep);
    memcpy(deep, "{\"type\":", 8);
    assert_int_equal(proto_parse(deep, sizeof deep, &m, &error, &why), -1);
    assert_int_equal(error, PROTO_MALFORMED);
    proto_clear(&m);
}

static void test_names(void **state)
{
    (void)state;
    static const struct {
        int er;
        const char *name;
    } names[] = {{ER_FULL, "full"},
                 {ER_MALFORMED, "invalid"},
                 {ER_DENIED, "denied"},
                 {ER_NOT_FOUND, "not_found"},
                 {ER_CONFLICT, "conflict"},
                 {ER_CLOSED, "draining"},
                 {ER_NOMEM, "internal"},
                 {ER_UNAUTHENTIC, "unauthenticated"},
                 {ER_UNSUPPORTED, "unsupported"}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        assert_string_equal(proto_error_name(proto_error_of(names[i].er)), names[i].name);
    json_t *e = proto_new_error(PROTO_FULL, "no", "7");
    assert_string_equal(json_string_value(json_object_get(e, "re")), "7");
    assert_string_equal(json_string_value(json_object_get(e, "code")), "full");
    json_decref(e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_ones), cmocka_unit_test(test_media_ones),
        cmocka_unit_test(test_bad_ones),  cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
