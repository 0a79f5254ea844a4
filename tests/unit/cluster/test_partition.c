/* Tests of cluster/partition: what folds and watchers hear, over whole lives with power cuts. */
#include "cluster/partition.h"

#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/rand.h"
#include "io/disk.h"
#include "tests/lib/leaks.h"
#include "tests/lib/partition_world.h"
#include "tests/lib/seed.h"

/* A fold whose state is a sum and a count of the numbers in its records. */
struct adder {
    uint64_t sum;
    uint64_t count;
    uint32_t restores;
    uint32_t replays;
    uint32_t saves;
    uint32_t last_saves;
    uint32_t survivors;
    uint32_t opens;
    uint64_t sorted;
    bool is_clean;
    bool keeps; /* classify() keeps its records */
    int rv;     /* what restore(), replay() and opened() answer */
    int rv_opened;
};

static int adder_restore(void *owner, struct bytes state, struct err_note *note)
{
    struct adder *a = owner;

    assert_int_equal(state.size, 16);
    a->sum = get_le64(state.data);
    a->count = get_le64(state.data + 8);
    a->restores++;
    return a->rv == 0 ? 0 : err_note(note, a->rv, "the adder does not like it");
}

static int adder_replay(void *owner, const struct record *r)
{
    struct adder *a = owner;

    a->sum += get_le64(r->body.data);
    a->count++;
    a->replays++;
    return a->rv;
}

static int adder_survivor(void *owner, uint64_t destination, const struct record *r)
{
    struct adder *a = owner;

    assert_int_equal(destination, LOG_SHARED);
    a->sum += get_le64(r->body.data);
    a->count++;
    a->survivors++;
    return 0;
}

static int adder_opened(void *owner, bool is_clean, struct err_note *note)
{
    struct adder *a = owner;

    (void)note;
    a->opens++;
    a->is_clean = is_clean;
    return a->rv_opened;
}

static void adder_save(void *owner, bool is_last, struct buf *out)
{
    struct adder *a = owner;

    buf_le64(out, a->sum);
    buf_le64(out, a->count);
    a->saves++;
    a->last_saves += is_last ? 1 : 0;
}

static void adder_classify(void *owner, uint64_t lane, const struct record *r,
                           struct log_sorting *s)
{
    struct adder *a = owner;

    (void)lane;
    (void)r;
    if (a->keeps)
        log_keep(s);
}

static void adder_sorted(void *owner, uint64_t position)
{
    ((struct adder *)owner)->sorted = position;
}

static struct fold fold_of(struct adder *a, uint8_t id, uint8_t kind)
{
    return (struct fold){
        .owner = a,
        .id = id,
        .kind_first = kind,
        .kind_last = (uint8_t)(kind + 9),
        .restore = adder_restore,
        .survivor = adder_survivor,
        .replay = adder_replay,
        .opened = adder_opened,
        .save = adder_save,
        .classify = adder_classify,
        .sorted = adder_sorted,
    };
}

enum { KIND_A = 10, KIND_B = 64 };

/* Two adders on a partition. */
struct two {
    struct partition_world w;
    struct adder a, b;
};

static void begin(struct two *t)
{
    partition_world_init(&t->w);
    t->a = (struct adder){0};
    t->b = (struct adder){0};
    t->w.folds[0] = fold_of(&t->a, 1, KIND_A);
    t->w.folds[1] = fold_of(&t->b, 2, KIND_B);
    t->w.fold_count = 2;
    partition_world_open(&t->w);
}

/* The folds of a program that starts anew know nothing. */
static void forget(struct two *t)
{
    t->a = (struct adder){.keeps = t->a.keeps};
    t->b = (struct adder){.keeps = t->b.keeps};
}

static void reopen(struct two *t)
{
    forget(t);
    partition_world_open(&t->w);
}

static void end(struct two *t)
{
    partition_world_close(&t->w);
    partition_world_release(&t->w);
}

