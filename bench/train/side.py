# SPDX-License-Identifier: Apache-2.0
"""Run Tarn and its peers by turns on the same data, and print medians and ratios.

    side.py [--repeat 5] TITLE NAME=COMMAND NAME=COMMAND ...

The first command is Tarn's. Each prints one line of JSON: fit_s, and as far as it knows them predict_s, row_us, peak_mb
and one figure of quality (auc, accuracy, rmse, r2, recall, objective ...). A peer that is not installed prints
{"missing": "why"}. Commands run by turns, so that a busy moment of the machine hits all of them alike. The ratio is
the peer's time over Tarn's: above 1, Tarn is faster."""
import json
import shlex
import statistics
import subprocess
import sys

TIMES = ("fit_s", "predict_s", "row_us", "peak_mb")
NOT_QUALITY = TIMES + ("iterations", "model_bytes", "load_s")


def once(command):
    done = subprocess.run(shlex.split(command), capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{command}\n{done.stdout}{done.stderr}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def middle(runs, key):
    found = [r[key] for r in runs if isinstance(r.get(key), (int, float)) and not isinstance(r.get(key), bool)]
    return statistics.median(found) if found else None


def quality(run):
    return {k: v for k, v in run.items() if isinstance(v, float) and k not in NOT_QUALITY}


def cell(value, ours):
    if value is None:
        return f"{'-':>18}"
    ratio = f"({value / ours:6.2f}x)" if ours else " " * 9
    return f"{value:9.4g}{ratio}"


def main(args):
    repeat = 5
    if args[0] == "--repeat":
        repeat, args = int(args[1]), args[2:]
    title, sides = args[0], [a.split("=", 1) for a in args[1:]]
    runs = {name: [] for name, _ in sides}
    for _ in range(repeat):
        for name, command in sides:
            if not (runs[name] and "missing" in runs[name][0]):
                runs[name].append(once(command))
    print(f"\n{title} (median of {repeat})\n{'':24}" + "".join(f"{t:>18}" for t in TIMES) + "  quality")
    first = runs[sides[0][0]]
    for name, _ in sides:
        if "missing" in runs[name][0]:
            print(f"{name:24}  not run: {runs[name][0]['missing']}")
            continue
        ours = [None if runs[name] is first else middle(first, t) for t in TIMES]
        cells = [cell(middle(runs[name], t), o) for t, o in zip(TIMES, ours)]
        print(f"{name:24}" + "".join(cells) + "  " + " ".join(f"{k} {v:.6g}" for k, v in quality(runs[name][-1]).items()))


main(sys.argv[1:])
