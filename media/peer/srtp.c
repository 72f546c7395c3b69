// SPDX-License-Identifier: Apache-2.0
/* Per direction either our own GCM or, for AES_CM_128_HMAC_SHA1_80, a libsrtp session with a template
 * for any SSRC. */
#include "media/peer/srtp.h"

#include <arpa/inet.h>
#include <srtp2/srtp.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/er.h"
#include "base/fetch.h"
#include "base/limits.h"

#define SRTP_CM_KEY 30 /* key and salt */
/* Shorter ones cannot hold header, tag and (for SRTCP) index. */
#define SRTP_MIN_RTP 22
#define RTP_FIXED 12
#define SRTP_MIN_RTCP 22

struct srtp_pair {
    struct srtp_gcm *gcm_in; /* both or neither; then there are no sessions */
    struct srtp_gcm *gcm_out;
    srtp_t in;
    srtp_t out;
    size_t ssrc_count;
    /* Seen in authentic packets by libsrtp, which makes a stream for each and never forgets one. */
    uint32_t *ssrcs; /* LIMIT_SRTP_SOURCES */
};

int srtp_pair_library_init(void)
{
    /* bad_param: libsrtp's own module is registered already, from an earlier call. */
    srtp_err_status_t status = srtp_init();
    return status == srtp_err_status_ok || status == srtp_err_status_bad_param ? 0 : ER_INTERNAL;
}

static int session_new(srtp_t *ret, const uint8_t *key, bool outbound)
{
    srtp_policy_t policy;
    memset(&policy, 0, sizeof policy);
    srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy.rtp);
    srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy.rtcp);
    uint8_t copy[SRTP_CM_KEY];
    memcpy(copy, key, sizeof copy);
    policy.ssrc.type = outbound ? ssrc_any_outbound : ssrc_any_inbound;
    policy.key = copy;
    policy.window_size = LIMIT_SRTP_WINDOW;
    policy.allow_repeat_tx = 1; /* retransmissions without RTX are the same packet again */
    srtp_err_status_t status = srtp_create(ret, &policy);
    explicit_bzero(copy, sizeof copy);
    if (status != srtp_err_status_ok) {
        *ret = NULL;
        return status == srtp_err_status_alloc_fail ? ER_NOMEM : ER_INTERNAL;
    }
    return 0;
}

static int open_sessions(struct srtp_pair *p, const uint8_t *in, const uint8_t *out)
{
    p->ssrcs = calloc(LIMIT_SRTP_SOURCES, sizeof *p->ssrcs);
    int er = p->ssrcs ? session_new(&p->in, in, false) : ER_NOMEM;
    return er ? er : session_new(&p->out, out, true);
}

static int open_gcm(struct srtp_pair *p, const uint8_t *in, const uint8_t *out, size_t len)
{
    int er = srtp_gcm_new(&p->gcm_in, in, len, false);
    return er ? er : srtp_gcm_new(&p->gcm_out, out, len, true);
}

static size_t key_length(enum srtp_profile profile)
{
    switch (profile) {
    case SRTP_PROFILE_AES128_CM_SHA1_80:
        return SRTP_CM_KEY;
    case SRTP_PROFILE_AEAD_AES_128_GCM:
        return 16 + SRTP_GCM_SALT;
    case SRTP_PROFILE_AEAD_AES_256_GCM:
        return 32 + SRTP_GCM_SALT;
    default:
        return 0;
    }
}

int srtp_pair_new(struct srtp_pair **ret, const struct srtp_keys *keys, bool server)
{
    *ret = NULL;
    if (key_length(keys->profile) == 0)
        return ER_UNSUPPORTED;
    if (keys->len != key_length(keys->profile))
        return ER_INVALID;
    struct srtp_pair *p = calloc(1, sizeof *p);
    if (!p)
        return ER_NOMEM;
    const uint8_t *in = server ? keys->client : keys->server;
    const uint8_t *out = server ? keys->server : keys->client;
    int er = keys->profile == SRTP_PROFILE_AES128_CM_SHA1_80 ? open_sessions(p, in, out)
                                                             : open_gcm(p, in, out, keys->len);
    if (er) {
        srtp_pair_free(p);
        return er;
    }
    *ret = p;
    return 0;
}

void srtp_pair_free(struct srtp_pair *p)
{
    if (!p)
        return;
    srtp_gcm_free(p->gcm_in);
    srtp_gcm_free(p->gcm_out);
    if (p->in)
        srtp_dealloc(p->in);
    if (p->out)
        srtp_dealloc(p->out);
    free(p->ssrcs);
    free(p);
}

static int status_error(srtp_err_status_t status)
{
    switch (status) {
    case srtp_err_status_ok:
        return 0;
    case srtp_err_status_auth_fail:
    case srtp_err_status_cipher_fail: /* what a wrong GCM tag gives with some back ends */
        return ER_UNAUTHENTIC;
    case srtp_err_status_replay_fail:
    case srtp_err_status_replay_old:
        return ER_STALE;
    case srtp_err_status_alloc_fail:
        return ER_NOMEM;
    default:
        return ER_MALFORMED;
    }
}

