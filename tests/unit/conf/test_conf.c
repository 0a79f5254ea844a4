/* Configurations read into options structs: the layers, the sentences, loading again. */
#include "conf/conf.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "tests/lib/leaks.h"
#include "tests/lib/test.h"

/* Two rooms with a setting of every kind. */

struct door_options {
    struct setting_endpoint endpoint;
    int64_t count;
    bool is_open;
};

struct store_options {
    char *folder;
    uint64_t size;
    uint64_t interval_ms;
    int level;
};

static const char *const levels[] = {"debug", "info", "none", NULL};

static const struct setting door_settings[] = {
    {
        .name = "listeners.tcp.default",
        .kind = SETTING_ENDPOINT,
        .offset = offsetof(struct door_options, endpoint),
        .fallback = "5672",
        .help = "Where clients come in.",
    },
    {
        .name = "door.count",
        .kind = SETTING_INT,
        .offset = offsetof(struct door_options, count),
        .fallback = "3",
        .min = 1,
        .max = 9,
        .is_reloadable = true,
        .help =
            "How many there are. This help is long enough that it does not fit into one line of "
            "the sample and must go on in the next one.",
    },
    {
        .name = "door.open",
        .kind = SETTING_BOOL,
        .offset = offsetof(struct door_options, is_open),
        .fallback = "true",
        .is_reloadable = true,
        .help = "Whether they are open.",
    },
    {0},
};

static const struct setting store_settings[] = {
    {
        .name = "store.folder",
        .kind = SETTING_TEXT,
        .offset = offsetof(struct store_options, folder),
        .fallback = "./data",
        .is_reloadable = true,
        .help = "Where everything lies.",
    },
    {
        .name = "store.size",
        .kind = SETTING_SIZE,
        .offset = offsetof(struct store_options, size),
        .fallback = "64MiB",
        .min = 4096,
        .max = 1 << 30,
        .help = "How much.",
    },
    {
        .name = "store.interval",
        .kind = SETTING_DURATION,
        .offset = offsetof(struct store_options, interval_ms),
        .fallback = "10s",
        .help = "How often.",
    },
    {
        .name = "store.level",
        .kind = SETTING_CHOICE,
        .offset = offsetof(struct store_options, level),
        .fallback = "info",
        .choices = levels,
        .is_reloadable = true,
        .help = "How loud.",
    },
    {0},
};

static struct door_options door;
static struct store_options store;
static char said[8192];

static void hear(void *owner, enum diag_level level, const char *sentence)
{
    static const char *const marks[] = {"?", "changed ", "warning ", "error "};
    size_t used = strlen(said);

    assert_ptr_equal(owner, said);
    assert_in_range(level, DIAG_INFO, DIAG_ERROR);
    snprintf(said + used, sizeof(said) - used, "%s%s\n", marks[level], sentence);
}

static struct conf *new_conf(void)
{
    struct conf *c = conf_new(hear, said);

    said[0] = '\0';
    memset(&door, 0, sizeof(door));
    memset(&store, 0, sizeof(store));
    conf_add(c, door_settings, &door, sizeof(door));
    conf_add(c, store_settings, &store, sizeof(store));
    return c;
}

static int load(struct conf *c, const char *text)
{
    struct conf_text file = {.name = "x.conf", .text = bytes_text(text)};
    struct conf_source source = {.texts = &file, .text_count = 1};

    return conf_load(c, &source);
}

static int reload(struct conf *c, const char *text)
{
    struct conf_text file = {.name = "x.conf", .text = bytes_text(text)};
    struct conf_source source = {.texts = &file, .text_count = 1};

    said[0] = '\0';
    return conf_reload(c, &source);
}

/* ---- loading ---- */

static void test_without_a_file_everything_has_its_default(void **state)
{
    struct conf *c = new_conf();
    struct conf_source nothing = {0};

    (void)state;
    assert_int_equal(conf_load(c, &nothing), 0);
    assert_string_equal(door.endpoint.host, "");
    assert_int_equal(door.endpoint.port, 5672);
    assert_int_equal(door.count, 3);
    assert_true(door.is_open);
    assert_string_equal(store.folder, "./data");
    assert_int_equal(store.size, 64 << 20);
    assert_int_equal(store.interval_ms, 10000);
    assert_int_equal(store.level, 1);
    assert_string_equal(said, "");
    assert_int_equal(conf_error_count(c), 0);
    conf_free(c);
    assert_null(store.folder);
}

