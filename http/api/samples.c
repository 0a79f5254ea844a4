/* Looking at what counts, again and again. */
#include "http/api/samples.h"

#include "base/hash.h"
#include "base/map.h"
#include "base/mem.h"
#include "broker/broker.h"
#include "broker/counters.h"
#include "broker/look.h"
#include "http/api/parts.h"
#include "http/api/past.h"
#include "io/system.h"
#include "queue/queue.h"

#define MS_NS UINT64_C(1000000)

enum {
    VISITS_PER_TURN = 500,
    FLOW_ROUNDS = 60,          /* so long a flow is remembered of which nobody asks */
    FLOW_STEP_NS = 1000000000, /* what is told sooner again is told as before */
};

enum sample_kind {
    OF_QUEUES,
    OF_EXCHANGES,
    OF_VHOSTS,
    OF_CONNECTIONS,
    OF_CHANNELS,
    OF_FLOWS,
    KINDS,
    OF_ALL = KINDS, /* of these there is one each */
    OF_TOTALS,
    OF_CHURN,
    OF_NODE,
    ALL_KINDS,
};

/* What the past of each kind is made of; no values: it has none. */
static const struct past_spec pasts_of[ALL_KINDS] = {
    [OF_QUEUES] = {.values = SAMPLE_QUEUE_GET_EMPTY + 1},
    [OF_EXCHANGES] = {.values = SAMPLE_OUT + 1},
    [OF_VHOSTS] = {.values = SAMPLE_VHOST_VALUES, .is_long = true},
    [OF_CONNECTIONS] = {.values = SAMPLE_SENT + 1},
    [OF_CHANNELS] = {.values = SAMPLE_GET_EMPTY + 1},
    [OF_ALL] = {.values = SAMPLE_GET_EMPTY + 1, .is_long = true},
    [OF_TOTALS] = {.values = SAMPLE_MESSAGES + 1, .is_long = true},
    [OF_CHURN] = {.values = CHURN_QUEUE_DELETED + 1, .is_long = true},
    [OF_NODE] = {.values = SAMPLE_FDS + 1, .is_long = true},
};

STATIC_ASSERT((int)SAMPLE_VHOST_VALUES <= (int)SAMPLE_VALUES, "a virtual host has no room");

/* What a round is at. */
enum stage { RESTING, AT_QUEUES, AT_EXCHANGES, AT_CONNECTIONS };

struct samples {
    struct api *api;
    struct map kinds[KINDS];
    struct sample all;
    struct sample totals;
    struct sample churn;
    struct sample node;
    struct io_job look_at_process; /* a worker's, while is_looking */
    bool is_looking;
    struct system_process process;
    struct pasts pasts; /* of the things that there are many of */
    struct pasts own;   /* of the node itself */
    struct io_timer timer;
    enum stage stage;
    uint32_t round;
    uint64_t seed;
    struct look look;
    uint64_t *connections;
    size_t connection_count;
    size_t connection_at;
    uint64_t index_bytes[2][QUEUE_TYPES]; /* of the last round, and of this one */
    uint64_t ready;                       /* of the queues of this round */
    uint64_t unacked;
    struct {
        uint64_t key; /* of the virtual host whose queues are visited; 0: none */
        uint64_t values[SAMPLE_VHOST_VALUES];
    } vhost;
};

/* ---- one sample ---- */

static struct pasts *pasts_for(struct samples *s, unsigned kind)
{
    return kind < KINDS ? &s->pasts : &s->own;
}

/* Nobody can ask where no listener is. */
static bool may_be_asked(const struct api_options *o)
{
    return o->endpoint.is_on || o->ssl_endpoint.is_on;
}

/* Keeps the look for later, if there is room. */
static void put_past(struct samples *s, struct sample *sample, const uint64_t *values, size_t count)
{
    struct past_spec spec = pasts_of[sample->kind];

    if (spec.values == 0 || s->api->options->disables_stats)
        return;
    ASSERT(count == spec.values);
    spec.is_new = sample->times_ns[0] == 0 && sample->kind != OF_NODE; /* a disk is never new */
    if (sample->past == NULL)
        past_open(pasts_for(s, sample->kind), &sample->past, &spec);
    if (sample->past != NULL)
        past_put(sample->past, io_wall_ms(s->api->io), values);
}

