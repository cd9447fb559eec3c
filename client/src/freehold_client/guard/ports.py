"""What the guard asks of others: of the client, of the index, and of the WSGI server.

The guard knows these shapes only. ``freehold_client.NamespaceClient`` has them; so may a stand-in in a test.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Callable, Optional, Protocol

from freehold_client.decisions import Decision, Publisher

Environ = dict[str, Any]
"""The environment of a request, which PEP 3333 wants to be a plain dict."""

StartResponse = Callable[..., Callable[[bytes], Any]]
WSGIApp = Callable[[Environ, StartResponse], Iterable[bytes]]
Headers = list[tuple[str, str]]

Identify = Callable[[Environ], Optional[Publisher]]
"""Who makes this request, as the index itself authenticates it; None for nobody it knows."""


@dataclass(frozen=True)
class ProjectFacts:
    """What the index knows of a project. ``first_uploaded`` has a time zone; ``owner`` is an organization's name."""

    exists: bool
    first_uploaded: datetime | None = None
    owner: str | None = None


FactsOf = Callable[[str], Optional[ProjectFacts]]
"""The facts of a project by its normalized name; None leaves the question to Freehold's mirror of the index."""


class UploadChecker(Protocol):
    """Answers the question of the upload path."""

    def check_upload(
        self,
        name: str,
        publisher: Publisher,
        *,
        exists: bool | None = None,
        first_uploaded: datetime | None = None,
        owner: str | None = None,
    ) -> Decision:
        """May this publisher upload this name?"""


class Held(Protocol):
    """A reserved namespace, as far as the simple API shows it."""

    @property
    def owner(self) -> str:
        """The organization that owns it."""


class HeldNamespaces(Protocol):
    """The snapshot."""

    @property
    def grants(self) -> Mapping[str, Held]:
        """All reserved namespaces by their normalized names. Another thread may change it at any time."""


class NamespaceSource(Protocol):
    """Answers the questions of the simple API, from what is at hand and without a call."""

    def namespaces_of(self, name: str, owner: str | None) -> Sequence[Mapping[str, Any]] | None:
        """The reserved namespaces that cover a project (``name``, ``owned``); None outside all of them.

        Raises an exception of its own when nothing recent enough is at hand.
        """

    @property
    def snapshot(self) -> HeldNamespaces | None:
        """The snapshot, however old; None without one."""

    @property
    def snapshot_age(self) -> float:
        """Seconds since the snapshot was last known to be right."""


class Readable(Protocol):
    """As much of ``wsgi.input`` as the guard uses."""

    def read(self, size: int = -1, /) -> bytes:
        """Up to that many bytes; nothing at the end."""
