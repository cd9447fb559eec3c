"""Looking at proofs, by a button or on schedule.

The look goes out and takes seconds, so it happens outside of every transaction. Then the proof is locked and read anew:
what was seen counts only if it is still what was looked for.
"""

from __future__ import annotations

import random
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from freehold.errors import DomainError, NotPermitted
from freehold.outgoing import rdap
from freehold.outgoing.errors import OutgoingError
from orgs import audit, hooks
from orgs.actors import Actor
from orgs.models import Organization, Proof
from orgs.proofs import checks, flags, judging, observations, registry, schedule
from orgs.proofs.flags import Flag
from orgs.proofs.judging import Notice, Record
from orgs.proofs.observations import Hint, Medium, Observation
from orgs.services import proof_notices
from orgs.services.organizations import NotNow, demand_owner
from orgs.vocabulary import ProofKind, ProofState, State

PAUSE = timedelta(seconds=5)
RETRY = timedelta(minutes=15)  # after a sweep that died with a proof in its hands
_REGISTERED = (ProofKind.DNS, ProofKind.HTTPS, ProofKind.EMAIL_DOMAIN)
_RECORD = ("state", "verified_at", "failing_since", "warned_at", "missing_days", "missed_on")


class TooSoon(DomainError):
    code = "too-soon"
    status = 429


def check_proof_now(*, actor: Actor, proof: Proof) -> Observation:
    """Look at once and say what was seen. At most once in five seconds for each proof."""
    demand_owner(actor, proof.organization)
    if proof.kind == ProofKind.EMAIL_DOMAIN:
        raise NotNow("Nobody can look into a mailbox: enter the code from our mail.")
    challenge = claim(proof)
    seen = look(proof)
    if not _take_in(actor, proof, challenge, seen):
        raise NotNow("The value was renewed while we looked for the old one; check again.")
    if settings.FREEHOLD_RDAP_URL:
        _ask_registry_once(actor, Proof.objects.select_related("organization").get(pk=proof.pk))
    return seen


def _ask_registry_once(actor: Actor, proof: Proof) -> None:
    """As soon as it is proved: how old a domain is counts in what it is proved for."""
    if proof.state == ProofState.VERIFIED and not proof.registration:
        note_registration(actor=actor, proof=proof)


def recheck_proof(*, actor: Actor, proof: Proof) -> bool:
    """Look again if it is due and in nobody's hands; whether it was looked at."""
    now = timezone.now()
    if proof.organization.state == State.CLOSED:
        return False
    # By columns of the row alone: of two that update it at once, the second then judges it anew.
    if not Proof.objects.filter(pk=proof.pk, next_check_at__lte=now).update(next_check_at=now + RETRY, tried_at=now):
        return False
    proof = Proof.objects.select_related("organization").get(pk=proof.pk)
    if not _take_in(actor, proof, proof.challenge, look(proof)):
        return False
    _ask_registry_once(actor, proof)
    return True


def claim(proof: Proof) -> str:
    """Be the only one who looks now; the challenge to look for. Raises ``TooSoon``."""
    now = timezone.now()
    free = Q(tried_at__isnull=True) | Q(tried_at__lte=now - PAUSE)
    if not Proof.objects.filter(free, pk=proof.pk).update(tried_at=now):
        raise TooSoon(f"We looked just now; wait {PAUSE.seconds} seconds before you check again.")
    proof.refresh_from_db()
    return proof.challenge


def look(proof: Proof) -> Observation:
    """What is to be seen now. Never called while a row is locked."""
    match ProofKind(proof.kind):
        case ProofKind.DNS | ProofKind.HTTPS as kind:
            return checks.check_domain(kind, proof.subject, proof.challenge)
        case ProofKind.FORGE:
            return checks.check_forge(proof.subject, proof.challenge, proof.registration.get("owner_id"))
        case ProofKind.PROJECTS:
            return registry.check_projects(proof.organization, proof.subject)
        case ProofKind.VOUCH:
            return look_at_vouch(proof)
        case ProofKind.EMAIL_DOMAIN:
            return observations.unchecked(Medium.CODE, proof.mailbox, "", "Nobody can look into a mailbox.")


def look_at_vouch(proof: Proof) -> Observation:
    """Whether the sponsor vouches, and may."""
    sponsor = Organization.objects.filter(names__name=proof.subject).first()
    if sponsor is None or not sponsor.is_sponsor or sponsor.state != State.ACTIVE:
        reason = f"{proof.subject} is no recognized sponsor now."
    elif proof.vouched_at is None:
        reason = f"{sponsor.display_name} has not said that it vouches for {proof.organization.display_name}."
    else:
        vouched = observations.found(Medium.VOUCH, proof.subject, "")
        return observations.with_reason(vouched, f"{sponsor.display_name} vouches for it.")
    return observations.not_found(Medium.VOUCH, proof.subject, "", reason=reason)


