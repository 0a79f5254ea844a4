/* The power fails at every operation of a broker's life, and what a disk may then hold is opened
 * again and judged.
 *
 *     cuts_open(&c);                       a broker of tiny files; c.world is its world
 *     ... exchanges and queues, committed ...
 *     cuts_begin(&c);
 *     ... the life: each operation that changes the disk is a cut from now on ...
 *     cuts_end(&c);
 *     cuts_close(&c);
 *
 * A cut: while the life stands still, an image of its disk is opened in a world of its own, and
 * judge() sees the broker there. Now and then it was cut a second time, on its way. What an image
 * is like depends on the seed and on the operation alone.
 *
 * MILLRACE_CRASH_SCALE=n makes n images at each operation, MILLRACE_CRASH_OPERATION=k cuts only
 * there; MILLRACE_SIZE=short or tiny skip operations, and so does a test with a long life until the
 * scale makes up for it. Owner: a test. */
#ifndef TESTS_SIM_CUTS_H
#define TESTS_SIM_CUTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/rand.h"
#include "tests/lib/broker_world.h"

struct cuts {
    struct broker_world world;
    void *owner;
    void (*judge)(void *owner, struct broker_world *after);
    uint64_t sparse;  /* 0 or 1: every operation; else one of so many */
    struct rand rand; /* for choices of the life */
    uint64_t seed;
    uint64_t stride;
    bool is_whole; /* nothing is left out that the test itself does not leave out */
    uint64_t images_each;
    uint64_t only; /* 0: every operation */
    uint64_t changing;
    uint64_t images;
    uint64_t twice; /* of these, cut again */
};

/* `owner`, `judge` and `sparse` are set before. */
void cuts_open(struct cuts *c);
void cuts_begin(struct cuts *c);
void cuts_end(struct cuts *c);
void cuts_close(struct cuts *c);

/* For the teardown of each test: says where it failed. */
int cuts_teardown(void **state);

/* ---- what lives and judges share ---- */

/* A message with a number as its body, filled up with dots to `size`. Waits for room. */
struct cuts_message {
    const char *exchange;
    const char *key;
    const char *props; /* as in broker_world.h */
    uint64_t number;
    size_t size;   /* 0: as the number is */
    bool is_empty; /* no body at all */
};
void cuts_publish(struct broker_world *w, const struct cuts_message *m);

/* What came out of a queue or stream. */
struct cuts_taken {
    uint64_t number; /* 0: it was empty */
    uint64_t offset; /* of a stream */
    size_t body_size;
    bool is_replayed; /* says so */
};
struct cuts_taking {
    struct cuts_taken *items;
    size_t count;
    size_t capacity;
};
void cuts_taking_release(struct cuts_taking *t);

/* Takes all that a queue or stream has and that comes in a moment, and acks it. */
void cuts_take(struct broker_world *w, const char *queue, const char *arguments,
               struct cuts_taking *out);
/* The same, behind what is in `out` already. */
void cuts_take_more(struct broker_world *w, const char *queue, const char *arguments,
                    struct cuts_taking *out);
/* They are the numbers from `from` on, one by one. */
void cuts_expect_row(const struct cuts_taking *t, uint64_t from);

#endif
