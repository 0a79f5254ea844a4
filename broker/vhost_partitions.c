/* Streams with partitions: each of these is a queue of the virtual host. */
#include <inttypes.h>
#include <stdio.h>

#include "base/mem.h"
#include "broker/parts.h"
#include "msg/table_writer.h"
#include "queue/queue.h"
#include "queue/streams.h"

bool vhost_partition_name(struct bytes front, uint32_t number, uint8_t area[SHORTSTR_MAX],
                          struct bytes *out)
{
    struct writer w = writer_of(area, SHORTSTR_MAX);
    char digits[16];

    snprintf(digits, sizeof(digits), "-%" PRIu32, number);
    writer_bytes(&w, front);
    writer_bytes(&w, bytes_text(digits));
    *out = writer_view(&w);
    return !w.is_failed;
}

void vhost_add_partitions(struct vhost *v, const struct vhost_queue *q, struct named_queue *front)
{
    const struct bytes left_out = bytes_text("x-partitions");
    struct broker *b = v->broker;
    struct vhost_queue partition = *q;
    uint32_t count = queue_args(front->queue)->partitions;
    uint32_t homes = q->homes > 0 && q->homes <= b->home_count ? q->homes : b->home_count;
    struct buf arguments;

    buf_init(&arguments, TERM_ARGUMENTS_MAX);
    table_rewrite(q->arguments, (struct table){{NULL, 0}}, &left_out, 1, &arguments);
    ASSERT(buf_error(&arguments) == 0);
    partition.arguments = (struct table){buf_view(&arguments)};
    front->partitions = MEM_NEW_ARRAY(struct named_queue *, count);
    for (uint32_t i = 0; i < count; i++) {
        uint8_t area[SHORTSTR_MAX];
        bool fits = vhost_partition_name(q->name, i, area, &partition.name);

        ASSERT(fits);
        partition.id = q->id + 1 + i;
        partition.home = &b->homes[(q->home->number + i) % homes];
        front->partitions[i] = vhost_add_one_queue(v, &partition);
        front->partitions[i]->front = front;
        queue_add_partition(front->queue, front->partitions[i]->queue);
    }
    front->partition_count = count;
    buf_release(&arguments);
}
