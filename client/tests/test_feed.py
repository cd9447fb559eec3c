"""The snapshot, taken once and followed through the feed of changes."""

from __future__ import annotations

import threading

import pytest

from fakes import ALICE, BOB, down, grant, organization, reason, reply
from freehold_client import feed


class TestFeed:
    def test_a_new_namespace(self, client, world) -> None:
        assert reason(client, "new-x") == "outside"
        world.change("organization", "newco", organization("newco", "bob"))
        world.change("grant", "new", grant("new", "newco"))
        assert client.refresh()
        assert client.snapshot.revision == 9
        world.misbehave = down
        assert reason(client, "new-x") == "snapshot-holder"
        assert reason(client, "new-x", ALICE) == "unavailable"

    def test_a_deeper_one_than_any_before(self, client, world) -> None:
        world.change("grant", "a-b-c-d", grant("a-b-c-d", "acme"))
        client.refresh()
        assert client.namespaces_of("a-b-c-d-e", None) == [{"name": "a-b-c-d", "owned": False}]

    def test_one_that_is_gone(self, client, world) -> None:
        world.change("grant", "acme", None)
        world.change("organization", "acme", None)
        client.refresh()
        assert reason(client, "acme-x") == "outside"
        assert client.snapshot.organizations == {}

    def test_a_revoked_publisher(self, client, world) -> None:
        world.change("organization", "acme", organization("acme"))
        client.refresh()
        world.misbehave = down
        assert reason(client, "acme-x", ALICE) == "unavailable"

    def test_projects_and_kinds_to_come_are_passed_over(self, client, world) -> None:
        world.change("project", "acme-x", None)
        world.change("projects", "", None)
        world.changes[-1]["name"] = None
        world.change("policy", "acme", None)
        assert client.refresh()
        assert client.snapshot.revision == 10
        assert client.counters["unknown_changes"] == 1

    def test_page_after_page(self, client, world) -> None:
        world.page = 3
        for number in range(10):
            world.change("grant", f"n{number}", grant(f"n{number}", "acme"))
        assert client.refresh()
        assert (client.snapshot.revision, len(client.snapshot.grants)) == (17, 11)

    def test_nothing_new_confirms(self, client, clock) -> None:
        clock.go_on(100)
        assert client.snapshot_age == 100
        assert client.refresh()
        assert client.snapshot_age == 0
        assert client.counters["snapshots_taken"] == 1

    def test_stopped_between_pages_it_is_not_confirmed(self, client, world, clock) -> None:
        world.page = 1
        for number in range(4):
            world.change("grant", f"n{number}", grant(f"n{number}", "acme"))
        clock.go_on(100)
        served = []

        def twice(handler):
            served.append(handler.path)
            reply(handler, *(world.respond("GET", handler.path, None) if len(served) < 3 else (500, {})))

        world.misbehave = twice
        assert not client.refresh()
        assert (client.snapshot.revision, client.snapshot_age) == (9, 100)
        world.misbehave = None
        assert client.refresh()
        assert (client.snapshot.revision, client.snapshot_age) == (11, 0)

    def test_410_takes_a_new_snapshot(self, client, world) -> None:
        world.revision = 3
        world.put(grant("other", "acme"))
        assert client.refresh()
        assert (client.snapshot.revision, client.counters["snapshots_taken"]) == (3, 2)
        assert reason(client, "other-x") != "outside"

    @pytest.mark.parametrize("lost", [0, 1, 2])
    def test_a_gap_takes_a_new_snapshot(self, client, world, lost) -> None:
        for number in range(3):
            world.change("grant", f"n{number}", grant(f"n{number}", "acme"))
        del world.changes[lost]
        if lost == 2:
            world.respond_changes = None
            original = world._changes
            world._changes = lambda after: (200, {**original(after)[1], "revision": 10, "more": False})
        assert client.refresh()
        assert len(client.snapshot.grants) == 4
        assert (client.counters["gaps"], client.counters["snapshots_taken"]) == (1, 2)

    def test_all_changes_pruned_is_a_gap(self, client, world) -> None:
        world.change("grant", "new", grant("new", "acme"))
        world.changes.clear()
        assert client.refresh()
        assert "new" in client.snapshot.grants

    @pytest.mark.parametrize(
        "page",
        [
            {},
            {"revision": 8, "more": False, "changes": None},
            {"revision": "8", "more": False, "changes": []},
            {"revision": 7, "more": True, "changes": []},
            {"revision": 7, "more": "no", "changes": []},
            {"revision": 8, "more": False, "changes": [{"revision": 8, "kind": "grant", "name": "x", "value": {}}]},
            {
                "revision": 8,
                "more": False,
                "changes": [{"revision": 8, "kind": "grant", "name": "x", "value": grant("y", "a")}],
            },
            {
                "revision": 8,
                "more": False,
                "changes": [{"revision": 8, "kind": "grant", "name": "x", "value": grant("x", "A")}],
            },
            {
                "revision": 8,
                "more": False,
                "changes": [{"revision": 8, "kind": "grant", "name": "x", "value": grant("x", "a", state="odd")}],
            },
            {
                "revision": 8,
                "more": False,
                "changes": [
                    {"revision": 8, "kind": "grant", "name": "x", "value": grant("x", "a", effective_at="2026-01-01")}
                ],
            },
            {
                "revision": 8,
                "more": False,
                "changes": [{"revision": 8, "kind": "organization", "name": "x", "value": {"name": "x"}}],
            },
            *(
                {
                    "revision": 8,
                    "more": False,
                    "changes": [{"revision": 8, "kind": "organization", "name": "x", "value": value}],
                }
                for value in (organization("x", former_names=former) for former in (None, "old", [7], ["Old"]))
            ),
            {"revision": 8, "more": False, "changes": [7]},
        ],
    )
    def test_a_malformed_page_changes_nothing(self, client, world, clock, page) -> None:
        clock.go_on(50)
        world.misbehave = lambda handler: reply(handler, 200, page)
        assert not client.refresh()
        assert (client.snapshot.revision, list(client.snapshot.grants)) == (7, ["acme"])
        assert client.snapshot_age == 50

    @pytest.mark.parametrize(
        "body", [b"", b"{}", b"[]", b"nonsense", b'{"revision": 1, "grants": [], "organizations": 7}']
    )
    def test_a_malformed_snapshot_is_none(self, world, make_client, body) -> None:
        world.misbehave = lambda handler: reply(handler, 200, body)
        client = make_client(world.url)
        assert not client.refresh()
        assert client.snapshot is None

    def test_a_snapshot_that_bursts_when_unzipped(self, world, make_client, monkeypatch) -> None:
        monkeypatch.setattr(feed, "SNAPSHOT_LIMIT", 100_000)
        world.misbehave = lambda handler: reply(handler, 200, b" " * 10_000_000)
        assert not make_client(world.url).refresh()

    def test_the_age_counts_from_the_question(self, client, world, clock) -> None:
        world.misbehave = lambda handler: (clock.go_on(30), reply(handler, *world.respond("GET", handler.path, None)))
        assert client.refresh()
        assert client.snapshot_age == 30

    def test_a_revoked_token(self, client, world, clock) -> None:
        world.token = "another"
        assert not client.refresh()
        assert client.check_upload("acme-x", BOB, exists=False).status == 503
        clock.go_on(3601)
        assert client.check_upload("outside", BOB, exists=False).status == 503


def test_readers_and_the_writer_together(client, world) -> None:
    """Whatever is applied meanwhile, a reader sees a namespace whole: with its holder or not at all."""
    world.misbehave = None
    wrong, stop = [], threading.Event()

    def read():
        while not stop.is_set():
            found = client.namespaces_of("flip-x", "acme")
            if found not in (None, [{"name": "flip", "owned": True}]):
                wrong.append(found)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for number in range(40):
        world.change("grant", "flip", grant("flip", "acme") if number % 2 else None)
        client.refresh()
    stop.set()
    for reader in readers:
        reader.join()
    assert wrong == []
