// SPDX-License-Identifier: Apache-2.0
/* Opening times, read once, and asked at moments: a day's openings are seconds since its midnight on the wall. */
#include "server/hours.h"

#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "base/json.h"

#define DAY INT64_C(86400)
#define GRACE_S 900

struct opening {
    int32_t from_s, to_s; /* since midnight; to_s beyond a day: on the next one */
};

struct openings {
    struct opening all[LIMIT_HOURS_OPENINGS];
    size_t count;
};

struct closure {
    int64_t first_day, last_day;
    struct openings open;
    const json_t *reason; /* of the document */
};

struct hours {
    json_t *document;
    struct tz *tz;
    struct openings week[7]; /* from Monday on */
    struct closure *closures;
    size_t closure_count;
    unsigned grace_s;
};

static const char *const weekdays[7] = {"monday", "tuesday",  "wednesday", "thursday",
                                        "friday", "saturday", "sunday"};

/* The document */

/** "09:30", up to "24:00"; -1. */
static int32_t time_of_day(const json_t *v)
{
    const char *t = json_string_value(v);
    if (!t || strlen(t) != 5 || t[2] != ':')
        return -1;
    for (size_t i = 0; i < 5; i++) {
        if (i != 2 && (t[i] < '0' || t[i] > '9'))
            return -1;
    }
    int32_t minutes = ((t[0] - '0') * 10 + t[1] - '0') * 60 + (t[3] - '0') * 10 + t[4] - '0';
    return t[3] > '5' || minutes > 1440 ? -1 : minutes * 60;
}

static const char *openings_read(const json_t *list, struct openings *ret)
{
    if (!json_is_array(list) || json_array_size(list) > LIMIT_HOURS_OPENINGS)
        return "openings are a list of at most 8 {\"opens\", \"closes\"}";
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *o = json_array_get(list, i);
        struct opening *to = &ret->all[ret->count++];
        to->from_s = time_of_day(json_object_get(o, "opens"));
        to->to_s = time_of_day(json_object_get(o, "closes"));
        if (to->from_s < 0 || to->from_s >= DAY || to->to_s < 0 || json_object_size(o) != 2)
            return "`opens` and `closes` are times like \"09:30\"; \"24:00\" closes only";
        if (to->to_s <= to->from_s)
            to->to_s += (int32_t)DAY;
        if (i && to->from_s < ret->all[i - 1].to_s)
            return "openings of a day are in order, and do not overlap";
    }
    return NULL;
}

static const char *week_read(struct hours *h, const json_t *weekly)
{
    const char *name;
    json_t *list;
    if (!json_is_object(weekly))
        return "`weekly` is an object of days: \"monday\" to \"sunday\"";
    json_object_foreach((json_t *)(uintptr_t)weekly, name, list)
    {
        size_t i = 0;
        while (i < 7 && strcmp(weekdays[i], name) != 0)
            i++;
        if (i == 7)
            return "days of `weekly` are \"monday\" to \"sunday\"";
        const char *why = openings_read(list, &h->week[i]);
        if (why)
            return why;
    }
    return NULL;
}

static const char *reason_check(const json_t *reason)
{
    const char *language;
    json_t *text;
    if (!json_is_object(reason) || json_object_size(reason) > 16)
        return "`reason` is an object of texts by language, 16 at most";
    json_object_foreach((json_t *)(uintptr_t)reason, language, text)
    {
        if (!language[0] || strlen(language) > 35 || !json_is_string(text) ||
            !json_text(reason, language, LIMIT_NAME))
            return "`reason` is an object of texts of at most 200 bytes by language";
    }
    return NULL;
}

static const char *closure_read(const json_t *o, struct closure *ret)
{
    static const char *const known[] = {"date", "to", "reason", "open"};
    size_t members = 0;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        members += json_object_get(o, known[i]) != NULL;
    if (!json_is_object(o) || members != json_object_size(o))
        return "closures are {\"date\", \"to\"?, \"reason\"?, \"open\"?}";
    if (tz_day_parse(json_string_value(json_object_get(o, "date")), &ret->first_day))
        return "`date` of a closure is one like \"2027-02-06\"";
    ret->last_day = ret->first_day;
    const json_t *to = json_object_get(o, "to");
    if (to && (tz_day_parse(json_string_value(to), &ret->last_day) ||
               ret->last_day < ret->first_day || ret->last_day - ret->first_day > 366))
        return "`to` of a closure is its last day, at most a year after `date`";
    ret->reason = json_object_get(o, "reason");
    const char *why = ret->reason ? reason_check(ret->reason) : NULL;
    const json_t *open = json_object_get(o, "open");
    return why || !open ? why : openings_read(open, &ret->open);
}

static const char *closures_read(struct hours *h, const json_t *list)
{
    const char *why = NULL;
    h->closure_count = json_array_size(list);
    if (!list)
        return NULL;
    if (!json_is_array(list) || h->closure_count > LIMIT_HOURS_CLOSURES)
        return "`closures` is a list of at most 366";
    for (size_t i = 0; !why && i < h->closure_count; i++)
        why = closure_read(json_array_get(list, i), &h->closures[i]);
    return why;
}

static const char *document_read(struct hours *h)
{
    const json_t *d = h->document;
    int64_t minutes = GRACE_S / 60;
    const char *why = week_read(h, json_object_get(d, "weekly"));
    if (!why)
        why = closures_read(h, json_object_get(d, "closures"));
    if (!why && json_int(d, "grace_minutes", 0, 240, &minutes) == ER_MALFORMED)
        why = "`grace_minutes` is a number from 0 to 240";
    h->grace_s = (unsigned)minutes * 60;
    return why;
}

