/* Tests of log/inspect.h: what is told of a good log, of a data directory, of a file alone. */
#include "log/inspect.h"

#include "log/statefile.h"
#include "tests/unit/log/inspect_seen.h"

static void test_a_good_log_is_shown_whole(void **state)
{
    struct demo d;
    struct seen *s;
    uint64_t before;

    (void)state;
    demo_make_full(&d, 1);
    before = sim_disk_digest(d.disk);
    s = see(d.disk);
    assert_string_equal(s->told.text, "");
    assert_true(sim_disk_digest(d.disk) == before);
    assert_true(s->told.log.is_begun);
    assert_int_equal(s->told.log.next, d.appended);
    assert_int_equal(s->told.log.durable, d.appended);
    assert_true(s->told.log.first > 0);
    assert_int_equal(s->told.log.epoch, 2);
    assert_int_equal(s->told.log.cold_segments, s->entries);
    assert_int_equal(s->told.log.hot_segments + s->entries, s->segment_count);
    assert_true(s->told.log.spares > 0);
    assert_int_equal(s->slots, 2);
    assert_int_equal(s->copies, 2);
    assert_int_equal(s->checkpoints, 2);
    assert_true(s->index_entries >= s->segment_count - 1);
    assert_int_equal(s->others[INSPECT_SPARE], s->told.log.spares);
    assert_int_equal(s->others[INSPECT_FOREIGN], 0);
    mem_free(s);
    demo_release(&d);
}

static void test_segments_add_up_to_the_row(void **state)
{
    struct demo d;
    struct seen *s;
    uint64_t next;

    (void)state;
    demo_make_full(&d, 1);
    s = see(d.disk);
    next = s->told.log.first;
    for (size_t i = 0; i < s->told.log.hot_segments; i++) {
        const struct inspect_segment *g = &s->segments[i];

        assert_int_equal(g->first, next);
        assert_int_equal(g->records, g->end - g->first);
        assert_true(g->is_read && g->is_header_good && !g->is_damaged);
        assert_int_equal(g->is_last, i + 1 == s->told.log.hot_segments);
        assert_int_equal(g->tail == INSPECT_TAIL_SEALED, !g->is_last);
        next = g->end;
    }
    assert_int_equal(next, d.appended);
    mem_free(s);
    demo_release(&d);
}

static void test_only_the_wanted_numbers_are_shown(void **state)
{
    struct demo d;
    struct told *t = MEM_NEW(struct told);
    struct err_note note = {{0}};
    uint64_t first;

    (void)state;
    demo_make_full(&d, 1);
    demo_inspect(d.disk, t);
    first = t->log.first;
    for (int verifies = 0; verifies < 2; verifies++) {
        told_init(t, d.disk);
        t->in.verifies = verifies != 0;
        t->in.from = first + 3;
        t->in.count = 5;
        assert_int_equal(inspect_directory(&t->in, "log", &note), 0);
        assert_int_equal(t->records, 5); /* lanes end below */
    }
    mem_free(t);
    demo_release(&d);
}

static void test_without_being_asked_sealed_batches_are_not_read(void **state)
{
    struct demo d;
    struct seen *s;
    struct told *t = MEM_NEW(struct told);
    struct err_note note = {{0}};

    (void)state;
    demo_make_full(&d, 1);
    s = see(d.disk);
    sim_disk_flip_bit(d.disk, hot_batch(s, 1)->path, hot_batch(s, 1)->at + 70, 3);
    told_init(t, d.disk);
    t->in.verifies = false;
    t->in.visitor.on_record = NULL;
    assert_int_equal(inspect_directory(&t->in, "log", &note), 0);
    assert_string_equal(t->text, "");
    assert_int_equal(t->log.next, d.appended);
    mem_free(t);
    mem_free(s);
    demo_release(&d);
}

/* ---- Other files ---- */

