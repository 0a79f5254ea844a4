/* Reply codes and texts, in RabbitMQ's words. */
#include "amqp/reply.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "amqp/wire/content.h"
#include "base/utf8.h"
#include "broker/refusal.h"
#include "msg/msg.h"

enum { OCTETS_SHOWN = 16, OCTETS_SIZE = 128 };

static const struct {
    enum reply_code code;
    bool is_hard;
    const char *name;
} replies[] = {
#define X(number, word, hard) {.code = REPLY_##word, .is_hard = (hard), .name = #word},
    REPLY_LIST(X)
#undef X
};

const char *reply_name(enum reply_code code)
{
    for (size_t i = 0; i < ARRAY_SIZE(replies); i++)
        if (replies[i].code == code)
            return replies[i].name;
    return "INTERNAL_ERROR";
}

bool reply_is_hard(enum reply_code code)
{
    for (size_t i = 0; i < ARRAY_SIZE(replies); i++)
        if (replies[i].code == code)
            return replies[i].is_hard;
    return true;
}

/* Cuts the text where it is full, but not inside a character. */
static void cut(char *text, size_t size)
{
    size_t end = 0;

    while (end < size) {
        size_t step = utf8_character_size(bytes_of(text + end, size - end));
        if (step == 0)
            break;
        end += step;
    }
    text[end] = '\0';
}

static void set(struct reply *r, enum reply_code code, const char *text)
{
    int size = snprintf(r->text, sizeof(r->text), "%s - %s", reply_name(code), text);

    r->code = code;
    if (size >= (int)sizeof(r->text))
        size = REPLY_TEXT_MAX;
    cut(r->text, (size_t)size);
}

void reply_vformat(struct reply *r, enum reply_code code, const char *format, va_list args)
{
    char text[REFUSAL_TEXT_SIZE];

    if (vsnprintf(text, sizeof(text), format, args) < 0)
        text[0] = '\0';
    set(r, code, text);
}

void reply_format(struct reply *r, enum reply_code code, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    reply_vformat(r, code, format, args);
    va_end(args);
}

void reply_of_refusal(struct reply *r, const struct refusal *refusal)
{
    set(r, (enum reply_code)refusal->code, refusal->text);
}

/* The first bytes of a payload as RabbitMQ shows them: "all octets = <<0,10>>". */
static void show_octets(struct bytes payload, bool is_all, char out[OCTETS_SIZE])
{
    size_t count = payload.size < OCTETS_SHOWN ? payload.size : OCTETS_SHOWN;
    int at = snprintf(out, OCTETS_SIZE, "%s = <<", is_all ? "all octets" : "first 16 octets");

    for (size_t i = 0; i < count; i++)
        at += snprintf(out + at, OCTETS_SIZE - (size_t)at, i == 0 ? "%u" : ",%u", payload.data[i]);
    at += snprintf(out + at, OCTETS_SIZE - (size_t)at, ">>");
    ASSERT(at < OCTETS_SIZE);
}

static void show_frame(const struct frame *f, char out[OCTETS_SIZE])
{
    show_octets(f->payload, f->size <= OCTETS_SHOWN + FRAME_EMPTY_SIZE, out);
}

void reply_of_unexpected(struct reply *r, const struct frame *f)
{
    char octets[OCTETS_SIZE];

    show_frame(f, octets);
    reply_format(r, REPLY_UNEXPECTED_FRAME, "type %u, %s", f->type, octets);
}

void reply_of_frame(struct reply *r, enum wire_result result, const struct frame *f,
                    uint32_t frame_max)
{
    char octets[OCTETS_SIZE];

    show_frame(f, octets);
    switch (result) {
    case WIRE_FRAME_TOO_LARGE:
        reply_format(r, REPLY_FRAME_ERROR, "type %u, %s: {frame_too_large,%zu,%" PRIu32 "}",
                     f->type, octets, f->size - FRAME_EMPTY_SIZE, frame_max - FRAME_EMPTY_SIZE);
        break;
    case WIRE_FRAME_END:
        reply_format(r, REPLY_FRAME_ERROR, "type %u, %s: {invalid_frame_end_marker,%u}", f->type,
                     octets, f->payload.data[f->payload.size]);
        break;
    case WIRE_FRAME_TYPE:
        reply_format(r, REPLY_FRAME_ERROR, "type %u, %s: unknown_frame", f->type, octets);
        break;
    case WIRE_HEARTBEAT_PAYLOAD:
        reply_format(r, REPLY_FRAME_ERROR, "type %u, %s: a heartbeat has no payload", f->type,
                     octets);
        break;
    default:
        reply_of_unexpected(r, f);
    }
}

void reply_of_unimplemented(struct reply *r)
{
    reply_format(r, REPLY_COMMAND_INVALID, "unimplemented method");
}

void reply_of_method(struct reply *r, enum wire_result result)
{
    switch (result) {
    case WIRE_METHOD_UNKNOWN:
        reply_of_unimplemented(r);
        break;
    case WIRE_FIELD_TEXT:
        reply_format(r, REPLY_FRAME_ERROR, "Malformed UTF-8 in shortstr");
        break;
    case WIRE_METHOD_SHORT:
        reply_format(r, REPLY_FRAME_ERROR, "%s", wire_result_text(result));
        break;
    default:
        reply_format(r, REPLY_SYNTAX_ERROR, "%s", wire_result_text(result));
    }
}

void reply_of_content(struct reply *r, enum wire_result result, const struct content *content)
{
    switch (result) {
    case WIRE_CONTENT_CLASS:
        reply_format(r, REPLY_UNEXPECTED_FRAME,
                     "expected content header for class 60, got one for class %u instead",
                     content->class_id);
        break;
    case WIRE_CONTENT_WEIGHT:
        reply_format(r, REPLY_UNEXPECTED_FRAME, "the weight of a content header is 0, not %u",
                     content->weight);
        break;
    case WIRE_CONTENT_SIZE:
        reply_format(r, REPLY_FRAME_ERROR,
                     "content body size %" PRIu64 " exceeds maximum allowed size %" PRIu64,
                     content->body_size, (uint64_t)MESSAGE_BODY_MAX);
        break;
    default:
        /* A header that is too short has properties that are not there. */
        reply_format(r, REPLY_SYNTAX_ERROR, "%s", wire_result_text(result));
    }
}
