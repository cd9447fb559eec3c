"""Everything that Freehold writes about cases, as it comes about: each scene queues mails of one kind.

A scene is called like its template, with a variant after a dot. ``test_snapshots`` takes them all.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from accounts.models import User
from namespaces.cases import CaseKind, CaseState, EntryKind, Ground, Party
from namespaces.models import BlockedAttempt, Case, CaseEvaluation, Dispute, Grant, Verification
from namespaces.policy.evaluation import CommunityKey, Key
from namespaces.services import case_notices, held
from namespaces.services.blocked_summaries import summarize_blocked
from namespaces.services.overtaken import tell_overtaken
from namespaces.states import GrantState
from orgs.actors import Actor
from orgs.models import Organization
from orgs.vocabulary import Kind, Role, State
from review.digest import mail_digest
from tests import factories

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
"""A Monday morning."""
DAY = timedelta(days=1)
HELD_BY_OTHERS = "It would overtake 7 projects of 4 others, the latest uploaded on 3 November 2026."

Scene = Callable[[], None]
SCENES: dict[str, Scene] = {}


def scene(name: str) -> Callable[[Scene], Scene]:
    def entered(made: Scene) -> Scene:
        assert name not in SCENES
        SCENES[name] = made
        return made

    return entered


# --- What they are made of --------------------------------------------------------------------------------------------


def acme(kind: Kind = Kind.COMPANY, state: State = State.ACTIVE) -> Organization:
    """With Ann, who owns it, and Manny, who manages it and is told nothing."""
    organization = factories.organization("acme", kind=kind, state=state)
    factories.member(organization, "ann")
    factories.member(organization, "manny", Role.MANAGER)
    return organization


def claim(state: CaseState, organization: Organization | None = None, **fields: Any) -> Case:
    return factories.case(organization or acme(), name="acme-tools", state=state, **fields)


def application(state: CaseState, wanted_kind: Kind = Kind.COMMUNITY) -> Case:
    kind = Kind.COMMUNITY if wanted_kind is Kind.COMPANY else Kind.COMPANY
    return factories.case(acme(kind), kind=CaseKind.APPLICATION, state=state, wanted_kind=wanted_kind)


def report(state: CaseState = CaseState.WAITING, named: Organization | None = None, **fields: Any) -> Case:
    """Rita reports what Acme holds."""
    made = factories.case(
        acme(),
        kind=CaseKind.DISPUTE,
        state=state,
        statement="They are not Acme.\n\nLook at https://acme.example/about yourself.",
        filed_by=factories.user("rita"),
        **fields,
    )
    Dispute.objects.update_or_create(case=made, defaults={"ground": Ground.IMPERSONATION, "named": named})
    return Case.objects.get(pk=made.pk)


def criterion(key: Key | CommunityKey, result: str, evidence: str, remedy: str = "") -> dict[str, str]:
    return {"key": key.value, "title": str(key.label), "result": result, "evidence": evidence, "remedy": remedy}


PROVED = "Prove a domain that says so, such as acme-tools.example."
FOUND = [
    criterion(Key.AVAILABLE, "pass", "Nobody holds it, or anything above or inside it."),
    criterion(Key.IDENTIFIES, "fail", "Nothing that was proved says “acme-tools”.", PROVED),
    criterion(Key.LENGTH, "pass", "It has 9 characters."),
    criterion(Key.OVERTAKEN, "unknown", HELD_BY_OTHERS),
]


def evaluation(
    case: Case, *, stakes: tuple[str, ...] = (), found: list[dict[str, str]] | None = None
) -> CaseEvaluation:
    """One whose inputs nobody can read any more, so that what it says stands here."""
    result: dict[str, Any] = {
        "outcome": "a_person_looks",
        "stake": "high" if stakes else "ordinary",
        "asked_proofs": [],
    }
    result |= {"stakes": list(stakes), "criteria": found or FOUND}
    return CaseEvaluation.objects.create(
        case=case, moment="filed", inputs={}, thresholds={}, result=result, outcome="a_person_looks"
    )


def tell(case: Case, kind: EntryKind, party: Party, text: str = "", **fields: Any) -> None:
    """A step of the case, as it is told."""
    case.entries.filter(kind=kind).delete()  # the factory's own
    case_notices.tell(case, factories.entry(case, kind, party, text, **fields))


def granted(case: Case, state: GrantState = GrantState.ACTIVE) -> Case:
    assert case.grant is not None
    Grant.objects.filter(pk=case.grant.pk).update(effective_at=NOW + DAY / 24, state_changed_at=NOW, state=state)
    return Case.objects.get(pk=case.pk)


# --- Claims -----------------------------------------------------------------------------------------------------------


@scene("case_filed.claim")
def claim_filed() -> None:
    for name in ("other-one", "other-two"):
        factories.case(factories.organization(), name=name, waiting_since=NOW - DAY)
    made = claim(
        CaseState.WAITING,
        waiting_since=NOW,
        statement="We make the tools.\n\nhttps://mallory.example/\n    code\n- a list",
    )
    evaluation(made, stakes=("Many use what is there.",))
    case_notices.looked(made)


@scene("case_filed.next")
def claim_filed_next() -> None:
    """Nobody is before it, and people have decided often enough to say how long one waits."""
    for number in range(5):
        decided = factories.case(factories.organization(), name=f"done{number}", state=CaseState.APPROVED)
        filed = NOW - timedelta(days=3 + number)
        Case.objects.filter(pk=decided.pk).update(filed_at=filed)
        decided.decisions.update(by_machine=False, effective_at=filed + timedelta(hours=10 * (number + 1)))
    made = claim(CaseState.WAITING, waiting_since=NOW)
    evaluation(made)
    case_notices.looked(made)


@scene("case_filed.application")
def application_filed() -> None:
    made = application(CaseState.WAITING)
    missing = criterion(CommunityKey.LICENCE, "fail", "No licence was found.", "Put a licence into the repository.")
    evaluation(made, found=[missing])
    case_notices.looked(made)


@scene("case_filed.renewal")
def renewal_opened() -> None:
    """By the machine: its owners did not ask for it, so they can't have switched it off."""
    made = application(CaseState.WAITING)
    made.entries.all().delete()
    text = "The year for which it was verified is over, and the signals alone do not suffice to renew it."
    factories.entry(made, EntryKind.FILED, Party.MACHINE, text)
    evaluation(made, found=[criterion(CommunityKey.ACTIVITY, "fail", "The last release was on 3 March 2024.")])
    case_notices.looked(made)


