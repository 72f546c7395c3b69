// SPDX-License-Identifier: Apache-2.0
/* Signed addresses of files: each for one file, one person and ten minutes. */
#include "server/auth.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"

#define NOW UINT64_C(1795298400)
#define END (NOW + AUTH_MEDIA_SECONDS)

static const struct id clip = {"01jd0000000000000000000000"},
                       other = {"01jd0000000000000000000001"};

static struct media_key key(uint64_t seed)
{
    struct entropy_seeded seeded;
    struct entropy e = entropy_seeded_init(&seeded, seed);
    const uint8_t secret[32] = {1};
    return media_key_derive(secret, &e);
}

static void a_link_is_good_for_what_it_says(void **state)
{
    (void)state;
    const struct media_key k = key(7);
    char s[AUTH_SIGNATURE_BYTES];
    media_key_sign(&k, &clip, "media", "lin", END, s);
    assert_int_equal(strlen(s), AUTH_SIGNATURE_BYTES - 1);
    assert_int_equal(media_key_check(&k, &clip, "media", "lin", END, NOW, s), 0);
    assert_int_equal(media_key_check(&k, &clip, "media", "lin", END, END - 1, s), 0);
    assert_int_equal(media_key_check(&k, &clip, "media", "lin", END, END, s), ER_STALE);
    assert_int_equal(media_key_check(&k, &clip, "media", "lin", END + 1, NOW, s), ER_UNAUTHENTIC);
    assert_int_equal(media_key_check(&k, &clip, "media", "li", END, NOW, s), ER_UNAUTHENTIC);
    assert_int_equal(media_key_check(&k, &clip, "poster", "lin", END, NOW, s), ER_UNAUTHENTIC);
    assert_int_equal(media_key_check(&k, &other, "media", "lin", END, NOW, s), ER_UNAUTHENTIC);
}

/** The same secret, another start: what was handed out before is worth nothing. */
static void a_start_makes_old_links_worthless(void **state)
{
    (void)state;
    const struct media_key before = key(7), after = key(8);
    char s[AUTH_SIGNATURE_BYTES];
    media_key_sign(&before, &clip, "media", "lin", END, s);
    assert_int_equal(media_key_check(&after, &clip, "media", "lin", END, NOW, s), ER_UNAUTHENTIC);
}

static void no_other_signature_will_do(void **state)
{
    (void)state;
    const struct media_key k = key(7);
    char s[AUTH_SIGNATURE_BYTES], changed[2 * AUTH_SIGNATURE_BYTES];
    media_key_sign(&k, &clip, "media", "lin", END, s);
    for (size_t i = 0; i < AUTH_SIGNATURE_BYTES - 1; i++) {
        memcpy(changed, s, sizeof s);
        changed[i] = (char)(s[i] == '0' ? '1' : '0');
        assert_int_equal(media_key_check(&k, &clip, "media", "lin", END, NOW, changed),
                         ER_UNAUTHENTIC);
    }
    for (size_t len = 0; len < AUTH_SIGNATURE_BYTES - 1; len++) {
        memcpy(changed, s, len);
        changed[len] = '\0';
        assert_int_equal(media_key_check(&k, &clip, "media", "lin", END, NOW, changed),
                         ER_UNAUTHENTIC);
    }
    (void)snprintf(changed, sizeof changed, "%s0", s);
    assert_int_equal(media_key_check(&k, &clip, "media", "lin", END, NOW, changed), ER_UNAUTHENTIC);
}

/** Names come from addresses: as long as they like, and with what else is signed written into them. */
static void no_name_passes_for_another(void **state)
{
    (void)state;
    const struct media_key k = key(7);
    char s[AUTH_SIGNATURE_BYTES], t[AUTH_SIGNATURE_BYTES], name[2 * LIMIT_IDENTITY + 1];
    memset(name, 'x', sizeof name);
    name[LIMIT_IDENTITY] = '\0';
    media_key_sign(&k, &clip, "manifest", name, UINT64_MAX, s);
    assert_int_equal(media_key_check(&k, &clip, "manifest", name, UINT64_MAX, NOW, s), 0);
    media_key_sign(&k, &other, "manifest", name, UINT64_MAX, t);
    assert_string_not_equal(s, t); /* the longest there is is not signed as nothing at all */
    name[LIMIT_IDENTITY] = 'x';
    name[2 * LIMIT_IDENTITY] = '\0';
    media_key_sign(&k, &clip, "media", name, END, s);
    assert_int_equal(media_key_check(&k, &clip, "media", name, END, NOW, s), ER_UNAUTHENTIC);
    (void)snprintf(name, sizeof name, "%llu\nlin", (unsigned long long)END);
    media_key_sign(&k, &clip, "media", name, END, s);
    assert_int_equal(media_key_check(&k, &clip, "media", "lin", END, NOW, s), ER_UNAUTHENTIC);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_link_is_good_for_what_it_says),
        cmocka_unit_test(a_start_makes_old_links_worthless),
        cmocka_unit_test(no_other_signature_will_do),
        cmocka_unit_test(no_name_passes_for_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
