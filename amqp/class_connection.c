/* connection.x: from the first method to connection.open, and what comes on channel 0 later. */
#include <inttypes.h>

#include "amqp/connection.h"
#include "amqp/door.h"
#include "base/mem.h"
#include "gate/tls.h"
#include "msg/table.h"
#include "msg/table_writer.h"

enum {
    FRAME_MAX_MIN = 4096,
    PROPERTIES_MAX = 4096,
    NAME_MAX_SIZE = 1024, /* of a user in a certificate */
    DELAYED_MAX = 4096,   /* failed logins that wait; more are closed at once */
    MECHANISMS_SIZE = 64,
};

static const char *const mechanism_names[MECHANISM_COUNT] = {
    [MECHANISM_DEFAULT] = "",          [MECHANISM_PLAIN] = "PLAIN",
    [MECHANISM_AMQPLAIN] = "AMQPLAIN", [MECHANISM_ANONYMOUS] = "ANONYMOUS",
    [MECHANISM_EXTERNAL] = "EXTERNAL",
};

static const char *const capabilities[] = {
    "publisher_confirms",           "exchange_exchange_bindings", "basic.nack",
    "consumer_cancel_notify",       "connection.blocked",         "consumer_priorities",
    "authentication_failure_close", "per_consumer_qos",           "direct_reply_to",
    "accept_consumer_cancel_ok",
};

static const char *state_name(const struct connection *c)
{
    static const char *const names[] = {
        [CONNECTION_GREETING] = "pre_init", [CONNECTION_STARTING] = "starting",
        [CONNECTION_TUNING] = "tuning",     [CONNECTION_OPENING] = "opening",
        [CONNECTION_RUNNING] = "running",   [CONNECTION_CLOSING] = "closing",
        [CONNECTION_CLOSED] = "closed",
    };
    return names[c->state];
}

static void fail_state(struct connection *c, const struct method *m)
{
    connection_fail_text(c, m->id, REPLY_CHANNEL_ERROR, "unexpected method in connection state %s",
                         state_name(c));
}

/* ---- start ---- */

/* Whether the client has shown a certificate that is good. */
static bool has_certificate(const struct connection *c)
{
    struct tls_look look;

    return tls_look(c->session.socket, &look) && look.has_certificate;
}

/* The mechanisms offered, in their order. */
static size_t list_mechanisms(const struct connection *c, int list[MECHANISMS_MAX])
{
    const struct amqp_options *o = c->session.door->options;
    size_t count = 0;

    for (size_t i = 0; i < MECHANISMS_MAX; i++) {
        int mechanism = o->mechanisms[i];
        if (mechanism == MECHANISM_EXTERNAL && !has_certificate(c))
            continue;
        if (mechanism != MECHANISM_DEFAULT)
            list[count++] = mechanism;
    }
    for (size_t i = 0; i < MECHANISMS_MAX; i++)
        if (o->mechanisms[i] != MECHANISM_DEFAULT)
            return count;
    list[0] = MECHANISM_PLAIN;
    list[1] = MECHANISM_AMQPLAIN;
    return 2;
}

static void write_properties(struct connection *c, struct buf *out, struct table *table)
{
    struct table_writer w;

    table_writer_init(&w, out);
    table_writer_begin_table(&w, "capabilities");
    for (size_t i = 0; i < ARRAY_SIZE(capabilities); i++)
        table_writer_bool(&w, capabilities[i], true);
    table_writer_end(&w);
    table_writer_text(&w, "cluster_name", bytes_text(c->session.door->options->cluster_name));
    table_writer_text(&w, "copyright", bytes_text("The authors of Millrace"));
    table_writer_text(&w, "information", bytes_text("Licensed under the Apache License 2.0"));
    table_writer_text(&w, "platform", bytes_text("C17"));
    table_writer_text(&w, "product", bytes_text(c->session.door->options->product));
    table_writer_text(&w, "version", bytes_text(MILLRACE_VERSION));
    if (table_writer_finish(&w, table) != 0)
        table->bytes = bytes_of(NULL, 0);
}

