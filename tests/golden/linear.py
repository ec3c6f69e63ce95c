#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Coefficients of linear models from scikit-learn, to compare ours with (src/train/algos/linear_test.c).

Run in this folder: /usr/bin/python3 linear.py > linear.csv   (made with Debian 12's scikit-learn 1.2.1)

Regressions are of the first column of breast_cancer.csv on all others: nearly dependent columns of very unlike size.
"""
import csv
import sys
import warnings

import numpy as np
import sklearn
from sklearn import linear_model as lm
from sklearn import svm


def read(path, target):
    with open(path, newline="") as f:
        rows = list(csv.DictReader(f))
    names = [name for name in rows[0] if name != target]
    labels = sorted({row[target] for row in rows})
    return np.array([[float(row[name]) for name in names] for row in rows]), np.array(
        [labels.index(row[target]) for row in rows])


def standard(x):
    return (x - x.mean(axis=0)) / x.std(axis=0)


def put(out, name, model):
    coef, intercept = np.atleast_2d(model.coef_), np.atleast_1d(model.intercept_)
    for k in range(len(coef)):
        for j, value in enumerate([float(intercept[k]) if len(intercept) > 1 else float(intercept[0]), *coef[k]]):
            out.writerow([name, k, j, repr(float(value))])


class Fitted:
    def __init__(self, coef, intercept):
        self.coef_, self.intercept_ = coef, intercept


def least_length(x, y):
    """The shortest of the solutions, by numpy's pseudo-inverse."""
    coef = np.linalg.pinv(x - x.mean(axis=0), rcond=1e-10) @ (y - y.mean())
    return Fitted(coef, y.mean() - x.mean(axis=0) @ coef)


def huber(x, y, weight, alpha, epsilon=1.35):
    """scikit-learn's solution, polished by Newton's method until the gradient is 0 (its own L-BFGS stops at 1e-4)."""
    start = lm.HuberRegressor(alpha=alpha, tol=1e-10, max_iter=100000).fit(x, y, weight)
    v = np.r_[start.coef_, start.intercept_, start.scale_]
    ones = np.c_[x, np.ones(len(y))]
    for _ in range(50):
        sigma = v[-1]
        r = y - ones @ v[:-1]
        near = np.abs(r) <= epsilon * sigma
        pull = np.where(near, -2 * weight * r / sigma, -2 * weight * epsilon * np.sign(r))
        g = np.r_[ones.T @ pull, (weight * (1 - np.where(near, (r / sigma) ** 2, epsilon ** 2))).sum()]
        g[:x.shape[1]] += 2 * alpha * v[:x.shape[1]]
        wide = np.c_[ones, r / sigma][near]
        h = 2 / sigma * (wide * weight[near, None]).T @ wide
        h[np.arange(x.shape[1]), np.arange(x.shape[1])] += 2 * alpha
        v = v - np.linalg.solve(h, g)
    print(f"huber: gradient {abs(g).max():.1e}, moved {abs(v[:-2] - start.coef_).max():.1e}", file=sys.stderr)
    assert abs(g).max() < 1e-8
    return Fitted(v[:-2], v[-2])


def main():
    warnings.simplefilter("ignore")
    print(f"scikit-learn {sklearn.__version__}", file=sys.stderr)
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow(["case", "output", "place", "value"])  # place 0 is the intercept
    x, y = read("breast_cancer.csv", "target")
    raw, target = x[:, 1:], x[:, 0]
    z = standard(raw)
    weight = 0.5 + (np.arange(len(y)) % 7) / 4
    put(out, "ols", lm.LinearRegression().fit(raw, target))
    put(out, "ols_weighted", lm.LinearRegression().fit(raw, target, weight))
    put(out, "ols_no_intercept", lm.LinearRegression(fit_intercept=False).fit(raw, target))
    twice = z.copy()
    twice[:, 5] = twice[:, 3]
    twice[:, 7] = twice[:, 8] + twice[:, 9]
    put(out, "ols_dependent", least_length(twice, target))  # scikit-learn's own answer there is 1e12 long
    put(out, "ols_few_rows", lm.LinearRegression().fit(z[:20], target[:20]))
    put(out, "ridge", lm.Ridge(alpha=1.0, solver="cholesky").fit(z, target))
    put(out, "ridge_weighted", lm.Ridge(alpha=10.0, solver="cholesky").fit(z, target, weight))
    put(out, "lasso", lm.Lasso(alpha=0.05, tol=1e-14, max_iter=1000000).fit(z, target))
    put(out, "elastic_net", lm.ElasticNet(alpha=0.2, l1_ratio=0.3, tol=1e-14, max_iter=1000000).fit(z, target))
    put(out, "elastic_net_weighted",
        lm.ElasticNet(alpha=0.2, l1_ratio=0.3, tol=1e-14, max_iter=1000000).fit(z, target, weight))
    cv = lm.ElasticNetCV(l1_ratio=0.5, cv=5, tol=1e-12, max_iter=1000000).fit(z, target)
    print("elastic_net_cv alpha", cv.alpha_, file=sys.stderr)
    put(out, "elastic_net_cv", cv)
    put(out, "svc_squared", svm.LinearSVC(C=0.5, dual=False, tol=1e-10, max_iter=1000000).fit(z, y))
    put(out, "svc_weighted", svm.LinearSVC(C=0.5, dual=False, tol=1e-10, max_iter=1000000).fit(z, y, weight))
    put(out, "svc_hinge", svm.LinearSVC(C=0.1, loss="hinge", tol=1e-9, max_iter=10000000, random_state=1).fit(z, y))
    put(out, "svr_squared", svm.LinearSVR(C=0.1, epsilon=0.1, loss="squared_epsilon_insensitive", dual=False, tol=1e-10,
                                          max_iter=1000000).fit(z, target))
    put(out, "svr_plain", svm.LinearSVR(C=0.1, epsilon=0.1, tol=1e-9, max_iter=10000000, random_state=1).fit(z, target))
    put(out, "huber", huber(z, target, np.ones(len(y)), 1e-4))
    put(out, "huber_weighted", huber(z, target, weight, 0.1))
    put(out, "quantile", lm.QuantileRegressor(quantile=0.7, alpha=0, solver="highs").fit(z, target))
    put(out, "quantile_l1", lm.QuantileRegressor(quantile=0.3, alpha=0.02, solver="highs").fit(z, target))
    put(out, "quantile_weighted",
        lm.QuantileRegressor(quantile=0.5, alpha=0, solver="highs").fit(z, target, weight))


main()
