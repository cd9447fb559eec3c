"""Fixtures of the client's tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from fakes import TOKEN, FakeFreehold, TestClock, grant, organization, serving
from freehold_client import NamespaceClient


@pytest.fixture
def freehold() -> Iterator[FakeFreehold]:
    with serving(FakeFreehold()) as fake:
        yield fake


@pytest.fixture
def clock() -> TestClock:
    return TestClock()


@pytest.fixture
def make_client(clock: TestClock) -> Iterator[Callable[..., NamespaceClient]]:
    """Makes clients with a clock that stands still and a budget for tests."""
    made: list[NamespaceClient] = []

    def make(url: str, **options: Any) -> NamespaceClient:
        client = NamespaceClient(url, **{"token": TOKEN, "budget": 0.5, "clock": clock.clock(), **options})
        made.append(client)
        return client

    yield make
    for client in made:
        client._refresher.stop(1)
        client._transport.close()


@pytest.fixture
def world(freehold):
    """A Freehold where alice publishes for acme, which holds its own name."""
    freehold.put(grant("acme", "acme"), organization("acme", "alice"))
    return freehold


@pytest.fixture
def client(world, make_client, tmp_path):
    """A client that has the snapshot of that world, on disk as well."""
    client = make_client(world.url, cache_dir=tmp_path / "cache")
    assert client.refresh()
    return client
