#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# linear.sh - linear estimators beside scikit-learn's (and numpy's normal equations), on made rows (deterministic).
#
#     bench/train/linear.sh [BUILD [REPEAT]]      default: build 5
#
# Each fit is a process of its own. scikit-learn is given OpenBLAS threads alike, and an allocator that keeps its pages
# (that favours it). Needs Debian's python3-sklearn.
set -eu
cd "$(dirname "$0")/../.."
build=${1:-build} repeat=${2:-5} python=${PYTHON:-/usr/bin/python3}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export OPENBLAS_NUM_THREADS=2 OMP_NUM_THREADS=2
export MALLOC_MMAP_THRESHOLD_=4294967296 MALLOC_TRIM_THRESHOLD_=4294967296 MALLOC_TOP_PAD_=268435456 MALLOC_ARENA_MAX=1

${CC:-cc} -std=c17 -O2 -D_GNU_SOURCE -Isrc bench/train/fit_bench.c -o "$work/fit" -L"$build" \
    -ltarn_train -ltarn_comm -ltarn_model -ltarn_math -ltarn_base -lcrypto -ljansson -lpthread -lm
side() { "$python" bench/train/side.py --repeat "$repeat" "$@"; }
peer="$python bench/train/peers.py fit"

"$python" bench/train/peers.py line 500000 50000 100 "$work/big"
side "least squares, 500,000 x 100" "tarn ols=$work/fit $work/big ols 2" \
    "numpy normal equations=$peer $work/big bench.normal" \
    "scikit-learn=$peer $work/big sklearn.linear_model.LinearRegression"
side "ridge, 500,000 x 100" "tarn=$work/fit $work/big ridge 2" "scikit-learn=$peer $work/big sklearn.linear_model.Ridge"
side "lasso, 500,000 x 100" "tarn=$work/fit $work/big elastic_net 2 alpha=0.01 l1_ratio=1" \
    "scikit-learn=$peer $work/big sklearn.linear_model.Lasso alpha=0.01"
rm "$work/big"
"$python" bench/train/peers.py line 100000 10000 100 "$work/path"
side "elastic net, path of 100 and 5 folds, 100,000 x 100" "tarn=$work/fit $work/path elastic_net 2" \
    "scikit-learn=$peer $work/path sklearn.linear_model.ElasticNetCV precompute=true n_jobs=2"
side "Huber, 100,000 x 100" "tarn=$work/fit $work/path huber 2" \
    "scikit-learn=$peer $work/path sklearn.linear_model.HuberRegressor max_iter=1000"
"$python" bench/train/peers.py line 5000 1000 20 "$work/small"
side "median, 5,000 x 20" "tarn=$work/fit $work/small quantile 2" \
    "scikit-learn=$peer $work/small sklearn.linear_model.QuantileRegressor alpha=0 solver=highs"
"$python" bench/train/peers.py made 1000000 100000 28 "$work/made"
side "linear SVM with probabilities, 1,000,000 x 28" "tarn=$work/fit $work/made linear_svm 2" \
    "tarn without folds=$work/fit $work/made linear_svm 2 folds=0" \
    "scikit-learn (margins)=$peer $work/made sklearn.svm.LinearSVC dual=false"
side "logistic, L1, 1,000,000 x 28" "tarn=$work/fit $work/made logistic 2 l1_ratio=1 C=0.01" \
    "scikit-learn=$peer $work/made sklearn.linear_model.LogisticRegression C=0.01 penalty=l1 solver=liblinear"
