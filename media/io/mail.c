// SPDX-License-Identifier: Apache-2.0
/* Rings in a square, from row to column. A ring is published by an atomic pointer: its writer makes it,
 * its reader finds it. */
#include "media/io/mail.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/er.h"
#include "base/limits.h"
#include "base/ring.h"

struct box {
    int fd;
    atomic_bool woken; /* the descriptor is readable, or about to be */
    unsigned next;     /* the sender whose ring is looked at next; the reader's */
    uint64_t to_wake;  /* bits of workers written to this turn; as a sender */
};

struct mail {
    unsigned workers;
    struct box *boxes;
    _Atomic(struct ring *) *rings; /* from * workers + to */
};

_Static_assert(LIMIT_WORKERS <= 64, "to_wake has a bit for each");

int mail_new(struct mail **ret, unsigned workers)
{
    struct mail *m = calloc(1, sizeof *m);
    if (!m)
        return ER_NOMEM;
    m->boxes = calloc(workers, sizeof *m->boxes);
    m->rings = calloc((size_t)workers * workers, sizeof *m->rings);
    if (!m->boxes || !m->rings) {
        mail_free(m);
        return ER_NOMEM;
    }
    for (; m->workers < workers; m->workers++) {
        struct box *b = &m->boxes[m->workers];
        b->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        if (b->fd < 0) {
            mail_free(m);
            return ER_IO;
        }
    }
    *ret = m;
    return 0;
}

static _Atomic(struct ring *) *ring_between(const struct mail *m, unsigned from, unsigned to)
{
    return &m->rings[(size_t)from * m->workers + to];
}

void mail_free(struct mail *m)
{
    if (!m)
        return;
    for (unsigned to = 0; to < m->workers; to++) {
        struct mirror_message letter;
        unsigned from;
        while (mail_take(m, to, &from, &letter))
            mirror_message_clear(&letter);
    }
    for (unsigned i = 0; i < m->workers; i++) {
        for (unsigned to = 0; to < m->workers; to++)
            ring_free(atomic_load(ring_between(m, i, to)));
        close(m->boxes[i].fd);
    }
    free(m->rings);
    free(m->boxes);
    free(m);
}

int mail_post(struct mail *m, unsigned from, unsigned to, const struct mirror_message *letter)
{
    _Atomic(struct ring *) *place = ring_between(m, from, to);
    struct ring *r = atomic_load_explicit(place, memory_order_relaxed);
    if (!r) {
        int er = ring_new(&r, sizeof *letter, LIMIT_MAIL);
        if (er != 0)
            return er;
        atomic_store_explicit(place, r, memory_order_release);
    }
    int er = ring_push(r, letter);
    m->boxes[from].to_wake |= (uint64_t)1 << to; /* also when full: somebody must empty it */
    return er;
}

size_t mail_room(const struct mail *m, unsigned from, unsigned to)
{
    struct ring *r = atomic_load_explicit(ring_between(m, from, to), memory_order_relaxed);
    return r ? ring_room(r) : LIMIT_MAIL;
}

void mail_ring(struct mail *m, unsigned from)
{
    uint64_t to_wake = m->boxes[from].to_wake;
    m->boxes[from].to_wake = 0;
    for (unsigned to = 0; to_wake; to++, to_wake >>= 1) {
        uint64_t one = 1;
        if (!(to_wake & 1) || atomic_exchange(&m->boxes[to].woken, true))
            continue;
        while (write(m->boxes[to].fd, &one, sizeof one) < 0 && errno == EINTR)
            ;
    }
}

bool mail_take(struct mail *m, unsigned to, unsigned *ret_from, struct mirror_message *ret)
{
    struct box *b = &m->boxes[to];
    for (unsigned tried = 0; tried < m->workers; tried++) {
        struct ring *r = atomic_load_explicit(ring_between(m, b->next, to), memory_order_acquire);
        *ret_from = b->next;
        if (r && ring_pop(r, ret))
            return true;
        b->next = (b->next + 1) % m->workers;
    }
    return false;
}

int mail_fd(const struct mail *m, unsigned to)
{
    return m->boxes[to].fd;
}

void mail_clear_wake(struct mail *m, unsigned to)
{
    uint64_t count;
    if (!atomic_load_explicit(&m->boxes[to].woken, memory_order_relaxed))
        return;
    while (read(m->boxes[to].fd, &count, sizeof count) < 0 && errno == EINTR)
        ;
    /* An exchange on both sides: either the sender sees that nobody is woken, or we see its letter. */
    (void)atomic_exchange(&m->boxes[to].woken, false);
}
