/* What a publisher published to which exchange, for those who look.
 *
 * Messages to the exchange that is remembered anyway are counted there; another one costs a look at
 * a few places, beside the search for it. */
#include "base/hash.h"
#include "base/mem.h"
#include "broker/doors.h"
#include "broker/parts.h"
#include "broker/publisher.h"
#include "exchange/exchange.h"

static uint64_t hash_of(struct bytes exchange)
{
    return hash64(exchange, 0);
}

static struct publisher_other *find(const struct publisher *p, uint64_t exchange)
{
    for (size_t i = 0; p->others != NULL && i < PUBLISHED_PLACES; i++)
        if (p->others[i].exchange == exchange && p->others[i].count > 0)
            return &p->others[i];
    return NULL;
}

void publisher_count(struct publisher *p, struct bytes exchange, uint64_t count)
{
    struct publisher_other *other = find(p, hash_of(exchange));

    if (count == 0)
        return;
    if (p->others == NULL)
        p->others = MEM_NEW_ARRAY(struct publisher_other, PUBLISHED_PLACES);
    if (other == NULL) {
        other = &p->others[p->other_next];
        p->other_next = (p->other_next + 1) % PUBLISHED_PLACES;
        *other = (struct publisher_other){.exchange = hash_of(exchange)};
    }
    other->count += count;
}

void publisher_count_memo(struct publisher *p)
{
    publisher_count(p, bytes_of(p->memo.name, p->memo.name_size), p->memo.count);
    p->memo.count = 0;
}

uint64_t publisher_published(const struct publisher *p, struct bytes exchange)
{
    const struct publisher_other *other = find(p, hash_of(exchange));
    const struct publish_memo *memo = &p->memo;
    bool is_memo = bytes_equal(bytes_of(memo->name, memo->name_size), exchange);

    return (other == NULL ? 0 : other->count) + (is_memo ? memo->count : 0);
}

/* How many exchanges something is known of. */
static size_t places_used(const struct publisher *p)
{
    size_t used = p->memo.count > 0;

    for (size_t i = 0; p->others != NULL && i < PUBLISHED_PLACES; i++)
        used += p->others[i].count > 0;
    return used;
}

size_t publisher_flows(const struct publisher *p, struct doors_flow **out)
{
    const struct exchange_table *table = p->visit->vhost->table;
    const struct exchange *x = NULL;
    size_t used = places_used(p);
    size_t count = 0;

    *out = MEM_NEW_ARRAY(struct doors_flow, used + 1);
    while (count < used && (x = exchange_next(table, x)) != NULL) {
        const struct doors_flow f = {
            .exchange = exchange_spec(x).name,
            .count = publisher_published(p, exchange_spec(x).name),
        };

        if (f.count > 0)
            (*out)[count++] = f;
    }
    return count;
}
