/* A data directory is damaged in every way that disks and people know. Each damage is found, or
 * does no harm: nothing damaged is ever served as good, nothing is cut that was known to be
 * durable, nothing crashes, and an opening that is refused changes no byte.
 *
 *     MILLRACE_CRASH_SCALE=10      more of the places that the usual run samples
 *     MILLRACE_CRASH_WHOLE=1       nothing is sampled: every bit of headers and metadata, every
 *                                  length and every sector of small directories, and one bit in
 *                                  every byte of a directory of a mebibyte
 *     MILLRACE_CRASH_OPERATION=k   only test k (they are numbered in the source)
 *     MILLRACE_CRASH_IMAGE=i       of that test only case i
 *     MILLRACE_CRASH_PARTS=n, MILLRACE_CRASH_PART=p   each n-th case only, from p on: one process a
 *                                  processor then does the whole */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/diag.h"
#include "base/mem.h"
#include "tests/crash/damage.h"
#include "tests/crash/oracle.h"
#include "tests/crash/verdict.h"
#include "tests/crash/workload.h"
#include "tests/lib/seed.h"
#include "tests/lib/test.h"

enum {
    HEAD_CASES = 5000, /* bits of headers in the usual run */
    BODY_CASES = 3000, /* bits of all bytes in the usual run */
    SECTOR_CASES = 12000,
    CUT_CASES = 1500,
    CUT_FIRST = 80,          /* bytes of a file: each length up to there */
    BYTES_MIN = 1000 * 1000, /* of the directory */
    WHOLE_BYTES = 1 << 20,   /* of the one in which every byte is hurt */
    SMALL_STEPS = 40,        /* of each life of a small directory */
    FUTURE_SECTORS = 8,      /* of a write that is large enough for a torn one */
    LIVES_MAX = 10,          /* as much work again, until there was such a write */
    STEPS = 100,             /* of each life */
    LATER_MS = 3000,         /* the sorter meets the damage too */
    LATER_ONE_IN = 24,
    OTHER_SIZE = DAMAGE_PATH_SIZE + 16,
};

/* What a directory is to be. */
struct wish {
    uint64_t bytes_min;
    int steps; /* of each life */
    bool is_closed;
};

/* A directory to be damaged. */
struct victim {
    uint64_t seed;
    struct wish wish;
    struct sim_disk *disk;
    struct sim_disk
        *old; /* as the last power cut left it: what a write that got lost leaves in place */
    struct model before; /* of the first life; `model` stands on it */
    struct model model;
    struct log_options log;
    int64_t wall_ms;
    uint64_t floor; /* the log must not end before this */
    struct damage_map map;
};

/* The moment at which the first life loses its power. */
struct moment {
    struct victim *v;
    struct sim_disk *image;
    uint64_t durable;
};

/* What came of the damages of one sort. */
struct tally {
    unsigned test; /* its number */
    uint64_t cases;
    uint64_t refused;  /* openings */
    uint64_t found;    /* by reading, or by a line at the opening */
    uint64_t harmless; /* everything is there */
    uint64_t missing;  /* records, all with a word */
};

/* ---- victims ---- */

static void machine_make(const struct victim *v, struct machine *m, struct sim_disk *disk,
                         int64_t later_ms)
{
    struct machine_options o = {.seed = v->seed + (uint64_t)later_ms,
                                .wall_ms = v->wall_ms + later_ms,
                                .may_survive = true,
                                .log = v->log};

    machine_init(m, &o, disk);
}

static bool is_whole(void)
{
    return verdict_setting("MILLRACE_CRASH_WHOLE", 0) != 0;
}

static void work(struct victim *v, struct machine *m, uint64_t seed, uint64_t bytes_min)
{
    struct workload w;

    workload_init(&w, m, seed);
    for (int i = 0; i < v->wish.steps; i++)
        workload_step(&w);
    workload_fill(&w, bytes_min);
    workload_release(&w);
}

