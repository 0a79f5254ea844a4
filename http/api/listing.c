/* Walking, gathering, sorting, telling. */
#include "http/api/listing.h"

#include <string.h>

#include "auth/pattern.h"
#include "base/mem.h"
#include "base/parse.h"

enum {
    STEPS_PER_TURN = 500,   /* of things looked at */
    GATHER_PER_TURN = 1000, /* of things kept */
    SKIP_PER_TURN = 5000,   /* of things before the page */
    SCRATCH_MAX = 64 << 10,
    PATTERN_MAX = 512,
};

/* One thing to be told later: its names follow, then the text that it is sorted by. */
struct list_kept {
    uint64_t id;
    uint64_t order; /* in which they came */
    double number;
    uint32_t vhost_size;
    uint32_t name_size;
    uint32_t text_size;
    uint8_t kind; /* of the value, as in struct tell_value */
    uint8_t bytes[];
};

/* ---- what was asked ---- */

bool listing_columns(struct api_call *c, struct tell_columns *out)
{
    struct bytes value = {0};

    out->count = 0;
    if (!api_query(c, "columns", &value))
        return true;
    while (value.size > 0) {
        const uint8_t *comma = memchr(value.data, ',', value.size);
        size_t size = comma == NULL ? value.size : (size_t)(comma - value.data);

        if (out->count == TELL_COLUMNS_MAX) {
            api_bad_request(c, "there are more than %d columns", TELL_COLUMNS_MAX);
            return false;
        }
        if (size > 0)
            out->paths[out->count++] = bytes_of(value.data, size);
        size += comma != NULL;
        value = bytes_of(value.data + size, value.size - size);
    }
    return true;
}

/* A number of the query. False: it is none. */
static bool read_number(struct api_call *c, const char *name, uint64_t *out)
{
    struct bytes value = {0};

    return !api_query(c, name, &value) || parse_u64(value, 0, INT64_MAX, out) == 0;
}

static bool read_pattern(struct listing *l)
{
    struct api_call *c = l->call;
    struct err_note note = {{0}};
    struct buf text;
    int rv = 0;

    if (l->wish.name.size == 0 || !api_query_is_true(c, "use_regex"))
        return true;
    buf_init(&text, PATTERN_MAX);
    buf_text(&text, "(?i)");
    buf_bytes(&text, l->wish.name);
    rv = buf_error(&text);
    if (rv == 0)
        rv = pattern_new(buf_view(&text), &l->wish.pattern, &note);
    buf_release(&text);
    if (rv != 0)
        api_bad_request(c, "the pattern in 'name' is not valid: %s", note.text);
    return rv == 0;
}

static bool read_paging(struct listing *l)
{
    struct api_call *c = l->call;
    struct list_wish *w = &l->wish;
    struct bytes value = {0};

    w->is_paged = api_query(c, "page", &value);
    if (!w->is_paged)
        return true;
    w->page_size = LIST_PAGE_SIZE;
    if (!read_number(c, "page", &w->page) || !read_number(c, "page_size", &w->page_size)) {
        api_bad_request(c, "Pagination parameters are invalid");
        return false;
    }
    if (w->page == 0 || w->page_size == 0 || w->page_size > LIST_PAGE_SIZE_MAX) {
        api_fail(c, 400, "invalid_pagination_parameters",
                 "Invalid pagination parameters: page number %llu, page size %llu",
                 (unsigned long long)w->page, (unsigned long long)w->page_size);
        return false;
    }
    (void)api_query(c, "name", &w->name);
    return read_pattern(l);
}

static bool read_wish(struct listing *l)
{
    struct api_call *c = l->call;

    if (!listing_columns(c, &l->columns))
        return false;
    if (l->kind->find == NULL) /* such a list is told as it comes */
        return true;
    if (!read_paging(l))
        return false;
    (void)api_query(c, "sort", &l->wish.sort);
    l->wish.is_reverse = api_query_is_true(c, "sort_reverse");
    return true;
}

