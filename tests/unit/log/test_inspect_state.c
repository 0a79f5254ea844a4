/* Tests of log/inspect_state.c and inspect_watermark.c: small files that are damaged, old, or
 * lie. */
#include "log/statefile.h"
#include "log/watermark.h"
#include "tests/unit/log/inspect_seen.h"

static void test_one_copy_of_the_manifest_is_enough_and_its_loss_is_told(void **state)
{
    struct demo d;

    (void)state;
    demo_make_full(&d, 1);
    sim_disk_flip_bit(d.disk, "log/manifest", 60, 0);
    assert_told(see(d.disk), 1, "log/manifest: its checksum is wrong", "the other copy rules");
    sim_disk_cut(d.disk, "log/manifest.copy", 30);
    assert_told(see(d.disk), 2, "log/manifest.copy: it ends within its header",
                "the log cannot be opened");
    demo_release(&d);
}

static void test_without_a_manifest_the_hot_row_is_still_read(void **state)
{
    struct demo d;
    struct seen *s;

    (void)state;
    demo_make_full(&d, 1);
    sim_disk_erase(d.disk, "log/manifest");
    sim_disk_erase(d.disk, "log/manifest.copy");
    s = see(d.disk);
    assert_int_equal(s->told.log.next, d.appended);
    assert_told(s, 2, "log/manifest: it does not exist", "log/manifest.copy: it does not exist");
    demo_release(&d);
}

static void test_copies_that_tell_two_stories_are_found(void **state)
{
    struct demo d;
    uint64_t id = 0;

    (void)state;
    demo_make_full(&d, 1);
    forge(&d, "log/manifest.copy", STATEFILE_HEADER_SIZE + 8, 77);
    assert_told(see(d.disk), 1, "log/manifest.copy", "says something else");
    sim_disk_peek(d.disk, "log/manifest.copy", 16, &id, sizeof(id));
    forge(&d, "log/manifest.copy", 16, ~id);
    assert_told(see(d.disk), 1, "log/manifest.copy", "belongs to another log");
    demo_release(&d);
}

static void test_a_newer_version_is_named_as_such(void **state)
{
    struct demo d;
    char path[64];
    uint8_t head[16];

    (void)state;
    demo_make_full(&d, 1);
    (void)snprintf(path, sizeof(path), "log/manifest");
    sim_disk_peek(d.disk, path, 12, head, 8);
    forge(&d, path, 12, (get_le64(head) & ~UINT64_C(0xffffffff)) | 2);
    assert_told(see(d.disk), 1, "log/manifest: it was written by a newer version",
                "cannot be opened by this version");
    demo_release(&d);
}

static void test_slots_are_judged_one_by_one(void **state)
{
    struct demo d;
    uint8_t slot[56], other[56];
    static const uint8_t nothing[56];
    uint64_t newest;

    (void)state;
    demo_make_full(&d, 1);
    sim_disk_peek(d.disk, "log/watermark", 0, slot, sizeof(slot));
    sim_disk_peek(d.disk, "log/watermark", 4096, other, sizeof(other));
    newest = get_le64(slot + 32) > get_le64(other + 32) ? 0 : 4096;
    patch(&d, "log/watermark", 4096 - newest, nothing, sizeof(nothing));
    assert_told(see(d.disk), 1, "log/watermark:", "this slot is empty although");
    memcpy(slot, newest == 0 ? other : slot, sizeof(slot));
    slot[16] ^= 1;
    put_le32(slot + 8, crc32c(slot + 12, sizeof(slot) - 12));
    patch(&d, "log/watermark", 4096 - newest, slot, sizeof(slot));
    assert_told(see(d.disk), 1, "this slot is damaged", "it belongs to another log");
    demo_release(&d);
}

static void test_a_sorted_log_without_any_checkpoint_is_a_problem(void **state)
{
    struct demo d;
    char path[64];

    (void)state;
    demo_make_full(&d, 1);
    for (uint64_t i = 0; i < d.appended; i++) {
        (void)snprintf(path, sizeof(path), "log/checkpoint-%016" PRIx64, i);
        if (sim_disk_has(d.disk, path))
            sim_disk_erase(d.disk, path);
    }
    assert_told(see(d.disk), 1, "problem log: there is no good checkpoint",
                "made from the cold files");
    demo_release(&d);
}

