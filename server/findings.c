/* A list of sentences. */
#include "server/findings.h"

#include "base/mem.h"
#include "io/real.h"

struct finding {
    struct list_link link;
    enum diag_level level;
    char *sentence;
};

void findings_init(struct findings *f)
{
    list_init(&f->sentences);
}

void findings_add(void *owner, enum diag_level level, const char *sentence)
{
    struct findings *f = owner;
    struct finding *one = MEM_NEW(struct finding);

    one->level = level;
    one->sentence = mem_text(sentence);
    list_push(&f->sentences, &one->link);
}

const char *findings_error(const struct findings *f)
{
    LIST_FOREACH (link, &f->sentences) {
        const struct finding *one = CONTAINER_OF(link, struct finding, link);
        if (one->level == DIAG_ERROR)
            return one->sentence;
    }
    return NULL;
}

void findings_tell(struct findings *f)
{
    LIST_FOREACH (link, &f->sentences) {
        const struct finding *one = CONTAINER_OF(link, struct finding, link);
        diag(one->level, "conf", "%s", one->sentence);
    }
    findings_clear(f);
}

void findings_print(struct findings *f)
{
    LIST_FOREACH (link, &f->sentences) {
        const struct finding *one = CONTAINER_OF(link, struct finding, link);
        char *line = mem_format("millrace: %s%s\n",
                                one->level == DIAG_ERROR ? "" : "warning: ", one->sentence);
        real_print_error(line);
        mem_free(line);
    }
    findings_clear(f);
}

void findings_clear(struct findings *f)
{
    struct list_link *link = NULL;

    while ((link = list_take(&f->sentences)) != NULL) {
        struct finding *one = CONTAINER_OF(link, struct finding, link);
        mem_free(one->sentence);
        mem_free(one);
    }
}
