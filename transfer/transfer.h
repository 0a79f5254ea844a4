/* Definitions as RabbitMQ's JSON: out of the broker, and into it.
 *
 *     transfer_export_new() --transfer_export_next()--> text, piece by piece
 *     JSON --transfer_import()--> checked as a whole --> applied, some a turn --> safe --> done()
 *
 * A file is of a cluster (users, virtual hosts, permissions, parameters, and what is in all virtual
 * hosts) or of one virtual host (what is in it, without the field "vhost").
 *
 * An import merges, as RabbitMQ's does: users, virtual hosts, permissions, policies and parameters
 * are replaced; queues and exchanges that are there stay what they are; nothing is deleted. What is
 * wrong with a document is found before anything of it is applied, but for what only the broker can
 * refuse.
 *
 * Owner: one shard. */
#ifndef TRANSFER_TRANSFER_H
#define TRANSFER_TRANSFER_H

#include <jansson.h>
#include <stdbool.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "base/check.h"
#include "base/err.h"

struct broker;

/* ---- export ---- */

struct transfer_export;

struct transfer_export_open {
    struct broker *broker;
    struct bytes vhost;         /* must be there; no data: the cluster */
    const char *rabbit_version; /* that whose contract is kept; these are borrowed */
    const char *product_version;
    const char *cluster_name; /* when no global parameter says it */
};
struct transfer_export *transfer_export_new(const struct transfer_export_open *o);
/* Adds text to `out` until that has more than `size` bytes, or all is told. False: all was told
 * before, nothing was added. What changes between the calls may be told or not. */
bool transfer_export_next(struct transfer_export *e, struct buf *out, size_t size);
/* At any time. NULL is allowed. */
void transfer_export_free(struct transfer_export *e);

/* ---- import ---- */

struct transfer_import;

struct transfer_import_open {
    struct broker *broker;
    const json_t *document; /* borrowed until done() */
    struct bytes vhost;     /* that it is for; no data: a document of a cluster */
    void *owner;
    /* From the loop: all of it is safe (0), or why not; the import is freed by then. ERR_FAILED: it
     * could not be stored; else the document is at fault. */
    void (*done)(void *owner, int err, const struct err_note *note);
};
struct transfer_import *transfer_import(const struct transfer_import_open *o);
/* It ends where it is; done() is not called. Not after it was. */
void transfer_import_cancel(struct transfer_import *im);

#endif
