#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# quality_trees.sh - how good boosting, forests and a tree are on well-known data, defaults throughout (boosting: 100 rounds), beside
# scikit-learn's on the same rows; and what it costs if five columns become categories and a tenth of the values is
# missing.
#
#     bench/train/quality_trees.sh DATA [BUILD [THREADS]]      default: build 2
#
# DATA holds adult.csv, telco_churn.csv, letter.csv, shuttle.csv, california_housing.csv, diamonds.csv, digits.csv,
# breast_cancer.csv and iris.csv, the target last; a `split` column, or else every fifth row is for testing. AUC for two
# classes, accuracy for more, RMSE for values. Missing sets are left out.
set -eu
cd "$(dirname "$0")/../.."
data=$1 build=${2:-build} threads=${3:-2} python=${PYTHON:-/usr/bin/python3}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

${CC:-cc} -std=c17 -O2 -D_GNU_SOURCE -Isrc bench/train/fit_bench.c -o "$work/fit_bench" -L"$build" \
    -ltarn_train -ltarn_comm -ltarn_model -ltarn_math -ltarn_base -lcrypto -ljansson -lpthread -lm
export OPENBLAS_NUM_THREADS="$threads" OMP_NUM_THREADS="$threads"

figure() { sed -n 's/.*"\(auc\|accuracy\|rmse\)": \([0-9.]*\).*/\2/p'; }

# row NAME TABLE: the figures of one line
row() {
    printf '%-28s' "$1"
    for algo in boosting forest extra_trees decision_tree; do
        rounds=
        [ $algo = boosting ] && rounds=trees=100
        printf ' %10.5g' "$("$work/fit_bench" "$2" $algo "$threads" $rounds | figure)"
    done
    printf ' |'
    for peer in hgb forest; do printf ' %10.5g' "$("$python" bench/train/peers.py fit "$2" $peer | figure)"; done
    printf '\n'
}

printf '%-28s %10s %10s %10s %10s | %10s %10s\n' '' boosting forest extra tree sk-hgb sk-forest
# set NAME TARGET OPTIONS...
set_of() {
    name=$1 target=$2
    shift 2
    [ -f "$data/$name.csv" ] || return 0
    "$python" bench/train/peers.py write "$data/$name.csv" "$target" "$@" "$work/table"
    row "$name" "$work/table"
    "$python" bench/train/peers.py spoil "$work/table" "$work/spoilt"
    row "$name, spoilt" "$work/spoilt"
}
set_of adult income --positive '>50K' --split split
set_of telco_churn churn --positive Yes
set_of breast_cancer target --positive malignant
set_of letter letter --split split
set_of shuttle class --split split
set_of digits digit
set_of iris species
set_of california_housing median_house_value --regression
set_of diamonds price --regression
