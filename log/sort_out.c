/* Gathering and writing of a cold file; see sort_out.h. */
#include "log/sort_out.h"

#include <string.h>

#include "base/bytes.h"
#include "base/err.h"
#include "base/mem.h"
#include "log/compress.h"

enum { RAW_FIRST = 4096 };

struct sort_out *sort_out_new(const struct site *s, uint64_t destination, uint64_t id)
{
    struct sort_out *o = MEM_NEW(struct sort_out);

    o->destination = destination;
    o->leave_bytes = s->options.segment_bytes / 2;
    o->segment = segment_new(SEGMENT_COLD, id, 0);
    o->segment->destination = destination;
    o->segment->index = index_new(s->options.block_bytes / 8);
    o->chain = o->segment->chain_before;
    return o;
}

void sort_out_free(struct sort_out *o)
{
    if (o == NULL)
        return;
    for (size_t i = 0; i < o->raw_count; i++)
        mem_free(o->raws[i].data);
    mem_free(o->raws);
    segment_free(o->segment);
    mem_free(o);
}

struct segment *sort_out_take(struct sort_out *o)
{
    struct segment *g = o->segment;

    ASSERT(g->is_sealed);
    o->segment = NULL;
    sort_out_free(o);
    return g;
}

/* What a raw batch takes of memory when it holds `size` bytes of records: what is written lies in
 * one piece. */
static size_t raw_bytes(size_t size)
{
    return (size_t)batch_padded(BATCH_HEADER_SIZE + size);
}

/* A raw batch with room for `size` more bytes. The first one grows from little, for most
 * destinations have few records; those behind it will be full. */
static struct sort_raw *raw_room(const struct site *s, struct sort_out *o, size_t size)
{
    size_t aim = (size_t)s->options.block_bytes / 4;
    struct sort_raw *raw = o->raw_count > 0 ? &o->raws[o->raw_count - 1] : NULL;
    size_t capacity, need;

    if (raw == NULL || (raw->count > 0 && raw->size + size > aim)) {
        if (o->raw_count == o->raw_capacity) {
            o->raw_capacity = o->raw_capacity > 0 ? o->raw_capacity * 2 : 4;
            o->raws = mem_grow(o->raws, o->raw_capacity, sizeof(*o->raws));
        }
        raw = &o->raws[o->raw_count++];
        memset(raw, 0, sizeof(*raw));
    }
    need = raw_bytes(raw->size + size);
    if (raw->capacity < need) {
        capacity = raw->capacity > 0 ? raw->capacity : RAW_FIRST;
        if (o->raw_count > 1)
            capacity = raw_bytes(aim);
        while (capacity < need)
            capacity *= 2;
        raw->data = mem_grow(raw->data, capacity, 1);
        raw->capacity = capacity;
    }
    return raw;
}

int sort_out_add(const struct site *s, struct sort_out *o, const struct record *r)
{
    struct segment *g = o->segment;
    size_t size = record_size(true, r->key.size, r->body.size);
    struct sort_raw *raw;
    uint8_t *body;

    if (r->number < o->next || r->number == UINT64_MAX)
        return ERR_RANGE;
    raw = raw_room(s, o, size);
    if (raw->count == 0) {
        raw->base = r->number;
        raw->time_ms = r->time_ms;
    }
    body = record_write(raw->data + BATCH_HEADER_SIZE + raw->size, true, r);
    if (r->body.size > 0)
        memcpy(body, r->body.data, r->body.size);
    raw->size += size;
    raw->count++;
    o->buffered_bytes += size;
    o->next = r->number + 1;

    if (g->records == 0) {
        g->first = r->number;
        g->first_time_ms = r->time_ms;
    }
    g->end = o->next;
    g->last_time_ms = r->time_ms;
    g->records++;
    g->live++;
    return 0;
}

/* Compresses the records of a raw batch, when that helps: to new memory with room for a header.
 * NULL when it does not. */
static uint8_t *compress_raw(const struct site *s, const struct sort_raw *raw, size_t *stored)
{
    uint8_t *to = mem_try(raw_bytes(raw->size));

    if (to == NULL)
        return NULL; /* larger, but as good */
    *stored = compress_payload((int)s->options.cold_compression, raw->data + BATCH_HEADER_SIZE,
                               raw->size, to + BATCH_HEADER_SIZE, raw->size - 1);
    if (*stored > 0)
        return to;
    mem_free(to);
    return NULL;
}

