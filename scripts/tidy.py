#!/usr/bin/env python3
# The tidy check: what docs/STYLE.md asks for and a script can see.
"""Checks the form of every file of the tree.

usage: scripts/tidy.py [--cache FOLDER] [root]      exit status 1 when there is a finding
       scripts/tidy.py --rules                      prints every rule with what it asks for

A finding is one line: `path:line: rule: what is wrong and what to do`. Where a rule must be broken,
a line in scripts/tidy.allow says so with the reason:

    path rule : reason

An allow line that no finding needs is a finding itself. With --cache, what was found clean, by
itself, by clang-format or by the compiler, is remembered in FOLDER/tidy.cache by the hash of what
it was judged by.
"""
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import c_source
import layers
from c_source import Source

LINE_COLUMNS_MAX = 100
FUNCTION_LINES_MAX = 70
FILE_LINES_MAX = 1000
HEADER_LINES_MAX = 300
README_LINES_MAX = 120
STRUCT_FIELDS_MAX = 30
SOURCE_INCLUDES_MAX = 15
HEADER_INCLUDES_MAX = 6
PARAMETERS_MAX = 5
NESTING_MAX = 3
FILE_BYTES_MAX = 200 * 1024

ALLOW = "scripts/tidy.allow"
FORMATTER = "clang-format-14"
COMPILER = ["gcc", "-std=c17", "-D_GNU_SOURCE", "-fsyntax-only", "-Wall", "-Wextra", "-Wpedantic",
            "-Wshadow", "-Wconversion", "-Wstrict-prototypes", "-Wvla", "-Werror", "-I.", "-xc",
            "-"]

RULES = {
    "line-length": f"at most {LINE_COLUMNS_MAX} columns",
    "white-space": "no tab in C, no space at the end of a line, one newline at the end of a file",
    "file-length": f"at most {FILE_LINES_MAX} lines",
    "file-size": f"at most {FILE_BYTES_MAX} bytes: the tree holds text, not data",
    "file-name": "no name that says nothing and so attracts everything",
    "first-line": "the first line is a comment that says what the file is",
    "executable": "a file with #! may be run",
    "unfinished": "no mark of unfinished work",
    "function-length": f"at most {FUNCTION_LINES_MAX} lines",
    "parameters": f"at most {PARAMETERS_MAX}, then an options struct",
    "nesting": f"at most {NESTING_MAX} control statements in one another",
    "header-length": f"at most {HEADER_LINES_MAX} lines",
    "struct-fields": f"at most {STRUCT_FIELDS_MAX}",
    "includes": f"at most {SOURCE_INCLUDES_MAX} of our headers in a source, "
                f"{HEADER_INCLUDES_MAX} in a header",
    "guard": "the include guard is the path in capitals",
    "word": "names use the words of docs/GLOSSARY.md",
    "banned-text": "bytes have bounds",
    "banned-memory": "memory comes from base/mem.h",
    "banned-world": "clock, chance, files and sockets come from io/",
    "banned-print": "diagnostics go through base/diag.h",
    "banned-wait": "nobody sleeps",
    "banned-assert": "assertions stay on in release",
    "readme": f"each room has a README.md of at most {README_LINES_MAX} lines that names its "
              f"files, and stands in the map of rooms in the README.md of the whole",
    "link": "a link or a path in a document leads to a file; a name drawn beside a file is in it",
    "document": "a lock stands in docs/LOCKS.md, a format in docs/FORMATS.md, a setting in "
                "docs/LIMITS.md",
    "format": f"{FORMATTER} changes nothing",
    "header-alone": "each header compiles alone, also twice",
    "allow": "an allow line is well formed, has a reason, and is needed",
}

