/* The messages that exchanges of type x-recent-history keep: copies in memory, gone at a restart.
 *
 * Owner: the virtual host. */
#ifndef BROKER_HISTORY_H
#define BROKER_HISTORY_H

#include <stdint.h>

#include "msg/msg.h"

enum { HISTORY_BYTES_MAX = 64 << 20 };

struct history;

struct history *history_new(void);
void history_free(struct history *h);

/* Keeps a copy and gives its number; 0 when HISTORY_BYTES_MAX are kept already, or memory is
 * refused. */
uint64_t history_keep(struct history *h, const struct message *m, uint64_t expiration_ms);
void history_let_go(struct history *h, uint64_t number);

/* A kept message; `body` is the one piece that it borrows. */
struct history_message {
    struct message message;
    struct bytes body;
    uint64_t expiration_ms;
};
void history_get(const struct history *h, uint64_t number, struct history_message *out);

#endif
