"""Secret scanning: signed reports end tokens at once; what is not signed by a current key changes nothing.

The keys come from a real server on loopback, as a scanner publishes them.
"""

from __future__ import annotations

import base64
import io
import json
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from django.core.cache import cache
from django.core.management import CommandError
from django.test import Client

from accounts.models import Mail
from freehold.errors import NotPermitted
from orgs import scanner_keys, tokens
from orgs.actors import Actor
from orgs.models import AuditEvent, Invitation, Membership, OrganizationToken, ServiceToken
from orgs.services.organization_tokens import create_organization_token, revoke_organization_token
from orgs.services.scanning import report_leak
from orgs.vocabulary import Permission, Role
from tests import commands, factories, webserver
from tests.dump import nothing_changes
from tests.people import EVERYBODY, OPERATOR, acting_as, in_role, owner_of

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

PATH = "/api/v1/secret-scanning"
SEEN = "https://github.com/acme/widgets/blob/main/.env"


class Scanner:
    """Signs as GitHub does, with keys that it publishes on a server of its own."""

    def __init__(self, server: webserver.WebServer) -> None:
        self.server = server
        self.keys: dict[str, Any] = {}
        self.http = Client(raise_request_exception=False)
        self.new_key("first")

    def new_key(self, name: str, *, key: Any = None) -> None:
        self.keys[name] = key or ec.generate_private_key(ec.SECP256R1())
        self.publish(current=name)

    def publish(self, *, current: str, **more: Any) -> None:
        listed = [
            {"key_identifier": name, "key": pem(key), "is_current": name == current} for name, key in self.keys.items()
        ]
        self.server.reply("/keys", json.dumps({"public_keys": listed, **more}).encode())

    def sign(self, body: bytes, name: str = "first") -> str:
        return base64.b64encode(self.keys[name].sign(body, ec.ECDSA(hashes.SHA256()))).decode()

    def send(self, body: bytes, identifier: str | None = "first", signature: str | None = None, **more: Any) -> Any:
        headers = {
            "Github-Public-Key-Identifier": identifier,
            "Github-Public-Key-Signature": self.sign(body, identifier or "first") if signature is None else signature,
        }
        sent = {name: value for name, value in headers.items() if value is not None}
        return self.http.post(PATH, body, content_type="application/json", headers=sent, **more)

    def report(self, *found: str, key: str = "first", **more: Any) -> Any:
        items = [{"token": token, "type": "freehold_api_token", "url": SEEN, "source": "content"} for token in found]
        return self.send(json.dumps([item | more for item in items]).encode(), key)


def pem(key: Any) -> str:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return str(key.public_key().public_bytes(serialization.Encoding.PEM, form).decode())


@pytest.fixture
def scanner(tmp_path: Path, settings: Any) -> Iterator[Scanner]:
    authority = webserver.Authority(tmp_path)
    cache.clear()
    with webserver.serving(authority, "127.0.0.1") as server:
        settings.FREEHOLD_OUTGOING_ALLOW = [f"127.0.0.1:{server.port}"]
        settings.FREEHOLD_OUTGOING_CA = authority.path
        settings.FREEHOLD_SCANNING_KEYS_URL = server.url("/keys")
        yield Scanner(server)
    cache.clear()


def an_hour_passes() -> None:
    """The pause between two questions for keys is over, and the list is old."""
    cache.delete("scanning-keys-asked")
    at, keys = cache.get("scanning-keys") or (0, {})
    cache.set("scanning-keys", (at - 2 * scanner_keys.FRESH, keys))


@pytest.fixture
def leaked() -> str:
    """A token of acme, which has two owners and a member."""
    acme = factories.organization("acme")
    in_role(Role.OWNER, acme)
    in_role(Role.MEMBER, acme)
    return create(owner_of(acme), name="ci")


def create(actor: Actor, name: str = "ci", **options: Any) -> str:
    membership = actor.token.membership if actor.token else Membership.objects.get(user=actor.user)
    given = {"permissions": list(Permission), "expires_at": None} | options
    return create_organization_token(actor=actor, organization=membership.organization, name=name, **given)[1]


