/* Tests of msg/props. */
#include "msg/props.h"

#include "base/err.h"
#include "msg/shortstr.h"
#include "msg/table_writer.h"
#include "tests/lib/fault_heap.h"
#include "tests/lib/hex.h"
#include "tests/lib/leaks.h"
#include "tests/lib/seed.h"
#include "tests/lib/test.h"
#include "tests/unit/msg/random_table.h"

enum { LIMIT = 1 << 20 };

/* What each property looks like on the wire, in their order. */
static const char *const values[PROP_COUNT] = {
    "0a 'text/plain'",            /* content type */
    "04 'gzip'",                  /* content encoding */
    "00000007 01'a' 49 00000001", /* headers */
    "02",                         /* delivery mode */
    "09",                         /* priority */
    "04 'corr'",                  /* correlation id */
    "05 'reply'",                 /* reply to */
    "05 '60000'",                 /* expiration */
    "03 'm-1'",                   /* message id */
    "00000000684f3c20",           /* timestamp */
    "04 'type'",                  /* type */
    "05 'guest'",                 /* user id */
    "03 'app'",                   /* app id */
    "00",                         /* cluster id, empty but there */
};

/* All fourteen, with their flags. */
static const char all[] =
    "fffc 0a 'text/plain' 04 'gzip' 00000007 01'a' 49 00000001 02 09 04 'corr' "
    "05 'reply' 05 '60000' 03 'm-1' 00000000684f3c20 04 'type' 05 'guest' "
    "03 'app' 00";

static int check(struct bytes b)
{
    struct props p = {.flags = 0x7777};
    int rv = props_decode(b, &p);

    assert_int_equal(p.flags == 0x7777, rv != 0); /* untouched; no two flag words are 7777 */
    return rv;
}

static struct props decoded(struct bytes b)
{
    struct props p;

    assert_int_equal(props_decode(b, &p), 0);
    assert_true(p.bytes.data == b.data && p.bytes.size == b.size);
    return p;
}

static bool has_text(const struct props *p, enum prop prop, const char *text)
{
    struct bytes found = bytes_of(NULL, 0);

    return props_find_text(p, prop, &found) && bytes_equal(found, bytes_text(text));
}

static void test_all_properties_are_found(void **state)
{
    struct bytes b = hex_new(all);
    struct props p = decoded(b);
    struct table headers;
    uint8_t octet = 0;
    uint64_t time = 0;

    (void)state;
    assert_true(has_text(&p, PROP_CONTENT_TYPE, "text/plain"));
    assert_true(has_text(&p, PROP_CONTENT_ENCODING, "gzip"));
    assert_true(props_find_headers(&p, &headers));
    hex_expect(headers.bytes, "01'a' 49 00000001");
    assert_true(props_find_octet(&p, PROP_DELIVERY_MODE, &octet) && octet == 2);
    assert_true(props_find_octet(&p, PROP_PRIORITY, &octet) && octet == 9);
    assert_true(has_text(&p, PROP_CORRELATION_ID, "corr"));
    assert_true(has_text(&p, PROP_REPLY_TO, "reply"));
    assert_true(has_text(&p, PROP_EXPIRATION, "60000"));
    assert_true(has_text(&p, PROP_MESSAGE_ID, "m-1"));
    assert_true(props_find_time(&p, PROP_TIMESTAMP, &time) && time == 0x684f3c20);
    assert_true(has_text(&p, PROP_TYPE, "type"));
    assert_true(has_text(&p, PROP_USER_ID, "guest"));
    assert_true(has_text(&p, PROP_APP_ID, "app"));
    assert_true(has_text(&p, PROP_CLUSTER_ID, ""));
    hex_free(b);
}

