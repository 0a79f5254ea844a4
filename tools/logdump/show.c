/* The inspection as text; see show.h. */
#include "tools/logdump/show.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tools/logdump/words.h"

enum { BODY_LINES_MAX = 16 };

static bool shows(const struct show *s, unsigned section)
{
    return (s->arguments->sections & section) != 0;
}

/* Prints the heading of these columns unless the lines above have it already. */
static void columns(struct show *s, const char *heading)
{
    (void)fputs(s->segment, stdout);
    s->segment[0] = '\0';
    if (s->heading != heading)
        puts(heading);
    s->heading = heading;
}

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash != NULL ? slash + 1 : path;
}

/* ---- Findings and files ---- */

static void on_finding(void *owner, const struct inspect_finding *f)
{
    struct show *s = owner;

    printf("%s: %s: ", f->severity == INSPECT_PROBLEM ? "problem" : "note", f->path);
    if (f->at != INSPECT_NOWHERE)
        printf("byte %" PRIu64 ": ", f->at);
    puts(f->text);
    s->heading = NULL;
}

static const char *verdict_of(const struct inspect_state *st)
{
    return st->why == NULL ? "good" : st->why;
}

static void on_format(void *owner, const struct inspect_state *st)
{
    struct show *s = owner;

    if (s->is_summary && st->why == NULL)
        printf("data directory, format %" PRIu32 ", node %s\n", st->version, word_id(st->id).text);
}

static void on_log(void *owner, const char *path)
{
    struct show *s = owner;

    s->logs++;
    s->lanes = 0;
    s->checkpoints = 0;
    s->heading = NULL;
    s->segment[0] = '\0';
    if (s->arguments->sections != 0)
        printf("log %s\n", path);
}

/* ---- Small files ---- */

static void on_manifest_copy(void *owner, const struct inspect_state *st)
{
    columns(owner, "  manifest copy             generation       bytes  log                        "
                   "       state");
    printf("  %-24s %11" PRIu64 " %11" PRIu64 "  %s  %s\n", last_part(st->path), st->generation,
           st->content_bytes, word_id(st->id).text, verdict_of(st));
}

static void on_manifest(void *owner, const struct inspect_manifest *m)
{
    struct show *s = owner;

    s->heading = NULL;
    printf("  manifest: generation %" PRIu64 ", hot log from position %" PRIu64
           ", next cold id %" PRIx64 ", %" PRIu64 " cold files, durable below %" PRIu64 "\n",
           m->generation, m->hot_first, m->next_id, m->count, m->durable);
}

static void on_entry(void *owner, const struct inspect_entry *e)
{
    struct show *s = owner;

    s->lanes += s->lanes == 0 || e->destination != s->destination ? 1 : 0;
    s->destination = e->destination;
    if (!shows(s, SHOW_MANIFEST))
        return;
    columns(s,
            "  cold file                      lane        first          end    records       live "
            "      size  last time");
    printf("  cold-%016" PRIx64 ".seg %10" PRIu64 " %12" PRIu64 " %12" PRIu64 " %10" PRIu64
           " %10" PRIu64 " %10s  %s\n",
           e->id, e->destination, e->first, e->end, e->records, e->live,
           word_size(e->file_bytes).text, word_time(e->last_time_ms).text);
}

static void on_slot(void *owner, const struct inspect_slot *slot)
{
    columns(owner, "  watermark            byte    renewal      epoch     position  state");
    printf("  %-16s %8" PRIu64 " %10" PRIu64 " %10" PRIu64 " %12" PRIu64 "  %s\n",
           last_part(slot->path), slot->at, slot->number, slot->epoch, slot->position,
           slot->is_good     ? "good"
           : slot->is_unused ? "never written"
                             : "damaged");
}

