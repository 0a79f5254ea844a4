/* Tests of log/manifest: two copies, in every combination of good and bad. */
#include "log/manifest.h"

#include <string.h>

#include "base/bytes.h"
#include "base/err.h"
#include "base/mem.h"
#include "log/statefile.h"
#include "tests/lib/death.h"
#include "tests/lib/leaks.h"
#include "tests/unit/log/log_site.h"

enum { HEAD = 40, ENTRY = 88, WOUND = 16 };

static struct manifest_entry entry_of(uint64_t id)
{
    return (struct manifest_entry){.id = id,
                                   .destination = id % 3,
                                   .first = id * 100,
                                   .end = id * 100 + 50,
                                   .records = 40,
                                   .live = 30,
                                   .bytes = 8192 + id,
                                   .file_bytes = 9000 + id,
                                   .first_time_ms = -(int64_t)id,
                                   .last_time_ms = (int64_t)id,
                                   .chain_end = 0xfffffff0u + (uint32_t)id};
}

static struct manifest_wound wound_of(uint64_t id)
{
    return (struct manifest_wound){.id = id * 7, .kind = id % 2 == 0 ? SEGMENT_HOT : SEGMENT_COLD};
}

/* Writes both copies with that generation, which is also the number of entries, and one more than
 * the number of wounds. */
static int write_manifest(const struct site *s, uint64_t generation)
{
    struct manifest_entry entries[8];
    struct manifest_wound wounds[8];
    struct manifest m = {.generation = generation,
                         .hot_first = generation * 10,
                         .next_id = 100,
                         .durable = generation * 11,
                         .entries = entries,
                         .count = generation,
                         .wounds = wounds,
                         .wound_count = generation - 1};

    assert_true(generation <= ARRAY_SIZE(entries));
    for (uint64_t i = 0; i < generation; i++)
        entries[i] = entry_of(i + 1);
    for (uint64_t i = 0; i + 1 < generation; i++)
        wounds[i] = wound_of(i);
    return manifest_write(s, &m);
}

static void expect_manifest(const struct site *s, uint64_t generation, bool is_wounded)
{
    struct site found = *s;
    struct manifest m = {0};
    bool has_wound = !is_wounded;

    memset(found.id, 0, sizeof(found.id));
    assert_int_equal(manifest_read(&found, &m, &has_wound), 0);
    assert_int_equal(has_wound, is_wounded);
    assert_int_equal(m.generation, generation);
    assert_int_equal(m.hot_first, generation * 10);
    assert_int_equal(m.next_id, 100);
    assert_int_equal(m.durable, generation * 11);
    assert_int_equal(m.count, generation);
    assert_int_equal(m.wound_count, generation - 1);
    for (uint64_t i = 0; i < generation; i++) {
        struct manifest_entry e = entry_of(i + 1);
        assert_memory_equal(&m.entries[i], &e, offsetof(struct manifest_entry, chain_end));
        assert_int_equal(m.entries[i].chain_end, e.chain_end);
    }
    for (uint64_t i = 0; i + 1 < generation; i++) {
        struct manifest_wound wound = wound_of(i);

        assert_int_equal(m.wounds[i].id, wound.id);
        assert_int_equal(m.wounds[i].kind, wound.kind);
        assert_true(manifest_has_wound(&m, wound.kind, wound.id));
        assert_false(manifest_has_wound(&m, SEGMENT_HOT + SEGMENT_COLD - wound.kind, wound.id));
    }
    assert_memory_equal(found.id, s->id, sizeof(found.id));
    manifest_release(&m);
}

static void test_what_was_written_is_read_back(void **state)
{
    struct log_site l;

    (void)state;
    log_site_init(&l);
    for (uint64_t generation = 1; generation <= 8; generation++) {
        assert_int_equal(write_manifest(&l.site, generation), 0);
        expect_manifest(&l.site, generation, false);
    }
    assert_int_equal(log_site_size(&l, "manifest"),
                     STATEFILE_HEADER_SIZE + HEAD + 8 * ENTRY + 7 * WOUND);
    log_site_crash(&l);
    expect_manifest(&l.site, 8, false);
    log_site_release(&l);
}

/* What a copy may be like. */
enum copy { GOOD, OLDER, MISSING, DAMAGED, NEWER, COPY_COUNT };

