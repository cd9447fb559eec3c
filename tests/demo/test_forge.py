"""The demo's forge: what visitors make there, what programs are told, and that a proof and the signals work by it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django.live_server_helper import LiveServer

from freehold.demo import forge
from freehold.demo.forge import Full, Place, answer, publish, read, remove
from freehold.outgoing import endpoints, targets
from namespaces.services.forge_signals import look
from orgs.proofs import checks, forges
from orgs.proofs.records import text_of

CHALLENGE = "0123456789abcdef0123456789abcdef"
NOW = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture
def path(tmp_path: Path, settings: Any) -> Path:
    settings.FREEHOLD_DEMO_FORGE = tmp_path / "demo-forge.json"
    return tmp_path / "demo-forge.json"


class TestFile:
    def test_what_is_published_is_there(self, path: Path) -> None:
        publish(path, Place(owner="rocket", repository="engine"), "a=1")
        publish(path, Place(owner="rocket", repository="engine", stars=2), "a=2")
        found = read(path)["rocket"]
        assert (found.lines, found.stars, found.number) == (["a=1", "a=2"], 2, 1001)
        remove(path, "rocket")
        remove(path, "rocket")
        assert read(path) == {}

    def test_made_anew_it_is_another_account(self, path: Path) -> None:
        publish(path, Place(owner="other", repository="x"), "")
        publish(path, Place(owner="rocket", repository="x"), "")
        numbers = {place.number for place in read(path).values()}
        assert len(numbers) == 2

    @pytest.mark.parametrize("text", ["", "[]", '{"x": 1}', '{"x": {"owner": "x"}}', "{"])
    def test_what_makes_no_sense_is_empty(self, path: Path, text: str) -> None:
        path.write_text(text)
        assert read(path) == {}

    def test_it_is_full_at_some_time(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(forge, "MOST", 1)
        publish(path, Place(owner="rocket", repository="x"), "")
        with pytest.raises(Full):
            publish(path, Place(owner="more", repository="x"), "")
        assert list(read(path)) == ["rocket"]


class TestAnswers:
    places = {"rocket": Place(owner="rocket", repository="engine", number=7, begun=100, lines=["a=1"])}

    @pytest.mark.parametrize(
        "asked",
        ["", "orgs", "orgs/none", "orgs/rocket/secret", "repos/rocket", "repos/rocket/engine/raw/freehold-verification.txt",
         "repos/rocket/.profile/raw/other.txt", "repos/rocket/none/commits", "users/rocket/repos/x/y/z/w", "version"],
    )  # fmt: skip
    def test_nothing_else_is_there(self, asked: str) -> None:
        found = answer(self.places, asked, NOW)
        assert found is None or asked.startswith("users/rocket/repos")

    def test_the_account_and_its_file(self) -> None:
        assert answer(self.places, "users/rocket", NOW)["id"] == 7
        assert answer(self.places, "repos/rocket/.profile/raw/freehold-verification.txt", NOW) == "a=1\n"

    def test_nothing_was_done_before_it_was_begun(self) -> None:
        commits = answer(self.places, "repos/rocket/engine/commits", NOW)
        assert 0 < len(commits) < 12
        young = {"rocket": Place(owner="rocket", repository="engine", begun=5)}
        assert answer(young, "repos/rocket/engine/releases", NOW) == []


@pytest.mark.django_db
class TestPages:
    def test_making_one_and_removing_it(self, path: Path, client: Client) -> None:
        typed = {"owner": "Rocket", "licence": "MIT", "begun": "800", "stars": "120", "line": text_of(CHALLENGE)}
        assert client.post(reverse("demo-forge"), typed).status_code == 302
        found = read(path)["rocket"]
        assert (found.repository, found.lines) == ("rocket", [text_of(CHALLENGE)])
        assert "forge.example/rocket" in client.get(reverse("demo-forge")).content.decode()
        client.post(reverse("demo-forge-remove"), {"owner": "rocket"})
        assert read(path) == {}

    @pytest.mark.parametrize(
        "wrong", [{"owner": "a/b"}, {"owner": ""}, {"stars": "1000000"}, {"licence": "Mine"}, {"repository": "../x"}]
    )
    def test_what_is_refused(self, path: Path, client: Client, wrong: dict[str, str]) -> None:
        typed = {"owner": "rocket", "licence": "MIT", "begun": "800", "stars": "120", "line": ""} | wrong
        assert client.post(reverse("demo-forge"), typed).status_code == 422
        assert read(path) == {}

    def test_it_comes_with_what_the_proof_needs(self, path: Path, client: Client) -> None:
        page = client.get(reverse("demo-forge"), {"owner": "rocket", "line": text_of(CHALLENGE)}).content.decode()
        assert f'value="{text_of(CHALLENGE)}"' in page
        assert '<option value="MIT" selected>' in page

    def test_programs_are_told_404_of_what_is_not_there(self, path: Path, client: Client) -> None:
        assert client.get("/demo/forge/api/v1/orgs/rocket").status_code == 404


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_proof_and_the_signals_work_by_it(path: Path, live_server: LiveServer, settings: Any) -> None:
    """By the guarded client, over the network, as in the demo."""
    settings.FREEHOLD_FORGES = forges.with_demo(str(live_server.url))
    settings.FREEHOLD_OUTGOING_ALLOW = [str(live_server.url).removeprefix("http://")]
    publish(path, Place(owner="rocket", repository="engine"), text_of(CHALLENGE))
    seen = checks.check_forge(f"{forges.DEMO}/rocket", CHALLENGE)
    assert seen.is_found
    assert seen.facts == {"owner_id": 1001}
    (found,) = look(f"{forges.DEMO}/rocket").repositories
    assert (found.name, found.licence, found.stars, found.releases) == ("engine", "MIT", 120, 1)
    assert found.commits


def test_without_the_exception_it_is_not_asked(path: Path, settings: Any) -> None:
    """No other address is spoken to without TLS, whatever the settings of forges say."""
    settings.FREEHOLD_FORGES = forges.with_demo("http://localhost:8000")
    settings.FREEHOLD_OUTGOING_ALLOW = []
    seen = checks.check_forge(f"{forges.DEMO}/rocket", CHALLENGE)
    assert not seen.is_found
    assert "https://" in seen.reason


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("http://localhost:8000", ["localhost:8000"]),
        ("https://freehold.example", ["freehold.example:443"]),
        ("http://freehold.example/x", ["freehold.example:80"]),
        ("", []),
    ],
)
def test_the_site_is_excepted_by_its_host_and_port(url: str, found: list[str]) -> None:
    assert endpoints.of_site(url) == found


@pytest.mark.parametrize(
    ("url", "is_plain"),
    [
        ("http://localhost:8000/demo/forge", True),
        ("https://localhost:8000/demo/forge", False),  # what has TLS is asked with it
        ("http://localhost:8001/", False),
        ("http://forge.example/", False),
        ("nonsense", False),
    ],
)
def test_only_what_is_excepted_is_asked_without_tls(url: str, is_plain: bool, settings: Any) -> None:
    settings.FREEHOLD_OUTGOING_ALLOW = ["localhost:8000"]
    assert targets.may_be_plain(url) is is_plain
