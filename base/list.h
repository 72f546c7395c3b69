// SPDX-License-Identifier: Apache-2.0
/* An intrusive doubly linked list: the node lives inside the thing it links. */
#ifndef LOUPE_BASE_LIST_H
#define LOUPE_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

/** A node, and also a list's head. A node in no list has next == NULL (zeroed memory will do). */
struct list {
    struct list *next;
    struct list *prev;
};

/** The struct that holds the node `ptr` as its member. */
#define container_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

static inline void list_init(struct list *head)
{
    head->next = head->prev = head;
}

static inline bool list_empty(const struct list *head)
{
    return head->next == head;
}

static inline bool list_linked(const struct list *node)
{
    return node->next != NULL;
}

static inline void list_append(struct list *head, struct list *node)
{
    node->prev = head->prev;
    node->next = head;
    head->prev->next = node;
    head->prev = node;
}

/** Take `node` out of its list; without effect when it is in none. */
static inline void list_remove(struct list *node)
{
    if (!node->next)
        return;
    node->prev->next = node->next;
    node->next->prev = node->prev;
    node->next = node->prev = NULL;
}

/** Walk a list whose items hold the node as `member`. The current item must not be removed. */
#define list_each(item, head, type, member)                                                        \
    for (type *item = container_of((head)->next, type, member); &item->member != (head);           \
         item = container_of(item->member.next, type, member))

/** As list_each, but the current item may be removed and freed. */
#define list_each_safe(item, head, type, member)                                                   \
    for (type *item = container_of((head)->next, type, member),                                    \
              *item##_next = container_of(item->member.next, type, member);                        \
         &item->member != (head);                                                                  \
         item = item##_next, item##_next = container_of(item->member.next, type, member))

#endif
