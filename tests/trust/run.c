/* A run: safety, liveness, stop. */
#include "tests/trust/run.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/units.h"
#include "tests/lib/text_file.h"
#include "tests/trust/faults.h"
#include "tests/trust/party.h"
#include "tests/trust/verdict.h"

enum {
    STEP_MAX_US = 20000,
    ACTORS_MAX = 3,
    QUIET_MS = 8000,   /* longer than anything expires or is delayed */
    ANSWER_MS = 30000, /* for what must be answered when nothing is wrong */
    LEAVE_MS = 10000,  /* longer than it takes to see that a client is gone */
    ACK_WINDOW_MS = 2000,
    SLACK_MS = 200,
    RANK_MESSAGES = 5,
    RANK_MS = 500,
    WAIT_STEP_MS = 10,
    HISTORY_MAX = 256 << 20,
};

#define WINDOW_ENDLESS UINT64_C(1000000000)

/* ---- what the files of a run share ---- */

uint64_t run_now_ms(const struct run *r)
{
    return sim_now_ns(r->world.sim) / WORLD_MS;
}

struct event *run_event(struct run *r, enum verb verb)
{
    return history_add(&r->history, run_now_ms(r), verb);
}

uint64_t run_word(struct run *r, const char *word)
{
    return history_number(&r->history, bytes_text(word));
}

bool run_chance(struct run *r, uint32_t num, uint32_t den)
{
    return rand_chance(&r->rand, num, den);
}

uint64_t run_below(struct run *r, uint64_t limit)
{
    return rand_below(&r->rand, limit);
}

bool run_may_hang(const struct run *r)
{
    return plan_fails(&r->plan, FAULT_STALL) || plan_fails(&r->plan, FAULT_SLOW);
}

void run_trouble(struct run *r, const char *format, ...)
{
    va_list args;

    if (r->trouble[0] != '\0')
        return;
    va_start(args, format);
    vsnprintf(r->trouble, sizeof(r->trouble), format, args);
    va_end(args);
}

/* ---- beginning and end ---- */

static void begin(struct run *r, uint64_t seed)
{
    struct event *e;

    memset(r, 0, sizeof(*r));
    plan_draw(&r->plan, seed);
    rand_init(&r->rand, seed ^ UINT64_C(0x5eed));
    history_init(&r->history);
    world_init_with(&r->world, &r->plan.sim, &r->plan.disk);
    sim_net_set_ways(r->world.sim, &r->plan.way);
    r->world.log_options.segment_bytes = r->plan.segment_bytes;
    r->world.log_options.block_bytes = r->plan.block_bytes;
    r->world.log_options.cold_segment_bytes = r->plan.cold_segment_bytes;
    r->world.log_options.burst_bytes_max = r->plan.burst_bytes_max;
    r->world.log_options.sorter_buffer_bytes = r->plan.sorter_buffer_bytes;
    r->world.partition_options.checkpoint_interval_ms = r->plan.checkpoint_ms;
    e = run_event(r, VERB_WINDOW);
    /* a disk that is slow or stands still keeps acks unsafe for as long */
    event_set(e, FACT_MS, run_may_hang(r) ? WINDOW_ENDLESS : ACK_WINDOW_MS);
    event_set(e, FACT_DELAY, SLACK_MS);
    if (faults_open(r))
        topology_declare(r);
    for (unsigned i = 0; i < r->plan.publishers + r->plan.consumers; i++)
        r->parties[r->party_count++] =
            party_new(r, i < r->plan.publishers ? PARTY_PUBLISHER : PARTY_CONSUMER);
}

static void free_parties(struct run *r)
{
    while (r->party_count > 0)
        party_free(r->parties[--r->party_count]);
}

static void end(struct run *r)
{
    free_parties(r);
    world_release(&r->world);
    history_release(&r->history);
}

/* ---- safety ---- */

static void look_at_all(struct run *r)
{
    for (unsigned i = 0; i < r->party_count; i++)
        party_look(r->parties[i]);
    for (unsigned i = 0; i < r->party_count; i++)
        party_poll(r->parties[i]);
}

static void pass(struct run *r, uint64_t ns)
{
    sim_run_for(r->world.sim, ns);
    look_at_all(r);
}

void run_wait(struct run *r, uint64_t ms)
{
    for (uint64_t i = 0; i < ms / WAIT_STEP_MS; i++)
        pass(r, WAIT_STEP_MS * WORLD_MS);
}

void run_step(struct run *r)
{
    pass(r, run_below(r, STEP_MAX_US) * 1000);
    for (uint64_t i = run_below(r, ACTORS_MAX) + 1; i > 0; i--) {
        struct party *p = r->parties[run_below(r, r->party_count)];

        if (p->kind == PARTY_PUBLISHER)
            publisher_act(p);
        else if (!r->are_consumers_away)
            consumer_act(p);
    }
}

