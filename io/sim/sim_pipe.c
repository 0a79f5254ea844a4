/* One direction of a simulated connection: a bounded ring of bytes and the segments that bring
 * them. */
#include <string.h>

#include "base/crc32c.h"
#include "base/err.h"
#include "base/mem.h"
#include "io/sim/sim_net_parts.h"
#include "io/sim/sim_trace.h"

enum {
    RING_MIN = 1024,
    RETRY_NS = 1000 * 1000 * 1000, /* until a connect that found no room comes again */
};

static const uint64_t default_give_up_ns = 900 * (uint64_t)1000 * 1000 * 1000;

static struct sim *sim_of(const struct sim_pipe *p)
{
    return p->connection->sim;
}

static struct sim_segment *first_segment(const struct sim_pipe *p)
{
    struct list_link *link = list_first(&p->segments);

    return link == NULL ? NULL : CONTAINER_OF(link, struct sim_segment, link);
}

static void pipe_check(const struct sim_pipe *p)
{
    ASSERT(p->arrived <= p->stored);            /* N2 */
    ASSERT(p->stored + p->owed <= p->capacity); /* N2 */
    ASSERT(p->stored <= p->ring_size);
}

void sim_pipe_init(struct sim_pipe *p, struct sim_connection *c, unsigned from)
{
    *p = (struct sim_pipe){.connection = c, .from = from};
    p->route = sim_route_find(c->sim, c->nodes[from], c->nodes[1 - from]);
    p->way_back = sim_route_find(c->sim, c->nodes[1 - from], c->nodes[from]);
    p->capacity = sim_route_buffer_bytes(p->route);
    list_init(&p->segments);
}

static void segment_free(struct sim_pipe *p, struct sim_segment *seg)
{
    sim_event_cancel(sim_of(p), &seg->event);
    list_remove(&seg->link);
    mem_free(seg);
}

void sim_pipe_release(struct sim_pipe *p)
{
    struct sim_segment *seg = NULL;

    while ((seg = first_segment(p)) != NULL)
        segment_free(p, seg);
    sim_event_cancel(sim_of(p), &p->give_up);
    sim_event_cancel(sim_of(p), &p->room);
    mem_free(p->ring);
}

size_t sim_pipe_room(const struct sim_pipe *p)
{
    return p->capacity - p->stored - p->owed;
}

/* ---- the way there ---- */

/* Whether nothing gets through at present. */
static bool is_blocked(const struct sim_pipe *p)
{
    const struct sim_node *to = p->route->to;

    return p->route->is_cut || p->connection->is_forgotten ||
           (to->is_halted && to->death == SIM_DEATH_POWER);
}

static void on_give_up(struct sim_event *e)
{
    struct sim_pipe *p = CONTAINER_OF(e, struct sim_pipe, give_up);
    struct sim_socket *writer = p->connection->ends[p->from];

    sim_world_trace(sim_of(p), p->route->from->name, "gives up connection", p->connection->number);
    sim_pipe_drop_flight(p);
    if (writer != NULL)
        sim_socket_break(writer, ERR_IO, ERR_IO);
}

/* From the first sign of a cut on, the writer waits only so long. */
static void start_give_up(struct sim_pipe *p)
{
    if (!sim_event_is_planned(&p->give_up))
        sim_event_plan(sim_of(p), &p->give_up, sim_route_give_up_ns(p->route, default_give_up_ns),
                       on_give_up);
}

static void stop_give_up(struct sim_pipe *p)
{
    if (!p->is_held && !p->is_room_held)
        sim_event_cancel(sim_of(p), &p->give_up);
}

static void trace_arrival(const struct sim_pipe *p, const struct sim_segment *seg)
{
    static const char *const names[] = {
        [SEGMENT_CONNECT] = "hears connect",   [SEGMENT_ACCEPT] = "hears accept",
        [SEGMENT_REFUSE] = "hears refusal",    [SEGMENT_BYTES] = "gets bytes",
        [SEGMENT_END] = "hears end of stream", [SEGMENT_RESET] = "hears reset",
    };

    sim_world_trace(sim_of(p), p->route->to->name, names[seg->kind],
                    p->connection->number << 32 | seg->size);
    sim_of(p)->trace = sim_trace_mix(sim_of(p)->trace, seg->crc);
}

static void on_arrival(struct sim_event *e);

/* The first segment arrives. False when the pipe has gone with it, or it has to come again. */
static bool deliver_first(struct sim_pipe *p)
{
    struct sim_segment *seg = first_segment(p);

    p->is_held = false;
    stop_give_up(p);
    trace_arrival(p, seg);
    list_remove(&seg->link);
    switch (sim_connection_arrive(p->connection, seg)) {
    case ARRIVAL_TAKEN:
        mem_free(seg);
        return true;
    case ARRIVAL_AGAIN:
        list_push_front(&p->segments, &seg->link);
        sim_event_plan(sim_of(p), &seg->event, RETRY_NS, on_arrival);
        return false;
    default:
        mem_free(seg);
        return false;
    }
}

/* Delivers from the first segment on what has arrived (N3). */
static void on_arrival(struct sim_event *e)
{
    struct sim_pipe *p = CONTAINER_OF(e, struct sim_segment, event)->pipe;
    struct sim_segment *seg = NULL;

    while ((seg = first_segment(p)) != NULL && !sim_event_is_planned(&seg->event)) {
        if (is_blocked(p)) {
            p->is_held = true;
            start_give_up(p);
            return;
        }
        if (!deliver_first(p))
            return;
    }
}

