// SPDX-License-Identifier: Apache-2.0
/* Matching an offer: which m-lines we take, with which payload types, extensions and SSRCs. The
 * answer's text is written in answer.c. */
#include "media/peer/negotiate.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "media/peer/negotiate_table.h"
#include "media/wire/dependency_descriptor.h"
#include "media/wire/twcc.h"

enum { ONE_BYTE_ID_MAX = 14 };

/** An offer being matched: the old state, the new one in the making, and why it failed. */
struct match {
    const struct negotiation *old;
    struct negotiation *next;
    const struct negotiate_rules *rules;
    const struct entropy *entropy;
    const struct sdp *sdp;
    size_t accepted;
    uint32_t published;
    const char *why;
};

static int refuse(struct match *m, int er, const char *why)
{
    m->why = why;
    return er;
}

void negotiation_init(struct negotiation *n, const struct entropy *entropy)
{
    memset(n, 0, sizeof *n);
    n->session_id = entropy_u64(entropy) >> 2; /* fits a signed 64-bit number (RFC 9429, 5.2.1) */
    entropy_text(entropy, n->cname, sizeof n->cname - 1);
}

void negotiation_clear(struct negotiation *n)
{
    free(n->lines);
    memset(n, 0, sizeof *n);
}

int negotiation_copy(struct negotiation *ret, const struct negotiation *n)
{
    *ret = *n;
    ret->lines = NULL;
    if (n->line_count == 0)
        return 0;
    ret->lines = malloc(n->line_count * sizeof *n->lines);
    if (!ret->lines)
        return ER_NOMEM;
    memcpy(ret->lines, n->lines, n->line_count * sizeof *n->lines);
    return 0;
}

/* Header extensions. urn:3gpp:video-orientation is left out on purpose: a publisher that is not given
 * it turns the picture itself, so that every viewer and every clip has it upright. */

#define PLAYOUT_URI "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay"

const struct negotiate_extension negotiate_extensions[NEGOTIATE_EXTENSIONS] = {
    {"urn:ietf:params:rtp-hdrext:sdes:mid", offsetof(struct line_extensions, mid)},
    {NEGOTIATE_RID, offsetof(struct line_extensions, rid)},
    {NEGOTIATE_REPAIRED_RID, offsetof(struct line_extensions, repaired_rid)},
    {"urn:ietf:params:rtp-hdrext:ssrc-audio-level", offsetof(struct line_extensions, audio_level)},
    {"http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
     offsetof(struct line_extensions, abs_send_time)},
    {TWCC_URI, offsetof(struct line_extensions, transport_cc)},
    {PLAYOUT_URI, offsetof(struct line_extensions, playout_delay)},
    {DEPENDENCY_URI, offsetof(struct line_extensions, dependency_descriptor)},
};

/** In a bundle an id means one thing (RFC 8843 section 9.1); some offers number each m-line by itself.
 *  The m-line that comes first keeps the id. */
static bool id_is_anothers(const struct match *m, size_t index, uint8_t id, size_t k)
{
    for (size_t i = 0; i < index; i++) {
        const struct line *line = &m->next->lines[i];
        for (size_t other = 0; !line->rejected && other < NEGOTIATE_EXTENSIONS; other++) {
            const uint8_t *taken = (const uint8_t *)&line->extensions +
                                   negotiate_extensions[other].offset;
            if (other != k && *taken == id)
                return true;
        }
    }
    return false;
}

/** Both ways; what names streams, which we only read, also where the client offers to send it. */
static bool extension_is_usable(const struct match *m, const struct line *line,
                                const struct sdp_extension *x)
{
    if (x->id == 0 || x->id == 15 || (x->id > ONE_BYTE_ID_MAX && !m->sdp->extmap_allow_mixed))
        return false;
    bool name = span_equal(x->uri, NEGOTIATE_RID) || span_equal(x->uri, NEGOTIATE_REPAIRED_RID);
    return x->direction == SDP_SENDRECV || (x->direction == SDP_SENDONLY && name && line->receives);
}

