// SPDX-License-Identifier: Apache-2.0
/* Tokens: made, checked, and every way they can be wrong; media signatures. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/hmac.h>
#include <stdio.h>

#include "base/er.h"
#include "server/auth.h"

#define NOW UINT64_C(1800000000)
#define CASE_ID "01hzzzzzzzzzzzzzzzzzzzzzz0"
#define ROOM_ID "01hzzzzzzzzzzzzzzzzzzzzzz1"

static struct auth *keys(void)
{
    struct auth *a;
    assert_int_equal(auth_new(&a), 0);
    assert_int_equal(auth_add_key(a, "k1", "secret-one", "default"), 0);
    assert_int_equal(auth_add_key(a, "k2", "secret-two", "other"), 0);
    return a;
}

static void encode(const void *data, size_t len, char *dst)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const uint8_t *p = data;
    uint32_t bits = 0;
    unsigned have = 0;
    for (size_t i = 0; i < len; i++) {
        bits = bits << 8 | p[i];
        for (have += 8; have >= 6; have -= 6)
            *dst++ = letters[bits >> (have - 6) & 63];
    }
    if (have)
        *dst++ = letters[bits << (6 - have) & 63];
    *dst = '\0';
}

/** A token of our own making, whatever it says. */
static const char *forge(const char *header, const char *claims, const char *secret)
{
    static char text[20000];
    char part[16000];
    uint8_t mac[32];
    unsigned mac_len = sizeof mac;
    encode(header, strlen(header), part);
    int len = snprintf(text, sizeof text, "%s.", part);
    encode(claims, strlen(claims), part);
    len += snprintf(text + len, sizeof text - (size_t)len, "%s", part);
    HMAC(EVP_sha256(), secret, (int)strlen(secret), (const uint8_t *)text, (size_t)len, mac,
         &mac_len);
    encode(mac, sizeof mac, part);
    snprintf(text + len, sizeof text - (size_t)len, ".%s", part);
    return text;
}

#define GOOD "{\"iss\":\"k1\",\"sub\":\"a\",\"role\":\"agent\",\"exp\":1800000050}"
#define HEADER "{\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":\"k1\"}"

static int check(struct auth *a, const char *token, struct claims *c)
{
    const char *why = NULL;
    int er = auth_verify(a, token, strlen(token), NOW, c, &why);
    if (er)
        assert_true(why && why[0]);
    return er;
}

static void test_round_trip(void **state)
{
    (void)state;
    struct auth *a = keys();
    struct claims in = {.key = "k1",
                        .identity = "agent-1",
                        .name = "林",
                        .jti = "j",
                        .role = ROLE_AGENT,
                        .case_id = {CASE_ID},
                        .room = {ROOM_ID},
                        .grants = {.publish = true, .subscribe = true, .record = false},
                        .expires_s = NOW + 60};
    struct claims out;
    char token[AUTH_TOKEN_BYTES];
    assert_int_equal(auth_mint(a, &in, NOW, token), 0);
    assert_int_equal(check(a, token, &out), 0);
    assert_string_equal(out.identity, "agent-1");
    assert_string_equal(out.name, "林");
    assert_string_equal(out.jti, "j");
    assert_string_equal(out.merchant, "default");
    assert_int_equal(out.role, ROLE_AGENT);
    assert_string_equal(out.case_id.text, CASE_ID);
    assert_string_equal(out.room.text, ROOM_ID);
    assert_true(out.grants.publish && out.grants.subscribe && !out.grants.record);
    assert_int_equal(out.expires_s, NOW + 60);

    in.expires_s = NOW;
    assert_int_equal(auth_mint(a, &in, NOW, token), ER_INVALID);
    in.expires_s = NOW + LIMIT_TOKEN_AHEAD_S + 1;
    assert_int_equal(auth_mint(a, &in, NOW, token), ER_INVALID);
    in.expires_s = NOW + 5;
    (void)snprintf(in.key, sizeof in.key, "none");
    assert_int_equal(auth_mint(a, &in, NOW, token), ER_NOT_FOUND);
    auth_free(a);
}

