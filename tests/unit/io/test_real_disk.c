/* The real disk on a directory of its own under /tmp. The system calls that a healthy machine will
 * not make fail are replaced here by ones that do as told. */
#undef _FORTIFY_SOURCE /* its inline wrappers stand in the way of our own pread */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "io/disk.h"
#include "io/real.h"
#include "tests/lib/test.h"

/* What the replaced calls do: nothing special, unless a test says so. */
static struct {
    int interrupts;      /* so many calls fail with EINTR first */
    size_t longest;      /* no transfer is longer than this; 0: no limit */
    int fallocate_errno; /* fallocate() fails with this */
    int sync_errno;
    int sync_count;
    int send_errno;    /* sync_file_range() fails with this */
    uint64_t send_end; /* and was last asked to send up to here */
} world;

static bool is_interrupted(void)
{
    if (world.interrupts == 0)
        return false;
    world.interrupts--;
    errno = EINTR;
    return true;
}

static size_t transfer_size(size_t size)
{
    return world.longest != 0 && world.longest < size ? world.longest : size;
}

ssize_t pread(int fd, void *buf, size_t size, off_t at)
{
    return is_interrupted() ? -1 : syscall(SYS_pread64, fd, buf, transfer_size(size), at);
}

ssize_t pwrite(int fd, const void *buf, size_t size, off_t at)
{
    return is_interrupted() ? -1 : syscall(SYS_pwrite64, fd, buf, transfer_size(size), at);
}

/* Cuts the transfer by passing fewer parts and a shorter last one, as a full disk would. */
ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at)
{
    struct iovec cut[IOV_MAX];
    size_t left = world.longest;
    int used = 0;

    if (is_interrupted())
        return -1;
    assert_in_range(count, 1, IOV_MAX);
    if (world.longest == 0)
        return syscall(SYS_pwritev, fd, parts, count, at, 0);
    for (; used < count && left > 0; used++) {
        cut[used] = parts[used];
        if (cut[used].iov_len > left)
            cut[used].iov_len = left;
        left -= cut[used].iov_len;
    }
    return syscall(SYS_pwritev, fd, cut, used, at, 0);
}

int fallocate(int fd, int mode, off_t at, off_t size)
{
    if (is_interrupted())
        return -1;
    if (world.fallocate_errno != 0) {
        errno = world.fallocate_errno;
        return -1;
    }
    return (int)syscall(SYS_fallocate, fd, mode, at, size);
}

int fdatasync(int fd)
{
    world.sync_count++;
    if (world.sync_errno != 0) {
        errno = world.sync_errno;
        return -1;
    }
    return (int)syscall(SYS_fdatasync, fd);
}

int sync_file_range(int fd, off64_t at, off64_t size, unsigned how)
{
    if (world.send_errno != 0) {
        errno = world.send_errno;
        return -1;
    }
    if (how == SYNC_FILE_RANGE_WRITE)
        world.send_end = (uint64_t)(at + size);
    return (int)syscall(SYS_sync_file_range, fd, at, size, how);
}

/* ---- a directory for each test ---- */

static char home[PATH_MAX];

/* The path of a name in the test's directory; good until the fourth next call. */
static const char *at(const char *name)
{
    static char paths[4][PATH_MAX + 64];
    static int turn;

    turn = (turn + 1) % 4;
    snprintf(paths[turn], sizeof(paths[turn]), "%s/%s", home, name);
    return paths[turn];
}

static int make_home(void **state)
{
    (void)state;
    memset(&world, 0, sizeof(world));
    snprintf(home, sizeof(home), "/tmp/millrace-disk-XXXXXX");
    return mkdtemp(home) != NULL ? 0 : -1;
}

static int remove_home(void **state)
{
    char command[PATH_MAX + 16];

    (void)state;
    snprintf(command, sizeof(command), "rm -rf '%s'", home);
    return system(command);
}

static struct disk_file *must_open(const char *name, unsigned flags)
{
    struct disk_file *f = NULL;

    assert_int_equal(disk_open(real_disk(), at(name), flags, &f), 0);
    return f;
}

static void write_text(struct disk_file *f, const char *text, uint64_t offset)
{
    struct iovec part = {.iov_base = (void *)(uintptr_t)text, .iov_len = strlen(text)};

    assert_int_equal(disk_write(f, &part, 1, offset), 0);
}

static void make_file(const char *name, const char *text)
{
    struct disk_file *f = must_open(name, DISK_WRITE | DISK_CREATE);

    write_text(f, text, 0);
    disk_close(f);
}

static uint64_t size_of(struct disk_file *f)
{
    uint64_t size = 0;

    assert_int_equal(disk_size(f, &size), 0);
    return size;
}

