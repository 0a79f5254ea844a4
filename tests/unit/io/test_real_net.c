/* Real sockets and listeners on the loopback interface, on ports the system chooses. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/err.h"
#include "base/parse.h"
#include "io/io.h"
#include "io/net.h"
#include "io/real.h"
#include "tests/lib/test.h"

/* What the replaced system calls do. */
static struct {
    int accept_errno;
    int accept_failures; /* so many calls fail */
    int accept_count;
    bool is_v6_missing;
} world;

/* The C library's own spelling of its parameter, which is a union of pointers. */
int accept4(int fd, __SOCKADDR_ARG address, socklen_t *size, int flags)
{
    world.accept_count++;
    if (world.accept_failures > 0) {
        world.accept_failures--;
        errno = world.accept_errno;
        return -1;
    }
    return (int)syscall(SYS_accept4, fd, address.__sockaddr__, size, flags);
}

int socket(int domain, int type, int protocol)
{
    if (domain == AF_INET6 && world.is_v6_missing) {
        errno = EAFNOSUPPORT;
        return -1;
    }
    return (int)syscall(SYS_socket, domain, type, protocol);
}

/* ---- a world with a listener and the two ends of a connection ---- */

struct end {
    struct socket *socket;
    size_t received;
    size_t sent;
    uint32_t sum; /* of the bytes received */
    int events;
    int error;
};

struct stage {
    struct real *real;
    struct io *io;
    struct listener *listener;
    struct end client;
    struct end server;
    int accepts;
    int accepts_wanted; /* stop the loop at so many */
    struct socket *crowd[200];
};

static struct stage stage;

static int open_stage(void **state)
{
    struct real_options options = {.worker_count = 1};

    (void)state;
    memset(&stage, 0, sizeof(stage));
    memset(&world, 0, sizeof(world));
    stage.accepts_wanted = 1;
    if (real_open(&options, &stage.real, NULL) != 0)
        return -1;
    return real_io_open(stage.real, &stage.io, NULL);
}

static int close_stage(void **state)
{
    (void)state;
    if (stage.client.socket != NULL)
        socket_close(stage.client.socket);
    if (stage.server.socket != NULL)
        socket_close(stage.server.socket);
    for (size_t i = 0; i < ARRAY_SIZE(stage.crowd); i++)
        if (stage.crowd[i] != NULL)
            socket_close(stage.crowd[i]);
    if (stage.listener != NULL)
        listener_close(stage.listener);
    real_io_close(stage.io);
    real_close(stage.real);
    return 0;
}

static void on_accept(void *owner, struct socket *s)
{
    (void)owner;
    if (stage.server.socket == NULL)
        stage.server.socket = s;
    else
        stage.crowd[stage.accepts] = s;
    if (++stage.accepts == stage.accepts_wanted)
        real_io_stop(stage.io);
}

static void listen_on(const char *host)
{
    assert_int_equal(listener_open(stage.io, host, 0, on_accept, NULL, &stage.listener, NULL), 0);
    assert_true(listener_port(stage.listener) > 0);
}

/* Connects a client to the listener and turns the loop until the server has its end. */
static void connect_to(const char *host)
{
    assert_int_equal(
        socket_connect(stage.io, host, listener_port(stage.listener), &stage.client.socket, NULL),
        0);
    real_io_run(stage.io);
    assert_non_null(stage.server.socket);
}

static void open_pair(void)
{
    listen_on("127.0.0.1");
    connect_to("127.0.0.1");
}

static int write_text(struct socket *s, const char *text)
{
    struct iovec part = {.iov_base = (void *)(uintptr_t)text, .iov_len = strlen(text)};
    size_t done = 0;
    int rv = socket_write(s, &part, 1, &done);

    assert_true(rv != 0 || done == strlen(text));
    return rv;
}

/* Reads once and stops the loop, which turns once more for that. */
static void on_read_once(void *owner, struct socket *s, unsigned events)
{
    struct end *e = owner;
    char buf[64];
    size_t done = 0;

    assert_ptr_equal(s, e->socket);
    assert_int_equal(events, SOCKET_READ);
    e->events++;
    e->error = socket_read(s, buf, sizeof(buf), &done);
    e->received += done;
    socket_watch(s, 0);
    real_io_stop(stage.io);
}

