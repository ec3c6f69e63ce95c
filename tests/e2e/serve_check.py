#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What serve_test.sh asks of a running server: serve_check.py WHAT PORT [ARGUMENTS]. Prints ids or nothing; fails loudly."""
import csv
import http.client
import json
import os
import re
import socket
import sys
import threading
import time

RECORD = {"placed": "2023-12-20T10:00:00", "quantity": 2, "discount": 0.1, "age": 30, "city": "Lyon", "price": 20, "kind": "coat"}


class Client:
    def __init__(self, port):
        self.port = port
        self.link = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def ask(self, method, path, body=None, headers=None):
        data = body if body is None or isinstance(body, (bytes, str)) else json.dumps(body)
        self.link.request(method, path, data, headers or ({"Content-Type": "application/json"} if data else {}))
        reply = self.link.getresponse()
        return reply.status, reply.read().decode(), reply

    def json(self, method, path, body=None, want=200):
        status, text, _ = self.ask(method, path, body)
        assert status == want, f"{method} {path}: {status}, expected {want}: {text[:500]}"
        return json.loads(text)

    def refuses(self, path, body, status, *words):
        got, text, _ = self.ask("POST", path, body)
        assert got == status, f"{path} {str(body)[:200]}: {got}, expected {status}: {text[:300]}"
        said = json.loads(text)["error"]
        for word in words:
            assert word in said, f"'{word}' is not in '{said}'"


def without(name):
    return {k: v for k, v in RECORD.items() if k != name}


def records(c):
    """Raw records: one, many, what is refused and how."""
    one = c.json("POST", "/serve/shop", RECORD)
    assert one["model"] == "shop" and one["predictions"][0]["label"] in ("back", "kept"), one
    p = one["predictions"][0]["probability"]
    for body in ([RECORD, RECORD], {"records": [RECORD, RECORD]}):
        many = c.json("POST", "/serve/shop", body)
        assert [x["probability"] for x in many["predictions"]] == [p, p]
        assert len({x["id"] for x in many["predictions"]}) == 2
    for model in ("shop@champion", "shop"):
        assert c.json("POST", f"/serve/{model}", RECORD)["predictions"][0]["probability"] == p
    c.json("POST", "/serve/shop", dict(RECORD, age=None, city=None))
    c.json("POST", "/serve/shop", dict(RECORD, city="Atlantis"))
    c.refuses("/serve/shop", without("price"), 400, "'price'", "missing")
    c.refuses("/serve/shop", dict(RECORD, price=None), 400, "'price'")
    c.refuses("/serve/shop", dict(RECORD, price="x"), 400, "'price'", "expected a finite number", "line 1, column")
    c.refuses("/serve/shop", dict(RECORD, price=[1]), 400, "'price'")
    c.refuses("/serve/shop", dict(RECORD, city=1.5), 400, "'city'")
    c.refuses("/serve/shop", dict(RECORD, placed="yesterday"), 400, "'placed'", "expected a time")
    for bad in ("NaN", "Infinity", "-Infinity", "1e999"):
        c.refuses("/serve/shop", json.dumps(RECORD).replace("20,", bad + ",", 1), 400, "'price'")
    c.refuses("/serve/shop", dict(without("price"), prise=20), 400, "'prise'", "did you mean 'price'?")
    c.refuses("/serve/shop", [RECORD, dict(RECORD, price="x")], 400, "record 1")  # counted from 0, as JSON arrays are
    for body in ("", "{", "[", "[]", "null", "nonsense", '{"a"}', '"text"', b"\xff\xfe{}", b'{"a":"\xff"}', "[" * 100000, '{"records":1}', json.dumps(RECORD) + "x"):
        c.refuses("/serve/shop", body, 400)
    c.refuses("/serve/nobody", RECORD, 404, "nobody")
    c.refuses("/serve/shop@nothing", RECORD, 404)
    assert c.ask("GET", "/serve/shop")[0] == 405
    assert c.ask("GET", "/nowhere")[0] == 404
    assert c.ask("GET", "/../../etc/passwd")[0] in (400, 404)
    print("\n".join(x["id"] for x in many["predictions"]))


def tensor(name, datatype, data):
    return {"name": name, "datatype": datatype, "shape": [len(data)], "data": data}


