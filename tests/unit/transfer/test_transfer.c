/* Tests of transfer: what one broker exports another imports, and exports the same. */
#include "transfer/transfer.h"

#include <stdio.h>
#include <string.h>

#include "broker/admin.h"
#include "broker/look.h"
#include "broker/parameters.h"
#include "broker/policies.h"
#include "tests/lib/broker_world.h"
#include "tests/lib/leaks.h"

enum { FILE_MAX = 1 << 24 };

static const struct bytes root = {(const uint8_t *)"/", 1};

/* What became of an import. */
struct outcome {
    bool is_done;
    int err;
    char text[512];
};

static void on_done(void *owner, int err, const struct err_note *note)
{
    struct outcome *o = owner;

    o->is_done = true;
    o->err = err;
    snprintf(o->text, sizeof(o->text), "%s", note->text);
}

static struct outcome import_json(struct broker_world *w, const json_t *j, const char *vhost)
{
    struct outcome o = {0};

    transfer_import(&(struct transfer_import_open){
        .broker = w->broker,
        .document = j,
        .vhost = vhost == NULL ? bytes_of(NULL, 0) : bytes_text(vhost),
        .owner = &o,
        .done = on_done,
    });
    for (int i = 0; i < 100 && !o.is_done; i++)
        world_settle(w);
    assert_true(o.is_done);
    return o;
}

static struct outcome import(struct broker_world *w, const char *text, const char *vhost)
{
    json_error_t error;
    json_t *j = json_loads(text, 0, &error);
    struct outcome o;

    if (j == NULL)
        fail_msg("%s", error.text);
    o = import_json(w, j, vhost);
    json_decref(j);
    return o;
}

static void import_good(struct broker_world *w, const char *text, const char *vhost)
{
    struct outcome o = import(w, text, vhost);

    if (o.err != 0)
        fail_msg("%s: %s", err_text(o.err), o.text);
}

/* The file, in pieces of that size put together; to be freed by json_decref(). */
static json_t *export(struct broker_world *w, const char *vhost, size_t piece)
{
    struct transfer_export *e = transfer_export_new(&(struct transfer_export_open){
        .broker = w->broker,
        .vhost = vhost == NULL ? bytes_of(NULL, 0) : bytes_text(vhost),
        .rabbit_version = "3.13.7",
        .product_version = "1.0.0",
        .cluster_name = "here",
    });
    struct buf all;
    struct buf one;
    json_error_t error;
    json_t *j = NULL;

    buf_init(&all, FILE_MAX);
    buf_init(&one, FILE_MAX);
    while (transfer_export_next(e, &one, piece)) {
        buf_bytes(&all, buf_view(&one));
        buf_clear(&one);
    }
    transfer_export_free(e);
    j = json_loadb((const char *)all.data, all.size, JSON_REJECT_DUPLICATES, &error);
    if (j == NULL)
        fail_msg("%s at %d", error.text, error.position);
    buf_release(&all);
    buf_release(&one);
    return j;
}

static const json_t *item(const json_t *file, const char *section, const char *key,
                          const char *value)
{
    const json_t *list = json_object_get(file, section);

    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *j = json_array_get(list, i);
        const json_t *v = json_object_get(j, key);

        if (json_is_string(v) && strcmp(json_string_value(v), value) == 0)
            return j;
    }
    fail_msg("no %s of %s %s", section, key, value);
    return NULL;
}

static const char *text_of(const json_t *j, const char *key)
{
    const json_t *v = json_object_get(j, key);

    return json_is_string(v) ? json_string_value(v) : "";
}

