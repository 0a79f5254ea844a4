/* A socket above a socket, with TLS between them.
 *
 *     owner   read  <-- SSL_read  <-- area  <--+-- unread
 *                                              '-- below
 *     owner   write --> SSL_write --> block -----> below
 *                                       '- what did not fit -> unsent
 *
 * OpenSSL reads and writes through a BIO of our own, which takes from the area and adds to the
 * block and never touches the socket. So the system is called once for many records, and all that
 * OpenSSL keeps of a connection at rest is its state.
 *
 * A write is told as done when its block is gone (L1). When it did not go whole, the rest is kept,
 * and its plain bytes are `claimed`: the owner comes with them again, and they are skipped. */
#include "gate/tls_socket.h"

#include <openssl/err.h>
#include <string.h>

#include "base/mem.h"
#include "gate/certificate.h"
#include "gate/tls_parts.h"
#include "gate/tls_words.h"
#include "io/io.h"
#include "io/net.h"

enum {
    FILL_MIN = 4096,
    HANDSHAKE_FILL = 16 * 1024, /* read at a time before it is open */
    KEY_UPDATES_MAX = 32,       /* without data between them */
    LAST_READS_MAX = 16,
};

struct tls_socket {
    struct socket base;
    struct tls *tls;
    struct socket *below;
    SSL *ssl;
    enum tls_state state;
    socket_event_fn *fn;
    void *owner;
    unsigned watched;
    int error;         /* ended: what reads and writes answer */
    char *why;         /* ended by an error */
    bool is_at_end;    /* below, the stream has ended */
    bool is_read_over; /* the client has said that nothing comes any more */
    bool has_first;    /* the first bytes were looked at */
    uint32_t key_updates;
    struct io_timer timer; /* there is something for the owner that no socket tells of */

    struct bytes window; /* encrypted, for the BIO; empty but for one reading */
    uint8_t *unread;     /* encrypted, read from below; NULL: none */
    size_t unread_start;
    size_t unread_size;

    size_t block_size; /* of tls->block; 0 but for one writing */
    uint8_t *unsent;   /* encrypted, for below; NULL: none */
    size_t unsent_start;
    size_t unsent_size;
    size_t claimed; /* plain bytes in `unsent` that the owner does not know of */
};

static struct tls_socket *tls_socket_of(const struct socket *s)
{
    return CONTAINER_OF((struct socket *)(uintptr_t)s, struct tls_socket, base);
}

/* ---- what OpenSSL reads and writes ---- */

static int on_bio_read(BIO *bio, char *buf, size_t size, size_t *done)
{
    struct tls_socket *s = BIO_get_data(bio);
    size_t n = size < s->window.size ? size : s->window.size;

    BIO_clear_retry_flags(bio);
    *done = n;
    if (n == 0) {
        if (!s->is_at_end)
            BIO_set_retry_read(bio);
        return 0;
    }
    memcpy(buf, s->window.data, n);
    s->window = bytes_of(s->window.data + n, s->window.size - n);
    return 1;
}

static int on_bio_write(BIO *bio, const char *buf, size_t size, size_t *done)
{
    struct tls_socket *s = BIO_get_data(bio);

    BIO_clear_retry_flags(bio);
    *done = 0;
    if (size > TLS_BLOCK_SIZE - s->block_size) {
        BIO_set_retry_write(bio);
        return 0;
    }
    memcpy(s->tls->block + s->block_size, buf, size);
    s->block_size += size;
    *done = size;
    return 1;
}

static long on_bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
    struct tls_socket *s = BIO_get_data(bio);

    (void)number, (void)pointer;
    if (command == BIO_CTRL_FLUSH)
        return 1;
    if (command == BIO_CTRL_EOF)
        return s->is_at_end && s->window.size == 0;
    return 0;
}

BIO_METHOD *tls_socket_bio(void)
{
    BIO_METHOD *m = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "millrace");

    ASSERT(m != NULL);
    BIO_meth_set_read_ex(m, on_bio_read);
    BIO_meth_set_write_ex(m, on_bio_write);
    BIO_meth_set_ctrl(m, on_bio_ctrl);
    return m;
}

