"""From nothing to an account: by password and code. Passkeys are walked in tests/browser."""

from __future__ import annotations

import re
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.test import Client

from accounts.models import User
from tests.accounts.people import PASSWORD, Person, code_in, link_in, mails_to
from tests.dump import nothing_changes

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

NEW = "nora@example.com"


def sign_up(client: Client, email: str = NEW, password: str = PASSWORD) -> Any:
    return client.post("/accounts/signup/", {"email": email, "password1": password})


def confirm(client: Client, code: str) -> Any:
    return client.post("/accounts/confirm-email/", {"code": code})


class TestByPassword:
    def test_address_password_code_and_in(self, client: Client) -> None:
        assert sign_up(client).headers["Location"] == "/accounts/confirm-email/"
        assert "_auth_user_id" not in client.session
        response = confirm(client, code_in(mails_to(NEW)[0]))
        assert (response.status_code, response.headers["Location"]) == (302, "/dashboard/")
        user = User.objects.get(email=NEW)
        assert client.session["_auth_user_id"] == str(user.pk)
        assert EmailAddress.objects.get(user=user).verified
        assert (user.is_staff, user.second_factor, user.index_username) == (False, False, None)

    def test_comes_back_to_where_it_began(self, client: Client) -> None:
        client.post(
            "/accounts/signup/?next=/namespaces/", {"email": NEW, "password1": PASSWORD, "next": "/namespaces/"}
        )
        assert confirm(client, code_in(mails_to(NEW)[0])).headers["Location"] == "/namespaces/"

    @pytest.mark.parametrize("evil", ["https://evil.example/", "//evil.example/", "javascript:alert(1)"])
    def test_and_nowhere_else(self, client: Client, evil: str) -> None:
        client.post("/accounts/signup/", {"email": NEW, "password1": PASSWORD, "next": evil})
        assert confirm(client, code_in(mails_to(NEW)[0])).headers["Location"] == "/dashboard/"

    def test_three_wrong_codes_are_the_end_of_it(self, client: Client) -> None:
        sign_up(client)
        for _ in range(3):
            confirm(client, "AAAAAA")
        right = code_in(mails_to(NEW)[0])
        confirm(client, right)
        assert "_auth_user_id" not in client.session
        assert not EmailAddress.objects.get(email=NEW).verified

    def test_the_code_is_of_no_use_in_another_browser(self, client: Client) -> None:
        sign_up(client)
        other = Client()
        confirm(other, code_in(mails_to(NEW)[0]))
        assert "_auth_user_id" not in other.session
        assert not EmailAddress.objects.get(email=NEW).verified

    @pytest.mark.parametrize(
        ("email", "password"),
        [
            ("", PASSWORD),
            ("no address", PASSWORD),
            ("a" * 300 + "@example.com", PASSWORD),
            ("nul\0@example.com", PASSWORD),
            (NEW, ""),
            (NEW, "short"),
            (NEW, "password123"),
            (NEW, "nora@example.com"),
            (NEW, "nul\0nul\0nul"),
        ],
        ids=ascii,
    )
    def test_what_can_not_be_is_said_and_changes_nothing(self, client: Client, email: str, password: str) -> None:
        with nothing_changes():
            response = sign_up(client, email, password)
        assert response.status_code == 200
        assert b"Something is not right yet" in response.content
        assert not mails_to(NEW)

    def test_the_mail_says_it_all_as_text_and_as_html(self, client: Client) -> None:
        sign_up(client)
        message = mails_to(NEW)[0]
        code = code_in(message)
        assert code in message.subject
        html, kind = message.alternatives[0]
        assert kind == "text/html" and f"<code>{code}</code>" in str(html)
        assert len(message.to) == 1


class TestEnumeration:
    """Nobody learns from us whether an address has an account."""

    def test_sign_up_looks_the_same(self, sam: Person) -> None:
        answers = {}
        for email in (sam.email, NEW):
            client = Client()
            first = sign_up(client, email)
            page = client.get(first.headers["Location"])
            answers[email] = (first.status_code, first.headers["Location"], without_chance(page, email))
        assert answers[sam.email] == answers[NEW]
        assert User.objects.count() == 2
        assert "already" in mails_to(sam.email)[0].subject
        assert link_in(mails_to(sam.email)[0]) == "/accounts/password/reset/"

    def test_a_code_guessed_for_an_account_that_exists_signs_nobody_in(self, sam: Person) -> None:
        client = Client()
        sign_up(client, sam.email)
        for code in ("", "AAAAAA", "None"):
            confirm(client, code)
        assert "_auth_user_id" not in client.session

    def test_sign_in_looks_the_same(self, sam: Person) -> None:
        answers = []
        for email in (sam.email, NEW):
            page = Client().post("/accounts/login/", {"login": email, "password": "wrong"})
            answers.append((page.status_code, without_chance(page, email)))
        assert answers[0] == answers[1]

    def test_reset_looks_the_same(self, sam: Person) -> None:
        answers = []
        for email in (sam.email, NEW):
            client = Client()
            first = client.post("/accounts/password/reset/", {"email": email})
            page = client.get(first.headers["Location"])
            answers.append((first.status_code, first.headers["Location"], without_chance(page, email)))
        assert answers[0] == answers[1]
        assert "no account" in mails_to(NEW)[0].subject


def without_chance(page: Any, email: str) -> str:
    text = page.content.decode().replace(email, "ADDRESS")
    return re.sub(r'(csrfmiddlewaretoken" value="|nonce="|X-CSRFToken": ")[^"]+', r"\1", text)
