#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A small but whole project for the end-to-end tests: make_data.py FOLDER [ROWS].

A shop: customers, products and orders; will an order come back? Every value is worked out from a fixed seed, so every
run of the tests sees the same bytes. Some things are wrong on purpose, for the repairs to find: double customers, ages
out of range, missing prices, one category in several spellings.
"""
import datetime
import pathlib
import random
import sys

PROJECT = """\
# A shop: will an order come back?
project: shop
problem: Will an order be sent back? Asked when it is placed, so that it can be packed with more care.
lake: {branch: main}

ingest:
  customers: {source: file, path: data/customers.csv}
  products:  {source: file, path: data/products.csv}
  orders:    {source: file, path: data/orders.csv}

tables:
  products:
    key: product
    columns:
      price: {type: real, range: [0, 1000]}
  orders:
    key: order_id
    columns:
      order_id: {type: int, not_null: true, unique: true}
      quantity: {type: int, not_null: true, range: [1, 20]}
      returned: {type: text, not_null: true, values: [back, kept]}
    references:
      - {columns: product, table: products}
  clean/customers:
    key: customer
    columns:
      age: {type: int, range: [18, 99]}
  joined/sales:
    key: order_id

prepare:
  cleanse:
    customers:
      - {kind: duplicates, columns: customer, order: age, action: drop}
      - {kind: range, columns: age, least: 18, most: 99, action: "null"}
      - {kind: category, columns: city, action: spelling}
    products:
      - {kind: missing, columns: price, action: median}
  join:
    sales:
      sql: |
        SELECT o.order_id, o.placed, o.quantity, o.discount, c.age, c.city, p.price, p.kind, o.returned
        FROM orders o
        LEFT JOIN "clean/customers" c ON c.customer = o.customer
        LEFT JOIN "clean/products" p ON p.product = o.product
      key: order_id
      matches:
        - {left: orders, right: customers, on: customer}
        - {left: orders, right: products, on: product}
  split: {by: time, column: placed, valid_from: 2023-08-01, test_from: 2023-10-01, holdout_from: 2023-12-15}

train:
  table: joined/sales
  target: returned
  positive: back
  features: [placed, quantity, discount, age, city, price, kind]
  metric: roc_auc
  threshold: profit
  seed: 7
  candidates:
    logistic:
      algo: logistic
      prepare:
        - {step: dateparts, columns: placed, parts: "month,weekday"}
        - {step: impute, strategy: median}
        - {step: scale}
        - {step: onehot, min_rows: 5}
    forest:
      algo: forest
      trees: 20
      prepare:
        - {step: dateparts, columns: placed, parts: "month,weekday"}
    boosting:
      algo: boosting
      trees: 40
      early_stopping: 10
      prepare:
        - {step: dateparts, columns: placed, parts: "month,weekday"}

assess:
  noun: orders
  costs: {unit: EUR, true_positive: 3, false_positive: -1, true_negative: 0, false_negative: 0}
  notes: [Made-up figures.]

registry: {name: shop, alias: champion}
"""

CITIES = ["Bergen", "Lyon", "Porto", "Gdansk", "Turku"]
KINDS = ["shoes", "coat", "book", "lamp"]


def customers(rng, n):
    lines = ["customer,age,city"]
    for i in range(n):
        city = CITIES[int(rng.random() * len(CITIES))]
        age = 18 + int(rng.random() * 70)
        if i % 37 == 5:
            age = 212
        if i % 29 == 3:
            city = city.upper() + " "
        lines.append(f"{1000 + i},{age},{city}")
        if i % 41 == 7:
            lines.append(f"{1000 + i},{age},{city}")
    return lines


def products(rng, n):
    lines = ["product,kind,price"]
    for i in range(n):
        price = "" if i % 17 == 4 else f"{5 + rng.random() * 120:.2f}"
        lines.append(f"P{i:03d},{KINDS[i % len(KINDS)]},{price}")
    return lines


def orders(rng, n, n_customers, n_products):
    lines = ["order_id,placed,customer,product,quantity,discount,returned"]
    start = datetime.datetime(2023, 1, 1)
    for i in range(n):
        placed = start + datetime.timedelta(minutes=int(i * 525000 / n) + int(rng.random() * 60))
        product = int(rng.random() * n_products)
        quantity = 1 + int(rng.random() * 4)
        discount = "" if rng.random() < 0.1 else f"{rng.random() * 0.5:.3f}"
        chance = 0.12 + 0.25 * (product % len(KINDS) == 0) + 0.12 * (quantity > 2) + 0.2 * (placed.weekday() > 4)
        returned = "back" if rng.random() < chance else "kept"
        customer = 1000 + int(rng.random() * (n_customers + 3))
        lines.append(f"{i + 1},{placed:%Y-%m-%d %H:%M:%S},{customer},P{product:03d},{quantity},{discount},{returned}")
    return lines


def main():
    folder = pathlib.Path(sys.argv[1])
    rows = int(sys.argv[2]) if len(sys.argv) > 2 else 3000
    rng = random.Random(20231)
    (folder / "data").mkdir(parents=True, exist_ok=True)
    tables = {"customers": customers(rng, 300), "products": products(rng, 60), "orders": orders(rng, rows, 300, 60)}
    for name, lines in tables.items():
        (folder / "data" / f"{name}.csv").write_text("\n".join(lines) + "\n")
    (folder / "tarn.yaml").write_text(PROJECT)


main()
