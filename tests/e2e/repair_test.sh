#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Damage of each kind to a lake of a project: fsck names what is hurt, and repair brings back what is still somewhere.
# The commands are those of docs/recovery.md.
. "$(dirname "$0")/lib.sh"

# flip FILE OFFSET [LENGTH]: other bytes there.
flip() {
    chmod u+w "$1"
    python3 -c 'import sys
b = bytearray(open(sys.argv[1], "rb").read())
for i in range(int(sys.argv[3])): b[(int(sys.argv[2]) + i) % len(b)] ^= 0x15
open(sys.argv[1], "wb").write(b)' "$1" "$2" "${3:-1}"
}
biggest() { ls -S .tarn/packs/p-* | sed -n 1p; }
hurt() { cd "$scratch" && rm -rf hurt && cp -a good hurt && cd hurt; }
# Every path of main in the lake here is as in the good lake.
all_read() {
    local p
    for p in $("$tarn" lake ls main --all --json | python3 -c 'import json, sys; print(" ".join(e["path"] for e in json.load(sys.stdin)["entries"]))'); do
        "$tarn" lake cat "main/$p" | cmp -s - "$scratch/sound/$p" || fail "main/$p is not what it was"
    done
}
clean() {
    t lake fsck
    says clean
    all_read
}

say "a lake with two branches, a tag and some history; and a copy of it"
mkdir good && cd good
t init
mkdir -p data
python3 - <<'PY'
import random
random.seed(5)
for name, rows in (("a", 60000), ("b", 9000), ("c", 300)):
    with open(f"data/{name}.csv", "w") as f:
        f.write("id,x,y\n" + "".join(f"{i},{random.random()},{random.getrandbits(64)}\n" for i in range(rows)))
PY
t lake put data
t lake commit --message "the data"
t lake tag v1
t lake branch side
head -c 700000 /dev/urandom >model.bin
t lake put model.bin
t lake commit --message "the model"
t lake put data/c.csv --to side.csv --branch side
t lake commit --branch side --message "on side"
t lake fsck
says clean
t lake checkout main "$scratch/sound"
rm -rf model.bin
cp -a "$scratch/good" "$scratch/copy"

say "a flipped byte: every branch and tag that has the file is named; the source file repairs it"
hurt
flip "$(biggest)" 300000
rm -rf .tarn/cache
expect 70 "$tarn" lake fsck
says "What cannot be read" "main: " "tarn lake fsck --repair"
expect 70 "$tarn" lake fsck --json
that 'len(j["hurt"]) > 0 and all(h["path"] and h["ref"] for h in j["hurt"])'
t lake fsck --repair --from "$scratch/copy"
says "records were fetched" "are kept as" clean
[ -n "$(ls .tarn/damaged)" ] || fail "the damaged pack was not kept"
clean

say "the same from the files of the project's folder alone"
hurt
for p in $(ls -S .tarn/packs/p-* | sed -n 1,2p); do flip "$p" 20000 400; done
rm -rf .tarn/cache
expect 70 "$tarn" lake fsck
file=$(sed -n 's/^  side: //p' "$out" | sed -n 1p)
[ -n "$file" ] || fail "side is hurt, but not named"
says "main: model.bin" "main: $file" "tags/v1: $file"
expect 70 "$tarn" lake fsck --repair
says "is made again from $PWD/$file" "main: model.bin"
cp "$scratch/sound/model.bin" elsewhere.bin
t lake fsck --repair
says "is made again from $PWD/elsewhere.bin"
clean

say "and from the cache"
hurt
for p in $(ls -S .tarn/packs/p-* | sed -n 1,2p); do flip "$p" 20000 400; done
cp "$scratch/sound/model.bin" elsewhere.bin
object=$(id_of "main/$file")
mkdir -p ".tarn/cache/objects/${object:0:2}"
mv "$file" ".tarn/cache/objects/${object:0:2}/$object.csv"
t lake fsck --repair
says "is made again from" ".tarn/cache/objects"
clean

