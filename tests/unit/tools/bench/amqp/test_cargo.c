/* Tests of tools/bench/amqp/cargo.h. */
#include "tools/bench/amqp/cargo.h"

#include "base/mem.h"
#include "tests/lib/test.h"

enum { RUN = 0x1bcd1234, PRODUCER = 7 };

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Whether a consumer would take this body for message `sequence`. */
static bool is_taken(const struct cargo *c, const uint8_t *body, uint64_t sequence)
{
    size_t head = least(c->size, CARGO_HEAD_SIZE);
    struct cargo_label label;

    if (!cargo_read(c, bytes_of(body, head), &label) || label.sequence != sequence ||
        label.producer != PRODUCER)
        return false;
    return c->size <= head ||
           cargo_is_same(c, sequence, head, bytes_of(body + head, c->size - head));
}

static void test_a_body_of_any_size_says_which_it_is(void **state)
{
    static const size_t sizes[] = {16, 17, 23, 24, 25, 100, 1024, 70000, 300000};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        uint8_t *body = mem_alloc(sizes[i]);
        struct cargo c;

        cargo_init(&c, RUN, sizes[i]);
        for (uint64_t sequence = 0; sequence < 20; sequence++) {
            cargo_fill(&c, body, PRODUCER, (uint32_t)(sequence % c.patterns));
            cargo_stamp(&c, body, PRODUCER, sequence);
            assert_true(is_taken(&c, body, sequence));
        }
        cargo_release(&c);
        mem_free(body);
    }
}

static void test_no_bit_of_a_body_can_change_unseen(void **state)
{
    uint8_t body[64];
    struct cargo c;

    (void)state;
    cargo_init(&c, RUN, sizeof(body));
    cargo_fill(&c, body, PRODUCER, 3);
    cargo_stamp(&c, body, PRODUCER, 3);
    for (size_t bit = 0; bit < sizeof(body) * 8; bit++) {
        body[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_false(is_taken(&c, body, 3));
        body[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    assert_true(is_taken(&c, body, 3));
    cargo_release(&c);
}

static void test_a_stamp_that_was_moved_to_another_body_is_seen(void **state)
{
    uint8_t body[64];
    struct cargo c;

    (void)state;
    cargo_init(&c, RUN, sizeof(body));
    cargo_fill(&c, body, PRODUCER, 3);
    cargo_stamp(&c, body, PRODUCER, 4); /* its payload would be another */
    assert_false(is_taken(&c, body, 4));
    cargo_release(&c);
}

static void test_a_message_of_another_run_is_refused(void **state)
{
    uint8_t body[16];
    struct cargo ours, theirs;

    (void)state;
    cargo_init(&ours, RUN, sizeof(body));
    cargo_init(&theirs, RUN + 1, sizeof(body));
    cargo_fill(&theirs, body, PRODUCER, 0);
    cargo_stamp(&theirs, body, PRODUCER, 0);
    assert_false(is_taken(&ours, body, 0));
    cargo_release(&ours);
    cargo_release(&theirs);
}

static void test_a_part_beyond_the_end_is_not_the_same(void **state)
{
    uint8_t bytes[8] = {0};
    struct cargo c;

    (void)state;
    cargo_init(&c, RUN, 28);
    assert_false(cargo_is_same(&c, 0, 24, bytes_of(bytes, sizeof(bytes))));
    assert_true(cargo_is_same(&c, 0, 28, bytes_of(bytes, 0)));
    cargo_release(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_body_of_any_size_says_which_it_is),
        cmocka_unit_test(test_no_bit_of_a_body_can_change_unseen),
        cmocka_unit_test(test_a_stamp_that_was_moved_to_another_body_is_seen),
        cmocka_unit_test(test_a_message_of_another_run_is_refused),
        cmocka_unit_test(test_a_part_beyond_the_end_is_not_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
