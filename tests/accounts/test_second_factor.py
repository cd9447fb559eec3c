"""Passkeys, authenticator apps and recovery codes; who must have one and can't be without."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.db import connection
from django.test import Client

from accounts import guards
from accounts.models import User
from tests.accounts.conftest import Told
from tests.accounts.people import Person, code_of, mails_to
from tests.concurrency import one_behind_the_other
from tests.dump import nothing_changes

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


@pytest.fixture
def required() -> Iterator[str]:
    """Somebody outside of accounts asks for it, as an organization does."""
    reason = "Acme requires two-step verification of its members."
    guards.SECOND_FACTOR_NEEDED.append(lambda _: reason)
    yield reason
    guards.SECOND_FACTOR_NEEDED.pop()


class TestTheFlag:
    """``User.second_factor`` is the database's own doing."""

    def test_follows_app_and_passkey(self, sam: Person) -> None:
        assert not sam.has_second_factor()
        sam.has_app()
        assert sam.has_second_factor()
        passkey = sam.has_passkey()
        Authenticator.objects.filter(type="totp").delete()
        assert sam.has_second_factor()
        passkey.delete()
        assert not sam.has_second_factor()

    def test_recovery_codes_alone_are_none(self, sam: Person) -> None:
        RecoveryCodes.activate(sam.user)
        assert not sam.has_second_factor()

    def test_follows_what_no_orm_did(self, sam: Person) -> None:
        other = Person("other@example.com")
        passkey = sam.has_passkey()
        with connection.cursor() as cursor:
            cursor.execute("UPDATE mfa_authenticator SET user_id = %s WHERE id = %s", [other.user.pk, passkey.pk])
            assert (sam.has_second_factor(), other.has_second_factor()) == (False, True)
            cursor.execute("UPDATE mfa_authenticator SET type = 'recovery_codes'")
            assert not other.has_second_factor()

    def test_is_not_overwritten_by_an_older_copy(self, sam: Person) -> None:
        older = User.objects.get()
        sam.has_passkey()
        older.name = "Sam"
        older.save()
        assert sam.has_second_factor() and sam.user.name == "Sam"

    def test_goes_with_the_user(self, sam: Person) -> None:
        sam.has_passkey()
        sam.user.delete()
        assert not Authenticator.objects.exists()

    @pytest.mark.slow
    @pytest.mark.django_db(transaction=True)
    def test_two_removals_beside_each_other_leave_none(self, sam: Person) -> None:
        first, second = sam.has_passkey("One"), sam.has_passkey("Two")
        assert one_behind_the_other(first.delete, second.delete) == ("done", "done")
        assert not sam.has_second_factor()