void tls_socket_on_message(int is_sent, int version, int content_type, const void *data,
                           size_t size, SSL *ssl, void *arg)
{
    struct tls_socket *s = arg;
    const uint8_t *message = data;

    (void)version, (void)ssl;
    if (is_sent || content_type != SSL3_RT_HANDSHAKE || size == 0 ||
        message[0] != SSL3_MT_KEY_UPDATE)
        return;
    if (++s->key_updates > KEY_UPDATES_MAX)
        s->window = bytes_of(NULL, 0); /* OpenSSL comes back, and it ends */
}

/* ---- the end ---- */

static void end(struct tls_socket *s, int error, char *why)
{
    if (s->state == TLS_ENDED) {
        mem_free(why);
        return;
    }
    s->state = TLS_ENDED;
    s->error = error;
    s->why = why;
}

/* What the certificate's judge says, or the client, or OpenSSL. */
static char *reason_of(const struct tls_socket *s)
{
    unsigned long first = ERR_peek_error();
    int reason = ERR_GET_REASON(first);
    long verdict = SSL_get_verify_result(s->ssl);

    if (s->is_at_end)
        return mem_text("the client left");
    if (verdict != X509_V_OK)
        return mem_format("the client's certificate is refused: %s",
                          X509_verify_cert_error_string(verdict));
    if (ERR_GET_LIB(first) == ERR_LIB_SSL && reason > SSL_AD_REASON_OFFSET)
        return mem_format("the client says: %s",
                          SSL_alert_desc_string_long(reason - SSL_AD_REASON_OFFSET));
    return mem_text(tls_reason());
}

/* What a call that did not succeed means: ERR_AGAIN, or the end. */
static int judge(struct tls_socket *s, int result)
{
    int error = SSL_get_error(s->ssl, result);

    if (s->key_updates > KEY_UPDATES_MAX) {
        end(s, ERR_IO, mem_text("the client only changes its keys"));
        return ERR_IO;
    }
    if (error == SSL_ERROR_WANT_READ && !s->is_at_end)
        return ERR_AGAIN;
    if (error == SSL_ERROR_ZERO_RETURN) {
        s->is_read_over = true;
        return ERR_CLOSED;
    }
    end(s, s->is_at_end ? ERR_CLOSED : ERR_IO, reason_of(s));
    ERR_clear_error();
    return s->error;
}

/* ---- to and from the socket below ---- */

/* Opens the window on encrypted bytes: those that are kept, else at most `want` from below. The end
 * of the stream is an empty window. */
static int fill(struct tls_socket *s, size_t want)
{
    size_t done = 0;
    int rv = 0;

    ASSERT(s->window.size == 0 && want <= TLS_AREA_SIZE);
    if (s->unread != NULL) {
        s->window = bytes_of(s->unread + s->unread_start, s->unread_size);
        return 0;
    }
    if (s->is_at_end)
        return 0;
    rv = socket_read(s->below, s->tls->area, want, &done);
    if (rv == ERR_CLOSED) {
        s->is_at_end = true;
        return 0;
    }
    if (rv == 0)
        s->window = bytes_of(s->tls->area, done);
    return rv;
}

/* Closes the window; what OpenSSL did not take is kept. */
static void keep(struct tls_socket *s)
{
    struct bytes left = s->window;

    s->window = bytes_of(NULL, 0);
    if (s->unread != NULL) {
        s->unread_start += s->unread_size - left.size;
        s->unread_size = left.size;
        if (left.size > 0)
            return;
        mem_free(s->unread);
        s->unread = NULL;
    } else if (left.size > 0) {
        s->unread = mem_alloc(left.size);
        memcpy(s->unread, left.data, left.size);
        s->unread_start = 0;
        s->unread_size = left.size;
    }
}

static int write_below(struct tls_socket *s, const uint8_t *data, size_t size, size_t *done)
{
    struct iovec part = {.iov_base = (void *)(uintptr_t)data, .iov_len = size};
    int rv = socket_write(s->below, &part, 1, done);

    if (rv != 0)
        *done = 0;
    return rv == ERR_AGAIN ? 0 : rv;
}

