#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What scikit-learn makes of a small table, to compare our preparation steps with (src/prepare/steps/golden_test.c).

Run in this folder: /usr/bin/python3 prepare.py > prepare.txt   (made with Debian 12's scikit-learn 1.2.1)

Each line: case, column, a value for each row. "-" is missing. The first lines are the table itself; each step is fitted on
the first 9 rows and run on all 12. The onehot lines are columns of 0 and 1; rows that scikit-learn would call unknown are 0.
"""
import numpy as np
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, RobustScaler, StandardScaler

TRAIN = 9
age = [41, np.nan, 7.5, 23, 23, np.nan, 88.25, -3, 19, 1e6, np.nan, -400]
fare = [0.1, 0.2, 0.3, 1e-3, 12.75, 1e5, 7, 7, 8.125, 9, 1e9, np.nan]
same = [5.5] * 9 + [6, np.nan, 5.5]
even = [1, 2, np.nan, 4, 8.1, 16.7, 32, 64, 128, np.nan, 3, 4]
city = ["Oslo", "Bergen", None, "Oslo", "Bodø", "Oslo", "Bergen", "Bergen", "Å", "Paris", None, "Oslo"]
X = np.array([age, fare, same, even]).T
names = ["age", "fare", "same", "even"]


def show(case, name, values):
    print(case, name, *("-" if v is None or v != v else v if isinstance(v, str) else repr(float(v)) for v in values))


for name, column in zip(names, X.T):
    show("table", name, column)
show("table", "city", city)
for case, step in [
    ("impute.median", SimpleImputer(strategy="median")),
    ("impute.mean", SimpleImputer(strategy="mean")),
    ("impute.constant", SimpleImputer(strategy="constant", fill_value=-1.5)),
    ("scale.standard", StandardScaler()),
    ("scale.minmax", MinMaxScaler()),
    ("scale.robust", RobustScaler()),
]:
    for name, column in zip(names, step.fit(X[:TRAIN]).transform(X).T):
        show(case, name, column)
for case, least in [("onehot.1", 1), ("onehot.2", 2)]:
    texts = np.array([[c if c is not None else "(missing)"] for c in city], dtype=object)
    step = OneHotEncoder(handle_unknown="ignore", sparse_output=False).fit(texts[:TRAIN])
    levels = list(step.categories_[0])
    enough = [k for k in levels if list(texts[:TRAIN, 0]).count(k) >= least and k != "(missing)"]
    columns = step.transform(texts).T
    for level in sorted(enough, key=lambda t: t.encode()) + ["(missing)"]:
        show(case, "city=" + level, columns[levels.index(level)])
