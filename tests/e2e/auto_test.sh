#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A project from the statement of the problem alone; its leaderboard; and the holdout, whose uses are counted.
. "$(dirname "$0")/lib.sh"

python3 - <<'PY'
import random
rng = random.Random(9)
with open("orders.csv", "w") as f:
    f.write("order_id,shop,placed,quantity,price,colour,remark,size,returned\n")
    for i in range(1500):
        quantity, colour = 1 + rng.randrange(5), ["red", "green", "blue"][rng.randrange(3)]
        price = "" if i % 9 == 4 else round(rng.random() * 90 + 5, 2)
        back = rng.random() < 0.05 + 0.1 * quantity + 0.2 * (colour == "red")
        f.write(f"{7000 + i},one,2024-{1 + i // 125:02d}-{1 + i % 28:02d} 10:{i % 60:02d}:00,{quantity},{price},{colour},"
                f"R{i},{['S', 'M', 'L'][(quantity + i % 2) % 3]},{'' if i == 3 else 'back' if back else 'kept'}\n")
PY

say "from a file and the name of a column: a project, run to the end"
t train --auto orders.csv --target returned --folder shop --tries 3
says "1,499 rows to predict 'returned' by 5 columns: binary (it has two values); yes is back" \
    "left out: order_id (it counts the rows)" "left out: shop (it is the same in every row)" \
    "left out: remark (nearly every row has another text: a name or a key)" "orders@champion = version 1" "us alone"
cd shop
for text in 'positive: back' '# left out: order_id (it counts the rows)' 'parts: "year,month,day,weekday,hour"' \
    '{kind: missing, columns: returned, action: drop_row}' 'folds: {n: 5, by: stratified}' \
    'by: stratified, valid: 0.15, test: 0.15, holdout: 0.1' 'search: {by: random, tries: 3}'; do
    grep -qF -- "$text" tarn.yaml || fail "'$text' is not in the project file"
done
t leaderboard --json
that 'len(j["candidates"]) >= 6 and {"boosting", "forest", "logistic"} <= {c["name"] for c in j["candidates"]}'
that 'j["candidates"][0]["winner"] and j["candidates"][0]["figure"] > 0.6 and j["metric"] == "roc_auc"'

say "the file is the record: a run of it has nothing to do, and a file that is there is not touched"
cp tarn.yaml before.yaml
t run
says "Nothing to do"
expect 73 "$tarn" train --auto ../orders.csv --target returned
says "there is a project file './tarn.yaml' already"
cmp -s tarn.yaml before.yaml || fail "the project file was changed"
t predict ../orders.csv --out scored.csv
same "$(wc -l <scored.csv)" 1501 "lines"

say "the holdout is judged once asked, and each use is on record before its figures"
t holdout --list
says "The holdout has not been used on this branch"
t holdout --why "release 1"
says "This is use 1 of these rows, the first" "roc_auc" "95 % sure"
t holdout logistic --json
that 'j["uses_of_these_rows"] == 2 and j["use"]["use"] == 2 and j["use"]["model"] == "logistic" and 0.5 < j["use"]["metrics"]["roc_auc"] < 1'
t holdout orders/1
says "This is use 3 of these rows; each choice made by the figures of earlier ones makes these less worth"
"$tarn" lake cat main/assess/holdout.json >uses.json
that '[u["use"] for u in j["uses"]] == [1, 2, 3] and j["uses"][0]["why"] == "release 1" and all(u["time"] and u["by"] and len(u["id"]) == 64 for u in j["uses"])' uses.json
t lake log --limit 3
says "holdout: use 3, model orders/1"
t models --json
that 'j["models"][0]["holdout_uses"] == 2'
expect 66 "$tarn" holdout nobody
t holdout --list --json
that 'len(j["uses"]) == 3'

say "who compares on the holdout looks at it, too"
t compare forest logistic --part holdout
says "Both on 150 holdout rows. This is use 5 of these rows"
t holdout --list --json
that '[(u["model"], u["why"]) for u in j["uses"][3:]] == [("forest", "compared with logistic"), ("logistic", "compared with forest")]'
that 'all(0.5 < u["metrics"]["roc_auc"] < 1 and len(u["intervals"]["roc_auc"]) == 2 for u in j["uses"][3:])'
t compare forest logistic --part valid --json
t holdout --list --json
that 'len(j["uses"]) == 5'

say "a further run keeps the record; other rows are counted by themselves"
sed -i 's/seed: 1$/seed: 2/; s/holdout: 0.1/holdout: 0.12/' tarn.yaml
t run --quiet
t holdout
says "This is use 1 of these rows (6 of the holdout on this branch)"

