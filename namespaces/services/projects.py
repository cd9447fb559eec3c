"""The mirror of the index's projects, one at a time; many come by ``namespaces.services.imports``."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from namespaces.models import Project


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
