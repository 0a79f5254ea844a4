/* The list of all types of exchange. */
#include "exchange/kind.h"

static const struct exchange_kind *const kinds[] = {
    &direct_kind,  &fanout_kind,          &topic_kind,
    &headers_kind, &consistent_hash_kind, &modulus_hash_kind,
    &random_kind,  &local_random_kind,    &recent_history_kind,
};

const struct exchange_kind *kind_find(struct bytes type)
{
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        ASSERT(kinds[i]->name != NULL && kinds[i]->route != NULL);
        if (bytes_equal(type, bytes_text(kinds[i]->name)))
            return kinds[i];
    }
    return NULL;
}
