#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What changed inside tables: rows that came, went and changed, by the declared key or by --key; and what is said where
# there is no key, or none that names rows.
. "$(dirname "$0")/lib.sh"

shop "$scratch/shop" 300
t ingest
first=$(head_of main)

# edit FILE PYTHON: rows is the list of the file's rows (head first), at(name) a column's place.
edit() {
    python3 - "$1" "$2" <<'PY'
import csv, sys
rows = list(csv.reader(open(sys.argv[1], newline="")))
at = rows[0].index
exec(sys.argv[2])
csv.writer(open(sys.argv[1], "w", newline=""), lineterminator="\n").writerows(rows)
PY
}

say "rows that came, went and changed, by the key that the project declares"
edit data/orders.csv 'rows[5][at("quantity")] = "9"; rows[9][at("discount")] = ""; rows[9][at("returned")] = "back"; del rows[20]
rows.append(["900000"] + rows[7][1:])'
t ingest
t lake diff main~1 main orders --rows
says "~ orders.parquet  by order_id" "4 -> 9" "-> null" "1 added, 1 removed, 2 changed, 297 unchanged" \
    "column quantity: 1 cell changed" "column discount: 1 cell changed"
grep -qE '^~ +5 .*4 -> 9' "$out" || fail "the changed row is not in a line of its own"
grep -qE '^\+ +900000 ' "$out" || fail "the added row is not there"
grep -qE '^- +20 ' "$out" || fail "the removed row is not there"
same "$(grep -cE '^[-+~] ' "$out")" 5 "lines with a mark (the table's and four rows)"

say "the same as JSON: values with their types, both sides of what changed"
t lake diff main~1 main orders.parquet --rows --json
that 'len(j["tables"]) == 1 and j["tables"][0]["path"] == "orders.parquet" and j["tables"][0]["key"] == "order_id"'
that '[j["tables"][0][k] for k in ("added", "removed", "changed", "unchanged")] == [1, 1, 2, 297]'
that '[r["key"]["order_id"] for r in j["tables"][0]["rows"]] == [5, 9, 20, 900000]'
that 'j["tables"][0]["rows"][0] == {"change": "changed", "key": {"order_id": 5}, "cells": [{"column": "quantity", "before": 4, "after": 9}]}'
that 'j["tables"][0]["rows"][1]["cells"][0]["column"] == "discount" and j["tables"][0]["rows"][1]["cells"][0]["after"] is None'
that '"after" not in j["tables"][0]["rows"][2]["cells"][0] and len(j["tables"][0]["rows"][2]["cells"]) == 6'
that '{c["name"]: c["changed"] for c in j["tables"][0]["columns"]}["quantity"] == 1'

say "only counts; all tables; a limit"
t lake diff main~1 main --stat
says "~ orders.parquet  by order_id" "1 added, 1 removed, 2 changed, 297 unchanged"
silent_on "4 -> 9"
t lake diff main~1 main --rows --limit 1
says "4 -> 9" "... 1 of 4; --limit shows more"
silent_on "900000"
t lake diff "$first" main --stat --json
that '"rows" not in j["tables"][0] and j["tables"][0]["changed"] == 2'
t lake diff main main --rows
says "no table differs between main and main"
t lake diff main~1 main products --rows
says "products is the same in main~1 and main"
expect 66 "$tarn" lake diff main~1 main nothing --rows
says "no table that starts with 'nothing' differs between main~1 and main"
t lake diff main~1 main
says "~ orders.parquet" "0 added, 0 removed, 3 changed"

say "a table without a key: named, it is an error with the remedy; among others, it is told in its place"
edit data/customers.csv 'del rows[4]'
edit data/orders.csv 'rows[3][at("quantity")] = "7"'
t ingest
expect 65 "$tarn" lake diff main~1 main customers --rows
says "customers.parquet: no key is declared" "give --key COLUMNS, or declare tables: customers: key: COLUMNS in tarn.yaml"
t lake diff main~1 main --rows
says "~ customers.parquet" "no key is declared" "~ orders.parquet  by order_id" "-> 7"
t lake diff main~1 main --stat --json
that '[t.get("error", "")[:17] for t in j["tables"]] == ["customers.parquet", ""]'
sed -i 's/^tables:$/tables:\n  dead: 1/' tarn.yaml # a project with mistakes declares nothing
expect 65 "$tarn" lake diff main~1 main orders --rows
says "orders.parquet: no key is declared"
t lake diff main~1 main orders --rows --key order_id
says "-> 7" "0 added, 0 removed, 1 changed"
sed -i '/^  dead: 1$/d' tarn.yaml

