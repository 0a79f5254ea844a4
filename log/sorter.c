/* Choosing what to sort, and the steps of a run; see sorter.h. What a run does with each
 * record is in sort_rules.c. */
#include "log/sorter.h"

#include <inttypes.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "log/run.h"
#include "log/sort_rules.h"

enum {
    PAUSE_NS = 1000 * 1000 * 1000,
    CALM_NS = 1000 * 1000 * 1000, /* without a new segment: nobody is in a hurry */
    SORT_AT_ONCE = 4,             /* hot segments in one run, when that many wait */
    MERGE_MIN = 8,                /* neighbours worth a merge */
    READ_TRIES = 10,              /* runs that fail at one place before it is given up */
};

static void start_read(struct sorter *s);
static void start_write(struct sorter *s);
static void start_finish(struct sorter *s);
static void start_abort(struct sorter *s);

static void look_for_work(struct io_task *t);

static void pause_over(struct io_timer *t)
{
    sorter_kick(CONTAINER_OF(t, struct sorter, pause));
}

static void calm_over(struct io_timer *t)
{
    sorter_kick(CONTAINER_OF(t, struct sorter, calm));
}

void sorter_init(struct sorter *s, const struct site *site, struct hot *hot, struct cold *cold,
                 struct keeper *keeper)
{
    memset(s, 0, sizeof(*s));
    s->site = site;
    s->hot = hot;
    s->cold = cold;
    s->keeper = keeper;
    map_init(&s->limits);
    io_timer_init(&s->pause, pause_over);
    io_timer_init(&s->calm, calm_over);
    io_task_init(&s->task, look_for_work);
    s->job.urgency = IO_BACKGROUND;
}

void sorter_release(struct sorter *s)
{
    ASSERT(!sorter_is_busy(s));
    if (s->compaction.is_on)
        keymap_release(&s->compaction.keys);
    map_release(&s->limits);
    mem_free(s->compaction.waiting);
    mem_free(s->outs.items);
}

void sorter_limit_files(struct sorter *s, uint64_t destination, uint64_t max_bytes)
{
    if (max_bytes == 0)
        (void)map_remove(&s->limits, destination);
    else
        (void)map_put(&s->limits, destination, (void *)(uintptr_t)max_bytes);
}

bool sorter_is_busy(const struct sorter *s)
{
    return s->run != RUN_NONE;
}

void sorter_close(struct sorter *s)
{
    s->is_closed = true;
    io_timer_stop(s->site->io, &s->pause);
    io_timer_stop(s->site->io, &s->calm);
    io_task_cancel(&s->task);
}

uint64_t sorter_debt(const struct sorter *s)
{
    uint64_t sum = 0;

    for (size_t i = 0; i + 1 < s->hot->segment_count; i++)
        sum += s->hot->segments[i]->bytes;
    return sum;
}

/* ---- Choosing ---- */

static void add_input(struct sorter *s, struct segment *g)
{
    ASSERT(s->input_count < SORTER_INPUTS_MAX && g->is_sealed);
    g->pins++;
    s->inputs[s->input_count++] = g;
}

/* A hot segment that a checkpoint covers and that is wholly durable. */
static bool is_sortable(const struct sorter *s, const struct segment *g)
{
    return g->is_sealed && g->end <= s->limit && g->end <= s->hot->durable;
}

/* Lets go of hot segments at the front of which nothing is needed; nobody has to read them. */
static void retire_dead(struct sorter *s)
{
    bool has_moved = false;

    while (s->hot->segment_count > 1) {
        struct segment *g = s->hot->segments[0];

        if (!is_sortable(s, g) || !g->is_counted || g->live > 0)
            break;
        keeper_retire(s->keeper, hot_take_first(s->hot));
        has_moved = true;
    }
    if (has_moved && s->owner->on_sorted != NULL)
        s->owner->on_sorted(s->owner->owner, hot_first(s->hot));
    if (has_moved && s->on_change != NULL)
        s->on_change(s->change_owner);
}

