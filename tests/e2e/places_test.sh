#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A lake over S3 and PostgreSQL: the small project runs as it does in a folder; a second server joins; both commit at once;
# kill -9 in the middle loses nothing.
if [ -z "${PEER_S3:-}" ]; then exec python3 "$3/tests/peers/with.py" s3 postgres -- bash "$0" "$@"; fi
. "$(dirname "$0")/lib.sh"
store="s3://packs/e2e?endpoint=http://127.0.0.1:$PEER_S3"
meta="postgresql://tarn@127.0.0.1:$PEER_POSTGRES/postgres?schema=e2e"

say "a run in a folder, to compare with"
(shop plain 2000 && t init && t run)
want="$(id_of main/model.tarn --folder plain) $(id_of main/report.html --folder plain)"

say "the same over S3 and PostgreSQL gives the same bytes"
(shop one 2000 && t init --store "$store" --meta "$meta" && says "s3://packs/e2e" && t run)
same "$(id_of main/model.tarn --folder one) $(id_of main/report.html --folder one)" "$want" "model and report"
t lake fsck --folder one
says clean
t doctor --folder one
says "packs at s3://packs/e2e" "metadata at postgresql://tarn@127.0.0.1"
t status --folder one --json
that 'j["packs"].startswith("s3://packs/e2e") and j["metadata"].startswith("postgresql://") and j["todo"] == 0'
same "$(find one/.tarn/packs -type f)" "" "packs in the folder"
[ ! -e one/.tarn/meta.db ] || fail "there is a meta.db"
if grep -rqF "$AWS_SECRET_ACCESS_KEY" one/.tarn/format; then fail "a secret stands in .tarn"; fi

say "what cannot be is refused"
mkdir other
expect 73 "$tarn" init other --store "$store" --meta "$meta"
says "--join"
expect 66 "$tarn" init other --join --store "s3://packs/none?endpoint=http://127.0.0.1:$PEER_S3" --meta "$meta"
says "no lake in the store"
expect 65 "$tarn" init other --meta "postgresql://tarn:secret@127.0.0.1:$PEER_POSTGRES/postgres"
says PGPASSWORD
silent_on secret
expect 77 env -u AWS_ACCESS_KEY_ID AWS_SHARED_CREDENTIALS_FILE=/nowhere "$tarn" lake log --folder one
says AWS_ACCESS_KEY_ID
expect 77 env AWS_SECRET_ACCESS_KEY=wrong "$tarn" init other --store "s3://packs/x?endpoint=http://127.0.0.1:$PEER_S3"
says "are the keys right"
[ ! -e other/.tarn ] || fail "something was made"

say "a second server joins and finds everything made"
(shop two 2000 && t init --join --store "$store" --meta "$meta" && says Joined && t run && says "Nothing to do")
same "$(id_of main/model.tarn --folder two) $(id_of main/report.html --folder two)" "$want" "model and report"
rm -rf two/.tarn/cache two/.tarn/index # both may go at any time
mkdir two/.tarn/cache two/.tarn/index
t lake fsck --folder two
says clean
t lake cat main/report.html --folder two
grep -q "</html>" "$out" || fail "the report is not whole"

say "both commit to one branch at once: nothing is lost"
commit_many() { # FOLDER WHO
    local i got
    for i in 1 2 3 4 5 6 7 8 9 10; do
        echo "$2 $i" >"note-$2-$i"
        "$tarn" lake put "note-$2-$i" --to "notes/note-$2-$i" --folder "$1" --branch notes >/dev/null || return 1
        got=0
        "$tarn" lake commit --folder "$1" --branch notes --message "$2 $i" >/dev/null || got=$?
        [ "$got" = 0 ] || [ "$got" = 66 ] || return 1 # 66: the other has committed what both had staged
    done
}
commit_many one a >"$scratch/a.log" 2>&1 &
first=$!
commit_many two b >"$scratch/b.log" 2>&1 || fail "$(cat "$scratch/b.log")"
wait "$first" || fail "$(cat "$scratch/a.log")"
for folder in one two; do
    same "$("$tarn" lake ls notes --folder "$folder" --all 2>&1 | grep -c 'note-[ab]-')" 20 "files on the branch, seen from $folder"
done

