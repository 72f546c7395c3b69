// SPDX-License-Identifier: Apache-2.0
/* The viewer's side of a line, as far as its reports tell. */
#include "media/relay/viewing.h"

#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "media/wire/rtp.h"

#define SECOND_US 1000000u
#define SETTLE_SECONDS 2
#define SECONDS 8 /* open at a time; a power of two, more than those to settle and one */
#define FRAMES 128
#define VIDEO_PACKETS 2048 /* a power of two */
#define AUDIO_PACKETS 512
#define FREEZE_US 150000u /* as W3C's freezeCount has it, over three usual intervals or this more */
#define USUAL 30          /* intervals are averaged over so many */
#define UNBROKEN 255
#define SETTLED 255 /* struct packet, second */

/* struct packet, state */
enum { PACKET_SENT = 1, PACKET_ARRIVED = 2, PACKET_NACKED = 4, PACKET_REDUNDANCY = 8 };

/** A number of the viewer's, also one that nothing was sent under. */
struct packet {
    uint32_t timestamp;
    uint32_t sent_ms; /* when it left last */
    uint16_t seq;
    uint8_t second; /* modulo SECONDS, in which its turn was; or SETTLED */
    uint8_t state;
};

/** A picture that is not decided yet: shown, or lost. */
struct frame {
    uint32_t timestamp;
    uint16_t first, last; /* numbers, once known */
    uint16_t arrived;     /* packets */
    bool has_first, has_last, key, reference, complete;
    uint8_t temporal;
    uint32_t second; /* it began to leave */
    uint64_t complete_us;
};

struct second {
    uint32_t sent, arrived, expected, received; /* pictures or packets; packets */
    uint32_t frozen_us;
    uint64_t shown_us; /* the last picture of it; 0: none */
    struct seenlog_layer layer;
};

struct viewing {
    enum media_kind kind;
    bool numbered; /* arrivals are reported, as far as they are */
    bool begun;    /* `highest` is known */
    uint32_t next; /* the second to settle next */
    int64_t highest;
    struct seenlog_layer layer;
    struct second seconds[SECONDS]; /* from `next` on, by time modulo */
    /* Pictures in the order of their timestamps. */
    size_t frame_count;
    struct frame frames[FRAMES];
    bool decided;          /* something was; */
    bool pictured;         /* and shown */
    uint32_t decided_ts;   /* the newest */
    uint8_t broken;        /* this temporal layer and those above miss something; UNBROKEN */
    uint64_t shown_us;     /* the last picture; or since when there could be one */
    uint64_t settled_us;   /* the last picture of a second that is settled; likewise */
    uint64_t interval_us;  /* the usual one between two; 0: not known */
    uint32_t packet_count; /* of the ring */
    struct packet packets[];
};

void viewing_restart(struct viewing *v, uint64_t unix_us)
{
    enum media_kind kind = v->kind;
    uint32_t count = v->packet_count;
    memset(v, 0, sizeof *v + count * sizeof v->packets[0]);
    v->kind = kind;
    v->packet_count = count;
    v->next = (uint32_t)(unix_us / SECOND_US);
    v->broken = UNBROKEN;
    v->shown_us = v->settled_us = unix_us;
}

int viewing_new(struct viewing **ret, enum media_kind kind, uint64_t unix_us)
{
    uint32_t count = kind == MEDIA_VIDEO ? VIDEO_PACKETS : AUDIO_PACKETS;
    struct viewing *v = calloc(1, sizeof *v + count * sizeof v->packets[0]);
    if (!v)
        return ER_NOMEM;
    v->kind = kind;
    v->packet_count = count;
    viewing_restart(v, unix_us);
    *ret = v;
    return 0;
}

void viewing_free(struct viewing *v)
{
    free(v);
}

/** NULL: it is settled, or too far ahead. */
static struct second *second_at(struct viewing *v, uint64_t unix_us)
{
    uint64_t at = unix_us / SECOND_US;
    return at >= v->next && at < (uint64_t)v->next + SECONDS ? &v->seconds[at % SECONDS] : NULL;
}

static struct packet *packet_at(struct viewing *v, uint16_t seq)
{
    struct packet *p = &v->packets[seq & (v->packet_count - 1)];
    return p->state && p->seq == seq ? p : NULL;
}

/* Pictures */

