/* The one door to malloc.
 *
 * Bytes in use are counted in several cells, one cache line each, so that threads do not
 * fight over one counter. A thread may give back what another one got, so a single cell may
 * go below zero; only the sum means something. */
#include "base/mem.h"

#include <malloc.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    CELLS = 16, /* a power of two; more threads than this share cells, which is only slower */
    CACHE_LINE = 64,
};

/* Areas from LARGE_BYTES on are mapped alone and go back when they are freed. Left to itself malloc
 * raises that limit with the first such area that is freed; the next lies in the heap, below
 * small things that stay. As much as KEPT_BYTES at the heap's end stays, for it is used again.
 *
 * The limit is so that an aligned MiB (a block of the log) is above it: malloc cuts such areas out
 * of larger ones, and what they leave free is a bit too small for the next of their kind. */
enum { LARGE_BYTES = (1 << 20) + 4096, KEPT_BYTES = 32 << 20 };

struct mem_cell {
    _Alignas(CACHE_LINE) _Atomic int64_t used;
};

static struct mem_cell cells[CELLS];
static atomic_uint threads_seen;
static _Thread_local struct mem_cell *my_cell;

static mem_fault_fn *fault;
static void *fault_owner;

static void count(int64_t change)
{
    if (my_cell == NULL) {
        unsigned n = atomic_fetch_add_explicit(&threads_seen, 1, memory_order_relaxed);
        my_cell = &cells[n % CELLS];
    }
    atomic_fetch_add_explicit(&my_cell->used, change, memory_order_relaxed);
}

void mem_return_large(void)
{
    (void)mallopt(M_MMAP_THRESHOLD, LARGE_BYTES);
    (void)mallopt(M_TRIM_THRESHOLD, KEPT_BYTES);
}

void mem_return_free(void)
{
    (void)malloc_trim(0); /* whether there was any */
}

static void *counted(void *ptr)
{
    if (ptr != NULL)
        count((int64_t)malloc_usable_size(ptr));
    return ptr;
}

static void *never_null(void *ptr)
{
    if (ptr == NULL)
        check_failed("the system has memory left", __FILE__, __LINE__);
    return ptr;
}

/* The product, at least 1 so that an empty allocation has an address too. */
static size_t product(size_t number, size_t size)
{
    size_t total = 0;
    bool too_large = __builtin_mul_overflow(number, size, &total);

    ASSERT(!too_large);
    return total == 0 ? 1 : total;
}

void *mem_zero(size_t number, size_t size)
{
    return counted(never_null(calloc(1, product(number, size))));
}

void *mem_alloc(size_t size)
{
    return counted(never_null(malloc(product(1, size))));
}

void *mem_grow(void *old, size_t number, size_t size)
{
    size_t total = product(number, size);

    if (old != NULL)
        count(-(int64_t)malloc_usable_size(old));
    return counted(never_null(realloc(old, total)));
}

void *mem_try(size_t size)
{
    if (fault != NULL && fault(fault_owner, size))
        return NULL;
    return counted(malloc(product(1, size)));
}

void *mem_try_aligned(size_t align, size_t size)
{
    void *ptr = NULL;

    ASSERT(align > 0 && (align & (align - 1)) == 0);
    if (fault != NULL && fault(fault_owner, size))
        return NULL;
    if (align < sizeof(void *))
        align = sizeof(void *);
    if (posix_memalign(&ptr, align, product(1, size)) != 0)
        return NULL;
    return counted(ptr);
}

char *mem_text(const char *text)
{
    size_t size = strlen(text) + 1;

    return memcpy(mem_alloc(size), text, size);
}

char *mem_format(const char *format, ...)
{
    va_list values;
    va_list again;

    va_start(values, format);
    va_copy(again, values);
    int length = vsnprintf(NULL, 0, format, values);
    va_end(values);
    ASSERT(length >= 0);

    char *text = mem_alloc((size_t)length + 1);
    int written = vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    ASSERT(written == length);
    return text;
}

void mem_free(void *ptr)
{
    if (ptr == NULL)
        return;
    count(-(int64_t)malloc_usable_size(ptr));
    free(ptr);
}

uint64_t mem_used_bytes(void)
{
    int64_t sum = 0;

    for (size_t i = 0; i < CELLS; i++)
        sum += atomic_load_explicit(&cells[i].used, memory_order_relaxed);
    return sum < 0 ? 0 : (uint64_t)sum; /* below zero only while other threads are at it */
}

void mem_set_fault(mem_fault_fn *fn, void *owner)
{
    fault = fn;
    fault_owner = owner;
}
