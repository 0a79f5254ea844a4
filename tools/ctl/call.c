/* Requests by libcurl. */
#include "tools/ctl/call.h"

#include <curl/curl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/units.h"
#include "tools/ctl/options.h"

enum { ANSWER_MAX = 1 << 30, BAR_WIDTH = 40 };

struct call {
    const struct options *options;
    CURL *curl;
    CURLM *waiter; /* has no transfer: only to wait with */
    struct buf received;
    bool has_bar; /* the line of progress is on the screen */
};

static size_t on_received(char *data, size_t size, size_t count, void *owner)
{
    struct call *c = (struct call *)owner;

    buf_bytes(&c->received, bytes_of(data, size * count));
    return buf_error(&c->received) == 0 ? size * count : 0;
}

static int on_progress(void *owner, curl_off_t down_total, curl_off_t down, curl_off_t up_total,
                       curl_off_t up)
{
    struct call *c = (struct call *)owner;
    bool is_up = up_total > 0;
    curl_off_t total = is_up ? up_total : down_total;
    curl_off_t now = is_up ? up : down;
    int full = 0;

    if (total < (curl_off_t)MIB) /* nobody can read it */
        return 0;
    full = (int)(now * BAR_WIDTH / total);
    (void)fprintf(stderr, "\r%s [%-*.*s] %3d %%", is_up ? "sending" : "receiving", (int)BAR_WIDTH,
                  full, "########################################", (int)(now * 100 / total));
    c->has_bar = true;
    return 0;
}

int call_open(const struct options *o, struct call **out, struct err_note *note)
{
    struct call *c = MEM_NEW(struct call);
    CURLU *uri = curl_url();
    CURLUcode wrong = curl_url_set(uri, CURLUPART_URL, o->uri, 0);

    curl_url_cleanup(uri);
    if (wrong != CURLUE_OK) {
        mem_free(c);
        return err_note(note, ERR_INVALID, "'%s' is no URI of an HTTP API", o->uri);
    }
    c->options = o;
    c->curl = curl_easy_init();
    c->waiter = curl_multi_init();
    ASSERT(c->curl != NULL && c->waiter != NULL);
    buf_init(&c->received, ANSWER_MAX);
    *out = c;
    return 0;
}

void call_close(struct call *c)
{
    if (c == NULL)
        return;
    curl_easy_cleanup(c->curl);
    curl_multi_cleanup(c->waiter);
    buf_release(&c->received);
    mem_free(c);
}

void call_wait(struct call *c, unsigned wait_ms)
{
    (void)curl_multi_poll(c->waiter, NULL, 0, (int)wait_ms, NULL);
}

char *call_path(struct call *c, const char *format, ...)
{
    struct buf path;
    va_list list;
    char *text = NULL;

    buf_init(&path, 64 * KIB);
    va_start(list, format);
    for (const char *at = format; *at != '\0'; at++) {
        if (at[0] != '%') {
            buf_u8(&path, (uint8_t)*at);
            continue;
        }
        ASSERT(at[1] == 's');
        at++;

        char *part = curl_easy_escape(c->curl, va_arg(list, const char *), 0);

        ASSERT(part != NULL);
        buf_bytes(&path, bytes_text(part));
        curl_free(part);
    }
    va_end(list);
    text = mem_format("%.*s", (int)path.size, (const char *)path.data);
    buf_release(&path);
    return text;
}

/* ---- one request ---- */

static void set_login(struct call *c, const struct request *r)
{
    const struct options *o = c->options;

    curl_easy_setopt(c->curl, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
    if (r->user != NULL || o->user != NULL)
        curl_easy_setopt(c->curl, CURLOPT_USERNAME, r->user != NULL ? r->user : o->user);
    if (r->password != NULL || o->password != NULL)
        curl_easy_setopt(c->curl, CURLOPT_PASSWORD,
                         r->password != NULL ? r->password : o->password);
}

/* Returns the text of the body, which must outlive the transfer and goes back by mem_free(). */
static char *set_body(struct call *c, const struct request *r)
{
    char *text = NULL;
    size_t size = 0;

    curl_easy_setopt(c->curl, CURLOPT_CUSTOMREQUEST, r->method);
    if (r->body == NULL && strcmp(r->method, "GET") == 0)
        return NULL;
    if (r->body != NULL)
        size = json_dumpb(r->body, NULL, 0, JSON_ENCODE_ANY | JSON_COMPACT);
    text = (char *)mem_alloc(size + 1);
    if (size > 0)
        (void)json_dumpb(r->body, text, size, JSON_ENCODE_ANY | JSON_COMPACT);
    curl_easy_setopt(c->curl, CURLOPT_POSTFIELDS, text);
    curl_easy_setopt(c->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)size);
    return text;
}