static void wait_for_read(struct end *e)
{
    socket_set_owner(e->socket, on_read_once, e);
    socket_watch(e->socket, SOCKET_READ);
    real_io_run(stage.io);
}

/* ---- time ---- */

static uint64_t clock_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static uint64_t sent_ns;

/* Sends after the time of the turn is known, as a client may, and reads it. */
static void on_time_to_send(struct io_timer *t)
{
    uint64_t turn_ns = io_now_ns(stage.io);
    char buf[64];
    size_t done = 0;

    (void)t;
    while (clock_ns() <= turn_ns) {
    }
    assert_int_equal(io_now_ns(stage.io), turn_ns);
    sent_ns = clock_ns();
    assert_int_equal(write_text(stage.client.socket, "now"), 0);
    while (socket_read(stage.server.socket, buf, sizeof(buf), &done) == ERR_AGAIN) {
    }
    assert_int_equal(done, 3);
    assert_true(io_now_ns(stage.io) >= sent_ns);
    real_io_stop(stage.io);
}

static void test_what_came_is_not_later_than_the_clock(void **state)
{
    struct io_timer timer;

    (void)state;
    open_pair();
    io_timer_init(&timer, on_time_to_send);
    io_timer_start(stage.io, &timer, 0);
    real_io_run(stage.io);
    assert_true(sent_ns > 0);
}

/* ---- connections ---- */

static void test_bytes_go_both_ways(void **state)
{
    char buf[64];
    size_t done = 0;

    (void)state;
    open_pair();
    assert_int_equal(socket_read(stage.server.socket, buf, sizeof(buf), &done), ERR_AGAIN);
    assert_int_equal(write_text(stage.client.socket, "ping"), 0);
    wait_for_read(&stage.server);
    assert_int_equal(stage.server.error, 0);
    assert_int_equal(stage.server.received, 4);
    assert_int_equal(write_text(stage.server.socket, "pong!"), 0);
    wait_for_read(&stage.client);
    assert_int_equal(stage.client.received, 5);
}

static void test_both_sides_know_the_others_address(void **state)
{
    struct net_address client, server, local;
    char expected[NET_ADDRESS_SIZE];
    uint64_t port = 0;

    (void)state;
    open_pair();
    socket_peer(stage.client.socket, &server);
    snprintf(expected, sizeof(expected), "127.0.0.1:%u", listener_port(stage.listener));
    assert_string_equal(server.text, expected);
    socket_peer(stage.server.socket, &client);
    assert_memory_equal(client.text, "127.0.0.1:", 10);
    assert_int_equal(parse_u64(bytes_text(client.text + 10), 1, UINT16_MAX, &port), 0);
    assert_string_not_equal(client.text, server.text);
    /* What is the other side's address there is ours here. */
    socket_local(stage.client.socket, &local);
    assert_string_equal(local.text, client.text);
    socket_local(stage.server.socket, &local);
    assert_string_equal(local.text, server.text);
}

static void test_an_address_that_is_told_counts(void **state)
{
    struct net_address told = {"192.0.2.7:4711"};
    struct net_address peer;

    (void)state;
    open_pair();
    socket_set_peer(stage.server.socket, &told);
    socket_peer(stage.server.socket, &peer);
    assert_string_equal(peer.text, "192.0.2.7:4711");
}

static bool has_v6(void)
{
    int fd = (int)syscall(SYS_socket, AF_INET6, SOCK_STREAM, 0);

    if (fd != -1)
        close(fd);
    return fd != -1 && access("/proc/net/if_inet6", F_OK) == 0;
}

