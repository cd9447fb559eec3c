"""Proofs of an organization: made, renewed, taken away; and the codes that prove an e-mail domain."""

from __future__ import annotations

import hmac
import secrets
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from freehold.errors import DomainError, Invalid, NotFound
from orgs import audit, names
from orgs.actors import ALLOWED, Actor, Verdict, may
from orgs.models import AuditEvent, Organization, Proof
from orgs.proofs import schedule, subjects
from orgs.proofs.observations import Medium, found
from orgs.services import proof_notices
from orgs.services.organizations import NotNow, demand_owner, locked_organization
from orgs.services.proof_checks import TooSoon, judged, locked
from orgs.vocabulary import Permission, ProofKind, ProofState, State

MOST_PROOFS = 30
CODE_SECONDS = 60  # between two codes to one mailbox
CODE_LIFETIME = timedelta(days=1)
CODES_PER_DAY = 10  # of one organization
_CODE_LETTERS = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"  # none that passes for another
_CODE_LENGTH = 10  # so many that guesses need no counting


class AlreadyAdded(DomainError):
    code = "proof-already-added"


class TooManyProofs(DomainError):
    code = "too-many-proofs"


class NoSuchSponsor(NotFound):
    code = "no-such-sponsor"


class WrongCode(Invalid):
    code = "wrong-code"


def can_change_proofs(organization: Organization, actor: Actor) -> Verdict:
    """Owners add, renew and remove proofs; all members see them."""
    return may(actor, Permission.MANAGE_PEOPLE, organization)


@transaction.atomic
def add_proof(*, actor: Actor, organization: Organization, kind: ProofKind, subject: str) -> Proof:
    """Begin to prove something. ``subject`` as somebody typed it: a domain, for an e-mail domain an address at it, the
    page of an account on a forge, a prefix of project names, the name of a sponsor.
    """
    organization = locked_organization(organization)
    demand_owner(actor, organization)
    if organization.proofs.count() >= MOST_PROOFS:
        raise TooManyProofs(f"{organization.name} has {MOST_PROOFS} proofs; remove one that is not needed first.")
    proof = _begun(organization, kind, subject)
    try:
        with transaction.atomic():
            proof.save(force_insert=True)
    except IntegrityError as error:
        raise AlreadyAdded(f"There is a proof of {proof.subject} of this kind already; go on with that one.") from error
    _record(actor, "proof.added", proof, after={"kind": proof.kind, "subject": proof.subject})
    _ask(actor, proof)
    return proof


def _begun(organization: Organization, kind: ProofKind, typed: str) -> Proof:
    mailbox = ""
    if kind is ProofKind.EMAIL_DOMAIN:
        mailbox, subject = subjects.mailbox(typed)
        _demand_codes_left(organization)
    else:
        subject = _subject(organization, kind, typed)
    now = timezone.now()
    proof = Proof(organization=organization, kind=kind, subject=subject, mailbox=mailbox, challenge=_challenge(kind))
    proof.challenged_at = now
    proof.next_check_at = _first_check(kind)
    return proof


def _subject(organization: Organization, kind: ProofKind, typed: str) -> str:
    match kind:
        case ProofKind.DNS | ProofKind.HTTPS:
            return subjects.domain(typed)
        case ProofKind.FORGE:
            return subjects.forge(typed)
        case ProofKind.PROJECTS:
            return _prefix(typed)
        case _:
            return _sponsor(organization, typed).name


def _prefix(typed: str) -> str:
    try:
        return names.normalize(typed.strip())
    except names.InvalidName as error:
        raise Invalid(str(error)) from error


def _sponsor(organization: Organization, typed: str) -> Organization:
    name = typed.strip().lower().replace("\x00", "")
    sponsor = Organization.objects.filter(names__name=name, is_sponsor=True, state=State.ACTIVE).first()
    if sponsor is None:
        raise NoSuchSponsor("There is no recognized fiscal sponsor of this name; choose one of the list.")
    if sponsor.pk == organization.pk:
        raise Invalid("An organization can't vouch for itself; choose another sponsor.")
    return sponsor


def _challenge(kind: ProofKind) -> str:
    """What is copied is long; what is typed is short, and few may be tried."""
    if kind is ProofKind.EMAIL_DOMAIN:
        return "".join(secrets.choice(_CODE_LETTERS) for _ in range(_CODE_LENGTH))
    return secrets.token_hex(16)


