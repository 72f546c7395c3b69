// SPDX-License-Identifier: Apache-2.0
/* Lanes that are taken, webhooks in trouble, and how long to wait after a failure. */
#include "server/hooks.h"

#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "base/limits.h"
#include "base/map.h"

#define SECOND UINT64_C(1000000)

/* After the first failure, the second, ..; the last one again and again. Spread by a tenth. */
static const unsigned waits_s[] = {5, 30, 120, 600, 1800, 3600, 7200, 14400, 28800};
#define WAITS (sizeof waits_s / sizeof waits_s[0])

/* A webhook that fails is left alone, too: 1 s, 2 s, 4 s, .., then asked by one lane alone. */
#define PAUSE_MOST_S 60
#define RETRY_AFTER_MOST_S 3600

/* Once half of the flights are out, a webhook has so many at once: those that answer late leave room to others. */
#define PARALLEL_LATE 2

struct trouble {
    struct id hook;
    unsigned failures; /* one after the other */
    uint64_t until_us;
};

struct hooks {
    struct entropy entropy;
    struct hook_lane flights[LIMIT_HOOK_FLIGHTS];
    size_t flight_count;
    struct map *troubles; /* by the webhook's id */
};

struct hooks_room {
    uint64_t now_us;
    struct hook_lane flights[LIMIT_HOOK_FLIGHTS];
    size_t flight_count;
    size_t trouble_count;
    struct trouble troubles[];
};

int hooks_new(struct hooks **ret, const struct entropy *entropy)
{
    struct hooks *h = calloc(1, sizeof *h);
    if (!h)
        return ER_NOMEM;
    h->entropy = *entropy;
    int er = map_new(&h->troubles, LIMIT_HOOK_TROUBLED, entropy_u64(entropy));
    if (er) {
        hooks_free(h);
        return er;
    }
    *ret = h;
    return 0;
}

void hooks_free(struct hooks *h)
{
    if (!h)
        return;
    size_t cursor = 0;
    void *value;
    while (h->troubles && map_next(h->troubles, &cursor, NULL, NULL, &value))
        free(value);
    map_free(h->troubles);
    free(h);
}

static bool lane_equal(const struct hook_lane *a, const struct hook_lane *b)
{
    return id_equal(&a->hook, &b->hook) && id_equal(&a->case_id, &b->case_id);
}

int hooks_room_new(struct hooks_room **ret, const struct hooks *h, uint64_t now_us)
{
    size_t count = map_count(h->troubles), cursor = 0;
    void *value;
    struct hooks_room *r = calloc(1, sizeof *r + count * sizeof r->troubles[0]);
    if (!r)
        return ER_NOMEM;
    r->now_us = now_us;
    r->flight_count = h->flight_count;
    memcpy(r->flights, h->flights, sizeof r->flights);
    while (map_next(h->troubles, &cursor, NULL, NULL, &value))
        r->troubles[r->trouble_count++] = *(const struct trouble *)value;
    *ret = r;
    return 0;
}

void hooks_room_free(struct hooks_room *r)
{
    free(r);
}

size_t hooks_room_taken(const struct hooks_room *r, const struct id *hook)
{
    size_t taken = 0;
    for (size_t i = 0; i < r->flight_count; i++)
        taken += id_equal(&r->flights[i].hook, hook);
    return taken;
}

size_t hooks_room_for(const struct hooks_room *r, const struct id *hook)
{
    size_t all = LIMIT_HOOK_FLIGHTS - r->flight_count;
    size_t most = r->flight_count < LIMIT_HOOK_FLIGHTS / 2 ? LIMIT_HOOK_PARALLEL : PARALLEL_LATE;
    if (!id_is_set(hook))
        return all;
    for (size_t i = 0; i < r->trouble_count; i++) {
        if (id_equal(&r->troubles[i].hook, hook))
            most = r->troubles[i].until_us > r->now_us ? 0 : 1;
    }
    size_t taken = hooks_room_taken(r, hook);
    size_t left = taken < most ? most - taken : 0;
    return left < all ? left : all;
}

