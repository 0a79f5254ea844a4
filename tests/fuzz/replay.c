/* Replays a corpus through a fuzz target that is built without libFuzzer: every file of the folders
 * (or single files) named on the command line goes through LLVMFuzzerTestOneInput() once. A folder
 * that does not exist is an empty corpus. The empty input is always tried. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { REPLAY_INPUT_SIZE_MAX = 1 << 20, REPLAY_PATH_SIZE = 4096 };

static unsigned replay_file(const char *path)
{
    static uint8_t input[REPLAY_INPUT_SIZE_MAX];
    FILE *file = fopen(path, "rb");
    size_t size = 0;

    if (file == NULL) {
        fprintf(stderr, "cannot open '%s'\n", path);
        return 0;
    }
    size = fread(input, 1, sizeof(input), file);
    ASSERT(ferror(file) == 0);
    (void)fclose(file);
    (void)LLVMFuzzerTestOneInput(input, size);
    return 1;
}

static unsigned replay_folder(DIR *folder, const char *path)
{
    unsigned count = 0;
    struct dirent *entry = NULL;

    while ((entry = readdir(folder)) != NULL) {
        char file[REPLAY_PATH_SIZE];
        int length = 0;

        if (entry->d_name[0] == '.')
            continue;
        length = snprintf(file, sizeof(file), "%s/%s", path, entry->d_name);
        ASSERT(length > 0 && (size_t)length < sizeof(file));
        count += replay_file(file);
    }
    return count;
}

int main(int argc, char **argv)
{
    unsigned count = 1;

    (void)LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
    for (int i = 1; i < argc; i++) {
        DIR *folder = opendir(argv[i]);

        count += folder != NULL ? replay_folder(folder, argv[i]) : 0;
        if (folder != NULL)
            closedir(folder);
    }
    printf("%u inputs replayed\n", count);
    return 0;
}
