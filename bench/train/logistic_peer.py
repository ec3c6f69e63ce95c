# SPDX-License-Identifier: Apache-2.0
"""Fit scikit-learn's logistic regression on a table of peers.py and say how long it took.

    logistic_peer.py TABLE newton-cholesky|lbfgs TOL"""
import json
import sys
import time

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from peers import read

x, y, test_x, test_y, _, _ = read(sys.argv[1])
model = LogisticRegression(solver=sys.argv[2], tol=float(sys.argv[3]), max_iter=1000)
start = time.time()
model.fit(x, y)
fit_s = time.time() - start
margin = model.decision_function(x)
objective = np.logaddexp(0, np.where(y > 0, -margin, margin)).sum() + (model.coef_ ** 2).sum() / 2
print(json.dumps({"table": sys.argv[1], "estimator": "sklearn " + sys.argv[2], "fit_s": round(fit_s, 3),
                  "auc": round(roc_auc_score(test_y, model.predict_proba(test_x)[:, 1]), 5),
                  "objective": float("%.6g" % objective), "iterations": int(model.n_iter_[0])}))
