// SPDX-License-Identifier: Apache-2.0
/* One DTLS association. OpenSSL sees a BIO that gives one datagram at a time and collects what is
 * written; its own retransmission timer is set so far ahead that it never fires. Repeating is done
 * here, on the caller's clock, with the very records of the last flight: one that had arrived is a
 * replay to the other side and dropped there, one that was lost fills the hole. */
#include "media/peer/dtls.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/srtp.h>
#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "base/limits.h"
#include "media/peer/dtls_alerts.h"
#include "media/peer/dtls_identity.h"

#define DTLS_REPEAT_FIRST_US 100000u
#define DTLS_REPEAT_MAX_US 2000000u
#define DTLS_GIVE_UP_US 20000000u
#define DTLS_ECHO_US 50000u               /* the final flight goes out again this often at most */
#define DTLS_OPENSSL_TIMER_US 3600000000u /* an hour: never within a handshake */
#define DTLS_FLIGHT_DATAGRAMS 32
#define DTLS_NEVER UINT64_MAX

/* First byte of a DTLS record. */
enum { RECORD_CHANGE_CIPHER = 20, RECORD_HANDSHAKE = 22, RECORD_APPLICATION = 23 };

/** The datagrams put out since the other side last made us say something new. */
struct dtls_flight {
    size_t count;
    size_t unsent; /* index of the next one for dtls_output */
    size_t used;
    bool closed; /* the next write begins a new flight */
    uint16_t lens[DTLS_FLIGHT_DATAGRAMS];
    uint8_t *bytes; /* LIMIT_DTLS_FLIGHT; less once retired */
};

struct dtls {
    SSL *ssl; /* NULL once retired; then these stand in for it: */
    struct srtp_keys keys;
    struct dtls_alerts alerts;
    size_t goodbye_len; /* of the close_notify that lies behind the last flight */
    bool server;
    bool wrote;      /* OpenSSL wrote something during this call */
    bool overflowed; /* a flight larger than its bound */
    bool mismatched; /* the certificate was not the announced one */
    enum dtls_state state;
    const uint8_t *in; /* the datagram being read */
    size_t in_len;
    const EVP_MD *digest;
    size_t expected_len;
    uint8_t expected[EVP_MAX_MD_SIZE];
    uint64_t started_us; /* 0: nothing happened yet */
    uint64_t repeat_at_us;
    uint64_t repeat_after_us;
    uint64_t echoed_us;
    size_t next_offset; /* of the datagram for dtls_output within the flight */
    struct dtls_flight flight;
};

/* The BIO. */

static int bio_read(BIO *bio, char *buf, int size)
{
    struct dtls *d = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (!d->in || size <= 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    size_t n = d->in_len < (size_t)size ? d->in_len : (size_t)size;
    memcpy(buf, d->in, n);
    d->in = NULL; /* as with a socket, what did not fit is lost */
    return (int)n;
}

static int bio_write(BIO *bio, const char *buf, int len)
{
    struct dtls *d = BIO_get_data(bio);
    struct dtls_flight *f = &d->flight;
    BIO_clear_retry_flags(bio);
    d->wrote = true;
    if (f->closed && f->unsent == f->count) {
        f->count = f->unsent = f->used = 0;
        d->next_offset = 0;
    }
    f->closed = false;
    if (len <= 0 || f->count == DTLS_FLIGHT_DATAGRAMS ||
        (size_t)len > LIMIT_DTLS_FLIGHT - f->used) {
        d->overflowed = true;
        return len;
    }
    memcpy(f->bytes + f->used, buf, (size_t)len);
    f->lens[f->count++] = (uint16_t)len;
    f->used += (size_t)len;
    return len;
}

static long bio_ctrl(BIO *bio, int cmd, long num, void *ptr)
{
    (void)bio;
    (void)num;
    (void)ptr;
    switch (cmd) {
    case BIO_CTRL_FLUSH:
    case BIO_CTRL_DUP:
        return 1;
    case BIO_CTRL_DGRAM_QUERY_MTU:
    case BIO_CTRL_DGRAM_GET_MTU:
    case BIO_CTRL_DGRAM_GET_FALLBACK_MTU:
        return LIMIT_DTLS_MTU;
    default:
        return 0;
    }
}

static int bio_create(BIO *bio)
{
    BIO_set_init(bio, 1);
    return 1;
}

BIO_METHOD *dtls_bio_method_new(void)
{
    BIO_METHOD *m = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "loupe datagrams");
    if (!m)
        return NULL;
    if (BIO_meth_set_read(m, bio_read) && BIO_meth_set_write(m, bio_write) &&
        BIO_meth_set_ctrl(m, bio_ctrl) && BIO_meth_set_create(m, bio_create))
        return m;
    BIO_meth_free(m);
    return NULL;
}

