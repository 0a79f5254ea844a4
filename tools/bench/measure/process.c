/* Reads /proc/PID/stat and /proc/PID/status; walks folders. */
#include "tools/bench/measure/process.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/parse.h"

enum {
    NS_PER_S = 1000 * 1000 * 1000,
    TEXT_SIZE = 4096,
    PATH_SIZE = 64,
    STAT_GROUP = 2, /* words behind the name, which ends with the last bracket */
    STAT_UTIME = 11,
    STAT_STIME = 12,
    BLOCK_BYTES = 512,
    TREE_FILES = 16,
    KIB_BYTES = 1024,
};

/* Reads a file of /proc as text; false when it is not there. */
static bool read_text(int64_t pid, const char *name, char text[TEXT_SIZE])
{
    char path[PATH_SIZE];
    FILE *f;
    size_t size;

    (void)snprintf(path, sizeof(path), "/proc/%" PRId64 "/%s", pid, name);
    f = fopen(path, "re");
    if (f == NULL)
        return false;
    size = fread(text, 1, TEXT_SIZE - 1, f);
    text[size] = '\0';
    (void)fclose(f);
    return size > 0;
}

/* The number that is word `index` of the text; 0 when it is none. */
static uint64_t number_at(const char *text, int index)
{
    uint64_t value = 0;

    for (int i = 0; i < index; i++) {
        text += strcspn(text, " \t");
        text += strspn(text, " \t");
    }
    if (parse_u64(bytes_of(text, strcspn(text, " \t\n")), 0, UINT64_MAX, &value) != 0)
        return 0;
    return value;
}

/* The words behind the name. */
static const char *words_of(const char *stat)
{
    const char *bracket = strrchr(stat, ')');

    return bracket == NULL || bracket[1] == '\0' ? "" : bracket + 2;
}

static uint64_t cpu_ns(const char *stat)
{
    const char *words = words_of(stat);
    uint64_t ticks = number_at(words, STAT_UTIME) + number_at(words, STAT_STIME);

    return ticks * (NS_PER_S / (uint64_t)sysconf(_SC_CLK_TCK));
}

static uint64_t resident_bytes(const char *status)
{
    const char *line = strstr(status, "\nVmRSS:");

    return line == NULL ? 0 : number_at(line, 1) * KIB_BYTES;
}

int process_usage(int64_t pid, struct process_usage *out, struct err_note *note)
{
    char stat[TEXT_SIZE], status[TEXT_SIZE];

    if (!read_text(pid, "stat", stat) || !read_text(pid, "status", status))
        return err_note(note, ERR_NOT_FOUND, "there is no process %" PRId64, pid);
    *out = (struct process_usage){
        .cpu_ns = cpu_ns(stat),
        .resident_bytes = resident_bytes(status),
    };
    return 0;
}

/* Adds a process when it is of the group. It may have ended by now. */
static void add_member(int64_t pid, int64_t group, struct process_usage *sum)
{
    char stat[TEXT_SIZE], status[TEXT_SIZE];

    if (!read_text(pid, "stat", stat) || number_at(words_of(stat), STAT_GROUP) != (uint64_t)group ||
        !read_text(pid, "status", status))
        return;
    sum->cpu_ns += cpu_ns(stat);
    sum->resident_bytes += resident_bytes(status);
}

void process_group_usage(int64_t group, struct process_usage *out)
{
    DIR *processes = opendir("/proc");
    const struct dirent *entry;
    int64_t pid;

    *out = (struct process_usage){0};
    if (processes == NULL)
        return;
    while ((entry = readdir(processes)) != NULL) {
        if (parse_i64(bytes_text(entry->d_name), 1, INT32_MAX, &pid) == 0)
            add_member(pid, group, out);
    }
    (void)closedir(processes);
}

uint64_t process_descriptors(int64_t pid)
{
    char path[PATH_SIZE];
    const struct dirent *entry;
    uint64_t count = 0;
    DIR *open;

    (void)snprintf(path, sizeof(path), "/proc/%" PRId64 "/fd", pid);
    open = opendir(path);
    if (open == NULL)
        return 0;
    while ((entry = readdir(open)) != NULL)
        count += entry->d_name[0] != '.';
    (void)closedir(open);
    return count;
}

/* nftw() hands nothing through, so the sum lies here; one thread measures at a time. */
static _Thread_local uint64_t tree_bytes;

static int add_one(const char *path, const struct stat *st, int kind, struct FTW *place)
{
    (void)path;
    (void)place;
    if (kind == FTW_F)
        tree_bytes += (uint64_t)st->st_blocks * BLOCK_BYTES;
    return 0;
}

int process_disk_bytes(const char *dir, uint64_t *out, struct err_note *note)
{
    tree_bytes = 0;
    if (nftw(dir, add_one, TREE_FILES, FTW_PHYS) != 0)
        return err_note(note, ERR_NOT_FOUND, "cannot read '%s': %s", dir, strerror(errno));
    *out = tree_bytes;
    return 0;
}

uint64_t process_raise_file_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 0;
    limit.rlim_cur = limit.rlim_max;
    (void)!setrlimit(RLIMIT_NOFILE, &limit); /* fewer will have to do */
    return limit.rlim_cur;
}
