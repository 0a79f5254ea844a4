/* Looking at the names beside the log proper: spares, what waits to go, what nothing knows. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "log/inspect_parts.h"

struct names {
    struct inspection *log;
    char **items;
    size_t count;
    size_t capacity;
};

static void names_add(struct names *n, const char *name)
{
    if (n->count == n->capacity) {
        n->capacity = n->capacity > 0 ? n->capacity * 2 : 8;
        n->items = mem_grow(n->items, n->capacity, sizeof(*n->items));
    }
    n->items[n->count++] = mem_text(name);
}

static void names_release(struct names *n)
{
    for (size_t i = 0; i < n->count; i++)
        mem_free(n->items[i]);
    mem_free(n->items);
}

static int by_text(const void *a, const void *b)
{
    const char *const *x = a, *const *y = b;

    return strcmp(*x, *y);
}

static void show(struct inspection *l, enum inspect_other what, const char *path)
{
    const struct inspect_visitor *v = &l->in->visitor;

    if (v->on_other != NULL)
        v->on_other(v->owner, what, path);
}

/* ---- Directories of files that are out of the way ---- */

static void on_name(void *owner, const char *name, bool is_dir)
{
    (void)is_dir;
    names_add(owner, name);
}

static void look_into(struct inspection *l, const char *dir, enum inspect_other what)
{
    struct site_path path = site_path(&l->site, "%s", dir);
    struct names n = {.log = l};
    int rv = disk_list(l->in->disk, path.text, on_name, &n);

    if (rv != 0 && rv != ERR_NOT_FOUND)
        inspect_note(l->in, path.text, INSPECT_NOWHERE, "it cannot be listed: %s", err_text(rv));
    if (n.count > 1)
        qsort(n.items, n.count, sizeof(*n.items), by_text);
    for (size_t i = 0; i < n.count; i++) {
        char *inside = mem_format("%s/%s", path.text, n.items[i]);

        show(l, what, inside);
        if (what == INSPECT_WOUNDED)
            inspect_note(l->in, inside, INSPECT_NOWHERE,
                         "damaged earlier; what could be read of it was moved on");
        mem_free(inside);
    }
    names_release(&n);
}

/* ---- Names that nothing knows ---- */

static bool is_one_of(const char *name, const char *const *list)
{
    while (*list != NULL && strcmp(name, *list) != 0)
        list++;
    return *list != NULL;
}

static bool is_leftover(const struct listing *l, const char *name)
{
    for (size_t i = 0; i < l->leftover_count; i++) {
        if (strcmp(l->leftovers[i], name) == 0)
            return true;
    }
    return false;
}

static void on_log_name(void *owner, const char *name, bool is_dir)
{
    static const char *const files[] = {"manifest", "manifest.copy", "watermark", NULL};
    static const char *const dirs[] = {"trash", "wounded", NULL};
    struct names *n = owner;
    uint64_t value = 0;

    if (is_one_of(name, is_dir ? dirs : files))
        return;
    if (!is_dir &&
        (site_parse_name(name, "hot", ".seg", &value) ||
         site_parse_name(name, "cold", ".seg", &value) ||
         site_parse_name(name, "spare", ".seg", &value) ||
         site_parse_name(name, "checkpoint", "", &value) || is_leftover(&n->log->listing, name)))
        return;
    names_add(n, name);
}

static void look_at_foreign(struct inspection *l)
{
    struct names n = {.log = l};
    int rv = disk_list(l->in->disk, l->site.dir, on_log_name, &n);

    if (rv != 0)
        inspect_problem(l->in, l->site.dir, INSPECT_NOWHERE, "it cannot be listed: %s",
                        err_text(rv));
    if (n.count > 1)
        qsort(n.items, n.count, sizeof(*n.items), by_text);
    for (size_t i = 0; i < n.count; i++) {
        char *path = mem_format("%s/%s", l->site.dir, n.items[i]);

        show(l, INSPECT_FOREIGN, path);
        inspect_note(l->in, path, INSPECT_NOWHERE, "it is none of the log's files");
        mem_free(path);
    }
    names_release(&n);
}

/* ---- Segments that do not count ---- */

static void look_at_spares(struct inspection *l)
{
    for (size_t i = 0; i < l->listing.spare.count; i++) {
        struct site_path path =
            site_path(&l->site, "spare-%016" PRIx64 ".seg", l->listing.spare.items[i]);

        show(l, INSPECT_SPARE, path.text);
    }
    l->shown.spares = l->listing.spare.count;
}

static const char put_aside_text[] =
    "it is damaged, and what could be read was moved on; the next opening moves it to wounded";

static void look_at_sorted(struct inspection *l)
{
    for (size_t i = 0; i < l->listing.hot.count; i++) {
        struct site_path path =
            site_path(&l->site, "hot-%016" PRIx64 ".seg", l->listing.hot.items[i]);

        if (l->listing.hot.items[i] >= l->manifest.hot_first)
            return;
        show(l, INSPECT_SORTED, path.text);
        inspect_note(l->in, path.text, INSPECT_NOWHERE, "%s",
                     manifest_has_wound(&l->manifest, SEGMENT_HOT, l->listing.hot.items[i])
                         ? put_aside_text
                         : "it was sorted; the next opening makes a spare of it or removes it");
    }
}

static int compare_ids(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

static const char *unnamed_text(const struct inspection *l, uint64_t id)
{
    if (manifest_has_wound(&l->manifest, SEGMENT_COLD, id))
        return put_aside_text;
    return id >= l->manifest.next_id
               ? "it was never finished or never published; the next opening moves it to trash"
               : "it was let go of; the next opening removes it";
}

static void look_at_unnamed(struct inspection *l)
{
    size_t n = l->manifest.count;
    uint64_t *ids = MEM_NEW_ARRAY(uint64_t, n > 0 ? n : 1);

    for (size_t i = 0; i < n; i++)
        ids[i] = l->manifest.entries[i].id;
    qsort(ids, n, sizeof(*ids), compare_ids);
    for (size_t i = 0; i < l->listing.cold.count; i++) {
        uint64_t id = l->listing.cold.items[i];
        struct site_path path = site_path(&l->site, "cold-%016" PRIx64 ".seg", id);

        if (bsearch(&id, ids, n, sizeof(*ids), compare_ids) != NULL)
            continue;
        show(l, INSPECT_UNNAMED, path.text);
        inspect_note(l->in, path.text, INSPECT_NOWHERE, "%s", unnamed_text(l, id));
    }
    mem_free(ids);
}

void inspect_others(struct inspection *l)
{
    look_at_spares(l);
    if (l->has_manifest) {
        look_at_sorted(l);
        look_at_unnamed(l);
    }
    for (size_t i = 0; i < l->listing.leftover_count; i++) {
        struct site_path path = site_path(&l->site, "%s", l->listing.leftovers[i]);

        show(l, INSPECT_LEFTOVER, path.text);
        inspect_note(l->in, path.text, INSPECT_NOWHERE,
                     "it was never finished; the next opening removes it");
    }
    look_into(l, "trash", INSPECT_TRASH);
    look_into(l, "wounded", INSPECT_WOUNDED);
    look_at_foreign(l);
}
