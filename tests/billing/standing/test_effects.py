"""What a payment brings about: the company becomes active, its namespaces too, as many as are paid; and the reverse."""

from __future__ import annotations

import pytest
from django.utils import timezone

from billing import hooks
from billing.models import Alert, Health
from billing.services.effects import apply
from billing.vocabulary import Item
from namespaces import hooks as of_claims
from namespaces.models import Grant, GrantLock
from namespaces.services import lifecycle
from namespaces.states import GrantState, LockCause
from orgs import hooks as of_organizations
from orgs.actors import Actor
from orgs.models import AuditEvent, Organization
from orgs.services.staff import activate_organization, suspend_organization
from orgs.vocabulary import Kind, Role, Standing, State
from tests import factories
from tests.billing.standing.rows import (
    DAY,
    WORKER,
    Clock,
    allowance,
    company,
    decline,
    paid_for,
    pay,
    standing,
    states,
    subjects,
    subscription,
)
from tests.dump import dump

pytestmark = pytest.mark.django_db
HELD, ACTIVE, LOCKED, QUARANTINED = GrantState.HELD, GrantState.ACTIVE, GrantState.LOCKED, GrantState.QUARANTINED


@pytest.fixture(autouse=True)
def _payment_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where billing is on, whatever the environment of the suite says."""
    monkeypatch.setattr(of_claims, "payment_due", [hooks.payment_due])


@pytest.fixture
def acme() -> Organization:
    return company(state=State.APPLIED)


@pytest.fixture
def active() -> Organization:
    return company()


def held(organization: Organization, *names: str) -> None:
    """Approved one after the other."""
    for number, name in enumerate(names):
        grant = factories.grant(name, organization, state=HELD)
        Grant.objects.filter(pk=grant.pk).update(created_at=timezone.now() - (len(names) - number) * DAY)


class TestActivation:
    def test_a_company_that_paid_becomes_active_by_itself_with_what_it_paid_for(self, acme: Organization) -> None:
        held(acme, "zebra", "acme", "acme-tools")
        subscription(acme, seats=4, roots=2)
        apply(actor=WORKER, organization=acme)
        acme.refresh_from_db()
        assert (acme.state, acme.seats) == (State.ACTIVE, 4)
        assert states(acme) == {"zebra": ACTIVE, "acme": ACTIVE, "acme-tools": ACTIVE}, "what is inside costs nothing"
        event = AuditEvent.objects.get(action="organization.activate")
        assert event.actor == "freehold" and event.after == {"state": "active", "reason": "It has paid."}

    def test_what_waited_longest_comes_first_and_the_rest_when_it_is_paid(self, acme: Organization) -> None:
        held(acme, "zebra", "yak", "acme")
        made = subscription(acme, roots=1)
        apply(actor=WORKER, organization=acme)
        assert states(acme) == {"zebra": ACTIVE, "yak": HELD, "acme": HELD}
        paid_for(made, Item.ROOT, 1)
        apply(actor=WORKER, organization=acme)
        assert states(acme) == {"zebra": ACTIVE, "yak": ACTIVE, "acme": HELD}

    def test_it_is_brought_about_once(self, acme: Organization) -> None:
        held(acme, "acme")
        subscription(acme)
        apply(actor=WORKER, organization=acme)
        before, mails = dump(), subjects()
        judged_at = Health.objects.get().judged_at
        for _ in range(2):
            apply(actor=WORKER, organization=acme)
        Health.objects.update(judged_at=judged_at)  # which is all that an apply leaves where nothing is new
        assert dump() == before
        assert [subject for subject in mails if "active" in subject] == mails

    def test_scenario_29_a_payment_that_has_not_come_brings_nothing(self, acme: Organization) -> None:
        held(acme, "acme")
        subscription(acme, seats=0, roots=1)
        apply(actor=WORKER, organization=acme)
        acme.refresh_from_db()
        assert (acme.state, states(acme)) == (State.APPLIED, {"acme": HELD})

    def test_what_staff_promises_while_a_wire_is_on_its_way_counts_like_a_payment(
        self, acme: Organization, clock: Clock
    ) -> None:
        held(acme, "acme", "zebra")
        promised = allowance(acme, seats=3, roots=1, until=clock.now + 10 * DAY)
        apply(actor=WORKER, organization=acme)
        acme.refresh_from_db()
        assert (acme.state, acme.seats, acme.standing) == (State.ACTIVE, 3, Standing.GOOD)
        assert sorted(states(acme).values()) == [ACTIVE, HELD]
        promised.ended_at = clock.forward(10)
        apply(actor=WORKER, organization=acme)
        assert standing(acme) == Standing.GRACE

    def test_nobody_else_is_activated(self) -> None:
        applied = company("applied", State.APPLIED)
        kind = factories.organization("kind", kind=Kind.COMMUNITY, state=State.APPLIED)
        allowance(applied, approved=False)
        subscription(kind)
        for organization in (applied, kind):
            apply(actor=WORKER, organization=organization)
            organization.refresh_from_db()
            assert organization.state == State.APPLIED

    def test_whom_staff_activated_by_hand_has_all_that_is_held_and_its_seats_are_left_alone(
        self, acme: Organization
    ) -> None:
        held(acme, "zebra", "acme")
        acme.seats = 7
        acme.save()
        activate_organization(actor=Actor.operator(), organization=acme)
        apply(actor=WORKER, organization=acme)
        acme.refresh_from_db()
        assert (acme.seats, states(acme)) == (7, {"zebra": ACTIVE, "acme": ACTIVE})


class TestSeats:
    def test_they_are_what_is_paid_for(self, active: Organization) -> None:
        made = subscription(active, seats=5)
        apply(actor=WORKER, organization=active)
        paid_for(made, Item.SEAT, 9)
        apply(actor=WORKER, organization=active)
        active.refresh_from_db()
        assert active.seats == 9
        assert AuditEvent.objects.filter(action="organization.seats").count() == 2

    def test_scenario_43_below_what_is_in_use_nobody_is_removed_and_staff_is_told(self, active: Organization) -> None:
        for name in ("acme", "zebra"):
            factories.grant(name, active)
        made = subscription(active, seats=2, roots=1)
        apply(actor=WORKER, organization=active)
        active.refresh_from_db()
        assert (active.seats, active.memberships.count()) == (2, 3)
        assert states(active) == {"acme": ACTIVE, "zebra": ACTIVE}
        alert = Alert.objects.get(organization=active)
        assert "1 people and 1 root namespaces more than it pays for" in alert.text
        paid_for(made, Item.SEAT, 3)
        paid_for(made, Item.ROOT, 1)
        apply(actor=WORKER, organization=active)
        alert.refresh_from_db()
        assert alert.settled_at is not None

    def test_what_has_ended_leaves_them(self, active: Organization) -> None:
        made = subscription(active, seats=5)
        apply(actor=WORKER, organization=active)
        made.status, made.ended_at = "canceled", timezone.now()
        made.save()
        paid_for(made, Item.SEAT, 0)
        apply(actor=WORKER, organization=active)
        active.refresh_from_db()
        assert active.seats == 5

    def test_who_becomes_a_community_project_has_any_number(self, active: Organization) -> None:
        subscription(active, seats=5)
        apply(actor=WORKER, organization=active)
        Organization.objects.filter(pk=active.pk).update(kind=Kind.COMMUNITY)
        apply(actor=WORKER, organization=active)
        active.refresh_from_db()
        assert active.seats is None


def lapse(organization: Organization, clock: Clock) -> None:
    """It has not paid for fifteen days."""
    decline(subscription(organization), clock.now - 15 * DAY)
    apply(actor=WORKER, organization=organization)
    assert standing(organization) == Standing.LAPSED


class TestLapse:
    def test_everything_is_locked_and_unlocked_by_the_payment(self, active: Organization, clock: Clock) -> None:
        root = factories.grant("acme", active)
        factories.grant("acme-labs", active, root=root)
        factories.grant("zebra", active, state=HELD)
        lapse(active, clock)
        assert states(active) == {"acme": LOCKED, "acme-labs": LOCKED, "zebra": HELD}
        assert subjects("bea") == ["Acme: your namespaces are locked"]
        pay(active.subscriptions.get())
        apply(actor=WORKER, organization=active)
        assert states(active) == {"acme": ACTIVE, "acme-labs": ACTIVE, "zebra": HELD}
        assert not GrantLock.objects.exists()

    def test_what_comes_to_be_open_in_the_meantime_is_locked_again(self, active: Organization, clock: Clock) -> None:
        factories.grant("acme", active)
        lapse(active, clock)
        factories.grant("zebra", active)
        apply(actor=WORKER, organization=active)
        assert set(states(active).values()) == {LOCKED}

    def test_who_pays_a_part_is_in_grace_again_and_goes_on(self, active: Organization, clock: Clock) -> None:
        """The older of two debts is paid: the younger began a week ago."""
        factories.grant("acme", active)
        lapse(active, clock)
        active.subscriptions.update(unpaid_since=clock.now - 7 * DAY)
        apply(actor=WORKER, organization=active)
        assert (standing(active), states(active)) == (Standing.GRACE, {"acme": ACTIVE})

    def test_what_staff_locked_besides_stays_so(self, active: Organization, clock: Clock) -> None:
        root = factories.grant("acme", active)
        lifecycle.lock_namespace(actor=Actor.operator(), grant=root, reason="Malware.")
        lapse(active, clock)
        assert set(root.locks.values_list("cause", flat=True)) == {LockCause.STAFF, LockCause.STANDING}
        pay(active.subscriptions.get())
        apply(actor=WORKER, organization=active)
        assert states(active) == {"acme": LOCKED}
        assert list(root.locks.values_list("cause", flat=True)) == [LockCause.STAFF]

    def test_who_is_suspended_is_so_for_another_reason(self, active: Organization, clock: Clock) -> None:
        factories.grant("acme", active)
        lapse(active, clock)
        suspend_organization(actor=Actor.operator(), organization=active, reason="Spam.")
        pay(active.subscriptions.get())
        apply(actor=WORKER, organization=active)
        active.refresh_from_db()
        assert (active.state, active.standing, states(active)) == (State.SUSPENDED, Standing.GOOD, {"acme": ACTIVE})


def test_who_is_verified_as_a_community_project_is_free_at_once(active: Organization, clock: Clock) -> None:
    """``become`` has made it one, and calls those who entered themselves."""
    factories.grant("acme", active)
    lapse(active, clock)
    active.refresh_from_db()
    active.kind, active.standing = Kind.COMMUNITY, Standing.GOOD
    active.save()
    for activated in of_organizations.on_activated:
        activated(Actor.operator(), active)
    active.refresh_from_db()
    assert (active.standing, active.seats, states(active)) == (Standing.GOOD, None, {"acme": ACTIVE})
    assert "still has a plan" in Alert.objects.get(organization=active).text


class TestGivenBack:
    @pytest.fixture
    def taken(self, active: Organization, clock: Clock) -> Organization:
        """Two went into quarantine by the lapse, a third was given up by its holder."""
        for name in ("zebra", "acme", "given-up"):
            factories.grant(name, active)
        lifecycle.release_namespace(actor=Actor.operator(), grant=Grant.objects.get(name="given-up"))
        lapse(active, clock)
        for grant in Grant.objects.filter(state=LOCKED):
            lifecycle.quarantine_namespace(actor=WORKER, grant=grant)
        return active

    def test_what_the_lapse_took_comes_back_with_the_payment(self, taken: Organization) -> None:
        subscription(taken, roots=2)
        pay(taken.subscriptions.order_by("pk")[0])
        apply(actor=WORKER, organization=taken)
        assert states(taken) == {"zebra": ACTIVE, "acme": ACTIVE, "given-up": QUARANTINED}

    def test_as_much_of_it_as_is_paid_for_the_oldest_first(self, taken: Organization) -> None:
        pay(taken.subscriptions.get())
        apply(actor=WORKER, organization=taken)
        assert states(taken) == {"zebra": ACTIVE, "acme": QUARANTINED, "given-up": QUARANTINED}
        paid_for(taken.subscriptions.get(), Item.ROOT, 1)
        apply(actor=WORKER, organization=taken)
        assert states(taken)["acme"] == ACTIVE

    def test_not_what_people_took(self, taken: Organization) -> None:
        GrantLock.objects.create(grant=Grant.objects.get(name="zebra"), cause=LockCause.STAFF)
        subscription(taken, roots=2)
        pay(taken.subscriptions.order_by("pk")[0])
        apply(actor=WORKER, organization=taken)
        assert states(taken) == {"zebra": QUARANTINED, "acme": ACTIVE, "given-up": QUARANTINED}

    def test_not_while_it_is_in_grace(self, taken: Organization, clock: Clock) -> None:
        taken.subscriptions.update(unpaid_since=clock.now - DAY)
        apply(actor=WORKER, organization=taken)
        assert standing(taken) == Standing.GRACE
        assert states(taken)["zebra"] == QUARANTINED


def test_a_closed_organization_is_left_in_peace(active: Organization, clock: Clock) -> None:
    lapse(active, clock)
    factories.member(active, "late", Role.MEMBER)
    Organization.objects.filter(pk=active.pk).update(state=State.CLOSED)
    before, mails = dump(), subjects()
    assert apply(actor=WORKER, organization=active) == Health.objects.get()
    assert (dump(), subjects()) == (before, mails)
