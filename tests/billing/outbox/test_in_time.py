"""Who was too slow, and may have lost a call to another worker, tells Stripe nothing more."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from billing.gateway.calls import Gateway, gateway
from billing.gateway.deadline import not_after
from billing.gateway.errors import Unavailable
from billing.services.outbox import enqueue, make_calls
from billing.vocabulary import CallKind, JobState
from orgs.models import Organization
from tests.billing.outbox.troubles import Do

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("plans")]


def test_whoever_may_have_lost_it_to_another_tells_stripe_nothing_more(
    acme: Organization, bought: Do, settle: Do, ahead: Do, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else what was wanted before would undo what is wanted now, should it come late."""
    live = bought(acme)
    really, slow = type(gateway()).subscription, [True]

    def slowly(self: Any, identifier: str) -> Any:
        if slow:
            slow.clear()
            ahead(minutes=4)
        return really(self, identifier)

    monkeypatch.setattr(type(gateway()), "subscription", slowly)
    arguments = {"subscription": live.stripe_id}
    call = enqueue(kind=CallKind.CANCEL, organization=acme, topic=live.stripe_id, arguments=arguments)
    make_calls()
    call.refresh_from_db()
    assert (call.state, call.leased_until) == (JobState.PENDING, None) and "slowly" in call.error
    assert not gateway().subscription(live.stripe_id).cancel_at_period_end
    ahead(hours=1)
    settle()
    assert gateway().subscription(live.stripe_id).cancel_at_period_end


def test_also_of_what_has_no_key(acme: Organization, bought: Do, stripe: Gateway) -> None:
    live, now = bought(acme), timezone.now()
    with not_after(now - timedelta(minutes=1)), pytest.raises(Unavailable):
        stripe.cancel_now("k", live.stripe_id, prorate=False)
    with not_after(now + timedelta(minutes=1)):
        assert stripe.cancel_now("k", live.stripe_id, prorate=False).ended_at
