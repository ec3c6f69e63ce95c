# SPDX-License-Identifier: Apache-2.0
"""What boto3 and plain sockets ask of the gateway:   s3_check.py WHAT PORT BUCKET. Exits with a message if wrong."""
import datetime
import hashlib
import hmac
import io
import json
import random
import socket
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

import boto3
import botocore
from boto3.s3.transfer import TransferConfig
from botocore.client import Config

what, port, bucket = sys.argv[1], int(sys.argv[2]), sys.argv[3]
url = f"http://127.0.0.1:{port}"


def client(**more):
    config = Config(signature_version="s3v4", s3={"addressing_style": "path"}, **{"retries": {"max_attempts": 1}, **more})
    return boto3.client("s3", endpoint_url=url, region_name="us-east-1", config=config)


s3 = client()


def refused(code, call, **kw):
    try:
        call(**kw)
    except botocore.exceptions.ClientError as e:
        got = e.response["Error"]["Code"]
        assert got == code or str(e.response["ResponseMetadata"]["HTTPStatusCode"]) == code, f"{code} expected: {e}"
        return e.response
    raise AssertionError(f"{code} expected, but it went well: {kw}")


def asking(name, value, op, **kw):
    """The call with a header that Debian's boto3 does not know yet."""
    where = f"before-sign.s3.{op.__name__.title().replace('_', '')}"

    def add(request, **_):
        request.headers[name] = value

    s3.meta.events.register(where, add)
    try:
        return op(**kw)
    finally:
        s3.meta.events.unregister(where, add)


