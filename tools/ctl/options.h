/* The command line of millracectl: options before or behind the verb, then the verb's words.
 *
 *     millracectl -p orders list_queues name messages --formatter json
 *                 '-------' '---------' '-----------' '--------------'
 *                  option      verb         words          option
 *
 * What is not said comes from the environment (MILLRACE_URI), then from defaults. */
#ifndef TOOLS_CTL_OPTIONS_H
#define TOOLS_CTL_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "base/err.h"

enum { OPTIONS_WORDS_MAX = 64 };

enum formatter { FORMAT_TABLE, FORMAT_PRETTY, FORMAT_CSV, FORMAT_JSON };

struct options {
    const char *uri; /* of the HTTP API: http[s]://user:password@host:port */
    const char *user;
    const char *password;
    const char *vhost;
    bool names_vhost;    /* it was said */
    const char *node;    /* what the node must be called; NULL: anything */
    const char *ca_file; /* of https; NULL: the system's */
    enum formatter formatter;
    bool is_quiet;    /* no line that says what is done, no progress */
    bool is_silent;   /* nothing but values: no header either */
    bool is_headless; /* no header line */
    bool is_verbose;  /* each request on standard error */
    bool if_empty;
    bool if_unused;
    bool is_dry_run;
    bool is_forced;
    const char *apply_to;
    const char *priority;
    const char *reason;
    uint64_t timeout_ms;
    const char *verb;
    const char *words[OPTIONS_WORDS_MAX];
    size_t word_count;
    char *secret; /* a word that was not on the command line; owned */
    bool wants_help;
    bool wants_version;
};

extern const char options_help[];

/* Fills the struct, which borrows from the texts. ERR_INVALID with a note. */
MUST_USE int options_read(struct options *o, int count, char *const *texts, struct err_note *note);

/* Prints the names of all options, a line each: for shell completion. */
void options_print_names(void);

#endif
