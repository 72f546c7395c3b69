// SPDX-License-Identifier: Apache-2.0
/* Time stamps, against an authority made here. */
#include "server/seal/timestamp.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ts.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "tests/unit/support/scratch.h"

struct authority {
    EVP_PKEY *key;
    X509 *certificate;
    struct scratch scratch;
};

static X509 *certificate_for(EVP_PKEY *key)
{
    X509 *x = X509_new();
    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
    X509_gmtime_adj(X509_getm_notBefore(x), -3600);
    X509_gmtime_adj(X509_getm_notAfter(x), 3600);
    X509_set_pubkey(x, key);
    X509_NAME *name = X509_get_subject_name(x);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"Authority", -1, -1,
                               0);
    X509_set_issuer_name(x, name);
    static const struct {
        int nid;
        const char *value;
    } more[] = {{NID_ext_key_usage, "critical,timeStamping"},
                {NID_key_usage, "critical,digitalSignature"}};
    for (size_t i = 0; i < 2; i++) {
        X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, more[i].nid, more[i].value);
        X509_add_ext(x, e, -1);
        X509_EXTENSION_free(e);
    }
    assert_true(X509_sign(x, key, EVP_sha256()) > 0);
    return x;
}

static void authority_make(struct authority *a, const char *file)
{
    a->key = EVP_EC_gen("P-256");
    a->certificate = certificate_for(a->key);
    BIO *out = BIO_new_file(scratch_path(&a->scratch, file), "w");
    assert_int_equal(PEM_write_bio_X509(out, a->certificate), 1);
    BIO_free(out);
}

static void authority_free(struct authority *a)
{
    EVP_PKEY_free(a->key);
    X509_free(a->certificate);
}

static ASN1_INTEGER *serial(TS_RESP_CTX *ctx, void *data)
{
    (void)ctx;
    (void)data;
    ASN1_INTEGER *n = ASN1_INTEGER_new();
    ASN1_INTEGER_set(n, 42);
    return n;
}

/** What the authority answers, DER. */
static unsigned char *answer_to(struct authority *a, const unsigned char *request, size_t len,
                                int *ret_len)
{
    TS_RESP_CTX *ctx = TS_RESP_CTX_new();
    unsigned char *der = NULL;
    TS_RESP_CTX_set_serial_cb(ctx, serial, NULL);
    TS_RESP_CTX_set_signer_cert(ctx, a->certificate);
    TS_RESP_CTX_set_signer_key(ctx, a->key);
    TS_RESP_CTX_set_signer_digest(ctx, EVP_sha256());
    TS_RESP_CTX_add_md(ctx, EVP_sha256());
    ASN1_OBJECT *policy = OBJ_txt2obj("1.2.3.4", 1);
    TS_RESP_CTX_set_def_policy(ctx, policy);
    ASN1_OBJECT_free(policy);
    BIO *in = BIO_new_mem_buf(request, (int)len);
    TS_RESP *response = TS_RESP_create_response(ctx, in);
    assert_non_null(response);
    *ret_len = i2d_TS_RESP(response, &der);
    TS_RESP_free(response);
    BIO_free(in);
    TS_RESP_CTX_free(ctx);
    return der;
}

static const struct merkle_hash hash = {{1, 2, 3}};

static char *token_from(struct authority *a, uint64_t nonce, uint64_t expected, int er)
{
    unsigned char *request;
    size_t len;
    int answer_len;
    char *token = NULL;
    assert_int_equal(timestamp_request(&hash, nonce, &request, &len), 0);
    unsigned char *answer = answer_to(a, request, len, &answer_len);
    assert_int_equal(timestamp_take(answer, (size_t)answer_len, &hash, expected, &token), er);
    OPENSSL_free(answer);
    free(request);
    return token;
}

static int setup(void **state)
{
    static struct authority a;
    scratch_make(&a.scratch);
    authority_make(&a, "ca.pem");
    *state = &a;
    return 0;
}

static int teardown(void **state)
{
    struct authority *a = *state;
    authority_free(a);
    scratch_remove(&a->scratch);
    return 0;
}

static void stamps_and_checks(void **state)
{
    struct authority *a = *state;
    char at[CLOCK_TEXT_BYTES];
    char *token = token_from(a, 77, 77, 0);
    assert_int_equal(timestamp_check(token, &hash, scratch_path(&a->scratch, "ca.pem"), at), 0);
    assert_int_equal(strlen(at), 24);
    assert_int_equal(at[10], 'T');
    assert_int_equal(timestamp_check(token, &hash, NULL, at), ER_AGAIN);
    assert_int_equal(timestamp_check(token, &hash, scratch_path(&a->scratch, "none.pem"), at),
                     ER_NOT_FOUND);
    struct merkle_hash other = {{9}};
    assert_int_equal(timestamp_check(token, &other, NULL, at), ER_UNAUTHENTIC);
    free(token);
}

static void another_authority_is_not_believed(void **state)
{
    struct authority *a = *state, other = {.scratch = a->scratch};
    char at[CLOCK_TEXT_BYTES];
    authority_make(&other, "other.pem");
    char *token = token_from(a, 77, 77, 0);
    assert_int_equal(timestamp_check(token, &hash, scratch_path(&a->scratch, "other.pem"), at),
                     ER_UNAUTHENTIC);
    free(token);
    authority_free(&other);
}

static void an_answer_to_another_question_is_refused(void **state)
{
    assert_null(token_from(*state, 77, 78, ER_UNAUTHENTIC));
}

static void what_is_no_answer_is_refused(void **state)
{
    (void)state;
    char *token, at[CLOCK_TEXT_BYTES];
    static const unsigned char refusal[] = {0x30, 0x05, 0x30, 0x03, 0x02, 0x01, 0x02};
    assert_int_equal(timestamp_take((const unsigned char *)"<html>", 6, &hash, 1, &token),
                     ER_UNAUTHENTIC);
    assert_int_equal(timestamp_take(refusal, sizeof refusal, &hash, 1, &token), ER_AGAIN);
    assert_int_equal(timestamp_check("AAAA", &hash, NULL, at), ER_UNAUTHENTIC);
    assert_int_equal(timestamp_check("", &hash, NULL, at), ER_UNAUTHENTIC);
    assert_int_equal(timestamp_check(NULL, &hash, NULL, at), ER_UNAUTHENTIC);
}

static void nobody_there(void **state)
{
    (void)state;
    char *token;
    struct entropy_seeded random;
    struct entropy entropy = entropy_seeded_init(&random, 1);
    assert_int_equal(timestamp_get("http://127.0.0.1:1/", &hash, &entropy, &token), ER_AGAIN);
    assert_int_equal(timestamp_get("https://127.0.0.1:1/", &hash, &entropy, &token), ER_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(stamps_and_checks, setup, teardown),
        cmocka_unit_test_setup_teardown(another_authority_is_not_believed, setup, teardown),
        cmocka_unit_test_setup_teardown(an_answer_to_another_question_is_refused, setup, teardown),
        cmocka_unit_test(what_is_no_answer_is_refused),
        cmocka_unit_test(nobody_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
