#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# large_file.sh - one large file (plain Parquet) in and out: Tarn beside `cp` with a sync, and git.
#
#   bench/lake/large_file.sh [MEGABYTES [RUNS [BUILD [SCRATCH]]]]      2048 3 build /tmp
#
# In: put and commit, synced (git does not sync loose objects). Out: the whole file to /dev/null, warm. Prints medians, peak
# memory of Tarn's put, and ratios.
set -euo pipefail
megabytes=${1:-2048} runs=${2:-3} build=${3:-build} scratch=${4:-/tmp}
cd "$(dirname "$0")/../.."
tarn=$(realpath "$build/tarn")
work=$(mktemp -d "$scratch/tarn-bench-XXXXXX")
trap 'rm -rf "$work"' EXIT
file=$work/table.parquet
mkdir "$work/any" && "$tarn" init "$work/any" > /dev/null
"$tarn" sql --folder "$work/any" "COPY (SELECT i AS id, hash(i) % 1000000 AS n, (hash(i + 1) % 100000) / 100.0 AS price,
    'city ' || (hash(i + 2) % 5000) AS city, TIMESTAMP '2020-01-01' + to_seconds(i) AS at
    FROM range($megabytes * 22000) t(i)) TO '$file' (FORMAT parquet, COMPRESSION uncompressed)" > /dev/null
echo "$(stat -c %s "$file") bytes"
timed() { # NAME COMMAND...: seconds appended to NAME
    local name=$1 a b
    shift
    a=$(date +%s%N)
    "$@" > /dev/null
    b=$(date +%s%N)
    awk -v n=$((b - a)) 'BEGIN { printf "%.3f\n", n / 1e9 }' >> "$work/$name"
}
median() { sort -n "$work/$1" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
put() { "$tarn" lake put "$file" --folder "$work/lake" && "$tarn" lake commit --message m --folder "$work/lake"; }
copy() { cp "$file" "$work/copy" && sync "$work/copy"; }
git_add() { git -C "$work/git" add table.parquet && git -C "$work/git" commit -q -m m; }
for _ in $(seq "$runs"); do
    cat "$file" > /dev/null
    rm -rf "$work/lake" "$work/copy" "$work/git"
    mkdir "$work/lake" "$work/git" && "$tarn" init "$work/lake" > /dev/null
    git -C "$work/git" init -q && git -C "$work/git" config user.name b && git -C "$work/git" config user.email b@example.org
    ln "$file" "$work/git/table.parquet"
    timed tarn_in put
    timed cp_in copy
    timed git_in git_add
    timed tarn_out "$tarn" lake cat main/table.parquet --folder "$work/lake"
    timed cp_out dd if="$work/copy" of=/dev/null bs=1M status=none
    timed git_out git -C "$work/git" show HEAD:table.parquet
done
printf '%-8s %10s %10s %10s %12s %12s\n' '' 'tarn s' 'file s' 'git s' 'tarn/file' 'git/tarn'
for way in in out; do
    awk -v w=$way -v t="$(median tarn_$way)" -v c="$(median cp_$way)" -v g="$(median git_$way)" \
        'BEGIN { printf "%-8s %10.2f %10.2f %10.2f %12.2f %12.2f\n", w, t, c, g, t / c, g / t }'
done
du -sh "$work/lake/.tarn" "$work/git/.git" | sed "s|$work/||"
