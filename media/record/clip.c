// SPDX-License-Identifier: Apache-2.0
/* A clip: depacketiser, mixer and container put together. */
#include "media/record/clip.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "base/limits.h"
#include "media/record/depack.h"
#include "media/record/file.h"
#include "media/record/mixer.h"
#include "media/record/poster.h"
#include "media/record/webm.h"

enum {
    HASH_BYTES = 65536,
    AHEAD_US = 1000000, /* a picture stamped further ahead of the clock counts as now */
    DELAY_MARGIN_US = 100000,
};

struct clip {
    char *path;
    char *part;
    uint64_t start_us;
    struct webm *webm;
    struct depack *depack;
    struct mixer *mixer;
    int error; /* of the disk; sticky */

    /* The server's clock, from ticks and, between them, from arrivals (which are on another clock). */
    uint64_t now_us;     /* 0: not known yet */
    uint64_t arrival_us; /* latest */
    bool offset_known;
    uint64_t offset_us; /* arrival + offset = server's clock, modulo 2^64 */

    uint64_t delay_us;
    int64_t last_video_ms; /* -1: none yet */
    unsigned gaps;
    uint64_t gap_us;
    bool has_audio;
};

int clip_new(struct clip **ret, const struct clip_config *config)
{
    struct clip *c = calloc(1, sizeof *c);
    if (!c)
        return ER_NOMEM;
    c->start_us = config->start_unix_us;
    c->delay_us = CLIP_DELAY_US;
    c->last_video_ms = -1;
    c->path = strdup(config->path);
    c->part = file_name(config->path, ".part");
    int er = c->path && c->part ? 0 : ER_NOMEM;
    if (er == 0)
        er = depack_new(&c->depack);
    if (er == 0)
        er = mixer_new(&c->mixer);
    if (er == 0)
        er = webm_new(&c->webm, c->part);
    if (er < 0) {
        clip_free(c);
        return er;
    }
    *ret = c;
    return 0;
}

void clip_free(struct clip *c)
{
    if (!c)
        return;
    webm_free(c->webm);
    depack_free(c->depack);
    mixer_free(c->mixer);
    free(c->path);
    free(c->part);
    free(c);
}

/** Media time of a capture time. */
static int64_t media_us(const struct clip *c, uint64_t unix_us)
{
    return (int64_t)(unix_us - c->start_us);
}

static void note_arrival(struct clip *c, const struct tape_packet *packet)
{
    if (packet->arrival_us <= c->arrival_us)
        return;
    c->arrival_us = packet->arrival_us;
    if (c->offset_known && c->arrival_us + c->offset_us > c->now_us)
        c->now_us = c->arrival_us + c->offset_us;
}

static void note_now(struct clip *c, uint64_t now_unix_us)
{
    if (now_unix_us > c->now_us)
        c->now_us = now_unix_us;
    /* The packet that waited least tells best how the clocks differ. */
    uint64_t offset = now_unix_us - c->arrival_us;
    if (c->arrival_us && (!c->offset_known || (int64_t)(offset - c->offset_us) < 0)) {
        c->offset_us = offset;
        c->offset_known = true;
    }
}

static int fail(struct clip *c, int er)
{
    if (er == ER_IO)
        c->error = er;
    return er;
}

/** Mixes and writes sound up to a media time. */
static int mix_until(struct clip *c, int64_t until_us)
{
    const int64_t longest_us = (int64_t)LIMIT_CLIP_SECONDS * 1000000;
    if (until_us > longest_us)
        until_us = longest_us;
    struct mixer_frame frame;
    int er;
    while ((er = mixer_next(c->mixer, until_us, &frame)) == 0) {
        er = webm_write_audio(c->webm, frame.data, frame.len, frame.at_us / 1000);
        if (er < 0)
            return fail(c, er);
    }
    return er == ER_AGAIN ? 0 : er;
}

/* --- picture */

