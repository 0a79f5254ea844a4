/* Opening, closing and hearing of a partition. */
#include "broker/home.h"

#include "broker/dead.h"
#include "broker/events.h"
#include "broker/parts.h"
#include "io/io.h"
#include "log/datadir.h"
#include "queue/queue.h"

/* ---- what the queues say ---- */

static void on_unused(void *owner, struct queue *q)
{
    (void)owner;
    named_queue_delete((struct named_queue *)queue_owner(q));
}

static void on_consumer_gone(void *owner, const struct consumer *c)
{
    (void)owner;
    event_of_consumer((const struct named_queue *)queue_owner(consumer_queue(c)), c,
                      "consumer.deleted");
}

static void on_queues_pressure(void *owner, bool is_pressed)
{
    struct home *p = (struct home *)owner;

    p->are_queues_pressed = is_pressed;
    if (!is_pressed)
        broker_release_held(p->broker);
}

/* ---- what the partition says ---- */

static void on_committed(struct partition_watcher *w, uint64_t position)
{
    struct home *p = CONTAINER_OF(w, struct home, watcher);

    ASSERT(position >= p->committed);
    p->committed = position;
    broker_on_progress(p->broker, p);
}

static void on_failed(struct partition_watcher *w, int err)
{
    struct home *p = CONTAINER_OF(w, struct home, watcher);

    (void)err; /* the log has said it */
    p->is_failed = true;
    broker_on_progress(p->broker, p);
    broker_release_held(p->broker);
}

static void on_log_pressure(struct partition_watcher *w, bool is_pressed)
{
    struct home *p = CONTAINER_OF(w, struct home, watcher);

    p->is_log_pressed = is_pressed;
    if (!is_pressed)
        broker_release_held(p->broker);
}

/* ---- open and close ---- */

void home_prepare(struct home *p, const struct broker_open *o)
{
    const struct queues_calls calls = {
        .owner = p,
        .route_dead = dead_route,
        .on_moved = dead_moved,
        .on_unused = on_unused,
        .on_pressure = on_queues_pressure,
        .on_consumer_gone = on_consumer_gone,
    };

    p->queues = queues_new(o->io, o->data_dir, o->queues, &calls);
}

int home_open(struct home *p, const struct broker_open *o, struct err_note *note)
{
    struct fold folds[2];
    size_t fold_count = 0;
    struct datadir_path dir;
    int rv = datadir_partition(o->data, p->number, &dir, note);

    if (rv != 0)
        return rv;
    if (p->number == 0)
        definitions_fold(&p->broker->definitions, &folds[fold_count++]);
    queues_fold(p->queues, &folds[fold_count++]);

    const struct partition_open open = {
        .io = o->io,
        .number = p->number,
        .dir = dir.text,
        .options = o->partition,
        .log = o->log,
        .folds = folds,
        .fold_count = fold_count,
    };
    return partition_open(&open, &p->partition, note);
}

void home_start(struct home *p)
{
    queues_start(p->queues, p->partition);
    p->committed = partition_committed(p->partition);
    p->is_log_pressed = partition_is_pressed(p->partition);
    p->are_queues_pressed = queues_are_pressed(p->queues);
    p->watcher.committed = on_committed;
    p->watcher.failed = on_failed;
    p->watcher.pressure = on_log_pressure;
    partition_watch(p->partition, &p->watcher);
}

void home_close(struct home *p, void (*closed)(void *owner), void *owner)
{
    partition_unwatch(&p->watcher);
    queues_stop(p->queues);
    partition_close(p->partition, closed, owner);
    p->partition = NULL;
}

void home_release(struct home *p)
{
    if (p->queues != NULL)
        queues_free(p->queues);
    p->queues = NULL;
}

struct home *home_with_fewest(struct broker *b)
{
    struct home *best = &b->homes[0];

    for (unsigned i = 1; i < b->home_count; i++)
        if (b->homes[i].queue_count < best->queue_count)
            best = &b->homes[i];
    return best;
}
