/* The commands of stories about queues, in the world of tests/lib/queue_world.h. After each
 * the world runs for two milliseconds. Arguments are as in tests/lib/table_text.h.
 *
 *     queue NAME [ARGUMENTS]          transient-queue ...      auto-queue ...
 *     holder NAME [ARGUMENTS]         what is published waits until it is due (x-delay), and then
 *                                     goes where `route` says for its exchange
 *     delete NAME    purge NAME       stats NAME
 *     route EXCHANGE QUEUES           where dead letters go; '-' is the default exchange
 *     publish QUEUES BODY [WORDS]     words: transient priority=N expiration=MS size=N key=K
 *                                     exchange=X cc=K (a header CC); queues with commas
 *     fill QUEUE FROM TO [WORDS]      bodies are the numbers
 *                                     headers: the rest of the line is headers
 *     consume QUEUE TAG [WORDS]       words: no-ack exclusive prefetch=N priority=N timeout=MS
 *                                     arguments: the rest of the line is arguments
 *                                     shared (by all that say so: the limit of `credit`)
 *     credit N       cancel TAG       stall TAG        resume TAG
 *     ack TAG BODY   reject TAG BODY  requeue TAG BODY fail TAG BODY       BODY may be "all"
 *     get QUEUE [no-ack]              of a stream: at=OFFSET, as stream_start_parse() reads it
 *     groups QUEUE                    forget QUEUE GROUP
 *     reset QUEUE GROUP GOAL [VALUE] [dry]     earliest latest offset shift; ago: so many s
 *     hold           go               between them the world stands still: one turn
 *     jump MS                         of the wall clock alone
 *     wait MS        restart          crash (when all is committed)
 *     sort                            the sorter moves what is in the hot log so far, through a
 *                                     queue "sorting" */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "queue/group.h"
#include "queue/look.h"
#include "tests/lib/queue_world.h"
#include "tests/lib/test.h"
#include "tests/story/story.h"

struct queue_story_state {
    struct queue_world world;
    struct credit credit;
    struct buf *out;
    bool is_holding; /* the world stands still */
};

static void tell(void *owner, const char *line)
{
    story_effect(((struct queue_story_state *)owner)->out, "%s", line);
}

static void *open_world(void)
{
    struct queue_story_state *s = MEM_NEW(struct queue_story_state);

    queue_world_init(&s->world, tell, s);
    credit_init(&s->credit, 0);
    queue_world_open(&s->world);
    return s;
}

static void close_world(void *state)
{
    struct queue_story_state *s = state;
    struct buf rest;

    buf_init(&rest, STORY_LINE_SIZE);
    s->out = &rest; /* what is told now is not part of the story */
    queue_world_close(&s->world);
    queue_world_release(&s->world);
    buf_release(&rest);
    mem_free(s);
}

/* ---- commands ---- */

/* The kind of queue says what the fields of `q` say. */
static void declare(struct queue_story_state *s, const struct story_line *l, struct world_queue q)
{
    int rv;

    q.name = l->words[1];
    q.arguments = l->rest[2];
    rv = queue_world_declare(&s->world, &q);
    if (rv != 0)
        story_effect(s->out, "%s", err_name(rv));
}

static void do_queue(struct queue_story_state *s, const struct story_line *l)
{
    declare(s, l, (struct world_queue){.name = NULL});
}

static void do_transient_queue(struct queue_story_state *s, const struct story_line *l)
{
    declare(s, l, (struct world_queue){.is_transient = true});
}

static void do_auto_queue(struct queue_story_state *s, const struct story_line *l)
{
    declare(s, l, (struct world_queue){.is_auto_delete = true});
}

static void do_holder(struct queue_story_state *s, const struct story_line *l)
{
    declare(s, l, (struct world_queue){.is_delayed = true});
}

