/* Opening, the way of a request to its page, stopping. */
#include "http/api/api.h"

#include <stdio.h>
#include <string.h>

#include "base/base64.h"
#include "base/mem.h"
#include "broker/vhost.h"
#include "http/accept.h"
#include "http/api/call.h"
#include "http/api/json_in.h"
#include "http/api/listing.h"
#include "http/api/routes.h"
#include "http/api/samples.h"

enum {
    SMALL_BODY_MAX = 64 << 10,
    JOB_BODY_MIN = 64 << 10, /* from here on a worker reads the JSON */
    LOGIN_MAX = 1024,
    ARGUMENTS_MAX = 1 << 20,
};

/* ---- who is it ---- */

/* Somebody has said who he is, and it is not so. */
static void tell_refused(const struct api_call *c)
{
    const struct voices_line line = {
        .now_ns = io_now_ns(c->api->io), .level = DIAG_WARNING, .peer = c->request->peer.text};

    voices_say(&c->api->voices, &line, "a login over HTTP was refused peer=%s",
               c->request->peer.text);
}

/* Answers 401 with what a browser needs to ask for a password. */
static void fail_login(struct api_call *c)
{
    http_answer_field(c->http, "www-authenticate", "Basic realm=\"Millrace Management\"");
    api_fail(c, 401, "not_authorized", "Login failed");
}

/* The name and password of the field "authorization". */
static bool find_login(struct api_call *c, uint8_t *area, struct bytes *name,
                       struct bytes *password)
{
    struct bytes value = {0};
    size_t size = 0;
    const uint8_t *colon = NULL;

    if (!http_head_find(&c->request->head, "authorization", &value) || value.size < 6 ||
        !http_same_name(bytes_of(value.data, 6), bytes_text("basic ")))
        return false;
    value = bytes_of(value.data + 6, value.size - 6);
    if (base64_size_max(value.size) > LOGIN_MAX || base64_decode(value, area, &size) != 0)
        return false;
    colon = size == 0 ? NULL : memchr(area, ':', size);
    if (colon == NULL)
        return false;
    *name = bytes_of(area, (size_t)(colon - area));
    *password = bytes_of(colon + 1, size - name->size - 1);
    return true;
}

static bool log_in(struct api_call *c)
{
    uint8_t area[LOGIN_MAX];
    struct bytes name = {0};
    struct bytes password = {0};

    if (!find_login(c, area, &name, &password)) {
        fail_login(c);
        return false;
    }
    if (broker_log_in(c->api->broker, name, password, c->request->is_loopback, &c->user) != 0) {
        c->api->logins_failed++;
        tell_refused(c);
        fail_login(c);
        return false;
    }
    c->api->logins_succeeded++;
    (void)user_ref(c->user);
    return true;
}

/* ---- may he ---- */

static bool has_tags(const struct api_call *c, enum route_level level)
{
    static const struct {
        enum route_level up_to;
        const char *tag;
    } tags[] = {{ROUTE_ADMIN, "administrator"},
                {ROUTE_MONITOR, "monitoring"},
                {ROUTE_POLICIES, "policymaker"},
                {ROUTE_USER, "management"}};

    for (size_t i = 0; i < ARRAY_SIZE(tags); i++) {
        /* A policymaker is no monitor, nor the other way round. */
        bool is_enough =
            tags[i].up_to == ROUTE_ADMIN || tags[i].up_to == level || level == ROUTE_USER;

        if (is_enough && user_has_tag(c->user, tags[i].tag))
            return true;
    }
    return false;
}

static bool check_level(struct api_call *c, enum route_level level)
{
    static const char *const reasons[] = {"", "Not management user",
                                          "User not authorised to access object",
                                          "Not monitor user", "Not administrator user"};

    if (!has_tags(c, ROUTE_USER)) {
        api_not_authorised(c, reasons[ROUTE_USER]);
        return false;
    }
    if (!has_tags(c, level)) {
        api_not_authorised(c, reasons[level]);
        return false;
    }
    return true;
}

static bool check_vhost(struct api_call *c)
{
    struct auth *auth = broker_auth(c->api->broker);
    bool may = true;

    if (c->route->vhost == ROUTE_NO_VHOST)
        return true;
    if (vhost_find(c->api->broker, c->vhost) == NULL) {
        if (c->method == HTTP_PUT || c->method == HTTP_POST)
            api_fail(c, 404, "not_found", "vhost_not_found");
        else
            api_not_found(c);
        return false;
    }
    may = c->route->vhost == ROUTE_SEES ? api_may_see(c, c->vhost)
                                        : auth_may_enter(auth, c->user, c->vhost);
    if (!may)
        api_not_authorised(c, "User not authorised to access virtual host");
    return may;
}

