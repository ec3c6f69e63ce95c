#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Stored answers for src/assess/clustering_test.c, by scikit-learn, on small awkward data.

    /usr/bin/python3 tests/golden/clusters.py > tests/golden/clusters.txt

Needs scikit-learn 1.2.1 (Debian 12: python3-sklearn). Cohesion and separation are computed here from their definitions.
scikit-learn makes distances from products, which leaves 1e-8 of two equal points; so it is given distances that are made
from differences (silhouette), and its Davies-Bouldin is held against one made from differences. A figure that
scikit-learn refuses to give is nan.
"""
import warnings

import numpy as np
import sklearn
from scipy.spatial.distance import cdist
from sklearn import metrics as m

warnings.simplefilter("ignore")
assert sklearn.__version__ == "1.2.1", sklearn.__version__
rng = np.random.default_rng(20140102)


def num(x):
    return "nan" if np.isnan(x) else repr(float(x))


def no(f, *args):
    try:
        return f(*args)
    except ValueError:
        return float("nan")


def davies_bouldin(x, label):
    theirs = no(m.davies_bouldin_score, x, label)
    if np.isnan(theirs):
        return theirs
    names = sorted(set(label))
    centres = np.array([x[label == c].mean(axis=0) for c in names])
    radius = np.array([np.sqrt(((x[label == c] - centre) ** 2).sum(axis=1)).mean() for c, centre in zip(names, centres)])
    ratio = (radius[:, None] + radius[None, :]) / np.where(np.eye(len(names)), np.inf, cdist(centres, centres))
    ours = ratio.max(axis=1).mean()
    assert abs(ours - theirs) < 1e-7, (ours, theirs)
    return ours


def figures(x, label, truth):
    out = {}
    if x is not None:
        centres = {c: x[label == c].mean(axis=0) for c in set(label)}
        out["silhouette"] = no(lambda: m.silhouette_score(cdist(x, x), label, metric="precomputed"))
        out["cohesion"] = sum(((x[i] - centres[label[i]]) ** 2).sum() for i in range(len(x)))
        out["separation"] = sum(((x.mean(axis=0) - centres[c]) ** 2).sum() for c in label)
        out["davies_bouldin"] = davies_bouldin(x, label)
        out["calinski_harabasz"] = no(m.calinski_harabasz_score, x, label)
    if truth is not None:
        out["adjusted_rand"] = m.adjusted_rand_score(truth, label)
        out["adjusted_mutual_info"] = m.adjusted_mutual_info_score(truth, label)
        out["mutual_info"] = m.normalized_mutual_info_score(truth, label)
        out["homogeneity"] = m.homogeneity_score(truth, label)
        out["completeness"] = m.completeness_score(truth, label)
        out["v_measure"] = m.v_measure_score(truth, label)
        out["fowlkes_mallows"] = m.fowlkes_mallows_score(truth, label)
    return out


def case(name, x, label, truth):
    label = np.asarray(label)
    print("case", name, len(label), 0 if x is None else x.shape[1])
    print("l", *label)
    if truth is not None:
        print("t", *truth)
    if x is not None:
        print("x", *map(num, x.T.ravel()))
    for metric, value in figures(x, label, truth).items():
        print("metric", metric, num(value))
    print("end")


def points(n, k, d, width):
    truth = rng.integers(0, k, n)
    return np.round(rng.normal(0, 4, (k, d))[truth] + rng.normal(0, width, (n, d)), 4), truth


print(f"# Made by tests/golden/clusters.py with scikit-learn {sklearn.__version__}, numpy {np.__version__}. Do not edit.")
x, truth = points(120, 4, 3, 1.5)
case("plain", x, np.where(rng.random(120) < 0.8, truth, rng.integers(0, 4, 120)), truth)
case("perfect", x, 7 - 3 * truth, truth)
case("names_far_apart", x, np.where(truth > 1, 10 ** 15, -(10 ** 15)), truth)
case("one_cluster", x, np.zeros(120, dtype=int), truth)
case("one_group", x, truth, np.zeros(120, dtype=int))
case("one_of_each", x, np.zeros(120, dtype=int), np.zeros(120, dtype=int))
case("each_row_alone", x[:9], np.arange(9), truth[:9])
case("nearly_alone", x[:9], [0, 1, 2, 3, 4, 5, 6, 7, 7], truth[:9])
case("random", x, rng.integers(0, 6, 120), truth)
case("noise_is_a_cluster", x, np.where(rng.random(120) < 0.3, -1, truth), truth)
case("without_columns", None, rng.integers(0, 6, 50), rng.integers(0, 3, 50))
case("without_truth", x[:40], rng.integers(0, 3, 40), None)
case("same_points", np.round(np.repeat([[0.0, 1.0], [2.0, 5.0]], 4, axis=0), 1), [0, 0, 0, 0, 1, 1, 1, 1], None)
case("one_row", x[:1], [5], [2])
case("two_rows", x[:2], [0, 1], [0, 0])
x, truth = points(1300, 5, 2, 2.0)  # more than a tile
case("many", x, np.where(rng.random(1300) < 0.7, truth, 2), truth)
