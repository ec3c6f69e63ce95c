#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Support vector machines by scikit-learn (LIBSVM), to compare ours with (src/train/algos/svm_test.c).

Run in this folder: /usr/bin/python3 svm.py > svm.txt   (made with Debian 12's scikit-learn 1.2.1)

A line per case: name, settings, the dual objective summed over pairs of classes, the number of support vectors, and the
decisions on rows 0, 40, 80 .. (all pairs of classes of a row together). The data are worked out by the formulas below,
which the test repeats.
"""
import numpy as np
import sklearn
from sklearn.svm import SVC, SVR

ROWS, COLS = 400, 6
h = np.arange(ROWS * COLS, dtype=np.int64).reshape(ROWS, COLS) + 1
x = ((h * h % 10007 * 31 + h * 7919) % 10007) / 10007
score = (x[:, 0] - 0.5) * (x[:, 1] - 0.5) * 4 + x[:, 2] - 0.5
score = score + 0.2 * (np.arange(ROWS) * 37 % 101 / 101 - 0.5)
labels = {0: 10 * score, 2: (score > 0).astype(int), 3: (score > -0.2).astype(int) + (score > 0.2)}
weight = 0.5 + (np.arange(ROWS) % 7) / 4


def kernel_of(m):
    """The whole kernel matrix in double."""
    dot = x @ x.T
    square = (x * x).sum(1)
    if m.kernel == "rbf":
        return np.exp(-m._gamma * (square[:, None] + square[None] - 2 * dot))
    if m.kernel == "poly":
        return (m._gamma * dot + m.coef0) ** m.degree
    return np.tanh(m._gamma * dot + m.coef0) if m.kernel == "sigmoid" else dot


def objective(m, classes):
    k, y = kernel_of(m)[np.ix_(m.support_, m.support_)], labels[classes]
    if not classes:
        b = m._dual_coef_[0]
        return b @ k @ b / 2 - y[m.support_] @ b + m.epsilon * abs(b).sum()
    total, start = 0, np.concatenate([[0], np.cumsum(m._n_support)])
    for i in range(classes):
        for j in range(i + 1, classes):
            b = np.zeros(len(m.support_))
            b[start[i]:start[i + 1]] = m._dual_coef_[j - 1, start[i]:start[i + 1]]
            b[start[j]:start[j + 1]] = m._dual_coef_[i, start[j]:start[j + 1]]
            total += b @ k @ b / 2 - abs(b).sum()
    return total


def case(name, classes, weighted=False, balanced=False, **how):
    make = {**dict(kernel="rbf", C=1.0, gamma="scale", degree=3, coef0=0.0, tol=1e-6), **how}
    if not classes:
        m = SVR(epsilon=0.3, **make)
    else:
        m = SVC(decision_function_shape="ovo", class_weight="balanced" if balanced else None, **make)
    m.fit(x, labels[classes], sample_weight=weight if weighted else None)
    d = m.predict(x[::40]) if not classes else m.decision_function(x[::40])
    settings = [classes, int(weighted), int(balanced), make["kernel"], make["C"], make["gamma"], make["degree"],
                make["coef0"]]
    numbers = [objective(m, classes)] + list(np.ravel(d))
    print(name, *settings, len(m.support_), len(numbers), *("%.9g" % v for v in numbers))


print("#", "scikit-learn", sklearn.__version__)
case("plain", 2)
case("strict", 2, C=100.0, gamma=0.5)
case("weighted", 2, weighted=True, balanced=True, C=5.0)
case("poly", 2, kernel="poly", coef0=1.0, C=2.0)
case("sigmoid", 2, kernel="sigmoid", coef0=-0.5, gamma=0.3)
case("linear", 2, kernel="linear", gamma="auto")
case("three", 3, C=10.0)
case("three_weighted", 3, C=10.0, weighted=True, balanced=True, kernel="poly", degree=2, coef0=0.5)
case("value", 0, C=10.0)
case("value_weighted", 0, weighted=True, C=3.0, gamma="auto")
case("value_linear", 0, kernel="linear")