static void test_the_flags_are_those_of_the_specification(void **state)
{
    static const struct {
        enum prop prop;
        uint16_t flag;
        const char *name;
    } rows[] = {
        {PROP_CONTENT_TYPE, 1 << 15, "content_type"},
        {PROP_CONTENT_ENCODING, 1 << 14, "content_encoding"},
        {PROP_HEADERS, 1 << 13, "headers"},
        {PROP_DELIVERY_MODE, 1 << 12, "delivery_mode"},
        {PROP_PRIORITY, 1 << 11, "priority"},
        {PROP_CORRELATION_ID, 1 << 10, "correlation_id"},
        {PROP_REPLY_TO, 1 << 9, "reply_to"},
        {PROP_EXPIRATION, 1 << 8, "expiration"},
        {PROP_MESSAGE_ID, 1 << 7, "message_id"},
        {PROP_TIMESTAMP, 1 << 6, "timestamp"},
        {PROP_TYPE, 1 << 5, "type"},
        {PROP_USER_ID, 1 << 4, "user_id"},
        {PROP_APP_ID, 1 << 3, "app_id"},
        {PROP_CLUSTER_ID, 1 << 2, "cluster_id"},
    };

    (void)state;
    assert_int_equal(ARRAY_SIZE(rows), PROP_COUNT);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        assert_int_equal(prop_flag(rows[i].prop), rows[i].flag);
        assert_string_equal(prop_name(rows[i].prop), rows[i].name);
    }
}

/* Flags and values of a set of properties, in exact memory. */
static struct bytes subset(uint16_t flags)
{
    struct buf b;

    buf_init(&b, LIMIT);
    buf_be16(&b, flags);
    for (unsigned i = 0; i < PROP_COUNT; i++) {
        struct bytes value = hex_new(values[i]);
        if ((flags & prop_flag((enum prop)i)) != 0)
            buf_bytes(&b, value);
        hex_free(value);
    }
    struct bytes exact = hex_copy(buf_view(&b));
    buf_release(&b);
    return exact;
}

static void test_every_set_of_properties_is_read_and_refused_when_cut(void **state)
{
    (void)state;
    for (unsigned flags = 0; flags <= 0xffff; flags += 4) {
        struct bytes b = subset((uint16_t)flags);
        struct props p = decoded(b);
        for (unsigned i = 0; i < PROP_COUNT; i++)
            assert_int_equal(props_has(&p, (enum prop)i), (flags & prop_flag((enum prop)i)) != 0);
        if (flags % 64 == 0 || b.size < 20) {
            for (size_t size = 0; size < b.size; size++) {
                struct bytes cut = hex_copy(bytes_of(b.data, size));
                assert_int_equal(check(cut), ERR_INVALID);
                hex_free(cut);
            }
        }
        hex_free(b);
    }
}

static void test_properties_that_are_not_there_are_not_found(void **state)
{
    struct props p = props_none();
    struct bytes text = bytes_text("before");
    struct table headers = {bytes_text("before")};
    uint8_t octet = 7;
    uint64_t time = 7;

    (void)state;
    hex_expect(p.bytes, "0000");
    assert_false(props_find_text(&p, PROP_CLUSTER_ID, &text));
    assert_false(props_find_octet(&p, PROP_PRIORITY, &octet));
    assert_false(props_find_time(&p, PROP_TIMESTAMP, &time));
    assert_false(props_find_headers(&p, &headers));
    assert_int_equal(text.size, 6);
    assert_int_equal(octet, 7);
    assert_int_equal(time, 7);
    assert_int_equal(headers.bytes.size, 6);
}

static void test_broken_properties_are_refused(void **state)
{
    static const char *const rows[] = {
        "",                                  /* no flags */
        "80",                                /* half of them */
        "8000",                              /* a flag without its value */
        "8000 05 'abc'",                     /* a text longer than the rest */
        "8000 03 'abc' 00",                  /* a byte behind the last value */
        "0000 00",                           /* the same without any value */
        "0002",                              /* a flag that means nothing */
        "8002 00",                           /* ... beside one that does */
        "0001",                              /* another word of flags that is not there */
        "0001 00",                           /* ... or half of it */
        "0001 8000 00",                      /* ... or that has flags of its own */
        "0001 0001 0000",                    /* ... or is followed by one more */
        "2000 00000005 01'a' 62",            /* headers longer than the rest */
        "2000 000000",                       /* their size cut */
        "2000 ffffffff",                     /* 4 GiB of them */
        "2000 00000003 01'a' 55",            /* a tag that means nothing */
        "2000 00000002 01'a'",               /* a name without a value */
        "3000 00000002 01'a' 02",            /* broken headers, then what is good */
        "0040 00000000684f3c",               /* half a time */
        "a000 01'x' 00000004 01'a' 49 0001", /* a number in the headers cut by their size */
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct bytes b = hex_new(rows[i]);
        assert_int_equal(check(b), ERR_INVALID);
        hex_free(b);
    }
}