say "keys that do not name rows"
expect 65 "$tarn" lake diff main~1 main orders --rows --key product
says "orders.parquet: before: key product P" "have more than one row"
expect 65 "$tarn" lake diff main~1 main orders --rows --key order
says "has no column 'order' for its key"
expect 65 "$tarn" lake diff main~1 main orders --stat --key ,
says "a key is needed"
expect 65 "$tarn" lake diff main~2 main orders --rows --key discount
says "before: the key (discount) is missing in 35 rows, first in row 8"

say "tables that came and went, columns that came, went and got another type"
mkdir "$scratch/schema" && cd "$scratch/schema"
cat >tarn.yaml <<'Y'
project: schema
problem: How do tables change?
ingest:
  things: {source: file, path: things.csv}
tables:
  things: {key: "id, part"}
Y
printf 'id,part,name,size\n1,x,a,10\n1,y,b,20\n2,x,"two\nlines",30\n' >things.csv
t ingest
printf 'id,part,size,colour\n1,x,10.5,red\n1,y,20,blue\n2,x,30,\n' >things.csv
t ingest
t lake diff main~1 main things --rows
says "~ things.parquet  by id,part" "column size: BIGINT -> DOUBLE" "column name: removed, was VARCHAR" \
    "column colour: added, VARCHAR" "10 -> 10.5" "0 added, 0 removed, 1 changed, 2 unchanged"
t lake branch without main
t lake rm things.parquet
t lake diff --rows
says "- things.parquet  by id,part" "0 added, 3 removed, 0 changed, 0 unchanged"
t lake commit --message 'no things'
t lake diff without main things --stat
says "- things.parquet" "3 removed"
t lake diff main without --rows
says "+ things.parquet" "3 added"

say "a cell cannot write on the terminal"
printf 'id,part,name\n5,x,"\033[31mred\nnext"\n' >things.csv
t ingest
t lake diff main~2 main things --rows
silent_on $'\033'
says '?[31mred\nnext' "1 added, 3 removed"

say "a hundred thousand changed rows come as they are asked for"
cat >tarn.yaml <<'Y'
project: many
problem: How long does it take?
ingest:
  many: {source: file, path: many.csv}
tables:
  many: {key: id}
Y
seq -f '%.0f,1,same' 100000 | sed '1i id,x,y' >many.csv
t ingest
seq -f '%.0f,2,same' 100000 | sed '1i id,x,y' >many.csv
t ingest
t lake diff main~1 main many --rows --limit 100000
same "$(grep -c '1 -> 2' "$out")" 100000 "rows"
says "0 added, 0 removed, 100,000 changed, 0 unchanged"

say "CSV files are compared as the texts that stand in them; what is no table is told"
mkdir "$scratch/csv" && cd "$scratch/csv"
t init
rm tarn.yaml
printf 'id,name,v\n1,ann,1.50\n2,ben,2\n3,"cy, ""c""",\n' >a.csv
printf '\xff\xfe\x00' >b.parquet
echo 1 >bin
t lake put a.csv b.parquet bin && t lake commit -m one
printf 'id,name,v\n1,ann,1.5\n3,"cy, ""c""",7\n4,dan,4\n' >a.csv
printf '\xff\xfe\x01' >b.parquet
echo 2 >bin
t lake put a.csv b.parquet bin && t lake commit -m two
t lake diff main~1 main a.csv --rows --key id
says "~ a.csv  by id" "1.50 -> 1.5" "null -> 7" "1 added, 1 removed, 2 changed, 0 unchanged"
t lake diff main~1 main a.csv --stat --key id,ID
says "1 added, 1 removed, 2 changed, 0 unchanged"
expect 65 "$tarn" lake diff main~1 main a.csv --rows
says "a.csv: its rows cannot be compared without a key; give --key COLUMNS"
expect 65 "$tarn" lake diff main~1 main b --rows --key id
says "b.parquet: before: the content is no Parquet table, whatever the path says"
expect 65 "$tarn" lake diff main~1 main bin --rows --key id
says "'bin' differs, but is no table"
