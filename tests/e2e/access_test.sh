# SPDX-License-Identifier: Apache-2.0
# Users, tokens, roles, the audit log and TLS as a person meets them: a real server, curl, and somebody who changes the log.
. "$(dirname "$0")/lib.sh"

server=
trap '[ -z "$server" ] || kill -9 "$server" 2>/dev/null || true' EXIT
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
up() {
    port=$(free_port)
    rm -f serve.out
    "$tarn" serve --port "$port" "$@" >serve.out 2>serve.err </dev/null &
    server=$!
    wait_for 30 grep -qs "Serving on" serve.out || { cat serve.err >&2; fail "the server does not start"; }
}
down() {
    local got=0
    kill -INT "$server"
    wait "$server" || got=$?
    server=
    same "$got" 0 "exit status of the server"
}
# asks STATUS CURL-ARGUMENTS...: the status of the reply; its body is what was said.
asks() {
    local want=$1 got
    shift
    got=$(curl -s -o "$out" -w '%{http_code}' "${ca[@]}" "$@") || fail "curl $* ended with $?"
    : >"$err"
    [ "$got" = "$want" ] || fail "curl $*: $got, expected $want"
}
ca=()
pass() { printf '%s\n' "$1"; }

t init --json
echo "a;b" >x.csv
t lake put x.csv
t lake commit --message first

say "users, with passwords that come from standard input and are never shown"
pass "correct horse" | "$tarn" user add ann --role reader >"$out" 2>"$err" || fail "user add"
says "added user ann, role reader"
silent_on "correct horse"
pass "battery staple" | "$tarn" user add root --role admin >"$out" 2>"$err" || fail "user add"
pass "short" | "$tarn" user add eve >"$out" 2>"$err" && fail "a short password was taken"
says "expected 8 to 1024"
expect 65 "$tarn" user add eve
says "nothing was given"
pass "correct horse" | "$tarn" user add ann >"$out" 2>"$err" && fail "a user was added twice"
says "there is a user 'ann' already"
t user list --json
that '[u["name"] for u in j["users"]] == ["ann", "root"] and all(u["enabled"] for u in j["users"])'
if grep -rqaF "correct horse" .tarn; then fail "a password stands on the disk"; fi

say "tokens and keys are shown once"
t token create ann --note ci --json
token=$(get 'j["token"]') token_id=$(get 'j["id"]')
t token create ann --expires 15m --role reader --json
t token list --json
that 'len(j["tokens"]) == 2 and j["tokens"][0]["user"] == "ann"'
silent_on "$token"
t key create ann --json
secret=$(get 'j["secret"]') key_id=$(get 'j["id"]')
same "${#secret}" 40 "length of a secret key"
same "$(stat -c %a .tarn/server.key)" 600 "mode of the server's key"
t key list
silent_on "$secret"
if grep -rqaF -e "$secret" -e "$token" .tarn; then fail "a secret stands on the disk"; fi
expect 64 "$tarn" token create ann --expires soon
expect 66 "$tarn" token create nobody

say "on this machine anonymous reading is open, and nothing else"
up
asks 200 "http://127.0.0.1:$port/api/lake/log"
asks 200 "http://127.0.0.1:$port/metrics"
says 'tarn_denied_total{reason="no credential"} 0'
asks 401 -u ann:wrong "http://127.0.0.1:$port/api/lake/log"
down

say "without anonymous reading a credential is needed"
up --anonymous none
asks 401 "http://127.0.0.1:$port/api/lake/log"
says "needs a credential"
asks 401 -X POST -H 'Content-Type: application/json' -d '{}' "http://127.0.0.1:$port/serve/m"
asks 200 "http://127.0.0.1:$port/v2/health/live"
asks 200 "http://127.0.0.1:$port/"
says 'action="/login"'
asks 200 -H "Authorization: Bearer $token" "http://127.0.0.1:$port/api/lake/log"
asks 200 -u "ann:$token" "http://127.0.0.1:$port/api/lake/log"
asks 401 -u "root:$token" "http://127.0.0.1:$port/api/lake/log"
asks 200 -u "ann:correct horse" "http://127.0.0.1:$port/api/lake/log"
asks 401 -H "Authorization: Bearer ${token}x" "http://127.0.0.1:$port/api/lake/log"
asks 401 -H "Authorization: Nonsense" "http://127.0.0.1:$port/v2"

