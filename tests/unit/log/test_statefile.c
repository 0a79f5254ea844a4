/* Tests of log/statefile: old content or new, and nothing else. */
#include "log/statefile.h"

#include <string.h>

#include "base/crc32c.h"
#include "base/err.h"
#include "base/mem.h"
#include "tests/lib/death.h"
#include "tests/lib/fault_heap.h"
#include "tests/lib/leaks.h"
#include "tests/unit/log/log_site.h"

static const char magic[] = "MAGIC001";

static struct statefile head_of(uint64_t generation)
{
    struct statefile s = {.magic = magic, .version = 3, .generation = generation};

    memset(s.id, 0x5a, sizeof(s.id));
    return s;
}

static int write_text(struct log_site *l, uint64_t generation, const char *text)
{
    struct statefile s = head_of(generation);

    return statefile_write(l->site.disk, "log", "state", &s, bytes_text(text));
}

static void expect_error(struct disk *d, const char *path, int err)
{
    struct statefile s = {.magic = magic, .version = 3, .generation = 99};
    uint8_t *content = NULL;
    size_t size = 77;

    assert_int_equal(statefile_read(d, path, &s, &content, &size), err);
    assert_null(content);
    assert_int_equal(size, 77);
    assert_int_equal(s.generation, 99);
    assert_int_equal(s.version, 3);
}

/* The file must hold this text with this generation. */
static void expect_text(struct disk *d, uint64_t generation, const char *text)
{
    struct statefile s = {.magic = magic, .version = 3};
    uint8_t *content = NULL;
    size_t size = 0;

    assert_int_equal(statefile_read(d, "log/state", &s, &content, &size), 0);
    assert_int_equal(s.generation, generation);
    assert_int_equal(s.id[0], 0x5a);
    assert_int_equal(s.id[15], 0x5a);
    assert_true(bytes_equal(bytes_of(content, size), bytes_text(text)));
    mem_free(content);
}

static void test_what_was_written_is_read_back(void **state)
{
    struct log_site l;

    (void)state;
    log_site_init(&l);
    expect_error(l.site.disk, "log/state", ERR_NOT_FOUND);
    assert_int_equal(write_text(&l, 1, "one"), 0);
    expect_text(l.site.disk, 1, "one");
    assert_int_equal(write_text(&l, 2, ""), 0);
    expect_text(l.site.disk, 2, "");
    assert_int_equal(log_site_size(&l, "state"), STATEFILE_HEADER_SIZE);
    assert_false(log_site_has(&l, "state.new"));
    log_site_release(&l);
}

static void test_a_written_file_survives_a_power_cut(void **state)
{
    struct log_site l;

    (void)state;
    log_site_init(&l);
    assert_int_equal(write_text(&l, 1, "one"), 0);
    assert_false(sim_disk_is_dirty(l.disk));
    log_site_crash(&l);
    expect_text(l.site.disk, 1, "one");
    log_site_release(&l);
}

/* Looks at every image that a power cut in front of an operation may leave. */
static void look_at_images(void *owner, struct sim_disk *d, const struct sim_disk_call *call)
{
    uint32_t *count = owner;

    (void)call;
    for (uint64_t seed = 0; seed < 30; seed++) {
        struct sim_crash crash = {.kind = SIM_CRASH_RANDOM, .seed = seed};
        struct sim_disk *image;
        struct statefile s = {.magic = magic, .version = 3};
        uint8_t *content = NULL;
        size_t size = 0;

        if (seed < SIM_CRASH_KIND_COUNT)
            crash.kind = (enum sim_crash_kind)seed;
        image = sim_disk_image(d, &crash);
        assert_int_equal(statefile_read(sim_disk_as_disk(image), "log/state", &s, &content, &size),
                         0);
        assert_true(s.generation == 1 || s.generation == 2);
        assert_string_equal(s.generation == 1 ? "old" : "the new one",
                            size == 3 ? "old" : "the new one");
        assert_memory_equal(content, s.generation == 1 ? "old" : "the new one", size);
        mem_free(content);
        sim_disk_free(image);
        (*count)++;
    }
}

static void test_a_power_cut_anywhere_leaves_the_old_or_the_new_one(void **state)
{
    struct log_site l;
    uint32_t images = 0;

    (void)state;
    log_site_init(&l);
    assert_int_equal(write_text(&l, 1, "old"), 0);
    sim_disk_observe(l.disk, look_at_images, &images);
    assert_int_equal(write_text(&l, 2, "the new one"), 0);
    assert_true(images >= 5 * 30);
    look_at_images(&images, l.disk, NULL);
    log_site_release(&l);
}

static void test_any_failing_operation_leaves_the_old_one(void **state)
{
    (void)state;
    for (uint64_t skip = 0;; skip++) {
        struct log_site l;
        size_t fault;
        bool has_struck;
        int rv;

        log_site_init(&l);
        assert_int_equal(write_text(&l, 1, "old"), 0);
        fault = sim_disk_add_fault(
            l.disk, &(struct sim_fault){.err = ERR_NO_SPACE, .skip = skip, .times = 1});
        rv = write_text(&l, 2, "new");
        has_struck = sim_disk_fault_strikes(l.disk, fault) > 0;
        sim_disk_clear_faults(l.disk);
        assert_int_equal(rv, has_struck ? ERR_NO_SPACE : 0);
        /* Only when the very last step fails, the directory's sync, the new name is there. */
        if (rv != 0 && !log_site_has(&l, "state.new") && skip > 3)
            expect_text(l.site.disk, 2, "new");
        else
            expect_text(l.site.disk, has_struck ? 1 : 2, has_struck ? "old" : "new");
        assert_int_equal(write_text(&l, 3, "again"), 0); /* whatever the failed one left over */
        expect_text(l.site.disk, 3, "again");
        log_site_release(&l);
        if (!has_struck)
            break;
    }
}

