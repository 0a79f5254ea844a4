#!/usr/bin/env python3
# Tests of scripts/install-needs, build, run and test: in a small tree, where scripts play the part
# of the package system.
import os
import re
import shutil
import subprocess
import unittest

from tree import ROOT, Tree

# Each of these notes how it was called. What is installed stands in the file `installed`.
FAKE_BIN = {
    "apt-get": "#!/bin/sh\necho apt-get $* >>$CALLS\n"
               "[ -e $POLICY ] && $POLICY || echo policy $? >>$CALLS.policy\n"
               "case \"$*\" in *install*) exit $APT_STATUS;; esac\n",
    "systemctl": "#!/bin/sh\necho systemctl $* >>$CALLS\n",
    "apt-cache": "#!/bin/sh\ngrep -qx \"$2\" $KNOWN\n",
    "dpkg-query": "#!/bin/sh\nwhile read p; do echo installed $p; done <$INSTALLED\nexit 1\n",
    "npm": "#!/bin/sh\necho npm $* in $PWD >>$CALLS\nexit $NPM_STATUS\n",
    "node": "#!/bin/sh\n",
    "go": "#!/bin/sh\n",
    "id": "#!/bin/sh\necho $USER_ID\n",
    "sudo": "#!/bin/sh\n[ \"$MAY_SUDO\" = yes ] || exit 1\n[ \"$1\" = -n ] && shift\n"
            "echo sudo $* >>$CALLS\nexec \"$@\"\n",
}

SCRIPT = (ROOT / "scripts/install-needs").read_text()


def packages(name):
    """The packages in one of the script's own lists: the tests are about what it does with them."""
    listed = re.search(rf"^{name}=\((.*?)\)", SCRIPT, re.MULTILINE | re.DOTALL)[1]
    return re.sub("#.*", "", listed).split()


BUILD_NEEDS = packages("build_needs")
FAST_NEEDS = BUILD_NEEDS + packages("fast_needs")
TEST_NEEDS = FAST_NEEDS + packages("test_needs")
TEST_WANTS = packages("test_wants")


