#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# svm.sh - support vector machines with kernels beside scikit-learn's (LIBSVM), on made rows (deterministic).
#
#     bench/train/svm.sh [BUILD [REPEAT]]      default: build 3
#
# Each fit is a process of its own. Without folds neither program fits probabilities. Needs Debian's python3-sklearn.
set -eu
cd "$(dirname "$0")/../.."
build=${1:-build} repeat=${2:-3} python=${PYTHON:-/usr/bin/python3}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

${CC:-cc} -std=c17 -O2 -D_GNU_SOURCE -Isrc bench/train/fit_bench.c -o "$work/fit" -L"$build" \
    -ltarn_train -ltarn_comm -ltarn_model -ltarn_math -ltarn_base -lcrypto -ljansson -lpthread -lm
side() { "$python" bench/train/side.py --repeat "$repeat" "$@"; }
peer="$python bench/train/peers.py fit"

"$python" bench/train/peers.py clouds 20000 10000 "$work/clouds"
side "SVM, RBF, 20,000 x 20" "tarn=$work/fit $work/clouds svm 2 C=10 gamma=0.05 folds=0" \
    "tarn 1 thread=$work/fit $work/clouds svm 1 C=10 gamma=0.05 folds=0" \
    "scikit-learn=$peer $work/clouds sklearn.svm.SVC C=10 gamma=0.05 cache_size=2000"
"$python" bench/train/peers.py clouds 5000 2500 "$work/few"
side "the same with probabilities, 5,000 x 20" "tarn=$work/fit $work/few svm 2 C=10 gamma=0.05" \
    "scikit-learn=$peer $work/few sklearn.svm.SVC C=10 gamma=0.05 probability=true"
"$python" bench/train/peers.py waves 20000 10000 "$work/waves"
side "regression, RBF, 20,000 x 10" "tarn=$work/fit $work/waves svm 2 C=10 gamma=0.5" \
    "scikit-learn=$peer $work/waves sklearn.svm.SVR C=10 gamma=0.5 cache_size=2000"
