/* Tests of io/sim/sim_crash.c and sim_pending.c: each kind of crash leaves what it says, every
 * image is legal (K1 to K6 of sim_disk.h), and every legal choice is reached by some seed. */
#include <stdio.h>
#include <string.h>

#include "base/rand.h"
#include "tests/lib/leaks.h"
#include "tests/lib/seed.h"
#include "tests/unit/io/sim/disk_words.h"

/* A disk with one durable file "a" of 4 sectors 'o', of which sectors 1 and 2 were then
 * overwritten with 'n', and 2 more sectors 'n' were added. */
static struct sim_disk *disk_half_written(struct disk_file **out)
{
    struct sim_disk *d = sim_disk_new(NULL);
    struct disk_file *f = open_made(d, "a");

    fill(f, 0, 4, 'o');
    sync_file(f);
    sync_names(d, "/");
    fill(f, 1, 2, 'n');
    fill(f, 4, 2, 'n');
    *out = f;
    return d;
}

static void expect_sectors(const struct sim_disk *d, const struct sim_crash *c,
                           const char *expected)
{
    struct sim_disk *image = sim_disk_image(d, c);

    sim_disk_check(image);
    assert_false(sim_disk_is_dirty(image));
    assert_string_equal(expected, sectors_of(image, "a"));
    sim_disk_free(image);
}

static void test_each_kind_leaves_what_it_says_of_content(void **state)
{
    struct disk_file *f = NULL;
    struct sim_disk *d = disk_half_written(&f);

    (void)state;
    expect_sectors(d, &(struct sim_crash){.kind = SIM_CRASH_NOTHING}, "oooo");
    expect_sectors(d, &(struct sim_crash){.kind = SIM_CRASH_EVERYTHING}, "onnonn");
    expect_sectors(d, &(struct sim_crash){.kind = SIM_CRASH_METADATA_ONLY}, "oooo00");
    expect_sectors(
        d,
        &(struct sim_crash){.kind = SIM_CRASH_METADATA_ONLY, .fill = SIM_FILL_GARBAGE, .seed = 3},
        "oooo??");
    expect_sectors(d, &(struct sim_crash){.kind = SIM_CRASH_DATA_ONLY}, "onno");
    assert_string_equal("onnonn", sectors_of(d, "a"));
    disk_close(f);
    sim_disk_free(d);
}

static void test_each_kind_leaves_what_it_says_of_names(void **state)
{
    static const bool has_new[SIM_CRASH_KIND_COUNT] = {
        [SIM_CRASH_EVERYTHING] = true, [SIM_CRASH_METADATA_ONLY] = true, [SIM_CRASH_TORN] = true};
    struct sim_disk *d = sim_disk_new(NULL);

    (void)state;
    make_durable(d, "/", "old", "1");
    rename_file(d, "old", "new");
    for (int k = 0; k < SIM_CRASH_RANDOM; k++) {
        struct sim_disk *image = image_of(d, (enum sim_crash_kind)k);
        assert_int_equal(has_new[k], sim_disk_has(image, "new"));
        assert_int_equal(!has_new[k], sim_disk_has(image, "old"));
        sim_disk_free(image);
    }
    sim_disk_free(d);
}

static void test_a_crash_in_place_is_the_same_as_an_image(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 50; seed++) {
        struct disk_file *f = NULL;
        struct sim_disk *d = disk_half_written(&f);
        struct sim_crash c = {.kind = SIM_CRASH_RANDOM, .seed = seed};
        struct sim_disk *image = sim_disk_image(d, &c);
        struct sim_disk *again = sim_disk_image(d, &c);
        sim_disk_crash(d, &c);
        assert_true(sim_disk_digest(image) == sim_disk_digest(d));
        assert_true(sim_disk_digest(image) == sim_disk_digest(again));
        disk_close(f);
        sim_disk_free(d);
        sim_disk_free(image);
        sim_disk_free(again);
    }
}

/* ---- torn writes ---- */

