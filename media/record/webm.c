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
#include "media/record/file.h"
#include "media/record/frame.h"

/* The callback for writing takes const bytes since FFmpeg 7. */
#if LIBAVFORMAT_VERSION_MAJOR >= 61
#define AVIO_BYTES const uint8_t
#else
#define AVIO_BYTES uint8_t
#endif

/** Of a .part; a finished file has those that were used. */
enum { VP8, VP9, H264, AV1, AUDIO, TRACKS };
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

/** What a track is, or is to be. */
struct plan {
    bool used;
    unsigned width, height;
    uint8_t private[FRAME_PRIVATE_BYTES];
    size_t private_len;
    int stream; /* its number in the container being written */
};

static const struct {
    enum AVCodecID id;
    enum codec_format format;
} kinds[TRACKS] = {
    [VP8] = {AV_CODEC_ID_VP8, FORMAT_VP8},     [VP9] = {AV_CODEC_ID_VP9, FORMAT_VP9},
    [H264] = {AV_CODEC_ID_H264, FORMAT_H264},  [AV1] = {AV_CODEC_ID_AV1, FORMAT_AV1},
    [AUDIO] = {AV_CODEC_ID_OPUS, FORMAT_OPUS},
};

static int track_of(enum codec_format format)
{
    int track = 0;
    while (track < TRACKS && kinds[track].format != format)
        track++;
    return track;
}

static void set_private(struct plan *p, const void *bytes, size_t len)
{
    memcpy(p->private, bytes, len);
    p->private_len = len;
}

static void plan_sound(struct plan plans[static TRACKS])
{
    /* RFC 7845, 5.1: version 1, stereo, nothing to skip, 48 kHz, gain 0, mapping family 0. */
    static const uint8_t head[] = {'O', 'p', 'u',  's',  'H', 'e', 'a', 'd', 1, 2,
                                   0,   0,   0x80, 0xbb, 0,   0,   0,   0,   0};
    plans[AUDIO].used = true;
    set_private(&plans[AUDIO], head, sizeof head);
}

/** All that may come. What the muxer wants to know of H264 and AV1 beforehand is made up. */
static void plan_part(struct plan plans[static TRACKS])
{
    static const uint8_t baseline[] = {1, 0x42, 0xc0, 0x1f, 0xff, 0xe0, 0};
    static const uint8_t main_profile[] = {0x0a, 0x0b, 0x00, 0x00, 0x00, 0x04, 0x3c,
                                           0xff, 0xbc, 0xfb, 0xf9, 0x00, 0x40};
    for (int track = 0; track < AUDIO; track++)
        plans[track].used = true;
    set_private(&plans[H264], baseline, sizeof baseline);
    set_private(&plans[AV1], main_profile, sizeof main_profile);
    plan_sound(plans);
}

