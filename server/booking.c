// SPDX-License-Identifier: Apache-2.0
/* Bookings, told by events. */
#include "server/booking.h"

#include <string.h>

#include "base/clock.h"
#include "base/er.h"
#include "base/json.h"

#define S UINT64_C(1000000)

static const char *const kinds[BOOKING_KINDS] = {"callback", "appointment", "message"};
static const char *const states[BOOKING_STATES] = {"booked", "ringing", "open",
                                                   "kept",   "done",    "cancelled"};

const char *booking_kind_name(enum booking_kind kind)
{
    return (unsigned)kind < BOOKING_KINDS ? kinds[kind] : "unknown";
}

int booking_kind_parse(const char *name, enum booking_kind *ret)
{
    for (unsigned i = 0; name && i < BOOKING_KINDS; i++) {
        if (strcmp(kinds[i], name) == 0) {
            *ret = (enum booking_kind)i;
            return 0;
        }
    }
    return ER_NOT_FOUND;
}

const char *booking_state_name(enum booking_state state)
{
    return (unsigned)state < BOOKING_STATES ? states[state] : "unknown";
}

enum booking_state booking_state_of(const json_t *booking)
{
    const char *name = json_string_value(json_object_get(booking, "state"));
    for (unsigned i = 0; name && i < BOOKING_STATES; i++) {
        if (strcmp(states[i], name) == 0)
            return (enum booking_state)i;
    }
    return BOOKING_STATES;
}

enum booking_kind booking_kind_of(const json_t *booking)
{
    enum booking_kind kind = BOOKING_KINDS;
    (void)booking_kind_parse(json_string_value(json_object_get(booking, "kind")), &kind);
    return kind;
}

bool booking_is_live(const json_t *booking)
{
    return booking_state_of(booking) <= BOOKING_OPEN;
}

bool booking_holds(const json_t *booking)
{
    return booking_state_of(booking) <= BOOKING_RINGING;
}

/* Events */

static int put_state(json_t *b, enum booking_state state)
{
    return json_object_set_new(b, "state", json_string(states[state]));
}

static int put_time(json_t *b, const char *name, uint64_t at_us)
{
    char text[CLOCK_TEXT_BYTES];
    clock_format(at_us, text);
    return json_object_set_new(b, name, json_string(text));
}

/** What the event says of it; what it does not say is gone. */
static int take_all(json_t *b, const json_t *data)
{
    static const char *const members[] = {"kind", "note",  "at",    "ends_at",  "pool",
                                          "seat", "agent", "skill", "reminders"};
    int bad = 0;
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        json_t *v = json_object_get(data, members[i]);
        if (v)
            bad |= json_object_set(b, members[i], v);
        else
            (void)json_object_del(b, members[i]);
    }
    (void)json_object_del(b, "reminded");
    return bad |
           put_state(b, booking_kind_of(b) == BOOKING_MESSAGE ? BOOKING_OPEN : BOOKING_BOOKED);
}

static int made(json_t *b, const json_t *data, const char *actor, uint64_t at_us)
{
    return take_all(b, data) | json_object_set(b, "id", json_object_get(data, "booking")) |
           json_object_set_new(b, "tries", json_integer(0)) |
           json_object_set_new(b, "booked_by", json_string(actor)) |
           put_time(b, "booked_at", at_us) | put_time(b, "set_at", at_us);
}

static int moved(json_t *b, const json_t *data, const char *actor, uint64_t at_us)
{
    (void)actor;
    return take_all(b, data) | put_time(b, "set_at", at_us);
}

static int reminded(json_t *b, const json_t *data, const char *actor, uint64_t at_us)
{
    (void)actor;
    (void)at_us;
    return json_object_set(b, "reminded", json_object_get(data, "before_seconds"));
}

static int due(json_t *b, const json_t *data, const char *actor, uint64_t at_us)
{
    (void)actor;
    (void)at_us;
    return json_object_set(b, "tries", json_object_get(data, "try")) |
           put_state(b, BOOKING_RINGING);
}

static int missed(json_t *b, const json_t *data, const char *actor, uint64_t at_us)
{
    static const char *const members[] = {"at", "ends_at", "pool", "seat"};
    (void)actor;
    bool again = json_object_get(data, "at") != NULL;
    int bad = put_time(b, "set_at", at_us) | put_state(b, again ? BOOKING_BOOKED : BOOKING_OPEN);
    for (size_t i = 0; again && i < sizeof members / sizeof members[0]; i++) {
        json_t *v = json_object_get(data, members[i]);
        bad |= v ? json_object_set(b, members[i], v) : 0;
    }
    return bad;
}

static int kept(json_t *b, const json_t *data, const char *actor, uint64_t at_us)
{
    (void)actor;
    (void)at_us;
    return json_object_set(b, "kept_by", json_object_get(data, "agent")) |
           put_state(b, BOOKING_KEPT);
}

static int done(json_t *b, const json_t *data, const char *actor, uint64_t at_us)
{
    (void)data;
    (void)actor;
    (void)at_us;
    return put_state(b, BOOKING_DONE);
}

static int cancelled(json_t *b, const json_t *data, const char *actor, uint64_t at_us)
{
    (void)data;
    (void)actor;
    (void)at_us;
    return put_state(b, BOOKING_CANCELLED);
}