/* Writes what is kept. 0: nothing is any more; ERR_AGAIN; or it broke. */
static int push_unsent(struct tls_socket *s)
{
    size_t done = 0;
    int rv = 0;

    if (s->unsent == NULL)
        return 0;
    rv = write_below(s, s->unsent + s->unsent_start, s->unsent_size, &done);
    if (rv != 0) {
        end(s, rv, mem_text("the connection broke"));
        return rv;
    }
    s->unsent_start += done;
    s->unsent_size -= done;
    if (s->unsent_size > 0)
        return ERR_AGAIN;
    mem_free(s->unsent);
    s->unsent = NULL;
    return 0;
}

/* Adds the rest of the block to what is kept. What is kept is a block at most, and what comes to it
 * are answers to key updates, of which there are few (L2). */
static void keep_block(struct tls_socket *s, size_t from, size_t size)
{
    size_t before = s->unsent == NULL ? 0 : s->unsent_size;
    uint8_t *all = mem_alloc(before + size - from);

    if (before > 0)
        memcpy(all, s->unsent + s->unsent_start, before);
    memcpy(all + before, s->tls->block + from, size - from);
    mem_free(s->unsent);
    s->unsent = all;
    s->unsent_start = 0;
    s->unsent_size = before + size - from;
}

/* Writes the block; what does not fit is kept. 0: it is gone; ERR_AGAIN; or it broke. */
static int push(struct tls_socket *s)
{
    size_t size = s->block_size;
    size_t done = 0;
    int rv = 0;

    s->block_size = 0;
    if (size == 0)
        return 0;
    if (s->unsent == NULL)
        rv = write_below(s, s->tls->block, size, &done);
    if (rv != 0) {
        end(s, rv, mem_text("the connection broke"));
        return rv;
    }
    if (done == size)
        return 0;
    keep_block(s, done, size);
    return ERR_AGAIN;
}

/* ---- who is told when ---- */

static void rewatch(struct tls_socket *s)
{
    unsigned events = s->unsent != NULL ? SOCKET_WRITE : 0;

    if (s->state == TLS_HANDSHAKE)
        events |= SOCKET_READ;
    else if (s->state == TLS_OPEN && !s->is_read_over && !s->is_at_end)
        events |= s->watched;
    else if (s->state == TLS_OPEN)
        events |= s->watched & SOCKET_WRITE;
    socket_watch(s->below, events);
}

/* What the owner would find that the socket below does not tell of. */
static unsigned ready_events(const struct tls_socket *s)
{
    if (s->state == TLS_HANDSHAKE)
        return 0;
    if (s->state == TLS_ENDED)
        return s->watched;
    if (s->is_read_over || s->is_at_end || s->unread != NULL || SSL_pending(s->ssl) > 0)
        return s->watched & SOCKET_READ;
    return 0;
}

/* As long as there is something he is told again each turn. */
static void retime(struct tls_socket *s)
{
    if (ready_events(s) == 0)
        io_timer_stop(s->base.io, &s->timer);
    else if (!io_timer_is_running(&s->timer))
        io_timer_start(s->base.io, &s->timer, 0);
}

static void on_timer(struct io_timer *t)
{
    struct tls_socket *s = CONTAINER_OF(t, struct tls_socket, timer);
    unsigned events = ready_events(s);

    retime(s);
    if (events != 0)
        s->fn(s->owner, &s->base, events); /* which may close it */
}

/* ---- handshake ---- */

/* What came first is no TLS: says so in the way TLS has for it. */
static void refuse_plain(struct tls_socket *s)
{
    static const uint8_t alert[] = {SSL3_RT_ALERT,          3, 3, 0, 2, SSL3_AL_FATAL,
                                    SSL_AD_PROTOCOL_VERSION};
    static const char amqp[] = "AMQP";
    size_t size = sizeof(amqp) - 1;
    bool is_amqp = s->window.size >= size && memcmp(s->window.data, amqp, size) == 0;

    s->window = bytes_of(NULL, 0);
    memcpy(s->tls->block, alert, sizeof(alert));
    s->block_size = sizeof(alert);
    if (push(s) != ERR_IO)
        end(s, ERR_IO, mem_text(is_amqp ? "the client speaks plain AMQP" : "what came is no TLS"));
}

