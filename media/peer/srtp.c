// SPDX-License-Identifier: Apache-2.0
/* Two libsrtp sessions, one per direction, each with a template for any SSRC. */
#include "media/peer/srtp.h"

#include <arpa/inet.h>
#include <srtp2/srtp.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/er.h"

#define SRTP_WINDOW 1024
/* libsrtp makes a stream per SSRC it has authenticated and never forgets one: bound them. */
#define SRTP_SSRCS 128
/* Shorter ones cannot hold header, tag and (for SRTCP) index. */
#define SRTP_MIN_RTP 22
#define SRTP_MIN_RTCP 22

struct srtp_pair {
    srtp_t in;
    srtp_t out;
    size_t ssrc_count;
    uint32_t ssrcs[SRTP_SSRCS]; /* seen in authentic packets */
};

int srtp_pair_library_init(void)
{
    /* bad_param: libsrtp's own module is registered already, from an earlier call. */
    srtp_err_status_t status = srtp_init();
    return status == srtp_err_status_ok || status == srtp_err_status_bad_param ? 0 : ER_INTERNAL;
}

static int policy_set(srtp_policy_t *policy, enum srtp_profile profile, size_t *ret_key_len)
{
    switch (profile) {
    case SRTP_PROFILE_AES128_CM_SHA1_80:
        srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy->rtp);
        srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy->rtcp);
        *ret_key_len = 30;
        return 0;
    case SRTP_PROFILE_AEAD_AES_128_GCM:
        srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy->rtp);
        srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy->rtcp);
        *ret_key_len = 28;
        return 0;
    case SRTP_PROFILE_AEAD_AES_256_GCM:
        srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy->rtp);
        srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy->rtcp);
        *ret_key_len = 44;
        return 0;
    default:
        return ER_UNSUPPORTED;
    }
}

static int session_new(srtp_t *ret, enum srtp_profile profile, const uint8_t *key, size_t key_len,
                       bool outbound)
{
    srtp_policy_t policy;
    memset(&policy, 0, sizeof policy);
    size_t wanted = 0;
    int er = policy_set(&policy, profile, &wanted);
    if (er)
        return er;
    if (key_len != wanted)
        return ER_INVALID;
    uint8_t copy[48];
    memcpy(copy, key, key_len);
    policy.ssrc.type = outbound ? ssrc_any_outbound : ssrc_any_inbound;
    policy.key = copy;
    policy.window_size = SRTP_WINDOW;
    policy.allow_repeat_tx = 1; /* retransmissions without RTX are the same packet again */
    srtp_err_status_t status = srtp_create(ret, &policy);
    explicit_bzero(copy, sizeof copy);
    if (status != srtp_err_status_ok) {
        *ret = NULL;
        return status == srtp_err_status_alloc_fail ? ER_NOMEM : ER_INTERNAL;
    }
    return 0;
}

int srtp_pair_new(struct srtp_pair **ret, const struct srtp_keys *keys, bool server)
{
    *ret = NULL;
    struct srtp_pair *p = calloc(1, sizeof *p);
    if (!p)
        return ER_NOMEM;
    int er = session_new(&p->in, keys->profile, server ? keys->client : keys->server, keys->len,
                         false);
    if (!er)
        er = session_new(&p->out, keys->profile, server ? keys->server : keys->client, keys->len,
                         true);
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
    if (p->in)
        srtp_dealloc(p->in);
    if (p->out)
        srtp_dealloc(p->out);
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
    if (!known && p->ssrc_count == SRTP_SSRCS)
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
    return unprotect(p, srtp_unprotect, packet, len, get_u32(packet + 8));
}

int srtp_pair_unprotect_rtcp(struct srtp_pair *p, uint8_t *packet, size_t *len)
{
    if (*len < SRTP_MIN_RTCP || *len > UINT16_MAX || packet[0] >> 6 != 2)
        return ER_MALFORMED;
    return unprotect(p, srtp_unprotect_rtcp, packet, len, get_u32(packet + 4));
}

int srtp_pair_protect_rtp(struct srtp_pair *p, uint8_t *packet, size_t *len)
{
    if (*len < 12 || *len > UINT16_MAX)
        return ER_INVALID;
    return protect(p->out, srtp_protect, packet, len);
}

int srtp_pair_protect_rtcp(struct srtp_pair *p, uint8_t *packet, size_t *len)
{
    if (*len < 8 || *len > UINT16_MAX)
        return ER_INVALID;
    return protect(p->out, srtp_protect_rtcp, packet, len);
}

int srtp_pair_forget(struct srtp_pair *p, uint32_t ssrc)
{
    /* libsrtp wants it as it stands in a packet. */
    return srtp_remove_stream(p->out, htonl(ssrc)) == srtp_err_status_ok ? 0 : ER_NOT_FOUND;
}
