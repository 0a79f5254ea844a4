/* A log with a short life behind it. */
#include "tests/fuzz/log_life.h"

#include <string.h>

#include "base/crc32c.h"
#include "base/diag.h"
#include "base/mem.h"
#include "io/sim/sim.h"
#include "log/batch.h"
#include "log/cursor.h"
#include "log/inspect.h"
#include "log/log.h"
#include "log/segment.h"
#include "log/statefile.h"

enum {
    KIND_DROP = 1,
    KIND_KEEP = 2,
    KIND_MOVE = 3,
    LANES = 3,
    RECORDS = 60,
    ROUNDS = 3,
    CHANGES_MAX = 24,
    FILES_MAX = 64,
    PATH_MAX_SIZE = 128,
    HOW_CLOSED = 1,
    HOW_REPAIRED = 2,
    WATERMARK_SLOT_END = 56,
    WATERMARK_SLOT_AT = 4096,
    SUM_AT = 8, /* in headers of segments, state files and slots; it is over what follows it */
    SUM_FROM = 12,
};

#define MINUTE_NS UINT64_C(60000000000)
#define SECOND_NS UINT64_C(1000000000)

/* ---- a log in a world ---- */

struct life {
    struct sim *sim;
    struct io *io;
    struct log *log;
    struct err_note note;
    bool is_closed;
    bool has_more; /* a cursor has something */
};

static int on_restore(void *owner, uint64_t position, struct bytes state)
{
    (void)owner, (void)position, (void)state;
    return 0;
}

static int on_survivor(void *owner, uint64_t destination, const struct record *r)
{
    (void)owner, (void)destination, (void)r;
    return 0;
}

static int on_replay(void *owner, const struct record *r)
{
    (void)owner, (void)r;
    return 0;
}

static void on_durable(void *owner, uint64_t position)
{
    (void)owner, (void)position;
}

static void on_classify(void *owner, uint64_t lane, const struct record *r, struct log_sorting *s)
{
    const struct life *l = owner;
    uint64_t destination = 1 + r->number % (LANES - 1);
    uint64_t first = 0;
    uint64_t end = 0;

    if (r->kind == KIND_KEEP || (r->kind == KIND_MOVE && lane != LOG_SHARED)) {
        log_keep(s);
    } else if (r->kind == KIND_MOVE) {
        bool has_some = log_lane(l->log, destination, &first, &end);

        log_move(s, destination, has_some && end > r->number + 1 ? end : r->number + 1);
    }
}

static struct log_options tiny(void)
{
    return (struct log_options){
        .segment_bytes = 32 << 10,
        .block_bytes = 4 << 10,
        .cache_bytes = 64 << 10,
        .pending_bytes_max = 64 << 10,
        .spare_segments = 3,
        .cold_segment_bytes = 32 << 10,
        .cold_compression = 1,
        .sorter_buffer_bytes = 16 << 10,
        .watermark_interval_ms = 1000,
        .trash_keep_ms = 1000,
        .debt_bytes_max = 1 << 20,
    };
}

static int life_open(struct life *l, struct sim_disk *d)
{
    const struct log_owner owner = {.owner = l,
                                    .restore = on_restore,
                                    .survivor = on_survivor,
                                    .replay = on_replay,
                                    .on_durable = on_durable,
                                    .classify = on_classify};
    const struct log_options options = tiny();

    memset(l, 0, sizeof(*l));
    l->sim = sim_new(NULL);
    l->io = sim_io_new(sim_node_new(l->sim, "a", d));
    return log_open(l->io, "log", &options, &owner, &l->log, &l->note);
}

static void on_closed(void *owner)
{
    ((struct life *)owner)->is_closed = true;
}

static bool is_closed(void *owner)
{
    return ((struct life *)owner)->is_closed;
}

static void life_end(struct life *l)
{
    sim_io_free(l->io);
    sim_free(l->sim);
}

static void life_close(struct life *l)
{
    log_close(l->log, on_closed, l);
    bool has_closed = sim_run_until(l->sim, is_closed, l, MINUTE_NS);
    ASSERT(has_closed);
    life_end(l);
}

static void append(struct life *l, uint8_t kind, size_t size)
{
    const struct log_entry e = {.kind = kind, .key = bytes_text("key"), .body_size = size};
    uint64_t position = 0;
    uint8_t *body = NULL;

    if (log_append(l->log, &e, &position, &body) != 0)
        return;
    memset(body, (int)position, size);
    sim_run_for(l->sim, SECOND_NS / 100);
}

static void checkpoint(struct life *l)
{
    uint8_t state[300];

    memset(state, 7, sizeof(state));
    int rv = log_checkpoint(l->log, log_durable(l->log), bytes_of(state, sizeof(state)));
    ASSERT(rv == 0 || rv == ERR_FAILED || rv == ERR_BUSY);
    sim_run_for(l->sim, SECOND_NS);
}

/* ---- what they all begin with ---- */

/* As a crash leaves it, and as a close does. Made once. */
static struct sim_disk *bases[2];

