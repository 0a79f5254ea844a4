/* Tests of broker/definitions: random definitions, stops and crashes, against what was there; and
 * states and records that are not what they should be. */
#include "broker/definitions.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "broker/parts.h"
#include "exchange/exchange.h"
#include "queue/queue.h"
#include "tests/lib/broker_world.h"
#include "tests/lib/leaks.h"
#include "tests/lib/seed.h"

enum { LINES_MAX = 512, LINE_SIZE = 160, STATE_SIZE = LINES_MAX * LINE_SIZE };

/* ---- what durable things there are, as text ---- */

struct picture {
    char lines[LINES_MAX][LINE_SIZE];
    size_t count;
};

static int compare_lines(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void add_bindings(struct picture *p, const struct vhost *v, const struct exchange *x)
{
    struct bytes name = exchange_spec(x).name;

    for (const struct binding *b = binding_next_from(x, NULL); b != NULL;
         b = binding_next_from(x, b)) {
        struct binding_spec spec = binding_spec(b);
        struct bytes to = binding_destination_name(b);
        bool is_durable = spec.destination.exchange != NULL
                              ? exchange_spec(spec.destination.exchange).is_durable
                              : queue_is_durable(vhost_find_queue(v, to)->queue);

        assert_true(p->count < LINES_MAX);
        if (is_durable)
            snprintf(p->lines[p->count++], LINE_SIZE, "%.*s -> %s%.*s by %.*s with %zu", SHOW(name),
                     spec.destination.exchange != NULL ? "@" : "", SHOW(to), SHOW(spec.key),
                     spec.arguments.bytes.size);
    }
}

static char *draw(struct broker_world *w)
{
    static struct picture p;
    const struct vhost *v = vhost_find(w->broker, bytes_text("/"));
    char *text = mem_zero(1, STATE_SIZE);

    p.count = 0;
    for (struct names_entry *e = names_first(&v->queues); e != NULL;
         e = names_next(&v->queues, e)) {
        const struct named_queue *q = e->value;

        if (queue_is_durable(q->queue))
            snprintf(p.lines[p.count++], LINE_SIZE, "queue %.*s%s %zu", SHOW(e->name),
                     queue_is_auto_delete(q->queue) ? " auto-delete" : "",
                     queue_arguments(q->queue).bytes.size);
    }
    for (const struct exchange *x = exchange_next(v->table, NULL); x != NULL;
         x = exchange_next(v->table, x)) {
        struct exchange_spec spec = exchange_spec(x);

        if (!spec.is_durable)
            continue;
        snprintf(p.lines[p.count++], LINE_SIZE, "exchange %.*s %.*s%s%s", SHOW(spec.name),
                 SHOW(spec.type), spec.is_auto_delete ? " auto-delete" : "",
                 spec.is_internal ? " internal" : "");
        add_bindings(&p, v, x);
    }
    qsort(p.lines, p.count, LINE_SIZE, compare_lines);
    for (size_t i = 0, at = 0; i < p.count; i++)
        at += (size_t)snprintf(text + at, STATE_SIZE - at, "%s\n", p.lines[i]);
    return text;
}

/* ---- random definitions ---- */

static const char *pick(struct rand *r, const char *const *words, size_t count)
{
    return words[rand_below(r, count)];
}

static void define_something(struct broker_world *w, struct rand *r)
{
    static const char *const queues[] = {"q0", "q1", "q2", "q3", "q4"};
    static const char *const flags[] = {"durable", "durable auto-delete", "", "auto-delete"};
    static const char *const exchanges[] = {"x0", "x1", "x2", "x3"};
    static const char *const kinds[] = {"direct durable", "topic durable auto-delete",
                                        "fanout durable internal", "direct", "fanout auto-delete"};
    static const char *const keys[] = {"a", "a.b", ""};
    static const char *const arguments[] = {"", "x=1", "y=b x=2"};
    char ends[16];

    snprintf(ends, sizeof(ends), "%s %s%s",
             rand_chance(r, 1, 4) ? "amq.direct" : pick(r, exchanges, 4),
             rand_chance(r, 1, 3) ? "@" : "",
             rand_chance(r, 1, 2) ? pick(r, queues, 5) : pick(r, exchanges, 4));
    switch (rand_below(r, 8)) {
    case 0:
    case 1:
        (void)!world_queue(w, pick(r, queues, 5), pick(r, flags, 4), "");
        break;
    case 2:
        (void)!world_exchange(w, pick(r, exchanges, 4), pick(r, kinds, 5), "");
        break;
    case 3:
    case 4:
    case 5:
        (void)!world_bind(w, ends, pick(r, keys, 3), pick(r, arguments, 3));
        break;
    case 6:
        (void)!world_unbind(w, ends, pick(r, keys, 3), pick(r, arguments, 3));
        break;
    default:
        if (rand_chance(r, 1, 2))
            (void)!world_delete(w, pick(r, queues, 5), "");
        else
            (void)!world_delete_exchange(w, pick(r, exchanges, 4), "");
    }
}

enum { HISTORY_MAX = 64 };

/* What there was since all of it was known to be safe; each of these may be there after a crash. */
struct past {
    char *states[HISTORY_MAX];
    size_t count;
};

static void forget(struct past *p)
{
    for (size_t i = 0; i < p->count; i++)
        mem_free(p->states[i]);
    p->count = 0;
}

static void remember(struct past *p, struct broker_world *w)
{
    assert_true(p->count < HISTORY_MAX);
    p->states[p->count++] = draw(w);
}

static void expect_one_of(struct past *p, struct broker_world *w)
{
    char *now = draw(w);
    bool is_known = false;

    for (size_t i = 0; i < p->count; i++)
        is_known = is_known || strcmp(now, p->states[i]) == 0;
    if (!is_known)
        fail_msg("there is\n%sbut the last was\n%s", now, p->states[p->count - 1]);
    mem_free(now);
}

static void live_a_while(struct broker_world *w, struct rand *r)
{
    struct past past = {.count = 0};

    remember(&past, w);
    for (uint64_t i = rand_below(r, HISTORY_MAX - 2); i > 0; i--) {
        define_something(w, r);
        if (rand_chance(r, 1, 10)) {
            assert_int_equal(world_wait(w), 0);
            forget(&past);
        }
        if (rand_chance(r, 1, 20))
            partition_checkpoint(w->broker->homes[0].partition);
        if (rand_chance(r, 1, 4))
            (void)sim_step(w->sim);
        remember(&past, w);
    }
    broker_check(w->broker);
    if (rand_chance(r, 1, 3)) {
        char *last = past.states[--past.count];

        forget(&past);
        past.states[past.count++] = last;
        broker_world_close(w);
    } else {
        broker_world_crash_as(w,
                              &(struct sim_crash){.kind = SIM_CRASH_RANDOM, .seed = rand_next(r)});
    }
    broker_world_open(w);
    expect_one_of(&past, w);
    forget(&past);
}

static void test_what_comes_back_was_there(void **state)
{
    struct rand r;

    (void)state;
    rand_init(&r, test_seed());
    for (int round = 0; round < 10; round++) {
        struct broker_world w;

        broker_world_init(&w);
        diag_set_level(DIAG_OFF);
        w.partition_count = round % 3 == 2 ? 2 : 1;
        broker_world_open(&w);
        for (int i = 0; i < 12; i++)
            live_a_while(&w, &r);
        broker_world_close(&w);
        broker_world_release(&w);
    }
}

/* ---- what is not what it should be ---- */

static int on_read(void *owner, const struct definition *d)
{
    (void)d;
    ++*(unsigned *)owner;
    return 0;
}

static void on_gone(void *owner, uint8_t kind, struct bytes key)
{
    (void)kind;
    (void)key;
    ++*(unsigned *)owner;
}

struct reader_bench {
    struct definitions d;
    struct fold fold;
    unsigned calls;
};

static void begin(struct reader_bench *b)
{
    memset(b, 0, sizeof(*b));
    definitions_init(
        &b->d, 1,
        &(struct definitions_calls){.owner = &b->calls, .on_read = on_read, .on_gone = on_gone});
    definitions_fold(&b->d, &b->fold);
}

static int replay(struct reader_bench *b, uint8_t kind, struct bytes body)
{
    const struct record r = {.number = 5, .kind = kind, .key = bytes_text("key"), .body = body};

    return b->fold.replay(b->fold.owner, &r);
}

static void test_records_of_a_later_version_stop_the_opening(void **state)
{
    static const struct {
        uint8_t kind;
        const char *body;
        size_t size;
        int rv;
        unsigned calls;
    } rows[] = {
        {DEFINITION_USER, "\1\1abc", 5, 0, 1},
        {DEFINITION_USER, "\1\1", 2, 0, 1},
        {DEFINITION_USER, "\1\0", 2, 0, 0}, /* it was not there */
        {DEFINITION_USER, "\2\1abc", 5, ERR_VERSION, 0},
        {DEFINITION_NEWEST + 1, "\1\1abc", 5, ERR_VERSION, 0},
        {DEFINITION_USER, "\1", 1, ERR_CORRUPT, 0},
        {DEFINITION_USER, "", 0, ERR_CORRUPT, 0},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct reader_bench b;

        begin(&b);
        assert_int_equal(replay(&b, rows[i].kind, bytes_of(rows[i].body, rows[i].size)),
                         rows[i].rv);
        assert_int_equal(b.calls, rows[i].calls);
        definitions_release(&b.d);
    }
}

static void test_a_damaged_state_is_refused_with_a_sentence(void **state)
{
    struct reader_bench b;
    struct reader_bench copy;
    struct buf saved;
    struct err_note note;

    (void)state;
    begin(&b);
    assert_int_equal(replay(&b, DEFINITION_USER, bytes_of("\1\1abc", 5)), 0);
    assert_int_equal(replay(&b, DEFINITION_IDS, bytes_of("\1\1\0\0\1\0\0\0\0\0", 10)), 0);
    buf_init(&saved, 1 << 20);
    b.fold.save(b.fold.owner, true, &saved);
    for (size_t size = 0; size <= saved.size; size++) {
        begin(&copy);
        note.text[0] = '\0';
        if (size == saved.size) {
            assert_int_equal(copy.fold.restore(copy.fold.owner, bytes_of(saved.data, size), &note),
                             0);
            assert_int_equal(copy.d.next_id, 65536);
            assert_int_equal(copy.calls, 1);
        } else {
            assert_int_not_equal(
                copy.fold.restore(copy.fold.owner, bytes_of(saved.data, size), &note), 0);
            assert_true(note.text[0] != '\0');
        }
        definitions_release(&copy.d);
    }
    saved.data[0] = 9;
    begin(&copy);
    assert_int_equal(copy.fold.restore(copy.fold.owner, buf_view(&saved), &note), ERR_VERSION);
    definitions_release(&copy.d);
    buf_release(&saved);
    definitions_release(&b.d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_what_comes_back_was_there),
        LEAK_CHECKED(test_records_of_a_later_version_stop_the_opening),
        LEAK_CHECKED(test_a_damaged_state_is_refused_with_a_sentence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
