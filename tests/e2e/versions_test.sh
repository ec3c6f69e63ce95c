#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Versions as a person works with them: the chapter docs/versions.md, word for word; then JSON, tables, checks that misbehave.
. "$(dirname "$0")/lib.sh"

say "the commands of docs/versions.md do what the chapter says"
mkdir chapter
python3 - "$root/docs/versions.md" >chapter.list <<'PY'
import re, sys
for block in re.findall(r"^```sh\n(.*?)^```", open(sys.argv[1]).read(), re.M | re.S):
    commands, wanted = [], []
    for line in block.splitlines():
        if line.startswith("# prints: "):
            wanted.append(line[len("# prints: "):])
        else:
            if wanted:
                print("\x1e".join(["\n".join(commands), *wanted]), end="\x1d")
                commands, wanted = [], []
            commands.append(line)
    print("\x1e".join(["\n".join(commands), *wanted]), end="\x1d")
PY
ln -s "$tarn" tarn
export PATH=$scratch:$PATH
cd chapter
while IFS= read -r -d $'\x1d' part; do
    commands=${part%%$'\x1e'*}
    bash -euo pipefail -c "$commands" >"$out" 2>"$err" </dev/null || fail "docs/versions.md: $commands"
    while [[ $part == *$'\x1e'* ]]; do
        part=${part#*$'\x1e'}
        says "${part%%$'\x1e'*}"
    done
done <../chapter.list
t lake fsck
cd "$scratch"

say "JSON says the same: conflicts with all three sides, results, areas"
mkdir json && cd json && t init
echo 1 >a && t lake put a && t lake commit -m one && t lake branch work
echo 2 >a && t lake put a && t lake commit -m two
echo 33 >a && t lake put a --branch work && t lake commit -m three --branch work
expect 75 "$tarn" lake merge work --json
that 'j["error"]["code"] == "CONFLICT" and j["conflicts"][0]["path"] == "a"'
that '[j["conflicts"][0][s]["bytes"] for s in ("base", "ours", "theirs")] == [2, 2, 3]'
t lake merge work --dry-run --json
that 'len(j["conflicts"]) == 1 and not j["changes"]'
expect 75 "$tarn" lake merge work --theirs b
says "no conflict fits the pattern 'b'"
t lake merge work --dry-run --theirs a --ours 'a*' --theirs 'none/**'
says "no conflict fits the pattern 'none/**'"
t lake merge work --strategy theirs --json
that 'j["settled"] == 1 and not j["fast_forward"] and [c["path"] for c in j["changes"]] == ["a"]'
t lake log --json
that 'len(j["commits"][0]["parents"]) == 2 and len(j["commits"]) == 4'
t lake log --path nowhere
says "no commit of 'main' is of that kind"
t lake blame main/a --json
that 'j["entries"][0]["commit"]["message"] == "three"'
t lake merge main work --json
that 'j["fast_forward"]'
t lake reset work work~1 --json
back=$(get 'j["back"]')
same "$("$tarn" lake log "$back" --json --limit 1 | python3 -c 'import json, sys; print(json.load(sys.stdin)["commits"][0]["id"])')" "$(head_of main)" "the way back"
t lake put a --as zoe && t lake status --json
that '[(x["who"], x["rows"]) for x in j["areas"]] == [("zoe", 1)] and not j["changes"]'
t lake branch main2 && expect 73 "$tarn" lake branch main2
expect 66 "$tarn" lake merge nothing
expect 66 "$tarn" lake show 4f1c2
says "at least 6 digits"
expect 66 "$tarn" lake rm -r nothing/
expect 64 "$tarn" lake rm a/
cd "$scratch"

say "tables that break their declared rules do not get into a protected branch"
mkdir tables && cd tables && t init
cat >tarn.yaml <<'YAML'
project: shop
problem: Which orders are late?
ingest:
  orders: {source: file, path: orders.csv}
tables:
  orders:
    key: id
    columns:
      id: {type: int, not_null: true}
      price: {type: real, range: [0, 100]}
YAML
printf 'id,price\n1,5\n2,7\n' >orders.csv
t run
t lake branch next
t lake protect main --require schema
printf 'id,price\n1,5\n2,700\n3,800\n' >orders.csv
sed -i 's/range: \[0, 100\]/range: [0, 1000]/; s/^project: shop/project: shop\nlake: {branch: next}/' tarn.yaml
t run
sed -i 's/range: \[0, 1000\]/range: [0, 100]/' tarn.yaml
before=$(head_of main)
expect 65 "$tarn" lake merge next main
says "check 'schema' failed" "column 'price'" "2 rows"
same "$(head_of main)" "$before" "main after a failed check"
expect 65 "$tarn" lake check next --branch main --json
that 'j["checks"][0]["passed"] is False and "700" in j["checks"][0]["summary"]'
sed -i 's/range: \[0, 100\]/range: [0, 1000]/' tarn.yaml
t lake merge next main
t lake log main --json --limit 1
that '[(c["check"], c["passed"]) for c in j["commits"][0]["meta"]["checks"]] == [("schema", True)]'

say "a run of a project obeys, and says so before it works"
t lake protect next --no-direct
printf 'id,price\n1,5\n' >orders.csv
expect 77 "$tarn" run
says "protected from direct commits"
cd "$scratch"

say "a table that both sides changed is merged row by row, by its declared key"
mkdir rows && cd rows && t init
cat >tarn.yaml <<'YAML'
project: shop
problem: Which orders are late?
lake: {branch: main}
ingest:
  orders: {source: file, path: orders.csv}
tables:
  orders: {key: id}
YAML
on() { # BRANCH CSV: the table as that branch has it
    printf 'id,price\n%b' "$2" >orders.csv
    sed -i "s/branch: [a-z]*/branch: $1/" tarn.yaml
    t run
}
on main '1,5\n2,7\n3,9\n'
t lake branch work
on main '1,50\n2,7\n3,9\n'
on work '1,5\n2,7\n3,90\n4,1\n'
t lake merge work main --theirs 'ingest/**' --theirs 'prepare/**' --json
that '"orders.parquet" in [c["path"] for c in j["changes"]]'
same "$("$tarn" sql --csv 'SELECT sum(price) FROM "main/orders"' | tail -n 1)" 148 "the merged prices"
on main '1,51\n2,7\n3,90\n4,1\n'
on work '1,52\n2,7\n3,90\n4,1\n'
expect 75 "$tarn" lake merge work main --theirs 'ingest/**' --theirs 'prepare/**'
says "conflict  orders.parquet" "id 1"
on main '1,51\n2,8\n3,90\n4,1\n5,5\n6,6\n7,70\n8,80\n'
on work '1,52\n2,7\n3,91\n4,1\n5,50\n6,60\n7,7\n9,9\n'
reports=(--theirs 'ingest/**' --theirs 'prepare/**')
expect 75 "$tarn" lake merge work main "${reports[@]}" --json
that 'len(j["conflicts"][0]["rows"]) == 3'
expect 75 "$tarn" lake merge work main "${reports[@]}" --json --limit 100
that '[(r["key"]["id"], r["column"], r["conflict"], r["base"], r["ours"], r["theirs"]) for r in j["conflicts"][0]["rows"]] == [
    (1, "price", "cell", 5, 51, 52), (5, "price", "added by both", None, 5, 50),
    (6, "price", "added by both", None, 6, 60), (7, "price", "added by both", None, 70, 7)]'
