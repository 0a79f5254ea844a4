/* Lists: rows out of the API, page by page, with the columns that were asked for. */
#include <string.h>

#include "base/mem.h"
#include "tools/ctl/rows.h"
#include "tools/ctl/verbs.h"

enum { COLUMNS_MAX = OPTIONS_WORDS_MAX, PAGE_SIZE = 500 };

struct columns {
    struct column items[COLUMNS_MAX];
    size_t count;
    char *text; /* what the titles and paths lie in */
};

/* Reads "title=path title ..."; a title without a path is its own. */
static void read_columns(struct columns *out, const char *form)
{
    *out = (struct columns){.text = mem_text(form)};
    for (char *at = out->text; *at != '\0' && out->count < COLUMNS_MAX;) {
        size_t size = strcspn(at, " ");
        char *next = at + size + strspn(at + size, " ");
        char *equals = NULL;

        at[size] = '\0';
        equals = strchr(at, '=');
        if (equals != NULL)
            *equals = '\0';
        out->items[out->count++] = (struct column){at, equals != NULL ? equals + 1 : at};
        at = next;
    }
}

/* Columns that rabbitmqctl calls otherwise than the API does. */
static const char *path_of(const struct columns *known, const char *title)
{
    static const struct column others[] = {
        {"pid", "name"},
        {"unacked", "messages_unacknowledged"},
        {"ready", "messages_ready"},
        {"owner_pid", "owner_pid_details.name"},
        {"exclusive_consumer_tag", "exclusive_consumer_tag"},
    };

    for (size_t i = 0; i < known->count; i++) {
        if (strcmp(known->items[i].title, title) == 0)
            return known->items[i].path;
    }
    for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
        if (strcmp(others[i].title, title) == 0)
            return others[i].path;
    }
    return title;
}

static void choose_columns(const struct ctl *c, const struct verb *v, const struct columns *known,
                           struct columns *out)
{
    size_t first = v->words[0] == '[' ? 0 : v->least;

    *out = (struct columns){0};
    for (size_t i = first; i < c->options->word_count && out->count < COLUMNS_MAX; i++) {
        const char *title = c->options->words[i];

        out->items[out->count++] = (struct column){title, path_of(known, title)};
    }
}

/* Long lists come in pages; short ones as they are. Adds the rows of a page; *pages is how many
 * there are. */
static int add_page(json_t *rows, const json_t *page, const char *member, json_int_t *pages)
{
    const json_t *items = json_object_get(page, member);

    *pages = json_integer_value(json_object_get(page, "page_count"));
    if (json_is_array(page))
        items = page;
    if (!json_is_array(items))
        return ERR_INVALID;
    return json_array_extend(rows, (json_t *)(uintptr_t)items) == 0 ? 0 : ERR_NO_MEMORY;
}

static bool has_pages(const char *path)
{
    static const char *const paged[] = {"/api/queues", "/api/exchanges", "/api/connections",
                                        "/api/channels", "/api/delayed"};

    for (size_t i = 0; i < ARRAY_SIZE(paged); i++) {
        if (strncmp(path, paged[i], strlen(paged[i])) == 0)
            return true;
    }
    return false;
}

/* A path may name the member that has the list: "/api/overview#listeners". */
static int read_rows(struct ctl *c, const char *whole, json_t *rows)
{
    const char *mark = strchr(whole, '#');
    const char *member = mark != NULL ? mark + 1 : "items";
    char *path = mem_format("%.*s", (int)strcspn(whole, "#"), whole);
    json_int_t pages = 1;
    int rv = 0;

    for (json_int_t page = 1; page <= pages && rv == 0; page++) {
        char *url = has_pages(path) ? mem_format("%s?page=%lld&page_size=%d", path, (long long)page,
                                                 (int)PAGE_SIZE)
                                    : mem_text(path);
        json_t *answer = NULL;

        rv = ctl_request(c, "GET", url, NULL, &answer);
        if (rv == 0 && add_page(rows, answer, member, &pages) != 0)
            rv = err_note(&c->note, ERR_INVALID, "GET %s was answered with no list", url);
        json_decref(answer);
        mem_free(url);
    }
    mem_free(path);
    return rv;
}

static void drop_running(json_t *rows)
{
    for (size_t i = json_array_size(rows); i-- > 0;) {
        const char *state = json_string_value(json_object_get(json_array_get(rows, i), "state"));

        if (state != NULL && strcmp(state, "running") == 0)
            (void)json_array_remove(rows, i);
    }
}

static int list(struct ctl *c, const struct verb *v, bool is_without_running)
{
    char *path = ctl_path(c, v->path);
    json_t *rows = json_array();
    struct columns known;
    struct columns chosen;
    int rv = read_rows(c, path, rows);

    if (is_without_running)
        drop_running(rows);
    read_columns(&known, v->body);
    choose_columns(c, v, &known, &chosen);
    if (rv == 0 && chosen.count > 0)
        rows_print(c->options, rows, chosen.items, chosen.count);
    else if (rv == 0)
        rows_print(c->options, rows, known.items, known.count);
    mem_free(known.text);
    json_decref(rows);
    mem_free(path);
    return rv;
}

int verb_list(struct ctl *c, const struct verb *v)
{
    return list(c, v, false);
}

int verb_list_unresponsive(struct ctl *c, const struct verb *v)
{
    return list(c, v, true);
}
