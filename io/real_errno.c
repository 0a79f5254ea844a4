/* The one table from errno to ERR_x. */
#include "io/real_errno.h"

#include <errno.h>
#include <stddef.h>

#include "base/check.h"
#include "base/err.h"

static const struct {
    int number;
    int err;
} table[] = {
    {ENOSPC, ERR_NO_SPACE},       {EDQUOT, ERR_NO_SPACE},
    {EFBIG, ERR_NO_SPACE},        {EMFILE, ERR_NO_FILES},
    {ENFILE, ERR_NO_FILES},       {ENOMEM, ERR_NO_MEMORY},
    {ENOBUFS, ERR_NO_MEMORY},     {ENOENT, ERR_NOT_FOUND},
    {EEXIST, ERR_EXISTS},         {ENOTEMPTY, ERR_EXISTS},
    {EACCES, ERR_DENIED},         {EPERM, ERR_DENIED},
    {EROFS, ERR_DENIED},          {EBUSY, ERR_BUSY},
    {ETXTBSY, ERR_BUSY},          {EADDRINUSE, ERR_BUSY},
    {EAGAIN, ERR_AGAIN},          {EINPROGRESS, ERR_AGAIN},
    {EPIPE, ERR_CLOSED},          {ECONNRESET, ERR_CLOSED},
    {EINVAL, ERR_INVALID},        {EISDIR, ERR_INVALID},
    {ENOTDIR, ERR_INVALID},       {ELOOP, ERR_INVALID},
    {ENXIO, ERR_INVALID},         {ENODEV, ERR_INVALID},
    {ENAMETOOLONG, ERR_INVALID},  {EXDEV, ERR_INVALID},
    {EADDRNOTAVAIL, ERR_INVALID},
};

int real_errno(int number)
{
    ASSERT(number != 0);

    for (size_t i = 0; i < ARRAY_SIZE(table); i++)
        if (table[i].number == number)
            return table[i].err;
    return ERR_IO;
}
