// SPDX-License-Identifier: Apache-2.0
/* A clip: depacketiser, mixer and container put together. */
#include "media/record/clip.h"

#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "base/file.h"
#include "base/limits.h"
#include "media/record/complete.h"
#include "media/record/covered.h"
#include "media/record/depack.h"
#include "media/record/direct.h"
#include "media/record/ledger.h"
#include "media/record/lateness.h"
#include "media/record/mixer.h"
#include "media/record/webm.h"

enum {
    AHEAD_US = 1000000, /* a picture stamped further ahead of the clock counts as now */
};

struct clip {
    struct vault *vault;
    char *path;
    uint64_t start_us;
    struct webm *webm; /* or, where all of it comes at once: */
    struct direct *direct;
    struct ledger *ledger;
    struct depack *depack;
    int error; /* of the disk; sticky */

    struct mixer *mixer;       /* NULL while the mix is copied: */
    uint64_t mixer_us;         /* its time 0 */
    struct standing *standing; /* what it is copied from, or NULL */
    uint64_t copied_us;        /* so far */
    uint64_t copy_until_us;    /* from there on the mixer does it; once there is one */
    bool hurry;

    struct lateness lateness;
    int64_t last_video_ms; /* -1: none yet */
    unsigned gaps;
    uint64_t gap_us;
    bool has_audio;
    struct covered lens;
    unsigned covered; /* stretches found */
    uint64_t hashed;  /* pictures whose hash was known */
};

int clip_new(struct clip **ret, const struct clip_config *config)
{
    struct clip *c = calloc(1, sizeof *c);
    if (!c)
        return ER_NOMEM;
    c->vault = config->vault;
    c->start_us = config->start_unix_us;
    c->mixer_us = config->start_unix_us;
    c->hurry = config->hurry;
    lateness_init(&c->lateness);
    c->last_video_ms = -1;
    c->path = strdup(config->path);
    char *part = file_name(config->path, ".part");
    int er = c->path && part ? 0 : ER_NOMEM;
    if (er == 0)
        er = depack_new(&c->depack);
    if (er == 0)
        er = mixer_new(&c->mixer);
    if (er == 0)
        er = config->hurry ? direct_new(&c->direct, c->vault, part)
                           : webm_new(&c->webm, c->vault, part);
    free(part);
    if (er == 0)
        er = ledger_new(&c->ledger, c->vault, config->path, config->start_unix_us,
                        config->publisher);
    if (er < 0) {
        clip_free(c);
        return er;
    }
    if (config->hurry)
        ledger_hurry(c->ledger);
    *ret = c;
    return 0;
}

void clip_free(struct clip *c)
{
    if (!c)
        return;
    webm_free(c->webm);
    direct_free(c->direct);
    ledger_free(c->ledger);
    depack_free(c->depack);
    mixer_free(c->mixer);
    free(c->path);
    free(c);
}

/** Media time of a capture time. */
static int64_t media_us(const struct clip *c, uint64_t unix_us)
{
    return (int64_t)(unix_us - c->start_us);
}

static int fail(struct clip *c, int er)
{
    if (er == ER_IO)
        c->error = er;
    return er;
}

/* --- the mix */

static int write_mix(struct clip *c, const uint8_t *data, size_t len, uint64_t unix_us)
{
    int64_t at_ms = media_us(c, unix_us) / 1000;
    if (unix_us < c->start_us)
        return 0;
    int er = c->direct ? direct_write_audio(c->direct, data, len, at_ms)
                       : webm_write_audio(c->webm, data, len, at_ms);
    if (er == 0)
        er = ledger_mix(c->ledger, data, len, (uint64_t)at_ms);
    return er < 0 ? fail(c, er) : 0;
}

static int copy_until(struct clip *c, uint64_t until_us)
{
    struct standing_frame frame;
    if (c->mixer && c->copy_until_us < until_us)
        until_us = c->copy_until_us;
    while (standing_at(c->standing, c->copied_us, &frame) &&
           frame.at_us + MIXER_FRAME_US <= until_us) {
        int er = write_mix(c, frame.data, frame.len, frame.at_us);
        if (er < 0)
            return er;
        c->copied_us = frame.at_us + 1;
    }
    return 0;
}

/** Mixes, or copies, and writes sound up to a media time. */
static int mix_until(struct clip *c, int64_t until_us)
{
    const int64_t longest_us = (int64_t)LIMIT_CLIP_SECONDS * 1000000;
    if (until_us > longest_us)
        until_us = longest_us;
    uint64_t until_unix_us = c->start_us + (uint64_t)until_us;
    int er = c->standing && until_us > 0 ? copy_until(c, until_unix_us) : 0;
    if (er < 0 || !c->mixer)
        return er;
    struct mixer_frame frame;
    while ((er = mixer_next(c->mixer, (int64_t)(until_unix_us - c->mixer_us), &frame)) == 0) {
        er = write_mix(c, frame.data, frame.len, c->mixer_us + (uint64_t)frame.at_us);
        if (er < 0)
            return er;
    }
    return er == ER_AGAIN ? 0 : er;
}