class TestReports:
    def test_a_true_leak_ends_the_token_at_once(self, scanner: Scanner, leaked: str) -> None:
        answer = scanner.report(leaked)
        assert answer.status_code == 200
        assert answer.json() == [
            {"token_raw": leaked, "token_type": "freehold_api_token", "label": "true_positive"},
        ]
        token = OrganizationToken.objects.get()
        assert token.revoked_at is not None and token.revoked_because == f"leaked: {SEEN} in content"
        headers = {"Authorization": f"Bearer {leaked}"}
        assert Client().get("/api/v1/organizations/acme", headers=headers).status_code == 401

    def test_its_owners_are_told_and_nobody_else(self, scanner: Scanner, leaked: str) -> None:
        scanner.report(leaked)
        owners = Membership.objects.filter(role=Role.OWNER).values_list("user__email", flat=True)
        assert sorted(Mail.objects.values_list("to", flat=True)) == sorted(owners)
        mail = Mail.objects.all()[0]
        assert SEEN in mail.text and "/manage/acme/tokens/" in mail.text and leaked not in mail.text

    def test_it_stands_in_the_trail(self, scanner: Scanner, leaked: str) -> None:
        scanner.report(leaked)
        event = AuditEvent.objects.get(action="token.leaked")
        assert (event.actor, event.organization, event.target) == ("secret scanning", "acme", "API token ci")
        assert event.after == {"seen": f"{SEEN} in content", "revoked": ["ci"]}
        assert event.origin == "127.0.0.1"

    def test_told_again_it_changes_nothing(self, scanner: Scanner, leaked: str) -> None:
        first = scanner.report(leaked).json()
        with nothing_changes():
            assert scanner.report(leaked, leaked).json() == first * 2

    def test_what_was_made_with_it_ends_too(self, scanner: Scanner, leaked: str) -> None:
        """Whoever found it may have made another by it, and another by that."""
        token = OrganizationToken.objects.get()
        child = create(Actor.automation(token), "child")
        grandchild = create(Actor.automation(OrganizationToken.objects.latest("pk")), "grandchild")
        bystander = create(owner_of(token.organization), "bystander")
        revoke_organization_token(actor=Actor.automation(token), token=token)
        scanner.report(leaked)
        living = OrganizationToken.objects.usable().values_list("name", flat=True)
        assert list(living) == ["bystander"]
        assert "child, grandchild" in Mail.objects.all()[0].text
        for secret in (child, grandchild, bystander):
            assert secret not in json.dumps(list(Mail.objects.values_list("text", flat=True)))

    def test_a_service_token(self, scanner: Scanner) -> None:
        staff = factories.user(is_staff=True, is_superuser=True)
        factories.user(is_staff=True)
        secret = factories.token()
        assert scanner.report(secret).json()[0]["label"] == "true_positive"
        assert ServiceToken.objects.get().revoked_at is not None
        assert list(Mail.objects.values_list("to", flat=True)) == [staff.email]
        assert AuditEvent.objects.get(action="token.leaked").target == "service token test"
        with nothing_changes():
            assert scanner.report(secret).json()[0]["label"] == "true_positive"

    def test_the_link_of_an_invitation(self, scanner: Scanner) -> None:
        from orgs.invitees import Invitee
        from orgs.services.invitations import invite

        acme = factories.organization("acme")
        invitee = Invitee(role=Role.MEMBER, email="ann@example.com")
        invite(actor=owner_of(acme), organization=acme, invitees=[invitee])
        found = tokens.PATTERN.search(Mail.objects.get(to="ann@example.com").text)
        assert found is not None
        assert scanner.report(found.group()).json()[0]["label"] == "true_positive"
        assert not Invitation.objects.exists()
        assert scanner.report(found.group()).json()[0]["label"] == "false_positive"

    @pytest.mark.parametrize("token", ["", "x", "fh_o" + "A" * 38, "\x00", "\u212a", "fh_s0123456789", "x" * 1000])
    def test_what_is_no_token_of_ours(self, scanner: Scanner, leaked: str, token: str) -> None:
        unknown = tokens.generate(tokens.ORGANIZATION)
        with nothing_changes():
            answer = scanner.report(token, unknown, leaked[:-1] + ("a" if leaked[-1] != "a" else "b"))
        assert [row["label"] for row in answer.json()] == ["false_positive"] * 3

    @pytest.mark.parametrize("url", [None, "", 7, {}, "\x00\ud800\n", "x" * 10_000, "\u202e"])
    def test_wherever_it_was_seen(self, scanner: Scanner, leaked: str, url: Any) -> None:
        assert scanner.report(leaked, url=url).status_code == 200
        assert OrganizationToken.objects.get().revoked_at is not None

    def test_half_a_character_in_a_token_is_no_error_of_ours(self, scanner: Scanner, leaked: str) -> None:
        answer = scanner.report("\ud800", leaked)
        assert [row["label"] for row in answer.json()] == ["false_positive", "true_positive"]
        assert OrganizationToken.objects.get().revoked_at is not None

    def test_the_address_does_not_carry_the_token_on(self, scanner: Scanner, leaked: str) -> None:
        scanner.report(leaked, url=f"https://x.example/?key={leaked}")
        assert leaked not in json.dumps(
            [list(Mail.objects.values("text", "html")), str(list(AuditEvent.objects.values()))]
        )

    def test_it_may_come_pretty_printed(self, scanner: Scanner, leaked: str) -> None:
        """The signature is of the bytes as they came."""
        body = json.dumps([{"token": leaked, "type": "x"}], indent=4).encode() + b"\n"
        assert scanner.send(body).json()[0]["label"] == "true_positive"


