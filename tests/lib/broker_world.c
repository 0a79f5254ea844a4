/* A broker in a simulated world. */
#include "tests/lib/broker_world.h"

#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "base/units.h"
#include "io/disk.h"
#include "log/datadir.h"
#include "tests/lib/test.h"

static const uint64_t minute_ns = UINT64_C(60000000000);

/* ---- the world ---- */

void broker_world_init(struct broker_world *w)
{
    broker_world_init_on(w, sim_disk_new(NULL), 0);
}

void broker_world_init_on(struct broker_world *w, struct sim_disk *disk, int64_t wall_ms)
{
    memset(w, 0, sizeof(*w));
    diag_set_level(DIAG_ERROR);
    w->disk = disk;
    w->sim = sim_new(&(struct sim_options){.wall_ms = wall_ms});
    w->node = sim_node_new(w->sim, "a", w->disk);
    w->io = sim_io_new(w->node);
    setting_defaults(log_settings, &w->log);
    setting_defaults(partition_settings, &w->partition);
    setting_defaults(queue_settings, &w->queues);
    setting_defaults(broker_settings, &w->options);
    w->log.segment_bytes = 4 * MIB;
    w->log.block_bytes = 64 * KIB;
    w->log.cold_segment_bytes = MIB;
    w->log.spare_segments = 2;
    w->options.disk_min_bytes = 0;
    board_init(&w->board, NULL);
    buf_init(&w->props, MIB);
}

void broker_world_release(struct broker_world *w)
{
    assert_null(w->broker);
    board_release(&w->board);
    buf_release(&w->props);
    setting_release(broker_settings, &w->options);
    setting_release(queue_settings, &w->queues);
    setting_release(partition_settings, &w->partition);
    setting_release(log_settings, &w->log);
    sim_io_free(w->io);
    sim_free(w->sim);
    sim_disk_free(w->disk);
    diag_set_level(DIAG_INFO);
}

static void on_blocked(void *owner, const char *reason)
{
    struct broker_world *w = owner;

    w->heard.blocked++;
    snprintf(w->heard.reason, sizeof(w->heard.reason), "%s", reason == NULL ? "" : reason);
}

static void on_resumed(void *owner)
{
    ((struct broker_world *)owner)->heard.resumed++;
}

struct visit *world_visit(struct broker_world *w, struct user *u)
{
    const struct visit_spec spec = {
        .user = u,
        .vhost = bytes_text("/"),
        .calls = {.owner = w, .blocked = on_blocked, .resumed = on_resumed},
    };
    struct visit *v = NULL;

    assert_int_equal(broker_visit(w->broker, &spec, &v, &w->refusal), 0);
    return v;
}

int broker_world_try_open(struct broker_world *w)
{
    struct broker_open o = {
        .io = w->io,
        .data_dir = "data",
        .options = &w->options,
        .partition = &w->partition,
        .log = &w->log,
        .queues = &w->queues,
        .partition_count = w->partition_count,
    };
    int rv = datadir_open(w->io, "data", &w->data, &w->note);

    if (rv != 0)
        return rv;
    o.data = w->data;
    rv = broker_open(&o, &w->broker, &w->note);
    if (rv != 0) {
        datadir_close(w->data);
        w->data = NULL;
    }
    return rv;
}

void broker_world_open(struct broker_world *w)
{
    struct user *guest = NULL;

    assert_null(w->broker);
    if (broker_world_try_open(w) != 0)
        fail_msg("%s", w->note.text);
    assert_int_equal(
        broker_log_in(w->broker, bytes_text("guest"), bytes_text("guest"), true, &guest), 0);
    w->visit = world_visit(w, guest);
    memset(&w->heard, 0, sizeof(w->heard));
    world_publisher_open(w, w->visit, &w->publisher, true);
    world_settle(w);
}

static void on_closed(void *owner)
{
    ((struct broker_world *)owner)->is_closed = true;
}

static bool is_closed(void *owner)
{
    return ((struct broker_world *)owner)->is_closed;
}

