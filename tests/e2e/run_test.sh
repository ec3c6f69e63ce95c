#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The whole of a small project: run once, again, in parts, with other threads; looked at, queried, reproduced, scored.
. "$(dirname "$0")/lib.sh"

say "init makes a lake and a project file that the program itself accepts"
t init fresh
[ -d fresh/.tarn ] && [ -s fresh/tarn.yaml ] || fail "nothing was made"
mkdir fresh/data && printf 'a,b\n1,2\n' >fresh/data/rows.csv
t run --folder fresh
expect 73 "$tarn" init fresh
says "fresh"

say "a run makes everything and registers the winner"
shop shop
t init
t run --json
cp "$out" first.json
that 'j["state"] == "done" and j["ran"] == len(j["steps"]) == 18'
that 'j["model"]["name"] == "shop" and j["model"]["version"] == 1 and j["model"]["new"]'
that '0.6 < j["figures"]["roc_auc"] < 0.8'
model=$(get 'j["model"]["id"]')
report=$(id_of main/report.html)
same "$(id_of main/model.tarn)" "$model" "model.tarn of the commit"
"$tarn" lake cat main/prepare/clean/customers.json >repairs.json
that '[(r["rule"], r["found"]) for r in j["repairs"]] == [("duplicates", 8), ("range", 8), ("category", 11)]' repairs.json
"$tarn" lake cat main/prepare/join/sales.json >join.json
that '[(m["joined"], m["unmatched"]) for m in j["matches"]] == [(3061, 22), (3000, 0)]' join.json

say "the second run does nothing, says so, and leaves no trace"
commits=$("$tarn" lake log --json | grep -c '"id"')
t run
says "Nothing to do: none of the 18 steps"
same "$(grep -c '^kept' "$out")" 18 "steps kept"
same "$("$tarn" lake log --json | grep -c '"id"')" "$commits" "commits"
t status
says "Up to date"

say "one changed parameter reruns what depends on it, and nothing else"
sed -i 's/trees: 20/trees: 25/' tarn.yaml
t status --json
that '[s["name"] for s in j["steps"] if s["state"] == "todo"][0] == "train/forest"'
says "trees: 20 -> 25"
silent_on "the source's files"
t run --json
same "$(ran)" "train/forest train/choose assess/report" "steps that ran"
that 'not [s for s in j["steps"] if s["state"] == "failed"]'
sed -i 's/trees: 25/trees: 20/' tarn.yaml
t run --json
same "$(ran)" "" "steps that ran after changing back"
same "$(id_of main/report.html)" "$report" "the report"
that 'j["model"]["version"] == 1 and not j["model"]["new"]'

say "changed costs rerun the candidates (their threshold) and the judging, not the preparation"
sed -i 's/true_positive: 3/true_positive: 4/' tarn.yaml
t run --json
same "$(ran)" "train/logistic train/forest train/boosting train/choose assess/test assess/report" "steps that ran"
sed -i 's/true_positive: 4/true_positive: 3/' tarn.yaml
t run --json
same "$(ran)" "" "steps that ran after changing back"

say "a touched file is not read again; a changed one reruns from there"
touch data/customers.csv
t run --json
same "$(ran)" "" "steps after touch"
before=$(date -u +%Y-%m-%dT%H:%M:%SZ)
sleep 1.1
cp data/customers.csv customers.was
sed -i 's/^1010,.*/1010,33,Lyon/' data/customers.csv
t run --json
[[ $(ran) == "ingest/customers lake/check prepare/profile/customers prepare/clean/customers prepare/join/sales "* ]] || fail "ran: $(ran)"
[[ $(ran) != *orders* && $(ran) != *products* ]] || fail "ran: $(ran)"

say "SQL sees the tables by plain name, by reference and as they were"
same "$(one 'SELECT count(*) FROM orders')" 3000 "orders"
same "$(one 'SELECT count(*) FROM "clean/customers"')" 300 "clean/customers"
same "$(one 'SELECT age FROM customers WHERE customer = 1010')" 33 "the age now"
old=$(grep '^1010,' customers.was | cut -d, -f2)
[ "$old" != 33 ] || fail "the test changed nothing"
same "$(one "SELECT age FROM \"main@{$before}/customers\" WHERE customer = 1010")" "$old" "the age before"
same "$(one 'SELECT age FROM "main~2/customers" WHERE customer = 1010')" "$old" "the age two commits before"
same "$(one "SELECT count(*) FROM customers n JOIN \"main@{$before}/customers\" o USING (customer) WHERE n.age <> o.age")" 1 "ages that differ"
expect 66 "$tarn" sql 'SELECT * FROM "main@{2001-01-01}/customers"'
says "did not exist at 2001-01-01"
expect 66 "$tarn" sql 'SELECT * FROM custommers'
says "there is no table 'custommers'" "customers"
expect 65 "$tarn" sql 'SELEC 1'
t sql --json 'SELECT 1 AS a, NULL AS b, '"'x\"y'"' AS c'
that 'j["rows"] == [[1, None, "x\"y"]] and [c["name"] for c in j["columns"]] == ["a", "b", "c"]'
cp customers.was data/customers.csv
t run --json
same "$(ran)" "" "steps that ran after changing back"

