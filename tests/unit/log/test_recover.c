/* Tests of log/recover.h: what an opening believes of files that are good by themselves and yet not
 * what comes next, and what it says of files that it cannot use. */
#include "log/recover.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/crc32c.h"
#include "base/mem.h"
#include "log/batch.h"
#include "log/manifest.h"
#include "log/segment.h"
#include "log/statefile.h"
#include "tests/lib/leaks.h"
#include "tests/unit/log/log_world.h"

enum { BODY = 100, RECORDS = 3, PATH_BYTES = 128, LANE = 3 };

/* ---- files, changed ---- */

struct whole_file {
    char path[PATH_BYTES];
    uint8_t *bytes;
    size_t size;
};

static void file_read(struct log_world *w, const char *path, struct whole_file *f)
{
    snprintf(f->path, sizeof(f->path), "%s", path);
    f->size = sim_disk_file_size(w->disk, path);
    f->bytes = mem_alloc(f->size);
    sim_disk_peek(w->disk, path, 0, f->bytes, f->size);
}

static void file_put(struct log_world *w, struct whole_file *f)
{
    sim_disk_put(w->disk, f->path, f->bytes, f->size);
    mem_free(f->bytes);
}

/* Of those whose path begins so, the first and the last. */
struct found {
    const char *prefix;
    char first[PATH_BYTES];
    char last[PATH_BYTES];
};

static void on_path(void *owner, const char *path, bool is_dir, uint64_t size)
{
    struct found *found = owner;

    (void)is_dir;
    (void)size;
    if (strncmp(path, found->prefix, strlen(found->prefix)) != 0)
        return;
    if (found->first[0] == '\0')
        snprintf(found->first, sizeof(found->first), "%s", path);
    snprintf(found->last, sizeof(found->last), "%s", path);
}

static struct found find(struct log_world *w, const char *prefix)
{
    struct found found = {.prefix = prefix};

    sim_disk_walk(w->disk, on_path, &found);
    assert_true(found.first[0] != '\0');
    return found;
}

/* Gives a state file another version, with a right checksum. */
static void make_newer(struct log_world *w, const char *path)
{
    struct whole_file f;

    file_read(w, path, &f);
    put_le32(f.bytes + 12, 99);
    put_le32(f.bytes + 8, crc32c(f.bytes + 12, f.size - 12));
    file_put(w, &f);
}

/* ---- the last segment ---- */

struct last_segment {
    struct whole_file file;
    size_t last; /* where the last batch begins */
    size_t end;  /* and ends */
    struct batch_head head;
};

static void segment_read(struct log_world *w, struct last_segment *s)
{
    struct batch_head head;
    size_t at = SEGMENT_HEADER_SIZE;

    file_read(w, find(w, "log/hot-").last, &s->file);
    s->last = at;
    while (batch_read(s->file.bytes + at, s->file.size - at, get_le32(s->file.bytes + at + 60),
                      &head) == 0) {
        s->last = at;
        s->head = head;
        at += batch_padded(head.length);
    }
    s->end = at;
    assert_true(s->end > SEGMENT_HEADER_SIZE);
}

/* A copy of the last batch, at that place, with another header; its checksum is right. */
static void add_batch(struct last_segment *s, size_t at, struct batch_head head)
{
    assert_true(at + head.length <= s->file.size);
    memcpy(s->file.bytes + at, s->file.bytes + s->last, head.length);
    batch_seal(s->file.bytes + at, &head);
}

/* The batch that would come next. */
static struct batch_head next_head(const struct last_segment *s)
{
    struct batch_head head = s->head;

    head.base = s->head.base + s->head.count;
    head.chain = s->head.crc;
    return head;
}

/* A log of a few records, each a batch, that lost its power; its last segment. */
static void begin(struct log_world *w, struct last_segment *s)
{
    log_world_init(w);
    log_world_open(w);
    log_world_append_each(w, KIND_KEEP, BODY, RECORDS);
    log_world_settle(w);
    log_world_crash(w);
    segment_read(w, s);
}

/* The log can be opened and then has so many records. */
static void expect_records(struct log_world *w, uint64_t count)
{
    log_world_open(w);
    assert_int_equal(log_next(w->log), count);
    assert_int_equal(w->told.replayed, count);
    log_world_close(w);
    log_world_release(w);
}

