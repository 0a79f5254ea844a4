/* Declaring and deleting queues. */
#include <inttypes.h>

#include "broker/access.h"
#include "broker/base64url.h"
#include "broker/define.h"
#include "broker/define_parts.h"
#include "broker/exchange_log.h"
#include "broker/parts.h"
#include "broker/replies.h"
#include "msg/shortstr.h"
#include "msg/table_writer.h"
#include "queue/queue.h"

enum { RANDOM_SIZE = 16, RANDOM_TEXT = 22, PREFIX_MAX = 64 };

static const struct bytes dead_letter_key = {(const uint8_t *)"x-dead-letter-exchange", 22};

/* ---- names that the broker makes ---- */

static int find_prefix(const struct visit *v, const struct define_queue *d, struct bytes *out,
                       struct refusal *refusal)
{
    struct field f;

    *out = bytes_text("amq.gen");
    if (!table_find(d->arguments, bytes_text("x-name-prefix"), &f))
        return 0;
    if (!field_as_text(&f, out))
        return refuse(refusal, REFUSE_PRECONDITION,
                      "invalid arg 'x-name-prefix' for queue '' in vhost '%.*s': "
                      "{unacceptable_type,%s}",
                      SHOW(v->vhost->name), field_type_name(&f));
    if (out->size > PREFIX_MAX || shortstr_check(*out) != 0)
        return refuse(refusal, REFUSE_PRECONDITION,
                      "invalid arg 'x-name-prefix' for queue '' in vhost '%.*s': at most %d bytes "
                      "of text are allowed",
                      SHOW(v->vhost->name), (int)PREFIX_MAX);
    if (shortstr_is_reserved(*out))
        return refuse(refusal, REFUSE_ACCESS, "queue name '%.*s' contains reserved prefix 'amq.*'",
                      SHOW(*out));
    return 0;
}

/* Writes a name that nobody has or guesses. */
static int make_name(const struct visit *v, const struct define_queue *d, uint8_t *area,
                     struct bytes *out, struct refusal *refusal)
{
    uint8_t random[RANDOM_SIZE];
    char text[RANDOM_TEXT + 1];
    struct bytes prefix;
    struct writer w = writer_of(area, SHORTSTR_MAX);
    int rv = find_prefix(v, d, &prefix, refusal);

    if (rv != 0)
        return rv;
    put_le64(random, io_random(v->broker->io));
    put_le64(random + 8, io_random(v->broker->io));
    base64url_encode(bytes_of(random, sizeof(random)), text);
    writer_bytes(&w, prefix);
    writer_u8(&w, '-');
    writer_bytes(&w, bytes_of(text, RANDOM_TEXT));
    ASSERT(!w.is_failed);
    *out = writer_view(&w);
    return 0;
}

/* ---- x-colocate ---- */

/* The name of the queue that this one is to be together with; no data: it does not say. */
static int read_neighbour(const struct visit *v, const struct define_queue *d, struct bytes *out,
                          struct refusal *refusal)
{
    struct field f;

    *out = bytes_of(NULL, 0);
    if (!table_find(d->arguments, bytes_text("x-colocate"), &f) || field_as_text(&f, out))
        return 0;
    return refuse(refusal, REFUSE_PRECONDITION,
                  "invalid arg 'x-colocate' for queue '%.*s' in vhost '%.*s': "
                  "{unacceptable_type,%s}",
                  SHOW(d->name), SHOW(v->vhost->name), field_type_name(&f));
}

/* The partition of a new queue: that of its neighbour, who must be there. */
static int choose_home(const struct visit *v, const struct define_queue *d, struct home **out,
                       struct refusal *refusal)
{
    struct named_queue *neighbour = NULL;
    struct bytes name;
    int rv = read_neighbour(v, d, &name, refusal);