say "tables are shown, described, profiled"
t table show orders --limit 2
says order_id "3,000 rows in all"
t table show clean/customers --json
that 'j["all_rows"] == 300 and len(j["rows"]) == 20'
t table schema orders --json
that '{c["name"]: c["type"] for c in j["columns"]} == dict(order_id="int", placed="time", customer="int", product="text", quantity="int", discount="real", returned="text")'
t table profile products
says minimum 5.33 120.89
t table profile products --json
that '[c["missing"] for c in j["columns"] if c["name"] == "price"] == [4]'
expect 66 "$tarn" table show nothing

say "1, 2 and 3 threads make the same model and report"
for n in 1 2 3; do
    mkdir "../threads$n" && cp -r tarn.yaml data "../threads$n/"
    t run --folder "../threads$n" --threads "$n" --json
    same "$(get 'j["model"]["id"]')" "$model" "model with $n threads"
    same "$(id_of main/report.html --folder "../threads$n")" "$report" "report with $n threads"
done

say "running everything again makes the same bytes and no new version"
versions=$("$tarn" models --json | grep -c '"version"')
t run --again --json
that 'not j["model"]["new"]'
same "$("$tarn" models --json | grep -c '"version"')" "$versions" "versions"
same "$(get 'j["ran"]')" 18 "steps that ran"
same "$(get 'j["model"]["id"]')" "$model" "model"
same "$(id_of main/report.html)" "$report" "report"

say "stages by hand: ingest, train and assess stop where they say"
mkdir ../stages && cp -r tarn.yaml data ../stages/
t ingest --folder ../stages --json
that '[s["name"] for s in j["steps"]] == ["ingest/customers", "ingest/products", "ingest/orders", "lake/check"] and j["commit"]'
t table show --folder ../stages orders
t run --folder ../stages --to prepare --json
that 'j["steps"][-1]["name"] == "prepare/split" and "model" not in j'
t table show --folder ../stages joined/sales
t train --folder ../stages --json
that 'j["steps"][-1]["name"] == "train/choose" and "model" not in j'
t assess --folder ../stages --json
that 'j["steps"][-1]["name"] == "assess/report"'
t run --folder ../stages --to prepare/split --json
that 'j["steps"][-1]["name"] == "prepare/split" and j["ran"] == 0'

say "doctor finds everything in order, and what is not"
t doctor --json
that 'all(c["ok"] for c in j["checks"])'
expect 65 "$tarn" doctor --folder /proc --json
that 'not all(c["ok"] for c in j["checks"]) and j["error"]["code"] == "CHECK"'

say "models, promote, reproduce"
t models --json
version=$(get '[m["version"] for m in j["models"] if "champion" in m["aliases"]][0]')
t promote shop/1 --alias first --why "for the test"
t models shop
says "first"
expect 65 "$tarn" model tree shop/1
says "has no trees"
t promote shop/1
t promote "shop/$version"
expect 66 "$tarn" promote shop/99
says "has no version 99"
expect 66 "$tarn" promote nobody/1
expect 66 "$tarn" models nobody
t reproduce shop
says "came out the same to the byte: $model"
t reproduce shop@champion --json --threads 3
that 'j["same"] and j["code_same"] and len(j["steps"]) > 8 and all(s["same"] for s in j["steps"])'
expect 66 "$tarn" reproduce nobody

say "predict scores CSV, Parquet, JSON and tables alike"
t predict joined/sales --out table.csv
says "3,000 rows scored by shop"
"$tarn" sql --csv 'SELECT * FROM "joined/sales"' >sales.csv
"$tarn" lake cat main/joined/sales.parquet >sales.parquet
python3 - <<'PY'
import csv, json
rows = list(csv.DictReader(open("sales.csv")))
for r in rows:
    for k in ("order_id", "quantity", "age"): r[k] = int(r[k]) if r[k] else None
    for k in ("discount", "price"): r[k] = float(r[k]) if r[k] else None
    r["city"] = r["city"] or None
