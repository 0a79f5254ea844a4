/* Making a log where there is none. Interrupted at any point, it is begun again. */
#include <string.h>

#include "base/bytes.h"
#include "log/recovery.h"

int recover_make_log(struct recovery *r)
{
    struct watermark zero = {0};
    int rv;

    put_le64(r->site->id, io_random(r->site->io));
    put_le64(r->site->id + 8, io_random(r->site->io));
    rv = watermark_create(r->site, &zero);
    r->manifest = (struct manifest){.generation = 1, .next_id = 1};
    if (rv == 0)
        rv = manifest_write(r->site, &r->manifest);
    if (rv != 0)
        return err_note(r->note, rv, "cannot make a log in '%s': %s", r->site->dir, err_text(rv));
    return 0;
}

/* Writes the header of a file that becomes a segment, durably. */
static int write_header(struct recovery *r, const struct segment *g)
{
    struct site_path path = segment_path(r->site, g);
    uint8_t sector[SEGMENT_SECTOR_SIZE];
    struct iovec part = {.iov_base = sector, .iov_len = sizeof(sector)};
    struct disk_file *f = NULL;
    int rv = disk_open(r->site->disk, path.text, DISK_WRITE, &f);

    if (rv != 0)
        return rv;
    segment_header_encode(r->site, g, r->epoch, sector);
    rv = disk_write(f, &part, 1, 0);
    if (rv == 0)
        rv = disk_sync(f);
    disk_close(f);
    return rv;
}

int recover_make_segment(struct recovery *r, uint64_t first)
{
    struct segment *g = segment_new(SEGMENT_HOT, first, first);
    struct site_path to = segment_path(r->site, g);
    struct site_path from;
    uint64_t id = 0;
    int rv = spares_make_now(r->spares, &id);

    if (rv == 0) {
        from = spares_path(r->site, id);
        rv = disk_rename(r->site->disk, from.text, to.text);
    }
    if (rv == 0)
        rv = write_header(r, g);
    if (rv == 0)
        rv = disk_sync_dir(r->site->disk, r->site->dir);
    if (rv != 0) {
        segment_free(g);
        return err_note(r->note, rv, "cannot make the first segment in '%s': %s", r->site->dir,
                        err_text(rv));
    }
    g->file_bytes = r->site->options.segment_bytes;
    hot_add_segment(r->hot, g);
    return 0;
}
