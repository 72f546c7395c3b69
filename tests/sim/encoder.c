// SPDX-License-Identifier: Apache-2.0
/* A leaky bucket, and libvpx's patterns of temporal layers. */
#include "tests/sim/encoder.h"

#include "tests/sim/synthetic.h"

#define DEBT_MS 600       /* above its rate by so much, the encoder drops pictures */
#define PIXELS_PER_KEY 60 /* the coarsest quantiser: a byte of a key frame for so many pixels */
#define PIXELS_PER_DELTA 1500

static const uint8_t layers[4][4] = {{0}, {0, 0, 0, 0}, {0, 1, 0, 1}, {0, 2, 1, 2}};

/* Within the pattern: what does it need, and is that of layer 0? */
static uint32_t reference_of(const struct encoder *e, uint8_t layer, uint64_t place, bool *ret_sync)
{
    bool second = layer == 2 && place == 3; /* the last of 0 2 1 2 builds on layer 1 */
    *ret_sync = layer > 0 && !second;
    return second ? e->last[1] : e->last[0];
}

static size_t size_of(const struct encoder *e, uint32_t bps, bool key)
{
    size_t pixels = (size_t)e->config.width * e->config.height;
    size_t floor = pixels / (key ? PIXELS_PER_KEY : PIXELS_PER_DELTA);
    size_t size = synthetic_vp8_size((uint32_t)e->frames, key, bps, e->config.fps);
    return size > floor ? size : floor;
}

bool encoder_next(struct encoder *e, uint32_t bps, bool key, struct encoded *ret)
{
    int64_t share = bps / 8 / e->config.fps;
    bool over = e->debt_bytes * 1000 > (int64_t)(bps / 8) * DEBT_MS;
    key = key || e->frames == 0;
    e->debt_bytes -= e->debt_bytes > share ? share : e->debt_bytes;
    if (over && !key) {
        e->dropped++;
        return false;
    }
    if (key)
        e->ticks = 0;
    uint64_t place = e->ticks++ % 4;
    uint8_t layer = layers[e->config.temporal_layers & 3][place];
    *ret = (struct encoded){.number = (uint32_t)e->frames,
                            .key = key,
                            .temporal_id = layer,
                            .bytes = size_of(e, bps, key)};
    ret->reference = key ? ENCODER_NOTHING : reference_of(e, layer, place, &ret->sync);
    e->tl0 = (uint8_t)(e->tl0 + (layer == 0));
    ret->tl0 = e->tl0;
    e->last[layer] = ret->number;
    if (key)
        e->last[1] = e->last[2] = ret->number;
    e->debt_bytes += (int64_t)ret->bytes;
    e->frames++;
    return true;
}
