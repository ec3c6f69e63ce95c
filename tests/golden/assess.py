#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Stored answers for tests/conform and src/assess: every metric by scikit-learn, on small awkward data.

    /usr/bin/python3 tests/golden/assess.py > tests/golden/assess.txt

Needs scikit-learn 1.2.1 (Debian 12: python3-sklearn). Brier for several classes, calibration error, Gini, KS, gain,
lift, smape, wape, reciprocal rank and precision of the first places are not in scikit-learn 1.2.1; they are computed
here from their definitions with numpy. A figure that scikit-learn refuses to give is nan.
"""
import sys
import warnings

import numpy as np
import sklearn
from sklearn import metrics as m
from sklearn.preprocessing import label_binarize

warnings.simplefilter("ignore")
assert sklearn.__version__ == "1.2.1", sklearn.__version__
rng = np.random.default_rng(20140101)


def num(x):
    return "nan" if np.isnan(x) else repr(float(x))


def mean(values, w):
    return float(np.average(values, weights=w))


def ece(prob, hit, w):
    w = np.ones(len(prob)) if w is None else w
    ids = np.searchsorted(np.linspace(0, 1, 11)[1:-1], prob)
    total = np.bincount(ids, weights=w, minlength=10)
    gaps = np.abs(np.bincount(ids, weights=w * prob, minlength=10) - np.bincount(ids, weights=w * hit, minlength=10))
    return gaps.sum() / total.sum()


def no(f, *args, **kw):
    """nan where scikit-learn refuses."""
    try:
        return f(*args, **kw)
    except ValueError:
        return float("nan")


def gain(y, p, w, share):
    """Of the true rows, the share in the first rows by score; rows of one score are shared out evenly."""
    w = np.ones(len(y)) if w is None else w
    if (w * y).sum() == 0:
        return float("nan")
    left, found = share * w.sum(), 0.0
    for score in sorted(set(p[w > 0]), reverse=True):
        here = p == score
        take = min(1.0, left / w[here].sum())
        found += take * (w * y)[here].sum()
        left -= take * w[here].sum()
    return found / (w * y).sum()


def decisions(y, pred, w, labels, **how):
    kw = dict(sample_weight=w, zero_division=0, **how)
    conf = m.multilabel_confusion_matrix(y, pred, sample_weight=w)
    spec = [tn / (tn + fp) if tn + fp > 0 else 0.0 for (tn, fp), _ in conf]
    if how["average"] == "binary":
        spec = [m.recall_score(y, pred, sample_weight=w, zero_division=0, pos_label=0)]
    return {
        "accuracy": m.accuracy_score(y, pred, sample_weight=w),
        "error_rate": m.hamming_loss(y, pred, sample_weight=w),
        "jaccard": m.jaccard_score(y, pred, **kw),
        "balanced_accuracy": m.balanced_accuracy_score(y, pred, sample_weight=w),
        "precision": m.precision_score(y, pred, **kw),
        "recall": m.recall_score(y, pred, **kw),
        "specificity": float(np.mean(spec)),
        "f05": m.fbeta_score(y, pred, beta=0.5, **kw),
        "f1": m.fbeta_score(y, pred, beta=1, **kw),
        "f2": m.fbeta_score(y, pred, beta=2, **kw),
        "mcc": m.matthews_corrcoef(y, pred, sample_weight=w),
        "kappa": m.cohen_kappa_score(y, pred, labels=labels, sample_weight=w),
    }


def binary(y, p, w, threshold):
    pred = (p >= threshold).astype(int)
    out = decisions(y, pred, w, [0, 1], average="binary")
    assert abs(out["error_rate"] - m.zero_one_loss(y, pred, sample_weight=w)) < 1e-14
    kw = dict(sample_weight=w, zero_division=0)
    out["npv"] = m.precision_score(y, pred, pos_label=0, **kw)
    out["informedness"] = m.recall_score(y, pred, **kw) + m.recall_score(y, pred, pos_label=0, **kw) - 1
    w1 = np.ones(len(y)) if w is None else w
    if w1[y == 1].sum() > 0 and w1[(y == 0) & (pred == 0)].sum() > 0:
        out["lr_minus"] = no(m.class_likelihood_ratios, y, pred, labels=[0, 1], sample_weight=w, raise_warning=False)[1] \
            if len(set(y)) == 2 else float("nan")
    else:
        out["lr_minus"] = float("nan")
    out["gain_10"] = gain(y, p, w, 0.1)
    out["lift_10"] = gain(y, p, w, 0.1) / 0.1
    out["gini"] = 2 * no(m.roc_auc_score, y, p, sample_weight=w) - 1
    if len(set(y[w1 > 0])) == 2:
        fpr, tpr, _ = m.roc_curve(y, p, sample_weight=w)
        out["ks"] = np.abs(tpr - fpr).max()
    else:
        out["ks"] = float("nan")
    try:
        out["roc_auc"] = m.roc_auc_score(y, p, sample_weight=w)
    except ValueError:
        out["roc_auc"] = float("nan")
    out["pr_auc"] = m.average_precision_score(y, p, sample_weight=w)
    out["log_loss"] = m.log_loss(y, p, labels=[0, 1], sample_weight=w)
    out["brier"] = mean((p - y) ** 2, w)
    if len(set(y)) == 2:
        assert abs(out["brier"] - m.brier_score_loss(y, p, sample_weight=w)) < 1e-14
    out["ece"] = ece(p, y == 1, w)
    return out


def multiclass(y, p, w, threshold):
    labels = list(range(p.shape[1]))
    pred = p.argmax(axis=1)
    out = decisions(y, pred, w, labels, average="macro")
    onehot = label_binarize(y, classes=labels)
    kw = dict(sample_weight=w, zero_division=0, average="weighted")
    out["f1_weighted"] = m.f1_score(y, pred, **kw)
    out["precision_weighted"] = m.precision_score(y, pred, **kw)
    out["roc_auc_weighted"] = no(m.roc_auc_score, y, p, multi_class="ovr", average="weighted", labels=labels, sample_weight=w)
    for k in (3, 5):
        out[f"top_{k}"] = m.top_k_accuracy_score(y, p, k=k, labels=labels, sample_weight=w)
    try:
        out["roc_auc"] = m.roc_auc_score(y, p, multi_class="ovr", average="macro", labels=labels, sample_weight=w)
    except ValueError:
        out["roc_auc"] = float("nan")
    out["pr_auc"] = m.average_precision_score(onehot, p, average="macro", sample_weight=w)
    out["log_loss"] = m.log_loss(y, p, labels=labels, sample_weight=w)
    out["brier"] = mean(((p - onehot) ** 2).sum(axis=1), w)
    out["ece"] = ece(p.max(axis=1), y == pred, w)
    return out


def regression(y, p, w, threshold):
    deviances = {
        "poisson_deviance": no(m.mean_poisson_deviance, y, p, sample_weight=w),
        "gamma_deviance": no(m.mean_gamma_deviance, y, p, sample_weight=w),
        "tweedie_15": no(m.mean_tweedie_deviance, y, p, sample_weight=w, power=1.5),
    }
    if np.abs(y).min() > 1e6:  # cancellation leaves scikit-learn's without a figure
        deviances = {}
    return deviances | {
        "mae": m.mean_absolute_error(y, p, sample_weight=w),
        "rmse": m.mean_squared_error(y, p, sample_weight=w, squared=False),
        "mape": m.mean_absolute_percentage_error(y, p, sample_weight=w),
        "median_ae": m.median_absolute_error(y, p, sample_weight=w),
        "pinball_50": m.mean_pinball_loss(y, p, alpha=0.5, sample_weight=w),
        "pinball_90": m.mean_pinball_loss(y, p, alpha=0.9, sample_weight=w),
        "max_error": m.max_error(y, p),
        "r2": m.r2_score(y, p, sample_weight=w),
        "pinball_10": m.mean_pinball_loss(y, p, alpha=0.1, sample_weight=w),
        "smape": mean(2 * np.abs(y - p) / np.where((y == 0) & (p == 0), 1, np.abs(y) + np.abs(p)), w),
        "wape": mean(np.abs(y - p), w) / mean(np.abs(y), w) if np.any(y) else float("nan"),
        "rmsle": no(lambda: np.sqrt(m.mean_squared_log_error(y, p, sample_weight=w))),
        "explained_variance": m.explained_variance_score(y, p, sample_weight=w),
        "d2_absolute": m.d2_absolute_error_score(y, p, sample_weight=w),
    }


def first_places(y, p, k):
    """Expected share of relevant rows among the first k, ties in random order."""
    k, left, found = min(k, len(y)), min(k, len(y)), 0.0
    for score in sorted(set(p), reverse=True):
        here = p == score
        take = min(left, here.sum())
        found += take * np.mean(y[here] > 0)
        left -= take
    return found / k


def ranking(y, p, w, group):
    """scikit-learn ranks one group at a time; here each counts by the mean weight of its rows."""
    w = np.ones(len(y)) if w is None else w
    out, weight = [], []
    for g in sorted(set(group[w > 0])):
        at = (group == g) & (w > 0)
        a, b = y[at], p[at]
        relevant = (a > 0).astype(int)
        best = max((b[a > 0]), default=None)
        out.append([m.ndcg_score([a], [b]), m.ndcg_score([a], [b], k=5), m.ndcg_score([a], [b], k=10),
                    m.average_precision_score(relevant, b) if relevant.any() else 0.0,
                    1 / (b >= best).sum() if best is not None else 0.0, first_places(a, b, 5)])
        weight.append(w[at].mean())
        if 0 < relevant.sum() < len(a):
            assert abs(out[-1][3] - m.label_ranking_average_precision_score([relevant], [b])) < 1e-14
        if relevant.sum() == 1:
            assert abs(out[-1][4] - out[-1][3]) < 1e-14
    names = ("ndcg", "ndcg_5", "ndcg_10", "mean_ap", "mrr", "precision_5")
    return dict(zip(names, np.average(out, axis=0, weights=weight)))


def ranking_case(name, task, y, p, group, w=None):
    y, p, group = np.asarray(y, dtype=float), np.asarray(p, dtype=float), np.asarray(group)
    print(f"case {name} {task} {len(y)} {2 if task == 'binary' else 0} 0.5")
    print("y", *map(num, y))
    print("p", *map(num, p))
    print("g", *group)
    if w is not None:
        print("w", *map(num, w))
    for metric, value in ranking(y, p, None if w is None else np.asarray(w, dtype=float), group).items():
        print("metric", metric, num(value))
    print("end")


def case(name, judge, y, p, w=None, threshold=0.5):
    y, p = np.asarray(y), np.asarray(p, dtype=float)
    w = None if w is None else np.asarray(w, dtype=float)
    classes = {binary: 2, regression: 0}.get(judge) if judge is not multiclass else p.shape[1]
    print(f"case {name} {judge.__name__} {len(y)} {classes} {num(threshold)}")
    print("y", *map(num, y))
    print("p", *map(num, p.T.ravel()))
    if w is not None:
        print("w", *map(num, w))
    for metric, value in judge(y, p, w, threshold).items():
        print("metric", metric, num(value))
    print("end")


def labels(n, k=2):
    y = rng.integers(0, k, n)
    y[:k] = np.arange(k)
    return y


def probabilities(y, k, digits):
    p = rng.dirichlet(np.ones(k), len(y)) + 0.4 * np.eye(k)[y]
    p = np.round(p / p.sum(axis=1, keepdims=True), digits)
    p[:, -1] = np.round(np.maximum(1 - p[:, :-1].sum(axis=1), 0), digits)
    return p


np_version = np.__version__
print(f"# Made by tests/golden/assess.py with scikit-learn {sklearn.__version__}, numpy {np_version},"
      f" Python {sys.version.split()[0]}. Do not edit.")

y = labels(120)
case("binary_plain", binary, y, np.clip(np.round(rng.random(120) * 0.7 + 0.3 * y, 4), 0, 1))
y = labels(120)
case("binary_ties", binary, y, np.round(np.clip(rng.random(120) * 0.8 + 0.2 * y, 0, 1) * 8) / 8, threshold=0.375)
case("binary_bin_borders", binary, labels(44), np.tile(np.linspace(0, 1, 11), 4), threshold=0.3)
y = labels(100)
w = np.round(rng.gamma(1.0, 1.0, 100), 3)
w[5::11] = 0
case("binary_weights", binary, y, np.round(np.clip(rng.random(100) * 0.8 + 0.2 * y, 0, 1), 2), w, threshold=0.4)
case("binary_all_equal", binary, labels(30), np.full(30, 0.25))
case("binary_all_flagged", binary, labels(30), np.full(30, 0.75))
case("binary_extreme", binary, [0, 1, 1, 0, 1, 0], [0, 1, 0, 1, 1e-300, 1 - 2.0 ** -53])
case("binary_perfect", binary, [0, 1, 1, 0], [0.0, 1.0, 1.0, 0.0])
case("binary_backwards", binary, [0, 1, 1, 0], [0.9, 0.1, 0.2, 0.8])
case("binary_no_positive", binary, [0, 0, 0, 0], [0.1, 0.6, 0.6, 0.2])
case("binary_no_negative", binary, [1, 1, 1], [0.1, 0.6, 0.9])
case("binary_one_row", binary, [1], [0.7])
y = np.r_[1, np.zeros(199, dtype=int)]
case("binary_rare", binary, y, np.round(np.r_[0.31, rng.random(199) * 0.5], 3), threshold=0.3)

y = labels(90, 4)
case("multi_plain", multiclass, y, probabilities(y, 4, 6))
y = labels(60, 3)
case("multi_ties", multiclass, y, probabilities(y, 3, 1))
y = labels(60, 3)
case("multi_weights", multiclass, y, probabilities(y, 3, 3), np.round(rng.gamma(1.0, 1.0, 60), 3))
y = rng.integers(0, 2, 30)
case("multi_absent_class", multiclass, y, probabilities(y, 4, 3))
case("multi_sure", multiclass, [0, 1, 2, 2], [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 0, 0]])
y = labels(50, 3)
p = probabilities(y, 3, 6)
case("multi_sums_a_little_off", multiclass, y, p + np.array([3e-6, 0, 0]) * (p[:, :1] < 0.9))

y = np.round(rng.normal(10, 5, 81), 3)
case("regress_odd", regression, y, np.round(y + rng.normal(0, 2, 81), 3))
y = np.round(rng.normal(0, 5, 60), 3)
case("regress_even", regression, y, np.round(y * 0.5 + rng.normal(0, 2, 60), 3))
y = np.round(rng.normal(0, 5, 60), 3)
case("regress_weights", regression, y, np.round(y * 0.5 + rng.normal(0, 2, 60), 3), np.round(rng.gamma(1.0, 1.0, 60) + 0.001, 3))
case("regress_median_on_a_border", regression, [0, 0, 0, 0], [1, 2, 3, 4], [1, 1, 1, 1])
case("regress_zero_truth", regression, [0, 1, -1, 0], [0.5, 1, -2, 0])
case("regress_constant", regression, [3, 3, 3], [2, 3, 4])
case("regress_constant_hit", regression, [3, 3, 3], [3, 3, 3])
case("regress_one_row", regression, [3], [2.5])
y = np.round(1e9 + rng.normal(0, 1, 50), 6)
case("regress_far_from_zero", regression, y, np.round(y + rng.normal(0, 0.5, 50), 6))

y = rng.poisson(3.0, 70).astype(float)
y[::9] = 0
case("regress_counts", regression, y, np.round(y * 0.7 + rng.gamma(2.0, 0.5, 70) + 0.01, 3), np.round(rng.gamma(1.0, 1.0, 70), 3))
y = np.round(rng.gamma(2.0, 300.0, 70) + 0.01, 2)
case("regress_amounts", regression, y, np.round(y * rng.gamma(20.0, 0.05, 70) + 0.01, 2))
case("regress_zero_both", regression, [0, 0, 0, 2], [0, 0, 0, 3])

group = rng.integers(-4, 5, 120) * 10 ** 12
y = np.clip(rng.integers(-2, 4, 120), 0, 3)
ranking_case("ranking_plain", "regression", y, np.round(y + rng.normal(0, 2, 120), 4), group)
ranking_case("ranking_ties", "regression", y, np.round(y + rng.normal(0, 1, 120)), group)
ranking_case("ranking_all_equal", "regression", y, np.full(120, 0.25), group)
ranking_case("ranking_binary", "binary", y > 1, np.round(rng.random(120), 1), group)
w = np.round(rng.gamma(1.0, 1.0, 120), 3)
w[::7] = 0
ranking_case("ranking_weights", "regression", y, np.round(y + rng.normal(0, 1, 120), 1), group, w)
ranking_case("ranking_nothing_relevant", "binary", [0, 0, 1, 0, 0], [0.1, 0.5, 0.5, 0.2, 0.2], [1, 1, 2, 2, 2])
w = np.ones(120)
w[group == group[0]] = 0
ranking_case("ranking_empty_group", "regression", y, np.round(y + rng.normal(0, 1, 120)), group, w)
