/* The broker as a whole: opening, closing, logging in, figures. */
#include "broker/broker.h"

#include "base/diag.h"
#include "base/mem.h"
#include "broker/announce.h"
#include "broker/exchange_log.h"
#include "broker/parts.h"
#include "broker/replay_parts.h"
#include "broker/replies.h"
#include "broker/restore.h"
#include "broker/shortage.h"
#include "broker/turn.h"
#include "exchange/exchange.h"
#include "msg/slip.h"
#include "queue/queue.h"

enum { CHANGED_MAX = 2 << 20, KEYS_MAX = 1 << 20, ARGUMENTS_MAX = 2 << 20 };

/* ---- open ---- */

static struct broker *broker_new(const struct broker_open *o)
{
    struct broker *b = MEM_NEW(struct broker);

    b->io = o->io;
    b->options = o->options;
    b->seed = io_random(o->io);
    b->auth = auth_new(b->seed);
    rand_init(&b->rand, io_random(o->io));
    b->home_count = o->partition_count == 0 ? 1 : o->partition_count;
    ASSERT(b->home_count <= HOMES_MAX);
    for (unsigned i = 0; i < b->home_count; i++) {
        b->homes[i].broker = b;
        b->homes[i].number = i;
    }
    definitions_init(&b->definitions, b->seed,
                     &(struct definitions_calls){
                         .owner = b, .on_read = restore_on_read, .on_gone = restore_on_gone});
    term_buffers_init(&b->terms);
    names_init(&b->vhosts, b->seed);
    map_init(&b->vhosts_by_id);
    list_init(&b->doomed);
    list_init(&b->logs.doomed);
    list_init(&b->logs.replays);
    io_task_init(&b->logs.ride, replay_ride);
    list_init(&b->visits);
    list_init(&b->looks);
    turn_init(b);
    b->shortage = shortage_new(b, o->data_dir);
    b->replies = replies_new();
    b->announcements = announcements_new();
    buf_init(&b->scratch.props, CHANGED_MAX);
    buf_init(&b->scratch.headers, CHANGED_MAX);
    buf_init(&b->scratch.keys, KEYS_MAX);
    buf_init(&b->scratch.slip, SLIP_MAX);
    buf_init(&b->scratch.arguments, ARGUMENTS_MAX);
    buf_init(&b->scratch.stripped, ARGUMENTS_MAX);
    buf_init(&b->scratch.policy, ARGUMENTS_MAX);
    return b;
}

static void broker_free(struct broker *b)
{
    struct list_link *link = NULL;

    turn_stop(b); /* a home may have said something while it closed */
    while ((link = list_take(&b->doomed)) != NULL)
        mem_free(CONTAINER_OF(link, struct named_queue, doomed));
    for (struct names_entry *e = names_first(&b->vhosts); e != NULL; e = names_next(&b->vhosts, e))
        vhost_free((struct vhost *)e->value);
    for (unsigned i = 0; i < b->home_count; i++)
        home_release(&b->homes[i]);
    shortage_free(b->shortage);
    replies_free(b->replies);
    announcements_free(b->announcements);
    definitions_release(&b->definitions);
    term_buffers_release(&b->terms);
    names_release(&b->vhosts);
    map_release(&b->vhosts_by_id);
    buf_release(&b->scratch.props);
    buf_release(&b->scratch.headers);
    buf_release(&b->scratch.keys);
    buf_release(&b->scratch.slip);
    buf_release(&b->scratch.arguments);
    buf_release(&b->scratch.stripped);
    buf_release(&b->scratch.policy);
    auth_free(b->auth);
    mem_free(b);
}

static int open_homes(struct broker *b, const struct broker_open *o, struct err_note *note)
{
    int rv = 0;

    for (unsigned i = 0; i < b->home_count; i++)
        home_prepare(&b->homes[i], o);
    for (unsigned i = 0; i < b->home_count && rv == 0; i++)
        rv = home_open(&b->homes[i], o, note);
    return rv;
}

int broker_open(const struct broker_open *o, struct broker **out, struct err_note *note)
{
    struct broker *b = broker_new(o);
    int rv = open_homes(b, o, note);

    if (rv != 0) {
        /* A partition that is open already is left as a crash would leave it: closing it takes a
         * loop, and would write a checkpoint of queues whose messages were not read. */
        if (b->homes[0].partition == NULL)
            broker_free(b);
        return rv;
    }
    for (unsigned i = 0; i < b->home_count; i++)
        home_start(&b->homes[i]);
    definitions_start(&b->definitions, b->homes[0].partition);
    restore_rest(b);
    replay_restore_all(b);
    if (!o->is_unseeded)
        restore_defaults(b);
    announcements_start(b);
    diag(DIAG_INFO, "broker", "opened vhosts=%zu definitions=%zu partitions=%u",
         names_count(&b->vhosts), names_count(&b->definitions.by_key), b->home_count);
    *out = b;
    return 0;
}

/* ---- close ---- */

static void on_part_closed(void *owner)
{
    struct broker *b = (struct broker *)owner;
    void (*closed)(void *) = b->closing.closed;
    void *closed_owner = b->closing.owner;

    ASSERT(b->closing.left > 0);
    if (--b->closing.left > 0)
        return;
    broker_free(b);
    closed(closed_owner);
}