    *out = home_with_fewest(v->broker);
    if (rv == 0 && name.data != NULL)
        rv = access_queue_at_all(v, name, refusal);
    if (rv != 0 || name.data == NULL)
        return rv;
    neighbour = vhost_find_queue(v->vhost, name);
    if (neighbour == NULL)
        return refuse(
            refusal, REFUSE_PRECONDITION,
            "invalid arg 'x-colocate' for queue '%.*s' in vhost '%.*s': there is no queue "
            "'%.*s'; declare it first",
            SHOW(d->name), SHOW(v->vhost->name), SHOW(name));
    *out = neighbour->home;
    return 0;
}

/* One that is there is where it is; a neighbour that is gone since asks for nothing. */
static int check_home(const struct visit *v, const struct define_queue *d,
                      const struct named_queue *q, struct refusal *refusal)
{
    const struct named_queue *neighbour = NULL;
    struct bytes name;
    int rv = read_neighbour(v, d, &name, refusal);

    if (rv == 0 && name.data != NULL)
        neighbour = vhost_find_queue(v->vhost, name);
    if (neighbour == NULL || neighbour->home == q->home)
        return rv;
    return refuse(refusal, REFUSE_PRECONDITION,
                  "inequivalent arg 'x-colocate' for queue '%.*s' in vhost '%.*s': queue '%.*s' is "
                  "on another partition",
                  SHOW(d->name), SHOW(v->vhost->name), SHOW(name));
}

/* ---- one that is there ---- */

static int refuse_difference(const struct visit *v, const struct define_queue *d,
                             const char *argument, bool received, struct refusal *refusal)
{
    return refuse(refusal, REFUSE_PRECONDITION,
                  "inequivalent arg '%s' for queue '%.*s' in vhost '%.*s': received '%s' but "
                  "current is '%s'",
                  argument, SHOW(d->name), SHOW(v->vhost->name), received ? "true" : "false",
                  received ? "false" : "true");
}

static int check_equivalence(const struct visit *v, const struct define_queue *d,
                             const struct named_queue *q, struct refusal *refusal)
{
    struct err_note note = {{0}};

    if (q->owner != (d->is_exclusive ? v : NULL))
        return refuse_locked(v, d->name, refusal);
    if (queue_is_durable(q->queue) != d->is_durable)
        return refuse_difference(v, d, "durable", d->is_durable, refusal);
    if (queue_is_auto_delete(q->queue) != d->is_auto_delete)
        return refuse_difference(v, d, "auto_delete", d->is_auto_delete, refusal);
    if (queue_args_compare(d->arguments, queue_arguments(q->queue), d->name, v->vhost->name,
                           &note) != 0)
        return refuse(refusal, REFUSE_PRECONDITION, "%s", note.text);
    return check_home(v, d, q, refusal);
}

/* ---- a new one ---- */

static int check_dead_letters(const struct visit *v, const struct define_queue *d,
                              struct refusal *refusal)
{
    struct field f;
    struct bytes exchange;
    int rv = 0;

    if (!table_find(d->arguments, dead_letter_key, &f))
        return 0;
    if (!field_as_text(&f, &exchange))
        return refuse(refusal, REFUSE_PRECONDITION,
                      "invalid type '%s' for arg 'x-dead-letter-exchange' in queue '%.*s' in vhost "
                      "'%.*s'",
                      field_type_name(&f), SHOW(d->name), SHOW(v->vhost->name));
    rv = access_queue(v, d->name, AUTH_READ, refusal);
    return rv == 0 ? access_exchange(v, exchange, AUTH_WRITE, refusal) : rv;
}

/* Negative: no limit. */
static int64_t queues_max(const struct visit *v)
{
    int64_t of_node = v->broker->options->queues_max;
    int64_t of_vhost = v->vhost->queues_max;

    if (of_node <= 0)
        return of_vhost;
    return of_vhost >= 0 && of_vhost < of_node ? of_vhost : of_node;
}

/* A stream is durable, shared and stays. */
static int check_stream(const struct visit *v, const struct define_queue *d,
                        struct refusal *refusal)
{
    const char *property = NULL;

