#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# table_versions.sh - versions of a large table (plain Parquet), each with 1 % of its rows changed all over it: what they take in
# Tarn's lake, compressed by zstd one by one, and in git (as it is added, and once more after a gc at the end).
#
#   bench/lake/table_versions.sh [MEGABYTES [VERSIONS [BUILD [SCRATCH]]]]      1024 10 build /tmp
#
# The time of Tarn is put and commit together, synced; that of git is add and commit, not synced. The last version is read back and
# compared. git does not look for what changed in files over 512 MB (core.bigFileThreshold).
set -euo pipefail
megabytes=${1:-1024} versions=${2:-10} build=${3:-build} scratch=${4:-/tmp}
for tool in git zstd /usr/bin/time; do command -v $tool > /dev/null || { echo "$tool is not installed (setup/bench.apt)" >&2; exit 69; }; done
tarn=$(realpath "$build/tarn")
work=$(mktemp -d "$scratch/tarn-bench-XXXXXX")
trap 'rm -rf "$work"' EXIT
timed() { # WHAT COMMAND...: seconds into the variable WHAT, peak memory into memory
    local what=$1
    shift
    /usr/bin/time -o "$work/time" -f '%e %M' "$@" > "${out:-/dev/null}"
    read -r seconds memory < "$work/time"
    printf -v "$what" '%s' "$seconds"
}
bytes() { du -sb "$1" | cut -f1; }
mkdir "$work/lake" "$work/git"
"$tarn" init "$work/lake" > /dev/null
git -C "$work/git" init -q && git -C "$work/git" config gc.auto 0
git -C "$work/git" config user.name b && git -C "$work/git" config user.email b@example.org
printf '#!/bin/sh\nset -e\n%s\n' "'$tarn' lake put '$work/table.parquet' --folder '$work/lake' && '$tarn' lake commit --message m --folder '$work/lake'" > "$work/put"
printf '#!/bin/sh\nset -e\n%s\n' "git -C '$work/git' add table.parquet && git -C '$work/git' commit -q -m m" > "$work/add"
chmod +x "$work/put" "$work/add"
sql() { "$tarn" sql --folder "$work/lake" "COPY ($1) TO '$work/next.parquet' (FORMAT parquet, COMPRESSION uncompressed)" > /dev/null; }
printf '%7s %12s %14s %14s %14s %9s %9s %9s\n' version bytes 'tarn adds' 'zstd of it' 'git adds' 'tarn s' 'zstd s' 'git s'
tarn_all=0 zstd_all=0 git_all=0 tarn_memory=0
for k in $(seq "$versions"); do
    if [ "$k" = 1 ]; then
        sql "SELECT i AS id, hash(i) % 1000000 AS n, (hash(i + 1) % 100000) / 100.0 AS price, 'city ' || (hash(i + 2) % 5000) AS city,
            TIMESTAMP '2020-01-01' + to_seconds(i) AS made FROM range($megabytes * 30000) t(i)"
    else
        sql "SELECT id, CASE WHEN hash(id * 1000 + $k) % 100 = 0 THEN hash(id + $k) % 1000000 ELSE n END AS n, price, city, made
            FROM read_parquet('$work/table.parquet')"
    fi
    mv "$work/next.parquet" "$work/table.parquet"
    cp "$work/table.parquet" "$work/git/table.parquet"
    sync -f "$work"
    a=$(bytes "$work/lake/.tarn/packs") b=$(bytes "$work/git/.git/objects")
    timed tarn_s "$work/put"
    [ "$memory" -le "$tarn_memory" ] || tarn_memory=$memory
    out=$work/zst timed zstd_s zstd -q -3 -T1 -c "$work/table.parquet"
    timed git_s "$work/add"
    tarn_adds=$(($(bytes "$work/lake/.tarn/packs") - a)) zstd_of=$(stat -c %s "$work/zst") git_adds=$(($(bytes "$work/git/.git/objects") - b))
    tarn_all=$((tarn_all + tarn_adds)) zstd_all=$((zstd_all + zstd_of)) git_all=$((git_all + git_adds))
    printf '%7s %12s %14s %14s %14s %9s %9s %9s\n' "$k" "$(stat -c %s "$work/table.parquet")" $tarn_adds "$zstd_of" $git_adds "$tarn_s" "$zstd_s" "$git_s"
done
printf '%7s %12s %14s %14s %14s\n' all '' $tarn_all $zstd_all $git_all
awk -v t=$tarn_all -v z=$zstd_all -v g=$git_all -v m=$tarn_memory 'BEGIN {
    printf "zstd / tarn %.2f, git / tarn %.2f; peak memory of a put %d MB\n", z / t, g / t, m / 1024 }'
timed gc_s git -C "$work/git" gc -q
printf 'git after a gc of %s s and %s MB: %s bytes, git / tarn %s\n' "$gc_s" $((memory / 1024)) "$(bytes "$work/git/.git/objects")" \
    "$(awk -v t=$tarn_all -v g="$(bytes "$work/git/.git/objects")" 'BEGIN { printf "%.2f", g / t }')"
out=$work/back timed tarn_s "$tarn" lake cat main/table.parquet --folder "$work/lake"
cmp "$work/back" "$work/table.parquet" && echo "the last version read back in $tarn_s s, and the same"
