#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Learning on: a table grows, the next run learns from the new rows alone, and the model says so and comes out again.
. "$(dirname "$0")/lib.sh"

# rows FROM TO: rows of the table, each by its number alone.
rows() {
    python3 - "$1" "$2" <<'PY'
import random, sys
for i in range(int(sys.argv[1]), int(sys.argv[2])):
    r = random.Random(i)
    a, kind = r.gauss(0, 1), r.choice("xyz")
    print(f"{i},{a:.4f},{r.randrange(4)},{kind},{'yes' if a + (kind == 'x') + r.gauss(0, 0.5) > 0 else 'no'}")
PY
}
project() {
    cat >tarn.yaml <<EOF2
project: on
problem: Does it go on?
ingest: {t: {source: file, path: t.csv}}
tables: {t: {key: id}}
prepare: {split: {by: random, seed: 3}}
train:
  table: t
  target: y
  positive: "yes"
  features: [a, n, kind]
  threshold: "${2:-0.5}"
  candidates:
    line: {algo: sgd, learn_on: $1, prepare: [{step: scale}, {step: onehot}]}
    counts: {algo: gaussian_nb, learn_on: $1, prepare: [{step: onehot}]}
    trees: {algo: boosting, trees: 10, learn_on: $1}
registry: {name: m}
EOF2
}
step() { get '[s["said"] for s in j["steps"] if s["name"] == "train/'"$1"'"][0]'; }

say "the first run learns from all rows"
mkdir one && cd one
{ echo id,a,n,kind,y && rows 0 1500; } >t.csv
project true
t init
t run --json
that '"train/line" in "'"$(ran)"'"'
t run --json
same "$(ran)" "" "steps that ran again"

say "rows are added: the next run learns from those alone"
cp -r . ../again
rows 1500 2000 >>t.csv
t run --json
[[ $(step line) == *" new rows after "* ]] || fail "line: $(step line)"
[[ $(step trees) == *" new rows after "* ]] || fail "trees: $(step trees)"
that '"from_the_beginning" not in j["learned_on"] and 300 < j["learned_on"]["new_rows"] < 400 and j["learned_on"]["rows_before"] > 1000' <("$tarn" lake cat main/train/line.json)
line=$(id_of main/models/line.tarn)
t run --json
same "$(ran)" "" "steps that ran again"
t run --again
same "$(id_of main/models/line.tarn)" "$line" "the model, made again"
t reproduce m
says "same"

say "the same two runs with more threads: the same models"
(cd ../again && rows 1500 2000 >>t.csv && t run --threads 3)
same "$(id_of main/models/line.tarn --folder ../again)" "$line" "the model of three threads"

say "only the threshold changes: the model stays, but for that"
project true 0.25
t run --json
[[ $(step line) == *"; 0 new rows after "* ]] || fail "line: $(step line)"
project true
t run

say "it is another model than that of all rows at once, as good as one"
mkdir ../whole && (cd ../whole && cp ../one/t.csv . && project false && t init && t run)
[ "$(id_of main/models/line.tarn --folder ../whole)" != "$line" ] || fail "learning on gave the model of all rows"
"$tarn" lake cat main/train/line.json >on.json
"$tarn" lake cat main/train/line.json --folder ../whole >whole.json
a=$(get 'j["valid"]["roc_auc"]' on.json) b=$(get 'j["valid"]["roc_auc"]' whole.json)
python3 -c "import sys; sys.exit(abs($a - $b) > 0.02)" || fail "ROC AUC $a after learning on, $b at once"

say "a changed row: from the beginning, with the reason"
sed -i '2,40{s/,yes$/,no/; t; s/,no$/,yes/}' t.csv
t run --json
[[ $(step line)$(step counts) == *"from the beginning: a row that it has learned from has changed"* ]] || fail "line: $(step line)"

say "naive Bayes and least squares, with the same preparation: as all rows at once, but for rounding"
sums() {
    cat >tarn.yaml <<EOF2
project: sums
problem: Does it go on?
ingest: {t: {source: file, path: t.csv}}
tables: {t: {key: id}}
prepare: {split: {by: random, seed: 3}}
train:
  table: t
  target: $1
  task: $2
  weight: w
  features: [a, n]
  candidates:
    $3: {algo: $3, learn_on: $4}
registry: {name: m}
EOF2
}
# With a weight of 1 to 3, and a number to predict.
weighted() { rows "$1" "$2" | awk -F, -v OFS=, '{print $0, 1 + $1 % 3, 2 * $2 - $3 + ($1 * 7919 % 101) / 50}'; }
while read -r algo target task; do
    for on in true false; do
        mkdir -p "../sums/$algo-$on" && cd "../sums/$algo-$on"
        { echo id,a,n,kind,y,w,z && weighted 0 300; } >t.csv
        sums "$target" "$task" "$algo" "$on"
        t init
        if [ "$on" = true ]; then t run; fi
        weighted 300 310 >>t.csv
        if [ "$on" = true ]; then t run; fi
        weighted 310 2000 >>t.csv
        t run --json
        [ "$on" = false ] || [[ $(step "$algo") == *" new rows after "* ]] || fail "$algo: $(step "$algo")"
        t predict t.csv --out out.csv
        cd ../../one
    done
    python3 - "$algo" <<'PY' || fail "$algo is another after learning on"
import sys
a, b = ([line.split(",") for line in open(f"../sums/{sys.argv[1]}-{on}/out.csv")] for on in ("true", "false"))
assert len(a) == len(b) == 2001 and a[0] == b[0]
off = max(abs(float(x[-1]) - float(y[-1])) for x, y in zip(a[1:], b[1:]))
assert off < 1e-9, off
PY
done <<'EOF2'
gaussian_nb y binary
bernoulli_nb y binary
categorical_nb y binary
ols z regression
ridge z regression
EOF2

say "one of its trees, to be read"
mkdir ../read && cd ../read && cp ../one/t.csv . && project false
sed -i '/ line: /d; / counts: /d' tarn.yaml
t init
t run
t model tree m@champion --tree 10 --depth 2
says "tree 10 of 10" " <= " "yes: " "no: "
expect 66 "$tarn" model tree m@champion --tree 11
says "there is no tree 11"
cd ../one

say "what cannot learn on is refused in the project file"
sed -i 's/algo: gaussian_nb/algo: quantile/' tarn.yaml
expect 65 "$tarn" run
says "cannot learn on" "tarn.yaml:"
