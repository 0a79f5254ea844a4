/* Virtual hosts, users and their permissions, with their definitions.
 *
 * Owner: the shard of the broker. */
#ifndef BROKER_ACCOUNTS_H
#define BROKER_ACCOUNTS_H

#include "auth/auth.h"
#include "base/bytes.h"
#include "base/check.h"
#include "base/err.h"

struct broker;
struct vhost;

/* Makes a virtual host whose name is free. */
struct vhost *account_put_vhost(struct broker *b, struct bytes name);

/* As auth.h says, and kept. ERR_NOT_FOUND: there is no such user. */
MUST_USE int account_put_user(struct broker *b, const struct user_spec *spec,
                              struct err_note *note);
MUST_USE int account_put_permission(struct broker *b, struct bytes user, struct bytes vhost,
                                    const struct permission *p, struct err_note *note);
MUST_USE int account_put_topic_permission(struct broker *b, struct bytes user,
                                          const struct topic_permission *p, struct err_note *note);

/* All that he may do in a virtual host, topic permissions too, is taken from him. */
void account_clear(struct broker *b, struct user *u, struct bytes vhost);
/* Ends his consumers there of queues that he may not read any more. */
void account_expel_readers(struct broker *b, struct user *u, struct bytes vhost);

#endif
