/* What administrators do: users, permissions, virtual hosts, limits.
 *
 * Calls take effect at once; the caller waits (broker_wait()) before he says so. Errors come with a
 * note for the person who asked: ERR_INVALID, ERR_NOT_FOUND, ERR_EXISTS, ERR_DENIED (a virtual host
 * that is protected), ERR_FULL. Whether he may ask is the caller's to know.
 *
 * Visits of a user or a virtual host that is deleted are expelled: visit_calls.expelled.
 *
 * Owner: one shard. */
#ifndef BROKER_ADMIN_H
#define BROKER_ADMIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "auth/auth.h"
#include "base/bytes.h"
#include "base/check.h"
#include "base/err.h"

struct broker;

/* ---- users ---- */

struct admin_user {
    struct bytes name;
    bool has_password; /* it is hashed here; else the hash counts */
    struct bytes password;
    struct bytes password_hash; /* base64; no bytes: no login by password */
    enum auth_hash hashing;
    const struct bytes *tags;
    size_t tag_count;
};
/* Makes him, or changes password and tags of the one that is there. */
MUST_USE int admin_put_user(struct broker *b, const struct admin_user *u, struct err_note *note);
MUST_USE int admin_set_tags(struct broker *b, struct bytes user, const struct bytes *tags,
                            size_t tag_count, struct err_note *note);
MUST_USE int admin_set_password(struct broker *b, struct bytes user, struct bytes password,
                                struct err_note *note);
/* No login by password any more. */
MUST_USE int admin_clear_password(struct broker *b, struct bytes user, struct err_note *note);
/* His permissions and limits go with him, and his visits end. */
MUST_USE int admin_delete_user(struct broker *b, struct bytes user, struct err_note *note);

/* "rabbit_password_hashing_sha256" and so on. False: there is no such. */
bool admin_hashing_find(struct bytes name, enum auth_hash *out);
const char *admin_hashing_name(enum auth_hash hashing);

/* ---- permissions ---- */

MUST_USE int admin_put_permission(struct broker *b, struct bytes user, struct bytes vhost,
                                  const struct permission *p, struct err_note *note);
/* What is not there is no error, here and below: RabbitMQ has none for it either. */
MUST_USE int admin_clear_permission(struct broker *b, struct bytes user, struct bytes vhost,
                                    struct err_note *note);
MUST_USE int admin_put_topic_permission(struct broker *b, struct bytes user,
                                        const struct topic_permission *p, struct err_note *note);
/* `exchange` without data: of all exchanges of that virtual host. */
MUST_USE int admin_clear_topic_permission(struct broker *b, struct bytes user, struct bytes vhost,
                                          struct bytes exchange, struct err_note *note);

/* ---- virtual hosts ---- */

struct admin_vhost {
    struct bytes name;
    struct bytes description;
    struct bytes tags;               /* with commas between them */
    struct bytes default_queue_type; /* "", "undefined": that of the node */
    bool is_tracing;
    bool is_protected;
};
/* Makes it, or gives it these. */
MUST_USE int admin_put_vhost(struct broker *b, const struct admin_vhost *v, struct err_note *note);
/* All that is in it goes too, and who is in it is expelled. ERR_DENIED: it is protected. */
MUST_USE int admin_delete_vhost(struct broker *b, struct bytes name, struct err_note *note);

/* ---- limits ---- */

/* "max-connections", "max-queues". A negative value is no limit; ADMIN_UNSET takes it back. */
#define ADMIN_UNSET INT64_MIN
MUST_USE int admin_set_vhost_limit(struct broker *b, struct bytes vhost, struct bytes limit,
                                   int64_t value, struct err_note *note);
/* "max-connections", "max-channels". */
MUST_USE int admin_set_user_limit(struct broker *b, struct bytes user, struct bytes limit,
                                  int64_t value, struct err_note *note);

#endif
