"""The snapshot: followed through the feed, kept on disk, and never taken for fresher than it is."""

from __future__ import annotations

import errno
import json
import math
import os
import subprocess
import threading
import time

import pytest

from fakes import TOKEN, answer, grant, organization, reply
from freehold_client import NamespaceClient, Publisher
from freehold_client import store as store_module
from freehold_client.clock import Clock, Freshness

ALICE, BOB = Publisher(user="alice"), Publisher(user="bob")


@pytest.fixture
def world(freehold):
    freehold.put(grant("acme", "acme"), organization("acme", "alice"))
    return freehold


@pytest.fixture
def client(world, make_client, tmp_path):
    client = make_client(world.url, cache_dir=tmp_path / "cache")
    assert client.refresh()
    return client


def reason(client, name, publisher=BOB, **upload):
    return client.check_upload(name, publisher, **{"exists": False, **upload}).reason


def down(handler):
    reply(handler, 500, {})


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
        from freehold_client import feed

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


class TestDisk:
    def again(self, make_client, world, tmp_path, **options):
        return make_client(world.url, cache_dir=tmp_path / "cache", **options)

    def test_a_restart_while_down(self, client, world, make_client, tmp_path, clock) -> None:
        world.misbehave = down
        clock.go_on(100)
        second = self.again(make_client, world, tmp_path)
        assert second.snapshot_age == pytest.approx(100)
        assert reason(second, "outside") == "outside"
        assert reason(second, "acme-x") == "unavailable"
        assert reason(second, "acme-x", ALICE) == "snapshot-holder"

    def test_all_that_is_known_comes_back(self, world, make_client, tmp_path) -> None:
        world.put(
            grant("b", "acme", shares=[{"organization": "f", "expires_at": "2030-01-01T00:00:00.5Z"}], state="locked"),
            grant(
                "c",
                "acme",
                publishers=[{"organization": "acme", "user": "t"}],
                effective_at="2026-01-02T03:04:05.678901Z",
            ),
            organization(
                "f", "x", "y", trusted_publishers=[{"issuer": "i", "claims": {"a": "b", "c": "d*"}}], standing="grace"
            ),
        )
        for number in range(1200):
            world.put(grant(f"many{number}", "acme"))
        first = self.again(make_client, world, tmp_path)
        first.refresh()
        second = self.again(make_client, world, tmp_path)
        assert second.snapshot.grants == first.snapshot.grants
        assert second.snapshot.organizations == first.snapshot.organizations
        assert second.snapshot.revision == first.snapshot.revision

    def test_is_followed_from_there(self, client, world, make_client, tmp_path) -> None:
        world.change("grant", "new", grant("new", "acme"))
        second = self.again(make_client, world, tmp_path)
        assert second.refresh()
        assert (second.counters["snapshots_taken"], second.snapshot.revision) == (0, 8)

    def test_too_old_after_a_long_stop(self, client, world, make_client, tmp_path, clock) -> None:
        clock.go_on(3601)
        world.misbehave = down
        assert reason(self.again(make_client, world, tmp_path), "outside") == "unavailable"

    def test_close_writes_what_is_known(self, client, world, make_client, tmp_path, clock) -> None:
        world.change("grant", "new", grant("new", "acme"))
        clock.go_on(10)
        client.refresh()
        client.close()
        second = self.again(make_client, world, tmp_path)
        assert (second.snapshot.revision, second.snapshot_age) == (8, 0)

    def test_confirmations_are_kept_without_writing_it_all_again(
        self, client, world, make_client, tmp_path, clock
    ) -> None:
        written = (tmp_path / "cache" / "snapshot").stat().st_mtime_ns
        clock.go_on(301)
        client.refresh()
        assert (tmp_path / "cache" / "snapshot").stat().st_mtime_ns == written
        clock.go_on(5)
        assert self.again(make_client, world, tmp_path).snapshot_age == 5

    def test_a_confirmation_of_another_file_counts_for_nothing(
        self, client, world, make_client, tmp_path, clock
    ) -> None:
        clock.go_on(301)
        client.refresh()
        confirmed = tmp_path / "cache" / "confirmed"
        kept = json.loads(confirmed.read_text())
        confirmed.write_text(json.dumps({**kept, "digest": "0"}))
        assert self.again(make_client, world, tmp_path).snapshot_age == 301
        confirmed.write_text("{")
        assert self.again(make_client, world, tmp_path).snapshot_age == 301

    @pytest.mark.parametrize("keep", [0, 1, 10, 100, -2, -60, -200])
    def test_a_truncated_file(self, client, world, make_client, tmp_path, keep) -> None:
        path = tmp_path / "cache" / "snapshot"
        path.write_bytes(path.read_bytes()[:keep])
        self.refused(make_client, world, tmp_path)

    @pytest.mark.parametrize(
        "content", [b"\x00" * 5000, b"\n\n\n", b"null\nnull\n", b"[" * 100_000, b'{"sha256":"x"}\n', b"\xff\xfe" * 50]
    )
    def test_garbage(self, client, world, make_client, tmp_path, content) -> None:
        (tmp_path / "cache" / "snapshot").write_bytes(content)
        self.refused(make_client, world, tmp_path)

    def test_every_flipped_byte_is_noticed(self, client, world, make_client, tmp_path) -> None:
        path = tmp_path / "cache" / "snapshot"
        whole = path.read_bytes()
        for position in range(0, len(whole), 17):
            damaged = bytearray(whole)
            damaged[position] ^= 1
            path.write_bytes(damaged)
            self.refused(make_client, world, tmp_path)

    def refused(self, make_client, world, tmp_path) -> None:
        second = self.again(make_client, world, tmp_path)
        assert second.snapshot is None
        assert second.counters["restore_failures"] == 1
        assert second.refresh()
        assert reason(second, "outside") == "outside"

    def test_another_freeholds_snapshot(self, client, world, make_client, tmp_path) -> None:
        other = make_client(world.url + "/other", cache_dir=tmp_path / "cache")
        assert other.snapshot is None

    def test_a_directory_in_its_place(self, world, make_client, tmp_path) -> None:
        (tmp_path / "cache" / "snapshot").mkdir(parents=True)
        client = self.again(make_client, world, tmp_path)
        assert client.counters["restore_failures"] == 1
        assert client.refresh()
        assert client.counters["persist_failures"] == 1

    def test_disk_full(self, client, world, make_client, tmp_path, clock, monkeypatch, caplog) -> None:
        """The old file stays as it is; uploads don't notice; the next time works."""

        def full(_):
            raise OSError(errno.ENOSPC, "No space left on device")

        world.change("grant", "new", grant("new", "acme"))
        clock.go_on(301)
        with monkeypatch.context() as patched:
            patched.setattr(store_module.os, "fsync", full)
            assert client.refresh()
            client.close()
        assert client.counters["persist_failures"] == 2
        assert "persist.failed" in [record.freehold["event"] for record in caplog.records]
        assert reason(client, "outside") == "outside"
        assert [path.name for path in (tmp_path / "cache").iterdir()] == ["snapshot"]
        assert self.again(make_client, world, tmp_path).snapshot.revision == 7
        client.close()
        assert self.again(make_client, world, tmp_path).snapshot.revision == 8

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount")
    def test_a_disk_that_is_really_full(self, world, make_client, tmp_path) -> None:
        mounted = tmp_path / "cache"
        mounted.mkdir()
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(mounted)], check=False).returncode:
            pytest.skip("no tmpfs here")
        try:
            for number in range(3000):
                world.put(grant(f"many{number}", "acme"))
            client = self.again(make_client, world, tmp_path)
            assert client.refresh()
            assert client.counters["persist_failures"] == 1
            assert list(mounted.iterdir()) == []
            assert reason(client, "outside") == "outside"
        finally:
            subprocess.run(["umount", str(mounted)], check=True)

    def test_a_directory_that_cannot_be_made(self, world, make_client, tmp_path) -> None:
        (tmp_path / "file").write_text("")
        client = make_client(world.url, cache_dir=tmp_path / "file" / "cache")
        assert client.refresh()
        assert client.counters["persist_failures"] == 1

    def test_killed_while_writing(self, client, world, make_client, tmp_path, monkeypatch, clock) -> None:
        """What a stopped process left is not read, and is cleared away later."""
        left = tmp_path / "cache" / "snapshot.abc.new"
        left.write_bytes(b"half")
        os.utime(left, (clock.wall - 7200, clock.wall - 7200))
        world.change("grant", "new", grant("new", "acme"))
        second = self.again(make_client, world, tmp_path)
        assert second.snapshot.revision == 7
        second.refresh()
        second.close()
        assert not left.exists()

    def test_is_for_the_index_alone_to_read(self, client, tmp_path) -> None:
        assert (tmp_path / "cache" / "snapshot").stat().st_mode & 0o077 == 0


