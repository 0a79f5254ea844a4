/* A cursor, and what it should find. */
#include "tools/bench/readback.h"

#include <inttypes.h>

#include "tools/bench/body.h"
#include "tools/bench/stage.h"

struct readback {
    struct stage *stage;
    struct cursor *cursor;
    struct io_task start;
    uint64_t next;
    uint64_t body_bytes;
    int err; /* what the cursor said last */
};

static void read_on(void *owner)
{
    struct readback *b = owner;
    struct record r;

    while ((b->err = cursor_next(b->cursor, &r)) == 0) {
        if (r.number != b->next || !body_is(r.body, r.number)) {
            b->err = ERR_CORRUPT;
            break;
        }
        b->next++;
        b->body_bytes += r.body.size;
    }
    if (b->err != ERR_AGAIN)
        stage_stop(b->stage);
}

static void start(struct io_task *t)
{
    read_on(CONTAINER_OF(t, struct readback, start));
}

int readback_run(struct stage *s, const struct readback_options *o, struct readback_result *out)
{
    struct readback b = {.stage = s, .next = o->first};
    struct machine_usage from;
    int rv;

    machine_usage(&from);
    b.cursor = cursor_open(s->log, o->lane, o->destination, o->first);
    cursor_set_ready(b.cursor, read_on, &b);
    io_task_init(&b.start, start);
    io_later(s->io, &b.start);
    rv = stage_run(s);
    cursor_close(b.cursor);
    *out = (struct readback_result){
        .records = b.next - o->first,
        .body_bytes = b.body_bytes,
        .used = machine_usage_since(&from),
    };
    if (rv == 0 && (b.err != ERR_NOT_FOUND || b.next != o->end))
        rv = err_note(s->note, ERR_CORRUPT,
                      "record %" PRIu64 " of %" PRIu64 " to %" PRIu64
                      " is not what was appended: %s",
                      b.next, o->first, o->end, err_text(b.err));
    return rv;
}
