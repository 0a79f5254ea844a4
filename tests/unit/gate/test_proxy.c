/* Tests of gate/proxy.c: headers of the PROXY protocol, whole, in pieces, and wrong. */
#include "gate/proxy.h"

#include <string.h>

#include "base/crc32c.h"
#include "base/mem.h"
#include "tests/lib/test.h"

enum { HEAD_MAX = 6000 };

static const uint8_t mark[] = "\r\n\r\n\0\r\nQUIT\n";

/* What came of a header that is read as a gate reads it: never more than is missing. */
struct outcome {
    int rv;
    const char *why;
    const char *peer; /* "none" */
    size_t read;      /* bytes of the stream that it took */
};

static struct outcome read_stream(const uint8_t *stream, size_t size, size_t piece_max)
{
    static struct proxy_header header;
    struct proxy_look look = {.missing = 0};
    uint8_t *head = mem_alloc(HEAD_MAX);
    size_t at = 0;
    int rv = 0;

    while ((rv = proxy_read(bytes_of(head, at), &header, &look)) == ERR_AGAIN && at < size) {
        size_t n = look.missing < size - at ? look.missing : size - at;

        assert_true(look.missing > 0);
        if (n > piece_max)
            n = piece_max;
        assert_true(at + n <= PROXY_HEADER_MAX);
        memcpy(head + at, stream + at, n);
        at += n;
    }
    mem_free(head);
    return (struct outcome){.rv = rv,
                            .why = rv == ERR_INVALID ? look.why : "",
                            .peer = rv == 0 && header.has_peer ? header.peer.text : "none",
                            .read = at};
}

/* However it comes, it takes the header and nothing behind it. */
static void expect_peer(const void *header, size_t size, const char *peer)
{
    uint8_t stream[HEAD_MAX] = {0};

    memcpy(stream, header, size);
    memcpy(stream + size, "AMQP\0\0\x09\x01", 8);
    for (size_t piece = 1; piece <= 200; piece = piece < 20 ? piece + 1 : piece * 10) {
        struct outcome o = read_stream(stream, size + 8, piece);

        if (o.rv != 0)
            fail_msg("%s: %s", err_name(o.rv), o.why);
        assert_string_equal(o.peer, peer);
        assert_int_equal(o.read, size);
    }
    for (size_t cut = 0; cut < size; cut++)
        assert_int_equal(read_stream(stream, cut, HEAD_MAX).rv, ERR_AGAIN);
}

static void expect_line(const char *line, const char *peer)
{
    expect_peer(line, strlen(line), peer);
}

static void expect_refusal(const void *header, size_t size, const char *why)
{
    struct outcome o = read_stream(header, size, HEAD_MAX);

    assert_int_equal(o.rv, ERR_INVALID);
    assert_string_equal(o.why, why);
}

static void expect_bad_line(const char *line, const char *why)
{
    expect_refusal(line, strlen(line), why);
}

/* ---- version 1 ---- */

static void test_lines_name_the_client(void **state)
{
    (void)state;
    expect_line("PROXY TCP4 192.0.2.7 198.51.100.1 4711 5672\r\n", "192.0.2.7:4711");
    expect_line("PROXY TCP4 1.1.1.1 2.2.2.2 0 1\r\n", "1.1.1.1:0");
    expect_line("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n",
                "255.255.255.255:65535");
    expect_line("PROXY TCP6 2001:db8::7 ::1 4711 5672\r\n", "[2001:db8::7]:4711");
    expect_line("PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
                "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
                "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535");
}

static void test_a_line_may_name_nobody(void **state)
{
    (void)state;
    expect_line("PROXY UNKNOWN\r\n", "none");
    expect_line("PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
                "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
                "none");
    expect_line("PROXY UNKNOWN what ever\r\n", "none");
}

