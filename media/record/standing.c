// SPDX-License-Identifier: Apache-2.0
/* One mixer, and a ring of what it made; the hashes lie in hashed.h. */
#include "media/record/standing.h"

#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "base/limits.h"
#include "media/record/hashed.h"
#include "media/record/lateness.h"

enum { FRAMES_MAX = (LIMIT_LOOKBACK_SECONDS + 60) * 1000000 / MIXER_FRAME_US };

struct kept {
    uint8_t *data;
    size_t len;
};

struct standing {
    struct mixer *mixer;
    struct lateness lateness;
    uint64_t begin_us;    /* the mixer's time 0 */
    uint64_t whole_us;    /* before it something may be missing */
    uint64_t first, next; /* numbers of the packets kept; the mixer's first one is 0 */
    size_t size;
    struct kept *ring;
    struct hashed *pictures;
};

int standing_new(struct standing **ret, uint64_t begin_us, uint64_t whole_us, uint64_t keep_us)
{
    struct standing *s = calloc(1, sizeof *s);
    if (!s)
        return ER_NOMEM;
    uint64_t size = keep_us / MIXER_FRAME_US + 1;
    s->size = size < FRAMES_MAX ? (size_t)size : FRAMES_MAX;
    s->begin_us = begin_us;
    s->whole_us = whole_us;
    lateness_init(&s->lateness);
    s->ring = calloc(s->size, sizeof *s->ring);
    int er = s->ring ? mixer_new(&s->mixer) : ER_NOMEM;
    if (er == 0)
        er = hashed_new(&s->pictures, keep_us);
    if (er < 0)
        standing_free(s);
    else
        *ret = s;
    return er;
}

void standing_free(struct standing *s)
{
    if (!s)
        return;
    for (size_t i = 0; s->ring && i < s->size; i++)
        free(s->ring[i].data);
    free(s->ring);
    mixer_free(s->mixer);
    hashed_free(s->pictures);
    free(s);
}

static int keep(struct standing *s, const struct mixer_frame *frame)
{
    struct kept *k = &s->ring[s->next % s->size];
    uint8_t *data = realloc(k->data, frame->len);
    if (!data)
        return ER_NOMEM;
    memcpy(data, frame->data, frame->len);
    *k = (struct kept){.data = data, .len = frame->len};
    s->next++;
    if (s->next - s->first > s->size)
        s->first = s->next - s->size;
    return 0;
}

static int mix_until(struct standing *s, int64_t until_us)
{
    struct mixer_frame frame;
    int er;
    while ((er = mixer_next(s->mixer, until_us, &frame)) == 0) {
        er = keep(s, &frame);
        if (er < 0)
            return er;
    }
    return er == ER_AGAIN ? 0 : er;
}

static int64_t mixer_us(const struct standing *s, uint64_t unix_us)
{
    return (int64_t)(unix_us - s->begin_us);
}

int standing_audio(struct standing *s, uint64_t source, const struct tape_packet *packet,
                   uint64_t capture_us)
{
    lateness_arrival(&s->lateness, packet);
    lateness_voice(&s->lateness, packet, capture_us);
    const struct mixer_packet in = {.source = source,
                                    .seq = packet->seq,
                                    .timestamp = packet->timestamp,
                                    .at_us = mixer_us(s, capture_us),
                                    .payload = packet->payload,
                                    .len = packet->payload_len};
    int er = mixer_put(s->mixer, &in);
    if (er == ER_AGAIN && s->lateness.now_us) {
        er = mix_until(s, mixer_us(s, s->lateness.now_us - s->lateness.delay_us));
        if (er == 0)
            er = mixer_put(s->mixer, &in);
    }
    return er == ER_NOMEM ? er : 0;
}

void standing_audio_end(struct standing *s, uint64_t source)
{
    mixer_end(s->mixer, source);
}

void standing_video(struct standing *s, uint64_t source, const struct tape_packet *packet)
{
    hashed_packet(s->pictures, source, packet);
}

void standing_video_gap(struct standing *s, uint64_t source, uint32_t packets)
{
    hashed_gap(s->pictures, source, packets);
}

void standing_video_end(struct standing *s, uint64_t source)
{
    hashed_end(s->pictures, source);
}

bool standing_hash(const struct standing *s, const struct depack_frame *frame,
                   const struct tape_packet *last, uint8_t ret[static DIGEST_BYTES])
{
    return hashed_find(s->pictures, frame, last, ret);
}

int standing_tick(struct standing *s, uint64_t now_us, uint64_t sound_until_us)
{
    lateness_tick(&s->lateness, now_us);
    uint64_t until_us = now_us - s->lateness.delay_us;
    if (sound_until_us && sound_until_us < until_us)
        until_us = sound_until_us;
    return mix_until(s, mixer_us(s, until_us));
}

bool standing_covers(const struct standing *s, uint64_t from_us)
{
    return from_us >= s->begin_us + s->first * MIXER_FRAME_US && from_us >= s->whole_us;
}

bool standing_has(const struct standing *s, uint64_t source, int64_t seq)
{
    return mixer_has(s->mixer, source, seq);
}

bool standing_at(const struct standing *s, uint64_t from_us, struct standing_frame *ret)
{
    uint64_t i = from_us > s->begin_us
                     ? (from_us - s->begin_us + MIXER_FRAME_US - 1) / MIXER_FRAME_US
                     : 0;
    if (i < s->first)
        i = s->first;
    if (i >= s->next)
        return false;
    const struct kept *k = &s->ring[i % s->size];
    *ret = (struct standing_frame){
        .data = k->data, .len = k->len, .at_us = s->begin_us + i * MIXER_FRAME_US};
    return true;
}

int standing_continue(const struct standing *s, struct mixer **ret, uint64_t *ret_begin_us,
                      uint64_t *ret_until_us)
{
    *ret_begin_us = s->begin_us;
    *ret_until_us = s->begin_us + s->next * MIXER_FRAME_US;
    return mixer_copy(ret, s->mixer);
}
