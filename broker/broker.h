/* The broker: where the names meet. Virtual hosts, users, exchanges, queues, and the partitions
 * that keep them.
 *
 *     visit (a client in a virtual host)
 *       |-- define.h    declare, delete, bind, unbind       the rules and the refusals
 *       |-- publish.h   exchange -> queues -> partition -> confirm
 *       |-- consume.h   queue -> consumer; get, purge
 *       '-- tx.h        publishes and acks that happen together
 *
 * Definitions are records in the log of partition 0 and take effect when they are appended; a
 * client is told when they are committed (broker_wait()).
 *
 * Nothing here knows frames or HTTP: front doors turn refusals into what their clients see.
 *
 * Owner: one shard. Callbacks come from the loop. */
#ifndef BROKER_BROKER_H
#define BROKER_BROKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "auth/auth.h"
#include "base/bytes.h"
#include "base/list.h"
#include "base/setting.h"
#include "broker/refusal.h"

struct io;
struct datadir;
struct log_options;
struct partition_options;
struct queues_options;
struct broker;
struct delivery;
struct stored;
struct visit;
struct vhost;

/* The RabbitMQ whose contract is kept: what tools are told who look for a version of it. */
#define BROKER_RABBITMQ_VERSION "4.1.4"

enum { BROKER_PARTITIONS_MAX = 16 };

/* The type of queues that name none. */
enum broker_queue_type { BROKER_CLASSIC, BROKER_QUORUM, BROKER_STREAM };

struct broker_options {
    char *default_user; /* made with the first start, as in RabbitMQ; guest, guest, / */
    char *default_pass;
    char *default_vhost;
    char *default_configure; /* default_permissions.configure, .write, .read */
    char *default_write;
    char *default_read;
    /* default_user_tags.<tag> */
    bool default_is_administrator;
    bool default_is_monitoring;
    bool default_is_management;
    bool default_is_policymaker;
    bool default_is_impersonator;
    bool has_events;             /* there is an exchange of events in the default virtual host */
    bool has_diag_exchange;      /* log.exchange: diagnostics become messages there */
    char *node_name;             /* as the firehose says it */
    int default_queue_type;      /* enum broker_queue_type */
    char *loopback_users;        /* a list with commas, or "none"; guest */
    bool guest_is_loopback_user; /* loopback_users.guest; false takes him off the list */
    int64_t queues_max;          /* per virtual host; 0: no limit */
    int64_t exchanges_max;       /* the same */
    int64_t vhosts_max;          /* of the node; 0: no limit */
    int64_t channels_max;        /* the same */
    uint64_t message_max_bytes;  /* max_message_size */
    uint64_t memory_high_bytes;  /* vm_memory_high_watermark.absolute; 0: .relative counts */
    double memory_high_share;    /* vm_memory_high_watermark.relative */
    uint64_t memory_total_bytes; /* total_memory_available_override_value; 0: what there is */
    uint64_t memory_max_bytes;   /* what these two come to: above it publishers are blocked; 0:
                                   never. Set by whoever knows the machine */
    uint64_t disk_low_bytes;     /* disk_free_limit.absolute */
    double disk_low_share;       /* disk_free_limit.relative, of the memory; 0: .absolute counts */
    uint64_t disk_min_bytes;     /* what these two come to: below it publishers are blocked. Set by
                                   whoever knows the machine */
    uint64_t tx_max_bytes;       /* what a transaction may hold */
};
extern const struct setting broker_settings[];

/* ---- open, close ---- */

struct broker_open {
    struct io *io;
    struct datadir *data;
    const char *data_dir;
    const struct broker_options *options;
    const struct partition_options *partition;
    const struct log_options *log;
    const struct queues_options *queues;
    unsigned partition_count; /* 0: one */
    bool is_unseeded;         /* somebody brings definitions: no default user and virtual host */
};

/* Opens the partitions and restores what they know; makes the default virtual host and user when
 * there is nothing yet. Blocks. */
MUST_USE int broker_open(const struct broker_open *o, struct broker **out, struct err_note *note);