    if (d->is_auto_delete)
        property = "auto-delete";
    if (!d->is_durable)
        property = "non-durable";
    if (d->is_exclusive)
        property = "exclusive-owner";
    if (property == NULL)
        return 0;
    return refuse(refusal, REFUSE_PRECONDITION,
                  "invalid property '%s' for queue '%.*s' in vhost '%.*s'", property, SHOW(d->name),
                  SHOW(v->vhost->name));
}

/* The names of the partitions must be free. */
static int check_partitions(const struct visit *v, const struct define_queue *d, uint32_t count,
                            struct refusal *refusal)
{
    uint8_t area[SHORTSTR_MAX];
    struct bytes name;

    for (uint32_t i = 0; i < count; i++) {
        if (!vhost_partition_name(d->name, i, area, &name))
            return refuse(refusal, REFUSE_PRECONDITION,
                          "invalid arg 'x-partitions' for queue '%.*s' in vhost '%.*s': the names "
                          "of the partitions would be longer than %d bytes",
                          SHOW(d->name), SHOW(v->vhost->name), (int)SHORTSTR_MAX);
        if (vhost_find_queue(v->vhost, name) != NULL)
            return refuse(refusal, REFUSE_PRECONDITION,
                          "invalid arg 'x-partitions' for queue '%.*s' in vhost '%.*s': queue "
                          "'%.*s' exists already",
                          SHOW(d->name), SHOW(v->vhost->name), SHOW(name));
    }
    return 0;
}

static int check_new(const struct visit *v, const struct define_queue *d, struct refusal *refusal)
{
    const struct broker *b = v->broker;
    int64_t limit = queues_max(v);
    struct queue_args args;
    struct err_note note = {{0}};
    int rv = check_dead_letters(v, d, refusal);

    if (rv != 0)
        return rv;
    if (d->arguments.bytes.size > TERM_ARGUMENTS_MAX)
        return refuse(refusal, REFUSE_PRECONDITION, "arguments take more than %d bytes",
                      (int)TERM_ARGUMENTS_MAX);
    if (queue_args_read(d->arguments, d->name, v->vhost->name, &args, &note) != 0)
        return refuse(refusal, REFUSE_PRECONDITION, "%s", note.text);
    if (args.type == QUEUE_STREAM)
        rv = check_stream(v, d, refusal);
    if (rv == 0)
        rv = check_partitions(v, d, args.partitions, refusal);
    if (rv != 0)
        return rv;
    if (limit >= 0 && names_count(&v->vhost->queues) + args.partitions >= (size_t)limit)
        return refuse(refusal, REFUSE_PRECONDITION,
                      "cannot declare queue '%.*s': queue limit in vhost '%.*s' (%" PRId64
                      ") is reached",
                      SHOW(d->name), SHOW(v->vhost->name), limit);
    if (definitions_are_full(&b->definitions))
        return refuse(refusal, REFUSE_RESOURCE, "too many definitions wait for the disk");
    return 0;
}

static void keep_definition(struct vhost *v, const struct define_queue *d,
                            const struct named_queue *q)
{
    struct broker *b = v->broker;

    queue_term_encode(
        &(struct queue_term){
            .id = q->id,
            .vhost = v->id,
            .partition = q->home->number,
            .flags = (uint8_t)((d->is_auto_delete ? TERM_AUTO_DELETE : 0) |
                               (q->partition_count > 0 ? TERM_SPREAD : 0)),
            .homes = b->home_count,
            .name = d->name,
            .arguments = d->arguments,
        },
        &b->terms);
    definitions_put(&b->definitions, DEFINITION_QUEUE, buf_view(&b->terms.key),
                    buf_view(&b->terms.body));
}

