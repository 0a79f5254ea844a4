/* The memory of the machine, as Linux tells it in files. */
#include "server/machine.h"

#include "base/bytes.h"
#include "base/mem.h"
#include "base/units.h"
#include "io/system.h"

uint64_t machine_memory(struct disk *d)
{
    static const char *const limits[] = {"/sys/fs/cgroup/memory.max",
                                         "/sys/fs/cgroup/memory/memory.limit_in_bytes"};
    char area[SYSTEM_FILE_MAX];
    uint64_t memory =
        system_number_behind(system_read(d, "/proc/meminfo", area), "MemTotal:") * KIB;

    for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
        /* "max": no number */
        uint64_t limit = system_number_behind(system_read(d, limits[i], area), "");

        if (limit > 0 && (memory == 0 || limit < memory))
            memory = limit;
    }
    return memory;
}

char *machine_node_name(struct disk *d)
{
    char area[SYSTEM_FILE_MAX];
    struct bytes text = system_read(d, "/proc/sys/kernel/hostname", area);
    size_t size = 0;

    while (size < text.size && text.data[size] > ' ' && text.data[size] <= '~')
        size++;
    return size == 0 ? mem_text("rabbit@localhost")
                     : mem_format("rabbit@%.*s", (int)size, (const char *)text.data);
}
