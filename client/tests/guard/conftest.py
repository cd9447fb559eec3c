"""One guarded index, on each of three servers, for the whole session."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from freehold_client.guard import Limits, NamespaceGuard, remote_user
from guard.servers import SERVERS
from guard.stand_in import Authentication, FakeClient, RecordingIndex

ALLOW = [("POST", "/login"), ("DELETE", "/session"), ("POST", r"/\+api/.*")]
LIMITS = Limits(drain_seconds=3, body_seconds=10)


@dataclass(frozen=True)
class Served:
    """A guarded index on a port."""

    server: str
    port: int
    index: RecordingIndex
    client: FakeClient


@pytest.fixture(scope="session", params=sorted(SERVERS))
def session_server(request: pytest.FixtureRequest) -> Iterator[Served]:
    index, client = RecordingIndex(), FakeClient()
    app = Authentication(NamespaceGuard(index, client, identify=remote_user, allow=ALLOW, limits=LIMITS))
    with SERVERS[request.param](app) as port:
        yield Served(request.param, port, index, client)


@pytest.fixture
def served(session_server: Served) -> Served:
    session_server.index.seen.clear()
    session_server.client.asked.clear()
    return session_server
