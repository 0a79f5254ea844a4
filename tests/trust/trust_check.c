/* trust_check: reads histories and says what is wrong with them.
 *
 *     trust_check FILE...           prints each breach; exit status 1 when there is one
 *     trust_check --prove FILE...   each file says in a comment what it breaks, and must break that
 *                                   and nothing else:  # breaks: reordered */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "tests/lib/text_file.h"
#include "tests/trust/verdict.h"

enum { OUTPUT_MAX = 1 << 20 };

static const char breaks[] = "# breaks: ";

/* Reads the file into the history. False, and says why, when it cannot. */
static bool read_file(struct history *h, const char *path, char *text)
{
    struct err_note note = {{0}};

    if (text == NULL) {
        fprintf(stderr, "trust_check: cannot read '%s'\n", path);
        return false;
    }
    if (history_read(h, bytes_text(text), &note) == 0)
        return true;
    fprintf(stderr, "trust_check: %s: %s\n", path, note.text);
    return false;
}

static void print_breaches(const struct verdict *v, const struct history *h, const char *path)
{
    struct buf out;

    buf_init(&out, OUTPUT_MAX);
    verdict_write(v, h, &out);
    printf("%s: %zu breaches\n%.*s", path, v->count, (int)out.size, (const char *)out.data);
    buf_release(&out);
}

/* Whether the verdict has what the comment says, and nothing else. */
static bool is_as_said(const struct verdict *v, const char *text)
{
    const char *at = strstr(text, breaks);
    struct bytes wanted;

    if (at == NULL)
        return false;
    at += strlen(breaks);
    wanted = bytes_of(at, strcspn(at, "\n"));
    if (bytes_equal(wanted, bytes_text("nothing")))
        return v->count == 0;
    for (unsigned kind = 0; kind < BREACH_COUNT; kind++)
        if (bytes_equal(wanted, bytes_text(breach_name((enum breach_kind)kind))))
            return v->count > 0 && v->counts[kind] == v->count;
    return false;
}

/* Each rule is broken by one of the proofs. */
static bool has_every_kind(const bool broken[BREACH_COUNT])
{
    bool has_all = true;

    for (unsigned kind = 0; kind < BREACH_COUNT; kind++) {
        if (!broken[kind])
            printf("no history breaks '%s'\n", breach_name((enum breach_kind)kind));
        has_all &= broken[kind];
    }
    return has_all;
}

/* Notes which kinds it breaks. */
static bool judge_file(const char *path, bool is_proof, bool broken[BREACH_COUNT])
{
    char *text = text_file_read(path);
    struct history h;
    struct verdict v;
    bool is_good;

    history_init(&h);
    is_good = read_file(&h, path, text);
    if (is_good) {
        history_judge(&h, &v);
        for (unsigned kind = 0; kind < BREACH_COUNT; kind++)
            broken[kind] |= v.counts[kind] > 0;
        is_good = is_proof ? is_as_said(&v, text) : v.count == 0;
        if (!is_good)
            print_breaches(&v, &h, path);
        verdict_release(&v);
    }
    history_release(&h);
    mem_free(text);
    return is_good;
}

int main(int argc, char **argv)
{
    bool is_proof = argc > 1 && strcmp(argv[1], "--prove") == 0;
    int first = is_proof ? 2 : 1;
    bool broken[BREACH_COUNT] = {false};
    int bad = 0;

    if (argc <= first) {
        fprintf(stderr, "usage: trust_check [--prove] FILE...\n");
        return 2;
    }
    for (int i = first; i < argc; i++)
        bad += !judge_file(argv[i], is_proof, broken);
    printf("%d histories, %d not as they should be\n", argc - first, bad);
    return bad == 0 && (!is_proof || has_every_kind(broken)) ? 0 : 1;
}
