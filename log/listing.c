/* Reading the names in a log's directory; see listing.h. */
#include "log/listing.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static void numbers_add(struct listing_numbers *n, uint64_t value)
{
    if (n->count == n->capacity) {
        n->capacity = n->capacity > 0 ? n->capacity * 2 : 32;
        n->items = mem_grow(n->items, n->capacity, sizeof(*n->items));
    }
    n->items[n->count++] = value;
}

static bool has_suffix(const char *name, const char *suffix)
{
    size_t length = strlen(name), tail = strlen(suffix);

    return length > tail && strcmp(name + length - tail, suffix) == 0;
}

static void leftover_add(struct listing *l, const char *name)
{
    if (l->leftover_count == l->leftover_capacity) {
        l->leftover_capacity = l->leftover_capacity > 0 ? l->leftover_capacity * 2 : 4;
        l->leftovers = mem_grow(l->leftovers, l->leftover_capacity, sizeof(char *));
    }
    l->leftovers[l->leftover_count++] = mem_text(name);
}

/* Without these files a log cannot be opened, and it cannot make them where a directory is. */
static bool must_be_a_file(const char *name)
{
    uint64_t value = 0;

    return strcmp(name, "manifest") == 0 || strcmp(name, "manifest.copy") == 0 ||
           strcmp(name, "watermark") == 0 || site_parse_name(name, "hot", ".seg", &value);
}

static void on_name(void *owner, const char *name, bool is_dir)
{
    struct listing *l = owner;
    uint64_t value = 0;

    if (is_dir) {
        if (l->in_the_way == NULL && must_be_a_file(name))
            l->in_the_way = mem_text(name);
        return;
    }
    if (site_parse_name(name, "hot", ".seg", &value))
        numbers_add(&l->hot, value);
    else if (site_parse_name(name, "cold", ".seg", &value))
        numbers_add(&l->cold, value);
    else if (site_parse_name(name, "spare", ".seg", &value))
        numbers_add(&l->spare, value);
    else if (site_parse_name(name, "checkpoint", "", &value))
        numbers_add(&l->checkpoint, value);
    else if (has_suffix(name, ".new"))
        leftover_add(l, name);
}

static int compare(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

static void sort(struct listing_numbers *n)
{
    if (n->count > 1)
        qsort(n->items, n->count, sizeof(*n->items), compare);
}

int listing_read(const struct site *s, struct listing *out)
{
    int rv;

    memset(out, 0, sizeof(*out));
    rv = disk_list(s->disk, s->dir, on_name, out);
    if (rv != 0) {
        listing_release(out);
        return rv;
    }
    sort(&out->hot);
    sort(&out->cold);
    sort(&out->spare);
    sort(&out->checkpoint);
    return 0;
}

void listing_release(struct listing *l)
{
    mem_free(l->hot.items);
    mem_free(l->cold.items);
    mem_free(l->spare.items);
    mem_free(l->checkpoint.items);
    for (size_t i = 0; i < l->leftover_count; i++)
        mem_free(l->leftovers[i]);
    mem_free(l->leftovers);
    mem_free(l->in_the_way);
    memset(l, 0, sizeof(*l));
}
