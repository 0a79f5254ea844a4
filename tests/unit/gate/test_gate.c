/* Tests of gate/gate.c: who gets through, who does not, and in which time. */
#include "gate/gate.h"

#include <string.h>

#include "base/mem.h"
#include "tests/lib/leaks.h"
#include "tests/lib/seed.h"
#include "tests/lib/test.h"
#include "tests/unit/gate/stage.h"

static const char line[] = "PROXY TCP4 192.0.2.7 198.51.100.1 4711 5672\r\n";

/* The last line says that a connection of that peer was refused, and why. */
static void expect_refused(const struct stage *g, const char *peer, const char *why)
{
    char expected[LINE_SIZE];

    snprintf(expected, sizeof(expected), "a connection is refused to=amqps peer=%s", peer);
    assert_memory_equal(stage_line(g), expected, strlen(expected));
    assert_string_equal(strstr(stage_line(g), ": ") + 2, why);
    assert_int_equal(gate_arrivals(g->gate), 0);
    assert_int_equal(g->server_count, 0);
}

static const char *peer_of(struct stage *g)
{
    static struct net_address peer;

    socket_peer(server_of(g)->socket, &peer);
    return peer.text;
}

static void test_a_plain_gate_lets_everybody_in_at_once(void **state)
{
    struct stage *g = stage_new(1, NULL);

    (void)state;
    stage_open(g, true);
    stage_connect_plain(g);
    assert_int_equal(g->server_count, 1);
    assert_memory_equal(peer_of(g), "10.0.0.2:", 9);
    client_say(&g->client, "hello", 5);
    sim_run_for(g->sim, SECOND);
    assert_int_equal(server_of(g)->heard.size, 5);
    stage_free(g);
}

static void test_a_handshake_has_its_time(void **state)
{
    struct stage *g = stage_new(1, NULL);

    (void)state;
    g->settings.tls_timeout_ms = 2000;
    stage_open(g, false);
    stage_connect_plain(g);
    sim_run_for(g->sim, SECOND);
    assert_int_equal(gate_arrivals(g->gate), 1);
    client_say(&g->client, "\x16\x03\x01", 3); /* does not begin the time anew */
    sim_run_for(g->sim, SECOND);
    expect_refused(g, "10.0.0.2:", "the TLS handshake takes too long");
    assert_true(g->client.is_closed);
    assert_int_equal(g->line_count, 1);
    stage_free(g);
}

static void test_who_speaks_no_tls_gets_an_alert(void **state)
{
    struct stage *g = stage_new(1, NULL);

    (void)state;
    stage_open(g, false);
    stage_connect_plain(g);
    client_say(&g->client, "AMQP\0\0\x09\x01", 8);
    sim_run_for(g->sim, SECOND);
    expect_refused(g, "10.0.0.2:", "the client speaks plain AMQP");
    assert_int_equal(g->client.heard.size, 7);
    assert_memory_equal(g->client.heard.data, "\x15\3\3\0\2\2\x46", 7);
    stage_free(g);
}

static void test_a_client_that_goes_ends_it(void **state)
{
    struct stage *g = stage_new(1, NULL);

    (void)state;
    stage_open(g, false);
    stage_connect_plain(g);
    client_say(&g->client, "\x16\x03\x01", 3);
    client_close(&g->client);
    sim_run_for(g->sim, SECOND);
    expect_refused(g, "10.0.0.2:", "the client left");
    stage_free(g);
}

/* The one that waits longest goes, so those who mean it get in. */
static void test_only_so_many_are_on_their_way(void **state)
{
    enum { CROWD = 1500, MAX = 1024 };
    struct stage *g = stage_new(1, NULL);
    static struct socket *crowd[CROWD];
    size_t before = 0;

    (void)state;
    stage_open(g, false);
    before = mem_used_bytes();
    for (size_t i = 0; i < CROWD; i++) {
        struct err_note note = {{0}};
        assert_int_equal(
            socket_connect(g->client_io, sim_node_host(g->here), PORT, &crowd[i], &note), 0);
        sim_run_for(g->sim, MS);
    }
    assert_int_equal(gate_arrivals(g->gate), MAX);
    assert_true((mem_used_bytes() - before) / CROWD < 4096);
    stage_shake(g, false);
    assert_int_equal(g->server_count, 1);
    assert_string_equal(strstr(stage_line(g), ": ") + 2, "too many others are waiting");
    assert_int_equal(g->line_count <= 40, true); /* not one for each */
    for (size_t i = 0; i < CROWD; i++)
        socket_close(crowd[i]);
    stage_free(g);
}

