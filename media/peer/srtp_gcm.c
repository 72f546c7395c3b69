// SPDX-License-Identifier: Apache-2.0
/* Keys are derived once; each packet costs one change of IV, one pass over the payload and the tag.
 * The table of SSRCs is short and searched in turn, beginning where the last packet was found. */
#include "media/peer/srtp_gcm.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/er.h"
#include "base/fetch.h"

#define IV_BYTES 12
#define KEY_MAX 32
#define BLOCK 16
#define RTP_FIXED 12
#define RTCP_FIXED 8 /* in the clear; the rest is encrypted */
#define RTCP_INDEX 4
#define RTCP_ENCRYPTED 0x80000000u
#define RTCP_INDEX_MAX 0x7fffffffu
#define WINDOW_WORDS (SRTP_GCM_WINDOW / 64)
#define ROUND 65536    /* sequence numbers */
#define ROUNDS_MAX 4   /* that may be lost in a row */
#define STRANGE_MIN 16 /* packets; fewer are forgeries, or stragglers */

/* Labels of the key derivation (RFC 3711, 4.3.2). */
enum { LABEL_RTP_KEY = 0, LABEL_RTP_SALT = 2, LABEL_RTCP_KEY = 3, LABEL_RTCP_SALT = 5 };

/** The last `size` numbers seen, as bits by number modulo the size; `highest` 0: none so far. */
struct replay {
    int64_t highest;
    uint64_t bits[WINDOW_WORDS];
};

/** One SSRC. Of what is sent only rtp.highest counts. */
struct stream {
    uint32_t ssrc;
    uint32_t strange; /* that came too old, or were not authentic, since the last good one */
    int64_t sent;     /* highest index of SRTP sent + 1; 0: none */
    struct replay *rtp;
    struct replay *rtcp;
};

/** A derived key and the salt that goes with it. */
struct gcm_key {
    uint8_t salt[IV_BYTES];
    uint8_t key[KEY_MAX];
};

/** What each packet needs stands together at the beginning. */
struct srtp_gcm {
    EVP_CIPHER_CTX *ctx;         /* one for both: in each direction one of them is rare, */
    const struct gcm_key *keyed; /* and a context is more than 1 KiB. What it is set to */
    struct stream *streams;
    uint32_t count, size;
    uint32_t last;       /* where the search begins */
    uint32_t rtcp_index; /* of the last one sent; one count for all SSRCs */
    struct gcm_key rtp;
    struct gcm_key rtcp;
};

/* Keys */

/** AES-CM as a pseudo-random function over the master key (RFC 3711, 4.3.3; RFC 7714, 11: the salt is
 *  short and followed by zeros). */
static int derive(const uint8_t *master, size_t key_len, uint8_t label, uint8_t *ret, size_t len)
{
    static const uint8_t zeros[KEY_MAX];
    uint8_t iv[BLOCK] = {0};
    int n = 0;
    memcpy(iv, master + key_len, SRTP_GCM_SALT);
    iv[7] ^= label;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int er = ctx ? 0 : ER_NOMEM;
    if (!er && (!EVP_EncryptInit_ex(ctx, key_len == 16 ? EVP_aes_128_ctr() : EVP_aes_256_ctr(),
                                    NULL, master, iv) ||
                !EVP_EncryptUpdate(ctx, ret, &n, zeros, (int)len) || n != (int)len))
        er = ER_INTERNAL;
    EVP_CIPHER_CTX_free(ctx);
    return er;
}

static int derive_both(struct gcm_key *k, const uint8_t *master, size_t key_len, uint8_t key_label,
                       uint8_t salt_label)
{
    int er = derive(master, key_len, key_label, k->key, key_len);
    return er ? er : derive(master, key_len, salt_label, k->salt, sizeof k->salt);
}

static int open_cipher(struct srtp_gcm *g, const EVP_CIPHER *cipher, bool outbound)
{
    g->ctx = EVP_CIPHER_CTX_new();
    if (!g->ctx)
        return ER_NOMEM;
    g->keyed = &g->rtp;
    return EVP_CipherInit_ex(g->ctx, cipher, NULL, g->rtp.key, NULL, outbound) ? 0 : ER_INTERNAL;
}

