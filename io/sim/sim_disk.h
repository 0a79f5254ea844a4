/* A disk in memory that can lose what was not synced, fail, fill up, and rot: on demand, and
 * always in the same way for the same seed.
 *
 * It is a `struct disk` (io/disk.h) and works alone, without a simulated world: calls return at
 * once and their latency is only added up. Inside a world (sim.h) that latency is virtual time.
 *
 *     one file, one sector (512 bytes)           one directory
 *
 *     disk_write -> cached   (DIRTY)             create, rename, remove, make_dir -> live names
 *                     | disk_sync                             | pending operation
 *                     v                                       | disk_sync_dir
 *                   durable  -> older (one version)           v
 *                                                           durable names
 *
 * A crash builds what a power cut may leave behind:
 *   K1  a sector that was synced is there, unchanged;
 *   K2  a sector written since is old or new; when it was never durable it may also be zeros or
 *       garbage;
 *   K3  a file's size is anything between its durable and its last size; bytes past the durable
 *       size that no sector above explains are zeros or garbage;
 *   K4  a name that disk_sync_dir() made durable is there; a pending operation happened whole or
 *       not at all. disk_sync() of a file does not save its name;
 *   K5  pending operations that touch the same name happen in their order (the later one only
 *       after the earlier one); others independently, or all in order as a journal keeps them
 *       (enum sim_names). A rename between two directories, of which only the new one was
 *       synced, may leave both names;
 *   K6  open files and locks of before the crash are dead: they answer ERR_IO and can only be
 *       closed.
 *
 * Every operation has a running number, counted from 1. Paths are split at '/'; "a/b" and "/a/b"
 * are the same; the root directory always exists.
 *
 * Memory: pages of 4 KiB, shared between a disk and its clones until written, so thousands of
 * images cost little. Owner: one thread for a disk and all its clones together. */
#ifndef IO_SIM_SIM_DISK_H
#define IO_SIM_SIM_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "io/disk.h"

enum { SIM_SECTOR = 512, SIM_PAGE = 4096 };

struct sim_disk;

/* Kinds of operation; closing and unlocking cannot fail and are not counted. */
enum sim_op {
    SIM_OP_OPEN,
    SIM_OP_READ,
    SIM_OP_WRITE,
    SIM_OP_SYNC,
    SIM_OP_WRITE_BACK,
    SIM_OP_ALLOCATE,
    SIM_OP_SIZE,
    SIM_OP_RENAME,
    SIM_OP_REMOVE,
    SIM_OP_MAKE_DIR,
    SIM_OP_SYNC_DIR,
    SIM_OP_LIST,
    SIM_OP_SPACE,
    SIM_OP_LOCK,
    SIM_OP_COUNT,
};

/* For sets of kinds: SIM_OP_BIT(SIM_OP_WRITE) | SIM_OP_BIT(SIM_OP_SYNC). */
#define SIM_OP_BIT(op) (1u << (op))

/* "write", "sync_dir", ... for traces. */
const char *sim_op_name(enum sim_op op);

/* Whether an operation of this kind can change what a crash leaves. Stopping at one that cannot
 * gives the same images as stopping at the next. */
bool sim_op_changes_disk(enum sim_op op);

/* ---- making one ---- */

struct sim_disk_options {
    uint64_t seed;           /* for faults by chance, latency jitter, the order of listings */
    uint64_t capacity_bytes; /* 0: no limit. Pages count whole; names are free */
    uint32_t open_limit;     /* 0: no limit. Files and locks; a listing needs one for a while */
};

/* An empty disk; NULL options are all zero. Goes back through sim_disk_free(). */
struct sim_disk *sim_disk_new(const struct sim_disk_options *options);

/* All its files must be closed and its locks given back. NULL is allowed. */
void sim_disk_free(struct sim_disk *d);

/* The interface the rooms use. */
struct disk *sim_disk_as_disk(struct sim_disk *d);

/* An independent disk in exactly the same state (cached and durable), with no open files, no
 * locks, no faults and no observer, its operations counted from 0. The caller owns it. */
struct sim_disk *sim_disk_clone(const struct sim_disk *d);

/* ---- power cuts ---- */

/* From operation number `k` on everything fails with ERR_IO and has no effect, until a crash.
 * When `k` is a write, its first `torn_sectors` sectors still take effect. k = 0 takes the order
 * back. */
void sim_disk_stop_at(struct sim_disk *d, uint64_t k, uint64_t torn_sectors);
bool sim_disk_is_stopped(const struct sim_disk *d);