int dtls_verify_certificate(X509_STORE_CTX *store, void *unused)
{
    (void)unused;
    SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct dtls *d = ssl ? SSL_get_app_data(ssl) : NULL;
    X509 *certificate = X509_STORE_CTX_get0_cert(store);
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    if (d && certificate && X509_digest(certificate, d->digest, digest, &len) &&
        len == d->expected_len && memcmp(digest, d->expected, len) == 0)
        return 1;
    if (d)
        d->mismatched = true;
    X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED); /* alert bad_certificate */
    return 0;
}

static unsigned int never_repeat(SSL *ssl, unsigned int timer_us)
{
    (void)ssl;
    (void)timer_us;
    return DTLS_OPENSSL_TIMER_US;
}

/* The expected fingerprint (RFC 8122): colons between pairs of hexadecimal digits. */
static int expect_fingerprint(struct dtls *d, struct span algorithm, struct span text)
{
    static const struct {
        const char *name;
        const EVP_MD *(*digest)(void);
        size_t len;
    } table[] = {
        {"sha-256", EVP_sha256, 32},
        {"sha-384", EVP_sha384, 48},
        {"sha-512", EVP_sha512, 64},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (!span_equal_nocase(algorithm, table[i].name))
            continue;
        d->digest = table[i].digest();
        d->expected_len = table[i].len;
        if (text.len != table[i].len * 3 - 1)
            return ER_MALFORMED;
        for (size_t k = 0; k < table[i].len; k++) {
            const char *at = text.at + k * 3;
            if (hex_decode(&d->expected[k], 1, (struct span){at, 2}) ||
                (k + 1 < table[i].len && at[2] != ':'))
                return ER_MALFORMED;
        }
        return 0;
    }
    return ER_UNSUPPORTED;
}

static int dtls_open(struct dtls *d, const struct dtls_identity *id)
{
    d->ssl = SSL_new(id->context);
    BIO *bio = BIO_new(id->bio_method);
    if (!d->ssl || !bio) {
        BIO_free(bio);
        return ER_NOMEM;
    }
    BIO_set_data(bio, d);
    SSL_set_bio(d->ssl, bio, bio);
    SSL_set_app_data(d->ssl, d);
    if (!DTLS_set_link_mtu(d->ssl, LIMIT_DTLS_MTU))
        return ER_INTERNAL;
    DTLS_set_timer_cb(d->ssl, never_repeat);
    if (d->server)
        SSL_set_accept_state(d->ssl);
    else
        SSL_set_connect_state(d->ssl);
    return 0;
}

int dtls_new(struct dtls **ret, const struct dtls_identity *id, bool server,
             struct span fingerprint_algorithm, struct span fingerprint)
{
    *ret = NULL;
    struct dtls *d = calloc(1, sizeof *d);
    if (!d)
        return ER_NOMEM;
    d->server = server;
    d->flight.closed = true;
    d->flight.bytes = malloc(LIMIT_DTLS_FLIGHT);
    int er = d->flight.bytes ? expect_fingerprint(d, fingerprint_algorithm, fingerprint) : ER_NOMEM;
    if (!er)
        er = dtls_open(d, id);
    ERR_clear_error();
    if (er) {
        dtls_free(d);
        return er;
    }
    *ret = d;
    return 0;
}

void dtls_free(struct dtls *d)
{
    if (!d)
        return;
    SSL_free(d->ssl);
    free(d->flight.bytes);
    OPENSSL_cleanse(d, sizeof *d);
    free(d);
}

/* The handshake is done: are these the parameters we can live with? */
static bool dtls_is_acceptable(const struct dtls *d)
{
    return SSL_get_selected_srtp_profile(d->ssl) != NULL && SSL_get0_peer_certificate(d->ssl) &&
           !d->mismatched;
}

