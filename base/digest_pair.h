// SPDX-License-Identifier: Apache-2.0
/* Two SHA-256 side by side: a round waits for the one before it, so that the processor's instructions for
 * it have time for another stream's. */
#ifndef LOUPE_BASE_DIGEST_PAIR_H
#define LOUPE_BASE_DIGEST_PAIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DIGEST_BLOCK_BYTES 64

/** Whether this processor has such instructions. It takes microseconds to ask. */
bool digest_pair_works(void);
/** `blocks` of `a` into the state `ha` (FIPS 180-4, 6.2.2: H0 .. H7), of `b` into `hb`. Only where it works. */
void digest_pair(uint32_t ha[static 8], const uint8_t *a, uint32_t hb[static 8], const uint8_t *b,
                 size_t blocks);

#endif
