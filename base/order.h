// SPDX-License-Identifier: Apache-2.0
/* An ordered set that knows the place of each of its members: an intrusive search tree (a treap) that
 * counts. Everything but clearing takes time with the logarithm of the count, and none of it allocates. */
#ifndef LOUPE_BASE_ORDER_H
#define LOUPE_BASE_ORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Zeroed memory is a node in no set. */
struct order_node {
    struct order_node *up, *left, *right;
    int64_t key;   /* lower first */
    uint64_t seq;  /* among equal keys lower first; no two nodes have both the same */
    uint64_t heat; /* of the treap */
    size_t count;  /* of this node and those below it; 0: in no set */
};

/** Zeroed memory is an empty set. */
struct order {
    struct order_node *root;
};

/** Put a node that is in no set into it. */
void order_add(struct order *o, struct order_node *node, int64_t key, uint64_t seq);
/** Without effect when it is in none. `o` is the set that it is in. */
void order_remove(struct order *o, struct order_node *node);
static inline bool order_linked(const struct order_node *node)
{
    return node->count != 0;
}
static inline size_t order_count(const struct order *o)
{
    return o->root ? o->root->count : 0;
}
/** NULL: the set is empty, or there is no further one. */
struct order_node *order_first(const struct order *o);
struct order_node *order_next(const struct order_node *node);
/** The node with `index` nodes before it; NULL. */
struct order_node *order_at(const struct order *o, size_t index);
/** How many nodes come before such a key; the node itself may be in the set or not. */
size_t order_before(const struct order *o, int64_t key, uint64_t seq);
/** Whether `a` comes before `b`, in whichever sets they are. */
bool order_less(const struct order_node *a, const struct order_node *b);
/** Whether keys, counts and links agree: for tests. */
bool order_is_sound(const struct order *o);

#endif
