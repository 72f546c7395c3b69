// SPDX-License-Identifier: Apache-2.0
/* The offset between source and viewer shrinks by one with each packet left out; what the offset was
 * for an earlier packet follows from counting those left out behind it. */
#include "media/relay/seqmap.h"

#include <stdbool.h>
#include <string.h>

#define WORDS (SEQMAP_WINDOW / 64)

static uint64_t *word_of(struct seqmap *m, int64_t source)
{
    return &m->dropped[(uint64_t)source / 64 % WORDS];
}

static uint64_t bit_of(int64_t source)
{
    return UINT64_C(1) << ((uint64_t)source % 64);
}

void seqmap_begin(struct seqmap *m, int64_t first, int64_t first_out)
{
    *m = (struct seqmap){.first = first, .highest = first - 1, .delta = first_out - first};
}

static void advance(struct seqmap *m, int64_t source)
{
    int64_t leap = source - m->highest;
    if (leap > SEQMAP_WINDOW) {
        m->delta -= leap - SEQMAP_HOLE_LEFT;
        m->first = source;
    }
    if (leap >= SEQMAP_WINDOW)
        memset(m->dropped, 0, sizeof m->dropped);
    for (int64_t at = m->highest + 1; leap < SEQMAP_WINDOW && at <= source; at++)
        *word_of(m, at) &= ~bit_of(at);
    m->highest = source;
}

/** How many behind `source` were left out. */
static int64_t count_behind(struct seqmap *m, int64_t source)
{
    int64_t count = 0;
    for (int64_t at = source + 1; at <= m->highest;) {
        uint64_t bits = *word_of(m, at) >> ((uint64_t)at % 64);
        int64_t within = 64 - (int64_t)((uint64_t)at % 64);
        if (within > m->highest - at + 1) {
            within = m->highest - at + 1;
            bits &= (UINT64_C(1) << within) - 1;
        }
        count += __builtin_popcountll(bits);
        at += within;
    }
    return count;
}

/** The number kept for a packet that comes late; 0: there is none. */
static int64_t place_of(struct seqmap *m, int64_t source)
{
    if (source < m->first || source <= m->highest - SEQMAP_WINDOW ||
        (*word_of(m, source) & bit_of(source)))
        return 0;
    return source + m->delta + count_behind(m, source);
}

int64_t seqmap_pass(struct seqmap *m, int64_t source)
{
    if (source <= m->highest)
        return place_of(m, source);
    advance(m, source);
    return source + m->delta;
}

int64_t seqmap_drop(struct seqmap *m, int64_t source)
{
    if (source <= m->highest)
        return place_of(m, source);
    advance(m, source);
    *word_of(m, source) |= bit_of(source);
    m->delta--;
    return 0;
}
