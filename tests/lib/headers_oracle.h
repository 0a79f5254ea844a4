/* Bindings of headers exchanges, slowly and plainly right: to compare other answers with. */
#ifndef TESTS_LIB_HEADERS_ORACLE_H
#define TESTS_LIB_HEADERS_ORACLE_H

#include <stdbool.h>

#include "msg/table.h"

/* Whether the arguments of a binding match the headers, by the words of the documentation. */
bool oracle_headers(struct table arguments, struct table headers);

#endif
