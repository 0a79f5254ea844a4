/* Fuzz target: definitions as JSON, imported into a broker in the simulated world.
 *
 *     | 0: of a cluster, 1: of the virtual host "/", u8 | JSON ... |
 *
 * A document is refused with a reason, or what it defines is exported again, can be imported again
 * without a change, and, if all of it is durable, is the same after a crash. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/diag.h"
#include "base/units.h"
#include "http/api/json_in.h"
#include "tests/lib/test.h"
#include "tests/sim/world.h"
#include "transfer/transfer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { EXPORT_MAX = 1 << 24, EXPORT_PIECE = 4096 };

struct outcome {
    bool is_done;
    int err;
};

static void on_done(void *owner, int err, const struct err_note *note)
{
    struct outcome *o = owner;

    ASSERT(err == 0 || note->text[0] != '\0');
    ASSERT(err != ERR_FAILED); /* the disk is well */
    *o = (struct outcome){.is_done = true, .err = err};
}

static bool is_done(void *owner)
{
    return ((struct outcome *)owner)->is_done;
}

static int import(struct world *w, const json_t *document, struct bytes vhost)
{
    struct outcome o = {0};
    const struct transfer_import_open open = {
        .broker = w->broker, .document = document, .vhost = vhost, .owner = &o, .done = on_done};

    (void)transfer_import(&open);
    bool is_over = sim_run_until(w->sim, is_done, &o, WORLD_PATIENCE_NS);
    ASSERT(is_over);
    broker_check(w->broker);
    return o.err;
}

/* The whole broker as text, which must be JSON that an interface would take. */
static json_t *export_all(struct world *w)
{
    const struct transfer_export_open open = {.broker = w->broker,
                                              .rabbit_version = "4.1.4",
                                              .product_version = "1.0.0",
                                              .cluster_name = "here"};
    struct transfer_export *e = transfer_export_new(&open);
    struct err_note note = {{0}};
    json_t *out = NULL;
    struct buf text;

    buf_init(&text, EXPORT_MAX);
    while (transfer_export_next(e, &text, text.size + EXPORT_PIECE))
        ASSERT(buf_error(&text) == 0);
    transfer_export_free(e);
    int rv = json_in_read(buf_view(&text), false, &out, &note);
    ASSERT(rv == 0);
    buf_release(&text);
    return out;
}

static void expect_same(struct world *w, const json_t *before)
{
    json_t *after = export_all(w);

    ASSERT(json_equal(before, after));
    json_decref(after);
}

/* Whether something of that section goes with a crash. */
static bool is_transient(const json_t *all, const char *section)
{
    const json_t *list = json_object_get(all, section);

    for (size_t i = 0; i < json_array_size(list); i++)
        if (json_is_false(json_object_get(json_array_get(list, i), "durable")))
            return true;
    return false;
}

static void check_kept(struct world *w)
{
    json_t *all = export_all(w);
    int rv = import(w, all, bytes_of(NULL, 0));

    ASSERT(rv == 0);
    expect_same(w, all);
    world_crash(w, SIM_DEATH_PROCESS, NULL);
    world_open(w);
    if (!is_transient(all, "queues") && !is_transient(all, "exchanges"))
        expect_same(w, all);
    broker_check(w->broker);
    json_decref(all);
}

static void try_document(const json_t *document, struct bytes vhost)
{
    static struct world w;

    world_init(&w);
    w.broker_options.disk_min_bytes = 0;
    w.log_options.segment_bytes = 256 * KIB;
    w.log_options.block_bytes = 16 * KIB;
    world_open(&w);
    (void)import(&w, document, vhost);
    check_kept(&w);
    world_release(&w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err_note note = {{0}};
    json_t *document = NULL;

    if (size == 0)
        return 0;
    json_in_init();
    diag_set_level(DIAG_OFF);
    int rv = json_in_read(bytes_of(data + 1, size - 1), false, &document, &note);
    ASSERT(rv == 0 || (rv == ERR_INVALID && note.text[0] != '\0'));
    if (rv == 0)
        try_document(document, (data[0] & 1) != 0 ? bytes_text("/") : bytes_of(NULL, 0));
    json_decref(document);
    return 0;
}
