"""What to do next, for a person and for an organization, from facts alone. Each step leads to where it is done."""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import User
from orgs import hooks
from orgs.actors import lacks_second_factor
from orgs.hooks import Step
from orgs.models import Membership
from orgs.selectors_organizations import Figures, figures
from orgs.selectors_people import has_single_owner
from orgs.vocabulary import ROLE_PERMISSIONS, Kind, Permission, Role, State


@dataclass(frozen=True)
class Checklist:
    steps: list[Step]

    @property
    def open(self) -> list[Step]:
        return [step for step in self.steps if not step.done]

    @property
    def is_done(self) -> bool:
        return not self.open


def for_person(user: User, memberships: list[Membership]) -> Checklist:
    """What somebody does once: their own account, and a first organization."""
    return Checklist(
        [
            Step(
                _("Set up two-step verification"),
                reverse("mfa_index"),
                _("A passkey or an app on your phone. Some organizations ask for it before you may act for them."),
                done=user.second_factor,
            ),
            Step(
                _("Link your user name on the index"),
                reverse("index-identity"),
                _("It decides what you may publish: without it the index does not know that you are you."),
                done=bool(user.index_username),
            ),
            Step(
                _("Set up an organization"),
                reverse("organization-new"),
                _("Takes a minute. Or have an owner of yours invite you."),
                done=bool(memberships),
            ),
        ]
    )


def for_organization(membership: Membership) -> Checklist:
    """What this member can do for the organization; nothing for those who can only look."""
    if lacks_second_factor(membership):
        return Checklist([_own_second_factor(membership)])
    numbers, permissions = figures(membership.organization), ROLE_PERMISSIONS[Role(membership.role)]
    steps: list[Step] = []
    if Permission.MANAGE_TEAMS in permissions:
        steps += _proof_steps(membership, numbers)
    if Permission.MANAGE_PEOPLE in permissions:
        steps += [_second_owner(membership), *_activation(membership)]
    if Permission.MANAGE_NAMESPACES in permissions:
        steps += [step for ask in hooks.next_steps for step in ask(membership.organization)]
    return Checklist(steps)


def _own_second_factor(membership: Membership) -> Step:
    hint = _("%(organization)s requires it. Until you have it you can look, and neither change nor publish anything.")
    return Step(
        _("Set up two-step verification"),
        reverse("mfa_index"),
        hint % {"organization": membership.organization.display_name},
    )


def _proof_steps(membership: Membership, numbers: Figures) -> list[Step]:
    url = reverse("organization-proofs", args=[membership.organization.name])
    prove = Step(
        _("Prove who you are"),
        url,
        _("A domain or a code forge account shows that the name is yours. About five minutes."),
        done=numbers.counting_proofs > 0,
    )
    if not numbers.failing_proofs:
        return [prove]
    text = ngettext("A proof is failing", "%(count)d proofs are failing", numbers.failing_proofs)
    hint = _("It still counts. Put it back before it is lost.")
    return [prove, Step(text % {"count": numbers.failing_proofs}, url, hint)]


def _second_owner(membership: Membership) -> Step:
    return Step(
        _("Have a second owner"),
        reverse("organization-people", args=[membership.organization.name]),
        _("If the only owner is away or loses access, nobody can act for it."),
        done=not has_single_owner(membership.organization),
    )


def _activation(membership: Membership) -> list[Step]:
    organization = membership.organization
    if organization.state == State.SUSPENDED:
        return []
    if organization.kind == Kind.COMMUNITY:
        hint = _("Free of charge for community projects. See what is asked, and apply: often it takes a minute.")
        url = reverse("organization-community", args=[organization.name])
    else:
        hint = _("A company becomes active by paying, or by hand where it pays otherwise.")
        url = reverse("organization-overview", args=[organization.name]) + "#state"
    return [Step(_("Become active"), url, hint, done=organization.state == State.ACTIVE)]
