#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# writers.sh PROGRAM SCRATCH ROOT [ROUNDS [SEED]] - several processes write one lake and are killed at random moments.
#
# Each writer commits numbered files, one on the shared branch main, one on a branch of its own, now and then a large
# file, and merges its branch forward into one that only it moves. After a commit it notes the number in a file of its own.
# A round starts the writers, kills each with SIGKILL at a moment of its own, and then demands: fsck clean, every noted
# number in the lake with its bytes, and a commit by a new process. The seed is printed; the same seed draws the same
# moments.
. "$(dirname "$0")/lib.sh"
rounds=${4:-6}
seed=${5:-$(($(date +%s) % 32768))}
RANDOM=$seed
writers=4
say "$writers writers killed in $rounds rounds; seed $seed"

writer() { # NUMBER ROUND
    local i to
    for ((i = 0; ; i++)); do
        echo "$1 $2 $i" >"w$1.txt"
        to=main
        [ $((i % 2)) = 0 ] || to=own$1
        if [ $((i % 5)) = 4 ]; then head -c 900000 /dev/urandom >"large$1" && cat "large$1" >>"w$1.txt"; fi
        "$tarn" lake put "w$1.txt" --to "w$1/$2/$i" --branch "stage$1" --quiet >/dev/null 2>&1 || continue
        "$tarn" lake commit --branch "stage$1" --message "$i" --quiet >/dev/null 2>&1 || continue
        echo "stage$1 w$1/$2/$i $(sha256sum <"w$1.txt" | cut -d' ' -f1)" >>"noted$1"
        if [ "$to" != main ]; then
            "$tarn" lake merge "stage$1" "own$1" --quiet >/dev/null 2>&1 || "$tarn" lake branch "own$1" "stage$1" >/dev/null 2>&1 || true
            continue
        fi
        "$tarn" lake put "w$1.txt" --to "w$1/$2/$i" --branch main --quiet >/dev/null 2>&1 || continue
        if "$tarn" lake commit --branch main --message "$i" --quiet >/dev/null 2>&1; then
            echo "main w$1/$2/$i $(sha256sum <"w$1.txt" | cut -d' ' -f1)" >>"noted$1"
        fi
    done
}

t init
echo start >start
t lake put start
t lake commit --message start
for ((round = 1; round <= rounds; round++)); do
    groups=()
    for ((w = 1; w <= writers; w++)); do
        set -m
        writer "$w" "$round" </dev/null &
        groups+=($!)
        set +m
    done
    for group in "${groups[@]}"; do
        sleep "0.$((RANDOM % 5))$((RANDOM % 10))"
        kill -9 -- "-$group"
    done
    wait 2>/dev/null || true
    t lake fsck
    says clean
    echo "$round" >after
    t lake put after
    t lake commit --message "after round $round"
done
noted=0
cat noted* >noted
while read -r branch path sum; do
    same "$("$tarn" lake cat "$branch/$path" | sha256sum | cut -d' ' -f1)" "$sum" "$branch/$path"
    noted=$((noted + 1))
done <noted
[ "$noted" -ge "$rounds" ] || fail "only $noted commits were acknowledged: too few to tell anything"
say "all well: $noted commits were acknowledged, each is there"
