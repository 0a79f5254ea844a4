/* Worlds with a gate, and clients of it. */
#include "tests/unit/gate/stage.h"

#include <openssl/err.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "tests/lib/test.h"

enum { AREA_SIZE = 128 * 1024, HEARD_MAX = 64 * 1024 * 1024 };

static void keep_line(void *owner, const char *line)
{
    struct stage *g = owner;
    const char *text = strstr(line, "] ");

    assert_non_null(text);
    assert_true(g->line_count < LINES_MAX);
    snprintf(g->lines[g->line_count++], LINE_SIZE, "%s", text + 2);
}

const char *stage_line(const struct stage *g)
{
    return g->line_count == 0 ? "" : g->lines[g->line_count - 1];
}

/* ---- the broker's side ---- */

static void server_write(struct server *v)
{
    struct iovec parts[3];
    size_t done = 0;

    while (v->said < v->to_say.size) {
        size_t left = v->to_say.size - v->said;
        size_t first = left / 3;
        int rv = 0;

        /* in pieces, as a door has them */
        parts[0] = (struct iovec){v->to_say.data + v->said, first};
        parts[1] = (struct iovec){v->to_say.data + v->said + first, 0};
        parts[2] = (struct iovec){v->to_say.data + v->said + first, left - first};
        rv = socket_write(v->socket, parts, 3, &done);
        if (rv != 0)
            return;
        v->said += done;
    }
}

static void server_read(struct server *v)
{
    static uint8_t area[AREA_SIZE];
    size_t done = 0;

    v->error = socket_read(v->socket, area, v->read_max == 0 ? sizeof(area) : v->read_max, &done);
    if (v->error == 0)
        buf_bytes(&v->heard, bytes_of(area, done));
    else if (v->error != ERR_AGAIN)
        socket_watch(v->socket, 0);
}

static void on_server(void *owner, struct socket *s, unsigned events)
{
    struct server *v = owner;

    assert_ptr_equal(s, v->socket);
    if ((events & SOCKET_WRITE) != 0)
        server_write(v);
    if ((events & SOCKET_READ) != 0)
        server_read(v);
    if (v->error == 0 || v->error == ERR_AGAIN)
        socket_watch(s, SOCKET_READ | (v->said < v->to_say.size ? SOCKET_WRITE : 0));
}

void on_stage_accept(void *owner, struct socket *s)
{
    struct stage *g = owner;
    struct server *v = &g->servers[g->server_count];

    assert_true(g->server_count < SERVERS_MAX);
    g->server_count++;
    *v = (struct server){.socket = s};
    buf_init(&v->heard, HEARD_MAX);
    buf_init(&v->to_say, HEARD_MAX);
    socket_set_owner(s, on_server, v);
    socket_watch(s, SOCKET_READ);
}

struct server *server_of(struct stage *g)
{
    assert_true(g->server_count > 0);
    return &g->servers[g->server_count - 1];
}

void server_say(struct server *v, const void *bytes, size_t size)
{
    buf_bytes(&v->to_say, bytes_of(bytes, size));
    server_write(v);
    socket_watch(v->socket, SOCKET_READ | (v->said < v->to_say.size ? SOCKET_WRITE : 0));
}

void server_close(struct server *v)
{
    if (v->socket != NULL)
        socket_close(v->socket);
    v->socket = NULL;
    buf_release(&v->heard);
    buf_release(&v->to_say);
}

/* ---- the client ---- */

void client_flush(struct client *c)
{
    char *data = NULL;
    BIO *out = c->ssl == NULL ? NULL : SSL_get_wbio(c->ssl);
    long size = out == NULL ? 0 : BIO_get_mem_data(out, &data);

    while (size > 0) {
        struct iovec part = {.iov_base = data, .iov_len = (size_t)size};
        size_t done = 0;
        int rv = socket_write(c->socket, &part, 1, &done);

        if (rv != 0) {
            socket_watch(c->socket, SOCKET_READ | (rv == ERR_AGAIN ? SOCKET_WRITE : 0));
            return;
        }
        assert_int_equal(BIO_read(out, data, (int)done), done); /* onto itself: it only skips */
        size = BIO_get_mem_data(out, &data);
    }
    if (c->socket != NULL && !c->is_closed)
        socket_watch(c->socket, c->is_deaf ? 0 : SOCKET_READ);
}

