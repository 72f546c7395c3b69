// SPDX-License-Identifier: Apache-2.0
/* Headers of redundant audio: four bytes for each earlier payload, one for the packet's own. */
#include "media/wire/red.h"

#include "base/buf.h"
#include "base/er.h"

enum { MORE = 0x80, TYPE = 0x7f, LEN_BITS = 10 };

int red_parse(const uint8_t *payload, size_t len, struct red_block ret[static RED_BLOCKS],
              size_t *ret_count)
{
    struct rd r = rd_make(payload, len);
    size_t count = 0;
    for (;;) {
        uint8_t first = rd_u8(&r);
        if (r.bad)
            return ER_TRUNCATED;
        if (count == RED_BLOCKS)
            return ER_MALFORMED;
        ret[count] = (struct red_block){.payload_type = first & TYPE};
        if (!(first & MORE))
            break;
        uint32_t rest = rd_u24(&r);
        ret[count].age = (uint16_t)(rest >> LEN_BITS);
        ret[count++].len = rest & RED_BLOCK_BYTES_MAX;
    }
    for (size_t i = 0; i < count; i++)
        ret[i].at = rd_bytes(&r, ret[i].len);
    ret[count].len = rd_left(&r);
    ret[count].at = rd_bytes(&r, ret[count].len);
    *ret_count = count + 1;
    return r.bad ? ER_TRUNCATED : 0;
}

int red_write(uint8_t *buf, size_t size, const struct red_block *blocks, size_t count)
{
    struct wr w = wr_make(buf, size);
    if (count == 0 || count > RED_BLOCKS)
        return ER_INVALID;
    for (size_t i = 0; i + 1 < count; i++) {
        if (blocks[i].age > RED_OFFSET_MAX || blocks[i].len > RED_BLOCK_BYTES_MAX)
            return ER_INVALID;
        wr_u8(&w, MORE | (blocks[i].payload_type & TYPE));
        wr_u24(&w, (uint32_t)blocks[i].age << LEN_BITS | (uint32_t)blocks[i].len);
    }
    wr_u8(&w, blocks[count - 1].payload_type & TYPE);
    for (size_t i = 0; i < count; i++)
        wr_bytes(&w, blocks[i].at, blocks[i].len);
    return w.bad ? ER_TRUNCATED : (int)wr_len(&w);
}
