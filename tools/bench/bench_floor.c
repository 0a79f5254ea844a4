/* `millrace-bench floor`: its options. */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "base/setting.h"
#include "tools/bench/bench.h"
#include "tools/bench/floor/floor.h"

static const char usage[] =
    "usage: millrace-bench floor [OPTIONS]\n"
    "\n"
    "Serves AMQP 0-9-1 as the least program that could: every message goes to every consumer, and\n"
    "nothing is routed, queued or checked. millrace-bench amqp --floor starts it and says what a\n"
    "broker reaches of it.\n"
    "\n"
    "  --port N          where to listen on 127.0.0.1 (5673); 0: any free port\n"
    "  --data-dir DIR    keeps what is published with confirms in a file there, 1.5 GiB, written\n"
    "                    before and removed at the end; confirms come after fdatasync\n"
    "  --with-parent     true: ends when the program that started it ends\n"
    "  --help            this text\n";

struct request {
    int64_t port;
    char *data_dir;
    bool with_parent;
};

static const struct setting settings[] = {
    {.name = "--port",
     .kind = SETTING_INT,
     .fallback = "5673",
     .max = UINT16_MAX,
     .offset = offsetof(struct request, port)},
    {.name = "--data-dir",
     .kind = SETTING_TEXT,
     .fallback = "",
     .offset = offsetof(struct request, data_dir)},
    {.name = "--with-parent",
     .kind = SETTING_BOOL,
     .fallback = "false",
     .offset = offsetof(struct request, with_parent)},
    {0},
};

static int take(struct request *q, const char *name, const char *value, struct err_note *note)
{
    for (const struct setting *s = settings; s->name != NULL; s++) {
        if (strcmp(s->name, name) == 0 && value != NULL)
            return setting_set(s, q, value, note);
    }
    return err_note(note, ERR_INVALID, "'%s' is unknown or lacks its value", name);
}

static int serve(const struct request *q, struct err_note *note)
{
    struct floor_options o = {
        .port = (uint16_t)q->port,
        .data_dir = q->data_dir[0] != '\0' ? q->data_dir : NULL,
        .with_parent = q->with_parent,
    };

    diag_set_level(DIAG_WARNING);
    return floor_serve(&o, note);
}

int bench_floor(int count, char *const *words)
{
    struct request q = {0};
    struct err_note note = {{0}};
    int rv = 0, status = BENCH_USAGE;

    setting_defaults(settings, &q);
    if (count == 1 && strcmp(words[0], "--help") == 0) {
        printf("%s", usage);
        setting_release(settings, &q);
        return BENCH_WELL;
    }
    for (int i = 0; rv == 0 && i < count; i += 2)
        rv = take(&q, words[i], i + 1 < count ? words[i + 1] : NULL, &note);
    if (rv == 0) {
        rv = serve(&q, &note);
        status = rv == 0 ? BENCH_WELL : BENCH_FAILED;
    }
    if (rv != 0)
        (void)fprintf(stderr, "millrace-bench: %s\n",
                      note.text[0] != '\0' ? note.text : err_text(rv));
    setting_release(settings, &q);
    return status;
}
