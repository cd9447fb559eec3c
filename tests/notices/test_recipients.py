"""Who gets which mail about a case, by what really happens to it: nobody else, nobody twice, nobody sees another."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Mail, User
from freehold.errors import DomainError
from namespaces.cases import CaseKind, CaseState, DecisionOutcome, EntryKind, Party
from namespaces.models import Case, CaseEntry
from namespaces.services import case_notices, casework, claims, decisions
from orgs.actors import Actor
from orgs.models import Organization, Proof
from orgs.vocabulary import Kind, ProofKind, ProofState, Role, State
from tests import factories
from tests.dump import nothing_changes
from tests.notices.scenes import report

pytestmark = pytest.mark.django_db


@pytest.fixture
def acme() -> Organization:
    """Two owners, one who is switched off, and one of each other role."""
    organization = factories.organization("acme")
    for name in ("ann", "bob", "gone"):
        factories.member(organization, name)
    User.objects.filter(index_username="gone").update(is_active=False)
    for role in (Role.MANAGER, Role.BILLING, Role.MEMBER):
        factories.member(organization, f"the-{role}", role)
    return organization


@pytest.fixture
def ann(acme: Organization) -> Actor:
    return Actor.person(User.objects.get(index_username="ann"))


@pytest.fixture
def reviewer() -> Actor:
    return Actor.staff(factories.reviewer())


@pytest.fixture
def claim(acme: Organization, ann: Actor) -> Case:
    filed = claims.file_claim(actor=ann, organization=acme, name="acme-tools", statement="Ours.")
    assert filed.state == CaseState.WAITING
    return filed


OF_CLAIMS = [kind for kind in EntryKind if kind not in {EntryKind.FROZEN, EntryKind.UNFROZEN}]
OWNERS = {"ann@example.com", "bob@example.com"}


def told() -> dict[str, set[str]]:
    """The mails since the last look: subjects, and to whom. Each is to one person, and to nobody twice."""
    rows = list(Mail.objects.values_list("subject", "to"))
    assert len(set(rows)) == len(rows)
    Mail.objects.all().delete()
    found: dict[str, set[str]] = {}
    for subject, to in rows:
        assert "," not in to
        found.setdefault(subject, set()).add(to)
    return found


class TestClaims:
    def test_the_owners_get_one_receipt_each_with_what_is_missing(self, claim: Case) -> None:
        assert "could not settle this" in Mail.objects.first().text  # type: ignore[union-attr]  # there are two
        assert told() == {"Received: claim of acme-tools by Acme": OWNERS}

    def test_no_mail_names_another_who_gets_it(self, claim: Case) -> None:
        for mail in Mail.objects.all():
            (other,) = OWNERS - {mail.to}
            assert other not in mail.text + mail.html + str(mail.headers)

    @pytest.mark.parametrize(
        ("state", "subject"),
        [(State.ACTIVE, "acmeworks is granted to Acmeworks"), (State.APPLIED, "acmeworks is held for Acmeworks")],
    )
    def test_what_is_granted_at_once_is_told_in_one_mail(self, state: State, subject: str) -> None:
        organization = factories.organization("acmeworks", state=state)
        owner = factories.member(organization, "owen").user
        Proof.objects.create(
            organization=organization, kind=ProofKind.DNS, subject="acmeworks.example", challenge="c",
            state=ProofState.VERIFIED, verified_at=timezone.now(),
        )  # fmt: skip
        case = claims.file_claim(actor=Actor.person(owner), organization=organization, name="acmeworks")
        assert case.state == CaseState.APPROVED
        assert "by machine" in Mail.objects.get().text
        assert told() == {subject: {"owen@example.com"}}

    def test_looking_anew_sends_no_second_receipt(self, claim: Case, ann: Actor) -> None:
        before = Mail.objects.count()
        claims.look_again(actor=ann, case=claim)
        assert Mail.objects.count() == before

    def test_a_whole_conversation(self, claim: Case, ann: Actor, reviewer: Actor) -> None:
        told()
        casework.ask(actor=reviewer, case=claim, text="Whose are they?")
        assert told() == {"A question about the claim of acme-tools by Acme": OWNERS}
        claims.answer(actor=ann, case=claim, text="Ours.")
        casework.say(actor=ann, case=claim, text="All of them.")
        claims.edit(actor=ann, case=claim, statement="Ours, all.")
        assert told() == {}
        decisions.decide(
            actor=reviewer,
            case=claim,
            outcome=DecisionOutcome.REFUSE,
            criteria=["identifies"],
            text="No.",
            reason="For staff alone.",
        )
        assert "For staff alone" not in "".join(mail.text + mail.html for mail in Mail.objects.all())
        assert reviewer.user is not None
        assert reviewer.user.email not in "".join(mail.text + mail.html for mail in Mail.objects.all())
        assert told() == {"Refused: claim of acme-tools by Acme": OWNERS}
        claims.appeal(actor=ann, case=claim, text="Look again.")
        assert told() == {"Appeal received: claim of acme-tools by Acme": OWNERS}
        casework.withdraw(actor=ann, case=claim)
        assert told() == {"Withdrawn: claim of acme-tools by Acme": OWNERS}

    def test_what_reviewers_say_among_themselves_is_told_nobody(self, claim: Case, reviewer: Actor) -> None:
        for number in range(30):  # so many that two decide
            factories.project(f"acme-tools-{number}", f"user:other{number}")
        claims.look_again(actor=reviewer, case=claim)
        told()
        decisions.decide(actor=reviewer, case=claim, outcome=DecisionOutcome.APPROVE)
        claim.refresh_from_db()
        assert claim.state == CaseState.PROPOSED
        decisions.disagree(actor=Actor.staff(factories.reviewer()), case=claim, reason="I don't think so.")
        assert told() == {}

    def test_approving_one_tells_those_whom_it_settles_and_undoing_it_too(self, claim: Case, reviewer: Actor) -> None:
        globex = factories.organization("globex")
        gil = factories.member(globex, "gil").user
        other = claims.file_claim(actor=Actor.person(gil), organization=globex, name="acme-tools-extra")
        told()
        decisions.decide(actor=reviewer, case=claim, outcome=DecisionOutcome.APPROVE, text="Fine.")
        assert told() == {
            "acme-tools is granted to Acme": OWNERS,
            "Settled by another decision: claim of acme-tools-extra by Globex": {"gil@example.com"},
        }
        decisions.undo(actor=reviewer, case=claim, reason="Not so.")
        assert told() == {
            "The decision was taken back: claim of acme-tools by Acme": OWNERS,
            "Open again: claim of acme-tools-extra by Globex": {"gil@example.com"},
        }
        other.refresh_from_db()
        assert other.state == CaseState.WAITING

    def test_what_is_refused_queues_nothing(self, claim: Case, ann: Actor, reviewer: Actor) -> None:
        outsider = Actor.person(factories.user())
        refused = [
            lambda: casework.ask(actor=ann, case=claim, text="A question?"),
            lambda: casework.ask(actor=reviewer, case=claim, text=""),
            lambda: casework.say(actor=outsider, case=claim, text="Hello"),
            lambda: casework.withdraw(actor=outsider, case=claim),
            lambda: claims.answer(actor=ann, case=claim, text="Nobody asked."),
            lambda: claims.appeal(actor=ann, case=claim, text="Nobody refused."),
            lambda: claims.file_claim(actor=ann, organization=claim.organization, name="acme-tools"),
        ]
        for act in refused:
            with nothing_changes(), pytest.raises(DomainError):
                act()

    def test_a_step_is_told_once_however_often_it_is_told(self, claim: Case) -> None:
        entry = factories.entry(claim, EntryKind.SAID, Party.REVIEWER, "Hello.")
        told()
        for _ in range(3):
            case_notices.tell(claim, entry)
        assert told() == {"A reviewer wrote about the claim of acme-tools by Acme": OWNERS}

    def test_many_owners_cost_no_more_reads(self, claim: Case) -> None:
        def reads() -> int:
            entry = factories.entry(claim, EntryKind.APPEALED, Party.APPLICANT, "Once more.")
            with CaptureQueriesContext(
                connection,
            ) as captured:
                case_notices.looked(claim)
            assert CaseEntry.objects.filter(pk=entry.pk).exists()
            return sum(query["sql"].startswith(("SELECT", "WITH")) for query in captured.captured_queries)

        few = reads()
        for number in range(10):
            factories.member(claim.organization, f"owner{number}")
        assert reads() == few


class TestApplications:
    def test_the_owners_are_told(self, acme: Organization) -> None:
        case = factories.case(acme, kind=CaseKind.APPLICATION, wanted_kind=Kind.COMMUNITY)
        casework.enter(Actor.worker(), case, EntryKind.REOPENED, Party.MACHINE)
        assert told() == {"Open again: application of Acme as a community project": OWNERS}


class TestReports:
    """Neither side learns who the people on the other are."""

    @pytest.fixture
    def made(self) -> Case:
        return report()

    STEPS = sorted(set(EntryKind) - {EntryKind.ASKED, EntryKind.EDITED})

    @pytest.mark.parametrize("kind", STEPS)
    def test_no_mail_has_an_address_or_a_name_of_the_other_side(self, made: Case, kind: EntryKind) -> None:
        User.objects.filter(index_username="rita").update(name="Rita Reporter")
        User.objects.filter(index_username="ann").update(name="Ann Owner")
        made = Case.objects.get(pk=made.pk)
        for party, author in ((Party.APPLICANT, "rita"), (Party.HOLDER, "ann"), (Party.REVIEWER, None)):
            by = User.objects.get(index_username=author) if author else factories.reviewer(name="Reva Reviewer")
            case_notices.tell(made, factories.entry(made, kind, party, "Hello.", author=by))
        people = {"ann@example.com": ("rita", "Reporter"), "rita@example.com": ("ann@", "Ann Owner", "manny")}
        assert set(Mail.objects.values_list("to", flat=True)) == set(people)
        for mail in Mail.objects.all():
            everything = mail.text + mail.html + str(mail.headers) + mail.subject
            assert not [word for word in (*people[mail.to], "Reva") if word in everything]

    @pytest.mark.parametrize(
        ("audience", "to"), [(Party.HOLDER, "ann@example.com"), (Party.APPLICANT, "rita@example.com")]
    )
    def test_what_is_for_one_side_goes_to_it_alone(self, made: Case, audience: Party, to: str) -> None:
        Case.objects.filter(pk=made.pk).update(state=CaseState.ASKED, asked=audience, asked_at=made.filed_at)
        entry = factories.entry(made, EntryKind.ASKED, Party.REVIEWER, "Well?", audience=audience)
        case_notices.tell(Case.objects.get(pk=made.pk), entry)
        assert [mail.to for mail in Mail.objects.all()] == [to]

    def test_what_is_for_reviewers_goes_to_nobody(self, made: Case) -> None:
        entry = factories.entry(made, EntryKind.ASKED, Party.REVIEWER, "Well?", audience=Party.REVIEWER)
        case_notices.tell(made, entry)
        assert not Mail.objects.exists()

    def test_who_stands_on_both_sides_gets_one_mail(self, made: Case) -> None:
        """They came to own the holder after they had reported it."""
        factories.member(made.organization, "rita")
        case_notices.tell(made, factories.entry(made, EntryKind.APPROVED, Party.REVIEWER, "So."))
        assert sorted(Mail.objects.values_list("to", flat=True)) == ["ann@example.com", "rita@example.com"]

    def test_a_reporter_who_is_gone_is_told_nothing(self, made: Case) -> None:
        Case.objects.filter(pk=made.pk).update(filed_by=None)
        case_notices.tell(Case.objects.get(pk=made.pk), factories.entry(made, EntryKind.REFUSED, Party.REVIEWER))
        assert [mail.to for mail in Mail.objects.all()] == ["ann@example.com"]


class TestInjection:
    EVIL = "Eve\r\nBcc: all@example.com\n\nhttp://localhost:8000/evil/"

    def test_what_an_organization_is_called_breaks_no_header_and_makes_no_button(self, acme: Organization) -> None:
        Organization.objects.filter(pk=acme.pk).update(display_name=self.EVIL)
        case = factories.case(Organization.objects.get(pk=acme.pk), name="acme-tools")
        for kind in OF_CLAIMS:
            entry = factories.entry(case, kind, Party.REVIEWER, f"Hello\n\n{self.EVIL}\n    code\n- list\n<b>bold</b>")
            case_notices.tell(case, entry)
        case_notices.looked(case)
        assert Mail.objects.exists()
        for mail in Mail.objects.all():
            assert not {"\r", "\n"} & set(mail.subject + str(mail.headers))
            assert 'href="http://localhost:8000/evil/"' not in mail.html
            assert "<b>" not in mail.html and "<pre>" not in mail.html
            assert "\nBcc:" not in mail.text