static void test_a_second_word_of_flags_is_accepted_when_it_is_zero(void **state)
{
    struct bytes b = hex_new("8001 0000 03 'abc'");
    struct props p = decoded(b);
    struct props_edit e;
    struct buf out;

    (void)state;
    assert_true(has_text(&p, PROP_CONTENT_TYPE, "abc"));
    assert_int_equal(p.flags, 0x8000);
    hex_expect(p.bytes, "8001 0000 03 'abc'"); /* and leaves as it came */
    buf_init(&out, LIMIT);
    props_edit_init(&e, &p);
    props_set_octet(&e, PROP_PRIORITY, 1);
    props_encode(&e, &out);
    hex_expect(buf_view(&out), "8800 03 'abc' 01"); /* but for those who change it */
    buf_release(&out);
    hex_free(b);
}

static void test_headers_beyond_the_limits_of_tables_are_refused(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, LIMIT);
    for (size_t over = 0; over <= 1; over++) {
        size_t count = TABLE_VALUES_MAX + over;
        buf_clear(&b);
        buf_be16(&b, 0x2000);
        buf_be32(&b, (uint32_t)(2 * count));
        for (size_t i = 0; i < count; i++)
            buf_be16(&b, 0x0056); /* an empty name, and nothing */
        assert_int_equal(check(buf_view(&b)), over == 0 ? 0 : ERR_RANGE);
    }
    buf_release(&b);
}

static void test_empty_headers_and_none_stay_apart(void **state)
{
    struct bytes empty = hex_new("2000 00000000");
    struct props p = decoded(empty);
    struct props_edit e;
    struct table headers;
    struct buf out;

    (void)state;
    buf_init(&out, LIMIT);
    assert_true(props_find_headers(&p, &headers));
    assert_int_equal(headers.bytes.size, 0);
    props_edit_init(&e, &p);
    props_set_octet(&e, PROP_PRIORITY, 5);
    props_encode(&e, &out);
    hex_expect(buf_view(&out), "2800 00000000 05");

    buf_clear(&out);
    props_edit_init(&e, NULL);
    props_set_octet(&e, PROP_PRIORITY, 5);
    props_encode(&e, &out);
    hex_expect(buf_view(&out), "0800 05");

    buf_clear(&out);
    props_set_headers(&e, (struct table){{0}});
    props_encode(&e, &out);
    hex_expect(buf_view(&out), "2800 00000000 05");
    buf_release(&out);
    hex_free(empty);
}

static void test_all_properties_are_written_as_the_specification_says(void **state)
{
    struct bytes headers = hex_new("01'a' 49 00000001");
    struct props_edit e;
    struct table table;
    struct buf out;

    (void)state;
    assert_int_equal(table_decode(headers, &table), 0);
    buf_init(&out, LIMIT);
    props_edit_init(&e, NULL);
    props_set_text(&e, PROP_CLUSTER_ID, bytes_text(""));
    props_set_text(&e, PROP_APP_ID, bytes_text("app"));
    props_set_text(&e, PROP_USER_ID, bytes_text("guest"));
    props_set_text(&e, PROP_TYPE, bytes_text("type"));
    props_set_time(&e, PROP_TIMESTAMP, 0x684f3c20);
    props_set_text(&e, PROP_MESSAGE_ID, bytes_text("m-1"));
    props_set_text(&e, PROP_EXPIRATION, bytes_text("60000"));
    props_set_text(&e, PROP_REPLY_TO, bytes_text("reply"));
    props_set_text(&e, PROP_CORRELATION_ID, bytes_text("corr"));
    props_set_octet(&e, PROP_PRIORITY, 9);
    props_set_octet(&e, PROP_DELIVERY_MODE, 2);
    props_set_headers(&e, table);
    props_set_text(&e, PROP_CONTENT_ENCODING, bytes_text("gzip"));
    props_set_text(&e, PROP_CONTENT_TYPE, bytes_text("text/plain"));
    props_encode(&e, &out);
    hex_expect(buf_view(&out), all);
    buf_release(&out);
    hex_free(headers);
}

