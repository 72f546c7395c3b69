// SPDX-License-Identifier: Apache-2.0
/* The tests' player. */
#include "tests/unit/support/webm_probe.h"

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <vpx/vp8dx.h>
#include <vpx/vpx_decoder.h>

static void note_tracks(struct webm_probe *p, const AVFormatContext *context)
{
    for (unsigned i = 0; i < context->nb_streams; i++) {
        const AVCodecParameters *par = context->streams[i]->codecpar;
        if (par->codec_id == AV_CODEC_ID_VP8) {
            p->vp8_tracks++;
            p->width = (unsigned)par->width;
            p->height = (unsigned)par->height;
        } else if (par->codec_id == AV_CODEC_ID_OPUS) {
            p->opus_tracks++;
        } else {
            p->other_tracks++;
        }
    }
    p->duration_ms = context->duration == AV_NOPTS_VALUE ? -1 : context->duration / 1000;
}

static void add_block(struct webm_probe *p, const AVFormatContext *context, const AVPacket *packet)
{
    if ((p->count & (p->count + 1)) == 0) {
        p->blocks = realloc(p->blocks, (2 * p->count + 2) * sizeof *p->blocks);
        assert_non_null(p->blocks);
    }
    const AVCodecParameters *par = context->streams[packet->stream_index]->codecpar;
    struct webm_block *block = &p->blocks[p->count++];
    *block = (struct webm_block){
        .video = par->codec_id == AV_CODEC_ID_VP8,
        .key = packet->flags & AV_PKT_FLAG_KEY,
        .at_ms = packet->pts,
        .data = malloc((size_t)packet->size + 1),
        .len = (size_t)packet->size,
    };
    assert_non_null(block->data);
    memcpy(block->data, packet->data, block->len);
}

static void decode_pictures(struct webm_probe *p)
{
    vpx_codec_ctx_t decoder;
    assert_int_equal(vpx_codec_dec_init(&decoder, vpx_codec_vp8_dx(), NULL, 0), VPX_CODEC_OK);
    for (size_t i = 0; i < p->count; i++) {
        if (!p->blocks[i].video)
            continue;
        vpx_codec_iter_t iterator = NULL;
        if (vpx_codec_decode(&decoder, p->blocks[i].data, (unsigned)p->blocks[i].len, NULL, 0) ==
                VPX_CODEC_OK &&
            vpx_codec_get_frame(&decoder, &iterator))
            p->pictures++;
        else
            p->broken_pictures++;
    }
    vpx_codec_destroy(&decoder);
}

bool webm_probe_read(struct webm_probe *p, const char *path)
{
    *p = (struct webm_probe){0};
    av_log_set_level(AV_LOG_QUIET);
    AVFormatContext *context = NULL;
    if (avformat_open_input(&context, path, NULL, NULL) < 0)
        return false;
    context->flags |= AVFMT_FLAG_NOPARSE; /* blocks as they are, also those beside a damaged one */
    note_tracks(p, context);
    AVPacket *packet = av_packet_alloc();
    while (av_read_frame(context, packet) >= 0) {
        add_block(p, context, packet);
        av_packet_unref(packet);
    }
    av_packet_free(&packet);
    avformat_close_input(&context);
    decode_pictures(p);
    return true;
}

void webm_probe_clear(struct webm_probe *p)
{
    for (size_t i = 0; i < p->count; i++)
        free(p->blocks[i].data);
    free(p->blocks);
    *p = (struct webm_probe){0};
}
