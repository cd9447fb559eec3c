"""Sign-in through the index and through a company's identity provider, against a provider that can be made to lie."""

from __future__ import annotations

import html
import json
import re
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from django.test import Client
from pytest_django.fixtures import Settings

from accounts import identity_providers
from accounts.identity_providers import IdentityProvider, parse, together
from accounts.models import User
from tests import factories, oidcserver
from tests.accounts.conftest import Told
from tests.accounts.people import Person, code_in, code_of, mails_to
from tests.dump import nothing_changes
from tests.oidcserver import CLIENT_ID, CLIENT_SECRET, Claims, Provider

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

EVE = "eve@acme.example"


@pytest.fixture(scope="module")
def running() -> Iterator[Provider]:
    with oidcserver.running() as provider:
        yield provider


@pytest.fixture
def provider(running: Provider, settings: Settings) -> Provider:
    """One server that stands for the index and for Acme."""
    running.claims, running.userinfo, running.tamper, running.faults = {"sub": "u-1"}, None, dict, set()
    running.asked.clear()
    index = IdentityProvider("index", "The Index", running.url, CLIENT_ID, CLIENT_SECRET, claim="preferred_username")
    acme = IdentityProvider("acme", "Acme", running.url, CLIENT_ID, CLIENT_SECRET, frozenset({"acme.example"}))
    settings.FREEHOLD_IDENTITY_PROVIDERS = {"index": index, "acme": acme}
    settings.SOCIALACCOUNT_PROVIDERS = identity_providers.as_allauth(settings.FREEHOLD_IDENTITY_PROVIDERS)
    return running


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: Any) -> None:
        return None

    def http_error_302(self, req: Any, fp: Any, *args: Any) -> Any:
        return fp


def come_through(client: Client, who: str, process: str = "login", meddle: Callable[[str], str] = str) -> Any:
    """To the provider and back; what our callback answers."""
    begun = client.post(f"/accounts/oidc/{who}/login/?process={process}")
    if begun.status_code != 302:
        return begun
    with urllib.request.build_opener(NoRedirect).open(begun.headers["Location"]) as answer:
        back = answer.headers["Location"].removeprefix("http://testserver")
    return client.get(meddle(back))


def noted(notes: list[str], note: str, instead: str = "") -> str:
    notes.append(note)
    return instead or note


def is_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


