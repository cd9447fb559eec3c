"""What organizations have to say about their members' sign-in, and what the audit trail keeps of it.

``accounts`` knows nothing of organizations; it asks and tells whoever entered themselves in ``accounts.guards``.
"""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext

from accounts.models import User
from orgs import audit
from orgs.actors import Actor
from orgs.models import Organization
from orgs.vocabulary import State


def why_second_factor(user: User) -> str:
    """Why an organization needs the user to keep a second factor, in one sentence, or nothing."""
    requiring = Organization.objects.filter(memberships__user=user, requires_second_factor=True)
    names = list(requiring.exclude(state=State.CLOSED).order_by("name").values_list("display_name", flat=True)[:3])
    if not names:
        return ""
    return gettext("%(names)s: two-step verification is required of all members.") % {"names": ", ".join(names)}


def record_security_event(user: User, action: str, facts: dict[str, Any]) -> None:
    """Into the trail, under no organization: how somebody signs in is not their organizations' business."""
    audit.record(Actor.person(user), action, f"account {user.email}", after=facts)
