/* The commands of stories about a broker: those about its world. After each the world runs for 50
 * milliseconds; it begins at the second 1000000000. Arguments are as in tests/lib/table_text.h, and
 * '-' is an empty name or key.
 *
 *     partitions N                    a new broker with so many; only at the begin of a story
 *     hold           go               between them the world stands still: one turn
 *     until TEXT                      it goes on, event by event, until an effect begins so
 *     wait MS        crash            the power fails: what is not synced is lost
 *     stall          unstall          the disk answers nothing
 *
 * broker_define.c:
 *     exchange NAME TYPE [ARGUMENTS]  queue NAME [ARGUMENTS]     transient-queue NAME [ARGUMENTS]
 *     delete NAME                     delete-exchange NAME
 *     bind EXCHANGE QUEUE KEY [ARGUMENTS]                        unbind ...
 *     replays                         cancel-replay              the first of them
 *
 * broker_messages.c:
 *     publish EXCHANGE KEY BODY [WORDS]    words: transient mandatory, and headers: the rest of the
 *                                     line is headers
 *     fill EXCHANGE KEY FROM TO       bodies are the numbers
 *     ready QUEUE
 *     consume QUEUE TAG [no-ack] [prefetch=N]                    cancel TAG
 *     ack TAG BODY   reject TAG BODY  requeue TAG BODY           BODY may be "all"
 *
 * broker_tx.c, the transactions of one channel:
 *     tx-publish EXCHANGE KEY BODY [WORDS]
 *     tx-ack TAG BODY                 tx-reject ...              tx-requeue ...
 *     tx-commit                       tx-rollback */
#include "tests/story/broker_story.h"

#include <string.h>

#include "base/mem.h"
#include "tests/lib/test.h"

enum { STEP_MS = 50, EVENTS_MAX = 100000 };

#define WALL_MS INT64_C(1000000000000)

static void begin(struct broker_story_state *s, unsigned partitions)
{
    broker_world_init_on(&s->world, sim_disk_new(NULL), WALL_MS);
    s->world.partition_count = partitions;
    broker_world_open(&s->world);
}

static void end(struct broker_story_state *s)
{
    broker_story_end_tx(s);
    broker_story_end_consumers(s);
    broker_world_close(&s->world);
    broker_world_release(&s->world);
}

static void *open_story(void)
{
    struct broker_story_state *s = MEM_NEW(struct broker_story_state);

    list_init(&s->consumers);
    begin(s, 1);
    return s;
}

static void close_story(void *state)
{
    struct broker_story_state *s = (struct broker_story_state *)state;
    struct buf rest;

    buf_init(&rest, STORY_LINE_SIZE);
    s->out = &rest; /* what is told now is not part of the story */
    end(s);
    buf_release(&rest);
    mem_free(s);
}

void broker_story_result(struct broker_story_state *s, int rv)
{
    if (rv == ERR_DENIED)
        story_effect(s->out, "%d %s", (int)s->world.refusal.code, s->world.refusal.text);
    else if (rv != 0)
        story_effect(s->out, "%s", err_name(rv));
}

static void do_partitions(struct broker_story_state *s, const struct story_line *l)
{
    end(s);
    begin(s, (unsigned)story_number(l->words[1], 1));
}

static void do_hold(struct broker_story_state *s, const struct story_line *l)
{
    (void)l;
    s->is_holding = true;
}

static void do_go(struct broker_story_state *s, const struct story_line *l)
{
    (void)l;
    s->is_holding = false;
}

/* Whether one of the effects begins so. */
static bool is_told(struct bytes effects, const char *text)
{
    size_t size = strlen(text);

    for (size_t i = 0; i + 2 + size <= effects.size; i++)
        if ((i == 0 || effects.data[i - 1] == '\n') &&
            memcmp(effects.data + i + 2, text, size) == 0)
            return true;
    return false;
}

static void do_until(struct broker_story_state *s, const struct story_line *l)
{
    size_t from = s->out->size;

    for (unsigned i = 0; i < EVENTS_MAX; i++) {
        if (is_told(bytes_of(s->out->data + from, s->out->size - from), l->rest[1]))
            return;
        (void)sim_step(s->world.sim);
    }
    story_effect(s->out, "never");
}

static void do_wait(struct broker_story_state *s, const struct story_line *l)
{
    world_run_ms(&s->world, (uint64_t)story_number(l->words[1], 0));
}

static void do_crash(struct broker_story_state *s, const struct story_line *l)
{
    (void)l;
    broker_story_end_tx(s);
    broker_story_end_consumers(s);
    broker_world_crash(&s->world);
    sim_disk_set_stalled(s->world.disk, false);
    broker_world_open(&s->world);
    s->is_holding = false;
}

static void do_stall(struct broker_story_state *s, const struct story_line *l)
{
    (void)l;
    sim_disk_set_stalled(s->world.disk, true);
}

static void do_unstall(struct broker_story_state *s, const struct story_line *l)
{
    (void)l;
    sim_disk_set_stalled(s->world.disk, false);
}

static const struct broker_command world_commands[] = {
    {"partitions", do_partitions}, {"hold", do_hold},       {"go", do_go},
    {"until", do_until},           {"wait", do_wait},       {"crash", do_crash},
    {"stall", do_stall},           {"unstall", do_unstall}, {NULL, NULL},
};

static const struct broker_command *find(const char *name)
{
    static const struct broker_command *const families[] = {
        world_commands, broker_define_commands, broker_message_commands, broker_tx_commands};

    for (size_t i = 0; i < ARRAY_SIZE(families); i++)
        for (const struct broker_command *c = families[i]; c->name != NULL; c++)
            if (strcmp(name, c->name) == 0)
                return c;
    return NULL;
}

static bool do_command(void *state, const struct story_line *line, struct buf *out)
{
    struct broker_story_state *s = (struct broker_story_state *)state;
    const struct broker_command *c = find(line->words[0]);

    if (c == NULL)
        return false;
    s->out = out;
    c->call(s, line);
    if (!s->is_holding)
        world_run_ms(&s->world, STEP_MS);
    return true;
}

const struct story_room broker_story = {
    .name = "broker",
    .open = open_story,
    .close = close_story,
    .command = do_command,
};