def protocol(c):
    """The Open Inference Protocol."""
    assert c.json("GET", "/v2")["name"] == "tarn"
    assert c.json("GET", "/v2/health/live")["live"] and c.json("GET", "/v2/health/ready")["ready"]
    assert c.json("GET", "/v2/models/shop/ready")["ready"]
    assert c.json("GET", "/v2/models")["models"] == ["shop"]
    meta = c.json("GET", "/v2/models/shop")
    assert {i["name"] for i in meta["inputs"]} == set(RECORD) and meta["outputs"] and meta["name"] == "shop"
    kinds = {i["name"]: i["datatype"] for i in meta["inputs"]}
    inputs = [tensor(k, kinds[k], [v, v]) for k, v in RECORD.items()]
    reply = c.json("POST", "/v2/models/shop/infer", {"id": "mine", "inputs": inputs})
    p = c.json("POST", "/serve/shop", RECORD)["predictions"][0]["probability"]
    outputs = {o["name"]: o for o in reply["outputs"]}
    assert reply["id"] == "mine" and reply["model_name"] == "shop"
    assert outputs["probability"]["data"] == [p, p] and outputs["probability"]["shape"] == [2]
    c.refuses("/v2/models/shop/infer", {"inputs": inputs[1:]}, 400, "placed")
    c.refuses("/v2/models/shop/infer", {"inputs": [dict(inputs[0], shape=[3])] + inputs[1:]}, 400)
    c.refuses("/v2/models/shop/infer", {"inputs": [dict(inputs[0], datatype="FP99")] + inputs[1:]}, 400)
    c.refuses("/v2/models/shop/infer", {"inputs": [dict(inputs[0], name="plaecd")] + inputs[1:]}, 400, "placed")
    c.refuses("/v2/models/shop/infer", {"inputs": 3}, 400)
    c.refuses("/v2/models/nobody/infer", {"inputs": inputs}, 404)
    versioned = c.json("POST", "/v2/models/shop/versions/1/infer", {"inputs": inputs})
    assert versioned["model_version"] == "1"
    print("\n".join(reply["parameters"]["prediction_ids"].split(",")))


def page(c):
    """The page, its API and the description of all routes."""
    status, text, reply = c.ask("GET", "/")
    assert status == 200 and "<html" in text and reply.getheader("Content-Security-Policy")
    for asset in re.findall(r'(?:src|href)="\./(assets/[^"]+)"', text):
        assert c.ask("GET", "/" + asset)[0] == 200, asset
    routes = c.json("GET", "/openapi.json")["paths"]
    for path in ("/serve/{model}", "/v2/models/{model}/infer", "/metrics", "/api/project"):
        assert path in routes, path
    assert len(c.json("GET", "/api/project")["steps"]) == 18
    runs = c.json("GET", "/api/runs")
    assert runs[0]["state"] == "done", runs[0]
    assert {f["name"] for f in c.json("GET", "/serve/shop/schema")["fields"]} == set(RECORD)
    models = json.dumps(c.json("GET", "/api/models"))
    assert "shop" in models
    c.json("GET", "/api/models/shop/1")
    status, text, _ = c.ask("GET", "/api/models/shop/1/file/assess/roc.svg")
    assert status == 200 and "<svg" in text
    assert c.ask("GET", "/api/models/shop/1/file/../../../../etc/passwd")[0] in (400, 404)
    assert c.ask("GET", "/api/why/nothing")[0] in (400, 404)


SAMPLE = re.compile(r'^[a-zA-Z_:][a-zA-Z0-9_:]*(\{[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"(,[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*")*\})? '
                    r'(?:[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|NaN|[-+]Inf)( -?\d+)?$')
HELP = re.compile(r"^# HELP [a-zA-Z_:][a-zA-Z0-9_:]* .+$")
TYPE = re.compile(r"^# TYPE [a-zA-Z_:][a-zA-Z0-9_:]* (counter|gauge|histogram|summary|untyped)$")


