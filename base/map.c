// SPDX-License-Identifier: Apache-2.0
/* Entries stand in one dense array; an open-addressed index of their places is searched by linear
 * probing and kept free of tombstones by shifting back. Taking an entry out moves the last one into
 * its place, so a walk from the end down survives the removal of the entry it has just given. */
#include "base/map.h"

#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "base/siphash.h"

#define KEY_INSIDE 32
#define SLOT_FREE 0u
#define LIMIT_MOST ((size_t)1 << 30)
#define SIZE_FIRST 8u

/** Short keys live in the entry, longer ones in memory of their own. */
struct entry {
    uint64_t hash;
    void *value;
    size_t key_len;
    union {
        uint8_t inside[KEY_INSIDE];
        uint8_t *outside;
    } key;
};

struct map {
    uint64_t seed[2];
    size_t limit;
    size_t count;
    size_t size;     /* entries there is room for */
    uint32_t *slots; /* place + 1 of an entry, or SLOT_FREE; 2 * size of them, a power of two */
    size_t slot_mask;
    struct entry *entries;
};

int map_new(struct map **ret, size_t limit, uint64_t seed)
{
    *ret = NULL;
    if (!limit || limit > LIMIT_MOST)
        return ER_INVALID;
    struct map *m = calloc(1, sizeof *m);
    if (!m)
        return ER_NOMEM;
    m->limit = limit;
    m->seed[0] = seed;
    m->seed[1] = seed ^ 0x9e3779b97f4a7c15u;
    *ret = m;
    return 0;
}

static const uint8_t *entry_key(const struct entry *e)
{
    return e->key_len > KEY_INSIDE ? e->key.outside : e->key.inside;
}

static void entry_clear(struct entry *e)
{
    if (e->key_len > KEY_INSIDE)
        free(e->key.outside);
}

void map_free(struct map *m)
{
    if (!m)
        return;
    for (size_t i = 0; i < m->count; i++)
        entry_clear(&m->entries[i]);
    free(m->entries);
    free(m->slots);
    free(m);
}

/** The slot that holds the key's entry, or the free one where the search ends. */
static size_t slot_find(const struct map *m, uint64_t hash, const void *key, size_t key_len)
{
    size_t slot = hash & m->slot_mask;
    while (m->slots[slot] != SLOT_FREE) {
        const struct entry *e = &m->entries[m->slots[slot] - 1];
        if (e->hash == hash && e->key_len == key_len &&
            (!key_len || memcmp(entry_key(e), key, key_len) == 0))
            return slot;
        slot = (slot + 1) & m->slot_mask;
    }
    return slot;
}

/** The slot that refers to the entry at `place`, which is there. */
static size_t slot_of_place(const struct map *m, size_t place)
{
    size_t slot = m->entries[place].hash & m->slot_mask;
    while (m->slots[slot] != place + 1)
        slot = (slot + 1) & m->slot_mask;
    return slot;
}

/** Free a slot and close the gap: whatever a search would no longer reach moves back. */
static void slot_release(struct map *m, size_t gap)
{
    size_t slot = gap;
    for (;;) {
        slot = (slot + 1) & m->slot_mask;
        if (m->slots[slot] == SLOT_FREE)
            break;
        size_t home = m->entries[m->slots[slot] - 1].hash & m->slot_mask;
        size_t from_home = (slot - home) & m->slot_mask;
        size_t from_gap = (slot - gap) & m->slot_mask;
        if (from_home >= from_gap) {
            m->slots[gap] = m->slots[slot];
            gap = slot;
        }
    }
    m->slots[gap] = SLOT_FREE;
}