class InstallNeeds(Tree):
    def setUp(self):
        super().setUp()
        self.write({"scripts/install-needs": SCRIPT,
                    "tests/clients/node/package.json": "{}\n",
                    "tests/clients/node/package-lock.json": "{}\n"})

    def run_with(self, installed, user_id=0, may_sudo="no", purpose="build", **told):
        """Returns (exit status, what was called, what was said).

        What may be told: apt_status and npm_status, how installing ends; known, the packages that
        apt knows; lists, whether it has lists at all; has_runtime, whether clang's is here.
        """
        self.write({f"bin/{name}": text for name, text in FAKE_BIN.items()})
        self.write({"installed": "".join(f"{p}\n" for p in installed), "calls": "",
                    "known": "".join(f"{p}\n" for p in told.get("known", ()))})
        if told.get("has_runtime", True):
            self.write({"llvm/lib/clang/14/lib/linux/libclang_rt.fuzzer-here.a": ""})
        if told.get("lists", True):
            self.write({"lists/here_Packages": ""})
        environment = {"PATH": f"{self.root}/bin:/usr/bin:/bin", "CALLS": f"{self.root}/calls",
                       "INSTALLED": f"{self.root}/installed", "USER_ID": str(user_id),
                       "MAY_SUDO": may_sudo, "APT_STATUS": str(told.get("apt_status", 0)),
                       "NPM_STATUS": str(told.get("npm_status", 0)),
                       "KNOWN": f"{self.root}/known", "APT_LISTS": f"{self.root}/lists",
                       "LLVM": f"{self.root}/llvm", "POLICY": f"{self.root}/policy"}
        done = subprocess.run([self.root / "scripts/install-needs", purpose], env=environment,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        return done.returncode, (self.root / "calls").read_text().splitlines(), done.stderr

    def test_nothing_is_called_when_nothing_is_missing(self):
        self.assertEqual(self.run_with(BUILD_NEEDS), (0, [], ""))

    def test_root_installs_what_is_missing_and_only_that(self):
        status, calls, _ = self.run_with(BUILD_NEEDS[2:])
        self.assertEqual(status, 0)
        self.assertEqual(len(calls), 2)
        self.assertIn("update", calls[0])
        self.assertTrue(calls[1].endswith(" install gcc libc6-dev"), calls[1])

    def test_a_package_whose_name_begins_like_another_is_still_missing(self):
        _, calls, _ = self.run_with([p for p in BUILD_NEEDS if p != "gcc"] + ["gcc-12"])
        self.assertTrue(calls[-1].endswith(" install gcc"), calls)

    def test_who_may_sudo_installs_through_it(self):
        status, calls, _ = self.run_with(BUILD_NEEDS[1:], user_id=1000, may_sudo="yes")
        self.assertEqual(status, 0)
        self.assertTrue(any(c.startswith("sudo apt-get -qq update") for c in calls), calls)
        self.assertTrue(calls[-1].endswith(" install gcc"), calls)

    def test_who_may_not_is_told_the_exact_command(self):
        status, calls, said = self.run_with(BUILD_NEEDS[1:], user_id=1000)
        self.assertEqual((status, calls), (1, []))
        self.assertIn("sudo apt-get update && "
                      "sudo apt-get install -y --no-install-recommends gcc\n", said)

    def test_a_failed_installation_is_an_error(self):
        status, _, said = self.run_with(BUILD_NEEDS[1:], apt_status=100)
        self.assertEqual(status, 1)
        self.assertIn("could not install: gcc", said)

    def test_what_is_wanted_is_installed_where_it_is_known(self):
        status, calls, _ = self.run_with(TEST_NEEDS + TEST_WANTS[4:], purpose="test",
                                         known=["python3-pika", "python3-kombu", "ruby-bunny"])
        self.assertEqual(status, 0)
        self.assertIn("update", calls[0])
        self.assertTrue(calls[1].endswith(" install python3-pika python3-kombu"), calls)

    def test_no_service_starts_that_comes_with_what_is_wanted(self):
        status, calls, _ = self.run_with([p for p in TEST_NEEDS + TEST_WANTS if p != "prometheus"],
                                         purpose="test", known=["prometheus"])
        self.assertEqual(status, 0)
        self.assertTrue(calls[1].endswith(" install prometheus"), calls)
        self.assertEqual(calls[2], "systemctl -q disable prometheus")
        self.assertIn("policy 101", (self.root / "calls.policy").read_text())
        self.assertFalse((self.root / "policy").exists())

    def test_what_is_wanted_and_unknown_touches_no_network(self):
        status, calls, _ = self.run_with(TEST_NEEDS, purpose="test")
        self.assertEqual((status, [c for c in calls if not c.startswith("npm ")]), (0, []))

    def test_without_lists_what_is_wanted_is_a_reason_to_fetch_them(self):
        _, calls, _ = self.run_with(TEST_NEEDS, purpose="test", lists=False)
        self.assertIn("update", calls[0])

    def test_what_is_wanted_and_cannot_be_installed_is_no_error(self):
        status, _, said = self.run_with(TEST_NEEDS, purpose="test", known=TEST_WANTS,
                                        apt_status=100)
        self.assertEqual(status, 0)
        self.assertIn("some tests will be skipped", said)

    def test_who_may_not_install_is_told_what_is_wanted_and_goes_on(self):
        status, calls, said = self.run_with(TEST_NEEDS, purpose="test", known=["python3-pika"],
                                            user_id=1000)
        self.assertEqual((status, [c for c in calls if not c.startswith("npm ")]), (0, []))
        self.assertIn("--no-install-recommends python3-pika\n", said)

    def test_for_the_fast_tests_less_is_needed(self):
        self.assertEqual(packages("build_needs")[0], "gcc")
        self.assertIn("valgrind", TEST_NEEDS[len(FAST_NEEDS):])
        self.assertEqual(self.run_with(FAST_NEEDS, purpose="fast", known=TEST_WANTS), (0, [], ""))
        _, calls, _ = self.run_with(BUILD_NEEDS, purpose="fast", known=TEST_WANTS)
        self.assertTrue(calls[-1].endswith(" install " + " ".join(packages("fast_needs"))), calls)

    def test_the_runtime_of_clang_is_looked_for_and_installed_under_its_name_here(self):
        for known, name in (([], "libclang-rt-14-dev"),
                            (["libclang-common-14-dev"], "libclang-common-14-dev"),
                            (["libclang-common-14-dev", "libclang-rt-14-dev"],
                             "libclang-rt-14-dev")):
            status, calls, _ = self.run_with(TEST_NEEDS, purpose="test", known=known,
                                             has_runtime=False)
            self.assertEqual(status, 0)
            self.assertTrue(calls[1].endswith(f" install {name}"), calls)

    def test_packages_from_npm_are_installed_once_for_each_lock_file(self):
        here = f"npm ci --ignore-scripts --no-audit --no-fund in {self.root}/build/npm"
        for lock, called in (("{}\n", [here]), ("{}\n", []), ("{ }\n", [here])):
            self.write({"tests/clients/node/package-lock.json": lock})
            self.assertEqual(self.run_with(TEST_NEEDS, purpose="test")[:2], (0, called))

    def test_packages_from_npm_that_cannot_be_had_are_no_error(self):
        for _ in range(2):  # and it is tried again
            status, calls, said = self.run_with(TEST_NEEDS, purpose="test", npm_status=1)
            self.assertEqual((status, len(calls)), (0, 1))
            self.assertIn("their tests will be skipped", said)

    def test_an_unknown_purpose_is_an_error(self):
        self.assertEqual(self.run_with(BUILD_NEEDS, purpose="fun")[0], 2)


# A project without a compiler: its broker is a script that shows how it was called.
PROJECT = """\
# A house of one program.
cmake_minimum_required(VERSION 3.22)
project(house NONE)
file(COPY ${CMAKE_SOURCE_DIR}/millrace DESTINATION ${CMAKE_BINARY_DIR}/bin)
add_custom_target(layers ALL)
enable_testing()
"""

BROKER = """\
#!/bin/sh
# Says who and where it is, and its arguments, one a line.
echo "$PPID"
pwd
for a in "$@"; do echo "$a"; done
exit 3
"""


class Commands(Tree):
    def setUp(self):
        super().setUp()
        for path in ["scripts/build", "scripts/run", "scripts/test", "CMakePresets.json"]:
            (self.root / path).parent.mkdir(exist_ok=True)
            shutil.copy(ROOT / path, self.root / path)
        self.write({"scripts/install-needs": "#!/bin/sh\n# Nothing is needed here.\n"
                                             "echo $* >>${0%/*}/asked\n",
                    "millrace": BROKER, "CMakeLists.txt": PROJECT, "else where/x": ""})

    def call(self, *command):
        done = subprocess.run([self.root / command[0], *command[1:]], cwd=self.root / "else where",
                              capture_output=True, text=True, check=False)
        return done.returncode, done.stdout.splitlines(), done.stderr

    def add_tests(self, *lines):
        self.write({"CMakeLists.txt": PROJECT + "\n".join(lines) + "\n"})

    def test_run_passes_its_arguments_on_and_becomes_the_broker(self):
        status, said, _ = self.call("scripts/run", "--set", "a = b c", "--conf", "x.conf")
        self.assertEqual(status, 3)
        self.assertEqual(said[0], str(os.getpid()))  # exec: no shell stands between
        self.assertEqual(said[1:], [str(self.root / "else where"),
                                    "--data-dir", str(self.root / "data"),
                                    "--set", "a = b c", "--conf", "x.conf"])

    def test_a_build_is_quiet_unless_it_fails(self):
        self.assertEqual(self.call("scripts/build"), (0, [], ""))
        self.write({"CMakeLists.txt": PROJECT + 'message(FATAL_ERROR "no roof")\n'})
        status, _, said = self.call("scripts/build")
        self.assertEqual(status, 1)
        self.assertIn("no roof", said)

    def test_run_does_not_start_what_could_not_be_built(self):
        self.write({"CMakeLists.txt": PROJECT + 'message(FATAL_ERROR "no roof")\n'})
        status, said, _ = self.call("scripts/run")
        self.assertEqual((status, said), (1, []))

    def test_the_last_line_of_test_is_the_sum(self):
        self.add_tests("add_test(NAME a COMMAND true)", "add_test(NAME b COMMAND true)")
        status, said, _ = self.call("scripts/test", "release", "release")
        self.assertEqual((status, said[-1]), (0, "4 passed, 0 failed"))

    def test_failed_skipped_and_missing_tests_are_told_apart(self):
        self.add_tests("add_test(NAME good COMMAND true)",
                       "add_test(NAME bad COMMAND sh -c \"echo the roof leaks; exit 1\")",
                       "add_test(NAME missing COMMAND no-such-program)",
                       "add_test(NAME skipped COMMAND sh -c \"exit 77\")",
                       "set_tests_properties(skipped PROPERTIES SKIP_RETURN_CODE 77)")
        status, said, _ = self.call("scripts/test", "release")
        self.assertEqual((status, said[-1]), (1, "1 passed, 2 failed, 1 skipped"))
        self.assertIn("the roof leaks", said)

    def test_fast_runs_the_fast_tests_only(self):
        self.add_tests("add_test(NAME quick COMMAND true)", "add_test(NAME long COMMAND false)",
                       "set_tests_properties(quick PROPERTIES LABELS fast)",
                       "set_tests_properties(long PROPERTIES LABELS slow)")
        status, said, _ = self.call("scripts/test", "fast")
        self.assertEqual((status, said[-1]), (0, "1 passed, 0 failed"))
        self.assertEqual((self.root / "scripts/asked").read_text().split()[0], "fast")

    def test_what_runs_under_valgrind_runs_only_there(self):
        self.add_tests("add_test(NAME unit COMMAND true)",
                       "add_test(NAME memcheck/unit CONFIGURATIONS Memcheck COMMAND true)",
                       "set_tests_properties(memcheck/unit PROPERTIES LABELS memcheck)")
        for suites in (["release"], ["memcheck"]):
            status, said, _ = self.call("scripts/test", *suites)
            self.assertEqual((status, said[-1]), (0, "1 passed, 0 failed"))

    def test_a_suite_without_tests_has_failed(self):
        status, said, _ = self.call("scripts/test", "release")
        self.assertEqual((status, said[-1]), (1, "0 passed, 1 failed"))

    def test_a_suite_that_does_not_build_has_failed(self):
        self.write({"CMakeLists.txt": PROJECT + 'message(FATAL_ERROR "no roof")\n'})
        status, said, _ = self.call("scripts/test", "release")
        self.assertEqual((status, said[-1]), (1, "0 passed, 1 failed"))

    def test_an_unknown_suite_is_refused_with_the_list(self):
        status, said, told = self.call("scripts/test", "everything")
        self.assertEqual((status, said), (2, []))
        self.assertIn("asan", told)


if __name__ == "__main__":
    unittest.main()
