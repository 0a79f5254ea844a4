/* What the keys and bodies of definitions mean (broker/definitions.h).
 *
 * A text is its size and its bytes; the size has one byte in short texts (s), two in patterns (p).
 * Arguments are a field table without its size, up to the end.
 *
 *     kind              key                                     body
 *     VHOST             name                                    id u64, and perhaps: flags u8,
 *                                                               description p, tags p, type s
 *     USER              name                                    hashing u8, hash s, tags u8,
 *                                                               tag s ...
 *     PERMISSION        user s, virtual host s                  configure p, write p, read p
 *     TOPIC_PERMISSION  user s, virtual host s, exchange s      write p, read p
 *     EXCHANGE          virtual host u64, name s                id u64, flags u8, type s, arguments
 *     QUEUE             id u64                                  virtual host u64, partition u32,
 *                                                               flags u8, with SPREAD: homes u32,
 *                                                               name s, arguments
 *     BINDING           virtual host u64, source u64, name s,   nothing
 *                       to exchange u8, destination u64, name s,
 *                       routing key s, arguments
 *     VHOST_LIMIT       virtual host s, limit s                 value i64
 *     USER_LIMIT        user s, limit s                         value i64
 *     POLICY            virtual host s, name s                  apply-to u8, priority i64,
 *     OPERATOR_POLICY                                           pattern p, definition: arguments
 *     GLOBAL_PARAMETER  name s                                  JSON
 *     REPLAY            id u64                                  virtual host u64, queue u64,
 *                                                               exchange u64, how u8, until in
 *                                                               ms i64, exchange s, routing key s,
 *                                                               parts u16, of each: start u8,
 *                                                               value i64, end u64; arguments
 *
 * How: 1 a one-off copy, 2 its binding is live (broker/replay.h).
 * Flags: 1 auto-delete, 2 internal, 4 a queue in which the messages of the delayed exchange with
 * the same id wait, and whose name is the exchange's, 8 SPREAD: a stream with x-partitions N. Its
 * partitions have no terms of their own: their ids are the N behind its own, and they lie on the
 * homes behind its own, around and around over as many as there were then. 16 a queue that knows
 * what came to the exchange with the id before its own. Of a virtual host: 1 tracing, 2 protected
 * from deletion. The ids in a binding are those of its ends, and 0 for what is there without being
 * declared (amq.direct ...). So a binding of something that is gone fits nothing that is there,
 * even if it has the same name.
 *
 * Plain values that borrow. Encoding adds to the buffers; decoding returns false for bytes that
 * are no such term. */
#ifndef BROKER_TERMS_H
#define BROKER_TERMS_H

#include <stdbool.h>
#include <stdint.h>

#include "auth/auth.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "msg/table.h"

struct definition;

/* Where terms are written. */
struct term_buffers {
    struct buf key;
    struct buf body;
};
void term_buffers_init(struct term_buffers *b);
void term_buffers_release(struct term_buffers *b);

enum {
    TERM_AUTO_DELETE = 1,
    TERM_INTERNAL = 2,
    TERM_HOLDER = 4,
    TERM_SPREAD = 8,
    TERM_CACHE = 16,
    TERM_PARTS_MAX = 1024,         /* partitions of a stream */
    TERM_ARGUMENTS_MAX = 60 << 10, /* so that the key of a binding is a key of a record */
};

struct vhost_term {
    struct bytes name;
    uint64_t id;
    bool is_tracing;
    bool is_protected;
    struct bytes description;
    struct bytes tags; /* with commas between them */
    struct bytes default_queue_type;
};
void vhost_term_encode(const struct vhost_term *t, struct term_buffers *out);
bool vhost_term_decode(const struct definition *d, struct vhost_term *out);

struct user_term {
    struct bytes name;
    enum auth_hash hashing;
    struct bytes hash;
    struct bytes tags[AUTH_TAGS_MAX];
    size_t tag_count;
};
void user_term_encode(const struct user_term *t, struct term_buffers *out);
bool user_term_decode(const struct definition *d, struct user_term *out);

struct permission_term {
    struct bytes user;
    struct bytes vhost;
    struct permission permission;
};
void permission_term_encode(const struct permission_term *t, struct term_buffers *out);
bool permission_term_decode(const struct definition *d, struct permission_term *out);

struct topic_permission_term {
    struct bytes user;
    struct topic_permission permission;
};
void topic_permission_term_encode(const struct topic_permission_term *t, struct term_buffers *out);
bool topic_permission_term_decode(const struct definition *d, struct topic_permission_term *out);

struct exchange_term {
    uint64_t vhost;
    struct bytes name;
    uint64_t id;
    uint8_t flags;
    struct bytes type;
    struct table arguments;
};
void exchange_term_encode(const struct exchange_term *t, struct term_buffers *out);
bool exchange_term_decode(const struct definition *d, struct exchange_term *out);

struct queue_term {
    uint64_t id;
    uint64_t vhost;
    uint32_t partition;
    uint8_t flags;
    uint32_t homes; /* with TERM_SPREAD */
    struct bytes name;
    struct table arguments;
};
void queue_term_encode(const struct queue_term *t, struct term_buffers *out);
bool queue_term_decode(const struct definition *d, struct queue_term *out);

struct binding_term {
    uint64_t vhost;
    uint64_t source;
    struct bytes source_name;
    bool is_to_exchange;
    uint64_t destination;
    struct bytes destination_name;
    struct bytes routing_key;
    struct table arguments;
};
void binding_term_encode(const struct binding_term *t, struct term_buffers *out);
bool binding_term_decode(const struct definition *d, struct binding_term *out);

/* Of a virtual host or a user. */
struct limit_term {
    struct bytes owner;
    struct bytes limit;
    int64_t value;
};
void limit_term_encode(const struct limit_term *t, struct term_buffers *out);
bool limit_term_decode(const struct definition *d, struct limit_term *out);

struct policy_term {
    struct bytes vhost;
    struct bytes name;
    uint8_t apply_to; /* enum policy_target, policy/policy.h */
    int64_t priority;
    struct bytes pattern;
    struct table definition;
};
void policy_term_encode(const struct policy_term *t, struct term_buffers *out);
bool policy_term_decode(const struct definition *d, struct policy_term *out);

struct global_term {
    struct bytes name;
    struct bytes value; /* JSON */
};
void global_term_encode(const struct global_term *t, struct term_buffers *out);
bool global_term_decode(const struct definition *d, struct global_term *out);

/* A stream of a log, as a replay reads it: from `kind` and `value` of struct stream_start on. */
struct replay_term_part {
    uint8_t kind;
    int64_t value;
    uint64_t end; /* UINT64_MAX: none */
};
struct replay_term {
    uint64_t id;
    uint64_t vhost;
    uint64_t queue;
    uint64_t exchange;
    bool is_one_off;
    bool is_bound; /* its binding is live already */
    int64_t until_ms;
    struct bytes source;
    struct bytes routing_key;
    size_t part_count;
    struct replay_term_part parts[TERM_PARTS_MAX];
    struct table arguments;
};
void replay_term_encode(const struct replay_term *t, struct term_buffers *out);
void replay_term_encode_key(uint64_t id, struct term_buffers *out);
bool replay_term_decode(const struct definition *d, struct replay_term *out);

#endif
