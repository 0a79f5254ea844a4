/* Verbs about groups of consumers of streams. */
#include "base/mem.h"
#include "tools/ctl/rows.h"
#include "tools/ctl/verbs.h"

static const struct column offsets[] = {
    {"stream", "stream"}, {"offset", "offset"},   {"end", "end"},
    {"lag", "lag"},       {"unacked", "unacked"}, {"owner", "owner.consumer_tag"},
};
static const struct column steps[] = {{"stream", "stream"}, {"from", "from"}, {"to", "to"}};

/* Makes the request of the row, and prints an array of its answer. Takes the body. */
static int print_array(struct ctl *c, const struct verb *v, json_t *body, const char *name)
{
    bool is_reset = body != NULL;
    char *path = ctl_path(c, v->path);
    json_t *answer = NULL;
    int rv = ctl_request(c, v->method, path, body, &answer);
    const json_t *rows = json_object_get(answer, name);

    if (rv == 0 && !json_is_array(rows))
        rv = err_note(&c->note, ERR_INVALID, "%s %s was answered without '%s'", v->method, path,
                      name);
    if (rv == 0 && is_reset)
        rows_print(c->options, rows, steps, ARRAY_SIZE(steps));
    else if (rv == 0)
        rows_print(c->options, rows, offsets, ARRAY_SIZE(offsets));
    json_decref(answer);
    json_decref(body);
    mem_free(path);
    return rv;
}

int verb_group_offsets(struct ctl *c, const struct verb *v)
{
    return print_array(c, v, NULL, "partition_details");
}

int verb_reset_group(struct ctl *c, const struct verb *v)
{
    json_t *body = NULL;
    int rv = ctl_body(c, v->body, &body);

    if (rv != 0)
        return rv;
    if (c->options->is_dry_run && json_object_set_new(body, "dry_run", json_true()) != 0) {
        json_decref(body);
        return ERR_NO_MEMORY;
    }
    if (c->options->is_forced && json_object_set_new(body, "force", json_true()) != 0) {
        json_decref(body);
        return ERR_NO_MEMORY;
    }
    return print_array(c, v, body, "partitions");
}