static void shake_hands(struct tls_socket *s)
{
    int result = 0;
    int rv = fill(s, HANDSHAKE_FILL);

    if (rv == ERR_AGAIN)
        return;
    if (rv != 0) {
        end(s, rv, mem_text("the connection broke"));
        return;
    }
    if (!s->has_first && s->window.size > 0 && s->window.data[0] != SSL3_RT_HANDSHAKE) {
        refuse_plain(s);
        return;
    }
    s->has_first = true;
    ERR_clear_error();
    result = SSL_do_handshake(s->ssl);
    if (result == 1)
        s->state = TLS_OPEN;
    else
        judge(s, result);
    keep(s);
    push(s); /* what is left over goes when there is room */
}

static void on_below_in_handshake(struct tls_socket *s, unsigned events)
{
    if ((events & SOCKET_WRITE) != 0)
        push_unsent(s);
    if ((events & SOCKET_READ) != 0 && s->state == TLS_HANDSHAKE)
        shake_hands(s);
    rewatch(s);
    retime(s);
    if (s->state == TLS_OPEN && (s->watched & SOCKET_WRITE) != 0)
        s->fn(s->owner, &s->base, SOCKET_WRITE);
}

static void on_below(void *owner, struct socket *below, unsigned events)
{
    struct tls_socket *s = owner;

    ASSERT(below == s->below);
    if (s->state == TLS_HANDSHAKE) {
        on_below_in_handshake(s, events);
        return;
    }
    if ((events & SOCKET_WRITE) != 0 && push_unsent(s) != 0)
        events &= ~(unsigned)SOCKET_WRITE;
    rewatch(s);
    retime(s);
    events &= s->watched;
    if (events != 0 && s->state == TLS_OPEN)
        s->fn(s->owner, &s->base, events); /* which may close it */
}

/* ---- the owner's side ---- */

static void tls_socket_set_owner(struct socket *base, socket_event_fn *fn, void *owner)
{
    struct tls_socket *s = tls_socket_of(base);

    s->fn = fn;
    s->owner = owner;
}

static void tls_socket_watch(struct socket *base, unsigned events)
{
    struct tls_socket *s = tls_socket_of(base);

    ASSERT(events == 0 || s->fn != NULL);
    s->watched = events;
    rewatch(s);
    retime(s);
}

/* Decrypts until the area is full or more would have to come. */
static int decrypt(struct tls_socket *s, uint8_t *buf, size_t size, size_t *done)
{
    int result = 0;

    while (*done < size) {
        size_t n = 0;

        ERR_clear_error();
        result = SSL_read_ex(s->ssl, buf + *done, size - *done, &n);
        if (result != 1)
            return judge(s, result);
        *done += n;
        s->key_updates = 0;
    }
    return 0;
}

/* First what OpenSSL holds, then what is kept, then what comes, once. */
static int read_plain(struct tls_socket *s, uint8_t *buf, size_t size, size_t *done)
{
    size_t want = size < FILL_MIN ? FILL_MIN : size < TLS_AREA_SIZE ? size : TLS_AREA_SIZE;
    bool is_last = false;
    int rv = decrypt(s, buf, size, done);

    while (rv == ERR_AGAIN && !is_last) {
        is_last = s->unread == NULL;
        rv = fill(s, want);
        if (rv == 0)
            rv = decrypt(s, buf, size, done);
        else if (rv != ERR_AGAIN)
            end(s, rv, mem_text("the connection broke"));
        keep(s);
    }
    return rv;
}

static int tls_socket_read(struct socket *base, void *buf, size_t size, size_t *out)
{
    struct tls_socket *s = tls_socket_of(base);
    size_t done = 0;
    int rv = ERR_AGAIN;

    if (s->state == TLS_ENDED)
        return s->error;
    if (s->is_read_over)
        return ERR_CLOSED;
    if (s->state == TLS_OPEN)
        rv = read_plain(s, buf, size, &done);
    push(s);
    rewatch(s);
    retime(s);
    if (done == 0) {
        ASSERT(rv < 0);
        return rv;
    }
    *out = done;
    return 0;
}

