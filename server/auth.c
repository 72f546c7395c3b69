// SPDX-License-Identifier: Apache-2.0
/* Tokens. The algorithm and the key are settled from the header before libjwt sees the token, since
 * it believes whatever algorithm a token names. */
#include "server/auth.h"

#include <jansson.h>
#include <jwt.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "base/json.h"
#include "base/str.h"

#define LEEWAY_S 60

struct auth_key {
    char id[AUTH_KEY_BYTES];
    char secret[AUTH_SECRET_MAX + 1];
    char old_secret[AUTH_SECRET_MAX + 1];
    uint64_t old_until_s;
    char merchant[AUTH_MERCHANT_BYTES];
    unsigned roles, scopes;
    bool fresh;
};

struct auth {
    pthread_mutex_t lock;
    size_t count;
    struct auth_key keys[LIMIT_API_KEYS];
};

int auth_new(struct auth **ret)
{
    struct auth *a = calloc(1, sizeof *a);
    if (!a)
        return ER_NOMEM;
    pthread_mutex_init(&a->lock, NULL);
    *ret = a;
    return 0;
}

void auth_free(struct auth *a)
{
    if (!a)
        return;
    pthread_mutex_destroy(&a->lock);
    explicit_bzero(a, sizeof *a);
    free(a);
}

bool auth_name_ok(const char *id)
{
    size_t len = strlen(id);
    if (len == 0 || len >= AUTH_KEY_BYTES)
        return false;
    return strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == len;
}

/** Index of a key, or the count. */
static size_t key_index(const struct auth *a, const char *id)
{
    size_t i = 0;
    while (i < a->count && strcmp(a->keys[i].id, id) != 0)
        i++;
    return i;
}

int auth_put_key(struct auth *a, const struct auth_key_spec *spec)
{
    struct auth_key key = {.fresh = true,
                           .roles = spec->roles,
                           .scopes = spec->scopes,
                           .old_until_s = spec->old_until_s};
    if (!auth_name_ok(spec->id) || !spec->secret[0] ||
        str_copy(key.secret, sizeof key.secret, spec->secret) ||
        str_copy(key.old_secret, sizeof key.old_secret, spec->old_secret) || !spec->merchant[0] ||
        str_copy(key.merchant, sizeof key.merchant, spec->merchant))
        return ER_INVALID;
    (void)str_copy(key.id, sizeof key.id, spec->id);

    int er = 0;
    pthread_mutex_lock(&a->lock);
    size_t i = key_index(a, spec->id);
    if (i >= LIMIT_API_KEYS) {
        er = ER_FULL;
    } else {
        a->keys[i] = key;
        if (i == a->count)
            a->count++;
    }
    pthread_mutex_unlock(&a->lock);
    explicit_bzero(&key, sizeof key);
    return er;
}

int auth_add_key(struct auth *a, const char *id, const char *secret, const char *merchant)
{
    const struct auth_key_spec spec = {.id = id,
                                       .secret = secret,
                                       .old_secret = "",
                                       .merchant = merchant,
                                       .roles = AUTH_ALL_ROLES,
                                       .scopes = AUTH_ALL};
    return auth_put_key(a, &spec);
}

bool auth_knows_key(struct auth *a, const char *id)
{
    pthread_mutex_lock(&a->lock);
    bool knows = key_index(a, id) < a->count;
    pthread_mutex_unlock(&a->lock);
    return knows;
}

bool auth_is_full(struct auth *a)
{
    pthread_mutex_lock(&a->lock);
    bool full = a->count >= LIMIT_API_KEYS;
    pthread_mutex_unlock(&a->lock);
    return full;
}

int auth_remove_key(struct auth *a, const char *id)
{
    pthread_mutex_lock(&a->lock);
    size_t i = key_index(a, id);
    bool found = i < a->count;
    if (found) {
        a->count--;
        memmove(&a->keys[i], &a->keys[i + 1], (a->count - i) * sizeof a->keys[0]);
        explicit_bzero(&a->keys[a->count], sizeof a->keys[0]);
    }
    pthread_mutex_unlock(&a->lock);
    return found ? 0 : ER_NOT_FOUND;
}

/** Words parted by commas, each one of `names`, as bits. "" are all. */
static int bits_parse(const char *text, const char *(*name)(unsigned i), unsigned count,
                      unsigned *ret)
{
    struct span rest = span_of(text);
    *ret = text[0] ? 0 : (1u << count) - 1;
    while (text[0] && rest.at) {
        struct span word = span_cut(&rest, ',');
        unsigned i = 0;
        while (i < count && !span_equal(word, name(i)))
            i++;
        if (i == count)
            return ER_INVALID;
        *ret |= 1u << i;
    }
    return 0;
}