bool hooks_room_is_taken(const struct hooks_room *r, const struct hook_lane *lane)
{
    for (size_t i = 0; i < r->flight_count; i++) {
        if (lane_equal(&r->flights[i], lane))
            return true;
    }
    return false;
}

void hooks_room_take(struct hooks_room *r, const struct hook_lane *lane)
{
    r->flights[r->flight_count++] = *lane;
}

int hooks_sent(struct hooks *h, const struct hook_lane *lane)
{
    for (size_t i = 0; i < h->flight_count; i++) {
        if (lane_equal(&h->flights[i], lane))
            return ER_CONFLICT;
    }
    if (h->flight_count == LIMIT_HOOK_FLIGHTS)
        return ER_FULL;
    h->flights[h->flight_count++] = *lane;
    return 0;
}

void hooks_settled(struct hooks *h, const struct hook_lane *lane)
{
    for (size_t i = 0; i < h->flight_count; i++) {
        if (!lane_equal(&h->flights[i], lane))
            continue;
        h->flights[i] = h->flights[--h->flight_count];
        return;
    }
}

/** `s` seconds from now, a tenth of it more or less. */
static uint64_t spread(struct hooks *h, uint64_t now_us, uint64_t s)
{
    uint64_t tenth = s * SECOND / 10;
    return now_us + s * SECOND - tenth + (tenth ? entropy_u64(&h->entropy) % (2 * tenth) : 0);
}

static void trouble_end(struct hooks *h, const struct id *hook)
{
    free(map_remove_str(h->troubles, hook->text));
}

static void trouble_add(struct hooks *h, const struct hook_answer *a, uint64_t now_us,
                        uint64_t retry_after_s)
{
    struct trouble *t = map_get_str(h->troubles, a->lane.hook.text);
    if (!t) {
        t = calloc(1, sizeof *t);
        if (!t)
            return;
        t->hook = a->lane.hook;
        if (map_add_str(h->troubles, t->hook.text, t)) {
            free(t);
            return;
        }
    }
    uint64_t pause_s = t->failures < 6 ? UINT64_C(1) << t->failures : PAUSE_MOST_S;
    t->failures++;
    if (pause_s < retry_after_s)
        pause_s = retry_after_s;
    uint64_t until_us = spread(h, now_us, pause_s);
    if (until_us > t->until_us)
        t->until_us = until_us;
}

struct hook_verdict hooks_answered(struct hooks *h, const struct hook_answer *a, uint64_t now_us)
{
    struct hook_verdict v = {.fate = HOOK_RETRY};
    bool test = !id_is_set(&a->lane.case_id);
    uint64_t last_us = a->since_us + LIMIT_HOOK_TRY_SECONDS * SECOND;
    if (a->status >= 200 && a->status < 300) {
        trouble_end(h, &a->lane.hook);
        v.fate = HOOK_DELIVERED;
    } else if (a->status == 410) {
        trouble_end(h, &a->lane.hook);
        v.fate = HOOK_GONE;
    }
    if (v.fate != HOOK_RETRY)
        return v;
    uint64_t asked_s = a->retry_after_s < RETRY_AFTER_MOST_S ? a->retry_after_s
                                                             : RETRY_AFTER_MOST_S;
    trouble_add(h, a, now_us, asked_s);
    if (test || now_us >= last_us) {
        v.fate = HOOK_DEAD;
        return v;
    }
    uint64_t wait_s = waits_s[a->attempts < WAITS ? a->attempts : WAITS - 1];
    v.next_us = spread(h, now_us, wait_s > asked_s ? wait_s : asked_s);
    if (v.next_us > last_us)
        v.next_us = last_us;
    return v;
}

size_t hooks_flights(const struct hooks *h)
{
    return h->flight_count;
}

size_t hooks_troubled(const struct hooks *h)
{
    return map_count(h->troubles);
}
