"""The operator makes staff, and nobody else does."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from accounts.models import User
from freehold.errors import NotPermitted
from orgs.actors import Actor
from orgs.models import AuditEvent
from orgs.services.staff_accounts import create_staff
from tests import factories
from tests.dump import nothing_changes
from tests.people import OUTSIDERS, acting_as

pytestmark = pytest.mark.django_db

NEW = "rita@example.com"


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("create_staff", *arguments, stdout=out)
    return out.getvalue()


def test_a_new_one_gets_a_link_and_no_password() -> None:
    printed = run("--email", "Rita@Example.com")
    user = User.objects.get(email=NEW)
    assert (user.is_staff, user.is_superuser, user.has_usable_password()) == (True, False, False)
    path = printed.strip().splitlines()[-1].partition("://")[2].partition("/")[2]
    client = Client()
    form = client.get(f"/{path}", follow=True)
    assert b"Choose a new password" in form.content
    client.post(form.redirect_chain[-1][0], {"password1": "seven green bottles", "password2": "seven green bottles"})
    client.post("/accounts/login/", {"login": NEW, "password": "seven green bottles"})
    assert client.session["_auth_user_id"] == str(user.pk)
    assert b"no longer works" in Client().get(f"/{path}").content


def test_one_who_has_an_account_keeps_it() -> None:
    user = factories.user("rita")
    assert run("--email", user.email, "--admin") == f"{user.email} is staff.\n"
    user.refresh_from_db()
    assert (user.is_staff, user.is_superuser) == (True, True)
    event = AuditEvent.objects.get(action="staff.created")
    assert (event.before, event.after) == (
        {"is_staff": False, "is_superuser": False},
        {"is_staff": True, "is_superuser": True},
    )


def test_what_is_no_address_is_refused() -> None:
    with nothing_changes(), pytest.raises(CommandError, match="is no e-mail address"):
        run("--email", "rita")


@pytest.mark.parametrize("who", OUTSIDERS)
def test_nobody_else_may(who: str) -> None:
    actor = acting_as(who, factories.organization())
    with nothing_changes(), pytest.raises(NotPermitted):
        create_staff(actor=actor, email=NEW)


def test_not_even_staff() -> None:
    actor = Actor.person(factories.user(is_staff=True, is_superuser=True))
    with nothing_changes(), pytest.raises(NotPermitted):
        create_staff(actor=actor, email=NEW)
