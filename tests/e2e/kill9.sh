#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# kill9.sh PROGRAM SCRATCH ROOT [N [flights [SEED]]] - kill -9 at N random moments of a run.
#
# After each kill `tarn lake fsck` must be clean and every commit readable; a run then ends with the bytes of a run that
# nobody disturbed. Moments are drawn over a bit more than the time that the run has left, and sometimes from the rerun too,
# so that kills pile up on one lake. The seed is printed; the same seed draws the same moments.
. "$(dirname "$0")/lib.sh"
kills=${4:-15}
what=${5:-small}
RANDOM=${6:-$(($(date +%s) % 32768))}
say "kill -9 at $kills moments of the $what project; seed ${6:-$RANDOM}"

fresh() {
    rm -rf "$1" && mkdir "$1"
    if [ "$what" = flights ]; then cp -r "$root/examples/flights/." "$1"; else python3 "$e2e/make_data.py" "$1" 2000; fi
}
now_ms() { echo $(($(date +%s%N) / 1000000)); }
ids() { echo "$(id_of main/model.tarn --folder "$1") $(id_of main/report.html --folder "$1")"; }

fresh good
start=$(now_ms)
t run --folder good
took=$(($(now_ms) - start))
want=$(ids good)
say "a run that nobody disturbs takes $took ms"

# Start a run in its own process group, let it live for $1 ms, kill the group. Sets `died` to whether it was still at work.
killed() {
    setsid "$tarn" run --folder hurt >"$out" 2>"$err" </dev/null &
    local group=$!
    sleep "$(printf '%d.%03d' $(($1 / 1000)) $(($1 % 1000)))"
    died=1
    kill -9 -- "-$group" 2>/dev/null || died=0
    wait "$group" 2>/dev/null || true
}

at_work=0
# A run may be faster than the first one was: a kill that came too late is tried again, a few times.
for ((i = 1; i <= kills || (at_work <= kills / 5 && i <= 4 * kills); i++)); do
    [ -d hurt ] || fresh hurt
    moment=$(((RANDOM * 32768 + RANDOM) % (took * 11 / 10 + 20)))
    killed "$moment"
    at_work=$((at_work + died))
    if [ -d hurt/.tarn ]; then
        t lake fsck --folder hurt
        says clean
        "$tarn" lake log --folder hurt >"$out" 2>"$err" || grep -q "no branch" "$err" || fail "the log cannot be read"
    fi
    rests=$(find hurt -maxdepth 1 -name '.tarn-new-*' | wc -l)
    [ "$rests" -le 1 ] || fail "$rests folders of lakes that were never finished"
    [ $((RANDOM % 4)) != 0 ] || continue # the next kill hits the same lake
    t run --folder hurt
    same "$(ids hurt)" "$want" "model and report after kill $i at $moment ms"
    t lake fsck --folder hurt
    says clean
    same "$(find hurt/.tarn/tmp -name 'step-*'; find hurt -maxdepth 1 -name '.tarn-new-*')" "" "scratch folders left behind"
    rm -rf hurt
done
[ ! -d hurt ] || { t run --folder hurt && same "$(ids hurt)" "$want" "model and report at the end"; }
[ "$at_work" -gt $((kills / 5)) ] || fail "only $at_work of $((i - 1)) kills hit a run at work"
say "all well: $at_work of $((i - 1)) kills hit a run at work, each time the lake was clean and the bytes came out the same"