static void test_every_address_means_both_families(void **state)
{
    struct net_address peer;

    (void)state;
    listen_on("");
    connect_to("127.0.0.1");
    socket_peer(stage.server.socket, &peer);
    assert_memory_equal(peer.text, "127.0.0.1:", 10); /* not ::ffff:127.0.0.1 */
    if (!has_v6())
        return;
    socket_close(stage.client.socket);
    socket_close(stage.server.socket);
    stage.server.socket = NULL;
    stage.accepts = 0;
    connect_to("::1");
    socket_peer(stage.server.socket, &peer);
    assert_memory_equal(peer.text, "[::1]:", 6);
}

static void test_every_address_works_without_v6_too(void **state)
{
    (void)state;
    world.is_v6_missing = true;
    listen_on("");
    connect_to("127.0.0.1");
}

static void test_a_half_closed_stream_ends_after_its_bytes(void **state)
{
    (void)state;
    open_pair();
    assert_int_equal(write_text(stage.client.socket, "last words"), 0);
    socket_close(stage.client.socket);
    stage.client.socket = NULL;
    wait_for_read(&stage.server);
    assert_int_equal(stage.server.error, 0);
    assert_int_equal(stage.server.received, 10);
    wait_for_read(&stage.server);
    assert_int_equal(stage.server.error, ERR_CLOSED);
}

static void test_writing_to_a_peer_who_is_gone_is_closed(void **state)
{
    (void)state;
    open_pair();
    assert_int_equal(write_text(stage.server.socket, "unread"), 0);
    wait_for_read(&stage.client); /* so that the bytes have arrived */
    assert_int_equal(write_text(stage.server.socket, "unread too"), 0);
    socket_close(stage.client.socket); /* with bytes unread: a reset */
    stage.client.socket = NULL;
    wait_for_read(&stage.server);
    assert_int_equal(stage.server.error, ERR_IO);
    assert_int_equal(write_text(stage.server.socket, "into the void"), ERR_CLOSED);
}

static void on_refused(void *owner, struct socket *s, unsigned events)
{
    char buf[8];
    size_t done = 0;

    (void)owner;
    assert_int_equal(events, SOCKET_WRITE);
    assert_int_equal(socket_read(s, buf, sizeof(buf), &done), ERR_IO);
    socket_watch(s, 0);
    real_io_stop(stage.io);
}

static void test_a_refused_connection_says_so_at_the_first_read(void **state)
{
    uint16_t port = 0;

    (void)state;
    listen_on("127.0.0.1");
    port = listener_port(stage.listener);
    listener_close(stage.listener);
    stage.listener = NULL;
    int rv = socket_connect(stage.io, "127.0.0.1", port, &stage.client.socket, NULL);
    assert_int_equal(rv, 0);
    socket_set_owner(stage.client.socket, on_refused, NULL);
    socket_watch(stage.client.socket, SOCKET_WRITE);
    real_io_run(stage.io);
}

static void test_names_are_not_addresses(void **state)
{
    static const char *const hosts[] = {"localhost", "127.0.0", "127.0.0.1 ", "::1::", "1.2.3.256"};
    struct err_note note;
    char expected[128];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(hosts); i++) {
        snprintf(expected, sizeof(expected), "'%s' is not a numeric IPv4 or IPv6 address",
                 hosts[i]);
        assert_int_equal(socket_connect(stage.io, hosts[i], 1, &stage.client.socket, &note),
                         ERR_INVALID);
        assert_string_equal(note.text, expected);
        assert_int_equal(
            listener_open(stage.io, hosts[i], 0, on_accept, NULL, &stage.listener, &note),
            ERR_INVALID);
        assert_string_equal(note.text, expected);
    }
    assert_null(stage.client.socket);
    assert_null(stage.listener);
}

/* ---- watching ---- */

static void on_counted_read(void *owner, struct socket *s, unsigned events)
{
    struct end *e = owner;

    (void)events;
    if (++e->events < 3)
        return; /* the bytes stay, so the event comes again */
    socket_watch(s, 0);
    real_io_stop(stage.io);
}

static void test_an_event_comes_again_while_its_cause_lasts(void **state)
{
    (void)state;
    open_pair();
    assert_int_equal(write_text(stage.client.socket, "x"), 0);
    socket_set_owner(stage.server.socket, on_counted_read, &stage.server);
    socket_watch(stage.server.socket, SOCKET_READ);
    real_io_run(stage.io);
    assert_int_equal(stage.server.events, 3);
}

