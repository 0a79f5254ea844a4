/* Binding keys of a topic exchange as a tree of words. Private.
 *
 *     a.*.c   a.#   #          root --a--> o --*--> o --c--> (row)
 *                              |           +--#--> (row)
 *                              +--#--> (row)
 *
 * A routing key is matched by all ways at once: the set of nodes that its first words lead to,
 * each in it once, moves on word by word. '*' leads on with any word, '#' with none (so who
 * comes to a node comes to its '#' too) and a '#' stays in the set with any word. The work for a
 * word is at most the number of nodes, whatever the patterns; mostly it is one or two.
 *
 *   K1  a node has a binding or a child, but for the root.
 *   K2  a child is found from its parent by its word alone, in one map for the whole tree. */
#ifndef EXCHANGE_TOPIC_TRIE_H
#define EXCHANGE_TOPIC_TRIE_H

#include "base/map.h"
#include "exchange/row.h"

struct topic_node {
    uint64_t seen; /* the last step in which it came into the set */
    struct topic_node *star;
    struct topic_node *hash;
    bool is_hash;
    uint32_t child_count; /* with star and hash */
    uint32_t word_count;  /* without */
    uint64_t id;
    struct row row; /* of patterns that end here */
    struct topic_node *parent;
    struct topic_node *same_edge; /* another with the same hash in the map */
    uint64_t edge;
    struct bytes word; /* lies behind the struct */
};

struct topic_set {
    struct topic_node **nodes;
    size_t count;
    size_t capacity;
};

struct topic_trie {
    struct topic_node root;
    struct map edges;
    uint64_t seed;
    uint64_t last_id;
    uint64_t step;
    size_t node_count; /* without the root */
    struct topic_set now;
    struct topic_set next;
};

void topic_trie_init(struct topic_trie *t, uint64_t seed);
/* No binding must be in. */
void topic_trie_release(struct topic_trie *t);

/* Adds the binding at the node of its key, which it remembers as its place. */
void topic_trie_add(struct topic_trie *t, struct binding *b);
void topic_trie_remove(struct topic_trie *t, struct binding *b);

/* Gives the walk every binding that matches the routing key, each once. */
void topic_trie_match(struct topic_trie *t, struct bytes key, struct walk *w);

/* How many bindings are in, asserting K1 and K2. */
size_t topic_trie_check(const struct topic_trie *t);

/* A key's words from its front, cut at each dot; the empty key has none. */
struct topic_words {
    struct bytes rest;
    bool is_done;
};
struct topic_words topic_words(struct bytes key);
bool topic_words_next(struct topic_words *w, struct bytes *word);

#endif