static void agree_extensions(const struct match *m, size_t index, const struct sdp_media *media)
{
    struct line *line = &m->next->lines[index];
    bool mixed = m->sdp->extmap_allow_mixed;
    for (size_t i = 0; i < media->extension_count; i++) {
        const struct sdp_extension *x = &media->extensions[i];
        if (!extension_is_usable(m, line, x))
            continue;
        for (size_t k = 0; k < NEGOTIATE_EXTENSIONS; k++) {
            uint8_t *id = (uint8_t *)&line->extensions + negotiate_extensions[k].offset;
            if (*id == 0 && span_equal(x->uri, negotiate_extensions[k].uri) &&
                !id_is_anothers(m, index, x->id, k)) {
                *id = x->id;
                line->extensions_received |= (x->direction == SDP_SENDONLY) << k;
            }
        }
    }
    /* Feedback and numbering go together; what only the older scheme needs is left out then. */
    line->transport_cc = line->transport_cc && line->extensions.transport_cc;
    if (line->transport_cc) {
        line->extensions.abs_send_time = 0;
        line->remb = false;
    } else {
        line->extensions.transport_cc = 0;
    }
    /* It is longer than the one-byte form allows where a structure comes with it. */
    if (!mixed)
        line->extensions.dependency_descriptor = 0;
}

/* SSRCs. */

static bool ssrc_is_used(const struct negotiation *n, uint32_t ssrc)
{
    for (size_t i = 0; i < n->line_count; i++) {
        const struct line *l = &n->lines[i];
        if (l->local_ssrc == ssrc || l->local_rtx_ssrc == ssrc || l->remote_ssrc == ssrc ||
            l->remote_rtx_ssrc == ssrc)
            return true;
    }
    return false;
}

static uint32_t ssrc_make(const struct match *m)
{
    uint32_t ssrc;
    do {
        entropy_fill(m->entropy, &ssrc, sizeof ssrc);
    } while (ssrc < 256 || ssrc_is_used(m->next, ssrc) || ssrc_is_used(m->old, ssrc));
    return ssrc;
}

static bool has_rtx(const struct line *line)
{
    for (int c = 0; c < CODEC_COUNT; c++)
        if (line->rtx_payload_type[c] != LINE_PAYLOAD_NONE)
            return true;
    return false;
}

/* Once all remote SSRCs are known, so that ours differ from them. */
static void assign_ssrcs(struct match *m)
{
    for (size_t i = 0; i < m->next->line_count; i++) {
        struct line *line = &m->next->lines[i];
        bool rtx = has_rtx(line);
        if (!line->sends)
            line->local_ssrc = line->local_rtx_ssrc = 0;
        else if (!line->local_ssrc)
            line->local_ssrc = ssrc_make(m);
        if (!line->sends || !rtx)
            line->local_rtx_ssrc = 0;
        else if (!line->local_rtx_ssrc)
            line->local_rtx_ssrc = ssrc_make(m);
    }
}

/* One m-line. */

static bool is_stopped(const struct sdp_media *media)
{
    return media->port == 0 && !media->bundle_only;
}

static bool protocol_is_ours(struct span protocol)
{
    return span_equal(protocol, "UDP/TLS/RTP/SAVPF") || span_equal(protocol, "TCP/DTLS/RTP/SAVPF");
}

static bool bundle_has(struct span bundle, struct span mid)
{
    while (bundle.at) {
        struct span one = span_cut(&bundle, ' ');
        if (one.len == mid.len && mid.len > 0 && memcmp(one.at, mid.at, mid.len) == 0)
            return true;
    }
    return false;
}

/* Who sends: the offer's direction cut down to what the rules allow. False: refuse the line. */
static bool agree_direction(struct match *m, struct line *line, const struct sdp_media *media)
{
    bool client_sends = media->direction == SDP_SENDRECV || media->direction == SDP_SENDONLY;
    bool client_receives = media->direction == SDP_SENDRECV || media->direction == SDP_RECVONLY;
    uint32_t max = m->rules->max_published ? m->rules->max_published : LIMIT_TRACKS_PER_PEER;
    line->sends = client_receives && m->rules->may_subscribe;
    line->receives = client_sends && m->rules->may_publish;
    if (line->receives && m->published >= max) {
        line->receives = false;
        return line->sends;
    }
    m->published += line->receives;
    return true;
}

