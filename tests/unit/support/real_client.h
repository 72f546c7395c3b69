// SPDX-License-Identifier: Apache-2.0
/* A client on a real loopback socket, UDP or TCP: check, handshake, media. It waits by poll, with a bound. */
#ifndef LOUPE_TESTS_UNIT_SUPPORT_REAL_CLIENT_H
#define LOUPE_TESTS_UNIT_SUPPORT_REAL_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "media/peer/dtls.h"
#include "media/peer/srtp.h"
#include "media/wire/framing.h"

struct real_client {
    int fd;
    bool tcp;
    const char *ip;    /* of the server */
    struct framing in; /* of TCP */
    struct dtls_identity *identity;
    struct dtls *dtls;
    struct srtp_pair *srtp;
    uint32_t video_ssrc;
    uint16_t seq;
    size_t rtp_count, rtcp_count, stun_count; /* received and authentic */
};

/** A socket and a certificate. */
void real_client_open(struct real_client *c);
/** One that reaches the server at this address of loopback, by the first candidate over UDP or TCP. */
void real_client_open_at(struct real_client *c, const char *ip, bool tcp);
void real_client_close(struct real_client *c);
/** What Chromium would offer: sound and picture, `direction` both ("sendonly", ..). To free(). */
char *real_client_offer(const struct real_client *c, const char *direction);
/** Check and handshake with the first candidate of an answer; fails the test after 5 seconds. */
void real_client_connect(struct real_client *c, const char *answer);
/** The port of an answer's first candidate. */
uint16_t real_client_answer_port(const char *answer);
/** One whole VP8 picture (a key frame's header, or nothing much) at this timestamp. */
void real_client_picture(struct real_client *c, uint32_t timestamp, bool key);
/** Raw bytes to the server it is connected to. */
void real_client_send(struct real_client *c, const void *data, size_t len);
/** Takes what is there, or comes within a moment. */
void real_client_poll(struct real_client *c);
/** Waits until `*count` (one of the above) reached `wanted`; fails the test after 5 seconds. */
void real_client_wait(struct real_client *c, const size_t *count, size_t wanted);

#endif