static void test_a_change_leaves_all_else_byte_for_byte(void **state)
{
    struct bytes b = hex_new("a100 0a 'text/plain' 00000004 01'a' 74 ff 05 '60000'");
    struct props p = decoded(b);
    struct props_edit e;
    struct buf out;

    (void)state;
    buf_init(&out, LIMIT);
    props_edit_init(&e, &p);
    props_remove(&e, PROP_EXPIRATION);
    props_encode(&e, &out);
    hex_expect(buf_view(&out), "a000 0a 'text/plain' 00000004 01'a' 74 ff"); /* true is ff still */

    buf_clear(&out);
    props_set_text(&e, PROP_EXPIRATION, bytes_text("1"));
    props_set_text(&e, PROP_CONTENT_TYPE, bytes_text("x"));
    props_encode(&e, &out);
    hex_expect(buf_view(&out), "a100 01 'x' 00000004 01'a' 74 ff 01 '1'");

    buf_clear(&out);
    props_remove(&e, PROP_HEADERS);
    props_remove(&e, PROP_HEADERS); /* what is not there may go */
    props_remove(&e, PROP_CONTENT_TYPE);
    props_remove(&e, PROP_EXPIRATION);
    props_encode(&e, &out);
    hex_expect(buf_view(&out), "0000");
    buf_release(&out);
    hex_free(b);
}

/* Adds a random value of that kind as it is on the wire. */
static void random_value(struct rand *r, enum prop_kind kind, struct buf *out)
{
    uint8_t noise[SHORTSTR_MAX];
    size_t size = rand_chance(r, 1, 20) ? SHORTSTR_MAX : rand_below(r, 12);

    rand_fill(r, noise, sizeof(noise));
    switch (kind) {
    case PROP_KIND_TEXT:
        buf_u8(out, (uint8_t)size);
        buf_bytes(out, bytes_of(noise, size));
        break;
    case PROP_KIND_OCTET:
        buf_u8(out, noise[0]);
        break;
    case PROP_KIND_TIME:
        buf_be64(out, rand_next(r));
        break;
    case PROP_KIND_TABLE:
        buf_be32(out, 0);
        size = out->size;
        random_table(r, out, 5, 3);
        put_be32(out->data + size - 4, (uint32_t)(out->size - size));
        break;
    }
}

static void random_props(struct rand *r, struct buf *out)
{
    uint16_t flags = (uint16_t)(rand_next(r) & 0xfffc);

    buf_clear(out);
    buf_be16(out, flags);
    for (unsigned i = 0; i < PROP_COUNT; i++) {
        if ((flags & prop_flag((enum prop)i)) != 0)
            random_value(r, prop_kind((enum prop)i), out);
    }
}

static void test_random_properties_leave_an_edit_as_they_came(void **state)
{
    struct rand r;
    struct buf from;
    struct buf to;
    struct props_edit e;

    (void)state;
    rand_init(&r, test_seed());
    buf_init(&from, LIMIT);
    buf_init(&to, LIMIT);
    for (int round = 0; round < 5000; round++) {
        random_props(&r, &from);
        struct props p = decoded(buf_view(&from));
        props_edit_init(&e, &p);
        buf_clear(&to);
        props_encode(&e, &to);
        assert_true(bytes_equal(buf_view(&to), buf_view(&from)));

        /* One property goes and comes back by its value. */
        struct bytes text;
        if (!props_find_text(&p, PROP_REPLY_TO, &text))
            continue;
        props_remove(&e, PROP_REPLY_TO);
        props_set_text(&e, PROP_REPLY_TO, text);
        buf_clear(&to);
        props_encode(&e, &to);
        assert_true(bytes_equal(buf_view(&to), buf_view(&from)));
    }
    buf_release(&from);
    buf_release(&to);
}

