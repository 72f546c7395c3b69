// SPDX-License-Identifier: Apache-2.0
/* WebM written with libavformat through our own file functions. */
#include "media/record/webm.h"

#include <libavutil/channel_layout.h>
#include <libavutil/log.h>
#include <libavutil/mem.h>
#include <libavutil/opt.h>
#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "base/limits.h"
#include "media/record/webm_impl.h"

/* The callback for writing takes const bytes since FFmpeg 7. */
#if LIBAVFORMAT_VERSION_MAJOR >= 61
#define AVIO_BYTES const uint8_t
#else
#define AVIO_BYTES uint8_t
#endif

enum {
    IO_BYTES = 65536,
    PLACEHOLDER_WIDTH = 640, /* in a .part: written before the first key frame is here */
    PLACEHOLDER_HEIGHT = 480,
    CUE_BYTES = 48,    /* upper bound of one cue */
    CUES_BYTES = 256,  /* and of what stands around them */
    SKEW_US = 5000000, /* the tracks of a .part are apart by less */
};

/* --- both ways */

static int on_write(void *opaque, AVIO_BYTES *buf, int len)
{
    return file_write(opaque, buf, (size_t)len) < 0 ? AVERROR(EIO) : len;
}

static int on_read(void *opaque, uint8_t *buf, int size)
{
    size_t len;
    if (file_read(opaque, buf, (size_t)size, &len) < 0)
        return AVERROR(EIO);
    return len == 0 ? AVERROR_EOF : (int)len;
}

static int64_t on_seek(void *opaque, int64_t offset, int whence)
{
    struct file *f = opaque;
    uint64_t size;
    if (whence & AVSEEK_SIZE)
        return file_size(f, &size) < 0 ? AVERROR(EIO) : (int64_t)size;
    if ((whence & ~AVSEEK_FORCE) == SEEK_CUR)
        offset += (int64_t)file_position(f);
    else if ((whence & ~AVSEEK_FORCE) != SEEK_SET)
        return AVERROR(EINVAL);
    if (offset < 0)
        return AVERROR(EINVAL);
    file_seek(f, (uint64_t)offset);
    return offset;
}

int webm_box_er(const struct webm_box *b, int status)
{
    if (b->file && file_error(b->file))
        return file_error(b->file);
    return status >= 0 ? 0 : status == AVERROR(ENOMEM) ? ER_NOMEM : ER_INTERNAL;
}

void webm_box_close(struct webm_box *b)
{
    av_packet_free(&b->packet);
    if (b->writing)
        avformat_free_context(b->context);
    else
        avformat_close_input(&b->context);
    if (b->io)
        av_freep(&b->io->buffer);
    avio_context_free(&b->io);
    file_close(b->file);
    *b = (struct webm_box){0};
}

int webm_box_init(struct webm_box *b, struct file *file, bool writing, bool seekable)
{
    *b = (struct webm_box){.file = file, .writing = writing};
    /* Cut files are our daily bread: FFmpeg need not tell standard error. */
    av_log_set_level(AV_LOG_QUIET);
    uint8_t *buffer = av_malloc(IO_BYTES);
    if (!buffer)
        return ER_NOMEM;
    b->io = avio_alloc_context(buffer, IO_BYTES, writing, file, writing ? NULL : on_read,
                               writing ? on_write : NULL, seekable ? on_seek : NULL);
    if (!b->io) {
        av_free(buffer);
        return ER_NOMEM;
    }
    b->packet = av_packet_alloc();
    return b->packet ? 0 : ER_NOMEM;
}

/* --- writing */

const struct webm_kind webm_kinds[WEBM_TRACKS] = {
    [WEBM_VP8] = {AV_CODEC_ID_VP8, FORMAT_VP8},     [WEBM_VP9] = {AV_CODEC_ID_VP9, FORMAT_VP9},
    [WEBM_H264] = {AV_CODEC_ID_H264, FORMAT_H264},  [WEBM_AV1] = {AV_CODEC_ID_AV1, FORMAT_AV1},
    [WEBM_AUDIO] = {AV_CODEC_ID_OPUS, FORMAT_OPUS},
};

int webm_track_of(enum codec_format format)
{
    int track = 0;
    while (track < WEBM_TRACKS && webm_kinds[track].format != format)
        track++;
    return track;
}