void broker_world_close(struct broker_world *w)
{
    world_publisher_close(&w->publisher);
    visit_end(w->visit);
    w->is_closed = false;
    broker_close(w->broker, on_closed, w);
    assert_false(w->is_closed);
    assert_true(sim_run_until(w->sim, is_closed, w, minute_ns));
    w->broker = NULL;
    datadir_close(w->data);
    w->data = NULL;
    assert_true(sim_run_idle(w->sim, minute_ns));
    assert_int_equal(sim_disk_open_files(w->disk), 0);
}

void broker_world_crash(struct broker_world *w)
{
    broker_world_crash_as(w, &(struct sim_crash){.kind = SIM_CRASH_NOTHING});
}

void broker_world_crash_as(struct broker_world *w, const struct sim_crash *c)
{
    sim_node_halt(w->node, SIM_DEATH_POWER);
    broker_world_close(w);
    sim_io_free(w->io);
    sim_disk_crash(w->disk, c);
    sim_node_restart(w->node);
    w->io = sim_io_new(w->node);
}

void world_run_ms(struct broker_world *w, uint64_t ms)
{
    sim_run_for(w->sim, ms * WORLD_MS);
    broker_check(w->broker);
}

void world_settle(struct broker_world *w)
{
    world_run_ms(w, 50);
}

struct user *world_user(struct broker_world *w, const char *name, const struct permission *p)
{
    struct auth *a = broker_auth(w->broker);
    const struct user_spec spec = {.name = bytes_text(name)};
    struct user *u = NULL;

    assert_int_equal(auth_put_user(a, &spec, NULL), 0);
    u = auth_find_user(a, bytes_text(name));
    assert_int_equal(auth_put_permission(a, u, bytes_text("/"), p, NULL), 0);
    return u;
}

/* ---- words ---- */

static bool has_word(const char *words, const char *word)
{
    size_t size = strlen(word);

    for (const char *at = words; (at = strstr(at, word)) != NULL; at += size)
        if ((at == words || at[-1] == ' ') && (at[size] == '\0' || at[size] == ' '))
            return true;
    return false;
}

static struct bytes first_word(const char *words)
{
    return bytes_of(words, strcspn(words, " "));
}

struct table world_table(struct broker_world *w, const char *arguments)
{
    return board_table(&w->board, arguments);
}

/* ---- defining ---- */

int world_exchange_as(struct broker_world *w, struct visit *v, const char *name, const char *words,
                      const char *arguments)
{
    const struct define_exchange d = {
        .name = bytes_text(name),
        .type = first_word(words),
        .is_passive = has_word(words, "passive"),
        .is_durable = has_word(words, "durable"),
        .is_auto_delete = has_word(words, "auto-delete"),
        .is_internal = has_word(words, "internal"),
        .arguments = world_table(w, arguments),
    };

    return define_exchange(v, &d, &w->refusal);
}

int world_queue_as(struct broker_world *w, struct visit *v, const char *name, const char *flags,
                   const char *arguments)
{
    const struct define_queue d = {
        .name = bytes_text(name),
        .is_passive = has_word(flags, "passive"),
        .is_durable = has_word(flags, "durable"),
        .is_auto_delete = has_word(flags, "auto-delete"),
        .is_exclusive = has_word(flags, "exclusive"),
        .arguments = world_table(w, arguments),
    };

    return define_queue(v, &d, &w->defined, &w->refusal);
}

static struct define_binding binding_of(struct broker_world *w, const char *ends, const char *key,
                                        const char *arguments)
{
    struct bytes source = first_word(ends);
    const char *destination = ends + source.size + 1;

    return (struct define_binding){
        .source = source,
        .is_to_exchange = destination[0] == '@',
        .destination = bytes_text(destination + (destination[0] == '@')),
        .key = bytes_text(key),
        .arguments = world_table(w, arguments),
    };
}

int world_bind_as(struct broker_world *w, struct visit *v, const char *ends, const char *key,
                  const char *arguments)
{
    const struct define_binding d = binding_of(w, ends, key, arguments);

    return define_bind(v, &d, &w->refusal);
}

