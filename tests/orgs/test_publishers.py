"""Trusted publishers: what may be trusted, that nothing more is, and who may say so."""

from __future__ import annotations

import random
from typing import Any

import pytest
from django.test import Client

from freehold.errors import Invalid, NotPermitted
from namespaces.decision import claims_match
from orgs import issuers
from orgs.actors import Actor
from orgs.issuers import GITHUB, GITLAB, GOOGLE, parse_claims, parse_issuer, parse_lines
from orgs.models import AuditEvent, Organization, TrustedPublisher
from orgs.services.publishers import (
    AlreadyTrusted,
    NoSuchPublisher,
    TooManyPublishers,
    add_publisher,
    remove_publisher,
)
from orgs.vocabulary import Role
from tests import factories
from tests.concurrency import all_at_once
from tests.conftest import IndexClient
from tests.dump import nothing_changes
from tests.people import EVERYBODY, acting_as
from tests.sessions import signed_in

OPERATOR = Actor.operator()
MAY = {"owner", "manager", "operator"}
CI = "https://ci.example"


class TestIssuers:
    @pytest.mark.parametrize(
        ("typed", "issuer"),
        [
            ("https://ci.example", "https://ci.example"),
            (" HTTPS://CI.Example:443 ", "https://ci.example"),
            ("https://ci.example:8443", "https://ci.example:8443"),
            ("https://ci.example/org/AbC", "https://ci.example/org/AbC"),
            ("https://tenant.ci.example/", "https://tenant.ci.example/"),
        ],
    )
    def test_are_https_urls(self, typed: str, issuer: str) -> None:
        assert parse_issuer(typed) == issuer

    @pytest.mark.parametrize(
        "typed",
        [
            "",
            "ci.example",
            "http://ci.example",
            "ftp://ci.example",
            "https://",
            "https://localhost",
            "https://*.example",
            "https://user@ci.example",
            "https://ci.example?x=1",
            "https://ci.example?",
            "https://ci.example#x",
            "https://ci.example#",
            "https://ci.example:port",
            "https://ci.example:99999",
            "https://[::1",
            "https://ci.example/a b",
            "https://ci.exämple",
            "https://ci.example/\x00",
            "https://ci.example\n.evil.example",
            "https://ci.example/" + "x" * 500,
        ],
    )
    def test_and_nothing_else(self, typed: str) -> None:
        with pytest.raises(Invalid):
            parse_issuer(typed)


class TestClaims:
    @pytest.mark.parametrize("value", ["acme", "acme/*", "repo:acme/*", "project:*", "x@*", "release.yml@refs/heads/*"])
    def test_values_and_patterns(self, value: str) -> None:
        assert parse_claims(CI, {"sub": value}) == {"sub": value}

    @pytest.mark.parametrize(
        "value",
        ["", "*", "**", "acme*", "acme-*", "acme.*", "a*b", "*acme", "acme/**", "/*", ":*", "@*", "a\nb", "a\x00"],
    )
    def test_those_that_trust_too_much_or_nothing(self, value: str) -> None:
        with pytest.raises(Invalid):
            parse_claims(CI, {"sub": value})

    def test_acme_star_would_match_acme_evil(self) -> None:
        """The reason for the rule: the check takes a pattern as it is."""
        assert claims_match({"repository_owner": "acme*"}, {"repository_owner": "acme-evil"})
        with pytest.raises(Invalid, match="must follow a whole name"):
            parse_claims(GITHUB, {"repository_owner": "acme*"})

    @pytest.mark.parametrize("name", ["", "a b", "é", "a=b", "a\x00", "x" * 101, "iss", "aud", "exp", "jti"])
    def test_names(self, name: str) -> None:
        with pytest.raises(Invalid):
            parse_claims(CI, {name: "acme"})

    def test_none_at_all(self) -> None:
        with pytest.raises(Invalid, match="every token of the issuer would match"):
            parse_claims(CI, {})

    def test_too_many_or_too_long(self) -> None:
        with pytest.raises(Invalid):
            parse_claims(CI, {f"claim{n}": "x" for n in range(11)})
        with pytest.raises(Invalid):
            parse_claims(CI, {f"claim{n}": "x" * 390 for n in range(4)})

    @pytest.mark.parametrize(
        ("issuer", "claims"),
        [
            (GITHUB, {"environment": "release"}),
            (GITHUB, {"ref": "refs/heads/main"}),
            (GITHUB, {"actor": "alice"}),
            (GITHUB, {"sub": "repo:*"}),
            (GITHUB, {"job_workflow_ref": "acme/shared/.github/workflows/release.yml@*"}),
            (GITLAB, {"ref": "main"}),
            (GITLAB, {"sub": "project_path:*"}),
            (GOOGLE, {"hd": "acme.example"}),
        ],
    )
    def test_at_issuers_for_everybody_the_account_is_named(self, issuer: str, claims: dict[str, str]) -> None:
        with pytest.raises(Invalid, match="Everybody can get a token"):
            parse_claims(issuer, claims)

    def test_lines(self) -> None:
        assert parse_lines(" sub = a=b \n\n x=y\r\n") == {"sub": "a=b", "x": "y"}
        for text in ("sub", "sub=a\nsub=b"):
            with pytest.raises(Invalid):
                parse_lines(text)


