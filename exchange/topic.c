/* topic: binding keys are patterns of words. */
#include "base/mem.h"
#include "exchange/topic_trie.h"

static int topic_check_binding(const struct exchange_options *o, const struct binding_spec *spec,
                               struct err_note *note)
{
    struct topic_words words = topic_words(spec->key);
    struct bytes word;
    uint32_t count = 0;
    uint32_t hashes = 0;

    while (topic_words_next(&words, &word)) {
        count++;
        hashes += bytes_equal(word, bytes_text("#"));
    }
    if (hashes > o->topic_hashes_max)
        return err_note(note, ERR_INVALID,
                        "topic binding key has %u words '#'; at most %u are "
                        "allowed",
                        hashes, o->topic_hashes_max);
    if (count > o->topic_words_max)
        return err_note(note, ERR_INVALID, "topic binding key has %u words; at most %u are allowed",
                        count, o->topic_words_max);
    return 0;
}

static void topic_open(struct exchange *x)
{
    struct topic_trie *trie = MEM_NEW(struct topic_trie);

    topic_trie_init(trie, x->table->seed);
    x->state = trie;
}

static void topic_close(struct exchange *x)
{
    topic_trie_release((struct topic_trie *)x->state);
    mem_free(x->state);
}

static void topic_bind(struct exchange *x, struct binding *b)
{
    topic_trie_add((struct topic_trie *)x->state, b);
}

static void topic_unbind(struct exchange *x, struct binding *b)
{
    topic_trie_remove((struct topic_trie *)x->state, b);
}

static void topic_route(struct exchange *x, struct walk *w)
{
    for (size_t i = 0; i < w->view->key_count; i++)
        topic_trie_match((struct topic_trie *)x->state, w->view->keys[i], w);
}

static size_t topic_check(const struct exchange *x)
{
    return topic_trie_check((const struct topic_trie *)x->state);
}

const struct exchange_kind topic_kind = {
    .name = "topic",
    .looks_at = LOOKS_AT_KEY,
    .check_binding = topic_check_binding,
    .open = topic_open,
    .close = topic_close,
    .bind = topic_bind,
    .unbind = topic_unbind,
    .route = topic_route,
    .check = topic_check,
};
