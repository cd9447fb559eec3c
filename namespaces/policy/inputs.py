"""Everything that an evaluation of a claim depends on, as plain values that go to JSON and back. Pure.

They are stored with each evaluation, so that it can be done again under other thresholds. Counts are of projects as the
mirror has them; downloads are those of the last ``DOWNLOAD_DAYS`` days as the index reported them, null where it
reported none. Times are days (UTC).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import date
from enum import Enum, StrEnum
from functools import partial
from types import MappingProxyType
from typing import Any

from namespaces.states import GrantState
from orgs.vocabulary import Kind, ProofKind, ProofState, Standing, State

DOWNLOAD_DAYS = 30
RECENT_DAYS = 90
"""A project first uploaded since so long is a newcomer."""


class Whose(StrEnum):
    """Whose something is, seen from the applicant."""

    APPLICANT = "applicant"
    OTHER = "other"
    UNKNOWN = "unknown"
    NOBODY = "nobody"


class Overlap(StrEnum):
    """How a holding grant lies to the claimed prefix."""

    SAME = "same"
    ABOVE = "above"
    BELOW = "below"


class Likeness(StrEnum):
    """How a name is like the claimed prefix, the closest first."""

    FOLDED = "folded"
    """Equal once characters that look alike are taken for one, and separators for nothing."""
    SWAPPED = "swapped"
    """Two neighbouring characters have changed places."""
    EDITED = "edited"
    """A character or two are missing, too many or others."""
    CONTAINED = "contained"
    """It stands in the prefix, as whole words of it or glued to its beginning or end."""


class Source(StrEnum):
    GRANT = "grant"
    POPULAR = "popular"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofFact:
    """A proof of the applicant; ``flag`` is why a person should look at it, or empty (``orgs.proofs.flags``).

    ``registered`` is since when the domain has been registered, as far as its registry tells.
    """

    kind: ProofKind
    subject: str
    state: ProofState
    flag: str = ""
    registered: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Applicant:
    """The organization that claims. ``name`` and ``display_name`` are its own choice and prove nothing."""

    name: str
    display_name: str
    kind: Kind
    state: State
    standing: Standing
    age_days: int
    proofs: tuple[ProofFact, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """A grant that overlaps the prefix."""

    name: str
    overlap: Overlap
    state: GrantState
    mine: bool
    owner: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Projects:
    """The projects that the prefix covers.

    ``own`` are the organization's, ``people`` those of its owners and managers themselves, ``outside`` those of others,
    ``unknown`` those of which the index does not say whose they are. In everything called outside below, the unknown
    ones are counted too, as others'. ``namesake`` is whose the project is that is called like the prefix itself.
    """

    own: int = 0
    people: int = 0
    outside: int = 0
    unknown: int = 0
    outside_owners: int = 0
    outside_recent: int = 0
    outside_first: date | None = None
    outside_last: date | None = None
    own_first: date | None = None
    own_downloads: int | None = None
    outside_downloads: int | None = None
    namesake: Whose = Whose.NOBODY
    examples: tuple[str, ...] = ()

    @property
    def mine(self) -> int:
        return self.own + self.people

    @property
    def others(self) -> int:
        return self.outside + self.unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class NearName:
    """A granted or popular name that is like the prefix.

    ``projects`` and ``downloads`` are those under it, ``own`` how many of the projects are the applicant's. ``mine``:
    the grant is the applicant's, or more than half of the projects are.
    """

    name: str
    source: Source
    likeness: Likeness
    distance: int
    mine: bool = False
    owner: str = ""
    projects: int = 0
    own: int = 0
    downloads: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WordUse:
    """A part of the prefix and how many projects describe themselves with it without being called so.

    ``words`` are the words that it is made of when it is none itself, as ``web`` and ``server``; ``projects`` is then
    that of the rarer one.
    """

    part: str
    projects: int = 0
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimInputs:
    """A claim of ``prefix``, normalized, as things stood ``on`` that day.

    ``hyphens_allowed`` is the limit that the deployment sets to nesting. ``reserved`` is the reason for which the
    prefix is on the list of reserved words (``namespaces.policy.words``), or empty. ``contenders`` is how many other
    organizations have a claim open that overlaps.
    """

    prefix: str
    on: date
    applicant: Applicant
    projects: Projects = Projects()
    holdings: tuple[Holding, ...] = ()
    near: tuple[NearName, ...] = ()
    words: tuple[WordUse, ...] = ()
    reserved: str = ""
    hyphens_allowed: int = 4
    contenders: int = 0

    @property
    def depth(self) -> int:
        return self.prefix.count("-")

    def as_json(self) -> dict[str, Any]:
        """Plain values for ``json.dumps``; ``from_json`` takes them back."""
        found: dict[str, Any] = plain(self)
        return found

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> ClaimInputs:
        """Raises ``ValueError`` for what ``as_json`` did not make."""
        try:
            found: ClaimInputs = made(cls, data)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"These are no inputs of an evaluation: {error}") from error
        return found


def plain(value: Any) -> Any:
    """A dataclass as values for ``json.dumps``."""
    if is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    if isinstance(value, date):
        return value.isoformat()
    return value.value if isinstance(value, Enum) else value


def made(cls: Any, data: Mapping[str, Any], makers: Mapping[str, Callable[[Any], Any]] | None = None) -> Any:
    """The dataclass from its JSON; ``makers`` know the types of its fields."""
    known = {field.name: str(field.type) for field in fields(cls)}
    if unknown := data.keys() - known.keys():
        raise ValueError(f"These are no inputs of an evaluation: {', '.join(sorted(unknown))}")
    known_makers = MAKERS if makers is None else makers
    return cls(**{name: known_makers[known[name]](value) for name, value in data.items()})


def every(make: Callable[[Any], Any], values: Any) -> tuple[Any, ...]:
    if not isinstance(values, list):
        raise TypeError(f"{values!r} is no list")
    return tuple(make(value) for value in values)


def _checked(kind: type, value: Any) -> Any:
    if type(value) is not kind:
        raise TypeError(f"{value!r} is no {kind.__name__}")
    return value


def _or_none(make: Callable[[Any], Any], value: Any) -> Any:
    return None if value is None else make(value)


# How each type of a field above is made from JSON, by the type as it is written there.
MAKERS: Mapping[str, Callable[[Any], Any]] = MappingProxyType(
    {
        "str": partial(_checked, str),
        "int": partial(_checked, int),
        "bool": partial(_checked, bool),
        "int | None": partial(_or_none, partial(_checked, int)),
        "date": date.fromisoformat,
        "date | None": partial(_or_none, date.fromisoformat),
        "tuple[str, ...]": partial(every, partial(_checked, str)),
        "Kind": Kind,
        "State": State,
        "Standing": Standing,
        "ProofKind": ProofKind,
        "ProofState": ProofState,
        "GrantState": GrantState,
        "Overlap": Overlap,
        "Likeness": Likeness,
        "Source": Source,
        "Whose": Whose,
        "Applicant": partial(made, Applicant),
        "Projects": partial(made, Projects),
        "tuple[ProofFact, ...]": partial(every, partial(made, ProofFact)),
        "tuple[Holding, ...]": partial(every, partial(made, Holding)),
        "tuple[NearName, ...]": partial(every, partial(made, NearName)),
        "tuple[WordUse, ...]": partial(every, partial(made, WordUse)),
    }
)
