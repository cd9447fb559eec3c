"""The snapshot and the feed of changes: complete, in order, and consistent with each other."""

from __future__ import annotations

import random
import threading
import time
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from namespaces import feed
from namespaces.models import Change, Grant, Revision, Share, TeamGrant
from namespaces.services.grants import grant_namespace
from namespaces.services.lifecycle import lock_namespace
from namespaces.services.projects import delete_project, put_project
from orgs.actors import Actor
from orgs.models import Membership, TeamMember
from orgs.services.organizations import rename_organization
from orgs.vocabulary import Role, Scope, Standing
from tests import factories
from tests.conftest import IndexClient

OPERATOR = Actor.operator()
SNAPSHOT, CHANGES = "/api/v1/snapshot", "/api/v1/changes"


def seal() -> None:
    """What happens at commit, inside the transaction of a test."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")


def changes_of(act: Any) -> list[tuple[str, str]]:
    """What the feed says about what the callable does."""
    seal()
    before = feed.current_revision()
    act()
    seal()
    rows = Change.objects.filter(revision__gt=before).order_by("revision")
    assert [row.revision for row in rows] == list(range(before + 1, feed.current_revision() + 1))
    return list(rows.values_list("kind", "name"))


@pytest.mark.django_db
class TestWhatCanAlterADecisionIsInTheFeed:
    @pytest.fixture
    def acme(self) -> Grant:
        organization = factories.organization("acme")
        factories.member(organization, "alice")
        grant = factories.grant("acme", organization)
        factories.team(organization, "bob", grants=[grant])
        return grant

    def test_a_grant(self) -> None:
        organization = factories.organization("acme")
        made = changes_of(lambda: grant_namespace(actor=OPERATOR, name="acme", organization=organization))
        assert ("grant", "acme") in made

    def test_its_state(self, acme: Grant) -> None:
        assert ("grant", "acme") in changes_of(lambda: lock_namespace(actor=OPERATOR, grant=acme))

    def test_a_share_made_changed_and_ended(self, acme: Grant) -> None:
        guest = factories.organization("guest")
        made = changes_of(lambda: factories.share(acme, guest))
        assert {("grant", "acme"), ("organization", "guest")} <= set(made)
        assert changes_of(lambda: Share.objects.update(expires_at=timezone.now()))
        assert ("grant", "acme") in changes_of(lambda: Share.objects.all().delete())

    def test_members_and_their_roles(self, acme: Grant) -> None:
        assert changes_of(lambda: factories.member(acme.owner, "carol")) == [("organization", "acme")]
        carol = Membership.objects.filter(user__index_username="carol")
        assert changes_of(lambda: carol.update(role=Role.BILLING)) == [("organization", "acme")]
        assert changes_of(carol.delete) == [("organization", "acme")]

    def test_teams_and_their_rights(self, acme: Grant) -> None:
        assert ("grant", "acme") in changes_of(TeamGrant.objects.all().delete)
        assert ("grant", "acme") in changes_of(lambda: factories.team(acme.owner, grants=[acme]))

    def test_who_leaves_a_team(self, acme: Grant) -> None:
        assert changes_of(TeamMember.objects.all().delete) == [("grant", "acme")]

    def test_who_leaves_the_organization_leaves_its_teams(self, acme: Grant) -> None:
        made = changes_of(Membership.objects.filter(user__index_username="bob").delete)
        assert set(made) == {("grant", "acme"), ("organization", "acme")}

    def test_index_user_names_and_disabled_accounts(self, acme: Grant) -> None:
        bob = Membership.objects.get(user__index_username="bob").user
        bob.index_username = "robert"
        assert set(changes_of(bob.save)) == {("grant", "acme"), ("organization", "acme")}
        bob.is_active = False
        assert changes_of(bob.save)
        bob.name = "Robert"
        assert changes_of(bob.save) == []

    def test_standing_state_and_name_of_an_organization(self, acme: Grant) -> None:
        acme.owner.standing = Standing.LAPSED
        assert changes_of(acme.owner.save) == [("organization", "acme")]
        acme.owner.name = "acme-inc"
        made = changes_of(acme.owner.save)
        assert set(made) == {("organization", "acme"), ("organization", "acme-inc"), ("grant", "acme")}
        acme.owner.display_name = "ACME"
        assert changes_of(acme.owner.save) == []

    def test_trusted_publishers(self, acme: Grant) -> None:
        assert changes_of(lambda: factories.trusted(acme.owner, sub="x")) == [("organization", "acme")]

    def test_projects_one_by_one(self) -> None:
        assert changes_of(lambda: put_project(name="acme-x", owner="acme")) == [("project", "acme-x")]
        assert changes_of(lambda: put_project(name="acme-x", owner="acme")) == []
        assert changes_of(lambda: put_project(name="acme-x", owner="other")) == [("project", "acme-x")]
        assert changes_of(lambda: delete_project(name="acme-x")) == [("project", "acme-x")]
        assert changes_of(lambda: delete_project(name="acme-x")) == []

    def test_many_projects_are_one_change(self) -> None:
        from namespaces.models import Project

        many = [Project(name=f"p{number}", first_uploaded=timezone.now()) for number in range(500)]
        assert changes_of(lambda: Project.objects.bulk_create(many)) == [("projects", "")]

    def test_rolled_back_it_never_was(self, acme: Grant) -> None:
        seal()
        before = feed.current_revision()
        with transaction.atomic():
            lock_namespace(actor=OPERATOR, grant=acme)
            transaction.set_rollback(True)
        seal()
        assert feed.current_revision() == before


class Writer(threading.Thread):
    """Makes changes in transactions of one to three, some of which are rolled back, and notes what it committed."""

    def __init__(self, number: int, rounds: int) -> None:
        super().__init__()
        self.number, self.rounds = number, rounds
        self.committed: set[str] = set()

    def run(self) -> None:
        dice = random.Random(self.number)
        try:
            for turn in range(self.rounds):
                self._once(dice, turn)
        finally:
            connection.close()

    def _once(self, dice: random.Random, turn: int) -> None:
        names = [f"w{self.number}-{turn}-{part}" for part in range(dice.randint(1, 3))]
        try:
            with transaction.atomic():
                for name in names:
                    put_project(name=name)
                    time.sleep(dice.random() / 500)
                if dice.random() < 0.2:
                    raise RuntimeError
        except RuntimeError:
            return
        self.committed.update(names)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_reader_misses_nothing_under_eight_writers() -> None:
    """A reader that only ever asks for what follows its last revision sees every committed change, once, in order."""
    writers = [Writer(number, rounds=60) for number in range(8)]
    for writer in writers:
        writer.start()
    seen: list[tuple[int, str]] = []
    last = 0
    while any(writer.is_alive() for writer in writers) or last < feed.current_revision():
        rows = list(Change.objects.filter(revision__gt=last).order_by("revision")[:50].values_list("revision", "name"))
        for revision, name in rows:
            assert revision == last + 1, "a revision was skipped, or came late"
            last = revision
            seen.append((revision, name))
    committed = set().union(*(writer.committed for writer in writers))
    assert {name for _, name in seen} == committed
    assert len(seen) == len(committed) == Revision.objects.get().value


@pytest.mark.django_db
class TestSnapshot:
    def test_it_has_what_decides(self, index: IndexClient) -> None:
        acme, guest = factories.organization("old"), factories.organization("guest")
        for name in ("aaa", "acme"):
            rename_organization(actor=Actor.operator(), organization=acme, name=name)
        acme.refresh_from_db()
        factories.organization("nothing-held")
        for name, role in [("alice", Role.OWNER), ("mia", Role.MANAGER), ("bill", Role.BILLING)]:
            factories.member(acme, name, role)
        root = factories.grant("acme", acme)
        labs = factories.grant("acme-labs", acme, root=root)
        factories.share(labs, guest)
        factories.team(acme, "bob", grants=[labs])
        factories.trusted(acme, "https://ci.example", sub="x")
        seal()
        body = index.get(SNAPSHOT).json()
        assert body["revision"] == feed.current_revision() > 0
        assert [(g["name"], g["owner"], g["root"], g["state"]) for g in body["grants"]] == [
            ("acme", "acme", None, "active"),
            ("acme-labs", "acme", "acme", "active"),
        ]
        assert body["grants"][1]["shares"] == [{"organization": "guest", "expires_at": None}]
        assert body["grants"][1]["publishers"] == [{"organization": "acme", "user": "bob"}]
        assert body["grants"][0]["effective_at"].endswith("Z")
        assert body["organizations"] == [
            {
                "name": "acme",
                "kind": "company",
                "state": "active",
                "standing": "good",
                "publishers": ["alice", "mia"],
                "trusted_publishers": [{"issuer": "https://ci.example", "claims": {"sub": "x"}}],
                "former_names": ["aaa", "old"],
            },
            {
                "name": "guest",
                "kind": "company",
                "state": "active",
                "standing": "good",
                "publishers": [],
                "trusted_publishers": [],
                "former_names": [],
            },
        ]

    def test_who_has_it_is_told_so(self, index: IndexClient) -> None:
        first = index.get(SNAPSHOT)
        again = index.get(SNAPSHOT, **{"If-None-Match": first["ETag"]})
        assert (again.status_code, again.content) == (304, b"")
        put_project(name="x")
        seal()
        assert index.get(SNAPSHOT, **{"If-None-Match": first["ETag"]}).status_code == 200

    def test_it_travels_compressed(self, index: IndexClient) -> None:
        for number in range(50):
            factories.grant(f"n{number}", factories.organization())
        assert index.get(SNAPSHOT, **{"Accept-Encoding": "gzip"})["Content-Encoding"] == "gzip"


@pytest.mark.django_db
class TestChanges:
    def test_each_change_has_what_the_thing_is_now(self, index: IndexClient) -> None:
        acme = factories.organization("acme")
        grant = factories.grant("acme", acme)
        put_project(name="acme-x", owner="acme")
        put_project(name="gone")
        delete_project(name="gone")
        seal()
        body = index.get(CHANGES + "?after=0").json()
        values = {(change["kind"], change["name"]): change["value"] for change in body["changes"]}
        assert values["grant", "acme"]["owner"] == "acme"
        assert values["organization", "acme"]["standing"] == "good"
        assert values["project", "acme-x"]["owner"] == "acme"
        assert values["project", "gone"] is None
        assert body["revision"] == feed.current_revision()
        assert body["more"] is False
        grant.state = "released"
        grant.save()
        seal()
        after = index.get(f"{CHANGES}?after={body['revision']}").json()
        assert {c["kind"]: c["value"] for c in after["changes"]} == {"grant": None, "organization": None}

    def test_page_by_page(self, index: IndexClient) -> None:
        for number in range(5):
            put_project(name=f"p{number}")
        seal()
        seen, after, more = [], 0, True
        while more:
            body = index.get(f"{CHANGES}?after={after}&limit=2").json()
            seen += [change["name"] for change in body["changes"]]
            after, more = body["revision"], body["more"]
        assert seen == [f"p{number}" for number in range(5)]

    def test_nothing_new(self, index: IndexClient) -> None:
        put_project(name="x")
        seal()
        current = feed.current_revision()
        assert index.get(f"{CHANGES}?after={current}").json() == {"revision": current, "more": False, "changes": []}

    def test_a_revision_that_we_have_not_reached(self, index: IndexClient) -> None:
        response = index.get(f"{CHANGES}?after=10")
        assert (response.status_code, response.json()["type"]) == (410, "urn:freehold:problem:unknown-revision")

    @pytest.mark.parametrize(
        "query", ["", "?after=x", "?after=-1", f"?after={2**63}", "?after=0&limit=0", "?after=0&limit=1001"]
    )
    def test_what_is_not_understood(self, index: IndexClient, query: str) -> None:
        assert index.get(CHANGES + query).status_code == 400


@pytest.mark.django_db
@pytest.mark.parametrize("path", [SNAPSHOT, CHANGES + "?after=0"])
def test_it_takes_the_scope(path: str) -> None:
    assert IndexClient(factories.token(Scope.CHECK, Scope.PROJECTS)).get(path).status_code == 403
    assert IndexClient("nonsense").get(path).status_code == 401
    assert IndexClient(factories.token(Scope.FEED)).get(path).status_code == 200