/* The larger slot of the watermark file: where the log may not end before. */
static uint64_t watermark_of(const struct sim_disk *disk)
{
    uint8_t slots[2][56];

    sim_disk_peek(disk, MACHINE_DIR "/watermark", 0, slots[0], sizeof(slots[0]));
    sim_disk_peek(disk, MACHINE_DIR "/watermark", 4096, slots[1], sizeof(slots[1]));
    return get_le64(slots[0] + 32) > get_le64(slots[1] + 32) ? get_le64(slots[0] + 48)
                                                             : get_le64(slots[1] + 48);
}

/* The hot log was written but not synced: of the batches of this write only the later ones get
 * through, a future that will be cut off. */
static void on_call(void *owner, struct sim_disk *d, const struct sim_disk_call *call)
{
    struct moment *now = owner;
    struct sim_crash crash = {.kind = SIM_CRASH_TORN, .keeps_tail = true};
    uint64_t torn = sim_disk_torn_max(d);

    if (call->op != SIM_OP_SYNC || strstr(call->path, "hot-") == NULL || torn < FUTURE_SECTORS)
        return;
    crash.torn_sectors = torn - 1;
    sim_disk_free(now->image);
    now->image = sim_disk_image(d, &crash);
    now->durable = now->v->before.durable;
}

/* The first life, from which only one moment is kept. */
static void first_life(struct victim *v)
{
    struct sim_disk *disk = sim_disk_new(NULL);
    struct moment moment = {.v = v};
    struct machine m;

    machine_make(v, &m, disk, 0);
    v->wall_ms = io_wall_ms(m.io);
    MUST(machine_start(&m, &v->before) == 0, "no start: %s", m.note.text);
    sim_disk_observe(disk, on_call, &moment);
    for (uint64_t i = 0; i < LIVES_MAX && moment.image == NULL; i++)
        work(v, &m, v->seed + i, v->wish.bytes_min / 2);
    machine_stop(&m);
    machine_release(&m);
    sim_disk_free(disk);
    MUST(moment.image != NULL, "nothing large was ever written");
    v->disk = moment.image;
    v->old = sim_disk_clone(v->disk);
    v->before.durable = moment.durable;
}

/* A log that lived, lost its power, and lived on; then it was closed, or lost its power again. */
static void victim_init(struct victim *v, uint64_t seed, struct wish wish)
{
    struct sim_crash crash = {.kind = SIM_CRASH_EVERYTHING};
    struct machine m;

    memset(v, 0, sizeof(*v));
    verdict_case("%s", "");
    v->seed = seed;
    v->wish = wish;
    v->log = machine_log_options(seed);
    model_init(&v->before);
    first_life(v);
    machine_make(v, &m, v->disk, 500000);
    MUST(machine_start(&m, &v->before) == 0, "no start: %s", m.note.text);
    model_branch(&v->model, &v->before, oracle_check_start(&m, &v->before));
    m.model = &v->model;
    machine_settle_in(&m);
    work(v, &m, seed, wish.bytes_min);
    if (wish.is_closed)
        machine_stop(&m);
    else
        machine_kill(&m);
    v->wall_ms = io_wall_ms(m.io);
    machine_release(&m);
    sim_disk_crash(v->disk, &crash);
    v->floor = wish.is_closed ? model_next(&v->model) : watermark_of(v->disk);
    MUST(v->floor <= model_next(&v->model) && (!wish.is_closed || v->floor == v->model.durable),
         "the watermark is wrong");
    v->model.durable = v->floor;
    damage_map_init(&v->map, v->disk);
    printf("%s directory: %zu files, %" PRIu64 " bytes, %" PRIu64
           " of them headers and metadata, %" PRIu64 " records\n",
           wish.is_closed ? "closed" : "crashed", v->map.count, v->map.bytes, v->map.head_bytes,
           model_next(&v->model));
}

static void victim_release(struct victim *v)
{
    damage_map_release(&v->map);
    model_release(&v->model);
    model_release(&v->before);
    sim_disk_free(v->disk);
    sim_disk_free(v->old);
}

/* ---- the judge ---- */

static bool names_a_place(const struct machine *m)
{
    return strstr(m->note.text, "'" MACHINE_DIR) != NULL;
}