static void test_the_second_slot_counts_from_its_first_renewal_on(void **state)
{
    struct demo d;
    uint8_t slot[56], garbage[56];
    struct watermark first = {0};
    struct site site = {.dir = "log"};

    (void)state;
    demo_make(&d, 0);
    site.disk = sim_disk_as_disk(d.disk);
    sim_disk_peek(d.disk, "log/watermark", 4096, slot, sizeof(slot));
    assert_int_equal(get_le64(slot + 32), 1);
    memcpy(site.id, slot + 16, sizeof(site.id));
    memset(garbage, 'g', sizeof(garbage));

    /* As the making of the log leaves it when the power fails in the first renewal. */
    assert_int_equal(watermark_write(&site, &first), 0);
    patch(&d, "log/watermark", 4096, garbage, sizeof(garbage));
    assert_told(see(d.disk), 0, "note log/watermark:4096", "never written whole");
    sim_disk_put(d.disk, "log/watermark", "", 0);
    assert_int_equal(watermark_create(&site, &first), 0);

    /* A batch shows that the renewal was durable once. */
    demo_fill(&d, 5);
    assert_int_equal(watermark_write(&site, &first), 0);
    patch(&d, "log/watermark", 4096, garbage, sizeof(garbage));
    assert_told(see(d.disk), 1, "never written whole", "an old version of it has come back");
    demo_release(&d);
}

static void test_an_old_watermark_is_found(void **state)
{
    struct demo d;
    uint8_t slots[8192];
    struct seen *s;

    (void)state;
    demo_make(&d, 1);
    demo_fill(&d, 10);
    demo_close(&d);
    sim_disk_peek(d.disk, "log/watermark", 0, slots, sizeof(slots));
    demo_open(&d);
    demo_fill(&d, 10);
    demo_close(&d);
    sim_disk_put(d.disk, "log/watermark", slots, sizeof(slots));
    s = see(d.disk);
    assert_int_equal(s->told.log.next, 20);
    assert_told(s, 1, "log/watermark", "an old version of it has come back");
    demo_release(&d);
}

static void test_a_checkpoint_newer_than_the_log_is_found(void **state)
{
    struct demo d;
    char from[64], to[64];
    struct seen *s;
    uint64_t newest = 0;

    (void)state;
    demo_make_full(&d, 1);
    for (uint64_t i = 0; i < d.appended; i++) {
        (void)snprintf(from, sizeof(from), "log/checkpoint-%016" PRIx64, i);
        newest = sim_disk_has(d.disk, from) ? i : newest;
    }
    (void)snprintf(from, sizeof(from), "log/checkpoint-%016" PRIx64, newest);
    (void)snprintf(to, sizeof(to), "log/checkpoint-%016" PRIx64, d.appended + 5);
    sim_disk_duplicate(d.disk, from, to);
    assert_told(see(d.disk), 2, "its name tells another position", "it is newer than the log");

    /* With the right position in it, it proves that the log once went on. */
    forge(&d, to, 32, d.appended + 5);
    s = see(d.disk);
    assert_int_equal(s->told.log.durable, d.appended + 5);
    assert_told(s, 1, "; positions", "cannot be read");
    demo_release(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_one_copy_of_the_manifest_is_enough_and_its_loss_is_told),
        LEAK_CHECKED(test_without_a_manifest_the_hot_row_is_still_read),
        LEAK_CHECKED(test_copies_that_tell_two_stories_are_found),
        LEAK_CHECKED(test_a_newer_version_is_named_as_such),
        LEAK_CHECKED(test_slots_are_judged_one_by_one),
        LEAK_CHECKED(test_a_sorted_log_without_any_checkpoint_is_a_problem),
        LEAK_CHECKED(test_the_second_slot_counts_from_its_first_renewal_on),
        LEAK_CHECKED(test_an_old_watermark_is_found),
        LEAK_CHECKED(test_a_checkpoint_newer_than_the_log_is_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