static int add_track(AVFormatContext *context, struct plan *plan, int track)
{
    AVStream *stream = avformat_new_stream(context, NULL);
    if (!stream)
        return ER_NOMEM;
    AVCodecParameters *par = stream->codecpar;
    plan->stream = stream->index;
    stream->time_base = (AVRational){1, 1000};
    par->codec_id = kinds[track].id;
    par->codec_type = track == AUDIO ? AVMEDIA_TYPE_AUDIO : AVMEDIA_TYPE_VIDEO;
    if (track == AUDIO) {
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

/** Takes over `file`. `cues`: room for how many in front; negative: live, no seeking back. */
static int box_write(struct box *b, struct file *file, struct plan plans[static TRACKS],
                     int64_t cues)
{
    int er = box_init(b, file, true, cues >= 0);
    if (er < 0)
        return er;
    const char *kind = plans[H264].used ? "matroska" : "webm";
    int status = avformat_alloc_output_context2(&b->context, NULL, kind, NULL);
    if (status < 0)
        return er_of(b, status);
    AVFormatContext *context = b->context;
    context->pb = b->io;
    context->flags |= AVFMT_FLAG_BITEXACT | AVFMT_FLAG_CUSTOM_IO;
    context->avoid_negative_ts = 0;
    context->max_interleave_delta = SKEW_US;
    for (int track = 0; track < TRACKS && er == 0; track++)
        if (plans[track].used)
            er = add_track(context, &plans[track], track);
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
    int64_t last_video_ms, last_audio_ms;
    int64_t newest_ms;
    int64_t cluster_ms; /* newest when the last cluster closed */
    int64_t synced_ms;  /* newest when last on the disk */
};

int webm_new(struct webm **ret, const char *path)
{
    struct webm *w = calloc(1, sizeof *w);
    if (!w)
        return ER_NOMEM;
    w->last_video_ms = w->last_audio_ms = -1;
    struct plan plans[TRACKS] = {0};
    plan_part(plans);
    struct file *file;
    int er = file_create(&file, path);
    if (er < 0) {
        free(w);
        return er;
    }
    er = box_write(&w->box, file, plans, -1);
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
    int64_t *last_ms = track == AUDIO ? &w->last_audio_ms : &w->last_video_ms;
    if (at_ms <= *last_ms || len == 0 || len > LIMIT_FRAME_BYTES)
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
    *last_ms = at_ms;
    if (at_ms > w->newest_ms)
        w->newest_ms = at_ms;
    if (w->newest_ms - w->synced_ms >= WEBM_SYNC_MS)
        return sync_cluster(w);
    return w->newest_ms - w->cluster_ms >= WEBM_CLUSTER_MS ? close_cluster(w) : 0;
}

int webm_write_video(struct webm *w, enum codec_format format, const uint8_t *data, size_t len,
                     int64_t at_ms, bool key)
{
    int track = track_of(format);
    return track < AUDIO ? write_packet(w, track, data, len, at_ms, key) : ER_INVALID;
}

int webm_write_audio(struct webm *w, const uint8_t *data, size_t len, int64_t at_ms)
{
    return write_packet(w, AUDIO, data, len, at_ms, true);
}

/* --- reading */

struct reader {
    struct box box;
    int index[TRACKS]; /* the container's number of each track; -1: none */
    int64_t last_ms[TRACKS];
    bool key_seen[TRACKS];
};

static void find_tracks(struct reader *r)
{
    const AVFormatContext *context = r->box.context;
    for (int track = 0; track < TRACKS; track++) {
        r->index[track] = -1;
        r->last_ms[track] = -1;
        for (unsigned i = 0; i < context->nb_streams; i++)
            if (context->streams[i]->codecpar->codec_id == kinds[track].id)
                r->index[track] = (int)i;
    }
}

static int reader_open(struct reader *r, const char *path)
{
    *r = (struct reader){0};
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
    /* Nothing looks into the frames but we: in a .part the heads of some tracks are made up. */
    r->box.context->flags |= AVFMT_FLAG_CUSTOM_IO | AVFMT_FLAG_NOPARSE | AVFMT_FLAG_NOFILLIN;
    int status = avformat_open_input(&r->box.context, NULL, av_find_input_format("matroska"), NULL);
    if (status < 0) {
        er = er_of(&r->box, status);
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
    while (track < TRACKS && packet->stream_index != r->index[track])
        track++;
    if (track == TRACKS || packet->size <= 0 || (packet->flags & AV_PKT_FLAG_CORRUPT) ||
        packet->pts == AV_NOPTS_VALUE)
        return false;
    if (packet->pts <= r->last_ms[track] || packet->pts > PLAUSIBLE_MS)
        return false;
    unsigned width, height;
    if (track != AUDIO && !r->key_seen[track]) {
        if (!frame_key_size(kinds[track].format, packet->data, (size_t)packet->size, &width,
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

static int note_first_key(struct webm_info *info, const AVPacket *packet, int track)
{
    info->format = kinds[track].format;
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
static void plan_picture(struct plan *plan, const AVPacket *packet, int track)
{
    size_t len = (size_t)packet->size;
    plan->used = true;
    frame_key_size(kinds[track].format, packet->data, len, &plan->width, &plan->height);
    int private_len = frame_private(kinds[track].format, packet->data, len, plan->private);
    plan->private_len = private_len > 0 ? (size_t)private_len : 0;
}

static int note(struct webm_info *info, struct plan plans[static TRACKS], const AVPacket *packet,
                int track)
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
    if (!plans[track].used)
        plan_picture(&plans[track], packet, track);
    return info->key_frame ? 0 : note_first_key(info, packet, track);
}

static int scan(const char *path, struct webm_info *ret, struct plan plans[static TRACKS])
{
    *ret = (struct webm_info){0};
    struct reader r;
    int er = reader_open(&r, path);
    int track;
    while (er == 0 && (er = reader_next(&r, &track)) == 0)
        er = note(ret, plans, r.box.packet, track);
    box_close(&r.box);
    if (er == ER_NOT_FOUND && ret->video_frames + ret->audio_packets > 0)
        return 0;
    webm_info_clear(ret);
    return er;
}

int webm_scan(const char *path, struct webm_info *ret)
{
    struct plan plans[TRACKS] = {0};
    return scan(path, ret, plans);
}

/* --- finishing */

static int copy_packets(struct reader *from, struct box *to, const struct plan plans[static TRACKS])
{
    int er, track;
    while ((er = reader_next(from, &track)) == 0) {
        AVPacket *packet = from->box.packet;
        packet->stream_index = plans[track].stream;
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
static int remux(const char *part, const char *temporary, struct plan plans[static TRACKS],
                 uint64_t key_frames)
{
    struct reader from;
    struct box to = {0};
    struct file *file;
    int er = reader_open(&from, part);
    if (er == 0)
        er = file_replace(&file, temporary);
    if (er == 0)
        er = box_write(&to, file, plans, (int64_t)key_frames);
    if (er == 0)
        er = copy_packets(&from, &to, plans);
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
    struct plan plans[TRACKS] = {0};
    int er = scan(part, ret, plans);
    if (er < 0)
        return er;
    plan_sound(plans);
    if (ret->video_frames == 0)
        plans[VP8].used = true; /* there are always both */
    char *temporary = file_name(out, ".tmp");
    er = temporary ? remux(part, temporary, plans, ret->key_frames) : ER_NOMEM;
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
