"""What the services of the standing leave in the trail."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.utils import timezone

from billing.models import Health, Subscription
from billing.services.effects import apply
from billing.standing import Step
from namespaces.models import GrantLock
from namespaces.states import GrantState, LockCause
from orgs.actors import Actor
from orgs.models import Organization
from tests import factories
from tests.billing.standing.rows import company, decline, subscription

Row = tuple[Callable[[], dict[str, Any]], list[tuple[str, str]]]
ACME = "acme"


def _owing(days: int) -> dict[str, Any]:
    made = company(ACME)
    factories.grant(ACME, made)
    Organization.objects.filter(pk=made.pk).update(seats=5)
    decline(subscription(made), timezone.now() - timedelta(days=days))
    return {"organization": made}


def _over() -> dict[str, Any]:
    """At the end of the ladder; what was done on the way is in the trail already."""
    found = _owing(300)
    apply(actor=Actor.worker(), organization=found["organization"])
    lock = GrantLock.objects.get(cause=LockCause.STANDING)
    type(lock.grant).objects.filter(pk=lock.grant_id).update(state=GrantState.QUARANTINED)
    assert Health.objects.get().step == Step.RELEASE and Subscription.objects.exists()
    return {"actor": Actor.operator(), **found, "reason": "Nobody answers."}


ROWS: dict[str, Row] = {
    "judge_standing": (lambda: _owing(1), [("organization.standing", ACME)]),
    "apply": (lambda: _owing(15), [("organization.standing", ACME), ("namespace.lock", ACME)]),
    "follow": (lambda: _owing(15), [("organization.standing", ACME), ("namespace.lock", ACME)]),
    "confirm_release": (_over, [("namespace.release", ACME), ("organization.released", ACME)]),
}
