// SPDX-License-Identifier: Apache-2.0
/* The finished container at once: the head is written when the first picture has told what it is. */
#include "media/record/direct.h"

#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "base/limits.h"
#include "media/record/weave.h"
#include "media/record/webm_impl.h"

enum { KEY_FRAMES_MAX = 256, EARLY_MAX = 16384 };

struct direct {
    struct webm_box box;
    struct file *file; /* until the box has it */
    int error;         /* sticky */
    struct webm_plan plans[WEBM_TRACKS];
    struct webm_info info;
    int64_t last_video_ms, last_audio_ms;
    int picture; /* what track it is */
    struct weave
        waiting; /* for what comes before it in the file; until the first picture, all sound */
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

void direct_free(struct direct *d)
{
    if (!d)
        return;
    weave_clear(&d->waiting);
    webm_info_clear(&d->info);
    webm_box_close(&d->box);
    file_close(d->file);
    free(d);
}

/** The head. */
static int begin(struct direct *d)
{
    webm_plan_sound(d->plans);
    struct file *file = d->file;
    d->file = NULL;
    d->error = webm_box_write(&d->box, file, d->plans, KEY_FRAMES_MAX);
    if (d->error == 0)
        d->box.io->direct = AVIO_FLAG_DIRECT; /* clusters come whole from the muxer */
    return d->error;
}

static AVPacket packet_of(const struct weave_frame *frame)
{
    return (AVPacket){
        .data = (uint8_t *)(uintptr_t)frame->data, /* only read: it has no buffer of its own */
        .size = (int)frame->len,
        .pts = frame->at_ms,
        .dts = frame->at_ms,
        .pos = -1,
        .duration = frame->track == WEAVE_SOUND ? WEBM_PACKET_MS : 0,
        .flags = frame->key ? AV_PKT_FLAG_KEY : 0};
}

/** Writes what nothing can come before any more. */
static int write_out(struct direct *d, bool last)
{
    struct weave_frame frame;
    while (d->error == 0 && weave_next(&d->waiting, last, &frame)) {
        AVPacket packet = packet_of(&frame);
        packet.stream_index = d->plans[frame.track == WEAVE_SOUND ? WEBM_AUDIO : d->picture].stream;
        d->error = webm_box_er(&d->box, av_write_frame(d->box.context, &packet));
    }
    return d->error;
}

static int put(struct direct *d, const struct weave_frame *frame, int track)
{
    AVPacket packet = packet_of(frame);
    d->error = webm_note(&d->info, d->plans, &packet, track);
    if (d->error == 0)
        d->error = weave_put(&d->waiting, frame);
    return d->error;
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
    const struct weave_frame frame = {WEAVE_PICTURE, data, len, at_ms, key};
    d->picture = track;
    d->last_video_ms = at_ms;
    if (put(d, &frame, track) == 0 && first)
        (void)begin(d);
    return d->error ? d->error : write_out(d, false);
}

int direct_write_audio(struct direct *d, const uint8_t *data, size_t len, int64_t at_ms)
{
    if (d->error)
        return d->error;
    if (at_ms <= d->last_audio_ms || len == 0 || len > LIMIT_FRAME_BYTES)
        return ER_INVALID;
    if (d->file && weave_count(&d->waiting, WEAVE_SOUND) == EARLY_MAX)
        return d->error = ER_NOMEM;
    const struct weave_frame frame = {WEAVE_SOUND, data, len, at_ms, true};
    d->last_audio_ms = at_ms;
    return put(d, &frame, WEBM_AUDIO) < 0 || d->file ? d->error : write_out(d, false);
}

int direct_end(struct direct *d, struct webm_info *ret)
{
    *ret = (struct webm_info){0};
    if (d->error)
        return d->error;
    if (d->info.video_frames + d->info.audio_packets == 0)
        return ER_NOT_FOUND;
    d->plans[WEBM_VP8].used |= d->info.video_frames == 0; /* there are always both */
    if ((d->file && begin(d) < 0) || write_out(d, true) < 0)
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
