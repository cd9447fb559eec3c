"""The benches themselves: what they compare answers alike, and the load generator reads and waits as it says."""

from __future__ import annotations

import itertools
import socket
import statistics
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from bench import load
from bench.report import Goal
from namespaces.states import GrantState
from orgs.vocabulary import Role, Standing
from tests import factories
from tests.conftest import IndexClient

CHECK, USUAL = "/api/v1/uploads/check", "/bench/usual"
CLAIMS = {"iss": "https://ci.example", "repository_owner": "acme"}


@pytest.fixture
def names(db: None) -> None:
    acme, guest = factories.organization("acme"), factories.organization("guest")
    lapsed = factories.organization("lapsed", standing=Standing.LAPSED)
    grant = factories.grant("acme", acme)
    factories.grant("acme-labs", acme, root=grant)
    factories.grant("old", lapsed, state=GrantState.LOCKED)
    for org in (acme, guest, lapsed):
        factories.member(org, f"owner-of-{org.name}")
    factories.member(acme, "clerk", Role.BILLING)
    factories.team(acme, "teammate", grants=[grant])
    factories.trusted(acme, repository_owner="acme")
    factories.share(grant, guest)
    factories.project("acme-known", owner="acme")
    factories.project("old-known", owner="lapsed")


@pytest.mark.urls("bench.urls")
@pytest.mark.usefixtures("names")
@pytest.mark.parametrize("project", ["free", "Acme.New", "acme-labs-x", "acme-known", "old-known", "old-new"])
@pytest.mark.parametrize("mirror", [True, False])
def test_the_usual_check_answers_as_ours(index: IndexClient, project: str, mirror: bool) -> None:
    users = ["stranger", "owner-of-acme", "owner-of-guest", "owner-of-lapsed", "clerk", "teammate"]
    publishers: list[Any] = [{"user": user} for user in users]
    publishers += [{"organization": "acme"}, {"claims": CLAIMS}, {"user": "stranger", "claims": CLAIMS}]
    for publisher in publishers:
        question = {"project": project, "publisher": publisher} | ({} if mirror else {"first_uploaded": None})
        ours, usual = index.post(CHECK, question), index.post(USUAL, question)
        assert ours.status_code == usual.status_code == 200
        assert ours.json() == usual.json(), question


class TestLoad:
    @pytest.fixture
    def port(self) -> Iterator[int]:
        """A server that answers every request with one empty object, in two pieces."""
        listener = socket.create_server(("127.0.0.1", 0))

        def answer(connection: socket.socket) -> None:
            with connection:
                while connection.recv(65536):
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Le")
                    connection.sendall(b"ngth: 2\r\n\r\n{}")

        def accept() -> None:
            for _ in range(2):
                threading.Thread(target=answer, args=listener.accept()[:1], daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        with listener:
            yield listener.getsockname()[1]

    def test_a_closed_and_an_open_loop(self, port: int) -> None:
        message = load.request("/", {}, "token")
        with load.callers(port, 2) as crew:
            assert crew[0].ask(message) == {}
            assert load.throughput(crew, [message], 0.05) > 0
            waits = load.latencies(crew, [message], rate=500, seconds=0.1, seed=1)
        assert len(waits) == len(load._schedule(500, 0.1, 1, 0.0))
        assert min(waits) > 0

    def test_arrivals_are_a_poisson_process(self) -> None:
        instants = list(load._schedule(1000, 20, 7, 5.0))
        gaps = [later - earlier for earlier, later in itertools.pairwise(instants)]
        assert instants[0] == 5.0 and instants[-1] < 25.0
        assert statistics.mean(gaps) == pytest.approx(1 / 1000, rel=0.05)
        assert statistics.stdev(gaps) == pytest.approx(1 / 1000, rel=0.05)  # as its mean: memoryless

    @pytest.mark.parametrize("received", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{"])
    def test_half_an_answer_is_none(self, received: bytes) -> None:
        assert load._body(received) is None

    def test_an_answer_without_length_is_refused(self) -> None:
        with pytest.raises(load.BadAnswer):
            load._body(b"HTTP/1.1 200 OK\r\n\r\n{}")


def test_goals() -> None:
    assert Goal(at_least=0.5).is_met(0.5) and not Goal(at_least=0.5).is_met(0.49)
    assert Goal(at_most=3).is_met(3) and not Goal(at_most=3).is_met(3.01)
    assert (str(Goal(at_least=0.5)), str(Goal(at_most=3))) == ("≥ 0.5", "≤ 3")