@scene("claim_approved.by-machine")
def granted_at_once() -> None:
    tell(granted(claim(CaseState.APPROVED)), EntryKind.APPROVED, Party.MACHINE)


@scene("claim_approved.by-people")
def granted_by_people() -> None:
    made = granted(claim(CaseState.APPROVED, by=factories.reviewer(name="Reva")))
    tell(made, EntryKind.APPROVED, Party.REVIEWER, "Welcome.\nYour repository settled it.")


@scene("claim_approved.held")
def granted_until_paid() -> None:
    made = granted(claim(CaseState.APPROVED, acme(state=State.APPLIED)), GrantState.HELD)
    tell(made, EntryKind.APPROVED, Party.MACHINE)


@scene("claim_approved.held-for-a-place")
def granted_until_a_place_is_paid() -> None:
    made = granted(claim(CaseState.APPROVED), GrantState.HELD)
    tell(made, EntryKind.APPROVED, Party.MACHINE)


@scene("case_asked")
def claim_asked() -> None:
    made = claim(CaseState.ASKED, asked_at=NOW)
    tell(made, EntryKind.ASKED, Party.REVIEWER, "Which of these projects are yours?\n\nhttps://freehold.example/a")


@scene("case_said")
def reviewer_wrote() -> None:
    tell(claim(CaseState.WAITING), EntryKind.SAID, Party.REVIEWER, "We have asked a colleague.")


@scene("case_refused.claim")
def claim_refused() -> None:
    made = claim(CaseState.REFUSED)
    made.decisions.update(criteria=[Key.IDENTIFIES, Key.OVERTAKEN], evaluation=evaluation(made))
    tell(made, EntryKind.REFUSED, Party.REVIEWER, "Four others publish under it. A longer name is yours at once.")


@scene("case_refused.application")
def application_refused() -> None:
    tell(application(CaseState.REFUSED), EntryKind.REFUSED, Party.REVIEWER, "It is not developed in public.")


@scene("case_settled.public")
def claim_settled() -> None:
    globex = factories.organization("globex")
    winner = factories.case(globex, name="acme", state=CaseState.APPROVED)
    tell(claim(CaseState.SETTLED, settled_by=winner), EntryKind.SETTLED, Party.MACHINE)


