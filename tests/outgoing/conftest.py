"""A DNS server of our own for every test that asks for ``dns``, and web servers of whom our client knows the roots."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests import dnsserver, webserver

BUDGET = 0.5  # seconds that a test of time gives
BOUND = 3.0  # and by when it must be over, on a machine that has other things to do


@pytest.fixture
def dns(settings: Any) -> Iterator[dnsserver.DnsServer]:
    with dnsserver.serving() as server:
        settings.FREEHOLD_DNS_SERVERS = [server.address]
        yield server


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> webserver.Authority:
    return webserver.Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def web(settings: Any, dns: dnsserver.DnsServer, authority: webserver.Authority) -> Iterator[webserver.WebServer]:
    """``https://forge.example:<port>``, which the operator excepted by name."""
    with webserver.serving(authority, "forge.example", "127.0.0.1") as server:
        dns.set("forge.example", "A", "127.0.0.1")
        settings.FREEHOLD_OUTGOING_CA = authority.path
        settings.FREEHOLD_OUTGOING_ALLOW = [f"forge.example:{server.port}"]
        yield server


@pytest.fixture
def plain(settings: Any) -> Iterator[webserver.WebServer]:
    """Without TLS, excepted by its address."""
    with webserver.serving() as server:
        settings.FREEHOLD_OUTGOING_ALLOW = [f"127.0.0.1:{server.port}"]
        yield server


@pytest.fixture
def other(authority: webserver.Authority) -> Iterator[webserver.WebServer]:
    """A server on this machine to which nobody may be led."""
    with webserver.serving(authority, "inner.example", "127.0.0.1") as server:
        yield server


@pytest.fixture
def in_time() -> Callable[[], AbstractContextManager[None]]:
    @contextmanager
    def watch() -> Iterator[None]:
        began = time.monotonic()
        yield
        assert time.monotonic() - began < BOUND

    return watch


@pytest.fixture
def nowhere(tmp_path: Path) -> Path:
    return tmp_path / "nowhere"
