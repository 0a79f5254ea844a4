/* Prints the tables as a configuration file in which everything is a comment. */
#include <inttypes.h>

#include "base/buf.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "conf/conf_rooms.h"

enum { SAMPLE_SIZE_MAX = 1024 * 1024, SAMPLE_COLUMNS = 90 };

static const char heading[] =
    "# Every setting of Millrace, at its default. Take the '#' away to change one.\n"
    "#\n"
    "# The format and, where they mean the same, the names are those of rabbitmq.conf. Sizes\n"
    "# are written 4096, 64KiB or 1GB; times 250ms, 10s, 5m, 2h or 7d; a value with a '#' in\n"
    "# it, or with spaces at its ends, stands in single quotes. This file was printed by\n"
    "# millrace --print-conf.\n";

/* The sentence in lines that begin with "## ", behind an empty line. */
static void print_wrapped(struct buf *b, const char *text)
{
    size_t column = SAMPLE_COLUMNS;

    while (*text != '\0') {
        size_t size = strcspn(text, " ");
        if (column + 1 + size > SAMPLE_COLUMNS) {
            buf_text(b, "\n##");
            column = 2;
        }
        buf_text(b, " %.*s", (int)size, text);
        column += 1 + size;
        text += size;
        text += strspn(text, " ");
    }
}

/* Shows a number as a setting of that kind would be written. */
static char *show_bound(const struct setting *s, int64_t bound)
{
    struct setting row = *s;
    uint64_t value = (uint64_t)bound;

    row.offset = 0;
    return setting_show(&row, s->kind == SETTING_INT ? (const void *)&bound : &value);
}

static void print_bounds(struct buf *b, const struct setting *s)
{
    char *low = show_bound(s, s->min);
    char *high = show_bound(s, s->max);

    buf_text(b, "\n## From %s to %s.", low, high);
    mem_free(low);
    mem_free(high);
}

static void print_setting(struct buf *b, const struct setting *s)
{
    bool is_number =
        s->kind == SETTING_INT || s->kind == SETTING_SIZE || s->kind == SETTING_DURATION;

    print_wrapped(b, s->help);
    if (s->kind == SETTING_CHOICE) {
        buf_text(b, "\n## One of:");
        for (size_t i = 0; s->choices[i] != NULL; i++)
            buf_text(b, "%s %s", i > 0 ? "," : "", s->choices[i]);
        buf_text(b, ".");
    }
    if (is_number && (s->min != 0 || s->max != 0))
        print_bounds(b, s);
    if (s->is_reloadable)
        buf_text(b, "\n## Can be changed while the broker runs: edit, then send SIGHUP.");
    buf_text(b, "\n# %s = %s\n", s->name, s->fallback[0] == '\0' ? "''" : s->fallback);
}

char *conf_sample(const struct conf *c)
{
    struct buf b;
    char *result = NULL;

    buf_init(&b, SAMPLE_SIZE_MAX);
    buf_text(&b, "%s", heading);
    for (size_t i = 0; i < c->room_count; i++)
        for (const struct setting *s = c->rooms[i].table; s->name != NULL; s++)
            print_setting(&b, s);
    ASSERT(buf_error(&b) == 0);
    result = mem_format("%.*s", (int)buf_view(&b).size, (const char *)buf_view(&b).data);
    buf_release(&b);
    return result;
}
