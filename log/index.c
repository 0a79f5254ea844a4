/* The sparse index and its footer; see index.h. */
#include "log/index.h"

#include <string.h>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "base/mem.h"
#include "log/batch.h"
#include "log/segment.h"

enum { HEAD_SIZE = 64, ENTRY_SIZE = 24, CRC_FROM = 12, ENTRIES_MAX = 1 << 22 };

static const char index_magic[8] = {'M', 'R', 'I', 'N', 'D', 'E', 'X', '1'};

struct index *index_new(uint64_t step_bytes)
{
    struct index *x = MEM_NEW(struct index);

    ASSERT(step_bytes > 0);
    x->step = step_bytes;
    return x;
}

void index_free(struct index *x)
{
    if (x == NULL)
        return;
    mem_free(x->entries);
    mem_free(x);
}

void index_add(struct index *x, uint64_t number, uint64_t at, int64_t time_ms)
{
    struct index_entry *last = x->count > 0 ? &x->entries[x->count - 1] : NULL;

    ASSERT(last == NULL || (number > last->number && at > last->at));
    if (last != NULL && at - last->at < x->step)
        return;
    if (x->count == x->capacity) {
        x->capacity = x->capacity > 0 ? x->capacity * 2 : 16;
        x->entries = mem_grow(x->entries, x->capacity, sizeof(*x->entries));
    }
    x->entries[x->count++] = (struct index_entry){number, at, time_ms};
}

size_t index_find(const struct index *x, uint64_t number)
{
    size_t low = 0, high = x->count;

    ASSERT(x->count > 0 && x->entries[0].number <= number);
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (x->entries[middle].number <= number)
            low = middle;
        else
            high = middle;
    }
    return low;
}

size_t index_find_time(const struct index *x, int64_t time_ms)
{
    size_t low = 0, high = x->count;

    ASSERT(x->count > 0);
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (x->entries[middle].time_ms < time_ms)
            low = middle;
        else
            high = middle;
    }
    return low;
}

uint64_t index_run_end(const struct index *x, size_t i, uint64_t end)
{
    ASSERT(i < x->count);
    return i + 1 < x->count ? x->entries[i + 1].at : end;
}

uint8_t *index_encode(const struct index *x, const struct site *s, const struct index_span *span,
                      size_t *size)
{
    size_t total = HEAD_SIZE + x->count * ENTRY_SIZE;
    uint8_t *bytes = mem_zero(1, total);

    ASSERT(x->count > 0 && x->count <= ENTRIES_MAX);
    memcpy(bytes, index_magic, sizeof(index_magic));
    put_le32(bytes + 12, (uint32_t)x->count);
    memcpy(bytes + 16, s->id, SITE_ID_SIZE);
    put_le64(bytes + 32, span->first);
    put_le64(bytes + 40, span->end);
    put_le64(bytes + 48, span->at);
    put_le64(bytes + 56, span->records);
    for (size_t i = 0; i < x->count; i++) {
        uint8_t *at = bytes + HEAD_SIZE + i * ENTRY_SIZE;
        put_le64(at, x->entries[i].number);
        put_le64(at + 8, x->entries[i].at);
        put_le64(at + 16, (uint64_t)x->entries[i].time_ms);
    }
    put_le32(bytes + 8, crc32c(bytes + CRC_FROM, total - CRC_FROM));
    *size = total;
    return bytes;
}

/* Checks the fixed part; the CRC comes later. */
static bool head_matches(const uint8_t *head, const struct site *s, const struct index_span *span)
{
    uint32_t count = get_le32(head + 12);

    if (memcmp(head, index_magic, sizeof(index_magic)) != 0)
        return false;
    if (memcmp(head + 16, s->id, SITE_ID_SIZE) != 0 || count == 0 || count > ENTRIES_MAX)
        return false;
    if (get_le64(head + 32) != span->first || get_le64(head + 40) != span->end)
        return false;
    if (span->records != 0 && get_le64(head + 56) != span->records)
        return false;
    return get_le64(head + 48) == span->at;
}

/* Turns checked bytes into an index; false when the entries are out of order or bounds. */
static bool entries_decode(const uint8_t *at, size_t count, const struct index_span *span,
                           struct index *x)
{
    for (size_t i = 0; i < count; i++, at += ENTRY_SIZE) {
        struct index_entry e = {get_le64(at), get_le64(at + 8), (int64_t)get_le64(at + 16)};
        struct index_entry *last = i > 0 ? &x->entries[i - 1] : NULL;

        if (e.number < span->first || e.number >= span->end)
            return false;
        if (e.at < SEGMENT_HEADER_SIZE || e.at >= span->at || e.at % BATCH_ALIGN != 0)
            return false;
        if (last != NULL &&
            (e.number <= last->number || e.at <= last->at || e.time_ms < last->time_ms))
            return false;
        index_add(x, e.number, e.at, e.time_ms);
    }
    return x->count == count;
}

int index_read(struct disk_file *f, const struct site *s, const struct index_span *span,
               struct index **out)
{
    uint8_t head[HEAD_SIZE];
    struct index *x;
    uint8_t *bytes;
    uint64_t file_bytes = 0;
    size_t total;
    int rv = disk_read_all(f, head, sizeof(head), span->at);

    if (rv == 0)
        rv = disk_size(f, &file_bytes);
    if (rv != 0)
        return rv;
    if (!head_matches(head, s, span))
        return ERR_CORRUPT;
    total = HEAD_SIZE + (size_t)get_le32(head + 12) * ENTRY_SIZE;
    if (file_bytes < span->at + total)
        return ERR_CORRUPT; /* before the count is believed */
    bytes = mem_try(total);
    if (bytes == NULL)
        return ERR_NO_MEMORY;
    x = index_new(1);
    rv = disk_read_all(f, bytes, total, span->at);
    if (rv == 0 && crc32c(bytes + CRC_FROM, total - CRC_FROM) != get_le32(bytes + 8))
        rv = ERR_CORRUPT;
    if (rv == 0 && !entries_decode(bytes + HEAD_SIZE, get_le32(head + 12), span, x))
        rv = ERR_CORRUPT;
    mem_free(bytes);
    if (rv != 0) {
        index_free(x);
        return rv;
    }
    *out = x;
    return 0;
}
