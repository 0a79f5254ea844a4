/* Marks memory that is ours but must not be touched now, so that the address sanitizer
 * reports its use. Pools use it; without the sanitizer both functions do nothing. */
#ifndef BASE_POISON_H
#define BASE_POISON_H

#include <stddef.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define POISON_WORKS 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define POISON_WORKS 1
#endif

#if defined(POISON_WORKS)

#include <sanitizer/asan_interface.h>

static inline void poison(const void *at, size_t size)
{
    __asan_poison_memory_region(at, size);
}

static inline void unpoison(const void *at, size_t size)
{
    __asan_unpoison_memory_region(at, size);
}

#else

static inline void poison(const void *at, size_t size)
{
    (void)at;
    (void)size;
}

static inline void unpoison(const void *at, size_t size)
{
    (void)at;
    (void)size;
}

#endif

#endif
