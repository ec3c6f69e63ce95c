#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# minio-go's functional tests, all 95 of them, against the gateway over TLS. Fails if a test that is not in s3_minio.expected does not pass, or if one
# that is there does. Arguments as for every script here. Needs golang-go and golang-github-minio-minio-go-v7-dev.
. "$(dirname "$0")/lib.sh"

suite=/usr/share/gocode/src/github.com/minio/minio-go/v7/functional_tests.go
[ -f "$suite" ] || fail "minio-go is not installed: apt-get install golang-go golang-github-minio-minio-go-v7-dev"
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
port=$(free_port)
export TARN_S3_ACCESS_KEY=tarnkey TARN_S3_SECRET_KEY=tarnsecret123 HOME=$scratch
server=
trap '[ -z "$server" ] || kill -9 "$server" 2>/dev/null || true' EXIT

say "build the suite"
GO111MODULE=off GOPATH=/usr/share/gocode go build -o miniofunc "$suite"
mkdir -p lake/data
cd lake
t init
echo id >data/rows.csv
printf 'project: minio\nproblem: old clients\ningest:\n  rows: {source: file, path: data/rows.csv}\nserve: {s3_signature_v2: true}\n' >tarn.yaml
openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 -addext basicConstraints=CA:TRUE \
    -keyout ../key.pem -out ../cert.pem >/dev/null 2>&1 || fail "openssl makes no certificate"
"$tarn" serve --port "$(free_port)" --s3-port "$port" --tls-cert ../cert.pem --tls-key ../key.pem >../serve.out 2>../serve.err </dev/null &
server=$!
wait_for 30 grep -q "S3 on" ../serve.out || fail "the gateway does not start"

say "run it"
SSL_CERT_FILE=$scratch/cert.pem SERVER_ENDPOINT=127.0.0.1:$port ACCESS_KEY=tarnkey SECRET_KEY=tarnsecret123 ENABLE_HTTPS=1 MINT_MODE=full RUN_ON_FAIL=1 ENABLE_KMS=1 \
    timeout 1500 ../miniofunc >../results 2>../suite.err || fail "the suite did not end"
python3 - ../results "$e2e/s3_minio.expected" <<'P' || fail "other results than expected"
import collections, json, sys
got, count = collections.Counter(), collections.Counter()
for line in open(sys.argv[1]):
    j = json.loads(line)
    count[j["status"]] += 1
    if j["status"] != "PASS":
        got[f'{j["status"]} {j.get("name", "")}'.replace("minio-go: ", "")] += 1
want = collections.Counter()
for line in open(sys.argv[2]):
    if line.strip() and not line.startswith("#"):
        status, name, *_ = line.split()
        want[f"{status} {name}"] += 1
print(dict(count))
for name in sorted(set(got) | set(want)):
    if got[name] != want[name]:
        print(f"{name}: {got[name]} times, expected {want[name]}")
sys.exit(got != want)
P
kill -TERM "$server"
wait "$server" || fail "the server ended badly"
server=
t lake fsck
says clean
say "all well"