static void test_a_file_fills_the_options_of_all_rooms(void **state)
{
    struct conf *c = new_conf();

    (void)state;
    assert_int_equal(load(c, "store.folder = '/var/lib/a b'\n"
                             "listeners.tcp.default = [::1]:5673\n"
                             "door.open = off\n"
                             "store.size = 4096\n"
                             "store.interval = 250ms\n"
                             "store.level = none\n"
                             "door.count = 9\n"),
                     0);
    assert_string_equal(store.folder, "/var/lib/a b");
    assert_string_equal(door.endpoint.host, "::1");
    assert_int_equal(door.endpoint.port, 5673);
    assert_false(door.is_open);
    assert_int_equal(store.size, 4096);
    assert_int_equal(store.interval_ms, 250);
    assert_int_equal(store.level, 2);
    assert_int_equal(door.count, 9);
    assert_string_equal(said, "");
    conf_free(c);
}

static void test_the_last_of_equal_keys_wins(void **state)
{
    struct conf *c = new_conf();

    (void)state;
    assert_int_equal(
        load(c, "door.count = 4\nstore.folder = a\ndoor.count = 5\nstore.folder = b\n"), 0);
    assert_int_equal(door.count, 5);
    assert_string_equal(store.folder, "b");
    conf_free(c);
}

static void test_a_set_wins_over_the_file(void **state)
{
    static const char *const sets[] = {"door.count=6", "store.folder=c # d", "door.count=7"};
    struct conf *c = new_conf();
    struct conf_text file = {.name = "x.conf",
                             .text = bytes_text("door.count = 4\nstore.level = debug\n")};
    struct conf_source source = {.texts = &file, .text_count = 1, .sets = sets, .set_count = 3};

    (void)state;
    assert_int_equal(conf_load(c, &source), 0);
    assert_int_equal(door.count, 7);
    assert_string_equal(store.folder, "c # d");
    assert_int_equal(store.level, 0);
    conf_free(c);
}

static void test_loading_twice_starts_from_the_defaults_again(void **state)
{
    struct conf *c = new_conf();

    (void)state;
    assert_int_equal(load(c, "door.count = 4\nstore.folder = a\n"), 0);
    assert_int_equal(load(c, "store.level = debug\n"), 0);
    assert_int_equal(door.count, 3);
    assert_string_equal(store.folder, "./data");
    conf_free(c);
}

static void test_variables_win_over_files_and_a_set_over_variables(void **state)
{
    static const char *const sets[] = {"door.count=7"};
    static const struct conf_variable variables[] = {
        {"COUNT", "door.count", "6"}, {"FOLDER", "store.folder", "from the environment"}};
    const struct conf_text files[] = {
        {"a.conf", bytes_text("door.count = 4\nstore.folder = a\nstore.level = debug\n")},
        {"b.conf", bytes_text("store.level = none\n")}};
    struct conf *c = new_conf();
    struct conf_source source = {.texts = files,
                                 .text_count = 2,
                                 .variables = variables,
                                 .variable_count = 2,
                                 .sets = sets,
                                 .set_count = 1};

    (void)state;
    assert_int_equal(conf_load(c, &source), 0);
    assert_int_equal(door.count, 7);
    assert_string_equal(store.folder, "from the environment");
    assert_int_equal(store.level, 2);
    conf_free(c);
}

/* ---- what is wrong ---- */

static void test_a_bad_variable_is_named(void **state)
{
    static const struct conf_variable variables[] = {{"COUNT", "door.count", "x"},
                                                     {"FOLDER", "store.folder", "\xff"}};
    struct conf *c = new_conf();
    struct conf_source source = {.variables = variables, .variable_count = 2};

    (void)state;
    assert_int_equal(conf_load(c, &source), ERR_INVALID);
    assert_string_equal(said, "error COUNT: setting 'door.count' is 'x', but must be a whole "
                              "number from 1 to 9\n"
                              "error FOLDER: the value is not valid UTF-8\n");
    conf_free(c);
}

static void test_a_bad_file_changes_nothing_and_says_all(void **state)
{
    struct conf *c = new_conf();

    (void)state;
    assert_int_equal(load(c, "door.count = 4\nstore.folder = a\n"), 0);
    assert_int_equal(load(c, "door.count = 5\n"
                             "store.folder = b\n"
                             "\n"
                             "door.count = 10\n"
                             "listeners.tcp.defualt = 1\n"
                             "what is this\n"
                             "store.size = 12XB\n"),
                     ERR_INVALID);
    assert_int_equal(door.count, 4);
    assert_string_equal(store.folder, "a");
    assert_int_equal(conf_error_count(c), 4);
    assert_string_equal(
        said,
        "error x.conf:4: setting 'door.count' is '10', but must be a whole number from 1 to 9\n"
        "error x.conf:5: unknown setting 'listeners.tcp.defualt'; did you mean "
        "'listeners.tcp.default'?\n"
        "error x.conf:6: expected 'key = value', found 'what'\n"
        "error x.conf:7: setting 'store.size' is '12XB', but must be a number of bytes such as "
        "4096, 64KiB or 1GB, from 4KiB to 1GiB\n");
    conf_free(c);
}