static bool ssrc_is_known(const struct srtp_pair *p, uint32_t ssrc)
{
    for (size_t i = 0; i < p->ssrc_count; i++)
        if (p->ssrcs[i] == ssrc)
            return true;
    return false;
}

typedef srtp_err_status_t srtp_step(srtp_t session, void *packet, int *len);

static int unprotect(struct srtp_pair *p, srtp_step *step, uint8_t *packet, size_t *len,
                     uint32_t ssrc)
{
    bool known = ssrc_is_known(p, ssrc);
    if (!known && p->ssrc_count == LIMIT_SRTP_SOURCES)
        return ER_FULL;
    int n = (int)*len;
    int er = status_error(step(p->in, packet, &n));
    if (er)
        return er;
    if (!known)
        p->ssrcs[p->ssrc_count++] = ssrc;
    *len = (size_t)n;
    return 0;
}

static int protect(srtp_t session, srtp_step *step, uint8_t *packet, size_t *len)
{
    int n = (int)*len;
    int er = status_error(step(session, packet, &n));
    if (!er)
        *len = (size_t)n;
    return er;
}

int srtp_pair_unprotect_rtp(struct srtp_pair *p, uint8_t *packet, size_t *len)
{
    if (*len < SRTP_MIN_RTP || *len > UINT16_MAX || packet[0] >> 6 != 2)
        return ER_MALFORMED;
    if (p->gcm_in)
        return srtp_gcm_open_rtp(p->gcm_in, packet, len);
    return unprotect(p, srtp_unprotect, packet, len, get_u32(packet + 8));
}

int srtp_pair_unprotect_rtcp(struct srtp_pair *p, uint8_t *packet, size_t *len)
{
    if (*len < SRTP_MIN_RTCP || *len > UINT16_MAX || packet[0] >> 6 != 2)
        return ER_MALFORMED;
    if (p->gcm_in)
        return srtp_gcm_open_rtcp(p->gcm_in, packet, len);
    return unprotect(p, srtp_unprotect_rtcp, packet, len, get_u32(packet + 4));
}

int srtp_pair_protect_rtp(struct srtp_pair *p, uint8_t *packet, size_t *len)
{
    size_t header = *len > UINT16_MAX ? 0 : srtp_gcm_header_length(packet, *len);
    if (header == 0)
        return ER_INVALID;
    if (!p->gcm_out)
        return protect(p->out, srtp_protect, packet, len);
    const struct srtp_payload payload = {.body = packet + header, .body_len = *len - header};
    return srtp_gcm_seal_rtp(p->gcm_out, packet, header, &payload, len);
}

int srtp_pair_seal_rtp(struct srtp_pair *p, uint8_t *packet, size_t header_len,
                       const struct srtp_payload *payload, size_t *ret_len)
{
    if (p->gcm_out)
        return srtp_gcm_seal_rtp(p->gcm_out, packet, header_len, payload, ret_len);
    uint8_t *at = packet + header_len;
    if (payload->head_len > 0)
        memcpy(at, payload->head, payload->head_len);
    if (payload->body_len > 0)
        memcpy(at + payload->head_len, payload->body, payload->body_len);
    *ret_len = header_len + payload->head_len + payload->body_len;
    return protect(p->out, srtp_protect, packet, ret_len);
}

void srtp_pair_skip_rtp(struct srtp_pair *p, uint32_t ssrc, uint16_t seq)
{
    if (p->gcm_out) {
        srtp_gcm_skip_rtp(p->gcm_out, ssrc, seq);
        return;
    }
    uint8_t unsent[RTP_FIXED + SRTP_OVERHEAD] = {0x80}; /* libsrtp counts what it protects */
    size_t len = RTP_FIXED;
    put_u16(unsent + 2, seq);
    put_u32(unsent + 8, ssrc);
    (void)protect(p->out, srtp_protect, unsent, &len);
}

int srtp_pair_protect_rtcp(struct srtp_pair *p, uint8_t *packet, size_t *len)
{
    if (*len < 8 || *len > UINT16_MAX)
        return ER_INVALID;
    if (p->gcm_out)
        return srtp_gcm_seal_rtcp(p->gcm_out, packet, len);
    return protect(p->out, srtp_protect_rtcp, packet, len);
}

int srtp_pair_forget(struct srtp_pair *p, uint32_t ssrc)
{
    if (p->gcm_out)
        return srtp_gcm_forget(p->gcm_out, ssrc);
    /* libsrtp wants it as it stands in a packet. */
    return srtp_remove_stream(p->out, htonl(ssrc)) == srtp_err_status_ok ? 0 : ER_NOT_FOUND;
}

void srtp_pair_fetch(const struct srtp_pair *p, unsigned step)
{
    if (p && step == SRTP_FETCH_PAIR)
        fetch(p, sizeof *p);
    else if (p && p->gcm_in)
        srtp_gcm_fetch(step < SRTP_FETCH_OUT ? p->gcm_in : p->gcm_out,
                       step - (step < SRTP_FETCH_OUT ? SRTP_FETCH_IN : SRTP_FETCH_OUT));
}
