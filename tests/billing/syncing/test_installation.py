"""Keys and database of one installation, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import OperationalError, connection
from django.test import override_settings

from billing.gateway.calls import Gateway
from billing.models import Installation
from billing.services import installation
from billing.services.installation import WrongInstallation, check_installation, ensure_installation, mismatch
from freehold.errors import NotPermitted
from freehold.stripe_settings import StripeSettings, from_environment
from orgs.actors import Actor
from orgs.models import AuditEvent
from tests import factories
from tests.billing.conftest import BILLING
from tests.commands import run

pytestmark = pytest.mark.django_db
OPERATOR = Actor.operator()


@pytest.fixture
def live() -> Iterator[StripeSettings]:
    """Production's key."""
    settings = StripeSettings(enabled=True, key="sk_live_1", secrets=("whsec_1",))
    with override_settings(FREEHOLD_STRIPE=settings):
        yield settings


def test_the_first_time_it_is_written_down(stripe: Gateway) -> None:
    made = ensure_installation(actor=OPERATOR)
    assert ensure_installation(actor=OPERATOR) == made
    assert (made.account, made.livemode) == (stripe.account().id, False)
    assert AuditEvent.objects.get().action == "installation.recorded"


@pytest.mark.parametrize(
    ("account", "livemode", "told"),
    [
        ("acct_1", True, ""),
        ("", True, ""),
        ("acct_1", False, "This database is of live mode (acct_1), and the key is of test mode."),
        ("acct_2", True, "This database belongs to Stripe's account acct_1, and not to acct_2."),
    ],
)
def test_what_goes_together(account: str, livemode: bool, told: str) -> None:
    assert mismatch(Installation(account="acct_1", livemode=True), account, livemode=livemode) == told
    assert mismatch(None, account, livemode=livemode) == ""


def test_scenario_48_keys_and_database_of_different_installations_refuse_to_start(live: StripeSettings) -> None:
    assert check_installation() == []
    Installation.objects.create(pk=1, account="acct_1", livemode=False)
    with pytest.raises(SystemCheckError, match="This database is of test mode"):
        call_command("check", tags=["urls"], fail_level="ERROR")
    Installation.objects.update(livemode=True)
    call_command("check", tags=["urls"], fail_level="ERROR")
    with override_settings(FREEHOLD_STRIPE=replace(live, account="acct_2")):
        (message,) = check_installation()
    assert (message.id, "acct_2" in message.msg) == (installation.WRONG, True)


def test_where_billing_is_off_nobody_asks() -> None:
    Installation.objects.create(pk=1, account="acct_1", livemode=True)
    with override_settings(FREEHOLD_STRIPE=StripeSettings(enabled=False)):
        assert check_installation() == []


def test_a_database_that_is_away_is_no_evidence(live: StripeSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> None:
        raise OperationalError("no answer")

    monkeypatch.setattr(connection, "cursor", away)
    assert check_installation() == []


def test_another_account_sells_nothing(stripe: Gateway) -> None:
    Installation.objects.create(pk=1, account="acct_of_staging", livemode=False)
    with pytest.raises(WrongInstallation, match="acct_of_staging"):
        ensure_installation(actor=OPERATOR)


def test_nor_one_that_was_not_meant(stripe: Gateway) -> None:
    with (
        override_settings(FREEHOLD_STRIPE=replace(BILLING, account="acct_meant")),
        pytest.raises(WrongInstallation, match="acct_meant"),
    ):
        ensure_installation(actor=OPERATOR)


def test_unless_the_operator_wants_it_so(stripe: Gateway) -> None:
    Installation.objects.create(pk=1, account="acct_of_staging", livemode=True)
    assert run("billing_doctor", "--adopt").startswith("This database belongs to acct_")
    assert ensure_installation(actor=OPERATOR).account == stripe.account().id
    assert AuditEvent.objects.get().before == {"account": "acct_of_staging", "livemode": True}


def test_nobody_else_says_so(stripe: Gateway) -> None:
    somebody = Actor.person(factories.user())
    for act in (ensure_installation, installation.adopt_installation):
        with pytest.raises(NotPermitted):
            act(actor=somebody)


def test_where_stripe_would_sell_in_its_own_name_nothing_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The ledger would book its tax as ours."""
    monkeypatch.setenv("STRIPE_MERCHANT_OF_RECORD", "true")
    with pytest.raises(ImproperlyConfigured, match="ledger"):
        from_environment(production=False)
    monkeypatch.setenv("STRIPE_MERCHANT_OF_RECORD", "false")
    assert from_environment(production=False).enabled
