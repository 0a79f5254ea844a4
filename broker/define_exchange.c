/* Declaring and deleting exchanges. */
#include <stdio.h>

#include "broker/access.h"
#include "broker/apply.h"
#include "broker/define.h"
#include "broker/events.h"
#include "broker/exchange_log.h"
#include "broker/holder.h"
#include "broker/parts.h"
#include "exchange/exchange.h"
#include "msg/shortstr.h"

static const struct bytes alternate_key = {(const uint8_t *)"alternate-exchange", 18};

static int refuse_default(struct refusal *refusal)
{
    return refuse(refusal, REFUSE_ACCESS, "operation not permitted on the default exchange");
}

static int refuse_difference(const struct visit *v, const struct define_exchange *d,
                             const struct exchange_difference *difference, struct refusal *refusal)
{
    return refuse(refusal, REFUSE_PRECONDITION,
                  "inequivalent arg '%s' for exchange '%.*s' in vhost '%.*s': received '%.*s' but "
                  "current is '%.*s'",
                  difference->argument, SHOW(d->name), SHOW(v->vhost->name),
                  SHOW(difference->received), SHOW(difference->current));
}

/* One side of an argument that differs, as RabbitMQ says it. */
static void show_alternate(struct bytes name, char *out, size_t size)
{
    int used = name.data == NULL
                   ? snprintf(out, size, "none")
                   : snprintf(out, size, "the value '%.*s' of type 'longstr'", SHOW(name));

    ASSERT(used > 0);
}

static int refuse_alternate(const struct visit *v, const struct define_exchange *d,
                            const struct exchange_difference *difference, struct refusal *refusal)
{
    char received[SHORTSTR_MAX + 64];
    char current[SHORTSTR_MAX + 64];

    show_alternate(difference->received, received, sizeof(received));
    show_alternate(difference->current, current, sizeof(current));
    return refuse(refusal, REFUSE_PRECONDITION,
                  "inequivalent arg 'alternate-exchange' for exchange '%.*s' in vhost '%.*s': "
                  "received %s but current is %s",
                  SHOW(d->name), SHOW(v->vhost->name), received, current);
}

/* ---- a new one ---- */

static int check_alternate(const struct visit *v, const struct define_exchange *d,
                           struct refusal *refusal)
{
    struct field f;
    struct bytes name;
    int rv = 0;

    if (!table_find(d->arguments, alternate_key, &f))
        return 0;
    if (!field_as_text(&f, &name))
        return refuse(refusal, REFUSE_PRECONDITION,
                      "invalid type '%s' for arg 'alternate-exchange' in exchange '%.*s' in vhost "
                      "'%.*s'",
                      field_type_name(&f), SHOW(d->name), SHOW(v->vhost->name));
    rv = access_exchange(v, d->name, AUTH_READ, refusal);
    return rv == 0 ? access_exchange(v, name, AUTH_WRITE, refusal) : rv;
}

static int check_new(const struct visit *v, const struct define_exchange *d,
                     struct refusal *refusal)
{
    const struct broker *b = v->broker;
    int64_t limit = b->options->exchanges_max;

    if (shortstr_is_reserved(d->name))
        return refuse(refusal, REFUSE_ACCESS,
                      "exchange name '%.*s' contains reserved prefix 'amq.*'", SHOW(d->name));
    if (limit > 0 && exchange_count(v->vhost->table) >= (size_t)limit)
        return refuse(refusal, REFUSE_PRECONDITION,
                      "cannot declare exchange '%.*s' in vhost '%.*s': exchange limit of %lld is "
                      "reached",
                      SHOW(d->name), SHOW(v->vhost->name), (long long)limit);
    if (definitions_are_full(&b->definitions))
        return refuse(refusal, REFUSE_RESOURCE, "too many definitions wait for the disk");
    return check_alternate(v, d, refusal);
}

static void keep_definition(struct visit *v, const struct define_exchange *d)
{
    struct broker *b = v->broker;
    uint64_t id = definitions_take_id(&b->definitions);

    exchange_term_encode(
        &(struct exchange_term){
            .vhost = v->vhost->id,
            .name = d->name,
            .id = id,
            .flags = (uint8_t)((d->is_auto_delete ? TERM_AUTO_DELETE : 0) |
                               (d->is_internal ? TERM_INTERNAL : 0)),
            .type = d->type,
            .arguments = d->arguments,
        },
        &b->terms);
    definitions_put(&b->definitions, DEFINITION_EXCHANGE, buf_view(&b->terms.key),
                    buf_view(&b->terms.body));
    vhost_set_exchange_id(v->vhost, d->name, id);
}

