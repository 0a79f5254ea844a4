/* Memory. The only place in the house that calls malloc and free.
 *
 * Small allocations cannot fail: mem_new() and its kin stop the program when the system has
 * none left, because nothing sensible can be done then. Large or numerous things (message
 * bodies, buffers) use mem_try() or a pool, which may refuse and so cause flow control.
 *
 * Owner: any thread. */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"

/* Zeroed memory for one `type`; never NULL. Goes back through mem_free(). */
#define MEM_NEW(type) ((type *)mem_zero(1, sizeof(type)))
/* Zeroed memory for `count` of `type`; never NULL. */
#define MEM_NEW_ARRAY(type, count) ((type *)mem_zero((count), sizeof(type)))

/* From now on large areas go back to the system when they are freed: for a program that has some
 * for a moment (checkpoints, bodies) and small ones for long. */
void mem_return_large(void);

/* Gives the system back what is free now, wherever it lies. Takes a millisecond for some tens of
 * mebibytes, during which other threads may have to wait for memory. */
void mem_return_free(void);

/* `count * size` zeroed bytes; never NULL; the product is checked. */
void *mem_zero(size_t count, size_t size);

/* `size` bytes with any content; never NULL. */
void *mem_alloc(size_t size);

/* Moves `old` to `count * size` bytes, keeping the common part; never NULL; the product is
 * checked. */
void *mem_grow(void *old, size_t count, size_t size);

/* `size` bytes with any content, or NULL when there are none or the fault hook says so. */
MUST_USE void *mem_try(size_t size);

/* As mem_try, at an address that is a multiple of `align` (a power of two). */
MUST_USE void *mem_try_aligned(size_t align, size_t size);

/* A copy of the text; never NULL. */
char *mem_text(const char *text);

/* The text a printf format gives, as new memory; never NULL. */
char *mem_format(const char *format, ...) PRINTF_LIKE(1, 2);

/* Gives memory back. NULL is allowed. */
void mem_free(void *ptr);

/* Bytes handed out and not yet given back, as the allocator rounds them; for metrics and
 * leak tests. */
uint64_t mem_used_bytes(void);

/* For tests: called before each mem_try; true refuses it. NULL removes the hook. */
typedef bool mem_fault_fn(void *owner, size_t size);
void mem_set_fault(mem_fault_fn *fn, void *owner);

#endif