void broker_close(struct broker *b, void (*closed)(void *owner), void *owner)
{
    ASSERT(list_empty(&b->visits) && list_empty(&b->looks) && !b->closing.is_on);
    b->closing.is_on = true;
    b->closing.closed = closed;
    b->closing.owner = owner;
    b->closing.left = b->home_count;
    exchange_log_bury(b);
    replay_stop(b);
    definitions_stop(&b->definitions);
    turn_stop(b);
    announcements_stop(b->announcements);
    shortage_stop(b->shortage);
    if (shortage_are_busy(b->shortage)) {
        b->closing.left++;
        shortage_on_idle(b->shortage, on_part_closed, b);
    }
    for (unsigned i = 0; i < b->home_count; i++)
        home_close(&b->homes[i], on_part_closed, b);
}

/* ---- who comes in ---- */

struct auth *broker_auth(struct broker *b)
{
    return b->auth;
}

/* The list has names with commas between them, and spaces anywhere around. */
static bool is_listed(const char *list, struct bytes name)
{
    struct bytes rest = bytes_text(list);

    while (rest.size > 0) {
        const uint8_t *end = (const uint8_t *)memchr(rest.data, ',', rest.size);
        struct bytes one = bytes_of(rest.data, end == NULL ? rest.size : (size_t)(end - rest.data));

        rest = bytes_of(rest.data + one.size, rest.size - one.size);
        if (end != NULL)
            rest = bytes_of(rest.data + 1, rest.size - 1);
        while (one.size > 0 && one.data[0] == ' ')
            one = bytes_of(one.data + 1, one.size - 1);
        while (one.size > 0 && one.data[one.size - 1] == ' ')
            one.size--;
        if (bytes_equal(one, name))
            return true;
    }
    return false;
}

static bool is_loopback_user(const struct broker_options *o, struct bytes name)
{
    if (bytes_equal(bytes_text(o->loopback_users), bytes_text("none")))
        return false;
    if (!o->guest_is_loopback_user && bytes_equal(name, bytes_text("guest")))
        return false;
    return is_listed(o->loopback_users, name);
}

/* What is asked of him beside who he is; counts how it ended. */
static int admit(struct broker *b, struct user *u, int rv, bool is_loopback, struct user **out)
{
    if (rv == 0 && !is_loopback && is_loopback_user(b->options, user_name(u)))
        rv = ERR_DENIED;
    if (rv == 0)
        *out = u;
    b->counters.logins_succeeded += rv == 0;
    b->counters.logins_failed += rv != 0;
    return rv;
}

static int tell_login(struct broker *b, struct bytes name, int rv)
{
    event_tell(b, rv == 0 ? "user.authentication.success" : "user.authentication.failure",
               &(struct event_text){"name", name}, 1);
    return rv;
}

int broker_log_in(struct broker *b, struct bytes name, struct bytes password, bool is_loopback,
                  struct user **out)
{
    struct user *u = NULL;
    int rv = auth_check_password(b->auth, name, password, &u);

    return tell_login(b, name, admit(b, u, rv, is_loopback, out));
}

int broker_log_in_known(struct broker *b, struct bytes name, bool is_loopback, struct user **out)
{
    struct user *u = auth_find_user(b->auth, name);

    return tell_login(b, name, admit(b, u, u == NULL ? ERR_DENIED : 0, is_loopback, out));
}

void broker_watch_shortages(struct broker *b)
{
    shortage_keep(b->shortage);
}

/* ---- look ---- */

static void add_vhost(const struct vhost *v, struct broker_stats *out)
{
    out->exchanges += exchange_count(v->table);
    out->queues += names_count(&v->queues);
    out->bindings += binding_count(v->table);
    for (struct names_entry *e = names_first(&v->queues); e != NULL; e = names_next(&v->queues, e))
        out->consumers += queue_consumer_count(((const struct named_queue *)e->value)->queue);
}

void broker_get_stats(struct broker *b, struct broker_stats *out)
{
    *out = (struct broker_stats){
        .memory_bytes = mem_used_bytes(),
        .disk_free_bytes = shortage_disk_free(b->shortage),
        .is_memory_short = shortage_of_memory(b->shortage),
        .is_disk_short = shortage_of_disk(b->shortage),
    };
    LIST_FOREACH (link, &b->visits)
        out->visits++;
    for (struct names_entry *e = names_first(&b->vhosts); e != NULL; e = names_next(&b->vhosts, e))
        add_vhost((const struct vhost *)e->value, out);
}

uint64_t broker_message_max(const struct broker *b)
{
    return b->options->message_max_bytes;
}

struct io *broker_io(struct broker *b)
{
    return b->io;
}

static void check_vhost(struct vhost *v)
{
    ASSERT(names_count(&v->queues) + v->hidden_count == map_count(&v->queues_by_id));
    exchange_table_check(v->table);
    for (struct names_entry *e = names_first(&v->queues); e != NULL;
         e = names_next(&v->queues, e)) {
        struct named_queue *q = (struct named_queue *)e->value;

        ASSERT(q->vhost == v && queue_owner(q->queue) == q && queue_id(q->queue) == q->id);
        ASSERT(bytes_equal(queue_name(q->queue), e->name));
        ASSERT((q->owner != NULL) == list_linked(&q->owned));
        ASSERT(q->owner == NULL || !queue_is_durable(q->queue));
        ASSERT(queue_is_durable(q->queue) == ((q->id & TRANSIENT_ID) == 0));
        queue_check(q->queue);
    }
}

void broker_check(struct broker *b)
{
    definitions_check(&b->definitions);
    for (struct names_entry *e = names_first(&b->vhosts); e != NULL; e = names_next(&b->vhosts, e))
        check_vhost((struct vhost *)e->value);
    for (unsigned i = 0; i < b->home_count; i++)
        partition_check(b->homes[i].partition);
}
