/* Lines of which only so many are written. */
#include "base/voices.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/hash.h"

enum { SAID_SIZE = 960, WAYS = 4 };

STATIC_ASSERT(VOICES_MAX % WAYS == 0, "voices stand in groups");

/* What was not said of it is told, and a new count begins. */
static void begin(const struct voices *v, struct voice *one, uint64_t now_s)
{
    if (one->unsaid > 0)
        diag(one->level, v->room, "%" PRIu32 " more lines about clients at %s were left out",
             one->unsaid, one->host);
    one->begun_s = now_s;
    one->said = 0;
    one->unsaid = 0;
}

/* A new second: whose time is over is told of. */
static void turn(struct voices *v, uint64_t now_s)
{
    if (now_s == v->second)
        return;
    for (struct voice *one = v->all; one < v->all + VOICES_MAX; one++)
        if (one->unsaid > 0 && now_s - one->begun_s >= VOICES_HOST_S)
            begin(v, one, now_s);
    if (v->unsaid > 0)
        diag(DIAG_WARNING, v->room, "%" PRIu64 " more lines about clients were left out",
             v->unsaid);
    v->second = now_s;
    v->said = 0;
    v->unsaid = 0;
}

static uint32_t loudness(const struct voice *one, uint64_t now_s)
{
    return now_s - one->begun_s >= VOICES_HOST_S ? 0 : one->said + one->unsaid;
}

/* The voice of that host. */
static struct voice *voice_of(struct voices *v, const char *host, uint64_t now_s)
{
    size_t group = hash64(bytes_text(host), 0) % (VOICES_MAX / WAYS);
    struct voice *quietest = v->all + group * WAYS;

    for (struct voice *one = v->all + group * WAYS; one < v->all + (group + 1) * WAYS; one++) {
        if (strcmp(one->host, host) == 0)
            return one;
        if (loudness(one, now_s) < loudness(quietest, now_s))
            quietest = one;
    }
    begin(v, quietest, now_s);
    memcpy(quietest->host, host, strlen(host) + 1);
    return quietest;
}

/* Whether one more line may be said. */
static bool may_say(struct voices *v, const struct voices_line *l, const char *host)
{
    uint64_t now_s = l->now_ns / 1000000000;
    struct voice *one = NULL;

    turn(v, now_s);
    one = voice_of(v, host, now_s);
    if (now_s - one->begun_s >= VOICES_HOST_S)
        begin(v, one, now_s);
    if (one->said >= VOICES_PER_HOST) {
        one->level = l->level;
        one->unsaid++;
        return false;
    }
    if (v->said >= VOICES_PER_SECOND) {
        v->unsaid++;
        return false;
    }
    one->said++;
    v->said++;
    return true;
}

/* What stands before the last colon. */
static void host_of(const char *peer, char out[VOICE_HOST_SIZE])
{
    const char *colon = strrchr(peer, ':');
    size_t size = colon == NULL ? strlen(peer) : (size_t)(colon - peer);

    if (size >= VOICE_HOST_SIZE)
        size = VOICE_HOST_SIZE - 1;
    memcpy(out, peer, size);
    out[size] = '\0';
}

void voices_vsay(struct voices *v, const struct voices_line *l, const char *format, va_list args)
{
    char host[VOICE_HOST_SIZE];
    char text[SAID_SIZE];

    ASSERT(v->room != NULL && l->peer != NULL);
    host_of(l->peer, host);
    if (!may_say(v, l, host))
        return;
    if (vsnprintf(text, sizeof(text), format, args) < 0)
        text[0] = '\0';
    diag(l->level, v->room, "%s", text);
}

void voices_say(struct voices *v, const struct voices_line *l, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    voices_vsay(v, l, format, args);
    va_end(args);
}
