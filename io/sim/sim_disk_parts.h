/* The inside of a simulated disk. Private to io/sim; sim_disk.h is the manual.
 *
 *     sim_disk_ops.c   the operations of io/disk.h; each passes the gate first
 *     sim_disk.c       making, cloning, the gate: numbers, stops, faults, latency, trace
 *     sim_fault.c      rules of failing
 *     sim_crash.c      images
 *     sim_damage.c     damage
 *     sim_look.c       walking and reading
 *     sim_tree.h, sim_content.h   names and bytes */
#ifndef IO_SIM_SIM_DISK_PARTS_H
#define IO_SIM_SIM_DISK_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "base/rand.h"
#include "io/sim/sim_disk.h"
#include "io/sim/sim_tree.h"

/* A rule and its count so far. */
struct sim_rule {
    struct sim_fault fault;
    char *path_part; /* owned copy of fault.path_part, or NULL */
    uint64_t matched;
    uint64_t strikes;
};

/* What the gate decided: err 0 lets the operation pass, reading at most `partial_bytes`. */
struct sim_verdict {
    int err;
    uint64_t partial_bytes;
    enum sim_sync_failure sync_failure;
};

/* The last write, kept so that a crash can take part of it back. */
struct sim_last_write {
    struct sim_inode *inode; /* NULL: none that could be torn. Counts a reference */
    uint64_t at;
    uint64_t size;
    uint64_t size_before;    /* of the file */
    struct sim_page **pages; /* what the cache had in the pages that it touched; each a reference */
    size_t page_count;
};

struct sim_latency {
    uint64_t base_ns;
    uint64_t jitter_ns;
};

struct sim_disk {
    struct disk base;
    struct sim_disk_options options;
    struct sim_tree tree;
    struct sim_last_write last_write;
    struct rand rand;
    struct list files; /* open ones, dead ones too */
    struct list locks; /* held ones, dead ones too */
    size_t open_count; /* living files and locks */
    uint64_t operations;
    uint64_t trace;
    uint64_t elapsed_ns;
    uint64_t stop_at; /* 0: not */
    uint64_t stop_torn_sectors;
    bool is_stalled;
    void (*on_resume)(void *owner); /* a stall ends */
    void *resume_owner;
    struct sim_latency latency[SIM_OP_COUNT];
    struct sim_rule *rules;
    size_t rule_count;
    sim_disk_observe_fn *observe;
    void *observe_owner;
};

/* A dead one has no inode. */
struct sim_open_file {
    struct disk_file base;
    struct list_link link;
    struct sim_inode *inode;
    unsigned flags;
    char *path; /* by which it was opened */
};

struct sim_held_lock {
    struct disk_lock base;
    struct list_link link;
    struct sim_inode *inode;
};

extern const struct disk_ops sim_disk_ops;

struct sim_disk *sim_disk_of(struct disk *d);

/* Counts the operation, tells the observer, adds latency, and says what becomes of it. */
struct sim_verdict sim_disk_gate(struct sim_disk *d, struct sim_disk_call call);

/* Folds the operation's end into the trace; returns `result`. */
int sim_disk_trace_end(struct sim_disk *d, int result, uint64_t value);

/* Who hears when a stall ends. */
void sim_disk_on_resume(struct sim_disk *d, void (*fn)(void *owner), void *owner);

/* What the rules say of the operation. */
struct sim_verdict sim_disk_rules_judge(struct sim_disk *d, const struct sim_disk_call *call);

/* Open files and locks lose their inode (K6). */
void sim_disk_kill_files(struct sim_disk *d);

/* Remembers what a write is about to change. Forgets it. */
void sim_last_write_keep(struct sim_disk *d, struct sim_inode *inode, uint64_t at, uint64_t size);
void sim_last_write_forget(struct sim_disk *d);

#endif
