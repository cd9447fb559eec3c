"""Looks at a real DNS server and real web servers: what is there, what is not, and what could not be seen."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from orgs.proofs import checks
from orgs.proofs.observations import Finding, Hint, Medium, Observation, from_json
from orgs.proofs.records import text_of
from orgs.vocabulary import ProofKind
from tests import dnsserver, webserver
from tests.dnsserver import DnsServer
from tests.webserver import WebServer

pytestmark = pytest.mark.slow

DOMAIN = "acme.example"
CHALLENGE = "0123456789abcdef0123456789abcdef"
EXPECTED = text_of(CHALLENGE)
NAME = f"_freehold.{DOMAIN}"
WELL_KNOWN = "/.well-known/freehold-verification.txt"
LONGEST = 12.0  # seconds, for any look at all


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give up soon, where nothing is waited for but that."""
    for name in ("DNS_SECONDS", "HINT_SECONDS", "FILE_SECONDS", "FORGE_SECONDS"):
        monkeypatch.setattr(checks, name, 0.5)


def look(kind: ProofKind = ProofKind.DNS) -> Observation:
    began = time.monotonic()
    seen = checks.check_domain(kind, DOMAIN, CHALLENGE)
    assert time.monotonic() - began < LONGEST
    assert from_json(json.loads(json.dumps(seen.as_json()))) == seen
    return seen


class TestDns:
    def test_found(self, dns: DnsServer) -> None:
        dns.set(NAME, "TXT", EXPECTED)
        seen = look()
        assert (seen.finding, seen.medium, seen.where) == (Finding.FOUND, Medium.TXT, NAME)
        assert EXPECTED in seen.summary

    def test_beside_others(self, dns: DnsServer) -> None:
        dns.set(NAME, "TXT", "v=spf1 -all", "x" * 600, EXPECTED)
        assert look().is_found

    def test_by_way_of_an_alias(self, dns: DnsServer) -> None:
        dns.set(NAME, "CNAME", "proof.elsewhere.example")
        dns.set("proof.elsewhere.example", "TXT", EXPECTED)
        assert look().is_found

    def test_no_such_name(self, dns: DnsServer) -> None:
        seen = look()
        assert (seen.finding, seen.found, seen.hints) == (Finding.NOT_FOUND, (), ())
        assert seen.summary == f"There is no TXT record at {NAME} yet, expected “{EXPECTED}”."

    def test_another_value(self, dns: DnsServer) -> None:
        dns.set(NAME, "TXT", "hello")
        seen = look()
        assert (seen.finding, seen.found) == (Finding.NOT_FOUND, ("hello",))
        assert seen.summary == f"At {NAME} we found TXT record “hello”, expected “{EXPECTED}”."

    @pytest.mark.parametrize(
        ("value", "hints"),
        [
            (f'"{EXPECTED}"', [Hint.QUOTED]),
            (f"“{EXPECTED}”", [Hint.QUOTED]),
            (f" {EXPECTED}", [Hint.SPACED]),
            (f"{EXPECTED}\t", [Hint.SPACED]),
            (EXPECTED.upper(), [Hint.CAPITALS]),
            (EXPECTED.replace("=", " = "), [Hint.SPACED]),
            (f'" {EXPECTED.upper()}"', [Hint.QUOTED, Hint.SPACED, Hint.CAPITALS]),
            (CHALLENGE, [Hint.BARE]),
            (text_of("f" * 32), [Hint.OLD]),
            (EXPECTED[:-5], [Hint.CUT]),
            ("freehold-verification", []),
            ("v=spf1 -all", []),
            ("\x00\x1b[31mred", []),
        ],
    )
    def test_what_was_probably_done_wrong(self, dns: DnsServer, value: str, hints: list[Hint]) -> None:
        dns.set(NAME, "TXT", value)
        seen = look()
        assert (seen.finding, list(seen.hints)) == (Finding.NOT_FOUND, hints)
        assert len(seen.advice) == len(hints)
        assert all(text.isprintable() for text in seen.found)

    def test_at_the_domain_itself(self, dns: DnsServer) -> None:
        dns.set(DOMAIN, "TXT", "v=spf1 -all", EXPECTED)
        assert look().hints == (Hint.APEX,)

    def test_with_the_domain_twice(self, dns: DnsServer) -> None:
        dns.set(f"{NAME}.{DOMAIN}", "TXT", EXPECTED)
        assert look().hints == (Hint.TWICE,)

    @pytest.mark.parametrize(
        "behaviour",
        [
            dnsserver.servfail,
            dnsserver.refused,
            dnsserver.referral,
            dnsserver.garbage,
            dnsserver.aliases_without_end,
        ],
    )
    @pytest.mark.usefixtures("impatient")
    def test_could_not_be_checked(self, dns: DnsServer, behaviour: dnsserver.Behaviour) -> None:
        dns.set(NAME, "TXT", EXPECTED)
        dns.behave("*", behaviour)
        seen = look()
        assert seen.finding is Finding.UNCHECKED
        assert seen.reason in seen.summary

    def test_a_huge_set(self, dns: DnsServer) -> None:
        dns.set(NAME, "TXT", *[f"{number}{'x' * 200}" for number in range(150)], EXPECTED)
        assert look().finding is Finding.UNCHECKED

    @pytest.mark.slow
    def test_a_server_that_is_silent(self, dns: DnsServer) -> None:
        dns.behave("*", dnsserver.drop)
        assert look().finding is Finding.UNCHECKED

    @pytest.mark.usefixtures("impatient")
    def test_the_search_for_a_misplaced_record_is_short(self, dns: DnsServer) -> None:
        dns.behave(f"{NAME}.{DOMAIN}", dnsserver.drop)
        dns.behave(DOMAIN, dnsserver.drop)
        began = time.monotonic()
        assert look().finding is Finding.NOT_FOUND
        assert time.monotonic() - began < 2 * checks.HINT_SECONDS + 2