static void set_private(struct webm_plan *p, const void *bytes, size_t len)
{
    memcpy(p->private, bytes, len);
    p->private_len = len;
}

void webm_plan_sound(struct webm_plan plans[static WEBM_TRACKS])
{
    /* RFC 7845, 5.1: version 1, stereo, nothing to skip, 48 kHz, gain 0, mapping family 0. */
    static const uint8_t head[] = {'O', 'p', 'u',  's',  'H', 'e', 'a', 'd', 1, 2,
                                   0,   0,   0x80, 0xbb, 0,   0,   0,   0,   0};
    plans[WEBM_AUDIO].used = true;
    plans[WEBM_AUDIO].place = 1;
    set_private(&plans[WEBM_AUDIO], head, sizeof head);
}

/** All that may come. What the muxer wants to know of H264 and AV1 beforehand is made up. */
static void plan_part(struct webm_plan plans[static WEBM_TRACKS])
{
    static const uint8_t baseline[] = {1, 0x42, 0xc0, 0x1f, 0xff, 0xe0, 0};
    static const uint8_t main_profile[] = {0x0a, 0x0b, 0x00, 0x00, 0x00, 0x04, 0x3c,
                                           0xff, 0xbc, 0xfb, 0xf9, 0x00, 0x40};
    for (int track = 0; track < WEBM_AUDIO; track++)
        plans[track].used = true;
    set_private(&plans[WEBM_H264], baseline, sizeof baseline);
    set_private(&plans[WEBM_AV1], main_profile, sizeof main_profile);
    webm_plan_sound(plans);
}

static int add_track(AVFormatContext *context, struct webm_plan *plan, int track)
{
    AVStream *stream = avformat_new_stream(context, NULL);
    if (!stream)
        return ER_NOMEM;
    AVCodecParameters *par = stream->codecpar;
    plan->stream = stream->index;
    stream->time_base = (AVRational){1, 1000};
    par->codec_id = webm_kinds[track].id;
    par->codec_type = track == WEBM_AUDIO ? AVMEDIA_TYPE_AUDIO : AVMEDIA_TYPE_VIDEO;
    if (track == WEBM_AUDIO) {
        par->sample_rate = 48000;
        av_channel_layout_default(&par->ch_layout, 2);
    } else {
        par->width = (int)(plan->width ? plan->width : PLACEHOLDER_WIDTH);
        par->height = (int)(plan->height ? plan->height : PLACEHOLDER_HEIGHT);
    }
    if (plan->private_len == 0)
        return 0;
    par->extradata = av_mallocz(plan->private_len + AV_INPUT_BUFFER_PADDING_SIZE);
    if (!par->extradata)
        return ER_NOMEM;
    memcpy(par->extradata, plan->private, plan->private_len);
    par->extradata_size = (int)plan->private_len;
    return 0;
}

int webm_box_write(struct webm_box *b, struct file *file,
                   struct webm_plan plans[static WEBM_TRACKS], int64_t cues)
{
    int er = webm_box_init(b, file, true, cues >= 0);
    if (er < 0)
        return er;
    const char *kind = plans[WEBM_H264].used ? "matroska" : "webm";
    int status = avformat_alloc_output_context2(&b->context, NULL, kind, NULL);
    if (status < 0)
        return webm_box_er(b, status);
    AVFormatContext *context = b->context;
    context->pb = b->io;
    context->flags |= AVFMT_FLAG_BITEXACT | AVFMT_FLAG_CUSTOM_IO;
    context->avoid_negative_ts = 0;
    context->max_interleave_delta = SKEW_US;
    for (int place = 0; place < WEBM_TRACKS && er == 0; place++)
        for (int track = 0; track < WEBM_TRACKS && er == 0; track++)
            if (plans[track].used && plans[track].place == (unsigned)place)
                er = add_track(context, &plans[track], track);
    if (er < 0)
        return er;
    AVDictionary *options = NULL;
    av_dict_set_int(&options, "cluster_time_limit", 1000, 0);
    av_dict_set_int(&options, "write_crc32", 0, 0); /* the frame log has better sums */
    if (cues < 0)
        av_dict_set_int(&options, "live", 1, 0);
    else
        av_dict_set_int(&options, "reserve_index_space", cues * CUE_BYTES + CUES_BYTES, 0);
    status = avformat_write_header(context, &options);
    av_dict_free(&options);
    avio_flush(b->io);
    return webm_box_er(b, status);
}

