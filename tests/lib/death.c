/* A child process dies so that the test need not. */
#include "tests/lib/death.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/lib/test.h"

enum { SAID_SIZE = 4096 };

static void die(void (*fn)(void *owner), void *owner, int said)
{
    struct rlimit no_core = {0};

    signal(SIGABRT, SIG_DFL); /* cmocka catches it */
    if (setrlimit(RLIMIT_CORE, &no_core) == 0 && dup2(said, STDERR_FILENO) != -1)
        fn(owner);
    _exit(0); /* it lived */
}

static void read_all(int fd, char *to, size_t size)
{
    size_t used = 0;
    ssize_t n = 0;

    do {
        used += (size_t)n;
        n = read(fd, to + used, size - 1 - used);
    } while (n > 0);
    to[used] = '\0';
}

void expect_death(void (*fn)(void *owner), void *owner, const char *text)
{
    char said[SAID_SIZE];
    int ends[2];
    int status = 0;

    fflush(NULL);
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_int_not_equal(child, -1);
    if (child == 0)
        die(fn, owner, ends[1]);

    close(ends[1]);
    read_all(ends[0], said, sizeof(said));
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT)
        fail_msg("it should have aborted saying '%s' but ended with status %d: %s", text, status,
                 said);
    if (strstr(said, text) == NULL)
        fail_msg("it should have said '%s' but said: %s", text, said);
}
