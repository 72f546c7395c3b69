// SPDX-License-Identifier: Apache-2.0
/* The mixer: a ring of samples per voice, all rings on one timeline of 48 kHz. */
#include "media/record/mixer.h"

#include <opus/opus.h>
#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "base/limits.h"
#include "media/wire/opus.h"

enum {
    RATE = 48000,
    CHANNELS = 1, /* people's voices; twice would cost twice */
    FRAME = RATE / 50,
    RING = 131072,            /* samples a voice may lie ahead, a power of two: 2.7 s */
    PACKET_MAX = 5760,        /* the longest packet, 120 ms */
    CONCEAL_MAX = PACKET_MAX, /* a longer loss is silence */
    JUMP = RATE * 60 / 1000,  /* an error so large moves the voice at once */
    DRIFT_MIN = RATE / 2000,  /* smaller errors are left alone: 0.5 ms */
    DRIFT_LARGE = RATE / 100, /* beyond 10 ms the correction goes faster */
    STEP_MAX = 4,             /* samples put in or left out per packet at most */
    SMOOTHING = 32,           /* packets the error is averaged over */
    IDLE = RATE * 10,         /* a voice silent for so long gives its place away */
    LOUDEST = 32767,
    SILENT_FRAMES = 5, /* then the encoder has nothing left of what was before */
    BITRATE = 40000,
    COMPLEXITY = 1, /* the least that tells a knock from a tone */
    ENCODED_MAX = 1500,
};

struct source {
    uint64_t id;
    OpusDecoder *decoder;
    bool anchored;
    bool ended;
    int64_t next_seq;
    int64_t next_timestamp;
    int64_t next; /* on the timeline, behind the last sample laid down */
    float error;  /* where samples should lie less where they do, averaged */
    int16_t ring[RING * CHANNELS];
};

struct mixer {
    OpusEncoder *encoder;
    int64_t begin;    /* the encoder's delay: what is fed to it first comes out at time 0 */
    int64_t position; /* on the timeline: mixed so far */
    unsigned silent;  /* frames in a row that were encoded as silence */
    struct source *sources[LIMIT_MIX_SOURCES];
    float clip_memory[CHANNELS];
    int16_t pcm[(PACKET_MAX + STEP_MAX) * CHANNELS];
    uint8_t encoded[ENCODED_MAX];
};

int mixer_new(struct mixer **ret)
{
    struct mixer *m = calloc(1, sizeof *m);
    if (!m)
        return ER_NOMEM;
    int status = OPUS_OK;
    m->encoder = opus_encoder_create(RATE, CHANNELS, OPUS_APPLICATION_AUDIO, &status);
    opus_int32 delay = 0;
    if (!m->encoder || opus_encoder_ctl(m->encoder, OPUS_SET_BITRATE(BITRATE)) != OPUS_OK ||
        opus_encoder_ctl(m->encoder, OPUS_SET_COMPLEXITY(COMPLEXITY)) != OPUS_OK ||
        opus_encoder_ctl(m->encoder, OPUS_GET_LOOKAHEAD(&delay)) != OPUS_OK) {
        mixer_free(m);
        return status == OPUS_ALLOC_FAIL ? ER_NOMEM : ER_INTERNAL;
    }
    m->begin = delay;
    m->position = delay;
    *ret = m;
    return 0;
}

/** An Opus state holds no pointers: `size` bytes are all of it. */
static void *copy_state(const void *state, int size)
{
    void *copy = malloc((size_t)size);
    if (copy)
        memcpy(copy, state, (size_t)size);
    return copy;
}

static void free_source(struct source *s)
{
    if (!s)
        return;
    if (s->decoder)
        opus_decoder_destroy(s->decoder);
    free(s);
}

void mixer_free(struct mixer *m)
{
    if (!m)
        return;
    for (size_t i = 0; i < LIMIT_MIX_SOURCES; i++)
        free_source(m->sources[i]);
    if (m->encoder)
        opus_encoder_destroy(m->encoder);
    free(m);
}

