// SPDX-License-Identifier: Apache-2.0
/* EBML written by hand. */
#include "tests/unit/support/matroska_make.h"

#include <stdlib.h>
#include <string.h>

static void put(struct matroska_make *m, const void *data, size_t len)
{
    if (m->len + len > m->size) {
        m->size = (m->len + len) * 2;
        m->bytes = realloc(m->bytes, m->size);
        if (!m->bytes)
            abort();
    }
    memcpy(m->bytes + m->len, data, len);
    m->len += len;
}

static void put_number(struct matroska_make *m, uint64_t v, unsigned len)
{
    for (unsigned i = len; i-- > 0;) {
        uint8_t byte = (uint8_t)(v >> (8 * i));
        put(m, &byte, 1);
    }
}

static void put_id(struct matroska_make *m, uint32_t id)
{
    put_number(m, id, id > 0xffffff ? 4 : id > 0xffff ? 3 : id > 0xff ? 2 : 1);
}

void matroska_make_free(struct matroska_make *m)
{
    free(m->bytes);
    memset(m, 0, sizeof *m);
}

void matroska_make_element(struct matroska_make *m, uint32_t id, const void *data, size_t len)
{
    put_id(m, id);
    put_number(m, UINT64_C(1) << 56 | len, 8);
    put(m, data, len);
}

static void put_track(struct matroska_make *m, unsigned number, const char *codec)
{
    struct matroska_make track = {0};
    uint8_t n = (uint8_t)number, type = codec[0] == 'V' ? 1 : 2;
    matroska_make_element(&track, 0xD7, &n, 1);
    matroska_make_element(&track, 0x83, &type, 1);
    matroska_make_element(&track, 0x86, codec, strlen(codec));
    matroska_make_element(m, 0xAE, track.bytes, track.len);
    matroska_make_free(&track);
}

static void begin(struct matroska_make *m, const struct matroska_make *tracks)
{
    static const uint8_t scale[] = {0x0f, 0x42, 0x40};
    struct matroska_make inner = {0};
    memset(m, 0, sizeof *m);
    matroska_make_element(&inner, 0x4282, "webm", 4);
    matroska_make_element(m, 0x1A45DFA3, inner.bytes, inner.len);
    put_id(m, 0x18538067);
    m->segment_size_at = m->len;
    put_number(m, UINT64_C(1) << 56, 8);
    inner.len = 0;
    matroska_make_element(&inner, 0x2AD7B1, scale, sizeof scale);
    matroska_make_element(m, 0x1549A966, inner.bytes, inner.len);
    matroska_make_element(m, 0x1654AE6B, tracks->bytes, tracks->len);
    matroska_make_free(&inner);
}

void matroska_make_begin(struct matroska_make *m, bool picture, unsigned first_sound,
                         unsigned sounds)
{
    struct matroska_make tracks = {0};
    if (picture)
        put_track(&tracks, 1, "V_VP8");
    for (unsigned i = 0; i < sounds; i++)
        put_track(&tracks, first_sound + i, "A_OPUS");
    begin(m, &tracks);
    matroska_make_free(&tracks);
}

static void cluster_close(struct matroska_make *m)
{
    if (m->clusters == 0)
        return;
    size_t at = m->cluster_at[m->clusters - 1];
    uint64_t len = m->len - at - 12;
    for (unsigned i = 0; i < 7; i++)
        m->bytes[at + 11 - i] = (uint8_t)(len >> (8 * i));
    m->cluster_end[m->clusters - 1] = m->len;
}

void matroska_make_cluster(struct matroska_make *m, uint64_t at_ms)
{
    const uint8_t time[] = {(uint8_t)(at_ms >> 16), (uint8_t)(at_ms >> 8), (uint8_t)at_ms};
    cluster_close(m);
    m->cluster_at[m->clusters++] = m->len;
    put_id(m, 0x1F43B675);
    put_number(m, UINT64_C(1) << 56, 8);
    matroska_make_element(m, 0xE7, time, sizeof time);
}

void matroska_make_frame(struct matroska_make *m, unsigned track, int relative_ms, bool key,
                         size_t len)
{
    struct matroska_make block = {0};
    put_number(&block, 0x80 | track, 1);
    put_number(&block, (uint16_t)relative_ms, 2);
    put_number(&block, key ? 0x80 : 0, 1);
    for (size_t i = 0; i < len; i++)
        put_number(&block, i * 7, 1);
    matroska_make_element(m, 0xA3, block.bytes, block.len);
    matroska_make_free(&block);
}

void matroska_make_end(struct matroska_make *m)
{
    static const uint8_t cues[] = {0xBB, 0x80};
    cluster_close(m);
    matroska_make_element(m, 0x1C53BB6B, cues, sizeof cues);
    uint64_t len = m->len - m->segment_size_at - 8;
    for (unsigned i = 0; i < 7; i++)
        m->bytes[m->segment_size_at + 7 - i] = (uint8_t)(len >> (8 * i));
}

/** Frames whose bytes depend on the time in the whole clip. */
static void put_frame(struct matroska_make *m, unsigned track, uint64_t whole_ms, int relative_ms,
                      bool key)
{
    size_t before = m->len;
    matroska_make_frame(m, track, relative_ms, key, 30 + whole_ms % 50);
    memcpy(m->bytes + before + 13, &whole_ms, sizeof whole_ms);
}

void matroska_make_clip(struct matroska_make *m, uint64_t from_ms, uint64_t to_ms)
{
    uint64_t cluster = 0;
    matroska_make_begin(m, true, 2, 1);
    for (uint64_t at = from_ms; at < to_ms; at += 20) {
        if (at == from_ms || at % 1000 == 0) {
            cluster = at - from_ms;
            matroska_make_cluster(m, cluster);
        }
        int relative = (int)(at - from_ms - cluster);
        if (at % 40 == 0)
            put_frame(m, 1, at, relative, at % 1000 == 0);
        put_frame(m, 2, at, relative, true);
    }
    matroska_make_end(m);
}

void matroska_make_voices(struct matroska_make *m, uint64_t to_ms)
{
    matroska_make_begin(m, false, 16, 2);
    for (uint64_t at = 0; at < to_ms; at += 20) {
        if (at % 1000 == 0)
            matroska_make_cluster(m, at);
        put_frame(m, 16, at, (int)(at % 1000), true);
        if (at % 60 == 0)
            put_frame(m, 17, at, (int)(at % 1000), true);
    }
    matroska_make_end(m);
}

void matroska_make_two_codecs(struct matroska_make *m, bool part)
{
    struct matroska_make tracks = {0};
    uint64_t offset = part ? 1000 : 0;
    put_track(&tracks, 1, part ? "V_VP9" : "V_VP8");
    put_track(&tracks, 2, "A_OPUS");
    if (!part)
        put_track(&tracks, 3, "V_VP9");
    begin(m, &tracks);
    matroska_make_free(&tracks);
    for (uint64_t at = offset; at < 2000; at += 20) {
        if (at % 1000 == 0)
            matroska_make_cluster(m, at - offset);
        put_frame(m, 2, at, (int)(at % 1000), true);
        if (at % 40 == 0)
            put_frame(m, at < 1000 || part ? 1 : 3, at, (int)(at % 1000), at % 1000 == 0);
    }
    matroska_make_end(m);
}