/* Opens the damaged disk. False when that was rightly refused. */
static bool open_damaged(struct victim *v, struct machine *m, struct sim_disk *disk)
{
    struct sim_disk *before = sim_disk_clone(disk);
    int rv = machine_start(m, &v->model);
    bool is_untouched;

    if (rv == 0) {
        sim_disk_free(before);
        return true;
    }
    is_untouched = sim_disk_digest(disk) == sim_disk_digest(before);
    sim_disk_free(before);
    MUST(rv == ERR_CORRUPT || rv == ERR_VERSION, "damage is refused as %s: %s", err_name(rv),
         m->note.text);
    MUST(names_a_place(m), "the refusal names no place: %s", m->note.text);
    MUST(is_untouched, "a refused opening changes the directory: %s", m->note.text);
    return false;
}

/* The log runs on damaged files, is closed, and opened again. */
static uint64_t look_later(struct victim *v, struct machine *m, struct model *now)
{
    struct model later;
    uint64_t missing;
    int rv;

    machine_settle_in(m);
    machine_run_ms(m, LATER_MS);
    (void)!machine_checkpoint(m);
    machine_run_ms(m, LATER_MS);
    machine_stop(m);
    machine_release(m);
    machine_make(v, m, m->disk, 1000000);
    rv = machine_start(m, now);
    MUST(rv == 0, "opened once, the damaged log is refused later (%s): %s", err_name(rv),
         m->note.text);
    model_branch(&later, now, oracle_check_start(m, now));
    m->model = &later;
    missing = oracle_check_content(m, true);
    machine_stop(m);
    m->model = now;
    model_release(&later);
    return missing;
}

/* Opens the damaged disk, reads everything, and sometimes goes on. Takes the disk. */
static void judge(struct victim *v, struct tally *t, struct sim_disk *disk)
{
    struct machine m;
    struct model now;
    uint64_t missing;

    t->cases++;
    machine_make(v, &m, disk, 1000);
    if (!open_damaged(v, &m, disk)) {
        t->refused++;
    } else {
        model_branch(&now, &v->model, oracle_check_start(&m, &v->model));
        m.model = &now;
        missing = oracle_check_content(&m, true);
        t->missing += missing;
        if (missing > 0 || verdict_line_count() > 0)
            t->found++;
        else
            t->harmless++;
        if (t->cases % LATER_ONE_IN == 0 && m.survived == 0)
            (void)look_later(v, &m, &now);
        else
            machine_stop(&m);
        model_release(&now);
    }
    machine_release(&m);
    sim_disk_free(disk);
}

/* A new case: a disk to be damaged, or NULL when only another one is wanted. */
static struct sim_disk *begin_case(struct victim *v, const struct tally *t, uint64_t index)
{
    uint64_t test = verdict_setting("MILLRACE_CRASH_OPERATION", 0);
    uint64_t only = verdict_setting("MILLRACE_CRASH_IMAGE", UINT64_MAX);
    uint64_t parts = verdict_setting("MILLRACE_CRASH_PARTS", 1);

    if ((test != 0 && test != t->test) || (only != UINT64_MAX && only != index))
        return NULL;
    if (parts > 1 && index % parts != verdict_setting("MILLRACE_CRASH_PART", 0))
        return NULL;
    verdict_forget_lines();
    verdict_case("MILLRACE_CRASH_OPERATION=%u MILLRACE_CRASH_IMAGE=%" PRIu64, t->test, index);
    return sim_disk_clone(v->disk);
}

static void print_tally(const char *what, const struct tally *t)
{
    printf("  %s: %" PRIu64 " cases: %" PRIu64 " refused, %" PRIu64 " found, %" PRIu64
           " harmless; %" PRIu64 " records missing, each with a word\n",
           what, t->cases, t->refused, t->found, t->harmless, t->missing);
}

/* The step by which `all` cases are sampled so that about `usual` are tried, at the usual scale. */
static uint64_t stride_of(const struct tally *t, uint64_t all, uint64_t usual)
{
    uint64_t wanted = usual * verdict_scale_hundredths() / 100;
    uint64_t stride = wanted >= all || wanted == 0 || is_whole() ? 1 : all / wanted;

    printf("  test %u: %" PRIu64 " places, every %" PRIu64 ".\n", t->test, all, stride);
    return stride;
}

