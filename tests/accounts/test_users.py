"""People: one for each address, one for each name on the index."""

from __future__ import annotations

import pytest
from django.contrib.auth import authenticate
from django.core.management import call_command
from django.db import DataError, IntegrityError, transaction
from pytest_django.fixtures import Settings

from accounts.models import User
from tests import factories

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery staple"


@pytest.fixture(autouse=True)
def _cheap_passwords(settings: Settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


def create(email: str, **fields: str | None) -> User:
    return User.objects.create_user(email, PASSWORD, **fields)


class TestAddress:
    @pytest.mark.parametrize("again", ["sam@example.com", "SAM@example.com", "sam@EXAMPLE.com", "Sam@Example.Com"])
    def test_there_is_one_user_for_each_without_case(self, again: str) -> None:
        create("sam@example.com")
        with pytest.raises(IntegrityError, match=r"user_email_unique|email"), transaction.atomic():
            create(again)
        assert User.objects.count() == 1

    def test_the_database_sees_to_it_whatever_wrote_it(self) -> None:
        create("sam@example.com")
        other = create("other@example.com")
        with pytest.raises(IntegrityError, match="user_email_unique"), transaction.atomic():
            User.objects.filter(pk=other.pk).update(email="SAM@EXAMPLE.COM")

    def test_one_is_needed(self) -> None:
        with pytest.raises(ValueError, match="needs an e-mail address"):
            create("")

    def test_it_is_kept_in_lower_case(self) -> None:
        assert create("Sam.Spade@EXAMPLE.com").email == "sam.spade@example.com"


class TestSignIn:
    @pytest.mark.parametrize("written", ["Sam@example.com", "sam@example.com", "SAM@EXAMPLE.COM"])
    def test_with_the_address_in_any_case(self, written: str) -> None:
        sam = create("Sam@example.com")
        assert User.objects.get_by_natural_key(written) == sam
        assert authenticate(username=written, password=PASSWORD) == sam
        assert authenticate(username=written, password="wrong") is None

    @pytest.mark.parametrize("written", ["", "sa@example.com", "%@example.com", "s_m@example.com", None])
    def test_nobody_is_found_by_what_is_not_the_address(self, written: str | None) -> None:
        create("sam@example.com")
        with pytest.raises(User.DoesNotExist):
            User.objects.get_by_natural_key(written)

    @pytest.mark.parametrize("lookalike", ["\u017fam@example.com", "sam@example\u2024com"])
    def test_a_look_alike_is_another_person_and_locks_nobody_out(self, lookalike: str) -> None:
        """PostgreSQL's UPPER makes "S" of the long s: looked up by it, there would be two."""
        sam, other = create("sam@example.com"), create(lookalike)
        assert User.objects.get_by_natural_key("sam@example.com") == sam
        assert User.objects.get_by_natural_key(lookalike) == other

    def test_not_when_inactive(self) -> None:
        create("sam@example.com", is_active=False)  # type: ignore[arg-type]  # a flag among texts
        assert authenticate(username="sam@example.com", password=PASSWORD) is None

    def test_the_lookup_uses_the_index_of_the_constraint(self) -> None:
        assert "LOWER" in str(User.objects.with_email("sam@example.com").query)


class TestIndexUsername:
    @pytest.mark.parametrize("name", ["a", "sam", "sam-spade", "sam_spade", "sam.spade", "0", "a--b", "a" * 100])
    def test_what_one_looks_like(self, name: str) -> None:
        assert factories.user(name).index_username == name

    @pytest.mark.parametrize(
        "name",
        [
            "",
            "-",
            "Sam",
            "SAM",
            "-sam",
            "sam-",
            ".sam",
            "sam.",
            "sam spade",
            "sam\n",
            "s\u00e4m",
            "\u212aim",
            "user:sam",
        ],
        ids=ascii,
    )
    def test_and_what_not(self, name: str) -> None:
        sam = factories.user()
        with pytest.raises(IntegrityError, match="user_index_username_shape"), transaction.atomic():
            User.objects.filter(pk=sam.pk).update(index_username=name)

    def test_it_has_an_end(self) -> None:
        sam = factories.user()
        with pytest.raises(DataError), transaction.atomic():
            User.objects.filter(pk=sam.pk).update(index_username="a" * 101)

    def test_it_is_one_persons(self) -> None:
        factories.user("sam")
        other = factories.user()
        with pytest.raises(IntegrityError, match="user_index_username_unique"), transaction.atomic():
            User.objects.filter(pk=other.pk).update(index_username="sam")

    def test_many_have_none(self) -> None:
        assert [factories.user().index_username for _ in range(3)] == [None] * 3


class TestPrivileges:
    def test_an_ordinary_user_has_none(self) -> None:
        user = create("sam@example.com")
        assert (user.is_staff, user.is_superuser, user.is_active) == (False, False, True)

    def test_the_operator_makes_a_superuser(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
        call_command("createsuperuser", "--noinput", "--email", "root@example.com", verbosity=0)
        root = User.objects.get()
        assert (root.is_staff, root.is_superuser, root.check_password(PASSWORD)) == (True, True, True)

    def test_somebody_is_called_by_name_else_by_address(self) -> None:
        assert str(create("sam@example.com")) == "sam@example.com"
        assert str(create("other@example.com", name="Sam Spade")) == "Sam Spade"
