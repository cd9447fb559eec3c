"""What an evaluation says: each criterion with its evidence in words, and what follows. Pure."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _


class Key(models.TextChoices):
    """The criteria, in the order in which they are shown (DESIGN section 8)."""

    AVAILABLE = "available", _("It is available")
    STANDING = "standing", _("The organization may hold namespaces")
    PROOFS = "proofs", _("Proofs name the organization")
    IDENTIFIES = "identifies", _("It identifies the applicant")
    LENGTH = "length", _("It is longer than three characters")
    COMMON = "not_common", _("It is not common")
    RESERVED = "not_reserved", _("It is not a reserved word")
    IN_USE = "in_use", _("The applicant uses it")
    HARM = "harm", _("Others could do harm with it")
    OVERTAKEN = "outside", _("Few projects of others are under it")
    LOOK_ALIKE = "no_look_alike", _("It can't be mistaken for another")


class CommunityKey(models.TextChoices):
    """The criteria on an organization that asks to be a community project, in the order in which they are shown."""

    PROOFS = "proofs", _("Proofs name the project")
    FORGE = "public_forge", _("It is developed in public")
    LICENCE = "licence", _("It has an open-source licence")
    ACTIVITY = "activity", _("It is alive")
    USERS = "users", _("It has users")
    INSTITUTION = "institution", _("It is no business")
    NAME = "name", _("Its name can't be mistaken for another")
    STANDING = "standing", _("Nothing speaks against the organization")


class Result(models.TextChoices):
    PASS = "pass", _("Met")
    FAIL = "fail", _("Not met")
    UNKNOWN = "unknown", _("Can't be told by machine")


class Outcome(models.TextChoices):
    """The machine never refuses what a person could grant."""

    GRANT_NOW = "grant_now", _("Granted at once")
    A_PERSON_LOOKS = "a_person_looks", _("A person looks")


class Stake(models.TextChoices):
    ORDINARY = "ordinary", _("One reviewer decides")
    HIGH = "high", _("Two reviewers decide")


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """``evidence`` is what was found; ``remedy`` what would change the result, or empty. Both are whole sentences in
    the language of whoever asked."""

    key: Key | CommunityKey
    result: Result
    evidence: str
    remedy: str = ""

    @property
    def title(self) -> str:
        return str(self.key.label)


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedProof:
    """A proof to ask the applicant for: one of these kinds, and of what, in words."""

    kinds: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """``stakes`` are the reasons for two reviewers, in words; ``stake`` is high if there are any."""

    outcome: Outcome
    criteria: tuple[Criterion, ...]
    stakes: tuple[str, ...] = ()
    asked_proofs: tuple[AskedProof, ...] = ()

    @property
    def stake(self) -> Stake:
        return Stake.HIGH if self.stakes else Stake.ORDINARY

    @property
    def open_criteria(self) -> tuple[Criterion, ...]:
        """Those that keep the machine from granting."""
        return tuple(criterion for criterion in self.criteria if criterion.result is not Result.PASS)

    def as_json(self) -> dict[str, Any]:
        """For ``--json`` and for storing; the inputs are what is read back, not this."""
        shown = [asdict(criterion) | {"title": criterion.title} for criterion in self.criteria]
        return {
            "outcome": self.outcome.value,
            "stake": self.stake.value,
            "stakes": list(self.stakes),
            "criteria": [
                criterion | {"key": criterion["key"].value, "result": criterion["result"].value} for criterion in shown
            ],
            "asked_proofs": [{"kinds": list(asked.kinds), "reason": asked.reason} for asked in self.asked_proofs],
        }
