"""The audit trail: nothing is taken out or changed, nothing is done without it, and tampering is found."""

from __future__ import annotations

import importlib
import inspect
import itertools
import pkgutil
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction

import billing.services
import namespaces.services
import orgs.services
import review.services
from namespaces.models import Grant, PurgeEndpoint, Transfer
from namespaces.services.lifecycle import lock_namespace
from namespaces.services.transfers import offer_transfer
from namespaces.states import GrantState
from orgs import audit
from orgs.actors import Actor
from orgs.models import AuditEvent, Organization, OrganizationToken, ServiceToken, Team
from orgs.selectors import first_broken_audit_event
from orgs.services.organization_tokens import create_organization_token
from orgs.vocabulary import Kind, Permission, Role, Scope
from tests import factories
from tests.billing import audit_rows as billing_rows
from tests.cases import audit_rows as case_rows
from tests.cases.community import audit_rows as community_rows
from tests.cases.disputes import audit_rows as dispute_rows
from tests.concurrency import all_at_once
from tests.dump import nothing_changes
from tests.orgs import audit_rows, people_rows
from tests.people import owner_of
from tests.review import audit_rows as desk_rows

pytestmark = pytest.mark.django_db

OPERATOR = Actor.operator()


def write(count: int = 1) -> list[AuditEvent]:
    return [audit.record(OPERATOR, "test.done", f"thing {n}", after={"n": n}) for n in range(count)]


