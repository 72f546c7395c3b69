// SPDX-License-Identifier: Apache-2.0
/* Time stamps by OpenSSL's TS and HTTP functions. */
#include "server/seal/timestamp.h"

#include <openssl/evp.h>
#include <openssl/http.h>
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/ts.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/er.h"

/** Owned by the request, as everything that is put into another one here. */
static TS_MSG_IMPRINT *imprint_of(const struct merkle_hash *hash)
{
    TS_MSG_IMPRINT *imprint = TS_MSG_IMPRINT_new();
    X509_ALGOR *algorithm = X509_ALGOR_new();
    uint8_t bytes[sizeof hash->bytes];
    memcpy(bytes, hash->bytes, sizeof bytes);
    bool good = imprint && algorithm &&
                X509_ALGOR_set0(algorithm, OBJ_nid2obj(NID_sha256), V_ASN1_NULL, NULL) &&
                TS_MSG_IMPRINT_set_algo(imprint, algorithm) &&
                TS_MSG_IMPRINT_set_msg(imprint, bytes, sizeof bytes);
    X509_ALGOR_free(algorithm);
    if (good)
        return imprint;
    TS_MSG_IMPRINT_free(imprint);
    return NULL;
}

int timestamp_request(const struct merkle_hash *hash, uint64_t nonce, unsigned char **ret,
                      size_t *ret_len)
{
    TS_REQ *request = TS_REQ_new();
    TS_MSG_IMPRINT *imprint = imprint_of(hash);
    ASN1_INTEGER *number = ASN1_INTEGER_new();
    unsigned char *der = NULL;
    int len = -1;
    if (request && imprint && number && ASN1_INTEGER_set_uint64(number, nonce) &&
        TS_REQ_set_version(request, 1) && TS_REQ_set_msg_imprint(request, imprint) &&
        TS_REQ_set_nonce(request, number) && TS_REQ_set_cert_req(request, 1))
        len = i2d_TS_REQ(request, &der);
    TS_REQ_free(request);
    TS_MSG_IMPRINT_free(imprint);
    ASN1_INTEGER_free(number);
    unsigned char *copy = len > 0 ? malloc((size_t)len) : NULL;
    if (copy) {
        memcpy(copy, der, (size_t)len);
        *ret = copy;
        *ret_len = (size_t)len;
    }
    OPENSSL_free(der);
    return copy ? 0 : ER_NOMEM;
}

static bool is_of_hash(TS_TST_INFO *info, const struct merkle_hash *hash)
{
    TS_MSG_IMPRINT *imprint = TS_TST_INFO_get_msg_imprint(info);
    const ASN1_OBJECT *algorithm;
    X509_ALGOR_get0(&algorithm, NULL, NULL, TS_MSG_IMPRINT_get_algo(imprint));
    const ASN1_OCTET_STRING *message = TS_MSG_IMPRINT_get_msg(imprint);
    return OBJ_obj2nid(algorithm) == NID_sha256 &&
           ASN1_STRING_length(message) == (int)sizeof hash->bytes &&
           memcmp(ASN1_STRING_get0_data(message), hash->bytes, sizeof hash->bytes) == 0;
}

static int token_text(PKCS7 *token, char **ret)
{
    unsigned char *der = NULL;
    int len = i2d_PKCS7(token, &der);
    char *text = len > 0 ? malloc(4 * ((size_t)len / 3 + 1) + 1) : NULL;
    if (text)
        (void)EVP_EncodeBlock((unsigned char *)text, der, len);
    OPENSSL_free(der);
    *ret = text;
    return text ? 0 : ER_NOMEM;
}

int timestamp_take(const unsigned char *answer, size_t len, const struct merkle_hash *hash,
                   uint64_t nonce, char **ret)
{
    uint64_t number = 0;
    if (len > TIMESTAMP_BYTES)
        return ER_UNAUTHENTIC;
    TS_RESP *response = d2i_TS_RESP(NULL, &answer, (long)len);
    if (!response)
        return ER_UNAUTHENTIC;
    long status = ASN1_INTEGER_get(TS_STATUS_INFO_get0_status(TS_RESP_get_status_info(response)));
    PKCS7 *token = TS_RESP_get_token(response);
    TS_TST_INFO *info = TS_RESP_get_tst_info(response);
    int er = 0;
    if (status != TS_STATUS_GRANTED && status != TS_STATUS_GRANTED_WITH_MODS)
        er = ER_AGAIN;
    else if (!token || !info || !is_of_hash(info, hash) || !TS_TST_INFO_get_nonce(info) ||
             !ASN1_INTEGER_get_uint64(&number, TS_TST_INFO_get_nonce(info)) || number != nonce)
        er = ER_UNAUTHENTIC;
    else
        er = token_text(token, ret);
    TS_RESP_free(response);
    return er;
}

/** A connection, or NULL: OpenSSL's own way would try again until the time is up where nobody listens. */
static BIO *connect_to(const char *host, const char *port)
{
    BIO *bio = BIO_new_connect(host);
    if (!bio)
        return NULL;
    (void)BIO_set_conn_port(bio, port);
    (void)BIO_set_nbio(bio, 1);
    time_t until = (time_t)(clock_unix_us() / 1000000u) + TIMESTAMP_WAIT_S;
    int connected;
    do
        connected = BIO_do_connect(bio) > 0;
    while (!connected && BIO_should_retry(bio) && BIO_wait(bio, until, 0) > 0);
    if (connected)
        return bio;
    BIO_free_all(bio);
    return NULL;
}

