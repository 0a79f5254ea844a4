/* Tests of amqp/tags.h, with a plain array as the model. */
#include "amqp/tags.h"

#include "base/mem.h"
#include "base/rand.h"
#include "tests/lib/leaks.h"
#include "tests/lib/seed.h"
#include "tests/lib/test.h"

enum { TAGS = 4096 };

static struct delivery *delivery_of(uint64_t tag)
{
    return (struct delivery *)(uintptr_t)(tag * 16);
}

static void test_what_was_added_is_taken_once(void **state)
{
    struct tags t;

    (void)state;
    tags_init(&t);
    assert_null(tags_take(&t, 1));
    for (uint64_t tag = 1; tag <= 100; tag++)
        tags_add(&t, tag, delivery_of(tag));
    for (uint64_t tag = 100; tag >= 1; tag--) {
        assert_ptr_equal(tags_take(&t, tag), delivery_of(tag));
        assert_null(tags_take(&t, tag));
        tags_check(&t);
    }
    assert_int_equal(t.live, 0);
    tags_release(&t);
}

static void test_tags_may_be_missing_between(void **state)
{
    struct tags t;

    (void)state;
    tags_init(&t);
    for (uint64_t tag = 7; tag < 7000; tag += 7)
        tags_add(&t, tag, delivery_of(tag));
    for (uint64_t tag = 1; tag < 7000; tag++)
        assert_int_equal(tags_has(&t, tag), tag % 7 == 0);
    assert_null(tags_take(&t, UINT64_MAX));
    assert_null(tags_take(&t, 0));
    tags_release(&t);
}

static void test_the_first_ones_are_taken_in_order(void **state)
{
    struct tags t;

    (void)state;
    tags_init(&t);
    for (uint64_t tag = 1; tag <= 10; tag++)
        tags_add(&t, tag, delivery_of(tag));
    assert_ptr_equal(tags_take(&t, 2), delivery_of(2));
    assert_ptr_equal(tags_take_first(&t, 4), delivery_of(1));
    assert_ptr_equal(tags_take_first(&t, 4), delivery_of(3));
    assert_ptr_equal(tags_take_first(&t, 4), delivery_of(4));
    assert_null(tags_take_first(&t, 4));
    assert_true(tags_has(&t, 5));
    tags_release(&t);
}

/* One old delivery does not keep the place of all that came and went since. */
static void test_memory_follows_what_is_unsettled(void **state)
{
    struct tags t;

    (void)state;
    tags_init(&t);
    tags_add(&t, 1, delivery_of(1));
    for (uint64_t tag = 2; tag < 100000; tag++) {
        tags_add(&t, tag, delivery_of(tag));
        assert_ptr_equal(tags_take(&t, tag), delivery_of(tag));
    }
    assert_true(t.capacity <= 32);
    assert_ptr_equal(tags_take(&t, 1), delivery_of(1));
    tags_release(&t);
}

static void test_a_forgotten_one_can_be_settled_once(void **state)
{
    struct tags t;
    uint32_t place = 0;

    (void)state;
    tags_init(&t);
    tags_add(&t, 1, delivery_of(1));
    tags_add(&t, 2, delivery_of(2));
    assert_ptr_equal(tags_next(&t, &place), delivery_of(1));
    tags_forget(&t, place);
    assert_ptr_equal(tags_next(&t, &place), delivery_of(2));
    assert_null(tags_next(&t, &place));
    assert_ptr_equal(tags_take(&t, 1), TAGS_GONE);
    assert_null(tags_take(&t, 1));
    tags_release(&t);
}

struct model {
    bool is_there[TAGS];
    uint64_t next;
};

static void put_back_one(struct tags *t, struct model *m, uint64_t tag)
{
    if (tag == 0 || tag >= m->next || m->is_there[tag])
        return;
    tags_put_back(t, tag, delivery_of(tag));
    m->is_there[tag] = true;
}

static void take_upto(struct tags *t, struct model *m, uint64_t tag)
{
    for (uint64_t i = 0; i <= tag && i < m->next; i++) {
        if (!m->is_there[i])
            continue;
        assert_ptr_equal(tags_take_first(t, tag), delivery_of(i));
        m->is_there[i] = false;
    }
    assert_null(tags_take_first(t, tag));
}

static void test_it_does_what_a_plain_array_does(void **state)
{
    struct model *m = mem_zero(1, sizeof(*m));
    struct rand rand;
    struct tags t;

    (void)state;
    rand_init(&rand, test_seed());
    tags_init(&t);
    m->next = 1;
    while (m->next < TAGS - 8) {
        uint64_t tag = rand_below(&rand, m->next + 2);
        switch (rand_below(&rand, 8)) {
        case 0:
            put_back_one(&t, m, tag);
            break;
        case 1:
            if (rand_chance(&rand, 1, 20))
                take_upto(&t, m, tag);
            break;
        case 2:
        case 3:
            assert_ptr_equal(tags_take(&t, tag), m->is_there[tag] ? delivery_of(tag) : NULL);
            m->is_there[tag] = false;
            break;
        default:
            m->next += rand_below(&rand, 3);
            m->is_there[m->next] = true;
            tags_add(&t, m->next, delivery_of(m->next));
            m->next++;
        }
        tags_check(&t);
    }
    for (uint64_t tag = 0; tag < TAGS; tag++)
        assert_int_equal(tags_has(&t, tag), m->is_there[tag]);
    tags_release(&t);
    mem_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_what_was_added_is_taken_once),
        LEAK_CHECKED(test_tags_may_be_missing_between),
        LEAK_CHECKED(test_the_first_ones_are_taken_in_order),
        LEAK_CHECKED(test_memory_follows_what_is_unsettled),
        LEAK_CHECKED(test_a_forgotten_one_can_be_settled_once),
        LEAK_CHECKED(test_it_does_what_a_plain_array_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
