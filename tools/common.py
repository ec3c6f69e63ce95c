# SPDX-License-Identifier: Apache-2.0
"""What the checks share: the root of the tree, its files, and how a fault is said.

Every check prints its faults as path:line: text, one a line, and ends with 1 if there were any, with 2 if it could not
be made. --root checks another tree (the checks' own tests do so).
"""
import argparse
import os
import re
import sys


def parser(doc):
    p = argparse.ArgumentParser(description=doc.strip().split("\n\n")[0])
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    p.add_argument("--root", default=here, help="the tree to check (default: the one this script is in)")
    return p


def sources(root, folders=("src",), ends=(".c", ".h")):
    """Paths relative to root, sorted, of all files below the folders."""
    found = []
    for folder in folders:
        for at, dirs, names in os.walk(os.path.join(root, folder)):
            dirs[:] = sorted(d for d in dirs if not d.startswith((".", "build")) and d != "node_modules")
            found += [os.path.relpath(os.path.join(at, n), root) for n in names if n.endswith(ends)]
    return sorted(found)


def read(root, path):
    with open(os.path.join(root, path), encoding="utf-8") as f:
        return f.read()


def without_comments(text, strings=True):
    """The C text with comments (and the insides of strings) blanked, every newline kept."""
    def blank(match):
        s = match.group(0)
        if s[0] in "\"'":
            return s if strings else s[0] + " " * (len(s) - 2) + s[0]
        return re.sub(r"[^\n]", " ", s)

    return re.sub(r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", blank, text, flags=re.S)


class Faults:
    def __init__(self):
        self.lines = []

    def add(self, path, line, text):
        self.lines.append(f"{path}:{line}: {text}")

    def end(self, what):
        for line in self.lines:
            print(line)
        print(f"{what}: {len(self.lines)} fault{'' if len(self.lines) == 1 else 's'}")
        return 1 if self.lines else 0


def broken(text):
    """The check itself cannot be made."""
    print(text, file=sys.stderr)
    sys.exit(2)
