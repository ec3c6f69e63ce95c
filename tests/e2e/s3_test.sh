#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The S3 gateway as its clients use it: boto3, aws, s3cmd, rclone, curl; commits, old commits, tags; hostile requests.
. "$(dirname "$0")/lib.sh"

unset AWS_CA_BUNDLE
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
port=$(free_port)
export TARN_S3_ACCESS_KEY=tarnkey TARN_S3_SECRET_KEY=tarnsecret123
export AWS_ACCESS_KEY_ID=tarnkey AWS_SECRET_ACCESS_KEY=tarnsecret123 AWS_DEFAULT_REGION=us-east-1 AWS_EC2_METADATA_DISABLED=true
export HOME=$scratch
server=
trap 'touch "$scratch/enough"; [ -z "$server" ] || kill -9 "$server" 2>/dev/null || true' EXIT
start() {
    rm -f "$scratch/serve.out"
    "$tarn" serve --port "$(free_port)" --s3-port "$port" "$@" >"$scratch/serve.out" 2>"$scratch/serve.err" </dev/null &
    server=$!
    wait_for 30 grep -q "S3 on" "$scratch/serve.out" || { cat "$scratch/serve.err" >&2; fail "the gateway does not start"; }
}
stop() {
    kill -"$1" "$server"
    local got=0
    wait "$server" || got=$?
    server=
    [ "$1" = KILL ] || same "$got" 0 "exit status of the server"
}
check() { python3 "$e2e/s3_check.py" "$1" "$port" lake-of-shop >"$out" 2>"$err" || fail "$1: $(tail -n 1 "$err")"; }
s3() { expect 0 aws --endpoint-url "http://127.0.0.1:$port" s3 "$@" --only-show-errors; }
url=http://127.0.0.1:$port/lake-of-shop
get() { curl -sf --aws-sigv4 aws:amz:us-east-1:s3 --user tarnkey:tarnsecret123 -H 'x-amz-content-sha256: UNSIGNED-PAYLOAD' "$@"; }

mkdir "lake of shop"
cd "lake of shop"
t init
rm tarn.yaml
start

say "boto3: objects, listings, parts, signed URLs, versions"
for part in objects listing multipart presigned versions; do check "$part"; done
say "hostile requests: refused, alive, nothing left"
check hostile
check objects

say "an upload that is under way outlives a garbage collection"
check half
t lake gc --grace 0
check rest
t lake fsck
says clean

say "parts, while garbage is collected without grace all the time"
(for _ in $(seq 400); do [ ! -e "$scratch/enough" ] || break; "$tarn" lake gc --grace 0 || true; done) >/dev/null 2>&1 &
sweeper=$!
check swept
touch "$scratch/enough"
wait "$sweeper"
says uploads
t lake fsck
says clean

say "object lock: retention, legal holds, and the holds of the lake that they are"
check locks
t lake hold list --json
says compliance legal " versions/complied/" " versions/held2/" "S3 object lock"
silent_on " versions/governed/"
silent_on " versions/held/"
wait_for 20 sh -c "'$tarn' lake branch | grep -q s3/locked-bucket" || fail "the locked bucket was not committed"
expect 77 "$tarn" lake branch --remove s3/locked-bucket
expect 0 "$tarn" lake gc --grace 0

say "what is read often is sent from a plain copy, which ends with the server"
check trickle
find .tarn/cache/objects -name '*.s3' | grep -q . || fail "no copy was made"

say "nobody writes the branch of the audit log"
t audit verify --anchor
check anchors

say "curl: put, commit, read at the commit and at a tag"
head -c 300000 /dev/urandom >one
get -T one "$url/main/c/one" || fail "curl cannot put"
get -X POST -d "by curl" "$url/main?commit=" >"$out" || fail "curl cannot commit"
commit=$(sed -n 's/.*<Commit>\(.*\)<\/Commit>.*/\1/p' "$out")
same "$(head_of main)" "$commit" "head of main"
t lake tag v1 main
get -T "$scratch/.err" "$url/main/c/one" || fail "curl cannot put again"
get "$url/$commit/c/one" | cmp - one || fail "the old commit has other bytes"
get "$url/v1/c/one" | cmp - one || fail "the tag has other bytes"
get "$url/main/c/one?versionId=$commit" | cmp - one || fail "versionId has other bytes"
for ref in v1 "$commit"; do
    same "$(curl -s -o "$out" -w '%{http_code}' --aws-sigv4 aws:amz:us-east-1:s3 --user tarnkey:tarnsecret123 \
        -H 'x-amz-content-sha256: UNSIGNED-PAYLOAD' -T one "$url/$ref/c/one")" 405 "status of a write to $ref"
    says MethodNotAllowed never
done
same "$(curl -s -o "$out" -w '%{http_code}' "$url/main/c/one")" 403 "status of an anonymous read"

say "aws: copy, sync, move, parts, remove"
mkdir -p d/e
for i in 1 2 3; do echo "file $i" >"d/e/$i.txt"; done
head -c 20000000 /dev/urandom >d/big
s3 sync d s3://lake-of-shop/main/aws
s3 cp s3://lake-of-shop/main/aws/big big && cmp big d/big || fail "aws: other bytes"
s3 mv s3://lake-of-shop/main/aws/e/1.txt s3://lake-of-shop/main/aws/e/moved.txt
s3 rm s3://lake-of-shop/main/aws/e/2.txt
expect 0 aws --endpoint-url "http://127.0.0.1:$port" s3 ls --recursive s3://lake-of-shop/main/aws/
says main/aws/big main/aws/e/moved.txt
silent_on 2.txt

