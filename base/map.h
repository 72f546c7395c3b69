// SPDX-License-Identifier: Apache-2.0
/* Hash maps from byte strings or 64-bit numbers to pointers, seeded so that peers who choose keys
 * cannot choose collisions (SipHash-1-3). Grows up to a bound; the order of iteration depends on
 * what was added and removed only, never on the seed, so that simulations repeat. */
#ifndef LOUPE_BASE_MAP_H
#define LOUPE_BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Keys are copied in; values are the caller's. Not for several threads. */
struct map;

/** A map for at most `limit` entries. `seed` comes from entropy (or a constant, in tests).
 *  ER_INVALID for a limit of 0 or above 2^30, ER_NOMEM. */
int map_new(struct map **ret, size_t limit, uint64_t seed);
/** Does not free the values. NULL is fine. */
void map_free(struct map *m);

/** Insert; `value` is not NULL. ER_INVALID if it is, ER_CONFLICT if the key is there
 *  already, ER_FULL at the limit, ER_NOMEM. */
int map_add(struct map *m, const void *key, size_t key_len, void *value);
/** The value, or NULL. */
void *map_get(const struct map *m, const void *key, size_t key_len);
/** Take the entry out; its value, or NULL when it was not there. */
void *map_remove(struct map *m, const void *key, size_t key_len);

int map_add_u64(struct map *m, uint64_t key, void *value);
void *map_get_u64(const struct map *m, uint64_t key);
void *map_remove_u64(struct map *m, uint64_t key);

int map_add_str(struct map *m, const char *key, void *value);
void *map_get_str(const struct map *m, const char *key);
void *map_remove_str(struct map *m, const char *key);

size_t map_count(const struct map *m);

/** Iterate: start with *cursor = 0; false at the end. Removing the entry just given is allowed,
 *  adding is not. `ret_key`/`ret_key_len` may be NULL; the key given stays valid until the map is
 *  changed. */
bool map_next(const struct map *m, size_t *cursor, const void **ret_key, size_t *ret_key_len,
              void **ret_value);

#endif