class TestCompany:
    def test_a_new_person_gets_an_account_with_a_verified_address(self, provider: Provider, client: Client) -> None:
        provider.claims |= {"email": "Eve@Acme.example", "email_verified": True, "name": "Eve Adams"}
        assert come_through(client, "acme").headers["Location"] == "/dashboard/"
        user = User.objects.get()
        assert (user.email, user.name, user.index_username, user.has_usable_password()) == (
            EVE,
            "Eve Adams",
            None,
            False,
        )
        assert EmailAddress.objects.get().verified and is_in(client)

    def test_comes_again_as_the_same(self, provider: Provider) -> None:
        provider.claims |= {"email": EVE, "email_verified": True}
        come_through(Client(), "acme")
        provider.claims |= {"email": "new@acme.example"}
        again = Client()
        come_through(again, "acme")
        assert is_in(again) and User.objects.count() == 1

    def test_finds_the_account_with_that_verified_address(self, provider: Provider, client: Client, told: Told) -> None:
        eve = Person(EVE)
        provider.claims |= {"email": EVE, "email_verified": True}
        come_through(client, "acme")
        assert client.session["_auth_user_id"] == str(eve.user.pk)
        assert SocialAccount.objects.get().user == eve.user
        assert (EVE, "sign_in.connected", {"provider": "acme"}) in told
        assert mails_to(EVE)[-1].subject == "Another sign-in was connected"

    def test_and_still_asks_for_its_second_factor(self, provider: Provider, client: Client) -> None:
        eve = Person(EVE)
        eve.has_app()
        provider.claims |= {"email": EVE, "email_verified": True}
        assert come_through(client, "acme").headers["Location"] == "/accounts/two-step/authenticate/"
        assert not is_in(client)

    def test_does_not_take_an_account_that_never_proved_the_address(self, provider: Provider, client: Client) -> None:
        eve = Person(EVE)
        EmailAddress.objects.update(verified=False)
        provider.claims |= {"email": EVE, "email_verified": True}
        refused(client, "never proved to own", eve)

    @pytest.mark.parametrize("verified", [False, None, "true", 1])
    def test_vouches_for_verified_addresses_only(self, provider: Provider, client: Client, verified: Any) -> None:
        provider.claims |= {"email": EVE, "email_verified": verified}
        refused(client, "does not say that your e-mail address is verified")

    @pytest.mark.parametrize(
        "email", ["eve@other.example", "eve@sub.acme.example", "eve@acme.example.evil", "eve@evilacme.example"]
    )
    def test_vouches_for_its_own_domains_only(self, provider: Provider, client: Client, email: str) -> None:
        victim = Person(email)
        provider.claims |= {"email": email, "email_verified": True}
        refused(client, "may only sign in people of acme.example", victim)

    def test_without_an_address_nobody_comes_in(self, provider: Provider, client: Client) -> None:
        refused(client, "does not say that your e-mail address is verified")

    def test_asks_userinfo_for_what_the_token_lacks(self, provider: Provider, client: Client) -> None:
        provider.userinfo = {"sub": "u-1", "email": EVE, "email_verified": True}
        come_through(client, "acme")
        assert is_in(client)

    def test_and_not_about_somebody_else(self, provider: Provider, client: Client) -> None:
        provider.userinfo = {"sub": "u-2", "email": EVE, "email_verified": True}
        not_trusted(client)

    def test_gives_nobody_a_name_on_the_index(self, provider: Provider, client: Client) -> None:
        provider.claims |= {"email": EVE, "email_verified": True, "preferred_username": "eve"}
        come_through(client, "acme")
        assert User.objects.get().index_username is None

    def test_is_connected_by_who_is_signed_in(self, provider: Provider, sam: Person) -> None:
        sam.sign_in()
        provider.claims |= {"email": EVE, "email_verified": True}
        assert come_through(sam.client, "acme", "connect").headers["Location"] == "/accounts/connected/"
        assert SocialAccount.objects.get().user == sam.user
        assert b"Acme" in sam.get("/accounts/connected/").content

    def test_and_disconnected(self, provider: Provider, sam: Person, told: Told) -> None:
        self.test_is_connected_by_who_is_signed_in(provider, sam)
        sam.post("/accounts/connected/", {"account": SocialAccount.objects.get().pk})
        assert not SocialAccount.objects.exists()
        assert told[-1] == (sam.email, "sign_in.disconnected", {"provider": "acme"})