static void test_lines_that_are_wrong_are_refused(void **state)
{
    const char *addresses = "the addresses of the PROXY line are not valid";
    const char *ports = "the ports of the PROXY line are not valid";
    const char *end = "the PROXY line does not end as it must";

    (void)state;
    expect_bad_line("PROXY TCP4 192.0.2.256 1.1.1.1 1 1\r\n", addresses);
    expect_bad_line("PROXY TCP4 ::1 ::1 1 1\r\n", addresses);
    expect_bad_line("PROXY TCP4 ::1 2001:db8::1 11 11\r\n", addresses);
    expect_bad_line("PROXY TCP6 192.0.2.7 198.51.100.1 1 1\r\n", addresses);
    expect_bad_line("PROXY TCP4  192.0.2.7 198.51.100.1 1 1\r\n", addresses);
    expect_bad_line("PROXY TCP4 192.0.2.7 198.51.100.1 1 65536\r\n", ports);
    expect_bad_line("PROXY TCP4 192.0.2.7 198.51.100.1 01 1\r\n", ports);
    expect_bad_line("PROXY TCP4 192.0.2.7 198.51.100.1 -1 1\r\n", ports);
    expect_bad_line("PROXY TCP4 192.0.2.7 198.51.100.1 1\r\n  ", end);
    expect_bad_line("PROXY TCP4 192.0.2.7 198.51.100.1 1 1 1\r\n", ports);
    expect_bad_line("PROXY UDP4 192.0.2.7 198.51.100.1 1 1\r\n",
                    "the PROXY line is of no known kind");
    expect_bad_line("PROXY TCP4 192.0.2.7 198.51.100.1 1 1\n", end);
    expect_bad_line("PROXY UNKNO\r\n  ", end);
}

static void test_a_line_has_at_most_107_bytes(void **state)
{
    char line[200] = "PROXY UNKNOWN ";

    (void)state;
    memset(line + 14, 'x', 107 - 2 - 14);
    memcpy(line + 105, "\r\n", 3);
    expect_line(line, "none");
    memset(line + 14, 'x', 120);
    memcpy(line + 106, "\r\n", 3);
    expect_bad_line(line, "the PROXY line is too long");
    memset(line + 14, 'x', 180);
    expect_bad_line(line, "the PROXY line is too long");
}

/* ---- version 2 ---- */

struct binary {
    uint8_t bytes[HEAD_MAX];
    size_t size;
};

static void add(struct binary *b, const void *data, size_t size)
{
    memcpy(b->bytes + b->size, data, size);
    b->size += size;
    put_be16(b->bytes + 14, (uint16_t)(b->size - 16));
}

static struct binary begin(uint8_t command, uint8_t family)
{
    struct binary b = {.size = 16};

    memcpy(b.bytes, mark, 12);
    b.bytes[12] = command;
    b.bytes[13] = family;
    return b;
}

static struct binary tcp4(void)
{
    struct binary b = begin(0x21, 0x11);

    add(&b, "\xc0\0\2\7\xc6\x33\x64\1\x12\x67\x16\x28", 12);
    return b;
}

static struct binary tcp6(void)
{
    struct binary b = begin(0x21, 0x21);

    add(&b, "\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\7", 16);
    add(&b, "\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\1\x12\x67\x16\x28", 20);
    return b;
}

static void expect_binary(const struct binary *b, const char *peer)
{
    expect_peer(b->bytes, b->size, peer);
}

static void expect_bad(const struct binary *b, const char *why)
{
    expect_refusal(b->bytes, b->size, why);
}

static void test_bytes_name_the_client(void **state)
{
    struct binary b = tcp4();

    (void)state;
    expect_binary(&b, "192.0.2.7:4711");
    b = tcp6();
    expect_binary(&b, "[2001:db8::7]:4711");
}