static void test_refusals(void **state)
{
    (void)state;
    struct auth *a = keys();
    struct claims c;
    static const struct {
        const char *header, *claims, *secret;
    } bad[] = {
        {"{\"alg\":\"none\",\"kid\":\"k1\"}", "", "secret-one"},
        {"{\"alg\":\"HS512\",\"kid\":\"k1\"}", "", "secret-one"},
        {"{\"alg\":\"hs256\",\"kid\":\"k1\"}", "", "secret-one"},
        {"{\"kid\":\"k1\"}", "", "secret-one"},
        {"{\"alg\":\"HS256\"}", "", "secret-one"},
        {"{\"alg\":\"HS256\",\"kid\":\"k9\"}", "", "secret-one"},
        {"{\"alg\":\"HS256\",\"kid\":\"k1\",\"crit\":[\"b64\"]}", "", "secret-one"},
        {"[]", "", "secret-one"},
        {"{\"alg\":\"none\",\"alg\":\"HS256\",\"kid\":\"k1\"}", "", "secret-one"},
        {HEADER, "", "secret-two"},
        {"{\"alg\":\"HS256\",\"kid\":\"k2\"}", "", "secret-two"}, /* iss says k1 */
        {HEADER, "{\"iss\":\"k1\",\"sub\":\"a\",\"role\":\"agent\"}", "secret-one"},
        {HEADER, "{\"iss\":\"k1\",\"sub\":\"a\",\"role\":\"agent\",\"exp\":1800000000}",
         "secret-one"},
        {HEADER, "{\"iss\":\"k1\",\"sub\":\"a\",\"role\":\"agent\",\"exp\":\"1800000050\"}",
         "secret-one"},
        {HEADER, "{\"iss\":\"k1\",\"sub\":\"a\",\"role\":\"agent\",\"exp\":1800086401}",
         "secret-one"},
        {HEADER, "{\"iss\":\"k1\",\"sub\":\"a\",\"role\":\"agent\",\"exp\":1e300}", "secret-one"},
        {HEADER, "{\"iss\":\"k1\",\"sub\":\"a\",\"role\":\"agent\",\"exp\":-5}", "secret-one"},
        {HEADER,
         "{\"iss\":\"k1\",\"sub\":\"a\",\"role\":\"agent\",\"exp\":1800000050,\"nbf\":1800000061}",
         "secret-one"},
        {HEADER,
         "{\"iss\":\"k1\",\"sub\":\"a\",\"role\":\"agent\",\"exp\":1800000050,\"iat\":1800000061}",
         "secret-one"},
        {HEADER, "{\"iss\":\"k1\",\"sub\":\"\",\"role\":\"agent\",\"exp\":1800000050}",
         "secret-one"},
        {HEADER, "{\"iss\":\"k1\",\"sub\":5,\"role\":\"agent\",\"exp\":1800000050}", "secret-one"},
        {HEADER, "{\"iss\":\"k1\",\"sub\":\"a\\nb\",\"role\":\"agent\",\"exp\":1800000050}",
         "secret-one"},
        {HEADER, "{\"iss\":\"k1\",\"sub\":\"a\",\"role\":\"king\",\"exp\":1800000050}",
         "secret-one"},
        {HEADER, "{\"iss\":\"k1\",\"sub\":\"a\",\"exp\":1800000050}", "secret-one"},
        {HEADER, "{\"iss\":\"k1\",\"sub\":\"a\",\"role\":\"buyer\",\"exp\":1800000050}",
         "secret-one"},
        {HEADER,
         "{\"iss\":\"k1\",\"sub\":\"a\",\"role\":\"agent\",\"exp\":1800000050,\"case\":\"x\"}",
         "secret-one"},
        {HEADER,
         "{\"iss\":\"k1\",\"sub\":\"a\",\"role\":\"agent\",\"exp\":1800000050,\"room\":null}",
         "secret-one"},
        {HEADER,
         "{\"iss\":\"k1\",\"sub\":\"a\",\"role\":\"agent\",\"exp\":1800000050,\"grants\":true}",
         "secret-one"},
        {HEADER,
         "{\"iss\":\"k1\",\"sub\":\"a\",\"role\":\"agent\",\"exp\":1800000050,"
         "\"grants\":{\"record\":1}}",
         "secret-one"},
        {HEADER, "{\"iss\":\"k1\",\"sub\":\"a\",\"role\":\"agent\",\"exp\":1800000050,\"name\":7}",
         "secret-one"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const char *claims = bad[i].claims[0] ? bad[i].claims : GOOD;
        assert_int_equal(check(a, forge(bad[i].header, claims, bad[i].secret), &c), ER_UNAUTHENTIC);
        assert_string_equal(c.identity, "");
    }
    assert_int_equal(check(a, forge(HEADER, GOOD, "secret-one"), &c), 0);
    assert_string_equal(c.name, "a");
    assert_true(c.grants.record);
    auth_free(a);
}

static void test_leeway_and_widening(void **state)
{
    (void)state;
    struct auth *a = keys();
    struct claims c;
    assert_int_equal(check(a,
                           forge(HEADER,
                                 "{\"iss\":\"k1\",\"sub\":\"a\",\"role\":\"viewer\","
                                 "\"exp\":1800086400,\"nbf\":1800000060,\"iat\":1800000060,"
                                 "\"grants\":{\"publish\":true,\"record\":true}}",
                                 "secret-one"),
                           &c),
                     0);
    assert_false(c.grants.publish || c.grants.record);
    assert_true(c.grants.subscribe);
    auth_free(a);
}

static void test_broken_forms(void **state)
{
    (void)state;
    struct auth *a = keys();
    struct claims c;
    const char *why;
    static const char good[] =
        "{\"iss\":\"k1\",\"sub\":\"a\",\"role\":\"agent\",\"exp\":1800000050}";
    char token[2000];
    (void)snprintf(token, sizeof token, "%s", forge(HEADER, good, "secret-one"));
    size_t len = strlen(token);
    for (size_t cut = 0; cut < len; cut++)
        assert_int_equal(auth_verify(a, token, cut, NOW, &c, &why), ER_UNAUTHENTIC);
    for (size_t i = 0; i < len; i++) {
        char kept = token[i];
        token[i] = kept == '!' ? '?' : '!';
        assert_int_equal(auth_verify(a, token, len, NOW, &c, &why), ER_UNAUTHENTIC);
        token[i] = '\0';
        assert_int_equal(auth_verify(a, token, len, NOW, &c, &why), ER_UNAUTHENTIC);
        token[i] = kept;
    }
    assert_int_equal(auth_verify(a, token, len, NOW, &c, &why), 0);
    static const char *const odd[] = {"", ".", "..", "...", "a.b.c", "a.b", "=.=.="};
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++)
        assert_int_equal(check(a, odd[i], &c), ER_UNAUTHENTIC);
    auth_free(a);
}