static void put(struct samples *s, struct sample *sample, const uint64_t *values, size_t count)
{
    bool is_first = sample->round == 0;

    sample->is_idle = !is_first && memcmp(sample->values[1], values, count * sizeof(*values)) == 0;
    if (!sample->is_idle)
        sample->changed_ms = io_wall_ms(s->api->io);
    for (size_t i = 0; i < count; i++) {
        sample->values[0][i] = is_first ? values[i] : sample->values[1][i];
        sample->values[1][i] = values[i];
    }
    sample->times_ns[0] = is_first ? 0 : sample->times_ns[1];
    sample->times_ns[1] = io_now_ns(s->api->io);
    sample->round = s->round;
    put_past(s, sample, values, count);
}

/* A look at what there is one of. */
static void put_one(struct samples *s, struct sample *sample, enum sample_kind kind,
                    const uint64_t *values)
{
    sample->owner = s;
    sample->kind = (uint8_t)kind;
    put(s, sample, values, pasts_of[kind].values);
}

static void put_of(struct samples *s, enum sample_kind kind, uint64_t key, const uint64_t *values,
                   size_t count)
{
    struct sample *sample = map_find(&s->kinds[kind], key);

    if (sample == NULL) {
        sample = MEM_NEW(struct sample);
        sample->owner = s;
        sample->kind = (uint8_t)kind;
        map_put(&s->kinds[kind], key, sample);
    }
    put(s, sample, values, count);
}

int64_t sample_idle_since_ms(const struct sample *s)
{
    return s != NULL && s->is_idle ? s->changed_ms : 0;
}

double sample_rate(const struct sample *s, size_t place)
{
    double change = (double)s->values[1][place] - (double)s->values[0][place];
    double seconds = (double)(s->times_ns[1] - s->times_ns[0]) / 1e9;

    ASSERT(place < SAMPLE_VALUES);
    if (s->times_ns[0] == 0 || seconds <= 0)
        return 0;
    return (double)(int64_t)(change / seconds * 10) / 10;
}

/* ---- what is counted ---- */

void sample_ask(struct sample *s)
{
    struct samples *all = s == NULL ? NULL : s->owner;
    struct io *io = NULL;

    if (all == NULL || pasts_of[s->kind].values == 0 || all->api->options->disables_stats)
        return;
    bool is_there = s->past != NULL;
    past_ask(pasts_for(all, s->kind), &s->past, &pasts_of[s->kind]);
    if (is_there || s->past == NULL)
        return;
    io = all->api->io;
    int64_t age_ms = (int64_t)((io_now_ns(io) - s->times_ns[1]) / MS_NS);
    past_put(s->past, io_wall_ms(io) - age_ms, s->values[1]);
}

static uint64_t exchange_key(const struct samples *s, struct bytes vhost, struct bytes name)
{
    return hash64(name, hash64(vhost, s->seed));
}

static uint64_t vhost_key(const struct samples *s, struct bytes name)
{
    return hash64(name, s->seed) | 1;
}

/* The queues of the virtual host are all visited. */
static void end_vhost(struct samples *s)
{
    if (s->vhost.key != 0)
        put_of(s, OF_VHOSTS, s->vhost.key, s->vhost.values, SAMPLE_VHOST_VALUES);
    s->vhost.key = 0;
}

static void add_tally(uint64_t *values, const struct queues_tally *t)
{
    values[SAMPLE_DELIVER] += t->delivered;
    values[SAMPLE_DELIVER_NO_ACK] += t->delivered_no_ack;
    values[SAMPLE_GET] += t->got - t->got_no_ack;
    values[SAMPLE_GET_NO_ACK] += t->got_no_ack;
    values[SAMPLE_REDELIVER] += t->redelivered;
    values[SAMPLE_ACK] += t->acked;
    values[SAMPLE_DELIVER_GET] += t->delivered + t->delivered_no_ack + t->got;
    values[SAMPLE_GET_EMPTY] += t->got_nothing;
}

/* A queue of another virtual host than the one before. */
static void begin_vhost(struct samples *s, struct bytes name, uint64_t key)
{
    const struct vhost_counts *n = look_vhost_counts(s->api->broker, name);
    uint64_t *values = s->vhost.values;

    end_vhost(s);
    s->vhost.key = key;
    memset(values, 0, sizeof(s->vhost.values));
    values[SAMPLE_PUBLISH] = n->received;
    values[SAMPLE_CONFIRM] = n->confirmed;
    values[SAMPLE_RETURN] = n->unroutable_returned;
    values[SAMPLE_DROP] = n->unroutable_dropped;
    values[SAMPLE_VHOST_RECEIVED] = n->received_bytes;
    values[SAMPLE_VHOST_SENT] = n->sent_bytes;
    add_tally(values, &n->gone);
}