static void test_unknown_keys_name_the_nearest_known_one(void **state)
{
    struct conf *c = new_conf();

    (void)state;
    assert_int_equal(load(c, "queue_laeder_locator = x\nDoor.Count = 1\nentirely.different = 1\n"),
                     ERR_INVALID);
    assert_string_equal(said,
                        "error x.conf:1: unknown setting 'queue_laeder_locator'; did you mean "
                        "'queue_leader_locator'?\n"
                        "error x.conf:2: unknown setting 'Door.Count'; did you mean "
                        "'door.count'?\n"
                        "error x.conf:3: unknown setting 'entirely.different'\n");
    conf_free(c);
}

static void test_keys_of_rabbitmq_are_accepted_with_a_warning(void **state)
{
    struct conf *c = new_conf();

    (void)state;
    assert_int_equal(load(c, "password_hashing_module = secret\nnet_ticktime = 60\n"), 0);
    assert_string_equal(
        said, "warning x.conf:1: 'password_hashing_module' is accepted but has no effect in this "
              "version\n"
              "warning x.conf:2: 'net_ticktime' is accepted but has no meaning here\n");
    conf_free(c);
}

static void test_a_bad_set_is_named_without_its_value(void **state)
{
    static const char *const sets[] = {"password_hashing_module=secret",
                                       "password_hashing_modul=secret", "door.open",
                                       "door.count=x"};
    struct conf *c = new_conf();
    struct conf_source source = {.sets = sets, .set_count = 4};

    (void)state;
    assert_int_equal(conf_load(c, &source), ERR_INVALID);
    assert_string_equal(
        said,
        "warning --set password_hashing_module: 'password_hashing_module' is accepted but has no "
        "effect in this "
        "version\n"
        "error --set password_hashing_modul: unknown setting 'password_hashing_modul'; did you "
        "mean 'password_hashing_module'?\n"
        "error --set: expected 'key=value', found 'door.open'\n"
        "error --set door.count: setting 'door.count' is 'x', but must be a whole number from 1 "
        "to 9\n");
    conf_free(c);
}

static void test_no_more_than_ten_errors_are_said(void **state)
{
    struct conf *c = new_conf();
    char *last = NULL;

    (void)state;
    assert_int_equal(load(c, "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n"), ERR_INVALID);
    assert_int_equal(conf_error_count(c), 12);
    last = strstr(said, "x.conf:10:");
    assert_non_null(last);
    assert_null(strstr(said, "x.conf:11:"));
    conf_free(c);
}

static void test_a_file_that_is_no_text_is_one_error(void **state)
{
    struct conf *c = new_conf();
    struct conf_text file = {.name = "x.conf", .text = bytes_of("a\n\0\n\0\n", 6)};
    struct conf_source source = {.texts = &file, .text_count = 1};

    (void)state;
    assert_int_equal(conf_load(c, &source), ERR_INVALID);
    assert_string_equal(said, "error x.conf:2: the line has a zero byte; this is no text file\n");
    said[0] = '\0';
    assert_int_equal(load(c, "\xff\xfe"), ERR_INVALID);
    assert_string_equal(said, "error x.conf: the file is UTF-16; save it as UTF-8\n");
    conf_free(c);
}

/* ---- reloading ---- */

static void test_a_reload_changes_what_can_be_reloaded(void **state)
{
    struct conf *c = new_conf();

    (void)state;
    assert_int_equal(load(c, "door.count = 4\nstore.folder = a\nstore.size = 8KiB\n"), 0);
    assert_int_equal(reload(c, "door.count = 5\nstore.folder = b\nstore.size = 16KiB\n"), 0);
    assert_int_equal(door.count, 5);
    assert_string_equal(store.folder, "b");
    assert_int_equal(store.size, 8192);
    assert_string_equal(
        said, "changed setting 'door.count' changed from '4' to '5'\n"
              "changed setting 'store.folder' changed from 'a' to 'b'\n"
              "warning setting 'store.size' keeps '8KiB' until the next start, which will make it "
              "'16KiB'\n");

    assert_int_equal(reload(c, "store.size = 8KiB\nstore.folder = b\n"), 0);
    assert_int_equal(door.count, 3);
    assert_string_equal(said, "changed setting 'door.count' changed from '5' to '3'\n");
    assert_int_equal(reload(c, "store.size = 8KiB\nstore.folder = b\n"), 0);
    assert_string_equal(said, "");
    conf_free(c);
}

