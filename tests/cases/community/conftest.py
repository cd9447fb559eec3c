"""A code forge on this machine that is GitHub, GitLab and Codeberg at once, and a project that has proved a place."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from orgs.actors import Actor
from orgs.models import Organization
from orgs.vocabulary import Kind, State
from tests import factories, webserver
from tests.cases.community import forge
from tests.people import owner_of


@pytest.fixture
def web(settings: Any) -> Iterator[webserver.WebServer]:
    """Answers 404 until it is told of an account (``forge``)."""
    with webserver.serving() as server:
        base = server.url().rstrip("/")
        settings.FREEHOLD_OUTGOING_ALLOW = [f"127.0.0.1:{server.port}"]
        settings.FREEHOLD_FORGES = {
            "github": ("https://github.com", f"{base}/raw", f"{base}/github"),
            "gitlab": ("https://gitlab.com", f"{base}/gitlab", f"{base}/gitlab"),
            "forgejo": ("https://codeberg.org", f"{base}/codeberg", f"{base}/codeberg"),
        }
        yield server


@pytest.fixture
def rocket(db: None) -> Organization:
    """A community project that has just been set up."""
    return factories.organization("rocket", kind=Kind.COMMUNITY, state=State.APPLIED)


@pytest.fixture
def owner(rocket: Organization) -> Actor:
    return owner_of(rocket)


@pytest.fixture
def proved(rocket: Organization, web: webserver.WebServer) -> webserver.WebServer:
    """The project has its place on GitHub, where all that is asked can be seen."""
    factories.forge_proof(rocket)
    forge.github(web, "rocket", forge.on_github())
    return web
