// SPDX-License-Identifier: Apache-2.0
/* Encrypt and send, as fast as it goes. */
#include "tests/bench/limit.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/udp.h>
#include <openssl/evp.h>
#include <srtp2/srtp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/er.h"
#include "base/str.h"
#include "tests/bench/load_socket.h"

#define BURST 10         /* packets of a frame */
#define VIDEO_BYTES 1053 /* header and payload: 2.5 Mbit/s at 30 frames a second */
#define AUDIO_BYTES 112
#define HEADER_BYTES 12
#define TAG_BYTES 16
#define SLOT_BYTES 1280
#define BATCH 8 /* viewers to one sendmmsg: what is encrypted is still in the cache */
#define AUDIO_BATCH 64
#define FRAMES_A_ROUND 3 /* three frames last as long as five Opus packets */
#define AUDIO_A_ROUND 5

struct limit_viewer {
    srtp_t srtp;
    EVP_CIPHER_CTX *evp;
    uint8_t salt[12];
    uint16_t seq;
    struct sockaddr_in to;
};

struct limit {
    struct addr address;
    size_t count;
    uint64_t seconds;
    bool evp, plain, video_only;
    int fd;
    struct limit_viewer *viewers;
    uint64_t packets, refused;
    uint8_t data[BATCH * BURST][SLOT_BYTES];
    struct mmsghdr messages[BATCH * BURST];
    struct iovec parts[BATCH * BURST];
    uint8_t control[BATCH][CMSG_SPACE(sizeof(uint16_t))];
};

/* Encrypting */

static int viewer_open(struct limit *l, struct limit_viewer *v, size_t index)
{
    uint8_t key[28];
    for (size_t i = 0; i < sizeof key; i++)
        key[i] = (uint8_t)(i * 7 + index);
    struct sockaddr_storage sa;
    struct addr to = l->address;
    to.port = (uint16_t)(to.port + index);
    (void)addr_to_sockaddr(&to, false, &sa);
    memcpy(&v->to, &sa, sizeof v->to);
    if (l->evp) {
        memcpy(v->salt, key + 16, sizeof v->salt);
        v->evp = EVP_CIPHER_CTX_new();
        bool ok = v->evp && EVP_EncryptInit_ex(v->evp, EVP_aes_128_gcm(), NULL, key, NULL) == 1;
        return ok ? 0 : ER_INTERNAL;
    }
    srtp_policy_t policy;
    memset(&policy, 0, sizeof policy);
    srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtp);
    srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtcp);
    policy.ssrc.type = ssrc_any_outbound;
    policy.key = key;
    policy.window_size = 1024;
    return srtp_create(&v->srtp, &policy) == srtp_err_status_ok ? 0 : ER_INTERNAL;
}

static void protect_evp(struct limit_viewer *v, uint8_t *packet, size_t len)
{
    uint8_t iv[12];
    int n;
    memcpy(iv, v->salt, sizeof iv);
    for (size_t i = 0; i < 4; i++)
        iv[2 + i] ^= packet[8 + i];
    iv[10] ^= packet[2];
    iv[11] ^= packet[3];
    (void)EVP_EncryptInit_ex(v->evp, NULL, NULL, NULL, iv);
    (void)EVP_EncryptUpdate(v->evp, NULL, &n, packet, HEADER_BYTES);
    (void)EVP_EncryptUpdate(v->evp, packet + HEADER_BYTES, &n, packet + HEADER_BYTES,
                            (int)(len - HEADER_BYTES));
    (void)EVP_EncryptFinal_ex(v->evp, packet + len, &n);
    (void)EVP_CIPHER_CTX_ctrl(v->evp, EVP_CTRL_AEAD_GET_TAG, TAG_BYTES, packet + len);
}

/** Its length on the wire. */
static size_t make_packet(struct limit *l, struct limit_viewer *v, uint8_t *packet, size_t len)
{
    int n = (int)len;
    packet[0] = 0x80;
    packet[1] = len > AUDIO_BYTES ? 96 : 111;
    put_u16(packet + 2, v->seq++);
    put_u32(packet + 4, (uint32_t)l->packets);
    put_u32(packet + 8, 0x12345678u);
    if (l->evp)
        protect_evp(v, packet, len);
    else
        (void)srtp_protect(v->srtp, packet, &n);
    return len + TAG_BYTES;
}

/* Sending */

static void flush(struct limit *l, size_t count)
{
    size_t sent = 0;
    while (sent < count) {
        int n = sendmmsg(l->fd, &l->messages[sent], (unsigned)(count - sent), 0);
        if (n > 0) {
            sent += (size_t)n;
        } else if (errno != EINTR) {
            sent++;
            l->refused++;
        }
    }
}

