/* Global parameters, as definitions. */
#include "broker/parameters.h"

#include "broker/announce.h"
#include "broker/parts.h"
#include "msg/shortstr.h"

static void encode(struct broker *b, const struct global_parameter *p)
{
    global_term_encode(&(struct global_term){.name = p->name, .value = p->value}, &b->terms);
}

int broker_put_global(struct broker *b, const struct global_parameter *p, struct err_note *note)
{
    if (p->name.size == 0 || shortstr_check(p->name) != 0)
        return err_note(note, ERR_INVALID, "the name of a global parameter is not valid");
    if (p->value.size == 0 || p->value.size > GLOBAL_VALUE_MAX)
        return err_note(note, ERR_INVALID,
                        "the value of global parameter '%.*s' must have 1 to %d "
                        "bytes",
                        SHOW(p->name), (int)GLOBAL_VALUE_MAX);
    if (definitions_are_full(&b->definitions))
        return err_note(note, ERR_FULL, "too many definitions wait for the disk");
    encode(b, p);
    definitions_put(&b->definitions, DEFINITION_GLOBAL_PARAMETER, buf_view(&b->terms.key),
                    buf_view(&b->terms.body));
    event_tell(b, "parameter.set", &(struct event_text){"name", p->name}, 1);
    return 0;
}

int broker_delete_global(struct broker *b, struct bytes name, struct err_note *note)
{
    struct global_parameter p;

    if (!broker_find_global(b, name, &p))
        return err_note(note, ERR_NOT_FOUND, "global parameter '%.*s' does not exist", SHOW(name));
    event_tell(b, "parameter.cleared", &(struct event_text){"name", name}, 1);
    encode(b, &(struct global_parameter){.name = name});
    definitions_remove(&b->definitions, DEFINITION_GLOBAL_PARAMETER, buf_view(&b->terms.key));
    return 0;
}

static bool tell(const struct definition *d, struct global_parameter *out)
{
    struct global_term t;

    if (d == NULL || !global_term_decode(d, &t))
        return false;
    *out = (struct global_parameter){.name = t.name, .value = t.value};
    return true;
}

bool broker_find_global(struct broker *b, struct bytes name, struct global_parameter *out)
{
    encode(b, &(struct global_parameter){.name = name});
    return tell(
        definitions_find(&b->definitions, DEFINITION_GLOBAL_PARAMETER, buf_view(&b->terms.key)),
        out);
}

bool broker_get_global(struct broker *b, size_t index, struct global_parameter *out)
{
    const struct names_entry *e =
        definitions_next(&b->definitions, DEFINITION_GLOBAL_PARAMETER, NULL);

    for (size_t i = 0; i < index && e != NULL; i++)
        e = definitions_next(&b->definitions, DEFINITION_GLOBAL_PARAMETER, e);
    return e != NULL && tell((const struct definition *)e->value, out);
}
