/* Opens the listeners of the configuration. */
#include "server/listeners.h"

#include <string.h>

#include "amqp/amqp.h"
#include "base/mem.h"
#include "server/options.h"

/* One kind of listener: plain, or with TLS. */
struct kind {
    const struct options *options;
    const char *name;
    const struct setting_endpoint *endpoints; /* SERVER_LISTENERS_MAX */
    bool is_off;
    struct tls *tls;
};

static bool is_any_on(const struct setting_endpoint *endpoints)
{
    for (size_t i = 0; i < SERVER_LISTENERS_MAX; i++)
        if (endpoints[i].is_on)
            return true;
    return false;
}

bool listeners_need_tls(const struct options *o)
{
    return o->server.ssl_listeners != SERVER_LISTENERS_NONE && is_any_on(o->server.ssl);
}

void listeners_name_certificates(const struct options *o, struct certificates *amqp,
                                 struct certificates *http)
{
    certificates_init(amqp, &o->tls, "ssl_options");
    certificates_init(http, &o->management_tls, "management.ssl");
}

int listeners_check(const struct options *o, struct err_note *note)
{
    struct certificates amqp;
    struct certificates http;
    int rv = 0;

    listeners_name_certificates(o, &amqp, &http);
    if (listeners_need_tls(o))
        rv = certificates_check(&amqp, note);
    if (rv == 0 && o->api.ssl_endpoint.is_on)
        rv = certificates_check(&http, note);
    return rv;
}

/* Appends a place to the text, which is new memory then: "*:5672", "[::1]:5672". */
static void add_place(char **text, const char *host, uint16_t port)
{
    bool is_v6 = strchr(host, ':') != NULL;
    char *longer =
        mem_format("%s%s%s%s%s:%u", *text, (*text)[0] == '\0' ? "" : ",", is_v6 ? "[" : "",
                   host[0] == '\0' ? "*" : host, is_v6 ? "]" : "", port);

    mem_free(*text);
    *text = longer;
}

/* Opens all of a kind; adds them to the facts as "amqp=127.0.0.1:5672,[::1]:5672". */
static int open_kind(const struct kind *k, struct amqp *door, char **facts, struct err_note *note)
{
    char *places = mem_text("");
    char *longer = NULL;
    int rv = 0;

    for (size_t i = 0; i < SERVER_LISTENERS_MAX && rv == 0 && !k->is_off; i++) {
        const struct setting_endpoint *e = &k->endpoints[i];
        const struct gate_options gate = {
            .host = e->host,
            .port = e->port,
            .what = k->name,
            .tls = k->tls,
            .settings = &k->options->gate,
        };

        if (!e->is_on)
            continue;
        rv = amqp_listen(door, &gate, note);
        if (rv == 0)
            add_place(&places, e->host, amqp_port(door));
    }
    longer = mem_format("%s%s%s=%s", *facts, (*facts)[0] == '\0' ? "" : " ", k->name,
                        places[0] == '\0' ? "none" : places);
    mem_free(*facts);
    mem_free(places);
    *facts = longer;
    return rv;
}

int listeners_open(const struct options *o, struct amqp *door, struct tls *tls, char **where,
                   struct err_note *note)
{
    const struct server_options *s = &o->server;
    const struct kind plain = {.options = o,
                               .name = "amqp",
                               .endpoints = s->tcp,
                               .is_off = s->tcp_listeners == SERVER_LISTENERS_NONE};
    const struct kind secure = {.options = o,
                                .name = "amqps",
                                .endpoints = s->ssl,
                                .is_off = !listeners_need_tls(o),
                                .tls = tls};
    char *facts = mem_text("");
    int rv = open_kind(&plain, door, &facts, note);

    if (rv == 0)
        rv = open_kind(&secure, door, &facts, note);
    if (rv == 0)
        *where = facts;
    else
        mem_free(facts);
    return rv;
}