class TestClocks:
    def test_set_forward_while_running(self, client, clock) -> None:
        clock.wall += 10**8
        assert client.snapshot_age == 0

    def test_set_back_while_running(self, client, clock) -> None:
        clock.wall -= 10**8
        clock.elapsed += 50
        assert client.snapshot_age == 50

    def test_set_back_across_a_restart(self, client, world, make_client, tmp_path, clock) -> None:
        clock.wall -= 1
        second = make_client(world.url, cache_dir=tmp_path / "cache")
        assert second.snapshot is not None
        assert second.snapshot_age == math.inf
        assert second.refresh()
        assert second.snapshot_age == 0

    def test_set_back_and_then_closed_keeps_the_true_age(self, client, world, make_client, tmp_path, clock) -> None:
        clock.wall -= 10**6
        clock.go_on(60)
        client.close()
        assert make_client(world.url, cache_dir=tmp_path / "cache").snapshot_age == 60

    def test_a_share_does_not_come_back_to_life(self, client, world, clock) -> None:
        end = "2027-01-15T08:00:10Z"  # ten seconds after the test's clock began
        world.change("grant", "s", grant("s", "acme", shares=[{"organization": "f", "expires_at": end}]))
        world.change("organization", "f", organization("f", "fred"))
        client.refresh()
        world.misbehave = down
        fred = Publisher(user="fred")
        assert reason(client, "s-x", fred) == "snapshot-holder"
        clock.go_on(11)
        clock.wall -= 10**6
        assert reason(client, "s-x", fred) == "unavailable"

    def test_the_real_clock(self) -> None:
        freshness = Freshness(Clock())
        assert freshness.age() == math.inf
        freshness.restore(time.time() - 5)
        assert 4.9 < freshness.age() < 6
        freshness.confirm(Clock().elapsed())
        assert freshness.age() < 1
        assert abs(freshness.now() - time.time()) < 1


