#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Run a command with servers of its own: with.py s3|azure|postgres|faults|pgfaults ... -- COMMAND...

The command finds their ports in PEER_S3, PEER_AZURE, PEER_POSTGRES; keys in the usual variables; and for the lake's unit
tests TARN_TEST_STORE and TARN_TEST_META. faults stands behind the s3 it is in front of (PEER_FAULTS, PEER_FAULTS_FILE).
Status 0 with a line "SKIPPED" if a server is not installed and TARN_TESTS_MAY_SKIP is set."""
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
AZURE_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


def main():
    cut = sys.argv.index("--")
    kinds, command = sys.argv[1:cut], sys.argv[cut + 1:]
    env, peers, files = dict(os.environ), [], []
    env.update(AWS_ACCESS_KEY_ID="S3RVER", AWS_SECRET_ACCESS_KEY="S3RVER", AZURE_STORAGE_ACCOUNT="devstoreaccount1",
               AZURE_STORAGE_KEY=AZURE_KEY, no_proxy="127.0.0.1")
    for name in ("AWS_SESSION_TOKEN", "AWS_PROFILE", "PGPASSWORD", "PGSERVICE", "PGUSER"):
        env.pop(name, None)
    status = 1
    try:
        for kind in kinds:
            more = []
            if kind.endswith("faults"):
                fd, path = tempfile.mkstemp(prefix="tarn-fault-")
                os.close(fd)
                files.append(path)
                env[f"PEER_{kind.upper()}_FILE"] = path
                more = [env["PEER_S3" if kind == "faults" else "PEER_POSTGRES"], path]
            p = subprocess.Popen([sys.executable, os.path.join(HERE, "peer.py"), kind] + more, stdin=subprocess.PIPE,
                                 stdout=subprocess.PIPE, text=True)
            peers.append(p)
            line = p.stdout.readline().strip()
            if not line.isdigit():
                if line.startswith("missing") and os.environ.get("TARN_TESTS_MAY_SKIP"):
                    print(f"SKIPPED: {line}")
                    return 0
                print(f"{kind} does not start: {line}", file=sys.stderr)
                return 1
            env[f"PEER_{kind.upper()}"] = line
        if "s3" in kinds:
            env["TARN_TEST_STORE"] = f"s3://packs/@?endpoint=http://127.0.0.1:{env['PEER_S3']}"
        if "azure" in kinds:
            env["TARN_TEST_STORE"] = f"azure://packs/@?endpoint=http://127.0.0.1:{env['PEER_AZURE']}/devstoreaccount1"
        if "postgres" in kinds:
            env["TARN_TEST_META"] = f"postgresql://127.0.0.1:{env['PEER_POSTGRES']}/postgres?schema=@&user=tarn"
        status = subprocess.run(command, env=env).returncode
    finally:
        for p in peers:
            p.stdin.close()
        for p in peers:
            p.wait()
        for path in files:
            os.unlink(path)
    return status


sys.exit(main())
