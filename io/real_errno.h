/* What the operating system's errno means in our own errors. */
#ifndef IO_REAL_ERRNO_H
#define IO_REAL_ERRNO_H

/* The ERR_x of an errno; ERR_IO when the table has nothing better. `number` is not 0. */
int real_errno(int number);

#endif
