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
