"""Which function answers which call: a table that the modules fill as they are imported."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from billing.sandbox.errors import StripeFault

if TYPE_CHECKING:
    from billing.sandbox.store import Sandbox

Tree = dict[str, Any]


@dataclass
class Request:
    """``params`` are values of the SDK's types; ``ids`` are what the pattern's names stand for."""

    method: str
    path: str
    headers: dict[str, str]
    pairs: list[tuple[str, str]]
    params: Tree = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """The idempotency key; only what changes something has one."""
        return self.headers.get("idempotency-key", "") if self.method == "POST" else ""

    def __getitem__(self, name: str) -> str:
        return self.ids[name]


@dataclass
class Response:
    status: int
    body: Any
    headers: dict[str, str] = field(default_factory=dict)


Answer = Callable[["Sandbox", Request], Tree]


@dataclass(frozen=True)
class Route:
    method: str
    pattern: re.Pattern[str]
    wanted: type
    answer: Answer


ROUTES: list[Route] = []
_BY_WORDS: dict[tuple[str, int, str], list[Route]] = {}


def route(method: str, pattern: str, wanted: type) -> Callable[[Answer], Answer]:
    """``@route("POST", "/v1/customers/{id}", CustomerUpdateParams)``."""

    def enter(answer: Answer) -> Answer:
        made = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[A-Za-z0-9_.-]+)", pattern))
        entry = Route(method, made, wanted, answer)
        ROUTES.append(entry)
        _BY_WORDS.setdefault(_words(method, pattern), []).append(entry)
        return answer

    return enter


def resolve(request: Request) -> Route:
    """The route of the request, whose ``ids`` are filled in. What is named outright goes before what is any id."""
    among = _BY_WORDS.get(_words(request.method, request.path), ())
    for entry in sorted(among, key=lambda route: route.pattern.groups):
        if match := entry.pattern.fullmatch(request.path):
            request.ids = match.groupdict()
            return entry
    raise StripeFault(f"Unrecognized request URL ({request.method}: {request.path}).", status=404)


def _words(method: str, path: str) -> tuple[str, int, str]:
    parts = path.split("/")
    return method, len(parts), "/".join(parts[:3])