static void expect_refused(struct log_world *w, int err, const char *text)
{
    assert_int_equal(log_world_try_open(w), err);
    if (strstr(w->note.text, text) == NULL)
        fail_msg("'%s' without '%s'", w->note.text, text);
    assert_int_equal(sim_disk_open_files(w->disk), 0);
}

static void test_a_batch_that_follows_in_all_is_taken(void **state)
{
    struct last_segment s;
    struct log_world w;

    (void)state;
    begin(&w, &s);
    add_batch(&s, s.end, next_head(&s));
    file_put(&w, &s.file);
    expect_records(&w, RECORDS + 1);
}

/* Each is one field away from the batch that would come next (V2). */
static void test_a_good_batch_that_does_not_follow_is_not_taken(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 5; i++) {
        struct last_segment s;
        struct log_world w;

        begin(&w, &s);
        struct batch_head head = next_head(&s);
        head.chain += i == 0;
        head.base += i == 1;
        head.base -= i == 2;
        head.epoch -= i == 3;
        head.attributes = i == 4 ? BATCH_NUMBERED : 0;
        add_batch(&s, s.end, head);
        file_put(&w, &s.file);
        expect_records(&w, RECORDS);
    }
}

/* Of the log that was there before its file was recycled: base and epoch fit by chance, and only
 * the chain tells. */
static void test_the_chain_alone_tells_a_stale_batch_from_the_next_one(void **state)
{
    struct last_segment s;
    struct log_world w;

    (void)state;
    begin(&w, &s);
    struct batch_head head = next_head(&s);
    head.chain = s.head.chain; /* as if it followed the one before the last */
    add_batch(&s, s.end, head);
    file_put(&w, &s.file);
    log_world_open(&w);
    assert_int_equal(log_next(w.log), RECORDS);
    log_world_append_each(&w, KIND_KEEP, BODY, 1); /* and is overwritten */
    log_world_settle(&w);
    log_world_crash(&w);
    expect_records(&w, RECORDS + 1);
}

static void test_a_later_batch_that_proves_more_makes_it_a_wound(void **state)
{
    struct last_segment s;
    struct log_world w;

    (void)state;
    begin(&w, &s);
    struct batch_head head = next_head(&s);
    head.base += 5;
    head.durable = head.base;
    add_batch(&s, s.end + (size_t)3 * BATCH_ALIGN, head);
    file_put(&w, &s.file);
    expect_refused(&w, ERR_CORRUPT, "were durable and cannot be read");
    log_world_release(&w);
}

static void test_a_later_batch_that_proves_nothing_does_not(void **state)
{
    struct last_segment s;
    struct log_world w;

    (void)state;
    begin(&w, &s);
    struct batch_head head = next_head(&s);
    head.base += 5;
    add_batch(&s, s.end + (size_t)3 * BATCH_ALIGN, head);
    file_put(&w, &s.file);
    expect_records(&w, RECORDS);
}

/* A log whose lane was let go of after its last records, which no renewal of the watermark knows;
 * then it lost its power. */
static void begin_let_go(struct log_world *w, struct last_segment *s)
{
    log_world_init(w);
    log_world_open(w);
    log_world_move(w, LANE, 0, NULL, BODY);
    log_world_fill_segment(w, KIND_KEEP, 3000);
    log_world_checkpoint(w);
    log_world_close(w);
    assert_int_equal(log_world_count_files(w, "cold-"), 2);
    w->options.watermark_interval_ms = 60000;
    log_world_open(w);
    for (int i = 0; i < RECORDS; i++) {
        log_world_append(w, KIND_KEEP, BODY);
        log_world_run_ms(w, 5);
    }
    log_drop(w->log, LANE);
    log_world_run_ms(w, 100);
    assert_int_equal(log_world_count_files(w, "cold-"), 1);
    log_world_crash(w);
    segment_read(w, s);
}

/* To let go was right only because of what these records say: without them the log would be older
 * than its files. */
