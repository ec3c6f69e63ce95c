#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Stored answers for src/math/distribution_test.c, by scipy.

    /usr/bin/python3 tests/golden/distribution.py > tests/golden/distribution.txt

Needs scipy 1.10.1 (Debian 12: python3-scipy). A line is: function, arguments, value.
"""
import numpy as np
import scipy
from scipy import special as s
from scipy import stats

assert scipy.__version__ == "1.10.1", scipy.__version__


def line(name, *numbers):
    print(name, *(repr(float(x)) for x in numbers))


print(f"# Made by tests/golden/distribution.py with scipy {scipy.__version__}. Do not edit.")
for x in (1e-9, 1e-3, 0.1, 0.5, 0.99, 1, 1.5, 2, 2.5, 3, 7.3, 10, 25, 171.5, 1e4, 1e9):
    line("log_gamma", x, s.gammaln(x))
for a in (0.5, 1, 2.5, 10, 123.4, 5000):
    for b in (0.5, 1, 3.5, 40, 5000):
        for q in (1e-8, 0.001, 0.2, 0.5, 0.9, 0.9999):
            x = s.betaincinv(a, b, q)
            if 1e-250 < x < 1 - 1e-6:
                line("beta_below", x, a, b, stats.beta.cdf(x, a, b))
for a in (0.5, 1, 3, 12.5, 100, 4321):
    for x in (a * 1e-3, a / 3, a * 0.97, a, a * 1.02 + 1, 2 * a + 2, 5 * a):
        line("gamma_below", x, a, s.gammainc(a, x))
        if s.gammaincc(a, x) > 1e-290:
            line("gamma_above", x, a, s.gammaincc(a, x))
for z in (-37, -20, -8.3, -3, -1.96, -1, -0.3, -1e-9, 0, 1e-5, 0.7, 1.6448536269514722, 2.5, 6, 9):
    line("normal_below", z, s.ndtr(z))
    line("normal_above", z, s.ndtr(-z))
for p in (1e-300, 1e-100, 1e-20, 1e-6, 0.001, 0.025, 0.07, 0.08, 0.3, 0.5, 0.6, 0.93, 0.975, 0.999999):
    line("normal_quantile", p, s.ndtri(p))
for df in (1, 2, 4.5, 9, 30, 1000, 1e6):
    for t in (0, 0.01, -0.5, 1, 2.262, 5, 30):
        line("t_beyond", t, df, stats.beta.sf(t * t / (df + t * t), 0.5, df / 2))
    for p in (1e-6, 0.005, 0.025, 0.4, 0.9, 0.975):  # by Boost; special.stdtrit is good to 1e-9 only
        y = stats.beta.ppf(2 * min(p, 1 - p), df / 2, 0.5)
        x = stats.beta.isf(2 * min(p, 1 - p), 0.5, df / 2)
        t2 = df * (1 - y) / y if y < 0.5 else df * x / (1 - x)
        line("t_quantile", p, df, np.copysign(np.sqrt(t2), p - 0.5))
for df1, df2 in ((1, 1), (10, 5), (3, 40.5), (200, 1000)):
    for f in (0, 0.01, 0.8, 1, 2.2, 4.74, 19):
        line("f_above", f, df1, df2, stats.f.sf(f, df1, df2))
for df in (1, 2, 5, 77):
    for x in (0, 0.02, 1, 3.84, 20, 150):
        line("chi2_above", x, df, stats.chi2.sf(x, df))
for n, p in ((1, 0.5), (10, 0.5), (41, 0.3), (1000, 0.5), (100000, 0.5)):
    for k in sorted({-1, 0, n // 3, int(n * 0.49), n // 2, n - 1, n}):
        value = stats.binom.cdf(k, n, p)
        if value == 0 or value > 1e-290:
            line("binomial_below", k, n, p, value)
infinite = np.inf
for k in (2, 3, 5, 10, 20):
    for q in (0.1, 1, 2.5, 3.5, 5):
        line("range_above", q, k, stats.studentized_range.sf(q, k, infinite))