/* ---- damages ---- */

static void flip_heads(struct victim *v)
{
    struct tally t = {.test = 1};
    uint64_t all = v->map.head_bytes * 8;
    uint64_t stride = stride_of(&t, all, HEAD_CASES);

    for (uint64_t i = v->seed % stride; i < all; i += stride) {
        struct damage_place p = damage_head_byte(&v->map, i / 8);
        struct sim_disk *disk = begin_case(v, &t, i);

        if (disk == NULL)
            continue;
        diag(DIAG_INFO, "test", "bit %u of byte %" PRIu64 " of '%s' flips", (unsigned)(i % 8), p.at,
             p.file->path);
        sim_disk_flip_bit(disk, p.file->path, p.at, (unsigned)(i % 8));
        judge(v, &t, disk);
    }
    print_tally("bits of headers and metadata", &t);
}

static void flip_bytes(struct victim *v)
{
    struct tally t = {.test = 2};
    uint64_t stride = stride_of(&t, v->map.bytes, BODY_CASES);

    for (uint64_t i = v->seed % stride; i < v->map.bytes; i += stride) {
        struct damage_place p = damage_byte(&v->map, i);
        struct sim_disk *disk = begin_case(v, &t, i);

        if (disk == NULL)
            continue;
        diag(DIAG_INFO, "test", "a bit of byte %" PRIu64 " of '%s' flips", p.at, p.file->path);
        sim_disk_flip_bit(disk, p.file->path, p.at, (unsigned)((i / stride + v->seed) % 8));
        judge(v, &t, disk);
    }
    print_tally("a bit of every byte", &t);
}

enum sector_damage {
    SECTOR_ZERO,
    SECTOR_SWAP_NEXT, /* with the one behind it */
    SECTOR_SWAP_FAR,
    SECTOR_STALE, /* as it was before the last sync of it */
    SECTOR_OLD,   /* as it was at the last power cut */
    SECTOR_KINDS,
};

/* The sector as the last power cut left it. False when it is no other. */
static bool put_old_sector(const struct victim *v, struct sim_disk *disk, struct damage_place p)
{
    uint8_t now[SIM_SECTOR], then[SIM_SECTOR];
    uint8_t *bytes;

    if (!sim_disk_has(v->old, p.file->path) || (p.at + 1) * SIM_SECTOR > p.file->size ||
        (p.at + 1) * SIM_SECTOR > sim_disk_file_size(v->old, p.file->path))
        return false;
    sim_disk_peek(disk, p.file->path, p.at * SIM_SECTOR, now, SIM_SECTOR);
    sim_disk_peek(v->old, p.file->path, p.at * SIM_SECTOR, then, SIM_SECTOR);
    if (memcmp(now, then, SIM_SECTOR) == 0)
        return false;
    bytes = mem_alloc((size_t)p.file->size);
    sim_disk_peek(disk, p.file->path, 0, bytes, (size_t)p.file->size);
    memcpy(bytes + p.at * SIM_SECTOR, then, SIM_SECTOR);
    sim_disk_put(disk, p.file->path, bytes, (size_t)p.file->size);
    mem_free(bytes);
    return true;
}

/* While a log is at work, its end and the newer slot of the watermark are the only two that know of
 * the last batch: to hurt both with one blow is two faults. A closed log has two such slots. */
static bool are_witnesses(const struct damage_place *a, const struct damage_place *b)
{
    return strstr(a->file->path, "hot-") != NULL && strstr(b->file->path, "watermark") != NULL;
}

