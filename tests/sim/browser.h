// SPDX-License-Identifier: Apache-2.0
/* A fake browser, sans-IO: offers, does full ICE for one candidate pair, DTLS and SRTP for real,
 * publishes synthetic tracks and plays what it receives. Plainly it sends at a steady rate and notes
 * when frames are whole; as a real one (`real`) its encoders follow the feedback it gets, and it asks
 * and plays as libwebrtc does. Bytes and the time come in, datagrams go out by a callback; attach.h
 * ties it to the virtual network. */
#ifndef LOUPE_TESTS_SIM_BROWSER_H
#define LOUPE_TESTS_SIM_BROWSER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/entropy.h"
#include "media/peer/dtls.h"
#include "media/peer/srtp.h"
#include "media/wire/sdp.h"
#include "media/wire/twcc.h"
#include "tests/sim/congestion.h"
#include "tests/sim/receiver.h"
#include "tests/sim/sender.h"

/** Numbering of payload types and header extensions. */
enum browser_flavour { BROWSER_CHROMIUM, BROWSER_FIREFOX };

#define BROWSER_LINES 64
#define BROWSER_CHECKS 8 /* that may be under way at once */
#define BROWSER_ENCODINGS 3

typedef void browser_send_fn(void *ctx, const struct addr *to, const uint8_t *data, size_t len);

struct browser_config {
    const char *name; /* at most 15 letters and digits; goes into cname and msid */
    uint64_t seed;    /* differs between the browsers of one run */
    enum browser_flavour flavour;
    const struct dtls_identity *identity; /* outlives the browser */
    const char *srtp_profiles;            /* OpenSSL's names; NULL: what the identity offers */
    bool ipv6;                            /* which candidate it takes */
    bool big_hello; /* a ClientHello of two datagrams, as real browsers send */
    bool without_rtx;
    bool without_ssrcs; /* no a=ssrc lines: the other side must learn */
    bool without_transport_cc;
    uint64_t check_interval_us;   /* once connected; 0: 500 ms */
    uint32_t video_bps;           /* 0: 1,500,000 */
    uint32_t fps;                 /* 0: 30 */
    uint32_t key_interval_frames; /* 0: key frames only when asked for */
    uint64_t pace_us;             /* between packets of a frame; 0: 500 us */
    bool real;                    /* then video_bps is the most, and pace_us is not used */
    bool simulcast;               /* three encodings: q, h, f; only with `real` */
    uint8_t temporal_layers;      /* 0: 1; only with `real` */
    bool audio_nack;              /* offered for sound, too */
    uint16_t width, height;       /* of the camera; 0: 1280 x 720 */
    browser_send_fn *send;
    void *ctx;
};

/** One m-line. */
struct browser_line {
    enum media_kind kind;
    enum sdp_direction direction; /* what this side offers; stopped: inactive and port 0 */
    bool stopped;
    char mid[8];
    uint32_t ssrc;
    uint32_t rtx_ssrc;
    bool answered;
    bool rejected;
    enum sdp_direction answer; /* as the other side sees it */
    struct sender *sender;     /* NULL: not sending; of several encodings the lowest */
    struct sender *higher[BROWSER_ENCODINGS - 1]; /* NULL: no such encoding */
    uint32_t higher_ssrc[BROWSER_ENCODINGS - 1], higher_rtx_ssrc[BROWSER_ENCODINGS - 1];
    struct receiver *receiver; /* NULL: not receiving */
};

struct browser_stats {
    uint64_t datagrams_in;
    uint64_t datagrams_out;
    uint64_t srtp_errors;   /* packets that did not authenticate or were replayed */
    uint64_t stray_packets; /* of no SSRC in the answer */
    uint64_t malformed;
    uint64_t checks;
    uint64_t checks_answered;
    uint64_t transport_reports; /* transport-wide feedback received */
    uint64_t rembs;
    uint64_t reports; /* receiver report blocks received */
    uint8_t worst_fraction_lost;
};

struct browser {
    struct browser_config config;
    struct entropy_seeded seeded;
    struct entropy entropy;
    struct browser_stats stats;
    size_t line_count;
    struct browser_line lines[BROWSER_LINES];
    /* Signalling. */
    uint64_t session_id;
    uint64_t session_version;
    char ufrag[9];
    char pwd[25];
    char remote_ufrag[257];
    char remote_pwd[257];
    /* ICE. */
    struct addr remote; /* the candidate taken; port 0: none yet */
    uint64_t next_check_us;
    struct {
        uint64_t sent_us; /* 0: none */
        uint8_t transaction[12];
    } checks[BROWSER_CHECKS];
    bool paired;
    uint64_t rtt_us;
    uint64_t last_answer_us;
    /* DTLS and SRTP. */
    struct dtls *dtls;
    struct srtp_pair *srtp;
    uint64_t connected_us; /* 0: not yet */
    bool closed;
    /* RTP. */
    uint16_t transport_seq;
    bool transport_cc; /* feedback to give */
    uint8_t transport_cc_id;
    struct twcc_recorder recorder;
    uint64_t next_feedback_us;
    uint64_t next_report_us;
    /* As a real browser. */
    uint64_t now_us; /* of the last input */
    struct congestion congestion;
    struct sender_pace pace;
    bool number_given; /* the packet being sent has a transport-wide number */
    uint32_t
        hint_bps; /* the most that viewers can take, as the server told the page; 0: no limit */
    uint64_t rtcp_rtt_us; /* from reports; 0: unknown */
    double sound_loss;    /* share lost of what it sends, smoothed */
};

int browser_new(struct browser **ret, const struct browser_config *config);
void browser_free(struct browser *b);

/** Add an m-line for the next offer; its index. At most BROWSER_LINES. */
size_t browser_add_line(struct browser *b, enum media_kind kind, enum sdp_direction direction);
/** Direction for the next offer. */
void browser_set_direction(struct browser *b, size_t line, enum sdp_direction direction);
/** Port 0 in the next offer. */
void browser_stop_line(struct browser *b, size_t line);
/** New ICE credentials for the next offer. */
void browser_restart_ice(struct browser *b);
/** The caller frees *ret_text. */
int browser_offer(struct browser *b, char **ret_text);
/** The answer to the last offer. ER_MALFORMED with a static explanation when it is none that a
 *  browser would take. */
int browser_answer(struct browser *b, uint64_t now_us, const char *text, size_t len,
                   const char **ret_why);

void browser_input(struct browser *b, uint64_t now_us, const struct addr *from, const uint8_t *data,
                   size_t len);
uint64_t browser_deadline_us(const struct browser *b);
void browser_expire(struct browser *b, uint64_t now_us);
/** close_notify; silent from then on. */
void browser_close(struct browser *b, uint64_t now_us);
/** What the server told the page (publish_hint); 0: no limit. */
void browser_hint(struct browser *b, uint32_t bps, bool slideshow);
/** One of a line's senders, lowest encoding first; NULL. */
static inline struct sender *browser_sender(const struct browser_line *line, size_t encoding)
{
    return encoding == 0 ? line->sender : line->higher[encoding - 1];
}
static inline bool browser_is_connected(const struct browser *b)
{
    return b->srtp != NULL && !b->closed;
}

/** Microseconds since 1970 that sender reports tell for `now_us`. */
#define BROWSER_UNIX_US(now_us) (1700000000000000u + (now_us))

#endif
