/* Packing the entries of a ledger, and reading one without unpacking; see ledger_block.h. */
#include "store/ledger_block.h"

#include <string.h>

#include "base/mem.h"
#include "store/store.h"
#include "store/varint.h"

enum column { COLUMN_PLACE, COLUMN_SIZE, COLUMN_EXPIRES, COLUMN_PRIORITY };

enum { SLACK = 8 }; /* bytes behind the values */

/* Takes the top bit of a place, which says that it is in memory, to the bottom. */
static uint64_t turn(uint64_t place)
{
    return place << 1 | place >> 63;
}

static uint64_t turn_back(uint64_t turned)
{
    return turned >> 1 | turned << 63;
}

static inline uint64_t value_of(const struct ledger_entry *e, enum column c)
{
    switch (c) {
    case COLUMN_PLACE:
        return turn(e->place);
    case COLUMN_SIZE:
        return e->size;
    case COLUMN_EXPIRES:
        return (uint64_t)e->expires_ms;
    case COLUMN_PRIORITY:
        break;
    }
    return e->priority;
}

/* The bytes that a value needs. */
static uint32_t width_of(uint64_t v)
{
    return v == 0 ? 0 : (uint32_t)(71 - __builtin_clzll(v)) / 8;
}

static struct ledger_column column_of(uint64_t base, uint32_t width)
{
    return (struct ledger_column){
        .base = base, .mask = width == 0 ? 0 : UINT64_MAX >> (64 - 8 * width), .width = width};
}

/* The column of values that are not all equal. */
static inline struct ledger_column measure(const struct ledger_rows *rows, enum column c)
{
    uint64_t low = UINT64_MAX, high = 0;

    for (uint32_t i = 0; i < rows->count; i++) {
        uint64_t v = value_of(&rows->entries[i], c);

        low = v < low ? v : low;
        high = v > high ? v : high;
    }
    return column_of(low, width_of(high - low));
}

/* The columns. Most often only the places differ. Returns whether any entry is in memory. */
static bool measure_all(const struct ledger_rows *rows,
                        struct ledger_column columns[LEDGER_COLUMNS])
{
    const struct ledger_entry *first = &rows->entries[0];
    uint64_t other_size = 0, other_expiry = 0, other_priority = 0, places = 0;

    for (uint32_t i = 0; i < rows->count; i++) {
        const struct ledger_entry *e = &rows->entries[i];

        places |= e->place;
        other_size |= e->size ^ first->size;
        other_expiry |= (uint64_t)(e->expires_ms ^ first->expires_ms);
        other_priority |= e->priority ^ first->priority;
    }
    for (int c = 0; c < LEDGER_COLUMNS; c++)
        columns[c] = column_of(value_of(first, (enum column)c), 0);
    columns[COLUMN_PLACE] = measure(rows, COLUMN_PLACE);
    if (other_size != 0)
        columns[COLUMN_SIZE] = measure(rows, COLUMN_SIZE);
    if (other_expiry != 0)
        columns[COLUMN_EXPIRES] = measure(rows, COLUMN_EXPIRES);
    if (other_priority != 0)
        columns[COLUMN_PRIORITY] = measure(rows, COLUMN_PRIORITY);
    return (places & STORE_TRANSIENT) != 0;
}

/* Writes the values of a column. Each is written in eight bytes, of which the upper ones are zero
 * and belong to those behind it, which come next, or to the slack. */
static inline void put_column(struct ledger_block *b, enum column c, const struct ledger_rows *rows)
{
    const struct ledger_column *column = &b->columns[c];
    uint8_t *at = b->values + column->at;

    if (column->width == 0)
        return;
    for (uint32_t i = 0; i < rows->count; i++)
        put_le64(at + (size_t)i * column->width, value_of(&rows->entries[i], c) - column->base);
}

static inline uint64_t value_at(const struct ledger_block *b, enum column c, uint32_t i)
{
    const struct ledger_column *column = &b->columns[c];

    return column->base +
           (get_le64(b->values + column->at + (size_t)i * column->width) & column->mask);
}

/* Bytes of all values. */
static size_t lay_out(struct ledger_column columns[LEDGER_COLUMNS], uint32_t count)
{
    size_t size = 0;

    for (int c = 0; c < LEDGER_COLUMNS; c++) {
        columns[c].at = (uint32_t)size;
        size += (size_t)columns[c].width * count;
    }
    return size;
}

static struct ledger_block *block_of(const struct ledger_column columns[LEDGER_COLUMNS],
                                     size_t size)
{
    size_t memory = sizeof(struct ledger_block) + size + SLACK;
    struct ledger_block *b = mem_zero(1, memory);

    memcpy(b->columns, columns, sizeof(b->columns));
    b->memory = memory;
    return b;
}

struct ledger_block *ledger_block_new(const struct ledger_rows *rows)
{
    struct ledger_column columns[LEDGER_COLUMNS];
    struct ledger_block *b;
    bool has_transient;

