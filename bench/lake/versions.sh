#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# versions.sh - versions of a table of 30 MB, with scattered edits, as CSV and as plain Parquet: what each adds to Tarn's
# lake, to git (packed by gc after each), and what `zstd --patch-from` the version before makes of it.
#
#   bench/lake/versions.sh [VERSIONS [ROWS [BUILD [SCRATCH]]]]      10 660000 build /tmp
#
# Times are of whole processes, put and commit together, synced. Every version is read back and compared.
set -euo pipefail

versions=${1:-10} rows=${2:-660000} build=${3:-build} scratch=${4:-/tmp}
here=$(cd "$(dirname "$0")/../.." && pwd)
tarn=$(realpath "$build/tarn")
work=$(mktemp -d "$scratch/tarn-bench-XXXXXX")
trap 'rm -rf "$work"' EXIT
for tool in git zstd python3; do command -v $tool > /dev/null || { echo "$tool is not installed" >&2; exit 69; }; done

now() { date +%s%N; }
ms() { echo $((($2 - $1) / 1000000)); }
bytes() { du -sb "$@" | awk '{ n += $1 } END { print n }'; }

mkdir "$work/data" "$work/any"
python3 "$here/bench/lake/versions.py" "$work/data" "$rows" "$versions"
"$tarn" init --folder "$work/any" > /dev/null
for k in $(seq "$versions"); do
    "$tarn" sql --folder "$work/any" "COPY (SELECT column0 AS id, column1 AS city, column2 AS n, column3 AS x, column4 AS word,
        column5 AS day FROM read_csv('$work/data/v$k.csv', header = false))
        TO '$work/data/v$k.parquet' (FORMAT parquet, COMPRESSION uncompressed)" > /dev/null
done

one() { # KIND
    local lake=$work/lake-$1 git=$work/git-$1 k a b before=0 packed=0 patch tarn_ms git_ms gc_ms
    mkdir "$lake" "$git"
    "$tarn" init --folder "$lake" > /dev/null
    git -C "$git" init -q -b main
    git -C "$git" config user.name bench && git -C "$git" config user.email bench@example.org
    git -C "$git" config gc.auto 0
    printf '\n%s of %s bytes\n%8s %12s %12s %12s %10s %10s %10s\n' "$1" "$(stat -c %s "$work/data/v1.$1")" version \
        tarn git zstd 'tarn ms' 'git ms' 'git gc ms'
    for k in $(seq "$versions"); do
        cp "$work/data/v$k.$1" "$git/table.$1"
        a=$(now)
        "$tarn" lake put "$work/data/v$k.$1" --to "table.$1" --folder "$lake" > /dev/null
        "$tarn" lake commit --message "$k" --folder "$lake" > /dev/null
        b=$(now); tarn_ms=$(ms "$a" "$b")
        a=$(now)
        git -C "$git" add . && git -C "$git" commit -q -m "$k"
        b=$(now); git_ms=$(ms "$a" "$b")
        a=$(now)
        git -C "$git" gc -q
        b=$(now); gc_ms=$(ms "$a" "$b")
        patch=$(if [ "$k" = 1 ]; then zstd -q -3 -c "$work/data/v$k.$1"
                else zstd -q -3 --long=27 --patch-from "$work/data/v$((k - 1)).$1" -c "$work/data/v$k.$1"; fi | wc -c)
        printf '%8s %12s %12s %12s %10s %10s %10s\n' "$k" $(($(bytes "$lake/.tarn/packs") - before)) \
            $(($(bytes "$git/.git/objects") - packed)) "$patch" "$tarn_ms" "$git_ms" "$gc_ms"
        before=$(bytes "$lake/.tarn/packs") packed=$(bytes "$git/.git/objects")
    done
    printf '%8s %12s %12s\n' all "$before" "$packed"
    for k in $(seq "$versions"); do
        a=$(now)
        "$tarn" lake cat "main~$((versions - k))/table.$1" --folder "$lake" > "$work/back"
        b=$(now)
        cmp "$work/back" "$work/data/v$k.$1"
        if [ "$k" = 1 ] || [ "$k" = "$versions" ]; then echo "reading version $k: $(ms "$a" "$b") ms (a copy of the file: $(a=$(now); cat "$work/data/v$k.$1" > "$work/back"; ms "$a" "$(now)") ms)"; fi
    done
}

one csv
one parquet
