/* Groups where their records count: what a group of the log has is whole, what was confirmed behind
 * a join is not missed, acks do not flood the log, and there are only so many. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "queue/consumer.h"
#include "queue/group.h"
#include "tests/lib/leaks.h"
#include "tests/lib/queue_world.h"

static struct queue_world w;

static int set_up(void **state)
{
    (void)state;
    queue_world_init(&w, NULL, NULL);
    queue_world_open(&w);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    queue_world_close(&w);
    queue_world_release(&w);
    return 0;
}

static void declare(const char *name, const char *arguments)
{
    int rv = queue_world_declare(&w, &(struct world_queue){.name = name, .arguments = arguments});

    assert_int_equal(rv, 0);
}

static void publish(const char *queue, const char *body)
{
    struct queues_published out;
    int rv = queue_world_publish(&w, &(struct world_publish){.queues = queue, .body = body}, &out);

    assert_int_equal(rv, 0);
}

static int join(const char *queue, const char *tag, const char *arguments)
{
    return queue_world_consume(
        &w, &(struct world_consume){
                .queue = queue, .tag = tag, .prefetch = 1000, .arguments = arguments});
}

/* -1: the group has none. */
static int64_t offset_of(const char *queue, const char *name)
{
    struct group *g = queue_find_group(queue_world_find(&w, queue), bytes_text(name));
    struct group_share share;

    if (g == NULL)
        return -1;
    group_get_share(g, 0, &share);
    return share.has_offset ? (int64_t)share.offset : -1;
}

/* An ack and a publish in one group of the log, and the disk stops at every operation. */
static void test_an_ack_and_a_publish_are_one(void **state)
{
    unsigned with = 0, without = 0;

    (void)state;
    for (uint64_t seed = 0; seed < 30; seed++) {
        struct sim_crash crash = {.kind = (enum sim_crash_kind)(seed % SIM_CRASH_KIND_COUNT),
                                  .torn_sectors = (unsigned)seed % 4,
                                  .seed = seed};
        char name[16], out[16];
        uint64_t position;

        snprintf(name, sizeof(name), "in%" PRIu64, seed);
        snprintf(out, sizeof(out), "out%" PRIu64, seed);
        declare(name, "x-queue-type=stream");
        declare(out, "");
        publish(name, "m");
        int rv = join(name, "c", "x-group=a-group-of-some-length x-group-start=first");
        assert_int_equal(rv, 0);
        queue_world_run_ms(&w, 50);
        queue_world_commit(&w);
        rv = queues_begin_group(w.queues, 1000);
        assert_int_equal(rv, 0);
        publish(out, "result");
        size_t settled = queue_world_settle(&w, "c", "m", WORLD_ACK);
        assert_int_equal(settled, 1);
        queues_end_group(w.queues, &position);
        sim_disk_stop_at(w.p.disk, sim_disk_operations(w.p.disk) + seed / 6 % 4, seed % 3);
        sim_run_for(w.p.sim, 1000000);
        queue_world_crash_as(&w, &crash);
        uint64_t results = queue_ready_count(queue_world_find(&w, out));
        int64_t offset = offset_of(name, "a-group-of-some-length");
        assert_int_equal(offset, results);
        with += offset == 1;
        without += offset == 0;
        queue_world_delete(&w, name);
        queue_world_delete(&w, out);
    }
    assert_true(with > 0 && without > 0);
}

static void test_the_size_of_a_settle_is_enough(void **state)
{
    (void)state;
    declare("s", "x-queue-type=stream");
    declare("q", "");
    publish("s,q", "m");
    int rv = join("s", "c", "x-group=g x-group-start=first");
    assert_int_equal(rv, 0);
    rv = queue_world_consume(&w, &(struct world_consume){.queue = "q", .tag = "d", .prefetch = 1});
    assert_int_equal(rv, 0);
    queue_world_run_ms(&w, 5);
    LIST_FOREACH (link, &w.consumers) {
        struct consumer *c = CONTAINER_OF(link, struct world_consumer, link)->consumer;
        struct list_link *held = list_first(&c->held);
        size_t size = group_settle_size(&inflight_at(held)->d);

        assert_true(consumer_queue(c) == queue_world_find(&w, "s") ? size > 30 : size == 0);
    }
}

