/* Any bytes as a configuration file: entries or sentences, never a crash, and always an end. */
#include <stdint.h>
#include <string.h>

#include "base/check.h"
#include "base/err.h"
#include "conf/conf_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct conf_entry entry;
    struct err_note note = {{0}};
    struct conf_reader reader;
    size_t turns = 0;
    int rv = conf_reader_init(&reader, bytes_of(data, size), &note);

    while (rv != ERR_NOT_FOUND && turns <= size) {
        turns++;
        rv = conf_read(&reader, &entry, &note);
        ASSERT(rv != 0 || strlen(entry.key) > 0);
        ASSERT(rv != ERR_INVALID || note.text[0] != '\0');
    }
    ASSERT(turns <= size + 1);
    return 0;
}
