/* millracectl: asks and changes a running broker over its HTTP API. */
#include <stdio.h>
#include <string.h>

#include "tools/ctl/verbs.h"

/* As rabbitmqctl ends. */
enum exit_code {
    EXIT_DONE = 0,
    EXIT_USAGE = 64,
    EXIT_REFUSED = 65,
    EXIT_UNREACHED = 69,
    EXIT_SOFTWARE = 70,
    EXIT_NOT_ALLOWED = 77,
};

static enum exit_code complain(enum exit_code code, const char *text)
{
    (void)fprintf(stderr, "millracectl: %s\n", text);
    return code;
}

static enum exit_code code_of(int rv)
{
    switch (rv) {
    case 0:
        return EXIT_DONE;
    case ERR_CLOSED:
        return EXIT_UNREACHED;
    case ERR_DENIED:
        return EXIT_NOT_ALLOWED;
    case ERR_INVALID:
    case ERR_NOT_FOUND:
        return EXIT_REFUSED;
    default:
        return EXIT_SOFTWARE;
    }
}

/* What is to be done instead, where the verb is one of RabbitMQ's. */
static const struct refused *find_refused(const struct options *o)
{
    return o->verb == NULL ? NULL : refused_find(o->verb);
}

static enum exit_code refuse(const struct refused *r)
{
    (void)fprintf(stderr, "millracectl: '%s' is not here: %s\n", r->name, r->instead);
    return EXIT_REFUSED;
}

static const struct verb *choose(const struct options *o, struct err_note *note)
{
    const struct verb *v = NULL;

    if (o->verb == NULL) {
        (void)err_note(note, ERR_INVALID, "which verb? see millracectl --help");
        return NULL;
    }
    v = verb_find(o->verb);
    if (v == NULL)
        (void)err_note(note, ERR_INVALID, "there is no verb '%s'; see millracectl help", o->verb);
    else if (o->word_count < v->least || o->word_count > v->most)
        (void)err_note(note, ERR_INVALID, "usage: millracectl %s %s", v->name, v->words);
    else
        return v;
    return NULL;
}

static enum exit_code run(const struct options *o, const struct verb *v)
{
    struct ctl c = {.options = o};
    int rv = call_open(o, &c.call, &c.note);

    if (rv != 0)
        return complain(EXIT_USAGE, c.note.text);
    if (v->path != NULL)
        rv = ctl_check_node(&c);
    if (rv == 0 && !o->is_quiet && v->path != NULL && o->formatter == FORMAT_TABLE)
        (void)fprintf(stderr, "millracectl %s\n", v->does);
    if (rv == 0)
        rv = v->run(&c, v);
    call_close(c.call);
    if (rv != 0)
        return complain(code_of(rv), c.note.text);
    return fflush(stdout) == 0 ? EXIT_DONE
                               : complain(EXIT_SOFTWARE, "cannot write to standard output");
}

int main(int count, char **texts)
{
    struct options o;
    struct err_note note = {{0}};
    const struct verb *v = NULL;
    enum exit_code code = EXIT_USAGE;

    int rv = options_read(&o, count, texts, &note);
    if (find_refused(&o) != NULL) /* whatever options RabbitMQ has for it */
        return (int)refuse(find_refused(&o));
    if (rv != 0)
        return (int)complain(EXIT_USAGE, note.text);
    if (o.wants_help || o.wants_version) {
        (void)fputs(o.wants_help ? options_help : "millracectl " MILLRACE_VERSION "\n", stdout);
        return fflush(stdout) == 0 ? EXIT_DONE : EXIT_SOFTWARE;
    }
    v = choose(&o, &note);
    if (v == NULL || secret_read(&o, v, &note) != 0)
        code = complain(EXIT_USAGE, note.text);
    else
        code = run(&o, v);
    secret_forget(&o);
    return (int)code;
}