static void add_sized(struct two *t, struct adder *a, uint64_t number, size_t size)
{
    uint8_t body[4000] = {0};

    put_le64(body, number);
    (void)partition_world_append(&t->w, a == &t->a ? KIND_A : KIND_B + 3, body, size);
    a->sum += number;
    a->count++;
}

static void add(struct two *t, struct adder *a, uint64_t number)
{
    add_sized(t, a, number, 8);
}

/* ---- Folds ---- */

static void test_records_come_back_to_their_fold(void **state)
{
    struct two t;

    (void)state;
    begin(&t);
    assert_int_equal(t.a.opens, 1);
    assert_false(t.a.is_clean); /* nothing was ever closed */
    add(&t, &t.a, 5);
    add(&t, &t.b, 7);
    add(&t, &t.a, 11);
    partition_world_settle(&t.w);
    assert_int_equal(partition_committed(t.w.partition), 3);
    partition_world_crash(&t.w, &(struct sim_crash){.kind = SIM_CRASH_NOTHING}, NULL, NULL);
    reopen(&t);
    assert_int_equal(t.a.sum, 16);
    assert_int_equal(t.a.replays, 2);
    assert_int_equal(t.b.sum, 7);
    assert_int_equal(t.b.replays, 1);
    assert_int_equal(t.a.restores, 0);
    assert_false(t.a.is_clean);
    end(&t);
}

static void test_a_partition_closed_in_peace_is_restored_clean(void **state)
{
    struct two t;

    (void)state;
    begin(&t);
    add(&t, &t.a, 5);
    add(&t, &t.b, 7);
    partition_world_close(&t.w);
    assert_int_equal(t.a.last_saves, 1);
    reopen(&t);
    assert_true(t.a.is_clean && t.b.is_clean);
    assert_int_equal(t.a.restores, 1);
    assert_int_equal(t.a.replays, 0);
    assert_int_equal(t.a.sum, 5);
    assert_int_equal(t.b.sum, 7);
    partition_world_close(&t.w); /* nothing came meanwhile */
    reopen(&t);
    assert_true(t.a.is_clean);
    add(&t, &t.a, 1);
    partition_world_settle(&t.w);
    partition_world_crash(&t.w, &(struct sim_crash){.kind = SIM_CRASH_NOTHING}, NULL, NULL);
    reopen(&t);
    assert_false(t.a.is_clean);
    assert_int_equal(t.a.restores, 1);
    assert_int_equal(t.a.replays, 1);
    assert_int_equal(t.a.sum, 6);
    end(&t);
}

static void test_records_of_nobody_are_refused_with_their_kind(void **state)
{
    struct two t;
    uint64_t number = 9;

    (void)state;
    begin(&t);
    (void)partition_world_append(&t.w, 200, &number, sizeof(number));
    partition_world_settle(&t.w);
    partition_world_crash(&t.w, &(struct sim_crash){.kind = SIM_CRASH_NOTHING}, NULL, NULL);
    forget(&t);
    assert_int_equal(partition_world_try_open(&t.w), ERR_VERSION);
    assert_non_null(strstr(t.w.note.text, "kind 200 at position 0"));
    assert_int_equal(t.a.opens, 0);
    partition_world_release(&t.w);
}

static void test_states_of_nobody_are_refused(void **state)
{
    struct two t;

    (void)state;
    begin(&t);
    partition_world_close(&t.w);
    t.w.fold_count = 1;
    forget(&t);
    assert_int_equal(partition_world_try_open(&t.w), ERR_VERSION);
    assert_non_null(strstr(t.w.note.text, "a part 2"));
    t.w.fold_count = 2;
    partition_world_open(&t.w);
    end(&t);
}

