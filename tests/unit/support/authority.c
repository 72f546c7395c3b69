// SPDX-License-Identifier: Apache-2.0
/* A time stamping authority in memory, by OpenSSL's TS. */
#include "tests/unit/support/authority.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ts.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/er.h"
#include "server/seal/timestamp.h"

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

void authority_make(struct authority *a, const char *path)
{
    *a = (struct authority){.key = EVP_EC_gen("P-256")};
    a->certificate = certificate_for(a->key);
    BIO *out = BIO_new_file(path, "w");
    assert_int_equal(PEM_write_bio_X509(out, a->certificate), 1);
    BIO_free(out);
}

void authority_free(struct authority *a)
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

unsigned char *authority_answer(struct authority *a, const unsigned char *request, size_t len,
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

int authority_stamp(void *ctx, const struct merkle_hash *hash, char **ret)
{
    struct authority *a = ctx;
    unsigned char *request;
    size_t len;
    int answer_len;
    a->asked++;
    if (a->down)
        return ER_AGAIN;
    assert_int_equal(timestamp_request(hash, a->asked, &request, &len), 0);
    unsigned char *answer = authority_answer(a, request, len, &answer_len);
    int er = timestamp_take(answer, (size_t)answer_len, hash, a->asked, ret);
    OPENSSL_free(answer);
    free(request);
    return er;
}
