// SPDX-License-Identifier: Apache-2.0
/* ICE, DTLS, SRTP and the agreed lines put together. */
#include "media/peer/peer.h"

#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "base/limits.h"

#define PEER_NEVER UINT64_MAX

int peer_new(struct peer **ret, const struct peer_config *config, uint64_t now_us)
{
    *ret = NULL;
    struct peer *p = calloc(1, sizeof *p);
    if (!p)
        return ER_NOMEM;
    p->config = *config;
    p->created_us = now_us;
    icelite_init(&p->ice, config->ufrag_mark, config->entropy);
    negotiation_init(&p->negotiation, config->entropy);
    *ret = p;
    return 0;
}

void peer_free(struct peer *p)
{
    if (!p)
        return;
    dtls_free(p->dtls);
    srtp_pair_free(p->srtp);
    negotiation_clear(&p->negotiation);
    free(p);
}

static bool is_over(const struct peer *p)
{
    return p->state == PEER_FAILED || p->state == PEER_CLOSED;
}

/* Offers. */

static bool same_fingerprint(const struct negotiation *a, const struct negotiation *b)
{
    return strcmp(a->fingerprint_algorithm, b->fingerprint_algorithm) == 0 &&
           strcmp(a->fingerprint, b->fingerprint) == 0;
}

/* A DTLS association for what `next` says, unless the one there is will do. */
static int prepare_dtls(const struct peer *p, const struct negotiation *next, struct dtls **ret,
                        const char **ret_why)
{
    *ret = NULL;
    if (p->dtls && same_fingerprint(&p->negotiation, next))
        return 0;
    if (p->state == PEER_CONNECTED) {
        *ret_why = "The DTLS fingerprint changed on a connected peer.";
        return ER_UNSUPPORTED;
    }
    int er = dtls_new(ret, p->config.identity, true, span_of(next->fingerprint_algorithm),
                      span_of(next->fingerprint));
    if (er)
        *ret_why = "The DTLS fingerprint is not one.";
    return er;
}

static int prepare_ice(const struct peer *p, const struct negotiation *next, struct icelite *ret)
{
    *ret = p->ice;
    if (next->ice_restarted)
        icelite_restart(ret, p->config.entropy);
    return icelite_set_remote(ret, span_of(next->remote_ufrag), span_of(next->remote_pwd));
}

static int write_answer(const struct peer *p, const struct negotiation *next,
                        const struct icelite *ice, char **ret_answer)
{
    struct answer_transport transport = {
        .ice_ufrag = ice->ufrag,
        .ice_pwd = ice->pwd,
        .fingerprint = dtls_identity_fingerprint(p->config.identity),
        .candidates = p->config.candidates,
        .candidate_count = p->config.candidate_count,
        .tcp_candidates = p->config.tcp_candidates,
        .tcp_candidate_count = p->config.tcp_candidate_count,
    };
    return negotiate_answer(next, &transport, ret_answer);
}

/* Where a stream stands among those of another offer; -1: it is not agreed any more. */
static int rid_after(const struct line *before, const struct line *after, uint8_t rid)
{
    if (before->rid_count == 0 || after->rid_count == 0)
        return before->rid_count == after->rid_count ? rid : -1;
    return line_find_rid(after, (const uint8_t *)before->rids[rid], strlen(before->rids[rid]));
}

/* Sources learnt stay while their line goes on receiving under the same mid. */
static void keep_sources(struct peer *p, const struct negotiation *next)
{
    size_t kept = 0;
    for (size_t i = 0; i < p->source_count; i++) {
        const struct peer_source *s = &p->sources[i];
        const struct line *before = &p->negotiation.lines[s->line];
        const struct line *after = &next->lines[s->line];
        if (after->rejected || !after->receives || strcmp(before->mid, after->mid) != 0)
            continue;
        int rid = rid_after(before, after, s->rid);
        if (rid < 0)
            continue;
        p->sources[kept] = *s;
        p->sources[kept++].rid = (uint8_t)rid;
    }
    p->source_count = kept;
    p->source_next = kept % PEER_SOURCES;
}