static void client_step(struct client *c)
{
    static uint8_t area[AREA_SIZE];
    int n = 1;

    ERR_clear_error();
    if (!c->is_shaken) {
        n = SSL_do_handshake(c->ssl);
        c->is_shaken = n == 1;
    }
    while (c->is_shaken && (n = SSL_read(c->ssl, area, sizeof(area))) > 0)
        buf_bytes(&c->heard, bytes_of(area, (size_t)n));
    if (n <= 0) {
        int error = SSL_get_error(c->ssl, n);
        if (error == SSL_ERROR_ZERO_RETURN)
            c->has_notice = true;
        else if (error != SSL_ERROR_WANT_READ)
            c->error = ERR_GET_REASON(ERR_peek_error());
    }
    client_flush(c);
}

static void client_begin(struct client *c)
{
    struct iovec part = {.iov_base = (void *)(uintptr_t)c->first.data, .iov_len = c->first.size};
    size_t done = 0;

    if (socket_write(c->socket, &part, 1, &done) == 0)
        c->first = bytes_of(c->first.data + done, c->first.size - done);
}

static void on_client(void *owner, struct socket *s, unsigned events)
{
    static uint8_t area[AREA_SIZE];
    struct client *c = owner;
    size_t done = 0;
    int rv = 0;

    if ((events & SOCKET_WRITE) != 0 && c->first.size > 0)
        client_begin(c);
    if (c->first.size > 0)
        return;
    if ((events & SOCKET_WRITE) != 0 && c->ssl != NULL)
        client_step(c);
    if ((events & SOCKET_WRITE) != 0 && c->ssl == NULL)
        socket_watch(s, SOCKET_READ);
    if ((events & SOCKET_READ) == 0)
        return;
    rv = socket_read(s, area, sizeof(area), &done);
    if (rv == 0 && c->ssl == NULL) {
        buf_bytes(&c->heard, bytes_of(area, done));
    } else if (rv == 0) {
        assert_int_equal(BIO_write(SSL_get_rbio(c->ssl), area, (int)done), done);
        client_step(c);
    } else if (rv != ERR_AGAIN) {
        c->is_closed = true;
        socket_watch(s, 0);
    }
}

static void dial(struct stage *g)
{
    struct client *c = &g->client;
    struct err_note note = {{0}};

    client_close(c);
    *c = (struct client){.first = g->first};
    buf_init(&c->heard, HEARD_MAX);
    assert_int_equal(socket_connect(g->client_io, sim_node_host(g->here), PORT, &c->socket, &note),
                     0);
    socket_set_owner(c->socket, on_client, c);
    socket_watch(c->socket, SOCKET_WRITE);
}

void stage_connect_plain(struct stage *g)
{
    dial(g);
    sim_run_for(g->sim, 10 * MS);
}

void stage_connect(struct stage *g, bool has_certificate)
{
    dial(g);
    g->client.ssl = SSL_new(g->client_ctx);
    assert_non_null(g->client.ssl);
    SSL_set_bio(g->client.ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_connect_state(g->client.ssl);
    X509_VERIFY_PARAM_set_time(SSL_get0_param(g->client.ssl), IDENTITY_NOW);
    if (!has_certificate)
        return;
    assert_int_equal(SSL_use_certificate(g->client.ssl, g->visitor.certificate), 1);
    assert_int_equal(SSL_use_PrivateKey(g->client.ssl, g->visitor.key), 1);
}

void stage_shake(struct stage *g, bool has_certificate)
{
    size_t before = g->server_count;

    stage_connect(g, has_certificate);
    sim_run_for(g->sim, SECOND);
    assert_true(g->client.is_shaken);
    assert_int_equal(g->server_count, before + 1);
}

void client_say(struct client *c, const void *bytes, size_t size)
{
    struct iovec part = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = size};
    size_t done = 0;

    if (c->ssl != NULL) {
        assert_int_equal(SSL_write(c->ssl, bytes, (int)size), size);
        client_flush(c);
        return;
    }
    assert_int_equal(socket_write(c->socket, &part, 1, &done), 0);
    assert_int_equal(done, size);
}