static void test_a_write_is_torn_at_any_sector_from_either_side(void **state)
{
    static const char *const heads[] = {"onooooo", "onnoooo", "onnnooo", "onnnnoo"};
    static const char *const tails[] = {"onooooo", "onoooon", "onooonn", "onoonnn"};
    struct sim_disk *d = sim_disk_new(NULL);
    struct disk_file *f = open_made(d, "a");

    (void)state;
    fill(f, 0, 7, 'o');
    sync_file(f);
    sync_names(d, "/");
    assert_int_equal(0, sim_disk_torn_max(d));
    fill(f, 1, 1, 'n');
    fill(f, 2, 5, 'n');
    assert_int_equal(5, sim_disk_torn_max(d));
    for (uint64_t s = 0; s < 4; s++) {
        expect_sectors(d, &(struct sim_crash){.kind = SIM_CRASH_TORN, .torn_sectors = s}, heads[s]);
        expect_sectors(
            d, &(struct sim_crash){.kind = SIM_CRASH_TORN, .torn_sectors = s, .keeps_tail = true},
            tails[s]);
    }
    expect_sectors(d, &(struct sim_crash){.kind = SIM_CRASH_TORN, .torn_sectors = 5}, "onnnnnn");
    sync_file(f);
    assert_int_equal(0, sim_disk_torn_max(d));
    disk_close(f);
    sim_disk_free(d);
}

static void test_a_torn_write_that_grew_the_file_is_cut_or_filled(void **state)
{
    struct sim_disk *d = sim_disk_new(NULL);
    struct disk_file *f = open_made(d, "a");

    (void)state;
    fill(f, 0, 2, 'o');
    sync_file(f);
    sync_names(d, "/");
    fill(f, 1, 4, 'n');
    expect_sectors(d, &(struct sim_crash){.kind = SIM_CRASH_TORN, .torn_sectors = 2}, "onn00");
    expect_sectors(
        d, &(struct sim_crash){.kind = SIM_CRASH_TORN, .torn_sectors = 2, .is_cut = true}, "onn");
    expect_sectors(
        d, &(struct sim_crash){.kind = SIM_CRASH_TORN, .torn_sectors = 0, .is_cut = true}, "oo");
    expect_sectors(
        d,
        &(struct sim_crash){
            .kind = SIM_CRASH_TORN, .torn_sectors = 2, .seed = 1, .fill = SIM_FILL_GARBAGE},
        "onn??");
    expect_sectors(d,
                   &(struct sim_crash){.kind = SIM_CRASH_TORN, .seed = 1, .fill = SIM_FILL_GARBAGE},
                   "oo???"); /* what was there before is not garbage */
    disk_close(f);
    sim_disk_free(d);
}

static void test_bytes_before_a_torn_write_in_the_same_sector_stay(void **state)
{
    struct sim_disk *d = sim_disk_new(NULL);
    struct sim_crash c = {.kind = SIM_CRASH_TORN, .torn_sectors = 0, .is_cut = true};
    struct sim_disk *image = NULL;
    struct disk_file *f = open_made(d, "a");

    (void)state;
    write_text(f, 0, "durable ");
    sync_file(f);
    sync_names(d, "/");
    write_text(f, 8, "written ");
    write_text(f, 16, "torn");
    image = sim_disk_image(d, &c);
    expect_text(image, "a", "durable written ");
    sim_disk_free(image);
    disk_close(f);
    sim_disk_free(d);
}

static void test_the_last_write_of_a_clone_of_a_clone_can_be_torn(void **state)
{
    struct sim_disk *d = sim_disk_new(NULL);
    struct sim_crash c = {.kind = SIM_CRASH_TORN, .torn_sectors = 1};
    struct sim_disk *first = NULL;
    struct sim_disk *second = NULL;
    struct disk_file *f = NULL;

    (void)state;
    sim_disk_put(d, "old", "x", 1);
    first = sim_disk_clone(d);
    f = open_made(first, "a");
    fill(f, 0, 2, 'n');
    disk_close(f);
    second = sim_disk_clone(first);
    expect_sectors(second, &c, "n0");
    expect_text(second, "old", "x");
    sim_disk_free(d);
    sim_disk_free(first);
    sim_disk_free(second);
}

/* ---- content: a model in the test ---- */

enum { MODEL_SECTORS = 24, MODEL_FILES = 3 };

/* What the test knows of one file; a sector's content is a letter, '0' for zeros. */
struct model {
    struct disk_file *file;
    char path[4];
    char now[MODEL_SECTORS + 1];
    char synced[MODEL_SECTORS + 1];
    bool is_dirty[MODEL_SECTORS];
    bool was_saved[MODEL_SECTORS];
};

