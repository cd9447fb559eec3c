"""The public log of grants: every change writes exactly its line, nothing can be changed, and nobody misses one."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.models import F
from django.test import Client

from namespaces import public_log
from namespaces.models import Grant, LogEntry
from namespaces.services.grants import create_child, grant_namespace
from namespaces.services.lifecycle import (
    activate_namespace,
    end_quarantine,
    lock_namespace,
    quarantine_namespace,
    reinstate_namespace,
    release_namespace,
    unlock_namespace,
)
from namespaces.services.transfers import accept_transfer, offer_transfer
from namespaces.states import TRANSITIONS, Action, GrantState
from orgs.actors import Actor
from orgs.services.organizations import rename_organization
from tests import factories
from tests.concurrency import Contender, wait_until_blocked
from tests.dump import nothing_changes
from tests.namespaces.test_public_pages import text_of

pytestmark = pytest.mark.django_db

OPERATOR = Actor.operator()
S, A, C = GrantState, Action, LogEntry.Change
LINES: dict[tuple[GrantState, Action], LogEntry.Change] = {
    (S.HELD, A.ACTIVATE): C.ACTIVATED,
    (S.HELD, A.DISCARD): C.RELEASED,
    (S.ACTIVE, A.DISCARD): C.RELEASED,
    (S.ACTIVE, A.LOCK): C.LOCKED,
    (S.ACTIVE, A.QUARANTINE): C.QUARANTINED,
    (S.LOCKED, A.DISCARD): C.RELEASED,
    (S.LOCKED, A.UNLOCK): C.UNLOCKED,
    (S.LOCKED, A.QUARANTINE): C.QUARANTINED,
    (S.QUARANTINED, A.REINSTATE): C.REINSTATED,
    (S.QUARANTINED, A.RELEASE): C.RELEASED,
}
Line = tuple[str, str, str]


def lines() -> list[Line]:
    """Of this test's transaction too, in their order."""
    factories.seal()
    return list(LogEntry.objects.order_by("pk").values_list("namespace", "change", "organization"))


def new_lines(act: Callable[[], object]) -> list[Line]:
    """What the act alone writes."""
    before = len(lines())
    act()
    return lines()[before:]


def run(statement: str, *parameters: Any) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, parameters)


# --- What is written --------------------------------------------------------------------------------------------------


class TestLines:
    @pytest.mark.parametrize(("state", "action"), TRANSITIONS, ids=str)
    def test_every_transition_writes_exactly_its_line(self, state: GrantState, action: Action) -> None:
        grant = factories.grant("acme", factories.organization("acme"), state=state)
        grant.state = TRANSITIONS[state, action]
        owner = "" if state is S.HELD and action is A.DISCARD else "acme"
        assert new_lines(grant.save) == [("acme", LINES[state, action], owner)]

    def test_by_the_services_through_a_whole_life(self) -> None:
        acme, other = factories.organization("acme"), factories.organization("other")
        grant = grant_namespace(actor=OPERATOR, name="Acme", organization=acme, state=S.HELD)
        activate_namespace(actor=OPERATOR, grant=grant)
        create_child(actor=OPERATOR, parent=Grant.objects.get(), name="acme-labs")
        lock_namespace(actor=OPERATOR, grant=grant)
        unlock_namespace(actor=OPERATOR, grant=grant)
        offer = offer_transfer(actor=OPERATOR, grant=grant, to=other)
        accept_transfer(actor=OPERATOR, offer=offer)
        release_namespace(actor=OPERATOR, grant=Grant.objects.get(name="acme"))
        reinstate_namespace(actor=OPERATOR, grant=grant)
        quarantine_namespace(actor=OPERATOR, grant=grant)
        end_quarantine(actor=OPERATOR, grant=grant, reason="over")
        both = ("acme", "acme-labs")
        assert lines() == [
            ("acme", "held", ""),
            ("acme", "activated", "acme"),
            ("acme-labs", "child", "acme"),
            *((name, "locked", "acme") for name in both),
            *((name, "unlocked", "acme") for name in both),
            *((name, "transferred", "other") for name in both),
            *((name, "quarantined", "other") for name in both),
            *((name, "reinstated", "other") for name in both),
            *((name, "quarantined", "other") for name in both),
            *((name, "released", "other") for name in both),
        ]

    def test_what_is_granted_at_once(self) -> None:
        acme = factories.organization("acme")
        assert new_lines(lambda: grant_namespace(actor=OPERATOR, name="acme", organization=acme)) == [
            ("acme", "granted", "acme")
        ]

    def test_who_waits_is_not_told_even_when_it_comes_to_nothing(self) -> None:
        acme = factories.organization("acme")
        grant = grant_namespace(actor=OPERATOR, name="acme", organization=acme, state=S.HELD)
        release_namespace(actor=OPERATOR, grant=grant)
        assert lines() == [("acme", "held", ""), ("acme", "released", "")]

    def test_the_organization_keeps_the_name_that_it_had_then(self) -> None:
        acme = factories.organization("acme")
        grant = factories.grant("acme", acme)
        assert lines() == [("acme", "granted", "acme")]
        rename_organization(actor=OPERATOR, organization=acme, name="apex")
        lock_namespace(actor=OPERATOR, grant=grant)
        assert lines() == [("acme", "granted", "acme"), ("acme", "locked", "apex")]

    @pytest.mark.parametrize("field", ["display_name", "state_changed_at", "effective_at", "root"])
    def test_what_is_no_change_of_what_is_held_writes_nothing(self, field: str) -> None:
        acme = factories.organization("acme")
        root, grant = factories.grant("acme", acme), factories.grant("acme-labs", acme)
        value = {"display_name": "Acme.Labs", "root": root}.get(field, datetime(2025, 1, 1, tzinfo=UTC))
        setattr(grant, field, value)
        assert new_lines(grant.save) == []

    def test_what_is_done_in_sql_by_hand(self) -> None:
        acme, other = factories.organization("acme"), factories.organization("other")
        grant = factories.grant("acme", acme)
        steps = [
            ("UPDATE namespaces_grant SET name = 'apex'", [("acme", "released", "acme"), ("apex", "granted", "acme")]),
            ("UPDATE namespaces_grant SET state = 'released'", [("apex", "released", "acme")]),
            ("UPDATE namespaces_grant SET state = 'active'", [("apex", "granted", "acme")]),
            (
                f"UPDATE namespaces_grant SET state = 'locked', owner_id = {other.pk}",
                [("apex", "transferred", "other"), ("apex", "locked", "other")],
            ),
            (f"DELETE FROM namespaces_grant WHERE id = {grant.pk}", [("apex", "released", "other")]),
        ]
        factories.seal()
        for statement, wanted in steps:
            assert new_lines(partial(run, statement)) == wanted, statement

    def test_nothing_is_written_of_what_is_rolled_back(self) -> None:
        acme = factories.organization("acme")
        with transaction.atomic():
            factories.grant("acme", acme)
            transaction.set_rollback(True)
        assert lines() == []


