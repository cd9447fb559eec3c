"""What organizations say about their members' sign-in, and what the audit trail keeps of it."""

from __future__ import annotations

import pytest

from accounts import guards
from orgs.models import AuditEvent
from orgs.vocabulary import Role, State
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("requires", "state", "needed"),
    [(True, State.ACTIVE, True), (True, State.SUSPENDED, True), (False, State.ACTIVE, False), (True, State.CLOSED, False)],
)  # fmt: skip
def test_a_second_factor_is_needed_where_an_organization_requires_it(
    requires: bool, state: State, needed: bool
) -> None:
    acme = factories.organization("acme", state=state)
    acme.requires_second_factor = requires
    acme.save()
    member = factories.member(acme, "max", Role.MEMBER)
    reason = guards.why_second_factor(member.user)
    assert ("Acme" in reason) is needed
    assert guards.why_second_factor(factories.user()) == ""


def test_what_changes_about_a_sign_in_is_in_the_trail_of_no_organization() -> None:
    gina = factories.member(factories.organization("acme"), "gina").user
    guards.security_event(gina, "email.changed", before="old@example.com", after="new@example.com")
    event = AuditEvent.objects.get()
    assert (event.action, event.target, event.organization) == ("email.changed", "account gina@example.com", "")
    assert event.after == {"before": "old@example.com", "after": "new@example.com"}