class TestHttps:
    @pytest.mark.parametrize(
        "body",
        [
            EXPECTED.encode(),
            f"{EXPECTED}\n".encode(),
            f"\ufeff{EXPECTED}\r\n".encode(),
            f"# ours\n\n  {EXPECTED}  \nfreehold-verification=other\n".encode(),
            b"\xff\xfe\n" + EXPECTED.encode(),
        ],
    )
    def test_found(self, web: WebServer, body: bytes) -> None:
        web.reply(WELL_KNOWN, body, Content_Type="text/plain; charset=utf-8")
        assert look(ProofKind.HTTPS).is_found

    @pytest.mark.parametrize("status", [404, 410])
    def test_no_file(self, web: WebServer, status: int) -> None:
        web.reply(WELL_KNOWN, EXPECTED.encode(), status)
        seen = look(ProofKind.HTTPS)
        assert (seen.finding, seen.found) == (Finding.NOT_FOUND, ())

    def test_no_such_host(self, web: WebServer, dns: DnsServer) -> None:
        dns.remove(DOMAIN, "A")
        dns.remove(f"www.{DOMAIN}", "A")
        assert look(ProofKind.HTTPS).finding is Finding.NOT_FOUND

    @pytest.mark.parametrize(
        ("body", "hints"),
        [(b"hello", ()), (text_of("f" * 32).encode(), (Hint.OLD,)), (f'"{EXPECTED}"'.encode(), (Hint.QUOTED,))],
    )
    def test_another_text(self, web: WebServer, body: bytes, hints: tuple[Hint, ...]) -> None:
        web.reply(WELL_KNOWN, body, Content_Type="text/plain")
        seen = look(ProofKind.HTTPS)
        assert (seen.finding, seen.found, seen.hints) == (Finding.NOT_FOUND, (body.decode(),), hints)

    @pytest.mark.parametrize("media_type", ["text/html", "application/octet-stream", "image/png"])
    def test_what_is_no_plain_text(self, web: WebServer, media_type: str) -> None:
        """A page that answers every address would prove whatever a visitor can write on it."""
        web.reply(WELL_KNOWN, EXPECTED.encode(), Content_Type=media_type)
        seen = look(ProofKind.HTTPS)
        assert (seen.finding, seen.hints) == (Finding.NOT_FOUND, (Hint.PAGE,))

    @pytest.mark.parametrize("host", [f"www.{DOMAIN}", DOMAIN])
    def test_a_redirect_within_the_site(self, web: WebServer, host: str) -> None:
        web.behave(WELL_KNOWN, webserver.redirect(f"https://{host}:{web.port}/moved.txt"))
        web.reply("/moved.txt", EXPECTED.encode(), Content_Type="text/plain")
        assert look(ProofKind.HTTPS).is_found

    def test_a_redirect_elsewhere(self, web: WebServer) -> None:
        web.behave(WELL_KNOWN, webserver.redirect(f"https://elsewhere.example:{web.port}/x"))
        web.reply("/x", EXPECTED.encode(), Content_Type="text/plain")
        seen = look(ProofKind.HTTPS)
        assert (seen.finding, seen.hints) == (Finding.NOT_FOUND, (Hint.ELSEWHERE,))

    def test_a_redirect_over_elsewhere_and_back(self, web: WebServer) -> None:
        """Whoever runs the host between could lead it to any file of the site: each step is judged."""
        web.behave(WELL_KNOWN, webserver.redirect(f"https://elsewhere.example:{web.port}/between"))
        web.behave("/between", webserver.redirect(f"https://{DOMAIN}:{web.port}/moved.txt"))
        web.reply("/moved.txt", EXPECTED.encode(), Content_Type="text/plain")
        seen = look(ProofKind.HTTPS)
        assert (seen.finding, seen.hints) == (Finding.NOT_FOUND, (Hint.ELSEWHERE,))
        assert "elsewhere.example" in seen.reason
        assert "/between" not in {request.target for request in web.requests}

    def test_a_redirect_to_a_private_address(self, web: WebServer) -> None:
        with webserver.serving() as inner:
            web.behave(WELL_KNOWN, webserver.redirect(inner.url("/secret")))
            assert look(ProofKind.HTTPS).finding is Finding.UNCHECKED
            web.behave(WELL_KNOWN, webserver.redirect(f"https://127.0.0.1:{inner.port}/secret"))
            assert look(ProofKind.HTTPS).finding is Finding.UNCHECKED
        assert inner.requests == []

    def test_a_name_that_leads_to_a_private_address(self, web: WebServer, dns: DnsServer, settings: Any) -> None:
        settings.FREEHOLD_OUTGOING_ALLOW = []
        settings.FREEHOLD_PROOF_PORT = 443
        assert look(ProofKind.HTTPS).finding is Finding.UNCHECKED
        assert web.connections == 0

    @pytest.mark.parametrize("status", [401, 403, 429, 500, 503])
    def test_a_server_that_will_not_say(self, web: WebServer, status: int) -> None:
        web.reply(WELL_KNOWN, b"", status)
        seen = look(ProofKind.HTTPS)
        assert seen.finding is Finding.UNCHECKED
        assert str(status) in seen.reason

    @pytest.mark.parametrize(
        "behaviour",
        [
            webserver.endless,
            webserver.endless_chunks,
            webserver.endless_headers,
            webserver.gzip_bomb,
            webserver.redirect_for_ever,
            webserver.raw(b"nonsense\r\n\r\n"),
            webserver.raw(b""),
            webserver.replying(b"x" * 65537, Content_Type="text/plain"),
        ],
    )
    def test_bad_behaviour(self, web: WebServer, behaviour: webserver.Behaviour) -> None:
        web.behave("*", behaviour)
        assert look(ProofKind.HTTPS).finding is Finding.UNCHECKED

    @pytest.mark.usefixtures("impatient")
    @pytest.mark.parametrize("behaviour", [webserver.slow_body, webserver.slow_headers, webserver.silent])
    def test_slow_drips(self, web: WebServer, behaviour: webserver.Behaviour) -> None:
        web.behave("*", behaviour)
        assert look(ProofKind.HTTPS).finding is Finding.UNCHECKED

    def test_a_certificate_for_others(self, web: WebServer, authority: webserver.Authority, settings: Any) -> None:
        with webserver.serving(authority, "other.example") as server:
            settings.FREEHOLD_PROOF_PORT = server.port
            settings.FREEHOLD_OUTGOING_ALLOW = [f"{DOMAIN}:{server.port}"]
            server.reply(WELL_KNOWN, EXPECTED.encode())
            seen = look(ProofKind.HTTPS)
        assert seen.finding is Finding.UNCHECKED
        assert "certificate" in seen.reason

    def test_nobody_listens(self, web: WebServer, settings: Any) -> None:
        with webserver.serving() as gone:
            pass
        settings.FREEHOLD_PROOF_PORT = gone.port
        settings.FREEHOLD_OUTGOING_ALLOW = [f"{DOMAIN}:{gone.port}"]
        assert look(ProofKind.HTTPS).finding is Finding.UNCHECKED


