// SPDX-License-Identifier: Apache-2.0
/* The a= lines of session descriptions, one function each, found by a table. */
#include "media/wire/sdp_attribute.h"

#include <string.h>

#include "base/er.h"
#include "base/limits.h"

enum { NAME_MAX_BYTES = 64 };
enum { ICE_UFRAG_MIN = 4, ICE_PWD_MIN = 22, ICE_MAX = 256, MID_MAX = 255, RID_MAX = 255 };

static bool in_session(const struct sdp_parser *p)
{
    return p->media == &p->session;
}

/** The `token` of RFC 8866, 9: nothing that could end or split a line it is repeated in. */
static bool is_token(struct span s, size_t max)
{
    if (s.len == 0 || s.len > max)
        return false;
    for (size_t i = 0; i < s.len; i++)
        if (s.at[i] <= ' ' || s.at[i] > '~' || strchr("\"(),/:;<=>?@[\\]", s.at[i]))
            return false;
    return true;
}

static struct sdp_codec *find_codec(struct sdp_media *m, uint64_t payload_type)
{
    for (size_t i = 0; i < m->codec_count; i++)
        if (m->codecs[i].payload_type == payload_type)
            return &m->codecs[i];
    return NULL;
}

/* a=rtpmap:<pt> <name>/<rate>[/<channels>]; of types the m-line does not name: ignored. */
static int take_rtpmap(struct sdp_parser *p, struct span value)
{
    uint64_t type = 0;
    uint64_t rate = 0;
    uint64_t channels = 1;
    struct span rest = value;
    if (span_u64(sdp_next_word(&rest), 127, &type) < 0)
        return sdp_refuse(p, "a=rtpmap without a payload type");
    struct span name = span_cut(&rest, '/');
    int er = span_u64(span_trim(span_cut(&rest, '/')), UINT32_MAX, &rate);
    if (er == 0 && rest.at)
        er = span_u64(span_trim(rest), UINT8_MAX, &channels);
    if (er < 0 || !is_token(name, NAME_MAX_BYTES) || rate == 0 || channels == 0)
        return sdp_refuse(p, "a=rtpmap that is not name/rate/channels");
    struct sdp_codec *c = find_codec(p->media, type);
    if (c) {
        c->name = name;
        c->clock_rate = (uint32_t)rate;
        c->channels = (uint8_t)channels;
    }
    return 0;
}

static int take_fmtp(struct sdp_parser *p, struct span value)
{
    uint64_t type = 0;
    struct span rest = value;
    if (span_u64(sdp_next_word(&rest), 127, &type) < 0)
        return 0; /* data channels of old have words here */
    struct sdp_codec *c = find_codec(p->media, type);
    if (c && !c->fmtp.at)
        c->fmtp = rest;
    return 0;
}

static const struct feedback_rule {
    const char *text;
    size_t flag; /* offset in struct sdp_codec */
} feedback_rules[] = {
    {"nack", offsetof(struct sdp_codec, nack)},
    {"nack pli", offsetof(struct sdp_codec, nack_pli)},
    {"ccm fir", offsetof(struct sdp_codec, ccm_fir)},
    {"goog-remb", offsetof(struct sdp_codec, goog_remb)},
    {"transport-cc", offsetof(struct sdp_codec, transport_cc)},
};

/* a=rtcp-fb:<pt or *> <what>; what we do not know is ignored. */
static int take_rtcp_fb(struct sdp_parser *p, struct span value)
{
    uint64_t type = 0;
    struct span what = value;
    struct span which = sdp_next_word(&what);
    bool all = span_equal(which, "*");
    if (!all && span_u64(which, 127, &type) < 0)
        return 0;
    what = span_trim(what);
    for (size_t i = 0; i < sizeof feedback_rules / sizeof feedback_rules[0]; i++) {
        if (!span_equal_nocase(what, feedback_rules[i].text))
            continue;
        for (size_t k = 0; k < p->media->codec_count; k++) {
            struct sdp_codec *c = &p->media->codecs[k];
            if (all || c->payload_type == type)
                *(bool *)((char *)c + feedback_rules[i].flag) = true;
        }
    }
    return 0;
}

