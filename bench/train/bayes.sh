#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# bayes.sh - naive Bayes beside scikit-learn's, on made rows (deterministic).
#
#     bench/train/bayes.sh [BUILD [ROWS [THREADS]]]      default: build 1000000 2
#
# Programs run by turns, each fit in a process of its own; medians of five. Needs Debian's python3-sklearn.
set -eu
cd "$(dirname "$0")/../.."
build=${1:-build} rows=${2:-1000000} threads=${3:-2} python=${PYTHON:-/usr/bin/python3}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

${CC:-cc} -std=c17 -O2 -D_GNU_SOURCE -Isrc bench/train/fit_bench.c -o "$work/fit_bench" -L"$build" \
    -ltarn_train -ltarn_comm -ltarn_model -ltarn_math -ltarn_base -lcrypto -ljansson -lpthread -lm
"$python" bench/train/peers.py made "$rows" "$((rows / 10))" 28 "$work/numbers"
"$python" bench/train/text_peers.py levels "$rows" "$((rows / 10))" "$work/levels"
peer="$python bench/train/peers.py fit"
"$python" bench/train/side.py "gaussian, $rows x 28" "tarn=$work/fit_bench $work/numbers gaussian_nb $threads" \
    "scikit-learn=$peer $work/numbers sklearn.naive_bayes.GaussianNB"
"$python" bench/train/side.py "Bernoulli, $rows x 28" "tarn=$work/fit_bench $work/numbers bernoulli_nb $threads" \
    "scikit-learn=$peer $work/numbers sklearn.naive_bayes.BernoulliNB"
"$python" bench/train/side.py "categorical, $rows x 20 of 12 levels" "tarn=$work/fit_bench $work/levels categorical_nb $threads" \
    "scikit-learn=$peer $work/levels sklearn.naive_bayes.CategoricalNB"