enum sim_crash_kind {
    SIM_CRASH_NOTHING,       /* nothing unsynced survives */
    SIM_CRASH_EVERYTHING,    /* all of it survives */
    SIM_CRASH_METADATA_ONLY, /* names and sizes survive, content does not */
    SIM_CRASH_DATA_ONLY,     /* content survives within the old sizes, names and sizes do not */
    SIM_CRASH_TORN,          /* as EVERYTHING, but of the last write only a part (see below) */
    SIM_CRASH_RANDOM,        /* each choice of K2 to K5 by chance, from the seed */
    SIM_CRASH_KIND_COUNT,
};

enum sim_names {
    SIM_NAMES_INDEPENDENT, /* as POSIX permits: any subset that K5 allows */
    SIM_NAMES_ORDERED,     /* as a journal does: the first so many of the whole disk */
};

/* What bytes hold that were never written, where K2 or K3 leave it open. RANDOM chooses by
 * itself. */
enum sim_fill { SIM_FILL_ZERO, SIM_FILL_GARBAGE };

struct sim_crash {
    enum sim_crash_kind kind;
    enum sim_names names;  /* RANDOM: which subsets of pending operations are drawn */
    enum sim_fill fill;    /* METADATA_ONLY and TORN */
    uint64_t torn_sectors; /* TORN: so many sectors of the last write survive */
    bool keeps_tail;       /* TORN: its last sectors survive instead of its first */
    bool is_cut;           /* TORN: the file, if that write made it longer, ends behind them */
    uint64_t seed;         /* RANDOM and SIM_FILL_GARBAGE */
};

/* Writes what the crash is, for a test's message: "random, names ordered, seed=7". Returns
 * `buf`. */
const char *sim_crash_text(const struct sim_crash *c, char *buf, size_t size);

/* The power fails now and comes back: the disk becomes one legal image (K1 to K6). Ends a stop
 * and a stall; faults, latency, limits, the observer and the operation count stay. */
void sim_disk_crash(struct sim_disk *d, const struct sim_crash *c);

/* The same on a new disk, which the caller owns; `d` goes on untouched. */
struct sim_disk *sim_disk_image(const struct sim_disk *d, const struct sim_crash *c);

/* How many sectors the last write touched if it can still be torn (its file was not synced since),
 * else 0. TORN crashes are worth building for torn_sectors from 0 to this minus 1. */
uint64_t sim_disk_torn_max(const struct sim_disk *d);

/* Whether some write, size or name is not durable: if not, all crashes give the same image. */
bool sim_disk_is_dirty(const struct sim_disk *d);

/* ---- faults ---- */

/* What a failed disk_sync() leaves. Later syncs return 0 in all three. A failed disk_sync_dir()
 * leaves the names pending with KEPT; with the other two no later sync makes them durable. */
enum sim_sync_failure {
    SIM_SYNC_CLEAN,    /* the cache calls the new bytes clean; the disk has the old ones */
    SIM_SYNC_REVERTED, /* the cache has the old bytes again */
    SIM_SYNC_KEPT,     /* the bytes stay dirty; a later sync does save them */
};

/* A rule by which operations fail. The first rule added that strikes decides. With only `err`
 * set, every operation fails from now on, for ever. */
struct sim_fault {
    int err;                /* what they fail with; 0 only for a short read */
    unsigned ops;           /* kinds, a set of SIM_OP_BIT(); 0: all */
    const char *path_part;  /* only paths that contain this (copied); of a rename, either path */
    uint64_t from;          /* only operations of this number or higher */
    uint64_t skip;          /* so many that match pass first */
    uint64_t times;         /* strikes so often; 0: for ever */
    uint32_t chance_num;    /* strikes with the chance num / den; 0 / 0: always */
    uint32_t chance_den;    /* see above */
    uint64_t partial_bytes; /* so many bytes of a short write take effect, of a short read come */
    enum sim_sync_failure sync_failure;
};

/* Adds the rule at the end; returns its number, which sim_disk_fault_strikes() takes. */
size_t sim_disk_add_fault(struct sim_disk *d, const struct sim_fault *f);

/* How often rule `number` has struck. */
uint64_t sim_disk_fault_strikes(const struct sim_disk *d, size_t number);

/* Removes all rules. */
void sim_disk_clear_faults(struct sim_disk *d);

/* After SIM_SYNC_CLEAN: the cache forgets, and the old bytes are read again. Legal at any time. */
void sim_disk_drop_cache(struct sim_disk *d);

/* Changes the limits of struct sim_disk_options; what is there stays. */
void sim_disk_set_capacity(struct sim_disk *d, uint64_t capacity_bytes);
void sim_disk_set_open_limit(struct sim_disk *d, uint32_t open_limit);