static void damage(struct log_site *l, const char *name, enum copy how)
{
    struct statefile newer = {.magic = "MRMANI01", .version = 2, .generation = 9};
    struct site_path path = site_path(&l->site, "%s", name);
    struct site_path old = site_path(&l->site, "%s.old", name);

    switch (how) {
    case MISSING:
        assert_int_equal(disk_remove(l->site.disk, path.text), 0);
        break;
    case DAMAGED:
        log_site_flip(l, name, STATEFILE_HEADER_SIZE + 9, 5);
        break;
    case NEWER:
        assert_int_equal(statefile_write(l->site.disk, "log", name, &newer, bytes_text("new")), 0);
        break;
    case OLDER:
        sim_disk_duplicate(l->disk, old.text, path.text);
        break;
    default:
        break;
    }
}

/* What reading must give when the copies are like that: the error, or 0. */
static int expected_error(enum copy a, enum copy b)
{
    if (a == NEWER || b == NEWER)
        return ERR_VERSION;
    if (a == MISSING && b == MISSING)
        return ERR_NOT_FOUND;
    return (a == MISSING || a == DAMAGED) && (b == MISSING || b == DAMAGED) ? ERR_CORRUPT : 0;
}

static void test_every_combination_of_two_copies(void **state)
{
    (void)state;
    for (int k = 0; k < COPY_COUNT * COPY_COUNT; k++) {
        enum copy a = (enum copy)(k / COPY_COUNT), b = (enum copy)(k % COPY_COUNT);
        bool is_whole = (a == GOOD || a == OLDER) && (b == GOOD || b == OLDER);
        struct manifest m = {0};
        struct log_site l;
        bool is_wounded = false;

        log_site_init(&l);
        assert_int_equal(write_manifest(&l.site, 2), 0);
        sim_disk_duplicate(l.disk, "log/manifest", "log/manifest.old");
        sim_disk_duplicate(l.disk, "log/manifest.copy", "log/manifest.copy.old");
        assert_int_equal(write_manifest(&l.site, 3), 0);
        damage(&l, "manifest", a);
        damage(&l, "manifest.copy", b);
        if (expected_error(a, b) == 0)
            expect_manifest(&l.site, a == GOOD || b == GOOD ? 3 : 2, !is_whole);
        else
            assert_int_equal(manifest_read(&l.site, &m, &is_wounded), expected_error(a, b));
        assert_null(m.entries);
        log_site_release(&l);
    }
}

static void test_every_flipped_bit_in_one_copy_leaves_the_other(void **state)
{
    static const char *const names[] = {"manifest", "manifest.copy"};
    struct log_site l;

    (void)state;
    log_site_init(&l);
    assert_int_equal(write_manifest(&l.site, 2), 0);
    for (size_t n = 0; n < 2; n++) {
        for (uint64_t i = 0; i < log_site_size(&l, names[n]) * 8; i += 3) {
            log_site_flip(&l, names[n], i / 8, (unsigned)(i % 8));
            expect_manifest(&l.site, 2, true);
            log_site_flip(&l, names[n], i / 8, (unsigned)(i % 8));
        }
    }
    expect_manifest(&l.site, 2, false);
    log_site_release(&l);
}

/* Both copies get the same well signed content, which says something that cannot be. */
static void expect_refused(const uint8_t *content, size_t size)
{
    static const char *const names[] = {"manifest", "manifest.copy"};
    struct statefile head = {.magic = "MRMANI01", .version = 1, .generation = 1};
    struct manifest m = {0};
    struct log_site l;
    bool is_wounded = false;

    log_site_init(&l);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(
            statefile_write(l.site.disk, "log", names[i], &head, bytes_of(content, size)), 0);
    assert_int_equal(manifest_read(&l.site, &m, &is_wounded), ERR_CORRUPT);
    assert_null(m.entries);
    log_site_release(&l);
}

static void test_content_that_cannot_be_is_damage(void **state)
{
    static const struct {
        size_t at;
        uint64_t value;
    } lies[] = {
        {16, 0},                          /* fewer entries than there are */
        {16, 2},                          /* more */
        {16, UINT64_MAX / ENTRY},         /* very many */
        {24, 0},                          /* fewer wounds */
        {24, UINT64_MAX / WOUND},         /* very many */
        {HEAD + ENTRY + 8, 3},            /* a wound of no kind */
        {HEAD + 16, 100},                 /* first not below end */
        {HEAD + 32, 0},                   /* no records */
        {HEAD + 32, 51},                  /* more records than numbers */
        {HEAD + 40, 11},                  /* more live than there are */
        {HEAD + 48, SEGMENT_HEADER_SIZE}, /* no batches */
        {HEAD + 56, 4999},                /* a file shorter than its batches */
    };
    uint8_t content[HEAD + ENTRY + WOUND];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(lies); i++) {
        memset(content, 0, sizeof(content));
        put_le64(content + 16, 1);
        put_le64(content + 24, 1);
        put_le64(content + HEAD + 16, 50);
        put_le64(content + HEAD + 24, 100);
        put_le64(content + HEAD + 32, 10);
        put_le64(content + HEAD + 48, 5000);
        put_le64(content + HEAD + 56, 5000);
        put_le64(content + HEAD + ENTRY + 8, SEGMENT_COLD);
        put_le64(content + lies[i].at, lies[i].value);
        expect_refused(content, sizeof(content));
    }
    memset(content, 0, sizeof(content));
    expect_refused(content, 0);
    expect_refused(content, HEAD - 1);
    expect_refused(content, HEAD + 1);
}

