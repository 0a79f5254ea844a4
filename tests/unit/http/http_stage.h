/* A server and its clients in a simulated world. The service answers what the path asks for:
 *
 *     /echo       200 with the body of the request     /deny    401 from begin(), the body unread
 *     /parts/N    N parts of PART_TEXT                 /later   answered when the test says so
 *     /abort      one part, then the connection is cut /nothing 204
 *
 * Owner: a test. */
#ifndef TESTS_UNIT_HTTP_HTTP_STAGE_H
#define TESTS_UNIT_HTTP_HTTP_STAGE_H

#include "http/server.h"
#include "io/sim/sim.h"
#include "io/sim/sim_net.h"

#define STAGE_MS  UINT64_C(1000000)
#define PART_TEXT "0123456789abcdef0123456789abcdef\n"

enum { STAGE_PORT = 15672, STAGE_BODY_MAX = 100000, STAGE_TEXT_SIZE = 1 << 20 };

struct http_stage {
    struct sim *sim;
    struct sim_node *node;
    struct sim_node *far;
    struct io *io;
    struct io *client_io;
    struct http_options options;
    struct http_server *server;
    struct http_call *later; /* waits for the test */
    unsigned parts_left;
    unsigned begun;
    unsigned served;
    unsigned dropped;
    bool is_stopped;
};

void http_stage_init(struct http_stage *st);
/* Before this the options may be changed. */
void http_stage_open(struct http_stage *st);
/* Stops the server, and waits for that. */
void http_stage_stop(struct http_stage *st);
/* Stops it if it is not stopped yet, and everything is given back. */
void http_stage_release(struct http_stage *st);
void http_stage_run_ms(struct http_stage *st, uint64_t ms);

/* A client that keeps all it hears. */
struct http_client {
    struct http_stage *stage;
    struct socket *socket;
    char *text; /* STAGE_TEXT_SIZE */
    size_t size;
    bool is_deaf;   /* reads nothing */
    bool is_closed; /* by the server */
};
void http_client_open(struct http_stage *st, struct http_client *c);
void http_client_close(struct http_client *c);
/* Sends, and runs the world a little. */
void http_client_send(struct http_client *c, const char *text);
void http_client_send_bytes(struct http_client *c, struct bytes b);
/* Forgets what it has heard. */
void http_client_forget(struct http_client *c);

/* Sends it over a new connection and returns the status of the answer, 0: none came. */
int http_stage_status(struct http_stage *st, const char *request);

#endif
