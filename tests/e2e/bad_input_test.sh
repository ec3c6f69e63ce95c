#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What goes wrong in the world: bad files, broken rules, a mistyped project, full disks, read-only folders, damaged bytes.
# Each is told clearly, nothing is lost, and the next run goes on.
. "$(dirname "$0")/lib.sh"

say "the reference: what a run gives when nothing is wrong"
shop "$scratch/good"
t run --json
model=$(get 'j["model"]["id"]')
report=$(id_of main/report.html)
# The project is whole again: fsck is clean and a run ends with the same bytes.
whole() {
    [ ! -d .tarn ] || t lake fsck
    t run --json
    same "$(get 'j["model"]["id"]')" "$model" "model after the trouble"
    same "$(id_of main/report.html)" "$report" "report after the trouble"
}

# ---------------------------------------------------------------- files that cannot be read

say "a truncated CSV: the cut line goes to the dead letters, with its number and why"
shop "$scratch/cut"
head -c 100000 "$scratch/good/data/orders.csv" >data/orders.csv
t ingest
says "2,128 rows, 1 unreadable (dead/orders, first: line 2130: 2 fields where the header has 7)"
t sql --csv 'SELECT line, reason FROM "dead/orders"'
says "2130,2 fields where the header has 7"
t lake cat main/ingest/orders.json
that 'j["rows"] == 2128 and j["rejected"] == 1 and j["rejects"][0]["line"] == 2130'

say "a quote that is never closed swallows no more than it must"
shop "$scratch/quote"
printf '3001,2023-12-31 00:00:00,1001,"P001,2,0.1,kept\n' >>data/orders.csv
t ingest
t sql --csv 'SELECT line, "column", reason FROM "dead/orders"'
says "3002,product,its quote is never closed"
same "$(one 'SELECT count(*) FROM orders')" 3000 "rows"

say "rows that do not fit: wrong number of fields, wrong types where types are declared"
shop "$scratch/rows"
sed -i '300s/$/,extra/; 400s/,[^,]*$//' data/orders.csv
t ingest
same "$(one 'SELECT string_agg(line, chr(32) ORDER BY line) FROM "dead/orders"')" "300 400" "dead lines"
sed -i '100s/,[0-9]*,\([^,]*\),\([a-z]*\)$/,three,\1,\2/; 200s/,2023[^,]*,/,some day,/' data/orders.csv
expect 65 "$tarn" run
says "nothing was committed" "table 'orders', column 'quantity': rule 'type int' is broken"
sed -i 's#path: data/orders.csv}#path: data/orders.csv, types: {quantity: int, placed: time}}#' tarn.yaml
t run
t sql --csv 'SELECT line, "column", reason FROM "dead/orders" ORDER BY line'
says "100,quantity,'three' is not a whole number" "200,placed,'some day' is not a date or time" "300," "400,"
same "$(one 'SELECT count(*) FROM orders')" 2996 "rows that are left"

say "wrong encodings are refused with the place and the remedy"
shop "$scratch/encoding"
printf '999,30,M\374nchen\n' >>data/customers.csv
expect 65 "$tarn" run
says "customers.csv': line 310, column 9: byte 0xFC is not UTF-8" "convert the file to UTF-8"
iconv -f UTF-8 -t UTF-16 "$scratch/good/data/customers.csv" >data/customers.csv
expect 65 "$tarn" run
says "this is UTF-16 text; convert it to UTF-8"
{ printf '\357\273\277' && cat "$scratch/good/data/customers.csv"; } >data/customers.csv
t ingest
t table schema customers --json
that 'j["columns"][0]["name"] == "customer"'
cp "$scratch/good/data/customers.csv" data/customers.csv
whole