def objects():
    put = s3.put_object(Bucket=bucket, Key="main/b/one.txt", Body=b"one", ContentType="text/x-test", CacheControl="no-cache",
                        ContentDisposition="attachment", Metadata={"colour": "blue"}, Tagging="a=1&b=2")
    etag = '"' + hashlib.md5(b"one").hexdigest() + '"'
    assert put["ETag"] == etag
    got = s3.get_object(Bucket=bucket, Key="main/b/one.txt")
    assert got["Body"].read() == b"one" and got["ContentType"] == "text/x-test" and got["CacheControl"] == "no-cache"
    assert got["Metadata"] == {"colour": "blue"} and got["ETag"] == etag and got["ContentDisposition"] == "attachment"
    tags = s3.get_object_tagging(Bucket=bucket, Key="main/b/one.txt")["TagSet"]
    assert sorted((t["Key"], t["Value"]) for t in tags) == [("a", "1"), ("b", "2")]
    head = s3.head_object(Bucket=bucket, Key="main/b/one.txt")
    assert head["ContentLength"] == 3
    assert s3.get_object(Bucket=bucket, Key="main/b/one.txt", Range="bytes=1-")["Body"].read() == b"ne"
    assert s3.get_object(Bucket=bucket, Key="main/b/one.txt", Range="bytes=-2")["ContentRange"] == "bytes 1-2/3"
    refused("InvalidRange", s3.get_object, Bucket=bucket, Key="main/b/one.txt", Range="bytes=3-")
    refused("304", s3.get_object, Bucket=bucket, Key="main/b/one.txt", IfNoneMatch=etag)
    refused("PreconditionFailed", s3.get_object, Bucket=bucket, Key="main/b/one.txt", IfMatch='"x"')
    later = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=1)
    refused("304", s3.get_object, Bucket=bucket, Key="main/b/one.txt", IfModifiedSince=later)
    refused("NoSuchKey", s3.get_object, Bucket=bucket, Key="main/b/none")
    refused("NoSuchKey", s3.get_object, Bucket=bucket, Key="nobranch/b")
    refused("NoSuchBucket", s3.list_objects_v2, Bucket="nosuchbucket")
    for key in ("main//x", "main/a/../b", "main/./b", "main/a\x01b", "main/ versions/x"):
        refused("InvalidArgument", s3.put_object, Bucket=bucket, Key=key, Body=b"x")
    s3.put_object(Bucket=bucket, Key="main/folder/", Body=b"")
    s3.put_object(Bucket=bucket, Key="main/folder/!in", Body=b"x")
    names = [o["Key"] for o in s3.list_objects_v2(Bucket=bucket, Prefix="main/folder/")["Contents"]]
    assert names == ["main/folder/", "main/folder/!in"], names
    copy = {"Bucket": bucket, "Key": "main/b/one.txt"}
    s3.copy_object(Bucket=bucket, Key="main/b/two.txt", CopySource=copy)
    s3.copy_object(Bucket=bucket, Key="main/b/three.txt", CopySource=copy, Metadata={"x": "y"}, MetadataDirective="REPLACE")
    assert s3.head_object(Bucket=bucket, Key="main/b/two.txt")["Metadata"] == {"colour": "blue"}
    assert s3.head_object(Bucket=bucket, Key="main/b/three.txt")["Metadata"] == {"x": "y"}
    # What is asked on a condition, or of a part of the content, is not done without it.
    two = {"Bucket": bucket, "Key": "main/b/two.txt"}
    refused("PreconditionFailed", asking, name="If-Match", value='"x"', op=s3.delete_object, **two)
    refused("NotImplemented", asking, name="x-amz-if-match-size", value="3", op=s3.delete_object, **two)
    refused("NotImplemented", asking, name="x-amz-write-offset-bytes", value="3", op=s3.put_object, Body=b"tail", **two)
    refused("NotImplemented", s3.put_object, Bucket=bucket, Key="main/b/two.txt", Body=b"cold", StorageClass="GLACIER")
    refused("InvalidStorageClass", s3.put_object, Bucket=bucket, Key="main/b/two.txt", Body=b"cold", StorageClass="WARM")
    refused("NotImplemented", s3.get_object, Bucket=bucket, Key="main/b/two.txt", SSECustomerAlgorithm="AES256", SSECustomerKey="k" * 32)
    refused("AccessDenied", s3.get_object, Bucket=bucket, Key="main/b/two.txt", ExpectedBucketOwner="111122223333")
    assert s3.get_object(Bucket=bucket, Key="main/b/two.txt")["Body"].read() == b"one"
    s3.put_object(Bucket=bucket, Key="main/b/four.txt", Body=b"one")
    asking("If-Match", etag, s3.delete_object, Bucket=bucket, Key="main/b/four.txt")
    refused("404", s3.head_object, Bucket=bucket, Key="main/b/four.txt")
    # A branch is no key: nothing is written beside what it holds.
    refused("InvalidArgument", s3.put_object, Bucket=bucket, Key="main", Body=b"x")
    refused("InvalidArgument", s3.copy_object, Bucket=bucket, Key="main", CopySource=copy)
    refused("InvalidArgument", s3.create_multipart_upload, Bucket=bucket, Key="main")
    refused("404", s3.head_object, Bucket=bucket, Key="main")
    gone = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "main/b/two.txt"}, {"Key": "main/none"}, {"Key": "main//"}]})
    assert len(gone["Deleted"]) == 2 and gone["Errors"][0]["Code"] == "InvalidArgument"
    s3.delete_object(Bucket=bucket, Key="main/b/three.txt")
    refused("404", s3.head_object, Bucket=bucket, Key="main/b/three.txt")
    refused("NotImplemented", s3.get_bucket_lifecycle_configuration, Bucket=bucket)
    refused("NotImplemented", s3.put_object, Bucket=bucket, Key="main/x", Body=b"", ServerSideEncryption="AES256")
    refused("NotImplemented", s3.put_object, Bucket=bucket, Key="main/x", Body=b"", ACL="public-read")
    refused("InvalidTag", s3.put_object, Bucket=bucket, Key="main/x", Body=b"", Tagging="a=1&a=2")
    assert s3.get_object_acl(Bucket=bucket, Key="main/b/one.txt")["Grants"][0]["Permission"] == "FULL_CONTROL"


def listing():
    for i in range(25):
        s3.put_object(Bucket=bucket, Key=f"main/l/{i % 5}/k{i:02} +&", Body=b"x")
    pages, token = [], {}
    while True:
        page = s3.list_objects_v2(Bucket=bucket, Prefix="main/l/", MaxKeys=7, **token)
        pages += [o["Key"] for o in page.get("Contents", [])]
        if not page["IsTruncated"]:
            break
        token = {"ContinuationToken": page["NextContinuationToken"]}
    assert pages == sorted(f"main/l/{i % 5}/k{i:02} +&" for i in range(25)), pages
    folded = s3.list_objects_v2(Bucket=bucket, Prefix="main/l/", Delimiter="/")
    assert [p["Prefix"] for p in folded["CommonPrefixes"]] == [f"main/l/{i}/" for i in range(5)] and "Contents" not in folded
    odd = s3.list_objects_v2(Bucket=bucket, Prefix="main/l/", Delimiter="k0")
    assert [p["Prefix"] for p in odd["CommonPrefixes"]] == [f"main/l/{i}/k0" for i in range(5)] and len(odd["Contents"]) == 15
    first = s3.list_objects(Bucket=bucket, Prefix="main/l/", Delimiter="/", MaxKeys=2)
    assert first["NextMarker"] == "main/l/1/"
    after = s3.list_objects_v2(Bucket=bucket, Prefix="main/l/", StartAfter="main/l/4/k09 +&")
    assert after["KeyCount"] == 3
    tops = s3.list_objects_v2(Bucket=bucket, Delimiter="/")
    assert {"Prefix": "main/"} in tops["CommonPrefixes"]


