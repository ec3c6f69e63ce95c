#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# trees.sh - boosting, forests and a tree beside scikit-learn, XGBoost and (where it is installed) LightGBM, on made rows
# (deterministic): like the HIGGS set in shape, 28 columns of which 16 tell something.
#
#     bench/train/trees.sh [BUILD [ROWS [THREADS [REPEAT]]]]      default: build 1000000 2 3
#
# Boosting and the tree of depth 10 see all rows, forests a fifth of them. What categories and missing values cost is shown
# by the same rows with five columns made categories and a tenth of all values missing: its ratio says how much longer they
# take. Each fit is a process of its own, by turns;
# medians count. Needs Debian's python3-sklearn; python3-xgboost if it is to be compared.
set -eu
cd "$(dirname "$0")/../.."
build=${1:-build} rows=${2:-1000000} threads=${3:-2} repeat=${4:-3} python=${PYTHON:-/usr/bin/python3}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

${CC:-cc} -std=c17 -O2 -D_GNU_SOURCE -Isrc bench/train/fit_bench.c -o "$work/fit_bench" -L"$build" \
    -ltarn_train -ltarn_comm -ltarn_model -ltarn_math -ltarn_base -lcrypto -ljansson -lpthread -lm
"$python" bench/train/peers.py made "$rows" "$((rows / 10))" 28 "$work/all"
"$python" bench/train/peers.py made "$((rows / 5))" "$((rows / 10))" 28 "$work/fifth"
export OPENBLAS_NUM_THREADS="$threads" OMP_NUM_THREADS="$threads"

# side TITLE TABLE "TARN ARGUMENTS" NAME "PEER ARGUMENTS" ...
side() {
    title=$1 table=$work/$2 ours=$3
    shift 3
    set -- "$@" --
    while [ "$1" != -- ]; do
        name=$1 peer=$2
        shift 2
        set -- "$@" "$name=$python bench/train/peers.py fit $table $peer"
    done
    shift
    "$python" bench/train/side.py --repeat "$repeat" "$title" \
        "tarn=$work/fit_bench $table ${ours%% *} $threads ${ours#* }" "$@"
}

# spoilt TITLE TABLE "TARN ARGUMENTS": the table as it is beside the spoilt one.
spoilt() {
    "$python" bench/train/peers.py spoil "$work/$2" "$work/$2-spoilt"
    "$python" bench/train/side.py --repeat "$repeat" "$1: plain, and with categories and missing values" \
        "plain=$work/fit_bench $work/$2 ${3%% *} $threads ${3#* }" \
        "spoilt=$work/fit_bench $work/$2-spoilt ${3%% *} $threads ${3#* }"
}

side "boosting, 255 leaves, 100 rounds" all "boosting trees=100 leaves=255" \
    scikit-learn "hgb max_iter=100 max_leaf_nodes=255" \
    XGBoost "xgb n_estimators=100 max_leaves=255 learning_rate=0.1 n_jobs=$threads" \
    LightGBM "lgb n_estimators=100 num_leaves=255 n_jobs=$threads"
side "boosting, 31 leaves, 100 rounds" all "boosting trees=100 leaves=31" \
    scikit-learn "hgb max_iter=100 max_leaf_nodes=31" \
    XGBoost "xgb n_estimators=100 max_leaves=31 learning_rate=0.1 n_jobs=$threads" \
    LightGBM "lgb n_estimators=100 num_leaves=31 n_jobs=$threads"
side "decision tree, depth 10" all "decision_tree max_depth=10" \
    scikit-learn "sklearn.tree.DecisionTreeClassifier max_depth=10"
side "random forest, 50 trees, a fifth of the rows" fifth "forest trees=50" \
    scikit-learn "sklearn.ensemble.RandomForestClassifier n_estimators=50 n_jobs=$threads"
side "extra trees, 50 trees, a fifth of the rows" fifth "extra_trees trees=50" \
    scikit-learn "sklearn.ensemble.ExtraTreesClassifier n_estimators=50 n_jobs=$threads"
spoilt "boosting, 31 leaves, 100 rounds" all "boosting trees=100 leaves=31"
spoilt "random forest, 50 trees" fifth "forest trees=50"
spoilt "extra trees, 50 trees" fifth "extra_trees trees=50"
