/* Tests of log/inspect_cold.c: cold files, and a manifest that says something else about them. */
#include "log/statefile.h"
#include "tests/unit/log/inspect_seen.h"

/* Of the manifest: where its entries begin, and the size of one. */
enum { ENTRIES = STATEFILE_HEADER_SIZE + 40, ENTRY = 88 };

static void test_a_missing_cold_file_names_lane_and_numbers(void **state)
{
    struct demo d;

    (void)state;
    demo_make_full(&d, 1);
    sim_disk_erase(d.disk, "log/cold-0000000000000001.seg");
    assert_told(see(d.disk), 1, "cold-0000000000000001.seg: it does not exist; records of lane 0",
                "numbers from 0 to");
    demo_release(&d);
}

static void test_damage_in_a_cold_file_names_byte_and_lane(void **state)
{
    struct demo d;
    struct seen *s, *hurt;
    const struct inspect_batch *b;
    char place[128];

    (void)state;
    demo_make_full(&d, 1);
    s = see(d.disk);
    b = &s->batches[s->batch_count - 2]; /* in the last lane */
    assert_true(b->is_numbered);
    sim_disk_flip_bit(d.disk, b->path, b->at + 65, 6);
    hurt = see(d.disk);
    assert_int_equal(hurt->batch_count, s->batch_count - 1);
    (void)snprintf(place, sizeof(place), "%s:%" PRIu64 ": the batch here has a wrong checksum",
                   b->path, b->at);
    assert_told(hurt, 1, place, "records of lane 7");
    mem_free(s);
    demo_release(&d);
}

static void test_a_manifest_that_counts_wrong_is_found(void **state)
{
    struct demo d;
    uint64_t records = 0;

    (void)state;
    demo_make_full(&d, 1);
    sim_disk_peek(d.disk, "log/manifest", ENTRIES + 32, &records, sizeof(records));
    forge(&d, "log/manifest", ENTRIES + 32, records - 1);
    forge(&d, "log/manifest", ENTRIES + 40, 0);
    sim_disk_duplicate(d.disk, "log/manifest", "log/manifest.copy");
    assert_told(see(d.disk), 2, "records, and the manifest says",
                "the index is missing or damaged");
    demo_release(&d);
}

static void test_entries_that_overlap_or_are_used_up_are_found(void **state)
{
    struct demo d;
    uint64_t end = 0, other = 0;

    (void)state;
    demo_make_full(&d, 1);
    sim_disk_peek(d.disk, "log/manifest", ENTRIES + 24, &end, sizeof(end));
    /* The first two entries are of the shared lane: let the first one end within the second. */
    sim_disk_peek(d.disk, "log/manifest", ENTRIES + ENTRY + 16, &other, sizeof(other));
    forge(&d, "log/manifest", ENTRIES + 24, other + 1);
    sim_disk_duplicate(d.disk, "log/manifest", "log/manifest.copy");
    assert_told(see(d.disk), 3, "it overlaps with", "its last number is");
    forge(&d, "log/manifest", ENTRIES + 24, end);
    forge(&d, "log/manifest", STATEFILE_HEADER_SIZE + 8, 2);
    sim_disk_duplicate(d.disk, "log/manifest", "log/manifest.copy");
    assert_told(see(d.disk), 3, "cold-0000000000000002.seg: the manifest names it",
                "calls its number free");
    demo_release(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_a_missing_cold_file_names_lane_and_numbers),
        LEAK_CHECKED(test_damage_in_a_cold_file_names_byte_and_lane),
        LEAK_CHECKED(test_a_manifest_that_counts_wrong_is_found),
        LEAK_CHECKED(test_entries_that_overlap_or_are_used_up_are_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