static void test_files_that_do_not_count_are_notes(void **state)
{
    struct demo d;
    struct seen *s;

    (void)state;
    demo_make_full(&d, 1);
    sim_disk_duplicate(d.disk, "log/cold-0000000000000001.seg", "log/cold-00000000000000ff.seg");
    sim_disk_duplicate(d.disk, "log/cold-0000000000000001.seg", "log/hot-0000000000000000.seg");
    sim_disk_put(d.disk, "log/manifest.new", "x", 1);
    sim_disk_put(d.disk, "log/my-notes.txt", "x", 1);
    sim_disk_put(d.disk, "log/HOT-0000000000000000.seg", "x", 1);
    sim_disk_put(d.disk, "log/trash/old", "x", 1);
    sim_disk_put(d.disk, "log/wounded/cold-0000000000000000.seg", "x", 1);
    s = see(d.disk);
    assert_int_equal(s->others[INSPECT_UNNAMED], 1);
    assert_int_equal(s->others[INSPECT_SORTED], 1);
    assert_int_equal(s->others[INSPECT_LEFTOVER], 1);
    assert_int_equal(s->others[INSPECT_FOREIGN], 2);
    assert_int_equal(s->others[INSPECT_TRASH], 1);
    assert_int_equal(s->others[INSPECT_WOUNDED], 1);
    assert_int_equal(s->told.in.notes, 6);
    assert_told(s, 0, "never finished or never published",
                "my-notes.txt: it is none of the log's files");
    demo_release(&d);
}

/* ---- Data directories and single files ---- */

static void copy_file(void *owner, const char *path, bool is_dir, uint64_t size)
{
    struct sim_disk *to = ((struct sim_disk **)owner)[0];
    const struct sim_disk *from = ((struct sim_disk **)owner)[1];
    uint8_t *bytes;
    char name[128];

    if (is_dir)
        return;
    bytes = mem_alloc(size + 1);
    sim_disk_peek(from, path, 0, bytes, size);
    for (int i = 0; i < 2; i++) {
        (void)snprintf(name, sizeof(name), "data/partition-%d/%s", i * 10, strchr(path, '/') + 1);
        sim_disk_put(to, name, bytes, size);
    }
    mem_free(bytes);
}

static void put_format(struct sim_disk *disk)
{
    struct statefile head = {.magic = "MRFORMAT", .version = 1, .generation = 1};

    assert_int_equal(
        statefile_write(sim_disk_as_disk(disk), "data", "format", &head, bytes_of(NULL, 0)), 0);
}

static void test_a_data_directory_is_looked_at_partition_by_partition(void **state)
{
    struct demo d;
    struct sim_disk *disks[2] = {sim_disk_new(NULL), NULL};
    struct seen *s = MEM_NEW(struct seen);
    struct err_note note = {{0}};

    (void)state;
    demo_make_full(&d, 1);
    disks[1] = d.disk;
    sim_disk_walk(d.disk, copy_file, disks);
    assert_int_equal(disk_make_dir(sim_disk_as_disk(disks[0]), "data/partition-2"), 0);
    put_format(disks[0]);
    sim_disk_put(disks[0], "data/LOCK", "", 0);
    sim_disk_put(disks[0], "data/partition-x/file", "", 0);
    seen_init(s, disks[0]);
    assert_int_equal(inspect_directory(&s->told.in, "data", &note), 0);
    assert_int_equal(s->logs, 3);
    assert_int_equal(s->formats, 1);
    assert_int_equal(s->told.log.next, d.appended); /* partition 10 comes last */
    assert_int_equal(s->told.in.problems, 0);
    assert_non_null(strstr(s->told.text, "partition-2: the log was never completed"));
    assert_non_null(strstr(s->told.text, "partition-x: it is none of"));
    sim_disk_erase(disks[0], "data/format");
    seen_init(s, disks[0]);
    assert_int_equal(inspect_directory(&s->told.in, "data", &note), 0);
    assert_int_equal(s->told.in.problems, 1);
    assert_non_null(strstr(s->told.text, "the node refuses to start"));
    mem_free(s);
    sim_disk_free(disks[0]);
    demo_release(&d);
}

