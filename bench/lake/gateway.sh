#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The S3 gateway beside nginx on the same bytes: GET and PUT of one large object, GET of many of 1 MiB. Prints MB/s of both
# and Tarn's share.    gateway.sh [TARN] [MEGABYTES of the large object]
#
# Needs nginx (with its dav module for PUT), curl with --aws-sigv4, wrk. Both write to the same folder's disk; nginx does not
# sync what it writes, Tarn answers when it is synced.
set -euo pipefail
tarn=$(realpath "${1:-build/tarn}")
mb=${2:-1024}
here=$(mktemp -d "${TMPDIR:-/tmp}/tarn-gateway-XXXXXX")
server= web=
cleanup() {
    [ -z "$server" ] || kill "$server" 2>/dev/null || true
    [ -z "$web" ] || kill "$(cat "$web")" 2>/dev/null || true
    sleep 0.5
    rm -rf "$here"
}
trap cleanup EXIT
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
export TARN_S3_ACCESS_KEY=key TARN_S3_SECRET_KEY=secret
s3=$(free_port) http=$(free_port)

mkdir -p "$here/lake/data" "$here/www/small" "$here/tmp"
head -c "${mb}M" /dev/urandom >"$here/large"
for i in $(seq 32); do head -c 1M /dev/urandom >"$here/www/small/$i"; done
cp "$here/large" "$here/www/large"

cd "$here/lake"
"$tarn" init >/dev/null
printf 'id\n1\n' >data/rows.csv
printf 'project: bench\nproblem: how fast\ningest:\n  rows: {source: file, path: data/rows.csv}\nserve: {s3_anonymous_reads: true}\n' >tarn.yaml
"$tarn" serve --port "$(free_port)" --s3-port "$s3" >../serve.log 2>&1 &
server=$!
cat >"$here/nginx.conf" <<N
worker_processes 2; pid $here/nginx.pid; error_log $here/error.log; events { worker_connections 512; }
http { access_log off; sendfile on; client_max_body_size 0; client_body_temp_path $here/tmp;
  server { listen 127.0.0.1:$http; root $here/www; location / { dav_methods PUT; } } }
N
chmod 777 "$here" "$here/www" "$here/www/small" "$here/tmp"
nginx -c "$here/nginx.conf"
web=$here/nginx.pid
for _ in $(seq 100); do grep -qs "S3 on" ../serve.log && break; sleep 0.1; done

sign() { curl -sf -o /dev/null -w "%{$1}\n" --aws-sigv4 aws:amz:us-east-1:s3 --user key:secret -H 'x-amz-content-sha256: UNSIGNED-PAYLOAD' "${@:2}"; }
plain() { curl -sf -o /dev/null -w "%{$1}\n" "${@:2}"; }
show() { python3 -c 'import sys; n, a, b = sys.argv[1], float(sys.argv[2]) / 1e6, float(sys.argv[3]) / 1e6; print(f"{n:28} tarn {a:8.0f} MB/s   nginx {b:8.0f} MB/s   {a / b:5.2f}")' "$@"; }
best() { for _ in 1 2 3; do "$@"; done | sort -n | tail -n 1; }

for i in $(seq 32); do sign speed_upload -T "$here/www/small/$i" "http://127.0.0.1:$s3/bench/main/small/$i" >/dev/null; done
show "PUT, $mb MiB" "$(sign speed_upload -T "$here/large" "http://127.0.0.1:$s3/bench/main/large")" \
    "$(plain speed_upload -T "$here/large" "http://127.0.0.1:$http/put")"
show "PUT again, the same bytes" "$(sign speed_upload -T "$here/large" "http://127.0.0.1:$s3/bench/main/again")" \
    "$(plain speed_upload -T "$here/large" "http://127.0.0.1:$http/again")"
show "GET, $mb MiB" "$(best plain speed_download "http://127.0.0.1:$s3/bench/main/large")" \
    "$(best plain speed_download "http://127.0.0.1:$http/large")"
cat >"$here/many.lua" <<'L'
local n = 0
request = function() n = n % 32 + 1; return wrk.format("GET", wrk.path .. n) end
L
many() { wrk -t 2 -c 8 -d 5s -s "$here/many.lua" "$1" | python3 -c '
import re, sys
n, unit = re.search(r"Transfer/sec:\s+([0-9.]+)([KMG])B", sys.stdin.read()).groups()
print(float(n) * {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}[unit])'; }
show "GET, 32 of 1 MiB, 8 clients" "$(many "http://127.0.0.1:$s3/bench/main/small/")" "$(many "http://127.0.0.1:$http/small/")"