/* As a RabbitMQ of 3.10 writes it. */
static const char rabbits_file[] =
    "{\"rabbit_version\":\"3.10.8\",\"product_name\":\"RabbitMQ\","
    "\"users\":[{\"name\":\"ann\",\"password_hash\":\"x3pRTLRVgUFSuTDEHsDhhNWPR3Bm8nYjZvLDsLm1qu"
    "t7c2eo\",\"hashing_algorithm\":\"rabbit_password_hashing_sha256\",\"tags\":[\"management\"],"
    "\"limits\":{\"max-channels\":7}},"
    "{\"name\":\"old\",\"password_hash\":\"\",\"tags\":\"monitoring,policymaker\"}],"
    "\"vhosts\":[{\"name\":\"/"
    "\"},{\"name\":\"v\",\"limits\":[[\"max-connections\",8]],\"metadata\":{\"description\":"
    "\"a place\",\"tags\":[\"a\",\"b\"]}}],"
    "\"permissions\":[{\"user\":\"ann\",\"vhost\":\"v\",\"configure\":\"c\",\"write\":\"w\","
    "\"read\":\"\"}],"
    "\"topic_permissions\":[{\"user\":\"ann\",\"vhost\":\"v\",\"exchange\":\"amq.topic\","
    "\"write\":\"^{username}\",\"read\":\".*\"}],"
    "\"parameters\":[{\"component\":\"vhost-limits\",\"vhost\":\"v\",\"name\":\"limits\","
    "\"value\":{\"max-queues\":9}},{\"component\":\"operator_policy\",\"vhost\":\"v\",\"name\":"
    "\"op\",\"value\":{\"pattern\":\"^\",\"apply-to\":\"queues\",\"priority\":0,\"definition\":"
    "{\"max-length\":4}}}],"
    "\"global_parameters\":[{\"name\":\"cluster_name\",\"value\":\"rabbit@there\"}],"
    "\"policies\":[{\"vhost\":\"v\",\"name\":\"p\",\"pattern\":\"^q\",\"apply-to\":\"all\","
    "\"definition\":{\"max-length\":5,\"ha-mode\":\"all\"},\"priority\":3}],"
    "\"queues\":[{\"name\":\"q\",\"vhost\":\"v\",\"durable\":true,\"auto_delete\":false,"
    "\"arguments\":{\"x-message-ttl\":60000,\"x-dead-letter-exchange\":\"x\",\"own\":[1,\"a\","
    "{\"b\":true,\"c\":null,\"d\":1.5}]}},{\"name\":\"amq.gen-1\",\"vhost\":\"v\",\"durable\":true,"
    "\"auto_delete\":false,\"arguments\":{}}],"
    "\"exchanges\":[{\"name\":\"x\",\"vhost\":\"v\",\"type\":\"headers\",\"durable\":true,"
    "\"auto_delete\":false,\"internal\":false,\"arguments\":{}}],"
    "\"bindings\":[{\"source\":\"x\",\"vhost\":\"v\",\"destination\":\"q\",\"destination_type\":"
    "\"queue\",\"routing_key\":\"k\",\"arguments\":{\"x-match\":\"any\",\"n\":3}},"
    "{\"source\":\"x\",\"vhost\":\"v\",\"destination\":\"nobody\",\"destination_type\":\"queue\","
    "\"routing_key\":\"\",\"arguments\":{}}]}";

static void test_a_file_of_rabbitmq_is_taken(void **state)
{
    struct broker_world w;
    struct look_queue q;
    struct look_user u;
    struct look_vhost v;
    json_t *out = NULL;
    const json_t *j = NULL;

    (void)state;
    broker_world_init(&w);
    broker_world_open(&w);
    import_good(&w, rabbits_file, NULL);
    assert_true(look_find_user(w.broker, bytes_text("ann"), &u));
    assert_int_equal(u.channels_max, 7);
    assert_true(look_find_user(w.broker, bytes_text("old"), &u));
    assert_int_equal(u.spec.tag_count, 2);
    assert_true(look_find_vhost(w.broker, bytes_text("v"), &v));
    assert_true(bytes_equal(v.tags, bytes_text("a,b")));
    assert_int_equal(v.queues_max, 9);
    assert_true(look_find_queue(w.broker, bytes_text("v"), bytes_text("q"), &q));
    assert_int_equal(q.args->message_ttl_ms, 60000);
    assert_int_equal(q.args->max_length, 4);
    broker_world_crash(&w);
    broker_world_open(&w);
    out = export(&w, NULL, 100);
    j = item(out, "queues", "name", "q");
    assert_string_equal(text_of(j, "vhost"), "v");
    assert_int_equal(json_array_size(json_object_get(json_object_get(j, "arguments"), "own")), 3);
    j = item(out, "users", "name", "ann");
    assert_string_equal(text_of(j, "hashing_algorithm"), "rabbit_password_hashing_sha256");
    (void)item(out, "queues", "name", "amq.gen-1");
    j = item(out, "parameters", "component", "operator_policy");
    assert_string_equal(text_of(j, "name"), "op");
    j = item(out, "bindings", "routing_key", "k");
    assert_int_equal(json_object_size(json_object_get(j, "arguments")), 2);
    j = item(out, "global_parameters", "name", "cluster_name");
    assert_string_equal(text_of(j, "value"), "rabbit@there");
    assert_int_equal(json_array_size(json_object_get(out, "bindings")), 1);
    json_decref(out);
    broker_world_close(&w);
    broker_world_release(&w);
}