/* Somebody who looks after the broker does something. */
static void manage(struct run *r)
{
    if (plan_has(&r->plan, FEATURE_RECREATE) && run_chance(r, 1, 2))
        topology_recreate(r);
    if (plan_has(&r->plan, FEATURE_OWN) && run_chance(r, 1, 2))
        topology_own(r);
    if (plan_has(&r->plan, FEATURE_POLICY) && r->world.door != NULL && run_chance(r, 1, 2))
        topology_policy(r);
}

static void be_safe(struct run *r)
{
    for (unsigned i = 0; i < r->plan.steps && r->trouble[0] == '\0'; i++) {
        run_step(r);
        faults_act(r);
        if (plan_has(&r->plan, FEATURE_CHURN) && !r->is_full && !r->is_stalled &&
            run_chance(r, 1, 40))
            topology_churn(r);
        if (!r->is_full && !r->is_stalled && run_chance(r, 1, 60))
            manage(r);
        if (plan_has(&r->plan, FEATURE_REPLAY) && !r->is_full && !r->is_stalled &&
            !r->is_replaying && run_chance(r, 1, 100))
            topology_declare(r);
    }
}

/* ---- liveness ---- */

static bool is_answered(void *owner)
{
    struct party *p = owner;

    party_poll(p);
    return p->client == NULL || publisher_waiting(p) == 0;
}

/* A publish to each queue is confirmed. */
static void probe(struct run *r)
{
    struct party *p = party_new(r, PARTY_PUBLISHER);
    const struct queue_row *row;

    publisher_join_with(p, MODE_CONFIRM);
    for (unsigned i = 0; (row = topology_queue(r, i)) != NULL; i++) {
        struct target t = topology_target_of(r, row);

        if (!row->is_made && (row->dead != NULL || strcmp(row->name, "d") != 0))
            publisher_publish(p, &t);
    }
    if (!sim_run_until(r->world.sim, is_answered, p, ANSWER_MS * WORLD_MS) || p->client == NULL)
        run_trouble(r, "%u publishes have no answer after %d s", publisher_waiting(p),
                    ANSWER_MS / 1000);
    party_free(p);
}

static void add_drainer(struct run *r, const struct queue_row *queue, const struct wish *wish)
{
    struct party *p = party_new(r, PARTY_CONSUMER);

    ASSERT(r->party_count < PARTIES_MAX);
    p->is_greedy = true;
    consumer_join_with(p, queue, wish);
    r->parties[r->party_count++] = p;
}

static void add_drainers(struct run *r, const struct queue_row *queue)
{
    static const struct wish wishes[] = {
        {.label = "v1"}, {.pattern = "eu.#"}, {.label = "v2", .takes_unlabelled = true}};
    const struct wish all = {.group = NULL};
    const struct wish member = {.group = "w"};

    add_drainer(r, queue, &all);
    for (unsigned i = 0; queue->is_shared && plan_has(&r->plan, FEATURE_GROUP) && i < 2; i++)
        add_drainer(r, queue, &member);
    if (strcmp(queue->name, "s") == 0 && plan_has(&r->plan, FEATURE_FILTER))
        add_drainer(r, queue, &wishes[run_below(r, sizeof(wishes) / sizeof(wishes[0]))]);
}

static bool are_all_quiet(void *owner)
{
    struct run *r = owner;
    bool are_quiet = true;

    look_at_all(r);
    for (unsigned i = 0; i < r->party_count; i++)
        are_quiet &= r->parties[i]->last_ms + QUIET_MS <= run_now_ms(r);
    return are_quiet;
}

static bool are_all_away(void *owner)
{
    struct run *r = owner;
    bool are_away = true;

    look_at_all(r);
    for (unsigned i = 0; i < r->party_count; i++)
        are_away &= r->parties[i]->client == NULL;
    return are_away;
}

static void part(struct run *r)
{
    for (unsigned i = 0; i < r->party_count; i++)
        party_leave(r->parties[i]);
    if (!sim_run_until(r->world.sim, are_all_away, r, LEAVE_MS * WORLD_MS))
        run_trouble(r, "a channel.close has no answer after %d s", LEAVE_MS / 1000);
    free_parties(r);
}

/* Who has read a stream to its end says so; of a front he has read all partitions. */
static void note_read(struct run *r, const struct party *p)
{
    const struct queue_row *row;
    struct event *e;

    for (unsigned i = 0; (row = topology_queue(r, i)) != NULL; i++) {
        if (row != p->queue && (row->front == NULL || strcmp(row->front, p->queue->name) != 0))
            continue;
        e = run_event(r, VERB_DRAINED);
        event_set(e, FACT_QUEUE, run_word(r, row->name));
        if (p->wish.group != NULL)
            event_set(e, FACT_GROUP, run_word(r, p->wish.group));
        else
            event_set(e, FACT_SESSION, p->session);
    }
}

