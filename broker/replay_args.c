/* The arguments of a binding that ask for a replay. */
#include "broker/define.h"
#include "broker/replay_parts.h"
#include "exchange/exchange.h"
#include "msg/table_writer.h"

static const struct bytes own_names[] = {
    {(const uint8_t *)"x-replay-from", 13},
    {(const uint8_t *)"x-replay-until", 14},
};

struct table replay_strip(struct table arguments, struct buf *out)
{
    struct table stripped = {{NULL, 0}};
    int rv = 0;

    buf_clear(out);
    table_rewrite(arguments, (struct table){{NULL, 0}}, own_names, ARRAY_SIZE(own_names), out);
    rv = table_decode(buf_view(out), &stripped);
    ASSERT(rv == 0 && buf_error(out) == 0);
    return stripped;
}

static int refuse_source(const struct visit *v, const struct define_binding *d, const char *why,
                         struct refusal *refusal)
{
    return refuse(refusal, REFUSE_PRECONDITION,
                  "invalid arg 'x-replay-from' for binding of exchange '%.*s' in vhost '%.*s': %s",
                  SHOW(d->source), SHOW(v->vhost->name), why);
}

static int check_source(const struct visit *v, const struct define_binding *d,
                        const struct exchange *source, struct refusal *refusal)
{
    static const char *const types[] = {"direct", "fanout", "topic", "headers"};
    struct bytes type = exchange_spec(source).type;
    bool is_fit = false;

    for (size_t i = 0; i < ARRAY_SIZE(types); i++)
        is_fit = is_fit || bytes_equal(type, bytes_text(types[i]));
    if (d->is_to_exchange)
        return refuse_source(v, d, "only a queue can get a replay", refusal);
    if (exchange_log(source) == 0)
        return refuse_source(v, d, "the exchange keeps no log; declare it with x-log", refusal);
    if (!is_fit)
        return refuse_source(
            v, d, "only exchanges of type direct, fanout, topic and headers can be replayed",
            refusal);
    return 0;
}

/* One of the two arguments, read as RabbitMQ's x-stream-offset. */
static int read_start(struct visit *v, const struct define_binding *d, const char *name,
                      struct stream_start *out, struct refusal *refusal)
{
    const struct stream_args_of of = {
        .queue = d->destination, .vhost = v->vhost->name, .now_ms = io_wall_ms(v->broker->io)};
    struct err_note note = {{0}};

    if (stream_start_read(d->arguments, name, &of, out, &note) != 0)
        return refuse(refusal, REFUSE_PRECONDITION, "%s", note.text);
    return 0;
}

static int refuse_value(const struct visit *v, const struct define_binding *d, const char *name,
                        const char *allowed, struct refusal *refusal)
{
    return refuse(refusal, REFUSE_PRECONDITION,
                  "invalid arg '%s' for queue '%.*s' in vhost '%.*s': it takes %s", name,
                  SHOW(d->destination), SHOW(v->vhost->name), allowed);
}

static int read_until(struct visit *v, const struct define_binding *d, struct replay_wish *wish,
                      struct refusal *refusal)
{
    static const char allowed[] =
        "an offset, a timestamp of the past, \"now\", or a time ago as \"2h\"";
    const char *name = "x-replay-until";
    struct stream_start until;
    struct bytes text;
    struct field f;
    int rv = 0;

    if (!table_find(d->arguments, bytes_text(name), &f))
        return 0;
    wish->is_one_off = true;
    if (field_as_text(&f, &text) && bytes_equal(text, bytes_text("now"))) {
        wish->until_now = true;
        return 0;
    }
    rv = read_start(v, d, name, &until, refusal);
    if (rv != 0)
        return rv;
    if (until.kind == STREAM_TIME && until.value <= io_wall_ms(v->broker->io))
        wish->until_ms = until.value;
    else if (until.kind == STREAM_OFFSET && until.value >= 0)
        wish->until_offset = (uint64_t)until.value;
    else
        return refuse_value(v, d, name, allowed, refusal);
    return 0;
}

int replay_read_wish(struct visit *v, const struct define_binding *d, const struct exchange *source,
                     struct replay_wish *out, struct refusal *refusal)
{
    struct replay_wish wish = {.until_offset = UINT64_MAX, .until_ms = INT64_MAX};
    struct field f;
    int rv = 0;

    wish.is_on = table_find(d->arguments, own_names[0], &f);
    if (!wish.is_on && table_find(d->arguments, own_names[1], &f))
        return refuse_value(v, d, "x-replay-until", "effect only beside x-replay-from", refusal);
    if (wish.is_on)
        rv = check_source(v, d, source, refusal);
    if (wish.is_on && rv == 0)
        rv = read_start(v, d, "x-replay-from", &wish.from, refusal);
    if (wish.is_on && rv == 0 && (wish.from.kind == STREAM_NEXT || wish.from.kind == STREAM_LAST))
        rv = refuse_value(v, d, "x-replay-from",
                          "\"first\", an offset, a timestamp, or a time ago as \"2h\"", refusal);
    if (wish.is_on && rv == 0)
        rv = read_until(v, d, &wish, refusal);
    if (rv == 0)
        *out = wish;
    return rv;
}
