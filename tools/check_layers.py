#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Check every #include below src/ against tools/layers.txt.

The law's words are explained at the top of that file. A room that the law does not know is a fault, and so is a header
from outside that it does not name.
"""
import fnmatch
import os
import re
import sys

sys.dont_write_bytecode = True
import common  # noqa: E402

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.M)
KEYS = ("room", "doors", "interface", "plugins", "never", "third")


def read_law(root):
    law = {key: {} for key in KEYS}
    law.update(system=set(), ground=set(), composes=set())
    path = "tools/layers.txt"
    for number, line in enumerate(common.read(root, path).splitlines(), 1):
        line = line.split("#")[0].strip()
        if not line:
            continue
        head, colon, rest = line.partition(":")
        words = head.split()
        if colon and len(words) == 1 and words[0] in ("system", "ground", "composes"):
            law[words[0]] |= set(rest.split())
        elif colon and len(words) == 2 and words[0] in KEYS:
            law[words[0]].setdefault(words[1], []).extend(rest.split())
        else:
            common.broken(f"{path}:{number}: not a line of the law: {line}")
    return law


def is_test(path):
    return path.endswith(("_test.c", "_test.h", "_sample.h"))


def part_of(folder, header, file):
    """Whether header is one of the plug-in's own: file forest_tree.c or forest.c, header forest_parts.h."""
    if os.path.dirname(header) != folder:
        return False
    mine, its = os.path.basename(file).split("_")[0].split(".")[0], os.path.basename(header)
    return its.startswith(mine + "_") or its == mine + ".h"


def names(pattern, header):
    """Whether cli/*.h, say, names the header; a * does not cross a slash."""
    return pattern.count("/") == header.count("/") and fnmatch.fnmatch(header, pattern)


def plugin_folder(law, file):
    return next((f for f in law["plugins"] if os.path.dirname(file) == f), None)


def why_not(law, file, header):
    """Why file (below src/) may not include header (of ours), or None if it may."""
    room, other = file.split("/")[0], header.split("/")[0]
    if header in law["never"].get(room, []):
        return f"'{room}' must not see {header}"
    if other == room:
        folder = plugin_folder(law, file)
        if is_test(file):
            return None
        if folder:
            if any(names(n, header) for n in law["plugins"][folder]) or part_of(folder, header, file):
                return None
            return f"a plug-in of {folder} sees {' '.join(law['plugins'][folder])}, not {header}"
        inner = next((f for f in law["plugins"] if os.path.dirname(header) == f), None)
        return f"{header} belongs to a plug-in of {inner}" if inner and header.endswith(".h") else None
    if other not in law["room"][room]:
        return f"'{room}' may not look into '{other}', only into: {' '.join(law['room'][room]) or 'nothing'}"
    if plugin_folder(law, file) and other not in law["ground"] and room not in law["composes"] and not is_test(file):
        return f"a plug-in sees its interface and the ground floor, not '{other}'"
    open_to = list(law["doors"].get(other, []))
    if room in law["composes"]:
        open_to += law["interface"].get(other, [])
    if "*" in open_to or header in open_to:
        return None
    return f"{header} is not a door of '{other}'; its doors: {' '.join(open_to) or 'none'}"


def check_ours(law, root, file, header, line, faults):
    if header.startswith("support/") and is_test(file):
        return
    if not any(os.path.exists(os.path.join(root, "src", header + end)) for end in ("", ".in")):
        faults.add("src/" + file, line, f"no such header: src/{header}")
    else:
        why = why_not(law, file, header)
        if why:
            faults.add("src/" + file, line, why)


def check_foreign(law, file, header, line, faults):
    if header in law["system"]:
        return
    for name, files in law["third"].items():
        if fnmatch.fnmatch(header, name):
            rooms = {f.split("/")[1] for f in files}
            if is_test(file) and file.split("/")[0] in rooms:
                return
            if not any(fnmatch.fnmatch("src/" + file, f) for f in files):
                faults.add("src/" + file, line, f"<{header}> may be included by {' '.join(files)} only")
            return
    faults.add("src/" + file, line, f"<{header}> is not in tools/layers.txt (third or system)")


def main():
    root = common.parser(__doc__).parse_args().root
    law = read_law(root)
    faults = common.Faults()
    files = [os.path.relpath(p, "src") for p in common.sources(root, ends=(".c", ".h", ".h.in"))]
    for file in files:
        if file.split("/")[0] not in law["room"]:
            faults.add("src/" + file, 1, f"room '{file.split('/')[0]}' is not in tools/layers.txt")
            continue
        text = common.without_comments(common.read(root, "src/" + file))
        for match in INCLUDE.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            if match.group(1) == "<":
                check_foreign(law, file, match.group(2), line, faults)
            elif ".." in match.group(2) or match.group(2).endswith(".c"):
                faults.add("src/" + file, line, f'"{match.group(2)}": include headers, by their path below src/')
            else:
                check_ours(law, root, file, match.group(2), line, faults)
    return faults.end(f"layers ({len(files)} files)")


if __name__ == "__main__":
    sys.exit(main())