static void on_checkpoint(void *owner, const struct inspect_state *st)
{
    struct show *s = owner;

    if (st->why == NULL) {
        s->checkpoints++;
        s->checkpoint = st->generation;
        s->checkpoint_bytes = st->content_bytes;
    }
    if (!shows(s, SHOW_CHECKPOINTS))
        return;
    columns(s, "  checkpoint                      position       bytes       crc  state");
    printf("  %-27s %12" PRIu64 " %11" PRIu64 "  %08" PRIx32 "  %s\n", last_part(st->path),
           st->generation, st->content_bytes, st->crc, verdict_of(st));
}

/* ---- Segments ---- */

static void on_segment(void *owner, const struct inspect_segment *g)
{
    struct show *s = owner;
    const char *header = g->is_header_good ? "" : ", header damaged";

    s->heading = NULL;
    if (g->is_cold)
        (void)snprintf(s->segment, sizeof(s->segment),
                       "  %s: cold, lane %" PRIu64 ", numbers from %" PRIu64 "%s\n",
                       last_part(g->path), g->destination, g->first, header);
    else
        (void)snprintf(s->segment, sizeof(s->segment), "  %s: hot, positions from %" PRIu64 "%s\n",
                       last_part(g->path), g->first, header);
}

static const char *state_of(const struct inspect_segment *g)
{
    if (g->is_damaged)
        return "DAMAGED";
    if (!g->is_header_good)
        return "header lost";
    switch (g->tail) {
    case INSPECT_TAIL_SEALED:
        return g->is_index_good ? "sealed" : "sealed, index lost";
    case INSPECT_TAIL_CLEAN:
        return "open";
    case INSPECT_TAIL_OLD:
        return "open, recycled bytes behind";
    case INSPECT_TAIL_TORN:
        return "open, torn tail";
    }
    return "";
}

static void on_segment_end(void *owner, const struct inspect_segment *g)
{
    struct show *s = owner;

    s->segment[0] = '\0'; /* it has its line here */
    columns(s,
            "  segment                        lane        first          end    batches    records "
            "     bytes       file  epochs  state");
    printf("  %-26s %8s %12" PRIu64 " %12s", last_part(g->path),
           g->is_cold ? word_number(g->destination).text : "hot", g->first,
           word_number(g->end).text);
    if (g->is_read)
        printf(" %10" PRIu64 " %10" PRIu64, g->batches, g->records);
    else
        printf(" %10s %10s", "-", "-");
    printf(" %10s %10s", word_size(g->bytes).text, word_size(g->file_bytes).text);
    if (g->is_read && g->batches > 0)
        printf(" %3" PRIu64 "-%-3" PRIu64, g->first_epoch, g->last_epoch);
    else
        printf("    %-4s", "-");
    printf(" %s\n", state_of(g));
}

static void on_batch(void *owner, const struct inspect_batch *b)
{
    columns(owner,
            "          byte       number    count     length   raw size  epoch      durable     "
            "chain       crc  time");
    printf("  %12" PRIu64 " %12" PRIu64 " %8" PRIu32 " %10" PRIu32 " %10" PRIu32 " %6" PRIu64
           " %12" PRIu64 "  %08" PRIx32 "  %08" PRIx32 "  %s%s%s\n",
           b->at, b->base, b->count, b->length, b->raw_size, b->epoch, b->durable, b->chain, b->crc,
           word_time(b->time_ms).text, b->is_numbered ? " numbered" : "",
           b->is_compressed ? " zstd" : "");
}

static void print_body(struct bytes body)
{
    size_t at = 0;

    for (int i = 0; i < BODY_LINES_MAX && at < body.size; i++, at += EXCERPT_BYTES) {
        size_t left = body.size - at;
        struct bytes part = bytes_of(body.data + at, left < EXCERPT_BYTES ? left : EXCERPT_BYTES);

        printf("        %06zx  %s |%s|\n", at, excerpt_digits(body, at).text, word_text(part).text);
    }
    if (at < body.size)
        printf("        ... and %zu more bytes\n", body.size - at);
}

static void on_record(void *owner, const struct record *r)
{
    struct show *s = owner;

    columns(s, "          number kind       body  time                      key");
    printf("    %12" PRIu64 " %4u %10zu  %s  %s\n", r->number, r->kind, r->body.size,
           word_time(r->time_ms).text, word_text(r->key).text);
    if (shows(s, SHOW_BODIES))
        print_body(r->body);
}

