// SPDX-License-Identifier: Apache-2.0
/* Who is asked, and when the search goes further: preferred, fitting, any language, any team. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "tests/unit/support/queue_bench.h"

static void take(struct queue_bench *b, const char *name)
{
    struct id busy = qb_id(900);
    queue_call_begin(b->q, SHOP, name, &busy, b->now_us);
    qb_drain(b);
}

static void test_preferred_agent_first(void **state)
{
    (void)state;
    struct queue_bench b;
    const struct queue_case c = {.preferred = "abe"};
    qb_start(&b);
    qb_on(&b, qb_agent("ann", NULL, NULL), true);
    b.now_us += S;
    qb_on(&b, qb_agent("abe", NULL, NULL), true);
    qb_wait(&b, 1, c);
    QB_OFFERED(&b, 1, "abe");
    assert_true(b.offer.preferred);
    qb_accept(&b);
    qb_wait(&b, 2, c); /* abe is in a call: he is waited for, but not for long */
    QB_OFFERED(&b, 1, "abe");
    assert_int_equal(b.position.stage, QUEUE_PREFERRED);
    qb_pass(&b, b.policy.prefer_us - 1);
    QB_OFFERED(&b, 1, "abe");
    qb_pass(&b, 1);
    QB_OFFERED(&b, 2, "ann");
    assert_false(b.offer.preferred);
    qb_accept(&b);
    qb_wait(&b, 3, c);
    qb_end(&b, "ann", 2);
    QB_OFFERED(&b, 2, "ann");
    qb_on(&b, qb_agent("abe", NULL, NULL), false); /* nobody waits for who is not there */
    QB_OFFERED(&b, 3, "ann");
    queue_free(b.q);
}

static void test_preferred_agent_declines(void **state)
{
    (void)state;
    struct queue_bench b;
    const struct queue_case c = {.preferred = "abe"};
    qb_start(&b);
    qb_on(&b, qb_agent("ann", NULL, NULL), true);
    qb_on(&b, qb_agent("abe", NULL, NULL), true);
    qb_wait(&b, 1, c);
    assert_int_equal(queue_decline(b.q, SHOP, "abe", &b.offer.reservation, b.now_us), 0);
    qb_drain(&b);
    QB_OFFERED(&b, 2, "ann");
    queue_free(b.q);
}

static void test_language_widens(void **state)
{
    (void)state;
    struct queue_bench b;
    struct queue_counts n;
    const struct queue_case c = {.languages = {"fr-CA", "zh"}};
    qb_start(&b);
    qb_on(&b, qb_agent("ann", NULL, "en"), true);
    qb_on(&b, qb_agent("zoe", NULL, "zh"), true);
    qb_on(&b, qb_agent("flo", NULL, "fr"), true);
    qb_wait(&b, 1, c);
    QB_OFFERED(&b, 1, "flo"); /* the first of the buyer's languages */
    qb_wait(&b, 2, c);
    QB_OFFERED(&b, 2, "zoe"); /* then the second */
    assert_false(b.offer.other_language);
    qb_wait(&b, 3, c);
    take(&b, "zoe");
    take(&b, "flo"); /* both offers go back; cases 1 to 3 wait for these two */
    QB_OFFERED(&b, 2, "zoe");
    qb_pass(&b, b.policy.language_us - 1);
    QB_OFFERED(&b, 2, "zoe");
    qb_pass(&b, 1);
    QB_OFFERED(&b, 3, "ann");
    assert_true(b.offer.other_language);
    assert_int_equal(b.offer.stage, QUEUE_ANY_LANGUAGE);
    assert_string_equal(b.offer.case_id.text, qb_id(1).text);
    queue_read_counts(b.q, &n);
    assert_int_equal(n.widened[QUEUE_ANY_LANGUAGE], 3);
    queue_free(b.q);
}

/** With a choice, an agent gets who speaks the same language, unless the other has waited that much longer. */
static void test_other_languages_come_behind(void **state)
{
    (void)state;
    struct queue_bench b;
    const struct queue_case fr = {.languages = {"fr"}}, en = {.languages = {"en"}};
    qb_start(&b);
    uint64_t behind_us = b.policy.behind_us;
    qb_on(&b, qb_agent("ann", NULL, "en"), true);
    take(&b, "ann");
    qb_wait(&b, 1, fr); /* nobody else is there: not waited for */
    qb_pass(&b, behind_us - S);
    qb_wait(&b, 2, en);
    qb_pass(&b, 2 * S);
    qb_wait(&b, 3, en);
    qb_end(&b, "ann", 900);
    assert_string_equal(b.offer.case_id.text, qb_id(2).text);
    qb_accept(&b);
    qb_end(&b, "ann", 2);
    assert_string_equal(b.offer.case_id.text, qb_id(1).text);
    assert_true(b.offer.other_language);
    qb_accept(&b);
    qb_end(&b, "ann", 1);
    assert_string_equal(b.offer.case_id.text, qb_id(3).text);
    queue_free(b.q);
}

