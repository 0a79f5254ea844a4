/* Random lives of two streams and a queue on one partition of tiny segments, with restarts, power
 * cuts and lost checkpoints, against a model that is a plain array for each stream.
 *
 * What was committed must be there, under its offset, for ever; what was not may be cut off at the
 * end. A message of the queue that was committed and not acked comes back. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/rand.h"
#include "io/disk.h"
#include "tests/lib/leaks.h"
#include "tests/lib/queue_world.h"
#include "tests/lib/seed.h"

enum { STREAMS = 2, MESSAGES_MAX = 4000, STEPS = 500, RUNS = 12, SIZE_MAX_OF_BODY = 1500 };

struct model_message {
    uint32_t number;
    uint64_t position;
};

struct model_stream {
    const char *name;
    struct model_message messages[MESSAGES_MAX];
    size_t count;
};

struct model {
    struct queue_world world;
    struct rand rand;
    struct model_stream streams[STREAMS];
    uint8_t is_owed[MESSAGES_MAX]; /* the queue has it */
    uint64_t position_of[MESSAGES_MAX];
    uint32_t last_number;
    struct model_stream *reading;
    uint64_t next_offset; /* that the reader must get */
    uint32_t tag;
};

static uint32_t number_of(const char *digits)
{
    uint32_t n = 0;

    for (; *digits >= '0' && *digits <= '9'; digits++)
        n = n * 10 + (uint32_t)(*digits - '0');
    return n;
}

static void on_told(void *owner, const char *line)
{
    struct model *m = owner;
    const char *gets = strstr(line, " gets ");
    const char *at = strstr(line, " @");

    if (gets == NULL)
        return;
    uint32_t number = number_of(gets + 6);
    if (at == NULL) {
        m->is_owed[number] |= 2; /* seen */
        return;
    }
    assert_non_null(m->reading);
    assert_int_equal(number_of(at + 2), m->next_offset);
    assert_true(m->next_offset < m->reading->count);
    assert_int_equal(m->reading->messages[m->next_offset].number, number);
    m->next_offset++;
}

static uint64_t below(struct model *m, uint64_t limit)
{
    return rand_below(&m->rand, limit);
}

/* ---- what happens ---- */

static void publish(struct model *m)
{
    static const char *const targets[] = {"a", "b", "a,b", "q", "a,q", "b,q", "a,b,q"};
    const char *to = targets[below(m, 7)];
    struct queues_published out;
    char body[32];

    if (m->last_number + 1 == MESSAGES_MAX)
        return;
    snprintf(body, sizeof(body), "%" PRIu32, m->last_number + 1);
    const struct world_publish p = {.queues = to,
                                    .body = body,
                                    .size = below(m, SIZE_MAX_OF_BODY),
                                    .is_transient = below(m, 4) == 0 && strchr(to, 'q') == NULL};
    int rv = queue_world_publish(&m->world, &p, &out);

    if (rv == ERR_FULL)
        return;
    assert_int_equal(rv, 0);
    uint32_t number = ++m->last_number;
    for (int i = 0; i < STREAMS; i++) {
        struct model_stream *s = &m->streams[i];

        if (strchr(to, s->name[0]) != NULL)
            s->messages[s->count++] = (struct model_message){number, out.position};
    }
    m->is_owed[number] = strchr(to, 'q') != NULL;
    m->position_of[number] = out.position;
}

/* Reads a stream from an offset to its end. */
static void read_stream(struct model *m, struct model_stream *s, uint64_t offset)
{
    char tag[WORLD_NAME_SIZE], arguments[64];

    queue_world_commit(&m->world);
    snprintf(tag, sizeof(tag), "r%" PRIu32, ++m->tag);
    snprintf(arguments, sizeof(arguments), "x-stream-offset=%" PRIu64, offset);
    m->reading = s;
    m->next_offset = offset;
    int rv = queue_world_consume(
        &m->world, &(struct world_consume){
                       .queue = s->name, .tag = tag, .prefetch = 100000, .arguments = arguments});
    assert_int_equal(rv, 0);
    queue_world_run_ms(&m->world, 500);
    if (m->next_offset != s->count)
        fail_msg("stream %s was read to %" PRIu64 " of %zu", s->name, m->next_offset, s->count);
    queue_world_settle(&m->world, tag, "all", WORLD_ACK);
    queue_world_cancel(&m->world, tag);
    m->reading = NULL;
}

static void read_some(struct model *m)
{
    struct model_stream *s = &m->streams[below(m, STREAMS)];

    read_stream(m, s, below(m, s->count + 1));
}

static void read_all(struct model *m)
{
    for (int i = 0; i < STREAMS; i++)
        read_stream(m, &m->streams[i], 0);
}

/* Takes some messages of the queue, and acks them. */
static void work_off(struct model *m)
{
    char tag[WORLD_NAME_SIZE];

    snprintf(tag, sizeof(tag), "w%" PRIu32, ++m->tag);
    int rv = queue_world_consume(
        &m->world,
        &(struct world_consume){.queue = "q", .tag = tag, .prefetch = (uint32_t)below(m, 30) + 1});
    assert_int_equal(rv, 0);
    queue_world_run_ms(&m->world, 20);
    for (uint32_t i = 1; i <= m->last_number; i++) {
        char body[32];

        if (m->is_owed[i] != 3)
            continue;
        snprintf(body, sizeof(body), "%" PRIu32, i);
        if (below(m, 3) == 0 || queue_world_settle(&m->world, tag, body, WORLD_ACK) == 0)
            m->is_owed[i] = 1;
        else
            m->is_owed[i] = 0;
    }
    queue_world_settle(&m->world, tag, "all", WORLD_REQUEUE);
    queue_world_cancel(&m->world, tag);
}

