"""The simple API with PEP 752's additions: bodies, versions, tags, lengths, and what is left alone."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from typing import Any

import pytest

from freehold_client.errors import FreeholdUnavailable
from freehold_client.guard import NamespaceMetadata
from freehold_client.guard import metadata as module
from freehold_client.guard.simple import satisfies_earlier_versions
from freehold_client.snapshot import Grant, Snapshot
from guard.calls import Answer, call, environ_of
from guard.servers import SERVERS, talk

JSON = "application/vnd.pypi.simple.v1+json"
PIP = f"{JSON}, application/vnd.pypi.simple.v1+html; q=0.1, text/html; q=0.01"
FILE = {"filename": "acme_x-1.0.tar.gz", "url": "/f/acme_x-1.0.tar.gz", "hashes": {"sha256": "00"}, "size": 5}
DETAIL: dict[str, Any] = {
    "meta": {"api-version": "1.1", "_x": 1},
    "name": "acme-x",
    "versions": ["1.0"],
    "files": [FILE],
}
OLD: dict[str, Any] = {"meta": {"api-version": "1.0"}, "name": "acme-x", "files": [{**FILE, "size": None}]}
GRANTS = [
    Grant("acme", "active", 0.0, "acme-corp"),
    Grant("acme-cloud", "active", 0.0, "acme-corp"),
    Grant("acme-cloud-db", "locked", 0.0, "acme-corp"),
    Grant("other", "active", 0.0, "other-org"),
]


class Source:
    """A client with a snapshot."""

    def __init__(self) -> None:
        self.snapshot: Snapshot | None = Snapshot(7, GRANTS, [])
        self.snapshot_age = 1.0
        self.asked: list[tuple[str, str | None]] = []

    def namespaces_of(self, name: str, owner: str | None) -> list[dict[str, Any]] | None:
        self.asked.append((name, owner))
        if self.snapshot is None:
            raise FreeholdUnavailable("no-snapshot", "There is none.")
        covering = self.snapshot.covering(name)
        return [{"name": grant.name, "owned": grant.owner == owner} for grant in covering] or None


class Index:
    """Answers a project page, conditionally and packed like a real one."""

    def __init__(self, document: Any = DETAIL, content_type: str = JSON, status: str = "200 OK") -> None:
        self.body = document if isinstance(document, bytes) else json.dumps(document).encode()
        self.content_type = content_type
        self.status = status
        self.packed = False
        self.extra: list[tuple[str, str]] = []
        self.calls: list[dict[str, Any]] = []
        self.closed = 0

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        self.calls.append(dict(environ))
        headers = [
            ("Content-Type", self.content_type),
            ("ETag", '"upstream"'),
            ("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT"),
        ]
        headers += [("Cache-Control", "max-age=600"), ("Vary", "Accept, Accept-Encoding"), *self.extra]
        if environ.get("HTTP_IF_NONE_MATCH") == '"upstream"':
            start_response("304 Not Modified", headers)
            return self
        body = self.body
        if self.packed:
            body = gzip.compress(body)
            headers.append(("Content-Encoding", "gzip"))
        start_response(self.status, [*headers, ("Content-Length", str(len(body)))])
        self.pieces = [body[place : place + 10] for place in range(0, len(body), 10)]
        return self if environ["REQUEST_METHOD"] == "GET" else []

    def __iter__(self) -> Any:
        return iter(getattr(self, "pieces", []))

    def close(self) -> None:
        self.closed += 1


def get(
    index: Any,
    path: str = "/simple/acme-x/",
    accept: str | None = PIP,
    method: str = "GET",
    source: Any = None,
    **more: Any,
) -> Answer:
    app = NamespaceMetadata(index, source or Source(), owner_of={"acme-x": "acme-corp"}.get)
    environ = environ_of(b"", "", method, PATH_INFO=path, HTTP_ACCEPT=accept, CONTENT_LENGTH=None, **more)
    return call(app, environ)


def test_a_detail_gets_its_namespaces():
    index = Index()
    answer = get(index)
    assert answer.status == "200 OK"
    assert json.loads(answer.body) == {
        **DETAIL,
        "meta": {"api-version": "1.5", "_x": 1},
        "namespaces": [{"name": "acme", "owned": True}],
    }
    assert answer.headers["Content-Length"] == str(len(answer.body))
    assert answer.headers["Content-Type"] == JSON
    assert (answer.headers["Cache-Control"], answer.headers["Vary"]) == ("max-age=600", "Accept, Accept-Encoding")
    assert answer.headers["ETag"] not in ('"upstream"', "") and answer.headers["ETag"].startswith('"')
    assert "Last-Modified" not in answer.headers
    assert index.closed == 1


def test_outside_every_namespace_it_is_null():
    answer = get(Index({**DETAIL, "name": "plain"}))
    assert json.loads(answer.body)["namespaces"] is None
    assert json.loads(answer.body)["meta"]["api-version"] == "1.5"


def test_whose_owner_does_not_hold_it():
    answer = get(Index({**DETAIL, "name": "Acme.Cloud"}))
    assert json.loads(answer.body)["namespaces"] == [
        {"name": "acme", "owned": False},
        {"name": "acme-cloud", "owned": False},
    ]


@pytest.mark.parametrize(
    ("document", "version"),
    [
        (DETAIL, "1.5"),
        (OLD, "1.0"),
        ({**DETAIL, "files": []}, "1.5"),
        ({**DETAIL, "versions": None}, "1.1"),
        ({**DETAIL, "versions": [1]}, "1.1"),
        ({**DETAIL, "files": [FILE, {**FILE, "size": "5"}]}, "1.1"),
        ({**DETAIL, "files": [{**FILE, "size": True}]}, "1.1"),
        ({**DETAIL, "files": [{key: FILE[key] for key in ("filename", "url", "size")}]}, "1.1"),
        ({**DETAIL, "meta": {"api-version": "1.4"}, "project-status": {"status": "active"}}, "1.5"),
        ({**DETAIL, "meta": {"api-version": "1.5"}}, "1.5"),
        ({**DETAIL, "meta": {"api-version": "1.9"}}, "1.9"),
        ({**DETAIL, "meta": {"api-version": "2.0"}}, "2.0"),
        ({**DETAIL, "meta": {"api-version": "1.x"}}, "1.x"),
        ({**DETAIL, "meta": {}}, "1.5"),
    ],
    ids=str,
)
def test_the_version_is_said_when_it_is_earned(document: dict[str, Any], version: str):
    changed = json.loads(get(Index(document)).body)
    assert changed["meta"]["api-version"] == version
    assert "namespaces" in changed


def test_what_earlier_versions_ask_for():
    assert satisfies_earlier_versions(DETAIL)
    assert not satisfies_earlier_versions(OLD)


def test_a_conditional_request_is_answered_by_our_own_tag():
    tag = get(Index()).headers["ETag"]
    index = Index()
    answer = get(index, HTTP_IF_NONE_MATCH=f'"x", W/{tag}')
    assert (answer.status, answer.body) == ("304 Not Modified", b"")
    assert answer.headers == {"ETag": tag, "Cache-Control": "max-age=600", "Vary": "Accept, Accept-Encoding"}
    assert "HTTP_IF_NONE_MATCH" not in index.calls[0]


def test_the_indexs_own_tag_means_nothing():
    """The project's page is the index's of before, but its namespaces may be new."""
    answer = get(Index(), HTTP_IF_NONE_MATCH='"upstream"', HTTP_IF_MODIFIED_SINCE="Fri, 02 Jan 2026 00:00:00 GMT")
    assert answer.status == "200 OK" and answer.body


def test_the_tag_changes_with_the_namespaces():
    source = Source()
    before = get(Index(), source=source).headers["ETag"]
    source.snapshot = Snapshot(8, [Grant("acme", "active", 0.0, "new-owner")], [])
    assert get(Index(), source=source).headers["ETag"] != before
    source.snapshot = Snapshot(9, [], [])
    assert get(Index(), source=source).headers["ETag"] != before


def test_head_has_the_headers_of_get():
    assert get(Index(), method="HEAD") == get(Index())._replace(body=b"")


def test_a_part_is_never_asked_for():
    answer = get(Index(), HTTP_RANGE="bytes=0-5")
    assert answer.status == "200 OK" and json.loads(answer.body)["namespaces"]


@pytest.mark.parametrize("accept", [PIP, "*/*", None, "application/vnd.pypi.simple.latest+json", "application/*"])
def test_a_packed_answer_is_unpacked(accept: str | None):
    index = Index()
    index.packed = True
    answer = get(index, accept=accept)
    assert json.loads(answer.body)["namespaces"]
    assert "Content-Encoding" not in answer.headers
    assert index.calls[0]["HTTP_ACCEPT_ENCODING"] == "identity"


def test_a_charset_does_not_matter():
    answer = get(Index(content_type=f"{JSON.upper()}; charset=utf-8"))
    assert json.loads(answer.body)["namespaces"]


@pytest.mark.parametrize(
    "index",
    [
        Index(b"<html>", "text/html"),
        Index(b"<html>", "application/vnd.pypi.simple.v1+html"),
        Index({"message": "no"}, JSON, "404 Not Found"),
        Index(b"{not json", JSON),
        Index([1], JSON),
        Index({"meta": {}, "projects": []}, JSON),
        Index({**DETAIL, "name": "not a name"}, JSON),
        Index({"info": {}}, "application/json"),
        Index(b"", JSON, "206 Partial Content"),
    ],
    ids=lambda index: f"{index.content_type} {index.status} {index.body[:20]!r}",
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_anything_else_is_left_alone(index: Index, method: str):
    answer = get(index, method=method)
    assert answer.status == index.status
    assert answer.body == (index.body if method == "GET" else b"")
    assert answer.headers["ETag"] == '"upstream"'
    assert answer.headers["Content-Length"] == str(len(index.body))


def test_conditional_html_is_answered_by_the_index():
    index = Index(b"<html>", "text/html")
    assert get(index, HTTP_IF_NONE_MATCH='"upstream"').status == "304 Not Modified"
    assert index.closed == 2


def test_a_browser_is_left_alone():
    index = Index(b"<html>", "text/html")
    get(index, accept="text/html,application/xhtml+xml,*/*;q=0.8", HTTP_ACCEPT_ENCODING="br")
    assert len(index.calls) == 1 and index.calls[0]["HTTP_ACCEPT_ENCODING"] == "br"


def test_other_encodings_are_left_alone():
    index = Index()
    index.extra = [("Content-Encoding", "br")]
    assert get(index).headers["ETag"] == '"upstream"'


@pytest.mark.parametrize("damage", [lambda body: body[:-9], lambda body: body + b"x", lambda body: b"x" + body])
def test_a_damaged_packed_answer_is_left_alone(damage: Any):
    index = Index(damage(gzip.compress(json.dumps(DETAIL).encode())))
    index.extra = [("Content-Encoding", "gzip")]
    assert get(index).body == index.body


def test_too_large_an_answer_is_left_alone(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "MAX_DOCUMENT", 50)
    index = Index()
    assert get(index).body == index.body
    index.packed = True
    assert gzip.decompress(get(index).body) == index.body


def test_without_a_snapshot_a_detail_is_left_alone():
    source = Source()
    source.snapshot = None
    index = Index()
    assert get(index, source=source).body == index.body


@pytest.mark.parametrize("path", ["/simple/", "/simple", "/simple/a/b/", "/other/acme-x/", "/simple//acme-x/"])
def test_other_paths_are_left_alone(path: str):
    source, index = Source(), Index()
    assert get(index, path, source=source).body == index.body
    assert source.asked == []


def test_other_methods_are_left_alone():
    index = Index()
    get(index, "/simple/namespaces", method="POST")
    assert len(index.calls) == 1


def test_the_list_of_namespaces():
    index = Index()
    answer = get(index, "/simple/namespaces")
    assert json.loads(answer.body) == {
        "meta": {"api-version": "1.5"},
        "namespaces": [
            {"name": "acme", "parent": None, "owner": "acme-corp"},
            {"name": "acme-cloud", "parent": "acme", "owner": "acme-corp"},
            {"name": "acme-cloud-db", "parent": "acme-cloud", "owner": "acme-corp"},
            {"name": "other", "parent": None, "owner": "other-org"},
        ],
    }
    assert answer.headers["Content-Type"] == JSON
    assert answer.headers["Content-Length"] == str(len(answer.body))
    assert answer.headers["Cache-Control"] == "public, max-age=60"
    assert index.calls == []
    assert get(index, "/simple/namespaces", HTTP_IF_NONE_MATCH=answer.headers["ETag"]).status == "304 Not Modified"
    assert get(index, "/simple/namespaces", method="HEAD") == answer._replace(body=b"")


def test_a_namespace():
    answer = get(Index(), "/simple/namespace/acme-cloud")
    assert json.loads(answer.body) == {
        "meta": {"api-version": "1.5"},
        "name": "acme-cloud",
        "parent": "acme",
        "children": ["acme-cloud-db"],
        "owner": "acme-corp",
    }
    assert answer.headers["Surrogate-Key"] == "namespaces namespace/acme-cloud"
    assert answer.headers["ETag"]


@pytest.mark.parametrize("spelling", ["Acme.Cloud", "ACME-cloud", "acme__cloud", "acme-cloud/", "Acme.Cloud/"])
def test_another_spelling_redirects(spelling: str):
    answer = get(Index(), f"/simple/namespace/{spelling}", SCRIPT_NAME="/m\u00fc x")
    assert answer.status == "301 Moved Permanently"
    assert answer.headers["Location"] == "/m%FC%20x/simple/namespace/acme-cloud"


@pytest.mark.parametrize("name", ["nope", "acmex", "\u00e2\u0084\u00aa", "a\r\nb", "-acme", "acme-"])
def test_no_such_namespace(name: str):
    answer = get(Index(), f"/simple/namespace/{name}")
    assert answer.status == "404 Not Found"
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert get(Index(), f"/simple/namespace/{name}", method="HEAD").body == b""


@pytest.mark.parametrize("path", ["/simple/namespaces/", "/simple/namespace/"])
def test_projects_of_these_names_are_the_indexs(path: str):
    index = Index({**DETAIL, "name": path.strip("/").rpartition("/")[2]})
    assert json.loads(get(index, path).body)["namespaces"] is None
    assert len(index.calls) == 1


@pytest.mark.parametrize("path", ["/simple/namespaces", "/simple/namespace/acme"])
def test_nothing_is_said_from_an_old_snapshot(path: str):
    for source in (Source(), Source()):
        source.snapshot_age = 4000.0
        answer = get(Index(), path, source=source)
        assert answer.status == "503 Service Unavailable"
        assert answer.headers["Cache-Control"] == "no-store"
        source.snapshot, source.snapshot_age = None, 0.0
        assert get(Index(), path, source=source).status == "503 Service Unavailable"


def test_another_base():
    app = NamespaceMetadata(Index(), Source(), base="/root/pypi/+simple/", owner_of=lambda _: None)
    answer = call(app, environ_of(method="GET", PATH_INFO="/root/pypi/+simple/namespace/acme"))
    assert json.loads(answer.body)["name"] == "acme"


@pytest.mark.parametrize("base", ["simple/", "/simple", ""])
def test_a_base_has_slashes(base: str):
    with pytest.raises(ValueError, match="slash"):
        NamespaceMetadata(Index(), Source(), base=base, owner_of=lambda _: None)


def test_an_index_that_writes():
    """The old way of a WSGI application to give its body."""

    def index(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        write = start_response("200 OK", [("Content-Type", JSON)])
        write(json.dumps(DETAIL).encode()[:20])
        write(json.dumps(DETAIL).encode()[20:])
        return []

    assert json.loads(get(index).body)["namespaces"]


def test_an_index_that_fails():
    def index(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        start_response("200 OK", [("Content-Type", JSON)])
        yield b"{"
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        get(index)


@pytest.mark.parametrize("server", sorted(SERVERS))
def test_on_real_servers(server: str):
    app = NamespaceMetadata(Index(), Source(), owner_of=lambda _: "acme-corp")
    with SERVERS[server](app) as port:
        head = f"HTTP/1.1\r\nHost: index.example\r\nAccept: {PIP}\r\nConnection: close\r\n\r\n"
        answer = talk(port, f"GET /simple/acme-x/ {head}".encode())
        assert json.loads(answer.partition(b"\r\n\r\n")[2])["namespaces"] == [{"name": "acme", "owned": True}]
        assert talk(port, f"HEAD /simple/acme-x/ {head}".encode()).endswith(b"\r\n\r\n")
        assert b"acme-corp" in talk(port, f"GET /simple/namespaces {head}".encode())
