// SPDX-License-Identifier: Apache-2.0
/* The day itself: one deadline for whatever each buyer and each agent does next, the desk between
 * them, and a watch over what must never happen. */
#include "tests/sim/centre.h"

#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "base/heap.h"
#include "base/list.h"
#include "tests/sim/centre_desk.h"

#define NOBODY UINT32_MAX
#define LOOK_BACK 2000u            /* buyers before: no more can be waiting */
#define AGAIN_US (120 * CENTRE_US) /* who let it ring is back after that */
#define OUTAGE_US (30 * CENTRE_US)
#define IN_TIME_US (120 * CENTRE_US)
#define SOUND_EVERY 997u /* steps */
#define WRAP_US (15 * CENTRE_US)

enum act {
    COMES,
    GIVES_UP,
    DROPS,
    COMES_BACK,
    HANGS_UP,
    BEGINS,
    ENDS,
    ANSWERS,
    RETURNS,
    LOSES_LINE,
    HAS_LINE
};

struct timer {
    struct heap_node node;
    enum act act;
    unsigned who;
};

enum fate { NOT_YET, WAITS, ANSWERED, GAVE_UP, WAS_LOST };

struct guest {
    enum fate fate;
    struct timer life, line; /* coming, giving up, hanging up; dropping and coming back */
    uint64_t wait_us;
    unsigned worker, offered_to, offers;
    bool away, other_language;
    int64_t first_ms; /* the wait that was told first; -1: none was */
};

struct staff {
    struct timer shift, answer, line;
    unsigned offer, talks_to, stint;
    bool at_work, answers;
    uint64_t busy_us, since_us;
};

/** A wait that was told, and when. */
struct told {
    unsigned buyer;
    uint64_t at_us;
    int64_t wait_ms;
};

struct centre {
    const struct centre_config *config;
    struct centre_load load;
    struct queue_policy policy;
    struct desk desk;
    struct heap timers;
    struct guest *guests;
    struct staff *staff;
    struct told *tolds;
    size_t told_count, told_size;
    uint64_t now_us, shifts_us;
    struct centre_result *result;
    int er;
};

static void set(struct centre *c, struct timer *t, enum act act, uint64_t at_us)
{
    t->act = act;
    if (heap_set(&c->timers, &t->node, at_us) < 0)
        c->er = ER_NOMEM;
}

static void unset(struct centre *c, struct timer *t)
{
    heap_remove(&c->timers, &t->node);
}

/** A throw of the dice that depends on the case and on how often it was offered, not on the desk. */
static unsigned luck(const struct centre *c, unsigned buyer)
{
    uint64_t z = c->load.buyers[buyer].luck +
                 c->guests[buyer].offers * UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (unsigned)((z ^ (z >> 31)) % 10000);
}

/* What the desk says */

/** Somebody who has waited longer than tier and urgency make up for, and whom this agent could have had. */
static bool passes_over(const struct centre *c, unsigned buyer, unsigned worker)
{
    uint64_t most_us = c->policy.tier_us[QUEUE_TIERS - 1] +
                       QUEUE_URGENCY_MAX * c->policy.urgency_us;
    const struct queue_agent *a = &c->load.workers[worker].info;
    uint64_t came_us = c->load.buyers[buyer].comes_us;
    for (unsigned b = buyer > LOOK_BACK ? buyer - LOOK_BACK : 0; b < buyer; b++) {
        const struct guest *g = &c->guests[b];
        if (g->fate == WAITS && !g->away && g->offered_to == NOBODY && !g->offers &&
            came_us - c->load.buyers[b].comes_us > most_us &&
            centre_skilled(a, &c->load.buyers[b].info) &&
            centre_speaks(a, &c->load.buyers[b].info) && !c->load.buyers[b].info.team[0])
            return true;
    }
    return false;
}

