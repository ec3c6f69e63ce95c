#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The programs of bench/ compile: they are built only when somebody measures.
set -euo pipefail
cd "$(dirname "$0")/.."
n=0
for f in bench/*/*.c; do
    "${CC:-cc}" -std=c17 -march=x86-64-v3 -D_GNU_SOURCE -Isrc -Isetup/native/include -fsyntax-only -Werror "$f"
    n=$((n + 1))
done
echo "bench ($n programs): all compile"