static int64_t frame_time_ms(const struct clip *c, uint64_t capture_unix_us)
{
    if (c->now_us && capture_unix_us > c->now_us + AHEAD_US)
        capture_unix_us = c->now_us;
    int64_t at_ms = media_us(c, capture_unix_us) / 1000;
    return at_ms > c->last_video_ms ? at_ms : c->last_video_ms + 1;
}

static void note_gap(struct clip *c, int64_t end_ms)
{
    c->gaps++;
    if (end_ms > c->last_video_ms)
        c->gap_us += (uint64_t)(end_ms - c->last_video_ms) * 1000;
}

int clip_video(struct clip *c, const struct tape_packet *packet, uint64_t capture_unix_us)
{
    if (c->error)
        return c->error;
    note_arrival(c, packet);
    struct depack_frame frame;
    int er = depack_push(c->depack, packet, &frame);
    if (er < 0)
        return er == ER_NOMEM ? er : 0;
    int64_t at_ms = frame_time_ms(c, capture_unix_us);
    if (frame.after_gap)
        note_gap(c, at_ms);
    er = webm_write_video(c->webm, frame.format, frame.data, frame.len, at_ms, frame.key);
    if (er < 0)
        return fail(c, er);
    c->last_video_ms = at_ms;
    return 0;
}

void clip_video_gap(struct clip *c, uint32_t packets)
{
    depack_gap(c->depack, packets);
}

void clip_video_switch(struct clip *c)
{
    depack_switch(c->depack);
}

/* --- sound */

/** A voice whose packets are always late makes everything wait a little longer. */
static void note_latency(struct clip *c, const struct tape_packet *packet, uint64_t capture_unix_us)
{
    if (!c->offset_known || (packet->flags & TAPE_RECOVERED))
        return;
    int64_t late_us = (int64_t)(packet->arrival_us + c->offset_us - capture_unix_us);
    if (late_us > CLIP_DELAY_MAX_US - DELAY_MARGIN_US)
        return; /* lost in any case */
    if (late_us + DELAY_MARGIN_US > (int64_t)c->delay_us)
        c->delay_us = (uint64_t)late_us + DELAY_MARGIN_US;
}

int clip_audio(struct clip *c, uint64_t source, const struct tape_packet *packet,
               uint64_t capture_unix_us)
{
    if (c->error)
        return c->error;
    note_arrival(c, packet);
    note_latency(c, packet, capture_unix_us);
    const struct mixer_packet in = {
        .source = source,
        .seq = packet->seq,
        .timestamp = packet->timestamp,
        .at_us = media_us(c, capture_unix_us),
        .payload = packet->payload,
        .len = packet->payload_len,
    };
    int er = mixer_put(c->mixer, &in);
    if (er == ER_AGAIN && c->now_us) {
        /* Ticks are overdue: as much room is made as the packet needs, but none beyond the clock. */
        int64_t need_us = mixer_position_us(c->mixer) + in.at_us + 200000 -
                          mixer_reach_us(c->mixer);
        int64_t may_us = media_us(c, c->now_us - c->delay_us);
        er = mix_until(c, need_us < may_us ? need_us : may_us);
        if (er < 0)
            return er;
        er = mixer_put(c->mixer, &in);
    }
    if (er == 0)
        c->has_audio = true;
    return er == ER_NOMEM ? er : 0;
}

void clip_audio_end(struct clip *c, uint64_t source)
{
    mixer_end(c->mixer, source);
}

int clip_tick(struct clip *c, uint64_t now_unix_us)
{
    if (c->error)
        return c->error;
    note_now(c, now_unix_us);
    return mix_until(c, media_us(c, now_unix_us - c->delay_us));
}

/* --- the end */

