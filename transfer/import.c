/* Importing: the whole document is looked at, then applied thing by thing, some in each turn. */
#include "base/mem.h"
#include "broker/broker.h"
#include "io/io.h"
#include "transfer/json_table.h"
#include "transfer/things.h"
#include "transfer/transfer.h"

enum {
    THINGS_A_TURN = 256,
    FULL_RETRY_MS = 20,
};

struct transfer_import {
    struct transfer_import_open open;
    struct things things;
    char *vhost;
    size_t section;
    size_t index;
    bool is_waiting;      /* `waiter` is with the broker */
    struct io_timer next; /* turn in which it goes on */
    struct broker_waiter waiter;
};

static void import_free(struct transfer_import *im)
{
    io_timer_stop(broker_io(im->open.broker), &im->next);
    if (im->is_waiting)
        broker_wait_cancel(&im->waiter);
    buf_release(&im->things.area);
    mem_free(im->vhost);
    mem_free(im);
}

static void end(struct transfer_import *im, int err, const struct err_note *note)
{
    const struct transfer_import_open open = im->open;

    import_free(im);
    open.done(open.owner, err, note);
}

static void on_safe(struct broker_waiter *w, int err)
{
    struct transfer_import *im = CONTAINER_OF(w, struct transfer_import, waiter);
    struct err_note note = {{0}};

    im->is_waiting = false;
    if (err != 0)
        (void)err_note(&note, err, "what was imported could not be stored: %s", err_text(err));
    end(im, err, &note);
}

/* The list of a section; NULL: there is nothing in it. */
static int find_list(const struct transfer_import *im, size_t section, const json_t **out,
                     struct err_note *note)
{
    const struct thing_section *s = &thing_sections[section];
    const json_t *list = json_object_get(im->open.document, s->name);

    *out = NULL;
    if (list == NULL || json_is_null(list) || (s->is_of_cluster && im->vhost != NULL))
        return 0;
    if (!json_is_array(list))
        return err_note(note, ERR_INVALID, "key '%s' must be a list", s->name);
    *out = list;
    return 0;
}

/* Takes things until there are no more of them or so many are taken; *left says how many more may
 * be. */
static int take_things(struct transfer_import *im, size_t *left, struct err_note *note)
{
    const json_t *list = NULL;
    int rv = find_list(im, im->section, &list, note);

    while (rv == 0 && *left > 0 && im->index < json_array_size(list)) {
        const json_t *item = json_array_get(list, im->index);

        if (!json_is_object(item))
            return err_note(note, ERR_INVALID, "each item of '%s' must be an object",
                            thing_sections[im->section].name);
        rv = thing_sections[im->section].take(&im->things, item, note);
        if (rv != 0)
            return rv;
        im->index++;
        (*left)--;
    }
    if (rv == 0 && im->index == json_array_size(list)) {
        im->section++;
        im->index = 0;
    }
    return rv;
}

/* ERR_AGAIN: there is more. */
static int work(struct transfer_import *im, struct err_note *note)
{
    size_t left = THINGS_A_TURN;
    int rv = 0;

    while (rv == 0 && left > 0 && im->section < THING_SECTIONS)
        rv = take_things(im, &left, note);
    if (rv == 0 && im->section == THING_SECTIONS && !im->things.is_real) {
        im->things.is_real = true;
        im->section = 0;
        im->index = 0;
    }
    return rv == 0 && im->section < THING_SECTIONS ? ERR_AGAIN : rv;
}

static void go_on(struct transfer_import *im, uint64_t delay_ms)
{
    io_timer_start(broker_io(im->open.broker), &im->next, delay_ms * UINT64_C(1000000));
}

static void on_next(struct io_timer *timer)
{
    struct transfer_import *im = CONTAINER_OF(timer, struct transfer_import, next);
    struct err_note note = {{0}};
    int rv = work(im, &note);

    if (rv == ERR_AGAIN) {
        go_on(im, 0);
    } else if (rv == ERR_FULL) { /* the disk is behind; what was taken is not taken again */
        go_on(im, FULL_RETRY_MS);
    } else if (rv != 0) {
        end(im, rv, &note);
    } else {
        im->is_waiting = broker_wait(im->open.broker, &im->waiter);
        if (!im->is_waiting)
            end(im, 0, &note);
    }
}

struct transfer_import *transfer_import(const struct transfer_import_open *o)
{
    struct transfer_import *im = MEM_NEW(struct transfer_import);

    im->open = *o;
    im->things.broker = o->broker;
    im->things.document = o->document;
    if (o->vhost.data != NULL) {
        im->vhost = (char *)mem_alloc(o->vhost.size + 1);
        memcpy(im->vhost, o->vhost.data, o->vhost.size);
        im->things.vhost = bytes_of(im->vhost, o->vhost.size);
    }
    buf_init(&im->things.area, THING_TABLE_MAX);
    im->waiter.done = on_safe;
    io_timer_init(&im->next, on_next);
    go_on(im, 0);
    return im;
}

void transfer_import_cancel(struct transfer_import *im)
{
    import_free(im);
}
