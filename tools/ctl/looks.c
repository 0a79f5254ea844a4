/* Verbs that ask and tell. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/parse.h"
#include "tools/ctl/rows.h"
#include "tools/ctl/verbs.h"

enum { WAIT_MS = 250, MESSAGES_MAX = 100000, BROWSE_PAGE = 500 };

int verb_authenticate(struct ctl *c, const struct verb *v)
{
    struct answer answer = {0};
    int rv = call_make(c->call,
                       &(struct request){.method = v->method,
                                         .path = v->path,
                                         .user = c->options->words[0],
                                         .password = c->options->words[1]},
                       &answer, &c->note);

    json_decref(answer.json);
    if (rv == ERR_DENIED)
        return err_note(&c->note, rv, "user '%s' may not log in with that password",
                        c->options->words[0]);
    if (rv == 0 && !c->options->is_silent)
        printf("Success\n");
    return rv;
}

int verb_hash_password(struct ctl *c, const struct verb *v)
{
    char *path = ctl_path(c, v->path);
    json_t *answer = NULL;
    int rv = ctl_request(c, v->method, path, NULL, &answer);
    const char *hash = json_string_value(json_object_get(answer, "ok"));

    if (rv == 0 && hash == NULL)
        rv = err_note(&c->note, ERR_INVALID, "the broker gave no hash");
    if (rv == 0)
        printf("%s\n", hash);
    json_decref(answer);
    mem_free(path);
    return rv;
}

int verb_ping(struct ctl *c, const struct verb *v)
{
    int rv = ctl_request(c, "GET", "/api/whoami", NULL, NULL);

    (void)v;
    if (rv == 0 && !c->options->is_silent)
        printf("Ping succeeded\n");
    return rv;
}

int verb_await(struct ctl *c, const struct verb *v)
{
    uint64_t waited_ms = 0;
    int rv = ctl_request(c, "GET", "/api/whoami", NULL, NULL);

    (void)v;
    while (rv == ERR_CLOSED && waited_ms < c->options->timeout_ms) {
        call_wait(c->call, WAIT_MS);
        waited_ms += WAIT_MS;
        rv = ctl_request(c, "GET", "/api/whoami", NULL, NULL);
    }
    return rv;
}

int verb_get(struct ctl *c, const struct verb *v)
{
    static const struct column columns[] = {
        {"exchange", "exchange"},           {"routing_key", "routing_key"},
        {"redelivered", "redelivered"},     {"message_count", "message_count"},
        {"payload_bytes", "payload_bytes"}, {"payload", "payload"},
        {"properties", "properties"},
    };
    char *path = ctl_path(c, v->path);
    json_t *body =
        json_pack("{s:i, s:s, s:s}", "count", 1, "ackmode", "ack_requeue_true", "encoding", "auto");
    json_t *messages = NULL;
    int64_t count = 1;
    int rv = 0;

    if (c->options->word_count > 1 &&
        parse_i64(bytes_text(c->options->words[1]), 1, MESSAGES_MAX, &count) != 0)
        rv = err_note(&c->note, ERR_INVALID, "a count is a number from 1 to %d, not '%s'",
                      (int)MESSAGES_MAX, c->options->words[1]);
    (void)json_object_set_new(body, "count", json_integer(count));
    if (rv == 0)
        rv = ctl_request(c, v->method, path, body, &messages);
    if (rv == 0)
        rows_print(c->options, messages, columns, ARRAY_SIZE(columns));
    json_decref(messages);
    json_decref(body);
    mem_free(path);
    return rv;
}

/* The words behind the queue. */
static int read_place(struct ctl *c, int64_t *count, int64_t *from)
{
    const struct options *o = c->options;

    if (o->word_count > 1 && parse_i64(bytes_text(o->words[1]), 1, MESSAGES_MAX, count) != 0)
        return err_note(&c->note, ERR_INVALID, "a count is a number from 1 to %d, not '%s'",
                        (int)MESSAGES_MAX, o->words[1]);
    if (o->word_count > 2 && parse_i64(bytes_text(o->words[2]), 0, INT64_MAX, from) != 0)
        return err_note(&c->note, ERR_INVALID, "a position is a number, not '%s'", o->words[2]);
    return 0;
}

