// SPDX-License-Identifier: Apache-2.0
/* What a fake browser that behaves like a real one sends with: its congestion control's rate, divided
 * over its encoders as libwebrtc does. */
#include "tests/sim/browser_private.h"

#define START_BPS 300000u
#define MIN_BPS 30000u
#define MOST_BPS 1500000u
#define SOUND_BPS 60000u /* with headers */
#define OVERHEAD_PERCENT 8

/** Of 1280 x 720, by encoding; the sizes halve. An encoding is on when its least is there, and one that
 *  is off when there is a fifth more (libwebrtc's simulcast.cc, simulcast_rate_allocator.cc). */
static const struct {
    uint32_t least_bps, target_bps, most_bps;
} table[BROWSER_ENCODINGS] = {
    {30000, 150000, 200000}, {150000, 500000, 700000}, {600000, 2500000, 2500000}};
#define ON_AGAIN_PERCENT 120

void browser_encoding(const struct browser *b, size_t encoding, uint32_t *ret_max_bps,
                      uint16_t *ret_width, uint16_t *ret_height)
{
    unsigned halvings = (unsigned)(BROWSER_ENCODINGS - 1 - encoding);
    uint16_t width = b->config.width ? b->config.width : 1280;
    uint16_t height = b->config.height ? b->config.height : 720;
    if (ret_max_bps)
        *ret_max_bps = table[encoding].most_bps;
    *ret_width = (uint16_t)(width >> halvings);
    *ret_height = (uint16_t)(height >> halvings);
}

/** Of one line: with several encodings the best one's most, and what those below it are given. */
static uint32_t most_of_line(const struct browser *b)
{
    uint32_t most = b->config.video_bps ? b->config.video_bps : MOST_BPS;
    for (size_t k = 0; b->config.simulcast && k + 1 < BROWSER_ENCODINGS; k++)
        most += table[k].target_bps;
    return most;
}

void browser_rate_start(struct browser *b)
{
    uint32_t most = most_of_line(b);
    congestion_init(&b->congestion, START_BPS, MIN_BPS, most + most / 4 + SOUND_BPS);
    b->pace.bps = START_BPS;
    browser_rate_apply(b, b->now_us);
}

/* Who sends several encodings is a plain page here: no hint reaches it, but REMB does. */
void browser_hint(struct browser *b, uint32_t bps, bool slideshow)
{
    if (b->config.simulcast)
        return;
    b->hint_bps = bps;
    for (size_t i = 0; i < b->line_count; i++)
        if (b->lines[i].sender)
            b->lines[i].sender->slideshow = slideshow;
    browser_rate_apply(b, b->now_us);
}

/* Lowest first, each up to its target; then what is left to the highest that is on. */
static void share_encodings(struct browser *b, struct browser_line *line, uint32_t bps)
{
    uint32_t top = b->config.video_bps ? b->config.video_bps : MOST_BPS;
    uint32_t rates[BROWSER_ENCODINGS] = {0};
    size_t highest = 0;
    for (size_t k = 0; k < BROWSER_ENCODINGS; k++) {
        bool on = browser_sender(line, k)->bps > 0;
        if (k > 0 && bps < table[k].least_bps / 100 * (on ? 100 : ON_AGAIN_PERCENT))
            break;
        rates[k] = bps < table[k].target_bps ? bps : table[k].target_bps;
        bps -= rates[k];
        highest = k;
    }
    uint32_t most = highest + 1 == BROWSER_ENCODINGS ? top : table[highest].most_bps;
    uint32_t room = most > rates[highest] ? most - rates[highest] : 0;
    rates[highest] += bps < room ? bps : room;
    for (size_t k = 0; k < BROWSER_ENCODINGS; k++)
        sender_set_rate(browser_sender(line, k), b->now_us, rates[k]);
}

void browser_rate_apply(struct browser *b, uint64_t now_us)
{
    if (!b->config.real)
        return;
    uint32_t bps = congestion_bps(&b->congestion);
    uint32_t most = most_of_line(b), pictures = 0;
    for (size_t i = 0; i < b->line_count; i++) {
        struct sender *s = b->lines[i].sender;
        pictures += s && s->config.codec == CODEC_VP8;
        if (s && s->config.codec == CODEC_OPUS)
            bps -= bps > SOUND_BPS + MIN_BPS ? SOUND_BPS : 0;
    }
    b->pace.bps = bps;
    if (!pictures)
        return;
    uint32_t again = sender_resent_bps(&b->pace, now_us);
    bps -= again < bps / 2 ? again : bps / 2;
    bps = (uint32_t)((uint64_t)bps * (100 - OVERHEAD_PERCENT) / 100 / pictures);
    bps = bps < most ? bps : most;
    if (b->hint_bps && b->hint_bps < bps)
        bps = b->hint_bps < MIN_BPS ? MIN_BPS : b->hint_bps;
    for (size_t i = 0; i < b->line_count; i++) {
        struct browser_line *line = &b->lines[i];
        if (!line->sender || line->sender->config.codec != CODEC_VP8)
            continue;
        if (line->higher[0])
            share_encodings(b, line, bps);
        else
            sender_set_rate(line->sender, now_us, bps);
    }
}