int srtp_gcm_new(struct srtp_gcm **ret, const uint8_t *key, size_t len, bool outbound)
{
    *ret = NULL;
    if (len != 16 + SRTP_GCM_SALT && len != 32 + SRTP_GCM_SALT)
        return ER_INVALID;
    struct srtp_gcm *g = calloc(1, sizeof *g);
    if (!g)
        return ER_NOMEM;
    size_t key_len = len - SRTP_GCM_SALT;
    int er = derive_both(&g->rtp, key, key_len, LABEL_RTP_KEY, LABEL_RTP_SALT);
    if (!er)
        er = derive_both(&g->rtcp, key, key_len, LABEL_RTCP_KEY, LABEL_RTCP_SALT);
    if (!er)
        er = open_cipher(g, key_len == 16 ? EVP_aes_128_gcm() : EVP_aes_256_gcm(), outbound);
    ERR_clear_error();
    if (er) {
        srtp_gcm_free(g);
        return er;
    }
    *ret = g;
    return 0;
}

static void stream_clear(struct stream *s)
{
    free(s->rtp);
    free(s->rtcp);
}

void srtp_gcm_free(struct srtp_gcm *g)
{
    if (!g)
        return;
    for (size_t i = 0; i < g->count; i++)
        stream_clear(&g->streams[i]);
    free(g->streams);
    EVP_CIPHER_CTX_free(g->ctx);
    explicit_bzero(g, sizeof *g);
    free(g);
}

/* SSRCs */

static struct stream *find(struct srtp_gcm *g, uint32_t ssrc)
{
    if (g->last < g->count && g->streams[g->last].ssrc == ssrc)
        return &g->streams[g->last];
    for (uint32_t i = 0; i < g->count; i++) {
        if (g->streams[i].ssrc == ssrc) {
            g->last = i;
            return &g->streams[i];
        }
    }
    return NULL;
}

static struct stream *add(struct srtp_gcm *g, uint32_t ssrc)
{
    if (g->count == g->size) {
        uint32_t size = g->size ? g->size * 2 : 2;
        struct stream *streams = realloc(g->streams, size * sizeof *streams);
        if (!streams)
            return NULL;
        g->streams = streams;
        g->size = size;
    }
    g->last = g->count;
    g->streams[g->count] = (struct stream){.ssrc = ssrc};
    return &g->streams[g->count++];
}

int srtp_gcm_forget(struct srtp_gcm *g, uint32_t ssrc)
{
    struct stream *s = find(g, ssrc);
    if (!s)
        return ER_NOT_FOUND;
    stream_clear(s);
    *s = g->streams[--g->count];
    return 0;
}

/* Indices and replays (RFC 3711, 3.3.1 and 3.3.2) */

/** The index that `seq` stands for after `highest` (0: after nothing). */
static int64_t index_of(uint16_t seq, int64_t highest)
{
    if (highest <= INT16_MAX) /* in the first round nothing lies before it */
        return seq;
    return highest + (int16_t)(uint16_t)(seq - (uint16_t)highest);
}

static bool bit_is_set(const struct replay *r, int64_t index)
{
    return r->bits[(uint64_t)index / 64 % WINDOW_WORDS] >> ((uint64_t)index % 64) & 1;
}

/** `index` counts from 1 here, so that 0 can mean nothing. */
static bool is_replay(const struct replay *r, int64_t index)
{
    if (!r || index > r->highest)
        return false;
    return index + SRTP_GCM_WINDOW <= r->highest || bit_is_set(r, index);
}

static void note(struct replay *r, int64_t index)
{
    if (index > r->highest + SRTP_GCM_WINDOW)
        memset(r->bits, 0, sizeof r->bits);
    else
        for (int64_t i = r->highest + 1; i < index; i++)
            r->bits[(uint64_t)i / 64 % WINDOW_WORDS] &= ~(UINT64_C(1) << ((uint64_t)i % 64));
    if (index > r->highest)
        r->highest = index;
    r->bits[(uint64_t)index / 64 % WINDOW_WORDS] |= UINT64_C(1) << ((uint64_t)index % 64);
}

