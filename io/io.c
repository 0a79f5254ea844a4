/* The thin front of every world: what holds in all of them is asserted here, then the world does
 * it. */
#include "io/io.h"

uint64_t io_now_ns(struct io *io)
{
    return io->ops->now_ns(io);
}

int64_t io_wall_ms(struct io *io)
{
    return io->ops->wall_ms(io);
}

uint64_t io_random(struct io *io)
{
    return io->ops->random(io);
}

void io_timer_init(struct io_timer *t, void (*fn)(struct io_timer *t))
{
    ASSERT(fn != NULL);
    *t = (struct io_timer){.fn = fn};
}

void io_timer_start(struct io *io, struct io_timer *t, uint64_t delay_ns)
{
    ASSERT(t->fn != NULL); /* io_timer_init() was forgotten */
    io->ops->timer_start(io, t, delay_ns);
    ASSERT(io_timer_is_running(t)); /* W1: not called yet */
}

void io_timer_stop(struct io *io, struct io_timer *t)
{
    if (io_timer_is_running(t))
        io->ops->timer_stop(io, t);
    ASSERT(!io_timer_is_running(t));
}

bool io_timer_is_running(const struct io_timer *t)
{
    return heap_holds(&t->node);
}

void io_task_init(struct io_task *t, void (*fn)(struct io_task *t))
{
    ASSERT(fn != NULL);
    *t = (struct io_task){.fn = fn};
}

void io_later(struct io *io, struct io_task *t)
{
    ASSERT(t->fn != NULL); /* io_task_init() was forgotten */
    if (list_linked(&t->link))
        return;
    io->ops->later(io, t);
    ASSERT(list_linked(&t->link)); /* W1: not called yet */
}

void io_task_cancel(struct io_task *t)
{
    if (list_linked(&t->link))
        list_remove(&t->link);
}

void io_submit(struct io *io, struct io_job *j)
{
    ASSERT(j->work != NULL && j->done != NULL);
    ASSERT(!list_linked(&j->link)); /* submitted before, and not done yet */
    j->io = io;
    j->then = NULL;
    j->is_over = false;
    io->ops->submit(io, j);
}

void io_follow(struct io *io, struct io_job *j, struct io_job *first)
{
    ASSERT(j->work != NULL && j->done != NULL && j != first);
    ASSERT(!list_linked(&j->link)); /* submitted before, and not done yet */
    ASSERT(first->urgency == IO_URGENT && j->urgency == IO_URGENT);
    j->io = io;
    j->then = NULL;
    j->is_over = false;
    io->ops->follow(io, j, first);
}

bool io_recall(struct io *io, struct io_job *j, struct io_job *first)
{
    ASSERT(j->io != NULL && first->io != NULL); /* both were submitted */
    return io->ops->recall(io, j, first);
}

void io_set_wake(struct io *io, void (*fn)(void *owner), void *owner)
{
    io->on_wake = fn;
    io->on_wake_owner = owner;
}

void io_wake(struct io *io)
{
    io->ops->wake(io);
}
