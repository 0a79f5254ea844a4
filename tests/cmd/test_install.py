#!/usr/bin/env python3
# Tests of what is installed and packaged: it is all there, it runs, and its texts are well formed.
"""Installs the build that MILLRACE_BIN is of (build by default) into a folder of its own, and makes
a Debian package of it."""
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("MILLRACE_BIN", ROOT / "build" / "bin")).resolve().parent
DEADLINE_S = 300
PROGRAMS = ("millrace", "millracectl", "millrace-logdump", "millrace-bench")
FILES = ("share/man/man8/millrace.8", "share/man/man5/millrace.conf.5",
         "share/man/man1/millracectl.1", "share/bash-completion/completions/millracectl",
         "share/zsh/vendor-completions/_millracectl",
         "share/fish/vendor_completions.d/millracectl.fish",
         "share/doc/millrace/millrace.conf.sample", "lib/systemd/system/millrace.service")


def run(*command, **options):
    done = subprocess.run(list(map(str, command)), text=True, capture_output=True,
                          timeout=DEADLINE_S, check=False, **options)
    if done.returncode != 0:
        raise AssertionError(f"{command}: {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout + done.stderr


class Install(unittest.TestCase):
    def setUp(self):
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="millrace-install-"))
        self.addCleanup(shutil.rmtree, self.home)

    def check_tree(self, root):
        for program in PROGRAMS:
            self.assertIn("usage: " if program == "millrace-bench" else "0.",
                          run(root / "bin" / program,
                              "--help" if program == "millrace-bench" else "--version"))
        for file in FILES:
            self.assertGreater((root / file).stat().st_size, 100, file)
        run(root / "bin/millrace", "--conf", root / "share/doc/millrace/millrace.conf.sample",
            "--check-conf")

    def test_everything_is_installed(self):
        run("cmake", "--install", BUILD, "--prefix", self.home)
        self.check_tree(self.home)

    def test_manual_pages_are_roff_without_a_warning(self):
        if shutil.which("groff") is None:
            self.skipTest("there is no groff")
        run("cmake", "--install", BUILD, "--prefix", self.home)
        for file in FILES[:3]:
            warnings = subprocess.run(["groff", "-man", "-ww", "-z", "-Tutf8", self.home / file],
                                      capture_output=True, text=True, timeout=DEADLINE_S,
                                      check=True)
            self.assertEqual(warnings.stderr, "", file)

    def test_the_debian_package_has_the_same(self):
        for program in ("cpack", "dpkg-deb", "dpkg-shlibdeps", "file"):
            if shutil.which(program) is None:
                self.skipTest(f"there is no {program}")
        run("cpack", "--config", BUILD / "CPackConfig.cmake", "-B", self.home, cwd=self.home)
        package, = self.home.glob("millrace-*.deb")
        run("dpkg-deb", "-x", package, self.home / "tree")
        self.check_tree(self.home / "tree/usr")
        fields = run("dpkg-deb", "-f", package)
        self.assertRegex(fields, r"Depends: .*libevent")
        self.assertRegex(fields, r"Package: millrace\n")
        run("dpkg-deb", "-e", package, self.home / "control")
        for script in ("postinst", "postrm"):
            run("sh", "-n", self.home / "control" / script)
        unit = (self.home / "tree/usr/lib/systemd/system/millrace.service").read_text("ascii")
        self.assertIn("ExecStart=", unit)
        self.assertIn("Type=notify", unit)


