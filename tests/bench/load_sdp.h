// SPDX-License-Identifier: Apache-2.0
/* Session descriptions of the load generator: offers of its own, answers to a server's offers, and
 * what it needs to know of the other side. */
#ifndef LOUPE_TESTS_BENCH_LOAD_SDP_H
#define LOUPE_TESTS_BENCH_LOAD_SDP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

#define LOAD_AUDIO_TYPE 111
#define LOAD_VIDEO_TYPE 96
#define LOAD_RTX_TYPE 97
#define LOAD_TRANSPORT_CC_ID 5

/** What a load peer says of itself. */
struct load_local {
    const char *ufrag;
    const char *pwd;
    const char *fingerprint;
    uint32_t audio_ssrc, video_ssrc, rtx_ssrc;
    bool transport_cc; /* numbers for and feedback of the whole transport */
    bool publish;      /* one audio and one video line, sendonly */
    unsigned receive;  /* pairs of audio and video lines, recvonly */
};

/** What it has to know of the server. */
struct load_remote {
    char ufrag[257];
    char pwd[257];
    char fingerprint[200];
    struct addr address;
    uint8_t transport_cc_id; /* 0: it does not want transport-wide numbers */
};

/** The caller frees the text. NULL without memory. */
char *load_sdp_offer(const struct load_local *local);
/** An answer that takes whatever `offer` sends. NULL when it cannot be read. */
char *load_sdp_answer(const struct load_local *local, const char *offer);
/** 0, or ER_MALFORMED when a part is missing. The first IPv4 UDP host candidate counts. */
int load_sdp_read(const char *sdp, struct load_remote *ret);

#endif
