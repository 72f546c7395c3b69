// SPDX-License-Identifier: Apache-2.0
/* CRC-32, eight bytes at a time. */
#include "server/seal/crc32.h"

void crc32_init(struct crc32 *ret)
{
    uint32_t(*table)[256] = ret->table;
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t v = i;
        for (int k = 0; k < 8; k++)
            v = v & 1 ? 0xEDB88320u ^ v >> 1 : v >> 1;
        table[0][i] = v;
    }
    for (uint32_t i = 0; i < 256; i++) {
        for (int k = 1; k < 8; k++)
            table[k][i] = table[k - 1][i] >> 8 ^ table[0][table[k - 1][i] & 0xff];
    }
}

uint32_t crc32_add(const struct crc32 *c, uint32_t crc, const void *bytes, size_t len)
{
    const uint32_t(*t)[256] = c->table;
    const uint8_t *at = bytes;
    crc = ~crc;
    for (; len >= 8; at += 8, len -= 8) {
        uint32_t low = crc ^ (at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 |
                              (uint32_t)at[3] << 24);
        crc = t[7][low & 0xff] ^ t[6][low >> 8 & 0xff] ^ t[5][low >> 16 & 0xff] ^ t[4][low >> 24] ^
              t[3][at[4]] ^ t[2][at[5]] ^ t[1][at[6]] ^ t[0][at[7]];
    }
    for (; len; at++, len--)
        crc = t[0][(crc ^ *at) & 0xff] ^ crc >> 8;
    return ~crc;
}
