#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""versions.py FOLDER ROWS VERSIONS - versions v1.csv .. of a table, the same on every machine.

Each version changes one row in a thousand somewhere, deletes 50 rows in one place, inserts 100 in another, and appends
one row for two hundred. 660,000 rows are 30 MB."""
import random
import sys

folder, rows, versions = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
rng = random.Random(7)
cities = ["Oslo", "Lima", "Cairo", "Quito", "Perth", "Turin", "Osaka", "Delhi"]
made = 0


def row():
    global made
    made += 1
    word = "".join(rng.choices("abcdefghij", k=8))
    day = "2026-%02d-%02d" % (rng.randrange(1, 13), rng.randrange(1, 29))
    return "%d,%s,%d,%.2f,%s,%s\n" % (made, rng.choice(cities), rng.randrange(100000), rng.random() * 1000, word, day)


table = [row() for _ in range(rows)]
for version in range(1, versions + 1):
    if version > 1:
        for _ in range(rows // 1000):
            at = rng.randrange(len(table))
            cells = table[at].split(",")
            cells[2] = str(rng.randrange(100000))
            table[at] = ",".join(cells)
        at = rng.randrange(len(table) - 50)
        del table[at:at + 50]
        at = rng.randrange(len(table))
        table[at:at] = [row() for _ in range(100)]
        table.extend(row() for _ in range(rows // 200))
    with open("%s/v%d.csv" % (folder, version), "w") as f:
        f.writelines(table)
