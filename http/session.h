/* One connection of a server, private to this room.
 *
 *     HEAD --head--> BODY --all of it--> BUSY --answer--> SENDING --all sent--> HEAD ...
 *       '------------- an error, or begin() answers ------^   '-- close --> LINGERING --> CLOSED
 *
 * Nothing is freed inside a call: a session that is closed stays until the end of the turn.
 * Owner: one shard. */
#ifndef HTTP_SESSION_H
#define HTTP_SESSION_H

#include "base/list.h"
#include "http/chunks.h"
#include "http/server.h"
#include "io/io.h"

enum http_session_state {
    HTTP_SESSION_HEAD,
    HTTP_SESSION_BODY,
    HTTP_SESSION_BUSY,      /* the service has it */
    HTTP_SESSION_SENDING,   /* an answer is on its way */
    HTTP_SESSION_LINGERING, /* all is said; what the client still sends is thrown away */
    HTTP_SESSION_CLOSED,
};

/* The request being served and its answer. */
struct http_call {
    struct http_request *request; /* NULL: none */
    uint8_t *head;                /* the bytes that its views lie in */
    void *data;
    struct buf fields; /* of the answer */
    http_more_fn *more;
    void *more_owner;
    bool is_begun;    /* the service knows of it */
    bool is_answered; /* it is over for the service, but for `more` */
    bool is_parts;    /* in chunks, or until the connection ends */
};

struct http_session {
    struct list_link link; /* of the server */
    struct http_server *server;
    struct socket *socket; /* NULL: closed */
    enum http_session_state state;
    struct buf in; /* what came and was not taken */
    struct http_scan scan;
    struct http_chunks chunks;
    uint64_t body_left; /* of a body with a length */
    uint64_t body_max;
    struct buf body;
    uint64_t paced; /* bytes of the body that came before the deadline was set */
    struct http_call call;
    struct buf out;
    size_t sent; /* of it */
    struct io_timer deadline;
    struct io_timer turn; /* goes on in the next turn */
    struct io_task work;
    unsigned watched;
    bool is_secure;
    bool is_last;   /* no further request is taken */
    bool is_unread; /* the client may still be sending what nobody reads */
};

void http_session_open(struct http_server *server, struct socket *socket, bool is_secure);
/* What is watched follows from the state. */
void http_session_rewatch(struct http_session *s);
/* The client gets this error, and no further request is taken. */
void http_session_refuse(struct http_session *s, int status, const char *reason);
/* The answer is whole, or has begun: writes what there is. */
void http_session_send(struct http_session *s);
/* All of the answer is out: the next request, or the end. */
void http_session_on_answered(struct http_session *s);
/* The server stops: ends now, or after the answer under way. */
void http_session_stop(struct http_session *s);
/* Ends at once. */
void http_session_close(struct http_session *s);
void http_session_check(const struct http_session *s);

#endif
