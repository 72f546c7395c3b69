// SPDX-License-Identifier: Apache-2.0
/* Settings: defaults, the order of precedence, and one line for every mistake. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <stdio.h>
#include <unistd.h>

#include "base/er.h"
#include "server/config.h"

static char path[] = "/tmp/loupe-config-XXXXXX";

static int load(struct config *c, const char *file, char *environment, char *why,
                const char *const *flags)
{
    char *argv[20] = {(char *)(uintptr_t) "louped"};
    char *environ_[2] = {environment, NULL};
    int argc = 1;
    if (file) {
        FILE *f = fopen(path, "w");
        assert_non_null(f);
        fputs(file, f);
        fclose(f);
        argv[argc++] = (char *)(uintptr_t) "--config";
        argv[argc++] = path;
    }
    for (; flags && *flags; flags++)
        argv[argc++] = (char *)(uintptr_t)*flags;
    return config_load(c, argc, argv, environment ? environ_ : NULL, why, 300);
}

#define FLAGS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void test_defaults(void **state)
{
    (void)state;
    struct config c;
    char why[300];
    assert_int_equal(load(&c, NULL, NULL, why, NULL), 0);
    assert_int_equal(c.http.port, 8080);
    assert_int_equal(c.media.port, 10000);
    assert_true(addr_is_loopback(&c.http));
    assert_int_equal(c.workers, 0);
    assert_int_equal(c.drain_seconds, 30);
    assert_int_equal(c.ring_seconds, 20);
    assert_int_equal(c.wrap_up_seconds, 0);
    assert_int_equal(c.log_level, LOG_INFO);
    assert_false(c.demo || c.check || c.log_json || c.media_realtime);
    config_clear(&c);
}

static void test_precedence(void **state)
{
    (void)state;
    struct config c;
    char why[300];
    static const char file[] = "; a comment\n[loupe]\nworkers = 3\ndrain-seconds = 5\n"
                               "log_format = json\napi-key = a:1, b:2\ndemo = yes\n";
    char environment[] = "LOUPE_DRAIN_SECONDS=6", keys[] = "LOUPE_API_KEY=c:3";
    assert_int_equal(load(&c, file, NULL, why, NULL), 0);
    assert_int_equal(c.workers, 3);
    assert_int_equal(c.drain_seconds, 5);
    assert_true(c.log_json && c.demo);
    assert_int_equal(c.api_keys.count, 2);
    assert_string_equal(c.api_keys.items[1], "b:2");
    config_clear(&c);
    assert_int_equal(load(&c, file, environment, why, FLAGS("--workers", "4", "--media-realtime")),
                     0);
    assert_int_equal(c.workers, 4);
    assert_true(c.media_realtime);
    assert_int_equal(c.drain_seconds, 6);
    config_clear(&c);
    assert_int_equal(load(&c, file, environment, why, FLAGS("--drain-seconds=7")), 0);
    assert_int_equal(c.drain_seconds, 7);
    config_clear(&c);
    assert_int_equal(load(&c, file, keys, why, NULL), 0);
    assert_int_equal(c.api_keys.count, 1); /* replaced, not added to */
    assert_string_equal(c.api_keys.items[0], "c:3");
    config_clear(&c);
    assert_int_equal(load(&c, file, keys, why, FLAGS("--api-key", "d:4", "--api-key", "e:5:6")), 0);
    assert_int_equal(c.api_keys.count, 2);
    assert_string_equal(c.api_keys.items[1], "e:5:6");
    config_clear(&c);
}

static void test_values(void **state)
{
    (void)state;
    struct config c;
    char why[300];
    assert_int_equal(
        load(&c, NULL, NULL, why,
             FLAGS("--http", "[::1]:0", "--public-address", "203.0.113.7", "--public-url",
                   "https://x.example//", "--database", "sqlite:///var/x.db", "--blobs",
                   "file:///var/b", "--allowed-origins", "https://shop.example", "--log-level",
                   "debug")),
        0);
    assert_int_equal(c.http.port, 0);
    assert_string_equal(c.public_url, "https://x.example");
    assert_string_equal(c.database, "/var/x.db");
    assert_string_equal(c.blobs, "/var/b");
    assert_string_equal(c.allowed_origins.items[0], "https://shop.example");
    assert_int_equal(c.log_level, LOG_DEBUG);
    config_clear(&c);
}

