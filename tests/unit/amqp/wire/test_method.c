/* Tests of amqp/wire/method. */
#include "amqp/wire/method.h"

#include <stdio.h>

#include "amqp/wire/frame.h"
#include "base/err.h"
#include "base/rand.h"
#include "msg/shortstr.h"
#include "tests/lib/death.h"
#include "tests/lib/fault_heap.h"
#include "tests/lib/hex.h"
#include "tests/lib/leaks.h"
#include "tests/lib/seed.h"
#include "tests/lib/test.h"
#include "tests/unit/amqp/wire/golden.h"

enum { AREA_SIZE = 8192, METHOD_COUNT = 66 };

static void test_every_method_is_written_as_the_specification_says(void **state)
{
    const struct golden *g = NULL;

    (void)state;
    for (size_t i = 0; (g = golden_at(i)) != NULL; i++) {
        uint8_t area[AREA_SIZE];
        struct writer w = writer_of(area, sizeof(area));
        method_write(&w, 0x0102, &g->method);
        assert_false(w.is_failed);
        assert_int_equal(w.size, method_frame_size(&g->method));
        hex_expect(bytes_of(area + FRAME_HEAD_SIZE, w.size - FRAME_EMPTY_SIZE), g->payload);
        assert_memory_equal(area, "\x01\x01\x02", 3); /* a method frame, its channel */
        assert_int_equal(get_be32(area + 3), w.size - FRAME_EMPTY_SIZE);
        assert_int_equal(area[w.size - 1], 0xce);
    }
}

static void test_every_method_is_read_as_it_was_meant(void **state)
{
    const struct golden *g = NULL;

    (void)state;
    for (size_t i = 0; (g = golden_at(i)) != NULL; i++) {
        struct bytes payload = hex_new(g->payload);
        struct method m;
        assert_int_equal(method_decode(payload, &m), WIRE_OK);
        assert_true(method_equal(&m, &g->method));
        hex_free(payload);
    }
}

static void test_every_method_cut_anywhere_is_refused(void **state)
{
    const struct golden *g = NULL;

    (void)state;
    for (size_t i = 0; (g = golden_at(i)) != NULL; i++) {
        struct bytes payload = hex_new(g->payload);
        for (size_t size = 0; size < payload.size; size++) {
            struct bytes cut = hex_copy(bytes_of(payload.data, size));
            struct method m;
            assert_int_equal(method_decode(cut, &m),
                             size < 4 ? WIRE_METHOD_SHORT : WIRE_FIELDS_CUT);
            assert_int_equal(m.id, size < 4 ? METHOD_NONE : g->method.id);
            hex_free(cut);
        }
        hex_free(payload);
    }
}

static void test_every_method_with_something_behind_it_is_refused(void **state)
{
    const struct golden *g = NULL;

    (void)state;
    for (size_t i = 0; (g = golden_at(i)) != NULL; i++) {
        char longer[512];
        struct method m;
        (void)snprintf(longer, sizeof(longer), "%s 00", g->payload);
        struct bytes payload = hex_new(longer);
        assert_int_equal(method_decode(payload, &m), WIRE_FIELDS_LEFT);
        assert_int_equal(m.id, g->method.id);
        hex_free(payload);
    }
}

static void test_a_method_is_written_whole_or_not_at_all(void **state)
{
    const struct golden *g = NULL;

    (void)state;
    for (size_t i = 0; (g = golden_at(i)) != NULL; i++) {
        size_t size = method_frame_size(&g->method);
        for (size_t room = 0; room <= size; room++) {
            uint8_t area[AREA_SIZE];
            struct writer w = writer_of(area, room);
            memset(area, 0xee, sizeof(area));
            method_write(&w, 1, &g->method);
            assert_int_equal(w.is_failed, room < size);
            assert_int_equal(w.size, room < size ? 0 : size);
            assert_int_equal(area[w.size], 0xee);
        }
    }
}

