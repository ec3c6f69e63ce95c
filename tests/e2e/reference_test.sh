#!/usr/bin/env bash
# docs/reference is what the program's tables say now.
set -euo pipefail
tarn=$1 scratch=$2 root=$3
rm -rf "$scratch" && mkdir -p "$scratch"
"$tarn" reference --out "$scratch/reference" >/dev/null
diff -r "$root/docs/reference" "$scratch/reference" || { echo "docs/reference is old: run 'make docs' and commit the result" >&2; exit 1; }
for page in $("$tarn" reference | awk '{print $1}'); do
    [ -s "$scratch/reference/$page.md" ] || { echo "no page $page" >&2; exit 1; }
done
echo "docs/reference is up to date"
