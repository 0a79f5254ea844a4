/* Which job is next; see job_queue.h. */
#include "io/job_queue.h"

#include <string.h>

#include "base/check.h"

void job_queue_init(struct job_queue *q, uint32_t thread_count)
{
    memset(q, 0, sizeof(*q));
    for (unsigned i = 0; i < IO_URGENCY_COUNT; i++)
        list_init(&q->waiting[i]);
    q->others_max = thread_count > 2 ? thread_count - 1 : thread_count;
    q->background_max = thread_count > 2 ? thread_count - 2 : 1;
}

void job_queue_push(struct job_queue *q, struct io_job *j)
{
    ASSERT(j->urgency < IO_URGENCY_COUNT);
    list_push(&q->waiting[j->urgency], &j->link);
}

struct io_job *job_queue_take(struct job_queue *q)
{
    struct list_link *link = list_take(&q->waiting[IO_URGENT]);

    if (link != NULL)
        return CONTAINER_OF(link, struct io_job, link);
    if (q->others == q->others_max)
        return NULL;
    link = list_take(&q->waiting[IO_WANTED]);
    if (link == NULL && q->background < q->background_max) {
        link = list_take(&q->waiting[IO_BACKGROUND]);
        q->background += link != NULL;
    }
    q->others += link != NULL;
    return link == NULL ? NULL : CONTAINER_OF(link, struct io_job, link);
}

void job_queue_end(struct job_queue *q, enum io_urgency urgency)
{
    ASSERT(urgency == IO_URGENT || q->others > 0);
    ASSERT(urgency != IO_BACKGROUND || q->background > 0);
    q->others -= urgency != IO_URGENT;
    q->background -= urgency == IO_BACKGROUND;
}

bool job_queue_is_empty(const struct job_queue *q)
{
    for (unsigned i = 0; i < IO_URGENCY_COUNT; i++)
        if (!list_empty(&q->waiting[i]))
            return false;
    return true;
}
