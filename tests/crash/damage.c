/* Finding headers and metadata in the files of a log; see damage.h. */
#include "tests/crash/damage.h"

#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"

enum {
    SEGMENT_HEAD = 512,
    SEGMENT_START = 4096,
    BATCH_HEAD = 64,
    BATCH_STEP = 512,
    RECORD_HEAD = 8,
    NUMBERED_HEAD = 24,
    ATTRIBUTE_NUMBERED = 1,
    ATTRIBUTE_ZSTD = 2,
};

static void add_head(struct damage_file *f, uint64_t at, uint64_t size)
{
    if (f->head_count == f->head_capacity) {
        f->head_capacity = f->head_capacity > 0 ? f->head_capacity * 2 : 16;
        f->heads = mem_grow(f->heads, f->head_capacity, sizeof(*f->heads));
    }
    ASSERT(at + size <= f->size);
    f->heads[f->head_count++] = (struct stretch){at, size};
    f->head_bytes += size;
}

/* The headers of the records of one batch. */
static void add_records(struct damage_file *f, const uint8_t *bytes, uint64_t at, uint64_t end)
{
    bool is_numbered = (get_le16(bytes + at + 14) & ATTRIBUTE_NUMBERED) != 0;
    uint64_t fixed = is_numbered ? NUMBERED_HEAD : RECORD_HEAD;

    if ((get_le16(bytes + at + 14) & ATTRIBUTE_ZSTD) != 0)
        return;
    at += BATCH_HEAD;
    while (at + fixed <= end) {
        add_head(f, at, fixed);
        at += get_le32(bytes + at);
    }
}

/* Batches, then the footer. */
static void map_segment(struct damage_file *f, const uint8_t *bytes)
{
    uint64_t at = SEGMENT_START;

    add_head(f, 0, SEGMENT_HEAD);
    while (at + BATCH_HEAD <= f->size && memcmp(bytes + at, "MRB1", 4) == 0) {
        uint64_t length = get_le32(bytes + at + 8);

        if (at + length > f->size)
            return;
        add_head(f, at, BATCH_HEAD);
        add_records(f, bytes, at, at + length);
        at += (length + BATCH_STEP - 1) / BATCH_STEP * BATCH_STEP;
    }
    if (at + BATCH_HEAD <= f->size && memcmp(bytes + at, "MRINDEX1", 8) == 0)
        add_head(f, at, BATCH_HEAD + 24 * (uint64_t)get_le32(bytes + at + 12));
}

static void map_file(struct damage_map *m, struct damage_file *f)
{
    uint8_t *bytes = mem_alloc((size_t)f->size + 1);
    bool is_segment = strstr(f->path, ".seg") != NULL;

    sim_disk_peek(m->disk, f->path, 0, bytes, (size_t)f->size);
    if (is_segment && strstr(f->path, "spare-") == NULL && f->size >= SEGMENT_START)
        map_segment(f, bytes);
    else if (!is_segment && strstr(f->path, "watermark") != NULL) {
        add_head(f, 0, 64);
        add_head(f, 4096, 64);
    } else if (!is_segment)
        add_head(f, 0, f->size);
    mem_free(bytes);
}

/* A slot of the watermark looks the same, but stands in no segment. */
static bool is_batch(const struct damage_file *f, const struct stretch *s)
{
    return strstr(f->path, ".seg") != NULL && s->size == BATCH_HEAD && s->at >= SEGMENT_START &&
           s->at % BATCH_STEP == 0;
}

static void on_file(void *owner, const char *path, bool is_dir, uint64_t size)
{
    struct damage_map *m = owner;
    struct damage_file *f;

    if (is_dir || size == 0)
        return;
    if (m->count == m->capacity) {
        m->capacity = m->capacity > 0 ? m->capacity * 2 : 16;
        m->files = mem_grow(m->files, m->capacity, sizeof(*m->files));
    }
    f = &m->files[m->count++];
    memset(f, 0, sizeof(*f));
    ASSERT(strlen(path) < sizeof(f->path));
    snprintf(f->path, sizeof(f->path), "%s", path);
    f->size = size;
    map_file(m, f);
    m->bytes += size;
    m->head_bytes += f->head_bytes;
    m->sectors += (size + SIM_SECTOR - 1) / SIM_SECTOR;
    for (size_t i = 0; i < f->head_count; i++)
        m->batches += is_batch(f, &f->heads[i]);
}

void damage_map_init(struct damage_map *m, const struct sim_disk *disk)
{
    memset(m, 0, sizeof(*m));
    m->disk = disk;
    sim_disk_walk(disk, on_file, m);
}

void damage_map_release(struct damage_map *m)
{
    for (size_t i = 0; i < m->count; i++)
        mem_free(m->files[i].heads);
    mem_free(m->files);
    m->files = NULL;
    m->count = 0;
}

struct damage_place damage_head_byte(const struct damage_map *m, uint64_t n)
{
    for (size_t i = 0; i < m->count; i++) {
        const struct damage_file *f = &m->files[i];

        if (n >= f->head_bytes) {
            n -= f->head_bytes;
            continue;
        }
        for (size_t k = 0; k < f->head_count; k++) {
            if (n < f->heads[k].size)
                return (struct damage_place){f, f->heads[k].at + n};
            n -= f->heads[k].size;
        }
    }
    ASSERT(false);
    return (struct damage_place){0};
}

struct damage_place damage_byte(const struct damage_map *m, uint64_t n)
{
    size_t i = 0;

    while (n >= m->files[i].size) {
        n -= m->files[i].size;
        i++;
        ASSERT(i < m->count);
    }
    return (struct damage_place){&m->files[i], n};
}

struct damage_place damage_sector(const struct damage_map *m, uint64_t n)
{
    size_t i = 0;

    for (;;) {
        uint64_t sectors = (m->files[i].size + SIM_SECTOR - 1) / SIM_SECTOR;
        if (n < sectors)
            return (struct damage_place){&m->files[i], n};
        n -= sectors;
        i++;
        ASSERT(i < m->count);
    }
}

struct damage_place damage_batch(const struct damage_map *m, uint64_t n)
{
    for (size_t i = 0; i < m->count; i++) {
        const struct damage_file *f = &m->files[i];

        for (size_t k = 0; k < f->head_count; k++) {
            if (is_batch(f, &f->heads[k]) && n-- == 0)
                return (struct damage_place){f, f->heads[k].at / SIM_SECTOR};
        }
    }
    ASSERT(false);
    return (struct damage_place){0};
}
