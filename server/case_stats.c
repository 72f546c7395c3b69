// SPDX-License-Identifier: Apache-2.0
/* Figures of cases. A sum is written as numbers of seven bits a byte, times as pairs of bucket and count. */
#include "server/case_stats.h"

#include <string.h>

#include "base/buf.h"
#include "base/er.h"
#include "base/json.h"
#include "base/str.h"

#define FIRST_MS 1000
#define CELL_VERSION 2 /* 1: without wrap-ups */

/* Times */

/** Where the bucket behind the one that ends here ends. */
static uint64_t next_edge(uint64_t ms)
{
    return ms + ms * 2 / 25;
}

void stats_times_add(struct stats_times *t, uint64_t ms)
{
    unsigned i = 0;
    for (uint64_t edge = FIRST_MS; ms >= edge && i + 1 < STATS_BUCKETS; edge = next_edge(edge))
        i++;
    t->counts[i]++;
    t->count++;
    t->sum_ms += ms;
    if (ms > t->max_ms)
        t->max_ms = ms;
}

uint64_t stats_times_quantile(const struct stats_times *t, unsigned permille)
{
    uint64_t rank = (t->count * permille + 999) / 1000, seen = 0, from = 0, to = FIRST_MS;
    if (t->count <= 1)
        return t->sum_ms;
    for (unsigned i = 0; i < STATS_BUCKETS; i++) {
        seen += t->counts[i];
        if (seen >= rank)
            break;
        from = to;
        to = next_edge(to);
    }
    uint64_t middle = (from + to) / 2;
    return middle < t->max_ms ? middle : t->max_ms;
}

static void times_merge(struct stats_times *into, const struct stats_times *more)
{
    into->count += more->count;
    into->sum_ms += more->sum_ms;
    if (more->max_ms > into->max_ms)
        into->max_ms = more->max_ms;
    for (unsigned i = 0; i < STATS_BUCKETS; i++)
        into->counts[i] += more->counts[i];
}

void stats_cell_add(struct stats_cell *into, const struct stats_cell *more)
{
    for (unsigned i = 0; i < STATS_COUNTS; i++)
        into->counts[i] += more->counts[i];
    times_merge(&into->wait, &more->wait);
    times_merge(&into->handling, &more->handling);
    times_merge(&into->wrap_up, &more->wrap_up);
}

/* Bytes */

static void put_number(struct wr *w, uint64_t n)
{
    for (; n >= 0x80; n >>= 7)
        wr_u8(w, (uint8_t)(n | 0x80));
    wr_u8(w, (uint8_t)n);
}

static uint64_t get_number(struct rd *r)
{
    uint64_t n = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t byte = rd_u8(r);
        n |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return n;
    }
    r->bad = true;
    return 0;
}

static void times_write(struct wr *w, const struct stats_times *t)
{
    uint64_t pairs = 0;
    for (unsigned i = 0; i < STATS_BUCKETS; i++)
        pairs += t->counts[i] > 0;
    put_number(w, t->sum_ms);
    put_number(w, t->max_ms);
    put_number(w, pairs);
    for (unsigned i = 0; i < STATS_BUCKETS; i++) {
        if (t->counts[i]) {
            wr_u8(w, (uint8_t)i);
            put_number(w, t->counts[i]);
        }
    }
}

static void times_read(struct rd *r, struct stats_times *into)
{
    into->sum_ms += get_number(r);
    uint64_t max_ms = get_number(r), pairs = get_number(r);
    if (max_ms > into->max_ms)
        into->max_ms = max_ms;
    for (uint64_t i = 0; i < pairs && !r->bad; i++) {
        unsigned bucket = rd_u8(r);
        uint64_t n = get_number(r);
        if (bucket >= STATS_BUCKETS || n > UINT32_MAX) {
            r->bad = true;
            return;
        }
        into->counts[bucket] += (uint32_t)n;
        into->count += n;
    }
}

size_t stats_cell_write(const struct stats_cell *c, uint8_t ret[STATS_CELL_BYTES])
{
    struct wr w = wr_make(ret, STATS_CELL_BYTES);
    wr_u8(&w, CELL_VERSION);
    wr_u8(&w, STATS_COUNTS);
    for (unsigned i = 0; i < STATS_COUNTS; i++)
        put_number(&w, c->counts[i]);
    times_write(&w, &c->wait);
    times_write(&w, &c->handling);
    times_write(&w, &c->wrap_up);
    return wr_len(&w);
}