void connection_start(struct connection *c)
{
    struct method m = {.id = METHOD_CONNECTION_START};
    char mechanisms[MECHANISMS_SIZE];
    struct writer w = writer_of(mechanisms, sizeof(mechanisms));
    int list[MECHANISMS_MAX];
    size_t count = list_mechanisms(c, list);
    struct buf properties;

    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            writer_u8(&w, ' ');
        writer_bytes(&w, bytes_text(mechanism_names[list[i]]));
    }
    buf_init(&properties, PROPERTIES_MAX);
    m.connection_start.version_major = 0;
    m.connection_start.version_minor = 9;
    write_properties(c, &properties, &m.connection_start.server_properties);
    m.connection_start.mechanisms = writer_view(&w);
    m.connection_start.locales = bytes_text("en_US");
    connection_write(c, 0, &m);
    buf_release(&properties);
    c->state = CONNECTION_STARTING;
}

/* ---- start-ok: who is it? ---- */

static bool has_capability(struct table capabilities_of_client, const char *name)
{
    struct field f;
    bool value = false;

    if (!table_find(capabilities_of_client, bytes_text(name), &f))
        return false;
    field_as_bool(&f, &value);
    return value;
}

static void read_capabilities(struct connection *c, struct table properties)
{
    struct table t;
    struct field f;

    if (!table_find(properties, bytes_text("capabilities"), &f) || !field_as_table(&f, &t))
        return;
    c->client.wants_blocked = has_capability(t, "connection.blocked");
    c->client.wants_login_failure = has_capability(t, "authentication_failure_close");
    c->client.wants_cancel = has_capability(t, "consumer_cancel_notify");
}

/* kombu, and so Celery, looks at our name: of any broker but RabbitMQ it thinks that a basic.qos
 * which is not global is the channel's, as the specification has it, and holds for consumers that
 * are there already. Taken as RabbitMQ means it, a worker whose tasks wait for their time would get
 * no others. */
static void read_habits(struct connection *c, struct table properties)
{
    struct field f;
    struct bytes product;

    c->client.has_channel_qos = table_find(properties, bytes_text("product"), &f) &&
                                field_as_text(&f, &product) &&
                                bytes_equal(product, bytes_text("py-amqp"));
}

