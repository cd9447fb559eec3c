"""What is sold, here and at Stripe."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

import pytest

from billing import tiers
from billing.gateway.calls import Gateway
from billing.gateway.errors import Unavailable
from billing.models import Installation, Plan, Price
from billing.sandbox.faults import RequestTrouble
from billing.sandbox.store import Sandbox
from billing.services import plans as service
from billing.services.plans import PricesDiffer, sync_plans
from billing.tiers import TIERS, terms_of
from billing.vocabulary import Interval, Item, Tier
from freehold.errors import NotPermitted
from orgs.actors import Actor
from orgs.models import AuditEvent
from tests import factories
from tests.commands import run

pytestmark = pytest.mark.django_db
OPERATOR = Actor.operator()


def current() -> dict[str, Plan]:
    return {plan.tier: plan for plan in Plan.objects.filter(is_current=True)}


def price(tier: Tier, item: Item, currency: str, interval: Interval) -> Price:
    return Price.objects.get(plan=current()[tier], item=item, currency=currency, interval=interval)


@pytest.fixture
def dearer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Team costs more from now on."""
    more = replace(terms_of(Tier.TEAM), seat=MappingProxyType({"usd": 600, "jpy": 900}))
    changed = tuple(more if terms.tier is Tier.TEAM else terms for terms in TIERS)
    monkeypatch.setattr(tiers, "TIERS", changed)
    monkeypatch.setattr(service, "TIERS", changed)


def test_what_has_prices_is_sold(stripe: Gateway, sandbox: Sandbox) -> None:
    sync_plans(actor=OPERATOR)
    assert sorted(current()) == ["business", "team"]
    assert len(sandbox.find("product")) == 4
    assert price(Tier.TEAM, Item.SEAT, "usd", Interval.MONTH).amount == 500
    assert price(Tier.TEAM, Item.SEAT, "usd", Interval.YEAR).amount == 5000
    assert price(Tier.BUSINESS, Item.ROOT, "jpy", Interval.YEAR).amount == 60_000
    at_stripe = {made["lookup_key"]: (made["id"], made["unit_amount"]) for made in sandbox.find("price")}
    assert at_stripe == {row.lookup_key: (row.stripe_id, row.amount) for row in Price.objects.all()}
    assert {made["tax_behavior"] for made in sandbox.find("price")} == {"exclusive"}


def test_said_again_nothing_is_made(stripe: Gateway, sandbox: Sandbox) -> None:
    before = sync_plans(actor=OPERATOR)
    assert sync_plans(actor=OPERATOR) == before
    assert (len(sandbox.find("price")), Price.objects.count()) == (32, 32)
    assert AuditEvent.objects.filter(action="plan.offered").count() == 2


def test_what_broke_off_is_done_another_time(stripe: Gateway, sandbox: Sandbox) -> None:
    sandbox.faults.add(kind=RequestTrouble.TIMEOUT_AFTER, match="POST /v1/prices", times=3)
    with pytest.raises(Unavailable):
        sync_plans(actor=OPERATOR)
    sync_plans(actor=OPERATOR)
    assert (len(sandbox.find("product")), len(sandbox.find("price"))) == (4, 32)
    assert not Price.objects.filter(stripe_id="").exists()


def test_a_database_that_was_lost_finds_its_prices_again(stripe: Gateway, sandbox: Sandbox) -> None:
    sync_plans(actor=OPERATOR)
    Price.objects.update(stripe_id="")
    Plan.objects.update(product="")
    sync_plans(actor=OPERATOR)
    assert (len(sandbox.find("product")), len(sandbox.find("price"))) == (4, 32)
    assert not Plan.objects.filter(product="").exists()


def test_other_prices_are_another_version(stripe: Gateway, sandbox: Sandbox, dearer: None) -> None:
    with pytest.MonkeyPatch.context() as before:
        before.setattr(service, "TIERS", TIERS)
        first = {plan.tier: plan for plan in sync_plans(actor=OPERATOR)}
    second = {plan.tier: plan for plan in sync_plans(actor=OPERATOR)}
    assert second["business"] == first["business"]
    assert (second["team"].number, second["team"].prices.count()) == (2, 2 * 2 + 2 * 4)
    first["team"].refresh_from_db()
    assert not first["team"].is_current
    kept = {made["id"] for made in sandbox.find("price", active=True)}
    assert set(first["team"].prices.values_list("stripe_id", flat=True)) <= kept, "who has them may buy more at them"


def test_another_price_under_our_name_is_refused(stripe: Gateway, sandbox: Sandbox) -> None:
    sync_plans(actor=OPERATOR)
    row = price(Tier.TEAM, Item.SEAT, "usd", Interval.MONTH)
    sandbox.get("price", row.stripe_id)["unit_amount"] = 1
    Price.objects.filter(pk=row.pk).update(stripe_id="")
    with pytest.raises(PricesDiffer, match=row.lookup_key):
        sync_plans(actor=OPERATOR)


def test_only_the_operator_says_what_is_sold(stripe: Gateway) -> None:
    with pytest.raises(NotPermitted):
        sync_plans(actor=Actor.person(factories.user()))


def test_the_command(stripe: Gateway) -> None:
    said = run("sync_plans")
    assert said.startswith("team v1: prod_")
    assert Installation.objects.get().livemode is False


def test_where_nobody_pays_older_prices_announcing_them_says_so(stripe: Gateway) -> None:
    sync_plans(actor=Actor.operator())
    assert run("billing_announce_prices", "--all") == run("billing_announce_prices") != ""
