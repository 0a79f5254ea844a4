/* The structs behind auth.h, shared by the files of this room and by nobody else.
 *
 *     auth --users--> user --grants, by virtual host--> grant: three patterns, answers
 *                                                        '-- topics, by exchange--> two patterns */
#ifndef AUTH_PARTS_H
#define AUTH_PARTS_H

#include "auth/answers.h"
#include "auth/auth.h"
#include "auth/pattern.h"
#include "base/list.h"
#include "base/names.h"

enum { AUTH_ACTIONS = 3 };

/* What a user may do in one virtual host; it is there with a permission or with a topic permission
 * alone. */
struct grant {
    bool has_permission;
    struct pattern *patterns[AUTH_ACTIONS]; /* by enum auth_action */
    struct answers answers;
    struct names topics; /* struct topic_grant by exchange */
};

struct topic_grant {
    struct pattern *patterns[AUTH_ACTIONS]; /* that of AUTH_CONFIGURE is NULL */
    struct answers answers;
};

struct user {
    struct list_link link;
    struct auth *auth;
    struct bytes name; /* of the entry in auth->users; his own when he is deleted */
    size_t refs;       /* the one of auth->users included */
    bool is_deleted;
    enum auth_hash hashing;
    char hash[AUTH_HASH_MAX]; /* "": no login by password */
    char *tags[AUTH_TAGS_MAX];
    struct bytes tag_views[AUTH_TAGS_MAX];
    size_t tag_count;
    struct names grants; /* by virtual host */
};

struct auth {
    struct names users;
    struct list order;
    uint64_t seed;
    uint64_t version;
};

/* Frees all permissions of a user. */
void grants_release(struct user *u);

#endif
