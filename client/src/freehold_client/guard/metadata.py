"""``NamespaceMetadata``: the simple API of an index, with what PEP 752 adds to it."""

from __future__ import annotations

import hashlib
import json
import logging
import re
import zlib
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, Callable, Optional
from urllib.parse import quote

from freehold_client.guard import simple
from freehold_client.guard.limits import MIB
from freehold_client.guard.ports import Environ, Headers, NamespaceSource, StartResponse, WSGIApp
from freehold_client.guard.recorded import Recorded, record
from freehold_client.names import InvalidName, normalize

OwnerOf = Callable[[str], Optional[str]]
"""The organization to which the index assigns a project, by the project's normalized name; None for none."""

_Make = Callable[[Mapping[str, str]], Optional[dict[str, Any]]]

MAX_DOCUMENT = 64 * MIB
"""The largest project detail that is changed, unpacked. A larger one passes as it is."""

_log = logging.getLogger("freehold_client.guard")
_CONDITIONS = ("HTTP_IF_NONE_MATCH", "HTTP_IF_MODIFIED_SINCE", "HTTP_IF_MATCH", "HTTP_IF_UNMODIFIED_SINCE")
_PARTIAL = ("HTTP_RANGE", "HTTP_IF_RANGE")
# They describe the bytes that the index sent, which are not the bytes that go out.
_OF_THE_OLD_BODY = frozenset(
    {"accept-ranges", "content-digest", "content-encoding", "content-length", "content-md5", "digest", "etag"}
    | {"last-modified", "repr-digest"}
)
_IN_304 = frozenset({"cache-control", "content-location", "date", "etag", "expires", "vary", "surrogate-key"})
_TAG = re.compile(r'(?:W/)?("[^"]*")')


