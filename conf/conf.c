/* Reads a configuration into drafts of all options, and makes the drafts real when nothing was
 * wrong. */
#include "conf/conf.h"

#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "conf/conf_parse.h"
#include "conf/conf_rooms.h"
#include "conf/foreign_keys.h"
#include "conf/nearest.h"

/* Where the entry that is being read stands. */
struct place {
    const char *file;
    int line;        /* 0: it is about the whole file */
    const char *set; /* the key of a --set instead, "" when it has none; NULL: not from a --set */
};

/* ---- rooms ---- */

struct conf *conf_new(conf_say_fn *say, void *owner)
{
    struct conf *c = MEM_NEW(struct conf);

    ASSERT(say != NULL);
    c->say = say;
    c->owner = owner;
    return c;
}

void conf_free(struct conf *c)
{
    for (size_t i = 0; i < c->room_count; i++)
        setting_release(c->rooms[i].table, c->rooms[i].options);
    mem_free(c);
}

static const struct setting *find_setting(const struct conf *c, const char *key, size_t *room)
{
    for (size_t i = 0; i < c->room_count; i++) {
        for (const struct setting *s = c->rooms[i].table; s->name != NULL; s++) {
            if (strcmp(s->name, key) != 0)
                continue;
            *room = i;
            return s;
        }
    }
    return NULL;
}

void conf_add(struct conf *c, const struct setting table[], void *options, size_t size)
{
    size_t unused = 0;

    ASSERT(c->room_count < CONF_ROOMS_MAX);
    for (const struct setting *s = table; s->name != NULL; s++) {
        ASSERT(strlen(s->name) <= CONF_KEY_MAX && s->help != NULL);
        ASSERT(find_setting(c, s->name, &unused) == NULL); /* two rooms with one name */
    }
    c->rooms[c->room_count++] =
        (struct conf_room){.table = table, .options = options, .size = size};
}

size_t conf_error_count(const struct conf *c)
{
    return c->error_count;
}

size_t conf_changed_count(const struct conf *c)
{
    return c->changed_count;
}

size_t conf_kept_count(const struct conf *c)
{
    return c->kept_count;
}

/* ---- saying ---- */

static void say(struct conf *c, enum diag_level level, const struct place *at, const char *text)
{
    char *sentence = NULL;

    if (at->set != NULL)
        sentence = mem_format("--set%s%s: %s", at->set[0] != '\0' ? " " : "", at->set, text);
    else if (at->line > 0)
        sentence = mem_format("%s:%d: %s", at->file, at->line, text);
    else
        sentence = mem_format("%s: %s", at->file, text);
    c->say(c->owner, level, sentence);
    mem_free(sentence);
}

static void say_error(struct conf *c, const struct place *at, const char *text)
{
    c->error_count++;
    if (c->error_count <= CONF_ERRORS_MAX)
        say(c, DIAG_ERROR, at, text);
}

static void say_unknown(struct conf *c, const struct place *at, const char *key)
{
    struct nearest n = {0};
    struct err_note note;

    for (size_t i = 0; i < c->room_count; i++)
        for (const struct setting *s = c->rooms[i].table; s->name != NULL; s++)
            nearest_try(&n, key, s->name);
    for (const struct foreign_key *f = foreign_keys; f->pattern != NULL; f++)
        if (strpbrk(f->pattern, "*N") == NULL)
            nearest_try(&n, key, f->pattern);
    if (n.text != NULL)
        err_note(&note, ERR_INVALID, "unknown setting '%s'; did you mean '%s'?", key, n.text);
    else
        err_note(&note, ERR_INVALID, "unknown setting '%s'", key);
    say_error(c, at, note.text);
}

static void say_accepted(struct conf *c, const struct place *at, const char *key, const char *what)
{
    char *text = mem_format("'%s' is accepted but has no %s", key, what);

    say(c, DIAG_WARNING, at, text);
    mem_free(text);
}

/* ---- reading ---- */

static void take_entry(struct conf *c, const struct place *at, const struct conf_entry *e)
{
    struct err_note note;
    size_t room = 0;
    const struct setting *s = find_setting(c, e->key, &room);

    if (s != NULL) {
        if (setting_set(s, c->rooms[room].draft, e->value, &note) != 0)
            say_error(c, at, note.text);
        return;
    }
    switch (foreign_key_fate(e->key)) {
    case FOREIGN_LATER:
        say_accepted(c, at, e->key, "effect in this version");
        return;
    case FOREIGN_NO_MEANING:
        say_accepted(c, at, e->key, "meaning here");
        return;
    case FOREIGN_UNKNOWN:
        say_unknown(c, at, e->key);
        return;
    }
    ASSERT(false);
}

static void read_text(struct conf *c, const struct conf_text *text)
{
    struct place at = {.file = text->name};
    struct conf_reader r;
    struct conf_entry e;
    struct err_note note;
    int rv = conf_reader_init(&r, text->text, &note);

    at.line = r.line;
    if (rv != 0) {
        say_error(c, &at, note.text);
        return;
    }
    while ((rv = conf_read(&r, &e, &note)) != ERR_NOT_FOUND) {
        at.line = r.line;
        if (rv == 0)
            take_entry(c, &at, &e);
        else
            say_error(c, &at, note.text);
    }
}

