/* Tests of tools/bench/amqp/producer_ring.h: whatever the socket takes, what goes out is each
 * message once, whole and in order. */
#include "tools/bench/amqp/producer_ring.h"

#include "amqp/wire/content.h"
#include "amqp/wire/method.h"
#include "base/mem.h"
#include "base/rand.h"
#include "tests/lib/seed.h"
#include "tests/lib/test.h"
#include "tools/bench/amqp/crew.h"

enum { FRAME_MAX = 4096, OUT_MAX = 64 << 20 };

struct stage {
    struct workload work;
    struct load load;
    struct crew crew;
    struct producer_ring ring;
    struct buf out;
};

static void open_stage(struct stage *s, size_t size, int64_t queues)
{
    *s = (struct stage){0};
    setting_defaults(workload_settings, &s->work);
    s->work.size = size;
    s->work.queues = queues;
    crew_init(&s->crew, &s->load, &s->work, 77);
    producer_ring_init(&s->ring, &s->crew, 0, FRAME_MAX);
    buf_init(&s->out, OUT_MAX);
}

static void close_stage(struct stage *s)
{
    producer_ring_release(&s->ring);
    buf_release(&s->out);
    crew_release(&s->crew);
}

/* The socket takes the first `size` bytes. */
static void write_some(struct stage *s, size_t size)
{
    struct bytes parts[2];
    int count = producer_ring_parts(&s->ring, parts);
    size_t left = size;

    for (int i = 0; i < count; i++) {
        size_t part = parts[i].size < left ? parts[i].size : left;

        buf_bytes(&s->out, bytes_of(parts[i].data, part));
        left -= part;
    }
    producer_ring_clear(&s->ring, size - left);
}

static struct frame next_frame(struct bytes *left)
{
    struct frame f;

    assert_int_equal(frame_decode(*left, FRAME_MAX, &f), WIRE_OK);
    *left = bytes_of(left->data + f.size, left->size - f.size);
    return f;
}

/* Reads one message and looks at everything in it. */
static void expect_message(struct stage *s, struct bytes *left, uint64_t sequence)
{
    struct frame f = next_frame(left);
    struct cargo_label label;
    struct topology_name key =
        topology_route_key(&s->crew.topology, 0, (uint32_t)(sequence % (uint64_t)s->work.queues));
    struct content content;
    struct method m;
    size_t done = 0;

    assert_int_equal(method_decode(f.payload, &m), WIRE_OK);
    assert_int_equal(m.id, METHOD_BASIC_PUBLISH);
    assert_true(bytes_equal(m.basic_publish.routing_key, bytes_text(key.text)));
    f = next_frame(left);
    assert_int_equal(content_decode(f.payload, &content), WIRE_OK);
    assert_int_equal(content.body_size, s->work.size);
    while (done < s->work.size) {
        struct bytes part = next_frame(left).payload;

        if (done == 0) {
            assert_true(cargo_read(&s->crew.cargo, bytes_of(part.data, CARGO_HEAD_SIZE), &label));
            part = bytes_of(part.data + CARGO_HEAD_SIZE, part.size - CARGO_HEAD_SIZE);
            done = CARGO_HEAD_SIZE;
        }
        assert_true(cargo_is_same(&s->crew.cargo, label.sequence, done, part));
        done += part.size;
    }
    assert_int_equal(label.sequence, sequence);
}

/* Publishes `count` messages in pieces of chance. */
static void run(size_t size, int64_t queues, uint64_t count)
{
    struct stage s;
    struct rand r;
    struct bytes left;

    open_stage(&s, size, queues);
    rand_init(&r, test_seed());
    while (s.ring.published < count || s.ring.unwritten > 0) {
        uint64_t room = producer_ring_room(&s.ring);

        if (room > count - s.ring.published)
            room = count - s.ring.published;
        if (room > 0)
            producer_ring_stamp(&s.ring, &s.crew, 0, (uint32_t)rand_below(&r, room + 1));
        if (s.ring.unwritten > 0)
            write_some(&s, (size_t)rand_below(&r, s.ring.unwritten + 1));
    }
    assert_int_equal(s.ring.cleared, count);
    left = buf_view(&s.out);
    for (uint64_t i = 0; i < count; i++)
        expect_message(&s, &left, i);
    assert_int_equal(left.size, 0);
    close_stage(&s);
}

static void test_small_messages_to_one_queue(void **state)
{
    (void)state;
    run(24, 1, 20000);
}

static void test_messages_to_queues_in_turn(void **state)
{
    (void)state;
    run(100, 7, 5000);
}

static void test_messages_of_several_frames(void **state)
{
    (void)state;
    run(10000, 3, 300);
}

static void test_a_message_larger_than_the_ring(void **state)
{
    (void)state;
    run(400000, 1, 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_small_messages_to_one_queue),
        cmocka_unit_test(test_messages_to_queues_in_turn),
        cmocka_unit_test(test_messages_of_several_frames),
        cmocka_unit_test(test_a_message_larger_than_the_ring),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
