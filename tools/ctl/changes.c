/* Verbs that take more than one request, or something beside their words. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/parse.h"
#include "tools/ctl/verbs.h"

/* ---- users ---- */

/* What the broker knows of the user: a PUT replaces all of it. */
static int put_user(struct ctl *c, const struct verb *v, const char *const *kept, json_t *changes)
{
    char *path = ctl_path(c, v->path);
    json_t *user = NULL;
    int rv = ctl_request(c, "GET", path, NULL, &user);

    for (; rv == 0 && *kept != NULL; kept++) {
        json_t *value = json_object_get(user, *kept);

        if (value != NULL)
            (void)json_object_set(changes, *kept, value);
    }
    if (rv == 0)
        rv = ctl_request(c, "PUT", path, changes, NULL);
    json_decref(user);
    json_decref(changes);
    mem_free(path);
    return rv;
}

int verb_change_password(struct ctl *c, const struct verb *v)
{
    static const char *const kept[] = {"tags", NULL};
    json_t *changes = NULL;
    int rv = ctl_body(c, v->body, &changes);

    return rv == 0 ? put_user(c, v, kept, changes) : rv;
}

int verb_set_user_tags(struct ctl *c, const struct verb *v)
{
    static const char *const kept[] = {"password_hash", "hashing_algorithm", NULL};
    json_t *changes = NULL;
    int rv = ctl_body(c, "tags=l2", &changes);

    return rv == 0 ? put_user(c, v, kept, changes) : rv;
}

/* ---- limits ---- */

static int put_limit(struct ctl *c, const char *path, const char *name, json_t *value)
{
    char *part = call_path(c->call, "%s", name);
    char *whole = mem_format("%s%s", path, part);
    json_t *body = json_pack("{s:O}", "value", value);
    int rv = ctl_request(c, "PUT", whole, body, NULL);

    json_decref(body);
    mem_free(whole);
    mem_free(part);
    return rv;
}

int verb_set_limits(struct ctl *c, const struct verb *v)
{
    char *path = ctl_path(c, v->path);
    char *form = mem_format("limits=j%s", v->body);
    json_t *body = NULL;
    json_t *value = NULL;
    const char *name = NULL;
    int rv = ctl_body(c, form, &body);
    json_t *limits = json_object_get(body, "limits");

    if (rv == 0 && !json_is_object(limits))
        rv = err_note(&c->note, ERR_INVALID,
                      "limits are a JSON object, as {\"max-connections\": 100}");
    json_object_foreach(limits, name, value)
    {
        if (rv == 0)
            rv = put_limit(c, path, name, value);
    }
    json_decref(body);
    mem_free(form);
    mem_free(path);
    return rv;
}

static int clear_limit(struct ctl *c, const char *path, const char *name)
{
    char *part = call_path(c->call, "%s", name);
    char *whole = mem_format("%s%s", path, part);
    int rv = ctl_request(c, "DELETE", whole, NULL, NULL);

    mem_free(whole);
    mem_free(part);
    return rv;
}

/* Each limit that the row names. */
static int clear_all(struct ctl *c, const char *path, const char *names)
{
    int rv = 0;

    while (rv == 0 && *names != '\0') {
        char *name = mem_format("%.*s", (int)strcspn(names, " "), names);

        rv = clear_limit(c, path, name);
        names += strlen(name);
        names += strspn(names, " ");
        mem_free(name);
    }
    return rv;
}

int verb_clear_limits(struct ctl *c, const struct verb *v)
{
    const struct options *o = c->options;
    bool is_named = o->word_count == v->most && strcmp(o->words[v->most - 1], "all") != 0;
    char *path = ctl_path(c, v->path);
    int rv = is_named ? clear_limit(c, path, o->words[v->most - 1]) : clear_all(c, path, v->body);

    mem_free(path);
    return rv;
}

/* ---- policies ---- */

int verb_set_policy(struct ctl *c, const struct verb *v)
{
    const struct options *o = c->options;
    char *path = ctl_path(c, v->path);
    int64_t priority = 0;
    json_t *body = NULL;
    int rv = ctl_body(c, v->body, &body);

    if (rv == 0 && o->priority != NULL &&
        parse_i64(bytes_text(o->priority), INT32_MIN, INT32_MAX, &priority) != 0)
        rv = err_note(&c->note, ERR_INVALID, "--priority takes an integer, not '%s'", o->priority);
    if (rv == 0) {
        (void)json_object_set_new(body, "priority", json_integer(priority));
        (void)json_object_set_new(body, "apply-to",
                                  json_string(o->apply_to != NULL ? o->apply_to : "all"));
        rv = ctl_request(c, "PUT", path, body, NULL);
    }
    json_decref(body);
    mem_free(path);
    return rv;
}

