/* Tests of what must stop the program. */
#ifndef TESTS_LIB_DEATH_H
#define TESTS_LIB_DEATH_H

/* Runs fn(owner) in a child process and asserts that it aborts, having said `text` (a part
 * of it is enough) on standard error. */
void expect_death(void (*fn)(void *owner), void *owner, const char *text);

#endif
