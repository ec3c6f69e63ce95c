#!/usr/bin/env bash
# make check: install what is missing, build with gcc and with clang under sanitizers, pass all tests.
# make check-long (argument `long`): more of everything, and what is slow.
set -euo pipefail
cd "$(dirname "$0")/.."
long=${1:-}
jobs=$(nproc)
say() { printf '\n== %s (%s)\n' "$*" "$(date +%H:%M:%S)"; }
fail=0
note() { if "$@"; then :; else echo "FAILED: $*"; fail=$((fail + 1)); fi; }

say "set-up"
setup/setup.sh core test

say "rules of the house: layers, tables, docs, format, complexity"
for check in check_layers check_tables check_docs check_format complexity tools_test; do note python3 "tools/$check.py"; done

say "the page in the program is what its source builds"
note tools/check_page.sh

say "the programs of bench/ compile"
note tools/check_bench.sh

say "build with gcc"
cmake -S . -B build-check -G Ninja -DTARN_TESTS=ON >/dev/null
cmake --build build-check -j "$jobs" | tail -1

say "tests, gcc build"
ctest --test-dir build-check --output-on-failure -j "$jobs" | tee build-check/ctest.log | grep -vE '^ +Start|Passed' || true
passed=$(grep -cE ' Passed +[0-9.]+ sec' build-check/ctest.log || true)
failed=$(grep -cE '\*\*\*(Failed|Timeout|Exception|Not Run)' build-check/ctest.log || true)

say "what make install puts in place works from there"
note tools/check_install.sh

say "build with clang, AddressSanitizer and UndefinedBehaviorSanitizer"
cmake -S . -B build-asan -G Ninja -DTARN_TESTS=ON -DCMAKE_C_COMPILER=clang-14 -DTARN_SANITIZE=address,undefined -DTARN_ISA=avx2 >/dev/null
cmake --build build-asan -j "$jobs" | tail -1
say "tests, sanitized build"
export ASAN_OPTIONS=detect_leaks=1:allocator_may_return_null=1
left_out='plain_only|slow_sanitized'
if [ "$long" = long ]; then left_out=plain_only; fi
ctest --test-dir build-asan --output-on-failure -j "$jobs" -LE "$left_out" | tee build-asan/ctest.log | grep -vE '^ +Start|Passed' || true
passed=$((passed + $(grep -cE ' Passed +[0-9.]+ sec' build-asan/ctest.log || true)))
failed=$((failed + $(grep -cE '\*\*\*(Failed|Timeout|Exception|Not Run)' build-asan/ctest.log || true)))
unset ASAN_OPTIONS

say "the same models and predictions, to the byte, from gcc with all instructions and from clang with AVX2 only"
build-check/algos_bytes >build-check/algos.bytes
build-asan/algos_bytes >build-asan/algos.bytes
note cmp build-check/algos.bytes build-asan/algos.bytes

if [ "$long" = long ]; then
    say "threads, under ThreadSanitizer"
    cmake -S . -B build-tsan -G Ninja -DTARN_TESTS=ON -DCMAKE_C_COMPILER=clang-14 -DTARN_SANITIZE=thread >/dev/null
    cmake --build build-tsan -j "$jobs" | tail -1
    note ctest --test-dir build-tsan --output-on-failure -R '^(base_pool|comm_|train_|serve_|conform_algos)' -E 'duck'
    say "minio-go's functional tests against the S3 gateway"
    apt-get install -y --no-install-recommends golang-go golang-github-minio-minio-go-v7-dev >/dev/null
    note bash tests/e2e/s3_minio.sh "$PWD/build-check/tarn" "$PWD/build-check/e2e/s3_minio" "$PWD"
    say "fuzzing, 60 seconds a target"
    note tools/fuzz.sh 60
    say "every call of every operation on a lake fails once"
    note env FAULT_STRIDE=1 LD_PRELOAD="$PWD/build-check/libfault.so" build-check/fault_walk
    note bash tests/fault/program.sh "$PWD/build-check/tarn" "$PWD/build-check/e2e/fault" "$PWD" "$PWD/build-check/libfault.so" 30
    say "writers of one lake, killed in 60 rounds"
    note bash tests/e2e/writers.sh "$PWD/build-check/tarn" "$PWD/build-check/e2e/writers" "$PWD" 60
    say "the lake's garbage collection among writers, readers and kill -9, for three minutes"
    note env TARN_STRESS_SECONDS=180 build-check/lake_gc_stress_test
    say "random operations on a lake and on its model, for two minutes"
    note env TARN_MODEL_SECONDS=120 build-check/lake_model_test
    say "an encrypted lake killed 150 times at work"
    note env TARN_KILL_ROUNDS=150 build-check/lake_sealed_crash_test
    say "kill -9 at 200 moments of a run"
    note bash tests/e2e/kill9.sh "$PWD/build-check/tarn" "$PWD/build-check/e2e/kill9" "$PWD" 200
fi

failed=$((failed + fail))
say "done"
printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" = 0 ]