/* ---- deleting ---- */

int verb_delete(struct ctl *c, const struct verb *v)
{
    const struct options *o = c->options;
    char *path = ctl_path(c, v->path);
    char *whole =
        mem_format("%s%s%s%s", path, o->if_empty || o->if_unused ? "?" : "",
                   o->if_empty ? "if-empty=true&" : "", o->if_unused ? "if-unused=true" : "");
    int rv = ctl_request(c, "DELETE", whole, NULL, NULL);

    mem_free(whole);
    mem_free(path);
    return rv;
}

/* ---- connections ---- */

static int close_one(struct ctl *c, const char *name, const char *reason)
{
    char *path = call_path(c->call, "/api/connections/%s", name);
    char *header = reason == NULL ? NULL : mem_format("X-Reason: %s", reason);
    struct answer answer = {0};
    int rv =
        call_make(c->call, &(struct request){.method = "DELETE", .path = path, .header = header},
                  &answer, &c->note);

    json_decref(answer.json);
    mem_free(header);
    mem_free(path);
    return rv;
}

/* A reason goes into a header line, so it is one line. */
static int find_reason(struct ctl *c, size_t word, const char **out)
{
    const struct options *o = c->options;

    *out = o->word_count > word ? o->words[word] : o->reason;
    if (*out != NULL && strpbrk(*out, "\r\n") != NULL)
        return err_note(&c->note, ERR_INVALID, "a reason is one line");
    return 0;
}

int verb_close_connection(struct ctl *c, const struct verb *v)
{
    const char *reason = NULL;
    int rv = find_reason(c, v->least, &reason);

    return rv == 0 ? close_one(c, c->options->words[0], reason) : rv;
}

static void show_progress(const struct ctl *c, size_t done, size_t count)
{
    if (c->options->is_quiet || !isatty(STDERR_FILENO))
        return;
    (void)fprintf(stderr, "\rclosing %zu of %zu%s", done, count, done == count ? "\n" : "");
}

/* Whether the connection is in the virtual host that was named, if one was. */
static bool is_meant(const struct ctl *c, const json_t *connection)
{
    const char *vhost = json_string_value(json_object_get(connection, "vhost"));

    return !c->options->names_vhost || (vhost != NULL && strcmp(vhost, c->options->vhost) == 0);
}

int verb_close_all(struct ctl *c, const struct verb *v)
{
    char *path = ctl_path(c, v->path);
    const char *reason = NULL;
    json_t *all = NULL;
    int rv = find_reason(c, v->least, &reason);

    if (rv == 0)
        rv = ctl_request(c, "GET", path, NULL, &all);
    for (size_t i = 0; rv == 0 && i < json_array_size(all); i++) {
        const char *name = json_string_value(json_object_get(json_array_get(all, i), "name"));

        if (name != NULL && is_meant(c, json_array_get(all, i)))
            rv = close_one(c, name, reason);
        if (rv == ERR_NOT_FOUND)
            rv = 0; /* it went by itself */
        show_progress(c, i + 1, json_array_size(all));
    }
    json_decref(all);
    mem_free(path);
    return rv;
}

/* ---- definitions ---- */

/* Of all virtual hosts, or of the one that was named. */
static char *definitions_path(struct ctl *c)
{
    return c->options->names_vhost ? ctl_path(c, "/api/definitions/{v}")
                                   : mem_text("/api/definitions");
}

int verb_export(struct ctl *c, const struct verb *v)
{
    const char *file = c->options->words[0];
    char *path = definitions_path(c);
    json_t *all = NULL;
    int rv = ctl_request(c, v->method, path, NULL, &all);
    int written = 0;

    if (rv == 0 && strcmp(file, "-") == 0)
        written = json_dumpf(all, stdout, JSON_INDENT(2));
    else if (rv == 0)
        written = json_dump_file(all, file, JSON_INDENT(2));
    if (rv == 0 && written != 0)
        rv = err_note(&c->note, ERR_IO, "cannot write '%s'", file);
    json_decref(all);
    mem_free(path);
    return rv;
}

int verb_import(struct ctl *c, const struct verb *v)
{
    const char *file = c->options->words[0];
    char *path = definitions_path(c);
    json_error_t wrong;
    json_t *all = strcmp(file, "-") == 0 ? json_loadf(stdin, JSON_REJECT_DUPLICATES, &wrong)
                                         : json_load_file(file, JSON_REJECT_DUPLICATES, &wrong);
    int rv = 0;

    if (all == NULL)
        rv = err_note(&c->note, ERR_INVALID, "cannot read '%s', line %d: %s", file, wrong.line,
                      wrong.text);
    else
        rv = ctl_request(c, v->method, path, all, NULL);
    json_decref(all);
    mem_free(path);
    return rv;
}
