// SPDX-License-Identifier: Apache-2.0
/* Session descriptions (RFC 8866) as WebRTC offers and answers use them (RFC 8829, 8843, 8851,
 * 8859): parsed into structs that borrow from the text. */
#ifndef LOUPE_MEDIA_WIRE_SDP_H
#define LOUPE_MEDIA_WIRE_SDP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"
#include "base/str.h"

enum sdp_kind { SDP_AUDIO, SDP_VIDEO, SDP_APPLICATION, SDP_OTHER };
enum sdp_direction { SDP_SENDRECV, SDP_SENDONLY, SDP_RECVONLY, SDP_INACTIVE };
enum sdp_setup { SDP_SETUP_NONE, SDP_SETUP_ACTIVE, SDP_SETUP_PASSIVE, SDP_SETUP_ACTPASS };

/** One payload type: rtpmap, fmtp and rtcp-fb together. */
struct sdp_codec {
    uint8_t payload_type;
    struct span name; /* "VP8", "opus", "rtx" */
    uint32_t clock_rate;
    uint8_t channels; /* 1 unless given */
    struct span fmtp; /* at == NULL: none */
    bool nack;
    bool nack_pli;
    bool ccm_fir;
    bool goog_remb;
    bool transport_cc;
};

struct sdp_extension {
    uint8_t id;
    enum sdp_direction direction;
    struct span uri;
};

/** a=ssrc-group:FID pairs and plain a=ssrc lines come out as this. */
struct sdp_ssrc {
    uint32_t ssrc;
    uint32_t rtx_ssrc; /* 0: none */
};

struct sdp_fingerprint {
    struct span algorithm; /* "sha-256" */
    struct span value;     /* "AB:CD:..", as written */
};

struct sdp_media {
    enum sdp_kind kind;
    struct span kind_text; /* as written in the m-line */
    uint16_t port;
    struct span protocol; /* "UDP/TLS/RTP/SAVPF" */
    struct span formats;  /* the rest of the m-line, as written */
    struct span mid;      /* at == NULL: none */
    enum sdp_direction direction;
    bool bundle_only;
    bool rtcp_mux;
    bool rtcp_rsize;
    struct span ice_ufrag; /* own, or inherited from the session; at == NULL: none */
    struct span ice_pwd;
    struct sdp_fingerprint fingerprint;
    enum sdp_setup setup;
    struct span msid_stream; /* a=msid; at == NULL: none */
    struct span msid_track;
    size_t codec_count;
    struct sdp_codec codecs[LIMIT_SDP_CODECS];
    size_t extension_count;
    struct sdp_extension extensions[LIMIT_SDP_EXTENSIONS];
    size_t ssrc_count;
    struct sdp_ssrc ssrcs[LIMIT_SDP_SSRCS];
    size_t rid_count; /* a=rid ... send, in the order of a=simulcast where given */
    struct span rids[4];
};

struct sdp {
    struct span origin; /* the o= line's value */
    bool has_bundle;
    struct span bundle; /* mids of the first a=group:BUNDLE, blank-separated */
    bool ice_lite;
    bool extmap_allow_mixed;
    size_t media_count;
    struct sdp_media *media; /* owned */
};

/** Parses an offer or an answer; `text` must outlive *ret. Both CRLF and LF end a line.
 *  0, ER_MALFORMED or ER_FULL (bounds of limits.h), ER_NOMEM. `ret_why` (may be NULL) gets a static
 *  sentence for the caller's error message. */
int sdp_parse(const char *text, size_t len, struct sdp **ret, const char **ret_why);
void sdp_free(struct sdp *s);

/** The codec with this payload type, or NULL. */
const struct sdp_codec *sdp_find_codec(const struct sdp_media *m, uint8_t payload_type);
/** A parameter of an fmtp ("apt" of "apt=96;x=y"); at == NULL when absent. */
struct span sdp_fmtp_get(struct span fmtp, const char *name);

#endif
