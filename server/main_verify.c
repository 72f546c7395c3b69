// SPDX-License-Identifier: Apache-2.0
/* loupe-verify: whether what was recorded is as it was sealed. Works offline; needs no server. */
#include <openssl/http.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "base/json.h"
#include "server/seal/durable.h"
#include "server/seal/verify_files.h"

#define KEYS_BYTES 1048576
#define KEYS_WAIT_S 20

struct options {
    const char *keys, *authority;
    bool json;
    size_t count;
    const char *paths[VERIFY_FILES_MAX];
};

static int usage(FILE *out)
{
    (void)fputs(
        "usage: loupe-verify FILE.. [--keys FILE|URL] [--authority FILE] [--json]\n"
        "\n"
        "FILE..       a clip (.webm) and its manifest, with or without its voices; or a still "
        "(.jpg)\n"
        "             and its record, with the manifest of a clip that its frame is in; or one\n"
        "             exported case (.zip); or the tombstone of what was deleted, with or without\n"
        "             the manifest or record that was kept of it; or a certificate (.json, as the\n"
        "             server gives it), with or without stills and clips that it goes by\n"
        "--keys       the sealer's published keys, /.well-known/loupe-keys.json of its server\n"
        "             (or in LOUPE_KEYS); without, whose seal it is cannot be told\n"
        "--authority  certificates (PEM) of the time stamping authority\n"
        "--json       the findings as one JSON object\n"
        "\n"
        "exit code: 0 verifies, 1 does not, 2 cannot tell\n",
        out);
    return 2;
}

static bool options_read(struct options *o, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const char **value = strcmp(argv[i], "--keys") == 0        ? &o->keys
                             : strcmp(argv[i], "--authority") == 0 ? &o->authority
                                                                   : NULL;
        if (value) {
            if (++i == argc)
                return false;
            *value = argv[i];
        } else if (strcmp(argv[i], "--json") == 0) {
            o->json = true;
        } else if (argv[i][0] == '-' || o->count == VERIFY_FILES_MAX) {
            return false;
        } else {
            o->paths[o->count++] = argv[i];
        }
    }
    return o->count > 0;
}

struct tls {
    SSL_CTX *ctx;
    char *host; /* that the certificate must be of */
};

static bool is_ip(const char *host)
{
    return strchr(host, ':') || strspn(host, "0123456789.") == strlen(host);
}

/** Puts TLS on a connection to a server that is asked for by https, and says whom we want (RFC 6066): one
 *  address has many names. */
static BIO *with_tls(BIO *bio, void *ctx, int connecting, int secure)
{
    const struct tls *tls = ctx;
    SSL *ssl = NULL;
    if (!secure || !connecting)
        return bio;
    BIO *top = tls->host ? BIO_new_ssl(tls->ctx, 1) : NULL;
    if (top && !is_ip(tls->host) && BIO_get_ssl(top, &ssl) > 0)
        (void)SSL_set_tlsext_host_name(ssl, tls->host);
    return top ? BIO_push(top, bio) : NULL;
}

static bool tls_init(struct tls *t, const char *url)
{
    t->ctx = SSL_CTX_new(TLS_client_method());
    if (!t->ctx || !OSSL_HTTP_parse_url(url, NULL, NULL, &t->host, NULL, NULL, NULL, NULL, NULL))
        return false;
    X509_VERIFY_PARAM *param = SSL_CTX_get0_param(t->ctx);
    (void)SSL_CTX_set_default_verify_paths(t->ctx);
    SSL_CTX_set_verify(t->ctx, SSL_VERIFY_PEER, NULL);
    return (is_ip(t->host) ? X509_VERIFY_PARAM_set1_ip_asc(param, t->host)
                           : X509_VERIFY_PARAM_set1_host(param, t->host, 0)) == 1;
}

/** To free(); NULL: nothing came, or too much. */
static char *read_all(BIO *answer, size_t *ret_len)
{
    char *text = malloc(KEYS_BYTES);
    size_t len = 0;
    int n = 1;
    while (text && n > 0 && len < KEYS_BYTES - 1) {
        n = BIO_read(answer, text + len, (int)(KEYS_BYTES - 1 - len));
        len += n > 0 ? (size_t)n : 0;
    }
    if (text && len > 0 && len < KEYS_BYTES - 1) {
        text[len] = '\0';
        *ret_len = len;
        return text;
    }
    free(text);
    return NULL;
}

static char *fetch(const char *url, size_t *ret_len)
{
    struct tls tls = {0};
    BIO *answer = tls_init(&tls, url) ? OSSL_HTTP_get(url, NULL, NULL, NULL, NULL, with_tls, &tls,
                                                      0, NULL, NULL, 0, KEYS_BYTES, KEYS_WAIT_S)
                                      : NULL;
    char *text = answer ? read_all(answer, ret_len) : NULL;
    BIO_free_all(answer);
    SSL_CTX_free(tls.ctx);
    OPENSSL_free(tls.host);
    return text;
}

static struct keys *keys_get(const char *from)
{
    char *text = NULL;
    size_t len = 0;
    json_t *document = NULL;
    struct keys *keys = NULL;
    if (strncmp(from, "http://", 7) == 0 || strncmp(from, "https://", 8) == 0)
        text = fetch(from, &len);
    else if (durable_read(from, KEYS_BYTES, &text, &len))
        text = NULL;
    if (!text || json_parse(text, len, &document, NULL) || keys_parse(&keys, document))
        keys = NULL;
    json_decref(document);
    free(text);
    return keys;
}

static int print_report(const struct report *r, bool as_json)
{
    json_t *o = as_json ? report_json(r) : NULL;
    char *text = o ? json_canonical(o) : NULL;
    if (text)
        (void)puts(text);
    else if (!as_json)
        report_print(r);
    free(text);
    json_decref(o);
    return (int)report_verdict(r);
}

int main(int argc, char **argv)
{
    struct options o = {.keys = getenv("LOUPE_KEYS")};
    if (argc == 2 && strcmp(argv[1], "--version") == 0)
        return printf("loupe-verify %s\n", LOUPE_VERSION) < 0;
    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        return usage(stdout) - 2;
    if (!options_read(&o, argc, argv))
        return usage(stderr);
    struct verify_trust trust = {.authority_path = o.authority};
    struct keys *keys = NULL;
    if (o.keys && o.keys[0]) {
        trust.keys = keys = keys_get(o.keys);
        if (!keys) {
            (void)fprintf(stderr, "loupe-verify: no keys in %s\n", o.keys);
            return 2;
        }
    }
    struct report report;
    int code = 2;
    if (report_init(&report) == 0) {
        verify_files(&report, &trust, o.paths, o.count);
        code = print_report(&report, o.json);
    }
    report_clear(&report);
    keys_free(keys);
    return code;
}
