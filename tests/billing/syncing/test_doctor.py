"""Whether billing can work, and in one sentence why not."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import override_settings
from django.utils import timezone
from django.utils.http import http_date

from billing.gateway import calls
from billing.gateway.calls import Gateway
from billing.gateway.event_types import WANTED
from billing.gateway.objects import EndpointObject
from billing.gateway.reads import VERSION
from billing.models import Call, Event, Installation, Price, Reconciliation
from billing.sandbox.app import App
from billing.sandbox.faults import RequestTrouble
from billing.sandbox.store import Sandbox
from billing.sandbox.transport import Direct
from billing.services import doctor
from billing.services.doctor import Finding, drift, endpoint_problem
from billing.vocabulary import CallKind, JobState
from orgs.models import Organization
from tests.commands import run

NOW = datetime(2026, 5, 31, tzinfo=UTC)
SITE = "http://127.0.0.1:8000"


@pytest.fixture
def at_home(stripe: Gateway, plans: Any) -> Any:
    """All is well."""
    with override_settings(FREEHOLD_URL=SITE):
        stripe.create_endpoint("e", doctor.webhook_address(), WANTED)
        Reconciliation.objects.create(kind="nightly", ended_at=timezone.now())
        yield


def findings() -> dict[str, str]:
    return {found.about: found.problem for found in doctor.examine()}


def wrong() -> dict[str, str]:
    return {about: problem for about, problem in findings().items() if problem}


class Watched(Direct):
    """A line on which the answers say what time it is at Stripe."""

    def __init__(self, sandbox: Sandbox, ahead: timedelta) -> None:
        super().__init__(App(sandbox))
        self.ahead = ahead

    def request(self, *arguments: Any, **more: Any) -> tuple[str, int, Mapping[str, str]]:
        body, status, headers = super().request(*arguments, **more)
        now = timezone.now() + self.ahead
        return body, status, {**headers, "Date": http_date(now.timestamp())}


class TestClock:
    @pytest.mark.parametrize(
        ("ours", "told"),
        [
            (timedelta(seconds=59), ""),
            (timedelta(seconds=-59), ""),
            (timedelta(seconds=90), "This machine's clock is 90 s ahead of Stripe's"),
            (timedelta(minutes=-4), "This machine's clock is 240 s behind Stripe's"),
        ],
    )
    def test_scenario_17_a_clock_that_drifts_is_told_of(self, ours: timedelta, told: str) -> None:
        found = drift(NOW + ours, NOW)
        assert found.startswith(told)
        assert bool(found) == bool(told)

    @pytest.mark.django_db
    def test_it_is_compared_with_stripe_s(self, stripe: Gateway, sandbox: Sandbox, at_home: None) -> None:
        assert "Clock" not in wrong(), "an answer that doesn't say the time is no evidence"
        for ahead, is_wrong in ((timedelta(), False), (timedelta(hours=-2), True)):
            with calls.use(Gateway(stripe.settings, Watched(sandbox, ahead))):
                assert ("Clock" in wrong()) is is_wrong


class TestEndpoint:
    WELL = EndpointObject(
        id="we_1", url="x", status="enabled", api_version=VERSION, enabled_events=tuple(WANTED), livemode=False
    )

    @pytest.mark.parametrize(
        ("more", "told"),
        [
            ({}, ""),
            ({"enabled_events": ("*",)}, ""),
            ({"status": "disabled"}, "is disabled"),
            ({"api_version": ""}, "speaks whatever is usual"),
            ({"api_version": "2020-08-27"}, "speaks 2020-08-27"),
            ({"enabled_events": tuple(set(WANTED) - {"invoice.paid"})}, "does not tell of invoice.paid"),
        ],
    )
    def test_it_tells_of_everything_in_our_version(self, more: dict[str, Any], told: str) -> None:
        found = endpoint_problem(replace(self.WELL, **more))
        assert told in found
        assert bool(found) == bool(told)

    @pytest.mark.django_db
    def test_it_is_made_once_and_its_secret_told(self, stripe: Gateway) -> None:
        with override_settings(FREEHOLD_URL=SITE):
            assert "Stripe has no endpoint for" in wrong()["Webhook endpoint"]
            assert run("billing_doctor", "--make-endpoint").startswith("whsec_")
            assert "Webhook endpoint" not in wrong()
            with pytest.raises(CommandError, match="has an endpoint"):
                run("billing_doctor", "--make-endpoint")


@pytest.mark.django_db
class TestExamination:
    def test_where_all_is_well(self, at_home: None) -> None:
        assert wrong() == {}
        assert list(findings()) == list(doctor.EXAMINED)
        assert "Webhook endpoint: ok" in run("billing_doctor")

    def test_what_is_wrong_is_said_and_the_command_fails(self, at_home: None) -> None:
        Price.objects.update(stripe_id="")
        said = io.StringIO()
        with pytest.raises(CommandError):
            call_command("billing_doctor", stdout=said)
        assert "Account: ok\n" in said.getvalue()
        assert "Prices: What is sold is not at Stripe: run sync_plans.\n" in said.getvalue()

    def test_a_price_that_was_closed_there(self, at_home: None, stripe: Gateway) -> None:
        row = Price.objects.filter(plan__is_current=True).latest("pk")
        stripe.archive_price(row.stripe_id)
        assert row.lookup_key in wrong()["Prices"]

    def test_the_keys_of_another_installation(self, at_home: None) -> None:
        Installation.objects.update(account="acct_of_staging")
        assert "acct_of_staging" in wrong()["Account"]

    def test_jobs_that_wait_and_jobs_that_were_given_up(self, at_home: None, acme: Organization) -> None:
        long_ago = timezone.now() - timedelta(hours=1)
        Event.objects.create(stripe_id="evt_1", type="x", livemode=False, created=long_ago, due_at=long_ago)
        Call.objects.create(kind=CallKind.CANCEL, organization=acme, state=JobState.DEAD)
        told = wrong()
        assert set(told) == {"Events", "Calls"}
        assert "1 events have waited" in told["Events"]
        assert told["Calls"] == "1 calls were given up."

    def test_nothing_was_compared_for_long(self, at_home: None) -> None:
        Reconciliation.objects.update(started_at=timezone.now() - timedelta(days=2))
        assert set(wrong()) == {"Comparison"}

    def test_stripe_does_not_answer(self, at_home: None, sandbox: Sandbox) -> None:
        sandbox.faults.add(kind=RequestTrouble.ERROR, times=None)
        told = wrong()
        assert set(told) == {"Account", "Clock", "Webhook endpoint", "Prices"}
        assert all(problem.startswith("Stripe says:") for problem in told.values())


def test_a_finding_is_a_line() -> None:
    assert [str(Finding("Clock")), str(Finding("Clock", "It is slow."))] == ["Clock: ok", "Clock: It is slow."]


@pytest.mark.django_db
class TestSyncCommand:
    def test_an_organization_and_an_object(self, bought: Any, acme: Organization, stripe: Gateway) -> None:
        found = bought(acme)
        assert run("billing_sync", "acme").startswith("acme is up to date: subscriptions: 1, standing: good.")
        for identifier in (found.stripe_id, found.customer.stripe_id, found.latest_invoice):
            assert run("billing_sync", identifier).strip() == f"{identifier} is up to date."
        stranger = stripe.v1.customers.create({"name": "Somebody"}).id
        assert run("billing_sync", stranger).strip() == f"{stranger} is not ours."

    @pytest.mark.parametrize("what", ["sub_nothing", "nobody"])
    def test_what_there_is_not(self, stripe: Gateway, what: str) -> None:
        with pytest.raises(CommandError):
            run("billing_sync", what)

    def test_stripe_does_not_answer(self, stripe: Gateway, sandbox: Sandbox) -> None:
        sandbox.faults.add(kind=RequestTrouble.RATE_LIMIT, times=None)
        with pytest.raises(CommandError, match="Stripe says"):
            run("billing_sync", "sub_1")
        with pytest.raises(CommandError, match="Stripe says"):
            run("billing_doctor", "--adopt")
