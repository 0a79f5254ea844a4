/* Tests of store/publish_record: what is written comes back, whatever its sizes. */
#include "store/publish_record.h"

#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/rand.h"
#include "store/records.h"
#include "store/varint.h"
#include "tests/lib/leaks.h"
#include "tests/lib/seed.h"

enum { TARGETS_MAX = 200, PARTS_MAX = 50, AREA = 4096 };

/* A message of random sizes, and what belongs to it. */
struct sample {
    uint8_t area[AREA];
    struct bytes pieces[3];
    struct message message;
    struct store_target targets[TARGETS_MAX];
    uint64_t parts[PARTS_MAX];
    struct publish_record record;
};

static struct bytes some(struct sample *s, struct rand *r, size_t size_max)
{
    size_t size = rand_below(r, size_max + 1);

    return bytes_of(s->area + rand_below(r, AREA - size + 1), size);
}

static void draw(struct sample *s, struct rand *r)
{
    memset(s, 0, sizeof(*s));
    rand_fill(r, s->area, sizeof(s->area));
    s->message.exchange = some(s, r, rand_chance(r, 1, 2) ? 10 : 255);
    s->message.routing_key = some(s, r, rand_chance(r, 1, 2) ? 10 : 255);
    s->message.props.bytes = some(s, r, rand_chance(r, 1, 2) ? 100 : 3000);
    for (size_t i = 0; i < ARRAY_SIZE(s->pieces); i++) {
        s->pieces[i] = some(s, r, rand_chance(r, 1, 2) ? 0 : 1000);
        s->message.body_size += s->pieces[i].size;
    }
    if (rand_chance(r, 1, 4))
        s->message.slip = some(s, r, 300);
    s->message.body = s->pieces;
    s->message.body_count = ARRAY_SIZE(s->pieces);
    s->record = (struct publish_record){.message = &s->message,
                                        .targets = s->targets,
                                        .target_count = 1 + rand_below(r, TARGETS_MAX),
                                        .body_size = s->message.body_size};
    for (size_t i = 0; i < s->record.target_count; i++) {
        s->targets[i].queue = (i > 0 ? s->targets[i - 1].queue : 0) + 1 + rand_below(r, 1000);
        s->targets[i].seq = rand_next(r) >> rand_below(r, 64);
    }
    if (rand_chance(r, 2, 3))
        return;
    s->record.parts = s->parts;
    s->record.part_count = 1 + rand_below(r, PARTS_MAX);
    s->record.body_size = rand_below(r, MESSAGE_BODY_MAX);
    for (size_t i = 0; i < s->record.part_count; i++)
        s->parts[i] = (i > 0 ? s->parts[i - 1] : 0) + 1 + rand_below(r, 1000);
}

static void expect_texts(const struct sample *s, const struct stored *out)
{
    assert_true(bytes_equal(out->exchange, s->message.exchange));
    assert_true(bytes_equal(out->routing_key, s->message.routing_key));
    assert_true(bytes_equal(out->props, s->message.props.bytes));
    assert_true(bytes_equal(out->slip, s->message.slip));
    assert_int_equal(out->body_size, s->record.body_size);
    assert_int_equal(out->parts, s->record.part_count);
    assert_int_equal(out->place, 5000);
    assert_int_equal(out->time_ms, 99);
    assert_int_equal(out->body.size, s->record.parts != NULL ? 0 : s->message.body_size);
}

static void expect_same(const struct sample *s, const struct record *r)
{
    struct store_target target = {0};
    struct store_record decoded;
    struct stored view;
    uint64_t place = 0;

    assert_int_equal(publish_record_view(r, &view), 0);
    expect_texts(s, &view);
    for (size_t i = 0, at = 0; i < ARRAY_SIZE(s->pieces) && s->record.parts == NULL; i++) {
        assert_true(bytes_equal(bytes_of(view.body.data + at, s->pieces[i].size), s->pieces[i]));
        at += s->pieces[i].size;
    }
    assert_int_equal(store_record_decode(r, &decoded), 0);
    expect_texts(s, &decoded.stored);
    assert_int_equal(decoded.target_count, s->record.target_count);
    for (size_t i = 0; i < s->record.target_count; i++) {
        assert_true(store_target_next(&decoded.targets, &target));
        assert_int_equal(target.queue, s->targets[i].queue);
        assert_int_equal(target.seq, s->targets[i].seq);
    }
    assert_false(store_target_next(&decoded.targets, &target));
    for (size_t i = 0; i < s->record.part_count; i++) {
        place += reader_varint(&decoded.parts);
        assert_int_equal(place, s->parts[i]);
    }
    assert_true(reader_is_done(&decoded.parts));
}