static int map_grow(struct map *m)
{
    size_t size = m->size ? 2 * m->size : SIZE_FIRST;
    uint32_t *slots = calloc(2 * size, sizeof *slots);
    if (!slots)
        return ER_NOMEM;
    struct entry *entries = realloc(m->entries, size * sizeof *entries);
    if (!entries) {
        free(slots);
        return ER_NOMEM;
    }
    free(m->slots);
    m->entries = entries;
    m->size = size;
    m->slots = slots;
    m->slot_mask = 2 * size - 1;
    for (size_t i = 0; i < m->count; i++) {
        size_t slot = entries[i].hash & m->slot_mask;
        while (slots[slot] != SLOT_FREE)
            slot = (slot + 1) & m->slot_mask;
        slots[slot] = (uint32_t)(i + 1);
    }
    return 0;
}

int map_add(struct map *m, const void *key, size_t key_len, void *value)
{
    if (!value)
        return ER_INVALID;
    uint64_t hash = siphash13(m->seed, key, key_len);
    if (m->size && m->slots[slot_find(m, hash, key, key_len)] != SLOT_FREE)
        return ER_CONFLICT;
    if (m->count == m->limit)
        return ER_FULL;
    if (m->count == m->size && map_grow(m) < 0)
        return ER_NOMEM;
    struct entry *e = &m->entries[m->count];
    *e = (struct entry){.hash = hash, .value = value, .key_len = key_len};
    uint8_t *copy = e->key.inside;
    if (key_len > KEY_INSIDE) {
        copy = malloc(key_len);
        if (!copy)
            return ER_NOMEM;
        e->key.outside = copy;
    }
    if (key_len)
        memcpy(copy, key, key_len);
    m->count++;
    m->slots[slot_find(m, hash, key, key_len)] = (uint32_t)m->count;
    return 0;
}

void *map_get(const struct map *m, const void *key, size_t key_len)
{
    if (!m->count)
        return NULL;
    size_t slot = slot_find(m, siphash13(m->seed, key, key_len), key, key_len);
    return m->slots[slot] != SLOT_FREE ? m->entries[m->slots[slot] - 1].value : NULL;
}

void *map_remove(struct map *m, const void *key, size_t key_len)
{
    if (!m->count)
        return NULL;
    size_t slot = slot_find(m, siphash13(m->seed, key, key_len), key, key_len);
    if (m->slots[slot] == SLOT_FREE)
        return NULL;
    size_t place = m->slots[slot] - 1;
    void *value = m->entries[place].value;
    slot_release(m, slot);
    entry_clear(&m->entries[place]);
    size_t last = m->count - 1;
    if (place != last) {
        m->slots[slot_of_place(m, last)] = (uint32_t)(place + 1);
        m->entries[place] = m->entries[last];
    }
    m->count = last;
    return value;
}

int map_add_u64(struct map *m, uint64_t key, void *value)
{
    return map_add(m, &key, sizeof key, value);
}

void *map_get_u64(const struct map *m, uint64_t key)
{
    return map_get(m, &key, sizeof key);
}

void *map_remove_u64(struct map *m, uint64_t key)
{
    return map_remove(m, &key, sizeof key);
}

int map_add_str(struct map *m, const char *key, void *value)
{
    return map_add(m, key, strlen(key), value);
}

void *map_get_str(const struct map *m, const char *key)
{
    return map_get(m, key, strlen(key));
}

void *map_remove_str(struct map *m, const char *key)
{
    return map_remove(m, key, strlen(key));
}

size_t map_count(const struct map *m)
{
    return m->count;
}

bool map_next(const struct map *m, size_t *cursor, const void **ret_key, size_t *ret_key_len,
              void **ret_value)
{
    // The cursor is the place of the entry given last, plus one; 0 stands for the place beyond all.
    size_t beyond = *cursor ? *cursor - 1 : m->count;
    if (beyond > m->count)
        beyond = m->count;
    if (!beyond)
        return false;
    const struct entry *e = &m->entries[beyond - 1];
    *cursor = beyond;
    if (ret_key)
        *ret_key = entry_key(e);
    if (ret_key_len)
        *ret_key_len = e->key_len;
    *ret_value = e->value;
    return true;
}
