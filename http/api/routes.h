/* Which path leads to which function, and who may go there.
 *
 * A path is written with its fixed parts; `*` is an argument, `@` one that names a virtual host. */
#ifndef HTTP_API_ROUTES_H
#define HTTP_API_ROUTES_H

#include <stdbool.h>

#include "base/bytes.h"
#include "http/http.h"

struct api_call;

typedef void route_fn(struct api_call *c);

/* What a user must be. */
enum route_level {
    ROUTE_OPEN,     /* nobody need log in */
    ROUTE_USER,     /* any of the tags that let in */
    ROUTE_POLICIES, /* policymaker or administrator */
    ROUTE_MONITOR,  /* monitoring or administrator */
    ROUTE_ADMIN,
};

/* What he must be in the virtual host of the path. */
enum route_vhost {
    ROUTE_NO_VHOST, /* nothing; it need not be there */
    ROUTE_IN_VHOST, /* one who may enter it */
    ROUTE_SEES,     /* the same, or a monitor */
};

struct route {
    const char *path;
    enum route_level read;
    enum route_level write;
    enum route_vhost vhost;
    bool has_large_body;
    bool takes_any_body; /* the body is no JSON */
    bool tells_nothing;  /* no answer has a body, but for errors */
    route_fn *get;
    route_fn *put;
    route_fn *post;
    route_fn *remove;
};
extern const struct route routes[];

/* The route of a path without its first segment, or NULL; args are filled in. `vhost` has no data
 * when the path names none. */
const struct route *route_find(const struct bytes *segments, size_t count, struct bytes args[],
                               size_t *arg_count, struct bytes *vhost);

/* The function for that method, or NULL. */
route_fn *route_function(const struct route *r, enum http_method m);

/* What the route can: for the field "allow". */
void route_allow(const struct route *r, char *out, size_t size);

#endif
