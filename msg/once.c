/* Reading x-publisher-id and x-publish-seq. */
#include "msg/once.h"

enum once_fault once_read(struct table headers, struct once *out)
{
    struct field publisher;
    struct field seq;
    bool has_publisher = table_find(headers, bytes_text("x-publisher-id"), &publisher);
    bool has_seq = table_find(headers, bytes_text("x-publish-seq"), &seq);
    struct bytes id = bytes_of(NULL, 0);
    int64_t number = 0;

    *out = (struct once){.seq = 0};
    if (has_publisher && (!field_as_text(&publisher, &id) || id.size == 0 || id.size > ONCE_ID_MAX))
        return ONCE_BAD_PUBLISHER;
    if (has_seq && (!field_as_integer(&seq, &number) || number < 0))
        return ONCE_BAD_SEQ;
    if (has_publisher != has_seq)
        return has_seq ? ONCE_NO_PUBLISHER : ONCE_NO_SEQ;
    if (has_publisher)
        *out = (struct once){.publisher = id, .seq = (uint64_t)number};
    return ONCE_OK;
}
