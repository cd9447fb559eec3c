"""What an organization's standing rests on, as it is written down and told."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.test import override_settings
from django.utils import timezone

from accounts.models import Mail
from billing.models import Event, Health, StandingChange
from billing.selectors.entitlements import entitlement
from billing.services import ladder
from billing.services.effects import apply
from billing.services.standings import FRESH, facts_about, judge_standing
from billing.standing import GRACE, Evidence, Step, judge
from freehold.errors import NotPermitted
from namespaces.services.applications import file_application
from orgs.actors import Actor
from orgs.models import AuditEvent, Organization
from orgs.vocabulary import Kind, Role, Standing, State
from tests import factories
from tests.billing.standing.rows import (
    DAY,
    HOSTED,
    WORKER,
    Clock,
    allowance,
    company,
    decline,
    invoice,
    pay,
    standing,
    subjects,
    subscription,
)
from tests.dump import nothing_changes
from tests.people import EVERYBODY, OPERATOR, acting_as

pytestmark = pytest.mark.django_db


@pytest.fixture
def acme() -> Organization:
    return company()


def log(organization: Organization) -> list[tuple[str, str, str]]:
    found = StandingChange.objects.filter(organization=organization).order_by("pk")
    return list(found.values_list("before", "after", "evidence"))


def test_who_never_bought_is_good_and_leaves_no_trace(acme: Organization) -> None:
    found = apply(actor=WORKER, organization=acme)
    assert found is not None and (found.standing, found.evidence) == (Standing.GOOD, Evidence.NEVER_BOUGHT)
    assert not log(acme) and not Mail.objects.exists() and not AuditEvent.objects.exists()


def test_scenario_32_a_decline_begins_one_grace_and_retries_do_not_restart_it(acme: Organization, clock: Clock) -> None:
    made, first = subscription(acme), clock.now
    decline(made)
    for attempt in range(3):
        found = apply(actor=WORKER, organization=acme)
        assert found is not None
        assert (found.standing, found.since, found.until) == (Standing.GRACE, first, first + GRACE), attempt
        clock.forward(3)
    assert subjects("olga") == subjects("bea") == ["Acme: a payment did not go through"]
    assert not subjects("mia")
    pay(made)
    apply(actor=WORKER, organization=acme)
    assert standing(acme) == Standing.GOOD
    assert subjects("bea")[1:] == ["Acme: everything is paid"]
    assert log(acme) == [("good", "grace", "payment failed"), ("grace", "good", "paid")]
    trail = AuditEvent.objects.filter(action="organization.standing", organization="acme")
    assert [(event.before, event.after) for event in trail.order_by("pk")] == [
        ({"standing": "good"}, {"standing": "grace", "evidence": "payment failed"}),
        ({"standing": "grace"}, {"standing": "good", "evidence": "paid"}),
    ]


@pytest.mark.parametrize(
    ("event", "method", "subject"),
    [
        ("invoice.payment_action_required", "charge_automatically", "your bank wants you to confirm a payment"),
        ("invoice.payment_failed", "charge_automatically", "a payment did not go through"),
        ("invoice.overdue", "send_invoice", "an invoice is overdue"),
    ],
)
def test_scenario_33_those_who_pay_are_mailed_the_page_of_the_invoice(
    acme: Organization, event: str, method: str, subject: str
) -> None:
    made = decline(subscription(acme, collection_method=method))
    made.collection_method = method
    made.save()
    Event.objects.create(
        stripe_id="evt_1", type=event, object_id=made.stripe_id, livemode=False, created=timezone.now()
    )
    apply(actor=WORKER, organization=acme)
    mail = Mail.objects.get(to__startswith="bea")
    assert mail.subject == f"Acme: {subject}"
    assert HOSTED in mail.text and "US$50.00" in mail.text


@pytest.mark.parametrize("status", ["canceled", "unpaid", "paused"])
def test_scenario_34_when_stripe_gives_up_it_lapses_after_the_same_grace(
    acme: Organization, clock: Clock, status: str
) -> None:
    made = subscription(acme)
    decline(made)
    apply(actor=WORKER, organization=acme)
    clock.forward(10)
    made.status, made.ended_at = status, clock.now if status == "canceled" else None
    made.save()
    apply(actor=WORKER, organization=acme)
    assert standing(acme) == Standing.GRACE
    clock.forward(4)
    apply(actor=WORKER, organization=acme)
    assert standing(acme) == Standing.LAPSED
    assert [after for _, after, _ in log(acme)] == ["grace", "lapsed"]


@pytest.mark.parametrize("fields", [{"status": "past_due"}, {"status": "canceled"}, {"status": "brand_new"}])
def test_scenario_36_what_is_missing_leaves_it_as_it_is(acme: Organization, fields: dict[str, Any]) -> None:
    made = subscription(acme)
    apply(actor=WORKER, organization=acme)
    type(made).objects.filter(pk=made.pk).update(**fields, period_end=None)
    made.items.all().delete()
    found = apply(actor=WORKER, organization=acme)
    assert found is not None and (found.standing, found.evidence) == (Standing.GOOD, Evidence.UNCLEAR)
    assert not log(acme)


def test_scenario_37_an_invoice_without_a_subscription_is_nobodys_debt(acme: Organization) -> None:
    subscription(acme)
    invoice(None, acme, due_at=timezone.now() - 100 * DAY)
    apply(actor=WORKER, organization=acme)
    assert standing(acme) == Standing.GOOD
    assert not Mail.objects.exists()


def test_scenario_38_who_pays_is_told_once_that_an_invoice_cannot_be_finished(acme: Organization) -> None:
    """Staff is told by who looked at it: ``tests/billing/syncing``."""
    invoice(subscription(acme), acme, status="draft", last_error="The address is not complete.")
    for _ in range(2):
        apply(actor=WORKER, organization=acme)
    assert subjects("olga") == subjects("bea") == ["Acme: an invoice can't be made out"]
    assert "> The address is not complete." in Mail.objects.get(to__startswith="bea").text
    assert standing(acme) == Standing.GOOD


@pytest.mark.parametrize("field", ["until", "ended_at"])
def test_scenario_56_what_staff_grants_ends_at_its_instant_and_begins_a_grace(
    acme: Organization, clock: Clock, field: str
) -> None:
    end = clock.now + 30 * DAY
    fields: dict[str, Any] = {field: end}
    allowance(acme, **fields)
    clock.go_to(end - timedelta(microseconds=1))
    assert judge_standing(actor=WORKER, organization=acme).evidence == Evidence.BY_HAND
    clock.go_to(end)
    found = judge_standing(actor=WORKER, organization=acme)
    assert (found.standing, found.since, found.until) == (Standing.GRACE, end, end + GRACE)


def test_what_nobody_approved_counts_for_nothing(acme: Organization) -> None:
    allowance(acme, approved=False)
    assert judge_standing(actor=WORKER, organization=acme).evidence == Evidence.NEVER_BOUGHT


@pytest.mark.parametrize("status", ["incomplete", "incomplete_expired"])
def test_who_tried_to_buy_and_did_not_pay_has_bought_nothing(acme: Organization, status: str) -> None:
    subscription(acme, status, seats=0, ended_at=timezone.now() - 100 * DAY)
    apply(actor=WORKER, organization=acme)
    assert standing(acme) == Standing.GOOD


class TestScenario58:
    def test_scenario_58_without_a_fresh_look_nothing_gets_worse(self, acme: Organization, clock: Clock) -> None:
        """Stripe has not answered for weeks: perhaps it was paid on the first day."""
        made = subscription(acme)
        decline(made)
        apply(actor=WORKER, organization=acme)
        clock.compares = False
        clock.forward(40)
        found = apply(actor=WORKER, organization=acme)
        assert found is not None and (found.standing, found.evidence) == (Standing.GRACE, Evidence.UNCLEAR)
        clock.compares = True
        clock.forward(0)
        apply(actor=WORKER, organization=acme)
        assert standing(acme) == Standing.LAPSED

    def test_scenario_58_a_due_date_that_passes_in_an_outage_is_no_evidence(
        self, acme: Organization, clock: Clock
    ) -> None:
        subscription(acme, collection_method="send_invoice", unpaid_since=clock.now + 5 * DAY)
        clock.compares = False
        clock.forward(6)
        apply(actor=WORKER, organization=acme)
        assert standing(acme) == Standing.GOOD

    def test_scenario_58_what_helps_counts_however_old_it_is(self, acme: Organization, clock: Clock) -> None:
        made = subscription(acme)
        decline(made)
        apply(actor=WORKER, organization=acme)
        pay(made)
        type(made).objects.update(synced_at=clock.now - 10 * FRESH)
        apply(actor=WORKER, organization=acme)
        assert standing(acme) == Standing.GOOD


def test_the_log_keeps_what_was_known_so_that_it_can_be_judged_again(acme: Organization, clock: Clock) -> None:
    decline(subscription(acme))
    known = facts_about(acme)
    apply(actor=WORKER, organization=acme)
    row = StandingChange.objects.get()
    assert row.facts["subscriptions"] == [
        {"status": "past_due", "unpaid_since": clock.now.isoformat(), "ended_at": None, "is_promise": False}
    ]
    again = judge(known, row.at)
    assert (again.standing, again.since, again.until) == (row.after, row.since, row.until)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE billing_standingchange SET after = 'good'",
        "DELETE FROM billing_standingchange",
        "TRUNCATE billing_standingchange",
    ],
)
def test_the_log_is_append_only(acme: Organization, statement: str) -> None:
    decline(subscription(acme))
    apply(actor=WORKER, organization=acme)
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('freehold.allow_truncate', 'off', true)")
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        with pytest.raises(IntegrityError, match="The log of standings is append-only"), transaction.atomic():
            cursor.execute(statement)


class TestWhoHasNothingToFear:
    def test_a_community_project_whatever_it_once_owed(self, clock: Clock) -> None:
        made = factories.organization("kind", kind=Kind.COMMUNITY)
        decline(subscription(made), clock.now - 300 * DAY)
        apply(actor=WORKER, organization=made)
        assert standing(made) == Standing.GOOD

    def test_everybody_where_billing_is_off(self, acme: Organization, clock: Clock) -> None:
        decline(subscription(acme), clock.now - 300 * DAY)
        apply(actor=WORKER, organization=acme)
        assert standing(acme) == Standing.LAPSED
        with override_settings(FREEHOLD_STRIPE=replace(settings.FREEHOLD_STRIPE, enabled=False)):
            apply(actor=WORKER, organization=acme)
        assert standing(acme) == Standing.GOOD

    @pytest.mark.parametrize("who", [who for who in EVERYBODY if who != OPERATOR])
    def test_nobody_judges_but_machines_and_the_operator(self, acme: Organization, who: str) -> None:
        actor = acting_as(who, acme)
        for act in (judge_standing, apply):
            with nothing_changes(), pytest.raises(NotPermitted, match="not from people"):
                act(actor=actor, organization=acme)
        assert not Health.objects.exists()


class TestWhoBecomesACompany:
    """What was a community project has time to choose a plan, and pays for what comes from then on."""

    @pytest.fixture
    def rocket(self, clock: Clock) -> Organization:
        made = company("rocket")
        Organization.objects.filter(pk=made.pk).update(kind=Kind.COMMUNITY)
        factories.grant("rocket", made)
        made.refresh_from_db()
        return made

    def become_company(self, organization: Organization) -> None:
        actor = Actor.person(organization.memberships.get(role=Role.OWNER).user)
        file_application(actor=actor, organization=organization, wanted_kind=Kind.COMPANY)
        organization.refresh_from_db()

    def test_it_has_a_grace_and_lapses_then(self, rocket: Organization, clock: Clock, asked: list[str]) -> None:
        self.become_company(rocket)
        assert (entitlement(rocket).roots, standing(rocket)) == (0, Standing.GOOD)
        clock.forward(0.1)
        assert ladder.sweep() == 1
        assert standing(rocket) == Standing.GRACE
        assert "rocket needs a plan" in " ".join(subjects()).lower()
        clock.forward(14)
        ladder.sweep()
        assert standing(rocket) == Standing.LAPSED

    def test_what_it_bought_long_before_does_not_count_against_it(
        self, rocket: Organization, clock: Clock, asked: list[str]
    ) -> None:
        subscription(rocket, status="canceled", ended_at=clock.now - 900 * DAY)
        apply(actor=WORKER, organization=rocket)
        clock.forward(1)
        self.become_company(rocket)
        clock.forward(0.1)
        assert ladder.sweep() == 1
        health = Health.objects.get(organization=rocket)
        assert (standing(rocket), health.step) == (Standing.GRACE, Step.NOTHING)

    def test_one_that_was_not_active_owes_nothing(self, rocket: Organization, clock: Clock, asked: list[str]) -> None:
        Organization.objects.filter(pk=rocket.pk).update(state=State.APPLIED)
        rocket.refresh_from_db()
        self.become_company(rocket)
        clock.forward(30)
        assert ladder.sweep() == 0
        assert standing(rocket) == Standing.GOOD