/** The stream and its window for a number that proved authentic. */
static int note_authentic(struct srtp_gcm *g, struct stream *s, uint32_t ssrc, bool rtcp,
                          int64_t index)
{
    if (!s)
        s = add(g, ssrc);
    if (!s)
        return ER_NOMEM;
    struct replay **r = rtcp ? &s->rtcp : &s->rtp;
    if (!*r)
        *r = calloc(1, sizeof **r);
    if (!*r)
        return ER_NOMEM;
    note(*r, index);
    return 0;
}

/* The cipher */

/** RFC 7714, 8.1 and 9.1: both have the form 0, SSRC, 48 bits of number. */
static void make_iv(uint8_t *iv, const uint8_t *salt, uint32_t ssrc, uint64_t number)
{
    uint8_t plain[IV_BYTES] = {0};
    put_u32(plain + 2, ssrc);
    put_u16(plain + 6, (uint16_t)(number >> 32));
    put_u32(plain + 8, (uint32_t)number);
    for (size_t i = 0; i < IV_BYTES; i++)
        iv[i] = plain[i] ^ salt[i];
}

struct aad {
    const uint8_t *at;
    size_t len;
    const uint8_t *more; /* or NULL; RTCP_INDEX bytes */
};

static bool begin(struct srtp_gcm *g, const struct gcm_key *k, const uint8_t *iv,
                  const struct aad *aad)
{
    int n;
    const uint8_t *key = g->keyed == k ? NULL : k->key;
    g->keyed = NULL;
    if (!EVP_CipherInit_ex(g->ctx, NULL, NULL, key, iv, -1))
        return false;
    g->keyed = k;
    return EVP_CipherUpdate(g->ctx, NULL, &n, aad->at, (int)aad->len) &&
           (!aad->more || EVP_CipherUpdate(g->ctx, NULL, &n, aad->more, RTCP_INDEX));
}

static bool run(EVP_CIPHER_CTX *ctx, uint8_t *out, const uint8_t *in, size_t len)
{
    int n;
    return len == 0 || EVP_CipherUpdate(ctx, out, &n, in, (int)len);
}

/** A head is completed to whole blocks with some of the body first, so that the bulk goes fast. */
static bool encrypt(EVP_CIPHER_CTX *ctx, uint8_t *out, const struct srtp_payload *p)
{
    size_t done = p->head_len;
    size_t fill = (BLOCK - p->head_len % BLOCK) % BLOCK;
    if (p->head_len > 0) {
        if (fill > p->body_len)
            fill = p->body_len;
        memcpy(out, p->head, p->head_len);
        if (fill > 0)
            memcpy(out + done, p->body, fill);
        done += fill;
        if (!run(ctx, out, out, done))
            return false;
    } else {
        fill = 0;
    }
    return fill == p->body_len || run(ctx, out + done, p->body + fill, p->body_len - fill);
}

static bool finish_sealing(EVP_CIPHER_CTX *ctx, uint8_t *tag)
{
    int n;
    return EVP_CipherFinal_ex(ctx, tag, &n) &&
           EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, SRTP_GCM_TAG, tag);
}

/** Decrypt `len` bytes in place and check the tag. */
static bool decrypt(struct srtp_gcm *g, const struct gcm_key *k, const uint8_t *iv,
                    const struct aad *aad, uint8_t *at, size_t len, const uint8_t *tag)
{
    uint8_t copy[SRTP_GCM_TAG], unused[BLOCK];
    int n;
    memcpy(copy, tag, sizeof copy);
    return begin(g, k, iv, aad) && run(g->ctx, at, at, len) &&
           EVP_CIPHER_CTX_ctrl(g->ctx, EVP_CTRL_AEAD_SET_TAG, sizeof copy, copy) &&
           EVP_CipherFinal_ex(g->ctx, unused, &n) > 0;
}

/* Out */

