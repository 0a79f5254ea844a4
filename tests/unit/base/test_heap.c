/* Tests of base/heap. */
#include "base/heap.h"

#include "base/check.h"
#include "base/rand.h"
#include "tests/lib/death.h"
#include "tests/lib/leaks.h"
#include "tests/lib/seed.h"
#include "tests/lib/test.h"

static void test_nodes_leave_by_order_then_tie(void **state)
{
    struct heap_node nodes[] = {{5, 1, 0}, {3, 2, 0}, {5, 0, 0}, {1, 9, 0}, {3, 1, 0}};
    static const int expected[] = {3, 4, 1, 2, 0};
    struct heap h;

    (void)state;
    heap_init(&h);
    assert_null(heap_first(&h));
    for (size_t i = 0; i < ARRAY_SIZE(nodes); i++)
        heap_push(&h, &nodes[i]);
    for (size_t i = 0; i < ARRAY_SIZE(nodes); i++) {
        assert_ptr_equal(heap_first(&h), &nodes[expected[i]]);
        heap_remove(&h, heap_first(&h));
        assert_false(heap_holds(&nodes[expected[i]]));
    }
    assert_null(heap_first(&h));
    heap_release(&h);
}

static void test_a_node_can_come_back(void **state)
{
    struct heap_node n = {.order = 1};
    struct heap h;

    (void)state;
    heap_init(&h);
    for (int i = 0; i < 3; i++) {
        heap_push(&h, &n);
        assert_true(heap_holds(&n));
        heap_remove(&h, &n);
        assert_false(heap_holds(&n));
    }
    heap_release(&h);
}

static struct heap_node *smallest_in(struct heap_node *nodes, size_t count)
{
    struct heap_node *first = NULL;

    for (size_t i = 0; i < count; i++) {
        struct heap_node *n = &nodes[i];
        if (!heap_holds(n))
            continue;
        if (first == NULL || n->order < first->order ||
            (n->order == first->order && n->tie < first->tie))
            first = n;
    }
    return first;
}

static void test_random_pushes_and_removals_agree_with_a_search(void **state)
{
    enum { NODES = 200, ROUNDS = 20000 };
    static struct heap_node nodes[NODES];
    struct rand r;
    struct heap h;

    (void)state;
    rand_init(&r, test_seed());
    heap_init(&h);
    for (uint64_t round = 0; round < ROUNDS; round++) {
        struct heap_node *n = &nodes[rand_below(&r, NODES)];
        if (heap_holds(n)) {
            heap_remove(&h, n);
        } else {
            n->order = rand_chance(&r, 1, 50) ? UINT64_MAX : rand_below(&r, 40);
            n->tie = round;
            heap_push(&h, n);
        }
        if (round % 16 == 0)
            heap_check(&h);
        assert_ptr_equal(heap_first(&h), smallest_in(nodes, NODES));
    }
    while (heap_first(&h) != NULL) {
        assert_ptr_equal(heap_first(&h), smallest_in(nodes, NODES));
        heap_remove(&h, heap_first(&h));
    }
    heap_release(&h);
}

static void push_twice(void *owner)
{
    struct heap_node n = {.order = 1};

    heap_push(owner, &n);
    heap_push(owner, &n);
}

static void remove_a_stranger(void *owner)
{
    struct heap_node n = {.order = 1};

    heap_remove(owner, &n);
}

static void test_misuse_is_a_bug(void **state)
{
    struct heap h;

    (void)state;
    heap_init(&h);
    expect_death(push_twice, &h, "n->place == 0");
    expect_death(remove_a_stranger, &h, "n->place > 0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_nodes_leave_by_order_then_tie),
        LEAK_CHECKED(test_a_node_can_come_back),
        LEAK_CHECKED(test_random_pushes_and_removals_agree_with_a_search),
        LEAK_CHECKED(test_misuse_is_a_bug),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