typedef int teller(json_t *b, const json_t *data, const char *actor, uint64_t at_us);
static const struct {
    const char *type;
    teller *tell;
} tellers[] = {
    {"booking_made", made}, {"booking_moved", moved}, {"booking_reminder", reminded},
    {"callback_due", due},  {"appointment_due", due}, {"booking_missed", missed},
    {"booking_kept", kept}, {"booking_done", done},   {"booking_cancelled", cancelled},
};

static teller *teller_of(const char *type)
{
    for (size_t i = 0; i < sizeof tellers / sizeof tellers[0]; i++) {
        if (strcmp(tellers[i].type, type) == 0)
            return tellers[i].tell;
    }
    return NULL;
}

bool booking_event_is(const char *type)
{
    return teller_of(type) != NULL;
}

int booking_tell(json_t **booking, const char *type, const json_t *data, const char *actor,
                 uint64_t at_us)
{
    teller *tell = teller_of(type);
    if (!tell)
        return 0;
    const json_t *id = json_object_get(data, "booking");
    if (tell != made && (!*booking || !json_equal(id, json_object_get(*booking, "id"))))
        return 0;
    json_t *b = tell == made ? json_object() : json_copy(*booking);
    if (!b || tell(b, data, actor, at_us)) {
        json_decref(b);
        return ER_NOMEM;
    }
    json_decref(*booking);
    *booking = b;
    return 0;
}

/* Time */

static bool digits(const char *at, size_t count, unsigned max, unsigned *ret)
{
    *ret = 0;
    for (size_t i = 0; i < count; i++) {
        if (at[i] < '0' || at[i] > '9')
            return false;
        *ret = *ret * 10 + (unsigned)(at[i] - '0');
    }
    return *ret <= max;
}

int booking_time_parse(const char *text, int64_t *ret_s)
{
    char date[11];
    int64_t day;
    unsigned h, m, s, oh = 0, om = 0;
    if (!text || strlen(text) < 20 || (text[10] != 'T' && text[10] != 't') || text[13] != ':' ||
        text[16] != ':')
        return ER_MALFORMED;
    memcpy(date, text, 10);
    date[10] = '\0';
    if (tz_day_parse(date, &day) || !digits(text + 11, 2, 23, &h) ||
        !digits(text + 14, 2, 59, &m) || !digits(text + 17, 2, 59, &s))
        return ER_MALFORMED;
    const char *at = text + 19;
    if (*at == '.')
        at += 1 + strspn(at + 1, "0123456789");
    bool zulu = (*at == 'Z' || *at == 'z') && !at[1];
    bool ahead = *at == '+', behind = *at == '-';
    if (!zulu && (!(ahead || behind) || strlen(at) != 6 || at[3] != ':' ||
                  !digits(at + 1, 2, 23, &oh) || !digits(at + 4, 2, 59, &om)))
        return ER_MALFORMED;
    int64_t offset_s = (int64_t)(oh * 3600 + om * 60) * (behind ? -1 : 1);
    *ret_s = day * 86400 + h * 3600 + m * 60 + s - (zulu ? 0 : offset_s);
    return 0;
}

static uint64_t us_of(const json_t *b, const char *member)
{
    int64_t at_s;
    if (booking_time_parse(json_string_value(json_object_get(b, member)), &at_s) || at_s < 0)
        return 0;
    return (uint64_t)at_s * S;
}

/** When the i-th reminder is to come; 0: not any more, or it would have been before the booking was made. */
static uint64_t reminder_us(const json_t *b, size_t i, uint64_t *ret_before_s)
{
    const json_t *all = json_object_get(b, "reminders");
    const json_t *last = json_object_get(b, "reminded");
    uint64_t at_us = us_of(b, "at");
    uint64_t before_s = (uint64_t)json_integer_value(json_array_get(all, i));
    *ret_before_s = before_s;
    if (!before_s || before_s * S >= at_us || at_us - before_s * S <= us_of(b, "set_at") ||
        (last && before_s >= (uint64_t)json_integer_value(last)))
        return 0;
    return at_us - before_s * S;
}

uint64_t booking_next_us(const json_t *booking)
{
    uint64_t before_s, next_us = us_of(booking, "at");
    if (booking_state_of(booking) != BOOKING_BOOKED)
        return 0;
    for (size_t i = 0; i < json_array_size(json_object_get(booking, "reminders")); i++) {
        uint64_t at_us = reminder_us(booking, i, &before_s);
        next_us = at_us && at_us < next_us ? at_us : next_us;
    }
    return next_us;
}

enum booking_due booking_due(const json_t *booking, uint64_t now_us, uint64_t *ret_before_s)
{
    enum booking_due what = BOOKING_NOTHING;
    *ret_before_s = 0;
    if (booking_state_of(booking) != BOOKING_BOOKED)
        return BOOKING_NOTHING;
    if (us_of(booking, "at") <= now_us)
        return BOOKING_RING;
    for (size_t i = 0; i < json_array_size(json_object_get(booking, "reminders")); i++) {
        uint64_t before_s, at_us = reminder_us(booking, i, &before_s);
        if (at_us && at_us <= now_us && (what == BOOKING_NOTHING || before_s < *ret_before_s)) {
            what = BOOKING_REMINDER;
            *ret_before_s = before_s;
        }
    }
    return what;
}
