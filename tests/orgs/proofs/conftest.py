"""A DNS server and a website of ``acme.example``, and an organization that can prove them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from orgs.actors import Actor
from orgs.models import Organization
from tests import dnsserver, factories, webserver
from tests.people import owner_of

DOMAIN = "acme.example"
HOSTS = (DOMAIN, f"www.{DOMAIN}", "forge.example", "git.acme.example", "elsewhere.example")


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
    """All of ``HOSTS``, by https, which the operator excepted by name and port."""
    with webserver.serving(authority, *HOSTS) as server:
        for host in HOSTS:
            dns.set(host, "A", "127.0.0.1")
        base = f"https://forge.example:{server.port}"
        settings.FREEHOLD_OUTGOING_CA = authority.path
        settings.FREEHOLD_OUTGOING_ALLOW = [f"{host}:{server.port}" for host in HOSTS]
        settings.FREEHOLD_PROOF_PORT = server.port
        settings.FREEHOLD_FORGES = {
            "github": ("https://github.com", base, f"{base}/api"),
            "gitlab": ("https://gitlab.com", base, base),
            "forgejo": ("https://codeberg.org", base, base),
        }
        yield server


@pytest.fixture
def acme(db: None) -> Organization:
    return factories.organization("acme")


@pytest.fixture
def owner(acme: Organization) -> Actor:
    return owner_of(acme)