static void test_a_buffer_takes_methods_too(void **state)
{
    const struct golden *g = NULL;
    struct fault_heap f;
    uint64_t k = 0;

    (void)state;
    for (size_t i = 0; (g = golden_at(i)) != NULL; i++) {
        struct buf b;
        buf_init(&b, AREA_SIZE);
        method_write_buf(&b, 7, &g->method);
        assert_int_equal(buf_error(&b), 0);
        hex_expect(bytes_of(b.data + FRAME_HEAD_SIZE, b.size - FRAME_EMPTY_SIZE), g->payload);
        buf_release(&b);

        buf_init(&b, method_frame_size(&g->method) - 1);
        method_write_buf(&b, 7, &g->method);
        assert_int_equal(buf_error(&b), ERR_FULL);
        assert_int_equal(b.size, 0);
        buf_release(&b);
    }
    do {
        struct buf b;
        fault_heap_start(&f, ++k, false);
        buf_init(&b, AREA_SIZE);
        method_write_buf(&b, 7, &golden_at(0)->method);
        assert_int_equal(buf_error(&b), f.refused > 0 ? ERR_NO_MEMORY : 0);
        buf_release(&b);
    } while (fault_heap_stop(&f));
}

static void test_all_methods_are_known_and_nothing_else_is(void **state)
{
    size_t known = 0;

    (void)state;
    for (uint32_t class = 0; class <= 256; class ++) {
        for (uint32_t number = 0; number <= 256; number++) {
            uint8_t payload[4];
            struct method m;
            put_be32(payload, class << 16 | number);
            enum wire_result result = method_decode(bytes_of(payload, 4), &m);
            const struct method_kind *kind = method_kind_find(class << 16 | number);
            assert_int_equal(m.id, class << 16 | number);
            assert_int_equal(result == WIRE_METHOD_UNKNOWN, kind == NULL);
            assert_int_equal(method_class_of(m.id), class);
            assert_int_equal(method_number_of(m.id), number);
            known += kind != NULL ? 1 : 0;
        }
    }
    assert_int_equal(known, METHOD_COUNT);
    assert_null(method_kind_find(METHOD_NONE));
    assert_null(method_kind_find(UINT32_MAX));
    assert_null(method_kind_find(0xffff0000 | 40));
    assert_null(method_kind_at(METHOD_COUNT));
    assert_null(golden_at(METHOD_COUNT)); /* and each one was looked at above: */
    for (size_t i = 0; i < METHOD_COUNT; i++) {
        assert_int_equal(golden_at(i)->method.id, method_kind_at(i)->id);
        assert_ptr_equal(method_kind_find(method_kind_at(i)->id), method_kind_at(i));
    }
}

static bool is_in(const char *name, const char *const *names)
{
    while (*names != NULL && strcmp(*names, name) != 0)
        names++;
    return *names != NULL;
}

static void test_each_side_may_send_what_the_specification_says(void **state)
{
    static const char *const server[] = {
        "connection.start",
        "connection.secure",
        "connection.tune",
        "connection.open_ok",
        "connection.blocked",
        "connection.unblocked",
        "connection.update_secret_ok",
        "channel.open_ok",
        "access.request_ok",
        "exchange.declare_ok",
        "exchange.delete_ok",
        "exchange.bind_ok",
        "exchange.unbind_ok",
        "queue.declare_ok",
        "queue.bind_ok",
        "queue.purge_ok",
        "queue.delete_ok",
        "queue.unbind_ok",
        "basic.qos_ok",
        "basic.consume_ok",
        "basic.return",
        "basic.deliver",
        "basic.get_ok",
        "basic.get_empty",
        "basic.recover_ok",
        "confirm.select_ok",
        "tx.select_ok",
        "tx.commit_ok",
        "tx.rollback_ok",
        NULL,
    };
    static const char *const both[] = {
        "connection.close", "connection.close_ok", "channel.flow", "channel.flow_ok",
        "channel.close",    "channel.close_ok",    "basic.cancel", "basic.cancel_ok",
        "basic.ack",        "basic.nack",          NULL,
    };
    const struct method_kind *kind = NULL;

    (void)state;
    for (size_t i = 0; (kind = method_kind_at(i)) != NULL; i++) {
        enum method_sender sender = is_in(kind->name, server) ? METHOD_FROM_SERVER
                                    : is_in(kind->name, both) ? METHOD_FROM_BOTH
                                                              : METHOD_FROM_CLIENT;
        assert_int_equal(kind->sender, sender);
    }
    assert_int_equal(METHOD_FROM_BOTH, METHOD_FROM_CLIENT | METHOD_FROM_SERVER);
}

