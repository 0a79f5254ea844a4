/* Tests of log/inspect.h against damage of every kind: a copy of a good directory is hurt in one
 * place and looked at. Whatever happened, either it is told or every record is still what it was;
 * and what a power cut leaves behind is never called a problem. */
#include <stdlib.h>

#include "log/batch.h"
#include "log/segment.h"
#include "log/statefile.h"
#include "tests/lib/fault_heap.h"
#include "tests/lib/seed.h"
#include "tests/unit/log/inspect_seen.h"

enum { FILES_MAX = 64, NAME_SIZE = 64, STRIDE = 61, SEGMENT_USED = 80 };

/* A good directory, its files, and what an inspection tells of it. */
struct patient {
    struct demo demo;
    char names[FILES_MAX][NAME_SIZE];
    uint64_t sizes[FILES_MAX];
    size_t count;
    struct rand rand;
    uint64_t step; /* of places that are tried in files of segments */
    struct told *healthy;
    struct told *told;
};

static void on_file(void *owner, const char *path, bool is_dir, uint64_t size)
{
    struct patient *p = owner;

    if (is_dir)
        return;
    assert_true(p->count < FILES_MAX && strlen(path) < NAME_SIZE);
    (void)snprintf(p->names[p->count], NAME_SIZE, "%s", path);
    p->sizes[p->count++] = size;
}

/* Every so-many-th place is damaged. */
static uint64_t step_of_size(void)
{
    const char *size = getenv("MILLRACE_SIZE");

    if (size == NULL)
        return STRIDE;
    if (strcmp(size, "long") == 0)
        return 1;
    return strcmp(size, "tiny") == 0 ? (uint64_t)STRIDE * 100 : (uint64_t)STRIDE * 10;
}

static void patient_init(struct patient *p, int64_t compression)
{
    memset(p, 0, sizeof(*p));
    rand_init(&p->rand, test_seed());
    p->step = step_of_size();
    demo_make_full(&p->demo, compression);
    sim_disk_walk(p->demo.disk, on_file, p);
    p->healthy = MEM_NEW(struct told);
    p->told = MEM_NEW(struct told);
    demo_inspect(p->demo.disk, p->healthy);
    assert_string_equal(p->healthy->text, "");
    assert_true(p->healthy->records > 0);
}

static void patient_release(struct patient *p)
{
    demo_release(&p->demo);
    mem_free(p->healthy);
    mem_free(p->told);
}

/* What was told is complete: the records are all there, as they were. */
static bool is_as_healthy(const struct patient *p)
{
    return p->told->records == p->healthy->records && p->told->digest == p->healthy->digest;
}

static bool is_named(const char *name, const char *part)
{
    return strstr(name, part) != NULL;
}

/* Looks at the hurt copy, frees it, and asserts that the damage is told or harmless. Returns
 * whether it is told. */
static bool look(struct patient *p, struct sim_disk *hurt, const char *what, const char *name,
                 uint64_t at)
{
    demo_inspect(hurt, p->told);
    sim_disk_free(hurt);
    if (p->told->in.problems == 0 && !is_as_healthy(p))
        fail_msg("%s of '%s' at %" PRIu64 " is not told, and the records differ: %s", what, name,
                 at, p->told->text);
    return p->told->in.problems > 0;
}

/* The next place of a file that is worth a try: all of small files and of what headers have in
 * use, some of the rest. */
static uint64_t next_place(const struct patient *p, size_t file, uint64_t at)
{
    if (is_named(p->names[file], "spare-"))
        return at + 1009;
    if (is_named(p->names[file], ".seg") && at >= SEGMENT_USED)
        return at + p->step;
    return is_named(p->names[file], "watermark") && at % 4096 > 64 ? at + p->step : at + 1;
}

static void test_a_flipped_bit_is_told_or_harmless(void **state)
{
    struct patient p;

    (void)state;
    patient_init(&p, 0);
    for (size_t i = 0; i < p.count; i++) {
        bool is_state = is_named(p.names[i], "manifest") || is_named(p.names[i], "checkpoint");

        for (uint64_t at = 0; at < p.sizes[i]; at = next_place(&p, i, at)) {
            struct sim_disk *hurt = sim_disk_clone(p.demo.disk);
            bool is_slot = is_named(p.names[i], "watermark") && at % 4096 < 56;
            bool is_header = is_named(p.names[i], "-") && is_named(p.names[i], ".seg") &&
                             !is_named(p.names[i], "spare") && at < SEGMENT_SECTOR_SIZE;

            sim_disk_flip_bit(hurt, p.names[i], at, (unsigned)rand_below(&p.rand, 8));
            if (!look(&p, hurt, "a flipped bit", p.names[i], at) &&
                (is_state || is_slot || is_header))
                fail_msg("a flipped bit in '%s' at %" PRIu64 " is not told", p.names[i], at);
        }
    }
    patient_release(&p);
}