/** Sends the question over a connection. The answer's bytes, to free(). ER_AGAIN. */
static int exchange(BIO *connection, const char *host, const char *port, const char *path,
                    BIO *question, unsigned char **ret, size_t *ret_len)
{
    char *bytes = NULL;
    BIO *answer = OSSL_HTTP_transfer(NULL, host, port, path, 0, NULL, NULL, connection, connection,
                                     NULL, NULL, 0, NULL, "application/timestamp-query", question,
                                     "application/timestamp-reply", 1, TIMESTAMP_BYTES,
                                     TIMESTAMP_WAIT_S, 0);
    long size = answer ? BIO_get_mem_data(answer, &bytes) : 0;
    unsigned char *copy = size > 0 ? malloc((size_t)size) : NULL;
    if (copy) {
        memcpy(copy, bytes, (size_t)size);
        *ret = copy;
        *ret_len = (size_t)size;
    }
    BIO_free(answer);
    return copy ? 0 : ER_AGAIN;
}

/** As exchange; ER_INVALID: not an address of http. */
static int ask(const char *url, const unsigned char *request, size_t len, unsigned char **ret,
               size_t *ret_len)
{
    char *host = NULL, *port = NULL, *path = NULL;
    int tls = 0, er = ER_INVALID;
    if (OSSL_HTTP_parse_url(url, &tls, NULL, &host, &port, NULL, &path, NULL, NULL) && !tls) {
        BIO *question = BIO_new_mem_buf(request, (int)len);
        BIO *connection = question ? connect_to(host, port) : NULL;
        er = ER_AGAIN;
        if (connection)
            er = exchange(connection, host, port, path, question, ret, ret_len);
        BIO_free_all(connection);
        BIO_free(question);
    }
    OPENSSL_free(host);
    OPENSSL_free(port);
    OPENSSL_free(path);
    return er;
}

int timestamp_get(const char *url, const struct merkle_hash *hash, const struct entropy *entropy,
                  char **ret)
{
    uint64_t nonce = entropy_u64(entropy) >> 1;
    unsigned char *request = NULL, *answer = NULL;
    size_t len, answer_len;
    int er = timestamp_request(hash, nonce, &request, &len);
    if (er == 0)
        er = ask(url, request, len, &answer, &answer_len);
    if (er == 0)
        er = timestamp_take(answer, answer_len, hash, nonce, ret);
    free(request);
    free(answer);
    return er;
}

/* Checking */

static PKCS7 *token_read(const char *text)
{
    size_t len = text ? strlen(text) : 0;
    unsigned char *der = len % 4 == 0 && len && len < TIMESTAMP_BYTES * 2 ? malloc(len) : NULL;
    if (!der)
        return NULL;
    int size = EVP_DecodeBlock(der, (const unsigned char *)text, (int)len);
    for (size_t i = len; size > 0 && i > len - 2 && text[i - 1] == '='; i--)
        size--;
    const unsigned char *at = der;
    PKCS7 *token = size > 0 ? d2i_PKCS7(NULL, &at, size) : NULL;
    free(der);
    return token;
}

/** When the token was made, as text and in seconds of the wall clock. */
static bool moment_of(TS_TST_INFO *info, char ret[static CLOCK_TEXT_BYTES], time_t *ret_s)
{
    struct tm tm;
    const ASN1_GENERALIZEDTIME *at = TS_TST_INFO_get_time(info);
    if (!at || !ASN1_TIME_to_tm(at, &tm))
        return false;
    *ret_s = timegm(&tm);
    if (*ret_s < 0)
        return false;
    clock_format((uint64_t)*ret_s * 1000000, ret);
    return true;
}

/** A store that judges certificates by the moment of the token. */
static X509_STORE *store_of(const char *path, time_t at)
{
    X509_STORE *store = X509_STORE_new();
    if (!store || !X509_STORE_load_file(store, path)) {
        X509_STORE_free(store);
        return NULL;
    }
    X509_VERIFY_PARAM_set_time(X509_STORE_get0_param(store), at);
    return store;
}

static int signed_by(PKCS7 *token, const struct merkle_hash *hash, const char *path, time_t at)
{
    X509_STORE *store = store_of(path, at);
    TS_VERIFY_CTX *check = store ? TS_VERIFY_CTX_new() : NULL;
    unsigned char *imprint = check ? OPENSSL_memdup(hash->bytes, sizeof hash->bytes) : NULL;
    if (!imprint) {
        X509_STORE_free(store);
        TS_VERIFY_CTX_free(check);
        return store ? ER_NOMEM : ER_NOT_FOUND;
    }
    (void)TS_VERIFY_CTX_set_store(check, store); /* takes both over */
    (void)TS_VERIFY_CTX_set_imprint(check, imprint, sizeof hash->bytes);
    (void)TS_VERIFY_CTX_set_flags(check, TS_VFY_VERSION | TS_VFY_IMPRINT | TS_VFY_SIGNATURE);
    int good = TS_RESP_verify_token(check, token);
    TS_VERIFY_CTX_free(check);
    return good == 1 ? 0 : ER_UNAUTHENTIC;
}

int timestamp_check(const char *token, const struct merkle_hash *hash, const char *authority_path,
                    char ret_at[static CLOCK_TEXT_BYTES])
{
    time_t at_s = 0;
    PKCS7 *read = token_read(token);
    TS_TST_INFO *info = read ? PKCS7_to_TS_TST_INFO(read) : NULL;
    int er = info && moment_of(info, ret_at, &at_s) && is_of_hash(info, hash) ? 0 : ER_UNAUTHENTIC;
    if (er == 0)
        er = authority_path ? signed_by(read, hash, authority_path, at_s) : ER_AGAIN;
    TS_TST_INFO_free(info);
    PKCS7_free(read);
    return er;
}