static void make_bases(void)
{
    struct sim_disk *d = sim_disk_new(NULL);
    struct life l;
    int rv = disk_make_dir(sim_disk_as_disk(d), "log");

    ASSERT(rv == 0);
    rv = life_open(&l, d);
    ASSERT(rv == 0);
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (unsigned i = 0; i < RECORDS; i++)
            append(&l, (uint8_t)(KIND_DROP + i % 3), 100 + i * 20);
        checkpoint(&l);
        checkpoint(&l);
        log_sort(l.log);
        sim_run_for(l.sim, SECOND_NS);
    }
    append(&l, KIND_MOVE, 5000);
    append(&l, KIND_KEEP, 10);
    bases[0] = sim_disk_clone(d);
    life_close(&l);
    bases[1] = sim_disk_clone(d);
    sim_disk_free(d);
}

/* ---- changes ---- */

struct file {
    char path[PATH_MAX_SIZE];
    uint8_t *bytes;
    size_t size;
    bool is_gone;
};

struct changes {
    struct sim_disk *disk;
    bool (*is_chosen)(const char *path);
    struct file files[FILES_MAX];
    size_t count;
};

static bool ends_with(const char *text, const char *end)
{
    size_t size = strlen(text);

    return size >= strlen(end) && strcmp(text + size - strlen(end), end) == 0;
}

static void on_file(void *owner, const char *path, bool is_dir, uint64_t size)
{
    struct changes *c = owner;
    struct file *f = &c->files[c->count];

    if (is_dir || c->count == FILES_MAX || strlen(path) >= PATH_MAX_SIZE || !c->is_chosen(path))
        return;
    memcpy(f->path, path, strlen(path) + 1);
    f->size = size;
    f->bytes = mem_alloc(size + 1);
    if (size > 0)
        sim_disk_peek(c->disk, path, 0, f->bytes, size);
    c->count++;
}

static void change_bytes(struct file *f, size_t at, struct bytes b)
{
    if (at >= f->size || b.size == 0)
        return;
    memcpy(f->bytes + at, b.data, b.size < f->size - at ? b.size : f->size - at);
}

/* A field of the n-th batch: eight bytes or fewer of its header. */
static void change_batch(struct file *f, struct reader *r)
{
    size_t n = reader_u8(r);
    size_t at = reader_u8(r) % BATCH_HEADER_SIZE;
    size_t place = SEGMENT_HEADER_SIZE;
    size_t size = (size_t)1 << reader_u8(r) % 4;

    for (; place + BATCH_HEADER_SIZE < f->size; place += BATCH_ALIGN) {
        if (memcmp(f->bytes + place, "MRB1", 4) == 0 && n-- == 0)
            break;
    }
    change_bytes(f, place + at, reader_bytes(r, size < r->left ? size : r->left));
}

static void change_size(struct file *f, size_t size)
{
    if (size < f->size) {
        f->size = size;
        return;
    }
    size_t more = (size - f->size) % 8192;
    f->bytes = mem_grow(f->bytes, f->size + more + 1, 1);
    memset(f->bytes + f->size, 0, more);
    f->size += more;
}

/* The sectors that another file has there. */
static void change_to_other(struct file *f, const struct file *other, struct reader *r)
{
    size_t at = (size_t)reader_u8(r) * SIM_SECTOR;
    size_t from = (size_t)reader_u8(r) * SIM_SECTOR;
    size_t size = (1 + (size_t)reader_u8(r) % 16) * SIM_SECTOR;

    if (from >= other->size)
        return;
    size = size < other->size - from ? size : other->size - from;
    uint8_t *copy = mem_alloc(size);
    memcpy(copy, other->bytes + from, size);
    change_bytes(f, at, bytes_of(copy, size));
    mem_free(copy);
}

static void change(struct changes *c, struct reader *r)
{
    uint8_t choice = reader_u8(r);
    struct file *f = &c->files[reader_u8(r) % c->count];
    size_t size;
    size_t at;

    switch (choice % 8) {
    case 0:
    case 1:
        at = reader_le16(r);
        size = reader_u8(r) % 128u;
        change_bytes(f, at, reader_bytes(r, size < r->left ? size : r->left));
        break;
    case 2:
    case 3:
    case 4:
        change_batch(f, r);
        break;
    case 5:
        change_size(f, reader_le16(r));
        break;
    case 6:
        change_to_other(f, &c->files[reader_u8(r) % c->count], r);
        break;
    default:
        f->is_gone = (choice & 0x80) != 0;
    }
}

/* ---- checksums ---- */

static void repair_sum(uint8_t *at, size_t size)
{
    put_le32(at + SUM_AT, crc32c(at + SUM_FROM, size - SUM_FROM));
}