static void test_nothing_is_told_while_nothing_is_watched(void **state)
{
    (void)state;
    open_pair();
    socket_set_owner(stage.server.socket, on_read_once, &stage.server);
    socket_watch(stage.server.socket, SOCKET_READ);
    socket_watch(stage.server.socket, 0);
    socket_close(stage.client.socket); /* an end of stream, which epoll would tell unasked */
    stage.client.socket = NULL;
    stage.accepts = 0;
    int rv = socket_connect(stage.io, "127.0.0.1", listener_port(stage.listener),
                            &stage.client.socket, NULL);
    assert_int_equal(rv, 0);
    real_io_run(stage.io);
    assert_int_equal(stage.server.events, 0);
}

static void on_close_yourself(void *owner, struct socket *s, unsigned events)
{
    struct end *e = owner;

    (void)events;
    e->events++;
    socket_close(s);
    e->socket = NULL;
    real_io_stop(stage.io);
}

static void test_a_socket_may_be_closed_in_its_own_callback(void **state)
{
    (void)state;
    open_pair();
    assert_int_equal(write_text(stage.client.socket, "x"), 0);
    wait_for_read(&stage.server); /* then bytes and room to write are there at once */
    assert_int_equal(write_text(stage.client.socket, "x"), 0);
    stage.server.events = 0;
    socket_set_owner(stage.server.socket, on_close_yourself, &stage.server);
    socket_watch(stage.server.socket, SOCKET_READ | SOCKET_WRITE);
    real_io_run(stage.io);
    assert_int_equal(stage.server.events, 1);
}

/* ---- a lot of bytes ---- */

enum { STREAM_SIZE = 8 * 1024 * 1024, PART_SIZE = 1000, PART_COUNT = 1500 };

static uint8_t stream_byte(size_t place)
{
    return (uint8_t)(place * 7 + place / 251);
}

static void on_stream_writable(void *owner, struct socket *s, unsigned events)
{
    static uint8_t bytes[PART_COUNT][PART_SIZE];
    static struct iovec parts[PART_COUNT]; /* more than the system takes at once */
    struct end *e = owner;
    size_t done = 0;
    int count = 0;
    int rv = 0;

    assert_int_equal(events, SOCKET_WRITE);
    for (size_t place = e->sent; count < PART_COUNT && place < STREAM_SIZE; count++) {
        size_t size = STREAM_SIZE - place < PART_SIZE ? STREAM_SIZE - place : PART_SIZE;
        for (size_t i = 0; i < size; i++)
            bytes[count][i] = stream_byte(place + i);
        parts[count] = (struct iovec){.iov_base = bytes[count], .iov_len = size};
        place += size;
    }
    rv = socket_write(s, parts, count, &done);
    assert_true(rv == 0 || rv == ERR_AGAIN);
    assert_true(rv != 0 || done > 0);
    e->sent += done;
    if (e->sent == STREAM_SIZE)
        socket_watch(s, 0);
}

static void on_stream_readable(void *owner, struct socket *s, unsigned events)
{
    static uint8_t buf[30000];
    struct end *e = owner;
    size_t done = 0;

    assert_int_equal(events, SOCKET_READ);
    assert_int_equal(socket_read(s, buf, sizeof(buf), &done), 0);
    for (size_t i = 0; i < done; i++)
        assert_int_equal(buf[i], stream_byte(e->received + i));
    e->received += done;
    if (e->received == STREAM_SIZE)
        real_io_stop(stage.io);
}

static void test_a_long_stream_arrives_whole(void **state)
{
    (void)state;
    open_pair();
    socket_set_owner(stage.client.socket, on_stream_writable, &stage.client);
    socket_set_owner(stage.server.socket, on_stream_readable, &stage.server);
    socket_watch(stage.client.socket, SOCKET_WRITE);
    socket_watch(stage.server.socket, SOCKET_READ);
    real_io_run(stage.io);
    assert_int_equal(stage.server.received, STREAM_SIZE);
}

