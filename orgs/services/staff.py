"""What staff decides about an organization: to activate it by hand, to suspend it, its seats, whether it may vouch."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from freehold.errors import Invalid, NotPermitted
from orgs import audit, hooks
from orgs.actors import ALLOWED, Actor, Verdict
from orgs.lifecycle import STAFF_ACTIONS, Action, actions, next_state
from orgs.models import Organization
from orgs.services.notices import tell_owners
from orgs.services.organizations import NotNow, locked_organization
from orgs.vocabulary import State

REASON_LENGTH = 500
MOST_SEATS = 100_000


def can(action: Action, organization: Organization, actor: Actor) -> Verdict:
    """Whether the actor may do this to the organization now, with the reason when not."""
    if not actor.is_operator:
        return Verdict(False, "Only staff decides this about an organization.")
    if action not in STAFF_ACTIONS or next_state(State(organization.state), action) is None:
        possible = ", ".join(a.value for a in staff_actions(organization)) or "nothing"
        return Verdict(
            False, f"{organization.name!r} is {organization.state}; what staff can do about that now: {possible}."
        )
    return ALLOWED


def staff_actions(organization: Organization) -> list[Action]:
    """What staff may do now: for the page, the form and the POST alike."""
    return [action for action in actions(State(organization.state)) if action in STAFF_ACTIONS]


def activate_organization(*, actor: Actor, organization: Organization, reason: str = "") -> Organization:
    """Let it hold namespaces without a payment: by hand, for whom staff knows."""
    return _apply(actor, organization, Action.ACTIVATE, reason)


def suspend_organization(*, actor: Actor, organization: Organization, reason: str) -> Organization:
    """Its people publish nothing new and it receives nothing until it is reinstated; what it holds stays its own."""
    return _apply(actor, organization, Action.SUSPEND, reason)


def reinstate_organization(*, actor: Actor, organization: Organization, reason: str = "") -> Organization:
    return _apply(actor, organization, Action.REINSTATE, reason)


@transaction.atomic
def _apply(actor: Actor, organization: Organization, action: Action, reason: str) -> Organization:
    organization = locked_organization(organization)
    _demand_staff(actor)
    if not (verdict := can(action, organization, actor)):
        raise NotNow(verdict.reason)
    reason = _parse_reason(reason, required=action is Action.SUSPEND)
    state = next_state(State(organization.state), action)
    assert state is not None, "can() has just said so"
    before, organization.state = {"state": str(organization.state)}, state
    organization.save(update_fields=["state"])
    after = {"state": state.value} | ({"reason": reason} if reason else {})
    _record(actor, f"organization.{action.value}", organization, before, after)
    tell_owners(organization, f"organization_{action.value}", reason=reason)
    if action is Action.ACTIVATE:
        for activated in hooks.on_activated:
            activated(actor, organization)
    return organization


@transaction.atomic
def set_seats(*, actor: Actor, organization: Organization, seats: int | None) -> Organization:
    """How many memberships it may have, None for any number. Who is in it stays, even above the number."""
    organization = locked_organization(organization)
    _demand_staff(actor)
    if organization.state == State.CLOSED:
        raise NotNow(f"{organization.name!r} is closed.")
    if seats is not None and not 1 <= seats <= MOST_SEATS:
        raise Invalid(f"An organization has 1 to {MOST_SEATS} seats, or any number of them.")
    before, organization.seats = {"seats": organization.seats}, seats
    organization.save(update_fields=["seats"])
    _record(actor, "organization.seats", organization, before, {"seats": seats})
    return organization


@transaction.atomic
def recognize_sponsor(*, actor: Actor, organization: Organization, recognized: bool) -> Organization:
    """Let it vouch for projects as their fiscal sponsor, or no more."""
    organization = locked_organization(organization)
    _demand_staff(actor)
    if organization.state != State.ACTIVE and recognized:
        raise NotNow(
            f"{organization.name!r} is {organization.state}; only an active organization can vouch for others."
        )
    before, organization.is_sponsor = {"sponsor": organization.is_sponsor}, recognized
    organization.save(update_fields=["is_sponsor"])
    _record(actor, "organization.sponsor", organization, before, {"sponsor": recognized})
    return organization


def _demand_staff(actor: Actor) -> None:
    if not actor.is_operator:
        raise NotPermitted("Only staff decides this about an organization.")


def _parse_reason(text: str, *, required: bool) -> str:
    reason = " ".join(text.split())
    if required and not reason:
        raise Invalid("Say why: the owners are told.")
    if len(reason) > REASON_LENGTH or not (reason.isprintable() or not reason):
        raise Invalid(f"A reason has at most {REASON_LENGTH} printable characters.")
    return reason


def _record(
    actor: Actor, action: str, organization: Organization, before: dict[str, Any], after: dict[str, Any]
) -> None:
    audit.record(
        actor,
        action,
        f"organization {organization.name}",
        organization=organization.name,
        before=before,
        after=after,
    )