/* A group that begins at what is to come gets all that is confirmed later. */
static void test_what_is_confirmed_behind_a_join_is_not_missed(void **state)
{
    (void)state;
    declare("s", "x-queue-type=stream");
    for (int i = 0; i < 20; i++) {
        char group[32], arguments[64];
        const struct sim_crash crash = {.kind = SIM_CRASH_NOTHING};

        snprintf(group, sizeof(group), "g%d", i);
        snprintf(arguments, sizeof(arguments), "x-group=%s", group);
        publish("s", "before");
        queue_world_commit(&w);
        uint64_t next = queue_next_offset(queue_world_find(&w, "s"));
        int rv = join("s", "c", arguments);
        assert_int_equal(rv, 0);
        publish("s", "behind"); /* in the same turn */
        queue_world_commit(&w);
        queue_world_cancel(&w, "c");
        queue_world_crash_as(&w, &crash);
        assert_int_equal(queue_next_offset(queue_world_find(&w, "s")), next + 1);
        assert_int_equal(offset_of("s", group), next);
    }
}

static void test_acks_do_not_flood_the_log(void **state)
{
    (void)state;
    declare("s", "x-queue-type=stream");
    for (int i = 0; i < 500; i++) {
        char body[16];

        snprintf(body, sizeof(body), "%d", i);
        publish("s", body);
    }
    queue_world_commit(&w);
    int rv = join("s", "c", "x-group=g x-group-start=first");
    assert_int_equal(rv, 0);
    queue_world_run_ms(&w, 200);
    uint64_t before = partition_next(w.p.partition);
    for (int i = 0; i < 500; i++) {
        char body[16];

        snprintf(body, sizeof(body), "%d", i);
        size_t settled = queue_world_settle(&w, "c", body, WORLD_ACK);
        assert_int_equal(settled, 1);
        queue_world_run_ms(&w, 1);
    }
    queue_world_run_ms(&w, 200);
    uint64_t records = partition_next(w.p.partition) - before;
    assert_true(records >= 4 && records <= 8);
    assert_int_equal(offset_of("s", "g"), 500);
    queue_world_cancel(&w, "c");
    queue_world_crash(&w);
    assert_int_equal(offset_of("s", "g"), 500);
}

static void test_there_are_only_so_many_groups(void **state)
{
    char arguments[64];

    (void)state;
    declare("s", "x-queue-type=stream");
    for (int i = 0; i < GROUPS_MAX; i++) {
        char tag[16];

        snprintf(tag, sizeof(tag), "c%d", i);
        snprintf(arguments, sizeof(arguments), "x-group=g%d", i);
        int rv = join("s", tag, arguments);
        assert_int_equal(rv, 0);
        queue_world_cancel(&w, tag);
    }
    assert_int_equal(join("s", "c", "x-group=one-more"), ERR_FULL);
    assert_int_equal(join("s", "c", "x-group=g7"), 0);
    queue_world_restart(&w);
    assert_int_equal(join("s", "c", "x-group=one-more"), ERR_FULL);
    struct group *g = queue_find_group(queue_world_find(&w, "s"), bytes_text("g7"));
    assert_int_equal(group_delete(g), 0);
    assert_int_equal(join("s", "c", "x-group=one-more"), 0);
    g = queue_find_group(queue_world_find(&w, "s"), bytes_text("one-more"));
    assert_int_equal(group_delete(g), ERR_BUSY);
}

