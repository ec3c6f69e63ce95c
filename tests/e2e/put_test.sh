#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Files into the lake and out of it, where names collide, lead into a lake, or are a stranger's; what is told of it.
. "$(dirname "$0")/lib.sh"

mkdir lake && cd lake
t init
rm tarn.yaml

say "two files of one name: neither is lost"
mkdir d1 d2
echo 1 >d1/f && echo 2 >d2/f
expect 75 "$tarn" lake put d1/f d2/f
says "'d1/f' and 'd2/f' would both be 'f'" "--to"
t lake status
says "Nothing staged"
t lake put d1/f d1/f

say "a file that became a folder, and back: told with the remedy, also while it is only staged"
echo x >thing && t lake put thing && t lake commit -m "a file"
rm thing && mkdir thing && echo y >thing/in
expect 75 "$tarn" lake put thing
says "'thing' is a file on main" "tarn lake rm thing"
t lake rm thing
t lake put thing
expect 75 "$tarn" lake put d1/f --to thing
says "'thing' is a folder on main (with 'thing/in')" "tarn lake rm -r thing/"
t lake commit -m "a folder"
t lake checkout main out
same "$(cat out/thing/in)" y "file in the folder"

say "names that cannot be paths are told before anything is stored; what is no file is told, too"
mkdir w && echo ok >w/ok
printf x >$'w/bad\xff'
expect 65 "$tarn" lake put w
says "path 'w/bad?' is not UTF-8 at byte 5; rename it"
rm w/bad* && printf x >$'w/new\nline'
expect 65 "$tarn" lake put w
says "w/new line" "control character"
rm w/new* && ln -s /etc/passwd w/link && mkfifo w/fifo
t lake put w
says "1 file staged" "2 left out" "'w/"
t lake put w --json
that 'j["staged"] == 1 and j["left_out"] == 2'
t lake commit -m w

say "what a killed checkout left half written is not put, and a checkout leaves nothing else beside its files"
rm -rf half && t lake checkout main half && same "$(find half -name '.tarn-*')" "" "after a checkout"
echo half >half/.tarn-checkout-123
t lake put half && t lake status
silent_on ".tarn-checkout-123"
t lake rm -r half/ && rm -rf half

say "a checkout writes into no lake, whoever put the path there"
echo evil >f && t lake put f --to .tarn/format && t lake commit -m evil
for force in "" --force; do
    expect 77 "$tarn" lake checkout main . $force
    says "'.tarn/format' would be written inside of a lake"
done
t lake log --limit 1
t lake rm .tarn/format && t lake commit -m good

say "a stranger's message obeys no terminal, and is one line of the log"
echo 2 >f && t lake put f
t lake commit -m $'first\nsecond \e[2J\r\a'
t lake log --limit 1
says "first"
silent_on second
t lake show main
says "second ?[2J??"
t lake log --limit 1 --json
that 'j["commits"][0]["message"].startswith("first\nsecond \x1b")'

say "a project file with mistakes is told where its branch and keys would be used"
printf 'project: x\nlake: {branch: trunk}\n' >tarn.yaml
echo 3 >f && t lake put f
says "tarn.yaml" "tarn status" "staged on main"
t lake put f --branch main
silent_on "tarn.yaml"
rm tarn.yaml

say "a branch that is not there yet, perhaps by a slip of the hand, is told"
t lake put f --branch mian
says "staged on mian, which is a new branch"
t lake put f --branch main
silent_on "new branch"

say "removed is not lost: the way back is told"
t lake branch side && t lake branch side --remove
says "To have it back: tarn lake branch side "
t $(tail -n 1 "$out" | sed 's/.*back: tarn //')
t lake ls side

say "whoever reads the output may have had enough; a full disk is something else; a folder is no file"
mkdir -p long && head -c 300000 /dev/zero | tr '\0' x >long/x
t lake put long
t lake commit --message long
same "$("$tarn" lake cat main/long/x 2>"$err" | head -c 3)" xxx "the first bytes" # with pipefail
same "$(cat "$err")" "" "what was said"
expect 74 bash -c '"$1" lake cat main/long/x >/dev/full' - "$tarn"
expect 66 "$tarn" lake cat main/long
says "there is no path 'long', only a folder 'long/'"

say "help of a group, of a command, in each way that people ask for it"
t lake --help
says "lake commit --message"
t lake help
says "lake commit --message"
t help lake
says "lake commit --message"
t help lake put
says "Stores the files"
expect 64 "$tarn" lake
says "lake commit --message"
say "all well"