static void test_the_end_for_which_files_went_is_not_cut(void **state)
{
    struct watermark mark;
    struct last_segment s;
    struct log_world w;
    char text[64];
    int bad = 0;

    (void)state;
    begin_let_go(&w, &s);
    struct site site = {.disk = sim_disk_as_disk(w.disk), .dir = "log"};
    memcpy(site.id, s.file.bytes + 16, SITE_ID_SIZE);
    assert_int_equal(watermark_read(&site, &mark, &bad), 0);
    assert_true(mark.position < s.head.base);
    s.file.bytes[s.last + BATCH_HEADER_SIZE]++;
    file_put(&w, &s.file);
    snprintf(text, sizeof(text), "positions %" PRIu64 " to %" PRIu64 " were durable", s.head.base,
             s.head.base);
    expect_refused(&w, ERR_CORRUPT, text);
    log_world_release(&w);
}

/* Its checksum is right, and what it says of its records is not. */
static void test_a_batch_whose_records_do_not_fit_stops_the_opening(void **state)
{
    struct last_segment s;
    struct log_world w;

    (void)state;
    begin(&w, &s);
    memset(s.file.bytes + s.last + BATCH_HEADER_SIZE, 0xff, 4); /* the size of the first record */
    batch_seal(s.file.bytes + s.last, &s.head);
    file_put(&w, &s.file);
    expect_refused(&w, ERR_CORRUPT, "position 2 in 'log' cannot be replayed");
    log_world_release(&w);
}

/* ---- sealed segments ---- */

/* Three segments, of which a replay reads the first two by what they say of one another. */
static void begin_sealed(struct log_world *w, struct last_segment *s)
{
    log_world_init(w);
    log_world_open(w);
    log_world_fill_segment(w, KIND_KEEP, 2000);
    log_world_fill_segment(w, KIND_KEEP, 2000);
    log_world_settle(w);
    log_world_close(w);
    file_read(w, find(w, "log/hot-").first, &s->file);
}

/* The n-th batch of the file, changed by `change` and with a right checksum. */
static void change_batch(struct last_segment *s, unsigned n, void (*change)(struct batch_head *))
{
    size_t at = SEGMENT_HEADER_SIZE;
    struct batch_head head;

    for (;; n--) {
        assert_int_equal(batch_read(s->file.bytes + at, s->file.size - at,
                                    get_le32(s->file.bytes + at + 60), &head),
                         0);
        if (n == 0)
            break;
        at += batch_padded(head.length);
    }
    change(&head);
    batch_seal(s->file.bytes + at, &head);
}

static void change_time(struct batch_head *h)
{
    h->time_ms++;
}

static void change_base(struct batch_head *h)
{
    h->base++;
}

static void change_attributes(struct batch_head *h)
{
    h->attributes = BATCH_NUMBERED;
}

static void change_chain(struct batch_head *h)
{
    h->chain++;
}

/* Good by itself, but not what was there: the next one, or the segment behind, tells. */
static void test_a_sealed_batch_that_is_another_one_is_damage(void **state)
{
    static void (*const changes[])(struct batch_head *) = {change_time, change_base,
                                                           change_attributes, change_chain};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
        for (unsigned n = 1; n <= 4; n++) {
            struct last_segment s;
            struct log_world w;

            begin_sealed(&w, &s);
            change_batch(&s, n, changes[i]);
            file_put(&w, &s.file);
            expect_refused(&w, ERR_CORRUPT, "was durable and cannot be read");
            log_world_release(&w);
        }
    }
}

static void test_the_last_batch_of_a_segment_is_known_by_the_next_segment(void **state)
{
    struct last_segment s;
    struct log_world w;

    (void)state;
    begin_sealed(&w, &s);
    unsigned last = 0;
    size_t at = SEGMENT_HEADER_SIZE;
    struct batch_head head;
    while (batch_read(s.file.bytes + at, s.file.size - at, get_le32(s.file.bytes + at + 60),
                      &head) == 0) {
        at += batch_padded(head.length);
        last++;
    }
    change_batch(&s, last - 1, change_time);
    file_put(&w, &s.file);
    expect_refused(&w, ERR_CORRUPT, "was durable and cannot be read");
    log_world_release(&w);
}

/* ---- lanes without a checkpoint ---- */

