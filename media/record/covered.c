// SPDX-License-Identifier: Apache-2.0
/* Small pictures, and what they show. */
#include "media/record/covered.h"

#include "base/er.h"
#include "media/record/frame.h"
#include "media/record/poster.h"
#include "media/record/webm.h"

#define NOTHING_SHARE 400u /* of a byte a pixel: 2,300 bytes at 720p; */
#define SMALL_SHARE 270u   /* or 3,400 bytes, */
#define SMALL_TIMES 3u     /* if it is so many times less than is usual */
#define SMALL_KEY_SHARE 100u
/* Where a picture has few pixels, its size says little: all that are no larger than this are looked into,
 * one each so often. To decode them is cheap. */
#define FEW_PIXELS 150000u
#define FEW_BYTES 450u
#define FEW_LONGEST_MS 600u
#define USUAL_OVER 32u
#define STRETCH_LEAST_MS 300u
#define LOOK_AFTER_MS 200u /* the picture has come to rest by then */
#define APART_MS 300u      /* stretches as near as this are one */
#define DARK_LUMA 40.0
#define DARK_DEVIATION 14.0
#define EVERY 4u /* pixel of every such row is looked at */

/* While it is recorded */

static bool is_small(const struct covered *c, const struct depack_frame *f)
{
    if (f->key)
        return f->len * SMALL_KEY_SHARE < c->pixels;
    return f->len * NOTHING_SHARE < c->pixels || (c->pixels <= FEW_PIXELS && f->len <= FEW_BYTES) ||
           (f->len * SMALL_SHARE < c->pixels && f->len * SMALL_TIMES < c->usual);
}

static void end_stretch(struct covered *c, uint64_t to_ms, bool to_end)
{
    c->small = false;
    c->now.to_ms = to_ms;
    c->now.to_end = to_end;
    struct covered_stretch *before = c->count ? &c->stretches[c->count - 1] : NULL;
    if (to_ms - c->now.from_ms < STRETCH_LEAST_MS) {
        if (before && before->to_ms == c->now.from_ms) { /* the rest of a long one */
            before->last_ms = c->now.last_ms;
            before->to_ms = to_ms;
            before->to_end = to_end;
        }
        return;
    }
    if (c->count == COVERED_STRETCHES)
        c->overflowed = true;
    else
        c->stretches[c->count++] = c->now;
}

void covered_note(struct covered *c, const struct depack_frame *f, uint64_t at_ms)
{
    c->frames++;
    if (f->key) {
        c->pixels = (uint64_t)f->width * f->height;
        c->key_ms = at_ms;
    }
    if (!is_small(c, f)) {
        uint32_t len = (uint32_t)f->len;
        if (c->small)
            end_stretch(c, at_ms, false);
        if (!f->key)
            c->usual = c->usual ? c->usual - c->usual / USUAL_OVER + len / USUAL_OVER : len;
        return;
    }
    if (c->small && c->pixels <= FEW_PIXELS && at_ms - c->now.from_ms >= FEW_LONGEST_MS)
        end_stretch(c, at_ms, false);
    if (!c->small)
        c->now = (struct covered_stretch){.key_ms = c->key_ms, .from_ms = at_ms};
    c->small = true;
    c->now.last_ms = at_ms;
}

bool covered_end(struct covered *c)
{
    if (c->small)
        end_stretch(c, c->now.last_ms, true);
    return c->count > 0 || c->overflowed;
}

/* What they show */

bool covered_is_dark(const struct still *image)
{
    uint64_t sum = 0, squares = 0, count = 0;
    for (unsigned y = 0; y < image->height; y += EVERY) {
        const uint8_t *row = image->planes[0] + (size_t)y * (size_t)image->stride[0];
        for (unsigned x = 0; x < image->width; x += EVERY, count++) {
            sum += row[x];
            squares += (uint64_t)row[x] * row[x];
        }
    }
    if (count == 0)
        return false;
    double mean = (double)sum / (double)count;
    double variance = (double)squares / (double)count - mean * mean;
    double scale = image->full_range ? 1 : 255.0 / 219;
    double luma = image->full_range ? mean : (mean - 16) * scale;
    return luma < DARK_LUMA && variance * scale * scale < DARK_DEVIATION * DARK_DEVIATION;
}

