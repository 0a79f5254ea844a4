/* A broker behind its management interface in a simulated world, and somebody who asks.
 *
 *     asker_open(&a);
 *     assert_int_equal(ask(&a, "guest", "PUT", "/queues/%2F/q", "{\"durable\":true}"), 201);
 *     assert_non_null(strstr(a.body, "..."));
 *
 * Users are their own password. Owner: a test. */
#ifndef TESTS_SIM_ASKER_H
#define TESTS_SIM_ASKER_H

#include "http/api/api.h"
#include "tests/sim/world.h"

enum { ASKER_TEXT_SIZE = 32 << 20 };

struct asker {
    struct world world;
    struct api_options options; /* may be changed before the opening */
    struct api *api;
    bool is_stopped;
    char *text; /* the last answer: ASKER_TEXT_SIZE */
    size_t size;
    int status;
    char *body; /* in it, with chunks put together */
    bool has_ended;
};

void asker_init(struct asker *a);
void asker_open(struct asker *a);
/* init and open, as a set-up of cmocka; and its end. */
int asker_set_up(void **state);
int asker_tear_down(void **state);

void asker_run_ms(struct asker *a, uint64_t ms);

/* Asks for /api<path> as that user (NULL: nobody) and returns the status. A body of NULL is none.
 * */
int ask(struct asker *a, const char *user, const char *method, const char *path, const char *body);
/* The same with further header fields, each with its line's end. */
int ask_with(struct asker *a, const char *user, const char *line, const char *fields,
             const char *body);
/* As guest; the answer must have that status and, in its body, that text. */
void expect(struct asker *a, const char *line, const char *body, int status, const char *text);

/* Makes a user with these tags; `vhost` NULL: without a permission. */
void asker_user(struct asker *a, const char *name, const char *tags, const char *vhost);

#endif
