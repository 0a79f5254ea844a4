/* The files of a folder whose names have an ending, in the order of their names. */
#ifndef SERVER_FOLDER_H
#define SERVER_FOLDER_H

#include <stddef.h>

#include "base/check.h"

struct disk;

enum { FOLDER_FILES_MAX = 256 };

/* Whole paths, owned. */
struct folder {
    char **paths;
    size_t count; /* one more than FOLDER_FILES_MAX when there are more */
};

/* What is to be read for that path: the files of a folder, or the path itself, which need not be
 * there. Blocks. */
void folder_list(struct disk *d, const char *path, const char *ending, struct folder *out);
void folder_release(struct folder *f);

#endif