static int declare(struct visit *v, const struct define_exchange *d, struct refusal *refusal)
{
    bool is_new = exchange_find(v->vhost->table, d->name) == NULL;
    const struct exchange_spec spec = {
        .name = d->name,
        .type = d->type,
        .is_durable = d->is_durable,
        .is_auto_delete = d->is_auto_delete,
        .is_internal = d->is_internal,
        .arguments = d->arguments,
    };
    struct exchange_difference difference;
    struct err_note note = {{0}};
    struct exchange *x = NULL;
    bool has_log = false;
    int rv = is_new ? check_new(v, d, refusal) : 0;

    if (rv == 0 && is_new)
        rv = exchange_log_check(v, d, &has_log, refusal);
    if (rv != 0)
        return rv;
    rv = exchange_declare(v->vhost->table, &spec, &x, &difference, &note);
    if (rv == ERR_EXISTS && bytes_equal(bytes_text(difference.argument), alternate_key))
        return refuse_alternate(v, d, &difference, refusal);
    if (rv == ERR_EXISTS)
        return refuse_difference(v, d, &difference, refusal);
    if (rv != 0)
        return refuse(refusal, REFUSE_PRECONDITION, "%s", note.text);
    if (!is_new)
        return exchange_log_compare(v, d, x, refusal);
    v->vhost->version++;
    apply_to_exchange(v->vhost, x);
    if (d->is_durable)
        keep_definition(v, d);
    holder_declare(v->vhost, x, vhost_exchange_id(v->vhost, d->name));
    exchange_log_attach(v->vhost, x, true);
    event_of_exchange(v->vhost, x, "exchange.created");
    return 0;
}

static int look_up(struct visit *v, struct bytes name, struct refusal *refusal)
{
    int rv = access_exchange_at_all(v, name, refusal);

    if (rv == 0 && exchange_find(v->vhost->table, name) == NULL)
        rv = refuse_no_exchange(v, name, refusal);
    return rv;
}

int define_exchange(struct visit *v, const struct define_exchange *d, struct refusal *refusal)
{
    uint8_t area[SHORTSTR_MAX];
    struct define_exchange plain = *d;
    int rv = 0;

    plain.name = shortstr_without_line_ends(d->name, area);
    if (!d->is_passive && !exchange_type_is_known(d->type))
        return refuse(refusal, REFUSE_PRECONDITION, "unknown exchange type '%.*s'", SHOW(d->type));
    if (plain.name.size == 0)
        return refuse_default(refusal);
    if (d->is_passive)
        return look_up(v, plain.name, refusal);
    rv = access_exchange(v, plain.name, AUTH_CONFIGURE, refusal);
    return rv == 0 ? declare(v, &plain, refusal) : rv;
}

/* ---- delete ---- */

int define_exchange_delete(struct visit *v, struct bytes name, bool if_unused,
                           struct refusal *refusal)
{
    uint8_t area[SHORTSTR_MAX];
    struct bytes plain = shortstr_without_line_ends(name, area);
    struct exchange *x = NULL;
    int rv = 0;

    if (plain.size == 0)
        return refuse_default(refusal);
    if (shortstr_is_reserved(plain))
        return refuse(refusal, REFUSE_ACCESS,
                      "deletion of system exchange '%.*s' in vhost '%.*s' not allowed", SHOW(plain),
                      SHOW(v->vhost->name));
    rv = access_exchange(v, plain, AUTH_CONFIGURE, refusal);
    x = rv == 0 ? exchange_find(v->vhost->table, plain) : NULL;
    if (x == NULL)
        return rv;
    if (exchange_delete(v->vhost->table, x, if_unused) == ERR_BUSY)
        return refuse(refusal, REFUSE_PRECONDITION, "exchange '%.*s' in vhost '%.*s' in use",
                      SHOW(plain), SHOW(v->vhost->name));
    return 0;
}
