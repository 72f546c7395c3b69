// SPDX-License-Identifier: Apache-2.0
/* Batches into a clip. */
#include "tests/sim/recorder.h"

static void write_item(struct recorder *r, const struct record_item *item)
{
    int er = 0;
    switch (item->kind) {
    case RECORD_VIDEO:
        r->picture = item->source;
        if (r->seen_count < RECORDER_SEEN)
            r->seen[r->seen_count++] = item->packet->seq;
        r->early += item->capture_unix_us < r->from_unix_us;
        er = clip_video(r->clip, item->packet, item->capture_unix_us);
        break;
    case RECORD_VIDEO_GAP:
        clip_video_gap(r->clip, item->gap);
        break;
    case RECORD_VIDEO_SWITCH:
        clip_video_switch(r->clip);
        break;
    case RECORD_AUDIO:
        r->early += item->capture_unix_us < r->from_unix_us;
        er = clip_audio(r->clip, item->source, item->packet, item->capture_unix_us);
        break;
    case RECORD_AUDIO_BEGIN:
        clip_voice(r->clip, item->source, item->text);
        break;
    case RECORD_AUDIO_END:
        clip_audio_end(r->clip, item->source);
        break;
    case RECORD_MARK:
        clip_mark(r->clip, item->mark, item->capture_unix_us, item->text);
        break;
    }
    r->error = r->error ? r->error : er;
}

/** What is there of a listener beside sound. */
static void put_other(struct standing *s, const struct record_item *item)
{
    if (item->kind == RECORD_VIDEO) {
        standing_video(s, item->source, item->packet);
    } else if (item->kind == RECORD_VIDEO_GAP) {
        standing_video_gap(s, item->source, item->gap);
    } else if (item->kind == RECORD_AUDIO_END) { /* of any track */
        standing_audio_end(s, item->source);
        standing_video_end(s, item->source);
    }
}

static int put_mix(struct recorder *r, const struct record_batch *b)
{
    int er = r->standing
                 ? 0
                 : standing_new(&r->standing, b->unix_us - 1000000, b->whole_us, b->keep_us);
    for (size_t i = 0; i < b->count && er == 0; i++) {
        const struct record_item *item = &b->items[i];
        if (item->kind == RECORD_AUDIO)
            er = standing_audio(r->standing, item->source, item->packet, item->capture_unix_us);
        else
            put_other(r->standing, item);
    }
    return er == 0 ? standing_tick(r->standing, b->unix_us, b->sound_until_us) : er;
}

static void on_batch(void *ctx, const struct record_batch *b)
{
    struct recorder *r = ctx;
    int er = 0;
    if (b->step == RECORD_LISTEN) {
        er = put_mix(r, b);
    } else if (b->step == RECORD_DEAF) {
        er = r->clip ? clip_unfollow(r->clip) : 0;
        standing_free(r->standing);
        r->standing = NULL;
    } else if (b->step == RECORD_OPEN) {
        const struct clip_config config = {.path = b->path,
                                           .start_unix_us = b->unix_us,
                                           .publisher = b->publisher,
                                           .hurry = b->hurry};
        r->from_unix_us = b->unix_us;
        er = clip_new(&r->clip, &config);
        r->followed = r->standing && standing_covers(r->standing, b->unix_us);
        if (er == 0 && r->followed)
            clip_follow(r->clip, r->standing);
    } else if (r->clip && b->step == RECORD_DATA) {
        for (size_t i = 0; i < b->count; i++)
            write_item(r, &b->items[i]);
        er = clip_tick(r->clip, b->unix_us, b->sound_until_us);
    } else if (r->clip) {
        r->end_unix_us = b->unix_us;
        r->closed_us = netsim_now_us(r->server->sim);
        er = clip_finish(r->clip, b->unix_us, &r->result);
        clip_free(r->clip);
        r->clip = NULL;
    }
    r->error = r->error ? r->error : er;
}

void recorder_attach(struct recorder *r, struct sim_server *s)
{
    r->server = s;
    s->recorder = on_batch;
    s->recorder_ctx = r;
}

void recorder_clear(struct recorder *r)
{
    clip_free(r->clip);
    r->clip = NULL;
    standing_free(r->standing);
    r->standing = NULL;
}
