/* System calls of Linux, and the files under /proc that describe a machine. */
#include "tools/bench/measure/machine.h"

#include <errno.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/parse.h"

enum { NS_PER_S = 1000 * 1000 * 1000, LINE_SIZE = 4096, TREE_FILES = 16, DEVICE_SIZE = 32 };

#if defined(__OPTIMIZE__)
#define BUILD_SPEED "optimized"
#else
#define BUILD_SPEED "NOT OPTIMIZED"
#endif

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define BUILD_CHECKS ", WITH A SANITIZER"
#else
#define BUILD_CHECKS ""
#endif

/* ---- files of the system ---- */

/* Calls `take` for each line of a file of the system until it says that this was the one. */
static void each_line(const char *path, bool (*take)(void *owner, char *line), void *owner)
{
    char line[LINE_SIZE];
    FILE *f = fopen(path, "re");

    if (f == NULL)
        return;
    while (fgets(line, sizeof(line), f) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (take(owner, line))
            break;
    }
    (void)fclose(f);
}

/* The word at *at, cut off in place; *at moves behind it. */
static char *next_word(char **at)
{
    char *word = *at + strspn(*at, " ");
    size_t size = strcspn(word, " ");

    *at = word + size + (word[size] != '\0' ? 1 : 0);
    word[size] = '\0';
    return word;
}

/* ---- clocks and usage ---- */

