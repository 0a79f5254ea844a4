/* See topic_oracle.h. */
#include "tests/lib/topic_oracle.h"

#include "base/check.h"

enum { ORACLE_WORDS_MAX = 257 };

static size_t split(struct bytes text, struct bytes *words)
{
    size_t count = 0;
    size_t start = 0;

    if (text.size == 0)
        return 0;
    for (size_t i = 0; i <= text.size; i++) {
        if (i < text.size && text.data[i] != '.')
            continue;
        ASSERT(count < ORACLE_WORDS_MAX);
        words[count++] = bytes_of(text.data + start, i - start);
        start = i + 1;
    }
    return count;
}

bool oracle_topic(struct bytes pattern, struct bytes key)
{
    static bool matches[ORACLE_WORDS_MAX + 1][ORACLE_WORDS_MAX + 1];
    static struct bytes p[ORACLE_WORDS_MAX];
    static struct bytes k[ORACLE_WORDS_MAX];
    size_t p_count = split(pattern, p);
    size_t k_count = split(key, k);

    for (size_t i = 0; i <= p_count; i++) {
        bool is_hash = i > 0 && bytes_equal(p[i - 1], bytes_text("#"));
        bool is_star = i > 0 && bytes_equal(p[i - 1], bytes_text("*"));

        for (size_t j = 0; j <= k_count; j++) {
            if (i == 0)
                matches[i][j] = j == 0;
            else if (is_hash)
                matches[i][j] = matches[i - 1][j] || (j > 0 && matches[i][j - 1]);
            else
                matches[i][j] =
                    j > 0 && matches[i - 1][j - 1] && (is_star || bytes_equal(p[i - 1], k[j - 1]));
        }
    }
    return matches[p_count][k_count];
}
