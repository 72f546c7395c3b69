// SPDX-License-Identifier: Apache-2.0
/* A binary heap of pointers to nodes, each of which knows its place. */
#include "base/heap.h"

#include <stdlib.h>

#include "base/er.h"

#define SIZE_FIRST 16u

static void node_put(struct heap *h, size_t index, struct heap_node *node)
{
    h->nodes[index] = node;
    node->place = index + 1;
}

static void sift_up(struct heap *h, size_t index)
{
    struct heap_node *node = h->nodes[index];
    while (index) {
        size_t parent = (index - 1) / 2;
        if (h->nodes[parent]->at_us <= node->at_us)
            break;
        node_put(h, index, h->nodes[parent]);
        index = parent;
    }
    node_put(h, index, node);
}

static void sift_down(struct heap *h, size_t index)
{
    struct heap_node *node = h->nodes[index];
    for (;;) {
        size_t child = 2 * index + 1;
        if (child >= h->count)
            break;
        if (child + 1 < h->count && h->nodes[child + 1]->at_us < h->nodes[child]->at_us)
            child++;
        if (h->nodes[child]->at_us >= node->at_us)
            break;
        node_put(h, index, h->nodes[child]);
        index = child;
    }
    node_put(h, index, node);
}

void heap_clear(struct heap *h)
{
    free(h->nodes);
    *h = (struct heap){0};
}

static int heap_grow(struct heap *h)
{
    size_t size = h->size ? 2 * h->size : SIZE_FIRST;
    struct heap_node **nodes = realloc(h->nodes, size * sizeof *nodes);
    if (!nodes)
        return ER_NOMEM;
    h->nodes = nodes;
    h->size = size;
    return 0;
}

int heap_set(struct heap *h, struct heap_node *node, uint64_t at_us)
{
    if (at_us == HEAP_NEVER) {
        heap_remove(h, node);
        return 0;
    }
    if (!node->place) {
        if (h->count == h->size && heap_grow(h) < 0)
            return ER_NOMEM;
        node_put(h, h->count++, node);
    }
    node->at_us = at_us;
    sift_up(h, node->place - 1);
    sift_down(h, node->place - 1);
    return 0;
}

void heap_remove(struct heap *h, struct heap_node *node)
{
    if (!node->place)
        return;
    size_t index = node->place - 1;
    struct heap_node *last = h->nodes[--h->count];
    node->place = 0;
    if (last == node)
        return;
    node_put(h, index, last);
    sift_up(h, index);
    sift_down(h, last->place - 1);
}

uint64_t heap_next_us(const struct heap *h)
{
    return h->count ? h->nodes[0]->at_us : HEAP_NEVER;
}

struct heap_node *heap_pop_due(struct heap *h, uint64_t now_us)
{
    if (!h->count || h->nodes[0]->at_us > now_us)
        return NULL;
    struct heap_node *node = h->nodes[0];
    heap_remove(h, node);
    return node;
}
