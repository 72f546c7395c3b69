// SPDX-License-Identifier: Apache-2.0
/* Offer in, answer out (RFC 8829, 9429): what a client offers is matched with what we relay. The
 * server only ever answers. The result is a table of lines: per m-line the payload types, header
 * extension ids and SSRCs that this very peer uses. */
#ifndef LOUPE_MEDIA_PEER_NEGOTIATE_H
#define LOUPE_MEDIA_PEER_NEGOTIATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/entropy.h"
#include "base/limits.h"
#include "media/codec.h"
#include "media/wire/sdp.h"

#define LINE_MID_BYTES 33
#define LINE_LABEL_BYTES 65
#define LINE_RID_BYTES 17  /* longer ones do not fit a one-byte header extension */
#define LINE_ECHO_BYTES 48 /* of the offer's m-line, for the answer to echo */

/** Header extensions we understand; ids differ per peer and per line. 0: not negotiated. */
struct line_extensions {
    uint8_t mid;          /* urn:ietf:params:rtp-hdrext:sdes:mid */
    uint8_t rid;          /* ..:sdes:rtp-stream-id */
    uint8_t repaired_rid; /* ..:sdes:repaired-rtp-stream-id */
    uint8_t audio_level;  /* urn:ietf:params:rtp-hdrext:ssrc-audio-level */
    uint8_t abs_send_time;
    uint8_t transport_cc;
    uint8_t playout_delay;         /* ..webrtc.org/experiments/rtp-hdrext/playout-delay */
    uint8_t dependency_descriptor; /* ..av1-rtp-spec/#dependency-descriptor-rtp-header-extension */
};

#define LINE_PAYLOAD_NONE 0xff

/** RTCP feedback of one payload type. */
enum line_feedback {
    LINE_NACK = 1,
    LINE_NACK_PLI = 2,
    LINE_CCM_FIR = 4,
    LINE_REMB = 8,
    LINE_TRANSPORT_CC = 16,
};

/** What of an fmtp is echoed in the answer. */
struct line_format {
    uint32_t profile_level_id; /* H264 */
    bool level_asymmetry;      /* H264 */
    uint8_t level;             /* AV1: level-idx */
    uint8_t tier;              /* AV1 */
};

/** One m-line as agreed. */
struct line {
    enum media_kind kind;
    bool rejected;            /* answered with port 0 */
    bool receives;            /* the client sends to us here */
    bool sends;               /* we send to the client here */
    char mid[LINE_MID_BYTES]; /* ours to answer with; made up ("m0") when the offer had none */
    bool mid_offered;
    char label[LINE_LABEL_BYTES]; /* a=msid track id of what the client sends; "" if none */
    /* Payload types of the client's numbering, by codec; LINE_PAYLOAD_NONE: not agreed. */
    uint8_t payload_type[CODEC_COUNT];
    uint8_t rtx_payload_type[CODEC_COUNT];
    /* As which agreed codec a stream of another can be sent to the client; CODEC_NONE: not at all. */
    uint8_t send_as[CODEC_COUNT];
    uint32_t send_codecs;          /* bits of those that can */
    uint8_t feedback[CODEC_COUNT]; /* enum line_feedback */
    struct line_format parameters[CODEC_COUNT];
    struct line_extensions extensions;
    unsigned extensions_received; /* bits of those, in our table, that only the client sends */
    bool nack;                    /* agreed for any of the line's codecs, as the next two */
    bool transport_cc;
    bool remb;
    /* Simulcast: the streams that the client sends here, in the order of its offer, of which the first
     * is taken for the lowest until pictures tell. None: the one stream of the line has no name. */
    size_t rid_count;
    char rids[LIMIT_ENCODINGS][LINE_RID_BYTES];
    bool rids_changed; /* since the offer before */
    /* What the client announced to send with; 0: to be learnt from mid or the only fitting line. */
    uint32_t remote_ssrc;
    uint32_t remote_rtx_ssrc;
    /* What we send with; stays the same over renegotiations. 0 when we do not send. */
    uint32_t local_ssrc;
    uint32_t local_rtx_ssrc;
    /* For writing the answer. */
    char kind_text[16];
    char protocol[LINE_ECHO_BYTES];
    char format[LINE_ECHO_BYTES]; /* the offer's first */
    bool rtcp_rsize;
    bool stereo;
};

