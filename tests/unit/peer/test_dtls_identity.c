// SPDX-License-Identifier: Apache-2.0
/* The certificate that fingerprints stand for, and the choices of the context behind every handshake. */
#include "media/peer/dtls_identity.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int setup(void **state)
{
    return dtls_identity_new((struct dtls_identity **)state);
}

static int teardown(void **state)
{
    dtls_identity_free(*state);
    dtls_identity_free(NULL);
    return 0;
}

static void test_the_fingerprint_is_the_certificates(void **state)
{
    const struct dtls_identity *id = *state;
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    char wanted[3 * 32 + 1];
    assert_int_equal(X509_digest(id->certificate, EVP_sha256(), digest, &len), 1);
    assert_int_equal(len, 32);
    for (unsigned i = 0; i < 32; i++)
        (void)snprintf(wanted + (size_t)i * 3, 4, "%02X:", digest[i]);
    wanted[3 * 32 - 1] = '\0'; /* no colon at the end */
    assert_string_equal(dtls_identity_fingerprint(id), wanted);
}

/** RFC 8827, 6.5: ECDSA on P-256, signed by itself. */
static void test_the_certificate(void **state)
{
    const struct dtls_identity *id = *state;
    X509 *x = id->certificate;
    char group[32];
    size_t len = 0;
    EVP_PKEY *key = X509_get0_pubkey(x);
    assert_int_equal(EVP_PKEY_get_base_id(key), EVP_PKEY_EC);
    assert_int_equal(EVP_PKEY_get_group_name(key, group, sizeof group, &len), 1);
    assert_string_equal(group, "prime256v1");
    assert_int_equal(X509_verify(x, key), 1);
    assert_int_equal(X509_check_private_key(x, id->key), 1);
    assert_int_equal(X509_get_version(x), 2); /* counted from 0: version 3 */
    assert_int_equal(X509_get_signature_nid(x), NID_ecdsa_with_SHA256);
    assert_int_equal(X509_NAME_cmp(X509_get_subject_name(x), X509_get_issuer_name(x)), 0);
    assert_true(ASN1_INTEGER_get(X509_get0_serialNumber(x)) > 0);
    /* In force, whatever the clocks of the two sides say. */
    struct tm from, to;
    assert_int_equal(ASN1_TIME_to_tm(X509_get0_notBefore(x), &from), 1);
    assert_int_equal(ASN1_TIME_to_tm(X509_get0_notAfter(x), &to), 1);
    assert_int_equal(from.tm_year + 1900, 2020);
    assert_int_equal(to.tm_year + 1900, 2049);
}

static void test_nobody_has_the_same(void **state)
{
    const struct dtls_identity *id = *state;
    struct dtls_identity *other;
    assert_int_equal(dtls_identity_new(&other), 0);
    assert_string_not_equal(dtls_identity_fingerprint(id), dtls_identity_fingerprint(other));
    assert_int_equal(EVP_PKEY_eq(id->key, other->key), 0);
    assert_int_not_equal(ASN1_INTEGER_cmp(X509_get0_serialNumber(id->certificate),
                                          X509_get0_serialNumber(other->certificate)),
                         0);
    dtls_identity_free(other);
}

static void test_the_context(void **state)
{
    SSL_CTX *c = ((const struct dtls_identity *)*state)->context;
    assert_int_equal(SSL_CTX_get_min_proto_version(c), DTLS1_2_VERSION);
    assert_int_equal(SSL_CTX_get_max_proto_version(c), DTLS1_2_VERSION);
    assert_int_equal(SSL_CTX_get_verify_mode(c), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT);
    assert_int_equal(SSL_CTX_get_session_cache_mode(c), SSL_SESS_CACHE_OFF);
    assert_true(SSL_CTX_get_options(c) & SSL_OP_NO_TICKET);
    assert_true(SSL_CTX_get_options(c) & SSL_OP_NO_RENEGOTIATION);
    assert_true(SSL_CTX_get_options(c) & SSL_OP_NO_QUERY_MTU);
    assert_int_equal(SSL_CTX_check_private_key(c), 1);
}

static void test_every_cipher_has_forward_secrecy(void **state)
{
    SSL *ssl = SSL_new(((const struct dtls_identity *)*state)->context);
    assert_non_null(ssl);
    STACK_OF(SSL_CIPHER) *all = SSL_get1_supported_ciphers(ssl);
    assert_true(sk_SSL_CIPHER_num(all) > 0);
    for (int i = 0; i < sk_SSL_CIPHER_num(all); i++) {
        const SSL_CIPHER *one = sk_SSL_CIPHER_value(all, i);
        assert_true(SSL_CIPHER_is_aead(one));
        assert_int_equal(SSL_CIPHER_get_kx_nid(one), NID_kx_ecdhe);
    }
    sk_SSL_CIPHER_free(all);
    SSL_free(ssl);
}

static void test_the_srtp_profiles_and_their_order(void **state)
{
    SSL *ssl = SSL_new(((const struct dtls_identity *)*state)->context);
    static const unsigned long wanted[] = {SRTP_PROFILE_AEAD_AES_128_GCM,
                                           SRTP_PROFILE_AEAD_AES_256_GCM,
                                           SRTP_PROFILE_AES128_CM_SHA1_80};
    STACK_OF(SRTP_PROTECTION_PROFILE) *all = SSL_get_srtp_profiles(ssl);
    assert_int_equal(sk_SRTP_PROTECTION_PROFILE_num(all), 3);
    for (int i = 0; i < 3; i++)
        assert_int_equal(sk_SRTP_PROTECTION_PROFILE_value(all, i)->id, wanted[i]);
    SSL_free(ssl);
}

static void test_no_error_is_left_for_others(void **state)
{
    (void)state;
    assert_int_equal(ERR_peek_error(), 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_the_fingerprint_is_the_certificates),
        TEST(test_the_certificate),
        TEST(test_nobody_has_the_same),
        TEST(test_the_context),
        TEST(test_every_cipher_has_forward_secrecy),
        TEST(test_the_srtp_profiles_and_their_order),
        TEST(test_no_error_is_left_for_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
