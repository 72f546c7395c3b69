// SPDX-License-Identifier: Apache-2.0
/* SipHash-1-3 (Aumasson and Bernstein, 2012, with fewer rounds): a keyed hash for tables whose keys
 * strangers choose. Not a message authentication code. */
#ifndef LOUPE_BASE_SIPHASH_H
#define LOUPE_BASE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

/** The hash of `len` bytes (`data` may be NULL when there are none); the same on every machine. */
uint64_t siphash13(const uint64_t key[2], const void *data, size_t len);

#endif
