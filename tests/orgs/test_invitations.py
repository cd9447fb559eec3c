"""Invitations: who may send them to whom, what their link opens, and who may answer them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from allauth.account.models import EmailAddress
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.models import Mail, User
from freehold.errors import Invalid, NotPermitted
from orgs import tokens
from orgs.actors import Actor
from orgs.invitees import MOST, Invitee, Line, read_csv, read_paste, written
from orgs.models import AuditEvent, Invitation, Membership, Organization, TeamMember
from orgs.selectors_people import Known, invitations_for, open_invitation, plain_name, preview, verified_addresses
from orgs.services.invitations import (
    PER_ADDRESSEE,
    InvitationGone,
    InviterGone,
    NotAccepting,
    TooManyInvitations,
    TooSoon,
    accept_invitation,
    can_accept,
    can_invite,
    can_resend,
    decline_invitation,
    invite,
    prune_invitations,
    resend_invitation,
    revoke_invitation,
)
from orgs.services.memberships import AlreadyMember, NoSeatLeft, change_role, remove_member
from orgs.vocabulary import Role, State
from tests import factories
from tests.concurrency import all_at_once, one_behind_the_other
from tests.dump import nothing_changes
from tests.people import EVERYBODY, OPERATOR, acting_as, in_role, owner_of
from tests.sessions import signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

ANN = "ann@acme.example"
MAY_INVITE = {"owner", OPERATOR}
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


@pytest.fixture
def acme() -> Organization:
    made = factories.organization("acme")
    factories.member(made, "olga")
    return made


@pytest.fixture
def olga(acme: Organization) -> Actor:
    return Actor.person(acme.memberships.get().user)


def person(*addresses: str, index_username: str | None = None, verified: bool = True) -> User:
    """With these addresses, the first of which is primary."""
    user = factories.user(index_username)
    for number, email in enumerate(addresses or (user.email,)):
        if not number:
            User.objects.filter(pk=user.pk).update(email=email)
        EmailAddress.objects.create(user=user, email=email, verified=verified, primary=not number)
    user.refresh_from_db()
    return user


def sent(actor: Actor, org: Organization, who: str = ANN, role: Role = Role.MEMBER, **more: Any) -> Invitation:
    email, name = (who, "") if "@" in who else ("", who)
    invitee = Invitee(role=role, email=email, index_username=name, **more)
    found = invite(actor=actor, organization=org, invitees=[invitee])[0].invitation
    assert found is not None
    return found


def link_in(mail: Mail) -> str:
    found = re.search(r"/invitations/(\S+)/", mail.text)
    assert found is not None
    return found[0]


def last_link() -> str:
    return link_in(Mail.objects.filter(text__contains="/invitations/").latest("pk"))


def token_of(link: str) -> str:
    return link.strip("/").split("/")[-1]


# --- What people write --------------------------------------------------------------------------------------------------


def shown(lines: list[Line]) -> list[tuple[Any, ...]]:
    return [(line.number, line.email or line.index_username or "?", line.role, line.teams) for line in lines]


class TestPasting:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("", []),
            ("\n \n", []),
            ("ann@acme.example", [(1, ANN, None, ())]),
            (" Ann@ACME.example \r\n\r\nbob", [(1, ANN, None, ()), (3, "bob", None, ())]),
            ("ann@acme.example, manager", [(1, ANN, Role.MANAGER, ())]),
            ("ann@acme.example\tManagers\tDocs\tRelease", [(1, ANN, Role.MANAGER, ("Docs", "Release"))]),
            (
                "ann@acme.example; b@x.example, c@x.example",
                [(1, ANN, None, ()), (1, "b@x.example", None, ()), (1, "c@x.example", None, ())],
            ),
            ("Ann Lee <ann@acme.example>, Bo <b@x.example>", [(1, ANN, None, ()), (1, "b@x.example", None, ())]),
            ("Lee, Ann <ann@acme.example>", [(1, ANN, None, ())]),
            ("Bob, billing", [(1, "bob", Role.BILLING, ())]),
        ],
    )
    def test_lists_as_they_come(self, text: str, expected: list[Any]) -> None:
        lines = read_paste(text)
        assert shown(lines) == expected
        assert not any(line.problem for line in lines)

    @pytest.mark.parametrize(
        ("text", "problem"),
        [
            ("ann@acme", "is no e-mail address"),
            ("ann@acme.example x@", "is no e-mail address"),
            ("\u212aarl@acme.example", "all of them ASCII"),
            ("a" * 250 + "@acme.example", "is no e-mail address|254 characters"),
            ("-bob", "A user name of the index"),
            ("bob, ann@acme.example", "Write the address first; “bob” stands before it"),
            ("ann@acme.example, owner, manager", "one role, not several"),
        ],
    )
    def test_what_can_not_be_taken_is_told_with_its_line(self, text: str, problem: str) -> None:
        lines = read_paste(f"first@acme.example\n{text}")
        assert [line.number for line in lines] == [1, 2]
        assert not lines[0].problem
        assert re.search(problem, lines[1].problem)

    def test_too_many(self) -> None:
        assert len(read_paste("\n".join(f"p{n}@acme.example" for n in range(MOST)))) == MOST
        with pytest.raises(Invalid, match="At most 500 people are invited in one go, not 501"):
            read_paste("\n".join(f"p{n}@acme.example" for n in range(MOST + 1)))


class TestFiles:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            (
                "email,role,teams\nann@acme.example,manager,Docs;Release\n",
                [(2, ANN, Role.MANAGER, ("Docs", "Release"))],
            ),
            ("\ufeffE-Mail;Role\r\nann@acme.example;Member\r\n", [(2, ANN, Role.MEMBER, ())]),
            ("username,name\nbob,Bob Lee\n\n", [(2, "bob", None, ())]),
            ("name\temail\nAnn\tann@acme.example", [(2, ANN, None, ())]),
            ('email,teams\nann@acme.example,"Docs, all"\n', [(2, ANN, None, ("Docs, all",))]),
            (
                "email,username,role\n,bob,\nann@acme.example,,billing",
                [(2, "bob", None, ()), (3, ANN, Role.BILLING, ())],
            ),
            ("ann@acme.example,manager\n", [(1, ANN, Role.MANAGER, ())]),
        ],
    )
    def test_with_a_header_in_any_order_and_by_any_separator(self, text: str, expected: list[Any]) -> None:
        lines = read_csv(text.encode())
        assert shown(lines) == expected
        assert not any(line.problem for line in lines)

    @pytest.mark.parametrize(
        ("text", "problem"),
        [
            ("email,role\nann@acme.example,king", "There is no role “king”"),
            ("email,role\n,member", "A user name of the index"),
            ("email,role\nann,member\n", None),
        ],
    )
    def test_what_can_not_be_taken(self, text: str, problem: str | None) -> None:
        found = read_csv(text.encode())[0].problem
        assert problem in found if problem else not found

    @pytest.mark.parametrize(
        ("data", "message"),
        [
            ("email\nännchen@acme.example".encode("latin-1"), "not UTF-8 text"),
            (b"\x89PNG\r\n\xff", "not UTF-8 text"),
            (b"x" * 500_001, "too large"),
            (("email\n" + "\n".join(f"p{n}@x.example" for n in range(MOST + 1))).encode(), "At most 500"),
        ],
        ids=["latin", "picture", "large", "many"],
    )
    def test_what_is_no_list(self, data: bytes, message: str) -> None:
        with pytest.raises(Invalid, match=message):
            read_csv(data)

    def test_what_is_written_is_read_as_the_same(self) -> None:
        lines = [
            Line(number=2, text="", email=ANN, role=Role.MANAGER, teams=("Docs; all", 'The "A", team')),
            Line(number=5, text="", index_username="bob"),
            Line(number=6, text="", email="c@x.example", role=Role.MEMBER, teams=("Docs; all",)),
        ]
        found = read_csv(written(lines).replace("\n", "\r\n").replace("\r\r", "\r"))
        assert [(line.email, line.index_username, line.role, line.teams) for line in found] == [
            (line.email, line.index_username, line.role, line.teams) for line in lines
        ]

    @pytest.mark.parametrize("data", [b"", b"\n", b"email,role\n", b"\x00", b'email\n"', b"email,role\n" + b"," * 5000])
    def test_what_is_odd_does_not_hurt(self, data: bytes) -> None:
        assert all(line.problem or line.index_username for line in read_csv(data))


class TestPreview:
    def test_it_says_of_each_line_what_would_come_of_it(self, acme: Organization, olga: Actor) -> None:
        docs = factories.team(acme, name="Docs")
        sent(olga, acme)
        text = (
            f"olga@example.com\n{ANN}\nbob\nbob, manager\nsam@x.example, docs\nx@x.example, king\ny@x.example, owner\n@"
        )
        entries = preview(acme, read_paste(text), Role.BILLING, ())
        assert [entry.known for entry in entries[:5]] == [Known.MEMBER, Known.INVITED, Known.NO, Known.TWICE, Known.NO]
        assert entries[2].invitee == Invitee(index_username="bob", role=Role.BILLING)
        assert entries[4].invitee == Invitee(email="sam@x.example", role=Role.BILLING, teams=(docs,))
        assert [entry.problem for entry in entries[5:]] == [
            "“king” is neither a role nor one of your teams.",
            "Owners may do everything: invite them one by one.",
            "“@” is no e-mail address.",
        ]

    def test_teams_of_others_are_not_there(self, acme: Organization) -> None:
        factories.team(factories.organization(), name="Theirs")
        entry = preview(acme, read_paste("bob, member, Theirs"), Role.MEMBER, ())[0]
        assert "“Theirs” is neither" in entry.problem

    def test_another_address_of_a_member_is_not_given_away(self, acme: Organization) -> None:
        user = person("olaf@example.com", "private@home.example")
        Membership.objects.create(organization=acme, user=user, role=Role.MEMBER)
        entries = preview(acme, read_paste("private@home.example\nolaf@example.com"), Role.MEMBER, ())
        assert [entry.known for entry in entries] == [Known.NO, Known.MEMBER]


# --- Sending ------------------------------------------------------------------------------------------------------------


class TestInviting:
    @pytest.mark.parametrize("who", EVERYBODY)
    @pytest.mark.parametrize("role", Role)
    def test_owners_do(self, acme: Organization, who: str, role: Role) -> None:
        actor, invitees = acting_as(who, acme), [Invitee(email=ANN, role=role)]
        assert bool(can_invite(acme, actor)) is (who in MAY_INVITE)
        if who not in MAY_INVITE:
            with nothing_changes(), pytest.raises(NotPermitted):
                invite(actor=actor, organization=acme, invitees=invitees)
            return
        invitation = invite(actor=actor, organization=acme, invitees=invitees)[0].invitation
        assert invitation is not None
        assert (invitation.email, invitation.role, invitation.organization) == (ANN, role, acme)
        assert (invitation.invited_by.user if invitation.invited_by else None) == actor.user
        event = AuditEvent.objects.get()
        assert (event.action, event.target, event.organization) == ("invitation.sent", f"invitation of {ANN}", "acme")
        assert event.after is not None and event.after["role"] == role

    @pytest.mark.parametrize("state", [State.SUSPENDED, State.CLOSED])
    def test_not_where_nobody_is_taken_in(self, acme: Organization, olga: Actor, state: State) -> None:
        Organization.objects.update(state=state)
        with nothing_changes(), pytest.raises(NotAccepting, match=f"acme is {state} and takes nobody in"):
            sent(olga, acme)

    def test_a_list_in_one_go_and_again(self, acme: Organization, olga: Actor) -> None:
        invitees = [Invitee(email=f"p{n}@acme.example", role=Role.MEMBER) for n in range(40)]
        outcomes = invite(
            actor=olga, organization=acme, invitees=[*invitees, Invitee(email="olga@example.com", role=Role.MEMBER)]
        )
        assert [outcome.known for outcome in outcomes] == [Known.NO] * 40 + [Known.MEMBER]
        assert Mail.objects.count() == Invitation.objects.count() == 40
        with nothing_changes():
            again = invite(actor=olga, organization=acme, invitees=invitees)
        assert {outcome.known for outcome in again} == {Known.INVITED}

    def test_all_or_nobody(self, acme: Organization, olga: Actor) -> None:
        good, bad = Invitee(email=ANN, role=Role.MEMBER), Invitee(email="nobody", role=Role.MEMBER)
        with nothing_changes(), pytest.raises(Invalid, match="“nobody” is no e-mail address"):
            invite(actor=olga, organization=acme, invitees=[good, bad])

    def test_twice_in_one_list_is_once(self, acme: Organization, olga: Actor) -> None:
        one, two = Invitee(email=ANN, role=Role.MEMBER), Invitee(email="ANN@Acme.Example", role=Role.OWNER)
        outcomes = invite(actor=olga, organization=acme, invitees=[one, two])
        assert [outcome.known for outcome in outcomes] == [Known.NO, Known.TWICE]
        assert Invitation.objects.get().role == Role.MEMBER

    @pytest.mark.parametrize(
        "invitee",
        [
            Invitee(role=Role.MEMBER),
            Invitee(role=Role.MEMBER, email=ANN, index_username="ann"),
            Invitee(role=Role.MEMBER, email="a\x00@acme.example"),
            Invitee(role=Role.MEMBER, index_username="a\x00"),
            Invitee(role=Role.MEMBER, index_username="a" * 101),
        ],
    )
    def test_what_is_nobody(self, acme: Organization, olga: Actor, invitee: Invitee) -> None:
        with nothing_changes(), pytest.raises(Invalid):
            invite(actor=olga, organization=acme, invitees=[invitee])

    def test_not_to_a_team_of_another(self, acme: Organization, olga: Actor) -> None:
        team = factories.team(factories.organization())
        with nothing_changes(), pytest.raises(Invalid, match="A team that is named is not of acme"):
            sent(olga, acme, teams=(team,))

    def test_an_expired_one_makes_way(self, acme: Organization, olga: Actor) -> None:
        old = sent(olga, acme)
        Invitation.objects.update(expires_at=timezone.now() - MINUTE)
        new = sent(olga, acme, role=Role.MANAGER)
        assert new.pk != old.pk and Invitation.objects.get() == new

    def test_the_database_takes_one_for_each_address(self, acme: Organization, olga: Actor) -> None:
        made = sent(olga, acme)
        again = Invitation(
            organization=acme, email=ANN.upper(), role=Role.MEMBER, digest=b"x", expires_at=made.expires_at
        )
        with pytest.raises(IntegrityError, match="invitation_email_unique"), transaction.atomic():
            again.save()

    @pytest.mark.django_db(transaction=True)
    def test_of_two_at_once_one_is_told_that_it_is_done(self) -> None:
        acme = factories.organization()
        outcomes = all_at_once(*[lambda: sent(Actor.operator(), acme)] * 2)
        assert sorted(outcome[:10] for outcome in outcomes) == ["AssertionE", "done"]  # of "sent", not of the service
        assert Mail.objects.count() == 1


class TestTheMail:
    def test_the_token_is_in_it_alone(self, acme: Organization, olga: Actor) -> None:
        invitation = sent(olga, acme)
        token = token_of(last_link())
        assert tokens.is_well_formed(token) and token.startswith("fh_i")
        assert bytes(invitation.digest) == tokens.digest(token)
        assert token not in str(list(AuditEvent.objects.values())) + str(list(Invitation.objects.values()))

    def test_it_says_who_invites_to_what_and_how_long(self, acme: Organization, olga: Actor) -> None:
        sent(olga, acme, role=Role.MANAGER)
        mail = Mail.objects.get()
        assert mail.to == ANN and mail.subject == "olga@example.com invites you to Acme"
        for part in ("as Manager", "works for 14 days", "http://"):
            assert part in mail.text
        assert 'href="http' in mail.html

    def test_it_lasts_as_long_as_is_set(self, acme: Organization, olga: Actor, settings: Settings) -> None:
        settings.FREEHOLD_INVITATION_TTL = timedelta(days=3)
        left = sent(olga, acme).expires_at - timezone.now()
        assert timedelta(days=2, hours=23) < left <= timedelta(days=3)
        assert "3 days" in Mail.objects.get().text

    @pytest.mark.parametrize(
        ("display_name", "said"),
        [
            ("Acme Rockets, Inc.", "Acme Rockets, Inc."),
            ("Win now: https://evil.example", "acme"),
            ("evil.example", "acme"),
            ("write to me@evil.example", "acme"),
            ("Buy " * 40, "acme"),
            ("  Two\nlines ", "Two lines"),
            ("www evil", "acme"),
        ],
    )
    def test_a_name_that_could_pass_for_a_message_is_left_out(
        self, acme: Organization, display_name: str, said: str
    ) -> None:
        acme.display_name = display_name
        assert plain_name(acme) == said

    def test_to_a_user_name_it_goes_where_that_user_reads(self, acme: Organization, olga: Actor) -> None:
        user = person("bob@home.example", index_username="bob")
        invitation = sent(olga, acme, "Bob")
        assert Mail.objects.get().to == user.email
        assert (invitation.index_username, invitation.email) == ("bob", "")

    def test_whether_somebody_has_an_account_is_not_told(self, acme: Organization, olga: Actor) -> None:
        """The answer, the trail and the pages are the same; only the mailbox differs."""
        person("bob@home.example", index_username="bob")
        pages = []
        for who in ("bob", "zed"):
            client = signed_in(olga.user)
            response = client.post(
                reverse("organization-invite", args=["acme"]), {"who": who, "role": "member"}, follow=True
            )
            text = re.sub(
                r'/invitations/\d+/|datetime="[^"]*"|csrfmiddlewaretoken" value="\w+"|X-CSRFToken": "\w+"',
                "",
                response.content.decode(),
            )
            pages.append(text.replace(who, "…"))
            Invitation.objects.all().delete()
        assert pages[0] == pages[1]
        assert AuditEvent.objects.values_list("action", "after__role").distinct().count() == 1


class TestLimits:
    def test_so_many_a_day(self, acme: Organization, olga: Actor, settings: Settings) -> None:
        settings.FREEHOLD_INVITATIONS_PER_DAY = 3
        many = [Invitee(email=f"p{n}@acme.example", role=Role.MEMBER) for n in range(4)]
        with (
            nothing_changes(),
            pytest.raises(TooManyInvitations, match="at most 3 invitations within 24 hours, and 3 are left"),
        ):
            invite(actor=olga, organization=acme, invitees=many)
        for invitation in [outcome.invitation for outcome in invite(actor=olga, organization=acme, invitees=many[:3])]:
            assert invitation is not None
            revoke_invitation(actor=olga, invitation=invitation)
        with nothing_changes(), pytest.raises(TooManyInvitations, match="0 are left"):
            invite(actor=olga, organization=acme, invitees=many[3:])

    def test_under_another_name_they_count_too(self, acme: Organization, olga: Actor, settings: Settings) -> None:
        settings.FREEHOLD_INVITATIONS_PER_DAY = 1
        sent(olga, acme)
        Organization.objects.filter(pk=acme.pk).update(name="acme-two")
        with nothing_changes(), pytest.raises(TooManyInvitations):
            sent(olga, acme, "other@acme.example")

    def test_of_another_organization_do_not_count(self, acme: Organization, olga: Actor, settings: Settings) -> None:
        settings.FREEHOLD_INVITATIONS_PER_DAY = 1
        sent(Actor.operator(), factories.organization())
        sent(olga, acme)

    def test_nobody_is_mailed_again_and_again(self, acme: Organization, olga: Actor) -> None:
        for _ in range(PER_ADDRESSEE):
            revoke_invitation(actor=olga, invitation=sent(olga, acme))
        with (
            nothing_changes(),
            pytest.raises(TooManyInvitations, match="5 invitations within 24 hours: try again tomorrow"),
        ):
            sent(olga, acme)

    def test_at_most_so_many_in_one_go(self, acme: Organization, olga: Actor) -> None:
        many = [Invitee(email=f"p{n}@acme.example", role=Role.MEMBER) for n in range(MOST + 1)]
        with nothing_changes(), pytest.raises(Invalid, match="At most 500 people are invited in one go"):
            invite(actor=olga, organization=acme, invitees=many)


def aged(invitation: Invitation) -> Invitation:
    """Sent a while ago."""
    Invitation.objects.filter(pk=invitation.pk).update(sent_at=timezone.now() - 6 * MINUTE)
    invitation.refresh_from_db()
    return invitation


class TestSendingAgain:
    @pytest.mark.parametrize("who", EVERYBODY)
    def test_owners_do(self, acme: Organization, olga: Actor, who: str) -> None:
        invitation, actor = aged(sent(olga, acme)), acting_as(who, acme)
        assert bool(can_resend(invitation, actor)) is (who in MAY_INVITE)
        if who not in MAY_INVITE:
            with nothing_changes(), pytest.raises(NotPermitted):
                resend_invitation(actor=actor, invitation=invitation)
            return
        found = resend_invitation(actor=actor, invitation=invitation)
        assert (found.invited_by.user if found.invited_by else None) == actor.user
        assert AuditEvent.objects.filter(action="invitation.resent").count() == 1

    def test_the_link_before_is_dead(self, acme: Organization, olga: Actor) -> None:
        invitation = aged(sent(olga, acme))
        old = last_link()
        resend_invitation(actor=olga, invitation=invitation)
        new = last_link()
        assert old != new
        assert [Client().get(link).status_code for link in (old, new)] == [404, 200]

    def test_an_expired_one_lives_again(self, acme: Organization, olga: Actor) -> None:
        invitation = aged(sent(olga, acme))
        Invitation.objects.update(expires_at=timezone.now() - MINUTE)
        assert resend_invitation(actor=olga, invitation=invitation).expires_at > timezone.now() + 13 * DAY

    def test_not_within_five_minutes(self, acme: Organization, olga: Actor) -> None:
        invitation = sent(olga, acme)
        with nothing_changes(), pytest.raises(TooSoon, match="has just been sent: wait five minutes"):
            resend_invitation(actor=olga, invitation=invitation)

    def test_counts_as_one_sent(self, acme: Organization, olga: Actor, settings: Settings) -> None:
        settings.FREEHOLD_INVITATIONS_PER_DAY = 1
        invitation = aged(sent(olga, acme))
        with nothing_changes(), pytest.raises(TooManyInvitations):
            resend_invitation(actor=olga, invitation=invitation)

    def test_one_that_was_answered(self, acme: Organization, olga: Actor) -> None:
        invitation = aged(sent(olga, acme))
        Invitation.objects.all().delete()
        with nothing_changes(), pytest.raises(InvitationGone):
            resend_invitation(actor=olga, invitation=invitation)


class TestRevoking:
    @pytest.mark.parametrize("who", EVERYBODY)
    def test_owners_do(self, acme: Organization, olga: Actor, who: str) -> None:
        invitation, actor = sent(olga, acme), acting_as(who, acme)
        if who not in MAY_INVITE:
            with nothing_changes(), pytest.raises(NotPermitted):
                revoke_invitation(actor=actor, invitation=invitation)
            return
        link = last_link()
        revoke_invitation(actor=actor, invitation=invitation)
        assert not Invitation.objects.exists() and Client().get(link).status_code == 404
        assert AuditEvent.objects.filter(action="invitation.revoked", target=f"invitation of {ANN}").count() == 1


# --- Answering ----------------------------------------------------------------------------------------------------------


class TestAccepting:
    @pytest.mark.parametrize("role", Role)
    def test_gives_the_role_and_the_teams_that_were_offered(self, acme: Organization, olga: Actor, role: Role) -> None:
        teams = (factories.team(acme, name="Docs"), factories.team(acme, name="Release"))
        invitation, user = sent(olga, acme, role=role, teams=teams), person(ANN)
        membership = accept_invitation(actor=Actor.person(user, origin="192.0.2.7"), invitation=invitation)
        assert (membership.user, membership.organization, membership.role) == (user, acme, role)
        assert set(TeamMember.objects.values_list("team__name", "membership")) == {
            ("Docs", membership.pk),
            ("Release", membership.pk),
        }
        assert not Invitation.objects.exists()
        event = AuditEvent.objects.get(action="member.added")
        assert (event.actor, event.origin, event.target) == (ANN, "192.0.2.7", f"member {ANN}")
        assert event.after == {
            "role": role.value,
            "teams": ["Docs", "Release"],
            "invitation": ANN,
            "invited_by": "olga@example.com",
        }
        told = Mail.objects.filter(subject="Acme has another owner").values_list("to", flat=True)
        assert list(told) == (["olga@example.com"] if role is Role.OWNER else [])

    def test_a_team_that_was_deleted_since_is_left_out(self, acme: Organization, olga: Actor) -> None:
        team = factories.team(acme)
        invitation = sent(olga, acme, teams=(team,))
        team.delete()
        accept_invitation(actor=Actor.person(person(ANN)), invitation=invitation)
        assert not TeamMember.objects.exists()

    @pytest.mark.parametrize("address", [ANN, ANN.upper(), "other@home.example"])
    def test_by_whoever_verified_the_address_in_any_case(self, acme: Organization, olga: Actor, address: str) -> None:
        invitation = sent(olga, acme)
        user = person("main@home.example", address)
        if address == "other@home.example":
            with nothing_changes(), pytest.raises(NotPermitted, match=f"This invitation is to {ANN}"):
                accept_invitation(actor=Actor.person(user), invitation=invitation)
        else:
            assert accept_invitation(actor=Actor.person(user), invitation=invitation).user == user

    def test_not_by_an_address_that_is_not_verified(self, acme: Organization, olga: Actor) -> None:
        invitation, user = sent(olga, acme), person(ANN, verified=False)
        with nothing_changes(), pytest.raises(NotPermitted):
            accept_invitation(actor=Actor.person(user), invitation=invitation)

    def test_by_the_user_of_the_index(self, acme: Organization, olga: Actor) -> None:
        invitation = sent(olga, acme, "bob")
        other, bob = person(index_username="rob"), person(index_username="bob")
        with nothing_changes(), pytest.raises(NotPermitted, match="This invitation is to bob"):
            accept_invitation(actor=Actor.person(other), invitation=invitation)
        assert accept_invitation(actor=Actor.person(bob), invitation=invitation).user == bob

    @pytest.mark.parametrize("who", EVERYBODY)
    def test_by_nobody_else(self, acme: Organization, olga: Actor, who: str) -> None:
        invitation, actor = sent(olga, acme), acting_as(who, acme)
        assert not can_accept(invitation, actor)
        with nothing_changes(), pytest.raises(NotPermitted):
            accept_invitation(actor=actor, invitation=invitation)

    def test_not_by_a_closed_account(self, acme: Organization, olga: Actor) -> None:
        invitation, user = sent(olga, acme), person(ANN)
        user.is_active = False
        user.save()
        with nothing_changes(), pytest.raises(NotPermitted):
            accept_invitation(actor=Actor.person(user), invitation=invitation)

    def test_not_once_it_has_expired(self, acme: Organization, olga: Actor) -> None:
        invitation, user = sent(olga, acme), person(ANN)
        Invitation.objects.update(expires_at=timezone.now() - MINUTE)
        with nothing_changes(), pytest.raises(InvitationGone, match="ask for a new one"):
            accept_invitation(actor=Actor.person(user), invitation=invitation)

    @pytest.mark.parametrize("state", [State.SUSPENDED, State.CLOSED])
    def test_not_into_one_that_takes_nobody_in(self, acme: Organization, olga: Actor, state: State) -> None:
        invitation, user = sent(olga, acme), person(ANN)
        Organization.objects.update(state=state)
        with nothing_changes(), pytest.raises(NotAccepting, match="takes nobody in"):
            accept_invitation(actor=Actor.person(user), invitation=invitation)

    def test_not_by_who_is_in_already(self, acme: Organization, olga: Actor) -> None:
        invitation, user = sent(olga, acme), person(ANN)
        Membership.objects.create(organization=acme, user=user, role=Role.MEMBER)
        with nothing_changes(), pytest.raises(AlreadyMember, match="You are in acme already"):
            accept_invitation(actor=Actor.person(user), invitation=invitation)

    def test_ends_the_others_to_the_same_person(self, acme: Organization, olga: Actor) -> None:
        user = person(ANN, "a@home.example", index_username="ann")
        first, *_ = [sent(olga, acme, who) for who in (ANN, "a@home.example", "ann", "somebody-else")]
        sent(Actor.operator(), factories.organization("other"))
        accept_invitation(actor=Actor.person(user), invitation=first)
        left = Invitation.objects.values_list("organization__name", "email", "index_username")
        assert set(left) == {("acme", "", "somebody-else"), ("other", ANN, "")}

    def test_without_the_second_factor_that_is_required(self, acme: Organization, olga: Actor) -> None:
        User.objects.update(second_factor=True)
        Organization.objects.update(requires_second_factor=True)
        assert accept_invitation(actor=Actor.person(person(ANN)), invitation=sent(olga, acme)).role == Role.MEMBER

    def test_takes_a_seat(self, acme: Organization, olga: Actor) -> None:
        Organization.objects.update(seats=1)
        invitation, user = sent(olga, acme), person(ANN)
        with nothing_changes(), pytest.raises(NoSeatLeft, match="The only seat of acme is taken"):
            accept_invitation(actor=Actor.person(user), invitation=invitation)

    @pytest.mark.django_db(transaction=True)
    def test_twice_at_once_gives_one_membership(self) -> None:
        acme = factories.organization()
        invitation, user = sent(Actor.operator(), acme), person(ANN)
        accept = lambda: accept_invitation(actor=Actor.person(user), invitation=invitation)  # noqa: E731 -- twice below
        assert one_behind_the_other(accept, accept) == ("done", "no-such-invitation")
        assert Membership.objects.count() == 1

    @pytest.mark.django_db(transaction=True)
    def test_of_two_who_want_the_last_seat_one_waits_and_gets_none(self) -> None:
        acme = factories.organization()
        factories.member(acme, "olga")
        Organization.objects.update(seats=2)

        def accept(address: str) -> Callable[[], object]:
            invitation, user = sent(Actor.operator(), acme, address), person(address)
            return lambda: accept_invitation(actor=Actor.person(user), invitation=invitation)

        outcomes = one_behind_the_other(accept("a@acme.example"), accept("b@acme.example"))
        assert outcomes == ("done", "no-seat-left")
        assert Membership.objects.count() == 2 and Invitation.objects.count() == 1

    @pytest.mark.django_db(transaction=True)
    def test_a_crowd_gets_as_many_seats_as_there_are(self) -> None:
        acme = factories.organization()
        factories.member(acme, "olga")
        Organization.objects.update(seats=4)

        def accept(address: str) -> Callable[[], object]:
            invitation, user = sent(Actor.operator(), acme, address), person(address)
            return lambda: accept_invitation(actor=Actor.person(user), invitation=invitation)

        outcomes = all_at_once(*[accept(f"p{n}@acme.example") for n in range(6)])
        assert sorted(outcomes) == ["done"] * 3 + ["no-seat-left"] * 3
        assert Membership.objects.count() == 4


class TestTheInviter:
    """Their right to invite must hold at the time of acceptance."""

    @pytest.mark.parametrize("role", [role for role in Role if role is not Role.OWNER])
    def test_who_is_no_owner_any_more_has_invited_nobody(self, acme: Organization, role: Role) -> None:
        boss = owner_of(acme)
        invitation, user = sent(boss, acme), person(ANN)
        change_role(actor=Actor.operator(), membership=acme.memberships.get(user=boss.user), role=role)
        with nothing_changes(), pytest.raises(InvitationGone):
            accept_invitation(actor=Actor.person(user), invitation=invitation)

    def test_nor_who_is_gone(self, acme: Organization) -> None:
        boss = owner_of(acme)
        invitation, user = sent(boss, acme), person(ANN)
        remove_member(actor=Actor.operator(), membership=acme.memberships.get(user=boss.user))
        with nothing_changes(), pytest.raises(InvitationGone):
            accept_invitation(actor=Actor.person(user), invitation=invitation)

    def test_it_is_asked_even_if_a_row_was_left(self, acme: Organization) -> None:
        boss = owner_of(acme)
        invitation, user = sent(boss, acme), person(ANN)
        Membership.objects.filter(user=boss.user).update(role=Role.MANAGER)
        with nothing_changes(), pytest.raises(InviterGone, match="may not invite people to acme now: ask an owner"):
            accept_invitation(actor=Actor.person(user), invitation=invitation)

    def test_nor_whose_account_is_closed(self, acme: Organization) -> None:
        boss = owner_of(acme)
        invitation, user = sent(boss, acme), person(ANN)
        User.objects.filter(pk=boss.user.pk if boss.user else 0).update(is_active=False)
        with nothing_changes(), pytest.raises(InviterGone):
            accept_invitation(actor=Actor.person(user), invitation=invitation)

    @pytest.mark.django_db(transaction=True)
    def test_beside_their_demotion(self) -> None:
        acme = factories.organization()
        factories.member(acme, "olga")
        boss = owner_of(acme)
        invitation, user = sent(boss, acme), person(ANN)
        membership = acme.memberships.get(user=boss.user)
        outcomes = one_behind_the_other(
            lambda: change_role(actor=Actor.operator(), membership=membership, role=Role.MEMBER),
            lambda: accept_invitation(actor=Actor.person(user), invitation=invitation),
        )
        assert outcomes == ("done", "no-such-invitation")


class TestDeclining:
    def test_by_whoever_it_is_to(self, acme: Organization, olga: Actor) -> None:
        invitation, user = sent(olga, acme), person(ANN)
        decline_invitation(actor=Actor.person(user), invitation=invitation)
        assert not Invitation.objects.exists() and not Membership.objects.filter(user=user).exists()
        event = AuditEvent.objects.latest("pk")
        assert (event.actor, event.action, event.organization) == (ANN, "invitation.declined", "acme")
        assert Mail.objects.latest("pk").to == "olga@example.com"
        assert f"{ANN} declined your invitation to Acme" in Mail.objects.latest("pk").text

    @pytest.mark.parametrize("who", EVERYBODY)
    def test_by_nobody_else(self, acme: Organization, olga: Actor, who: str) -> None:
        invitation, actor = sent(olga, acme), acting_as(who, acme)
        for token in ("", "fh_i", tokens.generate("i")):
            with nothing_changes(), pytest.raises(NotPermitted):
                decline_invitation(actor=actor, invitation=invitation, token=token)

    def test_with_the_link_alone(self, acme: Organization, olga: Actor) -> None:
        sent(olga, acme)
        link = last_link()
        response = Client().post(f"{link}decline/")
        assert response.status_code == 200 and "You have declined" in response.content.decode()
        assert not Invitation.objects.exists()
        assert AuditEvent.objects.latest("pk").actor == ANN


# --- Pages --------------------------------------------------------------------------------------------------------------


class TestTheLink:
    def test_to_follow_it_changes_nothing(self, acme: Organization, olga: Actor) -> None:
        sent(olga, acme)
        link = last_link()
        client = Client()
        with nothing_changes():
            for method in (client.get, client.head):
                assert method(link).status_code == 200
            assert client.get(f"{link}sign-up/").status_code == client.get(f"{link}decline/").status_code == 405
        assert "account_verified_email" not in client.session

    def test_no_cache_keeps_it(self, acme: Organization, olga: Actor) -> None:
        sent(olga, acme)
        assert Client().get(last_link())["Cache-Control"] == "private, no-store"

    @pytest.mark.parametrize(
        "cause", ["never", "malformed", "nul", "answered", "revoked", "expired", "replaced", "closed", "service"]
    )
    def test_what_can_not_be_used_looks_alike(self, acme: Organization, olga: Actor, cause: str) -> None:
        invitation = aged(sent(olga, acme))
        link = last_link()
        causes: dict[str, Callable[[], object]] = {
            "answered": lambda: accept_invitation(actor=Actor.person(person(ANN)), invitation=invitation),
            "revoked": lambda: revoke_invitation(actor=olga, invitation=invitation),
            "expired": lambda: Invitation.objects.update(expires_at=timezone.now() - MINUTE),
            "replaced": lambda: resend_invitation(actor=olga, invitation=invitation),
            "closed": lambda: Organization.objects.update(state=State.CLOSED),
        }
        never = {"never": tokens.generate("i"), "malformed": "fh_i", "nul": "%00", "service": tokens.generate("s")}
        if cause in causes:
            causes[cause]()
        else:
            link = f"/invitations/{never[cause]}/"
        client = Client()
        with nothing_changes():
            pages = [client.get(link), client.post(f"{link}sign-up/"), client.post(f"{link}decline/")]
        assert [page.status_code for page in pages] == [404] * 3
        assert len({page.content for page in pages}) == 1
        assert "ask whoever invited you for a new invitation" in pages[0].content.decode()

    def test_without_an_account_it_leads_to_the_sign_up_and_back(self, acme: Organization, olga: Actor) -> None:
        sent(olga, acme)
        link, client = last_link(), Client()
        assert "Create an account with" in client.get(link).content.decode()
        where = urlsplit(client.post(f"{link}sign-up/")["Location"])
        assert where.path == reverse("account_signup")
        assert parse_qs(where.query) == {"next": [link], "email": [ANN]}
        form = client.get(f"{where.path}?{where.query}").content.decode()
        assert f'value="{ANN}"' in form

    def sign_up(self, client: Client, link: str, email: str) -> Any:
        where = urlsplit(client.post(f"{link}sign-up/")["Location"])
        fields = {"email": email, "password1": "correct horse battery", "next": link}
        return client.post(where.path, fields)

    def test_the_address_needs_no_second_proof(self, acme: Organization, olga: Actor) -> None:
        sent(olga, acme)
        link, client = last_link(), Client()
        assert self.sign_up(client, link, ANN.upper())["Location"] == link
        user = User.objects.get(email=ANN)
        assert verified_addresses(user) == [ANN]
        assert "Join Acme" in client.get(link).content.decode()

    def test_another_address_needs_its_own(self, acme: Organization, olga: Actor) -> None:
        """Nor does it get the invited one beside it: the link may have been planted on them."""
        sent(olga, acme)
        client = Client()
        response = self.sign_up(client, last_link(), "victim@home.example")
        assert reverse("account_email_verification_sent") in response["Location"]
        addresses = EmailAddress.objects.filter(user__email="victim@home.example")
        assert list(addresses.values_list("email", "verified")) == [("victim@home.example", False)]

    def test_whoever_has_an_account_is_asked_to_sign_in(self, acme: Organization, olga: Actor) -> None:
        sent(olga, acme)
        person("main@home.example", ANN)
        page = Client().get(last_link()).content.decode()
        assert "sign in with it, and you come back here" in page and "/sign-up/" not in page

    def test_signed_in_as_somebody_else(self, acme: Organization, olga: Actor) -> None:
        sent(olga, acme)
        page = signed_in(person("other@home.example")).get(last_link()).content.decode()
        assert "You are signed in as other@home.example" in page
        assert reverse("account_email") in page and reverse("account_logout") in page
        assert "/accept/" not in page

    def test_to_a_user_name(self, acme: Organization, olga: Actor) -> None:
        bob = person(index_username="bob")
        sent(olga, acme, "bob")
        link = last_link()
        assert "bob on the index" in Client().get(link).content.decode()
        assert reverse("index-identity") in signed_in(person()).get(link).content.decode()
        assert "/accept/" in signed_in(bob).get(link).content.decode()
        assert parse_qs(urlsplit(Client().post(f"{link}sign-up/")["Location"]).query) == {"next": [link]}

    def test_that_a_second_factor_is_required_is_said_before(self, acme: Organization, olga: Actor) -> None:
        sent(olga, acme)
        Organization.objects.update(requires_second_factor=True)
        User.objects.update(second_factor=True)
        assert "Two-step verification is required" in signed_in(person(ANN)).get(last_link()).content.decode()


class TestOwnInvitations:
    def test_those_to_ones_addresses_and_user_name(self, acme: Organization, olga: Actor) -> None:
        user = person(ANN, "a@home.example", index_username="ann")
        EmailAddress.objects.create(user=user, email="new@home.example", verified=False)
        for number, who in enumerate([ANN, "a@home.example", "ann", "new@home.example", "bob"]):
            sent(Actor.operator(), factories.organization(f"org-{number}"), who)
        assert {found.organization.name for found in invitations_for(user)} == {"org-0", "org-1", "org-2"}
        page = signed_in(user).get(reverse("invitations")).content.decode()
        assert all(f"org-{number}" in page for number in range(3)) and "org-3" not in page and "org-4" not in page

    def test_a_user_name_that_is_connected_later_finds_them(self, acme: Organization, olga: Actor) -> None:
        sent(olga, acme, "late")
        user = person()
        assert not invitations_for(user)
        User.objects.filter(pk=user.pk).update(index_username="late")
        user.refresh_from_db()
        assert invitations_for(user).count() == 1

    def test_are_accepted_by_a_button(self, acme: Organization, olga: Actor) -> None:
        invitation, user = sent(olga, acme), person(ANN)
        client, url = signed_in(user), reverse("invitation-accept", args=[invitation.pk])
        with nothing_changes():
            assert client.get(url).status_code == 405
        assert client.post(url)["Location"] == reverse("organization-overview", args=["acme"])
        assert Membership.objects.filter(user=user, organization=acme).exists()

    def test_are_declined_by_a_button(self, acme: Organization, olga: Actor) -> None:
        invitation, client = sent(olga, acme), signed_in(person(ANN))
        assert client.post(reverse("invitation-decline", args=[invitation.pk]))["Location"] == reverse("invitations")
        assert not Invitation.objects.exists()

    @pytest.mark.parametrize("name", ["invitation-accept", "invitation-decline"])
    def test_trap_12_of_others_are_not_there(self, acme: Organization, olga: Actor, name: str) -> None:
        invitation = sent(olga, acme)
        client = signed_in(person("other@home.example"))
        with nothing_changes():
            for number in (invitation.pk, 0, 2**63, 10**30):
                assert client.post(reverse(name, args=[number])).status_code == 404
            assert reverse("account_login") in Client().post(reverse(name, args=[invitation.pk]))["Location"]

    def test_without_a_seat_it_says_what_to_do_and_stays(self, acme: Organization, olga: Actor) -> None:
        invitation, client = sent(olga, acme), signed_in(person(ANN))
        Organization.objects.update(seats=1)
        with nothing_changes():
            response = client.post(reverse("invitation-accept", args=[invitation.pk]), follow=True)
        assert "an owner can free one or add seats" in response.content.decode()


class TestThePagesOfOwners:
    def test_somebody_is_invited(self, acme: Organization, olga: Actor) -> None:
        team = factories.team(acme, name="Docs")
        client, url = signed_in(olga.user), reverse("organization-invite", args=["acme"])
        assert client.get(url).status_code == 200
        response = client.post(url, {"who": ANN.upper(), "role": "manager", "teams": [team.pk]}, follow=True)
        assert f"{ANN} is invited." in response.content.decode()
        invitation = Invitation.objects.get()
        assert (invitation.email, invitation.role, list(invitation.teams.all())) == (ANN, Role.MANAGER, [team])

    @pytest.mark.parametrize(
        ("fields", "message"),
        [
            ({"who": "", "role": "member"}, "required"),
            ({"who": "a@b", "role": "member"}, "is no e-mail address"),
            ({"who": "a\x00b", "role": "member"}, "Null characters"),
            ({"who": "x" * 10_000, "role": "member"}, "at most 300 characters"),
            ({"who": ANN, "role": "king"}, "Select a valid choice"),
            ({"who": ANN, "role": "member", "teams": "x"}, "There is no such team"),
            ({"who": ANN, "role": "member", "teams": 10**30}, "Select a valid choice"),
            ({"who": ANN, "role": "member", "teams": 2**63 - 1}, "Select a valid choice"),
            ({"who": "olga@example.com", "role": "member"}, "is in the organization already"),
        ],
    )
    def test_what_is_wrong_is_said_at_the_field(
        self, acme: Organization, olga: Actor, fields: Any, message: str
    ) -> None:
        factories.team(acme)
        client = signed_in(olga.user)
        with nothing_changes():
            response = client.post(reverse("organization-invite", args=["acme"]), fields)
        assert response.status_code == 200 and message in response.content.decode()

    def test_a_list_is_shown_first_and_sent_when_confirmed(self, acme: Organization, olga: Actor) -> None:
        team = factories.team(acme, name="Docs; all")
        client, url = signed_in(olga.user), reverse("organization-invite-many", args=["acme"])
        paste = f"{ANN}\nolga@example.com\nbob, billing\nnonsense@\n"
        with nothing_changes():
            response = client.post(url, {"paste": paste, "role": "manager", "teams": [team.pk]})
        page = response.content.decode()
        for part in ("Line 4", "is in already", "Send 2 invitations", "1 line can't be taken"):
            assert part in page
        response = client.post(url, {"lines": response.context["lines"]}, follow=True)
        assert "2 invitations were sent." in response.content.decode()
        rows = Invitation.objects.order_by("pk").values_list("email", "index_username", "role", "teams__name")
        assert list(rows) == [(ANN, "", "manager", "Docs; all"), ("", "bob", "billing", "Docs; all")]
        with nothing_changes():
            client.post(url, {"lines": "email\r\nann@acme.example\r\n"})

    def test_a_file_does_as_well(self, acme: Organization, olga: Actor) -> None:
        file = SimpleUploadedFile("people.csv", b"email,role\nann@acme.example,billing\n")
        client, url = signed_in(olga.user), reverse("organization-invite-many", args=["acme"])
        response = client.post(url, {"file": file, "role": "member"})
        client.post(url, {"lines": response.context["lines"]})
        assert Invitation.objects.get().role == Role.BILLING

    def test_nobody_becomes_owner_by_a_list(self, acme: Organization, olga: Actor) -> None:
        client, url = signed_in(olga.user), reverse("organization-invite-many", args=["acme"])
        with nothing_changes():
            for fields in ({"paste": ANN, "role": "owner"}, {"lines": f"email,role\n{ANN},owner\n"}):
                client.post(url, fields)

    @pytest.mark.parametrize(
        ("fields", "message"),
        [
            ({"role": "member"}, "Paste a list, or choose a file."),
            ({"paste": " \n", "role": "member"}, "Paste a list, or choose a file."),
            ({"paste": ",;", "role": "member"}, "There is nobody in this list"),
            ({"paste": "a\x00", "role": "member"}, "Null characters"),
            ({"paste": "a@x.example\n" * 501, "role": "member"}, "At most 500 people"),
            ({"paste": "x" * 100_001, "role": "member"}, "at most 100000 characters"),
        ],
    )
    def test_what_is_no_list(self, acme: Organization, olga: Actor, fields: Any, message: str) -> None:
        client = signed_in(olga.user)
        with nothing_changes():
            response = client.post(reverse("organization-invite-many", args=["acme"]), fields)
        assert response.status_code == 200 and message in response.content.decode()

    @pytest.mark.parametrize("lines", ["", "\x00", "x" * 100_000, "email\n" + "a@b\n" * 600, '"'])
    def test_what_comes_back_is_not_believed(self, acme: Organization, olga: Actor, lines: str) -> None:
        client = signed_in(olga.user)
        with nothing_changes():
            assert client.post(reverse("organization-invite-many", args=["acme"]), {"lines": lines}).status_code == 302

    @pytest.mark.parametrize(("seats", "short"), [(None, False), (3, False), (2, True)])
    def test_that_there_are_not_seats_for_all_is_said_before(
        self, acme: Organization, olga: Actor, seats: int | None, short: bool
    ) -> None:
        Organization.objects.update(seats=seats)
        client, url = signed_in(olga.user), reverse("organization-invite-many", args=["acme"])
        page = client.post(url, {"paste": f"{ANN}\nbob", "role": "member"}).content.decode()
        assert ("There are not seats for all" in page) is short and "Send 2 invitations" in page

    def test_more_than_may_be_sent_is_said_before(self, acme: Organization, olga: Actor, settings: Settings) -> None:
        settings.FREEHOLD_INVITATIONS_PER_DAY = 1
        client, url = signed_in(olga.user), reverse("organization-invite-many", args=["acme"])
        page = client.post(url, {"paste": f"{ANN}\nbob", "role": "member"}).content.decode()
        assert "1 more invitation can be sent within 24 hours" in page and "Send 2" not in page

    def test_the_list_of_those_that_wait(self, acme: Organization, olga: Actor) -> None:
        Organization.objects.update(seats=5)
        waiting, client = aged(sent(olga, acme)), signed_in(olga.user)
        page = client.get(reverse("organization-invitations", args=["acme"])).content.decode()
        assert ANN in page and "1 of 5 seats taken, 1 invited" in page
        resend, revoke = (
            reverse(f"organization-invitation-{what}", args=["acme", waiting.pk]) for what in ("resend", "revoke")
        )
        assert resend in page and revoke in page
        client.post(resend)
        page = client.get(reverse("organization-invitations", args=["acme"])).content.decode()
        assert resend not in page and Mail.objects.count() == 2
        with nothing_changes():
            assert "wait five minutes" in client.post(resend, follow=True).content.decode()
        client.post(revoke)
        assert not Invitation.objects.exists()


def test_a_link_is_found_by_its_token_alone(acme: Organization, olga: Actor) -> None:
    invitation = sent(olga, acme)
    assert open_invitation(token_of(last_link())) == invitation
    assert open_invitation(tokens.generate("i")) is None
    assert in_role(Role.MEMBER, acme)


class TestPruning:
    """Those that nobody answered are kept for a month, to be sent again."""

    def test_long_after_they_expired(self, acme: Organization) -> None:
        owner = owner_of(acme)
        for days, name in ((-1, "open"), (29, "lately"), (31, "long-ago")):
            invite(actor=owner, organization=acme, invitees=[Invitee(role=Role.MEMBER, index_username=name)])
            Invitation.objects.filter(index_username=name).update(expires_at=timezone.now() - days * DAY)
        assert prune_invitations() == 1
        assert set(Invitation.objects.values_list("index_username", flat=True)) == {"open", "lately"}
        with nothing_changes():
            assert prune_invitations() == 0

    @pytest.mark.django_db(transaction=True)
    def test_not_one_that_is_being_sent_again(self) -> None:
        acme = factories.organization("acme")
        invite(actor=owner_of(acme), organization=acme, invitees=[Invitee(role=Role.MEMBER, email=ANN)])
        Invitation.objects.update(expires_at=timezone.now() - 31 * DAY)
        with transaction.atomic():
            Invitation.objects.update(expires_at=timezone.now() + DAY)
            assert all_at_once(prune_invitations) == ["done"]
        assert Invitation.objects.exists()

    def test_ones_own_are_found_without_looking_at_all(self, acme: Organization) -> None:
        """Among as many as make the planner choose; among three it may take whatever it likes."""
        ann = factories.user("ann")
        EmailAddress.objects.create(user=ann, email=ANN, verified=True)
        later = timezone.now() + DAY
        Invitation.objects.bulk_create(
            Invitation(
                organization=acme, role=Role.MEMBER, email=f"b{n}@acme.example", digest=n.to_bytes(32), expires_at=later
            )
            for n in range(5_000)
        )
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE orgs_invitation")
        plan = invitations_for(ann).explain()
        assert "Seq Scan on orgs_invitation" not in plan, plan
        assert "Index Cond: ((email)" in plan and "Index Cond: ((index_username)" in plan, plan
