// SPDX-License-Identifier: Apache-2.0
/* Opus packets (RFC 6716, 3.1; RFC 7587): only what can be told from the table-of-contents byte. */
#ifndef LOUPE_MEDIA_WIRE_OPUS_H
#define LOUPE_MEDIA_WIRE_OPUS_H

#include <stddef.h>
#include <stdint.h>

/** Duration of the packet in samples at 48 kHz (at most 5760). 0, ER_TRUNCATED or ER_MALFORMED. */
int opus_duration(const uint8_t *payload, size_t len, uint32_t *ret_samples);

#endif
