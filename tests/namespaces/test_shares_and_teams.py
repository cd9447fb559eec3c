"""Who may use a grant beside its owner: guests by shares, people by teams, and others altogether by a transfer."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from freehold.errors import Invalid, NotPermitted
from namespaces.api.questions import parse
from namespaces.decision import Reason, decide
from namespaces.errors import AlreadyShared, NotNow, NotShared
from namespaces.facts import fetch
from namespaces.models import Grant, Share, TeamGrant, Transfer
from namespaces.services.grants import create_child, grant_namespace
from namespaces.services.lifecycle import lock_namespace, reinstate_namespace, release_namespace
from namespaces.services.shares import (
    can_share,
    give_team_right,
    share_namespace,
    take_team_right,
    unshare_namespace,
)
from namespaces.services.transfers import (
    NoSuchTransfer,
    accept_transfer,
    can_transfer,
    end_transfer,
    offer_transfer,
    transfer_namespace,
)
from namespaces.states import GrantState
from orgs.actors import Actor
from orgs.models import AuditEvent, Membership, Organization
from orgs.selectors import first_broken_audit_event
from orgs.vocabulary import Kind, Role, Standing, State
from tests import factories
from tests.concurrency import all_at_once, one_behind_the_other
from tests.dump import nothing_changes
from tests.people import EVERYBODY, OPERATOR, acting_as, in_role, owner_of

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

HELD, ACTIVE, LOCKED, QUARANTINED, RELEASED = GrantState
MINUTE = timedelta(minutes=1)
NOT_ACTIVE = [HELD, LOCKED, QUARANTINED, RELEASED]


@pytest.fixture
def acme() -> Grant:
    return factories.grant("acme", factories.organization("acme-corp"))


@pytest.fixture
def guest() -> Organization:
    return factories.organization("guest")


def reason(project: str, **publisher: str) -> Reason:
    """How a check of a new project by the publisher ends."""
    question = parse({"project": project, "publisher": publisher, "first_uploaded": None})
    return decide(question, fetch(b"", [question]).facts[0]).reason


def events() -> list[tuple[str, str]]:
    """What the trail says, and in whose."""
    return list(AuditEvent.objects.order_by("pk").values_list("action", "organization"))


class TestSharing:
    @pytest.mark.parametrize("who", EVERYBODY)
    def test_owners_share_and_unshare(self, acme: Grant, guest: Organization, who: str) -> None:
        actor = acting_as(who, acme.owner)
        allowed = who in {OPERATOR, "owner"}
        assert bool(can_share(acme, guest, actor)) is allowed
        if allowed:
            share_namespace(actor=actor, grant=acme, organization=guest)
            assert reason("acme-new", organization="guest") is Reason.HOLDER
            unshare_namespace(actor=actor, grant=acme, organization=guest)
            assert reason("acme-new", organization="guest") is Reason.RESERVED
            return
        with nothing_changes(), pytest.raises(NotPermitted):
            share_namespace(actor=actor, grant=acme, organization=guest)
        factories.share(acme, guest)
        with nothing_changes(), pytest.raises(NotPermitted):
            unshare_namespace(actor=actor, grant=acme, organization=guest)

    def test_each_side_has_it_in_its_trail(self, acme: Grant, guest: Organization) -> None:
        share_namespace(actor=Actor.operator(), grant=acme, organization=guest)
        unshare_namespace(actor=Actor.operator(), grant=acme, organization=guest)
        shared, unshared = "namespace.shared", "namespace.unshared"
        assert events() == [
            (shared, "acme-corp"),
            (shared, "guest"),
            (unshared, "acme-corp"),
            (unshared, "guest"),
        ]
        first, *_, last = AuditEvent.objects.order_by("pk")
        assert (first.after, last.before) == ({"with": "guest", "until": None}, {"with": "guest"})

    @pytest.mark.parametrize("state", NOT_ACTIVE)
    def test_only_an_active_one(self, guest: Organization, state: GrantState) -> None:
        grant = factories.grant("acme", factories.organization(), state=state)
        with nothing_changes(), pytest.raises(NotNow, match=f"'acme' is {state}; only an active one can be shared"):
            share_namespace(actor=Actor.operator(), grant=grant, organization=guest)

    @pytest.mark.parametrize("state", [State.APPLIED, State.SUSPENDED, State.CLOSED])
    def test_only_with_an_active_organization(self, acme: Grant, state: State) -> None:
        guest = factories.organization("guest", state=state)
        with nothing_changes(), pytest.raises(NotNow, match="'guest' is not an active organization"):
            share_namespace(actor=Actor.operator(), grant=acme, organization=guest)

    def test_not_by_a_suspended_organization_for_whom_the_guest_would_publish(
        self, acme: Grant, guest: Organization
    ) -> None:
        owner = owner_of(acme.owner)
        Organization.objects.filter(pk=acme.owner_id).update(state=State.SUSPENDED)
        with nothing_changes(), pytest.raises(NotNow, match="is suspended; it shares nothing"):
            share_namespace(actor=owner, grant=acme, organization=guest)

    def test_not_with_its_owner(self, acme: Grant) -> None:
        with nothing_changes(), pytest.raises(NotNow, match="need not share it with itself"):
            share_namespace(actor=Actor.operator(), grant=acme, organization=acme.owner)

    def test_not_twice(self, acme: Grant, guest: Organization) -> None:
        share_namespace(actor=Actor.operator(), grant=acme, organization=guest)
        with nothing_changes(), pytest.raises(AlreadyShared, match="'acme' is shared with 'guest' already"):
            share_namespace(actor=Actor.operator(), grant=acme, organization=guest)

    def test_what_is_not_shared_is_not_unshared(self, acme: Grant, guest: Organization) -> None:
        with nothing_changes(), pytest.raises(NotShared, match="'acme' is not shared with 'guest'"):
            unshare_namespace(actor=Actor.operator(), grant=acme, organization=guest)

    def test_a_share_of_a_child_is_none_of_its_root(self, acme: Grant, guest: Organization) -> None:
        child = factories.grant("acme-labs", acme.owner, root=acme)
        share_namespace(actor=Actor.operator(), grant=child, organization=guest)
        assert reason("acme-labs-new", organization="guest") is Reason.HOLDER
        assert reason("acme-new", organization="guest") is Reason.RESERVED

    def test_a_guest_does_not_pass_it_on(self, acme: Grant, guest: Organization) -> None:
        factories.share(acme, guest)
        owner, third = owner_of(guest), factories.organization()
        with nothing_changes(), pytest.raises(NotPermitted):
            share_namespace(actor=owner, grant=acme, organization=third)


class TestExpiry:
    def test_it_ends_by_itself(self, acme: Grant, guest: Organization) -> None:
        soon = timezone.now() + MINUTE
        share = share_namespace(actor=Actor.operator(), grant=acme, organization=guest, expires_at=soon)
        assert reason("acme-new", organization="guest") is Reason.HOLDER
        expire(share)
        assert reason("acme-new", organization="guest") is Reason.RESERVED

    def test_it_lies_in_the_future(self, acme: Grant, guest: Organization) -> None:
        past = timezone.now()
        with nothing_changes(), pytest.raises(Invalid, match="must expire in the future"):
            share_namespace(actor=Actor.operator(), grant=acme, organization=guest, expires_at=past)

    def test_the_trail_says_when(self, acme: Grant, guest: Organization) -> None:
        soon = timezone.now() + MINUTE
        share_namespace(actor=Actor.operator(), grant=acme, organization=guest, expires_at=soon)
        assert set(AuditEvent.objects.values_list("after__until", flat=True)) == {soon.isoformat()}

    def test_after_it_the_grant_is_shared_anew_without_the_rights_of_then(
        self, acme: Grant, guest: Organization
    ) -> None:
        factories.team(guest, "gus", grants=[acme])
        expire(factories.share(acme, guest))
        share_namespace(actor=Actor.operator(), grant=acme, organization=guest)
        assert reason("acme-new", organization="guest") is Reason.HOLDER
        assert reason("acme-new", user="gus") is Reason.RESERVED
        assert not TeamGrant.objects.exists()


def expire(share: Share) -> None:
    share.expires_at = timezone.now()
    share.save()


class TestRightsOfTeams:
    @pytest.mark.parametrize("who", EVERYBODY)
    def test_owners_and_managers_give_and_take_them(self, acme: Grant, who: str) -> None:
        actor, team = acting_as(who, acme.owner), factories.team(acme.owner, "tim")
        if who in {OPERATOR, Role.OWNER, Role.MANAGER}:
            give_team_right(actor=actor, grant=acme, team=team)
            assert reason("acme-new", user="tim") is Reason.HOLDER
            take_team_right(actor=actor, grant=acme, team=team)
            assert reason("acme-new", user="tim") is Reason.RESERVED
            assert events() == [("team.right_given", "acme-corp"), ("team.right_taken", "acme-corp")]
            return
        with nothing_changes(), pytest.raises(NotPermitted):
            give_team_right(actor=actor, grant=acme, team=team)
        TeamGrant.objects.create(grant=acme, team=team)
        with nothing_changes(), pytest.raises(NotPermitted):
            take_team_right(actor=actor, grant=acme, team=team)

    def test_twice_is_once(self, acme: Grant) -> None:
        team = factories.team(acme.owner)
        give_team_right(actor=Actor.operator(), grant=acme, team=team)
        with nothing_changes():
            give_team_right(actor=Actor.operator(), grant=acme, team=team)
        take_team_right(actor=Actor.operator(), grant=acme, team=team)
        with nothing_changes():
            take_team_right(actor=Actor.operator(), grant=acme, team=team)

    def test_only_to_teams_of_a_holder(self, acme: Grant, guest: Organization) -> None:
        team, owner = factories.team(guest), owner_of(guest)
        for actor in (owner, Actor.operator()):
            with nothing_changes(), pytest.raises(NotNow, match="'guest' does not hold the namespace 'acme'"):
                give_team_right(actor=actor, grant=acme, team=team)

    def test_a_guests_owner_gives_them_to_its_own_teams(self, acme: Grant, guest: Organization) -> None:
        factories.share(acme, guest)
        owner = owner_of(guest)
        give_team_right(actor=owner, grant=acme, team=factories.team(guest, "gus"))
        assert reason("acme-new", user="gus") is Reason.HOLDER
        hosts = factories.team(acme.owner)
        with nothing_changes(), pytest.raises(NotPermitted):
            give_team_right(actor=owner, grant=acme, team=hosts)

    def test_not_to_one_whose_share_has_expired(self, acme: Grant, guest: Organization) -> None:
        expire(factories.share(acme, guest))
        team = factories.team(guest)
        with nothing_changes(), pytest.raises(NotNow, match="does not hold"):
            give_team_right(actor=Actor.operator(), grant=acme, team=team)

    def test_not_on_what_was_released(self) -> None:
        grant = factories.grant("acme", factories.organization(), state=RELEASED)
        team = factories.team(grant.owner)
        with nothing_changes(), pytest.raises(NotNow):
            give_team_right(actor=Actor.operator(), grant=grant, team=team)

    def test_they_end_with_the_share(self, acme: Grant, guest: Organization) -> None:
        factories.share(acme, guest)
        other = factories.grant("other", guest)
        guests = factories.team(guest, "gus", grants=[acme, other])
        hosts = factories.team(acme.owner, "tim", grants=[acme])
        unshare_namespace(actor=Actor.operator(), grant=acme, organization=guest)
        assert set(TeamGrant.objects.values_list("team", "grant")) == {(guests.pk, other.pk), (hosts.pk, acme.pk)}
        share_namespace(actor=Actor.operator(), grant=acme, organization=guest)
        assert reason("acme-new", user="gus") is Reason.RESERVED

    def test_they_end_with_the_membership(self, acme: Grant) -> None:
        factories.team(acme.owner, "tim", grants=[acme])
        Membership.objects.filter(user__index_username="tim").delete()
        assert reason("acme-new", user="tim") is Reason.RESERVED
        factories.member(acme.owner, "tim", Role.MEMBER)
        assert reason("acme-new", user="tim") is Reason.RESERVED


class TestOffers:
    @pytest.mark.parametrize("who", EVERYBODY)
    def test_an_owner_offers(self, acme: Grant, guest: Organization, who: str) -> None:
        actor = acting_as(who, acme.owner)
        allowed = who in {OPERATOR, "owner"}
        assert bool(can_transfer(acme, guest, actor)) is allowed
        if allowed:
            offer_transfer(actor=actor, grant=acme, to=guest)
            acme.refresh_from_db()
            assert acme.owner.name == "acme-corp", "nothing moves before it is accepted"
            assert events() == [("transfer.offered", "acme-corp"), ("transfer.offered", "guest")]
        else:
            with nothing_changes(), pytest.raises(NotPermitted):
                offer_transfer(actor=actor, grant=acme, to=guest)

    @pytest.mark.parametrize("who", EVERYBODY)
    def test_an_owner_of_the_other_side_accepts(self, acme: Grant, guest: Organization, who: str) -> None:
        offer = offer_transfer(actor=Actor.operator(), grant=acme, to=guest)
        actor = acting_as(who, guest)
        if who in {OPERATOR, "owner"}:
            accept_transfer(actor=actor, offer=offer)
            acme.refresh_from_db()
            assert acme.owner == guest
            assert events()[2:] == [("namespace.transferred", "acme-corp"), ("namespace.transferred", "guest")]
            last = AuditEvent.objects.order_by("pk").last()
            assert last is not None
            assert (last.before, last.after) == ({"owner": "acme-corp"}, {"owner": "guest"})
        else:
            with nothing_changes(), pytest.raises(NotPermitted):
                accept_transfer(actor=actor, offer=offer)

    def test_the_offering_side_can_not_accept(self, acme: Grant, guest: Organization) -> None:
        owner = owner_of(acme.owner)
        offer = offer_transfer(actor=owner, grant=acme, to=guest)
        with nothing_changes(), pytest.raises(NotPermitted):
            accept_transfer(actor=owner, offer=offer)

    @pytest.mark.parametrize("who", EVERYBODY)
    @pytest.mark.parametrize("side", ["withdrawn", "declined"])
    def test_an_owner_of_either_side_ends_it(self, acme: Grant, guest: Organization, who: str, side: str) -> None:
        offer = offer_transfer(actor=Actor.operator(), grant=acme, to=guest)
        actor = acting_as(who, acme.owner if side == "withdrawn" else guest)
        if who in {OPERATOR, "owner"}:
            end_transfer(actor=actor, offer=offer)
            assert not Transfer.objects.exists()
            assert events()[2:] == [("transfer.ended", "acme-corp"), ("transfer.ended", "guest")]
            last = AuditEvent.objects.order_by("pk").last()
            assert last is not None
            assert (last.before, last.after) == ({"to": "guest"}, None)
        else:
            with nothing_changes(), pytest.raises(NotPermitted):
                end_transfer(actor=actor, offer=offer)

    @pytest.mark.parametrize("answer", [accept_transfer, end_transfer])
    @pytest.mark.parametrize("former", [accept_transfer, end_transfer])
    def test_what_was_answered_is_answered(
        self, acme: Grant, guest: Organization, former: Callable[..., object], answer: Callable[..., object]
    ) -> None:
        offer = offer_transfer(actor=Actor.operator(), grant=acme, to=guest)
        former(actor=Actor.operator(), offer=offer)
        offer = Transfer(pk=offer.pk or 1, grant=acme, to=guest)
        with nothing_changes(), pytest.raises(NoSuchTransfer, match="withdrawn, answered or has expired"):
            answer(actor=Actor.operator(), offer=offer)

    def test_it_expires(self, acme: Grant, guest: Organization, settings: Settings) -> None:
        offer = offer_transfer(actor=Actor.operator(), grant=acme, to=guest)
        assert abs(offer.expires_at - offer.offered_at - settings.FREEHOLD_TRANSFER_TTL) < timedelta(seconds=1)
        expire_offer(offer)
        with nothing_changes(), pytest.raises(NoSuchTransfer):
            accept_transfer(actor=Actor.operator(), offer=offer)

    def test_there_is_one_at_a_time(self, acme: Grant, guest: Organization) -> None:
        offer_transfer(actor=Actor.operator(), grant=acme, to=guest)
        other = factories.organization()
        with nothing_changes(), pytest.raises(NotNow, match="offered already; withdraw that offer first"):
            offer_transfer(actor=Actor.operator(), grant=acme, to=other)

    def test_one_that_has_expired_is_replaced(self, acme: Grant, guest: Organization) -> None:
        expire_offer(offer_transfer(actor=Actor.operator(), grant=acme, to=guest))
        other = factories.organization()
        offer = offer_transfer(actor=Actor.operator(), grant=acme, to=other)
        assert Transfer.objects.get() == offer

    def test_the_old_one_is_not_accepted_after_it_was_replaced(self, acme: Grant, guest: Organization) -> None:
        old = offer_transfer(actor=Actor.operator(), grant=acme, to=guest)
        end_transfer(actor=Actor.operator(), offer=Transfer.objects.get(pk=old.pk))
        offer_transfer(actor=Actor.operator(), grant=acme, to=factories.organization())
        with nothing_changes(), pytest.raises(NoSuchTransfer):
            accept_transfer(actor=Actor.operator(), offer=old)

    def test_it_is_judged_again_when_it_is_accepted(self, acme: Grant, guest: Organization) -> None:
        offer = offer_transfer(actor=Actor.operator(), grant=acme, to=guest)
        Organization.objects.filter(pk=guest.pk).update(standing=Standing.LAPSED)
        with nothing_changes(), pytest.raises(NotNow, match="good standing"):
            accept_transfer(actor=Actor.operator(), offer=offer)

    def test_nothing_leaves_a_suspended_organization(self, acme: Grant, guest: Organization) -> None:
        owner, receiver = owner_of(acme.owner), owner_of(guest)
        offer = offer_transfer(actor=owner, grant=acme, to=guest)
        Organization.objects.filter(pk=acme.owner_id).update(state=State.SUSPENDED)
        with nothing_changes(), pytest.raises(NotNow, match="is suspended; it transfers nothing"):
            accept_transfer(actor=receiver, offer=offer)
        end_transfer(actor=owner, offer=offer)
        with nothing_changes(), pytest.raises(NotNow, match="is suspended; it transfers nothing"):
            offer_transfer(actor=owner, grant=acme, to=guest)
        acme.owner.refresh_from_db()
        assert not can_transfer(acme, guest, owner)
        assert can_transfer(acme, guest, Actor.operator())

    def test_it_ends_when_the_grant_is_locked(self, acme: Grant, guest: Organization) -> None:
        offer = offer_transfer(actor=Actor.operator(), grant=acme, to=guest)
        lock_namespace(actor=Actor.operator(), grant=acme)
        with nothing_changes(), pytest.raises(NoSuchTransfer):
            accept_transfer(actor=Actor.operator(), offer=offer)


def expire_offer(offer: Transfer) -> None:
    offer.expires_at = timezone.now()
    offer.save()


class TestTransfers:
    @pytest.mark.parametrize("who", [who for who in EVERYBODY if who != OPERATOR])
    def test_without_an_offer_only_the_operator(self, acme: Grant, guest: Organization, who: str) -> None:
        actor = acting_as(who, acme.owner)
        with nothing_changes(), pytest.raises(NotPermitted):
            transfer_namespace(actor=actor, grant=acme, to=guest)

    def test_the_whole_tree_goes(self, acme: Grant, guest: Organization) -> None:
        factories.grant("acme-labs", acme.owner, root=acme)
        factories.grant("acme-old", acme.owner, root=acme, state=RELEASED)
        factories.grant("acmelabs", acme.owner)
        moved = transfer_namespace(actor=Actor.operator(), grant=acme, to=guest)
        assert moved.owner == guest
        assert set(Grant.objects.values_list("name", "owner__name", "state")) == {
            ("acme", "guest", "active"),
            ("acme-labs", "guest", "active"),
            ("acme-old", "acme-corp", "released"),
            ("acmelabs", "acme-corp", "active"),
        }

    def test_the_old_owner_and_its_teams_are_strangers_now(self, acme: Grant, guest: Organization) -> None:
        child = factories.grant("acme-labs", acme.owner, root=acme)
        factories.team(acme.owner, "tim", grants=[acme, child])
        factories.member(acme.owner, "olga", Role.OWNER)
        transfer_namespace(actor=Actor.operator(), grant=acme, to=guest)
        assert not TeamGrant.objects.exists()
        for publisher in ({"user": "tim"}, {"user": "olga"}, {"organization": "acme-corp"}):
            assert reason("acme-labs-new", **publisher) is Reason.RESERVED
        assert reason("acme-labs-new", organization="guest") is Reason.HOLDER

    def test_nor_do_they_come_back_when_the_grant_is_shared_with_it(self, acme: Grant, guest: Organization) -> None:
        factories.team(acme.owner, "tim", grants=[acme])
        transfer_namespace(actor=Actor.operator(), grant=acme, to=guest)
        share_namespace(actor=Actor.operator(), grant=acme, organization=acme.owner)
        assert reason("acme-new", user="tim") is Reason.RESERVED

    def test_shares_and_the_rights_of_the_guests_teams_stay(self, acme: Grant, guest: Organization) -> None:
        third = factories.organization("third")
        factories.share(acme, third)
        factories.team(third, "tina", grants=[acme])
        transfer_namespace(actor=Actor.operator(), grant=acme, to=guest)
        assert reason("acme-new", organization="third") is Reason.HOLDER
        assert reason("acme-new", user="tina") is Reason.HOLDER

    def test_the_share_with_the_new_owner_is_gone_and_its_teams_go_on(self, acme: Grant, guest: Organization) -> None:
        child = factories.grant("acme-labs", acme.owner, root=acme)
        for grant in (acme, child):
            factories.share(grant, guest)
        factories.team(guest, "gus", grants=[acme])
        transfer_namespace(actor=Actor.operator(), grant=acme, to=guest)
        assert not Share.objects.exists()
        assert reason("acme-new", user="gus") is Reason.HOLDER

    def test_since_when_it_is_enforced_does_not_change(self, acme: Grant, guest: Organization) -> None:
        since = acme.effective_at
        assert transfer_namespace(actor=Actor.operator(), grant=acme, to=guest).effective_at == since

    @pytest.mark.parametrize("kind", Kind)
    def test_to_a_company_and_to_a_community_project(self, acme: Grant, kind: Kind) -> None:
        to = factories.organization(kind=kind)
        assert transfer_namespace(actor=Actor.operator(), grant=acme, to=to).owner == to

    @pytest.mark.parametrize(
        ("state", "standing"),
        [
            (State.APPLIED, Standing.GOOD),
            (State.SUSPENDED, Standing.GOOD),
            (State.CLOSED, Standing.GOOD),
            (State.ACTIVE, Standing.GRACE),
            (State.ACTIVE, Standing.LAPSED),
        ],
    )
    @pytest.mark.parametrize("service", [offer_transfer, transfer_namespace])
    def test_only_to_who_is_active_and_owes_nothing(
        self, acme: Grant, state: State, standing: Standing, service: Callable[..., object]
    ) -> None:
        to = factories.organization("to", state=state, standing=standing)
        with nothing_changes(), pytest.raises(NotNow, match="'to' is not an active organization in good standing"):
            service(actor=Actor.operator(), grant=acme, to=to)

    @pytest.mark.parametrize("service", [offer_transfer, transfer_namespace])
    def test_a_child_does_not_go_alone(self, acme: Grant, guest: Organization, service: Callable[..., object]) -> None:
        child = factories.grant("acme-labs", acme.owner, root=acme)
        with nothing_changes(), pytest.raises(NotNow, match="'acme-labs' is a child; transfer its root"):
            service(actor=Actor.operator(), grant=child, to=guest)

    @pytest.mark.parametrize("state", NOT_ACTIVE)
    @pytest.mark.parametrize("service", [offer_transfer, transfer_namespace])
    def test_only_an_active_one(self, guest: Organization, state: GrantState, service: Callable[..., object]) -> None:
        grant = factories.grant("acme", factories.organization(), state=state)
        with nothing_changes(), pytest.raises(NotNow, match=f"'acme' is {state}"):
            service(actor=Actor.operator(), grant=grant, to=guest)

    @pytest.mark.parametrize("service", [offer_transfer, transfer_namespace])
    def test_not_to_its_owner(self, acme: Grant, service: Callable[..., object]) -> None:
        with nothing_changes(), pytest.raises(NotNow, match="'acme-corp' owns 'acme' already"):
            service(actor=Actor.operator(), grant=acme, to=acme.owner)

    def test_who_has_read_it_before_acts_on_what_it_is_now(self, acme: Grant, guest: Organization) -> None:
        former = owner_of(acme.owner)
        transfer_namespace(actor=Actor.operator(), grant=Grant.objects.get(pk=acme.pk), to=guest)
        assert acme.owner.name == "acme-corp", "as it was read"
        for act in (release_namespace, lambda **who: share_namespace(**who, organization=factories.organization())):
            with pytest.raises(NotPermitted):
                act(actor=former, grant=acme)


def operator_does(act: Callable[..., object], **arguments: object) -> Callable[[], object]:
    return lambda: act(actor=Actor.operator(), **arguments)


@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    """Two transactions beside each other; none deadlocks, and what is left is as if one had come after the other."""

    @pytest.fixture
    def offer(self, acme: Grant, guest: Organization) -> Transfer:
        factories.grant("acme-labs", acme.owner, root=acme)
        return offer_transfer(actor=Actor.operator(), grant=acme, to=guest)

    def test_an_offer_is_accepted_once(self, offer: Transfer) -> None:
        accept = operator_does(accept_transfer, offer=offer)
        assert one_behind_the_other(accept, accept) == ("done", "no-such-transfer")
        assert AuditEvent.objects.filter(action="namespace.transferred").count() == 2
        assert set(Grant.objects.values_list("owner", flat=True)) == {offer.to_id}

    def test_what_is_withdrawn_is_not_accepted_and_the_other_way_round(self, offer: Transfer) -> None:
        accept, end = operator_does(accept_transfer, offer=offer), operator_does(end_transfer, offer=offer)
        assert one_behind_the_other(end, accept) == ("done", "no-such-transfer")
        assert set(Grant.objects.values_list("owner__name", flat=True)) == {"acme-corp"}

    def test_what_is_accepted_is_not_withdrawn(self, offer: Transfer) -> None:
        accept, end = operator_does(accept_transfer, offer=offer), operator_does(end_transfer, offer=offer)
        assert one_behind_the_other(accept, end) == ("done", "no-such-transfer")
        assert set(Grant.objects.values_list("owner__name", flat=True)) == {"guest"}

    def test_of_two_transfers_to_different_sides_one_comes_after_the_other(self, offer: Transfer) -> None:
        """The second one's look at the owner is older than the first one's commit."""
        third, fourth = factories.organization("third"), factories.organization("fourth")
        outcomes = one_behind_the_other(
            operator_does(transfer_namespace, grant=offer.grant, to=third),
            operator_does(transfer_namespace, grant=offer.grant, to=fourth),
        )
        assert outcomes == ("done", "not-now")
        assert set(Grant.objects.values_list("owner__name", flat=True)) == {"third"}

    @pytest.mark.parametrize(
        ("other", "transfer_first"),
        [
            *itertools.product(["release", "lock", "share", "child"], [True, False]),
            ("grant", True),  # the other way round it is refused, and nothing is left to wait for
        ],
    )
    def test_a_transfer_beside_something_else(self, offer: Transfer, other: str, transfer_first: bool) -> None:
        third = factories.organization("third")
        acts = {
            "release": operator_does(release_namespace, grant=offer.grant),
            "lock": operator_does(lock_namespace, grant=offer.grant),
            "share": operator_does(share_namespace, grant=offer.grant, organization=third),
            "child": operator_does(create_child, parent=offer.grant, name="acme-new"),
            "grant": operator_does(grant_namespace, name="acme-new", organization=third),
        }
        accept = operator_does(accept_transfer, offer=offer)
        first, second = (accept, acts[other]) if transfer_first else (acts[other], accept)
        outcome = one_behind_the_other(first, second)
        assert outcome == self.outcome(other, transfer_first)
        assert Grant.objects.holding().values("owner").distinct().count() == 1
        assert first_broken_audit_event()[1] is None

    def outcome(self, other: str, transfer_first: bool) -> tuple[str, str]:
        if other == "grant":  # a stranger's
            return "done", "namespace-taken"
        if transfer_first:  # it is judged anew, under its new owner
            return "done", "not-now"
        return "done", "no-such-transfer" if other in {"release", "lock"} else "done"

    @pytest.mark.slow
    def test_a_crowd(self, acme: Grant, guest: Organization) -> None:
        """Everything at the same moment, not held back: nothing crashes, and the tree stays whole."""
        organizations = [acme.owner, guest, factories.organization("third")]
        factories.grant("acme-labs", acme.owner, root=acme)
        for number in range(20):
            acts = [
                *(operator_does(transfer_namespace, grant=acme, to=to) for to in organizations),
                *(operator_does(share_namespace, grant=acme, organization=to) for to in organizations),
                operator_does(create_child, parent=acme, name=f"acme-c{number}"),
                operator_does(grant_namespace, name=f"acme-g{number}", organization=organizations[2]),
            ]
            outcomes = all_at_once(*acts)
            assert set(outcomes) <= {"done", "not-now", "already-shared", "namespace-taken"}, number
            Share.objects.all().delete()
            assert Grant.objects.values("owner").distinct().count() == 1, number
        assert first_broken_audit_event()[1] is None


@pytest.mark.django_db(transaction=True)
def test_taking_back_beside_a_strangers_grant() -> None:
    acme, other = factories.organization(), factories.organization()
    grant = factories.grant("acme", acme, state=QUARANTINED)
    outcomes = one_behind_the_other(
        operator_does(reinstate_namespace, grant=grant),
        operator_does(grant_namespace, name="acme-labs", organization=other),
    )
    assert outcomes == ("done", "namespace-taken")


def test_a_manager_does_not_do_what_owners_do(acme: Grant, guest: Organization) -> None:
    manager = in_role(Role.MANAGER, acme.owner)
    for act in (share_namespace, unshare_namespace):
        with nothing_changes(), pytest.raises(NotPermitted, match="Claims, shares, transfers, release"):
            act(actor=manager, grant=acme, organization=guest)