static void on_offer(struct centre *c, const struct desk_event *e)
{
    struct guest *g = &c->guests[e->buyer];
    struct staff *s = &c->staff[e->worker];
    struct centre_result *r = c->result;
    r->offers++;
    r->doubled += g->offered_to != NOBODY || s->offer != NOBODY || g->fate != WAITS;
    r->overloaded += s->talks_to != NOBODY;
    r->overtaken += !c->config->fifo && passes_over(c, e->buyer, e->worker);
    g->other_language = e->other_language;
    r->other_language += e->other_language;
    r->other_team += e->other_team;
    g->offered_to = e->worker;
    s->offer = e->buyer;
    g->offers++;
    unsigned dice = luck(c, e->buyer);
    s->answers = dice >= 500; /* two in a hundred ring out, three are declined */
    if (dice >= 200)
        set(c, &s->answer, ANSWERS, c->now_us + (2 + dice % 7) * CENTRE_US);
}

static void on_told(struct centre *c, const struct desk_event *e)
{
    struct guest *g = &c->guests[e->buyer];
    if (g->fate != WAITS || e->wait_ms < 0)
        return;
    if (g->first_ms < 0)
        g->first_ms = e->wait_ms;
    if (c->told_count == c->told_size) {
        size_t size = c->told_size ? 2 * c->told_size : 65536;
        struct told *tolds = realloc(c->tolds, size * sizeof *tolds);
        if (!tolds) {
            c->er = ER_NOMEM;
            return;
        }
        c->tolds = tolds;
        c->told_size = size;
    }
    c->tolds[c->told_count++] = (struct told){
        .buyer = e->buyer, .at_us = c->now_us, .wait_ms = e->wait_ms};
}

static void gone(struct centre *c, unsigned buyer, enum fate fate)
{
    struct guest *g = &c->guests[buyer];
    g->fate = fate;
    g->wait_us = c->now_us - c->load.buyers[buyer].comes_us;
    unset(c, &g->life);
    unset(c, &g->line);
}

static void listen(struct centre *c)
{
    struct desk_event e;
    while (c->desk.next_event(c->desk.self, &e)) {
        struct staff *s = &c->staff[e.worker];
        switch (e.type) {
        case DESK_OFFER:
            on_offer(c, &e);
            break;
        case DESK_ENDED:
            c->guests[e.buyer].offered_to = s->offer = NOBODY;
            unset(c, &s->answer);
            c->result->rang_out += e.expired;
            c->result->withdrawn += !e.expired;
            break;
        case DESK_AWAY:
            if (s->at_work)
                set(c, &s->answer, RETURNS, c->now_us + AGAIN_US);
            break;
        case DESK_LOST:
            gone(c, e.buyer, WAS_LOST);
            break;
        case DESK_TOLD:
            on_told(c, &e);
            break;
        }
    }
}

/* What people do */

static void answer(struct centre *c, unsigned worker)
{
    struct staff *s = &c->staff[worker];
    unsigned buyer = s->offer;
    struct guest *g = &c->guests[buyer];
    s->offer = g->offered_to = NOBODY;
    if (!s->answers) {
        c->result->declined++;
        c->result->doubled += !c->desk.decline(c->desk.self, worker, c->now_us);
        return;
    }
    uint64_t talks_us = c->load.buyers[buyer].talks_us;
    const struct queue_case *info = &c->load.buyers[buyer].info;
    c->result->preferred_met += strcmp(info->preferred, c->load.workers[worker].info.identity) == 0;
    gone(c, buyer, ANSWERED);
    g->worker = worker;
    s->talks_to = buyer;
    s->since_us = c->now_us;
    c->result->doubled += !c->desk.accept(c->desk.self, worker, c->now_us);
    set(c, &g->life, HANGS_UP, c->now_us + talks_us * (g->other_language ? 5 : 4) / 4);
}

static void hang_up(struct centre *c, unsigned buyer)
{
    unsigned worker = c->guests[buyer].worker;
    struct staff *s = &c->staff[worker];
    s->talks_to = NOBODY;
    s->busy_us += c->now_us - s->since_us + WRAP_US;
    c->desk.call_end(c->desk.self, worker, buyer, c->now_us);
}

