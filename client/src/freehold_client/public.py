"""Freehold's public answers, which need no token: the reserved namespaces, and those of a project (PEP 752)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from freehold_client import wire
from freehold_client.counters import Counters
from freehold_client.errors import FreeholdUnavailable
from freehold_client.names import prefixes
from freehold_client.sockets import Deadline
from freehold_client.transport import Transport

_LIMIT = 2**28
_ACCEPT = {"Accept": "application/vnd.pypi.simple.v1+json, application/json", "Accept-Encoding": "gzip"}


class Namespace(NamedTuple):
    """A reserved namespace: its name, the one around it or None, and the organization that owns it."""

    name: str
    parent: str | None
    owner: str


class PublicFreehold:
    """Reads the public endpoints, inside a ``with``. ``seconds`` is the time that each question may take."""

    def __init__(self, url: str, seconds: float = 20.0) -> None:
        self.url = url.rstrip("/")
        self._seconds = seconds
        self._transport = Transport(self.url, None, Counters())

    def namespaces(self) -> dict[str, Namespace]:
        """Every reserved namespace by its name. Raises ``FreeholdUnavailable``."""
        value = self._json("/simple/namespaces")
        try:
            entries = [_namespace(entry) for entry in value["namespaces"]]
        except (wire.Malformed, TypeError, KeyError) as error:
            raise _not_understood(error) from error
        return {entry.name: entry for entry in entries}

    def project(self, project: str) -> list[tuple[str, bool]] | None:
        """The namespaces of a project, by its normalized name, and whether its owner holds them; None outside every
        namespace. Raises ``FreeholdUnavailable``."""
        value = self._json(f"/api/v1/projects/{project}")
        try:
            if value["name"] != project:
                raise wire.Malformed("The answer is for another project.")
            listed = value["namespaces"]
            return None if listed is None else [wire.mark(entry) for entry in listed]
        except (wire.Malformed, TypeError, KeyError) as error:
            raise _not_understood(error) from error

    def __enter__(self) -> PublicFreehold:  # noqa: PYI034 -- typing has no Self before Python 3.11
        return self

    def __exit__(self, *_: object) -> None:
        self._transport.close()

    def _json(self, path: str) -> Any:
        answer = self._transport.request("GET", path, deadline=Deadline(self._seconds), limit=_LIMIT, headers=_ACCEPT)
        if answer.status != 200:
            raise FreeholdUnavailable("status", f"Freehold answered {answer.status}.", answer.status)
        try:
            return wire.loads(answer.body)
        except wire.Malformed as error:
            raise _not_understood(error) from error


def covering(namespaces: Mapping[str, Namespace], project: str) -> list[Namespace]:
    """Those that cover a project, by its normalized name, outermost first."""
    return [namespaces[prefix] for prefix in prefixes(project) if prefix in namespaces]


def _namespace(entry: Mapping[str, Any]) -> Namespace:
    name, parent, owner = entry["name"], entry["parent"], entry["owner"]
    if not isinstance(name, str) or not isinstance(owner, str) or not isinstance(parent, (str, type(None))):
        raise wire.Malformed("A namespace is not as agreed.")
    return Namespace(name, parent, owner)


def _not_understood(error: Exception) -> FreeholdUnavailable:
    return FreeholdUnavailable("protocol", f"Freehold's answer can't be understood: {error!r}")
