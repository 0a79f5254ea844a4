/* Short ways to ask a broker through rabbitmq-c, for scenarios that must not go on when they are
 * wrong: each call here either succeeds or ends the scenario through wrong().
 *
 * Everything is on channel 1 of one connection. Owner: a test's only thread. */
#ifndef TESTS_CLIENTS_C_CLIENT_H
#define TESTS_CLIENTS_C_CLIENT_H

#include <amqp.h>
#include <stdbool.h>
#include <stdint.h>

enum { CLIENT_CHANNEL = 1, CLIENT_WAIT_S = 30, CLIENT_TEXT_SIZE = 4096 };

enum client_flags {
    CLIENT_DURABLE = 1,
    CLIENT_EXCLUSIVE = 2,
    CLIENT_PASSIVE = 4,
    CLIENT_AUTO_DELETE = 8,
};

struct client {
    amqp_connection_state_t state;
    char text[CLIENT_TEXT_SIZE]; /* what client_get_all() returned last */
};

/* Ends the running scenario with this sentence. */
_Noreturn void wrong(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Runs one scenario and tells the runner how it ended. */
void report(const char *name, void (*work)(void *), void *argument);

void client_open(struct client *c, uint16_t port);
void client_close(struct client *c);
/* Opens the channel again after it was closed, by us or by an error. */
void client_open_channel(struct client *c);
/* Drops a connection whose broker is gone. */
void client_drop(struct client *c);

/* The last call that waits for an answer must have succeeded; `what` names it. */
void client_check(struct client *c, const char *what);
/* ... must have failed with this code and a text that begins so; the channel is open again. */
void client_check_refused(struct client *c, int code, const char *text);

/* Returns how many messages are in the queue. */
uint32_t client_declare(struct client *c, const char *queue, unsigned flags,
                        amqp_table_t arguments);
void client_declare_exchange(struct client *c, const char *name, const char *type, unsigned flags);
void client_bind(struct client *c, const char *queue, const char *exchange, const char *key);

void client_publish(struct client *c, const char *queue, const char *body,
                    const amqp_basic_properties_t *properties);
void client_publish_to(struct client *c, const char *exchange, const char *key, const char *body);

/* The bodies of all messages of a queue, with a space between them, taken out. */
const char *client_get_all(struct client *c, const char *queue);
/* Takes one message out of a queue; the caller destroys it. Its delivery tag is returned. */
uint64_t client_get(struct client *c, const char *queue, bool no_ack, amqp_message_t *message);
/* A consumer on the channel. */
void client_consume(struct client *c, const char *queue, bool no_ack);
/* Waits for the next delivery; the caller destroys it. */
void client_next(struct client *c, amqp_envelope_t *delivery);
/* Waits for a method on the channel that no call asked for; returns its id. */
amqp_method_t client_next_method(struct client *c);

/* Fails unless these are equal; `what` names them. */
void equal_text(const char *seen, const char *wanted, const char *what);
void equal_bytes(amqp_bytes_t seen, const char *wanted, const char *what);
void equal_number(uint64_t seen, uint64_t wanted, const char *what);

/* Entries of a table, whose texts are borrowed. */
amqp_table_entry_t entry_text(const char *key, const char *value);
amqp_table_entry_t entry_int(const char *key, int32_t value);
/* The value of a key, which must be there and be of this kind. */
const amqp_field_value_t *table_get(const amqp_table_t *table, const char *key, char kind);

#define TABLE_OF(entries_)                                                                         \
    ((amqp_table_t){.num_entries = (int)(sizeof(entries_) / sizeof(*(entries_))),                  \
                    .entries = (entries_)})

#endif
