#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compile every example in a header, and every header alone; and look at the first two lines of every file.

An example begins below the words "Example (compiled by make check-docs)" in a comment, is indented by four further
blanks, and ends with the comment or with the first line that is not. It is compiled as C17 behind an #include of its
header. Every header below src/ is compiled alone as C; those with extern "C" also as C++. Every C file starts with the
SPDX line and a comment that says what it is.
"""
import concurrent.futures
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
import common  # noqa: E402

MARK = "Example (compiled by make check-docs)"
WARN = ["-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wformat=2", "-Wundef", "-Wcast-qual", "-Wwrite-strings", "-Werror"]
C = ["-x", "c", "-std=c17", "-Wstrict-prototypes", "-Wvla"] + WARN
CPP = ["-x", "c++", "-std=c++17"] + WARN


def examples(text):
    """(line of the first line of code, code) of each example."""
    lines = text.splitlines()
    at = 0
    while at < len(lines):
        at += 1
        if MARK not in lines[at - 1]:
            continue
        while at < len(lines) and lines[at].strip() == "*":
            at += 1
        start, code = at, []
        while at < len(lines) and re.match(r" \*(     .*|\s*)$", lines[at]):
            code.append(lines[at][7:])
            at += 1
        yield start + 1, "\n".join(code).rstrip() + "\n"


def compile_text(root, compiler, flags, text):
    """The compiler's words, or None if it was content."""
    with tempfile.TemporaryDirectory() as scratch:
        path = os.path.join(scratch, "text.c")
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        includes = ["-I", os.path.join(root, "src"), "-isystem", os.path.join(root, "setup/native/include")]
        for build in sorted(os.listdir(root)):  # generated headers
            if build.startswith("build") and os.path.isdir(os.path.join(root, build, "src")):
                includes += ["-I", os.path.join(root, build, "src")]
        command = [compiler, "-fsyntax-only", "-D_GNU_SOURCE", "-march=x86-64-v3"] + flags + includes + [path]
        done = subprocess.run(command, capture_output=True, text=True)
        return None if done.returncode == 0 else done.stderr.replace(path, "<here>").strip()


def jobs(root, cc, cxx):
    """(path, line, what, compiler, flags, text)"""
    for path in common.sources(root, ends=(".h",)):
        text = common.read(root, path)
        include = f'#include "{os.path.relpath(path, "src")}"\n'
        if not path.endswith(("_sample.h", "_test.h")):
            alone = include + "extern int something;\n"  # a C file must declare something
            yield path, 1, "alone as C", cc, C, alone
            if 'extern "C"' in common.without_comments(text):
                yield path, 1, "alone as C++", cxx, CPP, alone
        found = list(examples(text))
        for line, code in found:
            if not code.strip():
                yield path, line, "an empty example", cc, C, '#error "there is no code below the mark"\n'
            else:
                yield path, line, "the example", cc, C, f'{include}#line {line} "{path}"\n{code}'


def check_opening(root, path, faults):
    lines = common.read(root, path).splitlines()
    if not lines or lines[0] != "/* SPDX-License-Identifier: Apache-2.0 */":
        faults.add(path, 1, "the first line must be /* SPDX-License-Identifier: Apache-2.0 */")
    elif len(lines) < 2 or not re.match(r"/\* \S+ \S+ \S", lines[1]):
        faults.add(path, 2, f"the second line must say what this is: /* {os.path.basename(path)} - ...")


def main():
    p = common.parser(__doc__)
    p.add_argument("--cc", default=os.environ.get("CC", "cc"))
    p.add_argument("--cxx", default=os.environ.get("CXX") or next((x for x in ("c++", "g++", "clang++-14") if shutil.which(x)), ""))
    args = p.parse_args()
    if not shutil.which(args.cc) or not args.cxx:
        common.broken("check_docs needs a C and a C++ compiler (packages gcc and g++, or clang-14)")
    faults, count = common.Faults(), 0
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        todo = list(jobs(args.root, args.cc, args.cxx))
        for job, words in zip(todo, pool.map(lambda j: compile_text(args.root, *j[3:]), todo)):
            count += 1
            if words:
                faults.add(job[0], job[1], f"{job[2]} does not compile\n    " + words.replace("\n", "\n    "))
    for path in common.sources(args.root, ("src", "tests", "examples")):
        check_opening(args.root, path, faults)
    return faults.end(f"docs ({count} texts compiled)")


if __name__ == "__main__":
    sys.exit(main())
