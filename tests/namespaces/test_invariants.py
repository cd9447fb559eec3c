"""The standing check: each invariant finds what breaks it and nothing else, and a healthy database breaks none."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
import structlog
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from accounts.models import User
from freehold.settings import CELERY_BEAT_SCHEDULE
from namespaces.cases import CaseState
from namespaces.invariants import EVERY_INVARIANT
from namespaces.models import Case, Change, Grant, Project, Share, TeamGrant, Transfer
from namespaces.services.demo import make_demo
from namespaces.states import GrantState
from namespaces.tasks import check_invariants
from orgs import audit
from orgs.actors import Actor
from orgs.invariants import violations
from orgs.models import AuditEndpoint, Invitation, Membership, Organization, OrganizationToken, Team, TeamMember
from orgs.services.staff import set_seats
from orgs.vocabulary import Permission, Role, State
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

LONG = timedelta(days=38)  # eight more than something is held


@contextmanager
def nobody_watching() -> Iterator[None]:
    """As a restored dump is loaded, or by a hand that may: no trigger fires, and with them no foreign key is checked."""
    run("SET CONSTRAINTS ALL IMMEDIATE; SET session_replication_role = replica")
    yield
    run("SET session_replication_role = DEFAULT")


def run(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def settle() -> None:
    """What the end of a transaction does: events and changes get their numbers."""
    run("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")


def broken() -> dict[str, list[str]]:
    """What each invariant that is broken found."""
    found: dict[str, list[str]] = {}
    for violation in violations(EVERY_INVARIANT):
        found.setdefault(violation.invariant, []).append(violation.what)
    return found


class World:
    """Two organizations in good order, with everything that an invariant looks at."""

    def __init__(self) -> None:
        self.acme, self.guest = factories.organization("acme"), factories.organization("guest")
        self.owner, self.other = factories.member(self.acme, "olga"), factories.member(self.guest, "gus")
        self.root = factories.grant("acme", self.acme)
        self.child = factories.grant("acme-labs", self.acme, root=self.root)
        self.theirs = factories.grant("guest", self.guest)
        self.held = factories.grant("rocket", self.acme, state=GrantState.HELD)
        self.team = factories.team(self.acme, "mia", grants=[self.child])
        factories.share(self.child, self.guest)
        self.their_team = factories.team(self.guest, "gina", grants=[self.child])
        self.token = OrganizationToken.objects.create(
            organization=self.acme, membership=self.owner, digest=b"d" * 32, hint="abcd", permissions=[Permission.VIEW]
        )
        self.invitation = Invitation.objects.create(
            organization=self.acme,
            email="new@example.com",
            role=Role.MEMBER,
            digest=b"i" * 32,
            invited_by=self.owner,
            expires_at=timezone.now() + factories.HOUR,
        )
        self.invitation.teams.add(self.team)
        self.offer = Transfer.objects.create(
            grant=self.theirs, to=self.acme, expires_at=timezone.now() + factories.HOUR
        )
        self.project = factories.project("acme-x", "acme")
        self.approved = factories.case(self.acme, state=CaseState.APPROVED, grant=self.root)
        self.cases: dict[CaseState, Case] = {
            state: factories.case(self.acme, name=f"acme{state}", state=state) for state in UNDECIDED
        }
        audit.record(Actor.operator(), "test.done", "thing")
        settle()


UNDECIDED = [state for state in CaseState if state not in {CaseState.APPROVED, CaseState.SETTLED}]


def without_constraint(table: str, constraint: str, break_it: Callable[[], object]) -> None:
    run(f"ALTER TABLE {table} DROP CONSTRAINT {constraint}")
    break_it()


def decide_twice(world: World) -> None:
    run("DROP INDEX case_decision_one_in_force")
    factories.decision(world.approved)


def close(organization: Organization) -> None:
    Organization.objects.filter(pk=organization.pk).update(state=State.CLOSED)


def empty_and_close(world: World) -> Organization:
    """An organization that is closed as it should be."""
    closed = factories.organization("closed", state=State.CLOSED)
    settle()
    return closed


BREAKS: dict[str, Callable[[World], object]] = {
    "owner_remains": lambda w: Membership.objects.filter(pk=w.owner.pk).update(role=Role.MEMBER),
    "seats": lambda w: Organization.objects.filter(pk=w.acme.pk).update(seats=1),
    "names_complete": lambda w: w.acme.names.all().delete(),
    "closed_has_nobody": lambda w: factories.team(empty_and_close(w)),
    "closed_streams_nothing_new": lambda w: AuditEndpoint.objects.create(
        organization=empty_and_close(w), url="https://hooks.example", secrets=["s"], delivered_position=0
    ),
    "team_members_of_its_organization": lambda w: TeamMember.objects.create(team=w.team, membership=w.other),
    "invitations_of_members": lambda w: Invitation.objects.update(invited_by=w.other),
    "invitations_to_own_teams": lambda w: w.invitation.teams.set([w.their_team]),
    "tokens_of_members": lambda w: OrganizationToken.objects.update(membership=w.other),
    "second_factor_true": lambda w: User.objects.filter(pk=w.owner.user_id).update(second_factor=True),
    "audit_chain": lambda _: run("UPDATE orgs_auditevent SET actor = 'somebody else'"),
    "no_foreign_overlap": lambda w: without_constraint(
        "namespaces_grant", "grant_no_foreign_overlap", lambda: factories.grant("acme-labs-x", w.guest)
    ),
    "children_of_their_root": lambda w: Grant.objects.filter(pk=w.child.pk).update(root=w.theirs),
    "rights_of_holders": lambda w: TeamGrant.objects.create(team=w.their_team, grant=w.root),
    "enforced_has_time": lambda w: without_constraint(
        "namespaces_grant",
        "grant_enforced_has_effective_at",
        lambda: Grant.objects.filter(pk=w.root.pk).update(effective_at=None),
    ),
    "shares_with_others": lambda w: Share.objects.create(grant=w.root, organization=w.acme),
    "transfers_of_active_roots": lambda w: Transfer.objects.update(grant=w.child, to=w.guest),
    "closed_asks_nothing": lambda w: factories.case(empty_and_close(w)),
    "one_decision_at_most": decide_twice,
    "cases_as_decided": lambda w: factories.decision(w.cases[CaseState.WITHDRAWN]),
    "claims_as_granted": lambda w: Case.objects.filter(pk=w.approved.pk).update(grant=w.theirs),
    "held_for_a_while": lambda w: Grant.objects.filter(pk=w.held.pk).update(state_changed_at=timezone.now() - LONG),
    "closed_holds_nothing": lambda w: factories.grant("late", empty_and_close(w)),
    "owners_by_present_name": lambda w: Organization.objects.filter(pk=w.acme.pk).update(name="renamed"),
    "changes_numbered": lambda _: Change.objects.update(revision=None),
}
FOUND = {
    "owner_remains": "acme",
    "names_complete": "acme",
    "closed_has_nobody": "closed has a row in teams",
    "no_foreign_overlap": "acme-labs-x of organization",
    "children_of_their_root": "acme-labs",
    "enforced_has_time": "acme",
    "closed_holds_nothing": "closed: late",
    "closed_asks_nothing": "closed: case ",
    "held_for_a_while": "rocket since ",
    "owners_by_present_name": "acme-x",
}


def test_every_invariant_has_its_test() -> None:
    assert set(BREAKS) == {invariant.name for invariant in EVERY_INVARIANT}


def test_a_world_in_order_breaks_none() -> None:
    World()
    assert broken() == {}


@pytest.mark.parametrize("name", BREAKS)
def test_each_finds_what_breaks_it_and_the_others_nothing(name: str) -> None:
    world = World()
    if name == "owners_by_present_name":  # names have to be written down, which is what a trigger does
        BREAKS[name](world)
        settle()
    else:
        with nobody_watching():
            BREAKS[name](world)
            if name in {
                "closed_has_nobody",
                "closed_holds_nothing",
                "closed_asks_nothing",
                "closed_streams_nothing_new",
            }:
                run(
                    "INSERT INTO orgs_organizationname (name, organization_id) SELECT name, id FROM orgs_organization ON CONFLICT DO NOTHING"
                )
    found = broken()
    assert list(found) == [name]
    assert FOUND.get(name, "") in found[name][0]


@pytest.mark.parametrize(
    ("name", "break_it"),
    [
        ("second_factor_true", lambda w: run(f"INSERT INTO mfa_authenticator (user_id, type, data, created_at) VALUES ({w.owner.user_id}, 'totp', '{{}}', now())")),
        ("children_of_their_root", lambda w: Grant.objects.filter(pk=w.root.pk).update(state=GrantState.RELEASED)),
        ("rights_of_holders", lambda w: Grant.objects.filter(pk=w.child.pk).update(state=GrantState.RELEASED)),
        ("closed_has_nobody", lambda w: close(w.guest)),
        ("closed_holds_nothing", lambda w: close(w.guest)),
        ("changes_numbered", lambda _: run("UPDATE namespaces_revision SET value = 0")),
        ("audit_chain", lambda _: run("DELETE FROM orgs_auditevent WHERE position = 1")),
        ("team_members_of_its_organization", lambda w: run(f"DELETE FROM orgs_membership WHERE id = {w.team.members.get().pk}")),
        ("tokens_of_members", lambda w: run(f"DELETE FROM orgs_membership WHERE id = {w.owner.pk}")),
        ("invitations_of_members", lambda w: run(f"DELETE FROM orgs_membership WHERE id = {w.owner.pk}")),
        ("transfers_of_active_roots", lambda w: Grant.objects.filter(pk=w.theirs.pk).update(state=GrantState.LOCKED)),
        ("no_foreign_overlap", lambda w: without_constraint("namespaces_grant", "grant_no_foreign_overlap", lambda: Grant.objects.filter(pk=w.child.pk).update(owner=w.guest, root=None))),
    ],
)  # fmt: skip
def test_they_are_found_however_they_come_about(name: str, break_it: Callable[[World], object]) -> None:
    world = World()
    audit.record(Actor.operator(), "test.done", "another")
    settle()
    with nobody_watching():
        break_it(world)
    assert name in broken()


def test_a_closed_organization_keeps_its_name_and_what_is_in_quarantine() -> None:
    closed = factories.organization("closed", state=State.CLOSED)
    factories.grant("old", closed, state=GrantState.QUARANTINED)
    factories.grant("older", closed, state=GrantState.RELEASED)
    settle()
    assert broken() == {}


def test_scenario_43_who_was_there_when_the_seats_became_fewer_stays() -> None:
    """And whoever came in afterwards, past the rule, is found all the same."""
    world = World()
    set_seats(actor=Actor.operator(), organization=world.acme, seats=1)
    settle()
    assert world.acme.memberships.count() == 2
    assert broken() == {}
    with nobody_watching():
        factories.member(world.acme, "late", Role.MEMBER)
    assert broken() == {"seats": ["acme"]}


class TestCommand:
    def test_says_that_all_hold(self, capsys: pytest.CaptureFixture[str]) -> None:
        World()
        call_command("check_invariants")
        assert capsys.readouterr().out == f"{len(EVERY_INVARIANT)} invariants hold.\n"

    def test_has_a_line_for_each_violation_and_fails(self, capsys: pytest.CaptureFixture[str]) -> None:
        world = World()
        with nobody_watching():
            BREAKS["owner_remains"](world)
            BREAKS["shares_with_others"](world)
        with pytest.raises(CommandError, match="2 found") as error:
            call_command("check_invariants")
        assert error.value.returncode == 1
        lines = capsys.readouterr().out.splitlines()
        assert [line.split(":")[0] for line in lines] == ["owner_remains", "shares_with_others"]
        assert "has an owner. Not so: acme" in lines[0]

    @pytest.mark.parametrize("is_broken", [False, True])
    def test_as_json(self, capsys: pytest.CaptureFixture[str], is_broken: bool) -> None:
        world = World()
        if is_broken:
            with nobody_watching():
                BREAKS["owner_remains"](world)
            with pytest.raises(CommandError):
                call_command("check_invariants", "--json")
        else:
            call_command("check_invariants", "--json")
        found = json.loads(capsys.readouterr().out)
        assert [violation["what"] for violation in found] == (["acme"] if is_broken else [])


class TestTask:
    def test_cries_out_over_each(self) -> None:
        world = World()
        with nobody_watching():
            BREAKS["seats"](world)
        with structlog.testing.capture_logs() as logs:
            assert check_invariants() == 1
        assert [(log["log_level"], log["event"], log["invariant"]) for log in logs] == [
            ("error", "invariant.broken", "seats")
        ]

    def test_runs_every_day(self) -> None:
        assert "namespaces.check_invariants" in {entry["task"] for entry in CELERY_BEAT_SCHEDULE.values()}


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_the_demo_breaks_none() -> None:
    make_demo(actor=Actor.operator(), url="https://demo.example")
    assert Project.objects.exists()
    assert Team.objects.exists()
    assert broken() == {}