static int open_result(const char *name, unsigned flags)
{
    struct disk_file *f = NULL;
    int rv = disk_open(real_disk(), at(name), flags, &f);

    disk_close(f);
    return rv;
}

/* ---- opening ---- */

static void test_a_missing_file_is_not_found_unless_created(void **state)
{
    (void)state;
    assert_int_equal(open_result("a", DISK_READ), ERR_NOT_FOUND);
    assert_int_equal(open_result("a", DISK_READ | DISK_WRITE | DISK_CREATE), 0);
    assert_int_equal(open_result("a", DISK_READ), 0);
    assert_int_equal(open_result("a", DISK_WRITE | DISK_CREATE), 0);
    assert_int_equal(open_result("a", DISK_WRITE | DISK_CREATE | DISK_EXCLUSIVE), ERR_EXISTS);
    assert_int_equal(open_result("none/a", DISK_WRITE | DISK_CREATE), ERR_NOT_FOUND);
}

static void test_a_failed_open_leaves_its_result_alone(void **state)
{
    struct disk_file *f = (struct disk_file *)state;

    assert_int_equal(disk_open(real_disk(), at("a"), DISK_READ, &f), ERR_NOT_FOUND);
    assert_ptr_equal(f, state);
}

static void test_what_is_no_plain_file_is_invalid_and_never_waits(void **state)
{
    const unsigned ways[] = {DISK_READ, DISK_WRITE, DISK_READ | DISK_WRITE,
                             DISK_READ | DISK_WRITE | DISK_CREATE};

    (void)state;
    make_file("plain", "x");
    assert_int_equal(mkdir(at("dir"), 0700), 0);
    assert_int_equal(mkfifo(at("fifo"), 0600), 0);
    assert_int_equal(symlink("plain", at("link")), 0);
    assert_int_equal(symlink("nowhere", at("dangling")), 0);
    for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
        assert_int_equal(open_result("dir", ways[i]), ERR_INVALID);
        assert_int_equal(open_result("fifo", ways[i]), ERR_INVALID);
        assert_int_equal(open_result("link", ways[i]), ERR_INVALID);
        assert_int_equal(open_result("dangling", ways[i]), ERR_INVALID);
        assert_int_equal(open_result("plain/below", ways[i]), ERR_INVALID);
    }
    assert_int_equal(access(at("nowhere"), F_OK), -1);
}

static void test_a_linked_directory_is_followed(void **state)
{
    char *path = NULL;

    (void)state;
    assert_int_equal(disk_make_dir(real_disk(), at("data")), 0);
    assert_int_equal(symlink("data", at("linked")), 0);
    make_file("linked/a", "through the link");
    assert_int_equal(open_result("data/a", DISK_READ), 0);
    assert_int_equal(disk_sync_dir(real_disk(), at("linked")), 0);

    assert_int_equal(real_path(at("linked/a"), &path), 0);
    assert_string_equal(path, at("data/a"));
    mem_free(path);
    assert_int_equal(real_path(at("linked/b"), &path), ERR_NOT_FOUND);
}

