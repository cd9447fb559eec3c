"""What authenticators hold is encrypted in the database, by a key that is not there."""

from __future__ import annotations

from io import StringIO

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.core.cache import cache
from django.core.management import call_command
from django.db import connection
from pytest_django.fixtures import Settings

from accounts import sealed
from tests.accounts.people import Person, code_of

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

AUTHENTICATE = "/accounts/two-step/authenticate/"


def stored() -> str:
    """Everything about authenticators, as the database has it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT string_agg(data::text, ' ') FROM mfa_authenticator")
        return str(cursor.fetchone()[0])


def in_clear(sam: Person) -> str:
    """As it was stored before it was encrypted; the app's secret."""
    secret = sam.has_app()
    for authenticator in Authenticator.objects.all():
        for field in sealed.FIELDS:
            if field in authenticator.data:
                authenticator.data[field] = sealed.unseal(authenticator.data[field])
        authenticator.save()
    assert secret in stored()
    return secret


def comes_in(sam: Person, code: str) -> bool:
    sam.client.logout()
    cache.clear()  # a code counts once
    sam.sign_in()
    sam.post(AUTHENTICATE, {"code": code})
    return "_auth_user_id" in sam.client.session


def test_neither_the_secret_nor_the_codes_are_in_the_database(sam: Person) -> None:
    secret = sam.has_app()
    codes = RecoveryCodes(Authenticator.objects.get(type="recovery_codes")).generate_codes()
    assert secret not in stored()
    assert stored().count(sealed.PREFIX) == 2
    assert comes_in(sam, code_of(secret))
    assert comes_in(sam, codes[0])


def test_an_app_is_set_up_on_the_page_and_sealed(sam: Person) -> None:
    sam.sign_in()
    sam.get("/accounts/two-step/totp/activate/")
    secret = sam.client.session["mfa.totp.secret"]
    sam.post("/accounts/two-step/totp/activate/", {"code": code_of(secret)})
    assert Authenticator.objects.filter(type="totp").exists()
    assert secret not in stored()


def test_what_was_in_clear_works_and_is_sealed_by_its_use(sam: Person) -> None:
    secret = in_clear(sam)
    assert comes_in(sam, code_of(secret))
    assert secret not in stored()
    assert stored().count(sealed.PREFIX) == 2
    assert comes_in(sam, code_of(secret))


def test_a_wrong_code_seals_nothing(sam: Person) -> None:
    secret = in_clear(sam)
    assert not comes_in(sam, "000000")
    assert secret in stored()


def test_a_key_can_be_changed(sam: Person, settings: Settings) -> None:
    secret = sam.has_app()
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "a new key of any length at all"
    before = stored()
    assert comes_in(sam, code_of(secret))
    assert stored() != before
    settings.SECRET_KEY_FALLBACKS = []
    assert comes_in(sam, code_of(secret))


def test_or_for_all_at_once(sam: Person, settings: Settings) -> None:
    in_clear(sam)
    Person("other@example.com").has_app()
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "a new key of any length at all"
    sam.has_passkey()
    for said in ("4 authenticators", "0 authenticators"):
        out = StringIO()
        call_command("seal_secrets", stdout=out)
        assert said in out.getvalue()
    settings.SECRET_KEY_FALLBACKS = []
    opened = [
        sealed.unseal(one.data[field])
        for one in Authenticator.objects.all()
        for field in sealed.FIELDS
        if field in one.data
    ]
    assert len(opened) == 4


def test_without_its_key_nothing_opens(sam: Person, settings: Settings) -> None:
    text = sealed.seal("secret")
    settings.SECRET_KEY = "another"
    with pytest.raises(sealed.Unopenable, match="not known any more"):
        sealed.unseal(text)


def test_the_same_secret_is_never_stored_alike() -> None:
    assert sealed.seal("secret") != sealed.seal("secret")
