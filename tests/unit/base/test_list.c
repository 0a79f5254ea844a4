/* Tests of base/list. */
#include "base/list.h"

#include "tests/lib/death.h"
#include "tests/lib/test.h"

enum { ITEMS = 5 };

struct item {
    char name;
    struct list_link link;
};

static struct item items[ITEMS];
static struct list list;

static int setup(void **state)
{
    (void)state;
    list_init(&list);
    for (int i = 0; i < ITEMS; i++)
        items[i] = (struct item){.name = (char)('a' + i)};
    return 0;
}

static void assert_names(const char *expected)
{
    char forwards[ITEMS + 1] = {0};
    size_t count = 0;

    LIST_FOREACH (link, &list) {
        assert_ptr_equal(link->next->prev, link);
        assert_ptr_equal(link->prev->next, link);
        forwards[count++] = CONTAINER_OF(link, struct item, link)->name;
    }
    assert_string_equal(forwards, expected);
    assert_int_equal(list_empty(&list), count == 0);
}

static void test_pushed_items_lie_in_order(void **state)
{
    (void)state;
    assert_names("");
    assert_null(list_first(&list));
    assert_null(list_last(&list));
    list_push(&list, &items[0].link);
    list_push(&list, &items[1].link);
    list_push_front(&list, &items[2].link);
    list_insert_before(&items[1].link, &items[3].link);
    assert_names("cadb");
    assert_ptr_equal(list_first(&list), &items[2].link);
    assert_ptr_equal(list_last(&list), &items[1].link);
}

static void test_a_removed_item_is_on_no_list(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++)
        list_push(&list, &items[i].link);
    assert_true(list_linked(&items[1].link));
    list_remove(&items[1].link);
    assert_false(list_linked(&items[1].link));
    assert_names("ac");
    list_push(&list, &items[1].link);
    assert_names("acb");
}

static void test_taking_empties_from_the_front(void **state)
{
    (void)state;
    assert_null(list_take(&list));
    for (int i = 0; i < 2; i++)
        list_push(&list, &items[i].link);
    assert_ptr_equal(list_take(&list), &items[0].link);
    assert_ptr_equal(list_take(&list), &items[1].link);
    assert_null(list_take(&list));
    assert_names("");
}

static void test_the_safe_walk_allows_removing_each_item(void **state)
{
    (void)state;
    for (int i = 0; i < ITEMS; i++)
        list_push(&list, &items[i].link);
    LIST_FOREACH_SAFE (link, &list) {
        if (CONTAINER_OF(link, struct item, link)->name != 'c')
            list_remove(link);
    }
    assert_names("c");
}

static void push_again(void *owner)
{
    list_push(&list, owner);
}

static void remove_again(void *owner)
{
    list_remove(owner);
}

static void test_linking_twice_or_removing_twice_is_a_bug(void **state)
{
    (void)state;
    list_push(&list, &items[0].link);
    expect_death(push_again, &items[0].link, "!list_linked(link)");
    list_remove(&items[0].link);
    expect_death(remove_again, &items[0].link, "list_linked(link)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_pushed_items_lie_in_order, setup),
        cmocka_unit_test_setup(test_a_removed_item_is_on_no_list, setup),
        cmocka_unit_test_setup(test_taking_empties_from_the_front, setup),
        cmocka_unit_test_setup(test_the_safe_walk_allows_removing_each_item, setup),
        cmocka_unit_test_setup(test_linking_twice_or_removing_twice_is_a_bug, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
