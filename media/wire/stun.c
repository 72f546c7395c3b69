// SPDX-License-Identifier: Apache-2.0
/* STUN messages in and out. Attributes are parsed by a table; the HMAC is OpenSSL's. */
#include "media/wire/stun.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#include "base/buf.h"
#include "base/er.h"
#include "base/limits.h"

#define COOKIE 0x2112a442u
#define FINGERPRINT_XOR 0x5354554eu

enum { HEADER_BYTES = 20, ATTRIBUTE_BYTES = 4, HMAC_BYTES = 20, FINGERPRINT_BYTES = 4 };
enum { FAMILY_IPV4 = 1, FAMILY_IPV6 = 2, USERNAME_MAX = 512 };

enum attribute {
    ATTR_MAPPED_ADDRESS = 0x0001,
    ATTR_USERNAME = 0x0006,
    ATTR_MESSAGE_INTEGRITY = 0x0008,
    ATTR_ERROR_CODE = 0x0009,
    ATTR_UNKNOWN_ATTRIBUTES = 0x000a,
    ATTR_REALM = 0x0014,
    ATTR_NONCE = 0x0015,
    ATTR_XOR_MAPPED_ADDRESS = 0x0020,
    ATTR_PRIORITY = 0x0024,
    ATTR_USE_CANDIDATE = 0x0025,
    ATTR_OPTIONAL = 0x8000, /* from here on unknown ones are skipped */
    ATTR_FINGERPRINT = 0x8028,
    ATTR_ICE_CONTROLLED = 0x8029,
    ATTR_ICE_CONTROLLING = 0x802a,
};

/** CRC-32 of ISO 3309, four bits at a time. */
static uint32_t crc32_of(const uint8_t *data, size_t len)
{
    static const uint32_t table[16] = {
        0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
        0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
        0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
    };
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < len; i++) {
        crc ^= data[i];
        crc = crc >> 4 ^ table[crc & 15];
        crc = crc >> 4 ^ table[crc & 15];
    }
    return ~crc;
}

/** The HMAC-SHA1 of the message's first `at` bytes, with the header's length as if
 *  MESSAGE-INTEGRITY, which begins there, were the last attribute. */
static int integrity_of(const uint8_t *data, size_t at, const char *password,
                        uint8_t ret_hmac[HMAC_BYTES])
{
    uint8_t copy[LIMIT_DATAGRAM];
    unsigned len = HMAC_BYTES;
    if (at < HEADER_BYTES || at > sizeof copy)
        return ER_TRUNCATED;
    memcpy(copy, data, at);
    put_u16(copy + 2, (uint16_t)(at + ATTRIBUTE_BYTES + HMAC_BYTES - HEADER_BYTES));
    if (!HMAC(EVP_sha1(), password, (int)strlen(password), copy, at, ret_hmac, &len))
        return ER_INTERNAL;
    return 0;
}

bool stun_looks_like(const uint8_t *data, size_t len)
{
    if (len < HEADER_BYTES || data[0] >> 6 != 0 || get_u32(data + 4) != COOKIE)
        return false;
    size_t body = get_u16(data + 2);
    return body % 4 == 0 && body + HEADER_BYTES == len;
}

static int take_username(struct rd *value, struct stun_message *ret)
{
    ret->username = (struct span){.at = (const char *)value->at, .len = rd_left(value)};
    return 0;
}

static int take_priority(struct rd *value, struct stun_message *ret)
{
    ret->has_priority = true;
    ret->priority = rd_u32(value);
    return 0;
}

static int take_use_candidate(struct rd *value, struct stun_message *ret)
{
    (void)value;
    ret->use_candidate = true;
    return 0;
}

static int take_controlling(struct rd *value, struct stun_message *ret)
{
    ret->ice_controlling = true;
    ret->tie_breaker = rd_u64(value);
    return 0;
}

static int take_controlled(struct rd *value, struct stun_message *ret)
{
    ret->ice_controlled = true;
    ret->tie_breaker = rd_u64(value);
    return 0;
}

static int take_error(struct rd *value, struct stun_message *ret)
{
    unsigned class = rd_u24(value) & 7;
    unsigned number = rd_u8(value);
    if (class < 3 || class > 6 || number > 99)
        return ER_MALFORMED;
    ret->error_code = (uint16_t)(class * 100 + number);
    return 0;
}

/** Cookie and transaction, which an address is XORed with. */
static void address_mask(const uint8_t *transaction, uint8_t ret_mask[16])
{
    put_u32(ret_mask, COOKIE);
    memcpy(ret_mask + 4, transaction, STUN_TRANSACTION_BYTES);
}

