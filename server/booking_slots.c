// SPDX-License-Identifier: Apache-2.0
/* How a merchant wants bookings, and which times there are for them. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "base/json.h"
#include "server/booking.h"

#define DAY INT64_C(86400)

/* The policy */

static const struct {
    const char *name;
    int64_t least, most, usual;
    unsigned unit_s; /* 0: a number */
    size_t offset;
    const char *why;
} settings[] = {
#define SETTING(name, member, least, most, usual, unit)                                            \
    {                                                                                              \
        name, least, most, usual, unit, offsetof(struct booking_policy, member),                   \
            "`" name "` is a number from " #least " to " #most                                     \
    }
    SETTING("slot_minutes", slot_s, 5, 240, 15, 60),
    SETTING("appointment_minutes", appointment_s, 5, 240, 30, 60),
    SETTING("capacity", capacity, 1, 1000, 0, 0),
    SETTING("ahead_days", ahead_s, 1, 60, 14, 86400),
    SETTING("notice_minutes", notice_s, 0, 10080, 15, 60),
    SETTING("answer_seconds", answer_s, 15, 900, 120, 1),
    SETTING("tries", tries, 1, 10, 3, 0),
    SETTING("retry_minutes", retry_s, 0, 1440, 15, 60),
    SETTING("overflow_seconds", overflow_s, 0, 86400, 600, 1),
};
#define SETTINGS (sizeof settings / sizeof settings[0])

static int longest_first(const void *a, const void *b)
{
    unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;
    return (x < y) - (x > y);
}

static const char *reminders_read(const json_t *list, struct booking_policy *ret)
{
    static const unsigned usual[] = {86400, 3600, 600};
    ret->reminder_count = list ? json_array_size(list) : 3;
    if ((list && !json_is_array(list)) || ret->reminder_count > BOOKING_REMINDERS)
        return "`reminders_minutes` is a list of at most 8 numbers";
    for (size_t i = 0; i < ret->reminder_count; i++) {
        const json_t *v = json_array_get(list, i);
        if (list &&
            (!json_is_integer(v) || json_integer_value(v) < 1 || json_integer_value(v) > 43200))
            return "`reminders_minutes` are numbers from 1 to 43200";
        ret->reminders_s[i] = list ? (unsigned)json_integer_value(v) * 60 : usual[i];
    }
    qsort(ret->reminders_s, ret->reminder_count, sizeof ret->reminders_s[0], longest_first);
    return NULL;
}

const char *booking_policy_read(const json_t *hours, struct booking_policy *ret)
{
    const json_t *o = json_object_get(hours, "bookings");
    size_t members = json_object_get(o, "reminders_minutes") != NULL;
    *ret = (struct booking_policy){.offered = o != NULL};
    if (o && !json_is_object(o))
        return "`bookings` is an object of settings";
    for (size_t i = 0; i < SETTINGS; i++) {
        int64_t n = settings[i].usual;
        members += json_object_get(o, settings[i].name) != NULL;
        if (json_int(o, settings[i].name, settings[i].least, settings[i].most, &n) == ER_MALFORMED)
            return settings[i].why;
        unsigned value = (unsigned)n * (settings[i].unit_s ? settings[i].unit_s : 1);
        memcpy((char *)ret + settings[i].offset, &value, sizeof value);
    }
    if (members != json_object_size(o))
        return "`bookings` has a member that is not known";
    return reminders_read(json_object_get(o, "reminders_minutes"), ret);
}

/* Seats */

struct booking_seats {
    struct booking_span *begin, *end; /* owned; the same, in order of beginning and of end */
    size_t count, begun, ended;
    unsigned capacity, agent; /* agent: how many spans of the agent's are under way */
    unsigned taken;           /* seats */
    unsigned used[LIMIT_BOOKING_SEATS];
};

static int by_begin(const void *a, const void *b)
{
    const struct booking_span *x = a, *y = b;
    return (x->from_s > y->from_s) - (x->from_s < y->from_s);
}

static int by_end(const void *a, const void *b)
{
    const struct booking_span *x = a, *y = b;
    return (x->to_s > y->to_s) - (x->to_s < y->to_s);
}

int booking_seats_new(struct booking_seats **ret, const struct booking_span *taken, size_t count,
                      unsigned capacity)
{
    struct booking_seats *b = calloc(1, sizeof *b);
    *ret = NULL;
    if (b) {
        b->capacity = capacity < LIMIT_BOOKING_SEATS ? capacity : LIMIT_BOOKING_SEATS;
        b->begin = calloc(count + 1, sizeof *b->begin);
        b->end = calloc(count + 1, sizeof *b->end);
    }
    if (!b || !b->begin || !b->end) {
        booking_seats_free(b);
        return ER_NOMEM;
    }
    for (size_t i = 0; i < count; i++) {
        if (taken[i].to_s > taken[i].from_s)
            b->begin[b->count] = b->end[b->count] = taken[i], b->count++;
    }
    qsort(b->begin, b->count, sizeof *b->begin, by_begin);
    qsort(b->end, b->count, sizeof *b->end, by_end);
    *ret = b;
    return 0;
}

void booking_seats_free(struct booking_seats *b)
{
    if (!b)
        return;
    free(b->begin);
    free(b->end);
    free(b);
}

static void take(struct booking_seats *b, const struct booking_span *span)
{
    b->agent += span->agent;
    if (span->seat < b->capacity)
        b->taken += b->used[span->seat]++ == 0;
}

static void give_back(struct booking_seats *b, const struct booking_span *span)
{
    b->agent -= span->agent;
    if (span->seat < b->capacity)
        b->taken -= --b->used[span->seat] == 0;
}

unsigned booking_seats_at(struct booking_seats *b, int64_t from_s, int64_t to_s, int *ret_lowest)
{
    *ret_lowest = -1;
    while (b->begun < b->count && b->begin[b->begun].from_s < to_s)
        take(b, &b->begin[b->begun++]);
    while (b->ended < b->count && b->end[b->ended].to_s <= from_s)
        give_back(b, &b->end[b->ended++]);
    if (b->agent || b->taken == b->capacity)
        return 0;
    do
        ++*ret_lowest;
    while (b->used[*ret_lowest]);
    return b->capacity - b->taken;
}

/* Times */

struct booking_walk booking_walk(const struct hours *h, int64_t from_s, int64_t before_s,
                                 unsigned length_s)
{
    return (struct booking_walk){h, from_s, before_s, length_s, from_s};
}

/** The next time from at_s on that is whole before it closes. */
static bool within(struct booking_walk *w, int64_t *ret_at_s)
{
    while (w->at_s + w->length_s <= w->closes_s && w->at_s < w->before_s) {
        int64_t of_day = hours_local(w->hours, w->at_s) % DAY;
        int64_t over = of_day % w->length_s;
        if (!over) {
            *ret_at_s = w->at_s;
            w->at_s += w->length_s;
            return true;
        }
        int64_t next = of_day - over + w->length_s;
        w->at_s += (next < DAY ? next : DAY) - of_day;
    }
    return false;
}

bool booking_walk_next(struct booking_walk *w, int64_t *ret_at_s)
{
    while (w->at_s < w->before_s) {
        if (w->at_s >= w->closes_s &&
            !hours_next(w->hours, w->at_s, w->before_s, w->before_s + w->length_s, &w->at_s,
                        &w->closes_s))
            return false;
        if (within(w, ret_at_s))
            return true;
        w->at_s = w->closes_s;
    }
    return false;
}
