// SPDX-License-Identifier: Apache-2.0
/* An examination told by events: points, what they lack, opinions by commit and reveal, what they come to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "server/checklist.h"
#include "server/examination.h"

#define NONCE "00000000000000000000000000000000000000000000000000000000000000aa"

static json_t *json_of(const char *text)
{
    char *copy = strdup(text);
    for (char *p = copy; *p; p++)
        *p = *p == '\'' ? '"' : *p;
    json_t *o = json_loads(copy, 0, NULL);
    assert_non_null(o);
    free(copy);
    return o;
}

/** One more event by `who`; single quotes for double ones. */
static void tell(json_t *exam, const char *who, const char *type, const char *data)
{
    struct store_event e = {.at_us = 1700000000000000};
    json_t *o = json_of(data);
    (void)snprintf(e.actor, sizeof e.actor, "%s", who);
    (void)snprintf(e.type, sizeof e.type, "%s", type);
    e.data = json_dumps(o, 0);
    assert_int_equal(examination_tell(exam, &e), 0);
    free(e.data);
    json_decref(o);
}

static const char *text_of(const json_t *o, const char *a, const char *b)
{
    const char *text = json_string_value(json_object_get(json_object_get(o, a), b));
    return text ? text : "";
}

static json_t *checklist(void)
{
    return json_of("{'points':[{'id':'logo','evidence':'still'},{'id':'zip','evidence':'any'},"
                   "{'id':'box','evidence':'any','optional':true}]}");
}

static void lacks(const json_t *exam, unsigned what, const char *want)
{
    json_t *c = checklist(), *due = json_of(want);
    json_t *is = examination_lacks(json_object_get(exam, "points"), c, what);
    assert_true(json_equal(is, due));
    json_decref(is);
    json_decref(due);
    json_decref(c);
}

static void test_points_and_what_they_lack(void **state)
{
    (void)state;
    json_t *exam = json_object();
    unsigned all = EXAMINATION_EVIDENCE | EXAMINATION_JUDGEMENT | EXAMINATION_NOTE;
    tell(exam, "shop", "checklist_pinned", "{'checklist':'bag','version':2,'sha256':'ab'}");
    assert_string_equal(text_of(exam, "checklist", "id"), "bag");
    lacks(exam, all,
          "[{'point':'logo','lacks':['evidence','judgement','note']},"
          "{'point':'zip','lacks':['evidence','judgement','note']}]");
    tell(exam, "ann", "point_examined",
         "{'point':'logo','evidence':[{'still':'s'}],'judgement':'consistent'}");
    tell(exam, "ann", "point_examined",
         "{'point':'zip','judgement':'not_applicable','note':'It has none.'}");
    tell(exam, "ann", "point_examined", "{'point':'box','note':'No box.'}");
    lacks(exam, all,
          "[{'point':'logo','lacks':['note']},"
          "{'point':'box','lacks':['evidence','judgement']}]");
    lacks(exam, EXAMINATION_EVIDENCE, "[{'point':'box','lacks':['evidence']}]");
    tell(exam, "shop", "checklist_pinned", "{'checklist':'bag','version':3,'sha256':'cd'}");
    assert_null(json_object_get(exam, "points"));
    json_decref(exam);
}

static void test_a_verdict_goes_when_the_case_is_opened_again_and_certificates_stay(void **state)
{
    (void)state;
    json_t *exam = json_object();
    tell(exam, "ann", "point_examined", "{'point':'logo','evidence':[]}");
    tell(exam, "ann", "verdict_given", "{'verdict':'genuine','grounds':[]}");
    assert_string_equal(text_of(exam, "verdict", "by"), "ann");
    tell(exam, "ann", "certificate_issued", "{'certificate':'c1','number':'LC-1'}");
    tell(exam, "shop", "certificate_revoked", "{'certificate':'c2','reason':'error'}");
    const json_t *c = json_array_get(json_object_get(exam, "certificates"), 0);
    assert_null(json_object_get(c, "revoked_at"));
    tell(exam, "shop", "certificate_revoked", "{'certificate':'c1','reason':'error'}");
    assert_non_null(json_object_get(c, "revoked_at"));
    assert_string_equal(json_string_value(json_object_get(c, "reason")), "error");
    tell(exam, "shop", "reopened", "{}");
    assert_null(json_object_get(exam, "verdict"));
    assert_non_null(json_object_get(exam, "points"));
    tell(exam, "shop", "checklist_pinned", "{'checklist':'bag','version':1,'sha256':'ab'}");
    assert_int_equal(json_array_size(json_object_get(exam, "certificates")), 1);
    json_decref(exam);
}

