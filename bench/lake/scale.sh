#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# scale.sh - what commits, branches and diffs cost as the lake grows, what a commit of 500,000 staged paths costs, and how
# many clients can commit to one branch. Beside them the disk's own rate of acknowledged 4 KiB appends.
#
#   bench/lake/scale.sh [MOST-PATHS [BUILD [SCRATCH]]]      10000000 build /tmp
set -euo pipefail
most=${1:-10000000} build=${2:-build} scratch=${3:-/tmp}
cd "$(dirname "$0")/../.."
work=$(mktemp -d "$scratch/tarn-bench-XXXXXX")
trap 'rm -rf "$work"' EXIT
. bench/lake/build.inc
lake_program scale "$build" "$work/scale"

for ((paths = 10000; paths <= most; paths *= 10)); do
    "$work/scale" build "$work/lake" "$paths"
    "$work/scale" change "$work/lake" 21
    "$work/scale" branch "$work/lake" 21
    "$work/scale" diff "$work/lake"
    rm -rf "$work/lake"
done
"$work/scale" build "$work/lake" 10000
"$work/scale" staged "$work/lake" 500000
for _ in 1 2 3; do
    "$work/scale" syncs "$work"
    "$work/scale" clients "$work/lake" 64 20
    "$work/scale" processes "$work/lake" 64 5
done
