/* Segment files: names, headers, and getting at their index; see segment.h. */
#include "log/segment.h"

#include <inttypes.h>
#include <string.h>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "base/diag.h"
#include "base/mem.h"
#include "log/scan.h"

enum { CRC_FROM = 12 };

static const char segment_magic[8] = {'M', 'R', 'S', 'E', 'G', 'M', '0', '1'};

struct segment *segment_new(uint8_t kind, uint64_t id, uint64_t first)
{
    struct segment *g = MEM_NEW(struct segment);

    ASSERT(kind == SEGMENT_HOT || kind == SEGMENT_COLD);
    g->kind = kind;
    g->id = id;
    g->first = first;
    g->end = first;
    g->written = first;
    g->bytes = SEGMENT_HEADER_SIZE;
    g->chain_before = kind == SEGMENT_COLD ? segment_cold_chain(id) : 0;
    return g;
}

void segment_free(struct segment *g)
{
    if (g == NULL)
        return;
    ASSERT(g->pins == 0 && g->block_count == 0);
    ASSERT(!list_linked(&g->link));
    index_free(g->index);
    mem_free(g->blocks);
    mem_free(g);
}

struct site_path segment_path(const struct site *s, const struct segment *g)
{
    return site_path(s, "%s-%016" PRIx64 ".seg", g->kind == SEGMENT_HOT ? "hot" : "cold", g->id);
}

int segment_open(const struct site *s, const struct segment *g, struct disk_file **out)
{
    struct site_path path = segment_path(s, g);
    int rv = disk_open(s->disk, path.text, DISK_READ, out);

    return rv == ERR_INVALID ? ERR_CORRUPT : rv;
}

void segment_header_encode(const struct site *s, const struct segment *g, uint64_t epoch,
                           uint8_t sector[SEGMENT_SECTOR_SIZE])
{
    memset(sector, 0, SEGMENT_SECTOR_SIZE);
    memcpy(sector, segment_magic, sizeof(segment_magic));
    put_le16(sector + 12, SEGMENT_VERSION);
    sector[14] = g->kind;
    memcpy(sector + 16, s->id, SITE_ID_SIZE);
    put_le64(sector + 32, g->id);
    put_le64(sector + 40, g->destination);
    put_le64(sector + 48, g->first);
    put_le64(sector + 56, epoch);
    put_le64(sector + 64, g->bytes_before);
    put_le32(sector + 72, g->chain_before);
    put_le32(sector + 8, crc32c(sector + CRC_FROM, SEGMENT_SECTOR_SIZE - CRC_FROM));
}

int segment_header_decode(const struct site *s, const uint8_t sector[SEGMENT_SECTOR_SIZE],
                          struct segment *out, uint64_t *epoch)
{
    if (memcmp(sector, segment_magic, sizeof(segment_magic)) != 0)
        return ERR_CORRUPT;
    if (crc32c(sector + CRC_FROM, SEGMENT_SECTOR_SIZE - CRC_FROM) != get_le32(sector + 8))
        return ERR_CORRUPT;
    if (memcmp(sector + 16, s->id, SITE_ID_SIZE) != 0)
        return ERR_CORRUPT;
    if (get_le16(sector + 12) != SEGMENT_VERSION)
        return ERR_VERSION;
    if (sector[14] != SEGMENT_HOT && sector[14] != SEGMENT_COLD)
        return ERR_CORRUPT;
    out->kind = sector[14];
    out->id = get_le64(sector + 32);
    out->destination = get_le64(sector + 40);
    out->first = get_le64(sector + 48);
    out->bytes_before = get_le64(sector + 64);
    out->chain_before = get_le32(sector + 72);
    *epoch = get_le64(sector + 56);
    return 0;
}

void segment_wound(const struct site *s, struct segment *g, uint64_t from, uint64_t to)
{
    if (g->is_wounded)
        return;
    g->is_wounded = true;
    diag(DIAG_ERROR, "log",
         "'%s' is damaged between bytes %" PRIu64 " and %" PRIu64
         ", records in there cannot be read; the rest can",
         segment_path(s, g).text, from, to);
}

struct index_span segment_span(const struct segment *g)
{
    return (struct index_span){
        .first = g->first,
        .end = g->end,
        .at = g->bytes,
        .records = g->kind == SEGMENT_COLD ? g->records : 0,
    };
}

/* Reads the whole segment and notes where batches start; damage is stepped over. */
static int rebuild_index(const struct site *s, const struct segment *g, struct disk_file *f,
                         struct index **out)
{
    struct index *x = index_new(s->options.block_bytes / 8);
    struct batch_head head;
    const uint8_t *bytes;
    struct scan scan;
    uint64_t next = g->first;
    int rv;

    scan_init(&scan, f, site_mark(s), s->options.block_bytes);
    scan_seek(&scan, SEGMENT_HEADER_SIZE, g->bytes);
    for (;;) {
        uint64_t here = scan_at(&scan);
        rv = scan_next(&scan, &head, &bytes);
        if (rv == ERR_NOT_FOUND)
            rv = scan_resync(&scan);
        else if (rv == 0 && head.base >= next && head.base < g->end) {
            if (x->count == 0) /* readers meet the damage before the first good batch too */
                index_add(x, g->first, SEGMENT_HEADER_SIZE, head.time_ms);
            else
                index_add(x, head.base, here, head.time_ms);
            next = head.base + 1;
        }
        if (rv != 0)
            break;
    }
    scan_release(&scan);
    if (rv == ERR_NOT_FOUND)
        rv = x->count > 0 ? 0 : ERR_CORRUPT;
    if (rv != 0) {
        index_free(x);
        return rv;
    }
    *out = x;
    return 0;
}

/* A whole header that is another segment's: the file has been put in the wrong place. A damaged
 * one says nothing, and the batches speak for themselves. */
static int check_owner(const struct site *s, const struct segment *g, struct disk_file *f)
{
    uint8_t sector[SEGMENT_SECTOR_SIZE] = {0};
    struct segment found = {0};
    uint64_t epoch = 0;
    size_t done = 0;
    int rv = disk_read(f, sector, sizeof(sector), 0, &done);

    if (rv != 0 || segment_header_decode(s, sector, &found, &epoch) != 0)
        return rv;
    return found.kind == g->kind && found.id == g->id ? 0 : ERR_CORRUPT;
}

int segment_load_index(const struct site *s, const struct segment *g, struct index **out)
{
    struct index_span span = segment_span(g);
    struct disk_file *f = NULL;
    int rv;

    ASSERT(g->is_sealed);
    rv = segment_open(s, g, &f);
    if (rv != 0)
        return rv;
    rv = check_owner(s, g, f);
    if (rv == 0) {
        rv = index_read(f, s, &span, out);
        if (rv == ERR_CORRUPT)
            rv = rebuild_index(s, g, f, out);
    }
    disk_close(f);
    return rv;
}
