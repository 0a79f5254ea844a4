/* Lines of a configuration file. Cuts a piece off the front of a view, again and again. */
#include "conf/conf_parse.h"

#include <string.h>

#include "base/utf8.h"

enum { QUOTED_MAX = 40 }; /* of a bad key, in the sentence about it */

/* ---- small pieces ---- */

static struct bytes bytes_from(struct bytes text, size_t at)
{
    ASSERT(at <= text.size);
    return bytes_of(text.data + at, text.size - at);
}

/* The place of the first `c`, or the size. */
static size_t find_byte(struct bytes text, char c)
{
    const uint8_t *at = text.size > 0 ? memchr(text.data, c, text.size) : NULL;

    return at != NULL ? (size_t)(at - text.data) : text.size;
}

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t';
}

static struct bytes trim(struct bytes text)
{
    while (text.size > 0 && is_space(text.data[0]))
        text = bytes_from(text, 1);
    while (text.size > 0 && is_space(text.data[text.size - 1]))
        text.size--;
    return text;
}

static bool is_word_character(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
}

/* Whether it is a row of words with dots between. */
static bool is_key(struct bytes text)
{
    bool is_in_word = false;

    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == '\\' && i + 1 < text.size && text.data[i + 1] == '.') {
            i++;
            is_in_word = true;
        } else if (is_word_character(text.data[i])) {
            is_in_word = true;
        } else if (text.data[i] == '.' && is_in_word) {
            is_in_word = false;
        } else {
            return false;
        }
    }
    return is_in_word;
}

/* The first byte that no line of text may have, or the size. */
static size_t find_control(struct bytes line)
{
    size_t i = 0;

    while (i < line.size && line.data[i] != 0x7f && (line.data[i] >= ' ' || line.data[i] == '\t'))
        i++;
    return i;
}

static void copy_text(char *to, size_t size, struct bytes text)
{
    ASSERT(text.size < size);
    if (text.size > 0)
        memcpy(to, text.data, text.size);
    to[text.size] = '\0';
}

/* ---- an entry ---- */

static int check_line(struct bytes line, struct err_note *note)
{
    size_t at = find_control(line);

    if (line.size > CONF_LINE_MAX)
        return err_note(note, ERR_INVALID, "the line is longer than %d bytes", CONF_LINE_MAX);
    if (at < line.size)
        return err_note(note, ERR_INVALID, "the line has a control character, 0x%02x",
                        line.data[at]);
    if (!utf8_valid(line))
        return err_note(note, ERR_INVALID, "the line is not valid UTF-8");
    return 0;
}

static int take_key(struct bytes key, struct conf_entry *out, struct err_note *note)
{
    int quoted = key.size < QUOTED_MAX ? (int)key.size : QUOTED_MAX;

    if (key.size > CONF_KEY_MAX)
        return err_note(note, ERR_INVALID, "the key is longer than %d bytes", CONF_KEY_MAX);
    if (!is_key(key))
        return err_note(
            note, ERR_INVALID,
            "'%.*s' is no key; a key is letters, digits, '_' and '-', with dots between "
            "its words",
            quoted, (const char *)key.data);
    copy_text(out->key, sizeof(out->key), key);
    return 0;
}

/* A value in quotes: `text` begins with the first. Behind the last only a comment may come. */
static int take_quoted(struct bytes text, struct conf_entry *out, struct err_note *note)
{
    struct bytes inner = bytes_from(text, 1);
    size_t end = find_byte(inner, '\'');
    struct bytes behind = {0};

    if (end == inner.size)
        return err_note(note, ERR_INVALID, "the quote of '%s' does not end on its line", out->key);
    behind = trim(bytes_from(inner, end + 1));
    if (behind.size > 0 && behind.data[0] != '#')
        return err_note(note, ERR_INVALID, "something stands behind the quoted value of '%s'",
                        out->key);
    copy_text(out->value, sizeof(out->value), bytes_of(inner.data, end));
    return 0;
}

