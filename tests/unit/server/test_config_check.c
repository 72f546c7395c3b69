// SPDX-License-Identifier: Apache-2.0
/* Settings that are each fine but do not go together: which one is named, and why. */
#include "server/config_check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/app_demo.h"
#include "tests/unit/support/scratch.h"

static struct config plain(void)
{
    struct config c = {.workers = 2};
    assert_int_equal(addr_parse("127.0.0.1:8080", &c.http), 0);
    assert_int_equal(addr_parse("127.0.0.1:10000", &c.media), 0);
    return c;
}

static void assert_wrong(const struct config *c, const char *name, const char *part)
{
    char buf[200];
    const char *wrong_name = NULL, *wrong = config_check(c, &wrong_name, buf, sizeof buf);
    assert_non_null(wrong);
    assert_string_equal(wrong_name, name);
    if (!strstr(wrong, part))
        fail_msg("%s: %s", wrong_name, wrong);
}

static void assert_good(const struct config *c)
{
    char buf[200];
    const char *name;
    assert_null(config_check(c, &name, buf, sizeof buf));
}

static void what_leaves_the_machine_is_encrypted_or_meant_so(void **state)
{
    (void)state;
    struct config c = plain();
    assert_good(&c);
    assert_int_equal(addr_parse("0.0.0.0:8080", &c.http), 0);
    assert_wrong(&c, "http", "needs tls-cert and tls-key");
    c.allow_plain_http = true;
    assert_good(&c);
    c.demo = true;
    assert_wrong(&c, "http", "demo is for loopback only");
    assert_int_equal(addr_parse("[::1]:8080", &c.http), 0);
    assert_good(&c);
}

static void halves_are_refused(void **state)
{
    (void)state;
    struct config c = plain();
    (void)snprintf(c.tls_cert, sizeof c.tls_cert, "cert.pem");
    assert_wrong(&c, "tls-cert", "belong together");
    c = plain();
    (void)snprintf(c.tls_key, sizeof c.tls_key, "key.pem");
    assert_wrong(&c, "tls-key", "belong together");
    c = plain();
    (void)snprintf(c.turn_secret, sizeof c.turn_secret, "secret");
    assert_wrong(&c, "turn-secret", "belong together");
    c = plain();
    c.turn_urls = (struct config_list){.count = 1, .items = {"turn:turn.example"}};
    assert_wrong(&c, "turn-urls", "belong together");
}

/** Never the secrets themselves: what is wrong is printed. */
static void a_key_has_one_secret(void **state)
{
    (void)state;
    struct config c = plain();
    c.api_keys = (struct config_list){.count = 3, .items = {"a:one", "b:two", "a:one"}};
    assert_good(&c); /* the same again does no harm */
    c.api_keys.items[2] = "a:three";
    assert_wrong(&c, "api-key", "a is given twice, with different secrets");
    c.api_keys.items[2] = "ab:three"; /* begins like another */
    assert_good(&c);
    c.api_keys.items[2] = DEMO_KEY ":another";
    assert_good(&c);
    c.demo = true;
    assert_wrong(&c, "api-key", "demo has a key " DEMO_KEY);
    c.api_keys.items[2] = DEMO_KEY ":" DEMO_SECRET;
    assert_good(&c);
}

static void every_worker_has_a_port(void **state)
{
    (void)state;
    struct config c = plain();
    c.workers = 4;
    c.media.port = 65532;
    assert_good(&c);
    c.media.port = 65533;
    assert_wrong(&c, "media", "no room for a port per worker");
    c.media.port = 0; /* any that are free */
    assert_good(&c);
}

static void files_are_looked_at(void **state)
{
    (void)state;
    struct scratch s;
    struct config c = plain();
    scratch_make(&s);
    scratch_write(&s, "junk", (const uint8_t *)"junk", 4);
    (void)snprintf(c.tls_cert, sizeof c.tls_cert, "%s", scratch_path(&s, "junk"));
    (void)snprintf(c.tls_key, sizeof c.tls_key, "%s", scratch_path(&s, "junk"));
    assert_wrong(&c, "tls-cert", "no certificate chain");
    c = plain();
    (void)snprintf(c.web, sizeof c.web, "%s", scratch_path(&s, "junk"));
    assert_wrong(&c, "web", "no such folder");
    (void)snprintf(c.web, sizeof c.web, "%s", s.folder);
    assert_good(&c);
    scratch_remove(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_leaves_the_machine_is_encrypted_or_meant_so),
        cmocka_unit_test(halves_are_refused),
        cmocka_unit_test(a_key_has_one_secret),
        cmocka_unit_test(every_worker_has_a_port),
        cmocka_unit_test(files_are_looked_at),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