static int hash_file(const char *path, struct clip_result *ret)
{
    struct file *f;
    int er = file_open(&f, path);
    if (er < 0)
        return er;
    EVP_MD_CTX *hash = EVP_MD_CTX_new();
    uint8_t *buf = malloc(HASH_BYTES);
    if (!hash || !buf || EVP_DigestInit_ex(hash, EVP_sha256(), NULL) != 1)
        er = ER_NOMEM;
    size_t len = 1;
    while (er == 0 && len > 0) {
        er = file_read(f, buf, HASH_BYTES, &len);
        if (er == 0 && EVP_DigestUpdate(hash, buf, len) != 1)
            er = ER_INTERNAL;
    }
    if (er == 0 && EVP_DigestFinal_ex(hash, ret->sha256, NULL) != 1)
        er = ER_INTERNAL;
    ret->bytes = file_position(f);
    EVP_MD_CTX_free(hash);
    free(buf);
    file_close(f);
    return er;
}

/** <path>.jpg, whole or not at all. */
static int write_poster(const char *path, const uint8_t *jpeg, size_t len)
{
    char *out = file_name(path, ".jpg");
    char *temporary = file_name(path, ".jpg.tmp");
    struct file *f = NULL;
    int er = out && temporary ? file_replace(&f, temporary) : ER_NOMEM;
    if (er == 0)
        er = file_write(f, jpeg, len);
    if (er == 0)
        er = file_sync(f);
    file_close(f);
    if (er == 0)
        er = file_commit(temporary, out);
    if (er < 0 && temporary)
        file_remove(temporary);
    free(out);
    free(temporary);
    return er;
}

/** A clip without its poster is still a clip. */
static bool make_poster(const char *path, const struct webm_info *info)
{
    uint8_t *jpeg = NULL;
    size_t len;
    if (!info->key_frame ||
        poster_make(info->format, info->key_frame, info->key_frame_len, &jpeg, &len) < 0)
        return false;
    int er = write_poster(path, jpeg, len);
    free(jpeg);
    return er == 0;
}

/** <path>.webm from <path>.part when that is to be done, or as it is; then all that goes with it. */
static int complete(const char *path, const char *part, bool remux, struct clip_result *ret)
{
    char *out = file_name(path, ".webm");
    if (!out)
        return ER_NOMEM;
    struct webm_info info = {0};
    int er = remux ? webm_finalise(part, out, &info) : webm_scan(out, &info);
    if (er == 0)
        er = hash_file(out, ret);
    if (er == 0) {
        ret->duration_us = info.duration_ms * 1000;
        ret->width = info.width;
        ret->height = info.height;
        ret->format = info.format;
        ret->has_video = info.video_frames > 0;
        ret->has_audio = info.audio_packets > 0;
        ret->has_poster = make_poster(path, &info);
        er = file_remove(part);
    }
    webm_info_clear(&info);
    free(out);
    return er;
}

int clip_finish(struct clip *c, uint64_t end_unix_us, struct clip_result *ret)
{
    *ret = (struct clip_result){0};
    int64_t end_us = media_us(c, end_unix_us);
    int er = c->error ? c->error : mix_until(c, end_us);
    if (er == 0)
        er = fail(c, webm_end(c->webm));
    if (er < 0 && er != ER_IO)
        return er;
    webm_free(c->webm);
    c->webm = NULL;
    if (depack_in_gap(c->depack))
        note_gap(c, end_us / 1000);
    er = complete(c->path, c->part, true, ret);
    ret->repaired = c->error != 0;
    ret->has_audio = c->has_audio;
    ret->gaps = c->gaps;
    ret->gap_us = c->gap_us;
    return er;
}

int clip_repair(const char *path, struct clip_result *ret)
{
    *ret = (struct clip_result){0};
    char *part = file_name(path, ".part");
    if (!part)
        return ER_NOMEM;
    int er = complete(path, part, false, ret);
    if (er == ER_NOT_FOUND)
        er = complete(path, part, true, ret);
    ret->repaired = true;
    free(part);
    return er;
}
