#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How good the models of whole projects are on well-known data, beside scikit-learn's.

    bench/train/quality.py PROGRAM DATA [SET ...]

For each set of DATA that is there (see SETS: files as their publishers give them, the target last or named here) it writes
a project, runs it with each estimator alone, and prints the figure of the test rows beside that of scikit-learn 1.2.1 on the
same rows (LR: LogisticRegression(C=1) or LinearRegression after one-hot, median and standardising; DT: a tree; RF: 200
trees; HGB: HistGradientBoosting; all else defaults), measured once and written down here. Test rows are the set's own, or every fifth row.

Tarn keeps 2 % of the train rows for validation, which scikit-learn's models learn from, too.
"""
import json
import pathlib
import subprocess
import sys
import tempfile
import time

LINEAR = "[{step: impute}, {step: onehot}, {step: scale}]"
ESTIMATORS = {
    "LR": {"binary": "{algo: logistic, prepare: %s}" % LINEAR, "regression": "{algo: ols, prepare: %s}" % LINEAR},
    "NB": {"binary": "{algo: gaussian_nb, prepare: [{step: impute}, {step: onehot}]}"},
    "DT": {"binary": "{algo: decision_tree%s}", "regression": "{algo: decision_tree%s}"},
    "RF": {"binary": "{algo: forest, trees: 200}", "regression": "{algo: forest, trees: 200}"},
    "HGB": {"binary": "{algo: boosting, trees: 100}", "regression": "{algo: boosting, trees: 100}"},
}
FIFTH = "rn % 5 = 0"
OFFICIAL = "split = 'test'"


def a_set(file, task, target, metric, test, reference, positive=None, sql="SELECT * FROM raw", drop=(), tree=""):
    """reference: {"LR": figure, ...}; sql: rows in order, with the target; test: which rows, by their number rn from 0."""
    return dict(file=file, task=task, target=target, metric=metric, test=test, reference=reference, positive=positive,
                sql=sql, drop=drop, tree=tree)


SETS = {
    "adult": a_set("adult.csv", "binary", "income", "roc_auc", OFFICIAL, {"LR": .905, "RF": .901, "HGB": .927}, ">50K"),
    "telco_churn": a_set("telco_churn.csv", "binary", "churn", "roc_auc", FIFTH, {"LR": .835, "RF": .807, "HGB": .818}, "Yes"),
    "breast_cancer": a_set("breast_cancer.csv", "binary", "target", "roc_auc", FIFTH, {"LR": .996}, "malignant"),
    "digits": a_set("digits.csv", "multiclass", "digit", "accuracy", FIFTH, {"LR": .967, "RF": .972, "HGB": .978}),
    "iris": a_set("iris.csv", "multiclass", "species", "accuracy", FIFTH, {"LR": .967, "DT": .967, "RF": .967, "HGB": .967}),
    "letter": a_set("letter.csv", "multiclass", "letter", "accuracy", OFFICIAL, {"LR": .773, "DT": .880, "RF": .964, "HGB": .959}),
    "shuttle": a_set("shuttle.csv", "multiclass", "class", "accuracy", OFFICIAL, {"LR": .968, "DT": .9998, "RF": .9998}),
    "california_housing": a_set("california_housing.csv", "regression", "median_house_value", "rmse", FIFTH,
                                {"LR": 70774, "RF": 47186, "HGB": 46038}),
    "diamonds": a_set("diamonds.csv", "regression", "price", "rmse", FIFTH, {"LR": 1149, "RF": 565, "HGB": 565}),
    "mnist": a_set("mnist.parquet", "multiclass", "label", "accuracy", OFFICIAL, {"LR": .926}),
    "elec2": a_set("elec2.csv", "binary", "up", "accuracy", "rn >= 9062", {"NB": .723, "LR": .733, "DT": .717}, "1",
                   tree=", max_depth: 10"),
    "kdd99": a_set("kdd99.parquet", "binary", "attack", "accuracy", OFFICIAL, {"DT": .938, "HGB": .929}, "yes",
                   sql="SELECT * EXCLUDE (label), CASE WHEN label = 'normal' THEN 'no' ELSE 'yes' END AS attack FROM raw"),
    "flights": a_set("flights_3m.parquet", "binary", "late", "roc_auc", "after", {"LR": .654, "HGB": .668}, "yes", drop=("after",),
                     sql="SELECT CAST(hour(date) AS VARCHAR) AS hour, CAST(dayofweek(date) AS VARCHAR) AS weekday, distance, origin, destination,"
                         " month(date) >= 5 AS after, CASE WHEN delay > 15 THEN 'yes' ELSE 'no' END AS late"
                         " FROM (SELECT *, row_number() OVER () - 1 AS n FROM raw) WHERE n % 20 = 0"),
    "pnwflights": a_set("pnwflights14/flights.csv", "binary", "late", "roc_auc", "after", {"HGB": .710}, "yes", drop=("after",),
                        sql="SELECT month, day, carrier, origin, dest, distance, air_time, flight,"
                            " (dep_time // 100 * 60 + dep_time % 100 - dep_delay) AS planned, month >= 10 AS after,"
                            " CASE WHEN arr_delay > 15 THEN 'yes' ELSE 'no' END AS late FROM raw WHERE arr_delay IS NOT NULL"),
}

PROJECT = """\
project: quality
problem: how good is it
ingest:
  raw: {{source: file, path: {path}}}