static void of_buyer(struct centre *c, const struct timer *t)
{
    const struct centre_buyer *b = &c->load.buyers[t->who];
    struct guest *g = &c->guests[t->who];
    switch (t->act) {
    case COMES:
        g->fate = WAITS;
        set(c, &g->life, GIVES_UP, c->now_us + b->patience_us);
        if (b->drops_after_us)
            set(c, &g->line, DROPS, c->now_us + b->drops_after_us);
        c->desk.wait(c->desk.self, t->who, c->now_us);
        break;
    case GIVES_UP:
        gone(c, t->who, GAVE_UP);
        c->desk.stop(c->desk.self, t->who, c->now_us);
        break;
    case DROPS:
    case COMES_BACK:
        g->away = t->act == DROPS;
        if (g->away)
            set(c, &g->line, COMES_BACK, c->now_us + b->back_after_us);
        c->desk.buyer_present(c->desk.self, t->who, !g->away, c->now_us);
        break;
    default:
        hang_up(c, t->who);
        break;
    }
}

static void of_worker(struct centre *c, const struct timer *t)
{
    const struct centre_worker *w = &c->load.workers[t->who];
    struct staff *s = &c->staff[t->who];
    bool on = t->act == BEGINS || t->act == RETURNS;
    switch (t->act) {
    case BEGINS:
        set(c, &s->shift, ENDS, w->stints[s->stint].until_us);
        break;
    case ENDS:
        if (++s->stint < w->stint_count)
            set(c, &s->shift, BEGINS, w->stints[s->stint].from_us);
        break;
    case ANSWERS:
        answer(c, t->who);
        return;
    case LOSES_LINE:
    case HAS_LINE:
        if (t->act == LOSES_LINE)
            set(c, &s->line, HAS_LINE, c->now_us + OUTAGE_US);
        c->desk.agent_present(c->desk.self, t->who, t->act == HAS_LINE, c->now_us);
        return;
    default:
        break;
    }
    if (t->act != RETURNS)
        s->at_work = on;
    if (!on && s->answer.act == RETURNS)
        unset(c, &s->answer);
    c->desk.agent_set(c->desk.self, t->who, on, c->now_us);
}

/* The day */

static void begin(struct centre *c)
{
    for (unsigned b = 0; b < c->config->calls; b++) {
        c->guests[b] = (struct guest){.first_ms = -1, .offered_to = NOBODY, .worker = NOBODY};
        c->guests[b].life.who = c->guests[b].line.who = b;
        set(c, &c->guests[b].life, COMES, c->load.buyers[b].comes_us);
    }
    for (unsigned a = 0; a < c->config->agents; a++) {
        struct staff *s = &c->staff[a];
        const struct centre_worker *w = &c->load.workers[a];
        *s = (struct staff){.offer = NOBODY, .talks_to = NOBODY};
        s->shift.who = s->answer.who = s->line.who = a;
        for (unsigned i = 0; i < w->stint_count; i++)
            c->shifts_us += w->stints[i].until_us - w->stints[i].from_us;
        set(c, &s->shift, BEGINS, w->stints[0].from_us);
        if (w->outage_us)
            set(c, &s->line, LOSES_LINE, w->outage_us);
    }
}

static void live(struct centre *c)
{
    uint64_t step = 0;
    while (c->er == 0) {
        uint64_t next_us = heap_next_us(&c->timers);
        if (next_us == HEAP_NEVER)
            break;
        uint64_t desk_us = c->desk.deadline_us(c->desk.self);
        c->now_us = desk_us < next_us ? desk_us : next_us;
        c->desk.tick(c->desk.self, c->now_us);
        listen(c);
        struct heap_node *node = heap_pop_due(&c->timers, c->now_us);
        if (node) {
            const struct timer t = *container_of(node, struct timer, node);
            if (t.act <= HANGS_UP)
                of_buyer(c, &t);
            else
                of_worker(c, &t);
            listen(c);
        }
        if (++step % SOUND_EVERY == 0)
            c->result->unsound += !c->desk.is_sound(c->desk.self);
    }
}

/* What it came to */

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double part_of(double *values, size_t count, double share)
{
    if (!count)
        return 0;
    qsort(values, count, sizeof *values, by_size);
    size_t at = (size_t)(share * (double)count);
    return values[at < count ? at : count - 1];
}

