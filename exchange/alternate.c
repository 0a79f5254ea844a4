/* Alternate exchanges, by name: the name may be given long before the exchange is there. */
#include "base/mem.h"
#include "base/zoo.h"
#include "exchange/parts.h"

struct alternate *alternate_find(const struct exchange_table *t, struct bytes name)
{
    return (struct alternate *)names_find(&t->alternates, name);
}

/* Takes the exchange off its alternate, whose record goes with its last user. */
static void leave(struct exchange *x)
{
    struct alternate *a = x->alternate;

    if (a == NULL)
        return;
    list_remove(&x->alternate_link);
    x->alternate = NULL;
    if (!list_empty(&a->users))
        return;
    ASSERT(alternate_find(x->table, a->name) == a);
    names_remove(&x->table->alternates, a->name);
    mem_free(a);
}

static struct alternate *alternate_new(struct exchange_table *t, struct bytes name)
{
    struct alternate *a = (struct alternate *)mem_zero(1, sizeof(*a) + name.size);

    if (name.size > 0)
        memcpy(a + 1, name.data, name.size);
    a->name = bytes_of(a + 1, name.size);
    a->exchange = exchange_find(t, name);
    list_init(&a->users);
    names_put(&t->alternates, name, a);
    return a;
}

void alternate_set(struct exchange *x, struct bytes name)
{
    struct alternate *a = NULL;

    leave(x);
    if (name.data == NULL || ZOO(ALTERNATE_IGNORED))
        return;
    a = alternate_find(x->table, name);
    if (a == NULL)
        a = alternate_new(x->table, name);
    x->alternate = a;
    list_push(&a->users, &x->alternate_link);
}

static void point_to(struct exchange_table *t, struct bytes name, struct exchange *x)
{
    struct alternate *a = alternate_find(t, name);

    if (a == NULL)
        return;
    a->exchange = x; /* E3 */
    LIST_FOREACH (link, &a->users)
        route_forget(CONTAINER_OF(link, struct exchange, alternate_link));
}

void alternate_arrived(struct exchange *x)
{
    point_to(x->table, x->target.name, x);
}

void alternate_gone(struct exchange *x)
{
    point_to(x->table, x->target.name, NULL);
}

struct bytes exchange_alternate(const struct exchange *x)
{
    return x->alternate == NULL ? bytes_of(NULL, 0) : x->alternate->name;
}
