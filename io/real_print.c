/* Standard output and standard error, for programs that answer a person. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "io/real.h"
#include "io/real_errno.h"
#include "io/real_parts.h"

static int write_text(int fd, const char *text)
{
    size_t size = strlen(text);

    while (size > 0) {
        ssize_t n = write(fd, text, size);
        if (n == -1 && errno == EINTR)
            continue;
        if (n == -1)
            return real_errno(errno);
        text += n;
        size -= (size_t)n;
    }
    return 0;
}

int real_print(const char *text)
{
    return write_text(STDOUT_FILENO, text);
}

void real_print_error(const char *text)
{
    (void)!write_text(STDERR_FILENO, text); /* there is nowhere else to say that this failed */
}

int real_keep_standard_files(void)
{
    int fd = STDIN_FILENO;

    while (fd <= STDERR_FILENO) {
        fd = open("/dev/null", O_RDWR);
        if (fd == -1)
            return real_errno(errno);
    }
    close(fd);
    return 0;
}