static uint64_t clock_ns(clockid_t clock)
{
    struct timespec ts;
    int rv = clock_gettime(clock, &ts);

    ASSERT(rv == 0);
    return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

uint64_t machine_now_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

uint64_t machine_thread_cpu_ns(void)
{
    return clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

static uint64_t switches_of(int who)
{
    struct rusage usage;
    int rv = getrusage(who, &usage);

    ASSERT(rv == 0);
    return (uint64_t)usage.ru_nvcsw + (uint64_t)usage.ru_nivcsw;
}

/* The first line of /proc/stat: ticks of user, nice, system, idle, iowait, irq, softirq,
 * steal. */
static bool take_busy(void *owner, char *line)
{
    enum { FIELDS = 8, IDLE = 3, IOWAIT = 4 };
    uint64_t *ticks = owner;
    char *at = line;

    if (strncmp(line, "cpu ", strlen("cpu ")) != 0)
        return false;
    next_word(&at);
    for (int i = 0; i < FIELDS; i++) {
        uint64_t value = 0;
        if (parse_u64(bytes_text(next_word(&at)), 0, UINT64_MAX, &value) == 0 && i != IDLE &&
            i != IOWAIT)
            *ticks += value;
    }
    return true;
}

/* CPU time that all programs have used, and what the host took from them. */
static uint64_t busy_ns(void)
{
    uint64_t ticks = 0;

    each_line("/proc/stat", take_busy, &ticks);
    return ticks * (NS_PER_S / (uint64_t)sysconf(_SC_CLK_TCK));
}

void machine_usage(struct machine_usage *out)
{
    uint64_t busy = busy_ns(), process = clock_ns(CLOCK_PROCESS_CPUTIME_ID);

    *out = (struct machine_usage){
        .elapsed_ns = machine_now_ns(),
        .thread_cpu_ns = machine_thread_cpu_ns(),
        .process_cpu_ns = process,
        .thread_switches = switches_of(RUSAGE_THREAD),
        .process_switches = switches_of(RUSAGE_SELF),
        .others_cpu_ns = busy > process ? busy - process : 0,
    };
}

struct machine_usage machine_usage_since(const struct machine_usage *start)
{
    struct machine_usage now;

    machine_usage(&now);
    return (struct machine_usage){
        .elapsed_ns = now.elapsed_ns - start->elapsed_ns,
        .thread_cpu_ns = now.thread_cpu_ns - start->thread_cpu_ns,
        .process_cpu_ns = now.process_cpu_ns - start->process_cpu_ns,
        .thread_switches = now.thread_switches - start->thread_switches,
        .process_switches = now.process_switches - start->process_switches,
        .others_cpu_ns =
            now.others_cpu_ns > start->others_cpu_ns ? now.others_cpu_ns - start->others_cpu_ns : 0,
    };
}

void machine_usage_add(struct machine_usage *sum, const struct machine_usage *one)
{
    sum->elapsed_ns += one->elapsed_ns;
    sum->thread_cpu_ns += one->thread_cpu_ns;
    sum->process_cpu_ns += one->process_cpu_ns;
    sum->thread_switches += one->thread_switches;
    sum->process_switches += one->process_switches;
    sum->others_cpu_ns += one->others_cpu_ns;
}

/* ---- what the machine is ---- */

static void set_text(char to[MACHINE_TEXT_SIZE], const char *text)
{
    (void)snprintf(to, MACHINE_TEXT_SIZE, "%s", text);
}

static bool take_processor(void *owner, char *line)
{
    struct machine *m = owner;
    const char *value = strstr(line, ": ");

    if (strncmp(line, "model name", strlen("model name")) != 0 || value == NULL)
        return false;
    set_text(m->processor, value + strlen(": "));
    return true;
}

/* Which line of mountinfo is wanted: "id parent major:minor root mount options ... - type
 * source ...". */
struct mount_search {
    struct machine *machine;
    char device[DEVICE_SIZE]; /* "major:minor" */
};

static bool take_mount(void *owner, char *line)
{
    struct mount_search *s = owner;
    char *source = strstr(line, " - ");
    char *device, *mount, *options;

    if (source == NULL)
        return false;
    source += strlen(" - ");
    next_word(&line);
    next_word(&line);
    device = next_word(&line);
    next_word(&line);
    mount = next_word(&line);
    options = next_word(&line);
    if (strcmp(device, s->device) != 0)
        return false;
    set_text(s->machine->mount, mount);
    set_text(s->machine->mount_options, options);
    set_text(s->machine->file_system, next_word(&source));
    set_text(s->machine->device, next_word(&source));
    return true;
}

static void describe_mount(const char *dir, struct machine *m)
{
    struct mount_search search = {.machine = m};
    struct stat st;

    if (stat(dir, &st) == -1)
        return;
    (void)snprintf(search.device, sizeof(search.device), "%u:%u", major(st.st_dev),
                   minor(st.st_dev));
    each_line("/proc/self/mountinfo", take_mount, &search);
}

void machine_describe(const char *dir, struct machine *out)
{
    struct utsname name;
    long pages = sysconf(_SC_PHYS_PAGES);
    long page = sysconf(_SC_PAGESIZE);

    *out = (struct machine){
        .cores = sysconf(_SC_NPROCESSORS_ONLN),
        .memory_bytes = pages > 0 && page > 0 ? (uint64_t)pages * (uint64_t)page : 0,
        .processor = "an unknown processor",
        .kernel = "unknown",
        .file_system = "unknown",
        .device = "unknown",
        .mount = "unknown",
        .mount_options = "unknown",
        .build = "compiler " __VERSION__ ", " BUILD_SPEED BUILD_CHECKS,
    };
    if (uname(&name) == 0)
        (void)snprintf(out->kernel, sizeof(out->kernel), "%.64s %.64s %.64s", name.sysname,
                       name.release, name.machine);
    each_line("/proc/cpuinfo", take_processor, out);
    describe_mount(dir, out);
}

/* ---- folders away ---- */

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *place)
{
    (void)st;
    (void)kind;
    (void)place;
    return remove(path);
}

int machine_remove_tree(const char *path, struct err_note *note)
{
    if (nftw(path, remove_one, TREE_FILES, FTW_DEPTH | FTW_PHYS) == 0 || errno == ENOENT)
        return 0;
    return err_note(note, ERR_IO, "cannot remove '%s': %s", path, strerror(errno));
}
