/* trust_load: clients that keep a broker busy and write down what they see. Whoever starts and ends
 * the broker says so in lines on standard input, and each line has its answer.
 *
 *     open FILE SEED    a history begins                                     good
 *     serve PORT        the broker listens there; clients work               good
 *     leave             all of them end their channels in order              good
 *     freeze            they see and do nothing until the broker has ended   good
 *     crash, stop       it was killed; it ended in order                     good
 *     settle            all comes out (the broker must serve)                good
 *     close             the history is complete                  good CONFIRMED DELIVERED
 *
 * The answer is "bad" and a sentence when what must work did not. */
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "tests/trust/load/load.h"

enum { LINE_SIZE = 4096, WORDS_MAX = 3 };

static void answer(struct load *l)
{
    if (l->trouble[0] != '\0')
        printf("bad %s\n", l->trouble);
    else
        printf("good %" PRIu64 " %" PRIu64 "\n", l->confirmed, l->deliveries);
    fflush(stdout);
}

static bool read_number(const char *word, uint64_t max, uint64_t *out)
{
    return word != NULL && parse_u64(bytes_text(word), 0, max, out) == 0;
}

static bool open_history(struct load *l, char *words[WORDS_MAX])
{
    uint64_t seed = 0;

    return l->out == NULL && words[1] != NULL && read_number(words[2], UINT64_MAX, &seed) &&
           load_open(l, words[1], seed);
}

static bool obey_open(struct load *l, char *words[WORDS_MAX])
{
    uint64_t port = 0;

    if (l->out == NULL)
        return false;
    if (strcmp(words[0], "serve") == 0 && read_number(words[1], UINT16_MAX, &port))
        load_serve(l, (uint16_t)port);
    else if (strcmp(words[0], "leave") == 0)
        load_leave(l);
    else if (strcmp(words[0], "freeze") == 0)
        load_freeze(l);
    else if (strcmp(words[0], "crash") == 0)
        load_end(l, VERB_CRASH);
    else if (strcmp(words[0], "stop") == 0)
        load_end(l, VERB_STOP);
    else if (strcmp(words[0], "settle") == 0)
        load_settle(l);
    else if (strcmp(words[0], "close") == 0)
        load_close(l);
    else
        return false;
    return true;
}

/* False: it is no command that can be obeyed now. */
static bool obey(struct load *l, char *line)
{
    char *words[WORDS_MAX] = {line};

    line[strcspn(line, "\n")] = '\0';
    for (int i = 1; i < WORDS_MAX && words[i - 1] != NULL; i++) {
        words[i] = strchr(words[i - 1], ' ');
        if (words[i] != NULL)
            *words[i]++ = '\0';
    }
    if (strcmp(words[0], "open") == 0 ? !open_history(l, words) : !obey_open(l, words))
        return false;
    answer(l);
    return true;
}

static bool has_line(void)
{
    struct pollfd in = {.fd = 0, .events = POLLIN};

    return poll(&in, 1, 0) > 0;
}

int main(void)
{
    static struct load l;
    char line[LINE_SIZE];

    setvbuf(stdin, NULL, _IONBF, 0); /* a line that waits is one that poll() sees */
    for (;;) {
        if (l.out != NULL && l.is_serving && !l.is_frozen && !has_line()) {
            load_step(&l);
            continue;
        }
        if (fgets(line, sizeof(line), stdin) == NULL)
            return 0;
        if (!obey(&l, line)) {
            fprintf(stderr, "trust_load: cannot obey '%s'\n", line);
            return 2;
        }
    }
}
