#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# logistic.sh - logistic regression beside scikit-learn's two solvers, on made rows (deterministic).
#
#     bench/train/logistic.sh [BUILD [ROWS [THREADS]]]      default: build 1000000 2
#
# Each fit is a process of its own; the median of three counts. scikit-learn is given OpenBLAS threads alike, and an
# allocator that keeps its pages (that favours it), and stops at its own default of 1e-4; we stop at ours, 1e-6 of the
# mean gradient, which is stricter. Needs Debian's python3-sklearn.
set -eu
cd "$(dirname "$0")/../.."
build=${1:-build} rows=${2:-1000000} threads=${3:-2} python=${PYTHON:-/usr/bin/python3}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

${CC:-cc} -std=c17 -O2 -D_GNU_SOURCE -Isrc bench/train/fit_bench.c -o "$work/fit_bench" -L"$build" \
    -ltarn_train -ltarn_comm -ltarn_model -ltarn_math -ltarn_base -lcrypto -ljansson -lpthread -lm
"$python" bench/train/peers.py made "$rows" "$((rows / 10))" 28 "$work/table"
export OPENBLAS_NUM_THREADS="$threads" OMP_NUM_THREADS="$threads"
export MALLOC_MMAP_THRESHOLD_=4294967296 MALLOC_TRIM_THRESHOLD_=4294967296 MALLOC_TOP_PAD_=268435456 MALLOC_ARENA_MAX=1

# three NAME COMMAND...: run it three times, print the middle line, keep the middle time in $work/NAME
three() {
    name=$1
    shift
    for _ in 1 2 3; do "$@"; done |
        sed 's/.*"fit_s": \([0-9.]*\).*/\1 &/' | sort -n | sed -n 2p >"$work/line"
    cut -d' ' -f1 "$work/line" >"$work/$name"
    cut -d' ' -f2- "$work/line"
}

three newton "$work/fit_bench" "$work/table" logistic "$threads" solver=newton
three lbfgs "$work/fit_bench" "$work/table" logistic "$threads" solver=lbfgs
three sk-newton "$python" bench/train/logistic_peer.py "$work/table" newton-cholesky 1e-4
three sk-lbfgs "$python" bench/train/logistic_peer.py "$work/table" lbfgs 1e-4
for solver in newton lbfgs; do
    awk -v s="$solver" 'NR == FNR { ours = $1; next } { printf "%s: scikit-learn takes %.2f times as long\n", s, $1 / ours }' \
        "$work/$solver" "$work/sk-$solver"
done