/* Copies are written one after the other: whatever a cut leaves, one of them is whole. */
static void look_at_images(void *owner, struct sim_disk *d, const struct sim_disk_call *call)
{
    struct log_site *l = owner;

    (void)call;
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct sim_crash crash = {.kind = SIM_CRASH_RANDOM, .seed = seed};
        struct manifest m = {0};
        struct sim_disk *image;
        struct site site = l->site;
        bool is_wounded = false;

        if (seed < SIM_CRASH_KIND_COUNT)
            crash.kind = (enum sim_crash_kind)seed;
        image = sim_disk_image(d, &crash);
        site.disk = sim_disk_as_disk(image);
        assert_int_equal(manifest_read(&site, &m, &is_wounded), 0);
        assert_true(m.generation == 2 || m.generation == 3);
        assert_false(is_wounded);
        manifest_release(&m);
        sim_disk_free(image);
    }
}

static void test_a_power_cut_between_the_copies_leaves_the_old_or_the_new_one(void **state)
{
    struct log_site l;

    (void)state;
    log_site_init(&l);
    assert_int_equal(write_manifest(&l.site, 2), 0);
    sim_disk_observe(l.disk, look_at_images, &l);
    assert_int_equal(write_manifest(&l.site, 3), 0);
    sim_disk_observe(l.disk, NULL, NULL);
    log_site_release(&l);
}

static void test_a_write_that_fails_keeps_the_old_one(void **state)
{
    struct log_site l;

    (void)state;
    log_site_init(&l);
    assert_int_equal(write_manifest(&l.site, 2), 0);
    log_site_fail(&l, SIM_OP_BIT(SIM_OP_WRITE), ERR_NO_SPACE, 1);
    assert_int_equal(write_manifest(&l.site, 3), ERR_NO_SPACE);
    expect_manifest(&l.site, 2, false);
    log_site_release(&l);
}

static void test_a_copy_that_cannot_be_read_now_does_not_hide_the_other(void **state)
{
    struct manifest m = {0};
    struct log_site l;
    bool is_wounded = false;

    (void)state;
    log_site_init(&l);
    assert_int_equal(write_manifest(&l.site, 2), 0);
    log_site_fail(&l, SIM_OP_BIT(SIM_OP_READ), ERR_IO, 1);
    expect_manifest(&l.site, 2, true);
    log_site_fail(&l, SIM_OP_BIT(SIM_OP_READ), ERR_IO, 0);
    assert_int_equal(manifest_read(&l.site, &m, &is_wounded), ERR_IO);
    log_site_release(&l);
}

static void write_nonsense(void *owner)
{
    struct manifest_entry e = entry_of(1);
    struct manifest m = {.generation = 1, .entries = &e, .count = 1};

    e.live = e.records + 1;
    (void)!manifest_write(owner, &m);
}

static void test_misuse_is_a_bug(void **state)
{
    struct log_site l;

    (void)state;
    log_site_init(&l);
    expect_death(write_nonsense, &l.site, "entry_is_sane");
    log_site_release(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_what_was_written_is_read_back),
        LEAK_CHECKED(test_every_combination_of_two_copies),
        LEAK_CHECKED(test_every_flipped_bit_in_one_copy_leaves_the_other),
        LEAK_CHECKED(test_content_that_cannot_be_is_damage),
        LEAK_CHECKED(test_a_power_cut_between_the_copies_leaves_the_old_or_the_new_one),
        LEAK_CHECKED(test_a_write_that_fails_keeps_the_old_one),
        LEAK_CHECKED(test_a_copy_that_cannot_be_read_now_does_not_hide_the_other),
        LEAK_CHECKED(test_misuse_is_a_bug),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
