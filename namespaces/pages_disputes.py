"""Reads for the pages of reports: the dated steps, and what each side may see. What they say stands in templates."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import NamedTuple

from django.conf import settings
from django.utils.translation import gettext as _

from namespaces import names
from namespaces.cases import OPEN, CaseState, EntryKind, Party
from namespaces.models import Case, CaseEntry, Dispute, Grant, GrantLock
from namespaces.selectors_disputes import Hearing, hearing, root_of
from namespaces.states import GrantState

DONE, NOW, LATER = "done", "now", "later"


class Step(NamedTuple):
    """One of the dated steps: when it was done, or until when it is to be; ``state`` is done, now or later."""

    text: str
    state: str
    at: datetime | None = None
    due: datetime | None = None
    hint: str = ""


@dataclass(frozen=True)
class Sheet:
    """A report as the sides of it see it, or with ``Party.REVIEWER`` a reviewer."""

    case: Case
    sides: frozenset[str]

    @cached_property
    def dispute(self) -> Dispute:
        return Dispute.objects.select_related("named").get(case=self.case)

    @property
    def part(self) -> str:
        """What was reported, where that is a part of the namespace that is looked into; else empty."""
        reported = names.normalize(self.case.display_name)
        return reported if reported != self.case.name else ""

    @property
    def is_holder(self) -> bool:
        return Party.HOLDER in self.sides

    @property
    def is_reporter(self) -> bool:
        return Party.APPLICANT in self.sides

    @property
    def is_open(self) -> bool:
        return self.case.state in OPEN

    @cached_property
    def hearing(self) -> Hearing:
        self.case.dispute = self.dispute
        return hearing(self.case)

    @cached_property
    def root(self) -> Grant:
        return root_of(self.case)

    @cached_property
    def frozen_since(self) -> datetime | None:
        return (
            GrantLock.objects.filter(case=self.case).values_list("since", flat=True).first() if self.is_open else None
        )

    @cached_property
    def answers(self) -> list[CaseEntry]:
        """What the present holder has said to it; for the holder and the reviewers."""
        said = CaseEntry.objects.filter(case=self.case, party=Party.HOLDER, audience=Party.HOLDER)
        return list(said.order_by("at", "pk"))

    @property
    def steps(self) -> list[Step]:
        """What has been done, in the order in which it was, and what is still to come."""
        done = [Step(_("Reported, and the holder told of it"), DONE, self.case.filed_at), *self._freezes()]
        done += [step for step in self._heard() if step.state == DONE]
        done += [step for step in self._ended() if step.state == DONE]
        first = done[0].at
        return [*sorted(done, key=lambda step: step.at or first or self.case.filed_at), *self._to_come()]

    def _freezes(self) -> Iterable[Step]:
        texts = {EntryKind.FROZEN: _("New projects stopped"), EntryKind.UNFROZEN: _("New projects possible again")}
        for entry in self.case.entries.filter(kind__in=list(texts)).order_by("at", "pk"):
            yield Step(texts[EntryKind(entry.kind)], DONE, entry.at)

    def _heard(self) -> list[Step]:
        heard = self.hearing
        steps = [Step(_("The holder was asked"), DONE, heard.asked_at)] if heard.asked_at else []
        if heard.answered_at:
            steps.append(Step(_("The holder answered"), DONE, heard.answered_at))
        elif heard.is_over:
            steps.append(Step(_("No answer came"), DONE, heard.due_at))
        return steps

    def _ended(self) -> list[Step]:
        if self.is_open or self.case.decided_at is None:
            return []
        texts = {
            CaseState.APPROVED: _("Upheld by two reviewers"),
            CaseState.REFUSED: _("Dismissed"),
            CaseState.WITHDRAWN: _("Withdrawn by who reported it"),
        }
        text = texts.get(CaseState(self.case.state), self.case.get_state_display())
        return [Step(str(text), DONE, self.case.decided_at)]

    def _to_come(self) -> list[Step]:
        if not self.is_open:
            return self._after()
        heard = self.hearing
        decide = Step(_("Two reviewers decide"), NOW if heard.is_over else LATER)
        if heard.is_over:
            return [decide]
        hint = _("If nothing comes by then, it can be decided without.")
        if heard.asked_at:
            return [Step(_("The holder answers"), NOW, due=heard.due_at, hint=hint), decide]
        return [
            Step(_("A reviewer looks at it, and asks the holder"), NOW),
            Step(_("The holder answers"), LATER, hint=self._time_to_answer()),
            decide,
        ]

    def _time_to_answer(self) -> str:
        return _("Within %(days)d days of being asked.") % {"days": settings.FREEHOLD_HEARING.days}

    def _after(self) -> list[Step]:
        """What an upheld report leads to."""
        if self.case.state != CaseState.APPROVED or self.root.state != GrantState.QUARANTINED:
            return []
        ends = self.root.state_changed_at + settings.FREEHOLD_QUARANTINE
        hint = _("Before that a reviewer may grant it to whom it belongs, who claims it.")
        return [Step(_("The quarantine ends, and everybody can claim the name"), LATER, due=ends, hint=hint)]


def sheet_of(case: Case, sides: Iterable[str]) -> Sheet:
    return Sheet(case, frozenset(sides))
