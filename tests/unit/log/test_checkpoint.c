/* Tests of log/checkpoint: a state under its position. */
#include "log/checkpoint.h"

#include "base/err.h"
#include "base/mem.h"
#include "tests/lib/fault_heap.h"
#include "tests/lib/leaks.h"
#include "tests/unit/log/log_site.h"

static void expect_content(struct log_site *l, uint64_t position, const char *text)
{
    uint8_t *content = NULL;
    size_t size = 0;

    assert_int_equal(checkpoint_read(&l->site, position, &content, &size), 0);
    assert_true(bytes_equal(bytes_of(content, size), bytes_text(text)));
    mem_free(content);
}

static void expect_error(struct log_site *l, uint64_t position, int err)
{
    uint8_t *content = NULL;
    size_t size = 0;

    assert_int_equal(checkpoint_read(&l->site, position, &content, &size), err);
    assert_null(content);
}

static void test_each_position_has_its_own_file(void **state)
{
    struct log_site l;

    (void)state;
    log_site_init(&l);
    assert_int_equal(checkpoint_write(&l.site, 0, bytes_text("")), 0);
    assert_int_equal(checkpoint_write(&l.site, 0x1f, bytes_text("thirty-one")), 0);
    assert_int_equal(checkpoint_write(&l.site, UINT64_MAX, bytes_text("last")), 0);
    assert_true(log_site_has(&l, "checkpoint-000000000000001f"));
    log_site_crash(&l);
    expect_content(&l, 0, "");
    expect_content(&l, 0x1f, "thirty-one");
    expect_content(&l, UINT64_MAX, "last");
    expect_error(&l, 1, ERR_NOT_FOUND);
    log_site_release(&l);
}

static void test_one_can_be_written_again_and_removed(void **state)
{
    struct log_site l;

    (void)state;
    log_site_init(&l);
    assert_int_equal(checkpoint_write(&l.site, 5, bytes_text("first")), 0);
    assert_int_equal(checkpoint_write(&l.site, 5, bytes_text("second")), 0);
    expect_content(&l, 5, "second");
    assert_int_equal(checkpoint_remove(&l.site, 5), 0);
    expect_error(&l, 5, ERR_NOT_FOUND);
    assert_int_equal(checkpoint_remove(&l.site, 5), 0); /* a missing one is fine */
    assert_int_equal(checkpoint_write(&l.site, 5, bytes_text("third")), 0);
    log_site_fail(&l, SIM_OP_BIT(SIM_OP_REMOVE), ERR_IO, 1);
    assert_int_equal(checkpoint_remove(&l.site, 5), ERR_IO);
    log_site_release(&l);
}

static void test_one_of_another_log_or_position_is_damage(void **state)
{
    struct log_site l;

    (void)state;
    log_site_init(&l);
    assert_int_equal(checkpoint_write(&l.site, 5, bytes_text("state")), 0);
    sim_disk_duplicate(l.disk, "log/checkpoint-0000000000000005",
                       "log/checkpoint-0000000000000006");
    expect_error(&l, 6, ERR_CORRUPT); /* a copy under a wrong name */
    l.site.id[7]++;
    expect_error(&l, 5, ERR_CORRUPT);
    l.site.id[7]--;
    expect_content(&l, 5, "state");
    log_site_release(&l);
}

static void test_damage_and_lack_of_memory_are_told_apart(void **state)
{
    struct fault_heap heap;
    struct log_site l;

    (void)state;
    log_site_init(&l);
    assert_int_equal(checkpoint_write(&l.site, 5, bytes_text("state")), 0);
    fault_heap_start(&heap, 1, false);
    expect_error(&l, 5, ERR_NO_MEMORY);
    assert_true(fault_heap_stop(&heap));
    log_site_flip(&l, "checkpoint-0000000000000005", 50, 1);
    expect_error(&l, 5, ERR_CORRUPT);
    log_site_release(&l);
}

static void test_a_write_that_fails_keeps_the_old_one(void **state)
{
    struct log_site l;

    (void)state;
    log_site_init(&l);
    assert_int_equal(checkpoint_write(&l.site, 5, bytes_text("old")), 0);
    log_site_fail(&l, SIM_OP_BIT(SIM_OP_SYNC), ERR_IO, 1);
    assert_int_equal(checkpoint_write(&l.site, 5, bytes_text("new")), ERR_IO);
    expect_content(&l, 5, "old");
    log_site_release(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_each_position_has_its_own_file),
        LEAK_CHECKED(test_one_can_be_written_again_and_removed),
        LEAK_CHECKED(test_one_of_another_log_or_position_is_damage),
        LEAK_CHECKED(test_damage_and_lack_of_memory_are_told_apart),
        LEAK_CHECKED(test_a_write_that_fails_keeps_the_old_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
