/* Tests of broker/delayed: pages of what waits, and taking it out. */
#include "broker/delayed.h"

#include <stdio.h>
#include <string.h>

#include "broker/parts.h"
#include "io/sim/sim_disk.h"
#include "tests/lib/broker_world.h"
#include "tests/lib/leaks.h"

enum { MESSAGES = 700 };

struct heard {
    char bodies[4096]; /* what was found, by message-id */
    size_t size;
    unsigned found;
    int64_t due_ms;
    unsigned dones;
    int err;
    uint64_t value;
};

static const struct delayed_place place = {{(const uint8_t *)"/", 1}, {(const uint8_t *)"x", 1}};

static void on_found(void *owner, const struct waiting *w)
{
    struct heard *h = owner;
    struct bytes id = bytes_text("-");

    (void)props_find_text(&w->message.props, PROP_MESSAGE_ID, &id);
    h->found++;
    h->due_ms = w->due_ms;
    if (h->size + id.size + 2 < sizeof(h->bodies))
        h->size += (size_t)snprintf(h->bodies + h->size, sizeof(h->bodies) - h->size, "%.*s ",
                                    (int)id.size, (const char *)id.data);
}

static void on_done(void *owner, int err, uint64_t value)
{
    struct heard *h = owner;

    h->dones++;
    h->err = err;
    h->value = value;
}

static struct delayed_calls calls_of(struct heard *h)
{
    memset(h, 0, sizeof(*h));
    return (struct delayed_calls){.owner = h, .found = on_found, .done = on_done};
}

static void begin(struct broker_world *w)
{
    broker_world_init(w);
    broker_world_open(w);
    assert_int_equal(world_exchange(w, "x", "x-delayed-message durable", "x-delayed-type=direct"),
                     0);
    assert_int_equal(world_queue(w, "q", "durable", ""), 0);
    assert_int_equal(world_bind(w, "x q", "k", ""), 0);
    assert_int_equal(world_wait(w), 0);
}

static void end(struct broker_world *w)
{
    broker_world_close(w);
    broker_world_release(w);
}

static void delay(struct broker_world *w, const char *id, int64_t ms)
{
    char props[128];
    const struct world_message m = {"x", "k", props, id};

    snprintf(props, sizeof(props), "persistent id=%s headers:x-delay=%lld", id, (long long)ms);
    assert_int_equal(world_publish_as(w, &w->publisher, &m, NULL), 0);
}

static uint64_t count(struct broker_world *w)
{
    uint64_t n = 0;

    assert_int_equal(delayed_count(w->broker, &place, &n), 0);
    return n;
}

static void cancel(struct broker_world *w, const char *id, uint64_t wanted)
{
    struct heard h;
    struct delayed_calls calls = calls_of(&h);
    struct delayed_look *l = NULL;

    assert_int_equal(delayed_cancel(w->broker, &place, bytes_text(id), &calls, &l), 0);
    world_settle(w);
    assert_int_equal(h.dones, 1);
    assert_int_equal(h.err, 0);
    assert_int_equal(h.value, wanted);
    assert_int_equal(h.found, 0);
}

static void list(struct broker_world *w, uint64_t from, size_t max, struct heard *h)
{
    struct delayed_calls calls = calls_of(h);
    struct delayed_look *l = NULL;

    const struct delayed_page page = {.from = from, .max = max};

    assert_int_equal(delayed_list(w->broker, &place, &page, &calls, &l), 0);
    world_settle(w);
    assert_int_equal(h->dones, 1);
    assert_int_equal(h->err, 0);
}

static void test_it_is_told_page_by_page(void **state)
{
    struct broker_world w;
    struct heard h;

    (void)state;
    begin(&w);
    delay(&w, "c", 3600000);
    delay(&w, "a", 1000);
    delay(&w, "b", 60000);
    list(&w, 0, 2, &h);
    assert_string_equal(h.bodies, "c a ");
    assert_true(h.value > 0);
    list(&w, h.value, 2, &h);
    assert_string_equal(h.bodies, "b ");
    assert_int_equal(h.value, 0);
    int64_t left_ms = h.due_ms - io_wall_ms(w.io);
    assert_true(left_ms > 59000 && left_ms <= 60000);
    assert_int_equal(count(&w), 3);
    world_run_ms(&w, 1000);
    list(&w, 0, 10, &h);
    assert_string_equal(h.bodies, "c b ");
    list(&w, 0, 0, &h);
    assert_string_equal(h.bodies, "");
    end(&w);
}

