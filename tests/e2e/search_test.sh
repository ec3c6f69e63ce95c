#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Searches of settings as steps of a run: random, by grid, by halving, nested; folds of every kind; weights. A second run
# keeps all, a killed one goes on, and what makes no sense is told with its place.
. "$(dirname "$0")/lib.sh"

mkdir -p shop/data
cd shop
python3 - <<'PY'
import random
rng = random.Random(5)
with open("data/orders.csv", "w") as f:
    f.write("placed,customer,quantity,price,colour,weight,bad_weight,returned\n")
    for i in range(600):
        quantity, price, colour = 1 + i * 7 % 5, round(rng.random() * 90 + 5, 2), ["red", "green", "blue"][rng.randrange(3)]
        back = rng.random() < 0.1 + 0.1 * quantity + 0.2 * (colour == "red") - 0.003 * price
        f.write(f"2024-{1 + i // 50:02d}-{1 + i % 28:02d},{i % 60},{quantity},{price},{colour},"
                f"{1 + i % 3},{'' if i == 77 else i % 3},{'back' if back else 'kept'}\n")
PY

# project TRAIN CANDIDATES: a project file with these lines of train, and these candidates.
project() {
    cat >tarn.yaml <<YAML
project: shop
problem: Will an order come back?
ingest:
  orders: {source: file, path: data/orders.csv}
prepare:
  split: {by: stratified, valid: 0.2, test: 0.2}
train:
  table: orders
  target: returned
  positive: back
  features: [quantity, price, colour]
$1
  candidates:
$2
registry: {name: shop}
YAML
}
steps='      prepare: [{step: impute}, {step: scale}, {step: onehot}]'
tree='    tree: {algo: boosting, trees: 20, search: {tries: 3, space: {leaves: [4, 8, 16]}}}'
line="    line:
      algo: logistic
$steps"
report() { "$tarn" lake cat "main/train/$1.json" >found.json; }

say "searches at random, by grid and by halving"
project '  folds: {n: 3, by: stratified}' "$line
      search: {by: random, tries: 4, space: {C: {from: 0.01, to: 10, scale: log}}}
    grid: {algo: boosting, trees: 20, search: {by: grid, space: {leaves: [4, 8], learning_rate: [0.05, 0.2]}}}
    half:
      algo: logistic
$steps
      search: {by: halving, tries: 9, keep: 0.34}"
t init
t run --json
that '[sum(s["name"].startswith(f"train/tries/{c}/") for s in j["steps"]) for c in ("line", "grid", "half")] == [4, 4, 13]'
report line
that 'len(j["folds"]["metrics"]["roc_auc"]["each"]) == 3 and j["tries"] == 4 and 0.01 <= float(j["settings"]["C"]) <= 10' found.json
report half
that 'j["tries"] == 9' found.json
report search/grid
that 'len(j["tries"]) == 4 and j["tries"] == sorted(j["tries"], key=lambda t: -t["figure"]) and j["settings"] == j["tries"][0]["settings"]' found.json

say "a second run keeps all steps; more threads make the same bytes"
t run --json
same "$(ran)" "" "steps that ran"
board=$(id_of main/train/leaderboard.json)
t init ../again
cp -r data tarn.yaml ../again
t run --folder ../again --threads 3 --quiet
same "$(id_of main/train/leaderboard.json --folder ../again)" "$board" "the leaderboard"

say "killed half-way, the next run goes on behind the last try that was done"
rm -rf .tarn
t init
"$tarn" run --quiet >"$out" 2>"$err" </dev/null &
pid=$!
wait_for 60 grep -q "train/tries/grid/1-01" "$out" || fail "no try was told"
kill -9 "$pid" 2>/dev/null || fail "the run was over before it could be killed"
wait "$pid" 2>/dev/null || true
t run --json
that 'sum(s["state"] == "kept" and s["name"].startswith("train/tries/line/") for s in j["steps"]) == 4'
that 'any(s["state"] == "done" for s in j["steps"])'
same "$(id_of main/train/leaderboard.json)" "$board" "the leaderboard"

say "the leaderboard: best first, with what is known of each"
t leaderboard
says "higher is better" "us alone" "* "
t leaderboard --json
that '[c["figure"] for c in j["candidates"]] == sorted((c["figure"] for c in j["candidates"]), reverse=True)'
that 'all(c["low"] < c["figure"] < c["high"] and c["of"] == "folds" and c["bytes"] > 0 and c["row_us"] > 0 and c["one_row_us"] > 0 and c["fit_seconds"] > 0 for c in j["candidates"])'
that '{c["name"]: c["tries"] for c in j["candidates"]}["half"] == 9 and sum(c["winner"] for c in j["candidates"]) == 1'

say "folds at random, by group and by time"
for folds in 'n: 4, by: random' 'n: 4, by: group, column: customer' 'n: 3, by: time, column: placed'; do
    project "  folds: {$folds}" "$tree"
    t train --quiet
    report tree
    that 'len(j["folds"]["metrics"]["roc_auc"]["each"]) == j["folds"]["n"] and j["tries"] == 3' found.json
done

say "folds dealt five times over: steadier, and compared by 5x2cv"
project '  folds: {n: 2, by: stratified, repeats: 5}' "$line
    tree: {algo: boosting, trees: 20}"
