/* Topic patterns, slowly and plainly right: to compare other answers with. */
#ifndef TESTS_LIB_TOPIC_ORACLE_H
#define TESTS_LIB_TOPIC_ORACLE_H

#include <stdbool.h>

#include "base/bytes.h"

/* Whether a pattern matches a routing key, by a table of all pairs of prefixes. Each has at most
 * 256 words. */
bool oracle_topic(struct bytes pattern, struct bytes key);

#endif
