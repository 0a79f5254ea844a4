/* What waits in a delayed exchange until it is due: told page by page, and taken out.
 *
 *     GET    delayed/V/X                the page, by when it is due
 *     DELETE delayed/V/X/MESSAGE_ID     all with that message-id: {"cancelled": 1}
 *     DELETE delayed/V/X/number/N       that one */
#include "base/mem.h"
#include "base/parse.h"
#include "broker/access.h"
#include "broker/delayed.h"
#include "http/api/call.h"
#include "http/api/pages.h"
#include "http/api/shapes_messages.h"

enum { PAGE_SIZE = 100, PAGE_SIZE_MAX = 500 };

struct waiting_page {
    struct api_call *call;
    struct delayed_look *look; /* NULL: none is under way */
    struct buf out;
    struct tell tell;
    uint64_t page;
    uint64_t page_size;
    uint64_t total;
};

static void release(struct api_call *c)
{
    struct waiting_page *p = c->work;

    if (p->look != NULL)
        delayed_stop(p->look);
    buf_release(&p->out);
    mem_free(p);
}

static struct waiting_page *begin(struct api_call *c)
{
    struct waiting_page *p = MEM_NEW(struct waiting_page);

    *p = (struct waiting_page){.call = c, .page = 1, .page_size = PAGE_SIZE};
    buf_init(&p->out, PAYLOADS_MAX);
    c->work = p;
    c->release = release;
    return p;
}

/* Whether he may, and there is such an exchange. False: answered. */
static bool may(struct api_call *c, enum auth_action action, uint64_t *count)
{
    const struct delayed_place at = {.vhost = c->vhost, .exchange = c->args[0]};
    struct refusal refusal;
    int rv = 0;

    if (!api_visit(c))
        return false;
    if (access_exchange(c->visit, at.exchange, action, &refusal) != 0) {
        api_refused(c, &refusal);
        return false;
    }
    rv = delayed_count(c->api->broker, &at, count);
    if (rv == ERR_NOT_FOUND)
        api_not_found(c);
    else if (rv != 0)
        api_bad_request(c, "exchange '%.*s' holds nothing back: it is no delayed exchange",
                        API_SHOW(at.exchange));
    return rv == 0;
}

/* ---- list ---- */

static void on_found(void *owner, const struct waiting *w)
{
    struct waiting_page *p = owner;
    struct tell *t = &p->tell;

    tell_object(t, NULL);
    tell_uint(t, "number", w->seq);
    tell_int(t, "due", w->due_ms);
    tell_text(t, "exchange", w->message.exchange);
    tell_text(t, "routing_key", w->message.routing_key);
    tell_uint(t, "payload_bytes", w->message.body_size);
    tell_props(t, &w->message.props);
    tell_end(t);
}

/* Those that may be asked for. */
static uint64_t page_count(const struct waiting_page *p)
{
    uint64_t told = p->total < WAITING_PAGE_END_MAX ? p->total : WAITING_PAGE_END_MAX;

    return told == WAITING_PAGE_END_MAX ? told / p->page_size
                                        : (told + p->page_size - 1) / p->page_size;
}

static void on_listed(void *owner, int err, uint64_t has_more)
{
    struct waiting_page *p = owner;
    struct api_call *c = p->call;

    p->look = NULL;
    if (err == ERR_NOT_FOUND) {
        api_not_found(c);
        return;
    }
    if (err != 0) {
        api_fail(c, 500, "internal_server_error", "a message cannot be read");
        return;
    }
    tell_end(&p->tell);
    tell_uint(&p->tell, "page", p->page);
    tell_uint(&p->tell, "page_size", p->page_size);
    tell_uint(&p->tell, "page_count", page_count(p));
    tell_uint(&p->tell, "total_count", p->total);
    tell_bool(&p->tell, "has_more", has_more != 0);
    tell_end(&p->tell);
    api_answer(c, 200, &p->out);
}

static bool read_paging(struct waiting_page *p)
{
    struct api_call *c = p->call;
    struct bytes value;

    if ((api_query(c, "page", &value) && parse_u64(value, 1, INT64_MAX, &p->page) != 0) ||
        (api_query(c, "page_size", &value) &&
         parse_u64(value, 1, PAGE_SIZE_MAX, &p->page_size) != 0)) {
        api_bad_request(c, "'page' must be a number from 1, 'page_size' from 1 to %d, not '%.*s'",
                        PAGE_SIZE_MAX, API_SHOW(value));
        return false;
    }
    if (p->page <= WAITING_PAGE_END_MAX / p->page_size)
        return true;
    api_bad_request(c, "only the %d messages that are due first are told in pages",
                    WAITING_PAGE_END_MAX);
    return false;
}

void delayed_get(struct api_call *c)
{
    const struct delayed_place at = {.vhost = c->vhost, .exchange = c->args[0]};
    struct waiting_page *p = begin(c);
    const struct delayed_calls calls = {.owner = p, .found = on_found, .done = on_listed};
    struct delayed_page page = {.is_in_due_order = true};

    if (!read_paging(p) || !may(c, AUTH_READ, &p->total))
        return;
    page.from = (p->page - 1) * p->page_size;
    page.max = p->page_size;
    tell_init(&p->tell, &p->out, NULL);
    tell_object(&p->tell, NULL);
    tell_array(&p->tell, "items");
    if (delayed_list(c->api->broker, &at, &page, &calls, &p->look) != 0)
        api_not_found(c);
}

/* ---- cancel ---- */

static void on_cancelled(void *owner, int err, uint64_t count)
{
    struct waiting_page *p = owner;
    struct api_call *c = p->call;

    p->look = NULL;
    if (err == ERR_NOT_FOUND || (err == 0 && count == 0)) {
        api_not_found(c);
        return;
    }
    if (err != 0) {
        api_fail(c, 500, "internal_server_error", "a message cannot be read");
        return;
    }
    tell_init(&p->tell, &p->out, NULL);
    tell_object(&p->tell, NULL);
    tell_uint(&p->tell, "cancelled", count);
    tell_end(&p->tell);
    api_answer(c, 200, &p->out);
}

void delayed_delete(struct api_call *c)
{
    const struct delayed_place at = {.vhost = c->vhost, .exchange = c->args[0]};
    struct waiting_page *p = begin(c);
    const struct delayed_calls calls = {.owner = p, .done = on_cancelled};

    if (!may(c, AUTH_CONFIGURE, &p->total))
        return;
    if (delayed_cancel(c->api->broker, &at, c->args[1], &calls, &p->look) != 0)
        api_not_found(c);
}

void delayed_delete_number(struct api_call *c)
{
    const struct delayed_place at = {.vhost = c->vhost, .exchange = c->args[0]};
    struct waiting_page *p = begin(c);
    const struct delayed_calls calls = {.owner = p, .done = on_cancelled};
    uint64_t number = 0;

    if (!may(c, AUTH_CONFIGURE, &p->total))
        return;
    if (parse_u64(c->args[1], 0, UINT64_MAX, &number) != 0 ||
        delayed_cancel_number(c->api->broker, &at, number, &calls, &p->look) != 0)
        api_not_found(c);
}
