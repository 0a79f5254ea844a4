/* The memory of the machine, as Linux tells it in files. */
#include "server/machine.h"

#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/units.h"
#include "io/disk.h"

enum { FILE_MAX = 4096 };

/* The beginning of a file that the system makes up. */
static struct bytes read_file(struct disk *d, const char *path, char *area)
{
    struct disk_file *f = NULL;
    size_t size = 0;
    int rv = disk_open(d, path, DISK_READ, &f);

    if (rv == 0)
        rv = disk_read(f, area, FILE_MAX, 0, &size);
    disk_close(f);
    return bytes_of(area, rv == 0 ? size : 0);
}

/* The digits at the front of the text; 0 when there are none. */
static uint64_t leading_number(struct bytes text)
{
    uint64_t number = 0;
    size_t size = 0;

    while (size < text.size && text.data[size] >= '0' && text.data[size] <= '9')
        size++;
    return parse_u64(bytes_of(text.data, size), 0, UINT64_MAX, &number) == 0 ? number : 0;
}

/* "MemTotal:       16384000 kB" is the first line. */
static uint64_t total_memory(struct disk *d)
{
    static const char name[] = "MemTotal:";
    char area[FILE_MAX];
    struct bytes text = read_file(d, "/proc/meminfo", area);

    if (text.size < sizeof(name) || memcmp(text.data, name, sizeof(name) - 1) != 0)
        return 0;
    text = bytes_of(text.data + sizeof(name) - 1, text.size - (sizeof(name) - 1));
    while (text.size > 0 && text.data[0] == ' ')
        text = bytes_of(text.data + 1, text.size - 1);
    return leading_number(text) * KIB;
}

uint64_t machine_memory(struct disk *d)
{
    static const char *const limits[] = {"/sys/fs/cgroup/memory.max",
                                         "/sys/fs/cgroup/memory/memory.limit_in_bytes"};
    char area[FILE_MAX];
    uint64_t memory = total_memory(d);

    for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
        uint64_t limit = leading_number(read_file(d, limits[i], area)); /* "max": no number */

        if (limit > 0 && (memory == 0 || limit < memory))
            memory = limit;
    }
    return memory;
}

char *machine_node_name(struct disk *d)
{
    char area[FILE_MAX];
    struct bytes text = read_file(d, "/proc/sys/kernel/hostname", area);
    size_t size = 0;

    while (size < text.size && text.data[size] > ' ' && text.data[size] <= '~')
        size++;
    return size == 0 ? mem_text("rabbit@localhost")
                     : mem_format("rabbit@%.*s", (int)size, (const char *)text.data);
}
