/* Stories about a broker: publishing, consuming, settling. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "tests/lib/test.h"
#include "tests/story/broker_story.h"

/* ---- publishing ---- */

static const char *plain(const char *word)
{
    return strcmp(word, "-") == 0 ? "" : word;
}

struct publish broker_story_message(struct broker_story_state *s, const struct story_line *l,
                                    size_t at, struct bytes *body)
{
    const char *headers = story_rest_behind(l, at + 3, "headers:");
    char words[STORY_LINE_SIZE];

    snprintf(words, sizeof(words), "%s%s%s",
             story_word(l, at + 3, "transient") != NULL ? "" : "persistent ",
             headers != NULL ? "headers:" : "", headers != NULL ? headers : "");
    *body = bytes_text(l->words[at + 2]);
    return (struct publish){
        .message = {.exchange = bytes_text(plain(l->words[at])),
                    .routing_key = bytes_text(plain(l->words[at + 1])),
                    .props = world_props(&s->world, words),
                    .body = body,
                    .body_count = 1,
                    .body_size = body->size},
        .is_mandatory = story_word(l, at + 3, "mandatory") != NULL,
    };
}

static void publish(struct broker_story_state *s, const struct story_line *l)
{
    struct bytes body;
    const struct publish p = broker_story_message(s, l, 1, &body);
    struct published published = {.places = 0};
    int rv = broker_publish(s->world.publisher.publisher, &p, &published, &s->world.refusal);

    broker_story_result(s, rv);
    if (rv == 0 && published.places == 0 && p.is_mandatory)
        story_effect(s->out, "returned %s", l->words[3]);
}

static void do_fill(struct broker_story_state *s, const struct story_line *l)
{
    struct story_line one = *l;
    int64_t to = story_number(l->words[4], 0);

    for (int64_t i = story_number(l->words[3], 0); i <= to; i++) {
        char body[STORY_TEXT_SIZE];

        snprintf(body, sizeof(body), "%" PRId64, i);
        one.words[3] = body;
        publish(s, &one);
    }
}

static void do_ready(struct broker_story_state *s, const struct story_line *l)
{
    int rv = world_queue(&s->world, l->words[1], "passive", "");

    broker_story_result(s, rv);
    if (rv == 0)
        story_effect(s->out, "ready %" PRIu64, (uint64_t)s->world.defined.ready);
}

/* ---- consuming ---- */

static struct story_consumer *find_consumer(struct broker_story_state *s, const char *tag)
{
    LIST_FOREACH (link, &s->consumers) {
        struct story_consumer *c = CONTAINER_OF(link, struct story_consumer, link);

        if (strcmp(c->tag, tag) == 0)
            return c;
    }
    fail_msg("no consumer '%s'", tag);
    return NULL;
}

static bool is_replayed(const struct stored *m)
{
    struct props props;
    struct table headers;
    struct field f;
    bool value = false;

    return props_decode(m->props, &props) == 0 && props_find_headers(&props, &headers) &&
           table_find(headers, bytes_text("x-replayed"), &f) && field_as_bool(&f, &value) && value;
}

static bool on_deliver(void *owner, struct consumer *consumer, struct delivery *d,
                       const struct stored *m, struct store_pin pin)
{
    struct story_consumer *c = (struct story_consumer *)owner;

    (void)consumer;
    (void)pin;
    story_effect(c->story->out, "%s gets %.*s%s%s", c->tag, (int)m->body.size,
                 (const char *)m->body.data, d->is_redelivered ? " again" : "",
                 is_replayed(m) ? " replayed" : "");
    if (c->is_no_ack)
        return true;
    struct story_held *h = MEM_NEW(struct story_held);
    h->delivery = d;
    snprintf(h->body, sizeof(h->body), "%.*s", (int)m->body.size, (const char *)m->body.data);
    list_push(&c->held, &h->link);
    return true;
}

static void on_cancelled(void *owner, struct consumer *consumer, enum cancel_reason reason)
{
    struct story_consumer *c = (struct story_consumer *)owner;

    (void)consumer;
    (void)reason;
    story_effect(c->story->out, "%s is cancelled", c->tag);
    c->consumer = NULL;
}