/* A log with two lanes, whose checkpoints are lost. */
static void begin_without_checkpoint(struct log_world *w)
{
    log_world_init(w);
    log_world_open(w);
    for (uint64_t i = 0; i < 60; i++) {
        log_world_move(w, 1 + i % 2, i, NULL, 2000);
        log_world_settle(w);
    }
    log_world_checkpoint(w);
    log_sort(w->log);
    log_world_settle(w);
    log_world_close(w);
    (void)find(w, "log/cold-");
    for (size_t i = log_world_count_files(w, "checkpoint-"); i > 0; i--)
        sim_disk_erase(w->disk, find(w, "log/checkpoint-").first);
}

static void test_a_missing_cold_file_does_not_stop_survivors(void **state)
{
    struct log_world w;

    (void)state;
    begin_without_checkpoint(&w);
    sim_disk_erase(w.disk, find(&w, "log/cold-").first);
    log_world_open(&w);
    log_world_close(&w);
    log_world_release(&w);
}

static void test_an_owner_that_refuses_a_survivor_stops_the_opening(void **state)
{
    struct log_world w;

    (void)state;
    begin_without_checkpoint(&w);
    w.replay_rv = ERR_INVALID;
    expect_refused(&w, ERR_INVALID, "cannot read 'log/cold-");
    assert_int_equal(w.told.survivors, 1);
    log_world_release(&w);
}

static void test_a_cold_file_that_cannot_be_read_now_stops_the_opening(void **state)
{
    struct log_world w;

    (void)state;
    begin_without_checkpoint(&w);
    log_world_fail(&w, SIM_OP_BIT(SIM_OP_READ), "cold-", ERR_IO, 0);
    expect_refused(&w, ERR_IO, "cannot read 'log/cold-");
    sim_disk_clear_faults(w.disk);
    log_world_open(&w);
    assert_true(w.told.survivors > 0);
    log_world_close(&w);
    log_world_release(&w);
}

/* ---- manifests ---- */

static void test_a_manifest_that_names_overlapping_files_is_refused(void **state)
{
    static const char *const copies[] = {"log/manifest", "log/manifest.copy"};
    enum { ENTRIES_AT = STATEFILE_HEADER_SIZE + 32, ENTRY_BYTES = 88 };
    struct log_world w;

    (void)state;
    begin_without_checkpoint(&w);
    for (size_t i = 0; i < ARRAY_SIZE(copies); i++) {
        struct whole_file f;

        file_read(&w, copies[i], &f);
        assert_true(f.size >= ENTRIES_AT + 2 * ENTRY_BYTES);
        memcpy(f.bytes + ENTRIES_AT + ENTRY_BYTES + 8, f.bytes + ENTRIES_AT + 8, ENTRY_BYTES - 8);
        put_le32(f.bytes + 8, crc32c(f.bytes + 12, f.size - 12));
        file_put(&w, &f);
    }
    expect_refused(&w, ERR_CORRUPT, "'log/manifest' names overlapping files");
    log_world_release(&w);
}

/* ---- trash ---- */

static void test_what_is_strange_in_trash_stays_there(void **state)
{
    static const char *const strange[] = {"log/trash/short", "log/trash/no-number-in-front-of-it",
                                          "log/trash/0000000000000001-dir/file"};
    struct log_world w;

    (void)state;
    log_world_init(&w);
    log_world_open(&w);
    log_world_close(&w);
    for (size_t i = 0; i < ARRAY_SIZE(strange); i++)
        sim_disk_put(w.disk, strange[i], "x", 1);
    sim_disk_put(w.disk, "log/trash/0000000000000001-old.seg", "x", 1);
    log_world_open(&w);
    for (size_t i = 0; i < ARRAY_SIZE(strange); i++)
        assert_true(sim_disk_has(w.disk, strange[i]));
    assert_false(sim_disk_has(w.disk, "log/trash/0000000000000001-old.seg"));
    log_world_close(&w);
    log_world_release(&w);
}

/* ---- a newer version ---- */

