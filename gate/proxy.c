/* Reads PROXY headers. */
#include "gate/proxy.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/crc32c.h"
#include "base/parse.h"

enum {
    LINE_MIN = 15,  /* "PROXY UNKNOWN\r\n" */
    LINE_MAX = 107, /* with its end */
    LINE_SPACES = 5,
    FIXED_SIZE = 16,
    PORT_SIZE = 2,
    PIECE_HEAD_SIZE = 3,
    PIECE_CRC32C = 3,
    CRC_SIZE = 4,
    ADDRESS_TEXT_MAX = 45, /* of an IPv6 address */
};

enum { COMMAND_LOCAL = 0x20, COMMAND_PROXY = 0x21 };
enum { FAMILY_NONE = 0x00, FAMILY_TCP4 = 0x11, FAMILY_TCP6 = 0x21, FAMILY_UNIX = 0x31 };

static const uint8_t line_mark[] = "PROXY ";
static const uint8_t binary_mark[] = "\r\n\r\n\0\r\nQUIT\n";

static int refuse(struct proxy_look *look, const char *why)
{
    look->why = why;
    return ERR_INVALID;
}

static int wait_for(struct proxy_look *look, size_t missing)
{
    ASSERT(missing > 0);
    look->missing = missing;
    return ERR_AGAIN;
}

/* Whether it begins with the mark, as far as it goes. */
static bool begins_with(struct bytes head, const uint8_t *mark, size_t size)
{
    return memcmp(head.data, mark, head.size < size ? head.size : size) == 0;
}

/* ---- the line of version 1 ---- */

/* What must still come at the least, so that nothing behind the line is read. */
static size_t missing_of_line(struct bytes head, bool is_known)
{
    size_t spaces = 0;
    size_t missing = head.data[head.size - 1] == '\r' ? 1 : 2;

    if (!is_known)
        return missing;
    for (size_t i = 0; i < head.size; i++)
        spaces += head.data[i] == ' ';
    return spaces >= LINE_SPACES ? missing : missing + 2 * (LINE_SPACES - spaces);
}

/* The bytes up to the next space, or to the end; what is left is behind it. */
static struct bytes take_word(struct bytes *rest)
{
    const uint8_t *space = rest->size == 0 ? NULL : memchr(rest->data, ' ', rest->size);
    struct bytes word = *rest;

    if (space == NULL) {
        *rest = bytes_of(NULL, 0);
        return word;
    }
    word.size = (size_t)(space - rest->data);
    *rest = bytes_of(space + 1, rest->size - word.size - 1);
    return word;
}

static bool read_address(struct bytes word, int family, void *out)
{
    char text[ADDRESS_TEXT_MAX + 1];

    if (word.size == 0 || word.size > ADDRESS_TEXT_MAX)
        return false;
    memcpy(text, word.data, word.size);
    text[word.size] = '\0';
    return strlen(text) == word.size && inet_pton(family, text, out) == 1;
}

static bool read_port(struct bytes word, uint16_t *out)
{
    uint64_t port = 0;

    if (word.size > 1 && word.data[0] == '0')
        return false;
    if (parse_u64(word, 0, UINT16_MAX, &port) != 0)
        return false;
    *out = (uint16_t)port;
    return true;
}

static void show(int family, const void *address, uint16_t port, struct proxy_header *out)
{
    char text[INET6_ADDRSTRLEN];
    const char *shown = inet_ntop(family, address, text, sizeof(text));
    bool is_v6 = family == AF_INET6;
    int size = 0;

    ASSERT(shown != NULL);
    size = snprintf(out->peer.text, sizeof(out->peer.text), "%s%s%s:%u", is_v6 ? "[" : "", shown,
                    is_v6 ? "]" : "", port);
    ASSERT(size > 0 && (size_t)size < sizeof(out->peer.text));
    out->has_peer = true;
}

/* What stands between the kind and the end of the line. */
static int read_words(struct bytes rest, int family, struct proxy_header *out,
                      struct proxy_look *look)
{
    struct in6_addr source; /* has room for either kind */
    struct in6_addr target;
    uint16_t source_port = 0;
    uint16_t target_port = 0;

    if (!read_address(take_word(&rest), family, &source) ||
        !read_address(take_word(&rest), family, &target))
        return refuse(look, "the addresses of the PROXY line are not valid");
    if (!read_port(take_word(&rest), &source_port) || !read_port(take_word(&rest), &target_port) ||
        rest.size > 0)
        return refuse(look, "the ports of the PROXY line are not valid");
    show(family, &source, source_port, out);
    return 0;
}

/* The line is there without its end. */
static int read_whole_line(struct bytes line, struct proxy_header *out, struct proxy_look *look)
{
    struct bytes rest =
        bytes_of(line.data + sizeof(line_mark) - 1, line.size - (sizeof(line_mark) - 1));
    struct bytes kind = take_word(&rest);

    *out = (struct proxy_header){.has_peer = false};
    if (bytes_equal(kind, bytes_text("UNKNOWN")))
        return 0;
    if (bytes_equal(kind, bytes_text("TCP4")))
        return read_words(rest, AF_INET, out, look);
    if (bytes_equal(kind, bytes_text("TCP6")))
        return read_words(rest, AF_INET6, out, look);
    return refuse(look, "the PROXY line is of no known kind");
}

