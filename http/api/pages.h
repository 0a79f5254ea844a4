/* The functions that the routes lead to, by file. Each answers its call, now or later. */
#ifndef HTTP_API_PAGES_H
#define HTTP_API_PAGES_H

struct api_call;

/* page_overview.c */
void page_overview(struct api_call *c);
void page_whoami(struct api_call *c);
void page_auth(struct api_call *c);
void page_version(struct api_call *c);
void page_extensions(struct api_call *c);

/* page_health.c */
void health_alarms(struct api_call *c);
void health_certificates(struct api_call *c);
void health_port(struct api_call *c);
void health_protocol(struct api_call *c);
void health_vhosts(struct api_call *c);
void health_single_node(struct api_call *c);
void health_cluster_size(struct api_call *c);
void health_in_service(struct api_call *c);
void health_connections(struct api_call *c);
void health_leaders(struct api_call *c);

#endif