static void test_a_batch_of_a_newer_version_stops_the_opening(void **state)
{
    struct last_segment s;
    struct log_world w;

    (void)state;
    begin(&w, &s);
    uint8_t *at = s.file.bytes + s.last;
    put_le16(at + 12, BATCH_VERSION + 1);
    put_le32(at + 4, crc32c(at + 8, s.head.length - 8));
    file_put(&w, &s.file);
    expect_refused(&w, ERR_VERSION, "was written by a newer version; start that version");
    log_world_release(&w);
}

static void test_a_segment_of_a_newer_version_stops_the_opening(void **state)
{
    struct last_segment s;
    struct log_world w;

    (void)state;
    begin(&w, &s);
    put_le16(s.file.bytes + 12, SEGMENT_VERSION + 1);
    put_le32(s.file.bytes + 8, crc32c(s.file.bytes + 12, SEGMENT_SECTOR_SIZE - 12));
    file_put(&w, &s.file);
    expect_refused(&w, ERR_VERSION, ".seg' was written by a newer version");
    log_world_release(&w);
}

static void test_a_checkpoint_or_manifest_of_a_newer_version_stops_the_opening(void **state)
{
    struct log_world w;

    (void)state;
    log_world_init(&w);
    log_world_open(&w);
    log_world_append_each(&w, KIND_KEEP, BODY, RECORDS);
    log_world_checkpoint(&w);
    log_world_close(&w);
    make_newer(&w, find(&w, "log/checkpoint-").last);
    expect_refused(&w, ERR_VERSION, "was written by a newer version");
    make_newer(&w, "log/manifest");
    make_newer(&w, "log/manifest.copy");
    expect_refused(&w, ERR_VERSION, "'log/manifest' was written by a newer version");
    log_world_release(&w);
}

/* ---- what is lost ---- */

static void test_segments_without_any_manifest_are_refused(void **state)
{
    struct last_segment s;
    struct log_world w;

    (void)state;
    begin(&w, &s);
    mem_free(s.file.bytes);
    sim_disk_erase(w.disk, "log/manifest");
    sim_disk_erase(w.disk, "log/manifest.copy");
    expect_refused(&w, ERR_CORRUPT, "'log' has segments but no manifest");
    log_world_release(&w);
}

static void test_two_damaged_manifests_are_refused(void **state)
{
    struct last_segment s;
    struct log_world w;

    (void)state;
    begin(&w, &s);
    mem_free(s.file.bytes);
    sim_disk_flip_bit(w.disk, "log/manifest", 50, 3);
    sim_disk_flip_bit(w.disk, "log/manifest.copy", 50, 3);
    expect_refused(&w, ERR_CORRUPT, "'log/manifest' and its copy are damaged");
    log_world_release(&w);
}

