/* Passwords that are not on the command line, where every user of the machine could read them. */
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/mem.h"
#include "tools/ctl/verbs.h"

enum { SECRET_MAX = 4096 };

/* Which word of a verb is a password, counted from 0. */
static const struct {
    const char *verb;
    size_t word;
} places[] = {
    {"add_user", 1},
    {"change_password", 1},
    {"authenticate_user", 1},
    {"hash_password", 0},
};

/* Turns the echo of a terminal on or off; nothing happens to what is none. */
static void set_echo(bool is_on)
{
    struct termios terms;

    if (tcgetattr(STDIN_FILENO, &terms) != 0)
        return;
    if (is_on)
        terms.c_lflag |= ECHO;
    else
        terms.c_lflag &= ~(tcflag_t)ECHO;
    (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &terms);
}

/* The first line, in new memory. */
static char *read_line(void)
{
    bool is_terminal = isatty(STDIN_FILENO) != 0;
    char *line = mem_zero(1, SECRET_MAX);
    size_t size = 0;

    if (is_terminal) {
        set_echo(false);
        (void)fputs("Password: ", stderr);
    }
    for (int c = getchar(); c != EOF && c != '\n' && size + 1 < SECRET_MAX; c = getchar())
        line[size++] = (char)c;
    if (is_terminal) {
        set_echo(true);
        (void)fputc('\n', stderr);
    }
    line[strcspn(line, "\r")] = '\0';
    return line;
}

int secret_read(struct options *o, const struct verb *v, struct err_note *note)
{
    for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
        if (strcmp(places[i].verb, v->name) != 0 || o->word_count != places[i].word)
            continue;
        o->secret = read_line();
        if (o->secret[0] == '\0')
            return err_note(note, ERR_INVALID,
                            "there is no password on standard input; write it there, or behind the "
                            "name");
        o->words[o->word_count++] = o->secret;
    }
    return 0;
}

void secret_forget(struct options *o)
{
    if (o->secret != NULL)
        memset(o->secret, 0, strlen(o->secret));
    mem_free(o->secret);
    o->secret = NULL;
}
