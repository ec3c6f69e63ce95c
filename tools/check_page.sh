#!/usr/bin/env bash
# The page in the repository (web/dist) is what its source (web/src) builds, to the byte.
set -euo pipefail
cd "$(dirname "$0")/../web"
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
[ -d node_modules ] || npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null
npx --no-install tsc --noEmit
npx --no-install vite build --outDir "$out/dist" --emptyOutDir --logLevel error
diff -r dist "$out/dist" || { echo "web/dist is not what web/src builds: run 'npm run build' in web/ and commit the result" >&2; exit 1; }
echo "page: web/dist is what its source builds"
