// SPDX-License-Identifier: Apache-2.0
/* WebM read with libavformat, whole or cut anywhere, and made whole. */
#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "base/limits.h"
#include "media/record/webm_impl.h"

enum { PLAUSIBLE_MS = LIMIT_CLIP_SECONDS * 1000 + 60000 };

struct reader {
    struct webm_box box;
    int index[WEBM_TRACKS]; /* the container's number of each track; -1: none */
    int64_t last_ms[WEBM_TRACKS];
    bool key_seen[WEBM_TRACKS];
};

static void find_tracks(struct reader *r)
{
    const AVFormatContext *context = r->box.context;
    for (int track = 0; track < WEBM_TRACKS; track++) {
        r->index[track] = -1;
        r->last_ms[track] = -1;
        for (unsigned i = 0; i < context->nb_streams; i++)
            if (context->streams[i]->codecpar->codec_id == webm_kinds[track].id)
                r->index[track] = (int)i;
    }
}

/** `torn`: what a dead process left. */
static int reader_open(struct reader *r, struct vault *vault, const char *path, bool torn)
{
    *r = (struct reader){0};
    struct file *file;
    int er = torn ? file_salvage(&file, vault, path) : file_open(&file, vault, path);
    if (er < 0)
        return er;
    er = webm_box_init(&r->box, file, false, true);
    if (er < 0)
        return er;
    r->box.context = avformat_alloc_context();
    if (!r->box.context)
        return ER_NOMEM;
    r->box.context->pb = r->box.io;
    /* Nothing looks into the frames but we: in a .part the heads of some tracks are made up. */
    r->box.context->flags |= AVFMT_FLAG_CUSTOM_IO | AVFMT_FLAG_NOPARSE | AVFMT_FLAG_NOFILLIN;
    int status = avformat_open_input(&r->box.context, NULL, av_find_input_format("matroska"), NULL);
    if (status < 0) {
        er = webm_box_er(&r->box, status);
        return er == ER_INTERNAL ? ER_NOT_FOUND : er;
    }
    find_tracks(r);
    return 0;
}

/** Whether the packet belongs into the finished file; *ret_track then. */
static bool reader_accept(struct reader *r, int *ret_track)
{
    const AVPacket *packet = r->box.packet;
    int track = 0;
    while (track < WEBM_TRACKS && packet->stream_index != r->index[track])
        track++;
    if (track == WEBM_TRACKS || packet->size <= 0 || (packet->flags & AV_PKT_FLAG_CORRUPT) ||
        packet->pts == AV_NOPTS_VALUE)
        return false;
    if (packet->pts <= r->last_ms[track] || packet->pts > PLAUSIBLE_MS)
        return false;
    unsigned width, height;
    if (track != WEBM_AUDIO && !r->key_seen[track]) {
        if (!frame_key_size(webm_kinds[track].format, packet->data, (size_t)packet->size, &width,
                            &height))
            return false;
        r->key_seen[track] = true;
    }
    r->last_ms[track] = packet->pts;
    *ret_track = track;
    return true;
}

/** The next packet, in box.packet; ER_NOT_FOUND at the end of what is whole. */
static int reader_next(struct reader *r, int *ret_track)
{
    for (;;) {
        av_packet_unref(r->box.packet);
        int status = av_read_frame(r->box.context, r->box.packet);
        if (status < 0) {
            int er = webm_box_er(&r->box, status);
            return er == ER_INTERNAL ? ER_NOT_FOUND : er;
        }
        if (reader_accept(r, ret_track))
            return 0;
    }
}

void webm_info_clear(struct webm_info *info)
{
    free(info->key_frame);
    *info = (struct webm_info){0};
}

static int note_first_key(struct webm_info *info, const AVPacket *packet, int track)
{
    info->format = webm_kinds[track].format;
    info->key_frame_len = (size_t)packet->size;
    info->key_frame = malloc(info->key_frame_len);
    if (!info->key_frame)
        return ER_NOMEM;
    memcpy(info->key_frame, packet->data, info->key_frame_len);
    return frame_key_size(info->format, packet->data, (size_t)packet->size, &info->width,
                          &info->height)
               ? 0
               : ER_MALFORMED; /* never: reader_accept has looked */
}

/** The track's head from its first frame, which is a key frame. */
static void plan_picture(struct webm_plan *plan, const AVPacket *packet, int track)
{
    size_t len = (size_t)packet->size;
    plan->used = true;
    frame_key_size(webm_kinds[track].format, packet->data, len, &plan->width, &plan->height);
    int private_len = frame_private(webm_kinds[track].format, packet->data, len, plan->private);
    plan->private_len = private_len > 0 ? (size_t)private_len : 0;
}