def metrics(c):
    """Every line as Prometheus has it, every sample of a family that was declared, histograms that add up."""
    status, text, reply = c.ask("GET", "/metrics")
    assert status == 200 and reply.getheader("Content-Type").startswith("text/plain"), reply.getheader("Content-Type")
    assert text.endswith("\n")
    families, seen, buckets = {}, set(), {}
    for line in text.splitlines():
        if line.startswith("#"):
            assert HELP.match(line) or TYPE.match(line), line
            if line.startswith("# TYPE"):
                assert line.split()[2] not in families, line
                families[line.split()[2]] = line.split()[3]
            continue
        assert SAMPLE.match(line), line
        series, value = line.rsplit(" ", 1)
        assert series not in seen, f"twice: {series}"
        seen.add(series)
        name = series.split("{")[0]
        base = re.sub(r"_(bucket|sum|count)$", "", name)
        assert name in families or families.get(base) == "histogram", line
        if name.endswith("_bucket"):
            key = re.sub(r',?le="[^"]*"', "", series)
            assert float(value) >= buckets.get(key, 0), f"a bucket falls: {line}"
            buckets[key] = float(value)
    counts = {s.rsplit(" ", 1)[0]: float(s.rsplit(" ", 1)[1]) for s in text.splitlines() if "_count" in s and not s.startswith("#")}
    for key, most in buckets.items():
        assert counts[key.replace("_bucket", "_count")] == most, key
    assert any("tarn_build_info" in s for s in seen) and any("requests_total" in s for s in seen)


def same_as_predict(c, rows, scored):
    """The server and `tarn predict` say the same of the same rows."""
    numbers = ("quantity", "discount", "age", "price")
    asked = []
    for row in list(csv.DictReader(open(rows)))[:200]:
        asked.append({k: (None if row[k] == "" else float(row[k]) if k in numbers else row[k]) for k in RECORD})
    told = [float(row["p(back)"]) for row in list(csv.DictReader(open(scored)))[:200]]
    got = [x["probability"] for x in c.json("POST", "/serve/shop", asked)["predictions"]]
    assert got == told, [(a, b) for a, b in zip(got, told) if a != b][:3]


def garbage(c, megabytes):
    """Bytes without end, as a body, in pieces, and as no HTTP at all. The server says no, or closes; it never waits for all of it."""
    junk = bytes(range(256)) * 4096
    heads = [b"POST /serve/shop HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n" % (megabytes << 20),
             b"POST /v2/models/shop/infer HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n",
             b"", b"GET /" + b"a" * 200000, b"GET / HTTP/1.1\r\n" + b"X-Junk: " + b"b" * 300000]
    for head in heads:
        link = socket.create_connection(("127.0.0.1", c.port), timeout=60)
        chunked = b"chunked" in head
        sent = 0
        try:
            link.sendall(head)
            while sent < megabytes << 20:
                piece = b"%x\r\n" % len(junk) + junk + b"\r\n" if chunked else junk
                link.sendall(piece)
                sent += len(junk)
        except OSError:
            pass
        try:
            link.shutdown(socket.SHUT_WR)
            first = link.recv(200)
        except OSError:
            first = b""
        assert first == b"" or first.startswith(b"HTTP/1."), first
        if first:
            assert int(first.split()[1]) >= 400, first
        link.close()
    assert Client(c.port).json("GET", "/v2/health/live")["live"]


def while_promoted(c, stop):
    """Ask without a pause from several threads until file `stop` is there; print the versions in the order in which they were
    seen by one of them."""
    failed, seen = [], [[] for _ in range(4)]

    def ask(list_of_mine):
        mine = Client(c.port)
        while not os.path.exists(stop):
            try:
                list_of_mine.append(mine.json("POST", "/serve/shop", RECORD)["version"])
            except Exception as problem:  # pylint: disable=broad-except
                failed.append(repr(problem))

    threads = [threading.Thread(target=ask, args=(s,)) for s in seen]
    for t in threads:
        t.start()
    while not all(seen) and not failed:
        time.sleep(0.05)
    print("all threads have been answered", flush=True)
    for t in threads:
        t.join()
    assert not failed, failed[:3]
    for s in seen:
        changes = [v for i, v in enumerate(s) if i == 0 or s[i - 1] != v]
        assert len(changes) >= 2, f"only version {changes} was seen in {len(s)} answers"
    print(sum(len(s) for s in seen), "answers, versions", changes)


def many(c, count):
    """Acknowledged ids, one a line, as they come, each with the moment at which its answer was here."""
    for _ in range(int(count)):
        print(c.json("POST", "/serve/shop", RECORD)["predictions"][0]["id"], f"{time.time():.3f}", flush=True)


what, client = sys.argv[1], Client(int(sys.argv[2]))
if what == "garbage":
    garbage(client, int(sys.argv[3]))
else:
    {"records": records, "protocol": protocol, "page": page, "metrics": metrics, "same_as_predict": same_as_predict,
     "while_promoted": while_promoted, "many": many}[what](client, *sys.argv[3:])