/* True while publishers fill segments fast: what is written then is not to be written twice at the
 * same time. It waits until they are calm, or until it is as much as may wait. */
static bool is_put_off(struct sorter *s)
{
    const struct log_options *o = &s->site->options;
    uint64_t most =
        o->burst_bytes_max < o->debt_bytes_max / 2 ? o->burst_bytes_max : o->debt_bytes_max / 2;
    uint64_t now_ns = io_now_ns(s->site->io);

    if (s->hot->spares->is_short || now_ns >= s->calm_ns || sorter_debt(s) >= most)
        return false;
    if (!io_timer_is_running(&s->calm))
        io_timer_start(s->site->io, &s->calm, s->calm_ns - now_ns);
    return true;
}

void sorter_on_roll(struct sorter *s)
{
    s->calm_ns = io_now_ns(s->site->io) + CALM_NS;
    sorter_kick(s);
}

/* Several segments at once make fewer and larger files; on a full disk one after the other makes
 * room for the next. */
static bool choose_sort(struct sorter *s)
{
    size_t most = s->hot->spares->is_short ? 1 : SORT_AT_ONCE;

    if (!is_sortable(s, s->hot->segments[0]) || is_put_off(s))
        return false;
    for (size_t i = 0; i + 1 < s->hot->segment_count && i < most; i++) {
        if (!is_sortable(s, s->hot->segments[i]))
            break;
        add_input(s, s->hot->segments[i]);
    }
    s->run = s->input_count > 0 ? RUN_SORT : RUN_NONE;
    return s->input_count > 0;
}

/* A cold segment that is dead, half dead, or of unknown state. */
static bool choose_rewrite(struct sorter *s)
{
    for (size_t i = 0; i < s->cold->count; i++) {
        const struct cold_lane *lane = s->cold->lanes[i];

        for (size_t k = 0; k < lane->count; k++) {
            struct segment *g = lane->segments[k];

            if (g->is_counted && g->live <= g->records / 2)
                s->run = RUN_REWRITE;
            else if (!g->is_counted && g->needs_survey)
                s->run = RUN_SURVEY;
            else
                continue;
            add_input(s, g);
            return true;
        }
    }
    return false;
}

/* Small neighbours of one lane that would make one file. */
static bool choose_merge(struct sorter *s)
{
    for (size_t i = 0; i < s->cold->count; i++) {
        const struct cold_lane *lane = s->cold->lanes[i];
        uint64_t most = rules_file_max(s, lane->destination);
        uint64_t usual = s->site->options.cold_segment_bytes;
        uint64_t small = (most < usual ? most : usual) / MERGE_MIN;
        size_t row = 0;

        for (size_t k = 0; k < lane->count; k++) {
            row = lane->segments[k]->file_bytes <= small ? row + 1 : 0;
            if (row < MERGE_MIN)
                continue;
            for (size_t j = k + 1 - row; j <= k; j++)
                add_input(s, lane->segments[j]);
            s->run = RUN_MERGE;
            return true;
        }
    }
    return false;
}

static void choose(struct sorter *s)
{
    bool wants_space = s->is_out_of_space;

    s->input_count = 0;
    s->is_out_of_space = false;
    if ((wants_space && choose_rewrite(s)) || choose_sort(s) || choose_rewrite(s) ||
        rules_choose_compaction(s) || choose_merge(s)) {
        s->input = 0;
        s->read.number = s->inputs[0]->first;
        s->survey_live = 0;
        s->released = 0;
        s->classify_err = 0;
        s->runs++;
        start_read(s);
    }
}

static bool is_ready(const struct sorter *s)
{
    return !s->is_closed && !sorter_is_busy(s) && s->owner->classify != NULL &&
           !io_timer_is_running(&s->pause) && s->hot->failed == 0 && s->keeper->failed == 0;
}

