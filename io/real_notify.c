/* A word to the service manager that started the program: one datagram to a unix socket. */
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "io/real.h"
#include "io/real_errno.h"

int real_notify(const char *place, const char *text)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    size_t size = strlen(place);
    ssize_t sent = 0;
    int number = 0;
    int fd = -1;

    if (size < 2 || size >= sizeof(to.sun_path) || (place[0] != '/' && place[0] != '@'))
        return ERR_INVALID;
    memcpy(to.sun_path, place, size);
    if (place[0] == '@')
        to.sun_path[0] = '\0'; /* a name that is no file */
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd == -1)
        return real_errno(errno);
    do {
        sent = sendto(fd, text, strlen(text), MSG_NOSIGNAL, (const struct sockaddr *)&to,
                      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size));
    } while (sent == -1 && errno == EINTR);
    number = errno;
    close(fd);
    return sent == -1 ? real_errno(number) : 0;
}
