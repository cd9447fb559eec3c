"""What happens on a connection: reuse after a refusal, slow, short and endless bodies, and full disks."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import socket
import threading
import time
from typing import Any

import pytest

from freehold_client.guard import Limits, NamespaceGuard, spool
from guard.calls import call, environ_of, guarded
from guard.conftest import Served
from guard.made import EVIL, EVIL_FILE, PLAIN_FILE, chunked, field, file, form_type, http, multipart, upload
from guard.readers import reserved_names
from guard.servers import cheroot_server, read_all, status_of, talk, waitress_server, wsgiref_server
from guard.stand_in import STRANGER, FakeClient, RecordingIndex

EVIL_BODY = multipart(upload(EVIL, EVIL_FILE))
PLAIN_BODY = multipart(upload())


def test_a_pipelined_request_after_a_refused_one(served: Served):
    """The second request is read from where it begins, or not at all: never from inside of the first."""
    first = http(EVIL_BODY, form_type(), close=False)
    second = http(PLAIN_BODY, form_type())
    responses = talk(served.port, first + second)
    assert status_of(responses) == 409
    assert all(reserved_names(seen) == [] and seen.body == PLAIN_BODY for seen in served.index.seen)
    if served.server != "wsgiref":  # which closes after each
        assert len(served.index.seen) == 1


@pytest.mark.parametrize("content_type", [form_type(), "text/xml", "application/json"])
def test_a_request_inside_of_a_refused_body(served: Served, content_type: str):
    """A body that is refused early is drained: what it holds is never taken for a request."""
    inner = http(EVIL_BODY, form_type(), target="/inner")
    responses = talk(
        served.port, http(b"x" * 100_000 + inner, content_type, close=False) + http(PLAIN_BODY, form_type())
    )
    assert status_of(responses) in (400, 415)
    assert all(seen.path != "/inner" and seen.body == PLAIN_BODY for seen in served.index.seen)


def test_a_request_inside_of_a_chunked_body(served: Served):
    inner = http(EVIL_BODY, form_type(), target="/inner")
    headers = [("Transfer-Encoding", "chunked")]
    responses = talk(
        served.port, http(chunked(inner), "text/xml", length=None, headers=headers, close=False), timeout=1
    )
    assert status_of(responses) in (411, 415)
    assert served.index.seen == []


def test_credentials_do_not_outlive_their_request(served: Served):
    first = http(multipart([field("name", "acme-x")]), form_type(), user="holder", close=False)
    responses = talk(served.port, first + http(EVIL_BODY, form_type(), user=None))
    assert status_of(responses) == 200
    assert [seen.user for seen in served.index.seen] == ["holder"]


def test_the_refusal_of_a_large_body_arrives(served: Served):
    """The uploader writes all of it before it reads: cut off earlier, it would see a broken connection."""
    body = b"<xml>" + b"x" * 8_000_000
    response = talk(served.port, http(body, "text/xml"), timeout=20)
    assert status_of(response) == 415
    assert b"application/problem+json" in response


def test_a_body_shorter_than_said(served: Served):
    response = talk(served.port, http(PLAIN_BODY, form_type(), length=str(len(PLAIN_BODY) + 100)), half_close=True)
    assert status_of(response) in (0, 400, 408)
    assert served.index.seen == []


def test_a_body_cut_off_at_every_delimiter(served: Served):
    for end in range(0, len(PLAIN_BODY), 97):
        assert status_of(talk(served.port, http(PLAIN_BODY[:end], form_type()))) == 400
    assert served.index.seen == []


def test_a_slow_upload_is_taken(served: Served):
    request = http(PLAIN_BODY, form_type())
    with socket.create_connection(("127.0.0.1", served.port), 10) as connection:
        for place in range(0, len(request), 200):
            connection.sendall(request[place : place + 200])
            time.sleep(0.02)
        assert status_of(read_all(connection)) == 200
    assert [seen.body for seen in served.index.seen] == [PLAIN_BODY]


def test_a_body_that_takes_too_long():
    """Between reads the guard looks at the clock, so a drip doesn't keep a worker for ever."""
    guard, index, client = None, RecordingIndex(), FakeClient()
    guard = NamespaceGuard(
        index, client, identify=lambda _: STRANGER, limits=Limits(body_seconds=0.3, drain_seconds=0.3)
    )
    with wsgiref_server(guard) as port, socket.create_connection(("127.0.0.1", port), 10) as connection:
        connection.sendall(http(b"", form_type(), length="100000") + b"--")
        threading.Thread(target=_drip, args=(connection, PLAIN_BODY[2:]), daemon=True).start()
        assert status_of(read_all(connection)) == 408
    assert index.seen == []


def _drip(connection: socket.socket, body: bytes) -> None:
    with contextlib.suppress(OSError):
        for place in range(len(body)):
            connection.sendall(body[place : place + 1])
            time.sleep(0.02)


