// SPDX-License-Identifier: Apache-2.0
/* The treap: a search tree by key, a heap by a hash of the number, so that it stays shallow. */
#include "base/order.h"

static uint64_t heat_of(uint64_t seq)
{
    uint64_t z = seq + UINT64_C(0x9e3779b97f4a7c15); /* splitmix64 */
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static size_t count_of(const struct order_node *n)
{
    return n ? n->count : 0;
}

static bool key_less(int64_t key, uint64_t seq, const struct order_node *n)
{
    return key != n->key ? key < n->key : seq < n->seq;
}

bool order_less(const struct order_node *a, const struct order_node *b)
{
    return key_less(a->key, a->seq, b);
}

static struct order_node **link_to(struct order *o, const struct order_node *n)
{
    if (!n->up)
        return &o->root;
    return n->up->left == n ? &n->up->left : &n->up->right;
}

/** `n` takes the place of its parent, which becomes its child. */
static void rotate_up(struct order *o, struct order_node *n)
{
    struct order_node *parent = n->up;
    struct order_node **place = link_to(o, parent);
    struct order_node **inner = parent->left == n ? &n->right : &n->left;
    struct order_node **outer = parent->left == n ? &parent->left : &parent->right;
    *outer = *inner;
    if (*inner)
        (*inner)->up = parent;
    *inner = parent;
    n->up = parent->up;
    parent->up = n;
    *place = n;
    n->count = parent->count;
    parent->count = 1 + count_of(parent->left) + count_of(parent->right);
}

void order_add(struct order *o, struct order_node *node, int64_t key, uint64_t seq)
{
    struct order_node *up = NULL, **place = &o->root;
    while (*place) {
        up = *place;
        up->count++;
        place = key_less(key, seq, up) ? &up->left : &up->right;
    }
    *node = (struct order_node){.up = up, .key = key, .seq = seq, .heat = heat_of(seq), .count = 1};
    *place = node;
    while (node->up && node->up->heat < node->heat)
        rotate_up(o, node);
}

void order_remove(struct order *o, struct order_node *node)
{
    if (!node->count)
        return;
    while (node->left && node->right)
        rotate_up(o, node->left->heat > node->right->heat ? node->left : node->right);
    struct order_node *child = node->left ? node->left : node->right;
    *link_to(o, node) = child;
    if (child)
        child->up = node->up;
    for (struct order_node *up = node->up; up; up = up->up)
        up->count--;
    *node = (struct order_node){0};
}

struct order_node *order_first(const struct order *o)
{
    struct order_node *n = o->root;
    while (n && n->left)
        n = n->left;
    return n;
}

struct order_node *order_next(const struct order_node *node)
{
    struct order_node *n = node->right;
    if (n) {
        while (n->left)
            n = n->left;
        return n;
    }
    while (node->up && node->up->right == node)
        node = node->up;
    return node->up;
}

struct order_node *order_at(const struct order *o, size_t index)
{
    struct order_node *n = o->root;
    while (n && index != count_of(n->left)) {
        bool right = index > count_of(n->left);
        index -= right ? count_of(n->left) + 1 : 0;
        n = right ? n->right : n->left;
    }
    return n;
}

size_t order_before(const struct order *o, int64_t key, uint64_t seq)
{
    size_t before = 0;
    for (const struct order_node *n = o->root; n;) {
        bool behind = key_less(n->key, n->seq, &(struct order_node){.key = key, .seq = seq});
        before += behind ? count_of(n->left) + 1 : 0;
        n = behind ? n->right : n->left;
    }
    return before;
}

bool order_is_sound(const struct order *o)
{
    const struct order_node *before = NULL;
    size_t count = 0;
    for (const struct order_node *n = order_first(o); n; before = n, n = order_next(n)) {
        count++;
        if ((before && !order_less(before, n)) || (n->up && n->up->heat < n->heat) ||
            n->count != 1 + count_of(n->left) + count_of(n->right) ||
            (n->left && n->left->up != n) || (n->right && n->right->up != n))
            return false;
    }
    return count == order_count(o);
}
