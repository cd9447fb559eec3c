"""The name by which the index knows a user. It decides who may publish, so only the index itself ever sets it.

Two ways lead here: a sign-in by the index's OpenID Connect, and a one-time code that the user hands to the index, which
the index sends back with its service token.
"""

from __future__ import annotations

import hashlib
import re
import secrets

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext

from accounts.models import IndexCode, User
from freehold.errors import DomainError, Invalid

_USERNAME = re.compile(r"[a-z0-9]([a-z0-9._-]*[a-z0-9])?", re.ASCII)
_USERNAME_LENGTH = 100
_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # nothing that looks like something else
_GROUPS, _GROUP_LENGTH = 3, 4  # 60 bits


class IdentityTaken(DomainError):
    code = "identity-taken"


class CodeUnknown(DomainError):
    code = "code-unknown"
    status = 404


def clean_username(text: object) -> str:
    """A user name of the index in the form in which it is kept. Raises ``Invalid`` for what can't be one."""
    name = text.lower() if isinstance(text, str) and text.isascii() else ""
    if len(name) > _USERNAME_LENGTH or not _USERNAME.fullmatch(name):
        raise Invalid(
            gettext("A user name of the index has letters, digits, '.', '_' and '-', and begins and ends with neither.")
        )
    return name


@transaction.atomic
def link(*, user: User, username: str) -> str | None:
    """Give the user this name of the index, which vouches for it; the name before, if any.

    Raises ``Invalid``, and ``IdentityTaken`` when another user has the name: it is never moved by itself.
    """
    username = clean_username(username)
    before = User.objects.select_for_update().get(pk=user.pk).index_username
    try:
        with transaction.atomic():
            User.objects.filter(pk=user.pk).update(index_username=username)
    except IntegrityError as error:
        raise IdentityTaken(taken(username), username=username) from error
    user.index_username = username
    return before


def refuse_taken(*, user: User | None, username: str) -> None:
    """Raises ``IdentityTaken`` when somebody other than the user has the name."""
    owner = User.objects.filter(index_username=username).first()
    if owner not in (None, user):
        raise IdentityTaken(taken(username), username=username)


def taken(username: str) -> str:
    return gettext(
        "Another account here is linked to %(name)s already. Sign in to that account and remove the link there first."
    ) % {"name": username}


@transaction.atomic
def unlink(*, user: User) -> str | None:
    """Take the name away, and any sign-in through the index with it; the name, if there was one."""
    before = User.objects.select_for_update().get(pk=user.pk).index_username
    User.objects.filter(pk=user.pk).update(index_username=None)
    user.index_username = None
    return before


@transaction.atomic
def issue_code(*, user: User) -> str:
    """A new one-time code, in clear; the one before it is void. It lives for ``FREEHOLD_INDEX_CODE_TTL``."""
    groups = ("".join(secrets.choice(_ALPHABET) for _ in range(_GROUP_LENGTH)) for _ in range(_GROUPS))
    code = "-".join(groups)
    expires_at = timezone.now() + settings.FREEHOLD_INDEX_CODE_TTL
    IndexCode.objects.update_or_create(user=user, defaults={"digest": digest(code), "expires_at": expires_at})
    return code


@transaction.atomic
def redeem(*, code: str, username: str) -> tuple[User, str | None]:
    """The user whose code it was, now linked to the name, and the name before. The code is used up by success only.

    Raises ``CodeUnknown`` for a code that is unknown, expired or used; and what ``link`` raises.
    """
    username = clean_username(username)
    found = IndexCode.objects.select_for_update().filter(digest=digest(code), expires_at__gt=timezone.now()).first()
    if found is None or not found.user.is_active:
        raise CodeUnknown(gettext("The code is not known, or has expired. Ask for a new one."))
    before = link(user=found.user, username=username)
    found.delete()
    return found.user, before


def digest(code: str) -> bytes:
    """What is stored. Spaces, hyphens and case do not matter to a person who copies it."""
    return hashlib.sha256("".join(code.upper().replace("-", " ").split()).encode("utf-8", "surrogatepass")).digest()
