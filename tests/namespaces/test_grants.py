"""Making grants: who may, which names, for whom, above and below what is there."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from freehold.errors import DomainError, NotPermitted
from namespaces.errors import AlreadyHeld, CannotHold, InvalidNamespace, NamespaceTaken, NotNow
from namespaces.models import Grant, Transfer
from namespaces.services.grants import can_create_child, create_child, grant_namespace, parse_namespace
from namespaces.services.lifecycle import activate_namespace
from namespaces.services.locks import holding_grant
from namespaces.services.transfers import offer_transfer, transfer_namespace
from namespaces.states import GrantState
from orgs.actors import Actor
from orgs.models import AuditEvent, Organization
from orgs.vocabulary import Kind, Role, Standing, State
from tests import factories
from tests.concurrency import all_at_once
from tests.dump import nothing_changes
from tests.people import EVERYBODY, OPERATOR, acting_as, in_role

pytestmark = pytest.mark.django_db

HELD, ACTIVE, LOCKED, QUARANTINED, RELEASED = GrantState
NOT_RECEIVING = [
    (State.APPLIED, Standing.GOOD),
    (State.SUSPENDED, Standing.GOOD),
    (State.CLOSED, Standing.GOOD),
    (State.ACTIVE, Standing.GRACE),
    (State.ACTIVE, Standing.LAPSED),
]


def give(name: str, organization: Organization, state: GrantState = ACTIVE) -> Grant:
    return grant_namespace(actor=Actor.operator(), name=name, organization=organization, state=state)


def roots() -> dict[str, str | None]:
    """Every grant with the name of its root."""
    return {grant.name: grant.root.name if grant.root else None for grant in Grant.objects.select_related("root")}


class TestRoots:
    @pytest.mark.parametrize("kind", Kind)
    def test_a_company_and_a_community_project_alike(self, kind: Kind, settings: Settings) -> None:
        settings.FREEHOLD_ACTIVATION_DELAY = timedelta(minutes=5)
        before = timezone.now()
        acme = factories.organization("acme-corp", kind=kind)
        grant = give("Acme._Labs", acme)
        grant.refresh_from_db()
        assert (grant.name, grant.display_name, grant.owner, grant.root) == ("acme-labs", "Acme._Labs", acme, None)
        assert grant.state == ACTIVE
        assert grant.effective_at is not None
        assert before + timedelta(minutes=5) <= grant.effective_at <= timezone.now() + timedelta(minutes=5)
        event = AuditEvent.objects.get()
        assert (event.actor, event.origin, event.action) == ("operator", "command line", "namespace.granted")
        assert (event.target, event.organization) == ("namespace acme-labs", "acme-corp")
        assert event.after == {"state": "active", "root": None}

    @pytest.mark.parametrize("who", [who for who in EVERYBODY if who != OPERATOR])
    def test_only_the_operator_grants(self, who: str) -> None:
        acme = factories.organization()
        actor = acting_as(who, acme)
        with nothing_changes(), pytest.raises(NotPermitted):
            grant_namespace(actor=actor, name="acme", organization=acme)

    @pytest.mark.parametrize(("state", "standing"), NOT_RECEIVING)
    @pytest.mark.parametrize("grant_state", [ACTIVE, HELD])
    def test_only_who_is_active_and_owes_nothing_receives(
        self, state: State, standing: Standing, grant_state: GrantState
    ) -> None:
        # A company may have something held before it is active; see tests/cases/test_decisions.py.
        kind = Kind.COMMUNITY if state is State.APPLIED else Kind.COMPANY
        acme = factories.organization("acme", kind=kind, state=state, standing=standing)
        with nothing_changes(), pytest.raises(CannotHold, match=f"'acme' is {state} with the standing '{standing}'"):
            give("acme", acme, grant_state)

    def test_the_organization_is_read_anew(self) -> None:
        acme = factories.organization()
        Organization.objects.filter(pk=acme.pk).update(state=State.SUSPENDED)
        with nothing_changes(), pytest.raises(CannotHold):
            give("acme", acme)

    @pytest.mark.parametrize("state", [HELD, ACTIVE, LOCKED])
    def test_not_twice(self, state: GrantState) -> None:
        acme = factories.organization("acme-corp")
        factories.grant("acme", acme, state=state)
        with nothing_changes(), pytest.raises(AlreadyHeld, match=f"'acme-corp' holds .* already; it is {state}"):
            give("ACME", acme)

    def test_what_was_released_can_be_had_again(self) -> None:
        factories.grant("acme", factories.organization(), state=RELEASED)
        grant = give("acme", factories.organization())
        assert holding_grant("acme") == grant


class TestNames:
    @pytest.mark.parametrize(
        "name", ["", "-acme", "acme-", "a cme", "acme\n", "ac/me", "ac\x00me", "acmé", "\u212aube", "a" * 201]
    )
    def test_what_is_no_name_is_refused(self, name: str) -> None:
        acme = factories.organization()
        with nothing_changes(), pytest.raises(InvalidNamespace):
            give(name, acme)

    @pytest.mark.parametrize("name", ["a-b-c-d-e", "a.b_c-d--e", "a" * 200])
    def test_as_deep_and_long_as_may_be(self, name: str) -> None:
        assert give(name, factories.organization()).name == parse_namespace(name)

    @pytest.mark.parametrize("name", ["a-b-c-d-e-f", "a.b.c.d.e.f"])
    def test_deeper_is_refused(self, name: str) -> None:
        acme = factories.organization()
        parent = factories.grant("a", acme)
        with nothing_changes(), pytest.raises(InvalidNamespace, match="at most 4 hyphens; 'a-b-c-d-e-f' has 5"):
            give(name, acme)
        with nothing_changes(), pytest.raises(InvalidNamespace, match="at most 4 hyphens"):
            create_child(actor=Actor.operator(), parent=parent, name=name)

    def test_the_depth_is_a_setting(self, settings: Settings) -> None:
        settings.FREEHOLD_MAX_HYPHENS = 0
        with pytest.raises(InvalidNamespace, match="at most 0 hyphens"):
            parse_namespace("acme-labs")


class TestTaken:
    @pytest.mark.parametrize("wanted", ["acme", "acme-labs", "acme-labs-x"])
    @pytest.mark.parametrize("state", [HELD, ACTIVE, LOCKED, QUARANTINED])
    def test_it_is_said_who_holds_what(self, wanted: str, state: GrantState) -> None:
        factories.grant("acme-labs", factories.organization("first"), state=state)
        second = factories.organization("second")
        with nothing_changes(), pytest.raises(NamespaceTaken) as refusal:
            give(wanted, second)
        quarantine = " and is in quarantine" if state == QUARANTINED else ""
        assert refusal.value.message == (
            f"The namespace '{wanted}' overlaps with 'acme-labs', which 'first' holds{quarantine}."
        )
        assert refusal.value.facts == {"namespace": "acme-labs", "owner": "first"}

    def test_the_outermost_is_named(self) -> None:
        first = factories.organization("first")
        root = factories.grant("acme", first)
        factories.grant("acme-labs", first, root=root)
        with pytest.raises(NamespaceTaken, match="overlaps with 'acme', which"):
            give("acme-labs-x", factories.organization())


class TestHeld:
    def test_it_blocks_others_and_counts_only_once_it_is_activated(self, settings: Settings) -> None:
        settings.FREEHOLD_ACTIVATION_DELAY = timedelta(minutes=5)
        grant = give("acme", factories.organization(), HELD)
        assert (grant.state, grant.effective_at) == (HELD, None)
        with pytest.raises(NamespaceTaken):
            give("acme-labs", factories.organization())
        before = timezone.now()
        activate_namespace(actor=Actor.operator(), grant=grant)
        grant.refresh_from_db()
        assert grant.effective_at is not None and grant.effective_at >= before + timedelta(minutes=5)

    def test_what_is_inside_is_adopted_when_it_is_activated_and_not_before(self) -> None:
        acme = factories.organization()
        give("acme-labs", acme)
        give("acme-labs-x", acme)
        root = give("acme", acme, HELD)
        give("acme-new", acme)
        assert roots() == {"acme": None, "acme-labs": None, "acme-labs-x": "acme-labs", "acme-new": None}
        activate_namespace(actor=Actor.operator(), grant=root)
        assert roots() == {"acme": None, "acme-labs": "acme", "acme-labs-x": "acme", "acme-new": "acme"}

    def test_a_child_waits_for_no_payment(self) -> None:
        acme = factories.organization()
        give("acme", acme)
        child = give("acme-labs", acme, HELD)
        assert child.state == ACTIVE
        assert child.effective_at is not None

    def test_what_is_inside_a_held_one_is_not_transferred(self) -> None:
        acme, other = factories.organization(), factories.organization()
        inner = give("acme-labs", acme)
        give("acme", acme, HELD)
        with nothing_changes(), pytest.raises(NotNow, match="stands inside 'acme', which is held"):
            transfer_namespace(actor=Actor.operator(), grant=inner, to=other)


class TestAdoption:
    def test_own_roots_further_inside_with_all_that_stands_under_them(self) -> None:
        acme = factories.organization()
        for name in ("acme-labs-x-y", "acme-labs-x", "acme-docs", "acmelabs"):
            give(name, acme)
        assert roots()["acme-labs-x"] is None
        assert roots()["acme-labs-x-y"] == "acme-labs-x"
        give("acme", acme)
        assert roots() == {
            "acme": None,
            "acme-docs": "acme",
            "acme-labs-x": "acme",
            "acme-labs-x-y": "acme",
            "acmelabs": None,
        }

    def test_it_leaves_an_event_for_each(self) -> None:
        acme = factories.organization()
        give("acme-labs", acme)
        give("acme", acme)
        events = AuditEvent.objects.order_by("pk").values_list("action", "target", "after__root")
        assert list(events) == [
            ("namespace.granted", "namespace acme-labs", None),
            ("namespace.granted", "namespace acme", None),
            ("namespace.adopted", "namespace acme-labs", "acme"),
        ]

    def test_it_keeps_since_when_the_inner_one_is_enforced(self) -> None:
        acme = factories.organization()
        inner = factories.grant("acme-labs", acme)
        give("acme", acme)
        since = inner.effective_at
        inner.refresh_from_db()
        assert inner.effective_at == since

    def test_a_released_one_is_left_alone(self) -> None:
        acme = factories.organization()
        factories.grant("acme-labs", acme, state=RELEASED)
        give("acme", acme)
        assert roots()["acme-labs"] is None

    def test_one_in_the_middle_goes_under_the_root_that_is_there(self) -> None:
        acme = factories.organization()
        for name in ("acme", "acme-labs-x", "acme-labs"):
            give(name, acme)
        assert roots() == {"acme": None, "acme-labs": "acme", "acme-labs-x": "acme"}

    def test_an_offer_of_what_becomes_a_child_ends(self) -> None:
        acme = factories.organization()
        inner = give("acme-labs", acme)
        offer_transfer(actor=Actor.operator(), grant=inner, to=factories.organization())
        give("acme", acme)
        assert not Transfer.objects.exists()

    @pytest.mark.parametrize("state", [LOCKED, QUARANTINED])
    def test_nothing_is_made_under_a_root_that_is_not_active(self, state: GrantState) -> None:
        acme = factories.organization()
        root = factories.grant("acme", acme, state=state)
        factories.grant("acme-labs", acme, state=state, root=root)
        with nothing_changes(), pytest.raises(NotNow, match=f"'acme' above it, which is {state}"):
            give("acme-labs-x", acme)


class TestChildren:
    def may_make_children(self, who: str) -> bool:
        return who in {OPERATOR, Role.OWNER, Role.MANAGER}

    @pytest.mark.parametrize("who", EVERYBODY)
    def test_owners_and_managers_make_them_at_once(self, who: str) -> None:
        parent = give("acme", factories.organization())
        actor = acting_as(who, parent.owner)
        assert bool(can_create_child(parent, actor)) is self.may_make_children(who)
        if self.may_make_children(who):
            child = create_child(actor=actor, parent=parent, name="Acme_Labs")
            assert (child.name, child.display_name, child.state) == ("acme-labs", "Acme_Labs", ACTIVE)
            assert (child.root, child.owner) == (parent, parent.owner)
            event = AuditEvent.objects.order_by("pk").last()
            assert event is not None
            assert (event.actor, event.action) == (actor.label, "namespace.child_created")
        else:
            with nothing_changes(), pytest.raises(NotPermitted):
                create_child(actor=actor, parent=parent, name="acme-labs")

    def test_a_grandchild_stands_under_the_root_too(self) -> None:
        root = give("acme", factories.organization())
        child = create_child(actor=Actor.operator(), parent=root, name="acme-labs")
        create_child(actor=Actor.operator(), parent=child, name="acme-labs-x")
        assert roots() == {"acme": None, "acme-labs": "acme", "acme-labs-x": "acme"}

    @pytest.mark.parametrize("name", ["acme", "Acme", "acmelabs", "other", "other-acme"])
    def test_it_begins_with_its_parent_and_a_hyphen(self, name: str) -> None:
        parent = give("acme", factories.organization())
        with nothing_changes(), pytest.raises(InvalidNamespace, match="A child of 'acme' begins with 'acme-'"):
            create_child(actor=Actor.operator(), parent=parent, name=name)

    def test_not_twice(self) -> None:
        parent = give("acme", factories.organization("acme-corp"))
        create_child(actor=Actor.operator(), parent=parent, name="acme-labs")
        with nothing_changes(), pytest.raises(AlreadyHeld, match="'acme-corp' holds the namespace 'acme-labs' already"):
            create_child(actor=Actor.operator(), parent=parent, name="acme.labs")

    @pytest.mark.parametrize("state", [HELD, LOCKED, QUARANTINED, RELEASED])
    def test_the_parent_is_active(self, state: GrantState) -> None:
        parent = factories.grant("acme", factories.organization(), state=state)
        manager = in_role(Role.MANAGER, parent.owner)
        assert can_create_child(parent, manager).reason == (
            f"The namespace 'acme' is {state}; children need an active one."
        )
        for actor in (manager, Actor.operator()):
            with nothing_changes(), pytest.raises(NotNow, match=f"'acme' is {state}"):
                create_child(actor=actor, parent=parent, name="acme-labs")

    @pytest.mark.parametrize(("state", "standing"), NOT_RECEIVING)
    def test_the_holder_may_receive(self, state: State, standing: Standing) -> None:
        parent = factories.grant("acme", factories.organization(state=state, standing=standing))
        with nothing_changes(), pytest.raises(NotNow, match="only an active organization in good standing"):
            create_child(actor=Actor.operator(), parent=parent, name="acme-labs")

    def test_a_guest_makes_none(self) -> None:
        parent, guest = give("acme", factories.organization()), factories.organization()
        factories.share(parent, guest)
        owner = in_role(Role.OWNER, guest)
        with nothing_changes(), pytest.raises(NotPermitted):
            create_child(actor=owner, parent=parent, name="acme-labs")


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_child_and_a_strangers_grant_at_once_never_throw_each_other_out() -> None:
    """Often enough to meet the instant in which each could wait for the other."""
    acme, other, third = (factories.organization() for _ in range(3))
    for number in range(100):
        name = f"crowd{number}"
        parent = factories.grant(name, acme)
        outcomes = all_at_once(
            partial(create_child, actor=Actor.operator(), parent=parent, name=f"{name}-x-y"),
            partial(give, f"{name}-x", other),
            partial(give, f"{name}-x-y", other),
            partial(give, f"{name}-x-y", third),
            partial(give, f"{name}-x-y-z", third),
        )
        assert outcomes == ["done"] + ["namespace-taken"] * 4, number


def test_every_refusal_has_a_code_of_its_own() -> None:
    refusals = [CannotHold, AlreadyHeld, InvalidNamespace, NamespaceTaken, NotNow, NotPermitted]
    assert len({refusal.code for refusal in refusals}) == len(refusals)
    assert DomainError.code not in {refusal.code for refusal in refusals}