class TestAgain:
    """Who has neither password nor second factor shows again who they are where they come from."""

    DANGEROUS = "/accounts/index-identity/unlink/"

    @pytest.fixture
    def eve(self, provider: Provider, client: Client) -> Person:
        provider.claims |= {"email": EVE, "email_verified": True}
        come_through(client, "acme")
        eve = Person.__new__(Person)
        eve.email, eve.user, eve.client = EVE, User.objects.get(), client
        eve.grow_stale()
        return eve

    def test_is_told_what_to_do_and_comes_back_to_where_it_was_going(self, eve: Person) -> None:
        page = eve.get(self.DANGEROUS, follow=True)
        assert page.status_code == 200 and page.redirect_chain == [
            (f"/accounts/reauthenticate/?next={self.DANGEROUS}", 302)
        ]
        assert page.headers["Cache-Control"] == "private, no-store"
        text = html.unescape(page.content.decode())
        assert "Sign in again with Acme" in text and "The Index" not in text
        (address,) = re.findall(r'action="(/accounts/oidc/[^"]+)"', text)
        begun = eve.post(address)
        with urllib.request.build_opener(NoRedirect).open(begun.headers["Location"]) as answer:
            back = answer.headers["Location"].removeprefix("http://testserver")
        assert eve.get(back).headers["Location"] == self.DANGEROUS
        assert eve.get(self.DANGEROUS).status_code == 200

    def test_nothing_is_lost_when_the_provider_does_not_answer(self, eve: Person, provider: Provider) -> None:
        provider.faults.add("down")
        with nothing_changes():
            assert eve.post("/accounts/oidc/acme/login/?process=login&next=/dashboard/").status_code == 401
        assert is_in(eve.client)

    def test_is_not_led_elsewhere(self, eve: Person) -> None:
        page = eve.get("/accounts/reauthenticate/?next=https://evil.example/").content.decode()
        assert "evil.example" not in page and "next=%2Fdashboard%2F" in page

    def test_without_the_provider_a_password_is_the_way(self, eve: Person, settings: Settings) -> None:
        settings.FREEHOLD_IDENTITY_PROVIDERS = {}
        page = eve.get("/accounts/reauthenticate/").content.decode()
        assert "Choose a password" in page and "Sign in again" not in page

    def test_who_has_a_password_or_a_second_factor_is_asked_for_that(self, eve: Person) -> None:
        eve.has_app()
        assert eve.get("/accounts/reauthenticate/").headers["Location"] == "/accounts/two-step/reauthenticate/"

    def come_again(self, eve: Person) -> str:
        """Through the page that asks for it; where it leads."""
        page = html.unescape(eve.get(self.DANGEROUS, follow=True).content.decode())
        (address,) = re.findall(r'action="(/accounts/oidc/[^"]+)"', page)
        begun = eve.post(address)
        with urllib.request.build_opener(NoRedirect).open(begun.headers["Location"]) as answer:
            back = answer.headers["Location"].removeprefix("http://testserver")
        return str(eve.get(back).headers["Location"])

    def test_the_provider_is_asked_to_ask(self, eve: Person, provider: Provider) -> None:
        first = provider.asked[-1]
        self.come_again(eve)
        asked = provider.asked[-1]
        assert ("prompt" in first, "max_age" in first) == (False, False)
        assert (asked["prompt"], asked["max_age"]) == ("login", "0")

    @pytest.mark.parametrize(
        ("ago", "status"), [(None, 200), (0, 200), (60, 200), (-3600, 200), (3600, 302), ("soon", 200), (True, 200)]
    )
    def test_what_it_says_of_when_it_did_counts(self, eve: Person, provider: Provider, ago: Any, status: int) -> None:
        """One that was asked and says nothing of it, or nothing that is a time, is taken to have done it."""
        said = {} if ago is None else {"auth_time": int(time.time()) - ago if type(ago) is int else ago}
        provider.claims |= said
        assert self.come_again(eve) == self.DANGEROUS
        page = eve.get(self.DANGEROUS)
        assert page.status_code == status
        if status == 302:
            assert "Acme let you through without asking who you are" in html.unescape(
                eve.get(self.DANGEROUS, follow=True).content.decode()
            )

    @pytest.mark.parametrize(("ago", "status"), [(None, 302), (3600, 302), (5, 200)])
    def test_a_sign_in_that_may_have_been_silent_does_nothing_dangerous(
        self, provider: Provider, client: Client, ago: int | None, status: int
    ) -> None:
        provider.claims |= {"email": EVE, "email_verified": True}
        provider.claims |= {} if ago is None else {"auth_time": int(time.time()) - ago}
        come_through(client, "acme")
        assert is_in(client) and client.get("/dashboard/").status_code == 200
        assert client.get(self.DANGEROUS).status_code == status

    def test_a_second_factor_here_is_shown_whatever_the_provider_says(self, provider: Provider, client: Client) -> None:
        eve = Person(EVE)
        secret = eve.has_app()
        provider.claims |= {"email": EVE, "email_verified": True, "auth_time": int(time.time()) - 3600}
        come_through(client, "acme")
        client.post("/accounts/two-step/authenticate/", {"code": code_of(secret)})
        assert is_in(client) and client.get(self.DANGEROUS).status_code == 200

    @pytest.mark.parametrize(
        ("path", "data"),
        [
            ("email/", {"action_add": "", "email": "second@acme.example"}),
            ("email/", {"action_remove": "", "email": EVE}),
            ("connected/", {"account": "1"}),
            ("oidc/index/login/?process=connect", {}),
        ],
        ids=["an address added", "an address removed", "a sign-in disconnected", "a sign-in connected"],
    )
    def test_no_address_and_no_way_in_is_changed_without(self, eve: Person, path: str, data: dict[str, str]) -> None:
        with nothing_changes():
            answer = eve.post(f"/accounts/{path}", data)
        assert answer.headers["Location"].startswith("/accounts/reauthenticate/?next=/accounts/")

    def test_an_address_is_added_after_it(self, eve: Person) -> None:
        assert eve.get("/accounts/email/").status_code == 200
        self.come_again(eve)
        eve.post("/accounts/email/", {"action_add": "", "email": "second@acme.example"})
        assert code_in(mails_to("second@acme.example")[0])

    @pytest.mark.parametrize("path", ["two-step/webauthn/add/", "two-step/totp/activate/", "password/set/"])
    def test_a_new_way_in_is_not_set_up_without(self, eve: Person, path: str) -> None:
        for answer in (eve.get(f"/accounts/{path}"), eve.post(f"/accounts/{path}")):
            assert answer.headers["Location"] == f"/accounts/reauthenticate/?next=/accounts/{path}"


