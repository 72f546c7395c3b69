// SPDX-License-Identifier: Apache-2.0
/* The checksum of ZIP entries and of much else (ITU-T V.42, ISO/IEC 3309). It finds accidents, not forgers. */
#ifndef LOUPE_SERVER_SEAL_CRC32_H
#define LOUPE_SERVER_SEAL_CRC32_H

#include <stddef.h>
#include <stdint.h>

/** Its tables: 8 KiB, made once. */
struct crc32 {
    uint32_t table[8][256];
};

void crc32_init(struct crc32 *ret);
/** The checksum of what had `crc` (0: of nothing) with `len` bytes behind it. */
uint32_t crc32_add(const struct crc32 *c, uint32_t crc, const void *bytes, size_t len);

#endif