void client_close(struct client *c)
{
    if (c->socket != NULL)
        socket_close(c->socket);
    c->socket = NULL;
    SSL_free(c->ssl);
    c->ssl = NULL;
    buf_release(&c->heard);
}

/* ---- the stage ---- */

struct tls_terms *stage_terms(struct stage *g, const struct identity *own)
{
    struct pems p = {.certificate = identity_certificate(own),
                     .key = identity_key(own, NULL),
                     .authorities = identity_certificate(&g->authority)};
    const struct tls_files files = {.certificate = bytes_text(p.certificate),
                                    .key = bytes_text(p.key),
                                    .authorities = bytes_text(p.authorities)};
    struct tls_terms *terms = NULL;
    struct err_note note = {{0}};

    if (tls_terms_new(&g->options, "ssl_options", &files, &terms, &note) != 0)
        fail_msg("%s", note.text);
    mem_free(p.certificate);
    mem_free(p.key);
    mem_free(p.authorities);
    return terms;
}

static void set_text(char **text, const char *value)
{
    mem_free(*text);
    *text = mem_text(value);
}

struct stage *stage_new(uint64_t seed, const struct sim_way *way)
{
    const struct sim_options o = {.seed = seed};
    struct stage *g = MEM_NEW(struct stage);

    diag_set_sink(keep_line, g);
    g->sim = sim_new(&o);
    if (way != NULL)
        sim_net_set_ways(g->sim, way);
    g->here = sim_node_new(g->sim, "here", NULL);
    g->there = sim_node_new(g->sim, "there", NULL);
    g->io = sim_io_new(g->here);
    g->client_io = sim_io_new(g->there);
    g->authority = identity_new(&(struct identity_spec){.name = "authority", .is_authority = true});
    g->own = identity_new(&(struct identity_spec){
        .name = "broker", .issuer = &g->authority, .alternatives = "DNS:localhost"});
    g->visitor = identity_new(&(struct identity_spec){.name = "visitor", .issuer = &g->authority});
    setting_defaults(tls_settings, &g->options);
    setting_defaults(gate_settings, &g->settings);
    set_text(&g->options.certfile, "own.pem");
    set_text(&g->options.keyfile, "own.key");
    set_text(&g->options.cacertfile, "authority.pem");
    g->client_ctx = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_mode(g->client_ctx, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    X509_STORE_add_cert(SSL_CTX_get_cert_store(g->client_ctx), g->authority.certificate);
    SSL_CTX_set_verify(g->client_ctx, SSL_VERIFY_PEER, NULL);
    return g;
}

void stage_open(struct stage *g, bool is_plain)
{
    struct err_note note = {{0}};
    int rv = 0;

    if (!is_plain)
        g->tls = tls_new(g->io, stage_terms(g, &g->own));
    g->gate_options.host = "";
    g->gate_options.port = PORT;
    g->gate_options.what = "amqps";
    g->gate_options.tls = g->tls;
    g->gate_options.settings = &g->settings;
    rv =
        gate_open(g->io, &g->gate_options, (struct gate_door){on_stage_accept, g}, &g->gate, &note);
    assert_int_equal(rv, 0);
}

void stage_free(struct stage *g)
{
    client_close(&g->client);
    for (size_t i = 0; i < g->server_count; i++)
        server_close(&g->servers[i]);
    gate_close(g->gate);
    tls_free(g->tls);
    sim_run_for(g->sim, 2 * SECOND);
    sim_io_free(g->io);
    sim_io_free(g->client_io);
    sim_free(g->sim);
    identity_release(&g->authority);
    identity_release(&g->own);
    identity_release(&g->visitor);
    setting_release(tls_settings, &g->options);
    SSL_CTX_free(g->client_ctx);
    diag_set_sink(NULL, NULL);
    mem_free(g);
}