static void learn_remote(struct line *line, const struct sdp_media *media)
{
    /* It is told to others: text only. */
    if (utf8_is_clean(media->msid_track.at, media->msid_track.len))
        str_copy_span(line->label, sizeof line->label, media->msid_track);
    line->remote_ssrc = line->remote_rtx_ssrc = 0;
    if (line->receives && media->ssrc_count > 0) {
        line->remote_ssrc = media->ssrcs[0].ssrc;
        line->remote_rtx_ssrc = media->ssrcs[0].rtx_ssrc;
    }
}

/* What the answer must say about a line whether it is taken or not. */
static int copy_identity(struct match *m, struct line *line, const struct sdp_media *media,
                         size_t index)
{
    struct span formats = span_trim(media->formats);
    struct span format = span_cut(&formats, ' ');
    line->kind = media->kind == SDP_AUDIO ? MEDIA_AUDIO : MEDIA_VIDEO;
    line->rtcp_rsize = media->rtcp_rsize;
    line->mid_offered = media->mid.at != NULL;
    memset(line->payload_type, LINE_PAYLOAD_NONE, sizeof line->payload_type);
    memset(line->rtx_payload_type, LINE_PAYLOAD_NONE, sizeof line->rtx_payload_type);
    memset(line->send_as, CODEC_NONE, sizeof line->send_as);
    if (str_copy_span(line->kind_text, sizeof line->kind_text, media->kind_text) ||
        str_copy_span(line->protocol, sizeof line->protocol, media->protocol) ||
        str_copy_span(line->format, sizeof line->format, format) || !line->format[0])
        return refuse(m, ER_MALFORMED, "An m-line has an overlong or missing field.");
    if (!line->mid_offered)
        snprintf(line->mid, sizeof line->mid, "m%zu", index);
    else if (media->mid.len == 0 || !utf8_is_clean(media->mid.at, media->mid.len) ||
             str_copy_span(line->mid, sizeof line->mid, media->mid))
        return refuse(m, ER_MALFORMED, "An a=mid is empty, too long or no text.");
    return 0;
}

/* RFC 9429, 5.2.2: lines keep place, kind and mid, unless they were stopped before. */
static int check_continuity(struct match *m, const struct line *line, size_t index, bool *ret_same)
{
    *ret_same = false;
    if (index >= m->old->line_count)
        return 0;
    const struct line *before = &m->old->lines[index];
    bool same_kind = strcmp(before->kind_text, line->kind_text) == 0;
    *ret_same = same_kind && before->mid_offered == line->mid_offered &&
                (!line->mid_offered || strcmp(before->mid, line->mid) == 0);
    if (before->rejected || *ret_same)
        return 0;
    return refuse(m, ER_MALFORMED,
                  same_kind ? "An m-line's mid differs from that in the last offer."
                            : "An m-line's kind differs from that in the last offer.");
}

/* Without RTX a packet is sent again as it was. Under other types or ids it would be another packet of
 *  the same number, and SRTP must never see that: such a line goes on under a new SSRC. With RTX, and
 *  of sound, packets have numbers of the transport, which those sent again have not. */
static bool repeats_alike(const struct line *line, const struct line *before)
{
    return has_rtx(line) ||
           (memcmp(line->payload_type, before->payload_type, sizeof line->payload_type) == 0 &&
            line->extensions.mid == before->extensions.mid &&
            line->extensions.dependency_descriptor == before->extensions.dependency_descriptor &&
            line->extensions.audio_level == before->extensions.audio_level &&
            (line->kind == MEDIA_VIDEO ||
             line->extensions.transport_cc == before->extensions.transport_cc) &&
            !(has_rtx(before) && before->extensions.transport_cc));
}

