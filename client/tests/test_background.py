"""Clocks that jump, the thread that refreshes, and forks."""

from __future__ import annotations

import math
import os
import time

from fakes import BOB, TOKEN, answer, down, grant, organization, reason, wait_for
from freehold_client import NamespaceClient, Publisher
from freehold_client.clock import Clock, Freshness


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