@scene("case_settled.held")
def claim_settled_by_what_is_held() -> None:
    """Who will hold it is not public before it is paid, so it is not told either."""
    globex = factories.organization("globex", state=State.APPLIED)
    winner = factories.case(globex, name="acme", state=CaseState.APPROVED)
    tell(claim(CaseState.SETTLED, settled_by=winner), EntryKind.SETTLED, Party.MACHINE)


@scene("case_reopened")
def claim_reopened() -> None:
    tell(claim(CaseState.WAITING), EntryKind.REOPENED, Party.MACHINE)


@scene("case_undone.claim")
def claim_undone() -> None:
    tell(claim(CaseState.WAITING), EntryKind.UNDONE, Party.REVIEWER, "We had taken it for another.")


@scene("case_undone.application")
def application_undone() -> None:
    tell(application(CaseState.WAITING), EntryKind.UNDONE, Party.REVIEWER, "We had taken it for another.")


@scene("case_withdrawn")
def claim_withdrawn() -> None:
    tell(claim(CaseState.WITHDRAWN), EntryKind.WITHDRAWN, Party.APPLICANT)


@scene("case_expired.unanswered")
def claim_expired() -> None:
    tell(claim(CaseState.EXPIRED), EntryKind.EXPIRED, Party.MACHINE)


@scene("case_expired.unpaid")
def claim_expired_unpaid() -> None:
    made = claim(CaseState.APPROVED, acme(state=State.APPLIED))
    Case.objects.filter(pk=made.pk).update(state=CaseState.EXPIRED)
    tell(Case.objects.get(pk=made.pk), EntryKind.EXPIRED, Party.MACHINE)


@scene("case_expired.no-place")
def claim_expired_without_a_place() -> None:
    made = claim(CaseState.APPROVED)
    Case.objects.filter(pk=made.pk).update(state=CaseState.EXPIRED)
    tell(Case.objects.get(pk=made.pk), EntryKind.EXPIRED, Party.MACHINE)


@scene("case_held_reminder")
def reminded_of_payment() -> None:
    remind_of(acme(state=State.APPLIED))


@scene("case_held_reminder.place")
def reminded_of_a_place() -> None:
    remind_of(acme())


def remind_of(organization: Organization) -> None:
    made = granted(claim(CaseState.APPROVED, organization), GrantState.HELD)
    assert made.grant is not None
    made.grant.state_changed_at = NOW - 27 * DAY
    made.grant.save()
    held.remind_of_held(actor=Actor.worker(), grant=made.grant)


@scene("case_unanswered_reminder")
def reminded_of_a_question() -> None:
    held.remind_of_unanswered(actor=Actor.worker(), case=claim(CaseState.ASKED, asked_at=NOW - 50 * DAY))


@scene("case_appealed")
def claim_appealed() -> None:
    made = claim(CaseState.WAITING, appealed_at=NOW)
    factories.entry(made, EntryKind.APPEALED, Party.APPLICANT, "All four have agreed in writing.")
    case_notices.looked(made)


# --- Applications -----------------------------------------------------------------------------------------------------


@scene("application_approved.community")
def community_approved() -> None:
    made = application(CaseState.APPROVED)
    Verification.objects.update(renew_at=NOW + 365 * DAY)
    tell(made, EntryKind.APPROVED, Party.MACHINE)


@scene("application_approved.company")
def company_approved() -> None:
    made = application(CaseState.APPROVED, Kind.COMPANY)
    made.decisions.update(by_machine=False, by=factories.reviewer())
    tell(made, EntryKind.APPROVED, Party.REVIEWER, "As you asked.")


# --- Reports ----------------------------------------------------------------------------------------------------------


@scene("dispute_filed")
def reported() -> None:
    tell(report(), EntryKind.FILED, Party.APPLICANT)


@scene("dispute_filed.named")
def reported_for_an_organization() -> None:
    made = report(named=factories.organization("initech"))
    tell(made, EntryKind.FILED, Party.APPLICANT)


@scene("dispute_asked.holder")
def holder_asked() -> None:
    made = report(CaseState.ASKED, asked=Party.HOLDER, asked_at=NOW)
    tell(made, EntryKind.ASKED, Party.REVIEWER, "What do you say to it?", audience=Party.HOLDER)


