"""Freehold's public answers, which need no token: the reserved namespaces, and those of a project (PEP 752)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, TypeVar

from freehold_client import wire
from freehold_client.counters import Counters
from freehold_client.errors import FreeholdUnavailable
from freehold_client.names import prefixes
from freehold_client.sockets import Deadline
from freehold_client.transport import Transport

_Self = TypeVar("_Self", bound="_Reader")
_LIMIT = 2**28
_ACCEPT = {"Accept": "application/vnd.pypi.simple.v1+json, application/json", "Accept-Encoding": "gzip"}


class Namespace(NamedTuple):
    """A reserved namespace: its name, the one around it or None, and the organization that owns it."""

    name: str
    parent: str | None
    owner: str


class _Reader:
    """Asks one server, inside a ``with``. ``seconds`` is the time that each question may take."""

    who: str

    def __init__(self, url: str, seconds: float = 20.0) -> None:
        self.url = url.rstrip("/")
        self._seconds = seconds
        self._transport = Transport(self.url, None, Counters())

    def __enter__(self: _Self) -> _Self:  # noqa: PYI019 -- typing has no Self before Python 3.11
        return self

    def __exit__(self, *_: object) -> None:
        self._transport.close()

    def _json(self, path: str) -> Any:
        answer = self._transport.request("GET", path, deadline=Deadline(self._seconds), limit=_LIMIT, headers=_ACCEPT)
        if answer.status != 200:
            raise FreeholdUnavailable("status", f"{self.who} answered {answer.status} for {path}.", answer.status)
        try:
            return wire.loads(answer.body)
        except wire.Malformed as error:
            raise self._not_understood(error) from error

    def _project(self, path: str, project: str) -> list[tuple[str, bool]] | None:
        """The ``namespaces`` of the project that stand in an answer."""
        value = self._json(path)
        try:
            if value["name"] != project:
                raise wire.Malformed("The answer is for another project.")
            listed = value["namespaces"]
            return None if listed is None else [wire.mark(entry) for entry in listed]
        except (wire.Malformed, TypeError, KeyError) as error:
            raise self._not_understood(error) from error

    def _not_understood(self, error: Exception) -> FreeholdUnavailable:
        return FreeholdUnavailable("protocol", f"{self.who} gave an answer that can't be understood: {error!r}")


class SimpleIndex(_Reader):
    """An index that serves PEP 752's ``namespaces`` in its simple JSON; ``url`` is its simple base."""

    who = "The index"

    def project(self, project: str) -> list[tuple[str, bool]] | None:
        """As ``PublicFreehold.project``. Raises ``FreeholdUnavailable`` also for an index that has no such project, or
        that does not say ``namespaces``."""
        return self._project(f"/{project}/", project)


class PublicFreehold(_Reader):
    """Freehold's own public endpoints."""

    who = "Freehold"

    def namespaces(self) -> dict[str, Namespace]:
        """Every reserved namespace by its name. Raises ``FreeholdUnavailable``."""
        value = self._json("/simple/namespaces")
        try:
            entries = [_namespace(entry) for entry in value["namespaces"]]
        except (wire.Malformed, TypeError, KeyError) as error:
            raise self._not_understood(error) from error
        return {entry.name: entry for entry in entries}

    def project(self, project: str) -> list[tuple[str, bool]] | None:
        """The namespaces of a project, by its normalized name, and whether its owner holds them; None outside every
        namespace. Raises ``FreeholdUnavailable``."""
        return self._project(f"/api/v1/projects/{project}", project)


def covering(namespaces: Mapping[str, Namespace], project: str) -> list[Namespace]:
    """Those that cover a project, by its normalized name, outermost first."""
    return [namespaces[prefix] for prefix in prefixes(project) if prefix in namespaces]


def _namespace(entry: Mapping[str, Any]) -> Namespace:
    name, parent, owner = entry["name"], entry["parent"], entry["owner"]
    if not isinstance(name, str) or not isinstance(owner, str) or not isinstance(parent, (str, type(None))):
        raise wire.Malformed("A namespace is not as agreed.")
    return Namespace(name, parent, owner)