/* What is deleted stays so, when every checkpoint is lost too. */
static void test_a_deleted_group_is_gone(void **state)
{
    (void)state;
    declare("s", "x-queue-type=stream x-partitions=3");
    publish("s", "m");
    int rv = join("s", "c", "x-group=g x-group-start=first");
    assert_int_equal(rv, 0);
    queue_world_run_ms(&w, 200);
    queue_world_cancel(&w, "c");
    assert_int_equal(offset_of("s", "g"), 0);
    rv = group_delete(queue_find_group(queue_world_find(&w, "s"), bytes_text("g")));
    assert_int_equal(rv, 0);
    assert_null(queue_find_group(queue_world_find(&w, "s"), bytes_text("g")));
    queue_world_commit(&w);
    queue_world_crash(&w);
    assert_null(queue_find_group(queue_world_find(&w, "s"), bytes_text("g")));
}

static struct group *group_of_number(int number)
{
    char name[16];

    snprintf(name, sizeof(name), "g%d", number);
    return queue_find_group(queue_world_find(&w, "s"), bytes_text(name));
}

static void join_and_leave(int number, const char *how)
{
    char arguments[64], tag[16];

    snprintf(arguments, sizeof(arguments), "x-group=g%d x-group-start=first", number);
    snprintf(tag, sizeof(tag), "%s%d", how, number);
    int rv = join("s", tag, arguments);
    assert_int_equal(rv, 0);
    queue_world_run_ms(&w, 1);
    queue_world_cancel(&w, tag);
}

/* A group whose offsets could be forgotten only in part is whole: each stream has its reader. */
static void test_a_group_half_deleted_goes_on(void **state)
{
    enum { PARTITIONS = 48, GROUPS = 400 };
    unsigned owned = 0;
    int number = 0, rv = 0;

    (void)state;
    declare("s", "x-queue-type=stream x-partitions=48");
    for (int i = 0; i < GROUPS; i++)
        join_and_leave(i, "once");
    queue_world_run_ms(&w, 200);
    while (rv == 0) { /* all in one moment, in which the log takes only so much */
        assert_true(number < GROUPS);
        rv = group_delete(group_of_number(number++));
    }
    assert_int_equal(rv, ERR_FULL);
    struct group *g = group_of_number(--number);
    assert_non_null(g);
    queue_world_run_ms(&w, 200);
    join_and_leave(number, "again");
    for (size_t i = 0; i < group_share_count(g); i++) {
        struct group_share share;

        group_get_share(g, i, &share);
        owned += share.has_offset;
    }
    assert_int_equal(owned, PARTITIONS);
    rv = group_delete(g);
    assert_int_equal(rv, 0);
    assert_null(group_of_number(number));
}

static void on_reset(void *owner, int err, const struct group_step *steps, size_t count)
{
    (void)steps;
    assert_int_equal(err, 0);
    assert_int_equal(count, 1);
    *(bool *)owner = true;
}

/* Whoever hears that offsets are set finds them so after a crash in the same moment. */
static void test_a_reset_is_told_when_it_is_safe(void **state)
{
    enum { SYNC_MS = 50 };
    const struct sim_crash crash = {.kind = SIM_CRASH_NOTHING};
    const struct group_reset reset = {.goal = GROUP_OFFSET, .value = 3};
    bool is_told = false;
    const struct group_calls calls = {.owner = &is_told, .done = on_reset};

    (void)state;
    declare("s", "x-queue-type=stream");
    for (int i = 0; i < 5; i++)
        publish("s", "m");
    assert_int_equal(join("s", "c", "x-group=g x-group-start=first"), 0);
    queue_world_run_ms(&w, 200);
    queue_world_cancel(&w, "c");
    queue_world_commit(&w);
    sim_disk_set_latency(w.p.disk, SIM_OP_SYNC, SYNC_MS * UINT64_C(1000000), 0);
    (void)group_reset(queue_find_group(queue_world_find(&w, "s"), bytes_text("g")), &reset, &calls);
    queue_world_run_ms(&w, SYNC_MS / 2);
    assert_false(is_told);
    for (int i = 0; i < 4 * SYNC_MS && !is_told; i++)
        queue_world_run_ms(&w, 1);
    assert_true(is_told);
    queue_world_crash_as(&w, &crash);
    assert_int_equal(offset_of("s", "g"), 3);
}

