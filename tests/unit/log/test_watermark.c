/* Tests of log/watermark: two slots, of which one is always good. */
#include "log/watermark.h"

#include "base/err.h"
#include "tests/lib/leaks.h"
#include "tests/unit/log/log_site.h"

enum { SLOT_STEP = 4096, SLOT_SIZE = 56 };

static void create(struct log_site *l)
{
    assert_int_equal(watermark_create(&l->site, &(struct watermark){0, 1, 10}), 0);
    assert_int_equal(disk_sync_dir(l->site.disk, "log"), 0);
}

static void renew(struct log_site *l, uint64_t number, uint64_t position)
{
    assert_int_equal(watermark_write(&l->site, &(struct watermark){number, 1, position}), 0);
}

static void expect_mark(const struct site *s, uint64_t number, uint64_t position, int bad)
{
    struct watermark w = {0};
    int bad_slots = -1;

    assert_int_equal(watermark_read(s, &w, &bad_slots), 0);
    assert_int_equal(w.number, number);
    assert_int_equal(w.position, position);
    assert_int_equal(w.epoch, 1);
    assert_int_equal(bad_slots, bad);
}

static void test_the_newest_slot_rules(void **state)
{
    struct log_site l;

    (void)state;
    log_site_init(&l);
    create(&l);
    assert_int_equal(log_site_size(&l, "watermark"), WATERMARK_FILE_SIZE);
    expect_mark(&l.site, 0, 10, 0);
    for (uint64_t n = 1; n < 6; n++) {
        renew(&l, n, 10 + n);
        expect_mark(&l.site, n, 10 + n, 0);
    }
    log_site_crash(&l);
    expect_mark(&l.site, 5, 15, 0);
    log_site_release(&l);
}

static void test_a_settled_one_is_in_both_slots(void **state)
{
    struct watermark w = {2, 1, 30};
    struct log_site l;

    (void)state;
    log_site_init(&l);
    create(&l);
    renew(&l, 1, 20);
    assert_int_equal(watermark_settle(&l.site, &w), 0);
    log_site_crash(&l);
    expect_mark(&l.site, 3, 30, 0);
    log_site_flip(&l, "watermark", SLOT_STEP, 0);
    expect_mark(&l.site, 2, 30, 1);
    log_site_release(&l);
}

static void test_a_missing_file_is_told_apart_from_a_damaged_one(void **state)
{
    struct watermark w = {7, 7, 7};
    struct log_site l;
    int bad = 0;

    (void)state;
    log_site_init(&l);
    assert_int_equal(watermark_read(&l.site, &w, &bad), ERR_NOT_FOUND);
    log_site_put(&l, "watermark", "", 0);
    assert_int_equal(watermark_read(&l.site, &w, &bad), ERR_CORRUPT);
    assert_int_equal(w.number, 7);
    assert_int_equal(disk_remove(l.site.disk, "log/watermark"), 0);
    assert_int_equal(disk_make_dir(l.site.disk, "log/watermark"), 0);
    assert_int_equal(watermark_read(&l.site, &w, &bad), ERR_CORRUPT);
    log_site_release(&l);
}

/* Whatever bit of a slot flips, the other slot rules; never is a wrong position read. */
static void test_a_flipped_bit_anywhere_leaves_the_other_slot(void **state)
{
    struct log_site l;

    (void)state;
    log_site_init(&l);
    create(&l);
    renew(&l, 1, 20);
    for (uint64_t i = 0; i < SLOT_SIZE * 8; i++) {
        log_site_flip(&l, "watermark", i / 8, (unsigned)(i % 8));
        expect_mark(&l.site, 1, 20, 1);
        log_site_flip(&l, "watermark", i / 8, (unsigned)(i % 8));
        log_site_flip(&l, "watermark", SLOT_STEP + i / 8, (unsigned)(i % 8));
        expect_mark(&l.site, 0, 10, 1);
        log_site_flip(&l, "watermark", SLOT_STEP + i / 8, (unsigned)(i % 8));
    }
    expect_mark(&l.site, 1, 20, 0);
    log_site_release(&l);
}

static void test_two_bad_slots_are_damage(void **state)
{
    struct watermark w;
    struct log_site l;
    int bad = 0;

    (void)state;
    log_site_init(&l);
    create(&l);
    log_site_flip(&l, "watermark", 0, 0); /* the other one was never written */
    assert_int_equal(watermark_read(&l.site, &w, &bad), ERR_CORRUPT);
    log_site_flip(&l, "watermark", 0, 0);
    renew(&l, 1, 20);
    log_site_flip(&l, "watermark", 50, 3);
    log_site_flip(&l, "watermark", SLOT_STEP + 50, 3);
    assert_int_equal(watermark_read(&l.site, &w, &bad), ERR_CORRUPT);
    log_site_release(&l);
}

