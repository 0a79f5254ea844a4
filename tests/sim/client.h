/* A client in a simulated world, who speaks AMQP frame by frame.
 *
 *     struct client *c = client_open(&w, 1);             logged in, channel 1 is open
 *     client_declare(c, "q");
 *     client_publish(c, "", "q", "hello");
 *     ...
 *     client_free(c);
 *
 * Waiting means turning the world; what does not come fails the test. Owner: a test. */
#ifndef TESTS_SIM_CLIENT_H
#define TESTS_SIM_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "amqp/wire/content.h"
#include "amqp/wire/method.h"
#include "base/buf.h"
#include "io/net.h"
#include "tests/sim/world.h"

struct client {
    struct world *world;
    struct socket *socket;
    struct buf in; /* what came and was not looked at */
    size_t at;     /* of it, what was */
    struct buf out;
    bool is_reading;
    bool is_closed;   /* by the other side */
    bool takes_all;   /* tells all capabilities */
    const char *user; /* his password is his name */
    const char *vhost;
    uint32_t frame_max;
    uint16_t heartbeat_s;
    struct frame frame;   /* the last one, until the next is asked for */
    struct method method; /* of it */
    struct content content;
    struct buf body;
};

/* A socket, connected, and nothing said. */
struct client *client_new(struct world *w);
void client_free(struct client *c);

/* Logs in as guest, enters "/", opens channels 1 to `channels`. */
struct client *client_open(struct world *w, uint16_t channels);
/* The same with what the client has set. */
void client_enter(struct client *c, uint16_t channels);
/* Says who he is; and then that he wants to enter. What comes is not awaited. */
void client_log_in(struct client *c);
void client_ask_in(struct client *c);

/* All of that at once, on channel 1, and no answer is awaited: they are the next frames. */
void client_rush_in(struct client *c);

void client_send(struct client *c, struct bytes bytes);
void client_method(struct client *c, uint16_t channel, const struct method *m);
/* Header and body frames, of a persistent message. */
void client_content(struct client *c, uint16_t channel, struct bytes body);
/* The same with properties, as they are on the wire. */
void client_content_with(struct client *c, uint16_t channel, struct bytes props, struct bytes body);

/* Whether it hears anything of what it is sent. */
void client_read(struct client *c, bool is_reading);

/* The next frame; heartbeats are passed over. */
void client_next(struct client *c);
/* The same if it is there already. */
bool client_poll(struct client *c);
/* The next frame is this method, on this channel. */
const struct method *client_expect(struct client *c, uint16_t channel, uint32_t id);
/* A content header and all of the body follow; into c->content and c->body. */
void client_expect_body(struct client *c, uint16_t channel, const char *text);
void client_take_body(struct client *c, uint16_t channel);
/* Nothing comes for so long. */
void client_expect_nothing(struct client *c, uint64_t ms);
/* The other side closes the socket, without another frame. */
void client_expect_end(struct client *c);
/* connection.close, or channel.close, with this reply; the answer is sent. */
void client_expect_connection_close(struct client *c, uint16_t code, const char *text);
void client_expect_channel_close(struct client *c, uint16_t channel, uint16_t code,
                                 const char *text);

/* ---- short words, on channel 1 ---- */

void client_declare(struct client *c, const char *queue);
void client_consume(struct client *c, const char *queue, const char *tag, bool is_no_ack);
void client_publish(struct client *c, const char *exchange, const char *key, const char *body);
void client_confirm(struct client *c);
void client_ack(struct client *c, uint64_t tag, bool is_multiple);
/* basic.deliver with this tag and body. */
void client_expect_delivery(struct client *c, uint64_t tag, const char *body);
/* basic.ack from the broker, up to that seq, in one or several. */
void client_expect_confirmed(struct client *c, uint64_t seq);
/* basic.get, with ack; NULL: nothing is there. Returns the tag. */
uint64_t client_get(struct client *c, const char *queue, const char *body);

#endif
