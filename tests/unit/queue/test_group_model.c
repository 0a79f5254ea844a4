/* Random lives of a group over a stream with partitions: members come, leave and are lost, messages
 * are acked, refused and given back in any order, offsets are reset, the power fails, checkpoints
 * are lost; against a model that knows the state of every message of every partition.
 *
 * No partition has two owners; of each it is delivered in order, nothing is passed over, what was
 * given back comes first, and what is done with never comes again but after a crash or a reset;
 * offsets go back only by a reset, or to what was durable. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/rand.h"
#include "io/disk.h"
#include "queue/group.h"
#include "tests/lib/leaks.h"
#include "tests/lib/queue_world.h"
#include "tests/lib/seed.h"

enum {
    PARTS = 4,
    MESSAGES_MAX = 3000,
    MEMBERS_MAX = 6,
    STEPS = 700,
    RUNS = 12,
    SIZE_MAX_OF_BODY = 700
};

enum state { STATE_NEW, STATE_HELD, STATE_AGAIN, STATE_DONE };

struct model_message {
    uint32_t number;
    uint32_t member; /* who holds it */
    enum state state;
    uint64_t position;
};

struct model_part {
    struct model_message messages[MESSAGES_MAX];
    uint64_t count;
    bool has_begun;   /* the group has an offset */
    uint64_t next;    /* nothing below is new to the group */
    uint64_t durable; /* the offset is at least that, whatever happens */
    uint64_t marked;  /* what is below is marked as perhaps delivered before */
    bool is_unsure;   /* whether it is */
};

struct place {
    uint32_t part;
    uint64_t offset;
};

struct model {
    struct queue_world world;
    struct rand rand;
    struct model_part parts[PARTS];
    struct place place_of[MESSAGES_MAX];
    uint32_t last_number;
    uint32_t members[MEMBERS_MAX]; /* numbers of tags; 0: none */
    uint32_t last_member;
    uint64_t clean_at; /* position: opened after a clean stop, and nothing is behind it */
};

static uint64_t below(struct model *m, uint64_t limit)
{
    return rand_below(&m->rand, limit);
}

static uint32_t number_of(const char *digits)
{
    uint32_t n = 0;

    for (; *digits >= '0' && *digits <= '9'; digits++)
        n = n * 10 + (uint32_t)(*digits - '0');
    return n;
}

static struct queue *part_queue(struct model *m, uint32_t part)
{
    return queue_stream_at(queue_world_find(&m->world, "s"), part);
}

/* ---- what is delivered ---- */

static void check_owner(const struct model_part *p, uint32_t member)
{
    for (uint64_t i = 0; i < p->next; i++)
        if (p->messages[i].state == STATE_HELD)
            assert_int_equal(p->messages[i].member, member);
}

/* Where the lowest one is that was given back; UINT64_MAX: none was. */
static uint64_t first_again(const struct model_part *p)
{
    for (uint64_t i = 0; i < p->next; i++)
        if (p->messages[i].state == STATE_AGAIN)
            return i;
    return UINT64_MAX;
}

static void on_told(void *owner, const char *line)
{
    struct model *m = owner;
    const char *gets = strstr(line, " gets ");

    if (gets == NULL)
        return;
    uint32_t number = number_of(gets + 6), member = number_of(line + 1);
    uint64_t offset = number_of(strstr(line, " @") + 2);
    bool is_again = strstr(line, " again") != NULL;
    struct place at = m->place_of[number];
    struct model_part *p = &m->parts[at.part];
    struct model_message *message = &p->messages[offset];

    assert_int_equal(at.offset, offset);
    assert_int_equal(message->number, number);
    check_owner(p, member);
    if (first_again(p) != UINT64_MAX) {
        assert_int_equal(offset, first_again(p));
        assert_true(is_again);
    } else {
        assert_int_equal(offset, p->next);
        assert_true(is_again == (offset < p->marked) || p->is_unsure);
        p->next = offset + 1;
    }
    message->state = STATE_HELD;
    message->member = member;
}

static uint64_t low_of(const struct model_part *p)
{
    uint64_t low = 0;

    while (low < p->next && p->messages[low].state == STATE_DONE)
        low++;
    return low;
}