static void repair_segment(struct file *f)
{
    size_t at = SEGMENT_HEADER_SIZE;

    if (f->size >= SEGMENT_SECTOR_SIZE)
        repair_sum(f->bytes, SEGMENT_SECTOR_SIZE);
    while (at + BATCH_HEADER_SIZE <= f->size) {
        uint32_t length = get_le32(f->bytes + at + 8);

        if (memcmp(f->bytes + at, "MRB1", 4) != 0 || length < BATCH_HEADER_SIZE ||
            length > f->size - at) {
            at += BATCH_ALIGN;
            continue;
        }
        put_le32(f->bytes + at + 4, crc32c(f->bytes + at + 8, length - 8));
        at += batch_padded(length);
    }
}

static void repair(struct file *f)
{
    if (ends_with(f->path, ".seg")) {
        repair_segment(f);
    } else if (ends_with(f->path, "/watermark")) {
        for (size_t at = 0; at + WATERMARK_SLOT_END <= f->size; at += WATERMARK_SLOT_AT)
            repair_sum(f->bytes + at, WATERMARK_SLOT_END);
    } else if (f->size >= STATEFILE_HEADER_SIZE) {
        repair_sum(f->bytes, f->size);
    }
}

void log_life_change(struct sim_disk *d, struct bytes input, bool (*is_chosen)(const char *path))
{
    static struct changes c;
    struct reader r = reader_of(input);
    uint8_t how = reader_u8(&r);

    c = (struct changes){.disk = d, .is_chosen = is_chosen};
    sim_disk_walk(d, on_file, &c);
    for (unsigned i = 0; i < CHANGES_MAX && r.left > 0 && c.count > 0; i++)
        change(&c, &r);
    for (size_t i = 0; i < c.count; i++) {
        struct file *f = &c.files[i];

        if ((how & HOW_REPAIRED) != 0)
            repair(f);
        if (f->is_gone)
            sim_disk_erase(d, f->path);
        else
            sim_disk_put(d, f->path, f->bytes, f->size);
        mem_free(f->bytes);
    }
}

static bool is_segment(const char *path)
{
    return ends_with(path, ".seg");
}

static bool is_metadata(const char *path)
{
    return !ends_with(path, ".seg");
}

struct sim_disk *log_life_changed(struct bytes input, enum log_life_files files)
{
    struct sim_disk *d;

    diag_set_level(DIAG_OFF);
    if (bases[0] == NULL)
        make_bases();
    d = sim_disk_clone(bases[input.size > 0 && (input.data[0] & HOW_CLOSED) != 0]);
    log_life_change(d, input, files == LOG_LIFE_SEGMENTS ? is_segment : is_metadata);
    return d;
}

/* ---- going on ---- */

static void on_record(void *owner, const struct record *r)
{
    (void)owner, (void)r;
}

static void on_batch(void *owner, const struct inspect_batch *b)
{
    (void)owner, (void)b;
}

static void look(struct sim_disk *d)
{
    struct inspect in = {.disk = sim_disk_as_disk(d),
                         .visitor = {.on_record = on_record, .on_batch = on_batch},
                         .verifies = true,
                         .count = UINT64_MAX};
    struct err_note note = {{0}};
    int rv = inspect_directory(&in, "log", &note);

    ASSERT(rv == 0 || note.text[0] != '\0');
}

static void on_ready(void *owner)
{
    ((struct life *)owner)->has_more = true;
}

static bool has_more(void *owner)
{
    return ((struct life *)owner)->has_more;
}

/* To the end of a lane; damage on the way is passed over. */
static void read_lane(struct life *l, enum cursor_lane lane, uint64_t destination)
{
    struct cursor *c = cursor_open(l->log, lane, destination, 0);
    uint64_t last = 0;
    bool is_first = true;
    struct record r;
    int rv = 0;

    cursor_set_ready(c, on_ready, l);
    while (rv != ERR_NOT_FOUND) {
        l->has_more = false;
        rv = cursor_next(c, &r);
        if (rv == ERR_AGAIN) {
            bool has_come = sim_run_until(l->sim, has_more, l, MINUTE_NS);
            ASSERT(has_come);
        } else if (rv == 0) {
            ASSERT(is_first || r.number > last);
            last = r.number;
            is_first = false;
        } else {
            ASSERT(rv == ERR_NOT_FOUND || rv == ERR_CORRUPT || rv == ERR_TRIMMED);
        }
    }
    cursor_close(c);
}

static void use(struct life *l)
{
    log_check(l->log);
    read_lane(l, CURSOR_HOT, 0);
    for (uint64_t lane = 0; lane < LANES; lane++)
        read_lane(l, CURSOR_COLD, lane);
    append(l, KIND_KEEP, 100);
    append(l, KIND_MOVE, 1000);
    checkpoint(l);
    checkpoint(l);
    log_sort(l->log);
    sim_run_for(l->sim, 3 * SECOND_NS);
    log_check(l->log);
}

void log_life_go_on(struct sim_disk *d)
{
    struct life l;

    look(d);
    if (life_open(&l, d) != 0) {
        ASSERT(l.note.text[0] != '\0');
        life_end(&l);
        return;
    }
    use(&l);
    life_close(&l);
    look(d);
    int rv = life_open(&l, d);
    ASSERT(rv == 0);
    log_check(l.log);
    life_close(&l);
}