/* Seals one raw batch where it lies. Returns its padded size. */
static size_t seal_raw(const struct site *s, struct sort_out *o, struct sort_raw *raw,
                       uint64_t epoch)
{
    struct batch_head head = {
        .attributes = BATCH_NUMBERED,
        .base = raw->base,
        .count = raw->count,
        .chain = o->chain,
        .epoch = epoch,
        .time_ms = raw->time_ms,
        .raw_size = (uint32_t)raw->size,
        .mark = site_mark(s),
    };
    size_t stored = raw->size;
    uint8_t *small = NULL;

    if (s->options.cold_compression > 0)
        small = compress_raw(s, raw, &stored);
    if (small != NULL) {
        head.attributes |= BATCH_ZSTD;
        mem_free(raw->data);
        raw->data = small;
    } else {
        stored = raw->size;
    }
    head.length = (uint32_t)(BATCH_HEADER_SIZE + stored);
    batch_seal(raw->data, &head);
    memset(raw->data + head.length, 0, batch_padded(head.length) - head.length);
    o->chain = head.crc;
    index_add(o->segment->index, head.base, o->at, head.time_ms);
    return (size_t)batch_padded(head.length);
}

/* What is gathered may be written when enough stays free: a full disk that cannot take the next
 * manifest or checkpoint could never be freed of anything again. */
static int check_space(const struct site *s, const struct sort_out *o)
{
    uint64_t free_bytes = 0, total_bytes = 0;
    uint64_t want = o->leave_bytes + o->segment->index->count * sizeof(uint64_t[3]);
    int rv = disk_space(s->disk, s->dir, &free_bytes, &total_bytes);

    for (size_t i = 0; i < o->raw_count; i++)
        want += raw_bytes(o->raws[i].size);
    return rv == 0 && free_bytes < want ? ERR_NO_SPACE : rv;
}

/* Opens the file; the first time it is made and gets its header. */
static int open_file(const struct site *s, struct sort_out *o, uint64_t epoch, struct disk_file **f)
{
    struct site_path path = segment_path(s, o->segment);
    uint8_t sector[SEGMENT_SECTOR_SIZE];
    struct iovec part = {.iov_base = sector, .iov_len = sizeof(sector)};
    int rv = check_space(s, o);

    if (rv != 0)
        return rv;
    if (o->at > 0)
        return disk_open(s->disk, path.text, DISK_WRITE, f);
    rv = disk_open(s->disk, path.text, DISK_WRITE | DISK_CREATE | DISK_EXCLUSIVE, f);
    if (rv != 0)
        return rv;
    segment_header_encode(s, o->segment, epoch, sector);
    rv = disk_write(*f, &part, 1, 0);
    if (rv != 0) {
        disk_close(*f);
        return rv;
    }
    o->at = SEGMENT_HEADER_SIZE;
    return 0;
}

/* About a block at a time goes on to the disk. */
static int send(const struct site *s, struct sort_out *o, struct disk_file *f)
{
    uint64_t from = o->sent_to;

    if (o->at - from < s->options.block_bytes)
        return 0;
    o->sent_to = o->at;
    return disk_write_back(f, from, o->at - from);
}

static int write_raws(const struct site *s, struct sort_out *o, uint64_t epoch, struct disk_file *f)
{
    int rv = 0;

    for (size_t i = 0; i < o->raw_count; i++) {
        struct sort_raw *raw = &o->raws[i];

        if (rv == 0) {
            size_t size = seal_raw(s, o, raw, epoch);
            struct iovec part = {.iov_base = raw->data, .iov_len = size};

            rv = disk_write(f, &part, 1, o->at);
            o->at += size;
        }
        if (rv == 0)
            rv = send(s, o, f);
        mem_free(raw->data);
    }
    o->raw_count = 0;
    o->buffered_bytes = 0;
    return rv;
}

int sort_out_write(const struct site *s, struct sort_out *o, uint64_t epoch)
{
    struct disk_file *f = NULL;
    int rv;

    if (o->raw_count == 0)
        return 0;
    rv = open_file(s, o, epoch, &f);
    if (rv != 0)
        return rv;
    rv = write_raws(s, o, epoch, f);
    disk_close(f);
    return rv;
}

int sort_out_finish(const struct site *s, struct sort_out *o, uint64_t epoch)
{
    struct segment *g = o->segment;
    struct index_span span;
    struct disk_file *f = NULL;
    struct iovec part = {0};
    int rv = open_file(s, o, epoch, &f);

    ASSERT(g->records > 0);
    if (rv != 0)
        return rv;
    rv = write_raws(s, o, epoch, f);
    if (rv == 0) {
        g->bytes = o->at;
        g->chain_end = o->chain;
        g->written = g->end;
        span = segment_span(g);
        part.iov_base = index_encode(g->index, s, &span, &part.iov_len);
        rv = disk_write(f, &part, 1, o->at);
        g->file_bytes = o->at + part.iov_len;
        mem_free(part.iov_base);
    }
    if (rv == 0)
        rv = disk_sync(f);
    disk_close(f);
    if (rv == 0) {
        g->is_sealed = true;
        g->is_counted = true;
    }
    return rv;
}