FORMS = [
    (GITHUB, issuers.github_claims(owner="acme")),
    (GITHUB, issuers.github_claims(owner="acme", owner_id="1", repository="x", workflow="r.yml", environment="e")),
    (GITLAB, issuers.gitlab_claims(group="acme/tools")),
    (GITLAB, issuers.gitlab_claims(group="acme", project="x", namespace_id="7", environment="e")),
    (GOOGLE, issuers.google_claims(email="a@b.iam.gserviceaccount.com")),
    (GOOGLE, issuers.google_claims(email="a@b.iam.gserviceaccount.com", subject="12")),
    (CI, {"sub": "project/acme/*"}),
    (CI, {"sub": "repo:*"}),
]


@pytest.mark.parametrize(("issuer", "claims"), FORMS)
def test_the_preview_shows_what_the_check_decides(issuer: str, claims: dict[str, str]) -> None:
    shown = issuers.preview(issuer, parse_claims(issuer, claims))
    assert claims_match(claims, shown.matching)
    assert not claims_match(claims, shown.foreign)


def test_an_account_named_by_its_name_alone_is_warned_of() -> None:
    assert [issuers.can_be_registered_anew(issuer, claims) for issuer, claims in FORMS] == [
        True,
        False,
        True,
        False,
        True,
        False,
        False,
        False,
    ]


@pytest.fixture
def acme(db: None) -> Organization:
    return factories.organization("acme")


def add(actor: Actor, organization: Organization, **claims: str) -> TrustedPublisher:
    return add_publisher(actor=actor, organization=organization, issuer=CI, claims=claims or {"sub": "acme"})


