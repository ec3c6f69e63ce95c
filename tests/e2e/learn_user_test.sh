#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Awkward tables and settings, as a person meets them: what learning makes of each, or the message that says what to do.
. "$(dirname "$0")/lib.sh"

python3 - <<'PY'
import random
rng = random.Random(4)
with open("t.csv", "w") as f:
    f.write("a,b,kind,y,two,w,tax,paid,day,near\n")
    for i in range(600):
        a, kind, y = rng.gauss(0, 1), rng.choice("xyz"), 0
        y = a + (kind == "x") + rng.gauss(0, 0.5)
        f.write(f"{a:.4f},{i % 5},{kind},{'back' if y > 0.6 else 'kept'},{'pq'[y > 0]},{1 + i % 3},{y:.5f},"
                f"\"{1000 + 7 * i:,}\",{1 + i % 28}.{1 + i % 12}.2024,{'R%d' % i if y > 0.6 else ''}\n")
PY
project() {
    cat >tarn.yaml <<EOF2
project: awkward
problem: What becomes of it?
ingest: {t: {source: file, path: ../t.csv}}
prepare: {split: {by: random, seed: 3}}
train:
  table: t
  target: $1
  task: $2
  features: [a, b]
  candidates:
    one: {algo: $3}
registry: {name: m}
EOF2
}

say "several classes of which there are two: probabilities of both, as for yes or no"
mkdir two && cd two
project two binary gaussian_nb
sed -i 's/task: binary/task: binary\n  positive: q/' tarn.yaml
t init
t run --quiet
t predict ../t.csv --out binary.csv
for algo in boosting decision_tree forest knn svm linear_svm logistic sgd gaussian_nb categorical_nb; do
    project two multiclass $algo
    t run --quiet
done
t predict ../t.csv --out several.csv
project two multiclass gaussian_nb
t run --quiet
t predict ../t.csv --out several.csv
python3 - <<'PY' || fail "two of several classes are not yes and no"
import csv
yes, both = (list(csv.DictReader(open(name))) for name in ("binary.csv", "several.csv"))
assert len(yes) == len(both) == 600 and {"p(p)", "p(q)"} <= set(both[0])
for x, y in zip(yes, both):
    assert x["p(q)"] == y["p(q)"] and abs(float(y["p(p)"]) + float(y["p(q)"]) - 1) < 1e-12
    assert y["prediction"] == "pq"[float(y["p(q)"]) > 0.5]
PY

say "two models are compared by the figure that the run chose by, also where the project leaves it to tarn"
t compare one m --json
that 'j["metric"] == "log_loss"'

say "a weight is a number that every row has"
weigh() { project y binary logistic && sed -i "s/task: binary/task: binary\n  weight: $1/" tarn.yaml; }
weigh kind
expect 65 "$tarn" run
says "train.weight: column 'kind' is text; a weight is a number"
weigh near
expect 65 "$tarn" run
says "train.weight: column 'near' is text"
weigh w
t run

say "rows of messages are rows of the table, counted from 1"
cd "$scratch" && mkdir gap && cd gap
sed '201s/^[^,]*/ /; 201s/^ //' ../t.csv >gap.csv
project y binary logistic
sed -i 's/path: .*}}$/path: gap.csv}}/; s/by: random, seed: 3/by: time, column: w, valid_from: 2, test_from: 3/' tarn.yaml
t init
expect 65 "$tarn" run
row=$(awk -F, 'NR > 1 && $1 == "" {print NR - 1; exit}' gap.csv)
says "column 'a' is missing in row $row, and estimator 'logistic' does not take that"
project tax regression ols
sed -i 's/path: .*}}$/path: gap.csv}}/; s/target: tax/target: a/; s/features: .*/features: [b]/' tarn.yaml
expect 65 "$tarn" run
says "the first is row $row"

say "intervals of folds end where the figure does"
cd "$scratch" && mkdir folds && cd folds
project tax regression ols
sed -i 's/target: tax/target: y/; s/task: regression/task: binary\n  positive: back\n  folds: {n: 5}/; s/\[a, b\]/[tax]/; s/ols/decision_tree/' tarn.yaml
t init
t run
t leaderboard --json
that '0.9 < j["candidates"][0]["low"] < j["candidates"][0]["figure"] < 1 and j["candidates"][0]["high"] == 1'

say "--auto: a column that tells the target by itself is doubted, here and in the file; so are misspelt numbers"
cd "$scratch"
t train --auto t.csv --target y --folder auto --tries 1
says "column 'tax': alone it tells 'y' in 600 of 600 rows; will it be known when that is not?" \
    "take it out of the features in auto/tarn.yaml" "left out: paid (numbers, spelt like '1,000': spell them like 1234.5)" \
    "column 'day': dates, spelt like '1.1.2024': spell them like 2024-12-31"
