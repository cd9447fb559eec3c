"""Who is in an organization, as what, and how that ends: who may do it to whom, and what ends with it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Mail, User
from freehold.errors import NotPermitted
from namespaces.models import Grant
from orgs import tokens
from orgs.actors import Actor
from orgs.models import (
    AuditEvent,
    Invitation,
    Membership,
    Organization,
    OrganizationToken,
    Team,
    TeamMember,
)
from orgs.selectors_people import has_single_owner, people, seats_of
from orgs.services.memberships import (
    AlreadyMember,
    LastOwner,
    NoSeatLeft,
    NoSuchMember,
    NoSuchUser,
    add_member,
    can_change_role,
    can_leave,
    can_remove_member,
    change_role,
    leave_organization,
    remove_member,
)
from orgs.services.organizations import NotNow, create_organization
from orgs.vocabulary import Kind, Permission, Role, State
from tests import factories
from tests.concurrency import all_at_once, one_behind_the_other
from tests.conftest import IndexClient
from tests.dump import nothing_changes
from tests.people import EVERYBODY, INACTIVE_OWNER, OPERATOR, OUTSIDERS, acting_as, in_role, owner_of
from tests.sessions import signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

MAY_MANAGE = {"owner", OPERATOR}
NOT_OWNERS = [role for role in Role if role is not Role.OWNER]


@pytest.fixture
def acme() -> Organization:
    """With an owner who stays out of what is tried."""
    made = factories.organization("acme")
    factories.member(made, "olga")
    return made


def membership_of(actor: Actor) -> Membership:
    return Membership.objects.get(user=actor.user)


def invitation(org: Organization, by: Membership | None, email: str = "new@example.com") -> Invitation:
    return Invitation.objects.create(
        organization=org,
        email=email,
        role=Role.MEMBER,
        digest=tokens.digest(tokens.generate("i")),
        invited_by=by,
        expires_at=timezone.now() + timedelta(days=1),
    )


def api_token(membership: Membership, name: str = "bot") -> OrganizationToken:
    return OrganizationToken.objects.create(
        name=name,
        digest=tokens.digest(tokens.generate("o")),
        hint="abcd",
        organization=membership.organization,
        membership=membership,
        permissions=[Permission.VIEW],
    )


def mails() -> list[tuple[str, str]]:
    return sorted(Mail.objects.values_list("to", "subject"))


class TestMembers:
    @pytest.mark.parametrize("who", EVERYBODY)
    @pytest.mark.parametrize("role", Role)
    def test_owners_add_them(self, who: str, role: Role) -> None:
        acme, newcomer = factories.organization("acme"), factories.user()
        actor = acting_as(who, acme)
        if who not in {OPERATOR, "owner"}:
            with nothing_changes(), pytest.raises(NotPermitted):
                add_member(actor=actor, organization=acme, email=newcomer.email, role=role)
            return
        membership = add_member(actor=actor, organization=acme, email=newcomer.email, role=role)
        assert (membership.user, membership.organization, membership.role) == (newcomer, acme, role)
        event = AuditEvent.objects.get()
        assert (event.actor, event.action, event.organization) == (actor.label, "member.added", "acme")
        assert (event.target, event.after) == (f"member {newcomer.email}", {"role": role.value})

    def test_by_their_address_in_any_case(self) -> None:
        sam = factories.user("sam")
        membership = add_member(
            actor=Actor.operator(), organization=factories.organization(), email="SAM@Example.com", role=Role.MEMBER
        )
        assert membership.user == sam

    def test_who_has_not_signed_up(self) -> None:
        acme = factories.organization()
        with nothing_changes(), pytest.raises(NoSuchUser, match=r"'sam@example\.com'; they have to sign up first"):
            add_member(actor=Actor.operator(), organization=acme, email="sam@example.com", role=Role.MEMBER)

    def test_not_twice(self) -> None:
        acme = factories.organization("acme")
        factories.member(acme, "sam", Role.MEMBER)
        with nothing_changes(), pytest.raises(AlreadyMember, match=r"'sam@example\.com' is in 'acme' already"):
            add_member(actor=Actor.operator(), organization=acme, email="sam@example.com", role=Role.OWNER)

    def test_the_trail_takes_the_longest_address(self) -> None:
        local, domain = "s" * 64, ".".join(["d" * 60] * 3) + ".com"
        owner = factories.user()
        owner.email = f"{local}@{domain}"
        owner.save()
        acme = create_organization(actor=Actor.person(owner), name="acme", kind=Kind.COMPANY)
        add_member(actor=Actor.person(owner), organization=acme, email=factories.user().email, role=Role.MEMBER)
        assert set(AuditEvent.objects.values_list("actor", flat=True)) == {owner.email}

    def test_who_leaves_the_organization_leaves_its_teams(self) -> None:
        acme = factories.organization()
        factories.team(acme, "sam")
        Membership.objects.get().delete()
        assert not TeamMember.objects.exists()
        assert Team.objects.exists()


class TestRoles:
    @pytest.mark.parametrize("who", EVERYBODY)
    @pytest.mark.parametrize("before", NOT_OWNERS)
    @pytest.mark.parametrize("after", Role)
    def test_owners_change_them(self, acme: Organization, who: str, before: Role, after: Role) -> None:
        membership, actor = factories.member(acme, "sam", before), acting_as(who, acme)
        assert bool(can_change_role(membership, after, actor)) is (who in MAY_MANAGE)
        if who not in MAY_MANAGE:
            with nothing_changes(), pytest.raises(NotPermitted):
                change_role(actor=actor, membership=membership, role=after)
            return
        change_role(actor=actor, membership=membership, role=after)
        membership.refresh_from_db()
        assert membership.role == after
        events = [(e.action, e.target, e.before, e.after) for e in AuditEvent.objects.all()]
        changed = ("member.role_changed", "member sam@example.com", {"role": before.value}, {"role": after.value})
        assert events == ([] if before is after else [changed])

    def test_takes_effect_at_once(self, acme: Organization) -> None:
        membership = factories.member(acme, "sam", Role.MEMBER)
        change_role(actor=Actor.operator(), membership=membership, role=Role.OWNER)
        change_role(
            actor=Actor.person(membership.user),
            membership=acme.memberships.get(user__index_username="olga"),
            role=Role.MEMBER,
        )
        assert has_single_owner(acme)

    @pytest.mark.parametrize("role", NOT_OWNERS)
    def test_of_an_owner_who_is_none_any_more(self, acme: Organization, role: Role) -> None:
        """The invitations they sent are revoked in the same transaction; their tokens can do less by themselves."""
        actor = owner_of(acme)
        membership = membership_of(actor)
        invitation(acme, membership)
        invitation(acme, acme.memberships.get(user__index_username="olga"), "other@example.com")
        token = api_token(membership)
        change_role(actor=Actor.operator(), membership=membership, role=role)
        assert list(Invitation.objects.values_list("email", flat=True)) == ["other@example.com"]
        assert OrganizationToken.objects.get() == token
        assert AuditEvent.objects.get().before == {"role": "owner", "invitations": 1}

    def test_whoever_it_is_about_is_told_and_so_are_the_other_owners(self, acme: Organization) -> None:
        boss, sam = owner_of(acme), factories.member(acme, "sam", Role.MEMBER)
        assert boss.user is not None
        factories.member(acme, "tom", Role.MANAGER)
        change_role(actor=boss, membership=sam, role=Role.OWNER)
        assert mails() == [
            ("olga@example.com", "Acme has another owner"),
            ("sam@example.com", "You are Owner in Acme now"),
        ]
        Mail.objects.all().delete()
        change_role(actor=boss, membership=sam, role=Role.MEMBER)
        assert mails() == [
            ("olga@example.com", "Acme has one owner fewer"),
            ("sam@example.com", "You are Member in Acme now"),
        ]
        Mail.objects.all().delete()
        change_role(actor=boss, membership=sam, role=Role.MANAGER)
        assert mails() == [("sam@example.com", "You are Manager in Acme now")]
        assert boss.label in Mail.objects.get().text

    def test_nobody_is_told_of_what_they_did_themselves(self, acme: Organization) -> None:
        actor = owner_of(acme)
        change_role(actor=actor, membership=membership_of(actor), role=Role.MEMBER)
        assert mails() == [("olga@example.com", "Acme has one owner fewer")]

    def test_of_somebody_who_is_gone(self, acme: Organization) -> None:
        membership = factories.member(acme, "sam", Role.MEMBER)
        Membership.objects.filter(pk=membership.pk).delete()
        with nothing_changes(), pytest.raises(NoSuchMember, match="is not in acme any more"):
            change_role(actor=Actor.operator(), membership=membership, role=Role.OWNER)


class TestRemoving:
    @pytest.mark.parametrize("who", EVERYBODY)
    @pytest.mark.parametrize("role", Role)
    def test_owners_remove_them(self, acme: Organization, who: str, role: Role) -> None:
        membership, actor = factories.member(acme, "sam", role), acting_as(who, acme)
        assert bool(can_remove_member(membership, actor)) is (who in MAY_MANAGE)
        if who not in MAY_MANAGE:
            with nothing_changes(), pytest.raises(NotPermitted):
                remove_member(actor=actor, membership=membership)
            return
        remove_member(actor=actor, membership=membership)
        assert not Membership.objects.filter(pk=membership.pk).exists()
        event = AuditEvent.objects.get()
        assert (event.action, event.target, event.organization) == ("member.removed", "member sam@example.com", "acme")
        assert event.before == {"role": role.value, "teams": [], "tokens": [], "invitations": 0}

    def test_of_another_organization_by_its_owner(self, acme: Organization) -> None:
        actor = owner_of(factories.organization())
        with nothing_changes(), pytest.raises(NotPermitted):
            remove_member(actor=actor, membership=Membership.objects.get(organization=acme))

    def test_twice(self, acme: Organization) -> None:
        membership = factories.member(acme, "sam", Role.MEMBER)
        remove_member(actor=Actor.operator(), membership=membership)
        with nothing_changes(), pytest.raises(NoSuchMember):
            remove_member(actor=Actor.operator(), membership=membership)

    def test_whoever_is_removed_is_told_and_by_whom(self, acme: Organization) -> None:
        actor, sam = owner_of(acme), factories.member(acme, "sam", Role.OWNER)
        remove_member(actor=actor, membership=sam)
        assert mails() == [
            ("olga@example.com", "Acme has one owner fewer"),
            ("sam@example.com", "You are no longer in Acme"),
        ]
        assert actor.label in Mail.objects.get(to="sam@example.com").text

    def test_a_closed_account_is_told_nothing(self, acme: Organization) -> None:
        sam = factories.member(acme, "sam", Role.MEMBER)
        sam.user.is_active = False
        sam.user.save()
        remove_member(actor=Actor.operator(), membership=sam)
        assert mails() == []

    def test_an_owner_whose_account_is_closed(self, acme: Organization) -> None:
        actor = acting_as(INACTIVE_OWNER, acme)
        remove_member(actor=Actor.operator(), membership=membership_of(actor))
        assert has_single_owner(acme)


class TestLeaving:
    @pytest.mark.parametrize("role", Role)
    def test_whoever_is_in_may(self, acme: Organization, role: Role) -> None:
        actor = in_role(role, acme)
        assert can_leave(membership_of(actor), actor)
        leave_organization(actor=actor, organization=acme)
        assert not Membership.objects.filter(user=actor.user).exists()
        event = AuditEvent.objects.get()
        assert (event.actor, event.action, event.before) == (
            actor.label,
            "member.left",
            {"role": role.value, "teams": [], "tokens": [], "invitations": 0},
        )
        assert mails() == ([("olga@example.com", "Acme has one owner fewer")] if role is Role.OWNER else [])

    @pytest.mark.parametrize("who", [*OUTSIDERS, OPERATOR])
    def test_nobody_else(self, acme: Organization, who: str) -> None:
        actor = acting_as(who, acme)
        with nothing_changes(), pytest.raises(NotPermitted, match="Only somebody who is in acme can leave it"):
            leave_organization(actor=actor, organization=acme)

    def test_a_token_does_not_leave_for_its_maker(self, acme: Organization) -> None:
        token = api_token(factories.member(acme, "sam", Role.MEMBER))
        with nothing_changes(), pytest.raises(NotPermitted):
            leave_organization(actor=Actor.automation(token), organization=acme)

    def test_nobody_leaves_for_another(self, acme: Organization) -> None:
        assert not can_leave(factories.member(acme, "sam", Role.MEMBER), owner_of(acme))

    def test_without_the_second_factor_that_is_required(self, acme: Organization) -> None:
        Organization.objects.update(requires_second_factor=True)
        actor = in_role(Role.MEMBER, acme)
        leave_organization(actor=actor, organization=acme)
        assert not Membership.objects.filter(user=actor.user).exists()


def last_owner_acts(org: Organization) -> dict[str, Callable[[], object]]:
    """Everything that would leave it without an owner."""
    membership = org.memberships.get(role=Role.OWNER)
    actor = Actor.person(membership.user)
    return {
        "leaves": lambda: leave_organization(actor=actor, organization=org),
        "removes themselves": lambda: remove_member(actor=actor, membership=membership),
        "is removed": lambda: remove_member(actor=Actor.operator(), membership=membership),
        "becomes manager": lambda: change_role(actor=actor, membership=membership, role=Role.MANAGER),
        "becomes billing": lambda: change_role(actor=Actor.operator(), membership=membership, role=Role.BILLING),
        "becomes member": lambda: change_role(actor=actor, membership=membership, role=Role.MEMBER),
    }


ACTS = ["leaves", "removes themselves", "is removed", "becomes manager", "becomes billing", "becomes member"]
WHAT_TO_DO = "make somebody else an owner first, or close the organization"


class TestTheLastOwner:
    # What becomes of the second's act: who was removed or demoted may not, and who is alone now must not.
    AFTERWARDS = {
        ("remove", "remove"): "not-permitted",
        ("remove", "demote"): "not-permitted",
        ("remove", "leave"): "not-permitted",
        ("demote", "remove"): "not-permitted",
        ("demote", "demote"): "not-permitted",
        ("demote", "leave"): "done",
        ("leave", "remove"): "no-such-member",
        ("leave", "demote"): "no-such-member",
        ("leave", "leave"): "last-owner",
    }

    @pytest.mark.parametrize("act", ACTS)
    @pytest.mark.parametrize("state", [State.APPLIED, State.ACTIVE, State.SUSPENDED])
    def test_stays(self, acme: Organization, act: str, state: State) -> None:
        acme.state = state
        acme.save()
        factories.member(acme, "sam", Role.MANAGER)
        with nothing_changes(), pytest.raises(LastOwner, match=WHAT_TO_DO):
            last_owner_acts(acme)[act]()

    @pytest.mark.parametrize("act", ACTS)
    def test_an_owner_whose_account_is_closed_is_none(self, acme: Organization, act: str) -> None:
        acts = last_owner_acts(acme)
        acting_as(INACTIVE_OWNER, acme)
        with nothing_changes(), pytest.raises(LastOwner, match=WHAT_TO_DO):
            acts[act]()

    @pytest.mark.parametrize("act", ACTS)
    def test_goes_once_there_is_another(self, acme: Organization, act: str) -> None:
        acts = last_owner_acts(acme)
        factories.member(acme, "sam", Role.OWNER)
        acts[act]()
        assert [m.user.index_username for m in acme.memberships.filter(role=Role.OWNER)] == ["sam"]

    def test_stays_owner_when_named_so_again(self, acme: Organization) -> None:
        membership = acme.memberships.get()
        with nothing_changes():
            change_role(actor=Actor.person(membership.user), membership=membership, role=Role.OWNER)

    @pytest.mark.parametrize("act", ACTS)
    def test_the_database_decides(self, acme: Organization, act: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """Where the look before it was fooled, its trigger refuses, and that is told in the same words."""
        from orgs.actors import ALLOWED
        from orgs.services import memberships

        monkeypatch.setattr(memberships, "_unless_last_owner", lambda _: ALLOWED)
        with nothing_changes(), pytest.raises(LastOwner, match=WHAT_TO_DO):
            last_owner_acts(acme)[act]()

    @pytest.mark.django_db(transaction=True)
    @pytest.mark.parametrize("second", ["remove", "demote", "leave"])
    @pytest.mark.parametrize("first", ["remove", "demote", "leave"])
    def test_of_two_who_end_it_for_each_other_one_waits_and_stays(self, first: str, second: str) -> None:
        acme = factories.organization("acme")
        ann, bob = factories.member(acme, "ann"), factories.member(acme, "bob")

        def act(what: str, by: Membership, whom: Membership) -> Callable[[], object]:
            actor = Actor.person(by.user)
            return {
                "remove": lambda: remove_member(actor=actor, membership=whom),
                "demote": lambda: change_role(actor=actor, membership=whom, role=Role.MEMBER),
                "leave": lambda: leave_organization(actor=actor, organization=acme),
            }[what]

        outcomes = one_behind_the_other(act(first, ann, bob), act(second, bob, ann))
        assert outcomes == ("done", self.AFTERWARDS[first, second])
        assert acme.memberships.filter(role=Role.OWNER).count() == 1

    @pytest.mark.django_db(transaction=True)
    def test_a_crowd_of_owners_leaves_and_one_remains(self) -> None:
        acme = factories.organization("acme")
        actors = [owner_of(acme) for _ in range(5)]

        def leaver(actor: Actor) -> Callable[[], object]:
            return lambda: leave_organization(actor=actor, organization=acme)

        outcomes = all_at_once(*[leaver(actor) for actor in actors])
        assert sorted(outcomes) == ["done"] * 4 + ["last-owner"]
        assert acme.memberships.filter(role=Role.OWNER).count() == 1


class TestSingleOwner:
    @pytest.mark.parametrize(
        ("active", "inactive", "single"), [(1, 0, True), (1, 1, True), (2, 0, False), (0, 1, False)]
    )
    def test_is_when_one_lost_account_would_leave_nobody(self, active: int, inactive: int, single: bool) -> None:
        acme = factories.organization()
        for _ in range(active):
            owner_of(acme)
        for _ in range(inactive):
            acting_as(INACTIVE_OWNER, acme)
        assert has_single_owner(acme) is single


class TestSeats:
    def test_there_are_as_many_as_were_bought(self, acme: Organization) -> None:
        Organization.objects.update(seats=2)
        add_member(actor=Actor.operator(), organization=acme, email=factories.user().email, role=Role.MEMBER)
        late = factories.user()
        with nothing_changes(), pytest.raises(NoSeatLeft, match="All 2 seats of acme are taken: an owner can free one"):
            add_member(actor=Actor.operator(), organization=acme, email=late.email, role=Role.MEMBER)

    def test_are_counted_for_the_page(self, acme: Organization) -> None:
        Organization.objects.update(seats=3)
        acme.refresh_from_db()
        invitation(acme, None)
        assert (seats_of(acme).limit, seats_of(acme).taken, seats_of(acme).invited) == (3, 1, 1)
        assert not seats_of(acme).is_short
        invitation(acme, None, "b@example.com")
        invitation(acme, None, "c@example.com")
        assert seats_of(acme).is_short


class TestClosed:
    @pytest.mark.parametrize("act", ["add", "change", "remove"])
    def test_nothing_changes_in_it(self, act: str) -> None:
        acme = factories.organization("acme")
        sam = factories.member(acme, "sam", Role.MEMBER)
        user = factories.user()
        Organization.objects.update(state=State.CLOSED)
        acts: dict[str, Callable[[], Any]] = {
            "add": lambda: add_member(actor=Actor.operator(), organization=acme, email=user.email, role=Role.MEMBER),
            "change": lambda: change_role(actor=Actor.operator(), membership=sam, role=Role.OWNER),
            "remove": lambda: remove_member(actor=Actor.operator(), membership=sam),
        }
        with nothing_changes(), pytest.raises(NotNow, match="closed"):
            acts[act]()


# --- Traps --------------------------------------------------------------------------------------------------------------


class Rights:
    """Somebody with every right that a membership gives: by role, by team, by token, by invitation."""

    def __init__(self, role: Role) -> None:
        self.acme = factories.organization("acme")
        factories.member(self.acme, "olga")
        self.grant: Grant = factories.grant("acme", self.acme)
        self.membership = factories.member(self.acme, "sam", role)
        self.team: Team = factories.team(self.acme, "sam", grants=[self.grant], name="Release")
        self.token = api_token(self.membership)
        self.invitation = invitation(self.acme, self.membership)

    def ended(self) -> bool:
        return not (
            TeamMember.objects.exists()
            or OrganizationToken.objects.exists()
            or Invitation.objects.exists()
            or Membership.objects.filter(user__index_username="sam").exists()
        )


def remove(rights: Rights) -> None:
    remove_member(actor=Actor.operator(), membership=rights.membership)


def leave(rights: Rights) -> None:
    leave_organization(actor=Actor.person(rights.membership.user), organization=rights.acme)


@pytest.mark.parametrize("end", [remove, leave])
@pytest.mark.parametrize("role", Role)
def test_trap_10_rights_end_with_the_membership(index: IndexClient, role: Role, end: Callable[[Rights], None]) -> None:
    """Team rights, tokens, sent invitations and publishing end in its transaction, and the check agrees at once."""
    rights = Rights(role)
    assert index.check("acme-new", user="sam", first_uploaded=None)["reason"] == "holder"
    end(rights)
    assert rights.ended()
    answer = index.check("acme-new", user="sam", first_uploaded=None)
    assert (answer["allowed"], answer["reason"]) == (False, "reserved")
    event = AuditEvent.objects.filter(action__startswith="member.").get()
    assert event.before == {"role": role.value, "teams": ["Release"], "tokens": ["bot"], "invitations": 1}
    assert Team.objects.get() == rights.team


def test_trap_10_nothing_comes_back_with_a_new_membership(index: IndexClient) -> None:
    rights = Rights(Role.MEMBER)
    remove(rights)
    add_member(actor=Actor.operator(), organization=rights.acme, email="sam@example.com", role=Role.MEMBER)
    assert not TeamMember.objects.exists() and not OrganizationToken.objects.exists()
    assert index.check("acme-new", user="sam", first_uploaded=None)["reason"] == "reserved"


@pytest.mark.parametrize("role", [Role.MANAGER, Role.OWNER])
def test_trap_10_publishing_ends_with_the_role(index: IndexClient, role: Role) -> None:
    rights = Rights(role)
    TeamMember.objects.all().delete()
    change_role(actor=Actor.operator(), membership=rights.membership, role=Role.MEMBER)
    assert index.check("acme-new", user="sam", first_uploaded=None)["reason"] == "reserved"


def test_trap_10_it_ends_wholly_or_not_at_all() -> None:
    rights = Rights(Role.MEMBER)
    with nothing_changes(), transaction.atomic():
        remove(rights)
        assert rights.ended()
        transaction.set_rollback(True)


def browser_of(actor: Actor, *, fresh: bool = True) -> Client:
    return signed_in(actor.user, fresh=fresh)


ADDRESSES = {
    "organization-person-role": {"role": "owner"},
    "organization-person-remove": {},
    "organization-invite": {"who": "friend@example.com", "role": "owner"},
    "organization-invite-many": {"paste": "friend@example.com", "role": "manager"},
    "organization-invitation-resend": {},
    "organization-invitation-revoke": {},
}


def address(name: str, target: Membership, sent: Invitation) -> str:
    acme = target.organization.name
    if name.startswith("organization-person"):
        return reverse(name, args=[acme, target.pk])
    return reverse(name, args=[acme, sent.pk] if name.startswith("organization-invitation-") else [acme])


@pytest.mark.parametrize("name", ADDRESSES)
@pytest.mark.parametrize("role", NOT_OWNERS)
def test_trap_1_a_hidden_button_is_refused_as_a_post(acme: Organization, role: Role, name: str) -> None:
    client, sam = browser_of(in_role(role, acme)), factories.member(acme, "sam", Role.MEMBER)
    sent = invitation(acme, None)
    page = client.get(reverse("organization-people", args=["acme"])).content.decode()
    where = address(name, sam, sent)
    assert where not in page
    with nothing_changes():
        assert client.post(where, ADDRESSES[name]).status_code == 403


@pytest.mark.parametrize("name", ADDRESSES)
@pytest.mark.parametrize("role", NOT_OWNERS)
def test_trap_11_reading_is_no_permission_to_write(acme: Organization, role: Role, name: str) -> None:
    """Members see the people; nothing they send to any address of it invites an owner, or makes one."""
    client, sam = browser_of(in_role(role, acme)), factories.member(acme, "sam", Role.MEMBER)
    sent = invitation(acme, None)
    everything = {key: value for fields in ADDRESSES.values() for key, value in fields.items()}
    with nothing_changes():
        for method in ("get", "post", "put", "patch", "delete"):
            assert getattr(client, method)(address(name, sam, sent), everything).status_code in {403, 405}
        assert client.post(reverse("organization-people", args=["acme"]), everything).status_code == 405


@pytest.mark.parametrize("name", ADDRESSES)
def test_trap_12_numbers_of_another_organization_are_not_there(acme: Organization, name: str) -> None:
    other = factories.organization("other")
    theirs, sent = factories.member(other, "olaf"), invitation(other, None)
    client = browser_of(owner_of(acme))
    if "invite" in name.removeprefix("organization-").split("-"):
        where = reverse(name, args=["other"])
    else:
        number = sent.pk if "invitation" in name else theirs.pk
        where = reverse(name, args=["acme", number])
    with nothing_changes():
        assert client.post(where, ADDRESSES[name]).status_code == 404


# --- Pages --------------------------------------------------------------------------------------------------------------


class TestPages:
    def test_the_list_says_who_publishes_and_why(self, acme: Organization) -> None:
        grant = factories.grant("acme", acme)
        factories.team(acme, "tess", grants=[grant], name="Release")
        factories.team(acme, "tim", name="Readers")
        rows = {p.membership.user.index_username: p for p in people(acme, acme.memberships.prefetch_related("teams"))}
        assert rows["olga"].publishes_by_role and rows["olga"].is_last_owner
        assert [team.name for team in rows["tess"].publishing_teams] == ["Release"]
        assert not rows["tim"].would_publish and [team.name for team in rows["tim"].teams] == ["Readers"]

    @pytest.mark.parametrize(("role", "seen"), [(Role.OWNER, True), (Role.MANAGER, False)])
    def test_who_does_not_publish_for_lack_of_it_is_for_owners_and_themselves(
        self, acme: Organization, role: Role, seen: bool
    ) -> None:
        actor = in_role(role, acme)
        User.objects.filter(pk=actor.user.pk if actor.user else 0).update(second_factor=True)
        Organization.objects.update(requires_second_factor=True)
        for viewer, told in [
            (actor, seen),
            (Actor.person(acme.memberships.get(user__index_username="olga").user), True),
        ]:
            page = browser_of(viewer).get(reverse("organization-people", args=["acme"])).content.decode()
            assert ("Needs two-step" in page) is told

    def test_only_owners_see_who_has_no_second_factor(self, acme: Organization) -> None:
        url = reverse("organization-people", args=["acme"])
        assert "Two-step" in browser_of(owner_of(acme)).get(url).content.decode()
        assert "Two-step" not in browser_of(in_role(Role.MANAGER, acme)).get(url).content.decode()

    @pytest.mark.parametrize(
        "query", ["q=sam", "q=SAM%40ex", "role=manager", "q=sam&role=manager", "two_step=without&q=sam"]
    )
    def test_the_list_can_be_narrowed(self, acme: Organization, query: str) -> None:
        factories.member(acme, "sam", Role.MANAGER)
        client = browser_of(owner_of(acme))
        text = client.get(reverse("organization-people", args=["acme"]) + f"?{query}").content.decode()
        assert "sam@example.com" in text and "olga@example.com" not in text

    @pytest.mark.parametrize("query", ["q=%00", "role=king", "two_step=x", "page=0", "page=x", f"q={'x' * 5000}"])
    def test_what_makes_no_sense_does_not_hurt(self, acme: Organization, query: str) -> None:
        client = browser_of(owner_of(acme))
        assert client.get(reverse("organization-people", args=["acme"]) + f"?{query}").status_code == 200

    @pytest.mark.parametrize("number", [0, 2**63, 10**30])
    @pytest.mark.parametrize("name", ["organization-person-role", "organization-person-remove"])
    def test_numbers_that_nobody_has(self, acme: Organization, name: str, number: int) -> None:
        assert browser_of(owner_of(acme)).get(reverse(name, args=["acme", number])).status_code == 404

    def test_a_role_is_changed(self, acme: Organization) -> None:
        sam, client = factories.member(acme, "sam", Role.MEMBER), browser_of(owner_of(acme))
        url = reverse("organization-person-role", args=["acme", sam.pk])
        response = client.post(url, {"role": "manager"})
        assert response["Location"] == reverse("organization-people", args=["acme"])
        sam.refresh_from_db()
        assert sam.role == Role.MANAGER

    @pytest.mark.parametrize("role", ["", "king", "\x00"])
    def test_what_is_no_role(self, acme: Organization, role: str) -> None:
        sam, client = factories.member(acme, "sam", Role.MEMBER), browser_of(owner_of(acme))
        with nothing_changes():
            assert (
                client.post(reverse("organization-person-role", args=["acme", sam.pk]), {"role": role}).status_code
                == 200
            )

    def test_the_last_owner_is_told_what_to_do(self, acme: Organization) -> None:
        olga = acme.memberships.get()
        client = browser_of(Actor.person(olga.user))
        pages: dict[str, list[Any]] = {"organization-leave": [], "organization-person-remove": [olga.pk]}
        for name, numbers in pages.items():
            args = ["acme", *numbers]
            assert WHAT_TO_DO in client.get(reverse(name, args=args)).content.decode()
            with nothing_changes():
                response = client.post(reverse(name, args=args), follow=True)
            assert WHAT_TO_DO in response.content.decode()
        with nothing_changes():
            response = client.post(reverse("organization-person-role", args=["acme", olga.pk]), {"role": "member"})
        assert "first" in response.content.decode()

    def test_to_remove_somebody_is_asked_first(self, acme: Organization) -> None:
        rights = acme.memberships.get()
        sam = factories.member(acme, "sam", Role.MEMBER)
        factories.team(acme, "sam", name="Release")
        api_token(sam, "nightly")
        client = browser_of(Actor.person(rights.user))
        url = reverse("organization-person-remove", args=["acme", sam.pk])
        with nothing_changes():
            text = client.get(url).content.decode()
        assert "Release" in text and "nightly" in text
        assert client.post(url)["Location"] == reverse("organization-people", args=["acme"])
        assert not Membership.objects.filter(pk=sam.pk).exists()

    def test_to_leave_leads_to_the_dashboard(self, acme: Organization) -> None:
        client = browser_of(in_role(Role.MEMBER, acme))
        assert client.get(reverse("organization-leave", args=["acme"])).status_code == 200
        assert client.post(reverse("organization-leave", args=["acme"]))["Location"] == reverse("dashboard")

    @pytest.mark.parametrize("name", ["organization-person-role", "organization-person-remove", "organization-invite"])
    def test_what_is_dangerous_asks_again_who_one_is(self, acme: Organization, name: str) -> None:
        sam, client = factories.member(acme, "sam", Role.MEMBER), browser_of(owner_of(acme), fresh=False)
        with nothing_changes():
            response = client.post(address(name, sam, Invitation(pk=0)), ADDRESSES[name])
        assert response.status_code == 302 and "reauthenticate" in response["Location"]

    def test_the_queries_do_not_grow_with_the_people(
        self, acme: Organization, django_assert_max_num_queries: Any
    ) -> None:
        for number in range(30):
            factories.member(acme, f"p{number}", Role.MEMBER)
        factories.team(acme, *[f"p{number}" for number in range(30)])
        client = browser_of(owner_of(acme))
        with django_assert_max_num_queries(45):
            client.get(reverse("organization-people", args=["acme"]))


def test_no_membership_moves_even_by_sql(acme: Organization) -> None:
    with pytest.raises(IntegrityError, match="organization_stays"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE orgs_membership SET organization_id = organization_id + 1")
