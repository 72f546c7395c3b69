// SPDX-License-Identifier: Apache-2.0
/* Log lines: both forms, hostile values, cuts, levels, limiters, several threads. */
#include <errno.h>
#include <jansson.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/base/failing_alloc.h"

#include "base/log.c"

#include "base/entropy.h"

/** A log that writes into a socket pair, one datagram a line. */
struct capture {
    struct log *log;
    int fds[2];
    char line[LINE_BYTES + 1];
};

static struct capture *capture_new(bool json)
{
    static struct capture c;
    assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, c.fds), 0);
    assert_int_equal(log_new(&c.log, c.fds[0], LOG_DEBUG, json), 0);
    return &c;
}

static void capture_free(struct capture *c)
{
    log_free(c->log);
    close(c->fds[0]);
    close(c->fds[1]);
}

/** The next line, without its end; NULL when there is none. */
static char *capture_line(struct capture *c)
{
    ssize_t n = read(c->fds[1], c->line, sizeof c->line - 1);
    if (n <= 0)
        return NULL;
    assert_int_equal(c->line[n - 1], '\n');
    c->line[n - 1] = '\0';
    assert_null(strchr(c->line, '\n'));
    return c->line;
}

/** The next line of text, without the time. */
static const char *capture_text(struct capture *c)
{
    const char *line = capture_line(c);
    assert_non_null(line);
    assert_true(strlen(line) > 25 && line[23] == 'Z' && line[24] == ' ');
    return line + 25;
}

/** The next line as JSON; the caller owns it. */
static json_t *capture_json(struct capture *c)
{
    const char *line = capture_line(c);
    assert_non_null(line);
    json_t *o = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(o);
    return o;
}

static const char *text_of(const json_t *o, const char *key)
{
    const char *text = json_string_value(json_object_get(o, key));
    assert_non_null(text);
    return text;
}

static void writes_text(void **state)
{
    (void)state;
    struct capture *c = capture_new(false);
    log_event(c->log, LOG_INFO, "joined", "room=%s peers=%d", "r1", 3);
    assert_string_equal(capture_text(c), "info  joined room=r1 peers=3");
    log_event(c->log, LOG_ERROR, "failed", NULL);
    assert_string_equal(capture_text(c), "error failed");
    log_event(c->log, LOG_WARN, "odd", "why=%s", "");
    assert_string_equal(capture_text(c), "warn  odd why=\"\"");
    log_event(c->log, LOG_WARN, "odd", "just words");
    assert_string_equal(capture_text(c), "warn  odd text=\"just words\"");
    char quoted[64];
    log_event(c->log, LOG_INFO, "named", "name=%s n=1",
              log_quote(quoted, sizeof quoted, "a \"b\" \\ n=2"));
    assert_string_equal(capture_text(c), "info  named name=\"a \\\"b\\\" \\\\ n=2\" n=1");
    capture_free(c);
}

static void writes_json(void **state)
{
    (void)state;
    struct capture *c = capture_new(true);
    log_event(c->log, LOG_INFO, "joined", "room=r1 peers=%d ratio=%.2f neg=-3 ok=%s v=007 s=%s", 3,
              0.5, "true", "\"12\"");
    json_t *o = capture_json(c);
    assert_string_equal(text_of(o, "level"), "info");
    assert_string_equal(text_of(o, "event"), "joined");
    assert_int_equal(strlen(text_of(o, "time")), 24);
    assert_string_equal(text_of(o, "room"), "r1");
    assert_int_equal(json_integer_value(json_object_get(o, "peers")), 3);
    assert_true(json_real_value(json_object_get(o, "ratio")) == 0.5);
    assert_int_equal(json_integer_value(json_object_get(o, "neg")), -3);
    assert_true(json_is_true(json_object_get(o, "ok")));
    assert_string_equal(text_of(o, "v"), "007");
    assert_string_equal(text_of(o, "s"), "12");
    json_decref(o);
    capture_free(c);
}

static void odd_numbers_are_strings(void **state)
{
    (void)state;
    static const char *const odd[] = {
        "-",     "1.", ".5", "1.2.3", "00", "-01", "1e5", "0x1", "nan", "+1", "1234567890123456",
        "true1", ""};
    struct capture *c = capture_new(true);
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        log_event(c->log, LOG_INFO, "odd", "v=%s", odd[i]);
        json_t *o = capture_json(c);
        assert_string_equal(text_of(o, "v"), odd[i]);
        json_decref(o);
    }
    capture_free(c);
}