/* Where the owner's bytes are read from. */
struct cursor {
    const struct iovec *parts;
    int count;
    size_t at; /* in the first part */
};

/* What lies in one piece from here on; nothing: it is the end. */
static struct bytes cursor_piece(struct cursor *c)
{
    while (c->count > 0 && c->at == c->parts->iov_len) {
        c->parts++;
        c->count--;
        c->at = 0;
    }
    if (c->count == 0)
        return bytes_of(NULL, 0);
    return bytes_of((const uint8_t *)c->parts->iov_base + c->at, c->parts->iov_len - c->at);
}

static size_t cursor_skip(struct cursor *c, size_t size)
{
    size_t skipped = 0;
    struct bytes piece;

    while (skipped < size && (piece = cursor_piece(c)).size > 0) {
        size_t n = piece.size < size - skipped ? piece.size : size - skipped;
        c->at += n;
        skipped += n;
    }
    return skipped;
}

static size_t cursor_copy(struct cursor *c, uint8_t *to, size_t size)
{
    size_t copied = 0;
    struct bytes piece;

    while (copied < size && (piece = cursor_piece(c)).size > 0) {
        size_t n = piece.size < size - copied ? piece.size : size - copied;
        memcpy(to + copied, piece.data, n);
        c->at += n;
        copied += n;
    }
    return copied;
}

/* The plain bytes of the next record: where they lie when they fill it, else together. */
static struct bytes next_record(struct tls_socket *s, struct cursor *c)
{
    struct bytes piece = cursor_piece(c);

    if (piece.size >= TLS_RECORD_MAX) {
        c->at += TLS_RECORD_MAX;
        return bytes_of(piece.data, TLS_RECORD_MAX);
    }
    return bytes_of(s->tls->plain, cursor_copy(c, s->tls->plain, TLS_RECORD_MAX));
}

/* Fills the block with records and writes it. Says how many plain bytes were in it. */
static int write_block(struct tls_socket *s, struct cursor *c, size_t *plain)
{
    *plain = 0;
    while (cursor_piece(c).size > 0 && TLS_BLOCK_SIZE - s->block_size >= TLS_RECORD_SPACE) {
        struct bytes record = next_record(s, c);
        size_t n = 0;
        int result = 0;

        ERR_clear_error();
        result = SSL_write_ex(s->ssl, record.data, record.size, &n);
        if (result != 1) {
            judge(s, result);
            end(s, ERR_IO, mem_text("a record could not be made"));
            return s->error;
        }
        *plain += n;
    }
    return push(s);
}

static int write_plain(struct tls_socket *s, struct cursor *c, size_t *done)
{
    int rv = push_unsent(s);
    size_t plain = 0;

    if (rv != 0)
        return rv;
    *done = cursor_skip(c, s->claimed);
    s->claimed -= *done;
    while (rv == 0 && cursor_piece(c).size > 0) {
        rv = write_block(s, c, &plain);
        if (rv == 0)
            *done += plain; /* L1 */
        else
            s->claimed = plain;
    }
    return rv;
}

static int tls_socket_write(struct socket *base, const struct iovec *parts, int count, size_t *out)
{
    struct tls_socket *s = tls_socket_of(base);
    struct cursor c = {.parts = parts, .count = count};
    size_t done = 0;
    int rv = ERR_AGAIN;

    if (s->state == TLS_ENDED)
        return s->error;
    if (s->state == TLS_OPEN)
        rv = write_plain(s, &c, &done);
    rewatch(s);
    retime(s);
    if (done == 0) {
        ASSERT(rv < 0);
        return rv;
    }
    *out = done;
    return 0;
}

static void tls_socket_peer(const struct socket *base, struct net_address *out)
{
    socket_peer(tls_socket_of(base)->below, out);
}

static void tls_socket_local(const struct socket *base, struct net_address *out)
{
    socket_local(tls_socket_of(base)->below, out);
}

static void tls_socket_set_peer(struct socket *base, const struct net_address *peer)
{
    socket_set_peer(tls_socket_of(base)->below, peer);
}

