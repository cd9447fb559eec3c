"""An organization that was renamed: its projects go with it, and an index that knows it by a former name is understood."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from freehold_client import NamespaceClient, Publisher
from pytest_django.live_server_helper import LiveServer

from namespaces.former_names import present_names, present_owner
from namespaces.models import BlockedAttempt, Change, Grant, Project
from namespaces.readers import Row
from namespaces.recorder import backlog
from namespaces.services.imports import import_projects
from namespaces.services.projects import put_project
from orgs.actors import Actor
from orgs.models import Organization, OrganizationName
from orgs.services.organizations import rename_organization
from orgs.vocabulary import Role, Scope, Standing
from tests import factories
from tests.concurrency import one_behind_the_other
from tests.conftest import IndexClient
from tests.dump import nothing_changes

OPERATOR = Actor.operator()


def rename(organization: Organization, name: str) -> None:
    rename_organization(actor=OPERATOR, organization=organization, name=name)


@pytest.fixture
def acme(db: None) -> Grant:
    """Held by an organization that was ``old`` and is ``new``."""
    organization = factories.organization("old")
    grant = factories.grant("acme", organization)
    factories.member(organization, "alice")
    rename(organization, "new")
    grant.refresh_from_db()
    return grant


class TestProjects:
    def test_they_go_with_the_name_in_one_statement(self, db: None) -> None:
        organization = factories.organization("old")
        for number in range(3):
            factories.project(f"p{number}", "old")
        for name, owner in (("other", "older"), ("person", "user:old"), ("nobodys", "")):
            factories.project(name, owner)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            rename(organization, "new")
        assert sum("namespaces_project" in query["sql"] for query in queries) == 1
        owners = dict(Project.objects.values_list("name", "owner"))
        assert owners == {
            "p0": "new",
            "p1": "new",
            "p2": "new",
            "other": "older",
            "person": "user:old",
            "nobodys": "",
        }

    def test_the_feed_tells_of_them(self, acme: Grant) -> None:
        factories.project("acme-x", "new")
        Change.objects.all().delete()
        rename(acme.owner, "newer")
        changed = set(Change.objects.values_list("kind", "name"))
        assert changed == {
            ("organization", "new"),
            ("organization", "newer"),
            ("grant", "acme"),
            ("project", "acme-x"),
        }

    def test_nothing_moves_when_the_renaming_is_refused(self, acme: Grant) -> None:
        factories.organization("taken")
        factories.project("acme-x", "new")
        with nothing_changes(), pytest.raises(Exception, match="taken"):
            rename(acme.owner, "taken")

    def test_back_and_forth(self, acme: Grant) -> None:
        factories.project("acme-x", "new")
        rename(Organization.objects.get(), "old")
        assert Project.objects.get().owner == "old"
        assert present_names(["old", "new", "unheard-of", "a\x00"]) == {"new": "old"}

    @pytest.mark.parametrize(
        ("given", "owner"), [("old", "new"), ("new", "new"), ("user:old", "user:old"), ("", ""), ("else", "else")]
    )
    def test_what_is_put_under_a_former_name_is_written_under_the_present_one(
        self, acme: Grant, index: IndexClient, given: str, owner: str
    ) -> None:
        answer = index.put("/api/v1/projects/acme-x", {"owner": given})
        assert (answer.status_code, answer.json()["owner"]) == (201, owner)
        with nothing_changes():
            assert index.put("/api/v1/projects/acme-x", {"owner": given}).status_code == 200

    def test_a_name_whose_organization_is_gone_stays(self, db: None) -> None:
        OrganizationName.objects.create(name="gone", organization=None)
        assert present_owner("gone") == "gone"
        assert put_project(name="x", owner="gone")[0].owner == "gone"


@pytest.mark.django_db(transaction=True)
class TestWithTransactions:
    def test_what_is_imported_under_a_former_name_is_written_under_the_present_one(self) -> None:
        organization = factories.organization("old")
        rename(organization, "new")
        rows = [Row(f"p{n}", owner, None) for n, owner in enumerate(["old", "new", "user:old", "", "else"])]
        import_projects(actor=OPERATOR, rows=rows, chunk=2)
        assert list(Project.objects.order_by("name").values_list("owner", flat=True)) == [
            "new",
            "new",
            "user:old",
            "",
            "else",
        ]
        again = import_projects(actor=OPERATOR, rows=rows)
        assert again.written == 0

    def test_a_project_that_comes_while_it_is_renamed_is_not_left_behind(self) -> None:
        organization = factories.organization("old")
        assert one_behind_the_other(
            lambda: rename(organization, "new"), lambda: put_project(name="late", owner="old")
        ) == ("done", "done")
        assert one_behind_the_other(
            lambda: put_project(name="early", owner="new"), lambda: rename(organization, "newest")
        ) == ("done", "done")
        assert set(Project.objects.values_list("owner", flat=True)) == {"newest"}


class TestCheck:
    def test_a_former_name_counts_as_the_present_one(self, acme: Grant, index: IndexClient) -> None:
        for name in ("new", "old", "OLD"):
            answer = index.check("acme-x", organization=name, first_uploaded=None)
            assert (answer["reason"], answer["organization"]) == ("holder", "new")
        assert index.check("acme-x", organization="older", first_uploaded=None)["reason"] == "reserved"

    def test_also_in_a_batch_with_one_look_up_for_all(self, acme: Grant, index: IndexClient) -> None:
        named = ["old", "new", "unheard-of", "old", "-", "a\x00"]
        questions = [{"project": "acme-x", "publisher": {"organization": name}} for name in named]
        with CaptureQueriesContext(connection) as queries:
            answer = index.post("/api/v1/uploads/check/batch", {"questions": questions}).json()
        reasons = [decision["reason"] for decision in answer["decisions"]]
        assert reasons == ["holder", "holder", "reserved", "holder", "reserved", "reserved"]
        assert sum("orgs_organizationname" in query["sql"] for query in queries) == 1

    def test_of_a_lapsed_holder_too(self, acme: Grant, index: IndexClient) -> None:
        Organization.objects.update(standing=Standing.LAPSED)
        factories.project("acme-x", "new")
        factories.project("acme-y")
        assert index.check("acme-x", organization="old")["reason"] == "existing"
        assert index.check("acme-y", user="alice", organization="old")["reason"] == "existing"
        assert index.check("acme-new", organization="old")["reason"] == "lapsed"

    def test_it_breaks_ties_as_the_present_one_does(self, acme: Grant, index: IndexClient) -> None:
        factories.share(acme, guest := factories.organization("aaa"))
        factories.member(guest, "alice", Role.MANAGER)
        for name in ("new", "old"):
            answer = index.check("acme-x", user="alice", organization=name, first_uploaded=None)
            assert answer["organization"] == "new"
        assert index.check("acme-x", user="alice", first_uploaded=None)["organization"] == "aaa"

    def test_a_user_is_still_asked_for(self, acme: Grant, index: IndexClient) -> None:
        assert index.check("acme-x", user="mallory", organization="old")["reason"] == "reserved"

    def test_a_refusal_is_told_in_the_words_of_the_index(self, acme: Grant, index: IndexClient) -> None:
        index.check("acme-x", user="mallory", organization="old")
        backlog.flush()
        assert BlockedAttempt.objects.get().publisher == "user mallory, organization old"

    @pytest.mark.parametrize(
        "publisher", [{"user": "alice"}, {"user": "mallory"}, {"organization": "new"}, {"claims": {"iss": "x"}}]
    )
    def test_where_it_cannot_matter_nothing_more_is_asked(
        self, acme: Grant, index: IndexClient, publisher: dict[str, Any]
    ) -> None:
        with CaptureQueriesContext(connection) as queries:
            index.check("acme-x", **publisher)
            index.check("elsewhere", organization="old")
        assert not [query for query in queries if "orgs_organizationname" in query["sql"]]


@pytest.mark.django_db(transaction=True)
class TestClient:
    """A client that may follow the feed and not ask: its snapshot alone decides, and as Freehold does."""

    NAMES = ("first", "second", "third", "unheard-of")
    STEPS = (
        ("first", {"first"}),
        ("second", {"first", "second"}),
        ("third", {"first", "second", "third"}),
        ("first", {"first", "second", "third"}),
        ("second", {"first", "second", "third"}),
    )

    def test_it_agrees_after_each_renaming(self, index: IndexClient, live_server: LiveServer) -> None:
        organization = factories.organization("first")
        factories.grant("acme", organization)
        follower = NamespaceClient(live_server.url, factories.token(Scope.FEED))
        try:
            for name, expected in self.STEPS:
                if name != organization.name:
                    rename(organization, name)
                    organization.refresh_from_db()
                assert follower.refresh(), name
                assert self.by_check(index) == self.by_client(follower) == dict.fromkeys(expected, name)
                assert self.who_owns(follower) == expected
            assert (follower.counters["snapshots_taken"], self.by_a_new_one(live_server)) == (1, expected)
        finally:
            follower.close()

    def by_check(self, index: IndexClient) -> dict[str, str]:
        asked = {name: index.check("acme-x", organization=name, first_uploaded=None) for name in self.NAMES}
        return {name: answer["organization"] for name, answer in asked.items() if answer["reason"] == "holder"}

    def by_client(self, follower: NamespaceClient) -> dict[str, str | None]:
        asked = {
            name: follower.check_upload("acme-x", Publisher(organization=name), exists=False) for name in self.NAMES
        }
        assert {decision.source for decision in asked.values()} == {"snapshot"}
        return {name: decision.organization for name, decision in asked.items() if decision.allowed}

    def who_owns(self, follower: NamespaceClient) -> set[str]:
        return {
            name for name in self.NAMES if follower.namespaces_of("acme-x", name) == [{"name": "acme", "owned": True}]
        }

    def by_a_new_one(self, live_server: LiveServer) -> set[str]:
        """From the snapshot, and not by changes."""
        with NamespaceClient(live_server.url, factories.token(Scope.FEED)) as follower:
            assert follower.refresh()
            return set(self.by_client(follower))