/* Sorts of choice that were seen; each must be seen at last. */
enum seen {
    SEEN_OLD,
    SEEN_NEW,
    SEEN_ZERO,
    SEEN_GARBAGE,
    SEEN_UNWRITTEN_GARBAGE,
    SEEN_OLD_SIZE,
    SEEN_NEW_SIZE,
    SEEN_SIZE_BETWEEN,
    SEEN_COUNT,
};

static void model_step(struct model *m, struct rand *r)
{
    size_t first = (size_t)rand_below(r, MODEL_SECTORS);
    size_t count = 1 + (size_t)rand_below(r, MODEL_SECTORS - first < 5 ? MODEL_SECTORS - first : 5);
    char letter = (char)('a' + rand_below(r, 26));
    size_t size = strlen(m->now);

    switch (rand_below(r, 6)) {
    case 0:
        sync_file(m->file);
        memcpy(m->synced, m->now, sizeof(m->synced));
        for (size_t i = 0; i < MODEL_SECTORS; i++)
            m->was_saved[i] = m->was_saved[i] || m->is_dirty[i];
        memset(m->is_dirty, 0, sizeof(m->is_dirty));
        break;
    case 1:
        assert_int_equal(0, disk_allocate(m->file, (first + 1) * SIM_SECTOR));
        for (; size < first + 1; size++)
            m->now[size] = '0';
        break;
    default:
        fill(m->file, first, count, letter);
        for (; size < first; size++)
            m->now[size] = '0';
        for (size_t i = first; i < first + count; i++) {
            m->now[i] = letter;
            m->is_dirty[i] = true;
        }
        break;
    }
}

/* Checks one sector of an image against K1 to K3 and notes which choice it shows. */
static void model_check_sector(const struct model *m, size_t i, char got, bool seen[SEEN_COUNT])
{
    size_t durable = strlen(m->synced);
    char old = i < durable ? m->synced[i] : '0';

    if (!m->is_dirty[i] && i < durable) {
        assert_int_equal(old, got); /* K1 */
        return;
    }
    if (!m->is_dirty[i]) {
        seen[SEEN_UNWRITTEN_GARBAGE] = seen[SEEN_UNWRITTEN_GARBAGE] || got != '0';
        return; /* K3: zeros or anything */
    }
    if (m->was_saved[i])
        assert_true(got == old || got == m->now[i]); /* K2 */
    if (old == m->now[i])
        return;
    seen[SEEN_NEW] = seen[SEEN_NEW] || got == m->now[i];
    seen[SEEN_OLD] = seen[SEEN_OLD] || (m->was_saved[i] && got == old);
    seen[SEEN_ZERO] = seen[SEEN_ZERO] || (!m->was_saved[i] && got == '0');
    seen[SEEN_GARBAGE] = seen[SEEN_GARBAGE] || (!m->was_saved[i] && got == '?');
}

static void model_check(const struct model *m, const struct sim_disk *image, bool seen[SEEN_COUNT])
{
    const char *got = sectors_of(image, m->path);
    size_t size = strlen(got);
    size_t durable = strlen(m->synced);
    size_t cached = strlen(m->now);

    assert_true(durable <= size && size <= cached); /* K3 */
    if (durable < cached) {
        seen[SEEN_OLD_SIZE] = seen[SEEN_OLD_SIZE] || size == durable;
        seen[SEEN_NEW_SIZE] = seen[SEEN_NEW_SIZE] || size == cached;
        seen[SEEN_SIZE_BETWEEN] = seen[SEEN_SIZE_BETWEEN] || (durable < size && size < cached);
    }
    /* the last sector may be cut by the size: then its letter still is what it is full of */
    for (size_t i = 0; i < size; i++)
        model_check_sector(m, i, got[i], seen);
}

static void model_story(uint64_t seed, bool seen[SEEN_COUNT])
{
    struct sim_disk *d = sim_disk_new(NULL);
    struct model models[MODEL_FILES] = {{0}};
    struct rand r;

    rand_init(&r, seed);
    for (size_t i = 0; i < MODEL_FILES; i++) {
        snprintf(models[i].path, sizeof(models[i].path), "f%zu", i);
        models[i].file = open_made(d, models[i].path);
    }
    sync_names(d, "/");
    for (int step = 0; step < 60; step++) {
        model_step(&models[rand_below(&r, MODEL_FILES)], &r);
        struct sim_crash c = {.kind = SIM_CRASH_RANDOM, .seed = rand_next(&r)};
        struct sim_disk *image = sim_disk_image(d, &c);
        sim_disk_check(image);
        for (size_t i = 0; i < MODEL_FILES; i++)
            model_check(&models[i], image, seen);
        sim_disk_free(image);
    }
    sim_disk_check(d);
    for (size_t i = 0; i < MODEL_FILES; i++)
        disk_close(models[i].file);
    sim_disk_free(d);
}

