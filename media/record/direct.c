// SPDX-License-Identifier: Apache-2.0
/* The finished container at once: the head is written when the first picture has told what it is. */
#include "media/record/direct.h"

#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "base/limits.h"
#include "media/record/webm_impl.h"

enum { KEY_FRAMES_MAX = 256, EARLY_MAX = 16384 };

struct direct {
    struct webm_box box;
    struct file *file; /* until the box has it */
    int error;         /* sticky */
    struct webm_plan plans[WEBM_TRACKS];
    struct webm_info info;
    int64_t last_video_ms, last_audio_ms;
    AVPacket **early; /* sound from before the first picture */
    size_t early_count;
};

int direct_new(struct direct **ret, struct vault *vault, const char *path)
{
    struct direct *d = calloc(1, sizeof *d);
    if (!d)
        return ER_NOMEM;
    d->last_video_ms = d->last_audio_ms = -1;
    int er = file_create_whole(&d->file, vault, path);
    if (er < 0)
        direct_free(d);
    else
        *ret = d;
    return er;
}

static void free_early(struct direct *d)
{
    for (size_t i = 0; i < d->early_count; i++)
        av_packet_free(&d->early[i]);
    free(d->early);
    d->early = NULL;
    d->early_count = 0;
}

void direct_free(struct direct *d)
{
    if (!d)
        return;
    free_early(d);
    webm_info_clear(&d->info);
    webm_box_close(&d->box);
    file_close(d->file);
    free(d);
}

static int put(struct direct *d, AVPacket *packet, int track)
{
    packet->stream_index = d->plans[track].stream;
    d->error = webm_box_er(&d->box, av_interleaved_write_frame(d->box.context, packet));
    return d->error;
}

/** The head, and what had to wait for it. */
static int begin(struct direct *d)
{
    webm_plan_sound(d->plans);
    struct file *file = d->file;
    d->file = NULL;
    d->error = webm_box_write(&d->box, file, d->plans, KEY_FRAMES_MAX);
    for (size_t i = 0; i < d->early_count && d->error == 0; i++)
        (void)put(d, d->early[i], WEBM_AUDIO);
    free_early(d);
    return d->error;
}

static AVPacket packet_of(const uint8_t *data, size_t len, int64_t at_ms, bool key)
{
    return (AVPacket){
        .data = (uint8_t *)(uintptr_t)data, /* only read: it has no buffer of its own */
        .size = (int)len,
        .pts = at_ms,
        .dts = at_ms,
        .pos = -1,
        .flags = key ? AV_PKT_FLAG_KEY : 0};
}

int direct_write_video(struct direct *d, enum codec_format format, const uint8_t *data, size_t len,
                       int64_t at_ms, bool key)
{
    int track = webm_track_of(format);
    bool first = d->info.video_frames == 0;
    if (d->error)
        return d->error;
    if (track >= WEBM_AUDIO || (!first && !d->plans[track].used) || (first && !key) ||
        at_ms <= d->last_video_ms || len == 0 || len > LIMIT_FRAME_BYTES)
        return ER_INVALID;
    AVPacket packet = packet_of(data, len, at_ms, key);
    d->error = webm_note(&d->info, d->plans, &packet, track);
    if (d->error == 0 && first)
        (void)begin(d);
    d->last_video_ms = at_ms;
    return d->error ? d->error : put(d, &packet, track);
}

static int keep_early(struct direct *d, const AVPacket *packet)
{
    AVPacket **early = reallocarray(d->early, d->early_count + 1, sizeof(AVPacket *));
    if (!early)
        return ER_NOMEM;
    d->early = early;
    AVPacket *copy = d->early_count < EARLY_MAX ? av_packet_clone(packet) : NULL;
    if (!copy)
        return ER_NOMEM;
    d->early[d->early_count++] = copy;
    return 0;
}

int direct_write_audio(struct direct *d, const uint8_t *data, size_t len, int64_t at_ms)
{
    if (d->error)
        return d->error;
    if (at_ms <= d->last_audio_ms || len == 0 || len > LIMIT_FRAME_BYTES)
        return ER_INVALID;
    AVPacket packet = packet_of(data, len, at_ms, true);
    packet.duration = WEBM_PACKET_MS;
    d->error = webm_note(&d->info, d->plans, &packet, WEBM_AUDIO);
    d->last_audio_ms = at_ms;
    if (d->error)
        return d->error;
    return d->file ? keep_early(d, &packet) : put(d, &packet, WEBM_AUDIO);
}

int direct_end(struct direct *d, struct webm_info *ret)
{
    *ret = (struct webm_info){0};
    if (d->error)
        return d->error;
    if (d->info.video_frames + d->info.audio_packets == 0)
        return ER_NOT_FOUND;
    d->plans[WEBM_VP8].used |= d->info.video_frames == 0; /* there are always both */
    if (d->file && begin(d) < 0)
        return d->error;
    bool fits = d->info.key_frames <= KEY_FRAMES_MAX;
    int status = av_write_trailer(d->box.context);
    avio_flush(d->box.io);
    d->error = webm_box_er(&d->box, fits || status != AVERROR(EINVAL) ? status : 0);
    if (d->error == 0)
        d->error = webm_box_er(&d->box, d->box.io->error);
    if (d->error == 0)
        d->error = file_sync(d->box.file);
    if (d->error)
        return d->error;
    *ret = d->info;
    d->info = (struct webm_info){0};
    return fits ? 0 : ER_FULL;
}
