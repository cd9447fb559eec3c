"""Accounts of staff: made by the operator alone, who hands over a link and never a password."""

from __future__ import annotations

from allauth.account.forms import default_token_generator
from allauth.account.models import EmailAddress
from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.urls import reverse

from accounts.models import User
from freehold.errors import Invalid, NotPermitted
from orgs import audit
from orgs.actors import Actor


@transaction.atomic
def create_staff(*, actor: Actor, email: str, admin: bool = False) -> tuple[User, bool]:
    """Make somebody staff, an ``admin`` or a reviewer; the user, and whether the account is new.

    The operator vouches for the address, so that it counts as verified where it is new. Raises ``Invalid`` for what is
    no address, and ``NotPermitted`` for everybody but the operator.
    """
    if not actor.is_operator:
        raise NotPermitted("Only the operator makes staff.")
    email = _address(email)
    user, is_new = User.objects.get_or_create(email=email, defaults={"password": "!"})
    if is_new:
        EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
    before = {"is_staff": user.is_staff, "is_superuser": user.is_superuser}
    user.is_staff, user.is_superuser = True, admin
    user.save(update_fields=["is_staff", "is_superuser"])
    audit.record(actor, "staff.created", email, before=before, after={"is_staff": True, "is_superuser": admin})
    return user, is_new


def set_up_link(user: User) -> str:
    """Where the user chooses a password: it works once, for ``PASSWORD_RESET_TIMEOUT`` seconds."""
    place = {"uidb36": user_pk_to_url_str(user), "key": default_token_generator.make_token(user)}
    return settings.FREEHOLD_URL + reverse("account_reset_password_from_key", kwargs=place)


def _address(email: str) -> str:
    email = email.strip().lower()
    try:
        validate_email(email)
    except ValidationError as error:
        raise Invalid(f"{email!r} is no e-mail address.") from error
    return email
