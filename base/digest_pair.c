// SPDX-License-Identifier: Apache-2.0
/* The SHA extensions of x86-64 processors, twice at once. */
#include "base/digest_pair.h"

#if defined(__x86_64__)

#include <cpuid.h>
#include <immintrin.h>

#define WITH_SHA __attribute__((target("sha,sse4.1,ssse3")))
#define INLINE static inline __attribute__((always_inline)) WITH_SHA

enum {
    STEPS = 16,
    SCHEDULED = 12
}; /* of four rounds each; the message is extended in the first ones */

/** FIPS 180-4, 4.2.2. */
static const uint32_t constants[4 * STEPS] __attribute__((aligned(16))) = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

/** Working variables in the order that the instructions want, and four quarters of the message. */
struct lane {
    __m128i abef, cdgh, message[4];
};

INLINE void load_state(struct lane *l, const uint32_t h[static 8])
{
    __m128i badc = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i_u *)h), 0xb1);
    __m128i efgh = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i_u *)(h + 4)), 0x1b);
    l->abef = _mm_alignr_epi8(badc, efgh, 8);
    l->cdgh = _mm_blend_epi16(efgh, badc, 0xf0);
}

INLINE void store_state(const struct lane *l, uint32_t h[static 8])
{
    __m128i feba = _mm_shuffle_epi32(l->abef, 0x1b), dchg = _mm_shuffle_epi32(l->cdgh, 0xb1);
    _mm_storeu_si128((__m128i_u *)h, _mm_blend_epi16(feba, dchg, 0xf0));
    _mm_storeu_si128((__m128i_u *)(h + 4), _mm_alignr_epi8(dchg, feba, 8));
}

INLINE void load_message(struct lane *l, const uint8_t *at)
{
    const __m128i big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
    for (int i = 0; i < 4; i++)
        l->message[i] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i_u *)(at + 16 * i)),
                                         big_endian);
}

INLINE void four_rounds(struct lane *l, int step)
{
    __m128i k = _mm_load_si128((const __m128i *)(const void *)(constants + 4 * step));
    __m128i wk = _mm_add_epi32(l->message[step % 4], k);
    l->cdgh = _mm_sha256rnds2_epu32(l->cdgh, l->abef, wk);
    l->abef = _mm_sha256rnds2_epu32(l->abef, l->cdgh, _mm_shuffle_epi32(wk, 0x0e));
}

INLINE void extend(struct lane *l, int step)
{
    __m128i *m = l->message, last = m[(step + 3) % 4];
    __m128i sum = _mm_add_epi32(_mm_sha256msg1_epu32(m[step % 4], m[(step + 1) % 4]),
                                _mm_alignr_epi8(last, m[(step + 2) % 4], 4));
    m[step % 4] = _mm_sha256msg2_epu32(sum, last);
}

WITH_SHA void digest_pair(uint32_t ha[static 8], const uint8_t *a, uint32_t hb[static 8],
                          const uint8_t *b, size_t blocks)
{
    struct lane x, y;
    load_state(&x, ha);
    load_state(&y, hb);
    for (; blocks > 0; blocks--, a += DIGEST_BLOCK_BYTES, b += DIGEST_BLOCK_BYTES) {
        __m128i x_abef = x.abef, x_cdgh = x.cdgh, y_abef = y.abef, y_cdgh = y.cdgh;
        load_message(&x, a);
        load_message(&y, b);
#pragma GCC unroll 16
        for (int step = 0; step < STEPS; step++) {
            four_rounds(&x, step);
            four_rounds(&y, step);
            if (step < SCHEDULED) {
                extend(&x, step);
                extend(&y, step);
            }
        }
        x.abef = _mm_add_epi32(x.abef, x_abef);
        x.cdgh = _mm_add_epi32(x.cdgh, x_cdgh);
        y.abef = _mm_add_epi32(y.abef, y_abef);
        y.cdgh = _mm_add_epi32(y.cdgh, y_cdgh);
    }
    store_state(&x, ha);
    store_state(&y, hb);
}

bool digest_pair_works(void)
{
    unsigned eax, ebx, ecx, edx, more;
    return __get_cpuid(1, &eax, &ebx, &ecx, &edx) && (ecx & bit_SSSE3) && (ecx & bit_SSE4_1) &&
           __get_cpuid_count(7, 0, &eax, &more, &ecx, &edx) && (more & bit_SHA);
}

#else

bool digest_pair_works(void)
{
    return false;
}

void digest_pair(uint32_t ha[static 8], const uint8_t *a, uint32_t hb[static 8], const uint8_t *b,
                 size_t blocks)
{
    (void)ha;
    (void)a;
    (void)hb;
    (void)b;
    (void)blocks;
}

#endif
