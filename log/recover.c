/* The order in which a log is opened; see recover.h. */
#include "log/recover.h"

#include <inttypes.h>
#include <string.h>

#include "base/diag.h"
#include "log/recovery.h"

/* Reads the manifest, or makes a new log where there is nothing at all. */
static int read_manifest(struct recovery *r)
{
    bool is_wounded = false;
    int rv = manifest_read(r->site, &r->manifest, &is_wounded);

    if (rv == ERR_NOT_FOUND && r->listing.hot.count == 0 && r->listing.cold.count == 0)
        return recover_make_log(r);
    if (rv == ERR_NOT_FOUND)
        return err_note(r->note, ERR_CORRUPT,
                        "'%s' has segments but no manifest; put the file 'manifest' or "
                        "'manifest.copy' back",
                        r->site->dir);
    if (rv == ERR_CORRUPT)
        return err_note(
            r->note, rv,
            "'%s/manifest' and its copy are damaged; put one of them back from a backup",
            r->site->dir);
    if (rv == ERR_VERSION)
        return err_note(r->note, rv,
                        "'%s/manifest' was written by a newer version; start that version",
                        r->site->dir);
    if (rv != 0)
        return err_note(r->note, rv, "cannot read '%s/manifest': %s", r->site->dir, err_text(rv));
    r->is_manifest_wounded = is_wounded;
    return 0;
}

/* Reads the watermark; when it is lost the batches' own `durable` fields must do. */
static int read_watermark(struct recovery *r)
{
    int bad_slots = 0;
    int rv = watermark_read(r->site, &r->watermark, &bad_slots);

    if (rv != 0 && rv != ERR_NOT_FOUND && rv != ERR_CORRUPT)
        return err_note(r->note, rv, "cannot read '%s/watermark': %s", r->site->dir, err_text(rv));
    if (rv != 0 || bad_slots > 0)
        diag(DIAG_WARNING, "log", "'%s/watermark' was missing or damaged and is made anew",
             r->site->dir);
    if (rv != 0)
        memset(&r->watermark, 0, sizeof(r->watermark));
    r->is_watermark_lost = rv != 0;
    r->epoch = r->watermark.epoch;
    return 0;
}

/* Makes anew what was lost of the manifest and the watermark. */
static int repair(struct recovery *r)
{
    int rv;

    if (r->is_manifest_wounded)
        diag(DIAG_WARNING, "log",
             "one copy of '%s/manifest' was missing or damaged and is made anew", r->site->dir);
    /* An older copy names files that are deleted now. */
    if (r->is_manifest_wounded || r->manifest.is_alone) {
        r->manifest.generation++;
        rv = manifest_write(r->site, &r->manifest);
        if (rv != 0 && (r->is_manifest_wounded || rv != ERR_NO_SPACE))
            return err_note(r->note, rv, "cannot write '%s/manifest': %s", r->site->dir,
                            err_text(rv));
    }
    if (r->is_watermark_lost) {
        rv = watermark_create(r->site, &r->watermark);
        if (rv != 0)
            return err_note(r->note, rv, "cannot make '%s/watermark' anew: %s", r->site->dir,
                            err_text(rv));
    }
    return 0;
}

/* Begins the new epoch: from here on the log is as good as if it had been closed well. */
static int begin_epoch(struct recovery *r)
{
    int rv;

    r->hot->epoch = r->epoch + 1;
    r->watermark.number++;
    r->watermark.epoch = r->hot->epoch;
    r->watermark.position = r->hot->durable;
    rv = watermark_settle(r->site, &r->watermark);
    if (rv != 0)
        return err_note(r->note, rv, "cannot write '%s/watermark': %s", r->site->dir, err_text(rv));
    r->out->watermark_number = r->watermark.number;
    return 0;
}

/* Looks at everything first, and changes something only when the log can be opened. */
static int recover_steps(struct recovery *r)
{
    int rv = listing_read(r->site, &r->listing);

    if (rv != 0)
        return err_note(r->note, rv, "cannot list '%s': %s", r->site->dir, err_text(rv));
    if (r->listing.in_the_way != NULL)
        return err_note(r->note, ERR_CORRUPT,
                        "'%s/%s' is a directory; put the file back from a backup", r->site->dir,
                        r->listing.in_the_way);
    rv = read_manifest(r);
    if (rv == 0)
        rv = read_watermark(r);
    if (rv == 0)
        rv = recover_lanes(r);
    if (rv == 0)
        rv = recover_row(r);
    if (rv == 0)
        rv = recover_tail(r);
    if (rv == 0)
        rv = recover_replay(r);
    if (rv == 0)
        rv = repair(r);
    if (rv == 0)
        rv = recover_settle(r);
    if (rv == 0)
        rv = recover_leftovers(r);
    if (rv == 0)
        rv = begin_epoch(r);
    return rv;
}

int recover(const struct recover_parts *parts, struct recovered *out, struct err_note *note)
{
    struct recovery r = {
        .site = parts->site,
        .hot = parts->hot,
        .cold = parts->cold,
        .spares = parts->spares,
        .keeper = parts->keeper,
        .owner = parts->owner,
        .out = out,
        .note = note,
    };
    int rv;

    out->checkpoints[0] = UINT64_MAX;
    out->checkpoints[1] = UINT64_MAX;
    rv = recover_steps(&r);
    listing_release(&r.listing);
    manifest_release(&r.manifest);
    return rv;
}