/* The wall clock jumps; what runs does not. */
static void do_jump(struct queue_story_state *s, const struct story_line *l)
{
    sim_node_jump_wall(s->world.p.node, story_number(l->words[1], 0));
}

static void do_delete(struct queue_story_state *s, const struct story_line *l)
{
    queue_world_delete(&s->world, l->words[1]);
}

static void do_purge(struct queue_story_state *s, const struct story_line *l)
{
    uint64_t count = queue_purge(queue_world_find(&s->world, l->words[1]));

    story_effect(s->out, "purged %" PRIu64, count);
}

static void do_stats(struct queue_story_state *s, const struct story_line *l)
{
    struct queue *q = queue_world_find(&s->world, l->words[1]);
    struct queue_stats stats;

    if (q == NULL) {
        story_effect(s->out, "no such queue");
        return;
    }
    queue_get_stats(q, &stats);
    story_effect(s->out,
                 "ready %" PRIu64 " unacked %" PRIu64 " bytes %" PRIu64 " consumers %" PRIu64
                 " dead %" PRIu64 "/%" PRIu64 "/%" PRIu64 "/%" PRIu64,
                 stats.ready, stats.unacked, stats.ready_bytes, stats.consumers, stats.dead[0],
                 stats.dead[1], stats.dead[2], stats.dead[3]);
}

static void do_route(struct queue_story_state *s, const struct story_line *l)
{
    queue_world_route(&s->world, l->words[1], l->words[2]);
}

static void publish(struct queue_story_state *s, const struct story_line *l, const char *body,
                    size_t words)
{
    char cc[128] = "";
    struct world_publish p = {
        .queues = l->words[1],
        .body = body,
        .size = (size_t)story_number(story_word(l, words, "size"), 0),
        .exchange = story_word(l, words, "exchange"),
        .key = story_word(l, words, "key"),
        .expiration = story_word(l, words, "expiration"),
        .has_priority = story_word(l, words, "priority") != NULL,
        .priority = (int)story_number(story_word(l, words, "priority"), 0),
        .is_transient = story_word(l, words, "transient") != NULL,
    };
    struct queues_published published = {.rejected = 0};

    p.headers = story_rest_behind(l, words, "headers:");
    if (story_word(l, words, "cc") != NULL) {
        snprintf(cc, sizeof(cc), "CC=[%s]", story_word(l, words, "cc"));
        p.headers = cc;
    }
    int rv = queue_world_publish(&s->world, &p, &published);

    if (rv != 0)
        story_effect(s->out, "%s", err_name(rv));
    else if (published.rejected > 0)
        story_effect(s->out, "%s is refused by %" PRIu32, body, published.rejected);
}

static void do_publish(struct queue_story_state *s, const struct story_line *l)
{
    publish(s, l, l->words[2], 3);
}

static void do_fill(struct queue_story_state *s, const struct story_line *l)
{
    int64_t to = story_number(l->words[3], 0);

    for (int64_t i = story_number(l->words[2], 0); i <= to; i++) {
        char body[32];

        snprintf(body, sizeof(body), "%" PRId64, i);
        publish(s, l, body, 4);
    }
}

static void do_consume(struct queue_story_state *s, const struct story_line *l)
{
    const struct world_consume c = {
        .queue = l->words[1],
        .tag = l->words[2],
        .shared = story_word(l, 3, "shared") != NULL ? &s->credit : NULL,
        .is_no_ack = story_word(l, 3, "no-ack") != NULL,
        .is_exclusive = story_word(l, 3, "exclusive") != NULL,
        .prefetch = (uint32_t)story_number(story_word(l, 3, "prefetch"), 0),
        .priority = story_number(story_word(l, 3, "priority"), 0),
        .timeout_ms = (uint64_t)story_number(story_word(l, 3, "timeout"), 0),
        .arguments = story_rest_behind(l, 3, "arguments:"),
    };
    int rv = queue_world_consume(&s->world, &c);

    if (rv != 0)
        story_effect(s->out, "%s", err_name(rv));
}

