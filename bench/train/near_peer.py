# SPDX-License-Identifier: Apache-2.0
"""Nearest neighbours by programs that have no fit and predict of their own, on a table of peers.py.

    near_peer.py faiss|ckdtree TABLE K
    near_peer.py same TABLE K PREDICTIONS
    near_peer.py hnsw TABLE K M EF_CONSTRUCTION EF TRUTH    faiss' IndexHNSWFlat, with its recall
    near_peer.py tarn TRUTH FIT_BENCH ARGUMENT ...          Tarn's fit_bench, with its recall
    near_peer.py labels TABLE OUT                           the same rows; their labels become row number mod 30

same: in how many test rows faiss' flat index finds the same K rows as those whose labels have the means that
fit_bench's predictions are; the labels are the rows' numbers (peers.py number). Where they differ, distances in double
say whether it is by rounding.

TRUTH is what exact neighbours predict (TARN_BENCH_OUT=TRUTH fit_bench ... knn) on a table that `labels` wrote: how many
neighbours have each of 30 labels. Recall is the share of these votes that is met again; two rows have the same label
by chance once in 30 times, so that of a miss of 1 % some 0.03 % is not seen, on either side."""
import json
import os
import resource
import subprocess
import sys
import tempfile
import time

import numpy as np

from peers import read, write

LABELS = 30


def recall(votes, truth):
    """Of shares (queries, labels)."""
    return float(np.minimum(votes, np.fromfile(truth).reshape(LABELS, -1).T).sum() / len(votes))


def labels(path, out):
    x, y, test_x, test_y, levels, _ = read(path)
    write(out, x.T, test_x.T, levels, LABELS, np.arange(len(y)) % LABELS, np.zeros(len(test_y)))


def tarn(truth, *command):
    with tempfile.NamedTemporaryFile() as out:
        done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "TARN_BENCH_OUT": out.name})
        if done.returncode:
            sys.exit(done.stderr)
        said = json.loads(done.stdout)
        del said["accuracy"]
        print(json.dumps({**said, "recall": recall(np.fromfile(out.name).reshape(LABELS, -1).T, truth)}))


def compare(x, test_x, found, means):
    """Rows with the same neighbours, and those where faiss' are no nearer than ours could be."""
    same = np.abs(found.mean(1) - means) < 1e-6
    rounding = 0
    for i in np.flatnonzero(~same):
        exact = ((x - test_x[i]) ** 2).sum(1)
        ours = np.argsort(exact, kind="stable")[:found.shape[1]]
        rounding += abs(ours.mean() - means[i]) < 1e-6
    return {"rows": len(means), "same": int(same.sum()), "exact_where_faiss_rounds": int(rounding)}


def faiss_index(kind, d, m=0, ef_construction=0, ef=0):
    import faiss
    if kind in ("faiss", "same"):
        return faiss.IndexFlatL2(d)
    index = faiss.IndexHNSWFlat(d, m)
    index.hnsw.efConstruction, index.hnsw.efSearch = ef_construction, ef
    return index


def peer(kind, path, k, *rest):
    x, y, test_x, test_y, _, classes = read(path)
    try:
        if kind == "ckdtree":
            from scipy.spatial import cKDTree
            start = time.time()
            tree = cKDTree(x)
            fit_s, start = time.time() - start, time.time()
            found = tree.query(test_x, k, workers=2)[1]
        else:
            narrow, test_narrow = x.astype("f4"), test_x.astype("f4")
            start = time.time()
            index = faiss_index(kind, x.shape[1], *(map(int, rest[:3]) if kind == "hnsw" else ()))
            index.add(narrow)
            fit_s, start = time.time() - start, time.time()
            found = index.search(test_narrow, k)[1]
    except ImportError as problem:
        print(json.dumps({"missing": str(problem)}))
        return
    if kind == "same":
        print(json.dumps(compare(x, test_x, found, np.fromfile(rest[0], "<f8"))))
        return
    predict_s, votes = time.time() - start, y[found].astype(int)
    counts = np.array([np.bincount(row, minlength=classes) for row in votes])
    quality = {"recall": recall(counts / k, rest[3])} if kind == "hnsw" else {
        "accuracy": float((counts.argmax(1) == test_y).mean())}
    print(json.dumps({"table": path, "estimator": kind, "fit_s": fit_s, "predict_s": predict_s,
                      "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, **quality}))


verb, arguments = sys.argv[1], sys.argv[2:]
if verb == "labels":
    labels(*arguments)
elif verb == "tarn":
    tarn(*arguments)
else:
    peer(verb, arguments[0], int(arguments[1]), *arguments[2:])
