// SPDX-License-Identifier: Apache-2.0
/* What no single setting can tell. */
#include "server/config_check.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "server/app_demo.h"
#include "server/storage_keys.h"

/** NULL, or what is wrong with the certificate and its key. */
static const char *check_tls(const struct config *c, const char **ret_name)
{
    const char *wrong = NULL;
    SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
    if (!tls)
        return "no memory";
    *ret_name = "tls-cert";
    if (SSL_CTX_use_certificate_chain_file(tls, c->tls_cert) != 1)
        wrong = "no certificate chain in PEM can be read from the file";
    if (!wrong) {
        *ret_name = "tls-key";
        if (SSL_CTX_use_PrivateKey_file(tls, c->tls_key, SSL_FILETYPE_PEM) != 1 ||
            SSL_CTX_check_private_key(tls) != 1)
            wrong = "no private key in PEM that fits tls-cert can be read from the file";
    }
    SSL_CTX_free(tls);
    ERR_clear_error();
    return wrong;
}

static size_t id_len(const char *key)
{
    return strcspn(key, ":");
}

static const char *check_keys(const struct config *c, char *buf, size_t size)
{
    static const char demo[] = DEMO_KEY ":" DEMO_SECRET;
    for (size_t i = 0; i < c->api_keys.count; i++) {
        const char *key = c->api_keys.items[i];
        size_t len = id_len(key);
        if (c->demo && len == id_len(demo) && memcmp(key, demo, len) == 0 && strcmp(key, demo) != 0)
            return "demo has a key " DEMO_KEY " with another secret";
        for (size_t k = 0; k < i; k++) {
            const char *other = c->api_keys.items[k];
            if (len != id_len(other) || memcmp(key, other, len) != 0 || strcmp(key, other) == 0)
                continue;
            (void)snprintf(buf, size, "%.*s is given twice, with different secrets", (int)len, key);
            return buf;
        }
    }
    return NULL;
}

static const char *check_addresses(const struct config *c, const char **ret_name)
{
    bool loopback = addr_is_loopback(&c->http);
    *ret_name = "http";
    if (c->demo && !loopback)
        return "demo is for loopback only";
    if (!loopback && !c->tls_cert[0] && !c->allow_plain_http)
        return "http beyond loopback needs tls-cert and tls-key, or allow-plain-http";
    *ret_name = "media";
    if (c->media.port && c->media.port + config_workers(c) > 65536)
        return "there is no room for a port per worker";
    return NULL;
}

static bool check_storage(const struct config *c, const char **ret_name, char *buf, size_t size)
{
    struct vault *v;
    (void)str_copy(buf, size, "no memory");
    if (vault_new(&v, entropy_system()) < 0)
        return false;
    int er = storage_keys_take(v, c, ret_name, buf, size);
    vault_free(v);
    return er == 0;
}

const char *config_check(const struct config *c, const char **ret_name, char *buf, size_t size)
{
    struct stat st;
    *ret_name = c->tls_cert[0] ? "tls-cert" : "tls-key";
    if (!c->tls_cert[0] != !c->tls_key[0])
        return "tls-cert and tls-key belong together";
    *ret_name = c->turn_urls.count ? "turn-urls" : "turn-secret";
    if (!c->turn_urls.count != !c->turn_secret[0])
        return "turn-urls and turn-secret belong together";
    const char *wrong = check_addresses(c, ret_name);
    if (!wrong) {
        *ret_name = "api-key";
        wrong = check_keys(c, buf, size);
    }
    if (!wrong && c->tls_cert[0])
        wrong = check_tls(c, ret_name);
    if (wrong)
        return wrong;
    if (!check_storage(c, ret_name, buf, size))
        return buf;
    *ret_name = "webhook-authorities";
    if (c->webhook_authorities[0] && (stat(c->webhook_authorities, &st) || !S_ISREG(st.st_mode)))
        return "there is no such file";
    *ret_name = "web";
    if (c->web[0] && (stat(c->web, &st) || !S_ISDIR(st.st_mode)))
        return "there is no such folder";
    return NULL;
}

unsigned config_workers(const struct config *c)
{
    if (c->workers)
        return c->workers;
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n < 1 ? 1 : n > LIMIT_WORKERS ? LIMIT_WORKERS : (unsigned)n;
}

bool config_shares_port(const struct config *c)
{
    return c->has_media_tcp && c->media_tcp.port && addr_equal(&c->media_tcp, &c->http);
}
