#!/usr/bin/env bash
# make bench: every script under bench/ that compares Tarn with a peer. Results go to the terminal; nothing is asserted.
set -euo pipefail
cd "$(dirname "$0")/.."
setup/setup.sh core bench
make --no-print-directory all
for script in bench/*/*.sh; do
    printf '\n== %s\n' "$script"
    bash "$script"
done
