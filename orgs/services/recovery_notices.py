"""Who is told what of a recovery: owners and managers, who can stop it or say who can; staff; and who asked for it."""

from __future__ import annotations

from accounts.models import User
from orgs.models import Recovery
from orgs.services.notices import people, site_url, tell
from orgs.vocabulary import Role


def begun(recovery: Recovery) -> None:
    """The waiting period runs."""
    _tell_of_it(recovery, is_reminder=False)
    url = site_url("recovery", recovery.organization.name)
    tell([recovery.user], recovery.organization, "recovery_requester", recovery=recovery, url=url)


def reminder(recovery: Recovery) -> None:
    """It still runs."""
    _tell_of_it(recovery, is_reminder=True)


def ended(recovery: Recovery) -> None:
    """What came of it."""
    everybody = {user.pk: user for user in (*concerned(recovery), *staff(), recovery.user)}
    tell(everybody.values(), recovery.organization, "recovery_ended", recovery=recovery)


def concerned(recovery: Recovery) -> list[User]:
    """Without the requester, who may be a manager."""
    told = people(recovery.organization, role__in=[Role.OWNER, Role.MANAGER])
    return [user for user in told if user.pk != recovery.user_id]


def staff() -> list[User]:
    return list(User.objects.filter(is_staff=True, is_active=True).order_by("pk"))


def _tell_of_it(recovery: Recovery, *, is_reminder: bool) -> None:
    organization, url = recovery.organization, site_url("review-recoveries")
    tell(concerned(recovery), organization, "recovery_notice", recovery=recovery, is_reminder=is_reminder)
    tell(staff(), organization, "recovery_staff", recovery=recovery, is_reminder=is_reminder, url=url)
