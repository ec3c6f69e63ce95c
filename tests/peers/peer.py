#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Start a server for a test on a free port of this machine, and stop it with the test.

    peer.py s3 | azure | postgres              the real thing, with a bucket or container "packs"
    peer.py faults PORT FILE                   an HTTP proxy in front of PORT that goes wrong as FILE says
    peer.py pgfaults PORT FILE                 the same for PostgreSQL's protocol

Prints the port when it answers, then waits until its standard input ends. "missing: ..." and status 3 if the server is not
installed. FILE holds "KIND COUNT": the next COUNT requests go wrong; it is emptied when they have.

    500, 503 (with Retry-After: 1), slow (1 second late), cut (half of the answer), reset (before any answer), lost (done, but
    no answer), damage (a bit of the body is flipped on the way in)
    pgfaults: drop (at the next bytes from the client), commit (COMMIT arrives, its answer does not)
"""
import base64
import ctypes
import datetime
import hashlib
import hmac
import http.client
import http.server
import os
import shutil
import signal
import socket
import socketserver
import struct
import subprocess
import sys
import tempfile
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
EMU = os.path.join(ROOT, "setup", "emu", "node_modules")
AZURE_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="  # of every azurite


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def missing(what):
    print(f"missing: {what}", flush=True)
    sys.exit(3)


def die_with_parent():
    os.setpgrp()
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def start(command, **more):
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                            preexec_fn=die_with_parent, **more)


def wait_for(port, child, seconds=60):
    end = time.time() + seconds
    while time.time() < end:
        if child.poll() is not None:
            sys.exit(f"the server ended with status {child.returncode}")
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    sys.exit("the server does not answer")


def node():
    found = shutil.which("node") or shutil.which("nodejs")
    return found or missing("node (Debian package npm)")


def s3(folder):
    if not os.path.isdir(os.path.join(EMU, "@20minutes", "s3rver")):
        missing("s3rver; run setup/setup.sh test")
    port = free_port()
    # its marks for the next page of a list are made with DES
    child = start([node(), "--openssl-legacy-provider", os.path.join(ROOT, "tests", "peers", "s3rver.js"), str(port), folder, "packs"])
    wait_for(port, child)
    return port, [child]


def azure_make(port):
    date = datetime.datetime.utcnow().strftime("%a, %d %b %Y %H:%M:%S GMT")
    text = ("PUT\n\n\n\n\n\n\n\n\n\n\n\n" + f"x-ms-date:{date}\nx-ms-version:2021-12-02\n"
            "/devstoreaccount1/devstoreaccount1/packs\nrestype:container")
    mac = base64.b64encode(hmac.new(base64.b64decode(AZURE_KEY), text.encode(), hashlib.sha256).digest()).decode()
    c = http.client.HTTPConnection("127.0.0.1", port)
    c.request("PUT", "/devstoreaccount1/packs?restype=container", headers={
        "x-ms-date": date, "x-ms-version": "2021-12-02", "Authorization": "SharedKey devstoreaccount1:" + mac,
        "Content-Length": "0"})
    status = c.getresponse().status
    if status != 201:
        sys.exit(f"cannot make the container: {status}")


def azure(folder):
    program = os.path.join(EMU, ".bin", "azurite-blob")
    if not os.path.exists(program):
        missing("azurite; run setup/setup.sh test")
    port = free_port()
    child = start([node(), program, "--blobHost", "127.0.0.1", "--blobPort", str(port), "--location", folder, "--silent",
                   "--skipApiVersionCheck", "--disableTelemetry"])
    wait_for(port, child)
    azure_make(port)
    return port, [child]


def postgres(folder):
    programs = "/usr/lib/postgresql/15/bin"
    if not os.path.exists(programs + "/initdb"):
        missing("PostgreSQL 15 (Debian package postgresql-15)")
    as_user = []
    data = os.path.join(folder, "data")
    if os.getuid() == 0:
        as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        shutil.chown(folder, "postgres", "postgres")
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PG")}
    environment["LC_ALL"] = "C"
    done = subprocess.run(as_user + [programs + "/initdb", "-D", data, "-A", "trust", "-U", "tarn", "--no-sync", "-E", "UTF8"],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment,
                          cwd=folder)
    if done.returncode != 0:
        sys.exit("initdb: " + done.stdout.decode(errors="replace")[-300:])
    port = free_port()
    child = start(as_user + [programs + "/postgres", "-D", data, "-c", "listen_addresses=127.0.0.1", "-c", f"port={port}",
                             "-c", "unix_socket_directories=", "-c", "fsync=off", "-c", "max_connections=40"],
                  env=environment, cwd=folder)
    wait_for(port, child)
    for _ in range(100):  # it answers before it lets anybody in
        if subprocess.run([programs + "/psql", "-h", "127.0.0.1", "-p", str(port), "-U", "tarn", "-d", "postgres", "-Atc",
                           "SELECT 1"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment).returncode == 0:
            break
        time.sleep(0.1)
    return port, [child]


class Fault:
    """What goes wrong next, from the file."""

    def __init__(self, path):
        self.path, self.lock = path, threading.Lock()

    def take(self, *kinds):
        with self.lock:
            try:
                with open(self.path, encoding="ascii") as f:
                    words = f.read().split()
            except OSError:
                return ""
            if len(words) < 2 or (kinds and words[0] not in kinds):
                return ""
            left = int(words[1]) - 1
            with open(self.path + ".new", "w", encoding="ascii") as f:
                f.write(f"{words[0]} {left}" if left > 0 else "")
            os.replace(self.path + ".new", self.path)
            return words[0]


def faults(port, path):
    fault = Fault(path)

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def slam(self):
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
            self.close_connection = True

        def refuse(self, status, headers):
            self.send_response_only(status)
            for name, value in headers:
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def pass_on(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            kind = fault.take()
            if kind == "500":
                return self.refuse(500, [])
            if kind == "503":
                return self.refuse(503, [("Retry-After", "1")])
            if kind == "reset":
                return self.slam()
            if kind == "slow":
                time.sleep(1)
            if kind == "damage" and body:
                body = bytes([body[0] ^ 1]) + body[1:]
            ask = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            ask.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                ask.putheader(name, value)
            ask.endheaders(body)
            got = ask.getresponse()
            answer = got.read()
            if kind == "lost":
                return self.slam()
            self.send_response_only(got.status)
            for name, value in got.getheaders():
                if name.lower() not in ("transfer-encoding", "connection", "content-length"):
                    self.send_header(name, value)
            length = got.getheader("Content-Length") if self.command == "HEAD" else str(len(answer))
            self.send_header("Content-Length", length or "0")
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(answer[:len(answer) // 2] if kind == "cut" else answer)
            ask.close()
            if kind == "cut":
                self.wfile.flush()
                self.slam()
            return None

        do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = pass_on

    class Server(http.server.ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request, client_address):
            pass

    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1], []


def pgfaults(port, path):
    fault = Fault(path)

    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            server = socket.create_connection(("127.0.0.1", port))
            muted = threading.Event()

            def back():
                try:
                    while True:
                        data = server.recv(65536)
                        if not data or muted.is_set():
                            break
                        self.request.sendall(data)
                except OSError:
                    pass
                try:
                    self.request.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

            threading.Thread(target=back, daemon=True).start()
            while True:
                data = self.request.recv(65536)
                if not data or fault.take("drop"):
                    break
                if b"COMMIT\0" in data and fault.take("commit"):
                    muted.set()
                    server.sendall(data)
                    time.sleep(0.3)
                    break
                server.sendall(data)
            server.close()

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

        def handle_error(self, request, client_address):
            pass

    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1], []


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    kind, rest = sys.argv[1], sys.argv[2:]
    folder, children = tempfile.mkdtemp(prefix=f"tarn-peer-{kind}-"), []
    os.chmod(folder, 0o755)
    try:
        if kind in ("s3", "azure", "postgres"):
            port, children = {"s3": s3, "azure": azure, "postgres": postgres}[kind](folder)
        else:
            port, children = {"faults": faults, "pgfaults": pgfaults}[kind](int(rest[0]), rest[1])
        print(port, flush=True)
        sys.stdin.buffer.read()
    finally:
        for child in children:
            child.kill()
            child.wait()
        shutil.rmtree(folder, ignore_errors=True)


main()