static void test_bytes_may_name_nobody(void **state)
{
    struct binary b = begin(0x20, 0);
    uint8_t unix_addresses[216] = "/run/proxy.sock";

    (void)state;
    expect_binary(&b, "none"); /* the proxy speaks for himself */
    b = tcp4();
    b.bytes[12] = 0x20;
    expect_binary(&b, "none");
    b = begin(0x20, 0xff);
    add(&b, "whatever", 8);
    expect_binary(&b, "none");
    b = begin(0x21, 0);
    expect_binary(&b, "none");
    b = begin(0x21, 0x31);
    add(&b, unix_addresses, sizeof(unix_addresses));
    expect_binary(&b, "none");
}

static void test_pieces_of_more_are_passed_over(void **state)
{
    static uint8_t much[3000];
    struct binary b = tcp4();

    (void)state;
    add(&b, "\2\0\4host", 7);
    add(&b, "\4\0\0", 3);
    add(&b, "\x20\xb\xb8", 3);
    add(&b, much, sizeof(much));
    expect_binary(&b, "192.0.2.7:4711");
}

static void test_a_checksum_must_be_right(void **state)
{
    struct binary b = tcp4();

    (void)state;
    add(&b, "\3\0\4\0\0\0\0", 7);
    add(&b, "\4\0\1x", 4);
    put_be32(b.bytes + 31, crc32c(b.bytes, b.size));
    expect_binary(&b, "192.0.2.7:4711");
    b.bytes[16] ^= 1;
    expect_bad(&b, "the checksum of the PROXY header is wrong");
    b = tcp4();
    add(&b, "\3\0\3\0\0\0", 6);
    expect_bad(&b, "the checksum of the PROXY header is wrong");
}

static void test_bytes_that_are_wrong_are_refused(void **state)
{
    static const uint8_t families[] = {0x01, 0x12, 0x13, 0x22, 0x32, 0x41, 0xff};
    static uint8_t much[5000];
    struct binary b = tcp4();

    (void)state;
    for (size_t i = 0; i < sizeof(families); i++) {
        b = tcp4();
        b.bytes[13] = families[i];
        expect_bad(&b, "the PROXY header is of no known kind");
    }
    b = tcp4();
    b.bytes[12] = 0x11;
    expect_bad(&b, "the PROXY header has an unknown version or command");
    b.bytes[12] = 0x22;
    expect_bad(&b, "the PROXY header has an unknown version or command");
    b = tcp4();
    b.bytes[13] = 0x21;
    expect_bad(&b, "the PROXY header is shorter than its addresses");
    b = tcp4();
    add(&b, "\4\0", 2);
    expect_bad(&b, "the PROXY header ends within a piece");
    b = tcp4();
    add(&b, "\4\0\2x", 4);
    expect_bad(&b, "a piece of the PROXY header is longer than the header");
    b = tcp4();
    add(&b, much, 4096 - 28 + 1);
    expect_bad(&b, "the PROXY header is too long");
}

static void test_what_is_no_header_is_refused_at_once(void **state)
{
    const char *why = "it does not begin with a PROXY header";

    (void)state;
    expect_refusal("AMQP\0\0\x09\x01", 8, why);
    expect_refusal("\x16\x03\x01", 3, why);
    expect_refusal("G", 1, why);
    expect_refusal("PROXZ", 5, why);
    expect_refusal("\r\n\r\n\1", 5, why);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_name_the_client),
        cmocka_unit_test(test_a_line_may_name_nobody),
        cmocka_unit_test(test_lines_that_are_wrong_are_refused),
        cmocka_unit_test(test_a_line_has_at_most_107_bytes),
        cmocka_unit_test(test_bytes_name_the_client),
        cmocka_unit_test(test_bytes_may_name_nobody),
        cmocka_unit_test(test_pieces_of_more_are_passed_over),
        cmocka_unit_test(test_a_checksum_must_be_right),
        cmocka_unit_test(test_bytes_that_are_wrong_are_refused),
        cmocka_unit_test(test_what_is_no_header_is_refused_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
