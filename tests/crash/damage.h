/* Where in the files of a log what stands: so that headers can be damaged bit by bit, and the rest
 * by sampling. Works on the bytes alone, from the drawings in the headers of the log. */
#ifndef TESTS_CRASH_DAMAGE_H
#define TESTS_CRASH_DAMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "io/sim/sim_disk.h"

enum { DAMAGE_PATH_SIZE = 96 };

/* A stretch of a file whose bytes are of one sort. */
struct stretch {
    uint64_t at;
    uint64_t size;
};

struct damage_file {
    char path[DAMAGE_PATH_SIZE];
    uint64_t size;
    struct stretch *heads; /* headers and metadata, rising; owned */
    size_t head_count;
    size_t head_capacity;
    uint64_t head_bytes;
};

/* All files of a disk. */
struct damage_map {
    const struct sim_disk *disk;
    struct damage_file *files;
    size_t count;
    size_t capacity;
    uint64_t head_bytes;
    uint64_t bytes;
    uint64_t sectors;
    uint64_t batches;
};

void damage_map_init(struct damage_map *m, const struct sim_disk *disk);
void damage_map_release(struct damage_map *m);

/* The place of the n-th byte of all headers and metadata, and of the n-th byte of everything. */
struct damage_place {
    const struct damage_file *file;
    uint64_t at;
};
struct damage_place damage_head_byte(const struct damage_map *m, uint64_t n);
struct damage_place damage_byte(const struct damage_map *m, uint64_t n);
/* The place of the n-th sector of everything; `at` is its number in the file. */
struct damage_place damage_sector(const struct damage_map *m, uint64_t n);
/* The sector in which the n-th batch starts. */
struct damage_place damage_batch(const struct damage_map *m, uint64_t n);

#endif