static void on_timed_out(void *owner, struct consumer *consumer, uint64_t timeout_ms)
{
    struct story_consumer *c = (struct story_consumer *)owner;

    (void)consumer;
    story_effect(c->story->out, "%s holds a message for longer than %" PRIu64 " ms", c->tag,
                 timeout_ms);
}

static const struct consumer_ops consumer_ops = {
    .deliver = on_deliver, .cancelled = on_cancelled, .timed_out = on_timed_out};

static void do_consume(struct broker_story_state *s, const struct story_line *l)
{
    struct story_consumer *c = MEM_NEW(struct story_consumer);
    const struct consume consume = {
        .queue = bytes_text(l->words[1]),
        .arguments = world_table(&s->world, ""),
        .spec = {.ops = &consumer_ops,
                 .owner = c,
                 .is_no_ack = story_word(l, 3, "no-ack") != NULL,
                 .prefetch = (uint32_t)story_number(story_word(l, 3, "prefetch"), 0)},
    };

    c->story = s;
    c->is_no_ack = consume.spec.is_no_ack;
    snprintf(c->tag, sizeof(c->tag), "%s", l->words[2]);
    list_init(&c->held);
    list_push(&s->consumers, &c->link);
    broker_story_result(s,
                        broker_consume(s->world.visit, &consume, &c->consumer, &s->world.refusal));
}

static void do_cancel(struct broker_story_state *s, const struct story_line *l)
{
    struct story_consumer *c = find_consumer(s, l->words[1]);

    if (c->consumer != NULL)
        consumer_cancel(c->consumer);
    c->consumer = NULL;
}

void broker_story_end_consumers(struct broker_story_state *s)
{
    struct list_link *link;

    while ((link = list_first(&s->consumers)) != NULL) {
        struct story_consumer *c = CONTAINER_OF(link, struct story_consumer, link);

        if (c->consumer != NULL)
            consumer_cancel(c->consumer);
        while ((link = list_first(&c->held)) != NULL)
            broker_story_forget(CONTAINER_OF(link, struct story_held, link));
        list_remove(&c->link);
        mem_free(c);
    }
}

/* ---- settling ---- */

void broker_story_forget(struct story_held *h)
{
    list_remove(&h->link);
    mem_free(h);
}

struct story_held *broker_story_held(struct broker_story_state *s, const struct story_line *l)
{
    bool is_any = strcmp(l->words[2], "all") == 0;

    LIST_FOREACH (link, &find_consumer(s, l->words[1])->held) {
        struct story_held *h = CONTAINER_OF(link, struct story_held, link);

        if (!h->is_staged && (is_any || strcmp(h->body, l->words[2]) == 0))
            return h;
    }
    return NULL;
}

struct story_held *broker_story_held_of(struct broker_story_state *s, const struct delivery *d)
{
    LIST_FOREACH (at, &s->consumers) {
        LIST_FOREACH (link, &CONTAINER_OF(at, struct story_consumer, link)->held) {
            struct story_held *h = CONTAINER_OF(link, struct story_held, link);

            if (h->delivery == d)
                return h;
        }
    }
    fail_msg("nobody holds that");
    return NULL;
}

static void requeue(struct delivery *d)
{
    queue_requeue(d, false);
}

static void settle(struct broker_story_state *s, const struct story_line *l,
                   void (*how)(struct delivery *d))
{
    struct story_held *h = broker_story_held(s, l);

    if (h == NULL)
        story_effect(s->out, "%s does not hold %s", l->words[1], l->words[2]);
    for (; h != NULL; h = strcmp(l->words[2], "all") == 0 ? broker_story_held(s, l) : NULL) {
        how(h->delivery);
        broker_story_forget(h);
    }
}

static void do_ack(struct broker_story_state *s, const struct story_line *l)
{
    settle(s, l, queue_ack);
}

static void do_reject(struct broker_story_state *s, const struct story_line *l)
{
    settle(s, l, queue_reject);
}

static void do_requeue(struct broker_story_state *s, const struct story_line *l)
{
    settle(s, l, requeue);
}

const struct broker_command broker_message_commands[] = {
    {"publish", publish},    {"fill", do_fill},       {"ready", do_ready},
    {"consume", do_consume}, {"cancel", do_cancel},   {"ack", do_ack},
    {"reject", do_reject},   {"requeue", do_requeue}, {NULL, NULL},
};
