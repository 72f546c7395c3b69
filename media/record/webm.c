// SPDX-License-Identifier: Apache-2.0
/* WebM written and read with libavformat through our own file functions. */
#include "media/record/webm.h"

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/channel_layout.h>
#include <libavutil/log.h>
#include <libavutil/mem.h>
#include <libavutil/opt.h>
#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "base/limits.h"
#include "media/record/depack.h"
#include "media/record/file.h"

/* The callback for writing takes const bytes since FFmpeg 7. */
#if LIBAVFORMAT_VERSION_MAJOR >= 61
#define AVIO_BYTES const uint8_t
#else
#define AVIO_BYTES uint8_t
#endif

enum { VIDEO, AUDIO, TRACKS };
enum {
    IO_BYTES = 65536,
    AUDIO_MS = 20,
    PLACEHOLDER_WIDTH = 640, /* in a .part: written before the first key frame is here */
    PLACEHOLDER_HEIGHT = 480,
    CUE_BYTES = 48,    /* upper bound of one cue */
    CUES_BYTES = 256,  /* and of what stands around them */
    SKEW_US = 5000000, /* the tracks of a .part are apart by less */
    PLAUSIBLE_MS = LIMIT_CLIP_SECONDS * 1000 + 60000,
};

/* --- both ways */

/** One open container. */
struct box {
    AVFormatContext *context;
    AVIOContext *io;
    AVPacket *packet;
    struct file *file;
    bool writing;
};

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

/** What FFmpeg said, as one of ours. */
static int er_of(const struct box *b, int status)
{
    if (b->file && file_error(b->file))
        return ER_IO;
    return status >= 0 ? 0 : status == AVERROR(ENOMEM) ? ER_NOMEM : ER_INTERNAL;
}

static void box_close(struct box *b)
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
    *b = (struct box){0};
}