static void test_four_methods_are_followed_by_content(void **state)
{
    static const char *const names[] = {"basic.publish", "basic.return", "basic.deliver",
                                        "basic.get_ok", NULL};
    const struct method_kind *kind = NULL;

    (void)state;
    for (size_t i = 0; (kind = method_kind_at(i)) != NULL; i++)
        assert_int_equal(kind->has_content, is_in(kind->name, names));
}

static void test_requests_know_their_replies(void **state)
{
    const struct method_kind *kind = NULL;
    size_t replies = 0;

    (void)state;
    for (size_t i = 0; (kind = method_kind_at(i)) != NULL; i++) {
        char name[64];
        if (kind->reply == METHOD_NONE)
            continue;
        (void)snprintf(name, sizeof(name), "%s_ok", kind->name);
        assert_string_equal(method_kind_find(kind->reply)->name, name);
        assert_int_equal(kind->other_reply,
                         kind->id == METHOD_BASIC_GET ? METHOD_BASIC_GET_EMPTY : METHOD_NONE);
        replies++;
    }
    assert_int_equal(replies, 28); /* every "..._ok" answers something: */
    for (size_t i = 0; (kind = method_kind_at(i)) != NULL; i++) {
        size_t length = strlen(kind->name);
        replies -= strcmp(kind->name + length - 3, "_ok") == 0 ? 1 : 0;
    }
    assert_int_equal(replies, 0);
    assert_int_equal(method_kind_find(METHOD_EXCHANGE_UNBIND)->reply, 40 << 16 | 51);
}

static enum wire_result decode(const char *text)
{
    struct bytes payload = hex_new(text);
    struct method m;
    enum wire_result result = method_decode(payload, &m);

    hex_free(payload);
    return result;
}

static void test_bits_without_a_meaning_are_ignored(void **state)
{
    struct bytes payload = hex_new("003c 0028 0000 00 01 'q' fd");
    struct method m;

    (void)state;
    assert_int_equal(method_decode(payload, &m), WIRE_OK);
    assert_true(m.basic_publish.mandatory);
    assert_false(m.basic_publish.immediate);
    hex_free(payload);
    assert_int_equal(decode("0014 0014 fe"), WIRE_OK);
}

static void test_the_longest_names_are_read(void **state)
{
    uint8_t payload[4 + 2 + 256 + 256 + 1] = {0, 60, 0, 40};
    struct method m;

    (void)state;
    memset(payload + 6, 'x', 512);
    payload[6] = 255;
    payload[6 + 256] = 255;
    payload[6 + 512] = 1;
    assert_int_equal(method_decode(bytes_of(payload, sizeof(payload)), &m), WIRE_OK);
    assert_int_equal(m.basic_publish.exchange.size, 255);
    assert_int_equal(m.basic_publish.routing_key.size, 255);
    assert_true(m.basic_publish.mandatory);
}

static void test_short_strings_must_be_utf8(void **state)
{
    (void)state;
    assert_int_equal(decode("003c 0028 0000 00 04 'gr' c3bc 00"), WIRE_OK);
    assert_int_equal(decode("003c 0028 0000 00 02 00 'a' 00"), WIRE_OK); /* a zero is UTF-8 */
    assert_int_equal(decode("003c 0028 0000 00 01 ff 00"), WIRE_FIELD_TEXT);
    assert_int_equal(decode("003c 0028 0000 01 c3 00 00"), WIRE_FIELD_TEXT);
    assert_int_equal(decode("000a 0046 00000001 ff 00"),
                     WIRE_OK); /* a long string may be anything */
    assert_int_equal(decode("003c 001e 02 c0af 00"), WIRE_FIELD_TEXT);
    assert_int_equal(decode("003c 001e 02 ffff"), WIRE_FIELDS_CUT); /* said before what is in it */
}