static void hostile_values_stay_values(void **state)
{
    (void)state;
    struct capture *c = capture_new(true);
    // Not quoted as it should have been: still no second event, time or level.
    log_event(c->log, LOG_INFO, "chat", "from=%s", "x\nlevel=error event=\"forged\" time=0 from=y");
    json_t *o = capture_json(c);
    assert_string_equal(text_of(o, "event"), "chat");
    assert_string_equal(text_of(o, "from"), "x\nlevel=error event=\"forged\" time=0 from=y");
    assert_int_equal(json_object_size(o), 4);
    json_decref(o);
    // Quoted as it should be: nothing gets out.
    char quoted[128];
    const char *evil = "\" role=admin \\\" \x1b[2J \xff\xc2\x9b {\"a\":1}\r\n";
    log_event(c->log, LOG_INFO, "chat", "from=%s room=r", log_quote(quoted, sizeof quoted, evil));
    o = capture_json(c);
    assert_int_equal(json_object_size(o), 5);
    assert_string_equal(text_of(o, "room"), "r");
    assert_string_equal(text_of(o, "from"),
                        "\" role=admin \\\" \x1b[2J \xef\xbf\xbd\xc2\x9b {\"a\":1}\r\n");
    json_decref(o);
    capture_free(c);
    // In text no control character reaches the terminal.
    c = capture_new(false);
    log_event(c->log, LOG_INFO, "chat", "from=%s", log_quote(quoted, sizeof quoted, evil));
    for (const char *p = capture_text(c); *p; p++)
        assert_true((uint8_t)*p >= ' ' && (uint8_t)*p < 0x7f);
    capture_free(c);
}

static void any_bytes_give_valid_json(void **state)
{
    (void)state;
    struct entropy_seeded s;
    struct entropy e = entropy_seeded_init(&s, 4);
    struct capture *c = capture_new(true);
    static const char alphabet[] = "ab=\"\\ \n\t\x01\x7f\x80\xc3\xa9\xe4\xbd\xa0\xff{}1.-";
    for (int i = 0; i < 3000; i++) {
        char fields[60];
        size_t len = entropy_u64(&e) % sizeof fields;
        for (size_t k = 0; k < len; k++)
            fields[k] = alphabet[entropy_u64(&e) % (sizeof alphabet - 1)];
        fields[len] = '\0';
        log_event(c->log, LOG_INFO, "any", "%s", fields);
        json_decref(capture_json(c));
    }
    capture_free(c);
}

static void long_lines_are_cut(void **state)
{
    (void)state;
    struct capture *c = capture_new(true);
    static char worst[3 * LOG_FIELDS_BYTES];
    memset(worst, 1, sizeof worst - 1); // every byte grows to six
    log_event(c->log, LOG_INFO, "long", "a=1 text=%s", worst);
    json_t *o = capture_json(c);
    assert_int_equal(strlen(text_of(o, "text")), LOG_FIELDS_BYTES - 1 - strlen("a=1 text="));
    assert_true(json_is_true(json_object_get(o, "truncated")));
    json_decref(o);
    // More fields than there is room for: the rest belongs to the last.
    char many[1024] = "";
    for (int i = 0; i < FIELDS_MAX + 5; i++) {
        char one[32];
        (void)snprintf(one, sizeof one, "k%d=%d ", i, i);
        strncat(many, one, sizeof many - strlen(many) - 1);
    }
    log_event(c->log, LOG_INFO, "many", "%s", many);
    o = capture_json(c);
    assert_int_equal(json_object_size(o), FIELDS_MAX + 3);
    assert_string_equal(text_of(o, "k31"), "31 k32=32 k33=33 k34=34 k35=35 k36=36");
    json_decref(o);
    capture_free(c);
}

static void quoting_keeps_to_its_buffer(void **state)
{
    (void)state;
    char text[8];
    assert_string_equal(log_quote(text, sizeof text, NULL), "\"\"");
    assert_string_equal(log_quote(text, sizeof text, "abcde"), "\"abcde\"");
    assert_string_equal(log_quote(text, sizeof text, "abcdef"), "\"abcde\"");
    assert_string_equal(log_quote(text, sizeof text, "abcd\"f"), "\"abcd\"");
    assert_string_equal(log_quote(text, sizeof text, "abc\"f"), "\"abc\\\"\"");
    assert_string_equal(log_quote(text, 3, "abc"), "\"\"");
}