/** Who has aged is put behind nobody. */
static void test_the_aged_are_not_put_behind(void **state)
{
    (void)state;
    struct queue_bench b;
    const struct queue_case fr = {.languages = {"fr"}}, en = {.languages = {"en"}};
    qb_start(&b);
    qb_on(&b, qb_agent("ann", NULL, "en"), true);
    take(&b, "ann");
    qb_wait(&b, 1, fr);
    qb_pass(&b, S);
    qb_wait(&b, 2, en);
    qb_pass(&b, b.policy.aged_us);
    qb_end(&b, "ann", 900);
    assert_string_equal(b.offer.case_id.text, qb_id(1).text);
    queue_free(b.q);
}

/** An agent who named no language may be asked, after those who named it. */
static void test_language_not_named(void **state)
{
    (void)state;
    struct queue_bench b;
    const struct queue_case c = {.languages = {"fr"}};
    qb_start(&b);
    qb_on(&b, qb_agent("any", NULL, NULL), true);
    b.now_us += S;
    qb_on(&b, qb_agent("flo", NULL, "fr"), true);
    qb_wait(&b, 1, c);
    QB_OFFERED(&b, 1, "flo");
    qb_wait(&b, 2, c);
    QB_OFFERED(&b, 2, "any");
    assert_false(b.offer.other_language);
    queue_free(b.q);
}

/** When all who speak the language have declined, nobody waits for them to think better of it. */
static void test_declined_by_all_who_fit(void **state)
{
    (void)state;
    struct queue_bench b;
    const struct queue_case c = {.languages = {"fr"}};
    qb_start(&b);
    qb_on(&b, qb_agent("flo", NULL, "fr"), true);
    qb_on(&b, qb_agent("ann", NULL, "en"), true);
    b.now_us += S;
    qb_on(&b, qb_agent("fay", NULL, "fr"), true);
    qb_wait(&b, 1, c);
    assert_int_equal(queue_decline(b.q, SHOP, "flo", &b.offer.reservation, b.now_us), 0);
    qb_drain(&b);
    QB_OFFERED(&b, 2, "fay");
    assert_int_equal(queue_decline(b.q, SHOP, "fay", &b.offer.reservation, b.now_us), 0);
    qb_drain(&b);
    QB_OFFERED(&b, 3, "ann");
    assert_true(b.offer.other_language);
    queue_free(b.q);
}

static void test_other_teams_last(void **state)
{
    (void)state;
    struct queue_bench b;
    const struct queue_case c = {.team = "bags"};
    struct queue_agent own = qb_agent("own", NULL, NULL), other = qb_agent("other", NULL, NULL);
    qb_start(&b);
    (void)snprintf(own.team, sizeof own.team, "bags");
    (void)snprintf(other.team, sizeof other.team, "shoes");
    qb_on(&b, own, true);
    qb_on(&b, other, true);
    take(&b, "own");
    qb_wait(&b, 1, c);
    qb_pass(&b, b.policy.team_us - 1);
    assert_int_equal(b.offers, 0);
    qb_pass(&b, 1);
    QB_OFFERED(&b, 1, "other");
    assert_true(b.offer.other_team);
    qb_on(&b, own, false); /* nobody of the team is there: no wait */
    qb_accept(&b);
    qb_end(&b, "other", 1);
    qb_wait(&b, 2, c);
    QB_OFFERED(&b, 2, "other");
    queue_free(b.q);
}

/** A specialist is taken first: who can do more is kept for what others cannot do. */
static void test_the_least_versatile_first(void **state)
{
    (void)state;
    struct queue_bench b;
    const struct queue_case bag = {.category = "bag"}, shoe = {.category = "shoe"};
    struct queue_agent both = qb_agent("both", "bag", NULL);
    qb_start(&b);
    both.skills.count = 2;
    (void)snprintf(both.skills.items[1], PROTO_WORD_BYTES, "shoe");
    qb_on(&b, both, true);
    b.now_us += S;
    qb_on(&b, qb_agent("bags", "bag", NULL), true);
    qb_wait(&b, 1, bag);
    QB_OFFERED(&b, 1, "bags");
    qb_wait(&b, 2, shoe);
    QB_OFFERED(&b, 2, "both");
    queue_free(b.q);
}