static void on_index_entry(void *owner, const struct inspect_index_entry *e)
{
    columns(owner, "  index        number         byte  time");
    printf("         %12" PRIu64 " %12" PRIu64 "  %s\n", e->number, e->at,
           word_time(e->time_ms).text);
}

/* ---- Summary ---- */

static const char *tail_text(enum inspect_tail tail)
{
    switch (tail) {
    case INSPECT_TAIL_SEALED:
        return "sealed";
    case INSPECT_TAIL_CLEAN:
        return "clean";
    case INSPECT_TAIL_OLD:
        return "clean, bytes of an earlier use behind";
    case INSPECT_TAIL_TORN:
        return "torn, the rest was never durable";
    }
    return "";
}

static void print_summary(const struct show *s, const struct inspect_log *l)
{
    printf("log %s\n", l->path);
    if (!l->is_begun) {
        printf("  nothing in it yet\n");
        return;
    }
    printf("  id           %s, epoch %" PRIu64 "\n", word_id(l->id).text, l->epoch);
    printf("  positions    %" PRIu64 " to %" PRIu64 " in the hot log, proven durable below %" PRIu64
           "\n",
           l->first, l->next, l->durable);
    printf("  hot          segments %" PRIu64 ", %s\n", l->hot_segments,
           word_size(l->hot_bytes).text);
    printf("  tail         byte %" PRIu64 ", %s\n", l->tail_at, tail_text(l->tail));
    printf("  cold         lanes %" PRIu64 ", files %" PRIu64 ", %s\n", s->lanes, l->cold_segments,
           word_size(l->cold_bytes).text);
    printf("  checkpoints  %" PRIu64, s->checkpoints);
    if (s->checkpoints > 0)
        printf(", the newest at position %" PRIu64 " with %s", s->checkpoint,
               word_size(s->checkpoint_bytes).text);
    printf("\n  spares       %" PRIu64 "\n", l->spares);
}

static void on_log_end(void *owner, const struct inspect_log *l)
{
    struct show *s = owner;

    if (s->is_summary)
        print_summary(s, l);
}

/* ---- Setting up ---- */

void show_init(struct show *s, const struct arguments *a)
{
    *s = (struct show){.arguments = a, .is_summary = a->sections == 0 && !a->verifies};
}

struct inspect_visitor show_visitor(struct show *s)
{
    bool is_nested = shows(s, SHOW_BATCHES | SHOW_RECORDS | SHOW_INDEX);
    struct inspect_visitor v = {.owner = s,
                                .on_finding = on_finding,
                                .on_format = on_format,
                                .on_log = on_log,
                                .on_entry = on_entry,
                                .on_checkpoint = on_checkpoint,
                                .on_log_end = on_log_end};

    if (shows(s, SHOW_MANIFEST)) {
        v.on_manifest_copy = on_manifest_copy;
        v.on_manifest = on_manifest;
    }
    v.on_slot = shows(s, SHOW_WATERMARK) ? on_slot : NULL;
    v.on_segment = is_nested ? on_segment : NULL;
    v.on_segment_end = shows(s, SHOW_SEGMENTS) ? on_segment_end : NULL;
    v.on_batch = shows(s, SHOW_BATCHES) ? on_batch : NULL;
    v.on_record = shows(s, SHOW_RECORDS) ? on_record : NULL;
    v.on_index_entry = shows(s, SHOW_INDEX) ? on_index_entry : NULL;
    return v;
}

void show_verdict(const struct show *s, const struct inspect *in)
{
    printf("%s: %s: %" PRIu64 " problem%s, %" PRIu64 " note%s\n", s->arguments->path,
           in->problems == 0 ? "all is well" : "SOMETHING IS WRONG", in->problems,
           in->problems == 1 ? "" : "s", in->notes, in->notes == 1 ? "" : "s");
}
