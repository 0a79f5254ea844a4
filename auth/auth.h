/* Who somebody is, and what he may do.
 *
 *     user --password hash--> may he log in
 *          --tags-----------> administrator, monitoring, policymaker, management, impersonator
 *          --permissions----> per virtual host: configure, write, read patterns
 *          --topic permissions, per virtual host and exchange: write, read patterns of routing keys
 *
 * Hashes and patterns are RabbitMQ's: base64(salt[4] + H(salt + password)), regular expressions
 * that match anywhere in a name ('' matches only ''). Patterns are PCRE2 with limits, so a bad one
 * costs a bounded time and then matches nothing. Answers are remembered per user, so the usual
 * question costs a lookup.
 *
 * Pure state: nothing here is stored; the broker keeps users as definitions and makes the same
 * calls again at the start. Owner: one shard each. */
#ifndef AUTH_AUTH_H
#define AUTH_AUTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/check.h"
#include "base/err.h"

struct auth;
struct names_entry;
struct user;

enum { AUTH_TAGS_MAX = 16, AUTH_HASH_MAX = 128, AUTH_PATTERN_MAX = 4096 };

enum auth_hash { AUTH_HASH_SHA256, AUTH_HASH_SHA512, AUTH_HASH_MD5 };

enum auth_action { AUTH_CONFIGURE, AUTH_WRITE, AUTH_READ };

struct auth *auth_new(uint64_t seed);
void auth_free(struct auth *a);

/* ---- users ---- */

struct user_spec {
    struct bytes name;
    struct bytes password_hash; /* base64, as RabbitMQ exports it; no data: no login by password */
    enum auth_hash hashing;
    const struct bytes *tags;
    size_t tag_count;
};

/* Makes the user, or gives him another hash and other tags. ERR_INVALID with a note. */
MUST_USE int auth_put_user(struct auth *a, const struct user_spec *spec, struct err_note *note);
/* Permissions go with him; he may do nothing any more, and nobody finds him. ERR_NOT_FOUND. */
MUST_USE int auth_delete_user(struct auth *a, struct bytes name);
struct user *auth_find_user(struct auth *a, struct bytes name);
struct bytes user_name(const struct user *u);
bool user_has_tag(const struct user *u, const char *tag);
struct user_spec user_spec(const struct user *u);
struct user *auth_next_user(struct auth *a, const struct user *u);
size_t auth_user_count(const struct auth *a);

/* Who holds a user beyond a call keeps him in memory by a reference, though he be deleted. */
struct user *user_ref(struct user *u);
/* NULL is allowed. */
void user_unref(struct user *u);
bool user_is_deleted(const struct user *u);

/* The hash of a password with a salt of four bytes, in base64; `out` has AUTH_HASH_MAX bytes. */
void auth_hash_password(enum auth_hash hashing, struct bytes password, const uint8_t salt[4],
                        char *out);

/* ---- log in ---- */

/* The user when the password is his. Takes the same time whether there is such a user or not.
 * ERR_DENIED. */
MUST_USE int auth_check_password(struct auth *a, struct bytes name, struct bytes password,
                                 struct user **out);

/* What a SASL response says. The views borrow from it. ERR_INVALID: malformed. */
struct sasl_login {
    struct bytes name;
    struct bytes password;
};
MUST_USE int sasl_plain_read(struct bytes response, struct sasl_login *out);
/* AMQPLAIN: a field table without its size, with LOGIN and PASSWORD. */
MUST_USE int sasl_amqplain_read(struct bytes response, struct sasl_login *out);

/* ---- permissions ---- */

struct permission {
    struct bytes configure;
    struct bytes write;
    struct bytes read;
};
/* ERR_INVALID: a pattern is not valid or too large; the note says which and why. */
MUST_USE int auth_put_permission(struct auth *a, struct user *u, struct bytes vhost,
                                 const struct permission *p, struct err_note *note);
MUST_USE int auth_delete_permission(struct auth *a, struct user *u, struct bytes vhost);
bool auth_find_permission(struct auth *a, const struct user *u, struct bytes vhost,
                          struct permission *out);

/* A walk over the virtual hosts in which he has a permission or a topic permission; starts and ends
 * with NULL. */
const struct names_entry *user_next_grant(const struct user *u, const struct names_entry *at);
/* The permission there. False: he has none. */
bool grant_permission(const struct names_entry *at, struct permission *out);

/* For the routing keys of one topic exchange. */
struct topic_permission {
    struct bytes vhost;
    struct bytes exchange;
    struct bytes write;
    struct bytes read;
};
MUST_USE int auth_put_topic_permission(struct auth *a, struct user *u,
                                       const struct topic_permission *p, struct err_note *note);
MUST_USE int auth_delete_topic_permission(struct auth *a, struct user *u, struct bytes vhost,
                                          struct bytes exchange);

/* A walk over the topic permissions in that virtual host; as above. */
const struct names_entry *grant_next_topic(const struct names_entry *grant,
                                           const struct names_entry *at);
void grant_topic(const struct names_entry *grant, const struct names_entry *at,
                 struct topic_permission *out);

/* Whether he may enter the virtual host at all. */
bool auth_may_enter(struct auth *a, struct user *u, struct bytes vhost);
/* Whether he may do that with the resource of that name ("amq.default": the default exchange). */
bool auth_may(struct auth *a, struct user *u, struct bytes vhost, struct bytes resource,
              enum auth_action action);
/* Whether he may write (publish) or read (bind) that routing key of a topic exchange. */
struct topic_question {
    struct bytes vhost;
    struct bytes exchange;
    struct bytes routing_key;
    enum auth_action action;
};
bool auth_may_topic(struct auth *a, struct user *u, const struct topic_question *q);
/* Rises with every change: who remembers an answer remembers this with it. */
uint64_t auth_version(const struct auth *a);

#endif