say "rows count as the project says"
t holdout boosting --json
that 'not j["use"]["weighted"]'
t holdout orders/1 --json
cp "$out" plain.json
sed -i 's/^  seed: 2$/  seed: 2\n  weight: quantity/' tarn.yaml
t run --quiet
t holdout boosting --json
that 'j["use"]["weighted"]'
t holdout orders/1 --json
[ "$(get 'j["use"]["metrics"]["roc_auc"]')" != "$(get 'j["use"]["metrics"]["roc_auc"]' plain.json)" ] || fail "weights change nothing"
t leaderboard --json
"$tarn" lake cat main/assess/test.json >assessed.json
t compare orders logistic --json
that 'j["weighted"] and [x["test"] for x in j["tests"]] == ["bootstrap"]'
same "$(get 'j["models"][0]["value"]')" "$(get 'j["metrics"]["roc_auc"]' assessed.json)" "the winner's figure in the report"
sed -i '/weight: quantity/d' tarn.yaml

say "no holdout, no judgement"
sed -i 's/, holdout: 0.12//' tarn.yaml
t run --quiet
expect 65 "$tarn" holdout
says "the split has no holdout rows"

say "a table of the lake, several classes, numbers, a split by time, a budget"
cd "$scratch"
expect 66 "$tarn" train --auto orders --target size --folder nowhere
says "there is no file 'orders', and no lake with such a table"
mkdir -p lake && cd lake
t init
rm tarn.yaml
printf 'project: orders\nproblem: Which size?\ningest:\n  orders: {source: file, path: ../orders.csv}\n' >tarn.yaml
t ingest
rm tarn.yaml
t train --auto orders --target size --tries 1
says "multiclass (it has 3 values, which are texts)"
grep -qF 'path: "data/orders.parquet"' tarn.yaml || fail "the table was not copied"
cd "$scratch"
t train --auto orders.csv --target price --folder price --time placed --minutes 0.2 --tries 2
says "regression (it is a number of many values)" "What is left of 0.2 minutes"
grep -qE 'by: time, column: placed, valid_from: "2024-' price/tarn.yaml || fail "rows are not split by time"

say "a candidate that fails is taken out, the file says why, and the others go on"
python3 - <<'PY'
import random
rng = random.Random(1)
with open("huge.csv", "w") as f:
    f.write("a,b,y\n")
    for i in range(400):
        a = rng.random()
        f.write(f"{a * 1.7e308},{rng.random()},{'p' if a + 0.3 * rng.random() > 0.7 else 'q'}\n")
PY
t train --auto huge.csv --target y --folder huge --tries 2 --json
that 'j["task"] == "binary" and j["positive"] == "p" and {"boosting", "forest"} <= {c["name"] for c in j["candidates"]}'
that 'not {"logistic", "knn"} & {c["name"] for c in j["candidates"]}'
grep -qF "# not tried: logistic (step train/tries/logistic/1-01: step 'scale': column 'a': values are so large" huge/tarn.yaml ||
    fail "the file does not say why"

say "sentences are read as words, by those that can"
python3 "$e2e/make_spam.py" mail
t train --auto mail/data/mails.csv --target label --positive spam --folder mails --tries 2 --quiet
grep -qE 'step: text, columns: \[subject' mails/tarn.yaml || fail "texts are not read"
grep -A2 -E '^    forest:' mails/tarn.yaml | grep -qE 'features: \[.*\]   # it does not take texts' || fail "forest has texts"
"$tarn" lake cat main/models/forest.tarn --folder mails >/dev/null || fail "forest was not tried"
awk -F, -v OFS=, 'NR == 1 {print "remark", "y"; next} {print "the order " NR " was sent on day " NR % 9 " by " NR % 4, (NR % 4 > 1 ? "a" : "b")}' \
    orders.csv >remarks.csv
t train --auto remarks.csv --target y --folder remarks --tries 1 --quiet
grep -qF '# not tried: forest (does not take texts, and there is nothing else)' remarks/tarn.yaml || fail "forest is not left out"

say "what cannot be done is told, and nothing is written"
expect 66 "$tarn" train --auto orders.csv --target retruned --folder none
says "did you mean 'returned'"
expect 65 "$tarn" train --auto orders.csv --target shop --folder none
says "target 'shop' is the same in every row"
expect 66 "$tarn" train --auto orders.csv --target returned --metric roc --folder none
expect 64 "$tarn" train --auto orders.csv --folder none
says "--auto needs --target"
expect 64 "$tarn" train --target returned
says "go with --auto"
[ ! -e none ] || fail "a folder was made"