grep -qF -- "- tax   # number; DOUBTFUL: alone it tells 'y' in 600 of 600 rows" auto/tarn.yaml || fail "the file does not doubt it"
silent_on "column 'a'"
silent_on "column 'two'"
t train --auto t.csv --target tax --folder number --tries 1 --json
that '[c["column"] for c in j["doubtful"]] == ["day"]'
awk -F, -v OFS=, 'NR == 1 {print $0, "eur"; next} {print $0, $7 * 1.17 + 3}' <(sed 's/"[^"]*"/0/' t.csv) >eur.csv
t train --auto eur.csv --target tax --folder euro --tries 1 --json
that '[c["column"] for c in j["doubtful"]] == ["day", "eur"] and "explains over 99.9 %" in j["doubtful"][1]["why"]'

say "--auto: of a time that tells the target, that rows close in time are alike, unless rows are split by it"
awk 'BEGIN {print "t,a,y"; for (i = 0; i < 900; i++) printf "2024-%02d-%02d,%d,%s\n", 1 + i / 75, 1 + i / 3 % 25, i * 7 % 11, int(i / 75) % 2 ? "on" : "off"}' >series.csv
t train --auto series.csv --target y --folder series --tries 1
says "column 't': alone it tells 'y' in 900 of 900 rows; if rows close in time are alike, test on later ones (--time)"
t train --auto series.csv --target y --time t --folder later --tries 1
silent_on "column 't'"

say "--auto: a category of thousands of levels keeps no estimator away"
python3 - <<'PY'
import random
rng = random.Random(2)
effect = [rng.gauss(0, 1.5) for _ in range(1500)]
with open("zip.csv", "w") as f:
    f.write("zip,a,y\n")
    for i in range(12000):
        at, a = int(1500 * rng.random()), rng.gauss(0, 1)
        f.write(f"z{at},{a:.3f},{'p' if a + effect[at] + rng.gauss(0, 1) > 0 else 'q'}\n")
PY
t train --auto zip.csv --target y --folder zip --tries 1 --json
that '{"logistic", "sgd", "linear_svm", "boosting", "categorical_nb"} <= {c["name"] for c in j["candidates"]}'
that 'all(c["figure"] > 0.77 for c in j["candidates"] if c["name"] in ("logistic", "sgd", "linear_svm"))'

say "--auto: a target that is infinite, or that --auto cannot tell classes of, is told before anything is written"
sed '5s/^[^,]*/inf/' t.csv >inf.csv
expect 65 "$tarn" train --auto inf.csv --target a --folder none
says "target 'a' is infinite in row 4"
awk -F, -v OFS=, 'NR == 1 {print "a", "y"; next} {print $1, NR % 5 ? NR % 2 : NR}' t.csv >codes.csv
expect 65 "$tarn" train --auto codes.csv --target y --folder none --task multiclass
says "each class needs 5 (take those rows out, or give --task regression"
awk -F, 'NR == 1 {print "a,y"; next} {printf "%s,900719925474099%d\n", $1, 2 + NR % 2}' t.csv >big.csv
expect 65 "$tarn" train --auto big.csv --target y --folder none
says "has whole numbers of 2^53 and more, which are rounded when they are compared"
awk -F, 'NR == 1 {print "a,y"; next} {y = sprintf("%0300d", NR % 2); printf "%s,x%s\n", $1, y}' t.csv >long.csv
expect 65 "$tarn" train --auto long.csv --target y --folder none
says "target 'y' has a text of 301 bytes; names of classes have up to 255"
[ ! -e none ] || fail "a folder was made"

say "--auto: the rows of a class that a handful of rows has are left out, and that is told"
sed '5s/,kept,\|,back,/,once,/; 9s/^\(.*\),\(kept\|back\),/\1,,/' t.csv >once.csv
t train --auto once.csv --target y --folder once --tries 1
says "1 row of classes with fewer than 5 rows, like 'once', is left out: no model will know them"
grep -qF '{kind: rare, columns: y, least: 5, action: drop_row}   # 1 row of' once/tarn.yaml || fail "no repair is in the file"
t train --auto once.csv --target y --folder once2 --tries 1 --json
that 'j["task"] == "binary" and j["rows_of_rare_classes"] == 1'

say "figures that do not suit are refused before a word is said"
cd auto
expect 65 "$tarn" compare forest boosting --metric rmse
[ ! -s "$out" ] || fail "something was printed"