class TestRefusals:
    def test_what_is_not_signed(self, scanner: Scanner, leaked: str) -> None:
        body = json.dumps([{"token": leaked, "type": "x"}]).encode()
        other = ec.generate_private_key(ec.SECP256R1()).sign(body, ec.ECDSA(hashes.SHA256()))
        good = scanner.sign(body)
        for identifier, signature in [
            (None, ""),
            ("first", ""),
            (None, good),
            ("", good),
            ("second", good),
            ("first", "x"),
            ("first", "\xe9"),
            ("first", good[:-4]),
            ("first", base64.b64encode(other).decode()),
            ("first", scanner.sign(body + b" ")),
            ("first", good + "A" * 10_000),
            ("x" * 10_000, good),
        ]:
            with nothing_changes():
                answer = scanner.send(body, identifier, signature)
            assert (answer.status_code, answer["Content-Type"]) == (401, "application/problem+json"), identifier
            assert "WWW-Authenticate" in answer

    def test_a_body_that_was_changed(self, scanner: Scanner, leaked: str) -> None:
        body = json.dumps([{"token": leaked, "type": "x"}]).encode()
        with nothing_changes():
            assert scanner.send(body.replace(b'"x"', b'"y"'), "first", scanner.sign(body)).status_code == 401

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"x",
            b"null",
            b"{}",
            b"[1]",
            b"[{}]",
            b'[{"token": 7, "type": "x"}]',
            b'[{"token": "x"}]',
            b"\xff",
            b"[NaN]",
        ],
    )
    def test_what_is_no_report(self, scanner: Scanner, leaked: str, body: bytes) -> None:
        with nothing_changes():
            answer = scanner.send(body)
        assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")

    def test_one_bad_item_spoils_all(self, scanner: Scanner, leaked: str) -> None:
        body = json.dumps([{"token": leaked, "type": "x"}, {"token": None, "type": "x"}]).encode()
        with nothing_changes():
            assert scanner.send(body).status_code == 400

    @pytest.mark.slow
    def test_a_thousand_at_once_and_no_more(self, scanner: Scanner, leaked: str) -> None:
        many = [tokens.generate("o")[:-1] for _ in range(1000)]
        with nothing_changes():
            assert scanner.report(leaked, *many).status_code == 400
        assert len(scanner.report(leaked, *many[1:]).json()) == 1000

    def test_too_large_a_body(self, scanner: Scanner) -> None:
        with nothing_changes():
            assert scanner.send(b'["' + b"x" * 3_000_000 + b'"]').status_code == 413

    def test_where_it_is_switched_off(self, scanner: Scanner, leaked: str, settings: Any) -> None:
        settings.FREEHOLD_SCANNING_KEYS_URL = ""
        with nothing_changes():
            assert scanner.report(leaked).status_code == 404

    @pytest.mark.parametrize("method", ["get", "put", "delete", "patch"])
    def test_other_methods(self, scanner: Scanner, method: str) -> None:
        assert getattr(scanner.http, method)(PATH).status_code in {401, 405}

    def test_bearer_tokens_open_nothing_here(self, scanner: Scanner, leaked: str) -> None:
        for token in (leaked, factories.token()):
            with nothing_changes():
                answer = scanner.http.post(PATH, "[]", "application/json", headers={"Authorization": f"Bearer {token}"})
                assert answer.status_code == 401