/** Behind a case that nobody free can take, others go on. */
static void test_no_head_of_line_blocking(void **state)
{
    (void)state;
    struct queue_bench b;
    const struct queue_case bag = {.category = "bag", .tier = 3}, shoe = {.category = "shoe"};
    qb_start(&b);
    qb_wait(&b, 1, bag);
    qb_wait(&b, 2, shoe);
    qb_on(&b, qb_agent("sue", "shoe", NULL), true);
    QB_OFFERED(&b, 1, "sue");
    assert_string_equal(b.offer.case_id.text, qb_id(2).text);
    queue_free(b.q);
}

/** What waits is made `c` of. */
static void change(struct queue_bench *b, unsigned n, struct queue_case c)
{
    c.case_id = qb_id(n);
    (void)snprintf(c.merchant, sizeof c.merchant, SHOP);
    (void)snprintf(c.buyer, sizeof c.buyer, "buyer%u", n);
    assert_int_equal(queue_change(b->q, &c, b->now_us), 0);
    qb_drain(b);
}

static void test_a_changed_case_takes_its_new_place(void **state)
{
    (void)state;
    struct queue_bench b;
    struct id first;
    uint64_t since_us, before_us;
    qb_start(&b);
    qb_wait(&b, 1, (struct queue_case){.category = "bag"});
    qb_pass(&b, 30 * S);
    qb_wait(&b, 2, (struct queue_case){.category = "bag"});
    assert_int_equal(b.position.position, 2);
    /* 31 s younger, but 50 s for its tier: before the other, and as old as it was */
    before_us = b.now_us;
    b.now_us += S;
    change(&b, 2, (struct queue_case){.category = "bag", .tier = 2});
    assert_true(queue_list(b.q, SHOP, 0, &first, &since_us));
    assert_string_equal(first.text, qb_id(2).text);
    assert_int_equal(since_us, before_us);
    /* another class: who does watches is asked at once, by its age */
    qb_on(&b, qb_agent("wim", "watch", NULL), true);
    assert_int_equal(b.offers, 0);
    change(&b, 1, (struct queue_case){.category = "watch"});
    QB_OFFERED(&b, 1, "wim");
    assert_string_equal(b.offer.case_id.text, qb_id(1).text);
    /* and back: the offer is of no use any more, and goes */
    change(&b, 1, (struct queue_case){.category = "bag"});
    assert_int_equal(b.endings, 1);
    assert_int_equal(b.ended.end, QUEUE_WITHDRAWN);
    qb_on(&b, qb_agent("bea", "bag", NULL), true);
    QB_OFFERED(&b, 2, "bea");
    assert_string_equal(b.offer.case_id.text, qb_id(2).text);
    qb_accept(&b);
    assert_int_equal(queue_change(b.q, &(struct queue_case){.case_id = qb_id(2)}, b.now_us),
                     ER_NOT_FOUND);
    queue_free(b.q);
}

static void test_a_changed_case_keeps_whom_it_suits(void **state)
{
    (void)state;
    struct queue_bench b;
    qb_start(&b);
    qb_on(&b, qb_agent("ann", NULL, "en"), true);
    qb_on(&b, qb_agent("abe", NULL, "en"), true);
    qb_wait(&b, 1, (struct queue_case){.languages = {"en"}});
    char asked[LIMIT_IDENTITY + 1];
    memcpy(asked, b.offer.person, sizeof asked);
    change(&b, 1, (struct queue_case){.languages = {"en"}, .priority = 9, .category = "bag"});
    assert_int_equal(b.endings, 0);
    assert_int_equal(queue_decline(b.q, SHOP, asked, &b.offer.reservation, b.now_us), 0);
    qb_drain(&b);
    assert_int_equal(b.offers, 2);
    assert_string_not_equal(b.offer.person, asked);
    /* who declined is not asked again for the new one either */
    assert_int_equal(queue_decline(b.q, SHOP, b.offer.person, &b.offer.reservation, b.now_us), 0);
    qb_drain(&b);
    struct queue_case to = {.languages = {"en"}};
    memcpy(to.preferred, asked, sizeof asked);
    change(&b, 1, to);
    assert_int_equal(b.offers, 2);
    qb_pass(&b, b.policy.declined_us);
    assert_int_equal(b.offers, 3);
    queue_free(b.q);
}