def refused(client: Client, reason: str, victim: Person | None = None) -> None:
    with nothing_changes():
        response = come_through(client, "acme")
    assert response.status_code == 409
    assert reason in response.content.decode()
    assert not is_in(client) and not SocialAccount.objects.exists()


def not_trusted(client: Client, meddle: Callable[[str], str] = str) -> None:
    with nothing_changes():
        response = come_through(client, "acme", meddle=meddle)
    assert response.status_code == 401
    assert b"no answer that we can trust" in response.content
    assert not is_in(client) and not SocialAccount.objects.exists()


class TestLies:
    """Each of these would sign Eve in, were it believed."""

    @pytest.fixture(autouse=True)
    def _about_eve(self, provider: Provider) -> None:
        provider.claims |= {"email": EVE, "email_verified": True}

    @pytest.mark.parametrize("fault", ["signature", "other-key", "none", "hmac", "no-token"])
    def test_a_token_that_is_not_signed_by_its_key(self, provider: Provider, client: Client, fault: str) -> None:
        provider.faults.add(fault)
        not_trusted(client)

    @pytest.mark.parametrize(
        "lie",
        [
            {"iss": "https://other.example"},
            {"aud": "another client"},
            {"aud": [CLIENT_ID, "x"], "azp": "another client"},
            {"nonce": "of another sign-in"},
            {"nonce": None},
            {"exp": 1},
            {"iat": 99999999999},
            {"sub": None},
            {"sub": 7},
        ],
        ids=str,
    )
    def test_a_token_that_says_what_is_not_so(self, provider: Provider, client: Client, lie: Claims) -> None:
        provider.tamper = lambda claims: {key: value for key, value in (claims | lie).items() if value is not None}
        not_trusted(client)

    def test_a_state_that_is_not_this_browsers(self, client: Client) -> None:
        not_trusted(client, lambda back: back.replace("state=", "state=x"))

    def test_a_code_twice(self, client: Client) -> None:
        used: list[str] = []
        come_through(client, "acme", meddle=lambda back: noted(used, back))
        again = Client()
        assert again.get(used[0]).status_code == 401 and not is_in(again)

    def test_a_code_of_another_sign_in(self, provider: Provider, client: Client) -> None:
        """PKCE: Mallory's code, planted in the browser of somebody else, is of no use there."""
        planted: list[str] = []
        come_through(Client(), "acme", meddle=lambda back: noted(planted, back.split("code=")[1].split("&")[0], "/"))
        not_trusted(client, lambda back: f"{back.split('?')[0]}?code={planted[0]}&state={back.split('state=')[1]}")

    def test_each_sign_in_has_its_own_nonce_and_challenge(self, provider: Provider) -> None:
        for _ in range(2):
            come_through(Client(), "acme")
        first, second = provider.asked
        for name in ("nonce", "code_challenge", "state"):
            assert first[name] and first[name] != second[name]
        assert first["code_challenge_method"] == "S256"

    def test_our_page_can_not_be_made_to_ask_for_more(self, provider: Provider, client: Client) -> None:
        begun = client.post("/accounts/oidc/acme/login/?auth_params=prompt%3Dnone%26nonce%3Dx&scope=admin")
        assert "prompt=none" not in begun.headers["Location"] and "admin" not in begun.headers["Location"]

    @pytest.mark.parametrize("fault", ["down", "rubbish"])
    def test_a_provider_that_does_not_answer(self, provider: Provider, client: Client, fault: str) -> None:
        provider.faults.add(fault)
        not_trusted(client)

    def test_one_that_is_not_there(self, provider: Provider, client: Client) -> None:
        assert client.post("/accounts/oidc/nobody/login/").status_code == 404
        assert client.get("/accounts/oidc/nobody/login/callback/").status_code == 404

    def test_who_turns_back_there_is_told_so(self, provider: Provider, client: Client) -> None:
        answer = come_through(
            client,
            "acme",
            meddle=lambda back: f"{back.split('?')[0]}?error=access_denied&state={back.split('state=')[1]}",
        )
        assert answer.headers["Location"] == "/accounts/connected/login/cancelled/"