static void test_closing_ends_those_on_their_way(void **state)
{
    struct stage *g = stage_new(1, NULL);
    struct err_note note = {{0}};

    (void)state;
    stage_open(g, false);
    stage_shake(g, false);
    stage_connect_plain(g);
    assert_int_equal(gate_arrivals(g->gate), 1);
    gate_close(g->gate);
    sim_run_for(g->sim, SECOND);
    assert_true(g->client.is_closed);
    assert_non_null(server_of(g)->socket); /* who is through stays */
    assert_int_equal(
        gate_open(g->io, &g->gate_options, (struct gate_door){on_stage_accept, g}, &g->gate, &note),
        0);
    stage_free(g);
}

static void test_new_terms_hold_for_those_who_come(void **state)
{
    struct stage *g = stage_new(1, NULL);
    struct identity other = identity_new(&(struct identity_spec){
        .name = "newer", .issuer = &g->authority, .alternatives = "DNS:localhost"});
    struct server *first = NULL;
    X509 *shown = NULL;

    (void)state;
    stage_open(g, false);
    stage_shake(g, false);
    first = server_of(g);
    tls_renew(g->tls, stage_terms(g, &other));
    client_say(&g->client, "still", 5);
    sim_run_for(g->sim, SECOND);
    assert_int_equal(first->heard.size, 5);
    stage_shake(g, false);
    shown = SSL_get0_peer_certificate(g->client.ssl);
    assert_int_equal(X509_cmp(shown, other.certificate), 0);
    identity_release(&other);
    stage_free(g);
}

/* ---- clients with certificates ---- */

static void expect_verified(struct stage *g, bool has_certificate)
{
    struct tls_look look;

    assert_true(tls_look(server_of(g)->socket, &look));
    assert_int_equal(look.has_certificate, has_certificate);
}

static void test_a_certificate_is_verified(void **state)
{
    struct stage *g = stage_new(1, NULL);
    const struct tls_name_rule rule = {.from = TLS_NAME_DISTINGUISHED};
    struct buf name;

    (void)state;
    buf_init(&name, 100);
    g->options.verify = TLS_VERIFY_PEER;
    stage_open(g, false);
    stage_shake(g, true);
    expect_verified(g, true);
    assert_int_equal(tls_name(server_of(g)->socket, &rule, &name), 0);
    assert_true(bytes_equal(buf_view(&name), bytes_text("CN=visitor")));
    stage_shake(g, false);
    expect_verified(g, false);
    assert_int_equal(tls_name(server_of(g)->socket, &rule, &name), ERR_NOT_FOUND);
    buf_release(&name);
    stage_free(g);
}

/* What nobody verified counts for nothing. */
static void test_a_certificate_that_is_not_asked_for_is_none(void **state)
{
    struct stage *g = stage_new(1, NULL);

    (void)state;
    stage_open(g, false);
    stage_shake(g, true);
    expect_verified(g, false);
    stage_free(g);
}

static void expect_no_entry(struct stage *g, const char *why)
{
    g->options.verify = TLS_VERIFY_PEER;
    g->options.fail_if_no_peer_cert = true;
    stage_open(g, false);
    stage_connect(g, true);
    sim_run_for(g->sim, SECOND);
    expect_refused(g, "10.0.0.2:", why);
    stage_free(g);
}

static void test_certificates_are_judged_by_our_clock(void **state)
{
    struct stage *g = stage_new(1, NULL);

    (void)state;
    sim_node_jump_wall(g->here, 40 * IDENTITY_DAY * 1000);
    expect_no_entry(g, "the client's certificate is refused: certificate has expired");
    g = stage_new(1, NULL);
    sim_node_jump_wall(g->here, -40 * IDENTITY_DAY * 1000);
    expect_no_entry(g, "the client's certificate is refused: certificate is not yet valid");
}

static void test_a_stranger_is_refused(void **state)
{
    struct stage *g = stage_new(1, NULL);
    struct identity other =
        identity_new(&(struct identity_spec){.name = "authority", .is_authority = true});

    (void)state;
    identity_release(&g->visitor);
    g->visitor = identity_new(&(struct identity_spec){.name = "visitor", .issuer = &other});
    identity_release(&other);
    expect_no_entry(g, "the client's certificate is refused: certificate signature failure");
}