static int match_line(struct match *m, size_t index)
{
    const struct sdp_media *media = &m->sdp->media[index];
    struct line *line = &m->next->lines[index];
    bool same = false;
    int er = copy_identity(m, line, media, index);
    if (!er)
        er = check_continuity(m, line, index, &same);
    if (er)
        return er;
    line->rejected = true;
    if (is_stopped(media) || (media->kind != SDP_AUDIO && media->kind != SDP_VIDEO) ||
        !protocol_is_ours(media->protocol) || !negotiate_codecs(line, media))
        return 0;
    if (m->sdp->has_bundle && line->mid_offered && m->sdp->media_count > 1 &&
        !bundle_has(m->sdp->bundle, media->mid))
        return 0;
    if (!agree_direction(m, line, media))
        return 0;
    if (!media->rtcp_mux)
        return refuse(m, ER_UNSUPPORTED, "The offer lacks a=rtcp-mux, which is required.");
    line->rejected = false;
    m->accepted++;
    agree_extensions(m, index, media);
    learn_remote(line, media);
    negotiate_simulcast(line, media);
    if (same && !m->old->lines[index].rejected) {
        const struct line *before = &m->old->lines[index];
        line->rids_changed = memcmp(line->rids, before->rids, sizeof line->rids) != 0;
        if (repeats_alike(line, before)) {
            line->local_ssrc = before->local_ssrc;
            line->local_rtx_ssrc = before->local_rtx_ssrc;
        }
        if (line->receives && before->receives && !line->remote_ssrc) { /* learnt, not announced */
            line->remote_ssrc = before->remote_ssrc;
            line->remote_rtx_ssrc = before->remote_rtx_ssrc;
        }
    }
    return 0;
}

/* The whole offer. */

static int check_mids(struct match *m)
{
    const struct negotiation *n = m->next;
    for (size_t i = 0; i < n->line_count; i++)
        for (size_t k = 0; k < i; k++)
            if (strcmp(n->lines[i].mid, n->lines[k].mid) == 0)
                return refuse(m, ER_MALFORMED, "Two m-lines have the same mid.");
    return 0;
}

/* Is every accepted line named in the group? Lines that do not tell their mids are meant in the
 * group's order, when the numbers fit. */
static bool name_bundled_lines(struct match *m)
{
    struct span rest = m->sdp->bundle;
    struct span names[LIMIT_SDP_MEDIA];
    size_t count = 0, untold = 0, lines = m->next->line_count;
    for (size_t i = 0; i < lines; i++)
        untold += !m->next->lines[i].mid_offered;
    if (!m->sdp->has_bundle || untold == 0)
        return m->sdp->has_bundle;
    while (rest.at && count < LIMIT_SDP_MEDIA) {
        struct span name = span_cut(&rest, ' ');
        if (name.len > 0 && name.len < LINE_MID_BYTES && utf8_is_clean(name.at, name.len))
            names[count++] = name;
    }
    if (count != lines || untold != lines)
        return false;
    for (size_t i = 0; i < lines; i++)
        str_copy_span(m->next->lines[i].mid, sizeof m->next->lines[i].mid, names[i]);
    return true;
}

/* The line whose transport counts: the first of the group that we take, or where that one leaves it
 * out (bundle-only lines may), the first that has one. */
static const struct sdp_media *find_transport(const struct match *m)
{
    const struct sdp_media *first = NULL, *any = NULL;
    for (size_t i = 0; i < m->sdp->media_count; i++) {
        const struct sdp_media *media = &m->sdp->media[i];
        if (!media->ice_ufrag.at || !media->ice_pwd.at)
            continue;
        if (!any)
            any = media;
        if (!first && !m->next->lines[i].rejected)
            first = media;
    }
    return first ? first : any;
}

