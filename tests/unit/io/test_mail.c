// SPDX-License-Identifier: Apache-2.0
/* Letters between workers: order, wake-ups, bounds, and what is left inside is released. */
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/er.h"
#include "media/io/mail.h"

static bool is_woken(struct mail *m, unsigned to)
{
    struct pollfd p = {.fd = mail_fd(m, to), .events = POLLIN};
    return poll(&p, 1, 0) == 1;
}

static struct mirror_message letter(uint64_t track)
{
    return (struct mirror_message){.type = MIRROR_KEY_FRAME, .track = track};
}

static void letters_arrive_in_order_and_wake_once_a_turn(void **state)
{
    (void)state;
    struct mail *m = NULL;
    struct mirror_message got;
    unsigned from;
    assert_int_equal(mail_new(&m, 3), 0);
    for (uint64_t i = 0; i < 10; i++) {
        struct mirror_message one = letter(i), two = letter(100 + i);
        assert_int_equal(mail_post(m, 0, 1, &one), 0);
        assert_int_equal(mail_post(m, 2, 1, &two), 0);
    }
    assert_false(is_woken(m, 1));
    mail_ring(m, 0);
    assert_true(is_woken(m, 1));
    assert_false(is_woken(m, 0));
    assert_false(is_woken(m, 2));
    mail_clear_wake(m, 1);
    assert_false(is_woken(m, 1));
    uint64_t next[3] = {0, 0, 100};
    for (unsigned i = 0; i < 20; i++) {
        assert_true(mail_take(m, 1, &from, &got));
        assert_int_equal(got.track, next[from]++);
    }
    assert_false(mail_take(m, 1, &from, &got));
    assert_false(mail_take(m, 0, &from, &got));
    mail_ring(m, 2);
    assert_true(is_woken(m, 1)); /* once for nothing: it was written to */
    mail_free(m);
    mail_free(NULL);
}

static void a_full_ring_refuses_and_what_is_inside_is_released(void **state)
{
    (void)state;
    struct mail *m = NULL;
    struct slab *slab = slab_new(64);
    assert_int_equal(mail_new(&m, 2), 0);
    struct mirror_message packet = {.type = MIRROR_PACKET, .slab = slab};
    for (unsigned i = 0; i < LIMIT_MAIL; i++) {
        assert_int_equal(mail_room(m, 0, 1), LIMIT_MAIL - i);
        slab_hold(slab);
        assert_int_equal(mail_post(m, 0, 1, &packet), 0);
    }
    assert_int_equal(mail_room(m, 0, 1), 0);
    assert_int_equal(mail_room(m, 1, 0), LIMIT_MAIL);
    assert_int_equal(mail_post(m, 0, 1, &packet), ER_FULL);
    assert_int_equal(atomic_load(&slab->references), LIMIT_MAIL + 1);
    mail_free(m);
    assert_int_equal(atomic_load(&slab->references), 1);
    slab_release(slab);
}

#define LETTERS 20000u

static void *write_letters(void *arg)
{
    struct mail *m = arg;
    for (uint64_t i = 0; i < LETTERS; i++) {
        struct mirror_message one = letter(i);
        while (mail_post(m, 0, 1, &one) != 0)
            mail_ring(m, 0);
        if (i % 7 == 0)
            mail_ring(m, 0);
    }
    mail_ring(m, 0);
    return NULL;
}

/** The reader sleeps whenever there is nothing: a wake-up that were lost would leave it asleep. */
static void no_wake_up_is_lost(void **state)
{
    (void)state;
    struct mail *m = NULL;
    struct mirror_message got;
    unsigned from;
    pthread_t writer;
    assert_int_equal(mail_new(&m, 2), 0);
    assert_int_equal(pthread_create(&writer, NULL, write_letters, m), 0);
    for (uint64_t next = 0; next < LETTERS;) {
        struct pollfd p = {.fd = mail_fd(m, 1), .events = POLLIN};
        assert_int_equal(poll(&p, 1, 30000), 1);
        mail_clear_wake(m, 1);
        while (mail_take(m, 1, &from, &got))
            assert_int_equal(got.track, next++);
    }
    pthread_join(writer, NULL);
    mail_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(letters_arrive_in_order_and_wake_once_a_turn),
        cmocka_unit_test(a_full_ring_refuses_and_what_is_inside_is_released),
        cmocka_unit_test(no_wake_up_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
