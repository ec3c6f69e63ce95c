# SPDX-License-Identifier: Apache-2.0
"""Write a data set as a plain table for fit_bench, and fit scikit-learn's estimators on the same rows.

    peers.py write  CSV TARGET [--positive LABEL] [--split COLUMN] [--regression] TABLE
    peers.py made   ROWS TESTS COLUMNS TABLE         (make_classification, seed 42)
    peers.py fit    TABLE hgb|forest [name=value ...]

A row is a test row if its split column says test, or else if its number (from 0) is a multiple of 5.
Categories are level codes in both programs; missing is NaN."""
import json
import struct
import sys
import time

import numpy as np


def write(path, x, test_x, levels, classes, y, test_y):
    with open(path, "wb") as f:
        f.write(struct.pack("<4q", len(y), len(test_y), len(x), classes))
        f.write(np.asarray(levels, "<i8").tobytes())
        for a, b in list(zip(x, test_x)) + [(y, test_y)]:
            f.write(np.asarray(a, "<f8").tobytes())
            f.write(np.asarray(b, "<f8").tobytes())


def write_csv(args):
    import pandas as pd
    options = {}
    for name in ("--positive", "--split"):
        if name in args:
            at = args.index(name)
            options[name] = args[at + 1]
            del args[at:at + 2]
    regression = "--regression" in args
    if regression:
        args.remove("--regression")
    csv, target, out = args
    t = pd.read_csv(csv, keep_default_na=False, na_values=[""])
    t = t[~t[target].isna()].reset_index(drop=True)
    if "--split" in options:
        test = (t.pop(options["--split"]) == "test").to_numpy()
    else:
        test = np.arange(len(t)) % 5 == 0
    labels = t.pop(target)
    if regression:
        y, classes = labels.to_numpy(float), 0
    elif "--positive" in options:
        y, classes = (labels.astype(str) == options["--positive"]).to_numpy(float), 2
    else:
        words = sorted(labels.astype(str).unique())
        y, classes = labels.astype(str).map({w: i for i, w in enumerate(words)}).to_numpy(float), len(words)
    columns, levels = [], []
    for name in t.columns:
        c = t[name]
        if c.dtype == object:
            words = sorted(c[~test].dropna().astype(str).unique())
            c = c.map({w: i for i, w in enumerate(words)})
            levels.append(len(words))
        else:
            levels.append(0)
        columns.append(c.to_numpy(float))
    write(out, [c[~test] for c in columns], [c[test] for c in columns], levels, classes, y[~test], y[test])


def write_made(rows, tests, cols, out):
    from sklearn.datasets import make_classification
    x, y = make_classification(rows + tests, cols, n_informative=16, n_clusters_per_class=8, flip_y=.05,
                               class_sep=.6, random_state=42)
    x = x.astype("f4").astype("f8")
    write(out, list(x[:rows].T), list(x[rows:].T), [0] * cols, 2, y[:rows], y[rows:])


def read(path):
    with open(path, "rb") as f:
        rows, tests, cols, classes = struct.unpack("<4q", f.read(32))
        levels = np.frombuffer(f.read(8 * cols), "<i8")
        v = np.frombuffer(f.read(), "<f8").reshape(cols + 1, rows + tests)
    return v[:cols, :rows].T.copy(), v[cols, :rows], v[:cols, rows:].T.copy(), v[cols, rows:], levels, classes


def fit(path, kind, options):
    from sklearn import ensemble, metrics
    x, y, test_x, test_y, levels, classes = read(path)
    settings = {k: json.loads(v) for k, v in (o.split("=") for o in options)}
    if kind == "hgb":
        make = ensemble.HistGradientBoostingClassifier if classes else ensemble.HistGradientBoostingRegressor
        cats = [i for i, n in enumerate(levels) if 0 < n <= 254]
        m = make(categorical_features=cats, early_stopping=False, random_state=1, **settings)
    else:
        make = ensemble.RandomForestClassifier if classes else ensemble.RandomForestRegressor
        median = np.nan_to_num(np.nanmedian(x, axis=0))
        x = np.where(np.isnan(x), median, x)
        test_x = np.where(np.isnan(test_x), median, test_x)
        m = make(n_jobs=-1, random_state=1, **settings)
    start = time.time()
    m.fit(x, y)
    fit_s = time.time() - start
    start = time.time()
    p = m.predict_proba(test_x) if classes else m.predict(test_x)
    predict_s = time.time() - start
    if classes == 2:
        score = {"auc": metrics.roc_auc_score(test_y, p[:, 1])}
    elif classes:
        score = {"accuracy": metrics.accuracy_score(test_y, m.classes_[p.argmax(1)])}
    else:
        score = {"rmse": metrics.mean_squared_error(test_y, p) ** 0.5}
    print(json.dumps({"table": path, "estimator": "sklearn " + kind, "fit_s": round(fit_s, 3),
                      "predict_s": round(predict_s, 3), **score}))


if __name__ == "__main__":
    verb, args = sys.argv[1], sys.argv[2:]
    if verb == "write":
        write_csv(args)
    elif verb == "made":
        write_made(int(args[0]), int(args[1]), int(args[2]), args[3])
    else:
        fit(args[0], args[1], args[2:])
