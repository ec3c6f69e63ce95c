#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Check that every list of plug-ins (a .def below src) and its folder agree, and that a test walks the list.

A list says in its first comment what a line means: "TARN_ALGO(name): train/algos/<name>.c defines tarn_algo_<name>."
Checked: every line has its file, which defines that name; every file of the folder has its line (forest_parts.c is part
of forest.c); no line twice; every inner folder has a list; and some test walks the list, by tarn_algo_at() or by
including it. A .def without such a sentence and without a folder is a table of something else.
"""
import os
import re
import sys

sys.dont_write_bytecode = True
import common  # noqa: E402

MEANING = re.compile(r"(TARN_[A-Z0-9_]+)\(name\):\s+([a-z0-9]+(?:/[a-z0-9]+)+)/<name>\.c\s+defines\s+(tarn_[a-z0-9_]+_)<name>")


def meaning_of(text):
    """(macro, folder, prefix) of a list of plug-ins, or None."""
    comment = re.sub(r"\n\s*\*", " ", text.split("*/")[0])
    match = MEANING.search(comment)
    return match.groups() if match else None


def check_lines(root, path, macro, folder, prefix, faults):
    """Every line has its file; returns the names in the list."""
    names = {}
    for number, line in enumerate(common.without_comments(common.read(root, path)).splitlines(), 1):
        if not line.strip():
            continue
        match = re.fullmatch(re.escape(macro) + r"\(([a-z0-9_]+)\)", line.strip())
        if not match:
            faults.add(path, number, f"not {macro}(name): {line.strip()}")
            continue
        name = match.group(1)
        if name in names:
            faults.add(path, number, f"'{name}' stands already in line {names[name]}")
        names[name] = number
        file = f"src/{folder}/{name}.c"
        if not os.path.exists(os.path.join(root, file)):
            faults.add(path, number, f"there is no {file}")
            continue
        text = common.without_comments(common.read(root, file))
        if not re.search(rf"^const\s+\w+\s+{prefix}{name}\s*=", text, re.M):
            faults.add(file, 1, f"does not define {prefix}{name}, which {path} line {number} promises")
    return names


def check_files(root, path, folder, names, faults):
    for file in common.sources(root, (f"src/{folder}",), (".c",)):
        name = os.path.basename(file)[:-2]
        if file.endswith("_test.c") or name in names:
            continue
        if not any(name.startswith(n + "_") for n in names):
            faults.add(file, 1, f"has no line in {path}")


def is_walked(root, path, prefix, tests):
    called = re.compile(rf"\b{prefix}at\s*\(|#\s*include\s*\"{re.escape(os.path.relpath(path, 'src'))}\"")
    return any(called.search(common.without_comments(common.read(root, t))) for t in tests)


def main():
    root = common.parser(__doc__).parse_args().root
    faults = common.Faults()
    tests = [t for t in common.sources(root, ("src", "tests"), (".c", ".h")) if "_test." in t or "_sample." in t]
    known, kinds = set(), 0
    for path in common.sources(root, ends=(".def",)):
        meaning = meaning_of(common.read(root, path))
        if not meaning:
            continue
        macro, folder, prefix = meaning
        known |= {folder, os.path.relpath(os.path.dirname(path), "src")}
        kinds += 1
        names = check_lines(root, path, macro, folder, prefix, faults)
        check_files(root, path, folder, names, faults)
        if not is_walked(root, path, prefix, tests):
            faults.add(path, 1, f"no test walks this list ({prefix}at, or an include of it)")
    for file in common.sources(root):
        folder = os.path.relpath(os.path.dirname(file), "src")
        if folder.count("/") == 1 and folder not in known:
            known.add(folder)
            faults.add(file, 1, f"no list in src/{folder.split('/')[0]}/*.def speaks of the folder {folder}")
    return faults.end(f"tables ({kinds} kinds)")


if __name__ == "__main__":
    sys.exit(main())