size_t srtp_gcm_header_length(const uint8_t *packet, size_t len)
{
    if (len < RTP_FIXED || packet[0] >> 6 != 2)
        return 0;
    size_t header = RTP_FIXED + (size_t)(packet[0] & 15) * 4;
    if (packet[0] & 0x10) {
        if (len < header + 4)
            return 0;
        header += 4 + (size_t)get_u16(packet + header + 2) * 4;
    }
    return header <= len ? header : 0;
}

int srtp_gcm_seal_rtp(struct srtp_gcm *g, uint8_t *packet, size_t header_len,
                      const struct srtp_payload *payload, size_t *ret_len)
{
    uint32_t ssrc = get_u32(packet + 8);
    size_t len = payload->head_len + payload->body_len;
    struct stream *s = find(g, ssrc);
    if (!s)
        s = add(g, ssrc);
    if (!s)
        return ER_NOMEM;
    int64_t index = index_of(get_u16(packet + 2), s->sent ? s->sent - 1 : 0);
    uint8_t iv[IV_BYTES];
    const struct aad aad = {.at = packet, .len = header_len};
    make_iv(iv, g->rtp.salt, ssrc, (uint64_t)index);
    uint8_t *at = packet + header_len;
    if (!begin(g, &g->rtp, iv, &aad) || !encrypt(g->ctx, at, payload) ||
        !finish_sealing(g->ctx, at + len)) {
        ERR_clear_error();
        return ER_INTERNAL;
    }
    if (index >= s->sent)
        s->sent = index + 1;
    *ret_len = header_len + len + SRTP_GCM_TAG;
    return 0;
}

void srtp_gcm_skip_rtp(struct srtp_gcm *g, uint32_t ssrc, uint16_t seq)
{
    struct stream *s = find(g, ssrc);
    if (!s || !s->sent)
        return;
    int64_t index = index_of(seq, s->sent - 1);
    if (index >= s->sent)
        s->sent = index + 1;
}

int srtp_gcm_seal_rtcp(struct srtp_gcm *g, uint8_t *packet, size_t *len)
{
    uint8_t iv[IV_BYTES], word[RTCP_INDEX];
    const struct aad aad = {.at = packet, .len = RTCP_FIXED, .more = word};
    if (g->rtcp_index == RTCP_INDEX_MAX)
        return ER_FULL;
    g->rtcp_index++;
    put_u32(word, RTCP_ENCRYPTED | g->rtcp_index);
    make_iv(iv, g->rtcp.salt, get_u32(packet + 4), g->rtcp_index);
    uint8_t *at = packet + RTCP_FIXED;
    if (!begin(g, &g->rtcp, iv, &aad) || !run(g->ctx, at, at, *len - RTCP_FIXED) ||
        !finish_sealing(g->ctx, packet + *len)) {
        ERR_clear_error();
        return ER_INTERNAL;
    }
    memcpy(packet + *len + SRTP_GCM_TAG, word, sizeof word);
    *len += SRTP_GCM_TAG + RTCP_INDEX;
    return 0;
}

/* In */

/** A packet taken apart. */
struct sealed {
    uint8_t *packet;
    size_t header, end; /* of what is encrypted */
    uint32_t ssrc;
};

static bool open_as(struct srtp_gcm *g, const struct sealed *p, int64_t index)
{
    uint8_t iv[IV_BYTES];
    const struct aad aad = {.at = p->packet, .len = p->header};
    make_iv(iv, g->rtp.salt, p->ssrc, (uint64_t)index);
    if (decrypt(g, &g->rtp, iv, &aad, p->packet + p->header, p->end - p->header,
                p->packet + p->end))
        return true;
    ERR_clear_error();
    return false;
}

/** Who lost 32768 packets in a row takes what follows for something of another round, for ever (RFC 3711,
 *  3.3.1). When nothing good has come for a while, a later round is tried, too: another one each
 *  STRANGE_MIN packets, so that a flood of forgeries costs twice what it does anyway. */
static int64_t rounds_to_try(const struct stream *s)
{
    if (!s || !s->rtp || s->strange < STRANGE_MIN)
        return 0;
    return 1 + (s->strange / STRANGE_MIN - 1) % ROUNDS_MAX;
}