static void look_for_work(struct io_task *t)
{
    struct sorter *s = CONTAINER_OF(t, struct sorter, task);

    if (is_ready(s))
        retire_dead(s);
    if (is_ready(s))
        choose(s);
}

void sorter_kick(struct sorter *s)
{
    if (is_ready(s))
        io_later(s->site->io, &s->task);
}

void sorter_on_release(struct sorter *s, const struct segment *g, uint64_t number)
{
    for (size_t i = 0; i < s->input_count; i++) {
        bool was_read = i < s->input || number < s->read.number;

        if (was_read && s->inputs[i] == g)
            s->released++;
    }
}

/* ---- Ending ---- */

static void unpin_inputs(struct sorter *s)
{
    for (size_t i = 0; i < s->input_count; i++)
        cache_unpin(s->hot->cache, s->inputs[i]);
    s->input_count = 0;
}

static void end_run(struct sorter *s)
{
    for (size_t i = 0; i < s->outs.count; i++)
        sort_out_free(s->outs.items[i]);
    s->outs.count = 0;
    s->outs.buffered_bytes = 0;
    s->run = RUN_NONE;
    unpin_inputs(s);
    if (s->on_change != NULL)
        s->on_change(s->change_owner);
    sorter_kick(s);
}

/* True when the new segment finds its place: no numbers of its lane but those of the inputs
 * overlap. */
static bool fits(const struct sorter *s, const struct sort_out *o)
{
    const struct cold_lane *lane = cold_find(s->cold, o->destination);

    if (lane == NULL)
        return true;
    for (size_t i = 0; i < lane->count; i++) {
        const struct segment *g = lane->segments[i];
        bool is_input = false;

        for (size_t k = 0; k < s->input_count; k++)
            is_input |= s->inputs[k] == g;
        if (!is_input && g->first < o->segment->end && o->segment->first < g->end)
            return false;
    }
    return true;
}

/* An input was trimmed meanwhile: what was read of it must not come back. */
static bool is_overtaken(const struct sorter *s)
{
    for (size_t i = 0; i < s->input_count; i++) {
        if (s->inputs[i]->is_retired)
            return true;
    }
    return false;
}

static bool can_publish(const struct sorter *s)
{
    for (size_t i = 0; i < s->outs.count; i++) {
        if (fits(s, s->outs.items[i]))
            continue;
        diag(DIAG_ERROR, "log",
             "numbers %" PRIu64 " to %" PRIu64 " exist already in lane %" PRIu64
             " of '%s'; the records stay where they are",
             s->outs.items[i]->segment->first, s->outs.items[i]->segment->end - 1,
             s->outs.items[i]->destination, s->site->dir);
        return false;
    }
    return true;
}

/* A merge decides nothing: the new segment knows about live records what the old ones knew. */
static void carry_counts(const struct sorter *s, struct segment *merged)
{
    merged->live = 0;
    for (size_t i = 0; i < s->input_count; i++) {
        merged->live += s->inputs[i]->live;
        merged->is_counted &= s->inputs[i]->is_counted && !s->inputs[i]->is_wounded;
    }
    if (merged->live > merged->records)
        merged->live = merged->records; /* the others could not be read */
}

/* The new files take the place of the old ones (R1: the old ones go when the manifest is
 * durable). */
static void publish(struct sorter *s)
{
    bool is_hot = s->run == RUN_SORT;

    if (s->run == RUN_MERGE && s->outs.count > 0) /* none: nothing of the inputs can be read */
        carry_counts(s, s->outs.items[0]->segment);
    for (size_t i = 0; i < s->input_count; i++) {
        struct segment *g = s->inputs[i];

        if (is_hot) {
            struct segment *first = hot_take_first(s->hot);
            ASSERT(first == g);
        } else {
            cold_remove(s->cold, g);
        }
        keeper_retire(s->keeper, g);
    }
    for (size_t i = 0; i < s->outs.count; i++) {
        struct segment *g = sort_out_take(s->outs.items[i]);
        int rv = cold_add(s->cold, g);

        ASSERT(rv == 0);
        if (s->released > 0) {
            g->is_counted = false;
            g->needs_survey = true;
        }
    }
    s->outs.count = 0;
    keeper_changed(s->keeper);
    if (is_hot && s->owner->on_sorted != NULL)
        s->owner->on_sorted(s->owner->owner, hot_first(s->hot));
}

