/* A table of exchanges with short ways to fill and to ask it: everything is a text.
 *
 *     struct board b;
 *     board_init(&b, NULL);
 *     board_declare(&b, "x", "topic", "");
 *     board_queue(&b, "q1");
 *     board_bind(&b, "x", "q1", "a.*", "");
 *     board_expect(&b, "x", "a.b", "", "q1");
 *     board_release(&b);
 *
 * Arguments and headers are as in tests/lib/table_text.h. A destination that begins with '@' is an
 * exchange. Owner: a test. */
#ifndef TESTS_LIB_BOARD_H
#define TESTS_LIB_BOARD_H

#include "base/buf.h"
#include "base/names.h"
#include "exchange/exchange.h"
#include "exchange/route.h"

enum { BOARD_TEXT_SIZE = 1 << 16 };

/* What the table told its owner. */
struct board_told {
    unsigned unbound;
    unsigned deleted;
    unsigned let_go;
    uint64_t last_let_go;
    char last_deleted[64];
};

struct board {
    struct exchange_table *table;
    struct rand rand;
    struct names queues; /* by name; the value is the id */
    uint64_t last_queue;
    struct buf fields;
    struct buf props;
    struct board_told told;
    struct exchange_difference difference;
    struct err_note note;
    bool sends_delayed; /* what is published has a delay */
    bool sends_keyed;   /* it may have duplicates */
    char text[BOARD_TEXT_SIZE];
};

/* NULL: default options. `rand` and `calls` of the options are the board's. */
void board_init(struct board *b, const struct exchange_options *options);
void board_release(struct board *b);

/* A table of the text, borrowed until the next one. */
struct table board_table(struct board *b, const char *text);

/* What exchange_declare() returned; durable, nothing else set. */
int board_try_declare(struct board *b, const char *name, const char *type, const char *arguments);
/* The same; it must work. */
struct exchange *board_declare(struct board *b, const char *name, const char *type,
                               const char *arguments);
/* As board_declare() with auto-delete. */
struct exchange *board_declare_auto(struct board *b, const char *name, const char *type);

/* Adds a queue, on this node; returns its id. */
uint64_t board_queue(struct board *b, const char *name);
/* The same, and exchanges do not know its name: it is one that an exchange has for itself. */
uint64_t board_hidden_queue(struct board *b, const char *name);
uint64_t board_queue_id(const struct board *b, const char *name);
void board_remove_queue(struct board *b, const char *name);

struct exchange *board_find(const struct board *b, const char *name);

/* What exchange_bind() and exchange_unbind() returned. */
int board_try_bind(struct board *b, const char *source, const char *destination, const char *key,
                   const char *arguments);
int board_unbind(struct board *b, const char *source, const char *destination, const char *key,
                 const char *arguments);
/* It must work and be new. */
void board_bind(struct board *b, const char *source, const char *destination, const char *key,
                const char *arguments);

/* The names of the queues that a message goes to, in the order of their ids; keys are separated
 * by '|'. The text is the board's. */
const char *board_route(struct board *b, const char *exchange, const char *keys,
                        const char *headers);

/* Asserts that the message goes to these queues, walked and remembered. */
void board_expect(struct board *b, const char *exchange, const char *keys, const char *headers,
                  const char *queues);

#endif
