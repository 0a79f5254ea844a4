/* Reads and writes at once what fits into memory. */
#include "tests/lib/text_file.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"

enum { FIRST_SIZE = 1 << 16, TEXT_FILE_SIZE_MAX = 1 << 30 };

char *text_file_read(const char *path)
{
    FILE *file = fopen(path, "rb");
    char *text = NULL;
    size_t room = FIRST_SIZE;
    size_t size = 0;

    if (file == NULL)
        return NULL;
    do {
        room *= 2;
        ASSERT(room <= TEXT_FILE_SIZE_MAX);
        text = (char *)mem_grow(text, room + 1, 1);
        size += fread(text + size, 1, room - size, file);
    } while (size == room);
    ASSERT(ferror(file) == 0 && feof(file) != 0);
    (void)fclose(file);
    text[size] = '\0';
    return text;
}

void text_file_write(const char *path, const char *text)
{
    FILE *file = fopen(path, "wb");

    ASSERT(file != NULL);
    size_t size = fwrite(text, 1, strlen(text), file);
    ASSERT(size == strlen(text));
    int rv = fclose(file);
    ASSERT(rv == 0);
}