static void test_what_a_fold_answers_stops_the_opening(void **state)
{
    struct two t;

    (void)state;
    begin(&t);
    add(&t, &t.a, 1);
    partition_world_close(&t.w);
    forget(&t);
    t.a.rv = ERR_INVALID;
    assert_int_equal(partition_world_try_open(&t.w), ERR_INVALID);
    assert_string_equal(t.w.note.text, "the adder does not like it");
    assert_int_equal(t.b.restores, 0); /* in their order */
    forget(&t);
    t.b.rv_opened = ERR_DENIED;
    assert_int_equal(partition_world_try_open(&t.w), ERR_DENIED);
    partition_world_settle(&t.w); /* it closes by itself */
    reopen(&t);
    assert_true(t.a.is_clean);
    end(&t);
}

/* ---- Checkpoints ---- */

static void test_a_checkpoint_comes_after_so_many_bytes(void **state)
{
    struct two t;
    uint32_t saves;

    (void)state;
    begin(&t);
    for (uint64_t i = 0; i < 400; i++) {
        add_sized(&t, &t.a, i, 1000);
        partition_world_run_ms(&t.w, 5);
    }
    saves = t.a.saves;
    assert_true(saves >= 8 && saves <= 11);
    partition_world_settle(&t.w);
    assert_int_equal(partition_world_count_files(&t.w, "checkpoint-"), 2);
    assert_true(t.a.sorted > 200); /* old segments went */
    partition_world_crash(&t.w, &(struct sim_crash){.kind = SIM_CRASH_NOTHING}, NULL, NULL);
    reopen(&t);
    assert_int_equal(t.a.sum, 399 * 400 / 2);
    assert_int_equal(t.a.restores, 1);
    assert_true(t.a.replays < 100);
    end(&t);
}

static void test_a_checkpoint_comes_with_time_and_gives_space_back(void **state)
{
    struct two t;

    (void)state;
    begin(&t);
    partition_world_close(&t.w);
    t.w.options.checkpoint_bytes = 1 << 30;
    t.w.options.checkpoint_interval_ms = 1000;
    reopen(&t);
    for (uint64_t i = 0; i < 100; i++) {
        add_sized(&t, &t.a, i, 1000);
        partition_world_run_ms(&t.w, 5);
    }
    assert_int_equal(t.a.saves, 0);
    partition_world_run_ms(&t.w, 1000);
    assert_int_equal(t.a.saves, 1);
    assert_int_equal(t.a.sorted, 0); /* one checkpoint covers it: not enough */
    partition_world_run_ms(&t.w, 1500);
    assert_int_equal(t.a.saves, 2);
    assert_true(t.a.sorted > 60);
    partition_world_run_ms(&t.w, 60000); /* and then there is peace */
    assert_int_equal(t.a.saves, 2);
    partition_world_crash(&t.w, &(struct sim_crash){.kind = SIM_CRASH_NOTHING}, NULL, NULL);
    reopen(&t);
    assert_int_equal(t.a.sum, 99 * 100 / 2);
    end(&t);
}

/* However long syncs may wait otherwise. */
static void test_an_end_in_order_does_not_wait_for_a_sync(void **state)
{
    struct two t;

    (void)state;
    begin(&t);
    partition_world_close(&t.w);
    t.w.log_options.sync_interval_ms = 50000;
    reopen(&t);
    add(&t, &t.a, 3);
    partition_world_run_ms(&t.w, 10);
    uint64_t before = sim_now_ns(t.w.sim);
    partition_world_close(&t.w);
    assert_true(sim_now_ns(t.w.sim) - before < 1000 * PARTITION_WORLD_MS);
    reopen(&t);
    assert_int_equal(t.a.sum, 3);
    assert_int_equal(t.a.replays, 0); /* its checkpoint is the last */
    end(&t);
}

