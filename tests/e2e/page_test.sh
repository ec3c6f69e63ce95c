#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The page in a real browser: served by the program, walked through by tests/e2e/page.mjs; the prediction it asks for is followed back.
. "$(dirname "$0")/lib.sh"
command -v node >/dev/null && [ -d "$root/web/node_modules/playwright-core" ] && [ -x "${CHROMIUM:-/usr/bin/chromium}" ] ||
    fail "node, chromium and playwright-core are needed: setup/setup.sh test"

say "a project, run and served"
shop shop
t run --quiet
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
"$tarn" serve --port "$port" >server.log 2>&1 &
server=$!
trap 'kill -9 "$server" 2>/dev/null || true' EXIT
wait_for 30 curl -fs "http://127.0.0.1:$port/v2/health/ready" || { cat server.log; fail "the server did not start"; }

say "every page, light and dark, wide and narrow; the form; no error in the console"
node "$e2e/page.mjs" "http://127.0.0.1:$port" "$scratch/pictures" >"$out" 2>"$err" || fail "the page"
id=$(get 'j["prediction_id"]')
[ "$(find "$scratch/pictures" -name '*.png' | wc -l)" -ge 6 ] || fail "pictures are missing"

say "the prediction asked for on the page is followed back to its files"
t why "$id"
says "learned from commit" "data/"
kill -INT "$server" && wait "$server" || fail "the server did not end well"
trap - EXIT
