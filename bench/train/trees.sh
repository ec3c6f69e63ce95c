#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# trees.sh - boosting and forest beside scikit-learn's, on made rows (deterministic).
#
#     bench/train/trees.sh [BUILD [ROWS [THREADS]]]      default: build 200000 2
#
# Each fit is a process of its own. scikit-learn is given as many threads. Needs Debian's python3-sklearn.
set -eu
cd "$(dirname "$0")/../.."
build=${1:-build} rows=${2:-200000} threads=${3:-2} python=${PYTHON:-/usr/bin/python3}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

${CC:-cc} -std=c17 -O2 -D_GNU_SOURCE -Isrc bench/train/fit_bench.c -o "$work/fit_bench" -L"$build" \
    -ltarn_train -ltarn_comm -ltarn_model -ltarn_math -ltarn_base -lcrypto -ljansson -lpthread -lm
"$python" bench/train/peers.py made "$rows" "$((rows / 10))" 28 "$work/table"
export OPENBLAS_NUM_THREADS="$threads" OMP_NUM_THREADS="$threads"
"$work/fit_bench" "$work/table" boosting "$threads" trees=100
"$python" bench/train/peers.py fit "$work/table" hgb max_iter=100
"$work/fit_bench" "$work/table" forest "$threads" trees=50
"$python" bench/train/peers.py fit "$work/table" forest n_estimators=50
