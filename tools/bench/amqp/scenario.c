/* The table of scenarios. */
#include "tools/bench/amqp/scenario.h"

#include <string.h>

#include "base/check.h"

#define DURABLE "persistent=true durable=true "

static const struct scenario scenarios[] = {
    {"transient-16", "size=16", true, "16 B transient, 1:1, no acks"},
    {"transient-1k", "size=1KiB", true, "1 KiB transient, 1:1, no acks"},
    {"transient-64k", "size=64KiB", true, "64 KiB transient, 1:1, no acks"},
    {"persistent-window-1", DURABLE "window=1 ack=10 prefetch=100", true,
     "1 KiB persistent, durable queue, one confirm at a time"},
    {"persistent-window-100", DURABLE "window=100 ack=10 prefetch=100", true,
     "... window 100, acks every 10, prefetch 100"},
    {"persistent-window-1000", DURABLE "window=1000 ack=100 prefetch=1000", true,
     "... window 1000, acks every 100, prefetch 1000"},
    {"publish-window-1000", DURABLE "window=1000 consumers=0", true,
     "... nobody consumes, window 1000"},
    {"queues-10", DURABLE "producers=10 consumers=10 queues=10 window=100 ack=10 prefetch=100",
     false, "10 producers, 10 consumers, 10 durable queues, window 100"},
    {"queues-100",
     DURABLE "producers=20 consumers=100 queues=100 consumer-connections=20 window=100 ack=10 "
             "prefetch=100",
     false, "20 producers over 100 durable queues, 100 consumers on 20 connections, window 100"},
    {"queues-1000",
     DURABLE "producers=20 consumers=1000 queues=1000 consumer-connections=20 window=100 ack=10 "
             "prefetch=100",
     false,
     "20 producers over 1,000 durable queues, 1,000 consumers on 20 connections, window 100"},
    {"backlog", "shape=backlog count=1000000", false,
     "1 KiB transient, a million published, then drained"},
    {"stream", "shape=backlog count=1000000 stream=true window=1000 ack=100 prefetch=1000 " DURABLE,
     true, "1 KiB into a stream with window 1000, a million; then read from the first"},
    {"stream-publish", "stream=true consumers=0 window=1000 " DURABLE, true,
     "1 KiB into a stream, nobody reads, window 1000"},
    {"stream-10-readers",
     "shape=backlog count=1000000 stream=true consumers=10 window=1000 ack=100 "
     "prefetch=1000 " DURABLE,
     false, "a million 1 KiB messages of a stream, read from the first by ten at once"},
    {"group-8",
     "stream=true group=true producers=8 consumers=8 queues=8 window=1000 ack=100 "
     "prefetch=1000 " DURABLE,
     false, "8 producers, a stream of 8 partitions, a group of 8 that reads it, window 1000"},
    {"replay",
     "shape=replay count=500000 exchange=fanout window=1000 ack=100 prefetch=1000 " DURABLE, false,
     "publishing 1 KiB, alone and while a queue gets the history of the exchange, window 1000"},
    {"fanout-10", "exchange=fanout queues=10 consumers=10", true, "1 KiB transient, 1 to 10"},
    {"fanout-100", "exchange=fanout queues=100 consumers=100 consumer-connections=20", true,
     "1 KiB transient, 1 to 100, on 20 connections"},
    {"topic-1000", "exchange=topic queues=10 consumers=10 bindings=1000", false,
     "1 KiB transient, topic exchange with 1,000 mixed bindings, 10 match"},
    {"latency-1000", "rate=1000", true, "1 KiB transient at 1,000 a second"},
    {"latency-10000", "rate=10000", true, "1 KiB transient at 10,000 a second"},
    {"latency-10000-persistent", DURABLE "rate=10000 window=10000 ack=10 prefetch=1000", true,
     "1 KiB persistent, durable queue, confirms, at 10,000 a second"},
    {"idle-connections", "shape=connections objects=1000", true,
     "1,000 connections with a channel each that do nothing"},
    {"connections-1", "shape=churn clients=1", true,
     "a connection with a channel opened and closed, one at a time"},
    {"connections-4", "shape=churn clients=4", true, "... four at a time"},
    {"idle-queues", "shape=queues objects=1000 durable=true", true,
     "1,000 durable queues declared one at a time, then left alone"},
    {"idle-streams", "shape=queues objects=1000 durable=true stream=true consumers=0", false,
     "1,000 streams declared one at a time, then left alone"},
    {"delayed-1m",
     "shape=backlog count=1000000 exchange=direct delay=60s patience=120s window=1000 " DURABLE,
     false, "a million persistent 1 KiB messages that are all due a minute later: memory, drain"},
    {"delayed-start",
     "shape=start count=1000000 exchange=direct delay=60s patience=120s window=1000 " DURABLE,
     false, "start of the broker: empty; with a million messages that wait, after kill -9"},
    {"start", "shape=start count=1000000 window=1000 " DURABLE, false,
     "start of the broker: empty; with a million persistent 1 KiB messages, after kill -9"},
    {"queued-1m", "shape=backlog count=1000000 window=1000 " DURABLE, false,
     "a million persistent 1 KiB messages in a durable queue: memory, disk, drain"},
};

/* What is ours alone, or only shows more of a row. */
static const char *const apart[] = {"stream-publish", "stream-10-readers", "group-8",      "replay",
                                    "idle-streams",   "delayed-1m",        "delayed-start"};

bool scenario_is_in_table(const struct scenario *s)
{
    for (size_t i = 0; i < ARRAY_SIZE(apart); i++)
        if (strcmp(s->name, apart[i]) == 0)
            return false;
    return true;
}

const struct scenario *scenario_at(size_t index)
{
    return index < ARRAY_SIZE(scenarios) ? &scenarios[index] : NULL;
}

const struct scenario *scenario_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(scenarios); i++) {
        if (strcmp(scenarios[i].name, name) == 0)
            return &scenarios[i];
    }
    return NULL;
}
