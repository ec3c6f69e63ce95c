#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Probabilities of naive Bayes from scikit-learn, to compare ours with (src/train/bayes_test.c).

Run in this folder: /usr/bin/python3 bayes.py > bayes.txt   (made with Debian 12's scikit-learn 1.2.1)

A case is a line "case NAME ESTIMATOR SETTINGS ROWS COLS CLASSES ASKED", where SETTINGS are name=value,... or -; then ROWS
lines of values, class and weight, and ASKED lines of values and probabilities. NAME ends in _w where weights count.
"""
import sys

import numpy as np
import sklearn
from sklearn.naive_bayes import BernoulliNB, CategoricalNB, ComplementNB, GaussianNB, MultinomialNB

ROWS, COLS, ASKED = 60, 6, 8
MAKERS = {"gaussian_nb": GaussianNB, "multinomial_nb": MultinomialNB, "complement_nb": ComplementNB,
          "bernoulli_nb": BernoulliNB, "categorical_nb": CategoricalNB}


def table(kind, classes, rng):
    y = np.r_[np.arange(classes), rng.integers(0, classes, ROWS + ASKED - classes)]
    if kind == "gaussian_nb":
        x = np.round(rng.normal(size=(ROWS + ASKED, COLS)) * [1, 2, .1, 30, 1, 1] + y[:, None] * [.5, 1, .02, 9, 0, 1]
                     + [1e4, 0, 5, -300, 0, 1], 4)
    elif kind == "categorical_nb":
        x = np.minimum(rng.poisson(1 + .7 * y[:, None], (ROWS + ASKED, COLS)), 4)
        x[:5] = np.arange(5)[:, None]
    else:
        x = rng.poisson(.3 + .5 * (y[:, None] == np.arange(COLS) % classes), (ROWS + ASKED, COLS))
        if kind != "bernoulli_nb":
            x = x * np.round(rng.uniform(.5, 2, x.shape), 2)
    return x, y, np.round(rng.uniform(.5, 2, ROWS), 3)


def case(name, kind, classes, weighted, settings, rng):
    x, y, w = table(kind, classes, rng)
    model = MAKERS[kind](**settings).fit(x[:ROWS], y[:ROWS], w if weighted else None)
    p = model.predict_proba(x[ROWS:])
    text = ",".join(f"{k}={str(v).lower() if isinstance(v, bool) else v}" for k, v in settings.items()) or "-"
    print(f"case {name}{'_w' if weighted else ''} {kind} {text} {ROWS} {COLS} {classes} {ASKED}")
    for row, label, weight in zip(x, y, w):
        print(*(repr(float(v)) for v in row), label, weight)
    for row, share in zip(x[ROWS:], p):
        print(*(repr(float(v)) for v in row), *(repr(float(v)) for v in share))


def main():
    rng = np.random.default_rng(7)
    print(f"# scikit-learn {sklearn.__version__}; see bayes.py")
    for kind in MAKERS:
        for classes in (2, 3):
            for weighted in (False, True):
                case(f"{kind}_{classes}", kind, classes, weighted, {}, rng)
    case("smooth", "gaussian_nb", 3, False, {"var_smoothing": .01}, rng)
    for kind in ("multinomial_nb", "complement_nb", "bernoulli_nb", "categorical_nb"):
        case(f"{kind}_alpha", kind, 3, False, {"alpha": .1}, rng)
    case("flat", "multinomial_nb", 3, False, {"fit_prior": False}, rng)
    case("norm", "complement_nb", 3, False, {"norm": True}, rng)
    case("above", "bernoulli_nb", 2, False, {"binarize": 1.0}, rng)


sys.exit(main())