static bool is_older(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b) < 0;
}

static struct frame *frame_find(struct viewing *v, uint32_t timestamp)
{
    for (size_t i = v->frame_count; i-- > 0;)
        if (v->frames[i].timestamp == timestamp)
            return &v->frames[i];
    return NULL;
}

/** From `from_us` to `to_us` stood the picture still. */
static void add_frozen(struct viewing *v, uint64_t from_us, uint64_t to_us)
{
    while (from_us < to_us) {
        uint64_t end_us = (from_us / SECOND_US + 1) * SECOND_US;
        struct second *s = second_at(v, from_us);
        if (end_us > to_us)
            end_us = to_us;
        if (s)
            s->frozen_us += (uint32_t)(end_us - from_us);
        else if (from_us / SECOND_US < v->next)
            end_us = (uint64_t)v->next * SECOND_US; /* what is settled stays */
        else
            return;
        from_us = end_us;
    }
}

static bool is_freeze(const struct viewing *v, uint64_t passed_us)
{
    uint64_t limit_us = v->interval_us * 3;
    if (limit_us < v->interval_us + FREEZE_US)
        limit_us = v->interval_us + FREEZE_US;
    return passed_us >= limit_us;
}

static void show(struct viewing *v, const struct frame *f)
{
    uint64_t at_us = f->complete_us > v->shown_us ? f->complete_us : v->shown_us;
    uint64_t passed_us = at_us - v->shown_us;
    struct second *s = second_at(v, at_us);
    if (s) {
        s->arrived++;
        s->shown_us = at_us;
    }
    if (is_freeze(v, passed_us))
        add_frozen(v, v->shown_us, at_us);
    if (v->pictured)
        v->interval_us = v->interval_us ? (v->interval_us * (USUAL - 1) + passed_us) / USUAL
                                        : passed_us;
    v->pictured = true;
    v->shown_us = at_us;
}

/** It is whole, or will not be. */
static void decide(struct viewing *v, const struct frame *f)
{
    v->decided = true;
    v->decided_ts = f->timestamp;
    if (!f->complete) {
        if (f->reference && f->temporal < v->broken)
            v->broken = f->temporal;
        return;
    }
    if (f->key)
        v->broken = UNBROKEN;
    if (f->temporal >= v->broken)
        return;
    v->broken = UNBROKEN; /* what is above begins anew with this one */
    show(v, f);
}

static void decide_first(struct viewing *v, size_t count)
{
    for (size_t i = 0; i < count; i++)
        decide(v, &v->frames[i]);
    v->frame_count -= count;
    memmove(&v->frames[0], &v->frames[count], v->frame_count * sizeof v->frames[0]);
}

/** What is whole is decided in order; also before what is not, if it can be decoded without that. */
static void decide_whole(struct viewing *v)
{
    uint8_t missing = v->broken;
    size_t count = 0;
    for (size_t i = 0; i < v->frame_count; i++) {
        const struct frame *f = &v->frames[i];
        if (!f->complete && f->reference && f->temporal < missing)
            missing = f->temporal;
        if (!f->complete || (!f->key && f->temporal >= missing))
            continue;
        missing = UNBROKEN;
        count = i + 1;
    }
    while (count < v->frame_count && v->frames[count].complete)
        count++;
    decide_first(v, count);
}

/** The picture that the packet is of; NULL: it is decided already. */
static struct frame *frame_for(struct viewing *v, uint64_t unix_us, uint32_t timestamp)
{
    struct frame *f = frame_find(v, timestamp);
    if (f)
        return f;
    if (v->decided && !is_older(v->decided_ts, timestamp))
        return NULL;
    if (v->frame_count == FRAMES)
        decide_first(v, 1);
    size_t at = v->frame_count;
    while (at > 0 && is_older(timestamp, v->frames[at - 1].timestamp))
        at--;
    memmove(&v->frames[at + 1], &v->frames[at], (v->frame_count++ - at) * sizeof v->frames[0]);
    v->frames[at] = (struct frame){
        .timestamp = timestamp, .reference = true, .second = (uint32_t)(unix_us / SECOND_US)};
    struct second *s = second_at(v, unix_us);
    if (s) {
        s->sent++;
        s->layer = v->layer;
    }
    return &v->frames[at];
}

