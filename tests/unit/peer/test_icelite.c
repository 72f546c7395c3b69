// SPDX-License-Identifier: Apache-2.0
/* ICE-lite: which checks are answered, which paths count as validated, which one is selected. */
#include "media/peer/icelite.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "base/limits.h"

#define REMOTE_PWD "remotepasswordofmore22"

struct fixture {
    struct icelite ice;
    struct entropy_seeded seeded;
    struct entropy entropy;
    uint8_t request[512];
    uint8_t reply[512];
    int reply_len;
    enum ice_outcome outcome;
};

static void fixture_open(struct fixture *f)
{
    memset(f, 0, sizeof *f);
    f->entropy = entropy_seeded_init(&f->seeded, 1);
    icelite_init(&f->ice, 0, &f->entropy);
    assert_int_equal(icelite_set_remote(&f->ice, span_of("them"), span_of(REMOTE_PWD)), 0);
}

static struct path path_of(const char *ip, uint16_t port)
{
    struct path p = {.via = 0};
    assert_int_equal(addr_parse_ip(ip, port, &p.remote), 0);
    return p;
}

struct check {
    const char *local;    /* NULL: ours */
    const char *remote;   /* NULL: theirs */
    const char *password; /* NULL: ours */
    bool nominate;
    bool controlled;
};

static int send_check(struct fixture *f, uint64_t now_us, const struct path *from, struct check c)
{
    char username[64];
    snprintf(username, sizeof username, "%s:%s", c.local ? c.local : f->ice.ufrag,
             c.remote ? c.remote : "them");
    struct stun_request request = {.username = username,
                                   .priority = 1,
                                   .tie_breaker = 9,
                                   .controlling = !c.controlled,
                                   .use_candidate = c.nominate};
    memcpy(request.transaction, "transaction!", STUN_TRANSACTION_BYTES);
    int len = stun_write_request(f->request, sizeof f->request, &request,
                                 c.password ? c.password : f->ice.pwd);
    assert_true(len > 0);
    struct stun_message msg;
    assert_int_equal(stun_parse(f->request, (size_t)len, &msg), 0);
    f->reply_len = icelite_check(&f->ice, now_us, from, f->request, (size_t)len, &msg, f->reply,
                                 sizeof f->reply, &f->outcome);
    return f->reply_len;
}

static void test_credentials(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f);
    assert_int_equal(strlen(f.ice.ufrag), ICE_UFRAG_LEN);
    assert_int_equal(strlen(f.ice.pwd), ICE_PWD_LEN);
    char long_text[300];
    memset(long_text, 'x', sizeof long_text);
    struct span fits = {long_text, 256}, too_long = {long_text, 257}, pwd_short = {long_text, 21};
    assert_int_equal(icelite_set_remote(&f.ice, fits, fits), 0);
    assert_int_equal(icelite_set_remote(&f.ice, too_long, fits), ER_INVALID);
    assert_int_equal(icelite_set_remote(&f.ice, fits, too_long), ER_INVALID);
    assert_int_equal(icelite_set_remote(&f.ice, span_of("abc"), fits), ER_INVALID);
    assert_int_equal(icelite_set_remote(&f.ice, fits, pwd_short), ER_INVALID);
}

static void test_answers_and_validates(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f);
    struct path a = path_of("192.0.2.1", 4000);
    assert_true(icelite_consent_deadline_us(&f.ice) == UINT64_MAX);
    assert_true(send_check(&f, 1000, &a, (struct check){0}) > 0);
    assert_int_equal(f.outcome, ICE_SELECTED);
    assert_false(f.ice.nominated);
    assert_true(icelite_is_valid_path(&f.ice, &a));
    assert_true(icelite_consent_deadline_us(&f.ice) == 1000 + LIMIT_CONSENT_TIMEOUT_US);

    struct stun_message reply;
    assert_int_equal(stun_parse(f.reply, (size_t)f.reply_len, &reply), 0);
    assert_int_equal(reply.type, STUN_BINDING_SUCCESS);
    assert_memory_equal(reply.transaction, "transaction!", STUN_TRANSACTION_BYTES);
    assert_true(reply.has_mapped && addr_equal(&reply.mapped, &a.remote));
    assert_int_equal(stun_check_integrity(f.reply, (size_t)f.reply_len, &reply, f.ice.pwd), 0);

    assert_true(send_check(&f, 2000, &a, (struct check){0}) > 0);
    assert_int_equal(f.outcome, ICE_NOTHING);
    assert_true(icelite_consent_deadline_us(&f.ice) == 2000 + LIMIT_CONSENT_TIMEOUT_US);
}