static void test_a_full_socket_says_again(void **state)
{
    static char bytes[100 * 1000];
    struct iovec part = {.iov_base = bytes, .iov_len = sizeof(bytes)};
    size_t done = 0;
    int rv = 0;

    (void)state;
    open_pair();
    for (int i = 0; i < 1000 && rv == 0; i++)
        rv = socket_write(stage.client.socket, &part, 1, &done);
    assert_int_equal(rv, ERR_AGAIN);
}

/* ---- listeners ---- */

static void test_a_port_in_use_is_busy(void **state)
{
    struct listener *second = NULL;
    struct err_note note;
    char expected[128];
    uint16_t port = 0;

    (void)state;
    listen_on("127.0.0.1");
    port = listener_port(stage.listener);
    assert_int_equal(listener_open(stage.io, "127.0.0.1", port, on_accept, NULL, &second, &note),
                     ERR_BUSY);
    snprintf(expected, sizeof(expected), "cannot listen on 127.0.0.1:%u: Address already in use",
             port);
    assert_string_equal(note.text, expected);
    assert_null(second);
}

static void test_an_address_of_another_machine_is_invalid(void **state)
{
    struct err_note note;

    (void)state;
    assert_int_equal(
        listener_open(stage.io, "192.0.2.1", 0, on_accept, NULL, &stage.listener, &note),
        ERR_INVALID);
    assert_string_equal(note.text, "cannot listen on 192.0.2.1:0: Cannot assign requested address");
}

/* Starts so many connects that all wait in the system's queue, then lets the loop accept them. */
static void connect_crowd(struct socket **clients, int count)
{
    for (int i = 0; i < count; i++) {
        int rv =
            socket_connect(stage.io, "127.0.0.1", listener_port(stage.listener), &clients[i], NULL);
        assert_int_equal(rv, 0);
    }
}

static void close_crowd(struct socket **clients, int count)
{
    for (int i = 0; i < count; i++)
        socket_close(clients[i]);
}

static void test_a_crowd_is_accepted_over_several_turns(void **state)
{
    enum { COUNT = 150 };
    struct socket *clients[COUNT];

    (void)state;
    listen_on("127.0.0.1");
    connect_crowd(clients, COUNT);
    stage.accepts_wanted = COUNT;
    real_io_run(stage.io);
    assert_int_equal(stage.accepts, COUNT);
    close_crowd(clients, COUNT);
}

static void on_accept_then_pause(void *owner, struct socket *s)
{
    on_accept(owner, s);
    listener_pause(stage.listener, true);
}

static void on_end_of_pause(struct io_timer *t)
{
    (void)t;
    assert_int_equal(stage.accepts, 1);
    listener_pause(stage.listener, false);
}

static void test_a_paused_listener_leaves_connections_waiting(void **state)
{
    enum { COUNT = 2 };
    struct socket *clients[COUNT];
    struct io_timer timer;

    (void)state;
    assert_int_equal(
        listener_open(stage.io, "127.0.0.1", 0, on_accept_then_pause, NULL, &stage.listener, NULL),
        0);
    connect_crowd(clients, COUNT);
    stage.accepts_wanted = COUNT;
    io_timer_init(&timer, on_end_of_pause);
    io_timer_start(stage.io, &timer, 20 * 1000 * 1000);
    real_io_run(stage.io);
    assert_int_equal(stage.accepts, COUNT);
    close_crowd(clients, COUNT);
}

static void on_accept_then_close(void *owner, struct socket *s)
{
    on_accept(owner, s);
    listener_close(stage.listener);
    stage.listener = NULL;
}

static void test_a_listener_may_be_closed_in_its_own_callback(void **state)
{
    enum { COUNT = 3 };
    struct socket *clients[COUNT];

    (void)state;
    assert_int_equal(
        listener_open(stage.io, "127.0.0.1", 0, on_accept_then_close, NULL, &stage.listener, NULL),
        0);
    connect_crowd(clients, COUNT);
    real_io_run(stage.io);
    assert_int_equal(stage.accepts, 1);
    close_crowd(clients, COUNT);
}