static void test_keys(void **state)
{
    (void)state;
    struct auth *a = keys();
    char key[AUTH_KEY_BYTES];
    assert_int_equal(auth_add_key(a, "", "s", "m"), ER_INVALID);
    assert_int_equal(auth_add_key(a, "a b", "s", "m"), ER_INVALID);
    assert_int_equal(auth_add_key(a, "a", "", "m"), ER_INVALID);
    assert_false(auth_knows_key(a, "nobody"));
    auth_prune_keys(a); /* all were new */
    assert_true(auth_knows_key(a, "k2"));
    assert_int_equal(auth_add_key(a, "k1", "secret-new", "default"), 0);
    auth_prune_keys(a);
    assert_false(auth_knows_key(a, "k2"));
    assert_true(auth_knows_key(a, "k1"));
    int er = 0;
    for (int i = 0; i <= LIMIT_API_KEYS && !er; i++) {
        (void)snprintf(key, sizeof key, "n%d", i);
        er = auth_add_key(a, key, "s", "m");
    }
    assert_int_equal(er, ER_FULL);
    auth_free(a);
    auth_free(NULL);
}

static void test_who_may_enter(void **state)
{
    (void)state;
    struct id case_id = {CASE_ID}, room = {ROOM_ID}, none = {""};
    struct claims c = {.merchant = "m", .role = ROLE_AGENT};
    assert_true(claims_allow_case(&c, &case_id, &room, "m"));
    assert_false(claims_allow_case(&c, &case_id, &room, "n"));
    c.role = ROLE_VIEWER;
    assert_false(claims_allow_case(&c, &case_id, &room, "m"));
    c.room = room;
    assert_true(claims_allow_case(&c, &case_id, &room, "m"));
    c.case_id = room;
    assert_false(claims_allow_case(&c, &case_id, &room, "m"));
    c = (struct claims){.merchant = "m", .role = ROLE_AGENT, .room = case_id};
    assert_false(claims_allow_case(&c, &case_id, &room, "m"));
    c = (struct claims){.merchant = "m", .role = ROLE_SERVICE, .room = none};
    assert_true(claims_allow_case(&c, &case_id, &room, "m"));
}