static const struct direction_name {
    const char *name;
    enum sdp_direction direction;
} direction_names[] = {
    {"sendrecv", SDP_SENDRECV},
    {"sendonly", SDP_SENDONLY},
    {"recvonly", SDP_RECVONLY},
    {"inactive", SDP_INACTIVE},
};

static bool parse_direction(struct span word, enum sdp_direction *ret)
{
    for (size_t i = 0; i < sizeof direction_names / sizeof direction_names[0]; i++)
        if (span_equal(word, direction_names[i].name)) {
            *ret = direction_names[i].direction;
            return true;
        }
    return false;
}

static int set_direction(struct sdp_parser *p, enum sdp_direction direction)
{
    p->media->direction = direction;
    p->has_direction = true;
    return 0;
}

static int take_sendrecv(struct sdp_parser *p, struct span value)
{
    (void)value;
    return set_direction(p, SDP_SENDRECV);
}

static int take_sendonly(struct sdp_parser *p, struct span value)
{
    (void)value;
    return set_direction(p, SDP_SENDONLY);
}

static int take_recvonly(struct sdp_parser *p, struct span value)
{
    (void)value;
    return set_direction(p, SDP_RECVONLY);
}

static int take_inactive(struct sdp_parser *p, struct span value)
{
    (void)value;
    return set_direction(p, SDP_INACTIVE);
}

/** The element with this id is replaced; further ones beyond the bound are ignored. */
static void keep_extension(struct sdp_media *m, const struct sdp_extension *x)
{
    for (size_t i = 0; i < m->extension_count; i++)
        if (m->extensions[i].id == x->id) {
            m->extensions[i] = *x;
            return;
        }
    if (m->extension_count < LIMIT_SDP_EXTENSIONS)
        m->extensions[m->extension_count++] = *x;
}

/* a=extmap:<id>[/<direction>] <uri> [<attributes>]. Ids from 4096 on ask the answerer to choose
 * (RFC 8285, 7): such ones are ignored. */
static int take_extmap(struct sdp_parser *p, struct span value)
{
    struct sdp_extension x = {.direction = SDP_SENDRECV};
    struct span rest = value;
    struct span direction = sdp_next_word(&rest);
    struct span number = span_cut(&direction, '/');
    uint64_t id = 0;
    if (span_u64(number, UINT16_MAX, &id) < 0)
        return sdp_refuse(p, "a=extmap without an id");
    if (direction.at && !parse_direction(direction, &x.direction))
        return sdp_refuse(p, "a=extmap with an unknown direction");
    x.uri = sdp_next_word(&rest);
    if (x.uri.len == 0)
        return sdp_refuse(p, "a=extmap without a URI");
    x.id = (uint8_t)id;
    if (id >= 1 && id <= UINT8_MAX)
        keep_extension(p->media, &x);
    return 0;
}

static int take_mid(struct sdp_parser *p, struct span value)
{
    if (in_session(p))
        return 0;
    if (!is_token(value, MID_MAX))
        return sdp_refuse(p, "a=mid that is no token");
    for (const struct sdp_media *m = p->sdp->media; m < p->media; m++)
        if (m->mid.at && sdp_same_span(m->mid, value))
            return sdp_refuse(p, "two m-lines with the same a=mid");
    p->media->mid = value;
    return 0;
}

/* Only the first BUNDLE group; other semantics are ignored. */
static int take_group(struct sdp_parser *p, struct span value)
{
    struct span rest = value;
    if (!in_session(p) || !span_equal(sdp_next_word(&rest), "BUNDLE") || p->sdp->has_bundle)
        return 0;
    p->sdp->has_bundle = true;
    p->sdp->bundle = rest.at ? span_trim(rest) : rest;
    return 0;
}

static int take_ufrag(struct sdp_parser *p, struct span value)
{
    if (value.len < ICE_UFRAG_MIN || value.len > ICE_MAX)
        return sdp_refuse(p, "a=ice-ufrag of a wrong length");
    p->media->ice_ufrag = value;
    return 0;
}

