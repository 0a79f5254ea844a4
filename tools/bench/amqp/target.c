/* Starts a broker and knocks until it opens. */
#include "tools/bench/amqp/target.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/mem.h"
#include "io/net.h"
#include "tools/bench/amqp/client.h"
#include "tools/bench/amqp/load.h"
#include "tools/bench/measure/machine.h"
#include "tools/bench/measure/process.h"

enum { PORT_TEXT_SIZE = 16 };

#define START_MAX_NS  (UINT64_C(60) * 1000 * 1000 * 1000)
#define KNOCK_WAIT_NS (UINT64_C(2) * 1000 * 1000)

static const struct client_ops no_ops = {0};

/* One try to open a connection with a channel. */
static int knock(struct load *load)
{
    struct client c;
    int rv = client_open(&c, load, &no_ops, 1);

    if (rv == 0)
        rv = load_wait(load, client_is_idle, &c, LOAD_PATIENCE_NS);
    if (rv == 0)
        client_close(&c);
    if (rv == 0)
        rv = load_wait(load, client_is_gone, &c, LOAD_PATIENCE_NS);
    client_release(&c);
    return rv;
}

/* Tries again and again while the program runs. */
static int knock_until_open(struct target *t, struct load *load)
{
    uint64_t start_ns = machine_now_ns();
    int rv;

    while ((rv = knock(load)) != 0) {
        bool is_over = machine_now_ns() - start_ns > START_MAX_NS;

        if (t->program.pid != 0 && !program_runs(&t->program)) {
            load_forgive(load);
            load_fail(load, ERR_FAILED, "the broker's program ended before it could be talked to");
            return ERR_FAILED;
        }
        if (rv != ERR_CLOSED || t->program.pid == 0 || is_over)
            return rv;
        load_forgive(load);
        rv = load_pass(load, KNOCK_WAIT_NS);
        if (rv != 0)
            return rv;
    }
    return 0;
}

static void on_nobody(void *owner, struct socket *s)
{
    (void)owner;
    socket_close(s);
}

/* A port that nobody listens on just now. */
static int find_port(struct load *load, uint16_t *port)
{
    struct listener *l = NULL;
    int rv = listener_open(load->io, "127.0.0.1", 0, on_nobody, NULL, &l, &load->note);

    if (rv != 0)
        return rv;
    *port = listener_port(l);
    listener_close(l);
    return 0;
}

static int start_floor(struct target *t, struct load *load)
{
    char port[PORT_TEXT_SIZE];
    const char *words[] = {"floor", "--port",     port,        "--with-parent",
                           "true",  "--data-dir", t->data_dir, NULL};
    int rv = find_port(load, &t->uri.port);

    if (rv != 0)
        return rv;
    load->uri.port = t->uri.port;
    (void)snprintf(port, sizeof(port), "%u", t->uri.port);
    if (t->data_dir == NULL)
        words[5] = NULL;
    return program_start_self(words, &t->program, &load->note);
}

static int start_program(struct target *t, struct load *load)
{
    char *line;
    int rv;

    if (t->is_floor)
        return start_floor(t, load);
    if (t->command == NULL)
        return 0;
    line = mem_format("exec %s", t->command);
    rv = program_start_line(line, &t->program, &load->note);
    mem_free(line);
    return rv;
}

int target_start(struct target *t, uint64_t *took_ns, struct err_note *note)
{
    struct load load;
    uint64_t start_ns;
    int rv = load_open(&load, &t->uri, note);

    if (rv == 0) {
        start_ns = machine_now_ns();
        rv = start_program(t, &load);
        if (rv == 0)
            rv = knock_until_open(t, &load);
        if (rv == 0 && took_ns != NULL)
            *took_ns = machine_now_ns() - start_ns;
        if (rv != 0)
            *note = load.note;
    }
    if (rv == 0 && t->program.pid != 0)
        t->pid = t->program.pid;
    load_close(&load);
    return rv;
}

void target_stop(struct target *t)
{
    program_stop(&t->program);
}

void target_kill(struct target *t)
{
    program_kill(&t->program);
}

struct target_usage target_usage(const struct target *t)
{
    struct target_usage result = {0};
    struct process_usage used;

    if (t->program.pid != 0)
        process_group_usage(t->program.pid, &used);
    else if (t->pid == 0 || process_usage(t->pid, &used, NULL) != 0)
        used = (struct process_usage){0};
    if (used.resident_bytes > 0) {
        result.cpu_ns = used.cpu_ns;
        result.resident_bytes = used.resident_bytes;
        result.descriptors = process_descriptors(t->pid);
    }
    if (t->data_dir != NULL && process_disk_bytes(t->data_dir, &result.disk_bytes, NULL) != 0)
        result.disk_bytes = 0;
    return result;
}
