/* Questions about a message. */
#include "msg/msg.h"

#include "base/check.h"
#include "msg/shortstr.h"

bool message_is_persistent(const struct message *m)
{
    uint8_t mode = 0;

    return props_find_octet(&m->props, PROP_DELIVERY_MODE, &mode) &&
           mode == DELIVERY_MODE_PERSISTENT;
}

void message_check(const struct message *m)
{
    uint64_t size = 0;

    for (size_t i = 0; i < m->body_count; i++)
        size += m->body[i].size;
    ASSERT(size == m->body_size);
    ASSERT(size <= MESSAGE_BODY_MAX);
    ASSERT(m->exchange.size <= SHORTSTR_MAX);
    ASSERT(m->routing_key.size <= SHORTSTR_MAX);
}