class TestServices:
    @pytest.mark.parametrize("who", EVERYBODY)
    def test_owners_and_managers_add_and_remove_and_nobody_else(self, acme: Organization, who: str) -> None:
        actor = acting_as(who, acme)
        there = factories.trusted(acme, sub="there")
        if who in MAY:
            add(actor, acme)
            remove_publisher(actor=actor, publisher=there)
            assert list(AuditEvent.objects.order_by("pk").values_list("action", "organization")) == [
                ("publisher.added", "acme"),
                ("publisher.removed", "acme"),
            ]
            return
        with nothing_changes(), pytest.raises(NotPermitted):
            add(actor, acme)
        with nothing_changes(), pytest.raises(NotPermitted):
            remove_publisher(actor=actor, publisher=there)

    def test_not_twice(self, acme: Organization) -> None:
        add(OPERATOR, acme, sub="a", x="y")
        with nothing_changes(), pytest.raises(AlreadyTrusted):
            add(OPERATOR, acme, x="y", sub="a")

    def test_not_what_would_trust_strangers(self, acme: Organization) -> None:
        with nothing_changes(), pytest.raises(Invalid):
            add(OPERATOR, acme, sub="*")

    def test_what_is_removed_is_not_removed_again(self, acme: Organization) -> None:
        there = factories.trusted(acme, sub="there")
        TrustedPublisher.objects.all().delete()
        with nothing_changes(), pytest.raises(NoSuchPublisher):
            remove_publisher(actor=OPERATOR, publisher=there)

    def test_at_most_a_hundred(self, acme: Organization) -> None:
        TrustedPublisher.objects.bulk_create(
            TrustedPublisher(organization=acme, issuer=CI, claims={"sub": str(n)}) for n in range(100)
        )
        with nothing_changes(), pytest.raises(TooManyPublishers, match="at most 100"):
            add(OPERATOR, acme)
        add(OPERATOR, factories.organization("other"))

    def test_the_longest_that_is_allowed_fits_the_index_of_the_database(self, acme: Organization) -> None:
        letters = [chr(n) for n in range(33, 127) if chr(n) not in "*="]
        rng = random.Random(752)
        claims = {f"c{n}": "".join(rng.choices(letters, k=370)) for n in range(4)}
        issuer = "https://ci.example/" + "".join(rng.choices("abcdefghijklmnopqrstuvwxyz0123456789", k=480))
        add_publisher(actor=OPERATOR, organization=acme, issuer=issuer, claims=claims)

    def test_they_count_in_the_check_at_once_and_no_more_when_removed(
        self, acme: Organization, index: IndexClient
    ) -> None:
        factories.grant("acme", acme)
        token = {"iss": CI, "sub": "project/acme/widgets"}
        assert index.check("acme-x", claims=token)["reason"] == "reserved"
        trusted = add(OPERATOR, acme, sub="project/acme/*")
        assert index.check("acme-x", claims=token)["reason"] == "holder"
        assert index.check("acme-x", claims=token | {"sub": "project/acme-evil/x"})["reason"] == "reserved"
        assert index.check("acme-x", claims=token | {"iss": "https://ci.example.evil"})["reason"] == "reserved"
        remove_publisher(actor=OPERATOR, publisher=trusted)
        assert index.check("acme-x", claims=token)["reason"] == "reserved"


@pytest.mark.django_db(transaction=True)
def test_the_limit_holds_when_two_add_at_once() -> None:
    acme = factories.organization("acme")
    TrustedPublisher.objects.bulk_create(
        TrustedPublisher(organization=acme, issuer=CI, claims={"sub": str(n)}) for n in range(99)
    )
    acts = [lambda name=name: add(OPERATOR, acme, sub=name) for name in ("a", "b", "c")]
    assert sorted(all_at_once(*acts)) == ["done", "too-many-publishers", "too-many-publishers"]


# --- Pages ----------------------------------------------------------------------------------------------------------

LIST, NEW = "/manage/acme/publishers/", "/manage/acme/publishers/new/{}/"


@pytest.fixture
def http(acme: Organization) -> Client:
    return signed_in(factories.member(acme, "mads", Role.MANAGER).user)


FILLED: list[tuple[str, dict[str, str], str, dict[str, str]]] = [
    ("github", {"owner": "acme", "owner_id": "12"}, GITHUB, {"repository_owner": "acme", "repository_owner_id": "12"}),
    (
        "gitlab",
        {"instance": "https://git.acme.example/", "group": "acme"},
        "https://git.acme.example",
        {"project_path": "acme/*"},
    ),
    ("google", {"email": "a@b.example", "subject": "1"}, GOOGLE, {"email": "a@b.example", "sub": "1"}),
    ("other", {"url": CI, "lines": "sub=a\nx=y"}, CI, {"sub": "a", "x": "y"}),
]