/* ---- after a crash ---- */

/* What the streams have now is what they had, perhaps without an end that was not committed. */
static void fit_to_world(struct model *m, uint64_t committed)
{
    for (int i = 0; i < STREAMS; i++) {
        struct model_stream *s = &m->streams[i];
        uint64_t there = queue_next_offset(queue_world_find(&m->world, s->name));

        assert_true(there <= s->count);
        for (size_t k = there; k < s->count; k++)
            assert_true(s->messages[k].position >= committed);
        s->count = there;
    }
}

/* Every message of the queue that is owed must come. */
static void check_queue(struct model *m, uint64_t committed)
{
    char tag[WORLD_NAME_SIZE];

    snprintf(tag, sizeof(tag), "w%" PRIu32, ++m->tag);
    int rv = queue_world_consume(
        &m->world, &(struct world_consume){.queue = "q", .tag = tag, .prefetch = 100000});
    assert_int_equal(rv, 0);
    queue_world_run_ms(&m->world, 500);
    for (uint32_t i = 1; i <= m->last_number; i++) {
        bool was_safe = m->position_of[i] < committed;

        if ((m->is_owed[i] & 1) != 0 && (m->is_owed[i] & 2) == 0 && was_safe)
            fail_msg("message %" PRIu32 " of the queue is lost", i);
        m->is_owed[i] = (m->is_owed[i] & 2) != 0; /* an ack may be lost with the power */
    }
    queue_world_settle(&m->world, tag, "all", WORLD_REQUEUE);
    queue_world_cancel(&m->world, tag);
}

static void let_go(void *owner)
{
    queues_stop(((struct model *)owner)->world.queues);
}

static void crash(struct model *m)
{
    struct sim_crash c = {.kind = (enum sim_crash_kind)below(m, SIM_CRASH_KIND_COUNT),
                          .torn_sectors = below(m, 4),
                          .seed = rand_next(&m->rand)};
    uint64_t committed = partition_committed(m->world.p.partition);

    partition_world_crash(&m->world.p, &c, let_go, m);
    queues_free(m->world.queues);
    m->world.queues = NULL;
    queue_world_open(&m->world);
    fit_to_world(m, committed);
    check_queue(m, committed);
}

static struct model *forgetting;

static void forget_checkpoint(void *owner, const char *name, bool is_dir)
{
    char path[128];

    (void)owner;
    (void)is_dir;
    if (strncmp(name, "checkpoint-", 11) != 0)
        return;
    snprintf(path, sizeof(path), "log/%s", name);
    int rv = disk_remove(sim_disk_as_disk(forgetting->world.p.disk), path);
    assert_int_equal(rv, 0);
}

static void lose_checkpoints(struct model *m)
{
    queue_world_commit(&m->world);
    queue_world_close(&m->world);
    forgetting = m;
    int rv = disk_list(sim_disk_as_disk(m->world.p.disk), "log", forget_checkpoint, NULL);
    assert_int_equal(rv, 0);
    queue_world_open(&m->world);
    fit_to_world(m, UINT64_MAX);
    check_queue(m, UINT64_MAX);
}

static void restart(struct model *m)
{
    queue_world_restart(&m->world);
    fit_to_world(m, UINT64_MAX);
}

static void step(struct model *m)
{
    uint64_t chance = below(m, 200);

    if (chance < 140)
        publish(m);
    else if (chance < 170)
        queue_world_run_ms(&m->world, below(m, 10));
    else if (chance < 176)
        partition_checkpoint(m->world.p.partition);
    else if (chance < 188)
        work_off(m);
    else if (chance < 194)
        read_some(m);
    else if (chance < 195)
        queue_world_run_ms(&m->world, 6000);
    else if (chance < 197)
        restart(m);
    else if (chance < 198)
        lose_checkpoints(m);
    else
        crash(m);
}

static void run_life(uint64_t seed)
{
    struct model *m = MEM_NEW(struct model);

    rand_init(&m->rand, seed);
    m->streams[0].name = "a";
    m->streams[1].name = "b";
    queue_world_init(&m->world, on_told, m);
    queue_world_open(&m->world);
    queue_world_declare(&m->world,
                        &(struct world_queue){.name = "a", .arguments = "x-queue-type=stream"});
    queue_world_declare(&m->world, &(struct world_queue){.name = "q"});
    queue_world_declare(&m->world,
                        &(struct world_queue){.name = "b", .arguments = "x-queue-type=stream"});
    for (int i = 0; i < STEPS; i++)
        step(m);
    read_all(m);
    queue_world_close(&m->world);
    queue_world_release(&m->world);
    mem_free(m);
}

static void test_streams_do_what_the_model_says(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < test_share(RUNS); i++)
        run_life(test_seed() + i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_streams_do_what_the_model_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
