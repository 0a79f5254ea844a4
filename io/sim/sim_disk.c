/* A simulated disk as a whole: making and cloning it, and the gate through which each operation
 * goes. See sim_disk.h for what it promises and sim_disk_parts.h for the other files. */
#include "io/sim/sim_disk.h"

#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "io/sim/sim_disk_parts.h"
#include "io/sim/sim_trace.h"

static const char *const op_names[SIM_OP_COUNT] = {
    [SIM_OP_OPEN] = "open",         [SIM_OP_READ] = "read",
    [SIM_OP_WRITE] = "write",       [SIM_OP_SYNC] = "sync",
    [SIM_OP_ALLOCATE] = "allocate", [SIM_OP_SIZE] = "size",
    [SIM_OP_RENAME] = "rename",     [SIM_OP_REMOVE] = "remove",
    [SIM_OP_MAKE_DIR] = "make_dir", [SIM_OP_SYNC_DIR] = "sync_dir",
    [SIM_OP_LIST] = "list",         [SIM_OP_SPACE] = "space",
    [SIM_OP_LOCK] = "lock",         [SIM_OP_WRITE_BACK] = "write_back",
};

const char *sim_op_name(enum sim_op op)
{
    ASSERT(op < SIM_OP_COUNT);
    return op_names[op];
}

bool sim_op_changes_disk(enum sim_op op)
{
    const unsigned changing =
        SIM_OP_BIT(SIM_OP_OPEN) | SIM_OP_BIT(SIM_OP_WRITE) | SIM_OP_BIT(SIM_OP_SYNC) |
        SIM_OP_BIT(SIM_OP_ALLOCATE) | SIM_OP_BIT(SIM_OP_RENAME) | SIM_OP_BIT(SIM_OP_REMOVE) |
        SIM_OP_BIT(SIM_OP_MAKE_DIR) | SIM_OP_BIT(SIM_OP_SYNC_DIR) | SIM_OP_BIT(SIM_OP_LOCK);

    ASSERT(op < SIM_OP_COUNT);
    return (changing & SIM_OP_BIT(op)) != 0;
}

/* ---- making one ---- */

static struct sim_disk *disk_new_bare(const struct sim_disk_options *options)
{
    struct sim_disk *d = MEM_NEW(struct sim_disk);

    d->base.ops = &sim_disk_ops;
    if (options != NULL)
        d->options = *options;
    rand_init(&d->rand, d->options.seed);
    list_init(&d->files);
    list_init(&d->locks);
    return d;
}

struct sim_disk *sim_disk_new(const struct sim_disk_options *options)
{
    struct sim_disk *d = disk_new_bare(options);

    sim_tree_init(&d->tree);
    return d;
}

void sim_disk_free(struct sim_disk *d)
{
    if (d == NULL)
        return;
    ASSERT(list_empty(&d->files) && list_empty(&d->locks));
    sim_last_write_forget(d);
    sim_tree_release(&d->tree);
    sim_disk_clear_faults(d);
    mem_free(d);
}

struct disk *sim_disk_as_disk(struct sim_disk *d)
{
    return &d->base;
}

struct sim_disk *sim_disk_of(struct disk *d)
{
    ASSERT(d->ops == &sim_disk_ops);
    return CONTAINER_OF(d, struct sim_disk, base);
}

static struct sim_inode *inode_by_id(const struct sim_tree *t, uint64_t id)
{
    LIST_FOREACH (link, &t->inodes) {
        struct sim_inode *n = CONTAINER_OF(link, struct sim_inode, link);
        if (n->id == id)
            return n;
    }
    return NULL;
}

static void copy_last_write(struct sim_disk *to, const struct sim_last_write *from)
{
    struct sim_inode *inode = from->inode == NULL ? NULL : inode_by_id(&to->tree, from->inode->id);

    if (inode == NULL)
        return;
    to->last_write = *from;
    to->last_write.inode = inode;
    sim_inode_ref(inode);
    to->last_write.pages = MEM_NEW_ARRAY(struct sim_page *, from->page_count);
    for (size_t i = 0; i < from->page_count; i++)
        to->last_write.pages[i] = sim_page_ref(from->pages[i]);
}

struct sim_disk *sim_disk_clone(const struct sim_disk *d)
{
    struct sim_disk *copy = disk_new_bare(&d->options);

    sim_tree_copy(&copy->tree, &d->tree);
    copy_last_write(copy, &d->last_write);
    memcpy(copy->latency, d->latency, sizeof(copy->latency));
    return copy;
}

/* ---- the gate ---- */

