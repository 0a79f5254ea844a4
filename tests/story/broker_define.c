/* Stories about a broker: exchanges, queues, bindings, replays. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "broker/replay.h"
#include "tests/lib/test.h"
#include "tests/story/broker_story.h"

static void do_exchange(struct broker_story_state *s, const struct story_line *l)
{
    char words[STORY_TEXT_SIZE];

    snprintf(words, sizeof(words), "%s durable", l->words[2]);
    broker_story_result(s, world_exchange(&s->world, l->words[1], words, l->rest[3]));
}

static void do_queue(struct broker_story_state *s, const struct story_line *l)
{
    broker_story_result(s, world_queue(&s->world, l->words[1], "durable", l->rest[2]));
}

static void do_transient_queue(struct broker_story_state *s, const struct story_line *l)
{
    broker_story_result(s, world_queue(&s->world, l->words[1], "", l->rest[2]));
}

static void do_delete(struct broker_story_state *s, const struct story_line *l)
{
    broker_story_result(s, world_delete(&s->world, l->words[1], ""));
}

static void do_delete_exchange(struct broker_story_state *s, const struct story_line *l)
{
    broker_story_result(s, world_delete_exchange(&s->world, l->words[1], ""));
}

typedef int bind_fn(struct broker_world *w, const char *ends, const char *key,
                    const char *arguments);

static void bind_with(struct broker_story_state *s, const struct story_line *l, bind_fn *call)
{
    char ends[2 * STORY_TEXT_SIZE];
    const char *key = strcmp(l->words[3], "-") == 0 ? "" : l->words[3];

    snprintf(ends, sizeof(ends), "%s %s", l->words[1], l->words[2]);
    broker_story_result(s, call(&s->world, ends, key, l->rest[4]));
}

static void do_bind(struct broker_story_state *s, const struct story_line *l)
{
    bind_with(s, l, world_bind);
}

static void do_unbind(struct broker_story_state *s, const struct story_line *l)
{
    bind_with(s, l, world_unbind);
}

static void do_replays(struct broker_story_state *s, const struct story_line *l)
{
    (void)l;
    for (const struct replay *r = NULL; (r = replay_next(s->world.broker, r)) != NULL;) {
        struct replay_view v = replay_view(r);

        story_effect(s->out, "%.*s to %.*s by '%.*s'%s: %" PRIu64 " left%s", (int)v.exchange.size,
                     (const char *)v.exchange.data, (int)v.queue.size, (const char *)v.queue.data,
                     (int)v.routing_key.size, (const char *)v.routing_key.data,
                     v.is_one_off ? " once" : "", v.left, v.is_waiting ? ", waits" : "");
    }
}

static void do_cancel_replay(struct broker_story_state *s, const struct story_line *l)
{
    const struct replay *first = replay_next(s->world.broker, NULL);

    (void)l;
    broker_story_result(s, first == NULL ? ERR_NOT_FOUND
                                         : replay_cancel(s->world.broker, replay_view(first).id));
}

const struct broker_command broker_define_commands[] = {
    {"exchange", do_exchange},
    {"queue", do_queue},
    {"transient-queue", do_transient_queue},
    {"delete", do_delete},
    {"delete-exchange", do_delete_exchange},
    {"bind", do_bind},
    {"unbind", do_unbind},
    {"replays", do_replays},
    {"cancel-replay", do_cancel_replay},
    {NULL, NULL},
};