struct look {
    const struct covered *covered;
    covered_found *found;
    void *ctx;
    struct still_decoder *decoder;
    size_t next;                 /* of the stretches */
    uint64_t decoded, most;      /* pictures */
    bool blind;                  /* something could not be looked at */
    struct covered_stretch dark; /* not told yet; to_ms 0: none */
};

/** What was found so far ends here. */
static int tell(struct look *l)
{
    struct covered_stretch d = l->dark;
    l->dark.to_ms = 0;
    return d.to_ms - d.from_ms < COVERED_LEAST_MS ? 0
                                                  : l->found(l->ctx, d.from_ms, d.to_ms, d.to_end);
}

static int found_dark(struct look *l, const struct covered_stretch *s)
{
    int er = 0;
    if (l->dark.to_ms && s->from_ms - l->dark.to_ms <= APART_MS) {
        l->dark.to_ms = s->to_ms;
        l->dark.to_end = s->to_end;
        return 0;
    }
    if (l->dark.to_ms)
        er = tell(l);
    l->dark = *s;
    return er;
}

static bool is_spent(const struct look *l)
{
    return l->decoded >= l->most;
}

static int decode(struct look *l, const struct webm_frame *f)
{
    unsigned width, height;
    if (f->key && frame_key_size(f->format, f->data, f->len, &width, &height) &&
        (uint64_t)width * height > POSTER_PIXELS_MAX)
        return ER_UNSUPPORTED;
    l->decoded++;
    return still_decoder_push(l->decoder, f->format, f->data, f->len, f->key);
}

/** What comes next is in the stretch at hand, or on the way there. */
static int look_at(struct look *l, const struct webm_frame *f)
{
    const struct covered_stretch *s = &l->covered->stretches[l->next];
    struct still image;
    uint64_t at_ms = s->from_ms + LOOK_AFTER_MS < s->last_ms ? s->from_ms + LOOK_AFTER_MS
                                                             : s->last_ms;
    int er = is_spent(l) ? ER_FULL : decode(l, f);
    if (er == ER_NOMEM)
        return er;
    if (er == 0 && f->at_ms < at_ms)
        return 0;
    if (er == 0)
        er = still_decoder_picture(l->decoder, &image);
    if (er != 0 && f->at_ms < at_ms)
        return 0; /* another key frame may come before */
    l->next++;
    l->blind |= er != 0;
    return er == 0 && covered_is_dark(&image) ? found_dark(l, s) : 0;
}

static int each(void *ctx, const struct webm_frame *f)
{
    struct look *l = ctx;
    const struct covered *c = l->covered;
    if (f->format == FORMAT_OPUS)
        return 0;
    while (l->next < c->count && f->at_ms >= c->stretches[l->next].to_ms &&
           !c->stretches[l->next].to_end) {
        l->next++; /* it is not in the file */
        l->blind = true;
    }
    if (l->next == c->count || f->at_ms < c->stretches[l->next].key_ms)
        return 0;
    return look_at(l, f);
}

int covered_look(const struct covered *c, struct vault *vault, const char *path, bool hurry,
                 covered_found *found, void *ctx)
{
    struct look l = {.covered = c,
                     .found = found,
                     .ctx = ctx,
                     .most = hurry ? COVERED_HURRY : COVERED_FRAMES + c->frames / COVERED_SHARE,
                     .blind = c->overflowed};
    int er = still_decoder_new(&l.decoder);
    if (er == 0)
        er = webm_each(vault, path, each, &l);
    if (er == 0 && l.dark.to_ms)
        er = tell(&l);
    still_decoder_free(l.decoder);
    return er == 0 && (l.blind || l.next < c->count) ? ER_FULL : er;
}
