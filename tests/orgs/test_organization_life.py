"""What becomes of an organization: its limits, its profile, its name, what it asks of its members, its end."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.db import transaction
from django.test import override_settings
from django.utils import timezone

from accounts.models import Mail, User
from freehold.errors import DomainError, Invalid, NotPermitted
from namespaces.models import Grant, Share, TeamGrant, Transfer
from namespaces.services.grants import grant_namespace
from namespaces.services.shares import share_namespace
from namespaces.states import GrantState
from orgs import hooks, names
from orgs.actors import Actor
from orgs.lifecycle import TRANSITIONS, Action
from orgs.models import (
    AuditEndpoint,
    AuditEvent,
    Invitation,
    Membership,
    Organization,
    OrganizationName,
    OrganizationToken,
    Proof,
    Team,
    TrustedPublisher,
)
from orgs.selectors import organization_named
from orgs.selectors_organizations import name_answer
from orgs.services.closing import close_organization
from orgs.services.organizations import (
    NotNow,
    OrganizationNameTaken,
    TooManyApplied,
    create_organization,
    describe_organization,
    rename_organization,
    require_second_factor,
)
from orgs.vocabulary import Kind, Permission, Role, State
from tests import factories
from tests.commands import refused, run
from tests.concurrency import all_at_once, one_behind_the_other
from tests.dump import nothing_changes
from tests.people import EVERYBODY, OPERATOR, acting_as, in_role, owner_of

pytestmark = pytest.mark.django_db

MAY_MANAGE = {"owner", OPERATOR}


@pytest.fixture
def acme() -> Organization:
    return factories.organization("acme")


def protected(actor: Actor) -> Actor:
    """With a second factor."""
    assert actor.user is not None
    Authenticator.objects.create(user=actor.user, type=Authenticator.Type.TOTP, data={"secret": "x"})
    actor.user.refresh_from_db()
    return actor


class TestLimit:
    """Nobody collects names: so many organizations that are not active yet, and no more."""

    @override_settings(FREEHOLD_APPLIED_LIMIT=2)
    def test_of_those_that_are_applied_for(self) -> None:
        actor = Actor.person(factories.user())
        for name in ("one", "two"):
            create_organization(actor=actor, name=name, kind=Kind.COMPANY)
        with nothing_changes(), pytest.raises(TooManyApplied, match="2 is the most: finish or close one of them"):
            create_organization(actor=actor, name="three", kind=Kind.COMPANY)
        Organization.objects.filter(name="one").update(state=State.ACTIVE)
        create_organization(actor=actor, name="three", kind=Kind.COMPANY)

    @override_settings(FREEHOLD_APPLIED_LIMIT=1)
    def test_what_others_own_does_not_count(self) -> None:
        actor = Actor.person(factories.user())
        assert actor.user is not None
        for role in (Role.MANAGER, Role.MEMBER):
            other = factories.organization(state=State.APPLIED)
            Membership.objects.create(organization=other, user=actor.user, role=role)
        create_organization(actor=actor, name="one", kind=Kind.COMPANY)

    @pytest.mark.django_db(transaction=True)
    @override_settings(FREEHOLD_APPLIED_LIMIT=1)
    def test_it_holds_when_two_are_set_up_at_once(self) -> None:
        actor = Actor.person(factories.user())

        def create(name: str) -> Any:
            return lambda: create_organization(actor=actor, name=name, kind=Kind.COMPANY)

        assert one_behind_the_other(create("one"), create("two")) == ("done", "too-many-applied")
        assert Organization.objects.count() == 1

    @pytest.mark.parametrize("name", ["freehold", "Freehold.Labs", "freeholder"])
    def test_our_own_name_is_kept(self, name: str) -> None:
        actor = Actor.person(factories.user())
        with nothing_changes(), pytest.raises(OrganizationNameTaken, match="kept for those who run Freehold"):
            create_organization(actor=actor, name=name, kind=Kind.COMPANY)
        assert create_organization(actor=Actor.operator(), name=name, kind=Kind.COMPANY)


class TestAlike:
    @pytest.mark.parametrize(
        ("name", "other"),
        [("acme", "acrne"), ("acme-labs", "acmelabs"), ("pill0w", "plllow"), ("wonder", "vvonder"), ("s-u-n", "5un")],
    )
    def test_names_that_are_read_alike(self, name: str, other: str) -> None:
        factories.organization(name)
        assert names.folded(name) == names.folded(other)
        assert name_answer(other).alike == (name,)

    @pytest.mark.parametrize(("name", "other"), [("acme", "acne"), ("foo", "bar"), ("acme", "acme")])
    def test_names_that_are_not(self, name: str, other: str) -> None:
        factories.organization(name)
        assert name_answer(other).alike == ()

    @pytest.mark.parametrize(
        ("text", "name"),
        [
            ("Acme Rockets, GmbH", "acme-rockets-gmbh"),
            ("  Éclair & Söhne  ", "eclair-sohne"),
            ("日本", ""),
            ("...", ""),
            ("\u212aelvin", "kelvin"),
        ],
    )
    def test_the_name_that_a_display_name_suggests(self, text: str, name: str) -> None:
        assert names.derived(text) == name


class TestDescribing:
    WANTED = {"display_name": " Acme  Rockets ", "description": "Rockets.\nParts.", "website": " https://acme.example "}

    @pytest.mark.parametrize("who", EVERYBODY)
    def test_owners_do(self, acme: Organization, who: str) -> None:
        actor = acting_as(who, acme)
        if who not in MAY_MANAGE:
            with nothing_changes(), pytest.raises(NotPermitted):
                describe_organization(actor=actor, organization=acme, **self.WANTED)
            return
        describe_organization(actor=actor, organization=acme, **self.WANTED)
        acme.refresh_from_db()
        kept = (acme.display_name, acme.description, acme.website)
        assert kept == ("Acme Rockets", "Rockets. Parts.", "https://acme.example")

    def test_what_is_the_same_leaves_no_event(self, acme: Organization) -> None:
        owner = owner_of(acme)
        with nothing_changes():
            describe_organization(actor=owner, organization=acme, display_name="Acme", description="", website="")

    @pytest.mark.parametrize(
        "wrong",
        [
            {"display_name": ""},
            {"display_name": "x" * 201},
            {"display_name": "\u202eemcA"},
            {"description": "x" * 501},
            {"website": "javascript:alert(1)"},
            {"website": "https://" + "x" * 300 + ".example"},
            {"website": "https://user@acme.example"},
            {"website": "http://[bad"},
        ],
    )
    def test_what_is_refused(self, acme: Organization, wrong: dict[str, str]) -> None:
        owner = owner_of(acme)
        with nothing_changes(), pytest.raises(Invalid):
            describe_organization(actor=owner, organization=acme, **(self.WANTED | wrong))


class TestSecondFactor:
    def test_those_who_lack_it_are_told(self, acme: Organization) -> None:
        owner, has = protected(owner_of(acme)), protected(in_role(Role.MANAGER, acme))
        lacks = in_role(Role.MEMBER, acme)
        require_second_factor(actor=owner, organization=acme, required=True)
        assert set(Mail.objects.values_list("to", flat=True)) == {lacks.label}
        assert has.label not in Mail.objects.get().to
        acme.refresh_from_db()
        assert acme.requires_second_factor
        with nothing_changes():
            require_second_factor(actor=owner, organization=acme, required=True)
        require_second_factor(actor=owner, organization=acme, required=False)
        assert Mail.objects.count() == 1

    def test_whoever_asks_for_it_has_it(self, acme: Organization) -> None:
        owner = owner_of(acme)
        with nothing_changes(), pytest.raises(NotNow, match="for yourself first"):
            require_second_factor(actor=owner, organization=acme, required=True)

    @pytest.mark.parametrize("who", sorted(set(EVERYBODY) - MAY_MANAGE))
    def test_nobody_else_asks(self, acme: Organization, who: str) -> None:
        actor = acting_as(who, acme)
        with nothing_changes(), pytest.raises(NotPermitted):
            require_second_factor(actor=actor, organization=acme, required=False)


class TestRenaming:
    @pytest.mark.parametrize("who", EVERYBODY)
    def test_owners_do(self, acme: Organization, who: str) -> None:
        actor = acting_as(who, acme)
        if who not in MAY_MANAGE:
            with nothing_changes(), pytest.raises(NotPermitted):
                rename_organization(actor=actor, organization=acme, name="apex")
            return
        other = owner_of(acme)
        rename_organization(actor=actor, organization=acme, name="A.pex")
        acme.refresh_from_db()
        assert acme.name == "a-pex"
        event = AuditEvent.objects.get(action="organization.renamed")
        assert (event.organization, event.before, event.after) == ("a-pex", {"name": "acme"}, {"name": "a-pex"})
        assert other.label in Mail.objects.values_list("to", flat=True)

    def test_the_old_name_finds_it_for_ever(self, acme: Organization) -> None:
        rename_organization(actor=owner_of(acme), organization=acme, name="apex")
        assert organization_named("acme") == organization_named("apex") == acme
        factories.user("ann")
        run("add_member", "acme", "ann@example.com", "--role", "member")
        assert acme.memberships.filter(user__index_username="ann").exists()

    @pytest.mark.parametrize("by_closing", [True, False])
    def test_and_is_never_given_to_another(self, acme: Organization, by_closing: bool) -> None:
        """Habit 14: names leave tombstones."""
        owner, other = owner_of(acme), factories.organization("other")
        if by_closing:
            close_organization(actor=owner, organization=acme, name="acme")
        else:
            rename_organization(actor=owner, organization=acme, name="apex")
        stranger = Actor.person(factories.user())
        rival = owner_of(other)
        with nothing_changes(), pytest.raises(OrganizationNameTaken):
            create_organization(actor=stranger, name="Acme", kind=Kind.COMPANY)
        with nothing_changes(), pytest.raises(OrganizationNameTaken):
            rename_organization(actor=rival, organization=other, name="acme")

    def test_it_may_take_it_back(self, acme: Organization) -> None:
        owner = owner_of(acme)
        rename_organization(actor=owner, organization=acme, name="apex")
        assert rename_organization(actor=owner, organization=acme, name="acme").name == "acme"
        assert set(OrganizationName.objects.values_list("name", flat=True)) == {"acme", "apex"}

    def test_three_times_in_a_month(self, acme: Organization) -> None:
        owner = owner_of(acme)
        for name in ("one", "two", "acme"):
            rename_organization(actor=owner, organization=acme, name=name)
        with nothing_changes(), pytest.raises(NotNow, match="renamed 3 times within 30 days"):
            rename_organization(actor=owner, organization=acme, name="two")

    def test_events_of_long_ago_do_not_count(self, acme: Organization) -> None:
        owner, then = owner_of(acme), timezone.now() - timedelta(days=31)
        for _ in range(3):
            AuditEvent.objects.create(
                actor="x", action="organization.renamed", target="x", organization="acme", at=then
            )
        assert rename_organization(actor=owner, organization=acme, name="apex").name == "apex"

    @pytest.mark.parametrize("name", ["", "-", "a b", "acme\n", "\u212aube", "x\x00", "a" * 101, "freehold-x", "ACME"])
    def test_what_is_refused(self, acme: Organization, name: str) -> None:
        owner = owner_of(acme)
        with nothing_changes(), pytest.raises((Invalid, OrganizationNameTaken, NotNow)):
            rename_organization(actor=owner, organization=acme, name=name)

    def test_others_are_told_in_the_transaction(self, acme: Organization, monkeypatch: pytest.MonkeyPatch) -> None:
        def break_it(actor: Actor, organization: Organization, former: str) -> None:
            raise RuntimeError(f"{former} to {organization.name}")

        monkeypatch.setattr(hooks, "on_renamed", [break_it])
        owner = owner_of(acme)
        with nothing_changes(), pytest.raises(RuntimeError, match="acme to apex"):
            rename_organization(actor=owner, organization=acme, name="apex")

    @pytest.mark.django_db(transaction=True)
    def test_of_two_who_want_a_name_one_gets_it(self, acme: Organization) -> None:
        other = factories.organization("other")
        actor, rival = owner_of(acme), owner_of(other)
        outcomes = all_at_once(
            lambda: rename_organization(actor=actor, organization=acme, name="apex"),
            lambda: rename_organization(actor=rival, organization=other, name="apex"),
        )
        assert sorted(outcomes) == ["done", "organization-name-taken"]


# --- Closing --------------------------------------------------------------------------------------------------------


def full(acme: Organization) -> Actor:
    """With one of everything; its owner."""
    owner, member = owner_of(acme), factories.member(acme, "max", Role.MEMBER)
    membership = acme.memberships.get(user=owner.user)
    grant, other = factories.grant("acme", acme), factories.organization("other")
    team = factories.team(acme, "max", grants=[grant])
    factories.grant("acme-held", acme, state=GrantState.HELD)
    lent = factories.grant("lent", other)
    factories.share(lent, acme)
    TeamGrant.objects.create(grant=lent, team=team)
    offered = factories.grant("offered", other)
    Transfer.objects.create(grant=offered, to=acme, expires_at=timezone.now() + timedelta(days=1))
    factories.trusted(acme, repository="acme/widgets")
    Invitation.objects.create(
        organization=acme,
        email="new@example.com",
        role=Role.MEMBER,
        digest=b"d" * 32,
        invited_by=member,
        expires_at=timezone.now() + timedelta(days=1),
    )
    OrganizationToken.objects.create(
        organization=acme,
        membership=membership,
        name="ci",
        digest=b"t" * 32,
        hint="abcd",
        permissions=[Permission.VIEW],
    )
    AuditEndpoint.objects.create(organization=acme, url="https://siem.example/", secrets=["x"], delivered_position=0)
    Proof.objects.create(organization=acme, kind="dns", subject="acme.example", challenge="0" * 32)
    return owner


class TestClosing:
    def test_everything_in_it_ends(self, acme: Organization) -> None:
        """Trap 10: no right outlives what it derived from."""
        owner = full(acme)
        people = {user.email for user in User.objects.filter(memberships__organization=acme)}
        close_organization(actor=owner, organization=acme, name="acme")
        acme.refresh_from_db()
        assert acme.state == State.CLOSED
        # Audit webhooks end once they were told of it: tests/orgs/test_audit_streaming.py.
        rows = (Membership, Team, Invitation, OrganizationToken, TrustedPublisher, Proof)
        assert not any(model.objects.filter(organization=acme).exists() for model in rows)
        assert not TeamGrant.objects.exists()
        assert not Share.objects.exists()
        assert not Transfer.objects.exists()
        states = dict(Grant.objects.filter(owner=acme).values_list("name", "state"))
        assert states == {"acme": GrantState.QUARANTINED, "acme-held": GrantState.RELEASED}
        assert set(Mail.objects.values_list("to", flat=True)) == people
        assert OrganizationName.objects.get(name="acme").organization == acme

    def test_its_end_is_in_the_trail(self, acme: Organization) -> None:
        owner = full(acme)
        close_organization(actor=owner, organization=acme, name="acme")
        event = AuditEvent.objects.get(action="organization.closed")
        assert (event.actor, event.organization, event.after) == (owner.label, "acme", {"state": "closed"})
        assert event.before == {"state": "active", "members": [owner.label, "max@example.com"]}
        theirs = AuditEvent.objects.filter(organization="other").values_list("action", flat=True)
        assert set(theirs) == {"namespace.unshared", "transfer.ended"}

    @pytest.mark.parametrize("who", EVERYBODY)
    @pytest.mark.parametrize("state", State)
    def test_by_whom_and_when(self, acme: Organization, state: State, who: str) -> None:
        actor = acting_as(who, acme)
        Organization.objects.filter(pk=acme.pk).update(state=state)
        if who in MAY_MANAGE and (state, Action.CLOSE) in TRANSITIONS:
            assert close_organization(actor=actor, organization=acme, name="acme").state == State.CLOSED
            return
        with nothing_changes(), pytest.raises(DomainError) as refusal:
            close_organization(actor=actor, organization=acme, name="acme")
        assert isinstance(refusal.value, NotPermitted) is (who not in MAY_MANAGE)

    @pytest.mark.parametrize("typed", ["", "Acme", "acm", "acme2"])
    def test_its_name_is_typed(self, acme: Organization, typed: str) -> None:
        owner = owner_of(acme)
        with nothing_changes(), pytest.raises(Invalid, match="to confirm"):
            close_organization(actor=owner, organization=acme, name=typed)

    def test_not_while_it_shares(self, acme: Organization) -> None:
        owner, guest = owner_of(acme), factories.organization("guest")
        share = factories.share(factories.grant("acme-labs", acme, root=factories.grant("acme", acme)), guest)
        with (
            nothing_changes(),
            pytest.raises(NotNow, match="'acme-labs' is shared with 'guest': unshare it or transfer"),
        ):
            close_organization(actor=owner, organization=acme, name="acme")
        Share.objects.filter(pk=share.pk).update(expires_at=timezone.now() - timedelta(days=1))
        close_organization(actor=owner, organization=acme, name="acme")

    def test_not_while_staff_locked_something(self, acme: Organization) -> None:
        owner = owner_of(acme)
        factories.grant("acme", acme, state=GrantState.LOCKED)
        with nothing_changes(), pytest.raises(NotNow, match="'acme' is locked"):
            close_organization(actor=owner, organization=acme, name="acme")

    def test_what_breaks_leaves_it_whole(self, acme: Organization, monkeypatch: pytest.MonkeyPatch) -> None:
        def break_it(actor: Actor, organization: Organization) -> None:
            raise RuntimeError("the power fails")

        owner = full(acme)
        monkeypatch.setattr(hooks, "on_closing", [*hooks.on_closing, break_it])
        with nothing_changes(), pytest.raises(RuntimeError), transaction.atomic():
            close_organization(actor=owner, organization=acme, name="acme")

    @pytest.mark.django_db(transaction=True)
    def test_against_a_grant_at_the_same_moment(self, acme: Organization) -> None:
        """Whoever comes second sees the other: a closed organization never holds a namespace that counts."""
        owner = owner_of(acme)

        def close() -> object:
            return close_organization(actor=owner, organization=acme, name="acme")

        def grant() -> object:
            return grant_namespace(actor=Actor.operator(), name="acme", organization=acme)

        assert one_behind_the_other(close, grant) == ("done", "cannot-hold")
        assert not Grant.objects.exists()

    @pytest.mark.django_db(transaction=True)
    def test_a_grant_just_before_is_released_with_the_rest(self, acme: Organization) -> None:
        owner = owner_of(acme)
        outcomes = one_behind_the_other(
            lambda: grant_namespace(actor=Actor.operator(), name="acme", organization=acme),
            lambda: close_organization(actor=owner, organization=acme, name="acme"),
        )
        assert outcomes == ("done", "done")
        assert Grant.objects.get().state == GrantState.QUARANTINED

    @pytest.mark.django_db(transaction=True)
    def test_against_a_share_at_the_same_moment(self, acme: Organization) -> None:
        owner, guest = owner_of(acme), factories.organization("guest")
        grant = factories.grant("acme", acme)
        outcomes = one_behind_the_other(
            lambda: share_namespace(actor=Actor.operator(), grant=grant, organization=guest),
            lambda: close_organization(actor=owner, organization=acme, name="acme"),
        )
        assert outcomes == ("done", "not-now")

    @pytest.mark.django_db(transaction=True)
    def test_twice_at_once(self, acme: Organization) -> None:
        owner, other = owner_of(acme), owner_of(acme)
        outcomes = one_behind_the_other(
            *[
                lambda actor=actor: close_organization(actor=actor, organization=acme, name="acme")
                for actor in (owner, other)
            ]
        )
        assert outcomes == ("done", "not-permitted")


class TestCommands:
    def test_its_whole_life(self, acme: Organization) -> None:
        Organization.objects.update(state=State.APPLIED)
        assert run("activate_organization", "Acme") == "acme is active.\n"
        assert run("suspend_organization", "acme", "--reason", "Spam.") == "acme is suspended.\n"
        assert run("reinstate_organization", "acme") == "acme is active.\n"

    @pytest.mark.parametrize(
        ("arguments", "told"),
        [
            (("activate_organization", "acme"), "'acme' is active; what staff can do about that now: suspend."),
            (("reinstate_organization", "acme"), "'acme' is active; what staff can do about that now: suspend."),
            (("suspend_organization", "acme", "--reason", " "), "Say why: the owners are told."),
            (("activate_organization", "nobody"), "There is no organization named 'nobody'."),
        ],
    )
    def test_refused(self, acme: Organization, arguments: tuple[str, ...], told: str) -> None:
        assert refused(*arguments) == told


def test_the_transitions_name_every_state_and_action_once() -> None:
    assert {state for state, _ in TRANSITIONS} == set(State) - {State.CLOSED}
    assert {action for _, action in TRANSITIONS} == set(Action)
    assert all(
        (state, action) not in TRANSITIONS or TRANSITIONS[state, action] != state
        for state, action in itertools.product(State, Action)
    )
