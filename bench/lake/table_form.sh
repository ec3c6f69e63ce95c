#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# table_form.sh - in which form a table is to be stored, so that a new version costs what changed: forms of Parquet beside
# each other.
#
#   bench/lake/table_form.sh [ROWS [VERSIONS [SCRATCH]]]      1000000 10 /tmp
#
# A version changes 1 % of the rows, deletes 200, inserts about 200, appends 1,000 (table_form.c). Columns: size of the
# first version; the same under zstd -3; what the newer versions need on average, as `zstd -3 --patch-from` the version
# before; all versions stored (the first under zstd -3, patches for the others); seconds to write and to read all columns
# with one thread (medians).
set -euo pipefail

rows=${1:-1000000} versions=${2:-10} scratch=${3:-/tmp}
here=$(cd "$(dirname "$0")/../.." && pwd)
cd "$here"
work=$(mktemp -d "$scratch/tarn-bench-XXXXXX")
trap 'rm -rf "$work"' EXIT
command -v zstd > /dev/null || { echo "zstd is not installed" >&2; exit 69; }
cc -std=c17 -O2 -D_GNU_SOURCE -Isetup/native/include bench/lake/table_form.c setup/native/libduckdb.so \
    -Wl,-rpath,"$here/setup/native" -o "$work/table_form"

median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
bytes() { stat -c %s "$1"; }

form() { # NAME OPTIONS
    local dir=$work/form v patch patches=0 first
    rm -rf "$dir" && mkdir "$dir"
    "$work/table_form" "$dir" "$rows" "$versions" "$2" > "$dir/said"
    zstd -q -3 --long=27 "$dir/v0.parquet" -o "$dir/v0.zst"
    first=$(bytes "$dir/v0.zst")
    for ((v = 1; v < versions; v++)); do
        zstd -q -3 --long=30 --patch-from="$dir/v$((v - 1)).parquet" "$dir/v$v.parquet" -o "$dir/patch"
        patch=$(bytes "$dir/patch")
        rm "$dir/patch"
        patches=$((patches + patch))
    done
    awk -v name="$1" -v raw="$(bytes "$dir/v0.parquet")" -v first="$first" -v patches="$patches" -v n=$((versions - 1)) \
        -v w="$(cut -d' ' -f3 "$dir/said" | median)" -v r="$(cut -d' ' -f4 "$dir/said" | median)" 'BEGIN {
        printf "%-44s %8.1f %8.1f %9.2f %9.1f %7.2f %7.3f\n", name, raw / 1e6, first / 1e6, patches / n / 1e6,
            (first + patches) / 1e6, w, r }'
}

printf '%-44s %8s %8s %9s %9s %7s %7s\n' "$rows rows, $versions versions" 'MB' 'zstd -3' 'a version' 'all' 'write s' 'read s'
form 'zstd'                                     'COMPRESSION zstd, ROW_GROUP_SIZE 122880'
form 'uncompressed, dictionaries'               'COMPRESSION uncompressed, ROW_GROUP_SIZE 122880'
form 'uncompressed, plain'                      'COMPRESSION uncompressed, DICTIONARY_SIZE_LIMIT 0, ROW_GROUP_SIZE 122880'
form 'uncompressed, plain, small groups'        'COMPRESSION uncompressed, DICTIONARY_SIZE_LIMIT 0, ROW_GROUP_SIZE 30720'
form 'uncompressed, plain, one group'           'COMPRESSION uncompressed, DICTIONARY_SIZE_LIMIT 0, ROW_GROUP_SIZE 2000000'
form 'uncompressed, version 2 (deltas)'         'COMPRESSION uncompressed, DICTIONARY_SIZE_LIMIT 0, ROW_GROUP_SIZE 122880, PARQUET_VERSION V2'