static void test_content_after_random_crashes_is_legal_and_all_choices_are_reached(void **state)
{
    bool seen[SEEN_COUNT] = {false};

    (void)state;
    for (uint64_t i = 0; i < 100; i++)
        model_story(test_seed() + i, seen);
    for (size_t i = 0; i < SEEN_COUNT; i++)
        assert_true(seen[i]);
}

static void test_room_that_was_only_allocated_may_hold_anything(void **state)
{
    static const struct sim_crash garbage = {
        .kind = SIM_CRASH_METADATA_ONLY, .fill = SIM_FILL_GARBAGE, .seed = 3};
    struct sim_disk *d = sim_disk_new(NULL);
    struct sim_disk *image = NULL;
    struct disk_file *f = open_made(d, "a");

    (void)state;
    fill(f, 0, 1, 'o');
    sync_file(f);
    sync_names(d, "/");
    assert_int_equal(0, disk_allocate(f, 20 * SIM_SECTOR));
    expect_sectors(d, &(struct sim_crash){.kind = SIM_CRASH_EVERYTHING}, "o0000000000000000000");
    image = sim_disk_image(d, &garbage);
    assert_int_equal(20, strlen(sectors_of(image, "a")));
    assert_null(strchr(sectors_of(image, "a"), '0'));
    assert_non_null(strchr(sectors_of(image, "a") + 8, '?')); /* also where no page was touched */
    sim_disk_free(image);
    sync_file(f);
    expect_sectors(d, &garbage, "o0000000000000000000");
    disk_close(f);
    sim_disk_free(d);
}

static void test_what_a_crash_cut_off_does_not_come_back(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 50; seed++) {
        struct sim_disk *d = sim_disk_new(NULL);
        struct disk_file *f = open_made(d, "a");
        struct sim_crash c = {.kind = SIM_CRASH_RANDOM, .seed = seed};
        uint64_t size = 0;
        char zeros[8 * SIM_SECTOR] = {0};
        char rest[8 * SIM_SECTOR];
        sync_names(d, "/");
        fill(f, 0, 8, 'x');
        sim_disk_crash(d, &c);
        disk_close(f);
        size = sim_disk_file_size(d, "a");
        f = open_made(d, "a");
        assert_int_equal(0, disk_allocate(f, sizeof(rest)));
        sim_disk_peek(d, "a", size, rest, sizeof(rest) - size);
        assert_memory_equal(zeros, rest, sizeof(rest) - size);
        disk_close(f);
        sim_disk_free(d);
    }
}

static void test_synced_bytes_survive_any_number_of_crashes(void **state)
{
    struct sim_disk *d = sim_disk_new(NULL);
    struct rand r;
    uint64_t records = 0;

    (void)state;
    rand_init(&r, test_seed());
    make_durable(d, "/", "log", "");
    for (int round = 0; round < 60; round++) {
        struct disk_file *f = open_made(d, "log");
        uint64_t value = 0;
        for (uint64_t i = 0; i < records; i++) {
            assert_int_equal(0, disk_read_all(f, &value, sizeof(value), i * sizeof(value)));
            assert_int_equal(i, value);
        }
        for (int i = 0; i < 40; i++) {
            value = records++;
            assert_int_equal(0, try_write(f, value * sizeof(value), &value, sizeof(value)));
        }
        sync_file(f);
        value = UINT64_MAX;
        assert_int_equal(0, try_write(f, records * sizeof(value), &value, sizeof(value)));
        struct sim_crash c = {.kind = (enum sim_crash_kind)rand_below(&r, SIM_CRASH_KIND_COUNT),
                              .seed = rand_next(&r)};
        sim_disk_crash(d, &c);
        disk_close(f);
    }
    sim_disk_free(d);
}

/* ---- names ---- */

