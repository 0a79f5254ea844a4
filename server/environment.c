/* Reads the environment. */
#include "server/environment.h"

#include <stdlib.h>

#include "base/check.h"

const char environment_settings[] = "MILLRACE_SETTINGS";

static const struct {
    const char *name;
    const char *key;
} variables[] = {
    {"MILLRACE_DATA_DIR", "millrace.data_dir"},
    {"RABBITMQ_DEFAULT_USER", "default_user"},
    {"RABBITMQ_DEFAULT_PASS", "default_pass"},
    {"RABBITMQ_DEFAULT_VHOST", "default_vhost"},
};

STATIC_ASSERT(ARRAY_SIZE(variables) == ENVIRONMENT_VARIABLES_MAX, "each variable has its place");

static const char *read_variable(const char *name)
{
    const char *value = getenv(name);

    return value == NULL || value[0] == '\0' ? NULL : value;
}

void environment_read(struct environment *e)
{
    *e = (struct environment){.confs = {read_variable("MILLRACE_CONF")},
                              .settings = read_variable(environment_settings)};
    if (e->confs[0] == NULL)
        e->confs[0] = read_variable("RABBITMQ_CONFIG_FILE");
    for (size_t i = 0; i < ARRAY_SIZE(variables); i++) {
        const char *value = read_variable(variables[i].name);

        if (value != NULL)
            e->variables[e->variable_count++] = (struct conf_variable){
                .name = variables[i].name, .key = variables[i].key, .value = value};
    }
}
