// SPDX-License-Identifier: Apache-2.0
/* The system's randomness, and a seeded stream (xoroshiro128+, seeded by splitmix64) for tests. */
#include "base/entropy.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

static void system_fill(void *ctx, void *ret_bytes, size_t len)
{
    (void)ctx;
    uint8_t *p = ret_bytes;
    while (len) {
        ssize_t n = getrandom(p, len, 0);
        if (n < 0) {
            if (errno == EINTR)
                continue;
            abort(); // without randomness there is no security, so there is no going on
        }
        p += n;
        len -= (size_t)n;
    }
}

struct entropy entropy_system(void)
{
    return (struct entropy){.fill = system_fill, .ctx = NULL};
}

static uint64_t rotate(uint64_t x, unsigned bits)
{
    return x << bits | x >> (64 - bits);
}

static uint64_t seeded_next(struct entropy_seeded *s)
{
    uint64_t a = s->state[0];
    uint64_t b = s->state[1];
    uint64_t word = a + b;
    b ^= a;
    s->state[0] = rotate(a, 24) ^ b ^ b << 16;
    s->state[1] = rotate(b, 37);
    return word;
}

static void seeded_fill(void *ctx, void *ret_bytes, size_t len)
{
    uint8_t *p = ret_bytes;
    uint64_t word = 0;
    for (size_t i = 0; i < len; i++) {
        if (i % 8 == 0)
            word = seeded_next(ctx);
        p[i] = (uint8_t)(word >> (8 * (i % 8)));
    }
}

static uint64_t splitmix(uint64_t *x)
{
    uint64_t z = *x += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

struct entropy entropy_seeded_init(struct entropy_seeded *s, uint64_t seed)
{
    s->state[0] = splitmix(&seed);
    s->state[1] = splitmix(&seed);
    return (struct entropy){.fill = seeded_fill, .ctx = s};
}

void entropy_text(const struct entropy *e, char *ret_text, size_t len)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    for (size_t i = 0; i < len; i++) {
        // 32 bits scaled down to 62: no letter is likelier than another by more than 2^-26.
        uint32_t word;
        e->fill(e->ctx, &word, sizeof word);
        ret_text[i] = letters[(uint64_t)word * (sizeof letters - 1) >> 32];
    }
    ret_text[len] = '\0';
}