def forge(subject: str, owner_id: int | None = None) -> Observation:
    began = time.monotonic()
    seen = checks.check_forge(subject, CHALLENGE, owner_id)
    assert time.monotonic() - began < LONGEST
    return seen


FORGES = [
    ("https://github.com/acme", "/acme/.github/HEAD/freehold-verification.txt", "/api/users/acme"),
    ("https://github.com/acme", "/acme/.freehold/HEAD/freehold-verification.txt", "/api/users/acme"),
    ("https://gitlab.com/acme", "/acme/gitlab-profile/-/raw/HEAD/freehold-verification.txt", "/api/v4/groups/acme"),
    ("https://gitlab.com/acme", "/acme/.freehold/-/raw/HEAD/freehold-verification.txt", "/api/v4/groups/acme"),
    (
        "https://codeberg.org/acme",
        "/api/v1/repos/acme/.profile/raw/freehold-verification.txt",
        "/api/v1/orgs/acme",
    ),
    (
        "https://git.acme.example/acme",
        "/api/v1/repos/acme/.freehold/raw/freehold-verification.txt",
        "/api/v1/users/acme",
    ),
    (
        "https://git.acme.example/acme",
        "/acme/gitlab-profile/-/raw/HEAD/freehold-verification.txt",
        "/api/v4/groups/acme",
    ),
    (
        "https://git.acme.example/code/acme",
        "/code/acme/.freehold/-/raw/HEAD/freehold-verification.txt",
        "/code/api/v4/groups/acme",
    ),
]


