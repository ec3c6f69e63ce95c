# SPDX-License-Identifier: Apache-2.0
"""gateway.py FOLDER TARN_PID TARN_PORT NGINX_PID NGINX_PORT ROUNDS REGEX: what gateway.sh measures.

For each size of object and number of clients the two servers take turns, ROUNDS times; the median is printed, with the
server's own CPU time (user and system, of all its processes) for a gigabyte, and its peak of memory. GET is asked by wrk
for two seconds, PUT by one curl with so many transfers at a time. New bytes are random; "again" are the same bytes under
other names. The first GET of an object is printed by itself, since Tarn sends later ones from a plain copy.
"""
import os
import re
import statistics
import subprocess
import sys
import time

folder, rounds = sys.argv[1], int(sys.argv[6])
sizes = (("4 KiB", 4 << 10, 500), ("1 MiB", 1 << 20, 64), ("100 MiB", 100 << 20, 2))
serial = 0


def children(pid):
    found = [pid]
    for p in os.listdir("/proc"):
        if p.isdigit():
            try:
                if open(f"/proc/{p}/stat").read().rsplit(")", 1)[1].split()[1] == str(pid):
                    found.append(int(p))
            except OSError:
                pass
    return found


class Server:
    def __init__(self, name, pid, port, path):
        self.name, self.pid, self.url = name, int(pid), f"http://127.0.0.1:{port}/{path}"

    def cpu(self):
        total = 0
        for p in children(self.pid):
            f = open(f"/proc/{p}/stat").read().rsplit(")", 1)[1].split()
            total += int(f[11]) + int(f[12])
        return total / os.sysconf("SC_CLK_TCK")

    def forget_peak(self):
        for p in children(self.pid):
            with open(f"/proc/{p}/clear_refs", "w") as f:
                f.write("5")

    def peak(self):
        kib = 0
        for p in children(self.pid):
            kib += sum(int(line.split()[1]) for line in open(f"/proc/{p}/status") if line.startswith("VmHWM"))
        return kib / 1024


tarn = Server("tarn", sys.argv[2], sys.argv[3], "bench/main")
nginx = Server("nginx", sys.argv[4], sys.argv[5], "f")


def curl(lines, clients):
    with open(f"{folder}/curl.conf", "w") as f:
        f.write("silent\nno-progress-meter\nfail\noutput = /dev/null\nparallel\nparallel-immediate\nparallel-max = %d\n" % clients)
        f.write('aws-sigv4 = "aws:amz:us-east-1:s3"\nuser = "key:secret"\nheader = "x-amz-content-sha256: UNSIGNED-PAYLOAD"\n')
        f.writelines(lines)
    start = time.monotonic()
    subprocess.run(["curl", "-K", f"{folder}/curl.conf"], check=True)
    return time.monotonic() - start


def put(server, size, n, clients):
    """Bytes for a second. Each round has names of its own, so that nothing is replaced."""
    global serial
    serial += 1
    lines = [f'upload-file = "{folder}/new/{i}"\nurl = "{server.url}/{size}/{serial}/{i}"\noutput = /dev/null\n' for i in range(n)]
    return n * size / curl(lines, clients)


def new_files(size, n):
    os.makedirs(f"{folder}/new", exist_ok=True)
    for i in range(n):
        with open(f"{folder}/new/{i}", "wb") as f:
            for _ in range(max(1, size >> 20)):
                f.write(os.urandom(min(size, 1 << 20)))


def commit():
    subprocess.run(["curl", "-sf", "-o", "/dev/null", "--aws-sigv4", "aws:amz:us-east-1:s3", "--user", "key:secret", "-H",
                    "x-amz-content-sha256: UNSIGNED-PAYLOAD", "-X", "POST", "-d", "x", tarn.url + "?commit="], check=True)


