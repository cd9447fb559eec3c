"""What somebody says about himself."""

from __future__ import annotations

from django.utils.translation import gettext

from accounts.models import User
from freehold.errors import Invalid

NAME_LENGTH = 200


def rename(*, user: User, name: str) -> None:
    """Change the name that others see; without one they see the e-mail address."""
    name = " ".join(name.split())
    if len(name) > NAME_LENGTH or not name.isprintable():
        raise Invalid(gettext("A name has at most %(length)s printable characters.") % {"length": NAME_LENGTH})
    User.objects.filter(pk=user.pk).update(name=name)
    user.name = name