static struct group *the_group(struct model *m)
{
    return queue_find_group(queue_world_find(&m->world, "s"), bytes_text("g"));
}

static void check_offsets(struct model *m)
{
    struct group *g = the_group(m);
    struct group_share share;

    if (g == NULL)
        return;
    for (uint32_t i = 0; i < PARTS; i++) {
        const struct model_part *p = &m->parts[i];

        group_get_share(g, i, &share);
        assert_int_equal(share.has_offset, p->has_begun);
        if (!p->has_begun)
            continue;
        assert_int_equal(share.offset, low_of(p));
        assert_int_equal(share.end, p->count);
        assert_int_equal(share.lag, p->count - low_of(p));
    }
}

/* ---- what happens ---- */

static void publish(struct model *m)
{
    char body[32], key[32];
    uint64_t before[PARTS];
    struct queues_published out;

    if (m->last_number + 1 == MESSAGES_MAX)
        return;
    for (uint32_t i = 0; i < PARTS; i++)
        before[i] = queue_next_offset(part_queue(m, i));
    snprintf(body, sizeof(body), "%" PRIu32, m->last_number + 1);
    snprintf(key, sizeof(key), "k%" PRIu64, below(m, 50));
    const struct world_publish publish = {
        .queues = "s", .body = body, .key = key, .size = below(m, SIZE_MAX_OF_BODY)};
    if (queue_world_publish(&m->world, &publish, &out) != 0)
        return;
    m->last_number++;
    for (uint32_t i = 0; i < PARTS; i++) {
        struct model_part *p = &m->parts[i];

        if (queue_next_offset(part_queue(m, i)) == before[i])
            continue;
        assert_int_equal(before[i], p->count);
        m->place_of[m->last_number] = (struct place){i, p->count};
        p->messages[p->count++] =
            (struct model_message){.number = m->last_number, .position = out.position};
    }
}

/* The group begins where the first of its members says. */
static void begin(struct model *m, bool is_first)
{
    for (uint32_t i = 0; i < PARTS; i++) {
        struct model_part *p = &m->parts[i];

        if (p->has_begun)
            continue;
        p->has_begun = true;
        p->next = is_first ? 0 : p->count;
        for (uint64_t k = 0; k < p->count; k++)
            p->messages[k].state = k < p->next ? STATE_DONE : STATE_NEW;
        p->durable = 0;
    }
}

static void join(struct model *m)
{
    bool is_first = below(m, 2) == 0;
    char tag[WORLD_NAME_SIZE];
    uint32_t i = 0;

    while (i < MEMBERS_MAX && m->members[i] != 0)
        i++;
    if (i == MEMBERS_MAX)
        return;
    m->members[i] = ++m->last_member;
    snprintf(tag, sizeof(tag), "m%" PRIu32, m->members[i]);
    begin(m, is_first);
    int rv = queue_world_consume(
        &m->world, &(struct world_consume){.queue = "s",
                                           .tag = tag,
                                           .prefetch = (uint32_t)below(m, 20) + 1,
                                           .arguments = is_first ? "x-group=g x-group-start=first"
                                                                 : "x-group=g"});
    assert_int_equal(rv, 0);
}

static const char *tag_of(const struct model *m, size_t i)
{
    static char tag[WORLD_NAME_SIZE];

    snprintf(tag, sizeof(tag), "m%" PRIu32, m->members[i]);
    return tag;
}

/* Settles a message that the member holds. */
static void settle_one(struct model *m, uint32_t member, struct model_message *message)
{
    static const enum world_settle ways[] = {WORLD_ACK,    WORLD_ACK,     WORLD_ACK,   WORLD_ACK,
                                             WORLD_REJECT, WORLD_REQUEUE, WORLD_RETURN};
    enum world_settle how = ways[below(m, ARRAY_SIZE(ways))];
    char tag[WORLD_NAME_SIZE], body[32];

    snprintf(tag, sizeof(tag), "m%" PRIu32, member);
    snprintf(body, sizeof(body), "%" PRIu32, message->number);
    message->state = how == WORLD_ACK || how == WORLD_REJECT ? STATE_DONE : STATE_AGAIN;
    size_t count = queue_world_settle(&m->world, tag, body, how);
    assert_int_equal(count, 1);
}