/* A segment that is on its way for less time than one before it still waits for that one (N3). */
static void plan_arrival(struct sim_pipe *p, struct sim_segment *seg)
{
    sim_event_plan(sim_of(p), &seg->event, sim_route_delay_ns(p->route), on_arrival);
}

static void send_segment(struct sim_pipe *p, enum segment_kind kind, size_t size, uint32_t crc)
{
    struct sim_segment *seg = MEM_NEW(struct sim_segment);

    seg->pipe = p;
    seg->kind = kind;
    seg->size = size;
    seg->crc = crc;
    list_push(&p->segments, &seg->link);
    plan_arrival(p, seg);
}

void sim_pipe_send(struct sim_pipe *p, enum segment_kind kind)
{
    ASSERT(kind != SEGMENT_BYTES);
    p->is_ended = p->is_ended || kind == SEGMENT_END || kind == SEGMENT_RESET;
    p->is_reset = p->is_reset || kind == SEGMENT_RESET;
    send_segment(p, kind, 0, 0);
}

void sim_pipe_drop_flight(struct sim_pipe *p)
{
    struct sim_segment *seg = NULL;

    while ((seg = first_segment(p)) != NULL) {
        p->stored -= seg->size;
        segment_free(p, seg);
    }
    p->is_held = false;
    stop_give_up(p);
    pipe_check(p);
}

void sim_pipe_drop_arrived(struct sim_pipe *p)
{
    if (p->ring_size > 0)
        p->start = (p->start + p->arrived) % p->ring_size;
    p->stored -= p->arrived;
    p->arrived = 0;
    pipe_check(p);
}

/* ---- bytes ---- */

static void ring_reserve(struct sim_pipe *p, size_t needed)
{
    size_t size = p->ring_size == 0 ? RING_MIN : p->ring_size;
    uint8_t *ring = NULL;
    size_t first = 0;

    if (needed <= p->ring_size)
        return;
    while (size < needed)
        size *= 2;
    ring = (uint8_t *)mem_alloc(size);
    first = p->ring_size - p->start < p->stored ? p->ring_size - p->start : p->stored;
    if (p->stored > 0) {
        memcpy(ring, p->ring + p->start, first);
        memcpy(ring + first, p->ring, p->stored - first);
    }
    mem_free(p->ring);
    p->ring = ring;
    p->ring_size = size;
    p->start = 0;
}

static void ring_push(struct sim_pipe *p, const uint8_t *bytes, size_t size)
{
    size_t end = 0;
    size_t first = 0;

    ring_reserve(p, p->stored + size);
    end = (p->start + p->stored) % p->ring_size;
    first = p->ring_size - end < size ? p->ring_size - end : size;
    memcpy(p->ring + end, bytes, first);
    memcpy(p->ring, bytes + first, size - first);
    p->stored += size;
}

/* Sends bytes that lie together, in pieces. */
static void send_part(struct sim_pipe *p, const uint8_t *bytes, size_t size)
{
    size_t limit = p->route->way.piece_max;

    while (size > 0) {
        size_t piece = size;
        if (limit != 0)
            piece = 1 + (size_t)sim_chance_up_to(sim_of(p), (limit < size ? limit : size) - 1);
        ring_push(p, bytes, piece);
        send_segment(p, SEGMENT_BYTES, piece, crc32c(bytes, piece));
        bytes += piece;
        size -= piece;
    }
}

void sim_pipe_send_bytes(struct sim_pipe *p, const struct iovec *parts, size_t size)
{
    ASSERT(size <= sim_pipe_room(p) && !p->is_ended);
    for (int i = 0; size > 0; i++) {
        size_t part = parts[i].iov_len < size ? parts[i].iov_len : size;
        send_part(p, (const uint8_t *)parts[i].iov_base, part);
        size -= part;
    }
    pipe_check(p);
}

static void on_room(struct sim_event *e);

static void plan_room(struct sim_pipe *p)
{
    if (p->owed == 0 || sim_event_is_planned(&p->room))
        return;
    p->room_coming = p->owed;
    sim_event_plan(sim_of(p), &p->room, sim_route_delay_ns(p->way_back), on_room);
}

/* The writer hears of room. */
static void on_room(struct sim_event *e)
{
    struct sim_pipe *p = CONTAINER_OF(e, struct sim_pipe, room);
    struct sim_socket *writer = p->connection->ends[p->from];

    if (p->way_back->is_cut || p->connection->is_forgotten) {
        p->is_room_held = true;
        start_give_up(p);
        return;
    }
    ASSERT(p->room_coming <= p->owed);
    p->owed -= p->room_coming;
    p->room_coming = 0;
    plan_room(p);
    if (writer != NULL)
        sim_socket_activate(writer);
}

void sim_pipe_take(struct sim_pipe *p, void *buf, size_t size)
{
    size_t first = p->ring_size - p->start < size ? p->ring_size - p->start : size;

    ASSERT(size > 0 && size <= p->arrived);
    memcpy(buf, p->ring + p->start, first);
    memcpy((uint8_t *)buf + first, p->ring, size - first);
    p->start = (p->start + size) % p->ring_size;
    p->arrived -= size;
    p->stored -= size;
    p->owed += size;
    if (!p->is_room_held)
        plan_room(p);
    pipe_check(p);
}

void sim_pipe_resume(struct sim_pipe *p)
{
    struct sim_segment *seg = first_segment(p);

    if (p->is_held && seg != NULL && !sim_event_is_planned(&seg->event) && !is_blocked(p))
        plan_arrival(p, seg);
    if (p->is_room_held && !p->way_back->is_cut && !p->connection->is_forgotten) {
        p->is_room_held = false;
        stop_give_up(p);
        plan_room(p);
    }
}
