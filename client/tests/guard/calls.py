"""The guard called in process, for what needs no socket."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Any, NamedTuple

from freehold_client.guard import Limits, NamespaceGuard
from guard.made import form_type
from guard.stand_in import STRANGER, FakeClient, RecordingIndex


class Answer(NamedTuple):
    status: str
    headers: dict[str, str]
    body: bytes


def environ_of(body: bytes = b"", content_type: str | None = None, method: str = "POST", **more: Any) -> dict[str, Any]:
    """A WSGI environment. ``more`` overrides; None removes."""
    environ = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": "/legacy/",
        "QUERY_STRING": "",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "CONTENT_TYPE": form_type() if content_type is None else content_type,
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
    } | more
    return {key: value for key, value in environ.items() if value is not None}


def call(app: Any, environ: dict[str, Any]) -> Answer:
    """Call an application as a server does."""
    started: list[Any] = []
    answer: Iterable[bytes] = app(environ, lambda status, headers, exc_info=None: started.append((status, headers)))
    try:
        body = b"".join(answer)
    finally:
        if hasattr(answer, "close"):
            answer.close()
    status, headers = started[-1]
    assert all(type(key) is str and type(value) is str for key, value in headers)
    return Answer(status, dict(headers), body)


def guarded(
    index: Any = None, client: FakeClient | None = None, **options: Any
) -> tuple[NamespaceGuard, Any, FakeClient]:
    """A guard in which everybody is a stranger, its index and its client."""
    index, client = index or RecordingIndex(), client or FakeClient()
    options.setdefault("identify", lambda _: STRANGER)
    options.setdefault("limits", Limits(drain_seconds=1))
    return NamespaceGuard(index, client, **options), index, client
