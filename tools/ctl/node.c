/* Verbs about the node: its name, its ports, its virtual hosts one by one. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/parse.h"
#include "tools/ctl/rows.h"
#include "tools/ctl/verbs.h"

enum { NODES_MAX = 1000, WAIT_MS = 250 };

/* What the node is called, in new memory. */
static int find_node(struct ctl *c, char **out)
{
    json_t *overview = NULL;
    int rv = ctl_request(c, "GET", "/api/overview", NULL, &overview);
    const char *name = json_string_value(json_object_get(overview, "node"));

    if (rv == 0 && name == NULL)
        rv = err_note(&c->note, ERR_INVALID, "GET /api/overview was answered without a node");
    if (rv == 0)
        *out = mem_text(name);
    json_decref(overview);
    return rv;
}

int ctl_check_node(struct ctl *c)
{
    const char *wanted = c->options->node;
    char *name = NULL;
    int rv = wanted == NULL ? 0 : find_node(c, &name);

    if (rv == 0 && wanted != NULL && strcmp(name, wanted) != 0)
        rv = err_note(&c->note, ERR_NOT_FOUND,
                      "the node that answers is '%s', not '%s'; leave --node out, or ask another "
                      "--uri",
                      name, wanted);
    mem_free(name);
    return rv;
}

/* The path with the name in the place of %s. */
static char *path_with(struct ctl *c, const char *form, const char *name)
{
    const char *place = strstr(form, "%s");
    char *front = mem_format("%.*s", (int)(place - form), form);
    char *part = call_path(c->call, "%s", name);
    char *before = ctl_path(c, front);
    char *after = ctl_path(c, place + 2);
    char *path = mem_format("%s%s%s", before, part, after);

    mem_free(front);
    mem_free(part);
    mem_free(before);
    mem_free(after);
    return path;
}

int verb_of_node(struct ctl *c, const struct verb *v)
{
    char *name = NULL;
    char *path = NULL;
    json_t *answer = NULL;
    int rv = find_node(c, &name);

    if (rv != 0)
        return rv;
    path = path_with(c, v->path, name);
    rv = ctl_request(c, v->method, path, NULL, &answer);
    if (rv == 0 && answer != NULL)
        rows_print_value(c->options, answer);
    json_decref(answer);
    mem_free(path);
    mem_free(name);
    return rv;
}

int verb_is_booting(struct ctl *c, const struct verb *v)
{
    int rv = ctl_request(c, v->method, v->path, NULL, NULL);

    return rv == 0 ? err_note(&c->note, ERR_NOT_FOUND, "the node has booted; see is_running") : rv;
}

int verb_log_location(struct ctl *c, const struct verb *v)
{
    json_t *all = NULL;
    json_t *found = json_object();
    const char *name = NULL;
    json_t *value = NULL;
    int rv = ctl_request(c, v->method, v->path, NULL, &all);

    json_object_foreach(all, name, value)
    {
        if (name != NULL && strncmp(name, "log.", 4) == 0 && strstr(name, ".level") == NULL)
            (void)json_object_set(found, name, value);
    }
    if (rv == 0)
        rows_print_value(c->options, found);
    json_decref(found);
    json_decref(all);
    return rv;
}

/* The first one that fails ends it: what was told stays told. */
int verb_report(struct ctl *c, const struct verb *v)
{
    static const char *const parts[] = {
        "status",         "cluster_status", "memory_breakdown", "log_status",    "list_connections",
        "list_channels",  "list_vhosts",    "list_permissions", "list_policies", "list_queues",
        "list_exchanges", "list_bindings",  "list_consumers",   "environment",
    };
    int rv = 0;

    (void)v;
    for (size_t i = 0; rv == 0 && i < ARRAY_SIZE(parts); i++) {
        const struct verb *part = verb_find(parts[i]);

        if (c->options->formatter != FORMAT_JSON)
            printf("%s\n%s\n", i == 0 ? "" : "\n", part->name);
        rv = part->run(c, part);
    }
    return rv;
}

int verb_await_nodes(struct ctl *c, const struct verb *v)
{
    json_t *nodes = NULL;
    uint64_t count = 0;
    uint64_t waited_ms = 0;
    int rv = 0;

    if (parse_u64(bytes_text(c->options->words[0]), 1, NODES_MAX, &count) != 0)
        return err_note(&c->note, ERR_INVALID, "a count is a number from 1 to %d, not '%s'",
                        (int)NODES_MAX, c->options->words[0]);
    for (;;) {
        rv = ctl_request(c, v->method, v->path, NULL, &nodes);
        if ((rv != 0 && rv != ERR_CLOSED) || (rv == 0 && json_array_size(nodes) >= count) ||
            waited_ms >= c->options->timeout_ms)
            break;
        json_decref(nodes);
        nodes = NULL;
        call_wait(c->call, WAIT_MS);
        waited_ms += WAIT_MS;
    }
    if (rv == 0 && json_array_size(nodes) < count)
        rv = err_note(&c->note, ERR_CLOSED, "there are %zu nodes, not %s", json_array_size(nodes),
                      c->options->words[0]);
    json_decref(nodes);
    return rv;
}

int verb_check_ports(struct ctl *c, const struct verb *v)
{
    json_t *overview = NULL;
    int rv = ctl_request(c, v->method, v->path, NULL, &overview);
    const json_t *listeners = json_object_get(overview, "listeners");

    for (size_t i = 0; rv == 0 && i < json_array_size(listeners); i++) {
        const json_t *one = json_array_get(listeners, i);
        json_int_t port = json_integer_value(json_object_get(one, "port"));

        if (port > 0 && port <= UINT16_MAX)
            rv = call_reach(c->call, (uint16_t)port, &c->note);
    }
    if (rv == 0 && !c->options->is_silent)
        printf("Successfully connected to %zu ports\n", json_array_size(listeners));
    json_decref(overview);
    return rv;
}

int verb_set_globally(struct ctl *c, const struct verb *v)
{
    json_t *vhosts = NULL;
    json_t *body = NULL;
    int rv = ctl_body(c, v->body, &body);

    if (rv == 0)
        rv = ctl_request(c, "GET", "/api/vhosts", NULL, &vhosts);
    for (size_t i = 0; rv == 0 && i < json_array_size(vhosts); i++) {
        const char *name = json_string_value(json_object_get(json_array_get(vhosts, i), "name"));
        char *path = path_with(c, v->path, name == NULL ? "" : name);

        rv = ctl_request(c, v->method, path, body, NULL);
        mem_free(path);
    }
    json_decref(vhosts);
    json_decref(body);
    return rv;
}