static void list_due(struct broker_world *w, uint64_t from, size_t max, struct heard *h)
{
    const struct delayed_page page = {.from = from, .max = max, .is_in_due_order = true};
    struct delayed_calls calls = calls_of(h);
    struct delayed_look *l = NULL;

    assert_int_equal(delayed_list(w->broker, &place, &page, &calls, &l), 0);
    world_settle(w);
    assert_int_equal(h->dones, 1);
    assert_int_equal(h->err, 0);
}

static void test_it_is_told_by_when_it_is_due(void **state)
{
    struct broker_world w;
    struct heard h;

    (void)state;
    begin(&w);
    delay(&w, "c", 3600000);
    delay(&w, "a", 1000);
    delay(&w, "b", 60000);
    delay(&w, "d", 7200000);
    list_due(&w, 0, 2, &h);
    assert_string_equal(h.bodies, "a b ");
    assert_int_equal(h.value, 1);
    list_due(&w, 2, 2, &h);
    assert_string_equal(h.bodies, "c d ");
    assert_int_equal(h.value, 0);
    list_due(&w, 4, 2, &h);
    assert_string_equal(h.bodies, "");
    world_run_ms(&w, 1000);
    list_due(&w, 0, 10, &h);
    assert_string_equal(h.bodies, "b c d ");
    end(&w);
}

/* Far more than fit on the page, in no order. */
static void test_a_page_out_of_many(void **state)
{
    enum { MANY = 3000 };
    struct broker_world w;
    struct heard h;
    char name[8];

    (void)state;
    begin(&w);
    for (int i = 0; i < MANY; i++) {
        int place_of = i * 7 % MANY;

        snprintf(name, sizeof(name), "%d", place_of);
        delay(&w, name, 3600000 + 10 * place_of);
    }
    list_due(&w, 1500, 3, &h);
    assert_string_equal(h.bodies, "1500 1501 1502 ");
    assert_int_equal(h.value, 1);
    list_due(&w, MANY - 1, 3, &h);
    assert_string_equal(h.bodies, "2999 ");
    assert_int_equal(h.value, 0);
    end(&w);
}

static void test_what_is_taken_out_does_not_come(void **state)
{
    (void)state;
    for (int is_crash = 0; is_crash < 2; is_crash++) {
        struct broker_world w;
        struct heard h;

        begin(&w);
        delay(&w, "a", 1000);
        delay(&w, "b", 1000);
        delay(&w, "a", 2000);
        delay(&w, "c", 2000);
        world_settle(&w);
        cancel(&w, "a", 2);
        cancel(&w, "a", 0);
        cancel(&w, "none", 0);
        assert_int_equal(count(&w), 2);
        if (is_crash != 0)
            broker_world_crash(&w);
        else
            broker_world_close(&w);
        broker_world_open(&w);
        list(&w, 0, 10, &h);
        assert_string_equal(h.bodies, "b c ");
        world_run_ms(&w, 3000);
        assert_int_equal(world_ready(&w, "q"), 2);
        end(&w);
    }
}

static void test_one_is_taken_out_by_its_number(void **state)
{
    struct delayed_look *l = NULL;
    struct delayed_calls calls;
    struct broker_world w;
    struct heard h;

    (void)state;
    begin(&w);
    delay(&w, "a", 1000);
    delay(&w, "b", 1000);
    list(&w, 0, 1, &h);
    uint64_t number = h.value; /* of b */
    calls = calls_of(&h);
    assert_int_equal(delayed_cancel_number(w.broker, &place, number, &calls, &l), 0);
    world_settle(&w);
    assert_int_equal(h.value, 1);
    calls = calls_of(&h);
    assert_int_equal(delayed_cancel_number(w.broker, &place, number, &calls, &l), 0);
    world_settle(&w);
    assert_int_equal(h.value, 0);
    assert_int_equal(count(&w), 1);
    end(&w);
}

