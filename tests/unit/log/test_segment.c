/* Tests of log/segment: the header sector, and an index from the footer or from the
 * batches. */
#include "log/segment.h"

#include <string.h>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "base/err.h"
#include "base/mem.h"
#include "tests/lib/death.h"
#include "tests/lib/leaks.h"
#include "tests/unit/log/log_bytes.h"
#include "tests/unit/log/log_site.h"

static struct segment *header_of(struct log_site *l, uint8_t sector[SEGMENT_SECTOR_SIZE])
{
    struct segment *g = segment_new(SEGMENT_COLD, 0x1234, 77);

    memset(sector, 0xff, SEGMENT_SECTOR_SIZE); /* whatever lay there */
    g->destination = 0xabcdef;
    g->chain_before = 0xdeadbeef;
    g->bytes_before = 8192;
    segment_header_encode(&l->site, g, 42, sector);
    return g;
}

static int decode(struct log_site *l, const uint8_t *sector)
{
    struct segment out = {0};
    uint64_t epoch = 0;

    return segment_header_decode(&l->site, sector, &out, &epoch);
}

/* Makes the checksum right again after a test changed the bytes. */
static void sign(uint8_t *sector)
{
    put_le32(sector + 8, crc32c(sector + 12, SEGMENT_SECTOR_SIZE - 12));
}

static void test_a_header_is_read_back(void **state)
{
    uint8_t sector[SEGMENT_SECTOR_SIZE];
    struct segment out = {0};
    struct log_site l;
    uint64_t epoch = 0;

    (void)state;
    log_site_init(&l);
    segment_free(header_of(&l, sector));
    assert_int_equal(segment_header_decode(&l.site, sector, &out, &epoch), 0);
    assert_int_equal(out.kind, SEGMENT_COLD);
    assert_int_equal(out.id, 0x1234);
    assert_int_equal(out.destination, 0xabcdef);
    assert_int_equal(out.first, 77);
    assert_int_equal(out.chain_before, 0xdeadbeef);
    assert_int_equal(out.bytes_before, 8192);
    assert_int_equal(epoch, 42);
    for (size_t i = 76; i < sizeof(sector); i++)
        assert_int_equal(sector[i], 0);
    log_site_release(&l);
}

static void test_every_flipped_bit_of_a_header_is_found(void **state)
{
    uint8_t sector[SEGMENT_SECTOR_SIZE];
    struct log_site l;

    (void)state;
    log_site_init(&l);
    segment_free(header_of(&l, sector));
    for (size_t i = 0; i < sizeof(sector) * 8; i++) {
        sector[i / 8] ^= (uint8_t)(1u << i % 8);
        assert_int_equal(decode(&l, sector), ERR_CORRUPT);
        sector[i / 8] ^= (uint8_t)(1u << i % 8);
    }
    assert_int_equal(decode(&l, sector), 0);
    log_site_release(&l);
}

static void test_a_header_of_another_log_kind_or_version(void **state)
{
    uint8_t sector[SEGMENT_SECTOR_SIZE];
    struct log_site l;

    (void)state;
    log_site_init(&l);
    segment_free(header_of(&l, sector));
    l.site.id[9]++;
    assert_int_equal(decode(&l, sector), ERR_CORRUPT);
    l.site.id[9]--;
    put_le16(sector + 12, SEGMENT_VERSION + 1);
    assert_int_equal(decode(&l, sector), ERR_CORRUPT);
    sign(sector);
    assert_int_equal(decode(&l, sector), ERR_VERSION);
    put_le16(sector + 12, SEGMENT_VERSION);
    sector[14] = 3;
    sign(sector);
    assert_int_equal(decode(&l, sector), ERR_CORRUPT);
    memset(sector, 0, sizeof(sector));
    assert_int_equal(decode(&l, sector), ERR_CORRUPT);
    log_site_release(&l);
}

static void test_the_path_tells_kind_and_id(void **state)
{
    struct segment *hot = segment_new(SEGMENT_HOT, 0x10, 0x10);
    struct segment *cold = segment_new(SEGMENT_COLD, 0xff, 0);
    struct site s = {.dir = "d"};

    (void)state;
    assert_string_equal(segment_path(&s, hot).text, "d/hot-0000000000000010.seg");
    assert_string_equal(segment_path(&s, cold).text, "d/cold-00000000000000ff.seg");
    segment_free(hot);
    segment_free(cold);
    segment_free(NULL);
}

/* ---- Loading an index ---- */

enum { BATCHES = 12, PER_BATCH = 5, BODY = 60 };

struct file {
    struct log_site log;
    struct batch_builder b;
    struct segment *g;
    size_t places[BATCHES]; /* of the batches in the file */
    bool has_footer;
};