/* One answer's messages come to the others; *from is where it goes on, or -1. */
static int browse_page(struct ctl *c, const char *path, json_t *all, int64_t count, int64_t *from)
{
    char *url = mem_format("%s?from=%lld&page_size=%lld", path, (long long)*from,
                           (long long)(count < BROWSE_PAGE ? count : BROWSE_PAGE));
    json_t *page = NULL;
    int rv = ctl_request(c, "GET", url, NULL, &page);
    const json_t *next = json_object_get(page, "next");

    if (rv == 0 && !json_is_array(json_object_get(page, "items")))
        rv = err_note(&c->note, ERR_INVALID, "GET %s was answered with no list", url);
    if (rv == 0)
        (void)json_array_extend(all, json_object_get(page, "items"));
    *from = json_is_integer(next) ? json_integer_value(next) : -1;
    json_decref(page);
    mem_free(url);
    return rv;
}

int verb_browse(struct ctl *c, const struct verb *v)
{
    static const struct column columns[] = {
        {"position", "position"},       {"state", "state"},
        {"exchange", "exchange"},       {"routing_key", "routing_key"},
        {"redelivered", "redelivered"}, {"payload_bytes", "payload_bytes"},
        {"payload", "payload"},         {"properties", "properties"},
    };
    char *path = ctl_path(c, v->path);
    json_t *messages = json_array();
    int64_t count = 10;
    int64_t from = 0;
    int rv = read_place(c, &count, &from);

    while (rv == 0 && from >= 0 && (int64_t)json_array_size(messages) < count)
        rv = browse_page(c, path, messages, count - (int64_t)json_array_size(messages), &from);
    if (rv == 0)
        rows_print(c->options, messages, columns, ARRAY_SIZE(columns));
    json_decref(messages);
    mem_free(path);
    return rv;
}

int verb_peek(struct ctl *c, const struct verb *v)
{
    char *path = ctl_path(c, v->path);
    json_t *messages = json_array();
    int64_t place = 0;
    int64_t from = 0;
    int rv = 0;

    if (parse_i64(bytes_text(c->options->words[1]), 1, MESSAGES_MAX, &place) != 0)
        rv = err_note(&c->note, ERR_INVALID, "a place is a number from 1 to %d, not '%s'",
                      (int)MESSAGES_MAX, c->options->words[1]);
    while (rv == 0 && from >= 0 && (int64_t)json_array_size(messages) < place)
        rv = browse_page(c, path, messages, place - (int64_t)json_array_size(messages), &from);
    if (rv == 0 && (int64_t)json_array_size(messages) < place)
        rv = err_note(&c->note, ERR_NOT_FOUND, "queue '%s' has %zu messages, not %s",
                      c->options->words[0], json_array_size(messages), c->options->words[1]);
    if (rv == 0)
        rows_print_value(c->options, json_array_get(messages, (size_t)place - 1));
    json_decref(messages);
    mem_free(path);
    return rv;
}

int verb_publish(struct ctl *c, const struct verb *v)
{
    char *path = ctl_path(c, v->path);
    json_t *body = NULL;
    json_t *answer = NULL;
    int rv =
        ctl_body(c, "routing_key=s2 payload=s3 payload_encoding=:\"string\" properties=j4", &body);

    if (rv == 0 && json_object_get(body, "properties") == NULL)
        (void)json_object_set_new(body, "properties", json_object());
    if (rv == 0)
        rv = ctl_request(c, v->method, path, body, &answer);
    if (rv == 0 && !json_is_true(json_object_get(answer, "routed")))
        rv = err_note(&c->note, ERR_NOT_FOUND, "no queue is bound that takes the message");
    if (rv == 0 && !c->options->is_silent)
        printf("Message published\n");
    json_decref(answer);
    json_decref(body);
    mem_free(path);
    return rv;
}
