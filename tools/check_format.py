#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Check that C files look as .clang-format says. --changed: only those that differ from HEAD; --fix: reformat them."""
import os
import re
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True
import common  # noqa: E402

FOLDERS = ("src", "tests", "examples", "bench")


def changed(root):
    def lines(*command):
        return subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout.splitlines()

    new = lines("git", "ls-files", "--others", "--exclude-standard")
    return {p for p in lines("git", "diff", "--name-only", "HEAD") + new}


def misfits(tool, root, files):
    """The lines at which each file is not as it should be."""
    done = subprocess.run([tool, "--dry-run", "--style=file"] + files, cwd=root, capture_output=True, text=True)
    found = {}
    for file, line in re.findall(r"^([^\n:]+):(\d+):\d+: (?:warning|error)", done.stderr, re.M):
        lines = found.setdefault(file, [])
        if line not in lines:
            lines.append(line)
    if done.returncode != 0 and not found:
        common.broken(done.stderr)
    return found


def main():
    p = common.parser(__doc__)
    p.add_argument("--changed", action="store_true", help="only files that differ from the last commit")
    p.add_argument("--fix", action="store_true", help="reformat instead of complaining")
    args = p.parse_args()
    tool = shutil.which("clang-format-14")
    if not tool:
        common.broken("check_format needs clang-format-14 (package clang-format-14)")
    if not os.path.exists(os.path.join(args.root, ".clang-format")):
        common.broken(f"there is no .clang-format in {args.root}")
    files = common.sources(args.root, FOLDERS)
    if args.changed:
        files = [f for f in files if f in changed(args.root)]
    if args.fix and files:
        return subprocess.run([tool, "-i", "--style=file"] + files, cwd=args.root).returncode
    faults = common.Faults()
    for at in range(0, len(files), 50):
        for file, lines in misfits(tool, args.root, files[at : at + 50]).items():
            faults.add(file, lines[0], f"not as .clang-format says, in {len(lines)} lines; run tools/check_format.py --fix")
    return faults.end(f"format ({len(files)} files)")


if __name__ == "__main__":
    sys.exit(main())
