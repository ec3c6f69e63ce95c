#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# history.sh - branches, merges and looking back, on trees of three sizes and on a long history: that the cost is in the
# change, not in the size.
#
#   bench/lake/history.sh [BUILD [SCRATCH]]      build /tmp
set -euo pipefail

build=${1:-build} scratch=${2:-/tmp}
here=$(cd "$(dirname "$0")/../.." && pwd)
cd "$here"
work=$(mktemp -d "$scratch/tarn-bench-XXXXXX")
trap 'rm -rf "$work"' EXIT

. bench/lake/build.inc
lake_program history "$build" "$work/history"
for paths in 10000 100000 1000000; do
    mkdir "$work/lake" && "$build/tarn" init "$work/lake" > /dev/null
    "$work/history" merge "$work/lake" "$paths"
    rm -rf "$work/lake"
done
mkdir "$work/lake" && "$build/tarn" init "$work/lake" > /dev/null
"$work/history" history "$work/lake" 10000