/** What this peer may do. */
struct negotiate_rules {
    bool may_publish; /* else the client's sending is answered with inactive or recvonly off */
    bool may_subscribe;
    uint32_t max_published; /* further sending lines are refused; 0: LIMIT_TRACKS_PER_PEER */
    uint32_t prefer;        /* bits of the codecs to ask publishers for before all others */
};

/** The agreed state of one peer; survives renegotiation. */
struct negotiation {
    size_t line_count;
    struct line *lines;  /* owned */
    uint64_t session_id; /* o= line */
    uint64_t session_version;
    char cname[17];
    char remote_ufrag[257]; /* of the last offer */
    char remote_pwd[257];
    char fingerprint_algorithm[16];
    char fingerprint[200];
    bool ice_restarted; /* the last offer changed ufrag or pwd */
    bool bundled;       /* answer with a BUNDLE group */
    bool extmap_allow_mixed;
    uint32_t prefer; /* of the rules */
};

/** The payload type under which a stream of `codec` is sent to the client, and that of its
 *  retransmissions; LINE_PAYLOAD_NONE: it is not. */
static inline uint8_t line_send_type(const struct line *line, unsigned codec)
{
    unsigned as = line->send_as[codec];
    return as < CODEC_COUNT ? line->payload_type[as] : LINE_PAYLOAD_NONE;
}
static inline uint8_t line_send_rtx_type(const struct line *line, unsigned codec)
{
    unsigned as = line->send_as[codec];
    return as < CODEC_COUNT ? line->rtx_payload_type[as] : LINE_PAYLOAD_NONE;
}

/** Its place among the line's rids, or -1. */
int line_find_rid(const struct line *line, const uint8_t *name, size_t len);

void negotiation_init(struct negotiation *n, const struct entropy *entropy);
void negotiation_clear(struct negotiation *n);
/** A deep copy into uninitialised memory, to try an offer on. 0 or ER_NOMEM. */
int negotiation_copy(struct negotiation *ret, const struct negotiation *n);

/** Match an offer and update `n`; on an error `n` is unchanged and `ret_why` (may be NULL) says in a
 *  sentence what was wrong (static text). ER_MALFORMED: not SDP, or m-lines changed order or kind
 *  since the last offer. ER_UNSUPPORTED: no rtcp-mux, no BUNDLE for several lines, no usable DTLS
 *  fingerprint, setup that leaves us no passive role, ICE-lite there too, or nothing in it that we
 *  can relay. ER_FULL: too long or too many lines. ER_NOMEM.
 *  A line stopped by the client (port 0) is rejected and may come back as another kind. A line that
 *  stops and starts sending gets new local SSRCs; so does one of pictures without RTX whose payload
 *  types or extension ids change. */
int negotiate_offer(struct negotiation *n, const struct negotiate_rules *rules,
                    const struct entropy *entropy, const char *offer, size_t len,
                    const char **ret_why);

/** What the answer says besides the lines. */
struct answer_transport {
    const char *ice_ufrag;
    const char *ice_pwd;
    const char *fingerprint;       /* ours, SHA-256 */
    const struct addr *candidates; /* host candidates, best first */
    size_t candidate_count;
    const struct addr *tcp_candidates; /* the same over TCP, passive (RFC 6544) */
    size_t tcp_candidate_count;
};

/** Write the answer to the last offer: ICE-lite, setup:passive, one BUNDLE group, rtcp-mux,
 *  end-of-candidates. Sending lines carry a=msid:<stream> and a=ssrc with cname. The caller frees
 *  *ret_answer. */
int negotiate_answer(const struct negotiation *n, const struct answer_transport *transport,
                     char **ret_answer);

#endif