static void test_a_synced_file_without_a_synced_name_is_gone(void **state)
{
    struct sim_disk *d = sim_disk_new(NULL);
    struct disk_file *f = open_made(d, "a");
    struct sim_disk *image = NULL;

    (void)state;
    write_text(f, 0, "x");
    sync_file(f);
    disk_close(f);
    image = image_of(d, SIM_CRASH_NOTHING);
    assert_false(sim_disk_has(image, "a"));
    sim_disk_free(image);
    sync_names(d, "/");
    image = image_of(d, SIM_CRASH_NOTHING);
    expect_text(image, "a", "x");
    sim_disk_free(image);
    sim_disk_free(d);
}

static void test_a_synced_name_does_not_sync_the_content(void **state)
{
    struct sim_disk *d = sim_disk_new(NULL);
    struct sim_disk *image = NULL;

    (void)state;
    make_file(d, "a", "x");
    sync_names(d, "/");
    image = image_of(d, SIM_CRASH_NOTHING);
    expect_text(image, "a", "");
    sim_disk_free(image);
    sim_disk_free(d);
}

static void test_names_in_a_directory_need_the_directory_itself(void **state)
{
    struct sim_disk *d = sim_disk_new(NULL);
    struct sim_disk *image = NULL;

    (void)state;
    make_dir(d, "p");
    make_durable(d, "p", "p/a", "x");
    image = image_of(d, SIM_CRASH_NOTHING);
    assert_false(sim_disk_has(image, "p"));
    assert_int_equal(0, sim_disk_used_bytes(image));
    sim_disk_free(image);
    sync_names(d, "/");
    image = image_of(d, SIM_CRASH_NOTHING);
    expect_text(image, "p/a", "x");
    sim_disk_free(image);
    sim_disk_free(d);
}

static void test_a_renamed_over_file_is_the_old_or_the_new_one_whole(void **state)
{
    struct sim_disk *d = sim_disk_new(NULL);
    bool old_seen = false;
    bool new_seen = false;
    struct disk_file *f = NULL;

    (void)state;
    make_durable(d, "/", "meta", "old");
    f = open_made(d, "meta.tmp");
    write_text(f, 0, "newer");
    sync_file(f);
    disk_close(f);
    rename_file(d, "meta.tmp", "meta");
    for (uint64_t seed = 0; seed < 100; seed++) {
        struct sim_crash c = {.kind = SIM_CRASH_RANDOM, .seed = seed};
        struct sim_disk *image = sim_disk_image(d, &c);
        bool is_new = sim_disk_file_size(image, "meta") == 5;
        expect_text(image, "meta", is_new ? "newer" : "old");
        assert_true(!is_new || !sim_disk_has(image, "meta.tmp"));
        old_seen = old_seen || !is_new;
        new_seen = new_seen || is_new;
        sim_disk_free(image);
    }
    assert_true(old_seen && new_seen);
    sim_disk_free(d);
}

static void test_a_rename_between_directories_may_leave_both_names_but_never_none(void **state)
{
    struct sim_disk *d = sim_disk_new(NULL);
    struct sim_disk *image = NULL;

    (void)state;
    make_dir(d, "p");
    make_dir(d, "q");
    sync_names(d, "/");
    make_durable(d, "p", "p/a", "x");
    rename_file(d, "p/a", "q/a");
    sync_names(d, "q");
    image = image_of(d, SIM_CRASH_NOTHING);
    expect_text(image, "p/a", "x");
    expect_text(image, "q/a", "x");
    sim_disk_free(image);
    image = image_of(d, SIM_CRASH_EVERYTHING);
    assert_false(sim_disk_has(image, "p/a"));
    expect_text(image, "q/a", "x");
    sim_disk_free(image);

    rename_file(d, "q/a", "p/b");
    sync_names(d, "q"); /* the old side alone: then the new name is durable too */
    image = image_of(d, SIM_CRASH_NOTHING);
    assert_false(sim_disk_has(image, "q/a"));
    expect_text(image, "p/b", "x");
    sim_disk_free(image);
    sim_disk_free(d);
}

static void test_a_later_name_never_overtakes_what_it_needs(void **state)
{
    struct sim_disk *d = sim_disk_new(NULL);
    struct sim_disk *image = NULL;

    (void)state;
    make_dir(d, "p");
    make_dir(d, "q");
    sync_names(d, "/");
    make_durable(d, "p", "p/a", "1");
    make_durable(d, "q", "q/a", "2");
    remove_file(d, "q/a");
    make_file(d, "q/a", "3");
    rename_file(d, "p/a", "q/a");
    sync_names(d, "p"); /* carries the rename, and so what happened to "q/a" before it */
    image = image_of(d, SIM_CRASH_NOTHING);
    expect_text(image, "q/a", "1");
    sim_disk_free(image);
    sync_names(d, "q");
    image = image_of(d, SIM_CRASH_NOTHING);
    expect_text(image, "q/a", "1");
    sim_disk_free(image);
    sim_disk_free(d);
}

