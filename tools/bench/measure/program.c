/* posix_spawn() and signals. */
#include "tools/bench/measure/program.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WORDS_MAX = 32 };

extern char **environ;

/* Signals that we block for our own loop must not be blocked in it. */
static void set_attributes(posix_spawnattr_t *a)
{
    sigset_t none;

    sigemptyset(&none);
    posix_spawnattr_setflags(a, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
    posix_spawnattr_setpgroup(a, 0);
    posix_spawnattr_setsigmask(a, &none);
}

int program_start(char *const *words, bool is_quiet, struct program *out, struct err_note *note)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    pid_t pid = 0;
    int failed = 0;

    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&attributes);
    set_attributes(&attributes);
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (is_quiet) {
        posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
        posix_spawn_file_actions_adddup2(&files, STDOUT_FILENO, STDERR_FILENO);
    }
    failed = posix_spawn(&pid, words[0], &files, &attributes, words, environ);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
    if (failed != 0)
        return err_note(note, ERR_FAILED, "cannot start '%s': %s", words[0], strerror(failed));
    out->pid = pid;
    return 0;
}

/* The words of a program are not const for historical reasons only; it gets a copy. */
static char *word_of(const char *text)
{
    union {
        const char *from;
        char *to;
    } word = {.from = text};

    return word.to;
}

int program_start_line(const char *line, struct program *out, struct err_note *note)
{
    char *const words[] = {word_of("/bin/sh"), word_of("-c"), word_of(line), NULL};

    return program_start(words, true, out, note);
}

int program_start_self(const char *const *words, struct program *out, struct err_note *note)
{
    char *all[WORDS_MAX] = {word_of("/proc/self/exe")};
    int count = 1;

    for (; *words != NULL; words++) {
        ASSERT(count < WORDS_MAX - 1);
        all[count++] = word_of(*words);
    }
    return program_start(all, false, out, note);
}

bool program_runs(struct program *p)
{
    if (p->pid == 0)
        return false;
    if (waitpid((pid_t)p->pid, NULL, WNOHANG) != (pid_t)p->pid)
        return true;
    p->pid = 0;
    return false;
}

static void end(struct program *p, int number)
{
    pid_t pid;

    if (p == NULL || p->pid == 0)
        return;
    pid = (pid_t)p->pid;
    kill(-pid, number);
    while (waitpid(pid, NULL, 0) == -1 && errno == EINTR)
        continue;
    p->pid = 0;
}

void program_stop(struct program *p)
{
    end(p, SIGTERM);
}

void program_kill(struct program *p)
{
    end(p, SIGKILL);
}