static const char *minted(struct auth *a, const char *key, enum role role)
{
    static char token[AUTH_TOKEN_BYTES];
    struct claims c = {.role = role,
                       .identity = "x",
                       .grants = role_describe(role)->grants,
                       .expires_s = NOW + 100};
    (void)snprintf(c.key, sizeof c.key, "%s", key);
    assert_int_equal(auth_mint(a, &c, NOW, token), 0);
    return token;
}

static int verified(struct auth *a, const char *token, uint64_t now_s, struct claims *ret)
{
    const char *why;
    return auth_verify(a, token, strlen(token), now_s, ret, &why);
}

static void test_roles_and_scopes(void **state)
{
    (void)state;
    struct auth *a = keys();
    struct claims c;
    struct auth_key_spec spec = {.id = "k3", .merchant = "m", .secret = "s3", .old_secret = ""};
    assert_int_equal(auth_roles_parse("agent,service", &spec.roles), 0);
    assert_int_equal(auth_scopes_parse("read,call", &spec.scopes), 0);
    assert_int_equal(spec.scopes, AUTH_READ | AUTH_CALL);
    assert_int_equal(auth_put_key(a, &spec), 0);
    assert_int_equal(verified(a, minted(a, "k3", ROLE_AGENT), NOW, &c), 0);
    assert_int_equal(c.scopes, AUTH_READ | AUTH_CALL);
    assert_int_equal(verified(a, minted(a, "k1", ROLE_AGENT), NOW, &c), 0);
    assert_int_equal(c.scopes, AUTH_ALL);
    struct claims other = {
        .role = ROLE_ARBITER, .identity = "x", .key = "k3", .expires_s = NOW + 9};
    char token[AUTH_TOKEN_BYTES];
    assert_int_equal(auth_mint(a, &other, NOW, token), ER_DENIED);
    /* Signed by somebody who has the secret all the same. */
    char claims[200];
    (void)snprintf(claims, sizeof claims,
                   "{\"iss\":\"k3\",\"sub\":\"x\",\"role\":\"arbiter\",\"exp\":%llu}",
                   (unsigned long long)NOW + 9);
    const char *forged = forge("{\"alg\":\"HS256\",\"kid\":\"k3\"}", claims, "s3");
    assert_int_equal(verified(a, forged, NOW, &c), ER_DENIED);
    unsigned bits;
    assert_int_equal(auth_scopes_parse("", &bits), 0);
    assert_int_equal(bits, AUTH_ALL);
    assert_int_equal(auth_roles_parse("", &bits), 0);
    assert_int_equal(bits, (1u << ROLE_COUNT) - 1);
    assert_int_equal(auth_scopes_parse("read,", &bits), ER_INVALID);
    assert_int_equal(auth_scopes_parse("read write", &bits), ER_INVALID);
    assert_int_equal(auth_roles_parse("king", &bits), ER_INVALID);
    assert_int_equal(auth_remove_key(a, "k3"), 0);
    assert_int_equal(auth_remove_key(a, "k3"), ER_NOT_FOUND);
    assert_false(auth_knows_key(a, "k3"));
    assert_int_equal(verified(a, minted(a, "k2", ROLE_AGENT), NOW, &c), 0); /* is still there */
    assert_string_equal(c.merchant, "other");
    auth_free(a);
}

static void test_a_new_secret_beside_the_old(void **state)
{
    (void)state;
    struct auth *a = keys();
    struct claims c;
    char before[AUTH_TOKEN_BYTES];
    struct auth_key_spec spec = {.id = "k3",
                                 .merchant = "m",
                                 .secret = "old",
                                 .old_secret = "",
                                 .roles = ~0u,
                                 .scopes = AUTH_ALL};
    assert_int_equal(auth_put_key(a, &spec), 0);
    (void)snprintf(before, sizeof before, "%s", minted(a, "k3", ROLE_AGENT));
    spec.secret = "new";
    spec.old_secret = "old";
    spec.old_until_s = NOW + 50;
    assert_int_equal(auth_put_key(a, &spec), 0);
    assert_int_equal(verified(a, before, NOW + 49, &c), 0);
    assert_int_equal(verified(a, before, NOW + 50, &c), ER_UNAUTHENTIC);
    assert_int_equal(verified(a, minted(a, "k3", ROLE_AGENT), NOW + 60, &c), 0);
    auth_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_leeway_and_widening),
        cmocka_unit_test(test_broken_forms),
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_who_may_enter),
        cmocka_unit_test(test_roles_and_scopes),
        cmocka_unit_test(test_a_new_secret_beside_the_old),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
