/* Rot: a bit of the broker's files turns while it is stopped. */
#include <stdio.h>
#include <string.h>

#include "io/sim/sim_disk.h"
#include "tests/trust/faults.h"

/* A walk over all files, up to the one that is wanted. */
struct search {
    struct rot *rot;
    uint64_t left;  /* files */
    uint64_t bytes; /* of it */
};

static void see_file(void *owner, const char *path, bool is_dir, uint64_t size)
{
    struct search *s = owner;

    if (is_dir || size == 0)
        return;
    if (s->left-- == 0) {
        snprintf(s->rot->path, sizeof(s->rot->path), "%s", path);
        s->bytes = size;
    }
}

static void count_file(void *owner, const char *path, bool is_dir, uint64_t size)
{
    (void)path;
    *(uint64_t *)owner += !is_dir && size > 0;
}

static void turn_bit(struct run *r)
{
    sim_disk_flip_bit(r->world.disk, r->rot.path, r->rot.at, r->rot.bit);
}

/* Mostly where something is: in the first part of the file. */
static void spread(struct run *r)
{
    struct search s = {.rot = &r->rot};
    uint64_t files = 0;

    sim_disk_walk(r->world.disk, count_file, &files);
    s.left = run_below(r, files);
    sim_disk_walk(r->world.disk, see_file, &s);
    r->rot.at = run_below(r, run_chance(r, 1, 2) ? s.bytes : s.bytes / 16 + 1);
    r->rot.bit = (unsigned)run_below(r, 8);
    turn_bit(r);
}

static bool names_it(const struct run *r, const char *text)
{
    const char *name = strrchr(r->rot.path, '/');

    return r->rot.path[0] != '\0' && strstr(text, name != NULL ? name + 1 : r->rot.path) != NULL;
}

void faults_hear(struct run *r, const char *line)
{
    if (r->speaks)
        printf("%s\n", line);
    if (r->rot.is_told || !names_it(r, line))
        return;
    r->rot.is_told = true;
    run_event(r, VERB_DAMAGED);
}

void faults_rot(struct run *r)
{
    struct err_note note = {{0}};

    if (r->rot.path[0] != '\0')
        return;
    faults_stop(r);
    spread(r);
    if (world_try_open(&r->world, &note) == 0) {
        run_event(r, VERB_START);
        return;
    }
    if (!names_it(r, note.text))
        run_trouble(r, "a bit of '%s' turned, and it says: %s", r->rot.path, note.text);
    turn_bit(r); /* put back from a backup */
    r->rot.path[0] = '\0';
    if (r->trouble[0] == '\0')
        faults_open(r);
}