/* As an edit would put it. */
static void test_more_headers_come_behind(void **state)
{
    struct rand r;
    struct buf from;
    struct buf edited;
    struct buf headers;
    struct buf to;
    struct bytes more = hex_new("06 'x-more' 6c 0000000000000102 05 'x-yes' 74 01");

    (void)state;
    rand_init(&r, test_seed());
    buf_init(&from, LIMIT);
    buf_init(&edited, LIMIT);
    buf_init(&headers, LIMIT);
    buf_init(&to, LIMIT);
    for (int round = 0; round < 5000; round++) {
        struct table old = {.bytes = bytes_of(NULL, 0)};
        struct props_edit e;

        random_props(&r, &from);
        struct props p = decoded(buf_view(&from));
        props_find_headers(&p, &old);
        buf_clear(&headers);
        buf_bytes(&headers, old.bytes);
        buf_bytes(&headers, more);
        props_edit_init(&e, &p);
        props_set_headers(&e, (struct table){buf_view(&headers)});
        buf_clear(&edited);
        props_encode(&e, &edited);
        buf_clear(&to);
        props_encode_more(&p, (struct table){more}, &to);
        assert_true(bytes_equal(buf_view(&to), buf_view(&edited)));
    }
    buf_release(&from);
    buf_release(&edited);
    buf_release(&headers);
    buf_release(&to);
    hex_free(more);
}

static void test_more_headers_end_a_second_word_of_flags(void **state)
{
    static const char *const rows[][2] = {
        {"0001 0000", "2000 00000003 01'y' 56"},
        {"9001 0000 01'x' 02", "b000 01'x' 00000003 01'y' 56 02"},
        {"2001 0000 00000003 01'z' 56", "2000 00000006 01'z' 56 01'y' 56"},
    };
    struct bytes more = hex_new("01'y' 56");
    struct buf to;

    (void)state;
    buf_init(&to, LIMIT);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct bytes from = hex_new(rows[i][0]);
        struct props p = decoded(from);

        buf_clear(&to);
        props_encode_more(&p, (struct table){more}, &to);
        hex_expect(buf_view(&to), rows[i][1]);
        hex_free(from);
    }
    buf_release(&to);
    hex_free(more);
}

static void test_random_damage_is_survived(void **state)
{
    struct rand r;
    struct buf b;
    size_t good = 0;

    (void)state;
    rand_init(&r, test_seed());
    buf_init(&b, LIMIT);
    for (int round = 0; round < 20000; round++) {
        random_props(&r, &b);
        b.data[rand_below(&r, b.size)] = (uint8_t)rand_next(&r);
        struct bytes exact = hex_copy(buf_view(&b));
        struct props p;
        int rv = props_decode(exact, &p);
        assert_true(rv == 0 || rv == ERR_INVALID || rv == ERR_RANGE);
        good += rv == 0 ? 1 : 0;
        hex_free(exact);
    }
    assert_true(good > 100 && good < 19900);
    buf_release(&b);
}

static void test_refused_memory_shows_in_the_buffer(void **state)
{
    struct bytes b = hex_new(all);
    struct props p = decoded(b);
    struct props_edit e;
    struct fault_heap f;
    uint64_t k = 0;

    (void)state;
    props_edit_init(&e, &p);
    do {
        struct buf out;
        fault_heap_start(&f, ++k, false);
        buf_init(&out, LIMIT);
        props_encode(&e, &out);
        assert_int_equal(buf_error(&out), f.refused > 0 ? ERR_NO_MEMORY : 0);
        buf_release(&out);
    } while (fault_heap_stop(&f));
    assert_true(k > 1);
    hex_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_all_properties_are_found),
        LEAK_CHECKED(test_the_flags_are_those_of_the_specification),
        LEAK_CHECKED(test_every_set_of_properties_is_read_and_refused_when_cut),
        LEAK_CHECKED(test_properties_that_are_not_there_are_not_found),
        LEAK_CHECKED(test_broken_properties_are_refused),
        LEAK_CHECKED(test_a_second_word_of_flags_is_accepted_when_it_is_zero),
        LEAK_CHECKED(test_headers_beyond_the_limits_of_tables_are_refused),
        LEAK_CHECKED(test_empty_headers_and_none_stay_apart),
        LEAK_CHECKED(test_all_properties_are_written_as_the_specification_says),
        LEAK_CHECKED(test_a_change_leaves_all_else_byte_for_byte),
        LEAK_CHECKED(test_random_properties_leave_an_edit_as_they_came),
        LEAK_CHECKED(test_more_headers_come_behind),
        LEAK_CHECKED(test_more_headers_end_a_second_word_of_flags),
        LEAK_CHECKED(test_random_damage_is_survived),
        LEAK_CHECKED(test_refused_memory_shows_in_the_buffer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