def multipart():
    body = bytes(range(256)) * (13 << 12)  # 13 MiB
    s3.upload_fileobj(io.BytesIO(body), bucket, "main/m/big", Config=TransferConfig(multipart_threshold=5 << 20, multipart_chunksize=5 << 20))
    head = s3.head_object(Bucket=bucket, Key="main/m/big")
    assert head["ETag"].endswith('-3"') and head["ContentLength"] == len(body)
    assert s3.get_object(Bucket=bucket, Key="main/m/big")["Body"].read() == body
    part = s3.get_object(Bucket=bucket, Key="main/m/big", PartNumber=2)
    assert part["Body"].read() == body[5 << 20:10 << 20] and part["PartsCount"] == 3
    up = s3.create_multipart_upload(Bucket=bucket, Key="main/m/x")["UploadId"]
    own = dict(Bucket=bucket, Key="main/m/x", UploadId=up)
    one = s3.upload_part_copy(PartNumber=1, CopySource=f"{bucket}/main/m/big", CopySourceRange=f"bytes=1-{5 << 20}", **own)["CopyPartResult"]["ETag"]
    two = s3.upload_part(PartNumber=3, Body=b"tail", **own)["ETag"]
    assert [p["PartNumber"] for p in s3.list_parts(**own)["Parts"]] == [1, 3]
    assert up in [u["UploadId"] for u in s3.list_multipart_uploads(Bucket=bucket, Prefix="main/m/")["Uploads"]]
    refused("InvalidPartOrder", s3.complete_multipart_upload, MultipartUpload={"Parts": [{"PartNumber": 3, "ETag": two}, {"PartNumber": 1, "ETag": one}]}, **own)
    refused("InvalidPart", s3.complete_multipart_upload, MultipartUpload={"Parts": [{"PartNumber": 2, "ETag": two}]}, **own)
    refused("NoSuchKey", s3.get_object, Bucket=bucket, Key="main/m/x")
    s3.complete_multipart_upload(MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": one}, {"PartNumber": 3, "ETag": two}]}, **own)
    assert s3.get_object(Bucket=bucket, Key="main/m/x")["Body"].read() == body[1:(5 << 20) + 1] + b"tail"
    refused("NoSuchUpload", s3.list_parts, **own)
    up = s3.create_multipart_upload(Bucket=bucket, Key="main/m/x")["UploadId"]
    own["UploadId"] = up
    small = [s3.upload_part(PartNumber=i, Body=b"s", **own)["ETag"] for i in (1, 2)]
    refused("EntityTooSmall", s3.complete_multipart_upload, MultipartUpload={"Parts": [{"PartNumber": i + 1, "ETag": e} for i, e in enumerate(small)]}, **own)
    s3.abort_multipart_upload(**own)
    refused("NoSuchUpload", s3.upload_part, PartNumber=1, Body=b"s", **own)


def half():
    """Two parts of an upload, which `rest` completes in another process."""
    up = s3.create_multipart_upload(Bucket=bucket, Key="main/m/kept", ContentType="text/x-kept")["UploadId"]
    own = dict(Bucket=bucket, Key="main/m/kept", UploadId=up)
    bodies = [random.Random(n).randbytes(5 << 20) for n in (1, 2)]
    tags = [s3.upload_part(PartNumber=i + 1, Body=b, **own)["ETag"] for i, b in enumerate(bodies)]
    with open("half.json", "w") as f:
        json.dump({"own": own, "tags": tags}, f)


def rest():
    with open("half.json") as f:
        half = json.load(f)
    parts = [{"PartNumber": i + 1, "ETag": t} for i, t in enumerate(half["tags"])]
    s3.complete_multipart_upload(MultipartUpload={"Parts": parts}, **half["own"])
    got = s3.get_object(Bucket=bucket, Key="main/m/kept")
    assert got["Body"].read() == b"".join(random.Random(n).randbytes(5 << 20) for n in (1, 2))
    assert got["ContentType"] == "text/x-kept"


def fetch(u, method="GET", data=None, headers={}):
    try:
        with urllib.request.urlopen(urllib.request.Request(u, data=data, method=method, headers=headers), timeout=20) as r:
            return r.status, r.read(), r.headers
    except urllib.error.HTTPError as e:
        return e.code, e.read(), e.headers


def presigned():
    s3.put_object(Bucket=bucket, Key="main/p q+r", Body=b"presigned")
    u = s3.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "main/p q+r", "ResponseContentType": "text/plain"}, ExpiresIn=60)
    status, body, headers = fetch(u)
    assert (status, body, headers["Content-Type"]) == (200, b"presigned", "text/plain")
    assert fetch(u.replace("text%2Fplain", "text%2Fhtml"))[0] == 403
    assert fetch(u.replace("main/p", "main/q"))[0] == 403
    u = s3.generate_presigned_url("put_object", {"Bucket": bucket, "Key": "main/put"}, ExpiresIn=60)
    assert fetch(u, "PUT", b"by url")[0] == 200 and s3.get_object(Bucket=bucket, Key="main/put")["Body"].read() == b"by url"
    u = s3.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "main/put"}, ExpiresIn=1)
    time.sleep(2.1)
    status, body, _ = fetch(u)
    assert status == 403 and b"expired" in body
    u = s3.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "main/put"}, ExpiresIn=8 * 86400)
    assert fetch(u)[0] == 400


