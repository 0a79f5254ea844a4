/* What the environment says: which files to read, and a few settings, as RabbitMQ's image for
 * containers takes them.
 *
 *     MILLRACE_CONF, RABBITMQ_CONFIG_FILE   a file or a folder, when there is no --conf
 *     MILLRACE_SETTINGS                     lines as in a file, read behind all files
 *     MILLRACE_DATA_DIR                     millrace.data_dir
 *     RABBITMQ_DEFAULT_USER, _PASS, _VHOST  default_user, default_pass, default_vhost
 *
 * A variable that is empty counts as none. */
#ifndef SERVER_ENVIRONMENT_H
#define SERVER_ENVIRONMENT_H

#include <stddef.h>

#include "conf/conf.h"

enum { ENVIRONMENT_VARIABLES_MAX = 4 };

/* All texts are borrowed from the environment. */
struct environment {
    const char *confs[1]; /* a file or a folder; NULL: none */
    const char *settings; /* NULL: none */
    struct conf_variable variables[ENVIRONMENT_VARIABLES_MAX];
    size_t variable_count;
};

/* The name of the variable with lines of settings, for sentences about them. */
extern const char environment_settings[];

void environment_read(struct environment *e);

#endif
