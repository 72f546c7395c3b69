// SPDX-License-Identifier: Apache-2.0
/* References, the jitter buffer, the screen. */
#include "tests/sim/player.h"

#include <string.h>

#include "base/heap.h"

#define KEY_WAIT_US 200000u    /* libwebrtc's kMaxWaitForKeyFrame */
#define FRAME_WAIT_US 3000000u /* and kMaxWaitForFrame */
#define FREEZE_US 150000u
#define LONG_FREEZE_US 500000u
#define RENDER_US 10000 /* always added */
#define NACK_LIMIT 3    /* frames with retransmissions, from which on a round trip is added */
#define NOTHING UINT32_MAX

void player_clear(struct player *p, uint64_t now_us)
{
    p->stats = (struct player_stats){0};
    p->counting_from_us = now_us;
}

/* The screen. */

static void count_interval(struct player *p, uint64_t at_us)
{
    uint64_t from_us = p->shown_us > p->counting_from_us ? p->shown_us : p->counting_from_us;
    uint64_t passed_us = at_us - from_us;
    uint64_t limit_us = p->interval_us * 3;
    if (limit_us < p->interval_us + FREEZE_US)
        limit_us = p->interval_us + FREEZE_US;
    if (passed_us >= limit_us) {
        p->stats.freezes++;
        p->stats.frozen_us += passed_us;
    }
    p->stats.long_freezes += passed_us > LONG_FREEZE_US;
    if (passed_us > p->stats.longest_us)
        p->stats.longest_us = passed_us;
}

static void show(struct player *p, uint64_t at_us, const struct player_frame *f)
{
    if (p->shown_us && at_us > p->counting_from_us) {
        count_interval(p, at_us);
        uint64_t passed_us = at_us - p->shown_us;
        p->interval_us = p->interval_us ? (p->interval_us * 29 + passed_us) / 30 : passed_us;
    }
    p->shown_us = at_us;
    uint64_t bucket = (at_us - f->what.capture_us) / 10000;
    p->stats.delays[bucket < PLAYER_DELAYS ? bucket : PLAYER_DELAYS - 1]++;
    p->shown[p->shown_count++ % PLAYER_SHOWN] = (struct player_shown){
        .at_us = at_us, .width = p->width, .height = p->height};
}

void player_end(struct player *p, uint64_t now_us)
{
    if (p->shown_us && now_us > p->shown_us)
        count_interval(p, now_us);
}

/* The jitter buffer: the deviation of arrivals, and a round trip once packets had to be sent again;
 * it moves by a tenth of the time that passes. */
static uint64_t place(struct player *p, uint64_t now_us, const struct player_frame *f, bool nacked,
                      uint64_t rtt_us)
{
    int64_t media_us = f->timestamp * 100 / 9;
    int64_t offset_us = (int64_t)now_us - media_us;
    int64_t jump = offset_us - p->offset_us;
    if (!p->placed || offset_us < p->offset_us || jump > 10000000 || jump < -10000000)
        p->offset_us = offset_us;
    if (!p->placed)
        p->before_us = offset_us;
    p->placed = true;
    p->offset_us += 20; /* clocks drift */
    p->nacked += nacked;
    int64_t change = offset_us - p->before_us;
    if (!nacked)
        p->jitter_us += ((double)(change < 0 ? -change : change) - p->jitter_us) / 32;
    p->before_us = offset_us;
    uint64_t target_us = (uint64_t)(p->jitter_us * 2.5) + (p->nacked >= NACK_LIMIT ? rtt_us : 0);
    if (target_us < p->least_us)
        target_us = p->least_us;
    uint64_t step_us = (now_us - p->delay_at_us) / 10;
    p->delay_at_us = now_us;
    if (target_us > p->delay_us)
        p->delay_us += target_us - p->delay_us < step_us ? target_us - p->delay_us : step_us;
    else
        p->delay_us -= p->delay_us - target_us < step_us ? p->delay_us - target_us : step_us;
    return (uint64_t)(media_us + p->offset_us) + p->delay_us + RENDER_US;
}

/* Decoding. */

static void note_truth(struct player *p, const struct synthetic *s)
{
    bool right = s->key || s->reference == NOTHING;
    if (!right) {
        const struct synthetic *r = &p->truth[s->reference % PLAYER_TRUTH];
        right = r->stream == s->stream && r->number == s->reference && r->capture_us;
    }
    if (right)
        p->truth[s->number % PLAYER_TRUTH] = *s;
    else
        p->stats.broken++;
}

static void decode(struct player *p, uint64_t now_us, const struct player_frame *f)
{
    uint64_t at_us = f->due_us > now_us ? f->due_us : now_us;
    note_truth(p, &f->what);
    if (f->what.key) {
        p->stats.keys++;
        p->started = true;
        p->needs_key = false;
        p->width = f->width;
        p->height = f->height;
    }
    if (f->last_seq > p->chain_seq)
        p->chain_seq = f->last_seq;
    if (f->temporal_id == 0) {
        p->base_picture = f->picture;
        p->base_tl0 = f->tl0;
    }
    p->last_picture = f->picture;
    p->progress_us = now_us;
    p->stats.decoded++;
    show(p, at_us > p->shown_us ? at_us : p->shown_us, f);
}

/* Layers, as RFC 7741 has them: one of layer 0 needs the index before; others need that of their own
 * index, and, unless they are marked as switching up, all pictures since. */