@transaction.atomic
def _take_in(actor: Actor, proof: Proof, challenge: str, seen: Observation) -> bool:
    """Judge what was seen, unless something else is looked for by now; ``proof`` is then as it is stored."""
    fresh = Proof.objects.filter(pk=proof.pk, challenge=challenge).exclude(organization__state=State.CLOSED)
    stored = fresh.select_for_update(of=("self",)).select_related("organization").first()
    if stored is None:
        return False
    judged(actor, stored, seen)
    proof.refresh_from_db()
    return True


def locked(proof: Proof) -> Proof:
    """Read anew with its organization, and held until the transaction ends."""
    found = Proof.objects.select_for_update(of=("self",)).select_related("organization").filter(pk=proof.pk).first()
    if found is None:
        raise NotNow("The proof was removed meanwhile.")
    return found


def judged(actor: Actor, proof: Proof, seen: Observation) -> None:
    """Store what follows from the look, under the proof's lock, and tell whom it concerns."""
    now = timezone.now()
    before = Record(ProofState(proof.state), *(getattr(proof, name) for name in _RECORD[1:]))
    after, notice = judging.judge(before, seen.finding, now)
    for name in _RECORD:
        setattr(proof, name, getattr(after, name))
    proof.checked_at, proof.seen = now, seen.as_json()
    proof.next_check_at = schedule.next_check(
        ProofKind(proof.kind),
        after.state,
        now=now,
        asked_at=proof.challenged_at,
        chance=random.random(),  # noqa: S311 - it spreads work, and keeps no secret
    )
    if notice is Notice.VERIFIED:
        proof.registration, proof.flag = {}, ""
    _note_owner(proof, seen)
    _note_flag(proof, seen, notice)
    proof.save()
    if notice is not None:
        _record(actor, f"proof.{notice}", proof, before.state)
        proof_notices.judged(actor, proof, notice, seen)
    if notice is Notice.VERIFIED:
        _say_that_it_counts(actor, proof)


def _say_that_it_counts(actor: Actor, proof: Proof) -> None:
    for verified in hooks.on_proof_verified:
        verified(actor, proof)


def _note_owner(proof: Proof, seen: Observation) -> None:
    number = (seen.facts or {}).get("owner_id")
    if number is not None and seen.is_found:
        proof.registration = {**proof.registration, "owner_id": number}


def _note_flag(proof: Proof, seen: Observation, notice: Notice | None) -> None:
    if Hint.OWNER_CHANGED in seen.hints:
        proof.flag = Flag.OWNER_CHANGED
    elif notice is Notice.LOST:
        proof.flag = Flag.LOST


def note_registration(*, actor: Actor, proof: Proof) -> None:
    """Ask the registry about the domain, remember what it says, and flag what a person should look at."""
    if proof.kind not in _REGISTERED:
        return
    try:
        found = rdap.registration(proof.subject)
    except OutgoingError:  # what is not known flags nothing
        found = None
    told = {} if found is None else _as_json(asdict(found))
    _store_registration(actor, proof, told)


def _as_json(found: dict[str, Any]) -> dict[str, Any]:
    times = {name: found[name].isoformat() if found[name] else None for name in ("expires_at", "registered_at")}
    return {**times, "registrar": found["registrar"], "status": list(found["status"])}


@transaction.atomic
def _store_registration(actor: Actor, proof: Proof, told: dict[str, Any]) -> None:
    """What was said when it was verified stays beside what is said now, for a change is told from the two."""
    proof = locked(proof)
    now = timezone.now()
    is_news = "asked_at" not in proof.registration
    first = proof.registration.get("first") or told
    flag = flags.of_registration(first, told, now) if told else None
    before, proof.flag = proof.flag, flags.after_registration(proof.flag, flag) if told else proof.flag
    last = told or proof.registration.get("last", {})
    proof.registration = {**proof.registration, "first": first, "last": last, "asked_at": now.isoformat()}
    proof.save(update_fields=["registration", "flag"])
    if proof.flag and proof.flag != before:
        audit.record(
            actor,
            "proof.flagged",
            f"proof {proof.kind} {proof.subject}"[:300],
            organization=proof.organization.name,
            before={"flag": before},
            after={"flag": proof.flag},
        )
        proof_notices.flagged(proof)
    if is_news and not proof.flag:  # until now it did not count in everything
        for verified in hooks.on_proof_verified:
            verified(actor, proof)


@transaction.atomic
def dismiss_flag(*, actor: Actor, proof: Proof) -> None:
    """A person has looked: what the registry says now is what it is compared with from here on."""
    proof = locked(proof)
    if not actor.is_operator:
        raise NotPermitted("Only staff takes a flag away; write to those who run the index.")
    before, proof.flag = proof.flag, ""
    if last := proof.registration.get("last"):
        proof.registration = {**proof.registration, "first": last}
    proof.save(update_fields=["registration", "flag"])
    if before:
        _record(actor, "proof.flag_dismissed", proof, ProofState(proof.state))
        _say_that_it_counts(actor, proof)


def _record(actor: Actor, action: str, proof: Proof, before: ProofState) -> None:
    audit.record(
        actor,
        action,
        f"proof {proof.kind} {proof.subject}"[:300],
        organization=proof.organization.name,
        before={"state": before},
        after={"state": proof.state, "seen": proof.seen.get("found", []), "finding": proof.seen.get("finding")},
    )