static int try_offer(struct peer *p, const struct negotiate_rules *rules, const char *offer,
                     size_t len, struct negotiation *next, char **ret_answer, const char **ret_why)
{
    struct icelite ice;
    struct dtls *dtls = NULL;
    int er = negotiate_offer(next, rules, p->config.entropy, offer, len, ret_why);
    if (er)
        return er;
    er = prepare_ice(p, next, &ice);
    if (!er)
        er = prepare_dtls(p, next, &dtls, ret_why);
    if (!er)
        er = write_answer(p, next, &ice, ret_answer);
    if (er) {
        dtls_free(dtls);
        return er;
    }
    if (dtls) {
        dtls_free(p->dtls);
        p->dtls = dtls;
    }
    p->ice = ice;
    keep_sources(p, next);
    return 0;
}

/* SSRCs that a line had before and has no longer: whoever renegotiates all day must not fill memory. */
static void forget_ssrcs(struct peer *p, const struct negotiation *next)
{
    for (size_t i = 0; p->srtp && i < p->negotiation.line_count; i++) {
        const struct line *before = &p->negotiation.lines[i], *after = &next->lines[i];
        if (before->local_ssrc && before->local_ssrc != after->local_ssrc)
            (void)srtp_pair_forget(p->srtp, before->local_ssrc);
        if (before->local_rtx_ssrc && before->local_rtx_ssrc != after->local_rtx_ssrc)
            (void)srtp_pair_forget(p->srtp, before->local_rtx_ssrc);
    }
}

int peer_offer(struct peer *p, const struct negotiate_rules *rules, const char *offer, size_t len,
               char **ret_answer, const char **ret_why)
{
    const char *why = NULL;
    struct negotiation next;
    *ret_answer = NULL;
    int er = is_over(p) ? ER_CLOSED : negotiation_copy(&next, &p->negotiation);
    if (!er) {
        er = try_offer(p, rules, offer, len, &next, ret_answer, &why);
        if (er) {
            negotiation_clear(&next);
        } else {
            forget_ssrcs(p, &next);
            negotiation_clear(&p->negotiation);
            p->negotiation = next;
        }
    }
    if (ret_why)
        *ret_why = er ? (why ? why : er_name(er)) : NULL;
    return er;
}

/* Datagrams. */

static void flush_dtls(struct peer *p, const struct path *to)
{
    const uint8_t *data;
    size_t len;
    while (dtls_output(p->dtls, &data, &len))
        p->config.send(p->config.send_ctx, to, data, len);
}

/* Follow the DTLS state; the bits of what changed. */
static int follow_dtls(struct peer *p, uint64_t now_us)
{
    enum peer_state before = p->state;
    switch (dtls_get_state(p->dtls)) {
    case DTLS_CONNECTED:
        if (!p->srtp) {
            struct srtp_keys keys;
            int er = dtls_export(p->dtls, &keys);
            if (!er)
                er = srtp_pair_new(&p->srtp, &keys, true);
            explicit_bzero(&keys, sizeof keys);
            p->state = er ? PEER_FAILED : PEER_CONNECTED;
            p->connected_us = er ? 0 : now_us;
        }
        break;
    case DTLS_CLOSED:
        p->state = PEER_CLOSED;
        break;
    case DTLS_FAILED:
        p->state = PEER_FAILED;
        break;
    case DTLS_HANDSHAKE:
        break;
    }
    return p->state != before ? PEER_CHANGED_STATE : 0;
}

