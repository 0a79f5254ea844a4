/* What a log is made of. Only log.c, lanes.c, close.c and cursor.c see it; each part knows
 * only itself. */
#ifndef LOG_LOG_PARTS_H
#define LOG_LOG_PARTS_H

#include "io/io.h"
#include "log/keeper.h"
#include "log/log.h"
#include "log/sorter.h"
#include "log/watermark.h"

/* A trim that came while a sorter run was under way: what it brings must be trimmed too. */
struct log_late_trim {
    uint64_t destination;
    uint64_t number;
};

/* The renewal of the watermark. */
struct log_marks {
    struct watermark watermark; /* as last written */
    struct watermark next;      /* being written */
    struct io_timer timer;
    struct io_job job;
    bool is_busy;
    bool is_last;    /* of what is being written: nothing comes after it */
    bool is_settled; /* both slots say what was last written */
    int err;
};

/* The checkpoints there are, and the one being written. */
struct log_checkpoints {
    uint64_t kept[2]; /* older, newer; UINT64_MAX: none */
    struct io_job job;
    bool is_busy;
    uint64_t position;
    uint64_t drop; /* the one that goes, or UINT64_MAX */
    uint8_t *state;
    size_t size;
    int err;
};

/* The way to a closed log. */
struct log_closing {
    bool is_on;
    struct io_timer timer;
    void (*closed)(void *owner);
    void *owner;
};

struct log {
    struct site site;
    char *dir; /* owned; site.dir is the same */
    struct log_owner owner;
    struct cache cache;
    struct spares spares;
    struct hot hot;
    struct cold cold;
    struct keeper keeper;
    struct sorter sorter;
    uint32_t cursors;

    struct log_marks marks;
    struct log_checkpoints checkpoints;
    struct log_closing closing;

    struct log_late_trim *late_trims;
    size_t late_trim_count;
    size_t late_trim_capacity;

    bool is_pressed; /* as last told */
    struct io_task pressure_task;
};

/* lanes.c: after a sorter run, what was trimmed meanwhile. */
void log_apply_late_trims(struct log *l);

/* log.c: tells the owner when pressure has begun or ended. */
void log_look_at_pressure(struct log *l);

/* marks.c: sets up the jobs for watermark and checkpoints. */
void log_init_marks(struct log *l);
/* Whether the watermark is behind; at the end of a log also whether only one slot is not. */
bool log_mark_lags(const struct log *l);
/* Renews it then. */
void log_mark(struct log *l);

#endif