void clip_follow(struct clip *c, struct standing *standing)
{
    mixer_free(c->mixer);
    c->mixer = NULL;
    c->standing = standing;
    c->copied_us = c->start_us;
}

/** What comes from now on this clip mixes itself. */
static int part_ways(struct clip *c)
{
    return standing_continue(c->standing, &c->mixer, &c->mixer_us, &c->copy_until_us);
}

int clip_unfollow(struct clip *c)
{
    int er = c->standing && !c->mixer ? part_ways(c) : 0;
    if (er == 0 && c->standing && !c->error)
        er = copy_until(c, UINT64_MAX);
    c->standing = NULL;
    return er;
}

/* --- picture */

static int64_t frame_time_ms(const struct clip *c, uint64_t capture_unix_us)
{
    if (c->lateness.now_us && capture_unix_us > c->lateness.now_us + AHEAD_US)
        capture_unix_us = c->lateness.now_us;
    int64_t at_ms = media_us(c, capture_unix_us) / 1000;
    return at_ms > c->last_video_ms ? at_ms : c->last_video_ms + 1;
}

static void note_gap(struct clip *c, int64_t end_ms)
{
    c->gaps++;
    if (end_ms > c->last_video_ms)
        c->gap_us += (uint64_t)(end_ms - c->last_video_ms) * 1000;
}

/** Of what was written of the picture. */
static uint64_t last_ms(const struct clip *c)
{
    return c->last_video_ms > 0 ? (uint64_t)c->last_video_ms : 0;
}

/** It was hashed when it came, or is now. */
static int note_picture(struct clip *c, const struct depack_frame *frame,
                        const struct tape_packet *last, uint64_t at_ms, uint64_t capture_unix_us)
{
    uint8_t hash[DIGEST_BYTES];
    bool known = c->standing && standing_hash(c->standing, frame, last, hash);
    c->hashed += known;
    return ledger_picture(c->ledger, frame, known ? hash : NULL, at_ms, capture_unix_us,
                          last_ms(c));
}

int clip_video(struct clip *c, const struct tape_packet *packet, uint64_t capture_unix_us)
{
    if (c->error)
        return c->error;
    lateness_arrival(&c->lateness, packet);
    struct depack_frame frame;
    int64_t at_ms = frame_time_ms(c, capture_unix_us);
    int er = ledger_packet(c->ledger, packet, at_ms > 0 ? (uint64_t)at_ms : 0);
    if (er < 0)
        return fail(c, er);
    er = depack_push(c->depack, packet, &frame);
    if (er < 0)
        return er == ER_NOMEM ? er : 0;
    if (at_ms < 0)
        return 0;
    if (frame.after_gap)
        note_gap(c, at_ms);
    er = c->direct
             ? direct_write_video(c->direct, frame.format, frame.data, frame.len, at_ms, frame.key)
             : webm_write_video(c->webm, frame.format, frame.data, frame.len, at_ms, frame.key);
    if (er == ER_INVALID) {
        depack_gap(c->depack, 0); /* what cannot be in the file is missing in it */
        return er;
    }
    if (er == 0)
        er = note_picture(c, &frame, packet, (uint64_t)at_ms, capture_unix_us);
    if (er < 0)
        return fail(c, er);
    c->last_video_ms = at_ms;
    covered_note(&c->lens, &frame, (uint64_t)at_ms);
    return 0;
}

void clip_video_gap(struct clip *c, uint32_t packets)
{
    depack_gap(c->depack, packets);
    ledger_gap(c->ledger, packets);
    if (packets == 0 && !c->error)
        (void)fail(c, ledger_mark(c->ledger, FRAMELOG_TRACK_CHANGED, last_ms(c), NULL));
}

void clip_video_switch(struct clip *c)
{
    depack_switch(c->depack);
    ledger_switch(c->ledger);
    if (!c->error)
        (void)fail(c, ledger_mark(c->ledger, FRAMELOG_ENCODING, last_ms(c), NULL));
}

/* --- sound */

static int put_voice(struct clip *c, uint64_t source, const struct tape_packet *packet,
                     uint64_t capture_unix_us)
{
    const struct mixer_packet in = {
        .source = source,
        .seq = packet->seq,
        .timestamp = packet->timestamp,
        .at_us = (int64_t)(capture_unix_us - c->mixer_us),
        .payload = packet->payload,
        .len = packet->payload_len,
    };
    int er = mixer_put(c->mixer, &in);
    if (er == ER_AGAIN && c->lateness.now_us) {
        /* Ticks are overdue: as much room is made as the packet needs, but none beyond the clock. */
        int64_t need_us = mixer_position_us(c->mixer) + in.at_us + 200000 -
                          mixer_reach_us(c->mixer) + media_us(c, c->mixer_us);
        int64_t may_us = media_us(c, c->lateness.now_us - c->lateness.delay_us);
        er = mix_until(c, need_us < may_us ? need_us : may_us);
        if (er < 0)
            return er;
        er = mixer_put(c->mixer, &in);
    }
    if (er == 0)
        c->has_audio = true;
    return er == ER_NOMEM ? er : 0;
}