static void test_no_crash_puts_directories_into_each_other(void **state)
{
    struct sim_disk *d = sim_disk_new(NULL);

    (void)state;
    sim_disk_put(d, "a/1", "1", 1);
    sim_disk_put(d, "b/2", "2", 1);
    rename_file(d, "b", "a/b");
    rename_file(d, "a/b", "c");
    rename_file(d, "a", "c/a");
    for (uint64_t seed = 0; seed < 200; seed++) {
        struct sim_crash c = {.kind = SIM_CRASH_RANDOM, .seed = seed};
        struct sim_disk *image = sim_disk_image(d, &c);
        assert_true(sim_disk_has(image, "a/1") || sim_disk_has(image, "c/a/1"));
        assert_true(sim_disk_has(image, "b/2") || sim_disk_has(image, "a/b/2") ||
                    sim_disk_has(image, "c/2"));
        sim_disk_free(image);
    }
    sim_disk_free(d);
}

/* All states of the names a, b, c that crashes may leave, found by brute force. A state is one
 * letter for each name: which file it is, or '-'. */
enum { STORY_OPS = 6, STORY_NAMES = 3, STATES_MAX = 64, STORY_CRASHES_MAX = 50000 };

struct name_op {
    int from; /* index of a name, or -1 */
    int to;
    char file; /* what `to` becomes */
};

struct states {
    char text[STATES_MAX][STORY_NAMES + 1];
    bool was_seen[STATES_MAX];
    size_t count;
    size_t seen_count;
};

static bool ops_touch(const struct name_op *a, const struct name_op *b)
{
    return (a->from >= 0 && (a->from == b->from || a->from == b->to)) ||
           (a->to >= 0 && (a->to == b->from || a->to == b->to));
}

/* Whether the subset holds, with each op, all earlier ones that touch a name of it. */
static bool is_closed(const struct name_op *ops, size_t count, unsigned subset)
{
    for (size_t j = 0; j < count; j++)
        for (size_t i = 0; i < j; i++)
            if ((subset & 1u << j) != 0 && (subset & 1u << i) == 0 && ops_touch(&ops[i], &ops[j]))
                return false;
    return true;
}

static size_t states_find(const struct states *s, const char *text)
{
    size_t i = 0;

    while (i < s->count && strcmp(s->text[i], text) != 0)
        i++;
    return i;
}

static void states_add(struct states *s, const struct name_op *ops, size_t count, unsigned subset,
                       const char *start)
{
    char text[STORY_NAMES + 1];

    memcpy(text, start, sizeof(text));
    for (size_t i = 0; i < count; i++) {
        if ((subset & 1u << i) == 0)
            continue;
        if (ops[i].from >= 0)
            text[ops[i].from] = '-';
        if (ops[i].to >= 0)
            text[ops[i].to] = ops[i].file;
    }
    if (states_find(s, text) == s->count)
        memcpy(s->text[s->count++], text, sizeof(text));
}

static void states_fill(struct states *s, const struct name_op *ops, size_t count,
                        const char *start, bool ordered)
{
    for (unsigned subset = 0; subset < 1u << count; subset++) {
        bool is_prefix = (subset & (subset + 1)) == 0;
        if (ordered ? is_prefix : is_closed(ops, count, subset))
            states_add(s, ops, count, subset, start);
    }
}

static void image_state(const struct sim_disk *image, char text[STORY_NAMES + 1])
{
    for (size_t i = 0; i < STORY_NAMES; i++) {
        char path[2] = {(char)('a' + i), '\0'};
        text[i] = '-';
        if (sim_disk_has(image, path))
            sim_disk_peek(image, path, 0, &text[i], 1);
    }
    text[STORY_NAMES] = '\0';
}

static void note_state(struct states *s, const struct sim_disk *image)
{
    char text[STORY_NAMES + 1];
    size_t i = 0;

    image_state(image, text);
    i = states_find(s, text);
    assert_true(i < s->count); /* legal */
    s->seen_count += !s->was_seen[i];
    s->was_seen[i] = true;
}