static void test_a_file_cut_at_any_length_is_told_or_harmless(void **state)
{
    struct patient p;

    (void)state;
    patient_init(&p, 0);
    for (size_t i = 0; i < p.count; i++) {
        for (uint64_t at = 0; at < p.sizes[i]; at = next_place(&p, i, at)) {
            struct sim_disk *hurt = sim_disk_clone(p.demo.disk);

            sim_disk_cut(hurt, p.names[i], at);
            (void)look(&p, hurt, "a cut", p.names[i], at);
        }
    }
    patient_release(&p);
}

static void test_a_file_that_is_longer_is_told_or_harmless(void **state)
{
    static const char more[] = "something that was never written by us";
    struct patient p;

    (void)state;
    patient_init(&p, 0);
    for (size_t i = 0; i < p.count; i++) {
        struct sim_disk *hurt = sim_disk_clone(p.demo.disk);
        bool is_exact = !is_named(p.names[i], "hot-") && !is_named(p.names[i], "spare-");

        sim_disk_append(hurt, p.names[i], more, sizeof(more));
        assert_int_equal(look(&p, hurt, "more", p.names[i], p.sizes[i]), is_exact);
    }
    patient_release(&p);
}

static void test_a_missing_or_empty_file_is_told(void **state)
{
    struct patient p;

    (void)state;
    patient_init(&p, 1);
    for (size_t i = 0; i < p.count; i++) {
        bool is_needed = !is_named(p.names[i], "spare-");
        bool is_checkpoint = is_named(p.names[i], "checkpoint");
        struct sim_disk *hurt = sim_disk_clone(p.demo.disk);

        /* Of two checkpoints one may go: the other does as well. */
        sim_disk_erase(hurt, p.names[i]);
        assert_int_equal(look(&p, hurt, "removal", p.names[i], 0), is_needed && !is_checkpoint);
        hurt = sim_disk_clone(p.demo.disk);
        sim_disk_cut(hurt, p.names[i], 0);
        assert_int_equal(look(&p, hurt, "emptying", p.names[i], 0), is_needed);
    }
    patient_release(&p);
}

static void test_zeroed_stale_and_swapped_sectors_are_told_or_harmless(void **state)
{
    struct patient p;

    (void)state;
    patient_init(&p, 0);
    for (size_t i = 0; i < p.count; i++) {
        for (uint64_t sector = 0; sector * SIM_SECTOR < p.sizes[i]; sector++) {
            size_t other = (size_t)rand_below(&p.rand, p.count);
            uint64_t others = (p.sizes[other] + SIM_SECTOR - 1) / SIM_SECTOR;
            struct sim_disk *hurt = sim_disk_clone(p.demo.disk);

            sim_disk_zero_sector(hurt, p.names[i], sector);
            (void)look(&p, hurt, "a zeroed sector", p.names[i], sector);
            hurt = sim_disk_clone(p.demo.disk);
            (void)sim_disk_stale_sector(hurt, p.names[i], sector);
            (void)look(&p, hurt, "a stale sector", p.names[i], sector);
            hurt = sim_disk_clone(p.demo.disk);
            sim_disk_swap_sectors(hurt, p.names[i], sector, p.names[other],
                                  rand_below(&p.rand, others));
            (void)look(&p, hurt, "a swapped sector", p.names[i], sector);
        }
    }
    patient_release(&p);
}

/* ---- Lies with a good checksum
 * ---------------------------------------------------------------- */

static void put_back(struct sim_disk *disk, const char *name, const uint8_t *bytes, uint64_t size)
{
    sim_disk_put(disk, name, bytes, size);
}

/* Writes the checksum anew over whatever structure begins at `at`; false when none does. */
static bool make_checksum(uint8_t *bytes, uint64_t size, uint64_t at)
{
    uint8_t *p = bytes + at;
    uint64_t left = size - at;

    if (left >= BATCH_HEADER_SIZE && memcmp(p, "MRB1", 4) == 0) {
        uint32_t length = batch_claimed_length(p, left);

        if (length == 0 || length > left)
            return false;
        put_le32(p + 4, crc32c(p + 8, length - 8));
    } else if (left >= SEGMENT_SECTOR_SIZE && memcmp(p, "MRSEGM01", 8) == 0) {
        put_le32(p + 8, crc32c(p + 12, SEGMENT_SECTOR_SIZE - 12));
    } else if (left >= 56 && memcmp(p, "MRMARK01", 8) == 0) {
        put_le32(p + 8, crc32c(p + 12, 44));
    } else if (left >= STATEFILE_HEADER_SIZE && memcmp(p, "MR", 2) == 0 && p[2] != 'I') {
        put_le32(p + 8, crc32c(p + 12, left - 12));
    } else if (left >= 64 && memcmp(p, "MRINDEX1", 8) == 0) {
        uint64_t total = 64 + 24 * (uint64_t)get_le32(p + 12);

        if (total > left)
            return false;
        put_le32(p + 8, crc32c(p + 12, total - 12));
    } else {
        return false;
    }
    return true;
}

