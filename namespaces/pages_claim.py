"""Reads for the page on which a namespace is claimed: what can be said of a prefix as it is typed, before it is filed.

What everybody sees is public and knows of no claim. To an owner of an organization the whole evaluation is shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

from django.conf import settings
from django.db.models import Count

from namespaces import hooks
from namespaces.models import Case, Grant, Project
from namespaces.owners import USER_PREFIX
from namespaces.pages import Coverage, Prospect, look_up
from namespaces.pages_cases import Missing, Wait, missing_in, place_of_new, usual_wait
from namespaces.policy.evaluate import evaluate
from namespaces.policy.evaluation import AskedProof, Criterion, Evaluation, Key, Outcome, Result
from namespaces.policy.inputs import ClaimInputs
from namespaces.policy_facts import gather, gather_for_anybody, owners_of
from namespaces.states import HOLDING
from orgs.actors import Actor, lacks_second_factor, may
from orgs.models import Membership, Organization
from orgs.vocabulary import Kind, Permission, Role, State

OWNERS = 5
"""How many owners of projects under a prefix are named."""

ABOUT_THE_NAME = (Key.LENGTH, Key.COMMON, Key.RESERVED, Key.LOOK_ALIKE)
"""Criteria that ask nothing about the applicant."""


# --- Whose the projects are -----------------------------------------------------------------------------------------


class Whose(NamedTuple):
    """How many projects under a prefix one owner has; ``name`` is empty where the index does not say whose they are."""

    name: str
    is_person: bool
    projects: int


@dataclass(frozen=True)
class Covered:
    """The real projects under a prefix by owner: those of the applicant, and of others those who have the most.

    ``projects`` and ``owners`` are how many there are in all, the latter of those that the index names.
    """

    projects: int = 0
    owners: int = 0
    mine: tuple[Whose, ...] = ()
    others: tuple[Whose, ...] = ()

    @property
    def yours(self) -> int:
        return sum(one.projects for one in self.mine)

    @property
    def not_yours(self) -> int:
        return self.projects - self.yours

    @property
    def more(self) -> int:
        """How many owners are not named."""
        named = [one for one in (*self.mine, *self.others) if one.name]
        return self.owners - len(named)


def covered(prefix: str, coverage: Coverage, organization: Organization | None) -> Covered:
    if not coverage.projects:
        return Covered()
    mine = owners_of(organization) if organization else []
    counted = Project.objects.under(prefix).order_by().values("owner").annotate(count=Count("*"))
    rows = counted.order_by("-count", "owner").values_list("owner", "count")
    return Covered(
        projects=coverage.projects,
        owners=coverage.owners,
        mine=tuple(_whose(*row) for row in rows.filter(owner__in=mine)) if mine else (),
        others=tuple(_whose(*row) for row in rows.exclude(owner__in=mine)[:OWNERS]),
    )


def _whose(owner: str, count: int) -> Whose:
    return Whose(owner.removeprefix(USER_PREFIX), owner.startswith(USER_PREFIX), count)


# --- What everybody is told -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Answer:
    """What can be said of a prefix to anybody: on its face, and what would be asked of either kind of organization.

    The latter two are left out for an organization: its own evaluation says more.
    """

    prospect: Prospect
    covered: Covered = Covered()
    about_the_name: tuple[Criterion, ...] = ()
    asked: tuple[tuple[Kind, AskedProof], ...] = ()
    prices: Sequence[str] = ()

    @property
    def for_a_person(self) -> tuple[Criterion, ...]:
        """What in the name alone keeps a machine from granting it."""
        return tuple(criterion for criterion in self.about_the_name if criterion.result is not Result.PASS)


def answer(typed: str, organization: Organization | None = None) -> Answer:
    prospect = look_up(typed)
    if prospect.coverage is None:
        return Answer(prospect)
    covers = covered(prospect.name, prospect.coverage, organization)
    said = Answer(prospect, covers, prices=hooks.price(organization))
    return said if organization else _told_to_anybody(said)


def _told_to_anybody(said: Answer) -> Answer:
    inputs = gather_for_anybody(said.prospect.name)
    found = evaluate(inputs, settings.FREEHOLD_POLICY)
    return replace(
        said,
        about_the_name=tuple(criterion for criterion in found.criteria if criterion.key in ABOUT_THE_NAME),
        asked=tuple((kind, _asked(inputs, kind)) for kind in Kind),
    )


def _asked(inputs: ClaimInputs, kind: Kind) -> AskedProof:
    """The most telling proof: it is asked of whoever has proved nothing yet."""
    applicant = replace(inputs.applicant, kind=kind)
    return evaluate(replace(inputs, applicant=applicant), settings.FREEHOLD_POLICY).asked_proofs[0]


# --- What an owner is told besides ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Preview:
    """How a claim of the prefix by the organization would go, were it filed now."""

    organization: Organization
    evaluation: Evaluation
    own: Case | None
    held: Grant | None

    @property
    def is_granted_at_once(self) -> bool:
        return self.evaluation.outcome is Outcome.GRANT_NOW

    @property
    def met(self) -> list[Criterion]:
        return [criterion for criterion in self.evaluation.criteria if criterion.result is Result.PASS]

    @property
    def held_days(self) -> int:
        return int(settings.FREEHOLD_HELD.days)

    @property
    def missing(self) -> list[Missing]:
        return missing_in(self.evaluation)

    @cached_property
    def awaits_payment(self) -> bool:
        return hooks.awaits_payment(self.organization)

    @property
    def is_active(self) -> bool:
        """One that is only waits for its plan to have room."""
        return self.organization.state == State.ACTIVE

    @cached_property
    def payment_url(self) -> str:
        return hooks.payment_page(self.organization, 1)

    @cached_property
    def price(self) -> list[str]:
        return hooks.price(self.organization)

    @cached_property
    def before(self) -> int:
        return place_of_new(self.organization)

    @cached_property
    def wait(self) -> Wait:
        return usual_wait()


def preview(name: str, organization: Organization) -> Preview:
    """``own`` is the open claim of that name that the organization has already, ``held`` what it holds there."""
    around = Grant.objects.covering(name).filter(owner=organization, state__in=HOLDING)
    return Preview(
        organization=organization,
        evaluation=evaluate(gather(name, organization), settings.FREEHOLD_POLICY),
        own=Case.objects.open().filter(kind="claim", organization=organization, name=name).first(),
        held=around.last(),
    )


def waits_for_second_factor(actor: Actor) -> Organization | None:
    """One of which the actor is an owner, and for which they could claim if they had the second factor it requires."""
    mine = Membership.objects.filter(user=actor.user, role=Role.OWNER, organization__requires_second_factor=True)
    found = mine.select_related("organization", "user").order_by("organization__display_name")
    return next((one.organization for one in found if lacks_second_factor(one)), None)


def claimants(actor: Actor) -> Sequence[Organization]:
    """The organizations for which the actor may claim, by name as it is shown."""
    if actor.user is None:
        return []
    mine = Membership.objects.filter(user=actor.user, organization__state__in=[State.APPLIED, State.ACTIVE])
    found = mine.select_related("organization").order_by("organization__display_name", "organization_id")
    return [one.organization for one in found if may(actor, Permission.MANAGE_NAMESPACES, one.organization)]
