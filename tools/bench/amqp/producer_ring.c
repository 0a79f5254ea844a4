/* Builds messages, stamps them, hands them out to be written. */
#include "tools/bench/amqp/producer_ring.h"

#include "amqp/wire/content.h"
#include "amqp/wire/method.h"
#include "base/mem.h"
#include "tools/bench/amqp/crew.h"

enum {
    RING_BYTES = 128 << 10, /* as much as one write takes at best, and it stays in the cache */
    PROPS_MAX = 256,
};

static uint32_t least_multiple(uint32_t a, uint32_t b)
{
    uint32_t x = a, y = b;

    while (y != 0) {
        uint32_t rest = x % y;
        x = y;
        y = rest;
    }
    return a / x * b;
}

/* What all slots of a ring share while they are built. */
struct plan {
    const struct crew *crew;
    uint32_t producer;
    uint32_t frame_max;
    uint32_t routes;
    struct buf props;
    uint8_t *body;
};

static struct method publish_of(const struct plan *p, const struct topology_name *exchange,
                                const struct topology_name *key)
{
    return (struct method){
        .id = METHOD_BASIC_PUBLISH,
        .basic_publish = {.exchange = bytes_text(exchange->text),
                          .routing_key = bytes_text(key->text),
                          .mandatory = p->crew->work->is_mandatory},
    };
}

static size_t slot_size(const struct plan *p, uint32_t slot)
{
    struct topology_name exchange = topology_exchange(&p->crew->topology);
    struct topology_name key =
        topology_route_key(&p->crew->topology, p->producer, slot % p->routes);
    struct method m = publish_of(p, &exchange, &key);

    return method_frame_size(&m) + content_frame_size(p->props.size) +
           body_frames_size(p->crew->cargo.size, p->frame_max);
}

/* Builds one message; *body_at is where its body begins. */
static void build_slot(const struct plan *p, struct writer *w, uint32_t slot, size_t *body_at)
{
    const struct cargo *cargo = &p->crew->cargo;
    struct topology_name exchange = topology_exchange(&p->crew->topology);
    struct topology_name key =
        topology_route_key(&p->crew->topology, p->producer, slot % p->routes);
    struct method m = publish_of(p, &exchange, &key);

    cargo_fill(cargo, p->body, p->producer, slot % cargo->patterns);
    method_write(w, 1, &m);
    content_write(w, 1, cargo->size, buf_view(&p->props));
    *body_at = w->size + FRAME_HEAD_SIZE;
    body_write(w, 1, bytes_of(p->body, cargo->size), p->frame_max);
    ASSERT(!w->is_failed);
}

/* Sizes the ring: a common multiple of routes and patterns, again until it is large enough. */
static void size_ring(struct producer_ring *r, const struct plan *p)
{
    uint32_t unit = least_multiple(p->routes, p->crew->cargo.patterns);
    size_t unit_size = 0;
    uint32_t units;

    for (uint32_t i = 0; i < unit; i++)
        unit_size += slot_size(p, i);
    ASSERT(unit_size > 0);
    units = unit_size >= RING_BYTES ? 1 : (uint32_t)(RING_BYTES / unit_size);
    r->slots = unit * units;
    r->size = unit_size * units;
}

void producer_ring_init(struct producer_ring *r, const struct crew *crew, uint32_t producer,
                        uint32_t frame_max)
{
    struct plan p = {
        .crew = crew,
        .producer = producer,
        .frame_max = frame_max,
        .routes = topology_route_count(&crew->topology, producer),
        .body = mem_zero(1, crew->cargo.size),
    };
    struct writer w;

    buf_init(&p.props, PROPS_MAX);
    topology_write_props(&crew->topology, &p.props);
    *r = (struct producer_ring){0};
    size_ring(r, &p);
    r->bytes = mem_alloc(r->size);
    r->slot_at = MEM_NEW_ARRAY(size_t, r->slots + 1);
    r->body_at = MEM_NEW_ARRAY(size_t, r->slots);
    w = writer_of(r->bytes, r->size);
    for (uint32_t i = 0; i < r->slots; i++) {
        r->slot_at[i] = w.size;
        build_slot(&p, &w, i, &r->body_at[i]);
    }
    r->slot_at[r->slots] = w.size;
    ASSERT(w.size == r->size);
    buf_release(&p.props);
    mem_free(p.body);
}

void producer_ring_release(struct producer_ring *r)
{
    mem_free(r->bytes);
    mem_free(r->slot_at);
    mem_free(r->body_at);
    *r = (struct producer_ring){0};
}

uint32_t producer_ring_room(const struct producer_ring *r)
{
    return r->slots - (uint32_t)(r->published - r->cleared);
}

void producer_ring_stamp(struct producer_ring *r, const struct crew *crew, uint32_t producer,
                         uint32_t count)
{
    uint32_t slot = (uint32_t)(r->published % r->slots);

    ASSERT(count <= producer_ring_room(r));
    for (uint32_t i = 0; i < count; i++) {
        cargo_stamp(&crew->cargo, r->bytes + r->body_at[slot], producer, r->published + i);
        r->unwritten += r->slot_at[slot + 1] - r->slot_at[slot];
        slot = slot + 1 == r->slots ? 0 : slot + 1;
    }
    r->published += count;
}

int producer_ring_parts(const struct producer_ring *r, struct bytes parts[2])
{
    size_t first = r->size - r->at;

    if (r->unwritten == 0)
        return 0;
    if (r->unwritten <= first) {
        parts[0] = bytes_of(r->bytes + r->at, r->unwritten);
        return 1;
    }
    parts[0] = bytes_of(r->bytes + r->at, first);
    parts[1] = bytes_of(r->bytes, r->unwritten - first);
    return 2;
}

void producer_ring_clear(struct producer_ring *r, size_t written)
{
    uint32_t slot = (uint32_t)(r->cleared % r->slots);
    size_t left;

    ASSERT(written <= r->unwritten);
    r->unwritten -= written;
    r->at = (r->at + written) % r->size;
    if (r->unwritten == 0) {
        r->cleared = r->published;
        return;
    }
    /* Bytes from the front of the first slot that is not clear to where the socket stopped. */
    left = (r->at + r->size - r->slot_at[slot]) % r->size;
    while (r->cleared < r->published && left >= r->slot_at[slot + 1] - r->slot_at[slot]) {
        left -= r->slot_at[slot + 1] - r->slot_at[slot];
        slot = slot + 1 == r->slots ? 0 : slot + 1;
        r->cleared++;
    }
}