static int take_pwd(struct sdp_parser *p, struct span value)
{
    if (value.len < ICE_PWD_MIN || value.len > ICE_MAX)
        return sdp_refuse(p, "a=ice-pwd of a wrong length");
    p->media->ice_pwd = value;
    return 0;
}

static int take_ice_lite(struct sdp_parser *p, struct span value)
{
    (void)value;
    p->sdp->ice_lite = true;
    return 0;
}

/* Of several the SHA-256 one is kept. */
static int take_fingerprint(struct sdp_parser *p, struct span value)
{
    struct sdp_fingerprint f = {.value = value};
    f.algorithm = sdp_next_word(&f.value);
    if (f.algorithm.len == 0 || f.value.len == 0)
        return sdp_refuse(p, "a=fingerprint without algorithm or value");
    if (!p->media->fingerprint.value.at || span_equal_nocase(f.algorithm, "sha-256"))
        p->media->fingerprint = f;
    return 0;
}

static const struct setup_name {
    const char *name;
    enum sdp_setup setup;
} setup_names[] = {
    {"active", SDP_SETUP_ACTIVE},
    {"passive", SDP_SETUP_PASSIVE},
    {"actpass", SDP_SETUP_ACTPASS},
    {"holdconn", SDP_SETUP_NONE},
};

static int take_setup(struct sdp_parser *p, struct span value)
{
    for (size_t i = 0; i < sizeof setup_names / sizeof setup_names[0]; i++)
        if (span_equal_nocase(value, setup_names[i].name)) {
            p->media->setup = setup_names[i].setup;
            return 0;
        }
    return sdp_refuse(p, "a=setup with an unknown role");
}

static int take_rtcp_mux(struct sdp_parser *p, struct span value)
{
    (void)value;
    p->media->rtcp_mux = true;
    return 0;
}

static int take_rtcp_rsize(struct sdp_parser *p, struct span value)
{
    (void)value;
    p->media->rtcp_rsize = true;
    return 0;
}

static int take_bundle_only(struct sdp_parser *p, struct span value)
{
    (void)value;
    p->media->bundle_only = true;
    return 0;
}

static int take_allow_mixed(struct sdp_parser *p, struct span value)
{
    (void)value;
    p->sdp->extmap_allow_mixed = true;
    return 0;
}

/* a=msid:<stream> [<track>]; the first of several. */
static int take_msid(struct sdp_parser *p, struct span value)
{
    if (in_session(p) || p->media->msid_stream.at)
        return 0;
    struct span rest = value;
    p->media->msid_stream = sdp_next_word(&rest);
    p->media->msid_track = rest.at ? sdp_next_word(&rest) : rest;
    return 0;
}

static struct sdp_ssrc *find_ssrc(struct sdp_media *m, uint32_t ssrc)
{
    for (size_t i = 0; i < m->ssrc_count; i++)
        if (m->ssrcs[i].ssrc == ssrc || m->ssrcs[i].rtx_ssrc == ssrc)
            return &m->ssrcs[i];
    return NULL;
}

static struct sdp_ssrc *keep_ssrc(struct sdp_media *m, uint64_t ssrc)
{
    if (ssrc == 0)
        return NULL;
    struct sdp_ssrc *known = find_ssrc(m, (uint32_t)ssrc);
    if (known || m->ssrc_count == LIMIT_SDP_SSRCS)
        return known;
    m->ssrcs[m->ssrc_count] = (struct sdp_ssrc){.ssrc = (uint32_t)ssrc};
    return &m->ssrcs[m->ssrc_count++];
}

/* a=ssrc:<ssrc> <attribute>[:<value>]; the msid in it is what older clients have in place of
 * a=msid. */
static int take_ssrc(struct sdp_parser *p, struct span value)
{
    uint64_t ssrc = 0;
    struct span rest = value;
    if (in_session(p) || span_u64(sdp_next_word(&rest), UINT32_MAX, &ssrc) < 0)
        return 0;
    keep_ssrc(p->media, ssrc);
    struct span attribute = span_cut(&rest, ':');
    if (rest.at && span_equal(attribute, "msid") && !p->legacy_msid.at)
        p->legacy_msid = rest;
    return 0;
}