int world_unbind_as(struct broker_world *w, struct visit *v, const char *ends, const char *key,
                    const char *arguments)
{
    const struct define_binding d = binding_of(w, ends, key, arguments);

    return define_unbind(v, &d, &w->refusal);
}

int world_delete_as(struct broker_world *w, struct visit *v, const char *name, const char *flags)
{
    const struct define_queue_delete d = {
        .name = bytes_text(name),
        .if_unused = has_word(flags, "if-unused"),
        .if_empty = has_word(flags, "if-empty"),
    };

    return define_queue_delete(v, &d, &w->defined.ready, &w->refusal);
}

int world_exchange(struct broker_world *w, const char *name, const char *words,
                   const char *arguments)
{
    return world_exchange_as(w, w->visit, name, words, arguments);
}

int world_queue(struct broker_world *w, const char *name, const char *flags, const char *arguments)
{
    return world_queue_as(w, w->visit, name, flags, arguments);
}

int world_bind(struct broker_world *w, const char *ends, const char *key, const char *arguments)
{
    return world_bind_as(w, w->visit, ends, key, arguments);
}

int world_unbind(struct broker_world *w, const char *ends, const char *key, const char *arguments)
{
    return world_unbind_as(w, w->visit, ends, key, arguments);
}

int world_delete(struct broker_world *w, const char *name, const char *flags)
{
    return world_delete_as(w, w->visit, name, flags);
}

int world_delete_exchange(struct broker_world *w, const char *name, const char *flags)
{
    return define_exchange_delete(w->visit, bytes_text(name), has_word(flags, "if-unused"),
                                  &w->refusal);
}

/* ---- publishing ---- */

static void on_confirmed(void *owner, uint64_t seq)
{
    struct world_publisher *p = owner;

    assert_true(seq > p->told.confirmed);
    p->told.confirmed = seq;
    p->told.confirms++;
}

static void on_rejected(void *owner, uint64_t seq)
{
    struct world_publisher *p = owner;

    assert_true(p->told.rejected_count < WORLD_TOLD_MAX);
    p->told.rejected[p->told.rejected_count++] = seq;
}

static void copy_text(char *out, size_t size, struct bytes b)
{
    snprintf(out, size, "%.*s", (int)b.size, b.size == 0 ? "" : (const char *)b.data);
}

static void on_reply(void *owner, const struct message *m)
{
    struct world_publisher *p = owner;

    message_check(m);
    p->told.replies++;
    copy_text(p->told.reply_body, sizeof(p->told.reply_body),
              m->body_count == 0 ? bytes_of(NULL, 0) : m->body[0]);
    copy_text(p->told.reply_key, sizeof(p->told.reply_key), m->routing_key);
}

static const struct publisher_ops publisher_ops = {
    .confirmed = on_confirmed, .rejected = on_rejected, .reply = on_reply};

void world_publisher_open(struct broker_world *w, struct visit *v, struct world_publisher *p,
                          bool confirms)
{
    (void)w;
    memset(p, 0, sizeof(*p));
    p->publisher = publisher_new(v, &publisher_ops, p);
    if (confirms)
        publisher_confirm(p->publisher);
}

void world_publisher_close(struct world_publisher *p)
{
    publisher_free(p->publisher);
    p->publisher = NULL;
}

static void set_prop(struct broker_world *w, struct props_edit *e, const char *word, size_t size)
{
    static char texts[8][128];
    static size_t next;
    char *text = texts[next++ % ARRAY_SIZE(texts)];
    const char *value = NULL;

    (void)w;
    assert_true(size < sizeof(texts[0]));
    memcpy(text, word, size);
    text[size] = '\0';
    value = strchr(text, '=') == NULL ? "" : strchr(text, '=') + 1;
    if (strcmp(text, "persistent") == 0)
        props_set_octet(e, PROP_DELIVERY_MODE, 2);
    else if (strncmp(text, "expiration=", 11) == 0)
        props_set_text(e, PROP_EXPIRATION, bytes_text(value));
    else if (strncmp(text, "user=", 5) == 0)
        props_set_text(e, PROP_USER_ID, bytes_text(value));
    else if (strncmp(text, "id=", 3) == 0)
        props_set_text(e, PROP_MESSAGE_ID, bytes_text(value));
    else if (strncmp(text, "reply=", 6) == 0)
        props_set_text(e, PROP_REPLY_TO, bytes_text(value));
    else
        fail_msg("what is '%s'?", text);
}