class TestIndex:
    def test_says_who_a_signed_in_person_is_there(self, provider: Provider, sam: Person, told: Told) -> None:
        sam.sign_in()
        provider.claims |= {"preferred_username": "Sam-Spade"}
        come_through(sam.client, "index", "connect")
        sam.user.refresh_from_db()
        assert sam.user.index_username == "sam-spade"
        facts = {"before": None, "after": "sam-spade", "by": "sign-in"}
        assert (sam.email, "identity.linked", facts) in told

    def test_signs_in_whom_it_knows_and_follows_a_renaming(self, provider: Provider, sam: Person) -> None:
        self.test_says_who_a_signed_in_person_is_there(
            provider, sam, [(sam.email, "identity.linked", {"before": None, "after": "sam-spade", "by": "sign-in"})]
        )
        provider.claims |= {"preferred_username": "sam"}
        again = Client()
        come_through(again, "index")
        sam.user.refresh_from_db()
        assert is_in(again) and sam.user.index_username == "sam"

    def test_a_new_person_still_verifies_the_address(self, provider: Provider, client: Client) -> None:
        provider.claims |= {"preferred_username": "nora", "email": "nora@example.com", "email_verified": True}
        assert come_through(client, "index").headers["Location"] == "/accounts/confirm-email/"
        assert not is_in(client) and not EmailAddress.objects.get().verified
        client.post("/accounts/confirm-email/", {"code": code_in(mails_to("nora@example.com")[0])})
        assert is_in(client) and User.objects.get().index_username == "nora"

    def test_a_new_person_without_an_address_is_asked_for_it(self, provider: Provider, client: Client) -> None:
        provider.claims |= {"preferred_username": "nora"}
        assert come_through(client, "index").headers["Location"] == "/accounts/connected/signup/"
        assert b"did not tell us your e-mail address" in client.get("/accounts/connected/signup/").content
        client.post("/accounts/connected/signup/", {"email": "nora@example.com"})
        client.post("/accounts/confirm-email/", {"code": code_in(mails_to("nora@example.com")[0])})
        assert is_in(client) and User.objects.get().index_username == "nora"

    def test_its_word_on_an_address_opens_no_account(self, provider: Provider, client: Client, sam: Person) -> None:
        provider.claims |= {"preferred_username": "mallory", "email": sam.email, "email_verified": True}
        with nothing_changes():
            come_through(client, "index")
        assert not is_in(client)

    @pytest.mark.parametrize("process", ["login", "connect"])
    def test_a_name_that_another_has_is_refused(self, provider: Provider, sam: Person, process: str) -> None:
        factories.user("taken")
        if process == "connect":
            sam.sign_in()
        provider.claims |= {"preferred_username": "taken", "email": "x@example.com"}
        with nothing_changes():
            response = come_through(sam.client, "index", process)
        assert response.status_code == 409 and b"linked to taken already" in response.content
        assert not SocialAccount.objects.exists()

    @pytest.mark.parametrize("name", [None, "", 7, "s\u00e4m", "-", ["sam"], "a" * 101], ids=ascii)
    def test_what_is_no_name_is_refused(self, provider: Provider, sam: Person, name: Any) -> None:
        sam.sign_in()
        provider.claims |= {"preferred_username": name} if name is not None else {}
        with nothing_changes():
            assert come_through(sam.client, "index", "connect").status_code == 400
        assert not SocialAccount.objects.exists()

    def test_unlinking_and_disconnecting_are_one(self, provider: Provider, sam: Person, told: Told) -> None:
        for path, data in (("index-identity/unlink/", {}), ("connected/", {"account": None})):
            self.test_says_who_a_signed_in_person_is_there(provider, sam, told)
            account = SocialAccount.objects.get()
            sam.post(f"/accounts/{path}", dict.fromkeys(data, account.pk))
            sam.user.refresh_from_db()
            assert sam.user.index_username is None and not SocialAccount.objects.exists()
            assert "identity.unlinked" in [event[1] for event in told]
            told.clear()