static int may_commit(const json_t *exam, const char *by)
{
    struct refusal why = {0};
    int n = examination_may_commit(exam, by, &why);
    assert_true(n > 0 || (n == ER_CONFLICT && strlen(why.why) > 10));
    return n;
}

static int may_reveal(const json_t *exam, const char *by)
{
    struct refusal why = {0};
    int n = examination_may_reveal(exam, by, &why);
    assert_true(n > 0 || (n == ER_CONFLICT && strlen(why.why) > 10));
    return n;
}

static void commit(json_t *exam, const char *by)
{
    char data[64];
    (void)snprintf(data, sizeof data, "{'opinion':%d,'commitment':'%s'}", may_commit(exam, by), by);
    tell(exam, by, "opinion_committed", data);
}

static void reveal(json_t *exam, const char *by, const char *verdict)
{
    char data[120];
    (void)snprintf(data, sizeof data, "{'opinion':%d,'verdict':'%s','grounds':[{'text':'%s'}]}",
                   may_reveal(exam, by), verdict, by);
    tell(exam, by, "opinion_revealed", data);
}

/** The verdict and how many opinions and grounds it rests on; "" while there is none. */
static void comes_to(const json_t *exam, const char *verdict, size_t opinions)
{
    json_t *o = examination_conclusion(exam);
    const char *is = json_string_value(json_object_get(o, "verdict"));
    assert_string_equal(is ? is : "", verdict);
    assert_int_equal(json_array_size(json_object_get(o, "opinions")), opinions);
    assert_int_equal(json_array_size(json_object_get(o, "grounds")), opinions);
    json_decref(o);
}

static void test_two_that_agree(void **state)
{
    (void)state;
    json_t *exam = json_object();
    assert_int_equal(may_commit(exam, "ann"), ER_CONFLICT); /* nobody asked for it */
    tell(exam, "shop", "opinions_asked", "{}");
    commit(exam, "ann");
    assert_int_equal(may_commit(exam, "ann"), 1); /* changes her mind */
    commit(exam, "ann");
    assert_int_equal(json_array_size(json_object_get(exam, "opinions")), 1);
    assert_int_equal(may_reveal(exam, "ann"), ER_CONFLICT); /* the other one would know */
    assert_int_equal(may_reveal(exam, "bob"), ER_CONFLICT);
    commit(exam, "bob");
    assert_int_equal(may_commit(exam, "cyd"), ER_CONFLICT);
    reveal(exam, "bob", "genuine");
    assert_int_equal(may_commit(exam, "ann"), ER_CONFLICT); /* knows it now */
    comes_to(exam, "", 0);
    reveal(exam, "ann", "genuine");
    assert_int_equal(may_reveal(exam, "ann"), ER_CONFLICT);
    assert_int_equal(may_commit(exam, "cyd"), ER_CONFLICT);
    comes_to(exam, "genuine", 2);
    json_decref(exam);
}