class Dockerfile(unittest.TestCase):
    """By rules of our own, and by the linter that scripts/install-needs puts into build/npm."""

    LINTER = ROOT / "build/npm/node_modules/.bin/dockerfile-utils"

    KNOWN = {"FROM", "WORKDIR", "COPY", "RUN", "USER", "VOLUME", "EXPOSE", "ENTRYPOINT"}

    def setUp(self):
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="millrace-docker-"))
        self.addCleanup(shutil.rmtree, self.home)

    def lint(self, text):
        findings, stages, has_user, is_clean = [], set(), False, True
        for line in re.sub(r"\\\n", " ", re.sub(r"(?m)^#.*\n", "", text)).splitlines():
            words = line.split()
            if not words:
                continue
            if words[0] not in self.KNOWN:
                findings.append(f"'{words[0]}' is no instruction that is used here")
            if words[0] == "FROM":
                has_user, is_clean = False, True
                if ":" not in words[1] or words[1].endswith(":latest"):
                    findings.append(f"'{words[1]}' names no version")
                stages.update(words[3:4])
            if words[0] == "COPY" and words[1].startswith("--from=") and \
                    words[1][len("--from="):] not in stages:
                findings.append(f"'{words[1]}' names no stage")
            if words[0] == "RUN" and "apt-get install" in line and \
                    "--no-install-recommends" not in line:
                findings.append("packages come with what they only recommend")
            if words[0] == "RUN" and "apt-get install" in line and \
                    not re.search(r"apt-get update|scripts/install-needs", line):
                findings.append("packages are looked up in an old list")
            if words[0] == "RUN":
                is_clean = is_clean and ("apt-get update" not in line or
                                         "rm -rf" in line and "/var/lib/apt/lists/*" in line)
            if words[0] == "ENTRYPOINT" and not words[1].startswith("["):
                findings.append("a shell stands between the broker and its signals")
            has_user = has_user or words[0] == "USER" and words[1] != "root"
        if not is_clean:
            findings.append("lists of packages stay in the image")
        return findings + ([] if has_user else ["it runs as root"])

    def test_it_is_well_formed(self):
        text = (ROOT / "packaging/Dockerfile").read_text("ascii")
        self.assertEqual(self.lint(text), [])
        for program in ("scripts/install-needs", "scripts/build"):
            self.assertIn(program, text)
        # cpack asks them for the libraries that the package depends on.
        self.assertRegex(text, r"apt-get install .* dpkg-dev file\b")

    def test_the_lint_finds_what_it_knows(self):
        self.assertEqual(len(self.lint("FROM debian\nRUN apt-get install x\n")), 4)
        self.assertEqual(len(self.lint("FROM a:1\nCOPY --from=none a b\nADD x y\nUSER root\n")), 3)
        self.assertEqual(self.lint("FROM a:1\nRUN apt-get update && apt-get install -y "
                                   "--no-install-recommends x\nUSER x\nENTRYPOINT x --y\n"),
                         ["a shell stands between the broker and its signals",
                          "lists of packages stay in the image"])

    def lint_by_program(self, path):
        done = subprocess.run([self.LINTER, "lint", path], text=True, capture_output=True,
                              timeout=DEADLINE_S, check=False)
        return done.returncode, done.stdout + done.stderr

    def test_a_linter_has_nothing_to_say(self):
        if not self.LINTER.exists():
            self.skipTest("there is no dockerfile-utils in build/npm; scripts/install-needs test "
                          "gets it")
        self.assertEqual(self.lint_by_program(ROOT / "packaging/Dockerfile"), (0, ""))
        bad = self.home / "Dockerfile"
        bad.write_text("FROM debian:12\nRUNN x\nEXPOSE abc\nENTRYPOINT\n")
        code, text = self.lint_by_program(bad)
        self.assertNotEqual(code, 0)
        for part in ("Unknown instruction: RUNN", "Invalid containerPort: abc",
                     "Instruction has no arguments"):
            self.assertIn(part, text)

    def test_what_is_made_here_stays_here(self):
        """Data may hold secrets, and a build is of this machine."""
        kept = (ROOT / "packaging/Dockerfile.dockerignore").read_text("ascii").split("\n")
        for line in [".git", *(ROOT / ".gitignore").read_text("ascii").split()]:
            name = line.rstrip("/")
            self.assertTrue(name in kept or f"**/{name}" in kept, line)


if __name__ == "__main__":
    unittest.main()