int hours_new(struct hours **ret, json_t *document, struct tz *tz, const char **ret_why)
{
    *ret = NULL;
    *ret_why = NULL;
    struct hours *h = calloc(1, sizeof *h);
    if (h) {
        h->tz = tz;
        h->document = json_incref(document);
        h->closures = calloc(LIMIT_HOURS_CLOSURES, sizeof *h->closures);
    } else {
        tz_free(tz);
    }
    if (!h || !h->closures) {
        hours_free(h);
        return ER_NOMEM;
    }
    *ret_why = document_read(h);
    if (*ret_why) {
        hours_free(h);
        return ER_MALFORMED;
    }
    *ret = h;
    return 0;
}

void hours_free(struct hours *h)
{
    if (!h)
        return;
    json_decref(h->document);
    tz_free(h->tz);
    free(h->closures);
    free(h);
}

const json_t *hours_document(const struct hours *h)
{
    return h->document;
}

unsigned hours_grace_s(const struct hours *h)
{
    return h->grace_s;
}

/* A moment */

static const struct openings *openings_of(const struct hours *h, int64_t day)
{
    for (size_t i = 0; i < h->closure_count; i++) {
        if (day >= h->closures[i].first_day && day <= h->closures[i].last_day)
            return &h->closures[i].open;
    }
    return &h->week[tz_weekday(day)];
}

static int64_t day_of(int64_t local_s)
{
    return local_s / DAY - (local_s % DAY < 0);
}

/** On the clock on the wall. */
static bool open_at(const struct hours *h, int64_t local_s)
{
    int64_t today = day_of(local_s);
    for (int64_t day = today - 1; day <= today; day++) {
        const struct openings *o = openings_of(h, day);
        for (size_t i = 0; i < o->count; i++) {
            if (local_s >= day * DAY + o->all[i].from_s && local_s < day * DAY + o->all[i].to_s)
                return true;
        }
    }
    return false;
}

/** The first time after `local_s` on the wall at which it opens or closes, or else the next midnight. */
static int64_t next_edge(const struct hours *h, int64_t local_s)
{
    int64_t today = day_of(local_s), best = (today + 1) * DAY;
    for (int64_t day = today - 1; day <= today; day++) {
        const struct openings *o = openings_of(h, day);
        for (size_t i = 0; i < o->count; i++) {
            const int64_t edges[] = {day * DAY + o->all[i].from_s, day * DAY + o->all[i].to_s};
            for (size_t k = 0; k < 2; k++)
                best = edges[k] > local_s && edges[k] < best ? edges[k] : best;
        }
    }
    return best;
}

bool hours_open(const struct hours *h, int64_t unix_s)
{
    return open_at(h, unix_s + tz_offset(h->tz, unix_s, NULL));
}

int64_t hours_local(const struct hours *h, int64_t unix_s)
{
    return unix_s + tz_offset(h->tz, unix_s, NULL);
}

/** When it is no longer as it is at `unix_s`; HOURS_NEVER: not before `before_s`. */
static int64_t change_after(const struct hours *h, int64_t unix_s, int64_t before_s)
{
    bool open = hours_open(h, unix_s);
    while (unix_s < before_s) {
        int64_t until_s;
        int32_t offset_s = tz_offset(h->tz, unix_s, &until_s);
        int64_t edge_s = next_edge(h, unix_s + offset_s) - offset_s;
        unix_s = edge_s < until_s ? edge_s : until_s;
        if (unix_s < before_s && hours_open(h, unix_s) != open)
            return unix_s;
    }
    return HOURS_NEVER;
}

bool hours_next(const struct hours *h, int64_t unix_s, int64_t before_s, int64_t seen_s,
                int64_t *ret_from_s, int64_t *ret_to_s)
{
    if (!hours_open(h, unix_s))
        unix_s = change_after(h, unix_s, before_s);
    if (unix_s >= before_s)
        return false;
    *ret_from_s = unix_s;
    *ret_to_s = change_after(h, unix_s, seen_s);
    return true;
}

/** Of the first closure from now until it opens. */
static const json_t *why_closed(const struct hours *h, int64_t unix_s, int64_t opens_s)
{
    const struct closure *first = NULL;
    int64_t from = day_of(unix_s + tz_offset(h->tz, unix_s, NULL)), to = INT64_MAX;
    if (opens_s != HOURS_NEVER)
        to = day_of(opens_s + tz_offset(h->tz, opens_s, NULL));
    for (size_t i = 0; i < h->closure_count; i++) {
        const struct closure *c = &h->closures[i];
        if (c->reason && c->last_day >= from && c->first_day <= to &&
            (!first || c->first_day < first->first_day))
            first = c;
    }
    return first ? first->reason : NULL;
}

static int64_t closed_since(const struct hours *h, int64_t unix_s)
{
    int64_t since_s = 0, from_s, to_s, at_s = unix_s - 2 * DAY;
    while (hours_next(h, at_s, unix_s, unix_s + 1, &from_s, &to_s) && to_s <= unix_s)
        since_s = at_s = to_s;
    return since_s;
}

void hours_at(const struct hours *h, int64_t unix_s, struct hours_state *ret)
{
    *ret = (struct hours_state){.open = hours_open(h, unix_s)};
    ret->until_s = change_after(h, unix_s, unix_s + LIMIT_HOURS_AHEAD_DAYS * DAY);
    if (!ret->open) {
        ret->since_s = closed_since(h, unix_s);
        ret->reason = why_closed(h, unix_s, ret->until_s);
    }
}