static bool damage_a_sector(struct victim *v, struct sim_disk *disk, enum sector_damage kind,
                            uint64_t n)
{
    struct damage_place p = damage_sector(&v->map, n);
    struct damage_place other =
        damage_sector(&v->map, kind == SECTOR_SWAP_NEXT ? (n + 1) % v->map.sectors
                                                        : (n * 7919 + v->seed) % v->map.sectors);

    diag(DIAG_INFO, "test", "sector %" PRIu64 " of '%s' meets %d (%" PRIu64 " of '%s')", p.at,
         p.file->path, (int)kind, other.at, other.file->path);
    if (kind == SECTOR_STALE)
        return sim_disk_stale_sector(disk, p.file->path, p.at);
    if (kind == SECTOR_OLD)
        return put_old_sector(v, disk, p);
    if (kind != SECTOR_ZERO && !v->wish.is_closed &&
        (are_witnesses(&p, &other) || are_witnesses(&other, &p)))
        return false;
    if (kind == SECTOR_ZERO)
        sim_disk_zero_sector(disk, p.file->path, p.at);
    else
        sim_disk_swap_sectors(disk, p.file->path, p.at, other.file->path, other.at);
    return true;
}

static void damage_sectors(struct victim *v)
{
    struct tally t = {.test = 3};
    uint64_t all = v->map.sectors * SECTOR_KINDS;
    uint64_t stride = stride_of(&t, all, SECTOR_CASES);

    for (uint64_t i = v->seed % stride; i < all; i += stride) {
        struct sim_disk *disk = begin_case(v, &t, i);

        if (disk == NULL)
            continue;
        if (damage_a_sector(v, disk, (enum sector_damage)(i % SECTOR_KINDS), i / SECTOR_KINDS))
            judge(v, &t, disk);
        else
            sim_disk_free(disk);
    }
    print_tally("sectors zeroed, swapped, stale", &t);
}

/* Two sectors in which batches start change places: small batches are then whole, but not where
 * they belong. */
static void swap_batches(struct victim *v)
{
    struct tally t = {.test = 6};
    uint64_t rounds = 3;

    for (uint64_t i = 0; i < v->map.batches * rounds; i += verdict_stride()) {
        struct damage_place a = damage_batch(&v->map, i % v->map.batches);
        struct damage_place b =
            damage_batch(&v->map, (i * 31 + i / v->map.batches + 1) % v->map.batches);
        struct sim_disk *disk = begin_case(v, &t, i);

        if (disk == NULL)
            continue;
        diag(DIAG_INFO, "test", "sectors %" PRIu64 " of '%s' and %" PRIu64 " of '%s' change places",
             a.at, a.file->path, b.at, b.file->path);
        sim_disk_swap_sectors(disk, a.file->path, a.at, b.file->path, b.at);
        judge(v, &t, disk);
    }
    print_tally("batches in wrong places", &t);
}

/* Whether byte i of all is a place to cut: every length in the first part of each file, more of the
 * ends of sectors than of others. */
static bool is_cut_at(struct damage_place p, uint64_t i, uint64_t stride)
{
    if (p.at < CUT_FIRST)
        return i % verdict_stride() == 0;
    if (p.at % SIM_SECTOR == 0 || p.at + 1 == p.file->size)
        return i / SIM_SECTOR % (1 + stride / 64) == 0;
    return i % stride == 0;
}

static void cut_files(struct victim *v)
{
    struct tally t = {.test = 4};
    uint64_t stride = stride_of(&t, v->map.bytes, CUT_CASES);

    for (uint64_t i = 0; i < v->map.bytes; i++) {
        struct damage_place p = damage_byte(&v->map, i);
        struct sim_disk *disk;

        if (!is_cut_at(p, i, stride))
            continue;
        disk = begin_case(v, &t, i);
        if (disk == NULL)
            continue;
        diag(DIAG_INFO, "test", "'%s' is cut to %" PRIu64 " bytes", p.file->path, p.at);
        sim_disk_cut(disk, p.file->path, p.at);
        judge(v, &t, disk);
    }
    print_tally("files cut", &t);
}

/* What can happen to a whole file. */
enum file_damage {
    FILE_REMOVED,
    FILE_EMPTY,
    FILE_GARBAGE_BYTE,
    FILE_GARBAGE_SECTORS,
    FILE_TWICE,
    FILE_IS_A_DIRECTORY,
    FILE_ANOTHER,
    FILE_KINDS,
};

static const char *const file_damages[FILE_KINDS] = {
    "is removed",         "is emptied",     "gets a byte more",   "gets sectors of garbage",
    "is there twice, as", "is a directory", "has the content of",
};