int peer_stun(struct peer *p, uint64_t now_us, const struct path *from, const uint8_t *data,
              size_t len, const struct stun_message *msg)
{
    if (is_over(p))
        return ER_CLOSED;
    uint8_t reply[LIMIT_DATAGRAM];
    enum ice_outcome outcome;
    bool was_valid = icelite_is_valid_path(&p->ice, from);
    int written = icelite_check(&p->ice, now_us, from, data, len, msg, reply, sizeof reply,
                                &outcome);
    if (written < 0)
        return written;
    p->config.send(p->config.send_ctx, from, reply, (size_t)written);
    int changed = 0;
    if (!was_valid && outcome != ICE_NOTHING)
        changed |= PEER_CHANGED_VALID_PATH;
    if (outcome == ICE_SELECTED)
        changed |= PEER_CHANGED_PATH;
    if (changed && p->state == PEER_NEW) {
        p->state = PEER_CONNECTING;
        changed |= PEER_CHANGED_STATE;
    }
    return changed;
}

int peer_dtls(struct peer *p, uint64_t now_us, const struct path *from, const uint8_t *data,
              size_t len)
{
    if (is_over(p))
        return ER_CLOSED;
    if (!icelite_is_valid_path(&p->ice, from))
        return ER_DENIED;
    if (!p->dtls)
        return ER_CONFLICT;
    p->dtls_path = *from;
    int er = dtls_input(p->dtls, now_us, data, len);
    flush_dtls(p, from);
    int changed = follow_dtls(p, now_us);
    return er && !changed ? er : changed;
}

