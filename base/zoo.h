/* The zoo: deliberate faults, one at a time, to see that the tests find them.
 *
 *     rv = ZOO(SYNC_SKIPPED) ? 0 : disk_sync(f);
 *
 * Only a build with the option MILLRACE_ZOO has them, which no release has: in all others ZOO() is
 * false, and the compiler leaves nothing of it. The environment variable MILLRACE_ZOO names the
 * one that is loose; `scripts/trust zoo` lets out one after the other. */
#ifndef BASE_ZOO_H
#define BASE_ZOO_H

#include <stdbool.h>

/* X(name, what is wrong) */
#define ZOO_LIST(X)                                                                                \
    X(SYNC_SKIPPED, "a commit is written and not synced")                                          \
    X(SYNC_RETRIED, "a failed sync is tried again, and then believed")                             \
    X(WRITE_ERROR_IGNORED, "a failed write is taken for a good one")                               \
    X(CONFIRM_EARLY, "what is appended is confirmed with the commit before it")                    \
    X(CONFIRM_AFTER_FAILURE, "what a failed log never had is confirmed")                           \
    X(BATCH_TIME_EARLY, "a batch has the time at which it began")                                  \
    X(WATERMARK_AHEAD, "the watermark promises what is not synced yet")                            \
    X(TAIL_NOT_SETTLED, "recovery trusts what may be in the cache only")                           \
    X(WOUND_CUT, "damage below the watermark is cut off like a torn tail")                         \
    X(LAST_WORDS_CUT, "the end for which files went is cut off like a torn tail")                  \
    X(CHECKSUM_IGNORED, "a batch is believed, whatever its checksum says")                         \
    X(CHAIN_IGNORED, "a batch follows whatever was before it")                                     \
    X(SMALL_BATCH_TORN, "recovery takes a last batch of one record for torn")                      \
    X(ACK_NOT_LOGGED, "acks are known in memory only")                                             \
    X(ACK_TOO_WIDE, "the record of an ack takes the next message with it")                         \
    X(MULTIPLE_TOO_FAR, "a multiple ack takes one message more")                                   \
    X(REJECTED_FORGOTTEN, "a rejected message is no dead letter")                                  \
    X(REQUEUE_SETTLES, "what a client gives back is gone")                                         \
    X(REQUEUE_TO_TAIL, "what comes back waits behind everything else")                             \
    X(UNSETTLED_LOST, "what a lost connection held is gone")                                       \
    X(COUNTS_NOT_LOGGED, "delivery counts are known in memory only")                               \
    X(MARK_FORGOTTEN, "nothing is marked as redelivered")                                          \
    X(MARK_ALWAYS, "everything is marked as redelivered")                                          \
    X(SINGLE_IGNORED, "every consumer of a single active consumer's queue is served")              \
    X(WALL_CLOCK_EXPIRY, "messages expire by a clock that jumps")                                  \
    X(EXPIRES_EARLY, "messages expire 50 ms before their time")                                    \
    X(DROP_HEAD_SILENT, "what is over the length is no dead letter")                               \
    X(DELAY_FORGOTTEN, "a delayed message is due at once")                                         \
    X(LAST_TARGET_DROPPED, "of several queues the last one gets nothing")                          \
    X(PERSISTENT_IN_MEMORY, "persistent messages stay out of the log")                             \
    X(BODY_ALTERED, "a bit of a body is turned")                                                   \
    X(OFFSET_SHIFTED, "offsets of a stream begin with 1")                                          \
    X(STREAM_SKIPS, "a reader of a stream misses some")                                            \
    X(SEAM_GAP, "a replay goes live one message too early")                                        \
    X(REPLAYED_TWICE, "a replay brings each message twice")                                        \
    X(DEFINITION_NOT_WAITED, "a declaration is answered before it is safe")                        \
    X(PUBLISHERS_NOT_RESUMED, "who waited for room waits for ever")                                \
    X(ROLLBACK_PUBLISHES, "what was rolled back is part of the next transaction")                  \
    X(SILENCE_IGNORED, "a client without heartbeats is waited for")                                \
    X(OWNER_NOT_ALONE, "a partition changes hands while its owner still holds some of it")         \
    X(OFFSET_AHEAD, "the offset of a group runs ahead of its acks")                                \
    X(GIVEN_BACK_FORGOTTEN, "a group does not get again what a member gave back")                  \
    X(FILTER_TOO_WIDE, "a filter looks at the first byte only")                                    \
    X(FILTER_TOO_NARROW, "a filter keeps back what has no label, wanted or not")                   \
    X(LATEST_DROPPED, "compaction drops the latest message of a key too")                          \
    X(NUMBERS_FORGOTTEN, "a start forgets which numbers publishers have used")                     \
    X(RETENTION_EARLY, "retention begins at a quarter of its limit")                               \
    X(KEY_IGNORED, "a message goes to the partition of another key")                               \
    X(RETURN_MISSING, "what goes nowhere does not come back")                                      \
    X(ALTERNATE_IGNORED, "an alternate exchange gets nothing")                                     \
    X(EXCLUSIVE_STAYS, "an exclusive queue is nobody's and outlives its connection")               \
    X(PURGE_NOT_LOGGED, "a purge is known in memory only")                                         \
    X(PRIORITY_IGNORED, "consumers take turns, whatever their priorities")

enum zoo_bug {
#define X(name, what) ZOO_##name,
    ZOO_LIST(X)
#undef X
};

/* Whether this one is loose. */
bool zoo_is_loose(enum zoo_bug bug);

#ifdef MILLRACE_ZOO
#define ZOO(name) zoo_is_loose(ZOO_##name)
#else
#define ZOO(name) false
#endif

#endif
