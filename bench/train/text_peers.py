# SPDX-License-Identifier: Apache-2.0
"""Lines of words with a class, for text_bench; categories for fit_bench; and other programs on the same files.

    text_peers.py lines  TRAIN TEST FOLDER        train.txt and test.txt as SVMlight: bag of words, Zipf, 50,000 words, 20 classes
    text_peers.py stream TRAIN TEST FOLDER        28 numbers a line, two classes (make_classification, seed 42)
    text_peers.py levels ROWS TESTS TABLE         20 categories of 12 levels, 5 classes, as a table of peers.py
    text_peers.py fit FOLDER ESTIMATOR [name=json ...]   scikit-learn, reading included; ESTIMATOR as sklearn.naive_bayes.BernoulliNB;
                                                  with batch=N: partial_fit in batches of N rows
    text_peers.py liblinear FOLDER OPTIONS...     LIBLINEAR, reading included
    text_peers.py vw FOLDER OPTIONS...            Vowpal Wabbit, reading included (VW names the program, if it is not vw)

fit_s is from the file to the model, learn_s the estimator's share."""
import importlib
import json
import os
import resource
import shutil
import subprocess
import sys
import time

import numpy as np

WORDS, CLASSES, LENGTH = 50_000, 20, 80


def svm(path, y, rows):
    with open(path, "w") as f:
        for label, row in zip(y, rows):
            f.write(f"{label} {row}\n")


def lines(train, test, folder):
    import scipy.sparse as sp
    rng = np.random.RandomState(21)
    n = train + test
    base = 1 / (np.arange(WORDS) + 10)
    shares = [np.cumsum(w / w.sum()) for w in (base * np.exp(.6 * rng.randn(WORDS)) for _ in range(CLASSES))]
    y = rng.randint(CLASSES, size=n)
    lengths = rng.poisson(LENGTH, n) + 5
    rows, of = np.repeat(np.arange(n), lengths), np.repeat(y, lengths)
    of = np.where(rng.rand(len(of)) < .75, rng.randint(CLASSES, size=len(of)), of)  # three words in four tell nothing
    u, col = rng.rand(len(rows)), np.empty(len(rows), int)
    for k in range(CLASSES):
        col[of == k] = np.searchsorted(shares[k], u[of == k])
    x = sp.csr_matrix((np.ones(len(rows)), (rows, np.minimum(col, WORDS - 1))), shape=(n, WORDS))
    x.sum_duplicates()
    x.sort_indices()

    def text(i):
        a, b = x.indptr[i], x.indptr[i + 1]
        return " ".join(f"{j + 1}:{v:g}" for j, v in zip(x.indices[a:b], x.data[a:b]))
    svm(f"{folder}/train.txt", y[:train] + 1, map(text, range(train)))
    svm(f"{folder}/test.txt", y[train:] + 1, map(text, range(train, n)))


def stream(train, test, folder):
    from sklearn.datasets import make_classification
    x, y = make_classification(train + test, 28, n_informative=16, n_redundant=6, n_clusters_per_class=8, flip_y=.05,
                               class_sep=.6, random_state=42)

    def text(row):
        return " ".join(f"{j + 1}:{v:.5g}" for j, v in enumerate(row))
    svm(f"{folder}/train.txt", 2 * y[:train] - 1, map(text, x[:train]))
    svm(f"{folder}/test.txt", 2 * y[train:] - 1, map(text, x[train:]))


def levels(rows, tests, path):
    from peers import write
    rng = np.random.RandomState(31)
    y = rng.randint(5, size=rows + tests)
    columns = []
    for _ in range(20):
        steps = np.cumsum(rng.dirichlet(np.full(12, 2.), 5), 1)
        columns.append((rng.rand(rows + tests)[:, None] > steps[y]).sum(1).clip(0, 11).astype(float))
    write(path, [c[:rows] for c in columns], [c[rows:] for c in columns], [12] * 20, 5, y[:rows], y[rows:])


def quality(y, scores):
    from sklearn.metrics import accuracy_score, roc_auc_score
    if scores.ndim == 1:
        return {"auc": roc_auc_score(y, scores)}
    if scores.shape[1] == 2:
        return {"auc": roc_auc_score(y, scores[:, 1])}
    return {"accuracy": accuracy_score(y, np.unique(y)[scores.argmax(1)])}


def fit(folder, kind, options):
    from sklearn.datasets import load_svmlight_file
    settings = {k: json.loads(v) for k, v in (o.split("=") for o in options)}
    batch = settings.pop("batch", 0)
    start = time.time()
    x, y = load_svmlight_file(f"{folder}/train.txt")
    read_s = time.time() - start
    module, name = kind.rsplit(".", 1)
    model = getattr(importlib.import_module(module), name)(**settings)
    if batch:
        for i in range(0, x.shape[0], batch):
            model.partial_fit(x[i:i + batch], y[i:i + batch], np.unique(y))
    else:
        model.fit(x, y)
    fit_s = time.time() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    test_x, test_y = load_svmlight_file(f"{folder}/test.txt", n_features=x.shape[1])
    start = time.time()
    scores = model.predict_proba(test_x) if hasattr(model, "predict_proba") else model.decision_function(test_x)
    print(json.dumps({"estimator": kind, "fit_s": fit_s, "learn_s": fit_s - read_s, "predict_s": time.time() - start,
                      "peak_mb": peak, **quality(test_y, scores)}))


def outside(program, folder, train, predict, read):
    if not shutil.which(program):
        print(json.dumps({"missing": f"{program} is not installed"}))
        return
    start = time.time()
    subprocess.run([program] + train, check=True, capture_output=True)
    fit_s = time.time() - start
    subprocess.run(predict, check=True, capture_output=True)
    labels = np.array([float(line.split()[0]) for line in open(f"{folder}/test.txt")])
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(json.dumps({"estimator": program, "fit_s": fit_s, "peak_mb": peak, **read(labels)}))


def liblinear(folder, options):
    def read(labels):
        said = np.loadtxt(f"{folder}/said")
        return {"accuracy": float((said == labels).mean())}
    outside("liblinear-train", folder, ["-q"] + options + [f"{folder}/train.txt", f"{folder}/model"],
            ["liblinear-predict", f"{folder}/test.txt", f"{folder}/model", f"{folder}/said"], read)


def vw(folder, options):
    program = os.environ.get("VW", "vw")

    def bar(name):
        with open(f"{folder}/{name}.txt") as f, open(f"{folder}/{name}.vw", "w") as out:
            out.writelines(line.replace(" ", " | ", 1) for line in f)

    def read(labels):
        said = np.loadtxt(f"{folder}/said")
        return quality(labels, said) if len(set(labels)) == 2 else {"accuracy": float((said == labels).mean())}
    if shutil.which(program):
        bar("train")
        bar("test")
    outside(program, folder, ["-d", f"{folder}/train.vw", "-f", f"{folder}/model", "--quiet"] + options,
            [program, "-d", f"{folder}/test.vw", "-i", f"{folder}/model", "-t", "-p", f"{folder}/said", "--quiet"], read)


if __name__ == "__main__":
    verb, args = sys.argv[1], sys.argv[2:]
    if verb in ("lines", "stream", "levels"):
        {"lines": lines, "stream": stream, "levels": levels}[verb](int(args[0]), int(args[1]), args[2])
    elif verb == "fit":
        fit(args[0], args[1], args[2:])
    else:
        {"liblinear": liblinear, "vw": vw}[verb](args[0], args[1:])