static void test_a_state_that_is_too_large_is_not_kept(void **state)
{
    struct two t;

    (void)state;
    begin(&t);
    partition_world_close(&t.w);
    t.w.options.checkpoint_max_bytes = 60;
    reopen(&t);
    add(&t, &t.a, 3);
    partition_checkpoint(t.w.partition);
    partition_world_settle(&t.w);
    assert_int_equal(t.a.saves, 1);
    assert_non_null(strstr(t.w.said, "makes no checkpoint"));
    partition_world_close(&t.w);
    reopen(&t);
    assert_int_equal(t.a.sum, 3);
    assert_int_equal(t.a.replays, 1);
    end(&t);
}

/* Every checkpoint file is damaged. */
static void hurt_checkpoint(void *owner, const char *path, bool is_dir, uint64_t size)
{
    struct two *t = owner;

    (void)is_dir;
    if (strstr(path, "checkpoint-") != NULL)
        sim_disk_flip_bit(t->w.disk, path, size - 1, 1);
}

static void test_survivors_come_when_all_checkpoints_are_lost(void **state)
{
    struct two t;

    (void)state;
    begin(&t);
    t.a.keeps = true;
    for (uint64_t i = 0; i < 400; i++) {
        add_sized(&t, i % 2 == 0 ? &t.a : &t.b, i, 1000);
        partition_world_run_ms(&t.w, 5);
    }
    partition_world_settle(&t.w);
    partition_world_crash(&t.w, &(struct sim_crash){.kind = SIM_CRASH_NOTHING}, NULL, NULL);
    sim_disk_walk(t.w.disk, hurt_checkpoint, &t);
    reopen(&t);
    assert_true(t.a.survivors > 50);
    assert_int_equal(t.b.survivors, 0);
    assert_int_equal(t.a.count, 200); /* all that a needs; of b only what was not sorted yet */
    assert_int_equal(t.a.sum, 199 * 200);
    assert_true(t.b.count < 150);
    end(&t);
}

/* ---- Watchers ---- */

struct witness {
    struct partition_watcher w;
    uint64_t committed;
    int err;
    uint32_t pressures;
    struct partition_watcher *unwatches; /* at the first commit */
};

static void on_committed(struct partition_watcher *w, uint64_t position)
{
    struct witness *s = CONTAINER_OF(w, struct witness, w);

    assert_true(position >= s->committed); /* P2 */
    s->committed = position;
    if (s->unwatches != NULL)
        partition_unwatch(s->unwatches);
    s->unwatches = NULL;
}

static void on_failed(struct partition_watcher *w, int err)
{
    struct witness *s = CONTAINER_OF(w, struct witness, w);

    s->err = err;
}

static void on_pressure(struct partition_watcher *w, bool is_pressed)
{
    struct witness *s = CONTAINER_OF(w, struct witness, w);

    s->pressures += is_pressed ? 1 : 0;
}

static struct witness witness(void)
{
    return (struct witness){
        .w = {.committed = on_committed, .failed = on_failed, .pressure = on_pressure}};
}

static void test_watchers_may_go_while_they_are_told(void **state)
{
    struct witness first = witness(), second = witness(), third = witness();
    struct two t;

    (void)state;
    begin(&t);
    partition_watch(t.w.partition, &first.w);
    partition_watch(t.w.partition, &second.w);
    partition_watch(t.w.partition, &third.w);
    first.unwatches = &second.w;
    third.unwatches = &third.w;
    add(&t, &t.a, 1);
    assert_int_equal(first.committed, 0);
    partition_world_settle(&t.w);
    assert_int_equal(first.committed, 1);
    assert_int_equal(second.committed, 0);
    assert_int_equal(third.committed, 1);
    add(&t, &t.a, 1);
    partition_world_settle(&t.w);
    assert_int_equal(first.committed, 2);
    assert_int_equal(third.committed, 1);
    partition_unwatch(&second.w);
    add(&t, &t.a, 1);
    partition_world_close(&t.w); /* hears of the last commit; then nobody is watched */
    assert_int_equal(first.committed, 3);
    partition_unwatch(&first.w);
    partition_world_release(&t.w);
}

