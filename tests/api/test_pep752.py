"""PEP 752, sentence by sentence: what the PEP asks of a repository, as this one answers it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client, override_settings
from django.utils import timezone

from namespaces.errors import InvalidNamespace, NamespaceTaken
from namespaces.models import Grant
from namespaces.services.grants import grant_namespace
from namespaces.services.lifecycle import end_quarantine, release_namespace
from namespaces.services.projects import put_project
from namespaces.services.shares import share_namespace, unshare_namespace
from namespaces.states import GrantState
from orgs.actors import Actor
from orgs.models import Organization
from orgs.vocabulary import Standing
from tests import factories
from tests.conftest import IndexClient

pytestmark = pytest.mark.django_db
OPERATOR = Actor.operator()
CONTENT_TYPE = "application/vnd.pypi.simple.v1+json"


@pytest.fixture
def acme() -> Organization:
    return factories.organization("acme")


def get(path: str, **headers: str) -> Any:
    return Client().get(path, headers=headers)


class TestNaming:
    def test_a_namespace_is_a_valid_project_name(self, acme: Organization) -> None:
        for text in ("", "-acme", "acme!", "acme\n", "\u212acme"):
            with pytest.raises(InvalidNamespace):
                grant_namespace(actor=OPERATOR, name=text, organization=acme)

    def test_it_is_normalized(self, acme: Organization) -> None:
        grant = grant_namespace(actor=OPERATOR, name="Foo.Bar", organization=acme)
        assert (grant.name, grant.display_name) == ("foo-bar", "Foo.Bar")


class TestSemantics:
    def test_it_owns_the_project_of_its_own_name(self, index: IndexClient, acme: Organization) -> None:
        factories.grant("foo", acme)
        assert not index.check("foo", user="mallory", first_uploaded=None)["allowed"]

    def test_it_owns_what_starts_with_it_and_a_hyphen(self, index: IndexClient, acme: Organization) -> None:
        factories.grant("foo", acme)
        assert not index.check("foo-bar", user="mallory", first_uploaded=None)["allowed"]
        assert index.check("foobar", user="mallory", first_uploaded=None)["allowed"]

    @pytest.mark.parametrize("spelling", ["Foo.Bar", "foo_bar", "FOO--BAR", "foo-._bar"])
    def test_matching_acts_upon_the_normalized_name(
        self, index: IndexClient, acme: Organization, spelling: str
    ) -> None:
        factories.grant("foo", acme)
        assert not index.check(spelling, user="mallory", first_uploaded=None)["allowed"]

    @pytest.mark.parametrize(("held", "wanted"), [("foo-bar", "foo"), ("foo", "foo-bar"), ("foo", "foo")])
    def test_grants_do_not_overlap_in_ownership(self, acme: Organization, held: str, wanted: str) -> None:
        factories.grant(held, acme)
        with pytest.raises(NamespaceTaken):
            grant_namespace(actor=OPERATOR, name=wanted, organization=factories.organization())

    def test_the_owner_may_hold_parent_and_child(self, acme: Organization) -> None:
        grant_namespace(actor=OPERATOR, name="foo-bar", organization=acme)
        grant_namespace(actor=OPERATOR, name="foo", organization=acme)
        grant_namespace(actor=OPERATOR, name="foo-bar-baz", organization=acme)
        assert Grant.objects.holding().count() == 3


class TestUploads:
    """A new project in a reserved namespace, not of an organization that holds it: refused."""

    def test_a_project_that_exists_goes_on(self, index: IndexClient, acme: Organization, long_ago: Any) -> None:
        factories.grant("foo", acme)
        answer = index.check("foo-old", user="mallory", first_uploaded=long_ago.isoformat())
        assert (answer["allowed"], answer["reason"]) == (True, "grandfathered")

    def test_an_organization_with_a_grant_is_let_through(self, index: IndexClient, acme: Organization) -> None:
        factories.grant("foo", acme)
        assert index.check("foo-new", organization="acme", first_uploaded=None)["allowed"]

    def test_the_refusal_is_a_409(self, index: IndexClient, acme: Organization) -> None:
        factories.grant("foo", acme)
        assert index.check("foo-new", user="mallory", first_uploaded=None)["status"] == 409


class TestOwnership:
    def test_the_owner_may_let_others_use_it_and_revoke_that_at_any_time(
        self, index: IndexClient, acme: Organization
    ) -> None:
        grant, guest = factories.grant("foo", acme), factories.organization("guest")
        share_namespace(actor=OPERATOR, grant=grant, organization=guest)
        assert index.check("foo-new", organization="guest", first_uploaded=None)["allowed"]
        unshare_namespace(actor=OPERATOR, grant=grant, organization=guest)
        assert not index.check("foo-new", organization="guest", first_uploaded=None)["allowed"]


class TestNamespaceDetail:
    @pytest.fixture
    def tree(self, acme: Organization) -> None:
        root = factories.grant("foo", acme)
        factories.grant("foo-bar", acme, root=root)
        factories.grant("foo-bar-baz", acme, root=root)
        factories.grant("food", factories.organization("other"))

    def test_its_keys(self, tree: None) -> None:
        response = get("/simple/namespace/foo-bar")
        assert (response.status_code, response["Content-Type"]) == (200, CONTENT_TYPE)
        assert response.json() == {
            "meta": {"api-version": "1.5"},
            "name": "foo-bar",
            "parent": "foo",
            "children": ["foo-bar-baz"],
            "owner": "acme",
        }

    def test_the_outermost_has_no_parent_and_all_children(self, tree: None) -> None:
        body = get("/simple/namespace/foo").json()
        assert (body["parent"], body["children"]) == (None, ["foo-bar", "foo-bar-baz"])

    @pytest.mark.parametrize("spelling", ["Foo.Bar", "foo_bar", "FOO-BAR", "foo-bar/"])
    def test_another_spelling_redirects(self, tree: None, spelling: str) -> None:
        response = get(f"/simple/namespace/{spelling}")
        assert (response.status_code, response["Location"]) == (301, "/simple/namespace/foo-bar")

    @pytest.mark.parametrize("name", ["fo", "foo-new", "foobar", "no!name", "%E2%84%AA"])
    def test_what_is_not_reserved_is_not_there(self, tree: None, name: str) -> None:
        response = get(f"/simple/namespace/{name}")
        assert (response.status_code, response["Content-Type"]) == (404, "application/problem+json")

    @pytest.mark.parametrize(("state", "found"), [(s, s not in {"held", "released"}) for s in GrantState])
    def test_only_while_it_is_active(self, acme: Organization, state: GrantState, found: bool) -> None:
        factories.grant("foo", acme, state=state)
        assert (get("/simple/namespace/foo").status_code == 200) is found
        assert (get("/simple/namespaces").json()["namespaces"] != []) is found

    def test_the_list(self, tree: None) -> None:
        response = get("/simple/namespaces")
        assert response["Content-Type"] == CONTENT_TYPE
        assert response.json()["namespaces"] == [
            {"name": "foo", "parent": None, "owner": "acme"},
            {"name": "foo-bar", "parent": "foo", "owner": "acme"},
            {"name": "foo-bar-baz", "parent": "foo-bar", "owner": "acme"},
            {"name": "food", "parent": None, "owner": "other"},
        ]


class TestProjectDetail:
    def namespaces(self, name: str) -> Any:
        response = get(f"/api/v1/projects/{name}")
        assert (response.status_code, response["Content-Type"]) == (200, CONTENT_TYPE)
        return response.json()["namespaces"]

    def test_null_outside_every_namespace(self) -> None:
        put_project(name="free", owner="acme")
        assert self.namespaces("free") is None
        assert self.namespaces("unheard-of") is None

    def test_every_matching_namespace_with_who_owns_it(self, acme: Organization) -> None:
        root = factories.grant("foo", acme)
        factories.grant("foo-bar", acme, root=root)
        put_project(name="foo-bar-x", owner="acme")
        put_project(name="foo-bar-y", owner="user:mallory")
        assert self.namespaces("foo-bar-x") == [{"name": "foo", "owned": True}, {"name": "foo-bar", "owned": True}]
        assert self.namespaces("foo-bar-y") == [{"name": "foo", "owned": False}, {"name": "foo-bar", "owned": False}]

    def test_a_holder_of_an_inner_grant_owns_the_outer_ones_too(self, acme: Organization) -> None:
        """For its right comes from their holder; so ``owned`` is false for grandfathered projects only."""
        root, guest = factories.grant("foo", acme), factories.organization("guest")
        factories.share(factories.grant("foo-bar", acme, root=root), guest)
        put_project(name="foo-bar-x", owner="guest")
        put_project(name="foo-x", owner="guest")
        assert self.namespaces("foo-bar-x") == [{"name": "foo", "owned": True}, {"name": "foo-bar", "owned": True}]
        assert self.namespaces("foo-x") == [{"name": "foo", "owned": False}]

    def test_a_holder_of_the_outer_grant_only(self, acme: Organization) -> None:
        root, guest = factories.grant("foo", acme), factories.organization("guest")
        factories.grant("foo-bar", acme, root=root)
        factories.share(root, guest)
        put_project(name="foo-bar-x", owner="guest")
        assert self.namespaces("foo-bar-x") == [{"name": "foo", "owned": True}, {"name": "foo-bar", "owned": False}]

    def test_a_person_called_like_the_organization_owns_nothing(self, acme: Organization) -> None:
        factories.grant("foo", acme)
        put_project(name="foo-x", owner="user:acme")
        assert self.namespaces("foo-x") == [{"name": "foo", "owned": False}]

    def test_a_lapse_changes_no_mark(self, acme: Organization) -> None:
        factories.grant("foo", acme, state=GrantState.LOCKED)
        acme.standing = Standing.LAPSED
        acme.save()
        put_project(name="foo-x", owner="acme")
        assert self.namespaces("foo-x") == [{"name": "foo", "owned": True}]

    def test_another_spelling_redirects(self) -> None:
        response = get("/api/v1/projects/Foo.Bar")
        assert (response.status_code, response["Location"]) == (301, "/api/v1/projects/foo-bar")

    def test_what_is_no_name(self) -> None:
        assert get("/api/v1/projects/no!name").status_code == 400


class TestGrantRemoval:
    def test_unclaimed_it_is_null_again_and_may_be_claimed_by_anybody(self, acme: Organization) -> None:
        grant = grant_namespace(actor=OPERATOR, name="foo", organization=acme)
        release_namespace(actor=OPERATOR, grant=grant)
        grant.refresh_from_db()
        end_quarantine(actor=OPERATOR, grant=grant, reason="given up in public")
        assert get("/api/v1/projects/foo-x").json()["namespaces"] is None
        grant_namespace(actor=OPERATOR, name="foo", organization=factories.organization())


class TestCaching:
    PATHS = ("/simple/namespaces", "/simple/namespace/foo", "/api/v1/projects/foo-x")

    @pytest.fixture(autouse=True)
    def foo(self, acme: Organization) -> Grant:
        return factories.grant("foo", acme)

    @pytest.mark.parametrize("path", PATHS)
    def test_headers_for_caches(self, path: str) -> None:
        response = get(path)
        assert response["Cache-Control"].startswith("public")
        assert response["Surrogate-Key"]
        assert not response.get("Vary"), "one answer for everybody, in whatever language they read"
        assert not response.cookies
        again = get(path, **{"If-None-Match": response["ETag"]})
        assert (again.status_code, again.content, again["ETag"]) == (304, b"", response["ETag"])
        assert again["Surrogate-Key"] == response["Surrogate-Key"]
        assert get(path, **{"If-None-Match": "W/" + response["ETag"]}).status_code == 304

    @pytest.mark.parametrize("path", PATHS)
    def test_a_change_changes_the_etag(self, path: str) -> None:
        before = get(path)["ETag"]
        Grant.objects.update(owner=factories.organization("new-owner"))
        put_project(name="foo-x", owner="new-owner")
        assert get(path)["ETag"] != before

    def test_keys_reach_what_a_change_concerns(self) -> None:
        assert get("/simple/namespaces")["Surrogate-Key"] == "namespaces"
        assert get("/simple/namespace/foo")["Surrogate-Key"] == "namespace/foo within/foo"
        assert get("/simple/namespace/none")["Surrogate-Key"] == "namespace/none within/none"
        keys = get("/api/v1/projects/foo-x")["Surrogate-Key"].split()
        assert keys == ["project/foo-x", "projects", "within/foo", "within/foo-x"]

    def test_a_long_name_does_not_make_long_headers(self) -> None:
        response = get("/api/v1/projects/" + "-".join("x" * 100))
        assert len(response["Surrogate-Key"]) < 500

    @pytest.mark.parametrize(
        "path", [*PATHS, "/simple/namespace/none", "/simple/namespace/Foo", "/api/v1/projects/Foo"]
    )
    def test_who_may_hold_it_for_how_long(self, path: str) -> None:
        """Whoever can't be purged asks each time; the operator's CDN holds it for as long as the operator says."""
        with override_settings(FREEHOLD_CDN_SECONDS=86_400):
            response = get(path)
        assert response["Cache-Control"] == "public, max-age=0, must-revalidate"
        assert response["CDN-Cache-Control"] == response["Surrogate-Control"] == "max-age=86400"

    @pytest.mark.parametrize("path", ["/simple/namespace/no!name", "/api/v1/projects/no!name"])
    def test_an_error_is_not_held(self, path: str) -> None:
        assert get(path)["Cache-Control"] == "no-store"

    def test_what_expires_by_itself_is_held_no_longer(self, foo: Grant) -> None:
        """No purge comes when a share expires: nobody changes anything."""
        factories.share(foo, factories.organization(), expires_at=timezone.now() + timedelta(hours=1))
        factories.share(foo, factories.organization(), expires_at=timezone.now() - timedelta(hours=1))
        factories.share(foo, factories.organization())
        with override_settings(FREEHOLD_CDN_SECONDS=86_400):
            inside, outside = get("/api/v1/projects/foo-x"), get("/api/v1/projects/free")
        assert 3500 < int(inside["CDN-Cache-Control"].removeprefix("max-age=")) <= 3600
        assert outside["CDN-Cache-Control"] == "max-age=86400"

    @pytest.mark.parametrize("path", PATHS)
    def test_head(self, path: str) -> None:
        response = Client().head(path)
        assert (response.status_code, response.content) == (200, b"")
        assert response["ETag"] == get(path)["ETag"]


class TestMirror:
    def test_put_get_delete(self, index: IndexClient) -> None:
        first = index.put("/api/v1/projects/Foo.X", {"owner": "Acme", "first_uploaded": "2021-03-04T05:06:07+02:00"})
        assert (first.status_code, first.json()) == (
            201,
            {"name": "foo-x", "owner": "acme", "first_uploaded": "2021-03-04T03:06:07Z"},
        )
        again = index.put("/api/v1/projects/foo-x", {"owner": "user:Alice"})
        assert (again.status_code, again.json()["owner"]) == (200, "user:Alice")
        assert again.json()["first_uploaded"] == "2021-03-04T03:06:07Z"
        assert index.delete("/api/v1/projects/foo-x").status_code == 204
        assert index.delete("/api/v1/projects/foo-x").status_code == 404

    def test_a_new_project_without_a_time_is_new_now(self, index: IndexClient) -> None:
        index.put("/api/v1/projects/foo-x", {})
        from namespaces.models import Project

        assert timezone.now() - Project.objects.get().first_uploaded < timedelta(minutes=1)

    @pytest.mark.parametrize(
        "body",
        [
            {"owner": "no!name"},
            {"owner": "user:"},
            {"owner": "user:" + "x" * 200},
            {"owner": None},
            {"owner": 7},
            {"owner": "user:a\x00b"},
            {"first_uploaded": "yesterday"},
            {"first_uploaded": "2021-03-04T05:06:07"},
            {"first_uploaded": None},
            [],
            "x",
        ],
    )
    def test_bad_input_changes_nothing(self, index: IndexClient, body: Any) -> None:
        from namespaces.models import Project

        response = index.put("/api/v1/projects/foo-x", body)
        assert (response.status_code, response["Content-Type"]) == (400, "application/problem+json")
        assert not Project.objects.exists()

    def test_it_takes_the_scope(self) -> None:
        from orgs.vocabulary import Scope

        for token, status in [("nonsense", 401), (factories.token(Scope.CHECK, Scope.FEED), 403)]:
            caller = IndexClient(token)
            assert caller.put("/api/v1/projects/foo-x", {}).status_code == status
            assert caller.delete("/api/v1/projects/foo-x").status_code == status
        assert Client().put("/api/v1/projects/foo-x", {}, content_type="application/json").status_code == 401


@override_settings(ROOT_URLCONF="tests.api.other_base")
def test_the_base_of_the_simple_api_is_a_setting(acme: Organization) -> None:
    factories.grant("foo", acme)
    assert get("/pypi/simple/namespace/foo").status_code == 200
    assert get("/pypi/simple/namespace/Foo")["Location"] == "/pypi/simple/namespace/foo"
    assert get("/simple/namespace/foo").status_code == 404
