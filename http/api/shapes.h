/* Pieces of answers that several pages tell.
 *
 * Plain functions. */
#ifndef HTTP_API_SHAPES_H
#define HTTP_API_SHAPES_H

#include "http/api/call.h"

/* Begins an answer in the api's reply buffer. */
void api_start(struct api_call *c, struct tell *t);

/* "exchange_types": [...] */
void tell_exchange_types(struct tell *t);

#endif
