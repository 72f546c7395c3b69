// SPDX-License-Identifier: Apache-2.0
/* A bounded queue from one thread to one other, without locks or system calls: for what passes too
 * often for msgq. It wakes nobody: that is the callers' affair. */
#ifndef LOUPE_BASE_RING_H
#define LOUPE_BASE_RING_H

#include <stdbool.h>
#include <stddef.h>

struct ring;

/** Room for `limit` messages (a power of two) of `message_bytes` each, which are copied in and out.
 *  ER_INVALID, ER_NOMEM. */
int ring_new(struct ring **ret, size_t message_bytes, size_t limit);
/** Neither thread may use it any more; messages still inside are not looked at. NULL is fine. */
void ring_free(struct ring *r);

/** The producer's thread. 0, or ER_FULL (ownership of what the message points to stays). */
int ring_push(struct ring *r, const void *message);
/** The producer's thread: so many messages at least will be taken. */
size_t ring_room(struct ring *r);
/** The consumer's thread. False when there is nothing. */
bool ring_pop(struct ring *r, void *ret_message);

#endif