static struct source *copy_source(const struct source *of)
{
    struct source *s = malloc(sizeof *s);
    if (!s)
        return NULL;
    memcpy(s, of, sizeof *s);
    s->decoder = copy_state(of->decoder, opus_decoder_get_size(CHANNELS));
    if (s->decoder)
        return s;
    free(s);
    return NULL;
}

int mixer_copy(struct mixer **ret, const struct mixer *of)
{
    struct mixer *m = malloc(sizeof *m);
    if (!m)
        return ER_NOMEM;
    memcpy(m, of, sizeof *m);
    memset(m->sources, 0, sizeof m->sources);
    m->encoder = copy_state(of->encoder, opus_encoder_get_size(CHANNELS));
    bool good = m->encoder != NULL;
    for (size_t i = 0; good && i < LIMIT_MIX_SOURCES; i++) {
        m->sources[i] = of->sources[i] ? copy_source(of->sources[i]) : NULL;
        good = !of->sources[i] || m->sources[i];
    }
    if (good)
        *ret = m;
    else
        mixer_free(m);
    return good ? 0 : ER_NOMEM;
}

static struct source **find_source(struct mixer *m, uint64_t id)
{
    for (size_t i = 0; i < LIMIT_MIX_SOURCES; i++)
        if (m->sources[i] && m->sources[i]->id == id)
            return &m->sources[i];
    return NULL;
}

static int add_source(struct mixer *m, uint64_t id, struct source **ret)
{
    size_t i = 0;
    while (i < LIMIT_MIX_SOURCES && m->sources[i])
        i++;
    if (i == LIMIT_MIX_SOURCES)
        return ER_FULL;
    struct source *s = calloc(1, sizeof *s);
    if (!s)
        return ER_NOMEM;
    int status = OPUS_OK;
    s->decoder = opus_decoder_create(RATE, CHANNELS, &status);
    if (!s->decoder) {
        free(s);
        return status == OPUS_ALLOC_FAIL ? ER_NOMEM : ER_INTERNAL;
    }
    s->id = id;
    s->next = m->position;
    m->sources[i] = s;
    *ret = s;
    return 0;
}

static size_t ring_at(int64_t at)
{
    return (size_t)(at & (RING - 1)) * CHANNELS;
}

/** Lays samples on the timeline behind those before; what was mixed already falls away. */
static void lay(const struct mixer *m, struct source *s, const int16_t *pcm, int samples)
{
    for (int i = 0; i < samples; i++) {
        int64_t at = s->next + i;
        if (at >= m->position && at < m->position + RING)
            memcpy(s->ring + ring_at(at), pcm + i * CHANNELS, CHANNELS * sizeof *pcm);
    }
    s->next += samples;
}

static int step_between(const int16_t *pcm, int i)
{
    int sum = 0;
    for (int c = 0; c < CHANNELS; c++)
        sum += abs(pcm[(i + 1) * CHANNELS + c] - pcm[i * CHANNELS + c]);
    return sum;
}

/** Where one sample more or less is heard least: between the two neighbours most alike. */
static int quietest(const int16_t *pcm, int samples)
{
    int best = 0;
    for (int i = 1; i + 1 < samples; i++)
        if (step_between(pcm, i) < step_between(pcm, best))
            best = i;
    return best;
}

static int insert_sample(int16_t *pcm, int samples)
{
    int i = quietest(pcm, samples);
    int16_t *at = pcm + (i + 1) * CHANNELS;
    memmove(at + CHANNELS, at, (size_t)(samples - i - 1) * CHANNELS * sizeof *pcm);
    for (int c = 0; c < CHANNELS; c++)
        at[c] = (int16_t)((at[c - CHANNELS] + at[c + CHANNELS]) / 2);
    return samples + 1;
}