/* Writes what is left, closes the partitions and then calls `closed` from the loop; frees the
 * broker. All visits must have ended. */
void broker_close(struct broker *b, void (*closed)(void *owner), void *owner);

/* ---- users and visits ---- */

struct auth *broker_auth(struct broker *b);

/* The user of a name and password, judged by where he comes from: users in loopback_users only from
 * a loopback address. Who keeps him beyond the call takes a reference (user_ref()). ERR_DENIED. */
MUST_USE int broker_log_in(struct broker *b, struct bytes name, struct bytes password,
                           bool is_loopback, struct user **out);
/* The same for somebody of whom it is known that the name is his, by a certificate. */
MUST_USE int broker_log_in_known(struct broker *b, struct bytes name, bool is_loopback,
                                 struct user **out);

/* What a visitor hears. Each may be NULL. Called from the loop. */
struct visit_calls {
    void *owner;
    /* Publishers are held back (the reason, as connection.blocked says it) or may go on (NULL).
     * A visitor that publishes stops reading while it lasts; consumers and acks go on. */
    void (*blocked)(void *owner, const char *reason);
    /* A publish that was answered with ERR_AGAIN may be tried again. */
    void (*resumed)(void *owner);
    /* The visit must end: the virtual host or the user is gone, or the broker stops. */
    void (*expelled)(void *owner, const struct refusal *why);
};

struct visit_spec {
    struct user *user; /* NULL: the house itself, which may do everything and has no limits */
    struct bytes vhost;
    struct visit_calls calls;
    struct bytes name; /* of the connection, as the firehose says it; is copied */
    bool is_brief; /* somebody who does one thing: neither limited nor counted as a connection */
};
/* Enters the virtual host. Refused with 530. */
MUST_USE int broker_visit(struct broker *b, const struct visit_spec *spec, struct visit **out,
                          struct refusal *refusal);

/* Ends the visit: exclusive queues are deleted. Consumers and publishers must have ended. */
void visit_end(struct visit *v);

struct broker *visit_broker(struct visit *v);
struct bytes visit_vhost_name(const struct visit *v);
struct user *visit_user(const struct visit *v);

/* Channels are counted for the limits of users. Refused with 530. */
MUST_USE int visit_open_channel(struct visit *v, struct refusal *refusal);
void visit_close_channel(struct visit *v);
/* So many bytes came from the visitor, and went to it. */
void visit_count_bytes(struct visit *v, uint64_t received, uint64_t sent);

/* Whoever hands a message to a client says so: it may be traced. */
void visit_trace_delivered(struct visit *v, unsigned channel, const struct delivery *d,
                           const struct stored *stored);
bool visit_is_traced(const struct visit *v);

/* Why publishers are held back now, or NULL. */
const char *visit_blocked(const struct visit *v);

/* ---- waiting for definitions ---- */

/* Lies in its owner's struct. */
struct broker_waiter {
    struct list_link link;
    uint64_t position;
    /* `err` is 0, or ERR_FAILED: what was defined is not safe. From the loop. */
    void (*done)(struct broker_waiter *w, int err);
};

/* Calls w->done when every definition made so far is committed. Returns false, and does not call,
 * when all of it is committed already. */
MUST_USE bool broker_wait(struct broker *b, struct broker_waiter *w);
void broker_wait_cancel(struct broker_waiter *w);

/* Memory and disk are looked at from now on; without this, while there are visits. */
void broker_watch_shortages(struct broker *b);

/* ---- look ---- */

struct broker_stats {
    uint64_t visits;
    uint64_t exchanges;
    uint64_t queues;
    uint64_t bindings;
    uint64_t consumers;
    uint64_t memory_bytes;
    uint64_t disk_free_bytes;
    bool is_memory_short;
    bool is_disk_short;
};
void broker_get_stats(struct broker *b, struct broker_stats *out);
uint64_t broker_message_max(const struct broker *b);
struct io *broker_io(struct broker *b);

void broker_check(struct broker *b);

#endif
