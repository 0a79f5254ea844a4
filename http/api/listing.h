/* Lists of any length: told in parts, filtered, and where somebody asks for it sorted and cut into
 * pages.
 *
 *     plain            next -> told, next -> told ...                 as the client reads
 *     sort, page       next -> kept (names, and what to sort by) ...  some a turn
 *                      smallest first -> found again -> told          as the client reads
 *
 * A plain list holds one part in memory. What is sorted or cut into pages holds names, together at
 * most LIST_KEPT_MAX; more: 503. What goes meanwhile is not told.
 *
 * Owner: one shard. */
#ifndef HTTP_API_LISTING_H
#define HTTP_API_LISTING_H

#include "broker/look.h"
#include "http/api/call.h"

enum { LIST_KEPT_MAX = 256 << 20, LIST_PAGE_SIZE = 100, LIST_PAGE_SIZE_MAX = 500 };

struct listing;
struct list_kept;
struct pattern;

/* A kind of things. */
struct list_kind {
    enum look_kind look; /* what is walked over, if `next` is NULL there is another walk */
    /* Goes on to the next one, which may be none of the list (is_skipped); false: that was all. */
    bool (*next)(struct listing *l);
    /* Finds the one of that virtual host, name and number again; NULL: these are
     * neither sorted nor cut into pages; who asks for that gets the plain list. */
    bool (*find)(struct listing *l, struct bytes vhost, struct bytes name, uint64_t id);
    /* Tells the one it is at, as an object. */
    void (*tell)(struct listing *l, struct tell *t);
    /* Begins and ends a walk of another kind; may be NULL. */
    void (*open)(struct listing *l);
    void (*close)(struct listing *l);
};

/* What was asked for. */
struct list_wish {
    struct bytes sort; /* a path; no data: as it comes */
    bool is_reverse;
    bool is_paged;
    uint64_t page;
    uint64_t page_size;
    struct bytes name; /* that names must have in them; no data: any */
    struct pattern *pattern;
};

/* The thing that a listing is at. */
union listing_thing {
    struct look_queue queue;
    struct look_exchange exchange;
    struct look_binding binding;
    struct look_vhost vhost;
    struct look_user user;
    struct look_permission permission;
    struct look_topic_permission topic_permission;
    struct {
        struct doors_connection connection;
        struct doors_channel channel;
    } client;
};

/* The walk over connections and their channels. */
struct listing_clients {
    uint64_t *ids;
    size_t count;
    size_t at;
    unsigned channel; /* told last, of the connection it is at */
};

/* What was kept to be sorted and cut into pages. */
struct listing_gathered {
    struct list_kept **heap;
    size_t count;
    size_t capacity;
    size_t bytes;
    uint64_t total;    /* that there are */
    uint64_t filtered; /* that fit */
    uint64_t before;   /* the page */
    uint64_t skipped;  /* of these, passed over */
    uint64_t left;     /* of the page */
    struct buf scratch;
    struct io_timer timer;
};

struct listing {
    struct api_call *call;
    const struct list_kind *kind;
    struct bytes only;   /* the virtual host; no data: all */
    struct bytes filter; /* of the kind: a user, a queue, a connection ... */
    struct list_wish wish;
    struct tell_columns columns;
    struct look look;
    /* The thing it is at. */
    struct bytes vhost;
    struct bytes name;
    uint64_t id;
    bool is_skipped;
    union listing_thing at;
    struct look_end end; /* of bindings of one thing */
    bool filter_is_exchange;
    struct listing_clients clients;
    struct listing_gathered gathered;
    uint64_t told;
    bool has_begun;
    bool is_sorted; /* or cut into pages: what is told was kept before */
};

/* Answers the call with the things of that kind: of one virtual host, or of all that the user may
 * see. */
void list_answer(struct api_call *c, const struct list_kind *kind, struct bytes vhost,
                 struct bytes filter);

/* The same for kinds that want to know more. */
struct list_ask {
    struct bytes vhost;
    struct bytes filter;
    struct look_end end;
    bool filter_is_exchange; /* the other end of bindings */
};
void list_answer_end(struct api_call *c, const struct list_kind *kind, const struct list_ask *ask);

/* The kinds; listing_kinds.c. */
extern const struct list_kind list_queues;
extern const struct list_kind list_streams; /* where they lie */
extern const struct list_kind list_exchanges;
extern const struct list_kind list_bindings;
extern const struct list_kind list_bindings_of; /* one end */
extern const struct list_kind list_vhosts;
extern const struct list_kind list_users;
extern const struct list_kind list_users_without_permissions;
extern const struct list_kind list_permissions;
extern const struct list_kind list_topic_permissions;
extern const struct list_kind list_consumers;
extern const struct list_kind list_connections;
extern const struct list_kind list_channels;

/* The columns that the query names. False: too many; answered. */
bool listing_columns(struct api_call *c, struct tell_columns *out);

#endif