class TestBackground:
    def test_keeps_it_fresh(self, world) -> None:
        with NamespaceClient(world.url, TOKEN, refresh_interval=0.02) as client:
            wait_for(lambda: client.snapshot is not None)
            world.change("grant", "new", grant("new", "acme"))
            wait_for(lambda: reason(client, "new-x") != "outside")

    def test_survives_what_should_not_happen(self, world, monkeypatch, caplog) -> None:
        client = NamespaceClient(world.url, TOKEN, refresh_interval=0.01)
        calls = []

        def refresh():
            calls.append(1)
            raise RuntimeError("a mistake of ours")

        monkeypatch.setattr(client._follower, "refresh", refresh)
        client.start()
        wait_for(lambda: len(calls) >= 2)
        client.close()

    def test_recovers_by_itself(self, world) -> None:
        world.misbehave = down
        with NamespaceClient(world.url, TOKEN, refresh_interval=0.02) as client:
            wait_for(lambda: client.counters["refresh_failures"] >= 2)
            world.misbehave = None
            wait_for(lambda: client.snapshot is not None)

    def test_pauses(self, client) -> None:
        refresher = client._refresher
        for failures, longest in ((0, 5), (1, 10), (2, 20), (3, 30), (100, 30)):
            assert 0.8 * longest <= refresher.pause(failures) <= longest

    def test_can_be_started_again(self, world) -> None:
        client = NamespaceClient(world.url, TOKEN, refresh_interval=0.02)
        for _ in range(2):
            before = client.counters["refreshes"]
            client.start().start()
            wait_for(lambda before=before: client.counters["refreshes"] > before)
            client.close()

    def test_in_a_forked_child(self, world) -> None:
        """It has its own connections and its own refresher, though every lock was held when it was made."""
        world.decide = lambda question: answer(question["project"], "unreserved")
        with NamespaceClient(world.url, TOKEN, refresh_interval=0.02) as client:
            wait_for(lambda: client.snapshot is not None)
            client.check_upload("acme-x", BOB)
            with client._counters._lock, client._breaker._lock, client._follower._lock:
                child = os.fork()
                if child == 0:
                    os._exit(0 if _works_in_child(client, world) else 1)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
            assert client.check_upload("acme-x", BOB).source == "server"


def _works_in_child(client, world) -> bool:
    before = client.counters["refreshes"]
    try:
        wait_for(lambda: client.counters["refreshes"] > before + 1)
        return client.check_upload("acme-x", BOB).source == "server"
    except BaseException:
        return False


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


def wait_for(condition, seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.005)
