#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# large_file.sh - one large file in and out: Tarn beside `cp` with a sync, rclone, git and (where it is installed) dvc; and
# reading all of it, and pieces here and there, beside read(2) and mmap(2).
#
#   bench/lake/large_file.sh [MEGABYTES [RUNS [BUILD [SCRATCH [FORMS]]]]]      2048 3 build /tmp "uncompressed zstd"
#
# The file is Parquet twice: uncompressed, as Tarn keeps its tables (the lake compresses it), and compressed by zstd, which
# nothing makes smaller. In: put and commit; all but git and dvc with a sync at the end (neither syncs what it adds unless it is told to).
# Out: to /dev/null and to a file, from memory. git is slow, and runs once. Prints medians, peak memory, and ratios.
set -euo pipefail
megabytes=${1:-2048} runs=${2:-3} build=${3:-build} scratch=${4:-/tmp} forms=${5:-uncompressed zstd}
cd "$(dirname "$0")/../.."
for tool in git rclone /usr/bin/time; do command -v $tool > /dev/null || { echo "$tool is not installed (setup/bench.apt)" >&2; exit 69; }; done
tarn=$(realpath "$build/tarn")
work=$(mktemp -d "$scratch/tarn-bench-XXXXXX")
trap 'rm -rf "$work"' EXIT
. bench/lake/build.inc
lake_program large_file "$build" "$work/large_file"
mkdir "$work/any" && "$tarn" init "$work/any" > /dev/null
command -v dvc > /dev/null || echo "dvc is not installed (it is not in Debian): no figures of it"
file=$work/table.parquet

timed() { # NAME COMMAND...: seconds and peak KiB appended to NAME
    local name=$1
    shift
    /usr/bin/time -a -o "$work/$name" -f '%e %M' "$@" > "${out:-/dev/null}"
}
script() { printf '#!/bin/sh\nset -e\n%s\n' "$2" > "$work/$1.sh"; chmod +x "$work/$1.sh"; } # so that a side is one process to time
median() { [ -s "$work/$1" ] && awk '{ print $1 }' "$work/$1" | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }' || echo 0; }
memory() { [ -s "$work/$1" ] && awk '{ if ($2 > m) m = $2 } END { print int(m / 1024) }' "$work/$1" || echo 0; }
row() { # WHAT SIDE SECONDS OF-TARN
    awk -v w="$1" -v s="$2" -v t="$(median "$2")" -v m="$(memory "$2")" -v us="$(median "$3")" \
        'BEGIN { if (t > 0) printf "  %-34s %9.3f s %6d MB   %6.2f of tarn\n", w, t, m, (us > 0 ? t / us : 0) }'
}
script put "'$tarn' lake put '$file' --folder '$work/lake' && '$tarn' lake commit --message m --folder '$work/lake'"
script cp "cp '$file' '$work/copy' && sync '$work/copy'"
export RCLONE_CONFIG=/dev/null
script rclone "rclone copyto '$file' '$work/rcopy' && sync '$work/rcopy'"
script git "git -C '$work/git' add table.parquet && git -C '$work/git' commit -q -m m"
script dvc "cd '$work/dvc' && dvc add -q table.parquet"

one_form() {
    local form=$1 rows=$((megabytes * 22000)) columns="hash(i) % 1000000 AS n, (hash(i + 1) % 100000) / 100.0 AS price,
        'city ' || (hash(i + 2) % 5000) AS city, TIMESTAMP '2020-01-01' + to_seconds(i) AS at"
    if [ "$form" != uncompressed ]; then rows=$((megabytes * 25500)) columns="hash(i) AS n, hash(i + 1)::DOUBLE / 3.0 AS x, hash(i * 7)::VARCHAR AS code"; fi
    "$tarn" sql --folder "$work/any" "COPY (SELECT i AS id, $columns FROM range($rows) t(i)) TO '$file' (FORMAT parquet, COMPRESSION $form)" > /dev/null
    sync "$file"
    rm -f "$work"/tarn_* "$work"/cp_* "$work"/rclone_* "$work"/git_* "$work"/dvc_* "$work"/dd_*
    for run in $(seq "$runs"); do
        cat "$file" > /dev/null
        rm -rf "$work/lake" "$work/copy" "$work/rcopy" "$work/back"
        mkdir "$work/lake" && "$tarn" init "$work/lake" > /dev/null
        timed tarn_in "$work/put.sh"
        timed cp_in "$work/cp.sh"
        timed rclone_in "$work/rclone.sh"
        timed tarn_out "$tarn" lake cat main/table.parquet --folder "$work/lake"
        timed dd_out dd if="$work/copy" of=/dev/null bs=1M status=none
        out=$work/back timed tarn_file "$tarn" lake cat main/table.parquet --folder "$work/lake"
        cmp "$work/back" "$file"
        rm "$work/back"
        timed cp_file cp "$file" "$work/back"
        [ "$run" = 1 ] || continue
        rm -rf "$work/git" "$work/dvc"
        mkdir "$work/git"
        git -C "$work/git" init -q && git -C "$work/git" config user.name b && git -C "$work/git" config user.email b@example.org
        ln "$file" "$work/git/table.parquet"
        timed git_in "$work/git.sh"
        timed git_out git -C "$work/git" show HEAD:table.parquet
        if command -v dvc > /dev/null; then
            mkdir "$work/dvc" && (cd "$work/dvc" && git init -q && dvc init -q) && cp "$file" "$work/dvc/"
            timed dvc_in "$work/dvc.sh"
        fi
    done
    printf '\nParquet, %s: %s bytes; stored by tarn %s, by git %s; medians of %s\n' "$form" "$(stat -c %s "$file")" \
        "$(du -sb "$work/lake/.tarn/packs" | cut -f1)" "$(du -sb "$work/git/.git/objects" | cut -f1)" "$runs"
    row 'in:  tarn put and commit' tarn_in tarn_in
    row '     cp and sync' cp_in tarn_in
    row '     rclone copyto and sync' rclone_in tarn_in
    row '     git add and commit (one run)' git_in tarn_in
    row '     dvc add (one run)' dvc_in tarn_in
    row 'out: tarn cat to /dev/null' tarn_out tarn_out
    row '     dd to /dev/null' dd_out tarn_out
    row '     git show to /dev/null (one run)' git_out tarn_out
    row '     tarn cat to a file' tarn_file tarn_file
    row '     cp' cp_file tarn_file
    cat "$file" > /dev/null
    "$work/large_file" "$work/lake" main/table.parquet "$file" "$runs"
}
for form in $forms; do one_form "$form"; done