def versions():
    name = "versioned-bucket"
    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key="k", Body=b"null")
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    one = s3.put_object(Bucket=name, Key="k", Body=b"one")["VersionId"]
    two = s3.put_object(Bucket=name, Key="k", Body=b"two")["VersionId"]
    marker = s3.delete_object(Bucket=name, Key="k")
    assert marker["DeleteMarker"]
    refused("NoSuchKey", s3.get_object, Bucket=name, Key="k")
    assert "Contents" not in s3.list_objects_v2(Bucket=name)
    listed = s3.list_object_versions(Bucket=name)
    assert [v["VersionId"] for v in listed["Versions"]] == [two, one, "null"] and len(listed["DeleteMarkers"]) == 1
    assert listed["DeleteMarkers"][0]["IsLatest"] and not listed["Versions"][0]["IsLatest"]
    for version, body in ((one, b"one"), (two, b"two"), ("null", b"null")):
        assert s3.get_object(Bucket=name, Key="k", VersionId=version)["Body"].read() == body
    refused("MethodNotAllowed", s3.get_object, Bucket=name, Key="k", VersionId=marker["VersionId"])
    s3.delete_object(Bucket=name, Key="k", VersionId=marker["VersionId"])
    assert s3.get_object(Bucket=name, Key="k")["Body"].read() == b"two"
    s3.delete_object(Bucket=name, Key="k", VersionId=two)
    assert s3.get_object(Bucket=name, Key="k")["Body"].read() == b"one"
    paged = s3.list_object_versions(Bucket=name, MaxKeys=1)
    assert paged["IsTruncated"] and [v["VersionId"] for v in paged["Versions"]] == [one]
    rest = s3.list_object_versions(Bucket=name, KeyMarker=paged["NextKeyMarker"], VersionIdMarker=paged["NextVersionIdMarker"])
    assert [v["VersionId"] for v in rest["Versions"]] == ["null"]
    refused("BucketNotEmpty", s3.delete_bucket, Bucket=name)
    s3.delete_objects(Bucket=name, Delete={"Objects": [{"Key": "k", "VersionId": v} for v in (one, "null")]})
    s3.delete_bucket(Bucket=name)
    refused("404", s3.head_bucket, Bucket=name)


