#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Texts: from a CSV of mails to a served model, a text field in requests, and the same numbers everywhere.
. "$(dirname "$0")/lib.sh"

port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
server=
trap '[ -z "$server" ] || kill -9 "$server" 2>/dev/null || true' EXIT
ask() { curl -s --max-time 20 "http://127.0.0.1:$port/$1" -d "$2" >"$out" 2>"$err" || fail "no answer to $2"; }

say "a project with texts runs"
python3 "$e2e/make_spam.py" mail
cd mail
t init
t run --json
that 'j["state"] == "done" and j["figures"]["roc_auc"] > 0.9'
"$tarn" lake cat main/train/words.json >words.json
that '{x["name"] for x in j["importance"]} == {"subject", "sender", "links"} and j["importance"][0]["share"] > 0.3' words.json
that 'any(n.startswith("bag: 1 weighted sum of ") for n in j["nodes"])' words.json

say "more threads, the same model"
model=$(id_of main/models/words.tarn)
t init ../again
cp -r data tarn.yaml ../again
t run --folder ../again --threads 3
same "$("$tarn" lake cat --json main/models/words.tarn --folder ../again | python3 -c 'import json, sys; print(json.load(sys.stdin)["object"])')" "$model" "the model"
t reproduce spam
says "same"

say "a table is scored, a missing text counts as empty"
printf 'subject,sender,links\n"Free pills, buy now",user1@mail.example,4\n,user2@work.example,0\n' >new.csv
t predict new.csv --out scored.csv
same "$(cut -d, -f1 scored.csv | tr '\n' ' ')" "prediction spam ham " "labels"

say "a text field is served: the same numbers"
"$tarn" serve --port "$port" >/dev/null 2>"$err" </dev/null &
server=$!
wait_for 60 curl -sf "http://127.0.0.1:$port/v2/health/ready" || fail "the server does not start"
ask serve/spam '[{"subject": "Free pills, buy now", "sender": "user1@mail.example", "links": 4}, {"subject": null, "sender": "user2@work.example", "links": 0}]'
cp "$out" answer.json
same "$(get '[x["probability"] for x in j["predictions"]]' answer.json)" \
    "$(python3 -c 'import csv; print([float(r["p(spam)"]) for r in csv.DictReader(open("scored.csv"))])')" "probabilities"
ask serve/spam '{"subject": "gr\u00fc\u00dfe AUS Z\u00dcRICH \ud83d\ude00", "sender": "x", "links": 0}'
that 'j["predictions"][0]["label"] == "ham"'
curl -s "http://127.0.0.1:$port/serve/spam/schema" >"$out"
that '[f["kind"] for f in j["fields"]] == ["text", "text", "number"] and j["fields"][0]["required"] is False'

say "what is no text, or too long a one, is refused with its place"
ask serve/spam '{"subject": 7, "sender": "x", "links": 0}'
says "field 'subject': line 1, column 13: expected a text, got 7"
ask serve/spam '{"subject": "a", "links": 0}'
says "field 'sender' is missing"
python3 -c 'import json; print(json.dumps({"subject": "spam " * 209716, "sender": "x", "links": 0}))' >long.json
ask serve/spam @long.json
says "expected a text of up to 1048576 bytes"
python3 -c 'import json; print(json.dumps({"subject": ("spam " * 209716)[:1048576], "sender": "x", "links": 0}))' >long.json
ask serve/spam @long.json
that '0 <= j["predictions"][0]["probability"] <= 1'
kill "$server"
wait "$server" || fail "the server ended badly"
server=

say "an estimator that does not take texts says who does"
sed -i 's/algo: multinomial_nb/algo: forest/' tarn.yaml
expect 65 "$tarn" run
says "does not take text; linear ones and naive Bayes do"