/* Does one change by chance; `live` is the state before and after. */
static struct name_op change_names(struct sim_disk *d, struct rand *r, char *live, char *next_file)
{
    struct name_op op = {.from = (int)rand_below(r, STORY_NAMES), .to = -1};
    char from[2] = {(char)('a' + op.from), '\0'};
    char to[2] = {(char)('a' + rand_below(r, STORY_NAMES)), '\0'};

    if (live[op.from] == '-') { /* create; durable content, so that only names are in doubt */
        struct disk_file *f = open_made(d, from);
        assert_int_equal(0, try_write(f, 0, next_file, 1));
        sync_file(f);
        disk_close(f);
        op = (struct name_op){.from = -1, .to = op.from, .file = (*next_file)++};
        live[op.to] = op.file;
    } else if (to[0] == from[0]) {
        remove_file(d, from);
        live[op.from] = '-';
    } else {
        rename_file(d, from, to);
        op.to = to[0] - 'a';
        op.file = live[op.from];
        live[op.to] = op.file;
        live[op.from] = '-';
    }
    return op;
}

static void names_story(uint64_t seed, enum sim_names names)
{
    struct sim_disk *d = sim_disk_new(NULL);
    struct name_op ops[STORY_OPS];
    struct states states = {.count = 0};
    char live[STORY_NAMES + 1] = "---";
    char start[STORY_NAMES + 1];
    char next_file = 'A';
    struct rand r;

    rand_init(&r, seed);
    for (int i = 0; i < 4; i++)
        change_names(d, &r, live, &next_file);
    sync_names(d, "/");
    memcpy(start, live, sizeof(start));
    for (int i = 0; i < STORY_OPS; i++)
        ops[i] = change_names(d, &r, live, &next_file);
    states_fill(&states, ops, STORY_OPS, start, names == SIM_NAMES_ORDERED);
    for (uint64_t i = 0; i < 200 || states.seen_count < states.count; i++) {
        struct sim_crash c = {.kind = SIM_CRASH_RANDOM, .names = names, .seed = seed + i};
        struct sim_disk *image = sim_disk_image(d, &c);
        assert_true(i < STORY_CRASHES_MAX);
        note_state(&states, image);
        sim_disk_free(image);
    }
    sim_disk_check(d);
    sim_disk_free(d);
}

static void test_names_after_random_crashes_are_exactly_the_legal_ones(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 30; i++)
        names_story(test_seed() + i, SIM_NAMES_INDEPENDENT);
}

static void test_names_after_ordered_crashes_are_exactly_the_prefixes(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 30; i++)
        names_story(test_seed() + i, SIM_NAMES_ORDERED);
}

static void test_an_ordered_crash_keeps_what_came_before_something_durable(void **state)
{
    struct sim_disk *d = sim_disk_new(NULL);

    (void)state;
    make_dir(d, "p");
    sync_names(d, "/");
    make_file(d, "a", "");
    make_durable(d, "p", "p/b", "");
    make_file(d, "c", "");
    for (uint64_t seed = 0; seed < 50; seed++) {
        struct sim_crash c = {.kind = SIM_CRASH_RANDOM, .names = SIM_NAMES_ORDERED, .seed = seed};
        struct sim_disk *image = sim_disk_image(d, &c);
        assert_true(sim_disk_has(image, "a")); /* a journal wrote it before "p/b" */
        assert_true(sim_disk_has(image, "p/b"));
        sim_disk_free(image);
    }
    sim_disk_free(d);
}

/* ---- after the crash ---- */

static void test_files_of_before_the_crash_are_dead(void **state)
{
    struct sim_disk *d = sim_disk_new(NULL);
    struct disk_file *f = open_made(d, "a");
    struct sim_crash c = {.kind = SIM_CRASH_EVERYTHING};
    uint64_t size = 0;
    char buf[1];
    size_t done = 0;

    (void)state;
    write_text(f, 0, "x");
    sim_disk_crash(d, &c);
    assert_int_equal(0, sim_disk_open_files(d));
    assert_int_equal(ERR_IO, try_write(f, 0, "y", 1));
    assert_int_equal(ERR_IO, disk_read(f, buf, 1, 0, &done));
    assert_int_equal(ERR_IO, disk_sync(f));
    assert_int_equal(ERR_IO, disk_allocate(f, 100));
    assert_int_equal(ERR_IO, disk_size(f, &size));
    expect_text(d, "a", "x");
    disk_close(f);
    sim_disk_free(d);
}

