// SPDX-License-Identifier: Apache-2.0
/* Events of all cases, followed: those that are new since the last look. */
#include "server/ctl_events.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/er.h"
#include "base/map.h"
#include "base/str.h"
#include "server/store_feed.h"

#define LATE_US                                                                                    \
    UINT64_C(15000000) /* an event's time is when it was asked for; it may be written later */
#define SPAN_US UINT64_C(3600000000)
#define STEP_EVENTS 500
#define SEEN_EVENTS 1000000

struct ctl_events {
    struct store *s;
    const struct ctl_events_of *of;
    FILE *out;
    struct store_feed_at at; /* looked at up to here */
    uint64_t last_us;        /* of the newest that was printed */
    struct map *seen;        /* within LATE_US before it */
    int count, er;
    size_t given;
};

int ctl_events_new(struct ctl_events **ret, struct store *s, const struct ctl_events_of *of,
                   FILE *out)
{
    struct ctl_events *e = calloc(1, sizeof *e);
    if (!e)
        return ER_NOMEM;
    e->s = s;
    e->of = of;
    e->out = out;
    e->last_us = of->since_us;
    int er = map_new(&e->seen, SEEN_EVENTS, 1);
    if (er) {
        ctl_events_free(e);
        return er;
    }
    *ret = e;
    return 0;
}

static void forget(struct map *m)
{
    size_t cursor = 0;
    void *value;
    while (m && map_next(m, &cursor, NULL, NULL, &value))
        free(value);
    map_free(m);
}

void ctl_events_free(struct ctl_events *e)
{
    if (!e)
        return;
    forget(e->seen);
    free(e);
}

/** Strangers' texts stand in JSON, where no control character is one. */
static void print(struct ctl_events *e, const struct store_event *event, const char *number)
{
    json_t *o = store_event_json(event);
    if (o && e->of->as_json) {
        (void)json_object_set_new(o, "case", json_string(event->case_id.text));
        (void)json_object_set_new(o, "number", json_string(number));
        (void)json_dumpf(o, e->out, JSON_COMPACT | JSON_ENSURE_ASCII);
    } else if (o) {
        char at[CLOCK_TEXT_BYTES];
        json_t *actor = json_string(event->actor);
        clock_format(event->at_us, at);
        (void)fprintf(e->out, "%s %s %llu %s ", at, number, (unsigned long long)event->seq,
                      event->type);
        (void)json_dumpf(actor, e->out, JSON_ENCODE_ANY);
        (void)fputc(' ', e->out);
        (void)json_dumpf(json_object_get(o, "data"), e->out, JSON_COMPACT);
        json_decref(actor);
    }
    (void)fputc('\n', e->out);
    json_decref(o);
}

static void take(void *ctx, const struct store_event *event, const char *number,
                 const char *merchant)
{
    struct ctl_events *e = ctx;
    char key[ID_TEXT_BYTES + 24];
    const struct ctl_events_of *of = e->of;
    e->given++;
    e->at.at_us = event->at_us;
    e->at.case_id = event->case_id;
    e->at.seq = event->seq;
    (void)snprintf(key, sizeof key, "%s/%llu", event->case_id.text, (unsigned long long)event->seq);
    if (e->er || map_get_str(e->seen, key))
        return;
    uint64_t *at = malloc(sizeof *at);
    e->er = at ? map_add_str(e->seen, key, at) : ER_NOMEM;
    if (e->er) {
        free(at);
        return;
    }
    *at = event->at_us;
    if (event->at_us > e->last_us)
        e->last_us = event->at_us;
    if ((of->merchant && strcmp(of->merchant, merchant) != 0) ||
        (of->type && strcmp(of->type, event->type) != 0) ||
        (id_is_set(&of->case_id) && !id_equal(&of->case_id, &event->case_id)))
        return;
    print(e, event, number);
    e->count++;
}

/** What is too old to come once more. */
static void tidy(struct ctl_events *e, uint64_t before_us)
{
    size_t cursor = 0, len;
    const void *key;
    void *value;
    while (map_next(e->seen, &cursor, &key, &len, &value)) {
        if (*(uint64_t *)value >= before_us)
            continue;
        (void)map_remove(e->seen, key, len);
        free(value);
    }
}

int ctl_events_step(struct ctl_events *e)
{
    uint64_t from = e->last_us > LATE_US ? e->last_us - LATE_US : 0;
    if (from < e->of->since_us)
        from = e->of->since_us;
    e->at = (struct store_feed_at){.at_us = from};
    e->count = e->er = 0;
    uint64_t first;
    int er = store_feed_first(e->s, from, &first);
    while (!er && first != UINT64_MAX) {
        e->given = 0;
        er = store_feed(e->s, &e->at, first + SPAN_US, STEP_EVENTS, take, e);
        if (!er)
            er = e->er;
        tidy(e, e->last_us > LATE_US ? e->last_us - LATE_US : 0);
        if (!er && e->given < STEP_EVENTS) { /* that span is over */
            e->at = (struct store_feed_at){.at_us = first + SPAN_US};
            er = store_feed_first(e->s, e->at.at_us, &first);
        }
    }
    if (!er && (fflush(e->out) || ferror(e->out)))
        er = ER_IO;
    return er ? er : e->count;
}
