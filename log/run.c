/* Reading one run of batches into a block, believing only what is vouched for.
 *
 * A right checksum is not enough: a sector that lost a write, or got another's, shows a batch that
 * is whole and yet not the one that belongs there. Each batch carries the CRC of the one before
 * it, and the segment knows the CRC of its last one, so what stands behind a batch knows it:
 *
 *     first <--chain-- second <--chain-- ... <--chain-- last <--chain_end-- segment
 *
 *   - a batch is good when the one behind it names its CRC;
 *   - when that one names another, one of the two is wrong: the one goes for which nobody behind
 *     it vouches;
 *   - when that one cannot be read, it must do that the batch names the one before it. An old
 *     batch of a future that was cut off could do that too, but only where two sectors are bad.
 *
 * Batches never share a sector, so one bad sector is at most one wrong batch, and is found. */
#include "log/run.h"

#include "base/err.h"
#include "log/cache.h"
#include "log/scan.h"

/* The last batch that was taken, and the block as it was before. */
struct held {
    bool is_there;
    bool is_settled; /* it was found good, or cannot be found bad */
    bool is_linked;  /* it names the batch before it */
    bool is_first;   /* of the run: it stands where the index says that a batch stands */
    uint32_t crc;
    uint32_t chain;
    uint64_t end;  /* in the file */
    uint64_t next; /* numbers behind it are not below */
    uint64_t next_before;
    size_t size_before;
    uint32_t count_before;
    uint32_t batches_before;
};

struct run {
    struct block *block;
    struct disk_file *file;
    const struct run_span *span;
    struct scan scan;
    struct held held;
};

/* What somebody says of a batch. */
enum word { SAYS_NOTHING, SAYS_YES, SAYS_NO };

struct run_span run_span(const struct segment *g, const struct index *x, size_t from, size_t to)
{
    ASSERT(from < to && to <= x->count);
    return (struct run_span){
        .before = x->entries[from > 0 ? from - 1 : 0].at,
        .from = x->entries[from].at,
        .to = index_run_end(x, to - 1, g->bytes),
        .end = g->bytes,
        .chain_end = g->chain_end,
    };
}

static uint32_t mark_of(const struct run *r)
{
    return site_mark(r->block->cache->site);
}

/* A second pair of eyes on another part of the file. */
static void scan_other(const struct run *r, struct scan *scan, uint64_t from, uint64_t to)
{
    scan_init(scan, r->file, mark_of(r), (size_t)(r->span->to - r->span->from));
    scan_seek(scan, from, to);
}

/* Takes the held batch out of the block again. */
static void drop_held(struct run *r)
{
    struct block *b = r->block;
    struct held *h = &r->held;

    b->size = h->size_before;
    b->count = h->count_before;
    b->batch_count = h->batches_before;
    b->is_wounded = true;
    *h = (struct held){.next = h->next_before};
}

/* Asks what stands behind a batch that ends at `end`: the head of the next one, or the segment. */
static int ask_behind(const struct run *r, uint64_t end, uint32_t crc, enum word *word)
{
    uint8_t head[BATCH_HEADER_SIZE];
    uint32_t chain = r->span->chain_end;
    size_t done = 0;
    int rv;

    *word = SAYS_NOTHING;
    if (end < r->span->end) {
        rv = disk_read(r->file, head, sizeof(head), end, &done);
        if (rv != 0 || !batch_claimed_chain(head, done, mark_of(r), &chain))
            return rv;
    }
    *word = chain == crc ? SAYS_YES : SAYS_NO;
    return 0;
}

/* Whether a batch stands at `at` for which somebody vouches; the segment is always right. */
static int is_vouched_at(const struct run *r, uint64_t at, bool *is_vouched)
{
    enum word word = SAYS_YES;
    struct batch_head head;
    const uint8_t *bytes;
    struct scan scan;
    int rv = 0;

    if (at < r->span->end) {
        scan_other(r, &scan, at, r->span->end);
        rv = scan_next(&scan, &head, &bytes);
        if (rv == 0)
            rv = ask_behind(r, scan_at(&scan), head.crc, &word);
        scan_release(&scan);
    }
    *is_vouched = rv == 0 && word == SAYS_YES;
    return rv == ERR_NOT_FOUND || rv == ERR_VERSION ? 0 : rv;
}

/* Whether the first batch of the run names the one before it: the last of the run before, or what
 * the segment's header says. */
static int ask_before(struct run *r)
{
    const struct segment *g = r->block->segment;
    bool is_known = segment_knows_chain(g);
    uint32_t crc = g->chain_before;
    struct batch_head head;
    const uint8_t *bytes;
    struct scan scan;
    int rv = 0;

    scan_other(r, &scan, r->span->before, r->span->from);
    while (rv == 0 && scan_at(&scan) < r->span->from) {
        rv = scan_next(&scan, &head, &bytes);
        is_known = rv == 0;
        crc = is_known ? head.crc : 0;
        if (rv == ERR_NOT_FOUND || rv == ERR_VERSION)
            rv = scan_resync(&scan);
    }
    r->held.is_linked = rv == 0 && is_known && crc == r->held.chain;
    scan_release(&scan);
    return rv == ERR_NOT_FOUND ? 0 : rv;
}

