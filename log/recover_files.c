/* Cold lanes as the manifest names them, and what is left over of files from before. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "log/checkpoint.h"
#include "log/keeper.h"
#include "log/recovery.h"

enum { NAME_SIZE = 64, SPARES_AT_ONCE = 2 };

static bool numbers_hold(const struct listing_numbers *n, uint64_t value)
{
    size_t low = 0, high = n->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (n->items[middle] < value)
            low = middle + 1;
        else
            high = middle;
    }
    return low < n->count && n->items[low] == value;
}

/* ---- Lanes ---- */

static struct segment *cold_from_entry(const struct manifest_entry *e)
{
    struct segment *g = segment_new(SEGMENT_COLD, e->id, e->first);

    g->destination = e->destination;
    g->end = e->end;
    g->written = e->end;
    g->records = e->records;
    g->live = e->live;
    g->bytes = e->bytes;
    g->file_bytes = e->file_bytes;
    g->first_time_ms = e->first_time_ms;
    g->last_time_ms = e->last_time_ms;
    g->chain_end = e->chain_end;
    g->is_sealed = true;
    g->needs_survey = e->destination == COLD_SHARED;
    return g;
}

int recover_lanes(struct recovery *r)
{
    const struct listing_numbers *cold = &r->listing.cold;
    const struct listing_numbers *spare = &r->listing.spare;

    r->spares->next_id = spare->count > 0 ? spare->items[spare->count - 1] + 1 : 1;
    r->cold->next_id = r->manifest.next_id;
    if (cold->count > 0 && cold->items[cold->count - 1] >= r->cold->next_id)
        r->cold->next_id = cold->items[cold->count - 1] + 1;
    for (size_t i = 0; i < r->manifest.count; i++) {
        struct segment *g = cold_from_entry(&r->manifest.entries[i]);

        if (!numbers_hold(cold, g->id)) {
            g->is_wounded = true;
            diag(DIAG_ERROR, "log",
                 "'%s' is missing: records %" PRIu64 " to %" PRIu64 " of lane %" PRIu64
                 " cannot be read; put the file back from a backup",
                 segment_path(r->site, g).text, g->first, g->end - 1, g->destination);
        }
        if (cold_add(r->cold, g) != 0) {
            segment_free(g);
            return err_note(r->note, ERR_CORRUPT, "'%s/manifest' names overlapping files",
                            r->site->dir);
        }
    }
    return 0;
}

static bool is_named(const struct manifest *m, uint64_t id)
{
    for (size_t i = 0; i < m->count; i++) {
        if (m->entries[i].id == id)
            return true;
    }
    return false;
}

/* ---- Leftovers ---- */

/* What goes wrong with a leftover is told and left for the next opening. */
static void tell(const char *what, const char *path, int rv)
{
    if (rv != 0 && rv != ERR_NOT_FOUND)
        diag(DIAG_WARNING, "log", "cannot %s '%s': %s", what, path, err_text(rv));
}

static void discard(struct recovery *r, const char *name)
{
    struct site_path path = site_path(r->site, "%s", name);

    tell("remove", path.text, disk_remove(r->site->disk, path.text));
}

/* Puts a file where it is in nobody's way: "trash" for a while, "wounded" for good. */
static void move_to(struct recovery *r, const char *name, const char *where)
{
    struct site_path from = site_path(r->site, "%s", name);
    struct site_path to =
        site_path(r->site, "%s/%016" PRIx64 "-%s", where, (uint64_t)io_wall_ms(r->site->io), name);

    tell("move away", from.text, disk_rename(r->site->disk, from.text, to.text));
}

/* A file that held a segment, or a spare, becomes a spare as long as one is wanted. */
static void to_spare(struct recovery *r, const char *name, uint64_t id_if_spare)
{
    struct site_path from = site_path(r->site, "%s", name);
    struct disk_file *f = NULL;
    struct site_path to;
    uint64_t size = 0, id = id_if_spare;
    int rv = disk_open(r->site->disk, from.text, DISK_READ, &f);

    if (rv == 0) {
        rv = disk_size(f, &size);
        disk_close(f);
    }
    if (rv != 0 || size != r->site->options.segment_bytes || !spares_are_welcome(r->spares)) {
        discard(r, name);
        return;
    }
    if (id == 0) {
        id = r->spares->next_id++;
        to = spares_path(r->site, id);
        rv = disk_rename(r->site->disk, from.text, to.text);
        tell("recycle", from.text, rv);
    }
    if (rv == 0)
        r->spares->ready[r->spares->count++] = id;
}

