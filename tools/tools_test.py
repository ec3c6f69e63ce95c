#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests of the checks: a small good tree passes, and each known-bad change to it is caught, at its place."""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
SPDX = "/* SPDX-License-Identifier: Apache-2.0 */\n"

GOOD = {
    "tools/layers.txt": (
        "ground: base model\ncomposes: cli\nroom base:\nroom model: base\nroom train: base model\nroom cli: base train\n"
        "doors base: *\ndoors model: model/model.h\ndoors train: train/train.h\ninterface train: train/algo.h\n"
        "plugins train/algos: train/algo.h\nplugins cli/commands: cli/*.h\nnever model: base/json.h\n"
        "third jansson.h: src/base/json.h\nsystem: stddef.h string.h\n"
    ),
    "tools/complexity.max": "4\n",
    ".clang-format": "BasedOnStyle: LLVM\nIndentWidth: 4\n",
    "src/base/err.h": SPDX + "/* err.h - errors. */\n#ifndef E\n#define E\n#include <stddef.h>\nint err(void);\n#endif\n",
    "src/base/json.h": SPDX + "/* json.h - JSON. */\n#ifndef J\n#define J\n#include <jansson.h>\n#endif\n",
    "src/model/model.h": SPDX + '/* model.h - models. */\n#ifndef M\n#define M\n#include "base/err.h"\n#endif\n',
    "src/model/inside.h": SPDX + "/* inside.h - private. */\n#ifndef I\n#define I\n#endif\n",
    "src/train/algo.h": SPDX + "/* algo.h - estimators. */\n#ifndef A\n#define A\ntypedef struct tarn_algo {\n    int x;\n} tarn_algo;\n#endif\n",
    "src/train/train.h": SPDX
    + '/* train: stage 4. In: rows. Out: nodes.\n *\n * Example (compiled by make check-docs):\n *\n *     int two(void)\n *     {\n'
    + ' *         return tarn_algo_count();\n *     }\n */\n#ifndef T\n#define T\n#include "train/algo.h"\n#ifdef __cplusplus\nextern "C" {\n#endif\n'
    + "int tarn_algo_count(void);\nconst tarn_algo *tarn_algo_at(int i);\n#ifdef __cplusplus\n}\n#endif\n#endif\n",
    "src/train/algos.def": "/* algos.def - all. TARN_ALGO(name): train/algos/<name>.c\n * defines tarn_algo_<name>. */\nTARN_ALGO(tree)\nTARN_ALGO(mean)\n",
    "src/train/algos/tree.c": SPDX + '/* tree.c - a tree. */\n#include "model/model.h"\n#include "train/algo.h"\n#include "train/algos/tree_parts.h"\nconst tarn_algo tarn_algo_tree = {1};\n',
    "src/train/algos/tree_parts.c": SPDX + '/* tree_parts.c - pieces. */\n#include "train/algos/tree_parts.h"\n#include <string.h>\n',
    "src/train/algos/tree_parts.h": SPDX + "/* tree_parts.h - pieces. */\n#ifndef P\n#define P\n#endif\n",
    "src/train/algos/mean.c": SPDX + '/* mean.c - the mean. */\n#include "train/algo.h"\nconst tarn_algo tarn_algo_mean = {2};\n',
    "src/cli/main.c": SPDX + '/* main.c - the program. */\n#include "train/algo.h"\n#include "train/train.h"\n'
    + "int main(int c, char **v)\n{\n    if (c > 1 && v)\n        return 1; /* if if if */\n    return tarn_algo_count() ? 2 : 0;\n}\n",
    "tests/conform/algos_test.c": SPDX + '/* algos_test.c - each of them. */\n#include "train/train.h"\nint walk(void) { return tarn_algo_at(0) != NULL; }\n',
}


