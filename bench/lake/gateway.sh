#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The S3 gateway beside nginx on the same files: GET and PUT of objects of 4 KiB, 1 MiB and 100 MiB with 1 and 8 clients.
#     gateway.sh [TARN] [ROUNDS] [REGEX of the rows wanted]
#
# Needs nginx (with its dav module for PUT), curl with --aws-sigv4, wrk. What is measured, and how: gateway.py.
# Both write to the same disk; nginx does not sync what it writes and computes no sum, Tarn answers when it is synced.
set -euo pipefail
tarn=$(realpath "${1:-build/tarn}")
rounds=${2:-5}
py=$(realpath "$(dirname "$0")/gateway.py")
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

mkdir -p "$here/lake/data" "$here/www" "$here/tmp"
cd "$here/lake"
"$tarn" init >/dev/null
printf 'id\n1\n' >data/rows.csv
printf 'project: bench\nproblem: how fast\ningest:\n  rows: {source: file, path: data/rows.csv}\nserve: {s3_anonymous_reads: true, s3_commit_after_s: 0}\n' >tarn.yaml
"$tarn" serve --port "$(free_port)" --s3-port "$s3" >../serve.log 2>&1 &
server=$!
cat >"$here/nginx.conf" <<N
worker_processes 2; pid $here/nginx.pid; error_log $here/error.log; events { worker_connections 512; }
http { access_log off; sendfile on; client_max_body_size 0; client_body_temp_path $here/tmp; keepalive_requests 1000000;
  server { listen 127.0.0.1:$http; root $here/www; location / { dav_methods PUT; create_full_put_path on; } } }
N
chmod 777 "$here" "$here/www" "$here/tmp"
nginx -c "$here/nginx.conf"
web=$here/nginx.pid
for _ in $(seq 100); do grep -qs "S3 on" ../serve.log && break; sleep 0.1; done
python3 "$py" "$here" "$server" "$s3" "$(cat "$web")" "$http" "$rounds" "${3:-.}"
