#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# storage_test.sh - versions cost what changed, du tells what takes space, gc takes away what nothing needs.
. "$(dirname "$0")/lib.sh"

stored() { du -sb .tarn/packs | cut -f1; }

say "four versions of a table: each adds a small part of the first"
python3 "$root/bench/lake/versions.py" . 40000 4
t init >/dev/null
for k in 1 2 3 4; do
    before=$(stored)
    t lake put "v$k.csv" --to table.csv
    t lake commit --message "version $k"
    added=$(($(stored) - before))
    [ "$k" != 1 ] || first=$added
    [ "$k" = 1 ] || [ "$added" -lt $((first / 8)) ] || fail "version $k adds $added bytes, the first $first"
done
for k in 1 2 3 4; do
    "$tarn" lake cat "main~$((4 - k))/table.csv" >back
    cmp back "v$k.csv" || fail "version $k came back otherwise"
done

say "what is staged is a forerunner too"
before=$(stored)
t lake put v1.csv --to other.csv
t lake put v2.csv --to other.csv
[ $(($(stored) - before)) -lt $((first / 8)) ] || fail "a staged version is stored whole"
t lake commit --message other

say "a branch with content of its own"
t lake branch side
head -c 3000000 /dev/urandom >own
t lake put own --branch side
t lake commit --branch side --message own
t lake du --json
that '[r for r in j["rows"] if r["name"] == "heads/side"][0]["alone"] > 3000000'
that '[r for r in j["rows"] if r["name"] == "heads/main"][0]["alone"] == 0'
that 'j["total"]["stored"] < j["total"]["logical"] / 2'
alone=$(get '[r for r in j["rows"] if r["name"] == "heads/side"][0]["alone"]')
t lake du side --path / --json
same "$(get '" ".join(r["name"] for r in j["rows"])')" "other.csv own table.csv" "rows by path"
expect 66 "$tarn" lake du side --path nowhere
expect 64 "$tarn" lake du main side --path /
expect 66 "$tarn" lake du nobody

say "removed, it stays for the days of the grace; then it goes, and nothing else"
t lake branch side --remove
t lake gc
full=$(stored)
t lake gc --grace 0 --dry-run --json
that "j['not_needed'] == $alone"
same "$(stored)" "$full" "bytes after a dry run"
t lake gc --grace 0
says "freed"
[ "$(stored)" -lt $((full - 2900000)) ] || fail "only $((full - $(stored))) bytes were freed"
t lake fsck
says clean
for k in 1 2 3 4; do
    "$tarn" lake cat "main~$((5 - k))/table.csv" >back
    cmp back "v$k.csv" || fail "version $k came back otherwise"
done
t lake gc --grace 0 --json
that 'j["packs_dropped"] == 0'
t lake du --json
that "$(stored) < 1.3 * j['total']['stored']"

say "a gc that is killed leaves a whole lake"
for k in 1 2 3 4 5 6; do
    head -c 2000000 /dev/urandom >own
    t lake branch side
    t lake put own v3.csv --branch side
    t lake commit --branch side --message own
    t lake branch side --remove
    "$tarn" lake gc --grace 0 >/dev/null 2>&1 &
    sleep "0.0$k"
    kill -9 $! 2>/dev/null || true
    wait $! 2>/dev/null || true
    t lake fsck
    says clean
done
t lake gc --grace 0
t lake gc --grace 0
t lake du --json
that "$(stored) < 1.3 * j['total']['stored']"
say "all well"