static const char *scope_at(unsigned i)
{
    static const char *const names[] = {"read", "write", "call", "manage"};
    return names[i];
}

static const char *role_at(unsigned i)
{
    return role_name((enum role)i);
}

int auth_scopes_parse(const char *text, unsigned *ret)
{
    return bits_parse(text, scope_at, 4, ret);
}

int auth_roles_parse(const char *text, unsigned *ret)
{
    return bits_parse(text, role_at, ROLE_COUNT, ret);
}

void auth_prune_keys(struct auth *a)
{
    pthread_mutex_lock(&a->lock);
    size_t kept = 0;
    for (size_t i = 0; i < a->count; i++) {
        if (!a->keys[i].fresh)
            continue;
        a->keys[i].fresh = false;
        if (kept != i)
            a->keys[kept] = a->keys[i];
        kept++;
    }
    explicit_bzero(a->keys + kept, (a->count - kept) * sizeof a->keys[0]);
    a->count = kept;
    pthread_mutex_unlock(&a->lock);
}

static bool key_find(struct auth *a, const char *id, struct auth_key *ret)
{
    pthread_mutex_lock(&a->lock);
    size_t i = key_index(a, id);
    bool found = i < a->count;
    if (found)
        *ret = a->keys[i];
    pthread_mutex_unlock(&a->lock);
    return found;
}

static int base64url_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '-')
        return 62;
    return c == '_' ? 63 : -1;
}

/** RFC 4648, section 5, without padding. `dst` holds 3/4 of the span. The length or ER_MALFORMED. */
static int base64url_decode(struct span text, char *dst)
{
    uint32_t bits = 0;
    unsigned have = 0;
    int len = 0;
    if (text.len % 4 == 1)
        return ER_MALFORMED;
    for (size_t i = 0; i < text.len; i++) {
        int v = base64url_value(text.at[i]);
        if (v < 0)
            return ER_MALFORMED;
        bits = bits << 6 | (uint32_t)v;
        have += 6;
        if (have >= 8) {
            have -= 8;
            dst[len++] = (char)(uint8_t)(bits >> have);
        }
    }
    return len;
}

static int part_parse(struct span text, json_t **ret)
{
    char buf[LIMIT_TOKEN];
    int len = base64url_decode(text, buf);
    if (len < 0)
        return len;
    return json_parse(buf, (size_t)len, ret, NULL);
}

/** The header: HS256 and nothing else, a kid we know, nothing critical that we do not know. */
static int header_check(struct auth *a, struct span text, struct auth_key *ret_key,
                        const char **ret_why)
{
    json_t *header;
    int er = part_parse(text, &header);
    if (er == ER_NOMEM)
        return er;
    *ret_why = "the token's header cannot be read";
    if (er)
        return ER_UNAUTHENTIC;
    er = ER_UNAUTHENTIC;
    const char *alg = json_text(header, "alg", 16);
    const char *kid = json_text(header, "kid", AUTH_KEY_BYTES - 1);
    if (!alg || strcmp(alg, "HS256") != 0)
        *ret_why = "the token's algorithm is not HS256";
    else if (json_object_get(header, "crit"))
        *ret_why = "the token's header has critical members";
    else if (!kid || !key_find(a, kid, ret_key))
        *ret_why = "the token's key is not known";
    else
        er = 0;
    json_decref(header);
    return er;
}

static bool signed_with(const char *token, const char *secret)
{
    jwt_t *jwt = NULL;
    int failed = jwt_decode(&jwt, token, (const unsigned char *)secret, (int)strlen(secret));
    bool good = !failed && jwt && jwt_get_alg(jwt) == JWT_ALG_HS256;
    jwt_free(jwt);
    return good;
}

static int signature_check(const char *token, const struct auth_key *key, uint64_t now_s,
                           const char **ret_why)
{
    if (signed_with(token, key->secret) ||
        (key->old_secret[0] && now_s < key->old_until_s && signed_with(token, key->old_secret)))
        return 0;
    *ret_why = "the token's signature does not match";
    return ER_UNAUTHENTIC;
}

/** A NumericDate (RFC 7519): 0, ER_NOT_FOUND, or ER_MALFORMED. */
static int date_get(const json_t *claims, const char *key, double *ret)
{
    const json_t *v = json_object_get(claims, key);
    if (!v)
        return ER_NOT_FOUND;
    if (!json_is_number(v))
        return ER_MALFORMED;
    *ret = json_number_value(v);
    return *ret >= 0 && *ret < 1e15 ? 0 : ER_MALFORMED;
}