static void on_forgotten(void *owner, int err)
{
    assert_int_equal(err, 0);
    *(bool *)owner = true;
}

/* Whoever hears that a group is forgotten does not find it again after a crash right then. */
static void test_a_deletion_is_told_when_it_is_safe(void **state)
{
    enum { SYNC_MS = 50 };
    const struct sim_crash crash = {.kind = SIM_CRASH_NOTHING};
    bool is_told = false;
    const struct group_wait_calls calls = {.owner = &is_told, .done = on_forgotten};

    (void)state;
    declare("s", "x-queue-type=stream");
    publish("s", "m");
    assert_int_equal(join("s", "c", "x-group=g x-group-start=first"), 0);
    queue_world_run_ms(&w, 200);
    queue_world_cancel(&w, "c");
    queue_world_commit(&w);
    sim_disk_set_latency(w.p.disk, SIM_OP_SYNC, SYNC_MS * UINT64_C(1000000), 0);
    int rv = group_delete(queue_find_group(queue_world_find(&w, "s"), bytes_text("g")));
    assert_int_equal(rv, 0);
    (void)group_wait_start(queue_world_find(&w, "s"), &calls);
    queue_world_run_ms(&w, SYNC_MS / 2);
    assert_false(is_told);
    for (int i = 0; i < 4 * SYNC_MS && !is_told; i++)
        queue_world_run_ms(&w, 1);
    assert_true(is_told);
    queue_world_crash_as(&w, &crash);
    assert_null(queue_find_group(queue_world_find(&w, "s"), bytes_text("g")));
}

static void on_failed(void *owner, int err)
{
    *(int *)owner = err;
}

static void test_a_deletion_may_never_be_safe(void **state)
{
    int err = 0;
    const struct group_wait_calls calls = {.owner = &err, .done = on_failed};
    const struct sim_fault broken = {.err = ERR_IO, .ops = SIM_OP_BIT(SIM_OP_SYNC)};

    (void)state;
    declare("s", "x-queue-type=stream");
    publish("s", "m");
    assert_int_equal(join("s", "c", "x-group=g x-group-start=first"), 0);
    queue_world_run_ms(&w, 200);
    queue_world_cancel(&w, "c");
    queue_world_commit(&w);
    sim_disk_add_fault(w.p.disk, &broken);
    int rv = group_delete(queue_find_group(queue_world_find(&w, "s"), bytes_text("g")));
    assert_int_equal(rv, 0);
    (void)group_wait_start(queue_world_find(&w, "s"), &calls);
    queue_world_run_ms(&w, 200);
    assert_int_equal(err, ERR_FAILED);
    sim_disk_clear_faults(w.p.disk);
    queue_world_crash(&w);
}

/* Nobody waits any more. */
static void test_a_wait_for_a_deletion_ends(void **state)
{
    bool is_told = false;
    const struct group_wait_calls calls = {.owner = &is_told, .done = on_forgotten};

    (void)state;
    declare("s", "x-queue-type=stream");
    group_wait_stop(group_wait_start(queue_world_find(&w, "s"), &calls));
    queue_world_run_ms(&w, 200);
    assert_false(is_told);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_an_ack_and_a_publish_are_one),
        TEST(test_the_size_of_a_settle_is_enough),
        TEST(test_what_is_confirmed_behind_a_join_is_not_missed),
        TEST(test_acks_do_not_flood_the_log),
        TEST(test_there_are_only_so_many_groups),
        TEST(test_a_deleted_group_is_gone),
        TEST(test_a_group_half_deleted_goes_on),
        TEST(test_a_reset_is_told_when_it_is_safe),
        TEST(test_a_deletion_is_told_when_it_is_safe),
        TEST(test_a_deletion_may_never_be_safe),
        TEST(test_a_wait_for_a_deletion_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
