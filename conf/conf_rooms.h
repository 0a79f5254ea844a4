/* Private to conf: the tables that were added, for the files that read and that print. */
#ifndef CONF_CONF_ROOMS_H
#define CONF_CONF_ROOMS_H

#include <stddef.h>

#include "conf/conf.h"

/* One room's settings. While a configuration is read it goes into `draft`, so that a bad one leaves
 * the options alone (C1). */
struct conf_room {
    const struct setting *table;
    void *options; /* the caller's */
    void *draft;   /* ours, of the same size; NULL but while reading */
    size_t size;
};

struct conf {
    conf_say_fn *say;
    void *owner;
    struct conf_room rooms[CONF_ROOMS_MAX];
    size_t room_count;
    size_t error_count;
    size_t changed_count;
    size_t kept_count;
};

#endif