static void do_credit(struct queue_story_state *s, const struct story_line *l)
{
    credit_set_limit(&s->credit, (uint32_t)story_number(l->words[1], 0));
}

static void do_cancel(struct queue_story_state *s, const struct story_line *l)
{
    queue_world_cancel(&s->world, l->words[1]);
}

static void do_stall(struct queue_story_state *s, const struct story_line *l)
{
    queue_world_consumer(&s->world, l->words[1])->is_stalled = true;
}

static void do_resume(struct queue_story_state *s, const struct story_line *l)
{
    struct world_consumer *c = queue_world_consumer(&s->world, l->words[1]);

    c->is_stalled = false;
    consumer_resume(c->consumer);
}

static void settle(struct queue_story_state *s, const struct story_line *l, enum world_settle how)
{
    if (queue_world_settle(&s->world, l->words[1], l->words[2], how) == 0)
        story_effect(s->out, "%s does not hold %s", l->words[1], l->words[2]);
}

static void do_ack(struct queue_story_state *s, const struct story_line *l)
{
    settle(s, l, WORLD_ACK);
}

static void do_reject(struct queue_story_state *s, const struct story_line *l)
{
    settle(s, l, WORLD_REJECT);
}

static void do_requeue(struct queue_story_state *s, const struct story_line *l)
{
    settle(s, l, WORLD_REQUEUE);
}

static void do_fail(struct queue_story_state *s, const struct story_line *l)
{
    settle(s, l, WORLD_RETURN);
}

static void do_get(struct queue_story_state *s, const struct story_line *l)
{
    const char *place = story_word(l, 2, "at");
    bool is_no_ack = story_word(l, 2, "no-ack") != NULL;

    if (place != NULL)
        queue_world_get_at(&s->world, l->words[1], place, is_no_ack);
    else
        queue_world_get(&s->world, l->words[1], "get", is_no_ack);
}

/* Who reads what, and how far it is. */
static void do_groups(struct queue_story_state *s, const struct story_line *l)
{
    struct queue *q = queue_world_find(&s->world, l->words[1]);

    for (struct group *g = NULL; (g = queue_groups_next(q, g)) != NULL;) {
        struct bytes name = group_name(g);

        story_effect(s->out, "%.*s has %zu members", (int)name.size, (const char *)name.data,
                     group_member_count(g));
        for (size_t i = 0; i < group_share_count(g); i++) {
            struct group_share share;

            group_get_share(g, i, &share);
            const struct world_consumer *owner =
                share.owner != NULL ? consumer_owner(share.owner) : NULL;
            struct bytes stream = queue_name(share.stream);
            story_effect(
                s->out,
                "%.*s %s%s offset %" PRId64 " end %" PRIu64 " lag %" PRIu64 " unacked %" PRIu64,
                (int)stream.size, (const char *)stream.data, owner != NULL ? owner->tag : "nobody",
                share.is_moving ? " moving" : "", share.has_offset ? (int64_t)share.offset : -1,
                share.end, share.lag, share.unacked);
        }
    }
}

static void do_forget(struct queue_story_state *s, const struct story_line *l)
{
    struct queue *q = queue_world_find(&s->world, l->words[1]);
    int rv = group_delete(queue_find_group(q, bytes_text(l->words[2])));

    if (rv != 0)
        story_effect(s->out, "%s", err_name(rv));
}

static void on_reset(void *owner, int err, const struct group_step *steps, size_t count)
{
    struct queue_story_state *s = owner;

    if (err != 0)
        story_effect(s->out, "%s", err_name(err));
    for (size_t i = 0; i < count; i++)
        story_effect(s->out, "%.*s from %" PRIu64 " to %" PRIu64,
                     (int)queue_name(steps[i].stream).size,
                     (const char *)queue_name(steps[i].stream).data, steps[i].from, steps[i].to);
}

