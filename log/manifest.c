/* The manifest's two copies; see manifest.h. */
#include "log/manifest.h"

#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "log/statefile.h"

enum { HEAD_SIZE = 40, ENTRY_SIZE = 88, WOUND_SIZE = 16, VERSION = 1 };

static const char manifest_magic[] = "MRMANI01";

void manifest_release(struct manifest *m)
{
    mem_free(m->entries);
    mem_free(m->wounds);
    m->entries = NULL;
    m->wounds = NULL;
    m->count = 0;
    m->wound_count = 0;
}

bool manifest_has_wound(const struct manifest *m, uint8_t kind, uint64_t id)
{
    for (size_t i = 0; i < m->wound_count; i++) {
        if (m->wounds[i].kind == kind && m->wounds[i].id == id)
            return true;
    }
    return false;
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

static void encode(const struct manifest *m, uint8_t *bytes)
{
    uint8_t *wounds = bytes + HEAD_SIZE + m->count * ENTRY_SIZE;

    put_le64(bytes, m->hot_first);
    put_le64(bytes + 8, m->next_id);
    put_le64(bytes + 16, m->count);
    put_le64(bytes + 24, m->wound_count);
    put_le64(bytes + 32, m->durable);
    for (size_t i = 0; i < m->count; i++) {
        ASSERT(entry_is_sane(&m->entries[i]));
        entry_encode(&m->entries[i], bytes + HEAD_SIZE + i * ENTRY_SIZE);
    }
    for (size_t i = 0; i < m->wound_count; i++) {
        put_le64(wounds + i * WOUND_SIZE, m->wounds[i].id);
        put_le64(wounds + i * WOUND_SIZE + 8, m->wounds[i].kind);
    }
}

int manifest_write(const struct site *s, const struct manifest *m)
{
    struct statefile head = {.magic = manifest_magic, .version = VERSION};
    size_t size = HEAD_SIZE + m->count * ENTRY_SIZE + m->wound_count * WOUND_SIZE;
    uint8_t *bytes = mem_alloc(size);
    int rv;

    memcpy(head.id, s->id, SITE_ID_SIZE);
    head.generation = m->generation;
    encode(m, bytes);
    rv = statefile_write(s->disk, s->dir, "manifest", &head, bytes_of(bytes, size));
    if (rv == 0)
        rv = statefile_write(s->disk, s->dir, "manifest.copy", &head, bytes_of(bytes, size));
    mem_free(bytes);
    return rv;
}

/* Fills the wounds, for which there is room; false when one is of no kind. */
static bool wounds_decode(const uint8_t *at, struct manifest *out)
{
    for (size_t i = 0; i < out->wound_count; i++, at += WOUND_SIZE) {
        out->wounds[i] = (struct manifest_wound){.id = get_le64(at), .kind = at[8]};
        if (at[8] != SEGMENT_HOT && at[8] != SEGMENT_COLD)
            return false;
    }
    return true;
}

static int decode(const uint8_t *bytes, size_t size, struct manifest *out)
{
    uint64_t count, wounds;
    bool is_sane;

    if (size < HEAD_SIZE)
        return ERR_CORRUPT;
    count = get_le64(bytes + 16);
    wounds = get_le64(bytes + 24);
    if (count > size / ENTRY_SIZE || wounds > size / WOUND_SIZE ||
        size != HEAD_SIZE + count * ENTRY_SIZE + wounds * WOUND_SIZE)
        return ERR_CORRUPT;
    out->hot_first = get_le64(bytes);
    out->next_id = get_le64(bytes + 8);
    out->durable = get_le64(bytes + 32);
    out->entries = MEM_NEW_ARRAY(struct manifest_entry, count > 0 ? count : 1);
    out->wounds = MEM_NEW_ARRAY(struct manifest_wound, wounds > 0 ? wounds : 1);
    out->count = count;
    out->wound_count = wounds;
    is_sane = wounds_decode(bytes + HEAD_SIZE + count * ENTRY_SIZE, out);
    for (size_t i = 0; is_sane && i < count; i++) {
        out->entries[i] = entry_decode(bytes + HEAD_SIZE + i * ENTRY_SIZE);
        is_sane = entry_is_sane(&out->entries[i]);
    }
    if (!is_sane)
        manifest_release(out);
    return is_sane ? 0 : ERR_CORRUPT;
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
    out->is_alone = !*is_wounded && first.generation != second.generation;
    memcpy(s->id, is_first ? first_id : second_id, SITE_ID_SIZE);
    manifest_release(is_first ? &second : &first);
    return 0;
}
