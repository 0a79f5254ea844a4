/* Settings that are changed while the broker runs, as rabbitmqctl changes some of them. */
#include <string.h>

#include "base/mem.h"
#include "tools/ctl/verbs.h"

static int change(struct ctl *c, const struct verb *v, const char *name, const char *value)
{
    char *path = mem_format("%s%s", v->path, name);
    json_t *body = json_pack("{s:s}", "value", value);
    int rv = body == NULL ? err_note(&c->note, ERR_INVALID, "a word is no UTF-8")
                          : ctl_request(c, v->method, path, body, NULL);

    json_decref(body);
    mem_free(path);
    return rv;
}

/* The second word, when the first one is that. */
static const char *behind(const struct ctl *c, const char *first)
{
    const struct options *o = c->options;

    return o->word_count == 2 && strcmp(o->words[0], first) == 0 ? o->words[1] : NULL;
}

static int fail_words(struct ctl *c, const struct verb *v)
{
    return err_note(&c->note, ERR_INVALID, "usage: millracectl %s %s", v->name, v->words);
}

/* Of the two ways to say a limit the other one is taken back, so that what was said counts. */
int verb_set_memory(struct ctl *c, const struct verb *v)
{
    const char *size = behind(c, "absolute");
    int rv = 0;

    if (size != NULL)
        return change(c, v, "vm_memory_high_watermark.absolute", size);
    if (c->options->word_count != 1)
        return fail_words(c, v);
    rv = change(c, v, "vm_memory_high_watermark.relative", c->options->words[0]);
    return rv == 0 ? change(c, v, "vm_memory_high_watermark.absolute", "0") : rv;
}

int verb_set_disk(struct ctl *c, const struct verb *v)
{
    const char *share = behind(c, "mem_relative");
    int rv = 0;

    if (share != NULL)
        return change(c, v, "disk_free_limit.relative", share);
    if (c->options->word_count != 1)
        return fail_words(c, v);
    rv = change(c, v, "disk_free_limit.absolute", c->options->words[0]);
    return rv == 0 ? change(c, v, "disk_free_limit.relative", "0") : rv;
}

int verb_set_log_level(struct ctl *c, const struct verb *v)
{
    static const char *const names[] = {"log.default.level", "log.console.level", "log.file.level"};
    int rv = 0;

    for (size_t i = 0; i < ARRAY_SIZE(names) && rv == 0; i++)
        rv = change(c, v, names[i], c->options->words[0]);
    return rv;
}
