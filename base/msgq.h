// SPDX-License-Identifier: Apache-2.0
/* A bounded queue of messages between threads, with a wake-up that epoll or poll can wait for.
 * Ownership of what a message points to moves with it. Several producers; one consumer, or several
 * that use msgq_wait alone. */
#ifndef LOUPE_BASE_MSGQ_H
#define LOUPE_BASE_MSGQ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct msgq;

/** At most `limit` messages of `message_bytes` each, which are copied in and out.
 *  ER_INVALID when one of them is 0 or their product overflows, ER_NOMEM, ER_IO. */
int msgq_new(struct msgq **ret, size_t message_bytes, size_t limit);
/** No thread may use it any more; messages still inside are not looked at. NULL is fine. */
void msgq_free(struct msgq *q);

/** Any thread. 0, ER_FULL at the limit, ER_CLOSED after msgq_close (the caller keeps ownership). */
int msgq_push(struct msgq *q, const void *message);
/** A consumer's thread. False when there is nothing. */
bool msgq_pop(struct msgq *q, void *ret_message);
/** A consumer's thread: blocks until there is a message (true) or the queue is closed and empty,
 *  or `timeout_ms` (-1: none) has passed (false). */
bool msgq_wait(struct msgq *q, void *ret_message, int timeout_ms);
/** Further pushes fail; what is inside can still be popped. Any thread. */
void msgq_close(struct msgq *q);

/** A descriptor that is readable while messages may be waiting, or the queue was closed; the queue
 *  owns it. The consumer calls msgq_clear_wake() before it drains the queue. */
int msgq_fd(const struct msgq *q);
void msgq_clear_wake(struct msgq *q);
/** Would the descriptor be readable now? Without a lock or a system call. */
bool msgq_is_woken(const struct msgq *q);

/** Messages inside now; only a hint to other threads. */
size_t msgq_count(const struct msgq *q);

#endif
