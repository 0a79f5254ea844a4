/* Reading ranges of time. */
#include "http/api/ranges.h"

#include <stdio.h>

#include "base/err.h"
#include "base/parse.h"
#include "http/api/call.h"

enum { NAME_SIZE = 32, SECONDS_MAX = 1000000000 };

static const char *const prefixes[RANGE_KINDS] = {
    [RANGE_LENGTHS] = "lengths",  [RANGE_QUEUE_LENGTHS] = "lengths", [RANGE_MESSAGES] = "msg_rates",
    [RANGE_BYTES] = "data_rates", [RANGE_NODE] = "node_stats",
};

/* What is no number counts as not said, as with RabbitMQ. *is_wrong: it is one out of bounds. */
static bool read_seconds(const struct api_call *c, const char *prefix, const char *what,
                         struct bytes *text, int64_t *out)
{
    char name[NAME_SIZE];

    (void)snprintf(name, sizeof(name), "%s_%s", prefix, what);
    if (!api_query(c, name, text))
        return false;
    int rv = parse_i64(*text, INT64_MIN, INT64_MAX, out);
    if (rv == ERR_RANGE)
        *out = 0; /* as wrong as any number out of bounds */
    return rv == 0 || rv == ERR_RANGE;
}

static bool read_range(struct api_call *c, enum range_kind kind, struct range *out)
{
    struct bytes age_text = {0};
    struct bytes step_text = {0};
    int64_t age = 0;
    int64_t step = 0;
    int64_t now_ms = io_wall_ms(c->api->io);

    if (!read_seconds(c, prefixes[kind], "age", &age_text, &age) ||
        !read_seconds(c, prefixes[kind], "incr", &step_text, &step))
        return true;
    if (age < 1 || age > SECONDS_MAX || step < 1 || step > SECONDS_MAX ||
        age / step > RANGE_STEPS_MAX) {
        api_bad_request(c, "Invalid range parameters: age %.*s, incr %.*s", API_SHOW(age_text),
                        API_SHOW(step_text));
        return false;
    }
    out->step_ms = step * 1000;
    out->last_ms = now_ms / out->step_ms * out->step_ms;
    if (kind == RANGE_QUEUE_LENGTHS && out->last_ms < now_ms)
        out->last_ms += out->step_ms;
    out->first_ms = out->last_ms - age / step * out->step_ms;
    return true;
}

bool ranges_read(struct api_call *c, struct ranges *out)
{
    for (int kind = 0; kind < RANGE_KINDS; kind++)
        if (!read_range(c, (enum range_kind)kind, &out->of[kind]))
            return false;
    return true;
}