say "kill -9 in the middle, on both sides: clean, and a rerun ends with the same bytes"
start=$(date +%s%N)
sed -i 's/trees: 20/trees: 21/' one/tarn.yaml && t run --folder one
took=$((($(date +%s%N) - start) / 1000000))
sed -i 's/trees: 21/trees: 20/' one/tarn.yaml
for i in 1 2 3 4; do
    sed -i "s/trees: [0-9]*/trees: $((21 + i))/" one/tarn.yaml
    setsid "$tarn" run --folder one >"$out" 2>"$err" </dev/null &
    group=$!
    sleep "$(awk -v t="$took" -v i="$i" 'BEGIN { printf "%.3f", t * i / 5000 }')"
    kill -9 -- "-$group" 2>/dev/null || true
    wait "$group" 2>/dev/null || true
    t lake fsck --folder two
    says clean
done
sed -i 's/trees: [0-9]*/trees: 20/' one/tarn.yaml
t run --folder one
same "$(id_of main/model.tarn --folder one) $(id_of main/report.html --folder one)" "$want" "model and report at the end"
t lake fsck --folder one
says clean

say "an encrypted lake over S3: run, changed key, nothing to be read in the store, repaired from another prefix"
export TARN_KEY_FILE=$scratch/lake.key
sealed="s3://packs/sealed?endpoint=http://127.0.0.1:$PEER_S3"
(shop sealed 2000 && t init --encrypt --key-file "$TARN_KEY_FILE" --store "$sealed" && says "(encrypted)" "s3://packs/sealed" && t run)
same "$(id_of main/model.tarn --folder sealed) $(id_of main/report.html --folder sealed)" "$want" "model and report of the encrypted lake"
TARN_KEY_FILE=$scratch/lake.key t lake key rotate --key-file "$scratch/new.key" --folder sealed
expect 77 "$tarn" lake log --folder sealed
export TARN_KEY_FILE=$scratch/new.key
t lake fsck --folder sealed
says clean
store_do() { # copy FROM TO | search PREFIX TEXT... | spoil PREFIX: over S3, with nothing of ours
    python3 - "http://127.0.0.1:$PEER_S3" "$@" <<'PY'
import subprocess, sys
import boto3
from botocore.config import Config
url, what, prefix, rest = sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:]
s3 = boto3.client("s3", endpoint_url=url, region_name="us-east-1", config=Config(s3={"addressing_style": "path"}))
blobs = [o["Key"] for o in s3.list_objects_v2(Bucket="packs", Prefix=prefix + "/")["Contents"]]
read = lambda k: s3.get_object(Bucket="packs", Key=k)["Body"].read()
if what == "copy":
    for k in blobs: s3.put_object(Bucket="packs", Key=rest[0] + k[len(prefix):], Body=read(k))
elif what == "search":
    for k in blobs:
        body = read(k)
        for text in rest: assert text.encode() not in body, (k, text)
else:
    k = max((k for k in blobs if "/packs/" in k), key=lambda k: len(read(k)))
    body = bytearray(read(k))
    body[len(body) // 2] ^= 1
    s3.delete_object(Bucket="packs", Key=k)
    s3.put_object(Bucket="packs", Key=k, Body=bytes(body))
PY
}
if python3 -c 'import boto3' 2>/dev/null; then
    store_do search sealed customers orders.parquet P001
    store_do copy sealed copy
    store_do spoil sealed
    rm -rf sealed/.tarn/cache && mkdir sealed/.tarn/cache
    mv sealed/data "$scratch/data-away"
    expect 70 "$tarn" lake fsck --folder sealed
    t lake fsck --repair --from "s3://packs/copy?endpoint=http://127.0.0.1:$PEER_S3" --folder sealed
    says "records were fetched" clean
fi

say "an encrypted lake over S3 and PostgreSQL: another server joins with the key"
meta2="postgresql://tarn@127.0.0.1:$PEER_POSTGRES/postgres?schema=sealed"
sealed2="s3://packs/sealed2?endpoint=http://127.0.0.1:$PEER_S3"
mkdir s1 s2
t init s1 --encrypt --key-file "$TARN_KEY_FILE" --store "$sealed2" --meta "$meta2"
echo secret-words >s1/note
(cd s1 && t lake put note && t lake commit --message "by the first")
t init s2 --join --store "$sealed2" --meta "$meta2"
t lake cat main/note --folder s2
says secret-words
TARN_KEY_FILE=$scratch/lake.key expect 77 "$tarn" lake log --folder s2
t lake fsck --folder s2
says clean
