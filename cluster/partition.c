/* A partition: a log between those who fold its records and those who wait for its commits; see
 * partition.h. Checkpoints are in checkpoints.c. */
#include "cluster/partition.h"

#include <inttypes.h>
#include <string.h>

#include "base/diag.h"
#include "base/err.h"
#include "base/mem.h"
#include "cluster/fold_states.h"
#include "cluster/partition_parts.h"

/* ---- Opening: the log tells, the folds hear ---- */

static int refuse_kind(struct partition *p, const struct record *r)
{
    return err_note(&p->opening.note, ERR_VERSION,
                    "partition %u has a record of kind %u at position %" PRIu64
                    ", which this version does not know; start the version that wrote it",
                    p->number, r->kind, r->number);
}

/* All states must be of folds that are there. */
static int check_states(struct partition *p, const struct fold_states *s)
{
    for (size_t i = 0; i < s->count; i++) {
        bool is_known = false;

        for (size_t k = 0; k < p->fold_count; k++)
            is_known = is_known || p->folds[k].id == s->parts[i].id;
        if (!is_known)
            return err_note(&p->opening.note, ERR_VERSION,
                            "the checkpoint of partition %u has a part %u, which this version does "
                            "not know; start the version that wrote it",
                            p->number, s->parts[i].id);
    }
    return 0;
}

static int decode_states(struct partition *p, uint64_t position, struct bytes state,
                         struct fold_states *out)
{
    int rv = fold_states_decode(state, out);

    if (rv == ERR_VERSION)
        return err_note(&p->opening.note, rv,
                        "the checkpoint of partition %u was written by a newer version; start that "
                        "version",
                        p->number);
    if (rv == 0 && out->position != position)
        rv = ERR_INVALID;
    if (rv != 0)
        return err_note(&p->opening.note, rv,
                        "the checkpoint of partition %u is not what a partition writes", p->number);
    return check_states(p, out);
}

static int restore(void *owner, uint64_t position, struct bytes state)
{
    struct partition *p = owner;
    struct fold_states states;
    int rv = decode_states(p, position, state, &states);

    for (size_t i = 0; rv == 0 && i < p->fold_count; i++) {
        const struct fold *f = &p->folds[i];
        struct bytes part;

        if (f->restore != NULL && fold_states_find(&states, f->id, &part))
            rv = f->restore(f->owner, part, &p->opening.note);
    }
    p->opening.was_clean = rv == 0 && states.is_clean;
    return rv;
}

static int survivor(void *owner, uint64_t destination, const struct record *r)
{
    struct partition *p = owner;
    const struct fold *f = partition_fold(p, r->kind);

    if (f == NULL)
        return refuse_kind(p, r);
    return f->survivor != NULL ? f->survivor(f->owner, destination, r) : 0;
}

static int replay(void *owner, const struct record *r)
{
    struct partition *p = owner;
    const struct fold *f = partition_fold(p, r->kind);

    p->opening.replayed++;
    if (f == NULL)
        return r->kind == PARTITION_RECORD_MARK ? 0 : refuse_kind(p, r);
    return f->replay != NULL ? f->replay(f->owner, r) : 0;
}

/* ---- The log runs ---- */

/* A walk over the watchers during which any of them may go: a link of our own keeps the place. */
static struct partition_watcher *next_watcher(struct partition *p, struct list_link *place)
{
    struct list_link *next = list_linked(place) ? place->next : p->watchers.head.next;

    if (list_linked(place))
        list_remove(place);
    if (next == &p->watchers.head)
        return NULL;
    list_insert_before(next->next, place);
    return CONTAINER_OF(next, struct partition_watcher, link);
}

static void on_durable(void *owner, uint64_t position)
{
    struct partition *p = owner;
    struct list_link place = {0};
    struct partition_watcher *w;

    while ((w = next_watcher(p, &place)) != NULL) {
        if (w->committed != NULL)
            w->committed(w, position);
    }
    partition_offer_state(p);
}

static void on_failed(void *owner, int err)
{
    struct partition *p = owner;
    struct list_link place = {0};
    struct partition_watcher *w;
    bool was_waiting = p->closing.is_on && !p->closing.is_log_closing;

    p->failed = err;
    partition_end_checkpoints(p);
    while ((w = next_watcher(p, &place)) != NULL) {
        if (w->failed != NULL)
            w->failed(w, err);
    }
    if (was_waiting)
        partition_close_log(p);
}

static void on_pressure(void *owner, bool is_pressed)
{
    struct partition *p = owner;
    struct list_link place = {0};
    struct partition_watcher *w;

    while ((w = next_watcher(p, &place)) != NULL) {
        if (w->pressure != NULL)
            w->pressure(w, is_pressed);
    }
}

/* What nobody knows is kept: data is not deleted because metadata does not know it. */
static void classify(void *owner, uint64_t lane, const struct record *r, struct log_sorting *s)
{
    struct partition *p = owner;
    const struct fold *f = partition_fold(p, r->kind);

    if (f != NULL && f->classify != NULL)
        f->classify(f->owner, lane, r, s);
    else if (f == NULL && r->kind != PARTITION_RECORD_MARK)
        log_keep(s);
}

static bool is_tombstone(void *owner, const struct record *r)
{
    const struct fold *f = partition_fold(owner, r->kind);

    return f != NULL && f->is_tombstone != NULL && f->is_tombstone(f->owner, r);
}

