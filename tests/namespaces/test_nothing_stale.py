"""A CDN that holds every public answer for ever, and drops what our webhooks name, never serves what is not so."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client, override_settings
from django.utils import timezone

from namespaces.models import Grant
from namespaces.readers import Row
from namespaces.services.grants import create_child, grant_namespace
from namespaces.services.imports import import_projects
from namespaces.services.lifecycle import (
    activate_namespace,
    end_quarantine,
    lock_namespace,
    reinstate_namespace,
    release_namespace,
    unlock_namespace,
)
from namespaces.services.projects import delete_project, put_project
from namespaces.services.purge_endpoints import create_purge_endpoint
from namespaces.services.purges import deliver_all
from namespaces.services.shares import share_namespace, unshare_namespace
from namespaces.services.transfers import transfer_namespace
from namespaces.states import GrantState
from orgs.actors import Actor
from orgs.models import Organization
from orgs.vocabulary import Standing
from tests import factories
from tests.receiver import Received, Receiver, is_authentic, listening

pytestmark = [pytest.mark.slow, pytest.mark.django_db]
OPERATOR = Actor.operator()
NAMESPACES = ("acme", "acme-labs", "acme-labs-x", "acme-new", "lumen", "waiting", "gone", "free", "tools", "tools-cli")
PROJECTS = (*NAMESPACES, "acme-rockets", "acme-labs-anvil", "acme-labs-x-z", "lumen-core", "gone-x", "elsewhere")
ADDRESSES = (
    "/",
    "/?q=acme",
    "/namespaces/",
    *(f"/namespaces/{name}/" for name in ("acme", "acme-labs", "free", "gone")),
    "/simple/namespaces",
    *(f"/simple/namespace/{name}" for name in (*NAMESPACES, "Acme")),
    *(f"/api/v1/projects/{name}" for name in (*PROJECTS, "Acme.Labs")),
)
BY_HEURISTIC = {200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501}
"""What a cache may hold when the answer says nothing about it (RFC 9110, section 15.1)."""

Answer = tuple[int, bytes, str]


@dataclass
class Cdn:
    """Holds by address what it may hold, however long ago that was; ``purge`` is the one way out."""

    origin: Client = field(default_factory=Client)
    held: dict[str, Answer] = field(default_factory=dict)
    by_key: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def get(self, address: str) -> Answer:
        return self.held.get(address) or self._fetch(address)

    def _fetch(self, address: str) -> Answer:
        response = self.origin.get(address)
        answer = (response.status_code, response.content, response.get("Location", ""))
        if may_be_held(response):
            self.held[address] = answer
            for key in response.get("Surrogate-Key", "").split():
                self.by_key[key].add(address)
        return answer

    def purge(self, keys: list[str]) -> None:
        for key in keys:
            for address in self.by_key.pop(key, set()):
                self.held.pop(address, None)


def may_be_held(response: Any) -> bool:
    control = response.get("CDN-Cache-Control") or response.get("Cache-Control")
    if control is None:
        return response.status_code in BY_HEURISTIC
    return not any(word in control for word in ("no-store", "private", "max-age=0"))


@dataclass
class World:
    """What there is before the change, a CDN that holds all of it, and the webhook between."""

    cdn: Cdn
    receiver: Receiver
    organizations: dict[str, Organization]

    def grant(self, name: str) -> Grant:
        return Grant.objects.holding().get(name=name)

    def settle(self) -> None:
        """The change commits, and the worker runs."""
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
        deliver_all()

    def stale(self) -> list[str]:
        fresh = Cdn()
        return [address for address in ADDRESSES if self.cdn.get(address) != fresh.get(address)]


@pytest.fixture
def world() -> Iterator[World]:
    organizations = {name: factories.organization(name) for name in ("acme", "guest", "lumenworks")}
    acme, lumen = organizations["acme"], organizations["lumenworks"]
    root = factories.grant("acme", acme)
    labs = factories.grant("acme-labs", acme, root=root)
    factories.grant("lumen", lumen)
    factories.grant("tools-cli", lumen)
    factories.grant("waiting", lumen, state=GrantState.HELD)
    factories.grant("gone", lumen, state=GrantState.QUARANTINED)
    factories.share(labs, organizations["guest"])
    owners = {"acme-rockets": "acme", "acme-labs-anvil": "guest", "lumen-core": "lumenworks", "gone-x": "user:eve"}
    for name, owner in owners.items():
        factories.project(name, owner, timezone.now() - timedelta(days=700))
    with listening() as receiver, override_settings(FREEHOLD_CDN_SECONDS=10**9):
        made = World(Cdn(), receiver, organizations)
        secret = create_purge_endpoint(actor=OPERATOR, url=receiver.url)

        def take(message: Received) -> None:
            assert is_authentic(secret, message.headers, message.body)
            made.cdn.purge(message.keys)

        receiver.on_message = take
        made.settle()
        for address in ADDRESSES:
            made.cdn.get(address)
        assert set(made.cdn.held) == set(ADDRESSES), "the test is of what is held, so all of it must be"
        yield made


def rename(organization: Organization, name: str) -> None:
    organization.name = name
    organization.save()


def lapse(organization: Organization) -> None:
    organization.standing = Standing.LAPSED
    organization.save()


CHANGES: dict[str, Callable[[World], object]] = {
    "a grant": lambda w: grant_namespace(actor=OPERATOR, name="free", organization=w.organizations["guest"]),
    "a grant around another": lambda w: grant_namespace(
        actor=OPERATOR, name="tools", organization=w.organizations["lumenworks"]
    ),
    "a child": lambda w: create_child(actor=OPERATOR, parent=w.grant("acme"), name="acme-new"),
    "a grandchild": lambda w: create_child(actor=OPERATOR, parent=w.grant("acme-labs"), name="acme-labs-x"),
    "a child given up": lambda w: (
        unshare_namespace(actor=OPERATOR, grant=w.grant("acme-labs"), organization=w.organizations["guest"]),
        release_namespace(actor=OPERATOR, grant=w.grant("acme-labs")),
    ),
    "activation": lambda w: activate_namespace(actor=OPERATOR, grant=w.grant("waiting")),
    "a lock": lambda w: lock_namespace(actor=OPERATOR, grant=w.grant("acme")),
    "a lock and its end": lambda w: (
        lock_namespace(actor=OPERATOR, grant=w.grant("acme")),
        unlock_namespace(actor=OPERATOR, grant=w.grant("acme")),
    ),
    "release": lambda w: release_namespace(actor=OPERATOR, grant=w.grant("lumen")),
    "the end of a quarantine": lambda w: end_quarantine(actor=OPERATOR, grant=w.grant("gone"), reason="given up"),
    "taken back": lambda w: reinstate_namespace(actor=OPERATOR, grant=w.grant("gone")),
    "a share": lambda w: share_namespace(actor=OPERATOR, grant=w.grant("acme"), organization=w.organizations["guest"]),
    "a share ended": lambda w: unshare_namespace(
        actor=OPERATOR, grant=w.grant("acme-labs"), organization=w.organizations["guest"]
    ),
    "a transfer": lambda w: transfer_namespace(actor=OPERATOR, grant=w.grant("acme"), to=w.organizations["lumenworks"]),
    "a holder renamed": lambda w: rename(w.organizations["acme"], "acme-inc"),
    "a guest renamed": lambda w: rename(w.organizations["guest"], "visitor"),
    "a guest gone": lambda w: w.organizations["guest"].delete(),
    "a holder lapsed": lambda w: lapse(w.organizations["acme"]),
    "a project": lambda _: put_project(name="acme-labs-x-z", owner="acme"),
    "a project outside": lambda _: put_project(name="elsewhere", owner="acme"),
    "a project's owner": lambda _: put_project(name="acme-rockets", owner="user:eve"),
    "a project gone": lambda _: delete_project(name="acme-rockets"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_nothing_stale_survives_a_purge(world: World, change: Callable[[World], object]) -> None:
    change(world)
    world.settle()
    assert world.receiver.received
    assert world.stale() == []


@pytest.mark.django_db(transaction=True)
def test_nor_an_import_of_many(world: World) -> None:
    many = [Row(f"bulk-{number}", "", None) for number in range(150)]
    import_projects(actor=OPERATOR, rows=[*many, Row("acme-rockets", "user:eve", None), Row("elsewhere", "acme", None)])
    world.settle()
    assert "projects" in world.receiver.received[-1].keys
    assert world.stale() == []


def test_without_its_webhook_the_cdn_would_be_stale(world: World) -> None:
    """The test above can fail: this CDN holds what it has until it is told otherwise."""
    world.receiver.on_message = None
    transfer_namespace(actor=OPERATOR, grant=world.grant("acme"), to=world.organizations["lumenworks"])
    world.settle()
    expected = {
        "/simple/namespaces",
        "/simple/namespace/acme-labs",
        "/api/v1/projects/acme-rockets",
        "/namespaces/acme/",
    }
    assert expected <= set(world.stale())


def test_a_change_elsewhere_leaves_the_rest_alone(world: World) -> None:
    """Purges are narrow: a grant leaves the answers about other namespaces and their projects where they are."""
    grant_namespace(actor=OPERATOR, name="free", organization=world.organizations["guest"])
    world.settle()
    kept = {
        "/simple/namespace/acme",
        "/simple/namespace/lumen",
        "/api/v1/projects/acme-rockets",
        "/api/v1/projects/lumen",
    }
    assert kept <= set(world.cdn.held)
    assert "/simple/namespaces" not in world.cdn.held