static void file_begin(struct file *f, bool has_footer)
{
    log_site_init(&f->log);
    batch_builder_init(&f->b, site_mark(&f->log.site), 1000);
    f->g = segment_new(SEGMENT_HOT, 1000, 1000);
    f->has_footer = has_footer;
    for (int i = 0; i < BATCHES; i++) {
        batch_builder_add(&f->b, PER_BATCH, BODY);
        f->places[i] = SEGMENT_HEADER_SIZE + f->b.last_at;
    }
    f->g->end = f->b.next;
    f->g->bytes = SEGMENT_HEADER_SIZE + f->b.size;
    f->g->is_sealed = true;
}

/* Puts the segment's file there: header, batches, and a footer that knows the first batch
 * only, so that one can tell where the index came from. */
static void file_put(struct file *f)
{
    struct index_span span = segment_span(f->g);
    struct index *x = index_new(1);
    size_t footer_size = 0, size = f->g->bytes;
    uint8_t *bytes, *footer;

    index_add(x, 1000, SEGMENT_HEADER_SIZE, 1000000);
    footer = index_encode(x, &f->log.site, &span, &footer_size);
    bytes = mem_zero(1, size + footer_size);
    segment_header_encode(&f->log.site, f->g, 1, bytes);
    memcpy(bytes + SEGMENT_HEADER_SIZE, f->b.bytes, f->b.size);
    if (f->has_footer)
        memcpy(bytes + size, footer, footer_size);
    log_site_put(&f->log, "hot-00000000000003e8.seg", bytes, size + footer_size);
    mem_free(bytes);
    mem_free(footer);
    index_free(x);
}

static void file_end(struct file *f)
{
    segment_free(f->g);
    batch_builder_release(&f->b);
    log_site_release(&f->log);
}

static void test_an_index_comes_from_the_footer(void **state)
{
    struct index *x = NULL;
    struct file f;

    (void)state;
    file_begin(&f, true);
    file_put(&f);
    assert_int_equal(segment_load_index(&f.log.site, f.g, &x), 0);
    assert_int_equal(x->count, 1);
    index_free(x);
    file_end(&f);
}

static void test_an_index_is_rebuilt_when_the_footer_is_lost(void **state)
{
    struct index *x = NULL;
    struct file f;

    (void)state;
    file_begin(&f, false);
    file_put(&f);
    assert_int_equal(segment_load_index(&f.log.site, f.g, &x), 0);
    assert_int_equal(x->count, BATCHES); /* a step of an eighth of a block is one batch here */
    for (size_t i = 0; i < x->count; i++) {
        assert_int_equal(x->entries[i].number, 1000 + i * PER_BATCH);
        assert_int_equal(x->entries[i].at, f.places[i]);
        assert_int_equal(x->entries[i].time_ms, 1000000 + (int64_t)i * 1000);
    }
    index_free(x);
    file_end(&f);
}

static void test_damaged_batches_have_no_entry_in_a_rebuilt_index(void **state)
{
    struct index *x = NULL;
    struct file f;

    (void)state;
    file_begin(&f, false);
    f.b.bytes[20] ^= 1;                                     /* the first */
    f.b.bytes[f.places[5] - SEGMENT_HEADER_SIZE + 70] ^= 1; /* one within */
    f.b.bytes[f.b.last_at + 1] ^= 1;                        /* the last */
    file_put(&f);
    assert_int_equal(segment_load_index(&f.log.site, f.g, &x), 0);
    assert_int_equal(x->count, BATCHES - 3);
    assert_int_equal(x->entries[0].number, 1000); /* readers shall meet the damage too */
    assert_int_equal(x->entries[0].at, SEGMENT_HEADER_SIZE);
    assert_int_equal(x->entries[1].number, 1000 + 2 * PER_BATCH);
    assert_int_equal(x->entries[3].number, 1000 + 4 * PER_BATCH);
    assert_int_equal(x->entries[4].number, 1000 + 6 * PER_BATCH);
    index_free(x);
    file_end(&f);
}

static void test_batches_of_another_life_of_the_file_have_no_entry(void **state)
{
    struct batch_builder old;
    struct index *x = NULL;
    struct file f;

    (void)state;
    file_begin(&f, false);
    batch_builder_init(&old, site_mark(&f.log.site), 10); /* before this segment */
    batch_builder_add(&old, PER_BATCH, BODY);
    memcpy(f.b.bytes + f.places[3] - SEGMENT_HEADER_SIZE, old.bytes, old.size);
    old.next = 1000000; /* behind it */
    batch_builder_add(&old, PER_BATCH, BODY);
    memcpy(f.b.bytes + f.places[7] - SEGMENT_HEADER_SIZE, old.bytes + old.last_at,
           batch_padded(old.last.length));
    file_put(&f);
    assert_int_equal(segment_load_index(&f.log.site, f.g, &x), 0);
    assert_int_equal(x->count, BATCHES - 2);
    for (size_t i = 0; i < x->count; i++)
        assert_true(x->entries[i].number >= 1000 && x->entries[i].number < f.g->end);
    index_free(x);
    batch_builder_release(&old);
    file_end(&f);
}

