/* Pieces of answers that several pages tell.
 *
 * Plain functions. */
#ifndef HTTP_API_SHAPES_H
#define HTTP_API_SHAPES_H

#include "broker/look.h"
#include "http/api/call.h"
#include "http/api/samples.h"

/* Begins an answer in the api's reply buffer, with the columns that were asked for. */
void api_start(struct api_call *c, struct tell *t);

/* "exchange_types": [...] */
void tell_exchange_types(struct tell *t);

/* Connections, channels and queues that came and went. */
void tell_churn(const struct api *a, struct tell *t);
/* "contexts": [...] */
void tell_contexts(const struct api *a, struct tell *t);

/* The name that was set, or that of the options. */
void tell_cluster_name(const struct api *a, struct tell *t, const char *name);

/* A field table as an object: text and binary are strings, all integers numbers, void is null. */
void tell_table(struct tell *t, const char *name, struct table table);
/* Its entries, inside an object that was begun. */
void tell_entries(struct tell *t, struct table table);

/* "publish": 5, "publish_details": {"rate": 0.5}, where the sample has it at that place; NULL:
 * there is no sample, and the rate is 0.0. With samples of the past, if the request wants them of
 * what is counted (messages, and all that has no function of its own), of lengths, of lengths of
 * queues, of bytes, of the node. */
void tell_counted(struct tell *t, const char *name, uint64_t value, struct sample *s, size_t place);
void tell_length(struct tell *t, const char *name, uint64_t value, struct sample *s, size_t place);
void tell_queue_length(struct tell *t, const char *name, uint64_t value, struct sample *s,
                       size_t place);
void tell_bytes(struct tell *t, const char *name, uint64_t value, struct sample *s, size_t place);
void tell_node_figure(struct tell *t, const char *name, uint64_t value, struct sample *s,
                      size_t place);

/* "idle_since": "2026-11-27T11:42:21.063+00:00", if nothing happens. */
void tell_idle(struct tell *t, const struct sample *s);

/* A text, or null when it is empty. */
void tell_text_or_null(struct tell *t, const char *name, struct bytes value);

/* "a,b" as ["a","b"]. */
void tell_words(struct tell *t, const char *name, struct bytes list);

/* What a binding is known by: its key, and when it has arguments `~` and their hash; `out` has
 * SHAPES_KEY_SIZE bytes. */
enum { SHAPES_KEY_SIZE = 255 * 3 + 24 };
struct bytes binding_key(const struct look_binding *b, char *out);

/* The objects of lists and of pages. */
/* Their members, inside an object that was begun. */
void tell_queue(struct api *a, struct tell *t, const struct look_queue *q);
void tell_exchange(struct api *a, struct tell *t, const struct look_exchange *x);
/* The same without figures, but for how many messages it has if that is wanted. */
void tell_queue_briefly(struct api *a, struct tell *t, const struct look_queue *q, bool has_totals);
/* Of one queue, or exchange: where its messages come from and go to, counted. */
void tell_queue_flows(struct api *a, struct tell *t, const struct look_queue *q);
void tell_exchange_flows(struct api *a, struct tell *t, const struct look_exchange *x);
/* Of one channel: its consumers too. */
void tell_channel_flows(struct api *a, struct tell *t, const struct doors_connection *c,
                        const struct doors_channel *ch);
/* "10.0.0.1:4711", "[::1]:4711": host without brackets, and port. */
void tell_address(struct tell *t, struct bytes address, const char *host_name,
                  const char *port_name);
/* "channel_details" of a consumer. */
void tell_channel_of(struct api *a, struct tell *t, const struct consumer_person *p);
void tell_binding(struct tell *t, const struct look_binding *b);
void tell_vhost(struct api *a, struct tell *t, const struct look_vhost *v);
void tell_user(struct tell *t, const struct look_user *u);
void tell_permission(struct tell *t, const struct look_permission *p);
void tell_topic_permission(struct tell *t, const struct look_topic_permission *p);
void tell_consumer(struct api *a, struct tell *t, const struct look_consumer *c);
void tell_connection(struct api *a, struct tell *t, const struct doors_connection *c);
void tell_channel(struct api *a, struct tell *t, const struct doors_connection *c,
                  const struct doors_channel *ch);

#endif