say "no file, an empty file, a header alone, a missing column, a missing key"
shop "$scratch/columns"
rm data/orders.csv
expect 66 "$tarn" run
says "orders.csv"
: >data/orders.csv
expect 65 "$tarn" run
says "the file is empty; a header line with column names was expected"
cut -d, -f1-4,6- "$scratch/good/data/orders.csv" >data/orders.csv
expect 65 "$tarn" run
says "nothing was committed" "table 'orders' has no column 'quantity', which the project declares"
cut -d, -f2- "$scratch/good/data/orders.csv" >data/orders.csv
expect 65 "$tarn" run
says "there is no column 'order_id', which its declared key needs"
expect 66 "$tarn" lake log
head -c 5000 /dev/urandom >data/orders.csv
"$tarn" run >"$out" 2>"$err" && fail "a file of noise was taken"
[ -s "$err" ] || fail "noise was refused without a word"
cp "$scratch/good/data/orders.csv" data/orders.csv
whole

# ---------------------------------------------------------------- rules

say "a broken rule names table, column, rule, count and first rows, and nothing is committed"
shop "$scratch/rules"
t run
head=$(head_of main)
sed -i '500s/.*/499,2023-03-01 07:00:00,1001,P999,77,0.1,perhaps/; 600s/^599,/598,/' data/orders.csv
expect 65 "$tarn" run
says "table 'orders', column 'quantity': rule 'range 1 to 20' is broken by 1 row: quantity=77" \
    "column 'returned': rule 'one of back, kept' is broken by 1 row: returned='perhaps'" \
    "column 'product': rule 'references products(product)' is broken by 1 row: product='P999'" \
    "column 'order_id': rule 'unique' is broken by 2 rows: order_id=598" "nothing was committed, 5 rules are broken"
expect 65 "$tarn" run --json
that 'j["state"] == "failed" and j["error"]["code"] == "CHECK" and j["steps"][-1]["state"] == "failed"'
same "$(head_of main)" "$head" "newest commit"
cp "$scratch/good/data/orders.csv" data/orders.csv
whole

# ---------------------------------------------------------------- the command line

say "an option whose value was forgotten does not take the next option for it"
expect 64 "$tarn" lake merge main --theirs --quiet
says "option --theirs needs a value, and '--quiet' is an option; if it is the value, write --theirs=--quiet"
expect 64 "$tarn" lake log --folder
says "option --folder needs a value"

# ---------------------------------------------------------------- the project file

say "every mistake of the project file at once, each with line, column and the nearest word"
shop "$scratch/typos"
sed -i 's/{branch: main}/{brnch: main}/; s#source: file, path: data/products#source: fiel, path: data/products#
s/{type: real, range: \[0, 1000\]}/{type: reel, range: [0, 1000, 3]}/; s/kind: duplicates/kind: dupplicates/; s/by: time/by: tiem/
s#table: joined/sales#table: joined/sale#; s/metric: roc_auc/metric: roc_acu/; s/seed: 7/seed: seven/; s/step: scale/step: scael/
s/trees: 40/treees: 40/; s/algo: forest/algo: forrest/; s/true_positive: 3/true_positive: three/; s/alias: champion/alis: champion/' tarn.yaml
expect 65 "$tarn" run
says "tarn.yaml:4:8: unknown key 'brnch' in lake; did you mean 'branch'?" "'fiel'; did you mean 'file'?" "not 'reel'" \
    "'range' should be two numbers" "'dupplicates'" "did you mean 'duplicates'?" "'tiem' should be one of random" \
    "'joined/sale' is made by then; did you mean 'joined/sales'?" "'roc_acu'; did you mean 'roc_auc'?" "'seed' should be a whole number" \
    "'scael' is unknown; did you mean 'scale'?" "'treees'; did you mean 'trees'?" "'forrest'; did you mean 'forest'?" \
    "'true_positive' should be a number" "'alis' in registry; did you mean 'alias'?" "has 14 mistakes; nothing was done"