static int remove_sample(int16_t *pcm, int samples)
{
    int i = quietest(pcm, samples);
    int16_t *at = pcm + (i + 1) * CHANNELS;
    memmove(at, at + CHANNELS, (size_t)(samples - i - 2) * CHANNELS * sizeof *pcm);
    return samples - 1;
}

/** Follows the voice's clock: puts in or leaves out samples; returns how many there are now. */
static int correct_drift(struct source *s, int16_t *pcm, int samples)
{
    float size = s->error < 0 ? -s->error : s->error;
    if (size < (float)DRIFT_MIN || samples < FRAME / 8)
        return samples;
    int steps = size > (float)DRIFT_LARGE ? STEP_MAX : 1;
    for (int i = 0; i < steps; i++) {
        samples = s->error > 0 ? insert_sample(pcm, samples) : remove_sample(pcm, samples);
    }
    s->error += s->error > 0 ? (float)-steps : (float)steps;
    return samples;
}

static void anchor(const struct mixer *m, struct source *s, int64_t at)
{
    /* Moved back, the voice would say twice what is laid down but not mixed. */
    int64_t from = at > m->position ? at : m->position;
    for (int64_t i = from; s->anchored && i < s->next && i < m->position + RING; i++)
        memset(s->ring + ring_at(i), 0, CHANNELS * sizeof *s->ring);
    s->next = at;
    s->error = 0;
    s->anchored = true;
}

/** Brings the voice to where the packet begins: through a loss or a pause, or anew. */
static void approach(struct mixer *m, struct source *s, const struct mixer_packet *packet,
                     int64_t at)
{
    int64_t skip = packet->timestamp - s->next_timestamp;
    if (!s->anchored || s->ended || skip < 0 || skip > RATE) {
        anchor(m, s, at);
        s->ended = false;
        return;
    }
    bool lost = packet->seq > s->next_seq;
    if (skip > 0 && lost && skip <= CONCEAL_MAX && skip % (RATE / 400) == 0) {
        /* The packet behind a loss may carry the lost one once more (RFC 6716, 2.1.7). */
        int n = opus_decode(s->decoder, packet->payload, (opus_int32)packet->len, m->pcm, (int)skip,
                            1);
        if (n > 0)
            lay(m, s, m->pcm, n);
    } else if (skip > 0) {
        anchor(m, s,
               s->next + skip > at - JUMP && s->next + skip < at + JUMP ? at : s->next + skip);
    }
    int64_t error = at - s->next;
    if (error > JUMP || error < -JUMP)
        anchor(m, s, at);
    else
        s->error += ((float)error - s->error) / (float)SMOOTHING;
}

static int64_t samples_of(int64_t us)
{
    return us * (RATE / 1000) / 1000;
}

int mixer_put(struct mixer *m, const struct mixer_packet *packet)
{
    uint32_t samples;
    if (opus_duration(packet->payload, packet->len, &samples) < 0 || samples > PACKET_MAX)
        return ER_MALFORMED;
    if (packet->at_us + MIXER_FRAME_US * 6 > mixer_reach_us(m))
        return ER_AGAIN;
    int64_t at = samples_of(packet->at_us);
    struct source **found = find_source(m, packet->source);
    struct source *s = found ? *found : NULL;
    if (!s && at + samples <= m->position)
        return 0;
    int er = s ? 0 : add_source(m, packet->source, &s);
    if (er < 0)
        return er;
    if (s->anchored && !s->ended && packet->seq < s->next_seq)
        return ER_STALE;

    approach(m, s, packet, at);
    int n = opus_decode(s->decoder, packet->payload, (opus_int32)packet->len, m->pcm, PACKET_MAX,
                        0);
    s->next_seq = packet->seq + 1;
    s->next_timestamp = packet->timestamp + samples;
    if (n <= 0) {
        s->next += samples;
        return ER_MALFORMED;
    }
    lay(m, s, m->pcm, correct_drift(s, m->pcm, n));
    return 0;
}

