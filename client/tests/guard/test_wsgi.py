"""PEP 3333 to the letter, on both sides, by the standard library's validator."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable
from typing import Any
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator

import pytest

from freehold_client.guard import Limits, NamespaceGuard, NamespaceMetadata
from guard.made import EVIL, EVIL_FILE, PLAIN_FILE, field, file, form_type, multipart, upload
from guard.stand_in import STRANGER, FakeClient
from guard.test_metadata import DETAIL, JSON, Source


def index(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    if environ["REQUEST_METHOD"] == "POST":
        environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        answer = b"stored"
    else:
        answer = json.dumps(DETAIL).encode()
    start_response("200 OK", [("Content-Type", JSON), ("Content-Length", str(len(answer)))])
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [answer]


def run(method: str, path: str, body: bytes = b"", **more: str) -> tuple[str, bytes]:
    guard = NamespaceGuard(validator(index), FakeClient(), identify=lambda _: STRANGER, limits=Limits(spool_memory=100))
    app = validator(NamespaceMetadata(guard, Source(), owner_of=lambda _: None))
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "wsgi.input": io.BytesIO(body),
        "SCRIPT_NAME": "",
    }
    environ |= {"CONTENT_LENGTH": str(len(body)), "CONTENT_TYPE": form_type(), "QUERY_STRING": "", **more}
    setup_testing_defaults(environ)
    statuses: list[str] = []
    answer = app(environ, lambda status, headers, exc_info=None: statuses.append(status) or (lambda data: None))
    try:
        return statuses[0] if statuses else "", b"".join(answer)
    finally:
        answer.close()


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/legacy/", multipart(upload()), "200"),
        ("POST", "/legacy/", multipart([field("name", "plain"), file(PLAIN_FILE, b"x" * 1000)]), "200"),
        ("POST", "/legacy/", multipart(upload(EVIL, EVIL_FILE)), "409"),
        ("POST", "/legacy/", b"nonsense", "400"),
        ("DELETE", "/x", b"", "400"),
        ("GET", "/simple/acme-x/", b"", "200"),
        ("HEAD", "/simple/acme-x/", b"", "200"),
        ("GET", "/simple/acme-x/", b"x", "400"),
        ("GET", "/simple/namespaces", b"", "200"),
        ("GET", "/simple/namespace/ACME", b"", "301"),
        ("GET", "/simple/namespace/nope", b"", "404"),
        ("GET", "/elsewhere", b"", "200"),
    ],
)
def test_valid(method: str, path: str, body: bytes, status: str):
    answered, _ = run(method, path, body, HTTP_ACCEPT=JSON)
    assert answered.startswith(status)
