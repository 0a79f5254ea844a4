/* The two-slot watermark file; see watermark.h. */
#include "log/watermark.h"

#include <string.h>

#include "base/bytes.h"
#include "base/crc32c.h"

enum { SLOT_SIZE = 56, SLOT_STEP = 4096, CRC_FROM = 12 };

static const char watermark_magic[8] = {'M', 'R', 'M', 'A', 'R', 'K', '0', '1'};

static void slot_encode(const struct site *s, const struct watermark *w, uint8_t *slot)
{
    memset(slot, 0, SLOT_SIZE);
    memcpy(slot, watermark_magic, sizeof(watermark_magic));
    memcpy(slot + 16, s->id, SITE_ID_SIZE);
    put_le64(slot + 32, w->number);
    put_le64(slot + 40, w->epoch);
    put_le64(slot + 48, w->position);
    put_le32(slot + 8, crc32c(slot + CRC_FROM, SLOT_SIZE - CRC_FROM));
}

static bool slot_decode(const struct site *s, const uint8_t *slot, uint64_t place,
                        struct watermark *out)
{
    if (memcmp(slot, watermark_magic, sizeof(watermark_magic)) != 0)
        return false;
    if (crc32c(slot + CRC_FROM, SLOT_SIZE - CRC_FROM) != get_le32(slot + 8))
        return false;
    if (memcmp(slot + 16, s->id, SITE_ID_SIZE) != 0 || get_le64(slot + 32) % 2 != place)
        return false;
    out->number = get_le64(slot + 32);
    out->epoch = get_le64(slot + 40);
    out->position = get_le64(slot + 48);
    return true;
}

static bool slot_is_unused(const uint8_t *slot)
{
    for (int i = 0; i < SLOT_SIZE; i++) {
        if (slot[i] != 0)
            return false;
    }
    return true;
}

/* Writes one slot and syncs the file. */
static int slot_write(const struct site *s, const struct watermark *w, struct disk_file *f)
{
    uint8_t slot[SLOT_SIZE];
    struct iovec part = {.iov_base = slot, .iov_len = sizeof(slot)};
    int rv;

    slot_encode(s, w, slot);
    rv = disk_write(f, &part, 1, (w->number % 2) * SLOT_STEP);
    return rv == 0 ? disk_sync(f) : rv;
}

int watermark_create(const struct site *s, const struct watermark *w)
{
    struct site_path path = site_path(s, "watermark");
    struct disk_file *f = NULL;
    int rv = disk_open(s->disk, path.text, DISK_WRITE | DISK_CREATE, &f);

    if (rv != 0)
        return rv;
    rv = disk_allocate(f, WATERMARK_FILE_SIZE);
    if (rv == 0)
        rv = slot_write(s, w, f);
    disk_close(f);
    return rv;
}

int watermark_write(const struct site *s, const struct watermark *w)
{
    struct site_path path = site_path(s, "watermark");
    struct disk_file *f = NULL;
    int rv = disk_open(s->disk, path.text, DISK_WRITE, &f);

    if (rv != 0)
        return rv;
    rv = slot_write(s, w, f);
    disk_close(f);
    return rv;
}

int watermark_settle(const struct site *s, struct watermark *w)
{
    int rv = watermark_write(s, w);

    if (rv != 0)
        return rv;
    w->number++;
    return watermark_write(s, w);
}

int watermark_read(const struct site *s, struct watermark *out, int *bad_slots)
{
    struct site_path path = site_path(s, "watermark");
    uint8_t bytes[SLOT_STEP + SLOT_SIZE] = {0};
    struct watermark slot;
    struct disk_file *f = NULL;
    bool is_found = false;
    size_t done = 0;
    int bad = 0;
    int rv = disk_open(s->disk, path.text, DISK_READ, &f);

    if (rv != 0)
        return rv == ERR_INVALID ? ERR_CORRUPT : rv;
    rv = disk_read(f, bytes, sizeof(bytes), 0, &done);
    disk_close(f);
    if (rv != 0)
        return rv;
    for (uint64_t place = 0; place < 2; place++) {
        const uint8_t *at = bytes + place * SLOT_STEP;
        if (!slot_decode(s, at, place, &slot)) {
            bad += slot_is_unused(at) ? 0 : 1;
        } else if (!is_found || slot.number > out->number) {
            *out = slot;
            is_found = true;
        }
    }
    *bad_slots = bad;
    return is_found ? 0 : ERR_CORRUPT;
}