/* The record, in memory of exactly its size. */
static struct record written(const struct sample *s)
{
    size_t targets_size, size = publish_record_size(&s->record, &targets_size);
    uint8_t *body = mem_alloc(size);

    publish_record_write(&s->record, targets_size, body);
    return (struct record){
        .number = 5000, .time_ms = 99, .kind = RECORD_PUBLISH, .body = bytes_of(body, size)};
}

static void test_messages_come_back_as_they_were(void **state)
{
    static struct sample s;
    struct rand r;

    (void)state;
    rand_init(&r, test_seed());
    for (int i = 0; i < 3000; i++) {
        struct record record;

        draw(&s, &r);
        record = written(&s);
        expect_same(&s, &record);
        mem_free((void *)(uintptr_t)record.body.data);
    }
}

static void test_what_is_cut_off_is_refused(void **state)
{
    static struct sample s;
    struct rand r;

    (void)state;
    rand_init(&r, test_seed());
    for (int i = 0; i < 200; i++) {
        struct store_record decoded;
        struct stored view;
        struct record record, cut;
        size_t body;

        draw(&s, &r);
        record = cut = written(&s);
        body = s.record.parts != NULL ? 0 : (size_t)s.message.body_size;
        cut.body.size = rand_below(&r, record.body.size - body);
        assert_int_equal(publish_record_view(&cut, &view), ERR_CORRUPT);
        assert_int_equal(store_record_decode(&cut, &decoded), ERR_CORRUPT);
        cut = record;
        cut.kind = RECORD_PART;
        assert_int_equal(publish_record_view(&cut, &view), ERR_CORRUPT);
        mem_free((void *)(uintptr_t)record.body.data);
    }
}

static void test_parts_come_back_as_they_were(void **state)
{
    uint8_t area[64];
    struct record r = {.number = 70000, .kind = RECORD_PART};
    struct bytes out;
    uint64_t first = 0;
    uint8_t *at = part_record_write(69000, area);

    (void)state;
    memcpy(at, "bytes", 5);
    assert_int_equal(at + 5 - area, part_record_size(69000, 5));
    r.body = bytes_of(area, part_record_size(69000, 5));
    assert_int_equal(part_record_view(&r, &first, &out), 0);
    assert_int_equal(first, 1000);
    assert_true(bytes_equal(out, bytes_text("bytes")));
    r.number = 68999;
    assert_int_equal(part_record_view(&r, &first, &out), ERR_CORRUPT);
    r.number = 70000;
    r.body.size = 3; /* nothing behind the number */
    assert_int_equal(part_record_view(&r, &first, &out), ERR_CORRUPT);
    r.body.size = 2;
    assert_int_equal(part_record_view(&r, &first, &out), ERR_CORRUPT);
}

static void test_numbers_take_the_bytes_they_need(void **state)
{
    static const uint64_t numbers[] = {
        0, 1, 127, 128, 16383, 16384, UINT32_MAX, UINT64_C(1) << 35, INT64_MAX, UINT64_MAX};
    uint8_t area[VARINT_MAX];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
        size_t size = (size_t)(varint_put(area, numbers[i]) - area);
        struct reader r = reader_of(bytes_of(area, size));

        assert_int_equal(size, varint_size(numbers[i]));
        assert_true(reader_varint(&r) == numbers[i]);
        assert_true(reader_is_done(&r));
        r = reader_of(bytes_of(area, size - 1));
        assert_int_equal(reader_varint(&r), 0);
        assert_true(r.is_failed);
    }
    memset(area, 0xff, sizeof(area)); /* more bits than there are */
    struct reader r = reader_of(bytes_of(area, sizeof(area)));
    assert_int_equal(reader_varint(&r), 0);
    assert_true(r.is_failed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_messages_come_back_as_they_were),
        LEAK_CHECKED(test_what_is_cut_off_is_refused),
        LEAK_CHECKED(test_parts_come_back_as_they_were),
        LEAK_CHECKED(test_numbers_take_the_bytes_they_need),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
