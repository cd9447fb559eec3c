"""What all cases have in common: their locks, their transitions, their conversation (DESIGN section 8)."""

from __future__ import annotations

import unicodedata
from typing import Any

from django.db import transaction
from django.utils import timezone

from freehold.errors import Invalid, NotPermitted
from namespaces.cases import (
    APPLICANT_ACTIONS,
    HOLDER_ACTIONS,
    REVIEWER_ACTIONS,
    CaseAction,
    CaseKind,
    CaseState,
    EntryKind,
    Party,
    actions,
    next_state,
)
from namespaces.errors import NotNow
from namespaces.hooks import on_dropped
from namespaces.models import Case, CaseEntry, Grant
from namespaces.models.cases import TEXT_LENGTH
from namespaces.services import case_notices
from namespaces.services.locks import lock_name, lock_organizations
from orgs import audit
from orgs.actors import ALLOWED, Actor, Verdict, may
from orgs.vocabulary import Permission

_ENDED = {CaseState.APPROVED, CaseState.REFUSED, CaseState.SETTLED, CaseState.WITHDRAWN, CaseState.EXPIRED}


# --- Who may do what now ----------------------------------------------------------------------------------------------


def can(action: CaseAction, case: Case, actor: Actor) -> Verdict:
    """Whether the actor may do this to the case now, with the reason when not."""
    return _permitted(action, case, actor) and _fits(action, case, actor)


def possible(case: Case, actor: Actor) -> list[CaseAction]:
    """All that the actor may do now: for pages, forms and POSTs alike."""
    return [action for action in actions(CaseState(case.state)) if can(action, case, actor)]


def parties_of(case: Case, actor: Actor) -> set[Party]:
    """On which sides of the case the actor stands."""
    if actor.is_operator:
        return {Party.REVIEWER}
    found = set()
    if may(actor, Permission.MANAGE_NAMESPACES, case.organization):
        found.add(Party.HOLDER if case.kind == CaseKind.DISPUTE else Party.APPLICANT)
    if case.kind == CaseKind.DISPUTE and _is_filer(case, actor):
        found.add(Party.APPLICANT)
    return found


def _is_filer(case: Case, actor: Actor) -> bool:
    user = actor.user if actor.token is None else None
    return user is not None and user.is_active and user.pk == case.filed_by_id


def _permitted(action: CaseAction, case: Case, actor: Actor) -> Verdict:
    sides = parties_of(case, actor)
    allowed = (
        (Party.REVIEWER in sides and action in REVIEWER_ACTIONS and not actor.is_machine)
        or (Party.REVIEWER in sides and action in {CaseAction.SETTLE, CaseAction.REOPEN})
        or (Party.REVIEWER in sides and action is CaseAction.EXPIRE)
        or (Party.APPLICANT in sides and action in APPLICANT_ACTIONS)
        or (Party.HOLDER in sides and action in HOLDER_ACTIONS)
    )
    return ALLOWED if allowed else Verdict(False, f"{actor.label} may not do this here: “{action.label}”.")


def _fits(action: CaseAction, case: Case, actor: Actor) -> Verdict:
    if next_state(CaseState(case.state), action) is None:
        offered = ", ".join(str(each.label) for each in actions(CaseState(case.state))) or "nothing"
        return Verdict(
            False,
            f"That can't be done now: the case is in the state “{case.get_state_display()}”. Possible: {offered}.",
        )
    if action is CaseAction.EDIT and case.kind == CaseKind.DISPUTE:
        return Verdict(False, "The holder was told of the report as it is, so it stays so; write what is to add.")
    if action is CaseAction.ANSWER and case.asked not in parties_of(case, actor):
        return Verdict(False, "The question was not to you.")
    if action is CaseAction.APPEAL and case.appealed_at is not None:
        return Verdict(False, "An appeal was decided already; file it anew when something has changed.")
    return ALLOWED


# --- Locks and transitions --------------------------------------------------------------------------------------------


def locked(case: Case) -> Case:
    """The case read anew, under the locks of its organization, its name and its row, in this order.

    Those who hold around the name are locked too: a decision may end a quarantine of theirs.
    """
    around = Grant.objects.holding().overlapping(case.name).values_list("owner_id", flat=True) if case.name else []
    found = lock_organizations(case.organization_id, *around)
    if case.name:
        lock_name(case.name)
    row = Case.objects.select_for_update(no_key=True, of=("self",)).select_related("filed_by", "grant").get(pk=case.pk)
    if row.organization_id not in found:
        raise NotNow(f"The namespace {case.name!r} has changed hands in this instant; look again.")
    row.organization = found[row.organization_id]
    return row


def demand(action: CaseAction, case: Case, actor: Actor) -> None:
    """Raise ``NotPermitted`` or ``NotNow``; the caller holds the locks."""
    if not (verdict := _permitted(action, case, actor)):
        raise NotPermitted(verdict.reason)
    if not (verdict := _fits(action, case, actor)):
        raise NotNow(verdict.reason)