json.dump(rows, open("sales.json", "w"))
open("sales.ndjson", "w").write("".join(json.dumps(r) + "\n" for r in rows))
PY
for kind in csv parquet json ndjson; do
    t predict "sales.$kind" --out "of_$kind.csv"
    cmp -s table.csv "of_$kind.csv" || fail "$kind is scored otherwise than the table"
done
same "$(wc -l <table.csv)" 3001 "lines"
t predict sales.csv --json --limit 2 --model shop/1
that 'j["version"] == 1 and len(j["rows"]) == 2 and j["columns"][0]["name"] == "prediction"'
expect 65 "$tarn" predict data/products.csv
says "field 'placed'"
expect 66 "$tarn" predict nothing.csv
says "neither a file nor a table"
expect 66 "$tarn" predict sales.csv --model nobody
says "neither a candidate of the last run on branch"

say "what a candidate says of the test rows stands beside their labels, and gives the figures of the assessment"
"$tarn" lake cat main/assess/test.json >assessed.json
t predict --part test --keep returned,placed,age --out test.csv
python3 - <<'PY' || fail "the accuracy is another"
import csv, json
rows, told = list(csv.DictReader(open("test.csv"))), json.load(open("assessed.json"))
right = sum(r["returned"] == r["prediction"] for r in rows)
assert list(rows[0])[:4] == ["returned", "placed", "age", "prediction"] and len(rows) == told["rows"]
assert abs(right / len(rows) - told["metrics"]["accuracy"]) < 1e-12
PY
t predict --part test --model forest --json --limit 1
that 'j["model"] == "forest" and j["version"] is None and len(j["id"]) == 64'
expect 66 "$tarn" predict --part test --keep placed,plcaed
says "the rows have no column 'plcaed'"
expect 64 "$tarn" predict --part holdout
says "the holdout is for"
expect 64 "$tarn" predict sales.csv --part test
says "not both"

say "compare tells candidates and versions apart on the test rows, on a file, with the same numbers for any number of threads"
t compare forest boosting --json --threads 1
cp "$out" compared.json
t compare forest boosting --json --threads 3
cmp -s "$out" compared.json || fail "the number of threads changes the comparison"
that '[t["test"] for t in j["tests"]] == ["bootstrap", "delong", "mcnemar", "mcnemar_chi2"]'
that 'all(0 < t["p"] <= 1 and t["interval"][0] <= t["difference"] <= t["interval"][1] for t in j["tests"])'
that 'all(m["low"] < m["value"] < m["high"] for m in j["models"])'
t compare shop/1 shop --metric brier
says "Brier score of" "p 1 "
t compare forest shop sales.csv --metric f1
says "F1 score of 3,000 rows"
"$tarn" lake cat main/assess/test.json >assessed.json
that 'j["intervals"]["roc_auc"][0] < j["metrics"]["roc_auc"] < j["intervals"]["roc_auc"][1] and j["interval"]["level"] == 0.95' assessed.json
expect 66 "$tarn" compare forest nobody
says "neither a candidate of the last run"
expect 64 "$tarn" compare forest boosting --part rest
says "no part of a split"
expect 66 "$tarn" compare forest boosting --metric brjer
says "did you mean 'brier'"
expect 65 "$tarn" compare forest boosting data/products.csv

say "the lake by hand: put, diff, commit, rm, log, show, ls, cat"
head=$(head_of main)
printf 'one\n' >note.txt && mkdir -p box/in && printf 'two\n' >box/in/b.txt && printf 'three\n' >box/c.txt
expect 66 "$tarn" lake commit --message "nothing"
t lake put note.txt box
t lake diff
says "+ note.txt" "+ box/in/b.txt" "3 added"
t lake ls --staged
says note.txt
t lake ls
silent_on note.txt
expect 64 "$tarn" lake commit
t lake commit --message "a note"
t lake cat main/note.txt
same "$(cat "$out")" one "the note"
t lake put note.txt --to deep/er/note.txt
t lake commit --message "deeper"
t lake ls main deep/ --all
says deep/er/note.txt
expect 64 "$tarn" lake put note.txt box --to x
expect 66 "$tarn" lake put missing.txt
expect 65 "$tarn" lake put note.txt --to ../out
t lake rm note.txt
expect 66 "$tarn" lake rm note.nowhere
t lake commit --message "gone"
expect 66 "$tarn" lake cat main/note.txt
t lake cat main~1/note.txt
t lake diff main~1 main
says "- note.txt" "1 removed"
t lake diff "$head" main
says "3 added"
t lake log --limit 3
same "$(grep -c . "$out")" 3 "lines of the log"
says gone deeper "a note"
t lake show
says "gone" "- note.txt"
t lake show main~2 --json
that '[c["path"] for c in j["changes"]] == ["box/c.txt", "box/in/b.txt", "note.txt"]'
expect 66 "$tarn" lake log nobranch
expect 66 "$tarn" lake cat main/nothing