static void trace_start(struct sim_disk *d, const struct sim_disk_call *call)
{
    uint64_t t = sim_trace_mix(d->trace, call->number << 8 | call->op);

    t = sim_trace_mix_bytes(t, call->path, strlen(call->path));
    if (call->to != NULL)
        t = sim_trace_mix_bytes(t, call->to, strlen(call->to));
    d->trace = sim_trace_mix(sim_trace_mix(t, call->at), call->size);
}

int sim_disk_trace_end(struct sim_disk *d, int result, uint64_t value)
{
    ASSERT(result <= 0);
    d->trace = sim_trace_mix(sim_trace_mix(d->trace, (uint64_t)-result), value);
    return result;
}

static void add_latency(struct sim_disk *d, enum sim_op op)
{
    const struct sim_latency *l = &d->latency[op];

    d->elapsed_ns += l->base_ns;
    if (l->jitter_ns > 0)
        d->elapsed_ns += rand_below(&d->rand, l->jitter_ns + 1);
}

/* The bytes of its first sectors, which the operation that met the power cut could still write. */
static uint64_t bytes_before_stop(const struct sim_disk *d, const struct sim_disk_call *call)
{
    uint64_t end = 0;

    if (call->op != SIM_OP_WRITE || call->number != d->stop_at)
        return 0;
    end = (call->at / SIM_SECTOR + d->stop_torn_sectors) * SIM_SECTOR;
    return end <= call->at ? 0 : end - call->at;
}

struct sim_verdict sim_disk_gate(struct sim_disk *d, struct sim_disk_call call)
{
    ASSERT(!d->is_stalled); /* the call would never come back */
    ASSERT(call.path != NULL && call.op < SIM_OP_COUNT);

    call.number = ++d->operations;
    if (d->observe != NULL)
        d->observe(d->observe_owner, d, &call);
    trace_start(d, &call);
    add_latency(d, call.op);
    if (sim_disk_is_stopped(d))
        return (struct sim_verdict){.err = ERR_IO,
                                    .partial_bytes = bytes_before_stop(d, &call),
                                    .sync_failure = SIM_SYNC_KEPT};
    return sim_disk_rules_judge(d, &call);
}

/* ---- settings ---- */

void sim_disk_stop_at(struct sim_disk *d, uint64_t k, uint64_t torn_sectors)
{
    ASSERT(k == 0 || k >= d->operations); /* an observer may stop the operation it sees */
    d->stop_at = k;
    d->stop_torn_sectors = torn_sectors;
}

bool sim_disk_is_stopped(const struct sim_disk *d)
{
    return d->stop_at != 0 && d->operations >= d->stop_at;
}

void sim_disk_set_capacity(struct sim_disk *d, uint64_t capacity_bytes)
{
    d->options.capacity_bytes = capacity_bytes;
}

void sim_disk_set_open_limit(struct sim_disk *d, uint32_t open_limit)
{
    d->options.open_limit = open_limit;
}

void sim_disk_set_latency(struct sim_disk *d, enum sim_op op, uint64_t base_ns, uint64_t jitter_ns)
{
    ASSERT(op < SIM_OP_COUNT && jitter_ns < UINT64_MAX);
    d->latency[op] = (struct sim_latency){.base_ns = base_ns, .jitter_ns = jitter_ns};
}

uint64_t sim_disk_take_elapsed_ns(struct sim_disk *d)
{
    uint64_t elapsed = d->elapsed_ns;

    d->elapsed_ns = 0;
    return elapsed;
}

void sim_disk_on_resume(struct sim_disk *d, void (*fn)(void *owner), void *owner)
{
    d->on_resume = fn;
    d->resume_owner = owner;
}

void sim_disk_set_stalled(struct sim_disk *d, bool is_stalled)
{
    bool was_stalled = d->is_stalled;

    d->is_stalled = is_stalled;
    if (was_stalled && !is_stalled && d->on_resume != NULL)
        d->on_resume(d->resume_owner);
}

bool sim_disk_is_stalled(const struct sim_disk *d)
{
    return d->is_stalled;
}

void sim_disk_observe(struct sim_disk *d, sim_disk_observe_fn *fn, void *owner)
{
    d->observe = fn;
    d->observe_owner = owner;
}

void sim_disk_drop_cache(struct sim_disk *d)
{
    LIST_FOREACH (link, &d->tree.inodes)
        sim_content_drop_cache(&CONTAINER_OF(link, struct sim_inode, link)->content);
}

size_t sim_disk_open_files(const struct sim_disk *d)
{
    return d->open_count;
}

uint64_t sim_disk_operations(const struct sim_disk *d)
{
    return d->operations;
}

uint64_t sim_disk_used_bytes(const struct sim_disk *d)
{
    return d->tree.used_pages * SIM_PAGE;
}

uint64_t sim_disk_trace(const struct sim_disk *d)
{
    return d->trace;
}
