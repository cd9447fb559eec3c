"""Waiting for the feed to go on: prompt when there is something, bounded when there is not, and never in the way."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection

from namespaces import feed, waiting
from namespaces.services.projects import put_project
from tests import factories
from tests.concurrency import another_connection
from tests.conftest import IndexClient

CHANGES = "/api/v1/changes"


def seconds_of(act: Callable[[], Any]) -> tuple[float, Any]:
    began = time.monotonic()
    found = act()
    return time.monotonic() - began, found


class Waiter(threading.Thread):
    """Asks in a thread with a connection of its own, as a thread of the web server does."""

    def __init__(self, token: str, query: str) -> None:
        super().__init__(daemon=True)
        self.caller, self.query = IndexClient(token), query
        self.pid = 0
        self.took = 0.0
        self.response: Any = None

    def run(self) -> None:
        try:
            connection.ensure_connection()
            self.pid = connection.connection.info.backend_pid
            self.took, self.response = seconds_of(lambda: self.caller.get(CHANGES + self.query))
        finally:
            connection.close()

    def until_it_waits(self) -> None:
        end = time.monotonic() + 10
        while waiting._places._value:
            assert time.monotonic() < end and self.is_alive()
            time.sleep(0.005)

    def answer(self) -> Any:
        self.join(30)
        assert self.response is not None
        assert self.response.status_code == 200, self.response.content
        return self.response.json()


@pytest.fixture
def token(transactional_db: None) -> Iterator[str]:
    put_project(name="first")
    yield factories.token()
    assert waiting._places._value == 1, "a place was not given back"


def waiter(token: str, seconds: int) -> Waiter:
    made = Waiter(token, f"?after={feed.current_revision()}&wait={seconds}")
    made.start()
    made.until_it_waits()
    return made


@pytest.mark.slow
class TestWaiting:
    def test_a_change_ends_it(self, token: str) -> None:
        waits = waiter(token, 25)
        time.sleep(0.3)
        assert waits.is_alive()
        put_project(name="second")
        committed = time.monotonic()
        assert [change["name"] for change in waits.answer()["changes"]] == ["second"]
        assert time.monotonic() - committed < 1
        assert "Retry-After" not in waits.response

    def test_it_ends_when_the_time_has_passed(self, token: str) -> None:
        waits = waiter(token, 1)
        assert waits.answer() == {"revision": feed.current_revision(), "more": False, "changes": []}
        assert 0.9 < waits.took < 2
        assert "Retry-After" not in waits.response

    def test_the_second_is_answered_at_once_and_told_when_to_come_again(self, token: str) -> None:
        waits = waiter(token, 25)
        path = f"{CHANGES}?after={feed.current_revision()}&wait=25"
        took, response = seconds_of(lambda: IndexClient(token).get(path))
        assert (response.status_code, response.json()["changes"]) == (200, [])
        assert took < 1 and response["Retry-After"] == "2"
        put_project(name="second")
        waits.answer()

    def test_checks_are_answered_while_one_waits(self, token: str) -> None:
        waits = waiter(token, 25)
        took, _ = seconds_of(lambda: [IndexClient(token).check("acme-x", user="alice") for _ in range(20)])
        assert took < 2 and waits.is_alive()
        put_project(name="second")
        waits.answer()

    def test_no_transaction_is_open_meanwhile(self, token: str) -> None:
        waits = waiter(token, 25)
        with another_connection() as other:
            for _ in range(30):
                found = other.execute("SELECT state, xact_start FROM pg_stat_activity WHERE pid = %s", [waits.pid])
                state = found.fetchone()
                other.commit()
                assert state is not None and (state[0] == "active" or state == ("idle", None))
                time.sleep(0.02)
        put_project(name="second")
        waits.answer()

    def test_the_place_is_given_back_when_it_fails(self, token: str, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(*_: Any) -> None:
            raise RuntimeError

        monkeypatch.setattr(waiting, "_poll", fail)
        after = feed.current_revision()
        with pytest.raises(RuntimeError):
            waiting.wait_for_change(after=after, seconds=1)


class TestAtOnce:
    @pytest.mark.parametrize("query", ["?after=0&wait=25", "?after=0", "?after=1", "?after=1&wait=0"])
    def test_there_is_something_or_nobody_asked_to_wait(self, token: str, query: str) -> None:
        took, response = seconds_of(lambda: IndexClient(token).get(CHANGES + query))
        assert took < 1 and response.status_code == 200 and "Retry-After" not in response

    def test_a_revision_that_we_have_not_reached_is_not_waited_for(self, token: str) -> None:
        took, response = seconds_of(lambda: IndexClient(token).get(f"{CHANGES}?after=99&wait=1"))
        assert response.status_code == 410
        assert took < 1

    @pytest.mark.parametrize("wait", ["-1", "26", "x", "1.5"])
    def test_what_is_no_time(self, token: str, wait: str) -> None:
        assert IndexClient(token).get(f"{CHANGES}?after=1&wait={wait}").status_code == 400
