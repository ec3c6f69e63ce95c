# SPDX-License-Identifier: Apache-2.0
"""Write a data set as a plain table for fit_bench, and fit scikit-learn's estimators on the same rows.

    peers.py write  CSV TARGET [--positive LABEL] [--split COLUMN] [--regression] TABLE
    peers.py made   ROWS TESTS COLUMNS TABLE         (make_classification, seed 42)
    peers.py spoil  TABLE TABLE                     (5 numbers become categories, 10 % of the values missing)
    peers.py clouds|waves|digits28|points ROWS TESTS TABLE   (what near.py makes)
    peers.py number TABLE TABLE                     (the target becomes the row's number)
    peers.py line   ROWS TESTS COLUMNS TABLE         (a linear target)
    peers.py fit    TABLE hgb|forest|xgb|lgb|sklearn.svm.SVC [name=json ...]

A row is a test row if its split column says test, or else if its number (from 0) is a multiple of 5.
Categories are level codes in both programs; missing is NaN."""
import importlib
import json
import resource
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


def spoil(path, out):
    """Five number columns, evenly spread, become eight levels each (fewer if they have fewer values), in shuffled order;
    then a tenth of all values goes missing. Edges come from the training rows."""
    x, y, test_x, test_y, levels, classes = read(path)
    levels, rng = levels.copy(), np.random.default_rng(42)
    numbers = np.flatnonzero(levels == 0)
    for j in numbers[np.linspace(0, len(numbers) - 1, min(5, len(numbers))).astype(int)]:
        edges = np.unique(np.nanquantile(x[:, j], np.arange(1, 8) / 8))
        codes = rng.permutation(len(edges) + 1)
        for part in (x, test_x):
            gone = np.isnan(part[:, j])
            part[:, j] = codes[np.searchsorted(edges, part[:, j])]
            part[gone, j] = np.nan
        levels[j] = len(edges) + 1
    for part in (x, test_x):
        part[rng.random(part.shape) < 0.1] = np.nan
    write(out, list(x.T), list(test_x.T), levels, classes, y, test_y)


def write_line(rows, tests, cols, out):
    """A linear target: half of the columns matter, neighbours are correlated by a half, R2 about .99."""
    rng = np.random.default_rng(42)
    x = rng.standard_normal((rows + tests, cols))
    x[:, 1:] += x[:, :-1] / 2
    weight = np.where(np.arange(cols) % 2 == 0, rng.uniform(-1, 1, cols), 0)
    y = x @ weight + 3 + rng.standard_normal(rows + tests) * .08 * np.abs(weight).sum()
    write(out, list(x[:rows].T), list(x[rows:].T), [0] * cols, 0, y[:rows], y[rows:])


def read(path):
    with open(path, "rb") as f:
        rows, tests, cols, classes = struct.unpack("<4q", f.read(32))
        levels = np.frombuffer(f.read(8 * cols), "<i8")
        v = np.frombuffer(f.read(), "<f8").reshape(cols + 1, rows + tests)
    return v[:cols, :rows].T.copy(), v[cols, :rows], v[:cols, rows:].T.copy(), v[cols, rows:], levels, classes


class Normal:
    """Least squares by numpy's normal equations, columns moved to their means: the fastest that numpy can do."""

    def fit(self, x, y):
        mean, level = x.mean(axis=0), y.mean()
        x = x - mean
        self.coef_ = np.linalg.solve(x.T @ x, x.T @ (y - level))
        self.intercept_ = level - mean @ self.coef_

    def predict(self, x):
        return x @ self.coef_ + self.intercept_


def made_by(kind, classes, levels, settings):
    """hgb, forest, xgb and lgb by their short names, all else by its full one: sklearn.svm.SVC"""
    if kind == "bench.normal":
        return Normal()
    if kind in ("xgb", "lgb"):
        module = {"xgb": "xgboost.XGB", "lgb": "lightgbm.LGBM"}[kind]
        kind = module + ("Classifier" if classes else "Regressor")
        if "xgb" in module:
            settings = {"tree_method": "hist", "grow_policy": "lossguide", "max_depth": 0, "verbosity": 0, **settings}
    if kind == "hgb":
        kind = "sklearn.ensemble.HistGradientBoosting" + ("Classifier" if classes else "Regressor")
        settings = {"categorical_features": [i for i, n in enumerate(levels) if 0 < n <= 254],
                    "early_stopping": False, "random_state": 1, **settings}
    elif kind == "forest":
        kind = "sklearn.ensemble.RandomForest" + ("Classifier" if classes else "Regressor")
        settings = {"n_jobs": -1, "random_state": 1, **settings}
    module, name = kind.rsplit(".", 1)
    return getattr(importlib.import_module(module), name)(**settings)


def scores(model, x, y, classes):
    """Quality on the test rows, and the predictions' time."""
    from sklearn import metrics
    start = time.time()
    if not classes:
        p = model.predict(x)
    elif hasattr(model, "predict_proba"):
        p = model.predict_proba(x)
    elif hasattr(model, "decision_function"):
        p = model.decision_function(x)
    else:
        p = model.predict(x)
    seconds = time.time() - start
    if not classes:
        return seconds, {"rmse": metrics.mean_squared_error(y, p) ** 0.5}
    if classes == 2:
        return seconds, {"auc": metrics.roc_auc_score(y, p if p.ndim == 1 else p[:, 1])}
    return seconds, {"accuracy": metrics.accuracy_score(y, p if p.ndim == 1 else model.classes_[p.argmax(1)])}


def read_setting(name, text):
    """JSON where it is that, else a word."""
    try:
        return name, json.loads(text)
    except ValueError:
        return name, text


def fit(path, kind, options):
    x, y, test_x, test_y, levels, classes = read(path)
    settings = dict(read_setting(*o.split("=", 1)) for o in options)
    if kind != "hgb" and np.isnan(x).any():
        median = np.nan_to_num(np.nanmedian(x, axis=0))
        x, test_x = np.where(np.isnan(x), median, x), np.where(np.isnan(test_x), median, test_x)
    try:
        model = made_by(kind, classes, levels, settings)
    except ImportError as e:
        print(json.dumps({"missing": str(e)}))
        return
    start = time.time()
    model.fit(x, y)
    fit_s = time.time() - start
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    predict_s, score = scores(model, test_x, test_y, classes)
    start = time.time()
    for i in range(200):
        model.predict(test_x[i % len(test_x)][None])
    print(json.dumps({"table": path, "estimator": kind, "fit_s": fit_s, "predict_s": predict_s,
                      "row_us": (time.time() - start) / 200 * 1e6, "peak_mb": peak_mb, **score}))


if __name__ == "__main__":
    verb, args = sys.argv[1], sys.argv[2:]
    if verb == "write":
        write_csv(args)
    elif verb == "spoil":
        spoil(args[0], args[1])
    elif verb in ("clouds", "waves", "digits28", "points"):
        import near
        write(args[2], *getattr(near, verb)(int(args[0]), int(args[1])))
    elif verb == "number":
        x, y, test_x, test_y, levels, _ = read(args[0])
        write(args[1], x.T, test_x.T, levels, 0, np.arange(len(y)), np.arange(len(test_y)))
    elif verb == "made":
        write_made(int(args[0]), int(args[1]), int(args[2]), args[3])
    elif verb == "line":
        write_line(int(args[0]), int(args[1]), int(args[2]), args[3])
    else:
        fit(args[0], args[1], args[2:])