static void test_what_cannot_be_made_anew_is_told_and_tried_again(void **state)
{
    static const struct {
        const char *lost;
        const char *part; /* of paths whose writing fails */
        const char *text;
    } cases[] = {
        {"log/manifest.copy", "manifest", "cannot write 'log/manifest'"},
        {"log/watermark", "watermark", "cannot make 'log/watermark' anew"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct last_segment s;
        struct log_world w;

        begin(&w, &s);
        mem_free(s.file.bytes);
        sim_disk_erase(w.disk, cases[i].lost);
        log_world_fail(&w, SIM_OP_BIT(SIM_OP_WRITE), cases[i].part, ERR_NO_SPACE, 0);
        expect_refused(&w, ERR_NO_SPACE, cases[i].text);
        sim_disk_clear_faults(w.disk);
        expect_records(&w, RECORDS);
    }
}

/* As after a power cut between the two: the older one may name what is deleted next. */
static void test_an_older_copy_of_the_manifest_is_made_anew(void **state)
{
    struct sim_fault fault = {
        .ops = SIM_OP_BIT(SIM_OP_WRITE), .path_part = "manifest.copy", .err = ERR_NO_SPACE};
    struct manifest m = {0};
    bool is_wounded = false;
    struct last_segment s;
    struct log_world w;

    (void)state;
    for (int is_full = 0; is_full < 2; is_full++) {
        begin(&w, &s);
        mem_free(s.file.bytes);
        struct site site = {.disk = sim_disk_as_disk(w.disk), .dir = "log"};

        assert_int_equal(manifest_read(&site, &m, &is_wounded), 0);
        assert_false(m.is_alone);
        uint64_t newest = ++m.generation;

        sim_disk_add_fault(w.disk, &fault);
        assert_int_equal(manifest_write(&site, &m), ERR_NO_SPACE);
        manifest_release(&m);
        if (is_full == 0)
            sim_disk_clear_faults(w.disk);
        log_world_open(&w); /* also where there is no space for the copy */
        sim_disk_clear_faults(w.disk);
        log_world_close(&w);
        if (is_full == 0)
            sim_disk_flip_bit(w.disk, "log/manifest", 50, 3);
        assert_int_equal(manifest_read(&site, &m, &is_wounded), 0);
        assert_int_equal(is_wounded, is_full == 0);
        assert_int_equal(m.is_alone, is_full != 0);
        assert_true(m.generation >= newest); /* that of the copy, too */
        manifest_release(&m);
        expect_records(&w, RECORDS);
    }
}

static void test_a_last_segment_that_was_cut_gets_its_size_again(void **state)
{
    struct log_world w;

    (void)state;
    log_world_init(&w);
    log_world_open(&w);
    log_world_close(&w);
    const char *path = find(&w, "log/hot-").last;
    sim_disk_cut(w.disk, path, SEGMENT_HEADER_SIZE);
    log_world_open(&w);
    assert_int_equal(sim_disk_file_size(w.disk, find(&w, "log/hot-").last),
                     w.options.segment_bytes);
    log_world_append_each(&w, KIND_KEEP, BODY, RECORDS);
    log_world_settle(&w);
    log_world_crash(&w);
    expect_records(&w, RECORDS);
}

static void test_a_missing_segment_of_the_row_is_named(void **state)
{
    struct log_world w;

    (void)state;
    log_world_init(&w);
    log_world_open(&w);
    log_world_fill_segment(&w, KIND_KEEP, 2000);
    log_world_settle(&w);
    log_world_close(&w);
    sim_disk_erase(w.disk, find(&w, "log/hot-").first);
    expect_refused(&w, ERR_CORRUPT, "hot-0000000000000000.seg' is missing");
    log_world_release(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_a_batch_that_follows_in_all_is_taken),
        LEAK_CHECKED(test_a_good_batch_that_does_not_follow_is_not_taken),
        LEAK_CHECKED(test_the_chain_alone_tells_a_stale_batch_from_the_next_one),
        LEAK_CHECKED(test_a_later_batch_that_proves_more_makes_it_a_wound),
        LEAK_CHECKED(test_a_later_batch_that_proves_nothing_does_not),
        LEAK_CHECKED(test_the_end_for_which_files_went_is_not_cut),
        LEAK_CHECKED(test_a_batch_whose_records_do_not_fit_stops_the_opening),
        LEAK_CHECKED(test_a_sealed_batch_that_is_another_one_is_damage),
        LEAK_CHECKED(test_the_last_batch_of_a_segment_is_known_by_the_next_segment),
        LEAK_CHECKED(test_a_missing_cold_file_does_not_stop_survivors),
        LEAK_CHECKED(test_an_owner_that_refuses_a_survivor_stops_the_opening),
        LEAK_CHECKED(test_a_cold_file_that_cannot_be_read_now_stops_the_opening),
        LEAK_CHECKED(test_a_manifest_that_names_overlapping_files_is_refused),
        LEAK_CHECKED(test_what_is_strange_in_trash_stays_there),
        LEAK_CHECKED(test_a_batch_of_a_newer_version_stops_the_opening),
        LEAK_CHECKED(test_a_segment_of_a_newer_version_stops_the_opening),
        LEAK_CHECKED(test_a_checkpoint_or_manifest_of_a_newer_version_stops_the_opening),
        LEAK_CHECKED(test_segments_without_any_manifest_are_refused),
        LEAK_CHECKED(test_two_damaged_manifests_are_refused),
        LEAK_CHECKED(test_what_cannot_be_made_anew_is_told_and_tried_again),
        LEAK_CHECKED(test_an_older_copy_of_the_manifest_is_made_anew),
        LEAK_CHECKED(test_a_last_segment_that_was_cut_gets_its_size_again),
        LEAK_CHECKED(test_a_missing_segment_of_the_row_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
