"""An application's answer, held long enough to see what it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from freehold_client.guard.ports import Environ, Headers, StartResponse, WSGIApp


class Recorded:
    """Status, headers, and the body up to a size: as much as was read is in ``body``, the rest still to be read."""

    def __init__(self) -> None:
        self.status = ""
        self.headers: Headers = []
        self.body = b""
        self.complete = False
        self._exc_info: Any = None
        self._answer: Iterable[bytes] = ()
        self._rest: Iterator[bytes] = iter(())

    def start_response(self, status: str, headers: Headers, exc_info: Any = None) -> Any:
        """The application's ``start_response``. Nothing has been sent yet, so a second call may replace the first."""
        self.status, self.headers, self._exc_info = status, list(headers), exc_info
        return self._write

    def _write(self, data: bytes) -> None:
        self.body += data

    def read(self, answer: Iterable[bytes], limit: int) -> None:
        """Read the body, or as much of it as is not too much. The start of the answer alone if it is not JSON."""
        self._answer, self._rest = answer, iter(answer)
        pieces = [self.body]
        size = len(self.body)
        for piece in self._rest:
            pieces.append(piece)
            size += len(piece)
            if size > limit or not self.has(200, "application/"):
                break
        else:
            self.complete = True
        self.body = b"".join(pieces)

    def header(self, name: str) -> str:
        """The value of a header, empty without it."""
        return next((value for key, value in self.headers if key.lower() == name), "")

    def has(self, status: int, content_type: str) -> bool:
        """Whether the answer has this status and a media type that begins so."""
        return self.status.startswith(f"{status} ") and self.header("content-type").lower().startswith(content_type)

    def replay(self, start_response: StartResponse, *, without_body: bool = False) -> Iterable[bytes]:
        """Send the answer as the application gave it."""
        if self._exc_info is None:
            start_response(self.status, self.headers)
        else:
            start_response(self.status, self.headers, self._exc_info)
        self._exc_info = None
        if without_body:
            self.close()
            return []
        return _Replayed(self.body, self._rest, self)

    def close(self) -> None:
        """Close the application's answer, once."""
        answer, self._answer = self._answer, ()
        if hasattr(answer, "close"):
            answer.close()


class _Replayed:
    def __init__(self, begun: bytes, rest: Iterator[bytes], recorded: Recorded) -> None:
        self._begun = begun
        self._rest = rest
        self._recorded = recorded

    def __iter__(self) -> Iterator[bytes]:
        if self._begun:
            yield self._begun
        yield from self._rest

    def close(self) -> None:
        self._recorded.close()


def record(app: WSGIApp, environ: Environ, limit: int) -> Recorded:
    """Call the application and hold its answer. An application's exception passes through, its answer closed."""
    recorded = Recorded()
    answer = app(environ, recorded.start_response)
    try:
        recorded.read(answer, limit)
    except BaseException:
        recorded.close()
        raise
    return recorded