static void test_a_third_decides(void **state)
{
    (void)state;
    static const struct {
        const char *third, *verdict;
        size_t opinions;
    } cells[] = {{"genuine", "genuine", 2},
                 {"counterfeit", "counterfeit", 2},
                 {"inconclusive", "inconclusive", 3}};
    for (size_t i = 0; i < 3; i++) {
        json_t *exam = json_object();
        tell(exam, "shop", "opinions_asked", "{}");
        commit(exam, "ann");
        commit(exam, "bob");
        reveal(exam, "ann", "genuine");
        reveal(exam, "bob", "counterfeit");
        comes_to(exam, "", 0);
        assert_int_equal(may_commit(exam, "bob"), ER_CONFLICT);
        commit(exam, "cyd");
        assert_int_equal(may_commit(exam, "dan"), ER_CONFLICT);
        comes_to(exam, "", 0);
        reveal(exam, "cyd", cells[i].third);
        comes_to(exam, cells[i].verdict, cells[i].opinions);
        tell(exam, "cyd", "verdict_given", "{'verdict':'genuine','grounds':[]}");
        assert_int_equal(may_reveal(exam, "cyd"), ER_CONFLICT);
        json_decref(exam);
    }
}

#define T0 UINT64_C(1700000000000000)
#define DAY UINT64_C(86400000000)

static size_t overdue(const json_t *exam, uint64_t now_us, unsigned first)
{
    unsigned late[LIMIT_OPINIONS] = {0};
    size_t count = examination_overdue(exam, now_us, late);
    assert_int_equal(late[0], first);
    return count;
}

static bool is_blind(const json_t *exam, size_t i)
{
    return json_is_true(
        json_object_get(json_array_get(json_object_get(exam, "opinions"), i), "blind"));
}

/** Ann has revealed what she thinks, and bob is silent. */
static json_t *one_revealed(void)
{
    json_t *exam = json_object();
    tell(exam, "shop", "opinions_asked", "{}");
    commit(exam, "ann");
    assert_int_equal(overdue(exam, T0 + 30 * DAY, 0), 0); /* the other one keeps her waiting */
    commit(exam, "bob");
    assert_int_equal(overdue(exam, T0 + 3 * DAY, 0), 0);
    assert_int_equal(overdue(exam, T0 + 3 * DAY + 1000, 1), 2);
    reveal(exam, "ann", "genuine");
    assert_int_equal(overdue(exam, T0 + 3 * DAY + 1000, 2), 1);
    return exam;
}

static void test_an_opinion_that_is_not_revealed_lapses(void **state)
{
    (void)state;
    json_t *exam = one_revealed();
    assert_int_equal(may_commit(exam, "cyd"), ER_CONFLICT);
    assert_string_equal(json_string_value(examination_opinion_by(exam, 2)), "bob");
    tell(exam, "system", "opinion_lapsed", "{'opinion':2,'of':'bob'}");
    assert_int_equal(overdue(exam, T0 + 30 * DAY, 0), 0); /* once */
    assert_int_equal(may_reveal(exam, "bob"), ER_CONFLICT);
    assert_int_equal(may_commit(exam, "bob"), ER_CONFLICT); /* knows ann's */
    assert_int_equal(may_commit(exam, "ann"), ER_CONFLICT);
    assert_int_equal(may_commit(exam, "cyd"), 2);
    commit(exam, "cyd");
    assert_true(is_blind(exam, 0));
    assert_false(is_blind(exam, 1)); /* could read ann's, and it says so */
    assert_int_equal(may_commit(exam, "dan"), ER_CONFLICT);
    assert_int_equal(overdue(exam, T0 + 3 * DAY + 1000, 2), 1);
    reveal(exam, "cyd", "genuine");
    comes_to(exam, "genuine", 2);
    json_decref(exam);
}