static void test_files_and_directories_are_private(void **state)
{
    struct stat st;
    mode_t old = umask(0);

    (void)state;
    make_file("a", "x");
    assert_int_equal(disk_make_dir(real_disk(), at("d")), 0);
    umask(old);
    assert_int_equal(stat(at("a"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(stat(at("d"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    assert_int_equal(disk_make_dir(real_disk(), at("d")), ERR_EXISTS);
    assert_int_equal(disk_make_dir(real_disk(), at("no/d")), ERR_NOT_FOUND);
}

static void test_no_descriptor_left_is_no_files(void **state)
{
    struct rlimit old, none;

    (void)state;
    make_file("a", "x");
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    none = old;
    none.rlim_cur = 0;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    int rv = open_result("a", DISK_READ);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
    assert_int_equal(rv, ERR_NO_FILES);
}

static void test_a_forbidden_directory_is_denied(void **state)
{
    (void)state;
    assert_int_equal(mkdir(at("d"), 0700), 0);
    make_file("d/a", "x");
    assert_int_equal(chmod(at("d"), 0), 0);
    if (geteuid() == 0)
        assert_int_equal(seteuid(65534), 0); /* root may everything */
    int opened = open_result("d/a", DISK_READ);
    int made = disk_make_dir(real_disk(), at("d/e"));
    if (getuid() == 0)
        assert_int_equal(seteuid(0), 0);
    assert_int_equal(chmod(at("d"), 0700), 0);
    assert_int_equal(opened, ERR_DENIED);
    assert_int_equal(made, ERR_DENIED);
}

/* ---- reading and writing ---- */

static void test_parts_are_written_one_behind_the_other(void **state)
{
    struct iovec parts[4] = {{(void *)(uintptr_t) "ab", 2},
                             {NULL, 0},
                             {(void *)(uintptr_t) "cde", 3},
                             {(void *)(uintptr_t) "f", 1}};
    char buf[16] = {0};
    size_t done = 0;
    struct disk_file *f = must_open("a", DISK_READ | DISK_WRITE | DISK_CREATE);

    (void)state;
    assert_int_equal(disk_write(f, parts, 4, 3), 0);
    assert_int_equal(size_of(f), 9);
    assert_int_equal(disk_read(f, buf, sizeof(buf), 0, &done), 0);
    assert_int_equal(done, 9);
    assert_memory_equal(buf, "\0\0\0abcdef", 9);
    assert_int_equal(disk_read(f, buf, sizeof(buf), 9, &done), 0);
    assert_int_equal(done, 0);
    assert_int_equal(disk_read(f, buf, sizeof(buf), 1000, &done), 0);
    assert_int_equal(done, 0);
    assert_int_equal(disk_read_all(f, buf, 6, 3), 0);
    assert_int_equal(disk_read_all(f, buf, 7, 3), ERR_CORRUPT);
    disk_close(f);
}

/* Parts of sizes 0 to 6, more of them than the system takes at once. */
static void check_many_parts(void)
{
    enum { COUNT = IOV_MAX * 2 + 100 };
    static uint8_t bytes[COUNT * 7], back[COUNT * 7];
    static struct iovec parts[COUNT];
    size_t size = 0;
    struct disk_file *f = must_open("many", DISK_READ | DISK_WRITE | DISK_CREATE);

    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(i * 31 + i / 256);
    for (size_t i = 0; i < COUNT; i++) {
        parts[i] = (struct iovec){.iov_base = bytes + size, .iov_len = i % 7};
        size += i % 7;
    }
    assert_int_equal(disk_write(f, parts, COUNT, 1), 0);
    assert_int_equal(size_of(f), size + 1);
    assert_int_equal(disk_read_all(f, back, size, 1), 0);
    assert_memory_equal(bytes, back, size);
    disk_close(f);
}

static void test_many_parts_go_in_as_many_calls_as_needed(void **state)
{
    (void)state;
    check_many_parts();
}

static void test_short_and_interrupted_transfers_go_on(void **state)
{
    (void)state;
    for (size_t longest = 1; longest < 40; longest += 3) {
        world.longest = longest;
        world.interrupts = 3;
        check_many_parts();
        assert_int_equal(world.interrupts, 0);
        assert_int_equal(disk_remove(real_disk(), at("many")), 0);
    }
}

static void test_a_file_size_limit_is_no_space(void **state)
{
    struct rlimit old, small;
    struct disk_file *f = must_open("a", DISK_READ | DISK_WRITE | DISK_CREATE);
    struct iovec part = {.iov_base = home, .iov_len = 100};

    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = old;
    small.rlim_cur = 60;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    int rv = disk_write(f, &part, 1, 0);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_int_equal(rv, ERR_NO_SPACE);
    disk_close(f);
}

static void test_writing_a_file_opened_for_reading_is_an_error(void **state)
{
    struct iovec part = {.iov_base = home, .iov_len = 1};

    (void)state;
    make_file("a", "x");
    struct disk_file *f = must_open("a", DISK_READ);
    assert_int_equal(disk_write(f, &part, 1, 0), ERR_IO);
    disk_close(f);
}

static void test_what_is_sent_ahead_promises_nothing_and_tells_of_failures(void **state)
{
    struct disk_file *f = must_open("a", DISK_WRITE | DISK_CREATE);

    (void)state;
    write_text(f, "ab", 0);
    assert_int_equal(disk_write_back(f, 0, 1), 0);
    assert_int_equal(world.send_end, 1);
    assert_int_equal(disk_write_back(f, 1, 1), 0);
    assert_int_equal(world.send_end, 2);
    assert_int_equal(world.sync_count, 0);
    world.send_errno = EIO;
    assert_int_equal(disk_write_back(f, 0, 2), ERR_IO);
    world.send_errno = ENOSPC;
    assert_int_equal(disk_write_back(f, 0, 2), ERR_NO_SPACE);
    world.send_errno = ENOSYS; /* a file system that cannot */
    assert_int_equal(disk_write_back(f, 0, 2), 0);
    disk_close(f);
}

static void test_a_failed_sync_is_reported_once_and_not_retried(void **state)
{
    struct disk_file *f = must_open("a", DISK_WRITE | DISK_CREATE);

    (void)state;
    write_text(f, "x", 0);
    assert_int_equal(disk_sync(f), 0);
    assert_int_equal(world.sync_count, 1);
    world.sync_errno = EIO;
    assert_int_equal(disk_sync(f), ERR_IO);
    assert_int_equal(world.sync_count, 2);
    world.sync_errno = ENOSPC;
    assert_int_equal(disk_sync(f), ERR_NO_SPACE);
    world.sync_errno = EINTR;
    assert_int_equal(disk_sync(f), ERR_IO);
    assert_int_equal(world.sync_count, 4);
    disk_close(f);
}

/* ---- reserving room ---- */

static void check_allocate(void)
{
    enum { SIZE = 200 * 1000 };
    static uint8_t buf[SIZE], zeros[SIZE];
    struct disk_file *f = must_open("a", DISK_READ | DISK_WRITE | DISK_CREATE | DISK_EXCLUSIVE);

    write_text(f, "kept", 0);
    assert_int_equal(disk_allocate(f, SIZE), 0);
    assert_int_equal(size_of(f), SIZE);
    assert_int_equal(disk_read_all(f, buf, SIZE, 0), 0);
    assert_memory_equal(buf, "kept", 4);
    assert_memory_equal(buf + 4, zeros, SIZE - 4);
    assert_int_equal(disk_allocate(f, 10), 0);
    assert_int_equal(size_of(f), SIZE);
    disk_close(f);
}

static void test_reserved_room_reads_as_zeros_and_never_shrinks(void **state)
{
    struct stat st;

    (void)state;
    world.interrupts = 2;
    check_allocate();
    assert_int_equal(stat(at("a"), &st), 0);
    assert_true(st.st_blocks * 512 >= 200 * 1000);
}

static void test_room_is_reserved_by_writing_where_the_system_cannot(void **state)
{
    (void)state;
    world.fallocate_errno = EOPNOTSUPP;
    check_allocate();
}

static void test_room_that_is_not_there_is_no_space_and_given_back(void **state)
{
    struct rlimit old, small;
    struct disk_file *f = must_open("a", DISK_READ | DISK_WRITE | DISK_CREATE);

    (void)state;
    world.fallocate_errno = ENOSPC;
    assert_int_equal(disk_allocate(f, 1000), ERR_NO_SPACE);

    world.fallocate_errno = EOPNOTSUPP;
    signal(SIGXFSZ, SIG_IGN);
    write_text(f, "kept", 0);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = old;
    small.rlim_cur = 100 * 1000;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    int rv = disk_allocate(f, 200 * 1000);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_int_equal(rv, ERR_NO_SPACE);
    assert_int_equal(size_of(f), 4);
    disk_close(f);
}

/* ---- names ---- */

static void test_rename_replaces_and_open_files_stay_readable(void **state)
{
    char buf[4] = {0};

    (void)state;
    make_file("a", "new");
    make_file("b", "old");
    struct disk_file *f = must_open("b", DISK_READ);
    assert_int_equal(disk_rename(real_disk(), at("a"), at("b")), 0);
    assert_int_equal(disk_read_all(f, buf, 3, 0), 0);
    assert_string_equal(buf, "old");
    disk_close(f);

    f = must_open("b", DISK_READ);
    assert_int_equal(disk_remove(real_disk(), at("b")), 0);
    assert_int_equal(disk_read_all(f, buf, 3, 0), 0);
    assert_string_equal(buf, "new");
    disk_close(f);

    assert_int_equal(disk_rename(real_disk(), at("a"), at("c")), ERR_NOT_FOUND);
    assert_int_equal(disk_remove(real_disk(), at("b")), ERR_NOT_FOUND);
    assert_int_equal(mkdir(at("d"), 0700), 0);
    assert_int_equal(disk_remove(real_disk(), at("d")), ERR_INVALID);
}

struct names {
    int files;
    int dirs;
};

static void count_name(void *owner, const char *name, bool is_dir)
{
    struct names *n = owner;

    assert_null(strchr(name, '/'));
    assert_true(strcmp(name, ".") != 0 && strcmp(name, "..") != 0);
    assert_true(is_dir == (name[0] == 'd'));
    n->files += !is_dir;
    n->dirs += is_dir;
}

static void test_a_list_gives_every_name_once(void **state)
{
    struct names n = {0};

    (void)state;
    make_file("a", "");
    make_file(".hidden", "");
    assert_int_equal(symlink("directory", at("link")), 0);
    assert_int_equal(mkdir(at("directory"), 0700), 0);
    assert_int_equal(disk_list(real_disk(), home, count_name, &n), 0);
    assert_int_equal(n.files, 3);
    assert_int_equal(n.dirs, 1);
    assert_int_equal(disk_list(real_disk(), at("none"), count_name, &n), ERR_NOT_FOUND);
    assert_int_equal(disk_list(real_disk(), at("a"), count_name, &n), ERR_INVALID);
    assert_int_equal(disk_sync_dir(real_disk(), at("none")), ERR_NOT_FOUND);
    assert_int_equal(disk_sync_dir(real_disk(), at("a")), ERR_INVALID);
}

static void test_space_is_that_of_the_file_system(void **state)
{
    uint64_t free_bytes = 0, total_bytes = 0;

    (void)state;
    assert_int_equal(disk_space(real_disk(), home, &free_bytes, &total_bytes), 0);
    assert_true(total_bytes > 0 && free_bytes <= total_bytes);
    assert_int_equal(disk_space(real_disk(), at("none"), &free_bytes, &total_bytes), ERR_NOT_FOUND);
}

/* ---- the lock ---- */

static void test_a_lock_has_one_holder_who_is_named_in_it(void **state)
{
    struct disk_lock *mine = NULL, *other = NULL;
    char text[32] = {0}, expected[32];
    size_t done = 0;

    (void)state;
    make_file("lock", "1234567890123 stale\n");
    assert_int_equal(disk_lock(real_disk(), at("lock"), &mine), 0);
    assert_int_equal(disk_lock(real_disk(), at("lock"), &other), ERR_BUSY);
    assert_null(other);

    struct disk_file *f = must_open("lock", DISK_READ);
    assert_int_equal(disk_read(f, text, sizeof(text) - 1, 0, &done), 0);
    disk_close(f);
    snprintf(expected, sizeof(expected), "%ld\n", (long)getpid());
    assert_string_equal(text, expected);

    disk_unlock(mine);
    assert_int_equal(disk_lock(real_disk(), at("lock"), &other), 0);
    disk_unlock(other);
    assert_int_equal(disk_lock(real_disk(), home, &other), ERR_INVALID);
}

static void test_a_lock_falls_with_its_process(void **state)
{
    struct disk_lock *l = NULL;
    int status = 0;
    pid_t child = fork();

    (void)state;
    if (child == 0)
        _exit(disk_lock(real_disk(), at("lock"), &l) == 0 ? 7 : 1);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(WEXITSTATUS(status), 7);
    assert_int_equal(disk_lock(real_disk(), at("lock"), &l), 0);

    child = fork();
    if (child == 0)
        _exit(disk_lock(real_disk(), at("lock"), &l) == ERR_BUSY ? 7 : 1);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(WEXITSTATUS(status), 7);
    disk_unlock(l);
}

#define HOME_TEST(f) cmocka_unit_test_setup_teardown(f, make_home, remove_home)

int main(void)
{
    const struct CMUnitTest tests[] = {
        HOME_TEST(test_a_missing_file_is_not_found_unless_created),
        HOME_TEST(test_a_failed_open_leaves_its_result_alone),
        HOME_TEST(test_what_is_no_plain_file_is_invalid_and_never_waits),
        HOME_TEST(test_a_linked_directory_is_followed),
        HOME_TEST(test_files_and_directories_are_private),
        HOME_TEST(test_no_descriptor_left_is_no_files),
        HOME_TEST(test_a_forbidden_directory_is_denied),
        HOME_TEST(test_parts_are_written_one_behind_the_other),
        HOME_TEST(test_many_parts_go_in_as_many_calls_as_needed),
        HOME_TEST(test_short_and_interrupted_transfers_go_on),
        HOME_TEST(test_a_file_size_limit_is_no_space),
        HOME_TEST(test_writing_a_file_opened_for_reading_is_an_error),
        HOME_TEST(test_what_is_sent_ahead_promises_nothing_and_tells_of_failures),
        HOME_TEST(test_a_failed_sync_is_reported_once_and_not_retried),
        HOME_TEST(test_reserved_room_reads_as_zeros_and_never_shrinks),
        HOME_TEST(test_room_is_reserved_by_writing_where_the_system_cannot),
        HOME_TEST(test_room_that_is_not_there_is_no_space_and_given_back),
        HOME_TEST(test_rename_replaces_and_open_files_stay_readable),
        HOME_TEST(test_a_list_gives_every_name_once),
        HOME_TEST(test_space_is_that_of_the_file_system),
        HOME_TEST(test_a_lock_has_one_holder_who_is_named_in_it),
        HOME_TEST(test_a_lock_falls_with_its_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