static int read_line(struct bytes head, struct proxy_header *out, struct proxy_look *look)
{
    static const char tcp[] = "PROXY TCP";
    const uint8_t *end = memchr(head.data, '\n', head.size);
    bool is_known = begins_with(head, (const uint8_t *)tcp, sizeof(tcp) - 1);

    if (end == NULL && head.size < LINE_MIN)
        return wait_for(look, LINE_MIN - head.size);
    if (end == NULL && head.size >= LINE_MAX)
        return refuse(look, "the PROXY line is too long");
    if (end == NULL) {
        size_t missing = missing_of_line(head, is_known);
        return wait_for(look, missing < LINE_MAX - head.size ? missing : LINE_MAX - head.size);
    }
    if (end != head.data + head.size - 1 || head.size < LINE_MIN || end[-1] != '\r')
        return refuse(look, "the PROXY line does not end as it must");
    return read_whole_line(bytes_of(head.data, head.size - 2), out, look);
}

/* ---- the bytes of version 2 ---- */

/* The sum over the header, the sum itself taken for zeros. */
static bool is_sum_right(struct bytes head, const uint8_t *sum)
{
    static const uint8_t zeros[CRC_SIZE];
    size_t before = (size_t)(sum - head.data);
    uint32_t crc = crc32c(head.data, before);

    crc = crc32c_extend(crc, zeros, CRC_SIZE);
    crc = crc32c_extend(crc, sum + CRC_SIZE, head.size - before - CRC_SIZE);
    return crc == get_be32(sum);
}

static int check_pieces(struct bytes head, size_t from, struct proxy_look *look)
{
    while (from < head.size) {
        const uint8_t *at = head.data + from;
        size_t left = head.size - from;
        size_t size = 0;

        if (left < PIECE_HEAD_SIZE)
            return refuse(look, "the PROXY header ends within a piece");
        size = get_be16(at + 1);
        if (size > left - PIECE_HEAD_SIZE)
            return refuse(look, "a piece of the PROXY header is longer than the header");
        if (at[0] == PIECE_CRC32C &&
            (size != CRC_SIZE || !is_sum_right(head, at + PIECE_HEAD_SIZE)))
            return refuse(look, "the checksum of the PROXY header is wrong");
        from += PIECE_HEAD_SIZE + size;
    }
    return 0;
}

struct family {
    uint8_t byte;
    int address; /* AF_..., or 0: none that would be shown */
    size_t address_size;
    size_t size; /* of all addresses and ports */
};

static const struct family families[] = {
    {FAMILY_NONE, 0, 0, 0},
    {FAMILY_TCP4, AF_INET, 4, 12},
    {FAMILY_TCP6, AF_INET6, 16, 36},
    {FAMILY_UNIX, 0, 0, 216},
};

static const struct family *find_family(uint8_t byte)
{
    for (size_t i = 0; i < ARRAY_SIZE(families); i++)
        if (families[i].byte == byte)
            return &families[i];
    return NULL;
}

static int read_whole_binary(struct bytes head, struct proxy_header *out, struct proxy_look *look)
{
    const struct family *f = find_family(head.data[13]);
    const uint8_t *addresses = head.data + FIXED_SIZE;
    int rv = 0;

    *out = (struct proxy_header){.has_peer = false};
    if (head.data[12] == COMMAND_LOCAL)
        return 0; /* what it says of addresses does not count */
    if (f == NULL)
        return refuse(look, "the PROXY header is of no known kind");
    if (head.size - FIXED_SIZE < f->size)
        return refuse(look, "the PROXY header is shorter than its addresses");
    rv = check_pieces(head, FIXED_SIZE + f->size, look);
    if (rv != 0 || f->address == 0)
        return rv;
    show(f->address, addresses, get_be16(addresses + 2 * f->address_size), out);
    return 0;
}

static int read_binary(struct bytes head, struct proxy_header *out, struct proxy_look *look)
{
    size_t size = 0;

    if (head.size < FIXED_SIZE)
        return wait_for(look, FIXED_SIZE - head.size);
    if (head.data[12] != COMMAND_LOCAL && head.data[12] != COMMAND_PROXY)
        return refuse(look, "the PROXY header has an unknown version or command");
    size = FIXED_SIZE + (size_t)get_be16(head.data + 14);
    if (size > PROXY_HEADER_MAX)
        return refuse(look, "the PROXY header is too long");
    if (head.size < size)
        return wait_for(look, size - head.size);
    if (head.size > size)
        return refuse(look, "more was read than the PROXY header");
    return read_whole_binary(head, out, look);
}

int proxy_read(struct bytes head, struct proxy_header *out, struct proxy_look *look)
{
    *look = (struct proxy_look){.missing = 0};
    if (head.size == 0)
        return wait_for(look, LINE_MIN);
    if (begins_with(head, line_mark, sizeof(line_mark) - 1))
        return read_line(head, out, look);
    if (begins_with(head, binary_mark, sizeof(binary_mark) - 1))
        return read_binary(head, out, look);
    return refuse(look, "it does not begin with a PROXY header");
}
