#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Stored answers for intervals and comparisons, by scikit-learn (figures) and scipy (distributions, tests).

    /usr/bin/python3 tests/golden/compare.py > tests/golden/compare.json

Needs scikit-learn 1.2.1 and scipy 1.10.1 (Debian 12: python3-sklearn). Draws of rows are made here once more from the
definition of the generator (Philox4x32-10), so that the intervals of resampled rows can be compared number by number;
DeLong's variances from the definition, over all pairs of rows.
"""
import json
import math

import numpy as np
import scipy
import sklearn
from scipy import stats
from sklearn import metrics as m

assert sklearn.__version__ == "1.2.1" and scipy.__version__ == "1.10.1"
rng = np.random.default_rng(20140103)
BOOTSTRAP = 6  # TARN_STREAM_BOOTSTRAP
LOW = 0xFFFFFFFF


def philox(seed, stream, item, index):
    k0, k1 = seed & LOW, seed >> 32
    c0, c1, c2, c3 = index, item & LOW, item >> 32, stream
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c0, 0xCD9E8D57 * c2
        c0, c1, c2, c3 = (p1 >> 32) ^ c1 ^ k0, p1 & LOW, (p0 >> 32) ^ c3 ^ k1, p0 & LOW
        k0, k1 = (k0 + 0x9E3779B9) & LOW, (k1 + 0xBB67AE85) & LOW
    return c0, c1, c2, c3


def drawn(seed, turn, units):
    """How often each unit is drawn in this round."""
    counts = np.zeros(units)
    for i in range(units):
        counts[philox(seed, BOOTSTRAP, turn, i // 4)[i % 4] * units >> 32] += 1
    return counts


def ndcg(y, p, w, group):
    """Each group counts by the mean weight of its rows."""
    scores, weight = [], []
    for g in sorted(set(group[w > 0])):
        at = (group == g) & (w > 0)
        scores.append(m.ndcg_score([y[at]], [p[at]]))
        weight.append(w[at].mean())
    return np.average(scores, weights=weight)


def no(f, *args, **kw):
    try:
        return f(*args, **kw)
    except ValueError:
        return float("nan")


FIGURES = {
    "roc_auc": lambda y, p, w, g: no(m.roc_auc_score, y, p, sample_weight=w),
    "rmse": lambda y, p, w, g: m.mean_squared_error(y, p, sample_weight=w, squared=False),
    "mae": lambda y, p, w, g: m.mean_absolute_error(y, p, sample_weight=w),
    "f1": lambda y, p, w, g: m.f1_score(y, p >= 0.5, sample_weight=w, zero_division=0),
    "ndcg": ndcg,
}


def rounds(metric, y, p, weight, group, resamples, seed):
    base = np.ones(len(y)) if weight is None else weight
    unit = np.arange(len(y)) if group is None else np.unique(group, return_inverse=True)[1]
    units = int(unit.max()) + 1
    out = [FIGURES[metric](y, p, base * drawn(seed, r, units)[unit], group) for r in range(resamples)]
    return np.array(out), units, unit, base


def interval(kind, metric, y, p, weight, group, resamples, seed, level):
    figure = FIGURES[metric]
    found, units, unit, base = rounds(metric, y, p, weight, group, resamples, seed)
    found = found[np.isfinite(found)]
    q = np.array([(1 - level) / 2, (1 + level) / 2])
    if kind == "bca":
        value = figure(y, p, base, group)
        z0 = stats.norm.ppf(np.mean(np.where(found < value, 1, np.where(found > value, 0, 0.5))))
        leave = np.array([figure(y, p, base * (unit != k), group) for k in range(units)])
        d = leave.mean() - leave
        a = (d ** 3).sum() / (6 * (d ** 2).sum() ** 1.5)
        z = z0 + stats.norm.ppf(q)
        q = stats.norm.cdf(z0 + z / (1 - a * z))
    return np.quantile(found, q)


def delong(y, scores):
    """Areas and their covariances, by the definition."""
    v10, v01 = [], []
    for p in scores:
        x, z = p[y == 1], p[y == 0]
        psi = (x[:, None] > z[None, :]) + 0.5 * (x[:, None] == z[None, :])
        v10.append(psi.mean(axis=1))
        v01.append(psi.mean(axis=0))
    cov = np.cov(v10).reshape(len(scores), -1) / (y == 1).sum() + np.cov(v01).reshape(len(scores), -1) / (y == 0).sum()
    return np.mean(v10, axis=1), cov


def plain(x):
    return None if x is None else [float(v) for v in x]


def rows(task, y, p, q=None, weight=None, group=None):
    out = {"task": task, "y": plain(y), "p": plain(p)}
    if q is not None:
        out["q"] = plain(q)
    if weight is not None:
        out["weight"] = plain(weight)
    if group is not None:
        out["group"] = [int(g) for g in group]
    return out


intervals, comparisons = [], []


def add_interval(name, kind, metric, task, y, p, weight=None, group=None, resamples=150, seed=2 ** 40 + 5, level=0.95):
    if kind == "wilson":
        ci = stats.binomtest(int(((p >= 0.5) == y).sum()), len(y)).proportion_ci(level, method="wilson")
        low, high = ci.low, ci.high
    elif kind == "delong":
        area, cov = delong(y, [p])
        half = stats.norm.ppf((1 + level) / 2) * math.sqrt(cov[0, 0])
        low, high = max(0, area[0] - half), min(1, area[0] + half)
    else:
        low, high = interval(kind, metric, y, p, weight, group, resamples, seed, level)
    intervals.append({"name": name, "kind": kind, "metric": metric, "rows": rows(task, y, p, None, weight, group),
                      "resamples": resamples, "seed": seed, "level": level, "low": float(low), "high": float(high)})


def add(name, test, what, statistic, p, difference, low=None, high=None, **more):
    def number(x):
        return None if x is None or not np.isfinite(x) else float(x)
    comparisons.append({"name": name, "test": test, "what": what, "statistic": number(statistic), "p": number(p),
                        "difference": number(difference), "low": number(low), "high": number(high), "more": more})


def labels(n):
    y = rng.integers(0, 2, n)
    y[:2] = [0, 1]
    return y


y = labels(71)
p = np.round(np.clip(0.3 * y + 0.7 * rng.random(71), 0, 1), 2)
q = np.round(np.clip(0.2 * y + 0.8 * rng.random(71), 0, 1), 2)
w = np.round(rng.gamma(1.0, 1.0, 71), 3)
w[::8] = 0
group = rng.integers(-3, 12, 71)
add_interval("percentile", "percentile", "roc_auc", "binary", y, p)
add_interval("percentile_80", "percentile", "f1", "binary", y, p, level=0.8)
add_interval("percentile_weights", "percentile", "roc_auc", "binary", y, p, weight=w)
add_interval("percentile_groups", "percentile", "f1", "binary", y, p, group=group)
add_interval("bca", "bca", "roc_auc", "binary", y, p)
add_interval("bca_groups", "bca", "f1", "binary", y, p, group=group)
add_interval("wilson", "wilson", "accuracy", "binary", y, p)
add_interval("wilson_99", "wilson", "accuracy", "binary", y, p, level=0.99)
add_interval("wilson_all", "wilson", "accuracy", "binary", np.array([0, 1, 1]), np.array([0.1, 0.9, 0.8]))
add_interval("wilson_none", "wilson", "accuracy", "binary", np.array([0, 1, 1]), np.array([0.9, 0.1, 0.2]))
add_interval("delong", "delong", "roc_auc", "binary", y, p)
add_interval("delong_coarse", "delong", "roc_auc", "binary", y, np.round(p, 1))
v = np.round(rng.gamma(2.0, 3.0, 60), 3)
u = np.round(v + rng.normal(0, 1, 60) * v / 4, 3)
add_interval("percentile_value", "percentile", "rmse", "regression", v, u)
add_interval("bca_value", "bca", "mae", "regression", v, u)
g = rng.integers(0, 9, 60)
add_interval("percentile_ranking", "percentile", "ndcg", "regression", np.round(v), np.round(u), group=g)

# Two models on the same rows
resamples, seed = 120, 77
for name, weight in (("plain", None), ("weights", w)):
    a, *_ = rounds("roc_auc", y, p, weight, None, resamples, seed)
    b, *_ = rounds("roc_auc", y, q, weight, None, resamples, seed)
    d = a - b
    difference = FIGURES["roc_auc"](y, p, weight, None) - FIGURES["roc_auc"](y, q, weight, None)
    chance = min(1, 2 * (min((d <= 0).sum(), (d >= 0).sum()) + 1) / (resamples + 1))
    low, high = np.quantile(d, [0.025, 0.975])
    add("bootstrap_" + name, "bootstrap", {**rows("binary", y, p, q, weight), "metric": "roc_auc", "resamples": resamples,
                                           "seed": seed}, difference, chance, difference, low, high)
for name, a, b in (("plain", p, q), ("ties", np.round(p, 1), np.round(q, 1)), ("near", p, np.clip(p + 0.02 * y, 0, 1))):
    area, cov = delong(y, [a, b])
    error = math.sqrt(cov[0, 0] + cov[1, 1] - 2 * cov[0, 1])
    d, half = area[0] - area[1], stats.norm.ppf(0.975) * error
    add("delong_" + name, "delong", rows("binary", y, a, b), d / error, 2 * stats.norm.sf(abs(d / error)), d, d - half,
        d + half, a=area[0], b=area[1])
add("delong_same", "delong", rows("binary", y, p, p), 0, 1, 0, 0, 0)
for name, a, b in (("plain", p, q), ("one_sided", y * 1.0, q), ("same", p, p)):
    right_a, right_b = (a >= 0.5) == y, (b >= 0.5) == y
    only_a, only_b, n = int((right_a & ~right_b).sum()), int((right_b & ~right_a).sum()), len(y)
    half = stats.norm.ppf(0.975) * math.sqrt(only_a + only_b - (only_a - only_b) ** 2 / n) / n
    d = (only_a - only_b) / n
    exact = stats.binomtest(only_a, only_a + only_b).pvalue if only_a + only_b else 1
    add("mcnemar_" + name, "mcnemar", rows("binary", y, a, b), min(only_a, only_b), exact, d, d - half, d + half,
        only_a=only_a, only_b=only_b)
    chi = max(0, abs(only_a - only_b) - 1) ** 2 / (only_a + only_b) if only_a + only_b else 0
    add("mcnemar_chi2_" + name, "mcnemar_chi2", rows("binary", y, a, b), chi, stats.chi2.sf(chi, 1), d, d - half, d + half)


# Scores on sets of rows
def t_quantile(df):
    """Of 0.975, by Boost: stats.t.ppf is good to 1e-9 only."""
    y = stats.beta.ppf(0.05, df / 2, 0.5)
    x = stats.beta.isf(0.05, 0.5, df / 2)
    return math.sqrt(df * (1 - y) / y if y < 0.5 else df * x / (1 - x))


def t_test(name, test, x, factor, **more):
    d = x[0] - x[1]
    error, df = math.sqrt(d.var(ddof=1) * factor), len(d) - 1
    t, half = d.mean() / error, t_quantile(df) * error
    add(name, test, {"score": [plain(s) for s in x], **more}, t, 2 * stats.t.sf(abs(t), df), d.mean(), d.mean() - half,
        d.mean() + half, df=df)
    return t


x = np.round(rng.normal(0.8, 0.02, (2, 10)) + rng.normal(0, 0.02, 10), 4)
x[0] += 0.01
t = t_test("paired_t", "paired_t", x, 1 / 10)
assert abs(t - stats.ttest_rel(x[0], x[1]).statistic) < 1e-12
t_test("paired_t_two", "paired_t", x[:, :2], 1 / 2)
t_test("resampled_t", "resampled_t", x, 1 / 10 + 1 / 9, test_share=1 / 9)
d = x[0] - x[1]
spread = ((d.reshape(5, 2) - d.reshape(5, 2).mean(axis=1, keepdims=True)) ** 2).sum(axis=1)
t = d[0] / math.sqrt(spread.mean())
add("cv52_t", "cv52_t", {"score": [plain(s) for s in x]}, t, 2 * stats.t.sf(abs(t), 5), d.mean())
f = (d ** 2).sum() / (2 * spread.sum())
add("cv52_f", "cv52_f", {"score": [plain(s) for s in x]}, f, stats.f.sf(f, 10, 5), d.mean())
for name, x, mode in (("exact", np.round(rng.normal(0, 1, (2, 14)), 6), "exact"),
                      ("fifty", np.round(rng.normal(0, 1, (2, 50)), 6), "exact"),
                      ("many", np.round(rng.normal(0, 1, (2, 80)), 6), "approx"),
                      ("ties", np.round(rng.normal(0, 1, (2, 40)) * 4) / 4, "approx")):
    found = stats.wilcoxon(x[0], x[1], mode=mode, zero_method="wilcox", correction=False)
    add("wilcoxon_" + name, "wilcoxon", {"score": [plain(s) for s in x]}, found.statistic, found.pvalue, (x[0] - x[1]).mean())
add("wilcoxon_same", "wilcoxon", {"score": [[1, 2, 3], [1, 2, 3]]}, 0, 1, 0)
for name, x in (("plain", np.round(rng.normal(0, 1, (4, 12)) + np.array([[0], [0.5], [1], [1]]), 5)),
                ("ties", np.round(rng.normal(0, 1, (3, 20)) + np.array([[0], [0.5], [1]])))):
    found = stats.friedmanchisquare(*x)
    k, n = x.shape
    ranks = np.array([stats.rankdata(-c) for c in x.T]).mean(axis=0)
    error = math.sqrt(k * (k + 1) / (12 * n))
    pairs = [[float(stats.studentized_range.sf(abs(a - b) / error, k, np.inf)) for b in ranks] for a in ranks]
    add("friedman_" + name, "friedman", {"score": [plain(s) for s in x]}, found.statistic, found.pvalue, None,
        ranks=plain(ranks), pairs=pairs, critical_difference=float(stats.studentized_range.ppf(0.95, k, np.inf) * error))

note = f"Made by tests/golden/compare.py with scikit-learn {sklearn.__version__}, scipy {scipy.__version__}. Do not edit."
print(json.dumps({"note": note, "intervals": intervals, "comparisons": comparisons}, default=float).replace('{"name"', '\n{"name"'))
