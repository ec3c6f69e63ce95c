#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Tables of the lake read as Parquet through the gateway, by a reader that is not ours and asks for ranges: of the branch,
# and of the commit before. Debian has no Parquet reader for Python that could be asked; this one is hyparquet, in
# JavaScript, with URLs that boto3 signed.
. "$(dirname "$0")/lib.sh"

unset AWS_CA_BUNDLE
hyparquet=$root/setup/emu/node_modules/hyparquet
[ -d "$hyparquet" ] || fail "hyparquet is not installed: setup/setup.sh test"
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
port=$(free_port)
export TARN_S3_ACCESS_KEY=tarnkey TARN_S3_SECRET_KEY=tarnsecret123
server=
trap '[ -z "$server" ] || kill -9 "$server" 2>/dev/null || true' EXIT

shop "$scratch/shop" 30000
t ingest
first=$(head_of main)
sed -i "2s|^\([0-9]*\),|900000,|" data/orders.csv
t ingest
"$tarn" serve --port "$(free_port)" --s3-port "$port" >"$scratch/serve.out" 2>"$scratch/serve.err" </dev/null &
server=$!
wait_for 30 grep -q "S3 on" "$scratch/serve.out" || fail "the gateway does not start"
bucket=$(python3 - "$port" <<'P'
import boto3, sys
from botocore.client import Config
s3 = boto3.client("s3", endpoint_url=f"http://127.0.0.1:{sys.argv[1]}", region_name="us-east-1", aws_access_key_id="tarnkey",
                  aws_secret_access_key="tarnsecret123", config=Config(signature_version="s3v4", s3={"addressing_style": "path"}))
print(s3.list_buckets()["Buckets"][0]["Name"])
P
)
sign() { python3 - "$port" "$bucket" "$1" <<'P'
import boto3, sys
from botocore.client import Config
s3 = boto3.client("s3", endpoint_url=f"http://127.0.0.1:{sys.argv[1]}", region_name="us-east-1", aws_access_key_id="tarnkey",
                  aws_secret_access_key="tarnsecret123", config=Config(signature_version="s3v4", s3={"addressing_style": "path"}))
print(s3.generate_presigned_url("get_object", {"Bucket": sys.argv[2], "Key": sys.argv[3]}, ExpiresIn=300))
P
}
read_rows() { expect 0 node "$e2e/s3_parquet.mjs" "$hyparquet" "$(sign "$1")" "${@:2}"; }

say "all rows of the branch are those of the file that was taken in"
read_rows main/orders.parquet
python3 - data/orders.csv "$out" <<'P' || fail "other rows than in the file"
import csv, json, sys
want, got = list(csv.DictReader(open(sys.argv[1], newline=""))), json.load(open(sys.argv[2]))
assert len(want) == len(got) > 2000, (len(want), len(got))
by = {r["order_id"]: r for r in got}
for w in want:
    g = by[int(w["order_id"])]
    assert set(g) == set(w), (set(g), set(w))
    assert g["quantity"] == int(w["quantity"]), (w, g)
    assert (g["discount"] is None) == (w["discount"] == ""), (w, g)
    assert w["discount"] == "" or abs(g["discount"] - float(w["discount"])) < 1e-9, (w, g)
P

say "one column, by ranges: most of the file is not asked for"
read_rows main/orders.parquet order_id
that 'set(j[0]) == {"order_id"} and len(j) > 2000'
python3 -c 'import re, sys; n, got, all = map(int, re.findall(r"\d+", open(sys.argv[1]).read())); assert n >= 2 and got < all / 2, (n, got, all)' "$err" ||
    fail "more than half of the file was read for one column: $(cat "$err")"
cat "$err"

say "the commit before has what was there before"
read_rows main/orders.parquet order_id
cp "$out" now
read_rows "$first/orders.parquet" order_id
python3 -c 'import json, sys; a, b = ({r["order_id"] for r in json.load(open(f))} for f in sys.argv[1:]); assert len(a - b) == len(b - a) == 1 and a - b == {900000}, (a - b, b - a)' now "$out" ||
    fail "the two versions do not differ by one row"
kill -TERM "$server"
wait "$server" || fail "the server ended badly"
server=
say "all well"
