/* The configuration: rabbitmq.conf's own format, read into the options structs of the rooms.
 *
 *     # a comment
 *     listeners.tcp.default = 127.0.0.1:5672     # another one
 *     default_pass = 'a value with a # or with spaces at its ends '
 *
 * conf knows no setting by name. Each room has a table of its own settings (base/setting.h);
 * whoever wires the rooms together adds the tables here. Values come in layers, the later ones win:
 *
 *     the table's default  <  the texts, in their order, each from top to bottom
 *                          <  the variables  <  --set, from left to right
 *
 * Keys that RabbitMQ knows and this program does not (yet) are accepted with a warning; any other
 * unknown key is an error that names the nearest known one.
 *
 * A sentence about a setting says its value, but never that of a secret one, of a variable, or of
 * a key it does not know.
 *
 * Invariants:
 *   C1  a configuration is checked whole, and only one without any error changes an option;
 *   C2  a reload changes only settings that say they can be reloaded.
 *
 * Owner: the thread that made it. Nothing here touches a file: the bytes come from the caller. */
#ifndef CONF_CONF_H
#define CONF_CONF_H

#include <stddef.h>

#include "base/bytes.h"
#include "base/check.h"
#include "base/diag.h"
#include "base/setting.h"

struct conf;

enum {
    CONF_ROOMS_MAX = 16,
    CONF_SIZE_MAX = 1024 * 1024, /* of a file */
    CONF_LINE_MAX = 4096,        /* of a line, without its end */
    CONF_KEY_MAX = 255,
    CONF_ERRORS_MAX = 10, /* said of one configuration; further ones are only counted */
};

/* Hears each error (DIAG_ERROR), warning (DIAG_WARNING) and change (DIAG_INFO) as a sentence that
 * begins with the place: "conf/my.conf:12: ...", "--set log.console.level: ...". */
typedef void conf_say_fn(void *owner, enum diag_level level, const char *sentence);

/* A file, or what else is written like one. */
struct conf_text {
    const char *name; /* for the sentences */
    struct bytes text;
};

/* A key whose value stands somewhere else, in a variable of the environment. */
struct conf_variable {
    const char *name; /* for the sentences */
    const char *key;
    const char *value;
};

/* Where a configuration comes from. All is borrowed, for the call. */
struct conf_source {
    const struct conf_text *texts;
    size_t text_count;
    const struct conf_variable *variables;
    size_t variable_count;
    const char *const *sets; /* of --set: "key=value", the value as it stands */
    size_t set_count;
};

/* Never NULL. */
struct conf *conf_new(conf_say_fn *say, void *owner);

/* Frees what the text settings of all options own, then itself. The structs are the caller's. */
void conf_free(struct conf *c);

/* Adds a room's table with its options struct of `size` bytes, zeroed, which must outlive `c`. */
void conf_add(struct conf *c, const struct setting table[], void *options, size_t size);

/* Fills all options. Errors: ERR_INVALID when something was wrong; all of it has been said. */
MUST_USE int conf_load(struct conf *c, const struct conf_source *source);

/* The same for a program that runs: changes what can be reloaded and says what changed and what
 * must wait for the next start. Errors: ERR_INVALID; nothing has changed then. */
MUST_USE int conf_reload(struct conf *c, const struct conf_source *source);

/* Changes one setting that can be reloaded, until the next reload or start, and says so. Errors,
 * with a note: ERR_NOT_FOUND, ERR_DENIED for one that cannot be changed now, ERR_INVALID,
 * ERR_RANGE. */
MUST_USE int conf_change(struct conf *c, const char *key, const char *value, struct err_note *note);

/* How many settings the last reload changed, and how many wait for the next start. */
size_t conf_changed_count(const struct conf *c);
size_t conf_kept_count(const struct conf *c);

/* How many errors the last load or reload found, said or not. */
size_t conf_error_count(const struct conf *c);

/* Tells every setting and its value in effect, in the file's spelling; NULL for a secret one. */
typedef void conf_each_fn(void *owner, const struct setting *s, const char *value);
void conf_each(const struct conf *c, conf_each_fn *fn, void *owner);

/* A file with every setting of every table at its default, as a comment, with its explanation; new
 * memory. This is what conf/millrace.conf.sample holds. */
char *conf_sample(const struct conf *c);

/* The same as the manual page millrace.conf(5), in troff, for this version; new memory. */
char *conf_manual(const struct conf *c, const char *version);

#endif
