"""Staff decides nothing about money of an organization that they are in themselves: a colleague does."""

from __future__ import annotations

from django.utils.translation import gettext as _

from orgs.actors import ALLOWED, Actor, Verdict
from orgs.models import Organization


def is_impartial(actor: Actor, organization: Organization) -> Verdict:
    """Whether this person of the staff has no part in the organization. As at the review desk (DESIGN section 8).

    For a list, prefetch the person's ``memberships``.
    """
    own = actor.user.memberships.all() if actor.user is not None else ()
    if all(membership.organization_id != organization.pk for membership in own):
        return ALLOWED
    name = organization.display_name
    return Verdict(
        False, _("You are in %(organization)s yourself; somebody else decides this.") % {"organization": name}
    )