/* ---- where to ---- */

/* What follows the prefix and "api" in the path, or NULL. */
static const struct bytes *below_api(const struct api *a, const struct http_target *t,
                                     size_t *count)
{
    const char *prefix = a->options->path_prefix;
    size_t at = 0;

    while (*prefix == '/')
        prefix++;
    while (*prefix != '\0') {
        size_t size = strcspn(prefix, "/");

        if (at == t->segment_count || !bytes_equal(t->segments[at], bytes_of(prefix, size)))
            return NULL;
        at++;
        prefix += size;
        prefix += strspn(prefix, "/");
    }
    if (at == t->segment_count || !bytes_equal(t->segments[at], bytes_text("api")))
        return NULL;
    *count = t->segment_count - at - 1;
    return &t->segments[at + 1];
}

/* The pages that a browser would look for are not here. */
static bool find_route(struct api_call *c)
{
    size_t count = 0;
    const struct bytes *segments = below_api(c->api, &c->request->target, &count);

    if (segments != NULL)
        c->route = route_find(segments, count, c->args, &c->arg_count, &c->vhost);
    if (c->route != NULL)
        return true;
    api_not_found(c);
    return false;
}

/* OPTIONS, and methods that the route has not, are answered before anybody logs in. */
static bool check_method(struct api_call *c)
{
    enum http_method m = c->request->head.method;
    char allow[80];

    c->method = m == HTTP_HEAD ? HTTP_GET : m;
    if (route_function(c->route, m) != NULL)
        return true;
    route_allow(c->route, allow, sizeof(allow));
    http_answer_field(c->http, "allow", "%s", allow);
    api_answer_empty(c, m == HTTP_OPTIONS ? 200 : 405);
    return false;
}

/* Who goes where nothing is told may take what he likes. */
static bool check_accept(struct api_call *c)
{
    enum http_accept a = http_accept(&c->request->head, api_content_type);

    if (c->route->tells_nothing || a == HTTP_ACCEPTED)
        return true;
    if (a == HTTP_UNACCEPTED)
        api_answer_empty(c, 406);
    else
        api_bad_request(c, "the field 'accept' is no list of types, as \"%s\" is",
                        api_content_type);
    return false;
}

static uint64_t on_begin(void *owner, struct http_call *http)
{
    struct api *a = owner;
    struct api_call *c = api_call_new(a, http);
    bool is_read = false;

    if (!find_route(c) || !check_method(c))
        return 0;
    is_read = c->method == HTTP_GET;
    enum route_level level = is_read ? c->route->read : c->route->write;
    bool is_large = c->route->has_large_body;
    if (level != ROUTE_OPEN && (!log_in(c) || !check_level(c, level)))
        return 0;
    if (!check_accept(c) || !check_vhost(c))
        return 0;
    return is_large && !is_read ? a->options->body_max_bytes : SMALL_BODY_MAX;
}

/* ---- its body ---- */

/* Reading a large body, on a worker. */
struct reading {
    struct io_job job;
    struct api_call *call; /* NULL: nobody waits any more */
    struct api *api;
    char *text;
    size_t size;
    json_t *json;
    int result;
    struct err_note note;
};

static void run_page(struct api_call *c)
{
    if (c->method == HTTP_GET && (!listing_columns(c, &c->columns) || !ranges_read(c, &c->ranges)))
        return;
    route_function(c->route, c->request->head.method)(c);
}

static void on_read(struct api_call *c, int err, const struct err_note *note)
{
    if (err != 0)
        api_bad_request(c, "%s", note->text);
    else
        run_page(c);
}

static void read_body(struct io_job *j)
{
    struct reading *r = CONTAINER_OF(j, struct reading, job);

    r->result = json_in_read(bytes_of(r->text, r->size), false, &r->json, &r->note);
}

static void reading_done(struct io_job *j)
{
    struct reading *r = CONTAINER_OF(j, struct reading, job);
    struct api_call *c = r->call;

    r->api->readings--;
    if (c != NULL) {
        c->work = NULL;
        c->release = NULL;
        c->body = r->json;
        r->json = NULL;
        on_read(c, r->result, &r->note);
    }
    api_end_stop(r->api);
    json_decref(r->json);
    mem_free(r->text);
    mem_free(r);
}

static void leave_reading(struct api_call *c)
{
    ((struct reading *)c->work)->call = NULL;
}