static void test_refuses_what_is_not_authentic(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f);
    struct path a = path_of("192.0.2.1", 4000);
    const struct check wrong[] = {
        {.local = "nobody"},      {.remote = "other"}, {.remote = ""},
        {.remote = "themm"},      {.remote = "thex"},  {.password = "wrongwrongwrongwrongwrong"},
        {.password = REMOTE_PWD},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(send_check(&f, 1000, &a, wrong[i]), ER_UNAUTHENTIC);
        assert_false(icelite_is_valid_path(&f.ice, &a));
    }
    assert_false(f.ice.has_selected);
    assert_true(icelite_consent_deadline_us(&f.ice) == UINT64_MAX);
}

static void test_role_conflict_is_told(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f);
    struct path a = path_of("192.0.2.1", 4000);
    struct stun_message reply;
    assert_true(send_check(&f, 1000, &a, (struct check){.controlled = true}) > 0);
    assert_int_equal(stun_parse(f.reply, (size_t)f.reply_len, &reply), 0);
    assert_int_equal(reply.type, STUN_BINDING_ERROR);
    assert_int_equal(reply.error_code, 487);
    assert_false(icelite_is_valid_path(&f.ice, &a));
}

static void test_nomination_selects(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f);
    struct path a = path_of("192.0.2.1", 4000), b = path_of("2001:db8::1", 4000);
    struct path tcp = a;
    tcp.via = 7;
    send_check(&f, 1000, &a, (struct check){0});
    send_check(&f, 2000, &b, (struct check){0});
    assert_int_equal(f.outcome, ICE_VALIDATED);
    assert_true(path_equal(&f.ice.selected, &a));
    send_check(&f, 3000, &b, (struct check){.nominate = true});
    assert_int_equal(f.outcome, ICE_SELECTED);
    assert_true(path_equal(&f.ice.selected, &b) && f.ice.nominated);
    assert_false(icelite_is_valid_path(&f.ice, &tcp)); /* the socket is part of the path */
    send_check(&f, 4000, &tcp, (struct check){.nominate = true});
    assert_int_equal(f.outcome, ICE_SELECTED);
    assert_true(path_equal(&f.ice.selected, &tcp));
}

static void test_silent_selection_gives_way(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f);
    struct path a = path_of("192.0.2.1", 4000), b = path_of("192.0.2.1", 4001);
    send_check(&f, 1000, &a, (struct check){.nominate = true});
    send_check(&f, 1000 + ICE_SILENT_US - 1, &b, (struct check){0});
    assert_int_equal(f.outcome, ICE_VALIDATED);
    send_check(&f, 1000 + ICE_SILENT_US, &b, (struct check){0});
    assert_int_equal(f.outcome, ICE_SELECTED);
    assert_true(path_equal(&f.ice.selected, &b));
}

static void test_paths_are_bounded(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f);
    struct path first = path_of("192.0.2.1", 4000);
    send_check(&f, 1, &first, (struct check){.nominate = true});
    for (uint16_t i = 1; i <= ICE_PATHS; i++) {
        struct path p = path_of("192.0.2.1", (uint16_t)(4000 + i));
        send_check(&f, (uint64_t)i * 1000, &p, (struct check){0});
        assert_true(icelite_is_valid_path(&f.ice, &p));
    }
    struct path evicted = path_of("192.0.2.1", 4001), kept = path_of("192.0.2.1", 4002);
    assert_true(icelite_is_valid_path(&f.ice, &first)); /* selected */
    assert_false(icelite_is_valid_path(&f.ice, &evicted));
    assert_true(icelite_is_valid_path(&f.ice, &kept));
}