GOOD = {
    "id": "acme",
    "name": "Acme",
    "server_url": "https://id.acme.example",
    "client_id": "freehold",
    "client_secret": "s",
    "domains": ["acme.example"],
}


class TestSettings:
    def test_are_read(self) -> None:
        (found,) = parse(json.dumps([GOOD]))
        assert (found.id, sorted(found.domains), found.is_index) == ("acme", ["acme.example"], False)
        assert "s'" not in repr(found)

    @pytest.mark.parametrize(
        ("text", "why"),
        [
            ("{", "not JSON"),
            ("{}", "a list"),
            ("[1]", "exactly these keys"),
            (json.dumps([{**GOOD, "extra": 1}]), "exactly these keys"),
            (json.dumps([{**GOOD, "name": ""}]), "not empty"),
            (json.dumps([{**GOOD, "client_id": 1}]), "not empty"),
            (json.dumps([{**GOOD, "id": "Acme Inc"}]), "lower-case"),
            (json.dumps([{**GOOD, "domains": []}]), "at least one domain"),
            (json.dumps([{**GOOD, "domains": ["Acme.example"]}]), "not a domain"),
            (json.dumps([{**GOOD, "domains": ["*.example"]}]), "not a domain"),
            (json.dumps([{**GOOD, "domains": "acme.example"}]), "at least one domain"),
        ],
    )
    def test_that_are_wrong_are_refused(self, text: str, why: str) -> None:
        with pytest.raises(ValueError, match=why):
            parse(text)

    @pytest.mark.parametrize(
        ("changes", "why"),
        [
            ({}, "two identity providers"),
            ({"id": "b"}, "both vouch for acme.example"),
            ({"id": "b", "domains": ["b.example"], "server_url": "http://b.example"}, "must begin with https"),
            ({"id": "index", "domains": ["b.example"]}, "two identity providers"),
        ],
    )
    def test_that_contradict_each_other_are_refused(self, changes: dict[str, Any], why: str) -> None:
        index = identity_providers.index_provider(
            name="Index", server_url="https://index.example", client_id="a", client_secret="b", claim="sub"
        )
        with pytest.raises(ValueError, match=why):
            together([index, *parse(json.dumps([GOOD, {**GOOD, **changes}]))], insecure=False)

    def test_half_an_index_is_none(self) -> None:
        with pytest.raises(ValueError, match="go together"):
            identity_providers.index_provider(
                name="I", server_url="https://i.example", client_id="", client_secret="", claim="sub"
            )

    def test_the_file_is_named_by_the_environment(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        path = tmp_path / "providers.json"
        path.write_text(json.dumps([GOOD]))
        monkeypatch.setenv("FREEHOLD_IDENTITY_PROVIDERS", str(path))
        assert list(identity_providers.from_environment("I", insecure=False)) == ["acme"]
        monkeypatch.setenv("FREEHOLD_IDENTITY_PROVIDERS", str(tmp_path / "missing.json"))
        with pytest.raises(ValueError, match="cannot be read"):
            identity_providers.from_environment("I", insecure=False)