static const char *dates_check(const json_t *claims, uint64_t now_s, struct claims *ret)
{
    double now = (double)now_s;
    double at;
    if (date_get(claims, "exp", &at))
        return "the token has no exp";
    if (at <= now)
        return "the token has expired";
    if (at > now + LIMIT_TOKEN_AHEAD_S)
        return "the token's exp is more than 24 hours ahead";
    ret->expires_s = (uint64_t)at;
    static const char *const starts[] = {"iat", "nbf"};
    for (size_t i = 0; i < 2; i++) {
        int er = date_get(claims, starts[i], &at);
        if (er == ER_MALFORMED || (er == 0 && at > now + LEEWAY_S))
            return "the token is not valid yet";
    }
    return NULL;
}

bool claims_text_ok(const char *text)
{
    if (!text || !text[0])
        return false;
    for (const char *p = text; *p; p++) {
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            return false;
    }
    return true;
}

/** An optional text: absent is fine, anything else must be good. */
static bool optional_text(const json_t *claims, const char *key, char *dst, size_t size)
{
    dst[0] = '\0';
    if (!json_object_get(claims, key))
        return true;
    const char *text = json_text(claims, key, size - 1);
    return text && (!text[0] || claims_text_ok(text)) && str_copy(dst, size, text) == 0;
}

static bool optional_id(const json_t *claims, const char *key, struct id *ret)
{
    memset(ret, 0, sizeof *ret);
    if (!json_object_get(claims, key))
        return true;
    const char *text = json_text(claims, key, ID_TEXT_BYTES - 1);
    return text && id_parse(text, ret) == 0;
}

static bool grants_read(const json_t *claims, struct role_grants *grants)
{
    const json_t *asked = json_object_get(claims, "grants");
    if (!asked)
        return true;
    if (!json_is_object(asked))
        return false;
    static const char *const names[] = {"publish", "subscribe", "record"};
    for (size_t i = 0; i < 3; i++) {
        const json_t *v = json_object_get(asked, names[i]);
        if (v && !json_is_boolean(v))
            return false;
    }
    struct role_grants narrow = {
        .publish = json_flag(asked, "publish", true),
        .subscribe = json_flag(asked, "subscribe", true),
        .record = json_flag(asked, "record", true),
    };
    *grants = role_narrow(*grants, narrow);
    return true;
}

/** NULL, or what is wrong. */
static const char *claims_read(const json_t *claims, const struct auth_key *key, uint64_t now_s,
                               struct claims *ret)
{
    const char *iss = json_text(claims, "iss", AUTH_KEY_BYTES - 1);
    if (!iss || strcmp(iss, key->id) != 0)
        return "the token's iss is not its kid";
    const char *why = dates_check(claims, now_s, ret);
    if (why)
        return why;
    const char *sub = json_text(claims, "sub", LIMIT_IDENTITY);
    if (!claims_text_ok(sub))
        return "the token has no proper sub";
    const char *role = json_text(claims, "role", 32);
    if (!role || role_parse(role, &ret->role))
        return "the token's role is not known";
    ret->grants = role_describe(ret->role)->grants;
    if (!grants_read(claims, &ret->grants))
        return "the token's grants are malformed";
    if (!optional_id(claims, "case", &ret->case_id) || !optional_id(claims, "room", &ret->room))
        return "the token's case or room is malformed";
    if (ret->role == ROLE_BUYER && !id_is_set(&ret->case_id))
        return "a buyer's token must name a case";
    if (!optional_text(claims, "name", ret->name, sizeof ret->name) ||
        !optional_text(claims, "jti", ret->jti, sizeof ret->jti))
        return "the token's name or jti is malformed";
    (void)str_copy(ret->identity, sizeof ret->identity, sub);
    if (!ret->name[0])
        (void)str_copy(ret->name, sizeof ret->name, sub);
    (void)str_copy(ret->key, sizeof ret->key, key->id);
    (void)str_copy(ret->merchant, sizeof ret->merchant, key->merchant);
    ret->scopes = key->scopes;
    ret->roles = key->roles;
    return NULL;
}

static int payload_check(struct span payload, const struct auth_key *key, uint64_t now_s,
                         struct claims *ret, const char **ret_why)
{
    json_t *claims;
    int er = part_parse(payload, &claims);
    if (er == ER_NOMEM)
        return er;
    *ret_why = "the token's claims cannot be read";
    if (er)
        return ER_UNAUTHENTIC;
    const char *why = claims_read(claims, key, now_s, ret);
    json_decref(claims);
    if (!why)
        return 0;
    *ret_why = why;
    return ER_UNAUTHENTIC;
}

