// SPDX-License-Identifier: Apache-2.0
/* RTP packets in and out, and numbers that do not wrap. On the path of every packet: nothing is
 * cleared or copied that need not be. */
#include "media/wire/rtp.h"

#include <string.h>

#include "base/buf.h"
#include "base/er.h"

enum { FLAG_PADDING = 0x20, FLAG_EXTENSION = 0x10, MASK_CSRC = 0x0f };
enum { PROFILE_ONE_BYTE = 0xbede, PROFILE_TWO_BYTE = 0x1000, PROFILE_TWO_BYTE_MASK = 0xfff0 };
enum { ONE_BYTE_ID_STOP = 15, ONE_BYTE_ID_MAX = 14, ONE_BYTE_LEN_MAX = 16 };

static void keep_extension(struct rtp_packet *ret, uint8_t id, uint8_t len, const uint8_t *at)
{
    if (ret->extension_count == LIMIT_RTP_EXTENSIONS)
        return;
    ret->extensions[ret->extension_count++] = (struct rtp_extension){
        .id = id, .len = len, .at = at};
}

/* RFC 8285, 4.2. */
static int parse_one_byte(const uint8_t *at, const uint8_t *end, struct rtp_packet *ret)
{
    while (at < end) {
        uint8_t id = at[0] >> 4;
        uint8_t len = (uint8_t)((at[0] & 0x0f) + 1);
        if (at[0] == 0) { /* padding */
            at++;
            continue;
        }
        if (id == 0 || id == ONE_BYTE_ID_STOP)
            return 0; /* the elements so far count, the rest is not to be looked at */
        at++;
        if (end - at < len)
            return ER_MALFORMED;
        keep_extension(ret, id, len, at);
        at += len;
    }
    return 0;
}

/* RFC 8285, 4.3. */
static int parse_two_byte(const uint8_t *at, const uint8_t *end, struct rtp_packet *ret)
{
    while (at < end) {
        uint8_t id = *at++;
        if (id == 0)
            continue;
        if (at == end)
            return ER_MALFORMED;
        uint8_t len = *at++;
        if (end - at < len)
            return ER_MALFORMED;
        keep_extension(ret, id, len, at);
        at += len;
    }
    return 0;
}

static int parse_extensions(struct rd *r, struct rtp_packet *ret)
{
    unsigned profile = rd_u16(r);
    size_t len = (size_t)rd_u16(r) * 4;
    const uint8_t *at = rd_bytes(r, len);
    if (!at)
        return ER_TRUNCATED;
    if (profile == PROFILE_ONE_BYTE)
        return parse_one_byte(at, at + len, ret);
    if ((profile & PROFILE_TWO_BYTE_MASK) == PROFILE_TWO_BYTE)
        return parse_two_byte(at, at + len, ret);
    return 0;
}

int rtp_parse(const uint8_t *data, size_t len, struct rtp_packet *ret)
{
    struct rd r = rd_make(data, len);
    const uint8_t *header = rd_bytes(&r, RTP_HEADER_BYTES);
    if (!header)
        return ER_TRUNCATED;
    if (header[0] >> 6 != 2)
        return ER_MALFORMED;
    ret->marker = (header[1] & 0x80) != 0;
    ret->payload_type = header[1] & 0x7f;
    ret->seq = get_u16(header + 2);
    ret->timestamp = get_u32(header + 4);
    ret->ssrc = get_u32(header + 8);
    ret->csrc_count = header[0] & MASK_CSRC;
    ret->extension_count = 0;
    ret->padding_len = 0;

    rd_skip(&r, (size_t)ret->csrc_count * 4);
    if (r.bad)
        return ER_TRUNCATED;
    if (header[0] & FLAG_EXTENSION) {
        int er = parse_extensions(&r, ret);
        if (er < 0)
            return er;
    }
    ret->payload = r.at;
    ret->payload_len = rd_left(&r);
    if (header[0] & FLAG_PADDING) {
        uint8_t padding = ret->payload_len ? data[len - 1] : 0;
        if (padding == 0 || padding > ret->payload_len)
            return ER_MALFORMED;
        ret->padding_len = padding;
        ret->payload_len -= padding;
    }
    return 0;
}

const struct rtp_extension *rtp_find_extension(const struct rtp_packet *packet, uint8_t id)
{
    if (id == 0)
        return NULL;
    for (size_t i = 0; i < packet->extension_count; i++)
        if (packet->extensions[i].id == id)
            return &packet->extensions[i];
    return NULL;
}

/** The bytes of the extension block without its 4-byte head and padding; 0: no extension. */
static size_t extensions_measure(const struct rtp_header *header, bool *ret_two_byte)
{
    size_t count = 0;
    size_t bytes = 0;
    bool two_byte = false;
    for (size_t i = 0; i < header->extension_count; i++) {
        const struct rtp_extension *x = &header->extensions[i];
        if (x->id == 0)
            continue;
        count++;
        bytes += x->len;
        two_byte |= x->id > ONE_BYTE_ID_MAX || x->len == 0 || x->len > ONE_BYTE_LEN_MAX;
    }
    *ret_two_byte = two_byte;
    return bytes + (two_byte ? 2 * count : count);
}

static void write_extensions(uint8_t *at, const struct rtp_header *header, size_t bytes,
                             bool two_byte)
{
    size_t padded = (bytes + 3) & ~(size_t)3;
    put_u16(at, two_byte ? PROFILE_TWO_BYTE : PROFILE_ONE_BYTE);
    put_u16(at + 2, (uint16_t)(padded / 4));
    at += 4;
    for (size_t i = 0; i < header->extension_count; i++) {
        const struct rtp_extension *x = &header->extensions[i];
        if (x->id == 0)
            continue;
        if (two_byte) {
            *at++ = x->id;
            *at++ = x->len;
        } else {
            *at++ = (uint8_t)(x->id << 4 | (x->len - 1));
        }
        if (x->len)
            memcpy(at, x->at, x->len);
        at += x->len;
    }
    for (; bytes < padded; bytes++)
        *at++ = 0;
}

int rtp_write_header(uint8_t *buf, size_t size, const struct rtp_header *header)
{
    bool two_byte = false;
    size_t bytes = extensions_measure(header, &two_byte);
    size_t total = RTP_HEADER_BYTES + (bytes ? 4 + ((bytes + 3) & ~(size_t)3) : 0);
    if (size < total || bytes > UINT16_MAX)
        return ER_TRUNCATED;
    buf[0] = (uint8_t)(2 << 6 | (bytes ? FLAG_EXTENSION : 0));
    buf[1] = (uint8_t)((header->marker ? 0x80 : 0) | (header->payload_type & 0x7f));
    put_u16(buf + 2, header->seq);
    put_u32(buf + 4, header->timestamp);
    put_u32(buf + 8, header->ssrc);
    if (bytes)
        write_extensions(buf + RTP_HEADER_BYTES, header, bytes, two_byte);
    return (int)total;
}

int64_t seq_extend(struct seq_extender *x, uint16_t seq)
{
    if (x->highest == 0) {
        x->highest = INT64_C(0x10000) + seq;
        return x->highest;
    }
    int64_t extended = x->highest + seq_diff(seq, (uint16_t)x->highest);
    if (extended > x->highest)
        x->highest = extended;
    return extended;
}

int64_t ts_extend(struct ts_extender *x, uint32_t timestamp)
{
    if (x->last == 0) {
        x->last = INT64_C(0x100000000) + timestamp;
        return x->last;
    }
    int64_t extended = x->last + (int32_t)(timestamp - (uint32_t)x->last);
    if (extended > x->last)
        x->last = extended;
    return extended;
}
