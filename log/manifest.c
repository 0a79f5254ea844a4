/* The manifest's two copies; see manifest.h. */
#include "log/manifest.h"

#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "log/statefile.h"

enum { HEAD_SIZE = 24, ENTRY_SIZE = 88, VERSION = 1 };

static const char manifest_magic[] = "MRMANI01";

void manifest_release(struct manifest *m)
{
    mem_free(m->entries);
    m->entries = NULL;
    m->count = 0;
}

static void entry_encode(const struct manifest_entry *e, uint8_t *at)
{
    put_le64(at, e->id);
    put_le64(at + 8, e->destination);
    put_le64(at + 16, e->first);
    put_le64(at + 24, e->end);
    put_le64(at + 32, e->records);
    put_le64(at + 40, e->live);
    put_le64(at + 48, e->bytes);
    put_le64(at + 56, e->file_bytes);
    put_le64(at + 64, (uint64_t)e->first_time_ms);
    put_le64(at + 72, (uint64_t)e->last_time_ms);
    put_le64(at + 80, e->chain_end);
}

static struct manifest_entry entry_decode(const uint8_t *at)
{
    return (struct manifest_entry){
        .id = get_le64(at),
        .destination = get_le64(at + 8),
        .first = get_le64(at + 16),
        .end = get_le64(at + 24),
        .records = get_le64(at + 32),
        .live = get_le64(at + 40),
        .bytes = get_le64(at + 48),
        .file_bytes = get_le64(at + 56),
        .first_time_ms = (int64_t)get_le64(at + 64),
        .last_time_ms = (int64_t)get_le64(at + 72),
        .chain_end = get_le32(at + 80),
    };
}

/* What must hold in an entry that we wrote. */
static bool entry_is_sane(const struct manifest_entry *e)
{
    return e->first < e->end && e->records > 0 && e->records <= e->end - e->first &&
           e->live <= e->records && e->bytes > SEGMENT_HEADER_SIZE && e->bytes <= e->file_bytes;
}

int manifest_write(const struct site *s, const struct manifest *m)
{
    struct statefile head = {.magic = manifest_magic, .version = VERSION};
    size_t size = HEAD_SIZE + m->count * ENTRY_SIZE;
    uint8_t *bytes = mem_alloc(size);
    int rv;

    memcpy(head.id, s->id, SITE_ID_SIZE);
    head.generation = m->generation;
    put_le64(bytes, m->hot_first);
    put_le64(bytes + 8, m->next_id);
    put_le64(bytes + 16, m->count);
    for (size_t i = 0; i < m->count; i++) {
        ASSERT(entry_is_sane(&m->entries[i]));
        entry_encode(&m->entries[i], bytes + HEAD_SIZE + i * ENTRY_SIZE);
    }
    rv = statefile_write(s->disk, s->dir, "manifest", &head, bytes_of(bytes, size));
    if (rv == 0)
        rv = statefile_write(s->disk, s->dir, "manifest.copy", &head, bytes_of(bytes, size));
    mem_free(bytes);
    return rv;
}

static int decode(const uint8_t *bytes, size_t size, struct manifest *out)
{
    uint64_t count;

    if (size < HEAD_SIZE)
        return ERR_CORRUPT;
    count = get_le64(bytes + 16);
    if (count != (size - HEAD_SIZE) / ENTRY_SIZE || (size - HEAD_SIZE) % ENTRY_SIZE != 0)
        return ERR_CORRUPT;
    out->hot_first = get_le64(bytes);
    out->next_id = get_le64(bytes + 8);
    out->entries = MEM_NEW_ARRAY(struct manifest_entry, count > 0 ? count : 1);
    out->count = count;
    for (size_t i = 0; i < count; i++) {
        out->entries[i] = entry_decode(bytes + HEAD_SIZE + i * ENTRY_SIZE);
        if (!entry_is_sane(&out->entries[i])) {
            manifest_release(out);
            return ERR_CORRUPT;
        }
    }
    return 0;
}

static int read_copy(const struct site *s, const char *name, struct manifest *out,
                     uint8_t id[SITE_ID_SIZE])
{
    struct statefile head = {.magic = manifest_magic, .version = VERSION};
    struct site_path path = site_path(s, "%s", name);
    uint8_t *bytes = NULL;
    size_t size = 0;
    int rv = statefile_read(s->disk, path.text, &head, &bytes, &size);

    if (rv != 0)
        return rv;
    rv = decode(bytes, size, out);
    mem_free(bytes);
    out->generation = head.generation;
    memcpy(id, head.id, SITE_ID_SIZE);
    return rv;
}

int manifest_read(struct site *s, struct manifest *out, bool *is_wounded)
{
    uint8_t first_id[SITE_ID_SIZE], second_id[SITE_ID_SIZE];
    struct manifest first = {0}, second = {0};
    int rv1 = read_copy(s, "manifest", &first, first_id);
    int rv2 = read_copy(s, "manifest.copy", &second, second_id);
    bool is_first;

    *is_wounded = rv1 != 0 || rv2 != 0;
    if (rv1 == ERR_VERSION || rv2 == ERR_VERSION) {
        manifest_release(rv1 == 0 ? &first : &second);
        return ERR_VERSION;
    }
    if (rv1 != 0 && rv2 != 0)
        return rv1 == ERR_NOT_FOUND ? rv2 : rv1;
    is_first = rv1 == 0 && (rv2 != 0 || first.generation >= second.generation);
    *out = is_first ? first : second;
    memcpy(s->id, is_first ? first_id : second_id, SITE_ID_SIZE);
    manifest_release(is_first ? &second : &first);
    return 0;
}