/* Finds out whether the held batch, which is not named by a good one that follows it here, may
 * stay. */
static int settle_held(struct run *r)
{
    struct held *h = &r->held;
    enum word word = SAYS_NOTHING;
    bool is_refused = false;
    int rv;

    if (!h->is_there || h->is_settled)
        return 0;
    rv = ask_behind(r, h->end, h->crc, &word);
    if (rv == 0 && word == SAYS_NO)
        rv = is_vouched_at(r, h->end, &is_refused);
    if (rv == 0 && word != SAYS_YES && !is_refused && !h->is_linked && h->is_first)
        rv = ask_before(r);
    if (rv != 0)
        return rv;
    if (word == SAYS_YES || (h->is_linked && !is_refused))
        h->is_settled = true;
    else
        drop_held(r);
    return 0;
}

static int take(struct run *r, const struct batch_head *head, const uint8_t *bytes, uint64_t at)
{
    struct block *b = r->block;
    struct held now = {
        .is_there = true,
        .is_linked = r->held.is_there && at == r->held.end && head->chain == r->held.crc,
        .is_first = at == r->span->from,
        .crc = head->crc,
        .chain = head->chain,
        .end = at + batch_padded(head->length),
        .next = head->base + 1,
        .next_before = r->held.next,
        .size_before = b->size,
        .count_before = b->count,
        .batches_before = b->batch_count,
    };
    int rv = block_take_batch(b, head, bytes);

    r->scan.window = b->data; /* it may have moved */
    if (rv == 0)
        r->held = now;
    return rv;
}

/* Takes the batch when it belongs here. Errors: ERR_CORRUPT when it does not, those of the disk,
 * ERR_NO_MEMORY. */
static int consider(struct run *r, const struct batch_head *head, const uint8_t *bytes, uint64_t at)
{
    const struct block *b = r->block;
    struct held *h = &r->held;
    bool is_naming = h->is_there && at == h->end && head->chain == h->crc;
    int rv;

    if (head->base < b->first || head->base >= b->end)
        return ERR_CORRUPT;
    if (is_naming)
        h->is_settled = true;
    rv = settle_held(r);
    if (rv != 0)
        return rv;
    if (head->base < h->next || (h->is_there && at == h->end && !is_naming))
        return ERR_CORRUPT;
    return take(r, head, bytes, at);
}

/* Reads on behind what was not a good batch in its place. False at the end of the run. */
static bool step_over(struct run *r, int *rv)
{
    struct scan *scan = &r->scan;

    if (*rv != ERR_NOT_FOUND && *rv != ERR_CORRUPT && *rv != ERR_VERSION)
        return false;
    if (scan_at(scan) >= scan->end && *rv == ERR_NOT_FOUND)
        return false;
    r->block->is_wounded = true;
    if (*rv == ERR_NOT_FOUND && (*rv = scan_resync(scan)) != 0)
        return false;
    if (*rv == ERR_VERSION)
        scan_skip(scan);
    return true;
}

/* Reads the bytes of the run into the empty block, where most batches can stay as they are. */
static int read_bytes(struct run *r)
{
    struct scan_memory m = {.from = r->span->from, .to = r->span->to};
    size_t size = (size_t)(m.to - m.from);
    struct block *b = r->block;
    int rv = block_make_room(b, size);

    if (rv == 0)
        rv = scan_read(r->file, b->data, size, m.from, &m.size);
    if (rv != 0)
        return rv;
    b->size = m.size;
    m.bytes = b->data;
    scan_init_memory(&r->scan, mark_of(r), &m);
    return 0;
}

int run_load(struct block *b, struct disk_file *f, const struct run_span *span)
{
    struct run r = {.block = b, .file = f, .span = span, .held = {.next = b->first}};
    struct batch_head head;
    const uint8_t *bytes;
    int rv;

    ASSERT(span->before <= span->from && span->from < span->to && span->to <= span->end);
    ASSERT(b->size == 0 && b->count == 0);
    rv = read_bytes(&r);
    if (rv != 0)
        return rv;
    do {
        uint64_t here = scan_at(&r.scan);

        rv = scan_next(&r.scan, &head, &bytes);
        if (rv == 0)
            rv = consider(&r, &head, bytes, here);
    } while (rv == 0 || step_over(&r, &rv));
    if (rv == ERR_NOT_FOUND)
        rv = settle_held(&r);
    scan_release(&r.scan);
    return rv;
}
