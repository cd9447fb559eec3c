"""Nothing honest is refused: what tools send reaches the index as they sent it, byte for byte."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from guard.calls import call, environ_of, guarded
from guard.conftest import Served
from guard.made import PLAIN_FILE, chunked, field, file, form_type, http, multipart, part, upload
from guard.readers import everything_read
from guard.servers import status_of, talk
from guard.stand_in import HOLDER, Seen

CAPTURED = sorted((Path(__file__).parent / "honest").glob("*.http"))
TOOLS = {"flit", "hatch", "maturin", "pdm", "poetry", "twine", "uv"}


def as_user(request: bytes, user: str) -> bytes:
    """The captured request with somebody's credentials, on a connection of its own."""
    head, _, body = request.partition(b"\r\n\r\n")
    lines = [line for line in head.split(b"\r\n") if not re.match(rb"(?i)(authorization|connection):", line)]
    credentials = http(user=user).split(b"Authorization: ")[1].split(b"\r\n")[0]
    lines += [b"Authorization: " + credentials, b"Connection: close"]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def test_every_tool_is_here():
    assert {path.name.partition("-")[0] for path in CAPTURED} == TOOLS
    assert len(CAPTURED) == 2 * len(TOOLS)


@pytest.mark.parametrize("path", CAPTURED, ids=lambda path: path.stem)
def test_a_holders_upload_arrives_unchanged(served: Served, path: Path):
    request = as_user(path.read_bytes(), HOLDER)
    response = talk(served.port, request)
    assert status_of(response) == 200, response
    (seen,) = served.index.seen
    body = request.partition(b"\r\n\r\n")[2]
    assert (seen.body, seen.length, seen.user) == (body, str(len(body)), HOLDER)
    assert {asked[0] for asked in served.client.asked} == {"acme-widgets"}
    assert seen.environ["freehold.decision"].organization == "acme"


@pytest.mark.parametrize("path", CAPTURED, ids=lambda path: path.stem)
def test_a_strangers_upload_is_refused(served: Served, path: Path):
    response = talk(served.port, as_user(path.read_bytes(), "stranger"))
    assert status_of(response) == 409
    assert b"acme" in response.split(b"\r\n")[0]
    assert served.index.seen == []


@pytest.mark.parametrize("path", CAPTURED, ids=lambda path: path.stem)
def test_the_parsers_find_the_name_there(path: Path):
    """The suite's readers read honest requests, or they would prove nothing about others."""
    head, _, body = path.read_bytes().partition(b"\r\n\r\n")
    content_type = re.search(rb"(?i)content-type: (.*)", head)[1].decode().strip()  # type: ignore[index]  # it is there
    read = everything_read(Seen("POST", "/", "", content_type, "", None, body, {}))
    readers = {reader for reader, key, value in read if key == "name" and value.lower().startswith("acme")}
    assert readers == {"_werkzeug", "_multipart", "_python_multipart", "_email", "cgi"}
    assert {reader for reader, key, _ in read if key == "filename"} == readers


BODIES = {
    "empty-file": multipart([*upload()[:-1], file(PLAIN_FILE, b"")]),
    "line-breaks": multipart([*upload()[:-1], file(PLAIN_FILE, b"\r\n\r\n--\r\n--8dcb\n\n\r\r" * 9)]),
    "almost-boundary": multipart([*upload()[:-1], file(PLAIN_FILE, b"\r\n--8dcb5a1f0f5a4f0b9e60c1a7a0d3c2b0\r\n")]),
    "all-bytes": multipart([*upload()[:-1], file(PLAIN_FILE, bytes(range(256)) * 1000)]),
    "name-last": multipart([file(PLAIN_FILE), field("name", "plain")]),
    "long-description": multipart(upload("plain", PLAIN_FILE, field("description", "Größe ☃\n" * 200_000))),
    "empty-fields": multipart(upload("plain", PLAIN_FILE, field("home_page", ""), field("platform", ""))),
    "many-fields": multipart(upload("plain", PLAIN_FILE, *[field("requires_dist", f"x{n}") for n in range(2000)])),
    "attestations": multipart(upload("plain", PLAIN_FILE, field("attestations", '[{"version": 1, "name": "acme"}]'))),
    "signature": multipart(upload("plain", PLAIN_FILE, file(PLAIN_FILE + ".asc", name="gpg_signature"))),
    "typed-text": multipart(
        [
            part('Content-Disposition: form-data; name="name"', "plain", "Content-Type: text/plain; charset=utf-8"),
            file(PLAIN_FILE),
        ]
    ),
    "submit": multipart([field(":action", "submit"), field("name", "plain"), field("version", "1.0")]),
    "doc-upload": multipart([field(":action", "doc_upload"), field("name", "pl.ain"), file("pl_ain.zip")]),
    "doc-upload-version": multipart(
        [field(":action", "doc_upload"), field("name", "pl.ain"), file("pl-ain-1.doc.zip")]
    ),
    "legacy-sdist": multipart(upload("Zope.Interface", "zope.interface-5.0.dev1.zip")),
    "legacy-hyphens": multipart(upload("my-long-name", "my-long-name-1.0.tar.gz")),
    "local-version": multipart(upload("plain", "plain-1!1.0+ubuntu.1.tar.gz")),
    "wheel-build": multipart(
        upload("My.Name", "my_name-1.0-2b-cp39-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64.whl")
    ),
    "egg": multipart(upload("plain", "plain-1.0-py3.9.egg")),
}