static void sort_out_cold(struct recovery *r)
{
    char name[NAME_SIZE];

    for (size_t i = 0; i < r->listing.cold.count; i++) {
        uint64_t id = r->listing.cold.items[i];

        if (is_named(&r->manifest, id))
            continue;
        (void)snprintf(name, sizeof(name), "cold-%016" PRIx64 ".seg", id);
        if (manifest_has_wound(&r->manifest, SEGMENT_COLD, id))
            keeper_adopt(r->keeper, segment_new(SEGMENT_COLD, id, 0));
        else if (id >= r->manifest.next_id)
            move_to(r, name, "trash"); /* nothing knows this file */
        else
            discard(r, name);
    }
}

static void sort_out_hot(struct recovery *r)
{
    char name[NAME_SIZE];

    for (size_t i = 0; i < r->listing.spare.count; i++) {
        (void)snprintf(name, sizeof(name), "spare-%016" PRIx64 ".seg", r->listing.spare.items[i]);
        to_spare(r, name, r->listing.spare.items[i]);
    }
    for (size_t i = 0; i < r->listing.hot.count; i++) {
        uint64_t first = r->listing.hot.items[i];

        if (first >= r->manifest.hot_first)
            break;
        (void)snprintf(name, sizeof(name), "hot-%016" PRIx64 ".seg", first);
        if (manifest_has_wound(&r->manifest, SEGMENT_HOT, first))
            keeper_adopt(r->keeper, segment_new(SEGMENT_HOT, first, first));
        else
            to_spare(r, name, 0);
    }
}

/* Of the checkpoints two are kept. A damaged one is kept for a person to look at; one that is newer
 * than the log would be taken for good once the log has grown beyond it. */
static void sort_out_checkpoints(struct recovery *r)
{
    const struct listing_numbers *c = &r->listing.checkpoint;
    char name[NAME_SIZE];

    for (size_t i = 0; i < c->count; i++) {
        uint64_t position = c->items[i];
        uint8_t *state = NULL;
        size_t size = 0;
        int rv;

        if (position == r->out->checkpoints[0] || position == r->out->checkpoints[1])
            continue;
        (void)snprintf(name, sizeof(name), "checkpoint-%016" PRIx64, position);
        rv = checkpoint_read(r->site, position, &state, &size);
        mem_free(state);
        if (rv == ERR_CORRUPT)
            move_to(r, name, "wounded");
        else if (rv == 0 && position > r->hot->next)
            move_to(r, name, "trash");
        else if (rv == 0)
            discard(r, name);
    }
}

/* Ready to take appends at once: the first spares are made before the log opens, when there
 * is space. */
static void fill_spares(struct recovery *r)
{
    while (r->spares->count < SPARES_AT_ONCE) {
        uint64_t id = 0;
        int rv = spares_make_now(r->spares, &id);

        if (rv != 0) {
            tell("prepare a segment in", r->site->dir, rv);
            r->spares->is_short = true;
            return;
        }
        r->spares->ready[r->spares->count++] = id;
    }
}

static void make_dir(struct recovery *r, const char *name)
{
    struct site_path path = site_path(r->site, "%s", name);
    int rv = disk_make_dir(r->site->disk, path.text);

    if (rv != ERR_EXISTS)
        tell("make", path.text, rv);
}

/* A file in trash: "<16 hex digits of wall clock>-<name>". */
static void on_trash(void *owner, const char *name, bool is_dir)
{
    struct recovery *r = owner;
    uint64_t keep_ms = r->site->options.trash_keep_ms;
    uint64_t now = (uint64_t)io_wall_ms(r->site->io);
    char stamp[NAME_SIZE];
    uint64_t then = 0;

    (void)snprintf(stamp, sizeof(stamp), "t-%.16s", name);
    if (is_dir || strlen(name) < 18 || !site_parse_name(stamp, "t", "", &then))
        return;
    if (then < now && now - then > keep_ms) {
        struct site_path path = site_path(r->site, "trash/%s", name);
        tell("remove", path.text, disk_remove(r->site->disk, path.text));
    }
}

int recover_leftovers(struct recovery *r)
{
    struct site_path trash = site_path(r->site, "trash");

    make_dir(r, "trash");
    make_dir(r, "wounded");
    keeper_resume(r->keeper, r->manifest.generation, r->manifest.hot_first);
    for (size_t i = 0; i < r->listing.leftover_count; i++)
        discard(r, r->listing.leftovers[i]);
    sort_out_cold(r);
    sort_out_hot(r);
    sort_out_checkpoints(r);
    fill_spares(r);
    tell("list", trash.text, disk_list(r->site->disk, trash.text, on_trash, r));
    return 0;
}