struct webm {
    struct webm_box box;
    int error; /* sticky */
    int64_t last_video_ms, last_audio_ms;
    int64_t newest_ms;
    int64_t cluster_ms; /* newest when the last cluster closed */
    int64_t synced_ms;  /* newest when last on the disk */
    int64_t sync_every_ms;
};

int webm_new(struct webm **ret, struct vault *vault, const char *path)
{
    struct webm *w = calloc(1, sizeof *w);
    if (!w)
        return ER_NOMEM;
    w->last_video_ms = w->last_audio_ms = -1;
    w->sync_every_ms = WEBM_SYNC_MS;
    struct webm_plan plans[WEBM_TRACKS] = {0};
    plan_part(plans);
    struct file *file;
    int er = file_create(&file, vault, path);
    if (er < 0) {
        free(w);
        return er;
    }
    er = webm_box_write(&w->box, file, plans, -1);
    if (er == 0)
        er = file_sync(w->box.file);
    if (er < 0) {
        webm_free(w);
        return er;
    }
    *ret = w;
    return 0;
}

void webm_hurry(struct webm *w)
{
    w->sync_every_ms = INT64_MAX;
}

void webm_free(struct webm *w)
{
    if (!w)
        return;
    webm_box_close(&w->box);
    free(w);
}

static int close_cluster(struct webm *w)
{
    int status = av_write_frame(w->box.context, NULL);
    avio_flush(w->box.io);
    w->error = webm_box_er(&w->box, status);
    w->cluster_ms = w->newest_ms;
    return w->error;
}

static int sync_cluster(struct webm *w)
{
    if (close_cluster(w) < 0)
        return w->error;
    w->error = file_sync(w->box.file);
    w->synced_ms = w->newest_ms;
    return w->error;
}

int webm_end(struct webm *w)
{
    if (w->error)
        return w->error;
    /* The muxer holds one packet of sound back until then. */
    int status = av_write_trailer(w->box.context);
    avio_flush(w->box.io);
    w->error = webm_box_er(&w->box, status);
    if (w->error == 0)
        w->error = file_sync(w->box.file);
    return w->error;
}

static int write_packet(struct webm *w, int track, const uint8_t *data, size_t len, int64_t at_ms,
                        bool key)
{
    if (w->error)
        return w->error;
    int64_t *last_ms = track == WEBM_AUDIO ? &w->last_audio_ms : &w->last_video_ms;
    if (at_ms <= *last_ms || len == 0 || len > LIMIT_FRAME_BYTES)
        return ER_INVALID;
    AVPacket *packet = w->box.packet;
    av_packet_unref(packet);
    packet->data = (uint8_t *)(uintptr_t)data; /* only read: it has no buffer of its own */
    packet->size = (int)len;
    packet->stream_index = track;
    packet->pts = packet->dts = at_ms;
    packet->duration = track == WEBM_AUDIO ? WEBM_PACKET_MS : 0;
    packet->flags = key ? AV_PKT_FLAG_KEY : 0;
    int status = av_write_frame(w->box.context, packet);
    packet->data = NULL;
    packet->size = 0;
    w->error = webm_box_er(&w->box, status);
    if (w->error)
        return w->error;
    *last_ms = at_ms;
    if (at_ms > w->newest_ms)
        w->newest_ms = at_ms;
    if (w->newest_ms - w->synced_ms >= w->sync_every_ms)
        return sync_cluster(w);
    return w->newest_ms - w->cluster_ms >= WEBM_CLUSTER_MS ? close_cluster(w) : 0;
}

int webm_write_video(struct webm *w, enum codec_format format, const uint8_t *data, size_t len,
                     int64_t at_ms, bool key)
{
    int track = webm_track_of(format);
    return track < WEBM_AUDIO ? write_packet(w, track, data, len, at_ms, key) : ER_INVALID;
}

int webm_write_audio(struct webm *w, const uint8_t *data, size_t len, int64_t at_ms)
{
    return write_packet(w, WEBM_AUDIO, data, len, at_ms, true);
}
