// SPDX-License-Identifier: Apache-2.0
/* The one place that calls what OpenSSL would rather have called through EVP. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "base/digest.h"

#include <string.h>

#include "base/buf.h"
#include "base/digest_pair.h"

enum {
    SHORT_BYTES = 2 * SHA256_CBLOCK - 8, /* a byte and the length come behind */
    PAIR_BLOCKS = 4,                     /* fewer are not worth it */
};

void digest_begin(struct digest *d)
{
    (void)SHA256_Init(&d->state);
}

void digest_add(struct digest *d, const void *data, size_t len)
{
    (void)SHA256_Update(&d->state, data, len);
}

void digest_end(struct digest *d, uint8_t ret[static DIGEST_BYTES])
{
    (void)SHA256_Final(ret, &d->state);
}

static void take(struct digest_part *p, size_t len)
{
    p->data += len;
    p->len -= len;
}

/** `blocks` were added to the state behind OpenSSL's back. */
static void count_blocks(struct digest_part *p, size_t blocks)
{
    SHA256_CTX *s = &p->digest->state;
    uint64_t bits = ((uint64_t)s->Nh << 32 | s->Nl) + (uint64_t)blocks * 8 * DIGEST_BLOCK_BYTES;
    s->Nh = (uint32_t)(bits >> 32);
    s->Nl = (uint32_t)bits;
    take(p, blocks * DIGEST_BLOCK_BYTES);
}

/** Up to where a block begins. */
static void align(struct digest_part *p)
{
    size_t held = p->digest->state.num, len = held ? DIGEST_BLOCK_BYTES - held : 0;
    len = len < p->len ? len : p->len;
    digest_add(p->digest, p->data, len);
    take(p, len);
}

/** The longest three. */
static void longest_first(struct digest_part *parts, size_t count)
{
    for (size_t i = 0; i < 3 && i < count; i++) {
        for (size_t k = i + 1; k < count; k++) {
            struct digest_part p = parts[i];
            if (parts[k].len <= p.len)
                continue;
            parts[i] = parts[k];
            parts[k] = p;
        }
    }
}

void digest_add_each(struct digest_part *parts, size_t count, bool pairs)
{
    for (size_t i = 0; pairs && i < count; i++)
        align(&parts[i]);
    while (pairs && count > 1) {
        longest_first(parts, count);
        size_t first = parts[0].len / DIGEST_BLOCK_BYTES;
        size_t second = parts[1].len / DIGEST_BLOCK_BYTES;
        size_t third = count > 2 ? parts[2].len / DIGEST_BLOCK_BYTES : 0;
        size_t blocks = (first + second - third) / 2; /* what is left lasts for the third */
        if (second < PAIR_BLOCKS)
            break;
        blocks = blocks < second ? blocks : second;
        digest_pair(parts[0].digest->state.h, parts[0].data, parts[1].digest->state.h,
                    parts[1].data, blocks);
        count_blocks(&parts[0], blocks);
        count_blocks(&parts[1], blocks);
    }
    for (size_t i = 0; i < count; i++)
        digest_add(parts[i].digest, parts[i].data, parts[i].len);
}

/** What fits two blocks with its padding (FIPS 180-4, 5.1.1), which is laid out here: adding up costs more than
 *  hashing does. */
static void digest_short(const void *data, size_t len, uint8_t ret[static DIGEST_BYTES])
{
    uint8_t blocks[2 * SHA256_CBLOCK] = {0};
    size_t size = len < SHORT_BYTES - SHA256_CBLOCK ? SHA256_CBLOCK : sizeof blocks;
    SHA256_CTX state;
    if (len)
        memcpy(blocks, data, len);
    blocks[len] = 0x80;
    put_u16(blocks + size - 2, (uint16_t)(len * 8));
    (void)SHA256_Init(&state);
    SHA256_Transform(&state, blocks);
    if (size == sizeof blocks)
        SHA256_Transform(&state, blocks + SHA256_CBLOCK);
    for (size_t i = 0; i < 8; i++)
        put_u32(ret + 4 * i, state.h[i]);
}

void digest_sha256(const void *data, size_t len, uint8_t ret[static DIGEST_BYTES])
{
    struct digest d;
    if (len < SHORT_BYTES) {
        digest_short(data, len, ret);
        return;
    }
    digest_begin(&d);
    digest_add(&d, data, len);
    digest_end(&d, ret);
}
