/* Sequential reading of batches; see scan.h. */
#include "log/scan.h"

#include <string.h>

#include "base/err.h"
#include "base/mem.h"

void scan_init(struct scan *s, struct disk_file *f, uint32_t mark, size_t window_bytes)
{
    ASSERT(window_bytes >= BATCH_ALIGN);
    *s = (struct scan){.file = f, .mark = mark, .window_capacity = window_bytes};
    s->window = mem_alloc(window_bytes);
}

void scan_init_memory(struct scan *s, uint32_t mark, const struct scan_memory *m)
{
    ASSERT(m->from % BATCH_ALIGN == 0 && m->size <= m->to - m->from);
    *s = (struct scan){
        .mark = mark,
        .at = m->from,
        .end = m->to,
        .window = m->bytes,
        .window_capacity = m->size,
        .window_at = m->from,
        .window_size = m->size,
    };
}

void scan_release(struct scan *s)
{
    if (s->file != NULL)
        mem_free(s->window);
    s->window = NULL;
}

void scan_seek(struct scan *s, uint64_t from, uint64_t to)
{
    ASSERT(s->file != NULL && from % BATCH_ALIGN == 0);
    s->at = from;
    s->end = to > from ? to : from;
    s->window_at = from;
    s->window_size = 0;
}

/* A read that brought less than was asked for: right at the end of the file, an error before
 * it. To take it for the end would cut off what lies behind. */
static int check_end(struct disk_file *f, uint64_t end)
{
    uint64_t size = 0;
    int rv = disk_size(f, &size);

    return rv == 0 && size > end ? ERR_IO : rv;
}

int scan_read(struct disk_file *f, uint8_t *to, size_t size, uint64_t at, size_t *done)
{
    int rv = disk_read(f, to, size, at, done);

    return rv == 0 && *done < size ? check_end(f, at + *done) : rv;
}

/* Keeps what the window has of the present place on, at its start. */
static void window_turn(struct scan *s)
{
    uint64_t offset = s->at - s->window_at;
    size_t kept = offset < s->window_size ? s->window_size - (size_t)offset : 0;

    if (kept > 0)
        memmove(s->window, s->window + offset, kept);
    s->window_at = s->at;
    s->window_size = kept;
}

static int window_grow(struct scan *s, size_t size)
{
    uint8_t *bigger = mem_try(size);

    if (bigger == NULL)
        return ERR_NO_MEMORY;
    memcpy(bigger, s->window, s->window_size);
    mem_free(s->window);
    s->window = bigger;
    s->window_capacity = size;
    return 0;
}

/* Makes [at, at + size) lie in the window, as far as the file has it; *have is what there is. */
static int window_fill(struct scan *s, size_t size, size_t *have)
{
    uint64_t offset = s->at - s->window_at;
    uint64_t left = s->end - s->at;
    size_t want, done = 0;
    int rv = 0;

    *have = offset < s->window_size ? (size_t)(s->window_size - offset) : 0;
    if (*have >= size || s->file == NULL)
        return 0;
    window_turn(s);
    if (size > s->window_capacity)
        rv = window_grow(s, size);
    if (rv != 0)
        return rv;
    want = left < s->window_capacity ? (size_t)left : s->window_capacity;
    if (want > s->window_size)
        rv = scan_read(s->file, s->window + s->window_size, want - s->window_size,
                       s->at + s->window_size, &done);
    if (rv != 0)
        return rv;
    s->window_size += done;
    *have = s->window_size;
    return 0;
}

int scan_next(struct scan *s, struct batch_head *head, const uint8_t **bytes)
{
    const uint8_t *at;
    uint32_t length;
    size_t have = 0;
    int rv;

    if (s->at >= s->end)
        return ERR_NOT_FOUND;
    rv = window_fill(s, BATCH_HEADER_SIZE, &have);
    if (rv != 0)
        return rv;
    length = batch_claimed_length(s->window + (s->at - s->window_at), have);
    if (length == 0 || length > s->end - s->at)
        return ERR_NOT_FOUND;
    rv = window_fill(s, length, &have);
    if (rv != 0)
        return rv;
    at = s->window + (s->at - s->window_at);
    rv = batch_read(at, have, s->mark, head);
    if (rv != 0)
        return rv == ERR_CORRUPT ? ERR_NOT_FOUND : rv;
    *bytes = at;
    s->at += batch_padded(length); /* behind the end when only the padding is missing */
    return 0;
}

void scan_skip(struct scan *s)
{
    s->at += BATCH_ALIGN;
}

int scan_resync(struct scan *s)
{
    while (s->at < s->end) {
        struct batch_head head;
        const uint8_t *bytes;
        uint64_t here = s->at;
        int rv = scan_next(s, &head, &bytes);

        if (rv == 0) {
            s->at = here;
            return 0;
        }
        if (rv != ERR_NOT_FOUND && rv != ERR_VERSION)
            return rv;
        s->at = here;
        scan_skip(s);
    }
    s->at = s->end;
    return ERR_NOT_FOUND;
}
