# SPDX-License-Identifier: Apache-2.0
# lib.sh - what every end-to-end script starts with:   . "$(dirname "$0")/lib.sh"
#
# Arguments of a script: the program, a scratch folder of its own (emptied here), the root of the sources.
# Each check says what it is before it looks; the first that fails ends the script with the last output shown.
set -euo pipefail
tarn=$(realpath "$1")
scratch=$(realpath -m "$2")
root=$(realpath "$3")
e2e=$root/tests/e2e
export TZ=UTC LC_ALL=C NO_COLOR=1
[ -d "$scratch" ] && chmod -R u+rwX "$scratch" && rm -rf "$scratch"
mkdir -p "$scratch"
cd "$scratch"
out=$scratch/.out err=$scratch/.err

say() { printf -- '- %s\n' "$*"; }
fail() {
    printf 'FAILED: %s\n' "$*" >&2
    if [ -s "$out" ]; then printf -- '-- last output:\n' >&2; tail -n 40 "$out" >&2; fi
    if [ -s "$err" ]; then printf -- '-- last messages:\n' >&2; tail -n 40 "$err" >&2; fi
    exit 1
}

# expect STATUS COMMAND...: run it, keep what it says, demand its exit status. (0 ok, 64 usage, 65 invalid, 66 not
# found, 70 corrupt, 73 exists, 74 io, 75 conflict or busy, 77 denied: src/base/codes.def.)
expect() {
    local want=$1 got=0
    shift
    "$@" >"$out" 2>"$err" </dev/null || got=$?
    [ "$got" = "$want" ] || fail "'${*/#$tarn/tarn}' ended with $got, expected $want"
}
t() { expect 0 "$tarn" "$@"; }

# says TEXT...: every text stands in what the last command printed; silent_on TEXT: it does not.
says() { for text; do grep -qF -- "$text" "$out" "$err" || fail "'$text' is not in the output"; done; }
silent_on() { if grep -qF -- "$1" "$out" "$err"; then fail "'$1' is in the output"; fi; }

# get EXPR [FILE]: a Python expression over j, the JSON that the last command printed; that EXPR: it is true.
get() { python3 -c 'import json, sys; j = json.load(open(sys.argv[2])); print(eval(sys.argv[1]))' "$1" "${2:-$out}" || fail "cannot read '$1'"; }
that() { [ "$(get "bool($1)" "${2:-$out}")" = True ] || fail "not so: $1"; }
same() { [ "$1" = "$2" ] || fail "$3: '$1' is not '$2'"; }

# The steps that the last `run --json` ran, in order, in one line.
ran() { get '" ".join(s["name"] for s in j["steps"] if s["state"] == "done")'; }
# The id of an object in the lake.
id_of() { "$tarn" lake cat --json "$@" | python3 -c 'import json, sys; print(json.load(sys.stdin)["object"])'; }
# The newest commit of a branch.
head_of() { "$tarn" lake log "$1" --json --limit 1 | python3 -c 'import json, sys; print(json.load(sys.stdin)["commits"][0]["id"])'; }
# The one value that a query gives.
one() { "$tarn" sql --csv "$1" 2>"$err" | tail -n 1; }

# A copy of the small project in FOLDER, and there we are.
shop() { mkdir -p "$1" && python3 "$e2e/make_data.py" "$1" "${2:-3000}" && cd "$1"; }
# Wait until COMMAND succeeds, at most SECONDS.
wait_for() {
    local seconds=$1 i
    shift
    for ((i = 0; i < seconds * 20; i++)); do
        if "$@" >/dev/null 2>&1; then return 0; fi
        sleep 0.05
    done
    return 1
}