int stats_cell_read(struct stats_cell *into, const void *bytes, size_t len)
{
    struct rd r = rd_make(bytes, len);
    unsigned version = rd_u8(&r);
    if (version < 1 || version > CELL_VERSION)
        return ER_MALFORMED;
    unsigned counts = rd_u8(&r);
    for (unsigned i = 0; i < counts && !r.bad; i++) {
        uint64_t n = get_number(&r);
        if (i < STATS_COUNTS)
            into->counts[i] += n;
    }
    times_read(&r, &into->wait);
    times_read(&r, &into->handling);
    if (version > 1)
        times_read(&r, &into->wrap_up);
    return r.bad || rd_left(&r) ? ER_MALFORMED : 0;
}

/* What events add */

struct taking {
    struct stats_case *c;
    uint64_t at_us;
    const json_t *data;
    struct stats_delta *deltas;
    size_t count;
};

static struct stats_cell *delta_at(struct taking *t, uint64_t at_us)
{
    struct stats_delta *d = &t->deltas[t->count++];
    *d = (struct stats_delta){.at_us = at_us};
    memcpy(d->agent, t->c->agent, sizeof d->agent);
    return &d->cell;
}

static void count(struct taking *t, enum stats_count what)
{
    delta_at(t, t->at_us)->counts[what] = 1;
}

/** As much of a text as a key takes, whole characters. */
static void key_put(char ret[STATS_KEY_BYTES], const json_t *v)
{
    const char *text = json_string_value(v);
    size_t len = text ? strlen(text) : 0, taken = 0, step;
    uint32_t code;
    while (taken < len && (step = utf8_next(text + taken, len - taken, &code)) &&
           taken + step < STATS_KEY_BYTES)
        taken += step;
    memcpy(ret, text ? text : "", taken);
    ret[taken] = '\0';
}

static void key_copy(char ret[STATS_KEY_BYTES], const json_t *data, const char *member)
{
    key_put(ret, json_object_get(data, member));
}

static void on_opened(struct taking *t)
{
    const json_t *facts = json_object_get(t->data, "facts");
    key_copy(t->c->team, facts, "team");
    key_copy(t->c->reason, facts, "reason");
    count(t, STATS_OPENED);
}

/** What comes counts by what the case is now: each change has `from` and `to`, one that is not known left out. */
static void on_changed(struct taking *t)
{
    const json_t *changes = json_object_get(t->data, "changes");
    const json_t *team = json_object_get(changes, "team");
    const json_t *reason = json_object_get(changes, "reason");
    if (team)
        key_put(t->c->team, json_object_get(team, "to"));
    if (reason)
        key_put(t->c->reason, json_object_get(reason, "to"));
}

static void on_waiting(struct taking *t)
{
    if (t->c->waiting_us)
        return;
    t->c->waiting_us = t->at_us;
    count(t, STATS_WAITS);
}

/** NULL: nobody waited. */
static struct stats_cell *wait_over(struct taking *t, uint64_t *ret_ms)
{
    uint64_t since = t->c->waiting_us;
    t->c->waiting_us = 0;
    if (!since)
        return NULL;
    *ret_ms = t->at_us > since ? (t->at_us - since) / 1000 : 0;
    return delta_at(t, since);
}

static void on_waiting_stopped(struct taking *t)
{
    uint64_t ms;
    struct stats_cell *cell = wait_over(t, &ms);
    if (cell)
        cell->counts[STATS_ABANDONED] = 1;
}

static void on_call_started(struct taking *t)
{
    uint64_t ms;
    t->c->bot = json_is_true(json_object_get(t->data, "bot"));
    t->c->call_us = t->at_us;
    if (t->c->bot) {
        count(t, STATS_BOT_CALLS);
        return;
    }
    key_copy(t->c->agent, t->data, "agent");
    struct stats_cell *cell = wait_over(t, &ms);
    if (cell) {
        stats_times_add(&cell->wait, ms);
        cell->counts[STATS_ANSWERED_2MIN] = ms <= STATS_SOON_MS;
    }
    count(t, STATS_CALLS);
}

/** A call of the bot that passes nobody on. */
static void bot_ended(struct taking *t)
{
    const char *reason = json_string_value(json_object_get(t->data, "reason"));
    t->c->bot = false;
    t->c->call_us = 0;
    if (reason && strcmp(reason, "transferred") == 0)
        return;
    t->c->waiting_us = 0;
    count(t, STATS_BOT_ENDED);
}

static uint64_t span_ms(uint64_t from_us, uint64_t to_us)
{
    return to_us > from_us ? (to_us - from_us) / 1000 : 0;
}

