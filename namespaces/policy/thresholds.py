"""The numbers of the policy, with what each of them means. Pure, but for reading the operator's file of them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


def _number(default: int, meaning: Promise, *, least: int = 0, most: int | None = None) -> Any:
    return field(default=default, metadata={"meaning": meaning, "least": least, "most": most})


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """All are whole numbers. Made stricter, each sends more claims to a person; none makes a machine refuse."""

    shortest: int = _number(4, _("Characters that a prefix needs, hyphens not counted"), least=1)
    common_word: int = _number(
        60, _("Projects that describe themselves with a word, from which on the word is common"), least=1
    )
    common_compound: int = _number(
        900, _("The same for each of two words written as one, such as “webserver”"), least=1
    )
    common_owners: int = _number(
        5, _("Different outside owners under the prefix, from which on it is in common use"), least=1
    )
    projects_in_use: int = _number(1, _("Projects of the applicant under the prefix that show it in use"), least=1)
    established_projects: int = _number(
        3, _("Projects of the applicant under the prefix, from which on it is established there"), least=1
    )
    established_days: int = _number(365, _("Days since the applicant's first upload there, to be established"))
    forge_days: int = _number(
        90, _("Days since the applicant's first upload there, for its place on a code forge alone to identify it")
    )
    domain_days: int = _number(30, _("Days that a domain has been registered, where its registry tells, to count"))
    outside_projects: int = _number(3, _("Outside projects that a grant by machine may overtake, at most"))
    outside_owners: int = _number(2, _("Their different owners, at most"))
    outside_percent: int = _number(
        25, _("Their share of all projects under the prefix, at most, in per cent"), most=100
    )
    outside_downloads: int = _number(10_000, _("Their downloads in 30 days, at most"))
    brand_projects: int = _number(
        15, _("Projects under a name that make it one others must not borrow inside a prefix of theirs"), least=1
    )
    brand_downloads: int = _number(3_000_000, _("Downloads in 30 days that do the same"), least=1)
    generic_word: int = _number(
        3_000, _("Projects that describe themselves with a word that anybody may have inside a prefix"), least=1
    )
    likeness_margin: int = _number(
        10,
        _("How many times as popular as an established applicant's own a name must be for theirs to pass for it"),
        least=1,
    )
    high_projects: int = _number(
        25, _("Outside projects under the prefix, from which on two reviewers decide"), least=1
    )
    high_owners: int = _number(10, _("Different outside owners, from which on two reviewers decide"), least=1)
    high_downloads: int = _number(
        1_000_000, _("Downloads in 30 days of all under the prefix, from which on two reviewers decide"), least=1
    )

    def __post_init__(self) -> None:
        _check_all(self)


COMMUNITY = "community"
"""The table of the operator's file in which the numbers for community projects stand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommunityThresholds:
    """As above, of applications for community status."""

    domain_days: int = _number(30, _("Days that a domain has been registered, where its registry tells, to count"))
    forge_days: int = _number(90, _("Days since a repository was begun, for it to count as development in public"))
    active_days: int = _number(365, _("Days since the last change on the code forge, at most"), least=1)
    commits: int = _number(5, _("Commits within a year that show that work goes on, where there was no release"))
    stars: int = _number(25, _("Stars of all its repositories together that show users"), least=1)
    forks: int = _number(10, _("Forks of all its repositories together that show users"), least=1)
    projects: int = _number(3, _("Projects on the index that show users, the first of them old enough"), least=1)
    project_days: int = _number(180, _("Days since its first upload to the index, for its projects to show users"))
    downloads: int = _number(3_000, _("Downloads of its projects in 30 days that show users"), least=1)
    established_days: int = _number(365, _("Days since the first upload of the project of its name, to be known by it"))
    brand_projects: int = _number(15, _("Projects under a name that make it one others must not borrow"), least=1)
    brand_downloads: int = _number(3_000_000, _("Downloads in 30 days that do the same"), least=1)
    generic_word: int = _number(
        3_000, _("Projects that describe themselves with a word that anybody may have inside their name"), least=1
    )

    def __post_init__(self) -> None:
        _check_all(self)


Numbers = TypeVar("Numbers", Thresholds, CommunityThresholds)


def _check_all(thresholds: Thresholds | CommunityThresholds) -> None:
    for each in fields(thresholds):
        _check(each.name, getattr(thresholds, each.name), each.metadata["least"], each.metadata["most"])


def _check(name: str, value: object, least: int, most: int | None) -> None:
    if type(value) is not int:
        raise ValueError(f"{name} must be a whole number, not {value!r}.")
    if value < least or (most is not None and value > most):
        bounds = f"at least {least}" if most is None else f"from {least} to {most}"
        raise ValueError(f"{name} must be {bounds}, not {value}.")


def from_mapping(values: Mapping[str, object]) -> Thresholds:
    """The usual thresholds with these in place of some; raises ``ValueError`` with what is wrong."""
    return _made(Thresholds, values)


def community_from_mapping(values: Mapping[str, object]) -> CommunityThresholds:
    return _made(CommunityThresholds, values)


def _made(cls: type[Numbers], values: Mapping[str, object]) -> Numbers:
    known = {each.name for each in fields(cls)}
    if unknown := sorted(values.keys() - known):
        raise ValueError(f"There is no threshold {unknown[0]!r}; there are {', '.join(sorted(known))}.")
    return cls(**dict(values))  # type: ignore[arg-type]  # each is checked as it is made


def from_file(path: str) -> Thresholds:
    """From a TOML file of ``name = number`` lines, or the usual ones for no path; raises ``ValueError``."""
    return from_mapping({name: value for name, value in _read(path).items() if name != COMMUNITY})


def community_from_file(path: str) -> CommunityThresholds:
    """From the table ``[community]`` of the same file."""
    values = _read(path).get(COMMUNITY, {})
    if not isinstance(values, dict):
        raise ValueError(f"{COMMUNITY} must be a table of numbers.")  # noqa: TRY004 - as all that is wrong in the file
    return community_from_mapping(values)


def _read(path: str) -> dict[str, Any]:
    if not path:
        return {}
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise ValueError(f"can't be read: {error.strerror}.") from error
    return tomllib.loads(text)


def markdown(cls: type[Thresholds | CommunityThresholds] = Thresholds) -> str:
    """A table of ``docs/policy.md``."""
    rows = [f"| `{each.name}` | {each.metadata['meaning']} | {_shown(each.default)} |" for each in fields(cls)]
    return "\n".join(["| threshold | meaning | usual |", "| --- | --- | ---: |", *rows])


def _shown(value: Any) -> str:
    return f"{value:,}"
