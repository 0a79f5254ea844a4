/* Short words for tests on a simulated disk: each is one operation of io/disk.h that must
 * succeed. */
#ifndef TESTS_UNIT_IO_SIM_DISK_WORDS_H
#define TESTS_UNIT_IO_SIM_DISK_WORDS_H

#include <string.h>

#include "base/err.h"
#include "io/sim/sim_disk.h"
#include "tests/lib/test.h"

enum { DISK_WORDS_TEXT_MAX = 8192 };

static inline struct disk_file *open_made(struct sim_disk *d, const char *path)
{
    struct disk_file *f = NULL;

    assert_int_equal(
        0, disk_open(sim_disk_as_disk(d), path, DISK_READ | DISK_WRITE | DISK_CREATE, &f));
    return f;
}

static inline int try_write(struct disk_file *f, uint64_t at, const void *bytes, size_t size)
{
    struct iovec part = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = size};

    return disk_write(f, &part, 1, at);
}

static inline void write_text(struct disk_file *f, uint64_t at, const char *text)
{
    assert_int_equal(0, try_write(f, at, text, strlen(text)));
}

/* Writes `count` sectors full of one letter, from sector `first` on. */
static inline int try_fill(struct disk_file *f, uint64_t first, size_t count, char letter)
{
    char bytes[16 * SIM_SECTOR];

    assert_true(count * SIM_SECTOR <= sizeof(bytes));
    memset(bytes, letter, count * SIM_SECTOR);
    return try_write(f, first * SIM_SECTOR, bytes, count * SIM_SECTOR);
}

static inline void fill(struct disk_file *f, uint64_t first, size_t count, char letter)
{
    assert_int_equal(0, try_fill(f, first, count, letter));
}

static inline void sync_file(struct disk_file *f)
{
    assert_int_equal(0, disk_sync(f));
}

static inline void sync_names(struct sim_disk *d, const char *path)
{
    assert_int_equal(0, disk_sync_dir(sim_disk_as_disk(d), path));
}

static inline void make_dir(struct sim_disk *d, const char *path)
{
    assert_int_equal(0, disk_make_dir(sim_disk_as_disk(d), path));
}

static inline void rename_file(struct sim_disk *d, const char *from, const char *to)
{
    assert_int_equal(0, disk_rename(sim_disk_as_disk(d), from, to));
}

static inline void remove_file(struct sim_disk *d, const char *path)
{
    assert_int_equal(0, disk_remove(sim_disk_as_disk(d), path));
}

/* A closed file with this content, with nothing synced. */
static inline void make_file(struct sim_disk *d, const char *path, const char *text)
{
    struct disk_file *f = open_made(d, path);

    if (text[0] != '\0')
        write_text(f, 0, text);
    disk_close(f);
}

/* The same, durable with its name; its directory is `dir`. */
static inline void make_durable(struct sim_disk *d, const char *dir, const char *path,
                                const char *text)
{
    struct disk_file *f = open_made(d, path);

    if (text[0] != '\0')
        write_text(f, 0, text);
    sync_file(f);
    disk_close(f);
    sync_names(d, dir);
}

/* The file is there and holds exactly this. */
static inline void expect_text(const struct sim_disk *d, const char *path, const char *text)
{
    char bytes[DISK_WORDS_TEXT_MAX + 1] = {0};
    size_t size = 0;

    assert_true(sim_disk_has(d, path));
    size = (size_t)sim_disk_file_size(d, path);
    assert_true(size <= DISK_WORDS_TEXT_MAX);
    sim_disk_peek(d, path, 0, bytes, size);
    assert_string_equal(text, bytes);
    assert_int_equal(strlen(text), size);
}

/* One letter for each sector: what it is full of, '0' for zeros, '?' for a mixture. Borrowed
 * until the next call. */
static inline const char *sectors_of(const struct sim_disk *d, const char *path)
{
    static char letters[256];
    size_t size = (size_t)sim_disk_file_size(d, path);
    size_t count = 0;

    for (size_t at = 0; at < size; at += SIM_SECTOR) {
        char bytes[SIM_SECTOR];
        size_t part = size - at < SIM_SECTOR ? size - at : SIM_SECTOR;
        assert_true(count + 1 < sizeof(letters));
        sim_disk_peek(d, path, at, bytes, part);
        letters[count] = bytes[0] == '\0' ? '0' : bytes[0];
        for (size_t i = 1; i < part; i++)
            if (bytes[i] != bytes[0])
                letters[count] = '?';
        count++;
    }
    letters[count] = '\0';
    return letters;
}

/* What a crash of this kind leaves. */
static inline struct sim_disk *image_of(const struct sim_disk *d, enum sim_crash_kind kind)
{
    struct sim_crash c = {.kind = kind, .seed = 1};
    struct sim_disk *image = sim_disk_image(d, &c);

    sim_disk_check(d);
    sim_disk_check(image);
    return image;
}

#endif
