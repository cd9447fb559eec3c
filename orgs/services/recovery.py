"""Recovering an organization whose owners are gone (DESIGN section 7).

Somebody proves one of its verified domains anew. Then everybody concerned is told, three times, while a waiting period
runs in which any owner can oppose and staff can veto. In the end the proof is looked at again, and whoever gave it
becomes an owner beside those that there are: nobody is removed.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from freehold.errors import DomainError, Invalid, NotPermitted
from orgs import audit
from orgs.actors import ALLOWED, Actor, Verdict, role_of
from orgs.lifecycle import RecoveryAction, next_recovery_state
from orgs.models import Membership, Organization, Proof, Recovery
from orgs.proofs import records
from orgs.proofs.checks import check_domain
from orgs.proofs.observations import Observation
from orgs.services import recovery_notices
from orgs.services.organizations import NotNow, locked_organization
from orgs.vocabulary import ProofKind, ProofState, RecoveryState, Role, State

KINDS = (ProofKind.DNS, ProofKind.HTTPS)
"""By which a domain is proved. What else is proved can be had by others than the organization."""
REQUESTS, REQUESTS_WITHIN = 5, timedelta(days=1)
REMINDERS = (timedelta(days=7), timedelta(days=2))
"""How long before its end everybody is told again that the waiting period runs."""
PATIENCE = timedelta(days=14)
"""How long a proof is awaited: that of a request, and that of one whose time has come."""
REASON_LENGTH = 500


class TooManyRecoveries(DomainError):
    code = "too-many-recoveries"
    status = 429


@transaction.atomic
def request_recovery(*, actor: Actor, organization: Organization, domain: str) -> Recovery:
    """Ask to become an owner; nobody is told before the domain is proved."""
    organization = locked_organization(organization)
    if actor.user is None or not actor.user.is_active:
        raise NotPermitted("A recovery is requested by a person, who becomes an owner.")
    if not (verdict := can_request(organization, actor)):
        raise NotNow(verdict.reason)
    if domain not in recovery_domains(organization):
        raise Invalid(f"{domain!r} is no verified domain of {organization.name!r}.")
    recent = Recovery.objects.filter(user=actor.user, requested_at__gt=timezone.now() - REQUESTS_WITHIN)
    if recent.count() >= REQUESTS:
        raise TooManyRecoveries(f"You have asked for {REQUESTS} recoveries within a day; go on tomorrow.")
    try:
        with transaction.atomic():
            recovery = Recovery.objects.create(
                organization=organization, user=actor.user, domain=domain, challenge=secrets.token_hex(16)
            )
    except IntegrityError as error:
        raise NotNow("You have asked for this already; go on with that request.") from error
    _record(actor, "recovery.requested", recovery, after={"domain": domain})
    return recovery


def can_request(organization: Organization, actor: Actor) -> Verdict:
    """Whether there is something to recover, and by whom."""
    if organization.state not in {State.APPLIED, State.ACTIVE}:
        return Verdict(False, f"{organization.name!r} is {organization.state}; it can't be recovered now.")
    if role_of(actor, organization) is Role.OWNER:
        return Verdict(False, f"You are an owner of {organization.name!r} already.")
    if not recovery_domains(organization):
        return Verdict(
            False,
            f"{organization.name!r} has no verified domain, so nothing shows that it is yours: write to those who run "
            "the index.",
        )
    return ALLOWED


def recovery_domains(organization: Organization) -> list[str]:
    """The domains that are verified now, by name."""
    verified = organization.proofs.filter(kind__in=KINDS, state=ProofState.VERIFIED)
    return sorted(set(verified.values_list("subject", flat=True)))


def look(recovery: Recovery) -> Observation:
    """Look for the request's own challenge at its domain, by each kind that the organization proved it by.

    Goes out to the domain, so it is never called while a row is locked.
    """
    kinds = set(_proofs(recovery).values_list("kind", flat=True))
    seen = [check_domain(kind, recovery.domain, recovery.challenge) for kind in KINDS if kind in kinds]
    if not seen:
        raise NotNow(f"{recovery.domain!r} is no verified domain of the organization any more.")
    return next((one for one in seen if one.is_found), seen[0])


def _proofs(recovery: Recovery) -> QuerySet[Proof]:
    return Proof.objects.counting().filter(
        organization=recovery.organization_id, kind__in=KINDS, subject=recovery.domain
    )


@dataclass(frozen=True)
class Instructions:
    """What is to be published where, by each kind; empty for a kind by which the domain is not proved."""

    text: str
    record: str
    file: str


def instructions(recovery: Recovery) -> Instructions:
    kinds = set(_proofs(recovery).values_list("kind", flat=True))
    return Instructions(
        text=records.text_of(recovery.challenge),
        record=records.record_name(recovery.domain) if ProofKind.DNS in kinds else "",
        file=records.file_url(recovery.domain, settings.FREEHOLD_PROOF_PORT) if ProofKind.HTTPS in kinds else "",
    )


def prove_recovery(*, actor: Actor, recovery: Recovery) -> Observation:
    """Check whether the challenge is published; if so, the waiting period begins and everybody is told."""
    _demand_requester(recovery, actor)
    seen = look(recovery)
    if seen.is_found:
        _begin_waiting(actor, recovery)
    return seen


@transaction.atomic
def _begin_waiting(actor: Actor, recovery: Recovery) -> None:
    recovery = _locked(recovery)
    recovery.due_at = timezone.now() + settings.FREEHOLD_RECOVERY_WAIT
    _move(actor, recovery, RecoveryAction.PROVE, after={"due": recovery.due_at.isoformat()})
    recovery_notices.begun(recovery)
    _note_notice(recovery)


@transaction.atomic
def withdraw_recovery(*, actor: Actor, recovery: Recovery) -> None:
    """Take the request back."""
    recovery = _locked(recovery)
    _demand_requester(recovery, actor)
    was_public = recovery.state == RecoveryState.WAITING
    _move(actor, recovery, RecoveryAction.WITHDRAW)
    if was_public:
        recovery_notices.ended(recovery)


@transaction.atomic
def oppose_recovery(*, actor: Actor, recovery: Recovery) -> None:
    """Stop it, as an owner: the organization's owners are not gone."""
    recovery = _locked(recovery)
    if not (verdict := can_oppose(recovery, actor)):
        raise NotPermitted(verdict.reason)
    _move(actor, recovery, RecoveryAction.OPPOSE)
    recovery_notices.ended(recovery)