# --- Nothing can be changed -------------------------------------------------------------------------------------------


class TestAppendOnly:
    @pytest.fixture(autouse=True)
    def _written(self) -> None:
        factories.grant("acme", factories.organization("acme"))
        factories.seal()

    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE namespaces_logentry SET organization = 'other'",
            "UPDATE namespaces_logentry SET id = id + 1",
            "DELETE FROM namespaces_logentry",
            (
                "INSERT INTO namespaces_logentry (at, namespace, change, organization)"
                " VALUES (now(), 'acme', 'released', 'acme')"
            ),
            "MERGE INTO namespaces_logentry USING (SELECT 1) one ON true WHEN MATCHED THEN DELETE",
        ],
    )
    def test_by_nobody(self, statement: str) -> None:
        with nothing_changes(), pytest.raises(IntegrityError, match="The log of grants is append-only"):
            run(statement)

    def test_by_the_orm(self) -> None:
        entry = LogEntry.objects.get()
        for act in (entry.save, entry.delete, LogEntry.objects.all().delete, LogEntry(at=entry.at).save):
            with nothing_changes(), pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
                act()

    @pytest.mark.parametrize("setting", ["off", "", "yes"])
    def test_truncate_without_the_setting_of_the_suite(self, setting: str) -> None:
        run("SELECT set_config('freehold.allow_truncate', %s, true)", setting)
        with nothing_changes(), pytest.raises(IntegrityError, match="append-only"):
            run("TRUNCATE namespaces_logentry")


