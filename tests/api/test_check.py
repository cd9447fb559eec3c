"""``POST /api/v1/uploads/check`` and ``/batch`` over HTTP."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.utils import timezone

from freehold.backlog import Backlog
from namespaces import recorder
from namespaces.models import BlockedAttempt, Grant, Revision
from namespaces.states import GrantState
from orgs import usage
from orgs.models import Membership, ServiceToken
from orgs.vocabulary import Role, Scope, Standing, State
from tests import factories
from tests.conftest import IndexClient

pytestmark = pytest.mark.django_db
CHECK, BATCH = "/api/v1/uploads/check", "/api/v1/uploads/check/batch"
QUESTION: dict[str, Any] = {"project": "acme-new", "publisher": {"user": "mallory"}, "first_uploaded": None}


@pytest.fixture
def acme() -> Grant:
    organization = factories.organization("acme")
    factories.member(organization, "alice", Role.OWNER)
    return factories.grant("acme", organization)


class TestAnswers:
    def test_a_refusal_says_all_that_the_index_needs(self, index: IndexClient, acme: Grant) -> None:
        assert index.check("Acme._Widgets", user="mallory", first_uploaded=None) == {
            "allowed": False,
            "status": 409,
            "reason": "reserved",
            "project": "acme-widgets",
            "namespace": "acme",
            "organization": None,
            "message": "The name 'acme-widgets' is in the namespace 'acme', which is reserved for its holders. "
            "See http://localhost:8000/namespaces/acme/",
            "url": "http://localhost:8000/namespaces/acme/",
            "namespaces": [{"name": "acme", "owned": False}],
            "revision": Revision.objects.get().value if Revision.objects.exists() else 0,
        }

    def test_a_name_outside_every_namespace(self, index: IndexClient, acme: Grant) -> None:
        answer = index.check("acmewidgets", user="mallory", first_uploaded=None)
        assert (answer["allowed"], answer["reason"], answer["namespaces"]) == (True, "unreserved", [])

    @pytest.mark.parametrize("role", list(Role))
    def test_who_publishes_by_role(self, index: IndexClient, acme: Grant, role: Role) -> None:
        factories.member(acme.owner, "carol", role)
        reason = index.check("acme-new", user="carol", first_uploaded=None)["reason"]
        assert reason == ("holder" if role in {Role.OWNER, Role.MANAGER} else "reserved")

    def test_index_user_names_have_no_case(self, index: IndexClient, acme: Grant) -> None:
        assert index.check("acme-new", user="ALICE", first_uploaded=None)["reason"] == "holder"

    @pytest.mark.parametrize("user", ["al\u0131ce", "alice\x00", "\ud800", "alice ", "\u212alice", "üser"])
    def test_no_other_spelling_is_the_same_person(self, index: IndexClient, acme: Grant, user: str) -> None:
        factories.member(acme.owner, "klice", Role.OWNER)
        assert index.check("acme-new", user=user, first_uploaded=None)["reason"] == "reserved"

    def test_somebody_whose_account_is_disabled(self, index: IndexClient, acme: Grant) -> None:
        membership = Membership.objects.get(user__index_username="alice")
        membership.user.is_active = False
        membership.user.save()
        assert index.check("acme-new", user="alice", first_uploaded=None)["reason"] == "reserved"

    def test_a_team_publishes_where_it_has_the_right_and_nowhere_else(self, index: IndexClient, acme: Grant) -> None:
        labs = factories.grant("acme-labs", acme.owner, root=acme)
        factories.team(acme.owner, "bob", grants=[labs])
        assert index.check("acme-labs-x", user="bob", first_uploaded=None)["reason"] == "holder"
        assert index.check("acme-labs", user="bob", first_uploaded=None)["reason"] == "holder"
        assert index.check("acme-x", user="bob", first_uploaded=None)["reason"] == "reserved"

    def test_a_share_makes_a_holder_until_it_expires(self, index: IndexClient, acme: Grant) -> None:
        guest = factories.organization("guest")
        factories.member(guest, "gus", Role.MANAGER)
        share = factories.share(acme, guest, expires_at=timezone.now() + timedelta(hours=1))
        answer = index.check("acme-new", user="gus", first_uploaded=None)
        assert (answer["reason"], answer["organization"]) == ("holder", "guest")
        share.expires_at = timezone.now() - timedelta(seconds=1)
        share.save()
        assert index.check("acme-new", user="gus", first_uploaded=None)["reason"] == "reserved"

    def test_a_team_of_a_guest_organization(self, index: IndexClient, acme: Grant) -> None:
        guest = factories.organization("guest")
        factories.share(acme, guest)
        factories.team(guest, "gil", grants=[acme])
        assert index.check("acme-new", user="gil", first_uploaded=None)["organization"] == "guest"

    def test_a_team_right_without_the_share_is_worth_nothing(self, index: IndexClient, acme: Grant) -> None:
        factories.team(factories.organization("guest"), "gil", grants=[acme])
        assert index.check("acme-new", user="gil", first_uploaded=None)["reason"] == "reserved"

    def test_claims_of_a_trusted_publisher(self, index: IndexClient, acme: Grant) -> None:
        factories.trusted(acme.owner, "https://ci.example", repository_owner="acme", ref="refs/tags/*")
        claims = {"iss": "https://ci.example", "repository_owner": "acme", "ref": "refs/tags/v1", "sub": "s"}
        assert index.check("acme-new", claims=claims, first_uploaded=None)["reason"] == "holder"
        for wrong in ({"iss": "https://other.example"}, {"ref": "refs/heads/main"}, {"repository_owner": "Acme"}):
            assert index.check("acme-new", claims=claims | wrong, first_uploaded=None)["reason"] == "reserved"

    def test_the_organization_is_known_in_any_spelling(self, index: IndexClient, acme: Grant) -> None:
        assert index.check("acme-new", organization="ACME", first_uploaded=None)["reason"] == "holder"

    def test_several_holders_are_all_named(self, index: IndexClient, acme: Grant) -> None:
        guest = factories.organization("guest")
        factories.share(acme, guest)
        factories.member(guest, "alice2")
        Membership.objects.create(
            organization=guest, user=Membership.objects.get(user__index_username="alice").user, role=Role.OWNER
        )
        answer = index.check("acme-new", user="alice", first_uploaded=None)
        assert (answer["organization"], answer["candidates"]) == ("acme", ["acme", "guest"])
        answer = index.check("acme-new", user="alice", organization="guest", first_uploaded=None)
        assert answer["organization"] == "guest"

    @pytest.mark.parametrize(
        ("state", "enforced"), [(state, state not in {"held", "released"}) for state in GrantState]
    )
    def test_which_states_are_enforced(self, index: IndexClient, state: GrantState, enforced: bool) -> None:
        factories.grant("acme", factories.organization(), state=state)
        reason = index.check("acme-new", user="mallory", first_uploaded=None)["reason"]
        assert reason == ("reserved" if enforced else "unreserved")

    def test_a_lapsed_holder_releases_what_exists_and_nothing_new(self, index: IndexClient, acme: Grant) -> None:
        acme.owner.standing = Standing.LAPSED
        acme.owner.save()
        factories.project("acme-old", "acme")
        factories.project("acme-sold", "user:mallory")
        assert index.check("acme-old", user="alice")["reason"] == "existing"
        assert index.check("acme-sold", user="alice")["reason"] == "lapsed"
        assert index.check("acme-new", user="alice", first_uploaded=None)["reason"] == "lapsed"
        assert index.check("acme-new", organization="acme", first_uploaded=None)["reason"] == "lapsed"

    def test_a_suspended_organization(self, index: IndexClient, acme: Grant) -> None:
        acme.owner.state = State.SUSPENDED
        acme.owner.save()
        assert index.check("acme-new", user="alice", first_uploaded=None)["reason"] == "locked"


class TestFirstUploaded:
    def test_left_out_the_mirror_is_asked(self, index: IndexClient, acme: Grant, long_ago: Any) -> None:
        factories.project("acme-old", "user:mallory", first_uploaded=long_ago)
        assert index.check("acme-old", user="mallory")["reason"] == "grandfathered"
        assert index.check("acme-other", user="mallory")["reason"] == "reserved"

    def test_the_word_of_the_index_comes_before_the_mirror(
        self, index: IndexClient, acme: Grant, long_ago: Any
    ) -> None:
        factories.project("acme-old", "user:mallory", first_uploaded=long_ago)
        assert index.check("acme-old", user="mallory", first_uploaded=None)["reason"] == "reserved"
        assert index.check("acme-x", user="mallory", first_uploaded=long_ago.isoformat())["reason"] == "grandfathered"

    def test_an_upload_during_an_outage_is_not_grandfathered(self, index: IndexClient, acme: Grant) -> None:
        assert acme.effective_at is not None
        slipped_in = (acme.effective_at + timedelta(minutes=1)).isoformat()
        assert index.check("acme-new", user="mallory", first_uploaded=slipped_in)["reason"] == "reserved"

    def test_another_zone_is_the_same_time(self, index: IndexClient, acme: Grant) -> None:
        at = "2001-01-01T00:00:00+05:30"
        assert index.check("acme-x", user="mallory", first_uploaded=at)["reason"] == "grandfathered"


BAD_QUESTIONS: list[tuple[Any, str]] = [
    ([], "object"),
    ("acme", "object"),
    (None, "object"),
    ({}, "project"),
    (QUESTION | {"project": None}, "project"),
    (QUESTION | {"project": 7}, "project"),
    (QUESTION | {"project": ""}, "valid project name"),
    (QUESTION | {"project": "acme\n"}, "valid project name"),
    (QUESTION | {"project": "\u212aerberos"}, "valid project name"),
    (QUESTION | {"project": "-acme"}, "valid project name"),
    (QUESTION | {"project": "a" * 201}, "200"),
    (QUESTION | {"publisher": None}, "publisher"),
    (QUESTION | {"publisher": {}}, "at least one"),
    (QUESTION | {"publisher": {"user": None, "organization": None, "claims": None}}, "at least one"),
    (QUESTION | {"publisher": {"user": ""}}, "publisher.user"),
    (QUESTION | {"publisher": {"user": 7}}, "publisher.user"),
    (QUESTION | {"publisher": {"user": "x" * 1001}}, "publisher.user"),
    (QUESTION | {"publisher": {"organization": []}}, "publisher.organization"),
    (QUESTION | {"publisher": {"claims": {}}}, "iss"),
    (QUESTION | {"publisher": {"claims": {"iss": 7}}}, "iss"),
    (QUESTION | {"publisher": {"claims": []}}, "iss"),
    (QUESTION | {"first_uploaded": "yesterday"}, "first_uploaded"),
    (QUESTION | {"first_uploaded": 0}, "first_uploaded"),
    (QUESTION | {"first_uploaded": "2021-03-04T05:06:07"}, "zone"),
    (QUESTION | {"first_uploaded": "0001-01-01T00:00:00+14:00"}, "first_uploaded"),
]


class TestWhatIsNotUnderstood:
    @pytest.mark.parametrize(("body", "hint"), BAD_QUESTIONS)
    def test_a_problem_that_says_what_to_do(self, index: IndexClient, body: Any, hint: str) -> None:
        response = index.post(CHECK, json.dumps(body))
        assert response.status_code == 400
        assert response["Content-Type"] == "application/problem+json"
        assert hint in response.json()["detail"]
        assert response.json()["status"] == 400

    @pytest.mark.parametrize(
        "body",
        [
            " ",
            "{",
            "nope",
            '{"project": "a", "project": "b", "publisher": {"user": "x"}}',
            '{"project": NaN}',
            "[" * 100_000,
            b"\xff\xfe",
        ],
    )
    def test_what_is_no_json(self, index: IndexClient, body: Any) -> None:
        response = index.http.generic("POST", CHECK, body, content_type="application/json", headers=index.headers)
        assert (response.status_code, response.json()["type"]) == (400, "urn:freehold:problem:invalid-json")

    def test_another_content_type(self, index: IndexClient) -> None:
        response = index.http.post(CHECK, {"project": "acme-new"}, headers=index.headers)
        assert response.status_code == 415

    def test_a_body_without_end(self, index: IndexClient) -> None:
        response = index.post(CHECK, json.dumps(QUESTION | {"padding": "x" * 3_000_000}))
        assert (response.status_code, response.json()["type"]) == (413, "urn:freehold:problem:too-large")

    @pytest.mark.parametrize("method", ["get", "put", "delete", "patch", "options"])
    def test_other_methods(self, index: IndexClient, method: str) -> None:
        response = getattr(index.http, method)(CHECK, headers=index.headers)
        assert (response.status_code, response["Allow"]) == (405, "POST")

    def test_members_that_we_do_not_know_are_left_alone(self, index: IndexClient) -> None:
        assert index.check("acme-new", user="x", first_uploaded=None, filename="acme_new-1.0.tar.gz")["allowed"]


class TestCallers:
    @pytest.fixture(params=[QUESTION, "not even json"])
    def body(self, request: pytest.FixtureRequest) -> Any:
        """Whoever may not ask learns nothing from what is wrong with the body."""
        return request.param

    def refused(self, body: Any, authorization: str | None) -> Any:
        headers = {} if authorization is None else {"Authorization": authorization}
        return Client().post(CHECK, body, content_type="application/json", headers=headers)

    @pytest.mark.parametrize("authorization", [None, "", "Bearer", "Bearer nonsense", "Basic eDp5", "bearer fh_s"])
    def test_without_a_token(self, body: Any, authorization: str | None) -> None:
        response = self.refused(body, authorization)
        assert response.status_code == 401
        assert response["WWW-Authenticate"].startswith("Bearer")
        assert response["Content-Type"] == "application/problem+json"

    def test_with_an_unknown_token(self, body: Any) -> None:
        from orgs import tokens

        assert self.refused(body, f"Bearer {tokens.generate()}").status_code == 401

    def test_with_an_expired_token(self, body: Any) -> None:
        token = factories.token(expires_at=timezone.now() - timedelta(seconds=1))
        assert self.refused(body, f"Bearer {token}").status_code == 401

    def test_with_a_revoked_token(self, body: Any) -> None:
        token = factories.token(revoked_at=timezone.now())
        assert self.refused(body, f"Bearer {token}").status_code == 401

    def test_without_the_scope(self, body: Any) -> None:
        response = self.refused(body, f"Bearer {factories.token(Scope.FEED, Scope.PROJECTS)}")
        assert response.status_code == 403
        assert "check" in response.json()["detail"]

    def test_the_scope_is_enough(self) -> None:
        assert self.refused(QUESTION, f"bearer {factories.token(Scope.CHECK)}").status_code == 200

    def test_the_use_of_a_token_is_noted_once_in_a_while(self, index: IndexClient) -> None:
        for _ in range(3):
            index.check("acme-new", user="x")
        assert len(usage.backlog._items) == 1
        usage.backlog.flush()
        assert ServiceToken.objects.get().last_used_at is not None


class TestBatch:
    def test_each_question_is_answered_in_its_place(self, index: IndexClient, acme: Grant) -> None:
        questions = [
            QUESTION,
            QUESTION | {"project": "not valid!"},
            QUESTION | {"project": "free"},
            "nonsense",
            QUESTION | {"publisher": {"user": "alice"}},
        ]
        response = index.post(BATCH, {"questions": questions})
        assert response.status_code == 200
        decisions = response.json()["decisions"]
        assert [d.get("reason", d.get("status")) for d in decisions] == ["reserved", 400, "unreserved", 400, "holder"]
        assert decisions[0] == index.check(**QUESTION)

    def test_a_thousand_at_once(self, index: IndexClient, acme: Grant) -> None:
        questions = [QUESTION | {"project": f"acme-{n}" if n % 2 else f"free-{n}"} for n in range(1000)]
        decisions = index.post(BATCH, {"questions": questions}).json()["decisions"]
        assert [d["project"] for d in decisions] == [q["project"] for q in questions]
        assert {d["reason"] for d in decisions[1::2]} == {"reserved"}
        assert {d["reason"] for d in decisions[::2]} == {"unreserved"}

    @pytest.mark.parametrize("body", [[], {}, {"questions": []}, {"questions": "x"}, {"questions": [QUESTION] * 1001}])
    def test_a_batch_of_the_wrong_size_or_shape(self, index: IndexClient, body: Any) -> None:
        response = index.post(BATCH, json.dumps(body))
        assert response.status_code == 400
        assert "1 to 1,000" in response.json()["detail"]

    def test_only_invalid_questions(self, index: IndexClient) -> None:
        decisions = index.post(BATCH, {"questions": [1, 2]}).json()["decisions"]
        assert [d["status"] for d in decisions] == [400, 400]


class TestBlockedAttempts:
    def test_refusals_are_counted_by_name_and_publisher(self, index: IndexClient, acme: Grant) -> None:
        for _ in range(3):
            index.check("acme-new", user="mallory", first_uploaded=None)
        index.check("acme-new", user="alice", first_uploaded=None)
        assert not BlockedAttempt.objects.exists(), "the answer does not wait for the record"
        assert recorder.backlog.flush() == 3
        index.check("acme-new", user="mallory", first_uploaded=None)
        recorder.backlog.flush()
        attempt = BlockedAttempt.objects.get()
        assert (attempt.namespace, attempt.project, attempt.reason) == ("acme", "acme-new", "reserved")
        assert (attempt.publisher, attempt.count) == ("user mallory", 4)

    @pytest.mark.parametrize("user", ["x\x00y", "\ud800", "ü" * 900])
    def test_hostile_names_are_recorded_in_plain_text(self, index: IndexClient, acme: Grant, user: str) -> None:
        index.check("acme-new", user=user, first_uploaded=None)
        recorder.backlog.flush()
        assert BlockedAttempt.objects.get().publisher.isascii()
        assert recorder.backlog.dropped == 0

    def test_a_full_backlog_drops_and_counts(self) -> None:
        small: Backlog[int] = Backlog(lambda _: None, limit=2)
        for number in range(5):
            small.add(number)
        assert (len(small._items), small.dropped) == (2, 3)


def test_without_a_database_it_is_503_and_no_decision(index: IndexClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: Any) -> Any:
        raise OperationalError

    monkeypatch.setattr("namespaces.api.checks.fetch", gone)
    response = index.post(CHECK, QUESTION)
    assert (response.status_code, response["Content-Type"]) == (503, "application/problem+json")
    assert response["Retry-After"]


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_the_server_has_closed_is_opened_anew(index: IndexClient) -> None:
    assert index.check("free", user="x")["allowed"]
    with pytest.raises(OperationalError), connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
    assert index.check("free", user="x")["allowed"]
