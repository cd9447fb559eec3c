"""The name on the index is set by the index alone."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts import identity
from accounts.models import IndexCode, User
from orgs.models import AuditEvent
from orgs.vocabulary import Scope
from tests import factories
from tests.accounts.conftest import Told
from tests.accounts.people import Person
from tests.concurrency import all_at_once
from tests.conftest import IndexClient
from tests.dump import nothing_changes

pytestmark = pytest.mark.django_db

URL = "/api/v1/identities"


def code_for(person: Person) -> str:
    person.sign_in()
    page = person.post("/accounts/index-identity/code/")
    assert page.status_code == 200
    return str(page.context["code"])


class TestByCode:
    def test_the_index_returns_the_code_and_says_who_it_is(self, sam: Person, index: IndexClient) -> None:
        response = index.post(URL, {"code": code_for(sam), "username": "Sam-Spade"})
        assert (response.status_code, response.json()) == (200, {"username": "sam-spade"})
        sam.user.refresh_from_db()
        assert sam.user.index_username == "sam-spade"
        event = AuditEvent.objects.get(action="identity.linked")
        assert (event.actor, event.target) == ("token test", sam.email)
        assert (event.before, event.after) == ({"index_username": None}, {"index_username": "sam-spade"})
        assert b"sam-spade" in sam.get("/accounts/index-identity/").content

    @pytest.mark.parametrize(
        "written", [str.lower, lambda c: c.replace("-", ""), lambda c: f"  {c.replace('-', ' ')} "]
    )
    def test_however_a_person_copies_it(self, sam: Person, index: IndexClient, written: Any) -> None:
        assert index.post(URL, {"code": written(code_for(sam)), "username": "sam"}).status_code == 200

    def test_it_works_once(self, sam: Person, index: IndexClient) -> None:
        code = code_for(sam)
        assert index.post(URL, {"code": code, "username": "sam"}).status_code == 200
        with nothing_changes():
            assert index.post(URL, {"code": code, "username": "other"}).status_code == 404

    def test_it_expires(self, sam: Person, index: IndexClient) -> None:
        code = code_for(sam)
        IndexCode.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
        with nothing_changes():
            assert index.post(URL, {"code": code, "username": "sam"}).status_code == 404

    def test_a_new_one_voids_the_old(self, sam: Person, index: IndexClient) -> None:
        old, new = code_for(sam), code_for(sam)
        with nothing_changes():
            assert index.post(URL, {"code": old, "username": "sam"}).status_code == 404
        assert index.post(URL, {"code": new, "username": "sam"}).status_code == 200

    def test_only_its_hash_is_kept(self, sam: Person) -> None:
        code = code_for(sam)
        kept = bytes(IndexCode.objects.get().digest)
        assert len(kept) == 32 and code.encode() not in kept

    def test_a_name_that_is_taken_is_a_conflict_and_the_code_still_holds(self, sam: Person, index: IndexClient) -> None:
        factories.user("taken")
        code = code_for(sam)
        with nothing_changes():
            response = index.post(URL, {"code": code, "username": "TAKEN"})
        assert response.status_code == 409
        assert response.json()["type"] == "urn:freehold:problem:identity-taken"
        assert index.post(URL, {"code": code, "username": "free"}).status_code == 200

    @pytest.mark.parametrize(
        "username", ["", "-sam", "sam spade", "s\u00e4m", "\u212aim", "sam\n", "a" * 101, "a\0b"], ids=ascii
    )
    def test_what_is_no_name_is_refused(self, sam: Person, index: IndexClient, username: str) -> None:
        code = code_for(sam)
        with nothing_changes():
            assert index.post(URL, {"code": code, "username": username}).status_code == 400

    @pytest.mark.parametrize(
        "body", [None, [], "x", {}, {"code": 1, "username": "a"}, {"code": "x"}, {"code": "x" * 9999, "username": "a"}]
    )
    def test_nonsense_is_refused(self, index: IndexClient, body: Any) -> None:
        assert index.post(URL, body).status_code == 400

    def test_surrogates_and_nul_are_no_code(self, index: IndexClient) -> None:
        for code in ("\0", "\ud800", "a" * 200):
            response = index.http.post(
                URL,
                f'{{"code": "{code.encode("ascii", "backslashreplace").decode()}", "username": "a"}}'
                if code != "\0"
                else '{"code": "\\u0000", "username": "a"}',
                content_type="application/json",
                headers=index.headers,
            )
            assert response.status_code in {400, 404}

    def test_an_inactive_user_is_not_linked(self, sam: Person, index: IndexClient) -> None:
        code = code_for(sam)
        User.objects.update(is_active=False)
        with nothing_changes():
            assert index.post(URL, {"code": code, "username": "sam"}).status_code == 404

    @pytest.mark.parametrize("scope", [scope for scope in Scope if scope != Scope.IDENTITIES])
    def test_other_tokens_may_not(self, sam: Person, scope: Scope) -> None:
        code, other = code_for(sam), IndexClient(factories.token(scope))
        with nothing_changes():
            assert other.post(URL, {"code": code, "username": "sam"}).status_code == 403

    def test_nor_may_somebody_without_one(self, sam: Person) -> None:
        code = code_for(sam)
        with nothing_changes():
            response = Client().post(URL, {"code": code, "username": "sam"}, content_type="application/json")
        assert response.status_code == 401

    @pytest.mark.slow
    @pytest.mark.django_db(transaction=True)
    def test_two_with_one_name_at_once_are_one(self) -> None:
        codes = [identity.issue_code(user=factories.user()) for _ in range(2)]
        acts = [lambda code=code: identity.redeem(code=code, username="sam") for code in codes]
        assert sorted(all_at_once(*acts)) == ["done", "identity-taken"]
        assert User.objects.filter(index_username="sam").count() == 1

    @pytest.mark.slow
    @pytest.mark.django_db(transaction=True)
    def test_one_code_twice_at_once_works_once(self) -> None:
        code = identity.issue_code(user=factories.user())
        acts = [lambda name=name: identity.redeem(code=code, username=name) for name in ("one", "two")]
        assert sorted(all_at_once(*acts)) == ["code-unknown", "done"]


class TestThePage:
    def test_says_what_to_do(self, sam: Person) -> None:
        sam.sign_in()
        page = sam.get("/accounts/index-identity/").content.decode()
        assert "You have no name there yet." in page and "Get a one-time code" in page

    def test_gives_no_more_than_five_codes_in_ten_minutes(self, sam: Person) -> None:
        sam.sign_in()
        answers = [sam.post("/accounts/index-identity/code/").status_code for _ in range(6)]
        assert answers == [200] * 5 + [429]

    def test_gives_none_to_a_stale_session_or_a_get(self, sam: Person) -> None:
        sam.sign_in()
        assert sam.get("/accounts/index-identity/code/").status_code == 405
        sam.grow_stale()
        with nothing_changes():
            assert sam.post("/accounts/index-identity/code/").status_code == 302

    def test_removes_the_link_after_a_warning(self, sam: Person, told: Told) -> None:
        User.objects.update(index_username="sam")
        sam.sign_in()
        assert b"You stop publishing at once" in sam.get("/accounts/index-identity/unlink/").content
        sam.post("/accounts/index-identity/unlink/")
        sam.user.refresh_from_db()
        assert sam.user.index_username is None
        assert told == [(sam.email, "identity.unlinked", {"before": "sam"})]

    def test_is_no_business_of_others(self, sam: Person) -> None:
        with nothing_changes():
            for path in ("", "code/", "unlink/"):
                assert (
                    Client().post(f"/accounts/index-identity/{path}").headers["Location"].startswith("/accounts/login/")
                )