def can_oppose(recovery: Recovery, actor: Actor) -> Verdict:
    """Every owner, also one who lacks the second factor that the organization asks for: this takes nothing away."""
    if actor.token is None and role_of(actor, recovery.organization) is Role.OWNER:
        return ALLOWED
    return Verdict(False, f"Only an owner of {recovery.organization.name!r} opposes its recovery.")


@transaction.atomic
def veto_recovery(*, actor: Actor, recovery: Recovery, reason: str) -> None:
    """Stop it, as staff, who says why."""
    recovery = _locked(recovery)
    if not actor.is_operator:
        raise NotPermitted("Only staff vetoes a recovery.")
    reason = " ".join(reason.split())
    if not 1 <= len(reason) <= REASON_LENGTH or not reason.isprintable():
        raise Invalid(f"Say why, in at most {REASON_LENGTH} printable characters: everybody concerned is told.")
    recovery.reason = reason
    _move(actor, recovery, RecoveryAction.VETO, after={"reason": reason})
    recovery_notices.ended(recovery)


def grant_recovery(*, actor: Actor, recovery: Recovery) -> Membership:
    """Make the requester an owner, when the time has come and the proof is there still. For the scheduled job.

    A seat limit does not stop it: where all seats are taken there is one more from then on, and the trail says so.
    """
    if not actor.is_operator:
        raise NotPermitted("A recovery is granted by time, not by people.")
    if not (verdict := can_grant(recovery, timezone.now())):
        raise NotNow(verdict.reason)
    if not look(recovery).is_found:
        raise NotNow(f"The proof at {recovery.domain!r} is not there any more.")
    return _grant(actor, recovery)


@transaction.atomic
def _grant(actor: Actor, recovery: Recovery) -> Membership:
    recovery = _locked(recovery)
    if not (verdict := can_grant(recovery, timezone.now())):
        raise NotNow(verdict.reason)
    _move(actor, recovery, RecoveryAction.GRANT, after={"seats": _seat_for(recovery)})
    membership, _ = Membership.objects.update_or_create(
        organization=recovery.organization, user=recovery.user, defaults={"role": Role.OWNER}
    )
    recovery_notices.ended(recovery)
    return membership


