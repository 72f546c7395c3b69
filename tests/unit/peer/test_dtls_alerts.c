// SPDX-License-Identifier: Apache-2.0
/* Associations that outlive OpenSSL's part: each side hears the other's goodbye, forged alerts end
 * nothing, and of the alerts only those that do are taken as an end. */
#include "media/peer/dtls_alerts.h"

#include <openssl/evp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/er.h"
#include "media/peer/dtls.h"

#define RECORD_MAX 64
#define ALERT_RECORD 39 /* header 13, nonce 8, alert 2, tag 16 */

struct pair {
    struct dtls_identity *id;
    struct dtls *client, *server;
};

static void carry(struct dtls *from, struct dtls *to)
{
    const uint8_t *data;
    size_t len;
    while (dtls_output(from, &data, &len)) {
        uint8_t copy[1500];
        memcpy(copy, data, len);
        (void)dtls_input(to, 1000, copy, len);
    }
}

static struct pair connect_with(const char *ciphers)
{
    struct pair p;
    assert_int_equal(dtls_identity_new(&p.id), 0);
    struct span print = span_of(dtls_identity_fingerprint(p.id));
    assert_int_equal(dtls_new(&p.client, p.id, false, span_of("sha-256"), print), 0);
    assert_int_equal(dtls_new(&p.server, p.id, true, span_of("sha-256"), print), 0);
    assert_int_equal(SSL_set_cipher_list(dtls_openssl(p.client), ciphers), 1);
    assert_int_equal(dtls_start(p.client, 1000), 0);
    for (int i = 0; i < 4; i++) {
        carry(p.client, p.server);
        carry(p.server, p.client);
    }
    assert_int_equal(dtls_get_state(p.client), DTLS_CONNECTED);
    assert_int_equal(dtls_get_state(p.server), DTLS_CONNECTED);
    return p;
}

static void pair_close(struct pair *p)
{
    dtls_free(p->client);
    dtls_free(p->server);
    dtls_identity_free(p->id);
}

static const struct {
    const char *ciphers;
    bool retires;
} table[] = {
    {"ECDHE-ECDSA-AES128-GCM-SHA256", true},
    {"ECDHE-ECDSA-AES256-GCM-SHA384", true},
    {"ECDHE-ECDSA-CHACHA20-POLY1305", false},
};

static void each_hears_the_others_goodbye(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        for (int servers = 0; servers < 2; servers++) {
            struct pair p = connect_with(table[i].ciphers);
            struct srtp_keys a, b;
            assert_int_equal(dtls_openssl(p.server) == NULL, table[i].retires);
            assert_int_equal(dtls_export(p.client, &a), 0);
            assert_int_equal(dtls_export(p.server, &b), 0);
            assert_memory_equal(&a, &b, sizeof a);
            dtls_close(servers ? p.server : p.client);
            carry(p.server, p.client);
            carry(p.client, p.server);
            assert_int_equal(dtls_get_state(p.client), DTLS_CLOSED);
            assert_int_equal(dtls_get_state(p.server), DTLS_CLOSED);
            pair_close(&p);
        }
    }
}

static void forged_goodbyes_end_nothing(void **state)
{
    (void)state;
    struct pair p = connect_with(table[0].ciphers);
    const uint8_t *data;
    size_t len;
    uint8_t record[RECORD_MAX];
    dtls_close(p.client);
    assert_true(dtls_output(p.client, &data, &len));
    assert_int_equal(len, ALERT_RECORD);
    for (size_t i = 0; i < len; i++) {
        memcpy(record, data, len);
        record[i] ^= 1;
        (void)dtls_input(p.server, 2000, record, len);
        assert_int_equal(dtls_get_state(p.server), DTLS_CONNECTED);
    }
    for (size_t cut = 0; cut < len; cut++) {
        memcpy(record, data, len);
        (void)dtls_input(p.server, 2000, record, cut);
        assert_int_equal(dtls_get_state(p.server), DTLS_CONNECTED);
    }
    memcpy(record, data, len);
    assert_int_equal(dtls_input(p.server, 2000, record, len), 0);
    assert_int_equal(dtls_get_state(p.server), DTLS_CLOSED);
    pair_close(&p);
}

/** An alert as a client would encrypt it. */
static void write_alert(const struct dtls_alerts *a, uint8_t level, uint8_t what, uint16_t epoch,
                        uint8_t *ret)
{
    static const uint8_t version[] = {254, 253};
    uint8_t iv[12], aad[13], alert[] = {level, what};
    int n;
    memset(ret, 0, ALERT_RECORD);
    ret[0] = 21;
    memcpy(ret + 1, version, 2);
    put_u16(ret + 3, epoch);
    ret[10] = 9;
    put_u16(ret + 11, ALERT_RECORD - 13);
    memcpy(ret + 13, ret + 3, 8);
    memcpy(iv, a->iv, 4);
    memcpy(iv + 4, ret + 13, 8);
    memcpy(aad, ret + 3, 8);
    memcpy(aad + 8, ret, 3);
    put_u16(aad + 11, 2);
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    assert_int_equal(EVP_EncryptInit_ex(ctx, EVP_aes_128_gcm(), NULL, a->key, iv), 1);
    assert_int_equal(EVP_EncryptUpdate(ctx, NULL, &n, aad, sizeof aad), 1);
    assert_int_equal(EVP_EncryptUpdate(ctx, ret + 21, &n, alert, 2), 1);
    assert_int_equal(EVP_EncryptFinal_ex(ctx, ret + 23, &n), 1);
    assert_int_equal(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, 16, ret + 23), 1);
    EVP_CIPHER_CTX_free(ctx);
}

static void only_endings_end(void **state)
{
    (void)state;
    const struct dtls_alerts a = {.key_len = 16, .key = {1, 2, 3}, .iv = {4, 5, 6, 7}};
    uint8_t record[2 * RECORD_MAX];
    static const struct {
        uint8_t level, what;
        uint16_t epoch;
        bool ends;
    } alerts[] = {{1, 0, 1, true}, {2, 40, 1, true}, {1, 100, 1, false}, {1, 0, 2, false}};
    for (size_t i = 0; i < sizeof alerts / sizeof *alerts; i++) {
        write_alert(&a, alerts[i].level, alerts[i].what, alerts[i].epoch, record);
        assert_int_equal(dtls_alerts_end(&a, record, ALERT_RECORD), alerts[i].ends);
    }
    /* behind another record, and in front of one cut short */
    static const uint8_t other[] = {22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 1, 0, 3, 'a', 'b', 'c'};
    memcpy(record, other, sizeof other);
    write_alert(&a, 1, 0, 1, record + sizeof other);
    assert_true(dtls_alerts_end(&a, record, sizeof other + ALERT_RECORD));
    write_alert(&a, 1, 100, 1, record);
    memcpy(record + ALERT_RECORD, other, sizeof other);
    assert_false(dtls_alerts_end(&a, record, ALERT_RECORD + sizeof other - 1));
    assert_false(dtls_alerts_end(&a, NULL, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_hears_the_others_goodbye),
        cmocka_unit_test(forged_goodbyes_end_nothing),
        cmocka_unit_test(only_endings_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
