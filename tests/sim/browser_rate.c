// SPDX-License-Identifier: Apache-2.0
/* What a fake browser that behaves like a real one sends with: its congestion control's rate, divided
 * over its encoders as libwebrtc does. */
#include "tests/sim/browser_private.h"

#define START_BPS 300000u
#define MIN_BPS 30000u
#define MOST_BPS 1500000u
#define SOUND_BPS 60000u /* with headers */
#define OVERHEAD_PERCENT 8

/** Of 1280 x 720, by encoding; the sizes halve. An encoding is on when its least is there. */
static const struct {
    uint32_t least_bps, target_bps, most_bps;
} table[BROWSER_ENCODINGS] = {
    {30000, 150000, 200000}, {150000, 500000, 700000}, {600000, 2500000, 2500000}};

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

void browser_rate_start(struct browser *b)
{
    uint32_t most = b->config.video_bps ? b->config.video_bps : MOST_BPS;
    congestion_init(&b->congestion, START_BPS, MIN_BPS, most + most / 4 + SOUND_BPS);
    b->pace.bps = START_BPS;
    browser_rate_apply(b, b->now_us);
}

void browser_hint(struct browser *b, uint32_t bps, bool slideshow)
{
    b->hint_bps = bps;
    for (size_t i = 0; i < b->line_count; i++)
        for (size_t k = 0; k < BROWSER_ENCODINGS; k++)
            if (browser_sender(&b->lines[i], k))
                browser_sender(&b->lines[i], k)->slideshow = slideshow;
    browser_rate_apply(b, b->now_us);
}

/* Lowest first, each up to its target; then what is left to the highest that is on. */
static void share_encodings(struct browser_line *line, uint64_t now_us, uint32_t bps)
{
    uint32_t rates[BROWSER_ENCODINGS] = {0};
    size_t highest = 0;
    for (size_t k = 0; k < BROWSER_ENCODINGS; k++) {
        if (bps < table[k].least_bps && k > 0)
            break;
        rates[k] = bps < table[k].target_bps ? bps : table[k].target_bps;
        bps -= rates[k];
        highest = k;
    }
    uint32_t room = table[highest].most_bps - rates[highest];
    rates[highest] += bps < room ? bps : room;
    for (size_t k = 0; k < BROWSER_ENCODINGS; k++)
        sender_set_rate(browser_sender(line, k), now_us, rates[k]);
}

void browser_rate_apply(struct browser *b, uint64_t now_us)
{
    if (!b->config.real)
        return;
    uint32_t bps = congestion_bps(&b->congestion);
    uint32_t most = b->config.video_bps ? b->config.video_bps : MOST_BPS;
    uint32_t pictures = 0;
    for (size_t i = 0; i < b->line_count; i++) {
        struct sender *s = b->lines[i].sender;
        pictures += s && s->config.codec == CODEC_VP8;
        if (s && s->config.codec == CODEC_OPUS)
            bps -= bps > SOUND_BPS + MIN_BPS ? SOUND_BPS : 0;
    }
    b->pace.bps = bps;
    if (!pictures)
        return;
    bps = (uint32_t)((uint64_t)bps * (100 - OVERHEAD_PERCENT) / 100 / pictures);
    bps = bps < most ? bps : most;
    if (b->hint_bps && b->hint_bps < bps)
        bps = b->hint_bps < MIN_BPS ? MIN_BPS : b->hint_bps;
    for (size_t i = 0; i < b->line_count; i++) {
        struct browser_line *line = &b->lines[i];
        if (!line->sender || line->sender->config.codec != CODEC_VP8)
            continue;
        if (line->higher[0])
            share_encodings(line, now_us, bps);
        else
            sender_set_rate(line->sender, now_us, bps);
    }
}