static void test_a_slot_in_the_wrong_place_or_of_another_log_is_bad(void **state)
{
    struct watermark w;
    struct log_site l;
    int bad = 0;

    (void)state;
    log_site_init(&l);
    create(&l);
    renew(&l, 1, 20);
    sim_disk_swap_sectors(l.disk, "log/watermark", 0, "log/watermark", SLOT_STEP / SIM_SECTOR);
    assert_int_equal(watermark_read(&l.site, &w, &bad), ERR_CORRUPT);
    sim_disk_swap_sectors(l.disk, "log/watermark", 0, "log/watermark", SLOT_STEP / SIM_SECTOR);
    l.site.id[3]++;
    assert_int_equal(watermark_read(&l.site, &w, &bad), ERR_CORRUPT);
    log_site_release(&l);
}

static void test_a_file_cut_at_any_length_gives_a_whole_slot_or_none(void **state)
{
    const uint64_t far = UINT64_MAX; /* no byte of it could be a missing one, which reads as zero */
    struct log_site l;

    (void)state;
    log_site_init(&l);
    assert_int_equal(watermark_create(&l.site, &(struct watermark){0, 1, far}), 0);
    renew(&l, 1, far - 1);
    for (uint64_t size = WATERMARK_FILE_SIZE; size-- > 0;) {
        struct watermark w;
        int bad = 0, rv;

        log_site_cut(&l, "watermark", size);
        rv = watermark_read(&l.site, &w, &bad);
        assert_int_equal(rv, size >= SLOT_SIZE ? 0 : ERR_CORRUPT);
        if (rv == 0)
            assert_int_equal(w.position, size >= SLOT_STEP + SLOT_SIZE ? far - 1 : far);
    }
    log_site_release(&l);
}

static void look_at_images(void *owner, struct sim_disk *d, const struct sim_disk_call *call)
{
    struct log_site *l = owner;

    (void)call;
    for (uint64_t seed = 0; seed < 40; seed++) {
        struct sim_crash crash = {.kind = SIM_CRASH_RANDOM, .seed = seed};
        struct sim_disk *image;
        struct watermark w = {0};
        struct site site = l->site;
        int bad = 0;

        if (seed < SIM_CRASH_KIND_COUNT)
            crash.kind = (enum sim_crash_kind)seed;
        image = sim_disk_image(d, &crash);
        site.disk = sim_disk_as_disk(image);
        assert_int_equal(watermark_read(&site, &w, &bad), 0);
        assert_int_equal(w.position, 10 + w.number);
        assert_true(w.number == 2 || w.number == 3);
        sim_disk_free(image);
    }
}

static void test_a_power_cut_during_renewal_leaves_the_last_or_the_new_one(void **state)
{
    struct log_site l;

    (void)state;
    log_site_init(&l);
    create(&l);
    for (uint64_t n = 1; n < 3; n++)
        renew(&l, n, 10 + n);
    sim_disk_observe(l.disk, look_at_images, &l);
    renew(&l, 3, 13);
    look_at_images(&l, l.disk, NULL);
    sim_disk_observe(l.disk, NULL, NULL);
    log_site_release(&l);
}

static void test_errors_of_the_disk_come_through(void **state)
{
    static const enum sim_op ops[] = {SIM_OP_OPEN, SIM_OP_WRITE, SIM_OP_SYNC};
    struct watermark w = {1, 1, 20};
    struct log_site l;
    int bad = 0;

    (void)state;
    log_site_init(&l);
    assert_int_equal(watermark_write(&l.site, &w), ERR_NOT_FOUND); /* it is never made by the way */
    create(&l);
    for (size_t i = 0; i < ARRAY_SIZE(ops); i++) {
        log_site_fail(&l, SIM_OP_BIT(ops[i]), ERR_IO, 1);
        assert_int_equal(watermark_write(&l.site, &w), ERR_IO);
        log_site_fail(&l, SIM_OP_BIT(ops[i]), ERR_NO_SPACE, 1);
        assert_int_equal(watermark_create(&l.site, &w), ERR_NO_SPACE);
        sim_disk_clear_faults(l.disk);
    }
    log_site_fail(&l, SIM_OP_BIT(SIM_OP_READ), ERR_IO, 1);
    assert_int_equal(watermark_read(&l.site, &w, &bad), ERR_IO);
    log_site_release(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_the_newest_slot_rules),
        LEAK_CHECKED(test_a_settled_one_is_in_both_slots),
        LEAK_CHECKED(test_a_missing_file_is_told_apart_from_a_damaged_one),
        LEAK_CHECKED(test_a_flipped_bit_anywhere_leaves_the_other_slot),
        LEAK_CHECKED(test_two_bad_slots_are_damage),
        LEAK_CHECKED(test_a_slot_in_the_wrong_place_or_of_another_log_is_bad),
        LEAK_CHECKED(test_a_file_cut_at_any_length_gives_a_whole_slot_or_none),
        LEAK_CHECKED(test_a_power_cut_during_renewal_leaves_the_last_or_the_new_one),
        LEAK_CHECKED(test_errors_of_the_disk_come_through),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
