#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# An encrypted lake as a person uses it: made, run, served, its key changed; nothing of the content on the disk; no other
# key opens it.
. "$(dirname "$0")/lib.sh"

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
port=$(free_port)
server=
trap '[ -z "$server" ] || kill -9 "$server" 2>/dev/null || true' EXIT
ready() { kill -0 "$server" && python3 -c 'import sys, urllib.request as u; u.urlopen("http://127.0.0.1:" + sys.argv[1] + "/v2/health/ready", timeout=5)' "$port"; }
# No file of .tarn, by name or bytes, holds any of these.
hidden() {
    for text; do
        if grep -rlaF -- "$text" .tarn; then fail "'$text' can be read in .tarn"; fi
        if find .tarn -name "*$text*" | grep -q .; then fail "'$text' is part of a file name"; fi
    done
}
# No file of .tarn holds the SHA-256 of FILE, as text or raw.
hash_hidden() {
    python3 - "$1" <<'PY' || fail "the hash of $1 can be read in .tarn"
import hashlib, os, sys
d = hashlib.sha256(open(sys.argv[1], "rb").read())
for folder, _, files in os.walk(".tarn"):
    for f in files:
        b = open(os.path.join(folder, f), "rb").read()
        assert d.digest() not in b and d.hexdigest().encode() not in b and d.hexdigest() not in f, f
PY
}
unset TARN_KEY_FILE TARN_PASSPHRASE TARN_NEW_PASSPHRASE
key=$scratch/lake.key

say "init: a key file is made, the warning is loud, a wrong request is refused"
expect 64 "$tarn" init --key-file "$key" none
says "go with --encrypt"
expect 64 "$tarn" init --encrypt none
says "say which key"
expect 77 "$tarn" init --encrypt --passphrase none
says "TARN_PASSPHRASE"
shop shop
t init --encrypt --key-file "$key"
says "LOSING THE KEY IS LOSING THE DATA" "TARN_KEY_FILE"
same "$(stat -c %a "$key")" 600 "mode of the key file"
t lake put --help
for command in "init" "lake key rotate"; do t $command --help; says "LOSING THE KEY IS LOSING THE DATA"; done

say "without the key, or with another, nothing opens"
expect 77 "$tarn" status
says "TARN_KEY_FILE"
openssl rand -hex 32 >"$scratch/other.key"
chmod 644 "$scratch/other.key"
expect 77 env TARN_KEY_FILE="$scratch/other.key" "$tarn" lake log
says "chmod 600"
chmod 600 "$scratch/other.key"
before=$(find .tarn -type f -exec sha256sum {} + | sort | sha256sum)
expect 77 env TARN_KEY_FILE="$scratch/other.key" "$tarn" run
says "is not the lake's key; nothing was read or changed"
same "$(find .tarn -type f -exec sha256sum {} + | sort | sha256sum)" "$before" "files of the lake"

say "a whole run on an encrypted lake gives what it gives on a plain one"
export TARN_KEY_FILE=$key
t run --json
model=$(get 'j["model"]["id"]')
report=$(id_of main/report.html)
mkdir ../plain && cp -r data tarn.yaml ../plain/
env -u TARN_KEY_FILE "$tarn" run --json --folder ../plain >"$out" 2>"$err" || fail "the plain run"
same "$(get 'j["model"]["id"]')" "$model" "the model"
t run
says "Nothing to do"
t lake fsck
says "clean"