static void test_a_bot_is_asked_first_and_once(void **state)
{
    (void)state;
    struct queue_bench b;
    struct queue_counts n;
    qb_start(&b);
    struct queue_agent bot = qb_agent("bot", "bag", "en");
    bot.bot = true;
    qb_on(&b, bot, true);
    assert_int_equal(queue_available_count(b.q), 0); /* it is nobody to be told of */
    const struct queue_case bag = {.category = "bag", .languages = {"en"}, .bot_first = true};
    struct queue_case other = bag;
    (void)snprintf(other.languages[0], sizeof other.languages[0], "fr");
    qb_wait(&b, 1, other); /* speaks another language */
    other = bag;
    (void)snprintf(other.category, sizeof other.category, "shoe");
    qb_wait(&b, 2, other); /* cannot do it */
    other = bag;
    other.bot_first = false;
    qb_wait(&b, 3, other);
    assert_int_equal(b.offers, 0);
    qb_wait(&b, 4, bag);
    QB_OFFERED(&b, 1, "bot");
    assert_true(b.offer.bot);
    qb_on(&b, qb_agent("ann", "bag", "en"), true);
    QB_OFFERED(&b, 2, "ann");
    assert_string_equal(b.offer.case_id.text, qb_id(3).text);
    qb_pass(&b,
            b.policy.bot_ring_us); /* rings out: it waits on where it was, and for people alone */
    assert_string_equal(b.ended.person, "bot");
    assert_int_equal(b.ended.end, QUEUE_EXPIRED);
    qb_on(&b, bot, true);
    qb_pass(&b, S);
    queue_read_counts(b.q, &n);
    assert_int_equal(n.bot_offers, 1);
    /* nor is it one whom a case prefers, or who takes what waits when it comes */
    qb_wait(&b, 5, (struct queue_case){.category = "bag", .preferred = "bot"});
    queue_agent_remove(b.q, SHOP, "bot", b.now_us);
    qb_on(&b, bot, true);
    queue_read_counts(b.q, &n);
    assert_int_equal(n.bot_offers, 1);
    queue_free(b.q);
}

static void test_changes_in_the_midst_of_a_day(void **state)
{
    (void)state;
    static const char *const words[] = {"", "bag", "watch", "shoe"};
    static const char *const tongues[] = {"en", "fr", "zh"};
    struct queue_bench b;
    qb_start(&b);
    qb_on(&b, qb_agent("ann", "bag", "en"), true);
    qb_on(&b, qb_agent("abe", "watch", "fr"), true);
    qb_on(&b, qb_agent("zoe", NULL, "zh"), true);
    for (unsigned i = 0; i < 40; i++)
        qb_wait(&b, i + 1, (struct queue_case){.category = "shoe", .languages = {"fr"}});
    for (unsigned i = 0; i < 2000; i++) {
        uint64_t r = entropy_u64(&b.entropy);
        struct queue_case c = {.tier = r % 4, .priority = (int)(r / 4 % 10)};
        (void)snprintf(c.category, sizeof c.category, "%s", words[r / 64 % 4]);
        (void)snprintf(c.languages[0], sizeof c.languages[0], "%s", tongues[r / 256 % 3]);
        if (r / 1024 % 4 == 0)
            (void)snprintf(c.preferred, sizeof c.preferred, "ann");
        change(&b, (unsigned)(r / 8192 % 40) + 1, c);
        qb_pass(&b, r / 1048576 % (2 * S));
    }
    assert_int_equal(queue_waiting_count(b.q), 40);
    queue_free(b.q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_preferred_agent_first),
        cmocka_unit_test(test_preferred_agent_declines),
        cmocka_unit_test(test_language_widens),
        cmocka_unit_test(test_other_languages_come_behind),
        cmocka_unit_test(test_the_aged_are_not_put_behind),
        cmocka_unit_test(test_language_not_named),
        cmocka_unit_test(test_declined_by_all_who_fit),
        cmocka_unit_test(test_other_teams_last),
        cmocka_unit_test(test_the_least_versatile_first),
        cmocka_unit_test(test_no_head_of_line_blocking),
        cmocka_unit_test(test_a_changed_case_takes_its_new_place),
        cmocka_unit_test(test_a_changed_case_keeps_whom_it_suits),
        cmocka_unit_test(test_changes_in_the_midst_of_a_day),
        cmocka_unit_test(test_a_bot_is_asked_first_and_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