same "$(grep -c '^tarn.yaml:[0-9]*:[0-9]*: ' "$err")" 14 "mistakes told"
[ ! -e .tarn ] || fail "a lake was made"
expect 65 "$tarn" run --json
that 'len(j["problems"]) == 14 and all(p["line"] > 0 and p["column"] > 0 for p in j["problems"])'
for text in '' 'project: [x' $'\377\376' $'a: &x 1\nb: *x' $'project: x\nproject: y' '- a' 'x' $'\t- : {' '{}' 'project: {a: b}'; do
    printf '%s\n' "$text" >tarn.yaml
    expect 65 "$tarn" run
    grep -q '^tarn.yaml:[0-9]*:[0-9]*: ' "$err" || fail "no place is told for '$text'"
done
python3 - "$scratch/good/tarn.yaml" "$tarn" <<'PY'
# Each line of a good project spoilt in turn: an answer, never a crash.
import subprocess, sys
lines = open(sys.argv[1]).read().splitlines()
spoils = [lambda s: s + " [", lambda s: s.split(":")[0] + ": {a: [b]}", lambda s: s.split(":")[0] + ": [a, {b: c}]"]
for i in range(4, len(lines), 5):
    for k, spoil in enumerate(spoils):
        open("tarn.yaml", "w").write("\n".join(lines[:i] + [spoil(lines[i])] + lines[i + 1:]) + "\n")
        if (i + k) % 3: continue
        done = subprocess.run([sys.argv[2], "run", "--to", "ingest/customers", "--json"], capture_output=True, timeout=120)
        if done.returncode not in (0, 65): sys.exit(f"line {i + 1} spoilt ({lines[i]!r}): status {done.returncode} {done.stderr[-300:]}")
PY

# ---------------------------------------------------------------- disks

if mkdir "$scratch/disk" && mount -t tmpfs -o size=4m tmpfs "$scratch/disk" 2>/dev/null; then
    trap 'cd /; umount "$scratch/disk" 2>/dev/null || true' EXIT
    stopped=0
    for left in 90 250 420 640 800 1000; do
        say "a full disk: $left kB are left"
        rm -rf "$scratch/disk/"* "$scratch/disk/.tarn"
        cp -r "$scratch/good/data" "$scratch/good/tarn.yaml" "$scratch/disk/"
        cd "$scratch/disk"
        head -c "$((($(df -k --output=avail . | tail -n 1) - left) * 1024))" /dev/zero >ballast
        sync
        got=0
        "$tarn" run >"$out" 2>"$err" || got=$?
        if [ "$got" != 0 ]; then
            stopped=$((stopped + 1))
            same "$got" 74 "exit status"
            grep -q "^tarn: .*\(space\|full\)" "$err" || fail "the full disk is not named"
            same "$(ls -A | grep -v -e '^data$' -e '^tarn.yaml$' -e '^ballast$' -e '^\.tarn$' || true)" "" "left over files"
        fi
        rm ballast
        whole
    done
    say "a disk with nothing left at all: what is there can be read, what is new is refused"
    cat /dev/zero >ballast 2>/dev/null || true
    before=$(head_of main)
    t lake log --limit 1
    t lake cat main/report.html
    [ "$(wc -c <"$out")" -gt 1000 ] || fail "the report was not read"
    t lake fsck
    t lake du
    expect 74 "$tarn" lake tag v1 main
    says "no space left; free some space"
    rm ballast
    same "$(head_of main)" "$before" "the head after the full disk"
    t lake tag v1 main
    whole
    cd "$scratch"
    [ "$stopped" -ge 4 ] || fail "only $stopped of the disks were too full"
    umount "$scratch/disk"
    trap - EXIT
else
    say "(no right to mount a small disk here: left out)"
fi
for blocks in 8 60 130; do
    say "a limit on the size of files: $blocks kB"
    shop "$scratch/limit$blocks"
    got=0
    (ulimit -f "$blocks" && exec "$tarn" run) >"$scratch/limit.out" 2>&1 || got=$?
    same "$got" 74 "exit status"
    grep -q "^tarn: " "$scratch/limit.out" || fail "nothing was said"
    whole
done

