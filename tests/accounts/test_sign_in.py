"""In and out, passwords, limits on attempts, sessions, addresses."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from allauth.account.models import EmailAddress
from django.core.cache import cache
from django.db import connection
from django.test import Client
from pytest_django.fixtures import Settings

from accounts.models import User
from tests.accounts.conftest import Told
from tests.accounts.people import BROWSER, PASSWORD, Person, code_in, link_in, mails_to
from tests.dump import nothing_changes

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

NEW_PASSWORD = "seven green bottles standing"


class TestPassword:
    def test_in_and_out(self, sam: Person) -> None:
        assert sam.sign_in().headers["Location"] == "/dashboard/"
        assert sam.get("/accounts/profile/").status_code == 200
        assert sam.post("/accounts/logout/").headers["Location"] == "/"
        assert sam.get("/accounts/profile/").headers["Location"].startswith("/accounts/login/?next=")

    def test_a_get_signs_nobody_out(self, sam: Person) -> None:
        sam.sign_in()
        sam.get("/accounts/logout/")
        assert sam.get("/accounts/profile/").status_code == 200

    def test_an_inactive_account_stays_out(self, sam: Person) -> None:
        User.objects.update(is_active=False)
        response = sam.sign_in()
        assert "_auth_user_id" not in sam.client.session
        assert response.status_code in {200, 302}

    def test_an_address_that_is_not_verified_is_verified_first(self, sam: Person) -> None:
        EmailAddress.objects.update(verified=False)
        assert sam.sign_in().headers["Location"] == "/accounts/confirm-email/"
        assert "_auth_user_id" not in sam.client.session

    def test_reset_by_mail(self, sam: Person, told: Told) -> None:
        sam.post("/accounts/password/reset/", {"email": sam.email})
        link = link_in(mails_to(sam.email)[0])
        form = sam.get(link, follow=True)
        sam.post(form.redirect_chain[-1][0], {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD})
        assert sam.sign_in(password=PASSWORD).status_code == 200
        assert sam.sign_in(password=NEW_PASSWORD).status_code == 302
        assert b"no longer works" in Client().get(link).content
        assert ("sam@example.com", "password.changed", {}) in told
        assert "changed" in mails_to(sam.email)[-1].subject

    def test_a_change_ends_the_other_sessions_and_is_told(self, sam: Person, told: Told) -> None:
        elsewhere = Client()
        sam.sign_in(elsewhere)
        sam.sign_in()
        change = {"oldpassword": PASSWORD, "password1": NEW_PASSWORD, "password2": NEW_PASSWORD}
        assert sam.post("/accounts/password/change/", change).status_code == 302
        assert sam.get("/accounts/profile/").status_code == 200
        assert elsewhere.get("/accounts/profile/").status_code == 302
        assert told == [("sam@example.com", "password.changed", {})]
        assert mails_to(sam.email)[-1].subject == "Your password was changed"

    def test_a_wrong_old_password_changes_nothing(self, sam: Person) -> None:
        sam.sign_in()
        with nothing_changes():
            change = {"oldpassword": "wrong", "password1": NEW_PASSWORD, "password2": NEW_PASSWORD}
            assert sam.post("/accounts/password/change/", change).status_code == 200


class TestLimits:
    """They hold for all web processes together, for they stand in the database."""

    def test_a_deployment_keeps_them_in_the_database(self, settings: Settings) -> None:
        settings.CACHES = {"default": settings.SHARED_CACHE}
        cache.set("anything", 1)
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM freehold_cache")
            assert cursor.fetchone() == (1,)
        assert cache.get("anything") == 1

    def test_guessing_a_password_comes_to_an_end(self, sam: Person) -> None:
        for _ in range(5):
            sam.sign_in(Client(), password="wrong")
        response = sam.sign_in(Client())
        assert b"Too many failed" in response.content
        assert "_auth_user_id" not in response.client.session

    def test_too_much_of_it_is_429_in_our_own_look(self, sam: Person) -> None:
        answers = [Client().post("/accounts/password/reset/", {"email": sam.email}) for _ in range(6)]
        assert [answer.status_code for answer in answers] == [302] * 5 + [429]
        assert b"tried too often" in answers[-1].content and b"freehold.css" in answers[-1].content
        assert answers[-1].headers["Cache-Control"] == "private, no-store"
        assert len(mails_to(sam.email)) == 5

    @pytest.mark.slow
    @pytest.mark.django_db(transaction=True)
    def test_and_a_crowd_gets_no_more_than_its_number(self, sam: Person, settings: Settings) -> None:
        settings.CACHES = {"default": settings.SHARED_CACHE}
        statuses: list[int] = []

        def ask() -> None:
            with concurrent():
                statuses.append(Client().post("/accounts/password/reset/", {"email": sam.email}).status_code)

        crowd = [threading.Thread(target=ask) for _ in range(9)]
        for one in crowd:
            one.start()
        for one in crowd:
            one.join()
        cache.clear()
        assert len(statuses) == 9 and set(statuses) == {302, 429}
        assert statuses.count(302) <= 5


@contextmanager
def concurrent() -> Iterator[None]:
    """In a thread: with a connection of its own, closed in the end."""
    try:
        yield
    finally:
        connection.close()


class TestSessions:
    def test_are_listed_and_the_others_are_ended(self, sam: Person) -> None:
        elsewhere = Client(headers={"user-agent": "Mozilla/5.0 (Windows NT 10.0) Chrome/140.0"})
        sam.sign_in(elsewhere)
        sam.sign_in()
        page = sam.get("/accounts/sessions/").content.decode()
        assert "Firefox, Linux" in page and "Chrome, Windows" in page and "127.0.0.1" in page
        sam.post("/accounts/sessions/")
        assert elsewhere.get("/accounts/profile/").status_code == 302
        assert sam.get("/accounts/profile/").status_code == 200

    def test_show_nobody_elses(self, sam: Person) -> None:
        other = Person("other@example.com")
        other.client = Client(headers={"user-agent": "Mozilla/5.0 (iPhone) Safari/1"})
        other.sign_in()
        sam.sign_in()
        assert "iPhone" not in sam.get("/accounts/sessions/").content.decode()


class TestAddresses:
    def test_the_old_address_hears_of_the_new_one(self, sam: Person, told: Told) -> None:
        sam.sign_in()
        sam.post("/accounts/email/", {"action_add": "", "email": "new@example.com"})
        assert sam.user.email == sam.email
        sam.post("/accounts/confirm-email/", {"code": code_in(mails_to("new@example.com")[0])})
        sam.post("/accounts/email/", {"action_primary": "", "email": "new@example.com"})
        sam.user.refresh_from_db()
        assert sam.user.email == "new@example.com"
        notice = mails_to(sam.email)[-1]
        assert notice.subject == "Your primary address was changed"
        assert "new@example.com" in notice.body and "127.0.0.1" in notice.body
        changed = {"before": "sam@example.com", "after": "new@example.com"}
        assert [event[1:] for event in told] == [
            ("email.added", {"after": "new@example.com"}),
            ("email.changed", changed),
        ]

    def test_one_that_is_not_verified_is_not_added(self, sam: Person) -> None:
        sam.sign_in()
        with nothing_changes():
            sam.post("/accounts/email/", {"action_add": "", "email": "new@example.com"})
        assert not EmailAddress.objects.filter(email="new@example.com").exists()

    def test_somebody_elses_looks_the_same_and_is_not_taken(self, sam: Person) -> None:
        other = Person("other@example.com")
        sam.sign_in()
        answers = [
            sam.post("/accounts/email/", {"action_add": "", "email": email}).status_code
            for email in (other.email, "free@example.com")
        ]
        assert answers[0] == answers[1] == 302
        assert EmailAddress.objects.get(email=other.email).user == other.user

    def test_the_primary_one_stays(self, sam: Person) -> None:
        sam.sign_in()
        with nothing_changes():
            sam.post("/accounts/email/", {"action_remove": "", "email": sam.email})
        assert EmailAddress.objects.get().email == sam.email

    @pytest.mark.parametrize("email", ["", "no", "\0@example.com", "x" * 400 + "@example.com"], ids=ascii)
    def test_nonsense_is_said_to_be_so(self, sam: Person, email: str) -> None:
        sam.sign_in()
        for action in ("action_add", "action_primary", "action_remove", "action_send"):
            assert sam.post("/accounts/email/", {action: "", "email": email}).status_code < 500


class TestFreshness:
    """What is dangerous asks again after 15 minutes, and not before."""

    ASKS = ("/accounts/two-step/totp/activate/", "/accounts/two-step/webauthn/add/", "/accounts/index-identity/unlink/")

    @pytest.mark.parametrize("path", ASKS)
    def test_who_has_just_signed_in_is_not_asked(self, sam: Person, path: str) -> None:
        sam.sign_in()
        assert sam.get(path).status_code == 200

    @pytest.mark.parametrize("path", ASKS)
    def test_later_the_password_is_asked_for_once(self, sam: Person, path: str) -> None:
        sam.sign_in()
        sam.grow_stale()
        asked = sam.get(path)
        assert asked.headers["Location"].startswith("/accounts/reauthenticate/?next=")
        answered = sam.post(asked.headers["Location"], {"password": PASSWORD, "next": path})
        assert answered.headers["Location"] == path
        assert sam.get(path).status_code == 200

    def test_a_wrong_password_leads_nowhere(self, sam: Person) -> None:
        sam.sign_in()
        sam.grow_stale()
        assert sam.post("/accounts/reauthenticate/", {"password": "wrong", "next": self.ASKS[0]}).status_code == 200
        assert sam.get(self.ASKS[0]).status_code == 302

    def test_another_persons_sign_in_in_the_same_browser_does_not_count(self, sam: Person) -> None:
        other = Person("other@example.com")
        sam.sign_in()
        sam.grow_stale()
        sam.post("/accounts/logout/")
        other.sign_in(sam.client)
        assert sam.client.get(self.ASKS[0]).status_code == 200


def test_a_form_without_its_token_is_refused_in_words(sam: Person) -> None:
    strict = Client(enforce_csrf_checks=True, headers=BROWSER)
    response = strict.post("/accounts/login/", {"login": sam.email, "password": PASSWORD})
    assert response.status_code == 403
    assert b"That form was out of date." in response.content


@pytest.mark.parametrize(
    "there", ["https://[::1/", "//mallory.example/", "https:mallory.example", "javascript:alert(1)"]
)
def test_a_sign_in_leads_nowhere_else(sam: Person, there: str) -> None:
    assert sam.client.get("/accounts/login/", {"next": there}).status_code == 200
    response = sam.client.post("/accounts/login/", {"login": sam.email, "password": PASSWORD, "next": there})
    assert response.headers["Location"] == "/dashboard/"


def test_a_name_that_cannot_be_shown_is_refused_in_words(sam: Person) -> None:
    sam.sign_in()
    response = sam.post("/accounts/profile/", {"name": "Sam\u202egnp"})
    assert response.status_code == 422
    assert b"printable characters" in response.content
    assert User.objects.get(pk=sam.user.pk).name == ""
