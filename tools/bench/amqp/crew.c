/* Opens, starts, stops, waits, judges. */
#include "tools/bench/amqp/crew.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/mem.h"
#include "base/units.h"
#include "tools/bench/amqp/desk.h"
#include "tools/bench/amqp/producer.h"
#include "tools/bench/measure/machine.h"

enum { OPENING_MAX = 64, NS_PER_MS = 1000 * 1000, NS_PER_S = 1000 * NS_PER_MS };

/* ---- begin ---- */

static void on_resume(struct io_task *t)
{
    struct crew *c = CONTAINER_OF(t, struct crew, resume);

    for (int64_t i = 0; i < c->work->producers; i++) {
        if (c->producers[i].is_held)
            producer_work(&c->producers[i]);
    }
}

static size_t lane_count(const struct workload *w)
{
    return (size_t)(workload_reads_all(w) ? w->consumers : w->queues) * (size_t)w->producers;
}

static void set_lanes(struct crew *c)
{
    uint32_t producers = (uint32_t)c->work->producers, queues = (uint32_t)c->work->queues;
    uint32_t rows = workload_reads_all(c->work) ? (uint32_t)c->work->consumers : queues;

    for (uint32_t row = 0; row < rows; row++) {
        for (uint32_t p = 0; p < producers; p++) {
            struct topology_lane lane = topology_lane(&c->topology, row % queues, p);

            if (lane.step > 0)
                checker_set_lane(&c->checker, (size_t)row * producers + p, lane.first, lane.step);
        }
    }
}

void crew_init(struct crew *c, struct load *load, const struct workload *work, uint32_t run)
{
    *c = (struct crew){
        .load = load,
        .work = work,
        .topology = {.work = work, .run = run},
        .ahead_max = workload_ahead(work),
        .producers = MEM_NEW_ARRAY(struct producer, (size_t)work->producers + 1),
    };
    if (work->delay_ms > 0)
        c->topology.due_ms = io_wall_ms(load->io) + (int64_t)work->delay_ms;
    if (work->rate > 0)
        c->interval_ns = (double)NS_PER_S * (double)work->producers / (double)work->rate;
    io_task_init(&c->resume, on_resume);
    cargo_init(&c->cargo, run, work->size);
    checker_init(&c->checker, lane_count(work));
    set_lanes(c);
    for (uint32_t i = 0; work->exchange == EXCHANGE_TOPIC && i < TOPOLOGY_KEYS; i++)
        c->keys[i] = topology_route_key(&c->topology, 0, i);
}

void crew_release(struct crew *c)
{
    if (c->work == NULL)
        return;
    io_task_cancel(&c->resume);
    for (int64_t i = 0; i < c->work->producers; i++)
        producer_release(&c->producers[i]);
    for (uint32_t i = 0; i < c->desk_count; i++)
        desk_release(&c->desks[i]);
    mem_free(c->producers);
    mem_free(c->desks);
    checker_release(&c->checker);
    cargo_release(&c->cargo);
    *c = (struct crew){0};
}

/* Waits for one client, and says so when the broker does not answer. */
static int await(struct crew *c, struct client *client)
{
    int rv = load_wait(c->load, client_is_idle, client, LOAD_PATIENCE_NS);

    if (rv == ERR_AGAIN)
        load_fail(c->load, ERR_AGAIN, "the broker did not answer within a minute");
    return rv;
}

/* How many messages producer `i` publishes. */
static uint64_t share_of(const struct workload *w, uint64_t i)
{
    uint64_t count = w->shape == SHAPE_REPLAY ? 0 : (uint64_t)w->count,
             producers = (uint64_t)w->producers;

    return count == 0 ? UINT64_MAX : count / producers + (i < count % producers);
}

int crew_open_producers(struct crew *c)
{
    uint32_t count = (uint32_t)c->work->producers;
    int rv = 0;

    for (uint32_t i = 0; rv == 0 && i < count; i++) {
        rv = producer_open(&c->producers[i], c, i, share_of(c->work, i));
        if (rv == 0 && i >= OPENING_MAX) /* not all at once */
            rv = await(c, &c->producers[i - OPENING_MAX].client);
    }
    for (uint32_t i = 0; rv == 0 && i < count; i++) {
        rv = await(c, &c->producers[i].client);
        if (rv == 0)
            producer_prepare(&c->producers[i]);
    }
    for (uint32_t i = 0; rv == 0 && i < count; i++)
        rv = await(c, &c->producers[i].client);
    return rv;
}

int crew_open_consumers(struct crew *c)
{
    uint32_t all = (uint32_t)c->work->consumers;
    uint32_t count = c->work->consumer_connections > 0 && c->work->consumer_connections < all
                         ? (uint32_t)c->work->consumer_connections
                         : all;
    int rv = 0;

    c->desks = MEM_NEW_ARRAY(struct desk, count > 0 ? count : 1);
    for (; rv == 0 && c->desk_count < count; c->desk_count++) {
        rv = desk_open(&c->desks[c->desk_count], c, c->desk_count, count);
        if (rv == 0 && c->desk_count >= OPENING_MAX)
            rv = await(c, &c->desks[c->desk_count - OPENING_MAX].client);
    }
    c->fan = all > 0 ? workload_fan(c->work) : 0;
    for (uint32_t i = 0; rv == 0 && i < count; i++) {
        rv = await(c, &c->desks[i].client);
        if (rv == 0)
            desk_consume(&c->desks[i]);
    }
    for (uint32_t i = 0; rv == 0 && i < count; i++)
        rv = await(c, &c->desks[i].client);
    return rv;
}