# --- Concurrent writers -----------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
class TestFollowing:
    def test_a_line_is_seen_after_all_that_have_smaller_numbers(self, client: Client) -> None:
        """The second writer waits for the first at its commit, so no smaller number turns up behind a larger one."""
        owners = [factories.organization(f"org{number}") for number in range(2)]
        go = threading.Event()

        def first() -> None:
            factories.grant("first", owners[0])
            factories.seal()

        leader = Contender(first, go)
        follower = Contender(partial(factories.grant, "second", owners[1]))
        leader.start()
        leader.has_acted.wait(10)
        follower.start()
        follower.connected.wait(10)
        try:
            wait_until_blocked(follower.pid, by=leader.pid)
            assert followed(client) == []
        finally:
            go.set()
            leader.join(10)
            follower.join(10)
        assert [entry["namespace"] for entry in followed(client)] == ["first", "second"]

    @pytest.mark.slow
    def test_who_follows_while_many_write_misses_nothing(self, client: Client) -> None:
        owners = [factories.organization(f"org{number}") for number in range(6)]

        def write(number: int) -> None:
            for turn in range(15):
                factories.grant(f"name{number}-{turn}", owners[number])

        writers = [threading.Thread(target=in_own_connection, args=(partial(write, number),)) for number in range(6)]
        for writer in writers:
            writer.start()
        got: list[dict[str, Any]] = []
        while any(writer.is_alive() for writer in writers):
            got += followed(client, got[-1]["id"] if got else 0)
        got += followed(client, got[-1]["id"] if got else 0)
        assert {entry["namespace"] for entry in got} == {f"name{n}-{turn}" for n in range(6) for turn in range(15)}
        assert len(got) == 90
        assert [entry["id"] for entry in got] == sorted(entry["id"] for entry in got)


def in_own_connection(act: Callable[[], object]) -> None:
    try:
        act()
    finally:
        connection.close()


def followed(client: Client, after: int = 0) -> list[dict[str, Any]]:
    return parsed(client.get("/log.jsonl", {"after": after}))


def parsed(response: Any) -> list[dict[str, Any]]:
    assert response.status_code == 200
    return [json.loads(line) for line in b"".join(response.streaming_content).splitlines()]


# --- What was there before --------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_an_existing_database_gets_its_history_from_the_grants_there_are() -> None:
    before, after = ("namespaces", "0010_disputes"), ("namespaces", "0011_public_log")
    leaves = MigrationExecutor(connection).loader.graph.leaf_nodes()
    acme = factories.organization("acme")
    day = timedelta(days=1)
    root = factories.grant("acme", acme)
    children: list[tuple[str, dict[str, Any]]] = [
        ("acme-labs", {"root": root}),
        ("locked", {"state": S.LOCKED}),
        ("quarantined", {"state": S.QUARANTINED}),
        ("waits", {"state": S.HELD}),
        ("gone", {"state": S.RELEASED}),
    ]
    for name, fields in children:
        factories.grant(name, acme, **fields)
    Grant.objects.filter(name="waits").update(effective_at=None)
    Grant.objects.update(created_at=F("created_at") - 30 * day, state_changed_at=F("state_changed_at") - day)
    executor = MigrationExecutor(connection)
    executor.migrate([before])
    try:
        MigrationExecutor(connection).migrate([after])
        found = list(LogEntry.objects.order_by("pk"))
    finally:
        MigrationExecutor(connection).migrate(leaves)
    begun, since = found[:6], found[6:]
    assert {(entry.namespace, entry.change, entry.organization) for entry in begun} == {
        ("acme", "granted", "acme"),
        ("acme-labs", "child", "acme"),
        ("locked", "granted", "acme"),
        ("quarantined", "granted", "acme"),
        ("waits", "held", ""),
        ("gone", "granted", "acme"),
    }
    assert {(entry.namespace, entry.change) for entry in since} == {
        ("locked", "locked"),
        ("quarantined", "quarantined"),
        ("gone", "released"),
    }
    assert [entry.at for entry in found] == sorted(entry.at for entry in found)


# --- The page ---------------------------------------------------------------------------------------------------------


