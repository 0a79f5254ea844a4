/* Tests of base/diag_writer: what reaches the console and the file, and that nobody waits for it.
 * */
#include "base/diag_writer.h"

#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/diag.h"
#include "tests/lib/test.h"

static char folder[] = "/tmp/millrace-diag-XXXXXX";
static char text[65536];
static int64_t now = 1767323045678; /* 2026-01-02 03:04:05.678 */

static int64_t fixed_clock(void *owner)
{
    return *(int64_t *)owner;
}

static const char *path_of(const char *name)
{
    static char path[256];

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

static int setup(void **state)
{
    (void)state;
    memcpy(folder + strlen(folder) - 6, "XXXXXX", 6);
    assert_non_null(mkdtemp(folder));
    diag_set_clock(fixed_clock, &now);
    return 0;
}

static int teardown(void **state)
{
    static const char *const names[] = {"a", "a.0", "a.1", "a.2", "moved", "console"};

    (void)state;
    diag_stop();
    diag_set_level(DIAG_INFO);
    diag_set_clock(NULL, NULL);
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        (void)unlink(path_of(names[i]));
    assert_int_equal(rmdir(folder), 0);
    return 0;
}

static const char *read_file(const char *name)
{
    FILE *f = fopen(path_of(name), "r");
    size_t size = 0;

    if (f == NULL)
        return NULL;
    size = fread(text, 1, sizeof(text) - 1, f);
    text[size] = '\0';
    fclose(f);
    return text;
}

static struct diag_options options_of(const char *path)
{
    return (struct diag_options){
        .levels = {DIAG_DEBUG, DIAG_DEBUG, DIAG_DEBUG, DIAG_DEBUG},
        .console = {.level = DIAG_OFF},
        .file = {.level = DIAG_INFO},
        .path = path,
    };
}

/* Standard error is a file or a pipe meanwhile. */
static int kept;

static void borrow_console(int fd)
{
    kept = dup(STDERR_FILENO);
    assert_int_not_equal(kept, -1);
    assert_int_not_equal(dup2(fd, STDERR_FILENO), -1);
    close(fd);
}

static void give_console_back(void)
{
    assert_int_not_equal(dup2(kept, STDERR_FILENO), -1);
    close(kept);
}

static void test_a_line_goes_where_it_is_loud_enough_in_the_form_of_that_place(void **state)
{
    struct diag_options o = options_of(path_of("a"));

    (void)state;
    o.console = (struct diag_sink){.level = DIAG_WARNING};
    o.file.is_json = true;
    borrow_console(open(path_of("console"), O_WRONLY | O_CREAT, 0600));
    o.path = path_of("a");
    diag_set(&o);
    assert_int_equal(diag_start(), 0);
    diag(DIAG_DEBUG, "log", "%s", "for nobody");
    diag(DIAG_INFO, "log", "%s", "\"quoted\" \\ \n \x01 \xff name='\xc3\xbc'");
    diag(DIAG_WARNING, "queue", "%s", "for both");
    diag_stop();
    give_console_back();
    assert_string_equal(read_file("console"),
                        "2026-01-02 03:04:05.678Z warning [queue] for both\n");
    assert_string_equal(
        read_file("a"),
        "{\"time\":\"2026-01-02 03:04:05.678Z\",\"level\":\"info\",\"domain\":\"log\","
        "\"msg\":\"\\\"quoted\\\" \\\\ \\n \\u0001 \\\\xff name='\xc3\xbc'\"}\n"
        "{\"time\":\"2026-01-02 03:04:05.678Z\",\"level\":\"warning\",\"domain\":\"queue\","
        "\"msg\":\"for both\"}\n");
}

static void test_a_file_is_rotated_by_its_size(void **state)
{
    struct diag_options o = options_of(path_of("a"));

    (void)state;
    o.rotation_bytes = 100; /* two lines of 41 bytes */
    o.rotation_count = 2;
    diag_set(&o);
    assert_int_equal(diag_start(), 0);
    for (int i = 0; i < 8; i++)
        diag(DIAG_INFO, "a", "line %d", i);
    diag_stop();
    assert_string_equal(read_file("a"), "2026-01-02 03:04:05.678Z info    [a] line 6\n"
                                        "2026-01-02 03:04:05.678Z info    [a] line 7\n");
    assert_string_equal(read_file("a.0"), "2026-01-02 03:04:05.678Z info    [a] line 4\n"
                                          "2026-01-02 03:04:05.678Z info    [a] line 5\n");
    assert_non_null(strstr(read_file("a.1"), "line 3"));
    assert_null(read_file("a.2"));
}

static void test_a_file_of_yesterday_is_rotated(void **state)
{
    struct diag_options o = options_of(path_of("a"));
    FILE *f = fopen(path_of("a"), "w");
    const struct timespec long_ago[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};

    (void)state;
    assert_non_null(f);
    fputs("old\n", f);
    fclose(f);
    assert_int_equal(utimensat(AT_FDCWD, path_of("a"), long_ago, 0), 0);
    o.rotation_period = DIAG_DAILY;
    o.rotation_count = 1;
    diag_set(&o);
    assert_int_equal(diag_start(), 0);
    diag(DIAG_INFO, "a", "%s", "new");
    diag_stop();
    assert_string_equal(read_file("a.0"), "old\n");
    assert_string_equal(read_file("a"), "2026-01-02 03:04:05.678Z info    [a] new\n");
}

static void wait_for(const char *name)
{
    while (read_file(name) == NULL || text[0] == '\0')
        sched_yield();
}

static void test_a_file_that_was_moved_is_opened_anew(void **state)
{
    struct diag_options o = options_of(path_of("a"));
    char moved[256];

    (void)state;
    diag_set(&o);
    assert_int_equal(diag_start(), 0);
    diag(DIAG_INFO, "a", "%s", "first");
    wait_for("a");
    snprintf(moved, sizeof(moved), "%s/moved", folder);
    assert_int_equal(rename(path_of("a"), moved), 0);
    diag_reopen();
    diag(DIAG_INFO, "a", "%s", "second");
    diag_stop();
    assert_non_null(strstr(read_file("moved"), "first"));
    assert_non_null(strstr(read_file("a"), "second"));
    assert_null(strstr(text, "first"));
}

static void test_a_file_that_cannot_be_is_said_once(void **state)
{
    struct diag_options o = options_of("/proc/none/a");

    (void)state;
    borrow_console(open(path_of("console"), O_WRONLY | O_CREAT, 0600));
    diag_set(&o);
    assert_int_equal(diag_start(), 0);
    for (int i = 0; i < 10; i++)
        diag(DIAG_INFO, "a", "%s", "lost");
    diag_stop();
    give_console_back();
    assert_string_equal(read_file("console"), "millrace: cannot open the file of diagnostics "
                                              "'/proc/none/a': No such file or directory\n");
}

static void test_nobody_waits_for_a_reader_who_does_not_read(void **state)
{
    struct diag_options o = options_of(NULL);
    int pipe_ends[2];
    bool is_said = false;

    (void)state;
    assert_int_equal(pipe(pipe_ends), 0);
    borrow_console(pipe_ends[1]);
    o.console = (struct diag_sink){.level = DIAG_INFO};
    diag_set(&o);
    if (diag_start() == 0) {
        for (int i = 0; i < 20000; i++)
            diag(DIAG_INFO, "a", "line %d %060d", i, 0); /* far more than pipe and buffers hold */
        while (!is_said) { /* once somebody reads, what was lost is counted */
            ssize_t n = read(pipe_ends[0], text, sizeof(text) - 1);
            text[n > 0 ? n : 0] = '\0';
            is_said = strstr(text, " lines were lost: ") != NULL;
            diag(DIAG_INFO, "a", "%s", "one more");
        }
    }
    diag_stop();
    give_console_back();
    close(pipe_ends[0]);
    assert_true(is_said);
}

static void test_the_end_waits_no_longer_than_a_second(void **state)
{
    struct diag_options o = options_of(NULL);
    int pipe_ends[2];

    (void)state;
    assert_int_equal(pipe(pipe_ends), 0);
    borrow_console(pipe_ends[1]);
    o.console = (struct diag_sink){.level = DIAG_INFO};
    diag_set(&o);
    if (diag_start() == 0)
        for (int i = 0; i < 20000; i++)
            diag(DIAG_INFO, "a", "line %d %060d", i, 0);
    diag_stop(); /* although nobody reads */
    give_console_back();
    diag_set_level(DIAG_OFF);
    while (read(pipe_ends[0], text, sizeof(text)) > 0) /* until the thread lets go of its end */
        continue;
    close(pipe_ends[0]);
}

#define WRITER_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WRITER_TEST(test_a_line_goes_where_it_is_loud_enough_in_the_form_of_that_place),
        WRITER_TEST(test_a_file_is_rotated_by_its_size),
        WRITER_TEST(test_a_file_of_yesterday_is_rotated),
        WRITER_TEST(test_a_file_that_was_moved_is_opened_anew),
        WRITER_TEST(test_a_file_that_cannot_be_is_said_once),
        WRITER_TEST(test_nobody_waits_for_a_reader_who_does_not_read),
        WRITER_TEST(test_the_end_waits_no_longer_than_a_second),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