static void test_a_failed_write_ends_it(void **state)
{
    struct witness s = witness();
    struct two t;
    uint64_t position;
    uint8_t *body;

    (void)state;
    begin(&t);
    add(&t, &t.a, 1);
    partition_world_settle(&t.w);
    partition_watch(t.w.partition, &s.w);
    sim_disk_add_fault(
        t.w.disk,
        &(struct sim_fault){.err = ERR_IO, .ops = SIM_OP_BIT(SIM_OP_SYNC), .path_part = "hot-"});
    add(&t, &t.a, 2);
    partition_checkpoint(t.w.partition);
    partition_world_settle(&t.w);
    assert_int_equal(s.err, ERR_IO);
    assert_int_equal(s.committed, 0);
    assert_int_equal(partition_failed(t.w.partition), ERR_IO);
    assert_int_equal(partition_committed(t.w.partition), 1);
    assert_int_equal(partition_append(t.w.partition,
                                      &(struct log_entry){.kind = KIND_A, .body_size = 8},
                                      &position, &body),
                     ERR_FAILED); /* P4 */
    sim_disk_clear_faults(t.w.disk);
    partition_world_close(&t.w);
    assert_int_equal(t.a.last_saves, 0);
    reopen(&t);
    assert_false(t.a.is_clean);
    assert_true(t.a.sum == 1 || t.a.sum == 3);
    end(&t);
}

static void test_it_can_fail_while_it_is_closed(void **state)
{
    struct two t;

    (void)state;
    begin(&t);
    sim_disk_add_fault(
        t.w.disk,
        &(struct sim_fault){.err = ERR_IO, .ops = SIM_OP_BIT(SIM_OP_SYNC), .path_part = "hot-"});
    add(&t, &t.a, 2);
    partition_world_close(&t.w);
    sim_disk_clear_faults(t.w.disk);
    reopen(&t);
    end(&t);
}

static void test_pressure_is_passed_on(void **state)
{
    struct witness s = witness();
    struct two t;

    (void)state;
    begin(&t);
    partition_watch(t.w.partition, &s.w);
    for (int i = 0; i < 15; i++)
        add_sized(&t, &t.a, 1, 3000);
    assert_true(partition_is_pressed(t.w.partition));
    assert_int_equal(s.pressures, 0);
    partition_world_settle(&t.w);
    assert_int_equal(s.pressures, 1);
    assert_false(partition_is_pressed(t.w.partition));
    end(&t);
}

/* ---- Whole lives ---- */

static void live_once(struct two *t, struct rand *r, uint64_t *confirmed)
{
    struct witness s = witness();
    uint64_t steps = rand_below(r, 120);

    partition_watch(t->w.partition, &s.w);
    for (uint64_t i = 0; i < steps; i++) {
        add_sized(t, rand_chance(r, 1, 2) ? &t->a : &t->b, 1, 8 + rand_below(r, 1500));
        if (rand_chance(r, 1, 3))
            partition_world_run_ms(&t->w, rand_below(r, 5));
        if (rand_chance(r, 1, 20))
            partition_checkpoint(t->w.partition);
    }
    *confirmed = s.committed > *confirmed ? s.committed : *confirmed;
    partition_unwatch(&s.w);
}

static void test_nothing_committed_is_lost_over_many_lives(void **state)
{
    uint64_t confirmed = 0;
    struct rand r;
    struct two t;

    (void)state;
    rand_init(&r, test_seed());
    begin(&t);
    for (int life = 0; life < 60; life++) {
        uint64_t count = t.a.count + t.b.count;

        assert_true(count >= confirmed);
        assert_int_equal(count, partition_next(t.w.partition));
        assert_int_equal(t.a.sum + t.b.sum, count);
        live_once(&t, &r, &confirmed);
        if (rand_chance(&r, 1, 4))
            partition_world_close(&t.w);
        else
            partition_world_crash(
                &t.w, &(struct sim_crash){.kind = SIM_CRASH_RANDOM, .seed = rand_next(&r)}, NULL,
                NULL);
        reopen(&t);
    }
    end(&t);
}