static void test_what_is_exported_comes_back_the_same(void **state)
{
    struct broker_world w;
    json_t *first = NULL;
    json_t *second = NULL;

    (void)state;
    broker_world_init(&w);
    broker_world_open(&w);
    import_good(&w, rabbits_file, NULL);
    assert_int_equal(world_queue(&w, "mine", "exclusive", ""), 0);
    assert_int_equal(world_queue(&w, "brief", "", "x-max-priority=5"), 0);
    first = export(&w, NULL, 1 << 20);
    broker_world_close(&w);
    broker_world_release(&w);

    broker_world_init(&w);
    broker_world_open(&w);
    assert_int_equal(import_json(&w, first, NULL).err, 0);
    assert_int_equal(import_json(&w, first, NULL).err, 0); /* twice is as good as once */
    second = export(&w, NULL, 1);
    assert_true(json_equal(first, second));
    json_decref(first);
    json_decref(second);
    broker_world_close(&w);
    broker_world_release(&w);
}

static void test_one_virtual_host_moves_to_another_name(void **state)
{
    struct broker_world w;
    json_t *first = NULL;
    json_t *second = NULL;
    const struct admin_vhost other = {.name = bytes_text("other")};

    (void)state;
    broker_world_init(&w);
    broker_world_open(&w);
    import_good(&w, rabbits_file, NULL);
    first = export(&w, "v", 1);
    assert_null(json_object_get(first, "users"));
    assert_null(json_object_get(item(first, "queues", "name", "q"), "vhost"));
    assert_string_equal(text_of(first, "original_vhost_name"), "v");
    assert_int_equal(admin_put_vhost(w.broker, &other, &w.note), 0);
    assert_int_equal(import_json(&w, first, "other").err, 0);
    second = export(&w, "other", 1 << 20);
    assert_true(json_equal(json_object_get(first, "queues"), json_object_get(second, "queues")));
    assert_true(
        json_equal(json_object_get(first, "bindings"), json_object_get(second, "bindings")));
    assert_true(
        json_equal(json_object_get(first, "policies"), json_object_get(second, "policies")));
    assert_true(
        json_equal(json_object_get(first, "parameters"), json_object_get(second, "parameters")));
    json_decref(first);
    json_decref(second);
    broker_world_close(&w);
    broker_world_release(&w);
}

static void test_what_is_there_stays_and_nothing_goes(void **state)
{
    struct broker_world w;
    struct look_queue q;
    struct look_exchange x;

    (void)state;
    broker_world_init(&w);
    broker_world_open(&w);
    assert_int_equal(world_queue(&w, "q", "durable", "x-max-length=5"), 0);
    assert_int_equal(world_queue(&w, "r", "durable", ""), 0);
    assert_int_equal(world_exchange(&w, "x", "fanout durable", ""), 0);
    import_good(&w,
                "{\"queues\":[{\"name\":\"q\",\"vhost\":\"/\",\"durable\":true,\"auto_delete\":"
                "true,\"arguments\":{\"x-max-length\":6}}],\"exchanges\":[{\"name\":\"x\","
                "\"vhost\":\"/\",\"type\":\"topic\",\"durable\":true},{\"name\":\"amq.fanout\","
                "\"vhost\":\"/\",\"type\":\"topic\"},{\"name\":\"in\",\"vhost\":\"/\",\"type\":"
                "\"topic\",\"internal\":true}]}",
                NULL);
    assert_true(look_find_queue(w.broker, root, bytes_text("q"), &q));
    assert_int_equal(q.args->max_length, 5);
    assert_false(q.is_auto_delete);
    assert_true(look_find_queue(w.broker, root, bytes_text("r"), &q));
    assert_true(look_find_exchange(w.broker, root, bytes_text("x"), &x));
    assert_true(bytes_equal(x.type, bytes_text("fanout")));
    assert_true(look_find_exchange(w.broker, root, bytes_text("in"), &x));
    assert_true(x.is_internal);
    broker_world_close(&w);
    broker_world_release(&w);
}