/* The worker has a copy: the client may be gone before it is done. */
static void read_on_worker(struct api_call *c, struct bytes body)
{
    char *text = mem_try(body.size);
    struct reading *r = NULL;

    if (text == NULL) {
        api_fail(c, 503, "unavailable", "there is no memory for the body");
        return;
    }
    memcpy(text, body.data, body.size);
    r = MEM_NEW(struct reading);
    r->text = text;
    r->size = body.size;
    r->call = c;
    r->api = c->api;
    r->job.work = read_body;
    r->job.done = reading_done;
    r->job.urgency = IO_BACKGROUND;
    c->work = r;
    c->release = leave_reading;
    c->api->readings++;
    io_submit(c->api->io, &r->job);
}

static void on_serve(void *owner, struct http_call *http)
{
    struct api_call *c = http_call_data(http);
    struct bytes body = c->request->body;
    struct err_note note = {{0}};
    int rv = 0;

    (void)owner;
    if (c->method == HTTP_GET || c->route->takes_any_body) {
        run_page(c);
    } else if (body.size >= JOB_BODY_MIN) {
        read_on_worker(c, body);
    } else {
        rv = json_in_read(body, false, &c->body, &note);
        on_read(c, rv, &note);
    }
}

static void on_dropped(void *owner, struct http_call *http)
{
    struct api_call *c = http_call_data(http);

    (void)owner;
    if (c != NULL)
        api_call_free(c);
}

/* ---- open, close ---- */

struct api *api_new(const struct api_open *o)
{
    struct api *a = MEM_NEW(struct api);
    struct http_options options = http_options_default();
    const struct http_service service = {
        .owner = a, .begin = on_begin, .serve = on_serve, .dropped = on_dropped};

    json_in_init();
    a->io = o->io;
    a->voices.room = "http";
    a->broker = o->broker;
    a->options = o->options;
    a->node = o->node;
    a->cluster_name = o->cluster_name;
    a->doors = o->doors;
    a->settings = o->settings;
    a->started_ms = io_wall_ms(o->io);
    a->limits = o->limits;
    a->samples = samples_new(a);
    list_init(&a->calls);
    buf_init(&a->reply, API_REPLY_MAX);
    buf_init(&a->arguments, ARGUMENTS_MAX);
    options.name = "millrace";
    options.connections_max = (uint64_t)o->options->connections_max;
    options.idle_timeout_ms = o->options->idle_timeout_ms;
    options.request_timeout_ms = o->options->request_timeout_ms;
    options.output_timeout_ms = o->options->output_timeout_ms;
    a->server = http_server_new(o->io, &options, &service);
    return a;
}

int api_listen(struct api *a, struct err_note *note)
{
    const struct setting_endpoint *e = &a->options->endpoint;
    const char *host = e->host[0] == '\0' ? a->options->ip : e->host;
    int rv = 0;

    if (!e->is_on)
        return 0;
    rv = http_server_listen(a->server, host, e->port, note);
    a->listens = rv == 0;
    return rv;
}

size_t api_listeners(const struct api *a, struct doors_listener out[])
{
    size_t count = a->doors.listeners == NULL ? 0 : a->doors.listeners(a->doors.owner, out);
    const char *host = a->options->endpoint.host;

    if (a->listens && count < DOORS_LISTENERS_MAX) {
        struct doors_listener *l = &out[count++];

        l->protocol = "http";
        l->port = api_port(a);
        (void)snprintf(l->host, sizeof(l->host), "%s", host[0] == '\0' ? a->options->ip : host);
    }
    if (a->other.protocol != NULL && count < DOORS_LISTENERS_MAX)
        out[count++] = a->other;
    return count;
}

void api_also_listens(struct api *a, const struct doors_listener *l)
{
    a->other = *l;
}

uint16_t api_port(const struct api *a)
{
    return a->listens ? http_server_port(a->server) : 0;
}

struct http_server *api_server(struct api *a)
{
    return a->server;
}

void api_end_stop(struct api *a)
{
    if (a->stopped == NULL || !a->is_served || a->readings > 0)
        return;
    a->is_served = false;
    a->stopped(a->stopped_owner);
}

static void on_stopped(void *owner)
{
    struct api *a = owner;

    a->is_served = true;
    api_end_stop(a);
}

void api_stop(struct api *a, void (*stopped)(void *owner), void *owner)
{
    a->stopped = stopped;
    a->stopped_owner = owner;
    http_server_stop(a->server, on_stopped, a);
}

void api_free(struct api *a)
{
    if (a == NULL)
        return;
    ASSERT(list_empty(&a->calls) && a->readings == 0);
    http_server_free(a->server);
    samples_free(a->samples);
    buf_release(&a->reply);
    buf_release(&a->arguments);
    mem_free(a);
}