/* ---- filters ---- */

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 'a' - 'A') : c;
}

static bool has_part(struct bytes text, struct bytes part)
{
    for (size_t at = 0; at + part.size <= text.size; at++) {
        size_t same = 0;

        while (same < part.size && lower(text.data[at + same]) == lower(part.data[same]))
            same++;
        if (same == part.size)
            return true;
    }
    return part.size == 0;
}

static bool fits(const struct listing *l)
{
    if (l->wish.pattern != NULL)
        return pattern_matches(l->wish.pattern, l->name);
    return has_part(l->name, l->wish.name);
}

/* Goes on to the next one that the user may see; at most so many are looked at. 1: there is one, 0:
 * not yet, -1: that was all. */
static int find_next(struct listing *l, unsigned *steps)
{
    while (*steps > 0) {
        (*steps)--;
        l->is_skipped = false;
        if (!l->kind->next(l))
            return -1;
        if (l->is_skipped)
            continue;
        if (l->vhost.data == NULL || l->only.data != NULL || api_may_see(l->call, l->vhost))
            return 1;
    }
    return 0;
}

/* ---- the heap ---- */

static struct bytes text_of(const struct list_kept *k)
{
    return bytes_of(k->bytes + k->vhost_size + k->name_size, k->text_size);
}

static int compare_texts(struct bytes a, struct bytes b)
{
    size_t size = a.size < b.size ? a.size : b.size;
    int order = size == 0 ? 0 : memcmp(a.data, b.data, size);

    return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

static bool is_before(const struct listing *l, const struct list_kept *a, const struct list_kept *b)
{
    int order = (a->kind > b->kind) - (a->kind < b->kind);

    if (order == 0 && a->kind == TELL_NUMBER)
        order = (a->number > b->number) - (a->number < b->number);
    else if (order == 0)
        order = compare_texts(text_of(a), text_of(b));
    if (order == 0)
        return a->order < b->order;
    return l->wish.is_reverse ? order > 0 : order < 0;
}

static void push(struct listing *l, struct list_kept *k)
{
    size_t at = l->gathered.count++;

    if (l->gathered.count > l->gathered.capacity) {
        l->gathered.capacity = 2 * l->gathered.capacity + 64;
        l->gathered.heap =
            mem_grow(l->gathered.heap, l->gathered.capacity, sizeof(struct list_kept *));
    }
    while (at > 0 && is_before(l, k, l->gathered.heap[(at - 1) / 2])) {
        l->gathered.heap[at] = l->gathered.heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    l->gathered.heap[at] = k;
}

static struct list_kept *pop(struct listing *l)
{
    struct list_kept *first = l->gathered.heap[0];
    struct list_kept *last = l->gathered.heap[--l->gathered.count];
    size_t at = 0;

    for (;;) {
        size_t child = 2 * at + 1;

        if (child + 1 < l->gathered.count &&
            is_before(l, l->gathered.heap[child + 1], l->gathered.heap[child]))
            child++;
        if (child >= l->gathered.count || !is_before(l, l->gathered.heap[child], last))
            break;
        l->gathered.heap[at] = l->gathered.heap[child];
        at = child;
    }
    if (l->gathered.count > 0)
        l->gathered.heap[at] = last;
    return first;
}

/* ---- gathering ---- */

/* What the thing is sorted by. The text is borrowed from the thing. */
static struct tell_value sort_value(struct listing *l)
{
    struct tell_columns columns = {.paths = {l->wish.sort}, .count = 1};
    struct tell t;

    if (l->wish.sort.size == 0)
        return (struct tell_value){.kind = TELL_NONE};
    buf_clear(&l->gathered.scratch);
    tell_init(&t, &l->gathered.scratch, &columns);
    t.wanted = l->wish.sort;
    l->kind->tell(l, &t);
    return t.met;
}

/* Keeps the thing it is at. False: too much is kept. */
static bool keep(struct listing *l)
{
    struct tell_value value = sort_value(l);
    size_t text_size = value.kind == TELL_STRING ? value.text.size : 0;
    size_t size = sizeof(struct list_kept) + l->vhost.size + l->name.size + text_size;
    struct list_kept *k = NULL;

    if (l->call->api->kept_bytes + size > LIST_KEPT_MAX)
        return false;
    k = mem_zero(1, size);
    k->id = l->id;
    k->order = l->gathered.filtered;
    k->number = value.number;
    k->kind = (uint8_t)value.kind;
    k->vhost_size = (uint32_t)l->vhost.size;
    k->name_size = (uint32_t)l->name.size;
    k->text_size = (uint32_t)text_size;
    if (l->vhost.size > 0)
        memcpy(k->bytes, l->vhost.data, l->vhost.size);
    if (l->name.size > 0)
        memcpy(k->bytes + l->vhost.size, l->name.data, l->name.size);
    if (text_size > 0)
        memcpy(k->bytes + l->vhost.size + l->name.size, value.text.data, text_size);
    l->gathered.bytes += size;
    l->call->api->kept_bytes += size;
    push(l, k);
    l->gathered.filtered++;
    return true;
}

static enum http_more on_more(void *owner, struct http_call *http, struct buf *out);

/* All are there: the page is known. */
static void answer_gathered(struct listing *l)
{
    struct list_wish *w = &l->wish;
    uint64_t pages = w->is_paged ? (l->gathered.filtered + w->page_size - 1) / w->page_size : 0;
    struct api_call *c = l->call;

    l->gathered.left = l->gathered.filtered;
    if (w->is_paged && w->page > 1 && w->page > pages) {
        api_fail(c, 400, "page_out_of_range",
                 "Page out of range, page: %llu page size: %llu, len: %llu",
                 (unsigned long long)w->page, (unsigned long long)w->page_size,
                 (unsigned long long)l->gathered.filtered);
        return;
    }
    if (w->is_paged) {
        l->gathered.before = (w->page - 1) * w->page_size;
        l->gathered.left = l->gathered.filtered - l->gathered.before < w->page_size
                               ? l->gathered.filtered - l->gathered.before
                               : w->page_size;
    }
    api_answer_parts(c, on_more, l);
}

static void on_gather(struct io_timer *t)
{
    struct listing *l = CONTAINER_OF(t, struct listing, gathered.timer);
    unsigned steps = GATHER_PER_TURN;
    int found = 0;

    while ((found = find_next(l, &steps)) == 1) {
        l->gathered.total++;
        if (fits(l) && !keep(l)) {
            api_fail(l->call, 503, "unavailable", "too many long lists are sorted at a time");
            return;
        }
    }
    if (found == 0) {
        io_timer_start(l->call->api->io, &l->gathered.timer, 0);
        return;
    }
    answer_gathered(l);
}

/* ---- telling ---- */

static void tell_item(struct listing *l, struct buf *out)
{
    struct tell t;

    if (l->told++ > 0)
        buf_u8(out, ',');
    tell_init(&t, out, &l->columns);
    t.ranges = &l->call->ranges;
    l->kind->tell(l, &t);
}

static void tell_head(struct listing *l, struct buf *out)
{
    struct list_wish *w = &l->wish;
    struct tell t;

    l->has_begun = true;
    if (!w->is_paged) {
        buf_u8(out, '[');
        return;
    }
    tell_init(&t, out, NULL);
    tell_object(&t, NULL);
    tell_uint(&t, "filtered_count", l->gathered.filtered);
    tell_uint(&t, "item_count", l->gathered.left);
    tell_uint(&t, "page", w->page);
    tell_uint(&t, "page_count", (l->gathered.filtered + w->page_size - 1) / w->page_size);
    tell_uint(&t, "page_size", w->page_size);
    tell_uint(&t, "total_count", l->gathered.total);
    buf_text(out, ",\"items\":[");
}

static void free_kept(struct listing *l, struct list_kept *k)
{
    size_t size = sizeof(*k) + k->vhost_size + k->name_size + k->text_size;

    l->gathered.bytes -= size;
    l->call->api->kept_bytes -= size;
    mem_free(k);
}

/* One of those that were kept; those before the page are passed over. */
static void tell_kept(struct listing *l, struct buf *out)
{
    unsigned skips = SKIP_PER_TURN;

    while (l->gathered.count > 0 && l->gathered.left > 0 && out->size < HTTP_PART_SIZE &&
           skips > 0) {
        struct list_kept *k = pop(l);
        struct bytes vhost = bytes_of(k->bytes, k->vhost_size);
        struct bytes name = bytes_of(k->bytes + k->vhost_size, k->name_size);
        bool is_before_page = l->gathered.skipped < l->gathered.before;

        skips--;
        l->gathered.skipped += is_before_page;
        if (!is_before_page) {
            l->gathered.left--;
            if (l->kind->find(l, vhost, name, k->id))
                tell_item(l, out);
        }
        free_kept(l, k);
    }
}

static enum http_more end(struct listing *l, struct buf *out)
{
    buf_text(out, l->wish.is_paged ? "]}" : "]");
    api_call_free(l->call);
    return HTTP_MORE_LAST;
}

static enum http_more on_more(void *owner, struct http_call *http, struct buf *out)
{
    struct listing *l = owner;
    unsigned steps = STEPS_PER_TURN;
    int found = 1;

    (void)http;
    if (!l->has_begun)
        tell_head(l, out);
    if (l->is_sorted) {
        tell_kept(l, out);
        return l->gathered.count == 0 || l->gathered.left == 0 ? end(l, out) : HTTP_MORE_PART;
    }
    while (out->size < HTTP_PART_SIZE && (found = find_next(l, &steps)) == 1)
        tell_item(l, out);
    return found == -1 ? end(l, out) : HTTP_MORE_PART;
}

/* ---- the beginning, the end ---- */

static void release(struct api_call *c)
{
    struct listing *l = c->work;

    io_timer_stop(c->api->io, &l->gathered.timer);
    look_close(&l->look);
    if (l->kind->close != NULL)
        l->kind->close(l);
    while (l->gathered.count > 0)
        free_kept(l, l->gathered.heap[--l->gathered.count]);
    mem_free(l->gathered.heap);
    mem_free(l->clients.ids);
    pattern_free(l->wish.pattern);
    buf_release(&l->gathered.scratch);
    mem_free(l);
}

void list_answer_end(struct api_call *c, const struct list_kind *kind, const struct list_ask *ask)
{
    struct listing *l = MEM_NEW(struct listing);

    l->call = c;
    l->kind = kind;
    l->only = ask->vhost;
    l->filter = ask->filter;
    l->end = ask->end;
    l->filter_is_exchange = ask->filter_is_exchange;
    buf_init(&l->gathered.scratch, SCRATCH_MAX);
    io_timer_init(&l->gathered.timer, on_gather);
    c->work = l;
    c->release = release;
    if (!read_wish(l))
        return;
    if (kind->open != NULL)
        kind->open(l);
    else
        look_open(&l->look, c->api->broker, kind->look, l->only);
    l->is_sorted = l->wish.is_paged || l->wish.sort.size > 0;
    ASSERT(!l->is_sorted || kind->find != NULL);
    if (l->is_sorted)
        io_timer_start(c->api->io, &l->gathered.timer, 0);
    else
        api_answer_parts(c, on_more, l);
}

void list_answer(struct api_call *c, const struct list_kind *kind, struct bytes vhost,
                 struct bytes filter)
{
    const struct list_ask ask = {.vhost = vhost, .filter = filter};

    list_answer_end(c, kind, &ask);
}