static bool has_prefix(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* "127.0.0.1:5672", "[::1]:5672", "[::ffff:127.0.0.1]:5672" */
static bool is_loopback(const char *peer)
{
    return has_prefix(peer, "127.") || has_prefix(peer, "[::1]") ||
           has_prefix(peer, "[::ffff:127.");
}

static int find_mechanism(const struct connection *c, struct bytes name)
{
    int list[MECHANISMS_MAX];
    size_t count = list_mechanisms(c, list);

    for (size_t i = 0; i < count; i++)
        if (bytes_equal(name, bytes_text(mechanism_names[list[i]])))
            return list[i];
    return MECHANISM_DEFAULT;
}

/* By his certificate; what he says himself does not count. */
static int log_in_by_certificate(struct connection *c)
{
    struct amqp *a = c->session.door;
    struct buf name;
    int rv = 0;

    buf_init(&name, NAME_MAX_SIZE);
    rv = tls_name(c->session.socket, &a->options->name_rule, &name);
    if (rv != 0)
        door_say(&c->session, DIAG_WARNING, "a certificate has no name to log in with peer=%s: %s",
                 look_who(&c->session), err_text(rv));
    else
        rv = broker_log_in_known(connection_broker(c), buf_view(&name),
                                 is_loopback(c->session.peer.text), &c->user);
    if (rv == ERR_DENIED)
        door_say(&c->session, DIAG_WARNING,
                 "a certificate's name may not log in peer=%s user='%.*s'", look_who(&c->session),
                 (int)buf_view(&name).size, (const char *)buf_view(&name).data);
    buf_release(&name);
    return rv;
}

static int log_in_by_password(struct connection *c, int mechanism, struct bytes response)
{
    const struct amqp_options *o = c->session.door->options;
    struct sasl_login login = {bytes_text(o->anonymous_user), bytes_text(o->anonymous_pass)};
    int rv = 0;

    if (mechanism == MECHANISM_PLAIN)
        rv = sasl_plain_read(response, &login);
    else if (mechanism == MECHANISM_AMQPLAIN)
        rv = sasl_amqplain_read(response, &login);
    if (rv != 0)
        return rv;
    return broker_log_in(connection_broker(c), login.name, login.password,
                         is_loopback(c->session.peer.text), &c->user);
}

static int log_in(struct connection *c, int mechanism, struct bytes response)
{
    int rv = mechanism == MECHANISM_EXTERNAL ? log_in_by_certificate(c)
                                             : log_in_by_password(c, mechanism, response);

    if (rv == 0)
        user_ref(c->user); /* he may be deleted at any time */
    return rv;
}

/* All that is wrong with a login looks the same. */
static void fail_login(struct connection *c, int mechanism)
{
    struct amqp *a = c->session.door;

    if (c->client.wants_login_failure) {
        connection_fail_text(c, 0, REPLY_ACCESS_REFUSED,
                             "Login was refused using authentication mechanism %s. For details "
                             "see the broker logfile.",
                             mechanism_names[mechanism]);
        return;
    }
    door_say(&c->session, DIAG_WARNING, "a login was refused peer=%s mechanism=%s",
             look_who(&c->session), mechanism_names[mechanism]);
    if (a->delayed_count >= DELAYED_MAX) {
        session_close(&c->session);
        return;
    }
    connection_fail_silently(c);
}

static void tune(struct connection *c)
{
    const struct amqp_options *o = c->session.door->options;
    struct method m = {.id = METHOD_CONNECTION_TUNE};

    m.connection_tune.channel_max = (uint16_t)o->channel_max;
    m.connection_tune.frame_max = (uint32_t)o->frame_max;
    m.connection_tune.heartbeat = (uint16_t)o->heartbeat_s;
    connection_write(c, 0, &m);
    c->state = CONNECTION_TUNING;
}

static void on_start_ok(struct connection *c, const struct method *m)
{
    const struct method_connection_start_ok *s = &m->connection_start_ok;
    int mechanism = find_mechanism(c, s->mechanism);

    read_capabilities(c, s->client_properties);
    read_habits(c, s->client_properties);
    look_name(c, s->client_properties);
    if (mechanism == MECHANISM_DEFAULT) {
        connection_fail_text(c, m->id, REPLY_COMMAND_INVALID,
                             "unknown authentication mechanism '%.*s'", (int)s->mechanism.size,
                             (const char *)s->mechanism.data);
        return;
    }
    if (log_in(c, mechanism, s->response) != 0) {
        fail_login(c, mechanism);
        return;
    }
    look_log_in(c, mechanism_names[mechanism], s->client_properties);
    tune(c);
}

/* ---- tune-ok ---- */

static bool check_tuned(struct connection *c, const char *field, uint64_t wanted, uint64_t min,
                        uint64_t max)
{
    if (wanted != 0 && wanted < min) {
        connection_fail_text(c, METHOD_CONNECTION_TUNE, REPLY_NOT_ALLOWED,
                             "negotiated %s = %" PRIu64
                             " is lower than the minimum allowed value (%" PRIu64 ")",
                             field, wanted, min);
        return false;
    }
    if (wanted == 0 || wanted > max) {
        connection_fail_text(c, METHOD_CONNECTION_TUNE, REPLY_NOT_ALLOWED,
                             "negotiated %s = %" PRIu64
                             " is greater than the maximum allowed value (%" PRIu64 ")",
                             field, wanted, max);
        return false;
    }
    return true;
}

static void on_tune_ok(struct connection *c, const struct method *m)
{
    const struct method_connection_tune_ok *t = &m->connection_tune_ok;
    const struct amqp_options *o = c->session.door->options;

    if (!check_tuned(c, "frame_max", t->frame_max, FRAME_MAX_MIN, o->frame_max) ||
        !check_tuned(c, "channel_max", t->channel_max, 1, (uint64_t)o->channel_max))
        return;
    c->frame_max = t->frame_max;
    c->channel_max = t->channel_max;
    c->heartbeat.period_s = t->heartbeat;
    c->state = CONNECTION_OPENING;
}

/* ---- open ---- */

static void on_blocked(void *owner, const char *reason)
{
    struct connection *c = owner;
    struct method m = {.id = METHOD_CONNECTION_UNBLOCKED};

    c->is_blocked = reason != NULL;
    if (reason != NULL || !c->said_blocked)
        return;
    c->said_blocked = false;
    if (c->client.wants_blocked)
        connection_write(c, 0, &m);
    connection_resume(c, STALL_BLOCKED);
}

static void on_expelled(void *owner, const struct refusal *why)
{
    struct connection *c = owner;

    if (c->farewell == NULL)
        c->farewell = MEM_NEW(struct reply);
    reply_of_refusal(c->farewell, why);
    session_work(&c->session);
}

static bool has_room(struct connection *c, const struct method *m)
{
    const struct amqp *a = c->session.door;
    int64_t max = a->options->connections_max;

    if (max == 0 || a->open_count < (uint64_t)max)
        return true;
    connection_fail_text(c, m->id, REPLY_NOT_ALLOWED,
                         "connection refused: node connection limit (%" PRId64 ") is reached", max);
    return false;
}

static void on_open(struct connection *c, const struct method *m)
{
    struct method reply = {.id = METHOD_CONNECTION_OPEN_OK};
    struct visit_spec spec = {
        .user = c->user,
        .vhost = m->connection_open.virtual_host,
        .name = bytes_text(c->session.look.name),
        .calls = {.owner = c,
                  .blocked = on_blocked,
                  .resumed = connection_on_resumed,
                  .expelled = on_expelled},
    };
    struct refusal refusal;
    struct reply r;

    if (!has_room(c, m))
        return;
    if (broker_visit(connection_broker(c), &spec, &c->visit, &refusal) != 0) {
        reply_of_refusal(&r, &refusal);
        connection_fail(c, m->id, &r);
        return;
    }
    reply.connection_open_ok.known_hosts = bytes_of(NULL, 0);
    connection_write(c, 0, &reply);
    c->state = CONNECTION_RUNNING;
    c->session.door->open_count++;
    c->is_blocked = visit_blocked(c->visit) != NULL;
    diag(DIAG_DEBUG, "connection", "a connection is open peer=%s user='%.*s' vhost='%.*s'",
         look_who(&c->session), (int)user_name(c->user).size, (const char *)user_name(c->user).data,
         (int)spec.vhost.size, (const char *)spec.vhost.data);
    connection_start_heartbeat(c);
}

/* ---- later ---- */

static void on_update_secret(struct connection *c)
{
    struct method reply = {.id = METHOD_CONNECTION_UPDATE_SECRET_OK};

    /* The secret of a login by password is not looked at again, so any new one is as good; RabbitMQ
     * does so for users of its own. What it would look at again are permissions: here those count
     * from the moment they are changed, and who loses one is told then. */
    connection_write(c, 0, &reply);
}

static void on_closing(struct connection *c, const struct method *m)
{
    if (m->id == METHOD_CONNECTION_CLOSE)
        connection_close(c);
    else if (m->id == METHOD_CONNECTION_CLOSE_OK)
        connection_finish(c);
}

static void fail_unimplemented(struct connection *c, uint32_t method)
{
    struct reply r;

    reply_of_unimplemented(&r);
    connection_fail(c, method, &r);
}

/* What is expected in the state that the connection is in. */
static bool dispatch(struct connection *c, const struct method *m)
{
    switch (c->state) {
    case CONNECTION_STARTING:
        if (m->id != METHOD_CONNECTION_START_OK)
            return false;
        on_start_ok(c, m);
        return true;
    case CONNECTION_TUNING:
        if (m->id != METHOD_CONNECTION_TUNE_OK)
            return false;
        on_tune_ok(c, m);
        return true;
    case CONNECTION_OPENING:
        if (m->id != METHOD_CONNECTION_OPEN)
            return false;
        on_open(c, m);
        return true;
    case CONNECTION_RUNNING:
        if (m->id != METHOD_CONNECTION_UPDATE_SECRET)
            return false;
        on_update_secret(c);
        return true;
    default:
        return false;
    }
}

void connection_method(struct connection *c, const struct method *m)
{
    const struct method_kind *kind = method_kind_find(m->id);

    if (c->state >= CONNECTION_CLOSING)
        on_closing(c, m);
    else if (m->id == METHOD_CONNECTION_CLOSE)
        connection_close(c);
    else if ((kind->sender & METHOD_FROM_CLIENT) == 0)
        fail_unimplemented(c, m->id);
    else if (!dispatch(c, m))
        fail_state(c, m);
}