static void test_what_is_no_log_is_an_error(void **state)
{
    struct sim_disk *disk = sim_disk_new(NULL);
    struct told *t = MEM_NEW(struct told);
    struct err_note note = {{0}};
    char *deep = mem_alloc(5000);

    (void)state;
    told_init(t, disk);
    sim_disk_put(disk, "home/letter.txt", "dear", 4);
    assert_int_equal(inspect_directory(&t->in, "home", &note), ERR_INVALID);
    assert_non_null(strstr(note.text, "'home' is neither a log nor a data directory"));
    assert_int_equal(inspect_directory(&t->in, "away", &note), ERR_NOT_FOUND);
    assert_non_null(strstr(note.text, "'away'"));
    assert_int_equal(inspect_file(&t->in, "home/letter.txt", &note), ERR_INVALID);
    assert_non_null(strstr(note.text, "home/letter.txt"));
    assert_int_equal(inspect_file(&t->in, "home/none", &note), ERR_NOT_FOUND);
    memset(deep, 'a', 4999);
    deep[4999] = '\0';
    assert_int_equal(inspect_directory(&t->in, deep, &note), ERR_RANGE);
    assert_int_equal(inspect_directory(&t->in, "", &note), ERR_RANGE);
    assert_int_equal(t->in.problems + t->in.notes, 0);
    mem_free(deep);
    mem_free(t);
    sim_disk_free(disk);
}

static void look_alone(void *owner, const char *path, bool is_dir, uint64_t size)
{
    struct sim_disk *disk = owner;
    struct told *t = MEM_NEW(struct told);
    struct err_note note = {{0}};
    bool is_spare = strstr(path, "spare-") != NULL;
    int rv;

    (void)size;
    if (!is_dir) {
        told_init(t, disk);
        rv = inspect_file(&t->in, path, &note);
        assert_true(rv == 0 || (is_spare && rv == ERR_INVALID));
        if (!is_spare && t->in.problems > 0)
            fail_msg("%s", t->text);
        assert_int_equal(!is_spare && strstr(path, ".seg") != NULL, !is_spare && t->records > 0);
    }
    mem_free(t);
}

static void test_each_file_can_be_looked_at_alone(void **state)
{
    struct demo d;

    (void)state;
    demo_make_full(&d, 1);
    sim_disk_walk(d.disk, look_alone, d.disk);
    demo_release(&d);
}

static void test_a_segment_without_a_header_can_be_looked_at_alone(void **state)
{
    struct demo d;
    struct told *t = MEM_NEW(struct told);
    struct err_note note = {{0}};

    (void)state;
    demo_make_full(&d, 1);
    sim_disk_zero_sector(d.disk, "log/cold-0000000000000001.seg", 0);
    told_init(t, d.disk);
    assert_int_equal(inspect_file(&t->in, "log/cold-0000000000000001.seg", &note), 0);
    assert_true(t->records > 0);
    assert_non_null(strstr(t->text, "the header is damaged"));
    mem_free(t);
    demo_release(&d);
}

static void test_a_log_in_the_making_is_a_note(void **state)
{
    struct sim_disk *disk = sim_disk_new(NULL);
    struct told *t = MEM_NEW(struct told);
    struct err_note note = {{0}};

    (void)state;
    sim_disk_put(disk, "log/watermark", "", 0);
    told_init(t, disk);
    assert_int_equal(inspect_directory(&t->in, "log", &note), 0);
    assert_int_equal(t->in.problems, 0);
    assert_false(t->log.is_begun);
    assert_non_null(strstr(t->text, "never completed"));
    mem_free(t);
    sim_disk_free(disk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_a_good_log_is_shown_whole),
        LEAK_CHECKED(test_segments_add_up_to_the_row),
        LEAK_CHECKED(test_only_the_wanted_numbers_are_shown),
        LEAK_CHECKED(test_without_being_asked_sealed_batches_are_not_read),
        LEAK_CHECKED(test_files_that_do_not_count_are_notes),
        LEAK_CHECKED(test_a_data_directory_is_looked_at_partition_by_partition),
        LEAK_CHECKED(test_what_is_no_log_is_an_error),
        LEAK_CHECKED(test_each_file_can_be_looked_at_alone),
        LEAK_CHECKED(test_a_segment_without_a_header_can_be_looked_at_alone),
        LEAK_CHECKED(test_a_log_in_the_making_is_a_note),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