/** The index under which it is authentic, or -1. `old`: the nearest one cannot be it. */
static int64_t open_nearest(struct srtp_gcm *g, const struct sealed *p, int64_t index, bool old,
                            int64_t rounds)
{
    uint8_t copy[LIMIT_DATAGRAM];
    size_t len = p->end - p->header;
    bool again = rounds && len <= sizeof copy;
    if (again && !old)
        memcpy(copy, p->packet + p->header, len);
    if (!old && open_as(g, p, index))
        return index;
    if (!again)
        return -1;
    if (!old)
        memcpy(p->packet + p->header, copy, len);
    return open_as(g, p, index + rounds * ROUND) ? index + rounds * ROUND : -1;
}

int srtp_gcm_open_rtp(struct srtp_gcm *g, uint8_t *packet, size_t *len)
{
    if (*len < SRTP_GCM_TAG)
        return ER_MALFORMED;
    struct sealed p = {.packet = packet, .end = *len - SRTP_GCM_TAG};
    p.header = srtp_gcm_header_length(packet, p.end);
    if (p.header == 0)
        return ER_MALFORMED;
    p.ssrc = get_u32(packet + 8);
    struct stream *s = find(g, p.ssrc);
    if (!s && g->count == LIMIT_SRTP_SOURCES)
        return ER_FULL;
    const struct replay *r = s ? s->rtp : NULL;
    int64_t rounds = rounds_to_try(s);
    int64_t index = index_of(get_u16(packet + 2), r ? r->highest - 1 : 0);
    bool old = r && index + 1 + SRTP_GCM_WINDOW <= r->highest;
    if (!old && is_replay(r, index + 1))
        return ER_STALE;
    if (!old || rounds)
        index = open_nearest(g, &p, index, old, rounds);
    if (index < 0 || (old && !rounds)) {
        if (s)
            s->strange++;
        return old ? ER_STALE : ER_UNAUTHENTIC;
    }
    if (s)
        s->strange = 0;
    *len = p.end;
    return note_authentic(g, s, p.ssrc, false, index + 1);
}

int srtp_gcm_open_rtcp(struct srtp_gcm *g, uint8_t *packet, size_t *len)
{
    if (*len < RTCP_FIXED + SRTP_GCM_TAG + RTCP_INDEX || packet[0] >> 6 != 2)
        return ER_MALFORMED;
    const uint8_t *word = packet + *len - RTCP_INDEX;
    size_t end = *len - RTCP_INDEX - SRTP_GCM_TAG;
    if (!(get_u32(word) & RTCP_ENCRYPTED))
        return ER_MALFORMED; /* nobody agreed to reports in the clear */
    int64_t index = get_u32(word) & RTCP_INDEX_MAX;
    uint32_t ssrc = get_u32(packet + 4);
    struct stream *s = find(g, ssrc);
    if (!s && g->count == LIMIT_SRTP_SOURCES)
        return ER_FULL;
    if (is_replay(s ? s->rtcp : NULL, index + 1))
        return ER_STALE;
    uint8_t iv[IV_BYTES];
    const struct aad aad = {.at = packet, .len = RTCP_FIXED, .more = word};
    make_iv(iv, g->rtcp.salt, ssrc, (uint64_t)index);
    if (!decrypt(g, &g->rtcp, iv, &aad, packet + RTCP_FIXED, end - RTCP_FIXED, packet + end)) {
        ERR_clear_error();
        return ER_UNAUTHENTIC;
    }
    *len = end;
    return note_authentic(g, s, ssrc, true, index + 1);
}

#define CONTEXT_BYTES 192 /* of OpenSSL's own part about */

void srtp_gcm_fetch(const struct srtp_gcm *g, unsigned step)
{
    const struct stream *s = step > 0 && g->last < g->count ? &g->streams[g->last] : NULL;
    if (step == 0) {
        fetch(g, sizeof *g);
    } else if (step == 1) {
        fetch(g->ctx, CONTEXT_BYTES);
        fetch(s, sizeof *s);
    } else if (s) {
        fetch(s->rtp, sizeof *s->rtp);
    }
}
