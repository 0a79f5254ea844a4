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

void scan_release(struct scan *s)
{
    mem_free(s->window);
    s->window = NULL;
}

void scan_seek(struct scan *s, uint64_t from, uint64_t to)
{
    ASSERT(from % BATCH_ALIGN == 0);
    s->at = from;
    s->end = to > from ? to : from;
    s->window_at = from;
    s->window_size = 0;
}

/* A read that brought less than was asked for: right at the end of the file, an error before
 * it. To take it for the end would cut off what lies behind. */
static int check_end(const struct scan *s, uint64_t end)
{
    uint64_t size = 0;
    int rv = disk_size(s->file, &size);

    return rv == 0 && size > end ? ERR_IO : rv;
}

/* Makes [at, at + size) lie in the window, as far as the file has it; *have is what there is. */
static int window_fill(struct scan *s, size_t size, size_t *have)
{
    uint64_t offset = s->at - s->window_at;
    uint64_t left;
    size_t want, done = 0;
    int rv;

    if (offset <= s->window_size && s->window_size - offset >= size) {
        *have = (size_t)(s->window_size - offset);
        return 0;
    }
    if (size > s->window_capacity) {
        uint8_t *bigger = mem_try(size);
        if (bigger == NULL)
            return ERR_NO_MEMORY;
        mem_free(s->window);
        s->window = bigger;
        s->window_capacity = size;
    }
    left = s->end - s->at;
    want = left < s->window_capacity ? (size_t)left : s->window_capacity;
    s->window_at = s->at;
    s->window_size = 0;
    rv = disk_read(s->file, s->window, want, s->at, &done);
    if (rv == 0 && done < want)
        rv = check_end(s, s->at + done);
    if (rv != 0)
        return rv;
    s->window_size = done;
    *have = done;
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
        s->at = here + BATCH_ALIGN;
    }
    s->at = s->end;
    return ERR_NOT_FOUND;
}