# rule, calls, where they may stand (prefixes of paths), what is wrong and what to use
BANNED = [
    ("banned-text", "strcpy strcat stpcpy strncpy strncat sprintf vsprintf gets alloca",
     (), "does not know how much room there is; use base/bytes.h, or snprintf for a text"),
    ("banned-text", "strtok strtok_r sscanf scanf fscanf atoi atol atoll atof strtol strtoll "
     "strtoul strtoull strtod strtof", ("base/parse.c",),
     "takes what is no number for one; use base/parse.h for numbers, base/bytes.h for parts"),
    ("banned-memory", "malloc calloc realloc reallocarray free strdup strndup asprintf vasprintf "
     "aligned_alloc posix_memalign memalign valloc", ("base/mem.c",),
     "is not counted and cannot be made to fail by a test; use base/mem.h"),
    ("banned-world", "time clock clock_gettime gettimeofday timespec_get rand random srand srandom "
     "rand_r drand48 getrandom getentropy arc4random", ("io/", "tests/unit/io/"),
     "cannot be simulated; use io_now_ns(), io_wall_ms(), io_random() of io/io.h, or base/rand.h "
     "with a seed"),
    ("banned-world", "open openat creat read pread readv preadv write pwrite writev pwritev close "
     "fsync fdatasync sync_file_range ftruncate truncate fallocate posix_fallocate rename unlink "
     "remove rmdir mkdir opendir readdir closedir stat fstat lstat statvfs access flock lockf "
     "fcntl ioctl mmap munmap fopen fdopen fclose fread fwrite fseek fgets getline mkdtemp mkstemp",
     ("io/", "tests/lib/", "tests/unit/io/", "tests/fuzz/replay.c"),
     "cannot be made to fail by a test; use io/disk.h"),
    ("banned-world", "socket bind listen accept accept4 connect send sendto sendmsg recv recvfrom "
     "recvmsg shutdown poll ppoll select epoll_wait epoll_create1 epoll_ctl eventfd pipe pipe2 "
     "setsockopt getsockopt", ("io/", "tests/unit/io/"),
     "cannot be simulated; use io/net.h"),
    ("banned-print", "printf vprintf fprintf vfprintf dprintf puts putchar putc fputs fputc perror "
     "syslog", ("tools/", "tests/", "examples/"),
     "has no level and no stamp; use diag() of base/diag.h"),
    ("banned-wait", "sleep usleep nanosleep clock_nanosleep", (),
     "wastes time and still fails on a slow machine; wait for a condition, or use "
     "io_timer_start()"),
    ("banned-assert", "assert", (), "vanishes under NDEBUG; use ASSERT() of base/check.h"),
]
CALLS = {call: (rule, homes, why) for rule, calls, homes, why in BANNED for call in calls.split()}
CALL = re.compile(r"(?<![.>])\b([a-z]\w*)\s*\(")

NAMES_THAT_SAY_NOTHING = set("common util utils misc helper helpers manager context global globals "
                             "internal internals handler stuff".split())
WORD_NOT_USED = re.compile(r"(?<![A-Za-z0-9])(context|manager|handlers?|helpers?|utils?|common|"
                           r"info)(?![A-Za-z0-9])")
UNFINISHED = re.compile(r"\b(TO" r"DO|FIX" r"ME|X" r"XX)\b")
LINK = re.compile(r"\[[^\]\n]*\]\(([^)\s]+)\)")
PATH = re.compile(r"`((?:[\w-]+/)+[\w-]+\.(?:[ch]|py|md|txt|story))`")
NAME_AND_FILE = re.compile(r" {4,}(?:\w+\.)?(\w+) +([\w/]+\.[ch])\b")
SKIPPED = re.compile(r"(^|/)(\.git|build|build-[^/]*|data|bench-data|corpus|__pycache__)/")
# what a file may have, the document that must name it (the first group, or else the file)
DOCUMENTED = [
    (re.compile(r"\bpthread_(?:mutex|rwlock|spinlock)_t\b"), "docs/LOCKS.md"),
    (re.compile(r"OFFSET +SIZE"), "docs/FORMATS.md"),
    (re.compile(r'"(millrace\.[a-z_.]+)"'), "docs/LIMITS.md"),
]
README_HEADINGS = ["what is not here", "public headers", "files in reading order", "invariants",
                   "how to add", "tests"]


class File:
    def __init__(self, root, path):
        self.path = path
        self.place = root / path
        self.suffix = pathlib.PurePosixPath(path).suffix
        self.size = self.place.stat().st_size
        self.text = self.place.read_bytes()[:4 * FILE_BYTES_MAX].decode("utf-8", "replace")
        self.lines = self.text.split("\n")
        self.is_c = self.suffix in (".c", ".h")
        self.is_script = self.suffix == ".py" or self.text.startswith("#!")
        self.is_picture = self.suffix == ".png"
        self.is_build = path.endswith("CMakeLists.txt") or self.suffix == ".cmake"
        self.source = Source(self.text) if self.is_c else None


