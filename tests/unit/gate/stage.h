/* A stage for tests of gates: a broker's node with a gate, whose sockets keep what they hear, and a
 * client's node that speaks TLS, or whatever a test sends. */
#ifndef TESTS_UNIT_GATE_STAGE_H
#define TESTS_UNIT_GATE_STAGE_H

#include <openssl/ssl.h>

#include "base/buf.h"
#include "gate/gate.h"
#include "gate/tls.h"
#include "io/sim/sim_net.h"
#include "tests/unit/gate/identity.h"

enum { MS = 1000 * 1000, PORT = 5671, SERVERS_MAX = 2000, LINES_MAX = 64, LINE_SIZE = 512 };

#define SECOND (1000 * (uint64_t)MS)

/* What is used of a certificate, for tls_terms_new(). */
struct pems {
    char *certificate;
    char *key;
    char *authorities;
};

/* The owner of a socket that is through the gate. */
struct server {
    struct socket *socket;
    struct buf heard;
    int error;       /* of the last read */
    size_t read_max; /* in a read; 0: much */
    struct buf to_say;
    size_t said;
};

struct client {
    struct socket *socket;
    SSL *ssl;           /* NULL: plain */
    struct bytes first; /* goes out before TLS */
    struct buf heard;
    bool is_shaken;
    bool is_closed;  /* by the other side */
    bool is_deaf;    /* reads nothing */
    bool has_notice; /* close_notify came */
    int error;       /* of OpenSSL, or 0 */
};

struct stage {
    struct sim *sim;
    struct sim_node *here;
    struct sim_node *there;
    struct io *io; /* the broker's */
    struct io *client_io;
    struct identity authority;
    struct identity own;
    struct identity visitor;
    struct tls_options options;
    struct tls *tls;
    struct gate *gate;
    struct gate_settings settings;
    struct gate_options gate_options;
    struct server servers[SERVERS_MAX];
    size_t server_count;
    struct bytes first; /* of the next client, borrowed */
    SSL_CTX *client_ctx;
    struct client client;
    char lines[LINES_MAX][LINE_SIZE]; /* that were said */
    size_t line_count;
};

/* A world with identities; options at their defaults, but for certificate and key. */
struct stage *stage_new(uint64_t seed, const struct sim_way *way);
/* Opens the gate, with TLS unless `is_plain`. */
void stage_open(struct stage *g, bool is_plain);
void stage_free(struct stage *g);
/* What a gate of the stage calls. */
void on_stage_accept(void *owner, struct socket *s);

struct tls_terms *stage_terms(struct stage *g, const struct identity *own);

/* Connects; by TLS when it has a context. Waits for nothing. */
void stage_connect(struct stage *g, bool has_certificate);
void stage_connect_plain(struct stage *g);
/* Until the handshake is done on both sides. */
void stage_shake(struct stage *g, bool has_certificate);

/* By TLS, or as it stands. */
void client_say(struct client *c, const void *bytes, size_t size);
/* Sends what OpenSSL has to say. */
void client_flush(struct client *c);
void client_close(struct client *c);
void server_say(struct server *v, const void *bytes, size_t size);
void server_close(struct server *v);
struct server *server_of(struct stage *g);

/* The last line that was said, "" when there is none. */
const char *stage_line(const struct stage *g);

#endif