/* A name of the same sort with another number; the copy of the manifest for the manifest. */
static void other_name(const char *path, uint64_t n, char out[OTHER_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    char *last;

    snprintf(out, OTHER_SIZE, "%s", path);
    last = strstr(out, ".seg");
    if (last == NULL && strstr(out, "checkpoint") != NULL)
        last = out + strlen(out);
    if (last != NULL)
        last[n % 3 == 0 ? -1 : -3] = digits[n % 16];
    else if (strstr(out, "manifest") != NULL)
        snprintf(out, OTHER_SIZE, MACHINE_DIR "/%s",
                 strstr(path, ".copy") != NULL ? "manifest" : "manifest.copy");
    else
        snprintf(out, OTHER_SIZE, "%s.bak", path);
}

static void damage_a_file(struct victim *v, struct sim_disk *disk, enum file_damage kind,
                          uint64_t n)
{
    const struct damage_file *f = &v->map.files[n % v->map.count];
    const struct damage_file *another = &v->map.files[(n * 31 + 7) % v->map.count];
    char other[OTHER_SIZE];
    uint8_t garbage[1536];
    struct rand r;

    rand_init(&r, n);
    rand_fill(&r, garbage, sizeof(garbage));
    other_name(f->path, n / v->map.count, other);
    diag(DIAG_INFO, "test", "'%s' %s '%s'", f->path, file_damages[kind],
         kind == FILE_ANOTHER ? another->path : other);
    if (kind == FILE_REMOVED || kind == FILE_IS_A_DIRECTORY)
        sim_disk_erase(disk, f->path);
    if (kind == FILE_IS_A_DIRECTORY) {
        snprintf(other, sizeof(other), "%s/file", f->path);
        sim_disk_put(disk, other, garbage, sizeof(garbage));
    } else if (kind == FILE_EMPTY) {
        sim_disk_cut(disk, f->path, 0);
    } else if (kind == FILE_GARBAGE_BYTE) {
        sim_disk_append(disk, f->path, garbage, 1);
    } else if (kind == FILE_GARBAGE_SECTORS) {
        sim_disk_append(disk, f->path, garbage, sizeof(garbage));
    } else if (kind == FILE_TWICE) {
        sim_disk_duplicate(disk, f->path, other);
    } else if (kind == FILE_ANOTHER && another != f) {
        sim_disk_duplicate(disk, another->path, f->path);
    }
}

static void damage_files(struct victim *v)
{
    struct tally t = {.test = 5};
    uint64_t rounds = 4, step = verdict_stride() > 1 ? 3 : 1; /* no divisor of the kinds */

    for (uint64_t i = 0; i < v->map.count * FILE_KINDS * rounds; i += step) {
        struct sim_disk *disk = begin_case(v, &t, i);

        if (disk == NULL)
            continue;
        damage_a_file(v, disk, (enum file_damage)(i % FILE_KINDS), i / FILE_KINDS);
        judge(v, &t, disk);
    }
    print_tally("whole files", &t);
}

static void damage_everything(uint64_t seed, bool is_closed)
{
    struct wish wish = {.bytes_min = BYTES_MIN, .steps = STEPS, .is_closed = is_closed};
    uint64_t used = mem_used_bytes();
    struct victim v;

    if (is_whole())
        wish = (struct wish){.steps = SMALL_STEPS, .is_closed = is_closed};
    victim_init(&v, seed, wish);
    damage_files(&v);
    damage_sectors(&v);
    swap_batches(&v);
    cut_files(&v);
    flip_heads(&v);
    if (!is_whole())
        flip_bytes(&v);
    victim_release(&v);
    MUST(mem_used_bytes() == used, "memory is left over");
}

static void test_damage_to_a_closed_log_is_found_or_harmless(void **state)
{
    (void)state;
    damage_everything(test_seed(), true);
}

static void test_damage_to_a_crashed_log_is_found_or_harmless(void **state)
{
    (void)state;
    damage_everything(test_seed() + 1, false);
}

static void test_a_bit_in_every_byte_of_a_mebibyte_is_found_or_harmless(void **state)
{
    struct wish wish = {.bytes_min = WHOLE_BYTES, .steps = STEPS, .is_closed = true};
    struct victim v;

    (void)state;
    if (!is_whole())
        skip();
    victim_init(&v, test_seed() + 2, wish);
    flip_bytes(&v);
    victim_release(&v);
}

/* ---- a checkpoint from another time ---- */

/* Appends records one by one, each durable before the next, with a checkpoint at the end. */
static void append_some(struct machine *m, uint8_t fill, uint64_t end)
{
    struct log_entry e = {.kind = KIND_PUBLISH | 1u << PLACE_SHARED, .body_size = 100};
    uint8_t body[100];

    memset(body, fill, sizeof(body));
    while (log_next(m->log) < end) {
        MUST(machine_append(m, &e, body) == 0, "an append is refused");
        machine_run_ms(m, 2);
    }
    MUST(machine_checkpoint(m) == 0, "a checkpoint is refused");
    machine_run_ms(m, 10);
}

/* Zeros the hot log from the first batch on that has positions from `position` on. */
static void cut_from(struct sim_disk *disk, uint64_t position)
{
    const char *path = MACHINE_DIR "/hot-0000000000000000.seg";
    struct damage_map map;

    damage_map_init(&map, disk);
    for (uint64_t i = 0; i < map.batches; i++) {
        struct damage_place p = damage_batch(&map, i);
        uint8_t head[64];

        sim_disk_peek(disk, p.file->path, p.at * SIM_SECTOR, head, sizeof(head));
        if (strcmp(p.file->path, path) == 0 && get_le64(head + 16) >= position)
            sim_disk_zero_sector(disk, path, p.at);
    }
    damage_map_release(&map);
}

static void test_a_checkpoint_newer_than_the_log_is_never_obeyed(void **state)
{
    struct victim v = {.seed = test_seed(), .log = machine_log_options(1)};
    struct model *known = &v.before, *now = &v.model, later;
    struct machine m;

    (void)state;
    verdict_case("%s", "");
    v.disk = sim_disk_new(NULL);
    model_init(known);
    machine_make(&v, &m, v.disk, 0);
    v.wall_ms = io_wall_ms(m.io);
    MUST(machine_start(&m, known) == 0, "no start: %s", m.note.text);
    append_some(&m, 'a', 20);
    append_some(&m, 'b', 40);
    machine_stop(&m);
    sim_disk_erase(v.disk, MACHINE_DIR "/watermark");
    cut_from(v.disk, 30);
    known->durable = 0;
    verdict_forget_lines();
    MUST(machine_start(&m, known) == 0, "a log without its end is refused: %s", m.note.text);
    MUST(log_next(m.log) == 30 && m.restored_from == 20,
         "the log ends at %" PRIu64 ", restored from %" PRIu64, log_next(m.log), m.restored_from);
    MUST(verdict_has_line("checkpoint-0000000000000028"), "nothing is said about the checkpoint");
    model_branch(now, known, oracle_check_start(&m, known));
    m.model = now;
    while (log_next(m.log) < 50) {
        struct log_entry e = {.kind = KIND_PUBLISH | 1u << PLACE_DEEP};
        MUST(machine_append(&m, &e, NULL) == 0, "an append is refused");
        machine_run_ms(&m, 2);
    }
    machine_stop(&m);
    MUST(machine_start(&m, now) == 0, "no start: %s", m.note.text);
    model_branch(&later, now, oracle_check_start(&m, now));
    m.model = &later;
    oracle_check_content(&m, false);
    machine_stop(&m);
    machine_release(&m);
    model_release(&later);
    model_release(now);
    model_release(known);
    sim_disk_free(v.disk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_damage_to_a_closed_log_is_found_or_harmless),
        cmocka_unit_test(test_damage_to_a_crashed_log_is_found_or_harmless),
        cmocka_unit_test(test_a_bit_in_every_byte_of_a_mebibyte_is_found_or_harmless),
        cmocka_unit_test(test_a_checkpoint_newer_than_the_log_is_never_obeyed),
    };

    verdict_begin("crash_test_corruption");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