static void test_one_bad_byte_at_any_place_of_a_short_string_is_seen(void **state)
{
    (void)state;
    for (size_t size = 1; size <= 255; size++) {
        for (size_t at = 0; at < size; at += size < 40 ? 1 : 13) {
            uint8_t payload[5 + 255] = {0, 20, 0, 10, (uint8_t)size};
            struct method m;
            memset(payload + 5, 0x7f, size);
            assert_int_equal(method_decode(bytes_of(payload, 5 + size), &m), WIRE_OK);
            payload[5 + at] = 0x80;
            assert_int_equal(method_decode(bytes_of(payload, 5 + size), &m), WIRE_FIELD_TEXT);
        }
    }
}

static void test_broken_tables_are_told_from_cut_fields(void **state)
{
    (void)state;
    /* queue.declare with arguments: whole, longer than the frame, cut, with an unknown tag,
     * with a nested table leaving them. */
    assert_int_equal(decode("0032 000a 0000 00 00 00000003 01'a' 56"), WIRE_OK);
    assert_int_equal(decode("0032 000a 0000 00 00 00000004 01'a' 56"), WIRE_FIELDS_CUT);
    assert_int_equal(decode("0032 000a 0000 00 00 ffffffff 01'a' 56"), WIRE_FIELDS_CUT);
    assert_int_equal(decode("0032 000a 0000 00 00 00000002 01'a' 56"), WIRE_FIELDS_LEFT);
    assert_int_equal(decode("0032 000a 0000 00 00 00000002 01'a'"), WIRE_FIELD_TABLE);
    assert_int_equal(decode("0032 000a 0000 00 00 00000003 01'a' 55"), WIRE_FIELD_TABLE);
    assert_int_equal(decode("0032 000a 0000 00 00 00000007 01'a' 46 00000001"), WIRE_FIELD_TABLE);
}

static void test_arguments_nested_too_deep_are_refused(void **state)
{
    (void)state;
    for (size_t depth = 31; depth <= 34; depth++) {
        uint8_t payload[9 + 4 + 7 * 40] = {0, 50, 0, 10};
        struct writer w =
            writer_of(payload + 8, sizeof(payload) - 8); /* behind ticket, name, bits */
        struct method m;
        for (size_t level = 1; level <= depth; level++) {
            writer_be32(&w, (uint32_t)(7 * (depth - level)));
            if (level < depth)
                writer_bytes(&w, bytes_of("\1aF", 3));
        }
        assert_int_equal(method_decode(bytes_of(payload, 8 + w.size), &m),
                         depth <= TABLE_DEPTH_MAX ? WIRE_OK : WIRE_FIELD_TABLE);
    }
}

/* Fills strings and tables of random methods; as large as all of one method's together. */
struct noise {
    struct rand rand;
    uint8_t text[SHORTSTR_MAX];
    uint8_t table[64];
};

static struct bytes noise_text(struct noise *n)
{
    return bytes_of(n->text, rand_below(&n->rand, rand_chance(&n->rand, 1, 4) ? 256 : 12));
}

static struct table noise_table(struct noise *n)
{
    struct writer w = writer_of(n->table, sizeof(n->table));
    struct table t;

    for (uint64_t i = rand_below(&n->rand, 5); i > 0; i--) {
        writer_bytes(&w, bytes_of("\2x-t", 4));
        writer_u8(&w, (uint8_t)rand_next(&n->rand));
    }
    assert_int_equal(table_decode(writer_view(&w), &t), 0);
    return t;
}