say "a read-only folder: reading works, writing says what is wrong"
cp -r "$scratch/good" "$scratch/fixed"
cd "$scratch/fixed"
find . -name cache -prune -o -type f -exec chmod a-w {} +
chmod -R a-w,a+rX .
as=()
if [ "$(id -u)" = 0 ]; then as=(setpriv --reuid=65534 --regid=65534 --clear-groups); fi
if "${as[@]}" "$tarn" --version >/dev/null 2>&1 && "${as[@]}" test -r "$scratch/fixed/tarn.yaml"; then
    expect 77 "${as[@]}" "$tarn" run
    says "run.lock" "ermission denied"
    expect 0 "${as[@]}" "$tarn" status
    expect 0 "${as[@]}" "$tarn" lake fsck
    expect 0 "${as[@]}" "$tarn" lake log
    expect 0 "${as[@]}" "$tarn" sql 'SELECT count(*) FROM orders'
    expect 77 "${as[@]}" "$tarn" lake put "$scratch/good/tarn.yaml"
    says "cannot be written"
    expect 77 "${as[@]}" "$tarn" init "$scratch/fixed/data/sub"
    expect 65 "${as[@]}" "$tarn" doctor
    says "not writable"
else
    say "(another user may not look in here: left out)"
fi
chmod -R u+w .
cd "$scratch"

# ---------------------------------------------------------------- damage

# flip FILE OFFSET: one bit of one byte.
flip() {
    chmod u+w "$1"
    python3 -c 'import sys
b = bytearray(open(sys.argv[1], "rb").read()); b[int(sys.argv[2]) % len(b)] ^= 0x10; open(sys.argv[1], "wb").write(b)' "$1" "$2"
}

say "a flipped byte in a pack: fsck names it, reading that object fails, all others are fine"
cp -r "$scratch/good" "$scratch/damage"
cd "$scratch/damage"
pack=$(ls -S .tarn/packs/p-* | sed -n 1p)
flip "$pack" 9000
rm -rf .tarn/cache
expect 70 "$tarn" lake fsck
says "$(basename "$pack")" "chunk"
path=$(sed -n 's/.* of \([^ ]*\) in commit.*/\1/p' "$out" | sed -n 1p)
[ -n "$path" ] || fail "fsck names no path"
bad=0 good=0
for p in $("$tarn" lake ls main --all --json | python3 -c 'import json, sys; print(" ".join(e["path"] for e in json.load(sys.stdin)["entries"]))'); do
    got=0
    "$tarn" lake cat "main/$p" >"$out" 2>"$err" || got=$?
    if [ "$p" = "$path" ]; then
        same "$got" 70 "reading the damaged $p"
        says "bytes do not match their name"
        bad=$((bad + 1))
    else
        same "$got" 0 "reading $p"
        good=$((good + 1))
    fi
done
same "$bad" 1 "damaged paths"
[ "$good" -gt 30 ] || fail "too few good paths"
expect 70 "$tarn" lake fsck --json
that 'j["problems"] == 1 and len(j["damaged"]) == 1 and j["error"]["code"] == "CORRUPT"'

say "a pack cut short, a pack gone"
cd "$scratch" && rm -rf damage && cp -r good damage && cd damage
pack=$(ls -S .tarn/packs/p-* | sed -n 1p)
chmod u+w "$pack" && truncate -s 5000 "$pack" && rm -rf .tarn/cache
expect 70 "$tarn" lake fsck
says "$(basename "$pack")"
rm -f "$pack"
expect 70 "$tarn" lake fsck
says "$(basename "$pack")"
t lake log