def locks():
    """Retention and legal holds, and that they are holds of the lake (s3_test.sh looks at those afterwards)."""
    name = "locked-bucket"
    s3.create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)
    assert s3.get_bucket_versioning(Bucket=name)["Status"] == "Enabled"
    refused("InvalidBucketState", s3.put_bucket_versioning, Bucket=name, VersioningConfiguration={"Status": "Suspended"})
    soon = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0) + datetime.timedelta(days=2)
    later, sooner = soon + datetime.timedelta(days=2), soon - datetime.timedelta(days=1)

    def version(key, **kw):
        return dict(Bucket=name, Key=key, VersionId=s3.put_object(Bucket=name, Key=key, Body=key.encode(), **kw)["VersionId"])

    # GOVERNANCE: longer is fine; shorter, or deleted, with the header and the right alone.
    g = version("governed", ObjectLockMode="GOVERNANCE", ObjectLockRetainUntilDate=soon)
    head = s3.head_object(**g)
    assert head["ObjectLockMode"] == "GOVERNANCE" and head["ObjectLockRetainUntilDate"] == soon, head
    refused("AccessDenied", s3.delete_object, **g)
    s3.put_object_retention(Retention={"Mode": "GOVERNANCE", "RetainUntilDate": later}, **g)
    assert s3.get_object_retention(**g)["Retention"] == {"Mode": "GOVERNANCE", "RetainUntilDate": later}
    refused("AccessDenied", s3.put_object_retention, Retention={"Mode": "GOVERNANCE", "RetainUntilDate": sooner}, **g)
    s3.put_object_retention(Retention={"Mode": "GOVERNANCE", "RetainUntilDate": sooner}, BypassGovernanceRetention=True, **g)
    assert s3.get_object_retention(**g)["Retention"]["RetainUntilDate"] == sooner
    s3.delete_object(Bucket=name, Key="governed")  # a delete marker is no deletion
    assert s3.get_object(**g)["Body"].read() == b"governed"
    refused("AccessDenied", s3.delete_object, **g)
    s3.delete_object(BypassGovernanceRetention=True, **g)
    refused("NoSuchVersion", s3.get_object, **g)
    # COMPLIANCE: longer is all.
    c = version("complied", ObjectLockMode="COMPLIANCE", ObjectLockRetainUntilDate=soon)
    for kw in ({}, {"BypassGovernanceRetention": True}):
        refused("AccessDenied", s3.delete_object, **c, **kw)
        refused("AccessDenied", s3.put_object_retention, Retention={"Mode": "COMPLIANCE", "RetainUntilDate": sooner}, **c, **kw)
        refused("AccessDenied", s3.put_object_retention, Retention={"Mode": "GOVERNANCE", "RetainUntilDate": later}, **c, **kw)
        refused("AccessDenied", s3.put_object_retention, Retention={}, **c, **kw)
    s3.put_object_retention(Retention={"Mode": "COMPLIANCE", "RetainUntilDate": later}, **c)
    assert s3.get_object_retention(**c)["Retention"] == {"Mode": "COMPLIANCE", "RetainUntilDate": later}
    # A legal hold has no end, and no bypass.
    h = version("held", ObjectLockLegalHoldStatus="ON")
    assert s3.get_object_legal_hold(**h)["LegalHold"]["Status"] == "ON"
    refused("NoSuchObjectLockConfiguration", s3.get_object_retention, **h)
    refused("AccessDenied", s3.delete_object, BypassGovernanceRetention=True, **h)
    s3.put_object_tagging(Tagging={"TagSet": [{"Key": "a", "Value": "b"}]}, **h)
    s3.put_object_legal_hold(LegalHold={"Status": "OFF"}, **h)
    s3.delete_object(**h)
    h = version("held2")
    s3.put_object_legal_hold(LegalHold={"Status": "ON"}, **h)
    refused("AccessDenied", s3.delete_object, **h)
    # The bucket's default, and what is no lock.
    s3.put_object_lock_configuration(Bucket=name, ObjectLockConfiguration={
        "ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 3}}})
    rule = s3.get_object_lock_configuration(Bucket=name)["ObjectLockConfiguration"]["Rule"]["DefaultRetention"]
    assert rule == {"Mode": "COMPLIANCE", "Days": 3}, rule
    d = version("by-default")
    assert s3.get_object_retention(**d)["Retention"]["Mode"] == "COMPLIANCE"
    refused("AccessDenied", s3.delete_object, BypassGovernanceRetention=True, **d)
    past = datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc)
    refused("InvalidArgument", s3.put_object, Bucket=name, Key="x", Body=b"", ObjectLockMode="COMPLIANCE", ObjectLockRetainUntilDate=past)
    refused("InvalidArgument", s3.put_object, Bucket=name, Key="x", Body=b"", ObjectLockMode="COMPLIANCE",
            ObjectLockRetainUntilDate=datetime.datetime(2400, 1, 1, tzinfo=datetime.timezone.utc))
    refused("InvalidRequest", s3.put_object, Bucket=name, Key="x", Body=b"", ObjectLockMode="FOREVER", ObjectLockRetainUntilDate=soon)
    refused("InvalidRequest", s3.put_object, Bucket=bucket, Key="main/x", Body=b"", ObjectLockLegalHoldStatus="ON")
    refused("BucketNotEmpty", s3.delete_bucket, Bucket=name)


def bypass():
    """By a key of somebody who may set holds (maintainer), but not pass over them (admin)."""
    name, soon = "locked-bucket", datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=5)
    v = dict(Bucket=name, Key="theirs", VersionId=s3.put_object(Bucket=name, Key="theirs", Body=b"x", ObjectLockMode="GOVERNANCE",
                                                               ObjectLockRetainUntilDate=soon)["VersionId"])
    refused("AccessDenied", s3.delete_object, BypassGovernanceRetention=True, **v)
    refused("AccessDenied", s3.put_object_retention, Retention={}, BypassGovernanceRetention=True, **v)
    assert s3.get_object(**v)["Body"].read() == b"x"


