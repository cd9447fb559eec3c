"""Stand-ins for Freehold's client and for an index."""

from __future__ import annotations

import threading
from base64 import b64decode
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from freehold_client.decisions import Decision, Publisher
from freehold_client.names import covers, normalize

URL = "https://freehold.index.example/namespaces/{}/"
HOLDER = "holder"
RESERVED = ("acme", "kk", "plain-1")
STRANGER = Publisher(user="stranger")


class FakeClient:
    """Holds the namespaces of ``RESERVED`` for one user."""

    def __init__(self, reserved: Iterable[str] = RESERVED, *, failure: str | None = None) -> None:
        self.reserved = tuple(reserved)
        self.failure = failure
        self.asked: list[tuple[str, Publisher, dict[str, Any]]] = []

    def check_upload(
        self,
        name: str,
        publisher: Publisher,
        *,
        exists: bool | None = None,
        first_uploaded: datetime | None = None,
        owner: str | None = None,
    ) -> Decision:
        self.asked.append((name, publisher, {"exists": exists, "first_uploaded": first_uploaded, "owner": owner}))
        project = normalize(name)
        namespace = next((held for held in self.reserved if covers(held, project)), None)
        if namespace is None:
            return Decision(True, 200, "unreserved", project, "fine")
        if self.failure is not None:
            return Decision(False, 503, "unavailable", project, self.failure, namespace)
        if publisher.user == HOLDER:
            return Decision(True, 200, "holder", project, "fine", namespace, "acme")
        url = URL.format(namespace)
        message = (
            f"The name '{project}' is in the namespace '{namespace}', which is reserved for its holders. See {url}"
        )
        return Decision(False, 409, "reserved", project, message, namespace, url=url)


@dataclass
class Seen:
    """A request that reached the index."""

    method: str
    path: str
    query: str
    content_type: str
    length: str
    user: str | None
    body: bytes
    environ: dict[str, Any] = field(repr=False)


class RecordingIndex:
    """Keeps what reaches it, read as PEP 3333 has it."""

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self.lock = threading.Lock()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        length = environ.get("CONTENT_LENGTH") or ""
        body = environ["wsgi.input"].read(int(length)) if length else b""
        with self.lock:
            self.seen.append(
                Seen(
                    environ["REQUEST_METHOD"],
                    environ.get("PATH_INFO", ""),
                    environ.get("QUERY_STRING", ""),
                    environ.get("CONTENT_TYPE", ""),
                    length,
                    environ.get("REMOTE_USER"),
                    body,
                    dict(environ),
                )
            )
        start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "6")])
        return [b"stored"]


class Authentication:
    """An index's own authentication: Basic credentials, of which the password is the user name backwards."""

    def __init__(self, app: Any) -> None:
        self.app = app

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        environ.pop("REMOTE_USER", None)
        scheme, _, token = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
        if scheme.lower() == "basic":
            user, _, password = b64decode(token.split(",")[0]).decode("latin-1").partition(":")
            if user and password == user[::-1]:
                environ["REMOTE_USER"] = user
        return self.app(environ, start_response)