/* Looks in all the ways there are; what is told does not matter. */
static void look_every_way(struct patient *p, struct sim_disk *disk, const char *name)
{
    struct err_note note = {{0}};

    demo_inspect(disk, p->told);
    told_init(p->told, disk);
    p->told->in.verifies = false;
    p->told->in.visitor.on_record = NULL;
    assert_int_equal(inspect_directory(&p->told->in, "log", &note), 0);
    told_init(p->told, disk);
    (void)!inspect_file(&p->told->in, name, &note);
    assert_int_equal(sim_disk_open_files(disk), 0);
}

/* Values that are often the edge of something. */
static uint8_t odd_byte(struct rand *r)
{
    static const uint8_t values[] = {0, 1, 0x7f, 0x80, 0xff};

    return rand_chance(r, 1, 2) ? values[rand_below(r, sizeof(values))]
                                : (uint8_t)rand_below(r, 256);
}

/* Lies in a run of bytes of the structure at `at`. */
static void lie(struct rand *r, uint8_t *bytes, uint64_t size, uint64_t at)
{
    uint64_t reach = rand_chance(r, 3, 4) ? 96 : 1024;
    uint64_t from = at + 8 + rand_below(r, reach);
    uint64_t run = 1 + rand_below(r, 8);
    uint8_t value = odd_byte(r);

    for (uint64_t i = from; i < from + run && i < size; i++)
        bytes[i] = rand_chance(r, 1, 2) ? value : odd_byte(r);
}

static void test_lies_with_a_good_checksum_break_nothing(void **state)
{
    struct patient p;

    (void)state;
    patient_init(&p, 1);
    for (size_t i = 0; i < p.count; i++) {
        uint8_t *good = mem_alloc(p.sizes[i] + 1);
        uint8_t *bytes = mem_alloc(p.sizes[i] + 1);

        sim_disk_peek(p.demo.disk, p.names[i], 0, good, p.sizes[i]);
        for (uint64_t at = 0; at < p.sizes[i]; at += SIM_SECTOR) {
            for (unsigned k = 0; k < 12 && make_checksum(good, p.sizes[i], at); k++) {
                struct sim_disk *hurt = sim_disk_clone(p.demo.disk);

                memcpy(bytes, good, p.sizes[i]);
                lie(&p.rand, bytes, p.sizes[i], at);
                (void)make_checksum(bytes, p.sizes[i], at);
                put_back(hurt, p.names[i], bytes, p.sizes[i]);
                look_every_way(&p, hurt, p.names[i]);
                sim_disk_free(hurt);
            }
        }
        mem_free(good);
        mem_free(bytes);
    }
    patient_release(&p);
}

static void test_garbage_under_any_name_breaks_nothing(void **state)
{
    static const char *const magics[] = {"MRSEGM01", "MRMARK01", "MRMANI01", "MRCHECK1",
                                         "MRFORMAT", "MRB1",     "",         "MRINDEX1"};
    struct patient p;
    uint8_t bytes[9000];

    (void)state;
    patient_init(&p, 0);
    for (size_t i = 0; i < p.count; i++) {
        for (size_t k = 0; k < ARRAY_SIZE(magics) * 3; k++) {
            struct sim_disk *hurt = sim_disk_clone(p.demo.disk);
            size_t size = (size_t)rand_below(&p.rand, sizeof(bytes));
            const char *magic = magics[k % ARRAY_SIZE(magics)];

            for (size_t j = 0; j < sizeof(bytes); j++)
                bytes[j] = (uint8_t)rand_below(&p.rand, 256);
            memcpy(bytes, magic, strlen(magic));
            sim_disk_put(hurt, p.names[i], bytes, size);
            look_every_way(&p, hurt, p.names[i]);
            (void)look(&p, hurt, "garbage", p.names[i], size);
        }
    }
    patient_release(&p);
}

/* ---- The disk and the heap fail
 * --------------------------------------------------------------- */

