#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Nearest neighbours by scikit-learn, to compare ours with (src/train/algos/knn_test.c).

Run in this folder: /usr/bin/python3 knn.py > knn.txt   (made with Debian 12's scikit-learn 1.2.1)

A line per case: settings, then what is predicted for 12 rows (the last class's probability, or the value). The data are
worked out by the formulas below, which the test repeats; no two distances of a row are equal.
"""
import numpy as np
import sklearn
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

ROWS, ASKED = 500, 12


def table(rows, cols, first):
    h = np.arange(first, first + rows * cols, dtype=np.int64).reshape(rows, cols)
    return (h * h % 10007 * 31 + h * 7919) % 10007 / 10007


print("#", "scikit-learn", sklearn.__version__)
for cols in (2, 7, 40):
    x, asked = table(ROWS, cols, 1), table(ASKED, cols, 50001)
    score = x[:, 0] + x[:, 1]
    for classes in (0, 2, 3):
        y = score if classes == 0 else np.floor(score * classes / 2.000001)
        for metric in ("euclidean", "manhattan", "chebyshev", "cosine"):
            for weights, k in (("uniform", 5), ("distance", 9)):
                how = dict(n_neighbors=k, weights=weights, metric=metric, algorithm="brute")
                m = KNeighborsClassifier(**how) if classes else KNeighborsRegressor(**how)
                m.fit(x, y)
                p = m.predict_proba(asked)[:, -1] if classes else m.predict(asked)
                print(cols, classes, metric, weights, k, *("%.12g" % v for v in p))