/* a=ssrc-group:FID <primary> <retransmission>. Lines of either before or after. */
static int take_ssrc_group(struct sdp_parser *p, struct span value)
{
    uint64_t primary = 0;
    uint64_t rtx = 0;
    struct span rest = value;
    struct sdp_media *m = p->media;
    if (in_session(p) || !span_equal(sdp_next_word(&rest), "FID"))
        return 0;
    if (span_u64(sdp_next_word(&rest), UINT32_MAX, &primary) < 0 ||
        span_u64(sdp_next_word(&rest), UINT32_MAX, &rtx) < 0 || primary == rtx)
        return sdp_refuse(p, "a=ssrc-group:FID that is not two SSRCs");
    for (size_t i = 0; i < m->ssrc_count; i++)
        if (m->ssrcs[i].ssrc == rtx) {
            m->ssrc_count--;
            memmove(&m->ssrcs[i], &m->ssrcs[i + 1], (m->ssrc_count - i) * sizeof m->ssrcs[0]);
            break;
        }
    struct sdp_ssrc *s = keep_ssrc(m, primary);
    if (s && s->ssrc == primary)
        s->rtx_ssrc = (uint32_t)rtx;
    return 0;
}

/* a=rid:<id> send|recv [<restrictions>]. */
static int take_rid(struct sdp_parser *p, struct span value)
{
    struct span rest = value;
    struct span id = sdp_next_word(&rest);
    struct sdp_media *m = p->media;
    if (!is_token(id, RID_MAX))
        return sdp_refuse(p, "a=rid that is no token");
    if (in_session(p) || !span_equal(sdp_next_word(&rest), "send") || m->rid_count == SDP_RIDS_MAX)
        return 0;
    for (size_t i = 0; i < m->rid_count; i++)
        if (sdp_same_span(m->rids[i], id))
            return sdp_refuse(p, "the same a=rid twice");
    m->rids[m->rid_count++] = id;
    return 0;
}

/* a=simulcast:send <list> [recv <list>], in either order. */
static int take_simulcast(struct sdp_parser *p, struct span value)
{
    struct span rest = value;
    while (rest.at && rest.len) {
        struct span direction = sdp_next_word(&rest);
        struct span list = sdp_next_word(&rest);
        if (span_equal(direction, "send") && list.len)
            p->simulcast = list;
    }
    return 0;
}

static const struct attribute_rule {
    const char *name;
    int (*take)(struct sdp_parser *p, struct span value);
} attribute_rules[] = {
    {"rtpmap", take_rtpmap},
    {"fmtp", take_fmtp},
    {"rtcp-fb", take_rtcp_fb},
    {"extmap", take_extmap},
    {"ssrc", take_ssrc},
    {"ssrc-group", take_ssrc_group},
    {"mid", take_mid},
    {"msid", take_msid},
    {"group", take_group},
    {"sendrecv", take_sendrecv},
    {"sendonly", take_sendonly},
    {"recvonly", take_recvonly},
    {"inactive", take_inactive},
    {"ice-ufrag", take_ufrag},
    {"ice-pwd", take_pwd},
    {"ice-lite", take_ice_lite},
    {"fingerprint", take_fingerprint},
    {"setup", take_setup},
    {"rtcp-mux", take_rtcp_mux},
    {"rtcp-rsize", take_rtcp_rsize},
    {"bundle-only", take_bundle_only},
    {"extmap-allow-mixed", take_allow_mixed},
    {"rid", take_rid},
    {"simulcast", take_simulcast},
};

int sdp_take_attribute(struct sdp_parser *p, struct span line)
{
    struct span value = line;
    struct span name = span_cut(&value, ':');
    for (size_t i = 0; i < sizeof attribute_rules / sizeof attribute_rules[0]; i++)
        if (span_equal(name, attribute_rules[i].name))
            return attribute_rules[i].take(p, value);
    return 0;
}