def anchors():
    """Branch audit is Tarn's alone: the owner's own key does not write there either, by no way."""
    key = dict(Bucket=bucket, Key="audit/x")
    refused("AccessDenied", s3.put_object, Body=b"x", **key)
    refused("AccessDenied", s3.create_multipart_upload, **key)
    refused("AccessDenied", s3.copy_object, CopySource=f"{bucket}/main/b/one.txt", **key)
    refused("AccessDenied", s3.delete_object, **key)
    s3.put_object(Bucket=bucket, Key="main/b/gone.txt", Body=b"x")
    reply = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "audit/x"}, {"Key": "main/b/gone.txt"}]})
    assert [(e["Key"], e["Code"]) for e in reply["Errors"]] == [("audit/x", "AccessDenied")], reply
    assert [d["Key"] for d in reply["Deleted"]] == ["main/b/gone.txt"], reply
    head, *_ = signed("POST", f"/{bucket}/audit?commit=", hashlib.sha256(b"x").hexdigest(), {"content-length": "1"}, b"x")
    assert b"AccessDenied" in raw(head)


def slow():
    """With two requests at a time (s3_most_requests): a third is told to slow down; clients come again by themselves."""
    head, *_ = signed("PUT", f"/{bucket}/main/slow", "UNSIGNED-PAYLOAD", {"content-length": "100"}, b"z" * 50)
    held = [socket.create_connection(("127.0.0.1", port), timeout=20) for _ in range(2)]
    for c in held:
        c.sendall(head)
    time.sleep(0.5)
    reply = raw(signed("GET", f"/{bucket}/main/b/one.txt", hashlib.sha256(b"").hexdigest(), {})[0])
    head, _, xml = reply.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 503 ") and b"\r\nretry-after: 1\r\n" in head.lower() + b"\r\n", reply
    assert b"<Code>SlowDown</Code>" in xml, reply
    refused("SlowDown", s3.get_object, Bucket=bucket, Key="main/b/one.txt")
    release = threading.Timer(1.0, lambda: [c.close() for c in held])
    release.start()
    patient = client(retries={"max_attempts": 8, "mode": "standard"})
    started = time.monotonic()
    assert patient.get_object(Bucket=bucket, Key="main/b/one.txt")["Body"].read() == b"one"
    assert time.monotonic() - started > 0.4
    release.join()


def swept():
    """Uploads in parts while s3_test.sh collects garbage without grace again and again: what is acknowledged is there."""
    patient = client(retries={"max_attempts": 10, "mode": "standard"})
    stop = time.monotonic() + 6
    done = again = 0
    while time.monotonic() < stop or done < 3:
        bodies = [random.randbytes(5 << 20), random.randbytes(5 << 20), random.randbytes(1 << 19)]
        own = dict(Bucket=bucket, Key=f"main/swept/{done}")
        own["UploadId"] = patient.create_multipart_upload(**own)["UploadId"]
        parts = []
        for i, b in enumerate(bodies):
            r = patient.upload_part(PartNumber=i + 1, Body=b, **own)
            again += r["ResponseMetadata"]["RetryAttempts"]
            parts.append({"PartNumber": i + 1, "ETag": r["ETag"]})
        patient.complete_multipart_upload(MultipartUpload={"Parts": parts}, **own)
        got = patient.get_object(Bucket=bucket, Key=own["Key"])["Body"].read()
        assert got == b"".join(bodies), f"upload {done} has other bytes"
        done += 1
    print(f"{done} uploads, {again} parts sent again")