@scene("dispute_asked.reporter")
def reporter_asked() -> None:
    made = report(CaseState.ASKED, asked=Party.APPLICANT, asked_at=NOW)
    tell(made, EntryKind.ASKED, Party.REVIEWER, "Where can that be seen?", audience=Party.APPLICANT)


@scene("dispute_said.reviewer")
def reviewer_wrote_in_a_dispute() -> None:
    tell(report(), EntryKind.SAID, Party.REVIEWER, "It takes some days more.")


@scene("dispute_said.holder")
def holder_wrote() -> None:
    made = report()
    tell(made, EntryKind.ANSWERED, Party.HOLDER, "We are Acme.", author=User.objects.get(index_username="ann"))


@scene("dispute_said.reporter")
def reporter_wrote() -> None:
    made = report()
    tell(made, EntryKind.SAID, Party.APPLICANT, "There is more.", author=made.filed_by)


@scene("dispute_approved")
def report_upheld() -> None:
    tell(report(CaseState.APPROVED), EntryKind.APPROVED, Party.REVIEWER, "The site is another's.")


@scene("dispute_refused")
def report_turned_down() -> None:
    tell(report(CaseState.REFUSED), EntryKind.REFUSED, Party.REVIEWER, "Acme has shown that it is Acme.")


@scene("dispute_appealed")
def report_appealed() -> None:
    made = report(appealed_at=NOW)
    tell(made, EntryKind.APPEALED, Party.APPLICANT, "Look again.", author=made.filed_by)


@scene("dispute_undone")
def report_undone() -> None:
    tell(report(), EntryKind.UNDONE, Party.REVIEWER, "We had taken it for another.")


@scene("dispute_reopened")
def report_goes_on() -> None:
    text = "The holder was asked on 2026-11-01 and has not answered."
    tell(report(), EntryKind.REOPENED, Party.MACHINE, text)


@scene("dispute_withdrawn")
def report_withdrawn() -> None:
    tell(report(CaseState.WITHDRAWN), EntryKind.WITHDRAWN, Party.APPLICANT)


@scene("dispute_expired")
def report_expired() -> None:
    tell(report(CaseState.EXPIRED), EntryKind.EXPIRED, Party.MACHINE)


@scene("dispute_settled")
def report_settled() -> None:
    text = "The namespace acme was released: if the name is yours, claim it."
    tell(report(CaseState.SETTLED), EntryKind.SETTLED, Party.MACHINE, text)


@scene("dispute_frozen")
def report_frozen() -> None:
    tell(report(), EntryKind.FROZEN, Party.REVIEWER, "Too much is at stake.")


@scene("dispute_unfrozen")
def report_unfrozen() -> None:
    tell(report(), EntryKind.UNFROZEN, Party.REVIEWER)


# --- Of itself --------------------------------------------------------------------------------------------------------


@scene("overtaken")
def overtaken() -> None:
    made = factories.grant("acme", acme(), effective_at=NOW + DAY / 24)
    factories.user("sam")
    factories.project(f"{made.name}-kit", "user:sam")
    factories.project(f"{made.name}-own", "acme")
    for number in range(22):
        factories.project(f"{made.name}-old{number:02}", "user:sam")
    tell_overtaken()


@scene("blocked")
def blocked() -> None:
    factories.grant("acme", acme())
    for project, publisher, count, days in (
        ("acme-evil", "user mallory", 1204, 40),
        ("acme-evil", "user eve", 1, 1),
        ("acme-typo", "user manny", 1, 2),
        ("acme-long-ago", "user manny", 9, 30),
    ):
        first = NOW - timedelta(days=days)
        last = first if days == 30 else NOW - DAY
        BlockedAttempt.objects.create(
            namespace="acme", project=project, publisher=publisher, reason="reserved", count=count,
            first_at=first, last_at=last,
        )  # fmt: skip
    summarize_blocked()


@scene("digest.much")
def much_waits() -> None:
    reva = factories.user("reva", is_staff=True)
    claim(CaseState.WAITING, waiting_since=NOW - 9 * DAY)
    for name in ("globex", "initech"):
        factories.case(factories.organization(name), state=CaseState.PROPOSED, by=reva, waiting_since=NOW)
    factories.case(factories.organization("hooli"), kind=CaseKind.APPLICATION, waiting_since=NOW)
    mail_digest()


@scene("digest.little")
def little_waits() -> None:
    factories.user("reva", is_staff=True)
    claim(CaseState.WAITING, waiting_since=NOW - DAY / 2)
    mail_digest()
