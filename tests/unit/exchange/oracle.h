/* Answers that are slow and plainly right, to compare the room's answers with; for topics see
 * tests/lib/topic_oracle.h. */
#ifndef TESTS_UNIT_EXCHANGE_ORACLE_H
#define TESTS_UNIT_EXCHANGE_ORACLE_H

#include <stdbool.h>

#include "msg/table.h"

/* Whether the arguments of a binding match the headers, by the words of the documentation. */
bool oracle_headers(struct table arguments, struct table headers);

#endif
