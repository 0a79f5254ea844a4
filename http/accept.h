/* The field "accept" of a request: whether the client takes an answer of some type.
 *
 *     Accept: text/html, application/json;q=0.9, application/xml;q=0.1
 *
 * A service has one type to offer, so who prefers what is not weighed: as with RabbitMQ's server,
 * a range with a quality of 0 admits like any other. Other parameters of a range are passed over:
 * "application/json;charset=utf-8" admits application/json.
 *
 * Pure: views in, a word out. */
#ifndef HTTP_ACCEPT_H
#define HTTP_ACCEPT_H

#include "http/head.h"

enum http_accept {
    HTTP_ACCEPTED,   /* or there is no such field, or nothing in it */
    HTTP_UNACCEPTED, /* to be answered with 406 */
    HTTP_GARBLED,    /* it is not well formed: to be answered with 400 */
};

/* `type` is a whole type, as "text/plain". All fields of that name are one list. */
enum http_accept http_accept(const struct http_head *h, const char *type);

#endif