#define METHOD(CONSTANT, class, method, ...)                                                       \
    static void fill_##class##_##method(struct noise *n, struct method_##class##_##method *m)      \
    {
#define END             }
#define BIT(field)      m->field = rand_chance(&n->rand, 1, 2);
#define OCTET(field)    m->field = (uint8_t)rand_next(&n->rand);
#define SHORT(field)    m->field = (uint16_t)rand_next(&n->rand);
#define LONG(field)     m->field = (uint32_t)rand_next(&n->rand);
#define LONGLONG(field) m->field = rand_next(&n->rand);
#define SHORTSTR(field) m->field = noise_text(n);
#define LONGSTR(field)  m->field = noise_text(n);
#define TABLE(field)    m->field = noise_table(n);
#include "amqp/wire/methods.def"

static void fill(struct noise *n, struct method *m, uint32_t id)
{
    m->id = id;
    switch (id) {
#define METHOD(CONSTANT, class, method, ...)                                                       \
    case METHOD_##CONSTANT:                                                                        \
        fill_##class##_##method(n, &m->class##_##method);                                          \
        break;
#include "amqp/wire/methods.def"
    default:
        break; /* without fields */
    }
}

static void test_random_methods_come_back_equal(void **state)
{
    struct noise n;

    (void)state;
    rand_init(&n.rand, test_seed());
    memset(n.text, 'x', sizeof(n.text));
    for (size_t round = 0; round < 300 * METHOD_COUNT; round++) {
        uint8_t area[AREA_SIZE];
        uint8_t again[AREA_SIZE];
        struct writer w = writer_of(area, sizeof(area));
        struct writer w2 = writer_of(again, sizeof(again));
        struct method sent;
        struct method read;
        struct frame f;

        fill(&n, &sent, (uint32_t)method_kind_at(round % METHOD_COUNT)->id);
        method_write(&w, (uint16_t)round, &sent);
        struct bytes exact = hex_copy(writer_view(&w));
        assert_int_equal(frame_decode(exact, AREA_SIZE, &f), WIRE_OK);
        assert_int_equal(f.channel, (uint16_t)round);
        assert_int_equal(method_decode(f.payload, &read), WIRE_OK);
        assert_true(method_equal(&sent, &read));
        method_write(&w2, (uint16_t)round, &read);
        assert_true(bytes_equal(writer_view(&w2), writer_view(&w)));

        size_t size = 4 + rand_below(&n.rand, f.payload.size - 3);
        if (size < f.payload.size) {
            struct bytes cut = hex_copy(bytes_of(f.payload.data, size));
            assert_int_equal(method_decode(cut, &read), WIRE_FIELDS_CUT);
            hex_free(cut);
        }
        hex_free(exact);
    }
}

static void test_random_damage_is_survived(void **state)
{
    struct noise n;
    size_t good = 0;

    (void)state;
    rand_init(&n.rand, test_seed());
    memset(n.text, 'x', sizeof(n.text));
    for (size_t round = 0; round < 300 * METHOD_COUNT; round++) {
        uint8_t area[AREA_SIZE];
        struct writer w = writer_of(area, sizeof(area));
        struct method m;

        fill(&n, &m, (uint32_t)method_kind_at(round % METHOD_COUNT)->id);
        method_write(&w, 1, &m);
        struct bytes payload = bytes_of(area + FRAME_HEAD_SIZE, w.size - FRAME_EMPTY_SIZE);
        area[FRAME_HEAD_SIZE + rand_below(&n.rand, payload.size)] = (uint8_t)rand_next(&n.rand);
        struct bytes exact = hex_copy(payload);
        enum wire_result result = method_decode(exact, &m);
        good += result == WIRE_OK ? 1 : 0;
        if (result == WIRE_OK)
            assert_int_equal(method_frame_size(&m), w.size);
        hex_free(exact);
    }
    assert_true(good > 100);
}

static bool is_ascii_text(struct bytes text)
{
    for (size_t i = 0; i < text.size; i++)
        if (text.data[i] >= 0x80)
            return false;
    return true;
}

/* The short way says yes when the long one does and the names are ASCII, and reads the same. */
static void expect_short_way(struct bytes payload)
{
    struct bytes exact = hex_copy(payload);
    struct method_basic_publish p;
    struct method m;
    bool is_publish = method_decode(exact, &m) == WIRE_OK && m.id == METHOD_BASIC_PUBLISH;

    assert_int_equal(method_read_publish(exact, &p),
                     is_publish && is_ascii_text(m.basic_publish.exchange) &&
                         is_ascii_text(m.basic_publish.routing_key));
    if (method_read_publish(exact, &p)) {
        assert_int_equal(p.ticket, m.basic_publish.ticket);
        assert_true(bytes_equal(p.exchange, m.basic_publish.exchange));
        assert_true(bytes_equal(p.routing_key, m.basic_publish.routing_key));
        assert_int_equal(p.mandatory, m.basic_publish.mandatory);
        assert_int_equal(p.immediate, m.basic_publish.immediate);
    }
    hex_free(exact);
}

static void test_the_short_way_to_publish_agrees_with_the_long_one(void **state)
{
    static const uint8_t good[] = {0, 60, 0, 40, 1, 2, 4, 'n', 'a', 'm', 'e', 3, 'k', 'e', 'y', 1};
    uint8_t bytes[sizeof(good) + 1] = {0};

    (void)state;
    memcpy(bytes, good, sizeof(good));
    for (size_t size = 0; size <= sizeof(bytes); size++)
        expect_short_way(bytes_of(bytes, size));
    for (size_t at = 0; at < sizeof(good); at++) {
        for (unsigned value = 0; value < 256; value++) {
            bytes[at] = (uint8_t)value;
            expect_short_way(bytes_of(bytes, sizeof(good)));
        }
        bytes[at] = good[at];
    }
}

static void write_too_long(void *owner)
{
    struct writer *w = owner;
    static const uint8_t text[256];
    struct method m = {.id = METHOD_CHANNEL_OPEN, .channel_open = {bytes_of(text, 256)}};

    method_write(w, 1, &m);
}

static void write_unknown(void *owner)
{
    struct writer *w = owner;
    struct method m = {.id = 60 << 16 | 41};

    method_write(w, 1, &m);
}

static void test_what_cannot_be_a_method_stops_the_program(void **state)
{
    uint8_t area[AREA_SIZE];
    struct writer w = writer_of(area, sizeof(area));

    (void)state;
    expect_death(write_too_long, &w, "SHORTSTR_MAX");
    expect_death(write_unknown, &w, "method_kind_find");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_every_method_is_written_as_the_specification_says),
        LEAK_CHECKED(test_every_method_is_read_as_it_was_meant),
        LEAK_CHECKED(test_every_method_cut_anywhere_is_refused),
        LEAK_CHECKED(test_every_method_with_something_behind_it_is_refused),
        LEAK_CHECKED(test_a_method_is_written_whole_or_not_at_all),
        LEAK_CHECKED(test_a_buffer_takes_methods_too),
        LEAK_CHECKED(test_all_methods_are_known_and_nothing_else_is),
        LEAK_CHECKED(test_each_side_may_send_what_the_specification_says),
        LEAK_CHECKED(test_four_methods_are_followed_by_content),
        LEAK_CHECKED(test_requests_know_their_replies),
        LEAK_CHECKED(test_bits_without_a_meaning_are_ignored),
        LEAK_CHECKED(test_the_longest_names_are_read),
        LEAK_CHECKED(test_short_strings_must_be_utf8),
        LEAK_CHECKED(test_one_bad_byte_at_any_place_of_a_short_string_is_seen),
        LEAK_CHECKED(test_broken_tables_are_told_from_cut_fields),
        LEAK_CHECKED(test_arguments_nested_too_deep_are_refused),
        LEAK_CHECKED(test_random_methods_come_back_equal),
        LEAK_CHECKED(test_random_damage_is_survived),
        LEAK_CHECKED(test_the_short_way_to_publish_agrees_with_the_long_one),
        LEAK_CHECKED(test_what_cannot_be_a_method_stops_the_program),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