t run --quiet
report tree
that 'j["folds"]["repeats"] == 5 and abs(j["folds"]["test_share"] - 1) < 1e-9 and len(set(j["folds"]["metrics"]["roc_auc"]["each"])) == 10' found.json
t compare tree line --json
that '[x["test"] for x in j["fold_tests"]] == ["resampled_t", "cv52_t", "cv52_f"] and all(0 < x["p"] <= 1 for x in j["fold_tests"])'
cp "$out" compared.json
report tree && mv found.json tree.json && report line
python3 - tree.json found.json compared.json <<'PY' || fail "the 5x2cv F test is not that of Alpaydin 1999"
import json, sys
a, b = (json.load(open(f))["folds"]["metrics"]["roc_auc"]["each"] for f in sys.argv[1:3])
d = [[a[2 * i] - b[2 * i], a[2 * i + 1] - b[2 * i + 1]] for i in range(5)]
f = sum(x * x for p in d for x in p) / (2 * sum((x - sum(p) / 2) ** 2 for p in d for x in p))
told = json.load(open(sys.argv[3]))["fold_tests"][2]["statistic"]
sys.exit(abs(told - f) > 1e-9 * f)
PY
project '  metric: brier' "$line
    tree: {algo: boosting, trees: 20}"
t run --quiet
t compare tree line
says "Brier score of 120 rows"
project '  folds: {n: 3, by: group, column: customer, repeats: 2}' "$tree"
expect 65 "$tarn" train --quiet
says "by group or time rows are dealt the same each time"

say "nested: what the search itself is worth"
project '  folds: {n: 3, by: stratified}' '    tree: {algo: boosting, trees: 10, search: {tries: 2, space: {leaves: [4, 16]}, nested: true}}'
t train --quiet
says "is the best of 2; the search itself is worth 0."
report search/tree
that 'len(j["nested"]["metrics"]["roc_auc"]["each"]) == 3 and len(j["nested"]["chosen"]) == 3' found.json

say "weights of rows and of classes change what is learned"
project '' "$line"
t train --quiet
plain=$(id_of main/models/line.tarn)
for weights in '  weight: weight' '  class_weight: balanced' '  class_weight: {back: 5}'; do
    project "$weights" "$line"
    t train --quiet
    [ "$(id_of main/models/line.tarn)" != "$plain" ] || fail "$weights changes nothing"
done
t leaderboard --json
that 'j["candidates"][0]["of"] == "valid" and j["candidates"][0]["low"] < j["candidates"][0]["figure"] < j["candidates"][0]["high"]'

say "a winner that does not say what it goes by, in a project without costs, is judged all the same"
project '' "    near:
      algo: knn
$steps"
t run --quiet
t lake ls main assess/
says "assess/roc.svg"
silent_on "importance.svg"

say "neighbours through a graph say how many of the nearest they find"
project '' "    most:
      algo: approximate_knn
      ef: 1
      recall: 0.95
$steps"
t train --quiet
report most
that '[float(n.split("recall ")[1].split()[0]) >= 0.95 for n in j["nodes"] if "by a graph" in n] == [True]' found.json

say "mistakes are told with their place, and nothing is done"
# wrong TRAIN SEARCH TEXT...: this search of boosting is refused, saying each text.
wrong() {
    project "$1" "    tree: {algo: boosting, search: $2}"
    shift 2
    expect 65 "$tarn" train
    says "nothing was done" "$@"
    grep -qE '^tarn.yaml:1[0-9]:[0-9]+: ' "$err" || fail "no line and column"
}
wrong '' '{space: {deepness: [1]}}' "estimator 'boosting' has no parameter 'deepness'"
wrong '' '{space: {leaves: {from: 1, to: 8}}}' "'leaves' should be a list of values" "within 2 to 65536"
wrong '' '{by: grid, space: {leaves: {from: 2, to: 8}}}' "by grid, 'leaves' should be a list of values"
wrong '' '{tries: 0}' "tries should be 1 to 1000"
wrong '' '{tries: few}' "'tries' should be a whole number"
wrong '' '{by: luck}' "by should be random, grid or halving, not 'luck'"
wrong '' '{by: halving, keep: 1}' "keep should be 0.05 to 0.9"
wrong '' '{tries: 2, nested: true}' "nested needs 'train.folds'"
wrong '  class_weight: {back: -1}' auto "a class's weight should be a number above 0"
wrong '  class_weight: even' auto "class_weight should be 'balanced' or {class: weight}"
project '' "    forest: {algo: forest, search: {space: {columns: {from: 1, to: 3}}}}"
expect 65 "$tarn" train
says "'columns' should be a list of values"

say "what only the rows can tell is told by the step"
project '  class_weight: {lost: 2}' "$tree"
expect 65 "$tarn" train --quiet
says "train.class_weight: no row to learn from is of class 'lost'" "step train/"
project '  weight: heaviness' "$tree"
expect 65 "$tarn" train --quiet
says "train.weight: the table has no column 'heaviness'"
project '  weight: bad_weight' "$tree"
expect 65 "$tarn" train --quiet
says "train.weight: column 'bad_weight' is" "weights must be above 0"
