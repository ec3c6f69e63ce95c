#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# small_files.sh - many small files in one commit, and a commit of one changed file on top: Tarn beside git, and beside copies
# of the files, which keep no versions: cp -r and rclone copy, each with a sync of the file system behind it.
#
#   bench/lake/small_files.sh [FILES [RUNS [BUILD [SCRATCH]]]]      100000 3 build /tmp
#
# Both read the same files (100 to 1,000 bytes, made here, warm in memory) and write to the same disk. git as it
# comes, gc.auto off; it does not sync loose objects unless told to (core.fsync), Tarn syncs before it answers.
# Prints each run, medians, and ratios.
set -euo pipefail

files=${1:-100000} runs=${2:-3} build=${3:-build} scratch=${4:-/tmp}
here=$(cd "$(dirname "$0")/../.." && pwd)
cd "$here"
work=$(mktemp -d "$scratch/tarn-bench-XXXXXX")
trap 'rm -rf "$work"' EXIT
for tool in git rclone; do command -v $tool > /dev/null || { echo "$tool is not installed (setup/bench.apt)" >&2; exit 69; }; done
export RCLONE_CONFIG=/dev/null

. bench/lake/build.inc
lake_program small_files "$build" "$work/small_files"

now() { date +%s.%N; }
since() { awk -v a="$1" -v b="$(now)" 'BEGIN { printf "%.3f\n", b - a }'; }
median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

"$work/small_files" make "$work/files" "$files"
warm() { find "$1" -type f -exec cat {} + > /dev/null; }
warm "$work/files"

tarn_import() {
    rm -rf "$work/lake" && mkdir "$work/lake"
    local t; t=$(now)
    "$work/small_files" import "$work/lake" "$work/files" > "$work/said"
    since "$t" >> "$work/tarn_import"
    "$work/small_files" change "$work/lake" 21 | sed 's/.*median \([0-9.]*\) ms.*/\1/' >> "$work/tarn_change"
    for _ in 1 2 3 4 5; do "$work/small_files" once "$work/lake" >> "$work/tarn_once"; done
}

git_import() {
    rm -rf "$work/git" && mkdir "$work/git"
    cp -r "$work/files" "$work/git/tree" # git wants them inside; copying is not measured
    warm "$work/git/tree"
    git -C "$work/git" init -q -b main && git -C "$work/git" config gc.auto 0
    git -C "$work/git" config user.name bench && git -C "$work/git" config user.email bench@example.org
    local t; t=$(now)
    git -C "$work/git" add . && git -C "$work/git" commit -q -m import
    since "$t" >> "$work/git_import"
    for i in 1 2 3 4 5; do
        echo "changed $i" > "$work/git/tree/d01/00/file-000001.txt"
        t=$(now)
        git -C "$work/git" add tree/d01/00/file-000001.txt && git -C "$work/git" commit -q -m change
        awk -v s="$(since "$t")" 'BEGIN { printf "%.2f\n", s * 1000 }' >> "$work/git_change"
    done
}

copies() {
    local t
    rm -rf "$work/copy" "$work/rcopy"
    sync -f "$work"
    t=$(now)
    cp -r "$work/files" "$work/copy" && sync -f "$work/copy"
    since "$t" >> "$work/cp_import"
    t=$(now)
    rclone copy "$work/files" "$work/rcopy" && sync -f "$work/rcopy"
    since "$t" >> "$work/rclone_import"
}

for run in $(seq "$runs"); do # in turn, so that a busy machine is busy for both
    tarn_import
    git_import
    copies
    echo "run $run: tarn $(tail -1 "$work/tarn_import") s, git $(tail -1 "$work/git_import") s, cp $(tail -1 "$work/cp_import") s," \
        "rclone $(tail -1 "$work/rclone_import") s; $(cat "$work/said")"
done

ti=$(median < "$work/tarn_import") gi=$(median < "$work/git_import")
ci=$(median < "$work/cp_import") ri=$(median < "$work/rclone_import")
awk -v ti="$ti" -v ci="$ci" -v ri="$ri" 'BEGIN {
    printf "%-46s %8.2f s %18s %7.1fx\n%-46s %8.2f s %18s %7.1fx\n", "cp -r and sync", ci, "", ci / ti, "rclone copy and sync", ri, "", ri / ti }'
tc=$(median < "$work/tarn_change") to=$(median < "$work/tarn_once") gc=$(median < "$work/git_change")
awk -v n="$files" -v ti="$ti" -v gi="$gi" -v tc="$tc" -v to="$to" -v gc="$gc" 'BEGIN {
    printf "%-46s %10s %10s %8s\n", "median", "tarn", "git", "ratio"
    printf "%-46s %8.2f s %8.2f s %7.1fx\n", "import of " n " files and commit", ti, gi, gi / ti
    printf "%-46s %7.1f ms %7.1f ms %7.1fx\n", "commit of one changed file, new process", to, gc, gc / to
    printf "%-46s %7.1f ms\n", "commit of one changed file, same process", tc }'
"$work/small_files" look "$work/lake"
du -sh "$work/lake/.tarn" "$work/git/.git" | sed "s|$work/||"
