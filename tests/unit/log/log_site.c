/* See log_site.h. */
#include "tests/unit/log/log_site.h"

#include "tests/lib/test.h"

struct log_options log_site_options(void)
{
    return (struct log_options){
        .segment_bytes = 32 << 10,
        .block_bytes = 4 << 10,
        .cache_bytes = 64 << 10,
        .pending_bytes_max = 64 << 10,
        .spare_segments = 3,
        .cold_segment_bytes = 32 << 10,
        .sorter_buffer_bytes = 16 << 10,
        .watermark_interval_ms = 1000,
        .trash_keep_ms = 86400000,
        .debt_bytes_max = 1 << 20,
    };
}

void log_site_init(struct log_site *s)
{
    struct disk *disk;

    s->disk = sim_disk_new(NULL);
    disk = sim_disk_as_disk(s->disk);
    assert_int_equal(disk_make_dir(disk, "log"), 0);
    assert_int_equal(disk_sync_dir(disk, "/"), 0);
    s->site = (struct site){.disk = disk, .dir = "log", .options = log_site_options()};
    for (unsigned i = 0; i < SITE_ID_SIZE; i++)
        s->site.id[i] = (uint8_t)(i * 7 + 1);
}

void log_site_release(struct log_site *s)
{
    assert_int_equal(sim_disk_open_files(s->disk), 0);
    sim_disk_free(s->disk);
}

struct disk_file *log_site_open(struct log_site *s, const char *name, unsigned flags)
{
    struct site_path path = site_path(&s->site, "%s", name);
    struct disk_file *f = NULL;

    assert_int_equal(disk_open(s->site.disk, path.text, flags, &f), 0);
    return f;
}

void log_site_put(struct log_site *s, const char *name, const void *bytes, size_t size)
{
    sim_disk_put(s->disk, site_path(&s->site, "%s", name).text, bytes, size);
}

bool log_site_has(const struct log_site *s, const char *name)
{
    return sim_disk_has(s->disk, site_path(&s->site, "%s", name).text);
}

void log_site_flip(struct log_site *s, const char *name, uint64_t at, unsigned bit)
{
    sim_disk_flip_bit(s->disk, site_path(&s->site, "%s", name).text, at, bit);
}

void log_site_cut(struct log_site *s, const char *name, uint64_t size)
{
    sim_disk_cut(s->disk, site_path(&s->site, "%s", name).text, size);
}

uint64_t log_site_size(const struct log_site *s, const char *name)
{
    return sim_disk_file_size(s->disk, site_path(&s->site, "%s", name).text);
}

void log_site_fail(struct log_site *s, unsigned ops, int err, uint64_t times)
{
    (void)sim_disk_add_fault(s->disk, &(struct sim_fault){.err = err, .ops = ops, .times = times});
}

void log_site_crash(struct log_site *s)
{
    sim_disk_crash(s->disk, &(struct sim_crash){.kind = SIM_CRASH_NOTHING});
}