static void frame_sent(struct viewing *v, uint64_t unix_us, const struct viewing_packet *p)
{
    struct frame *f = frame_for(v, unix_us, p->timestamp);
    if (!f)
        return;
    if (p->starts) {
        f->has_first = true;
        f->first = p->seq;
        f->key = p->key;
    }
    if (p->ends) {
        f->has_last = true;
        f->last = p->seq;
    }
    f->reference = p->reference;
    f->temporal = p->temporal;
}

/* Packets */

static void packet_open(struct viewing *v, uint64_t unix_us, uint16_t seq)
{
    struct second *s = second_at(v, unix_us);
    v->packets[seq & (v->packet_count - 1)] = (struct packet){
        .seq = seq, .second = (uint8_t)(unix_us / SECOND_US % SECONDS), .state = PACKET_NACKED};
    if (s)
        s->expected++;
}

/** What was passed over may come yet: its turn was now. */
static void open_until(struct viewing *v, uint64_t unix_us, uint16_t seq)
{
    if (!v->begun) {
        v->begun = true;
        v->highest = (int64_t)65536 + seq - 1;
    }
    int64_t at = v->highest + seq_diff(seq, (uint16_t)v->highest);
    if (at > v->highest + (int64_t)v->packet_count)
        v->highest = at - v->packet_count;
    while (v->highest < at)
        packet_open(v, unix_us, (uint16_t)++v->highest);
}

void viewing_sent(struct viewing *v, uint64_t unix_us, const struct viewing_packet *in)
{
    if (!in->again)
        open_until(v, unix_us, in->seq);
    struct packet *p = packet_at(v, in->seq);
    v->numbered |= in->numbered;
    if (!p)
        return;
    bool first = !(p->state & PACKET_SENT);
    if (first)
        p->timestamp = in->timestamp;
    p->sent_ms = (uint32_t)(unix_us / 1000);
    p->state &= (uint8_t)~PACKET_NACKED;
    p->state |= PACKET_SENT;
    if (!first || in->empty)
        return;
    if (v->kind == MEDIA_VIDEO) {
        frame_sent(v, unix_us, in);
        return;
    }
    unsigned redundancy = in->redundancy < 3 ? in->redundancy : 3;
    p->state |= (uint8_t)(PACKET_REDUNDANCY * redundancy);
    struct second *s = second_at(v, unix_us);
    if (s)
        s->sent++;
}

void viewing_layer(struct viewing *v, const struct seenlog_layer *layer)
{
    v->layer = *layer;
}

static void arrived(struct viewing *v, uint64_t unix_us, struct packet *p)
{
    if (!(p->state & PACKET_SENT) || (p->state & PACKET_ARRIVED))
        return;
    p->state |= PACKET_ARRIVED;
    if (p->second != SETTLED)
        v->seconds[p->second].received++;
    struct frame *f = v->kind == MEDIA_VIDEO ? frame_find(v, p->timestamp) : NULL;
    if (!f)
        return;
    f->arrived++;
    if (unix_us > f->complete_us)
        f->complete_us = unix_us;
    if (f->has_first && f->has_last && f->arrived > (uint16_t)(f->last - f->first)) {
        f->complete = true;
        decide_whole(v);
    }
}

void viewing_arrived(struct viewing *v, uint64_t unix_us, uint16_t seq)
{
    struct packet *p = packet_at(v, seq);
    if (p)
        arrived(v, unix_us, p);
}

void viewing_presumed(struct viewing *v, uint64_t unix_us, uint16_t seq)
{
    struct packet *p = packet_at(v, seq);
    if (p && !(p->state & PACKET_NACKED))
        arrived(v, unix_us, p);
}

void viewing_nacked(struct viewing *v, uint64_t unix_us, uint64_t rtt_us, uint16_t seq)
{
    struct packet *p = packet_at(v, seq);
    if (p && (uint32_t)(unix_us / 1000) - p->sent_ms >= rtt_us / 1000)
        p->state |= PACKET_NACKED;
}

/* Seconds */

/** Is what was lost in one of the packets behind it? */
static bool is_covered(const struct viewing *v, const struct packet *lost)
{
    for (unsigned i = 1; i <= 3; i++) {
        const struct packet *p = &v->packets[(lost->seq + i) & (v->packet_count - 1)];
        if (p->seq == (uint16_t)(lost->seq + i) && (p->state & PACKET_ARRIVED) &&
            p->state / PACKET_REDUNDANCY >= i)
            return true;
    }
    return false;
}

