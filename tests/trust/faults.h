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

/* Opens the broker on what its disk holds. False, with r->trouble: it does not start. */
bool faults_open(struct run *r);

#endif
