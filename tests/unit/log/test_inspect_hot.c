/* Tests of log/inspect_hot.c and inspect_batches.c: a hot row that was hurt in a known place. */
#include "log/batch.h"
#include "log/manifest.h"
#include "log/statefile.h"
#include "log/watermark.h"
#include "tests/unit/log/inspect_seen.h"

static void test_damage_in_a_sealed_segment_names_byte_and_positions(void **state)
{
    struct demo d;
    struct seen *s, *hurt;
    const struct inspect_batch *b;
    char place[128], positions[128];

    (void)state;
    demo_make_full(&d, 1);
    s = see(d.disk);
    b = hot_batch(s, 1);
    sim_disk_flip_bit(d.disk, b->path, b->at + 70, 3);
    hurt = see(d.disk);
    assert_int_equal(hurt->batch_count, s->batch_count - 1);
    (void)snprintf(place, sizeof(place), "%s:%" PRIu64 ": the batch here has a wrong checksum",
                   b->path, b->at);
    (void)snprintf(positions, sizeof(positions),
                   "positions %" PRIu64 " to %" PRIu64 " cannot be read", b->base,
                   b->base + b->count - 1);
    assert_told(hurt, 1, place, positions);
    mem_free(s);
    demo_release(&d);
}

static void test_damage_in_the_last_segment_is_a_wound_and_what_follows_is_shown(void **state)
{
    struct demo d;
    struct seen *s, *hurt;
    const struct inspect_batch *b;
    char place[128];

    (void)state;
    demo_make_full(&d, 1);
    s = see(d.disk);
    b = hot_batch(s, -3);
    assert_true(b->base >= s->segments[s->told.log.hot_segments - 1].first);
    sim_disk_zero_sector(d.disk, b->path, b->at / SIM_SECTOR);
    hurt = see(d.disk);
    assert_int_equal(hurt->batch_count, s->batch_count - 1);
    assert_int_equal(hurt->told.log.next, d.appended);
    (void)snprintf(place, sizeof(place),
                   "%s:%" PRIu64 ": there are zeros; positions %" PRIu64 " to", b->path, b->at,
                   b->base);
    assert_told(hurt, 1, place, "put the file back from a backup");
    mem_free(s);
    demo_release(&d);
}

/* Makes the watermark say less than the truth, as after a crash. */
static void set_watermark(struct demo *d, uint64_t position)
{
    struct site site = {.disk = sim_disk_as_disk(d->disk), .dir = "log"};
    struct watermark w;
    struct manifest m = {0};
    bool is_wounded = false;
    int bad = 0;

    assert_int_equal(manifest_read(&site, &m, &is_wounded), 0);
    manifest_release(&m);
    assert_int_equal(watermark_read(&site, &w, &bad), 0);
    w.position = position;
    for (int i = 0; i < 2; i++) {
        w.number++;
        assert_int_equal(watermark_write(&site, &w), 0);
    }
}

static void test_a_torn_tail_above_the_watermark_is_a_note(void **state)
{
    struct demo d;
    struct seen *s, *hurt;
    const struct inspect_batch *b;
    char place[128];

    (void)state;
    demo_make_full(&d, 1);
    s = see(d.disk);
    b = hot_batch(s, -1);
    set_watermark(&d, b->base);
    sim_disk_flip_bit(d.disk, b->path, b->at + b->length - 1, 0);
    hurt = see(d.disk);
    assert_int_equal(hurt->told.log.tail, INSPECT_TAIL_TORN);
    assert_int_equal(hurt->told.log.tail_at, b->at);
    assert_int_equal(hurt->told.log.next, b->base);
    (void)snprintf(place, sizeof(place), "note %s:%" PRIu64 ": torn tail", b->path, b->at);
    assert_told(hurt, 0, place, "never durable");
    mem_free(s);
    demo_release(&d);
}

static void test_the_manifest_proves_a_wound_without_the_watermark(void **state)
{
    const size_t at = STATEFILE_HEADER_SIZE + 32; /* of `durable` */
    struct demo d;
    struct seen *s;
    const struct inspect_batch *b;
    char place[128];

    (void)state;
    demo_make_full(&d, 1);
    s = see(d.disk);
    b = hot_batch(s, -1);
    set_watermark(&d, b->base);
    forge(&d, "log/manifest", at, b->base + 1);
    forge(&d, "log/manifest.copy", at, b->base + 1);
    sim_disk_flip_bit(d.disk, b->path, b->at + b->length - 1, 0);
    (void)snprintf(place, sizeof(place), "problem %s:%" PRIu64 ": ", b->path, b->at);
    assert_told(see(d.disk), 1, place, "wrong checksum");
    mem_free(s);
    demo_release(&d);
}

