#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# scale.sh - what commits, branches and diffs cost as the lake grows, what a commit of 500,000 staged paths costs, and how
# many clients can commit and merge to one branch: on the disk as it is, and on one that needs 5 ms to acknowledge a sync
# (slow_sync.c), each beside the disk's own rate of acknowledged 4 KiB appends; and what the audit log costs of it.
#
#   bench/lake/scale.sh [MOST-PATHS [BUILD [SCRATCH]]]      10000000 build /tmp
set -euo pipefail
most=${1:-10000000} build=${2:-build} scratch=${3:-/tmp}
cd "$(dirname "$0")/../.."
work=$(mktemp -d "$scratch/tarn-bench-XXXXXX")
trap 'rm -rf "$work"' EXIT
. bench/lake/build.inc
lake_program scale "$build" "$work/scale" -Wl,--wrap=tarn_audit_ref
cc -O2 -shared -fPIC -D_GNU_SOURCE bench/lake/slow_sync.c -o "$work/slow_sync.so"

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
    for what in clients unlogged merges; do "$work/scale" "$what" "$work/lake" 64 60; done
    "$work/scale" processes "$work/lake" 64 5
done
echo '{"what":"from here on a sync takes 5 ms"}'
for _ in 1 2 3; do
    for what in clients unlogged merges; do LD_PRELOAD="$work/slow_sync.so" "$work/scale" "$what" "$work/lake" 64 60; done
    LD_PRELOAD="$work/slow_sync.so" "$work/scale" processes "$work/lake" 64 5
done
