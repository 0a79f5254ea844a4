/* Tests of gate/tls_socket.c, with an ordinary client of OpenSSL in the simulated world. */
#include <openssl/err.h>
#include <string.h>

#include "base/mem.h"
#include "base/rand.h"
#include "io/io.h"
#include "tests/lib/leaks.h"
#include "tests/lib/seed.h"
#include "tests/unit/gate/stage.h"

/* Bytes in which no place looks like another. */
static uint8_t *pattern(size_t size)
{
    uint8_t *data = mem_alloc(size);

    for (size_t i = 0; i < size; i++)
        data[i] = (uint8_t)(i * 31 + (i >> 8) * 7 + (i >> 16));
    return data;
}

static void test_bytes_go_both_ways_by_both_versions(void **state)
{
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(versions); i++) {
        struct stage *g = stage_new(1, NULL);
        struct tls_look look;

        SSL_CTX_set_max_proto_version(g->client_ctx, versions[i]);
        stage_open(g, false);
        stage_shake(g, false);
        assert_int_equal(SSL_version(g->client.ssl), versions[i]);
        client_say(&g->client, "ping", 4);
        sim_run_for(g->sim, SECOND);
        assert_memory_equal(server_of(g)->heard.data, "ping", 4);
        server_say(server_of(g), "pong!", 5);
        sim_run_for(g->sim, SECOND);
        assert_int_equal(g->client.heard.size, 5);
        assert_memory_equal(g->client.heard.data, "pong!", 5);
        assert_true(tls_look(server_of(g)->socket, &look));
        assert_string_equal(look.version, versions[i] == TLS1_2_VERSION ? "TLSv1.2" : "TLSv1.3");
        assert_false(look.has_certificate);
        stage_free(g);
    }
}

/* Bytes that come with the last of the handshake are not lost. */
static void test_what_comes_with_the_handshake_is_heard(void **state)
{
    struct stage *g = stage_new(1, NULL);

    (void)state;
    stage_open(g, false);
    stage_connect(g, false);
    while (!g->client.is_shaken)
        assert_true(sim_step(g->sim));
    client_say(&g->client, "first", 5);
    sim_run_for(g->sim, SECOND);
    assert_int_equal(server_of(g)->heard.size, 5);
    stage_free(g);
}

static void send_both_ways(struct stage *g, size_t size, size_t read_max)
{
    uint8_t *data = pattern(size);

    stage_open(g, false);
    stage_shake(g, false);
    server_of(g)->read_max = read_max;
    client_say(&g->client, data, size);
    server_say(server_of(g), data, size);
    sim_run_for(g->sim, 60 * SECOND);
    assert_int_equal(server_of(g)->heard.size, size);
    assert_memory_equal(server_of(g)->heard.data, data, size);
    assert_int_equal(g->client.heard.size, size);
    assert_memory_equal(g->client.heard.data, data, size);
    mem_free(data);
    stage_free(g);
}

static void test_much_is_the_same_on_the_other_side(void **state)
{
    (void)state;
    send_both_ways(stage_new(test_seed(), NULL), 3 * 1000 * 1000, 0);
}

/* An owner with little room gets all of it, though no socket tells of what is left over. */
static void test_an_owner_may_read_little_at_a_time(void **state)
{
    (void)state;
    send_both_ways(stage_new(test_seed(), NULL), 100 * 1000, 100);
    send_both_ways(stage_new(test_seed(), NULL), 3000, 1);
}

/* Records in pieces, writes that do less, buffers that are smaller than a record. */
static void test_split_records_and_short_writes_change_nothing(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 10; i++) {
        const struct sim_way way = {.jitter_ns = 50 * 1000,
                                    .piece_max = 700,
                                    .buffer_bytes = 5000 + 1000 * i,
                                    .short_one_in = 3};
        send_both_ways(stage_new(test_seed() + i, &way), 200 * 1000, 0);
    }
}

static void test_a_handshake_in_single_bytes_works(void **state)
{
    const struct sim_way way = {.piece_max = 1};
    struct stage *g = stage_new(test_seed(), &way);

    (void)state;
    stage_open(g, false);
    stage_shake(g, false);
    stage_free(g);
}

/* L1: what was told as written is heard, though the socket is closed at once. */
static void test_what_counts_as_written_arrives(void **state)
{
    const struct sim_way way = {.buffer_bytes = 8000};
    size_t size = 500 * 1000;
    uint8_t *data = pattern(size);

    (void)state;
    for (uint64_t i = 0; i < 20; i++) {
        struct stage *g = stage_new(test_seed() + i, &way);
        struct server *v = NULL;
        size_t said = 0;

        stage_open(g, false);
        stage_shake(g, false);
        v = server_of(g);
        server_say(v, data, size);
        sim_run_for(g->sim, (1 + i) * MS);
        said = v->said;
        server_close(v);
        sim_run_for(g->sim, 10 * SECOND);
        assert_true(g->client.heard.size >= said);
        assert_memory_equal(g->client.heard.data, data, said);
        assert_true(g->client.is_closed);
        stage_free(g);
    }
    mem_free(data);
}

static void test_closing_says_so_to_the_client(void **state)
{
    struct stage *g = stage_new(1, NULL);

    (void)state;
    stage_open(g, false);
    stage_shake(g, false);
    server_close(server_of(g));
    sim_run_for(g->sim, SECOND);
    assert_true(g->client.has_notice);
    assert_true(g->client.is_closed);
    stage_free(g);
}