static int take_value(struct bytes text, struct conf_entry *out, struct err_note *note)
{
    text = trim(text);
    if (text.size > 0 && text.data[0] == '\'')
        return take_quoted(text, out, note);
    text = trim(bytes_of(text.data, find_byte(text, '#')));
    if (text.size == 0)
        return err_note(note, ERR_INVALID, "'%s' has no value; write '' for an empty one",
                        out->key);
    copy_text(out->value, sizeof(out->value), text);
    return 0;
}

static bool is_include(struct bytes line)
{
    struct bytes word = bytes_text("include");

    return line.size > word.size && bytes_equal(bytes_of(line.data, word.size), word) &&
           is_space(line.data[word.size]);
}

/* Says the first word of a line, never the rest: it may be a password whose '=' was forgotten. */
static int refuse_line(struct bytes line, const char *expected, struct err_note *note)
{
    size_t size = 0;

    while (size < line.size && size < QUOTED_MAX && !is_space(line.data[size]))
        size++;
    return err_note(note, ERR_INVALID, "expected '%s', found '%.*s'", expected, (int)size,
                    (const char *)line.data);
}

static int take_entry(struct bytes line, struct conf_entry *out, struct err_note *note)
{
    size_t equals = find_byte(line, '=');
    int rv = 0;

    if (equals == line.size && is_include(line))
        return err_note(note, ERR_INVALID,
                        "include is not supported; name several files, or a folder, with --conf");
    if (equals == line.size)
        return refuse_line(line, "key = value", note);
    rv = take_key(trim(bytes_of(line.data, equals)), out, note);
    if (rv != 0)
        return rv;
    return take_value(bytes_from(line, equals + 1), out, note);
}

/* ---- the file ---- */

static int line_at(struct bytes text, size_t at)
{
    int line = 1;

    for (size_t i = 0; i < at; i++)
        line += text.data[i] == '\n';
    return line;
}

static bool begins_with(struct bytes text, const char *start, size_t size)
{
    return text.size >= size && memcmp(text.data, start, size) == 0;
}

int conf_reader_init(struct conf_reader *r, struct bytes text, struct err_note *note)
{
    size_t zero = 0;

    *r = (struct conf_reader){.rest = text};
    if (text.size > CONF_SIZE_MAX)
        return err_note(note, ERR_INVALID, "the file is larger than %d bytes", CONF_SIZE_MAX);
    if (begins_with(text, "\xff\xfe", 2) || begins_with(text, "\xfe\xff", 2))
        return err_note(note, ERR_INVALID, "the file is UTF-16; save it as UTF-8");
    zero = find_byte(text, '\0');
    if (zero < text.size) {
        r->line = line_at(text, zero);
        return err_note(note, ERR_INVALID, "the line has a zero byte; this is no text file");
    }
    if (begins_with(text, "\xef\xbb\xbf", 3))
        r->rest = bytes_from(text, 3);
    return 0;
}

/* Cuts the next line off, without its end. */
static struct bytes next_line(struct conf_reader *r)
{
    size_t size = find_byte(r->rest, '\n');
    struct bytes line = bytes_of(r->rest.data, size);

    r->rest = bytes_from(r->rest, size < r->rest.size ? size + 1 : size);
    r->line++;
    if (line.size > 0 && line.data[line.size - 1] == '\r')
        line.size--;
    return line;
}

int conf_read(struct conf_reader *r, struct conf_entry *out, struct err_note *note)
{
    while (r->rest.size > 0) {
        struct bytes line = next_line(r);
        int rv = check_line(line, note);

        if (rv != 0)
            return rv;
        line = trim(line);
        if (line.size > 0 && line.data[0] != '#')
            return take_entry(line, out, note);
    }
    return ERR_NOT_FOUND;
}

int conf_read_set(const char *text, struct conf_entry *out, struct err_note *note)
{
    struct bytes line = bytes_text(text);
    size_t equals = find_byte(line, '=');
    int rv = check_line(line, note);

    if (rv != 0)
        return rv;
    if (equals == line.size)
        return refuse_line(line, "key=value", note);
    rv = take_key(trim(bytes_of(line.data, equals)), out, note);
    if (rv != 0)
        return rv;
    copy_text(out->value, sizeof(out->value), bytes_from(line, equals + 1));
    return 0;
}
