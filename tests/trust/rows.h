/* The queues that both simulated runs (topology.c) and loads of real brokers (load/places.c) have:
 * initialisers for a row of either table, whose members of these names mean the same. What a row
 * needs is an `enum feature` of its own table.
 *
 *     {ROW_QUORUM},
 *     {ROW_STREAM, .is_shared = true}, */
#ifndef TESTS_TRUST_ROWS_H
#define TESTS_TRUST_ROWS_H

#define ROW_TO_THE_DEAD "x-dead-letter-exchange= x-dead-letter-routing-key=d "

#define ROW_QUORUM                                                                                 \
    .name = "m", .arguments = "x-queue-type=quorum x-delivery-limit=-1", .needs = FEATURE_QUORUM,  \
    .counts = true, .is_fed = true

#define ROW_PRIORITY                                                                               \
    .name = "p", .arguments = "x-max-priority=5", .needs = FEATURE_PRIORITY, .priorities = 5,      \
    .is_fed = true

#define ROW_TTL                                                                                    \
    .name = "t", .arguments = ROW_TO_THE_DEAD "x-message-ttl=700", .needs = FEATURE_TTL,           \
    .dead = "d", .ttl = 700, .is_fed = true

#define ROW_SINGLE                                                                                 \
    .name = "a", .arguments = "x-single-active-consumer=true", .needs = FEATURE_SINGLE,            \
    .is_single = true, .is_fed = true

#define ROW_REJECT                                                                                 \
    .name = "x", .arguments = ROW_TO_THE_DEAD, .needs = FEATURE_REJECT, .dead = "d", .is_fed = true

#define ROW_STREAM                                                                                 \
    .name = "s", .arguments = "x-queue-type=stream", .needs = FEATURE_STREAM, .is_stream = true,   \
    .is_fed = true

#endif
