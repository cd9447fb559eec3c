"""Mail about cases to those concerned: one to each person, who never see each other.

What a mail says stands in ``templates/mail/``: ``case_…`` for claims and applications, ``dispute_…`` for reports, which
say other things to either side. Neither side is told who the people on the other are, nor who decided.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils.translation import gettext

from accounts.models import User
from accounts.preferences import mail_people
from accounts.topics import Topic
from namespaces import pages_cases
from namespaces.cases import CaseKind, CaseState, EntryKind, Party
from namespaces.hooks import payment_page
from namespaces.models import Case, CaseEntry, Verification
from namespaces.policy.evaluation import Evaluation, Result
from orgs.models import Organization
from orgs.services.notices import people, site_url
from orgs.vocabulary import Kind, Role

BY_THEMSELVES = frozenset({EntryKind.SAID, EntryKind.EDITED, EntryKind.ANSWERED})
"""Steps that the side which takes them knows of already."""

AFTER_A_LOOK = frozenset({EntryKind.FILED, EntryKind.APPEALED})
"""Steps after which the machine looks: the mail says what it found, or that it granted at once, and is one."""

TOPICS: dict[EntryKind, Topic] = {
    EntryKind.FILED: Topic.PROGRESS,
    EntryKind.EDITED: Topic.PROGRESS,
    EntryKind.SAID: Topic.QUESTIONS,
    EntryKind.ASKED: Topic.QUESTIONS,
    EntryKind.ANSWERED: Topic.QUESTIONS,
    EntryKind.APPROVED: Topic.DECISIONS,
    EntryKind.REFUSED: Topic.DECISIONS,
    EntryKind.SETTLED: Topic.DECISIONS,
    EntryKind.REOPENED: Topic.DECISIONS,
    EntryKind.WITHDRAWN: Topic.PROGRESS,
    EntryKind.APPEALED: Topic.PROGRESS,
    EntryKind.UNDONE: Topic.DECISIONS,
    EntryKind.EXPIRED: Topic.DECISIONS,
    EntryKind.FROZEN: Topic.DECISIONS,
    EntryKind.UNFROZEN: Topic.DECISIONS,
}
SAME_AS = {EntryKind.ANSWERED: EntryKind.SAID, EntryKind.EDITED: EntryKind.SAID}
"""What reads like another step to those who hear of it."""


# --- When -------------------------------------------------------------------------------------------------------------


def tell(case: Case, entry: CaseEntry) -> None:
    """Mail those concerned about a step of the case, in the transaction of the step."""
    if entry.kind in AFTER_A_LOOK and case.kind != CaseKind.DISPUTE:
        return  # ``looked`` does
    for party, users in concerned(case):
        is_own = entry.kind in BY_THEMSELVES and entry.party == party
        if entry.audience in {"", party} and not is_own:
            mail(case, entry, party, users)


def looked(case: Case) -> None:
    """The machine has looked. If a person will, too, say what it found, once for each filing and appeal."""
    entry = case.entries.order_by("at", "pk").last()
    if case.state == CaseState.WAITING and entry is not None and entry.kind in AFTER_A_LOOK:
        for party, users in concerned(case):
            mail(case, entry, party, users)


def concerned(case: Case) -> Iterable[tuple[Party, list[User]]]:
    """The people on each side of the case."""
    owners = people(case.organization, role=Role.OWNER)
    if case.kind != CaseKind.DISPUTE:
        yield Party.APPLICANT, owners
        return
    yield Party.HOLDER, owners
    if case.filed_by is not None and case.filed_by.is_active:
        yield Party.APPLICANT, [case.filed_by]


# --- What -------------------------------------------------------------------------------------------------------------


def mail(case: Case, entry: CaseEntry, party: Party, users: Iterable[User], **more: Any) -> None:
    """One to each of them, who stand on this side; whoever stands on both gets the first alone."""
    kind = EntryKind(entry.kind)
    facts = OF_DISPUTES if case.kind == CaseKind.DISPUTE else FACTS
    context = letter(case, party) | {"entry": entry, **facts.get(kind, _nothing)(case)} | more
    mail_people(
        users, topic=topic(case, entry, party), template=template(case, kind), context=context, key=f"case:{entry.pk}"
    )


def topic(case: Case, entry: CaseEntry, party: Party) -> Topic:
    """Who did not begin it, being reported or no longer renewed, must not miss any of it."""
    found = TOPICS[EntryKind(entry.kind)]
    is_reported = case.kind == CaseKind.DISPUTE and party is Party.HOLDER
    begun_by_others = is_reported or entry.party == Party.MACHINE
    return Topic.QUESTIONS if found is Topic.PROGRESS and begun_by_others else found


def template(case: Case, kind: EntryKind) -> str:
    step = SAME_AS.get(kind, kind).value
    if case.kind == CaseKind.DISPUTE:
        return f"dispute_{step}"
    return f"{case.kind}_approved" if kind is EntryKind.APPROVED else f"case_{step}"


def letter(case: Case, party: Party) -> dict[str, Any]:
    """What every mail about a case knows: of people nobody but whom it goes to."""
    return {
        "case": case,
        "organization": case.organization,
        "matter": matter(case),
        "is_holder": party is Party.HOLDER,
        "is_claim": case.kind == CaseKind.CLAIM,
        "url": site_url("case", case.pk),
    }


def matter(case: Case) -> str:
    """What the case is, as it stands inside a sentence."""
    names = {"namespace": case.name, "organization": " ".join(case.organization.display_name.split())}
    if case.kind == CaseKind.CLAIM:
        return gettext("claim of %(namespace)s by %(organization)s") % names
    if case.kind == CaseKind.DISPUTE:
        return gettext("report about %(namespace)s") % names
    if case.wanted_kind == Kind.COMMUNITY:
        return gettext("application of %(organization)s as a community project") % names
    return gettext("application of %(organization)s as a company") % names


# --- What a step is about ---------------------------------------------------------------------------------------------


def _nothing(case: Case) -> dict[str, Any]:
    return {}


def _found(case: Case) -> dict[str, Any]:
    """What a machine found, and how long it takes until a person has looked."""
    stored = pages_cases.last_evaluation(case)
    evaluation = pages_cases.found_in(stored, case.kind) if stored else None
    return {
        "missing": [one for one in _criteria(evaluation) if one.result is not Result.PASS],
        "met": [one for one in _criteria(evaluation) if one.result is Result.PASS],
        "needs_two": bool(evaluation and evaluation.stakes),
        **_queue(case),
    }


def _criteria(evaluation: Evaluation | None) -> Iterable[Any]:
    return evaluation.criteria if evaluation else ()


def _queue(case: Case) -> dict[str, Any]:
    return {"before": pages_cases.place_of(case), "wait": pages_cases.usual_wait()}


def _granted(case: Case) -> dict[str, Any]:
    grant, verdict = case.grant, pages_cases.verdict_on(case)
    return {
        "grant": grant,
        "by_machine": verdict is not None and verdict.decision.by_machine,
        "paid_until": pages_cases.paid_until(grant),
        "grant_url": _grant_url(case),
        "renew_at": _renewal(case),
        "namespace_url": site_url("namespace", case.name) if case.name else "",
        "manage_url": site_url("organization-overview", case.organization.name),
        "pay_url": pay_url(case.organization),
    }


def pay_url(organization: Organization) -> str:
    """Where what is held for it is paid for; where nothing is to be paid, where it sees what is left to do."""
    path = payment_page(organization)
    return settings.FREEHOLD_URL + path if path else site_url("organization-overview", organization.name)


def _grant_url(case: Case) -> str:
    return site_url("organization-namespace", case.organization.name, case.name) if case.name else ""


def _renewal(case: Case) -> datetime | None:
    """Until when a community project is verified."""
    found = Verification.objects.filter(organization=case.organization).values_list("renew_at", flat=True).first()
    return found if case.kind == CaseKind.APPLICATION else None


def _refused(case: Case) -> dict[str, Any]:
    verdict = pages_cases.verdict_on(case)
    return {"named": verdict.named if verdict else (), **_granted(case)}


def _asked(case: Case) -> dict[str, Any]:
    span = settings.FREEHOLD_HEARING if case.asked == Party.HOLDER else settings.FREEHOLD_ANSWER
    return {"until": case.asked_at + span if case.asked_at else None}


def _settled(case: Case) -> dict[str, Any]:
    settler = pages_cases.settler_of(case)
    return {"settler": settler, "settler_url": site_url("namespace", settler.name) if settler else ""}


def _ended(case: Case) -> dict[str, Any]:
    """What expired: an approval that was not paid for, or a question that nobody answered."""
    return {"was_approved": pages_cases.verdict_on(case) is not None}


def _reported(case: Case) -> dict[str, Any]:
    """Of who reported it no more than the organization that they chose to be called by."""
    named = case.dispute.named
    return {"ground": case.dispute.get_ground_display(), "named": named.display_name if named else ""}


FACTS = {
    EntryKind.FILED: _found,
    EntryKind.APPEALED: _queue,
    EntryKind.REOPENED: _queue,
    EntryKind.APPROVED: _granted,
    EntryKind.REFUSED: _refused,
    EntryKind.ASKED: _asked,
    EntryKind.SETTLED: _settled,
    EntryKind.EXPIRED: _ended,
}
OF_DISPUTES = {EntryKind.FILED: _reported, EntryKind.ASKED: _asked}
