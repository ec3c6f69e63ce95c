#!/usr/bin/python3
"""The main job of examples/flights in Python: pandas for the tables, scikit-learn pipelines for the candidates.

Reads the same five files, makes the same repairs, join, features and split, trains the same three kinds of
candidates with the same settings where both have them, chooses on the same validation rows, judges on the same test rows.
Prints one JSON line: figures, and seconds per part. Usage: peer.py FOLDER-OF-CSV-FILES [THREADS]
"""
import json
import sys
import time

import numpy as np
import pandas as pd
from joblib import parallel_backend  # noqa: F401  (scikit-learn's own worker pool)
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

folder = sys.argv[1]
threads = int(sys.argv[2]) if len(sys.argv) > 2 else 2
start = time.perf_counter()
marks = {}


def mark(name):
    global start
    now = time.perf_counter()
    marks[name] = round(now - start, 3)
    start = now


def read(name):
    return pd.read_csv(f"{folder}/{name}.csv.gz", keep_default_na=False, na_values=[""])


airlines, airports, planes, weather, flights = map(read, ["airlines", "airports", "planes", "weather", "flights"])
mark("read")

# the declared rules
assert airlines.carrier.is_unique and planes.tailnum.is_unique
assert not weather.duplicated(["origin", "year", "month", "day", "hour"]).any()
assert not flights.duplicated(["year", "month", "day", "carrier", "flight", "origin"]).any()
assert flights.carrier.isin(airlines.carrier).all() and flights.dest.isin(airports.faa).all()
profile = {n: t.describe(include="all") for n, t in dict(airlines=airlines, airports=airports, planes=planes, weather=weather, flights=flights).items()}
mark("check and profile")

# repairs
airports = airports.sort_values("name").drop_duplicates("faa")
planes.loc[~planes.year.between(1930, 2014), "year"] = np.nan
planes["year"] = planes.year.fillna(planes.year.median())
planes["manufacturer"] = planes.manufacturer.replace({"AIRBUS INDUSTRIE": "AIRBUS", "MCDONNELL DOUGLAS AIRCRAFT CO": "MCDONNELL DOUGLAS"})
weather.loc[~weather.dewp.between(-60, 100), "dewp"] = np.nan
assert len(flights.merge(planes[["tailnum"]], on="tailnum")) == 153123
assert len(flights.merge(weather[["origin", "year", "month", "day", "hour"]], on=["origin", "year", "month", "day", "hour"])) == 160280

# one row per flight, with what is known beforehand
f = flights[flights.dep_time.notna()].copy()
day = pd.to_datetime(f[["year", "month", "day"]])
f["scheduled"] = day + pd.to_timedelta((f.dep_time // 100) * 60 + f.dep_time % 100 - f.dep_delay, unit="m")
f = f.sort_values("scheduled", kind="stable").reset_index(drop=True)
f["capped"] = f.dep_delay.clip(upper=180)


def mean_before(keys, longest, shortest=np.timedelta64(6, "h")):
    """Mean of capped over rows of the same keys that were due between `longest` and `shortest` before."""
    out = np.full(len(f), np.nan)
    times, values = f.scheduled.to_numpy(), f.capped.to_numpy()
    for rows in f.groupby(keys, sort=False).indices.values():
        t, total = times[rows], np.concatenate([[0], np.cumsum(values[rows])])
        a, b = np.searchsorted(t, t - longest, "left"), np.searchsorted(t, t - shortest, "right")
        with np.errstate(invalid="ignore", divide="ignore"):
            out[rows] = np.where(b > a, (total[b] - total[a]) / (b - a), np.nan)
    return out


f["delay_today"] = mean_before(["origin"], np.timedelta64(12, "h"))
f["delay_route"] = mean_before(["origin", "dest"], np.timedelta64(7 * 24, "h"))
f["delay_flight"] = mean_before(["carrier", "flight", "origin"], np.timedelta64(28 * 24, "h"))
f = f[f.arr_delay.notna()]
f["late"] = (f.arr_delay > 15).astype(int)
f["asked"] = (f.scheduled - pd.Timedelta(hours=3)).dt.floor("H")
weather["asked"] = pd.to_datetime(weather[["year", "month", "day", "hour"]])
seen = ["temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "precip", "pressure", "visib"]
f = f.merge(planes[["tailnum", "year", "manufacturer", "engine", "seats"]].rename(columns={"year": "plane_year"}), on="tailnum", how="left")
f = f.merge(weather[["origin", "asked"] + seen], on=["origin", "asked"], how="left")
f["month"], f["weekday"], f["hour"], f["yearday"] = f.scheduled.dt.month, f.scheduled.dt.weekday, f.scheduled.dt.hour, f.scheduled.dt.dayofyear
mark("repair and join")

numbers = ["distance", "delay_today", "delay_route", "delay_flight", "plane_year", "seats"] + seen + ["month", "weekday", "hour"]
categories = ["carrier", "origin", "dest", "manufacturer", "engine"]
train, valid, test = (f[(f.scheduled >= a) & (f.scheduled < b)] for a, b in
                      [("2013-01-01", "2014-09-01"), ("2014-09-01", "2014-10-01"), ("2014-10-01", "2014-12-01")])


def as_codes():
    return OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan, encoded_missing_value=np.nan)


trees = numbers + ["yearday"]
is_category = [False] * len(trees) + [True] * len(categories)
candidates = {
    "logistic": make_pipeline(
        ColumnTransformer([("n", make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), numbers),
                           ("c", OneHotEncoder(min_frequency=50, handle_unknown="infrequent_if_exist"), categories)]),
        LogisticRegression(max_iter=1000)),
    "forest": make_pipeline(
        ColumnTransformer([("n", SimpleImputer(strategy="constant", fill_value=-999), trees),
                           ("c", OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-2), categories)]),
        RandomForestClassifier(n_estimators=200, n_jobs=threads, random_state=1)),
    "boosting": make_pipeline(
        ColumnTransformer([("n", "passthrough", trees), ("c", as_codes(), categories)]),
        HistGradientBoostingClassifier(max_iter=300, learning_rate=0.05, early_stopping=True, n_iter_no_change=30,
                                       categorical_features=is_category, random_state=1)),
}
board = {}
for name, pipe in candidates.items():
    pipe.fit(train, train.late)
    board[name] = roc_auc_score(valid.late, pipe.predict_proba(valid)[:, 1])
    mark(f"train {name}")
winner = max(board, key=board.get)
p = {n: c.predict_proba(test)[:, 1] for n, c in candidates.items()}
figures = {n: roc_auc_score(test.late, q) for n, q in p.items()}
best = p[winner]
print(json.dumps({
    "rows": [len(train), len(valid), len(test)], "late_in_test": int(test.late.sum()), "winner": winner,
    "valid": {n: round(v, 4) for n, v in board.items()}, "test": {n: round(v, 4) for n, v in figures.items()},
    "test_roc_auc": round(figures[winner], 4), "pr_auc": round(average_precision_score(test.late, best), 4),
    "log_loss": round(log_loss(test.late, best), 4), "brier": round(brier_score_loss(test.late, best), 4), "seconds": marks}))