static void test_a_bad_document_changes_nothing(void **state)
{
    static const struct {
        const char *text;
        const char *says;
    } rows[] = {
        {"{\"vhosts\":[{\"name\":\"new\"}],\"users\":{}}", "key 'users' must be a list"},
        {"{\"vhosts\":[{\"name\":\"new\"}],\"queues\":[3]}",
         "each item of 'queues' must be an object"},
        {"{\"vhosts\":[{\"name\":\"new\"}],\"queues\":[{\"vhost\":\"new\"}]}",
         "key 'name' is missing in 'queues'"},
        {"{\"vhosts\":[{\"name\":\"new\"}],\"queues\":[{\"name\":\"q\",\"vhost\":\"no\"}]}",
         "virtual host 'no', in 'queues', does not exist"},
        {"{\"vhosts\":[{\"name\":\"new\"}],\"queues\":[{\"name\":\"q\",\"vhost\":\"new\","
         "\"durable\":1}]}",
         "key 'durable' in 'queues' must be true or false"},
        {"{\"vhosts\":[{\"name\":\"new\"}],\"queues\":[{\"name\":\"q\",\"vhost\":\"new\","
         "\"arguments\":[1]}]}",
         "key 'arguments' in 'queues' must be an object"},
        {"{\"vhosts\":[{\"name\":\"new\"}],\"permissions\":[{\"user\":\"no\",\"vhost\":\"new\"}]}",
         "user 'no', in 'permissions', does not exist"},
        {"{\"vhosts\":[{\"name\":\"new\"}],\"parameters\":[{\"component\":\"shovel\",\"vhost\":"
         "\"new\",\"name\":\"s\",\"value\":{}}]}",
         "component shovel not found"},
        {"{\"vhosts\":[{\"name\":\"new\"}],\"policies\":[{\"vhost\":\"new\",\"name\":\"p\","
         "\"pattern\":\"(\",\"definition\":{\"expires\":0}}]}",
         "0 is not a valid queue expiry"},
        {"{\"vhosts\":[{\"name\":\"new\"}],\"users\":[{\"name\":\"u\",\"hashing_algorithm\":"
         "\"rot13\"}]}",
         "hashing algorithm 'rot13' of user 'u' is not known"},
        {"{\"vhosts\":[{\"name\":\"new\"}],\"bindings\":[{\"source\":\"x\",\"vhost\":\"new\","
         "\"destination\":\"q\",\"destination_type\":\"shelf\"}]}",
         "key 'destination_type' in 'bindings' must be 'queue' or 'exchange'"},
    };
    struct broker_world w;
    struct look_vhost v;

    (void)state;
    broker_world_init(&w);
    broker_world_open(&w);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct outcome o = import(&w, rows[i].text, NULL);

        assert_int_not_equal(o.err, 0);
        assert_string_equal(o.text, rows[i].says);
        assert_false(look_find_vhost(w.broker, bytes_text("new"), &v));
    }
    broker_world_close(&w);
    broker_world_release(&w);
}

static void test_tables_nest_no_deeper_than_they_may(void **state)
{
    json_t *nested = json_integer(1);
    json_t *j = NULL;
    struct broker_world w;
    struct outcome o;

    (void)state;
    for (int i = 0; i < 100; i++)
        nested = json_pack("{s:o}", "a", nested);
    j = json_pack("{s:[{s:s,s:s,s:o}]}", "queues", "name", "q", "vhost", "/", "arguments", nested);
    broker_world_init(&w);
    broker_world_open(&w);
    o = import_json(&w, j, NULL);
    assert_int_equal(o.err, ERR_INVALID);
    assert_string_equal(o.text, "key 'arguments' in 'queues' is too large or nests too deep");
    json_decref(j);
    broker_world_close(&w);
    broker_world_release(&w);
}

static void test_many_things_take_many_turns_and_may_be_given_up(void **state)
{
    struct broker_world w;
    struct outcome o = {0};
    struct transfer_import *im = NULL;
    json_t *j = json_object();
    json_t *queues = json_array();
    struct look_vhost v;

    (void)state;
    for (int i = 0; i < 2000; i++)
        json_array_append_new(queues,
                              json_pack("{s:o,s:s}", "name", json_sprintf("q%d", i), "vhost", "/"));
    json_object_set_new(j, "queues", queues);
    broker_world_init(&w);
    broker_world_open(&w);
    im = transfer_import(&(struct transfer_import_open){
        .broker = w.broker, .document = j, .owner = &o, .done = on_done});
    transfer_import_cancel(im);
    world_settle(&w);
    assert_false(o.is_done);
    transfer_import(&(struct transfer_import_open){
        .broker = w.broker, .document = j, .owner = &o, .done = on_done});
    for (int i = 0; i < 100 && !o.is_done; i++)
        world_settle(&w);
    assert_true(o.is_done);
    assert_int_equal(o.err, 0);
    assert_true(look_find_vhost(w.broker, root, &v));
    assert_int_equal(v.queues, 2000);
    json_decref(j);
    broker_world_close(&w);
    broker_world_release(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_a_file_of_rabbitmq_is_taken),
        LEAK_CHECKED(test_what_is_exported_comes_back_the_same),
        LEAK_CHECKED(test_one_virtual_host_moves_to_another_name),
        LEAK_CHECKED(test_what_is_there_stays_and_nothing_goes),
        LEAK_CHECKED(test_a_bad_document_changes_nothing),
        LEAK_CHECKED(test_tables_nest_no_deeper_than_they_may),
        LEAK_CHECKED(test_many_things_take_many_turns_and_may_be_given_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
