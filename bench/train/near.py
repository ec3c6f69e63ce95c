# SPDX-License-Identifier: Apache-2.0
"""Data for methods that compare rows with rows, made deterministically: (x, test_x, levels, classes, y, test_y) as
peers.write wants them, columns first."""
import numpy as np


def _parts(x, y, rows, classes):
    return x[:rows].T, x[rows:].T, [0] * x.shape[1], classes, y[:rows], y[rows:]


def clouds(rows, tests):
    """Two classes of four clouds each in 20 columns, 3 % of the labels wrong, scaled."""
    from sklearn.datasets import make_classification
    x, y = make_classification(rows + tests, 20, n_informative=12, n_redundant=4, n_clusters_per_class=4, flip_y=0.03,
                               class_sep=0.8, random_state=7)
    return _parts((x - x.mean(0)) / x.std(0), y, rows, 2)


def waves(rows, tests):
    """Friedman's first function of 10 columns, with noise of deviation 1."""
    from sklearn.datasets import make_friedman1
    x, y = make_friedman1(rows + tests, 10, noise=1.0, random_state=3)
    return _parts(x, y, rows, 0)


def points(rows, tests):
    """Points of 100 clouds in 3 columns."""
    from sklearn.datasets import make_blobs
    x, y = make_blobs(rows + tests, 3, centers=100, cluster_std=4.0, random_state=6)
    return _parts(x.astype("f4").astype("f8"), (y % 10).astype(float), rows, 10)


def digits28(rows, tests):
    """scikit-learn's 8 x 8 digits as 28 x 28 pictures, turned, moved, stretched, with noise; test pictures come from
    digits that no training picture comes from."""
    from scipy.ndimage import affine_transform, zoom
    from sklearn.datasets import load_digits
    digits = load_digits()
    rng = np.random.RandomState(11)
    order = rng.permutation(len(digits.images))
    big = {i: zoom(digits.images[i] / 16.0, 2.5, order=1) for i in order}

    def pictures(which, n):
        x, y = np.zeros((n, 28, 28), "f4"), np.zeros(n)
        for k in range(n):
            i = which[rng.randint(len(which))]
            y[k] = digits.target[i]
            picture = np.zeros((28, 28))
            picture[4:24, 4:24] = big[i]
            angle, size = rng.uniform(-0.25, 0.25), rng.uniform(0.85, 1.15)
            turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) / size
            middle = np.array([13.5, 13.5])
            x[k] = affine_transform(picture, turn, middle - turn @ (middle + rng.uniform(-2, 2, 2)), order=1)
        x += 0.1 * rng.randn(*x.shape).astype("f4")
        return np.clip(x, 0, 1).reshape(n, 784), y

    x, y = pictures(order[:1437], rows)
    test_x, test_y = pictures(order[1437:], tests)
    return x.T, test_x.T, [0] * 784, 10, y, test_y