/** Takes over `file`, also when it fails; then the box is to be closed all the same. */
static int box_init(struct box *b, struct file *file, bool writing, bool seekable)
{
    *b = (struct box){.file = file, .writing = writing};
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

static int set_opus_head(AVCodecParameters *par)
{
    /* RFC 7845, 5.1: version 1, stereo, nothing to skip, 48 kHz, gain 0, mapping family 0. */
    static const uint8_t head[] = {'O', 'p', 'u',  's',  'H', 'e', 'a', 'd', 1, 2,
                                   0,   0,   0x80, 0xbb, 0,   0,   0,   0,   0};
    par->extradata = av_mallocz(sizeof head + AV_INPUT_BUFFER_PADDING_SIZE);
    if (!par->extradata)
        return ER_NOMEM;
    memcpy(par->extradata, head, sizeof head);
    par->extradata_size = (int)sizeof head;
    return 0;
}

static int add_tracks(AVFormatContext *context, unsigned width, unsigned height)
{
    AVStream *video = avformat_new_stream(context, NULL);
    AVStream *audio = avformat_new_stream(context, NULL);
    if (!video || !audio)
        return ER_NOMEM;
    video->time_base = audio->time_base = (AVRational){1, 1000};
    video->codecpar->codec_type = AVMEDIA_TYPE_VIDEO;
    video->codecpar->codec_id = AV_CODEC_ID_VP8;
    video->codecpar->width = (int)width;
    video->codecpar->height = (int)height;
    audio->codecpar->codec_type = AVMEDIA_TYPE_AUDIO;
    audio->codecpar->codec_id = AV_CODEC_ID_OPUS;
    audio->codecpar->sample_rate = 48000;
    av_channel_layout_default(&audio->codecpar->ch_layout, 2);
    return set_opus_head(audio->codecpar);
}

/** Takes over `file`. `cues`: room for how many in front; negative: live, no seeking back. */
static int box_write(struct box *b, struct file *file, unsigned width, unsigned height,
                     int64_t cues)
{
    int er = box_init(b, file, true, cues >= 0);
    if (er < 0)
        return er;
    int status = avformat_alloc_output_context2(&b->context, NULL, "webm", NULL);
    if (status < 0)
        return er_of(b, status);
    AVFormatContext *context = b->context;
    context->pb = b->io;
    context->flags |= AVFMT_FLAG_BITEXACT | AVFMT_FLAG_CUSTOM_IO;
    context->avoid_negative_ts = 0;
    context->max_interleave_delta = SKEW_US;
    er = add_tracks(context, width, height);
    if (er < 0)
        return er;
    AVDictionary *options = NULL;
    av_dict_set_int(&options, "cluster_time_limit", 1000, 0);
    if (cues < 0)
        av_dict_set_int(&options, "live", 1, 0);
    else
        av_dict_set_int(&options, "reserve_index_space", cues * CUE_BYTES + CUES_BYTES, 0);
    status = avformat_write_header(context, &options);
    av_dict_free(&options);
    avio_flush(b->io);
    return er_of(b, status);
}

struct webm {
    struct box box;
    int error; /* sticky */
    int64_t last_ms[TRACKS];
    int64_t newest_ms;
    int64_t cluster_ms; /* newest when the last cluster closed */
    int64_t synced_ms;  /* newest when last on the disk */
};

int webm_new(struct webm **ret, const char *path)
{
    struct webm *w = calloc(1, sizeof *w);
    if (!w)
        return ER_NOMEM;
    w->last_ms[VIDEO] = w->last_ms[AUDIO] = -1;
    struct file *file;
    int er = file_create(&file, path);
    if (er < 0) {
        free(w);
        return er;
    }
    er = box_write(&w->box, file, PLACEHOLDER_WIDTH, PLACEHOLDER_HEIGHT, -1);
    if (er == 0)
        er = file_sync(w->box.file);
    if (er < 0) {
        webm_free(w);
        return er;
    }
    *ret = w;
    return 0;
}

void webm_free(struct webm *w)
{
    if (!w)
        return;
    box_close(&w->box);
    free(w);
}

static int close_cluster(struct webm *w)
{
    int status = av_write_frame(w->box.context, NULL);
    avio_flush(w->box.io);
    w->error = er_of(&w->box, status);
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
    w->error = er_of(&w->box, status);
    if (w->error == 0)
        w->error = file_sync(w->box.file);
    return w->error;
}

static int write_packet(struct webm *w, int track, const uint8_t *data, size_t len, int64_t at_ms,
                        bool key)
{
    if (w->error)
        return w->error;
    if (at_ms <= w->last_ms[track] || len == 0 || len > LIMIT_FRAME_BYTES)
        return ER_INVALID;
    AVPacket *packet = w->box.packet;
    av_packet_unref(packet);
    packet->data = (uint8_t *)(uintptr_t)data; /* only read: it has no buffer of its own */
    packet->size = (int)len;
    packet->stream_index = track;
    packet->pts = packet->dts = at_ms;
    packet->duration = track == AUDIO ? AUDIO_MS : 0;
    packet->flags = key ? AV_PKT_FLAG_KEY : 0;
    int status = av_write_frame(w->box.context, packet);
    packet->data = NULL;
    packet->size = 0;
    w->error = er_of(&w->box, status);
    if (w->error)
        return w->error;
    w->last_ms[track] = at_ms;
    if (at_ms > w->newest_ms)
        w->newest_ms = at_ms;
    if (w->newest_ms - w->synced_ms >= WEBM_SYNC_MS)
        return sync_cluster(w);
    return w->newest_ms - w->cluster_ms >= WEBM_CLUSTER_MS ? close_cluster(w) : 0;
}

int webm_write_video(struct webm *w, const uint8_t *data, size_t len, int64_t at_ms, bool key)
{
    return write_packet(w, VIDEO, data, len, at_ms, key);
}

int webm_write_audio(struct webm *w, const uint8_t *data, size_t len, int64_t at_ms)
{
    return write_packet(w, AUDIO, data, len, at_ms, true);
}

/* --- reading */

struct reader {
    struct box box;
    int index[TRACKS]; /* the container's number of each track */
    int64_t last_ms[TRACKS];
    bool key_seen;
};

static int reader_open(struct reader *r, const char *path)
{
    *r = (struct reader){.index = {-1, -1}, .last_ms = {-1, -1}};
    struct file *file;
    int er = file_open(&file, path);
    if (er < 0)
        return er;
    er = box_init(&r->box, file, false, true);
    if (er < 0)
        return er;
    r->box.context = avformat_alloc_context();
    if (!r->box.context)
        return ER_NOMEM;
    r->box.context->pb = r->box.io;
    r->box.context->flags |= AVFMT_FLAG_CUSTOM_IO;
    int status = avformat_open_input(&r->box.context, NULL, av_find_input_format("matroska"), NULL);
    if (status < 0) {
        er = er_of(&r->box, status);
        return er == ER_INTERNAL ? ER_NOT_FOUND : er;
    }
    for (unsigned i = 0; i < r->box.context->nb_streams; i++) {
        enum AVCodecID id = r->box.context->streams[i]->codecpar->codec_id;
        if (id == AV_CODEC_ID_VP8 || id == AV_CODEC_ID_OPUS)
            r->index[id == AV_CODEC_ID_VP8 ? VIDEO : AUDIO] = (int)i;
    }
    return 0;
}

/** Whether the packet belongs into the finished file; *ret_track then. */
static bool reader_accept(struct reader *r, int *ret_track)
{
    const AVPacket *packet = r->box.packet;
    int track = packet->stream_index == r->index[VIDEO]   ? VIDEO
                : packet->stream_index == r->index[AUDIO] ? AUDIO
                                                          : TRACKS;
    if (track == TRACKS || packet->size <= 0 || (packet->flags & AV_PKT_FLAG_CORRUPT) ||
        packet->pts == AV_NOPTS_VALUE)
        return false;
    if (packet->pts <= r->last_ms[track] || packet->pts > PLAUSIBLE_MS)
        return false;
    unsigned width, height;
    if (track == VIDEO && !r->key_seen) {
        if (!depack_key_size(packet->data, (size_t)packet->size, &width, &height))
            return false;
        r->key_seen = true;
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
            int er = er_of(&r->box, status);
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

static int note(struct webm_info *info, const AVPacket *packet, int track)
{
    uint64_t end = (uint64_t)packet->pts + (track == AUDIO ? AUDIO_MS : 0);
    if (end > info->duration_ms)
        info->duration_ms = end;
    if (track == AUDIO) {
        info->audio_packets++;
        return 0;
    }
    info->video_frames++;
    if (packet->flags & AV_PKT_FLAG_KEY)
        info->key_frames++;
    if (info->key_frame)
        return 0;
    depack_key_size(packet->data, (size_t)packet->size, &info->width, &info->height);
    info->key_frame_len = (size_t)packet->size;
    info->key_frame = malloc(info->key_frame_len);
    if (!info->key_frame)
        return ER_NOMEM;
    memcpy(info->key_frame, packet->data, info->key_frame_len);
    return 0;
}

int webm_scan(const char *path, struct webm_info *ret)
{
    *ret = (struct webm_info){0};
    struct reader r;
    int er = reader_open(&r, path);
    int track;
    while (er == 0 && (er = reader_next(&r, &track)) == 0)
        er = note(ret, r.box.packet, track);
    box_close(&r.box);
    if (er == ER_NOT_FOUND && ret->video_frames + ret->audio_packets > 0)
        return 0;
    webm_info_clear(ret);
    return er;
}

/* --- finishing */

static int copy_packets(struct reader *from, struct box *to)
{
    int er, track;
    while ((er = reader_next(from, &track)) == 0) {
        AVPacket *packet = from->box.packet;
        packet->stream_index = track;
        packet->dts = packet->pts;
        packet->duration = track == AUDIO ? AUDIO_MS : 0;
        packet->pos = -1;
        er = er_of(to, av_interleaved_write_frame(to->context, packet));
        if (er < 0)
            return er;
    }
    return er == ER_NOT_FOUND ? 0 : er;
}

/** Writes `temporary` from `part`, down to the disk. */
static int remux(const char *part, const char *temporary, const struct webm_info *info)
{
    struct reader from;
    struct box to = {0};
    struct file *file;
    int er = reader_open(&from, part);
    if (er == 0)
        er = file_replace(&file, temporary);
    if (er == 0)
        er = box_write(&to, file, info->width ? info->width : PLACEHOLDER_WIDTH,
                       info->height ? info->height : PLACEHOLDER_HEIGHT, (int64_t)info->key_frames);
    if (er == 0)
        er = copy_packets(&from, &to);
    if (er == 0)
        er = er_of(&to, av_write_trailer(to.context));
    if (er == 0) {
        avio_flush(to.io);
        er = er_of(&to, to.io->error);
    }
    if (er == 0)
        er = file_sync(to.file);
    box_close(&from.box);
    box_close(&to);
    return er;
}

int webm_finalise(const char *part, const char *out, struct webm_info *ret)
{
    int er = webm_scan(part, ret);
    if (er < 0)
        return er;
    char *temporary = file_name(out, ".tmp");
    er = temporary ? remux(part, temporary, ret) : ER_NOMEM;
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
