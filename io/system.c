/* Files under /proc and /sys. */
#include "io/system.h"

#include <string.h>

#include "base/parse.h"
#include "io/disk.h"

enum { PAGE_BYTES = 4096 };

struct bytes system_read(struct disk *d, const char *path, char area[SYSTEM_FILE_MAX])
{
    struct disk_file *f = NULL;
    size_t size = 0;
    int rv = disk_open(d, path, DISK_READ, &f);

    if (rv == 0)
        rv = disk_read(f, area, SYSTEM_FILE_MAX, 0, &size);
    disk_close(f);
    return bytes_of(area, rv == 0 ? size : 0);
}

uint64_t system_number_behind(struct bytes text, const char *name)
{
    size_t size = strlen(name);
    const uint8_t *at = text.size >= size ? memmem(text.data, text.size, name, size) : NULL;
    uint64_t number = 0;

    if (at == NULL)
        return 0;
    text = bytes_of(at + size, text.size - (size_t)(at + size - text.data));
    while (text.size > 0 && text.data[0] == ' ')
        text = bytes_of(text.data + 1, text.size - 1);
    for (size = 0; size < text.size && text.data[size] >= '0' && text.data[size] <= '9';)
        size++;
    return parse_u64(bytes_of(text.data, size), 0, UINT64_MAX, &number) == 0 ? number : 0;
}

static void count_name(void *owner, const char *name, bool is_dir)
{
    uint64_t *count = owner;

    (void)is_dir;
    *count += name[0] != '.';
}

/* The bits in "3,ffffffff\n". */
static uint64_t bits_behind(struct bytes text, const char *name)
{
    size_t size = strlen(name);
    const uint8_t *at = text.size >= size ? memmem(text.data, text.size, name, size) : NULL;
    uint64_t bits = 0;
    static const char digits[] = "0123456789abcdef";

    if (at == NULL)
        return 0;
    for (at += size; at < text.data + text.size && *at != '\n'; at++) {
        const char *digit = *at == '\0' ? NULL : strchr(digits, *at);

        if (digit != NULL) /* not a comma */
            bits += (uint64_t)__builtin_popcountl((unsigned long)(digit - digits));
    }
    return bits;
}

static void look_at_status(struct disk *d, struct system_process *out)
{
    char area[SYSTEM_FILE_MAX];
    struct bytes status = system_read(d, "/proc/self/status", area);

    out->id = system_number_behind(status, "\nPid:\t");
    out->threads = system_number_behind(status, "\nThreads:\t");
    out->processors = bits_behind(status, "\nCpus_allowed:\t");
}

static void look_at_limits(struct disk *d, struct system_process *out)
{
    char area[SYSTEM_FILE_MAX];
    struct bytes limits = system_read(d, "/proc/self/limits", area);

    out->fds_max = system_number_behind(limits, "Max open files");
    out->threads_max = system_number_behind(limits, "Max processes");
    if (out->threads_max == 0) /* unlimited */
        out->threads_max =
            system_number_behind(system_read(d, "/proc/sys/kernel/threads-max", area), "");
}

void system_look_at_process(struct disk *d, struct system_process *out)
{
    char area[SYSTEM_FILE_MAX];

    *out = (struct system_process){0};
    if (disk_list(d, "/proc/self/fd", count_name, &out->open_fds) != 0)
        out->open_fds = 0;
    look_at_limits(d, out);
    look_at_status(d, out);
    /* size, resident ... in pages */
    out->resident_bytes =
        system_number_behind(system_read(d, "/proc/self/statm", area), " ") * PAGE_BYTES;
}