static void test_restart(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f);
    char old[ICE_UFRAG_LEN + 1];
    struct path a = path_of("192.0.2.1", 4000), b = path_of("192.0.2.2", 4000);
    send_check(&f, 1000, &a, (struct check){.nominate = true});
    memcpy(old, f.ice.ufrag, sizeof old);
    icelite_restart(&f.ice, &f.entropy);
    assert_string_not_equal(old, f.ice.ufrag);
    assert_true(icelite_is_valid_path(&f.ice, &a));
    assert_int_equal(send_check(&f, 2000, &a, (struct check){.local = old}), ER_UNAUTHENTIC);
    assert_true(path_equal(&f.ice.selected, &a));
    send_check(&f, 3000, &b, (struct check){0});
    assert_int_equal(f.outcome, ICE_SELECTED);
    assert_false(icelite_is_valid_path(&f.ice, &a));
}

static void test_marks_name_workers(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f);
    for (unsigned i = 0; i < LIMIT_WORKERS; i++) {
        char mark = icelite_mark(i);
        assert_int_equal(icelite_marked(mark), i);
        icelite_init(&f.ice, mark, &f.entropy);
        assert_int_equal(f.ice.ufrag[0], mark);
        assert_int_equal(strlen(f.ice.ufrag), ICE_UFRAG_LEN);
        icelite_restart(&f.ice, &f.entropy);
        assert_int_equal(f.ice.ufrag[0], mark);
    }
    assert_int_equal(icelite_marked('\0'), -1);
    assert_int_equal(icelite_marked('='), -1);
}

static void test_ended_paths(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f);
    struct path udp = path_of("10.0.0.1", 1), tcp = udp, other = udp;
    tcp.via = 1u << 20 | 1;
    other.via = 1u << 20 | 2;
    assert_false(icelite_drop_path(&f.ice, &tcp));
    send_check(&f, 1000, &tcp, (struct check){.nominate = true});
    assert_false(icelite_drop_path(&f.ice, &udp));
    assert_true(icelite_drop_path(&f.ice, &tcp));
    assert_false(f.ice.has_selected || icelite_is_valid_path(&f.ice, &tcp));
    send_check(&f, 2000, &other, (struct check){0}); /* the next one is taken at once */
    assert_int_equal(f.outcome, ICE_SELECTED);
    send_check(&f, 3000, &udp, (struct check){0});
    send_check(&f, 4000, &tcp, (struct check){.nominate = true});
    assert_true(path_equal(&f.ice.selected, &tcp));
    assert_false(icelite_drop_path(&f.ice, &other));
    assert_true(icelite_drop_path(&f.ice, &tcp)); /* what is left, and newest */
    assert_true(f.ice.has_selected && path_equal(&f.ice.selected, &udp));
}

static void test_other_types_are_not_checks(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f);
    struct path a = path_of("192.0.2.1", 4000);
    uint8_t transaction[STUN_TRANSACTION_BYTES] = {0};
    int len = stun_write_success(f.request, sizeof f.request, transaction, &a.remote, f.ice.pwd);
    struct stun_message msg;
    assert_int_equal(stun_parse(f.request, (size_t)len, &msg), 0);
    assert_int_equal(icelite_check(&f.ice, 1, &a, f.request, (size_t)len, &msg, f.reply,
                                   sizeof f.reply, &f.outcome),
                     ER_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_credentials),
        cmocka_unit_test(test_answers_and_validates),
        cmocka_unit_test(test_refuses_what_is_not_authentic),
        cmocka_unit_test(test_role_conflict_is_told),
        cmocka_unit_test(test_nomination_selects),
        cmocka_unit_test(test_silent_selection_gives_way),
        cmocka_unit_test(test_paths_are_bounded),
        cmocka_unit_test(test_restart),
        cmocka_unit_test(test_marks_name_workers),
        cmocka_unit_test(test_ended_paths),
        cmocka_unit_test(test_other_types_are_not_checks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
