"""Who lacks a second factor that the organization requires does not publish for it: the check, the snapshot, the feed
and a client that follows it agree at each step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from freehold_client import NamespaceClient, Publisher
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from namespaces.models import Grant
from orgs.models import Organization
from orgs.vocabulary import Role, Scope
from tests import factories
from tests.conftest import IndexClient

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

STEPS: list[tuple[str, Callable[[], object], set[str]]] = [
    ("as it begins", lambda: None, {"olga", "mads", "mia"}),
    ("required, and nobody has one", lambda: require(True), set()),
    ("the manager sets one up", lambda: factor("mads", True), {"mads"}),
    ("the one in a team too", lambda: factor("mia", True), {"mads", "mia"}),
    ("the manager loses it", lambda: factor("mads", False), {"mia"}),
    ("no longer required", lambda: require(False), {"olga", "mads", "mia"}),
    ("required again", lambda: require(True), {"mia"}),
    ("the owner sets one up", lambda: factor("olga", True), {"olga", "mia"}),
]


def require(required: bool) -> None:
    Organization.objects.filter(name="acme").update(requires_second_factor=required)


def factor(username: str, has: bool) -> None:
    User.objects.filter(index_username=username).update(second_factor=has)


@pytest.fixture
def grant() -> Grant:
    acme = factories.organization("acme")
    grant = factories.grant("acme", acme)
    factories.member(acme, "olga", Role.OWNER)
    factories.member(acme, "mads", Role.MANAGER)
    factories.member(acme, "bill", Role.BILLING)
    factories.team(acme, "mia", grants=[grant])
    return grant


PEOPLE = ("olga", "mads", "mia", "bill", "stranger")


def test_check_snapshot_feed_and_client_agree_at_each_step(
    grant: Grant, index: IndexClient, live_server: LiveServer
) -> None:
    """The client's token may follow the feed and not ask, so that its snapshot alone decides."""
    follower = NamespaceClient(live_server.url, factories.token(Scope.FEED))
    try:
        for step, change, expected in STEPS:
            change()
            assert by_check(index) == expected, step
            assert by_snapshot(index) == expected, step
            assert follower.refresh(), step
            assert by_client(follower) == expected, step
    finally:
        follower.close()


def test_every_step_is_in_the_feed(grant: Grant, index: IndexClient) -> None:
    for step, change, expected in STEPS:
        before = index.get("/api/v1/snapshot").json()
        change()
        after = index.get("/api/v1/snapshot").json()
        told = index.get(f"/api/v1/changes?after={before['revision']}").json()["changes"]
        assert applied(before, told) == publishers_in(after) == expected, step


def by_check(index: IndexClient) -> set[str]:
    return {name for name in PEOPLE if index.check("acme-x", user=name, first_uploaded=None)["reason"] == "holder"}


def by_snapshot(index: IndexClient) -> set[str]:
    return publishers_in(index.get("/api/v1/snapshot").json())


def by_client(follower: NamespaceClient) -> set[str]:
    decisions = {name: follower.check_upload("acme-x", Publisher(user=name), exists=False) for name in PEOPLE}
    assert {decision.source for decision in decisions.values()} == {"snapshot"}
    return {name for name, decision in decisions.items() if decision.allowed}


def publishers_in(snapshot: dict[str, Any]) -> set[str]:
    by_role = {name for organization in snapshot["organizations"] for name in organization["publishers"]}
    return by_role | {publisher["user"] for grant in snapshot["grants"] for publisher in grant["publishers"]}


def applied(snapshot: dict[str, Any], changes: list[dict[str, Any]]) -> set[str]:
    """Who publishes by the snapshot once the changes are applied to it."""
    known = {kind: {entry["name"]: entry for entry in snapshot[f"{kind}s"]} for kind in ("grant", "organization")}
    for change in changes:
        known[change["kind"]][change["name"]] = change["value"]
    return publishers_in({f"{kind}s": list(entries.values()) for kind, entries in known.items()})
