"""What the mirror of projects proves about an organization."""

from __future__ import annotations

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from namespaces.models import Project
from orgs.models import Organization
from orgs.proofs import observations
from orgs.proofs.observations import Medium, Observation

EXAMPLES = 5


def check_projects(organization: Organization, prefix: str) -> Observation:
    """Whether the index says that the organization owns enough projects under the prefix."""
    wanted = settings.FREEHOLD_PROOF_PROJECTS
    owned = Project.objects.under(prefix).filter(owner=organization.name)
    count = owned.count()
    reason = _in_words(organization, prefix, count)
    if count >= wanted:
        found = observations.found(Medium.PROJECTS, prefix, "", count=count)
        return observations.with_reason(found, reason)
    examples = list(owned.values_list("name", flat=True)[:EXAMPLES])
    needed = _("%(count)d are needed.") % {"count": wanted}
    return observations.not_found(Medium.PROJECTS, prefix, "", values=examples, reason=f"{reason} {needed}")


def _in_words(organization: Organization, prefix: str, count: int) -> str:
    words = {"name": organization.name, "prefix": prefix, "count": count}
    if count == 0:
        return _("On the index, %(name)s owns no project under “%(prefix)s”.") % words
    return (
        ngettext(
            "On the index, %(name)s owns %(count)d project under “%(prefix)s”.",
            "On the index, %(name)s owns %(count)d projects under “%(prefix)s”.",
            count,
        )
        % words
    )
