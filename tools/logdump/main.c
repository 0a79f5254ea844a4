/* millrace-logdump: shows and verifies what lies in a data directory; changes nothing. */
#include <stdio.h>

#include "base/mem.h"
#include "io/real.h"
#include "log/inspect.h"
#include "tools/logdump/arguments.h"
#include "tools/logdump/show.h"

enum exit_code {
    EXIT_WELL = 0,
    EXIT_WRONG = 1, /* something is wrong with what was looked at */
    EXIT_USAGE = 2, /* the arguments make no sense, or there was nothing to look at */
};

static enum exit_code complain(const char *text)
{
    (void)fprintf(stderr, "millrace-logdump: %s\n", text);
    return EXIT_USAGE;
}

/* A link that a person names is followed; those in the directory are not. */
static int look_at_path(struct inspect *in, const struct arguments *a, struct err_note *note)
{
    char *path = NULL;
    int rv = a->is_file ? real_path(a->path, &path) : inspect_directory(in, a->path, note);

    if (!a->is_file)
        return rv;
    if (rv != 0)
        return err_note(note, rv, "cannot read '%s': %s", a->path, err_text(rv));
    rv = inspect_file(in, path, note);
    mem_free(path);
    return rv;
}

static enum exit_code look(const struct arguments *a)
{
    struct err_note note = {{0}};
    struct inspect in = {
        .disk = real_disk(), .verifies = a->verifies, .from = a->from, .count = a->count};
    struct show show;
    int rv;

    show_init(&show, a);
    in.visitor = show_visitor(&show);
    rv = look_at_path(&in, a, &note);
    if (rv == 0 && a->verifies)
        show_verdict(&show, &in);
    if (fflush(stdout) != 0 || ferror(stdout))
        return complain("cannot write to standard output");
    if (rv != 0)
        return complain(note.text);
    return in.problems > 0 ? EXIT_WRONG : EXIT_WELL;
}

int main(int count, char **texts)
{
    struct arguments a;
    struct err_note note = {{0}};

    if (arguments_read(&a, count, texts, &note) != 0)
        return (int)complain(note.text);
    if (a.task == TASK_LOOK)
        return (int)look(&a);
    (void)fputs(a.task == TASK_HELP ? arguments_help : "millrace-logdump " MILLRACE_VERSION "\n",
                stdout);
    return fflush(stdout) == 0 ? EXIT_WELL : EXIT_USAGE;
}
