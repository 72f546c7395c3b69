// SPDX-License-Identifier: Apache-2.0
/* Frames are read with the recorder's own readers, whose tests hold them against FFmpeg's. */
#include "tests/unit/support/framelog_check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/sha.h>

#include "base/er.h"
#include "media/record/voices.h"
#include "media/record/webm.h"

struct seen {
    uint32_t track;
    uint64_t at_ms;
    uint32_t len;
    bool key, told;
    uint8_t sha256[32];
};

struct frames {
    struct seen *all;
    size_t count, size;
};

static int note(void *ctx, const struct webm_frame *frame)
{
    struct frames *f = ctx;
    if (f->count == f->size) {
        f->size = f->size ? 2 * f->size : 1024;
        f->all = realloc(f->all, f->size * sizeof *f->all);
        assert_non_null(f->all);
    }
    struct seen *s = &f->all[f->count++];
    *s = (struct seen){.track = frame->track,
                       .at_ms = frame->at_ms,
                       .len = (uint32_t)frame->len,
                       .key = frame->key};
    SHA256(frame->data, frame->len, s->sha256);
    return 0;
}

static char *read_log(const char *path, size_t *ret_len)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        fail_msg("no log at %s", path);
    char *text = malloc(64u << 20);
    assert_non_null(text);
    *ret_len = fread(text, 1, 64u << 20, f);
    fclose(f);
    return text;
}

static void tell(struct frames *f, const struct framelog_record *r)
{
    for (size_t i = 0; i < f->count; i++) {
        struct seen *s = &f->all[i];
        if (s->track != r->track || s->at_ms != r->at_ms)
            continue;
        assert_false(s->told);
        assert_int_equal(s->len, r->len);
        assert_int_equal(s->key, r->key);
        assert_memory_equal(s->sha256, r->sha256, sizeof r->sha256);
        s->told = true;
        return;
    }
    fail_msg("the log tells of a frame of track %u at %llu ms that is not there",
             (unsigned)r->track, (unsigned long long)r->at_ms);
}

static void sum_up(struct framelog_summary *s, const struct framelog_record *r,
                   const enum framelog_track_kind *kinds)
{
    s->records++;
    if (r->type == FRAMELOG_HEAD)
        s->start_unix_us = r->unix_us;
    s->marks += r->type == FRAMELOG_MARK;
    s->voices += r->type == FRAMELOG_TRACK && r->kind == FRAMELOG_VOICE;
    if (r->type == FRAMELOG_VOICE_GAP) {
        s->voice_gaps++;
        s->last_voice_gap = *r;
    }
    if (r->type == FRAMELOG_GAP) {
        s->gaps++;
        s->gap_packets += r->packets;
        s->gap_frames += r->frames;
        s->last_gap = *r;
        assert_true(r->at_ms <= r->to_ms);
    }
    if (r->type == FRAMELOG_FRAME) {
        s->pictures += kinds[r->track] == FRAMELOG_VIDEO;
        s->mixed += kinds[r->track] == FRAMELOG_MIX;
        s->spoken += kinds[r->track] == FRAMELOG_VOICE;
        s->unknown += kinds[r->track] != FRAMELOG_MIX && r->unix_us == 0;
        s->recovered += kinds[r->track] == FRAMELOG_VIDEO && r->recovered;
    }
    if (r->type == FRAMELOG_END)
        s->end_ms = r->at_ms;
}

struct framelog_summary framelog_check(const char *path)
{
    return framelog_check_in(NULL, path);
}

struct framelog_summary framelog_check_in(struct vault *vault, const char *path)
{
    char name[256];
    struct frames frames = {0};
    snprintf(name, sizeof name, "%s.webm", path);
    assert_int_equal(webm_each(vault, name, note, &frames), 0);
    snprintf(name, sizeof name, "%s.voices.mka", path);
    int er = voices_each(vault, name, note, &frames);
    if (er != ER_NOT_FOUND)
        assert_int_equal(er, 0);

    size_t len;
    snprintf(name, sizeof name, "%s.framelog", path);
    char *text = read_log(name, &len);
    struct framelog_reader reader = framelog_read((struct span){.at = text, .len = len});
    struct framelog_record r;
    struct framelog_summary s = {0};
    enum framelog_track_kind kinds[FRAMELOG_FIRST_VOICE + VOICES_TRACKS] = {0};
    while ((er = framelog_next(&reader, &r)) == 0) {
        if (r.type == FRAMELOG_TRACK)
            kinds[r.track] = r.kind;
        if (r.type == FRAMELOG_FRAME)
            tell(&frames, &r);
        sum_up(&s, &r, kinds);
    }
    if (er != ER_NOT_FOUND || reader.rest.len > 0)
        fail_msg("line %zu of the log is none", reader.line);
    assert_true(reader.ended);
    for (size_t i = 0; i < frames.count; i++)
        if (!frames.all[i].told)
            fail_msg("the log does not tell of the frame of track %u at %llu ms",
                     (unsigned)frames.all[i].track, (unsigned long long)frames.all[i].at_ms);
    free(frames.all);
    free(text);
    return s;
}
