// SPDX-License-Identifier: Apache-2.0
/* The tests' voices. */
#include "tests/unit/support/opus_source.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <opus/opus.h>

enum { FIRST_SEQ = 80000, LOUD = 3000, QUIET_SAMPLES = OPUS_SOURCE_RATE / 10 };
static const int64_t first_timestamp = INT64_C(5000000000);

/** Encodes the second three times over, and keeps the third: there the encoder is in its stride. */
static void encode(struct opus_source *s, const float *second)
{
    int status;
    OpusEncoder *encoder = opus_encoder_create(OPUS_SOURCE_RATE, 1, OPUS_APPLICATION_AUDIO,
                                               &status);
    assert_int_equal(status, OPUS_OK);
    opus_encoder_ctl(encoder, OPUS_SET_BITRATE(64000));
    opus_int32 delay;
    opus_encoder_ctl(encoder, OPUS_GET_LOOKAHEAD(&delay));
    for (int i = 0; i < 3 * OPUS_SOURCE_PACKETS; i++) {
        float frame[OPUS_SOURCE_FRAME];
        for (int k = 0; k < OPUS_SOURCE_FRAME; k++)
            frame[k] = second[(i * OPUS_SOURCE_FRAME + k + delay) % OPUS_SOURCE_RATE];
        int at = i % OPUS_SOURCE_PACKETS;
        int len = opus_encode_float(encoder, frame, OPUS_SOURCE_FRAME, s->data[at],
                                    sizeof s->data[at]);
        assert_true(len > 0);
        s->len[at] = (size_t)len;
    }
    opus_encoder_destroy(encoder);
}

static float sine(int i, unsigned hertz)
{
    return (float)sin(2 * 3.14159265358979 * i * hertz / OPUS_SOURCE_RATE);
}

void opus_source_click(struct opus_source *s, unsigned at_ms)
{
    float *second = calloc(OPUS_SOURCE_RATE, sizeof *second);
    assert_non_null(second);
    for (int i = 0; i < OPUS_SOURCE_RATE / 200; i++)
        second[at_ms * (OPUS_SOURCE_RATE / 1000) + (unsigned)i] = 0.8f * sine(i, 1000);
    encode(s, second);
    free(second);
}

void opus_source_tone(struct opus_source *s, unsigned hertz, double amplitude)
{
    float *second = calloc(OPUS_SOURCE_RATE, sizeof *second);
    assert_non_null(second);
    for (int i = 0; i < OPUS_SOURCE_RATE; i++)
        second[i] = (float)amplitude * sine(i, hertz);
    encode(s, second);
    free(second);
}

const struct tape_packet *opus_source_packet(struct opus_source *s, int64_t i, uint64_t arrival_us)
{
    struct tape_packet *p = (struct tape_packet *)(void *)s->packet;
    size_t at = (size_t)(i % OPUS_SOURCE_PACKETS);
    *p = (struct tape_packet){
        .seq = FIRST_SEQ + i,
        .timestamp = first_timestamp + i * OPUS_SOURCE_FRAME,
        .arrival_us = arrival_us,
        .payload_len = (uint16_t)s->len[at],
        .codec = CODEC_OPUS,
        .flags = TAPE_MARKER,
    };
    memcpy(p->payload, s->data[at], s->len[at]);
    return p;
}

int64_t click_find(struct click_finder *f, const int16_t *pcm, int count)
{
    int64_t found = -1;
    for (int i = 0; i < count; i++, f->samples++) {
        if (abs(pcm[2 * i]) < LOUD)
            continue;
        if (found < 0 && f->samples - f->silent_since >= QUIET_SAMPLES)
            found = f->samples;
        f->silent_since = f->samples + 1;
    }
    return found;
}