static void test_both_may_lapse_and_be_blind_again(void **state)
{
    (void)state;
    json_t *exam = json_object();
    tell(exam, "shop", "opinions_asked", "{'reveal_within_seconds':60}");
    commit(exam, "ann");
    commit(exam, "bob");
    assert_int_equal(overdue(exam, T0 + 60000000, 0), 0);
    assert_int_equal(overdue(exam, T0 + 60001000, 1), 2);
    tell(exam, "system", "opinion_lapsed", "{'opinion':1,'of':'ann'}");
    tell(exam, "system", "opinion_lapsed", "{'opinion':2,'of':'bob'}");
    commit(exam, "bob");
    assert_int_equal(may_commit(exam, "bob"), 1); /* changes it, and takes no second place */
    commit(exam, "cyd");
    assert_int_equal(json_array_size(json_object_get(exam, "opinions")), 2);
    assert_true(is_blind(exam, 0) && is_blind(exam, 1));
    reveal(exam, "cyd", "genuine");
    reveal(exam, "bob", "genuine");
    comes_to(exam, "genuine", 2);
    json_decref(exam);
}

static void test_a_third_may_lapse(void **state)
{
    (void)state;
    json_t *exam = one_revealed();
    reveal(exam, "bob", "counterfeit");
    commit(exam, "cyd");
    tell(exam, "system", "opinion_lapsed", "{'opinion':3,'of':'cyd'}");
    assert_int_equal(may_commit(exam, "cyd"), ER_CONFLICT);
    commit(exam, "dan");
    assert_int_equal(json_array_size(json_object_get(exam, "opinions")), 3);
    reveal(exam, "dan", "genuine");
    comes_to(exam, "genuine", 2);
    json_decref(exam);
}

static int check(const char *text, char ret_hash[STORE_HASH_BYTES])
{
    struct id case_id = {"01hzzzzzzzzzzzzzzzzzzzzzz1"};
    struct refusal why = {0};
    json_t *o = json_of(text), *c = checklist();
    int er = examination_opinion_check(o, c, &why);
    assert_true(er == 0 || strlen(why.why) > 10);
    assert_int_equal(examination_commitment(&case_id, "ann", o, ret_hash), 0);
    json_decref(o);
    json_decref(c);
    return er;
}

#define SAID(verdict, points, nonce)                                                               \
    "{'verdict':'" verdict "','grounds':[{'text':'x','evidence':[]}],'points':" points             \
    ",'nonce':'" nonce "'}"
#define LOGO "{'logo':{'judgement':'consistent','note':'n'}}"

static void test_what_is_committed_to(void **state)
{
    (void)state;
    char a[STORE_HASH_BYTES], b[STORE_HASH_BYTES];
    assert_int_equal(check(SAID("genuine", LOGO, NONCE), a), 0);
    /* SHA-256 of the canonical text, worked out by other means. */
    assert_string_equal(a, "1129078b5aa674dcf121da4776dd30e147d3a91806fcfc3bb3aab94878c5dd9e");
    assert_int_equal(check(SAID("counterfeit", LOGO, NONCE), b), 0);
    assert_string_not_equal(a, b);
    static const char *const bad[] = {
        SAID("real", LOGO, NONCE),
        SAID("genuine", LOGO, "aa"),
        SAID("genuine", "[]", NONCE),
        SAID("genuine", "{'tail':{'judgement':'consistent','note':'n'}}", NONCE),
        SAID("genuine", "{'logo':{'judgement':'fine','note':'n'}}", NONCE),
        SAID("genuine", "{'logo':{'judgement':'consistent','note':''}}", NONCE),
        SAID("genuine", "{'logo':{'judgement':'consistent','note':'n','x':1}}", NONCE),
        "{'verdict':'genuine','grounds':[{'text':'x'}],'points':" LOGO ",'nonce':'" NONCE "'}",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(check(bad[i], b), ER_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_points_and_what_they_lack),
        cmocka_unit_test(test_a_verdict_goes_when_the_case_is_opened_again_and_certificates_stay),
        cmocka_unit_test(test_two_that_agree),
        cmocka_unit_test(test_a_third_decides),
        cmocka_unit_test(test_an_opinion_that_is_not_revealed_lapses),
        cmocka_unit_test(test_both_may_lapse_and_be_blind_again),
        cmocka_unit_test(test_a_third_may_lapse),
        cmocka_unit_test(test_what_is_committed_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