def get(server, size, names, clients):
    with open(f"{folder}/get.lua", "w") as f:
        f.write("local n = 0\nlocal names = {%s}\n" % ",".join(f'"{x}"' for x in names))
        f.write('request = function() n = n % #names + 1; return wrk.format("GET", wrk.path .. names[n]) end\n')
        f.write('done = function(s, l, r) print("RESULT", s.bytes, s.duration, s.errors.status + s.errors.read + s.errors.timeout) end\n')
    out = subprocess.run(["wrk", "-t", "1", "-c", str(clients), "-d", "2s", "--timeout", "20s", "-s", f"{folder}/get.lua", server.url + "/"],
                         capture_output=True, text=True, check=True).stdout
    _, got, us, errors = [line for line in out.splitlines() if line.startswith("RESULT")][0].split()
    assert errors == "0", out
    return int(got) / int(us) * 1e6


def row(title, measure, moved):
    """measure(server) gives bytes a second, moved(rate, seconds) about how many bytes that was."""
    if not re.search(sys.argv[7], title):
        return
    rates = {s.name: [] for s in (tarn, nginx)}
    cpu, peak = {}, {}
    for server in (tarn, nginx):
        server.forget_peak()
        cpu[server.name] = [0.0, 0.0]
    for _ in range(rounds):
        for server in (tarn, nginx):
            before, start = server.cpu(), time.monotonic()
            rate = measure(server)
            cpu[server.name][0] += server.cpu() - before
            cpu[server.name][1] += moved(rate, time.monotonic() - start)
            rates[server.name].append(rate)
            peak[server.name] = server.peak()
    a, b = (statistics.median(rates[s]) for s in ("tarn", "nginx"))
    ca, cb = (cpu[s][0] / cpu[s][1] * 1e9 for s in ("tarn", "nginx"))
    print(f"{title:30} {a / 1e6:8.1f} {b / 1e6:8.1f} {a / b:6.2f}   {ca:7.2f} {cb:7.2f}   {peak['tarn']:6.0f} {peak['nginx']:6.0f}", flush=True)


print(f"{'median of ' + str(rounds):30} {'MB/s':>8} {'nginx':>8} {'ratio':>6}   {'CPU s/GB':>7} {'nginx':>6}   {'MiB':>6} {'nginx':>6}")
for name, size, n in sizes:
    titles = [f"{what} {name}, {c}{kind}" for c in ("1 client", "8 clients") for what, kind in (("GET", ""), ("PUT", ", new"), ("PUT", ", again"))]
    if not any(re.search(sys.argv[7], title) for title in titles):
        continue
    new_files(size, n)
    for clients in (1, 8):
        many = n if clients == 8 or size > 1 << 20 else n // 4

        def fresh(server):
            if server is tarn:
                new_files(size, many)
            return put(server, size, many, clients)

        row(f"PUT {name}, {clients} client{'s' * (clients > 1)}, new", fresh, lambda rate, s: many * size)
        row(f"PUT {name}, {clients} client{'s' * (clients > 1)}, again", lambda server: put(server, size, many, clients), lambda rate, s: many * size)
    last = {}
    for server in (tarn, nginx):
        put(server, size, n, 8)
        last[server] = [f"{size}/{serial}/{i}" for i in range(min(n, 32))]
    commit()
    first = last[tarn][0]
    t = {}
    for server in (tarn, nginx):
        start = time.monotonic()
        subprocess.run(["curl", "-sf", "-o", "/dev/null", f"{server.url}/{last[server][0]}"], check=True)
        t[server.name] = size / (time.monotonic() - start) / 1e6
    print(f"{'GET ' + name + ', the first time':30} {t['tarn']:8.1f} {t['nginx']:8.1f} {t['tarn'] / t['nginx']:6.2f}")
    for server in (tarn, nginx):
        for _ in range(2):
            get(server, size, last[server], 8)
    time.sleep(1)
    for clients in (1, 8):
        row(f"GET {name}, {clients} client{'s' * (clients > 1)}", lambda server: get(server, size, last[server], clients), lambda rate, s: rate * 2)
