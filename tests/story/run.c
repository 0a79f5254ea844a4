/* Runs stories: does each command, puts the effects that it had behind it, and compares the result
 * with the file. With --bless the result becomes the file; read the difference then.
 *
 *     story_run [--bless] tests/story/<room>/<name>.story ... */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "tests/lib/text_file.h"
#include "tests/story/story.h"

enum { STORY_SIZE_MAX = 1 << 20 };

static const struct story_room *const rooms[] = {&broker_story, &exchange_story, &queue_story};

/* The room whose folder the path lies in, or NULL. */
static const struct story_room *room_of(const char *path)
{
    char folder[64];

    for (size_t i = 0; i < ARRAY_SIZE(rooms); i++) {
        snprintf(folder, sizeof(folder), "story/%s/", rooms[i]->name);
        if (strstr(path, folder) != NULL)
            return rooms[i];
    }
    return NULL;
}

void story_effect(struct buf *out, const char *format, ...)
{
    char text[STORY_LINE_SIZE];
    va_list values;

    va_start(values, format);
    int length = vsnprintf(text, sizeof(text), format, values);
    va_end(values);
    ASSERT(length >= 0 && (size_t)length < sizeof(text));
    buf_text(out, "> %s\n", text);
}

/* Cuts the text, which is changed by that; `line` is the same unchanged. */
static void cut(char *text, const char *line, struct story_line *out)
{
    size_t at = 0;

    *out = (struct story_line){.count = 0};
    for (size_t i = 0; i < STORY_WORDS_MAX; i++)
        out->words[i] = out->rest[i] = "";
    for (;;) {
        at += strspn(text + at, " ");
        if (text[at] == '\0')
            return;
        ASSERT(out->count < STORY_WORDS_MAX);
        out->words[out->count] = text + at;
        out->rest[out->count++] = line + at;
        at += strcspn(text + at, " ");
        if (text[at] == '\0')
            return;
        text[at++] = '\0';
    }
}

/* Does one line of the file and adds it and its effects. */
static bool do_line(const struct story_room *room, void *state, const char *line, struct buf *out)
{
    char text[STORY_LINE_SIZE];
    struct story_line cut_line;

    if (line[0] == '>')
        return true; /* an effect that was expected */
    buf_text(out, "%s\n", line);
    if (line[0] == '#' || line[0] == '\0')
        return true;
    snprintf(text, sizeof(text), "%s", line);
    cut(text, line, &cut_line);
    if (cut_line.count == 0 || room->command(state, &cut_line, out))
        return true;
    fprintf(stderr, "no command '%s'\n", cut_line.words[0]);
    return false;
}

static bool do_story(const struct story_room *room, const char *story, struct buf *out)
{
    void *state = room->open();
    bool is_good = true;

    while (*story != '\0' && is_good) {
        char line[STORY_LINE_SIZE];
        size_t size = strcspn(story, "\n");

        ASSERT(size < sizeof(line));
        memcpy(line, story, size);
        line[size] = '\0';
        is_good = do_line(room, state, line, out);
        story += size + (story[size] == '\n');
    }
    room->close(state);
    buf_u8(out, '\0');
    ASSERT(buf_error(out) == 0);
    return is_good;
}

/* Shows the first line in which the two differ. */
static void show_difference(const char *path, const char *expected, const char *actual)
{
    unsigned line = 1;
    size_t start = 0;
    size_t at = 0;

    for (; expected[at] != '\0' && expected[at] == actual[at]; at++) {
        if (expected[at] == '\n') {
            line++;
            start = at + 1;
        }
    }
    fprintf(stderr, "%s:%u\n  expected: %.*s\n  happened: %.*s\n", path, line,
            (int)strcspn(expected + start, "\n"), expected + start,
            (int)strcspn(actual + start, "\n"), actual + start);
}

static bool run_story(const char *path, bool is_blessing)
{
    const struct story_room *room = room_of(path);
    char *story = text_file_read(path);
    struct buf out;
    bool is_good = false;

    if (room == NULL || story == NULL) {
        fprintf(stderr, "%s: there is no such story\n", path);
        mem_free(story);
        return false;
    }
    buf_init(&out, STORY_SIZE_MAX);
    is_good = do_story(room, story, &out);
    if (is_good && strcmp((const char *)out.data, story) != 0) {
        show_difference(path, story, (const char *)out.data);
        is_good = is_blessing;
        if (is_blessing)
            text_file_write(path, (const char *)out.data);
    }
    buf_release(&out);
    mem_free(story);
    return is_good;
}

int main(int argc, char **argv)
{
    bool is_blessing = argc > 1 && strcmp(argv[1], "--bless") == 0;
    int first = is_blessing ? 2 : 1;
    unsigned failures = 0;
    uint64_t used = mem_used_bytes();

    for (int i = first; i < argc; i++)
        failures += !run_story(argv[i], is_blessing);
    ASSERT(mem_used_bytes() == used);
    printf("%d stories, %u failed\n", argc - first, failures);
    return failures > 0 || argc == first;
}
