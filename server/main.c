/* The broker: its arguments, then the order of starting and stopping on one screen. */
#include "base/mem.h"
#include "io/real.h"
#include "server/arguments.h"
#include "server/server.h"
#include "server/version.h"

enum exit_code {
    EXIT_WELL = 0,
    EXIT_FAILED = 1, /* it could not start */
    EXIT_USAGE = 2,  /* the arguments make no sense */
};

static enum exit_code complain(enum exit_code code, const struct err_note *note)
{
    char *line = mem_format("millrace: %s\n", note->text);

    real_print_error(line);
    mem_free(line);
    return code;
}

static enum exit_code print(const char *text)
{
    return real_print(text) == 0 ? EXIT_WELL : EXIT_FAILED;
}

static enum exit_code run(struct server *s)
{
    struct err_note note = {{0}};
    int rv = server_read_conf(s, &note); /* which file, which settings, how loud */

    if (rv == 0)
        rv = server_open_world(s, &note); /* worker threads, loop, signals */
    if (rv == 0)
        rv = server_open_data(s, &note); /* the data directory, for us alone */
    if (rv == 0)
        rv = server_open_broker(s, &note); /* partitions, definitions, queues */
    if (rv == 0)
        rv = server_load_definitions(s, &note); /* a file of them, if there is one */
    if (rv == 0)
        rv = server_open_doors(s, &note); /* AMQP */
    if (rv == 0)
        server_run(s); /* until SIGTERM or SIGINT */

    server_close_broker(s);
    server_close_data(s);
    server_close_world(s);
    return rv == 0 ? EXIT_WELL : complain(EXIT_FAILED, &note);
}

static enum exit_code do_task(const struct arguments *a)
{
    struct server *s = server_new(a);
    struct err_note note = {{0}};
    enum exit_code code = EXIT_FAILED;

    switch (a->task) {
    case TASK_HELP:
        code = print(arguments_help);
        break;
    case TASK_VERSION:
        code = print("millrace " MILLRACE_VERSION "\n");
        break;
    case TASK_PRINT_CONF:
        code = server_print_conf(s, &note) == 0 ? EXIT_WELL : complain(EXIT_FAILED, &note);
        break;
    case TASK_PRINT_MAN:
        code = server_print_man(s, &note) == 0 ? EXIT_WELL : complain(EXIT_FAILED, &note);
        break;
    case TASK_CHECK_CONF:
        code = server_check_conf(s) == 0 ? EXIT_WELL : EXIT_FAILED;
        break;
    case TASK_RUN:
        code = run(s);
        break;
    }
    server_free(s);
    return code;
}

int main(int argc, char **argv)
{
    struct arguments a;
    struct err_note note = {{0}};
    enum exit_code code = EXIT_USAGE;

    mem_return_large();
    if (arguments_read(&a, argc, argv, &note) == 0)
        code = do_task(&a);
    else
        complain(EXIT_USAGE, &note);
    arguments_release(&a);
    return (int)code;
}
