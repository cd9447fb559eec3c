"""The mirror of the index's projects, one at a time; many come by ``namespaces.services.imports``."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from namespaces.former_names import present_owner
from namespaces.models import Project
from namespaces.services.looks import look_later_for
from orgs.actors import Actor
from orgs.models import Organization


@transaction.atomic
def put_project(*, name: str, owner: str | None = None, first_uploaded: datetime | None = None) -> tuple[Project, bool]:
    """Make the mirror's entry so, and say whether it is new. None leaves what is known.

    A new project without a time was first uploaded now. Nothing is written where nothing changes. An organization that
    is named as it was called before is written as it is called now.
    """
    owner = None if owner is None else present_owner(owner)
    project, created = Project.objects.select_for_update().get_or_create(
        name=name, defaults={"owner": owner or "", "first_uploaded": first_uploaded or timezone.now()}
    )
    wanted = (
        project.owner if owner is None else owner,
        project.first_uploaded if first_uploaded is None else first_uploaded,
    )
    is_anothers = project.owner != wanted[0]
    if (project.owner, project.first_uploaded) != wanted:
        project.owner, project.first_uploaded = wanted
        project.save(update_fields=["owner", "first_uploaded"])
    if owner and (created or is_anothers):
        look_later_for(owner)
    return project, created


def delete_project(*, name: str) -> bool:
    """Take a project out of the mirror; whether it was there. Uploaded again, it is a new one."""
    deleted, _ = Project.objects.filter(name=name).delete()
    return deleted > 0


def follow_renaming(actor: Actor, organization: Organization, former: str) -> None:
    """An organization's projects go with it to its new name. For ``orgs.hooks``, in the transaction of the renaming."""
    Project.objects.filter(owner=former).update(owner=organization.name)