static void test_a_bad_reload_changes_nothing(void **state)
{
    struct conf *c = new_conf();

    (void)state;
    assert_int_equal(load(c, "door.count = 4\n"), 0);
    assert_int_equal(reload(c, "door.count = 5\ndoor.open = maybe\n"), ERR_INVALID);
    assert_int_equal(door.count, 4);
    assert_string_equal(
        said, "error x.conf:2: setting 'door.open' is 'maybe', but must be true or false\n");
    conf_free(c);
}

/* ---- the sample ---- */

static void test_the_sample_shows_every_setting(void **state)
{
    struct conf *c = new_conf();
    char *sample = conf_sample(c);
    const char *body = strstr(sample, "\n\n");

    (void)state;
    assert_non_null(body);
    assert_string_equal(body, "\n\n"
                              "## Where clients come in.\n"
                              "# listeners.tcp.default = 5672\n"
                              "\n"
                              "## How many there are. This help is long enough that it does not "
                              "fit into one line of the\n"
                              "## sample and must go on in the next one.\n"
                              "## From 1 to 9.\n"
                              "## Can be changed while the broker runs: edit, then send SIGHUP.\n"
                              "# door.count = 3\n"
                              "\n"
                              "## Whether they are open.\n"
                              "## Can be changed while the broker runs: edit, then send SIGHUP.\n"
                              "# door.open = true\n"
                              "\n"
                              "## Where everything lies.\n"
                              "## Can be changed while the broker runs: edit, then send SIGHUP.\n"
                              "# store.folder = ./data\n"
                              "\n"
                              "## How much.\n"
                              "## From 4KiB to 1GiB.\n"
                              "# store.size = 64MiB\n"
                              "\n"
                              "## How often.\n"
                              "# store.interval = 10s\n"
                              "\n"
                              "## How loud.\n"
                              "## One of: debug, info, none.\n"
                              "## Can be changed while the broker runs: edit, then send SIGHUP.\n"
                              "# store.level = info\n");
    mem_free(sample);
    conf_free(c);
}

/* Takes the '#' away from every line that sets something. */
static void uncomment(char *text)
{
    for (char *at = text; at != NULL; at = strchr(at + 1, '\n')) {
        char *line = at[0] == '\n' ? at + 1 : at;
        if (line[0] == '#' && line[1] == ' ' && strstr(line, " = ") != NULL &&
            strcspn(line, "\n") > (size_t)(strstr(line, " = ") - line) &&
            strcspn(line + 2, " ") == (size_t)(strstr(line, " = ") - line) - 2)
            line[0] = ' ';
    }
}

static void test_the_sample_can_be_read_back(void **state)
{
    struct conf *c = new_conf();
    char *sample = conf_sample(c);

    (void)state;
    assert_int_equal(load(c, sample), 0);
    uncomment(sample);
    assert_non_null(strstr(sample, "\n  store.level = info\n"));
    assert_int_equal(load(c, sample), 0);
    assert_string_equal(said, "");
    assert_int_equal(door.count, 3);
    assert_string_equal(store.folder, "./data");
    mem_free(sample);
    conf_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAK_CHECKED(test_without_a_file_everything_has_its_default),
        LEAK_CHECKED(test_a_file_fills_the_options_of_all_rooms),
        LEAK_CHECKED(test_the_last_of_equal_keys_wins),
        LEAK_CHECKED(test_a_set_wins_over_the_file),
        LEAK_CHECKED(test_loading_twice_starts_from_the_defaults_again),
        LEAK_CHECKED(test_variables_win_over_files_and_a_set_over_variables),
        LEAK_CHECKED(test_a_bad_variable_is_named),
        LEAK_CHECKED(test_a_bad_file_changes_nothing_and_says_all),
        LEAK_CHECKED(test_unknown_keys_name_the_nearest_known_one),
        LEAK_CHECKED(test_keys_of_rabbitmq_are_accepted_with_a_warning),
        LEAK_CHECKED(test_a_bad_set_is_named_without_its_value),
        LEAK_CHECKED(test_no_more_than_ten_errors_are_said),
        LEAK_CHECKED(test_a_file_that_is_no_text_is_one_error),
        LEAK_CHECKED(test_a_reload_changes_what_can_be_reloaded),
        LEAK_CHECKED(test_a_bad_reload_changes_nothing),
        LEAK_CHECKED(test_the_sample_shows_every_setting),
        LEAK_CHECKED(test_the_sample_can_be_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
