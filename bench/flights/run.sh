#!/usr/bin/env bash
# The main job, Tarn beside Python (pandas and scikit-learn), in turn on the same files: wall seconds, CPU seconds, peak
# memory, and AUC on the same test rows. Usage: run.sh [RUNS] (default 5). Needs setup/setup.sh bench.
set -euo pipefail
cd "$(dirname "$0")/../.."
runs=${1:-5}
python=/usr/bin/python3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -r examples/flights "$work/flights"
exec "$python" - "$runs" "$PWD/build/tarn" "$work/flights" "$PWD/bench/flights/peer.py" "$python" <<'P'
import json, os, shutil, statistics, subprocess, sys, time

runs, tarn, folder, peer, python = int(sys.argv[1]), *sys.argv[2:]
threads = os.cpu_count()


def measured(command, **kw):
    """One run: wall, CPU and peak memory by the kernel's own account of the finished process."""
    start = time.perf_counter()
    p = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **kw)
    out, errors = p.stdout.read(), p.stderr.read()
    _, status, use = os.wait4(p.pid, 0)
    p.returncode = os.waitstatus_to_exitcode(status)
    if p.returncode:
        sys.exit(f"{command[0]} failed: {errors.decode()[-2000:]}")
    return out, (time.perf_counter() - start, use.ru_utime + use.ru_stime, use.ru_maxrss / 1024)


ours, theirs = [], []
for i in range(runs + 1):  # the first of each warms the disk cache and is not counted
    shutil.rmtree(f"{folder}/.tarn", ignore_errors=True)
    out, used = measured([tarn, "run", "--json", "--folder", folder])
    summary = json.loads(out)
    env = {**os.environ}
    env.pop("OPENBLAS_CORETYPE", None)
    out, peer_used = measured([python, peer, f"{folder}/data", str(threads)], env=env)
    other = json.loads(out.splitlines()[-1])
    if i:
        ours.append(used)
        theirs.append(peer_used)
print(f"{'':24}{'Tarn':>12}{'Python':>12}{'Python/Tarn':>14}   (median of {runs}, {threads} threads)")
for k, what in enumerate(["wall seconds", "CPU seconds", "peak memory MB"]):
    a, b = statistics.median(x[k] for x in ours), statistics.median(x[k] for x in theirs)
    print(f"{what:24}{a:12.2f}{b:12.2f}{b / a:14.2f}")
figures = summary["figures"]
for name, peer_name in [("roc_auc", "test_roc_auc"), ("pr_auc", "pr_auc"), ("log_loss", "log_loss"), ("brier", "brier")]:
    print(f"{'test ' + name:24}{figures[name]:12.4f}{other[peer_name]:12.4f}")
print("Tarn, per step:  " + ", ".join(f"{s['name']} {s['seconds']:.2f}" for s in summary["steps"] if s["seconds"] >= 0.05))
print("Python, per part: " + ", ".join(f"{k} {v:.2f}" for k, v in other["seconds"].items()), "| winner", other["winner"], other["valid"], other["test"])
P