struct props world_props(struct broker_world *w, const char *words)
{
    struct props_edit e;
    struct props out;

    props_edit_init(&e, NULL);
    while (*words != '\0') {
        size_t size = strcspn(words, " ");

        if (strncmp(words, "headers:", 8) == 0) {
            props_set_headers(&e, world_table(w, words + 8));
            break;
        }
        set_prop(w, &e, words, size);
        words += size + (words[size] == ' ');
    }
    buf_clear(&w->props);
    props_encode(&e, &w->props);
    assert_int_equal(props_decode(buf_view(&w->props), &out), 0);
    return out;
}

int world_publish_as(struct broker_world *w, struct world_publisher *p,
                     const struct world_message *m, bool *is_routed)
{
    const struct bytes body = bytes_text(m->body);
    const struct publish publish = {
        .message = {.exchange = bytes_text(m->exchange),
                    .routing_key = bytes_text(m->key),
                    .props = world_props(w, m->props),
                    .body = &body,
                    .body_count = 1,
                    .body_size = body.size},
        .is_mandatory = true,
    };
    struct published published = {0};
    int rv = broker_publish(p->publisher, &publish, &published, &w->refusal);

    if (rv == 0 && is_routed != NULL)
        *is_routed = published.places > 0;
    return rv;
}

void world_publish(struct broker_world *w, const char *exchange, const char *key, const char *body)
{
    const struct world_message m = {exchange, key, "persistent", body};

    assert_int_equal(world_publish_as(w, &w->publisher, &m, NULL), 0);
}

/* ---- consuming ---- */

uint64_t world_ready(struct broker_world *w, const char *queue)
{
    assert_int_equal(world_queue(w, queue, "passive", ""), 0);
    return w->defined.ready;
}

static bool on_deliver(void *owner, struct consumer *consumer, struct delivery *d,
                       const struct stored *m, struct store_pin pin)
{
    struct world_consumer *c = owner;

    (void)consumer;
    (void)pin;
    assert_true(c->count < WORLD_TOLD_MAX);
    copy_text(c->bodies[c->count], sizeof(c->bodies[0]), m->body);
    c->are_redelivered[c->count] = d->is_redelivered;
    c->deliveries[c->count++] = d;
    return true;
}

static void on_cancelled(void *owner, struct consumer *consumer, enum cancel_reason reason)
{
    struct world_consumer *c = owner;

    (void)consumer;
    (void)reason;
    c->is_cancelled = true;
}

static const struct consumer_ops consumer_ops = {.deliver = on_deliver, .cancelled = on_cancelled};

int world_consume_as(struct broker_world *w, struct visit *v, struct world_consumer *c,
                     const char *queue, bool is_no_ack)
{
    const struct consume consume = {
        .queue = bytes_text(queue),
        .arguments = world_table(w, ""),
        .spec = {.ops = &consumer_ops, .owner = c, .is_no_ack = is_no_ack},
    };

    memset(c, 0, sizeof(*c));
    return broker_consume(v, &consume, &c->consumer, &w->refusal);
}

void world_consumer_close(struct world_consumer *c)
{
    if (!c->is_cancelled)
        consumer_cancel(c->consumer);
}

/* ---- waiting ---- */

struct wait {
    struct broker_waiter waiter;
    bool is_done;
    int err;
};

static void on_done(struct broker_waiter *waiter, int err)
{
    struct wait *at = CONTAINER_OF(waiter, struct wait, waiter);

    at->is_done = true;
    at->err = err;
}

static bool is_done(void *owner)
{
    return ((struct wait *)owner)->is_done;
}

int world_wait(struct broker_world *w)
{
    struct wait at = {.waiter = {.done = on_done}};

    if (!broker_wait(w->broker, &at.waiter))
        return 0;
    assert_false(at.is_done);
    assert_true(sim_run_until(w->sim, is_done, &at, minute_ns));
    return at.err;
}
