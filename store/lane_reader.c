/* Single records of a lane by their numbers; see lane_reader.h. */
#include "store/lane_reader.h"

#include "base/err.h"

enum {
    STEPS_MAX = 64, /* further away it is sought: that takes about as long as so many steps */
    NEAR_MAX = 2,   /* so many steps take as long as a look into memory */
};

void lane_reader_init(struct lane_reader *l, struct log *log, enum cursor_lane lane,
                      uint64_t destination)
{
    *l = (struct lane_reader){.log = log, .lane = lane, .destination = destination};
}

void lane_reader_set_ready(struct lane_reader *l, cursor_ready_fn *ready, void *owner)
{
    l->ready = ready;
    l->owner = owner;
    if (l->cursor != NULL)
        cursor_set_ready(l->cursor, ready, owner);
}

void lane_reader_release(struct lane_reader *l)
{
    cursor_close(l->cursor);
    l->cursor = NULL;
}

bool lane_is_near(const struct lane_reader *l, uint64_t number)
{
    return l->cursor != NULL && number + 1 >= l->next && number <= l->next + NEAR_MAX;
}

/* Brings the cursor to at most a few records before the number. */
static void approach(struct lane_reader *l, uint64_t number)
{
    bool is_behind = number < l->next;
    bool is_far = number - l->next > STEPS_MAX;

    if (l->cursor == NULL) {
        l->cursor = cursor_open(l->log, l->lane, l->destination, number);
        cursor_set_ready(l->cursor, l->ready, l->owner);
    } else if (is_behind || is_far) {
        cursor_seek(l->cursor, number);
    } else {
        return;
    }
    l->next = number;
    l->is_hurt = false;
}

/* Steps up to the first record at or above the number. */
static int step_to(struct lane_reader *l, uint64_t number)
{
    int rv = 0;

    l->has_record = false;
    while (rv == 0 && !l->has_record) {
        struct record r;

        rv = cursor_next(l->cursor, &r);
        if (rv == ERR_TRIMMED || rv == ERR_CORRUPT) {
            l->is_hurt = rv == ERR_CORRUPT;
            rv = 0;
            continue;
        }
        if (rv != 0)
            break;
        l->next = r.number + 1;
        l->record = r;
        l->has_record = r.number >= number;
        if (!l->has_record)
            l->is_hurt = false;
    }
    return rv;
}

/* Brings the first record at or above the number into the hand. */
static int seek_to(struct lane_reader *l, uint64_t number)
{
    int rv;

    if (l->has_record && number >= l->from && number <= l->record.number)
        return 0;
    approach(l, number);
    rv = step_to(l, number);
    if (rv == 0)
        l->from = number;
    return rv;
}

int lane_read(struct lane_reader *l, uint64_t number, struct record *out, struct block **pin)
{
    int rv = seek_to(l, number);

    if (rv != 0)
        return rv == ERR_NOT_FOUND && l->is_hurt ? ERR_CORRUPT : rv;
    if (l->record.number != number)
        return l->is_hurt ? ERR_CORRUPT : ERR_NOT_FOUND;
    *out = l->record;
    *pin = cursor_pin(l->cursor);
    return 0;
}

int lane_read_from(struct lane_reader *l, uint64_t number, struct record *out, struct block **pin)
{
    int rv = seek_to(l, number);

    if (rv == ERR_AGAIN)
        return rv;
    if (l->is_hurt) {
        l->is_hurt = false; /* it is told once */
        return ERR_CORRUPT;
    }
    if (rv != 0)
        return rv;
    *out = l->record;
    *pin = cursor_pin(l->cursor);
    return 0;
}

int lane_find_time(struct lane_reader *l, int64_t time_ms, uint64_t *number)
{
    struct record r;
    int rv;

    if (l->cursor == NULL) {
        l->cursor = cursor_open(l->log, l->lane, l->destination, 0);
        cursor_set_ready(l->cursor, l->ready, l->owner);
    }
    if (!l->is_seeking)
        cursor_seek_time(l->cursor, time_ms);
    l->is_seeking = true;
    l->has_record = false;
    do {
        rv = cursor_next(l->cursor, &r);
    } while (rv == ERR_TRIMMED || rv == ERR_CORRUPT);
    if (rv == ERR_AGAIN)
        return rv;
    l->is_seeking = false;
    if (rv != 0) {
        lane_reader_release(l); /* nobody knows where the cursor stands */
        return rv;
    }
    l->record = r;
    l->has_record = true;
    l->is_hurt = false;
    l->from = r.number;
    l->next = r.number + 1;
    *number = r.number;
    return 0;
}