class TestPages:
    @pytest.mark.parametrize("filled", FILLED, ids=lambda filled: filled[0])
    def test_first_what_would_match_is_shown_and_then_it_is_trusted(
        self, http: Client, acme: Organization, filled: tuple[str, dict[str, str], str, dict[str, str]]
    ) -> None:
        kind, typed, issuer, claims = filled
        with nothing_changes():
            shown = http.post(NEW.format(kind), typed)
        assert "Tokens like these will match" in shown.content.decode()
        done = http.post(NEW.format(kind), typed | {"confirmed": "1"})
        assert (done.status_code, done["Location"]) == (302, LIST)
        trusted = TrustedPublisher.objects.get()
        assert (trusted.organization, trusted.issuer, trusted.claims) == (acme, issuer, claims)
        assert issuer in http.get(LIST).content.decode()

    def test_who_has_not_just_shown_who_they_are_is_asked(self, acme: Organization) -> None:
        client = signed_in(factories.member(acme, "mads", Role.MANAGER).user, fresh=False)
        with nothing_changes():
            answer = client.post(NEW.format("github"), {"owner": "acme", "confirmed": "1"})
        assert answer["Location"].startswith("/accounts/reauthenticate/")

    @pytest.mark.parametrize(
        ("kind", "typed"),
        [
            ("github", {}),
            ("github", {"owner": "acme*"}),
            ("github", {"owner": "acme/x"}),
            ("github", {"owner": "a\x00"}),
            ("github", {"owner": "acme", "owner_id": "x"}),
            ("github", {"owner": "acme", "workflow": "r.yml"}),
            ("github", {"owner": "acme", "environment": "x*"}),
            ("gitlab", {"instance": "http://git.example", "group": "acme"}),
            ("gitlab", {"instance": GITLAB, "group": "*"}),
            ("google", {"email": "x"}),
            ("other", {"url": CI, "lines": "sub=*"}),
            ("other", {"url": CI, "lines": "x" * 5000}),
            ("other", {"url": GITHUB, "lines": "environment=release"}),
        ],
    )
    @pytest.mark.parametrize("confirmed", [{}, {"confirmed": "1"}])
    def test_bad_input_is_said_and_changes_nothing(
        self, http: Client, kind: str, typed: dict[str, str], confirmed: dict[str, str]
    ) -> None:
        with nothing_changes():
            answer = http.post(NEW.format(kind), typed | confirmed)
        assert answer.status_code == 200
        assert "Something is not right yet" in answer.content.decode()

    def test_a_name_that_can_be_registered_anew_is_warned_of(self, http: Client) -> None:
        warning = "somebody else can register its name"
        assert warning in http.post(NEW.format("github"), {"owner": "acme"}).content.decode()
        assert warning not in http.post(NEW.format("github"), {"owner": "acme", "owner_id": "1"}).content.decode()

    def test_a_refusal_of_the_service_is_shown_in_the_form(self, http: Client, acme: Organization) -> None:
        factories.trusted(acme, CI, sub="a")
        with nothing_changes():
            answer = http.post(NEW.format("other"), {"url": CI, "lines": "sub=a", "confirmed": "1"})
        assert "trusts exactly these tokens already" in answer.content.decode()

    def test_it_is_removed_by_its_page(self, http: Client, acme: Organization) -> None:
        there = factories.trusted(acme, CI, sub="a")
        assert http.get(f"{LIST}{there.pk}/remove/").status_code == 200
        assert http.post(f"{LIST}{there.pk}/remove/")["Location"] == LIST
        assert not TrustedPublisher.objects.exists()

    def test_an_unknown_kind_is_not_there(self, http: Client) -> None:
        assert http.get(NEW.format("nothing")).status_code == 404

    @pytest.mark.parametrize("number", ["other", "0", "9" * 40])
    def test_trap_12_anothers_publisher_is_not_found_by_its_number(self, http: Client, number: str) -> None:
        theirs = factories.trusted(factories.organization(), CI, sub="a")
        address = f"{LIST}{theirs.pk if number == 'other' else number}/remove/"
        with nothing_changes():
            assert http.get(address).status_code == 404
            assert http.post(address).status_code == 404

    @pytest.mark.parametrize(
        ("role", "status"), [(Role.OWNER, 200), (Role.BILLING, 403), (Role.MEMBER, 403), (None, 404)]
    )
    def test_who_sees_them(self, acme: Organization, role: Role | None, status: int) -> None:
        user = factories.member(acme, "x", role).user if role else factories.user()
        client = signed_in(user)
        there = factories.trusted(acme, CI, sub="a")
        for address in (LIST, NEW.format("github"), f"{LIST}{there.pk}/remove/"):
            assert client.get(address).status_code == status
        if status != 200:
            with nothing_changes():
                typed: dict[str, Any] = {"owner": "acme", "confirmed": "1"}
                assert client.post(NEW.format("github"), typed).status_code == status
                assert client.post(f"{LIST}{there.pk}/remove/").status_code == status