def can_grant(recovery: Recovery, now: datetime) -> Verdict:
    """Whether it is due: the time is over, and everybody was told as often as they were to be, the last time long
    enough ago. Mail that was not sent for days must not cost an organization its owners."""
    if next_recovery_state(RecoveryState(recovery.state), RecoveryAction.GRANT) is None or recovery.due_at is None:
        return Verdict(False, f"The recovery is {recovery.state}; it can't be granted.")
    told = recovery.notices > len(REMINDERS) and recovery.noticed_at is not None
    earliest = max(recovery.due_at, recovery.noticed_at + REMINDERS[-1]) if told and recovery.noticed_at else None
    if earliest is None or now < earliest:
        return Verdict(False, "The waiting period is not over yet.")
    if recovery.organization.state not in {State.APPLIED, State.ACTIVE} or not recovery.user.is_active:
        return Verdict(False, f"{recovery.organization.name!r} can't be recovered by {recovery.user.email!r} now.")
    return ALLOWED


def _seat_for(recovery: Recovery) -> int | None:
    """A seat for the new owner, where there is a limit; how many there are then."""
    organization = recovery.organization
    memberships = organization.memberships
    is_in = memberships.filter(user=recovery.user).exists()
    if organization.seats is not None and not is_in and memberships.count() >= organization.seats:
        organization.seats = memberships.count() + 1
        organization.save(update_fields=["seats"])
    return organization.seats


@transaction.atomic
def remind_of_recovery(*, actor: Actor, recovery: Recovery) -> bool:
    """Tell everybody again, when it is time to; whether they were told. For the scheduled job."""
    if not actor.is_operator:
        raise NotPermitted("Reminders are sent by time, not by people.")
    recovery = _locked(recovery)
    if recovery.state != RecoveryState.WAITING or not is_reminder_due(recovery, timezone.now()):
        return False
    recovery_notices.reminder(recovery)
    _note_notice(recovery)
    _record(actor, "recovery.reminded", recovery, after={"notices": recovery.notices})
    return True


def is_reminder_due(recovery: Recovery, now: datetime) -> bool:
    done = recovery.notices - 1
    return recovery.due_at is not None and 0 <= done < len(REMINDERS) and now >= recovery.due_at - REMINDERS[done]


@transaction.atomic
def expire_recovery(*, actor: Actor, recovery: Recovery) -> bool:
    """End a request whose proof did not come, or was gone when its time had come; whether it ended. For the job."""
    if not actor.is_operator:
        raise NotPermitted("Requests expire by time, not by people.")
    recovery = _locked(recovery)
    since = max(filter(None, (recovery.requested_at, recovery.due_at, recovery.noticed_at)))
    if not recovery.is_open or timezone.now() < since + PATIENCE:
        return False
    was_public = recovery.state == RecoveryState.WAITING
    recovery.reason = "The proof was not there in time."
    _move(actor, recovery, RecoveryAction.WITHDRAW, after={"reason": recovery.reason})
    if was_public:
        recovery_notices.ended(recovery)
    return True


def _demand_requester(recovery: Recovery, actor: Actor) -> None:
    if actor.user is None or actor.user.pk != recovery.user_id:
        raise NotPermitted("Only who asked for a recovery goes on with it.")


def _locked(recovery: Recovery) -> Recovery:
    """Read anew, under the lock of its organization."""
    organization = locked_organization(recovery.organization)
    found = Recovery.objects.select_related("user").select_for_update(no_key=True, of=["self"]).get(pk=recovery.pk)
    found.organization = organization
    return found


def _move(actor: Actor, recovery: Recovery, action: RecoveryAction, *, after: dict[str, object] | None = None) -> None:
    """Apply the transition; the caller holds the locks and has seen to who may."""
    state = next_recovery_state(RecoveryState(recovery.state), action)
    if state is None:
        raise NotNow(f"That can't be done now; the recovery is in the state “{recovery.get_state_display()}”.")
    recovery.state = state
    recovery.ended_at = None if state == RecoveryState.WAITING else timezone.now()
    recovery.save()
    _record(actor, f"recovery.{state.value}", recovery, after={"domain": recovery.domain, **(after or {})})


def _note_notice(recovery: Recovery) -> None:
    recovery.notices += 1
    recovery.noticed_at = timezone.now()
    recovery.save(update_fields=["notices", "noticed_at"])


def _record(actor: Actor, action: str, recovery: Recovery, *, after: dict[str, object]) -> None:
    audit.record(
        actor,
        action,
        f"recovery by {recovery.user.email}",
        organization=recovery.organization.name,
        after=after,
    )