static void run_failed(struct sorter *s, int err)
{
    s->failures++;
    s->is_out_of_space = err == ERR_NO_SPACE && s->run == RUN_SORT;
    if (err != 0 && !s->is_closed)
        diag(DIAG_WARNING, "log", "sorting in '%s' was put off: %s", s->site->dir, err_text(err));
    if (!s->is_closed)
        io_timer_start(s->site->io, &s->pause, PAUSE_NS);
    start_abort(s);
}

/* ---- Steps ---- */

/* The entry behind those that are read at once: no more than a block has room for, or one alone.
 * Blocks of the usual size are recycled; memory that was never touched costs more than the read. */
static size_t read_end(const struct sorter *s, const struct index *x, size_t from)
{
    uint64_t limit = x->entries[from].at + s->site->options.block_bytes;
    size_t to = from + 1;

    while (to < x->count && index_run_end(x, to, s->inputs[s->input]->bytes) <= limit)
        to++;
    return to;
}

/* Loads the index when it is missing, then reads about one block. */
static int read_blocking(struct sorter *s)
{
    const struct segment *g = s->inputs[s->input];
    const struct index *x = s->read.known;
    struct run_span span;
    struct disk_file *f = NULL;
    size_t from, to;
    int rv;

    if (x == NULL) {
        rv = segment_load_index(s->site, g, &s->read.index);
        if (rv != 0)
            return rv;
        x = s->read.index;
    }
    from = s->read.number <= x->entries[0].number ? 0 : index_find(x, s->read.number);
    to = read_end(s, x, from);
    s->read.block->first = from == 0 ? g->first : x->entries[from].number;
    s->read.block->end = to < x->count ? x->entries[to].number : g->end;
    rv = segment_open(s->site, g, &f);
    if (rv != 0)
        return rv;
    span = run_span(g, x, from, to);
    rv = run_load(s->read.block, f, &span);
    disk_close(f);
    return rv;
}

static void read_work(struct io_job *job)
{
    struct sorter *s = CONTAINER_OF(job, struct sorter, job);

    s->job_err = read_blocking(s);
}

/* After a block: more of it, the next input, or the end. */
static void next_step(struct sorter *s)
{
    if (s->outs.buffered_bytes >= s->site->options.sorter_buffer_bytes) {
        start_write(s);
        return;
    }
    if (s->read.number >= s->inputs[s->input]->end) {
        s->input++;
        if (s->input == s->input_count) {
            start_finish(s);
            return;
        }
        s->read.number = s->inputs[s->input]->first;
    }
    start_read(s);
}

/* True when a read that failed will go on failing: what it was to bring is lost, the rest is not.
 * The file itself is kept (keeper.h). */
static bool is_lost(struct sorter *s, const struct segment *g)
{
    struct sorter_failing *f = &s->failing;

    if (s->job_err == ERR_CORRUPT || s->job_err == ERR_NOT_FOUND)
        return true;
    if (s->job_err != ERR_IO)
        return false;
    if (f->kind != g->kind || f->id != g->id || f->number != s->read.number)
        *f = (struct sorter_failing){.kind = g->kind, .id = g->id, .number = s->read.number};
    return ++f->times >= READ_TRIES;
}

/* Takes what the read brought, or steps over what it could not bring. */
static void take_block(struct sorter *s, struct segment *g, const struct block *b)
{
    uint64_t behind = b->end > s->read.number ? b->end : g->end;

    if (s->job_err == 0) {
        if (b->is_wounded)
            segment_wound(s->site, g, SEGMENT_HEADER_SIZE, g->bytes);
        rules_apply(s, g, b);
        s->read.number = b->end;
    } else if (is_lost(s, g)) {
        segment_wound(s->site, g, SEGMENT_HEADER_SIZE, g->bytes);
        s->job_err = 0;
        s->read.number = behind;
    }
}