static void test_a_later_batch_proves_a_wound_without_the_watermark(void **state)
{
    struct demo d;
    struct seen *s;
    const struct inspect_batch *b;
    char place[128];

    (void)state;
    demo_make_full(&d, 1);
    s = see(d.disk);
    b = hot_batch(s, -4);
    set_watermark(&d, b->base);
    sim_disk_flip_bit(d.disk, b->path, b->at + 100, 0);
    (void)snprintf(place, sizeof(place), "problem %s:%" PRIu64 ": ", b->path, b->at);
    assert_told(see(d.disk), 1, place, "wrong checksum");
    mem_free(s);
    demo_release(&d);
}

static void test_a_missing_segment_in_the_row_is_named(void **state)
{
    struct demo d;
    struct seen *s;
    char missing[128];

    (void)state;
    demo_make_full(&d, 1);
    s = see(d.disk);
    assert_true(s->told.log.hot_segments >= 3);
    (void)snprintf(missing, sizeof(missing), "log/hot-%016" PRIx64 ".seg", s->segments[1].first);
    sim_disk_erase(d.disk, missing);
    assert_told(see(d.disk), 1, "ends here as it should", strchr(missing, '/') + 1);
    mem_free(s);
    demo_release(&d);
}

static void test_a_missing_first_segment_is_named(void **state)
{
    struct demo d;
    struct seen *s;
    char missing[128];

    (void)state;
    demo_make_full(&d, 1);
    s = see(d.disk);
    (void)snprintf(missing, sizeof(missing), "log/hot-%016" PRIx64 ".seg", s->segments[0].first);
    sim_disk_erase(d.disk, missing);
    assert_told(see(d.disk), 1, missing, "it is missing");
    mem_free(s);
    demo_release(&d);
}

static void test_all_segments_gone_is_a_loss(void **state)
{
    struct demo d;
    struct seen *s;
    char missing[128];

    (void)state;
    demo_make_full(&d, 1);
    s = see(d.disk);
    for (size_t i = 0; i < s->told.log.hot_segments; i++) {
        (void)snprintf(missing, sizeof(missing), "log/hot-%016" PRIx64 ".seg",
                       s->segments[i].first);
        sim_disk_erase(d.disk, missing);
    }
    mem_free(s);
    s = see(d.disk);
    assert_true(s->told.in.problems > 0);
    assert_non_null(strstr(s->told.text, "every record from position"));
    mem_free(s);
    demo_release(&d);
}

static void test_a_lost_header_counts_only_when_something_there_was_durable(void **state)
{
    struct demo d;
    struct seen *s;
    const struct inspect_segment *last;
    char path[128];

    (void)state;
    demo_make_full(&d, 1);
    s = see(d.disk);
    last = &s->segments[s->told.log.hot_segments - 1];
    (void)snprintf(path, sizeof(path), "log/hot-%016" PRIx64 ".seg", last->first);
    sim_disk_zero_sector(d.disk, path, 0);
    assert_told(see(d.disk), 1, path, "the header is damaged; it is written anew");
    for (uint64_t sector = 8; sector < 32; sector++)
        sim_disk_zero_sector(d.disk, path, sector);
    set_watermark(&d, last->first);
    assert_told(see(d.disk), 0, path, "may never have been written");
    mem_free(s);
    demo_release(&d);
}

static void test_an_index_that_lies_is_found(void **state)
{
    struct demo d;
    struct seen *s;
    uint8_t footer[64 + 24];
    uint64_t at;
    char path[128];

    (void)state;
    demo_make_full(&d, 1);
    s = see(d.disk);
    at = s->segments[0].bytes;
    (void)snprintf(path, sizeof(path), "log/hot-%016" PRIx64 ".seg", s->segments[0].first);
    sim_disk_flip_bit(d.disk, path, at + 20, 1);
    assert_told(see(d.disk), 1, path, "the index is missing or damaged");
    sim_disk_flip_bit(d.disk, path, at + 20, 1);

    /* One entry, with a good checksum, that names a place between two batches. */
    sim_disk_peek(d.disk, path, at, footer, sizeof(footer));
    put_le32(footer + 12, 1);
    put_le64(footer + 64 + 8, s->batches[1].at + 512 * 100);
    put_le32(footer + 8, crc32c(footer + 12, sizeof(footer) - 12));
    patch(&d, path, at, footer, sizeof(footer));
    mem_free(s);
    s = see(d.disk);
    assert_int_equal(s->told.in.problems, 1);
    assert_non_null(strstr(s->told.text, "the index"));
    mem_free(s);
    demo_release(&d);
}

/* Seals the batch `b` anew, with another header and a right checksum, at `to` in the same file. */
static void reseal(struct demo *d, const struct inspect_batch *b, struct batch_head head,
                   uint64_t to)
{
    uint8_t *bytes = mem_alloc(b->length);

    sim_disk_peek(d->disk, b->path, b->at, bytes, b->length);
    head.length = b->length;
    head.raw_size = b->raw_size;
    head.mark = get_le32(bytes + 60);
    batch_seal(bytes, &head);
    patch(d, b->path, to, bytes, b->length);
    mem_free(bytes);
}

