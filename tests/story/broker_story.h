/* The commands of stories about a broker, in families; each file has one. The world is that of
 * tests/lib/broker_world.h. */
#ifndef TESTS_STORY_BROKER_STORY_H
#define TESTS_STORY_BROKER_STORY_H

#include "broker/tx.h"
#include "tests/lib/broker_world.h"
#include "tests/story/story.h"

enum { STORY_TEXT_SIZE = 128 };

struct broker_story_state {
    struct broker_world world;
    struct list consumers; /* struct story_consumer */
    struct world_publisher channel;
    struct tx *tx; /* of that channel; NULL: nothing is staged */
    struct buf *out;
    bool is_holding; /* the world stands still */
};

/* A message in the hands of a consumer. */
struct story_held {
    struct list_link link;
    struct delivery *delivery;
    char body[STORY_TEXT_SIZE];
    bool is_staged; /* in the transaction */
};

struct story_consumer {
    struct list_link link;
    struct broker_story_state *story;
    struct consumer *consumer; /* NULL: cancelled */
    char tag[STORY_TEXT_SIZE];
    struct list held; /* struct story_held */
    bool is_no_ack;
};

struct broker_command {
    const char *name; /* NULL: the end */
    void (*call)(struct broker_story_state *s, const struct story_line *l);
};

extern const struct broker_command broker_define_commands[];
extern const struct broker_command broker_message_commands[];
extern const struct broker_command broker_tx_commands[];

/* Tells why not, unless rv is 0. */
void broker_story_result(struct broker_story_state *s, int rv);

/* broker_messages.c: ends all consumers; what they hold is no longer theirs. */
void broker_story_end_consumers(struct broker_story_state *s);
/* What the words at 1 and 2 say, a tag and a body; "all": the first that is not staged. NULL: the
 * consumer holds no such. */
struct story_held *broker_story_held(struct broker_story_state *s, const struct story_line *l);
/* The one with that delivery, which must be there. */
struct story_held *broker_story_held_of(struct broker_story_state *s, const struct delivery *d);
void broker_story_forget(struct story_held *h);
/* The message of the line from the word `at` on: EXCHANGE KEY BODY [WORDS]; its properties are
 * borrowed until the next ones. `body` is where its body will lie. */
struct publish broker_story_message(struct broker_story_state *s, const struct story_line *l,
                                    size_t at, struct bytes *body);

/* broker_tx.c: forgets what is staged. */
void broker_story_end_tx(struct broker_story_state *s);

#endif