    ASSERT(rows->count > 0 && rows->count <= LEDGER_BLOCK_MAX);
    has_transient = measure_all(rows, columns);
    b = block_of(columns, lay_out(columns, rows->count));
    b->first = rows->first;
    b->count = rows->count;
    b->has_transient = has_transient;
    put_column(b, COLUMN_PLACE, rows);
    put_column(b, COLUMN_SIZE, rows);
    put_column(b, COLUMN_EXPIRES, rows);
    put_column(b, COLUMN_PRIORITY, rows);
    for (uint32_t i = 0; i < (rows->count + 63) / 64; i++) {
        b->bits[i] = rows->bits[i];
        b->live += (uint32_t)__builtin_popcountll(rows->bits[i]);
    }
    ASSERT(b->live > 0);
    return b;
}

void ledger_block_free(struct ledger_block *b)
{
    mem_free(b);
}

void ledger_block_get(const struct ledger_block *b, uint32_t i, struct ledger_entry *out)
{
    out->place = turn_back(value_at(b, COLUMN_PLACE, i));
    out->size = (uint32_t)value_at(b, COLUMN_SIZE, i);
    out->expires_ms = (int64_t)value_at(b, COLUMN_EXPIRES, i);
    out->priority = (uint8_t)value_at(b, COLUMN_PRIORITY, i);
}

/* Whether only the places of its entries differ. */
static bool is_alike(const struct ledger_block *b)
{
    return (b->columns[COLUMN_SIZE].width | b->columns[COLUMN_EXPIRES].width |
            b->columns[COLUMN_PRIORITY].width) == 0;
}

void ledger_block_get_row(const struct ledger_block *b, uint32_t i, uint32_t count,
                          struct ledger_entry *out)
{
    const struct ledger_column places = b->columns[COLUMN_PLACE];
    const uint8_t *at = b->values + places.at + (size_t)i * places.width;
    struct ledger_entry like;

    ASSERT(count <= b->count && i <= b->count - count);
    if (!is_alike(b)) {
        for (uint32_t k = 0; k < count; k++)
            ledger_block_get(b, i + k, &out[k]);
        return;
    }
    ledger_block_get(b, i, &like);
    for (uint32_t k = 0; k < count; k++, at += places.width) {
        out[k] = like;
        out[k].place = turn_back(places.base + (get_le64(at) & places.mask));
    }
}

uint32_t ledger_block_size(const struct ledger_block *b, uint32_t i)
{
    return (uint32_t)value_at(b, COLUMN_SIZE, i);
}

static uint32_t words_of(uint32_t count)
{
    return (count + 63) / 64;
}

void ledger_block_encode(const struct ledger_block *b, struct buf *out)
{
    size_t size = 0;

    buf_varint(out, b->first);
    buf_varint(out, b->count);
    for (int c = 0; c < LEDGER_COLUMNS; c++) {
        buf_u8(out, (uint8_t)b->columns[c].width);
        buf_varint(out, b->columns[c].base);
        size += (size_t)b->columns[c].width * b->count;
    }
    for (uint32_t i = 0; i < words_of(b->count); i++)
        buf_le64(out, b->bits[i]);
    buf_bytes(out, bytes_of(b->values, size));
}

/* The bits, which must lie below the count. Their number, or 0. */
static uint32_t decode_bits(struct reader *r, uint32_t count, uint64_t bits[LEDGER_WORDS])
{
    uint32_t live = 0;

    for (uint32_t i = 0; i < words_of(count); i++) {
        bits[i] = reader_le64(r);
        live += (uint32_t)__builtin_popcountll(bits[i]);
    }
    if (count % 64 != 0 && bits[count / 64] >> (count % 64) != 0)
        return 0;
    return live;
}

/* Sizes and priorities must be of their type. */
static bool fits(const struct ledger_column *c, uint64_t most)
{
    return c->base <= most && c->mask <= most;
}

struct ledger_block *ledger_block_decode(struct reader *r)
{
    struct ledger_column columns[LEDGER_COLUMNS] = {0};
    uint64_t bits[LEDGER_WORDS] = {0};
    uint64_t first = reader_varint(r), count = reader_varint(r);
    struct ledger_block *b;
    struct bytes values;
    uint32_t live;
    size_t size;

    if (count == 0 || count > LEDGER_BLOCK_MAX || first == 0 || first > UINT64_MAX - count)
        return NULL;
    for (int c = 0; c < LEDGER_COLUMNS; c++) {
        uint8_t width = reader_u8(r);

        if (width > 8)
            return NULL;
        columns[c] = column_of(reader_varint(r), width);
    }
    live = decode_bits(r, (uint32_t)count, bits);
    size = lay_out(columns, (uint32_t)count);
    values = reader_bytes(r, size);
    if (r->is_failed || live == 0 || !fits(&columns[COLUMN_SIZE], UINT32_MAX) ||
        !fits(&columns[COLUMN_PRIORITY], UINT8_MAX))
        return NULL;
    b = block_of(columns, size);
    b->first = first;
    b->count = (uint32_t)count;
    b->live = live;
    b->has_transient = true; /* nobody has looked; ledger_save() will */
    memcpy(b->bits, bits, sizeof(b->bits));
    if (size > 0)
        memcpy(b->values, values.data, size);
    return b;
}

void ledger_block_check(const struct ledger_block *b)
{
    uint32_t live = 0;

    ASSERT(b->count > 0 && b->count <= LEDGER_BLOCK_MAX && b->live > 0);
    for (uint32_t i = 0; i < LEDGER_WORDS; i++)
        live += (uint32_t)__builtin_popcountll(b->bits[i]);
    ASSERT(live == b->live);
}
