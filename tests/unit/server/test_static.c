// SPDX-License-Identifier: Apache-2.0
/* The pages: what is found, how it is to be cached, what is not there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/er.h"
#include "server/static.h"

static char folder[] = "/tmp/loupe-static-XXXXXX";

static void put(const char *path, const char *text)
{
    char whole[300];
    (void)snprintf(whole, sizeof whole, "%s/%s", folder, path);
    FILE *f = fopen(whole, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void drop(const char *path, int (*how)(const char *))
{
    char whole[300];
    (void)snprintf(whole, sizeof whole, "%s/%s", folder, path);
    how(whole);
}

static int set_up(void **state)
{
    (void)state;
    char whole[300];
    static const char *const folders[] = {"c", "live", "assets", "sdk"};
    assert_non_null(mkdtemp(folder));
    for (size_t i = 0; i < 4; i++) {
        (void)snprintf(whole, sizeof whole, "%s/%s", folder, folders[i]);
        assert_int_equal(mkdir(whole, 0700), 0);
    }
    put("index.html", "home");
    put("c/index.html", "buyer");
    put("live/index.html", "live");
    put("assets/buyer-ABCD1234.js", "script");
    put("assets/plain-name.js", "script");
    put("sdk/loupe.js", "library");
    put(".hidden", "secret");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    static const char *const files[] = {
        "index.html",           "c/index.html", "live/index.html", "assets/buyer-ABCD1234.js",
        "assets/plain-name.js", "sdk/loupe.js", ".hidden"};
    static const char *const folders[] = {"c", "live", "assets", "sdk", ""};
    for (size_t i = 0; i < 7; i++)
        drop(files[i], unlink);
    for (size_t i = 0; i < 5; i++)
        drop(folders[i], rmdir);
    return 0;
}

static const char *header(const struct http_response *r, const char *name)
{
    for (size_t i = 0; i < r->header_count; i++) {
        if (strcmp(r->headers[i].name, name) == 0)
            return r->headers[i].value;
    }
    return "";
}

static void test_files(void **state)
{
    (void)state;
    struct statics *s;
    assert_int_equal(statics_load(&s, folder), 0);
    static const struct {
        const char *path, *text, *cache;
        bool page;
    } rows[] = {
        {"/", "home", "no-cache", true},
        {"/index.html", "home", "no-cache", true},
        {"/c/", "buyer", "no-cache", true},
        {"/c", "buyer", "no-cache", true},
        {"/live/some-room", "live", "no-cache", true},
        {"/assets/buyer-ABCD1234.js", "script", "public, max-age=31536000, immutable", false},
        {"/assets/plain-name.js", "script", "no-cache", false},
        {"/sdk/loupe.js", "library", "no-cache", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct http_response r = {0};
        statics_respond(s, HTTP_GET, rows[i].path, &r);
        assert_int_equal(r.status, 200);
        assert_int_equal(r.body_len, strlen(rows[i].text));
        assert_memory_equal(r.constant, rows[i].text, r.body_len);
        assert_string_equal(header(&r, "cache-control"), rows[i].cache);
        assert_int_equal(header(&r, "content-security-policy")[0] != '\0', rows[i].page);
        assert_int_equal(strlen(r.etag), 34);
        http_response_clear(&r);
    }
    static const char *const absent[] = {"/.hidden",       "/d", "/c/x", "/live/a/b",
                                         "/../etc/passwd", "",   "/c//"};
    for (size_t i = 0; i < sizeof absent / sizeof absent[0]; i++) {
        struct http_response r = {0};
        statics_respond(s, HTTP_GET, absent[i], &r);
        assert_int_equal(r.status, absent[i][0] ? 404 : 200);
        http_response_clear(&r);
    }
    struct http_response r = {0};
    statics_respond(s, HTTP_POST, "/c/", &r);
    assert_int_equal(r.status, 405);
    http_response_clear(&r);
    statics_respond(NULL, HTTP_GET, "/", &r);
    assert_int_equal(r.status, 404);
    http_response_clear(&r);
    statics_free(s);
}

static void check_connect(struct statics *s, const char *wanted)
{
    struct http_response r = {0};
    statics_respond(s, HTTP_GET, "/", &r);
    const char *policy = strstr(header(&r, "content-security-policy"), "connect-src ");
    assert_non_null(policy);
    size_t len = strcspn(policy, ";");
    assert_int_equal(len, strlen(wanted));
    assert_memory_equal(policy, wanted, len);
    http_response_clear(&r);
}

/** A script that got into a page could not tell others what it sees. */
static void test_pages_connect_home_alone(void **state)
{
    (void)state;
    struct statics *s;
    static const char home[] = "connect-src 'self'";
    assert_int_equal(statics_load(&s, folder), 0);
    check_connect(s, home);
    statics_set_origin(s, "https://calls.example:8443/some/path");
    check_connect(s, "connect-src 'self' https://calls.example:8443 wss://calls.example:8443");
    statics_set_origin(s, "http://[2001:db8::1]");
    check_connect(s, "connect-src 'self' http://[2001:db8::1] ws://[2001:db8::1]");
    statics_set_origin(s, "https://; script-src *");
    check_connect(s, home);
    statics_set_origin(s, "ftp://calls.example");
    check_connect(s, home);
    statics_free(s);
}

static void test_no_folder(void **state)
{
    (void)state;
    struct statics *s;
    assert_int_equal(statics_load(&s, "/nowhere/at/all"), ER_NOT_FOUND);
    statics_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_files),
                                       cmocka_unit_test(test_pages_connect_home_alone),
                                       cmocka_unit_test(test_no_folder)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