static void test_a_disk_that_fails_is_told(void **state)
{
    struct patient p;
    struct err_note note;
    bool has_struck = true;

    (void)state;
    patient_init(&p, 0);
    for (uint64_t k = 0; has_struck; k++) {
        struct sim_disk *hurt = sim_disk_clone(p.demo.disk);
        size_t rule = sim_disk_add_fault(
            hurt, &(struct sim_fault){.err = ERR_IO, .skip = k, .times = k % 2 == 0 ? 1 : 0});
        int rv;

        told_init(p.told, hurt);
        rv = inspect_directory(&p.told->in, "log", &note);
        has_struck = sim_disk_fault_strikes(hurt, rule) > 0;
        assert_true(rv != 0 || p.told->in.problems > 0 || is_as_healthy(&p));
        assert_int_equal(sim_disk_open_files(hurt), 0);
        sim_disk_free(hurt);
    }
    patient_release(&p);
}

static void test_a_heap_that_refuses_is_told(void **state)
{
    struct patient p;
    struct fault_heap heap;
    struct err_note note;
    bool is_refused = true;

    (void)state;
    patient_init(&p, 1);
    for (uint64_t k = 1; is_refused; k++) {
        int rv;

        told_init(p.told, p.demo.disk);
        fault_heap_start(&heap, k, k % 2 == 0);
        rv = inspect_directory(&p.told->in, "log", &note);
        is_refused = fault_heap_stop(&heap);
        assert_true(rv != 0 || p.told->in.problems > 0 || is_as_healthy(&p));
    }
    patient_release(&p);
}

/* ---- Power cuts
 * ------------------------------------------------------------------------------- */

/* Looks at what a cut at this operation may leave. */
static void on_operation(void *owner, struct sim_disk *d, const struct sim_disk_call *call)
{
    struct patient *p = owner;
    struct sim_crash crash = {
        .kind = (enum sim_crash_kind)rand_below(&p->rand, SIM_CRASH_KIND_COUNT),
        .names = rand_chance(&p->rand, 1, 2) ? SIM_NAMES_INDEPENDENT : SIM_NAMES_ORDERED,
        .fill = rand_chance(&p->rand, 1, 2) ? SIM_FILL_ZERO : SIM_FILL_GARBAGE,
        .torn_sectors = rand_below(&p->rand, 8),
        .keeps_tail = rand_chance(&p->rand, 1, 2),
        .seed = rand_next(&p->rand)};
    char text[128];
    struct sim_disk *image;
    struct err_note note = {{0}};
    int rv;

    if (!sim_op_changes_disk(call->op))
        return;
    image = sim_disk_image(d, &crash);
    told_init(p->told, image);
    rv = inspect_directory(&p->told->in, "log", &note);
    if (rv != 0 && rv != ERR_INVALID && rv != ERR_NOT_FOUND) /* nothing was there yet */
        fail_msg("cannot be looked at: %s", note.text);
    if (p->told->in.problems > 0)
        fail_msg("after %s at operation %" PRIu64 " (%s %s): %s",
                 sim_crash_text(&crash, text, sizeof(text)), call->number, sim_op_name(call->op),
                 call->path, p->told->text);
    sim_disk_free(image);
}

static void test_what_a_power_cut_leaves_is_no_problem(void **state)
{
    struct patient p;
    struct sim_disk *image;

    (void)state;
    memset(&p, 0, sizeof(p));
    rand_init(&p.rand, test_seed());
    p.told = MEM_NEW(struct told);
    demo_make(&p.demo, 1);
    sim_disk_observe(p.demo.disk, on_operation, &p);
    for (unsigned round = 0; round < 3; round++) {
        demo_fill(&p.demo, 60);
        demo_checkpoint(&p.demo);
        demo_fill(&p.demo, 30);
        demo_checkpoint(&p.demo);
        demo_close(&p.demo);
        demo_open(&p.demo);
    }
    sim_disk_observe(p.demo.disk, NULL, NULL);
    demo_close(&p.demo);
    image = sim_disk_image(p.demo.disk, &(struct sim_crash){.kind = SIM_CRASH_NOTHING});
    demo_inspect(image, p.told);
    assert_int_equal(p.told->in.problems, 0);
    assert_int_equal(p.told->log.next, p.demo.appended);
    sim_disk_free(image);
    demo_release(&p.demo);
    mem_free(p.told);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_a_flipped_bit_is_told_or_harmless),
        LEAK_CHECKED(test_a_file_cut_at_any_length_is_told_or_harmless),
        LEAK_CHECKED(test_a_file_that_is_longer_is_told_or_harmless),
        LEAK_CHECKED(test_a_missing_or_empty_file_is_told),
        LEAK_CHECKED(test_zeroed_stale_and_swapped_sectors_are_told_or_harmless),
        LEAK_CHECKED(test_lies_with_a_good_checksum_break_nothing),
        LEAK_CHECKED(test_garbage_under_any_name_breaks_nothing),
        LEAK_CHECKED(test_a_disk_that_fails_is_told),
        LEAK_CHECKED(test_a_heap_that_refuses_is_told),
        LEAK_CHECKED(test_what_a_power_cut_leaves_is_no_problem),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