static void read_done(struct io_job *job)
{
    struct sorter *s = CONTAINER_OF(job, struct sorter, job);
    struct segment *g = s->inputs[s->input];
    struct block *b = s->read.block;

    s->read.block = NULL;
    s->hot->cache->bytes += b->capacity - s->read.room;
    if (s->read.index != NULL && g->index == NULL)
        g->index = s->read.index;
    else
        index_free(s->read.index);
    s->read.index = NULL;
    take_block(s, g, b);
    block_unref(b);
    if (s->is_closed)
        run_failed(s, 0);
    else if (s->job_err != 0 || s->classify_err != 0)
        run_failed(s, s->job_err != 0 ? s->job_err : s->classify_err);
    else
        next_step(s);
}

static void start_read(struct sorter *s)
{
    s->read.room = (size_t)s->site->options.block_bytes;
    s->read.block = cache_new_block(s->hot->cache, s->inputs[s->input], s->read.room);
    if (s->read.block == NULL) {
        run_failed(s, ERR_NO_MEMORY);
        return;
    }
    s->read.known = s->inputs[s->input]->index;
    s->job.work = read_work;
    s->job.done = read_done;
    io_submit(s->site->io, &s->job);
}

static void write_work(struct io_job *job)
{
    struct sorter *s = CONTAINER_OF(job, struct sorter, job);

    s->job_err = 0;
    for (size_t i = 0; s->job_err == 0 && i < s->outs.count; i++)
        s->job_err = sort_out_write(s->site, s->outs.items[i], s->hot->epoch);
}

static void write_done(struct io_job *job)
{
    struct sorter *s = CONTAINER_OF(job, struct sorter, job);

    s->outs.buffered_bytes = 0;
    if (s->job_err != 0 || s->is_closed)
        run_failed(s, s->job_err);
    else
        next_step(s);
}

static void start_write(struct sorter *s)
{
    s->job.work = write_work;
    s->job.done = write_done;
    io_submit(s->site->io, &s->job);
}

static void finish_work(struct io_job *job)
{
    struct sorter *s = CONTAINER_OF(job, struct sorter, job);

    s->job_err = 0;
    for (size_t i = 0; s->job_err == 0 && i < s->outs.count; i++)
        s->job_err = sort_out_finish(s->site, s->outs.items[i], s->hot->epoch);
    if (s->job_err == 0 && s->outs.count > 0)
        s->job_err = disk_sync_dir(s->site->disk, s->site->dir);
}

static void finish_done(struct io_job *job)
{
    struct sorter *s = CONTAINER_OF(job, struct sorter, job);

    if (s->job_err == 0 && is_overtaken(s)) {
        start_abort(s);
        return;
    }
    if (s->job_err != 0 || s->is_closed || !can_publish(s)) {
        run_failed(s, s->job_err);
        return;
    }
    if (!rules_finish(s))
        publish(s);
    end_run(s);
}

static void start_finish(struct sorter *s)
{
    s->job.work = finish_work;
    s->job.done = finish_done;
    io_submit(s->site->io, &s->job);
}

static void abort_work(struct io_job *job)
{
    struct sorter *s = CONTAINER_OF(job, struct sorter, job);

    for (size_t i = 0; i < s->outs.count; i++) {
        struct site_path path = segment_path(s->site, s->outs.items[i]->segment);
        (void)!disk_remove(s->site->disk, path.text);
    }
}

static void abort_done(struct io_job *job)
{
    struct sorter *s = CONTAINER_OF(job, struct sorter, job);

    rules_abort(s);
    end_run(s);
}

static void start_abort(struct sorter *s)
{
    s->job.work = abort_work;
    s->job.done = abort_done;
    io_submit(s->site->io, &s->job);
}