static bool is_ready(const struct player *p, const struct player_frame *f)
{
    if (f->what.key)
        return true;
    if (!p->started)
        return false;
    if (!f->layered)
        return f->first_seq == p->chain_seq + 1;
    if (f->temporal_id == 0)
        return f->tl0 == (uint8_t)(p->base_tl0 + 1);
    if (f->tl0 != p->base_tl0 || f->picture <= p->base_picture)
        return false;
    return f->sync || f->picture == p->last_picture + 1;
}

/* Nothing that comes can make it decodable any more. */
static bool is_past(const struct player *p, const struct player_frame *f)
{
    if (!p->started || f->what.key)
        return false;
    if (!f->layered)
        return f->first_seq <= p->chain_seq;
    int8_t ahead = (int8_t)(uint8_t)(f->tl0 - p->base_tl0);
    return ahead < 0 || (ahead == 0 && f->picture <= p->last_picture);
}

static void drop(struct player *p, size_t i)
{
    memmove(&p->frames[i], &p->frames[i + 1], (--p->waiting - i) * sizeof p->frames[0]);
}

static void try_all(struct player *p, uint64_t now_us)
{
    for (size_t i = 0; i < p->waiting;) {
        struct player_frame f = p->frames[i];
        if (is_past(p, &f)) {
            p->stats.discarded++;
            drop(p, i);
        } else if (is_ready(p, &f)) {
            drop(p, i);
            /* A key frame leaves behind what waits before it. */
            while (f.what.key && i > 0) {
                drop(p, --i);
                p->stats.discarded++;
            }
            if (f.what.key && p->started && f.last_seq <= p->chain_seq)
                continue; /* older than what is shown */
            decode(p, now_us, &f);
            i = 0;
        } else {
            i++;
        }
    }
}

void player_packet(struct player *p, uint64_t now_us, int64_t seq, bool padding)
{
    if (!p->progress_us)
        p->progress_us = now_us;
    if (!padding || seq != p->chain_seq + 1)
        return;
    p->chain_seq = seq;
    try_all(p, now_us);
}

void player_frame(struct player *p, uint64_t now_us, const struct player_frame *f, bool nacked,
                  uint64_t rtt_us)
{
    uint64_t due_us = place(p, now_us, f, nacked, rtt_us);
    if (p->waiting == PLAYER_WAITING) {
        p->stats.discarded += p->waiting;
        p->waiting = 0;
        p->needs_key = true;
    }
    size_t i = p->waiting++;
    for (; i > 0 && p->frames[i - 1].first_seq > f->first_seq; i--)
        p->frames[i] = p->frames[i - 1];
    p->frames[i] = *f;
    p->frames[i].due_us = due_us;
    try_all(p, now_us);
}

/* Asking for key frames. */

uint64_t player_ask_us(const struct player *p)
{
    if (!p->progress_us)
        return HEAP_NEVER;
    bool key = !p->started || p->needs_key;
    uint64_t from_us = p->asked_us > p->progress_us ? p->asked_us : p->progress_us;
    return from_us + (key || p->asked_us > p->progress_us ? KEY_WAIT_US : FRAME_WAIT_US);
}

void player_asked(struct player *p, uint64_t now_us)
{
    p->asked_us = now_us;
}

/* Looking back. */

static const struct player_shown *shown_at(const struct player *p, size_t back)
{
    return &p->shown[(p->shown_count - back) % PLAYER_SHOWN];
}

static size_t remembered(const struct player *p)
{
    return p->shown_count < PLAYER_SHOWN ? p->shown_count : PLAYER_SHOWN;
}

size_t player_shown_between(const struct player *p, uint64_t from_us, uint64_t to_us)
{
    size_t n = 0;
    for (size_t back = remembered(p); back > 0; back--)
        n += shown_at(p, back)->at_us >= from_us && shown_at(p, back)->at_us < to_us;
    return n;
}

uint64_t player_flows_from_us(const struct player *p, uint64_t from_us, uint64_t pause_us)
{
    uint64_t start_us = 0, last_us = 0;
    for (size_t back = remembered(p); back > 0; back--) {
        uint64_t at_us = shown_at(p, back)->at_us;
        if (at_us < from_us)
            continue;
        if (!start_us || at_us - last_us > pause_us)
            start_us = at_us;
        last_us = at_us;
        if (at_us - start_us >= 1000000)
            return start_us;
    }
    return UINT64_MAX;
}

uint64_t player_resized_us(const struct player *p, uint64_t from_us)
{
    for (size_t back = remembered(p) - (remembered(p) > 0); back > 0; back--)
        if (shown_at(p, back)->at_us >= from_us &&
            shown_at(p, back)->width != shown_at(p, back + 1)->width)
            return shown_at(p, back)->at_us;
    return UINT64_MAX;
}

uint64_t player_width_again_us(const struct player *p, uint64_t from_us)
{
    for (size_t back = remembered(p); back > 0; back--)
        if (shown_at(p, back)->at_us >= from_us && shown_at(p, back)->width == p->width)
            return shown_at(p, back)->at_us;
    return UINT64_MAX;
}

uint64_t player_delay_us(const struct player *p, unsigned percent)
{
    uint64_t all = 0, seen = 0;
    for (size_t i = 0; i < PLAYER_DELAYS; i++)
        all += p->stats.delays[i];
    for (size_t i = 0; i < PLAYER_DELAYS; i++) {
        seen += p->stats.delays[i];
        if (all && seen * 100 >= all * percent)
            return (i + 1) * 10000;
    }
    return 0;
}
