/* The tree, and the set of nodes that walks through it. */
#include "exchange/topic_trie.h"

#include "base/hash.h"
#include "base/mem.h"

struct topic_words topic_words(struct bytes key)
{
    return (struct topic_words){.rest = key, .is_done = key.size == 0};
}

bool topic_words_next(struct topic_words *w, struct bytes *word)
{
    if (w->is_done)
        return false;

    const uint8_t *dot = (const uint8_t *)memchr(w->rest.data, '.', w->rest.size);

    if (dot == NULL) {
        *word = w->rest;
        w->is_done = true;
        return true;
    }
    *word = bytes_of(w->rest.data, (size_t)(dot - w->rest.data));
    w->rest = bytes_of(dot + 1, w->rest.size - word->size - 1);
    return true;
}

void topic_trie_init(struct topic_trie *t, uint64_t seed)
{
    *t = (struct topic_trie){.seed = seed};
    map_init(&t->edges);
}

void topic_trie_release(struct topic_trie *t)
{
    ASSERT(t->node_count == 0 && t->root.row.count == 0);
    map_release(&t->edges);
    mem_free(t->now.nodes);
    mem_free(t->next.nodes);
}

/* Where the child of that word is in the map of edges. Ids are spread so that two nodes do not
 * give one word neighbouring places. */
static uint64_t edge_of(const struct topic_node *parent, uint64_t word_hash)
{
    return word_hash ^ parent->id * 0x9e3779b97f4a7c15u;
}

static struct topic_node *child_of(const struct topic_trie *t, const struct topic_node *parent,
                                   struct bytes word, uint64_t word_hash)
{
    struct topic_node *child = NULL;

    if (parent->word_count == 0)
        return NULL;
    child = (struct topic_node *)map_find(&t->edges, edge_of(parent, word_hash));
    while (child != NULL && (child->parent != parent || !bytes_equal(child->word, word)))
        child = child->same_edge;
    return child;
}

static bool is_word(struct bytes word, char c)
{
    return word.size == 1 && word.data[0] == (uint8_t)c;
}

static struct topic_node *node_new(struct topic_trie *t, struct topic_node *parent,
                                   struct bytes word)
{
    struct topic_node *n = (struct topic_node *)mem_zero(1, sizeof(*n) + word.size);

    if (word.size > 0)
        memcpy(n + 1, word.data, word.size);
    n->word = bytes_of(n + 1, word.size);
    n->parent = parent;
    n->id = ++t->last_id;
    parent->child_count++;
    t->node_count++;
    return n;
}

/* The child of that pattern word, made if it is not there. */
static struct topic_node *grow(struct topic_trie *t, struct topic_node *parent, struct bytes word)
{
    if (is_word(word, '*') || is_word(word, '#')) {
        bool is_hash = is_word(word, '#');
        struct topic_node **place = is_hash ? &parent->hash : &parent->star;

        if (*place == NULL) {
            *place = node_new(t, parent, word);
            (*place)->is_hash = is_hash;
        }
        return *place;
    }

    uint64_t word_hash = hash64(word, t->seed);
    struct topic_node *child = child_of(t, parent, word, word_hash);

    if (child != NULL)
        return child;
    child = node_new(t, parent, word);
    child->edge = edge_of(parent, word_hash);
    child->same_edge = (struct topic_node *)map_put(&t->edges, child->edge, child);
    parent->word_count++;
    return child;
}

void topic_trie_add(struct topic_trie *t, struct binding *b)
{
    struct topic_words words = topic_words(b->key);
    struct topic_node *n = &t->root;
    struct bytes word;

    while (topic_words_next(&words, &word))
        n = grow(t, n, word);
    row_add(&n->row, b);
    b->place = n;
}

