/* Fuzz target: names and the patterns that they are matched with.
 *
 *     | user u8 n, n bytes | vhost ... | name ... | pattern: the rest |       0: a permission
 *     | priority u8 | pattern u8 n, n bytes | name ... | definition: the rest |      1: a policy
 *
 * A pattern is refused with a reason, or matches in bounded time. Of some patterns it is plain what
 * they must match: those of letters alone, and a user's name between anchors, whatever is in it. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "auth/auth.h"
#include "auth/pattern.h"
#include "policy/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MERGED_MAX = 1 << 20 };

static struct bytes read_part(struct reader *r)
{
    size_t size = reader_u8(r);

    return reader_bytes(r, size < r->left ? size : r->left);
}

static bool is_plain(struct bytes text)
{
    for (size_t i = 0; i < text.size; i++)
        if (text.data[i] < 'a' || text.data[i] > 'z')
            return false;
    return text.size > 0;
}

static bool is_part_of(struct bytes part, struct bytes whole)
{
    for (size_t i = 0; i + part.size <= whole.size; i++)
        if (memcmp(whole.data + i, part.data, part.size) == 0)
            return true;
    return false;
}

/* The user's name in a pattern stands for itself. */
static void check_username(const struct pattern_words *words, struct bytes name)
{
    struct pattern *p = NULL;
    int rv = pattern_new_with(bytes_text("\\A{username}\\z"), words, &p, NULL);

    ASSERT(rv == 0);
    ASSERT(pattern_matches(p, name) == bytes_equal(name, words->username));
    ASSERT(pattern_matches(p, words->username));
    pattern_free(p);
}

static void check_user(const struct pattern_words *words, struct bytes name, struct bytes pattern)
{
    const struct permission p = {.configure = pattern, .write = bytes_text(".*")};
    const struct user_spec spec = {.name = words->username};
    struct err_note note = {{0}};
    struct auth *a = auth_new(3);
    int rv = auth_put_user(a, &spec, &note);

    if (rv == 0) {
        struct user *u = auth_find_user(a, words->username);

        rv = auth_put_permission(a, u, words->vhost, &p, &note);
        ASSERT(auth_may_enter(a, u, words->vhost) == (rv == 0));
        ASSERT(auth_may(a, u, words->vhost, name, AUTH_WRITE) == (rv == 0));
        ASSERT(auth_may(a, u, words->vhost, name, AUTH_READ) == (rv == 0 && name.size == 0));
        bool first = auth_may(a, u, words->vhost, name, AUTH_CONFIGURE);
        ASSERT(first == auth_may(a, u, words->vhost, name, AUTH_CONFIGURE));
    }
    ASSERT(rv == 0 || note.text[0] != '\0');
    auth_free(a);
}

static void try_permission(struct reader *r)
{
    struct pattern_words words = {.username = read_part(r), .vhost = read_part(r)};
    struct bytes name = read_part(r);
    struct bytes text = bytes_of(r->at, r->left);
    struct err_note note = {{0}};
    struct pattern *p = NULL;
    int rv = pattern_new_with(text, &words, &p, &note);

    ASSERT(rv == 0 || (rv == ERR_INVALID && note.text[0] != '\0'));
    if (rv == 0) {
        bool does_match = pattern_matches(p, name);

        ASSERT(!is_plain(text) || does_match == is_part_of(text, name));
        ASSERT(bytes_equal(pattern_text(p), text));
    }
    pattern_free(p);
    check_username(&words, name);
    check_user(&words, name, text);
}

static void check_policy(const struct policies *ps, struct bytes name)
{
    struct policy_match m;
    struct table merged;
    struct buf out;

    for (unsigned target = POLICY_CLASSIC; target <= POLICY_EXCHANGES; target *= 2) {
        m = policies_match(ps, (uint8_t)target, name);
        buf_init(&out, MERGED_MAX);
        merged = policy_merge(&m, &out);
        ASSERT(buf_error(&out) == 0);
        struct table_walk w = table_walk(merged);
        struct table_entry e;
        struct field value;
        while (table_next(&w, &e)) {
            bool is_said = policy_value(&m, e.name, &value);
            ASSERT(is_said);
        }
        buf_release(&out);
    }
}

static void try_policy(struct reader *r)
{
    struct policy_spec spec = {.name = bytes_text("p"), .apply_to = POLICY_ALL};
    struct policies *ps = policies_new();
    struct err_note note = {{0}};
    struct bytes name;

    spec.priority = reader_u8(r) - 128;
    spec.pattern = read_part(r);
    name = read_part(r);
    if (table_decode(bytes_of(r->at, r->left), &spec.definition) == 0 &&
        table_count(spec.definition) > 0) {
        for (int rank = POLICY_OF_USERS; rank <= POLICY_OF_OPERATORS; rank++) {
            int rv = policies_put(ps, (enum policy_rank)rank, &spec, &note);

            ASSERT(rv == 0 || (rv == ERR_INVALID && note.text[0] != '\0'));
            ASSERT(rv == policy_check((enum policy_rank)rank, &spec, &note));
        }
        check_policy(ps, name);
        policies_check(ps);
    }
    policies_free(ps);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const tries[])(struct reader *) = {try_permission, try_policy};
    struct reader r = reader_of(bytes_of(data, size));
    uint8_t choice = reader_u8(&r);

    if (choice < ARRAY_SIZE(tries))
        tries[choice](&r);
    return 0;
}
