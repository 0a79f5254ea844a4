/* Stories: tests that are text. A line is a command of the room, the lines behind it that begin
 * with '>' are its effects in their order:
 *
 *     # why this must be so
 *     bind x q a.*
 *     publish x a.b
 *     > to q
 *
 * Which commands there are, each room says in its <room>_story.c. */
#ifndef TESTS_STORY_STORY_H
#define TESTS_STORY_STORY_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/check.h"

enum { STORY_WORDS_MAX = 32, STORY_LINE_SIZE = 4096 };

/* One command, cut at its spaces. */
struct story_line {
    const char *words[STORY_WORDS_MAX]; /* from `count` on they are "" */
    size_t count;
    const char *rest[STORY_WORDS_MAX]; /* from each word on, the line as it is */
};

struct story_room {
    const char *name; /* of the folder its stories lie in */
    void *(*open)(void);
    void (*close)(void *state);
    /* Does the command and tells the effects by story_effect(). False: there is no such. */
    bool (*command)(void *state, const struct story_line *line, struct buf *out);
};

/* Adds "> ..." to what happened. */
void story_effect(struct buf *out, const char *format, ...) PRINTF_LIKE(2, 3);

/* The value behind "name=" among the words from `at` on, or NULL; "" when it is there alone. */
const char *story_word(const struct story_line *l, size_t at, const char *name);
/* What stands behind that word, or NULL. */
const char *story_rest_behind(const struct story_line *l, size_t at, const char *name);
/* The number; NULL: the other one. No number fails the test. */
int64_t story_number(const char *text, int64_t fallback);

extern const struct story_room broker_story;
extern const struct story_room exchange_story;
extern const struct story_room queue_story;

#endif