static void do_reset(struct queue_story_state *s, const struct story_line *l)
{
    static const char *const goals[] = {"earliest", "latest", "offset", "ago", "shift"};
    const struct group_calls calls = {.owner = s, .done = on_reset};
    struct group *g =
        queue_find_group(queue_world_find(&s->world, l->words[1]), bytes_text(l->words[2]));
    struct group_reset r = {.goal = GROUP_EARLIEST,
                            .is_dry = story_word(l, 4, "dry") != NULL,
                            .is_forced = story_word(l, 4, "forced") != NULL};

    while (strcmp(goals[r.goal], l->words[3]) != 0)
        r.goal++;
    if (r.goal >= GROUP_OFFSET)
        r.value = story_number(l->words[4], 0);
    if (r.goal == GROUP_TIME)
        r.value = io_wall_ms(s->world.p.io) - r.value * 1000;
    (void)group_reset(g, &r, &calls);
}

static void do_wait(struct queue_story_state *s, const struct story_line *l)
{
    queue_world_run_ms(&s->world, (uint64_t)story_number(l->words[1], 0));
}

static void do_restart(struct queue_story_state *s, const struct story_line *l)
{
    (void)l;
    queue_world_restart(&s->world);
}

static void do_crash(struct queue_story_state *s, const struct story_line *l)
{
    (void)l;
    queue_world_commit(&s->world);
    queue_world_crash(&s->world);
}

static void do_hold(struct queue_story_state *s, const struct story_line *l)
{
    (void)l;
    s->is_holding = true;
}

static void do_go(struct queue_story_state *s, const struct story_line *l)
{
    (void)l;
    s->is_holding = false;
}

static void do_sort(struct queue_story_state *s, const struct story_line *l)
{
    struct queue_world *w = &s->world;

    (void)l;
    for (int i = 0; i < 3; i++) { /* the older of two checkpoints covers what is sorted */
        struct queues_published published;
        int rv = queue_world_declare(w, &(struct world_queue){.name = "sorting", .arguments = ""});

        assert_int_equal(rv, 0);
        rv = queue_world_publish(w, &(struct world_publish){.queues = "sorting", .body = "x"},
                                 &published);
        assert_int_equal(rv, 0);
        queue_world_commit(w);
        partition_checkpoint(w->p.partition);
        queue_world_run_ms(w, 100);
    }
}

static bool do_command(void *state, const struct story_line *line, struct buf *out)
{
    static const struct {
        const char *name;
        void (*call)(struct queue_story_state *s, const struct story_line *line);
    } commands[] = {
        {"queue", do_queue},   {"transient-queue", do_transient_queue},
        {"delete", do_delete}, {"auto-queue", do_auto_queue},
        {"purge", do_purge},   {"stats", do_stats},
        {"route", do_route},   {"publish", do_publish},
        {"fill", do_fill},     {"consume", do_consume},
        {"credit", do_credit}, {"cancel", do_cancel},
        {"stall", do_stall},   {"resume", do_resume},
        {"groups", do_groups}, {"forget", do_forget},
        {"reset", do_reset},   {"ack", do_ack},
        {"reject", do_reject}, {"requeue", do_requeue},
        {"fail", do_fail},     {"get", do_get},
        {"wait", do_wait},     {"restart", do_restart},
        {"crash", do_crash},   {"holder", do_holder},
        {"jump", do_jump},     {"hold", do_hold},
        {"go", do_go},         {"sort", do_sort},
    };
    struct queue_story_state *s = state;

    s->out = out;
    for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
        if (strcmp(line->words[0], commands[i].name) != 0)
            continue;
        commands[i].call(s, line);
        if (!s->is_holding)
            queue_world_run_ms(&s->world, 2);
        return true;
    }
    return false;
}

const struct story_room queue_story = {
    .name = "queue",
    .open = open_world,
    .close = close_world,
    .command = do_command,
};