/* Ids for the queue and the partitions it may have, one behind the other. */
static uint64_t take_ids(struct broker *b, const struct define_queue *d)
{
    struct queue_args args = {.partitions = 0};
    uint64_t id;

    if (!d->is_durable)
        return TRANSIENT_ID | ++b->next_transient_id;
    id = definitions_take_id(&b->definitions);
    if (queue_args_read(d->arguments, d->name, d->name, &args, NULL) == 0)
        for (uint32_t i = 0; i < args.partitions; i++) {
            uint64_t next = definitions_take_id(&b->definitions);

            ASSERT(next == id + 1 + i);
        }
    return id;
}

struct named_queue *define_make_queue(struct vhost *v, const struct define_queue *d,
                                      struct home *home, struct visit *owner)
{
    uint64_t id = take_ids(v->broker, d);
    struct named_queue *q = vhost_add_queue(v, &(struct vhost_queue){
                                                   .id = id,
                                                   .name = d->name,
                                                   .home = home,
                                                   .owner = owner,
                                                   .is_durable = d->is_durable,
                                                   .is_auto_delete = d->is_auto_delete,
                                                   .arguments = d->arguments,
                                               });

    if (d->is_durable)
        keep_definition(v, d, q);
    return q;
}

static void describe(const struct named_queue *q, struct defined_queue *out)
{
    *out = (struct defined_queue){
        .name = queue_name(q->queue),
        .ready = queue_ready_count(q->queue),
        .consumers = queue_consumer_count(q->queue),
    };
}

static int look_up(struct visit *v, struct bytes name, struct defined_queue *out,
                   struct refusal *refusal)
{
    struct named_queue *q = NULL;
    int rv = access_queue_at_all(v, name, refusal);

    if (rv == 0)
        rv = access_find_queue(v, name, &q, refusal);
    if (rv != 0)
        return rv;
    queue_touch(q->queue); /* who looks at it uses it: x-expires */
    describe(q, out);
    return 0;
}

/* Every declaration of amq.rabbitmq.reply-to is a passive one. */
static int look_up_replies(struct visit *v, struct bytes name, struct defined_queue *out,
                           struct refusal *refusal)
{
    if (!bytes_equal(name, bytes_text(REPLY_QUEUE)) && !replies_exist(v->broker, v->vhost, name))
        return refuse_no_queue(v, name, refusal);
    *out = (struct defined_queue){.name = name, .consumers = 1};
    return 0;
}

static int declare(struct visit *v, const struct define_queue *d, struct defined_queue *out,
                   struct refusal *refusal)
{
    struct named_queue *q = vhost_find_queue(v->vhost, d->name);
    struct home *home = NULL;
    int rv = access_queue(v, d->name, AUTH_CONFIGURE, refusal);

    if (rv == 0 && q == NULL)
        rv = choose_home(v, d, &home, refusal);
    if (rv == 0)
        rv = q == NULL ? check_new(v, d, refusal) : check_equivalence(v, d, q, refusal);
    if (rv != 0)
        return rv;
    v->broker->counters.queues_declared++;
    v->broker->counters.queues_created += q == NULL;
    if (q == NULL)
        q = define_make_queue(v->vhost, d, home, d->is_exclusive ? v : NULL);
    else
        queue_touch(q->queue);
    describe(q, out);
    return 0;
}

static bool names_type(struct table arguments)
{
    struct field f;

    return table_find(arguments, bytes_text("x-queue-type"), &f);
}

/* What the virtual host or the node says where the client says nothing: kept like an argument of
 * his. A queue that was declared before they said so stays what it is. */
static void add_default_type(const struct visit *v, struct define_queue *d)
{
    struct broker *b = v->broker;
    const char *type = v->vhost->default_type;
    const struct named_queue *q = vhost_find_queue(v->vhost, d->name);
    struct table_writer w;
    struct table set;
    int rv = 0;

    if (type == NULL && b->options->default_queue_type != BROKER_CLASSIC)
        type = broker_queue_types[b->options->default_queue_type];
    if (type == NULL || !d->is_durable || d->is_auto_delete || names_type(d->arguments) ||
        (q != NULL && !names_type(queue_arguments(q->queue))))
        return;
    buf_clear(&b->scratch.headers);
    buf_clear(&b->scratch.arguments);
    table_writer_init(&w, &b->scratch.headers);
    table_writer_text(&w, "x-queue-type", bytes_text(type));
    rv = table_writer_finish(&w, &set);
    ASSERT(rv == 0);
    table_rewrite(d->arguments, set, NULL, 0, &b->scratch.arguments);
    rv = table_decode(buf_view(&b->scratch.arguments), &d->arguments);
    ASSERT(rv == 0);
}