class NamespaceMetadata:
    """Put around the index, inside or outside of a ``NamespaceGuard``.

    - ``client``: answers from its snapshot, a ``NamespaceClient``.
    - ``base``: the path of the simple API, with a slash at both ends. ``<base>namespaces`` and
      ``<base>namespace/<name>``, without a slash at the end, are answered here; the project pages
      ``<base>namespaces/`` and ``<base>namespace/`` are the index's.
    - ``owner_of``: to whom the index assigns a project.
    - ``max_age``: for how long what is answered here may be cached, in seconds.
    - ``max_stale``: how old a snapshot may be to answer from, in seconds; from an older one nothing is said.
    """

    def __init__(
        self,
        app: WSGIApp,
        client: NamespaceSource,
        *,
        base: str = "/simple/",
        owner_of: OwnerOf,
        max_age: int = 60,
        max_stale: float = 3600.0,
    ) -> None:
        if not (base.startswith("/") and base.endswith("/")):
            raise ValueError("base begins and ends with a slash.")
        self._app = app
        self._client = client
        self._base = base
        self._owner_of = owner_of
        self._max_age = max_age
        self._max_stale = max_stale

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if environ["REQUEST_METHOD"] not in ("GET", "HEAD") or not path.startswith(self._base):
            return self._app(environ, start_response)
        rest = path[len(self._base) :]
        if rest == "namespaces":
            return self._own(environ, start_response, "namespaces", simple.listing)
        if re.fullmatch("namespace/[^/]+/?", rest):
            return self._namespace(environ, start_response, rest.split("/")[1])
        if re.fullmatch("[^/]+/?", rest):
            return self._detail(environ, start_response)
        return self._app(environ, start_response)

    # What is answered here.

    def _namespace(self, environ: Environ, start_response: StartResponse, spelling: str) -> Iterable[bytes]:
        try:
            name = normalize(spelling)
        except InvalidName:
            return _problem(environ, start_response, "404 Not Found", "That is no name of a namespace.")
        canonical = f"{self._base}namespace/{name}"
        if environ["PATH_INFO"] != canonical:
            location = _ascii_path(environ.get("SCRIPT_NAME", "")) + canonical
            headers = [("Location", location), ("Content-Type", "text/plain"), ("Content-Length", "0")]
            start_response("301 Moved Permanently", headers)
            return []
        return self._own(environ, start_response, f"namespaces namespace/{name}", partial(simple.entry, name))

    def _own(self, environ: Environ, start_response: StartResponse, keys: str, make: _Make) -> Iterable[bytes]:
        try:
            known = self._owners()
        except LookupError:
            _log.warning("The namespaces are not known: there is no snapshot, or it is too old")
            return _problem(environ, start_response, "503 Service Unavailable", "The namespaces are not known now.")
        document = make(known)
        if document is None:
            return _problem(environ, start_response, "404 Not Found", "That namespace is not reserved.")
        headers = [
            ("Content-Type", simple.CONTENT_TYPE),
            ("Cache-Control", f"public, max-age={self._max_age}"),
            ("Surrogate-Key", keys),
        ]
        return _send(environ, start_response, "200 OK", headers, _as_json(document))

    def _owners(self) -> dict[str, str]:
        """Every reserved namespace with its owner. Raises ``LookupError`` when nothing recent enough is at hand."""
        age, snapshot = self._client.snapshot_age, self._client.snapshot
        if snapshot is None or age > self._max_stale:
            raise LookupError
        # Copied in one step first, since another thread may change it while we read.
        return {name: held.owner for name, held in dict(snapshot.grants).items()}

    # What the index answers.

    def _detail(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """The index is asked for the whole of the document: no answer of its own could tell whether ours changed."""
        if not _may_get_json(environ):
            return self._app(environ, start_response)
        recorded = record(self._app, _whole(environ), MAX_DOCUMENT)
        if not recorded.has(200, simple.CONTENT_TYPE):
            return self._left_alone(recorded, environ, start_response)
        body = self._changed(recorded) if recorded.complete else None
        if body is None:
            return recorded.replay(start_response, without_body=environ["REQUEST_METHOD"] == "HEAD")
        recorded.close()
        headers = [(key, value) for key, value in recorded.headers if key.lower() not in _OF_THE_OLD_BODY]
        return _send(environ, start_response, recorded.status, headers, body)

    def _left_alone(self, recorded: Recorded, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Not JSON: what the index says, and to the question as it was put if that was conditional."""
        if any(header in environ for header in (*_CONDITIONS, *_PARTIAL)):
            recorded.close()
            return self._app(environ, start_response)
        return recorded.replay(start_response, without_body=environ["REQUEST_METHOD"] == "HEAD")

    def _changed(self, recorded: Recorded) -> bytes | None:
        """The document with its namespaces; None when it is better left alone."""
        try:
            document = json.loads(_unpacked(recorded))
            if not simple.is_detail(document):
                return None
            name = normalize(document["name"])
            namespaces = self._client.namespaces_of(name, self._owner_of(name))
            return _as_json(simple.with_namespaces(document, namespaces))
        except Exception:  # a project page without namespaces is better than none
            _log.warning("A project page goes out without its namespaces", exc_info=True)
            return None


def _may_get_json(environ: Environ) -> bool:
    """Whether the index may answer in JSON: it is asked to, or asked for anything, as opposed to by a browser."""
    accept = environ.get("HTTP_ACCEPT", "").lower()
    if "application/vnd.pypi.simple.v1+json" in accept or "application/vnd.pypi.simple.latest+json" in accept:
        return True
    return not accept.strip() or ("text/html" not in accept and ("*/*" in accept or "application/*" in accept))


def _whole(environ: Environ) -> Environ:
    """The same request for a document that is whole, as it is, whatever the client has already."""
    changed = {key: value for key, value in environ.items() if key not in (*_CONDITIONS, *_PARTIAL)}
    return {**changed, "REQUEST_METHOD": "GET", "HTTP_ACCEPT_ENCODING": "identity"}


def _unpacked(recorded: Recorded) -> bytes:
    encoding = recorded.header("content-encoding").strip().lower()
    if encoding in ("", "identity"):
        return recorded.body
    if encoding != "gzip":
        raise ValueError(f"The index encodes its answers as {encoding!a}.")
    unpacker = zlib.decompressobj(wbits=31)
    body = unpacker.decompress(recorded.body, MAX_DOCUMENT)
    if not unpacker.eof or unpacker.unused_data:
        raise ValueError("The index's answer is no whole gzip member, or is too large.")
    return body


def _as_json(document: dict[str, Any]) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode("ascii")


def _send(
    environ: Environ, start_response: StartResponse, status: str, headers: Headers, body: bytes
) -> Iterable[bytes]:
    """The body with a strong tag of its own, or 304 to who has it, or its headers to who asked for these."""
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = [*headers, ("ETag", tag)]
    if _matches(environ.get("HTTP_IF_NONE_MATCH", ""), tag):
        start_response("304 Not Modified", [(key, value) for key, value in headers if key.lower() in _IN_304])
        return []
    start_response(status, [*headers, ("Content-Length", str(len(body)))])
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]


def _matches(condition: str, tag: str) -> bool:
    return condition.strip() == "*" or tag in _TAG.findall(condition)


def _problem(environ: Environ, start_response: StartResponse, status: str, detail: str) -> Iterable[bytes]:
    code, title = status.split(" ", 1)
    problem = {"type": "about:blank", "title": title, "status": int(code), "detail": detail}
    headers = [("Content-Type", "application/problem+json"), ("Cache-Control", "no-store")]
    body = _as_json(problem)
    start_response(status, [*headers, ("Content-Length", str(len(body)))])
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]


def _ascii_path(path: str) -> str:
    """A path as it stands in a header: PEP 3333 hands it over decoded."""
    return quote(path.encode("latin-1"))
