#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# text.sh - from a file of text lines to a model, beside scikit-learn, LIBLINEAR and Vowpal Wabbit (where installed).
#
#     bench/train/text.sh [BUILD [TEXTS [STREAM [THREADS [REPEAT]]]]]      default: build 200000 1000000 2 3
#
# Reading the file is part of fit_s. Programs run by turns; medians. Needs Debian's python3-sklearn; liblinear-tools and vw
# are used if they are there.
set -eu
cd "$(dirname "$0")/../.."
build=${1:-build} texts=${2:-200000} stream=${3:-1000000} threads=${4:-2} repeat=${5:-3} python=${PYTHON:-/usr/bin/python3}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

${CC:-cc} -std=c17 -O2 -D_GNU_SOURCE -Isrc bench/train/text_bench.c -o "$work/text_bench" -L"$build" \
    -ltarn_train -ltarn_prepare -ltarn_table -ltarn_comm -ltarn_model -ltarn_math -ltarn_base setup/native/libduckdb.so \
    -Wl,-rpath,"$PWD/setup/native" -lcrypto -ljansson -lz -lzstd -lpthread -lm
mkdir "$work/t" "$work/s"
"$python" bench/train/text_peers.py lines "$texts" "$((texts / 10))" "$work/t"
"$python" bench/train/text_peers.py stream "$stream" "$((stream / 10))" "$work/s"
peer="$python bench/train/text_peers.py"
side() { "$python" bench/train/side.py --repeat "$repeat" "$@"; }
tarn="$work/text_bench $work/t/train.txt $work/t/test.txt"

for nb in multinomial Bernoulli complement; do
    class=$(echo "$nb" | sed 's/^m/M/; s/^c/C/')
    side "$nb naive Bayes, $texts texts" "tarn=$tarn $(echo "$nb" | tr B b)_nb $threads 0" \
        "scikit-learn=$peer fit $work/t sklearn.naive_bayes.${class}NB"
done
side "one pass over $texts texts, 20 classes" "tarn=$tarn sgd $threads 18 epochs=1" \
    "scikit-learn=$peer fit $work/t sklearn.linear_model.SGDClassifier loss=\\\"log_loss\\\" alpha=1e-6 random_state=1 batch=1000" \
    "vw=$peer vw $work/t --oaa 20 --loss_function logistic -b 20" \
    "liblinear=$peer liblinear $work/t -s 4 -e 1"
side "linear SVM, $texts texts, 20 classes, one against the rest" "tarn=$tarn linear_svm $threads 0 folds=0 intercept=false" \
    "liblinear-dual=$peer liblinear $work/t -s 1" "liblinear-primal=$peer liblinear $work/t -s 2" \
    "liblinear-together=$peer liblinear $work/t -s 4"
side "one pass over $stream rows of 28 numbers" "tarn=$work/text_bench $work/s/train.txt $work/s/test.txt sgd $threads 8 epochs=1" \
    "scikit-learn=$peer fit $work/s sklearn.linear_model.SGDClassifier loss=\\\"log_loss\\\" random_state=1 batch=1000" \
    "vw=$peer vw $work/s --loss_function logistic -b 18"