static void count_line(void *owner, const char *line)
{
    int *count = owner;

    assert_non_null(strstr(line, "cannot accept connections"));
    assert_non_null(strstr(line, "Too many open files"));
    ++*count;
}

static void test_accepting_rests_when_no_descriptor_is_left(void **state)
{
    int lines = 0;

    (void)state;
    listen_on("127.0.0.1");
    world.accept_errno = EMFILE;
    world.accept_failures = 3;
    diag_set_sink(count_line, &lines);
    connect_to("127.0.0.1");
    diag_set_sink(NULL, NULL);
    assert_int_equal(stage.accepts, 1);
    assert_int_equal(lines, 1);                /* for all three rests */
    assert_in_range(world.accept_count, 4, 5); /* one try a rest, not a storm */
}

static void test_a_resting_listener_can_be_paused_and_closed(void **state)
{
    int lines = 0;

    (void)state;
    listen_on("127.0.0.1");
    world.accept_errno = ENFILE;
    world.accept_failures = 1000;
    diag_set_sink(count_line, &lines);
    diag_set_level(DIAG_OFF);
    int rv = socket_connect(stage.io, "127.0.0.1", listener_port(stage.listener),
                            &stage.client.socket, NULL);
    assert_int_equal(rv, 0);
    socket_set_owner(stage.client.socket, on_close_yourself, &stage.client);
    socket_watch(stage.client.socket, SOCKET_WRITE);
    real_io_run(stage.io);
    listener_pause(stage.listener, true);
    listener_pause(stage.listener, false);
    listener_close(stage.listener);
    stage.listener = NULL;
    diag_set_level(DIAG_INFO);
    diag_set_sink(NULL, NULL);
    assert_in_range(world.accept_count, 0, 2);
}

static void test_a_connection_that_broke_in_the_queue_is_passed_over(void **state)
{
    (void)state;
    listen_on("127.0.0.1");
    world.accept_errno = ECONNABORTED;
    world.accept_failures = 5;
    connect_to("127.0.0.1");
    assert_int_equal(stage.accepts, 1);
}

#define STAGE_TEST(f) cmocka_unit_test_setup_teardown(f, open_stage, close_stage)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGE_TEST(test_what_came_is_not_later_than_the_clock),
        STAGE_TEST(test_bytes_go_both_ways),
        STAGE_TEST(test_both_sides_know_the_others_address),
        STAGE_TEST(test_an_address_that_is_told_counts),
        STAGE_TEST(test_every_address_means_both_families),
        STAGE_TEST(test_every_address_works_without_v6_too),
        STAGE_TEST(test_a_half_closed_stream_ends_after_its_bytes),
        STAGE_TEST(test_writing_to_a_peer_who_is_gone_is_closed),
        STAGE_TEST(test_a_refused_connection_says_so_at_the_first_read),
        STAGE_TEST(test_names_are_not_addresses),
        STAGE_TEST(test_an_event_comes_again_while_its_cause_lasts),
        STAGE_TEST(test_nothing_is_told_while_nothing_is_watched),
        STAGE_TEST(test_a_socket_may_be_closed_in_its_own_callback),
        STAGE_TEST(test_a_long_stream_arrives_whole),
        STAGE_TEST(test_a_full_socket_says_again),
        STAGE_TEST(test_a_port_in_use_is_busy),
        STAGE_TEST(test_an_address_of_another_machine_is_invalid),
        STAGE_TEST(test_a_crowd_is_accepted_over_several_turns),
        STAGE_TEST(test_a_paused_listener_leaves_connections_waiting),
        STAGE_TEST(test_a_listener_may_be_closed_in_its_own_callback),
        STAGE_TEST(test_accepting_rests_when_no_descriptor_is_left),
        STAGE_TEST(test_a_resting_listener_can_be_paused_and_closed),
        STAGE_TEST(test_a_connection_that_broke_in_the_queue_is_passed_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