static void levels_filter(void **state)
{
    (void)state;
    struct capture *c = capture_new(false);
    log_set_level(c->log, LOG_WARN);
    log_event(c->log, LOG_INFO, "hidden", NULL);
    assert_null(capture_line(c));
    log_event(c->log, LOG_WARN, "shown", NULL);
    assert_non_null(capture_line(c));
    log_set_level(c->log, LOG_DEBUG);
    log_event(c->log, LOG_DEBUG, "shown", NULL);
    assert_non_null(capture_line(c));
    log_event(NULL, LOG_ERROR, "silent", "a=%d", 1);
    enum log_level level = LOG_INFO;
    assert_int_equal(log_parse_level("error", &level), 0);
    assert_int_equal(level, LOG_ERROR);
    assert_int_equal(log_parse_level("debug", &level), 0);
    assert_int_equal(level, LOG_DEBUG);
    assert_int_equal(log_parse_level("loud", &level), ER_INVALID);
    assert_int_equal(log_parse_level("", &level), ER_INVALID);
    assert_int_equal(level, LOG_DEBUG);
    capture_free(c);
}

static void failures_are_quiet(void **state)
{
    (void)state;
    struct log *l;
    alloc_left = 0;
    assert_int_equal(log_new(&l, 2, LOG_INFO, false), ER_NOMEM);
    assert_null(l);
    alloc_left = -1;
    assert_int_equal(log_new(&l, -1, LOG_INFO, false), 0);
    errno = 99;
    log_event(l, LOG_INFO, "lost", NULL);
    assert_int_equal(errno, 99);
    log_free(l);
    log_free(NULL);
}

static void limiter_lets_a_burst_through(void **state)
{
    (void)state;
    struct log_limiter limiter = {0};
    uint32_t suppressed = 7;
    const uint64_t start_us = 5;
    for (int i = 0; i < 10; i++) {
        assert_true(log_allow(&limiter, start_us, &suppressed));
        assert_int_equal(suppressed, 0);
    }
    for (int i = 0; i < 4; i++)
        assert_false(log_allow(&limiter, start_us + 59999999, &suppressed));
    assert_true(log_allow(&limiter, start_us + 60000000, &suppressed));
    assert_int_equal(suppressed, 4);
    assert_true(log_allow(&limiter, start_us + 60000000, &suppressed));
    assert_int_equal(suppressed, 0);
    // Told once: the window after a quiet one has nothing to tell.
    assert_true(log_allow(&limiter, start_us + 120000000, &suppressed));
    assert_int_equal(suppressed, 0);
    struct log_limiter one = {.burst = 1};
    assert_true(log_allow(&one, 1, &suppressed));
    assert_false(log_allow(&one, 1, &suppressed));
}

static void *chatter(void *arg)
{
    for (int i = 0; i < 200; i++) {
        log_event(arg, LOG_INFO, "chatter", "number=%d name=\"some words\"", i);
        log_set_level(arg, i % 2 ? LOG_DEBUG : LOG_INFO);
    }
    return NULL;
}

static void threads_do_not_mix_lines(void **state)
{
    (void)state;
    FILE *file = tmpfile();
    struct log *l;
    pthread_t threads[4];
    assert_non_null(file);
    assert_int_equal(log_new(&l, fileno(file), LOG_DEBUG, true), 0);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, chatter, l), 0);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    rewind(file);
    char line[256];
    int lines = 0;
    for (; fgets(line, sizeof line, file); lines++) {
        json_t *o = json_loads(line, 0, NULL);
        assert_non_null(o);
        json_decref(o);
    }
    assert_int_equal(lines, 800);
    log_free(l);
    fclose(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_text),
        cmocka_unit_test(writes_json),
        cmocka_unit_test(odd_numbers_are_strings),
        cmocka_unit_test(hostile_values_stay_values),
        cmocka_unit_test(any_bytes_give_valid_json),
        cmocka_unit_test(long_lines_are_cut),
        cmocka_unit_test(quoting_keeps_to_its_buffer),
        cmocka_unit_test(levels_filter),
        cmocka_unit_test(failures_are_quiet),
        cmocka_unit_test(limiter_lets_a_burst_through),
        cmocka_unit_test(threads_do_not_mix_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