/* A few of what is held, here and there; also by those who have left. */
static void settle_some(struct model *m, uint64_t one_in)
{
    for (uint32_t i = 0; i < PARTS; i++) {
        struct model_part *p = &m->parts[i];

        for (uint64_t k = 0; k < p->next; k++)
            if (p->messages[k].state == STATE_HELD && below(m, one_in) == 0)
                settle_one(m, p->messages[k].member, &p->messages[k]);
    }
}

/* What he holds comes back. */
static void give_back_all(struct model *m, uint32_t member, const char *tag)
{
    for (uint32_t i = 0; i < PARTS; i++)
        for (uint64_t k = 0; k < m->parts[i].next; k++) {
            struct model_message *message = &m->parts[i].messages[k];

            if (message->state == STATE_HELD && message->member == member)
                message->state = STATE_AGAIN;
        }
    queue_world_settle(&m->world, tag, "all", WORLD_RETURN);
}

static void leave(struct model *m, bool is_lost)
{
    size_t i = below(m, MEMBERS_MAX);

    if (m->members[i] == 0)
        return;
    queue_world_cancel(&m->world, tag_of(m, i));
    if (is_lost)
        give_back_all(m, m->members[i], tag_of(m, i));
    m->members[i] = 0;
}

/* All that was acked so far is safe. */
static void calm(struct model *m)
{
    queue_world_run_ms(&m->world, 150);
    queue_world_commit(&m->world);
    for (uint32_t i = 0; i < PARTS; i++)
        m->parts[i].durable = low_of(&m->parts[i]);
}

static void on_reset(void *owner, int err, const struct group_step *steps, size_t count)
{
    struct model *m = owner;

    assert_int_equal(err, 0);
    for (size_t i = 0; i < count; i++) {
        struct model_part *p = &m->parts[i];

        assert_ptr_equal(steps[i].stream, part_queue(m, (uint32_t)i));
        assert_int_equal(steps[i].had_offset, p->has_begun);
        assert_int_equal(steps[i].from, p->has_begun ? low_of(p) : 0);
        assert_true(steps[i].to <= p->count);
        p->has_begun = true;
        p->next = steps[i].to;
        for (uint64_t k = 0; k < p->count; k++)
            p->messages[k].state = k < p->next ? STATE_DONE : STATE_NEW;
    }
}

/* Nobody is there: the group goes on elsewhere. */
static void reset(struct model *m)
{
    const struct group_calls calls = {.owner = m, .done = on_reset};
    struct group_reset r = {.goal = (enum group_goal)below(m, 5)};
    struct group *g = the_group(m);

    if (g == NULL || group_member_count(g) > 0)
        return;
    r.value = r.goal == GROUP_TIME ? io_wall_ms(m->world.p.io) - (int64_t)below(m, 20000)
                                   : (int64_t)below(m, 100) - (r.goal == GROUP_SHIFT ? 50 : 0);
    (void)group_reset(g, &r, &calls);
    calm(m);
}

/* ---- after a crash ---- */

/* Members are gone; what the group knows is what it knew, perhaps without its last moment. */
static void fit_part(struct model *m, uint32_t i, uint64_t committed, bool is_clean)
{
    struct model_part *p = &m->parts[i];
    struct group *g = the_group(m);
    struct group_share share = {.has_offset = false};
    uint64_t there = queue_next_offset(part_queue(m, i)), low = low_of(p);

    assert_true(there <= p->count);
    for (uint64_t k = there; k < p->count; k++)
        assert_true(p->messages[k].position >= committed);
    p->count = there;
    p->marked = 0;
    p->is_unsure = false;
    if (g != NULL)
        group_get_share(g, i, &share);
    if (!p->has_begun) {
        assert_false(share.has_offset);
        return;
    }
    if (!share.has_offset) { /* nobody has seen a message that came after the group */
        assert_int_equal(p->durable, 0);
        assert_int_not_equal(committed, UINT64_MAX);
        p->has_begun = false;
        p->next = 0;
        return;
    }
    assert_true(share.offset <= low && share.offset >= p->durable);
    p->marked = is_clean ? 0 : there;
    if (committed == UINT64_MAX)
        assert_int_equal(share.offset, low);
    p->next = share.offset;
    for (uint64_t k = share.offset; k < p->count; k++)
        p->messages[k].state = STATE_NEW;
}