static void add_to_vhost(struct samples *s, const struct look_queue *q)
{
    uint64_t key = vhost_key(s, q->vhost);
    uint64_t *values = s->vhost.values;

    if (key != s->vhost.key)
        begin_vhost(s, q->vhost, key);
    if (q->args->partitions > 0)
        return; /* its messages are those of its partitions */
    add_tally(values, queue_get_tally(q->queue));
    values[SAMPLE_VHOST_READY] += q->stats.ready;
    values[SAMPLE_VHOST_UNACKED] += q->stats.unacked;
    values[SAMPLE_VHOST_MESSAGES] += q->stats.ready + q->stats.unacked;
}

static void sample_queue(struct samples *s, const struct look_queue *q)
{
    const struct queue_stats *st = &q->stats;
    const uint64_t values[] = {
        [SAMPLE_PUBLISH] = st->published,
        [SAMPLE_DELIVER] = st->delivered,
        [SAMPLE_DELIVER_NO_ACK] = st->delivered_no_ack,
        [SAMPLE_GET] = st->got - st->got_no_ack,
        [SAMPLE_GET_NO_ACK] = st->got_no_ack,
        [SAMPLE_REDELIVER] = st->redelivered,
        [SAMPLE_ACK] = st->acked,
        [SAMPLE_DELIVER_GET] = st->delivered + st->delivered_no_ack + st->got,
        [SAMPLE_READY] = st->ready,
        [SAMPLE_UNACKED] = st->unacked,
        [SAMPLE_MESSAGES] = st->ready + st->unacked,
        [SAMPLE_QUEUE_GET_EMPTY] = queue_get_tally(q->queue)->got_nothing,
    };

    s->index_bytes[1][q->args->type] += st->memory;
    s->ready += st->ready;
    s->unacked += st->unacked;
    put_of(s, OF_QUEUES, q->id, values, ARRAY_SIZE(values));
    add_to_vhost(s, q);
}

static void sample_exchange(struct samples *s, const struct look_exchange *x)
{
    const uint64_t values[] = {[SAMPLE_IN] = x->published_in, [SAMPLE_OUT] = x->published_out};

    put_of(s, OF_EXCHANGES, exchange_key(s, x->vhost, x->name), values, ARRAY_SIZE(values));
}

static void sample_channel(struct samples *s, const struct doors_channel *ch)
{
    const struct doors_messages *m = &ch->messages;
    const uint64_t values[] = {
        [SAMPLE_PUBLISH] = m->publish,
        [SAMPLE_DELIVER] = m->deliver,
        [SAMPLE_DELIVER_NO_ACK] = m->deliver_no_ack,
        [SAMPLE_GET] = m->get,
        [SAMPLE_GET_NO_ACK] = m->get_no_ack,
        [SAMPLE_REDELIVER] = m->redeliver,
        [SAMPLE_ACK] = m->ack,
        [SAMPLE_DELIVER_GET] = m->deliver + m->deliver_no_ack + m->get + m->get_no_ack,
        [SAMPLE_CONFIRM] = m->confirm,
        [SAMPLE_RETURN] = m->return_unroutable,
        [SAMPLE_DROP] = m->drop_unroutable,
        [SAMPLE_GET_EMPTY] = m->get_empty,
    };

    put_of(s, OF_CHANNELS, ch->connection << 16 | ch->number, values, ARRAY_SIZE(values));
}

static void sample_connection(struct samples *s, uint64_t id)
{
    const struct doors *d = &s->api->doors;
    struct doors_connection c;
    struct doors_channel ch = {0};

    if (!d->connection(d->owner, id, &c))
        return;
    const uint64_t values[] = {
        [SAMPLE_RECEIVED] = c.received_bytes,
        [SAMPLE_SENT] = c.sent_bytes,
    };
    put_of(s, OF_CONNECTIONS, id, values, ARRAY_SIZE(values));
    while (d->channel(d->owner, id, ch.number, &ch))
        sample_channel(s, &ch);
}