int webm_note(struct webm_info *info, struct webm_plan plans[static WEBM_TRACKS],
              const AVPacket *packet, int track)
{
    uint64_t end = (uint64_t)packet->pts + (track == WEBM_AUDIO ? WEBM_PACKET_MS : 0);
    if (end > info->duration_ms)
        info->duration_ms = end;
    if (track == WEBM_AUDIO) {
        info->audio_packets++;
        return 0;
    }
    info->video_frames++;
    if (packet->flags & AV_PKT_FLAG_KEY)
        info->key_frames++;
    if (!plans[track].used) {
        unsigned before = 0; /* the sound's place is behind the first picture's */
        for (int other = 0; other < WEBM_AUDIO; other++)
            before += plans[other].used;
        plan_picture(&plans[track], packet, track);
        plans[track].place = before ? before + 1 : 0;
    }
    return info->key_frame ? 0 : note_first_key(info, packet, track);
}

static int scan(struct vault *vault, const char *path, bool torn, struct webm_info *ret,
                struct webm_plan plans[static WEBM_TRACKS])
{
    *ret = (struct webm_info){0};
    struct reader r;
    int er = reader_open(&r, vault, path, torn);
    int track;
    while (er == 0 && (er = reader_next(&r, &track)) == 0)
        er = webm_note(ret, plans, r.box.packet, track);
    webm_box_close(&r.box);
    if (er == ER_NOT_FOUND && ret->video_frames + ret->audio_packets > 0)
        return 0;
    webm_info_clear(ret);
    return er;
}

int webm_scan(struct vault *vault, const char *path, struct webm_info *ret)
{
    struct webm_plan plans[WEBM_TRACKS] = {0};
    return scan(vault, path, false, ret, plans);
}

int webm_each(struct vault *vault, const char *path,
              int (*each)(void *ctx, const struct webm_frame *frame), void *ctx)
{
    struct reader r;
    bool any = false;
    int er = reader_open(&r, vault, path, false);
    int track;
    while (er == 0 && (er = reader_next(&r, &track)) == 0) {
        any = true;
        const AVPacket *packet = r.box.packet;
        const struct webm_frame frame = {
            .track = (unsigned)packet->stream_index + 1,
            .format = webm_kinds[track].format,
            .at_ms = (uint64_t)packet->pts,
            .key = (packet->flags & AV_PKT_FLAG_KEY) != 0,
            .data = packet->data,
            .len = (size_t)packet->size,
        };
        er = each(ctx, &frame);
        if (er != 0)
            break;
    }
    webm_box_close(&r.box);
    return er == ER_NOT_FOUND && any ? 0 : er;
}

/* --- finishing */

static int copy_packets(struct reader *from, struct webm_box *to,
                        const struct webm_plan plans[static WEBM_TRACKS])
{
    int er, track;
    while ((er = reader_next(from, &track)) == 0) {
        AVPacket *packet = from->box.packet;
        packet->stream_index = plans[track].stream;
        packet->dts = packet->pts;
        packet->duration = track == WEBM_AUDIO ? WEBM_PACKET_MS : 0;
        packet->pos = -1;
        er = webm_box_er(to, av_interleaved_write_frame(to->context, packet));
        if (er < 0)
            return er;
    }
    return er == ER_NOT_FOUND ? 0 : er;
}

/** Writes `temporary` from `part`, down to the disk. */
static int remux(struct vault *vault, const char *part, const char *temporary,
                 struct webm_plan plans[static WEBM_TRACKS], uint64_t key_frames)
{
    struct reader from;
    struct webm_box to = {0};
    struct file *file;
    int er = reader_open(&from, vault, part, true);
    if (er == 0)
        er = file_replace(&file, vault, temporary);
    if (er == 0)
        er = webm_box_write(&to, file, plans, (int64_t)key_frames);
    if (er == 0)
        er = copy_packets(&from, &to, plans);
    if (er == 0)
        er = webm_box_er(&to, av_write_trailer(to.context));
    if (er == 0) {
        avio_flush(to.io);
        er = webm_box_er(&to, to.io->error);
    }
    if (er == 0)
        er = file_sync(to.file);
    webm_box_close(&from.box);
    webm_box_close(&to);
    return er;
}

int webm_finalise(struct vault *vault, const char *part, const char *out, struct webm_info *ret)
{
    struct webm_plan plans[WEBM_TRACKS] = {0};
    int er = scan(vault, part, true, ret, plans);
    if (er < 0)
        return er;
    webm_plan_sound(plans);
    if (ret->video_frames == 0)
        plans[WEBM_VP8].used = true; /* there are always both */
    char *temporary = file_name(out, ".tmp");
    er = temporary ? remux(vault, part, temporary, plans, ret->key_frames) : ER_NOMEM;
    if (er == 0)
        er = file_commit(temporary, out);
    if (er < 0) {
        if (temporary)
            file_remove(temporary);
        webm_info_clear(ret);
    }
    free(temporary);
    return er;
}