class TestKeys:
    def test_they_are_asked_for_once(self, scanner: Scanner, leaked: str) -> None:
        for _ in range(5):
            assert scanner.report(leaked).status_code == 200
        assert len(scanner.server.requests) == 1

    def test_trap_13_unknown_keys_cause_one_question_a_minute(self, scanner: Scanner, leaked: str) -> None:
        """However many callers name one at once: who asks is decided by an insert, not by a look before it."""
        scanner.report(leaked)
        for number in range(10):
            assert scanner.send(b"[]", f"unknown{number}", scanner.sign(b"[]")).status_code == 401
        assert len(scanner.server.requests) == 1

    def test_a_new_key_is_known_after_a_minute(self, scanner: Scanner, leaked: str) -> None:
        scanner.report(leaked)
        scanner.new_key("second")
        assert scanner.report(leaked, key="second").status_code == 401
        cache.delete("scanning-keys-asked")
        assert scanner.report(leaked, key="second").status_code == 200
        assert len(scanner.server.requests) == 2

    def test_trap_13_what_an_old_key_signed_is_not_replayed(self, scanner: Scanner, leaked: str) -> None:
        body = json.dumps([{"token": leaked, "type": "x"}]).encode()
        recorded = scanner.sign(body)
        scanner.new_key("second")
        with nothing_changes():
            assert scanner.send(body, "first", recorded).status_code == 401
        assert scanner.report(leaked, key="second").status_code == 200

    def test_a_key_that_is_put_away_is_forgotten_within_the_hour(self, scanner: Scanner, leaked: str) -> None:
        assert scanner.report("x").status_code == 200
        scanner.new_key("second")
        an_hour_passes()
        with nothing_changes():
            assert scanner.report(leaked).status_code == 401

    def test_while_they_can_not_be_had_nobody_is_believed(self, scanner: Scanner, leaked: str) -> None:
        scanner.server.reply("/keys", b"", 500)
        with nothing_changes():
            answer = scanner.report(leaked)
        assert (answer.status_code, answer["Content-Type"]) == (503, "application/problem+json")

    def test_those_that_are_known_count_for_a_day_more(self, scanner: Scanner, leaked: str) -> None:
        scanner.report("x")
        scanner.server.reply("/keys", b"", 500)
        an_hour_passes()
        assert scanner.report(leaked).status_code == 200

    @pytest.mark.parametrize(
        "published",
        [
            b"",
            b"x",
            b"[]",
            b"{}",
            b'{"public_keys": {}}',
            b'{"public_keys": [1, {}, {"is_current": true}]}',
            b"x" * 400_000,
        ],
    )
    def test_lists_that_are_none(self, scanner: Scanner, leaked: str, published: bytes) -> None:
        scanner.server.reply("/keys", published)
        with nothing_changes():
            assert scanner.report(leaked).status_code == 503

    @pytest.mark.parametrize("key", ["", "x", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "\ud800"])
    def test_keys_that_are_none(self, scanner: Scanner, leaked: str, key: str) -> None:
        listed = [{"key_identifier": "first", "key": key, "is_current": True}]
        scanner.server.reply("/keys", json.dumps({"public_keys": listed}).encode())
        with nothing_changes():
            assert scanner.report(leaked).status_code == 401

    def test_of_another_kind_than_was_agreed(self, scanner: Scanner, leaked: str) -> None:
        p384, other = ec.generate_private_key(ec.SECP384R1()), rsa.generate_private_key(65537, 2048)
        keys: dict[str, Any] = {"p384": p384, "rsa": other}
        for name, key in keys.items():
            listed = [{"key_identifier": name, "key": pem(key), "is_current": True}]
            scanner.server.reply("/keys", json.dumps({"public_keys": listed}).encode())
            cache.clear()
            body = json.dumps([{"token": leaked, "type": "x"}]).encode()
            signed = key.sign(body, ec.ECDSA(hashes.SHA256())) if name == "p384" else b"x" * 256
            with nothing_changes():
                assert scanner.send(body, name, base64.b64encode(signed).decode()).status_code == 401