class TestApp:
    def test_is_set_up_with_recovery_codes_and_a_mail(
        self, sam: Person, told: Told, django_capture_on_commit_callbacks: Any
    ) -> None:
        sam.sign_in()
        sam.get("/accounts/two-step/totp/activate/")
        secret = sam.client.session["mfa.totp.secret"]
        with django_capture_on_commit_callbacks(execute=True):
            response = sam.post("/accounts/two-step/totp/activate/", {"code": code_of(secret)})
        assert response.headers["Location"] == "/accounts/two-step/recovery-codes/"
        assert sam.has_second_factor()
        codes = RecoveryCodes(Authenticator.objects.get(type="recovery_codes")).get_unused_codes()
        page = sam.get("/accounts/two-step/recovery-codes/").content.decode()
        assert len(codes) == 10 and all(code in page for code in codes)
        assert "app was set up" in mails_to(sam.email)[0].subject
        assert {event[1:][0] for event in told} == {"second_factor.added"}

    def test_a_wrong_code_sets_up_nothing(self, sam: Person) -> None:
        sam.sign_in()
        sam.get("/accounts/two-step/totp/activate/")
        with nothing_changes():
            for code in ("000000", "", "x" * 1000, "١٢٣٤٥٦"):
                sam.post("/accounts/two-step/totp/activate/", {"code": code})
        assert not sam.has_second_factor()

    def test_is_asked_for_at_sign_in(self, sam: Person) -> None:
        secret = sam.has_app()
        assert sam.sign_in().headers["Location"] == "/accounts/two-step/authenticate/"
        assert "_auth_user_id" not in sam.client.session
        assert sam.post("/accounts/two-step/authenticate/", {"code": "000000"}).status_code == 200
        answer = sam.post("/accounts/two-step/authenticate/", {"code": code_of(secret)})
        assert answer.headers["Location"] == "/dashboard/"

    def test_a_code_works_once(self, sam: Person) -> None:
        secret = sam.has_app()
        code = code_of(secret)
        sam.sign_in()
        sam.post("/accounts/two-step/authenticate/", {"code": code})
        again = Client()
        sam.sign_in(again)
        assert again.post("/accounts/two-step/authenticate/", {"code": code}).status_code == 200

    def test_a_code_does_not_count_again_while_clocks_may_differ(
        self, sam: Person, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """allauth forgets it after 30 seconds, in which a code that was early has not ended."""
        code = code_of(sam.has_app(), steps=1)
        sam.sign_in()
        assert sam.post("/accounts/two-step/authenticate/", {"code": code}).status_code == 302
        later = time.time() + 35
        monkeypatch.setattr(time, "time", lambda: later)
        again = Client()
        sam.sign_in(again)
        assert again.post("/accounts/two-step/authenticate/", {"code": code}).status_code == 200

    def test_a_recovery_code_helps_once(self, sam: Person) -> None:
        sam.has_app()
        code = RecoveryCodes(Authenticator.objects.get(type="recovery_codes")).get_unused_codes()[0]
        sam.sign_in()
        assert sam.post("/accounts/two-step/authenticate/", {"code": code}).status_code == 302
        again = Client()
        sam.sign_in(again)
        assert again.post("/accounts/two-step/authenticate/", {"code": code}).status_code == 200

    def test_recovery_codes_come_as_a_file(self, sam: Person) -> None:
        signed_in_with(sam, sam.has_app())
        codes = RecoveryCodes(Authenticator.objects.get(type="recovery_codes")).get_unused_codes()
        file = sam.get("/accounts/two-step/recovery-codes/download/")
        assert file.content.decode().split() == codes
        assert "freehold-recovery-codes.txt" in file.headers["Content-Disposition"]
        assert file.headers["Cache-Control"] == "private, no-store"

    def test_guessing_comes_to_an_end(self, sam: Person) -> None:
        secret = sam.has_app()
        sam.sign_in()
        for _ in range(5):
            sam.post("/accounts/two-step/authenticate/", {"code": "000000"})
        sam.post("/accounts/two-step/authenticate/", {"code": code_of(secret)})
        assert "_auth_user_id" not in sam.client.session

    def test_is_turned_off_by_who_may(self, sam: Person, told: Told) -> None:
        secret = sam.has_app()
        signed_in_with(sam, secret)
        assert sam.post("/accounts/two-step/totp/deactivate/").headers["Location"] == "/accounts/two-step/"
        assert not sam.has_second_factor()
        assert not Authenticator.objects.exists()
        assert "turned off" in mails_to(sam.email)[-1].subject
        assert ("sam@example.com", "second_factor.removed", {"kind": "totp"}) in told

    def test_a_password_reset_does_not_get_around_it(self, sam: Person) -> None:
        sam.has_app()
        sam.sign_in()
        assert sam.get("/accounts/two-step/").status_code == 302
        assert sam.post("/accounts/two-step/totp/deactivate/").status_code == 302
        assert sam.has_second_factor()


def signed_in_with(person: Person, secret: str) -> None:
    person.sign_in()
    person.post("/accounts/two-step/authenticate/", {"code": code_of(secret)})


class TestTheLastOne:
    """It stays with who must have one, whatever page or request asks."""

    def test_of_staff_stays(self, sam: Person) -> None:
        User.objects.update(is_staff=True)
        self.stays(sam, "Staff must have two-step verification.")

    def test_of_who_an_organization_requires_it_stays(self, sam: Person, required: str) -> None:
        self.stays(sam, required)

    def stays(self, sam: Person, reason: str) -> None:
        signed_in_with(sam, sam.has_app())
        with nothing_changes():
            assert reason in sam.get("/accounts/two-step/totp/deactivate/").content.decode()
            answer = sam.post("/accounts/two-step/totp/deactivate/", follow=True)
        assert reason in answer.content.decode()
        assert sam.has_second_factor()

    def test_passkey_stays_too(self, sam: Person, required: str) -> None:
        sam.sign_in()
        passkey = sam.has_passkey()
        address = f"/accounts/two-step/webauthn/keys/{passkey.pk}/remove/"
        with nothing_changes():
            assert required in sam.get(address).content.decode()
            assert required in sam.post(address, follow=True).content.decode()
        assert sam.has_second_factor()

    def test_with_another_one_may_go(self, sam: Person, required: str) -> None:
        sam.sign_in()
        passkeys = [sam.has_passkey("One"), sam.has_passkey("Two")]
        sam.post(f"/accounts/two-step/webauthn/keys/{passkeys[0].pk}/remove/")
        sam.post(f"/accounts/two-step/webauthn/keys/{passkeys[1].pk}/remove/")
        assert [passkey.pk for passkey in Authenticator.objects.filter(type="webauthn")] == [passkeys[1].pk]

    def test_of_somebody_else_is_not_there(self, sam: Person) -> None:
        passkey = Person("other@example.com").has_passkey()
        sam.sign_in()
        with nothing_changes():
            for what in ("remove", "edit"):
                address = f"/accounts/two-step/webauthn/keys/{passkey.pk}/{what}/"
                assert sam.get(address).status_code == sam.post(address, {"name": "Mine"}).status_code == 404


class TestWhoNeedsOne:
    def test_is_told_why_and_how(self, sam: Person, required: str) -> None:
        sam.sign_in()
        page = sam.get("/accounts/second-factor/").content.decode()
        assert required in page
        assert "/accounts/two-step/webauthn/add/" in page and "/accounts/two-step/totp/activate/" in page

    def test_and_when_there_is_nothing_to_do(self, sam: Person) -> None:
        signed_in_with(sam, sam.has_app())
        assert "nothing to do" in sam.get("/accounts/second-factor/").content.decode()


class TestPasskeyNonsense:
    """What no browser would send is an error in words, never a 500."""

    @pytest.mark.parametrize(
        "credential",
        ["", "{", "null", "[]", "{}", '"x"', "5", json.dumps({"id": "x", "response": {}}), "\0", "[" * 900 + "]" * 900],
        ids=lambda text: ascii(text[:20]),
    )
    def test_is_refused(self, sam: Person, credential: str) -> None:
        anonymous = Client()
        anonymous.get("/accounts/two-step/webauthn/login/", headers={"accept": "application/json"})
        assert anonymous.post("/accounts/two-step/webauthn/login/", {"credential": credential}).status_code < 500
        sam.sign_in()
        sam.get("/accounts/two-step/webauthn/add/")
        with nothing_changes():
            response = sam.post("/accounts/two-step/webauthn/add/", {"name": "x", "credential": credential})
        assert response.status_code == 200
        assert not sam.has_second_factor()