static void on_sorted(void *owner, uint64_t position)
{
    struct partition *p = owner;

    for (size_t i = 0; i < p->fold_count; i++) {
        if (p->folds[i].sorted != NULL)
            p->folds[i].sorted(p->folds[i].owner, position);
    }
}

/* ---- Open ---- */

static struct partition *partition_new(const struct partition_open *o)
{
    struct partition *p = MEM_NEW(struct partition);

    ASSERT(o->fold_count <= PARTITION_FOLDS_MAX);
    p->io = o->io;
    p->number = o->number;
    p->options = *o->options;
    p->fold_count = o->fold_count;
    list_init(&p->watchers);
    partition_init_checkpoints(p);
    for (size_t i = 0; i < o->fold_count; i++) {
        const struct fold *f = &o->folds[i];

        p->folds[i] = *f;
        for (unsigned kind = f->kind_first; kind <= f->kind_last; kind++) {
            ASSERT(p->fold_of[kind] == 0 && kind != PARTITION_RECORD_MARK);
            p->fold_of[kind] = (uint8_t)(i + 1);
        }
    }
    return p;
}

static void partition_free(struct partition *p)
{
    partition_end_checkpoints(p);
    while (list_take(&p->watchers) != NULL)
        continue;
    mem_free(p);
}

static int tell_opened(struct partition *p, struct err_note *note)
{
    bool is_clean = p->opening.was_clean && p->opening.replayed == 0;
    int rv = 0;

    for (size_t i = 0; rv == 0 && i < p->fold_count; i++) {
        const struct fold *f = &p->folds[i];

        if (f->opened != NULL)
            rv = f->opened(f->owner, is_clean, note);
    }
    return rv;
}

int partition_open(const struct partition_open *o, struct partition **out, struct err_note *note)
{
    struct partition *p = partition_new(o);
    const struct log_owner owner = {
        .owner = p,
        .restore = restore,
        .survivor = survivor,
        .replay = replay,
        .on_durable = on_durable,
        .on_failed = on_failed,
        .on_pressure = on_pressure,
        .classify = classify,
        .on_sorted = on_sorted,
        .is_tombstone = is_tombstone,
    };
    int rv;

    rv = log_open(o->io, o->dir, o->log, &owner, &p->log, note);
    if (rv != 0) {
        if (p->opening.note.text[0] != '\0')
            (void)err_note(note, rv, "%s", p->opening.note.text);
        partition_free(p);
        return rv;
    }
    *out = p;
    rv = tell_opened(p, note);
    if (rv != 0) {
        *out = NULL;
        p->fold_count = 0; /* they hear of nothing any more; what they knew is kept */
        memset(p->fold_of, 0, sizeof(p->fold_of));
        p->closing.is_on = true;
        partition_close_log(p);
    }
    return rv;
}

/* ---- Close ---- */

static void log_is_closed(void *owner)
{
    struct partition *p = owner;
    struct partition_closing closing = p->closing;

    partition_free(p);
    if (closing.closed != NULL)
        closing.closed(closing.owner);
}

void partition_close_log(struct partition *p)
{
    ASSERT(p->closing.is_on && !p->closing.is_log_closing);
    p->closing.is_log_closing = true;
    partition_end_checkpoints(p);
    log_close(p->log, log_is_closed, p);
}

void partition_close(struct partition *p, void (*closed)(void *owner), void *owner)
{
    ASSERT(!p->closing.is_on);
    p->closing = (struct partition_closing){.is_on = true, .closed = closed, .owner = owner};
    io_timer_stop(p->io, &p->checkpoint.interval);
    io_later(p->io, &p->checkpoint.task);
}

void partition_abandon(struct partition *p)
{
    log_abandon(p->log);
    partition_free(p);
}

/* ---- Use ---- */

int partition_append(struct partition *p, const struct log_entry *e, uint64_t *position,
                     uint8_t **body)
{
    int rv = p->closing.is_on ? ERR_FAILED : log_append(p->log, e, position, body);

    if (LIKELY(rv == 0))
        partition_count_append(p, log_record_size(e->key.size, e->body_size));
    return rv;
}

int partition_begin_group(struct partition *p, size_t bytes, bool may_use_reserve)
{
    return p->closing.is_on ? ERR_FAILED : log_begin_group(p->log, bytes, may_use_reserve);
}

void partition_watch(struct partition *p, struct partition_watcher *w)
{
    list_push(&p->watchers, &w->link);
}

void partition_unwatch(struct partition_watcher *w)
{
    if (list_linked(&w->link))
        list_remove(&w->link);
}

/* ---- Look ---- */

struct log *partition_log(struct partition *p)
{
    return p->log;
}

struct io *partition_io(struct partition *p)
{
    return p->io;
}

unsigned partition_number(const struct partition *p)
{
    return p->number;
}

uint64_t partition_next(const struct partition *p)
{
    return log_next(p->log);
}

uint64_t partition_committed(const struct partition *p)
{
    return log_told(p->log);
}

int partition_failed(const struct partition *p)
{
    return p->failed;
}

bool partition_is_pressed(const struct partition *p)
{
    return log_is_pressed(p->log);
}

void partition_check(const struct partition *p)
{
    const struct partition_checkpoint *c = &p->checkpoint;

    log_check(p->log);
    ASSERT(!c->has_state || c->position <= log_next(p->log));
    ASSERT(!c->is_last || p->closing.is_on);
    ASSERT(log_durable(p->log) <= log_told(p->log) &&
           log_told(p->log) <= log_next(p->log)); /* P1 */
}