say "a lost pack, a pack cut short, an empty one, swapped ones, one of another lake, garbage behind one, a lost index"
for way in 'rm -f "$1"' 'truncate -s 9000 "$1"' 'truncate -s -30 "$1"' ': >"$1"' 'cp "$2" "$3.x" && cp "$1" "$2" && mv "$3.x" "$1"' \
    'cp "$4" "$1"' 'echo garbage >>"$1"' 'flip "$1" -100 50' 'flip "$1" 0 16' 'truncate -s 5000 "$1" && truncate -s 300000 "$1"'; do
    hurt
    other=$scratch/other
    if [ ! -d "$other" ]; then mkdir "$other" && (cd "$other" && "$tarn" init && echo x >x && "$tarn" lake put x && "$tarn" lake commit --message x) >/dev/null; fi
    set -- "$(biggest)" "$(ls -S .tarn/packs/p-* | sed -n 2p)" "$scratch/swap" "$(ls "$other"/.tarn/packs/p-* | sed -n 1p)"
    chmod u+w .tarn/packs/*
    eval "$way"
    rm -rf .tarn/cache data
    expect 70 "$tarn" lake fsck
    t lake log
    t lake fsck --repair --from "$scratch/copy"
    clean
done

say "meta.db lost: its packs are found again, the commits are listed, a branch is made of one"
hurt
tip=$(head_of main)
rm -f .tarn/meta.db*
expect 70 "$tarn" lake log
says "tarn lake fsck --repair"
t lake fsck --repair
says "meta.db is lost" "made again"
t lake fsck --lost
says "${tip:0:12}" "the model" "the data"
t lake fsck --lost --json
that 'sum(c["tip"] for c in j["lost"]) == 2 and len(j["lost"]) == 3'
t lake branch main "$tip"
clean

say "a copy of the lake that still has its meta.db tells where the branches and tags were"
t lake branch idea && t lake tag v7 "$tip"
rm -rf "$scratch/whole" && cp -a . "$scratch/whole"
rm .tarn/meta.db
t lake fsck --repair --from "$scratch/whole"
says "the copy '$scratch/whole' has 'idea' at commit ${tip:0:12}; 'tarn lake branch idea ${tip:0:12}' puts it there again" \
    "'tarn lake tag v7 ${tip:0:12}' puts it there again"
grep -oE "'tarn lake (branch|tag) [^']*'" "$out" | tr -d "'" | sort -u >again
while read -r _ _ kind name id; do t lake "$kind" "$name" "$id"; done <again
rm again
same "$("$tarn" lake branch | awk '{print $3}' | tr '\n' ' ')" "idea main " "the branches"
same "$("$tarn" lake tag | awk '{print $3}' | tr '\n' ' ')" "v7 " "the tags"
t lake branch idea --remove && t lake tag v7 --remove
clean

say "rows of meta.db flipped, one table after the other: told, and what is sound is kept"
for change in "UPDATE refs SET target = zeroblob(32) WHERE name = 'heads/main'" "DELETE FROM refs WHERE name = 'heads/main'" \
    "UPDATE refs SET time_us = time_us + 1" "UPDATE ref_log SET why = 'x' WHERE seq = 1" "DELETE FROM packs" "UPDATE packs SET bytes = bytes + 1"; do
    hurt
    python3 -c 'import sqlite3, sys
db = sqlite3.connect(".tarn/meta.db"); db.execute(sys.argv[1]); db.commit()' "$change"
    expect 70 "$tarn" lake fsck
    t lake fsck --repair
    clean
done

say "meta.db cut short or full of noise, its write-ahead log torn"
for way in 'truncate -s 9000 .tarn/meta.db' 'head -c 40000 /dev/urandom >.tarn/meta.db' ': >.tarn/meta.db' 'flip .tarn/meta.db 4100 3000'; do
    hurt
    tip=$(head_of main)
    eval "$way"
    "$tarn" lake fsck --repair >"$out" 2>"$err" || fail "repair failed after: $way"
    "$tarn" lake log main >"$out" 2>"$err" || t lake branch main "$tip"
    clean
done

say "a damaged or lost format file"
hurt
rm -f .tarn/format
t lake fsck --repair
says "'format' is made again"
clean
hurt
chmod u+w .tarn/format && echo nonsense >.tarn/format
expect 70 "$tarn" lake log
t lake fsck --repair
clean

say "mistakes are told"
expect 64 "$tarn" lake fsck --from "$scratch/copy"
expect 66 "$tarn" lake fsck --repair --from "$scratch/nowhere"
expect 65 "$tarn" lake fsck --repair --from .
say "all well"