/* RFC 5764, 4.2: client key, server key, client salt, server salt. */
static int export_keys(SSL *ssl, struct srtp_keys *ret)
{
    static const struct {
        enum srtp_profile profile;
        size_t key;
        size_t salt;
    } table[] = {
        {SRTP_PROFILE_AES128_CM_SHA1_80, 16, 14},
        {SRTP_PROFILE_AEAD_AES_128_GCM, 16, 12},
        {SRTP_PROFILE_AEAD_AES_256_GCM, 32, 12},
    };
    static const char label[] = "EXTRACTOR-dtls_srtp";
    unsigned long chosen = SSL_get_selected_srtp_profile(ssl)->id;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        size_t key = table[i].key, salt = table[i].salt;
        uint8_t material[2 * sizeof ret->client];
        if (table[i].profile != chosen)
            continue;
        if (SSL_export_keying_material(ssl, material, 2 * (key + salt), label, sizeof label - 1,
                                       NULL, 0, 0) != 1) {
            ERR_clear_error();
            return ER_INTERNAL;
        }
        ret->profile = table[i].profile;
        ret->len = key + salt;
        memcpy(ret->client, material, key);
        memcpy(ret->server, material + key, key);
        memcpy(ret->client + key, material + 2 * key, salt);
        memcpy(ret->server + key, material + 2 * key + salt, salt);
        OPENSSL_cleanse(material, sizeof material);
        return 0;
    }
    return ER_UNSUPPORTED;
}

/* Let OpenSSL work on what bio_read gives. */
static void dtls_advance(struct dtls *d)
{
    ERR_clear_error();
    if (d->state == DTLS_HANDSHAKE) {
        int done = SSL_do_handshake(d->ssl);
        if (done == 1) {
            d->state = dtls_is_acceptable(d) ? DTLS_CONNECTED : DTLS_FAILED;
        } else if (SSL_get_error(d->ssl, done) != SSL_ERROR_WANT_READ) {
            d->state = DTLS_FAILED;
        }
    }
    while (d->state == DTLS_CONNECTED) {
        char ignored[256]; /* there is no application data here; alerts and repetitions are */
        if (SSL_read(d->ssl, ignored, sizeof ignored) > 0)
            continue;
        /* Once connected only the other side can end it; an error of OpenSSL's own does not. */
        if (SSL_get_shutdown(d->ssl) & SSL_RECEIVED_SHUTDOWN)
            d->state = DTLS_CLOSED;
        break;
    }
    if (d->overflowed && d->state == DTLS_HANDSHAKE)
        d->state = DTLS_FAILED;
    ERR_clear_error();
}

/* A call begins: what OpenSSL writes in it belongs together. */
static void dtls_begin(struct dtls *d, uint64_t now_us)
{
    if (!d->started_us)
        d->started_us = now_us ? now_us : 1;
    d->wrote = false;
    d->flight.closed = true;
}

static void dtls_arm(struct dtls *d, uint64_t now_us)
{
    if (d->wrote) {
        d->repeat_after_us = DTLS_REPEAT_FIRST_US;
        d->repeat_at_us = now_us + d->repeat_after_us;
    }
}

static void flight_repeat(struct dtls *d)
{
    d->flight.unsent = 0;
    d->next_offset = 0;
}

int dtls_start(struct dtls *d, uint64_t now_us)
{
    if (d->server || d->state != DTLS_HANDSHAKE)
        return ER_CONFLICT;
    dtls_begin(d, now_us);
    dtls_advance(d);
    dtls_arm(d, now_us);
    return d->state == DTLS_FAILED ? ER_INTERNAL : 0;
}

/* RFC 6347, 4.2.4: whoever sent the last flight repeats it when the other side repeats its own.
 * OpenSSL does so for new records; this is for repetitions that its replay window drops. */
static void dtls_echo(struct dtls *d, uint64_t now_us, uint8_t record_type)
{
    if (d->state != DTLS_CONNECTED || !d->server || d->wrote)
        return;
    if (record_type != RECORD_HANDSHAKE && record_type != RECORD_CHANGE_CIPHER)
        return;
    if (now_us - d->echoed_us < DTLS_ECHO_US)
        return;
    d->echoed_us = now_us;
    flight_repeat(d);
}

/* A record header (RFC 6347, 4.1). Application data in the clear would make OpenSSL give up. */
static bool is_plausible(const uint8_t *data, size_t len)
{
    if (len < 13 || data[0] < 20 || data[0] > 63)
        return false;
    bool in_clear = data[3] == 0 && data[4] == 0;
    return !in_clear || data[0] < RECORD_APPLICATION;
}

