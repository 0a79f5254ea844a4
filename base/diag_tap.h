/* Lines of diagnostics kept for somebody who makes something of them: messages, for one.
 *
 *     diag() --put--> front buffer ==swap==> back buffer --take--> each(owner, level, line)
 *             lock                   lock                 no lock
 *
 * Invariants:
 *   T1  who speaks never waits: a line that finds no room is lost, and counted.
 *   T2  what is said while lines are taken, by who takes them, is not kept: nobody hears himself.
 *
 * Owner: any thread puts; one thread opens, takes and closes. */
#ifndef BASE_DIAG_TAP_H
#define BASE_DIAG_TAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/diag.h"

enum { DIAG_TAP_MAX = 256 * 1024 }; /* bytes of lines that wait; further ones are lost */

/* From here on lines are kept. */
void diag_tap_open(void);
/* Forgets what was not taken. Allowed when it is not open. */
void diag_tap_close(void);
bool diag_tap_is_open(void);

/* A line without its end. */
void diag_tap_put(enum diag_level level, const char *line, size_t size);

/* Hands over all that was kept, in its order. Returns how many lines were lost since the last time.
 */
typedef void diag_tap_fn(void *owner, enum diag_level level, struct bytes line);
uint64_t diag_tap_take(diag_tap_fn *each, void *owner);

#endif
