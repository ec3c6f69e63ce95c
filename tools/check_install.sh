#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What `make install` puts in place works from there: the program alone in its environment, and a program that embeds a model,
# built as examples/embed/README.md says.
set -euo pipefail
cd "$(dirname "$0")/.."
prefix=$(mktemp -d)
trap 'rm -rf "$prefix"' EXIT
make --no-print-directory install PREFIX="$prefix" BUILD=build-check >"$prefix/log" 2>&1 || { tail -20 "$prefix/log"; exit 1; }
(cd "$prefix" && env -i PATH=/usr/bin:/bin "$prefix/bin/tarn" doctor >"$prefix/log") || { cat "$prefix/log"; exit 1; }
flags=$(PKG_CONFIG_PATH=$prefix/lib/pkgconfig pkg-config --cflags --libs tarn-model)
# shellcheck disable=SC2086
gcc -O2 -o "$prefix/predict" examples/embed/predict.c $flags -lm
build-check/embed_sample --samples "$prefix"
got=$(LD_LIBRARY_PATH=$prefix/lib "$prefix/predict" "$prefix/sample.model" month=3 carrier=AS distance=1200.5 departs=1394386200e6)
[ "$got" = "late = 0.189694" ] || { echo "the installed library predicts $got"; exit 1; }