def _first_check(kind: ProofKind) -> Any:
    now = timezone.now()
    return schedule.next_check(kind, ProofState.PENDING, now=now, asked_at=now, chance=0.5)


def _ask(actor: Actor, proof: Proof) -> None:
    """Ask whoever has to answer by mail."""
    if proof.kind == ProofKind.EMAIL_DOMAIN:
        _mail_code(actor, proof)
    elif proof.kind == ProofKind.VOUCH:
        proof_notices.vouch_requested(proof)


def _mail_code(actor: Actor, proof: Proof) -> None:
    _record(actor, "proof.code_mailed", proof, after={"mailbox": proof.mailbox})
    proof_notices.code(proof)


@transaction.atomic
def remove_proof(*, actor: Actor, proof: Proof) -> None:
    """Take it away, with what it proved."""
    proof = locked(proof)
    demand_owner(actor, proof.organization)
    _record(actor, "proof.removed", proof, before={"kind": proof.kind, "state": proof.state})
    proof.delete()


@transaction.atomic
def renew_challenge(*, actor: Actor, proof: Proof) -> Proof:
    """A new value to publish, or a new code by mail; the old one counts no more."""
    proof = locked(proof)
    demand_owner(actor, proof.organization)
    if not (verdict := can_renew(proof, actor)):
        raise NotNow(verdict.reason)
    if proof.kind == ProofKind.EMAIL_DOMAIN:
        _demand_codes_left(proof.organization, proof)
    proof.challenge, proof.challenged_at = _challenge(ProofKind(proof.kind)), timezone.now()
    proof.seen, proof.next_check_at = {}, _first_check(ProofKind(proof.kind))
    proof.save(update_fields=["challenge", "challenged_at", "seen", "next_check_at"])
    _record(actor, "proof.challenge_renewed", proof)
    if proof.kind == ProofKind.EMAIL_DOMAIN:
        _mail_code(actor, proof)
    return proof


def can_renew(proof: Proof, actor: Actor) -> Verdict:
    """A value that counts stays, or publishing the new one would be a race; a mailbox can be confirmed again."""
    if not (verdict := can_change_proofs(proof.organization, actor)):
        return verdict
    if proof.kind == ProofKind.EMAIL_DOMAIN:
        return ALLOWED
    if proof.kind in {ProofKind.PROJECTS, ProofKind.VOUCH}:
        return Verdict(False, "This kind of proof has nothing to publish, so there is no value to renew.")
    if proof.state in {ProofState.VERIFIED, ProofState.FAILING}:
        return Verdict(False, "The value counts, so it stays. To use another one, remove the proof and add it anew.")
    return ALLOWED


def _demand_codes_left(organization: Organization, proof: Proof | None = None) -> None:
    """Nobody's mailbox is to be filled."""
    now = timezone.now()
    if proof is not None and now - proof.challenged_at < timedelta(seconds=CODE_SECONDS):
        raise TooSoon(f"A code was mailed just now; wait {CODE_SECONDS} seconds before you ask for another.")
    mailed = AuditEvent.objects.filter(
        organization=organization.name, action="proof.code_mailed", at__gt=now - timedelta(days=1)
    )
    if mailed.count() >= CODES_PER_DAY:
        raise TooSoon(f"{CODES_PER_DAY} codes were mailed for {organization.name} today; go on tomorrow.")


@transaction.atomic
def confirm_mailbox(*, actor: Actor, proof: Proof, code: str) -> Proof:
    """Prove the e-mail domain by the code that was mailed there. A wrong one changes nothing."""
    proof = locked(proof)
    demand_owner(actor, proof.organization)
    if proof.kind != ProofKind.EMAIL_DOMAIN:
        raise NotNow("Only an e-mail domain is proved by a code.")
    if timezone.now() - proof.challenged_at > CODE_LIFETIME:
        raise NotNow("The code has expired; ask for a new one.")
    typed = "".join(character for character in code.upper() if character.isalnum())
    if not hmac.compare_digest(typed.encode(), proof.challenge.encode()):
        raise WrongCode("That is not the code in our last mail; look at it again, or ask for a new one.")
    proof.registration, proof.flag = {}, ""  # whoever reads the mail there now is who is meant
    judged(actor, proof, found(Medium.CODE, proof.mailbox, ""))
    return proof


def _record(actor: Actor, action: str, proof: Proof, **change: Any) -> None:
    audit.record(
        actor, action, f"proof {proof.kind} {proof.subject}"[:300], organization=proof.organization.name, **change
    )
