#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# check.sh PREDICT SAMPLE LIBRARY - the example predicts, refuses what it should, and the library needs libc alone.
set -eu
predict=$1 sample=$2 library=$3
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

"$sample" --samples "$dir"
got=$("$predict" "$dir/sample.model" month=3 carrier=AS distance=1200.5 departs=1394386200e6)
[ "$got" = "late = 0.189694" ] || { echo "predicted: $got"; exit 1; }
got=$("$predict" "$dir/sample.model" carrier=ZZ)
case $got in "late = 0."*) ;; *) echo "nothing known: $got"; exit 1 ;; esac

got=$("$predict" "$dir/text.model" links=2 note="Free money, FREE!")
[ "$got" = "spam = 0.495784" ] || { echo "predicted: $got"; exit 1; }

if "$predict" "$dir/sample.model" moonth=3 2>"$dir/err"; then echo "took an unknown field"; exit 1; fi
grep -q "moonth=3" "$dir/err"
if "$predict" "$dir/sample.model" month=March 2>"$dir/err"; then echo "took a word for a number"; exit 1; fi
grep -q "not a number" "$dir/err"
head -c 1000 "$dir/sample.model" >"$dir/cut.model"
if "$predict" "$dir/cut.model" 2>"$dir/err"; then echo "took a cut model"; exit 1; fi
grep -q "it was cut" "$dir/err"

# libc, libm, the loader, and a sanitizer's run time where the build has one
needs=$(objdump -p "$library" | sed -n 's/^ *NEEDED *//p' | grep -Ev '^(libc|libm|libpthread|ld-linux-x86-64|libasan|libubsan|libtsan|libgcc_s)\.so' || true)
[ -z "$needs" ] || { echo "the library needs $needs"; exit 1; }