bool mixer_has(const struct mixer *m, uint64_t source, int64_t seq)
{
    for (size_t i = 0; i < LIMIT_MIX_SOURCES; i++)
        if (m->sources[i] && m->sources[i]->id == source)
            return m->sources[i]->anchored && seq < m->sources[i]->next_seq;
    return false;
}

void mixer_end(struct mixer *m, uint64_t source)
{
    struct source **s = find_source(m, source);
    if (s)
        (*s)->ended = true;
}

/** Adds a voice's samples to the mix and clears them; gives its place away when it is done. */
static void draw(struct mixer *m, struct source **slot, int32_t *mix)
{
    struct source *s = *slot;
    for (int i = 0; i < FRAME; i++) {
        int16_t *from = s->ring + ring_at(m->position + i);
        for (int c = 0; c < CHANNELS; c++) {
            mix[i * CHANNELS + c] += from[c];
            from[c] = 0;
        }
    }
    if (s->next + (s->ended ? 0 : IDLE) <= m->position + FRAME) {
        free_source(s);
        *slot = NULL;
    }
}

/** Where voices together are too loud, they are bent rather than cut. */
static opus_int32 encode_loud(struct mixer *m, const int32_t *mix)
{
    float bent[FRAME * CHANNELS];
    for (int i = 0; i < FRAME * CHANNELS; i++)
        bent[i] = (float)mix[i] / (LOUDEST + 1);
    opus_pcm_soft_clip(bent, FRAME, CHANNELS, m->clip_memory);
    return opus_encode_float(m->encoder, bent, FRAME, m->encoded, ENCODED_MAX);
}

static opus_int32 encode(struct mixer *m, const int32_t *mix)
{
    int16_t pcm[FRAME * CHANNELS];
    int32_t loudest = 0;
    for (int i = 0; i < FRAME * CHANNELS; i++) {
        int32_t size = mix[i] < 0 ? -mix[i] : mix[i];
        loudest = size > loudest ? size : loudest;
        pcm[i] = (int16_t)mix[i];
    }
    bool bends = false; /* since the last frame, until the wave crosses zero */
    for (int c = 0; c < CHANNELS; c++)
        bends = bends || m->clip_memory[c] < 0 || m->clip_memory[c] > 0;
    m->silent = loudest > 0 || bends ? 0 : m->silent + 1;
    if (m->silent > SILENT_FRAMES) {
        /* A frame of 20 ms that says "silence" (RFC 6716, 4.3): the encoder need not be asked. */
        static const uint8_t silence[] = {0xf8, 0xff, 0xfe};
        memcpy(m->encoded, silence, sizeof silence);
        return sizeof silence;
    }
    return loudest > LOUDEST || bends
               ? encode_loud(m, mix)
               : opus_encode(m->encoder, pcm, FRAME, m->encoded, ENCODED_MAX);
}

int mixer_next(struct mixer *m, int64_t until_us, struct mixer_frame *ret)
{
    if (m->position + FRAME > samples_of(until_us))
        return ER_AGAIN;
    int32_t mix[FRAME * CHANNELS] = {0};
    for (size_t i = 0; i < LIMIT_MIX_SOURCES; i++)
        if (m->sources[i])
            draw(m, &m->sources[i], mix);
    opus_int32 len = encode(m, mix);
    if (len <= 0)
        return ER_INTERNAL;
    ret->data = m->encoded;
    ret->len = (size_t)len;
    ret->at_us = (m->position - m->begin) / FRAME * MIXER_FRAME_US;
    m->position += FRAME;
    return 0;
}

int64_t mixer_position_us(const struct mixer *m)
{
    return m->position * 1000 / (RATE / 1000);
}

int64_t mixer_reach_us(const struct mixer *m)
{
    return (m->position + RING) * 1000 / (RATE / 1000);
}
