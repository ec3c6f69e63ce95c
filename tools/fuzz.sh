#!/usr/bin/env bash
# fuzz.sh SECONDS: each fuzz target with libFuzzer, ASan and UBSan, starting from its corpus.
set -euo pipefail
cd "$(dirname "$0")/.."
cmake -S . -B build-fuzz -G Ninja -DTARN_FUZZ=ON -DCMAKE_C_COMPILER=clang-14 -DTARN_SANITIZE=address,undefined >/dev/null
bad=0
for source in tests/fuzz/fuzz_*.c; do
    name=$(basename "$source" .c)
    cmake --build build-fuzz --target "$name" | tail -1
    what=${name#fuzz_}
    mkdir -p "build-fuzz/found_$what"
    seeds=()
    for d in "tests/fuzz/corpus_$what" "tests/fuzz/corpus/$what"; do [ -d "$d" ] && seeds+=("$d"); done
    echo "== $name"
    "build-fuzz/$name" -max_total_time="$1" -rss_limit_mb=4096 -timeout=20 -print_final_stats=1 -artifact_prefix="build-fuzz/$name-" \
        "build-fuzz/found_$what" "${seeds[@]}" 2>&1 | tail -4 || { echo "FAILED: $name"; bad=1; }
done
exit $bad