class TestForge:
    @pytest.mark.parametrize(("subject", "file", "profile"), FORGES)
    def test_found_with_the_number_of_the_account(self, web: WebServer, subject: str, file: str, profile: str) -> None:
        web.reply(file, f"{EXPECTED}\n".encode(), Content_Type="text/plain")
        web.reply(profile, b'{"id": 42, "login": "acme"}')
        seen = forge(subject)
        assert (seen.finding, seen.facts) == (Finding.FOUND, {"owner_id": 42})
        assert forge(subject, owner_id=42).is_found

    @pytest.mark.parametrize(("subject", "file", "profile"), FORGES)
    def test_an_account_that_was_made_anew_is_not_the_one(
        self, web: WebServer, subject: str, file: str, profile: str
    ) -> None:
        web.reply(file, EXPECTED.encode(), Content_Type="text/plain")
        web.reply(profile, b'{"id": 43}')
        seen = forge(subject, owner_id=42)
        assert (seen.finding, seen.hints) == (Finding.NOT_FOUND, (Hint.OWNER_CHANGED,))

    @pytest.mark.parametrize("answer", [b"[]", b"{}", b"no json", b'{"id": "42"}', b'{"id": true}', b"[" * 5000])
    def test_without_a_number_the_file_is_enough(self, web: WebServer, answer: bytes) -> None:
        web.reply(FORGES[0][1], EXPECTED.encode(), Content_Type="text/plain")
        web.reply("/api/users/acme", answer)
        seen = forge("https://github.com/acme", owner_id=42)
        assert (seen.finding, seen.facts) == (Finding.FOUND, None)

    def test_a_user_of_gitlab(self, web: WebServer) -> None:
        web.reply(FORGES[2][1], EXPECTED.encode(), Content_Type="text/plain")
        web.reply("/api/v4/users", b'[{"id": 7}]')
        assert forge("https://gitlab.com/acme").facts == {"owner_id": 7}

    @pytest.mark.parametrize("subject", sorted({subject for subject, _file, _profile in FORGES}))
    def test_no_file(self, web: WebServer, subject: str) -> None:
        assert forge(subject).finding is Finding.NOT_FOUND

    def test_what_is_there_is_told(self, web: WebServer) -> None:
        web.reply(FORGES[1][1], text_of("f" * 32).encode(), Content_Type="text/plain")
        assert forge("https://github.com/acme").hints == (Hint.OLD,)

    def test_a_private_repository_that_asks_to_sign_in(self, web: WebServer) -> None:
        web.behave(FORGES[2][1], webserver.redirect("/users/sign_in"))
        web.reply("/users/sign_in", b"<html>", Content_Type="text/html")
        assert forge("https://gitlab.com/acme").finding is Finding.NOT_FOUND

    @pytest.mark.parametrize(
        "behaviour", [webserver.replying(b"", 500), webserver.replying(b"", 429), webserver.endless]
    )
    def test_could_not_be_checked(self, web: WebServer, behaviour: webserver.Behaviour) -> None:
        web.behave("*", behaviour)
        assert forge("https://github.com/acme").finding is Finding.UNCHECKED
        assert len(web.requests) == 1

    @pytest.mark.usefixtures("impatient")
    def test_a_forge_that_is_silent(self, web: WebServer) -> None:
        web.behave("*", webserver.silent)
        assert forge("https://git.acme.example/acme").finding is Finding.UNCHECKED


@pytest.mark.parametrize("kind", [ProofKind.FORGE, ProofKind.VOUCH, ProofKind.PROJECTS, ProofKind.EMAIL_DOMAIN])
def test_other_kinds_prove_no_domain_by_themselves(kind: ProofKind) -> None:
    with pytest.raises(ValueError, match="does not prove a domain"):
        checks.check_domain(kind, DOMAIN, CHALLENGE)


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data.pop("finding"),
        lambda data: data.update(medium="smoke"),
        lambda data: data.update(unknown=1),
        lambda data: data.update(found=None),
        lambda data: data.clear(),
    ],
)
def test_what_was_never_stored_is_not_read(change: Callable[[dict[str, Any]], object]) -> None:
    data = Observation(finding=Finding.FOUND, medium=Medium.TXT, where="x").as_json()
    change(data)
    assert from_json(data) is None
