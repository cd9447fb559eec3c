"""Everything that an evaluation of an organization's application depends on, as plain values that go to JSON and back.

Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
from types import MappingProxyType
from typing import Any

from namespaces.policy.inputs import MAKERS, Applicant, ClaimInputs, NearName, every, made, plain
from namespaces.policy.signals import SIGNAL_MAKERS, ForgeFacts
from orgs.vocabulary import Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnProjects:
    """All projects on the index that are the organization's, its owners' and its managers', whatever they are called.

    ``downloads`` are those of the last 30 days, null where the index reported none.
    """

    count: int = 0
    first: date | None = None
    downloads: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationInputs:
    """An organization that asks to be of the kind ``wanted``.

    ``name`` is what a claim of its own name would depend on: who it is, what it has proved, what is like it. ``shown``
    are the names that its display name is like. ``forges`` are what the forges of its counting proofs said,
    ``unanswered`` the addresses of those that never did. ``was_company``: it is a company, or was one. ``refused`` is
    when a reviewer last refused it community status; ``disputes`` are open ones about what it holds.
    """

    wanted: Kind
    name: ClaimInputs
    shown: tuple[NearName, ...] = ()
    forges: tuple[ForgeFacts, ...] = ()
    unanswered: tuple[str, ...] = ()
    projects: OwnProjects = OwnProjects()
    website: str = ""
    description: str = ""
    was_company: bool = False
    refused: date | None = None
    disputes: int = 0

    @property
    def applicant(self) -> Applicant:
        return self.name.applicant

    @property
    def on(self) -> date:
        return self.name.on

    def as_json(self) -> dict[str, Any]:
        """Plain values for ``json.dumps``; ``from_json`` takes them back."""
        found: dict[str, Any] = plain(self)
        return found

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> ApplicationInputs:
        """Raises ``ValueError`` for what ``as_json`` did not make."""
        try:
            found: ApplicationInputs = made(cls, data, _MAKERS)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"These are no inputs of an application's evaluation: {error}") from error
        return found


def _made_facts(data: Any) -> ForgeFacts:
    found: ForgeFacts = made(ForgeFacts, data, SIGNAL_MAKERS)
    return found


_MAKERS: Mapping[str, Callable[[Any], Any]] = MappingProxyType(
    {
        **MAKERS,
        "ClaimInputs": partial(made, ClaimInputs),
        "OwnProjects": partial(made, OwnProjects),
        "tuple[ForgeFacts, ...]": partial(every, _made_facts),
    }
)