/* A server's handshake is done: OpenSSL's part is over. Of its buffers nothing is needed any more but
 * the last flight, the keys, and the close_notify of the day it ends. Clients keep it: they are few. */
static void dtls_retire(struct dtls *d, uint64_t now_us)
{
    struct dtls_flight *f = &d->flight;
    size_t used = f->used, count = f->count;
    d->echoed_us = now_us;
    if (!d->server || dtls_alerts_init(&d->alerts, d->ssl) != 0 ||
        export_keys(d->ssl, &d->keys) != 0)
        return;
    f->closed = false;
    SSL_shutdown(d->ssl);
    d->goodbye_len = f->used - used;
    f->used = used;
    f->count = count;
    SSL_free(d->ssl);
    d->ssl = NULL;
    ERR_clear_error();
    uint8_t *less = realloc(f->bytes, used + d->goodbye_len);
    if (less)
        f->bytes = less;
}

int dtls_input(struct dtls *d, uint64_t now_us, const uint8_t *data, size_t len)
{
    if (d->state == DTLS_FAILED || d->state == DTLS_CLOSED)
        return ER_CLOSED;
    if (!is_plausible(data, len))
        return ER_MALFORMED;
    bool was_connected = d->state == DTLS_CONNECTED;
    dtls_begin(d, now_us);
    if (!d->ssl) {
        if (dtls_alerts_end(&d->alerts, data, len))
            d->state = DTLS_CLOSED;
        dtls_echo(d, now_us, data[0]);
        return 0;
    }
    d->in = data;
    d->in_len = len;
    dtls_advance(d);
    d->in = NULL;
    dtls_arm(d, now_us);
    if (was_connected)
        dtls_echo(d, now_us, data[0]);
    else if (d->state == DTLS_CONNECTED)
        dtls_retire(d, now_us);
    if (d->state == DTLS_FAILED)
        return d->mismatched ? ER_UNAUTHENTIC : ER_MALFORMED;
    return 0;
}

bool dtls_output(struct dtls *d, const uint8_t **ret_data, size_t *ret_len)
{
    struct dtls_flight *f = &d->flight;
    if (f->unsent == f->count)
        return false;
    *ret_data = f->bytes + d->next_offset;
    *ret_len = f->lens[f->unsent];
    d->next_offset += *ret_len;
    f->unsent++;
    return true;
}

uint64_t dtls_deadline_us(const struct dtls *d)
{
    if (d->state != DTLS_HANDSHAKE || !d->started_us)
        return DTLS_NEVER;
    uint64_t give_up_us = d->started_us + DTLS_GIVE_UP_US;
    bool repeats = d->flight.count > 0 && d->repeat_at_us < give_up_us;
    return repeats ? d->repeat_at_us : give_up_us;
}

void dtls_expire(struct dtls *d, uint64_t now_us)
{
    if (now_us < dtls_deadline_us(d))
        return;
    if (now_us >= d->started_us + DTLS_GIVE_UP_US) {
        d->state = DTLS_FAILED;
        return;
    }
    flight_repeat(d);
    d->repeat_after_us *= 2;
    if (d->repeat_after_us > DTLS_REPEAT_MAX_US)
        d->repeat_after_us = DTLS_REPEAT_MAX_US;
    d->repeat_at_us = now_us + d->repeat_after_us;
}

enum dtls_state dtls_get_state(const struct dtls *d)
{
    return d->state;
}

int dtls_export(struct dtls *d, struct srtp_keys *ret)
{
    memset(ret, 0, sizeof *ret);
    if (d->state != DTLS_CONNECTED)
        return ER_CONFLICT;
    if (d->ssl)
        return export_keys(d->ssl, ret);
    *ret = d->keys;
    return 0;
}

void dtls_close(struct dtls *d)
{
    struct dtls_flight *f = &d->flight;
    if (d->state == DTLS_CONNECTED && d->ssl) {
        ERR_clear_error();
        f->closed = true;
        SSL_shutdown(d->ssl);
        ERR_clear_error();
    } else if (d->state == DTLS_CONNECTED && d->goodbye_len) {
        f->lens[f->count++] = (uint16_t)d->goodbye_len;
        f->used += d->goodbye_len;
    }
    if (d->state != DTLS_FAILED)
        d->state = DTLS_CLOSED;
}

struct ssl_st *dtls_openssl(struct dtls *d)
{
    return d->ssl;
}
