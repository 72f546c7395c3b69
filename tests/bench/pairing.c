// SPDX-License-Identifier: Apache-2.0
/* A full queue, and its decisions one at a time. */
#include "tests/bench/pairing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/er.h"
#include "signaling/pairing/queue.h"

#define START_US UINT64_C(1000000000)
#define STEP_US 50000 /* between decisions, in the queue's time */
#define AGENTS_MAX 4000u
#define MERCHANT "centre"

enum kind { COMES, HANGS_UP, ACCEPTS, DECLINES, FINDS_FREE, KINDS };
static const char *const names[KINDS] = {"comes", "hangs_up", "accepts", "declines", "finds_free"};

struct samples {
    uint32_t *us;
    size_t count;
};

struct bench {
    struct entropy_seeded seeded;
    struct entropy entropy;
    struct queue *q;
    unsigned agents, kinds, cases;
    size_t decisions;
    uint64_t now_us;
    bool refuses; /* agents have other skills than are asked for */
    struct id calls[AGENTS_MAX];
    struct queue_event offer; /* the last one; reservation zeroed: none */
    struct samples samples[KINDS];
};

static unsigned draw(struct bench *b, unsigned below)
{
    return (unsigned)(entropy_u64(&b->entropy) % below);
}

static void fetch(struct bench *b)
{
    struct queue_event e;
    while (queue_next_event(b->q, &e)) {
        if (e.type == QUEUE_OFFER)
            b->offer = e;
    }
}

/* Measuring */

static uint64_t cpu_us(void)
{
    struct rusage r;
    (void)getrusage(RUSAGE_SELF, &r);
    return (uint64_t)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) * 1000000 +
           (uint64_t)(r.ru_utime.tv_usec + r.ru_stime.tv_usec);
}

static uint64_t begin(struct bench *b)
{
    b->offer = (struct queue_event){0};
    b->now_us += STEP_US;
    return cpu_us();
}

static void end(struct bench *b, enum kind kind, uint64_t from_us)
{
    fetch(b);
    struct samples *s = &b->samples[kind];
    if (s->count < b->decisions)
        s->us[s->count++] = (uint32_t)(cpu_us() - from_us);
}

/* What happens */

static void agent_name(unsigned n, char ret[16])
{
    (void)snprintf(ret, 16, "agent%u", n);
}

/** Abilities of one's own, with some in common. */
static int agent_add(struct bench *b, unsigned n)
{
    static const char *const languages[] = {"zh", "en", "fr", "ja"};
    struct queue_agent a = {.merchant = MERCHANT};
    agent_name(n, a.identity);
    for (unsigned i = 0; i < 3; i++)
        (void)snprintf(a.skills.items[a.skills.count++], PROTO_WORD_BYTES, "%s%u:%u",
                       b->refuses ? "no" : "c", draw(b, 40), draw(b, 3));
    for (unsigned i = 0; i < 2; i++)
        (void)snprintf(a.languages.items[a.languages.count++], PROTO_WORD_BYTES, "%s",
                       languages[draw(b, 4)]);
    (void)snprintf(a.team, sizeof a.team, "team%u", draw(b, 4));
    return queue_agent_set(b->q, &a, true, b->now_us);
}

/** One of so many kinds of needs. */
static int case_add(struct bench *b)
{
    static const char *const languages[] = {"zh", "en", "fr", "ja"};
    unsigned kind = draw(b, b->kinds);
    struct queue_case c = {.merchant = MERCHANT, .tier = draw(b, 4), .level = kind / 160 % 2};
    (void)snprintf(c.case_id.text, sizeof c.case_id.text, "%026u", ++b->cases);
    (void)snprintf(c.buyer, sizeof c.buyer, "b%u", b->cases);
    (void)snprintf(c.category, sizeof c.category, "c%u", kind % 40);
    (void)snprintf(c.languages[0], sizeof c.languages[0], "%s", languages[kind / 40 % 4]);
    (void)snprintf(c.team, sizeof c.team, "team%u", kind / 320 % 4);
    (void)snprintf(c.brand, sizeof c.brand, "brand%u", kind / 1280);
    return queue_wait(b->q, &c, b->now_us);
}

static void comes(struct bench *b)
{
    uint64_t from_us = begin(b);
    (void)case_add(b);
    end(b, COMES, from_us);
}

static void answer(struct bench *b, unsigned n)
{
    const struct id reservation = b->offer.reservation;
    char name[16];
    agent_name(n, name);
    bool declines = draw(b, 20) == 0;
    uint64_t from_us = begin(b);
    if (declines)
        (void)queue_decline(b->q, MERCHANT, name, &reservation, b->now_us);
    else
        (void)queue_accept(b->q, MERCHANT, name, &reservation, b->now_us, &b->calls[n]);
    end(b, declines ? DECLINES : ACCEPTS, from_us);
}