say "markers in content, paths, messages, predictions and staged files are nowhere in .tarn"
printf 'marker-content-4711\n' >note.txt
mkdir marker-path-4711 && cp note.txt marker-path-4711/staged.txt
t lake put note.txt
t lake commit --message "marker-message-4711"
t lake put marker-path-4711/staged.txt
t status
"$tarn" serve --port "$port" >"$scratch/serve.out" 2>"$scratch/serve.err" </dev/null &
server=$!
wait_for 60 ready || fail "the server does not start"
expect 0 python3 "$e2e/serve_check.py" records "$port"
id=$(head -n 1 "$out")
hidden marker-content-4711 marker-path-4711 marker-message-4711
sleep 0.3
ls .tarn/log/*.ndjson >/dev/null || fail "no segment of the prediction log"
hidden '"id"' '"model"' "$id"
t why "$id"
kill -KILL "$server"
wait "$server" 2>/dev/null || true
server=
t why "$id"

say "values, columns and names of the tables are not to be read either"
hidden customers products "$(head -n 2 data/orders.csv | tail -n 1 | cut -d, -f1-2)" P001
hash_hidden note.txt
hash_hidden data/orders.csv
[ -z "$(find .tarn/cache .tarn/tmp -type f)" ] || fail "plain copies in .tarn"

say "another key: the old one opens nothing, the data stays as it was"
packs=$(ls .tarn/packs | sort | sha256sum)
TARN_NEW_PASSPHRASE="short" expect 65 "$tarn" lake key rotate --passphrase
export TARN_NEW_PASSPHRASE="one two three four five"
t lake key rotate --passphrase
says "LOSING THE KEY"
same "$(ls .tarn/packs | sort | sha256sum)" "$packs" "packs"
expect 77 "$tarn" lake log
unset TARN_KEY_FILE
TARN_PASSPHRASE="one two three four six" expect 77 "$tarn" lake log
says "not the lake's passphrase"
export TARN_PASSPHRASE="one two three four five"
t lake key status --json
that 'j["encrypted"] and j["key"] == "passphrase" and j["generations"] == 2'
same "$(id_of main/report.html)" "$report" "the report"
printf 'more\n' >>note.txt
t lake put note.txt
t lake commit --message "after"
t lake fsck
says "clean"
hash_hidden note.txt

say "damage, exchanged packs and a plain description are noticed"
chmod u+w .tarn/packs/*
first=$(ls -S .tarn/packs/p-* | sed -n 1p) second=$(ls -S .tarn/packs/p-* | sed -n 2p)
cp "$first" keep
python3 -c 'import sys; f = open(sys.argv[1], "r+b"); f.seek(5000); b = f.read(1); f.seek(5000); f.write(bytes([b[0] ^ 1]))' "$first"
expect 70 "$tarn" lake fsck
cp keep "$first" && t lake fsck
mv "$first" x && mv "$second" "$first" && mv x "$second"
expect 70 "$tarn" lake fsck
mv "$first" x && mv "$second" "$first" && mv x "$second"
t lake fsck
cp .tarn/format keep
sed -i 's/"version": 2/"version": 1/; s/"encryption"/"nothing"/; s/"check"/"was"/' .tarn/format
expect 70 "$tarn" lake log
says "somebody changed it"
cp keep .tarn/format

say "damage is repaired from a copy that the old key opened; lost metadata are made again without any key"
mkdir ../copy && cp -a .tarn ../copy/
printf 'newest\n' >newest.txt
t lake put newest.txt
t lake commit --message "newest"
tip=$(head_of main)
export TARN_NEW_PASSPHRASE="six seven eight nine ten"
t lake key rotate --passphrase
export TARN_PASSPHRASE=$TARN_NEW_PASSPHRASE
chmod u+w .tarn/packs/* && truncate -s 4000 "$first"
rm -rf data
expect 70 "$tarn" lake fsck
t lake fsck --repair --from ../copy
says "is damaged" "clean"
rm -f .tarn/meta.db*
t lake fsck --repair
says "meta.db is made again"
t lake branch main "$tip"
t lake cat main/newest.txt
says newest
same "$(id_of main/report.html)" "$report" "the report"

say "nothing plain is left in memory either"
lake=$("$tarn" lake key status --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["lake"])')
[ ! -e "/dev/shm/tarn-$(id -u)-$lake" ] || fail "/dev/shm/tarn-$(id -u)-$lake is still there"
TARN_CACHE=$scratch/nowhere expect 66 "$tarn" lake log
says "TARN_CACHE"
