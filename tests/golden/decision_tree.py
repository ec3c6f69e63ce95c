#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Stored answers for src/train/algos/decision_tree_test.c: trees by scikit-learn, pruned and not.

    /usr/bin/python3 tests/golden/decision_tree.py > tests/golden/decision_tree.txt

Needs scikit-learn 1.2.1 (Debian 12: python3-sklearn). Weights are uneven and values distinct, so that no two cuts are
equally good. Each case: a line `case classes depth least_leaf alpha rows new leaves`, rows of x0 x1 x2 y weight, then new
rows of x0 x1 x2 and what the tree says: the value, the share of class 1, or all shares."""
import numpy as np
import sklearn
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

assert sklearn.__version__ == "1.2.1", sklearn.__version__
print(f"# scikit-learn {sklearn.__version__}")
rng = np.random.default_rng(7)


def line(*numbers):
    print(" ".join(repr(float(v)) for v in numbers))


for classes in (0, 2, 3):
    for depth, leaf, alpha in ((3, 1, 0), (0, 1, 0), (0, 7, 0), (0, 1, 0.01), (0, 2, 0.03)):
        rows, new = 150, 40
        x = np.stack([rng.permutation(rows) * 0.5 - 20, rng.permutation(rows) ** 2 * 0.25, rng.permutation(rows) - 0.125],
                     1)
        score = np.sin(x[:, 0] / 9) + (x[:, 1] > 2500) + 0.02 * x[:, 2] + rng.normal(0, 0.4, rows)
        y = score if classes == 0 else np.searchsorted(np.quantile(score, np.arange(1, classes) / classes), score)
        w = np.round(rng.uniform(0.5, 2, rows), 6)
        kind = DecisionTreeRegressor if classes == 0 else DecisionTreeClassifier
        tree = kind(max_depth=depth or None, min_samples_leaf=leaf, ccp_alpha=alpha, random_state=1).fit(x, y, w)
        fresh = x[rng.permutation(rows)[:new]] + rng.uniform(-0.2, 0.2, (new, 3))
        print("case", classes, depth, leaf, alpha, rows, new, tree.get_n_leaves())
        for i in range(rows):
            line(*x[i], y[i], w[i])
        said = tree.predict(fresh)[:, None] if classes == 0 else tree.predict_proba(fresh)
        for i in range(new):
            line(*fresh[i], *(said[i, 1:] if classes == 2 else said[i]))
