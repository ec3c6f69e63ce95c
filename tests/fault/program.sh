#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# program.sh PROGRAM SCRATCH ROOT LIBFAULT [STEPS] - commands of the program on a disk that fails (see libfault.c).
#
# What fault_walk does to the library, at fewer places and through the whole program: each command must end with the exit
# status of a disk error (74; 70 for bytes that cannot be read) and one line that says so, or with success; then the lake
# is clean, and the same command succeeds.
. "$(dirname "$0")/../e2e/lib.sh"
fault=$(realpath "$4")
steps=${5:-4}
hit=$scratch/.hit

# faulty PLAN COMMAND...: run it with the fault; sets got and whether the fault was met.
faulty() {
    local plan=$1
    shift
    rm -f "$hit"
    got=0
    FAULT="under=$PWD report=$hit $plan" LD_PRELOAD=$fault "$@" >"$out" 2>"$err" </dev/null || got=$?
    met=0
    [ ! -e "$hit" ] || met=1
}

# walk NAME COMMAND...: in copies of `ready`, the command with faults at calls further and further in.
walk() {
    local name=$1 kinds n way count=0
    shift
    for way in "kinds=create,write,pwrite,mkdir,rename do=ENOSPC lasting" "kinds=open,write,pwrite,pread,read do=EIO" \
        "kinds=fsync,fdatasync do=EIO" "kinds=write,pwrite,rename,fsync,fdatasync do=kill-before"; do
        n=1
        for ((step = 0; step < steps; step++)); do
            cd "$scratch" && rm -rf work && cp -a ready work && cd work
            faulty "nth=$n $way" "$@"
            [ "$met" = 1 ] || break
            count=$((count + 1))
            case $way in
            *kill*) [ "$got" = 137 ] || fail "$name, call $n, $way: ended with $got, not by the kill" ;;
            *)
                case $got in 0 | 74) ;; 70) [ "${way#*read}" != "$way" ] || fail "$name, call $n, $way: 70" ;;
                *) fail "$name, call $n, $way: ended with $got" ;; esac
                [ "$got" = 0 ] || grep -q '^tarn: ..........' "$err" || fail "$name, call $n, $way: it does not say what happened"
                ;;
            esac
            if [ -d .tarn ]; then
                t lake fsck
                says clean
            fi
            got=0
            "$@" >"$out" 2>"$err" </dev/null || got=$?
            case $got in 0 | 66 | 73) ;; *) fail "$name, call $n, $way: done again it ends with $got" ;; esac
            n=$((n + 1 + n / 2))
        done
    done
    say "$name: $count faults"
    [ "$count" -gt 4 ] || fail "$name met too few faults"
}

mkdir ready
walk init "$tarn" init
cd "$scratch/ready"
t init
head -c 300000 /dev/urandom >big
t lake put big
t lake commit --message first
t lake branch side
echo two >two
t lake put two --branch side
t lake commit --branch side --message second
walk put "$tarn" lake put big --to again
walk branch "$tarn" lake branch new
walk tag "$tarn" lake tag v1
walk merge "$tarn" lake merge side main
walk checkout "$tarn" lake checkout main out --force
cd "$scratch/ready"
echo three >three
t lake put three
walk commit "$tarn" lake commit --message third

say "a run of the small project"
rm -rf "$scratch/ready" && mkdir "$scratch/ready" && python3 "$e2e/make_data.py" "$scratch/ready" 800
steps=$((steps / 2 + 1))
walk run "$tarn" run
say "all well"