say "a revoked token, a disabled user and an ended token are refused from the next request on"
t token revoke "$token_id"
asks 401 -H "Authorization: Bearer $token" "http://127.0.0.1:$port/api/lake/log"
t user disable ann
asks 401 -u "ann:correct horse" "http://127.0.0.1:$port/api/lake/log"
t user enable ann
asks 200 -u "ann:correct horse" "http://127.0.0.1:$port/api/lake/log"
t token create ann --expires "$(date -u -d '+2 seconds' +%Y-%m-%dT%H:%M:%S)" --json
ending=$(get 'j["token"]')
asks 200 -H "Authorization: Bearer $ending" "http://127.0.0.1:$port/api/lake/log"
ended() { [ "$(curl -s -o /dev/null -w '%{http_code}' -H "Authorization: Bearer $ending" "http://127.0.0.1:$port/api/lake/log")" = 401 ]; }
wait_for 10 ended || fail "the token does not end"

say "roles limit, denies win, and a refusal says who can help"
pass "only models" | "$tarn" user add mo >"$out" 2>"$err" || fail "user add"
t grant mo reader --model 'churn*'
asks 403 -u "mo:only models" "http://127.0.0.1:$port/api/lake/log"
says "it needs the role reader, which" "tarn grant mo reader --branch main" "ask root"
asks 404 -u "mo:only models" "http://127.0.0.1:$port/v2/models/churn"
asks 403 -u "mo:only models" "http://127.0.0.1:$port/v2/models/other"
t grant mo reader
asks 200 -u "mo:only models" "http://127.0.0.1:$port/api/lake/log"
t grant '*' reader --branch main --deny
asks 403 -u "mo:only models" "http://127.0.0.1:$port/api/lake/log"
says "a deny of reader"
head=$(head_of main)
asks 403 -u "mo:only models" "http://127.0.0.1:$port/api/lake/log?ref=$head"
t revoke '*' reader --branch main --deny
asks 200 -u "mo:only models" "http://127.0.0.1:$port/api/lake/log"
expect 66 "$tarn" revoke '*' reader --branch main --deny
expect 65 "$tarn" grant mo boss

say "the page logs in with a form"
asks 303 -c jar --data-urlencode user=ann --data-urlencode "password=correct horse" "http://127.0.0.1:$port/login"
grep -q HttpOnly jar || fail "the cookie is not HttpOnly"
asks 200 -b jar "http://127.0.0.1:$port/api/lake/log"
asks 403 -b jar -X POST -d 'x=1' "http://127.0.0.1:$port/serve/m"
asks 303 -b jar -X POST "http://127.0.0.1:$port/logout"
asks 401 -b jar "http://127.0.0.1:$port/api/lake/log"

say "wrong passwords make the next one wait, tokens still work"
for i in 1 2 3 4 5; do asks 401 -u "ann:wrong $i" "http://127.0.0.1:$port/v2"; done
asks 429 -u "ann:correct horse" "http://127.0.0.1:$port/v2"
says "try again in"
t token create ann --json
token=$(get 'j["token"]')
asks 200 -H "Authorization: Bearer $token" "http://127.0.0.1:$port/api/lake/log"
again() { [ "$(curl -s -o /dev/null -w '%{http_code}' -u "ann:correct horse" "http://127.0.0.1:$port/v2")" = 200 ]; }
wait_for 10 again || fail "the address waits for ever"
down

say "TLS: a certificate of our own, TLS 1.2 and later, and the browser is told to stay with it"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=localhost \
    -addext 'subjectAltName=DNS:localhost,IP:127.0.0.1' 2>/dev/null
up --anonymous none --tls-cert cert.pem --tls-key key.pem
grep -q "https://127.0.0.1:$port/" serve.out || fail "the address is not told"
ca=(--cacert cert.pem)
asks 200 -D heads -H "Authorization: Bearer $token" "https://localhost:$port/api/lake/log"
grep -qi "^Strict-Transport-Security: max-age=" heads || fail "no HSTS"
asks 200 --tlsv1.3 "https://127.0.0.1:$port/v2"
asks 200 --tlsv1.2 --tls-max 1.2 "https://127.0.0.1:$port/v2"
curl -s --tls-max 1.1 --ciphers 'DEFAULT:@SECLEVEL=0' --cacert cert.pem "https://localhost:$port/v2" >"$out" && fail "TLS 1.1 was spoken"
curl -s "http://localhost:$port/v2" >"$out" && fail "plain HTTP was answered"
curl -s "https://localhost:$port/v2" >"$out" && fail "an unknown certificate was trusted"
asks 303 -c jar --data-urlencode user=ann --data-urlencode "password=correct horse" "https://localhost:$port/login"
grep -qP '\tTRUE\t\d+\ttarn_session' jar || fail "the cookie is not for TLS alone"
down
ca=()
expect 65 "$tarn" serve --port "$(free_port)" --tls-cert x.csv --tls-key key.pem
expect 64 "$tarn" serve --port "$(free_port)" --tls-cert cert.pem

say "on an address that others reach, there must be a user first"
mkdir empty
expect 0 "$tarn" init --folder empty
expect 77 "$tarn" serve --folder empty --bind 0.0.0.0 --port "$(free_port)"
says "tarn user add"
up --bind 0.0.0.0
grep -q "others can reach port $port, which speaks no TLS" serve.err || fail "nothing is said of plain HTTP"
down
up --bind 0.0.0.0 --tls-cert cert.pem --tls-key key.pem
[ ! -s serve.err ] || fail "TLS does not do: $(cat serve.err)"
down

say "the audit log tells all of it"
t audit log --json
that 'any(r["action"] == "user.add" and r["target"] == "ann" and r["who"].startswith("local:") for r in j["records"])'
that 'any(r["action"] == "login" and r["result"] == "denied" and r["target"] == "ann" and r["from"] == "127.0.0.1" for r in j["records"])'
that 'any(r["action"] == "object.read" and r["result"] == "denied" and r["who"] == "user:mo" for r in j["records"])'
silent_on "wrong 1"
t audit log --result denied --who mo
says "denied"
silent_on "local:"
t audit log --action user. --json
that 'len(j["records"]) == 5'
t audit log --most 1 --json
that 'len(j["records"]) == 1'
t audit verify --anchor
says "all as they were written"
t audit verify --json
that 'j["anchors"] == 1 and j["bad"] is None'

say "whoever changes the log is found, and the record named"
sqlite() { python3 -c 'import sqlite3, sys; d = sqlite3.connect(".tarn/meta.db"); d.execute(sys.argv[1]); d.commit()' "$1"; }
cp -r .tarn whole
back() { rm -rf .tarn && cp -r whole .tarn; }
sqlite "UPDATE audit SET record = replace(record, 'ok', 'no') WHERE seq = 4"
expect 70 "$tarn" audit verify
says "audit record 4: the record does not match its hash"
back
sqlite "DELETE FROM audit WHERE seq = 7"
expect 70 "$tarn" audit verify
says "audit record 7: record 7 is missing"
back
sqlite "DELETE FROM audit WHERE seq >= 9"
expect 70 "$tarn" audit verify
says "the log ends at record 8"
back
t audit verify
sqlite "UPDATE access SET value = replace(value, 'reader', 'admin') WHERE kind = 'grant'"
expect 70 "$tarn" lake fsck
says "a row of table 'access' does not match its checksum"
echo "access: all well"
