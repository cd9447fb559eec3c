"""The yearly renewal of community projects, from signals alone (DESIGN section 8).

Long before the year is over the forges are asked and the criteria looked at again. Where they are met nobody hears of
it. Where not, the owners are told what is missing, twice; they keep everything meanwhile. If it is still missing in the
end, a person looks: nothing is ever lost by itself.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from accounts.preferences import mail_people
from accounts.topics import Topic
from freehold.errors import NotPermitted
from namespaces.cases import OPEN, CaseKind, CaseState, EntryKind, Moment, Party
from namespaces.community_facts import gather_application
from namespaces.hooks import priority
from namespaces.models import Case, Verification
from namespaces.policy.community import evaluate_application
from namespaces.policy.evaluation import Criterion, Result
from namespaces.services.application_effects import VERIFIED_FOR
from namespaces.services.casework import enter
from namespaces.services.claims import look
from namespaces.services.forge_signals import FRESH, ask_forges
from namespaces.services.locks import lock_organizations
from orgs import audit
from orgs.actors import Actor
from orgs.models import Organization
from orgs.services.notices import people, site_url
from orgs.vocabulary import Kind, Role, State

logger = logging.getLogger(__name__)

NOTICE = timedelta(days=60)
"""So long before the end is it first looked at, and are its owners told what is missing."""
LAST_NOTICE = timedelta(days=14)
AGAIN = timedelta(hours=20)
"""Between two looks at one that is not renewed yet: about a day."""
REOPENED = timedelta(days=90)
"""A case that was opened for a renewal and not decided is not opened anew for so long."""
MOST = 200
RUN_SECONDS = 45.0


def renew_due() -> int:
    """Look at those that are due, the most urgent first; how many were looked at. One that fails stops no other."""
    end, done = time.monotonic() + RUN_SECONDS, 0
    for pk in due_verifications():
        if time.monotonic() > end:
            break
        try:
            verification = Verification.objects.select_related("organization").get(pk=pk)
            renew(actor=Actor.worker(), organization=verification.organization)
            done += 1
        except Exception:
            logger.exception("Verification %s could not be renewed", pk)
    return done


def due_verifications() -> Sequence[int]:
    now = timezone.now()
    unseen = Q(checked_at__isnull=True) | Q(checked_at__lte=now - AGAIN) | Q(checked_at__lt=F("renew_at") - NOTICE)
    found = _current().filter(unseen, renew_at__lte=now + NOTICE)
    return list(found.order_by("renew_at", "pk").values_list("pk", flat=True)[:MOST])


def _current() -> QuerySet[Verification]:
    return Verification.objects.filter(organization__kind=Kind.COMMUNITY, organization__state=State.ACTIVE)


def renew(*, actor: Actor, organization: Organization) -> Verification | None:
    """Renew it if it is due and the signals suffice, else say what is missing; at the end, have a person look.

    None where there is nothing to renew.
    """
    if not actor.is_operator:
        raise NotPermitted("A community project is renewed by itself, from what its code forge says.")
    due = _current().filter(organization=organization, renew_at__lte=timezone.now() + NOTICE)
    if not due.exists():
        return None
    ask_forges(organization=organization, age=FRESH)
    return _renew(actor, organization)


@transaction.atomic
def _renew(actor: Actor, organization: Organization) -> Verification | None:
    organization = lock_organizations(organization.pk)[organization.pk]
    verification = _current().select_for_update(of=("self",)).filter(organization=organization).first()
    now = timezone.now()
    if verification is None or verification.renew_at > now + NOTICE:
        return None
    missing = what_is_missing(verification, organization)
    verification.checked_at = now
    if not missing:
        _extend(actor, verification, organization)
    elif verification.renew_at <= now:
        _have_looked_at(actor, verification, organization)
    elif _is_to_be_told(verification, now):
        _warn(actor, verification, organization, missing)
    verification.save()
    return verification


def what_is_missing(verification: Verification, organization: Organization) -> list[Criterion]:
    """The criteria not met now, but for those that were not met either when a reviewer approved it all the same."""
    inputs = gather_application(organization, Kind.COMMUNITY)
    found = evaluate_application(inputs, settings.FREEHOLD_COMMUNITY_POLICY)
    accepted = accepted_criteria(verification)
    return [criterion for criterion in found.open_criteria if criterion.key.value not in accepted]


def accepted_criteria(verification: Verification) -> frozenset[str]:
    """What the approval that is in force overlooked."""
    case = verification.case
    decision = case.decisions.filter(state="effective").select_related("evaluation").first() if case else None
    told = decision.evaluation.result if decision and decision.evaluation else {}
    criteria = told.get("criteria", [])
    return frozenset(criterion["key"] for criterion in criteria if criterion["result"] != Result.PASS)


def _extend(actor: Actor, verification: Verification, organization: Organization) -> None:
    """For a year from the end of the last one, or from now where that is over."""
    before = verification.renew_at
    verification.renew_at = max(before, timezone.now()) + VERIFIED_FOR
    verification.warned_at = None
    _record(actor, "community.renewed", organization, before, verification.renew_at)


def _is_to_be_told(verification: Verification, now: datetime) -> bool:
    """Once when it is first seen, and once more shortly before the end."""
    last = verification.renew_at - LAST_NOTICE
    return verification.warned_at is None or (now >= last > verification.warned_at)


def _warn(actor: Actor, verification: Verification, organization: Organization, missing: list[Criterion]) -> None:
    is_second = verification.warned_at is not None
    verification.warned_at = timezone.now()
    mail_people(
        people(organization, role=Role.OWNER),
        topic=Topic.QUESTIONS,
        template="community_renewal",
        context={
            "organization": organization,
            "missing": missing,
            "renew_at": verification.renew_at,
            "url": site_url("organization-community", organization.name),
        },
        key=f"community-renewal:{verification.pk}:{_day(verification.renew_at)}:{1 + is_second}",
    )
    audit.record(
        actor,
        "community.warned",
        f"organization {organization.name}",
        organization=organization.name,
        after={"missing": [criterion.key.value for criterion in missing], "until": _day(verification.renew_at)},
    )


def _have_looked_at(actor: Actor, verification: Verification, organization: Organization) -> None:
    """Open a case for the desk, once. What the organization is and holds stays as it is until somebody decides."""
    applications = Case.objects.filter(organization=organization, kind=CaseKind.APPLICATION)
    lately = Q(filed_at__gte=timezone.now() - REOPENED)
    refused = Q(state=CaseState.REFUSED, filed_at__gte=verification.renew_at)
    if applications.filter(Q(state__in=OPEN) | lately | refused).exists():
        return
    case = Case.objects.create(
        kind=CaseKind.APPLICATION,
        organization=organization,
        wanted_kind=Kind.COMMUNITY,
        priority=priority(organization),
    )
    text = "The year for which it was verified is over, and the signals alone do not suffice to renew it."
    enter(actor, case, EntryKind.FILED, Party.MACHINE, text)
    look(case, Moment.RENEWED)


def _record(actor: Actor, action: str, organization: Organization, before: datetime, after: datetime) -> None:
    audit.record(
        actor,
        action,
        f"organization {organization.name}",
        organization=organization.name,
        before={"until": _day(before)},
        after={"until": _day(after)},
    )


def _day(instant: datetime) -> str:
    return instant.date().isoformat()
