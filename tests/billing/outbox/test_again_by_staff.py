"""Calls that died, made once more by staff."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from billing.models import Call, Intent, Subscription
from billing.sandbox.store import Sandbox
from billing.services import purchase_calls
from billing.services.calls import MARKED, ONCE
from billing.services.desk import can_retry, retry_call
from billing.vocabulary import CallKind, JobState
from orgs.actors import Actor
from orgs.models import Organization
from tests.billing.outbox.troubles import Do, ordered

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("plans")]


@pytest.mark.parametrize("kind", sorted(ONCE))
def test_what_is_found_by_its_mark_gets_a_new_key_for_stripe_repeats_its_refusal_under_the_old_one(
    kind: CallKind, acme: Organization
) -> None:
    dead = Call.objects.create(kind=kind, organization=acme, state=JobState.DEAD, attempts=3)
    again = retry_call(actor=Actor.operator(), call=dead)
    assert (again.key != dead.key) is (kind in MARKED)


def test_also_after_a_day(acme: Organization) -> None:
    old = timezone.now() - timedelta(days=3)
    verdicts = {
        kind: bool(can_retry(Call(kind=kind, organization=acme, state=JobState.DEAD, created_at=old, pk=0)))
        for kind in CallKind
    }
    assert [kind for kind, may in verdicts.items() if not may] == [CallKind.CREDIT]


def test_a_refusal_that_was_mended_is_not_repeated(acme: Organization, sandbox: Sandbox, settle: Do) -> None:
    """Such as for an address that Stripe could not place."""
    intent = ordered(acme)
    Intent.objects.update(billing_address={**intent.billing_address, "country": "", "postal_code": "", "city": ""})
    settle()
    dead = Call.objects.get(kind=CallKind.OPEN_INVOICED)
    assert dead.state == JobState.DEAD and not sandbox.find("subscription")
    Intent.objects.update(billing_address=intent.billing_address)
    retry_call(actor=Actor.operator(), call=dead)
    settle()
    dead.refresh_from_db()
    assert dead.state == JobState.DONE and purchase_calls.OVER.isdisjoint({Subscription.objects.get().status})