/* Takes the node's edge out of the chain of its hash. */
static void unchain(struct topic_trie *t, struct topic_node *n)
{
    struct topic_node *first = (struct topic_node *)map_find(&t->edges, n->edge);

    ASSERT(first != NULL && n->parent->word_count > 0);
    n->parent->word_count--;
    if (first == n && n->same_edge == NULL)
        map_remove(&t->edges, n->edge);
    else if (first == n)
        map_put(&t->edges, n->edge, n->same_edge);
    else {
        while (first->same_edge != n)
            first = first->same_edge;
        first->same_edge = n->same_edge;
    }
}

/* Removes the node if nothing needs it. Returns its parent then, else NULL. */
static struct topic_node *prune(struct topic_trie *t, struct topic_node *n)
{
    struct topic_node *parent = n->parent;

    if (parent == NULL || n->row.count > 0 || n->child_count > 0)
        return NULL;
    if (parent->star == n)
        parent->star = NULL;
    else if (parent->hash == n)
        parent->hash = NULL;
    else
        unchain(t, n);
    ASSERT(parent->child_count > 0);
    parent->child_count--;
    t->node_count--;
    mem_free(n);
    return parent;
}

void topic_trie_remove(struct topic_trie *t, struct binding *b)
{
    struct topic_node *n = (struct topic_node *)b->place;

    row_remove(&n->row, b);
    while (n != NULL)
        n = prune(t, n); /* K1 */
}

/* Puts the node into the set, and with it the '#' below it, which needs no word. */
static void enter(struct topic_trie *t, struct topic_set *set, struct topic_node *n)
{
    for (; n != NULL && n->seen != t->step; n = n->hash) {
        n->seen = t->step;
        set->nodes = (struct topic_node **)walk_fit(set->nodes, set->count, &set->capacity,
                                                    sizeof(struct topic_node *));
        set->nodes[set->count++] = n;
    }
}

/* Where one word leads from all nodes of the set. */
static void advance(struct topic_trie *t, struct bytes word)
{
    struct topic_set from = t->now;
    uint64_t word_hash = hash64(word, t->seed);

    t->step++;
    t->next.count = 0;
    for (size_t i = 0; i < from.count; i++) {
        struct topic_node *n = from.nodes[i];

        if (n->is_hash)
            enter(t, &t->next, n);
        enter(t, &t->next, n->star);
        enter(t, &t->next, child_of(t, n, word, word_hash));
    }
    t->now = t->next;
    t->next = from;
}

void topic_trie_match(struct topic_trie *t, struct bytes key, struct walk *w)
{
    struct topic_words words = topic_words(key);
    struct bytes word;

    t->step++;
    t->now.count = 0;
    enter(t, &t->now, &t->root);
    while (t->now.count > 0 && topic_words_next(&words, &word))
        advance(t, word);
    for (size_t i = 0; i < t->now.count; i++)
        row_hit(&t->now.nodes[i]->row, w);
}

/* The bindings at a node and below it by '*' and '#'; words are counted in the map. */
static size_t check_node(const struct topic_trie *t, const struct topic_node *n)
{
    ASSERT(n->parent == NULL || n->row.count > 0 || n->child_count > 0); /* K1 */
    ASSERT(n->child_count == n->word_count + (n->star != NULL) + (n->hash != NULL));
    ASSERT(n->seen <= t->step);
    return row_check(&n->row);
}

static size_t check_wild(const struct topic_trie *t, const struct topic_node *n, size_t *nodes)
{
    size_t count = check_node(t, n);

    ++*nodes;
    if (n->star != NULL)
        count += check_wild(t, n->star, nodes);
    if (n->hash != NULL)
        count += check_wild(t, n->hash, nodes);
    return count;
}

size_t topic_trie_check(const struct topic_trie *t)
{
    size_t nodes = 0;
    size_t count = check_wild(t, &t->root, &nodes);

    MAP_FOREACH (walk, &t->edges) {
        const struct topic_node *n = (const struct topic_node *)walk.value;

        for (; n != NULL; n = n->same_edge) {
            ASSERT(child_of(t, n->parent, n->word, hash64(n->word, t->seed)) == n); /* K2 */
            count += check_wild(t, n, &nodes);
        }
    }
    ASSERT(nodes == t->node_count + 1);
    return count;
}
