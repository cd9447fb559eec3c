"""The fail table, row by row: what becomes of an upload, by where the name is and what Freehold does."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from fakes import answer, grant, organization, reply
from freehold_client import Decision, FreeholdUnavailable, Publisher

EFFECTIVE = datetime(2025, 1, 1, tzinfo=timezone.utc)
BEFORE, AFTER = EFFECTIVE - timedelta(days=1), EFFECTIVE + timedelta(days=1)

STRANGER = Publisher(user="mallory")
HOLDER = Publisher(user="alice")
NEW: dict[str, Any] = {"exists": False}
UNKNOWN: dict[str, Any] = {}
EXISTING: dict[str, Any] = {"exists": True}
OLD: dict[str, Any] = {"first_uploaded": BEFORE}
YOUNG: dict[str, Any] = {"first_uploaded": AFTER}
ITS_OWN: dict[str, Any] = {"first_uploaded": AFTER, "owner": "Acme"}
ANOTHERS: dict[str, Any] = {"first_uploaded": AFTER, "owner": "other"}
CLAIMS = {"iss": "https://ci.example", "repository_owner": "acme", "repository": "acme/widgets"}


@pytest.fixture
def world(freehold):
    freehold.put(
        grant("acme", "acme", publishers=[{"organization": "acme", "user": "tina"}]),
        grant("acme-labs", "acme", shares=[{"organization": "friend", "expires_at": None}]),
        grant("locked", "acme", state="locked"),
        grant("rotten", "lapsed"),
        grant("quiet", "gone"),
        grant("soon", "acme", effective_at="2099-01-01T00:00:00.000000Z"),
        grant("was", "acme", shares=[{"organization": "friend", "expires_at": "2026-01-01T00:00:00.000000Z"}]),
        organization(
            "acme",
            "alice",
            former_names=["acme-before"],
            trusted_publishers=[
                {"issuer": "https://ci.example", "claims": {"repository_owner": "acme", "repository": "acme/*"}},
                {"issuer": "https://ci.example", "claims": {}},
            ],
        ),
        organization("friend", "fred"),
        organization("lapsed", "lars", standing="lapsed"),
        organization("gone", "gina", state="suspended"),
    )
    return freehold


def down(handler):
    reply(handler, 500, {})


OUTSIDE = "other-thing"
INSIDE = "Acme.New_Thing"


class TestOutside:
    """Of every namespace of a fresh snapshot: allow, no call, whatever Freehold does."""

    @pytest.mark.parametrize("upload", [NEW, UNKNOWN, EXISTING, OLD, YOUNG, ITS_OWN])
    @pytest.mark.parametrize("publisher", [STRANGER, HOLDER, Publisher()])
    @pytest.mark.parametrize("name", [OUTSIDE, "acmex", "acm", "acmex-acme", "x-acme"])
    def test_allowed_without_a_call(self, world, make_client, upload, publisher, name) -> None:
        client = make_client(world.url)
        assert client.refresh()
        world.misbehave = down
        decision = client.check_upload(name, publisher, **upload)
        assert (decision.allowed, decision.status, decision.reason) == (True, 200, "outside")
        assert (decision.source, decision.revision, decision.namespaces) == ("snapshot", 7, ())
        assert world.checks == []

    def test_its_decision_is_like_any_other(self, world, make_client) -> None:
        client = make_client(world.url)
        client.refresh()
        decision = client.check_upload(OUTSIDE, STRANGER, **NEW)
        message = "The name 'other-thing' is in no reserved namespace."
        assert decision == Decision(True, 200, "outside", OUTSIDE, message, revision=7, source="snapshot")
        assert replace(decision, source="rule").source == "rule"
        with pytest.raises(FrozenInstanceError):
            decision.allowed = False


class TestInsideWithAnswer:
    @pytest.mark.parametrize("upload", [NEW, UNKNOWN, EXISTING, OLD, YOUNG, ITS_OWN])
    @pytest.mark.parametrize(
        "reason", ["unreserved", "holder", "grandfathered", "existing", "lapsed", "locked", "reserved"]
    )
    def test_its_answer(self, world, make_client, upload, reason) -> None:
        """Also against the snapshot, which shows the publisher as a holder."""
        world.decide = lambda question: answer(question["project"], reason)
        client = make_client(world.url)
        client.refresh()
        decision = client.check_upload(INSIDE, HOLDER, **upload)
        assert (decision.reason, decision.source) == (reason, "server")
        assert decision.status == (200 if decision.allowed else 409)

    def test_a_denial_is_not_kept(self, world, make_client) -> None:
        client = make_client(world.url)
        client.refresh()
        assert client.check_upload(INSIDE, HOLDER, **NEW).status == 409
        world.decide = lambda question: answer(question["project"], "holder")
        assert client.check_upload(INSIDE, HOLDER, **NEW).allowed
        world.misbehave = down
        assert client.check_upload(INSIDE, STRANGER, **NEW).status == 503

    @pytest.mark.parametrize(
        ("upload", "member"),
        [
            (NEW, None),
            (OLD, "2024-12-31T00:00:00+00:00"),
            (UNKNOWN, "left out"),
            (EXISTING, "left out"),
        ],
    )
    def test_what_is_asked(self, world, make_client, upload, member) -> None:
        make_client(world.url).check_upload(INSIDE, Publisher("u", "Org", CLAIMS), **upload)
        (question,) = world.checks
        assert question["project"] == "acme-new-thing"
        assert question["publisher"] == {"user": "u", "organization": "Org", "claims": CLAIMS}
        assert question.get("first_uploaded", "left out") == member

    def test_an_anonymous_publisher_is_asked_about_as_nobody(self, world, make_client) -> None:
        make_client(world.url).check_upload(INSIDE, Publisher(), **NEW)
        assert world.checks[0]["publisher"] == {"user": "(anonymous)"}


NO_ANSWER_NEW = [
    # a new project: 503, unless the snapshot shows this publisher as a holder
    ("stranger", "acme-new", STRANGER, 503),
    ("nobody", "acme-new", Publisher(), 503),
    ("owner or manager", "acme-new", HOLDER, 200),
    ("in another spelling", "ACME_new", Publisher(user="Alice"), 200),
    ("the Kelvin sign is no k", "acme-new", Publisher(user="\u212aate"), 503),
    ("by team", "acme-new", Publisher(user="tina"), 200),
    ("by team on the namespace around", "acme-labs-new", Publisher(user="tina"), 200),
    ("by share", "acme-labs-new", Publisher(user="fred"), 200),
    ("share is of the inner namespace only", "acme-new", Publisher(user="fred"), 503),
    ("share has expired", "was-new", Publisher(user="fred"), 503),
    ("organization vouched for", "acme-new", Publisher(organization="ACME"), 200),
    ("another organization", "acme-new", Publisher(organization="friend"), 503),
    ("organization with a stranger", "acme-new", Publisher(user="mallory", organization="acme"), 503),
    ("organization with claims of a stranger", "acme-new", Publisher(organization="acme", claims={"iss": "x"}), 503),
    ("trusted publisher", "acme-new", Publisher(claims=CLAIMS), 200),
    ("claims with another issuer", "acme-new", Publisher(claims={**CLAIMS, "iss": "https://evil.example"}), 503),
    ("claims of another repository", "acme-new", Publisher(claims={**CLAIMS, "repository": "acmex/w"}), 503),
    ("claims of the wrong type", "acme-new", Publisher(claims={**CLAIMS, "repository_owner": ["acme"]}), 503),
    ("an empty pattern matches nothing", "acme-new", Publisher(claims={"iss": "https://ci.example"}), 503),
    ("grant is locked", "locked-new", HOLDER, 503),
    ("standing has lapsed", "rotten-new", Publisher(user="lars"), 503),
    ("organization is not active", "quiet-new", Publisher(user="gina"), 503),
    ("not in effect yet: stranger", "soon-new", STRANGER, 503),
    ("not in effect yet: holder", "soon-new", HOLDER, 200),
    ("the namespace itself", "acme", STRANGER, 503),
]


class TestInsideWithoutAnswer:
    @pytest.mark.parametrize("upload", [NEW, UNKNOWN])
    @pytest.mark.parametrize(
        ("name", "publisher", "status"), [row[1:] for row in NO_ANSWER_NEW], ids=[row[0] for row in NO_ANSWER_NEW]
    )
    def test_new(self, world, make_client, upload, name, publisher, status) -> None:
        client = make_client(world.url)
        client.refresh()
        world.misbehave = down
        decision = client.check_upload(name, publisher, **upload)
        assert (decision.status, decision.allowed) == (status, status == 200)
        assert decision.reason == ("snapshot-holder" if status == 200 else "unavailable")
        assert decision.message.isascii() and decision.message.isprintable()
        assert "already exist" not in decision.message
        assert decision.source == "snapshot"

    @pytest.mark.parametrize(
        ("name", "publisher", "upload", "reason"),
        [
            ("acme-thing", STRANGER, EXISTING, "unavailable"),
            ("acme-thing", STRANGER, YOUNG, "unavailable"),
            ("acme-thing", STRANGER, {"first_uploaded": EFFECTIVE}, "unavailable"),
            ("acme-thing", STRANGER, OLD, "snapshot-owner"),
            ("acme-thing", STRANGER, ITS_OWN, "snapshot-owner"),
            ("acme-thing", STRANGER, ANOTHERS, "unavailable"),
            ("acme-thing", HOLDER, ANOTHERS, "snapshot-holder"),
            ("acme-thing", STRANGER, {"exists": True, "owner": "acme"}, "snapshot-owner"),
            ("acme-thing", STRANGER, {"exists": False, "owner": "acme"}, "unavailable"),
            ("acme-thing", STRANGER, {"owner": "acme"}, "unavailable"),
            ("acme-labs-thing", STRANGER, {"exists": True, "owner": "friend"}, "snapshot-owner"),
            ("acme-thing", STRANGER, {"exists": True, "owner": "Acme.Before"}, "snapshot-owner"),
            ("locked-thing", HOLDER, YOUNG, "unavailable"),
            ("locked-thing", HOLDER, ITS_OWN, "snapshot-owner"),
            ("locked-thing", Publisher(organization="acme"), YOUNG, "snapshot-owner"),
            ("rotten-thing", Publisher(organization="lapsed"), YOUNG, "snapshot-owner"),
            ("rotten-thing", Publisher(user="lars", organization="lapsed"), YOUNG, "unavailable"),
            ("soon-thing", STRANGER, YOUNG, "snapshot-owner"),
        ],
    )
    def test_existing(self, world, make_client, name, publisher, upload, reason) -> None:
        client = make_client(world.url)
        client.refresh()
        world.misbehave = down
        decision = client.check_upload(name, publisher, **upload)
        assert decision.reason == reason
        assert decision.allowed is (reason != "unavailable")

    def test_a_refusal_names_the_namespace_and_its_page(self, world, make_client) -> None:
        client = make_client(world.url)
        client.refresh()
        world.misbehave = down
        decision = client.check_upload("acme-labs-x", STRANGER, **NEW)
        assert decision.namespace == "acme-labs"
        assert decision.url == f"{world.url}/namespaces/acme-labs/"
        assert decision.url in decision.message
        assert decision.namespaces == (("acme", False), ("acme-labs", False))

    def test_a_holder_is_told_to_whom_the_project_goes(self, world, make_client) -> None:
        client = make_client(world.url)
        client.refresh()
        world.misbehave = down
        decision = client.check_upload("acme-labs-x", Publisher(organization="friend"), **NEW)
        assert (decision.organization, decision.namespace) == ("friend", "acme-labs")
        assert decision.namespaces == (("acme", True), ("acme-labs", True))


class TestWithoutFreshSnapshot:
    @pytest.fixture(params=["none", "too old", "clock set back while it was down"])
    def client(self, request, world, make_client, clock, tmp_path):
        client = make_client(world.url, cache_dir=tmp_path)
        if request.param != "none":
            client.refresh()
        if request.param == "too old":
            clock.go_on(3601)
        if request.param == "clock set back while it was down":
            client.close()
            clock.wall -= 1
            client = make_client(world.url, cache_dir=tmp_path)
            assert client.snapshot is not None
        return client

    @pytest.mark.parametrize("publisher", [STRANGER, HOLDER, Publisher()])
    @pytest.mark.parametrize("name", [OUTSIDE, INSIDE])
    @pytest.mark.parametrize(
        ("upload", "status"), [(NEW, 503), (UNKNOWN, 503), (EXISTING, 200), (OLD, 200), (YOUNG, 200), (ANOTHERS, 200)]
    )
    def test_no_answer(self, client, world, caplog, publisher, name, upload, status) -> None:
        world.misbehave = down
        decision = client.check_upload(name, publisher, **upload)
        assert decision.status == status
        assert decision.reason == ("stale-existing" if status == 200 else "unavailable")
        assert (decision.source, decision.revision) == ("rule", None)
        decided = [record.freehold for record in caplog.records if record.freehold["event"] == "check.decided"]
        assert [(entry["reason"], entry["project"]) for entry in decided] == [(decision.reason, decision.project)]
        assert client.counters["stale_allowed"] == (status == 200)

    @pytest.mark.parametrize("name", [OUTSIDE, INSIDE])
    def test_an_answer_counts_all_the_same(self, client, world, name) -> None:
        assert client.check_upload(name, STRANGER, **NEW).reason == "reserved"

    def test_namespaces_are_not_told(self, client) -> None:
        with pytest.raises(FreeholdUnavailable) as refused:
            client.namespaces_of("acme-x", None)
        assert refused.value.code == "no-snapshot"

    def test_recovers_with_the_next_refresh(self, client, world) -> None:
        assert client.refresh()
        assert client.check_upload(OUTSIDE, STRANGER, **NEW).reason == "outside"


class TestInvalid:
    @pytest.mark.parametrize("name", ["", "-a", "a\n", "\u212a", "a" * 201, "a b", None, 7, b"acme"])
    def test_names(self, world, make_client, name) -> None:
        decision = make_client(world.url).check_upload(name, HOLDER, **NEW)
        assert (decision.allowed, decision.status, decision.reason) == (False, 400, "invalid-name")
        assert decision.message.isascii() and decision.message.isprintable()
        assert decision.project.isascii() and len(decision.project) <= 200
        assert world.requests == []

    def test_a_time_without_a_zone(self, world, make_client) -> None:
        with pytest.raises(ValueError, match="zone"):
            make_client(world.url).check_upload("acme", HOLDER, first_uploaded=datetime(2025, 1, 1))  # noqa: DTZ001 -- without a zone is what is tried

    def test_new_with_a_time(self, world, make_client) -> None:
        with pytest.raises(ValueError, match="not new"):
            make_client(world.url).check_upload("acme", HOLDER, exists=False, first_uploaded=BEFORE)

    @pytest.mark.parametrize("members", [{"user": ""}, {"organization": ""}])
    def test_an_empty_publisher(self, members) -> None:
        with pytest.raises(ValueError, match="not empty"):
            Publisher(**members)


class TestNamespacesOf:
    @pytest.mark.parametrize(
        ("name", "owner", "expected"),
        [
            ("other", "acme", None),
            ("acme-labs-x", "Acme", [("acme", True), ("acme-labs", True)]),
            ("acme-labs-x", "friend", [("acme", True), ("acme-labs", True)]),
            ("Acme_X", "friend", [("acme", False)]),
            ("acme-x", None, [("acme", False)]),
            ("acme-x", "user:acme", [("acme", False)]),
            ("was-x", "friend", [("was", False)]),
            ("locked", "acme", [("locked", True)]),
        ],
    )
    def test_from_the_snapshot(self, world, make_client, name, owner, expected) -> None:
        client = make_client(world.url)
        client.refresh()
        world.requests.clear()
        found = client.namespaces_of(name, owner)
        assert found == (expected and [{"name": n, "owned": o} for n, o in expected])
        assert world.requests == []