static void sample_all(struct samples *s)
{
    struct broker_counters n;

    broker_get_counters(s->api->broker, &n);
    const struct queues_tally *q = &n.queues;
    const uint64_t all[] = {
        [SAMPLE_PUBLISH] = n.received,
        [SAMPLE_DELIVER] = q->delivered,
        [SAMPLE_DELIVER_NO_ACK] = q->delivered_no_ack,
        [SAMPLE_GET] = q->got - q->got_no_ack,
        [SAMPLE_GET_NO_ACK] = q->got_no_ack,
        [SAMPLE_REDELIVER] = q->redelivered,
        [SAMPLE_ACK] = q->acked,
        [SAMPLE_DELIVER_GET] = q->delivered + q->delivered_no_ack + q->got,
        [SAMPLE_CONFIRM] = n.confirmed,
        [SAMPLE_RETURN] = n.unroutable_returned,
        [SAMPLE_DROP] = n.unroutable_dropped,
        [SAMPLE_GET_EMPTY] = q->got_nothing,
    };
    const uint64_t churn[] = {
        [CHURN_CONNECTION_CREATED] = n.visits_begun, [CHURN_CONNECTION_CLOSED] = n.visits_ended,
        [CHURN_CHANNEL_CREATED] = n.channels_opened, [CHURN_CHANNEL_CLOSED] = n.channels_closed,
        [CHURN_QUEUE_DECLARED] = n.queues_declared,  [CHURN_QUEUE_CREATED] = n.queues_created,
        [CHURN_QUEUE_DELETED] = n.queues_deleted,
    };

    put_one(s, &s->all, OF_ALL, all);
    put_one(s, &s->churn, OF_CHURN, churn);
}

static void look_at_process(struct io_job *j)
{
    struct samples *s = CONTAINER_OF(j, struct samples, look_at_process);

    system_look_at_process(j->io->disk, &s->process);
}

static void process_looked_at(struct io_job *j)
{
    struct samples *s = CONTAINER_OF(j, struct samples, look_at_process);
    const struct doors *d = &s->api->doors;
    struct doors_totals totals = {0};
    struct broker_stats stats;

    broker_get_stats(s->api->broker, &stats);
    if (d->totals != NULL)
        d->totals(d->owner, &totals);
    const uint64_t values[] = {[SAMPLE_MEMORY] = stats.memory_bytes,
                               [SAMPLE_DISK] = stats.disk_free_bytes,
                               [SAMPLE_SOCKETS] = totals.connections,
                               [SAMPLE_FDS] = s->process.open_fds};
    put_one(s, &s->node, OF_NODE, values);
    s->is_looking = false;
    s->api->readings--;
    api_end_stop(s->api);
}

/* A worker reads what the system tells of the process. */
static void begin_node(struct samples *s)
{
    if (s->is_looking || s->api->stopped != NULL)
        return;
    s->is_looking = true;
    s->api->readings++;
    io_submit(s->api->io, &s->look_at_process);
}

/* ---- rounds ---- */

/* Forgets what was not met in the last round. */
static void sweep(struct samples *s)
{
    for (int kind = 0; kind < KINDS; kind++) {
        MAP_FOREACH (w, &s->kinds[kind]) {
            struct sample *sample = w.value;

            if (sample->round + (kind == OF_FLOWS ? FLOW_ROUNDS : 1) >= s->round)
                continue;
            map_remove(&s->kinds[kind], w.key);
            past_close(&s->pasts, &sample->past);
            mem_free(sample);
        }
    }
}

static void begin(struct samples *s)
{
    s->round++;
    sweep(s);
    s->ready = 0;
    s->unacked = 0;
    memset(s->index_bytes[1], 0, sizeof(s->index_bytes[1]));
    sample_all(s);
    begin_node(s);
    look_open(&s->look, s->api->broker, LOOK_QUEUES, bytes_of(NULL, 0));
    s->stage = AT_QUEUES;
}

static void visit_queues(struct samples *s)
{
    struct look_queue q;

    for (int i = 0; i < VISITS_PER_TURN; i++) {
        if (!look_queue(&s->look, &q)) {
            const uint64_t totals[] = {[SAMPLE_READY] = s->ready,
                                       [SAMPLE_UNACKED] = s->unacked,
                                       [SAMPLE_MESSAGES] = s->ready + s->unacked};

            put_one(s, &s->totals, OF_TOTALS, totals);
            end_vhost(s);
            memcpy(s->index_bytes[0], s->index_bytes[1], sizeof(s->index_bytes[0]));
            look_close(&s->look);
            look_open(&s->look, s->api->broker, LOOK_EXCHANGES, bytes_of(NULL, 0));
            s->stage = AT_EXCHANGES;
            break;
        }
        sample_queue(s, &q);
    }
}

static void visit_exchanges(struct samples *s)
{
    const struct doors *d = &s->api->doors;
    struct look_exchange x;

    for (int i = 0; i < VISITS_PER_TURN; i++) {
        if (!look_exchange(&s->look, &x)) {
            look_close(&s->look);
            if (d->connections != NULL)
                s->connection_count = d->connections(d->owner, &s->connections);
            s->connection_at = 0;
            s->stage = AT_CONNECTIONS;
            break;
        }
        sample_exchange(s, &x);
    }
}