@pytest.mark.parametrize("make", [wsgiref_server, cheroot_server, waitress_server])
def test_an_endless_body(make: Any):
    """Its end is the limit, of the body first and then of what is drained."""
    index = RecordingIndex()
    limits = Limits(max_body=100_000, drain_bytes=500_000, drain_seconds=2)
    guard = NamespaceGuard(index, FakeClient(), identify=lambda _: STRANGER, limits=limits)
    begun = http(b"", form_type(), length="2000000") + PLAIN_BODY[:-40]
    with make(guard) as port:
        response = talk(port, begun + b"x" * (2_000_000 - len(PLAIN_BODY) + 40))
    assert status_of(response) in (413, 0)  # 0: more was on its way than is drained
    assert index.seen == []


class Endless:
    """A chunked body that never ends."""

    def __init__(self) -> None:
        self.given = 0

    def read(self, size: int = -1) -> bytes:
        piece = PLAIN_BODY[:-40] if self.given == 0 else b"x" * size
        self.given += len(piece)
        return piece


def test_an_endless_chunked_body():
    guard, index, _ = guarded(limits=Limits(max_body=1_000_000, drain_bytes=1_000_000))
    source = Endless()
    environ = environ_of(**{"wsgi.input": source, "wsgi.input_terminated": True, "CONTENT_LENGTH": None})
    environ["HTTP_TRANSFER_ENCODING"] = "chunked"
    assert call(guard, environ).status.startswith("413 ")
    assert index.seen == []
    assert source.given < 2_300_000


class Failing(io.BytesIO):
    """A connection that breaks."""

    def read1(self, size: int | None = -1, /) -> bytes:
        raise OSError("timed out")


def test_a_connection_that_breaks():
    guard, index, _ = guarded()
    assert call(guard, environ_of(PLAIN_BODY, **{"wsgi.input": Failing(PLAIN_BODY)})).status.startswith("400 ")
    assert index.seen == []


class FullDisk(io.BytesIO):
    """A temporary file for which there is no room."""

    code = errno.ENOSPC

    def write(self, data: Any, /) -> int:
        raise OSError(self.code, os.strerror(self.code))


@pytest.mark.parametrize(("code", "status"), [(errno.ENOSPC, 507), (errno.EDQUOT, 507), (errno.EIO, 503)])
def test_a_full_disk(monkeypatch: pytest.MonkeyPatch, code: int, status: int):
    monkeypatch.setattr(FullDisk, "code", code)
    monkeypatch.setattr(spool.tempfile, "TemporaryFile", lambda **_: FullDisk())
    guard, index, _ = guarded(limits=Limits(spool_memory=10))
    answer = call(guard, environ_of(PLAIN_BODY))
    assert answer.status.startswith(f"{status} ")
    assert "Retry-After" in answer.headers
    assert index.seen == []
    assert call(guard, environ_of(PLAIN_BODY[:0])).status.startswith("400 ")  # it goes on working


def test_no_place_for_temporary_files():
    guard, index, _ = guarded(limits=Limits(spool_memory=10, spool_dir="/nowhere/at/all"))
    assert call(guard, environ_of(PLAIN_BODY)).status.startswith("503 ")
    assert index.seen == []


def test_uploads_under_way_share_a_budget():
    guard, _index, _ = guarded(limits=Limits(spool_total=len(PLAIN_BODY)))
    for _ in range(3):  # each gives back what it took
        assert call(guard, environ_of(PLAIN_BODY)).status == "200 OK"
    answer = call(guard, environ_of(multipart([*upload()[:-1], file(PLAIN_FILE, b"xx" * 1000)])))
    assert answer.status.startswith("503 ")
    assert answer.headers["Retry-After"] == "30"
    assert call(guard, environ_of(PLAIN_BODY)).status == "200 OK"


def test_the_index_may_read_while_it_answers():
    """The held body is there until the answer is closed, and gone then."""

    def index(environ: dict[str, Any], start_response: Any) -> Any:
        start_response("200 OK", [])
        kept.append(environ["wsgi.input"])
        yield kept[0].read()

    kept: list[Any] = []
    guard, _, _ = guarded(index, limits=Limits(spool_memory=10))
    assert call(guard, environ_of(PLAIN_BODY)).body == PLAIN_BODY
    assert kept[0].closed


def test_an_index_that_fails_leaves_nothing_behind():
    def index(environ: dict[str, Any], start_response: Any) -> Any:
        kept.append(environ["wsgi.input"])
        raise RuntimeError("broken")

    kept: list[Any] = []
    guard, _, _ = guarded(index, limits=Limits(spool_memory=10))
    with pytest.raises(RuntimeError, match="broken"):
        call(guard, environ_of(PLAIN_BODY))
    assert kept[0].closed


def test_identify_may_read_the_body():
    def identify(environ: dict[str, Any]) -> Any:
        environ["wsgi.input"].read()
        return STRANGER

    guard, index, _ = guarded(identify=identify)
    assert call(guard, environ_of(PLAIN_BODY)).status == "200 OK"
    assert index.seen[0].body == PLAIN_BODY