static void read_variable(struct conf *c, const struct conf_variable *v)
{
    struct place at = {.file = v->name};
    struct err_note note;
    size_t room = 0;
    const struct setting *s = find_setting(c, v->key, &room);

    ASSERT(s != NULL);
    if (strlen(v->value) > CONF_LINE_MAX)
        say_error(c, &at, "the value is too long");
    else if (!utf8_valid(bytes_text(v->value)))
        say_error(c, &at, "the value is not valid UTF-8");
    else if (setting_set(s, c->rooms[room].draft, v->value, &note) != 0)
        say_error(c, &at, note.text);
}

static void read_set(struct conf *c, const char *text)
{
    struct place at = {.set = text};
    struct conf_entry e;
    struct err_note note;

    if (conf_read_set(text, &e, &note) != 0) {
        at.set = "";
        say_error(c, &at, note.text);
        return;
    }
    at.set = e.key; /* not the value: it may be a secret */
    take_entry(c, &at, &e);
}

static void release_drafts(struct conf *c)
{
    for (size_t i = 0; i < c->room_count; i++) {
        if (c->rooms[i].draft != NULL)
            setting_release(c->rooms[i].table, c->rooms[i].draft);
        mem_free(c->rooms[i].draft);
        c->rooms[i].draft = NULL;
    }
}

/* Fills the drafts with all layers. On failure there are none. */
static int read_drafts(struct conf *c, const struct conf_source *source)
{
    c->error_count = 0;
    for (size_t i = 0; i < c->room_count; i++) {
        struct conf_room *room = &c->rooms[i];
        ASSERT(room->draft == NULL);
        room->draft = mem_zero(1, room->size);
        setting_defaults(room->table, room->draft);
    }
    for (size_t i = 0; i < source->text_count; i++)
        read_text(c, &source->texts[i]);
    for (size_t i = 0; i < source->variable_count; i++)
        read_variable(c, &source->variables[i]);
    for (size_t i = 0; i < source->set_count; i++)
        read_set(c, source->sets[i]);
    if (c->error_count == 0)
        return 0;
    release_drafts(c);
    return ERR_INVALID;
}

int conf_load(struct conf *c, const struct conf_source *source)
{
    int rv = read_drafts(c, source);

    if (rv != 0)
        return rv;
    for (size_t i = 0; i < c->room_count; i++) {
        struct conf_room *room = &c->rooms[i];
        setting_release(room->table, room->options);
        memcpy(room->options, room->draft, room->size);
        mem_free(room->draft); /* its texts are the options' now */
        room->draft = NULL;
    }
    return 0;
}

void conf_each(const struct conf *c, conf_each_fn *fn, void *owner)
{
    for (size_t i = 0; i < c->room_count; i++) {
        const struct conf_room *room = &c->rooms[i];

        for (const struct setting *s = room->table; s->name != NULL; s++) {
            char *value = s->kind == SETTING_SECRET ? NULL : setting_show(s, room->options);

            fn(owner, s, value);
            mem_free(value);
        }
    }
}

/* ---- reloading ---- */

static void say_changed(struct conf *c, const struct setting *s, const char *before,
                        const char *after)
{
    char *sentence =
        s->kind == SETTING_SECRET
            ? mem_format("setting '%s' changed", s->name)
            : mem_format("setting '%s' changed from '%s' to '%s'", s->name, before, after);

    c->changed_count++;
    c->say(c->owner, DIAG_INFO, sentence);
    mem_free(sentence);
}

static void say_kept(struct conf *c, const struct setting *s, const char *before, const char *after)
{
    char *sentence =
        s->kind == SETTING_SECRET
            ? mem_format("setting '%s' keeps what it is until the next start", s->name)
            : mem_format("setting '%s' keeps '%s' until the next start, which will make it '%s'",
                         s->name, before, after);

    c->kept_count++;
    c->say(c->owner, DIAG_WARNING, sentence);
    mem_free(sentence);
}

static void reload_setting(struct conf *c, const struct conf_room *room, const struct setting *s)
{
    char *before = setting_show(s, room->options);
    char *after = setting_show(s, room->draft);

    if (strcmp(before, after) != 0 && s->is_reloadable) { /* C2 */
        int rv = setting_set(s, room->options, after, NULL);
        ASSERT(rv == 0);
        say_changed(c, s, before, after);
    } else if (strcmp(before, after) != 0) {
        say_kept(c, s, before, after);
    }
    mem_free(before);
    mem_free(after);
}

int conf_change(struct conf *c, const char *key, const char *value, struct err_note *note)
{
    size_t room = 0;
    const struct setting *s = find_setting(c, key, &room);
    char *before = NULL;
    char *after = NULL;
    int rv = 0;

    if (s == NULL)
        return err_note(note, ERR_NOT_FOUND, "there is no setting '%s'", key);
    if (!s->is_reloadable)
        return err_note(note, ERR_DENIED,
                        "setting '%s' cannot be changed while the broker runs; change it in the "
                        "configuration file and start again",
                        key);
    before = setting_show(s, c->rooms[room].options);
    rv = setting_set(s, c->rooms[room].options, value, note);
    if (rv == 0) {
        after = setting_show(s, c->rooms[room].options);
        if (strcmp(before, after) != 0)
            say_changed(c, s, before, after);
    }
    mem_free(before);
    mem_free(after);
    return rv;
}

int conf_reload(struct conf *c, const struct conf_source *source)
{
    int rv = read_drafts(c, source);

    if (rv != 0)
        return rv;
    c->changed_count = 0;
    c->kept_count = 0;
    for (size_t i = 0; i < c->room_count; i++)
        for (const struct setting *s = c->rooms[i].table; s->name != NULL; s++)
            reload_setting(c, &c->rooms[i], s);
    release_drafts(c);
    return 0;
}
