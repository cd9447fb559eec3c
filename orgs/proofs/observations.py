"""What a look at the evidence saw: data that is stored, and the words for it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

from django.db import models
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

SHOWN = 8  # values of what was found that are kept
VALUE_LENGTH = 200


class Finding(StrEnum):
    """``UNCHECKED`` says nothing about the evidence, and so never worsens a proof."""

    FOUND = "found"
    NOT_FOUND = "not found"
    UNCHECKED = "unchecked"


class Medium(StrEnum):
    """Where the evidence is."""

    TXT = "txt"
    FILE = "file"
    FORGE = "forge"
    CODE = "code"
    PROJECTS = "projects"
    VOUCH = "vouch"


class Hint(models.TextChoices):
    """Mistakes that people make, each with what to do about it."""

    QUOTED = "quoted", gettext_lazy("The value has quotation marks around it. Enter it without any.")
    SPACED = "spaced", gettext_lazy("The value has spaces in it or around it. Enter it without any.")
    CAPITALS = "capitals", gettext_lazy("Capitals and small letters differ. Copy the value as it stands here.")
    BARE = "bare", gettext_lazy("The value is not complete: “freehold-verification=” belongs to it.")
    OLD = "old", gettext_lazy("The value is one of another proof, or an old one. Replace it by the value shown here.")
    CUT = "cut", gettext_lazy("The value is cut off. Copy all of it.")
    APEX = "apex", gettext_lazy("The record is at the domain itself. Move it to the name “_freehold” below it.")
    TWICE = (
        "twice",
        gettext_lazy("The domain is in the record's name twice: your DNS provider adds it. Enter “_freehold” alone."),
    )
    ALIAS = "alias", gettext_lazy("There is a CNAME record at this name. Remove it, and make a TXT record instead.")
    ELSEWHERE = (
        "elsewhere",
        gettext_lazy("Your website leads to another host. The file must be on the domain itself, or on its “www.”."),
    )
    PAGE = "page", gettext_lazy("Your website answered with one of its pages. The file must be plain text.")
    OWNER_CHANGED = (
        "owner-changed",
        gettext_lazy("The account of this name is not the one that was verified: it was made anew since."),
    )


@dataclass(frozen=True, kw_only=True)
class Observation:
    """``expected`` was looked for at ``where``; ``found`` is what is there instead or beside it, cut to be shown.

    ``reason`` is why nothing could be seen, in words. ``hints`` are values of ``Hint``. ``facts`` are what else is
    known, such as the number by which a forge knows the account.
    """

    finding: Finding
    medium: Medium
    where: str
    expected: str = ""
    found: tuple[str, ...] = ()
    reason: str = ""
    hints: tuple[str, ...] = ()
    facts: Mapping[str, Any] | None = None

    @property
    def is_found(self) -> bool:
        return self.finding is Finding.FOUND

    @property
    def summary(self) -> str:
        """What was seen, in one or two sentences."""
        if self.finding is Finding.UNCHECKED:
            return _("It could not be checked: %(reason)s This changes nothing.") % {"reason": self.reason}
        return _SUMMARIES[self.medium](self)

    @property
    def advice(self) -> list[str]:
        """What to do about it, most helpful first."""
        return [str(Hint(hint).label) for hint in self.hints if hint in Hint.values]

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "found": list(self.found), "hints": list(self.hints)}


def found(medium: Medium, where: str, expected: str, **facts: Any) -> Observation:
    """It is there."""
    shown = (expected,) if expected else ()
    return Observation(
        finding=Finding.FOUND, medium=medium, where=where, expected=expected, found=shown, facts=facts or None
    )


def not_found(
    medium: Medium,
    where: str,
    expected: str,
    *,
    values: Iterable[str] = (),
    hints: Iterable[str] = (),
    reason: str = "",
) -> Observation:
    """Somebody who must know says that it is not there."""
    return Observation(
        finding=Finding.NOT_FOUND,
        medium=medium,
        where=where,
        expected=expected,
        found=tuple(shown(value) for value in list(values)[:SHOWN]),
        hints=tuple(dict.fromkeys(hints)),
        reason=reason,
    )


def unchecked(medium: Medium, where: str, expected: str, reason: str) -> Observation:
    """Nothing is known but that we could not look."""
    return Observation(finding=Finding.UNCHECKED, medium=medium, where=where, expected=expected, reason=reason)


def with_facts(observation: Observation, **facts: Any) -> Observation:
    return replace(observation, facts={**(observation.facts or {}), **facts})


def with_reason(observation: Observation, reason: str) -> Observation:
    return replace(observation, reason=reason)


def from_json(stored: Mapping[str, Any]) -> Observation | None:
    """What ``as_json`` made; None for what it never made."""
    try:
        return Observation(
            **{
                **stored,
                "finding": Finding(stored["finding"]),
                "medium": Medium(stored["medium"]),
                "found": tuple(stored["found"]),
                "hints": tuple(stored["hints"]),
            }
        )
    except (KeyError, TypeError, ValueError):
        return None


def shown(value: str) -> str:
    """Fit to be stored and shown: no control characters, and not long."""
    clean = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in value)
    return clean if len(clean) <= VALUE_LENGTH else clean[:VALUE_LENGTH] + "…"


def _of_txt(seen: Observation) -> str:
    words = {"where": seen.where, "expected": seen.expected, "found": _listed(seen.found)}
    if seen.is_found:
        return _("The TXT record “%(expected)s” is at %(where)s.") % words
    if seen.found:
        return _("At %(where)s we found TXT record %(found)s, expected “%(expected)s”.") % words
    return _("There is no TXT record at %(where)s yet, expected “%(expected)s”.") % words


def _of_file(seen: Observation) -> str:
    words = {"where": seen.where, "expected": seen.expected, "found": _listed(seen.found), "reason": seen.reason}
    if seen.is_found:
        return _("The line “%(expected)s” is at %(where)s.") % words
    if seen.reason:
        return _("%(reason)s We looked at %(where)s, expected a text file with the line “%(expected)s”.") % words
    if seen.found:
        return _("At %(where)s we found %(found)s, expected the line “%(expected)s”.") % words
    return _("There is no such file at %(where)s, expected one with the line “%(expected)s”.") % words


def _of_code(seen: Observation) -> str:
    if seen.is_found:
        return _("The code that we mailed to %(where)s was entered.") % {"where": seen.where}
    return seen.reason or _("That is not the code that we mailed to %(where)s.") % {"where": seen.where}


def _in_words(seen: Observation) -> str:
    return seen.reason


def _listed(values: Iterable[str]) -> str:
    return ", ".join(_("“%(value)s”") % {"value": value} for value in values)


_SUMMARIES = {
    Medium.TXT: _of_txt,
    Medium.FILE: _of_file,
    Medium.FORGE: _of_file,
    Medium.CODE: _of_code,
    Medium.PROJECTS: _in_words,
    Medium.VOUCH: _in_words,
}
