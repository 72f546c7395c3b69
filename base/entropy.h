// SPDX-License-Identifier: Apache-2.0
/* Randomness as a value that is handed in: the system's in production, a seeded stream in tests. */
#ifndef LOUPE_BASE_ENTROPY_H
#define LOUPE_BASE_ENTROPY_H

#include <stddef.h>
#include <stdint.h>

/** `fill` must always succeed. */
struct entropy {
    void (*fill)(void *ctx, void *ret_bytes, size_t len);
    void *ctx;
};

/** The system's random generator (getrandom). Safe for secrets; any thread. */
struct entropy entropy_system(void);

/** A repeatable stream for tests and simulations; never for secrets. */
struct entropy_seeded {
    uint64_t state[2];
};
struct entropy entropy_seeded_init(struct entropy_seeded *s, uint64_t seed);

static inline void entropy_fill(const struct entropy *e, void *ret_bytes, size_t len)
{
    e->fill(e->ctx, ret_bytes, len);
}

static inline uint64_t entropy_u64(const struct entropy *e)
{
    uint64_t v;
    e->fill(e->ctx, &v, sizeof v);
    return v;
}

/** `len` characters of the ICE alphabet (RFC 8839 ice-char without '+' and '/': letters and digits)
 *  and a closing NUL. */
void entropy_text(const struct entropy *e, char *ret_text, size_t len);

#endif
