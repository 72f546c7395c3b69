// SPDX-License-Identifier: Apache-2.0
/* Two days of call-backs and appointments through the whole conductor, in virtual time: buyers who book, move, come, come late
 * or never; agents who decline, let it ring and leave; a restart in between. Nobody is lost, nobody is rung before the
 * time, never more at a time than there are seats. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/er.h"
#include "server/store_audit.h"
#include "server/store_bookings.h"
#include "server/store_hours.h"
#include "tests/unit/support/calls_world.h"
#include "tests/unit/support/zone_file.h"

#define CASES 40
#define AGENTS 3
#define SEATS 3
#define START UINT64_C(1700000000000000)
#define S UINT64_C(1000000)

struct day {
    struct world w;
    struct store_case cases[CASES];
    struct client agents[AGENTS];
    struct client buyers[CASES];
    bool there[CASES], comes[CASES];
    unsigned ids;
    uint64_t seed;
};

static unsigned roll(struct day *d, unsigned below)
{
    d->seed = d->seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return (unsigned)(d->seed >> 33) % below;
}

static void set_hours(struct world *w)
{
    static const char text[] =
        "{\"time_zone\":\"Asia/Shanghai\",\"weekly\":{\"wednesday\":[{\"opens\":\"09:00\","
        "\"closes\":\"12:00\"},{\"opens\":\"13:00\",\"closes\":\"16:00\"}],\"thursday\":[{"
        "\"opens\":"
        "\"09:00\",\"closes\":\"12:00\"}]},\"bookings\":{\"capacity\":3,\"answer_seconds\":60,"
        "\"tries\":2,\"retry_minutes\":15,\"ahead_days\":2},\"grace_minutes\":10}";
    struct store_hours h;
    bool is_new;
    const char *why;
    json_t *body = json_loads(text, 0, NULL);
    assert_int_equal(store_hours_put(w->store, "default", "", body, 0, "sue", 1, &h, &is_new, &why),
                     0);
    store_hours_clear(&h);
    json_decref(body);
    calls_hours_changed(w->calls, NULL, "");
    world_settle(w);
}

struct some {
    int64_t at_s[500];
    size_t count;
};

static void slot(void *ctx, const struct booking_slot *s)
{
    struct some *some = ctx;
    assert_true(s->free > 0 && s->free <= SEATS);
    some->at_s[some->count++] = s->at_s;
}

static void book(struct day *d, size_t i)
{
    struct some some = {.count = 0};
    const uint64_t now_us = d->w.now_us + START;
    const struct booking_ask ask = {.sc = &d->cases[i],
                                    .kind = roll(d, 4) ? BOOKING_CALLBACK : BOOKING_APPOINTMENT,
                                    .agent = roll(d, 3) ? "" : "agent1",
                                    .before_s = INT64_MAX,
                                    .limit = 500,
                                    .now_us = now_us};
    assert_int_equal(store_booking_slots(d->w.store, &ask, slot, &some), 0);
    if (!some.count)
        return;
    struct store_case after;
    struct refusal why = {0};
    bool is_new;
    const struct booker who = {.identity = d->cases[i].buyer, .key = "demo", .now_us = now_us};
    /* what many want: one of the first */
    const struct booking_wish wish = {
        .kind = ask.kind, .agent = ask.agent, .at_s = some.at_s[roll(d, 12) % some.count]};
    assert_int_equal(
        store_booking_put(d->w.store, &d->cases[i].id, &who, &wish, &after, &is_new, &why), 0);
    store_case_clear(&after);
    calls_case_changed(d->w.calls, &d->cases[i].id);
}