static void test_many_are_read_from_the_disk(void **state)
{
    struct broker_world w;
    struct heard h;
    char id[16];

    (void)state;
    begin(&w);
    for (unsigned i = 0; i < MESSAGES; i++) {
        snprintf(id, sizeof(id), "m%u", i % 10);
        delay(&w, id, 1000 + (int64_t)i);
    }
    world_settle(&w);
    broker_world_crash(&w);
    w.log.cache_bytes = 0;
    broker_world_open(&w);
    list(&w, 0, SIZE_MAX, &h);
    assert_int_equal(h.found, MESSAGES);
    cancel(&w, "m3", MESSAGES / 10);
    assert_int_equal(count(&w), MESSAGES - MESSAGES / 10);
    world_run_ms(&w, 5000);
    assert_int_equal(world_ready(&w, "q"), MESSAGES - MESSAGES / 10);
    end(&w);
}

/* What the disk was asked for since the last call. */
static uint64_t operations(struct broker_world *w)
{
    static uint64_t before;
    uint64_t all = sim_disk_operations(w->disk);
    uint64_t since = all - before;

    before = all;
    return since;
}

/* A message-id says where its messages lie, after a start from a checkpoint and from the records
 * behind it: the others are not read. */
static void test_a_message_id_is_found_without_reading_others(void **state)
{
    enum { MANY = 20000, READS_MAX = 40 }; /* all of them take 110 */
    struct broker_world w;
    struct heard h;
    char id[16];

    (void)state;
    begin(&w);
    for (unsigned i = 0; i < MANY; i++) {
        snprintf(id, sizeof(id), "m%u", i / 2);
        delay(&w, id, 3600000 - (int64_t)i);
        if (i == MANY / 2) { /* what is before comes out of the checkpoint */
            broker_world_close(&w);
            broker_world_open(&w);
        }
    }
    world_settle(&w);
    broker_world_crash(&w);
    w.log.cache_bytes = 0;
    broker_world_open(&w);
    world_settle(&w);
    (void)operations(&w);
    cancel(&w, "m17", 2);
    cancel(&w, "m900", 2);
    assert_in_range(operations(&w), 0, READS_MAX);
    cancel(&w, "m17", 0);
    list_due(&w, 0, 3, &h);
    assert_string_equal(h.bodies, "m9999 m9999 m9998 ");
    assert_in_range(operations(&w), 0, READS_MAX);
    assert_int_equal(count(&w), MANY - 4);
    end(&w);
}

struct checkpoints {
    char paths[8][256];
    size_t count;
};

static void find_checkpoint(void *owner, const char *path, bool is_dir, uint64_t size)
{
    struct checkpoints *c = owner;

    (void)size;
    if (is_dir || strstr(path, "checkpoint-") == NULL)
        return;
    assert_true(c->count < ARRAY_SIZE(c->paths));
    snprintf(c->paths[c->count++], sizeof(c->paths[0]), "%s", path);
}

