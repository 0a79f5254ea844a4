/* Decides how many messages to publish now, stamps them, writes them; takes confirms. */
#include "tools/bench/amqp/producer.h"

#include <inttypes.h>

#include "tools/bench/amqp/crew.h"
#include "tools/bench/amqp/producer_ring.h"
#include "tools/bench/measure/machine.h"

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* ---- publishing ---- */

/* How many are due by now that were not published yet. */
static uint64_t due_count(const struct producer *p, uint64_t now_ns)
{
    const struct crew *c = p->crew;
    uint64_t first_ns = crew_due_ns(c, p->number, p->ring.published);

    if (now_ns < first_ns)
        return 0;
    return 1 + (uint64_t)((double)(now_ns - first_ns) / c->interval_ns);
}

/* Waits with the timer until the next one is due. */
static void wait_for_due(struct producer *p, uint64_t now_ns)
{
    uint64_t next_ns = crew_due_ns(p->crew, p->number, p->ring.published);

    io_timer_start(p->crew->load->io, &p->timer, next_ns > now_ns ? next_ns - now_ns : 0);
}

static void note_published(struct producer *p, uint64_t count, uint64_t now_ns)
{
    struct crew *c = p->crew;

    c->meter.published += count;
    if (c->interval_ns == 0) {
        window_publish(&p->window, count, now_ns);
        return;
    }
    for (uint64_t i = 0; i < count; i++) {
        uint64_t due_ns = crew_due_ns(c, p->number, p->ring.published + i);

        window_publish(&p->window, 1, due_ns);
        histogram_add(&c->meter.late_ns, now_ns > due_ns ? now_ns - due_ns : 0, 1);
    }
}

/* How many may be published now. When it is the rate that forbids it the timer is set, and when it
 * is the consumers, they will call. */
static uint64_t allowance(struct producer *p, uint64_t now_ns)
{
    struct crew *c = p->crew;
    uint64_t count = least(producer_ring_room(&p->ring), p->limit - p->ring.published);

    p->is_held = false;
    count = least(count, window_room(&p->window));
    if (count == 0 || !c->is_publishing)
        return 0;
    if (c->interval_ns > 0) {
        count = least(count, due_count(p, now_ns));
        if (count == 0)
            wait_for_due(p, now_ns);
    }
    if (count == 0)
        return 0;
    p->is_held = crew_room(c) == 0;
    return least(count, crew_room(c));
}

void producer_work(struct producer *p)
{
    struct client *c = &p->client;
    uint64_t now_ns = machine_now_ns(), count;
    struct bytes parts[2];
    int part_count;

    if (c->socket == NULL || c->load->error != 0 || c->is_full)
        return;
    count = allowance(p, now_ns);
    if (count > 0) {
        note_published(p, count, now_ns);
        producer_ring_stamp(&p->ring, p->crew, p->number, (uint32_t)count);
    }
    part_count = producer_ring_parts(&p->ring, parts);
    if (part_count == 0)
        return;
    producer_ring_clear(&p->ring, client_write(c, parts, part_count));
    if (p->ring.unwritten > 0 || allowance(p, now_ns) > 0)
        client_ask_for_room(c); /* to go on in the next turn, when others have had theirs */
}

static void on_room(struct client *c)
{
    producer_work(CONTAINER_OF(c, struct producer, client));
}

static void on_timer(struct io_timer *t)
{
    producer_work(CONTAINER_OF(t, struct producer, timer));
}

static void on_turn(struct io_task *t)
{
    producer_work(CONTAINER_OF(t, struct producer, turn));
}

/* ---- what the broker says ---- */

static void take_confirm(struct producer *p, uint64_t tag, bool is_multiple)
{
    struct crew *c = p->crew;
    int64_t count =
        window_confirm(&p->window, tag, is_multiple, machine_now_ns(), &c->meter.confirm_ns);

    if (count < 0) {
        load_fail(c->load, ERR_CORRUPT,
                  "the broker confirmed tag %" PRIu64 "%s, which was not waiting for it", tag,
                  is_multiple ? " and below" : "");
        return;
    }
    c->meter.confirmed += (uint64_t)count;
    c->meter.acks++;
    io_later(c->load->io, &p->turn);
}

static void on_method(struct client *client, uint16_t channel, const struct method *m)
{
    struct producer *p = CONTAINER_OF(client, struct producer, client);
    uint64_t before = p->window.confirmed;

    (void)channel;
    switch (m->id) {
    case METHOD_BASIC_ACK:
        take_confirm(p, m->basic_ack.delivery_tag, m->basic_ack.multiple);
        break;
    case METHOD_BASIC_NACK:
        take_confirm(p, m->basic_nack.delivery_tag, m->basic_nack.multiple);
        p->crew->meter.refused += p->window.confirmed - before;
        break;
    case METHOD_BASIC_RETURN:
        p->crew->meter.returned++;
        break;
    default:
        load_fail(client->load, ERR_INVALID, "the broker sent method %u.%u to a publisher",
                  method_class_of(m->id), method_number_of(m->id));
        break;
    }
}

static const struct client_ops ops = {.on_method = on_method, .on_room = on_room};

/* ---- begin and end ---- */

int producer_open(struct producer *p, struct crew *crew, uint32_t number, uint64_t limit)
{
    *p = (struct producer){.crew = crew, .number = number, .limit = limit};
    io_timer_init(&p->timer, on_timer);
    io_task_init(&p->turn, on_turn);
    window_init(&p->window, (uint64_t)crew->work->window);
    return client_open(&p->client, crew->load, &ops, 1);
}

void producer_release(struct producer *p)
{
    if (p->crew != NULL) {
        io_timer_stop(p->crew->load->io, &p->timer);
        io_task_cancel(&p->turn);
    }
    client_release(&p->client);
    window_release(&p->window);
    producer_ring_release(&p->ring);
    *p = (struct producer){0};
}

void producer_prepare(struct producer *p)
{
    static const struct method select = {.id = METHOD_CONFIRM_SELECT};

    producer_ring_init(&p->ring, p->crew, p->number, p->client.frame_max);
    if (p->window.limit > 0)
        client_call(&p->client, 1, &select);
    client_flush(&p->client);
}
