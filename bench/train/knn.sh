#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# knn.sh - exact nearest neighbours beside faiss' flat index, SciPy's cKDTree and scikit-learn, and neighbours through a
# graph beside faiss' HNSW index with the recall of both, on made rows (deterministic).
#
#     bench/train/knn.sh [BUILD [REPEAT [exact|graph]]]      default: build 3, both
#
# Prints seconds to fit and to predict, peak memory and the ratio to each, then in how many rows faiss finds the same
# neighbours. Each fit is a process of its own. Needs Debian's python3-sklearn and libopenblas0-pthread (else faiss and
# scikit-learn multiply by reference routines); python3-faiss and python3-scipy are not run if they are not there.
set -eu
cd "$(dirname "$0")/../.."
build=${1:-build} repeat=${2:-3} part=${3:-both} python=${PYTHON:-/usr/bin/python3}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export OPENBLAS_NUM_THREADS=2 OMP_NUM_THREADS=2 OMP_WAIT_POLICY=passive

${CC:-cc} -std=c17 -O2 -D_GNU_SOURCE -Isrc bench/train/fit_bench.c -o "$work/fit" -L"$build" \
    -ltarn_train -ltarn_comm -ltarn_model -ltarn_math -ltarn_base -lcrypto -ljansson -lpthread -lm
side() { "$python" bench/train/side.py --repeat "$repeat" "$@"; }
peer="$python bench/train/peers.py fit"

exact() {
    "$python" bench/train/peers.py points 900000 100000 "$work/points"
    side "5 nearest of 900,000 x 3" "tarn=$work/fit $work/points knn 2 k=5" \
        "cKDTree=$python bench/train/near_peer.py ckdtree $work/points 5"
    rm "$work/points"
    side "10 nearest of 60,000 x 784" "tarn=$work/fit $work/digits knn 2 k=10" \
        "faiss flat=$python bench/train/near_peer.py faiss $work/digits 10" \
        "scikit-learn=$peer $work/digits sklearn.neighbors.KNeighborsClassifier n_neighbors=10 algorithm=\"brute\" n_jobs=2"
    echo "the same neighbours as faiss flat (which rounds distances to floats):"
    "$python" bench/train/peers.py number "$work/digits" "$work/numbers"
    TARN_BENCH_OUT="$work/means" "$work/fit" "$work/numbers" knn 2 k=10 >"$work/log"
    "$python" bench/train/near_peer.py same "$work/numbers" 10 "$work/means"
    rm "$work/numbers"
}

# Widths of search, Tarn's and faiss', that find as many of the nearest.
graph() {
    "$python" bench/train/near_peer.py labels "$work/digits" "$work/numbered"
    TARN_BENCH_OUT=$work/truth "$work/fit" "$work/numbered" knn 2 k=10 >"$work/exact"
    for widths in "20 20" "50 50"; do
        side "10 nearest of 60,000 x 784, through a graph searched ${widths% *} wide" \
            "tarn=$python bench/train/near_peer.py tarn $work/truth $work/fit $work/numbered approximate_knn 2 k=10 ef=${widths% *}" \
            "faiss hnsw=$python bench/train/near_peer.py hnsw $work/numbered 10 16 200 ${widths#* } $work/truth"
    done
}

"$python" bench/train/peers.py digits28 60000 10000 "$work/digits"
[ "$part" = graph ] || exact
[ "$part" = exact ] || graph