/** `tier` QUEUE_TIERS: all of them. */
static void sum_up(struct centre *c, unsigned tier, double *scratch, struct centre_waits *ret)
{
    size_t count = 0;
    for (unsigned b = 0; b < c->config->calls; b++) {
        const struct guest *g = &c->guests[b];
        if (tier != QUEUE_TIERS && c->load.buyers[b].info.tier != tier)
            continue;
        ret->came++;
        ret->answered += g->fate == ANSWERED;
        ret->in_time += g->fate == ANSWERED && g->wait_us <= IN_TIME_US;
        ret->abandoned += g->fate == GAVE_UP;
        ret->lost += g->fate == WAS_LOST;
        c->result->astray += tier == QUEUE_TIERS && (g->fate == NOT_YET || g->fate == WAITS);
        scratch[count++] = (double)g->wait_us / 1e6;
    }
    ret->median_s = part_of(scratch, count, 0.5);
    ret->p90_s = part_of(scratch, count, 0.9);
    ret->longest_s = count ? scratch[count - 1] : 0;
}

static double error_of(double told_s, double was_s)
{
    return was_s > told_s ? (was_s - told_s) / was_s : (told_s - was_s) / was_s;
}

static void sum_up_told(struct centre *c, double *scratch)
{
    size_t count = 0;
    for (unsigned b = 0; b < c->config->calls; b++) {
        const struct guest *g = &c->guests[b];
        if (g->fate == ANSWERED && g->wait_us >= 10 * CENTRE_US && g->first_ms >= 0)
            scratch[count++] = error_of((double)g->first_ms / 1e3, (double)g->wait_us / 1e6);
    }
    c->result->told = (unsigned)count;
    c->result->first_error = part_of(scratch, count, 0.5);
    double *errors = calloc(c->told_count + 1, sizeof *errors);
    if (!errors)
        c->er = ER_NOMEM;
    count = 0;
    for (size_t i = 0; errors && i < c->told_count; i++) {
        const struct told *t = &c->tolds[i];
        const struct guest *g = &c->guests[t->buyer];
        uint64_t until_us = c->load.buyers[t->buyer].comes_us + g->wait_us;
        if (g->fate == ANSWERED && until_us >= t->at_us + 10 * CENTRE_US)
            errors[count++] = error_of((double)t->wait_ms / 1e3,
                                       (double)(until_us - t->at_us) / 1e6);
    }
    c->result->any_error = errors ? part_of(errors, count, 0.5) : 0;
    free(errors);
}

static void report(struct centre *c)
{
    double *scratch = calloc(c->config->calls + 1, sizeof *scratch);
    uint64_t busy_us = 0;
    if (!scratch) {
        c->er = ER_NOMEM;
        return;
    }
    sum_up(c, QUEUE_TIERS, scratch, &c->result->all);
    for (unsigned tier = 0; tier < QUEUE_TIERS; tier++)
        sum_up(c, tier, scratch, &c->result->tiers[tier]);
    sum_up_told(c, scratch);
    for (unsigned a = 0; a < c->config->agents; a++)
        busy_us += c->staff[a].busy_us;
    for (unsigned b = 0; b < c->config->calls; b++)
        c->result->preferred_wanted += c->load.buyers[b].info.preferred[0] != '\0';
    c->result->busy = (double)busy_us / (double)c->shifts_us;
    free(scratch);
}

int centre_run(const struct centre_config *config, struct centre_result *ret)
{
    struct centre c = {.config = config, .result = ret};
    memset(ret, 0, sizeof *ret);
    queue_policy_init(&c.policy);
    if (config->policy)
        c.policy = *config->policy;
    c.policy.wrap_us = WRAP_US;
    c.er = centre_load_new(config, &c.load);
    c.guests = calloc(config->calls, sizeof *c.guests);
    c.staff = calloc(config->agents, sizeof *c.staff);
    if (c.er == 0 && (!c.guests || !c.staff))
        c.er = ER_NOMEM;
    if (c.er == 0)
        c.er = config->fifo ? desk_of_fifo(&c.load, config, &c.policy, &c.desk)
                            : desk_of_queue(&c.load, config, &c.policy, &c.desk);
    if (c.er == 0) {
        begin(&c);
        live(&c);
        report(&c);
        c.desk.free(c.desk.self);
    }
    heap_clear(&c.timers);
    centre_load_free(&c.load);
    free(c.guests);
    free(c.staff);
    free(c.tolds);
    return c.er;
}