static void set_rest(struct call *c, const char *url, struct curl_slist *headers)
{
    const struct options *o = c->options;
    bool has_progress = !o->is_quiet && isatty(STDERR_FILENO);

    curl_easy_setopt(c->curl, CURLOPT_URL, url);
    curl_easy_setopt(c->curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(c->curl, CURLOPT_WRITEFUNCTION, on_received);
    curl_easy_setopt(c->curl, CURLOPT_WRITEDATA, c);
    curl_easy_setopt(c->curl, CURLOPT_TIMEOUT_MS, (long)o->timeout_ms);
    curl_easy_setopt(c->curl, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(c->curl, CURLOPT_NOPROGRESS, has_progress ? 0L : 1L);
    curl_easy_setopt(c->curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(c->curl, CURLOPT_XFERINFODATA, c);
    if (o->ca_file != NULL)
        curl_easy_setopt(c->curl, CURLOPT_CAINFO, o->ca_file);
    if (o->is_verbose)
        curl_easy_setopt(c->curl, CURLOPT_VERBOSE, 1L);
}

static CURLcode perform(struct call *c, const struct request *r, const char *url)
{
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
    char *body = NULL;
    CURLcode code = CURLE_OK;

    headers = curl_slist_append(headers, "Expect:");
    if (r->header != NULL)
        headers = curl_slist_append(headers, r->header);
    curl_easy_reset(c->curl);
    buf_clear(&c->received);
    set_rest(c, url, headers);
    set_login(c, r);
    body = set_body(c, r);
    code = curl_easy_perform(c->curl);
    if (c->has_bar)
        (void)fputc('\n', stderr);
    c->has_bar = false;
    curl_slist_free_all(headers);
    mem_free(body);
    return code;
}

/* ---- what it answered ---- */

static const char *reason_of(const struct answer *a)
{
    const json_t *reason = json_object_get(a->json, "reason");

    if (!json_is_string(reason))
        reason = json_object_get(a->json, "error");
    return json_is_string(reason) ? json_string_value(reason) : "no reason was given";
}

static int refused(const struct request *r, struct answer *a, struct err_note *note)
{
    int rv = a->status == 404                       ? ERR_NOT_FOUND
             : a->status == 401 || a->status == 403 ? ERR_DENIED
                                                    : ERR_INVALID;

    (void)err_note(note, rv, "%s %s was refused with %ld: %s", r->method, r->path, a->status,
                   reason_of(a));
    return rv;
}

/* Where the API lies: without the user, so that no password gets into a message. */
static char *url_of(const struct call *c, const char *path)
{
    size_t size = strlen(c->options->uri);

    while (size > 0 && c->options->uri[size - 1] == '/')
        size--;
    return mem_format("%.*s%s", (int)size, c->options->uri, path);
}

int call_make(struct call *c, const struct request *r, struct answer *out, struct err_note *note)
{
    char *url = url_of(c, r->path);
    CURLcode code = perform(c, r, url);
    json_error_t wrong;
    struct answer a = {0};
    int rv = 0;

    mem_free(url);
    if (code != CURLE_OK)
        return err_note(note, ERR_CLOSED, "%s %s: %s; is the broker running, and --uri right?",
                        r->method, r->path, curl_easy_strerror(code));
    (void)curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &a.status);
    if (c->received.size > 0)
        a.json =
            json_loadb((const char *)c->received.data, c->received.size, JSON_DECODE_ANY, &wrong);
    if (a.json == NULL && c->received.size > 0 && a.status < 300)
        return err_note(note, ERR_CLOSED, "%s %s was answered with what is no JSON: %s", r->method,
                        r->path, wrong.text);
    if (a.status >= 200 && a.status < 300)
        *out = a;
    else
        rv = refused(r, &a, note);
    if (rv != 0)
        json_decref(a.json);
    return rv;
}

int call_reach(struct call *c, uint16_t port, struct err_note *note)
{
    CURLU *uri = curl_url();
    char *host = NULL;
    char *url = NULL;
    CURLcode code = CURLE_OK;
    CURLUcode wrong = curl_url_set(uri, CURLUPART_URL, c->options->uri, 0);

    if (wrong == CURLUE_OK)
        wrong = curl_url_get(uri, CURLUPART_HOST, &host, 0);
    ASSERT(wrong == CURLUE_OK); /* call_open() has looked at it */
    url = mem_format("http://%s:%u", host, port);
    curl_easy_reset(c->curl);
    curl_easy_setopt(c->curl, CURLOPT_URL, url);
    curl_easy_setopt(c->curl, CURLOPT_CONNECT_ONLY, 1L);
    curl_easy_setopt(c->curl, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(c->curl, CURLOPT_TIMEOUT_MS, (long)c->options->timeout_ms);
    code = curl_easy_perform(c->curl);
    if (code != CURLE_OK)
        (void)err_note(note, ERR_CLOSED, "cannot connect to port %u of '%s': %s", port, host,
                       curl_easy_strerror(code));
    mem_free(url);
    curl_free(host);
    curl_url_cleanup(uri);
    return code == CURLE_OK ? 0 : ERR_CLOSED;
}