class TestService:
    @pytest.mark.parametrize("who", EVERYBODY)
    def test_only_for_operators(self, leaked: str, who: str) -> None:
        actor = acting_as(who, OrganizationToken.objects.get().organization)
        if who == OPERATOR:
            assert report_leak(actor=actor, token=leaked, seen="")
            return
        with nothing_changes(), pytest.raises(NotPermitted):
            report_leak(actor=actor, token=leaked, seen="")


class TestCommand:
    def run(self, monkeypatch: pytest.MonkeyPatch, text: str, *arguments: str) -> str:
        monkeypatch.setattr("sys.stdin", io.StringIO(text))
        return commands.run("revoke_leaked_token", *arguments)

    def test_it_finds_them_in_a_text(self, leaked: str, monkeypatch: pytest.MonkeyPatch) -> None:
        unknown = tokens.generate("o")
        text = f"TOKEN={leaked}\nother: '{unknown}' {leaked} nothing\n"
        assert self.run(monkeypatch, text, "--seen", "a pastebin") == "1 of 2 are tokens of ours, and revoked.\n"
        assert OrganizationToken.objects.get().revoked_because == "leaked: a pastebin"
        with nothing_changes():
            self.run(monkeypatch, text)

    @pytest.mark.parametrize("text", ["", "nothing here"])
    def test_without_one(self, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
        with nothing_changes(), pytest.raises(CommandError, match="no token"):
            self.run(monkeypatch, text)


class TestForm:
    """``docs/tokens.md`` is what scanners are told; it is true."""

    DOCS = (Path(__file__).parents[2] / "docs" / "tokens.md").read_text(encoding="utf-8")

    def test_the_pattern_is_ours(self) -> None:
        found = re.search(r"^    (fh_\S+)$", self.DOCS, re.MULTILINE)
        assert found is not None
        for kind in (tokens.SERVICE, tokens.ORGANIZATION, tokens.INVITATION):
            assert re.fullmatch(found[1], tokens.generate(kind))

    def test_the_worked_example_is_right(self) -> None:
        examples = set(re.findall(r"fh_[a-z][0-9A-Za-z]{38}\b", self.DOCS))
        assert examples
        for example in examples:
            assert tokens.is_well_formed(example)
            crc = zlib.crc32(example[:-6].encode())
            assert str(crc) in self.DOCS

    def test_the_program_there_tells_real_ones_from_others(self) -> None:
        program = re.search(r"```python\n(.*?)```", self.DOCS, re.DOTALL)
        assert program is not None
        names: dict[str, Any] = {}
        exec(program[1], names)  # it is ours, and this is its test
        real = tokens.generate("o")
        assert names["is_freehold_token"](real)
        assert not names["is_freehold_token"](real[:-1] + ("0" if real[-1] != "0" else "1"))
        assert not names["is_freehold_token"](real + "\n")
