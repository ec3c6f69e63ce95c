#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A project that splits by group: rows of one customer depend on each other, so that intervals and tests draw whole
# customers wherever figures are shown; the figures themselves are those of the rows.
. "$(dirname "$0")/lib.sh"

mkdir -p shop/data
cd shop
# What a customer does is noise, and so is the colour, which every order of the customer has.
python3 - <<'PY'
import random
rng = random.Random(8)
with open("data/orders.csv", "w") as f:
    f.write("customer,size,taste,returned\n")
    for customer in range(150):
        size, taste, back = rng.random(), rng.random(), rng.random() < 0.5
        for order in range(12):
            f.write(f"c{customer},{size + 0.01 * order:.4f},{taste:.4f},{'back' if back else 'kept'}\n")
PY

# project SPLIT: a project file with this split.
project() {
    cat >tarn.yaml <<YAML
project: shop
problem: Will an order come back?
ingest:
  orders: {source: file, path: data/orders.csv}
prepare:
  split: {$1}
train:
  table: orders
  target: returned
  positive: back
  features: [size, taste]
  candidates:
    line: {algo: logistic}
    tree: {algo: boosting, trees: 20}
registry: {name: shop}
YAML
}
by_group='by: group, column: customer, valid: 0.25, test: 0.25, holdout: 0.2'
test_of() { "$tarn" lake cat main/assess/test.json >test.json; }

say "the assessment and its report: whole customers are drawn, and noise is not told from chance"
project "$by_group"
t init
t run
says "intervals by whole groups of 'customer'"
test_of
that 'j["interval"]["by_group"] and j["interval"]["groups_of"] == "customer" and 30 < j["interval"]["groups"] < 45' test.json
that 'j["interval"]["groups"] * 12 == j["rows"] and set(j["interval"]["kinds"].values()) == {"percentile"}' test.json
that 'j["intervals"]["roc_auc"][0] < 0.5 < j["intervals"]["roc_auc"][1] and "ndcg" not in j["metrics"]' test.json
"$tarn" lake cat main/report.html >report.html
grep -q 'groups of rows with the same customer' report.html || fail "the report does not say how it drew"
first=$(id_of main/assess/test.json)
t init ../again
cp -r data tarn.yaml ../again
t run --folder ../again --threads 3 --quiet
same "$(id_of main/assess/test.json --folder ../again)" "$first" "the assessment by three threads"

say "the interval is that of drawing customers, as reckoned apart; the figure is that of the rows"
t leaderboard --json
winner=$(get '[c["name"] for c in j["candidates"] if c["winner"]][0]')
t predict --part test --model "$winner" --keep customer,returned --out said.csv
python3 - said.csv test.json <<'PY' || fail "the interval is not that of the customers"
import csv, json, random, sys
rows = list(csv.DictReader(open(sys.argv[1])))
told = json.load(open(sys.argv[2]))
def auc(rows):
    back = [float(r["p(back)"]) for r in rows if r["returned"] == "back"]
    kept = [float(r["p(back)"]) for r in rows if r["returned"] != "back"]
    return sum((b > k) + 0.5 * (b == k) for b in back for k in kept) / (len(back) * len(kept))
of = {}
for r in rows: of.setdefault(r["customer"], []).append(r)
rng, names = random.Random(1), sorted(of)
found = sorted(auc([r for _ in names for r in of[rng.choice(names)][::4]]) for _ in range(400))
low, high = told["intervals"]["roc_auc"]
assert abs(auc(rows) - told["metrics"]["roc_auc"]) < 1e-9
assert abs(found[10] - low) < 0.06 and abs(found[389] - high) < 0.06, (found[10], low, found[389], high)
PY

say "leaderboard, comparison and holdout say so, too"
t leaderboard
says "whole groups of rows with the same 'customer' were drawn"
t leaderboard --json
that 'j["groups_of"] == "customer"'
t compare line tree
says "whole groups of rows with the same 'customer' were drawn" "Paired bootstrap"
silent_on "McNemar"
t compare line tree --json
that 'j["groups_of"] == "customer" and [x["test"] for x in j["tests"]] == ["bootstrap"]'
t holdout line --json
that 'j["use"]["groups_of"] == "customer"'
t holdout line
says "whole groups of rows with the same 'customer' were drawn"

say "rows of a file that has no such column stand alone; one without a value is told"
cut -d, -f2- data/orders.csv >bare.csv
t compare line tree bare.csv
says "McNemar"
silent_on "whole groups"
sed '3s/^[^,]*//' data/orders.csv >gap.csv
expect 65 "$tarn" compare line tree gap.csv
says "split by group: column 'customer' is missing in row 2"

say "split row by row, rows are drawn"
project 'by: random, valid: 0.25, test: 0.25'
t run
silent_on "whole groups"
test_of
that 'not j["interval"]["by_group"] and "groups_of" not in j["interval"] and j["interval"]["kinds"]["roc_auc"] == "delong"' test.json
t leaderboard
silent_on "whole groups"
t compare line tree
says "McNemar"