expect 75 "$tarn" lake merge work main "${reports[@]}" --limit 4
says "id 7 column price: no row | 70 | 7"
t lake merge work main "${reports[@]}" --strategy theirs
same "$("$tarn" sql --csv 'SELECT id, price FROM "main/orders" ORDER BY id' | tail -n +2 | tr '\n' ' ')" \
    "1,52 2,8 3,91 4,1 5,50 6,60 7,7 8,80 9,9 " "only the conflicting cells are theirs"
cd "$scratch"

say "a check that commits to its own branch, never ends, or floods is refused or ended"
mkdir hooks && cd hooks && t init
echo 1 >a && t lake put a && t lake commit -m one
cat >"$scratch/selfish.sh" <<'SH'
echo x >x
"$TARN" lake put x --folder "$TARN_LAKE" && "$TARN" lake commit -m mine --folder "$TARN_LAKE"
SH
t lake protect main --require "command: sh $scratch/selfish.sh" --seconds 20
echo 2 >a && t lake put a
expect 65 "$tarn" lake commit -m two
says "cannot change the branch it checks"
t lake protect main --require "command: sh $scratch/selfish.sh --branch other" --seconds 20
sed -i 's/commit -m mine/commit -m mine --branch other/; s/put x/put x --branch other/' "$scratch/selfish.sh"
t lake commit -m two # another branch is free
t lake ls other
t lake protect main --require 'command: while :; do :; done' --seconds 1
echo 3 >a && t lake put a
expect 65 "$tarn" lake commit -m three
says "killed after 1 seconds"
t lake protect main --require 'command: yes' --seconds 20
expect 65 "$tarn" lake commit -m three
says "said more than 1 MiB"
expect 65 "$tarn" lake protect main --require nonsense
t lake status
says "~ a" "must pass command: yes"
t lake protect main --off
t lake commit -m three
t lake fsck
[ -z "$(ls .tarn/tmp)" ] || fail "checks left something in .tarn/tmp"