def seal() -> None:
    """What the end of a transaction does: give the events their positions and hashes."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS auditevent_seal IMMEDIATE")
        cursor.execute("SET CONSTRAINTS auditevent_seal DEFERRED")


def run(statement: str, *parameters: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, parameters)


FORBIDDEN = [
    "UPDATE orgs_auditevent SET actor = 'somebody else'",
    "UPDATE orgs_auditevent SET after = NULL",
    "UPDATE orgs_auditevent SET at = now() - interval '1 day'",
    "UPDATE orgs_auditevent SET position = position + 100",
    "UPDATE orgs_auditevent SET hash = sha256('')",
    "UPDATE orgs_auditevent SET hash = NULL, position = NULL",
    "UPDATE orgs_auditevent SET id = id + 100",
    "DELETE FROM orgs_auditevent",
    "DELETE FROM orgs_auditevent WHERE position = 2",
]


class TestAppendOnly:
    @pytest.mark.parametrize("statement", FORBIDDEN)
    def test_by_raw_sql(self, statement: str) -> None:
        write(3)
        seal()
        with nothing_changes(), pytest.raises(IntegrityError, match="The audit trail is append-only"):
            run(statement)

    @pytest.mark.parametrize("statement", [*FORBIDDEN[:3], FORBIDDEN[-2]])
    def test_in_the_transaction_that_wrote_it_too(self, statement: str) -> None:
        write()
        with nothing_changes(), pytest.raises(IntegrityError, match="The audit trail is append-only"):
            run(statement)

    def test_by_the_orm(self) -> None:
        event = write()[0]
        seal()
        event.actor = "somebody else"
        for act in (event.save, event.delete, AuditEvent.objects.all().delete):
            with nothing_changes(), pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
                act()

    @pytest.mark.parametrize("tables", ["orgs_auditevent", "orgs_organization, orgs_auditevent"])
    @pytest.mark.parametrize("setting", ["off", "", "yes"])
    def test_truncate_without_the_setting_of_the_suite(self, tables: str, setting: str) -> None:
        write()
        seal()
        run("SELECT set_config('freehold.allow_truncate', %s, true)", setting)
        with nothing_changes(), pytest.raises(IntegrityError, match="append-only"):
            run(f"TRUNCATE {tables} CASCADE")

    def test_nobody_chooses_a_position_or_a_hash(self) -> None:
        AuditEvent.objects.create(actor="x", action="y", target="z", position=1000, hash=b"h" * 32)
        seal()
        event = AuditEvent.objects.get()
        assert event.position == 1
        assert bytes(event.hash or b"") != b"h" * 32
        assert first_broken_audit_event() == (1, None)

    def test_one_that_was_numbered_by_hand_does_not_get_in(self) -> None:
        @transaction.atomic
        def write_and_number_it() -> None:
            write()
            run("UPDATE orgs_auditevent SET position = 7, hash = sha256('')")
            seal()

        with pytest.raises(IntegrityError, match="append-only"):
            write_and_number_it()


IN = "orgs_auditevent"
OF = f"FROM {IN}"
MOVE = f"UPDATE {IN} SET position ="
COLUMNS, VALUES = "at, actor, action, target, organization, origin", "now(), 'x', 'y', 'z', '', ''"


class TestChain:
    def test_it_is_whole(self) -> None:
        for _ in range(3):
            write(2)
            seal()
        assert first_broken_audit_event() == (6, None)
        assert list(AuditEvent.objects.values_list("position", flat=True)) == [1, 2, 3, 4, 5, 6]

    def test_an_empty_one_is_whole(self) -> None:
        assert first_broken_audit_event() == (0, None)

    def test_the_command_says_so(self, capsys: pytest.CaptureFixture[str]) -> None:
        write(3)
        seal()
        call_command("verify_audit")
        assert capsys.readouterr().out == "3 events, the chain is whole.\n"

    @pytest.mark.parametrize(
        ("tamper", "found"),
        [
            ("UPDATE orgs_auditevent SET actor = 'somebody else' WHERE position = 2", 2),
            ("UPDATE orgs_auditevent SET action = 'test.other' WHERE position = 2", 2),
            ("UPDATE orgs_auditevent SET target = '' WHERE position = 2", 2),
            ("UPDATE orgs_auditevent SET organization = 'acme' WHERE position = 2", 2),
            ("UPDATE orgs_auditevent SET origin = '' WHERE position = 2", 2),
            ("UPDATE orgs_auditevent SET at = at + interval '1 microsecond' WHERE position = 2", 2),
            ("UPDATE orgs_auditevent SET before = '{}' WHERE position = 2", 2),
            ("""UPDATE orgs_auditevent SET after = '{"n": 7}' WHERE position = 2""", 2),
            ("UPDATE orgs_auditevent SET after = NULL WHERE position = 2", 2),
            ("UPDATE orgs_auditevent SET hash = sha256('') WHERE position = 2", 2),
            ("UPDATE orgs_auditevent SET hash = NULL WHERE position = 2", 2),
            ("UPDATE orgs_auditevent SET actor = 'x', hash = sha256('') WHERE position = 4", 4),
            ("UPDATE orgs_auditevent SET actor = 'x', hash = NULL WHERE position = 4", 4),
            ("UPDATE orgs_auditevent SET position = NULL WHERE position = 4", 4),
            ("DELETE FROM orgs_auditevent WHERE position = 1", 1),
            ("DELETE FROM orgs_auditevent WHERE position = 2", 2),
            ("DELETE FROM orgs_auditevent WHERE position IN (2, 3)", 2),
            ("UPDATE orgs_auditevent SET position = NULL WHERE position = 2", 2),
            (f"DELETE {OF} WHERE position = 2; {MOVE} 2 WHERE position = 3; {MOVE} 3 WHERE position = 4", 2),
            (f"{MOVE} 9 WHERE position = 2; {MOVE} 2 WHERE position = 3; {MOVE} 3 WHERE position = 9", 2),
            (f"INSERT INTO {IN} ({COLUMNS}, position, hash) VALUES ({VALUES}, 5, sha256(''))", 5),
            (f"INSERT INTO {IN} ({COLUMNS}) VALUES ({VALUES})", 5),
        ],
    )
    def test_tampering_is_found_where_it_begins(self, tamper: str, found: int) -> None:
        """By somebody who may switch the triggers off."""
        write(4)
        seal()
        run("ALTER TABLE orgs_auditevent DISABLE TRIGGER USER")
        run(tamper)
        run("ALTER TABLE orgs_auditevent ENABLE TRIGGER USER")
        assert first_broken_audit_event()[1] == found
        with pytest.raises(CommandError, match=f"altered: event {found} is missing or not as it was written"):
            call_command("verify_audit")

    def test_an_event_with_all_that_json_can_hold_fits(self) -> None:
        audit.record(OPERATOR, "test.done", "é\U0001f600", before={"a": [1, 1.5, None, {"b": "\\\"'"}]}, after={})
        seal()
        assert first_broken_audit_event() == (1, None)


@pytest.mark.django_db(transaction=True)
class TestConcurrency:
    def test_positions_have_no_gap_under_eight_writers(self) -> None:
        def writer() -> None:
            for _ in range(10):
                with transaction.atomic():
                    write(2)

        assert all_at_once(*[writer] * 8) == ["done"] * 8
        assert list(AuditEvent.objects.values_list("position", flat=True)) == list(range(1, 161))
        assert first_broken_audit_event() == (160, None)

    def test_nor_when_some_are_rolled_back(self) -> None:
        for number in range(6):
            with transaction.atomic():
                write()
                transaction.set_rollback(number % 2 == 0)
        assert list(AuditEvent.objects.values_list("position", "after__n")) == [(1, 0), (2, 0), (3, 0)]
        assert first_broken_audit_event() == (3, None)

    def test_a_change_and_its_event_are_committed_together_or_not_at_all(self) -> None:
        grant = factories.grant("acme", factories.organization())

        @transaction.atomic
        def lock_until_the_power_fails() -> None:
            lock_namespace(actor=OPERATOR, grant=grant)
            raise RuntimeError("the power fails")

        with nothing_changes(), pytest.raises(RuntimeError, match="the power fails"):
            lock_until_the_power_fails()

    def test_without_its_event_nothing_is_changed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        grant = factories.grant("acme", factories.organization())

        def fail(*args: object, **kwargs: object) -> None:
            raise RuntimeError("no trail")

        monkeypatch.setattr(audit, "record", fail)
        with nothing_changes(), pytest.raises(RuntimeError, match="no trail"):
            lock_namespace(actor=OPERATOR, grant=grant)


# --- What each service writes ---------------------------------------------------------------------------------------


class World:
    """Enough for every service to have something to do."""

    def __init__(self) -> None:
        self.acme, self.guest = factories.organization("acme"), factories.organization("guest")
        self.user = factories.user("newcomer")
        self.team: Team = factories.team(self.acme)
        factories.token()
        self.token = ServiceToken.objects.get()

    def grant(self, state: GrantState = GrantState.ACTIVE, owner: Organization | None = None) -> Grant:
        return factories.grant("acme", owner or self.acme, state=state)

    def api_token(self) -> tuple[OrganizationToken, str]:
        return create_organization_token(
            actor=owner_of(self.acme),
            organization=self.acme,
            name="ci",
            permissions=[Permission.VIEW],
            expires_at=None,
        )

    def shared(self) -> Grant:
        grant = self.grant()
        factories.share(grant, self.guest)
        return grant

    def offered(self) -> Transfer:
        return offer_transfer(actor=OPERATOR, grant=self.grant(), to=self.guest)

    def webhook(self) -> int:
        return PurgeEndpoint.objects.create(url="https://cdn.example/", secrets=["whsec_"], delivered_revision=0).pk

    def with_team_right(self) -> Grant:
        grant = self.grant()
        factories.team(self.acme, grants=[grant])
        return grant


# The arguments of each service, and what it leaves in whose trail.
HELD, LOCKED, QUARANTINED = GrantState.HELD, GrantState.LOCKED, GrantState.QUARANTINED
Case = tuple[Callable[[World], dict[str, Any]], list[tuple[str, str]]]
SERVICES: dict[str, Case] = {
    "grant_namespace": (
        lambda w: {"name": "acme", "organization": w.acme},
        [("namespace.granted", "acme")],
    ),
    "create_child": (lambda w: {"parent": w.grant(), "name": "acme-x"}, [("namespace.child_created", "acme")]),
    "activate_namespace": (lambda w: {"grant": w.grant(HELD)}, [("namespace.activate", "acme")]),
    "lock_namespace": (lambda w: {"grant": w.grant()}, [("namespace.lock", "acme")]),
    "unlock_namespace": (lambda w: {"grant": w.grant(LOCKED)}, [("namespace.unlock", "acme")]),
    "quarantine_namespace": (lambda w: {"grant": w.grant()}, [("namespace.quarantine", "acme")]),
    "reinstate_namespace": (lambda w: {"grant": w.grant(QUARANTINED)}, [("namespace.reinstate", "acme")]),
    "end_quarantine": (
        lambda w: {"grant": w.grant(QUARANTINED), "reason": "Asked for."},
        [("namespace.release", "acme")],
    ),
    "release_namespace": (lambda w: {"grant": w.grant()}, [("namespace.quarantine", "acme")]),
    "share_namespace": (
        lambda w: {"grant": w.grant(), "organization": w.guest},
        [("namespace.shared", "acme"), ("namespace.shared", "guest")],
    ),
    "unshare_namespace": (
        lambda w: {"grant": w.shared(), "organization": w.guest},
        [("namespace.unshared", "acme"), ("namespace.unshared", "guest")],
    ),
    "give_team_right": (lambda w: {"grant": w.grant(), "team": w.team}, [("team.right_given", "acme")]),
    "take_team_right": (
        lambda w: {"grant": w.with_team_right(), "team": Team.objects.latest("pk")},
        [("team.right_taken", "acme")],
    ),
    "create_team": (lambda w: {"organization": w.acme, "name": "New"}, [("team.created", "acme")]),
    "update_team": (lambda w: {"team": w.team, "name": "New", "description": ""}, [("team.changed", "acme")]),
    "delete_team": (lambda w: {"team": w.team}, [("team.deleted", "acme")]),
    "add_team_members": (
        lambda w: {"team": w.team, "memberships": [factories.member(w.acme, "newcomer")]},
        [("team.member_added", "acme")],
    ),
    "remove_team_member": (
        lambda w: ({"team": (team := factories.team(w.acme, "newcomer")), "membership": team.members.get()}),
        [("team.member_removed", "acme")],
    ),
    "leave_team": (
        lambda w: (
            {"team": (team := factories.team(w.acme, "newcomer")), "actor": Actor.person(team.members.get().user)}
        ),
        [("team.left", "acme")],
    ),
    "add_publisher": (
        lambda w: {"organization": w.acme, "issuer": "https://ci.example", "claims": {"sub": "x"}},
        [("publisher.added", "acme")],
    ),
    "remove_publisher": (lambda w: {"publisher": factories.trusted(w.acme, sub="x")}, [("publisher.removed", "acme")]),
    "offer_transfer": (
        lambda w: {"grant": w.grant(), "to": w.guest},
        [("transfer.offered", "acme"), ("transfer.offered", "guest")],
    ),
    "accept_transfer": (
        lambda w: {"offer": w.offered()},
        [("namespace.transferred", "acme"), ("namespace.transferred", "guest")],
    ),
    "end_transfer": (
        lambda w: {"offer": w.offered()},
        [("transfer.ended", "acme"), ("transfer.ended", "guest")],
    ),
    "transfer_namespace": (
        lambda w: {"grant": w.grant(), "to": w.guest},
        [("namespace.transferred", "acme"), ("namespace.transferred", "guest")],
    ),
    "create_organization": (lambda _: {"name": "new", "kind": Kind.COMPANY}, [("organization.created", "new")]),
    "add_member": (
        lambda w: {"organization": w.acme, "email": w.user.email, "role": Role.MEMBER},
        [("member.added", "acme")],
    ),
    "create_service_token": (lambda _: {"name": "index", "scopes": [Scope.CHECK]}, [("token.created", "")]),
    "create_organization_token": (
        lambda w: {
            "actor": owner_of(w.acme),
            "organization": w.acme,
            "name": "ci",
            "permissions": [Permission.VIEW],
            "expires_at": None,
        },
        [("token.created", "acme")],
    ),
    "revoke_organization_token": (lambda w: {"token": w.api_token()[0]}, [("token.revoked", "acme")]),
    "report_leak": (
        lambda w: {"token": w.api_token()[1], "seen": "https://forge.example/x"},
        [("token.leaked", "acme")],
    ),
    "revoke_service_token": (lambda w: {"token": w.token}, [("token.revoked", "")]),
    "create_purge_endpoint": (lambda _: {"url": "https://cdn.example/"}, [("purge_webhook.created", "")]),
    "rotate_purge_secret": (lambda w: {"number": w.webhook()}, [("purge_webhook.rotated", "")]),
    "enable_purge_endpoint": (lambda w: {"number": w.webhook()}, [("purge_webhook.enabled", "")]),
    "delete_purge_endpoint": (lambda w: {"number": w.webhook()}, [("purge_webhook.deleted", "")]),
}


ROWS: dict[str, tuple[Callable[[], dict[str, Any]], list[tuple[str, str]]]] = (
    {name: (partial(lambda make: make(World()), make), events) for name, (make, events) in SERVICES.items()}
    | {
        name: (partial(lambda make: make(audit_rows.Household()), make), events)
        for name, (make, events) in audit_rows.ROWS.items()
    }
    | people_rows.ROWS
    | desk_rows.ROWS
    | dispute_rows.ROWS
    | community_rows.ROWS
    | case_rows.ROWS
    | billing_rows.ROWS
)
"""Each service: what makes its arguments, among them the actor if it must be a certain one, and its events."""


def services() -> Iterator[tuple[str, Callable[..., Any]]]:
    """Every public function of the services that asks who acts."""
    for package in (namespaces.services, orgs.services, review.services, billing.services):
        for found in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
            module = importlib.import_module(found.name)
            for name, function in inspect.getmembers(module, inspect.isfunction):
                own = function.__module__ == module.__name__ and not name.startswith("_")
                actor = inspect.signature(function).parameters.get("actor")
                if own and actor is not None and actor.kind is actor.KEYWORD_ONLY:
                    yield name, function


ALL = dict(services())


ELSEWHERE = (
    {
        "make_demo": "it is made of the other services",
        "import_projects": "it has transactions of its own; see test_import_projects",
    }
    | audit_rows.ELSEWHERE
    | desk_rows.ELSEWHERE
    | billing_rows.ELSEWHERE
)


def test_every_service_has_its_row() -> None:
    assert set(ROWS) | set(ELSEWHERE) == set(ALL)


@pytest.mark.slow
@pytest.mark.parametrize("name", ROWS)
def test_a_service_leaves_exactly_its_events(name: str) -> None:
    make, expected = ROWS[name]
    arguments = {"actor": OPERATOR} | make()
    before = AuditEvent.objects.count()
    ALL[name](**arguments)
    events = list(AuditEvent.objects.order_by("pk"))[before:]
    assert [(event.action, event.organization) for event in events] == expected
    for event in events:
        by = (event.actor, event.origin)
        assert by == (arguments["actor"].label, arguments["actor"].origin) or by == dispute_rows.UNNAMED
        assert event.target
        assert event.before is not None or event.after is not None or name in WITHOUT_FACTS


WITHOUT_FACTS = {"revoke_service_token", "renew_challenge"}


@pytest.mark.slow
@pytest.mark.parametrize("name", ROWS)
def test_rolled_back_it_leaves_none(name: str) -> None:
    make, _ = ROWS[name]
    arguments = {"actor": OPERATOR} | make()
    with nothing_changes(), transaction.atomic():
        ALL[name](**arguments)
        transaction.set_rollback(True)


def test_actions_are_named_alike() -> None:
    actions = set(itertools.chain.from_iterable(events for _, events in ROWS.values()))
    assert all(action.count(".") == 1 and action.replace("_", "").replace(".", "").isalpha() for action, _ in actions)