/* Takes what still came, so that closing does not throw away the alert on its way. */
static void drain(struct tls_socket *s)
{
    size_t done = 0;

    for (int i = 0; i < LAST_READS_MAX; i++)
        if (socket_read(s->below, s->tls->area, TLS_AREA_SIZE, &done) != 0)
            break;
}

static void tls_socket_close(struct socket *base)
{
    struct tls_socket *s = tls_socket_of(base);

    if (s->state == TLS_OPEN && s->unsent == NULL) {
        ERR_clear_error();
        SSL_shutdown(s->ssl);
        push(s); /* as far as it goes */
    }
    if (s->state == TLS_ENDED)
        drain(s);
    io_timer_stop(base->io, &s->timer);
    socket_close(s->below);
    SSL_free(s->ssl);
    ERR_clear_error();
    mem_free(s->unread);
    mem_free(s->unsent);
    mem_free(s->why);
    ASSERT(s->tls->socket_count > 0);
    s->tls->socket_count--;
    mem_free(s);
}

static const struct socket_ops tls_socket_ops = {
    .set_owner = tls_socket_set_owner,
    .watch = tls_socket_watch,
    .read = tls_socket_read,
    .write = tls_socket_write,
    .peer = tls_socket_peer,
    .local = tls_socket_local,
    .set_peer = tls_socket_set_peer,
    .close = tls_socket_close,
};

/* ---- the beginning ---- */

struct socket *tls_accept(struct tls *t, struct socket *below)
{
    struct tls_socket *s = MEM_NEW(struct tls_socket);
    BIO *bio = BIO_new(t->bio);

    s->base = (struct socket){.io = t->io, .ops = &tls_socket_ops};
    s->tls = t;
    s->below = below;
    s->ssl = SSL_new(t->terms->ctx);
    ASSERT(bio != NULL && s->ssl != NULL);
    BIO_set_data(bio, s);
    BIO_set_init(bio, 1);
    SSL_set_bio(s->ssl, bio, bio);
    SSL_set_accept_state(s->ssl);
    SSL_set_msg_callback_arg(s->ssl, s);
    X509_VERIFY_PARAM_set_time(SSL_get0_param(s->ssl), (time_t)(io_wall_ms(t->io) / 1000));
    io_timer_init(&s->timer, on_timer);
    t->socket_count++;
    socket_set_owner(below, on_below, s);
    rewatch(s);
    return &s->base;
}

enum tls_state tls_socket_state(const struct socket *base)
{
    ASSERT(base->ops == &tls_socket_ops);
    return tls_socket_of(base)->state;
}

const char *tls_socket_why(const struct socket *base)
{
    const struct tls_socket *s = tls_socket_of(base);

    ASSERT(base->ops == &tls_socket_ops);
    return s->why == NULL ? "it has not ended" : s->why;
}

bool tls_look(const struct socket *base, struct tls_look *out)
{
    const struct tls_socket *s = tls_socket_of(base);

    if (base->ops != &tls_socket_ops || s->state != TLS_OPEN)
        return false;
    out->version = SSL_get_version(s->ssl);
    out->cipher = SSL_get_cipher_name(s->ssl);
    out->has_certificate =
        SSL_get0_peer_certificate(s->ssl) != NULL && SSL_get_verify_result(s->ssl) == X509_V_OK;
    return true;
}

int tls_name(const struct socket *base, const struct tls_name_rule *rule, struct buf *out)
{
    struct tls_look look;

    if (!tls_look(base, &look) || !look.has_certificate)
        return ERR_NOT_FOUND;
    return certificate_name(SSL_get0_peer_certificate(tls_socket_of(base)->ssl), rule, out);
}

int tls_certificate(const struct socket *base, enum tls_part part, struct buf *out)
{
    struct tls_look look;

    if (!tls_look(base, &look) || !look.has_certificate)
        return ERR_NOT_FOUND;
    return certificate_part(SSL_get0_peer_certificate(tls_socket_of(base)->ssl), part, out);
}

bool tls_get_words(const struct socket *base, struct tls_words *out)
{
    struct tls_look look;

    if (!tls_look(base, &look))
        return false;
    tls_words_of(tls_socket_of(base)->ssl, out);
    return true;
}