static void fit_to_world(struct model *m, uint64_t committed, bool is_clean)
{
    memset(m->members, 0, sizeof(m->members));
    for (uint32_t i = 0; i < PARTS; i++)
        fit_part(m, i, committed, is_clean);
}

static void crash(struct model *m)
{
    struct sim_crash c = {.kind = (enum sim_crash_kind)below(m, SIM_CRASH_KIND_COUNT),
                          .torn_sectors = below(m, 4),
                          .seed = rand_next(&m->rand)};
    uint64_t committed = 0;

    if (below(m, 2) == 0) { /* in the middle of something */
        sim_disk_stop_at(m->world.p.disk, sim_disk_operations(m->world.p.disk) + below(m, 5),
                         below(m, 4));
        publish(m);
        settle_some(m, 2);
        queue_world_run_ms(&m->world, below(m, 3) * 60);
    }
    committed = partition_committed(m->world.p.partition);
    queue_world_crash_as(&m->world, &c);
    fit_to_world(m, committed, false);
    for (uint32_t i = 0; i < PARTS;
         i++) /* nothing tells that there was a life since the clean stop */
        m->parts[i].is_unsure = committed <= m->clean_at;
    m->clean_at = committed <= m->clean_at ? partition_next(m->world.p.partition) : 0;
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

static void restart(struct model *m, bool loses_checkpoints)
{
    queue_world_commit(&m->world);
    queue_world_close(&m->world);
    forgetting = m;
    if (loses_checkpoints) {
        int rv = disk_list(sim_disk_as_disk(m->world.p.disk), "log", forget_checkpoint, NULL);
        assert_int_equal(rv, 0);
    }
    queue_world_open(&m->world);
    fit_to_world(m, UINT64_MAX, true);
    for (uint32_t i = 0; i < PARTS; i++) /* without a checkpoint a clean stop may be forgotten */
        m->parts[i].is_unsure = loses_checkpoints;
    m->clean_at = partition_next(m->world.p.partition);
}

static void step(struct model *m)
{
    uint64_t chance = below(m, 200);

    if (chance < 90)
        publish(m);
    else if (chance < 120)
        queue_world_run_ms(&m->world, below(m, 10));
    else if (chance < 160)
        settle_some(m, below(m, 6) + 1);
    else if (chance < 172)
        join(m);
    else if (chance < 178)
        leave(m, false);
    else if (chance < 184)
        leave(m, true);
    else if (chance < 189)
        calm(m);
    else if (chance < 190)
        reset(m);
    else if (chance < 195)
        partition_checkpoint(m->world.p.partition);
    else if (chance < 196)
        queue_world_run_ms(&m->world, 6000);
    else if (chance < 198)
        restart(m, below(m, 2) == 0);
    else
        crash(m);
    check_offsets(m);
}

/* Whoever is there takes all there is. */
static void finish(struct model *m)
{
    bool is_done = false, is_alone = true;

    for (size_t i = 0; i < MEMBERS_MAX; i++)
        is_alone = is_alone && m->members[i] == 0;
    if (is_alone)
        join(m);
    for (int i = 0; i < 2000 && !is_done; i++) {
        queue_world_run_ms(&m->world, 5);
        settle_some(m, 1);
        is_done = true;
        for (uint32_t k = 0; k < PARTS; k++)
            is_done = is_done && low_of(&m->parts[k]) == m->parts[k].count;
    }
    assert_true(is_done);
    check_offsets(m);
}

static void run_life(uint64_t seed)
{
    struct model *m = MEM_NEW(struct model);

    rand_init(&m->rand, seed);
    queue_world_init(&m->world, on_told, m);
    queue_world_open(&m->world);
    queue_world_declare(
        &m->world,
        &(struct world_queue){.name = "s", .arguments = "x-queue-type=stream x-partitions=4"});
    for (int i = 0; i < STEPS; i++)
        step(m);
    finish(m);
    queue_world_close(&m->world);
    queue_world_release(&m->world);
    mem_free(m);
}

static void test_groups_do_what_the_model_says(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < test_share(RUNS); i++)
        run_life(test_seed() + i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_groups_do_what_the_model_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
