#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Report the most complex C functions, and fail if one is worse than tools/complexity.max allows.

The number is McCabe's, counted simply: 1, and 1 more for each if, for, while, case, ?, && and ||. The file holds the
worst allowed value: a ratchet, which may be lowered (--lower sets it to today's worst) and never raised.
"""
import os
import re
import sys

sys.dont_write_bytecode = True
import common  # noqa: E402

BRANCH = re.compile(r"\b(?:if|for|while|case)\b|\?|&&|\|\|")
HEAD = re.compile(r"([A-Za-z_]\w*)\s*\([^;{}]*\)\s*$")
MAX = "tools/complexity.max"


def functions(text):
    """(name, line, complexity, length in lines) of each function in a C text."""
    text = common.without_comments(text, strings=False)
    text = re.sub(r"^[ \t]*#(?:[^\n\\]|\\.|\\\n)*", lambda m: re.sub(r"[^\n]", " ", m.group(0)), text, flags=re.M)
    depth, start, since = 0, 0, 0
    for match in re.finditer(r"[{};]", text):
        if match.group(0) == "{":
            if depth == 0:
                start = match.start()
            depth += 1
        elif match.group(0) == "}":
            depth = max(0, depth - 1)
            if depth == 0:
                head = HEAD.search(text[since:start])
                if head and head.group(1) not in ("if", "for", "while", "switch"):
                    body = text[start:match.end()]
                    line = text.count("\n", 0, since + head.start()) + 1
                    yield head.group(1), line, 1 + len(BRANCH.findall(body)), body.count("\n") + 1
                since = match.end()
        elif depth == 0:
            since = match.end()


def main():
    p = common.parser(__doc__)
    p.add_argument("--top", type=int, default=25, help="how many to show")
    p.add_argument("--lower", action="store_true", help="lower the ratchet to today's worst")
    args = p.parse_args()
    found = []
    for path in common.sources(args.root):
        if not path.endswith(("_test.c", "_test.h", "_sample.h")):
            found += [(n, size, path, line, name) for name, line, n, size in functions(common.read(args.root, path))]
    if not found:
        common.broken(f"there are no C functions below {args.root}/src")
    found.sort(key=lambda f: (-f[0], -f[1], f[2], f[3]))
    print("complexity  lines  function")
    for n, size, path, line, name in found[: args.top]:
        print(f"{n:10}  {size:5}  {path}:{line}: {name}")
    text = common.read(args.root, MAX).strip() if os.path.exists(os.path.join(args.root, MAX)) else ""
    if not text.isdigit():
        common.broken(f"{MAX} must hold one whole number")
    allowed, worst = int(text), found[0][0]
    if args.lower and worst < allowed:
        with open(os.path.join(args.root, MAX), "w", encoding="utf-8") as f:
            f.write(f"{worst}\n")
    elif worst < allowed:
        print(f"the worst is {worst}, {allowed} is allowed: tools/complexity.py --lower keeps it there")
    faults = common.Faults()
    for n, _, path, line, name in found:
        if n > allowed:
            faults.add(path, line, f"{name} has complexity {n}, more than {allowed} ({MAX}): split it")
    return faults.end(f"complexity ({len(found)} functions)")


if __name__ == "__main__":
    sys.exit(main())
