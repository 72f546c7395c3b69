// SPDX-License-Identifier: Apache-2.0
/* STUN messages: parse, and check the integrity of what parses. */
#include <stdint.h>
#include <stdlib.h>

#include "media/wire/stun.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct stun_message m;
    bool likely = stun_looks_like(data, size);
    if (stun_parse(data, size, &m) < 0)
        return 0;
    if (!likely || m.integrity_at >= size || (m.username.at && m.username.len > size))
        abort();
    stun_check_integrity(data, size, &m, "VOkJxbRl1RmTxUk/WvJxBt");
    return 0;
}