@pytest.mark.parametrize("label", BODIES)
def test_other_uploads_arrive_unchanged(served: Served, label: str):
    response = talk(served.port, http(BODIES[label], form_type()))
    assert status_of(response) == 200, response
    assert [seen.body for seen in served.index.seen] == [BODIES[label]]


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/x-www-form-urlencoded", b"%3Aaction=submit&name=plain&summary=Gr%C3%B6%C3%9Fe+x%3Bname%3Dy"),
        ("application/x-www-form-urlencoded; charset=utf-8", b":action=remove_pkg&name=plain&version=1"),
        ("application/json", '{"name": "plain", "text": "Größe acme", "n": [1, null]}'.encode()),
    ],
)
def test_small_bodies_arrive_unchanged(served: Served, content_type: str, body: bytes):
    assert status_of(talk(served.port, http(body, content_type))) == 200
    assert [seen.body for seen in served.index.seen] == [body]


@pytest.mark.parametrize("boundary", [b"x", b"-" * 40 + b"abc123", b"a" * 70, b"b.c_d-e", b"=" * 0 + b"0"])
def test_boundaries(boundary: bytes):
    guard, index, _ = guarded()
    body = multipart([field("name", "qlqin"), file("qlqin-1.zip", b"\n")], boundary)
    assert call(guard, environ_of(body, form_type(boundary))).status == "200 OK"
    assert index.seen[0].body == body


def test_a_chunked_upload_arrives_whole(served: Served):
    """Where the server undoes the chunks, the index gets a length; where not, the uploader is asked for one."""
    body = multipart(upload())
    headers = [("Transfer-Encoding", "chunked")]
    status = status_of(talk(served.port, http(chunked(body), form_type(), length=None, headers=headers)))
    if served.server == "wsgiref":
        assert (status, served.index.seen) == (411, [])
    else:
        assert status == 200
        assert [(seen.body, seen.length) for seen in served.index.seen] == [(body, str(len(body)))]


@pytest.mark.parametrize(
    "target",
    [
        "/simple/",
        "/simple/acme-evil/",
        "/?:action=list_classifiers",
        "/search?name=acme&project=acme",
        "/x?version=1;a=b",
        "/a//b",
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_reading_is_not_touched(served: Served, method: str, target: str):
    assert status_of(talk(served.port, http(method=method, target=target, length=None))) == 200
    assert len(served.index.seen) == 1
    assert served.client.asked == []


def test_what_is_allowed_is_let_by_unread(served: Served):
    body = b"name=bob+smith&password=x"
    form = "application/x-www-form-urlencoded"
    assert status_of(talk(served.port, http(body, form, target="/login"))) == 200
    assert status_of(talk(served.port, http(method="DELETE", target="/session", length=None))) == 200
    assert status_of(talk(served.port, http(b'{"name": 5}', "application/json", target="/+api/x"))) == 200
    assert [seen.body for seen in served.index.seen] == [body, b"", b'{"name": 5}']
    assert served.client.asked == []


def test_expect_100_continue(served: Served):
    request = http(multipart(upload()), form_type(), headers=[("Expect", "100-continue")])
    assert status_of(talk(served.port, request)) == 200
