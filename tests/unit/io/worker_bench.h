// SPDX-License-Identifier: Apache-2.0
/* One worker with what it needs, for tests that speak to its thread over loopback. */
#ifndef LOUPE_TESTS_UNIT_IO_WORKER_BENCH_H
#define LOUPE_TESTS_UNIT_IO_WORKER_BENCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "media/io/worker.h"
#include "media/peer/srtp.h"
#include "tests/unit/support/real_client.h"

#define WAIT_MS 5000

struct worker_bench {
    struct dtls_identity *identity;
    struct msgq *events;
    struct jobs *jobs;
    struct worker *worker;
    struct mail *mail;
    struct worker_config config;
    struct id room;
};

/** One of `count` workers, of which the others do not run; its room is not open yet. */
static inline void worker_bench_open(struct worker_bench *b, unsigned index, unsigned count)
{
    struct entropy entropy = entropy_system();
    assert_int_equal(srtp_pair_library_init(), 0);
    assert_int_equal(dtls_identity_new(&b->identity), 0);
    assert_int_equal(msgq_new(&b->events, sizeof(struct media_event), 1024), 0);
    assert_int_equal(jobs_start(&b->jobs, 1, b->events, NULL, NULL), 0);
    assert_int_equal(mail_new(&b->mail, count), 0);
    b->config = (struct worker_config){.index = index,
                                       .count = count,
                                       .identity = b->identity,
                                       .events = b->events,
                                       .jobs = b->jobs,
                                       .mail = b->mail};
    assert_int_equal(addr_parse_ip("127.0.0.1", 0, &b->config.udp), 0);
    assert_int_equal(worker_start(&b->worker, &b->config), 0);
    b->room = id_make(1700000000000000, &entropy);
}

static inline void worker_bench_close(struct worker_bench *b)
{
    struct media_event e;
    worker_stop(b->worker);
    jobs_stop(b->jobs);
    mail_free(b->mail);
    while (msgq_pop(b->events, &e))
        media_event_clear(&e);
    msgq_free(b->events);
    dtls_identity_free(b->identity);
}

static inline void tell(struct worker_bench *b, struct command c)
{
    c.room = b->room;
    assert_int_equal(worker_command(b->worker, &c), 0);
}

/** The next event of a type; others before it are let go. The caller clears it. */
static inline struct media_event wait_for(struct worker_bench *b, enum media_event_type type)
{
    struct media_event e;
    for (;;) {
        assert_true(msgq_wait(b->events, &e, WAIT_MS));
        if (e.type == type)
            return e;
        media_event_clear(&e);
    }
}

/** "person-1" and so on, who may do all. */
static inline void tell_offer(struct worker_bench *b, uint64_t peer, const char *offer)
{
    struct command_offer *o = calloc(1, sizeof *o + strlen(offer) + 1);
    assert_non_null(o);
    o->len = strlen(offer);
    memcpy(o->text, offer, o->len);
    o->config = (struct media_peer_config){
        .peer = peer, .may_publish = true, .may_subscribe = true};
    (void)snprintf(o->config.identity, sizeof o->config.identity, "person-%u", (unsigned)peer);
    tell(b, (struct command){.type = COMMAND_PEER_ADD, .peer = peer, .request = peer, .offer = o});
}

/** A connected client. */
static inline void join(struct worker_bench *b, struct real_client *c, uint64_t peer,
                        const char *direction)
{
    real_client_open(c);
    char *offer = real_client_offer(c, direction);
    tell_offer(b, peer, offer);
    struct media_event e = wait_for(b, MEDIA_ANSWER);
    assert_int_equal(e.request, peer);
    assert_int_equal(real_client_answer_port(e.sdp), worker_address(b->worker).port);
    real_client_connect(c, e.sdp);
    media_event_clear(&e);
    free(offer);
}

#endif
