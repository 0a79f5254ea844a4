/* The commands of stories about exchanges; names, arguments and keys as in
 * tests/lib/board.h, and '-' for an empty key or the default exchange.
 *
 *     exchange NAME TYPE [ARGUMENTS]      auto-exchange NAME TYPE
 *     delete NAME [if-unused]             queue NAME       remove-queue NAME
 *     bind SOURCE DESTINATION KEY [ARGUMENTS]              unbind ...
 *     log EXCHANGE QUEUE                  holder EXCHANGE NAME   cache EXCHANGE NAME
 *     publish EXCHANGE KEYS [HEADERS]     publish-delayed ...    publish-keyed ...
 *     keep EXCHANGE NUMBER                kept EXCHANGE */
#include <inttypes.h>
#include <string.h>

#include "base/mem.h"
#include "base/parse.h"
#include "tests/lib/board.h"
#include "tests/story/story.h"

static void *open_board(void)
{
    struct board *b = MEM_NEW(struct board);

    board_init(b, NULL);
    return b;
}

static void close_board(void *state)
{
    board_release((struct board *)state);
    mem_free(state);
}

/* '-' stands for nothing. */
static const char *plain(const char *word)
{
    return strcmp(word, "-") == 0 ? "" : word;
}

/* What went away by the command. */
static void tell_gone(struct board *b, struct buf *out)
{
    if (b->told.unbound > 0)
        story_effect(out, "unbound %u", b->told.unbound);
    if (b->told.deleted > 0)
        story_effect(out, "deleted %u, last %s", b->told.deleted, b->told.last_deleted);
    if (b->told.let_go > 0)
        story_effect(out, "let go %u, last %" PRIu64, b->told.let_go, b->told.last_let_go);
    b->told = (struct board_told){0};
}

static void tell_result(struct board *b, int rv, struct buf *out)
{
    if (rv != 0)
        story_effect(out, "%s%s%s", err_name(rv), b->note.text[0] == '\0' ? "" : " ", b->note.text);
    b->note.text[0] = '\0';
    tell_gone(b, out);
}

static void tell_difference(struct board *b, struct buf *out)
{
    const struct exchange_difference *d = &b->difference;

    story_effect(out, "inequivalent %s: received '%.*s', current '%.*s'", d->argument,
                 (int)d->received.size, (const char *)d->received.data, (int)d->current.size,
                 (const char *)d->current.data);
}

static bool do_exchange(struct board *b, const struct story_line *l, struct buf *out)
{
    int rv = board_try_declare(b, l->words[1], l->words[2], l->rest[3]);

    if (rv == ERR_EXISTS)
        tell_difference(b, out);
    else
        tell_result(b, rv, out);
    return true;
}

static bool do_auto_exchange(struct board *b, const struct story_line *l, struct buf *out)
{
    (void)out;
    board_declare_auto(b, l->words[1], l->words[2]);
    return true;
}

static bool do_delete(struct board *b, const struct story_line *l, struct buf *out)
{
    struct exchange *x = board_find(b, l->words[1]);
    bool if_unused = strcmp(l->words[2], "if-unused") == 0;

    tell_result(b, x == NULL ? ERR_NOT_FOUND : exchange_delete(b->table, x, if_unused), out);
    return true;
}

static bool do_queue(struct board *b, const struct story_line *l, struct buf *out)
{
    (void)out;
    board_queue(b, l->words[1]);
    return true;
}

static bool do_remove_queue(struct board *b, const struct story_line *l, struct buf *out)
{
    board_remove_queue(b, l->words[1]);
    tell_gone(b, out);
    return true;
}

static bool do_bind(struct board *b, const struct story_line *l, struct buf *out)
{
    tell_result(
        b, board_try_bind(b, plain(l->words[1]), l->words[2], plain(l->words[3]), l->rest[4]), out);
    return true;
}

static bool do_unbind(struct board *b, const struct story_line *l, struct buf *out)
{
    tell_result(b, board_unbind(b, plain(l->words[1]), l->words[2], plain(l->words[3]), l->rest[4]),
                out);
    return true;
}

static bool do_publish(struct board *b, const struct story_line *l, struct buf *out)
{
    const char *queues = board_route(b, plain(l->words[1]), plain(l->words[2]), l->rest[3]);

    story_effect(out, "to %s", queues[0] == '\0' ? "nothing" : queues);
    return true;
}

static bool do_publish_delayed(struct board *b, const struct story_line *l, struct buf *out)
{
    b->sends_delayed = true;
    do_publish(b, l, out);
    b->sends_delayed = false;
    return true;
}

static bool do_publish_keyed(struct board *b, const struct story_line *l, struct buf *out)
{
    b->sends_keyed = true;
    do_publish(b, l, out);
    b->sends_keyed = false;
    return true;
}

static bool do_log(struct board *b, const struct story_line *l, struct buf *out)
{
    (void)out;
    exchange_set_log(b->table, board_find(b, l->words[1]), board_queue_id(b, l->words[2]));
    return true;
}

static bool do_holder(struct board *b, const struct story_line *l, struct buf *out)
{
    (void)out;
    exchange_set_holder(board_find(b, l->words[1]), board_hidden_queue(b, l->words[2]));
    return true;
}

static bool do_cache(struct board *b, const struct story_line *l, struct buf *out)
{
    (void)out;
    exchange_set_cache_queue(board_find(b, l->words[1]), board_hidden_queue(b, l->words[2]));
    return true;
}

static bool do_keep(struct board *b, const struct story_line *l, struct buf *out)
{
    uint64_t message = 0;

    if (parse_u64(bytes_text(l->words[2]), 0, UINT64_MAX, &message) != 0)
        return false;
    exchange_keep(b->table, board_find(b, l->words[1]), message);
    tell_gone(b, out);
    return true;
}

static bool do_kept(struct board *b, const struct story_line *l, struct buf *out)
{
    uint64_t message = 0;

    for (size_t i = 0; exchange_kept(board_find(b, l->words[1]), i, &message); i++)
        story_effect(out, "%" PRIu64, message);
    return true;
}

static bool do_command(void *state, const struct story_line *line, struct buf *out)
{
    static const struct {
        const char *name;
        bool (*call)(struct board *b, const struct story_line *line, struct buf *out);
    } commands[] = {
        {"exchange", do_exchange},
        {"auto-exchange", do_auto_exchange},
        {"delete", do_delete},
        {"queue", do_queue},
        {"bind", do_bind},
        {"remove-queue", do_remove_queue},
        {"unbind", do_unbind},
        {"publish", do_publish},
        {"keep", do_keep},
        {"kept", do_kept},
        {"log", do_log},
        {"holder", do_holder},
        {"cache", do_cache},
        {"publish-delayed", do_publish_delayed},
        {"publish-keyed", do_publish_keyed},
    };

    for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
        if (strcmp(line->words[0], commands[i].name) == 0)
            return commands[i].call((struct board *)state, line, out);
    }
    return false;
}

const struct story_room exchange_story = {
    .name = "exchange",
    .open = open_board,
    .close = close_board,
    .command = do_command,
};