say "branches, tags, merging; what is refused"
t lake branch side
t lake tag before-side main~1
printf 'side\n' >side.txt
t lake put side.txt --branch side
t lake commit --branch side --message "on the side"
expect 66 "$tarn" lake cat main/side.txt
expect 73 "$tarn" lake branch side
t lake branch --json
that 'sorted(r["name"] for r in j["refs"]) == ["main", "side"]'
t lake merge side
t lake cat main/side.txt
t lake branch other main~1
t lake put note.txt --branch other
t lake commit --branch other --message "apart"
t lake merge other --dry-run
says "+ note.txt" "Nothing was changed"
t lake cat before-side/note.txt
t lake tag --remove before-side
expect 66 "$tarn" lake cat before-side/note.txt
t lake branch other --remove
expect 66 "$tarn" lake log other
expect 65 "$tarn" lake branch 'bad name~'
t sql --branch side 'SELECT count(*) FROM orders'

say "checkout writes files, and not over changed ones unless forced"
t lake checkout main away --prefix box/
same "$(cat away/box/in/b.txt)" two "file"
t lake checkout main away --prefix box/
printf 'mine\n' >away/box/c.txt
expect 75 "$tarn" lake checkout main away --prefix box/
says "box/c.txt" "--force"
same "$(cat away/box/c.txt)" mine "file of mine"
t lake checkout main away --prefix box/ --force
same "$(cat away/box/c.txt)" three "file"
t lake fsck --json
that 'j["problems"] == 0 and j["commits"] > 5'
t lake fsck
says clean

say "derived paths that nobody makes any more leave the branch; what people put in stays"
sed -i '/^    boosting:/,/^$/d' tarn.yaml
printf '\n' >>tarn.yaml
t run --json
expect 66 "$tarn" lake cat main/models/boosting.tarn
t lake cat main/box/c.txt

say "what is mistyped gets the nearest word"
expect 64 "$tarn" lake lgo
says "'tarn lake log'"
expect 64 "$tarn" sttaus
says "'tarn status'"
expect 64 "$tarn" lake
expect 64 "$tarn" frobnicate
expect 64 "$tarn" run --agian
says "'again'"
expect 64 "$tarn" run --to trian
says "'train'"
expect 64 "$tarn" run --threads 0
expect 64 "$tarn" run --to
expect 64 "$tarn" promote
says "usage: tarn promote MODEL/VERSION"
expect 66 "$tarn" status --folder /proc
says "tarn init"

say "every command has --help and answers --json with one JSON document, errors too"
"$tarn" --help >help.txt
"$tarn" reference commands >commands.md
names=$(sed -n 's/^## tarn //p' commands.md)
[ "$(wc -l <<<"$names")" -ge 30 ] || fail "the reference page lists too few commands"
while read -r name; do
    # shellcheck disable=SC2086
    t $name --help
    says "tarn $name" --json
    grep -q "^  $name" help.txt || fail "the overview leaves out '$name'"
done <<<"$names"
while read -r line; do
    read -ra words <<<"$line"
    "$tarn" "${words[@]}" --json >"$out" 2>"$err" </dev/null || true
    python3 -c 'import json, sys; assert isinstance(json.load(open(sys.argv[1])), dict)' "$out" || fail "'tarn $line --json' is not one JSON object"
done <<'LINES'
init
run
status
doctor
ingest
train
assess
lake log
lake show
lake ls
lake cat main/report.html
lake branch
lake branch side
lake tag
lake diff
lake diff main~1
lake checkout main away
lake put nothing
lake rm nothing
lake commit --message x
lake merge side
lake fsck
table show orders
table schema orders
table profile orders
sql SELECT
predict sales.csv
compare forest boosting
models
promote shop/1
model tree nobody
reproduce shop
reproduce nobody
why nothing
reference
run --to nowhere
lake log nowhere
serve --bind 256.0.0.1
LINES

say "a lake above the project is taken, and told"
mkdir "$scratch/above" && "$tarn" init "$scratch/above" >/dev/null
shop "$scratch/above/below" 300
t run --to ingest/orders
says "the lake is that of '$(realpath "$scratch/above")', above this folder; \`tarn init\` makes one here"
t init
t run --to ingest/orders
silent_on "above this folder"
say "all well"
