/* Looking at the watermark: both slots, each by itself, then what they prove together. */
#include <inttypes.h>
#include <string.h>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "log/inspect_parts.h"
#include "log/watermark.h"

enum { SLOTS = 2, SLOT_SIZE = 56, SLOT_STEP = 4096, CRC_FROM = 12 };

static const char watermark_magic[8] = {'M', 'R', 'M', 'A', 'R', 'K', '0', '1'};

static bool is_zero(const uint8_t *at, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (at[i] != 0)
            return false;
    }
    return true;
}

/* Fills a slot; says what is wrong with it, or NULL. */
static const char *slot_decode(const struct inspection *l, const uint8_t *bytes, uint64_t place,
                               struct inspect_slot *out)
{
    ASSERT(place < SLOTS && !out->is_good);
    out->is_unused = is_zero(bytes, SLOT_SIZE);
    if (out->is_unused)
        return NULL;
    out->number = get_le64(bytes + 32);
    out->epoch = get_le64(bytes + 40);
    out->position = get_le64(bytes + 48);
    if (memcmp(bytes, watermark_magic, sizeof(watermark_magic)) != 0)
        return "it does not begin as a slot does";
    if (crc32c(bytes + CRC_FROM, SLOT_SIZE - CRC_FROM) != get_le32(bytes + 8))
        return "its checksum is wrong";
    if (l->is_id_known && memcmp(bytes + 16, l->site.id, SITE_ID_SIZE) != 0)
        return "it belongs to another log";
    if (out->number % SLOTS != place)
        return "its number belongs into the other slot";
    out->is_good = true;
    return NULL;
}

/* Until its first renewal slot 1 was never durable, and a power cut may leave anything in it. */
static bool may_be_garbage(const struct inspect_slot *slots, uint64_t place)
{
    return place == 1 && slots[0].is_good && slots[0].number == 0;
}

/* Shows both slots. Returns how many are bad; each is a finding. */
static int look_at_slots(struct inspection *l, const uint8_t *bytes, struct inspect_slot *slots)
{
    const struct inspect_visitor *v = &l->in->visitor;
    int bad = 0;

    for (uint64_t i = 0; i < SLOTS; i++) {
        const char *why = slot_decode(l, bytes + i * SLOT_STEP, i, &slots[i]);

        slots[i].at = i * SLOT_STEP;
        if (v->on_slot != NULL)
            v->on_slot(v->owner, &slots[i]);
        if (why == NULL)
            continue;
        if (may_be_garbage(slots, i)) {
            inspect_note(l->in, slots[i].path, slots[i].at,
                         "this slot was never written whole: %s; the other one counts", why);
            continue;
        }
        bad++;
        inspect_problem(l->in, slots[i].path, slots[i].at,
                        "this slot is damaged: %s; the watermark may lag behind the truth", why);
    }
    return bad;
}

/* Reads the file as far as it goes; what it has not is zero. */
static int read_slots(struct inspection *l, const char *path, uint8_t *bytes, uint64_t *length)
{
    struct disk_file *f = NULL;
    size_t done = 0;
    int rv = disk_open(l->in->disk, path, DISK_READ, &f);

    if (rv == 0)
        rv = disk_size(f, length);
    if (rv == 0)
        rv = disk_read(f, bytes, WATERMARK_FILE_SIZE, 0, &done);
    disk_close(f);
    return rv;
}

/* What the two slots, which are read, say about each other and about the log. */
static void judge(struct inspection *l, const struct inspect_slot *slots, int bad)
{
    const struct inspect_slot *newest = NULL;

    for (int i = 0; i < SLOTS; i++) {
        if (slots[i].is_good && (newest == NULL || slots[i].number > newest->number))
            newest = &slots[i];
    }
    if (newest == NULL && bad == 0) {
        inspect_problem(l->in, slots[0].path, 0,
                        "both slots are empty; only the batches themselves "
                        "tell a torn tail from damage");
        return;
    }
    if (newest == NULL)
        return;
    /* The slots are written in turn, from number 0 on. */
    if (newest->number > 0 && slots[(newest->number + 1) % SLOTS].is_unused) {
        bad++;
        inspect_problem(l->in, newest->path, slots[(newest->number + 1) % SLOTS].at,
                        "this slot is empty although renewal %" PRIu64
                        " went there; the watermark may lag behind the truth",
                        newest->number - 1);
    }
    inspect_prove(l, newest->position, newest->epoch);
    if (bad == 0)
        l->watermark_epoch = newest->epoch;
}

int inspect_watermark_file(struct inspection *l, const char *path)
{
    uint8_t bytes[WATERMARK_FILE_SIZE] = {0};
    struct inspect_slot slots[SLOTS] = {{.path = path}, {.path = path}};
    uint64_t length = 0;
    int rv = read_slots(l, path, bytes, &length);
    int bad;

    if (rv != 0)
        return rv;
    if (length != WATERMARK_FILE_SIZE)
        inspect_problem(l->in, path, length < WATERMARK_FILE_SIZE ? length : WATERMARK_FILE_SIZE,
                        "it has %" PRIu64 " bytes and should have %d", length, WATERMARK_FILE_SIZE);
    bad = look_at_slots(l, bytes, slots);
    judge(l, slots, bad);
    return 0;
}

void inspect_watermark(struct inspection *l)
{
    struct site_path path = site_path(&l->site, "watermark");
    int rv = inspect_watermark_file(l, path.text);

    if (rv == ERR_NOT_FOUND && l->listing.hot.count == 0 && l->listing.cold.count == 0)
        inspect_note(l->in, path.text, INSPECT_NOWHERE,
                     "it does not exist; the log is not complete yet");
    else if (rv != 0)
        inspect_problem(l->in, path.text, INSPECT_NOWHERE,
                        "%s; only the batches themselves tell a torn tail from damage",
                        err_text(rv));
}