static void test_the_file_of_another_segment_is_refused(void **state)
{
    static const char name[] = "hot-00000000000003e8.seg";
    struct index *x = NULL;
    struct file f;

    (void)state;
    file_begin(&f, true);
    f.g->id = 999; /* its header says so */
    file_put(&f);
    f.g->id = 1000;
    assert_int_equal(segment_load_index(&f.log.site, f.g, &x), ERR_CORRUPT);
    log_site_flip(&f.log, name, 40, 0); /* a damaged header says nothing */
    assert_int_equal(segment_load_index(&f.log.site, f.g, &x), 0);
    index_free(x);
    file_end(&f);
}

static void test_what_has_the_name_and_is_no_file_is_damage(void **state)
{
    struct disk_file *open = NULL;
    struct file f;

    (void)state;
    file_begin(&f, true);
    assert_int_equal(disk_make_dir(f.log.site.disk, "log/hot-00000000000003e8.seg"), 0);
    assert_int_equal(segment_open(&f.log.site, f.g, &open), ERR_CORRUPT);
    assert_null(open);
    file_end(&f);
}

static void test_a_segment_without_a_good_batch_has_no_index(void **state)
{
    struct index *x = NULL;
    struct file f;

    (void)state;
    file_begin(&f, false);
    memset(f.b.bytes, 0, f.b.size);
    file_put(&f);
    assert_int_equal(segment_load_index(&f.log.site, f.g, &x), ERR_CORRUPT);
    log_site_cut(&f.log, "hot-00000000000003e8.seg", 0);
    assert_int_equal(segment_load_index(&f.log.site, f.g, &x), ERR_CORRUPT);
    assert_null(x);
    file_end(&f);
}

static void test_errors_of_the_disk_come_through(void **state)
{
    struct index *x = NULL;
    struct file f;

    (void)state;
    file_begin(&f, false);
    assert_int_equal(segment_load_index(&f.log.site, f.g, &x), ERR_NOT_FOUND);
    file_put(&f);
    log_site_fail(&f.log, SIM_OP_BIT(SIM_OP_OPEN), ERR_NO_FILES, 1);
    assert_int_equal(segment_load_index(&f.log.site, f.g, &x), ERR_NO_FILES);
    for (uint64_t skip = 0; skip < 3; skip++) {
        (void)sim_disk_add_fault(
            f.log.disk,
            &(struct sim_fault){.err = ERR_IO, .ops = SIM_OP_BIT(SIM_OP_READ), .skip = skip});
        assert_int_equal(segment_load_index(&f.log.site, f.g, &x), ERR_IO);
        sim_disk_clear_faults(f.log.disk);
    }
    assert_null(x);
    file_end(&f);
}

/* ---- Misuse ---- */

static void make_one_of_no_kind(void *owner)
{
    (void)owner;
    (void)segment_new(3, 0, 0);
}

static void free_a_pinned_one(void *owner)
{
    segment_free(owner);
}

static void test_misuse_is_a_bug(void **state)
{
    struct segment *g = segment_new(SEGMENT_HOT, 0, 0);

    (void)state;
    expect_death(make_one_of_no_kind, NULL, "SEGMENT_COLD");
    g->pins = 1;
    expect_death(free_a_pinned_one, g, "pins == 0");
    g->pins = 0;
    segment_free(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_a_header_is_read_back),
        LEAK_CHECKED(test_every_flipped_bit_of_a_header_is_found),
        LEAK_CHECKED(test_a_header_of_another_log_kind_or_version),
        LEAK_CHECKED(test_the_path_tells_kind_and_id),
        LEAK_CHECKED(test_an_index_comes_from_the_footer),
        LEAK_CHECKED(test_an_index_is_rebuilt_when_the_footer_is_lost),
        LEAK_CHECKED(test_damaged_batches_have_no_entry_in_a_rebuilt_index),
        LEAK_CHECKED(test_batches_of_another_life_of_the_file_have_no_entry),
        LEAK_CHECKED(test_the_file_of_another_segment_is_refused),
        LEAK_CHECKED(test_what_has_the_name_and_is_no_file_is_damage),
        LEAK_CHECKED(test_a_segment_without_a_good_batch_has_no_index),
        LEAK_CHECKED(test_errors_of_the_disk_come_through),
        LEAK_CHECKED(test_misuse_is_a_bug),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