static bool is_for_stream(struct table arguments)
{
    struct bytes type;
    struct field f;

    return table_find(arguments, bytes_text("x-queue-type"), &f) && field_as_text(&f, &type) &&
           bytes_equal(type, bytes_text("stream"));
}

static bool is_reply_queue(struct bytes name)
{
    struct bytes queue = bytes_text(REPLY_QUEUE);

    return name.size >= queue.size && memcmp(name.data, queue.data, queue.size) == 0;
}

int define_queue(struct visit *v, const struct define_queue *d, struct defined_queue *out,
                 struct refusal *refusal)
{
    uint8_t area[SHORTSTR_MAX];
    struct define_queue plain = *d;
    int rv = 0;

    if (is_reply_queue(d->name))
        return look_up_replies(v, d->name, out, refusal);
    plain.name = shortstr_without_line_ends(d->name, area);
    plain.is_durable = d->is_durable && !d->is_exclusive;
    if (d->is_passive)
        return look_up(v, plain.name, out, refusal);
    if (plain.name.size == 0 && is_for_stream(d->arguments))
        rv = refuse(refusal, REFUSE_PRECONDITION,
                    "Cannot declare a server-named queue for type rabbit_stream_queue");
    else if (plain.name.size == 0)
        rv = make_name(v, d, area, &plain.name, refusal);
    else if (shortstr_is_reserved(plain.name) && v->user != NULL)
        rv = refuse(refusal, REFUSE_ACCESS, "queue name '%.*s' contains reserved prefix 'amq.*'",
                    SHOW(plain.name));
    add_default_type(v, &plain);
    return rv == 0 ? declare(v, &plain, out, refusal) : rv;
}

/* ---- delete ---- */

static int check_delete(const struct visit *v, const struct define_queue_delete *d,
                        const struct named_queue *q, struct refusal *refusal)
{
    const char *why = NULL;
    int rv = access_exclusive(v, q, refusal);

    if (rv == 0)
        rv = exchange_log_refuse(v, q, refusal);
    if (rv != 0)
        return rv;
    if (q->front != NULL)
        return refuse(refusal, REFUSE_PRECONDITION,
                      "queue '%.*s' in vhost '%.*s' is a partition of stream '%.*s': delete that",
                      SHOW(queue_name(q->queue)), SHOW(v->vhost->name),
                      SHOW(queue_name(q->front->queue)));
    if (d->if_empty && queue_ready_count(q->queue) > 0)
        why = "not empty";
    if (d->if_unused && queue_consumer_count(q->queue) > 0)
        why = "in use";
    if (why == NULL)
        return 0;
    return refuse(refusal, REFUSE_PRECONDITION, "queue '%.*s' in vhost '%.*s' %s",
                  SHOW(queue_name(q->queue)), SHOW(v->vhost->name), why);
}

int define_queue_delete(struct visit *v, const struct define_queue_delete *d, uint64_t *ready,
                        struct refusal *refusal)
{
    uint8_t area[SHORTSTR_MAX];
    struct bytes name = shortstr_without_line_ends(d->name, area);
    struct named_queue *q = vhost_find_queue(v->vhost, name);
    int rv = access_queue(v, name, AUTH_CONFIGURE, refusal);

    if (rv == 0 && q != NULL)
        rv = check_delete(v, d, q, refusal);
    if (rv != 0)
        return rv;
    *ready = q == NULL ? 0 : queue_ready_count(q->queue);
    if (q != NULL)
        named_queue_delete(q);
    return 0;
}