/** No time holds more than there are seats, and nobody is in two places. */
static void check_seats(struct day *d)
{
    const json_t *held[CASES];
    struct store_case c[CASES];
    for (size_t i = 0; i < CASES; i++) {
        assert_int_equal(store_case_get(d->w.store, &d->cases[i].id, &c[i]), 0);
        held[i] = json_object_get(c[i].more, "booking");
        held[i] = booking_holds(held[i]) ? held[i] : NULL;
    }
    for (size_t i = 0; i < CASES; i++) {
        int64_t at, ends, other_at, other_ends;
        unsigned same = 0;
        if (!held[i])
            continue;
        assert_int_equal(booking_time_parse(json_string_value(json_object_get(held[i], "at")), &at),
                         0);
        assert_int_equal(
            booking_time_parse(json_string_value(json_object_get(held[i], "ends_at")), &ends), 0);
        for (size_t k = 0; k < CASES; k++) {
            const char *who = json_string_value(json_object_get(held[i], "agent"));
            const char *other = json_string_value(json_object_get(held[k], "agent"));
            if (!held[k] ||
                booking_time_parse(json_string_value(json_object_get(held[k], "at")), &other_at) ||
                booking_time_parse(json_string_value(json_object_get(held[k], "ends_at")),
                                   &other_ends) ||
                at < other_at || at >= other_ends) /* what holds at the moment this one begins */
                continue;
            same++;
            assert_true(k == i || !who || !other || strcmp(who, other) != 0);
        }
        assert_in_range(same, 1, SEATS);
    }
    for (size_t i = 0; i < CASES; i++)
        store_case_clear(&c[i]);
}

/** An agent's turn: offers are taken, mostly; calls end after a while. */
static void agent_turn(struct day *d, struct client *a)
{
    while (client_has(a, "call_offer")) {
        const char *what = roll(d, 8) ? "accept" : "decline";
        if (roll(d, 12) == 0) {
            (void)client_expect(a, "call_offer"); /* lets it ring */
            continue;
        }
        client_say(a, "{'type':'%s','id':'i%u','reservation':'%s'}", what, d->ids++,
                   text_at(client_expect(a, "call_offer"), "reservation"));
    }
    while (client_has(a, "wrap_up"))
        client_say(a, "{'type':'wrap_up','id':'i%u','case':'%s','disposition':'solved'}", d->ids++,
                   text_at(client_expect(a, "wrap_up"), "case"));
    if (client_has(a, "call_started") && roll(d, 90) == 0) {
        client_say(a, "{'type':'hang_up','id':'i%u'}", d->ids++);
        client_say(a, "{'type':'leave','id':'i%u'}", d->ids++);
    }
    if (client_has(a, "call_ended")) {
        client_say(a, "{'type':'leave','id':'i%u'}", d->ids++);
        while (client_has(a, "call_ended"))
            (void)client_expect(a, "call_ended");
        while (client_has(a, "call_started"))
            (void)client_expect(a, "call_started");
    }
    if (roll(d, 60) == 0) /* back from wherever */
        client_say(a, "{'type':'available','id':'i%u','on':true}", d->ids++);
}

static enum booking_state state_of(struct day *d, size_t i)
{
    struct store_case c;
    assert_int_equal(store_case_get(d->w.store, &d->cases[i].id, &c), 0);
    enum booking_state state = booking_state_of(json_object_get(c.more, "booking"));
    store_case_clear(&c);
    return state;
}

/** A buyer's: comes a while after it rings, if at all, and goes when it is over. */
static void buyer_turn(struct day *d, size_t i, enum booking_state state)
{
    if (d->there[i]) {
        if (client_has(&d->buyers[i], "call_ended") || state == BOOKING_BOOKED) {
            client_free(&d->buyers[i]);
            d->there[i] = false;
        }
    } else if (state == BOOKING_RINGING && d->comes[i] && roll(d, 10) == 0) {
        client_hello(&d->buyers[i], &d->w, d->cases[i].buyer, ROLE_BUYER, &d->cases[i].id);
        d->there[i] = true;
    }
}

static void agents_on(struct day *d)
{
    static const char *const names[AGENTS] = {"agent0", "agent1", "agent2"};
    for (size_t i = 0; i < AGENTS; i++) {
        client_hello(&d->agents[i], &d->w, names[i], ROLE_AGENT, NULL);
        client_say(&d->agents[i], "{'type':'available','id':'i%u','on':true}", d->ids++);
    }
}