say "rclone: sync both ways, check"
export RCLONE_CONFIG_LK_TYPE=s3 RCLONE_CONFIG_LK_PROVIDER=Other RCLONE_CONFIG_LK_ENV_AUTH=true RCLONE_CONFIG_LK_REGION=us-east-1
export RCLONE_CONFIG_LK_ENDPOINT=http://127.0.0.1:$port RCLONE_CONFIG_LK_FORCE_PATH_STYLE=true
expect 0 rclone sync d LK:lake-of-shop/main/rclone
expect 0 rclone check d LK:lake-of-shop/main/rclone
expect 0 rclone sync LK:lake-of-shop/main/rclone back
diff -r d back || fail "rclone: other bytes"
expect 0 rclone mkdir LK:rclone-bucket
expect 0 rclone copy d LK:rclone-bucket/x
expect 0 rclone purge LK:rclone-bucket

say "s3cmd: sync, list, get, copy, delete"
printf '[default]\naccess_key = tarnkey\nsecret_key = tarnsecret123\nhost_base = 127.0.0.1:%s\nhost_bucket = 127.0.0.1:%s/%%(bucket)\nuse_https = False\n' "$port" "$port" >s3cfg
expect 0 s3cmd -c s3cfg sync d/ s3://lake-of-shop/main/s3cmd/
expect 0 s3cmd -c s3cfg ls -r s3://lake-of-shop/main/s3cmd/
says s3cmd/big s3cmd/e/3.txt
expect 0 s3cmd -c s3cfg get --force s3://lake-of-shop/main/s3cmd/big got
cmp got d/big || fail "s3cmd: other bytes"
expect 0 s3cmd -c s3cfg cp s3://lake-of-shop/main/s3cmd/e/3.txt s3://lake-of-shop/main/s3cmd/copy
expect 0 s3cmd -c s3cfg info s3://lake-of-shop/main/s3cmd/copy
expect 0 s3cmd -c s3cfg del --recursive --force s3://lake-of-shop/main/s3cmd/e

say "quiet for five seconds: committed, with counts"
wait_for 20 sh -c "'$tarn' lake ls main --all | grep -q s3cmd/copy" || fail "nothing was committed"
t lake log main --limit 1
says "S3: "
t lake ls main --all
says aws/big rclone/e/3.txt s3cmd/copy

say "kill -9: what was acknowledged is there; a graceful stop commits the rest"
get -T one "$url/main/after" || fail "curl cannot put"
stop KILL 2>/dev/null
start
get "$url/main/after" | cmp - one || fail "an acknowledged write is lost"
get -T one "$url/main/last" || fail "curl cannot put"
stop TERM
t lake ls main --all
says after last
t lake fsck
says clean

say "TLS: the server's certificate is the gateway's, too"
openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1 \
    -keyout key.pem -out cert.pem >/dev/null 2>&1 || fail "openssl makes no certificate"
start --tls-cert cert.pem --tls-key key.pem
get --cacert cert.pem -T one "https://127.0.0.1:$port/lake-of-shop/main/tls" || fail "curl cannot put over TLS"
get --cacert cert.pem "https://127.0.0.1:$port/lake-of-shop/main/tls" | cmp - one || fail "TLS: other bytes"
if get "$url/main/tls" >/dev/null; then fail "plain HTTP is answered beside TLS"; fi

say "a user's key: an own staging area, a commit that the audit log gives to that user"
printf 'correct horse\n' | "$tarn" user add ann --role admin >"$out" 2>"$err" || fail "user add"
t key create ann --json
key=$(python3 -c 'import json, sys; k = json.load(sys.stdin); print(k["id"] + ":" + k["secret"])' <"$out")
ann() { curl -sf --cacert cert.pem --aws-sigv4 aws:amz:us-east-1:s3 --user "$key" -H 'x-amz-content-sha256: UNSIGNED-PAYLOAD' "$@"; }
tls=https://127.0.0.1:$port/lake-of-shop/main
ann -T one "$tls/anns" || fail "ann cannot put"
ann "$tls/anns" | cmp - one || fail "ann does not see what she wrote"
if get --cacert cert.pem "$tls/anns" >/dev/null; then fail "somebody else sees what ann has not committed"; fi
ann -X POST -d "by ann" "$tls?commit=" >/dev/null || fail "ann cannot commit"
get --cacert cert.pem "$tls/anns" | cmp - one || fail "a commit is not seen by others"

say "a maintainer sets locks, and passes over none"
printf 'correct horse\n' | "$tarn" user add bob --role maintainer >"$out" 2>"$err" || fail "user add"
t key create bob --json
bobs=$(python3 -c 'import json, sys; k = json.load(sys.stdin); print(k["id"], k["secret"])' <"$out")
stop TERM
start
AWS_ACCESS_KEY_ID=${bobs% *} AWS_SECRET_ACCESS_KEY=${bobs#* } check bypass
stop TERM
t audit log --who ann --action commit --json
says user:ann '"action": "commit"' '"from": "127.0.0.1"' '"result": "ok"'

say "more requests at a time than allowed: 503 SlowDown, and clients that come again are served"
printf 'id\n1\n' >rows.csv
printf 'project: slow\nproblem: s\ningest:\n  rows: {source: file, path: rows.csv}\nserve: {s3_bucket: lake-of-shop, s3_most_requests: 2}\n' >tarn.yaml
start
check slow
stop TERM
say "all well"