class TestPage:
    @pytest.fixture
    def acme(self) -> Any:
        acme = factories.organization("acme")
        root = factories.grant("acme", acme)
        factories.grant("acme-labs", acme, root=root)
        factories.grant("acmelike", factories.organization("other"), state=S.HELD)
        lock_namespace(actor=OPERATOR, grant=root)
        factories.seal()
        return acme

    def test_it_says_what_became_of_each_the_newest_first(self, client: Client, acme: Any) -> None:
        response = client.get("/log/")
        shown = [(entry.namespace, entry.change) for entry in response.context["entries"]]
        assert shown == [
            ("acme-labs", "locked"),
            ("acme", "locked"),
            ("acmelike", "held"),
            ("acme-labs", "child"),
            ("acme", "granted"),
        ]
        assert "Not public before it is enforced" in text_of(response)
        assert 'href="/namespaces/acme/"' in response.content.decode()
        assert 'href="/organizations/acme/"' in response.content.decode()

    @pytest.mark.parametrize(
        ("query", "names"),
        [
            ("namespace=Acme", {"acme", "acme-labs"}),
            ("namespace=acme-labs", {"acme-labs"}),
            ("change=held", {"acmelike"}),
            ("namespace=acme&change=child", {"acme-labs"}),
            ("namespace=acme&change=held", set()),
            ("namespace=no%20name", {"acme", "acme-labs", "acmelike"}),
            ("change=nonsense", {"acme", "acme-labs", "acmelike"}),
        ],
    )
    def test_it_is_narrowed(self, client: Client, acme: Any, query: str, names: set[str]) -> None:
        assert {entry.namespace for entry in client.get(f"/log/?{query}").context["entries"]} == names

    def test_a_filter_that_makes_no_sense_says_so(self, client: Client, acme: Any) -> None:
        assert "No namespace can be called so" in text_of(client.get("/log/?namespace=no%20name"))

    def test_pages_go_on_from_a_number(
        self, client: Client, acme: Any, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
    ) -> None:
        monkeypatch.setattr(public_log, "PAGE", 2)
        seen, address = [], "/log/?namespace=acme"
        while address:
            with django_assert_num_queries(1):
                response = client.get(address)
            seen += [(entry.namespace, entry.change) for entry in response.context["entries"]]
            older = response.context["older"]
            address = f"/log/{older}" if older else ""
        assert seen == [("acme-labs", "locked"), ("acme", "locked"), ("acme-labs", "child"), ("acme", "granted")]

    def test_before_the_first_line_it_says_that(self, client: Client) -> None:
        assert "Nothing has been granted yet." in text_of(client.get("/log/"))
        assert "No line matches." in text_of(client.get("/log/?change=held"))
        assert "There is nothing older." in text_of(client.get("/log/?before=1"))

    def test_caches_may_keep_it_for_a_minute_and_are_purged(self, client: Client, acme: Any) -> None:
        response = client.get("/log/")
        assert response["Cache-Control"] == "public, max-age=60"
        assert "pages" in response["Surrogate-Key"].split()
        assert client.get("/log/", headers={"If-None-Match": response["ETag"]}).status_code == 304


class TestLinesForMachines:
    @pytest.fixture
    def entries(self) -> list[LogEntry]:
        acme = factories.organization("acme")
        for name in ("one", "two", "two-x", "three"):
            factories.grant(name, acme, state=S.HELD if name == "three" else S.ACTIVE)
        factories.seal()
        return list(LogEntry.objects.order_by("pk"))

    def test_a_line(self, client: Client, entries: list[LogEntry]) -> None:
        first, *_, last = followed(client)
        at = entries[0].at.isoformat()
        assert first == {
            "id": entries[0].pk,
            "at": at,
            "namespace": "one",
            "change": "granted",
            "organization": "acme",
        }
        assert last["organization"] is None

    def test_it_goes_on_after_a_number(self, client: Client, entries: list[LogEntry]) -> None:
        assert [entry["namespace"] for entry in followed(client, entries[1].pk)] == ["two-x", "three"]
        assert followed(client, entries[-1].pk) == []

    def test_it_is_narrowed(self, client: Client, entries: list[LogEntry]) -> None:
        found = parsed(client.get("/log.jsonl?namespace=TWO&change=granted"))
        assert [entry["namespace"] for entry in found] == ["two", "two-x"]

    def test_it_is_read_in_portions(
        self,
        client: Client,
        entries: list[LogEntry],
        monkeypatch: pytest.MonkeyPatch,
        django_assert_num_queries: Any,
    ) -> None:
        monkeypatch.setattr(public_log, "CHUNK", 2)
        with django_assert_num_queries(4):  # the newest number, two portions, and the one that is empty
            assert len(followed(client)) == 4

    @pytest.mark.parametrize(
        "query", ["after=x", "after=-1", "after=" + "9" * 40, "after=١", "namespace=a%20b", "change=x"]
    )
    def test_what_makes_no_sense_is_refused(self, client: Client, query: str) -> None:
        response = client.get(f"/log.jsonl?{query}")
        assert (response.status_code, response["Content-Type"]) == (400, "application/problem+json")

    def test_who_has_it_all_hears_so_cheaply(self, client: Client, entries: list[LogEntry]) -> None:
        response = client.get("/log.jsonl")
        assert response["Cache-Control"] == "public, max-age=0, must-revalidate"
        assert "Accept-Language" not in response.get("Vary", "")
        again = {"If-None-Match": response["ETag"]}
        assert client.get("/log.jsonl", headers=again).status_code == 304
        factories.grant("four", factories.organization("more"))
        factories.seal()
        assert client.get("/log.jsonl", headers=again).status_code == 200


def test_a_long_log_is_read_by_its_indexes() -> None:
    """Nothing of the log is sorted or read as a whole for a page, however it is narrowed."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        for wanted in (public_log.Wanted(), public_log.Wanted(change="held"), public_log.Wanted(namespace="acme")):
            query = public_log.log_entries(wanted).order_by("-pk")[:51]
            assert "Seq Scan" not in query.explain(), wanted