static void restart(struct day *d)
{
    for (size_t i = 0; i < AGENTS; i++)
        client_free(&d->agents[i]);
    for (size_t i = 0; i < CASES; i++) {
        if (d->there[i])
            client_free(&d->buyers[i]);
        d->there[i] = false;
    }
    world_restart(&d->w);
    agents_on(d);
}

static void run(struct day *d, int64_t until_s, int64_t restart_s)
{
    enum booking_state states[CASES];
    while ((int64_t)((d->w.now_us + START) / S) < until_s) {
        int64_t now_s = (int64_t)((d->w.now_us + START) / S);
        world_pass(&d->w, 1000);
        for (size_t i = 0; i < AGENTS; i++)
            agent_turn(d, &d->agents[i]);
        for (size_t i = 0; now_s % 4 == 0 && i < CASES; i++) {
            states[i] = state_of(d, i);
            buyer_turn(d, i, states[i]);
        }
        if (now_s % 300 == 0)
            check_seats(d);
        size_t other = roll(d, CASES);
        if (restart_s && now_s % 200 == 0 && state_of(d, other) == BOOKING_BOOKED)
            book(d, other); /* some think better of it */
        if (now_s == restart_s)
            restart(d);
    }
}

struct rung {
    int64_t due_s; /* when it was to */
    unsigned early, times;
};

static void tell(void *ctx, const struct store_event *e)
{
    struct rung *r = ctx;
    int64_t at_s;
    json_t *data = json_loads(e->data, 0, NULL);
    const char *at = json_string_value(json_object_get(data, "at"));
    if (strcmp(e->type, "callback_due") == 0 || strcmp(e->type, "appointment_due") == 0) {
        r->times++;
        r->early += (int64_t)(e->at_us / S) < r->due_s;
    } else if (at && booking_time_parse(at, &at_s) == 0) {
        r->due_s = at_s;
    }
    json_decref(data);
}

static void test_day(void **state)
{
    (void)state;
    static struct day d;
    unsigned kept = 0, open = 0, later = 0, rung = 0;
    char name[16];
    memset(&d, 0, sizeof d);
    d.seed = 5;
    world_start(&d.w);
    set_hours(&d.w);
    for (size_t i = 0; i < CASES; i++) {
        (void)snprintf(name, sizeof name, "buyer%zu", i);
        d.cases[i] = world_case(&d.w, name);
        d.comes[i] = roll(&d, 5) > 0;
        book(&d, i);
    }
    check_seats(&d);
    d.w.now_us = (uint64_t)zone_utc("2023-11-15T00:58") * S - START; /* 08:58 there */
    agents_on(&d);
    run(&d, zone_utc("2023-11-15T08:20"), zone_utc("2023-11-15T01:37"));
    restart(&d); /* a night later, with what is left */
    d.w.now_us = (uint64_t)zone_utc("2023-11-16T00:58") * S - START;
    restart(&d);
    run(&d, zone_utc("2023-11-16T04:20"), 0);
    for (size_t i = 0; i < CASES; i++) {
        struct rung r = {0};
        enum booking_state now = state_of(&d, i);
        assert_int_equal(store_events_list(d.w.store, &d.cases[i].id, 0, 1000, tell, &r), 0);
        assert_int_equal(r.early, 0);
        rung += r.times;
        kept += now == BOOKING_KEPT;
        open += now == BOOKING_OPEN;
        later += now == BOOKING_BOOKED && r.due_s >= (int64_t)((d.w.now_us + START) / S);
    }
    print_message("kept %u, open %u, later %u, rung %u\n", kept, open, later, rung);
    assert_int_equal(kept + open + later, CASES); /* nobody is lost */
    assert_true(kept >= CASES / 2 && open > 0 && later < CASES / 4);
    for (size_t i = 0; i < AGENTS; i++)
        client_free(&d.agents[i]);
    for (size_t i = 0; i < CASES; i++) {
        if (d.there[i])
            client_free(&d.buyers[i]);
    }
    struct report report;
    struct store_audit audit = {0};
    assert_int_equal(report_init(&report), 0);
    assert_int_equal(store_audit(d.w.store, &audit, &report), 0);
    assert_int_equal(report.wrong, 0);
    report_clear(&report);
    world_stop(&d.w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_day)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
