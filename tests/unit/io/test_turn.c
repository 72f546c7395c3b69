// SPDX-License-Identifier: Apache-2.0
/* What a worker asks of the system while it relays: it waits, reads a batch, sends a batch, and nothing
 * else, neither a lock nor a call per packet. (The linker wraps the calls; see tests/CMakeLists.txt.) */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "media/io/beat.h"
#include "tests/unit/io/worker_bench.h"

#define VIEWERS 12
#define PICTURES 100
#define BURST 10

static _Thread_local bool is_test; /* else: the worker's thread */
static _Thread_local bool is_waiting;
static atomic_bool counting;
static atomic_bool no_buffers; /* for what is sent */
static atomic_uint waits, reads, sends, others, locks;

static void count(atomic_uint *what)
{
    if (!is_test && !is_waiting && atomic_load(&counting))
        atomic_fetch_add(what, 1);
}

#define WRAP(type, name, what, parameters, arguments)                                              \
    type __real_##name parameters;                                                                 \
    type __wrap_##name parameters;                                                                 \
    type __wrap_##name parameters                                                                  \
    {                                                                                              \
        count(&what);                                                                              \
        return __real_##name arguments;                                                            \
    }

WRAP(int, epoll_wait, waits, (int fd, struct epoll_event *events, int n, int timeout),
     (fd, events, n, timeout))
WRAP(int, recvmmsg, reads,
     (int fd, struct mmsghdr *messages, unsigned n, int flags, struct timespec *timeout),
     (fd, messages, n, flags, timeout))
/** One wait, though it is a timer set and one read. */
void __real_beat_wait(struct beat *b, uint64_t at_us, uint64_t then_us);
void __wrap_beat_wait(struct beat *b, uint64_t at_us, uint64_t then_us);
void __wrap_beat_wait(struct beat *b, uint64_t at_us, uint64_t then_us)
{
    count(&waits);
    is_waiting = true;
    __real_beat_wait(b, at_us, then_us);
    is_waiting = false;
}

int __real_sendmmsg(int fd, struct mmsghdr *messages, unsigned n, int flags);
int __wrap_sendmmsg(int fd, struct mmsghdr *messages, unsigned n, int flags);
int __wrap_sendmmsg(int fd, struct mmsghdr *messages, unsigned n, int flags)
{
    count(&sends);
    if (!is_test && atomic_load(&no_buffers)) {
        errno = ENOBUFS;
        return -1;
    }
    return __real_sendmmsg(fd, messages, n, flags);
}

WRAP(ssize_t, send, others, (int fd, const void *data, size_t len, int flags),
     (fd, data, len, flags))
WRAP(ssize_t, recv, others, (int fd, void *data, size_t len, int flags), (fd, data, len, flags))
WRAP(ssize_t, read, others, (int fd, void *data, size_t len), (fd, data, len))
WRAP(ssize_t, write, others, (int fd, const void *data, size_t len), (fd, data, len))
WRAP(int, pthread_mutex_lock, locks, (pthread_mutex_t * mutex), (mutex))

struct fixture {
    struct worker_bench bench;
    struct real_client publisher;
    size_t viewer_count;
    struct real_client viewers[VIEWERS];
};

static int open_fixture(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    worker_bench_open(&f->bench, 0, 1);
    tell(&f->bench, (struct command){.type = COMMAND_ROOM_OPEN});
    *state = f;
    return 0;
}

static int close_fixture(void **state)
{
    struct fixture *f = *state;
    worker_bench_close(&f->bench);
    free(f);
    return 0;
}

/** Bursts as pictures make them; each has come everywhere before the next, but for what a server that is
 *  slowed down leaves out. */
static void relay(struct fixture *f, uint32_t first, uint32_t pictures)
{
    for (uint32_t i = first; i < first + pictures; i++) {
        for (uint32_t k = 0; k < BURST; k++)
            real_client_picture(&f->publisher, (i * BURST + k) * 300, i == 0 && k == 0);
        for (size_t v = 0; v < f->viewer_count; v++) {
            size_t wanted = f->viewers[v].rtp_count + BURST;
            for (int k = 0; k < 20 && f->viewers[v].rtp_count < wanted; k++)
                real_client_poll(&f->viewers[v]);
        }
    }
}

static void relaying_only_waits_reads_and_sends(void **state)
{
    struct fixture *f = *state;
    is_test = true;
    if (getenv("LOUPE_VALGRIND"))
        skip(); /* minutes, and no memory that other tests do not use */
    join(&f->bench, &f->publisher, 1, "sendonly");
    for (; f->viewer_count < VIEWERS; f->viewer_count++)
        join(&f->bench, &f->viewers[f->viewer_count], 2 + f->viewer_count, "recvonly");
    relay(f, 0, 10);
    struct media_counters before = {0}, after = {0};
    worker_add_counters(f->bench.worker, &before);
    atomic_store(&counting, true);
    relay(f, 10, PICTURES);
    atomic_store(&counting, false);
    worker_add_counters(f->bench.worker, &after);
    unsigned turns = atomic_load(&waits);
    unsigned packets = (unsigned)(after.packets_out - before.packets_out);
    print_message("%u packets out: %u waits, %u reads, %u sends, %u others, %u locks\n", packets,
                  turns, atomic_load(&reads), atomic_load(&sends), atomic_load(&others),
                  atomic_load(&locks));
    assert_true(turns > 0 && packets > PICTURES * BURST * VIEWERS / 2);
    assert_in_range(atomic_load(&reads), PICTURES, 4 * turns);
    assert_in_range(atomic_load(&sends), PICTURES, 4 * turns);
    assert_true(atomic_load(&sends) < packets / 8); /* batches, whatever the scheduler does */
    /* What is told once in a while: how viewers' paths are. */
    assert_true(atomic_load(&others) + atomic_load(&locks) <= 4 * VIEWERS);
    for (size_t v = 0; v < VIEWERS; v++)
        real_client_close(&f->viewers[v]);
    real_client_close(&f->publisher);
}

#define RETRIES 50u

/** A socket without buffers is writable: to wait for that would be to wait for nothing. */
static void pauses_where_there_are_no_buffers(void **state)
{
    struct fixture *f = *state;
    is_test = true;
    if (getenv("LOUPE_VALGRIND"))
        skip(); /* likewise */
    join(&f->bench, &f->publisher, 1, "sendonly");
    join(&f->bench, &f->viewers[f->viewer_count++], 2, "recvonly");
    relay(f, 0, 1);
    size_t before = f->viewers[0].rtp_count;
    atomic_store(&no_buffers, true);
    atomic_store(&sends, 0);
    atomic_store(&counting, true);
    for (uint32_t k = 0; k < BURST; k++)
        real_client_picture(&f->publisher, (BURST + k) * 300, false);
    while (atomic_load(&sends) == 0)
        (void)sched_yield();
    uint64_t since_us = clock_now_us();
    while (atomic_load(&sends) < RETRIES)
        (void)sched_yield();
    uint64_t took_us = clock_now_us() - since_us;
    atomic_store(&counting, false);
    atomic_store(&no_buffers, false);
    assert_true(took_us > RETRIES * 200); /* else it took some 100 us in all */
    real_client_wait(&f->viewers[0], &f->viewers[0].rtp_count, before + BURST);
    real_client_close(&f->viewers[0]);
    real_client_close(&f->publisher);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(relaying_only_waits_reads_and_sends, open_fixture,
                                        close_fixture),
        cmocka_unit_test_setup_teardown(pauses_where_there_are_no_buffers, open_fixture,
                                        close_fixture),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