class Checks(unittest.TestCase):
    def setUp(self):
        self.root = tempfile.mkdtemp()
        for path, text in GOOD.items():
            self.write(path, text)

    def tearDown(self):
        shutil.rmtree(self.root)

    def write(self, path, text):
        full = os.path.join(self.root, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="utf-8") as f:
            f.write(text)

    def change(self, path, old, new):
        self.assertIn(old, GOOD[path])
        self.write(path, GOOD[path].replace(old, new, 1))

    def run_tool(self, tool, *more):
        command = [sys.executable, os.path.join(HERE, tool), "--root", self.root, *more]
        done = subprocess.run(command, capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr

    def passes(self, tool, *more):
        status, out = self.run_tool(tool, *more)
        self.assertEqual(status, 0, out)

    def catches(self, tool, *says):
        status, out = self.run_tool(tool)
        self.assertEqual(status, 1, out)
        for text in says:
            self.assertIn(text, out)
        self.assertIn(": 1 fault\n", out)

    # -- layers

    def test_layers_pass_on_a_good_tree(self):
        self.passes("check_layers.py")

    def test_layers_catch_each_wrong_include(self):
        cases = [
            ("src/base/err.h", "<stddef.h>", '"model/model.h"', "'base' may not look into 'model'"),
            ("src/model/model.h", "base/err.h", "base/json.h", "'model' must not see base/json.h"),
            ("src/model/model.h", "base/err.h", "base/none.h", "no such header: src/base/none.h"),
            ("src/model/model.h", '"base/err.h"', "<jansson.h>", "<jansson.h> may be included by src/base/json.h only"),
            ("src/model/model.h", '"base/err.h"', "<sqlite3.h>", "<sqlite3.h> is not in tools/layers.txt"),
            ("src/model/model.h", "base/err.h", "../base/err.h", "include headers, by their path"),
            ("src/train/algos/tree.c", "model/model.h", "model/inside.h", "model/inside.h is not a door of 'model'"),
            ("src/train/algos/tree.c", "model/model.h", "train/train.h", "a plug-in of train/algos sees train/algo.h"),
            ("src/train/algos/mean.c", "train/algo.h", "train/algos/tree_parts.h", "not train/algos/tree_parts.h"),
            ("src/train/train.h", "train/algo.h", "train/algos/tree_parts.h", "belongs to a plug-in of train/algos"),
            ("src/cli/main.c", "train/algo.h", "model/model.h", "'cli' may not look into 'model'"),
        ]
        for path, old, new, says in cases:
            with self.subTest(path=path, new=new):
                self.change(path, old, new)
                line = next(i for i, t in enumerate(GOOD[path].split("\n"), 1) if old in t and "include" in t)
                self.catches("check_layers.py", f"{path}:{line}: ", says)
                self.write(path, GOOD[path])

    def test_layers_ignore_comments(self):
        self.change("src/base/err.h", "int err(void);", '/*\n#include "cli/cli.h"\n*/\n// #include "x"\nint err(void);')
        self.passes("check_layers.py")

    def test_layers_catch_a_room_that_the_law_does_not_know(self):
        self.write("src/attic/old.c", SPDX)
        self.catches("check_layers.py", "src/attic/old.c:1: room 'attic' is not in tools/layers.txt")

    def test_layers_refuse_a_broken_law(self):
        self.write("tools/layers.txt", GOOD["tools/layers.txt"] + "rooom x: y\n")
        self.assertEqual(self.run_tool("check_layers.py")[0], 2)

    # -- tables

    def test_tables_pass_on_a_good_tree(self):
        self.passes("check_tables.py")

    def test_tables_catch_a_line_without_a_file(self):
        self.write("src/train/algos.def", GOOD["src/train/algos.def"] + "TARN_ALGO(ridge)\n")
        self.catches("check_tables.py", "src/train/algos.def:5: there is no src/train/algos/ridge.c")

    def test_tables_catch_a_file_without_a_line(self):
        self.write("src/train/algos/ridge.c", SPDX)
        self.catches("check_tables.py", "src/train/algos/ridge.c:1: has no line in src/train/algos.def")

    def test_tables_catch_a_file_that_defines_something_else(self):
        self.change("src/train/algos/mean.c", "tarn_algo_mean", "tarn_algo_median")
        self.catches("check_tables.py", "src/train/algos/mean.c:1: does not define tarn_algo_mean")

    def test_tables_catch_a_line_twice_and_a_strange_line(self):
        self.write("src/train/algos.def", GOOD["src/train/algos.def"] + "TARN_ALGO(tree)\n")
        self.catches("check_tables.py", "src/train/algos.def:5: 'tree' stands already in line 3")
        self.write("src/train/algos.def", GOOD["src/train/algos.def"] + "TARN_ALGO tree\n")
        self.catches("check_tables.py", "src/train/algos.def:5: not TARN_ALGO(name)")

    def test_tables_catch_a_list_that_no_test_walks(self):
        self.change("tests/conform/algos_test.c", "tarn_algo_at(0) != NULL", "1 /* tarn_algo_at(0) */")
        self.catches("check_tables.py", "src/train/algos.def:1: no test walks this list")

    def test_tables_catch_a_folder_without_a_list(self):
        self.write("src/train/extras/x.c", SPDX)
        self.catches("check_tables.py", "src/train/extras/x.c:1: no list in src/train/*.def speaks of the folder train/extras")

    # -- docs

    def without_jansson(self):
        self.change("src/base/json.h", "#include <jansson.h>\n", "")

    def test_docs_pass_on_a_good_tree(self):
        self.without_jansson()
        self.change("tests/conform/algos_test.c", "NULL", "0")
        self.passes("check_docs.py")

    def test_docs_catch_an_example_that_does_not_compile(self):
        self.without_jansson()
        self.change("src/train/train.h", " *         return tarn_algo_count();", " *         return tarn_algo_cuont();")
        self.catches("check_docs.py", "src/train/train.h:6: the example does not compile", "train.h:8:", "tarn_algo_cuont")

    def test_docs_catch_a_header_that_needs_another(self):
        self.without_jansson()
        self.change("src/base/err.h", "int err(void);", "size_t err(uint8_t x);")
        status, out = self.run_tool("check_docs.py")
        self.assertEqual(status, 1)
        self.assertIn("src/base/err.h:1: alone as C does not compile", out)

    def test_docs_catch_a_header_that_is_not_cpp(self):
        self.without_jansson()
        self.change("src/train/train.h", "int tarn_algo_count(void);", "int tarn_algo_count(void);\nint new_one(int new);")
        self.catches("check_docs.py", "src/train/train.h:1: alone as C++ does not compile")

    def test_docs_catch_a_file_that_does_not_say_what_it_is(self):
        self.without_jansson()
        self.write("src/cli/more.c", SPDX + "int x;\n")
        self.catches("check_docs.py", "src/cli/more.c:2: the second line must say what this is: /* more.c - ...")
        self.write("src/cli/more.c", "/* more.c - more. */\n")
        self.catches("check_docs.py", "src/cli/more.c:1: the first line must be /* SPDX")

    # -- format

    @unittest.skipUnless(shutil.which("clang-format-14"), "needs clang-format-14")
    def test_format_catches_and_mends_a_crooked_line(self):
        self.assertEqual(self.run_tool("check_format.py", "--fix")[0], 0)
        self.passes("check_format.py")
        self.write("src/cli/more.c", SPDX + "/* more.c - more. */\n\n\nint  x ;\n")
        self.catches("check_format.py", "src/cli/more.c:", "not as .clang-format says")
        self.assertEqual(self.run_tool("check_format.py", "--fix")[0], 0)
        self.passes("check_format.py")

    # -- complexity

    def test_complexity_counts_and_holds_the_ratchet(self):
        self.passes("complexity.py")
        self.assertRegex(self.run_tool("complexity.py")[1], r"\n +4 +\d+  src/cli/main.c:5: main\n")
        self.write("tools/complexity.max", "3\n")
        self.catches("complexity.py", "src/cli/main.c:5: main has complexity 4, more than 3")

    def test_complexity_is_lowered_never_raised(self):
        self.write("tools/complexity.max", "9\n")
        self.passes("complexity.py", "--lower")
        with open(os.path.join(self.root, "tools/complexity.max"), encoding="utf-8") as f:
            self.assertEqual(f.read(), "4\n")
        self.write("tools/complexity.max", "2\n")
        self.assertEqual(self.run_tool("complexity.py", "--lower")[0], 1)

    def test_complexity_reads_c_as_c(self):
        self.write("src/cli/more.c", SPDX + "/* more.c - if. */\n#define Q(x) \\\n    if (x) while (x)\n"
                   + 'static const char *s = "if && ?";\nstruct a { int x; };\nint (*g)(int) = 0;\n'
                   + "static int f(int a,\n             int b)\n{\n    for (;;) switch (a) { case 1: return b || a; default: return '?'; }\n}\n")
        out = self.run_tool("complexity.py")[1]
        self.assertTrue(re.search(r"\n +4 +3  src/cli/more.c:8: f\n", out), out)


if __name__ == "__main__":
    unittest.main()