def move(case: Case, action: CaseAction, *, asked: str = "") -> None:
    """Apply the transition; the caller holds the locks, has demanded it, and records what it did."""
    state = next_state(CaseState(case.state), action)
    if state is None:
        raise NotNow(f"That can't be done now: the case is in the state “{case.get_state_display()}”.")
    now = timezone.now()
    case.state, case.changed_at, case.asked = state, now, asked
    case.asked_at = now if asked else case.asked_at
    case.decided_at = (case.decided_at or now) if state in _ENDED else None
    case.save()


def enter(
    actor: Actor, case: Case, kind: EntryKind, party: Party, text: str = "", *, audience: str = "", **after: Any
) -> CaseEntry:
    """Write what was done into the case's history and the audit trail, and tell those concerned."""
    author = actor.user
    entry = CaseEntry.objects.create(case=case, kind=kind, party=party, author=author, text=text, audience=audience)
    details = {"state": str(case.state), **after} | ({"text": text} if text else {})
    _record(actor, entry, details)
    case_notices.tell(case, entry)
    return entry


def _record(actor: Actor, entry: CaseEntry, details: dict[str, Any]) -> None:
    """In the organization's trail. In a dispute that is the holder's, who is told of the report and not by whom: who
    reports, and what is between them and the reviewers, stands in the trail of the operator alone."""
    case, action = entry.case, f"case.{entry.kind}"
    is_reporters = case.kind == CaseKind.DISPUTE and Party.APPLICANT in {entry.party, entry.audience}
    trail = "" if is_reporters else case.organization.name
    audit.record(actor, action, target(case), organization=trail, after=details)
    if is_reporters and not entry.audience:
        reporter = Actor(label="the reporter")
        audit.record(reporter, action, target(case), organization=case.organization.name, after=details)


def between(case: Case, side: Party) -> str:
    """The audience of what one side writes: in a dispute the other side does not read it, else nobody is kept out."""
    return side if case.kind == CaseKind.DISPUTE and side in {Party.APPLICANT, Party.HOLDER} else ""


def target(case: Case) -> str:
    """As the audit trail calls it."""
    if case.kind == CaseKind.APPLICATION:
        return f"application {case.pk} as {case.wanted_kind}"
    return f"{case.kind} {case.pk} of {case.name}"


_JOINERS = "\u200c\u200d"
"""Not printable by themselves, and part of how some scripts and emoji are written."""


def parse_text(text: str, *, required: bool = True) -> str:
    """What somebody wrote, with its paragraphs; raises ``Invalid``."""
    cleaned = "\n".join(_as_it_is_shown(line).rstrip() for line in text.strip().splitlines())
    if required and not cleaned:
        raise Invalid("Write something first.")
    if len(cleaned) > TEXT_LENGTH:
        raise Invalid(f"A text has at most {TEXT_LENGTH} characters; this one has {len(cleaned)}.")
    if not all(character in _JOINERS or character == "\n" or character.isprintable() for character in cleaned):
        raise Invalid("The text has characters that can't be shown; take them out.")
    return cleaned


def _as_it_is_shown(line: str) -> str:
    """With plain spaces for those of typography and for tabs, which people paste and a page shows no differently."""
    spaced = line.replace("\ufeff", "").expandtabs(4)
    return "".join(" " if unicodedata.category(character) == "Zs" else character for character in spaced)


# --- What either side may do ------------------------------------------------------------------------------------------


@transaction.atomic
def say(*, actor: Actor, case: Case, text: str) -> CaseEntry:
    """Write something to the reviewers; it changes no state."""
    case = locked(case)
    demand(CaseAction.SAY, case, actor)
    text = parse_text(text)
    case.changed_at = timezone.now()
    case.save(update_fields=["changed_at"])
    side = side_of(case, actor)
    return enter(actor, case, EntryKind.SAID, side, text, audience=between(case, side))


@transaction.atomic
def withdraw(*, actor: Actor, case: Case) -> Case:
    """Take it back; nothing is decided."""
    case = locked(case)
    demand(CaseAction.WITHDRAW, case, actor)
    move(case, CaseAction.WITHDRAW)
    case.decisions.filter(state="proposed").update(state="rejected", ended_at=timezone.now())
    for dropped in on_dropped:
        dropped(actor, case)
    enter(actor, case, EntryKind.WITHDRAWN, Party.APPLICANT)
    return case


@transaction.atomic
def ask(*, actor: Actor, case: Case, text: str, party: Party = Party.APPLICANT) -> Case:
    """Ask one side something; the case leaves the queue until it is answered, and keeps its place there."""
    case = locked(case)
    demand(CaseAction.ASK, case, actor)
    if (party is Party.HOLDER and case.kind != CaseKind.DISPUTE) or party not in {Party.APPLICANT, Party.HOLDER}:
        raise Invalid("There is nobody on that side to ask.")
    text = parse_text(text)
    move(case, CaseAction.ASK, asked=party)
    enter(actor, case, EntryKind.ASKED, Party.REVIEWER, text, audience=party if case.kind == CaseKind.DISPUTE else "")
    return case


def side_of(case: Case, actor: Actor) -> Party:
    """The side on which the actor writes; who stands on both sides of a dispute writes as the one that was asked."""
    sides = parties_of(case, actor)
    if case.asked in sides:
        return Party(case.asked)
    return Party.APPLICANT if Party.APPLICANT in sides else Party.HOLDER
