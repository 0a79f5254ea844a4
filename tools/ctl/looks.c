/* Verbs that ask and tell. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/parse.h"
#include "tools/ctl/rows.h"
#include "tools/ctl/verbs.h"

enum { WAIT_MS = 250, MESSAGES_MAX = 100000 };

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
