#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Retention and legal holds as a person uses them: nothing held is removed or moved away before its day.
. "$(dirname "$0")/lib.sh"

mkdir p && cd p
t init
put() { printf '%s\n' "$1" >a.txt && t lake put a.txt && t lake commit --message "$1"; }
put one
t lake tag v1
put two

say "what is asked wrongly is told"
expect 64 "$tarn" lake hold add v1
says "say how long"
expect 64 "$tarn" lake hold add v1 --mode legal --days 3
says "no end"
expect 65 "$tarn" lake hold add v1 --until yesterday
says "is not a time"
expect 65 "$tarn" lake hold add v1 --until 2001-01-01
says "past"
expect 66 "$tarn" lake hold add nowhere --days 1
t lake hold list
says "Nothing is held"

say "a tag held for compliance can be removed by nobody, and its hold only grows"
t lake hold add v1 --mode compliance --days 30 --why "audit" --json
hold=$(get 'j["hold"]')
that 'j["ref"] == "tags/v1"'
expect 77 "$tarn" lake tag v1 --remove
says "hold" "compliance until"
expect 77 "$tarn" lake hold release "$hold" --bypass
says "nobody can end it earlier"
expect 77 "$tarn" lake hold add v1 --mode compliance --days 3
says "shorter"
t lake hold add v1 --mode compliance --days 60
t lake hold list --json
that 'len(j["holds"]) == 1 and j["holds"][0]["state"] == "active" and j["ahead_seconds"] == 0'

say "governance ends early with a bypass, which is written down"
t lake hold add main/a.txt --days 10 --json
hold=$(get 'j["hold"]')
that 'j["ref"] == "heads/main" and j["path"] == "a.txt"'
expect 77 "$tarn" lake branch main --remove
expect 77 "$tarn" lake hold release "$hold"
says "explicit bypass"
t lake hold release "$hold" --bypass --why "wrong file"
t lake hold list --all
says "released"

say "a legal hold is on until it is taken off"
t lake hold add main --mode legal --why "case 7" --json
hold=$(get 'j["hold"]')
expect 77 "$tarn" lake branch main --remove
put three
t lake hold release "${hold:0:8}"

say "a rule holds every new commit"
t lake hold rule 'ma*' --days 7 --mode compliance
put four
t lake hold list --json
that 'len(j["rules"]) == 1 and any(h["ref"] == "heads/main" and h["who"] and h["why"] == "rule ma*" for h in j["holds"])'
expect 77 "$tarn" lake branch main --remove
t lake fsck
says "clean"