/* ---- time ---- */

/* An operation of this kind takes `base_ns` plus up to `jitter_ns`. 0 at first. */
void sim_disk_set_latency(struct sim_disk *d, enum sim_op op, uint64_t base_ns, uint64_t jitter_ns);

/* Latency added up since the last call. */
uint64_t sim_disk_take_elapsed_ns(struct sim_disk *d);

/* While stalled, a world starts no job on this disk: they wait for ever, or until it is lifted.
 * A call outside of a job would hang, so it is an assertion. */
void sim_disk_set_stalled(struct sim_disk *d, bool is_stalled);
bool sim_disk_is_stalled(const struct sim_disk *d);

/* ---- damage ---- */

/* All of these act on cached and durable bytes alike, at once, uncounted. The file must exist and
 * the place must be inside it: anything else is an assertion. Those that change a size make the
 * whole file durable as it is. */

void sim_disk_flip_bit(struct sim_disk *d, const char *path, uint64_t at, unsigned bit);
void sim_disk_zero_sector(struct sim_disk *d, const char *path, uint64_t sector);

/* Exchanges two sectors, of one or of two files, as a misdirected write does. Where a file ends
 * inside its sector, only the bytes that both have. */
void sim_disk_swap_sectors(struct sim_disk *d, const char *path_a, uint64_t sector_a,
                           const char *path_b, uint64_t sector_b);

/* Puts back the version of the sector that the last sync of it replaced. False when there was
 * none. */
bool sim_disk_stale_sector(struct sim_disk *d, const char *path, uint64_t sector);

/* Cuts the file to `size` bytes, which is at most its size. */
void sim_disk_cut(struct sim_disk *d, const char *path, uint64_t size);

/* Adds bytes behind its end, of any content. */
void sim_disk_append(struct sim_disk *d, const char *path, const void *bytes, size_t size);

/* Removes the name, durably. */
void sim_disk_erase(struct sim_disk *d, const char *path);

/* Makes `to` a file of its own with the content of `from`, replacing what was there. */
void sim_disk_duplicate(struct sim_disk *d, const char *from, const char *to);

/* Makes or replaces a whole file, durably; missing directories are made. */
void sim_disk_put(struct sim_disk *d, const char *path, const void *bytes, size_t size);

/* ---- looking ---- */

/* Called for each file and directory but the root; `path` is borrowed, without a leading slash. */
typedef void sim_disk_walk_fn(void *owner, const char *path, bool is_dir, uint64_t size);

/* All live names, in the order of their bytes, a directory before what is in it. The callback
 * must not change names. */
void sim_disk_walk(const struct sim_disk *d, sim_disk_walk_fn *fn, void *owner);

bool sim_disk_has(const struct sim_disk *d, const char *path);

/* Size of a file that must exist. */
uint64_t sim_disk_file_size(const struct sim_disk *d, const char *path);

/* Reads `size` cached bytes of a file, uncounted; they must be inside it. */
void sim_disk_peek(const struct sim_disk *d, const char *path, uint64_t at, void *buf, size_t size);

/* A number for all names, sizes and cached bytes: equal disks have equal ones. */
uint64_t sim_disk_digest(const struct sim_disk *d);

/* Open files and held locks; 0 after a clean shutdown. Dead ones (K6) do not count. */
size_t sim_disk_open_files(const struct sim_disk *d);

/* Asserts the model's own invariants; slow, for tests of the model. */
void sim_disk_check(const struct sim_disk *d);

/* Operations so far. */
uint64_t sim_disk_operations(const struct sim_disk *d);

/* Bytes of the pages that files hold now. */
uint64_t sim_disk_used_bytes(const struct sim_disk *d);

/* A hash over every operation so far, its arguments, bytes and result: equal runs have equal
 * ones. */
uint64_t sim_disk_trace(const struct sim_disk *d);

/* One operation about to happen. The texts are borrowed. */
struct sim_disk_call {
    uint64_t number;
    enum sim_op op;
    const char *path;
    const char *to; /* rename: the new path; else NULL */
    uint64_t at;    /* read, write */
    uint64_t size;  /* read, write, allocate */
};

/* Called before each operation, also before one that will fail. It may build images and clones
 * of `d`, which is the cheap way to stop at every k of one run. NULL ends it. */
typedef void sim_disk_observe_fn(void *owner, struct sim_disk *d, const struct sim_disk_call *call);
void sim_disk_observe(struct sim_disk *d, sim_disk_observe_fn *fn, void *owner);

#endif
