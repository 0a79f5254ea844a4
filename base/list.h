/* A doubly linked list whose links lie inside the items.
 *
 *     head <-> item <-> item <-> (head)
 *
 * An item that is on no list has a link with next == NULL, so list_linked() can tell.
 * Owner: whoever owns the head. No allocation. */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/check.h"

struct list_link {
    struct list_link *next;
    struct list_link *prev;
};

struct list {
    struct list_link head;
};

static inline void list_init(struct list *l)
{
    l->head.next = &l->head;
    l->head.prev = &l->head;
}

static inline bool list_empty(const struct list *l)
{
    return l->head.next == &l->head;
}

static inline bool list_linked(const struct list_link *link)
{
    return link->next != NULL;
}

static inline void list_insert_before(struct list_link *at, struct list_link *link)
{
    ASSERT(!list_linked(link));
    link->prev = at->prev;
    link->next = at;
    at->prev->next = link;
    at->prev = link;
}

static inline void list_push(struct list *l, struct list_link *link)
{
    list_insert_before(&l->head, link);
}

static inline void list_push_front(struct list *l, struct list_link *link)
{
    list_insert_before(l->head.next, link);
}

static inline void list_remove(struct list_link *link)
{
    ASSERT(list_linked(link));
    link->prev->next = link->next;
    link->next->prev = link->prev;
    link->next = NULL;
    link->prev = NULL;
}

/* The first link, or NULL. */
static inline struct list_link *list_first(const struct list *l)
{
    return list_empty(l) ? NULL : l->head.next;
}

/* The last link, or NULL. */
static inline struct list_link *list_last(const struct list *l)
{
    return list_empty(l) ? NULL : l->head.prev;
}

/* Takes the first link off the list, or returns NULL. */
static inline struct list_link *list_take(struct list *l)
{
    struct list_link *link = list_first(l);

    if (link != NULL)
        list_remove(link);
    return link;
}

/* Walks the links; the body must not remove `link`. */
#define LIST_FOREACH(link, list)                                                                   \
    for (struct list_link *link = (list)->head.next; link != &(list)->head; link = link->next)

/* Walks the links; the body may remove `link`, and only it. */
#define LIST_FOREACH_SAFE(link, list)                                                              \
    for (struct list_link *link = (list)->head.next, *link##_next = link->next;                    \
         link != &(list)->head; link = link##_next, link##_next = link->next)

#endif