/* ---- the PROXY protocol ---- */

static struct stage *proxied(uint64_t seed, const struct sim_way *way, const char *first)
{
    struct stage *g = stage_new(seed, way);

    g->settings.takes_proxy = true;
    g->first = bytes_text(first);
    return g;
}

static void test_a_proxy_names_the_client(void **state)
{
    struct stage *g = proxied(1, NULL, line);

    (void)state;
    stage_open(g, true);
    stage_connect_plain(g);
    assert_string_equal(peer_of(g), "192.0.2.7:4711");
    client_say(&g->client, "hello", 5);
    sim_run_for(g->sim, SECOND);
    assert_int_equal(server_of(g)->heard.size, 5);
    stage_free(g);
}

static void test_a_header_comes_before_tls(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 5; i++) {
        const struct sim_way way = {.piece_max = 1 + 5 * i, .short_one_in = 2};
        struct stage *g = proxied(test_seed() + i, &way, line);

        stage_open(g, false);
        stage_shake(g, false);
        assert_string_equal(peer_of(g), "192.0.2.7:4711");
        client_say(&g->client, "hello", 5);
        sim_run_for(g->sim, SECOND);
        assert_int_equal(server_of(g)->heard.size, 5);
        stage_free(g);
    }
}

static void test_who_is_not_named_is_who_connects(void **state)
{
    struct stage *g = proxied(1, NULL, "PROXY UNKNOWN\r\n");

    (void)state;
    stage_open(g, true);
    stage_connect_plain(g);
    assert_memory_equal(peer_of(g), "10.0.0.2:", 9);
    stage_free(g);
}

static void test_nobody_gets_in_without_a_header(void **state)
{
    struct stage *g = proxied(1, NULL, "AMQP\x01");

    (void)state;
    stage_open(g, true);
    stage_connect_plain(g);
    sim_run_for(g->sim, SECOND);
    expect_refused(g, "10.0.0.2:", "it does not begin with a PROXY header");
    assert_true(g->client.is_closed);
    stage_free(g);
    g = proxied(1, NULL, "");
    stage_open(g, false);
    stage_connect(g, false);
    sim_run_for(g->sim, SECOND);
    expect_refused(g, "10.0.0.2:", "it does not begin with a PROXY header");
    stage_free(g);
}

static void test_a_header_has_its_time(void **state)
{
    struct stage *g = proxied(1, NULL, "PROXY TCP4 192.0.2.7 ");

    (void)state;
    stage_open(g, true);
    stage_connect_plain(g);
    sim_run_for(g->sim, 4 * SECOND);
    assert_int_equal(gate_arrivals(g->gate), 1);
    sim_run_for(g->sim, SECOND);
    expect_refused(g, "10.0.0.2:", "the PROXY header takes too long");
    stage_free(g);
    g = proxied(1, NULL, "PROXY TCP4 ");
    stage_open(g, true);
    stage_connect_plain(g);
    client_close(&g->client);
    sim_run_for(g->sim, SECOND);
    expect_refused(g, "10.0.0.2:", "the client left before its PROXY header");
    stage_free(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_a_plain_gate_lets_everybody_in_at_once),
        LEAK_CHECKED(test_a_handshake_has_its_time),
        LEAK_CHECKED(test_who_speaks_no_tls_gets_an_alert),
        LEAK_CHECKED(test_a_client_that_goes_ends_it),
        LEAK_CHECKED(test_only_so_many_are_on_their_way),
        LEAK_CHECKED(test_closing_ends_those_on_their_way),
        LEAK_CHECKED(test_new_terms_hold_for_those_who_come),
        LEAK_CHECKED(test_a_certificate_is_verified),
        LEAK_CHECKED(test_a_certificate_that_is_not_asked_for_is_none),
        LEAK_CHECKED(test_certificates_are_judged_by_our_clock),
        LEAK_CHECKED(test_a_stranger_is_refused),
        LEAK_CHECKED(test_a_proxy_names_the_client),
        LEAK_CHECKED(test_a_header_comes_before_tls),
        LEAK_CHECKED(test_who_is_not_named_is_who_connects),
        LEAK_CHECKED(test_nobody_gets_in_without_a_header),
        LEAK_CHECKED(test_a_header_has_its_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