static int take_mapped(struct rd *value, struct stun_message *ret)
{
    uint8_t family = (uint8_t)rd_u16(value);
    uint16_t port = rd_u16(value) ^ (COOKIE >> 16);
    size_t len = rd_left(value);
    if (len != (family == FAMILY_IPV4 ? 4 : 16) || (family != FAMILY_IPV4 && family != FAMILY_IPV6))
        return ER_MALFORMED;
    uint8_t mask[16];
    address_mask(ret->transaction, mask);
    struct addr a = {.port = port};
    if (family == FAMILY_IPV4)
        a.ip[10] = a.ip[11] = 0xff;
    for (size_t i = 0; i < len; i++)
        a.ip[16 - len + i] = value->at[i] ^ mask[i];
    ret->mapped = a;
    ret->has_mapped = true;
    return 0;
}

static int take_nothing(struct rd *value, struct stun_message *ret)
{
    (void)value;
    (void)ret;
    return 0;
}

static const struct attribute_rule {
    uint16_t type;
    uint16_t min_len;
    uint16_t max_len;
    int (*take)(struct rd *value, struct stun_message *ret);
} attribute_rules[] = {
    {ATTR_MAPPED_ADDRESS, 8, 20, take_nothing},
    {ATTR_USERNAME, 0, USERNAME_MAX, take_username},
    {ATTR_ERROR_CODE, 4, 768, take_error},
    {ATTR_UNKNOWN_ATTRIBUTES, 0, UINT16_MAX, take_nothing},
    {ATTR_REALM, 0, 768, take_nothing},
    {ATTR_NONCE, 0, 768, take_nothing},
    {ATTR_XOR_MAPPED_ADDRESS, 8, 20, take_mapped},
    {ATTR_PRIORITY, 4, 4, take_priority},
    {ATTR_USE_CANDIDATE, 0, 0, take_use_candidate},
    {ATTR_ICE_CONTROLLED, 8, 8, take_controlled},
    {ATTR_ICE_CONTROLLING, 8, 8, take_controlling},
};

enum { RULE_COUNT = sizeof attribute_rules / sizeof attribute_rules[0] };

/** One attribute ahead of MESSAGE-INTEGRITY. Of one that stands twice the first counts
 *  (RFC 8489, 14); `seen` has a bit per rule. */
static int take_attribute(uint16_t type, struct rd value, struct stun_message *ret, uint32_t *seen)
{
    for (size_t i = 0; i < RULE_COUNT; i++) {
        const struct attribute_rule *rule = &attribute_rules[i];
        if (rule->type != type)
            continue;
        size_t len = rd_left(&value);
        if (len < rule->min_len || len > rule->max_len)
            return ER_MALFORMED;
        if (*seen & UINT32_C(1) << i)
            return 0;
        *seen |= UINT32_C(1) << i;
        return rule->take(&value, ret);
    }
    if (type < ATTR_OPTIONAL && ret->unknown_required == 0)
        ret->unknown_required = type;
    return 0;
}

static int take_fingerprint(const uint8_t *data, const uint8_t *attribute, struct rd *value,
                            const struct rd *rest, struct stun_message *ret)
{
    if (rd_left(value) != FINGERPRINT_BYTES || rd_left(rest) != 0)
        return ER_MALFORMED; /* it closes the message */
    size_t covered = (size_t)(attribute - data);
    if (rd_u32(value) != (crc32_of(data, covered) ^ FINGERPRINT_XOR))
        return ER_MALFORMED;
    ret->has_fingerprint = true;
    return 0;
}

int stun_parse(const uint8_t *data, size_t len, struct stun_message *ret)
{
    *ret = (struct stun_message){0};
    if (len < HEADER_BYTES || len < (size_t)get_u16(data + 2) + HEADER_BYTES)
        return ER_TRUNCATED;
    if (!stun_looks_like(data, len))
        return ER_MALFORMED;
    ret->type = get_u16(data);
    memcpy(ret->transaction, data + 8, STUN_TRANSACTION_BYTES);

    struct rd r = rd_make(data + HEADER_BYTES, len - HEADER_BYTES);
    uint32_t seen = 0;
    while (rd_left(&r)) {
        const uint8_t *attribute = r.at;
        uint16_t type = rd_u16(&r);
        uint16_t value_len = rd_u16(&r);
        const uint8_t *at = rd_bytes(&r, value_len);
        rd_skip(&r, -(unsigned)value_len & 3);
        if (r.bad)
            return ER_MALFORMED;
        struct rd value = rd_make(at, value_len);
        int er = 0;
        if (type == ATTR_FINGERPRINT) {
            er = take_fingerprint(data, attribute, &value, &r, ret);
        } else if (ret->integrity_at) {
            continue;
        } else if (type == ATTR_MESSAGE_INTEGRITY) {
            ret->integrity_at = (size_t)(attribute - data);
            er = value_len == HMAC_BYTES ? 0 : ER_MALFORMED;
        } else {
            er = take_attribute(type, value, ret, &seen);
        }
        if (er < 0)
            return er;
    }
    return 0;
}

