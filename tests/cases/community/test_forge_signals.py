"""What a real server on this machine answers when a forge is asked, and what becomes of what it does not answer."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from freehold.outgoing.errors import NotThere, OutgoingError, Unreachable
from namespaces import forge_answers
from namespaces.cases import CaseKind
from namespaces.models import ForgeSignals
from namespaces.policy.signals import ForgeFacts
from namespaces.services import forge_signals
from namespaces.services.forge_signals import FRESH, STALE, ask_forge, ask_forges, look, sweep_signals
from orgs.models import Organization, Proof
from orgs.vocabulary import Kind, ProofState
from tests import factories, webserver
from tests.cases.community import forge
from tests.webserver import WebServer

pytestmark = pytest.mark.django_db
REPOS = "/github/users/rocket/repos"


def stored(proof: Proof) -> ForgeSignals:
    return ForgeSignals.objects.get(proof=proof)


class TestWhatIsTold:
    def test_by_github(self, web: WebServer) -> None:
        small = forge.on_github("examples", stargazers_count=2, license=None)
        copied = forge.on_github("their-fork", fork=True, stargazers_count=9_999)
        forge.github(web, "rocket", small, copied, forge.on_github(), blog="https://rocket.org", bio="Rockets")
        found = look("https://github.com/rocket")
        assert (found.website, found.about) == ("https://rocket.org", "Rockets")
        assert [each.name for each in found.repositories] == ["rocket", "examples", "their-fork"]
        first = found.repositories[0]
        assert (first.licence, first.stars, first.forks, first.commits, first.releases) == ("MIT", 140, 12, 12, 1)
        assert (first.begun, first.archived, first.copied) == (_day(900), False, False)
        assert found.repositories[2].commits is None

    def test_by_gitlab(self, web: WebServer) -> None:
        forge.gitlab(web, "rocket")
        (found,) = look("https://gitlab.com/rocket").repositories
        assert (found.name, found.licence, found.stars, found.commits, found.releases) == (
            "rocket", "apache-2.0", 55, 9, 0,
        )  # fmt: skip

    @pytest.mark.parametrize("organization", [True, False])
    def test_by_codeberg_with_the_text_of_the_licence(self, web: WebServer, organization: bool) -> None:
        forge.codeberg(web, "rocket", organization=organization)
        said = look("https://codeberg.org/rocket")
        (found,) = said.repositories
        assert (found.licence, found.stars, found.commits, said.website) == (
            "MPL-2.0", 30, 4, "https://rocket.example.org",
        )  # fmt: skip

    def test_by_one_that_tells_licences(self, web: WebServer) -> None:
        forge.codeberg(web, "rocket", licenses=["BSD-3-Clause"])
        assert look("https://codeberg.org/rocket").repositories[0].licence == "BSD-3-Clause"
        assert not [request for request in web.requests if request.target.endswith("LICENSE")]

    def test_private_ones_are_none(self, web: WebServer) -> None:
        forge.github(web, "rocket", forge.on_github(private=True))
        assert look("https://github.com/rocket").repositories == ()

    def test_the_account_says_nothing_of_itself(self, web: WebServer) -> None:
        forge.tell(web, REPOS, [forge.on_github()])
        found = look("https://github.com/rocket")
        assert (found.website, len(found.repositories)) == ("", 1)

    def test_it_goes_to_json_and_back(self, web: WebServer) -> None:
        forge.github(web, "rocket", forge.on_github())
        found = look("https://github.com/rocket")
        assert ForgeFacts.from_json(found.as_json()) == found

    def test_who_asks_with_a_token_says_so_to_github_alone(self, web: WebServer, settings: Any) -> None:
        settings.FREEHOLD_GITHUB_TOKEN = "secret"
        forge.github(web, "rocket", forge.on_github())
        forge.codeberg(web, "rocket")
        look("https://github.com/rocket")
        look("https://codeberg.org/rocket")
        told = {request.target.split("/")[1]: request.headers.get("authorization") for request in web.requests}
        assert told == {"github": "Bearer secret", "codeberg": None}


def _day(ago: int) -> Any:
    return (timezone.now() - timedelta(days=ago)).astimezone(UTC).date()


BAD: list[tuple[str, Callable[[Any, Any], None], str]] = [
    ("404", webserver.replying(b"{}", 404), "There is no such account."),
    ("403", webserver.replying(b"{}", 403), "answers no more questions"),
    ("429", webserver.replying(b"{}", 429, Retry_After="3600"), "answers no more questions"),
    ("500", webserver.replying(b"{}", 500), "status 500"),
    ("endless", webserver.endless, "longer than"),
    ("no JSON", webserver.replying(b"<html>"), "not what was expected"),
    ("deep JSON", webserver.replying(b"[" * 200_000), "not what was expected"),
    ("no list", webserver.replying(b'{"message": "hello"}'), "not what was expected"),
    ("no HTTP", webserver.raw(b"SSH-2.0-x\r\n"), "broke off"),
    ("silence", webserver.silent, "did not answer"),
    ("a redirect to inside", webserver.redirect("http://169.254.169.254/"), "must"),
]


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forge_signals, "STEP_SECONDS", 0.4)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(("behaviour", "sentence"), [row[1:] for row in BAD], ids=[row[0] for row in BAD])
def test_what_is_not_answered_takes_nothing_back(
    web: WebServer, rocket: Organization, behaviour: Any, sentence: str
) -> None:
    proof = factories.forge_proof(rocket)
    forge.github(web, "rocket", forge.on_github())
    assert ask_forge(proof=proof)
    before = stored(proof)
    assert before.error == ""
    web.behave(REPOS, behaviour)
    began = time.monotonic()
    assert not ask_forge(proof=proof)
    assert time.monotonic() - began < 4
    after = stored(proof)
    assert sentence in after.error
    assert (after.data, after.seen_at) == (before.data, before.seen_at)
    assert after.asked_at and before.asked_at and after.asked_at > before.asked_at


GARBAGE: list[Any] = [
    [1, None, "x", [], {}],
    [{"name": 5}],
    [{"name": "x", "license": 7, "stargazers_count": "many", "pushed_at": 3, "created_at": "never"}],
    [{"name": "x" * 9_999, "stargazers_count": 10**30, "license": {"spdx_id": ["MIT"]}}],
    [{"name": "a\x00b\u202e", "description": None}],
]


@pytest.mark.parametrize("answer", GARBAGE)
def test_what_makes_no_sense_is_not_there(web: WebServer, rocket: Organization, answer: Any) -> None:
    proof = factories.forge_proof(rocket)
    forge.tell(web, REPOS, answer)
    assert ask_forge(proof=proof)
    found = ForgeFacts.from_json(stored(proof).data)
    assert all(len(each.name) <= forge_answers.NAME_LENGTH and each.name.isprintable() for each in found.repositories)
    assert all(each.licence == "" and each.stars <= forge_answers.MOST for each in found.repositories)


@pytest.mark.parametrize("told", ["commits", "releases"])
def test_a_part_that_is_not_told_is_not_known(web: WebServer, told: str) -> None:
    forge.github(web, "rocket", forge.on_github())
    web.reply(f"/github/repos/rocket/rocket/{told}", b"", 404)
    (found,) = look("https://github.com/rocket").repositories
    assert getattr(found, told) is None


def test_a_rate_limit_in_the_middle_is_no_answer(web: WebServer) -> None:
    forge.github(web, "rocket", forge.on_github())
    web.reply("/github/repos/rocket/rocket/commits", b"", 429)
    with pytest.raises(Unreachable):
        look("https://github.com/rocket")


def test_all_of_it_takes_no_longer_than_its_seconds(web: WebServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forge_signals, "SECONDS", 0.6)
    forge.github(web, "rocket", forge.on_github())
    web.behave("/github/users/rocket", webserver.silent)
    began = time.monotonic()
    with pytest.raises(OutgoingError):
        look("https://github.com/rocket")
    assert time.monotonic() - began < 3


def test_what_a_host_runs_on_is_told_by_what_answers(web: WebServer, settings: Any) -> None:
    """Both that people host themselves are asked, one after the other."""
    base = web.url().rstrip("/")
    settings.FREEHOLD_FORGES = {
        "forgejo": ("https://git.example", base, f"{base}/nothing"),
        "gitlab": ("https://git.example", base, f"{base}/gitlab"),
    }
    with pytest.raises(NotThere):
        look("https://git.example/rocket")
    forge.gitlab(web, "rocket")
    assert look("https://git.example/rocket").repositories[0].stars == 55


class TestWhom:
    def test_only_proofs_that_count(self, web: WebServer, rocket: Organization) -> None:
        forge.github(web, "rocket", forge.on_github())
        factories.forge_proof(rocket)
        factories.forge_proof(rocket, "https://github.com/lost", state=ProofState.LOST)
        factories.forge_proof(rocket, "https://github.com/pending", state=ProofState.PENDING)
        assert ask_forges(organization=rocket) == 1
        assert ForgeSignals.objects.count() == 1

    def test_not_again_and_again(self, proved: WebServer, rocket: Organization) -> None:
        assert ask_forges(organization=rocket) == 1
        asked = len(proved.requests)
        assert ask_forges(organization=rocket) == 0
        assert len(proved.requests) == asked
        ForgeSignals.objects.update(asked_at=timezone.now() - 2 * FRESH)
        assert ask_forges(organization=rocket) == 1

    def test_one_whose_proof_was_removed_meanwhile(self, proved: WebServer, rocket: Organization) -> None:
        proof = rocket.proofs.get()
        Proof.objects.all().delete()
        assert ask_forge(proof=proof)
        assert not ForgeSignals.objects.exists()

    def test_every_week_the_longest_unasked_first(self, web: WebServer, rocket: Organization) -> None:
        forge.github(web, "rocket", forge.on_github())
        company = factories.organization("company", kind=Kind.COMPANY)
        factories.forge_proof(company, "https://github.com/company")
        due = factories.forge_proof(rocket)
        assert sweep_signals() == 1
        assert sweep_signals() == 0
        ForgeSignals.objects.update(asked_at=timezone.now() - STALE - timedelta(hours=1))
        assert sweep_signals() == 1
        assert stored(due).asked_at.date() == datetime.now(UTC).date()  # type: ignore[union-attr]  # it was asked

    def test_companies_too_while_they_apply(self, web: WebServer) -> None:
        company = factories.organization("company", kind=Kind.COMPANY)
        factories.forge_proof(company, "https://github.com/company")
        factories.case(company, kind=CaseKind.APPLICATION)
        sweep_signals()
        assert ForgeSignals.objects.filter(proof__organization=company).exists()