def trickle():
    """A big object, read often, comes from a plain copy by the kernel: slow readers are served, stalled ones are not."""
    body = random.Random(7).randbytes(12 << 20)
    s3.put_object(Bucket=bucket, Key="main/hot", Body=body)
    for _ in range(4):
        assert s3.get_object(Bucket=bucket, Key="main/hot")["Body"].read() == body
        time.sleep(0.3)
    assert s3.get_object(Bucket=bucket, Key="main/hot", Range="bytes=1000001-9000000")["Body"].read() == body[1000001:9000001]


def raw(request, pause=0.0, cut=False):
    with socket.create_connection(("127.0.0.1", port), timeout=20) as c:
        c.sendall(request)
        if cut:
            return b""
        time.sleep(pause)
        reply = b""
        while chunk := c.recv(65536):
            reply += chunk
        return reply


def signed(method, path, payload, headers, body=b"", key=("tarnkey", "tarnsecret123"), when=None):
    """A request signed by hand: (bytes, signature, signing key, time, scope)."""
    now = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(when))
    all_headers = {"host": f"127.0.0.1:{port}", "x-amz-date": now, "x-amz-content-sha256": payload, **headers}
    names = ";".join(sorted(h for h in all_headers if h != "content-length"))
    plain, _, query = path.partition("?")
    canonical = "\n".join([method, plain, query, *(f"{n}:{all_headers[n]}" for n in names.split(";")), "", names, payload])
    scope = f"{now[:8]}/us-east-1/s3/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", now, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    k = b"AWS4" + key[1].encode()
    for part in (now[:8], "us-east-1", "s3", "aws4_request"):
        k = hmac.new(k, part.encode(), hashlib.sha256).digest()
    signature = hmac.new(k, text.encode(), hashlib.sha256).hexdigest()
    all_headers["authorization"] = f"AWS4-HMAC-SHA256 Credential={key[0]}/{scope}, SignedHeaders={names}, Signature={signature}"
    head = f"{method} {path} HTTP/1.1\r\n" + "".join(f"{n}: {v}\r\n" for n, v in all_headers.items()) + "connection: close\r\n\r\n"
    return head.encode() + body, signature, k, now, scope


def chunks(signature, k, now, scope, pieces, spoil=False):
    out = b""
    for piece in [*pieces, b""]:
        text = "\n".join(["AWS4-HMAC-SHA256-PAYLOAD", now, scope, signature, hashlib.sha256(b"").hexdigest(), hashlib.sha256(piece).hexdigest()])
        signature = hmac.new(k, text.encode(), hashlib.sha256).hexdigest()
        sent = piece[:-1] + b"!" if spoil and piece else piece
        out += f"{len(piece):x};chunk-signature={signature}\r\n".encode() + sent + b"\r\n"
    return out


