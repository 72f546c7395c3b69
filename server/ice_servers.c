// SPDX-License-Identifier: Apache-2.0
/* Addresses of ICE servers, checked, and credentials for them, made anew for each who asks. */
#include "server/ice_servers.h"

#include <ctype.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

/** HOST or HOST:PORT, IPv6 in brackets. */
static bool is_host(struct span s)
{
    struct span host = s, port = {0};
    if (s.len && s.at[0] == '[') {
        host = span_cut(&s, ']');
        port = s;
        if (!port.at || (port.len && port.at[0] != ':'))
            return false;
        host = (struct span){.at = host.at + 1, .len = host.len - 1};
        port = port.len ? (struct span){.at = port.at + 1, .len = port.len - 1} : (struct span){0};
    } else {
        host = span_cut(&s, ':');
        port = s;
    }
    uint64_t number;
    if (host.len == 0 || (port.at && (span_u64(port, UINT16_MAX, &number) < 0 || number == 0)))
        return false;
    for (size_t i = 0; i < host.len; i++)
        if (!isalnum((unsigned char)host.at[i]) && !strchr(".-:", host.at[i]))
            return false;
    return true;
}

bool ice_url_check(const char *url, bool turn)
{
    struct span rest = span_of(url);
    struct span scheme = span_cut(&rest, ':');
    struct span host = rest.at ? span_cut(&rest, '?') : rest;
    if (!span_equal(scheme, turn ? "turn" : "stun") &&
        !span_equal(scheme, turn ? "turns" : "stuns"))
        return false;
    if (rest.at &&
        (!turn || (!span_equal(rest, "transport=udp") && !span_equal(rest, "transport=tcp"))))
        return false;
    return host.at && is_host(host);
}

void ice_credential_make(const struct ice_servers *s, const char *identity, uint64_t unix_s,
                         struct ice_credential *ret)
{
    uint8_t mac[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    int n = snprintf(ret->username, sizeof ret->username, "%llu:%s",
                     (unsigned long long)(unix_s + s->turn_ttl_s), identity);
    char *name = strchr(ret->username, ':');
    for (char *at = name ? name + 1 : ret->username + n; *at; at++)
        if (!isalnum((unsigned char)*at) && !strchr("._@-", *at))
            *at = '_';
    /* The scheme's choice of hash; it is a MAC here. */
    if (!HMAC(EVP_sha1(), s->turn_secret, (int)strlen(s->turn_secret),
              (const uint8_t *)ret->username, strlen(ret->username), mac, &len))
        len = 0;
    (void)EVP_EncodeBlock((uint8_t *)ret->credential, mac, (int)len);
}

static json_t *urls(const char *const *list, size_t count)
{
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(array, json_string(list[i]));
    return array;
}

json_t *ice_servers_json(const struct ice_servers *s, const char *identity, uint64_t unix_s)
{
    json_t *all = json_array();
    if (s->stun_count)
        json_array_append_new(all, json_pack("{s:o}", "urls", urls(s->stun_urls, s->stun_count)));
    if (s->turn_count) {
        struct ice_credential c;
        ice_credential_make(s, identity, unix_s, &c);
        json_array_append_new(all, json_pack("{s:o, s:s, s:s}", "urls",
                                             urls(s->turn_urls, s->turn_count), "username",
                                             c.username, "credential", c.credential));
    }
    return all;
}

void ice_servers_link(const struct ice_servers *s, const char *identity, uint64_t unix_s,
                      struct http_response *response)
{
    struct ice_credential c;
    for (size_t i = 0; i < s->stun_count; i++)
        http_header_add(response, "link", "<%s>; rel=\"ice-server\"", s->stun_urls[i]);
    if (s->turn_count == 0)
        return;
    ice_credential_make(s, identity, unix_s, &c);
    for (size_t i = 0; i < s->turn_count; i++)
        http_header_add(response, "link",
                        "<%s>; rel=\"ice-server\"; username=\"%s\"; credential=\"%s\";"
                        " credential-type=\"password\"",
                        s->turn_urls[i], c.username, c.credential);
}