int stun_check_integrity(const uint8_t *data, size_t len, const struct stun_message *msg,
                         const char *password)
{
    uint8_t hmac[HMAC_BYTES];
    size_t at = msg->integrity_at;
    if (at == 0 || len < ATTRIBUTE_BYTES + HMAC_BYTES || at > len - ATTRIBUTE_BYTES - HMAC_BYTES)
        return ER_UNAUTHENTIC;
    if (integrity_of(data, at, password, hmac) < 0)
        return ER_UNAUTHENTIC;
    if (CRYPTO_memcmp(hmac, data + at + ATTRIBUTE_BYTES, HMAC_BYTES) != 0)
        return ER_UNAUTHENTIC;
    return 0;
}

static void write_start(struct wr *w, uint16_t type, const uint8_t *transaction)
{
    wr_u16(w, type);
    wr_u16(w, 0); /* the length comes with the closing attributes */
    wr_u32(w, COOKIE);
    wr_bytes(w, transaction, STUN_TRANSACTION_BYTES);
}

static void write_attribute(struct wr *w, uint16_t type, const void *value, size_t len)
{
    static const uint8_t zeros[3];
    wr_u16(w, type);
    wr_u16(w, (uint16_t)len);
    wr_bytes(w, value, len);
    wr_bytes(w, zeros, -len & 3);
}

/** MESSAGE-INTEGRITY (unless `password` is NULL), FINGERPRINT, and the length. */
static int write_end(struct wr *w, const char *password)
{
    uint8_t hmac[HMAC_BYTES];
    if (w->bad)
        return ER_TRUNCATED;
    if (password) {
        int er = integrity_of(w->start, wr_len(w), password, hmac);
        if (er < 0)
            return er;
        write_attribute(w, ATTR_MESSAGE_INTEGRITY, hmac, HMAC_BYTES);
    }
    size_t covered = wr_len(w);
    size_t total = covered + ATTRIBUTE_BYTES + FINGERPRINT_BYTES;
    if (w->bad || total > LIMIT_DATAGRAM)
        return ER_TRUNCATED;
    put_u16(w->start + 2, (uint16_t)(total - HEADER_BYTES));
    uint8_t crc[FINGERPRINT_BYTES];
    put_u32(crc, crc32_of(w->start, covered) ^ FINGERPRINT_XOR);
    write_attribute(w, ATTR_FINGERPRINT, crc, sizeof crc);
    return w->bad ? ER_TRUNCATED : (int)total;
}

int stun_write_success(uint8_t *buf, size_t size, const uint8_t transaction[STUN_TRANSACTION_BYTES],
                       const struct addr *mapped, const char *password)
{
    struct wr w = wr_make(buf, size);
    write_start(&w, STUN_BINDING_SUCCESS, transaction);
    bool v4 = addr_is_v4(mapped);
    size_t ip_len = v4 ? 4 : 16;
    uint8_t value[20];
    uint8_t mask[16];
    address_mask(transaction, mask);
    put_u16(value, v4 ? FAMILY_IPV4 : FAMILY_IPV6);
    put_u16(value + 2, mapped->port ^ (COOKIE >> 16));
    for (size_t i = 0; i < ip_len; i++)
        value[4 + i] = mapped->ip[16 - ip_len + i] ^ mask[i];
    write_attribute(&w, ATTR_XOR_MAPPED_ADDRESS, value, 4 + ip_len);
    return write_end(&w, password);
}

int stun_write_error(uint8_t *buf, size_t size, const uint8_t transaction[STUN_TRANSACTION_BYTES],
                     unsigned code, const char *reason, uint16_t unknown_attribute,
                     const char *password)
{
    struct wr w = wr_make(buf, size);
    uint8_t value[4 + 127];
    size_t reason_len = strnlen(reason, sizeof value - 4);
    if (code < 300 || code > 699)
        return ER_INVALID;
    write_start(&w, STUN_BINDING_ERROR, transaction);
    put_u32(value, code / 100 << 8 | code % 100);
    memcpy(value + 4, reason, reason_len);
    write_attribute(&w, ATTR_ERROR_CODE, value, 4 + reason_len);
    if (unknown_attribute) {
        put_u16(value, unknown_attribute);
        write_attribute(&w, ATTR_UNKNOWN_ATTRIBUTES, value, 2);
    }
    return write_end(&w, password);
}

int stun_write_request(uint8_t *buf, size_t size, const struct stun_request *req,
                       const char *password)
{
    struct wr w = wr_make(buf, size);
    uint8_t value[8];
    size_t username_len = strlen(req->username);
    if (username_len > USERNAME_MAX)
        return ER_TRUNCATED;
    write_start(&w, STUN_BINDING_REQUEST, req->transaction);
    write_attribute(&w, ATTR_USERNAME, req->username, username_len);
    put_u32(value, req->priority);
    write_attribute(&w, ATTR_PRIORITY, value, 4);
    put_u32(value, (uint32_t)(req->tie_breaker >> 32));
    put_u32(value + 4, (uint32_t)req->tie_breaker);
    write_attribute(&w, req->controlling ? ATTR_ICE_CONTROLLING : ATTR_ICE_CONTROLLED, value, 8);
    if (req->use_candidate)
        write_attribute(&w, ATTR_USE_CANDIDATE, NULL, 0);
    return write_end(&w, password);
}
