/* Definitions read back: from a checkpoint, from records behind it, or, when every checkpoint was
 * lost, from the records that the sorter kept. */
#include "broker/definitions_parts.h"
#include "cluster/partition.h"

enum { STATE_VERSION = 1 };

/* ---- reading ---- */

static void take_reserved(struct definitions *d, struct bytes body)
{
    uint64_t id = body.size == sizeof(uint64_t) ? get_le64(body.data) : 0;

    if (id > d->reserved_id)
        d->reserved_id = id;
    d->next_id = d->reserved_id;
}

static int take(struct definitions *d, const struct definition *what)
{
    const struct definition *n = definitions_index(d, what);

    if (n->kind != DEFINITION_IDS)
        return d->calls.on_read(d->calls.owner, n);
    take_reserved(d, n->body);
    return 0;
}

static void take_gone(struct definitions *d, uint8_t kind, struct bytes key)
{
    if (definitions_unindex(d, kind, key))
        d->calls.on_gone(d->calls.owner, kind, key);
}

/* Records of kinds and versions that a later program wrote stop the opening: guessing would lose
 * what they say. */
static int take_record(struct definitions *d, const struct record *r)
{
    if (r->body.size < DEFINITION_HEADER_SIZE)
        return ERR_CORRUPT;
    if (r->kind > DEFINITION_NEWEST || r->body.data[0] != DEFINITION_VERSION)
        return ERR_VERSION;
    d->last_position = r->number;
    d->has_record = true;
    if (r->body.data[1] == 0) {
        take_gone(d, r->kind, r->key);
        return 0;
    }
    return take(d, &(struct definition){
                       .kind = r->kind,
                       .position = r->number,
                       .key = r->key,
                       .body = bytes_of(r->body.data + DEFINITION_HEADER_SIZE,
                                        r->body.size - DEFINITION_HEADER_SIZE),
                   });
}

static int on_replay(void *owner, const struct record *r)
{
    return take_record((struct definitions *)owner, r);
}

static int on_survivor(void *owner, uint64_t destination, const struct record *r)
{
    (void)destination;
    return take_record((struct definitions *)owner, r);
}

static bool read_definition(struct reader *r, struct definition *out)
{
    uint16_t key = 0;
    uint32_t body = 0;

    *out = (struct definition){0};
    out->position = reader_le64(r);
    out->kind = reader_u8(r);
    key = reader_le16(r);
    body = reader_le32(r);
    out->key = reader_bytes(r, key);
    out->body = reader_bytes(r, body);
    return !r->is_failed && out->kind >= DEFINITION_IDS && out->kind <= DEFINITION_NEWEST;
}

static int on_restore(void *owner, struct bytes state, struct err_note *note)
{
    struct definitions *d = (struct definitions *)owner;
    struct reader r = reader_of(state);
    uint8_t version = reader_u8(&r);
    uint64_t next_id = reader_le64(&r);
    uint32_t count = reader_le32(&r);
    struct definition n;
    int rv = 0;

    if (version != STATE_VERSION)
        return err_note(note, ERR_VERSION,
                        "the definitions in the checkpoint have the unknown version %u", version);
    for (uint32_t i = 0; i < count; i++) {
        if (!read_definition(&r, &n))
            return err_note(note, ERR_CORRUPT, "the definitions in the checkpoint are damaged");
        rv = take(d, &n);
        if (rv != 0)
            return err_note(note, rv, "a definition in the checkpoint cannot be followed: %s",
                            err_text(rv));
    }
    if (!reader_is_done(&r))
        return err_note(note, ERR_CORRUPT, "the definitions in the checkpoint are damaged");
    d->checkpoint_id = next_id;
    return 0;
}

/* After a clean stop no id was given out that the checkpoint does not know. */
static int on_opened(void *owner, bool is_clean, struct err_note *note)
{
    struct definitions *d = (struct definitions *)owner;

    (void)note;
    if (is_clean && d->checkpoint_id > 0 && d->checkpoint_id < d->next_id)
        d->next_id = d->checkpoint_id;
    return 0;
}

/* ---- writing ---- */

static void on_save(void *owner, bool is_last, struct buf *out)
{
    const struct definitions *d = (const struct definitions *)owner;

    (void)is_last;
    buf_u8(out, STATE_VERSION);
    buf_le64(out, d->next_id);
    buf_le32(out, (uint32_t)names_count(&d->by_key));
    for (struct names_entry *e = names_first(&d->by_key); e != NULL;
         e = names_next(&d->by_key, e)) {
        const struct definition *n = (const struct definition *)e->value;

        buf_le64(out, n->position);
        buf_u8(out, n->kind);
        buf_le16(out, (uint16_t)n->key.size);
        buf_le32(out, (uint32_t)n->body.size);
        buf_bytes(out, n->key);
        buf_bytes(out, n->body);
    }
}

/* ---- sorting ---- */

static void on_classify(void *owner, uint64_t lane, const struct record *r, struct log_sorting *s)
{
    const struct definition *n = definitions_find((struct definitions *)owner, r->kind, r->key);

    (void)lane;
    if (n != NULL && n->position == r->number)
        log_keep(s);
}

void definitions_fold(struct definitions *d, struct fold *out)
{
    *out = (struct fold){
        .owner = d,
        .id = DEFINITIONS_FOLD,
        .kind_first = DEFINITION_IDS,
        .kind_last = DEFINITION_LAST,
        .restore = on_restore,
        .survivor = on_survivor,
        .replay = on_replay,
        .opened = on_opened,
        .save = on_save,
        .classify = on_classify,
    };
}

/* What a checkpoint knew that never got a record gets one now. */
static void write_unwritten(struct definitions *d)
{
    for (struct names_entry *e = names_first(&d->by_key); e != NULL;
         e = names_next(&d->by_key, e)) {
        const struct definition *n = (const struct definition *)e->value;

        if (n->position == DEFINITION_UNWRITTEN)
            definitions_rewrite(d, n);
    }
}

void definitions_start(struct definitions *d, struct partition *p)
{
    ASSERT(d->partition == NULL);
    d->partition = p;
    write_unwritten(d);
}

void definitions_stop(struct definitions *d)
{
    definitions_flush(d);
    d->is_failed = true; /* what is held back still is in the last checkpoint */
    d->partition = NULL;
}
