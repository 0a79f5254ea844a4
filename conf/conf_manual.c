/* Prints the tables as a manual page, in troff. */
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "conf/conf_rooms.h"

enum { MANUAL_SIZE_MAX = 1024 * 1024 };

static const char introduction[] =
    ".SH NAME\n"
    "millrace.conf \\- the configuration of the Millrace message broker\n"
    ".SH DESCRIPTION\n"
    ".BR millrace (8)\n"
    "reads one file or several, in the format of rabbitmq.conf: a line is empty, a comment\n"
    "behind a number sign, or a key, an equals sign and a value. A value with a number sign in\n"
    "it, or with spaces at its ends, stands in single quotes.\n"
    "Sizes are written 4096, 64KiB or 1GB; times 250ms, 10s, 5m, 2h or 7d.\n"
    ".PP\n"
    "A key may stand in several places. The last one counts: the default below, then the files\n"
    "in the order in which they are named, then variables of the environment, then the\n"
    ".B \\-\\-set\n"
    "of the command line.\n"
    ".PP\n"
    "Keys are those of RabbitMQ where they mean the same. Keys that RabbitMQ knows and that have\n"
    "no meaning here are accepted with a warning; every other unknown key is an error.\n"
    ".SH SETTINGS\n";

static const char ending[] = ".SH SEE ALSO\n"
                             ".BR millrace (8),\n"
                             ".BR millrace\\-logdump (1)\n";

/* Text as troff takes it: no dash becomes a hyphen, no line of it a request. */
static void print_text(struct buf *b, const char *text)
{
    for (const char *at = text; *at != '\0'; at++) {
        if (*at == '-')
            buf_text(b, "\\-");
        else if (*at == '\\')
            buf_text(b, "\\e");
        else if (at == text && (*at == '.' || *at == '\''))
            buf_text(b, "\\&%c", *at);
        else
            buf_text(b, "%c", *at);
    }
}

static void print_setting(struct buf *b, const struct setting *s)
{
    char *must_be = setting_allowed(s);

    buf_text(b, ".TP\n\\fB");
    print_text(b, s->name);
    buf_text(b, "\\fR = ");
    print_text(b, s->fallback[0] == '\0' ? "''" : s->fallback);
    buf_text(b, "\n");
    print_text(b, s->help);
    buf_text(b, "\nIt is ");
    print_text(b, must_be);
    buf_text(b, s->is_reloadable ? ". SIGHUP changes it while the broker runs.\n" : ".\n");
    mem_free(must_be);
}

char *conf_manual(const struct conf *c, const char *version)
{
    struct buf b;
    char *result = NULL;

    buf_init(&b, MANUAL_SIZE_MAX);
    buf_text(&b, ".TH MILLRACE.CONF 5 \"\" \"Millrace %s\" \"File formats\"\n%s", version,
             introduction);
    for (size_t i = 0; i < c->room_count; i++)
        for (const struct setting *s = c->rooms[i].table; s->name != NULL; s++)
            print_setting(&b, s);
    buf_text(&b, "%s", ending);
    ASSERT(buf_error(&b) == 0);
    result = mem_format("%.*s", (int)buf_view(&b).size, (const char *)buf_view(&b).data);
    buf_release(&b);
    return result;
}
