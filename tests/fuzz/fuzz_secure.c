// SPDX-License-Identifier: Apache-2.0
/* What comes encrypted: SRTP and SRTCP under GCM, and DTLS alerts. Noise must be refused; what we seal
 * must open again as it was. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "media/peer/dtls_alerts.h"
#include "media/peer/srtp_gcm.h"

#define SPARE 32

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct ends {
    struct srtp_gcm *out, *in;
};

static struct ends ends_open(void)
{
    static const uint8_t key[28] = {1, 2, 3};
    struct ends e = {0};
    if (srtp_gcm_new(&e.out, key, sizeof key, true) || srtp_gcm_new(&e.in, key, sizeof key, false))
        abort();
    return e;
}

/** Packets that nobody with the key has made. */
static void take_noise(struct ends *e, const uint8_t *data, size_t size)
{
    uint8_t copy[LIMIT_DATAGRAM];
    size_t len = size;
    memcpy(copy, data, size);
    if (srtp_gcm_open_rtp(e->in, copy, &len) == 0)
        abort();
    memcpy(copy, data, size);
    len = size;
    if (srtp_gcm_open_rtcp(e->in, copy, &len) == 0)
        abort();
}

static void go_and_return(struct ends *e, const uint8_t *data, size_t size)
{
    uint8_t packet[LIMIT_DATAGRAM + SPARE];
    size_t len = size, header = srtp_gcm_header_length(data, size);
    if (header > 0) {
        size_t head = (size - header) / 3;
        const struct srtp_payload payload = {.head = data + header,
                                             .head_len = head,
                                             .body = data + header + head,
                                             .body_len = size - header - head};
        memcpy(packet, data, header);
        if (srtp_gcm_seal_rtp(e->out, packet, header, &payload, &len) ||
            srtp_gcm_open_rtp(e->in, packet, &len) || len != size || memcmp(packet, data, size))
            abort();
    }
    if (size >= 8 && data[0] >> 6 == 2) {
        memcpy(packet, data, size);
        len = size;
        if (srtp_gcm_seal_rtcp(e->out, packet, &len) || srtp_gcm_open_rtcp(e->in, packet, &len) ||
            len != size || memcmp(packet, data, size))
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct dtls_alerts alerts = {.key_len = 16, .key = {1, 2, 3}, .iv = {4}};
    if (size > LIMIT_DATAGRAM)
        return 0;
    struct ends e = ends_open();
    take_noise(&e, data, size);
    go_and_return(&e, data, size);
    srtp_gcm_free(e.out);
    srtp_gcm_free(e.in);
    if (dtls_alerts_end(&alerts, data, size))
        abort();
    return 0;
}
