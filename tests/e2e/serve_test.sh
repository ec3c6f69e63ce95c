#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The server: both protocols, the page's API, metrics, hostile requests, kill -9, a moved alias, a graceful stop.
. "$(dirname "$0")/lib.sh"

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
port=$(free_port)
server=
trap '[ -z "$server" ] || kill -9 "$server" 2>/dev/null || true' EXIT
check() { python3 "$e2e/serve_check.py" "$1" "$port" "${@:2}" >"$out" 2>"$err" || fail "$1: $(tail -n 1 "$err")"; }
# Whether it is this server that answers: it must be alive, too.
ready() { kill -0 "$server" && python3 -c 'import sys, urllib.request as u; u.urlopen("http://127.0.0.1:" + sys.argv[1] + "/v2/health/ready", timeout=5)' "$port"; }
start() {
    "$tarn" serve --port "$port" >"$scratch/serve.out" 2>"$scratch/serve.err" </dev/null &
    server=$!
    wait_for 60 ready || { cat "$scratch/serve.out" "$scratch/serve.err" >&2; fail "the server does not start"; }
}
stop() {
    kill -"$1" "$server"
    local got=0
    wait "$server" || got=$?
    server=
    [ "$1" = KILL ] || same "$got" 0 "exit status of the server"
}
rss_kb() { awk '/^VmRSS/ {print $2}' "/proc/$server/status"; }

shop shop
t run
say "a server starts and says where"
start
grep -q "http://127.0.0.1:$port/" "$scratch/serve.out" || fail "the address is not told"
expect 75 "$tarn" serve --port "$port"
says "$port"

say "raw records: answered, or refused with field, place and nearest name"
check records
cp "$out" ids
say "the Open Inference Protocol"
check protocol
cat "$out" >>ids
say "the page, its API, the description of the routes"
check page
say "the same numbers as tarn predict"
"$tarn" sql --csv 'SELECT * FROM "joined/sales"' | sed 's/\(T[0-9:]*\)Z/\1Z/' >sales.csv
t predict sales.csv --out scored.csv
check same_as_predict sales.csv scored.csv
say "metrics as Prometheus reads them"
check metrics

say "100 MB of garbage, five ways: refused, alive, and no memory kept"
before=$(rss_kb)
check garbage 100
after=$(rss_kb)
[ $((after - before)) -lt 60000 ] || fail "memory grew from $before to $after kB"
check metrics

say "every prediction is found again by its id, to the file that it came from"
same "$(wc -l <ids)" 4 "ids"
while read -r id; do
    t why "$id" --json
    that 'j["prediction"]["inputs"]["city"] == "Lyon" and j["version"]["version"] == 1 and j["data"]["train_rows"] == 1745'
    says "data/orders.csv"
done <ids
t why "$(sed -n 1p ids)"
says "What was asked" "model shop version 1" "file data/customers.csv"
expect 65 "$tarn" why nonsense
first=$(sed -n 1p ids)
if [ "${first: -1}" = a ]; then wrong=${first%?}b; else wrong=${first%?}a; fi
"$tarn" why "$wrong" >"$out" 2>"$err" && fail "a mistyped id was found"

say "kill -9 while it answers: what was acknowledged a second before is not lost"
python3 "$e2e/serve_check.py" many "$port" 100000 >acknowledged 2>/dev/null &
asking=$!
sleep 3
moment=$(date +%s.%N)
stop KILL 2>/dev/null
wait "$asking" || true
awk -v until="$moment" '$2 < until - 1 {print $1}' acknowledged >sure # predlog.h: on the disk within 50 ms and a sync
[ "$(wc -l <sure)" -gt 20 ] || fail "too few answers to tell"
for n in 1 10 '$'; do t why "$(sed -n "${n}p" sure)"; done
start
for n in 1 2 3 10 20 '$'; do t why "$(sed -n "${n}p" sure)" --json && that 'j["prediction"]["outputs"]["label"]'; done
t lake fsck

say "an alias moved by tarn promote is picked up without a failed request"
sed -i 's/trees: 40/trees: 45/; s/metric: roc_auc/metric: log_loss/; s/seed: 7/seed: 8/; s/onehot, min_rows: 5/onehot, min_rows: 6/' tarn.yaml
sed -i '/logistic:$/,/min_rows/d' tarn.yaml
t run --json
that 'j["model"]["version"] == 2 and j["model"]["new"]'
t promote shop/1
sleep 1
python3 "$e2e/serve_check.py" while_promoted "$port" enough >promoted.out 2>promoted.err &
asking=$!
wait_for 60 test -s promoted.out || fail "no answers"
t promote shop/2
sleep 1.5
t promote shop/1
sleep 1.5
touch enough
wait "$asking" || { cat promoted.err >&2; fail "requests failed, or the new version was not seen"; }
grep -q 'versions \[1, 2, 1\]' promoted.out || fail "versions seen: $(cat promoted.out)"

say "a graceful stop commits the log to branch predictions"
check many 5
tail -n 1 "$out" | cut -d" " -f1 >last
stop TERM
t lake log predictions
says predictions
t lake ls predictions --all
says predictions/shop/
same "$(find .tarn/log -type f | wc -l)" 0 "segments left uncommitted"
t why "$(cat last)" --json
that 'j["prediction"]["commit"]'
t why "$(sed -n '$p' sure)"
t lake fsck
says clean
say "all well"
