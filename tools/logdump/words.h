/* How numbers, times and bytes look in the output. Each result is a small value to print. */
#ifndef TOOLS_LOGDUMP_WORDS_H
#define TOOLS_LOGDUMP_WORDS_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

enum { WORD_SIZE = 40, EXCERPT_BYTES = 16 };

struct word {
    char text[WORD_SIZE];
};

/* 512 B, 1.5 KiB, 64.0 MiB */
struct word word_size(uint64_t bytes);

/* 2026-01-02 03:04:05.678Z; a number when there is no such year. */
struct word word_time(int64_t time_ms);

/* A number, or "-" for UINT64_MAX. */
struct word word_number(uint64_t number);

/* Sixteen bytes as 32 digits. */
struct word word_id(const uint8_t id[16]);

/* The bytes as characters, others as dots; cut, with "..." at its end, when there are too many. */
struct word word_text(struct bytes bytes);

/* Up to EXCERPT_BYTES of the bytes from `at` on, as digits with spaces between and behind. */
struct excerpt {
    char text[EXCERPT_BYTES * 3 + 1];
};
struct excerpt excerpt_digits(struct bytes bytes, size_t at);

#endif