/* ---- work ---- */

uint64_t crew_room(const struct crew *c)
{
    uint64_t due = c->meter.published * c->fan;
    uint64_t waiting = due > c->meter.delivered ? due - c->meter.delivered : 0;

    if (c->fan == 0)
        return UINT64_MAX;
    return waiting >= c->ahead_max ? 0 : (c->ahead_max - waiting + c->fan - 1) / c->fan;
}

void crew_on_delivered(struct crew *c)
{
    if (crew_room(c) > 0)
        io_later(c->load->io, &c->resume);
}

void crew_start(struct crew *c)
{
    c->start_ns = machine_now_ns() + NS_PER_MS;
    c->start_ns -= (uint64_t)(c->interval_ns * (double)c->producers[0].ring.published); /* again */
    c->is_publishing = true;
    for (int64_t i = 0; i < c->work->producers; i++)
        io_later(c->load->io, &c->producers[i].turn);
}

void crew_stop(struct crew *c)
{
    c->is_publishing = false;
}

static bool is_confirmed(const struct crew *c)
{
    return c->work->window == 0 || c->meter.confirmed == c->meter.published;
}

static bool is_written(const struct crew *c)
{
    for (int64_t i = 0; i < c->work->producers; i++) {
        if (c->producers[i].ring.unwritten > 0)
            return false;
    }
    return true;
}

bool crew_is_published(void *crew)
{
    const struct crew *c = crew;

    return c->meter.published == (uint64_t)c->work->count && is_confirmed(c) && is_written(c);
}

/* Deliveries that stand for none of the messages that are due. */
static uint64_t surplus(const struct checker *c)
{
    return c->redelivered + c->faults[FAULT_TWICE] + c->faults[FAULT_STRAY];
}

static bool is_drained(void *crew)
{
    const struct crew *c = crew;
    uint64_t lost = c->meter.refused + c->meter.returned;
    uint64_t due = (c->meter.published - (lost < c->meter.published ? lost : 0)) * c->fan;

    return is_confirmed(c) && c->meter.delivered >= due + surplus(&c->checker) && is_written(c);
}

int crew_drain(struct crew *c)
{
    uint64_t patience_ns = c->work->patience_ms * NS_PER_MS;
    int rv = load_wait_while_busy(c->load, is_drained, c, patience_ns);

    for (uint32_t i = 0; rv == 0 && i < c->desk_count; i++)
        desk_settle(&c->desks[i]);
    return rv == ERR_AGAIN ? 0 : rv; /* what is missing, crew_judge() will say */
}

/* ---- end ---- */

static void finish_lanes(struct crew *c)
{
    size_t producers = (size_t)c->work->producers;

    for (size_t i = 0; i < c->checker.lane_count; i++)
        checker_finish_lane(&c->checker, i, c->producers[i % producers].ring.published);
}

/* "3 lost, 1 altered". */
static void list_faults(const struct checker *c, char *text, size_t size)
{
    size_t done = 0;

    for (int i = 0; i < FAULT_COUNT; i++) {
        if (c->faults[i] == 0 || done >= size)
            continue;
        done += (size_t)snprintf(text + done, size - done, "%s%" PRIu64 " %s", done > 0 ? ", " : "",
                                 c->faults[i], fault_name((enum fault)i));
    }
}

int crew_judge(struct crew *c, struct err_note *note)
{
    const struct meter *m = &c->meter;
    char text[128] = "";

    if (m->refused > 0)
        return err_note(note, ERR_CORRUPT, "the broker refused %" PRIu64 " messages (basic.nack)",
                        m->refused);
    if (m->returned > 0)
        return err_note(note, ERR_CORRUPT, "the broker returned %" PRIu64 " messages as unroutable",
                        m->returned);
    if (!is_confirmed(c))
        return err_note(note, ERR_CORRUPT, "%" PRIu64 " messages were never confirmed",
                        m->published - m->confirmed);
    if (c->fan > 0)
        finish_lanes(c);
    if (checker_is_content(&c->checker))
        return 0;
    list_faults(&c->checker, text, sizeof(text));
    return err_note(note, ERR_CORRUPT, "messages were not delivered as published: %s; first: %s",
                    text, c->checker.first.text);
}

int crew_close(struct crew *c)
{
    int rv = 0;

    for (uint32_t i = 0; i < c->desk_count; i++)
        client_close(&c->desks[i].client);
    for (int64_t i = 0; i < c->work->producers; i++)
        client_close(&c->producers[i].client);
    for (uint32_t i = 0; rv == 0 && i < c->desk_count; i++)
        rv = load_wait(c->load, client_is_gone, &c->desks[i].client, LOAD_PATIENCE_NS);
    for (int64_t i = 0; rv == 0 && i < c->work->producers; i++)
        rv = load_wait(c->load, client_is_gone, &c->producers[i].client, LOAD_PATIENCE_NS);
    return rv;
}

void crew_hang_up(struct crew *c)
{
    for (uint32_t i = 0; i < c->desk_count; i++)
        client_release(&c->desks[i].client);
    for (int64_t i = 0; i < c->work->producers; i++)
        client_release(&c->producers[i].client);
}
