"""What a reviewer may do with a case now: one list for the page, its forms and their POSTs (DESIGN section 8). Pure."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import models
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from namespaces.cases import OPEN, QUEUED, CaseKind, CaseState


class DeskAction(models.TextChoices):
    TAKE = "take", _("Take it")
    LEAVE = "leave", _("Lay it aside")
    APPROVE = "approve", _("Approve")
    REFUSE = "refuse", _("Refuse")
    ASK = "ask", _("Ask")
    CONFIRM = "confirm", _("Agree")
    DISAGREE = "disagree", _("Disagree")
    LOOK_AGAIN = "look_again", _("Check again")
    FREEZE = "freeze", _("Stop new projects for now")
    UNFREEZE = "unfreeze", _("Let new projects be made again")
    UNDO = "undo", _("Undo the decision")
    NOTE = "note", _("Note")
    DECLARE = "declare", _("Declare a conflict of interest")


S, A = CaseState, DeskAction

WHEN: dict[DeskAction, tuple[CaseState, ...]] = {
    A.TAKE: QUEUED,
    A.APPROVE: (S.WAITING,),
    A.REFUSE: (S.WAITING,),
    A.ASK: (S.WAITING,),
    A.LOOK_AGAIN: (S.WAITING,),
    A.CONFIRM: (S.PROPOSED,),
    A.DISAGREE: (S.PROPOSED,),
    A.FREEZE: OPEN,
    A.UNFREEZE: OPEN,
    A.UNDO: (S.APPROVED, S.REFUSED),
}
"""The states in which each makes sense; what is not named here always does."""

BY_HAND = frozenset({A.APPROVE, A.REFUSE, A.ASK, A.LOOK_AGAIN, A.CONFIRM, A.DISAGREE})
"""Done by whoever has the case in hand, and nobody else."""

IMPARTIAL = BY_HAND | {A.TAKE, A.FREEZE, A.UNFREEZE, A.UNDO, A.NOTE}
"""Not done by somebody who has an interest of their own in the case."""


@dataclass(frozen=True, kw_only=True)
class Situation:
    """How a case stands for one reviewer.

    ``holder`` is who else has it in hand, ``conflict`` why this reviewer must not decide, both empty for none;
    ``is_declared`` is true where the reviewer said so. ``is_own_proposal``: they are the first of two. ``is_fresh``:
    it was decided so lately that the decision can be undone.
    """

    kind: CaseKind
    state: CaseState
    is_mine: bool = False
    holder: str = ""
    conflict: str = ""
    is_declared: bool = False
    is_own_proposal: bool = False
    is_fresh: bool = False
    is_frozen: bool = False


@dataclass(frozen=True)
class Option:
    """One thing that a reviewer could do; ``reason`` says why not, where it is not allowed. ``is_barred``: never by
    this reviewer, whatever becomes of the case."""

    action: DeskAction
    allowed: bool
    reason: str = ""
    is_barred: bool = False

    def __bool__(self) -> bool:
        return self.allowed


def options(situation: Situation) -> list[Option]:
    """All that there is to do at the desk, each with whether it may be done now."""
    return [option(action, situation) for action in DeskAction]


def option(action: DeskAction, situation: Situation) -> Option:
    if situation.conflict and action in IMPARTIAL:
        return Option(action, False, situation.conflict, is_barred=True)
    reason = _misfit(action, situation) or _hindrance(action, situation)
    return Option(action, not reason, reason)


def _misfit(action: DeskAction, situation: Situation) -> str:
    """What in the case itself stands against it."""
    if situation.state not in WHEN.get(action, tuple(CaseState)):
        return _t("That can't be done now: the case is in the state “%(state)s”.") % {"state": situation.state.label}
    if action in {A.FREEZE, A.UNFREEZE}:
        return _unfrozen(action, situation)
    if action is A.LOOK_AGAIN and situation.kind is CaseKind.DISPUTE:
        return _t("A dispute is for people alone; there is nothing for a machine to check.")
    if action is A.UNDO and not situation.is_fresh:
        return _t("A decision can be undone within a day. After that an appeal or a dispute is the way.")
    return ""


def _unfrozen(action: DeskAction, situation: Situation) -> str:
    if situation.kind is not CaseKind.DISPUTE:
        return _t("Only a dispute stops new projects.")
    if situation.is_frozen is (action is A.FREEZE):
        return _t("New projects are stopped already.") if situation.is_frozen else _t("New projects are not stopped.")
    return ""


def _hindrance(action: DeskAction, situation: Situation) -> str:
    """What stands against it in who asks, and who has the case in hand."""
    if situation.is_own_proposal and action in {A.TAKE, A.CONFIRM, A.DISAGREE}:
        return _t("You proposed this decision; another reviewer agrees or disagrees.")
    if situation.holder and action in BY_HAND | {A.TAKE, A.FREEZE, A.UNFREEZE}:
        return _t("%(who)s has it in hand.") % {"who": situation.holder}
    if action is A.TAKE and situation.is_mine:
        return _t("You have it in hand.")
    if not situation.is_mine and action in BY_HAND | {A.LEAVE}:
        return _t("Take the case first.")
    if action is A.DECLARE and situation.is_declared:
        return _t("You declared it already.")
    return ""