static void test_the_end_is_heard_with_and_without_notice(void **state)
{
    (void)state;
    for (int has_notice = 0; has_notice < 2; has_notice++) {
        struct stage *g = stage_new(1, NULL);

        stage_open(g, false);
        stage_shake(g, false);
        client_say(&g->client, "bye", 3);
        if (has_notice)
            SSL_shutdown(g->client.ssl);
        client_flush(&g->client);
        client_close(&g->client);
        sim_run_for(g->sim, SECOND);
        assert_int_equal(server_of(g)->heard.size, 3);
        assert_int_equal(server_of(g)->error, ERR_CLOSED);
        stage_free(g);
    }
}

static void test_a_changed_record_ends_it(void **state)
{
    struct stage *g = stage_new(1, NULL);
    const uint8_t noise[] = {23, 3,  3,  0,  20, 1,  2,  3,  4,  5,  6,  7, 8,
                             9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20};
    SSL *ssl = NULL;

    (void)state;
    stage_open(g, false);
    stage_shake(g, false);
    ssl = g->client.ssl;
    g->client.ssl = NULL;
    client_say(&g->client, noise, sizeof(noise));
    sim_run_for(g->sim, SECOND);
    assert_int_equal(server_of(g)->error, ERR_IO);
    assert_string_equal(tls_socket_why(server_of(g)->socket),
                        "decryption failed or bad record mac");
    SSL_free(ssl);
    stage_free(g);
}

static void test_a_client_that_only_changes_keys_is_cut_off(void **state)
{
    struct stage *g = stage_new(1, NULL);
    size_t before = 0;

    (void)state;
    stage_open(g, false);
    stage_shake(g, false);
    for (int i = 0; i < 32; i++) {
        assert_int_equal(SSL_key_update(g->client.ssl, SSL_KEY_UPDATE_REQUESTED), 1);
        assert_int_equal(SSL_do_handshake(g->client.ssl), 1);
    }
    client_say(&g->client, "data", 4);
    sim_run_for(g->sim, SECOND);
    assert_int_equal(server_of(g)->heard.size, 4);
    assert_int_equal(server_of(g)->error, 0);

    before = mem_used_bytes();
    for (int i = 0; i < 5000; i++) {
        assert_int_equal(SSL_key_update(g->client.ssl, SSL_KEY_UPDATE_REQUESTED), 1);
        assert_int_equal(SSL_do_handshake(g->client.ssl), 1);
    }
    client_say(&g->client, "data", 4);
    sim_run_for(g->sim, SECOND);
    assert_int_equal(server_of(g)->error, ERR_IO);
    assert_string_equal(tls_socket_why(server_of(g)->socket), "the client only changes its keys");
    assert_true(mem_used_bytes() < before + 64 * 1024);
    stage_free(g);
}

static void test_there_is_no_renegotiation(void **state)
{
    struct stage *g = stage_new(1, NULL);

    (void)state;
    SSL_CTX_set_max_proto_version(g->client_ctx, TLS1_2_VERSION);
    stage_open(g, false);
    stage_shake(g, false);
    assert_int_equal(SSL_renegotiate(g->client.ssl), 1);
    g->client.is_shaken = false;
    SSL_do_handshake(g->client.ssl);
    client_flush(&g->client);
    sim_run_for(g->sim, SECOND);
    assert_false(g->client.is_shaken);
    assert_int_equal(g->client.error, SSL_R_NO_RENEGOTIATION);
    stage_free(g);
}

/* A client that does not read holds a block, not what the owner would say. */
static void test_a_client_that_does_not_read_holds_little(void **state)
{
    struct stage *g = stage_new(1, NULL);
    size_t size = 8 * 1000 * 1000;
    uint8_t *data = pattern(size);
    size_t before = 0;

    (void)state;
    stage_open(g, false);
    stage_shake(g, false);
    g->client.is_deaf = true;
    socket_watch(g->client.socket, 0);
    buf_bytes(&server_of(g)->to_say, bytes_of(data, size));
    before = mem_used_bytes();
    server_say(server_of(g), "", 0);
    sim_run_for(g->sim, SECOND);
    assert_true(server_of(g)->said < 100 * 1000);
    assert_true(mem_used_bytes() - before < 80 * 1024 + 64 * 1024); /* with the way's own buffer */
    mem_free(data);
    stage_free(g);
}

static void test_a_broken_way_is_an_error(void **state)
{
    struct stage *g = stage_new(1, NULL);

    (void)state;
    stage_open(g, false);
    stage_shake(g, false);
    sim_net_reset(g->here, g->there);
    sim_run_for(g->sim, SECOND);
    assert_true(server_of(g)->error == ERR_IO || server_of(g)->error == ERR_CLOSED);
    stage_free(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_bytes_go_both_ways_by_both_versions),
        LEAK_CHECKED(test_what_comes_with_the_handshake_is_heard),
        LEAK_CHECKED(test_much_is_the_same_on_the_other_side),
        LEAK_CHECKED(test_an_owner_may_read_little_at_a_time),
        LEAK_CHECKED(test_split_records_and_short_writes_change_nothing),
        LEAK_CHECKED(test_a_handshake_in_single_bytes_works),
        LEAK_CHECKED(test_what_counts_as_written_arrives),
        LEAK_CHECKED(test_closing_says_so_to_the_client),
        LEAK_CHECKED(test_the_end_is_heard_with_and_without_notice),
        LEAK_CHECKED(test_a_changed_record_ends_it),
        LEAK_CHECKED(test_a_client_that_only_changes_keys_is_cut_off),
        LEAK_CHECKED(test_there_is_no_renegotiation),
        LEAK_CHECKED(test_a_client_that_does_not_read_holds_little),
        LEAK_CHECKED(test_a_broken_way_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