static bool fingerprint_is_usable(const struct sdp_fingerprint *f)
{
    static const char *const names[] = {"sha-256", "sha-384", "sha-512"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (span_equal_nocase(f->algorithm, names[i]))
            return f->value.len > 0;
    return false;
}

static int match_transport(struct match *m)
{
    struct negotiation *n = m->next;
    const struct sdp_media *t = find_transport(m);
    if (!t)
        return refuse(m, ER_MALFORMED, "The offer has no a=ice-ufrag and a=ice-pwd.");
    if (m->sdp->ice_lite)
        return refuse(m, ER_UNSUPPORTED, "Both sides are ICE-lite; nobody would send checks.");
    if (!fingerprint_is_usable(&t->fingerprint))
        return refuse(m, ER_UNSUPPORTED,
                      "The offer has no DTLS fingerprint of SHA-256, SHA-384 or SHA-512.");
    if (t->setup == SDP_SETUP_PASSIVE)
        return refuse(m, ER_UNSUPPORTED, "The offer's a=setup must be actpass or active.");
    if (t->ice_ufrag.len < 4 || t->ice_pwd.len < 22 ||
        str_copy_span(n->remote_ufrag, sizeof n->remote_ufrag, t->ice_ufrag) ||
        str_copy_span(n->remote_pwd, sizeof n->remote_pwd, t->ice_pwd))
        return refuse(m, ER_MALFORMED, "a=ice-ufrag or a=ice-pwd is too short or too long.");
    if (str_copy_span(n->fingerprint_algorithm, sizeof n->fingerprint_algorithm,
                      t->fingerprint.algorithm) ||
        str_copy_span(n->fingerprint, sizeof n->fingerprint, t->fingerprint.value))
        return refuse(m, ER_MALFORMED, "a=fingerprint is too long.");
    n->ice_restarted = m->old->remote_ufrag[0] &&
                       (strcmp(n->remote_ufrag, m->old->remote_ufrag) != 0 ||
                        strcmp(n->remote_pwd, m->old->remote_pwd) != 0);
    return 0;
}

static int match_offer(struct match *m)
{
    struct negotiation *n = m->next;
    if (m->sdp->media_count < m->old->line_count)
        return refuse(m, ER_MALFORMED, "An m-line of the last offer is missing.");
    n->line_count = m->sdp->media_count;
    n->extmap_allow_mixed = m->sdp->extmap_allow_mixed;
    n->ice_restarted = false;
    n->prefer = m->rules->prefer;
    for (size_t i = 0; i < n->line_count; i++) {
        int er = match_line(m, i);
        if (er)
            return er;
    }
    n->bundled = name_bundled_lines(m);
    int er = check_mids(m);
    if (er)
        return er;
    if (m->accepted > 1 && !n->bundled)
        return refuse(m, ER_UNSUPPORTED, "Several m-lines need a=group:BUNDLE.");
    if (m->accepted == 0 && m->old->line_count == 0)
        return refuse(m, ER_UNSUPPORTED,
                      "Nothing in the offer can be relayed: VP8, H264, VP9, AV1 or Opus over "
                      "UDP/TLS/RTP/SAVPF.");
    if (m->accepted > 0)
        er = match_transport(m);
    if (!er)
        assign_ssrcs(m);
    return er;
}

int negotiate_offer(struct negotiation *n, const struct negotiate_rules *rules,
                    const struct entropy *entropy, const char *offer, size_t len,
                    const char **ret_why)
{
    struct sdp *sdp = NULL;
    const char *why = NULL;
    int er = sdp_parse(offer, len, &sdp, &why);
    struct negotiation next = *n;
    next.lines = NULL;
    if (!er) {
        struct match m = {.old = n, .next = &next, .rules = rules, .entropy = entropy, .sdp = sdp};
        next.lines = calloc(sdp->media_count ? sdp->media_count : 1, sizeof *next.lines);
        er = next.lines ? match_offer(&m) : ER_NOMEM;
        why = m.why;
    }
    sdp_free(sdp);
    if (ret_why)
        *ret_why = er ? (why ? why : er_name(er)) : NULL;
    if (er) {
        free(next.lines);
        return er;
    }
    next.session_version++;
    free(n->lines);
    *n = next;
    return 0;
}
