/* What goes wrong in a run. */
#ifndef TESTS_TRUST_FAULTS_H
#define TESTS_TRUST_FAULTS_H

#include "tests/trust/run.h"

/* Now and then one of the plan's faults happens, or one ends. */
void faults_act(struct run *r);
/* From now on nothing goes wrong any more. */
void faults_end(struct run *r);

/* Ends the broker in order and starts it again. */
void faults_restart(struct run *r);

/* ---- rot.c ---- */

/* The same, and a bit of its files turns between. It finds that when it starts, or goes on and says
 * so when it meets it, or it does no harm. */
void faults_rot(struct run *r);
/* A line of the broker's diagnostics. */
void faults_hear(struct run *r, const char *line);
/* Ends it in order. */
void faults_stop(struct run *r);

/* Opens the broker on what its disk holds. False, with r->trouble: it does not start. */
bool faults_open(struct run *r);

#endif