/* What the sorter kept has its message-ids too, should every checkpoint be lost. */
static void test_a_message_id_is_found_without_any_checkpoint(void **state)
{
    static char body[8 << 10];
    struct checkpoints checkpoints = {.count = 0};
    struct broker_world w;
    char id[16];

    (void)state;
    memset(body, 'b', sizeof(body) - 1);
    begin(&w);
    broker_world_close(&w);
    w.partition.checkpoint_bytes = 1 << 20;
    broker_world_open(&w);
    for (unsigned i = 0; i < MESSAGES; i++) {
        snprintf(id, sizeof(id), "m%u", i / 2);
        delay(&w, id, 3600000 - (int64_t)i);
    }
    assert_int_equal(world_queue(&w, "busy", "durable", "x-max-length=i:1"), 0);
    for (int i = 0; i < 4000; i++) {
        const struct world_message m = {"", "busy", "persistent", body};

        if (world_publish_as(&w, &w.publisher, &m, NULL) == ERR_AGAIN || i % 50 == 0)
            world_settle(&w);
    }
    world_run_ms(&w, 5000);
    assert_true(log_first(partition_log(w.broker->homes[0].partition)) > MESSAGES);
    broker_world_close(&w);
    sim_disk_walk(w.disk, find_checkpoint, &checkpoints);
    assert_true(checkpoints.count > 0);
    for (size_t i = 0; i < checkpoints.count; i++)
        sim_disk_erase(w.disk, checkpoints.paths[i]);
    broker_world_open(&w);
    assert_int_equal(count(&w), MESSAGES);
    cancel(&w, "m17", 2);
    cancel(&w, "m17", 0);
    cancel(&w, "m349", 2);
    end(&w);
}

/* They are found and taken out some in a turn, beside whatever else happens. */
static void test_any_number_may_have_one_message_id(void **state)
{
    enum { ALIKE = 20000 };
    struct broker_world w;
    struct heard h;
    struct delayed_calls calls = calls_of(&h);
    struct delayed_look *l = NULL;
    unsigned later = 0;

    (void)state;
    begin(&w);
    for (unsigned i = 0; i < ALIKE; i++) {
        delay(&w, "same", 3600 * 1000);
        if (i % 100 == 0)
            delay(&w, "other", 3600 * 1000);
    }
    world_settle(&w);
    assert_int_equal(delayed_cancel(w.broker, &place, bytes_text("same"), &calls, &l), 0);
    while (h.dones == 0) {
        if (later < 100) {
            delay(&w, "same", 3600 * 1000);
            later++;
        }
        assert_true(sim_step(w.sim));
    }
    assert_int_equal(later, 100); /* it took more turns than that */
    assert_int_equal(h.err, 0);
    assert_int_equal(h.value, ALIKE);
    world_settle(&w);
    assert_int_equal(count(&w), ALIKE / 100 + later);
    cancel(&w, "same", later);
    end(&w);
}

static void test_looks_end_early(void **state)
{
    const struct delayed_page ten = {.max = 10};
    struct delayed_look *l = NULL;
    struct delayed_look *gone = NULL;
    struct delayed_calls calls;
    struct broker_world w;
    struct heard h;
    struct heard other;

    (void)state;
    begin(&w);
    delay(&w, "a", 1000);
    calls = calls_of(&h);
    assert_int_equal(delayed_list(w.broker, &place, &ten, &calls, &l), 0);
    delayed_stop(l);
    calls = calls_of(&other);
    assert_int_equal(delayed_list(w.broker, &place, &ten, &calls, &gone), 0);
    assert_int_equal(world_delete_exchange(&w, "x", ""), 0);
    assert_int_equal(other.dones, 0);
    world_settle(&w);
    assert_int_equal(h.dones, 0);
    assert_int_equal(other.dones, 1);
    assert_int_equal(other.err, ERR_NOT_FOUND);
    assert_int_equal(delayed_list(w.broker, &place, &ten, &calls, &l), ERR_NOT_FOUND);
    assert_int_equal(world_exchange(&w, "x", "direct", ""), 0);
    assert_int_equal(delayed_list(w.broker, &place, &ten, &calls, &l), ERR_INVALID);
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_it_is_told_page_by_page),
        LEAK_CHECKED(test_it_is_told_by_when_it_is_due),
        LEAK_CHECKED(test_a_page_out_of_many),
        LEAK_CHECKED(test_what_is_taken_out_does_not_come),
        LEAK_CHECKED(test_one_is_taken_out_by_its_number),
        LEAK_CHECKED(test_many_are_read_from_the_disk),
        LEAK_CHECKED(test_a_message_id_is_found_without_reading_others),
        LEAK_CHECKED(test_a_message_id_is_found_without_any_checkpoint),
        LEAK_CHECKED(test_any_number_may_have_one_message_id),
        LEAK_CHECKED(test_looks_end_early),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