/** An agent becomes free, is offered a case, and another comes to wait in its stead. */
static void turn(struct bench *b)
{
    unsigned n = draw(b, b->agents);
    char name[16];
    agent_name(n, name);
    queue_tick(b->q, b->now_us);
    fetch(b);
    if (!id_is_set(&b->calls[n]))
        return;
    const struct id talked = b->calls[n];
    b->calls[n] = (struct id){0};
    uint64_t from_us = begin(b);
    queue_call_end(b->q, MERCHANT, name, &talked, false, b->now_us);
    end(b, HANGS_UP, from_us);
    while (id_is_set(&b->offer.reservation)) {
        unsigned who = (unsigned)strtoul(b->offer.person + strlen("agent"), NULL, 10);
        answer(b, who);
    }
    comes(b);
}

/** Somebody becomes free whom nobody has use for, and then somebody comes whom only that one serves. */
static void find_free(struct bench *b)
{
    struct queue_case c = {.merchant = MERCHANT};
    (void)snprintf(c.case_id.text, sizeof c.case_id.text, "%026u", ++b->cases);
    (void)snprintf(c.category, sizeof c.category, "no%u", draw(b, 40));
    uint64_t from_us = begin(b);
    (void)queue_wait(b->q, &c, b->now_us);
    end(b, FINDS_FREE, from_us);
    (void)queue_stop(b->q, &c.case_id, b->now_us);
    fetch(b);
}

static int fill(struct bench *b, unsigned waiting, bool refuses)
{
    b->refuses = refuses;
    b->now_us = START_US;
    int er = queue_new(&b->q, &b->entropy);
    for (unsigned n = 0; er == 0 && n < b->agents; n++) {
        const struct id none = {.text = "in-a-call"};
        char name[16];
        er = agent_add(b, n);
        agent_name(n, name);
        b->calls[n] = none;
        if (!refuses)
            queue_call_begin(b->q, MERCHANT, name, &none, b->now_us);
    }
    for (unsigned n = 0; er == 0 && n + 1 < waiting; n++) { /* one more comes */
        b->now_us += 1000;
        er = case_add(b);
    }
    fetch(b);
    return er;
}

static int run(struct bench *b, unsigned waiting)
{
    int er = fill(b, waiting, false);
    while (er == 0 && b->samples[HANGS_UP].count < b->decisions)
        turn(b);
    queue_free(b->q);
    b->q = NULL;
    if (er == 0)
        er = fill(b, waiting, true);
    for (size_t i = 0; er == 0 && i < b->decisions; i++)
        find_free(b);
    queue_free(b->q);
    return er;
}

static int by_size(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void print(struct bench *b)
{
    for (size_t i = 0; i < KINDS; i++) {
        struct samples *s = &b->samples[i];
        qsort(s->us, s->count, sizeof *s->us, by_size);
        if (s->count)
            printf("%s\"%s\":{\"median_us\":%u,\"p99_us\":%u,\"longest_us\":%u}", i ? "," : "{",
                   names[i], s->us[s->count / 2], s->us[s->count * 99 / 100], s->us[s->count - 1]);
    }
    printf("}\n");
}

int pairing_main(int argc, char **argv)
{
    if (argc != 4)
        return 2;
    struct bench *b = calloc(1, sizeof *b);
    if (!b)
        return 1;
    unsigned waiting = (unsigned)strtoul(argv[0], NULL, 10);
    b->agents = (unsigned)strtoul(argv[1], NULL, 10);
    b->kinds = (unsigned)strtoul(argv[2], NULL, 10);
    b->decisions = strtoul(argv[3], NULL, 10);
    b->entropy = entropy_seeded_init(&b->seeded, 1);
    int er = waiting && b->agents && b->agents <= AGENTS_MAX && b->kinds && b->decisions
                 ? 0
                 : ER_INVALID;
    for (size_t i = 0; er == 0 && i < KINDS; i++) {
        b->samples[i].us = calloc(b->decisions, sizeof *b->samples[i].us);
        er = b->samples[i].us ? 0 : ER_NOMEM;
    }
    if (er == 0)
        er = run(b, waiting);
    if (er == 0)
        print(b);
    else
        fprintf(stderr, "loupe-bench: pairing: %s\n", er_name(er));
    for (size_t i = 0; i < KINDS; i++)
        free(b->samples[i].us);
    free(b);
    return er ? 1 : 0;
}
