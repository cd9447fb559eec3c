"""The mirror of the index's projects, one at a time; many come by ``namespaces.services.imports``."""

from __future__ import annotations

import re
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from freehold.errors import Invalid
from namespaces import names
from namespaces.models import USER_PREFIX, Project

_USER = re.compile(r"user:[!-~]+")
OWNER_MAX_LENGTH = 120


def parse_owner(text: str) -> str:
    """The owner as it is stored: an organization's normalized name, or ``user:NAME``; raises ``Invalid``."""
    if not text:
        return ""
    if len(text) > OWNER_MAX_LENGTH:
        raise Invalid(f"An owner has at most {OWNER_MAX_LENGTH} characters.")
    return _user(text) if text.startswith(USER_PREFIX) else _organization(text)


def _user(text: str) -> str:
    if _USER.fullmatch(text) is None:
        raise Invalid("After 'user:' comes the user's name, in printable ASCII characters without spaces.")
    return text


def _organization(text: str) -> str:
    try:
        return names.normalize(text)
    except names.InvalidName as error:
        raise Invalid(f"{text!a} is no owner: give an organization's name, or 'user:' and a user's name.") from error


@transaction.atomic
def put_project(*, name: str, owner: str | None = None, first_uploaded: datetime | None = None) -> tuple[Project, bool]:
    """Make the mirror's entry so, and say whether it is new. None leaves what is known.

    A new project without a time was first uploaded now. Nothing is written where nothing changes.
    """
    project, created = Project.objects.select_for_update().get_or_create(
        name=name, defaults={"owner": owner or "", "first_uploaded": first_uploaded or timezone.now()}
    )
    wanted = (
        project.owner if owner is None else owner,
        project.first_uploaded if first_uploaded is None else first_uploaded,
    )
    if (project.owner, project.first_uploaded) != wanted:
        project.owner, project.first_uploaded = wanted
        project.save(update_fields=["owner", "first_uploaded"])
    return project, created


def delete_project(*, name: str) -> bool:
    """Take a project out of the mirror; whether it was there. Uploaded again, it is a new one."""
    deleted, _ = Project.objects.filter(name=name).delete()
    return deleted > 0