/* Somebody takes whatever there is, out of all queues at once, until nothing comes any more. */
static void drain(struct run *r)
{
    const struct queue_row *row;

    for (unsigned i = 0; (row = topology_queue(r, i)) != NULL; i++)
        add_drainers(r, row);
    if (!sim_run_until(r->world.sim, are_all_quiet, r, 100 * QUIET_MS * WORLD_MS))
        run_trouble(r, "messages come and come: no end after %d s", 100 * QUIET_MS / 1000);
    for (unsigned i = 0; i < r->party_count && r->trouble[0] == '\0'; i++)
        if (r->parties[i]->queue->is_stream && r->parties[i]->client != NULL)
            note_read(r, r->parties[i]);
    part(r);
}

static void note_drained(struct run *r, const struct queue_row *row)
{
    int64_t ready = topology_ready(r, row->name);

    if (ready != 0)
        run_trouble(r, "'%s' has %" PRId64 " messages that nobody gets", row->name, ready);
    event_set(run_event(r, VERB_DRAINED), FACT_QUEUE, run_word(r, row->name));
}

/* Two consumers with room for more, one above the other, and a message now and then. */
static void rank(struct run *r)
{
    const struct queue_row *queue = topology_queue(r, 0);
    const struct wish below = {.group = NULL};
    const struct wish above = {.priority = 5};
    const struct target t = {.exchange = "", .key = queue->name, .queue = queue->name};
    struct party *p = party_new(r, PARTY_PUBLISHER);

    add_drainer(r, queue, &below);
    add_drainer(r, queue, &above);
    publisher_join_with(p, MODE_CONFIRM);
    for (unsigned i = 0; i < RANK_MESSAGES; i++) {
        run_wait(r, RANK_MS);
        publisher_publish(p, &t);
    }
    run_wait(r, RANK_MS);
    party_poll(p);
    party_free(p);
    part(r);
}

static void converge(struct run *r)
{
    const struct queue_row *row;

    faults_end(r);
    part(r);
    sim_run_for(r->world.sim, LEAVE_MS * WORLD_MS); /* half-open ones are seen */
    topology_declare(r);
    topology_look(r);
    if (plan_has(&r->plan, FEATURE_RANK))
        rank(r);
    probe(r);
    drain(r);
    for (unsigned i = 0; (row = topology_queue(r, i)) != NULL; i++)
        if (!row->is_stream)
            note_drained(r, row);
}

/* After an ordered stop nothing comes again. */
static void stop_and_look(struct run *r)
{
    faults_restart(r);
    if (r->trouble[0] == '\0')
        topology_look(r);
    if (r->trouble[0] == '\0')
        drain(r);
}

/* ---- the verdict ---- */

static void report(struct run *r, struct run_result *out)
{
    struct verdict v;
    struct buf text;

    history_judge(&r->history, &v);
    out->messages = v.messages;
    out->confirmed = v.confirmed;
    out->deliveries = v.deliveries;
    out->redeliveries = v.redeliveries;
    /* what is damaged, and was named, may keep messages back */
    out->is_good = v.count == 0 && (r->trouble[0] == '\0' || r->rot.is_told);
    buf_init(&text, HISTORY_MAX);
    buf_text(&text, "plan:");
    plan_write(&r->plan, &text);
    buf_text(&text, "\n");
    if (r->trouble[0] != '\0')
        buf_text(&text, "stuck: %s\n", r->trouble);
    verdict_write(&v, &r->history, &text);
    out->report = mem_format("%.*s", (int)text.size, (const char *)text.data);
    buf_release(&text);
    verdict_release(&v);
}

/* Events are cleared before they are filled, so their bytes are what they say. */
static void keep(struct run *r, struct run_result *out, const char *path)
{
    struct bytes events = bytes_of(r->history.events, r->history.count * sizeof(struct event));
    struct buf text;

    out->trace = sim_trace(r->world.sim) ^ hash64(events, 0);
    if (path == NULL)
        return;
    buf_init(&text, HISTORY_MAX);
    history_write(&r->history, &text);
    buf_u8(&text, 0);
    text_file_write(path, (const char *)text.data);
    buf_release(&text);
}

static void hear(void *owner, const char *line)
{
    faults_hear((struct run *)owner, line);
}

void trust_run(const struct run_options *o, struct run_result *out)
{
    struct run *r = MEM_NEW(struct run);

    memset(out, 0, sizeof(*out));
    diag_set_level(o->speaks ? DIAG_INFO : DIAG_OFF);
    begin(r, o->seed);
    r->speaks = o->speaks;
    if (plan_fails(&r->plan, FAULT_ROT)) {
        diag_set_level(o->speaks ? DIAG_INFO : DIAG_WARNING);
        diag_set_sink(hear, r);
    }
    if (r->trouble[0] == '\0')
        be_safe(r);
    if (r->trouble[0] == '\0')
        converge(r);
    if (r->trouble[0] == '\0')
        stop_and_look(r);
    out->events = r->history.count;
    out->crashes = r->crashes;
    out->virtual_ms = run_now_ms(r);
    report(r, out);
    keep(r, out, o->history_path);
    end(r);
    diag_set_sink(NULL, NULL);
    diag_set_level(DIAG_INFO);
    mem_free(r);
}
