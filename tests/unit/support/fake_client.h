// SPDX-License-Identifier: Apache-2.0
/* A client that really does ICE, DTLS and SRTP with a fake_hub's hub, in virtual time. */
#ifndef LOUPE_TESTS_UNIT_SUPPORT_FAKE_CLIENT_H
#define LOUPE_TESTS_UNIT_SUPPORT_FAKE_CLIENT_H

#include "media/peer/dtls.h"
#include "media/peer/srtp.h"
#include "media/wire/rtcp.h"
#include "media/wire/rtp.h"
#include "tests/unit/support/fake_hub.h"

#define FAKE_CLIENT_LINES 8

enum { FAKE_EXT_LEVEL = 1, FAKE_EXT_TWCC = 3, FAKE_EXT_MID = 4, FAKE_EXT_DESCRIPTOR = 9 };
enum { FAKE_PT_OPUS = 111, FAKE_PT_VP8 = 96, FAKE_PT_RTX = 97, FAKE_PT_VP9 = 98, FAKE_PT_RED = 63 };

/** Which codecs of pictures a client offers. */
enum fake_video { FAKE_VP8, FAKE_VP8_AND_VP9, FAKE_VP9 };

struct fake_rtp {
    uint64_t at_us;
    uint32_t ssrc, timestamp;
    uint16_t seq;
    uint16_t payload_len;
    uint8_t payload_type;
    bool marker;
    char mid[8];            /* "" without */
    int audio_level;        /* -1 without */
    uint8_t descriptor_len; /* of the dependency descriptor, and its beginning */
    uint8_t descriptor[3];
    uint16_t rtx_of; /* the original number, of a retransmission */
    uint8_t head[2]; /* of the payload */
};

struct fake_client {
    struct fake_hub *net;
    struct media_peer_config config;
    struct path at; /* where it sends from and is sent to */
    struct dtls *dtls;
    struct srtp_pair *srtp; /* NULL until connected */
    char remote_ufrag[64], remote_pwd[64], remote_fingerprint[DTLS_FINGERPRINT_BYTES];
    const char *ufrag;
    enum fake_video video; /* set it before the first offer */
    uint32_t ssrc[FAKE_CLIENT_LINES], rtx_ssrc[FAKE_CLIENT_LINES]; /* of its lines */
    char kind[FAKE_CLIENT_LINES];
    bool sends[FAKE_CLIENT_LINES];
    uint16_t next_seq[FAKE_CLIENT_LINES]; /* of fake_client_stream */
    uint32_t next_timestamp[FAKE_CLIENT_LINES];
    uint16_t rtx_seq;
    uint16_t transport_seq;
    unsigned stun_answers, stun_errors, unreadable;
    unsigned senders, receivers, plis, nacks, twccs; /* RTCP seen */
    struct rtcp_sender_info sender;                  /* the last SR */
    struct rtcp_report report;                       /* the last block of an SR or RR */
    uint32_t pli_ssrc;
    uint16_t nacked[64]; /* of the last NACK */
    size_t nacked_count;
    size_t rtp_count; /* the last 512 are kept */
    struct fake_rtp rtp[512];
};

/** Of the room; `peer` numbers it, gives it its address 198.51.100.<peer>:5000 and SSRCs. */
struct fake_client *fake_client_new(struct fake_hub *f, uint64_t peer, const char *identity);
void fake_client_free(struct fake_client *c);

/** Offer lines: each word is a kind (a, v) and a direction (s send, r receive, b both, x none, 0
 *  stopped), say "as vs vr". The first time the peer is added. True when it was answered. */
bool fake_client_offer(struct fake_client *c, const char *lines, const struct media_want *wants,
                       size_t want_count);
/** The offer's text alone. */
void fake_client_write_offer(const struct fake_client *c, const char *lines, char *ret,
                             size_t size);
/** A nominating check from an address. */
void fake_client_check_from(struct fake_client *c, const struct path *from);
/** Check, handshake, keys, and on to when media begin. Fails the test when it does not connect. */
void fake_client_connect(struct fake_client *c);
/** new, offer, connect. */
struct fake_client *fake_client_join(struct fake_hub *f, uint64_t peer, const char *identity,
                                     const char *lines);
struct path fake_client_path(const char *ip, uint16_t port);

/** Bytes for the hub from the client's address, copied. */
void fake_client_send(struct fake_client *c, const struct path *from, const uint8_t *data,
                      size_t len);
enum fake_media {
    FAKE_MEDIA_KEY = 1,
    FAKE_MEDIA_RTX = 2,
    FAKE_MEDIA_NO_MID = 4,
    FAKE_MEDIA_VP9 = 8, /* a key frame */
    FAKE_MEDIA_DESCRIPTOR = 16,
    FAKE_MEDIA_RED = 32 /* sound with the packet before it */
};
/** A protected packet of a line: a whole picture, or 20 ms of sound. */
void fake_client_media(struct fake_client *c, size_t line, uint16_t seq, uint32_t timestamp,
                       unsigned flags);
/** The same without sending it: its length. */
size_t fake_client_write_media(struct fake_client *c, size_t line, uint16_t seq, uint32_t timestamp,
                               unsigned flags, uint8_t ret[LIMIT_DATAGRAM]);
/** Protects and sends what was written. */
void fake_client_rtcp(struct fake_client *c, const struct wr *w);
/** `seconds` of live media on each sending line: 50 packets of sound, 25 pictures (a key frame
 *  first), and checks, while the hub runs. */
void fake_client_stream(struct fake_client *c, double seconds);

/** For fake_hub.c. */
void fake_client_datagram(struct fake_client *c, uint8_t *data, size_t len);

#endif
