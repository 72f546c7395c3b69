// SPDX-License-Identifier: Apache-2.0
/* Where rooms and peers are: each room has a home worker; a room with many viewers is mirrored by
 * others, and its further viewers are placed there. For the signalling thread alone. */
#ifndef LOUPE_MEDIA_IO_PLACES_H
#define LOUPE_MEDIA_IO_PLACES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/id.h"

struct places;

int places_new(struct places **ret, unsigned workers);
/** NULL is fine. */
void places_free(struct places *p);

/** On the worker with the fewest rooms. ER_CONFLICT: open already; ER_FULL, ER_NOMEM. */
int places_open_room(struct places *p, const struct id *room, unsigned *ret_home);
/** Its peers are forgotten. Unknown rooms are ignored. */
void places_close_room(struct places *p, const struct id *room);
/** Bits of the workers that have the room, its home among them; 0: no such room. */
uint64_t places_workers(const struct places *p, const struct id *room);
/** ER_NOT_FOUND. */
int places_home(const struct places *p, const struct id *room, unsigned *ret_home);

/** Choose a worker for a new peer: the home, but for one that `only_views` in a room that has
 *  LIMIT_FANOUT_FROM viewers there already the one with the fewest of them, of those that have the
 *  room or room for it. *ret_begins: this worker
 *  does not have the room yet (it counts as having it from now on). `request` is the offer's, see
 *  places_refused. ER_NOT_FOUND: no such room; ER_CONFLICT: no new peer; ER_FULL, ER_NOMEM. */
int places_add_peer(struct places *p, const struct id *room, uint64_t peer, uint64_t request,
                    bool only_views, unsigned *ret_worker, bool *ret_begins);
/** A mirror could not be told of the room, or was told to close it: the next peer there begins it. */
void places_not_there(struct places *p, const struct id *room, unsigned worker);
/** ER_NOT_FOUND. */
int places_find_peer(const struct places *p, uint64_t peer, unsigned *ret_worker);
/** Unknown peers are ignored. */
void places_remove_peer(struct places *p, uint64_t peer);
/** An offer was refused: when it was the peer's first, the peer is forgotten. */
void places_refused(struct places *p, uint64_t peer, uint64_t request);

#endif