static void test_every_flipped_bit_is_found(void **state)
{
    struct log_site l;

    (void)state;
    log_site_init(&l);
    assert_int_equal(write_text(&l, 1, "some content"), 0);
    for (uint64_t at = 0; at < log_site_size(&l, "state"); at++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            log_site_flip(&l, "state", at, bit);
            expect_error(l.site.disk, "log/state", ERR_CORRUPT);
            log_site_flip(&l, "state", at, bit);
        }
    }
    expect_text(l.site.disk, 1, "some content");
    log_site_release(&l);
}

static void test_a_file_cut_or_grown_is_damage(void **state)
{
    struct log_site l;

    (void)state;
    log_site_init(&l);
    assert_int_equal(write_text(&l, 1, "content"), 0);
    sim_disk_append(l.disk, "log/state", "x", 1);
    expect_error(l.site.disk, "log/state", ERR_CORRUPT);
    for (uint64_t size = STATEFILE_HEADER_SIZE + 6; size > 0; size--) {
        log_site_cut(&l, "state", size);
        expect_error(l.site.disk, "log/state", ERR_CORRUPT);
    }
    log_site_cut(&l, "state", 0);
    expect_error(l.site.disk, "log/state", ERR_CORRUPT);
    log_site_release(&l);
}

static void test_a_newer_version_is_told_apart_from_damage(void **state)
{
    struct statefile newer = head_of(1), older = head_of(1);
    struct log_site l;

    (void)state;
    log_site_init(&l);
    newer.version = 4;
    assert_int_equal(statefile_write(l.site.disk, "log", "state", &newer, bytes_text("x")), 0);
    expect_error(l.site.disk, "log/state", ERR_VERSION);
    log_site_flip(&l, "state", STATEFILE_HEADER_SIZE, 0);
    expect_error(l.site.disk, "log/state", ERR_CORRUPT);

    older.version = 2;
    assert_int_equal(statefile_write(l.site.disk, "log", "state", &older, bytes_text("x")), 0);
    expect_text(l.site.disk, 1, "x");
    log_site_release(&l);
}

static void test_a_file_of_another_purpose_is_damage(void **state)
{
    struct statefile other = head_of(1);
    struct log_site l;

    (void)state;
    log_site_init(&l);
    other.magic = "MAGIC002";
    assert_int_equal(statefile_write(l.site.disk, "log", "state", &other, bytes_text("x")), 0);
    expect_error(l.site.disk, "log/state", ERR_CORRUPT);
    assert_int_equal(disk_make_dir(l.site.disk, "log/dir"), 0);
    expect_error(l.site.disk, "log/dir", ERR_CORRUPT); /* no file at all */
    log_site_release(&l);
}

static void test_errors_of_the_disk_and_of_memory_are_not_damage(void **state)
{
    static const enum sim_op ops[] = {SIM_OP_OPEN, SIM_OP_SIZE, SIM_OP_READ};
    struct fault_heap heap;
    struct log_site l;

    (void)state;
    log_site_init(&l);
    assert_int_equal(write_text(&l, 1, "content"), 0);
    for (size_t i = 0; i < ARRAY_SIZE(ops); i++) {
        log_site_fail(&l, SIM_OP_BIT(ops[i]), ERR_IO, 1);
        expect_error(l.site.disk, "log/state", ERR_IO);
        sim_disk_clear_faults(l.disk);
    }
    fault_heap_start(&heap, 1, false);
    expect_error(l.site.disk, "log/state", ERR_NO_MEMORY);
    assert_true(fault_heap_stop(&heap));
    expect_text(l.site.disk, 1, "content");
    log_site_release(&l);
}

static void test_a_path_that_is_too_long_is_refused(void **state)
{
    struct statefile s = head_of(1);
    struct log_site l;
    char name[4096];

    (void)state;
    log_site_init(&l);
    memset(name, 'n', sizeof(name));
    name[sizeof(name) - 1] = '\0';
    assert_int_equal(statefile_write(l.site.disk, "log", name, &s, bytes_text("x")), ERR_RANGE);
    log_site_release(&l);
}

static void write_short_magic(void *owner)
{
    struct log_site *l = owner;
    struct statefile s = {.magic = "SHORT"};

    (void)!statefile_write(l->site.disk, "log", "state", &s, bytes_text(""));
}

static void test_misuse_is_a_bug(void **state)
{
    struct log_site l;

    (void)state;
    log_site_init(&l);
    expect_death(write_short_magic, &l, "STATEFILE_MAGIC_SIZE");
    log_site_release(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_what_was_written_is_read_back),
        LEAK_CHECKED(test_a_written_file_survives_a_power_cut),
        LEAK_CHECKED(test_a_power_cut_anywhere_leaves_the_old_or_the_new_one),
        LEAK_CHECKED(test_any_failing_operation_leaves_the_old_one),
        LEAK_CHECKED(test_every_flipped_bit_is_found),
        LEAK_CHECKED(test_a_file_cut_or_grown_is_damage),
        LEAK_CHECKED(test_a_newer_version_is_told_apart_from_damage),
        LEAK_CHECKED(test_a_file_of_another_purpose_is_damage),
        LEAK_CHECKED(test_errors_of_the_disk_and_of_memory_are_not_damage),
        LEAK_CHECKED(test_a_path_that_is_too_long_is_refused),
        LEAK_CHECKED(test_misuse_is_a_bug),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
