#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Coefficients of logistic regression from scikit-learn, to compare ours with (src/train/algos/logistic_test.c).

Run in this folder: /usr/bin/python3 logistic.py > logistic.csv   (made with Debian 12's scikit-learn 1.2.1)

Every solution is checked here against the gradient of the objective, written out with numpy alone, so that the
stored numbers are known to be the minimum and not only where a solver stopped.
"""
import csv
import sys
import warnings

import numpy as np
import sklearn
from sklearn.linear_model import LogisticRegression


def read(path, target):
    with open(path, newline="") as f:
        rows = list(csv.DictReader(f))
    names = [name for name in rows[0] if name != target]
    labels = sorted({row[target] for row in rows})
    x = np.array([[float(row[name]) for name in names] for row in rows])
    return names, x, np.array([labels.index(row[target]) for row in rows])


def standard(x):
    return (x - x.mean(axis=0)) / x.std(axis=0)


def gradient(x, y, weight, c, coef, intercept):
    """Largest entry of the gradient of sum w_i loss_i + |coef|^2 / (2 c), divided by the sum of weights."""
    classes = int(y.max()) + 1
    z = x @ coef.T + intercept
    if classes == 2:
        residual = 1 / (1 + np.exp(-z)) - y[:, None]
    else:
        e = np.exp(z - z.max(axis=1, keepdims=True))
        residual = e / e.sum(axis=1, keepdims=True) - np.eye(classes)[y]
    residual = residual * weight[:, None]
    return max(abs(residual.T @ x + coef / c).max(), abs(residual.sum(axis=0)).max()) / weight.sum()


def case(out, name, names, x, y, c=1.0, balanced=False, weighted=False):
    weight = 0.5 + (np.arange(len(y)) % 7) / 4 if weighted else np.ones(len(y))
    binary = y.max() == 1
    model = LogisticRegression(C=c, tol=1e-10, max_iter=100000, class_weight="balanced" if balanced else None,
                               multi_class="ovr" if binary else "multinomial",
                               solver="newton-cholesky" if binary else "newton-cg")
    model.fit(x, y, sample_weight=weight)
    if balanced:
        weight = weight * (len(y) / (y.max() + 1) / np.bincount(y))[y]
    worst = gradient(x, y, weight, c, model.coef_, model.intercept_)
    print(f"{name}: gradient {worst:.1e}, {model.n_iter_.max()} iterations", file=sys.stderr)
    assert worst < 1e-9, name
    for k in range(len(model.coef_)):
        out.writerow([name, k, "intercept", repr(float(model.intercept_[k]))])
        for j, column in enumerate(names):
            out.writerow([name, k, column, repr(float(model.coef_[k, j]))])


def slope(x, y, c, ratio, coef, intercept):
    """Largest slope of the objective downhill, over the rows: 0 at the minimum."""
    classes = int(y.max()) + 1
    z = x @ coef.T + intercept
    if classes == 2:
        residual = 1 / (1 + np.exp(-z)) - y[:, None]
    else:
        e = np.exp(z - z.max(axis=1, keepdims=True))
        residual = e / e.sum(axis=1, keepdims=True) - np.eye(classes)[y]
    g = residual.T @ x + (1 - ratio) * coef / c
    by = ratio / c
    down = np.where(coef != 0, np.abs(g + by * np.sign(coef)), np.maximum(np.abs(g) - by, 0))
    return max(down.max(), abs(residual.sum(axis=0)).max()) / len(y)


def sparse_case(out, name, names, x, y, c, ratio):
    binary = y.max() == 1
    model = LogisticRegression(penalty="elasticnet", l1_ratio=ratio, C=c, tol=1e-14, max_iter=200000, solver="saga",
                               multi_class="ovr" if binary else "multinomial", random_state=1)
    model.fit(x, y)
    worst = slope(x, y, c, ratio, model.coef_, model.intercept_)
    print(f"{name}: slope {worst:.1e}, {model.n_iter_.max()} iterations, {(model.coef_ == 0).sum()} zeros", file=sys.stderr)
    assert worst < 1e-8, name
    for k in range(len(model.coef_)):
        out.writerow([name, k, "intercept", repr(float(model.intercept_[k]))])
        for j, column in enumerate(names):
            out.writerow([name, k, column, repr(float(model.coef_[k, j]))])


def main():
    warnings.simplefilter("ignore")  # the gradient decides, not the solver's own opinion
    print(f"scikit-learn {sklearn.__version__}", file=sys.stderr)
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow(["case", "output", "column", "value"])
    names, x, y = read("breast_cancer.csv", "target")
    case(out, "cancer", names, standard(x), y)
    case(out, "cancer_weighted", names, standard(x), y, c=0.1, balanced=True, weighted=True)
    sparse_case(out, "cancer_lasso", names, standard(x), y, .1, 1)
    sparse_case(out, "cancer_elastic", names, standard(x), y, 1, .5)
    case(out, "cancer_raw", names, x, y, c=10.0)
    names, x, y = read("iris.csv", "species")
    case(out, "iris", names, standard(x), y)
    sparse_case(out, "iris_lasso", names, standard(x), y, 1, 1)
    case(out, "iris_weighted", names, x, y, c=10.0, balanced=True, weighted=True)
    case(out, "iris_separable", names, standard(x), (y == 0).astype(int), c=100.0)


main()