class Tidy:
    def __init__(self, root, cache_folder=None):
        self.root = root
        self.findings = []  # (path, line, rule, text)
        self.cache_file = cache_folder / "tidy.cache" if cache_folder else None
        self.known_clean, self.clean = set(), set()
        if self.cache_file and self.cache_file.exists():
            self.known_clean = set(json.loads(self.cache_file.read_text()))
        self.files = [File(root, path) for path in paths(root)]
        self.by_path = {file.path: file for file in self.files}

    def find(self, path, line, rule, text):
        assert rule in RULES, rule
        self.findings.append((path, line, rule, text))

    def run(self):
        with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            tools = [pool.submit(self.check_format), *self.start_headers_alone(pool)]
            judges = "".join(pathlib.Path(one).read_text() for one in (__file__, c_source.__file__))
            for file in self.files:
                key = digest("itself", judges, file.path, str(file.size),
                             str(os.access(file.place, os.X_OK)), file.text)
                if not self.is_clean(key):
                    self.check_itself(file, key)
                if file.suffix == ".md":
                    self.check_links(file)
            self.check_documents()
            self.check_rooms()
            for tool in tools:
                tool.result()
        self.apply_allow()
        if self.cache_file and self.cache_file.parent.is_dir():
            self.cache_file.write_text(json.dumps(sorted(self.clean)))
        return sorted(self.findings)

    # ------------------------------------------------------------------ every file

    def check_itself(self, file, key):
        """What no other file has a part in."""
        before = len(self.findings)
        self.check_text(file)
        if file.is_c:
            self.check_sizes(file)
            self.check_calls(file)
            self.check_words(file)
        if file.suffix == ".h":
            self.check_guard(file)
        if not any(path == file.path for path, *_ in self.findings[before:]):
            self.clean.add(key)

    def check_text(self, file):
        path, lines = file.path, file.lines
        if file.size > FILE_BYTES_MAX:
            self.find(path, 1, "file-size", f"{file.size} bytes; keep data out of the tree")
        for part in re.split(r"[/._-]", path):
            if part.lower() in NAMES_THAT_SAY_NOTHING:
                self.find(path, 1, "file-name", f"'{part}' says nothing; name the file by its noun")
        if file.is_picture:
            return
        if len(lines) - 1 > FILE_LINES_MAX:
            self.find(path, 1, "file-length", f"{len(lines) - 1} lines; find the second idea in it "
                                              f"and give that its own file")
        if not file.text.endswith("\n") or file.text.endswith("\n\n"):
            self.find(path, len(lines), "white-space", "end the file with one newline")
        is_code = file.is_c or file.is_script or file.is_build
        for number, line in enumerate(lines, 1):
            if line != line.rstrip():
                self.find(path, number, "white-space", "space at the end of the line")
            if "\t" in line and is_code:
                self.find(path, number, "white-space", "tab; indent with spaces")
            if len(line) > LINE_COLUMNS_MAX and is_code:
                self.find(path, number, "line-length", f"{len(line)} columns")
            if is_code and UNFINISHED.search(line):
                self.find(path, number, "unfinished", "finish it, or take it out")
        if is_code:
            self.check_first_line(file)

    def check_first_line(self, file):
        first = file.lines[0]
        if first.startswith("#!"):
            first = file.lines[1] if len(file.lines) > 1 else ""
            if not os.access(file.place, os.X_OK):
                self.find(file.path, 1, "executable", "chmod +x")
        begin = "/* " if file.is_c else "# "
        if not first.startswith(begin) or len(first) < len(begin) + 10:
            self.find(file.path, 1, "first-line", "say in a comment what this file is")

    # ------------------------------------------------------------------ C

    def check_sizes(self, file):
        path, source = file.path, file.source
        for f in source.functions:
            if f.line_count > FUNCTION_LINES_MAX:
                self.find(path, f.line, "function-length",
                          f"{f.name}() has {f.line_count} lines; give its parts names")
            if f.nesting > NESTING_MAX:
                self.find(path, f.nesting_line, "nesting",
                          f"{f.name}() nests {f.nesting} deep; return early, or name the "
                          f"inner part")
            if f.is_static:  # others are judged where their header declares them
                self.check_parameters(path, f.line, f.name, f.parameter_count)
        for line, name, count in source.prototypes():
            self.check_parameters(path, line, name, count)
        for line, name, count in source.structs():
            if count > STRUCT_FIELDS_MAX:
                self.find(path, line, "struct-fields",
                          f"struct {name} has {count} fields; which of them belong together?")
        is_header = file.suffix == ".h"
        if is_header and len(file.lines) - 1 > HEADER_LINES_MAX:
            self.find(path, 1, "header-length",
                      f"{len(file.lines) - 1} lines; this header promises too much at once")
        limit = HEADER_INCLUDES_MAX if is_header else SOURCE_INCLUDES_MAX
        if len(source.includes) > limit:
            self.find(path, 1, "includes", f"{len(source.includes)} of our own headers; "
                                           f"this file knows too many others")

    def check_parameters(self, path, line, name, count):
        if count > PARAMETERS_MAX:
            self.find(path, line, "parameters",
                      f"{name}() takes {count}; put them into an options struct")

    def check_calls(self, file):
        own = {f.name for f in file.source.functions}
        for match in CALL.finditer(file.source.code):
            if match[1] not in CALLS or match[1] in own:
                continue
            rule, homes, why = CALLS[match[1]]
            if not file.path.startswith(homes or ("//",)):
                self.find(file.path, file.source.line_at(match.start()), rule,
                          f"{match[1]}() {why}")

    def check_words(self, file):
        for match in WORD_NOT_USED.finditer(file.source.code):
            self.find(file.path, file.source.line_at(match.start()), "word",
                      f"'{match[1]}' in a name says nothing; say what it is")

    def check_guard(self, file):
        guard = re.sub(r"\W", "_", file.path).upper()
        directives = re.findall(r"^#[^\n]*", file.source.code, re.MULTILINE)
        if [d.split() for d in directives[:2]] != [["#ifndef", guard], ["#define", guard]] or \
                directives[-1].strip() != "#endif":
            self.find(file.path, 1, "guard", f"the guard of this header is {guard}, all around it")

    # ------------------------------------------------------------------ documents

    def check_links(self, file):
        for number, line in enumerate(file.lines, 1):
            for match in LINK.finditer(line):
                target = match[1].split("#")[0]
                if target and not re.match(r"\w+:", target) and \
                        not (file.place.parent / target).exists():
                    self.find(file.path, number, "link", f"'{target}' leads nowhere")
            for match in PATH.finditer(line):
                if match[1] not in self.by_path:
                    self.find(file.path, number, "link", f"there is no {match[1]}")
            match = NAME_AND_FILE.match(line)
            if match:
                named = self.by_path.get(match[2])
                if not named or not re.search(rf"\b{match[1]}\b", named.text):
                    self.find(file.path, number, "link", f"{match[1]} is not in {match[2]}")

    def check_documents(self):
        for file in self.files:
            if not file.is_c or file.path.startswith(("tests/", "tools/")):
                continue
            for pattern, document in DOCUMENTED:
                listed = self.by_path[document].text if document in self.by_path else ""
                for match in pattern.finditer(file.text):
                    name = match[1] if pattern.groups else file.path
                    if name not in listed:
                        self.find(file.path, file.source.line_at(match.start()), "document",
                                  f"{document} does not name {name}")

    def check_rooms(self):
        table = layers.Table((self.root / layers.TABLE).read_text())
        for room in table.allowed:
            names = [f.path.rpartition("/")[2] for f in self.files
                     if f.is_c and f.path.rpartition("/")[0] == room]
            if names:
                self.check_readme(f"{room}/README.md", names)
                if f"]({room}/)" not in self.by_path["README.md"].text:
                    self.find("README.md", 1, "readme", f"the map of rooms does not show {room}")

    def check_readme(self, path, names):
        file = self.by_path.get(path)
        if not file:
            self.find(path, 1, "readme", "say what this room is for, as the other rooms do")
            return
        if len(file.lines) - 1 > README_LINES_MAX:
            self.find(path, 1, "readme", f"{len(file.lines) - 1} lines; the headers are the manual")
        headings = [line.lower() for line in file.lines if line.startswith("#")]
        for heading in README_HEADINGS:
            if not any(heading in line for line in headings):
                self.find(path, 1, "readme", f"no heading '{heading}'")
        for stem in sorted({name[:-2] for name in names}):
            if not re.search(rf"\b{stem}\b", file.text):
                self.find(path, 1, "readme", f"it does not name the file '{stem}'")

    # ------------------------------------------------------------------ other programs

    def is_clean(self, key):
        if key in self.known_clean:
            self.clean.add(key)
            return True
        return False

    def check_format(self):
        style = self.by_path.get(".clang-format")
        keys = {f.path: digest("format", style.text if style else "", f.text)
                for f in self.files if f.is_c}
        changed = [path for path, key in keys.items() if not self.is_clean(key)]
        dirty = set()
        for start in range(0, len(changed), 40):
            command = [FORMATTER, "--dry-run", "-Werror", *changed[start:start + 40]]
            done = self.call(command, None)
            for match in re.finditer(r"^(.+?):(\d+):\d+: error", done.stderr, re.MULTILINE):
                if match[1] not in dirty:
                    dirty.add(match[1])
                    self.find(match[1], int(match[2]), "format", f"run {FORMATTER} -i on it")
            if done.returncode != 0 and not dirty:
                self.find(".clang-format", 1, "format",
                          f"{FORMATTER} failed: {done.stderr.strip()}")
                return
        self.clean.update(keys[path] for path in changed if path not in dirty)

    def start_headers_alone(self, pool):
        return [pool.submit(self.check_header_alone, f) for f in self.files if f.suffix == ".h"]

    def check_header_alone(self, file):
        seen = self.reached(file, {})
        key = digest("alone", *COMPILER, *(seen[path] for path in sorted(seen)))
        if self.is_clean(key):
            return
        twice = f'#include "{file.path}"\n' * 2 + "typedef int not_empty;\n"
        done = self.call(COMPILER, twice)
        if done.returncode == 0:
            self.clean.add(key)
            return
        first = next((line for line in done.stderr.splitlines() if "error" in line), done.stderr)
        self.find(file.path, 1, "header-alone", f"it does not compile alone: {first.strip()}")

    def reached(self, file, seen):
        """The text of the header and of all of ours that it includes, by path."""
        if file.path not in seen:
            seen[file.path] = file.text
            for _, target in file.source.includes if file.source else ():
                if target in self.by_path:
                    self.reached(self.by_path[target], seen)
        return seen

    def call(self, command, text):
        try:
            return subprocess.run(command, input=text, cwd=self.root, capture_output=True,
                                  text=True, check=False)
        except FileNotFoundError:
            return subprocess.CompletedProcess(command, 1, "", f"{command[0]} is not installed")

    # ------------------------------------------------------------------ the allow list

    def apply_allow(self):
        allow = self.by_path.get(ALLOW)
        for number, line in enumerate(allow.lines if allow else [], 1):
            if not line.strip() or line.startswith("#"):
                continue
            match = re.match(r"(\S+) (\S+) : (.+)", line)
            if not match or match[2] not in RULES:
                self.find(ALLOW, number, "allow", "write `path rule : reason`; scripts/tidy.py "
                                                  "--rules lists the rules")
                continue
            kept = [f for f in self.findings if (f[0], f[2]) != (match[1], match[2])]
            if len(kept) == len(self.findings):
                self.find(ALLOW, number, "allow", f"{match[1]} no longer needs this; take it out")
            else:
                self.findings = kept


def paths(root):
    """Every file that is ours and is text, as a path from the root."""
    for folder, folders, names in os.walk(root):
        inside = pathlib.Path(folder).relative_to(root).as_posix()
        prefix = "" if inside == "." else inside + "/"
        folders[:] = sorted(f for f in folders if not SKIPPED.search(prefix + f + "/"))
        for name in sorted(names):
            if (root / prefix / name).is_file() and not name.endswith((".tmp", ".pyc")):
                yield prefix + name


def digest(*parts):
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def main(arguments):
    if arguments == ["--rules"]:
        for rule, text in RULES.items():
            print(f"{rule:16} {text}")
        return 0
    cache = None
    if arguments[:1] == ["--cache"]:
        cache, arguments = pathlib.Path(arguments[1]), arguments[2:]
    root = pathlib.Path(arguments[0] if arguments else pathlib.Path(__file__).parents[1])
    findings = Tidy(root, cache).run()
    for path, line, rule, text in findings:
        print(f"{path}:{line}: {rule}: {text}")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
