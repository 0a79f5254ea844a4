/* Takes lines of diagnostics out of the tap, and publishes them. */
#include "broker/diag_exchange.h"

#include <inttypes.h>

#include "base/diag.h"
#include "base/diag_tap.h"
#include "base/units.h"
#include "broker/announce.h"
#include "broker/parts.h"
#include "broker/publisher.h"
#include "exchange/exchange.h"
#include "msg/table_writer.h"

enum { PROPS_MAX = 4 * KIB };

void diag_exchange_init(struct diag_exchange *d)
{
    buf_init(&d->headers, PROPS_MAX);
    buf_init(&d->props, PROPS_MAX);
}

void diag_exchange_release(struct diag_exchange *d)
{
    buf_release(&d->headers);
    buf_release(&d->props);
}

/* Where lines go; false: nobody is bound. */
static bool find_place(const struct broker *b, struct vhost **v, struct exchange **x)
{
    *v = vhost_find(b, bytes_text(b->options->default_vhost));
    *x = *v == NULL ? NULL : exchange_find((*v)->table, bytes_text(DIAG_EXCHANGE));
    return *x != NULL && exchange_is_used(*x);
}

/* RabbitMQ's: the form, the second, the node. False: the node's name is too long for it. */
static bool make_props(struct diag_exchange *d, struct bytes line, struct props *out)
{
    const struct broker *b = d->broker;
    bool is_json = line.size > 0 && line.data[0] == '{';
    struct table_writer w;
    struct table headers;
    struct props_edit edit;

    buf_clear(&d->headers);
    table_writer_init(&w, &d->headers);
    table_writer_text(&w, "node", bytes_text(b->options->node_name));
    if (table_writer_finish(&w, &headers) != 0)
        return false;
    props_edit_init(&edit, NULL);
    props_set_text(&edit, PROP_CONTENT_TYPE,
                   bytes_text(is_json ? "application/json" : "text/plain"));
    props_set_time(&edit, PROP_TIMESTAMP, (uint64_t)(io_wall_ms(b->io) / 1000));
    props_set_headers(&edit, headers);
    buf_clear(&d->props);
    props_encode(&edit, &d->props);
    return buf_error(&d->props) == 0 && props_decode(buf_view(&d->props), out) == 0;
}

static void publish_line(void *owner, enum diag_level level, struct bytes line)
{
    struct diag_exchange *d = (struct diag_exchange *)owner;
    struct message m = {.exchange = bytes_text(DIAG_EXCHANGE),
                        .routing_key = bytes_text(diag_level_name(level)),
                        .body = &line,
                        .body_count = 1,
                        .body_size = line.size};
    struct vhost *v = NULL;
    struct exchange *x = NULL;

    if (find_place(d->broker, &v, &x) && make_props(d, line, &m.props))
        announcement_route(v, x, &m);
}

static void on_timer(struct io_timer *t)
{
    struct diag_exchange *d = CONTAINER_OF(t, struct diag_exchange, timer);
    uint64_t lost = diag_tap_take(publish_line, d);

    if (lost > 0)
        diag(DIAG_WARNING, "broker",
             "lines of diagnostics were lost on the way to '" DIAG_EXCHANGE "' count=%" PRIu64,
             lost);
    io_timer_start(d->broker->io, &d->timer, DIAG_EXCHANGE_MS * UINT64_C(1000000));
}

void diag_exchange_start(struct diag_exchange *d, struct broker *b)
{
    if (!b->options->has_diag_exchange)
        return;
    d->broker = b;
    diag_tap_open();
    io_timer_init(&d->timer, on_timer);
    io_timer_start(b->io, &d->timer, DIAG_EXCHANGE_MS * UINT64_C(1000000));
}

void diag_exchange_stop(struct diag_exchange *d)
{
    if (d->broker == NULL)
        return;
    io_timer_stop(d->broker->io, &d->timer);
    diag_tap_close();
    d->broker = NULL;
}