/* Where a repeated flight goes: to where the client spoke from last, while that is valid. */
static const struct path *repeat_path(const struct peer *p)
{
    return icelite_is_valid_path(&p->ice, &p->dtls_path) ? &p->dtls_path : &p->ice.selected;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

int peer_path_gone(struct peer *p, const struct path *path)
{
    return icelite_drop_path(&p->ice, path) && p->ice.has_selected ? PEER_CHANGED_PATH : 0;
}

uint64_t peer_deadline_us(const struct peer *p)
{
    if (is_over(p))
        return PEER_NEVER;
    uint64_t at_us = icelite_consent_deadline_us(&p->ice);
    if (p->state != PEER_CONNECTED)
        at_us = earlier(at_us, p->created_us + LIMIT_CONNECT_TIMEOUT_US);
    return p->dtls ? earlier(at_us, dtls_deadline_us(p->dtls)) : at_us;
}

int peer_expire(struct peer *p, uint64_t now_us)
{
    if (is_over(p))
        return 0;
    bool lapsed = now_us >= icelite_consent_deadline_us(&p->ice);
    bool late = p->state != PEER_CONNECTED && now_us >= p->created_us + LIMIT_CONNECT_TIMEOUT_US;
    if (lapsed || late) {
        p->state = PEER_FAILED;
        return PEER_CHANGED_STATE;
    }
    if (!p->dtls)
        return 0;
    dtls_expire(p->dtls, now_us);
    flush_dtls(p, repeat_path(p));
    return follow_dtls(p, now_us);
}

void peer_close(struct peer *p, uint64_t now_us)
{
    (void)now_us;
    if (!is_over(p) && p->dtls && p->ice.has_selected) {
        dtls_close(p->dtls);
        flush_dtls(p, &p->ice.selected);
    }
    if (p->state != PEER_FAILED)
        p->state = PEER_CLOSED;
}

/* Which line a packet belongs to. */

static enum media_codec codec_of(const struct line *line, uint8_t payload_type, bool *ret_rtx)
{
    for (int c = 0; c < CODEC_COUNT; c++) {
        if (line->payload_type[c] == payload_type || line->rtx_payload_type[c] == payload_type) {
            *ret_rtx = line->rtx_payload_type[c] == payload_type;
            return (enum media_codec)c;
        }
    }
    return CODEC_NONE;
}

static const struct peer_source *find_learnt(const struct peer *p, uint32_t ssrc)
{
    for (size_t i = 0; i < p->source_count; i++)
        if (p->sources[i].ssrc == ssrc)
            return &p->sources[i];
    return NULL;
}

static int find_announced(const struct peer *p, uint32_t ssrc)
{
    for (size_t i = 0; i < p->negotiation.line_count; i++) {
        const struct line *line = &p->negotiation.lines[i];
        if (line->receives && ssrc && (line->remote_ssrc == ssrc || line->remote_rtx_ssrc == ssrc))
            return (int)i;
    }
    return -1;
}

/* By the mid extension, whose id may differ from line to line. */
static int find_mid(const struct peer *p, const struct rtp_packet *packet)
{
    for (size_t i = 0; i < p->negotiation.line_count; i++) {
        const struct line *line = &p->negotiation.lines[i];
        if (!line->receives)
            continue;
        const struct rtp_extension *x = rtp_find_extension(packet, line->extensions.mid);
        if (x && x->len == strlen(line->mid) && memcmp(x->at, line->mid, x->len) == 0)
            return (int)i;
    }
    return -1;
}

static bool names_a_line(const struct peer *p, const struct rtp_packet *packet)
{
    for (size_t i = 0; i < p->negotiation.line_count; i++)
        if (p->negotiation.lines[i].receives &&
            rtp_find_extension(packet, p->negotiation.lines[i].extensions.mid))
            return true;
    return false;
}

/* By a payload type that only one receiving line has. */
static int find_payload_type(const struct peer *p, uint8_t payload_type)
{
    int found = -1;
    for (size_t i = 0; i < p->negotiation.line_count; i++) {
        bool rtx;
        const struct line *line = &p->negotiation.lines[i];
        if (!line->receives || codec_of(line, payload_type, &rtx) == CODEC_NONE)
            continue;
        if (found >= 0)
            return -1;
        found = (int)i;
    }
    return found;
}

static void learn_source(struct peer *p, uint32_t ssrc, int line, const struct peer_match *match)
{
    size_t place = p->source_next;
    p->sources[place] = (struct peer_source){
        .ssrc = ssrc, .line = (uint16_t)line, .rid = match->rid};
    if (p->source_count < PEER_SOURCES)
        p->source_count++;
    p->source_next = (place + 1) % PEER_SOURCES;
    struct line *l = &p->negotiation.lines[line];
    if (match->rtx)
        l->remote_rtx_ssrc = ssrc;
    else
        l->remote_ssrc = ssrc;
}

/* Which of the streams a packet of an unknown SSRC names; -1: none. */
static int find_rid(const struct line *line, const struct rtp_packet *packet, bool rtx)
{
    if (line->rid_count == 0)
        return 0;
    uint8_t id = rtx ? line->extensions.repaired_rid : line->extensions.rid;
    const struct rtp_extension *x = rtp_find_extension(packet, id);
    return x ? line_find_rid(line, x->at, x->len) : -1;
}

static int match_unknown(struct peer *p, const struct rtp_packet *packet, struct peer_match *ret)
{
    int line = find_announced(p, packet->ssrc);
    if (line < 0)
        line = find_mid(p, packet);
    if (line < 0 && !names_a_line(p, packet))
        line = find_payload_type(p, packet->payload_type);
    if (line < 0 || !p->negotiation.lines[line].receives)
        return -1;
    const struct line *l = &p->negotiation.lines[line];
    ret->codec = codec_of(l, packet->payload_type, &ret->rtx);
    int rid = find_rid(l, packet, ret->rtx);
    if (ret->codec == CODEC_NONE || rid < 0)
        return -1;
    ret->rid = (uint8_t)rid;
    learn_source(p, packet->ssrc, line, ret);
    return line;
}

int peer_match_line(struct peer *p, const struct rtp_packet *packet, struct peer_match *ret)
{
    *ret = (struct peer_match){.codec = CODEC_NONE};
    const struct peer_source *s = find_learnt(p, packet->ssrc);
    if (!s)
        return match_unknown(p, packet, ret);
    const struct line *l = &p->negotiation.lines[s->line];
    ret->rid = s->rid;
    ret->codec = codec_of(l, packet->payload_type, &ret->rtx);
    return l->receives && ret->codec != CODEC_NONE ? s->line : -1;
}