static void test_space_is_counted_anew_after_a_crash(void **state)
{
    struct sim_disk_options o = {.capacity_bytes = 4 * SIM_PAGE};
    struct sim_disk *d = sim_disk_new(&o);
    struct disk_file *f = open_made(d, "a");
    struct sim_crash c = {.kind = SIM_CRASH_NOTHING};

    (void)state;
    sync_names(d, "/");
    fill(f, 0, 8, 'x');
    sync_file(f);
    fill(f, 8, 16, 'y');
    make_file(d, "b", "z");
    assert_int_equal(4 * SIM_PAGE, sim_disk_used_bytes(d));
    sim_disk_crash(d, &c);
    disk_close(f);
    f = open_made(d, "a");
    assert_int_equal(SIM_PAGE, sim_disk_used_bytes(d));
    fill(f, 24, 1, 'x'); /* two pages between are a hole, until garbage shows up there */
    assert_int_equal(2 * SIM_PAGE, sim_disk_used_bytes(d));
    c = (struct sim_crash){.kind = SIM_CRASH_METADATA_ONLY, .fill = SIM_FILL_GARBAGE};
    sim_disk_crash(d, &c);
    assert_int_equal(4 * SIM_PAGE, sim_disk_used_bytes(d));
    sim_disk_check(d);
    disk_close(f);
    sim_disk_free(d);
}

static void test_a_crash_says_its_name(void **state)
{
    struct sim_crash c = {.kind = SIM_CRASH_TORN, .torn_sectors = 3, .keeps_tail = true};
    char buf[80];

    (void)state;
    assert_string_equal("torn, last 3 sectors, zero, seed=0", sim_crash_text(&c, buf, sizeof(buf)));
    c = (struct sim_crash){.kind = SIM_CRASH_RANDOM, .names = SIM_NAMES_ORDERED, .seed = 7};
    assert_string_equal("random, names ordered, seed=7", sim_crash_text(&c, buf, sizeof(buf)));
    c = (struct sim_crash){.kind = SIM_CRASH_NOTHING};
    assert_string_equal("nothing", sim_crash_text(&c, buf, sizeof(buf)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_each_kind_leaves_what_it_says_of_content),
        LEAK_CHECKED(test_each_kind_leaves_what_it_says_of_names),
        LEAK_CHECKED(test_a_crash_in_place_is_the_same_as_an_image),
        LEAK_CHECKED(test_a_write_is_torn_at_any_sector_from_either_side),
        LEAK_CHECKED(test_a_torn_write_that_grew_the_file_is_cut_or_filled),
        LEAK_CHECKED(test_bytes_before_a_torn_write_in_the_same_sector_stay),
        LEAK_CHECKED(test_the_last_write_of_a_clone_of_a_clone_can_be_torn),
        LEAK_CHECKED(test_content_after_random_crashes_is_legal_and_all_choices_are_reached),
        LEAK_CHECKED(test_room_that_was_only_allocated_may_hold_anything),
        LEAK_CHECKED(test_what_a_crash_cut_off_does_not_come_back),
        LEAK_CHECKED(test_synced_bytes_survive_any_number_of_crashes),
        LEAK_CHECKED(test_a_synced_file_without_a_synced_name_is_gone),
        LEAK_CHECKED(test_a_synced_name_does_not_sync_the_content),
        LEAK_CHECKED(test_names_in_a_directory_need_the_directory_itself),
        LEAK_CHECKED(test_a_renamed_over_file_is_the_old_or_the_new_one_whole),
        LEAK_CHECKED(test_a_rename_between_directories_may_leave_both_names_but_never_none),
        LEAK_CHECKED(test_a_later_name_never_overtakes_what_it_needs),
        LEAK_CHECKED(test_no_crash_puts_directories_into_each_other),
        LEAK_CHECKED(test_names_after_random_crashes_are_exactly_the_legal_ones),
        LEAK_CHECKED(test_names_after_ordered_crashes_are_exactly_the_prefixes),
        LEAK_CHECKED(test_an_ordered_crash_keeps_what_came_before_something_durable),
        LEAK_CHECKED(test_files_of_before_the_crash_are_dead),
        LEAK_CHECKED(test_space_is_counted_anew_after_a_crash),
        LEAK_CHECKED(test_a_crash_says_its_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