prepare:
  join:
    rows:
      sql: |
        SELECT * EXCLUDE (rn {drop}), CASE WHEN {test} THEN 2 WHEN rn % 50 = 7 THEN 1 ELSE 0 END AS part
        FROM (SELECT *, row_number() OVER () - 1 AS rn FROM ({sql}))
  split: {{by: time, column: part, valid_from: "1", test_from: "2"}}
train:
  table: joined/rows
  task: {task}
  target: {target}
  {positive}
  features: [{features}]
  candidates:
    one: {candidate}
"""


def tarn(program, folder, *words):
    done = subprocess.run([program, *words, "--folder", folder], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{words}: status {done.returncode}: {done.stderr.strip()}")
    return done.stdout



def run_set(program, data, name, s):
    path = (data / s["file"]).resolve()
    with tempfile.TemporaryDirectory() as folder:
        tarn(program, folder, "init")
        drop = list(s["drop"]) + (["split"] if s["test"] == OFFICIAL else [])
        asked = f"DESCRIBE SELECT * FROM ({s['sql']})".replace("FROM raw", f"FROM '{path}'")
        told = tarn(program, folder, "sql", "--csv", asked)
        features = [line.split(",")[0].strip('"') for line in told.splitlines()[1:]]
        features = [c for c in features if c != s["target"] and c not in drop]
        for kind, reference in s["reference"].items():
            texts = ESTIMATORS[kind]
            candidate = texts.get(s["task"], texts["binary"])
            (pathlib.Path(folder) / "tarn.yaml").write_text(PROJECT.format(
                path=json.dumps(str(path)), drop="".join(", " + c for c in drop), test=s["test"], sql=s["sql"], task=s["task"],
                target=s["target"], positive=f"positive: '{s['positive']}'" if s["positive"] else "",
                features=", ".join(json.dumps(c) for c in features),
                candidate=candidate % s["tree"] if kind == "DT" else candidate))
            begun = time.monotonic()
            figure = json.loads(tarn(program, folder, "run", "--json"))["figures"][s["metric"]]
            print(f"{name:20} {s['metric']:9} {kind:4} {figure:12.4f} {reference:12.4f} {time.monotonic() - begun:8.1f} s", flush=True)


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    program, data, wanted = str(pathlib.Path(sys.argv[1]).resolve()), pathlib.Path(sys.argv[2]), sys.argv[3:]
    print(f"{'set':20} {'figure':9} {'':4} {'Tarn':>12} {'scikit-learn':>12} {'whole run':>10}")
    for name, s in SETS.items():
        if (not wanted or name in wanted) and (data / s["file"]).exists():
            run_set(program, data, name, s)


if __name__ == "__main__":
    main()
