#!/usr/bin/env bash
# make demo: install what is missing, build, run examples/flights on real data, serve the winner, ask it once.
# DEMO_ONCE=1 stops the server after that one prediction. DEMO_PORT=N serves on another port.
set -euo pipefail
cd "$(dirname "$0")/.."
bold() { printf '\n\033[1m%s\033[0m\n' "$*"; }
[ -t 1 ] || bold() { printf '\n%s\n' "$*"; }
since() { echo "$(($(date +%s) - $1)) s"; }
size() { du -sh --apparent-size "$@" 2>/dev/null | tail -1 | cut -f1; }

bold "1. Set-up: what Tarn needs (packages in setup/core.apt, and DuckDB)"
t0=$(date +%s)
setup/setup.sh core
took_setup=$(since "$t0")
echo "   $took_setup"

bold "2. Build"
t0=$(date +%s)
make --no-print-directory all > build-demo.log 2>&1 || { tail -40 build-demo.log; exit 1; }
took_build=$(since "$t0")
echo "   $took_build, build/tarn has $(size build/tarn)"

tarn=$PWD/build/tarn
bold "3. Run the project examples/flights: will a flight arrive more than 15 minutes late?"
cd examples/flights
t0=$(date +%s)
"$tarn" run
took_run=$(since "$t0")

bold "4. What was collected, and what was wrong with it"
"$tarn" sql "SELECT 'flights' AS \"table\", count(*) AS \"rows\" FROM flights UNION ALL SELECT 'planes', count(*) FROM planes
  UNION ALL SELECT 'weather', count(*) FROM weather UNION ALL SELECT 'airports', count(*) FROM airports
  UNION ALL SELECT 'airlines', count(*) FROM airlines"
"$tarn" sql "SELECT (SELECT count(*) FROM flights f JOIN planes USING (tailnum) JOIN weather w
    ON w.origin = f.origin AND w.year = f.year AND w.month = f.month AND w.day = f.day AND w.hour = f.hour) AS \"flights with planes and weather\",
  (SELECT count(*) FROM flights WHERE arr_delay > 15) AS \"more than 15 minutes late\""
echo
echo "Columns of flights, as inferred:"
"$tarn" table schema flights | awk '{printf "%s%s %s", (NR > 1 ? ", " : "  "), $1, $2} END {print ""}'
echo
"$tarn" lake cat main/prepare/join/departures.json | sed -n 's/^ *"\(left\|right\|joined\|unmatched\|unmatched_keys\)": "\{0,1\}\([^",]*\)"\{0,1\},\{0,1\}$/\1 \2/p' |
  awk '$1 == "left" {l = $2} $1 == "right" {r = $2} $1 == "joined" {j = $2} $1 == "unmatched" {u = $2}
       $1 == "unmatched_keys" {printf "  %s with %s: %d rows join, %d rows (%d keys) find no match\n", l, r, j, u, $2}'

bold "5. Serve the winner, and ask it"
port=${DEMO_PORT:-8471}
"$tarn" serve --port "$port" &
server=$!
trap 'kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true' EXIT
for _ in $(seq 100); do
    curl -fsS "http://127.0.0.1:$port/v2/health/ready" >/dev/null 2>&1 && break
    kill -0 "$server" 2>/dev/null || { echo "the server did not start" >&2; exit 1; }
    sleep 0.1
done
record='{"scheduled": "2014-12-19T18:30:00", "carrier": "WN", "origin": "SEA", "dest": "MDW", "distance": 1733,
  "plane_year": 1999, "manufacturer": "BOEING", "engine": "Turbo-fan", "seats": 140, "temp": 44.1, "dewp": 39.9,
  "humid": 85.0, "wind_dir": 180, "wind_speed": 12.7, "wind_gust": 14.6, "precip": 0.02, "pressure": 1009.1, "visib": 8}'
echo "curl -d '$record' http://127.0.0.1:$port/serve/flights"
answer=$(curl -fsS -d "$record" -H 'Content-Type: application/json' "http://127.0.0.1:$port/serve/flights")
echo "$answer"
id=$(sed -n 's/.*"id": *"\([^"]*\)".*/\1/p' <<<"$answer" | head -1)

bold "What happened"
echo "   set-up $took_setup, build $took_build, run $took_run (each step's time stands above)"
echo "   on disk: set-up $(size ../../setup/native) beside the Debian packages, build $(size ../../build), lake $(size .tarn)"
echo "   the report for people:  $tarn lake cat main/report.html > report.html"
echo "   the page:               http://127.0.0.1:$port/"
echo
echo "Worth trying next, in $PWD:"
echo "   $tarn why $id"
echo "   $tarn reproduce flights"
echo "   $tarn sql 'SELECT carrier, count(*) AS flights, avg(arr_delay) AS delay FROM flights GROUP BY carrier ORDER BY delay'"
if [ -n "${DEMO_ONCE:-}" ]; then
    kill -INT "$server"
    wait "$server" || true
    trap - EXIT
    exit 0
fi
echo
echo "The server runs until Ctrl-C."
trap 'kill -INT "$server" 2>/dev/null || true' INT TERM
while kill -0 "$server" 2>/dev/null; do wait "$server" || true; done
trap - EXIT
