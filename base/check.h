/* Assertions and small attributes that every room may use. */
#ifndef BASE_CHECK_H
#define BASE_CHECK_H

#include <stddef.h>

/* A broken ASSERT is a bug in our own code: say where, then stop. It stays on in release
 * builds. Bad input and failing disks are not bugs; they are errors (base/err.h). */
#define ASSERT(cond) ((cond) ? (void)0 : check_failed(#cond, __FILE__, __LINE__))

/* A fact about types or constants, checked by the compiler. */
#define STATIC_ASSERT(cond, text) _Static_assert(cond, text)

/* The caller must look at the result. */
#define MUST_USE __attribute__((warn_unused_result))

/* The function takes a printf format in argument `f` and its values from argument `a` on. */
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))

/* The struct of `type` whose field `member` lies at `ptr`. */
#define CONTAINER_OF(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* The branch hints of the few places where a profile asked for them. */
#define LIKELY(cond)   __builtin_expect(!!(cond), 1)
#define UNLIKELY(cond) __builtin_expect(!!(cond), 0)

/* Says on standard error which assertion broke and where, then aborts. */
__attribute__((noreturn)) void check_failed(const char *cond, const char *file, int line);

#endif