def hostile():
    path, nothing = f"/{bucket}/main/h/x", hashlib.sha256(b"").hexdigest()
    pieces = [b"a" * 65536, b"b" * 10]
    size = {"x-amz-decoded-content-length": str(65546), "content-encoding": "aws-chunked"}
    for spoil in (False, True):
        stream = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
        length = len(chunks("0" * 64, b"k", "n", "s", pieces))
        head, *rest = signed("PUT", path, stream, {**size, "content-length": str(length)})
        reply = raw(head + chunks(*rest, pieces, spoil))
        assert (b"SignatureDoesNotMatch" in reply) if spoil else reply.startswith(b"HTTP/1.1 200"), reply
        if not spoil:
            assert s3.get_object(Bucket=bucket, Key="main/h/x")["Body"].read() == b"".join(pieces)
            assert "ContentEncoding" not in s3.head_object(Bucket=bucket, Key="main/h/x")
    trailer = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
    for crc, good in (("NSRBwg==", True), ("AAAAAA==", False)):  # CRC-32 of "abc"
        body = f"3\r\nabc\r\n0\r\nx-amz-checksum-crc32:{crc}\r\n\r\n".encode()
        head, *_ = signed("PUT", path, trailer, {"x-amz-decoded-content-length": "3", "x-amz-trailer": "x-amz-checksum-crc32", "content-length": str(len(body))}, body)
        reply = raw(head)
        assert reply.startswith(b"HTTP/1.1 200") if good else b"BadDigest" in reply, reply
    head, *_ = signed("PUT", path, hashlib.sha256(b"other").hexdigest(), {"content-length": "4"}, b"this")
    assert b"XAmzContentSHA256Mismatch" in raw(head)
    head, *_ = signed("PUT", path, "UNSIGNED-PAYLOAD", {"content-length": "4", "content-md5": "1B2M2Y8AsgTpgAmY7PhCfg=="}, b"this")
    assert b"BadDigest" in raw(head)
    head, *_ = signed("PUT", path + "/nolength", "UNSIGNED-PAYLOAD", {})
    assert b"MissingContentLength" in raw(head)
    only_if = b'<Delete><Object><Key>main/h/x</Key><ETag>"x"</ETag></Object></Delete>'
    head, *_ = signed("POST", f"/{bucket}?delete=", hashlib.sha256(only_if).hexdigest(), {"content-length": str(len(only_if))}, only_if)
    reply = raw(head)
    assert reply.startswith(b"HTTP/1.1 501") and b"NotImplemented" in reply, reply
    head, *_ = signed("GET", path, nothing, {}, key=("tarnkey", "wrong"))
    assert b"SignatureDoesNotMatch" in raw(head)
    head, *_ = signed("GET", path, nothing, {}, key=("nobody", "x"))
    assert b"InvalidAccessKeyId" in raw(head)
    head, *_ = signed("GET", path, nothing, {}, when=time.time() - 16 * 60)
    assert b"RequestTimeTooSkewed" in raw(head)
    head, *_ = signed("GET", path, nothing, {})
    assert b"not signed" in raw(head.replace(b"connection:", b"x-amz-meta-extra: 1\r\nconnection:"))
    host = f"host: 127.0.0.1:{port}\r\nconnection: close\r\n"
    for request in (f"GET {path} HTTP/1.1\r\n{host}authorization: AWS tarnkey:c2ln\r\n\r\n",
                    f"GET {path} HTTP/1.1\r\n{host}authorization: AWS4-HMAC-SHA256 Credential=x\r\n\r\n",
                    f"GET {path}?X-Amz-Algorithm=AWS4-HMAC-SHA256 HTTP/1.1\r\n{host}\r\n",
                    f"GET /{bucket}/%00 HTTP/1.1\r\n{host}\r\n", f"GET /{bucket}/%ff HTTP/1.1\r\n{host}\r\n",
                    f"GET /{'%2e%2e/' * 50} HTTP/1.1\r\n{host}\r\n", f"BREW {path} HTTP/1.1\r\n{host}\r\n",
                    f"GET /{bucket}?{'&'.join('a%d=b' % i for i in range(500))} HTTP/1.1\r\n{host}\r\n",
                    f"GET / HTTP/1.1\r\n{host}{'x-amz-meta-a: ' + 'y' * 60000}\r\n\r\n",
                    "GET / HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n"):
        reply = raw(request.encode())
        assert reply[9:12] in (b"400", b"403", b"431", b"501"), (request[:100], reply[:200])
    # A body cut off leaves nothing.
    head, *_ = signed("PUT", f"/{bucket}/main/h/cut", "UNSIGNED-PAYLOAD", {"content-length": "1000000"}, b"z" * 5000)
    raw(head, cut=True)
    time.sleep(0.3)
    refused("404", s3.head_object, Bucket=bucket, Key="main/h/cut")
    bomb = b"<!DOCTYPE a [<!ENTITY x 'y'>]><Delete><Object><Key>&x;</Key></Object></Delete>"
    for body in (bomb, b"<Delete>", b"<Delete>" + b"<a>" * 100, b"\xff\xfe", b""):
        head, *_ = signed("PUT", f"/{bucket}/main/h/x?tagging=", hashlib.sha256(body).hexdigest(), {"content-length": str(len(body))}, body)
        assert b"MalformedXML" in raw(head), body


globals()[what]()