int auth_verify(struct auth *a, const char *token, size_t len, uint64_t now_s, struct claims *ret,
                const char **ret_why)
{
    memset(ret, 0, sizeof *ret);
    char text[AUTH_TOKEN_BYTES];
    *ret_why = "this is no token";
    if (len == 0 || len > LIMIT_TOKEN || memchr(token, '\0', len))
        return ER_UNAUTHENTIC;
    memcpy(text, token, len);
    text[len] = '\0';

    struct span rest = {.at = text, .len = len};
    struct span header = span_cut(&rest, '.');
    struct span payload = span_cut(&rest, '.');
    if (!rest.at || memchr(rest.at, '.', rest.len))
        return ER_UNAUTHENTIC;
    struct auth_key key;
    int er = header_check(a, header, &key, ret_why);
    if (er)
        return er;
    er = signature_check(text, &key, now_s, ret_why);
    if (!er)
        er = payload_check(payload, &key, now_s, ret, ret_why);
    if (!er && !(key.roles & 1u << ret->role)) {
        *ret_why = "the token's key may not sign for this role";
        er = ER_DENIED;
    }
    explicit_bzero(&key, sizeof key);
    if (er)
        memset(ret, 0, sizeof *ret);
    return er;
}

static int claims_write(const struct claims *c, uint64_t now_s, json_t *o)
{
    const struct role_info *role = role_describe(c->role);
    int bad = json_object_set_new(o, "iss", json_string(c->key)) |
              json_object_set_new(o, "sub", json_string(c->identity)) |
              json_object_set_new(o, "role", json_string(role->name)) |
              json_object_set_new(o, "iat", json_integer((json_int_t)now_s)) |
              json_object_set_new(o, "exp", json_integer((json_int_t)c->expires_s));
    if (c->name[0])
        bad |= json_object_set_new(o, "name", json_string(c->name));
    if (c->jti[0])
        bad |= json_object_set_new(o, "jti", json_string(c->jti));
    if (id_is_set(&c->case_id))
        bad |= json_object_set_new(o, "case", json_string(c->case_id.text));
    if (id_is_set(&c->room))
        bad |= json_object_set_new(o, "room", json_string(c->room.text));
    struct role_grants full = role->grants;
    if ((full.publish && !c->grants.publish) || (full.subscribe && !c->grants.subscribe) ||
        (full.record && !c->grants.record)) {
        json_t *grants = json_pack("{s:b,s:b,s:b}", "publish", c->grants.publish, "subscribe",
                                   c->grants.subscribe, "record", c->grants.record);
        bad |= json_object_set_new(o, "grants", grants);
    }
    return bad ? ER_NOMEM : 0;
}

static int token_sign(const struct auth_key *key, const char *claims, char *ret_token)
{
    jwt_t *jwt = NULL;
    if (jwt_new(&jwt))
        return ER_NOMEM;
    char *text = NULL;
    if (!jwt_set_alg(jwt, JWT_ALG_HS256, (const unsigned char *)key->secret,
                     (int)strlen(key->secret)) &&
        !jwt_add_header(jwt, "kid", key->id) && !jwt_add_grants_json(jwt, claims))
        text = jwt_encode_str(jwt);
    int er = text ? str_copy(ret_token, AUTH_TOKEN_BYTES, text) : ER_NOMEM;
    free(text);
    jwt_free(jwt);
    return er;
}

int auth_mint(struct auth *a, const struct claims *claims, uint64_t now_s,
              char ret_token[AUTH_TOKEN_BYTES])
{
    if (!claims->identity[0] || !role_describe(claims->role) || claims->expires_s <= now_s ||
        claims->expires_s > now_s + LIMIT_TOKEN_AHEAD_S)
        return ER_INVALID;
    struct auth_key key;
    if (!key_find(a, claims->key, &key))
        return ER_NOT_FOUND;
    if (!(key.roles & 1u << claims->role)) {
        explicit_bzero(&key, sizeof key);
        return ER_DENIED;
    }
    json_t *o = json_object();
    int er = o ? claims_write(claims, now_s, o) : ER_NOMEM;
    char *text = er ? NULL : json_canonical(o);
    json_decref(o);
    if (!er)
        er = text ? token_sign(&key, text, ret_token) : ER_NOMEM;
    free(text);
    explicit_bzero(&key, sizeof key);
    return er;
}

bool claims_is_bound(const struct claims *c)
{
    return id_is_set(&c->case_id) || id_is_set(&c->room);
}

bool claims_allow_case(const struct claims *c, const struct id *case_id, const struct id *room,
                       const char *merchant)
{
    if (strcmp(c->merchant, merchant) != 0)
        return false;
    if (id_is_set(&c->case_id) && !id_equal(&c->case_id, case_id))
        return false;
    if (id_is_set(&c->room) && !id_equal(&c->room, room))
        return false;
    if (claims_is_bound(c))
        return true;
    return role_describe(c->role)->any_room || c->role == ROLE_SERVICE;
}
