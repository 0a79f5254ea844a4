/* Numbers, times and bytes as text. */
#include "tools/logdump/words.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/check.h"

struct word word_size(uint64_t bytes)
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double value = (double)bytes / 1024;
    struct word w;
    size_t i = 0;

    if (bytes < 1024) {
        (void)snprintf(w.text, sizeof(w.text), "%" PRIu64 " B", bytes);
        return w;
    }
    for (; value >= 1024; value /= 1024)
        i++;
    ASSERT(i < ARRAY_SIZE(units));
    (void)snprintf(w.text, sizeof(w.text), "%.1f %s", value, units[i]);
    return w;
}

struct word word_time(int64_t time_ms)
{
    int64_t ms = (time_ms % 1000 + 1000) % 1000;
    time_t seconds = (time_t)((time_ms - ms) / 1000);
    struct word w;
    struct tm tm;
    size_t n = 0;

    if (time_ms > INT64_MIN + 1000 && gmtime_r(&seconds, &tm) != NULL)
        n = strftime(w.text, sizeof(w.text), "%Y-%m-%d %H:%M:%S", &tm);
    if (n == 0 || n > 19)
        (void)snprintf(w.text, sizeof(w.text), "%" PRId64 " ms", time_ms);
    else
        (void)snprintf(w.text + n, sizeof(w.text) - n, ".%03dZ", (int)ms);
    return w;
}

struct word word_number(uint64_t number)
{
    struct word w = {"-"};

    if (number != UINT64_MAX)
        (void)snprintf(w.text, sizeof(w.text), "%" PRIu64, number);
    return w;
}

struct word word_id(const uint8_t id[16])
{
    struct word w;

    for (size_t i = 0; i < 16; i++)
        (void)snprintf(w.text + 2 * i, sizeof(w.text) - 2 * i, "%02x", id[i]);
    return w;
}

static char printable(uint8_t byte)
{
    return byte >= ' ' && byte < 0x7f ? (char)byte : '.';
}

struct word word_text(struct bytes bytes)
{
    size_t room = WORD_SIZE - 4;
    size_t n = bytes.size < room ? bytes.size : room;
    struct word w;

    for (size_t i = 0; i < n; i++)
        w.text[i] = printable(bytes.data[i]);
    memcpy(w.text + n, bytes.size > n ? "..." : "", bytes.size > n ? 4 : 1);
    return w;
}

struct excerpt excerpt_digits(struct bytes bytes, size_t at)
{
    struct excerpt e;

    ASSERT(at <= bytes.size);
    for (size_t i = 0; i < EXCERPT_BYTES; i++) {
        char *to = e.text + 3 * i;

        if (at + i < bytes.size)
            (void)snprintf(to, 4, "%02x ", bytes.data[at + i]);
        else
            memcpy(to, "   ", 4);
    }
    return e;
}