static uint32_t count_covered(const struct viewing *v, uint32_t at)
{
    uint32_t count = 0;
    for (uint32_t i = 0; v->kind == MEDIA_AUDIO && i < v->packet_count; i++) {
        const struct packet *p = &v->packets[i];
        count += p->state && !(p->state & PACKET_ARRIVED) && p->second == at % SECONDS &&
                 is_covered(v, p);
    }
    return count;
}

static uint16_t at_most(uint64_t v, uint16_t most)
{
    return v < most ? (uint16_t)v : most;
}

static struct seenlog_second sum_up(const struct viewing *v, uint64_t unix_us, uint32_t at,
                                    uint64_t shown_us, bool told)
{
    const struct second *s = &v->seconds[at % SECONDS];
    struct seenlog_second ret = {.sent = at_most(s->sent, SEENLOG_UNKNOWN - 1),
                                 .arrived = SEENLOG_UNKNOWN,
                                 .frozen_ms = SEENLOG_UNKNOWN,
                                 .lost = SEENLOG_UNKNOWN};
    bool video = v->kind == MEDIA_VIDEO;
    if (video)
        ret.layer = s->sent ? s->layer : v->layer;
    if (!video)
        ret.frozen_ms = 0;
    if (!v->numbered || !told)
        return ret;
    uint32_t received = s->received + count_covered(v, at);
    uint64_t begin_us = (uint64_t)at * SECOND_US, end_us = begin_us + SECOND_US;
    uint64_t frozen_us = s->frozen_us;
    /* It stands still since, and nobody knows for how long yet. */
    if (end_us > unix_us)
        end_us = unix_us > begin_us ? unix_us : begin_us;
    bool last = v->shown_us == shown_us && shown_us < end_us;
    if (video && last && is_freeze(v, unix_us - shown_us))
        frozen_us += end_us - (shown_us > begin_us ? shown_us : begin_us);
    ret.lost = at_most(s->expected > received ? s->expected - received : 0, SEENLOG_UNKNOWN - 1);
    ret.arrived = at_most(video ? s->arrived : received, SEENLOG_UNKNOWN - 1);
    ret.frozen_ms = video ? at_most(frozen_us / 1000, SEENLOG_FROZEN_MOST) : 0;
    return ret;
}

static void settle_packets(struct viewing *v, uint32_t at)
{
    for (uint32_t i = 0; i < v->packet_count; i++)
        if (v->packets[i].second == at % SECONDS)
            v->packets[i].second = SETTLED;
}

/** Pictures of the second that are not whole yet will not be. */
static void give_up(struct viewing *v, uint32_t at)
{
    size_t count = 0;
    while (count < v->frame_count && v->frames[count].second <= at)
        count++;
    decide_first(v, count);
    decide_whole(v);
}

bool viewing_take(struct viewing *v, uint64_t unix_us, bool all, bool told, uint32_t *ret_at,
                  struct seenlog_second *ret)
{
    uint64_t now = unix_us / SECOND_US;
    if (all ? now < v->next : now <= (uint64_t)v->next + SETTLE_SECONDS)
        return false;
    struct second *s = &v->seconds[v->next % SECONDS];
    give_up(v, v->next);
    uint64_t shown_us = s->shown_us ? s->shown_us : v->settled_us;
    *ret_at = v->next;
    *ret = sum_up(v, unix_us, v->next, shown_us, told);
    v->settled_us = shown_us;
    *s = (struct second){0};
    settle_packets(v, v->next);
    v->next++;
    return true;
}

bool viewing_peek(const struct viewing *v, uint64_t unix_us, unsigned index, bool told,
                  uint32_t *ret_at, struct seenlog_second *ret)
{
    uint64_t at = (uint64_t)v->next + index;
    if (index >= SECONDS || at > unix_us / SECOND_US)
        return false;
    uint64_t shown_us = v->settled_us;
    for (uint64_t i = v->next; i <= at; i++)
        if (v->seconds[i % SECONDS].shown_us)
            shown_us = v->seconds[i % SECONDS].shown_us;
    *ret_at = (uint32_t)at;
    *ret = sum_up(v, unix_us, (uint32_t)at, shown_us, told);
    return true;
}