/** Counts the call of the n-th that is owed, which it is not any more. */
static void owed_over(struct taking *t, size_t n, bool given)
{
    struct stats_owed o = t->c->owed[n];
    memmove(&t->c->owed[n], &t->c->owed[n + 1], (STATS_OWED - n - 1) * sizeof o);
    t->c->owed[STATS_OWED - 1] = (struct stats_owed){0};
    struct stats_cell *cell = delta_at(t, o.call_us);
    memcpy(t->deltas[t->count - 1].agent, o.agent, sizeof o.agent);
    uint64_t wrap_ms = given ? span_ms(o.ended_us, t->at_us) : 0;
    stats_times_add(&cell->handling, span_ms(o.call_us, o.ended_us) + wrap_ms);
    if (given)
        stats_times_add(&cell->wrap_up, wrap_ms);
}

/** STATS_OWED: none. */
static size_t owed_find(const struct stats_case *c, const char *agent)
{
    size_t i = 0;
    while (i < STATS_OWED && strcmp(c->owed[i].agent, agent) != 0)
        i++;
    return i;
}

/** The call counts when its wrap-up is given, or when it is plain that there will be none. */
static void owe(struct taking *t, const struct stats_owed *owed)
{
    size_t same = owed_find(t->c, owed->agent), free = owed_find(t->c, "");
    if (same < STATS_OWED || free == STATS_OWED) {
        owed_over(t, same < STATS_OWED ? same : 0, false);
        free = owed_find(t->c, "");
    }
    t->c->owed[free] = *owed;
}

static void on_call_ended(struct taking *t)
{
    uint64_t since = t->c->call_us;
    struct stats_owed owed = {.call_us = since, .ended_us = t->at_us};
    if (t->c->bot) {
        bot_ended(t);
        return;
    }
    t->c->call_us = 0;
    key_copy(owed.agent, json_object_get(t->data, "wrap_up"), "agent");
    if (since && owed.agent[0])
        owe(t, &owed);
    else if (since)
        stats_times_add(&delta_at(t, since)->handling, span_ms(since, t->at_us));
}

static void wrap_over(struct taking *t, bool given)
{
    char agent[STATS_KEY_BYTES];
    key_copy(agent, t->data, "agent");
    size_t i = agent[0] ? owed_find(t->c, agent) : STATS_OWED;
    if (i < STATS_OWED)
        owed_over(t, i, given);
}

static void on_wrapped_up(struct taking *t)
{
    wrap_over(t, true);
}

static void on_wrap_lapsed(struct taking *t)
{
    wrap_over(t, false);
}

/** Each of the two agents has the part of the call that was theirs. */
static void on_taken_over(struct taking *t)
{
    bool in_call = t->c->call_us > 0;
    if (t->c->bot) { /* an agent has come */
        on_call_started(t);
        return;
    }
    on_call_ended(t);
    key_copy(t->c->agent, t->data, "agent");
    t->c->call_us = in_call ? t->at_us : 0;
}

static void on_solved(struct taking *t)
{
    if (!t->c->solved)
        count(t, STATS_SOLVED);
    t->c->solved = true;
}

static void on_closed(struct taking *t)
{
    count(t, STATS_CLOSED);
}

static void on_cancelled(struct taking *t)
{
    on_waiting_stopped(t);
    count(t, STATS_CANCELLED);
}

static void on_reopened(struct taking *t)
{
    t->c->solved = false;
    count(t, STATS_REOPENED);
}

static void on_rated(struct taking *t)
{
    json_int_t score = json_integer_value(json_object_get(t->data, "score"));
    const json_t *resolved = json_object_get(t->data, "resolved");
    if (score < 1 || score > 5)
        return;
    struct stats_cell *cell = delta_at(t, t->at_us);
    cell->counts[STATS_SCORE_1 + score - 1] = 1;
    cell->counts[STATS_RESOLVED] = json_is_true(resolved);
    cell->counts[STATS_UNRESOLVED] = json_is_false(resolved);
}

static void on_clip(struct taking *t)
{
    count(t, STATS_CLIPS);
}

static const struct {
    const char *type;
    void (*take)(struct taking *t);
} types[] = {
#define ROW(type, take) {#type, take},
    STATS_TYPES(ROW)
#undef ROW
};
#define TYPES (sizeof types / sizeof types[0])

static size_t type_find(const char *type)
{
    size_t i = 0;
    while (i < TYPES && strcmp(types[i].type, type) != 0)
        i++;
    return i;
}

bool stats_counts_type(const char *type)
{
    return type_find(type) < TYPES;
}

size_t stats_case_take(struct stats_case *c, const char *type, uint64_t at_us, const json_t *data,
                       struct stats_delta ret[STATS_DELTAS])
{
    struct taking t = {.c = c, .at_us = at_us, .data = data, .deltas = ret};
    size_t i = type_find(type);
    if (i < TYPES)
        types[i].take(&t);
    return t.count;
}