static struct batch_head head_of(const struct inspect_batch *b)
{
    return (struct batch_head){.base = b->base,
                               .count = b->count,
                               .chain = b->chain,
                               .epoch = b->epoch,
                               .time_ms = b->time_ms,
                               .durable = b->durable};
}

static void test_a_batch_that_does_not_follow_is_found(void **state)
{
    struct demo d;
    struct seen *s;
    struct batch_head head;
    const struct inspect_batch *b;

    (void)state;
    demo_make_full(&d, 1);
    s = see(d.disk);
    b = hot_batch(s, 1);
    head = head_of(b);
    head.chain ^= 1;
    reseal(&d, b, head, b->at);
    /* The one behind it has the checksum that it had. */
    assert_told(see(d.disk), 2, "the chain is broken", "number");
    head = head_of(b);
    head.time_ms = 5;
    reseal(&d, b, head, b->at);
    assert_told(see(d.disk), 3, "its time is before", "the chain is broken");
    head = head_of(b);
    head.durable = b->base + 1;
    reseal(&d, b, head, b->at);
    assert_told(see(d.disk), 2, "durability cannot be", "the chain is broken");
    head = head_of(b);
    head.count = b->count + 1;
    reseal(&d, b, head, b->at);
    mem_free(s);
    s = see(d.disk);
    assert_non_null(strstr(s->told.text, "a record does not fit into its payload"));
    mem_free(s);
    demo_release(&d);
}

static void test_bytes_behind_the_last_record_of_a_batch_are_found(void **state)
{
    struct demo d;
    struct seen *s;
    struct batch_head head;
    const struct inspect_batch *b;

    (void)state;
    demo_make_full(&d, 1);
    s = see(d.disk);
    b = hot_batch(s, -1);
    assert_true(b->count > 1);
    set_watermark(&d, b->base);
    head = head_of(b);
    head.count--;
    reseal(&d, b, head, b->at);
    assert_told(see(d.disk), 1, b->path, "there is something behind its last record");
    mem_free(s);
    demo_release(&d);
}

static void test_a_good_batch_behind_the_tail_that_does_not_follow_is_old(void **state)
{
    struct demo d;
    struct seen *s, *after;
    struct batch_head head;
    const struct inspect_batch *b;

    (void)state;
    demo_make_full(&d, 1);
    s = see(d.disk);
    b = hot_batch(s, -1);
    head = head_of(b);
    head.base = d.appended;
    head.chain = b->crc ^ 1;
    reseal(&d, b, head, s->told.log.tail_at);
    after = see(d.disk);
    assert_int_equal(after->told.log.next, d.appended);
    assert_int_equal(after->told.log.tail, INSPECT_TAIL_OLD);
    assert_string_equal(after->told.text, "");
    mem_free(after);
    head.chain = b->crc;
    reseal(&d, b, head, s->told.log.tail_at);
    after = see(d.disk);
    assert_int_equal(after->told.log.next, d.appended + head.count);
    mem_free(after);
    mem_free(s);
    demo_release(&d);
}

static void test_a_header_that_lies_about_the_segment_before_is_found(void **state)
{
    struct demo d;
    struct seen *s;
    uint8_t sector[512];
    char path[128];

    (void)state;
    demo_make_full(&d, 1);
    s = see(d.disk);
    (void)snprintf(path, sizeof(path), "log/hot-%016" PRIx64 ".seg", s->segments[1].first);
    sim_disk_peek(d.disk, path, 0, sector, sizeof(sector));
    sector[72] ^= 1;
    put_le32(sector + 8, crc32c(sector + 12, sizeof(sector) - 12));
    patch(&d, path, 0, sector, sizeof(sector));
    assert_told(see(d.disk), 1, path, "or with another chain");
    mem_free(s);
    demo_release(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_damage_in_a_sealed_segment_names_byte_and_positions),
        LEAK_CHECKED(test_damage_in_the_last_segment_is_a_wound_and_what_follows_is_shown),
        LEAK_CHECKED(test_a_torn_tail_above_the_watermark_is_a_note),
        LEAK_CHECKED(test_the_manifest_proves_a_wound_without_the_watermark),
        LEAK_CHECKED(test_a_later_batch_proves_a_wound_without_the_watermark),
        LEAK_CHECKED(test_a_missing_segment_in_the_row_is_named),
        LEAK_CHECKED(test_a_missing_first_segment_is_named),
        LEAK_CHECKED(test_all_segments_gone_is_a_loss),
        LEAK_CHECKED(test_a_lost_header_counts_only_when_something_there_was_durable),
        LEAK_CHECKED(test_an_index_that_lies_is_found),
        LEAK_CHECKED(test_a_batch_that_does_not_follow_is_found),
        LEAK_CHECKED(test_bytes_behind_the_last_record_of_a_batch_are_found),
        LEAK_CHECKED(test_a_good_batch_behind_the_tail_that_does_not_follow_is_old),
        LEAK_CHECKED(test_a_header_that_lies_about_the_segment_before_is_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