say "a deleted cache is made again; truncated or changed files in it are not believed"
cd "$scratch" && rm -rf damage && cp -r good damage && cd damage
t predict joined/sales --out before.csv
rm -rf .tarn/cache
t predict joined/sales --out after.csv
cmp -s before.csv after.csv || fail "predictions differ"
find .tarn/cache -type f | while read -r f; do chmod u+w "$f" && truncate -s 300 "$f"; done
t predict joined/sales --out after.csv
cmp -s before.csv after.csv || fail "predictions differ"
find .tarn/cache -type f | while read -r f; do : >"$f"; done
t predict joined/sales --out after.csv
cmp -s before.csv after.csv || fail "predictions differ"
sed -i 's/trees: 20/trees: 21/' tarn.yaml
find .tarn/cache -type f | while read -r f; do truncate -s 300 "$f"; done
t run
sed -i 's/trees: 21/trees: 20/' tarn.yaml
whole

say "a model that was cut is refused"
"$tarn" lake cat main/model.tarn >whole.tarn
head -c 700 whole.tarn >cut.tarn
expect 66 "$tarn" predict joined/sales --model cut.tarn
f=$(find .tarn/cache -name '*.tarn' | sed -n 1p)
flip "$f" 600
"$tarn" predict joined/sales --out after.csv >"$out" 2>"$err" || [ $? = 70 ] || fail "a flipped byte in a cached model"
if grep -q scored "$out"; then cmp -s before.csv after.csv || fail "a changed model was believed"; fi

say "a lake of a newer format, and what is no lake"
cd "$scratch" && rm -rf damage && cp -r good damage && cd damage
chmod u+w .tarn/format
sed -i 's/"version": 1/"version": 99/' .tarn/format
expect 70 "$tarn" lake log
says "is damaged" "fsck --repair"
sed -i 's/"check"/"was"/' .tarn/format
expect 69 "$tarn" lake log
says "format version 99; this tarn knows up to 2: use a newer tarn"
expect 69 "$tarn" run
echo nonsense >.tarn/format
expect 70 "$tarn" lake log
cp "$scratch/good/.tarn/format" .tarn/format
t lake log
head -c 5000 "$scratch/good/.tarn/meta.db" >.tarn/meta.db
expect 70 "$tarn" run
says "meta.db is damaged"
rm -f .tarn/meta.db*
expect 70 "$tarn" run
says "has lost its meta.db"

say "records that are garbage are told or passed over, never believed"
cd "$scratch" && rm -rf damage && cp -r good damage && cd damage
recipe=$(python3 - <<'PY'
import sqlite3
db = sqlite3.connect(".tarn/meta.db")
db.execute("UPDATE facts SET value = 'garbage' WHERE key = 'step/main/train/forest'")
print(db.execute("SELECT hex(made_by) FROM made WHERE CAST(path AS TEXT) = 'models/boosting.tarn'").fetchone()[0].lower())
db.commit()
PY
)
t run
says "Nothing to do"
for what in "SET size = size + 1" "SET object = zeroblob(32)" "SET recipe = NULL"; do
    python3 -c 'import sqlite3, sys
db = sqlite3.connect(".tarn/meta.db")
db.execute("UPDATE made " + sys.argv[1] + " WHERE CAST(path AS TEXT) = ?", ("train/forest.json",))
db.commit()' "$what"
    got=0
    "$tarn" run --json >"$out" 2>"$err" || got=$?
    [ "$got" = 70 ] || { [ "$got" = 0 ] && that 'j["ran"] == 1'; } || fail "a changed record ($what) was believed: $got"
    cp "$scratch/good/.tarn/meta.db" .tarn/meta.db
done
expect 66 "$tarn" reproduce "$recipe"

say "two runs at once: the second says who is at work"
cd "$scratch" && rm -rf damage && cp -r good damage && cd damage
"$tarn" run --again --threads 1 >"$scratch/first.out" 2>&1 &
first=$!
until [ "$(cat .tarn/run.lock 2>/dev/null)" = "$first" ] || ! kill -0 "$first" 2>/dev/null; do :; done
kill -STOP "$first"
got=0
"$tarn" run >"$out" 2>"$err" || got=$?
kill -CONT "$first"
same "$got" 75 "exit status of the second run"
says "another run is at work in this lake (process $first)"
t lake log
wait "$first" || fail "the first run failed"
whole
say "all well"