static void visit_connections(struct samples *s)
{
    for (int i = 0; i < VISITS_PER_TURN / 10; i++) {
        if (s->connection_at == s->connection_count) {
            mem_free(s->connections);
            s->connections = NULL;
            s->connection_count = s->connection_at = 0;
            s->stage = RESTING;
            break;
        }
        sample_connection(s, s->connections[s->connection_at++]);
    }
}

static void on_timer(struct io_timer *t)
{
    struct samples *s = CONTAINER_OF(t, struct samples, timer);

    switch (s->stage) {
    case RESTING:
        begin(s);
        break;
    case AT_QUEUES:
        visit_queues(s);
        break;
    case AT_EXCHANGES:
        visit_exchanges(s);
        break;
    case AT_CONNECTIONS:
        visit_connections(s);
        break;
    }
    io_timer_start(s->api->io, &s->timer,
                   s->stage == RESTING ? s->api->options->sample_interval_ms * MS_NS : 0);
}

struct samples *samples_new(struct api *a)
{
    struct samples *s = MEM_NEW(struct samples);

    s->api = a;
    s->seed = io_random(a->io);
    pasts_init(&s->pasts, a->options->samples_max_bytes);
    pasts_init(&s->own, UINT64_MAX);
    for (int kind = 0; kind < KINDS; kind++)
        map_init(&s->kinds[kind]);
    s->look_at_process = (struct io_job){
        .work = look_at_process, .done = process_looked_at, .urgency = IO_BACKGROUND};
    io_timer_init(&s->timer, on_timer);
    if (may_be_asked(a->options))
        io_timer_start(a->io, &s->timer, 0);
    return s;
}

void samples_forget(struct samples *s)
{
    pasts_clear(&s->pasts);
    pasts_clear(&s->own);
}

uint64_t samples_past_bytes(const struct samples *s)
{
    return s->pasts.bytes + s->own.bytes;
}

void samples_free(struct samples *s)
{
    if (s == NULL)
        return;
    samples_forget(s);
    io_timer_stop(s->api->io, &s->timer);
    look_close(&s->look);
    mem_free(s->connections);
    for (int kind = 0; kind < KINDS; kind++) {
        MAP_FOREACH (w, &s->kinds[kind])
            mem_free(w.value);
        map_release(&s->kinds[kind]);
    }
    mem_free(s);
}

/* ---- find ---- */

struct sample *samples_queue(const struct samples *s, uint64_t id)
{
    return map_find(&s->kinds[OF_QUEUES], id);
}

struct sample *samples_exchange(const struct samples *s, struct bytes vhost, struct bytes name)
{
    return map_find(&s->kinds[OF_EXCHANGES], exchange_key(s, vhost, name));
}

uint64_t samples_index_bytes(const struct samples *s, enum queue_type type)
{
    return s->index_bytes[0][type];
}

struct sample *samples_flow(struct samples *s, const struct bytes *names, size_t count,
                            const uint64_t values[SAMPLE_VALUES])
{
    uint64_t key = s->seed;
    struct sample *sample = NULL;

    for (size_t i = 0; i < count; i++)
        key = hash64(names[i], key);
    sample = map_find(&s->kinds[OF_FLOWS], key);
    if (sample == NULL || io_now_ns(s->api->io) - sample->times_ns[1] >= FLOW_STEP_NS)
        put_of(s, OF_FLOWS, key, values, SAMPLE_VALUES);
    return map_find(&s->kinds[OF_FLOWS], key);
}

struct sample *samples_vhost(const struct samples *s, struct bytes name)
{
    return map_find(&s->kinds[OF_VHOSTS], vhost_key(s, name));
}

struct sample *samples_connection(const struct samples *s, uint64_t id)
{
    return map_find(&s->kinds[OF_CONNECTIONS], id);
}

struct sample *samples_channel(const struct samples *s, uint64_t connection, unsigned number)
{
    return map_find(&s->kinds[OF_CHANNELS], connection << 16 | number);
}

struct sample *samples_all(struct samples *s)
{
    return &s->all;
}

struct sample *samples_totals(struct samples *s)
{
    return &s->totals;
}

struct sample *samples_churn(struct samples *s)
{
    return &s->churn;
}

struct sample *samples_node(struct samples *s)
{
    return &s->node;
}

const struct system_process *samples_process(const struct samples *s)
{
    return &s->process;
}
