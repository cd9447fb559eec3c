"""What the tests of disputes begin with: a holder with a namespace, somebody who reports it, two reviewers."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from allauth.account.models import EmailAddress
from django.utils import timezone

from accounts.models import User
from namespaces.cases import CaseState, DecisionOutcome, Ground, Party
from namespaces.models import Case, Grant
from namespaces.services import casework, claims, decisions, disputes
from orgs.actors import Actor
from orgs.models import Organization
from orgs.vocabulary import Role
from tests import factories
from tests.people import in_role

STATEMENT = "They are not Acme. We are, and have been since 1999."
UPHELD, DISMISSED = DecisionOutcome.APPROVE, DecisionOutcome.REFUSE


def person(**fields: Any) -> User:
    """Somebody with a verified address."""
    user = factories.user(**fields)
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    return user


class Stage:
    """``acme`` holds ``acme`` with ``acme-labs`` inside; nothing is reported yet."""

    def __init__(self, name: str = "acme") -> None:
        self.holder: Organization = factories.organization(name)
        self.owner = factories.member(self.holder, f"{name}-owner").user
        self.root = factories.grant(name, self.holder)
        self.child = factories.grant(f"{name}-labs", self.holder, root=self.root)
        self.reporter = person()
        self.first, self.second = Actor.staff(factories.reviewer()), Actor.staff(factories.reviewer())

    @property
    def holders_actor(self) -> Actor:
        return Actor.person(self.owner, origin="192.0.2.1")

    @property
    def reporters_actor(self) -> Actor:
        return Actor.person(self.reporter, origin="192.0.2.9")

    def report(self, grant: Grant | None = None, by: User | None = None, **fields: Any) -> Case:
        actor = Actor.person(by or self.reporter, origin="192.0.2.9")
        about = {"ground": Ground.IMPERSONATION, "statement": STATEMENT} | fields
        return disputes.report(actor=actor, grant=grant or self.root, **about)

    def ask_holder(self, case: Case, text: str = "What do you say to it?") -> Case:
        return casework.ask(actor=self.first, case=case, text=text, party=Party.HOLDER)

    def ask_reporter(self, case: Case, text: str = "What shows it?") -> Case:
        return casework.ask(actor=self.first, case=case, text=text, party=Party.APPLICANT)

    def ask_and_answer(self, case: Case, answer: str) -> Case:
        """Ask who reported it, who answers."""
        return claims.answer(actor=self.reporters_actor, case=self.ask_reporter(case), text=answer)

    def hear(self, case: Case, answer: str = "We are Acme, too.") -> Case:
        """Ask the holder, who answers."""
        return claims.answer(actor=self.holders_actor, case=self.ask_holder(case), text=answer)

    def propose(self, case: Case, outcome: DecisionOutcome = UPHELD, **fields: Any) -> Case:
        wanted = {"criteria": [Ground.IMPERSONATION], "text": "We heard both sides."} | fields
        decisions.decide(actor=self.first, case=case, outcome=outcome, **wanted)
        return self.fresh(case)

    def decide(self, case: Case, outcome: DecisionOutcome = UPHELD, **fields: Any) -> Case:
        """By two reviewers."""
        decisions.confirm(actor=self.second, case=self.propose(case, outcome, **fields))
        return self.fresh(case)

    def fresh(self, case: Case) -> Case:
        return Case.objects.select_related("organization", "grant", "filed_by").get(pk=case.pk)

    def states(self) -> list[str]:
        both = Grant.objects.filter(pk__in=[self.root.pk, self.child.pk]).order_by("pk")
        return list(both.values_list("state", flat=True))

    def root_now(self) -> Grant:
        return Grant.objects.select_related("owner").get(pk=self.root.pk)

    def case_in(self, state: CaseState) -> Case:
        """A report that has come to this state by the services."""
        case = self.report()
        match state:
            case CaseState.ASKED:
                return self.ask_holder(case)
            case CaseState.PROPOSED:
                return self.propose(self.hear(case))
            case CaseState.APPROVED:
                return self.decide(self.hear(case))
            case CaseState.REFUSED:
                return self.decide(case, DISMISSED)
            case CaseState.SETTLED:
                another = self.report(by=person())
                self.decide(self.hear(another))
            case CaseState.WITHDRAWN:
                casework.withdraw(actor=self.reporters_actor, case=case)
            case CaseState.EXPIRED:
                long_ago = timezone.now() - timedelta(days=1)
                Case.objects.filter(pk=case.pk).update(state=state, decided_at=long_ago)
            case _:
                pass
        return self.fresh(case)

    def member(self, role: Role) -> Actor:
        return in_role(role, self.holder)