/* ---- Every operation ---- */

/* A life that is looked at after each operation on its disk. */
struct watched {
    struct two *t;
    struct witness witness;
    uint64_t images;
};

/* What the image of a disk holds must be a beginning of the life, with all that was committed. */
static void expect_beginning(const struct watched *w, struct sim_disk *image)
{
    struct two again = {0};

    partition_world_init_on(&again.w, image);
    again.w.folds[0] = fold_of(&again.a, 1, KIND_A);
    again.w.folds[1] = fold_of(&again.b, 2, KIND_B);
    again.w.fold_count = 2;
    partition_world_open(&again.w);
    assert_true(again.a.count + again.b.count >= w->witness.committed);
    assert_true(again.a.count + again.b.count <= w->t->a.count + w->t->b.count + 1);
    assert_int_equal(again.a.sum, again.a.count * 3);
    assert_int_equal(again.b.sum, again.b.count * 5);
    end(&again);
}

static void on_operation(void *owner, struct sim_disk *d, const struct sim_disk_call *call)
{
    static const enum sim_crash_kind kinds[] = {SIM_CRASH_NOTHING, SIM_CRASH_EVERYTHING,
                                                SIM_CRASH_RANDOM};
    struct watched *w = owner;

    if (!sim_op_changes_disk(call->op))
        return;
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        struct sim_crash crash = {.kind = kinds[i], .seed = call->number};

        expect_beginning(w, sim_disk_image(d, &crash));
        w->images++;
    }
}

static void test_every_crash_of_a_life_with_checkpoints_is_survived(void **state)
{
    struct watched w = {.witness = witness()};
    struct two t;

    (void)state;
    begin(&t);
    w.t = &t;
    partition_watch(t.w.partition, &w.witness.w);
    partition_world_settle(&t.w);
    sim_disk_observe(t.w.disk, on_operation, &w);
    for (uint64_t i = 0; i < 150; i++) {
        add_sized(&t, i % 2 == 0 ? &t.a : &t.b, i % 2 == 0 ? 3 : 5, 700);
        if (i % 3 == 0)
            partition_world_run_ms(&t.w, 2);
    }
    partition_unwatch(&w.witness.w);
    w.witness.committed = partition_committed(t.w.partition);
    partition_world_close(&t.w);
    sim_disk_observe(t.w.disk, NULL, NULL);
    assert_true(w.images > 300);
    partition_world_release(&t.w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_records_come_back_to_their_fold),
        LEAK_CHECKED(test_a_partition_closed_in_peace_is_restored_clean),
        LEAK_CHECKED(test_records_of_nobody_are_refused_with_their_kind),
        LEAK_CHECKED(test_states_of_nobody_are_refused),
        LEAK_CHECKED(test_what_a_fold_answers_stops_the_opening),
        LEAK_CHECKED(test_a_checkpoint_comes_after_so_many_bytes),
        LEAK_CHECKED(test_a_checkpoint_comes_with_time_and_gives_space_back),
        LEAK_CHECKED(test_an_end_in_order_does_not_wait_for_a_sync),
        LEAK_CHECKED(test_a_state_that_is_too_large_is_not_kept),
        LEAK_CHECKED(test_survivors_come_when_all_checkpoints_are_lost),
        LEAK_CHECKED(test_watchers_may_go_while_they_are_told),
        LEAK_CHECKED(test_a_failed_write_ends_it),
        LEAK_CHECKED(test_it_can_fail_while_it_is_closed),
        LEAK_CHECKED(test_pressure_is_passed_on),
        LEAK_CHECKED(test_nothing_committed_is_lost_over_many_lives),
        LEAK_CHECKED(test_every_crash_of_a_life_with_checkpoints_is_survived),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