static void test_shared_port(void **state)
{
    (void)state;
    struct config c;
    char why[300];
    static const char *const pairs[][2] = {
        {"http = 127.0.0.1:8080\nmedia-tcp = 127.0.0.1:8080\n", "yes"},
        {"http = 127.0.0.1:8080\nmedia-tcp = 127.0.0.1:8081\n", "no"},
        {"http = 127.0.0.1:8080\nmedia-tcp = 127.0.0.2:8080\n", "no"},
        {"http = 127.0.0.1:0\nmedia-tcp = 127.0.0.1:0\n", "no"},
        {"http = 127.0.0.1:8080\n", "no"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        assert_int_equal(load(&c, pairs[i][0], NULL, why, NULL), 0);
        assert_int_equal(config_shares_port(&c), strcmp(pairs[i][1], "yes") == 0);
        config_clear(&c);
    }
}

static void test_mistakes(void **state)
{
    (void)state;
    struct config c;
    char why[300];
    static const char *const bad[][2] = {
        {"--http", "localhost:1"},
        {"--http", "1.2.3.4"},
        {"--media", "x"},
        {"--workers", "0"},
        {"--workers", "65"},
        {"--workers", "2x"},
        {"--workers", ""},
        {"--api-key", ":s"},
        {"--api-key", "id:"},
        {"--api-key", "a b:s"},
        {"--public-address", "x"},
        {"--log-level", "loud"},
        {"--log-format", "xml"},
        {"--drain-seconds", "0"},
        {"--min-free-mib", "-1"},
        {"--lookback-seconds", "181"},
        {"--rate-person", "0"},
        {"--rate-refused", "5/"},
        {"--database", "mysql://x"},
        {"--blobs", "s3://x"},
        {"--allowed-origins", "x"},
        {"--public-url", "ftp://x"},
        {"--demo", "--nothing"},
        {"stray", "word"},
        {"--allowed-origins", "http://a/b"},
        {"--media-tcp", "1.2.3.4"},
        {"--stun-urls", "turn:a"},
        {"--turn-urls", "turn:a"},
        {"--turn-secret", "alone"},
        {"--turn-ttl-seconds", "59"},
        {"--http", "0.0.0.0:80"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(load(&c, NULL, NULL, why, FLAGS(bad[i][0], bad[i][1])), ER_INVALID);
        assert_true(why[0]);
        assert_null(strchr(why, '\n'));
    }
    static const struct {
        const char *file, *want;
    } files[] = {
        {"workers = 2\nwrong = 1\n", ":2: unknown key wrong"},
        {"[other]\nworkers = 2\n", ":2: unknown key other.workers"},
        {"[loupe]\nworkers = none\n", ":2: bad value for loupe.workers"},
        {"workers\n", ":1: not `key = value`"},
        {"config = x\n", ":1: unknown key config"},
        {"check = true\n", ":1: unknown key check"},
        {"wrong = 1\nalso = 2\n", ":1: unknown key wrong"},
        {"data = ./x\n  wrokers = 3\n", ":2: unknown key wrokers"},
        {"data = ./x\n\tmore\n", ":2: not `key = value`"},
        {"[loupe\n", ":1: not `[section]`"},
        {"turn-urls = turn:a\n", ":1: turn-urls: turn-urls and turn-secret belong together"},
        {"stun-urls = stun:a stun:b stun:c stun:d stun:e\n", ":1: bad value for stun-urls"},
    };
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        assert_int_equal(load(&c, files[i].file, NULL, why, NULL), ER_INVALID);
        assert_string_equal(why + strlen(path), files[i].want);
    }
    char environment[] = "LOUPE_WORKERS=many";
    assert_int_equal(load(&c, NULL, environment, why, NULL), ER_INVALID);
    assert_string_equal(why, "environment: bad value for LOUPE_WORKERS");
    unlink(path);
    assert_int_equal(load(&c, NULL, NULL, why, FLAGS("--config", path)), ER_INVALID);
}

static void test_lines(void **state)
{
    (void)state;
    struct config c;
    char why[300];
    char *file = malloc(5000);
    assert_int_equal(load(&c,
                          "\xef\xbb\xbf  # one\n; two\n\n  [loupe]\r\n"
                          "\tworkers : 3 ; inside\r\n data = a;b#c \ndemo=no",
                          NULL, why, NULL),
                     0);
    assert_int_equal(c.workers, 3);
    assert_string_equal(c.data, "a;b#c");
    config_clear(&c);
    /* A list in one long line, up to 4096 bytes. */
    size_t len = (size_t)snprintf(file, 5000, "api-key =");
    for (int i = 0; i < 15; i++)
        len += (size_t)snprintf(file + len, 5000 - len, " k%02d:%0200d", i, i);
    assert_int_equal(load(&c, file, NULL, why, NULL), 0);
    assert_int_equal(c.api_keys.count, 15);
    config_clear(&c);
    memset(file, 'x', 4096);
    memcpy(file, "data=", 5);
    (void)snprintf(file + 4096, 5000 - 4096, "x\nworkers=1\n");
    assert_int_equal(load(&c, file, NULL, why, NULL), ER_INVALID);
    assert_string_equal(why + strlen(path), ":1: the line is longer than 4096 bytes");
    free(file);
}

static void test_unknown_variables(void **state)
{
    (void)state;
    char a[] = "LOUPE_DATA=x", b[] = "LOUPE_DATE=x", d[] = "PATH=y", e[] = "LOUPE_CHECK=1";
    char *environment[] = {a, b, d, e, NULL};
    size_t cursor = 0, len = 0;
    assert_ptr_equal(config_unknown(environment, &cursor, &len), b);
    assert_int_equal(len, 10);
    assert_ptr_equal(config_unknown(environment, &cursor, &len), e);
    assert_null(config_unknown(environment, &cursor, &len));
}

static void test_help(void **state)
{
    (void)state;
    char *text = config_help();
    assert_non_null(strstr(text, "--public-address IP"));
    free(text);
}

static int make_file(void **state)
{
    (void)state;
    return close(mkstemp(path));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults), cmocka_unit_test(test_precedence),
        cmocka_unit_test(test_values),   cmocka_unit_test(test_mistakes),
        cmocka_unit_test(test_lines),    cmocka_unit_test(test_unknown_variables),
        cmocka_unit_test(test_help),     cmocka_unit_test(test_shared_port),
    };
    return cmocka_run_group_tests(tests, make_file, NULL);
}