int clip_audio(struct clip *c, uint64_t source, const struct tape_packet *packet,
               uint64_t capture_unix_us)
{
    if (c->error)
        return c->error;
    lateness_arrival(&c->lateness, packet);
    lateness_voice(&c->lateness, packet, capture_unix_us);
    int er = ledger_sound(c->ledger, source, packet, media_us(c, capture_unix_us), capture_unix_us);
    if (er < 0)
        return fail(c, er);
    c->has_audio = c->has_audio || !c->mixer;
    /* What came too late for the standing mix need not be too late for a look-back, which waits for it. */
    if (!c->mixer && c->hurry && !standing_has(c->standing, source, packet->seq))
        er = part_ways(c);
    return er == 0 && c->mixer ? put_voice(c, source, packet, capture_unix_us) : er;
}

void clip_audio_end(struct clip *c, uint64_t source)
{
    if (c->mixer)
        mixer_end(c->mixer, source);
    ledger_voice_end(c->ledger, source);
}

void clip_voice(struct clip *c, uint64_t source, const char *identity)
{
    ledger_voice(c->ledger, source, identity);
}

void clip_mark(struct clip *c, enum framelog_mark mark, uint64_t unix_us, const char *text)
{
    int64_t at_us = media_us(c, unix_us);
    if (!c->error)
        (void)fail(c, ledger_mark(c->ledger, mark, at_us > 0 ? (uint64_t)at_us / 1000 : 0, text));
}

int clip_tick(struct clip *c, uint64_t now_unix_us, uint64_t sound_until_unix_us)
{
    if (c->error)
        return c->error;
    lateness_tick(&c->lateness, now_unix_us);
    uint64_t until_us = now_unix_us - c->lateness.delay_us;
    if (sound_until_unix_us && sound_until_unix_us < until_us)
        until_us = sound_until_unix_us;
    return mix_until(c, media_us(c, until_us));
}

/* --- the end */

/** The .part is closed; *ret_direct: it is the .webm already. */
static int end_container(struct clip *c, struct webm_info *ret, bool *ret_direct)
{
    int er = c->direct ? direct_end(c->direct, ret) : webm_end(c->webm);
    *ret_direct = c->direct && er == 0;
    webm_free(c->webm);
    direct_free(c->direct);
    c->webm = NULL;
    c->direct = NULL;
    return er == ER_FULL || er == ER_NOT_FOUND ? 0 : er;
}

static int lens_covered(void *ctx, uint64_t from_ms, uint64_t to_ms, bool to_end)
{
    struct clip *c = ctx;
    int er = ledger_mark(c->ledger, FRAMELOG_COVERED, from_ms, NULL);
    c->covered++;
    return er < 0 || to_end ? er : ledger_mark(c->ledger, FRAMELOG_UNCOVERED, to_ms, NULL);
}

/** Was the lens covered? That it was looked at all over is noted, too; what hinders it does not fail the
 *  clip. */
static int check_lens(struct clip *c)
{
    char *part = covered_end(&c->lens) ? file_name(c->path, ".part") : NULL;
    int er = 0;
    if (c->lens.count > 0 || c->lens.overflowed)
        er = part ? covered_look(&c->lens, c->vault, part, c->hurry, lens_covered, c) : ER_NOMEM;
    free(part);
    return er == 0 ? ledger_mark(c->ledger, FRAMELOG_LENS_CHECKED, last_ms(c), NULL) : 0;
}

int clip_finish(struct clip *c, uint64_t end_unix_us, struct clip_result *ret)
{
    *ret = (struct clip_result){0};
    int64_t end_us = media_us(c, end_unix_us);
    int er = c->standing && !c->mixer && !c->error ? part_ways(c) : c->error;
    if (er == 0)
        er = mix_until(c, end_us);
    if (er == 0 && depack_in_gap(c->depack)) {
        note_gap(c, end_us / 1000);
        uint64_t end_ms = end_us / 1000 > c->last_video_ms ? (uint64_t)end_us / 1000 : last_ms(c);
        er = fail(c, ledger_gap_at_end(c->ledger, last_ms(c), end_ms));
    }
    struct webm_info written = {0};
    bool direct = false;
    if (er == 0)
        er = fail(c, end_container(c, &written, &direct));
    if (er == 0)
        er = fail(c, check_lens(c));
    if (er == 0)
        er = fail(c, ledger_close(c->ledger));
    if (er < 0 && er != ER_IO)
        return er;
    if (direct && c->error == 0)
        er = complete_written(c->vault, c->path, c->ledger, &written, ret);
    else
        er = complete_recording(c->vault, c->path, c->ledger, c->error == 0, ret);
    webm_info_clear(&written);
    ret->repaired = c->error != 0;
    ret->has_audio = c->has_audio;
    ret->gaps = c->gaps;
    ret->gap_us = c->gap_us;
    ret->covered = c->covered;
    ret->hashed = c->hashed;
    return er;
}