static void prepare(struct limit *l, size_t at, struct limit_viewer *v, size_t parts, size_t bytes)
{
    struct msghdr *hdr = &l->messages[at].msg_hdr;
    size_t first = (size_t)(parts > 1 ? BURST : 1) * at;
    *hdr = (struct msghdr){.msg_name = &v->to,
                           .msg_namelen = sizeof v->to,
                           .msg_iov = &l->parts[first],
                           .msg_iovlen = parts};
    for (size_t i = 0; i < parts; i++)
        l->parts[first + i] = (struct iovec){
            .iov_base = l->data[first + i],
            .iov_len = make_packet(l, v, l->data[first + i], bytes)};
    l->packets += parts;
    if (parts == 1)
        return;
    uint16_t segment = (uint16_t)(bytes + TAG_BYTES);
    hdr->msg_control = l->control[at];
    hdr->msg_controllen = sizeof l->control[at];
    struct cmsghdr *c = CMSG_FIRSTHDR(hdr);
    c->cmsg_level = SOL_UDP;
    c->cmsg_type = UDP_SEGMENT;
    c->cmsg_len = CMSG_LEN(sizeof segment);
    memcpy(CMSG_DATA(c), &segment, sizeof segment);
}

static void send_frame(struct limit *l)
{
    for (size_t i = 0; i < l->count; i += BATCH) {
        size_t viewers = l->count - i < BATCH ? l->count - i : BATCH;
        size_t used = 0;
        for (size_t j = 0; j < viewers; j++) {
            if (!l->plain)
                prepare(l, used++, &l->viewers[i + j], BURST, VIDEO_BYTES);
            for (size_t k = 0; l->plain && k < BURST; k++)
                prepare(l, used++, &l->viewers[i + j], 1, VIDEO_BYTES);
        }
        flush(l, used);
    }
}

static void send_audio(struct limit *l)
{
    for (size_t i = 0; i < l->count; i += AUDIO_BATCH) {
        size_t viewers = l->count - i < AUDIO_BATCH ? l->count - i : AUDIO_BATCH;
        for (size_t j = 0; j < viewers; j++)
            prepare(l, j, &l->viewers[i + j], 1, AUDIO_BYTES);
        flush(l, viewers);
    }
}

static void send_round(struct limit *l)
{
    for (int i = 0; i < FRAMES_A_ROUND; i++)
        send_frame(l);
    for (int i = 0; !l->video_only && i < AUDIO_A_ROUND; i++)
        send_audio(l);
}

static double cpu_seconds(void)
{
    struct rusage used;
    (void)getrusage(RUSAGE_SELF, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

static void run(struct limit *l)
{
    uint64_t end_us = clock_now_us() + 300000; /* warm up */
    while (clock_now_us() < end_us)
        send_round(l);
    l->packets = l->refused = 0;
    double cpu = cpu_seconds();
    uint64_t start_us = clock_now_us();
    end_us = start_us + l->seconds * 1000000;
    while (clock_now_us() < end_us)
        send_round(l);
    cpu = cpu_seconds() - cpu;
    printf("{\"packets\":%llu,\"refused\":%llu,\"cpu_seconds\":%.4f,\"seconds\":%.4f}\n",
           (unsigned long long)l->packets, (unsigned long long)l->refused, cpu,
           (double)(clock_now_us() - start_us) / 1e6);
}

static int number(const char *text, uint64_t max, uint64_t *ret)
{
    return span_u64(span_of(text), max, ret);
}

static int limit_read(struct limit *l, int argc, char **argv)
{
    uint64_t port, count;
    if (argc < 4 || number(argv[1], 65535, &port) != 0 || number(argv[2], 8192, &count) != 0 ||
        number(argv[3], 3600, &l->seconds) != 0 || count == 0)
        return ER_INVALID;
    l->count = (size_t)count;
    for (int i = 4; i < argc; i++) {
        l->evp |= strcmp(argv[i], "evp") == 0;
        l->plain |= strcmp(argv[i], "plain") == 0;
        l->video_only |= strcmp(argv[i], "video") == 0;
    }
    return addr_parse_ip(argv[0], (uint16_t)port, &l->address);
}

int limit_main(int argc, char **argv)
{
    struct limit *l = calloc(1, sizeof *l);
    if (!l || limit_read(l, argc, argv) != 0 || srtp_init() != srtp_err_status_ok)
        return 2;
    l->viewers = calloc(l->count, sizeof *l->viewers);
    l->fd = load_socket_open(false, false);
    int er = l->viewers && l->fd >= 0 && fcntl(l->fd, F_SETFL, 0) == 0 ? 0 : ER_IO;
    for (size_t i = 0; er == 0 && i < l->count; i++)
        er = viewer_open(l, &l->viewers[i], i);
    if (er == 0)
        run(l);
    for (size_t i = 0; l->viewers && i < l->count; i++) {
        EVP_CIPHER_CTX_free(l->viewers[i].evp);
        if (l->viewers[i].srtp)
            srtp_dealloc(l->viewers[i].srtp);
    }
    free(l->viewers);
    free(l);
    return er == 0 ? 0 : 1;
}
